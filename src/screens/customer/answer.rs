//! What customers do on their page: write again, and say that it is settled.

use axum::extract::{FromRequest as _, Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::{HeaderValue, StatusCode, header};

use crate::app::App;
use crate::clock::Ts;
use crate::database::is_crossing;
use crate::desk::call_backs;
use crate::desk::changes::{Actor, Change};
use crate::desk::envelope::{Address, Envelope, Incoming};
use crate::desk::files::StoredFile;
use crate::desk::tickets::follow;
use crate::desk::tickets::receive::{self, Origin};
use crate::desk::tickets::recipients::{self, Recipients};
use crate::desk::{contacts, forms};
use crate::http::client::Client;
use crate::http::multipart::Parts;
use crate::http::visitors;
use crate::http::visitors::kept::{self, KeptFile};
use crate::http::visitors::limits::{self, Limit};
use crate::http::visitors::stamps::{Stamp, Verdict};
use crate::http::{Path, Query, Result};
use crate::screens::customer::page::{PageQuery, TicketPage, respond};
use crate::screens::customer::{Held, channel_of, gone};

const MAX_TEXT: usize = 20_000;
/// Attempts at one transaction that others may cross.
const ATTEMPTS: u32 = 4;

/// The customer writes again.
pub(super) async fn send(
    State(app): State<App>,
    Path(token): Path<String>,
    Query(query): Query<PageQuery>,
    client: Client,
    request: Request,
) -> Result<Response> {
    let Some(held) = Held::find(&app, token, &query.lang, &client).await? else { return gone(&app, &client).await };
    match accept(&app, &held, &client, request).await {
        Ok(response) => Ok(response),
        Err(error) => visitors::our_fault(&held.frame, error),
    }
}

async fn accept(app: &App, held: &Held, client: &Client, request: Request) -> Result<Response> {
    let frame = &held.frame;
    let Ok(mut parts) = Parts::from_request(request, app).await else { return visitors::too_large(frame) };
    let now = Ts::now();
    let sent = Stamp { id: parts.text("form").to_owned(), at: parts.text("stamp").to_owned() };
    let verdict = sent.check(&app.keys, &held.scope(), now);
    let provider_id = provider_id(app, &sent.id);
    if verdict != Verdict::Forged && is_known(app, held, &provider_id).await? {
        return Ok(Redirect::to(&held.address("", "done=sent")).into_response());
    }
    let again = match verdict {
        Verdict::Good | Verdict::TooFast => sent,
        Verdict::Expired => Stamp::renew(&app.keys, &held.scope(), sent.id, now),
        Verdict::Forged => Stamp::mint(&app.keys, &held.scope(), now),
    };
    let within = limits::check(&app.keys, Limit::Network, &client.network()).is_ok()
        && limits::check(&app.keys, Limit::Answers, &held.ticket.id.to_string()).is_ok();
    if !within {
        parts.files.clear();
        parts.refused.clear();
    }
    let (files, file_problem) = kept::collect(app, &parts, frame).await?;
    let text = parts.text("message").trim_end().to_owned();
    let mut problems = Vec::new();
    if text.trim().is_empty() && files.is_empty() {
        problems.push(("message", frame.text("error-required-message")));
    } else if text.chars().count() > MAX_TEXT {
        problems.push(("message", frame.with("error-too-long", "max", MAX_TEXT)));
    }
    if let Some(words) = file_problem {
        problems.push(("files", words));
    }
    let (status, trouble) = match verdict {
        _ if !within => (StatusCode::TOO_MANY_REQUESTS, Some("error-rate-limit")),
        // The link is proof enough of a person: fast is no crime here, and a forged stamp is most likely a page of long ago.
        Verdict::Good | Verdict::TooFast => (StatusCode::UNPROCESSABLE_ENTITY, None),
        Verdict::Expired | Verdict::Forged => (StatusCode::UNPROCESSABLE_ENTITY, Some("error-expired")),
    };
    if trouble.is_some() || !problems.is_empty() {
        let mut page = TicketPage::load(app, held, None, again, None).await?;
        page.text = text;
        page.kept = files;
        page.problems = problems;
        page.trouble = trouble.map(|key| frame.text(key));
        let mut response = respond(&page, status)?;
        if status == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("120"));
        }
        return Ok(response);
    }
    keep(app, held, provider_id, text, &files).await?;
    Ok(Redirect::to(&held.address("", "done=sent")).into_response())
}

/// The id of an answer, in the shape of a mail's Message-ID, as replies by mail refer to it.
fn provider_id(app: &App, form: &str) -> String {
    let url = url::Url::parse(&app.config.public_url()).ok();
    format!("{form}.page@{}", url.as_ref().and_then(url::Url::host_str).unwrap_or("localhost"))
}

async fn is_known(app: &App, held: &Held, provider_id: &str) -> sqlx::Result<bool> {
    let mut db = app.db.acquire().await?;
    Ok(forms::find_sent(&mut db, held.ticket.channel_id, provider_id).await?.is_some())
}

async fn keep(app: &App, held: &Held, provider_id: String, text: String, files: &[KeptFile]) -> Result<()> {
    let channel = channel_of(app, &held.ticket).await?;
    let mut db = app.db.acquire().await?;
    let name = contacts::find(&mut db, held.ticket.contact_id).await?.map(|contact| contact.name).unwrap_or_default();
    // Answers go on going where they went before.
    let Recipients { to, cc, bcc: _ } = recipients::of_customer(&mut db, &held.ticket).await?;
    let from = to.into_iter().next().map(|to| Address { name: name.clone(), address: to.address });
    drop(db);
    // Only files: their names say what came.
    let body = if text.trim().is_empty() { files.iter().map(|file| file.name.as_str()).collect::<Vec<_>>().join("\n") } else { text };
    let incoming = Incoming {
        provider_id,
        from: from.clone().unwrap_or(Address { name, address: String::new() }),
        subject: held.ticket.subject.clone(),
        body,
        language: held.ticket.language.clone(),
        envelope: Envelope { from, cc, subject: held.ticket.subject.clone(), ..Envelope::default() },
        ..Incoming::default()
    };
    let files: Vec<StoredFile> = files.iter().filter_map(KeptFile::stored).collect();
    let origin =
        Origin { channel: &channel, delivery: None, files: &files, ticket: Some(held.ticket.id), contact: None, acknowledge: false };
    let mut attempt = 1;
    loop {
        let mut change = Change::begin(app).await?;
        match receive::receive(&mut change, &origin, &incoming).await {
            Ok(_) => return Ok(change.commit().await?),
            Err(error) if attempt < ATTEMPTS && is_crossing(&error) => attempt += 1,
            Err(error) => return Err(error.into()),
        }
    }
}

/// The customer says that it is settled.
pub(super) async fn close(
    State(app): State<App>,
    Path(token): Path<String>,
    Query(query): Query<PageQuery>,
    client: Client,
) -> Result<Response> {
    let Some(held) = Held::find(&app, token, &query.lang, &client).await? else { return gone(&app, &client).await };
    if limits::check(&app.keys, Limit::Views, &client.network()).is_err() {
        return visitors::too_many(&held.frame);
    }
    let mut change = Change::begin(&app).await?;
    if follow::close(&mut change, held.ticket.id).await? {
        // What is settled needs no call.
        call_backs::withdraw(&mut change, Actor::Customer, held.ticket.id).await?;
        change.commit().await?;
    }
    Ok(Redirect::to(&held.address("", "done=closed")).into_response())
}
