//! The script on the shop's page. Every visitor of the shop fetches it, so that it is sent as small as it gets.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::app::App;
use crate::channels::chat::caller::{self, Configured};
use crate::channels::chat::settings::{Greeting, Side};
use crate::channels::chat::texts;
use crate::desk::directory::{self, Directory};
use crate::http::{Path, Result, pressed};
use crate::i18n::Language;

/// Seconds for which a browser uses the script without asking.
const SCRIPT_AGE: u32 = 300;

/// The script of `static/widget/loader.js`, as small as `build.rs` has made it.
const LOADER: &str = include_str!(concat!(env!("OUT_DIR"), "/widget/loader.js"));

/// As JSON inside a script: no `<` that could end it when somebody pastes it into a page.
pub(super) fn embeddable(value: &Value) -> String {
    value.to_string().replace('<', "\\u003c").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

/// A greeting as the script reads it: in the languages that it may need, without what stands for nothing.
fn rule(greeting: &Greeting, offered: &[Language]) -> Value {
    let texts = offered.iter().filter_map(|language| Some((language.code(), greeting.text.of(*language)?)));
    let texts: BTreeMap<&str, &str> = texts.collect();
    let mut rule = json!({ "id": greeting.id, "text": texts });
    if !greeting.url.is_empty() {
        rule["url"] = json!(greeting.url);
    }
    for (name, number) in [("seconds", greeting.seconds), ("min_cart", greeting.min_cart)] {
        if number > 0 {
            rule[name] = json!(number);
        }
    }
    rule
}

/// The script with a chat's settings in it.
fn script(origin: &str, key: &str, chat: &Configured, directory: &Directory) -> String {
    let settings = &chat.settings;
    let mut offered = settings.offered().to_vec();
    // The first is for those whose own language is not among them.
    let fallback = settings.fallback(chat.desk_language);
    offered.sort_by_key(|language| *language != fallback);
    let labels: BTreeMap<&str, _> = offered.iter().map(|language| (language.code(), texts::launcher(*language))).collect();
    let greetings: Vec<Value> = settings.greetings.iter().map(|greeting| rule(greeting, &offered)).collect();
    let config = json!({
        "key": key,
        "origin": origin,
        "accent": if settings.accent.is_empty() { &directory.shop.accent } else { &settings.accent },
        "position": if settings.position == Side::Left { "left" } else { "right" },
        "languages": offered,
        "labels": labels,
        "greetings": greetings,
    });
    LOADER.replacen("CONFIG", &embeddable(&config), 1)
}

/// What names the script as it is now, so that a preview never shows one that a browser has kept. `None`: the chat is switched off.
pub(super) async fn version(app: &App, key: &str) -> Result<Option<String>> {
    let Some(chat) = caller::configured(app, key).await? else { return Ok(None) };
    let directory = directory::get(app).await?;
    Ok(Some(pressed::tag_of(&script(&app.config.public_url(), key, &chat, &directory))))
}

/// The loader, with this chat's settings in it.
pub(super) async fn show(State(app): State<App>, Path(key): Path<String>, headers: HeaderMap) -> Result<Response> {
    let Some(chat) = caller::configured(&app, &key).await? else {
        // A shop's page goes on without it; whoever looks into the console sees why.
        let words = "console.warn(\"Sportello: there is no such chat, or it is switched off.\");\n";
        return Ok((StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], words).into_response());
    };
    let directory = directory::get(&app).await?;
    let script = script(&app.config.public_url(), &key, &chat, &directory);
    let version = pressed::tag_of(&script);
    // Weak: it names what the script says, compressed or not.
    let tag = format!("W/\"{version}\"");
    let known = headers.get(header::IF_NONE_MATCH).and_then(|known| known.to_str().ok()).unwrap_or_default();
    let mut response = if known.split(',').any(|known| known.trim().trim_start_matches("W/").trim_matches('"') == version) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        pressed::answer(&version, &script, &headers).await
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/javascript; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_str(&format!("public, max-age={SCRIPT_AGE}")).map_err(anyhow::Error::from)?);
    headers.insert(header::ETAG, HeaderValue::from_str(&tag).map_err(anyhow::Error::from)?);
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    headers.insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("cross-origin"));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_place_for_the_settings() {
        assert_eq!(LOADER.matches("CONFIG").count(), 1, "{LOADER}");
    }
}
