//! Telephone calls: the log, one call, and what is done with a call while it rings, runs, or has just ended.

mod by_hand;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use crate::app::App;
use crate::clock::Ts;
use crate::desk::agents::Agent;
use crate::desk::calls;
use crate::desk::calls::log::{self, LogError, Then, WriteUp};
use crate::desk::calls::shown::{self, Line, Part, Shown};
use crate::desk::changes::Change;
use crate::desk::kinds::CallState;
use crate::http::cards::{Card, state_words};
use crate::http::flash::Flash;
use crate::http::page::{Icon, Shell, came_from, icon};
use crate::http::{Error, Form, Path, Query, Result};
use crate::ids::{CallId, TicketId};

/// Calls on a page.
const PAGE: usize = 50;
const LIMIT: i64 = 51;
/// What the log can be narrowed to.
const PARTS: [(&str, &str); 3] = [("", "All"), ("missed", "Missed"), ("mine", "Mine")];

/// The routes of calls.
pub fn router() -> Router<App> {
    Router::new()
        .route("/calls", get(list))
        .route("/calls/new", get(by_hand::show).post(by_hand::save))
        .route("/calls/people.json", get(by_hand::people))
        .route("/calls/{id}", get(show))
        .route("/calls/{id}/take", post(take))
        .route("/calls/{id}/hide", post(hide))
        .route("/calls/{id}/draft", post(save_draft))
        .route("/calls/{id}/log", post(write_up))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ListQuery {
    show: String,
    before: String,
}

#[derive(Template)]
#[template(path = "screens/calls/list.html")]
struct ListPage<'a> {
    shell: &'a Shell,
    show: &'static str,
    running: Vec<Line>,
    calls: Vec<Line>,
    next: Option<CallId>,
    /// Something tells of calls already, or could.
    connected: bool,
}

impl ListPage<'_> {
    fn icon(&self, line: &Line) -> Icon {
        icon(match (line.incoming, line.is_missed(), line.recording.is_some()) {
            (_, true, true) => "voicemail",
            (_, true, false) => "phone-missed",
            (true, ..) => "phone-incoming",
            (false, ..) => "phone-outgoing",
        })
    }

    fn state(&self, line: &Line) -> &'static str {
        match (line.state, line.incoming, line.answered_at.is_some()) {
            (CallState::Ringing, true, _) => "Rings",
            (CallState::Ringing, false, _) => "We are calling",
            (CallState::Active, ..) => "On the line",
            (CallState::Ended, ..) if line.refused => "Refused",
            (CallState::Ended, true, false) if line.recording.is_some() => "Voicemail",
            (CallState::Ended, true, false) if line.is_missed() => "Missed",
            (CallState::Ended, true, false) => "Forwarded",
            (CallState::Ended, true, true) => "Answered",
            (CallState::Ended, false, true) => "Called",
            (CallState::Ended, false, false) => "Not reached",
        }
    }

    fn to_write(&self, line: &Line) -> bool {
        !line.settled && line.answered_at.is_some() && line.agent_id.is_none_or(|agent| agent == self.shell.agent.id)
    }
}

async fn list(State(app): State<App>, Query(query): Query<ListQuery>, shell: Shell) -> Result<Response> {
    let (show, part) = match &*query.show {
        "missed" => ("missed", Part::Missed),
        "mine" => ("mine", Part::Of(shell.agent.id)),
        _ => ("", Part::All),
    };
    let before = query.before.parse().ok().map(CallId);
    let mut db = app.db.acquire().await?;
    let mut found = shown::list(&mut db, part, before, LIMIT).await?;
    let more = found.len() > PAGE;
    found.truncate(PAGE);
    let next = found.last().filter(|_| more).map(|line| line.id);
    let now = Ts::now();
    // What an exchange never ended is no news.
    let runs = |line: &Line| line.state != CallState::Ended && now.seconds_since(line.started_at) < 12 * 3600;
    let (running, calls) = found.into_iter().partition(|line| before.is_none() && runs(line));
    let connected = calls::rings(&shell.directory);
    shell.render(&ListPage { shell: &shell, show, running, calls, next, connected })
}

#[derive(Template)]
#[template(path = "screens/calls/show.html")]
struct ShowPage<'a> {
    shell: &'a Shell,
    one: Shown,
    error: Option<String>,
}

