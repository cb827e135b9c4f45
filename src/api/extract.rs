//! Extractors whose rejections are the API's own, and who calls.

use std::num::NonZeroU32;
use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use http::header;
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::api::error::Refusal;
use crate::app::App;
use crate::desk::agents::Agent;
use crate::desk::sessions;
use crate::secrets;

/// Requests that a token may make in the long run, per minute and process.
const PER_MINUTE: NonZeroU32 = NonZeroU32::new(600).unwrap();
/// Requests that it may make at once.
const BURST: NonZeroU32 = NonZeroU32::new(100).unwrap();
/// From so many tokens on, those that have been quiet are forgotten.
const MANY_TOKENS: usize = 10_000;

/// How much each token has asked for lately, in this process.
#[derive(Clone)]
pub struct Limits(Arc<DefaultKeyedRateLimiter<Vec<u8>>>);

impl Default for Limits {
    fn default() -> Self {
        Self(Arc::new(RateLimiter::keyed(Quota::per_minute(PER_MINUTE).allow_burst(BURST))))
    }
}

impl Limits {
    /// Takes one request out of what a token, or a channel's key, may make.
    pub fn check(&self, token: &str) -> Result<(), Refusal> {
        if self.0.len() > MANY_TOKENS {
            self.0.retain_recent();
        }
        self.0.check_key(&secrets::hash(token)).map_err(|wait| {
            let wait = wait.wait_time_from(DefaultClock::default().now());
            Refusal::too_many(wait.as_secs() + 1)
        })
    }
}

/// The agent for whom a program acts, by its token. A handler that takes one is closed to everybody else.
#[derive(Debug, Clone)]
pub struct Caller(pub Agent);

impl FromRequestParts<App> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let Some(value) = parts.headers.get(header::AUTHORIZATION) else {
            return Err(Refusal::unauthorized(
                "Send the header Authorization: Bearer spo_… with a token. An admin makes one under Settings, API tokens.",
            ));
        };
        let token = value.to_str().ok().and_then(|value| value.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let Some(token) = token.map(|(_, token)| token.trim()).filter(|token| token.starts_with("spo_")) else {
            return Err(Refusal::unauthorized("The header must read Authorization: Bearer spo_…, with a token from Settings, API tokens."));
        };
        let mut db = app.db.acquire().await?;
        let Some(agent) = sessions::find_api_token(&mut db, token).await? else {
            return Err(Refusal::unauthorized(
                "This token does not work: it is mistyped or revoked, or its agent has left. An admin makes another under Settings, API tokens.",
            ));
        };
        // After the look-up: only real tokens take room in the table of limits.
        if let Some(limits) = parts.extensions.get::<Limits>() {
            limits.check(token)?;
        }
        Ok(Self(agent))
    }
}

/// A JSON body.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        match axum::Json::<T>::from_request(request, state).await {
            Ok(json) => Ok(Self(json.0)),
            Err(JsonRejection::JsonDataError(error)) => Err(misfit(&error.body_text())),
            Err(JsonRejection::MissingJsonContentType(_)) => Err(Refusal::not_json()),
            Err(JsonRejection::JsonSyntaxError(error)) => {
                let words = error.body_text();
                let reason = words.split_once(": ").map_or("", |(_, reason)| reason);
                Err(Refusal::invalid(format!("The body is not JSON: {reason}.")))
            }
            Err(error) if error.status() == http::StatusCode::PAYLOAD_TOO_LARGE => {
                Err(Refusal::too_large("The body is larger than this address takes. Send fewer or smaller attachments."))
            }
            Err(error) => Err(Refusal::invalid(error.body_text())),
        }
    }
}

/// JSON of another shape than wanted. The library says "Failed to …: contact.name: unknown field … at line 1 column 2".
fn misfit(text: &str) -> Refusal {
    let reason = text.split_once(": ").map_or(text, |(_, reason)| reason);
    let reason = reason.rsplit_once(" at line ").map_or(reason, |(reason, _)| reason);
    let (path, words) = match reason.split_once(": ") {
        Some((path, words)) if !path.contains(' ') => (path, words),
        _ => ("", reason),
    };
    match words.strip_prefix("missing field `").and_then(|name| name.strip_suffix('`')) {
        Some(name) if path.is_empty() => Refusal::field(name, "Must be given."),
        Some(name) => Refusal::field(format!("{path}.{name}"), "Must be given."),
        None if path.is_empty() => Refusal::invalid(format!("The body does not fit: {words}.")),
        None => Refusal::field(path, format!("{words}.")),
    }
}

/// Parts of the path. Something that does not parse is something that does not exist.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let found = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        found.map(|path| Self(path.0)).map_err(|_| Refusal::not_found())
    }
}

/// The query string.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let found = axum_extra::extract::Query::<T>::from_request_parts(parts, state).await;
        found.map(|query| Self(query.0)).map_err(|error| {
            let text = error.body_text();
            let reason = text.split_once(": ").map_or(&*text, |(_, reason)| reason);
            match reason.split_once(": ") {
                Some((name, words)) if !name.contains(' ') => Refusal::field(name, format!("{words}.")),
                _ => Refusal::invalid(format!("The query does not fit: {reason}.")),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_told_by_its_place() {
        let told = |text: &str| {
            format!("{:?}", misfit(&format!("Failed to deserialize the JSON body into the target type: {text} at line 1 column 2")))
        };
        assert!(told("contact: missing field `email`").contains(r#"{"contact.email": "Must be given."}"#));
        assert!(told("missing field `email`").contains(r#"{"email": "Must be given."}"#));
        assert!(told("contact.phone: unknown field `phone`, expected `name` or `email`").contains(r#"{"contact.phone": "unknown field"#));
        assert!(told("invalid type: string \"x\", expected struct NewTicket").contains("The body does not fit: invalid type"));
    }
}
