//! What a place's channel on Google is configured with.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::channels::wire::Field;
use crate::channels::wire::oauth::Provider;
use crate::desk::channels::Channel;

const REVIEWS: &str = "https://mybusiness.googleapis.com/v4";
const ACCOUNTS: &str = "https://mybusinessaccountmanagement.googleapis.com/v1";
const LOCATIONS: &str = "https://mybusinessbusinessinformation.googleapis.com/v1";
const NOTIFICATIONS: &str = "https://mybusinessnotifications.googleapis.com/v1";
const AUTHORIZE: &str = "https://accounts.google.com/o/oauth2/v2/auth";
const TOKEN: &str = "https://oauth2.googleapis.com/token";
const CERTS: &str = "https://www.googleapis.com/oauth2/v3/certs";
const SCOPES: &str = "https://www.googleapis.com/auth/business.manage";

/// What an admin enters.
pub const FIELDS: &[Field] = &[
    Field::plain("client_id", "OAuth client ID", "From “Credentials” in the Google Cloud project: 1234-abc.apps.googleusercontent.com"),
    Field::secret("client_secret", "OAuth client secret", "Beside the client ID."),
    Field::plain("location", "Place", "accounts/…/locations/…; after signing in you choose it from a list.").optional(),
    Field::plain("since_days", "Days to look back", "Reviews that changed within so many days become tickets when the place is connected.")
        .with_default("30")
        .optional(),
    Field::plain(
        "push_topic",
        "Pub/Sub topic",
        "projects/…/topics/… Only if Google is to tell of reviews at once; else Sportello asks every two minutes.",
    )
    .optional()
    .advanced(),
    Field::plain("push_email", "Service account of the push subscription", "Whoever Google signs the push as: …@….iam.gserviceaccount.com")
        .optional()
        .advanced(),
    Field::plain("push_audience", "Audience of the push subscription", "Empty: the webhook’s address.").optional().advanced(),
    Field::secret("refresh_token", "Refresh token", "Only if you made it elsewhere instead of signing in with the button.")
        .optional()
        .advanced(),
    Field::plain("base", "Reviews API", "Only for tests, as those below.").with_default(REVIEWS).optional().advanced(),
    Field::plain("accounts_base", "Accounts API", "").with_default(ACCOUNTS).optional().advanced(),
    Field::plain("locations_base", "Locations API", "").with_default(LOCATIONS).optional().advanced(),
    Field::plain("notifications_base", "Notifications API", "").with_default(NOTIFICATIONS).optional().advanced(),
    Field::plain("authorize", "Sign-in page", "").with_default(AUTHORIZE).optional().advanced(),
    Field::plain("token_url", "Token address", "").with_default(TOKEN).optional().advanced(),
    Field::plain("certs", "Google’s keys", "").with_default(CERTS).optional().advanced(),
];

/// Kept as plain JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    pub client_id: String,
    /// `accounts/1122/locations/3344`; empty: not chosen yet.
    pub location: String,
    #[serde(deserialize_with = "days")]
    pub since_days: i64,
    pub push_topic: String,
    pub push_email: String,
    pub push_audience: String,
    /// Of reviews.
    pub base: String,
    pub accounts_base: String,
    pub locations_base: String,
    pub notifications_base: String,
    pub authorize: String,
    pub token_url: String,
    pub certs: String,
    /// What the place is called; kept by the test of the connection.
    pub title: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            client_id: String::new(),
            location: String::new(),
            since_days: 30,
            push_topic: String::new(),
            push_email: String::new(),
            push_audience: String::new(),
            base: REVIEWS.to_owned(),
            accounts_base: ACCOUNTS.to_owned(),
            locations_base: LOCATIONS.to_owned(),
            notifications_base: NOTIFICATIONS.to_owned(),
            authorize: AUTHORIZE.to_owned(),
            token_url: TOKEN.to_owned(),
            certs: CERTS.to_owned(),
            title: String::new(),
        }
    }
}

/// A number, or as an admin writes it.
fn days<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    let value = Value::deserialize(from)?;
    let days = value.as_i64().or_else(|| value.as_str()?.trim().parse().ok());
    Ok(days.unwrap_or(30).clamp(0, 3650))
}

impl Settings {
    /// Of a channel; the usual ones where they cannot be read.
    pub fn of(channel: &Channel) -> Self {
        channel.settings().unwrap_or_default()
    }

    /// `accounts/1122`
    pub fn account(&self) -> &str {
        self.location.split("/locations/").next().unwrap_or_default()
    }

    /// Where and as which app this channel signs in.
    pub fn provider(&self, client_secret: &str) -> Provider {
        Provider {
            name: "Google",
            authorize: self.authorize.clone(),
            token: self.token_url.clone(),
            client_id: self.client_id.clone(),
            client_secret: client_secret.to_owned(),
            scopes: SCOPES.into(),
            // Without the second, Google gives a token to renew with at the first sign-in only.
            extra: &[("access_type", "offline"), ("prompt", "consent")],
            basic: false,
        }
    }
}

/// How an admin signs in; `None` before the app is entered.
pub fn provider(channel: &Channel, secrets: &Map<String, Value>) -> Option<Provider> {
    let settings = Settings::of(channel);
    let secret = secrets.get("client_secret").and_then(Value::as_str).unwrap_or_default();
    (!settings.client_id.is_empty() && !secret.is_empty()).then(|| settings.provider(secret))
}
