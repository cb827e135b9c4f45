//! The team's picture, for visitors.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderName, header};

use crate::app::App;
use crate::channels::chat::caller;
use crate::http::{Error, Path, Result};

/// The address of a chat's picture. It holds a part of the picture's hash, so that browsers may keep each for ever.
pub(super) fn address(key: &str, sha256: &str) -> String {
    format!("/chat/{key}/team.jpg?{}", sha256.get(..12).unwrap_or(sha256))
}

/// The picture of the chat at this address.
pub(super) async fn show(State(app): State<App>, Path(key): Path<String>) -> Result<Response> {
    let chat = caller::configured(&app, &key).await?.ok_or(Error::NotFound)?;
    let sha256 = chat.settings.team_photo.as_deref().and_then(|sha256| hex::decode(sha256).ok()).filter(|sha256| sha256.len() == 32);
    let bytes = app.blobs.get(&sha256.ok_or(Error::NotFound)?).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Error::NotFound,
        _ => Error::Internal(error.into()),
    })?;
    let headers = [
        (header::CONTENT_TYPE, "image/jpeg"),
        // Another picture has another address.
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
    ];
    Ok((headers, bytes).into_response())
}
