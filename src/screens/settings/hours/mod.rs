//! When the desk is there, when a team is, and how soon customers get a first answer.

mod form;
mod glance;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;

use crate::app::App;
use crate::clock::Ts;
use crate::desk::agents::{Admin, Lead};
use crate::desk::changes::Change;
use crate::desk::hours::Schedule;
use crate::desk::waits::{MAX_TARGET, TARGETS, Targets};
use crate::desk::{directory, teams};
use crate::http::flash::Flash;
use crate::http::page::Shell;
use crate::http::problems::Problems;
use crate::http::{Error, Form, Path, Result};
use crate::ids::TeamId;
use form::{Fields, HoursForm};
use glance::Glance;

pub use glance::summary;

/// The routes of these pages.
pub fn router() -> Router<App> {
    Router::new()
        .route("/settings/hours", get(show).post(save))
        .route("/settings/hours/targets", post(save_targets))
        .route("/settings/teams/{id}/hours", get(show_team).post(save_team))
}

#[derive(Template)]
#[template(path = "screens/settings/hours.html")]
struct HoursPage<'a> {
    shell: &'a Shell,
    form: HoursForm,
    problems: Problems,
    glance: Glance,
    targets: Vec<TargetLine>,
}

/// A target as it is edited: 4 hours, 90 minutes.
struct TargetLine {
    kind: &'static str,
    label: &'static str,
    amount: String,
    hours: bool,
}

impl TargetLine {
    fn list(targets: &Targets) -> Vec<Self> {
        let line = |(kind, label, _): (&'static str, &'static str, i64)| {
            let minutes = targets.minutes(kind);
            let hours = minutes % 60 == 0;
            Self { kind, label, amount: (if hours { minutes / 60 } else { minutes }).to_string(), hours }
        };
        TARGETS.into_iter().map(line).collect()
    }

    fn read(fields: &Fields) -> Vec<Self> {
        let line = |(kind, label, _): (&'static str, &'static str, i64)| {
            let amount = fields.one(&format!("{kind}-amount")).trim().to_owned();
            Self { kind, label, amount, hours: fields.one(&format!("{kind}-unit")) == "hours" }
        };
        TARGETS.into_iter().map(line).collect()
    }

    fn minutes(&self) -> Option<i64> {
        let minutes = self.amount.parse::<i64>().ok()?.checked_mul(if self.hours { 60 } else { 1 })?;
        (1..=MAX_TARGET).contains(&minutes).then_some(minutes)
    }
}

impl<'a> HoursPage<'a> {
    fn new(shell: &'a Shell, now: Ts) -> Self {
        let directory = &shell.directory;
        Self {
            shell,
            form: HoursForm::of(&directory.schedule),
            problems: Problems::default(),
            glance: Glance::of(&directory.hours, now),
            targets: TargetLine::list(&directory.targets),
        }
    }
}

async fn show(_: Admin, shell: Shell) -> Result<Response> {
    shell.render(&HoursPage::new(&shell, Ts::now()))
}

/// What a sent form asks for.
enum Sent {
    /// To be looked at once more, with Monday's hours until Friday or with what is wrong.
    Again(StatusCode, HoursForm, Problems),
    Good(Schedule),
}

fn read(fields: &Fields) -> Sent {
    let mut form = HoursForm::read(fields);
    if fields.one("do") == "copy" {
        form.copy_monday();
        return Sent::Again(StatusCode::OK, form, Problems::default());
    }
    match form.check(Ts::now()) {
        Ok(schedule) => Sent::Good(schedule),
        Err(problems) => Sent::Again(StatusCode::UNPROCESSABLE_ENTITY, form, problems),
    }
}

async fn save(State(app): State<App>, _: Admin, shell: Shell, Form(sent): Form<Vec<(String, String)>>) -> Result<Response> {
    let schedule = match read(&Fields(sent)) {
        Sent::Again(status, form, problems) => {
            return shell.render_as(status, &HoursPage { form, problems, ..HoursPage::new(&shell, Ts::now()) });
        }
        // The desk's zone is the shop's.
        Sent::Good(schedule) => Schedule { zone: None, ..schedule },
    };
    let mut change = Change::begin(&app).await?;
    directory::update_hours(&mut change, &schedule).await?;
    change.touch_settings();
    change.commit().await?;
    Ok(Flash::new("The opening hours are saved.").redirect("/settings/hours"))
}

async fn save_targets(State(app): State<App>, _: Admin, shell: Shell, Form(sent): Form<Vec<(String, String)>>) -> Result<Response> {
    let lines = TargetLine::read(&Fields(sent));
    let mut targets = Targets::default();
    let mut problems = Problems::default();
    for line in &lines {
        match line.minutes() {
            Some(minutes) => targets.set(line.kind, minutes),
            None => problems.add(format!("{}-amount", line.kind), "Enter a whole number, at least 1 minute and at most 30 days."),
        }
    }
    if problems.any() {
        let page = HoursPage { targets: lines, problems, ..HoursPage::new(&shell, Ts::now()) };
        return shell.render_as(StatusCode::UNPROCESSABLE_ENTITY, &page);
    }
    let mut change = Change::begin(&app).await?;
    directory::update_targets(&mut change, &targets).await?;
    change.touch_settings();
    change.commit().await?;
    Ok(Flash::new("The targets are saved.").redirect("/settings/hours"))
}

#[derive(Template)]
#[template(path = "screens/settings/team_hours.html")]
struct TeamHoursPage<'a> {
    shell: &'a Shell,
    id: TeamId,
    /// Hours of its own, as the form says.
    own: bool,
    form: HoursForm,
    problems: Problems,
    glance: Glance,
}

impl<'a> TeamHoursPage<'a> {
    fn new(shell: &'a Shell, id: TeamId, now: Ts) -> Result<Self> {
        let team = shell.directory.teams.iter().find(|team| team.id == id).ok_or(Error::NotFound)?;
        // Whoever leaves the desk's hours begins with them.
        let schedule = team.hours.as_ref().map_or(&shell.directory.schedule, |own| &own.schedule);
        let glance = Glance::of(&shell.directory.hours_of(Some(id)), now);
        Ok(Self { shell, id, own: team.hours.is_some(), form: HoursForm::of(schedule), problems: Problems::default(), glance })
    }

    fn zones(&self) -> Vec<String> {
        super::shop::zones()
    }
}

async fn show_team(_: Lead, Path(id): Path<TeamId>, shell: Shell) -> Result<Response> {
    shell.render(&TeamHoursPage::new(&shell, id, Ts::now())?)
}

async fn save_team(
    State(app): State<App>,
    _: Lead,
    Path(id): Path<TeamId>,
    shell: Shell,
    Form(sent): Form<Vec<(String, String)>>,
) -> Result<Response> {
    let fields = Fields(sent);
    let own = fields.one("own") == "1";
    let schedule = match (own || fields.one("do") == "copy").then(|| read(&fields)) {
        Some(Sent::Again(status, form, problems)) => {
            return shell.render_as(status, &TeamHoursPage { own: true, form, problems, ..TeamHoursPage::new(&shell, id, Ts::now())? });
        }
        Some(Sent::Good(schedule)) => Some(schedule),
        None => None,
    };
    let mut change = Change::begin(&app).await?;
    if !teams::set_hours(&mut change, id, schedule.as_ref()).await? {
        return Err(Error::NotFound);
    }
    change.touch_settings();
    change.commit().await?;
    let words = if own { "The team’s hours are saved." } else { "The team is there when the desk is." };
    Ok(Flash::new(words).redirect(&format!("/settings/teams/{id}/hours")))
}
