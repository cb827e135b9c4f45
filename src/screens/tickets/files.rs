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
use crate::http::outside::Caller;
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
    /// Pictures of the web are there and not shown.
    offer: bool,
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
    let offer = !pictures && html::has_remote(&body);
    let body = if pictures { html::show_remote(&body, |address| picture_link(&app, id, message.id, address)) } else { body };
    let mut response = crate::http::render(&HtmlPage { body, offer })?;
    // No allow-scripts: only the surrounding page measures the frame. Pictures come from here alone, those of the web through us.
    const POLICY: &str = "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; frame-ancestors 'self'; form-action 'none'; base-uri 'none'; sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox";
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(response)
}

/// Largest picture that is fetched from the web for a reader, in bytes.
const MAX_PICTURE: usize = 5 << 20;
/// Longest address of one.
const MAX_ADDRESS: usize = 4_000;
/// Length of its signature: 100 bits.
const SIGNATURE: usize = 20;

fn signed(message: MessageId, address: &str) -> String {
    format!("{message} {address}")
}

/// Where a reader gets a picture of the web from us, so that its server learns nothing of them.
fn picture_link(app: &App, ticket: TicketId, message: MessageId, address: &str) -> Option<String> {
    let mut url = url::Url::parse(address).ok().filter(|_| address.len() <= MAX_ADDRESS)?;
    // Nothing is fetched without TLS, and hardly any server is left that cannot.
    if url.scheme() == "http" && !app.config.web.allow_private_networks {
        url.set_scheme("https").ok()?;
    }
    let key = app.keys.sign("picture", &signed(message, url.as_str()), SIGNATURE);
    let query: String =
        url::form_urlencoded::Serializer::new(String::new()).append_pair("key", &key).append_pair("url", url.as_str()).finish();
    Some(format!("/tickets/{ticket}/messages/{message}/picture?{query}"))
}

/// A picture of the web, and our signature that it stands in a letter.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PictureQuery {
    key: String,
    url: String,
}

/// A picture of the web that stands in a letter, fetched by us: without the reader's address, browser or cookies.
pub async fn show_picture(
    State(app): State<App>,
    Path((id, message)): Path<(TicketId, MessageId)>,
    Query(query): Query<PictureQuery>,
    agent: Agent,
) -> Result<Response> {
    if query.url.len() > MAX_ADDRESS || !app.keys.verify("picture", &signed(message, &query.url), SIGNATURE, &query.key) {
        return Err(Error::NotFound);
    }
    let mut db = app.db.acquire().await?;
    permitted(&mut db, &agent, id).await?;
    drop(db);
    let prepare = |request: reqwest::RequestBuilder| request.header(header::ACCEPT, "image/png, image/jpeg, image/gif, image/webp");
    let fetched = Caller::of(&app).fetch_at_most(MAX_PICTURE, &query.url, prepare).await.map_err(|_| Error::NotFound)?;
    // What it is its bytes tell; a drawing (SVG) is a document of its own and stays away.
    let kind = infer::get(&fetched.bytes).map(|kind| kind.mime_type());
    let kind = kind.filter(|kind| matches!(*kind, "image/png" | "image/jpeg" | "image/gif" | "image/webp")).ok_or(Error::NotFound)?;
    let mut response = fetched.bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(SANDBOX));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=86400, immutable"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
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
