//! Networks: whatever carries messages by webhook and API, private and public. Here is what they tell and what they can do, in words that no
//! provider has; their folders under `channels` translate.

pub mod abilities;
pub mod acts;
pub mod marks;
pub mod notices;
pub mod parts;
pub mod retell;
pub mod say;
pub mod take;

use serde::{Deserialize, Serialize};

use crate::clock::Ts;
use crate::desk::calls::{CallFacts, CallNews};
use crate::desk::kinds::{ChannelKind, IdentityKind};
use crate::ids::{MessageId, PartId};

/// One thing that a provider tells. A webhook carries many, in any order, more than once.
#[derive(Debug, Clone, PartialEq)]
pub enum Happening {
    /// Somebody said something: the customer, or we ourselves by other means.
    Said(Box<Said>),
    /// Something about a message that was said before, named by the provider's id of it.
    Noticed { target: String, notice: Notice },
    /// Everything that we sent in a conversation until a moment has come so far.
    Reached { conversation: String, until: Ts, step: Step },
    /// What concerns the account rather than a conversation.
    Account(AccountNews),
    /// A telephone call rings, is answered, ends, was recorded.
    Call(Box<CallNews>),
}

/// Something about a message; it may come before the message itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Notice {
    /// Its words are others now.
    Edited { text: String, at: Option<Ts> },
    /// Its author, or a moderator, took it back. What it said is no longer to be shown.
    Removed { at: Option<Ts> },
    /// It had been taken back and is there again, with these words.
    Restored { text: String, at: Option<Ts> },
    /// A public message was hidden (`true`) or shown again by somebody of ours, outside the desk.
    Hidden { hidden: bool },
    /// An emoji on it; `None` takes it away.
    Reacted { by: Who, emoji: Option<String>, at: Option<Ts> },
    /// How far our message has come. `part`: it is that one beyond doubt, for the provider carried our mark ([`mark`]).
    Progress { step: Step, part: Option<PartId>, at: Option<Ts> },
    /// A message that came before it answers it.
    Quoted { by: MessageId },
    /// The rating that came with it is another now.
    Rated { review: Review },
}

/// Who did something on a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    Customer,
    /// The shop: an agent here, or somebody in the provider's own app.
    Shop,
}

/// A message as a network told it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Said {
    /// The provider's id, unique on the channel.
    pub id: String,
    /// The key of the conversation: all messages with it belong to one ticket (`dm:<user>`, `comment:<post>:<top comment>`).
    pub conversation: String,
    /// Other keys that the same conversation may go by: where none is known by `conversation`, it is looked for under these.
    pub aliases: Vec<String>,
    /// Everybody can read it.
    pub public: bool,
    /// We said it: here, or in the provider's own app.
    pub echo: Option<Echo>,
    /// The customer of this conversation, also when it is our own message that came back.
    pub person: Person,
    pub text: String,
    /// When it was said, by the provider's clock.
    pub at: Option<Ts>,
    /// The provider's id of the message that it answers or quotes.
    pub reply_to: Option<String>,
    /// Pictures, voice, files: to be fetched at once, for their addresses run out.
    pub media: Vec<Media>,
    pub extras: Extras,
    /// The public post around it.
    pub post: Option<Post>,
    /// A rating that came with it.
    pub review: Option<Review>,
    /// For tickets that begin with it; empty: made from the text.
    pub subject: String,
    /// Two letters, where the provider tells.
    pub language: Option<String>,
    /// Whether it gives us the right to answer for a while. Clicks do, as words do.
    pub opens_window: bool,
}

/// Our own message, coming back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Echo {
    /// Ours beyond doubt, if the provider carried our mark ([`mark`]).
    pub part: Option<PartId>,
    /// The app it was sent from, if it tells one.
    pub app: Option<String>,
}

/// Somebody on a network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Person {
    /// What they are known by there, unique among all accounts of the network that a shop may connect.
    pub identity: Option<(IdentityKind, String)>,
    /// Further addresses that are surely theirs (a phone number beside a user id).
    pub also: Vec<(IdentityKind, String)>,
    pub name: String,
    /// `@annav`, without the sign.
    pub handle: Option<String>,
    /// Where their picture is, if the message told it.
    pub picture: Option<String>,
    /// How many follow them.
    pub followers: Option<i64>,
}

/// Something to fetch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Media {
    pub kind: MediaKind,
    /// Where it is, or the id by which the provider gives it out: the channel's folder knows which.
    pub source: String,
    pub name: Option<String>,
    pub media_type: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaKind {
    Picture,
    Video,
    Voice,
    Sticker,
    #[default]
    File,
}

impl MediaKind {
    /// The word on an agent's screen.
    pub fn label(self) -> &'static str {
        match self {
            Self::Picture => "Picture",
            Self::Video => "Video",
            Self::Voice => "Voice message",
            Self::Sticker => "Sticker",
            Self::File => "File",
        }
    }
}

