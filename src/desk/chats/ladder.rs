//! Whom a waiting chat rings, and for how long: an agent, the next one, the whole team, the leads; then its visitor is given another way.

use sqlx::PgConnection;

use crate::clock::Ts;
use crate::desk::changes::{Actor, Change};
use crate::desk::chats::{self, Chat, save};
use crate::desk::events::{ChatEnd, Event};
use crate::desk::kinds::{ChatState, Role};
use crate::desk::presence;
use crate::desk::tickets::{Ticket, update};
use crate::ids::{AgentId, TicketId};

/// Seconds for which an offer rings.
pub const OFFER: i64 = 30;
/// A waiting chat looks for a free agent at least this often; usually it is told when one becomes free.
const LOOK: i64 = 30;
/// Seconds a chat waits for somebody to become free before the whole team is rung.
const QUEUE_PATIENCE: i64 = 600;
/// Seconds a visitor has to choose another way; then the chat goes on as a mail would.
pub(super) const PARKED_PATIENCE: i64 = 600;
/// Seconds of silence of the agent after the promised moment, until the chat rings elsewhere.
pub(super) const HANDOVER: i64 = 180;
/// Seconds of silence on both sides after which a chat is over.
pub(super) const IDLE: i64 = 1800;

/// The rungs, in order.
const FIRST: i16 = 0;
const NEXT: i16 = 1;
const TEAM: i16 = 2;
const LEADS: i16 = 3;

/// One transaction at a time decides whom to ring, so that two chats cannot both see the same free hands.
pub(super) async fn decide_alone(db: &mut PgConnection) -> sqlx::Result<()> {
    const ROUTING: i64 = 0x5350_4f52_5445;
    sqlx::query!("select pg_advisory_xact_lock($1)", ROUTING).fetch_one(db).await?;
    Ok(())
}

/// Begins a climb from the lowest rung. The caller holds the ticket and saves the chat.
pub(super) async fn begin(change: &mut Change, ticket: &Ticket, chat: &mut Chat, now: Ts) -> sqlx::Result<()> {
    chat.rung = FIRST;
    chat.ladder_round = chat.round;
    climb(change, ticket, chat, now).await
}

/// Rings whoever stands on the chat's rung, or on the next one that is not empty.
pub(super) async fn climb(change: &mut Change, ticket: &Ticket, chat: &mut Chat, now: Ts) -> sqlx::Result<()> {
    decide_alone(change).await?;
    change.touch_floor();
    chat.agent_id = None;
    while chat.rung <= LEADS {
        let whom = match chat.rung {
            FIRST | NEXT => best(change, ticket, chat, now).await?.into_iter().collect(),
            TEAM => everyone(change, ticket, now).await?,
            _ => leads(change, now).await?,
        };
        if !whom.is_empty() {
            return ring(change, chat, &whom, now).await;
        }
        if chat.rung == FIRST && may_queue(change, ticket, chat, now).await? {
            chat.state = ChatState::Queued;
            chat.stage_ends_at = Some(now.plus_seconds(LOOK));
            change.touch_floor();
            return Ok(());
        }
        chat.rung += 1;
    }
    park(change, chat, now).await
}

/// Makes an offer to everyone in `whom` at once.
pub(super) async fn ring(change: &mut Change, chat: &mut Chat, whom: &[AgentId], now: Ts) -> sqlx::Result<()> {
    chat.round += 1;
    chat.state = ChatState::Ringing;
    chat.agent_id = None;
    chat.stage_ends_at = Some(now.plus_seconds(OFFER));
    let ids: Vec<i64> = whom.iter().map(|id| id.0).collect();
    sqlx::query!(
        "insert into chat_offers (ticket_id, round, agent_id, offered_at) select $1, $2, agent, $3 from unnest($4::bigint[]) agent",
        chat.ticket_id.0,
        chat.round,
        now as Ts,
        &ids
    )
    .execute(&mut **change)
    .await?;
    sqlx::query!("update presence set offered_at = $2 where agent_id = any($1)", &ids, now as Ts).execute(&mut **change).await?;
    change.touch_floor();
    Ok(())
}

/// Nobody took it: the visitor is told, and offered what can be kept. Whoever is owed nothing is not bothered.
async fn park(change: &mut Change, chat: &mut Chat, now: Ts) -> sqlx::Result<()> {
    if chat.promised_at.is_none() {
        return to_mail(change, chat, now).await;
    }
    chat.state = ChatState::Parked;
    chat.agent_id = None;
    chat.stage_ends_at = Some(now.plus_seconds(PARKED_PATIENCE));
    chat.late_at = chat.late_at.or(Some(now));
    change.touch_floor();
    change.record(chat.ticket_id, Actor::System, Event::ChatParked {}).await
}

