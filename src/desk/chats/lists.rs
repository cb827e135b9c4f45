//! What screens show of chats.

use sqlx::PgConnection;

use crate::clock::Ts;
use crate::desk::chats::Chat;
use crate::desk::kinds::{ChatState, Wish};
use crate::ids::{AgentId, ContactId, MessageId, TeamId, TicketId, VisitorId};
use crate::live::Hands;

/// A chat in an agent's hands.
#[derive(Debug, Clone)]
pub struct Card {
    pub ticket_id: TicketId,
    pub visitor_id: VisitorId,
    pub contact_id: ContactId,
    pub subject: String,
    pub excerpt: String,
    pub language: Option<String>,
    pub state: ChatState,
    pub agent_id: Option<AgentId>,
    /// By when an answer is due; `None`: the next word is the visitor's.
    pub promised_at: Option<Ts>,
    pub late_at: Option<Ts>,
    pub started_at: Ts,
    pub last_at: Ts,
    /// Words of the visitor that no agent has read.
    pub unread: i64,
    pub name: String,
    pub page: serde_json::Value,
}

/// The chats that an agent holds or was asked into, oldest first.
pub async fn cards(db: &mut PgConnection, agent: AgentId) -> sqlx::Result<Vec<Card>> {
    sqlx::query_as!(
        Card,
        r#"select c.ticket_id, c.visitor_id, t.contact_id, t.subject, t.excerpt, t.language, c.state, c.agent_id, c.promised_at, c.late_at,
                  c.started_at, c.last_at, v.name, v.page,
                  (select count(*) from messages m where m.ticket_id = c.ticket_id and m.direction = 'inbound' and m.id > c.agent_read) as "unread!"
           from chats c join tickets t on t.id = c.ticket_id join visitors v on v.id = c.visitor_id
           where c.state = 'active' and (c.agent_id = $1
                 or c.ticket_id in (select ticket_id from chats where state = 'active' and $1 = any(helpers)))
           order by c.started_at, c.ticket_id limit 50"#,
        agent.0
    )
    .fetch_all(db)
    .await
}

/// A chat that rings at an agent's.
#[derive(Debug, Clone)]
pub struct Offer {
    pub ticket_id: TicketId,
    pub name: String,
    pub excerpt: String,
    pub language: Option<String>,
    pub page: serde_json::Value,
    pub started_at: Ts,
    /// Until when it rings.
    pub ends_at: Option<Ts>,
}

/// What rings at this agent's now, oldest first.
pub async fn offers_for(db: &mut PgConnection, agent: AgentId) -> sqlx::Result<Vec<Offer>> {
    sqlx::query_as!(
        Offer,
        r#"select c.ticket_id, v.name, t.excerpt, t.language, v.page, c.started_at, c.stage_ends_at as ends_at
           from chat_offers o join chats c on c.ticket_id = o.ticket_id join tickets t on t.id = c.ticket_id join visitors v on v.id = c.visitor_id
           where o.agent_id = $1 and o.outcome is null and c.state = 'ringing' order by c.started_at, c.ticket_id limit 20"#,
        agent.0
    )
    .fetch_all(db)
    .await
}

/// What every screen of an agent shows of live chat.
#[derive(Debug, Clone)]
pub struct Bar {
    /// Whether they take chats at all, by their profile.
    pub takes_chats: bool,
    pub wish: Wish,
    /// The desk set them away because they let offers pass.
    pub sent_away: bool,
    /// Chats in their hands whose visitor waits for a word.
    pub waiting: i64,
    /// What rings at their screens now.
    pub offers: Vec<Offer>,
    /// When a screen of theirs was last heard of.
    pub seen_at: Option<Ts>,
}

