//! What a WhatsApp channel is configured with.

use serde::{Deserialize, Serialize};

use crate::channels::meta;
use crate::channels::wire::Field;
use crate::desk::channels::Channel;

/// What an admin enters.
pub const FIELDS: &[Field] = &[
    Field::plain("phone_number_id", "Phone number ID", "A long number, under API setup; not the telephone number itself."),
    Field::plain("waba_id", "WhatsApp Business Account ID", "Beside it: the number’s templates and webhooks hang on it."),
    Field::secret(
        "token",
        "Access token",
        "Of a system user, with whatsapp_business_messaging and whatsapp_business_management; best without an end.",
    ),
    Field::secret("app_secret", "App secret", "Under App settings, Basic: it signs what Meta sends."),
    Field::shown("verify_token", "Verify token", "Meta asks for it where the webhook’s address is entered."),
    Field::base(meta::GRAPH),
    Field::plain("version", "API version", "").with_default(meta::VERSION).optional().advanced(),
];

/// Kept as plain JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Where the Graph API is.
    pub base: String,
    /// Its version, `v25.0`.
    pub version: String,
    /// The id of the phone number, as Meta's dashboard shows it; the channel's address is the same.
    pub phone_number_id: String,
    /// The id of the WhatsApp Business Account that the number belongs to: its templates and its webhooks hang on it.
    pub waba_id: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self { base: meta::GRAPH.to_owned(), version: meta::VERSION.to_owned(), phone_number_id: String::new(), waba_id: String::new() }
    }
}

impl Settings {
    /// A channel's.
    pub fn of(channel: &Channel) -> Self {
        let mut settings: Self = channel.settings().unwrap_or_default();
        if settings.phone_number_id.is_empty() {
            settings.phone_number_id = channel.address.clone().unwrap_or_default();
        }
        settings
    }

    /// With the version, without a slash at the end.
    pub fn graph(&self) -> String {
        format!("{}/{}", self.base.trim_end_matches('/'), self.version.trim_matches('/'))
    }
}

/// Kept sealed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Secrets {
    /// A system user's, with `whatsapp_business_messaging` and `whatsapp_business_management`.
    pub token: String,
    /// Of Meta's app: signs the webhooks.
    pub app_secret: String,
    /// What Meta repeats when it tries the webhook's address; chosen by us.
    pub verify_token: String,
}
