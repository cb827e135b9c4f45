//! `/metrics`: how mailboxes and the queue stand, as Prometheus reads it (text format 0.0.4).

use std::fmt::Write as _;
use std::net::SocketAddr;

use axum::Router;
use axum::extract::{ConnectInfo, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::{HeaderMap, StatusCode, header};
use subtle::ConstantTimeEq as _;

use crate::app::App;
use crate::desk::mailboxes::{self, Standing};
use crate::jobs;

/// The route.
pub fn router() -> Router<App> {
    Router::new().route("/metrics", get(show))
}

/// With a token set, whoever shows it; else this machine alone, and nobody whom a proxy on it lets through.
fn may_read(app: &App, peer: SocketAddr, headers: &HeaderMap) -> bool {
    match app.config.web.metrics_token.as_deref().filter(|token| !token.is_empty()) {
        Some(token) => {
            let shown =
                headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| value.strip_prefix("Bearer "));
            shown.is_some_and(|shown| shown.as_bytes().ct_eq(token.as_bytes()).into())
        }
        None => {
            let proxied = ["x-forwarded-for", "forwarded", "x-real-ip", "via"].iter().any(|name| headers.contains_key(*name));
            peer.ip().to_canonical().is_loopback() && !proxied
        }
    }
}

async fn show(State(app): State<App>, ConnectInfo(peer): ConnectInfo<SocketAddr>, headers: HeaderMap) -> Response {
    if !may_read(&app, peer, &headers) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let read = async {
        let mut db = app.db.acquire().await?;
        Ok::<_, sqlx::Error>((mailboxes::standings(&mut db).await?, jobs::lengths(&mut db).await?, jobs::health(&mut db).await?))
    };
    match read.await {
        Ok((mailboxes, lengths, health)) => {
            ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], page(&mailboxes, &lengths, health, app.live.widgets()))
                .into_response()
        }
        Err(error) => {
            tracing::warn!(%error, "metrics: the database is away");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

/// A label as the format wants it.
fn label(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn page(mailboxes: &[Standing], lengths: &[(String, i64)], (dead, late): (i64, i64), widgets: usize) -> String {
    let mut page = String::new();
    let mut gauge = |name: &str, help: &str, values: &mut dyn Iterator<Item = (String, f64)>| {
        let _ = writeln!(page, "# HELP {name} {help}\n# TYPE {name} gauge");
        for (labels, value) in values {
            let _ = writeln!(page, "{name}{labels} {value}");
        }
    };
    let of = |mailbox: &Standing| format!("{{id=\"{}\",name=\"{}\"}}", mailbox.id, label(&mailbox.name));
    let flag = |on: bool| f64::from(u8::from(on));
    let works = |mailbox: &Standing| mailbox.enabled && !mailbox.failing && !mailbox.sign_in_lost;
    gauge("sportello_mailbox_up", "Whether the mailbox works.", &mut mailboxes.iter().map(|mailbox| (of(mailbox), flag(works(mailbox)))));
    gauge(
        "sportello_mailbox_sign_in_lost",
        "Whether somebody has to sign the mailbox in again.",
        &mut mailboxes.iter().map(|mailbox| (of(mailbox), flag(mailbox.sign_in_lost))),
    );
    gauge(
        "sportello_mailbox_listening",
        "Whether its server tells of new mail by itself.",
        &mut mailboxes.iter().map(|mailbox| (of(mailbox), flag(mailbox.idles))),
    );
    gauge(
        "sportello_mailbox_last_success_seconds",
        "Seconds since it last worked.",
        &mut mailboxes.iter().filter_map(|mailbox| Some((of(mailbox), mailbox.seconds_since_ok?))),
    );
    gauge(
        "sportello_mailbox_waiting_messages",
        "Messages that wait to leave.",
        &mut mailboxes.iter().map(|mailbox| (of(mailbox), mailbox.waiting as f64)),
    );
    gauge(
        "sportello_jobs_waiting",
        "Jobs in the queue, by kind.",
        &mut lengths.iter().map(|(kind, count)| (format!("{{kind=\"{}\"}}", label(kind)), *count as f64)),
    );
    gauge("sportello_jobs_dead", "Jobs that have given up (at most 1000 are counted).", &mut [(String::new(), dead as f64)].into_iter());
    gauge("sportello_jobs_late", "Jobs due for over a minute (at most 1000 are counted).", &mut [(String::new(), late as f64)].into_iter());
    gauge("sportello_widgets_open", "Chat widgets that listen to this process.", &mut [(String::new(), widgets as f64)].into_iter());
    page
}
