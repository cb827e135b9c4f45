//! What a ticket's page shows around the conversation: the customer, the history, the files, what waits in the composer.
//!
//! One statement where seven would be plainer. Behind each lies a handful of rows, so that the way to the database and back is what takes
//! the time; lists travel as JSON.

use sqlx::PgConnection;
use sqlx::types::Json;

use crate::desk::contacts::{Contact, EarlierTicket, Identity};
use crate::desk::events::{self, Entry};
use crate::desk::files::{Attachment, Upload};
use crate::desk::kinds::IdentityKind;
use crate::desk::merging::{self, Suggestion};
use crate::desk::tickets::Ticket;
use crate::desk::tickets::drafts::{Draft, Drafts};
use crate::desk::tickets::thread::Message;
use crate::ids::AgentId;

/// Entries of the history, the newest.
const EVENTS: i64 = 200;
/// Other tickets of the customer, the newest.
const EARLIER: i64 = 8;

/// Everything on a ticket's page but its messages.
#[derive(Debug)]
pub struct Surroundings {
    pub contact: Contact,
    pub identities: Vec<Identity>,
    /// The customer's other tickets, the newest first.
    pub earlier: Vec<EarlierTicket>,
    /// Who may be the same person.
    pub twins: Vec<Suggestion>,
    /// Oldest first.
    pub events: Vec<Entry>,
    /// The files of the messages shown.
    pub attachments: Vec<Attachment>,
    /// What the agent has typed and not sent.
    pub drafts: Drafts,
    /// The files that go with it.
    pub uploads: Vec<Upload>,
    pub has: Has,
}

/// What few tickets have, so that it is asked for only where it is.
#[derive(Debug, Clone, Copy)]
pub struct Has {
    /// Letters that leave later.
    pub plans: bool,
    /// Conversations beside the customer's.
    pub sides: bool,
    /// A call that is or was owed.
    pub calls: bool,
    /// Public words of anger.
    pub anger: bool,
}

/// What surrounds these messages of a ticket, for this agent.
pub async fn load(db: &mut PgConnection, ticket: &Ticket, messages: &[Message], agent: AgentId) -> sqlx::Result<Surroundings> {
    let messages: Vec<i64> = messages.iter().map(|message| message.id.0).collect();
    let row = sqlx::query!(
        r#"select c.id, c.name, c.language, c.company, c.note, c.created_at, c.picture,
                  (select json_agg(i) from (
                      select kind, address, undeliverable from identities where contact_id = c.id order by id limit 100) i) as "identities: Json<Vec<Identity>>",
                  (select json_agg(t) from (
                      select id, subject, status, last_message_at from tickets
                      where contact_id = c.id and id <> $2 order by id desc limit $5) t) as "earlier: Json<Vec<EarlierTicket>>",
                  (select json_agg(s) from (
                      select other, name, email, kind, reason, value from contact_twins where contact_id = c.id order by other limit $7) s) as "twins: Json<Vec<Suggestion>>",
                  (select json_agg(e) from (
                      select id, agent_id, kind, data, created_at from events
                      where ticket_id = $2 order by id desc limit $6) e) as "events: Json<Vec<events::Record>>",
                  (select json_agg(a) from (
                      select id, ticket_id as ticket, message_id as message, name, media_type, size, encode(sha256, 'hex') as sha256, content_id, inline
                      from attachments where message_id = any($4) order by id limit 2000) a) as "attachments: Json<Vec<Attachment>>",
                  (select json_agg(d) from (
                      select note, body, recipients from drafts where ticket_id = $2 and agent_id = $3) d) as "drafts: Json<Vec<Draft>>",
                  (select json_agg(u) from (
                      select id, name, media_type, size, content_id from uploads
                      where ticket_id = $2 and agent_id = $3 and planned_id is null and space = '' order by id limit 100) u) as "uploads: Json<Vec<Upload>>",
                  exists (select from planned_replies where ticket_id = $2) as "plans!",
                  exists (select from sides where ticket_id = $2) as "sides!",
                  exists (select from call_backs where ticket_id = $2) as "calls!",
                  exists (select from anger where ticket_id = $2) as "anger!"
           from contacts c where c.id = $1"#,
        ticket.contact_id.0,
        ticket.id.0,
        agent.0,
        &messages,
        EARLIER,
        EVENTS,
        merging::SHOWN
    )
    .fetch_one(db)
    .await?;
    let identities: Vec<Identity> = list(row.identities);
    Ok(Surroundings {
        contact: Contact {
            id: row.id,
            name: row.name,
            email: first_of(&identities, IdentityKind::Email),
            phone: first_of(&identities, IdentityKind::Phone),
            language: row.language,
            company: row.company,
            note: row.note,
            created_at: row.created_at,
            picture: row.picture,
        },
        identities,
        earlier: list(row.earlier),
        twins: list(row.twins),
        events: list(row.events).into_iter().rev().map(Entry::from).collect(),
        attachments: list(row.attachments),
        drafts: list(row.drafts).into_iter().collect(),
        uploads: list(row.uploads),
        has: Has { plans: row.plans, sides: row.sides, calls: row.calls, anger: row.anger },
    })
}

fn first_of(identities: &[Identity], kind: IdentityKind) -> Option<String> {
    identities.iter().find(|identity| identity.kind == kind).map(|identity| identity.address.clone())
}

/// Postgres aggregates no rows to null.
fn list<T>(rows: Option<Json<Vec<T>>>) -> Vec<T> {
    rows.map(|rows| rows.0).unwrap_or_default()
}
