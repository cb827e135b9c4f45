//! The page on which a channel of the shop's own making is set up, changed and tried.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use http::StatusCode;
use serde::Deserialize;
use sqlx::PgConnection;

use crate::app::App;
use crate::channels::api_channel::ApiChannel;
use crate::channels::entries;
use crate::channels::wire::calls::{Caller, permitted};
use crate::channels::wire::{Network as _, Way};
use crate::database::on_constraint;
use crate::desk::agents::Admin;
use crate::desk::api_channels::{MAX_TEXT_LIMIT, Secrets, Settings, has_door};
use crate::desk::changes::Change;
use crate::desk::channels::{self as rows, Channel, ChannelDraft, seal};
use crate::desk::kinds::ChannelKind;
use crate::http::flash::Flash;
use crate::http::page::Shell;
use crate::http::problems::Problems;
use crate::http::{Error, Form, Path, Query, Result};
use crate::i18n::Language;
use crate::ids::ChannelId;
use crate::secrets;
use crate::text::slugs::slug;

/// A year: whoever may be answered longer may be answered always.
const MAX_HOURS: i64 = 24 * 365;

/// The routes of this page.
pub fn router() -> Router<App> {
    Router::new()
        .route("/settings/api-channels/new", get(show_new).post(create))
        .route("/settings/api-channels/sportello-comments.php", get(wordpress))
        .route("/settings/api-channels/{id}", get(show).post(save))
        .route("/settings/api-channels/{id}/secrets", post(renew))
}

#[derive(Template)]
#[template(path = "channels/api_channel/editor.html")]
struct EditorPage<'a> {
    shell: &'a Shell,
    /// `None`: not saved yet.
    channel: Option<Channel>,
    form: ChannelForm,
    problems: Problems,
    /// What was just made, by its purpose; it is in no other answer.
    fresh: Vec<(&'static str, &'static str, String)>,
    /// What came of "Test it", if it was pressed.
    trial: Option<Trial>,
    desk: String,
}

/// How a test went.
struct Trial {
    works: bool,
    words: String,
}

impl<'a> EditorPage<'a> {
    fn new(app: &App, shell: &'a Shell, channel: Option<Channel>, form: ChannelForm, problems: Problems) -> Self {
        Self { shell, channel, form, problems, fresh: Vec::new(), trial: None, desk: app.config.public_url() }
    }

    fn title(&self) -> &str {
        self.channel.as_ref().map_or("New API channel", |channel| &channel.name)
    }

    fn action(&self) -> String {
        match &self.channel {
            None => "/settings/api-channels/new".to_owned(),
            Some(channel) => format!("/settings/api-channels/{}", channel.id),
        }
    }

    fn key(&self) -> &str {
        self.channel.as_ref().and_then(|channel| channel.address.as_deref()).unwrap_or_default()
    }

    /// What stands on the channel's row, unless a test just said more.
    fn last_error(&self) -> Option<&str> {
        if self.trial.is_some() { None } else { self.channel.as_ref()?.last_error.as_deref() }
    }

    fn teams(&self) -> Vec<(String, String)> {
        entries::teams(&self.shell.directory)
    }

