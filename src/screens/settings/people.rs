//! Who answers customers here: inviting, changing, locking out.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;
use serde::Deserialize;
use sqlx::PgConnection;

use crate::app::App;
use crate::clock::Ts;
use crate::database::on_constraint;
use crate::desk::agents::{self, Admin, Person};
use crate::desk::calls;
use crate::desk::changes::Change;
use crate::desk::kinds::{Role, TokenPurpose};
use crate::desk::{channels, sessions, teams};
use crate::http::flash::Flash;
use crate::http::page::Shell;
use crate::http::problems::Problems;
use crate::http::{Error, Form, Path, Result};
use crate::ids::{AgentId, TeamId};
use crate::jobs::Job;
use crate::screens::habits::HabitsForm;
use crate::text::addresses::is_address;
use crate::text::names;

/// Hours that a link handed over by hand works.
const INVITATION_HOURS: i32 = 3 * 24;
const RESET_HOURS: i32 = 24;

/// The routes of this page.
pub fn router() -> Router<App> {
    Router::new()
        .route("/settings/people", get(show))
        .route("/settings/people/invite", get(show_invite).post(invite))
        .route("/settings/people/{id}", get(show_person).post(save))
        .route("/settings/people/{id}/chats", post(save_habits))
        .route("/settings/people/{id}/link", post(send_link))
        .route("/settings/people/{id}/disable", post(disable))
        .route("/settings/people/{id}/enable", post(enable))
}

/// A line of the list.
struct Line {
    person: Person,
    teams: String,
    last_seen: Option<Ts>,
}

impl Line {
    fn invited(&self) -> bool {
        !self.person.has_password && self.person.disabled_at.is_none()
    }

    fn disabled(&self) -> bool {
        self.person.disabled_at.is_some()
    }
}

#[derive(Template)]
#[template(path = "screens/settings/people.html")]
struct PeoplePage<'a> {
    shell: &'a Shell,
    people: Vec<Line>,
}

async fn show(State(app): State<App>, _: Admin, shell: Shell) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    let seen = sessions::last_seen(&mut db).await?;
    let people = agents::list(&mut db).await?;
    let line = |person: Person| {
        let teams = shell.directory.teams_of(person.id);
        let mut teams: Vec<&str> = teams.into_iter().map(|team| shell.directory.team(team)).collect();
        teams.sort_unstable();
        let last_seen = seen.iter().find(|(id, _)| *id == person.id).map(|(_, at)| *at);
        Line { teams: teams.join(", "), last_seen, person }
    };
    shell.render(&PeoplePage { shell: &shell, people: people.into_iter().map(line).collect() })
}

/// What the forms of a person share: an invitation and a change.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PersonForm {
    email: String,
    name: String,
    role: String,
    team: Vec<TeamId>,
    /// Extensions and telephone numbers, with commas between.
    numbers: String,
}

struct Checked {
    email: String,
    name: String,
    role: Role,
}

impl PersonForm {
    /// `name_needed`: an invited person may choose their own.
    fn check(&self, name_needed: bool) -> Result<Checked, Problems> {
        let mut problems = Problems::default();
        let email = self.email.trim();
        if !is_address(email) {
            problems.add("email", "Enter a mail address like name@example.com.");
        }
        let name = self.name.trim();
        if name.is_empty() && name_needed {
            problems.add("name", "Enter a name; customers see it on answers.");
        } else if name.chars().count() > 100 {
            problems.add("name", "Use at most 100 characters.");
        }
        let role = self.role.parse::<Role>();
        if role.is_err() {
            problems.add("role", "Choose what this person may do.");
        }
        match role {
            Ok(role) if !problems.any() => {
                let name = if name.is_empty() { names::display_name(email) } else { name.to_owned() };
                Ok(Checked { email: email.to_owned(), name, role })
            }
            _ => Err(problems),
        }
    }

    fn in_team(&self, id: &TeamId) -> bool {
        self.team.contains(id)
    }
}

const ROLES: [(&str, &str); 3] = [
    ("agent", "Agent: answers customers"),
    ("lead", "Team lead: also teams, tags and everyone’s canned replies"),
    ("admin", "Admin: also people, channels and all settings"),
];

