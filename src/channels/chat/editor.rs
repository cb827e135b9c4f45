//! Where admins make a chat: how it looks, what it asks, where it may stand. Every button is a plain submit, so that lists can be changed
//! without a script; nothing is kept until "Save". Beside it stands the chat as it is saved.

mod draft;
mod install;
mod preview;

use askama::Template;
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;

use crate::app::App;
use crate::channels::chat::settings::{Before, Field, MAX_ITEMS, Settings, Side};
use crate::channels::chat::{loader, photo};
use crate::channels::entries::Tongues;
use crate::database::on_constraint;
use crate::desk::agents::Admin;
use crate::desk::changes::Change;
use crate::desk::channels::{self, Channel};
use crate::desk::directory::Directory;
use crate::desk::kinds::ChannelKind;
use crate::desk::photos::{self, PhotoError};
use crate::http::flash::Flash;
use crate::http::multipart::Parts;
use crate::http::page::Shell;
use crate::http::problems::Problems;
use crate::http::{Error, Path, Result};
use crate::i18n::Language;
use crate::ids::{ChannelId, TeamId};

use draft::{Draft, before_word, word};

/// The most that a sent picture may weigh: enough to read one that is too large, and say so beside its field.
const MAX_UPLOAD: usize = 24 * 1024 * 1024;

/// The routes of the editor; only our own pages may send its forms.
pub fn router() -> Router<App> {
    Router::new()
        .route("/settings/chats", get(list))
        .route("/settings/chats/new", get(new).post(create))
        .route("/settings/chats/{id}", get(show).post(save))
        .route("/settings/chats/{id}/photo", post(upload_photo).layer(DefaultBodyLimit::max(MAX_UPLOAD)))
        .route("/settings/chats/{id}/photo/remove", post(remove_photo))
        .route("/settings/chats/{id}/preview", get(preview::show))
        .route("/settings/chats/{id}/install", get(install::show))
        .route("/settings/chats/{id}/secret", post(install::reveal))
        .route("/settings/chats/{id}/secret/new", post(install::renew))
}

#[derive(Template)]
#[template(path = "channels/chat/list.html")]
struct ListPage<'a> {
    shell: &'a Shell,
    chats: Vec<Channel>,
}

impl ListPage<'_> {
    fn key<'c>(&self, chat: &'c Channel) -> &'c str {
        chat.address.as_deref().unwrap_or_default()
    }
}

async fn list(State(app): State<App>, _: Admin, shell: Shell) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    let chats = channels::list(&mut db).await?.into_iter().filter(|channel| channel.kind == ChannelKind::Chat).collect();
    drop(db);
    shell.render(&ListPage { shell: &shell, chats })
}

#[derive(Template)]
#[template(path = "channels/chat/editor.html")]
struct EditorPage<'a> {
    shell: &'a Shell,
    /// The chat as it is stored; `None`: it is new.
    saved: Option<&'a Channel>,
    draft: Draft,
    problems: Problems,
    snippet: String,
    /// What names the stored chat's script; `None`: it is new, or switched off.
    version: Option<String>,
}

