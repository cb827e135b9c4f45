//! A ticket as its customer follows it: what was said, and that it is settled.

use sqlx::PgConnection;

use crate::clock::Ts;
use crate::desk::changes::{Actor, Change};
use crate::desk::events::Event;
use crate::desk::kinds::{DeliveryStatus, Direction, Status};
use crate::desk::tickets::reply::without_tag;
use crate::desk::tickets::thread::{self, Message};
use crate::desk::tickets::{self, participants};
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
    let hidden = of_others(db, id, &messages).await?;
    messages.retain(|message| !hidden.contains(&message.id));
    Ok(Talk { messages, earlier })
}

/// Whether the customer may see a message, and so its files.
pub async fn may_see(db: &mut PgConnection, message: MessageId, undo_seconds: u32, now: Ts) -> sqlx::Result<bool> {
    let Some(message) = thread::find(db, message).await?.filter(|message| is_theirs(message, undo_seconds, now)) else { return Ok(false) };
    let ticket = message.ticket_id;
    Ok(of_others(db, ticket, &[message]).await?.is_empty())
}

/// The messages among these that the customer had no part in: by somebody who joined and did not write to them too, or of ours to others
/// alone.
async fn of_others(db: &mut PgConnection, id: TicketId, messages: &[Message]) -> sqlx::Result<Vec<MessageId>> {
    let Some(ticket) = tickets::find(db, id).await? else { return Ok(Vec::new()) };
    let named = |message: &Message| {
        let envelope = message.envelope();
        let all = envelope.to.into_iter().chain(envelope.cc).chain(envelope.bcc);
        all.map(|address| without_tag(&address.address)).filter(|address| address.contains('@')).collect::<Vec<_>>()
    };
    let mut everybody: Vec<String> = messages.iter().flat_map(named).collect();
    everybody.sort_unstable();
    everybody.dedup();
    let others = participants::of_others(db, ticket.contact_id, &everybody).await?;
    let theirs = participants::addresses_of(db, ticket.contact_id).await?;
    let hidden = |message: &&Message| match message.direction {
        Direction::Inbound => {
            let someone = message.contact_id.is_some_and(|contact| contact != ticket.contact_id);
            someone && message.envelope().from.is_some() && !named(message).iter().any(|address| theirs.contains(address))
        }
        Direction::Outbound => {
            let to = named(message);
            !to.is_empty() && to.iter().all(|address| others.contains(address))
        }
        Direction::Note => true,
    };
    Ok(messages.iter().filter(hidden).map(|message| message.id).collect())
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
