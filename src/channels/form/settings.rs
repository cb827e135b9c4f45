//! What a contact form asks, in which languages, and where its messages go.

use serde::{Deserialize, Serialize};

use crate::desk::channels::Channel;
pub use crate::i18n::Texts;
use crate::i18n::{self, Language};
use crate::ids::{ChannelId, TeamId};
use crate::text::slugs;
pub use crate::text::slugs::{is_slug, origin, slug};

/// The longest list of topics, of fields, and of options in one field.
pub const MAX_ITEMS: usize = 50;

/// What kind of answer a field takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    #[default]
    Text,
    Textarea,
    Email,
    Phone,
    Number,
    Select,
    Checkbox,
}

impl FieldKind {
    /// In the order in which the editor offers them.
    pub const ALL: [Self; 7] = [Self::Text, Self::Textarea, Self::Select, Self::Checkbox, Self::Email, Self::Phone, Self::Number];

    /// The word in settings and forms.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Textarea => "textarea",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Number => "number",
            Self::Select => "select",
            Self::Checkbox => "checkbox",
        }
    }

    /// The words in the editor.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Text => "One line",
            Self::Textarea => "Several lines",
            Self::Email => "Mail address",
            Self::Phone => "Phone number",
            Self::Number => "Number",
            Self::Select => "One of a list",
            Self::Checkbox => "Yes or no",
        }
    }

    /// The kind of a word.
    pub fn from_word(word: &str) -> Self {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word).unwrap_or_default()
    }
}

/// Something customers really ask about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Topic {
    /// Stays the same when labels change.
    pub key: String,
    pub labels: Texts,
    /// Where messages about it go instead of the form's own team.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamId>,
    /// Names of tags; made when they are first needed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

/// A question besides the usual ones.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Field {
    /// Stays the same when labels change; `subject` is taken for the ticket's subject.
    pub key: String,
    pub kind: FieldKind,
    pub labels: Texts,
    pub required: bool,
    #[serde(skip_serializing_if = "Texts::is_empty")]
    pub help: Texts,
    /// Of [`FieldKind::Select`], in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<Texts>,
}

/// A contact form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    pub titles: Texts,
    pub intro: Texts,
    /// In the order of the language menu, the first being the one for everybody else; empty: all.
    pub languages: Vec<Language>,
    pub topics: Vec<Topic>,
    pub fields: Vec<Field>,
    pub ask_name: bool,
    #[serde(alias = "order_field")]
    pub ask_order: bool,
    /// Whether files may be attached.
    pub files: bool,
    /// The mailbox that answers; the desk's first when none is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_channel: Option<ChannelId>,
    /// Whether one may ask to be called, as far as the desk calls at all.
    pub call_back: bool,
    /// Whether a receipt goes out by mail.
    pub acknowledge: bool,
    /// Sites that may show the form in a frame, as `https://shop.example`; empty: any.
    pub origins: Vec<String>,
    /// What has to be agreed to; empty: nothing.
    #[serde(skip_serializing_if = "Texts::is_empty")]
    pub consent: Texts,
    /// Belongs to the sample shop.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub demo: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            titles: Texts::default(),
            intro: Texts::default(),
            languages: Vec::new(),
            topics: Vec::new(),
            fields: Vec::new(),
            ask_name: true,
            ask_order: true,
            files: true,
            call_back: false,
            reply_channel: None,
            acknowledge: true,
            origins: Vec::new(),
            consent: Texts::default(),
            demo: false,
        }
    }
}

impl Settings {
    /// The settings of a form's row. What cannot be read takes its default: a customer sees a form in any case.
    pub fn of(channel: &Channel) -> Self {
        channel.settings().unwrap_or_else(|error| {
            tracing::error!(channel = %channel.id, %error, "the settings of a form cannot be read; it is shown in its plainest shape");
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

    /// The topic of a key.
    pub fn topic(&self, key: &str) -> Option<&Topic> {
        self.topics.iter().find(|topic| topic.key == key)
    }

    /// The `frame-ancestors` of the form's pages. Our own pages (the sample shop) may always show it.
    pub fn frame_ancestors(&self) -> String {
        slugs::frame_ancestors(&self.origins)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_follow_the_address_then_the_browser() {
        let settings = Settings { languages: vec![Language::It, Language::De], ..Settings::default() };
        assert_eq!(settings.language("de", "it", Language::En), Language::De);
        assert_eq!(settings.language("fr", "de-AT,en;q=0.5", Language::En), Language::De);
        assert_eq!(settings.language("", "fr", Language::En), Language::It);
    }

    #[test]
    fn empty_settings_are_a_form() {
        let settings: Settings = serde_json::from_str("{}").expect("every setting has a default");
        assert_eq!(settings, Settings::default());
    }
}
