//! `/messages` and `/attachments`: one utterance with everything about it, its source, its files.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, header};
use serde::Serialize;
use sqlx::PgConnection;
use tokio_util::io::ReaderStream;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::ErrorBody;
use crate::api::error::{Refusal, Result};
use crate::api::extract::{Caller, Path};
use crate::app::App;
use crate::clock::Ts;
use crate::desk::agents::Agent;
use crate::desk::changes::{Actor, Change};
use crate::desk::kinds::{DeliveryStatus, Direction};
use crate::desk::tickets::{self, outbound, thread};
use crate::desk::{deliveries, envelope, files};
use crate::ids::{AgentId, AttachmentId, ChannelId, ContactId, MessageId, TicketId};

/// The routes of messages and their files.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(read)).routes(routes!(read_raw)).routes(routes!(retry)).routes(routes!(read_attachment))
}

/// A name and an address.
#[derive(Debug, Serialize, ToSchema)]
pub struct Address {
    /// Empty where none was given.
    pub name: String,
    pub address: String,
}

impl From<envelope::Address> for Address {
    fn from(from: envelope::Address) -> Self {
        Self { name: from.name, address: from.address }
    }
}

/// One utterance: from the customer, to them, or a note between agents.
#[derive(Debug, Serialize, ToSchema)]
pub struct Message {
    pub id: MessageId,
    pub ticket_id: TicketId,
    pub channel_id: ChannelId,
    pub direction: Direction,
    /// Who wrote it, if an agent did.
    pub agent_id: Option<AgentId>,
    /// Who wrote it, if a customer did.
    pub contact_id: Option<ContactId>,
    pub from: Option<Address>,
    pub reply_to: Vec<Address>,
    pub to: Vec<Address>,
    pub cc: Vec<Address>,
    pub subject: String,
    /// The whole text, quoted history included.
    pub text: String,
    /// What was written now.
    pub new_text: String,
    /// The history below or above it; empty when there is none.
    pub quoted_text: String,
    /// Sanitised: no scripts, forms or foreign styles. Remote pictures stand in `data-remote-src`; a picture `cid:…` is the
    /// attachment with that `content_id`.
    pub html: Option<String>,
    /// Two letters, where it could be told.
    pub language: Option<String>,
    pub attachments: Vec<Attachment>,
    /// Written by a machine.
    pub automatic: bool,
    /// A report that a mail did not arrive.
    pub bounce: bool,
    /// How far it has come; null for what does not leave.
    pub delivery: Option<DeliveryStatus>,
    /// Why it has not left.
    pub delivery_error: Option<String>,
    /// The channel's own id; for mail the Message-ID without brackets, for this API the `external_id`.
    pub provider_id: Option<String>,
    pub in_reply_to: Option<String>,
    pub created_at: Ts,
    /// When it left.
    pub sent_at: Option<Ts>,
    /// Where its source lies as it came in; null when there is none.
    pub raw: Option<String>,
}

/// A file of a message.
#[derive(Debug, Serialize, ToSchema)]
pub struct Attachment {
    pub id: AttachmentId,
    pub file_name: String,
    pub media_type: String,
    /// In bytes.
    pub size: i64,
    /// Of the content, in hexadecimal.
    pub sha256: String,
    /// Shown within the text.
    pub inline: bool,
    /// Without brackets.
    pub content_id: Option<String>,
    /// Where the content lies; asks for the token as well.
    pub url: String,
}

/// These messages as programs see them.
pub async fn show(app: &App, db: &mut PgConnection, messages: Vec<thread::Message>) -> Result<Vec<Message>> {
    let ids: Vec<MessageId> = messages.iter().map(|message| message.id).collect();
    let files = files::of_messages(db, &ids).await?;
    let base = format!("{}/api/v1", app.config.public_url());
    let attachments = |id: MessageId| {
        let own = files.iter().filter(|file| file.message == id);
        own.map(|file| Attachment {
            id: file.id,
            file_name: file.name.clone(),
            media_type: file.media_type.clone(),
            size: file.size,
            sha256: hex::encode(&file.sha256),
            inline: file.inline,
            content_id: file.content_id.clone(),
            url: format!("{base}/attachments/{}", file.id),
        })
        .collect()
    };
    let addresses = |list: Vec<envelope::Address>| list.into_iter().map(Address::from).collect();
    Ok(messages
        .into_iter()
        .map(|message| {
            let envelope = message.envelope();
            Message {
                id: message.id,
                ticket_id: message.ticket_id,
                channel_id: message.channel_id,
                direction: message.direction,
                agent_id: message.agent_id,
                contact_id: message.contact_id,
                from: envelope.from.map(Address::from),
                reply_to: addresses(envelope.reply_to),
                to: addresses(envelope.to),
                cc: addresses(envelope.cc),
                subject: envelope.subject,
                new_text: message.new_text(),
                quoted_text: message.quoted_text().to_owned(),
                attachments: attachments(message.id),
                raw: message.delivery_id.map(|_| format!("{base}/messages/{}/raw", message.id)),
                text: message.body,
                html: message.html,
                language: message.language,
                automatic: message.automatic,
                bounce: message.bounce,
                delivery: message.delivery,
                delivery_error: message.delivery_error,
                provider_id: message.provider_id,
                in_reply_to: envelope.in_reply_to,
                created_at: message.created_at,
                sent_at: message.sent_at,
            }
        })
        .collect())
}

