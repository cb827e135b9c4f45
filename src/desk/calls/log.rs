//! What was said on the telephone: written down by whoever had the call, told by an exchange or not.

use sqlx::PgConnection;

use crate::clock::Ts;
use crate::desk::agents::Agent;
use crate::desk::call_backs;
use crate::desk::calls::{self, Call};
use crate::desk::changes::{Actor, Change};
use crate::desk::channels;
use crate::desk::contacts;
use crate::desk::directory;
use crate::desk::events::Event;
use crate::desk::kinds::{ChannelKind, Direction, IdentityKind, Status};
use crate::desk::networks::Extras;
use crate::desk::search;
use crate::desk::tickets::reply::{self, ReplyError};
use crate::desk::tickets::{self, Ticket, update};
use crate::desk::waits;
use crate::i18n::{self, Language};
use crate::ids::{CallId, ChannelId, ContactId, MessageId, TicketId};
use crate::text;

/// The longest account of a call, in characters.
pub const MAX_SAID: usize = 20_000;
/// The longest call that is written down by hand, in minutes.
pub const MAX_MINUTES: i32 = 24 * 60;

/// For so long, in seconds, a customer whose call was missed is to be called back.
const CALL_BACK: i64 = 3600;

/// What becomes of the ticket of a call that is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// There is more to do.
    Open,
    Solved,
    /// Somebody is to call the customer.
    CallBack,
}

/// What an agent writes down of a call.
#[derive(Debug, Clone)]
pub struct WriteUp {
    pub said: String,
    /// `None`: a new one.
    pub ticket: Option<TicketId>,
    pub then: Then,
}

/// Why nothing was written down.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("That ticket does not exist any more. Choose another one.")]
    NoTicket,
    #[error("Nobody knows whose call this was: there is no number. Choose a ticket.")]
    Nobody,
    #[error("The note was not kept: {0}.")]
    Note(ReplyError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Writes down what was said in a call. Sent twice, it is written once. Where the call has its place in a conversation already, it goes
/// there as a note.
pub async fn write_up(change: &mut Change, agent: &Agent, id: CallId, up: &WriteUp) -> Result<TicketId, LogError> {
    let call = calls::lock(change, id).await?.ok_or(sqlx::Error::RowNotFound)?;
    if let (Some(ticket), Some(message)) = (call.ticket_id, call.message_id) {
        let something = !up.said.trim().is_empty() || up.then != Then::Open;
        if something && !is_written(change, agent, ticket, message, &up.said).await? {
            add(change, agent, &call, ticket, up).await?;
        }
        return Ok(ticket);
    }
    let (contact, ticket) = match up.ticket {
        Some(id) => {
            let ticket = tickets::lock(change, id).await?.ok_or(LogError::NoTicket)?;
            (calls::contact(change, &call, call.told()).await?.unwrap_or(ticket.contact_id), ticket)
        }
        None => {
            let contact = calls::contact(change, &call, call.told()).await?.ok_or(LogError::Nobody)?;
            let id = begin(change, agent, &call, contact, &up.said).await?;
            (contact, tickets::lock(change, id).await?.ok_or(LogError::NoTicket)?)
        }
    };
    let message = insert(change, agent, &call, &ticket, &up.said).await?;
    sqlx::query!(
        "update calls set contact_id = $2, ticket_id = $3, message_id = $4, agent_id = coalesce(agent_id, $5), settled_at = now(), draft = '' where id = $1",
        id.0,
        contact.0,
        ticket.id.0,
        message.0,
        agent.id.0
    )
    .execute(&mut **change)
    .await?;
    change.touch_call(id);
    stand(change, agent, &call, &ticket, message, up).await?;
    Ok(ticket.id)
}

/// Whether an agent has written this of a call already: as its message, or as a note after it.
async fn is_written(change: &mut Change, agent: &Agent, ticket: TicketId, message: MessageId, said: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from messages where ticket_id = $1 and id >= $2 and direction = 'note' and agent_id = $3 and body = $4) as "written!""#,
        ticket.0,
        message.0,
        agent.id.0,
        said.trim_end()
    )
    .fetch_one(&mut **change)
    .await
}

