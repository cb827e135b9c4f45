//! One line that tells, on the next page, what the last click did; and how to take it back.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::request::Parts;
use serde::{Deserialize, Serialize};

const COOKIE: &str = "sportello_flash";

/// What the last click did.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Flash {
    pub text: String,
    /// Where to post to take it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<String>,
}

impl Flash {
    /// A line that only tells.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), undo: None }
    }

    /// Goes to another page, which shows this line.
    pub fn redirect(self, to: &str) -> Response {
        let value = serde_json::to_vec(&self).map(|json| URL_SAFE_NO_PAD.encode(json)).unwrap_or_default();
        let cookie = Cookie::build((COOKIE, value)).path("/").http_only(true).same_site(SameSite::Lax);
        (CookieJar::new().add(cookie), Redirect::to(to)).into_response()
    }
}

/// The line left by the click before this page, if any.
#[derive(Debug, Clone, Default)]
pub struct Pending(pub Option<Flash>);

impl<S: Send + Sync> FromRequestParts<S> for Pending {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let jar = CookieJar::from_headers(&parts.headers);
        let bytes = jar.get(COOKIE).and_then(|cookie| URL_SAFE_NO_PAD.decode(cookie.value()).ok());
        Ok(Self(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok())))
    }
}

/// Forgets the line once a page has shown it.
pub fn clear(response: Response) -> Response {
    let gone = Cookie::build((COOKIE, "")).path("/").http_only(true).same_site(SameSite::Lax).removal();
    (CookieJar::new().add(gone), response).into_response()
}
