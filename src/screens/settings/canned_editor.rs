//! The editor of one canned reply: its words in every language, its files, who may use it, and how the customer reads it.

use askama::Template;
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use http::{StatusCode, header};
use serde::Deserialize;
use sqlx::PgConnection;

use crate::app::App;
use crate::database::on_constraint;
use crate::desk::agents::Agent;
use crate::desk::canned::{self, CannedDraft, CannedFile, CannedReply, CannedText, VARIABLES, Variables, unknown_variables};
use crate::desk::changes::Change;
use crate::desk::files::{MAX_FILE, MAX_FILES, StoredFile};
use crate::desk::kinds::CannedScope;
use crate::desk::tickets::{self, list};
use crate::http::flash::Flash;
use crate::http::multipart::Parts;
use crate::http::page::Shell;
use crate::http::problems::Problems;
use crate::http::{Error, Path, Query, Result};
use crate::i18n::Language;
use crate::ids::{CannedFileId, CannedReplyId, TeamId, TicketId};
use crate::screens::tickets::composer;

/// The longest text of one language, in characters.
const MAX_TEXT: usize = 20_000;

/// The routes of this page.
pub fn router() -> Router<App> {
    let editor = Router::new()
        .route("/settings/canned/new", get(show_new).post(create))
        .route("/settings/canned/{id}", get(show).post(save))
        .layer(DefaultBodyLimit::max(MAX_FILE * 2));
    editor
        .route("/settings/canned/{id}/copy", post(copy))
        .route("/settings/canned/{id}/delete", post(delete))
        .route("/settings/canned/{id}/files/{file}", get(download))
}

/// What was typed, as it was typed.
#[derive(Debug, Default, Clone)]
struct EditorForm {
    name: String,
    shortcut: String,
    folder: String,
    /// `everyone`, `personal` or a team's number.
    scope: String,
    /// In the order of [`Language::ALL`].
    texts: Vec<String>,
    /// The tab in front.
    tab: String,
    /// The ticket of the preview; empty: the newest.
    ticket: String,
}

impl EditorForm {
    fn of(parts: &Parts) -> Self {
        let text = |name: &str| parts.text(name).to_owned();
        Self {
            name: text("name"),
            shortcut: text("shortcut"),
            folder: text("folder"),
            scope: text("scope"),
            texts: Language::ALL.iter().map(|language| text(&format!("body_{}", language.code()))).collect(),
            tab: text("tab"),
            ticket: text("ticket"),
        }
    }

    fn of_reply(reply: &CannedReply, texts: &[CannedText]) -> Self {
        let body = |language: &Language| {
            texts.iter().find(|text| text.language == language.code()).map_or(String::new(), |text| text.body.clone())
        };
        Self {
            name: reply.name.clone(),
            shortcut: reply.shortcut.clone(),
            folder: reply.folder.clone(),
            scope: match (reply.scope, reply.team_id) {
                (CannedScope::Team, Some(team)) => team.to_string(),
                (scope, _) => scope.as_str().to_owned(),
            },
            texts: Language::ALL.iter().map(body).collect(),
            ..Self::default()
        }
    }

    /// What was typed as a draft, if all of it can be taken.
    fn check(&self, shell: &Shell) -> Result<CannedDraft, Problems> {
        let mut problems = Problems::default();
        let name = self.name.trim();
        if name.is_empty() {
            problems.add("name", "Enter a name by which the team finds it.");
        } else if name.chars().count() > 100 {
            problems.add("name", "Use at most 100 characters.");
        }
        let shortcut = self.shortcut.trim().trim_start_matches('#');
        if shortcut.is_empty() {
            problems.add("shortcut", "Enter what agents type after #, such as “tracking”.");
        } else if shortcut.chars().count() > 40 || !shortcut.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.')) {
            problems.add("shortcut", "Use up to 40 letters, digits, - and _, without spaces.");
        }
        if self.folder.trim().chars().count() > 60 {
            problems.add("folder", "Use at most 60 characters.");
        }
        let texts: Vec<CannedText> = Language::ALL
            .iter()
            .zip(&self.texts)
            .filter(|(_, body)| !body.trim().is_empty())
            .map(|(language, body)| CannedText { language: language.code().to_owned(), body: body.trim_end().to_owned() })
            .collect();
        if texts.is_empty() {
            problems.add("texts", "Write the reply in at least one language.");
        }
        if texts.iter().any(|text| text.body.chars().count() > MAX_TEXT) {
            problems.add("texts", format!("Use at most {MAX_TEXT} characters in each language."));
        }
        let scope = self.scope(shell);
        if scope.is_none() {
            problems.add("scope", "Choose who may use it.");
        }
        match scope {
            Some((scope, team_id)) if !problems.any() => Ok(CannedDraft {
                name: name.to_owned(),
                shortcut: shortcut.to_owned(),
                folder: self.folder.trim().to_owned(),
                scope,
                team_id,
                owner_id: (scope == CannedScope::Personal).then_some(shell.agent.id),
                texts,
            }),
            _ => Err(problems),
        }
    }

    /// Who may use it; none when the choice is not open to this person.
    fn scope(&self, shell: &Shell) -> Option<(CannedScope, Option<TeamId>)> {
        match self.scope.as_str() {
            "personal" => Some((CannedScope::Personal, None)),
            "everyone" if shell.is_lead() => Some((CannedScope::Everyone, None)),
            team if shell.is_lead() => {
                let team: TeamId = team.parse().ok()?;
                shell.directory.teams.iter().any(|known| known.id == team).then_some((CannedScope::Team, Some(team)))
            }
            _ => None,
        }
    }
}

