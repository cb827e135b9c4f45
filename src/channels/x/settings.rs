//! What an X account's channel is configured with.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::channels::wire::Field;
use crate::channels::wire::oauth::Provider;
use crate::desk::channels::Channel;

/// Where the API is.
pub const API: &str = "https://api.x.com";
const AUTHORIZE: &str = "https://x.com/i/oauth2/authorize";
/// What the desk asks to be allowed.
const SCOPES: &str = "tweet.read tweet.write users.read dm.read dm.write media.write offline.access";

/// What an admin enters.
pub const FIELDS: &[Field] = &[
    Field::secret("consumer_secret", "API key secret", "Also called consumer secret: X signs with it what it sends here."),
    Field::secret(
        "bearer",
        "App bearer token",
        "Lets Sportello register its webhook. Without it, Sportello asks X every minute and a half.",
    )
    .optional(),
    Field::plain("client_id", "OAuth 2.0 client ID", "From the app’s “User authentication settings”.").optional(),
    Field::secret("client_secret", "OAuth 2.0 client secret", "Only apps of the type “confidential client” have one.").optional(),
    Field::plain(
        "plan",
        "Plan at X",
        "“self-serve”: X takes public answers by programs only to posts that mention or quote the account. “enterprise”: to any.",
    )
    .with_default("self-serve")
    .optional(),
    Field::secret("access_token", "Access token", "Only if you made it elsewhere instead of signing in with the button.")
        .optional()
        .advanced(),
    Field::secret("refresh_token", "Refresh token", "The one that came with it.").optional().advanced(),
    Field::plain("authorize", "Sign-in page", "Only for tests.").with_default(AUTHORIZE).optional().advanced(),
    Field::base(API),
];

/// Kept as plain JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Where the API is.
    pub base: String,
    /// The page on which an admin agrees.
    pub authorize: String,
    pub client_id: String,
    /// X takes public answers to any post.
    #[serde(rename = "plan", deserialize_with = "enterprise")]
    pub enterprise: bool,
    /// What X calls our webhook; empty: it has none. Kept by the test of the connection, as the two below.
    pub webhook_id: String,
    /// Kinds of events that X sends to it.
    pub subscribed: Vec<String>,
    /// The account's name, without the sign.
    pub handle: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            base: API.to_owned(),
            authorize: AUTHORIZE.to_owned(),
            client_id: String::new(),
            enterprise: false,
            webhook_id: String::new(),
            subscribed: Vec::new(),
            handle: String::new(),
        }
    }
}

/// As an admin writes it.
fn enterprise<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::Bool(enterprise) => enterprise,
        Value::String(plan) => plan.trim().eq_ignore_ascii_case("enterprise"),
        _ => false,
    })
}

/// Kept sealed; beside them the tokens that [`crate::channels::wire::oauth`] keeps.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Secrets {
    /// Signs webhooks and handshakes.
    pub consumer_secret: String,
    /// Of the app itself.
    pub bearer: String,
    pub client_secret: String,
}

impl Settings {
    /// Of a channel; the usual ones where they cannot be read.
    pub fn of(channel: &Channel) -> Self {
        channel.settings().unwrap_or_default()
    }

    /// Whether X sends a kind of event by itself.
    pub fn hears(&self, kind: &str) -> bool {
        !self.webhook_id.is_empty() && self.subscribed.iter().any(|known| known == kind)
    }

    /// Where and as which app this channel signs in.
    pub fn provider(&self, client_secret: &str) -> Provider {
        Provider {
            name: "X",
            authorize: self.authorize.clone(),
            token: format!("{}/2/oauth2/token", self.base.trim_end_matches('/')),
            client_id: self.client_id.clone(),
            client_secret: client_secret.to_owned(),
            scopes: SCOPES.into(),
            extra: &[],
            basic: true,
        }
    }
}

/// How an admin signs in; `None` before the app is entered.
pub fn provider(channel: &Channel, secrets: &Map<String, Value>) -> Option<Provider> {
    let settings = Settings::of(channel);
    let secret = secrets.get("client_secret").and_then(Value::as_str).unwrap_or_default();
    (!settings.client_id.is_empty()).then(|| settings.provider(secret))
}