#[derive(Template)]
#[template(path = "screens/settings/invite.html")]
struct InvitePage<'a> {
    shell: &'a Shell,
    form: PersonForm,
    problems: Problems,
}

async fn show_invite(_: Admin, shell: Shell) -> Result<Response> {
    let form = PersonForm { role: Role::Agent.as_str().to_owned(), ..PersonForm::default() };
    shell.render(&InvitePage { shell: &shell, form, problems: Problems::default() })
}

async fn invite(State(app): State<App>, _: Admin, shell: Shell, Form(form): Form<PersonForm>) -> Result<Response> {
    let again = |form, problems| shell.render_as(StatusCode::UNPROCESSABLE_ENTITY, &InvitePage { shell: &shell, form, problems });
    let checked = match form.check(false) {
        Ok(checked) => checked,
        Err(problems) => return again(form, problems),
    };
    let mut change = Change::begin(&app).await?;
    let id = match agents::create(&mut change, &checked.email, &checked.name, checked.role).await {
        Ok(id) => id,
        Err(error) if on_constraint(&error) == Some("agents_email_key") => return again(form, taken()),
        Err(error) => return Err(error.into()),
    };
    teams::set_teams_of(&mut change, id, &form.team).await?;
    change.touch_settings();
    hand_over(change, &shell, id, TokenPurpose::Invitation, &checked.email).await
}

fn taken() -> Problems {
    Problems::one("email", "Somebody here has this address already. Look for them in the list of people, also among those switched off.")
}

/// Mails a link, or shows it where no mail can leave.
async fn hand_over(mut change: Change, shell: &Shell, id: AgentId, purpose: TokenPurpose, email: &str) -> Result<Response> {
    if change.app.mailer.delivers() || channels::any_own_server(&mut change).await? {
        let (job, words) = match purpose {
            TokenPurpose::Invitation => (Job::SendInvitation { agent: id }, format!("The invitation is on its way to {email}.")),
            TokenPurpose::PasswordReset => {
                (Job::SendPasswordReset { agent: id }, format!("A link to choose a new password is on its way to {email}."))
            }
        };
        change.push(&job, Ts::now()).await?;
        change.commit().await?;
        return Ok(Flash::new(words).redirect("/settings/people"));
    }
    // No job beside it: mailing a link would make this one useless.
    let (path, hours) = match purpose {
        TokenPurpose::Invitation => ("join", INVITATION_HOURS),
        TokenPurpose::PasswordReset => ("reset", RESET_HOURS),
    };
    let token = agents::mint_token(&mut change, id, purpose, hours).await?;
    let link = format!("{}/{path}/{token}", change.app.config.public_url());
    change.commit().await?;
    shell.render(&LinkPage { shell, link, email, days: hours / 24, invitation: purpose == TokenPurpose::Invitation })
}

#[derive(Template)]
#[template(path = "screens/settings/person_link.html")]
struct LinkPage<'a> {
    shell: &'a Shell,
    link: String,
    email: &'a str,
    days: i32,
    invitation: bool,
}

#[derive(Template)]
#[template(path = "screens/settings/person.html")]
struct PersonPage<'a> {
    shell: &'a Shell,
    person: Person,
    form: PersonForm,
    habits: HabitsForm,
    problems: Problems,
}

impl PersonForm {
    fn of(shell: &Shell, person: &Person) -> Self {
        Self {
            email: person.email.clone(),
            name: person.name.clone(),
            role: person.role.as_str().to_owned(),
            team: shell.directory.teams_of(person.id),
            numbers: shell.directory.numbers(person.id).join(", "),
        }
    }
}

impl PersonPage<'_> {
    fn is_self(&self) -> bool {
        self.person.id == self.shell.agent.id
    }
}

async fn load(db: &mut PgConnection, id: AgentId) -> Result<Person> {
    agents::find(db, id).await?.ok_or(Error::NotFound)
}

async fn show_person(State(app): State<App>, _: Admin, Path(id): Path<AgentId>, shell: Shell) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    let person = load(&mut db, id).await?;
    let form = PersonForm::of(&shell, &person);
    let habits = HabitsForm::load(&mut db, id).await?;
    shell.render(&PersonPage { shell: &shell, person, form, habits, problems: Problems::default() })
}