impl EditorPage<'_> {
    fn title(&self) -> &str {
        self.saved.map_or("New chat", |chat| &chat.name)
    }

    fn path(&self) -> String {
        self.saved.map_or("/settings/chats/new".to_owned(), |chat| format!("/settings/chats/{}", chat.id))
    }

    fn offers(&self, language: &Language) -> bool {
        self.draft.settings.languages.contains(language)
    }

    fn tongues(&self) -> Tongues<'_> {
        Tongues(&self.draft.settings.languages)
    }

    fn is_team(&self, chosen: &Option<TeamId>, team: &TeamId) -> bool {
        *chosen == Some(*team)
    }

    fn forms(&self) -> Vec<(ChannelId, &str)> {
        let forms = self.shell.directory.channels.iter().filter(|channel| channel.kind == ChannelKind::Form);
        forms.map(|form| (form.id, form.name.as_str())).collect()
    }

    fn is_form(&self, form: &ChannelId) -> bool {
        self.draft.settings.form == Some(*form)
    }

    fn sides(&self) -> [(&'static str, &'static str, bool); 2] {
        let left = self.draft.settings.position == Side::Left;
        [("right", "Right", !left), ("left", "Left", left)]
    }

    fn befores(&self) -> [(&'static str, &'static str, bool); 3] {
        let words = [(Before::None, "Ask nothing"), (Before::Optional, "Ask, may be left empty"), (Before::Required, "Must be filled in")];
        words.map(|(before, words)| (before_word(before), words, self.draft.settings.before == before))
    }

    fn asked(&self) -> [(&'static str, &'static str, bool); 4] {
        Field::ALL.map(|field| {
            let words = match field {
                Field::Name => "Name",
                Field::Email => "Mail address",
                Field::Order => "Order number",
                Field::Topic => "Topic",
            };
            (word(field), words, self.draft.settings.fields.contains(&field))
        })
    }

    fn is_open(&self, list: &str, at: &usize) -> bool {
        let name = format!("{list}-{at}");
        self.draft.open == name || self.problems.of(&name).is_some()
    }

    fn problem(&self, list: &str, at: &usize) -> Option<&str> {
        self.problems.of(&format!("{list}-{at}"))
    }

    fn is_last(&self, at: &usize, list: &str) -> bool {
        let count = if list == "topic" { self.draft.settings.topics.len() } else { self.draft.greetings.len() };
        at + 1 >= count
    }

    fn is_full(&self, count: usize) -> bool {
        count >= MAX_ITEMS
    }

    /// The colour that visitors see.
    fn accent(&self) -> &str {
        let own = &self.draft.settings.accent;
        if crate::http::assets::is_colour(own) { own } else { &self.shell.directory.shop.accent }
    }

    fn photo(&self) -> Option<String> {
        let chat = self.saved.filter(|chat| chat.enabled)?;
        let sha256 = self.draft.settings.team_photo.as_deref()?;
        Some(photo::address(chat.address.as_deref().unwrap_or_default(), sha256))
    }
}

/// The line for the shop's page.
fn snippet(app: &App, key: &str) -> String {
    format!("<script async src=\"{}/chat/{key}/widget.js\"></script>", app.config.public_url())
}

/// The editor with this draft in it.
async fn editor(
    app: &App,
    shell: &Shell,
    saved: Option<&Channel>,
    draft: Draft,
    problems: Problems,
    status: StatusCode,
) -> Result<Response> {
    let key = saved.and_then(|chat| chat.address.as_deref()).unwrap_or_default();
    let version = loader::version(app, key).await?;
    shell.render_as(status, &EditorPage { shell, saved, draft, problems, snippet: snippet(app, key), version })
}

fn desk_language(directory: &Directory) -> Language {
    Language::from_code(&directory.shop.language).unwrap_or(Language::En)
}

async fn find(app: &App, id: ChannelId) -> Result<Channel> {
    let mut db = app.db.acquire().await?;
    channels::find(&mut db, id).await?.filter(|channel| channel.kind == ChannelKind::Chat).ok_or(Error::NotFound)
}

/// The chat, which nobody else changes until this change is over.
async fn hold(change: &mut Change, id: ChannelId) -> Result<Channel> {
    channels::lock(change, id).await?;
    channels::find(change, id).await?.filter(|channel| channel.kind == ChannelKind::Chat).ok_or(Error::NotFound)
}

async fn new(State(app): State<App>, _: Admin, shell: Shell) -> Result<Response> {
    let draft = Draft::fresh(desk_language(&shell.directory));
    editor(&app, &shell, None, draft, Problems::default(), StatusCode::OK).await
}

async fn show(State(app): State<App>, _: Admin, Path(id): Path<ChannelId>, shell: Shell) -> Result<Response> {
    let channel = find(&app, id).await?;
    editor(&app, &shell, Some(&channel), Draft::of(&channel), Problems::default(), StatusCode::OK).await
}

