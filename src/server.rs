//! Puts the routers together and serves them until told to stop.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use std::future::IntoFuture as _;

use tokio::net::TcpListener;

use crate::api;
use crate::app::App;
use crate::http::{Error, assets, faces, layers, metrics};
use crate::{channels, demo, screens};

/// How long requests in hand may take after the process was told to stop.
const PATIENCE: Duration = Duration::from_secs(20);

/// Every route of the desk.
pub fn router(app: App) -> Router {
    let pages = layers::timed(layers::same_site(screens::router().merge(channels::router())));
    // No cookie gives any right here, so other sites may send these forms; uploads over slow lines take their own time.
    let public = channels::form::router()
        .merge(channels::call_back::router())
        .merge(channels::chat::router())
        .merge(channels::wire::hooks::router())
        .merge(channels::email::hooks::router())
        .merge(screens::customer::router())
        .merge(layers::timed(demo::storefront::router().merge(demo::simulator::router())));
    let open = layers::timed(assets::router().merge(faces::router()).route("/healthz", get(health)).merge(metrics::router()));
    let streams = screens::live::router().merge(channels::chat::streams());
    let routes = pages.merge(public).merge(open).merge(streams).merge(api::router());
    layers::all(routes.fallback(|| async { Error::NotFound })).with_state(app)
}

/// For balancers and the container's health check: 200 as long as the database answers.
async fn health(State(app): State<App>) -> Response {
    match sqlx::query("select 1").execute(&app.db).await {
        Ok(_) => (StatusCode::OK, "ok\n").into_response(),
        Err(error) => {
            tracing::warn!(%error, "health check: the database is away");
            (StatusCode::SERVICE_UNAVAILABLE, "the database is away\n").into_response()
        }
    }
}

/// Serves until the app is told to stop; then lets requests in hand finish.
pub async fn serve(app: App, listener: TcpListener) -> std::io::Result<()> {
    let stopping = app.stopping.clone();
    let service = router(app).into_make_service_with_connect_info::<SocketAddr>();
    let stop = stopping.clone();
    let serving = axum::serve(listener, service).with_graceful_shutdown(async move { stop.cancelled().await });
    tokio::select! {
        served = serving.into_future() => served,
        () = async { stopping.cancelled().await; tokio::time::sleep(PATIENCE).await; } => {
            tracing::warn!("some connections did not end in time");
            Ok(())
        }
    }
}
