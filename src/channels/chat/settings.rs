//! How a shop's chat looks, what it asks, and where it may stand.

use serde::{Deserialize, Serialize};

use crate::desk::channels::Channel;
use crate::i18n::{self, Language, Texts};
use crate::ids::{ChannelId, TeamId};
use crate::text::slugs;

/// The longest list of topics, of greetings and of sites.
pub const MAX_ITEMS: usize = 30;

/// On which side of the shop's page the launcher stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    Left,
    #[default]
    Right,
}

/// Whether a short form comes before the first word.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Before {
    None,
    #[default]
    Optional,
    Required,
}

/// What the short form may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    Name,
    Email,
    Order,
    Topic,
}

impl Field {
    /// In the order in which they are asked.
    pub const ALL: [Self; 4] = [Self::Name, Self::Email, Self::Order, Self::Topic];
}

/// Something customers chat about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Topic {
    /// Stays the same when labels change.
    pub key: String,
    pub labels: Texts,
    /// Who answers these chats instead of the channel's own team.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamId>,
}

/// A greeting that shows by itself, if somebody is there to answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Greeting {
    pub id: String,
    pub text: Texts,
    /// Part of the page's address, `*` standing for anything; empty: every page.
    pub url: String,
    /// Seconds on the page.
    pub seconds: u32,
    /// The least worth of the cart, as the shop's page tells it; 0: any.
    pub min_cart: u32,
}

/// A chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    pub greeting: Texts,
    /// In the order of preference for visitors whose own is not among them; empty: all.
    pub languages: Vec<Language>,
    /// The shop's own colour where empty.
    pub accent: String,
    pub position: Side,
    pub before: Before,
    pub fields: Vec<Field>,
    pub topics: Vec<Topic>,
    /// What has to be agreed to before the first word; empty: nothing.
    pub consent: Texts,
    /// A picture of the team, as a blob's SHA-256 in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team_photo: Option<String>,
    pub greetings: Vec<Greeting>,
    /// The longest queue in which another visitor may still wait.
    pub queue_limit: i64,
    /// Whether visitors may ask to be called.
    pub callback: bool,
    /// The contact form that is always offered; the desk's first when none is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form: Option<ChannelId>,
    /// The shop's own help pages.
    pub help: String,
    pub privacy: String,
    /// Sites that may show the chat, as `https://shop.example`; empty: any.
    pub origins: Vec<String>,
    /// Belongs to the sample shop.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub demo: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            greeting: Texts::default(),
            languages: Vec::new(),
            accent: String::new(),
            position: Side::default(),
            before: Before::default(),
            fields: vec![Field::Name, Field::Email],
            topics: Vec::new(),
            consent: Texts::default(),
            team_photo: None,
            greetings: Vec::new(),
            queue_limit: 10,
            callback: true,
            form: None,
            help: String::new(),
            privacy: String::new(),
            origins: Vec::new(),
            demo: false,
        }
    }
}

impl Settings {
    /// The settings of a chat's row. What cannot be read takes its default: a visitor sees a chat in any case.
    pub fn of(channel: &Channel) -> Self {
        channel.settings().unwrap_or_else(|error| {
            tracing::error!(channel = %channel.id, %error, "the settings of a chat cannot be read; it is shown in its plainest shape");
            Self::default()
        })
    }

    /// The languages offered, never none.
    pub fn offered(&self) -> &[Language] {
        i18n::offered(&self.languages)
    }

    /// The language for those whose own is not offered.
    pub fn fallback(&self, desk: Language) -> Language {
        i18n::fallback(&self.languages, desk)
    }

    /// The language for a visitor.
    pub fn language(&self, asked: &str, accept_language: &str, desk: Language) -> Language {
        i18n::choose(&self.languages, asked, accept_language, desk)
    }

    /// The `frame-ancestors` of the chat's document. Our own pages (the sample shop, the preview) may always show it.
    pub fn frame_ancestors(&self) -> String {
        slugs::frame_ancestors(&self.origins)
    }
}

/// What is kept sealed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Secrets {
    /// The shop signs its customers' ids with it: lower-case hexadecimal HMAC-SHA256, this text being the key as it stands.
    pub identity: String,
}
