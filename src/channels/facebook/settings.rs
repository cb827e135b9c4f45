//! What a page's channel is configured with.

use serde::{Deserialize, Serialize};

use crate::channels::meta::settings::{API_VERSION, APP_ID, HUMAN_AGENT, VERIFY_TOKEN, switch};
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
    VERIFY_TOKEN,
    APP_ID,
    HUMAN_AGENT,
    API_VERSION,
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
