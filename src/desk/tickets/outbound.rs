//! How far an outbound message has come.

use sqlx::PgConnection;

use crate::desk::changes::{Actor, Change};
use crate::desk::events::Event;
use crate::desk::kinds::DeliveryStatus;
use crate::desk::tickets::thread::{self, Message};
use crate::ids::{ContactId, MessageId, TicketId};
use crate::jobs::{self, Job};

/// Takes a message in hand to send it. `None`: it is gone (undone) or sent already.
pub async fn begin(db: &mut PgConnection, id: MessageId) -> sqlx::Result<Option<Message>> {
    let row = sqlx::query!(
        "update messages set delivery = 'sending' where id = $1 and direction = 'outbound' and delivery in ('queued', 'sending', 'failed')",
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
