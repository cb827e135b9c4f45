//! Scripts and style sheets as small as they get: without what is for us alone, and compressed at the best level once instead of at the
//! fastest each time.

use std::io::Write as _;
use std::sync::LazyLock;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, header};

/// Texts kept compressed: our own assets, and the scripts of as many chats as a desk has.
const KEPT: u64 = 200;

static PRESSED: LazyLock<moka::future::Cache<String, Bytes>> =
    LazyLock::new(|| moka::future::Cache::builder().max_capacity(KEPT).time_to_idle(std::time::Duration::from_secs(6 * 3600)).build());

/// Leaves out lines that are comments, and indentation. Style sheets inside scripts (`CSS = …`) become one line.
pub fn slim(text: &str) -> String {
    let mut slim = String::with_capacity(text.len());
    let mut styles = false;
    let comment =
        |line: &str| line.starts_with("//") || (line.starts_with("/*") && line.ends_with("*/") && line.matches("*/").count() == 1);
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !comment(line)) {
        slim.push_str(line);
        styles = line.ends_with("CSS = `") || (styles && !line.ends_with("`;"));
        if !styles {
            slim.push('\n');
        }
    }
    slim
}

/// The text compressed; `tag` names this version of it.
pub async fn press(tag: &str, text: &[u8]) -> anyhow::Result<Bytes> {
    let work = async {
        let mut encoder = GzEncoder::new(Vec::with_capacity(text.len() / 2), Compression::best());
        encoder.write_all(text)?;
        Ok::<_, std::io::Error>(Bytes::from(encoder.finish()?))
    };
    PRESSED.try_get_with(tag.to_owned(), work).await.map_err(|error| anyhow::anyhow!(error))
}

/// Whether the browser reads gzip.
pub fn reads_gzip(headers: &HeaderMap) -> bool {
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
    fn what_is_slim_says_the_same() {
        let script = "// a comment\n/** what it is */\nconst a = \"https://x\"; /* why */\n  // another\n  const CSS = `\n.a{b:c}\n@media print{d{e:f}}`;\n  go();\n";
        assert_eq!(slim(script), "const a = \"https://x\"; /* why */\nconst CSS = `.a{b:c}@media print{d{e:f}}`;\ngo();\n");
    }

    #[test]
    fn gzip_is_sent_to_those_who_read_it() {
        let reads = |accept: &'static str| reads_gzip(&HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(accept))]));
        assert!(reads("gzip, deflate, br, zstd") && reads("br;q=1, GZIP;q=0.5"));
        assert!(!reads("br") && !reads("gzip;q=0, br") && !reads("gzip; q=0.0") && !reads_gzip(&HeaderMap::new()));
    }
}
