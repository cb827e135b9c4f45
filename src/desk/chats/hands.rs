//! Into whose hands a chat passes: taken, declined, transferred, shared, taken over, left behind.

use crate::clock::Ts;
use crate::desk::agents::{Agent, Lead};
use crate::desk::changes::{Actor, Change};
use crate::desk::chats::ladder::{self, HANDOVER, IDLE};
use crate::desk::chats::{self, Chat, save};
use crate::desk::events::Event;
use crate::desk::kinds::ChatState;
use crate::desk::tickets::reply::{self, ReplyError};
use crate::desk::tickets::{Ticket, update};
use crate::ids::{AgentId, TeamId, TicketId};

/// Why a chat cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    #[error("somebody else was quicker")]
    Taken(AgentId),
    #[error("this chat is over")]
    Over,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Takes a chat that nobody holds. Of two who try at once one succeeds, and the other learns who.
pub async fn accept(change: &mut Change, agent: &Agent, id: TicketId, now: Ts) -> Result<(), AcceptError> {
    let (ticket, mut chat) = chats::lock(change, id).await?.ok_or(AcceptError::Over)?;
    match (chat.state, chat.agent_id) {
        (ChatState::Active, Some(holder)) if holder == agent.id => return Ok(()),
        (ChatState::Active, Some(holder)) => return Err(AcceptError::Taken(holder)),
        (ChatState::Mail | ChatState::Ended, _) => return Err(AcceptError::Over),
        _ => {}
    }
    take(change, &ticket, &mut chat, agent.id, now).await?;
    change.record(id, Actor::Agent(agent.id), Event::ChatAccepted {}).await?;
    Ok(save(change, &mut chat).await?)
}

/// Puts a chat into an agent's hands; the caller saves it.
pub(super) async fn take(change: &mut Change, ticket: &Ticket, chat: &mut Chat, agent: AgentId, now: Ts) -> sqlx::Result<()> {
    ladder::withdraw(change, chat, Some(agent), now).await?;
    sqlx::query!("update presence set missed = 0 where agent_id = $1", agent.0).execute(&mut **change).await?;
    chat.state = ChatState::Active;
    chat.agent_id = Some(agent);
    chat.helpers.retain(|helper| *helper != agent);
    chat.accepted_at = chat.accepted_at.or(Some(now));
    chat.stage_ends_at = Some(silence_ends(chat, now));
    update::assign(change, Actor::Agent(agent), ticket.id, Some(agent)).await
}

/// Until when whoever holds a chat may be silent.
pub(super) fn silence_ends(chat: &Chat, now: Ts) -> Ts {
    match chat.promised_at {
        Some(promised) => promised.max(now).plus_seconds(HANDOVER),
        None => chat.last_at.max(now).plus_seconds(IDLE),
    }
}

/// Says no to an offer: the next is asked at once. `false`: there was none.
pub async fn decline(change: &mut Change, agent: &Agent, id: TicketId, now: Ts) -> sqlx::Result<bool> {
    let Some((ticket, mut chat)) = chats::lock(change, id).await? else { return Ok(false) };
    let declined = sqlx::query!(
        "update chat_offers set outcome = 'declined', settled_at = $3 where ticket_id = $1 and agent_id = $2 and outcome is null",
        id.0,
        agent.id.0,
        now as Ts
    )
    .execute(&mut **change)
    .await?;
    if declined.rows_affected() == 0 {
        return Ok(false);
    }
    // Saying no is an answer: whoever does is there.
    sqlx::query!("update presence set missed = 0 where agent_id = $1", agent.id.0).execute(&mut **change).await?;
    pass_on_if_silent(change, &ticket, &mut chat, now).await?;
    change.touch_floor();
    save(change, &mut chat).await?;
    Ok(true)
}

/// When nothing rings any more, the next rung is asked at once.
async fn pass_on_if_silent(change: &mut Change, ticket: &Ticket, chat: &mut Chat, now: Ts) -> sqlx::Result<()> {
    let rings = sqlx::query_scalar!(
        r#"select exists (select from chat_offers where ticket_id = $1 and outcome is null) as "rings!""#,
        chat.ticket_id.0
    )
    .fetch_one(&mut **change)
    .await?;
    if chat.state == ChatState::Ringing && !rings {
        chat.rung += 1;
        ladder::climb(change, ticket, chat, now).await?;
    }
    Ok(())
}

/// Whom a chat is given to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Agent(AgentId),
    Team(TeamId),
}

