//! What a page's channel is configured with.

use serde::{Deserialize, Serialize};

use crate::channels::meta::settings::{secrets_list, switch};
use crate::channels::meta::{GRAPH, VERSION};
use crate::channels::wire::Field;

/// What an admin enters.
pub const FIELDS: &[Field] = &[
    Field::secret("token", "Page access token", "The page’s own, from /me/accounts or a system user; not that of a person."),
    Field::secret(
        "app_secrets",
        "App secret",
        "From the app’s basic settings. If several apps send webhooks here, all of them, with commas.",
    ),
    Field::shown("verify_token", "Verify token", "Enter this in the app’s dashboard, beside the address of the webhook."),
    Field::plain("app_id", "App ID", "If entered, tests tell what the sign-in allows and how long it lasts.").optional(),
    Field::plain("human_agent", "Answers up to seven days", "“yes” if the app has the “Human Agent” feature, else “no”: then a day.")
        .with_default("yes")
        .optional(),
    Field::plain("version", "Version of the Graph API", "As Meta names it: v25.0").with_default(VERSION).optional().advanced(),
    Field::plain("prove", "Prove calls", "“yes”: calls carry a proof made with the first app secret.")
        .with_default("yes")
        .optional()
        .advanced(),
    Field::base(GRAPH),
];

/// Kept as plain JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Where the Graph API is.
    pub base: String,
    /// Of the Graph API (`v25.0`).
    pub version: String,
    /// The number of the app in Meta's dashboard; empty: the sign-in is not looked into.
    pub app_id: String,
    /// The app may use the tag that lets people answer until the seventh day.
    #[serde(deserialize_with = "switch")]
    pub human_agent: bool,
    /// Calls prove that they come from the app whose secret comes first.
    #[serde(deserialize_with = "switch")]
    pub prove: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { base: GRAPH.to_owned(), version: VERSION.to_owned(), app_id: String::new(), human_agent: true, prove: true }
    }
}

/// Kept sealed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Secrets {
    /// The page's own access token.
    pub token: String,
    /// Secrets of the apps that may send webhooks; the first is that of the app which the token was made for.
    #[serde(deserialize_with = "secrets_list")]
    pub app_secrets: Vec<String>,
    /// What the dashboard of the app repeats in its handshake; chosen by us.
    pub verify_token: String,
}