#[derive(Template)]
#[template(path = "screens/settings/canned_editor.html")]
struct EditorPage<'a> {
    shell: &'a Shell,
    /// `None`: not saved yet.
    id: Option<CannedReplyId>,
    may_edit: bool,
    form: EditorForm,
    files: Vec<CannedFile>,
    folders: Vec<String>,
    used: i32,
    sample: Sample,
    problems: Problems,
}

/// One language of the editor.
struct Tab<'a> {
    code: &'static str,
    name: &'static str,
    body: &'a str,
    filled: bool,
    front: bool,
    unknown: Vec<String>,
}

/// The ticket on which the preview is tried.
struct Sample {
    ticket: Option<TicketId>,
    /// The number that was asked for and is none.
    missing: Option<String>,
    variables: Variables,
}

impl Sample {
    /// The wanted ticket, else the newest, else an invented one.
    async fn load(db: &mut PgConnection, app: &App, shell: &Shell, wanted: &str) -> Result<Self> {
        let wanted = wanted.trim().trim_start_matches('#');
        let asked = match wanted.parse::<TicketId>() {
            Ok(id) => tickets::load(db, &shell.agent, id).await?,
            Err(_) => None,
        };
        let missing = (!wanted.is_empty() && asked.is_none()).then(|| wanted.to_owned());
        let ticket = match asked {
            Some(ticket) => Some(ticket),
            None => match list::newest(db).await? {
                Some(id) => tickets::load(db, &shell.agent, id).await?,
                None => None,
            },
        };
        let mut variables = Variables {
            customer_name: "Anna Verdi".to_owned(),
            customer_email: "anna.verdi@example.com".to_owned(),
            agent_name: shell.agent.name.clone(),
            ticket_number: "1042".to_owned(),
            ticket_subject: "Where is my order?".to_owned(),
            ticket_link: format!("{}/r/…", app.config.public_url()),
            shop_name: shell.directory.shop.shop_name.clone(),
        };
        if let Some(ticket) = &ticket {
            variables = composer::variables(app, db, &shell.agent, ticket, &shell.directory.shop.shop_name).await?;
        }
        Ok(Self { ticket: ticket.map(|ticket| ticket.id), missing, variables })
    }
}

impl EditorPage<'_> {
    fn title(&self) -> &str {
        match (self.id, self.form.name.as_str()) {
            (None, "") => "New canned reply",
            (_, "") => "Canned reply",
            (_, name) => name,
        }
    }

    fn action(&self) -> String {
        self.id.map_or_else(|| "/settings/canned/new".to_owned(), |id| format!("/settings/canned/{id}"))
    }

    /// The tab in front: the one chosen, else the first with words, else the desk's language.
    fn front(&self) -> &str {
        let filled =
            Language::ALL.iter().zip(&self.form.texts).find(|(_, body)| !body.trim().is_empty()).map(|(language, _)| language.code());
        let chosen = Language::ALL.iter().map(|language| language.code()).find(|code| *code == self.form.tab);
        chosen.or(filled).unwrap_or(&self.shell.directory.shop.language)
    }

    fn tabs(&self) -> Vec<Tab<'_>> {
        let front = self.front();
        let tab = |(at, language): (usize, &Language)| {
            let body = self.form.texts.get(at).map_or("", String::as_str);
            let code = language.code();
            Tab {
                code,
                name: language.own_name(),
                body,
                filled: !body.trim().is_empty(),
                front: code == front,
                unknown: unknown_variables(body),
            }
        };
        Language::ALL.iter().enumerate().map(tab).collect()
    }

    /// What the customer reads, from the tab in front.
    fn preview(&self) -> String {
        let front = self.front();
        let at = Language::ALL.iter().position(|language| language.code() == front).unwrap_or(0);
        self.sample.variables.fill(self.form.texts.get(at).map_or("", String::as_str))
    }

    fn variables(&self) -> Vec<(&'static str, &'static str, &str)> {
        VARIABLES.iter().map(|(name, meaning)| (*name, *meaning, self.sample.variables.get(name).unwrap_or_default())).collect()
    }

    /// The same for the page's script. `<` as an escape, so that no value can end the element.
    fn samples(&self) -> String {
        let samples: serde_json::Map<String, serde_json::Value> =
            self.variables().into_iter().map(|(name, _, value)| (name.to_owned(), value.into())).collect();
        serde_json::Value::Object(samples).to_string().replace('<', "\\u003c")
    }

    fn scopes(&self) -> Vec<(String, String)> {
        let mut scopes = Vec::new();
        if self.shell.is_lead() || !self.may_edit {
            scopes.push(("everyone".to_owned(), "Everyone".to_owned()));
            scopes.extend(self.shell.directory.teams.iter().map(|team| (team.id.to_string(), format!("Team {}", team.name))));
        }
        scopes.push(("personal".to_owned(), "Only me".to_owned()));
        scopes
    }
}

