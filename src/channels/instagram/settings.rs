//! What an Instagram account's channel is configured with.

use serde::{Deserialize, Serialize};

use crate::channels::meta::{GRAPH, VERSION, settings::secrets_list};

/// Where the Graph API of accounts that sign in with Instagram is.
const INSTAGRAM: &str = "https://graph.instagram.com";

/// The two ways of signing in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignIn {
    /// With the token of the page that the account is connected to.
    #[default]
    Facebook,
    /// With a token of the account itself, which lasts sixty days and is renewed here.
    Instagram,
}

/// Kept as plain JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    pub sign_in: SignIn,
    /// Where the Graph API is; empty: where the way of signing in has it.
    pub base: String,
    /// Of the Graph API (`v25.0`).
    pub version: String,
    /// The number of the app in Meta's dashboard; empty: the sign-in is not looked into.
    pub app_id: String,
    /// The app may use the tag that lets people answer until the seventh day.
    pub human_agent: bool,
    /// Calls prove that they come from the app whose secret comes first; only with the page's token.
    pub prove: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            sign_in: SignIn::default(),
            base: String::new(),
            version: VERSION.to_owned(),
            app_id: String::new(),
            human_agent: true,
            prove: true,
        }
    }
}

impl Settings {
    /// Where the Graph API is, without a slash at the end.
    pub fn host(&self) -> &str {
        let own = self.base.trim_end_matches('/');
        match self.sign_in {
            _ if !own.is_empty() => own,
            SignIn::Facebook => GRAPH,
            SignIn::Instagram => INSTAGRAM,
        }
    }
}

/// Kept sealed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Secrets {
    /// The page's access token, or the account's own.
    pub token: String,
    /// Secrets of the apps that may send webhooks (an app has one for Facebook and one for Instagram); the first is that of the app which the
    /// token was made for.
    #[serde(deserialize_with = "secrets_list")]
    pub app_secrets: Vec<String>,
    /// What the dashboard of the app repeats in its handshake; chosen by us.
    pub verify_token: String,
}
