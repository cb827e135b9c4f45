//! What the settings of Meta's networks share.

use serde::{Deserialize, Deserializer, Serialize};

use crate::app::App;
use crate::channels::meta::VERSION;
use crate::channels::wire::Field;
use crate::desk::channels::Channel;

/// What an admin enters at the dashboard of Meta's app.
pub const VERIFY_TOKEN: Field =
    Field::shown("verify_token", "Verify token", "Enter this in the app’s dashboard, beside the address of the webhook.");
/// The number of the app.
pub const APP_ID: Field =
    Field::plain("app_id", "App ID", "If entered, tests tell what the sign-in allows and how long it lasts.").optional();
/// Whether people may answer for seven days.
pub const HUMAN_AGENT: Field =
    Field::plain("human_agent", "Answers up to seven days", "“yes” if the app has the “Human Agent” feature, else “no”: then a day.")
        .with_default("yes")
        .optional();
/// Of the Graph API.
pub const API_VERSION: Field =
    Field::plain("version", "Version of the Graph API", "As Meta names it: v25.0").with_default(VERSION).optional().advanced();

/// What a page and an Instagram account keep sealed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Secrets {
    /// The page's access token, or the Instagram account's own.
    pub token: String,
    /// Secrets of the apps that may send webhooks (an app has one for Facebook and one for Instagram); the first is that of the app which the
    /// token was made for.
    #[serde(deserialize_with = "secrets_list")]
    pub app_secrets: Vec<String>,
    /// What the dashboard of the app repeats in its handshake; chosen by us.
    pub verify_token: String,
}

/// The secrets of the apps that may send webhooks to a channel of any of Meta's networks.
pub fn app_secrets(app: &App, channel: &Channel) -> Vec<String> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Known {
        #[serde(deserialize_with = "secrets_list")]
        app_secrets: Vec<String>,
        app_secret: String,
    }
    let known: Known = channel.secrets(&app.keys);
    known.app_secrets.into_iter().chain([known.app_secret]).filter(|secret| !secret.is_empty()).collect()
}

/// Several secrets: a list, or one text with a secret a line.
///
/// # Errors
/// When it is neither, nor nothing.
pub fn secrets_list<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        List(Vec<String>),
        Text(String),
    }
    let clean = |list: Vec<String>| list.into_iter().map(|one| one.trim().to_owned()).filter(|one| !one.is_empty()).collect();
    Ok(match Option::<Given>::deserialize(from)? {
        None => Vec::new(),
        Some(Given::List(list)) => clean(list),
        Some(Given::Text(text)) => clean(text.split([',', ' ', '\n', '\r', '\t']).map(str::to_owned).collect()),
    })
}

/// A switch: true or false, or a word that an admin may write for them.
///
/// # Errors
/// When it is neither a truth value nor a text.
pub fn switch<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        Truth(bool),
        Text(String),
    }
    Ok(match Given::deserialize(from)? {
        Given::Truth(truth) => truth,
        Given::Text(text) => matches!(text.trim().to_lowercase().as_str(), "yes" | "true" | "on" | "1"),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Secrets;
    use crate::channels::instagram;

    #[test]
    fn what_an_admin_writes_is_understood() {
        let secrets: Secrets = serde_json::from_value(json!({ "token": "EAA", "app_secrets": "one, two\nthree" })).unwrap_or_default();
        assert_eq!((&*secrets.token, secrets.app_secrets), ("EAA", vec!["one".to_owned(), "two".to_owned(), "three".to_owned()]));
        let settings: instagram::settings::Settings = serde_json::from_value(
            json!({ "sign_in": "Instagram ", "base": "https://graph.facebook.com", "human_agent": "no", "prove": "yes" }),
        )
        .unwrap_or_default();
        assert_eq!((settings.host(), settings.human_agent, settings.prove), ("https://graph.instagram.com", false, true));
    }
}
