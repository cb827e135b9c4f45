//! `/tickets/{id}/messages` and `/tickets/{id}/events`: what was said, and what happened.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::ErrorBody;
use crate::api::error::{Refusal, Result};
use crate::api::extract::{Caller, Json, Path, Query};
use crate::api::input::{self, Checks, List, MAX_TEXT, NewAttachment};
use crate::api::messages::{self, Message};
use crate::app::App;
use crate::clock::Ts;
use crate::desk::approvals::{self, Answered};
use crate::desk::changes::Change;
use crate::desk::directory;
use crate::desk::events;
use crate::desk::files::{self, StoredFile};
use crate::desk::kinds::{ApprovalState, Status};
use crate::desk::networks::say::Outlet;
use crate::desk::tickets::reply::{self, NewReply};
use crate::desk::tickets::{self, thread};
use crate::ids::{AgentId, ApprovalId, EventId, MessageId, TicketId};

/// A page of a conversation or a history.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// 1 to 100; 50 if not said.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
    /// The `next` of the page before.
    after: Option<String>,
}

/// List a ticket's messages
///
/// The oldest first, internal notes among them.
#[utoipa::path(get, path = "/tickets/{id}/messages", tag = "Tickets", operation_id = "list_messages",
    params(("id" = TicketId, Path, description = "The ticket's number."), PageQuery),
    responses((status = 200, body = List<Message>), (status = 404, body = ErrorBody)))]
pub(super) async fn messages(
    State(app): State<App>,
    Caller(agent): Caller,
    Path(id): Path<TicketId>,
    Query(query): Query<PageQuery>,
) -> Result<axum::Json<List<Message>>> {
    let limit = input::limit(query.limit)?;
    let after = input::cursor(query.after.as_deref())?;
    let mut db = app.db.acquire().await?;
    tickets::load(&mut db, &agent, id).await?.ok_or_else(Refusal::not_found)?;
    let found = thread::after(&mut db, id, after, limit + 1).await?;
    let List { data, next } = List::cut(found, limit, |message| message.id.to_string());
    Ok(axum::Json(List { data: messages::show(&app, &mut db, data).await?, next }))
}

/// What to say on a ticket.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTicketMessage {
    r#type: MessageType,
    /// At most 200,000 bytes. The agent's signature is added to a reply.
    text: String,
    #[serde(default)]
    attachments: Vec<NewAttachment>,
    /// Reply only: where the ticket stands afterwards (`open`, `pending` or `solved`); an open one becomes `pending` if not said.
    status: Option<Status>,
    /// Reply only: the newest message that you know. If somebody wrote after it, the reply is refused with 409.
    seen: Option<MessageId>,
}

/// Whom a message is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MessageType {
    /// Goes to the customer: over the network that the ticket came from, else by mail.
    Reply,
    /// Stays with the agents.
    Note,
}

/// Reply to the customer, or add a note
///
/// In the name of the token's agent, and under the same rules: where public answers of their role need a second person, it waits (202).
/// A reply leaves a few seconds later; until then an agent can take it back.
#[utoipa::path(post, path = "/tickets/{id}/messages", tag = "Tickets", operation_id = "create_message", request_body = NewTicketMessage,
    params(("id" = TicketId, Path, description = "The ticket's number.")),
    responses((status = 201, body = Message),
        (status = 202, description = "A public reply of an agent whose role needs a second person: it is kept, and not sent yet.", body = HeldReply),
        (status = 404, body = ErrorBody),
        (status = 409, description = "Something newer arrived, or there is no way to this customer.", body = ErrorBody),
        (status = 422, body = ErrorBody)))]
