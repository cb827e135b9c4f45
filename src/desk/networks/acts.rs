//! What an agent does to a message of a network: hides it, likes it, deletes it in public; puts an emoji on it in private.

use sqlx::PgConnection;

use crate::desk::changes::{Actor, Change};
use crate::desk::events::Event;
use crate::desk::kinds::Direction;
use crate::ids::{AgentId, ChannelId, MessageId, TicketId};

/// What can be done to a public message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Hide(bool),
    Like(bool),
    Delete,
}

/// A public message as its provider knows it.
#[derive(Debug, Clone)]
pub struct Target {
    pub channel: ChannelId,
    pub provider_id: String,
    pub direction: Direction,
}

/// The public message of a ticket, unless it is gone.
pub async fn find(db: &mut PgConnection, ticket: TicketId, message: MessageId) -> sqlx::Result<Option<Target>> {
    sqlx::query_as!(
        Target,
        r#"select m.channel_id as channel, direction,
                  coalesce(m.provider_id, (select p.provider_id from message_parts p where p.message_id = m.id order by position limit 1)) as "provider_id!"
           from messages m where m.id = $1 and m.ticket_id = $2 and m.public and m.removed_at is null
             and (m.provider_id is not null or exists (select from message_parts p where p.message_id = m.id and p.provider_id is not null))"#,
        message.0,
        ticket.0
    )
    .fetch_optional(db)
    .await
}

/// A customer's private message of a ticket, unless it is gone.
pub async fn find_private(db: &mut PgConnection, ticket: TicketId, message: MessageId) -> sqlx::Result<Option<Target>> {
    sqlx::query_as!(
        Target,
        r#"select channel_id as channel, direction, provider_id as "provider_id!" from messages
           where id = $1 and ticket_id = $2 and direction = 'inbound' and not public and removed_at is null and provider_id is not null"#,
        message.0,
        ticket.0
    )
    .fetch_optional(db)
    .await
}

/// The provider has done it.
pub async fn done(change: &mut Change, agent: AgentId, ticket: TicketId, message: MessageId, act: Act) -> sqlx::Result<()> {
    let by = Actor::Agent(agent);
    match act {
        Act::Hide(hidden) => {
            sqlx::query!("update messages set hidden = $2 where id = $1", message.0, hidden).execute(&mut **change).await?;
            change.record(ticket, by, Event::MessageHidden { message, hidden }).await
        }
        Act::Like(liked) => {
            sqlx::query!("update messages set liked = $2 where id = $1", message.0, liked).execute(&mut **change).await?;
            change.touch(ticket);
            Ok(())
        }
        Act::Delete => {
            // Its words stay with the team: they may be needed when its author complains.
            sqlx::query!("update messages set removed_at = now(), extras = extras || '{\"deleted\": true}' where id = $1", message.0)
                .execute(&mut **change)
                .await?;
            change.record(ticket, by, Event::MessageDeleted { message }).await
        }
    }
}

/// Our public answers in a ticket that left before now are no longer what the network shows: it keeps one, and has a newer one. `by`: the
/// message that took their place.
pub async fn replaced(change: &mut Change, ticket: TicketId, by: Option<MessageId>) -> sqlx::Result<()> {
    let done = sqlx::query!(
        "update messages set removed_at = now(), extras = extras || '{\"replaced\": true}'
         where ticket_id = $1 and direction = 'outbound' and public and removed_at is null and delivery in ('sent', 'delivered', 'read')
           and ($2::bigint is null or id < $2)",
        ticket.0,
        by.map(|id| id.0)
    )
    .execute(&mut **change)
    .await?;
    if done.rows_affected() > 0 {
        change.touch(ticket);
    }
    Ok(())
}
