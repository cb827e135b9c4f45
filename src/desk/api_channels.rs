//! Channels of the shop's own making: a program tells what customers say somewhere, and is told what agents answer. Both doors read this: the
//! API, which takes and stores, and the channel's folder, which understands and sends.

use serde::{Deserialize, Deserializer, Serialize};
use sqlx::PgConnection;
use subtle::ConstantTimeEq as _;
use utoipa::ToSchema;

use crate::clock::Ts;
use crate::desk::channels::{self, Channel};
use crate::desk::kinds::ChannelKind;
use crate::desk::networks::{MediaKind, Who};
use crate::ids::ChannelId;
use crate::secrets;

/// The longest answer that a channel may be set to, in characters.
pub const MAX_TEXT_LIMIT: usize = 100_000;

/// How such a channel is set; kept as plain JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Where answers are posted; empty: none leave this way.
    pub url: String,
    /// Customers are believed only with the hash of their identifier.
    pub prove: bool,
    /// Agents may answer.
    pub answers: bool,
    /// The longest answer, in characters.
    pub text_limit: usize,
    /// Hours after the customer's last word in which they may be answered; `None`: always.
    pub window_hours: Option<i64>,
    /// What is said here everybody can read, unless a message says otherwise.
    pub public: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { url: String::new(), prove: false, answers: true, text_limit: 10_000, window_hours: None, public: false }
    }
}

impl Settings {
    /// The settings of a channel. What an older or newer version wrote and this one cannot read counts as not set.
    pub fn of(channel: &Channel) -> Self {
        channel.settings().unwrap_or_default()
    }

    /// Whether answers can leave.
    pub fn sends(&self) -> bool {
        self.answers && !self.url.is_empty()
    }
}

/// What opens and signs; kept sealed.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Secrets {
    /// Of the channel's key, which opens its door: the SHA-256 in hexadecimal digits. The key itself is nowhere.
    pub key: String,
    /// Signs what we post.
    pub outgoing: String,
    /// Proves who a customer is.
    pub identifiers: String,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets(…)")
    }
}

impl Secrets {
    /// Whether a key opens the channel's door; compared in constant time.
    pub fn opens(&self, key: &str) -> bool {
        let same: bool = hex::encode(secrets::hash(key)).as_bytes().ct_eq(self.key.as_bytes()).into();
        same && !self.key.is_empty()
    }

    /// A new key for the door: as shown once; what is kept of it is set.
    pub fn renew_key(&mut self) -> String {
        let key = format!("spc_{}", secrets::token());
        self.key = hex::encode(secrets::hash(&key));
        key
    }
}

/// Whether programs may speak through this channel's door. Others of its kind only carry tickets that were made by the API.
pub fn has_door(channel: &Channel) -> bool {
    channel.kind == ChannelKind::Api && channel.address.is_some()
}

/// The channel of this name in addresses, or of this number.
pub async fn find(db: &mut PgConnection, key: &str) -> sqlx::Result<Option<Channel>> {
    let found = match channels::find_by_address(db, ChannelKind::Api, key).await? {
        None => match key.parse::<ChannelId>() {
            Ok(id) => channels::find(db, id).await?,
            Err(_) => None,
        },
        found => found,
    };
    Ok(found.filter(has_door))
}

/// One thing that a program told, as it is stored until it is understood.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Told {
    Message {
        message: Box<NewMessage>,
        /// The hash of the identifier was right.
        proven: bool,
        /// What came along, stored already.
        #[serde(default)]
        files: Vec<KeptFile>,
    },
    Edit {
        id: String,
        edit: Edit,
    },
    Removal {
        id: String,
        at: Option<Ts>,
    },
    Reaction {
        id: String,
        reaction: Reaction,
    },
    Progress(NewStatus),
}

/// A file in the blob store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptFile {
    pub name: String,
    pub media_type: String,
    /// In hexadecimal digits.
    pub sha256: String,
}

/// What a customer said.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMessage {
    /// Yours: the same id on the same channel is the same message, and is kept once. A number will do. At most 200 bytes.
    #[serde(deserialize_with = "word")]
    #[schema(example = "comment-981")]
    pub id: String,
    /// What belongs together becomes one ticket: a thread, an order, a review. The contact's identifier if not said.
    #[serde(default, deserialize_with = "maybe_word", skip_serializing_if = "Option::is_none")]
    #[schema(example = "post-12:comment-981")]
    pub conversation: Option<String>,
    pub contact: NewContact,
    /// Plain text of at most 200,000 bytes. May be empty where there are attachments or a review.
    #[serde(default)]
    pub text: String,
    /// For the ticket that begins with it; made from the text if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Two letters; told from the text if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Files at public addresses, fetched at once. To send the content itself, see the description.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Link>,
    /// Your id of the message that it answers.
    #[serde(default, deserialize_with = "maybe_word", skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// When it was said: RFC 3339, or seconds since 1970.
    #[serde(default, deserialize_with = "moment", skip_serializing_if = "Option::is_none")]
    pub at: Option<Ts>,
    /// Everybody can read it, and the answer. As the channel is set if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public: Option<bool>,
    /// The page or post that it stands under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post: Option<NewPost>,
    /// Stars or a recommendation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<NewReview>,
    /// `shop`: one of ours said it, there and not here; it joins the conversation and leaves nobody waiting.
    #[serde(default)]
    pub by: By,
}

