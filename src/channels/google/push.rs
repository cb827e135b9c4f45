//! What Google's Pub/Sub pushes: proven by a token that Google signs (OpenID Connect, RS256). Source: cloud.google.com/pubsub, RFC 7519.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde_json::Value;

use crate::channels::wire::reading::list;

/// Two clocks are never quite the same; in seconds.
const SLACK: i64 = 60;
/// The longest token that is looked at, in bytes.
const MAX_TOKEN: usize = 8192;

/// Whom a push must come from and for.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    pub email: &'a str,
    pub audience: &'a str,
}

/// Whether a token is Google's, of this service account and for this address. `keys`: Google's, as JWKS.
pub fn is_genuine(token: &str, keys: &Value, expected: Expected<'_>, now: i64) -> bool {
    verify(token, keys, expected, now).is_some()
}

fn verify(token: &str, keys: &Value, expected: Expected<'_>, now: i64) -> Option<()> {
    if token.len() > MAX_TOKEN || expected.email.is_empty() {
        return None;
    }
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
    let header: Value = serde_json::from_slice(&decode(header)?).ok()?;
    if header["alg"].as_str() != Some("RS256") {
        return None;
    }
    let kid = header["kid"].as_str()?;
    let key = list(&keys["keys"]).iter().find(|key| key["kid"].as_str() == Some(kid) && key["kty"].as_str() == Some("RSA"))?;
    let key = RsaPublicKeyComponents { n: decode(key["n"].as_str()?)?, e: decode(key["e"].as_str()?)? };
    key.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &decode(signature)?).ok()?;
    let claims: Value = serde_json::from_slice(&decode(claims)?).ok()?;
    let right = matches!(claims["iss"].as_str(), Some("https://accounts.google.com" | "accounts.google.com"))
        && claims["aud"].as_str() == Some(expected.audience)
        && claims["email"].as_str() == Some(expected.email)
        && claims["email_verified"].as_bool() == Some(true)
        && claims["exp"].as_i64().is_some_and(|exp| exp > now - SLACK)
        && claims["iat"].as_i64().is_none_or(|iat| iat < now + SLACK);
    right.then_some(())
}

#[cfg(test)]
mod tests;