/// What every screen of this agent shows of live chat.
pub async fn bar(db: &mut PgConnection, agent: AgentId) -> sqlx::Result<Bar> {
    let row = sqlx::query!(
        r#"select a.takes_chats, coalesce(p.wish, 'online') as "wish!: Wish", coalesce(p.sent_away, false) as "sent_away!",
                  p.seen_at as "seen_at?: Ts",
                  (select count(*) from chats c where c.agent_id = a.id and c.state = 'active' and c.promised_at is not null) as "waiting!",
                  exists (select from chat_offers o where o.agent_id = a.id and o.outcome is null) as "rings!"
           from agents a left join presence p on p.agent_id = a.id where a.id = $1"#,
        agent.0
    )
    .fetch_one(&mut *db)
    .await?;
    let offers = if row.rings { offers_for(db, agent).await? } else { Vec::new() };
    Ok(Bar { takes_chats: row.takes_chats, wish: row.wish, sent_away: row.sent_away, waiting: row.waiting, offers, seen_at: row.seen_at })
}

/// What became of the offers made to an agent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    pub accepted: i64,
    pub missed: i64,
    pub declined: i64,
}

/// What became of the offers made since a moment, by agent.
pub async fn tallies(db: &mut PgConnection, since: Ts) -> sqlx::Result<Vec<(AgentId, Tally)>> {
    let rows = sqlx::query!(
        r#"select agent_id, count(*) filter (where outcome = 'accepted') as "accepted!", count(*) filter (where outcome = 'missed') as "missed!",
                  count(*) filter (where outcome = 'declined') as "declined!"
           from chat_offers where offered_at >= $1 group by agent_id limit 2000"#,
        since as Ts
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.agent_id, Tally { accepted: row.accepted, missed: row.missed, declined: row.declined })).collect())
}

/// At whose screens a chat rings now.
pub async fn ringing_for(db: &mut PgConnection, ticket: TicketId) -> sqlx::Result<Vec<AgentId>> {
    sqlx::query_scalar!("select agent_id from chat_offers where ticket_id = $1 and outcome is null order by agent_id limit 300", ticket.0)
        .fetch_all(db)
        .await
}

/// An open chat, as whoever watches the floor sees it.
#[derive(Debug, Clone)]
pub struct Waiting {
    pub ticket_id: TicketId,
    pub state: ChatState,
    pub agent_id: Option<AgentId>,
    pub team_id: Option<TeamId>,
    pub name: String,
    pub excerpt: String,
    pub language: Option<String>,
    pub rung: i16,
    pub promised_at: Option<Ts>,
    pub late_at: Option<Ts>,
    pub started_at: Ts,
    pub last_at: Ts,
}

/// Every open chat: first those that nobody holds, then those that wait for an answer, longest first.
pub async fn floor_waiting(db: &mut PgConnection, limit: i64) -> sqlx::Result<Vec<Waiting>> {
    sqlx::query_as!(
        Waiting,
        r#"select c.ticket_id, c.state, c.agent_id, t.team_id, v.name, t.excerpt, t.language, c.rung, c.promised_at, c.late_at, c.started_at, c.last_at
           from chats c join tickets t on t.id = c.ticket_id join visitors v on v.id = c.visitor_id
           where c.state in ('ringing', 'queued', 'parked', 'active')
           order by c.agent_id is not null, c.promised_at nulls last, c.started_at, c.ticket_id limit $1"#,
        limit
    )
    .fetch_all(db)
    .await
}

/// The open chats that nobody holds, those whose promise ends soonest first.
pub async fn free(db: &mut PgConnection, limit: i64) -> sqlx::Result<Vec<Waiting>> {
    sqlx::query_as!(
        Waiting,
        r#"select c.ticket_id, c.state, c.agent_id, t.team_id, v.name, t.excerpt, t.language, c.rung, c.promised_at, c.late_at, c.started_at, c.last_at
           from chats c join tickets t on t.id = c.ticket_id join visitors v on v.id = c.visitor_id
           where c.state in ('ringing', 'queued', 'parked') and c.agent_id is null
           order by c.promised_at nulls last, c.started_at, c.ticket_id limit $1"#,
        limit
    )
    .fetch_all(db)
    .await
}

