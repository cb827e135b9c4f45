//! Changing a ticket: one form per property.

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use jiff::ToSpan as _;
use jiff::civil::{DateTime, Weekday};
use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::app::App;
use crate::clock::Ts;
use crate::database;
use crate::desk::agents::Agent;
use crate::desk::changes::{Actor, Change};
use crate::desk::kinds::{Priority, Status};
use crate::desk::tickets::list::View;
use crate::desk::tickets::update;
use crate::desk::{directory, teams};
use crate::http::flash::Flash;
use crate::http::{Error, Form, Path, Result};
use crate::ids::{AgentId, TagId, TeamId, TicketId};
use crate::screens::tickets::{came_from, permitted};

async fn begin(app: &App, agent: &Agent, id: TicketId) -> Result<Change> {
    let mut change = Change::begin(app).await?;
    permitted(&mut change, agent, id).await?;
    Ok(change)
}

/// Choosing somebody or something that has been removed meanwhile is the user's problem to know, not an error of ours.
fn gone(error: sqlx::Error) -> Error {
    match database::on_constraint(&error) {
        Some("tickets_assignee_id_fkey") => {
            Error::BadRequest("This person is no longer here. Reload the page and choose somebody else.".into())
        }
        Some("tickets_team_id_fkey") => Error::BadRequest("This team no longer exists. Reload the page and choose another.".into()),
        _ => error.into(),
    }
}

/// The status form.
#[derive(Debug, Deserialize)]
pub struct StatusForm {
    status: String,
    /// The list on which it was changed, where that was no ticket's page.
    #[serde(default)]
    back: String,
}

/// Moves the ticket to another status.
pub async fn set_status(
    State(app): State<App>,
    Path(id): Path<TicketId>,
    headers: HeaderMap,
    agent: Agent,
    Form(form): Form<StatusForm>,
) -> Result<Response> {
    let status: Status = form.status.parse().map_err(|_| Error::BadRequest("Choose one of the listed statuses.".into()))?;
    let mut change = begin(&app, &agent, id).await?;
    if status != Status::Snoozed {
        update::set_status(&mut change, Actor::Agent(agent.id), id, status, None).await?;
    }
    change.commit().await?;
    let words = match status {
        Status::Solved => format!("#{id} is solved."),
        Status::Spam => format!("#{id} is in the spam folder. Nothing was deleted."),
        Status::Open | Status::Pending | Status::Snoozed => format!("#{id} is {}.", status.label().to_lowercase()),
    };
    let to = match View::from_slug(&form.back) {
        Some(view) => format!("/inbox/{}", view.slug()),
        None => came_from(&headers, id),
    };
    Ok(Flash::new(words).redirect(&to))
}

/// The snooze form: one of the offered moments, or `at` with a moment of one's own in the shop's time zone.
#[derive(Debug, Deserialize)]
pub struct SnoozeForm {
    until: String,
    #[serde(default)]
    at: String,
}

/// Puts the ticket aside until a moment.
pub async fn snooze(
    State(app): State<App>,
    Path(id): Path<TicketId>,
    headers: HeaderMap,
    agent: Agent,
    Form(form): Form<SnoozeForm>,
) -> Result<Response> {
    let zone = directory::get(&app).await?.shop.time_zone.clone();
    let now = Ts::now();
    let until = snooze_until(&form.until, &form.at, now, &zone)
        .filter(|until| *until > now)
        .ok_or_else(|| Error::BadRequest("Choose a day and a time in the future.".into()))?;
    let mut change = begin(&app, &agent, id).await?;
    update::set_status(&mut change, Actor::Agent(agent.id), id, Status::Snoozed, Some(until)).await?;
    change.commit().await?;
    let zone = TimeZone::get(&zone).unwrap_or(TimeZone::UTC);
    let words = format!("#{id} sleeps until {}.", until.0.to_zoned(zone).strftime("%a %-d %b, %H:%M"));
    Ok(Flash::new(words).redirect(&came_from(&headers, id)))
}

/// When a snooze ends: days begin at nine in the shop's time zone.
pub fn snooze_until(choice: &str, at: &str, now: Ts, zone: &str) -> Option<Ts> {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let local = now.0.to_zoned(zone.clone());
    let morning = |days: i64| local.date().checked_add(days.days()).ok()?.at(9, 0, 0, 0).to_zoned(zone.clone()).ok();
    let until = match choice {
        "3h" => local.checked_add(3.hours()).ok()?,
        "tomorrow" => morning(1)?,
        "monday" => {
            morning(i64::from(local.weekday().until(Weekday::Monday)).max(0) + if local.weekday() == Weekday::Monday { 7 } else { 0 })?
        }
        "week" => morning(7)?,
        "at" => at.parse::<DateTime>().ok()?.to_zoned(zone.clone()).ok()?,
        _ => return None,
    };
    Some(Ts(until.timestamp()))
}

/// The assignee form; empty stands for nobody.
#[derive(Debug, Deserialize)]
pub struct AssigneeForm {
    assignee: String,
}

/// Gives the ticket to somebody or to nobody.
pub async fn assign(
    State(app): State<App>,
    Path(id): Path<TicketId>,
    headers: HeaderMap,
    agent: Agent,
    Form(form): Form<AssigneeForm>,
) -> Result<Response> {
    let to = form.assignee.parse().ok().map(AgentId);
    let mut change = begin(&app, &agent, id).await?;
    update::assign(&mut change, Actor::Agent(agent.id), id, to).await.map_err(gone)?;
    change.commit().await?;
    let directory = directory::get(&app).await?;
    let words = match to {
        None => format!("#{id} is for anyone to take."),
        Some(to) if to == agent.id => format!("#{id} is yours."),
        Some(to) => format!("#{id} now belongs to {}.", directory.agent(to)),
    };
    Ok(Flash::new(words).redirect(&came_from(&headers, id)))
}

