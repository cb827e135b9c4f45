//! The words that count as anger, by language; when those who lead are rung again; and a box to try a sentence in.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;
use serde::Deserialize;

use crate::app::App;
use crate::desk::agents::Lead;
use crate::desk::anger::{Settings, Watch};
use crate::desk::changes::Change;
use crate::desk::{directory, waits};
use crate::http::flash::Flash;
use crate::http::page::Shell;
use crate::http::problems::Problems;
use crate::http::{Form, Query, Result};
use crate::screens::settings::{counted, one};
use crate::text::anger::{self, DEFAULTS, Found};

/// The longest list, in bytes.
const MAX_LIST: usize = 40_000;
/// The longest sentence that can be tried, in bytes.
const MAX_TRY: usize = 2000;
/// The most minutes until it rings again.
const MAX_MINUTES: i64 = 240;

/// The routes of this page.
pub fn router() -> Router<App> {
    Router::new().route("/settings/anger", get(show).post(save)).route("/settings/anger/reset", post(reset))
}

/// A list as it is edited.
struct ListField {
    language: &'static str,
    label: &'static str,
    text: String,
    count: String,
    /// The shop has edited it.
    edited: bool,
    /// With what is wrong in it.
    open: bool,
}

/// A piece of the sentence that was tried.
struct Piece {
    text: String,
    /// The entry that found it.
    found: Option<String>,
}

#[derive(Template)]
#[template(path = "screens/settings/anger.html")]
struct AngerPage<'a> {
    shell: &'a Shell,
    words: bool,
    again: String,
    mail: String,
    lists: Vec<ListField>,
    problems: Problems,
    /// The sentence that is tried.
    tried: String,
    pieces: Vec<Piece>,
    found: Vec<Found>,
    /// By when an angry public message is answered.
    promise: i64,
}

fn label(language: &str) -> &'static str {
    match language {
        "it" => "Italian",
        "en" => "English",
        "fr" => "French",
        "de" => "German",
        "es" => "Spanish",
        _ => "Every language",
    }
}

impl<'a> AngerPage<'a> {
    fn new(shell: &'a Shell, settings: &Settings, problems: Problems) -> Self {
        let lists = DEFAULTS.iter().map(|(language, _)| ListField {
            language,
            label: label(language),
            text: settings.list(language).trim_end().to_owned(),
            count: counted(i64::try_from(anger::count(settings.list(language))).unwrap_or(0), "entry", "entries"),
            edited: settings.lists.contains_key(*language),
            open: problems.of(&format!("list-{language}")).is_some(),
        });
        Self {
            shell,
            words: settings.words,
            again: settings.again.to_string(),
            mail: settings.mail.to_string(),
            lists: lists.collect(),
            problems,
            tried: String::new(),
            pieces: Vec::new(),
            found: Vec::new(),
            promise: shell.directory.targets.minutes(waits::ANGRY),
        }
    }

    /// Marks what the lists find in a sentence.
    fn try_out(mut self, watch: &Watch, sentence: &str) -> Self {
        let sentence = &sentence[..sentence.floor_char_boundary(MAX_TRY)];
        self.found = watch.find(sentence);
        let mut at = 0;
        let mut places: Vec<&Found> = self.found.iter().collect();
        places.sort_by_key(|found| found.place.start);
        for found in places {
            if found.place.start < at {
                continue;
            }
            self.pieces.push(Piece { text: sentence[at..found.place.start].to_owned(), found: None });
            self.pieces.push(Piece { text: found.words.clone(), found: Some(found.entry.clone()) });
            at = found.place.end;
        }
        self.pieces.push(Piece { text: sentence[at..].to_owned(), found: None });
        sentence.clone_into(&mut self.tried);
        self
    }

    fn list_of(&self, found: &Found) -> &'static str {
        label(&found.language)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct TryQuery {
    r#try: String,
}

async fn show(_: Lead, Query(query): Query<TryQuery>, shell: Shell) -> Result<Response> {
    let watch = shell.directory.anger.clone();
    let page = AngerPage::new(&shell, &watch.settings, Problems::default());
    let page = if query.r#try.trim().is_empty() { page } else { page.try_out(&watch, &query.r#try) };
    shell.render(&page)
}

/// Reads a form of lists; of the language `reset` the first list counts, whatever was sent.
fn read(sent: &[(String, String)], reset: Option<&str>) -> (Settings, Problems) {
    let one = |name: &str| one(sent, name);
    let mut problems = Problems::default();
    let mut settings = Settings { words: one("words") == "1", ..Settings::default() };
    let mut minutes = |name: &'static str, least: i64| {
        let minutes = one(name).trim().parse::<i64>().ok().filter(|minutes| (least..=MAX_MINUTES).contains(minutes));
        if minutes.is_none() {
            problems.add(name, format!("Enter whole minutes from {least} to {MAX_MINUTES}."));
        }
        minutes
    };
    let (again, mail) = (minutes("again", 1), minutes("mail", 1));
    settings.again = again.unwrap_or(settings.again);
    settings.mail = mail.unwrap_or(settings.mail);
    for (language, _) in DEFAULTS {
        if reset == Some(language) {
            continue;
        }
        let list = one(&format!("list-{language}")).replace('\0', "");
        if list.len() > MAX_LIST {
            problems.add(format!("list-{language}"), "This list is too long.");
        } else if let Err(unusable) = anger::check(&list) {
            problems.add(format!("list-{language}"), unusable.to_string());
        }
        settings.set(language, &list);
    }
    (settings, problems)
}

async fn save(State(app): State<App>, _: Lead, shell: Shell, Form(sent): Form<Vec<(String, String)>>) -> Result<Response> {
    keep(&app, &shell, &sent, None).await
}

/// One list becomes what a new shop begins with. Its button stands in the form of all of them, so whatever else was changed there is kept.
async fn reset(State(app): State<App>, _: Lead, shell: Shell, Form(sent): Form<Vec<(String, String)>>) -> Result<Response> {
    keep(&app, &shell, &sent, Some(one(&sent, "language"))).await
}

async fn keep(app: &App, shell: &Shell, sent: &[(String, String)], reset: Option<&str>) -> Result<Response> {
    let (settings, problems) = read(sent, reset);
    if problems.any() {
        let (again, mail) = (one(sent, "again").to_owned(), one(sent, "mail").to_owned());
        let page = AngerPage { again, mail, ..AngerPage::new(shell, &settings, problems) };
        return shell.render_as(StatusCode::UNPROCESSABLE_ENTITY, &page);
    }
    let mut change = Change::begin(app).await?;
    directory::update_anger(&mut change, &settings).await?;
    change.touch_settings();
    change.commit().await?;
    let words = match reset {
        None => "Saved. What comes from now on is looked at with these words.".to_owned(),
        Some(language) => format!("Saved, and the first list is back for {}.", label(language)),
    };
    Ok(Flash::new(words).redirect("/settings/anger"))
}
