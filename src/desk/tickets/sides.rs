//! Conversations by mail beside the customer's: what was forwarded to somebody outside, and what is asked of a supplier. Each has its own
//! subject, thread and reply address. Its messages are notes to everything else on the desk, so that no answer, no quote and no page for the
//! customer can take them along; and what comes back is no customer who waits.

use std::ops::Range;

use sqlx::PgConnection;

use crate::clock::Ts;
use crate::desk::agents::Agent;
use crate::desk::changes::{Actor, Change};
use crate::desk::channels::{self, Channel};
use crate::desk::envelope::{Address, Envelope, Incoming, ReportKind, ThreadHint};
use crate::desk::events::Event;
use crate::desk::files::{self, StoredFile};
use crate::desk::search;
use crate::desk::signatures;
use crate::desk::tickets::receive::{self, MatchedBy, Origin, Outcome, Place, Received};
use crate::desk::tickets::recipients;
use crate::desk::tickets::reply::{self, ReplyError};
use crate::desk::tickets::thread::Message;
use crate::desk::tickets::{self, reports};
use crate::ids::{AgentId, AttachmentId, ChannelId, MessageId, SideId, TicketId};
use crate::jobs::Job;
use crate::secrets::Keys;
use crate::text;

/// Length of the signature in a reply address: 50 bits, as a ticket's.
const SIGNATURE: usize = 10;
/// Conversations beside one ticket, shown at most.
const MAX: i64 = 50;

/// A conversation beside the customer's.
#[derive(Debug, Clone)]
pub struct Side {
    pub id: SideId,
    pub ticket_id: TicketId,
    pub channel_id: ChannelId,
    /// Who began it.
    pub agent_id: Option<AgentId>,
    /// It passes something on, rather than asking something of its own.
    pub forwarded: bool,
    pub subject: String,
    /// Something came, or failed, that nobody has looked at.
    pub unread: bool,
    pub created_at: Ts,
}

/// What is said in one.
#[derive(Debug, Clone, Default)]
pub struct Words {
    pub to: Vec<Address>,
    pub cc: Vec<Address>,
    pub bcc: Vec<Address>,
    pub body: String,
    /// Byte range of `body` that is quoted history.
    pub quote: Range<usize>,
    /// Files of the ticket's own messages that go along.
    pub attached: Vec<AttachmentId>,
    /// Further files.
    pub files: Vec<StoredFile>,
}

/// Begins a conversation and queues its first letter.
pub async fn open(
    change: &mut Change,
    agent: &Agent,
    ticket: TicketId,
    mailbox: Option<ChannelId>,
    subject: &str,
    forwarded: bool,
    words: &Words,
) -> Result<(SideId, MessageId), ReplyError> {
    let ticket = tickets::lock(change, ticket).await?.ok_or(sqlx::Error::RowNotFound)?;
    let chosen = match mailbox {
        Some(id) => channels::find(change, id).await?.filter(Channel::is_mailbox),
        None => None,
    };
    let mailbox = match chosen {
        Some(mailbox) => Some(mailbox),
        None => reply::way_out(change, &ticket).await?,
    };
    let Some(mailbox) = mailbox else { return Err(reply::no_mailbox()) };
    let side = sqlx::query_scalar!(
        "insert into sides (ticket_id, channel_id, agent_id, forwarded, subject) values ($1, $2, $3, $4, $5) returning id",
        ticket.id.0,
        mailbox.id.0,
        agent.id.0,
        forwarded,
        subject
    )
    .fetch_one(&mut **change)
    .await?;
    let message = queue(change, agent, &mailbox, side, ticket.id, subject, words).await?;
    let to = words.to.first().map(|to| if to.name.is_empty() { to.address.clone() } else { to.name.clone() }).unwrap_or_default();
    let event = if forwarded { Event::Forwarded { side, to } } else { Event::SideOpened { side, to } };
    change.record(ticket.id, Actor::Agent(agent.id), event).await?;
    Ok((side, message))
}