/// What a message carries beside words and files; kept as JSON on its row.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Extras {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// Visiting cards that were passed on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cards: Vec<Card>,
    /// Answers to a story of ours, or mentions us in one of theirs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub story: Option<Story>,
    /// A button or a quick reply was pressed: what it sends behind its words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    /// The advertisement, link or product they came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub came_from: Option<String>,
    /// Passed on from somebody else.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub forwarded: bool,
    /// A kind of message that is not understood: what the provider calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsupported: Option<String>,
    /// What could not be fetched, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// The app that our message was sent from, if not the desk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// What it said before it was edited, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<Before>,
    /// Stars or a recommendation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review: Option<Review>,
    /// The template that an outgoing message is made of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<serde_json::Value>,
    /// We deleted it on the network; only the team still sees it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
    /// It is a telephone call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<CallFacts>,
    /// A newer answer of ours took its place on the network; only the team still sees it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub replaced: bool,
    /// It does not call us by name: networks that take public answers only by invitation take none to it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub uncalled: bool,
    /// It goes to a commenter privately.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_reply_to: Option<String>,
}

impl Extras {
    /// What a list says of a message that has no words; empty when nothing of this is there.
    pub fn in_words(&self) -> &'static str {
        if let Some(call) = &self.call {
            call.in_words()
        } else if self.unsupported.is_some() {
            "(A kind of message that cannot be shown here)"
        } else if self.location.is_some() {
            "(Location)"
        } else if !self.cards.is_empty() {
            "(Contact)"
        } else if self.story.is_some() {
            "(Story)"
        } else if self.review.is_some() {
            "(Rating without words)"
        } else if !self.missing.is_empty() {
            "(A file that could not be fetched)"
        } else {
            ""
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Location {
    pub latitude: f64,
    pub longitude: f64,
    pub name: String,
    pub address: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Card {
    pub name: String,
    pub phones: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Story {
    /// They mention us in theirs; else they answer ours.
    pub mention: bool,
    pub url: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    pub at: Ts,
    pub text: String,
}

/// A rating given in public.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Review {
    /// 1 … 5.
    pub stars: Option<u8>,
    /// Recommended or not, where there are no stars.
    pub recommends: Option<bool>,
}

impl Review {
    /// Two stars or fewer, or not recommended.
    pub fn is_negative(&self) -> bool {
        self.stars.is_some_and(|stars| stars <= 2) || self.recommends == Some(false)
    }
}

/// The public post that a comment stands under.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Post {
    pub id: String,
    pub url: Option<String>,
    pub text: Option<String>,
    pub author: Option<String>,
    pub picture: Option<String>,
}

/// The steps of an outgoing message. One that comes late never takes it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    Sent,
    Delivered,
    Read,
    /// The provider will not bring it after all.
    Failed(Fault),
}

/// What concerns the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountNews {
    /// The provider no longer lets us in; in words for an admin.
    SignInLost(String),
    /// To be shown on the channel's page.
    Notice(String),
    /// This customer no longer wants (`true`), or wants again, to hear from us.
    Blocked { conversation: String, blocked: bool },
    /// The conversation goes by another name from now on.
    Renamed { from: String, to: String },
    /// The customer of this conversation has these addresses too.
    Known { conversation: String, identities: Vec<(IdentityKind, String)> },
}

/// Why a provider did not do what was asked, by what helps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The channel must be connected again; nothing else can be sent until then.
    #[error("{0}")]
    SignIn(String),
    /// Not now, not in this form: the time for free answers is over.
    #[error("{0}")]
    Window(String),
    /// This customer cannot be reached: blocked us, gone, opted out.
    #[error("{0}")]
    Recipient(String),
    /// It will be refused however often it is tried.
    #[error("{0}")]
    Permanent(String),
    /// Worth another try; after so many seconds if the provider says so.
    #[error("{words}")]
    Later { words: String, after: Option<i64> },
    /// It may have arrived: the answer did not come back.
    #[error("{0}")]
    Unsure(String),
}

impl Fault {
    /// The class, as rows and screens name it.
    pub fn class(&self) -> &'static str {
        match self {
            Self::SignIn(_) => "sign_in",
            Self::Window(_) => "window",
            Self::Recipient(_) => "recipient",
            Self::Permanent(_) => "permanent",
            Self::Later { .. } => "later",
            Self::Unsure(_) => "unsure",
        }
    }
}

/// The mark that we put on what we send where a provider carries one: it tells our own message when it comes back.
pub fn mark(part: PartId) -> String {
    format!("sportello:{part}")
}

/// Reads a [`mark`].
pub fn parse_mark(text: &str) -> Option<PartId> {
    text.strip_prefix("sportello:")?.parse().ok()
}

/// One element of what came in: whose account it is about, and what it tells or why it could not be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Element {
    /// The account, where a provider sends several to one address; `None`: the channel that it was sent to.
    pub account: Option<(ChannelKind, String)>,
    /// `Err`: in words for the operator; the rest of the batch is not its fault.
    pub told: Result<Happening, String>,
}

impl Element {
    /// About the channel that it was sent to.
    pub fn here(told: Happening) -> Self {
        Self { account: None, told: Ok(told) }
    }

    /// About the account of this id.
    pub fn of(kind: ChannelKind, account: impl Into<String>, told: Happening) -> Self {
        Self { account: Some((kind, account.into())), told: Ok(told) }
    }
}
