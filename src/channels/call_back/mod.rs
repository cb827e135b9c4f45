//! The page on which customers ask for a call, and what becomes of it.

mod ask;
mod page;

use axum::Router;
use axum::routing::get;

use crate::app::App;

/// The customers' page. It carries no cookie, and so stands outside the rule that only our own pages may send forms.
pub fn router() -> Router<App> {
    Router::new().route("/call-back", get(page::show).post(page::send)).route("/call-back/sent/{token}", get(page::receipt))
}
