//! Puts the routers together and serves them until told to stop.

use std::future::{Future as _, poll_fn};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioTimer;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::api;
use crate::app::App;
use crate::http::{Error, assets, faces, layers, metrics};
use crate::server::streams::{Handover, Socket};
use crate::{channels, demo, screens};

mod streams;

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
            Ok((stream, peer)) => drop(connections.spawn(converse(stream, peer, routes.clone(), stopping.clone(), connections.clone()))),
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
/// As `axum::serve` would, but for four things: it speaks HTTP/1.1 at once instead of guessing, which costs 8 KB less; small events do not wait
/// for the other side to acknowledge the last; whoever dawdles over a request is let go; and a stream of events is written without hyper once
/// it has begun (see [`streams`]).
async fn converse(stream: TcpStream, peer: SocketAddr, routes: Router, stopping: CancellationToken, connections: TaskTracker) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection sends its small packets late");
    }
    let handover = Handover::default();
    let service = service_fn(|mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let asked = request.version();
        let (answer, handover) = (routes.clone().oneshot(request.map(Body::new)), handover.clone());
        async move { answer.await.map(|response| handover.intercept(asked, response)) }
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(Socket::new(stream, handover.clone()), service);
    let mut stopped = pin!(stopping.cancelled());
    let mut leaving = false;
    let events = poll_fn(|cx| {
        if !leaving && stopped.as_mut().poll(cx).is_ready() {
            leaving = true;
            Pin::new(&mut connection).graceful_shutdown();
        }
        match Pin::new(&mut connection).poll(cx) {
            Poll::Ready(ended) => Poll::Ready(ended.map(|()| None)),
            Poll::Pending => handover.take().map_or(Poll::Pending, |events| Poll::Ready(Ok(Some(events)))),
        }
    });
    match events.await {
        // In a task of its own, as small as it can be: this one is as large as all that a request needs.
        Ok(Some(events)) => drop(connections.spawn(streams::relay(connection.into_parts().io.into_inner(), events))),
        Ok(None) => {}
        Err(error) => tracing::trace!(%error, "a connection broke off"),
    }
}
