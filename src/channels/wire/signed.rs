//! What the desk itself sends to the shop's programs: signed, with an id that stays the same however often it is tried.

use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use http::Method;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::channels::wire::calls::{Answered, Caller};
use crate::clock::Ts;
use crate::desk::networks::Fault;

/// The delivery id: who has seen it already need not do it again.
pub const DELIVERY: &str = "Sportello-Delivery";
/// Seconds since 1970, when this attempt was made.
pub const TIMESTAMP: &str = "Sportello-Timestamp";
/// See [`signature`].
pub const SIGNATURE: &str = "Sportello-Signature";

/// `sha256=` and the HMAC-SHA256 of `{timestamp}.{body}` in hexadecimal digits: the scheme of newer Chatwoot.
pub fn signature(secret: &str, timestamp: i64, body: &[u8]) -> String {
    format!("sha256={}", hex::encode(mac(secret, &[timestamp.to_string().as_bytes(), b".", body])))
}

/// Whether `hash` is the HMAC-SHA256 of `subject` in hexadecimal digits; compared in constant time. Never with an empty secret.
pub fn is_signed(secret: &str, subject: &str, hash: &str) -> bool {
    let expected = hex::encode(mac(secret, &[subject.as_bytes()]));
    let same: bool = expected.as_bytes().ct_eq(hash.trim().to_ascii_lowercase().as_bytes()).into();
    same && !secret.is_empty()
}

fn mac(secret: &str, pieces: &[&[u8]]) -> Vec<u8> {
    // A key of any length makes an HMAC.
    Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .map(|mac| pieces.iter().fold(mac, |mac, piece| mac.chain_update(piece)).finalize().into_bytes().to_vec())
        .unwrap_or_default()
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

    #[test]
    fn an_identifier_is_proven_by_its_hash() {
        let hash = "c6acf4c311f5872437da254cbe8f47ce36bfb358b279c9d5ab28c0bbb13d6468";
        assert!(is_signed("cw-hmac-token", "user-42", hash));
        assert!(is_signed("cw-hmac-token", "user-42", &hash.to_uppercase()));
        assert!(!is_signed("cw-hmac-token", "user-43", hash));
        assert!(!is_signed("", "user-42", hash));
        assert!(!is_signed("cw-hmac-token", "user-42", ""));
    }
}
