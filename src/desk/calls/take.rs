//! Takes in what an exchange tells of a call: once, however often and in whatever order it comes.

use crate::clock::Ts;
use crate::desk::calls::{self, Call, CallNews, CallStep, FORWARDED, missed, people};
use crate::desk::changes::Change;
use crate::desk::channels::Channel;
use crate::desk::directory;
use crate::desk::files::StoredFile;
use crate::desk::kinds::CallState;
use crate::ids::{AgentId, CallId, TicketId};
use crate::jobs::{self, Job};
use crate::text::phones::{self, Party};

/// Nobody lets it ring for longer; if nothing more is told of it, it is over. In seconds.
pub(super) const RINGS: i64 = 180;
/// Nobody talks for longer.
const TALKS: i64 = 6 * 3600;
/// That somebody answered may be told after the end: for so long nobody says that it was missed.
const GRACE: i64 = 5;

/// Takes one thing in; `files` is the recording. Answers with the ticket that it concerns, if there is one.
pub async fn take(change: &mut Change, channel: &Channel, news: &CallNews, files: &[StoredFile]) -> sqlx::Result<Option<TicketId>> {
    let at = news.at.unwrap_or_else(Ts::now);
    let call = note(change, channel, news, at).await?;
    change.touch_call(call.id);
    let timer = Job::CallStep { call: call.id };
    match &news.step {
        CallStep::Ringing => {
            if call.state == CallState::Ringing {
                change.push(&timer, at.max(call.started_at).plus_seconds(RINGS)).await?;
            }
        }
        CallStep::Refused => {
            sqlx::query!(
                "update calls set refused = true, state = 'ended', ended_at = coalesce(ended_at, $2), settled_at = coalesce(settled_at, $2) where id = $1",
                call.id.0,
                at as Ts
            )
            .execute(&mut **change)
            .await?;
        }
        CallStep::Answered => {
            let agent = by(change, channel, news).await?;
            answer(change, &call, agent, at).await?;
            if call.state != CallState::Ended {
                change.push(&timer, at.plus_seconds(TALKS)).await?;
            }
        }
        CallStep::Ended { cause, seconds } => {
            let agent = if call.incoming { None } else { by(change, channel, news).await? };
            end(change, &call, agent, cause, *seconds, at).await?;
        }
        CallStep::Recorded { seconds, .. } => {
            let first = !call.recording;
            sqlx::query!(
                "update calls set recording = true, recording_error = null, seconds = case when answered_at is null then coalesce($2, seconds) else seconds end
                 where id = $1",
                call.id.0,
                *seconds
            )
            .execute(&mut **change)
            .await?;
            if first {
                // Whoever spoke to the machine was not answered, whether or not the exchange has said so yet.
                return missed::keep(change, call.id, files, None).await;
            }
        }
        CallStep::NotRecorded { words } => {
            sqlx::query!(
                "update calls set recording_error = coalesce($2, recording_error) where id = $1 and not recording",
                call.id.0,
                words.as_deref()
            )
            .execute(&mut **change)
            .await?;
            if words.is_some() && call.answered_at.is_none() && !call.recording {
                return missed::keep(change, call.id, &[], words.as_deref()).await;
            }
        }
    }
    Ok(call.ticket_id)
}

async fn by(change: &mut Change, channel: &Channel, news: &CallNews) -> sqlx::Result<Option<AgentId>> {
    if news.by.is_empty() {
        return Ok(None);
    }
    let app = change.app.clone();
    let directory = directory::get_on(&app, change).await?;
    Ok(people::first_agent(&directory, &news.by, &country_of(channel, &directory.shop.time_zone)))
}

fn country_of(channel: &Channel, time_zone: &str) -> String {
    let own = channel.settings.get("country").and_then(|code| code.as_str()).filter(|code| phones::is_country(code));
    own.unwrap_or_else(|| phones::country_of(time_zone)).to_owned()
}