/// What somebody writes of a call that the machine took, or that a colleague has written down.
async fn add(change: &mut Change, agent: &Agent, call: &Call, ticket: TicketId, up: &WriteUp) -> Result<(), LogError> {
    let ticket = tickets::lock(change, ticket).await?.ok_or(LogError::NoTicket)?;
    if !up.said.trim().is_empty() {
        reply::note_apart(change, agent, ticket.id, up.said.trim_end()).await.map_err(|error| match error {
            ReplyError::Database(error) => LogError::Database(error),
            other => LogError::Note(other),
        })?;
    }
    sqlx::query!("update calls set draft = '' where id = $1", call.id.0).execute(&mut **change).await?;
    change.touch_call(call.id);
    Ok(go_on(change, agent, call, &ticket, up.then).await?)
}

/// The ticket of a call that belongs to none.
async fn begin(change: &mut Change, agent: &Agent, call: &Call, contact: ContactId, said: &str) -> sqlx::Result<TicketId> {
    let channel = channels::find(change, call.channel_id).await?.ok_or(sqlx::Error::RowNotFound)?;
    let person = contacts::find(change, contact).await?.ok_or(sqlx::Error::RowNotFound)?;
    let language = person.language.or(channel.language);
    let first = said.lines().map(str::trim).find(|line| !line.is_empty()).map(|line| text::excerpts::excerpt(line, 80));
    let speaks = language.as_deref().and_then(Language::from_code).unwrap_or(Language::En);
    let id = sqlx::query_scalar!(
        r#"insert into tickets (channel_id, contact_id, subject, team_id, language, assignee_id, status)
           values ($1, $2, $3, $4, $5, $6, 'open') returning id as "id: TicketId""#,
        channel.id.0,
        contact.0,
        first.unwrap_or_else(|| i18n::text(speaks, "call-subject")),
        channel.team_id.map(|id| id.0),
        language,
        agent.id.0
    )
    .fetch_one(&mut **change)
    .await?;
    change.record(id, Actor::Agent(agent.id), Event::Created {}).await?;
    Ok(id)
}

/// The call's place in the conversation: a note, for what is written down of a call is for the team.
async fn insert(change: &mut Change, agent: &Agent, call: &Call, ticket: &Ticket, said: &str) -> sqlx::Result<MessageId> {
    let extras = Extras { call: Some(call.facts()), ..Extras::default() };
    let extras = serde_json::to_value(&extras).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let message = sqlx::query_scalar!(
        r#"insert into messages (ticket_id, channel_id, direction, agent_id, body, extras, sent_at)
           values ($1, $2, 'note', $3, $4, $5, $6) returning id as "id: MessageId""#,
        ticket.id.0,
        call.channel_id.0,
        agent.id.0,
        said.trim_end(),
        extras,
        call.answered_at.unwrap_or(call.started_at) as Ts
    )
    .fetch_one(&mut **change)
    .await?;
    let about = [&*ticket.subject, &*call.number, &*call.name, said];
    search::index(change, ticket.id, message, text::languages::detect(said), &about).await?;
    change.record(ticket.id, Actor::Agent(agent.id), Event::CallLogged { message }).await?;
    Ok(message)
}

/// Where the ticket stands afterwards. Who has talked to the customer owes them no answer any more.
async fn stand(change: &mut Change, agent: &Agent, call: &Call, ticket: &Ticket, message: MessageId, up: &WriteUp) -> sqlx::Result<()> {
    let talked = call.answered_at.is_some();
    let line = match text::excerpts::excerpt(&up.said, 200) {
        words if words.is_empty() => call.facts().in_words().to_owned(),
        words => words,
    };
    if talked {
        // Who was to be called has been talked to.
        call_backs::done(change, agent, ticket.id).await?;
        waits::record(change, ticket, agent.id).await?;
    }
    if !call.incoming && !talked {
        let app = change.app.clone();
        let next = call_backs::Offer::regardless(&*directory::get_on(&app, change).await?).next_attempt(Ts::now());
        // Without another time the customer would be written to that we gave up, which nobody has decided.
        if next.is_some() {
            call_backs::not_reached(change, agent, ticket.id, next).await?;
        }
    }
    // Whoever was talked to does not wait for the next word of ours.
    let direction = if call.incoming && !talked { Direction::Inbound } else { Direction::Outbound };
    sqlx::query!(
        "update tickets set message_count = message_count + 1, last_message_at = now(), excerpt = $2, last_direction = $3, updated_at = now(),
                waiting_since = case when $4 then null else waiting_since end,
                first_answered_at = case when $4 then coalesce(first_answered_at, now()) else first_answered_at end
         where id = $1",
        ticket.id.0,
        line,
        direction as Direction,
        talked
    )
    .execute(&mut **change)
    .await?;
    change.touch(ticket.id);
    if ticket.assignee_id.is_none() {
        update::assign(change, Actor::Agent(agent.id), ticket.id, Some(agent.id)).await?;
    }
    go_on(change, agent, call, ticket, up.then).await?;
    tracing::debug!(%message, "a call is written down");
    Ok(())
}