impl ShowPage<'_> {
    fn card(&self) -> Card<'_> {
        Card { shell: self.shell, one: &self.one, spot: "page" }
    }

    fn summary(&self) -> String {
        let at = self
            .one
            .call
            .started_at
            .0
            .to_zoned(jiff::tz::TimeZone::get(&self.shell.directory.shop.time_zone).unwrap_or(jiff::tz::TimeZone::UTC));
        let words = state_words(&self.one, self.shell);
        let way = if self.one.call.incoming { "Came in" } else { "Made" };
        format!("{way} on {}: {words}.", at.strftime("%A %-d %B, %H:%M"))
    }
}

async fn show(State(app): State<App>, Path(id): Path<CallId>, shell: Shell) -> Result<Response> {
    show_with(&app, &shell, id, None).await
}

async fn show_with(app: &App, shell: &Shell, id: CallId, error: Option<String>) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    let call = calls::find(&mut db, id).await?.ok_or(Error::NotFound)?;
    let one = shown::one(&mut db, call).await?;
    drop(db);
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    shell.render_as(status, &ShowPage { shell, one, error })
}

async fn take(State(app): State<App>, Path(id): Path<CallId>, headers: HeaderMap, agent: Agent) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    let call = calls::find(&mut change, id).await?.ok_or(Error::NotFound)?;
    let taken = log::claim(&mut change, &agent, id).await?;
    change.commit().await?;
    let back = came_from(&headers, "/calls");
    let words = match call.agent_id {
        _ if taken => "The call is yours.",
        Some(_) => "A colleague has this call already.",
        None => "This call is over.",
    };
    Ok(Flash::new(words).redirect(&back))
}

async fn hide(State(app): State<App>, Path(id): Path<CallId>, headers: HeaderMap, agent: Agent) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    log::hide(&mut change, &agent, id).await?;
    change.commit().await?;
    Ok(axum::response::Redirect::to(&came_from(&headers, "/calls")).into_response())
}

#[derive(Debug, Deserialize)]
struct DraftForm {
    #[serde(default)]
    said: String,
}

async fn save_draft(State(app): State<App>, Path(id): Path<CallId>, agent: Agent, Form(form): Form<DraftForm>) -> Result<StatusCode> {
    if form.said.chars().count() <= log::MAX_SAID {
        log::save_draft(&mut *app.db.acquire().await?, &agent, id, &form.said).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// What becomes of the ticket, as a button says it.
fn then(word: &str) -> Then {
    match word {
        "solved" => Then::Solved,
        "call_back" => Then::CallBack,
        _ => Then::Open,
    }
}

/// What was done, in one line.
fn told(ticket: TicketId, then: Then) -> Flash {
    Flash::new(match then {
        Then::Solved => format!("Written down; ticket #{ticket} is solved."),
        Then::Open => format!("Written down on ticket #{ticket}."),
        Then::CallBack => format!("Written down on ticket #{ticket}, with a call back due."),
    })
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct LogForm {
    said: String,
    ticket: String,
    then: String,
}

async fn write_up(
    State(app): State<App>,
    Path(id): Path<CallId>,
    headers: HeaderMap,
    shell: Shell,
    Form(form): Form<LogForm>,
) -> Result<Response> {
    let said = form.said.replace("\r\n", "\n").replace('\0', "");
    if said.chars().count() > log::MAX_SAID {
        return show_with(&app, &shell, id, Some(format!("Use at most {} characters.", log::MAX_SAID))).await;
    }
    let mut change = Change::begin(&app).await?;
    calls::find(&mut change, id).await?.ok_or(Error::NotFound)?;
    // It stays, whatever is wrong with the rest.
    let up = WriteUp { said: said.clone(), ticket: form.ticket.parse().ok().map(TicketId), then: then(&form.then) };
    let ticket = match log::write_up(&mut change, &shell.agent, id, &up).await {
        Ok(ticket) => ticket,
        Err(LogError::Database(error)) => return Err(error.into()),
        Err(error) => {
            drop(change);
            log::save_draft(&mut *app.db.acquire().await?, &shell.agent, id, &said).await?;
            return show_with(&app, &shell, id, Some(error.to_string())).await;
        }
    };
    change.commit().await?;
    let from = came_from(&headers, "/calls");
    let to = if from.starts_with("/calls/") { format!("/tickets/{ticket}") } else { from };
    Ok(told(ticket, up.then).redirect(&to))
}
