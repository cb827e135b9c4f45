//! Contact forms: a page of our own or a frame in the shop's page, that becomes tickets.

mod editor;
mod embed;
mod page;
pub mod parse;
pub mod receive;
pub mod settings;

use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::get;
use http::StatusCode;
use tower_http::timeout::TimeoutLayer;

use crate::app::App;
use crate::http::visitors::MAX_BODY;

pub use editor::editor_router;

/// Photos from a phone on a slow line take their time.
const TIMEOUT: Duration = Duration::from_secs(180);

/// The pages that customers see. They are sent from frames on other sites, carry no cookie, and so stand outside the rule that only our
/// own pages may send forms.
pub fn router() -> Router<App> {
    Router::new()
        .route("/forms/{slug}", get(page::show).post(page::send))
        .route("/forms/{slug}/sent/{token}", get(page::receipt))
        .route("/forms/{slug}/embed.js", get(embed::script))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, TIMEOUT))
}
