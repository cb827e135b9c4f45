//! How far an outbound message has come.

use sqlx::PgConnection;

use crate::desk::changes::{Actor, Change};
use crate::desk::events::Event;
use crate::desk::kinds::DeliveryStatus;
use crate::desk::tickets::reply::{self, Recipients, ReplyError};
use crate::desk::tickets::thread::{self, Message};
use crate::desk::tickets::{self, sides};
use crate::ids::{AgentId, ContactId, MessageId, TicketId};
use crate::jobs::{self, Job};

/// Takes a message in hand to send it. `None`: it is gone (undone) or sent already.
pub async fn begin(db: &mut PgConnection, id: MessageId) -> sqlx::Result<Option<Message>> {
    let row = sqlx::query!(
        "update messages set delivery = 'sending' where id = $1 and (direction = 'outbound' or side_id is not null) and delivery in ('queued', 'sending', 'failed')",
        id.0
    )
    .execute(&mut *db)
    .await?;
    if row.rows_affected() == 0 {
        return Ok(None);
    }
    thread::find(db, id).await
}

/// It has left.
pub async fn sent(change: &mut Change, message: &Message) -> sqlx::Result<()> {
    sqlx::query!("update messages set delivery = 'sent', delivery_error = null, sent_at = now() where id = $1", message.id.0)
        .execute(&mut **change)
        .await?;
    change.touch(message.ticket_id);
    Ok(())
}

/// It will be tried again; the screens show why it has not left.
pub async fn delayed(change: &mut Change, message: &Message, reason: &str) -> sqlx::Result<()> {
    sqlx::query!("update messages set delivery = 'queued', delivery_error = $2 where id = $1", message.id.0, reason)
        .execute(&mut **change)
        .await?;
    change.touch(message.ticket_id);
    Ok(())
}

/// It will not leave without a person: the reason stands on the message, and the ticket is open again.
pub async fn failed(change: &mut Change, message: &Message, reason: &str) -> sqlx::Result<()> {
    sqlx::query!("update messages set delivery = 'failed', delivery_error = $2 where id = $1", message.id.0, reason)
        .execute(&mut **change)
        .await?;
    if let Some(side) = message.side_id {
        sides::mark_unread(change, side).await?;
        change.touch(message.ticket_id);
        return Ok(());
    }
    if !message.automatic {
        sqlx::query!(
            "update tickets set status = 'open', solved_at = null, snoozed_until = null, updated_at = now() where id = $1 and status <> 'spam'",
            message.ticket_id.0
        )
        .execute(&mut **change)
        .await?;
    }
    change.record(message.ticket_id, Actor::System, Event::SendFailed { message: message.id, reason: reason.to_owned() }).await
}

/// Tries a failed or delayed message again now. `false`: it needs no trying.
pub async fn retry(change: &mut Change, by: Actor, ticket: TicketId, id: MessageId) -> sqlx::Result<bool> {
    let Some(message) = thread::find(change, id).await?.filter(|message| message.ticket_id == ticket) else { return Ok(false) };
    if !matches!(message.delivery, Some(DeliveryStatus::Failed | DeliveryStatus::Queued)) {
        return Ok(false);
    }
    sqlx::query!("update messages set delivery = 'queued', delivery_error = null where id = $1", id.0).execute(&mut **change).await?;
    jobs::revive(change, &Job::SendMessage { message: id }).await?;
    change.record(message.ticket_id, by, Event::SendRetried { message: id }).await?;
    Ok(true)
}

/// Changes whom a failed message goes to and what it says, and sends it. `false`: it has left meanwhile, or never failed.
pub async fn correct(
    change: &mut Change,
    agent: AgentId,
    ticket: TicketId,
    id: MessageId,
    to: Recipients,
    body: &str,
) -> Result<bool, ReplyError> {
    tickets::lock(change, ticket).await?;
    let failed = thread::find(change, id).await?.filter(|message| message.ticket_id == ticket && is_correctable(message));
    let Some(message) = failed else { return Ok(false) };
    reply::check(body)?;
    reply::check_addresses(change, [&to.to, &to.cc, &to.bcc]).await?;
    if to.to.is_empty() {
        return Err(ReplyError::NoWay("Enter at least one address beside “To”.".into()));
    }
    let mut envelope = message.envelope();
    (envelope.to, envelope.cc, envelope.bcc) = (to.to, to.cc, to.bcc);
    let envelope = serde_json::to_value(&envelope).map_err(|error| sqlx::Error::Encode(error.into()))?;
    // What was quoted below a forwarded message stays where it is as long as the words before it do.
    let quote = message.quoted_text();
    let range = if !quote.is_empty() && body.ends_with(quote) { (body.len() - quote.len(), body.len()) } else { (0, 0) };
    let offset = |at: usize| i32::try_from(at).unwrap_or(i32::MAX);
    sqlx::query!(
        "update messages set envelope = $2, body = $3, quote_from = $4, quote_to = $5 where id = $1",
        id.0,
        envelope,
        body,
        offset(range.0),
        offset(range.1)
    )
    .execute(&mut **change)
    .await?;
    Ok(retry(change, Actor::Agent(agent), ticket, id).await?)
}

/// Whether a message is a letter that did not leave and could with other words or another recipient.
pub fn is_correctable(message: &Message) -> bool {
    message.delivery == Some(DeliveryStatus::Failed) && !message.automatic && !message.public && !message.envelope().to.is_empty()
}

/// How many automatic messages went to this customer, or to this address in anybody's name, within the last hour.
pub async fn automatic_last_hour(db: &mut PgConnection, contact: ContactId, address: &str) -> sqlx::Result<i64> {
    // Two jobs for one customer count one after the other.
    sqlx::query!("select id from contacts where id = $1 for no key update", contact.0).fetch_optional(&mut *db).await?;
    // The second count looks at the newest few thousand messages only: a flood is recent by nature.
    sqlx::query_scalar!(
        r#"select greatest(
               (select count(*) from messages m join tickets t on t.id = m.ticket_id
                where t.contact_id = $1 and m.direction = 'outbound' and m.automatic and m.created_at > now() - interval '1 hour'),
               (select count(*) from (select direction, automatic, envelope, created_at from messages order by id desc limit 3000) recent
                where direction = 'outbound' and automatic and created_at > now() - interval '1 hour'
                  and lower(envelope #>> '{to,0,address}') = lower($2))) as "count!""#,
        contact.0,
        address
    )
    .fetch_one(db)
    .await
}
