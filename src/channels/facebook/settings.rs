//! What a page's channel is configured with.

use serde::{Deserialize, Serialize};

use crate::channels::meta::{GRAPH, VERSION, settings::secrets_list};

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
    pub human_agent: bool,
    /// Calls prove that they come from the app whose secret comes first.
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
