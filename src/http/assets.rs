//! Style sheets, scripts and icons, built into the program.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use rust_embed::{EmbeddedFile, RustEmbed};
use sha2::{Digest as _, Sha256};

use crate::app::App;
use crate::desk::directory;
use crate::http::{Error, Path, Query, Result, accents, pressed};

/// What lies under `static/` and is sent as it is; read from disk in debug builds.
#[derive(RustEmbed)]
#[folder = "static/"]
#[exclude = "widget/*"]
struct Static;

/// The widget, as small as `build.rs` has made it.
#[derive(RustEmbed)]
#[folder = "$OUT_DIR/widget/"]
#[prefix = "widget/"]
struct Widget;

fn find(path: &str) -> Option<EmbeddedFile> {
    Widget::get(path).or_else(|| Static::get(path))
}

/// Changes whenever any asset does, so that browsers may keep each address for ever. As a folder, so that the modules' relative
/// imports stay inside the same version.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    let mut names: Vec<_> = Static::iter().chain(Widget::iter()).collect();
    names.sort();
    for name in names {
        if let Some(file) = find(&name) {
            hash.update(name.as_bytes());
            hash.update(file.metadata.sha256_hash());
        }
    }
    hex::encode(&hash.finalize()[..6])
});

/// The address of an asset.
pub fn asset(path: &str) -> String {
    format!("/static/{}/{path}", *VERSION)
}

/// The address of the icons.
pub fn sprite() -> &'static str {
    static SPRITE: LazyLock<String> = LazyLock::new(|| asset("icons.svg"));
    &SPRITE
}

/// The address of the style sheet with the shop's colour; another one for every colour and release, since browsers keep it.
pub fn theme(accent: &str) -> String {
    format!("/theme.css?c={}&v={}", accent.trim_start_matches('#'), *VERSION)
}

/// The address of the workspace's style sheet and the shop's colour in one: a screen's first visit has eight requests.
pub fn sheet(accent: &str) -> String {
    format!("/screens.css?c={}&v={}", accent.trim_start_matches('#'), *VERSION)
}

/// The routes of the assets.
pub fn router() -> Router<App> {
    Router::new()
        .route("/static/{version}/{*path}", get(show))
        .route("/theme.css", get(show_theme))
        .route("/screens.css", get(show_sheet))
        .route("/favicon.ico", get(favicon))
}

async fn favicon(headers: HeaderMap) -> Response {
    serve("icons.svg", false, &headers).await
}

async fn show(Path((version, path)): Path<(String, String)>, headers: HeaderMap) -> Response {
    if find(&path).is_none() {
        // Written without a version, by hand or by a shop's page.
        return serve(&format!("{version}/{path}"), false, &headers).await;
    }
    serve(&path, version == *VERSION && !cfg!(debug_assertions), &headers).await
}

async fn serve(path: &str, forever: bool, headers: &HeaderMap) -> Response {
    let Some(file) = find(path) else { return StatusCode::NOT_FOUND.into_response() };
    let tag = hex::encode(&file.metadata.sha256_hash()[..8]);
    let etag = format!("W/\"{tag}\"");
    if headers.get(header::IF_NONE_MATCH).is_some_and(|value| value.as_bytes() == etag.as_bytes()) {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    let kind = file.metadata.mimetype().to_owned();
    let cache = if forever { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut response = match std::str::from_utf8(&file.data) {
        Ok(text) if kind.starts_with("text/") || kind.contains("javascript") || kind.contains("svg") => {
            pressed::answer(&tag, text, headers).await
        }
        _ => file.data.into_response(),
    };
    let headers = response.headers_mut();
    for (name, value) in [(header::CONTENT_TYPE, kind), (header::ETAG, etag), (header::CACHE_CONTROL, cache.to_owned())] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    // Fonts and icons may be used by pages that embed a form.
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
    response
}

async fn show_theme(State(app): State<App>) -> Result<Response> {
    let css = accents::style(&directory::get(&app).await?.shop.accent);
    Ok(([(header::CONTENT_TYPE, "text/css"), (header::CACHE_CONTROL, "public, max-age=86400")], css).into_response())
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct SheetQuery {
    c: String,
}

async fn show_sheet(Query(query): Query<SheetQuery>, headers: HeaderMap) -> Result<Response> {
    // As the address says, so that what browsers keep for ever is what it names.
    let accent = Some(format!("#{}", query.c)).filter(|accent| is_colour(accent)).ok_or(Error::NotFound)?;
    let file = Static::get("css/app.css").map(|file| file.data).unwrap_or_default();
    let css = format!("{}\n{}", String::from_utf8_lossy(&file), accents::style(&accent));
    let cache = if cfg!(debug_assertions) { "no-cache" } else { "public, max-age=31536000, immutable" };
    let mut response = pressed::answer(&pressed::tag_of(&css), &css, &headers).await;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    Ok(response)
}

/// Whether this is `#rrggbb`: the only form of colour that settings take, and nothing that could end a style rule.
pub fn is_colour(text: &str) -> bool {
    text.len() == 7 && text.starts_with('#') && text[1..].bytes().all(|byte| byte.is_ascii_hexdigit())
}
