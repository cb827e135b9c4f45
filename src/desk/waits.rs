//! How long a customer will wait for the first answer of a person: by what happened before, else by what the shop aims at.
//!
//! What happened: the first answers of the last four weeks to questions of the same kind of channel, asked at the same hour of the local
//! day or one next to it, while the desk was as it is now, open or closed. With fewer than twenty of them the look widens to all hours of
//! such a day (Monday to Friday, or the weekend). A team's own answers come before those of the whole desk. Of what is found the wait is
//! the one that four in five did not exceed, measured in opening hours, then scaled by the queue and the people of the moment; see
//! [`typical::Typical::seconds`]. While the desk is closed an answer counts from the next opening, unless four in five of those who asked
//! at this hour had theirs before it.

pub mod typical;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use moka::future::Cache;

use crate::app::App;
use crate::clock::Ts;
use crate::desk::changes::Change;
use crate::desk::directory;
use crate::desk::kinds::ChannelKind;
use crate::desk::tickets::{self, Ticket};
use crate::ids::{AgentId, ChannelId, TeamId, TicketId};
use typical::{Moment, Sample, Typical};

pub use words::{Place, wait_words};

/// How far back an estimate looks, in seconds.
pub const WINDOW: i64 = 28 * 86_400;
/// The most answers that one estimate reads.
const MAX_SAMPLES: i64 = 5000;
/// The longest target, in minutes of opening time.
pub const MAX_TARGET: i64 = 60 * 24 * 30;

/// Kinds of channel that can have a target, with their label and what is aimed at until the shop says otherwise, in minutes. By name,
/// so that a target is kept also where this version has no such channel.
pub const TARGETS: [(&str, &str, i64); 5] = [
    ("chat", "Live chat", 2),
    ("email", "Email", 240),
    ("form", "Contact form", 240),
    ("api", "API", 240),
    (ANGRY, "Angry public words, bad reviews", 30),
];
/// The name of the target for bad reviews and angry public messages, whatever channel they came by.
pub const ANGRY: &str = "angry";

/// How soon the shop aims to give a first answer, in minutes of opening time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Targets(BTreeMap<String, i64>);

impl Targets {
    /// Minutes for a kind of channel.
    pub fn minutes(&self, kind: &str) -> i64 {
        let default = || TARGETS.iter().find(|(name, ..)| *name == kind).map_or(240, |(.., minutes)| *minutes);
        self.0.get(kind).copied().filter(|minutes| (1..=MAX_TARGET).contains(minutes)).unwrap_or_else(default)
    }

    /// Sets one.
    pub fn set(&mut self, kind: &str, minutes: i64) {
        self.0.insert(kind.to_owned(), minutes);
    }
}

/// Whose wait is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    pub kind: ChannelKind,
    pub team: Option<TeamId>,
    /// Who waits for a first answer already and came before.
    pub ahead: i64,
    /// Agents who are there now; 0: unknown, which counts as the usual number.
    pub on_duty: i64,
}

/// What an estimate rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Four in five had their answer within this time.
    History,
    /// There is too little history: this is what the shop aims at.
    Target,
}

/// How long the wait will be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Estimate {
    /// From now to [`Estimate::by`], on the clock.
    pub seconds: i64,
    pub basis: Basis,
    /// By then. Lies in opening hours, unless the desk usually answers outside of them.
    #[serde(skip)]
    pub by: Ts,
}

/// The wait of somebody who asks now.
pub async fn estimate(app: &App, question: &Question, now: Ts) -> sqlx::Result<Estimate> {
    let directory = directory::get(app).await?;
    let hours = directory.hours_of(question.team);
    let moment = Moment::of(&hours, now);
    let typical = typical_now(app, Class { kind: question.kind, team: question.team, moment }, now).await?;
    let (by, basis) = match typical {
        Some(typical) => (typical.by(&hours, question.ahead, question.on_duty, now), Basis::History),
        None => (hours.after_open_seconds(now, directory.targets.minutes(question.kind.as_str()) * 60), Basis::Target),
    };
    Ok(Estimate { seconds: by.seconds_since(now), basis, by })
}

/// What questions have in common that get their estimate from the same answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Class {
    kind: ChannelKind,
    team: Option<TeamId>,
    moment: Moment,
}

/// What is usual, at most half a minute old: however many ask, each process reads it once.
async fn typical_now(app: &App, class: Class, now: Ts) -> sqlx::Result<Option<Typical>> {
    let known: Cache<Class, Option<Typical>> = app.shelf("waits", || Cache::builder().max_capacity(500).build()).await;
    known.try_get_with(class, read(app, class, now)).await.map_err(|error| match Arc::try_unwrap(error) {
        Ok(error) => error,
        Err(error) if matches!(*error, sqlx::Error::PoolTimedOut) => sqlx::Error::PoolTimedOut,
        Err(error) => sqlx::Error::Io(std::io::Error::other(error)),
    })
}