/// The free agent who is asked next: whoever had this customer before, else who carries least and was asked longest ago.
async fn best(db: &mut PgConnection, ticket: &Ticket, chat: &Chat, now: Ts) -> sqlx::Result<Option<AgentId>> {
    sqlx::query_scalar!(
        r#"select p.agent_id
           from presence p join agents a on a.id = p.agent_id
           cross join lateral (select (select count(*) from chats c where c.agent_id = a.id and c.state = 'active')
                                    + (select count(*) from chat_offers o where o.agent_id = a.id and o.outcome is null) as load) l
           where a.disabled_at is null and a.takes_chats and p.wish = 'online' and p.seen_at > $1
             and ($2::bigint is null or exists (select from team_members m where m.team_id = $2 and m.agent_id = a.id))
             and (a.languages = '{}' or $3::text is null or $3 = any(a.languages))
             and not exists (select from chat_offers o where o.ticket_id = $4 and o.round > $5 and o.agent_id = a.id)
             and l.load < a.chat_limit
           order by a.id is not distinct from $6 desc, l.load, p.offered_at nulls first, a.id limit 1"#,
        now.plus_seconds(-presence::SILENCE) as Ts,
        ticket.team_id.map(|id| id.0),
        ticket.language,
        chat.ticket_id.0,
        chat.ladder_round,
        ticket.assignee_id.map(|id| id.0)
    )
    .fetch_optional(db)
    .await
}

/// Everyone of the team who is online, however much they carry.
async fn everyone(db: &mut PgConnection, ticket: &Ticket, now: Ts) -> sqlx::Result<Vec<AgentId>> {
    sqlx::query_scalar!(
        "select p.agent_id from presence p join agents a on a.id = p.agent_id
         where a.disabled_at is null and a.takes_chats and p.wish = 'online' and p.seen_at > $1
           and ($2::bigint is null or exists (select from team_members m where m.team_id = $2 and m.agent_id = a.id))
         order by a.id limit 200",
        now.plus_seconds(-presence::SILENCE) as Ts,
        ticket.team_id.map(|id| id.0)
    )
    .fetch_all(db)
    .await
}

/// The leads and admins whose screen is open, also the busy ones: this is what they are for.
async fn leads(db: &mut PgConnection, now: Ts) -> sqlx::Result<Vec<AgentId>> {
    sqlx::query_scalar!(
        "select p.agent_id from presence p join agents a on a.id = p.agent_id
         where a.disabled_at is null and a.role >= $2 and p.wish <> 'away' and p.seen_at > $1 order by a.id limit 50",
        now.plus_seconds(-presence::SILENCE) as Ts,
        Role::Lead as Role
    )
    .fetch_all(db)
    .await
}

/// Waiting for free hands makes sense while somebody is there who will have them, and not for ever.
async fn may_queue(db: &mut PgConnection, ticket: &Ticket, chat: &Chat, now: Ts) -> sqlx::Result<bool> {
    let since = chat.accepted_at.map_or(chat.started_at, |_| chat.last_at);
    if now.seconds_since(since) >= QUEUE_PATIENCE {
        return Ok(false);
    }
    // Whoever was asked in this climb and let it pass is not worth waiting for.
    sqlx::query_scalar!(
        r#"select exists (select from presence p join agents a on a.id = p.agent_id
           where a.disabled_at is null and a.takes_chats and p.wish = 'online' and p.seen_at > $1
             and ($2::bigint is null or exists (select from team_members m where m.team_id = $2 and m.agent_id = a.id))
             and (a.languages = '{}' or $3::text is null or $3 = any(a.languages))
             and not exists (select from chat_offers o where o.ticket_id = $4 and o.round > $5 and o.agent_id = a.id)) as "any!""#,
        now.plus_seconds(-presence::SILENCE) as Ts,
        ticket.team_id.map(|id| id.0),
        ticket.language,
        chat.ticket_id.0,
        chat.ladder_round
    )
    .fetch_one(db)
    .await
}

/// Does what a chat's deadline asks for. Asked too early, twice or by several processes at once, it does no harm.
pub async fn step(change: &mut Change, id: TicketId, now: Ts) -> sqlx::Result<()> {
    let Some((ticket, mut chat)) = chats::lock(change, id).await? else { return Ok(()) };
    if !chat.is_open() {
        return Ok(());
    }
    if chat.late_at.is_none() && chat.promised_at.is_some_and(|at| at <= now) {
        chat.late_at = Some(now);
        change.record(id, Actor::System, Event::ChatLate {}).await?;
    }
    let over = chat.stage_ends_at.is_none_or(|at| at <= now);
    match chat.state {
        // Told that somebody may be free, it looks before its time.
        ChatState::Queued => climb(change, &ticket, &mut chat, now).await?,
        ChatState::Ringing if over => {
            miss(change, &chat, now).await?;
            chat.rung += 1;
            climb(change, &ticket, &mut chat, now).await?;
        }
        ChatState::Parked if over => to_mail(change, &mut chat, now).await?,
        // The agent fell silent while the visitor waits.
        ChatState::Active if over && chat.promised_at.is_some() => hand_over(change, &ticket, &mut chat, now).await?,
        ChatState::Active if over => finish(change, &ticket, &mut chat, ChatEnd::Silence, now).await?,
        _ => {}
    }
    // The timer that fired is this one: without a new time its job would be done with.
    chat.deadline_at = None;
    save(change, &mut chat).await
}