/// Does with the ticket what was chosen.
async fn go_on(change: &mut Change, agent: &Agent, call: &Call, ticket: &Ticket, then: Then) -> sqlx::Result<()> {
    let to = match (then, ticket.status) {
        (Then::Solved, _) => Status::Solved,
        (_, status @ (Status::Open | Status::Pending)) => status,
        _ => Status::Open,
    };
    update::set_status(change, Actor::Agent(agent.id), ticket.id, to, None).await?;
    if then == Then::CallBack && !call.number.is_empty() {
        ask_call_back(change, ticket.id, &call.number, Actor::Agent(agent.id)).await?;
    }
    Ok(())
}

/// Asks that somebody calls a customer: within the hour, or when the shop opens. Where a call to this number is owed already, its time
/// stays, and so does any time that was agreed on and is still to come; only an agent puts another number to that.
pub(super) async fn ask_call_back(change: &mut Change, ticket: TicketId, phone: &str, by: Actor) -> sqlx::Result<()> {
    let owed = call_backs::open_of(change, ticket).await?;
    if owed.as_ref().is_some_and(|owed| owed.phone == phone) {
        return Ok(());
    }
    if let Some(agreed) = owed.filter(|owed| owed.placed && !owed.is_late(Ts::now())) {
        if by == Actor::Customer {
            return Ok(());
        }
        let wanted = call_backs::Wanted { placed: true, by, ..call_backs::Wanted::new(ticket, phone, agreed.from_at, agreed.until_at) };
        return call_backs::ask(change, &wanted).await.map(drop);
    }
    let app = change.app.clone();
    let directory = directory::get_on(&app, change).await?;
    let team = tickets::find(change, ticket).await?.and_then(|ticket| ticket.team_id);
    let (hours, now) = (directory.hours_of(team), Ts::now());
    let from = if hours.is_open(now) { now } else { hours.next_opening(now).unwrap_or(now) };
    let wanted = call_backs::Wanted { by, ..call_backs::Wanted::new(ticket, phone, from, from.plus_seconds(CALL_BACK)) };
    call_backs::ask(change, &wanted).await.map(drop)
}

/// Nobody has anything to write about a call.
pub async fn settle(change: &mut Change, id: CallId) -> sqlx::Result<()> {
    sqlx::query!("update calls set settled_at = coalesce(settled_at, now()) where id = $1", id.0).execute(&mut **change).await?;
    change.touch_call(id);
    Ok(())
}

/// An agent says that the call is theirs. `false`: somebody else has it.
pub async fn claim(change: &mut Change, agent: &Agent, id: CallId) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update calls set agent_id = $2, answered_at = coalesce(answered_at, now()),
                state = case when state = 'ringing' then 'active'::call_state else state end
         where id = $1 and (agent_id is null or agent_id = $2) and settled_at is null and (state <> 'ended' or answered_at is not null)",
        id.0,
        agent.id.0
    )
    .execute(&mut **change)
    .await?;
    change.touch_call(id);
    Ok(done.rows_affected() == 1)
}

/// An agent wants to see no more of a call.
pub async fn hide(change: &mut Change, agent: &Agent, id: CallId) -> sqlx::Result<()> {
    let row = sqlx::query!(
        r#"update calls set hidden_by = case when $2 = any(hidden_by) then hidden_by else hidden_by || $2 end,
                settled_at = case when state = 'ended' and agent_id = $2 then coalesce(settled_at, now()) else settled_at end
         where id = $1 returning id as "id: CallId""#,
        id.0,
        agent.id.0
    )
    .fetch_optional(&mut **change)
    .await?;
    if row.is_some() {
        change.touch_call(id);
    }
    Ok(())
}

/// Keeps what is typed about a call.
pub async fn save_draft(db: &mut PgConnection, agent: &Agent, id: CallId, words: &str) -> sqlx::Result<()> {
    sqlx::query!("update calls set draft = $3 where id = $1 and agent_id = $2 and settled_at is null", id.0, agent.id.0, words)
        .execute(db)
        .await?;
    Ok(())
}