async fn read(app: &App, class: Class, now: Ts) -> sqlx::Result<Option<Typical>> {
    let hours = directory::get(app).await?.hours_of(class.team);
    let since = now.plus_seconds(-WINDOW);
    let mut db = app.db.acquire().await?;
    if let Some(team) = class.team {
        let own = sqlx::query_as!(
            Sample,
            "select asked_at, answered_at, open_seconds, agent_id from first_answers
             where team_id = $1 and kind = $2 and asked_at > $3 order by asked_at desc limit $4",
            team.0,
            class.kind as ChannelKind,
            since as Ts,
            MAX_SAMPLES
        )
        .fetch_all(&mut *db)
        .await?;
        if let Some(typical) = Typical::of(&own, &hours, class.moment) {
            return Ok(Some(typical));
        }
    }
    let all = sqlx::query_as!(
        Sample,
        "select asked_at, answered_at, open_seconds, agent_id from first_answers
         where kind = $1 and asked_at > $2 order by asked_at desc limit $3",
        class.kind as ChannelKind,
        since as Ts,
        MAX_SAMPLES
    )
    .fetch_all(db.as_mut())
    .await?;
    Ok(Typical::of(&all, &hours, class.moment))
}

/// The wait of a ticket's customer, who has asked already; `None` when it has been answered, or should have been.
pub async fn of_ticket(app: &App, ticket: TicketId, now: Ts) -> sqlx::Result<Option<Estimate>> {
    let directory = directory::get(app).await?;
    let mut db = app.db.acquire().await?;
    let Some(ticket) = tickets::find(&mut db, ticket).await?.filter(|ticket| ticket.first_answered_at.is_none()) else { return Ok(None) };
    let (Some(channel), Some(asked)) = (directory.channel(ticket.channel_id), ticket.waiting_since) else { return Ok(None) };
    let ahead = ahead(&mut db, channel.kind, ticket.team_id, asked).await?;
    drop(db);
    // From when they asked: a page that is opened again later does not promise more time.
    let question = Question { kind: channel.kind, team: ticket.team_id, ahead, on_duty: 0 };
    let estimate = estimate(app, &question, asked).await?;
    let left = estimate.by.seconds_since(now);
    Ok((left > 0).then_some(Estimate { seconds: left, ..estimate }))
}

/// How many of the last week's questions wait for a first answer and came before `asked`; of the newest thousand that wait.
pub async fn ahead(db: &mut PgConnection, kind: ChannelKind, team: Option<TeamId>, asked: Ts) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from (
               select channel_id, team_id, first_answered_at from tickets
               where status in ('open', 'pending') and waiting_since < $1 and waiting_since > $1 - interval '7 days'
               order by waiting_since desc limit 1000) t
           where t.first_answered_at is null and ($3::bigint is null or t.team_id = $3)
             and t.channel_id in (select id from channels where kind = $2)"#,
        asked as Ts,
        kind as ChannelKind,
        team.map(|id| id.0)
    )
    .fetch_one(db)
    .await
}

/// Notes that an agent has given a ticket its first answer. `ticket` is as it was before; where nobody waited, nothing is noted.
pub async fn record(change: &mut Change, ticket: &Ticket, agent: AgentId) -> sqlx::Result<()> {
    let Some(asked) = ticket.waiting_since.filter(|_| ticket.first_answered_at.is_none()) else { return Ok(()) };
    let app = change.app.clone();
    let hours = directory::get_on(&app, change).await?.hours_of(ticket.team_id);
    let answer = FirstAnswer {
        ticket: ticket.id,
        channel: ticket.channel_id,
        team: ticket.team_id,
        agent: Some(agent),
        asked,
        answered: Ts::now(),
        open_seconds: hours.open_seconds_between(asked, Ts::now()),
    };
    insert(change, &answer).await
}

/// A first answer as its row tells it.
#[derive(Debug, Clone, Copy)]
pub struct FirstAnswer {
    pub ticket: TicketId,
    pub channel: ChannelId,
    pub team: Option<TeamId>,
    pub agent: Option<AgentId>,
    pub asked: Ts,
    pub answered: Ts,
    /// What of the time between the two lay in opening hours.
    pub open_seconds: i64,
}

/// Writes one, also of earlier times; a ticket has at most one.
pub async fn insert(db: &mut PgConnection, answer: &FirstAnswer) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into first_answers (ticket_id, channel_id, kind, team_id, agent_id, asked_at, answered_at, open_seconds)
         select $1, id, kind, $3, $4, $5, $6, $7 from channels where id = $2
         on conflict (ticket_id) do nothing",
        answer.ticket.0,
        answer.channel.0,
        answer.team.map(|id| id.0),
        answer.agent.map(|id| id.0),
        answer.asked as Ts,
        answer.answered as Ts,
        answer.open_seconds
    )
    .execute(db)
    .await?;
    Ok(())
}

/// After a reply was taken back: the first answer is the one that is left, if any.
pub async fn correct(change: &mut Change, ticket: &Ticket) -> sqlx::Result<()> {
    let left = sqlx::query!(
        "select m.created_at, m.agent_id, f.asked_at from first_answers f join messages m on m.ticket_id = f.ticket_id
         where f.ticket_id = $1 and m.direction = 'outbound' and not m.automatic order by m.id limit 1",
        ticket.id.0
    )
    .fetch_optional(&mut **change)
    .await?;
    sqlx::query!("delete from first_answers where ticket_id = $1", ticket.id.0).execute(&mut **change).await?;
    let Some(left) = left else { return Ok(()) };
    let app = change.app.clone();
    let hours = directory::get_on(&app, change).await?.hours_of(ticket.team_id);
    let (asked, answered) = (left.asked_at, left.created_at);
    let answer = FirstAnswer {
        ticket: ticket.id,
        channel: ticket.channel_id,
        team: ticket.team_id,
        agent: left.agent_id,
        asked,
        answered,
        open_seconds: hours.open_seconds_between(asked, answered),
    };
    insert(change, &answer).await
}
