//! Replies that leave later. Until then they are no messages: nothing counts as said, and nothing of it can be seen by the customer. One that
//! waits is stopped when its customer writes, for it may no longer be what one would say.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use crate::clock::Ts;
use crate::desk::agents::{self, Agent};
use crate::desk::changes::{Actor, Change};
use crate::desk::envelope::Address;
use crate::desk::events::Event;
use crate::desk::files;
use crate::desk::kinds::Status;
use crate::desk::tickets::recipients::{self, Recipients};
use crate::desk::tickets::reply::{self, NewReply, ReplyError};
use crate::desk::tickets::{self, drafts};
use crate::ids::{AgentId, CannedFileId, CannedReplyId, MessageId, PlanId, TicketId};
use crate::jobs::{self, Job};
use crate::text::excerpts;

/// How far ahead a reply may be planned, in days.
pub const MAX_DAYS: i64 = 366;
/// Shown at most, those that leave first.
const MAX: i64 = 100;

/// A reply that waits for its time.
#[derive(Debug, Clone)]
pub struct Plan {
    pub id: PlanId,
    pub ticket: TicketId,
    pub agent: AgentId,
    pub reply: Kept,
    pub send_at: Ts,
    /// Why it does not leave by itself any more.
    pub stopped: Option<String>,
    /// The names of its files.
    pub files: Vec<String>,
}

/// What the composer held.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Kept {
    pub body: String,
    pub to: Vec<Address>,
    pub cc: Vec<Address>,
    pub bcc: Vec<Address>,
    pub then: Option<Status>,
    pub canned: Vec<i64>,
    pub canned_files: Vec<i64>,
}

/// Keeps what an agent's composer holds until `at`, and empties it.
pub async fn plan(change: &mut Change, agent: &Agent, ticket: TicketId, new: &NewReply, at: Ts) -> Result<PlanId, ReplyError> {
    let ticket = tickets::lock(change, ticket).await?.ok_or(sqlx::Error::RowNotFound)?;
    reply::check(&new.body)?;
    recipients::check(change, [&new.to, &new.cc, &new.bcc]).await?;
    if let Some(seen) = new.seen
        && reply::newer_than(change, ticket.id, seen, agent).await?
    {
        return Err(ReplyError::Newer);
    }
    if new.to.is_empty() && recipients::of_ticket(change, &ticket).await?.to.is_empty() {
        return Err(ReplyError::NoWay("This customer has no mail address to answer to. Enter one beside “To”.".into()));
    }
    let kept = Kept {
        body: new.body.clone(),
        to: new.to.clone(),
        cc: new.cc.clone(),
        bcc: new.bcc.clone(),
        then: new.then,
        canned: new.canned.iter().map(|id| id.0).collect(),
        canned_files: new.canned_files.iter().map(|id| id.0).collect(),
    };
    let kept = serde_json::to_value(&kept).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let id = sqlx::query_scalar!(
        "insert into planned_replies (ticket_id, agent_id, reply, send_at) values ($1, $2, $3, $4) returning id",
        ticket.id.0,
        agent.id.0,
        kept,
        at as Ts
    )
    .fetch_one(&mut **change)
    .await?;
    sqlx::query!(
        "update uploads set planned_id = $3 where ticket_id = $1 and agent_id = $2 and planned_id is null and space = ''",
        ticket.id.0,
        agent.id.0,
        id.0
    )
    .execute(&mut **change)
    .await?;
    drafts::clear(change, ticket.id, agent.id, false).await?;
    change.record(ticket.id, Actor::Agent(agent.id), Event::ReplyPlanned { until: at }).await?;
    change.push(&Job::SendPlanned { plan: id }, at).await?;
    Ok(id)
}

/// What waits on a ticket, and what was stopped, the next to leave first.
pub async fn of_ticket(db: &mut PgConnection, ticket: TicketId) -> sqlx::Result<Vec<Plan>> {
    list(db, ticket, None).await
}

/// The same, or one of them.
async fn list(db: &mut PgConnection, ticket: TicketId, only: Option<PlanId>) -> sqlx::Result<Vec<Plan>> {
    let rows = sqlx::query!(
        r#"select p.id, p.ticket_id, p.agent_id, p.reply, p.send_at, p.stopped,
                  array(select u.name from uploads u where u.planned_id = p.id order by u.id) as "files!"
           from planned_replies p where p.ticket_id = $1 and ($3::bigint is null or p.id = $3) order by p.send_at, p.id limit $2"#,
        ticket.0,
        MAX,
        only.map(|id| id.0)
    )
    .fetch_all(db)
    .await?;
    let plan = |id, ticket, agent, reply, send_at, stopped, files| {
        let reply = serde_json::from_value(reply).unwrap_or_default();
        Plan { id, ticket, agent, reply, send_at, stopped, files }
    };
    Ok(rows.into_iter().map(|row| plan(row.id, row.ticket_id, row.agent_id, row.reply, row.send_at, row.stopped, row.files)).collect())
}

/// One of them, with its ticket held until the transaction ends.
async fn lock(change: &mut Change, ticket: Option<TicketId>, id: PlanId) -> sqlx::Result<Option<Plan>> {
    let found = sqlx::query_scalar!("select ticket_id from planned_replies where id = $1", id.0).fetch_optional(&mut **change).await?;
    let Some(of) = found.filter(|of| ticket.is_none_or(|ticket| ticket == *of)) else { return Ok(None) };
    tickets::lock(change, of).await?;
    Ok(list(change, of, Some(id)).await?.pop())
}

