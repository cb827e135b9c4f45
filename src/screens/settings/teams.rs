//! Teams: who does which part of the work.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use serde::Deserialize;

use crate::app::App;
use crate::clock::Ts;
use crate::database::on_constraint;
use crate::desk::agents::Lead;
use crate::desk::changes::Change;
use crate::desk::teams::{self, COUNT_CAP, Impact};
use crate::http::flash::Flash;
use crate::http::page::Shell;
use crate::http::problems::Problems;
use crate::http::{Error, Form, Path, Result};
use crate::ids::{AgentId, TeamId};
use crate::screens::settings::{counted, hours};

/// The routes of this page.
pub fn router() -> Router<App> {
    Router::new()
        .route("/settings/teams", get(show).post(create))
        .route("/settings/teams/{id}", get(show_team).post(save))
        .route("/settings/teams/{id}/delete", get(show_delete).post(delete))
}

#[derive(Template)]
#[template(path = "screens/settings/teams.html")]
struct TeamsPage<'a> {
    shell: &'a Shell,
    name: String,
    problems: Problems,
}

impl TeamsPage<'_> {
    fn members(&self, team: &TeamId) -> String {
        names_of(self.shell, *team).join(", ")
    }
}

fn names_of(shell: &Shell, team: TeamId) -> Vec<&str> {
    let directory = &shell.directory;
    let is_member = |agent: AgentId| directory.members.contains(&(team, agent));
    directory.active_agents().filter(|agent| is_member(agent.id)).map(|agent| agent.name.as_str()).collect()
}

/// What a name of a team or a tag may be.
pub(super) fn check_name(name: &str) -> Result<&str, Problems> {
    match name.trim() {
        "" => Err(Problems::one("name", "Enter a name.")),
        name if name.chars().count() > 60 => Err(Problems::one("name", "Use at most 60 characters.")),
        name => Ok(name),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct TeamForm {
    name: String,
    member: Vec<AgentId>,
}

async fn show(_: Lead, shell: Shell) -> Result<Response> {
    shell.render(&TeamsPage { shell: &shell, name: String::new(), problems: Problems::default() })
}

fn name_taken() -> Problems {
    Problems::one("name", "There is a team of this name already.")
}

async fn create(State(app): State<App>, _: Lead, shell: Shell, Form(form): Form<TeamForm>) -> Result<Response> {
    let again =
        |problems| shell.render_as(StatusCode::UNPROCESSABLE_ENTITY, &TeamsPage { shell: &shell, name: form.name.clone(), problems });
    let name = match check_name(&form.name) {
        Ok(name) => name,
        Err(problems) => return again(problems),
    };
    let mut change = Change::begin(&app).await?;
    let id = match teams::create(&mut change, name).await {
        Ok(id) => id,
        Err(error) if on_constraint(&error) == Some("teams_name_key") => return again(name_taken()),
        Err(error) => return Err(error.into()),
    };
    change.touch_settings();
    change.commit().await?;
    Ok(Flash::new("The team is there. Now choose its members.").redirect(&format!("/settings/teams/{id}")))
}

#[derive(Template)]
#[template(path = "screens/settings/team.html")]
struct TeamPage<'a> {
    shell: &'a Shell,
    id: TeamId,
    form: TeamForm,
    problems: Problems,
}

impl TeamPage<'_> {
    /// When the team is there, and by whose hours.
    fn hours(&self) -> String {
        let directory = &self.shell.directory;
        let own = directory.teams.iter().any(|team| team.id == self.id && team.hours.is_some());
        let summary = hours::summary(&directory.hours_of(Some(self.id)), Ts::now());
        format!("{summary}, by {} hours.", if own { "its own" } else { "the desk’s" })
    }

    fn is_member(&self, agent: &AgentId) -> bool {
        self.form.member.contains(agent)
    }
}

fn known(shell: &Shell, id: TeamId) -> Result<TeamForm> {
    let team = shell.directory.teams.iter().find(|team| team.id == id).ok_or(Error::NotFound)?;
    let member = shell.directory.members.iter().filter(|(team, _)| *team == id).map(|(_, agent)| *agent).collect();
    Ok(TeamForm { name: team.name.clone(), member })
}

async fn show_team(_: Lead, Path(id): Path<TeamId>, shell: Shell) -> Result<Response> {
    let form = known(&shell, id)?;
    shell.render(&TeamPage { shell: &shell, id, form, problems: Problems::default() })
}

async fn save(State(app): State<App>, _: Lead, Path(id): Path<TeamId>, shell: Shell, Form(form): Form<TeamForm>) -> Result<Response> {
    let again = |form, problems| shell.render_as(StatusCode::UNPROCESSABLE_ENTITY, &TeamPage { shell: &shell, id, form, problems });
    let name = match check_name(&form.name) {
        Ok(name) => name.to_owned(),
        Err(problems) => return again(form, problems),
    };
    let mut change = Change::begin(&app).await?;
    match teams::rename(&mut change, id, &name).await {
        Ok(true) => {}
        Ok(false) => return Err(Error::NotFound),
        Err(error) if on_constraint(&error) == Some("teams_name_key") => return again(form, name_taken()),
        Err(error) => return Err(error.into()),
    }
    teams::set_members(&mut change, id, &form.member).await?;
    change.touch_settings();
    change.commit().await?;
    Ok(Flash::new(format!("{name} is saved.")).redirect("/settings/teams"))
}

#[derive(Template)]
#[template(path = "screens/settings/team_delete.html")]
struct DeletePage<'a> {
    shell: &'a Shell,
    name: &'a str,
    impact: Impact,
}

impl DeletePage<'_> {
    fn consequences(&self) -> Vec<String> {
        let Impact { tickets, members, channels, canned } = self.impact;
        let mut all = Vec::new();
        match tickets {
            0 => {}
            COUNT_CAP.. => all.push(format!("{COUNT_CAP} or more open tickets belong to no team any more; whoever has them keeps them.")),
            _ => all.push(format!(
                "{} will belong to no team any more; whoever has them keeps them.",
                counted(tickets, "open ticket", "open tickets")
            )),
        }
        if members > 0 {
            all.push(format!("{} will be in one team less.", counted(members, "person", "people")));
        }
        if channels > 0 {
            all.push(format!("What comes in through {} will go to no team.", counted(channels, "channel", "channels")));
        }
        if canned > 0 {
            all.push(format!("{} that only this team may use will be deleted with it.", counted(canned, "canned reply", "canned replies")));
        }
        if all.is_empty() {
            all.push("Nothing else changes: nothing belongs to this team.".to_owned());
        }
        all
    }
}

async fn show_delete(State(app): State<App>, _: Lead, Path(id): Path<TeamId>, shell: Shell) -> Result<Response> {
    let name = known(&shell, id)?.name;
    let mut db = app.db.acquire().await?;
    let impact = teams::impact(&mut db, id).await?;
    shell.render(&DeletePage { shell: &shell, name: &name, impact })
}

async fn delete(State(app): State<App>, _: Lead, Path(id): Path<TeamId>) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    if !teams::delete(&mut change, id).await? {
        return Err(Error::NotFound);
    }
    change.touch_settings();
    change.commit().await?;
    Ok(Flash::new("The team is deleted.").redirect("/settings/teams"))
}