/// Queues a letter that had left and did not arrive once more, with its files, as another agent's and to whom they chose.
pub(crate) async fn write_again(change: &mut Change, agent: &Agent, failed: &Message, words: &Words) -> Result<MessageId, ReplyError> {
    let side = failed.side_id.ok_or(sqlx::Error::RowNotFound)?;
    let mailbox = channels::find(change, failed.channel_id).await?.ok_or(sqlx::Error::RowNotFound)?;
    let message = queue(change, agent, &mailbox, side, failed.ticket_id, &failed.envelope().subject, words).await?;
    seen(change, failed.ticket_id, side).await?;
    Ok(message)
}

/// Queues one more letter in a conversation.
pub async fn write(change: &mut Change, agent: &Agent, ticket: TicketId, id: SideId, words: &Words) -> Result<MessageId, ReplyError> {
    let ticket = tickets::lock(change, ticket).await?.ok_or(sqlx::Error::RowNotFound)?;
    let side = find(change, ticket.id, id).await?.ok_or(sqlx::Error::RowNotFound)?;
    let mailbox = channels::find(change, side.channel_id).await?.ok_or(sqlx::Error::RowNotFound)?;
    let subject = text::subjects::strip_prefixes(&side.subject);
    let message = queue(change, agent, &mailbox, id, ticket.id, &format!("Re: {subject}"), words).await?;
    seen(change, ticket.id, id).await?;
    Ok(message)
}

async fn queue(
    change: &mut Change,
    agent: &Agent,
    mailbox: &Channel,
    side: SideId,
    ticket: TicketId,
    subject: &str,
    words: &Words,
) -> Result<MessageId, ReplyError> {
    reply::check(&words.body)?;
    if words.to.is_empty() {
        return Err(reply::nobody());
    }
    recipients::check(change, [&words.to, &words.cc, &words.bcc]).await?;
    let address = mailbox.address.clone().unwrap_or_default();
    let thread = thread(change, side).await?;
    let language = text::languages::detect(&words.body[..words.quote.start.min(words.body.len())]);
    let envelope = Envelope {
        from: Some(Address { name: agent.name.clone(), address: address.clone() }),
        to: words.to.clone(),
        cc: words.cc.clone(),
        bcc: words.bcc.clone(),
        subject: subject.to_owned(),
        signature: signatures::of(change, agent.id, mailbox.id, language).await?,
        in_reply_to: thread.last().cloned(),
        references: thread,
        ..Envelope::default()
    };
    let envelope = serde_json::to_value(&envelope).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let offset = |at: usize| i32::try_from(at).unwrap_or(i32::MAX);
    let message = sqlx::query_scalar!(
        "insert into messages (ticket_id, channel_id, direction, agent_id, body, quote_from, quote_to, language, envelope, delivery, side_id)
         values ($1, $2, 'note', $3, $4, $5, $6, $7, $8, 'queued', $9) returning id",
        ticket.0,
        mailbox.id.0,
        agent.id.0,
        words.body,
        offset(words.quote.start),
        offset(words.quote.end),
        language,
        envelope,
        side.0
    )
    .fetch_one(&mut **change)
    .await?;
    let domain = address.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
    let provider_id = tickets::message_id(&change.app.keys, ticket, message, domain);
    sqlx::query!("update messages set provider_id = $2 where id = $1", message.0, provider_id).execute(&mut **change).await?;
    files::copy(change, ticket, message, &words.attached).await?;
    files::attach(change, ticket, message, &words.files).await?;
    search::index(change, ticket, message, language, &[subject, &words.body]).await?;
    let undo = i64::from(change.app.config.mail.undo_seconds);
    change.push(&Job::SendMessage { message }, Ts::now().plus_seconds(undo)).await?;
    change.touch(ticket);
    Ok(message)
}

