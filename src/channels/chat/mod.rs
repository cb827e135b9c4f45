//! Live chat: a script on the shop's page, a frame of our own in it, and a conversation that both sides see at once.

mod board;
pub mod caller;
pub mod calls;
pub mod editor;
mod files;
mod frame;
mod loader;
mod photo;
mod say;
pub mod settings;
mod stream;
mod talk;
pub mod texts;
pub mod views;

use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use http::StatusCode;
use tower_http::timeout::TimeoutLayer;

use crate::app::App;
use crate::desk::files::MAX_FILE;

/// Photos from a phone on a slow line take their time.
const TIMEOUT: Duration = Duration::from_secs(180);

/// What the shop's pages and the frame ask. No cookie gives any right here: the token does, which only our own frame has.
pub fn router() -> Router<App> {
    Router::new()
        .route("/chat/{key}/widget.js", get(loader::show))
        .route("/chat/{key}/frame", get(frame::document))
        .route("/chat/{key}/team.jpg", get(photo::show))
        .route("/chat/{key}/hello", post(talk::hello))
        .route("/chat/{key}/history", get(talk::history))
        .route("/chat/{key}/times", get(calls::times))
        .route("/chat/{key}/messages", post(say::send))
        .route("/chat/{key}/files", post(files::upload))
        .route("/chat/{key}/files/{id}", get(files::show))
        .route("/chat/{key}/typing", post(talk::typing))
        .route("/chat/{key}/seen", post(talk::seen))
        .route("/chat/{key}/page", post(talk::page))
        .route("/chat/{key}/identify", post(talk::identify))
        .route("/chat/{key}/choose", post(talk::choose))
        .route("/chat/{key}/end", post(talk::end))
        .route("/chat/{key}/rating", post(talk::rate))
        .route("/chat/{key}/transcript", post(talk::transcript))
        .route("/chat/{key}/leave", post(talk::leave))
        .layer(DefaultBodyLimit::max(MAX_FILE + 64 * 1024))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, TIMEOUT))
}

/// The streams of open widgets. They have no time limit.
pub fn streams() -> Router<App> {
    Router::new().route("/chat/{key}/events", get(stream::listen))
}
