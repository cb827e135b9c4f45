//! How far an outbound message has come.

use sqlx::PgConnection;

use crate::desk::agents::Agent;
use crate::desk::changes::{Actor, Change};
use crate::desk::envelope::Address;
use crate::desk::events::Event;
use crate::desk::files;
use crate::desk::kinds::DeliveryStatus;
use crate::desk::search;
use crate::desk::tickets::recipients::{self, Recipients};
use crate::desk::tickets::reply::{self, ReplyError};
use crate::desk::tickets::sides::Words;
use crate::desk::tickets::thread::{self, Message};
use crate::desk::tickets::{self, reports, sides};
use crate::ids::{ContactId, MessageId, TicketId};
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

/// It will be tried again; the screens show why it has not left. What has left meanwhile stays so.
pub async fn delayed(change: &mut Change, message: &Message, reason: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "update messages set delivery = 'queued', delivery_error = $2 where id = $1 and delivery in ('queued', 'sending', 'failed')",
        message.id.0,
        reason
    )
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
    tickets::lock(change, ticket).await?;
    let waits = sqlx::query!(
        "update messages set delivery = 'queued', delivery_error = null where id = $1 and ticket_id = $2 and delivery in ('failed', 'queued')",
        id.0,
        ticket.0
    )
    .execute(&mut **change)
    .await?;
    if waits.rows_affected() == 0 {
        return Ok(false);
    }
    jobs::revive(change, &Job::SendMessage { message: id }).await?;
    change.record(ticket, by, Event::SendRetried { message: id }).await?;
    Ok(true)
}

/// Sends what failed to other people or in other words. What never left goes as it is changed; of what left, and did not reach everybody, a new
/// letter goes by the agent who wrote it. The answer names the message that leaves; `None`: it has left meanwhile, or never failed.
pub async fn correct(
    change: &mut Change,
    agent: &Agent,
    ticket: TicketId,
    id: MessageId,
    to: Recipients,
    body: &str,
) -> Result<Option<MessageId>, ReplyError> {
    let ticket = tickets::lock(change, ticket).await?.ok_or(sqlx::Error::RowNotFound)?;
    let failed = thread::find(change, id).await?.filter(|message| message.ticket_id == ticket.id && is_correctable(message));
    let Some(message) = failed else { return Ok(None) };
    reply::check(body)?;
    recipients::check(change, [&to.to, &to.cc, &to.bcc]).await?;
    if to.to.is_empty() {
        return Err(reply::nobody());
    }
    // What was quoted below a forwarded message stays where it is as long as the words before it do.
    let quoted = message.quoted_text();
    let quote = if !quoted.is_empty() && body.ends_with(quoted) { body.len() - quoted.len()..body.len() } else { 0..0 };
    if message.sent_at.is_some() {
        return match message.side_id {
            Some(_) => {
                let attached = files::of_messages(change, &[id]).await?.into_iter().map(|file| file.id).collect();
                let body = body.to_owned();
                let words = Words { to: to.to, cc: to.cc, bcc: to.bcc, body, quote, attached, files: Vec::new() };
                sides::write_again(change, agent, &message, &words).await.map(Some)
            }
            None => reply::write_again(change, agent, &ticket, &message, to, body).await.map(Some),
        };
    }
    let mut envelope = message.envelope();
    (envelope.to, envelope.cc, envelope.bcc) = (to.to, to.cc, to.bcc);
    let subject = envelope.subject.clone();
    let envelope = serde_json::to_value(&envelope).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let offset = |at: usize| i32::try_from(at).unwrap_or(i32::MAX);
    let changed = sqlx::query!(
        "update messages set envelope = $2, body = $3, quote_from = $4, quote_to = $5 where id = $1 and delivery = 'failed'",
        id.0,
        envelope,
        body,
        offset(quote.start),
        offset(quote.end)
    )
    .execute(&mut **change)
    .await?;
    if changed.rows_affected() == 0 {
        return Ok(None);
    }
    let subject = if message.side_id.is_some() { &subject } else { &ticket.subject };
    search::index(change, ticket.id, id, message.language.as_deref(), &[subject, body]).await?;
    Ok(retry(change, Actor::Agent(agent.id), ticket.id, id).await?.then_some(id))
}

/// Whom a message that failed goes to when it is sent again, unless the agent says otherwise: whoever did not get it, as far as that is known.
pub async fn recipients_again(db: &mut PgConnection, message: &Message) -> sqlx::Result<Recipients> {
    let envelope = message.envelope();
    let all = Recipients { to: envelope.to, cc: envelope.cc, bcc: envelope.bcc };
    let unreached = match message.sent_at {
        Some(_) => reports::unreached(db, message).await?,
        None => Vec::new(),
    };
    if unreached.is_empty() {
        return Ok(all);
    }
    let among = |list: Vec<Address>| list.into_iter().filter(|to| unreached.contains(&to.address.to_lowercase())).collect::<Vec<_>>();
    let mut again = Recipients { to: among(all.to), cc: among(all.cc), bcc: Vec::new() };
    if again.to.is_empty() {
        again.to = std::mem::take(&mut again.cc);
    }
    Ok(again)
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