/// Who said something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum By {
    #[default]
    Customer,
    Shop,
}

impl From<By> for Who {
    fn from(by: By) -> Self {
        match by {
            By::Customer => Self::Customer,
            By::Shop => Self::Shop,
        }
    }
}

/// The customer. In a message of the shop's too: whom it was said to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewContact {
    /// What they are known by at your end; the same identifier is the same customer. At most 200 bytes.
    #[serde(deserialize_with = "word")]
    #[schema(example = "user-42")]
    pub identifier: String,
    /// HMAC-SHA256 of the identifier with the channel's secret for identifiers, in hexadecimal digits. Must be given where the channel asks
    /// for it; where it is given, it must be right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identifier_hash: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Where their picture is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    /// You have made sure that the mail address and the phone number are theirs: tickets that came from these join the same customer. Also so
    /// where the hash was right. Else they are shown and prove nothing.
    #[serde(default)]
    pub verified: bool,
}

/// A file at an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// Begins with `https://`. At most 20 MiB.
    pub url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// What a public message stands under.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPost {
    #[serde(deserialize_with = "word")]
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its title or its first words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
}

/// A rating.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReview {
    /// 1 to 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stars: Option<u8>,
    /// Where there are no stars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recommends: Option<bool>,
}

/// What a message says now. What is not said stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<NewReview>,
    /// Hidden from the public, or shown again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<bool>,
    /// It had been taken back and is there again; `text` is what it says.
    #[serde(default)]
    pub restored: bool,
    /// RFC 3339, or seconds since 1970.
    #[serde(default, deserialize_with = "moment", skip_serializing_if = "Option::is_none")]
    pub at: Option<Ts>,
}

/// An emoji on a message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reaction {
    /// Null takes it away.
    #[schema(example = "👍")]
    pub emoji: Option<String>,
    #[serde(default)]
    pub by: By,
    #[serde(default, deserialize_with = "moment", skip_serializing_if = "Option::is_none")]
    pub at: Option<Ts>,
}

/// How far an answer has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewStatus {
    /// The id that you gave the answer when you took it; `message.id` of what we posted where you gave none.
    #[serde(deserialize_with = "word")]
    pub id: String,
    pub status: Progress,
    /// Why it failed, in words for the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, deserialize_with = "moment", skip_serializing_if = "Option::is_none")]
    pub at: Option<Ts>,
}

/// A step of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    Delivered,
    Read,
    Failed,
}

/// What a file is, by its media type.
pub fn media_kind(media_type: &str) -> MediaKind {
    match media_type.split('/').next() {
        Some("image") => MediaKind::Picture,
        Some("video") => MediaKind::Video,
        Some("audio") => MediaKind::Voice,
        _ => MediaKind::File,
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum TextOrNumber {
    Text(String),
    Number(i64),
}

/// A text or a number.
fn word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match TextOrNumber::deserialize(deserializer)? {
        TextOrNumber::Text(text) => text,
        TextOrNumber::Number(number) => number.to_string(),
    })
}

fn maybe_word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<TextOrNumber>::deserialize(deserializer)?.map(|word| match word {
        TextOrNumber::Text(text) => text,
        TextOrNumber::Number(number) => number.to_string(),
    }))
}

/// RFC 3339, or seconds since 1970 as a number or a text.
fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Ts>, D::Error> {
    use serde::de::Error as _;
    let wrong = || D::Error::custom("not a moment: RFC 3339 such as 2026-11-22T08:30:00Z, or seconds since 1970");
    let seconds = |seconds: i64| jiff::Timestamp::from_second(seconds).map(Ts).map_err(|_| wrong());
    match Option::<TextOrNumber>::deserialize(deserializer)? {
        None => Ok(None),
        Some(TextOrNumber::Number(number)) => seconds(number).map(Some),
        Some(TextOrNumber::Text(text)) => match text.parse::<jiff::Timestamp>() {
            Ok(at) => Ok(Some(Ts(at))),
            Err(_) => seconds(text.trim().parse().map_err(|_| wrong())?).map(Some),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_moments_may_be_numbers() {
        let told = serde_json::json!({ "id": 7, "contact": { "identifier": 42 }, "text": "x", "at": 1_791_000_000, "reply_to": 6 });
        let message: NewMessage = serde_json::from_value(told).expect("a message");
        assert_eq!((&*message.id, &*message.contact.identifier, message.reply_to.as_deref()), ("7", "42", Some("6")));
        assert_eq!(message.at.map(|at| at.0.as_second()), Some(1_791_000_000));
        let again = Told::Message { message: Box::new(message), proven: true, files: Vec::new() };
        let stored = serde_json::to_vec(&again).expect("plain data");
        assert_eq!(serde_json::from_slice::<Told>(&stored).expect("what was stored"), again);
        assert!(serde_json::from_value::<Edit>(serde_json::json!({ "at": "yesterday" })).is_err());
    }

    #[test]
    fn only_the_key_opens_the_door() {
        let mut secrets = Secrets::default();
        assert!(!secrets.opens(""));
        let key = secrets.renew_key();
        assert!(secrets.opens(&key) && !secrets.opens("spc_other") && !secrets.opens(""));
    }
}
