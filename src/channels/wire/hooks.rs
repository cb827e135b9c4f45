//! The door for webhooks: judged on their raw bytes, stored, acknowledged, and only then understood.

use std::sync::LazyLock;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, OriginalUri, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::{HeaderMap, Method, StatusCode, header};
use tokio::sync::Semaphore;
use tower_http::timeout::TimeoutLayer;

use crate::app::App;
use crate::channels::wire::{network, taking};
use crate::channels::{self, ProcessError};
use crate::desk::channels as rows;
use crate::desk::deliveries::{self, NewDelivery};
use crate::desk::kinds::ChannelKind;
use crate::http::Path;
use crate::ids::{ChannelId, DeliveryId};
use crate::jobs::{self, Job};

/// The largest webhook, in bytes. Providers send a thousand events at once at most.
const MAX_BODY: usize = 8 << 20;
/// Providers give up after 5 to 20 seconds and come again.
const TIMEOUT: Duration = Duration::from_secs(8);
/// Webhooks that are understood at once side by side, and that may wait for that; beyond, a worker takes them from the queue.
const HANDS: usize = 8;
const WAITING: usize = 2000;

/// A request at the door.
#[derive(Debug, Clone)]
pub struct Hook {
    pub method: Method,
    /// The address as the provider called it.
    pub url: String,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// The last part of its path, where somebody who cannot sign shows who they are.
    pub secret: Option<String>,
}

impl Hook {
    /// A header, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A parameter of the address, decoded.
    pub fn query(&self, name: &str) -> Option<String> {
        let url = url::Url::parse(&self.url).ok()?;
        url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }
}

/// What a channel's folder makes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is the provider's: stored, then answered with this.
    Take(Reply),
    /// It is the provider's, and there is nothing to keep (a handshake).
    Say(Reply),
    /// It is not the provider's.
    Refuse,
    /// The same, or it makes no sense, where the provider wants to read why.
    Deny(StatusCode, Reply),
}

/// What the provider reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub media_type: &'static str,
    pub body: String,
}

impl Reply {
    /// What most providers are content with.
    pub fn ok() -> Self {
        Self { media_type: "text/plain; charset=utf-8", body: "ok".to_owned() }
    }

    /// Plain text, verbatim.
    pub fn text(body: impl Into<String>) -> Self {
        Self { media_type: "text/plain", body: body.into() }
    }

    pub fn json(body: &serde_json::Value) -> Self {
        Self { media_type: "application/json", body: body.to_string() }
    }

    pub fn xml(body: impl Into<String>) -> Self {
        Self { media_type: "text/xml; charset=utf-8", body: body.into() }
    }

    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, self.media_type)], self.body).into_response()
    }
}

/// The routes that providers call.
pub fn router() -> Router<App> {
    Router::new()
        .route("/hooks/{kind}/{id}", get(knock).post(knock))
        .route("/hooks/{kind}/{id}/{secret}", get(knock_with_secret).post(knock_with_secret))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, TIMEOUT))
}

/// Where a provider is to send its webhooks.
pub fn address(app: &App, kind: ChannelKind, id: ChannelId) -> String {
    format!("{}/hooks/{kind}/{id}", app.config.public_url())
}

async fn knock(
    State(app): State<App>,
    Path((kind, id)): Path<(String, ChannelId)>,
    OriginalUri(uri): OriginalUri,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let url = format!("{}{uri}", app.config.public_url());
    enter(app, &kind, id, Hook { method, url, headers, body, secret: None }).await
}

async fn knock_with_secret(
    State(app): State<App>,
    Path((kind, id, secret)): Path<(String, ChannelId, String)>,
    OriginalUri(uri): OriginalUri,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let url = format!("{}{uri}", app.config.public_url());
    enter(app, &kind, id, Hook { method, url, headers, body, secret: Some(secret) }).await
}

async fn enter(app: App, kind: &str, id: ChannelId, hook: Hook) -> Response {
    let away = |error: sqlx::Error| {
        tracing::warn!(%error, "a webhook could not be stored; the provider comes again");
        StatusCode::SERVICE_UNAVAILABLE.into_response()
    };
    let Ok(kind) = kind.parse::<ChannelKind>() else { return StatusCode::NOT_FOUND.into_response() };
    let mut db = match app.db.acquire().await {
        Ok(db) => db,
        Err(error) => return away(error),
    };
    let channel = match rows::find(&mut db, id).await {
        Ok(channel) => channel.filter(|channel| channel.kind == kind),
        Err(error) => return away(error),
    };
    let (Some(channel), Some(net)) = (channel, network(kind)) else { return StatusCode::NOT_FOUND.into_response() };
    let reply = match net.admit(&app, &channel, &hook) {
        Answer::Take(reply) => reply,
        Answer::Say(reply) => return reply.into_response(),
        Answer::Deny(status, reply) => {
            tracing::warn!(channel = %id, %status, "a webhook was refused");
            return (status, reply.into_response()).into_response();
        }
        Answer::Refuse => {
            tracing::warn!(channel = %id, "a webhook was refused: it does not bear the provider's signature");
            return StatusCode::FORBIDDEN.into_response();
        }
    };
    if !channel.enabled {
        // What comes meanwhile is not lost: they try again for hours or days. Handshakes are answered all the same, or they would not come
        // again at all.
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let stored = async {
        let new = NewDelivery { channel: id, door: "webhook", envelope_from: None, envelope_to: &[], raw: &hook.body };
        let delivery = deliveries::store(&mut db, new).await?;
        rows::note_event(&mut db, id).await?;
        if net.nudges() {
            let job = Job::PollMailbox { channel: id };
            jobs::ensure(&mut db, &job).await?;
            jobs::hasten(&mut db, &job).await?;
        }
        Ok(delivery)
    };
    match stored.await {
        Ok(delivery) => {
            drop(db);
            understand_soon(&app, delivery);
            reply.into_response()
        }
        Err(error) => away(error),
    }
}

/// Understands a stored delivery without anybody waiting for it. The job that was stored with it sees to it if this process does not live
/// to do it, or has too much in hand.
pub fn understand_soon(app: &App, delivery: DeliveryId) {
    static HANDS_FREE: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(HANDS));
    static PLACES: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(WAITING));
    let Ok(place) = PLACES.try_acquire() else { return };
    let app = app.clone();
    tokio::spawn(async move {
        let _place = place;
        let Ok(_hand) = HANDS_FREE.acquire().await else { return };
        for _ in 0..taking::LOOKS {
            match channels::process(&app, delivery).await {
                Err(ProcessError::Soon) => tokio::time::sleep(taking::PAUSE).await,
                Ok(_) => return,
                Err(error) => {
                    tracing::warn!(%delivery, %error, "a webhook was not understood at once; a worker tries again");
                    return;
                }
            }
        }
    });
}