/// The message ids of a conversation, oldest first; the last is what is answered.
async fn thread(db: &mut PgConnection, side: SideId) -> sqlx::Result<Vec<String>> {
    let rows = sqlx::query!(
        r#"select provider_id as "provider_id!", agent_id is null as "theirs!" from messages
           where side_id = $1 and provider_id is not null and not bounce order by id desc limit 30"#,
        side.0
    )
    .fetch_all(db)
    .await?;
    Ok(reply::thread_of(Vec::new(), rows.into_iter().rev().map(|row| (row.theirs, row.provider_id)).collect()))
}

/// Keeps a message that answers in a conversation beside the customer's, or reports about a letter of one. `None`: it does neither.
pub(crate) async fn take(change: &mut Change, origin: &Origin<'_>, incoming: &Incoming) -> sqlx::Result<Option<Received>> {
    if origin.ticket.is_some() || origin.contact.is_some() {
        return Ok(None);
    }
    let keys = change.app.keys.clone();
    let about = reports::subject_of(change, &keys, origin.channel, incoming).await?;
    let found = match &about {
        Some(about) => about.side_id.map(|side| (side, MatchedBy::InReplyTo)),
        None => find_by_hints(change, &keys, origin.channel, &incoming.thread).await?,
    };
    let Some((side, matched_by)) = found else { return Ok(None) };
    let row = sqlx::query!("select ticket_id from sides where id = $1", side.0).fetch_optional(&mut **change).await?;
    let Some(row) = row else { return Ok(None) };
    let Some(ticket) = tickets::lock(change, row.ticket_id).await? else { return Ok(None) };
    let received = |outcome, message| Received { outcome, ticket: ticket.id, message, matched_by, acknowledged: false };
    if let Some((ticket, message)) = receive::find_duplicate(change, origin.channel, &incoming.provider_id).await? {
        return Ok(Some(Received { ticket, matched_by: MatchedBy::None, ..received(Outcome::Duplicate, message) }));
    }
    let report = incoming.envelope.report.as_ref().filter(|report| report.kind != ReportKind::Away);
    if let (Some(about), Some(report)) = (&about, report) {
        if let Some(earlier) = reports::known(change, ticket.id, about, report).await? {
            return Ok(Some(received(Outcome::Duplicate, earlier)));
        }
        reports::apply(change, &ticket, about, report).await?;
        let message =
            receive::insert_message(change, origin, &receive::as_report(incoming, about, report), ticket.id, Place::Side(side)).await?;
        change.touch(ticket.id);
        return Ok(Some(received(Outcome::Appended, message)));
    }
    let message = receive::insert_message(change, origin, incoming, ticket.id, Place::Side(side)).await?;
    mark_unread(change, side).await?;
    if incoming.bounce {
        change.touch(ticket.id);
    } else {
        let from = if incoming.from.name.is_empty() { incoming.from.address.clone() } else { incoming.from.name.clone() };
        change.record(ticket.id, Actor::System, Event::SideAnswered { side, from }).await?;
    }
    Ok(Some(received(Outcome::Appended, message)))
}

async fn find_by_hints(
    db: &mut PgConnection,
    keys: &Keys,
    channel: &Channel,
    hints: &[ThreadHint],
) -> sqlx::Result<Option<(SideId, MatchedBy)>> {
    let tagged = hints.iter().find_map(|hint| match hint {
        ThreadHint::Recipient(local) => parse_tag(keys, local),
        ThreadHint::InReplyTo(_) | ThreadHint::Reference(_) | ThreadHint::Key(_) => None,
    });
    if let Some(side) = tagged {
        return Ok(Some((side, MatchedBy::ReplyAddress)));
    }
    let named: Vec<String> = hints
        .iter()
        .filter_map(|hint| match hint {
            ThreadHint::InReplyTo(id) | ThreadHint::Reference(id) => Some(id.clone()),
            ThreadHint::Recipient(_) | ThreadHint::Key(_) => None,
        })
        .collect();
    if named.is_empty() {
        return Ok(None);
    }
    let ours: Vec<i64> = named.iter().filter_map(|id| tickets::parse_message(keys, id)).map(|id| id.0).collect();
    let found = sqlx::query_scalar!(
        r#"select side_id as "side_id!: SideId" from messages
           where side_id is not null and (id = any($1) or (channel_id = $2 and provider_id = any($3))) order by id desc limit 1"#,
        &ours,
        channel.id.0,
        &named
    )
    .fetch_optional(db)
    .await?;
    Ok(found.map(|side| (side, MatchedBy::InReplyTo)))
}

