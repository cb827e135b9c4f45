//! Agents' pictures, for everybody who talks with them: on our screens, on customers' pages and on the shop's own site.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::{HeaderName, header};

use crate::app::App;
use crate::desk::photos;
use crate::http::{Error, Path, Result};
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
    let bytes = app.blobs.get(&sha256).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Error::NotFound,
        _ => Error::Internal(error.into()),
    })?;
    let headers = [
        (header::CONTENT_TYPE, "image/jpeg"),
        // Another picture has another address.
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        // The shop's pages show who answers.
        (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
    ];
    Ok((headers, bytes).into_response())
}
