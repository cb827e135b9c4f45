//! What an agent says: a reply that goes out, or a note that stays.

use sqlx::PgConnection;

use crate::clock::Ts;
use crate::desk::agents::Agent;
use crate::desk::approvals::list::HeldFile;
use crate::desk::canned;
use crate::desk::changes::{Actor, Change};
use crate::desk::channels::{self, Channel};
use crate::desk::chats::{self, Chat, NewWords};
use crate::desk::contacts;
use crate::desk::envelope::{Address, Envelope};
use crate::desk::events::{ChatEnd, Event};
use crate::desk::files::{self, StoredFile};
use crate::desk::kinds::{ChannelKind, Direction, IdentityKind, Status};
use crate::desk::networks;
use crate::desk::networks::say::Outlet;
use crate::desk::search;
use crate::desk::signatures;
use crate::desk::spam::learning;
use crate::desk::tickets::recipients::{self, Recipients};
use crate::desk::tickets::thread::Message;
use crate::desk::tickets::{self, Ticket, drafts, update};
use crate::desk::waits;
use crate::ids::{AgentId, CannedFileId, CannedReplyId, MessageId, TicketId};
use crate::jobs::{self, Job};
use crate::text;

/// The longest text an agent may send or note, in bytes.
pub const MAX_BODY: usize = 200_000;

/// A reply, as the composer sends it.
#[derive(Debug, Clone, Default)]
pub struct NewReply {
    pub body: String,
    /// The newest message that the agent has seen; a newer one of somebody else stops the reply.
    pub seen: Option<MessageId>,
    /// Where the ticket is to stand afterwards; `None`: an open ticket becomes pending.
    pub then: Option<Status>,
    /// Whom it goes to; empty: whoever [`recipients`] names.
    pub to: Vec<Address>,
    pub cc: Vec<Address>,
    pub bcc: Vec<Address>,
    /// Canned replies that were used, and which of their files go along.
    pub canned: Vec<CannedReplyId>,
    pub canned_files: Vec<CannedFileId>,
    /// Quick answers to click, where the conversation is a chat.
    pub choices: Vec<String>,
    /// A random id of the form: sent twice in a chat, it is said once.
    pub once: Option<String>,
    /// Where it goes when the ticket came over a network and is answered there; `None`: by mail, or in the chat.
    pub outlet: Option<Outlet>,
    /// The one message that it answers, where its network shows that.
    pub answers: Option<MessageId>,
}

