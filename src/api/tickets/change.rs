//! `PATCH /tickets/{id}`: everything that an agent may change about a ticket besides speaking.

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Ticket, show_one};
use crate::api::ErrorBody;
use crate::api::error::{Refusal, Result};
use crate::api::extract::{Caller, Json, Path};
use crate::api::input::{Checks, Reference, present};
use crate::app::App;
use crate::clock::Ts;
use crate::desk::changes::{Actor, Change};
use crate::desk::directory;
use crate::desk::kinds::{Priority, Status};
use crate::desk::teams;
use crate::desk::tickets::{self, update};
use crate::ids::TicketId;

/// What is to change; what is not named stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TicketChange {
    status: Option<Status>,
    /// When a snooze ends; belongs to the status `snoozed` alone, and must lie ahead.
    snoozed_until: Option<Ts>,
    priority: Option<Priority>,
    /// An agent's number or mail address, or `me`; null takes the ticket from whoever has it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Reference>)]
    assignee: Option<Option<Reference>>,
    /// A team's number or name; null for none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Reference>)]
    team: Option<Option<Reference>>,
    /// One line, at most 500 bytes.
    subject: Option<String>,
    /// Names, made where they are new; at most 20.
    #[serde(default)]
    add_tags: Vec<String>,
    /// Names; those that the ticket does not have are passed over.
    #[serde(default)]
    remove_tags: Vec<String>,
}

/// Change a ticket
///
/// All of it or nothing. Setting what is set already changes nothing and leaves no entry in the history.
#[utoipa::path(patch, path = "/tickets/{id}", tag = "Tickets", operation_id = "change_ticket", request_body = TicketChange,
    params(("id" = TicketId, Path, description = "The ticket's number.")),
    responses((status = 200, body = Ticket), (status = 404, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub(super) async fn change(
    State(app): State<App>,
    Caller(agent): Caller,
    Path(id): Path<TicketId>,
    Json(to): Json<TicketChange>,
) -> Result<axum::Json<Ticket>> {
    let mut checks = Checks::default();
    let subject = to.subject.as_deref().map(|subject| checks.required("subject", subject, 500));
    let add_tags = checks.tags("add_tags", &to.add_tags);
    let remove_tags = checks.tags("remove_tags", &to.remove_tags);
    let until = checks.moment("snoozed_until", to.snoozed_until);
    match (to.status, until) {
        (Some(Status::Snoozed), None) => checks.wrong("snoozed_until", "Say until when."),
        (Some(Status::Snoozed), Some(until)) if until <= Ts::now() => checks.wrong("snoozed_until", "Must lie ahead."),
        (Some(Status::Snoozed), Some(_)) | (_, None) => {}
        (_, Some(_)) => checks.wrong("snoozed_until", "Only together with the status `snoozed`."),
    }
    checks.done()?;
    let directory = directory::get(&app).await?;
    let assignee = to.assignee.map(|to| to.map(|agent_or_me| agent_or_me.active_agent(&directory, agent.id)).transpose()).transpose()?;
    let team = to.team.map(|to| to.map(|team| team.team(&directory)).transpose()).transpose()?;

    let by = Actor::Agent(agent.id);
    let mut change = Change::begin(&app).await?;
    tickets::load(&mut change, &agent, id).await?.ok_or_else(Refusal::not_found)?;
    tickets::lock(&mut change, id).await?.ok_or_else(Refusal::not_found)?;
    if let Some(subject) = subject {
        update::set_subject(&mut change, by, id, &subject).await?;
    }
    if let Some(priority) = to.priority {
        update::set_priority(&mut change, by, id, priority).await?;
    }
    if let Some(team) = team {
        update::set_team(&mut change, by, id, team).await?;
    }
    if let Some(assignee) = assignee {
        update::assign(&mut change, by, id, assignee).await?;
    }
    for name in &add_tags {
        let tag = teams::ensure_tag(&mut change, name).await?;
        update::tag(&mut change, by, id, tag).await?;
        change.touch_settings();
    }
    for name in &remove_tags {
        if let Some(tag) = teams::find_tag(&mut change, name).await? {
            update::untag(&mut change, by, id, tag).await?;
        }
    }
    if let Some(status) = to.status {
        update::set_status(&mut change, by, id, status, until).await?;
    }
    change.commit().await?;
    Ok(axum::Json(show_one(&app, id).await?))
}