/// The offers that ring were let pass.
async fn miss(change: &mut Change, chat: &Chat, now: Ts) -> sqlx::Result<()> {
    let missed = sqlx::query_scalar!(
        "update chat_offers set outcome = 'missed', settled_at = $2 where ticket_id = $1 and outcome is null returning agent_id",
        chat.ticket_id.0,
        now as Ts
    )
    .fetch_all(&mut **change)
    .await?;
    change.touch_floor();
    if chat.rung > NEXT {
        // What rings everywhere is nobody's own to miss.
        return Ok(());
    }
    for agent in missed {
        let away = sqlx::query_scalar!(
            r#"update presence set missed = missed + 1,
                      sent_away = sent_away or (wish = 'online' and missed + 1 >= $2),
                      wish = case when wish = 'online' and missed + 1 >= $2 then 'away' else wish end
               where agent_id = $1 returning wish = 'away' as "away!""#,
            agent.0,
            presence::MISSED
        )
        .fetch_optional(&mut **change)
        .await?;
        if away == Some(true) {
            tracing::info!(%agent, "set away: two offers passed unanswered");
        }
        change.record(chat.ticket_id, Actor::System, Event::ChatMissed { agent }).await?;
    }
    Ok(())
}

/// Whoever held it is gone or silent: it rings again, from the lowest rung, without the visitor doing anything.
pub(super) async fn hand_over(change: &mut Change, ticket: &Ticket, chat: &mut Chat, now: Ts) -> sqlx::Result<()> {
    let Some(from) = chat.agent_id.take() else { return Ok(()) };
    change.record(chat.ticket_id, Actor::System, Event::ChatHandedOver { from }).await?;
    chat.last_at = now;
    chat.rung = FIRST;
    chat.ladder_round = chat.round;
    // Whoever left it is not the one to be asked first.
    chat.round += 1;
    sqlx::query!(
        "insert into chat_offers (ticket_id, round, agent_id, offered_at, outcome, settled_at) values ($1, $2, $3, $4, 'withdrawn', $4)",
        chat.ticket_id.0,
        chat.round,
        from.0,
        now as Ts
    )
    .execute(&mut **change)
    .await?;
    climb(change, ticket, chat, now).await?;
    wake_queue(change).await
}

/// It goes on as an ordinary ticket: the answer follows by mail, or waits here for the visitor's return.
pub(super) async fn to_mail(change: &mut Change, chat: &mut Chat, now: Ts) -> sqlx::Result<()> {
    withdraw(change, chat, None, now).await?;
    chat.state = ChatState::Mail;
    chat.agent_id = None;
    chat.stage_ends_at = None;
    chat.promised_at = None;
    change.record(chat.ticket_id, Actor::System, Event::ChatContinuesByMail {}).await?;
    wake_queue(change).await
}

/// It is over. What was answered is solved; what was not stays open.
pub(super) async fn finish(change: &mut Change, ticket: &Ticket, chat: &mut Chat, by: ChatEnd, now: Ts) -> sqlx::Result<()> {
    withdraw(change, chat, None, now).await?;
    let owed = chat.promised_at.take().is_some();
    chat.state = ChatState::Ended;
    chat.stage_ends_at = None;
    chat.ended_at = Some(now);
    let actor = match by {
        ChatEnd::Agent => chat.agent_id.map_or(Actor::System, Actor::Agent),
        ChatEnd::Visitor => Actor::Customer,
        ChatEnd::Silence => Actor::System,
    };
    change.record(chat.ticket_id, actor, Event::ChatEnded { by }).await?;
    if !owed || by == ChatEnd::Agent {
        update::set_status(change, actor, ticket.id, crate::desk::kinds::Status::Solved, None).await?;
    }
    wake_queue(change).await
}

/// Takes back the offers that ring; `taken_by` accepted theirs.
pub(super) async fn withdraw(change: &mut Change, chat: &Chat, taken_by: Option<AgentId>, now: Ts) -> sqlx::Result<()> {
    sqlx::query!(
        "update chat_offers set outcome = (case when agent_id is not distinct from $2 then 'accepted' else 'withdrawn' end)::offer_outcome,
                settled_at = $3
         where ticket_id = $1 and outcome is null",
        chat.ticket_id.0,
        taken_by.map(|id| id.0),
        now as Ts
    )
    .execute(&mut **change)
    .await?;
    change.touch_floor();
    Ok(())
}

/// Somebody may be free now: the chats that wait longest look again.
pub async fn wake_queue(change: &mut Change) -> sqlx::Result<()> {
    let woken = sqlx::query!(
        // What another transaction holds is being looked at already.
        "update jobs set run_at = now() where id in
            (select id from jobs where dead_at is null and attempts = 0 and run_at > now() and unique_key in
                (select 'chat:' || ticket_id from chats where state = 'queued' order by started_at, ticket_id limit 5)
             for update skip locked)"
    )
    .execute(&mut **change)
    .await?;
    if woken.rows_affected() > 0 {
        change.touch_work();
    }
    change.touch_floor();
    Ok(())
}
