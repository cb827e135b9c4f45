//! The script that puts a form into the shop's own page.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, header};

use crate::app::App;
use crate::channels::form::settings::{self, Settings};
use crate::desk::channels;
use crate::desk::kinds::ChannelKind;
use crate::http::{Path, Result};
use crate::i18n::Language;

/// Written for browsers of ten years ago. It knows nothing but where it came from.
const SCRIPT: &str = include_str!("embed.js");

pub(super) async fn script(State(app): State<App>, Path(slug): Path<String>) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    let channel = if settings::is_slug(&slug) { channels::find_by_address(&mut db, ChannelKind::Form, &slug).await? } else { None };
    let Some(channel) = channel.filter(|channel| channel.enabled) else {
        // A shop's page goes on without it; whoever looks into the console sees why.
        let words = "console.warn(\"Sportello: there is no such contact form, or it is switched off.\");\n";
        return Ok((StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], words).into_response());
    };
    let title = Settings::of(&channel).titles.get(Language::En, Language::En).to_owned();
    // As JSON inside a script: no `<` that could end it when somebody pastes it into a page.
    let title = serde_json::to_string(if title.is_empty() { &channel.name } else { &title })?.replace('<', "\\u003c");
    let script = SCRIPT.replace("SLUG", &slug).replace("TITLE", &title);
    let headers = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=3600"),
        (header::HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
    ];
    Ok((headers, script).into_response())
}