/// The conversations beside a ticket's, oldest first; of very many those that want to be read, and the newest.
pub async fn of_ticket(db: &mut PgConnection, ticket: TicketId) -> sqlx::Result<Vec<Side>> {
    let mut sides = sqlx::query_as!(
        Side,
        "select id, ticket_id, channel_id, agent_id, forwarded, subject, unread, created_at from sides
         where ticket_id = $1 order by unread desc, id desc limit $2",
        ticket.0,
        MAX
    )
    .fetch_all(db)
    .await?;
    sides.sort_unstable_by_key(|side| side.id);
    Ok(sides)
}

/// One of them.
pub async fn find(db: &mut PgConnection, ticket: TicketId, id: SideId) -> sqlx::Result<Option<Side>> {
    sqlx::query_as!(
        Side,
        "select id, ticket_id, channel_id, agent_id, forwarded, subject, unread, created_at from sides where id = $1 and ticket_id = $2",
        id.0,
        ticket.0
    )
    .fetch_optional(db)
    .await
}

/// Somebody has looked at what came.
pub async fn seen(change: &mut Change, ticket: TicketId, id: SideId) -> sqlx::Result<()> {
    let gone = sqlx::query!("update sides set unread = false where id = $1 and ticket_id = $2 and unread", id.0, ticket.0)
        .execute(&mut **change)
        .await?;
    if gone.rows_affected() > 0 {
        change.touch(ticket);
        change.touch_floor();
    }
    Ok(())
}

/// Something in a conversation wants to be looked at: a letter of it has failed.
pub(crate) async fn mark_unread(change: &mut Change, id: SideId) -> sqlx::Result<()> {
    let ticket = sqlx::query_scalar!(r#"update sides set unread = true where id = $1 returning ticket_id as "id: TicketId""#, id.0);
    if let Some(ticket) = ticket.fetch_optional(&mut **change).await? {
        change.touch(ticket);
    }
    change.touch_floor();
    Ok(())
}

/// What an agent has not looked at: answers beside their tickets, or to what they began where nobody has the ticket. Newest first.
pub async fn unread_of(db: &mut PgConnection, agent: AgentId) -> sqlx::Result<Vec<Side>> {
    sqlx::query_as!(
        Side,
        "select s.id, s.ticket_id, s.channel_id, s.agent_id, s.forwarded, s.subject, s.unread, s.created_at
         from sides s join tickets t on t.id = s.ticket_id where s.unread and coalesce(t.assignee_id, s.agent_id) = $1 order by s.id desc limit 20",
        agent.0
    )
    .fetch_all(db)
    .await
}

/// The tag that brings a mail back to its conversation when added to a local part: `s7-k7f3q2abcd`.
pub fn tag(keys: &Keys, id: SideId) -> String {
    format!("s{id}-{}", keys.sign("side", &id.to_string(), SIGNATURE))
}

/// The conversation named by a local part such as `help+s7-k7f3q2abcd`, if its signature is ours.
pub fn parse_tag(keys: &Keys, local_part: &str) -> Option<SideId> {
    let (_, tag) = local_part.rsplit_once('+')?;
    let (id, signature) = tag.strip_prefix(['s', 'S'])?.split_once('-')?;
    let id: SideId = id.parse().ok()?;
    keys.verify("side", &id.to_string(), SIGNATURE, signature).then_some(id)
}
