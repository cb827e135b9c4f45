//! Whom to call: the list, and what an agent does about one call.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use http::HeaderMap;
use jiff::Zoned;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;
use sqlx::PgConnection;

use crate::app::App;
use crate::clock::Ts;
use crate::desk::agents::Agent;
use crate::desk::call_backs::lists::{self, Row, View};
use crate::desk::call_backs::{self, CallBack, Offer, Slot, Wanted};
use crate::desk::calls;
use crate::desk::changes::{Actor, Change};
use crate::desk::directory;
use crate::desk::kinds::{CallBackState, Status};
use crate::desk::tickets::reply::{self, ReplyError};
use crate::desk::tickets::{self, Ticket, update};
use crate::http::flash::Flash;
use crate::http::page::{Shell, caller_name, came_from};
use crate::http::{Error, Form, Path, Query, Result};
use crate::ids::TicketId;
use crate::screens::inbox::{self, ViewLink};
use crate::text::phones::{self, Country};

/// Calls on one page.
const LIMIT: i64 = 200;
/// Times that a menu offers.
const TIMES: usize = 60;
/// How long a call that an agent plans for a moment of their own may take to begin, in seconds.
const LEEWAY: i64 = 30 * 60;

/// The routes of the list and of a ticket's call.
pub fn router() -> Router<App> {
    Router::new()
        .route("/inbox/call-backs", get(show))
        .route("/tickets/{id}/call", post(plan))
        .route("/tickets/{id}/call/take", post(take))
        .route("/tickets/{id}/call/done", post(done))
        .route("/tickets/{id}/call/missed", post(missed))
        .route("/tickets/{id}/call/move", post(move_to))
        .route("/tickets/{id}/call/withdraw", post(withdraw))
}

// -- the list ----------------------------------------------------------------------------------------------------------

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ListQuery {
    view: String,
}

/// Calls under one heading.
struct Group {
    title: String,
    late: bool,
    lines: Vec<Line>,
}

/// A line of the list.
struct Line {
    row: Row,
    /// "15:00–16:00" by the desk's clock.
    time: String,
    /// The same by the customer's, where it differs.
    theirs: Option<String>,
    name: String,
    number: String,
    owner: Option<String>,
    caller: Option<String>,
    late: bool,
}

#[derive(Template)]
#[template(path = "screens/call_backs.html")]
struct ListPage<'a> {
    shell: &'a Shell,
    links: Vec<ViewLink>,
    view: View,
    groups: Vec<Group>,
    /// Where customers ask for a call; `None`: calls are not offered.
    page: Option<String>,
}

impl ListPage<'_> {
    fn is(&self, view: &str) -> bool {
        self.view.as_str() == view
    }

    fn over(&self) -> bool {
        self.view == View::Over
    }
}

async fn show(State(app): State<App>, Query(query): Query<ListQuery>, shell: Shell) -> Result<Response> {
    let view = View::from_word(&query.view);
    let mut db = app.db.acquire().await?;
    let rows = lists::list(&mut db, shell.agent.id, view, LIMIT).await?;
    drop(db);
    let now = Ts::now();
    let zone = &shell.directory.hours.zone;
    let mut groups: Vec<Group> = Vec::new();
    for row in rows {
        let late = row.state == CallBackState::Wanted && row.until_at <= now;
        let title = match view {
            View::Over => day_title(row.closed_at.unwrap_or(row.until_at), now, zone),
            View::Open | View::Mine if late => "Overdue".to_owned(),
            View::Open | View::Mine if row.from_at <= now => "Now".to_owned(),
            View::Open | View::Mine => day_title(row.from_at, now, zone),
        };
        let line = line(&shell, row, late);
        match groups.last_mut().filter(|group| group.title == title) {
            Some(group) => group.lines.push(line),
            None => groups.push(Group { title, late, lines: vec![line] }),
        }
    }
    let offered = shell.directory.call_backs.offered.then(|| format!("{}/call-back", app.config.public_url()));
    let page = ListPage { shell: &shell, links: inbox::links(&shell, None, None), view, groups, page: offered };
    shell.render(&page)
}

