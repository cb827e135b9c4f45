//! The script on the shop's page, and the document of the frame that it opens.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::app::App;
use crate::channels::chat::caller::{self, Caller, Refusal, Refused};
use crate::channels::chat::settings::{Field, Side};
use crate::channels::chat::{texts, views};
use crate::desk::directory;
use crate::desk::files::{MAX_FILE, MAX_FILES};
use crate::http::visitors::Frame;
use crate::http::{Path, Result, accents, render};

/// Seconds for which a browser uses the script without asking.
const SCRIPT_AGE: u32 = 300;

/// The script as it is written; comments and indentation are for us, not for the shop's customers.
static LOADER: LazyLock<String> = LazyLock::new(|| slim(include_str!("../../../static/widget/loader.js")));

/// Leaves out lines that are comments, and indentation.
fn slim(script: &str) -> String {
    let lines = script.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// As JSON inside a script: no `<` that could end it when somebody pastes it into a page.
fn embeddable(value: &Value) -> String {
    value.to_string().replace('<', "\\u003c").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

/// The loader, with this chat's settings in it.
pub async fn loader(State(app): State<App>, Path(key): Path<String>, headers: HeaderMap) -> Result<Response> {
    let Some(chat) = caller::configured(&app, &key).await? else {
        // A shop's page goes on without it; whoever looks into the console sees why.
        let words = "console.warn(\"Sportello: there is no such chat, or it is switched off.\");\n";
        return Ok((StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], words).into_response());
    };
    let directory = directory::get(&app).await?;
    let settings = &chat.settings;
    let mut offered = settings.offered().to_vec();
    // The first is for those whose own language is not among them.
    let fallback = settings.fallback(chat.desk_language);
    offered.sort_by_key(|language| *language != fallback);
    let labels: BTreeMap<&str, _> = offered.iter().map(|language| (language.code(), texts::launcher(*language))).collect();
    let config = json!({
        "key": key,
        "origin": app.config.public_url(),
        "accent": if settings.accent.is_empty() { &directory.shop.accent } else { &settings.accent },
        "position": if settings.position == Side::Left { "left" } else { "right" },
        "languages": offered,
        "labels": labels,
        "greetings": settings.greetings,
    });
    let script = LOADER.replacen("CONFIG", &embeddable(&config), 1);
    let tag = format!("\"{}\"", hex::encode(&Sha256::digest(script.as_bytes())[..8]));
    let mut response = if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], script).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_str(&format!("public, max-age={SCRIPT_AGE}")).map_err(anyhow::Error::from)?);
    headers.insert(header::ETAG, HeaderValue::from_str(&tag).map_err(anyhow::Error::from)?);
    headers.insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("cross-origin"));
    Ok(response)
}

#[derive(Template)]
#[template(path = "channels/chat/frame.html")]
struct Document {
    frame: Frame,
    config: String,
}

/// The document of the frame: words and settings, nothing of any visitor. What they said comes by their token.
pub async fn document(State(app): State<App>, caller: Caller) -> Result<Response, Refused> {
    let failed = |error: crate::http::Error| {
        let _ = error.log();
        caller.refuse(Refusal::Failed)
    };
    let mut response = page(&app, &caller).await.map_err(failed)?;
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: data: blob:; connect-src 'self'; font-src 'self'; \
         form-action 'none'; base-uri 'none'; frame-ancestors {}",
        caller.chat.settings.frame_ancestors()
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    // Our own address must not tell the shop's other frames where the visitor is.
    response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(response)
}

async fn page(app: &App, caller: &Caller) -> Result<Response> {
    let directory = directory::get(app).await?;
    let settings = &caller.chat.settings;
    let language = caller.language;
    let fallback = settings.fallback(caller.chat.desk_language);
    let accent = if settings.accent.is_empty() { &directory.shop.accent } else { &settings.accent };
    let topics: Vec<Value> =
        settings.topics.iter().map(|topic| json!({ "key": topic.key, "label": topic.labels.get(language, fallback) })).collect();
    let fields: Vec<Field> =
        settings.fields.iter().copied().filter(|field| *field != Field::Topic || !settings.topics.is_empty()).collect();
    let config = json!({
        "key": caller.key(),
        "language": language,
        "texts": texts::texts(language),
        "shop": directory.shop.shop_name,
        "accent": accent,
        "theme": accents::style(accent),
        "team_photo": settings.team_photo.as_ref().map(|hash| format!("/chat/{}/team.jpg?{}", caller.key(), &hash[..hash.len().min(12)])),
        "ask": { "before": settings.before, "fields": fields, "topics": topics, "consent": settings.consent.get(language, fallback) },
        "max_file": MAX_FILE,
        "max_files": MAX_FILES,
        "greeting": settings.greeting.get(language, fallback),
        "forms": { "url": views::form_link(&caller.chat, &directory).map(|slug| format!("/forms/{slug}?lang={language}")) },
        "help": if settings.help.is_empty() { None } else { Some(&settings.help) },
        "privacy": if settings.privacy.is_empty() { None } else { Some(&settings.privacy) },
    });
    let frame = Frame::load(app, language).await?;
    render(&Document { frame, config: embeddable(&config) })
}