/// Why a reply was not taken. Nothing is lost: the draft is still there.
#[derive(Debug, thiserror::Error)]
pub enum ReplyError {
    /// Something arrived that the agent has not seen.
    #[error("something arrived in between")]
    Newer,
    #[error("write something first")]
    Empty,
    #[error("the text is longer than {MAX_BODY} bytes")]
    TooLong,
    /// There is no mailbox, or the customer has no address.
    #[error("{0}")]
    NoWay(String),
    /// A second person must see what is said in public first: see [`crate::desk::approvals`], which keeps it until then.
    #[error("a second person must approve what you say in public")]
    NeedsApproval,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Queues the reply in an agent's composer, with the files that wait there. It leaves after `undo_seconds`, until when it can be taken back.
pub async fn reply(change: &mut Change, agent: &Agent, ticket: TicketId, new: &NewReply) -> Result<MessageId, ReplyError> {
    // In a chat a picture may speak for itself.
    let wordless =
        new.body.trim().is_empty() && (!files::uploads(change, ticket, agent.id).await?.is_empty() || !new.canned_files.is_empty());
    let message = send(change, agent, ticket, new, wordless, None).await?;
    files::attach_uploads(change, ticket, agent.id, None, message, &new.body).await?;
    for id in &new.canned {
        canned::take(change, *id, &new.canned_files, ticket, message, agent.id).await?;
    }
    drafts::clear(change, ticket, agent.id, false).await?;
    Ok(message)
}

/// The same for what an agent wrote for later: what they have in the composer meanwhile stays there.
pub(crate) async fn reply_planned(change: &mut Change, agent: &Agent, ticket: TicketId, new: &NewReply) -> Result<MessageId, ReplyError> {
    let message = send(change, agent, ticket, new, false, None).await?;
    for id in &new.canned {
        canned::take(change, *id, &new.canned_files, ticket, message, agent.id).await?;
    }
    Ok(message)
}

/// The same for a program that speaks for an agent: what the agent has in the composer meanwhile stays there.
pub async fn reply_apart(change: &mut Change, agent: &Agent, ticket: TicketId, new: &NewReply) -> Result<MessageId, ReplyError> {
    send(change, agent, ticket, new, false, None).await
}

/// Queues what a second person has approved, in its author's name. The files are attached by whoever kept them.
pub(crate) async fn reply_approved(
    change: &mut Change,
    author: &Agent,
    ticket: TicketId,
    new: &NewReply,
    files: &[HeldFile],
) -> Result<MessageId, ReplyError> {
    send(change, author, ticket, new, !files.is_empty(), Some(files)).await
}

/// `approved`: a second person has seen it, and these files go along.
async fn send(
    change: &mut Change,
    agent: &Agent,
    ticket: TicketId,
    new: &NewReply,
    wordless: bool,
    approved: Option<&[HeldFile]>,
) -> Result<MessageId, ReplyError> {
    let ticket = tickets::lock(change, ticket).await?.ok_or(sqlx::Error::RowNotFound)?;
    let chat = chats::find(change, ticket.id).await?;
    if !(wordless && (new.outlet.is_some() || chat.as_ref().is_some_and(Chat::is_open))) {
        check(&new.body)?;
    }
    match chat {
        Some(chat) if chat.is_open() => return say(change, agent, &ticket, chat, new).await,
        Some(chat) if new.to.is_empty() && recipients::of_ticket(change, &ticket).await?.to.is_empty() => {
            return say_later(change, agent, &ticket, &chat, new).await;
        }
        Some(_) | None => {}
    }
    if let Some(seen) = new.seen
        && newer_than(change, ticket.id, seen, agent).await?
    {
        return Err(ReplyError::Newer);
    }
    let message = match &new.outlet {
        Some(outlet) => networks::say::queue(change, agent, &ticket, new, outlet, approved).await?,
        None => {
            let language = text::languages::detect(&new.body).map(str::to_owned).or_else(|| ticket.language.clone());
            let to = Recipients { to: new.to.clone(), cc: new.cc.clone(), bcc: new.bcc.clone() };
            recipients::check(change, [&to.to, &to.cc, &to.bcc]).await?;
            let letter = Letter {
                author: Some((agent.id, &agent.name)),
                signed: true,
                to_customer: false,
                ..Letter::new(&new.body, language.as_deref())
            };
            queue(change, &ticket, letter, to).await?
        }
    };
    learning::answered(change, ticket.id).await?;
    waits::record(change, &ticket, agent.id).await?;
    let excerpt = text::excerpts::excerpt(&new.body, 200);
    sqlx::query!(
        "update tickets set message_count = message_count + 1, last_message_at = now(), excerpt = $2, last_direction = 'outbound', waiting_since = null,
                first_answered_at = coalesce(first_answered_at, now()), assignee_id = coalesce(assignee_id, $3), updated_at = now()
         where id = $1",
        ticket.id.0,
        excerpt,
        agent.id.0
    )
    .execute(&mut **change)
    .await?;
    change.record(ticket.id, Actor::Agent(agent.id), Event::Replied { message }).await?;
    if ticket.assignee_id.is_none() {
        change.record(ticket.id, Actor::Agent(agent.id), Event::Assigned { to: Some(agent.id) }).await?;
    }
    let then = new.then.unwrap_or(if ticket.status == Status::Open { Status::Pending } else { ticket.status });
    update::set_status(change, Actor::Agent(agent.id), ticket.id, then, None).await?;
    let undo = i64::from(change.app.config.mail.undo_seconds);
    change.push(&Job::SendMessage { message }, Ts::now().plus_seconds(undo)).await?;
    Ok(message)
}

/// In an open chat a reply is said at once: both sides see every word, so nothing can be overlooked, and nothing undone.
async fn say(change: &mut Change, agent: &Agent, ticket: &Ticket, chat: Chat, new: &NewReply) -> Result<MessageId, ReplyError> {
    let words = NewWords { body: new.body.clone(), choices: new.choices.clone(), once: new.once.clone() };
    let message = chats::say(change, agent, ticket, chat, &words, Ts::now()).await?;
    match new.then {
        Some(Status::Solved) => drop(chats::end(change, ChatEnd::Agent, ticket.id, Ts::now()).await?),
        Some(status) => update::set_status(change, Actor::Agent(agent.id), ticket.id, status, None).await?,
        None => {}
    }
    Ok(message)
}

/// Nobody is there to hear it and no mail could reach them: it stands in the chat when they come back.
async fn say_later(change: &mut Change, agent: &Agent, ticket: &Ticket, chat: &Chat, new: &NewReply) -> Result<MessageId, ReplyError> {
    let words = NewWords { body: new.body.clone(), choices: new.choices.clone(), once: new.once.clone() };
    let message = chats::say_later(change, agent, ticket, chat, &words).await?;
    if ticket.assignee_id.is_none() {
        update::assign(change, Actor::Agent(agent.id), ticket.id, Some(agent.id)).await?;
    }
    let then = new.then.unwrap_or(if ticket.status == Status::Open { Status::Pending } else { ticket.status });
    update::set_status(change, Actor::Agent(agent.id), ticket.id, then, None).await?;
    Ok(message)
}

/// Sends by mail what was said in a chat whose visitor had left. The conversation has it already, so nothing else changes.
pub async fn copy(
    change: &mut Change,
    ticket: &Ticket,
    author: Option<(AgentId, &str)>,
    body: &str,
    language: Option<&str>,
) -> Result<MessageId, ReplyError> {
    let message = queue(change, ticket, Letter { author, ..Letter::new(body, language) }, Recipients::default()).await?;
    sqlx::query!("update messages set envelope = envelope || '{\"copy\": true}' where id = $1", message.0).execute(&mut **change).await?;
    change.push(&Job::SendMessage { message }, Ts::now()).await?;
    change.touch(ticket.id);
    Ok(message)
}

/// Sends a customer what was said in a chat, because they asked for it.
pub async fn transcript(change: &mut Change, ticket: &Ticket, to: Address, body: &str, language: &str) -> Result<MessageId, ReplyError> {
    let to = Recipients { to: vec![to], ..Recipients::default() };
    let message = queue(change, ticket, Letter::new(body, Some(language)), to).await?;
    sqlx::query!("update messages set envelope = envelope || '{\"copy\": true}' where id = $1", message.0).execute(&mut **change).await?;
    change.push(&Job::SendMessage { message }, Ts::now()).await?;
    change.touch(ticket.id);
    Ok(message)
}

/// Adds the note in an agent's composer, which only agents see.
pub async fn note(change: &mut Change, agent: &Agent, ticket: TicketId, body: &str) -> Result<MessageId, ReplyError> {
    let message = note_apart(change, agent, ticket, body).await?;
    drafts::clear(change, ticket, agent.id, true).await?;
    Ok(message)
}

/// The same for a program that speaks for an agent: what the agent has in the composer meanwhile stays there.
pub async fn note_apart(change: &mut Change, agent: &Agent, ticket: TicketId, body: &str) -> Result<MessageId, ReplyError> {
    let ticket = tickets::lock(change, ticket).await?.ok_or(sqlx::Error::RowNotFound)?;
    check(body)?;
    let message = sqlx::query_scalar!(
        r#"insert into messages (ticket_id, channel_id, direction, agent_id, body) values ($1, $2, 'note', $3, $4) returning id as "id: MessageId""#,
        ticket.id.0,
        ticket.channel_id.0,
        agent.id.0,
        body
    )
    .fetch_one(&mut **change)
    .await?;
    search::index(change, ticket.id, message, text::languages::detect(body), &[&ticket.subject, body]).await?;
    sqlx::query!("update tickets set message_count = message_count + 1, updated_at = now() where id = $1", ticket.id.0)
        .execute(&mut **change)
        .await?;
    change.record(ticket.id, Actor::Agent(agent.id), Event::Noted { message }).await?;
    Ok(message)
}

/// Queues a message of the desk itself, such as the acknowledgement. It answers nothing: who waits still waits.
pub async fn automatic(change: &mut Change, ticket: &Ticket, body: &str, language: &str) -> Result<MessageId, ReplyError> {
    let message = queue(change, ticket, Letter::new(body, Some(language)), Recipients::default()).await?;
    sqlx::query!(
        "update tickets set acknowledged_at = now(), message_count = message_count + 1, updated_at = now() where id = $1",
        ticket.id.0
    )
    .execute(&mut **change)
    .await?;
    change.record(ticket.id, Actor::System, Event::Acknowledged { message }).await?;
    change.push(&Job::SendMessage { message }, Ts::now()).await?;
    Ok(message)
}

/// Queues another letter of the desk itself, such as when we will call. It answers nothing either.
pub async fn tell(change: &mut Change, ticket: &Ticket, body: &str, language: &str) -> Result<MessageId, ReplyError> {
    let message = queue(change, ticket, Letter::new(body, Some(language)), Recipients::default()).await?;
    sqlx::query!("update tickets set message_count = message_count + 1, updated_at = now() where id = $1", ticket.id.0)
        .execute(&mut **change)
        .await?;
    change.push(&Job::SendMessage { message }, Ts::now()).await?;
    change.touch(ticket.id);
    Ok(message)
}

/// Queues an answer that had left and did not reach everybody once more, with its files, as this agent's and to whom they chose. Whose turn it
/// is stays as it was.
pub(crate) async fn write_again(
    change: &mut Change,
    agent: &Agent,
    ticket: &Ticket,
    failed: &Message,
    to: Recipients,
    body: &str,
) -> Result<MessageId, ReplyError> {
    let subject = failed.envelope().subject;
    let letter = Letter {
        author: Some((agent.id, &agent.name)),
        signed: true,
        subject: Some(&subject),
        ..Letter::new(body, failed.language.as_deref())
    };
    let message = queue(change, ticket, letter, to).await?;
    files::repeat(change, failed.id, message).await?;
    sqlx::query!(
        "update tickets set message_count = message_count + 1, last_message_at = now(), excerpt = $2, last_direction = 'outbound', updated_at = now()
         where id = $1",
        ticket.id.0,
        text::excerpts::excerpt(body, 200)
    )
    .execute(&mut **change)
    .await?;
    change.record(ticket.id, Actor::Agent(agent.id), Event::Replied { message }).await?;
    let undo = i64::from(change.app.config.mail.undo_seconds);
    change.push(&Job::SendMessage { message }, Ts::now().plus_seconds(undo)).await?;
    Ok(message)
}

/// Puts a reply back into an agent's composer, with whom it was to go to where that is not whom an answer goes to anyway.
pub(crate) async fn give_back(db: &mut PgConnection, ticket: TicketId, agent: AgentId, body: &str, to: Recipients) -> sqlx::Result<()> {
    drafts::put_before(db, ticket, agent, body).await?;
    // What somebody is called on a network is no address.
    if to.to.is_empty() || to.to.iter().any(|to| !to.address.contains('@')) {
        return Ok(());
    }
    let Some(ticket) = tickets::find(db, ticket).await? else { return Ok(()) };
    if recipients::of_ticket(db, &ticket).await? != to {
        drafts::set_recipients(db, ticket.id, agent, &to).await?;
    }
    Ok(())
}

/// Takes a reply back that has not left: its text becomes the draft again. `false`: it has left. Only who wrote it may.
pub async fn undo(change: &mut Change, agent: &Agent, ticket: TicketId, message: MessageId) -> sqlx::Result<bool> {
    let Some(ticket) = tickets::lock(change, ticket).await? else { return Ok(false) };
    if !jobs::cancel(change, &Job::SendMessage { message }).await? {
        return Ok(false);
    }
    let row = sqlx::query!(
        "select body, agent_id, envelope from messages where id = $1 and ticket_id = $2 and direction = 'outbound' and delivery = 'queued'",
        message.0,
        ticket.id.0
    )
    .fetch_optional(&mut **change)
    .await?;
    let Some(row) = row.filter(|row| row.agent_id == Some(agent.id)) else { return Err(sqlx::Error::RowNotFound) };
    let Envelope { to, cc, bcc, .. } = serde_json::from_value(row.envelope).unwrap_or_default();
    give_back(change, ticket.id, agent.id, &row.body, Recipients { to, cc, bcc }).await?;
    sqlx::query!(
        "insert into uploads (ticket_id, agent_id, name, media_type, size, sha256, content_id)
         select ticket_id, $2, name, media_type, size, sha256, content_id from attachments where message_id = $1",
        message.0,
        agent.id.0
    )
    .execute(&mut **change)
    .await?;
    sqlx::query!("delete from messages where id = $1", message.0).execute(&mut **change).await?;
    // Back to what the remaining conversation says: the customer waits since their first word after our last.
    sqlx::query!(
        "update tickets t set message_count = message_count - 1, status = 'open', solved_at = null, snoozed_until = null, updated_at = now(),
                waiting_since = (select min(created_at) from messages m where m.ticket_id = t.id and m.direction = 'inbound' and not m.automatic
                                 and m.id > coalesce((select max(id) from messages o where o.ticket_id = t.id and o.direction = 'outbound' and not o.automatic), 0)),
                first_answered_at = (select min(created_at) from messages m where m.ticket_id = t.id and m.direction = 'outbound' and not m.automatic)
         where id = $1",
        ticket.id.0
    )
    .execute(&mut **change)
    .await?;
    waits::correct(change, &ticket).await?;
    refresh_excerpt(change, ticket.id).await?;
    change.record(ticket.id, Actor::Agent(agent.id), Event::Undone { message }).await?;
    Ok(true)
}

async fn refresh_excerpt(db: &mut PgConnection, ticket: TicketId) -> sqlx::Result<()> {
    let last = sqlx::query!(
        "select body, direction, created_at from messages where ticket_id = $1 and direction <> 'note' and not automatic order by id desc limit 1",
        ticket.0
    )
    .fetch_optional(&mut *db)
    .await?;
    if let Some(last) = last {
        sqlx::query!(
            "update tickets set excerpt = $2, last_direction = $3, last_message_at = $4 where id = $1",
            ticket.0,
            text::excerpts::excerpt(&last.body, 200),
            last.direction as _,
            last.created_at as Ts
        )
        .execute(db)
        .await?;
    }
    Ok(())
}

/// Whether words can be sent.
pub(crate) fn check(body: &str) -> Result<(), ReplyError> {
    if body.trim().is_empty() {
        return Err(ReplyError::Empty);
    }
    if body.len() > MAX_BODY {
        return Err(ReplyError::TooLong);
    }
    Ok(())
}

/// There is no mailbox to write from.
pub(crate) fn no_mailbox() -> ReplyError {
    ReplyError::NoWay("There is no mailbox to answer from yet. An admin adds one under Settings, Channels.".into())
}

/// A letter to nobody.
pub(crate) fn nobody() -> ReplyError {
    ReplyError::NoWay("Enter at least one address beside “To”.".into())
}

/// What [`queue`] puts into a letter.
struct Letter<'a> {
    /// `None`: the desk itself.
    author: Option<(AgentId, &'a str)>,
    body: &'a str,
    language: Option<&'a str>,
    /// With what ends the author's letters.
    signed: bool,
    /// Without other recipients it goes to the customer, whoever wrote last.
    to_customer: bool,
    /// In place of the ticket's.
    subject: Option<&'a str>,
}

impl<'a> Letter<'a> {
    const fn new(body: &'a str, language: Option<&'a str>) -> Self {
        Self { author: None, body, language, signed: false, to_customer: true, subject: None }
    }
}

/// Whether somebody else wrote to or for the customer after `seen`.
pub(crate) async fn newer_than(db: &mut PgConnection, ticket: TicketId, seen: MessageId, agent: &Agent) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from messages where ticket_id = $1 and id > $2 and direction <> 'note' and not (direction = 'outbound' and automatic)
                          and agent_id is distinct from $3) as "newer!""#,
        ticket.0,
        seen.0,
        agent.id.0
    )
    .fetch_one(db)
    .await
}

