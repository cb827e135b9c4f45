//! Call-backs: a customer waits for our call, and we said when. A ticket has at most one that is open; asking again moves it.
//!
//! While a call is owed, the row says when the desk acts next, and a job of that time acts: shortly before the time whoever is to call is
//! reminded; when the time has passed without a call, the leads are told, and the customer gets an honest letter with new times.

pub mod letters;
pub mod lists;
pub mod settings;
pub mod slots;
pub mod words;

use sqlx::PgConnection;

use crate::clock::Ts;
use crate::desk::agents::Agent;
use crate::desk::changes::{Actor, Change};
use crate::desk::channels;
use crate::desk::directory;
use crate::desk::events::Event;
use crate::desk::kinds::{CallBackState, ChannelKind, Priority, Status};
use crate::desk::tickets::{self, Ticket, update};
use crate::desk::waits;
use crate::ids::{AgentId, CallBackId, ChannelId, TicketId};
use crate::jobs::{self, Job};

pub use settings::Settings;
pub use slots::{BookError, Offer, Slot, book};

/// The longest note of a customer, in characters.
pub const MAX_NOTE: usize = 2_000;

/// A call-back as its row tells it.
#[derive(Debug, Clone)]
pub struct CallBack {
    pub id: CallBackId,
    pub ticket_id: TicketId,
    /// As it is dialled.
    pub phone: String,
    pub state: CallBackState,
    /// We said that we would call between these.
    pub from_at: Ts,
    pub until_at: Ts,
    /// Takes one of the places of its time.
    pub placed: bool,
    /// Calls that nobody answered.
    pub attempts: i16,
    /// The customer's, two letters.
    pub language: Option<String>,
    /// The customer's, an IANA name.
    pub time_zone: Option<String>,
    /// What it is about, as they said.
    pub note: String,
    /// Who has the receiver in hand.
    pub caller_id: Option<AgentId>,
    pub reminded_at: Option<Ts>,
    /// The time passed without a call.
    pub late_at: Option<Ts>,
    /// When the desk acts next.
    pub next_at: Option<Ts>,
    pub closed_at: Option<Ts>,
    pub created_at: Ts,
}

impl CallBack {
    /// Whether a call is owed.
    pub fn is_open(&self) -> bool {
        self.state == CallBackState::Wanted
    }

