//! What an agent has typed and not sent. It is kept on the server, so that it follows them to another machine.

use serde::Deserialize;
use sqlx::PgConnection;

use crate::desk::tickets::recipients::Recipients;
use crate::ids::{AgentId, TicketId};

/// An agent's unsent words on a ticket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drafts {
    pub reply: String,
    pub note: String,
    /// Whom the reply was to go to before it was taken back, where that is not whom an answer goes to anyway.
    pub to: Option<Recipients>,
}

/// One of them, as its row tells it.
#[derive(Debug, Deserialize)]
pub struct Draft {
    pub note: bool,
    pub body: String,
    pub recipients: Option<serde_json::Value>,
}

impl FromIterator<Draft> for Drafts {
    fn from_iter<I: IntoIterator<Item = Draft>>(rows: I) -> Self {
        let mut drafts = Self::default();
        for row in rows {
            if row.note {
                drafts.note = row.body;
            } else {
                drafts.reply = row.body;
                drafts.to = row.recipients.and_then(|to| serde_json::from_value(to).ok());
            }
        }
        drafts
    }
}

/// The drafts of an agent.
pub async fn find(db: &mut PgConnection, ticket: TicketId, agent: AgentId) -> sqlx::Result<Drafts> {
    let rows =
        sqlx::query_as!(Draft, "select note, body, recipients from drafts where ticket_id = $1 and agent_id = $2", ticket.0, agent.0)
            .fetch_all(db)
            .await?;
    Ok(rows.into_iter().collect())
}

/// Keeps what was typed; nothing typed keeps nothing.
pub async fn save(db: &mut PgConnection, ticket: TicketId, agent: AgentId, note: bool, body: &str) -> sqlx::Result<()> {
    if body.trim().is_empty() {
        return clear(db, ticket, agent, note).await;
    }
    sqlx::query!(
        "insert into drafts (ticket_id, agent_id, note, body) values ($1, $2, $3, $4)
         on conflict (ticket_id, agent_id, note) do update set body = excluded.body, updated_at = now()",
        ticket.0,
        agent.0,
        note,
        body
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Makes words the draft of a reply again, before what was begun meanwhile.
pub(crate) async fn put_before(db: &mut PgConnection, ticket: TicketId, agent: AgentId, body: &str) -> sqlx::Result<()> {
    let begun = find(db, ticket, agent).await?.reply;
    let joined = match begun.trim() {
        "" => body.to_owned(),
        same if same == body.trim() => body.to_owned(),
        begun => format!("{body}\n\n{begun}"),
    };
    save(db, ticket, agent, false, &joined).await
}

/// Keeps with the draft of a reply whom it goes to.
pub(crate) async fn set_recipients(db: &mut PgConnection, ticket: TicketId, agent: AgentId, to: &Recipients) -> sqlx::Result<()> {
    let to = serde_json::to_value(to).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query!("update drafts set recipients = $3 where ticket_id = $1 and agent_id = $2 and not note", ticket.0, agent.0, to)
        .execute(db)
        .await?;
    Ok(())
}

/// Forgets a draft.
pub async fn clear(db: &mut PgConnection, ticket: TicketId, agent: AgentId, note: bool) -> sqlx::Result<()> {
    sqlx::query!("delete from drafts where ticket_id = $1 and agent_id = $2 and note = $3", ticket.0, agent.0, note).execute(db).await?;
    Ok(())
}