fn line(shell: &Shell, row: Row, late: bool) -> Line {
    let zone = &shell.directory.hours.zone;
    let slot = Slot { from: row.from_at, until: row.until_at };
    Line {
        time: span(slot, zone),
        theirs: theirs(slot, zone, row.time_zone.as_deref()),
        name: caller_name(&row.contact_name, &row.phone),
        number: phones::spaced(&row.phone),
        owner: row.assignee_id.map(|id| shell.directory.agent(id).to_owned()),
        caller: row.caller_id.map(|id| shell.directory.agent(id).to_owned()),
        late,
        row,
    }
}

fn at(moment: Ts, zone: &TimeZone) -> Zoned {
    moment.0.to_zoned(zone.clone())
}

fn span(slot: Slot, zone: &TimeZone) -> String {
    format!("{}–{}", at(slot.from, zone).strftime("%H:%M"), at(slot.until, zone).strftime("%H:%M"))
}

/// The time by the customer's clock, where it shows another.
fn theirs(slot: Slot, desk: &TimeZone, zone: Option<&str>) -> Option<String> {
    let own = TimeZone::get(zone?).ok()?;
    let same = at(slot.from, &own).datetime() == at(slot.from, desk).datetime();
    (!same).then(|| span(slot, &own))
}

fn day_title(moment: Ts, now: Ts, zone: &TimeZone) -> String {
    let (day, today) = (at(moment, zone).date(), at(now, zone).date());
    match today.until(day).map_or(i32::MAX, |span| span.get_days()) {
        0 => "Today".to_owned(),
        1 => "Tomorrow".to_owned(),
        -1 => "Yesterday".to_owned(),
        _ => at(moment, zone).strftime("%A %-d %B").to_string(),
    }
}

// -- the bar on a ticket -----------------------------------------------------------------------------------------------

/// A time to choose in a menu.
pub(crate) struct Time {
    pub value: String,
    pub label: String,
}

/// What a ticket's page shows of calls.
pub(crate) struct CallBar {
    /// The call that is owed.
    pub call: Option<CallBack>,
    /// "today, 15:00–16:00".
    pub when: String,
    pub theirs: Option<String>,
    pub number: String,
    /// Who has the receiver in hand; oneself is "You".
    pub caller: Option<String>,
    pub late: bool,
    /// When one would try again.
    pub next: Option<Time>,
    /// The attempts that the shop makes are used up with this one.
    pub last: bool,
    pub times: Vec<Time>,
    /// Whom a new call would reach.
    pub phone: String,
}

impl CallBar {
    /// Reads it; `None` where the shop does not call and no call is owed.
    pub(crate) async fn load(db: &mut PgConnection, shell: &Shell, ticket: &Ticket, phone: Option<&str>) -> sqlx::Result<Option<Self>> {
        let call = call_backs::open_of(db, ticket.id).await?;
        if call.is_none() && !shell.directory.call_backs.offered {
            return Ok(None);
        }
        let now = Ts::now();
        let zone = &shell.directory.hours.zone;
        let offer = Offer::regardless(&shell.directory);
        let slots = if call.is_some() { offer.all(db, ticket.id, now).await? } else { offer.plain(now) };
        let times = slots.into_iter().take(TIMES).map(|(slot, full)| time(slot, full, now, zone)).collect();
        let mut bar = Self {
            when: String::new(),
            theirs: None,
            number: String::new(),
            caller: None,
            late: false,
            next: offer.next_attempt(now).map(|slot| time(slot, false, now, zone)),
            last: false,
            times,
            phone: phone.unwrap_or_default().to_owned(),
            call: None,
        };
        if let Some(call) = call {
            let slot = Slot { from: call.from_at, until: call.until_at };
            bar.when = format!("{}, {}", day_title(call.from_at, now, zone).to_lowercase_first(), span(slot, zone));
            bar.theirs = theirs(slot, zone, call.time_zone.as_deref());
            bar.number = phones::spaced(&call.phone);
            bar.caller =
                call.caller_id.map(|id| if id == shell.agent.id { "You".to_owned() } else { shell.directory.agent(id).to_owned() });
            bar.late = call.is_late(now);
            bar.last = i64::from(call.attempts) + 1 >= i64::from(shell.directory.call_backs.attempts);
            bar.phone.clone_from(&call.phone);
            bar.call = Some(call);
        }
        Ok(Some(bar))
    }
}