/// A call that no exchange told of.
#[derive(Debug, Clone)]
pub struct ByHand {
    pub incoming: bool,
    /// In E.164, or empty.
    pub number: String,
    pub name: String,
    pub contact: Option<ContactId>,
    /// `None`: nobody answered.
    pub minutes: Option<i32>,
    /// A random id of the form.
    pub once: Option<String>,
}

/// Writes down a call that no exchange told of. The same form sent twice is one call.
pub async fn by_hand(change: &mut Change, agent: &Agent, call: &ByHand, up: &WriteUp) -> Result<(CallId, TicketId), LogError> {
    let channel = channel(change).await?;
    let contact = match (call.contact, call.number.is_empty()) {
        (Some(contact), false) => {
            contacts::add_identity(change, contact, IdentityKind::Phone, &call.number).await?;
            Some(contact)
        }
        (Some(contact), true) => Some(contact),
        (None, false) => Some(contacts::identify(change, IdentityKind::Phone, &call.number, &call.name, None).await?),
        (None, true) => None,
    };
    // Whoever we called and did not reach was not talked to.
    let now = Ts::now();
    let began = now.plus_seconds(-60 * i64::from(call.minutes.unwrap_or(0)));
    let id = sqlx::query_scalar!(
        r#"insert into calls (channel_id, provider_id, incoming, number, name, contact_id, agent_id, state, started_at, answered_at, ended_at, seconds)
           values ($1, 'hand:' || $10::text, $2, $3, $4, $5, $6, 'ended', $7::timestamptz, case when $8 then $7::timestamptz end, now(), case when $8 then $9::int end)
           on conflict (channel_id, provider_id) where provider_id is not null do update set provider_id = excluded.provider_id
           returning id as "id: CallId""#,
        channel.0,
        call.incoming,
        call.number,
        call.name,
        contact.map(|id| id.0),
        agent.id.0,
        began as Ts,
        call.minutes.is_some(),
        call.minutes.filter(|minutes| *minutes > 0).map(|minutes| minutes * 60),
        call.once
    )
    .fetch_one(&mut **change)
    .await?;
    let ticket = write_up(change, agent, id, up).await?;
    Ok((id, ticket))
}

/// The channel that calls written down by hand belong to: the shop's telephone, which is made when there is none.
async fn channel(change: &mut Change) -> sqlx::Result<ChannelId> {
    channels::of_kind(change, ChannelKind::Phone, ["Phone", "Phone calls"], &serde_json::json!({ "provider": "none" })).await
}

/// Somebody who may be meant.
#[derive(Debug, Clone)]
pub struct Suggestion {
    pub id: ContactId,
    pub name: String,
    pub number: Option<String>,
    pub email: Option<String>,
}

/// Who may be meant by a number or a piece of a name or address; at most `limit`. A number is looked for in every form.
pub async fn suggest(db: &mut PgConnection, typed: &str, limit: i64) -> sqlx::Result<Vec<Suggestion>> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Ok(Vec::new());
    }
    let country = calls::country(db).await?;
    let digits: String = typed.chars().filter(char::is_ascii_digit).collect();
    let is_number = typed.chars().all(|c| c.is_ascii_digit() || " +-./()".contains(c)) && digits.len() >= 3;
    let whole = text::phones::normalise(typed, &country);
    // What is typed so far may be the beginning of a number in either form.
    let beginnings = if is_number {
        let bare = digits.strip_prefix("00").unwrap_or(&digits);
        let zero = digits.strip_prefix('0').unwrap_or(&digits);
        let mut all = vec![format!("+{bare}%"), format!("+{country}{digits}%"), format!("+{country}{zero}%")];
        all.extend(whole.map(|number| format!("{number}%")));
        all
    } else {
        vec![format!("{}%", contacts::escape_like(&typed.to_lowercase()))]
    };
    sqlx::query_as!(
        Suggestion,
        r#"select c.id, c.name,
                  (select address from identities i where i.contact_id = c.id and i.kind = 'phone' order by i.id limit 1) as number,
                  (select address from identities i where i.contact_id = c.id and i.kind = 'email' order by i.id limit 1) as email
           from contacts c
           where c.merged_into is null
             and (c.id in (select contact_id from identities where address like any($1) limit 500) or (not $2 and c.name ilike '%' || $3 || '%'))
           order by c.updated_at desc, c.id desc limit $4"#,
        &beginnings,
        is_number,
        contacts::escape_like(typed),
        limit
    )
    .fetch_all(db)
    .await
}
