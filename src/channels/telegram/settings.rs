//! What a bot's channel is configured with.

use serde::{Deserialize, Serialize};

use crate::channels::wire::Field;

/// What an admin enters.
pub const FIELDS: &[Field] = &[
    Field::secret("token", "Bot token", "As BotFather gives it: 123456789:AAE…"),
    Field::chosen("hook_token"),
    Field::base("https://api.telegram.org"),
];

/// Kept as plain JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Where the Bot API is; another one for a server of one's own.
    pub base: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self { base: "https://api.telegram.org".to_owned() }
    }
}

/// Kept sealed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Secrets {
    /// As BotFather gives it: `123456789:AAE…`.
    pub token: String,
    /// What Telegram sends along with each webhook; chosen by us when the channel is made.
    pub hook_token: String,
}
