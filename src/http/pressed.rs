//! Scripts and style sheets compressed at the best level once, instead of at the fastest each time.

use std::io::Write as _;
use std::sync::{Arc, LazyLock};

use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue, header};
use sha2::{Digest as _, Sha256};

/// Texts kept compressed: our own assets, and the scripts and frames of as many chats as a desk has.
const KEPT: u64 = 200;

static PRESSED: LazyLock<moka::future::Cache<String, Bytes>> =
    LazyLock::new(|| moka::future::Cache::builder().max_capacity(KEPT).time_to_idle(std::time::Duration::from_secs(6 * 3600)).build());

/// What names this version of a text.
pub fn tag_of(text: &str) -> String {
    hex::encode(&Sha256::digest(text.as_bytes())[..8])
}

/// The text, compressed for those who read that; `tag` names this version of it.
pub async fn answer(tag: &str, text: &str, asked: &HeaderMap) -> Response {
    let pressed = if reads_gzip(asked) { press(tag, text.as_bytes()).await.ok() } else { None };
    let mut response = match pressed {
        Some(pressed) => ([(header::CONTENT_ENCODING, "gzip")], pressed).into_response(),
        None => text.to_owned().into_response(),
    };
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    response
}

async fn press(tag: &str, text: &[u8]) -> Result<Bytes, Arc<std::io::Error>> {
    let work = async {
        let mut encoder = GzEncoder::new(Vec::with_capacity(text.len() / 2), Compression::best());
        encoder.write_all(text)?;
        Ok::<_, std::io::Error>(Bytes::from(encoder.finish()?))
    };
    PRESSED.try_get_with(tag.to_owned(), work).await
}

/// Whether the browser reads gzip.
fn reads_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|coding| {
        let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
        let refused =
            quality.trim().strip_prefix("q=").and_then(|quality| quality.trim().parse().ok()).is_some_and(|quality: f32| quality <= 0.0);
        name.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn gzip_is_sent_to_those_who_read_it() {
        let reads = |accept: &'static str| reads_gzip(&HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(accept))]));
        assert!(reads("gzip, deflate, br, zstd") && reads("br;q=1, GZIP;q=0.5"));
        assert!(!reads("br") && !reads("gzip;q=0, br") && !reads("gzip; q=0.0") && !reads_gzip(&HeaderMap::new()));
    }
}