trait LowercaseFirst {
    fn to_lowercase_first(&self) -> String;
}

impl LowercaseFirst for String {
    /// "Today" within a sentence; names of days keep their capital.
    fn to_lowercase_first(&self) -> String {
        match self.as_str() {
            "Today" | "Tomorrow" | "Yesterday" => self.to_lowercase(),
            _ => self.clone(),
        }
    }
}

fn time(slot: Slot, full: bool, now: Ts, zone: &TimeZone) -> Time {
    let label = format!("{}, {}", day_title(slot.from, now, zone), span(slot, zone));
    Time { value: slot.from.0.as_second().to_string(), label: if full { format!("{label} (full)") } else { label } }
}

// -- what an agent does ------------------------------------------------------------------------------------------------

async fn begin(app: &App, agent: &Agent, id: TicketId) -> Result<(Change, Ticket)> {
    let mut change = Change::begin(app).await?;
    let ticket = tickets::load(&mut change, agent, id).await?.ok_or(Error::NotFound)?;
    Ok((change, ticket))
}

fn back(headers: &HeaderMap, id: TicketId) -> String {
    came_from(headers, &format!("/tickets/{id}"))
}

fn nothing_owed() -> Error {
    Error::BadRequest("No call is owed on this ticket any more: a colleague or the customer settled it. Reload the page.".into())
}

/// A time as a form sends it: one of the offered slots, or `at` for a moment of one's own by the desk's clock.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct TimeForm {
    time: String,
    at: String,
}