    fn languages(&self) -> Vec<(&'static str, &'static str)> {
        entries::languages()
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct ChannelForm {
    name: String,
    url: String,
    /// `on`, as all boxes.
    prove: String,
    answers: String,
    text_limit: String,
    window_hours: String,
    /// `public` or `private`.
    audience: String,
    team: String,
    language: String,
    then: String,
    /// It is for the comments of a blog: the page says how WordPress is connected.
    blog: String,
}

fn tick(on: bool) -> String {
    if on { "on".to_owned() } else { String::new() }
}

impl ChannelForm {
    fn of(settings: &Settings) -> Self {
        Self {
            url: settings.url.clone(),
            prove: tick(settings.prove),
            answers: tick(settings.answers),
            text_limit: settings.text_limit.to_string(),
            window_hours: settings.window_hours.map(|hours| hours.to_string()).unwrap_or_default(),
            audience: if settings.public { "public" } else { "private" }.to_owned(),
            ..Self::default()
        }
    }

    fn of_channel(channel: &Channel) -> Self {
        Self {
            name: channel.name.clone(),
            team: channel.team_id.map(|id| id.to_string()).unwrap_or_default(),
            language: channel.language.clone().unwrap_or_default(),
            ..Self::of(&Settings::of(channel))
        }
    }

    fn check(&self, app: &App) -> Result<Settings, Problems> {
        let mut problems = Problems::default();
        match self.name.trim().chars().count() {
            0 => problems.add("name", "Say what customers use, such as “Blog comments”."),
            1..=60 => {}
            _ => problems.add("name", "Use at most 60 characters."),
        }
        let url = self.url.trim();
        if !url.is_empty()
            && let Err(fault) = permitted(url, app.config.web.allow_private_networks)
        {
            problems.add("url", format!("{fault} Enter an address like https://example.com/sportello."));
        }
        let text_limit = self.text_limit.trim().parse().ok().filter(|limit| (1..=MAX_TEXT_LIMIT).contains(limit));
        if text_limit.is_none() {
            problems.add("text_limit", format!("Enter a number from 1 to {MAX_TEXT_LIMIT}."));
        }
        let hours = self.window_hours.trim();
        let window_hours = hours.parse().ok().filter(|hours| (1..=MAX_HOURS).contains(hours));
        if !hours.is_empty() && window_hours.is_none() {
            problems.add("window_hours", format!("Enter hours from 1 to {MAX_HOURS}, or nothing."));
        }
        if problems.any() {
            return Err(problems);
        }
        Ok(Settings {
            url: url.to_owned(),
            prove: self.prove == "on",
            answers: self.answers == "on",
            text_limit: text_limit.unwrap_or_default(),
            window_hours,
            public: self.audience == "public",
        })
    }

    fn draft(&self, shell: &Shell, settings: &Settings) -> Result<ChannelDraft> {
        let team = self.team.parse().ok().filter(|id| shell.directory.teams.iter().any(|team| team.id == *id));
        Ok(ChannelDraft {
            kind: ChannelKind::Api,
            name: self.name.trim().to_owned(),
            address: None,
            team_id: team,
            language: Language::from_code(&self.language).map(|language| language.code().to_owned()),
            enabled: true,
            settings: serde_json::to_value(settings)?,
            secrets: None,
        })
    }
}

async fn find(db: &mut PgConnection, id: ChannelId) -> Result<Channel> {
    rows::find(db, id).await?.filter(has_door).ok_or(Error::NotFound)
}

/// Tells the desk what can be answered here.
async fn declare(db: &mut PgConnection, channel: &Channel) -> sqlx::Result<bool> {
    let abilities = ApiChannel.answers(channel).then(|| ApiChannel.abilities(channel));
    rows::set_abilities(db, channel.id, abilities.as_ref()).await
}

/// What a new channel is for.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Preset {
    /// `blog`: comments that everybody reads.
    preset: String,
}

async fn show_new(State(app): State<App>, _: Admin, Query(preset): Query<Preset>, shell: Shell) -> Result<Response> {
    let mut form = ChannelForm::of(&Settings::default());
    if preset.preset == "blog" {
        form.name = "Blog comments".to_owned();
        form.audience = "public".to_owned();
        form.answers = tick(true);
        form.blog = tick(true);
    }
    shell.render(&EditorPage::new(&app, &shell, None, form, Problems::default()))
}

/// The plugin for WordPress, as docs/api-channels.md explains it.
async fn wordpress(_: Admin) -> Response {
    let headers = [
        (http::header::CONTENT_TYPE, "application/octet-stream"),
        (http::header::CONTENT_DISPOSITION, "attachment; filename=\"sportello-comments.php\""),
    ];
    (headers, include_str!("../../../docs/wordpress/sportello-comments.php")).into_response()
}

async fn show(State(app): State<App>, _: Admin, Path(id): Path<ChannelId>, shell: Shell) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    let channel = find(&mut db, id).await?;
    drop(db);
    let form = ChannelForm::of_channel(&channel);
    shell.render(&EditorPage::new(&app, &shell, Some(channel), form, Problems::default()))
}

fn name_taken(error: sqlx::Error) -> Result<Problems> {
    match on_constraint(&error) {
        Some("channels_name_key") => Ok(Problems::one("name", "Another channel has this name. Choose a different one.")),
        _ => Err(error.into()),
    }
}

const KEY: (&str, &str) = ("key", "The channel’s key, with which your program speaks to Sportello");
const OUTGOING: (&str, &str) = ("outgoing", "The secret that signs what Sportello posts to your program");
const IDENTIFIERS: (&str, &str) = ("identifiers", "The secret that proves who a customer is");