/// How many chats of the same team wait before this one; before a new one when `chat` is `None`.
pub async fn place(db: &mut PgConnection, chat: Option<&Chat>, team: Option<TeamId>) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from (
               select 1 from chats c join tickets t on t.id = c.ticket_id
               where c.state in ('ringing', 'queued') and t.team_id is not distinct from $1
                 and ($2::timestamptz is null or (c.started_at, c.ticket_id) < ($2, $3)) limit 500) before"#,
        team.map(|id| id.0),
        chat.map(|chat| chat.started_at) as Option<Ts>,
        chat.map_or(0, |chat| chat.ticket_id.0)
    )
    .fetch_one(db)
    .await
}

/// The newest conversation of a visitor, open or not.
pub async fn last_of_visitor(db: &mut PgConnection, visitor: VisitorId) -> sqlx::Result<Option<TicketId>> {
    sqlx::query_scalar!("select ticket_id from chats where visitor_id = $1 order by ticket_id desc limit 1", visitor.0)
        .fetch_optional(db)
        .await
}

/// The same, with those whom its words concern.
pub async fn hands_of_visitor(db: &mut PgConnection, visitor: VisitorId) -> sqlx::Result<Option<(TicketId, Hands)>> {
    let row = sqlx::query!(
        r#"select ticket_id as "ticket: TicketId", agent_id as "holder: AgentId", helpers as "helpers: Vec<AgentId>"
           from chats where visitor_id = $1 order by ticket_id desc limit 1"#,
        visitor.0
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| (row.ticket, Hands::of(row.holder, &row.helpers))))
}

/// How that conversation stands.
pub async fn state_of_visitor(db: &mut PgConnection, visitor: VisitorId) -> sqlx::Result<Option<ChatState>> {
    sqlx::query_scalar!(r#"select state as "state: ChatState" from chats where visitor_id = $1 order by ticket_id desc limit 1"#, visitor.0)
        .fetch_optional(db)
        .await
}

/// What a visitor may see of a message.
#[derive(Debug, Clone)]
pub struct Word {
    pub id: MessageId,
    pub ticket_id: TicketId,
    pub inbound: bool,
    pub agent_id: Option<AgentId>,
    pub body: String,
    pub quote_from: i32,
    pub quote_to: i32,
    pub provider_id: Option<String>,
    pub choices: Option<serde_json::Value>,
    pub created_at: Ts,
}

/// A page of everything a visitor and the desk said to each other, by mail too, oldest first: the newest before `before`.
pub async fn words_before(db: &mut PgConnection, visitor: VisitorId, before: Option<MessageId>, limit: i64) -> sqlx::Result<Vec<Word>> {
    let mut words = sqlx::query_as!(
        Word,
        r#"select m.id, m.ticket_id, m.direction = 'inbound' as "inbound!", m.agent_id, m.body, m.quote_from, m.quote_to, m.provider_id,
                  m.envelope -> 'choices' as choices, m.created_at
           from messages m
           where m.ticket_id in (select ticket_id from chats where visitor_id = $1 order by ticket_id desc limit 20)
             and m.direction <> 'note' and not m.automatic and not m.bounce and not m.envelope ? 'copy' and m.id < $2
           order by m.id desc limit $3"#,
        visitor.0,
        before.map_or(i64::MAX, |id| id.0),
        limit
    )
    .fetch_all(db)
    .await?;
    words.reverse();
    Ok(words)
}

/// What was said in one conversation after `after`, oldest first. Whoever says something holds the ticket, so no id appears late.
pub async fn words_after(db: &mut PgConnection, ticket: TicketId, after: MessageId, limit: i64) -> sqlx::Result<Vec<Word>> {
    sqlx::query_as!(
        Word,
        r#"select m.id, m.ticket_id, m.direction = 'inbound' as "inbound!", m.agent_id, m.body, m.quote_from, m.quote_to, m.provider_id,
                  m.envelope -> 'choices' as choices, m.created_at
           from messages m
           where m.ticket_id = $1 and m.direction <> 'note' and not m.automatic and not m.bounce and not m.envelope ? 'copy' and m.id > $2
           order by m.id limit $3"#,
        ticket.0,
        after.0,
        limit
    )
    .fetch_all(db)
    .await
}
