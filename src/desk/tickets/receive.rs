//! A customer's message becomes part of a ticket: known already, known sender, known conversation, and only then new.

use serde::Serialize;
use sqlx::PgConnection;

use crate::clock::Ts;
use crate::desk::anger;
use crate::desk::changes::{Actor, Change};
use crate::desk::channels::Channel;
use crate::desk::contacts;
use crate::desk::envelope::{Incoming, Report, ReportKind, ThreadHint};
use crate::desk::events::Event;
use crate::desk::files::{self, StoredFile};
use crate::desk::kinds::{Direction, IdentityKind, Status};
use crate::desk::search;
use crate::desk::spam;
use crate::desk::tickets::thread::Message;
use crate::desk::tickets::{self, Ticket, participants, planned, reports, sides};
use crate::desk::webhooks::Happened;
use crate::ids::{ContactId, DeliveryId, EventId, MessageId, SideId, TicketId};
use crate::jobs::Job;
use crate::secrets::Keys;
use crate::text;

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Created,
    Appended,
    /// It was here already.
    Duplicate,
}

/// By what a message found its ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchedBy {
    ReplyAddress,
    InReplyTo,
    References,
    /// Another key of the channel.
    Key,
    None,
}

/// The answer to [`receive`].
#[derive(Debug, Clone)]
pub struct Received {
    pub outcome: Outcome,
    pub ticket: TicketId,
    pub message: MessageId,
    pub matched_by: MatchedBy,
    /// Whether an acknowledgement is on its way.
    pub acknowledged: bool,
}

/// What surrounds an incoming message.
#[derive(Debug)]
pub struct Origin<'a> {
    pub channel: &'a Channel,
    pub delivery: Option<DeliveryId>,
    /// The message's files, stored before this transaction began.
    pub files: &'a [StoredFile],
    /// A ticket that is known beyond doubt (the customer's own page).
    pub ticket: Option<TicketId>,
    /// A contact that is known beyond doubt (whoever chats).
    pub contact: Option<ContactId>,
    /// Whether the channel answers a new ticket with a receipt.
    pub acknowledge: bool,
}

/// Stores a message under its ticket, making the ticket and the contact where there are none.
///
/// # Errors
/// A violation of `messages_provider_id_key` means that another process stored the same message a moment ago: asking again in a new
/// transaction answers [`Outcome::Duplicate`].
pub async fn receive(change: &mut Change, origin: &Origin<'_>, incoming: &Incoming) -> sqlx::Result<Received> {
    if let Some(received) = sides::take(change, origin, incoming).await? {
        return Ok(received);
    }
    let mut received = store(change, origin, incoming).await?;
    if received.outcome == Outcome::Created && spam::look(change, origin.channel.kind, &received, incoming).await? {
        received.acknowledged = false;
        return Ok(received);
    }
    let words = text::quotes::new_text(&incoming.body, &incoming.quote);
    if received.outcome != Outcome::Duplicate && incoming.envelope.report.is_none() && anger::hears(change, &words).await? {
        anger::look(change, received.message).await?;
    }
    Ok(received)
}

