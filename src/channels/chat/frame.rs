//! The document of the frame that the script on the shop's page opens.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, header};
use serde_json::{Value, json};

use crate::app::App;
use crate::channels::chat::caller::{Caller, Refusal, Refused};
use crate::channels::chat::loader::embeddable;
use crate::channels::chat::settings::Field;
use crate::channels::chat::{photo, texts, views};
use crate::desk::directory;
use crate::desk::files::{MAX_FILE, MAX_FILES};
use crate::http::visitors::Frame;
use crate::http::{Result, accents, pressed};

#[derive(Template)]
#[template(path = "channels/chat/frame.html")]
struct Document {
    frame: Frame,
    config: String,
}

/// The document of the frame: words and settings, nothing of any visitor. What they said comes by their token.
pub async fn document(State(app): State<App>, caller: Caller, headers: HeaderMap) -> Result<Response, Refused> {
    let failed = |error: crate::http::Error| {
        let _ = error.log();
        caller.refuse(Refusal::Failed)
    };
    let mut response = page(&app, &caller, &headers).await.map_err(failed)?;
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

async fn page(app: &App, caller: &Caller, headers: &HeaderMap) -> Result<Response> {
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
        "team_photo": settings.team_photo.as_ref().map(|sha256| photo::address(caller.key(), sha256)),
        "ask": { "before": settings.before, "fields": fields, "topics": topics, "consent": settings.consent.get(language, fallback) },
        "max_file": MAX_FILE,
        "max_files": MAX_FILES,
        "greeting": settings.greeting.get(language, fallback),
        "forms": { "url": views::form_link(&caller.chat, &directory).map(|slug| format!("/forms/{slug}?lang={language}")) },
        "help": if settings.help.is_empty() { None } else { Some(&settings.help) },
        "privacy": if settings.privacy.is_empty() { None } else { Some(&settings.privacy) },
    });
    let frame = Frame::load(app, language).await?;
    let page = Document { frame, config: embeddable(&config) }.render()?;
    let mut response = pressed::answer(&pressed::tag_of(&page), &page, headers).await;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    Ok(response)
}
