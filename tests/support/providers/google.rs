//! A desk with a place on Google, and a stand-in for Google.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Method, StatusCode};
use ring::rand::SystemRandom;
use ring::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents};
use serde_json::{Value, json};
use sportello::clock::Ts;
use sportello::desk::kinds::ChannelKind;

use super::recorder::{Asked, Recorder, Says};
use super::whatsapp::NetworkDesk;

pub const PLACE: &str = "accounts/1122/locations/3344";
pub const REVIEWS: &str = "/v4/accounts/1122/locations/3344/reviews";
pub const PUSHER: &str = "push@bottega.iam.gserviceaccount.com";

/// A desk with the place [`PLACE`].
pub async fn desk() -> NetworkDesk {
    let fake = Recorder::new(usual).await;
    let settings = settings(&fake.url);
    NetworkDesk::new(fake, ChannelKind::Google, PLACE, settings, &secrets()).await
}

/// Everything at the stand-in.
pub fn settings(url: &str) -> Value {
    json!({ "client_id": "client-1", "location": PLACE, "title": "Bottega Ginestra", "base": format!("{url}/v4"), "accounts_base": format!("{url}/accounts/v1"),
        "locations_base": format!("{url}/locations/v1"), "notifications_base": format!("{url}/notifications/v1"),
        "authorize": format!("{url}/auth"), "token_url": format!("{url}/token"), "certs": format!("{url}/certs"), "push_email": PUSHER })
}

pub fn secrets() -> Value {
    json!({ "client_secret": "client-secret", "access_token": "ya29.first", "refresh_token": "1//refresh" })
}

fn usual(asked: &Asked) -> Says {
    let path = &*asked.path;
    let body = if path == "/token" {
        json!({ "access_token": "ya29.next", "expires_in": 3599, "token_type": "Bearer" })
    } else if path == "/certs" {
        keys()
    } else if path.ends_with("/reply") && asked.method == Method::PUT {
        json!({ "comment": asked.json()["comment"], "updateTime": Ts::now().0.to_string() })
    } else if path == "/accounts/v1/accounts" {
        json!({ "accounts": [{ "name": "accounts/1122", "accountName": "Ginestra" }] })
    } else if path == "/locations/v1/accounts/1122/locations" {
        json!({ "locations": [{ "name": "locations/3344", "title": "Bottega Ginestra", "storefrontAddress": { "addressLines": ["Via Trieste 4"], "locality": "Fano" } },
            { "name": "locations/5566", "title": "Ginestra Outlet" }] })
    } else if path == "/locations/v1/locations/3344" {
        json!({ "name": "locations/3344", "title": "Bottega Ginestra" })
    } else {
        // Google leaves empty lists out altogether.
        json!({})
    };
    Says::json(200, &body)
}

/// An error as Google tells it.
pub fn refusal(code: u16, status: &str, message: &str) -> Says {
    Says::json(code, &json!({ "error": { "code": code, "message": message, "status": status } }))
}

/// A review, written and changed at these times.
pub fn review(id: &str, stars: &str, comment: &str, created: Ts, updated: Ts) -> Value {
    let mut review = json!({ "name": format!("{PLACE}/reviews/{id}"), "reviewId": id, "reviewer": { "displayName": "Anna Verdi", "isAnonymous": false },
        "starRating": stars, "createTime": created.0.to_string(), "updateTime": updated.0.to_string() });
    if !comment.is_empty() {
        review["comment"] = json!(comment);
    }
    review
}

/// A page of reviews.
pub fn page(reviews: &[Value], next: Option<&str>) -> Says {
    let mut body = json!({ "reviews": reviews, "averageRating": 4.3, "totalReviewCount": 120 });
    if let Some(next) = next {
        body["nextPageToken"] = json!(next);
    }
    Says::json(200, &body)
}

fn pair() -> RsaKeyPair {
    RsaKeyPair::from_pkcs8(include_bytes!("../../corpus/keys/google-push.pk8")).expect("a key")
}

fn keys() -> Value {
    let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair().public_key());
    json!({ "keys": [{ "kty": "RSA", "alg": "RS256", "kid": "k1", "n": URL_SAFE_NO_PAD.encode(public.n), "e": URL_SAFE_NO_PAD.encode(public.e) }] })
}

/// What Google signs for a push to this address.
pub fn token(audience: &str, email: &str) -> String {
    let now = Ts::now().0.as_second();
    let claims = json!({ "iss": "https://accounts.google.com", "aud": audience, "email": email, "email_verified": true, "iat": now, "exp": now + 3600 });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({ "alg": "RS256", "kid": "k1", "typ": "JWT" })), part(&claims));
    let pair = pair();
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).expect("a signature");
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

impl NetworkDesk {
    /// Google's Pub/Sub pushes that a review is there.
    pub async fn push(&self, token: Option<&str>) -> StatusCode {
        let body = json!({ "message": { "data": "eyJyZXZpZXciOiJ4In0=", "messageId": "136969346945", "publishTime": "2026-10-03T10:00:00Z" },
            "subscription": "projects/p/subscriptions/s" });
        let mut request = reqwest::Client::new().post(self.hook()).json(&body);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        request.send().await.expect("an answer").status()
    }
}
