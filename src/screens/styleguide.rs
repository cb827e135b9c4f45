//! Every component once, to keep them consistent; only in development builds.

use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::get;

use crate::app::App;
use crate::http::Result;
use crate::http::page::Shell;

/// The route of the style guide.
pub fn router() -> Router<App> {
    Router::new().route("/styleguide", get(show))
}

#[derive(Template)]
#[template(path = "screens/styleguide.html")]
struct StyleguidePage<'a> {
    shell: &'a Shell,
}

async fn show(shell: Shell) -> Result<Response> {
    shell.render(&StyleguidePage { shell: &shell })
}
