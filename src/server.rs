//! Puts the routers together and serves them until told to stop.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::api;
use crate::app::App;
use crate::http::{Error, assets, faces, layers, metrics};
use crate::{channels, demo, screens};

/// How long requests in hand may take after the process was told to stop.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long the head of a request may take, and a connection may be kept open without one: longer than the proxies in front keep theirs, or
/// they would send into one that is being closed.
const HEAD: Duration = Duration::from_secs(150);
/// Between two attempts at accepting a connection when one has failed.
const BREATH: Duration = Duration::from_millis(200);

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
    let routes = layers::compressed(pages.merge(public).merge(open).merge(api::router()));
    layers::all(routes.merge(streams).fallback(|| async { Error::NotFound })).with_state(app)
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
    let routes = router(app);
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = stopping.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => drop(connections.spawn(converse(stream, peer, routes.clone(), stopping.clone()))),
            // Whoever called has hung up already.
            Err(error)
                if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset) => {}
            // Out of file descriptors, as a rule: some will be given back.
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(PATIENCE, connections.wait()).await.is_err() {
        tracing::warn!(open = connections.len(), "some connections did not end in time");
    }
    Ok(())
}

/// Answers the requests of one connection.
///
/// As `axum::serve` would, but for three things: it speaks HTTP/1.1 at once instead of guessing, which costs each of ten thousand open widgets
/// 8 KB less; small events do not wait for the other side to acknowledge the last; and whoever dawdles over a request is let go.
async fn converse(stream: TcpStream, peer: SocketAddr, routes: Router, stopping: CancellationToken) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection sends its small packets late");
    }
    let service = routes.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        request.map(Body::new)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::trace!(%error, "a connection broke off");
    }
}