/// The mailbox through which a ticket is answered: its own channel if that is one, else the one its channel names, else the desk's first.
pub async fn way_out(db: &mut PgConnection, ticket: &Ticket) -> sqlx::Result<Option<Channel>> {
    let own = channels::find(db, ticket.channel_id).await?;
    if let Some(channel) = own {
        // Which channels carry replies themselves is a property of the channel; mailboxes are the only ones so far.
        if channel.kind == ChannelKind::Email {
            return Ok(Some(channel));
        }
        if let Some(id) = channel.settings.get("reply_channel").and_then(serde_json::Value::as_i64)
            && let Some(mailbox) = channels::find(db, crate::ids::ChannelId(id)).await?
        {
            return Ok(Some(mailbox));
        }
    }
    channels::default_mailbox(db).await
}

async fn queue(change: &mut Change, ticket: &Ticket, letter: Letter<'_>, chosen: Recipients) -> Result<MessageId, ReplyError> {
    let Letter { author, body, language, signed, to_customer, subject } = letter;
    let automatic = author.is_none();
    let Some(mailbox) = way_out(change, ticket).await? else {
        return Err(no_mailbox());
    };
    let mut sent_to = match chosen.to.is_empty() {
        true if to_customer => recipients::of_customer(change, ticket).await?,
        true => recipients::of_ticket(change, ticket).await?,
        false => chosen,
    };
    if automatic {
        // A receipt is for whoever wrote, not for everybody who was told about it.
        sent_to.cc.clear();
        sent_to.bcc.clear();
    }
    if sent_to.to.is_empty() {
        return Err(ReplyError::NoWay("This customer has no mail address to answer to. Enter one beside “To”.".into()));
    }
    let address = mailbox.address.clone().unwrap_or_default();
    let thread = outgoing_thread(change, ticket.id).await?;
    let signature = match author.filter(|_| signed) {
        Some((agent, _)) => signatures::of(change, agent, mailbox.id, language).await?,
        None => String::new(),
    };
    let envelope = Envelope {
        signature,
        from: Some(Address { name: author.map(|(_, name)| name.to_owned()).unwrap_or_default(), address: address.clone() }),
        to: sent_to.to,
        cc: sent_to.cc,
        bcc: sent_to.bcc,
        subject: match subject {
            Some(subject) => subject.trim().to_owned(),
            None => text::subjects::reply_subject(&ticket.subject, ticket.id),
        },
        in_reply_to: thread.last().cloned(),
        references: thread,
        ..Envelope::default()
    };
    let envelope = serde_json::to_value(&envelope).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let message = sqlx::query_scalar!(
        r#"insert into messages (ticket_id, channel_id, direction, agent_id, body, language, envelope, automatic, delivery)
           values ($1, $2, 'outbound', $3, $4, $5, $6, $7, 'queued') returning id as "id: MessageId""#,
        ticket.id.0,
        mailbox.id.0,
        author.map(|(id, _)| id.0),
        body,
        language,
        envelope,
        automatic
    )
    .fetch_one(&mut **change)
    .await?;
    let domain = address.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
    let provider_id = tickets::message_id(&change.app.keys, ticket.id, message, domain);
    sqlx::query!("update messages set provider_id = $2 where id = $1", message.0, provider_id).execute(&mut **change).await?;
    sqlx::query!(
        "insert into thread_keys (channel_id, key, ticket_id) values ($1, $2, $3) on conflict do nothing",
        mailbox.id.0,
        provider_id,
        ticket.id.0
    )
    .execute(&mut **change)
    .await?;
    if !automatic {
        search::index(change, ticket.id, message, language, &[&ticket.subject, body]).await?;
    }
    Ok(message)
}

