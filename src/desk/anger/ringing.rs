//! A public word of anger rings at those who lead: first at who leads its team and is there, then at everybody who leads, then by mail.

use serde::Serialize;
use sqlx::PgConnection;

use crate::clock::Ts;
use crate::desk::changes::{Actor, Change};
use crate::desk::directory;
use crate::desk::events::Event;
use crate::desk::kinds::{Role, Wish};
use crate::desk::presence;
use crate::desk::tickets::{self, Ticket, update};
use crate::ids::{AgentId, ChannelId, TeamId, TicketId};
use crate::jobs::{self, Job};

use super::Reason;

/// Something that rings at an agent's screen.
#[derive(Debug, Clone, Serialize)]
pub struct Alarm {
    pub ticket: TicketId,
    pub channel: ChannelId,
    pub name: String,
    pub excerpt: String,
    pub reasons: Vec<Reason>,
    pub due_at: Ts,
}

impl Alarm {
    /// Why, in a line: `2 stars, word: truffa`.
    pub fn why(&self) -> String {
        let reasons: Vec<String> = self.reasons.iter().take(3).map(Reason::label).collect();
        reasons.join(", ")
    }
}

/// Why a ticket was not taken.
#[derive(Debug, thiserror::Error)]
pub enum TakeError {
    /// Somebody else was quicker.
    #[error("somebody else took it")]
    Taken(AgentId),
    /// There is nothing to take: answered, solved, or nobody is angry.
    #[error("there is nothing to take any more")]
    Over,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Begins to ring. Who leads the ticket's team and is there hears it first, else whoever leads and is there, else everybody who leads.
pub(super) async fn begin(change: &mut Change, ticket: &Ticket, now: Ts) -> sqlx::Result<()> {
    let mut rung = there(change, ticket.team_id, now).await?;
    if rung.is_empty() && ticket.team_id.is_some() {
        rung = there(change, None, now).await?;
    }
    let round = if rung.is_empty() { 2 } else { 1 };
    if rung.is_empty() {
        rung = leads(change, now).await?;
    }
    ring(change, ticket.id, round, &rung).await?;
    let app = change.app.clone();
    let settings = directory::get_on(&app, change).await?.anger.settings.clone();
    // A round that it skips costs no less time before anybody is written to: somebody may be on their way.
    change.push(&Job::AngerStep { ticket: ticket.id }, now.plus_seconds(60 * settings.again)).await
}

async fn ring(change: &mut Change, ticket: TicketId, round: i16, rung: &[AgentId]) -> sqlx::Result<()> {
    let ids: Vec<i64> = rung.iter().map(|id| id.0).collect();
    let rings = sqlx::query!(
        "update anger set ring = $2, rung = $3, taken_by = null, taken_at = null where ticket_id = $1 and state = 'waiting'",
        ticket.0,
        round,
        &ids
    )
    .execute(&mut **change)
    .await?;
    if rings.rows_affected() == 1 {
        change.record(ticket, Actor::System, Event::AngerRang { round }).await?;
        change.touch_floor();
    }
    Ok(())
}

/// Who leads and is there; of a team, if one is named.
async fn there(db: &mut PgConnection, team: Option<TeamId>, now: Ts) -> sqlx::Result<Vec<AgentId>> {
    sqlx::query_scalar!(
        "select a.id from agents a join presence p on p.agent_id = a.id
         where a.role >= $1 and a.disabled_at is null and p.seen_at > $2 and p.wish <> $3
           and ($4::bigint is null or exists (select from team_members m where m.agent_id = a.id and m.team_id = $4))
         order by a.id limit 200",
        Role::Lead as Role,
        now.plus_seconds(-presence::SILENCE) as Ts,
        Wish::Away as Wish,
        team.map(|id| id.0)
    )
    .fetch_all(db)
    .await
}

async fn leads(db: &mut PgConnection, now: Ts) -> sqlx::Result<Vec<AgentId>> {
    Ok(presence::leads(db, now).await?.into_iter().map(|lead| lead.agent).collect())
}

/// Nobody has taken it: the next round, or a mail to everybody who leads.
pub async fn step(change: &mut Change, ticket: TicketId, now: Ts) -> sqlx::Result<()> {
    let Some(ticket) = tickets::lock(change, ticket).await? else { return Ok(()) };
    let Some(anger) = super::find(change, ticket.id).await? else { return Ok(()) };
    if anger.ring == 0 || !anger.waits() {
        return Ok(());
    }
    let app = change.app.clone();
    let settings = directory::get_on(&app, change).await?.anger.settings.clone();
    let everybody = leads(change, now).await?;
    // One who came meanwhile is rung too.
    if anger.ring == 1 {
        ring(change, ticket.id, 2, &everybody).await?;
        return change.push(&Job::AngerStep { ticket: ticket.id }, now.plus_seconds(60 * settings.mail)).await;
    }
    if anger.mailed_at.is_some() {
        return Ok(());
    }
    sqlx::query!("update anger set mailed_at = now() where ticket_id = $1", ticket.id.0).execute(&mut **change).await?;
    for agent in everybody {
        change.push(&Job::MailAnger { agent, ticket: ticket.id }, now).await?;
    }
    change.record(ticket.id, Actor::System, Event::AngerMailed {}).await
}

/// Somebody who leads takes it: the ticket is theirs, and it rings no more. Of two who try at once one gets it.
pub async fn take(change: &mut Change, lead: AgentId, ticket: TicketId) -> Result<(), TakeError> {
    let Some(ticket) = tickets::lock(change, ticket).await? else { return Err(TakeError::Over) };
    let Some(anger) = super::find(change, ticket.id).await? else { return Err(TakeError::Over) };
    match anger.taken_by {
        Some(by) if by == lead && ticket.assignee_id == Some(lead) => return Ok(()),
        Some(by) if by != lead && ticket.assignee_id == Some(by) => return Err(TakeError::Taken(by)),
        Some(_) | None if !anger.waits() => return Err(TakeError::Over),
        Some(_) | None => {}
    }
    sqlx::query!("update anger set taken_by = $2, taken_at = now(), ring = 0 where ticket_id = $1", ticket.id.0, lead.0)
        .execute(&mut **change)
        .await?;
    jobs::cancel(change, &Job::AngerStep { ticket: ticket.id }).await?;
    change.record(ticket.id, Actor::Agent(lead), Event::AngerTaken {}).await?;
    update::assign(change, Actor::Agent(lead), ticket.id, Some(lead)).await?;
    change.touch_floor();
    Ok(())
}

/// Who took it, for those at whom it stopped ringing.
pub async fn taken_by(db: &mut PgConnection, ticket: TicketId) -> sqlx::Result<Option<AgentId>> {
    let row = sqlx::query!("select taken_by from anger where ticket_id = $1", ticket.0).fetch_optional(db).await?;
    Ok(row.and_then(|row| row.taken_by))
}

/// What rings at an agent's screens, longest first. Who came after the first round hears the second.
pub async fn alarms(db: &mut PgConnection, agent: AgentId, role: Role) -> sqlx::Result<Vec<Alarm>> {
    if role < Role::Lead {
        return Ok(Vec::new());
    }
    let rows = sqlx::query!(
        r#"select w.ticket_id, w.channel_id, w.reasons, w.due_at, m.body, c.name
           from anger w join messages m on m.id = w.message_id join tickets t on t.id = w.ticket_id join contacts c on c.id = t.contact_id
           where w.ring > 0 and (w.ring > 1 or $1 = any(w.rung)) order by w.since, w.ticket_id limit 5"#,
        agent.0
    )
    .fetch_all(db)
    .await?;
    let alarm = |row: (TicketId, ChannelId, serde_json::Value, Ts, String, String)| Alarm {
        ticket: row.0,
        channel: row.1,
        reasons: serde_json::from_value(row.2).unwrap_or_default(),
        due_at: row.3,
        excerpt: crate::text::excerpts::excerpt(&row.4, 140),
        name: row.5,
    };
    Ok(rows.into_iter().map(|row| alarm((row.ticket_id, row.channel_id, row.reasons, row.due_at, row.body, row.name))).collect())
}