/// Its time has come.
pub async fn step(change: &mut Change, id: PlanId, now: Ts) -> sqlx::Result<()> {
    let Some(plan) = lock(change, None, id).await?.filter(|plan| plan.stopped.is_none()) else { return Ok(()) };
    if plan.send_at > now {
        return change.push(&Job::SendPlanned { plan: id }, plan.send_at).await;
    }
    let Some(author) = agents::find(change, plan.agent).await?.filter(|person| person.disabled_at.is_none()) else {
        return stop_one(change, &plan, "Whoever wrote it is no longer here.").await;
    };
    match send(change, &author.into(), &plan).await {
        Ok(_) => Ok(()),
        Err(ReplyError::Database(error)) => Err(error),
        Err(error) => stop_one(change, &plan, &excerpts::sentence(&error.to_string())).await,
    }
}

/// Sends it before its time, or although it was stopped. `None`: it has left, or was taken back.
pub async fn send_now(change: &mut Change, agent: &Agent, ticket: TicketId, id: PlanId) -> Result<Option<MessageId>, ReplyError> {
    let Some(plan) = lock(change, Some(ticket), id).await? else { return Ok(None) };
    jobs::cancel(change, &Job::SendPlanned { plan: id }).await?;
    let author = match agents::find(change, plan.agent).await?.filter(|person| person.disabled_at.is_none()) {
        Some(author) => author.into(),
        None => agent.clone(),
    };
    send(change, &author, &plan).await.map(Some)
}

async fn send(change: &mut Change, author: &Agent, plan: &Plan) -> Result<MessageId, ReplyError> {
    let kept = &plan.reply;
    let new = NewReply {
        body: kept.body.clone(),
        to: kept.to.clone(),
        cc: kept.cc.clone(),
        bcc: kept.bcc.clone(),
        then: kept.then,
        canned: kept.canned.iter().copied().map(CannedReplyId).collect(),
        canned_files: kept.canned_files.iter().copied().map(CannedFileId).collect(),
        ..NewReply::default()
    };
    let message = reply::reply_planned(change, author, plan.ticket, &new).await?;
    files::attach_uploads(change, plan.ticket, plan.agent, Some(plan.id), message, &new.body).await?;
    sqlx::query!("delete from planned_replies where id = $1", plan.id.0).execute(&mut **change).await?;
    Ok(message)
}

/// Another time for it; one that was stopped waits again. `false`: it has left, or was taken back.
pub async fn postpone(change: &mut Change, agent: &Agent, ticket: TicketId, id: PlanId, at: Ts) -> sqlx::Result<bool> {
    let Some(plan) = lock(change, Some(ticket), id).await? else { return Ok(false) };
    sqlx::query!("update planned_replies set send_at = $2, stopped = null where id = $1", id.0, at as Ts).execute(&mut **change).await?;
    change.push(&Job::SendPlanned { plan: id }, at).await?;
    change.record(plan.ticket, Actor::Agent(agent.id), Event::ReplyPlanned { until: at }).await?;
    Ok(true)
}

/// Takes it back: its words, files and recipients are in the composer of whoever asked again. `false`: it has left, or was taken back.
pub async fn take_back(change: &mut Change, agent: &Agent, ticket: TicketId, id: PlanId) -> sqlx::Result<bool> {
    let Some(plan) = lock(change, Some(ticket), id).await? else { return Ok(false) };
    jobs::cancel(change, &Job::SendPlanned { plan: id }).await?;
    let Kept { body, to, cc, bcc, .. } = plan.reply;
    reply::give_back(change, ticket, agent.id, &body, Recipients { to, cc, bcc }).await?;
    sqlx::query!("update uploads set planned_id = null, agent_id = $2 where planned_id = $1", id.0, agent.id.0)
        .execute(&mut **change)
        .await?;
    sqlx::query!("delete from planned_replies where id = $1", id.0).execute(&mut **change).await?;
    change.record(ticket, Actor::Agent(agent.id), Event::PlanWithdrawn {}).await?;
    Ok(true)
}

/// The customer wrote: what waits on the ticket is not sent blindly.
pub(crate) async fn stop(change: &mut Change, ticket: TicketId) -> sqlx::Result<()> {
    let waiting = sqlx::query_scalar!(
        "update planned_replies set stopped = 'A new message came before it was sent.' where ticket_id = $1 and stopped is null returning id",
        ticket.0
    )
    .fetch_all(&mut **change)
    .await?;
    for plan in &waiting {
        jobs::cancel(change, &Job::SendPlanned { plan: *plan }).await?;
    }
    if !waiting.is_empty() {
        change.record(ticket, Actor::System, Event::PlanStopped {}).await?;
    }
    Ok(())
}

async fn stop_one(change: &mut Change, plan: &Plan, why: &str) -> sqlx::Result<()> {
    sqlx::query!("update planned_replies set stopped = $2 where id = $1", plan.id.0, why).execute(&mut **change).await?;
    change.record(plan.ticket, Actor::System, Event::PlanStopped {}).await
}
