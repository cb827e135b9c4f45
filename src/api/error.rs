//! What the API answers when it does not do as asked: always JSON, with a code for programs and words for people.

use std::collections::BTreeMap;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::database;
use crate::desk::tickets::reply::ReplyError;
use crate::http::Error;

/// What a handler returns.
pub type Result<T, E = Refusal> = std::result::Result<T, E>;

/// Why a request was not answered as asked.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
    fields: BTreeMap<String, String>,
    retry_after: Option<u64>,
}

/// The body of every answer that is not a success.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody {
    pub error: ErrorDetail,
}

/// What went wrong.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorDetail {
    /// For programs: `unauthorized`, `forbidden`, `not_found`, `method_not_allowed`, `invalid_request`, `unsupported_media_type`,
    /// `too_large`, `validation_failed`, `conflict`, `rate_limited`, `unavailable`, `internal`.
    pub code: String,
    /// For people: what is wrong and what to do.
    pub message: String,
    /// What is wrong with each field, by its name in the request; empty where it is not about fields.
    pub fields: BTreeMap<String, String>,
}

impl Refusal {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), fields: BTreeMap::new(), retry_after: None }
    }

    /// 401: no token, or none that works.
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
    }

    /// 403: the token's agent may not do this.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    /// 404.
    pub fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "There is nothing here. Check the address and the number in it; /api/v1/docs lists what there is.",
        )
    }

    /// 405.
    pub fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "This address does not take that method; the Allow header names those it takes.",
        )
    }

    /// 400: it cannot be read.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", message)
    }

    /// 415.
    pub fn not_json() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "Send JSON, with the header Content-Type: application/json.",
        )
    }

    /// 413.
    pub fn too_large(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
    }

    /// 409: it does not fit what is there.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", message)
    }

    /// 429: in so many seconds again.
    pub fn too_many(seconds: u64) -> Self {
        let message = format!("Too many requests with this token. Try again in {seconds} s, and wait as long as Retry-After says.");
        Self { retry_after: Some(seconds), ..Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", message) }
    }

    /// 503.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self { retry_after: Some(5), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message) }
    }

    /// 422: one field is wrong.
    pub fn field(name: impl Into<String>, words: impl Into<String>) -> Self {
        Self::fields(BTreeMap::from([(name.into(), words.into())]))
    }

    /// 422: these fields are wrong.
    pub fn fields(fields: BTreeMap<String, String>) -> Self {
        let told: Vec<String> = fields.iter().map(|(name, words)| format!("{name}: {words}")).collect();
        Self { fields, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "validation_failed", told.join(" ")) }
    }

    /// The same, blaming a field.
    pub fn about(mut self, name: impl Into<String>) -> Self {
        self.fields.insert(name.into(), self.message.clone());
        self
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = ErrorBody { error: ErrorDetail { code: self.code.to_owned(), message: self.message, fields: self.fields } };
        let mut response = (self.status, Json(body)).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let reference = error.log();
        match error {
            Error::NotFound => Self::not_found(),
            Error::Forbidden => Self::forbidden("The agent of this token may not do this."),
            Error::SignIn(_) => Self::unauthorized("Send a token."),
            Error::BadRequest(words) => Self::invalid(words),
            Error::TooMany(seconds) => Self::too_many(u64::try_from(seconds).unwrap_or(1)),
            Error::Unavailable => {
                Self::unavailable("The database cannot be reached right now. Nothing is lost; try again in a few seconds.")
            }
            Error::Internal(_) => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                format!("Something went wrong on our side. It stands in the log under {}.", reference.unwrap_or_default()),
            ),
        }
    }
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Self {
        match database::on_constraint(&error) {
            Some("tickets_assignee_id_fkey") => Self::field("assignee", "There is no such agent."),
            Some("tickets_team_id_fkey" | "canned_replies_team_id_fkey") => Self::field("team", "There is no such team."),
            Some("canned_replies_shortcut_key") => Self::conflict("Another canned reply has this shortcut.").about("shortcut"),
            Some("identities_address_key") => Self::conflict("Another contact has this address.").about("email"),
            _ => Error::from(error).into(),
        }
    }
}

impl From<std::io::Error> for Refusal {
    fn from(error: std::io::Error) -> Self {
        Error::from(error).into()
    }
}

impl From<ReplyError> for Refusal {
    fn from(error: ReplyError) -> Self {
        match error {
            ReplyError::Newer => {
                Self::conflict("Something arrived on this ticket after the message in `seen`. Read it, then send again.").about("seen")
            }
            ReplyError::Empty => Self::field("text", "Write something."),
            ReplyError::TooLong => Self::field("text", "This text is too long."),
            ReplyError::NoWay(words) => Self::conflict(words),
            ReplyError::NeedsApproval => Self::conflict("A second person must approve what this agent says in public."),
            ReplyError::Database(error) => error.into(),
        }
    }
}