pub(super) async fn speak(
    State(app): State<App>,
    Caller(agent): Caller,
    Path(id): Path<TicketId>,
    Json(new): Json<NewTicketMessage>,
) -> Result<Response> {
    let mut checks = Checks::default();
    let body = checks.text("text", &new.text, MAX_TEXT);
    if body.trim().is_empty() {
        checks.wrong("text", "Write something.");
    }
    if new.r#type == MessageType::Note {
        for (name, said) in [("status", new.status.is_some()), ("seen", new.seen.is_some())] {
            if said {
                checks.wrong(name, "Belongs to a reply, not to a note.");
            }
        }
    }
    if matches!(new.status, Some(Status::Snoozed | Status::Spam)) {
        checks.wrong("status", "One of open, pending, solved.");
    }
    let files = checks.files(new.attachments);
    checks.done()?;
    let mut db = app.db.acquire().await?;
    let ticket = tickets::load(&mut db, &agent, id).await?.ok_or_else(Refusal::not_found)?;
    drop(db);
    let directory = directory::get(&app).await?;
    // Over the network that the ticket came from, if answers leave there; else by mail.
    let abilities = directory.channel(ticket.channel_id).and_then(|channel| channel.abilities.as_deref().cloned());
    let outlet = abilities.map(|abilities| Outlet { channel: ticket.channel_id, abilities, private: false, template: None });
    let files = StoredFile::store_all(&app, &files).await?;
    let mut change = Change::begin(&app).await?;
    let answered = match new.r#type {
        MessageType::Reply => {
            let new = to_reply(body, new.seen, new.status, outlet);
            approvals::reply_apart_or_hold(&mut change, &agent, id, &new, &files).await?
        }
        MessageType::Note => {
            let note = reply::note_apart(&mut change, &agent, id, &body).await?;
            files::attach(&mut change, id, note, &files).await?;
            Answered::Queued(note)
        }
    };
    change.commit().await?;
    Ok(match answered {
        Answered::Queued(message) => (StatusCode::CREATED, axum::Json(messages::show_one(&app, message).await?)).into_response(),
        Answered::Held(approval) => {
            let url = format!("{}/approvals/{approval}", app.config.public_url());
            let held = HeldReply { approval_id: approval, ticket_id: id, state: ApprovalState::Waiting, url };
            (StatusCode::ACCEPTED, axum::Json(held)).into_response()
        }
    })
}

/// A public reply that waits until a second person has approved it. There is no message yet.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeldReply {
    pub approval_id: ApprovalId,
    pub ticket_id: TicketId,
    /// Always `waiting`; the ticket's history tells what becomes of it: `approved`, `approval_returned` or `approval_withdrawn`.
    pub state: ApprovalState,
    /// Where people who lead decide.
    pub url: String,
}

fn to_reply(body: String, seen: Option<MessageId>, then: Option<Status>, outlet: Option<Outlet>) -> NewReply {
    NewReply { body, seen, then, outlet, ..NewReply::default() }
}

/// Something that happened to a ticket.
#[derive(Debug, Serialize, ToSchema)]
pub struct Event {
    pub id: EventId,
    /// `created`, `received`, `reopened`, `replied`, `noted`, `undone`, `acknowledged`, `send_failed`, `send_retried`, `bounced`,
    /// `delivery_delayed`, `receipt_came`, `spam_reported`, `assigned`, `team_changed`, `status_changed`, `snoozed`, `woken`, `priority_changed`, `tagged`, `untagged`, `subject_changed`,
    /// `closed_by_customer`, `approval_asked`, `approved`, `approval_returned`, `approval_withdrawn`, `anger_found`, `anger_rang`,
    /// `anger_mailed`, `anger_taken`, `anger_calmed`, `anger_restored`, `anger_gone`, `rating_changed`; later versions may add others.
    #[schema(example = "status_changed")]
    pub kind: String,
    /// What belongs to the kind: numbers of messages, tags and agents, statuses from and to.
    #[schema(value_type = Object, example = json!({"from": "open", "to": "pending"}))]
    pub data: serde_json::Value,
    /// Who did it; null: the customer or the desk itself.
    pub agent_id: Option<AgentId>,
    pub created_at: Ts,
}

/// List a ticket's history
///
/// The oldest first.
#[utoipa::path(get, path = "/tickets/{id}/events", tag = "Tickets", operation_id = "list_events",
    params(("id" = TicketId, Path, description = "The ticket's number."), PageQuery),
    responses((status = 200, body = List<Event>), (status = 404, body = ErrorBody)))]
pub(super) async fn events(
    State(app): State<App>,
    Caller(agent): Caller,
    Path(id): Path<TicketId>,
    Query(query): Query<PageQuery>,
) -> Result<axum::Json<List<Event>>> {
    let limit = input::limit(query.limit)?;
    let after = input::cursor(query.after.as_deref())?;
    let mut db = app.db.acquire().await?;
    tickets::load(&mut db, &agent, id).await?.ok_or_else(Refusal::not_found)?;
    let found = events::after(&mut db, id, after, limit + 1).await?;
    let found = found
        .into_iter()
        .map(|record| Event {
            id: record.id,
            kind: record.kind,
            data: record.data,
            agent_id: record.agent_id,
            created_at: record.created_at,
        })
        .collect();
    Ok(axum::Json(List::cut(found, limit, |event: &Event| event.id.to_string())))
}