async fn folders(db: &mut PgConnection, shell: &Shell) -> sqlx::Result<Vec<String>> {
    let mut folders: Vec<String> = canned::list(db, shell.agent.id, true).await?.into_iter().map(|reply| reply.folder).collect();
    folders.retain(|folder| !folder.is_empty());
    folders.dedup_by_key(|folder| folder.to_lowercase());
    Ok(folders)
}

/// A reply that this agent may at least read.
async fn load(db: &mut PgConnection, agent: &Agent, id: CannedReplyId) -> Result<CannedReply> {
    let reply = canned::find(db, id).await?.ok_or(Error::NotFound)?;
    if reply.scope == CannedScope::Personal && reply.owner_id != Some(agent.id) {
        return Err(Error::NotFound);
    }
    Ok(reply)
}

/// A reply that this agent may change.
async fn load_own(db: &mut PgConnection, agent: &Agent, id: CannedReplyId) -> Result<CannedReply> {
    let reply = load(db, agent, id).await?;
    if reply.may_edit(agent) { Ok(reply) } else { Err(Error::Forbidden) }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct EditorQuery {
    ticket: String,
    tab: String,
}

async fn show_new(State(app): State<App>, Query(query): Query<EditorQuery>, shell: Shell) -> Result<Response> {
    let scope = if shell.is_lead() { "everyone" } else { "personal" };
    let form = EditorForm {
        scope: scope.to_owned(),
        texts: vec![String::new(); Language::ALL.len()],
        ticket: query.ticket,
        tab: query.tab,
        ..EditorForm::default()
    };
    page(&app, &shell, None, form, StatusCode::OK, Problems::default()).await
}

async fn show(State(app): State<App>, Path(id): Path<CannedReplyId>, Query(query): Query<EditorQuery>, shell: Shell) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    let reply = load(&mut db, &shell.agent, id).await?;
    let texts = canned::texts(&mut db, id).await?;
    drop(db);
    let form = EditorForm { ticket: query.ticket, tab: query.tab, ..EditorForm::of_reply(&reply, &texts) };
    page(&app, &shell, Some(&reply), form, StatusCode::OK, Problems::default()).await
}

async fn page(
    app: &App,
    shell: &Shell,
    reply: Option<&CannedReply>,
    form: EditorForm,
    status: StatusCode,
    problems: Problems,
) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    let files = match reply {
        Some(reply) => canned::files(&mut db, reply.id).await?,
        None => Vec::new(),
    };
    let page = EditorPage {
        shell,
        id: reply.map(|reply| reply.id),
        may_edit: reply.is_none_or(|reply| reply.may_edit(&shell.agent)),
        files,
        folders: folders(&mut db, shell).await?,
        used: reply.map_or(0, |reply| reply.used_count),
        sample: Sample::load(&mut db, app, shell, &form.ticket).await?,
        form,
        problems,
    };
    shell.render_as(status, &page)
}

async fn create(State(app): State<App>, shell: Shell, parts: Parts) -> Result<Response> {
    save_as(&app, &shell, None, parts).await
}

async fn save(State(app): State<App>, Path(id): Path<CannedReplyId>, shell: Shell, parts: Parts) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    let reply = load_own(&mut db, &shell.agent, id).await?;
    drop(db);
    save_as(&app, &shell, Some(reply), parts).await
}

