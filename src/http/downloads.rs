//! Files that people sent, back to people.

use std::io::SeekFrom;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

use crate::app::App;
use crate::desk::files::{Attachment, is_picture, is_sound};
use crate::http::{Error, Result};

/// What a stranger sent runs nothing and loads nothing.
const POLICY: &str = "sandbox; default-src 'none'; frame-ancestors 'none'";

/// A file that lies in the blob store.
#[derive(Debug, Clone, Copy)]
pub struct Content<'a> {
    pub name: &'a str,
    pub media_type: &'a str,
    /// In bytes.
    pub size: i64,
    pub sha256: &'a [u8],
}

/// A file of a message, as [`content`] sends it.
///
/// # Errors
/// It cannot be read from where files lie.
pub async fn attachment(app: &App, file: &Attachment, cache: &'static str, asked: &HeaderMap) -> std::io::Result<Response> {
    let file = Content { name: &file.name, media_type: &file.media_type, size: file.size, sha256: &file.sha256 };
    content(app, file, cache, asked).await
}

/// A file: a picture or a sound in place, anything else to be saved. `cache` is its Cache-Control; `asked` are the request's headers, for
/// players fetch a sound in pieces (RFC 9110, 14).
///
/// # Errors
/// It cannot be read from where files lie.
pub async fn content(app: &App, file: Content<'_>, cache: &'static str, asked: &HeaderMap) -> std::io::Result<Response> {
    let mut content = app.blobs.open(file.sha256).await?;
    let in_place = is_picture(file.media_type) || is_sound(file.media_type);
    let (media_type, disposition) = if in_place { (file.media_type, "inline") } else { ("application/octet-stream", "attachment") };
    let range = asked.get(header::RANGE).and_then(|value| value.to_str().ok()).and_then(|told| piece(told, file.size));
    let ascii: String = file.name.chars().map(|c| if c.is_ascii_graphic() && !matches!(c, '"' | '\\') { c } else { '_' }).collect();
    let name: String = url::form_urlencoded::byte_serialize(file.name.as_bytes()).collect::<String>().replace('+', "%20");
    let mut response = match range {
        None => Body::from_stream(ReaderStream::new(content)).into_response(),
        Some((from, to)) => {
            content.seek(SeekFrom::Start(from.unsigned_abs())).await?;
            let body = Body::from_stream(ReaderStream::new(content.take((to - from + 1).unsigned_abs())));
            (StatusCode::PARTIAL_CONTENT, body).into_response()
        }
    };
    let headers = response.headers_mut();
    if let Ok(media_type) = HeaderValue::from_str(media_type) {
        headers.insert(header::CONTENT_TYPE, media_type);
    }
    if let Ok(disposition) = HeaderValue::from_str(&format!("{disposition}; filename=\"{ascii}\"; filename*=UTF-8''{name}")) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(range.map_or(file.size, |(from, to)| to - from + 1)));
    if let Some((from, to)) = range
        && let Ok(value) = HeaderValue::from_str(&format!("bytes {from}-{to}/{}", file.size))
    {
        headers.insert(header::CONTENT_RANGE, value);
    }
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex"));
    Ok(response)
}

/// The first and the last byte that a request asks for; `None`: the whole, also where it asks for several pieces or for what is not there.
fn piece(told: &str, size: i64) -> Option<(i64, i64)> {
    let (from, to) = told.strip_prefix("bytes=")?.split_once('-')?;
    let (from, to) = match (from.trim(), to.trim()) {
        ("", last) => ((size - last.parse::<i64>().ok().filter(|last| *last > 0)?).max(0), size - 1),
        (from, "") => (from.parse::<i64>().ok()?, size - 1),
        (from, to) => (from.parse::<i64>().ok()?, to.parse::<i64>().ok()?.min(size - 1)),
    };
    (from >= 0 && from <= to).then_some((from, to))
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

#[cfg(test)]
mod tests {
    use super::piece;

    #[test]
    fn pieces_are_cut_as_asked() {
        assert_eq!(piece("bytes=0-", 100), Some((0, 99)));
        assert_eq!(piece("bytes=10-19", 100), Some((10, 19)));
        assert_eq!(piece("bytes=90-200", 100), Some((90, 99)));
        assert_eq!(piece("bytes=-5", 100), Some((95, 99)));
        assert_eq!(piece("bytes=-500", 100), Some((0, 99)));
        for odd in ["bytes=100-", "bytes=5-4", "bytes=0-1,5-6", "bytes=-", "bytes=-0", "lines=1-2", "bytes=a-b", "bytes=--5"] {
            assert_eq!(piece(odd, 100), None, "{odd}");
        }
        assert_eq!(piece("bytes=0-", 0), None);
    }
}
