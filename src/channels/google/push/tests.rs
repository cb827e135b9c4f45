use ring::rand::SystemRandom;
use ring::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::json;

use super::*;

/// Made for these tests.
const KEY: &[u8] = include_bytes!("../../../../tests/corpus/keys/google-push.pk8");
const EMAIL: &str = "push@bottega.iam.gserviceaccount.com";
const AUDIENCE: &str = "https://desk.bottega.example/hooks/google/7";
const NOW: i64 = 1_791_000_000;

fn pair() -> RsaKeyPair {
    RsaKeyPair::from_pkcs8(KEY).expect("a key")
}

fn keys() -> Value {
    let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair().public_key());
    let (n, e) = (URL_SAFE_NO_PAD.encode(public.n), URL_SAFE_NO_PAD.encode(public.e));
    json!({ "keys": [{ "kty": "RSA", "kid": "other", "n": "AQAB", "e": "AQAB" }, { "kty": "RSA", "alg": "RS256", "use": "sig", "kid": "k1", "n": n, "e": e }] })
}

fn token(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let pair = pair();
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).expect("a signature");
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn claims() -> Value {
    json!({ "iss": "https://accounts.google.com", "aud": AUDIENCE, "email": EMAIL, "email_verified": true, "iat": NOW - 5, "exp": NOW + 3595 })
}

fn taken(token: &str) -> bool {
    is_genuine(token, &keys(), Expected { email: EMAIL, audience: AUDIENCE }, NOW)
}

#[test]
fn only_what_google_signed_for_us_is_taken() {
    let header = json!({ "alg": "RS256", "kid": "k1", "typ": "JWT" });
    assert!(taken(&token(&header, &claims())));
    for (key, value) in [
        ("aud", json!("https://another.example/hooks/google/7")),
        ("email", json!("somebody@evil.iam.gserviceaccount.com")),
        ("email_verified", json!(false)),
        ("iss", json!("https://evil.example")),
        ("exp", json!(NOW - 3600)),
        ("exp", json!(null)),
        ("iat", json!(NOW + 3600)),
    ] {
        let mut claims = claims();
        claims[key] = value;
        assert!(!taken(&token(&header, &claims)), "{claims}");
    }
    for header in [
        json!({ "alg": "none", "kid": "k1" }),
        json!({ "alg": "HS256", "kid": "k1" }),
        json!({ "alg": "RS256", "kid": "k2" }),
        json!({ "alg": "RS256" }),
    ] {
        assert!(!taken(&token(&header, &claims())), "{header}");
    }
    let good = token(&header, &claims());
    let (head, rest) = good.split_once('.').expect("parts");
    let (_, signature) = rest.split_once('.').expect("parts");
    let mut other = claims();
    other["sub"] = json!("1");
    assert!(!taken(&format!("{head}.{}.{signature}", URL_SAFE_NO_PAD.encode(other.to_string()))), "words that were not signed");
    for rubbish in ["", "a.b", "a.b.c", "..", &"x".repeat(9000)] {
        assert!(!taken(rubbish));
    }
    assert!(!is_genuine(&good, &Value::Null, Expected { email: EMAIL, audience: AUDIENCE }, NOW), "no keys yet");
    assert!(!is_genuine(&good, &keys(), Expected { email: "", audience: AUDIENCE }, NOW), "no push was set up");
}
