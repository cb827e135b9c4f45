//! Agents' pictures, for everybody who talks with them: on our screens, on customers' pages and on the shop's own site.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use crate::app::App;
use crate::desk::photos;
use crate::http::{Error, Path, Result, downloads};
use crate::ids::AgentId;

/// The route of the pictures; see [`photos::address`].
pub fn router() -> Router<App> {
    Router::new().route("/faces/{name}", get(show))
}

fn parse(name: &str) -> Option<(AgentId, &str)> {
    let (agent, mark) = name.strip_suffix(".jpg")?.split_once('-')?;
    Some((agent.parse().ok()?, mark))
}

async fn show(State(app): State<App>, Path(name): Path<String>) -> Result<Response> {
    let (agent, mark) = parse(&name).ok_or(Error::NotFound)?;
    let mut db = app.db.acquire().await?;
    let sha256 = photos::find(&mut db, agent, mark).await?.ok_or(Error::NotFound)?;
    drop(db);
    downloads::portrait(&app, &sha256).await
}