/// What a new mail says.
#[derive(Debug, Clone, Default)]
pub struct NewMail {
    pub to: Vec<Address>,
    pub cc: Vec<Address>,
    pub bcc: Vec<Address>,
    pub subject: String,
    pub body: String,
    /// The customer's, where the agent knows it better than the words tell.
    pub language: Option<String>,
    pub files: Vec<StoredFile>,
    pub canned: Vec<CannedReplyId>,
    pub canned_files: Vec<CannedFileId>,
}

/// Begins a conversation: a letter to a customer, and the ticket that waits for their answer.
pub async fn begin(change: &mut Change, agent: &Agent, mailbox: &Channel, new: &NewMail) -> Result<(TicketId, MessageId), ReplyError> {
    check(&new.body)?;
    let Some(first) = new.to.first() else { return Err(nobody()) };
    recipients::check(change, [&new.to, &new.cc, &new.bcc]).await?;
    let language = text::languages::detect(&new.body).map(str::to_owned).or_else(|| new.language.clone());
    let address = first.address.to_lowercase();
    let contact = contacts::identify(change, IdentityKind::Email, &address, &first.name, language.as_deref()).await?;
    let ticket = sqlx::query_scalar!(
        "insert into tickets (channel_id, contact_id, subject, status, assignee_id, team_id, language, message_count, excerpt, last_direction,
                              first_answered_at)
         values ($1, $2, $3, 'pending', $4, $5, $6, 1, $7, 'outbound', now()) returning id",
        mailbox.id.0,
        contact.0,
        new.subject,
        agent.id.0,
        mailbox.team_id.map(|id| id.0),
        language.as_ref().or(mailbox.language.as_ref()),
        text::excerpts::excerpt(&new.body, 200)
    )
    .fetch_one(&mut **change)
    .await?;
    let ticket = tickets::lock(change, ticket).await?.ok_or(sqlx::Error::RowNotFound)?;
    let to = Recipients { to: new.to.clone(), cc: new.cc.clone(), bcc: new.bcc.clone() };
    let letter = Letter {
        author: Some((agent.id, &agent.name)),
        signed: true,
        subject: Some(&new.subject),
        ..Letter::new(&new.body, language.as_deref())
    };
    let message = queue(change, &ticket, letter, to).await?;
    files::attach(change, ticket.id, message, &new.files).await?;
    for id in &new.canned {
        canned::take(change, *id, &new.canned_files, ticket.id, message, agent.id).await?;
    }
    change.record(ticket.id, Actor::Agent(agent.id), Event::Created {}).await?;
    change.record(ticket.id, Actor::Agent(agent.id), Event::Replied { message }).await?;
    let undo = i64::from(change.app.config.mail.undo_seconds);
    change.push(&Job::SendMessage { message }, Ts::now().plus_seconds(undo)).await?;
    Ok((ticket.id, message))
}

