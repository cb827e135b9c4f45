//! What is said in a chat, and what each side knows of it.

use crate::clock::Ts;
use crate::desk::agents::Agent;
use crate::desk::changes::{Actor, Change};
use crate::desk::channels;
use crate::desk::chats::hands::{silence_ends, take};
use crate::desk::chats::{self, Chat, ladder, save};
use crate::desk::envelope::Envelope;
use crate::desk::events::{ChatEnd, Event};
use crate::desk::kinds::{ChatState, Status};
use crate::desk::search;
use crate::desk::tickets::Ticket;
use crate::desk::tickets::recipients;
use crate::desk::tickets::reply::{self, ReplyError};
use crate::desk::waits;
use crate::ids::{AgentId, ChannelId, MessageId, TicketId, VisitorId};
use crate::jobs::{self, Job};
use crate::live::Hands;
use crate::text;

/// Seconds within which an agent who holds a chat answers; then the visitor is told that it takes longer.
pub const ANSWER: i64 = 180;
/// Seconds that our words may wait for the visitor's screen before they also go by mail.
const UNSEEN: i64 = 60;
/// The most quick answers one message offers, and their greatest length in characters.
pub const MAX_CHOICES: usize = 6;
const MAX_CHOICE: usize = 60;

/// What an agent says in a chat.
#[derive(Debug, Clone, Default)]
pub struct NewWords {
    pub body: String,
    /// Quick answers to click.
    pub choices: Vec<String>,
    /// A random id of the form that was sent: the same sent twice is said once.
    pub once: Option<String>,
}

/// Makes a new ticket a chat and rings the first agent. `promise` is in how many seconds somebody will have answered, as we said.
pub async fn start(
    change: &mut Change,
    ticket: TicketId,
    channel: ChannelId,
    visitor: VisitorId,
    promise: i64,
    now: Ts,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into chats (ticket_id, channel_id, visitor_id, state, stage_ends_at, promised_at, deadline_at, started_at, last_at)
         values ($1, $2, $3, 'queued', $4, $5, $4, $4, $4)",
        ticket.0,
        channel.0,
        visitor.0,
        now as Ts,
        now.plus_seconds(promise) as Ts
    )
    .execute(&mut **change)
    .await?;
    change.touch_visitor(visitor);
    change.record(ticket, Actor::Customer, Event::ChatStarted {}).await?;
    let (ticket, mut chat) = chats::lock(change, ticket).await?.ok_or(sqlx::Error::RowNotFound)?;
    ladder::begin(change, &ticket, &mut chat, now).await?;
    // Its timer is not set yet.
    chat.deadline_at = None;
    save(change, &mut chat).await
}

/// Makes a new ticket the conversation of a visitor who does not chat: nobody is there, and they know it. The answer follows by mail.
pub async fn leave_word(change: &mut Change, ticket: TicketId, channel: ChannelId, visitor: VisitorId, now: Ts) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into chats (ticket_id, channel_id, visitor_id, state, started_at, last_at) values ($1, $2, $3, 'mail', $4, $4)",
        ticket.0,
        channel.0,
        visitor.0,
        now as Ts
    )
    .execute(&mut **change)
    .await?;
    change.touch_visitor(visitor);
    Ok(())
}

/// The visitor said something more. A chat that was over begins again when `promise` says in how many seconds somebody will answer.
pub async fn hear(change: &mut Change, id: TicketId, promise: Option<i64>, now: Ts) -> sqlx::Result<()> {
    match chats::lock(change, id).await? {
        Some((ticket, chat)) => hear_in(change, &ticket, chat, promise, now).await,
        None => Ok(()),
    }
}

/// As [`hear`], of a chat that is held already.
pub async fn hear_in(change: &mut Change, ticket: &Ticket, mut chat: Chat, promise: Option<i64>, now: Ts) -> sqlx::Result<()> {
    chat.last_at = now;
    if chat.is_open() {
        if chat.promised_at.is_none() {
            chat.promised_at = Some(now.plus_seconds(ANSWER));
            chat.late_at = None;
        }
        if chat.state == ChatState::Active {
            chat.stage_ends_at = Some(silence_ends(&chat, now));
        }
    } else if let Some(promise) = promise {
        chat.promised_at = Some(now.plus_seconds(promise));
        chat.late_at = None;
        chat.ended_at = None;
        ladder::begin(change, ticket, &mut chat, now).await?;
    }
    save(change, &mut chat).await
}

