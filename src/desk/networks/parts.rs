//! What a provider takes in one call each, and how far each has come.

use sqlx::PgConnection;

use crate::clock::Ts;
use crate::desk::changes::{Actor, Change};
use crate::desk::events::Event;
use crate::desk::kinds::DeliveryStatus;
use crate::desk::networks::{Fault, Step, notices};
use crate::ids::{ChannelId, MessageId, PartId, TicketId};

/// The most parts that one message may become.
pub const MAX_PARTS: usize = 40;

/// A part that is to be sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewPart {
    pub body: String,
    /// Which of the message's files goes with it.
    pub file: Option<i16>,
    /// Buttons to press.
    pub choices: Vec<String>,
}

/// A part as stored.
#[derive(Debug, Clone)]
pub struct Part {
    pub id: PartId,
    pub message_id: MessageId,
    pub position: i16,
    pub body: String,
    pub file: Option<i16>,
    pub choices: Vec<String>,
    pub state: DeliveryStatus,
    pub provider_id: Option<String>,
}

/// Stores the parts of a message, unless an earlier attempt has.
pub async fn plan(db: &mut PgConnection, channel: ChannelId, message: MessageId, parts: &[NewPart]) -> sqlx::Result<()> {
    for (position, part) in parts.iter().take(MAX_PARTS).enumerate() {
        sqlx::query!(
            "insert into message_parts (message_id, channel_id, position, body, file, choices) values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
            message.0,
            channel.0,
            i16::try_from(position).unwrap_or(i16::MAX),
            part.body,
            part.file,
            &part.choices
        )
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}

/// The parts of a message, in the order in which they leave.
pub async fn list(db: &mut PgConnection, message: MessageId) -> sqlx::Result<Vec<Part>> {
    sqlx::query_as!(
        Part,
        r#"select id as "id: PartId", message_id as "message_id: MessageId", position, body, file, choices, state, provider_id
           from message_parts where message_id = $1 order by position"#,
        message.0
    )
    .fetch_all(db)
    .await
}

/// Notes that a part is on its way from this moment. `false`: it has left already.
pub async fn begin(db: &mut PgConnection, part: PartId) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update message_parts set state = 'sending', error = null, sent_at = now() where id = $1 and state in ('queued', 'failed')",
        part.0
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The provider has taken a part, or sent it back to us as an echo: its id there is known. What was told of it before is caught up on.
///
/// `false`: no such part of this channel has left. Another desk that answers for the same account numbers its parts too.
pub async fn taken(change: &mut Change, channel: ChannelId, part: PartId, provider_id: &str) -> sqlx::Result<bool> {
    let known = lock(change, part).await?;
    let known = known.filter(|row| row.channel == channel && row.begun && row.provider_id.as_deref().is_none_or(|id| id == provider_id));
    let Some(row) = known else { return Ok(false) };
    if row.provider_id.is_none() && !provider_id.is_empty() {
        // An id that another part has already is no id of this one.
        sqlx::query!(
            "update message_parts p set provider_id = $2 where id = $1
             and not exists (select from message_parts o where o.channel_id = p.channel_id and o.provider_id = $2)",
            part.0,
            provider_id
        )
        .execute(&mut **change)
        .await?;
    }
    advance(change, &row, &Step::Sent, None).await?;
    if !provider_id.is_empty() {
        notices::catch_up(change, row.channel, provider_id).await?;
    }
    Ok(true)
}

/// A part has come a step further, or will not arrive.
pub async fn step(change: &mut Change, part: PartId, step: &Step, at: Option<Ts>) -> sqlx::Result<()> {
    match lock(change, part).await? {
        Some(row) => advance(change, &row, step, at).await,
        None => Ok(()),
    }
}

/// A part did not leave this time; what that means is in the fault.
pub async fn faulted(change: &mut Change, part: PartId, fault: &Fault) -> sqlx::Result<()> {
    let state = match fault {
        Fault::Unsure(_) => DeliveryStatus::Unsure,
        Fault::Later { .. } | Fault::SignIn(_) => DeliveryStatus::Queued,
        Fault::Window(_) | Fault::Recipient(_) | Fault::Permanent(_) => DeliveryStatus::Failed,
    };
    sqlx::query!(
        "update message_parts set state = $2, error = $3 where id = $1 and state in ('queued', 'sending')",
        part.0,
        state as DeliveryStatus,
        fault.to_string()
    )
    .execute(&mut **change)
    .await?;
    Ok(())
}

struct Row {
    id: PartId,
    message: MessageId,
    ticket: TicketId,
    channel: ChannelId,
    state: DeliveryStatus,
    provider_id: Option<String>,
    /// It was on its way at least once.
    begun: bool,
}

async fn lock(db: &mut PgConnection, part: PartId) -> sqlx::Result<Option<Row>> {
    sqlx::query_as!(
        Row,
        r#"select p.id as "id: PartId", p.message_id as "message: MessageId", m.ticket_id as "ticket: TicketId", p.channel_id as "channel: ChannelId",
                  p.state, p.provider_id, p.sent_at is not null as "begun!"
           from message_parts p join messages m on m.id = p.message_id where p.id = $1 for update of p"#,
        part.0
    )
    .fetch_optional(db)
    .await
}

async fn advance(change: &mut Change, row: &Row, step: &Step, at: Option<Ts>) -> sqlx::Result<()> {
    let (state, error) = match step {
        Step::Sent => (DeliveryStatus::Sent, None),
        Step::Delivered => (DeliveryStatus::Delivered, None),
        Step::Read => (DeliveryStatus::Read, None),
        Step::Failed(fault) => (DeliveryStatus::Failed, Some(fault.to_string())),
    };
    // Whoever has seen it has received it, whatever was said before or comes after.
    let further = match (row.state, state) {
        (DeliveryStatus::Delivered | DeliveryStatus::Read, DeliveryStatus::Failed) | (DeliveryStatus::Failed, DeliveryStatus::Sent) => {
            false
        }
        (DeliveryStatus::Failed, _) => true,
        (old, new) => new > old,
    };
    if !further {
        return Ok(());
    }
    sqlx::query!(
        "update message_parts set state = $2, error = $3, sent_at = coalesce(sent_at, $4, now()) where id = $1",
        row.id.0,
        state as DeliveryStatus,
        error,
        at as Option<Ts>
    )
    .execute(&mut **change)
    .await?;
    settle(change, row.ticket, row.message).await
}

/// What the parts of a message say about the whole: it has come as far as the slowest of them, and failed with any.
pub async fn settle(change: &mut Change, ticket: TicketId, message: MessageId) -> sqlx::Result<()> {
    let parts = sqlx::query!(
        r#"select state as "state: DeliveryStatus", error from message_parts where message_id = $1 order by position for update"#,
        message.0
    )
    .fetch_all(&mut **change)
    .await?;
    let pick = |state: DeliveryStatus| parts.iter().find(|part| part.state == state);
    let part = pick(DeliveryStatus::Failed).or_else(|| pick(DeliveryStatus::Unsure)).or_else(|| parts.iter().min_by_key(|part| part.state));
    let Some(part) = part else { return Ok(()) };
    let was = sqlx::query_scalar!(
        r#"update messages m set delivery = $2, delivery_error = $3, sent_at = coalesce(m.sent_at, case when $2 >= 'sent'::delivery_status then now() end)
           from (select id, delivery from messages where id = $1 for update) old where m.id = old.id
           returning old.delivery as "was: DeliveryStatus""#,
        message.0,
        part.state as DeliveryStatus,
        part.error
    )
    .fetch_optional(&mut **change)
    .await?;
    let failed_now = part.state == DeliveryStatus::Failed && was.flatten() != Some(DeliveryStatus::Failed);
    if failed_now {
        sqlx::query!(
            "update tickets set status = 'open', solved_at = null, snoozed_until = null, updated_at = now() where id = $1 and status <> 'spam'",
            ticket.0
        )
        .execute(&mut **change)
        .await?;
        let reason = part.error.clone().unwrap_or_default();
        change.record(ticket, Actor::System, Event::SendFailed { message, reason }).await?;
    }
    change.touch(ticket);
    Ok(())
}

/// The part with this id at the provider.
pub async fn find_by_provider(
    db: &mut PgConnection,
    channel: ChannelId,
    provider_id: &str,
) -> sqlx::Result<Option<(PartId, MessageId, TicketId)>> {
    let row = sqlx::query!(
        r#"select p.id as "id: PartId", m.id as "message: MessageId", m.ticket_id as "ticket: TicketId"
           from message_parts p join messages m on m.id = p.message_id where p.channel_id = $1 and p.provider_id = $2"#,
        channel.0,
        provider_id
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| (row.id, row.message, row.ticket)))
}