/// Whether an id can stand between the brackets of a mail's header.
fn is_message_id(id: &str) -> bool {
    id.contains('@') && !id.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>'))
}

/// The message ids of the conversation so far, oldest first; the last is what we answer.
async fn outgoing_thread(db: &mut PgConnection, ticket: TicketId) -> sqlx::Result<Vec<String>> {
    let rows = sqlx::query!(
        "select provider_id, envelope, direction from messages
         where ticket_id = $1 and direction <> 'note' and provider_id is not null and not bounce order by id desc limit 30",
        ticket.0
    )
    .fetch_all(db)
    .await?;
    let mut before: Vec<String> = Vec::new();
    let mut said: Vec<(bool, String)> = Vec::new();
    for row in rows.into_iter().rev() {
        let inbound = row.direction == Direction::Inbound;
        if inbound && before.is_empty() && said.is_empty() {
            let envelope: Envelope = serde_json::from_value(row.envelope).unwrap_or_default();
            before.extend(envelope.references);
        }
        said.extend(row.provider_id.filter(|id| is_message_id(id)).map(|id| (inbound, id)));
    }
    Ok(thread_of(before, said))
}

/// The message ids of a conversation as a letter names them, from those before it and what was said, oldest first; what others said is marked.
/// What is answered comes last: their newest message if there is one.
pub(crate) fn thread_of(before: Vec<String>, mut said: Vec<(bool, String)>) -> Vec<String> {
    // A program's own number for its message means nothing to a mailbox.
    said.retain(|(_, id)| is_message_id(id));
    let answered = said.iter().rposition(|(theirs, _)| *theirs).map(|at| said.remove(at));
    let mut ids = before;
    for (_, id) in said.into_iter().chain(answered) {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids
}
