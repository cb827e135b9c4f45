//! Files that people sent, back to people.

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderName, HeaderValue, header};
use tokio_util::io::ReaderStream;

use crate::app::App;
use crate::desk::files::Attachment;
use crate::http::{Error, Result};

/// What a stranger sent runs nothing and loads nothing.
const POLICY: &str = "sandbox; default-src 'none'; frame-ancestors 'none'";

/// A file: a picture in place, anything else to be saved. `cache` is its Cache-Control.
///
/// # Errors
/// It cannot be read from where files lie.
pub async fn attachment(app: &App, file: &Attachment, cache: &'static str) -> std::io::Result<Response> {
    let content = app.blobs.open(&file.sha256).await?;
    let (media_type, disposition) =
        if file.is_picture() { (&*file.media_type, "inline") } else { ("application/octet-stream", "attachment") };
    let ascii: String = file.name.chars().map(|c| if c.is_ascii_graphic() && !matches!(c, '"' | '\\') { c } else { '_' }).collect();
    let name: String = url::form_urlencoded::byte_serialize(file.name.as_bytes()).collect::<String>().replace('+', "%20");
    let mut response = Body::from_stream(ReaderStream::new(content)).into_response();
    let headers = response.headers_mut();
    if let Ok(media_type) = HeaderValue::from_str(media_type) {
        headers.insert(header::CONTENT_TYPE, media_type);
    }
    if let Ok(disposition) = HeaderValue::from_str(&format!("{disposition}; filename=\"{ascii}\"; filename*=UTF-8''{name}")) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(file.size));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex"));
    Ok(response)
}

/// A picture of ours, for everybody and every site, whose address changes with it.
pub async fn portrait(app: &App, sha256: &[u8]) -> Result<Response> {
    // The shop's pages show who answers.
    let policy = (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin");
    Ok(([policy], cached(app, sha256, "public, max-age=31536000, immutable").await?).into_response())
}

/// A customer's picture: for agents' own browsers alone.
pub async fn private_portrait(app: &App, sha256: &[u8]) -> Result<Response> {
    cached(app, sha256, "private, max-age=31536000, immutable").await
}

async fn cached(app: &App, sha256: &[u8], keep: &'static str) -> Result<Response> {
    let bytes = app.blobs.get(sha256).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Error::NotFound,
        _ => Error::Internal(error.into()),
    })?;
    Ok(([(header::CONTENT_TYPE, "image/jpeg"), (header::CACHE_CONTROL, keep)], bytes).into_response())
}
