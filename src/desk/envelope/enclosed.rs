//! What a mail can be besides somebody's words: a report, an invitation, a sealed letter, a letter passed on.

use serde::{Deserialize, Serialize};

use super::Address;
use crate::clock::Ts;
use crate::ids::MessageId;

/// What a mail system, or an automatic answer, tells about a message of ours.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    pub kind: ReportKind,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<Recipient>,
    /// The ids, without brackets, of the message that it is about, as far as it says.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub message_ids: Vec<String>,
    /// The message of ours that it is about, once that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<MessageId>,
}

/// What sort of report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportKind {
    /// It did not arrive and will not.
    #[default]
    Failed,
    /// It has not arrived yet.
    Delayed,
    /// It arrived.
    Delivered,
    /// Its reader opened it.
    Read,
    /// Its reader threw it away unread.
    Unread,
    /// Its reader called it spam.
    Complaint,
    /// Nobody is there; somebody will be later, or never.
    Away,
}

impl ReportKind {
    /// As agents see it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Failed => "Not delivered",
            Self::Delayed => "Delivery delayed",
            Self::Delivered => "Delivered",
            Self::Read => "Read receipt",
            Self::Unread => "Deleted unread",
            Self::Complaint => "Reported as spam",
            Self::Away => "Out of office",
        }
    }
}

/// What became of a message for one of those it was sent to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Recipient {
    /// In lower case.
    pub address: String,
    /// The address that the message was sent to, where a forwarder changed it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub original: String,
    /// The enhanced status code (RFC 3463): `5.1.1`; empty when none was given.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub status: String,
    /// What the server said, in its own words.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub said: String,
}

/// How the receiving server judged where a mail comes from (RFC 8601), in its words: `pass`, `fail`, `softfail`, `none` …; empty where it says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Checks {
    /// Who judged.
    pub by: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub spf: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub dkim: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub dmarc: String,
}

impl Checks {
    /// Whether the address that it names as its sender is probably not who sent it.
    pub fn failed(&self) -> bool {
        match &*self.dmarc {
            "fail" | "permerror" => true,
            "pass" | "bestguesspass" => false,
            _ => self.spf == "fail" && self.dkim == "fail",
        }
    }
}

/// How a mail is signed or sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protection {
    SmimeSealed,
    /// Signed together with its content, which only a program that knows S/MIME can open.
    SmimeOpaque,
    SmimeSigned,
    PgpSealed,
    PgpSigned,
}

impl Protection {
    /// A short name.
    pub const fn label(self) -> &'static str {
        match self {
            Self::SmimeSealed | Self::PgpSealed => "Encrypted",
            Self::SmimeOpaque | Self::SmimeSigned | Self::PgpSigned => "Signed",
        }
    }

    /// What an agent should know of it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::SmimeSealed => {
                "This message is encrypted (S/MIME) and cannot be read here. Whoever holds the key can open the attached file in their mail program."
            }
            Self::SmimeOpaque => {
                "This message is signed in a way (S/MIME) that hides its words from this desk. Open the attached file in a mail program, or ask for it unsigned."
            }
            Self::SmimeSigned => "Signed with S/MIME. The signature was not checked.",
            Self::PgpSealed => {
                "This message is encrypted (PGP) and cannot be read here. Whoever holds the key can open the attached file in their mail program."
            }
            Self::PgpSigned => "Signed with PGP. The signature was not checked.",
        }
    }

    /// Whether its words cannot be read here.
    pub const fn hides(self) -> bool {
        matches!(self, Self::SmimeSealed | Self::SmimeOpaque | Self::PgpSealed)
    }
}

/// A calendar entry that came along (RFC 5545).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Invitation {
    /// `request`, `cancel`, `reply` …, in lower case.
    pub method: String,
    pub summary: String,
    pub place: String,
    /// Who invites.
    pub organizer: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starts: Option<Ts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends: Option<Ts>,
    /// The days as written, where it has no time of day or one of no known zone.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub day: String,
    /// Whether it happens more than once.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub repeats: bool,
    /// How many are asked.
    pub asked: usize,
}

impl Invitation {
    /// What it is.
    pub fn title(&self) -> &'static str {
        match &*self.method {
            "cancel" => "Cancelled appointment",
            "reply" => "Answer to an invitation",
            "counter" => "Another time is proposed",
            "publish" | "" => "Appointment",
            _ => "Invitation",
        }
    }
}

/// A message that came as a file, readable in place.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Forwarded {
    pub from: Address,
    pub subject: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Ts>,
    /// Its words, cut to what a page can hold.
    pub body: String,
}