/// The same without a look at what it says: whoever stores it knows more of it than the words, and looks then.
pub(crate) async fn store(change: &mut Change, origin: &Origin<'_>, incoming: &Incoming) -> sqlx::Result<Received> {
    if let Some((ticket, message)) = find_duplicate(change, origin.channel, &incoming.provider_id).await? {
        return Ok(Received { outcome: Outcome::Duplicate, ticket, message, matched_by: MatchedBy::None, acknowledged: false });
    }
    let keys = change.app.keys.clone();
    let (known, matched_by) = match origin.ticket {
        Some(ticket) => (Some(ticket), MatchedBy::Key),
        None => find_ticket(change, &keys, origin.channel, &incoming.thread).await?,
    };
    let about = reports::subject_of(change, &keys, origin.channel, incoming).await?;
    let (known, matched_by) = match (&about, known) {
        (Some(about), None) => (Some(about.ticket_id), MatchedBy::InReplyTo),
        _ => (known, matched_by),
    };
    let known = match known {
        Some(id) => tickets::lock(change, id).await?,
        None => None,
    };
    let report = incoming.envelope.report.as_ref().filter(|report| report.kind != ReportKind::Away);
    if let (Some(ticket), Some(about), Some(report)) = (&known, &about, report) {
        return reported(change, origin, incoming, ticket, about, report, matched_by).await;
    }
    let automatic = incoming.automatic.is_some() || incoming.bounce;
    let proves = !automatic && !incoming.envelope.is_forged();
    let contact = match (&known, origin.ticket, origin.contact) {
        (_, _, Some(contact)) => contact,
        // On their own page they are who the ticket says.
        (Some(ticket), Some(_), None) => ticket.contact_id,
        _ if incoming.envelope.is_forged() && contacts::is_signed_in(change, &incoming.from.address).await? => {
            contacts::create_apart(change, &incoming.from.name, &incoming.from.address).await?
        }
        _ => {
            let (from, language) = (&incoming.from, incoming.language.as_deref());
            if proves {
                contacts::identify_writer(change, &from.address, &from.name, language).await?
            } else {
                contacts::identify(change, IdentityKind::Email, &from.address, &from.name, language).await?
            }
        }
    };
    match known {
        Some(ticket) => append(change, origin, incoming, &ticket, contact, matched_by).await,
        None => create(change, origin, incoming, contact).await,
    }
}

async fn create(change: &mut Change, origin: &Origin<'_>, incoming: &Incoming, contact: ContactId) -> sqlx::Result<Received> {
    let channel = origin.channel;
    let automatic = incoming.automatic.is_some() || incoming.bounce;
    let excerpt = text::excerpts::excerpt(&text::quotes::new_text(&incoming.body, &incoming.quote), 200);
    let details = serde_json::to_value(&incoming.details).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let row = sqlx::query!(
        // With what `Change::record` would write of `Event::Created`.
        r#"with ticket as (
               insert into tickets (channel_id, contact_id, subject, team_id, language, waiting_since, message_count, excerpt, last_direction, details)
               values ($1, $2, $3, $4, $5, case when $6 then null else now() end, 1, $7, 'inbound', $8) returning id
           ), created as (
               insert into events (ticket_id, kind) select id, 'created' from ticket returning id, created_at
           )
           select ticket.id as "id: TicketId", created.id as "event: EventId", created.created_at as "at: Ts" from ticket, created"#,
        channel.id.0,
        contact.0,
        incoming.subject,
        channel.team_id.map(|id| id.0),
        incoming.language.as_ref().or(channel.language.as_ref()),
        automatic,
        excerpt,
        details
    )
    .fetch_one(&mut **change)
    .await?;
    let id = row.id;
    change.touch(id);
    let message = insert_message(change, origin, incoming, id, Place::Talk(contact)).await?;
    let created = Happened { event_id: row.event, kind: "created", data: None, agent_id: None, message: Some(message), at: row.at };
    change.tell(id, &created).await?;
    // A receipt would go to whoever was named without having written.
    let acknowledged = origin.acknowledge && !automatic && !incoming.envelope.is_forged();
    if acknowledged {
        change.push(&Job::Acknowledge { ticket: id, message }, Ts::now()).await?;
    }
    Ok(Received { outcome: Outcome::Created, ticket: id, message, matched_by: MatchedBy::None, acknowledged })
}

