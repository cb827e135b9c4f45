//! What became of our mail, as others report it: bounces, delays, read receipts, complaints, people who are away.

use sqlx::PgConnection;

use crate::desk::changes::{Actor, Change};
use crate::desk::channels::Channel;
use crate::desk::contacts;
use crate::desk::envelope::{Envelope, Incoming, Recipient, Report, ReportKind, ThreadHint};
use crate::desk::events::Event;
use crate::desk::kinds::{DeliveryStatus, Direction, Status};
use crate::desk::tickets::thread::{self, Message};
use crate::desk::tickets::{self, Ticket, outbound};
use crate::ids::{MessageId, TicketId};
use crate::secrets::Keys;
use crate::text::refusals::{self, Refusal};

/// Longest words of a server shown beside ours.
const MAX_SAID: usize = 300;

/// The message of ours that a report speaks of: by the address to which servers return it, else by the id of the message that it brings back,
/// else by what it says it answers.
pub async fn subject_of(db: &mut PgConnection, keys: &Keys, channel: &Channel, incoming: &Incoming) -> sqlx::Result<Option<Message>> {
    let returned = incoming.thread.iter().find_map(|hint| match hint {
        ThreadHint::Recipient(local) => tickets::parse_bounce_tag(keys, local),
        _ => None,
    });
    if let Some(returned) = returned
        && let Some(message) = thread::find(db, returned).await?
        && is_ours(&message)
    {
        return Ok(Some(message));
    }
    let Some(report) = incoming.envelope.report.as_ref().filter(|report| report.kind != ReportKind::Away) else { return Ok(None) };
    let envelope = &incoming.envelope;
    let ids = report.message_ids.iter().chain(&envelope.in_reply_to).chain(envelope.references.iter().rev());
    for id in ids.take(20) {
        let found = match tickets::parse_message_id_whole(keys, id) {
            Some((_, message)) => Some(message),
            // A relay may have given it another id.
            None => {
                sqlx::query_scalar!(
                    r#"select id as "id: MessageId" from messages where channel_id = $1 and provider_id = $2
                       and (direction = 'outbound' or side_id is not null and delivery is not null)"#,
                    channel.id.0,
                    id
                )
                .fetch_optional(&mut *db)
                .await?
            }
        };
        if let Some(found) = found
            && let Some(message) = thread::find(db, found).await?
            && is_ours(&message)
        {
            return Ok(Some(message));
        }
    }
    Ok(None)
}

/// Whether it is a letter that we sent, to the customer or beside their conversation.
fn is_ours(message: &Message) -> bool {
    message.direction == Direction::Outbound || message.side_id.is_some() && message.delivery.is_some()
}

/// Those of a message's recipients whom it did not reach, in lower case, as far as reports name them.
pub async fn unreached(db: &mut PgConnection, about: &Message) -> sqlx::Result<Vec<String>> {
    let rows = sqlx::query_scalar!(
        "select envelope from messages
         where ticket_id = $1 and direction <> 'outbound' and automatic and envelope #>> '{report,about}' = $2 order by id limit 100",
        about.ticket_id.0,
        about.id.to_string()
    )
    .fetch_all(db)
    .await?;
    let reports = rows.into_iter().filter_map(|envelope| serde_json::from_value::<Envelope>(envelope).ok()?.report);
    let mut unreached: Vec<String> = Vec::new();
    for report in reports.filter(|report| report.kind == ReportKind::Failed) {
        unreached.extend(concerned(about, &report).into_iter().map(|(address, _)| address));
    }
    Ok(unreached)
}

/// The message in this ticket that reported the same already: mail systems repeat themselves.
pub async fn known(db: &mut PgConnection, ticket: TicketId, about: &Message, report: &Report) -> sqlx::Result<Option<MessageId>> {
    // It was sent once more since, and came back once more.
    if report.kind == ReportKind::Failed && about.delivery != Some(DeliveryStatus::Failed) {
        return Ok(None);
    }
    let rows = sqlx::query!(
        r#"select id as "id: MessageId", envelope from messages
           where ticket_id = $1 and direction <> 'outbound' and automatic and envelope #>> '{report,about}' = $2 order by id limit 100"#,
        ticket.0,
        about.id.to_string()
    )
    .fetch_all(db)
    .await?;
    let same = |earlier: &Report| {
        earlier.kind == report.kind
            && report.recipients.iter().all(|one| earlier.recipients.iter().any(|other| other.address == one.address))
            && (!report.recipients.is_empty() || earlier.recipients.is_empty())
    };
    Ok(rows.into_iter().find_map(|row| {
        let envelope: Envelope = serde_json::from_value(row.envelope).ok()?;
        envelope.report.filter(same).map(|_| row.id)
    }))
}

