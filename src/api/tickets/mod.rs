//! `/tickets`: how a ticket looks to a program, and reading it.

mod change;
mod conversation;
mod create;
mod list;

use std::collections::HashMap;

use axum::extract::{DefaultBodyLimit, State};
use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

use crate::api::error::{Refusal, Result};
use crate::api::extract::{Caller, Path};
use crate::api::{ErrorBody, input};
use crate::app::App;
use crate::clock::Ts;
use crate::desk::directory::{self, Directory};
use crate::desk::kinds::{ChannelKind, Direction, Priority, Status};
use crate::desk::{contacts, tickets};
use crate::ids::{AgentId, ChannelId, ContactId, TagId, TeamId, TicketId};

/// The routes of tickets.
pub fn router() -> OpenApiRouter<App> {
    let large = || DefaultBodyLimit::max(input::MAX_BODY);
    OpenApiRouter::new()
        .routes(routes!(list::list, create::create).layer(large()))
        .routes(routes!(read, change::change))
        .routes(routes!(conversation::messages, conversation::speak).layer(large()))
        .routes(routes!(conversation::events))
        .routes(routes!(list::of_contact))
}

/// A ticket.
#[derive(Debug, Serialize, ToSchema)]
pub struct Ticket {
    /// Also the number that people see.
    pub id: TicketId,
    pub channel_id: ChannelId,
    pub channel_kind: ChannelKind,
    pub contact: TicketContact,
    pub subject: String,
    pub status: Status,
    pub priority: Priority,
    pub assignee_id: Option<AgentId>,
    pub team_id: Option<TeamId>,
    pub tags: Vec<Tag>,
    /// The customer's, two letters.
    pub language: Option<String>,
    /// The oldest customer message that is still owed an answer; null when the next word is theirs.
    pub waiting_since: Option<Ts>,
    pub snoozed_until: Option<Ts>,
    pub solved_at: Option<Ts>,
    pub first_answered_at: Option<Ts>,
    /// When the automatic acknowledgement was queued.
    pub acknowledged_at: Option<Ts>,
    /// Notes and automatic messages among them.
    pub message_count: i32,
    pub last_message_at: Ts,
    pub last_direction: Option<Direction>,
    /// One line of the newest message.
    pub excerpt: String,
    /// What a form asked besides the message: pairs of label and answer.
    #[schema(value_type = Vec<Vec<String>>)]
    pub details: serde_json::Value,
    pub created_at: Ts,
    pub updated_at: Ts,
    /// Where agents open it.
    pub url: String,
    /// Where the customer follows it; whoever has this link may read it.
    pub link: String,
}

/// The customer of a ticket.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TicketContact {
    pub id: ContactId,
    /// Empty when nobody told it yet.
    pub name: String,
    /// The first mail address, if they have one.
    pub email: Option<String>,
}

/// A tag.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Tag {
    pub id: TagId,
    pub name: String,
}

/// These tickets as programs see them, in the order given.
pub(in crate::api) async fn show(app: &App, db: &mut PgConnection, directory: &Directory, ids: &[TicketId]) -> Result<Vec<Ticket>> {
    let found = tickets::find_many(db, ids).await?;
    let people: Vec<ContactId> = found.iter().map(|ticket| ticket.contact_id).collect();
    let people = contacts::find_many(db, &people).await?;
    let people: HashMap<ContactId, TicketContact> = people
        .into_iter()
        .map(|contact| (contact.id, TicketContact { id: contact.id, name: contact.name, email: contact.email }))
        .collect();
    Ok(found
        .into_iter()
        .map(|ticket| Ticket {
            id: ticket.id,
            channel_id: ticket.channel_id,
            channel_kind: directory.channel(ticket.channel_id).map_or(ChannelKind::Api, |channel| channel.kind),
            contact: people.get(&ticket.contact_id).cloned().unwrap_or(TicketContact {
                id: ticket.contact_id,
                name: String::new(),
                email: None,
            }),
            subject: ticket.subject,
            status: ticket.status,
            priority: ticket.priority,
            assignee_id: ticket.assignee_id,
            team_id: ticket.team_id,
            tags: ticket.tag_ids.iter().map(|id| Tag { id: *id, name: directory.tag(*id).to_owned() }).collect(),
            language: ticket.language,
            waiting_since: ticket.waiting_since,
            snoozed_until: ticket.snoozed_until,
            solved_at: ticket.solved_at,
            first_answered_at: ticket.first_answered_at,
            acknowledged_at: ticket.acknowledged_at,
            message_count: ticket.message_count,
            last_message_at: ticket.last_message_at,
            last_direction: ticket.last_direction,
            excerpt: ticket.excerpt,
            details: if ticket.details.is_array() { ticket.details } else { serde_json::json!([]) },
            created_at: ticket.created_at,
            updated_at: ticket.updated_at,
            url: format!("{}/tickets/{}", app.config.public_url(), ticket.id),
            link: tickets::link(app, ticket.id),
        })
        .collect())
}

/// One ticket as programs see it.
async fn show_one(app: &App, id: TicketId) -> Result<Ticket> {
    let directory = directory::get(app).await?;
    let mut db = app.db.acquire().await?;
    show(app, &mut db, &directory, &[id]).await?.pop().ok_or_else(Refusal::not_found)
}

/// Read a ticket
#[utoipa::path(get, path = "/tickets/{id}", tag = "Tickets", operation_id = "read_ticket",
    params(("id" = TicketId, Path, description = "The ticket's number.")),
    responses((status = 200, body = Ticket), (status = 404, body = ErrorBody)))]
async fn read(State(app): State<App>, Caller(agent): Caller, Path(id): Path<TicketId>) -> Result<axum::Json<Ticket>> {
    let mut db = app.db.acquire().await?;
    tickets::load(&mut db, &agent, id).await?.ok_or_else(Refusal::not_found)?;
    drop(db);
    Ok(axum::Json(show_one(&app, id).await?))
}
