//! Who calls: a browser on the shop's site, by its token; and how it is told that something was not done.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use moka::future::Cache;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::app::App;
use crate::channels::chat::settings::Settings;
use crate::database;
use crate::desk::channels::{self, Channel};
use crate::desk::chats::availability::Asked;
use crate::desk::directory;
use crate::desk::kinds::ChannelKind;
use crate::desk::tickets::reply::ReplyError;
use crate::desk::visitors::{self, Visitor};
use crate::http::client::Client;
use crate::http::visitors::limits::{self, Limit};
use crate::i18n::{self, Language};
use crate::text::slugs;

/// The most that one request may weigh, files apart, in bytes.
const MAX_JSON: usize = 64 * 1024;

/// A chat as configured, read once and kept until settings change.
#[derive(Debug)]
pub struct Configured {
    pub channel: Channel,
    pub settings: Settings,
    /// The shop's own language.
    pub desk_language: Language,
}

impl Configured {
    /// What availability means for those who read this language.
    pub fn asked(&self, language: Language) -> Asked {
        Asked { team: self.channel.team_id, language: Some(language.code().to_owned()), queue_limit: self.settings.queue_limit }
    }
}

/// The chat at this address, if there is one that is switched on.
pub async fn configured(app: &App, key: &str) -> sqlx::Result<Option<Arc<Configured>>> {
    if !slugs::is_slug(key) {
        return Ok(None);
    }
    let known: Cache<String, Option<Arc<Configured>>> = app.shelf("chats", || Cache::builder().max_capacity(200).build()).await;
    if let Some(configured) = known.get(key).await {
        return Ok(configured);
    }
    let configured = read(app, key).await?;
    known.insert(key.to_owned(), configured.clone()).await;
    Ok(configured)
}

async fn read(app: &App, key: &str) -> sqlx::Result<Option<Arc<Configured>>> {
    let mut db = app.db.acquire().await?;
    let channel = channels::find_by_address(&mut db, ChannelKind::Chat, key).await?.filter(|channel| channel.enabled);
    drop(db);
    let Some(channel) = channel else { return Ok(None) };
    let desk_language = Language::from_code(&directory::get(app).await?.shop.language).unwrap_or(Language::En);
    Ok(Some(Arc::new(Configured { settings: Settings::of(&channel), channel, desk_language })))
}

/// A browser that asks something of a chat.
pub struct Caller {
    pub chat: Arc<Configured>,
    pub language: Language,
    pub client: Client,
    /// `None`: they have said nothing yet.
    pub visitor: Option<Visitor>,
}

impl Caller {
    /// What availability means for them.
    pub fn asked(&self) -> Asked {
        self.chat.asked(self.language)
    }

    /// The address under which this chat is reached.
    pub fn key(&self) -> &str {
        self.chat.channel.address.as_deref().unwrap_or_default()
    }

    /// The visitor of a request that needs one.
    pub fn known(&self) -> Result<&Visitor, Refused> {
        self.visitor.as_ref().ok_or_else(|| self.refuse(Refusal::Gone))
    }

    /// No, in their language.
    pub fn refuse(&self, refusal: Refusal) -> Refused {
        Refused { refusal, language: self.language }
    }

    /// Counts one more of something.
    pub fn limit(&self, app: &App, limit: Limit) -> Result<(), Refused> {
        let who = match &self.visitor {
            Some(visitor) => format!("visitor {}", visitor.id),
            None => format!("chat {}", self.client.network()),
        };
        limits::check(&app.keys, limit, &who).map_err(|wait| self.refuse(Refusal::TooMany(wait)))
    }

