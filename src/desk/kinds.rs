//! The closed vocabularies of the desk. Each is an enum in Postgres too, so that no status is ever a loose string.

use std::fmt;
use std::str::FromStr;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident as $sql:literal { $($(#[$vdoc:meta])* $variant:ident = $text:literal $label:literal),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize, serde::Deserialize, sqlx::Type, utoipa::ToSchema,
        )]
        #[serde(rename_all = "snake_case")]
        #[sqlx(type_name = $sql, rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant),* }

        impl $name {
            /// Every value, in the order in which a person would list them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The word in the database, in URLs and in the API.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }

            /// The word on an agent's screen.
            pub const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label),* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownKind;

            fn from_str(text: &str) -> Result<Self, UnknownKind> {
                match text { $($text => Ok(Self::$variant),)* _ => Err(UnknownKind) }
            }
        }
    )*};
}

/// A word that is none of the listed ones.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("not one of the known values")]
pub struct UnknownKind;

kinds! {
    /// What a person may do, each including the ones before.
    Role as "agent_role" {
        Agent = "agent" "Agent",
        Lead = "lead" "Team lead",
        Admin = "admin" "Admin",
    }
    /// How customers reach the desk. The core never branches on it.
    ChannelKind as "channel_kind" {
        Email = "email" "Email",
        Form = "form" "Contact form",
        Chat = "chat" "Live chat",
        Facebook = "facebook" "Facebook",
        Instagram = "instagram" "Instagram",
        Whatsapp = "whatsapp" "WhatsApp",
        Telegram = "telegram" "Telegram",
        X = "x" "X",
        Google = "google" "Google reviews",
        Sms = "sms" "SMS",
        Phone = "phone" "Phone",
        CallBack = "call_back" "Call-backs",
        Api = "api" "API",
    }
    /// What sort of address identifies a contact.
    IdentityKind as "identity_kind" {
        Email = "email" "Email",
        Phone = "phone" "Phone",
        Facebook = "facebook" "Facebook",
        Instagram = "instagram" "Instagram",
        Whatsapp = "whatsapp" "WhatsApp",
        Telegram = "telegram" "Telegram",
        X = "x" "X",
        Google = "google" "Google",
        External = "external" "External id",
    }
    /// Where a ticket stands.
    Status as "ticket_status" {
        Open = "open" "Open",
        /// We have answered and wait for the customer or a third party.
        Pending = "pending" "Pending",
        Snoozed = "snoozed" "Snoozed",
        Solved = "solved" "Solved",
        Spam = "spam" "Spam",
    }
    /// How urgent a ticket is to the desk.
    Priority as "ticket_priority" {
        Low = "low" "Low",
        Normal = "normal" "Normal",
        High = "high" "High",
        Urgent = "urgent" "Urgent",
    }
    /// Who speaks to whom.
    Direction as "message_direction" {
        Inbound = "inbound" "From the customer",
        Outbound = "outbound" "To the customer",
        Note = "note" "Internal note",
    }
    /// How far an outbound message has come.
    DeliveryStatus as "delivery_status" {
        Queued = "queued" "Queued",
        Sending = "sending" "Sending",
        /// It left, and no answer came back: it may have arrived.
        Unsure = "unsure" "Not certain",
        Sent = "sent" "Sent",
        Delivered = "delivered" "Delivered",
        Read = "read" "Read",
        Failed = "failed" "Failed",
    }
    /// What became of something that came in.
    IntakeState as "intake_state" {
        Received = "received" "Received",
        Processed = "processed" "Processed",
        Dropped = "dropped" "Dropped",
        Failed = "failed" "Failed",
    }
    /// What a one-time link is for.
    TokenPurpose as "token_purpose" {
        Invitation = "invitation" "Invitation",
        PasswordReset = "password_reset" "Password reset",
    }
    /// Who may use a canned reply.
    CannedScope as "canned_scope" {
        Everyone = "everyone" "Everyone",
        Team = "team" "One team",
        Personal = "personal" "Only me",
    }
    /// What an agent wishes to be; being there at all is told by their open screen.
    Wish as "presence_wish" {
        Online = "online" "Online",
        /// Keeps their chats and takes no more.
        Busy = "busy" "Busy",
        Away = "away" "Away",
    }
    /// Where a chat stands.
    ChatState as "chat_state" {
        /// Offered to somebody: it rings.
        Ringing = "ringing" "Ringing",
        /// Nobody is free.
        Queued = "queued" "Waiting",
        /// An agent holds it.
        Active = "active" "Active",
        /// Nobody took it; the visitor was offered other ways.
        Parked = "parked" "Not taken",
        /// Goes on by mail, as any ticket does.
        Mail = "mail" "Continues by mail",
        Ended = "ended" "Ended",
    }
    /// What became of an offer.
    OfferOutcome as "offer_outcome" {
        Accepted = "accepted" "Accepted",
        Missed = "missed" "Missed",
        Declined = "declined" "Declined",
        /// Somebody else took it, or the visitor left.
        Withdrawn = "withdrawn" "Withdrawn",
    }
    /// Where a telephone call stands.
    CallState as "call_state" {
        Ringing = "ringing" "Ringing",
        /// Two people talk.
        Active = "active" "In progress",
        Ended = "ended" "Ended",
    }
    /// Where a call stands that a customer waits for.
    CallBackState as "call_back_state" {
        Wanted = "wanted" "To call",
        Done = "done" "Reached",
        /// Nobody answered, the last time too.
        NotReached = "not_reached" "Not reached",
        Withdrawn = "withdrawn" "Withdrawn",
    }
    /// Where a webhook stands that the desk sends.
    WebhookState as "webhook_state" {
        /// On its way, or waiting for its next attempt.
        Queued = "queued" "On its way",
        Sent = "sent" "Delivered",
        /// No further attempt follows.
        Failed = "failed" "Given up",
    }
    /// What became of a public answer that a second person must see first.
    ApprovalState as "approval_state" {
        Waiting = "waiting" "Waits for approval",
        Sent = "sent" "Approved and sent",
        /// Back with its author, with a word of why.
        Returned = "returned" "Returned",
        Withdrawn = "withdrawn" "Withdrawn",
    }
    /// What has been done about a public word of anger or a bad rating.
    AngerState as "anger_state" {
        Waiting = "waiting" "Waiting",
        Answered = "answered" "Answered publicly",
        Private = "private" "Taken private",
        Solved = "solved" "Solved",
        /// Its author has raised the rating.
        Changed = "changed" "Rating changed",
        /// Its author has chosen other words.
        Softened = "softened" "Words changed",
        Removed = "removed" "Removed",
        /// An agent says that nobody is angry.
        Calm = "calm" "Not angry",
    }
}

impl ChatState {
    /// Whether it still is a chat.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Ringing | Self::Queued | Self::Active | Self::Parked)
    }
}

impl DeliveryStatus {
    /// Whether the provider has it, as far as we know.
    pub fn has_left(self) -> bool {
        matches!(self, Self::Sent | Self::Delivered | Self::Read)
    }
}
