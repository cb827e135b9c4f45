//! The team's picture, for visitors.

use axum::extract::State;
use axum::response::Response;

use crate::app::App;
use crate::channels::chat::caller;
use crate::http::{Error, Path, Result, downloads};

/// The address of a chat's picture. It holds a part of the picture's hash, so that browsers may keep each for ever.
pub(super) fn address(key: &str, sha256: &str) -> String {
    format!("/chat/{key}/team.jpg?{}", sha256.get(..12).unwrap_or(sha256))
}

/// The picture of the chat at this address.
pub(super) async fn show(State(app): State<App>, Path(key): Path<String>) -> Result<Response> {
    let chat = caller::configured(&app, &key).await?.ok_or(Error::NotFound)?;
    let sha256 = chat.settings.team_photo.as_deref().and_then(|sha256| hex::decode(sha256).ok()).filter(|sha256| sha256.len() == 32);
    downloads::portrait(&app, &sha256.ok_or(Error::NotFound)?).await
}
