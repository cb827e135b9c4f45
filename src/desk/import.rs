//! Tickets that happened elsewhere or earlier: written as they were, with their own times. Nothing follows from them: no job, no notice.

use sqlx::PgConnection;

use crate::clock::Ts;
use crate::desk::changes::Change;
use crate::desk::contacts;
use crate::desk::events::Event;
use crate::desk::kinds::{DeliveryStatus, Direction, IdentityKind, Priority, Status};
use crate::ids::{AgentId, CallId, ChannelId, ContactId, MessageId, TagId, TeamId, TicketId};
use crate::jobs::Job;

/// A ticket as it stands at the end of its history.
#[derive(Debug, Clone)]
pub struct OldTicket<'a> {
    pub channel: ChannelId,
    pub contact: ContactId,
    pub subject: &'a str,
    pub status: Status,
    pub priority: Priority,
    pub assignee: Option<AgentId>,
    pub team: Option<TeamId>,
    pub language: &'a str,
    pub waiting_since: Option<Ts>,
    pub snoozed_until: Option<Ts>,
    pub solved_at: Option<Ts>,
    pub first_answered_at: Option<Ts>,
    pub acknowledged_at: Option<Ts>,
    pub message_count: i32,
    pub last_message_at: Ts,
    pub excerpt: &'a str,
    pub last_direction: Direction,
    pub tags: &'a [TagId],
    pub details: serde_json::Value,
    pub created_at: Ts,
    pub updated_at: Ts,
}

/// One utterance of an earlier conversation.
#[derive(Debug, Clone)]
pub struct OldMessage<'a> {
    pub ticket: TicketId,
    pub channel: ChannelId,
    pub direction: Direction,
    pub agent: Option<AgentId>,
    pub contact: Option<ContactId>,
    pub body: &'a str,
    pub language: Option<&'a str>,
    /// `None`: given later by [`name_message`], for ids that contain the row's own.
    pub provider_id: Option<&'a str>,
    pub envelope: serde_json::Value,
    pub automatic: bool,
    pub at: Ts,
}

/// The contact with this mail address, made as of `at` if there is none.
pub async fn contact(db: &mut PgConnection, email: &str, name: &str, language: &str, company: &str, at: Ts) -> sqlx::Result<ContactId> {
    let id = contacts::identify(db, IdentityKind::Email, email, name, Some(language)).await?;
    sqlx::query!(
        "update contacts set company = $2, created_at = least(created_at, $3), updated_at = least(updated_at, $3) where id = $1",
        id.0,
        company,
        at as Ts
    )
    .execute(&mut *db)
    .await?;
    Ok(id)
}

/// Writes a ticket with its tags.
pub async fn ticket(db: &mut PgConnection, old: &OldTicket<'_>) -> sqlx::Result<TicketId> {
    let tags: Vec<i64> = old.tags.iter().map(|tag| tag.0).collect();
    let id = sqlx::query_scalar!(
        r#"insert into tickets (channel_id, contact_id, subject, status, priority, assignee_id, team_id, language, waiting_since, snoozed_until,
                                solved_at, first_answered_at, acknowledged_at, message_count, last_message_at, excerpt, last_direction, tag_ids,
                                details, created_at, updated_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
                   (select coalesce(array_agg(tag order by tag), '{}') from unnest($18::bigint[]) tag), $19, $20, $21)
           returning id as "id: TicketId""#,
        old.channel.0,
        old.contact.0,
        old.subject,
        old.status as Status,
        old.priority as Priority,
        old.assignee.map(|id| id.0),
        old.team.map(|id| id.0),
        old.language,
        old.waiting_since as Option<Ts>,
        old.snoozed_until as Option<Ts>,
        old.solved_at as Option<Ts>,
        old.first_answered_at as Option<Ts>,
        old.acknowledged_at as Option<Ts>,
        old.message_count,
        old.last_message_at as Ts,
        old.excerpt,
        old.last_direction as Direction,
        &tags,
        old.details,
        old.created_at as Ts,
        old.updated_at as Ts
    )
    .fetch_one(&mut *db)
    .await?;
    sqlx::query!("insert into ticket_tags (tag_id, ticket_id) select distinct tag, $2::bigint from unnest($1::bigint[]) tag", &tags, id.0)
        .execute(db)
        .await?;
    Ok(id)
}

