//! Whether the shop calls its customers back, who does, and when.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;

use crate::app::App;
use crate::clock::Ts;
use crate::desk::agents::Admin;
use crate::desk::call_backs::settings::{self, LENGTHS, MAX_ATTEMPTS, MAX_DAYS, MAX_PLACES, MAX_REMIND};
use crate::desk::call_backs::{self, Offer, Settings};
use crate::desk::changes::Change;
use crate::http::Result;
use crate::http::flash::Flash;
use crate::http::multipart::Parts;
use crate::http::page::Shell;
use crate::http::problems::Problems;
use crate::i18n::Language;
use crate::ids::TeamId;

/// The routes of this page.
pub fn router() -> Router<App> {
    Router::new().route("/settings/call-backs", get(show).post(save))
}

#[derive(Template)]
#[template(path = "screens/settings/call_backs.html")]
struct CallBacksPage<'a> {
    shell: &'a Shell,
    form: CallBacksForm,
    problems: Problems,
    /// Where customers ask for a call.
    address: String,
    /// What the stored settings offer now, in a sentence.
    glance: Option<String>,
}

/// The form as typed.
#[derive(Debug, Default)]
struct CallBacksForm {
    offered: bool,
    team: String,
    hours: String,
    length: String,
    places: String,
    count: String,
    days: String,
    remind: String,
    attempts: String,
    languages: Vec<Language>,
}

impl CallBacksForm {
    fn of(settings: &Settings) -> Self {
        Self {
            offered: settings.offered,
            team: settings.team.map(|team| team.to_string()).unwrap_or_default(),
            hours: if settings.desk_hours { "desk" } else { "team" }.to_owned(),
            length: settings.slot_minutes.to_string(),
            places: settings.places.to_string(),
            count: if settings.per_person { "person" } else { "all" }.to_owned(),
            days: settings.days_ahead.to_string(),
            remind: settings.remind_minutes.to_string(),
            attempts: settings.attempts.to_string(),
            languages: crate::i18n::offered(&settings.languages).to_vec(),
        }
    }

    fn read(parts: &Parts) -> Self {
        let word = |name: &str| parts.text(name).trim().chars().take(20).collect::<String>();
        Self {
            offered: !parts.text("offered").is_empty(),
            team: word("team"),
            hours: word("hours"),
            length: word("length"),
            places: word("places"),
            count: word("count"),
            days: word("days"),
            remind: word("remind"),
            attempts: word("attempts"),
            languages: Language::ALL.into_iter().filter(|language| parts.all("language").any(|code| code == language.code())).collect(),
        }
    }

    fn check(&self, shell: &Shell) -> Result<Settings, Problems> {
        let mut problems = Problems::default();
        let mut number = |field: &'static str, text: &str, least: u16, most: u16| {
            let number = text.parse().ok().filter(|number| (least..=most).contains(number));
            if number.is_none() {
                problems.add(field, format!("Enter a number from {least} to {most}."));
            }
            number.unwrap_or(least)
        };
        let places = number("places", &self.places, 1, MAX_PLACES);
        let days_ahead = number("days", &self.days, 0, MAX_DAYS);
        let remind_minutes = number("remind", &self.remind, 1, MAX_REMIND);
        let attempts = number("attempts", &self.attempts, 1, MAX_ATTEMPTS);
        let slot_minutes = self.length.parse().ok().filter(|minutes| LENGTHS.contains(minutes));
        if slot_minutes.is_none() {
            problems.add("length", "Choose one of the lengths.");
        }
        let team = self.team.parse().ok().map(TeamId);
        if team.is_some_and(|team| shell.directory.teams.iter().all(|known| known.id != team)) {
            problems.add("team", "This team no longer exists. Choose another.");
        }
        if self.languages.is_empty() {
            problems.add("languages", "Choose at least one language in which you call.");
        }
        if self.offered
            && let Some(team) = team
            && !shell.directory.active_agents().any(|agent| shell.directory.members.contains(&(team, agent.id)))
        {
            problems.add("team", "Nobody is in this team, so nobody would call. Choose another, or add people to it first.");
        }
        if problems.any() {
            return Err(problems);
        }
        let all = self.languages.len() == Language::ALL.len();
        Ok(Settings {
            offered: self.offered,
            team,
            desk_hours: self.hours == "desk",
            slot_minutes: slot_minutes.unwrap_or(60),
            per_person: self.count != "all",
            places,
            days_ahead,
            languages: if all { Vec::new() } else { self.languages.clone() },
            remind_minutes,
            attempts,
        })
    }
}

impl CallBacksPage<'_> {
    fn teams(&self) -> Vec<(String, String)> {
        let anyone = std::iter::once((String::new(), "Everybody".to_owned()));
        anyone.chain(self.shell.directory.teams.iter().map(|team| (team.id.to_string(), team.name.clone()))).collect()
    }

    fn lengths(&self) -> [(&'static str, &'static str); 3] {
        [("30", "Half an hour"), ("60", "One hour"), ("120", "Two hours")]
    }

    fn hours(&self) -> [(&'static str, &'static str); 2] {
        [("team", "The team’s, where it has its own"), ("desk", "The desk’s")]
    }

    fn counts(&self) -> [(&'static str, &'static str); 2] {
        [("person", "for each person who calls"), ("all", "for all together")]
    }

    fn speaks(&self, language: &Language) -> bool {
        self.form.languages.contains(language)
    }
}

async fn page<'a>(app: &App, shell: &'a Shell, form: CallBacksForm, problems: Problems) -> Result<CallBacksPage<'a>> {
    let glance = match Offer::of(&shell.directory, None) {
        Some(offer) => {
            let mut db = app.db.acquire().await?;
            let free = offer.free(&mut db, None, Ts::now()).await?;
            Some(match free.first() {
                Some(next) => {
                    let next = next.from.0.to_zoned(offer.hours.zone.clone()).strftime("%A %-d %B, %H:%M").to_string();
                    format!("{} times are free to choose now; the next is {next}.", free.len())
                }
                None => "No time is free to choose now: look at the opening hours and at how many calls fit.".to_owned(),
            })
        }
        None => None,
    };
    Ok(CallBacksPage { shell, form, problems, address: format!("{}/call-back", app.config.public_url()), glance })
}

async fn show(State(app): State<App>, _: Admin, shell: Shell) -> Result<Response> {
    let form = CallBacksForm::of(&shell.directory.call_backs);
    shell.render(&page(&app, &shell, form, Problems::default()).await?)
}

async fn save(State(app): State<App>, _: Admin, shell: Shell, parts: Parts) -> Result<Response> {
    let form = CallBacksForm::read(&parts);
    let chosen = match form.check(&shell) {
        Ok(chosen) => chosen,
        Err(problems) => return shell.render_as(StatusCode::UNPROCESSABLE_ENTITY, &page(&app, &shell, form, problems).await?),
    };
    let mut change = Change::begin(&app).await?;
    settings::update(&mut change, &chosen).await?;
    if chosen.offered {
        call_backs::channel(&mut change).await?;
    }
    change.touch_settings();
    change.commit().await?;
    let words = if chosen.offered { "Saved. Customers can ask for a call." } else { "Saved. Customers cannot ask for a call." };
    Ok(Flash::new(words).redirect("/settings/call-backs"))
}

/// How it stands, in a line.
pub(super) fn summary(settings: &Settings) -> String {
    if settings.offered { format!("Offered, in slots of {} minutes", settings.slot_minutes) } else { "Not offered".to_owned() }
}
