//! What an Instagram account's channel is configured with.

use serde::{Deserialize, Deserializer, Serialize};

use crate::channels::meta::settings::{API_VERSION, APP_ID, HUMAN_AGENT, VERIFY_TOKEN, switch};
use crate::channels::meta::{GRAPH, VERSION};
use crate::channels::wire::Field;

/// What an admin enters.
pub const FIELDS: &[Field] = &[
    Field::plain(
        "sign_in",
        "Way of signing in",
        "“facebook”: through the page that the account is connected to. “instagram”: as the account itself.",
    )
    .with_default("facebook"),
    Field::secret("token", "Access token", "The page’s own token, or that of the account; the latter is renewed here before it runs out."),
    Field::secret(
        "app_secrets",
        "App secrets",
        "Of the app, and of its Instagram product if it has one of its own, with commas; the app’s first.",
    ),
    VERIFY_TOKEN,
    APP_ID,
    HUMAN_AGENT,
    API_VERSION,
    Field::plain("prove", "Prove calls", "“yes”: calls through a page carry a proof made with the first app secret.")
        .with_default("yes")
        .optional()
        .advanced(),
    Field::base(GRAPH),
];

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
    #[serde(deserialize_with = "sign_in")]
    pub sign_in: SignIn,
    /// Where the Graph API is; Meta's own: where the way of signing in has it.
    pub base: String,
    /// Of the Graph API (`v25.0`).
    pub version: String,
    /// The number of the app in Meta's dashboard; empty: the sign-in is not looked into.
    pub app_id: String,
    /// The app may use the tag that lets people answer until the seventh day.
    #[serde(deserialize_with = "switch")]
    pub human_agent: bool,
    /// Calls prove that they come from the app whose secret comes first; only with the page's token.
    #[serde(deserialize_with = "switch")]
    pub prove: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            sign_in: SignIn::default(),
            base: GRAPH.to_owned(),
            version: VERSION.to_owned(),
            app_id: String::new(),
            human_agent: true,
            prove: true,
        }
    }
}

/// As an admin writes it.
fn sign_in<'de, D: Deserializer<'de>>(from: D) -> Result<SignIn, D::Error> {
    let instagram = String::deserialize(from)?.trim().eq_ignore_ascii_case("instagram");
    Ok(if instagram { SignIn::Instagram } else { SignIn::Facebook })
}

impl Settings {
    /// Where the Graph API is, without a slash at the end.
    pub fn host(&self) -> &str {
        let own = self.base.trim_end_matches('/');
        match self.sign_in {
            _ if !own.is_empty() && own != GRAPH => own,
            SignIn::Facebook => GRAPH,
            SignIn::Instagram => INSTAGRAM,
        }
    }
}
