//! Extractors whose rejections are the house's own errors.

use axum::RequestExt as _;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::http::Error;

/// Parts of the path. Something that does not parse is a page that does not exist.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let found: Result<axum::extract::Path<T>, PathRejection> = axum::extract::Path::from_request_parts(parts, state).await;
        found.map(|path| Self(path.0)).map_err(|_| Error::NotFound)
    }
}

/// The query string; keys may repeat.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        // Postgres's texts hold no NUL, and nobody means one.
        if let Some(query) = parts.uri.query().filter(|query| query.contains("%00"))
            && let Ok(uri) = format!("{}?{}", parts.uri.path(), query.replace("%00", "")).parse()
        {
            parts.uri = uri;
        }
        let found = axum_extra::extract::Query::from_request_parts(parts, state).await;
        found.map(|query| Self(query.0)).map_err(|error| Error::BadRequest(format!("The address is not complete: {error}")))
    }
}

/// A sent form; keys may repeat.
#[derive(Debug)]
pub struct Form<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Form<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let (parts, body) = request.with_limited_body().into_parts();
        let incomplete = |error: &dyn std::fmt::Display| Error::BadRequest(format!("The form is not complete: {error}"));
        let bytes = axum::body::to_bytes(body, usize::MAX).await.map_err(|error| incomplete(&error))?;
        let body = if bytes.windows(3).any(|three| three == b"%00") {
            Body::from(String::from_utf8_lossy(&bytes).replace("%00", ""))
        } else {
            Body::from(bytes)
        };
        let found = axum_extra::extract::Form::from_request(Request::from_parts(parts, body), state).await;
        found.map(|form| Self(form.0)).map_err(|error| incomplete(&error))
    }
}