/// Those of a message's recipients that a report speaks of, with what it says. A stranger who learnt a message's id must not mark anybody else.
fn concerned<'r>(about: &Message, report: &'r Report) -> Vec<(String, Option<&'r Recipient>)> {
    let envelope = about.envelope();
    let sent_to: Vec<String> =
        envelope.to.iter().chain(&envelope.cc).chain(&envelope.bcc).map(|address| address.address.to_lowercase()).collect();
    let mut found: Vec<(String, Option<&Recipient>)> = Vec::new();
    for recipient in &report.recipients {
        let named = [&recipient.original, &recipient.address].into_iter().find(|address| sent_to.contains(address));
        // It was forwarded to where nobody of us wrote; with one recipient there is no doubt for whom.
        let address = named.cloned().or_else(|| (sent_to.len() == 1).then(|| sent_to[0].clone()));
        if let Some(address) = address
            && !found.iter().any(|(known, _)| *known == address)
        {
            found.push((address, Some(recipient)));
        }
    }
    if report.recipients.is_empty() && sent_to.len() == 1 {
        found.push((sent_to[0].clone(), None));
    }
    found
}

/// Why one recipient did not get it.
fn reason(recipient: Option<&Recipient>) -> (Refusal, &str) {
    let said = recipient.map_or("", |recipient| recipient.said.as_str());
    let status = recipient.map_or("", |recipient| recipient.status.as_str());
    (refusals::refusal(status, said), said)
}

/// What happened, in one sentence for the message and its history.
pub fn words(report: &Report, about: Option<&Message>) -> String {
    let concerned = match about {
        Some(about) => concerned(about, report),
        None => report.recipients.iter().map(|recipient| (recipient.address.clone(), Some(recipient))).collect(),
    };
    let parts: Vec<String> = concerned
        .iter()
        .map(|(address, recipient)| {
            let (refusal, said) = reason(*recipient);
            let said: String = said.chars().take(MAX_SAID).collect();
            let quoted = if said.is_empty() { String::new() } else { format!(" Their server said: “{said}”") };
            format!("{address}: {}.{quoted}", refusal.words())
        })
        .collect();
    if parts.is_empty() { "A mail server reported that it could not be delivered.".to_owned() } else { parts.join("\n") }
}

/// Does what a report about a message of ours asks for. Called before the report itself is stored.
pub async fn apply(change: &mut Change, ticket: &Ticket, about: &Message, report: &Report) -> sqlx::Result<()> {
    let concerned = concerned(about, report);
    let addresses = concerned.iter().map(|(address, _)| address.as_str()).collect::<Vec<_>>().join(", ");
    let message = about.id;
    match report.kind {
        ReportKind::Failed => failed(change, ticket, about, report, concerned, addresses).await,
        ReportKind::Delayed => {
            let said = report.recipients.first().map(|recipient| recipient.said.clone()).unwrap_or_default();
            change.record(ticket.id, Actor::System, Event::DeliveryDelayed { message, address: addresses, said }).await
        }
        ReportKind::Read | ReportKind::Unread => {
            change.record(ticket.id, Actor::System, Event::ReceiptCame { message, read: report.kind == ReportKind::Read }).await
        }
        ReportKind::Complaint => change.record(ticket.id, Actor::System, Event::SpamReported { message, address: addresses }).await,
        ReportKind::Delivered | ReportKind::Away => Ok(()),
    }
}

async fn failed(
    change: &mut Change,
    ticket: &Ticket,
    about: &Message,
    report: &Report,
    concerned: Vec<(String, Option<&Recipient>)>,
    addresses: String,
) -> sqlx::Result<()> {
    for (address, recipient) in &concerned {
        let (refusal, _) = reason(*recipient);
        // Only the address itself: what they forward their mail to may be dead without them. And what may pass is no end.
        let named = recipient.is_some_and(|one| one.address == *address || one.original == *address);
        let passing = recipient.is_some_and(|one| one.status.starts_with('4'));
        if refusal.is_hard() && named && !passing {
            contacts::mark_undeliverable(change, address, refusal.words()).await?;
        }
    }
    let envelope = about.envelope();
    let others = envelope
        .to
        .iter()
        .chain(&envelope.cc)
        .chain(&envelope.bcc)
        .any(|sent| !concerned.iter().any(|(address, _)| address.eq_ignore_ascii_case(&sent.address)));
    let mut reason = words(report, Some(about));
    if others && !concerned.is_empty() {
        reason.push_str("\nThe other recipients are not named in the notice.");
    }
    // A receipt that did not arrive is no work for anybody.
    let reopens = about.side_id.is_none() && !about.automatic;
    let reopened = (reopens && matches!(ticket.status, Status::Solved | Status::Pending | Status::Snoozed)).then_some(ticket.status);
    outbound::failed(change, about, &reason).await?;
    change.record(ticket.id, Actor::System, Event::Bounced { message: about.id, address: addresses, reason, reopened }).await
}