/// A part of this ticket that has left without its id being known yet, and says the same.
pub async fn find_nameless(db: &mut PgConnection, ticket: TicketId, text: &str) -> sqlx::Result<Option<(PartId, DeliveryStatus)>> {
    let row = sqlx::query!(
        r#"select p.id as "id: PartId", p.state as "state: DeliveryStatus"
           from message_parts p join messages m on m.id = p.message_id
           where m.ticket_id = $1 and m.id > coalesce((select max(id) - 200 from messages where ticket_id = $1), 0) and p.provider_id is null
             and p.state in ('sending', 'unsure') and (btrim(p.body) = btrim($2) or (p.file is not null and $2 = ''))
           order by p.id limit 1"#,
        ticket.0,
        text
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| (row.id, row.state)))
}

/// Everything sent to a conversation until a moment.
pub async fn sent_until(db: &mut PgConnection, ticket: TicketId, until: Ts) -> sqlx::Result<Vec<PartId>> {
    // Two clocks are never quite the same.
    const SLACK: i64 = 2;
    sqlx::query_scalar!(
        r#"select p.id as "id: PartId" from message_parts p join messages m on m.id = p.message_id
           where m.ticket_id = $1 and p.state in ('sent', 'delivered') and p.sent_at <= $2 order by p.id desc limit 200"#,
        ticket.0,
        until.plus_seconds(SLACK) as Ts
    )
    .fetch_all(db)
    .await
}

/// An agent's decision about what may have arrived: it has (`true`), or it is to be sent again.
pub async fn resolve_unsure(change: &mut Change, ticket: TicketId, message: MessageId, arrived: bool) -> sqlx::Result<bool> {
    let state = if arrived { DeliveryStatus::Sent } else { DeliveryStatus::Queued };
    let done = sqlx::query!(
        "update message_parts p set state = $3, error = null from messages m
         where m.id = p.message_id and m.id = $1 and m.ticket_id = $2 and p.state = 'unsure'",
        message.0,
        ticket.0,
        state as DeliveryStatus
    )
    .execute(&mut **change)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    settle(change, ticket, message).await?;
    Ok(true)
}