/// Says something to the visitor. Whoever speaks in a chat that nobody holds takes it; whoever speaks in a colleague's joins it.
pub async fn say(
    change: &mut Change,
    agent: &Agent,
    ticket: &Ticket,
    mut chat: Chat,
    words: &NewWords,
    now: Ts,
) -> Result<MessageId, ReplyError> {
    let message = match write(change, agent, ticket, chat.channel_id, words).await? {
        Written::Now(message) => message,
        Written::Before(message) => return Ok(message),
    };
    chat.promised_at = None;
    chat.late_at = None;
    chat.last_at = now;
    chat.answered_at = chat.answered_at.or(Some(now));
    if chat.agent_id.is_none() {
        take(change, ticket, &mut chat, agent.id, now).await?;
        change.record(ticket.id, Actor::Agent(agent.id), Event::ChatAccepted {}).await?;
    } else if !chat.involves(agent.id) {
        chat.helpers.push(agent.id);
    }
    chat.stage_ends_at = Some(silence_ends(&chat, now));
    save(change, &mut chat).await?;
    jobs::push_unless_waiting(change, &Job::ChatMail { ticket: ticket.id }, now.plus_seconds(UNSEEN)).await?;
    Ok(message)
}

/// Says something in a chat that is over and whose visitor has no address: it waits for their return.
pub async fn say_later(
    change: &mut Change,
    agent: &Agent,
    ticket: &Ticket,
    chat: &Chat,
    words: &NewWords,
) -> Result<MessageId, ReplyError> {
    let (Written::Now(message) | Written::Before(message)) = write(change, agent, ticket, chat.channel_id, words).await?;
    change.touch_chat(ticket.id, chat.hands());
    Ok(message)
}

/// Whether words were written down by this change or were here already.
enum Written {
    Now(MessageId),
    Before(MessageId),
}

async fn write(change: &mut Change, agent: &Agent, ticket: &Ticket, channel: ChannelId, words: &NewWords) -> Result<Written, ReplyError> {
    let provider_id = words.once.as_ref().map(|once| format!("agent-{}-{once}", agent.id));
    if let Some(known) = &provider_id {
        let known = sqlx::query_scalar!("select id from messages where channel_id = $1 and provider_id = $2", channel.0, known)
            .fetch_optional(&mut **change)
            .await?;
        if let Some(known) = known {
            return Ok(Written::Before(known));
        }
    }
    let body = words.body.trim_end();
    let choices = words.choices.iter().map(|choice| text::excerpts::excerpt(choice, MAX_CHOICE)).filter(|choice| !choice.is_empty());
    let envelope = Envelope { choices: choices.take(MAX_CHOICES).collect(), ..Envelope::default() };
    let envelope = serde_json::to_value(&envelope).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let language = text::languages::detect(body).map(str::to_owned).or_else(|| ticket.language.clone());
    let message = sqlx::query_scalar!(
        r#"insert into messages (ticket_id, channel_id, direction, agent_id, body, language, envelope, provider_id, delivery, sent_at)
           values ($1, $2, 'outbound', $3, $4, $5, $6, $7, 'sent', now()) returning id as "id: MessageId""#,
        ticket.id.0,
        channel.0,
        agent.id.0,
        body,
        language,
        envelope,
        provider_id
    )
    .fetch_one(&mut **change)
    .await?;
    search::index(change, ticket.id, message, language.as_deref(), &[&ticket.subject, body]).await?;
    waits::record(change, ticket, agent.id).await?;
    sqlx::query!(
        "update tickets set message_count = message_count + 1, last_message_at = now(), excerpt = $2, last_direction = 'outbound', waiting_since = null,
                first_answered_at = coalesce(first_answered_at, now()), updated_at = now()
         where id = $1",
        ticket.id.0,
        if body.is_empty() { "Sent a file".to_owned() } else { text::excerpts::excerpt(body, 200) }
    )
    .execute(&mut **change)
    .await?;
    change.record(ticket.id, Actor::Agent(agent.id), Event::Replied { message }).await?;
    Ok(Written::Now(message))
}

/// How a visitor whom we keep waiting wants to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// They keep waiting; in so many seconds somebody will have answered.
    Wait(i64),
    Email,
    /// They want to be called; the call is arranged already.
    Callback,
}

/// The visitor chose. Their address or number is known by now.
pub async fn choose(change: &mut Change, id: TicketId, way: &Way, now: Ts) -> sqlx::Result<()> {
    let Some((ticket, mut chat)) = chats::lock(change, id).await?.filter(|(_, chat)| chat.is_open()) else { return Ok(()) };
    match way {
        Way::Wait(promise) => {
            chat.promised_at = Some(now.plus_seconds(*promise));
            chat.late_at = None;
            if chat.state == ChatState::Parked {
                chat.last_at = now;
                ladder::begin(change, &ticket, &mut chat, now).await?;
            }
        }
        Way::Email | Way::Callback => ladder::to_mail(change, &mut chat, now).await?,
    }
    save(change, &mut chat).await
}