/// The team form; empty stands for none.
#[derive(Debug, Deserialize)]
pub struct TeamForm {
    team: String,
}

/// Moves the ticket to a team or out of one.
pub async fn set_team(
    State(app): State<App>,
    Path(id): Path<TicketId>,
    headers: HeaderMap,
    agent: Agent,
    Form(form): Form<TeamForm>,
) -> Result<Response> {
    let to = form.team.parse().ok().map(TeamId);
    let mut change = begin(&app, &agent, id).await?;
    update::set_team(&mut change, Actor::Agent(agent.id), id, to).await.map_err(gone)?;
    change.commit().await?;
    let directory = directory::get(&app).await?;
    let words = to.map_or_else(|| format!("#{id} belongs to no team."), |to| format!("#{id} is with {}.", directory.team(to)));
    Ok(Flash::new(words).redirect(&came_from(&headers, id)))
}

/// The priority form.
#[derive(Debug, Deserialize)]
pub struct PriorityForm {
    priority: String,
}

/// Changes how urgent the ticket is.
pub async fn set_priority(
    State(app): State<App>,
    Path(id): Path<TicketId>,
    headers: HeaderMap,
    agent: Agent,
    Form(form): Form<PriorityForm>,
) -> Result<Response> {
    let priority: Priority = form.priority.parse().map_err(|_| Error::BadRequest("Choose one of the listed priorities.".into()))?;
    let mut change = begin(&app, &agent, id).await?;
    update::set_priority(&mut change, Actor::Agent(agent.id), id, priority).await?;
    change.commit().await?;
    Ok(Flash::new(format!("The priority of #{id} is {}.", priority.label().to_lowercase())).redirect(&came_from(&headers, id)))
}

/// The tags form: those that are ticked, and the name of a new one.
#[derive(Debug, Deserialize)]
pub struct TagsForm {
    #[serde(default)]
    tag: Vec<TagId>,
    #[serde(default)]
    new: String,
    /// The tags that the form offered: another agent's newer tag is not taken off by a form that did not know it.
    #[serde(default)]
    offered: Vec<TagId>,
}

/// Puts the ticked tags on and takes the others off.
pub async fn set_tags(
    State(app): State<App>,
    Path(id): Path<TicketId>,
    headers: HeaderMap,
    agent: Agent,
    Form(form): Form<TagsForm>,
) -> Result<Response> {
    let by = Actor::Agent(agent.id);
    let mut change = Change::begin(&app).await?;
    let ticket = permitted(&mut change, &agent, id).await?;
    let mut wanted = form.tag.clone();
    let new: String = form.new.split_whitespace().collect::<Vec<_>>().join(" ");
    if new.chars().count() > 40 {
        return Err(Error::BadRequest("A tag has at most 40 characters.".into()));
    }
    if !new.is_empty() {
        wanted.push(teams::ensure_tag(&mut change, &new).await?);
        change.touch_settings();
    }
    for tag in ticket.tag_ids.iter().filter(|tag| !wanted.contains(tag) && form.offered.contains(tag)) {
        update::untag(&mut change, by, id, *tag).await?;
    }
    let known = directory::get(&app).await?;
    for tag in wanted.iter().filter(|tag| !ticket.tag_ids.contains(tag)) {
        if new.is_empty() && !known.tags.iter().any(|each| each.id == *tag) {
            return Err(Error::BadRequest("This tag no longer exists. Reload the page and choose another.".into()));
        }
        update::tag(&mut change, by, id, *tag).await?;
    }
    change.commit().await?;
    Ok(Flash::new(format!("The tags of #{id} are set.")).redirect(&came_from(&headers, id)))
}

/// The subject form.
#[derive(Debug, Deserialize)]
pub struct SubjectForm {
    subject: String,
}

/// Changes what the ticket is called.
pub async fn set_subject(
    State(app): State<App>,
    Path(id): Path<TicketId>,
    headers: HeaderMap,
    agent: Agent,
    Form(form): Form<SubjectForm>,
) -> Result<Response> {
    let subject: String = form.subject.split_whitespace().collect::<Vec<_>>().join(" ");
    if subject.is_empty() || subject.chars().count() > 300 {
        return Err(Error::BadRequest("A subject has 1 to 300 characters.".into()));
    }
    let mut change = begin(&app, &agent, id).await?;
    update::set_subject(&mut change, Actor::Agent(agent.id), id, &subject).await?;
    change.commit().await?;
    Ok(Flash::new("The subject is changed.").redirect(&came_from(&headers, id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snoozes_end_in_the_morning_of_the_shop() {
        // Friday, 16:30 in Rome.
        let now = Ts("2026-11-20T15:30:00Z".parse().expect("a timestamp"));
        let until = |choice, at| snooze_until(choice, at, now, "Europe/Rome").map(Ts::rfc3339);
        assert_eq!(until("3h", "").as_deref(), Some("2026-11-20T18:30:00Z"));
        assert_eq!(until("tomorrow", "").as_deref(), Some("2026-11-21T08:00:00Z"));
        assert_eq!(until("monday", "").as_deref(), Some("2026-11-23T08:00:00Z"));
        assert_eq!(until("week", "").as_deref(), Some("2026-11-27T08:00:00Z"));
        assert_eq!(until("at", "2026-12-24T18:15").as_deref(), Some("2026-12-24T17:15:00Z"));
        assert_eq!(until("at", "soon"), None);
        assert_eq!(until("never", ""), None);
    }
}