async fn save_habits(
    State(app): State<App>,
    _: Admin,
    Path(id): Path<AgentId>,
    shell: Shell,
    Form(habits): Form<HabitsForm>,
) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    let person = load(&mut change, id).await?;
    if let Err(problems) = habits.save(&mut change, id).await? {
        let form = PersonForm::of(&shell, &person);
        return shell.render_as(StatusCode::UNPROCESSABLE_ENTITY, &PersonPage { shell: &shell, person, form, habits, problems });
    }
    change.commit().await?;
    Ok(Flash::new(format!("{} is saved.", person.name)).redirect(&format!("/settings/people/{id}#chats")))
}

async fn save(State(app): State<App>, _: Admin, Path(id): Path<AgentId>, shell: Shell, Form(form): Form<PersonForm>) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    // Two admins who demote each other at the same time: one of them comes second.
    agents::lock_all(&mut change).await?;
    let person = load(&mut change, id).await?;
    let known = HabitsForm::load(&mut change, id).await?;
    let again = |person, form, problems| {
        shell.render_as(StatusCode::UNPROCESSABLE_ENTITY, &PersonPage { shell: &shell, person, form, habits: known, problems })
    };
    let checked = match form.check(true) {
        Ok(checked) => checked,
        Err(problems) => return again(person, form, problems),
    };
    let numbers = match agents::read_numbers(&form.numbers, &calls::country(&mut change).await?) {
        Ok(numbers) => numbers,
        Err(words) => return again(person, form, Problems::one("numbers", words)),
    };
    if checked.role != Role::Admin && is_last_admin(&mut change, &person).await? {
        let words = "This is the last admin. Make somebody else an admin first, or nobody could change settings any more.";
        return again(person, form, Problems::one("role", words));
    }
    match agents::update(&mut change, id, &checked.email, &checked.name, checked.role).await {
        Ok(_) => {}
        Err(error) if on_constraint(&error) == Some("agents_email_key") => return again(person, form, taken()),
        Err(error) => return Err(error.into()),
    }
    teams::set_teams_of(&mut change, id, &form.team).await?;
    agents::set_numbers(&mut change, id, &numbers).await?;
    change.touch_settings();
    change.commit().await?;
    Ok(Flash::new(format!("{} is saved.", checked.name)).redirect("/settings/people"))
}

/// Whether nobody could change settings without this person.
async fn is_last_admin(db: &mut PgConnection, person: &Person) -> sqlx::Result<bool> {
    let counts = person.role == Role::Admin && person.disabled_at.is_none() && person.has_password;
    Ok(counts && agents::count_admins(db).await? <= 1)
}

async fn send_link(State(app): State<App>, _: Admin, Path(id): Path<AgentId>, shell: Shell) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    let person = load(&mut change, id).await?;
    if person.disabled_at.is_some() {
        return Err(Error::BadRequest(format!("{} is switched off and could not use a link. Switch them on first.", person.name)));
    }
    let purpose = if person.has_password { TokenPurpose::PasswordReset } else { TokenPurpose::Invitation };
    hand_over(change, &shell, id, purpose, &person.email).await
}

async fn disable(State(app): State<App>, Admin(admin): Admin, Path(id): Path<AgentId>) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    agents::lock_all(&mut change).await?;
    let person = load(&mut change, id).await?;
    if is_last_admin(&mut change, &person).await? {
        return Err(Error::BadRequest(
            "This is the last admin. Make somebody else an admin first, or nobody could change settings any more.".into(),
        ));
    }
    if person.id == admin.id {
        return Err(Error::BadRequest("You cannot switch yourself off. Another admin can.".into()));
    }
    agents::set_disabled(&mut change, id, true).await?;
    change.touch_settings();
    change.commit().await?;
    Ok(Flash::new(format!("{} is switched off and signed out everywhere.", person.name)).redirect("/settings/people"))
}

async fn enable(State(app): State<App>, _: Admin, Path(id): Path<AgentId>) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    let person = load(&mut change, id).await?;
    agents::set_disabled(&mut change, id, false).await?;
    change.touch_settings();
    change.commit().await?;
    Ok(Flash::new(format!("{} may sign in again.", person.name)).redirect("/settings/people"))
}