async fn create(State(app): State<App>, _: Admin, shell: Shell, Form(form): Form<ChannelForm>) -> Result<Response> {
    let again = |form, problems| shell.render_as(StatusCode::UNPROCESSABLE_ENTITY, &EditorPage::new(&app, &shell, None, form, problems));
    let settings = match form.check(&app) {
        Ok(settings) => settings,
        Err(problems) => return again(form, problems),
    };
    let mut kept =
        Secrets { outgoing: format!("sps_{}", secrets::token()), identifiers: format!("spi_{}", secrets::token()), ..Secrets::default() };
    let key = kept.renew_key();
    let mut draft = form.draft(&shell, &settings)?;
    let base = Some(slug(&draft.name)).filter(|base| !base.is_empty()).unwrap_or_else(|| "channel".to_owned());
    draft.address = Some(format!("{base}-{}", &secrets::token()[..6]));
    draft.secrets = Some(seal(&app.keys, &kept)?);
    let mut change = Change::begin(&app).await?;
    let id = match rows::create(&mut change, &draft).await {
        Ok(id) => id,
        Err(error) => return again(form, name_taken(error)?),
    };
    change.touch_settings();
    let channel = find(&mut change, id).await?;
    declare(&mut change, &channel).await?;
    change.commit().await?;
    let form = ChannelForm { blog: form.blog, ..ChannelForm::of_channel(&channel) };
    let fresh = vec![(KEY.0, KEY.1, key), (OUTGOING.0, OUTGOING.1, kept.outgoing), (IDENTIFIERS.0, IDENTIFIERS.1, kept.identifiers)];
    shell.render(&EditorPage { fresh, ..EditorPage::new(&app, &shell, Some(channel), form, Problems::default()) })
}

async fn save(
    State(app): State<App>,
    _: Admin,
    Path(id): Path<ChannelId>,
    shell: Shell,
    Form(form): Form<ChannelForm>,
) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    rows::lock(&mut change, id).await?;
    let channel = find(&mut change, id).await?;
    let again = |channel, form, problems| {
        shell.render_as(StatusCode::UNPROCESSABLE_ENTITY, &EditorPage::new(&app, &shell, Some(channel), form, problems))
    };
    let settings = match form.check(&app) {
        Ok(settings) => settings,
        Err(problems) => return again(channel, form, problems),
    };
    let draft = ChannelDraft { address: channel.address.clone(), enabled: channel.enabled, ..form.draft(&shell, &settings)? };
    if let Err(error) = rows::update(&mut change, id, &draft).await {
        return again(channel, form, name_taken(error)?);
    }
    // What waited for the channel to be put right leaves now.
    rows::regain_sign_in(&mut change, id).await?;
    change.touch_settings();
    change.touch_work();
    let channel = find(&mut change, id).await?;
    declare(&mut change, &channel).await?;
    change.commit().await?;
    if form.then == "test" {
        return test(&app, &shell, channel).await;
    }
    Ok(Flash::new(format!("{} is saved.", channel.name)).redirect(&format!("/settings/api-channels/{id}")))
}

/// Posts a test to the program, notes on the channel what came of it and shows it.
async fn test(app: &App, shell: &Shell, channel: Channel) -> Result<Response> {
    let way = Way { app, channel: &channel, calls: Caller::of(app) };
    let checked = ApiChannel.check(&way).await;
    let mut db = app.db.acquire().await?;
    let trial = match checked {
        Ok(health) => {
            rows::note_ok(&mut db, channel.id).await?;
            Trial { works: true, words: health.notes.join(" ") }
        }
        Err(fault) => {
            rows::note_error(&mut db, channel.id, &fault.to_string()).await?;
            Trial { works: false, words: fault.to_string() }
        }
    };
    let channel = find(&mut db, channel.id).await?;
    drop(db);
    let form = ChannelForm::of_channel(&channel);
    shell.render(&EditorPage { trial: Some(trial), ..EditorPage::new(app, shell, Some(channel), form, Problems::default()) })
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RenewForm {
    which: String,
}

async fn renew(State(app): State<App>, _: Admin, Path(id): Path<ChannelId>, shell: Shell, Form(form): Form<RenewForm>) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    rows::lock(&mut change, id).await?;
    let channel = find(&mut change, id).await?;
    let mut kept: Secrets = channel.secrets(&app.keys);
    let (which, made) = match &*form.which {
        "key" => (KEY, kept.renew_key()),
        "outgoing" => {
            kept.outgoing = format!("sps_{}", secrets::token());
            (OUTGOING, kept.outgoing.clone())
        }
        "identifiers" => {
            kept.identifiers = format!("spi_{}", secrets::token());
            (IDENTIFIERS, kept.identifiers.clone())
        }
        _ => return Err(Error::BadRequest("Choose which one to renew.".into())),
    };
    rows::set_secrets(&mut change, id, &seal(&app.keys, &kept)?).await?;
    change.touch_settings();
    change.commit().await?;
    let form = ChannelForm::of_channel(&channel);
    let fresh = vec![(which.0, which.1, made)];
    shell.render(&EditorPage { fresh, ..EditorPage::new(&app, &shell, Some(channel), form, Problems::default()) })
}
