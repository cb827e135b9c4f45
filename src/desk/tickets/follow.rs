//! A ticket as its customer follows it: what was said, and that it is settled.

use sqlx::PgConnection;

use crate::clock::Ts;
use crate::desk::changes::{Actor, Change};
use crate::desk::events::Event;
use crate::desk::kinds::{DeliveryStatus, Direction, Status};
use crate::desk::tickets::recipients::without_tag;
use crate::desk::tickets::thread::{self, Message};
use crate::desk::tickets::{self, Ticket, participants};
use crate::ids::{ContactId, MessageId, TicketId};
use crate::jobs::{self, Job};

/// A page of the conversation.
#[derive(Debug, Clone)]
pub struct Talk {
    /// Oldest first.
    pub messages: Vec<Message>,
    /// There are older ones before this.
    pub earlier: Option<MessageId>,
    /// Those among them that the customer wrote.
    pub own: Vec<MessageId>,
}

/// What the customer may see, the newest page or the one before `before`: no notes, no bounces, no receipts of the desk, nothing that has
/// failed, and nothing that the agent can still take back (`undo_seconds`).
pub async fn talk(db: &mut PgConnection, id: TicketId, before: Option<MessageId>, undo_seconds: u32, now: Ts) -> sqlx::Result<Talk> {
    let mut messages = thread::list(db, id, before, false).await?;
    let full = i64::try_from(messages.len()).unwrap_or(i64::MAX) >= thread::PAGE;
    let earlier = messages.first().map(|message| message.id).filter(|_| full);
    messages.retain(|message| is_theirs(message, undo_seconds, now));
    let mut own = Vec::new();
    if let Some(ticket) = tickets::find(db, id).await? {
        let customer = Customer::load(db, &ticket).await?;
        messages.retain(|message| customer.has_part_in(message));
        own = messages.iter().filter(|message| customer.wrote(message)).map(|message| message.id).collect();
    }
    Ok(Talk { messages, earlier, own })
}

/// Whether the customer may see a message, and so its files.
pub async fn may_see(db: &mut PgConnection, message: MessageId, undo_seconds: u32, now: Ts) -> sqlx::Result<bool> {
    let Some(message) = thread::find(db, message).await?.filter(|message| is_theirs(message, undo_seconds, now)) else { return Ok(false) };
    let Some(ticket) = tickets::find(db, message.ticket_id).await? else { return Ok(false) };
    Ok(Customer::load(db, &ticket).await?.has_part_in(&message))
}

/// Whose conversation it is, among all who may have joined.
struct Customer {
    id: ContactId,
    /// Their addresses, in lower case and without tags.
    addresses: Vec<String>,
    /// Where else they asked to be answered.
    asked_at: Vec<String>,
}

impl Customer {
    async fn load(db: &mut PgConnection, ticket: &Ticket) -> sqlx::Result<Self> {
        let addresses = participants::addresses_of(db, ticket.contact_id).await?;
        Ok(Self { id: ticket.contact_id, addresses, asked_at: participants::asked_at(db, ticket).await? })
    }

    fn wrote(&self, message: &Message) -> bool {
        message.direction == Direction::Inbound && participants::is_by(message, self.id, &self.addresses)
    }

    /// What somebody who joined wrote is theirs only if they were told of it too; what we wrote to others alone is not.
    fn has_part_in(&self, message: &Message) -> bool {
        let envelope = message.envelope();
        let mail = envelope.from.is_some();
        let named: Vec<String> = envelope
            .to
            .into_iter()
            .chain(envelope.cc)
            .chain(envelope.bcc)
            .map(|address| without_tag(&address.address))
            .filter(|address| address.contains('@'))
            .collect();
        let told = named.iter().any(|address| self.addresses.contains(address) || self.asked_at.contains(address));
        match message.direction {
            Direction::Inbound => told || !mail || self.wrote(message),
            Direction::Outbound => told || named.is_empty(),
            Direction::Note => false,
        }
    }
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