/// A report about a message of ours: kept with its ticket, and nobody's turn changes but by what it says.
async fn reported(
    change: &mut Change,
    origin: &Origin<'_>,
    incoming: &Incoming,
    ticket: &Ticket,
    about: &Message,
    report: &Report,
    matched_by: MatchedBy,
) -> sqlx::Result<Received> {
    let received = |outcome, message| Received { outcome, ticket: ticket.id, message, matched_by, acknowledged: false };
    // It belongs to the ticket of the message, wherever else its header points.
    let own = if about.ticket_id == ticket.id { None } else { tickets::lock(change, about.ticket_id).await? };
    let ticket = own.as_ref().unwrap_or(ticket);
    if let Some(earlier) = reports::known(change, ticket.id, about, report).await? {
        return Ok(Received { ticket: ticket.id, ..received(Outcome::Duplicate, earlier) });
    }
    reports::apply(change, ticket, about, report).await?;
    let incoming = as_report(incoming, about, report);
    let message = insert_message(change, origin, &incoming, ticket.id, Place::Talk(ticket.contact_id)).await?;
    let loud = report.kind == ReportKind::Failed && !about.automatic && !change.is_quiet();
    sqlx::query!(
        "update tickets set message_count = message_count + 1, updated_at = now(),
                last_message_at = case when $2 then now() else last_message_at end
         where id = $1",
        ticket.id.0,
        loud
    )
    .execute(&mut **change)
    .await?;
    change.touch(ticket.id);
    Ok(Received { ticket: ticket.id, ..received(Outcome::Appended, message) })
}

/// What came as the report about a message of ours that it is.
pub(crate) fn as_report(incoming: &Incoming, about: &Message, report: &Report) -> Incoming {
    let mut incoming = incoming.clone();
    incoming.envelope.report = Some(Report { about: Some(about.id), ..report.clone() });
    incoming.automatic.get_or_insert_with(|| "It is a mail system's report.".to_owned());
    incoming
}

async fn append(
    change: &mut Change,
    origin: &Origin<'_>,
    incoming: &Incoming,
    ticket: &Ticket,
    contact: ContactId,
    matched_by: MatchedBy,
) -> sqlx::Result<Received> {
    let automatic = incoming.automatic.is_some() || incoming.bounce;
    let message = insert_message(change, origin, incoming, ticket.id, Place::Talk(contact)).await?;
    let excerpt = text::excerpts::excerpt(&text::quotes::new_text(&incoming.body, &incoming.quote), 200);
    // A machine's message is kept but changes nothing about who waits for whom.
    let reopens = !automatic && matches!(ticket.status, Status::Solved | Status::Pending | Status::Snoozed);
    // That somebody is away is no word of theirs.
    let quiet = (automatic && incoming.envelope.report.is_some()) || change.is_quiet();
    sqlx::query!(
        "update tickets set message_count = message_count + 1, updated_at = now(),
                last_message_at = case when $5 then last_message_at else now() end,
                excerpt = case when $5 then excerpt else $2 end,
                last_direction = case when $5 then last_direction else 'inbound' end,
                status = case when $3 then 'open' else status end,
                snoozed_until = case when $3 then null else snoozed_until end,
                solved_at = case when $3 then null else solved_at end,
                waiting_since = case when $4 then waiting_since else coalesce(waiting_since, now()) end
         where id = $1",
        ticket.id.0,
        excerpt,
        reopens,
        automatic || ticket.status == Status::Spam,
        quiet
    )
    .execute(&mut **change)
    .await?;
    change.record(ticket.id, Actor::Customer, Event::Received { message }).await?;
    if !automatic {
        planned::stop(change, ticket.id).await?;
        participants::note_joining(change, ticket, contact, incoming, message).await?;
    }
    if reopens {
        change.record(ticket.id, Actor::Customer, Event::Reopened { from: ticket.status }).await?;
    }
    Ok(Received { outcome: Outcome::Appended, ticket: ticket.id, message, matched_by, acknowledged: false })
}

/// Where in a ticket a message stands that came in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    /// In the conversation, as this contact's.
    Talk(ContactId),
    /// Beside it. What answers there is found by [`sides`], never by the keys of the ticket.
    Side(SideId),
}

