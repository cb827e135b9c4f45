//! What the desk itself sends to the shop's programs: signed, with an id that stays the same however often it is tried.

use std::time::Duration;

use http::Method;

use crate::channels::wire::calls::{Answered, Caller};
use crate::clock::Ts;
use crate::desk::networks::Fault;
use crate::secrets;

/// The delivery id: who has seen it already need not do it again.
pub const DELIVERY: &str = "Sportello-Delivery";
/// Seconds since 1970, when this attempt was made.
pub const TIMESTAMP: &str = "Sportello-Timestamp";
/// See [`signature`].
pub const SIGNATURE: &str = "Sportello-Signature";

/// `sha256=` and the HMAC-SHA256 of `{timestamp}.{body}` in hexadecimal digits: the scheme of newer Chatwoot.
pub fn signature(secret: &str, timestamp: i64, body: &[u8]) -> String {
    format!("sha256={}", hex::encode(secrets::hmac(secret, &[timestamp.to_string().as_bytes(), b".", body])))
}

/// Posts JSON, signed. What the answer says is the caller's to judge.
///
/// # Errors
/// [`Fault::Permanent`] when the address may not be called, [`Fault::Later`] when there is no answer in time.
pub async fn post(
    calls: &Caller,
    url: &str,
    secret: &str,
    delivery: &str,
    body: &serde_json::Value,
    patience: Duration,
) -> Result<Answered, Fault> {
    let body = body.to_string();
    let timestamp = Ts::now().0.as_second();
    let request = calls
        .request(Method::POST, url)?
        .timeout(patience)
        .header("Content-Type", "application/json")
        .header(DELIVERY, delivery)
        .header(TIMESTAMP, timestamp)
        .header(SIGNATURE, signature(secret, timestamp, body.as_bytes()))
        .body(body);
    calls.ask(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed apart from this program, with Chatwoot's scheme.
    #[test]
    fn the_signature_is_that_of_newer_chatwoot() {
        assert_eq!(
            signature("cw-secret", 1_791_000_000, br#"{"event":"message_created"}"#),
            "sha256=3aa016a6e96905bf99d53e548cbc603b4dbcdba3ffcba98b8c6dce766a7843ca"
        );
    }
}