async fn create(State(app): State<App>, _: Admin, shell: Shell, parts: Parts) -> Result<Response> {
    keep(&app, &shell, None, &parts).await
}

async fn save(State(app): State<App>, _: Admin, Path(id): Path<ChannelId>, shell: Shell, parts: Parts) -> Result<Response> {
    keep(&app, &shell, Some(id), &parts).await
}

async fn keep(app: &App, shell: &Shell, id: Option<ChannelId>, parts: &Parts) -> Result<Response> {
    let mut change = Change::begin(app).await?;
    let channel = match id {
        Some(id) => Some(hold(&mut change, id).await?),
        None => None,
    };
    let before = channel.as_ref().map(Settings::of).unwrap_or_default();
    let mut draft = Draft::read(parts, &before);
    if draft.apply(parts.text("do")) {
        drop(change);
        return editor(app, shell, channel.as_ref(), draft, Problems::default(), StatusCode::OK).await;
    }
    let problems = draft.complete();
    if problems.any() {
        drop(change);
        return editor(app, shell, channel.as_ref(), draft, problems, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let row = draft.to_channel()?;
    let saved = match &channel {
        Some(channel) => channels::update(&mut change, channel.id, &row).await.map(|_| channel.id),
        None => channels::create(&mut change, &row).await,
    };
    let (field, words) = match saved {
        Ok(id) => {
            change.touch_settings();
            change.commit().await?;
            return Ok(Flash::new("The chat is saved.").redirect(&format!("/settings/chats/{id}")));
        }
        Err(error) => match on_constraint(&error) {
            Some("channels_name_key") => ("name", "There is a channel of this name already."),
            Some("channels_address_key") => ("key", "There is a chat of this key already."),
            Some("channels_team_id_fkey") => ("team", "This team was deleted meanwhile. Choose another."),
            _ => return Err(error.into()),
        },
    };
    drop(change);
    editor(app, shell, channel.as_ref(), draft, Problems::one(field, words), StatusCode::UNPROCESSABLE_ENTITY).await
}

async fn upload_photo(State(app): State<App>, _: Admin, Path(id): Path<ChannelId>, shell: Shell, mut parts: Parts) -> Result<Response> {
    let channel = find(&app, id).await?;
    let stored = match parts.files.pop() {
        Some(file) => photos::store(&app, file.bytes).await.map(Some),
        None if parts.refused.is_empty() => Ok(None),
        None => Err(PhotoError::TooHeavy),
    };
    let words = match stored {
        Ok(Some(sha256)) => {
            set_photo(&app, id, Some(hex::encode(sha256))).await?;
            return Ok(Flash::new("This is the team’s picture now.").redirect(&format!("/settings/chats/{id}")));
        }
        Ok(None) => "Choose a picture first.".to_owned(),
        Err(PhotoError::Storage(error)) => return Err(Error::Internal(error.into())),
        Err(error) => error.to_string(),
    };
    let problems = Problems::one("photo", words);
    editor(&app, &shell, Some(&channel), Draft::of(&channel), problems, StatusCode::UNPROCESSABLE_ENTITY).await
}

async fn remove_photo(State(app): State<App>, _: Admin, Path(id): Path<ChannelId>) -> Result<Response> {
    set_photo(&app, id, None).await?;
    Ok(Flash::new("The picture is removed.").redirect(&format!("/settings/chats/{id}")))
}

async fn set_photo(app: &App, id: ChannelId, sha256: Option<String>) -> Result<()> {
    let mut change = Change::begin(app).await?;
    let channel = hold(&mut change, id).await?;
    let settings = Settings { team_photo: sha256, ..Settings::of(&channel) };
    channels::set_settings(&mut change, id, &serde_json::to_value(&settings)?).await?;
    change.touch_settings();
    change.commit().await?;
    Ok(())
}