/// The row of the call, made if there is none, with what this adds to it; held until the transaction ends.
async fn note(change: &mut Change, channel: &Channel, news: &CallNews, at: Ts) -> sqlx::Result<Call> {
    let number = news.customer.as_ref().map(|party| party.as_str().to_owned()).unwrap_or_default();
    let contact = match &news.customer {
        Some(Party::Number(number)) => calls::contact_of(change, number).await?,
        _ => None,
    };
    let app = change.app.clone();
    let directory = directory::get_on(&app, change).await?;
    let country = country_of(channel, &directory.shop.time_zone);
    let (agents, team) = people::everybody(&directory, &news.rings_at, &country);
    let rings_at: Vec<i64> = agents.iter().map(|id| id.0).collect();
    // A call of ours is the caller's from the first moment.
    let agent = if news.incoming == Some(false) { people::first_agent(&directory, &news.by, &country) } else { None };
    let id = sqlx::query_scalar!(
        r#"insert into calls (channel_id, provider_id, incoming, number, line, name, contact_id, agent_id, rings_at, team_id, started_at)
           values ($1, $2, coalesce($3, true), $4, $5, $6, $7, $8, $9, $10, $11)
           on conflict (channel_id, provider_id) where provider_id is not null do update set
               incoming = coalesce($3, calls.incoming),
               number = case when calls.number = '' then excluded.number else calls.number end,
               line = case when calls.line = '' then excluded.line else calls.line end,
               name = case when calls.name = '' then excluded.name else calls.name end,
               contact_id = coalesce(calls.contact_id, excluded.contact_id),
               agent_id = coalesce(calls.agent_id, excluded.agent_id),
               rings_at = case when calls.rings_at = '{}' then excluded.rings_at else calls.rings_at end,
               team_id = coalesce(calls.team_id, excluded.team_id),
               started_at = least(calls.started_at, excluded.started_at)
           returning id as "id: CallId""#,
        channel.id.0,
        news.id,
        news.incoming,
        number,
        news.line.as_ref().map(|party| party.as_str().to_owned()).unwrap_or_default(),
        news.name,
        contact.map(|id| id.0),
        agent.map(|id| id.0),
        &rings_at,
        team.map(|id| id.0),
        at as Ts
    )
    .fetch_one(&mut **change)
    .await?;
    calls::find(change, id).await?.ok_or(sqlx::Error::RowNotFound)
}

/// Notes that a person has the call.
async fn answer(change: &mut Change, call: &Call, agent: Option<AgentId>, at: Ts) -> sqlx::Result<()> {
    sqlx::query!(
        "update calls set answered_at = coalesce(answered_at, $2), agent_id = coalesce(agent_id, $3),
                state = case when state = 'ended' then state else 'active' end,
                settled_at = case when message_id is null and not refused then null else settled_at end
         where id = $1",
        call.id.0,
        at as Ts,
        agent.map(|id| id.0)
    )
    .execute(&mut **change)
    .await?;
    if call.state == CallState::Ended {
        jobs::cancel(change, &Job::CallStep { call: call.id }).await?;
        missed::correct(change, call.id).await?;
    }
    Ok(())
}

async fn end(change: &mut Change, call: &Call, agent: Option<AgentId>, cause: &str, seconds: Option<i32>, at: Ts) -> sqlx::Result<()> {
    sqlx::query!(
        "update calls set state = 'ended', ended_at = coalesce(ended_at, $2), cause = case when cause = '' then $3 else cause end,
                seconds = coalesce(seconds, $4), agent_id = coalesce(agent_id, $5)
         where id = $1",
        call.id.0,
        at as Ts,
        cause,
        seconds,
        agent.map(|id| id.0)
    )
    .execute(&mut **change)
    .await?;
    // It is written down already: now it is known how long it was.
    if call.message_id.is_some() {
        missed::correct(change, call.id).await?;
    }
    let timer = Job::CallStep { call: call.id };
    if call.incoming && call.answered_at.is_none() && call.settled_at.is_none() {
        change.push(&timer, Ts::now().plus_seconds(GRACE)).await
    } else {
        jobs::cancel(change, &timer).await.map(drop)
    }
}

/// Looks at a call again: it was missed, or nothing more is told of it.
pub async fn step(change: &mut Change, id: CallId, now: Ts) -> sqlx::Result<()> {
    let Some(call) = calls::lock(change, id).await? else { return Ok(()) };
    let (silent, due) = match (call.state, call.answered_at) {
        (CallState::Ended, _) => (false, now),
        (CallState::Ringing, _) => (true, call.started_at.plus_seconds(RINGS)),
        (CallState::Active, answered) => (true, answered.unwrap_or(call.started_at).plus_seconds(TALKS)),
    };
    if due > now {
        return change.push(&Job::CallStep { call: id }, due).await;
    }
    if silent {
        sqlx::query!("update calls set state = 'ended', ended_at = coalesce(ended_at, $2) where id = $1", id.0, now as Ts)
            .execute(&mut **change)
            .await?;
        change.touch_call(id);
    }
    let nobody = call.incoming && call.answered_at.is_none() && call.settled_at.is_none();
    if nobody && call.cause != FORWARDED {
        missed::keep(change, id, &[], None).await?;
    } else if nobody {
        calls::log::settle(change, id).await?;
    }
    Ok(())
}
