//! What an SMS channel is configured with.

use serde::{Deserialize, Serialize};

use crate::channels::twilio;
use crate::channels::wire::Field;
use crate::desk::channels::Channel;

/// What an admin enters.
pub const FIELDS: &[Field] = &[
    Field::plain("account_sid", "Account SID", "AC…, on the first page of Twilio’s console."),
    Field::secret("auth_token", "Auth token", "Beside it: it signs what Twilio sends."),
    Field::plain("from", "Number", "The one that sends and receives, as +390612345678."),
    Field::plain("messaging_service_sid", "Messaging service SID", "MG…, if a messaging service is to pick the sender.")
        .optional()
        .advanced(),
    Field::base(twilio::API),
];

/// Kept as plain JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Where Twilio's API is.
    pub base: String,
    /// `AC…`
    pub account_sid: String,
    /// The number that sends, `+39…`; the channel's address is the same.
    pub from: String,
    /// `MG…`: a messaging service picks the sender; empty: none.
    pub messaging_service_sid: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self { base: twilio::API.to_owned(), account_sid: String::new(), from: String::new(), messaging_service_sid: String::new() }
    }
}

impl Settings {
    /// A channel's.
    pub fn of(channel: &Channel) -> Self {
        let mut settings: Self = channel.settings().unwrap_or_default();
        if settings.from.is_empty() {
            settings.from = channel.address.clone().unwrap_or_default();
        }
        settings
    }
}

/// Kept sealed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Secrets {
    /// The account's: signs the webhooks and lets us in.
    pub auth_token: String,
}
