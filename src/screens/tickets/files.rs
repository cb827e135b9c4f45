//! What came with messages: files, the formatted version, the original. Nothing of it may run or phone home.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, header};
use serde::Deserialize;

use crate::app::App;
use crate::desk::agents::Agent;
use crate::desk::deliveries;
use crate::desk::files;
use crate::desk::tickets::thread;
use crate::http::{Error, Path, Query, Result, downloads};
use crate::ids::{AttachmentId, MessageId, TicketId};
use crate::screens::tickets::permitted;
use crate::text::html;

/// For whatever a stranger sent: no scripts, no requests, no forms, in a world of its own.
const SANDBOX: &str = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'";

/// A file of a message.
pub async fn show_file(
    State(app): State<App>,
    Path((id, file)): Path<(TicketId, AttachmentId)>,
    headers: HeaderMap,
    agent: Agent,
) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    permitted(&mut db, &agent, id).await?;
    let attachment = files::find(&mut db, id, file).await?.ok_or(Error::NotFound)?;
    drop(db);
    Ok(downloads::attachment(&app, &attachment, "private, max-age=86400, immutable", &headers).await?)
}

/// Whether remote pictures were asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct HtmlQuery {
    pictures: String,
}

#[derive(Template)]
#[template(path = "screens/tickets/html.html")]
struct HtmlPage {
    body: String,
}

/// The formatted version of a message, for a frame without scripts. Remote pictures load only when asked for.
pub async fn show_html(
    State(app): State<App>,
    Path((id, message)): Path<(TicketId, MessageId)>,
    Query(query): Query<HtmlQuery>,
    agent: Agent,
) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    permitted(&mut db, &agent, id).await?;
    let message = thread::find(&mut db, message).await?.filter(|message| message.ticket_id == id).ok_or(Error::NotFound)?;
    let inline = files::of_messages(&mut db, &[message.id]).await?;
    drop(db);
    let source = message.html.ok_or(Error::NotFound)?;
    let pictures = query.pictures == "1";
    let body = html::replace_cids(&source, |cid| {
        let file = inline.iter().find(|file| file.content_id.as_deref() == Some(cid) && file.is_picture())?;
        Some(format!("/tickets/{id}/files/{}", file.id))
    });
    let body = if pictures { html::show_remote(&body) } else { body };
    let mut response = crate::http::render(&HtmlPage { body })?;
    let sources = if pictures { "'self' data: https: http:" } else { "'self' data:" };
    // No allow-scripts: only the surrounding page measures the frame.
    let policy = format!(
        "default-src 'none'; img-src {sources}; style-src 'unsafe-inline'; frame-ancestors 'self'; form-action 'none'; base-uri 'none'; sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"
    );
    if let Ok(value) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, value);
    }
    response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(response)
}

/// The message as it came, as plain text.
pub async fn show_original(State(app): State<App>, Path((id, message)): Path<(TicketId, MessageId)>, agent: Agent) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    permitted(&mut db, &agent, id).await?;
    let message = thread::find(&mut db, message).await?.filter(|message| message.ticket_id == id).ok_or(Error::NotFound)?;
    let delivery = message.delivery_id.ok_or(Error::NotFound)?;
    let delivery = deliveries::find(&mut db, delivery).await?.ok_or(Error::NotFound)?;
    let mut response = delivery.raw.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(SANDBOX));
    Ok(response)
}