pub(crate) async fn insert_message(
    change: &mut Change,
    origin: &Origin<'_>,
    incoming: &Incoming,
    ticket: TicketId,
    place: Place,
) -> sqlx::Result<MessageId> {
    let envelope = serde_json::to_value(&incoming.envelope).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let offset = |at: usize| i32::try_from(at).unwrap_or(i32::MAX);
    let (direction, contact, side) = match place {
        Place::Talk(contact) => (Direction::Inbound, Some(contact.0), None),
        Place::Side(side) => (Direction::Note, None, Some(side.0)),
    };
    let id = sqlx::query_scalar!(
        r#"with thread_key as (
               insert into thread_keys (channel_id, key, ticket_id) select $2, $9, $1 where $15::bigint is null on conflict do nothing
           )
           insert into messages (ticket_id, channel_id, direction, contact_id, body, quote_from, quote_to, html, language, provider_id,
                                 envelope, automatic, bounce, delivery_id, side_id)
           values ($1, $2, $14, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $15) returning id as "id: MessageId""#,
        ticket.0,
        origin.channel.id.0,
        contact,
        incoming.body,
        offset(incoming.quote.start),
        offset(incoming.quote.end),
        incoming.html,
        incoming.language,
        incoming.provider_id,
        envelope,
        incoming.automatic.is_some(),
        incoming.bounce,
        origin.delivery.map(|id| id.0),
        direction as Direction,
        side
    )
    .fetch_one(&mut **change)
    .await?;
    files::attach(change, ticket, id, origin.files).await?;
    let words = text::quotes::new_text(&incoming.body, &incoming.quote);
    let about = [&*incoming.subject, &*incoming.from.name, &*incoming.from.address, &*words];
    search::index(change, ticket, id, incoming.language.as_deref(), &about).await?;
    Ok(id)
}

/// The message of this id on this channel, if it is here.
pub async fn find_duplicate(db: &mut PgConnection, channel: &Channel, provider_id: &str) -> sqlx::Result<Option<(TicketId, MessageId)>> {
    let row = sqlx::query!("select id, ticket_id from messages where channel_id = $1 and provider_id = $2", channel.id.0, provider_id)
        .fetch_optional(db)
        .await?;
    Ok(row.map(|row| (row.ticket_id, row.id)))
}

/// Goes through the hints in the order in which they are believed. A subject is no hint.
async fn find_ticket(
    db: &mut PgConnection,
    keys: &Keys,
    channel: &Channel,
    hints: &[ThreadHint],
) -> sqlx::Result<(Option<TicketId>, MatchedBy)> {
    let stored: Vec<String> = hints
        .iter()
        .filter_map(|hint| match hint {
            ThreadHint::InReplyTo(id) | ThreadHint::Reference(id) | ThreadHint::Key(id) => Some(id.clone()),
            ThreadHint::Recipient(_) => None,
        })
        .collect();
    let rows = if stored.is_empty() {
        Vec::new()
    } else {
        sqlx::query!("select key, ticket_id from thread_keys where channel_id = $1 and key = any($2)", channel.id.0, &stored)
            .fetch_all(&mut *db)
            .await?
    };
    for hint in hints {
        let by_key = |key: &str| rows.iter().find(|row| row.key == key).map(|row| row.ticket_id);
        let (found, matched_by) = match hint {
            ThreadHint::Recipient(local) => (tickets::parse_reply_tag(keys, local), MatchedBy::ReplyAddress),
            ThreadHint::InReplyTo(id) => (by_key(id).or_else(|| tickets::parse_message_id(keys, id)), MatchedBy::InReplyTo),
            ThreadHint::Reference(id) => (by_key(id).or_else(|| tickets::parse_message_id(keys, id)), MatchedBy::References),
            ThreadHint::Key(key) => (by_key(key), MatchedBy::Key),
        };
        if let Some(ticket) = found
            && exists(db, ticket).await?
        {
            return Ok((Some(ticket), matched_by));
        }
    }
    Ok((None, MatchedBy::None))
}

async fn exists(db: &mut PgConnection, ticket: TicketId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select exists (select from tickets where id = $1) as "exists!""#, ticket.0).fetch_one(db).await
}