    /// Turns an error of the desk into an answer.
    pub fn failed(&self, error: impl Into<ReplyError>) -> Refused {
        let refusal = match error.into() {
            ReplyError::Database(sqlx::Error::RowNotFound) => Refusal::NotFound,
            ReplyError::Database(error) if database::is_unavailable(&error) => Refusal::Busy,
            error => {
                tracing::error!(%error, "a chat's request failed");
                Refusal::Failed
            }
        };
        self.refuse(refusal)
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refused> {
        let Ok(client) = Client::from_request_parts(parts, app).await;
        let path = axum::extract::Path::<HashMap<String, String>>::from_request_parts(parts, app).await;
        let key = path.ok().and_then(|mut path| path.0.remove("key")).unwrap_or_default();
        let by_browser = Language::best(&client.accept_language, &Language::ALL, Language::En);
        let failed = |error: sqlx::Error| {
            tracing::warn!(%error, "cannot look up who chats");
            Refused { refusal: Refusal::Busy, language: by_browser }
        };
        let chat = configured(app, &key).await.map_err(failed)?;
        let chat = chat.ok_or(Refused { refusal: Refusal::NotFound, language: by_browser })?;
        let asked = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
            .find_map(|(name, value)| (name == "lang").then_some(value))
            .unwrap_or_default();
        let language = chat.settings.language(&asked, &client.accept_language, chat.desk_language);
        let token =
            parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| value.strip_prefix("Bearer "));
        let visitor = match token {
            None => None,
            Some(token) => {
                let mut db = app.db.acquire().await.map_err(failed)?;
                let visitor = visitors::find_by_token(&mut db, chat.channel.id, token).await.map_err(failed)?;
                Some(visitor.ok_or(Refused { refusal: Refusal::Gone, language })?)
            }
        };
        Ok(Self { chat, language, client, visitor })
    }
}

/// Why a request was not done.
#[derive(Debug)]
pub enum Refusal {
    /// The token is not ours, or has expired: the browser starts afresh.
    Gone,
    /// An agent blocked this visitor.
    Blocked,
    /// Nobody would answer; what is true instead comes along.
    Unavailable(Box<Value>),
    /// In so many seconds again.
    TooMany(i64),
    TooLarge,
    /// What this field says cannot be.
    Invalid(&'static str),
    /// The database is away.
    Busy,
    NotFound,
    /// Our fault; logged.
    Failed,
}

/// A refusal in the visitor's language.
#[derive(Debug)]
pub struct Refused {
    pub refusal: Refusal,
    pub language: Language,
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, code) = match &self.refusal {
            Refusal::Gone => (StatusCode::UNAUTHORIZED, "gone"),
            Refusal::Blocked => (StatusCode::FORBIDDEN, "blocked"),
            Refusal::Unavailable(_) => (StatusCode::CONFLICT, "unavailable"),
            Refusal::TooMany(_) => (StatusCode::TOO_MANY_REQUESTS, "too_many"),
            Refusal::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
            Refusal::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
            Refusal::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
            Refusal::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            Refusal::Failed => (StatusCode::INTERNAL_SERVER_ERROR, "failed"),
        };
        let words = match &self.refusal {
            Refusal::Invalid(field) => i18n::text(self.language, &format!("chat-refused-{field}")),
            _ => i18n::text(self.language, &format!("chat-refused-{}", code.replace('_', "-"))),
        };
        let mut body = json!({ "error": code, "words": words });
        let mut wait = None;
        match self.refusal {
            Refusal::Invalid(field) => body["field"] = json!(field),
            Refusal::Unavailable(availability) => body["availability"] = *availability,
            Refusal::TooMany(seconds) => wait = Some(seconds),
            Refusal::Busy => wait = Some(3),
            _ => {}
        }
        let mut response = (status, Json(body)).into_response();
        if let Some(wait) = wait.and_then(|seconds| HeaderValue::from_str(&seconds.to_string()).ok()) {
            response.headers_mut().insert(header::RETRY_AFTER, wait);
        }
        response
    }
}

/// A JSON body, whatever it calls itself: beacons cannot say.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, app: &App) -> Result<Self, Refused> {
        let (mut parts, body) = request.into_parts();
        let Ok(client) = Client::from_request_parts(&mut parts, app).await;
        let language = Language::best(&client.accept_language, &Language::ALL, Language::En);
        let refuse = |refusal| Refused { refusal, language };
        let bytes = axum::body::to_bytes(body, MAX_JSON).await.map_err(|_| refuse(Refusal::TooLarge))?;
        let text = std::str::from_utf8(&bytes).map_err(|_| refuse(Refusal::Invalid("text")))?;
        // Postgres's texts hold no NUL, and nobody means one.
        let text = if text.contains("\\u0000") { text.replace("\\u0000", "") } else { text.to_owned() };
        serde_json::from_str(&text).map(Self).map_err(|_| refuse(Refusal::Invalid("text")))
    }
}