/// Ends a chat. What the customer is still owed an answer to stays open, unless an agent ends it.
pub async fn end(change: &mut Change, by: ChatEnd, id: TicketId, now: Ts) -> sqlx::Result<bool> {
    let Some((ticket, mut chat)) = chats::lock(change, id).await? else { return Ok(false) };
    if !chat.is_open() {
        return Ok(false);
    }
    ladder::finish(change, &ticket, &mut chat, by, now).await?;
    save(change, &mut chat).await?;
    Ok(true)
}

/// The visitor says how it was, 1 to 5. Later words replace earlier ones.
pub async fn rate(change: &mut Change, id: TicketId, stars: i16, comment: &str) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update chats set rating = $2, rating_comment = $3, rated_at = now() where ticket_id = $1 and answered_at is not null",
        id.0,
        stars,
        comment
    )
    .execute(&mut **change)
    .await?;
    if done.rows_affected() == 1 {
        change.record(id, Actor::Customer, Event::ChatRated { stars }).await?;
    }
    Ok(done.rows_affected() == 1)
}

/// How far the visitor's screen has come. Only ever forwards, and never beyond what was said.
pub async fn visitor_seen(change: &mut Change, id: TicketId, delivered: MessageId, read: MessageId) -> sqlx::Result<()> {
    let seen = sqlx::query!(
        r#"update chats set visitor_delivered = greatest(visitor_delivered, least($2, newest)), visitor_read = greatest(visitor_read, least($3, newest))
         from (select coalesce(max(id), 0) as newest from messages where ticket_id = $1) m
         where ticket_id = $1 and (visitor_delivered < least($2, newest) or visitor_read < least($3, newest))
         returning agent_id as "holder: AgentId", helpers as "helpers: Vec<AgentId>""#,
        id.0,
        delivered.0,
        read.0
    )
    .fetch_optional(&mut **change)
    .await?;
    if let Some(chat) = seen {
        change.touch_chat(id, Hands::of(chat.holder, &chat.helpers));
    }
    Ok(())
}

/// How far the screen of an agent who takes part has come.
pub async fn agent_seen(change: &mut Change, agent: &Agent, id: TicketId, delivered: MessageId, read: MessageId) -> sqlx::Result<()> {
    let seen = sqlx::query!(
        r#"update chats set agent_delivered = greatest(agent_delivered, least($2, newest)), agent_read = greatest(agent_read, least($3, newest))
         from (select coalesce(max(id), 0) as newest from messages where ticket_id = $1) m
         where ticket_id = $1 and (agent_id = $4 or $4 = any(helpers))
           and (agent_delivered < least($2, newest) or agent_read < least($3, newest))
         returning agent_id as "holder: AgentId", helpers as "helpers: Vec<AgentId>""#,
        id.0,
        delivered.0,
        read.0,
        agent.id.0
    )
    .fetch_optional(&mut **change)
    .await?;
    if let Some(chat) = seen {
        change.touch_chat(id, Hands::of(chat.holder, &chat.helpers));
    }
    Ok(())
}

/// Sends by mail what we said and the visitor's screen has not received, as one letter. Without an address it waits for their return.
pub async fn mail_missed(change: &mut Change, id: TicketId) -> Result<Option<MessageId>, ReplyError> {
    let Some((ticket, mut chat)) = chats::lock(change, id).await? else { return Ok(None) };
    if ticket.status == Status::Spam {
        return Ok(None);
    }
    let rows = sqlx::query!(
        r#"select m.id, m.body, m.language, a.id as "agent_id?", a.name as "name?"
           from messages m left join agents a on a.id = m.agent_id
           where m.ticket_id = $1 and m.channel_id = $2 and m.direction = 'outbound' and m.id > $3 order by m.id limit 100"#,
        id.0,
        chat.channel_id.0,
        chat.visitor_delivered.max(chat.mailed).0
    )
    .fetch_all(&mut **change)
    .await?;
    let Some(last) = rows.last() else { return Ok(None) };
    if recipients::of_customer(change, &ticket).await?.to.is_empty() || channels::default_mailbox(change).await?.is_none() {
        return Ok(None);
    }
    let body = rows.iter().map(|row| row.body.trim_end()).collect::<Vec<_>>().join("\n\n");
    let author = last.agent_id.zip(last.name.as_deref());
    let copy = reply::copy(change, &ticket, author, &body, last.language.as_deref().or(ticket.language.as_deref())).await?;
    chat.mailed = last.id;
    save(change, &mut chat).await?;
    Ok(Some(copy))
}