/// One message as programs see it.
pub async fn show_one(app: &App, id: MessageId) -> Result<Message> {
    let mut db = app.db.acquire().await?;
    let message = thread::find(&mut db, id).await?.ok_or_else(Refusal::not_found)?;
    show(app, &mut db, vec![message]).await?.pop().ok_or_else(Refusal::not_found)
}

/// The message, for an agent who may see its ticket.
async fn load(db: &mut PgConnection, agent: &Agent, id: MessageId) -> Result<thread::Message> {
    let message = thread::find(db, id).await?.ok_or_else(Refusal::not_found)?;
    tickets::load(db, agent, message.ticket_id).await?.ok_or_else(Refusal::not_found)?;
    Ok(message)
}

/// Read a message
#[utoipa::path(get, path = "/messages/{id}", tag = "Messages", operation_id = "read_message",
    params(("id" = MessageId, Path, description = "The message's number.")),
    responses((status = 200, body = Message), (status = 404, body = ErrorBody)))]
async fn read(State(app): State<App>, Caller(agent): Caller, Path(id): Path<MessageId>) -> Result<axum::Json<Message>> {
    let mut db = app.db.acquire().await?;
    let message = load(&mut db, &agent, id).await?;
    let shown = show(&app, &mut db, vec![message]).await?.pop().ok_or_else(Refusal::not_found)?;
    Ok(axum::Json(shown))
}

/// Read a message's source
///
/// Byte for byte as it came in.
#[utoipa::path(get, path = "/messages/{id}/raw", tag = "Messages", operation_id = "read_message_source",
    params(("id" = MessageId, Path, description = "The message's number.")),
    responses((status = 200, body = String, content_type = "message/rfc822"), (status = 404, body = ErrorBody)))]
async fn read_raw(State(app): State<App>, Caller(agent): Caller, Path(id): Path<MessageId>) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    let message = load(&mut db, &agent, id).await?;
    let delivery = match message.delivery_id {
        Some(delivery) => deliveries::find(&mut db, delivery).await?,
        None => None,
    };
    let delivery = delivery.ok_or_else(Refusal::not_found)?;
    let headers = download(&format!("message-{id}.eml"), "message/rfc822");
    Ok((headers, delivery.raw).into_response())
}

/// Read an attachment's content
#[utoipa::path(get, path = "/attachments/{id}", tag = "Messages", operation_id = "read_attachment",
    params(("id" = AttachmentId, Path, description = "The attachment's number.")),
    responses((status = 200, description = "The content, with its own media type.", body = [u8], content_type = "application/octet-stream"),
        (status = 404, body = ErrorBody)))]
async fn read_attachment(State(app): State<App>, Caller(agent): Caller, Path(id): Path<AttachmentId>) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    let file = files::find_any(&mut db, id).await?.ok_or_else(Refusal::not_found)?;
    tickets::load(&mut db, &agent, file.ticket).await?.ok_or_else(Refusal::not_found)?;
    drop(db);
    let content = app.blobs.open(&file.sha256).await?;
    let mut headers = download(&file.name, &file.media_type);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(file.size));
    Ok((headers, Body::from_stream(ReaderStream::new(content))).into_response())
}

/// The headers of something that a stranger made: to be kept, never to be run in this origin.
fn download(name: &str, media_type: &str) -> HeaderMap {
    let ascii: String = name.chars().map(|c| if c.is_ascii_alphanumeric() || "-_. ".contains(c) { c } else { '_' }).collect();
    let encoded: String = name.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            byte if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) => out.push(char::from(byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
        out
    });
    let disposition = format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{encoded}");
    let mut headers = HeaderMap::new();
    let octets = HeaderValue::from_static("application/octet-stream");
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(media_type).unwrap_or(octets));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_str(&disposition).unwrap_or(HeaderValue::from_static("attachment")));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers
}

/// Try a message again
///
/// For one whose `delivery` is `failed`, or `queued` and waiting for its next attempt.
#[utoipa::path(post, path = "/messages/{id}/retry", tag = "Messages", operation_id = "retry_message",
    params(("id" = MessageId, Path, description = "The message's number.")),
    responses((status = 200, body = Message), (status = 404, body = ErrorBody),
        (status = 409, description = "It needs no trying: it has left, is leaving, or never was to leave.", body = ErrorBody)))]
async fn retry(State(app): State<App>, Caller(agent): Caller, Path(id): Path<MessageId>) -> Result<axum::Json<Message>> {
    let mut change = Change::begin(&app).await?;
    let message = load(&mut change, &agent, id).await?;
    if !outbound::retry(&mut change, Actor::Agent(agent.id), message.ticket_id, id).await? {
        return Err(Refusal::conflict("This message needs no trying: it has left, is leaving, or never was to leave."));
    }
    change.commit().await?;
    Ok(axum::Json(show_one(&app, id).await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_break_out_of_its_header() {
        let headers = download("fatt\"ura\r\nX: è.pdf", "application/pdf\r\nX: y");
        assert_eq!(headers[header::CONTENT_TYPE], "application/octet-stream");
        assert_eq!(
            headers[header::CONTENT_DISPOSITION],
            "attachment; filename=\"fatt_ura__X_ _.pdf\"; filename*=UTF-8''fatt%22ura%0D%0AX%3A%20%C3%A8.pdf"
        );
    }
}
