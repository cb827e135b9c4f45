//! Letters: what ends those of each mailbox, in every language, and how large they may be.

use askama::Template;
use axum::Router;
use axum::extract::{RawForm, State};
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;

use crate::app::App;
use crate::desk::agents::Admin;
use crate::desk::changes::Change;
use crate::desk::kinds::ChannelKind;
use crate::desk::links::{self, MailRules};
use crate::desk::signatures::{self, MAX, Owner};
use crate::http::flash::Flash;
use crate::http::multipart::clean;
use crate::http::page::Shell;
use crate::http::problems::Problems;
use crate::http::{Error, Path, Result};
use crate::i18n::Language;
use crate::ids::ChannelId;

use super::one;

/// The routes of this page.
pub fn router() -> Router<App> {
    Router::new()
        .route("/settings/letters", get(show))
        .route("/settings/letters/limit", post(save_limit))
        .route("/settings/letters/{id}", post(save))
}

/// The words in one language, as a form holds them.
#[derive(Debug, Clone)]
pub struct Field {
    /// Two letters; empty: every other language.
    pub code: &'static str,
    pub label: &'static str,
    pub body: String,
    /// As a letter shows it.
    pub preview: String,
}

/// A field for each language.
pub fn fields(body: impl Fn(&str) -> String, preview: impl Fn(&str) -> String) -> Vec<Field> {
    let rest = [("", "Every other language")];
    let all = Language::ALL.into_iter().map(|language| (language.code(), language.own_name())).chain(rest);
    all.map(|(code, label)| {
        let body = body(code);
        Field { code, label, preview: preview(&body), body }
    })
    .collect()
}

/// Shows again what was typed and refused.
pub fn put_back<'f>(fields: impl IntoIterator<Item = &'f mut Field>, words: &[(&'static str, String)]) {
    for field in fields {
        field.body = words.iter().find(|(code, _)| *code == field.code).map(|(_, body)| body.clone()).unwrap_or_default();
    }
}

/// The names and values of a form.
pub fn pairs(form: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(form).into_owned().collect()
}

/// What was sent for each language, and what is wrong with it.
pub fn read(sent: &[(String, String)], problems: &mut Problems) -> Vec<(&'static str, String)> {
    let codes = Language::ALL.into_iter().map(Language::code).chain([""]);
    codes
        .map(|code| {
            let body = clean(one(sent, &format!("signature-{code}"))).trim_end().to_owned();
            if body.chars().count() > MAX {
                problems.add(format!("signature-{code}"), format!("Use at most {MAX} characters."));
            }
            (code, body)
        })
        .collect()
}

struct Mailbox {
    id: ChannelId,
    name: String,
    address: String,
    fields: Vec<Field>,
}

#[derive(Template)]
#[template(path = "screens/settings/letters.html")]
struct LettersPage<'a> {
    shell: &'a Shell,
    mailboxes: Vec<Mailbox>,
    limit: String,
    /// The mailbox whose form was refused.
    refused: Option<ChannelId>,
    problems: Problems,
}

impl<'a> LettersPage<'a> {
    async fn load(app: &App, shell: &'a Shell) -> Result<Self> {
        let mut db = app.db.acquire().await?;
        let limit = links::rules(&mut db).await?.attached.to_string();
        let mut mailboxes = Vec::new();
        for channel in shell.directory.channels.iter().filter(|channel| channel.kind == ChannelKind::Email) {
            let known = signatures::list(&mut db, Owner::Mailbox(channel.id)).await?;
            let body = |code: &str| known.iter().find(|known| known.language == code).map(|known| known.body.clone()).unwrap_or_default();
            let preview = |body: &str| signatures::join(&shell.agent.name, &shell.directory.shop.shop_name, "", body);
            let (id, name, address) = (channel.id, channel.name.clone(), channel.address.clone().unwrap_or_default());
            mailboxes.push(Mailbox { id, name, address, fields: fields(body, preview) });
        }
        Ok(Self { shell, mailboxes, limit, refused: None, problems: Problems::default() })
    }

    fn problem(&self, mailbox: &ChannelId, code: &str) -> Option<&str> {
        self.problems.of(&format!("signature-{code}")).filter(|_| self.refused == Some(*mailbox))
    }

    fn samples(&self) -> String {
        let samples = serde_json::json!({ "agent.name": self.shell.agent.name, "shop.name": self.shell.directory.shop.shop_name });
        samples.to_string().replace('<', "\\u003c")
    }
}

async fn show(State(app): State<App>, _: Admin, shell: Shell) -> Result<Response> {
    shell.render(&LettersPage::load(&app, &shell).await?)
}

async fn save(State(app): State<App>, Path(id): Path<ChannelId>, _: Admin, shell: Shell, RawForm(form): RawForm) -> Result<Response> {
    if shell.directory.channel(id).is_none_or(|channel| channel.kind != ChannelKind::Email) {
        return Err(Error::NotFound);
    }
    let mut problems = Problems::default();
    let words = read(&pairs(&form), &mut problems);
    if problems.any() {
        let mut page = LettersPage::load(&app, &shell).await?;
        put_back(page.mailboxes.iter_mut().filter(|mailbox| mailbox.id == id).flat_map(|mailbox| &mut mailbox.fields), &words);
        let page = LettersPage { refused: Some(id), problems, ..page };
        return shell.render_as(StatusCode::UNPROCESSABLE_ENTITY, &page);
    }
    let mut change = Change::begin(&app).await?;
    for (code, body) in words {
        signatures::set(&mut change, Owner::Mailbox(id), code, &body).await?;
    }
    change.touch_settings();
    change.commit().await?;
    Ok(Flash::new("Saved.").redirect("/settings/letters"))
}

async fn save_limit(State(app): State<App>, _: Admin, shell: Shell, RawForm(form): RawForm) -> Result<Response> {
    let limit = one(&pairs(&form), "limit").trim().to_owned();
    match limit.parse::<i64>().ok().filter(|limit| links::LIMITS.contains(limit)) {
        Some(attached) => {
            let mut change = Change::begin(&app).await?;
            links::set_rules(&mut change, &MailRules { attached }).await?;
            change.touch_settings();
            change.commit().await?;
            Ok(Flash::new("Saved.").redirect("/settings/letters"))
        }
        None => {
            let words = format!("Enter a number from {} to {}.", links::LIMITS.start(), links::LIMITS.end());
            let page = LettersPage { limit, problems: Problems::one("limit", words), ..LettersPage::load(&app, &shell).await? };
            shell.render_as(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
    }
}