impl TimeForm {
    /// The slot; the end is the slot's, or half an hour later for a moment of one's own.
    async fn slot(&self, app: &App, now: Ts) -> Result<Slot> {
        let directory = directory::get(app).await?;
        let offer = Offer::regardless(&directory);
        let choose = || Error::BadRequest("Choose a time that is still to come.".into());
        if !self.at.trim().is_empty() {
            let local: DateTime = self.at.trim().parse().map_err(|_| choose())?;
            let from = local.to_zoned(directory.hours.zone.clone()).map_err(|_| choose())?;
            let from = Ts(from.timestamp());
            let near = from > now.plus_seconds(-60) && from < now.plus_seconds(366 * 86_400);
            return if near { Ok(Slot { from, until: from.plus_seconds(LEEWAY) }) } else { Err(choose()) };
        }
        let from = self.time.parse().ok().and_then(|second| jiff::Timestamp::from_second(second).ok()).map(Ts).ok_or_else(choose)?;
        if from <= now.plus_seconds(-offer.settings.slot_seconds()) || from > now.plus_seconds(366 * 86_400) {
            return Err(choose());
        }
        Ok(Slot { from, until: from.plus_seconds(offer.settings.slot_seconds()) })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PlanForm {
    phone: String,
    time: String,
    at: String,
}

/// An agent plans a call.
async fn plan(
    State(app): State<App>,
    Path(id): Path<TicketId>,
    headers: HeaderMap,
    agent: Agent,
    Form(form): Form<PlanForm>,
) -> Result<Response> {
    let now = Ts::now();
    let slot = TimeForm { time: form.time, at: form.at }.slot(&app, now).await?;
    let (mut change, _) = begin(&app, &agent, id).await?;
    let country = calls::country(&mut change).await?;
    let phone = phones::dialled(&form.phone, Country::of_code(&country))
        .map_err(|_| Error::BadRequest("Enter the whole number with its country, such as +39 333 1234567.".into()))?;
    let wanted = Wanted { placed: true, by: Actor::Agent(agent.id), ..Wanted::new(id, &phone, slot.from, slot.until) };
    call_backs::ask(&mut change, &wanted).await?;
    change.commit().await?;
    Ok(Flash::new("The call is planned. Whoever owns the ticket is reminded.").redirect(&back(&headers, id)))
}

/// An agent takes the receiver.
async fn take(State(app): State<App>, Path(id): Path<TicketId>, headers: HeaderMap, agent: Agent) -> Result<Response> {
    let (mut change, _) = begin(&app, &agent, id).await?;
    match call_backs::take(&mut change, &agent, id).await? {
        Ok(_) => {
            change.commit().await?;
            Ok(Flash::new("You are calling; your colleagues see it.").redirect(&back(&headers, id)))
        }
        Err(Some(other)) => {
            let name = directory::get(&app).await?.agent(other).to_owned();
            Ok(Flash::new(format!("{name} is calling already.")).redirect(&back(&headers, id)))
        }
        Err(None) => Err(nothing_owed()),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct DoneForm {
    words: String,
    /// `solve` or `open`.
    then: String,
}

/// The customer was reached: what was said becomes a note.
async fn done(
    State(app): State<App>,
    Path(id): Path<TicketId>,
    headers: HeaderMap,
    agent: Agent,
    Form(form): Form<DoneForm>,
) -> Result<Response> {
    let (mut change, _) = begin(&app, &agent, id).await?;
    if !call_backs::done(&mut change, &agent, id).await? {
        return Err(nothing_owed());
    }
    let words = form.words.trim();
    if !words.is_empty() {
        match reply::note_apart(&mut change, &agent, id, &format!("On the phone: {words}")).await {
            Ok(_) => {}
            Err(ReplyError::Database(error)) => return Err(error.into()),
            Err(error) => return Err(Error::BadRequest(format!("The note was not kept: {error}."))),
        }
    }
    let (status, flash) = match &*form.then {
        "open" => (Status::Open, "Noted."),
        _ => (Status::Solved, "Noted, and solved."),
    };
    update::set_status(&mut change, Actor::Agent(agent.id), id, status, None).await?;
    change.commit().await?;
    Ok(Flash::new(flash).redirect(&back(&headers, id)))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct MissedForm {
    /// `last`, or a time as in [`TimeForm`].
    time: String,
    at: String,
}

/// Nobody answered.
async fn missed(
    State(app): State<App>,
    Path(id): Path<TicketId>,
    headers: HeaderMap,
    agent: Agent,
    Form(form): Form<MissedForm>,
) -> Result<Response> {
    let next = match &*form.time {
        "last" => None,
        _ => Some(TimeForm { time: form.time, at: form.at }.slot(&app, Ts::now()).await?),
    };
    let (mut change, _) = begin(&app, &agent, id).await?;
    if !call_backs::not_reached(&mut change, &agent, id, next).await? {
        return Err(nothing_owed());
    }
    change.commit().await?;
    let zone = directory::get(&app).await?.hours.zone.clone();
    let words = match next {
        Some(slot) => format!("Noted. The next attempt is {}.", at(slot.from, &zone).strftime("%a %-d %b, %H:%M")),
        None => "Noted. The customer is written to and can choose another time.".to_owned(),
    };
    Ok(Flash::new(words).redirect(&back(&headers, id)))
}

/// The call will be at another time; the customer is told.
async fn move_to(
    State(app): State<App>,
    Path(id): Path<TicketId>,
    headers: HeaderMap,
    agent: Agent,
    Form(form): Form<TimeForm>,
) -> Result<Response> {
    let now = Ts::now();
    let slot = form.slot(&app, now).await?;
    let (mut change, ticket) = begin(&app, &agent, id).await?;
    if !call_backs::move_to(&mut change, Actor::Agent(agent.id), id, slot).await? {
        return Err(nothing_owed());
    }
    let told = match call_backs::open_of(&mut change, id).await? {
        Some(call) => call_backs::letters::agreed(&mut change, &ticket, &call, now).await?,
        None => false,
    };
    change.commit().await?;
    let words = if told {
        "The call is moved, and the customer told."
    } else {
        "The call is moved. We know no mail address: the customer is not told."
    };
    Ok(Flash::new(words).redirect(&back(&headers, id)))
}

/// The call is no longer wanted.
async fn withdraw(State(app): State<App>, Path(id): Path<TicketId>, headers: HeaderMap, agent: Agent) -> Result<Response> {
    let (mut change, _) = begin(&app, &agent, id).await?;
    if !call_backs::withdraw(&mut change, Actor::Agent(agent.id), id).await? {
        return Err(nothing_owed());
    }
    change.commit().await?;
    Ok(Flash::new("The call is withdrawn. The ticket stays as it is.").redirect(&back(&headers, id)))
}
