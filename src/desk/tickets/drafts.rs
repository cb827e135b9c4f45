//! What an agent has typed and not sent. It is kept on the server, so that it follows them to another machine.

use serde::Deserialize;
use sqlx::PgConnection;

use crate::ids::{AgentId, TicketId};

/// An agent's unsent words on a ticket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drafts {
    pub reply: String,
    pub note: String,
}

/// One of them, as its row tells it.
#[derive(Debug, Deserialize)]
pub struct Draft {
    pub note: bool,
    pub body: String,
}

impl FromIterator<Draft> for Drafts {
    fn from_iter<I: IntoIterator<Item = Draft>>(rows: I) -> Self {
        let mut drafts = Self::default();
        for row in rows {
            if row.note { drafts.note = row.body } else { drafts.reply = row.body }
        }
        drafts
    }
}

/// The drafts of an agent.
pub async fn find(db: &mut PgConnection, ticket: TicketId, agent: AgentId) -> sqlx::Result<Drafts> {
    let rows = sqlx::query_as!(Draft, "select note, body from drafts where ticket_id = $1 and agent_id = $2", ticket.0, agent.0)
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

/// Forgets a draft.
pub async fn clear(db: &mut PgConnection, ticket: TicketId, agent: AgentId, note: bool) -> sqlx::Result<()> {
    sqlx::query!("delete from drafts where ticket_id = $1 and agent_id = $2 and note = $3", ticket.0, agent.0, note).execute(db).await?;
    Ok(())
}