/// Gives a chat to a colleague or a team. The summary stands as a note in the conversation, so that the customer need not say it again.
/// It rings there; should nobody answer, it climbs on as any chat does.
pub async fn transfer(change: &mut Change, agent: &Agent, id: TicketId, to: Target, summary: &str, now: Ts) -> Result<(), ReplyError> {
    let (_, mut chat) = chats::lock(change, id).await?.filter(|(_, chat)| chat.is_open()).ok_or_else(over)?;
    if !summary.trim().is_empty() {
        reply::note_apart(change, agent, id, summary).await?;
    }
    let (to_agent, to_team) = match to {
        Target::Agent(agent) => (Some(agent), None),
        Target::Team(team) => (None, Some(team)),
    };
    ladder::withdraw(change, &chat, None, now).await?;
    change.record(id, Actor::Agent(agent.id), Event::ChatTransferred { agent: to_agent, team: to_team }).await?;
    chat.last_at = now;
    match to {
        Target::Agent(target) => {
            chat.ladder_round = chat.round;
            // Missed there, the whole team is asked.
            chat.rung = 1;
            ladder::decide_alone(change).await?;
            ladder::ring(change, &mut chat, &[target], now).await?;
        }
        Target::Team(team) => {
            update::set_team(change, Actor::Agent(agent.id), id, Some(team)).await?;
            update::assign(change, Actor::Agent(agent.id), id, None).await?;
            let ticket = crate::desk::tickets::find(change, id).await?.ok_or(sqlx::Error::RowNotFound)?;
            ladder::begin(change, &ticket, &mut chat, now).await?;
        }
    }
    ladder::wake_queue(change).await?;
    Ok(save(change, &mut chat).await?)
}

fn over() -> ReplyError {
    ReplyError::NoWay("This chat is over; answer by mail, or wait for the visitor's return.".into())
}

/// Asks a colleague in: they see the chat among theirs and may write in it.
pub async fn invite(change: &mut Change, agent: &Agent, id: TicketId, colleague: AgentId) -> sqlx::Result<bool> {
    let Some((_, mut chat)) = chats::lock(change, id).await? else { return Ok(false) };
    if !chat.is_open() || chat.involves(colleague) || chat.helpers.len() >= 5 {
        return Ok(false);
    }
    chat.helpers.push(colleague);
    change.record(id, Actor::Agent(agent.id), Event::ChatInvited { agent: colleague }).await?;
    save(change, &mut chat).await?;
    Ok(true)
}

/// A lead takes a chat over, from whoever holds it.
pub async fn step_in(change: &mut Change, lead: &Lead, id: TicketId, now: Ts) -> sqlx::Result<bool> {
    let Some((ticket, mut chat)) = chats::lock(change, id).await? else { return Ok(false) };
    if !chat.is_open() {
        return Ok(false);
    }
    if let Some(before) = chat.agent_id.filter(|before| *before != lead.0.id) {
        chat.helpers.push(before);
    }
    take(change, &ticket, &mut chat, lead.0.id, now).await?;
    change.record(id, Actor::Agent(lead.0.id), Event::ChatSteppedIn {}).await?;
    save(change, &mut chat).await?;
    ladder::wake_queue(change).await?;
    Ok(true)
}

/// An agent is gone: what rings there rings elsewhere, what they held is handed over.
pub async fn abandon(change: &mut Change, agent: AgentId, now: Ts) -> sqlx::Result<()> {
    // In one order for all, so that two who leave at once do not wait for each other.
    let tickets = sqlx::query_scalar!(
        r#"select ticket_id as "ticket_id!: TicketId" from (
               select ticket_id from chats where agent_id = $1 and state = 'active'
               union select ticket_id from chat_offers where agent_id = $1 and outcome is null) held
           order by ticket_id limit 200"#,
        agent.0
    )
    .fetch_all(&mut **change)
    .await?;
    // All of them before any decision: whoever decides holds up every other decision, and must not wait for a ticket meanwhile.
    let mut held = Vec::with_capacity(tickets.len());
    for id in tickets {
        held.extend(chats::lock(change, id).await?);
    }
    for (ticket, mut chat) in held {
        let id = ticket.id;
        if chat.state == ChatState::Active && chat.agent_id == Some(agent) {
            ladder::hand_over(change, &ticket, &mut chat, now).await?;
        } else {
            sqlx::query!(
                "update chat_offers set outcome = 'withdrawn', settled_at = $3 where ticket_id = $1 and agent_id = $2 and outcome is null",
                id.0,
                agent.0,
                now as Ts
            )
            .execute(&mut **change)
            .await?;
            pass_on_if_silent(change, &ticket, &mut chat, now).await?;
        }
        save(change, &mut chat).await?;
    }
    Ok(())
}

/// Blocks whoever chats: they are not answered any more, and the ticket is spam.
pub async fn block(change: &mut Change, agent: &Agent, id: TicketId, now: Ts) -> sqlx::Result<bool> {
    let Some((ticket, mut chat)) = chats::lock(change, id).await? else { return Ok(false) };
    sqlx::query!("update visitors set blocked_at = $2, blocked_by = $3 where id = $1", chat.visitor_id.0, now as Ts, agent.id.0)
        .execute(&mut **change)
        .await?;
    change.record(id, Actor::Agent(agent.id), Event::VisitorBlocked {}).await?;
    if chat.is_open() {
        chat.promised_at = None;
        ladder::finish(change, &ticket, &mut chat, crate::desk::events::ChatEnd::Agent, now).await?;
        save(change, &mut chat).await?;
    }
    update::set_status(change, Actor::Agent(agent.id), id, crate::desk::kinds::Status::Spam, None).await?;
    Ok(true)
}