    /// Whether its time has passed without a call.
    pub fn is_late(&self, now: Ts) -> bool {
        self.is_open() && self.until_at <= now
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    pub ticket: TicketId,
    /// As it is dialled; see [`crate::text::phones`].
    pub phone: &'a str,
    /// When to call, and until when at the latest.
    pub from: Ts,
    pub until: Ts,
    /// Takes one of the places of its time; see [`book`].
    pub placed: bool,
    /// The customer's, two letters.
    pub language: Option<&'a str>,
    /// The customer's, an IANA name.
    pub time_zone: Option<&'a str>,
    /// What it is about; empty: what was known stays.
    pub note: &'a str,
    pub by: Actor,
}

impl<'a> Wanted<'a> {
    /// A call to this number in this time, for a customer of whom nothing else is known.
    pub fn new(ticket: TicketId, phone: &'a str, from: Ts, until: Ts) -> Self {
        Self { ticket, phone, from, until, placed: false, language: None, time_zone: None, note: "", by: Actor::Customer }
    }
}

/// Notes that a customer is to be called. Where a call is owed already, it moves to the new time and number.
///
/// Whoever waits for a call does not wait behind letters: the ticket becomes urgent enough, and one that was put aside comes back.
pub async fn ask(change: &mut Change, wanted: &Wanted<'_>) -> sqlx::Result<CallBackId> {
    let ticket = tickets::lock(change, wanted.ticket).await?.ok_or(sqlx::Error::RowNotFound)?;
    let (from, until) = (wanted.from, wanted.until.max(wanted.from.plus_seconds(60)));
    let note: String = wanted.note.trim().chars().take(MAX_NOTE).collect();
    let known = open_of(change, ticket.id).await?;
    let id = match &known {
        Some(known) => {
            sqlx::query!(
                "update call_backs set phone = $2, placed = $3, language = coalesce($4, language), time_zone = coalesce($5, time_zone),
                        note = case when $6 = '' then note else $6 end
                 where id = $1",
                known.id.0,
                wanted.phone,
                wanted.placed,
                wanted.language,
                wanted.time_zone,
                note
            )
            .execute(&mut **change)
            .await?;
            known.id
        }
        None => {
            sqlx::query_scalar!(
                r#"insert into call_backs (ticket_id, phone, from_at, until_at, placed, language, time_zone, note, next_at)
                   values ($1, $2, $3, $4, $5, $6, $7, $8, $3) returning id as "id: CallBackId""#,
                ticket.id.0,
                wanted.phone,
                from as Ts,
                until as Ts,
                wanted.placed,
                wanted.language.or(ticket.language.as_deref()),
                wanted.time_zone,
                note
            )
            .fetch_one(&mut **change)
            .await?
        }
    };
    set_time(change, id, from, until).await?;
    let event = match &known {
        Some(known) if known.phone == wanted.phone => Event::CallbackMoved { from, until },
        _ => Event::CallbackRequested { phone: wanted.phone.to_owned(), from: Some(from), until: Some(until) },
    };
    change.record(ticket.id, wanted.by, event).await?;
    if wanted.by == Actor::Customer {
        bring_back(change, &ticket).await?;
    }
    if ticket.priority < Priority::High {
        update::set_priority(change, Actor::System, ticket.id, Priority::High).await?;
    }
    Ok(id)
}

/// A ticket that waited for the customer waits for us now. Spam stays where it is.
async fn bring_back(change: &mut Change, ticket: &Ticket) -> sqlx::Result<()> {
    if ticket.status == Status::Spam {
        return Ok(());
    }
    sqlx::query!("update tickets set waiting_since = coalesce(waiting_since, now()), updated_at = now() where id = $1", ticket.id.0)
        .execute(&mut **change)
        .await?;
    update::set_status(change, Actor::Customer, ticket.id, Status::Open, None).await?;
    // A solved ticket comes back without anybody who waits; this one has somebody.
    sqlx::query!("update tickets set waiting_since = coalesce(waiting_since, now()) where id = $1", ticket.id.0)
        .execute(&mut **change)
        .await?;
    Ok(())
}

/// Gives a call its time; reminders begin anew.
async fn set_time(change: &mut Change, id: CallBackId, from: Ts, until: Ts) -> sqlx::Result<()> {
    let app = change.app.clone();
    let before = i64::from(directory::get_on(&app, change).await?.call_backs.remind_minutes) * 60;
    let next = from.plus_seconds(-before);
    sqlx::query!(
        "update call_backs set from_at = $2, until_at = $3, next_at = $4, reminded_at = null, late_at = null, caller_id = null where id = $1",
        id.0,
        from as Ts,
        until as Ts,
        next as Ts
    )
    .execute(&mut **change)
    .await?;
    change.push(&Job::CallBackStep { call_back: id }, next).await?;
    change.touch_calls();
    Ok(())
}

/// The call that is owed on a ticket. None is asked for while one is owed, so it is the newest.
pub async fn open_of(db: &mut PgConnection, ticket: TicketId) -> sqlx::Result<Option<CallBack>> {
    Ok(last_of(db, ticket).await?.filter(CallBack::is_open))
}

/// The newest call of a ticket, also one that is over.
pub async fn last_of(db: &mut PgConnection, ticket: TicketId) -> sqlx::Result<Option<CallBack>> {
    sqlx::query_as!(
        CallBack,
        r#"select id, ticket_id, phone, state, from_at, until_at, placed, attempts, language, time_zone, note, caller_id,
                  reminded_at, late_at, next_at, closed_at, created_at
           from call_backs where ticket_id = $1 order by id desc limit 1"#,
        ticket.0
    )
    .fetch_optional(db)
    .await
}

/// One call-back.
pub async fn find(db: &mut PgConnection, id: CallBackId) -> sqlx::Result<Option<CallBack>> {
    sqlx::query_as!(
        CallBack,
        r#"select id, ticket_id, phone, state, from_at, until_at, placed, attempts, language, time_zone, note, caller_id,
                  reminded_at, late_at, next_at, closed_at, created_at
           from call_backs where id = $1"#,
        id.0
    )
    .fetch_optional(db)
    .await
}

/// The ticket and its open call, held until the transaction ends.
async fn lock(change: &mut Change, ticket: TicketId) -> sqlx::Result<Option<(Ticket, CallBack)>> {
    // The ticket first, as everywhere.
    let Some(ticket) = tickets::lock(change, ticket).await? else { return Ok(None) };
    Ok(open_of(change, ticket.id).await?.map(|call| (ticket, call)))
}

/// An agent takes the receiver: colleagues see who calls, and a ticket without an owner becomes theirs. `None`: no call is owed, or
/// somebody else calls; then that is who.
pub async fn take(change: &mut Change, agent: &Agent, ticket: TicketId) -> sqlx::Result<Result<CallBack, Option<AgentId>>> {
    let Some((ticket, mut call)) = lock(change, ticket).await? else { return Ok(Err(None)) };
    if let Some(other) = call.caller_id.filter(|caller| *caller != agent.id) {
        return Ok(Err(Some(other)));
    }
    sqlx::query!("update call_backs set caller_id = $2 where id = $1", call.id.0, agent.id.0).execute(&mut **change).await?;
    call.caller_id = Some(agent.id);
    if ticket.assignee_id.is_none() {
        update::assign(change, Actor::Agent(agent.id), ticket.id, Some(agent.id)).await?;
    }
    change.touch(ticket.id);
    change.touch_calls();
    Ok(Ok(call))
}

/// The customer was reached, which is an answer as good as any. `false`: no call was owed.
pub async fn done(change: &mut Change, agent: &Agent, ticket: TicketId) -> sqlx::Result<bool> {
    let Some((ticket, call)) = lock(change, ticket).await? else { return Ok(false) };
    close(change, &call, CallBackState::Done, Actor::Agent(agent.id)).await?;
    change.record(ticket.id, Actor::Agent(agent.id), Event::CallbackDone {}).await?;
    waits::record(change, &ticket, agent.id).await?;
    sqlx::query!(
        "update tickets set waiting_since = null, first_answered_at = coalesce(first_answered_at, now()), updated_at = now() where id = $1",
        ticket.id.0
    )
    .execute(&mut **change)
    .await?;
    if ticket.assignee_id.is_none() {
        update::assign(change, Actor::Agent(agent.id), ticket.id, Some(agent.id)).await?;
    }
    Ok(true)
}

/// Nobody answered. With a next time the call stays owed; without one this was the last attempt, and the customer is written to.
/// `false`: no call was owed.
pub async fn not_reached(change: &mut Change, agent: &Agent, ticket: TicketId, next: Option<Slot>) -> sqlx::Result<bool> {
    let Some((ticket, mut call)) = lock(change, ticket).await? else { return Ok(false) };
    call.attempts += 1;
    sqlx::query!("update call_backs set attempts = $2, placed = false where id = $1", call.id.0, call.attempts)
        .execute(&mut **change)
        .await?;
    match next {
        Some(next) => set_time(change, call.id, next.from, next.until).await?,
        None => close(change, &call, CallBackState::NotReached, Actor::Agent(agent.id)).await?,
    }
    let event = Event::CallbackNotReached { attempt: call.attempts, next: next.map(|next| next.from) };
    change.record(ticket.id, Actor::Agent(agent.id), event).await?;
    if ticket.assignee_id.is_none() {
        update::assign(change, Actor::Agent(agent.id), ticket.id, Some(agent.id)).await?;
    }
    if next.is_none() {
        letters::not_reached(change, &ticket, &call).await?;
    }
    Ok(true)
}

/// The call will be at another time, whatever places are taken then. `false`: no call was owed.
pub async fn move_to(change: &mut Change, by: Actor, ticket: TicketId, to: Slot) -> sqlx::Result<bool> {
    let Some((ticket, call)) = lock(change, ticket).await? else { return Ok(false) };
    sqlx::query!("update call_backs set placed = true where id = $1", call.id.0).execute(&mut **change).await?;
    set_time(change, call.id, to.from, to.until).await?;
    change.record(ticket.id, by, Event::CallbackMoved { from: to.from, until: to.until }).await?;
    Ok(true)
}

/// The call is no longer wanted. The ticket stays as it is. `false`: no call was owed.
pub async fn withdraw(change: &mut Change, by: Actor, ticket: TicketId) -> sqlx::Result<bool> {
    let Some((ticket, call)) = lock(change, ticket).await? else { return Ok(false) };
    close(change, &call, CallBackState::Withdrawn, by).await?;
    change.record(ticket.id, by, Event::CallbackWithdrawn {}).await?;
    Ok(true)
}

async fn close(change: &mut Change, call: &CallBack, state: CallBackState, by: Actor) -> sqlx::Result<()> {
    sqlx::query!(
        "update call_backs set state = $2, closed_at = now(), closed_by = $3, next_at = null, placed = false where id = $1",
        call.id.0,
        state as CallBackState,
        by.agent().map(|id| id.0)
    )
    .execute(&mut **change)
    .await?;
    jobs::cancel(change, &Job::CallBackStep { call_back: call.id }).await?;
    change.touch_calls();
    Ok(())
}

/// Does what a call's moment asks for. Asked too early, twice or by several processes at once, it does no harm.
pub async fn step(change: &mut Change, id: CallBackId, now: Ts) -> sqlx::Result<()> {
    let Some(ticket) = find(change, id).await?.map(|call| call.ticket_id) else { return Ok(()) };
    let Some((ticket, call)) = lock(change, ticket).await?.filter(|(_, call)| call.id == id) else { return Ok(()) };
    if ticket.status == Status::Spam {
        close(change, &call, CallBackState::Withdrawn, Actor::System).await?;
        return Ok(());
    }
    let Some(next) = call.next_at else { return Ok(()) };
    if next > now {
        return change.push(&Job::CallBackStep { call_back: id }, next).await;
    }
    let late = call.until_at <= now;
    sqlx::query!(
        "update call_backs set reminded_at = coalesce(reminded_at, $2), late_at = case when $3 then $2 end,
                next_at = case when $3 then null else until_at end
         where id = $1",
        id.0,
        now as Ts,
        late
    )
    .execute(&mut **change)
    .await?;
    change.touch_calls();
    if late {
        change.record(ticket.id, Actor::System, Event::CallbackLate {}).await?;
        letters::late(change, &ticket, &call, now).await?;
        Ok(())
    } else {
        change.record(ticket.id, Actor::System, Event::CallbackDue {}).await?;
        change.push(&Job::CallBackStep { call_back: id }, call.until_at).await
    }
}

/// The channel that tickets of the call-back page belong to; made when the first one comes.
pub async fn channel(change: &mut Change) -> sqlx::Result<ChannelId> {
    channels::of_kind(change, ChannelKind::CallBack, ["Call-backs", "Call-back page"], &serde_json::json!({})).await
}
