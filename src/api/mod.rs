//! `/api/v1`: the desk for programs. Bearer tokens, JSON in and out, and a description that is made from the routes themselves.

mod canned;
mod channels;
mod contacts;
mod docs;
mod error;
mod extract;
mod input;
mod messages;
mod names;
mod tickets;
pub mod webhooks;

use std::time::Duration;

use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Router};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::http::Error;

pub use error::{ErrorBody, Refusal};
pub use extract::Caller;

/// Where everything here lives.
const PREFIX: &str = "/api/v1";
/// Longest time a request may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The part of the description that is not made from routes.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "Sportello API", description = "The desk for programs. Make a token under Settings, API tokens, and send it with every request as \
        `Authorization: Bearer spo_…`. What the token does is done in the name of its agent. Moments are RFC 3339 in UTC. Lists come in pages: \
        go on with `after` until `next` is null. A token may make 600 requests a minute, 100 of them at once."),
    modifiers(&Token),
    security(("token" = [])),
    tags(
        (name = "Tickets", description = "What customers ask, from the first message to the last."),
        (name = "Messages", description = "One utterance with everything about it."),
        (name = "Contacts", description = "Customers: one person, many addresses."),
        (name = "Canned replies", description = "What the desk says often, in every language it speaks."),
        (name = "API channels", description = "Ways in which customers reach the desk that are of your own making: comments, reviews, forums, apps."),
        (name = "Desk", description = "What the numbers elsewhere stand for."),
    )
)]
struct Description;

struct Token;

impl utoipa::Modify for Token {
    fn modify(&self, openapi: &mut OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("Starts with `spo_`.")).build();
        openapi.components.get_or_insert_default().add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

fn parts() -> (Router<App>, OpenApi) {
    let (router, routes) = OpenApiRouter::new()
        .merge(tickets::router())
        .merge(messages::router())
        .merge(contacts::router())
        .merge(canned::router())
        .merge(names::router())
        .merge(channels::router())
        .merge(docs::router())
        .split_for_parts();
    (router, Description::openapi().nest(PREFIX, routes))
}

/// The description of every route.
pub fn openapi() -> OpenApi {
    parts().1
}

/// Every route of the API, to be merged outside the layer that refuses foreign forms: no cookie opens anything here.
pub fn router() -> Router<App> {
    let (router, openapi) = parts();
    let router = router
        .merge(docs::page())
        .fallback(|| async { Refusal::not_found() })
        .method_not_allowed_fallback(|| async { Refusal::method_not_allowed() })
        .layer(Extension(extract::Limits::default()))
        .layer(Extension(docs::Document::new(openapi)))
        .layer(middleware::from_fn(timed))
        .layer(CatchPanicLayer::custom(|panic: Box<dyn std::any::Any + Send>| {
            let words = panic.downcast_ref::<&str>().map(|words| (*words).to_owned()).or_else(|| panic.downcast_ref::<String>().cloned());
            Refusal::from(Error::Internal(anyhow::anyhow!("panic: {}", words.unwrap_or_default()))).into_response()
        }));
    Router::new().nest(PREFIX, router)
}

async fn timed(request: Request, next: Next) -> Response {
    match tokio::time::timeout(TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Refusal::unavailable("This took too long. Try again, with a narrower question if it was one.").into_response(),
    }
}
