//! The waist of the hourglass: whatever a channel understands becomes an [`Incoming`], whatever an agent
//! sends becomes an [`Outgoing`]. Nothing behind them knows which provider is on the other side.

mod enclosed;

use std::ops::Range;

pub use enclosed::{Checks, Forwarded, Invitation, Protection, Recipient, Report, ReportKind};
use serde::{Deserialize, Serialize};

use crate::clock::Ts;

/// A name and an address as a wire gave them; the name may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    #[serde(default)]
    pub name: String,
    pub address: String,
}

/// What the wire said around the message; kept as JSON beside it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Envelope {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Address>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reply_to: Vec<Address>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<Address>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cc: Vec<Address>,
    /// Whom the others do not see; no letter carries them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bcc: Vec<Address>,
    pub subject: String,
    /// What ends a letter of ours, below its words.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub signature: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_reply_to: Option<String>,
    /// Message ids without brackets, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
    /// Quick answers offered along with it, where the channel knows them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// Carries what was said in a chat already, for a customer who had left.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub copy: bool,
    /// What it reports about a message of ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<Report>,
    /// Whether it comes from where it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checks: Option<Checks>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protection: Option<Protection>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invitation: Option<Invitation>,
    /// Messages that came as files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub forwarded: Vec<Forwarded>,
}

impl Envelope {
    /// Whether the receiving server says that it does not come from the address that it names.
    pub fn is_forged(&self) -> bool {
        self.checks.as_ref().is_some_and(Checks::failed)
    }
}

/// How a message says which ticket it belongs to, in the order in which it is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ThreadHint {
    /// The local part of a recipient that may carry a signed reply token (`help+t42-k7f3q2abcd`).
    Recipient(String),
    /// A message id without brackets, from In-Reply-To.
    InReplyTo(String),
    /// A message id without brackets, from References; the newest comes first.
    Reference(String),
    /// Any other key of the channel (a chat, a provider's thread).
    Key(String),
}

/// A file that came with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncomingFile {
    pub name: String,
    pub media_type: String,
    pub bytes: Vec<u8>,
    /// Without brackets, where the HTML refers to it as `cid:`.
    pub content_id: Option<String>,
    pub inline: bool,
}

/// One message from a customer, understood.
#[derive(Debug, Clone, Default)]
pub struct Incoming {
    /// The provider's own id: the same id on the same channel is the same message.
    pub provider_id: String,
    pub thread: Vec<ThreadHint>,
    /// Who writes; for mail the From address in lower case.
    pub from: Address,
    pub subject: String,
    /// Whoever took it for spam on the way here, in words; `None`: nobody did.
    pub junk: Option<String>,
    /// The whole text, quoted history included.
    pub body: String,
    /// Byte range of `body` that is quoted history; empty when nothing is.
    pub quote: Range<usize>,
    /// Sanitised already.
    pub html: Option<String>,
    /// Two letters, where it could be told.
    pub language: Option<String>,
    pub envelope: Envelope,
    /// Why this is taken for a machine's message, if it is.
    pub automatic: Option<String>,
    pub bounce: bool,
    pub files: Vec<IncomingFile>,
    /// When its author sent it, if they say so.
    pub sent_at: Option<Ts>,
    /// What a form asked besides the message: label and answer, in the form's order.
    pub details: Vec<(String, String)>,
}

/// A file to send.
#[derive(Debug, Clone)]
pub struct OutgoingFile {
    pub name: String,
    pub media_type: String,
    pub bytes: Vec<u8>,
    /// Under which it stands within the words; it is a file as any other where they do not name it.
    pub content_id: Option<String>,
}

/// A file that is too large for the letter and waits to be fetched.
#[derive(Debug, Clone)]
pub struct LinkedFile {
    pub name: String,
    /// "12.4 MB".
    pub size: String,
    pub url: String,
}

/// What a reply answers, to be quoted below it.
#[derive(Debug, Clone)]
pub struct Quoted {
    pub author: String,
    pub at: Ts,
    pub text: String,
}

/// One message to a customer, ready to be put into a provider's words.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// Minted before the first attempt, so that every attempt is the same message.
    pub provider_id: String,
    pub from: Address,
    /// The signed address that brings the answer back to its ticket.
    pub reply_to: Address,
    pub to: Vec<Address>,
    pub cc: Vec<Address>,
    /// Named to the server only.
    pub bcc: Vec<Address>,
    pub subject: String,
    pub body: String,
    /// Stands below the words; empty: none.
    pub signature: String,
    /// A small picture of who writes, as JPEG.
    pub face: Option<Vec<u8>>,
    pub language: String,
    pub in_reply_to: Option<String>,
    pub references: Vec<String>,
    pub quoted: Option<Quoted>,
    pub files: Vec<OutgoingFile>,
    /// Files behind links, and the sentence above them.
    pub linked: Vec<LinkedFile>,
    pub linked_words: String,
    /// Sent by the desk itself and to be marked as such (Auto-Submitted).
    pub automatic: bool,
    pub date: Ts,
}
