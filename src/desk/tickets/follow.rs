//! A ticket as its customer follows it: what was said, and that it is settled.

use sqlx::PgConnection;

use crate::clock::Ts;
use crate::desk::changes::{Actor, Change};
use crate::desk::events::Event;
use crate::desk::kinds::{DeliveryStatus, Direction, Status};
use crate::desk::tickets;
use crate::desk::tickets::thread::{self, Message};
use crate::ids::{MessageId, TicketId};
use crate::jobs::{self, Job};

/// A page of the conversation.
#[derive(Debug, Clone)]
pub struct Talk {
    /// Oldest first.
    pub messages: Vec<Message>,
    /// There are older ones before this.
    pub earlier: Option<MessageId>,
}

/// What the customer may see, the newest page or the one before `before`: no notes, no bounces, no receipts of the desk, nothing that has
/// failed, and nothing that the agent can still take back (`undo_seconds`).
pub async fn talk(db: &mut PgConnection, id: TicketId, before: Option<MessageId>, undo_seconds: u32, now: Ts) -> sqlx::Result<Talk> {
    let mut messages = thread::list(db, id, before, false).await?;
    let full = i64::try_from(messages.len()).unwrap_or(i64::MAX) >= thread::PAGE;
    let earlier = messages.first().map(|message| message.id).filter(|_| full);
    messages.retain(|message| is_theirs(message, undo_seconds, now));
    Ok(Talk { messages, earlier })
}

/// Whether the customer may see a message, and so its files.
pub async fn may_see(db: &mut PgConnection, message: MessageId, undo_seconds: u32, now: Ts) -> sqlx::Result<bool> {
    Ok(thread::find(db, message).await?.is_some_and(|message| is_theirs(&message, undo_seconds, now)))
}

fn is_theirs(message: &Message, undo_seconds: u32, now: Ts) -> bool {
    match (message.direction, message.delivery) {
        _ if message.bounce || message.envelope.get("report").is_some() => false,
        (Direction::Note, _) => false,
        (Direction::Inbound, _) => true,
        (Direction::Outbound, _) if message.automatic => false,
        (Direction::Outbound, Some(DeliveryStatus::Failed)) => false,
        (Direction::Outbound, Some(DeliveryStatus::Queued)) => message.created_at <= now.plus_seconds(-i64::from(undo_seconds) - 1),
        (Direction::Outbound, Some(_) | None) => true,
    }
}

/// The customer says that it is settled. `false`: it was already, or nobody works on it anyway (spam).
pub async fn close(change: &mut Change, id: TicketId) -> sqlx::Result<bool> {
    let Some(ticket) = tickets::lock(change, id).await? else { return Ok(false) };
    if matches!(ticket.status, Status::Solved | Status::Spam) {
        return Ok(false);
    }
    sqlx::query!(
        "update tickets set status = 'solved', solved_at = now(), snoozed_until = null, waiting_since = null, updated_at = now() where id = $1",
        id.0
    )
    .execute(&mut **change)
    .await?;
    if ticket.status == Status::Snoozed {
        jobs::cancel(change, &Job::WakeTicket { ticket: id }).await?;
    }
    change.record(id, Actor::Customer, Event::ClosedByCustomer {}).await?;
    Ok(true)
}