async fn save_as(app: &App, shell: &Shell, reply: Option<CannedReply>, parts: Parts) -> Result<Response> {
    let form = EditorForm::of(&parts);
    let again = |form, problems| page(app, shell, reply.as_ref(), form, StatusCode::UNPROCESSABLE_ENTITY, problems);
    if parts.text("then") == "preview" {
        return page(app, shell, reply.as_ref(), form, StatusCode::OK, Problems::default()).await;
    }
    let mut draft = match form.check(shell) {
        Ok(draft) => draft,
        Err(problems) => return again(form, problems).await,
    };
    if let Some(name) = parts.refused.first() {
        let words =
            format!("“{name}” was not taken: a file may have {} MB, and at most {MAX_FILES} can be added at once.", MAX_FILE / 1_000_000);
        return again(form, Problems::one("files", words)).await;
    }
    // Somebody's own stays theirs when it is saved as personal again.
    if draft.scope == CannedScope::Personal {
        draft.owner_id = Some(reply.as_ref().and_then(|reply| reply.owner_id).unwrap_or(shell.agent.id));
    }
    let stored = StoredFile::store_all(app, &parts.files).await?;
    let mut change = Change::begin(app).await?;
    let saved = match &reply {
        None => canned::create(&mut change, &draft).await.map(Some),
        Some(reply) => canned::update(&mut change, reply.id, &draft).await.map(|done| done.then_some(reply.id)),
    };
    let id = match saved {
        Ok(id) => id.ok_or(Error::NotFound)?,
        Err(error) if on_constraint(&error) == Some("canned_replies_shortcut_key") => {
            drop(change);
            return again(
                form,
                Problems::one("shortcut", "Another reply has this shortcut already, perhaps a colleague’s own. Choose a different one."),
            )
            .await;
        }
        Err(error) => return Err(error.into()),
    };
    let removed: Vec<CannedFileId> = parts.ids("remove_file");
    for file in &removed {
        canned::remove_file(&mut change, id, *file).await?;
    }
    for file in &stored {
        canned::add_file(&mut change, id, file).await?;
    }
    change.touch_settings();
    change.commit().await?;
    // A file was added or removed: the person is still at work here.
    let stay = !removed.is_empty() || parts.text("then") == "stay";
    let tab = if form.tab.is_empty() {
        String::new()
    } else {
        format!("?tab={}", url::form_urlencoded::byte_serialize(form.tab.as_bytes()).collect::<String>())
    };
    let to = if stay { format!("/settings/canned/{id}{tab}") } else { "/settings/canned".to_owned() };
    Ok(Flash::new(format!("“{}” is saved.", draft.name)).redirect(&to))
}

/// Makes a copy to change: one's own for an agent, with the original's words and files.
async fn copy(State(app): State<App>, agent: Agent, Path(id): Path<CannedReplyId>) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    let reply = load(&mut change, &agent, id).await?;
    let texts = canned::texts(&mut change, id).await?;
    let taken = canned::shortcuts_like(&mut change, &reply.shortcut).await?;
    let shortcut = (2..).map(|n| format!("{}-{n}", reply.shortcut)).find(|name| !taken.contains(&name.to_lowercase())).unwrap_or_default();
    let (scope, team_id, owner_id) =
        if reply.may_edit(&agent) { (reply.scope, reply.team_id, reply.owner_id) } else { (CannedScope::Personal, None, Some(agent.id)) };
    let draft =
        CannedDraft { name: format!("{} (copy)", reply.name), shortcut, folder: reply.folder.clone(), scope, team_id, owner_id, texts };
    let new = canned::create(&mut change, &draft).await?;
    canned::copy_files(&mut change, id, new).await?;
    change.touch_settings();
    change.commit().await?;
    Ok(Flash::new("This is the copy.").redirect(&format!("/settings/canned/{new}")))
}

async fn delete(State(app): State<App>, agent: Agent, Path(id): Path<CannedReplyId>) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    let reply = match load_own(&mut change, &agent, id).await {
        Err(Error::NotFound) => return Ok(Redirect::to("/settings/canned").into_response()),
        other => other?,
    };
    canned::delete(&mut change, id).await?;
    change.touch_settings();
    change.commit().await?;
    Ok(Flash::new(format!("“{}” is deleted.", reply.name)).redirect("/settings/canned"))
}

/// A file of a reply, always to be saved and never shown in place.
async fn download(State(app): State<App>, agent: Agent, Path((id, file)): Path<(CannedReplyId, CannedFileId)>) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    load(&mut db, &agent, id).await?;
    let (file, sha256) = canned::find_file(&mut db, id, file).await?.ok_or(Error::NotFound)?;
    drop(db);
    let bytes = app.blobs.get(&sha256).await?;
    let name: String = url::form_urlencoded::byte_serialize(file.name.as_bytes()).collect::<String>().replace('+', "%20");
    let disposition = format!("attachment; filename*=UTF-8''{name}");
    Ok(([(header::CONTENT_TYPE, "application/octet-stream".to_owned()), (header::CONTENT_DISPOSITION, disposition)], bytes).into_response())
}
