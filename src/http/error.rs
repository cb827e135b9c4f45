//! The one error type of the web layer. It is logged once, here; people see words and a reference, never internals.

use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderValue, StatusCode, header};

use crate::database;

/// What a handler returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a request was not answered as asked.
#[derive(Debug)]
pub enum Error {
    /// There is nothing here, or nothing that this person may see.
    NotFound,
    /// The person's role does not allow it.
    Forbidden,
    /// Nobody is signed in; afterwards they come back to this path.
    SignIn(String),
    /// What was sent makes no sense, in the user's words.
    BadRequest(String),
    /// Too much, too fast; in so many seconds again.
    TooMany(i64),
    /// The database is away.
    Unavailable,
    /// Our fault.
    Internal(anyhow::Error),
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    title: &'a str,
    words: &'a str,
    reference: Option<&'a str>,
}

impl Error {
    /// The status, a heading and what to do next.
    pub fn words(&self) -> (StatusCode, &'static str, String) {
        match self {
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                "This page does not exist",
                "It may have been moved or removed, or the address has a typing error.".into(),
            ),
            Self::Forbidden => (
                StatusCode::FORBIDDEN,
                "Your role does not allow this",
                "An admin of this desk can do it, or give you the right to.".into(),
            ),
            Self::SignIn(_) => (StatusCode::UNAUTHORIZED, "Sign in first", "This needs somebody who is signed in.".into()),
            Self::BadRequest(words) => (StatusCode::BAD_REQUEST, "That did not work", words.clone()),
            Self::TooMany(seconds) => {
                (StatusCode::TOO_MANY_REQUESTS, "That was a bit fast", format!("Please try again in {seconds} seconds."))
            }
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "One moment, please",
                "The database cannot be reached right now. Nothing is lost; try again in a few seconds.".into(),
            ),
            Self::Internal(_) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something went wrong on our side",
                "It has been noted. If it happens again, tell whoever runs this desk the reference below.".into(),
            ),
        }
    }

    /// Logs what people must not see, and returns the reference under which it stands in the log.
    pub fn log(&self) -> Option<String> {
        let Self::Internal(error) = self else { return None };
        let reference = crate::secrets::token()[..8].to_owned();
        tracing::error!(reference, error = format!("{error:#}"), "request failed");
        Some(reference)
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        if let Self::SignIn(next) = &self {
            let next: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
            return Redirect::to(&format!("/sign-in?next={next}")).into_response();
        }
        let reference = self.log();
        let (status, title, words) = self.words();
        let page = ErrorPage { title, words: &words, reference: reference.as_deref() };
        let mut response = match page.render() {
            Ok(html) => (status, axum::response::Html(html)).into_response(),
            Err(_) => (status, words).into_response(),
        };
        if let Self::TooMany(seconds) = &self
            && let Ok(value) = HeaderValue::from_str(&seconds.to_string())
        {
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
        if matches!(self, Self::Unavailable) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        if matches!(error, sqlx::Error::RowNotFound) {
            Self::NotFound
        } else if database::is_unavailable(&error) {
            tracing::warn!(%error, "the database is away");
            Self::Unavailable
        } else {
            Self::Internal(error.into())
        }
    }
}

impl From<anyhow::Error> for Error {
    fn from(error: anyhow::Error) -> Self {
        match error.downcast::<sqlx::Error>() {
            Ok(error) => error.into(),
            Err(error) => Self::Internal(error),
        }
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::Internal(error.into())
    }
}

impl From<askama::Error> for Error {
    fn from(error: askama::Error) -> Self {
        Self::Internal(error.into())
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Internal(error.into())
    }
}
