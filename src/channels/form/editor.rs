use axum::Router;
use crate::app::App;
/// x
pub fn editor_router() -> Router<App> { Router::new() }