/// Writes a message; ours count as sent.
pub async fn message(db: &mut PgConnection, old: &OldMessage<'_>) -> sqlx::Result<MessageId> {
    let outbound = old.direction == Direction::Outbound;
    let delivery = outbound.then_some(DeliveryStatus::Sent);
    sqlx::query_scalar!(
        r#"insert into messages (ticket_id, channel_id, direction, agent_id, contact_id, body, language, provider_id, envelope, automatic,
                                 delivery, sent_at, created_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) returning id as "id: MessageId""#,
        old.ticket.0,
        old.channel.0,
        old.direction as Direction,
        old.agent.map(|id| id.0),
        old.contact.map(|id| id.0),
        old.body,
        old.language,
        old.provider_id,
        old.envelope,
        old.automatic,
        delivery as Option<DeliveryStatus>,
        outbound.then_some(old.at) as Option<Ts>,
        old.at as Ts
    )
    .fetch_one(db)
    .await
}

/// Gives a message its provider id.
pub async fn name_message(db: &mut PgConnection, id: MessageId, provider_id: &str) -> sqlx::Result<()> {
    sqlx::query!("update messages set provider_id = $2 where id = $1", id.0, provider_id).execute(db).await?;
    Ok(())
}

/// Lets answers to this key find the ticket.
pub async fn thread_key(db: &mut PgConnection, channel: ChannelId, key: &str, ticket: TicketId) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into thread_keys (channel_id, key, ticket_id) values ($1, $2, $3) on conflict do nothing",
        channel.0,
        key,
        ticket.0
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Writes an entry of a ticket's history.
pub async fn event(db: &mut PgConnection, ticket: TicketId, agent: Option<AgentId>, event: &Event, at: Ts) -> sqlx::Result<()> {
    let value = serde_json::to_value(event).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query!(
        "insert into events (ticket_id, agent_id, kind, data, created_at) values ($1, $2, $3, coalesce($4, '{}'::jsonb), $5)",
        ticket.0,
        agent.map(|id| id.0),
        value["kind"].as_str().unwrap_or_default(),
        value.get("data"),
        at as Ts
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Gives several agents the same stored password and their signatures as `(agent, signature)`.
pub async fn agents_ready(db: &mut PgConnection, people: &[(AgentId, String)], password_hash: &str) -> sqlx::Result<()> {
    for (agent, signature) in people {
        sqlx::query!("update agents set password_hash = $2, signature = $3 where id = $1", agent.0, password_hash, signature)
            .execute(&mut *db)
            .await?;
    }
    Ok(())
}

/// Says in which languages an agent chats, two letters each.
pub async fn speaks(db: &mut PgConnection, agent: AgentId, languages: &[String]) -> sqlx::Result<()> {
    sqlx::query!("update agents set languages = $2 where id = $1", agent.0, languages).execute(db).await?;
    Ok(())
}

/// The newest tickets in spam.
pub async fn newest_spam(db: &mut PgConnection, limit: i64) -> sqlx::Result<Vec<TicketId>> {
    sqlx::query_scalar!("select id from tickets where status = 'spam' order by last_message_at desc, id limit $1", limit)
        .fetch_all(db)
        .await
}

/// Says why a ticket was held.
pub async fn hold(db: &mut PgConnection, ticket: TicketId, reason: &str) -> sqlx::Result<()> {
    sqlx::query!("update tickets set held = $2 where id = $1", ticket.0, reason).execute(db).await?;
    Ok(())
}

/// The agents of these addresses, in their order.
pub async fn agents_named(db: &mut PgConnection, emails: &[String]) -> sqlx::Result<Vec<AgentId>> {
    sqlx::query_scalar!("select id from agents where email = any($1) order by array_position($1, email)", emails).fetch_all(db).await
}

/// Whether anybody works at this desk, with or without a password.
pub async fn any_agent(db: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select exists (select from agents) as "any!""#).fetch_one(db).await
}

/// Whether a channel of the demo's shop is here.
pub async fn is_demo(db: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select exists (select from channels where settings -> 'demo' = 'true'::jsonb) as "demo!""#).fetch_one(db).await
}

/// Keeps a chat in the hands it is in until a moment, although nobody sits at its other end.
pub async fn chat_stays(change: &mut Change, id: TicketId, until: Ts) -> sqlx::Result<()> {
    sqlx::query!(
        "update chats set promised_at = null, late_at = null, stage_ends_at = $2, deadline_at = $2 where ticket_id = $1 and state = 'active'",
        id.0,
        until as Ts
    )
    .execute(&mut **change)
    .await?;
    change.push(&Job::ChatStep { ticket: id }, until).await
}

/// Moves a conversation that was written just now back in time: it began so many seconds ago, and its words came `pace` seconds apart.
pub async fn backdate(db: &mut PgConnection, ticket: TicketId, ago: i64, pace: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "with placed as (
             select id, now() - make_interval(secs => $2) + make_interval(secs => $3) * (row_number() over (order by id) - 1) as at
             from messages where ticket_id = $1
         ), moved as (
             update messages m set created_at = p.at, sent_at = case when m.sent_at is not null then p.at end from placed p where p.id = m.id
             returning m.direction, m.created_at
         )
         update tickets t set created_at = (select min(at) from placed), updated_at = (select max(at) from placed),
                last_message_at = (select max(at) from placed),
                waiting_since = case when waiting_since is not null then (select max(at) from placed) end,
                solved_at = case when solved_at is not null then (select max(at) from placed) end,
                first_answered_at = case when first_answered_at is not null then (select min(at) + make_interval(secs => $3) from placed) end
         where id = $1",
        ticket.0,
        ago as f64,
        pace as f64
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!("update events set created_at = created_at - make_interval(secs => $2) where ticket_id = $1", ticket.0, ago as f64)
        .execute(db)
        .await?;
    Ok(())
}

/// The call that an exchange names so.
pub async fn call(db: &mut PgConnection, channel: ChannelId, provider_id: &str) -> sqlx::Result<CallId> {
    sqlx::query_scalar!(r#"select id as "id: CallId" from calls where channel_id = $1 and provider_id = $2"#, channel.0, provider_id)
        .fetch_one(db)
        .await
}

/// Gives a telephone number to whoever wrote last and waits for an answer.
pub async fn give_number(db: &mut PgConnection, number: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into identities (contact_id, kind, address)
         select t.contact_id, 'phone', $1 from tickets t join channels c on c.id = t.channel_id
         where c.kind = 'email' and t.status = 'open' and t.waiting_since is not null order by t.waiting_since desc, t.id limit 1
         on conflict do nothing",
        number
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The same for what a ticket's customer was angry about, and for answers that wait. What rang then has stopped ringing.
pub async fn backdate_anger(db: &mut PgConnection, ticket: TicketId, ago: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "update anger set since = since - make_interval(secs => $2), due_at = due_at - make_interval(secs => $2), ring = 0,
                taken_at = taken_at - make_interval(secs => $2) where ticket_id = $1",
        ticket.0,
        ago as f64
    )
    .execute(&mut *db)
    .await?;
    // What followed from a message stands after it; an answer that waits came a little later.
    sqlx::query!("update events set created_at = created_at + interval '3 seconds' where ticket_id = $1 and kind <> 'created'", ticket.0)
        .execute(&mut *db)
        .await?;
    sqlx::query!(
        "with held as (
             update approvals set created_at = created_at - make_interval(secs => $2 * 0.6) where ticket_id = $1 returning created_at
         )
         update events e set created_at = held.created_at from held where e.ticket_id = $1 and e.kind = 'approval_asked'",
        ticket.0,
        ago as f64
    )
    .execute(db)
    .await?;
    Ok(())
}
