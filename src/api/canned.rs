//! `/canned-replies`: what the desk says often, in every language it speaks.

use std::collections::BTreeMap;

use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::ErrorBody;
use crate::api::error::{Refusal, Result};
use crate::api::extract::{Caller, Json, Path, Query};
use crate::api::input::{self, Checks, List, MAX_TEXT, Reference, present};
use crate::app::App;
use crate::desk::agents::Agent;
use crate::desk::canned::{self, CannedDraft, CannedText};
use crate::desk::changes::Change;
use crate::desk::directory::{self, Directory};
use crate::desk::kinds::{CannedScope, Role};
use crate::ids::{AgentId, CannedReplyId, TeamId};

/// The most languages of one canned reply.
const MAX_LANGUAGES: usize = 30;

/// The routes of canned replies.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(read, change, delete))
}

/// A canned reply.
#[derive(Debug, Serialize, ToSchema)]
pub struct CannedReply {
    pub id: CannedReplyId,
    pub name: String,
    /// What an agent types after `#`.
    pub shortcut: String,
    /// Empty: in no folder.
    pub folder: String,
    pub scope: CannedScope,
    /// Scope `team`: whose.
    pub team_id: Option<TeamId>,
    /// Scope `personal`: whose.
    pub owner_id: Option<AgentId>,
    pub used_count: i32,
    /// The words by two-letter language, with variables such as `{{customer.first_name}}`.
    #[schema(example = json!({"it": "Ciao {{customer.first_name}}", "en": "Hello {{customer.first_name}}"}))]
    pub texts: BTreeMap<String, String>,
}

impl CannedReply {
    fn new(reply: canned::CannedReply) -> Self {
        Self {
            id: reply.id,
            name: reply.name,
            shortcut: reply.shortcut,
            folder: reply.folder,
            scope: reply.scope,
            team_id: reply.team_id,
            owner_id: reply.owner_id,
            used_count: reply.used_count,
            texts: BTreeMap::new(),
        }
    }
}

/// A page.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CannedQuery {
    /// 1 to 100; 50 if not said.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
    /// The `next` of the page before.
    after: Option<String>,
}

/// List canned replies
///
/// Those that the token's agent may see, by folder and name.
#[utoipa::path(get, path = "/canned-replies", tag = "Canned replies", operation_id = "list_canned_replies", params(CannedQuery),
    responses((status = 200, body = List<CannedReply>), (status = 422, body = ErrorBody)))]
async fn list(State(app): State<App>, Caller(agent): Caller, Query(query): Query<CannedQuery>) -> Result<axum::Json<List<CannedReply>>> {
    let limit = input::limit(query.limit)?;
    let after: Option<CannedReplyId> = input::cursor(query.after.as_deref())?;
    let mut db = app.db.acquire().await?;
    // A desk has a few hundred at most, so that a page may be cut from all of them.
    let all = canned::list(&mut db, agent.id, agent.role >= Role::Lead).await?;
    let start = match after {
        Some(after) => all.iter().position(|reply| reply.id == after).map(|at| at + 1),
        None => Some(0),
    };
    let start = start.ok_or_else(|| Refusal::field("after", "This canned reply is gone; begin again."))?;
    let rows: Vec<CannedReply> = all.into_iter().skip(start).take(usize::try_from(limit).unwrap_or(0) + 1).map(CannedReply::new).collect();
    let mut page = List::cut(rows, limit, |reply: &CannedReply| reply.id.to_string());
    let ids: Vec<CannedReplyId> = page.data.iter().map(|reply| reply.id).collect();
    for (id, text) in canned::texts_of(&mut db, &ids).await? {
        if let Some(reply) = page.data.iter_mut().find(|reply| reply.id == id) {
            reply.texts.insert(text.language, text.body);
        }
    }
    Ok(axum::Json(page))
}

/// The reply, if this agent may see it.
async fn find(app: &App, agent: &Agent, id: CannedReplyId) -> Result<CannedReply> {
    let directory = directory::get(app).await?;
    let mut db = app.db.acquire().await?;
    let reply = canned::find(&mut db, id).await?.filter(|reply| may_see(reply, agent, &directory)).ok_or_else(Refusal::not_found)?;
    let texts = canned::texts(&mut db, id).await?;
    let mut shown = CannedReply::new(reply);
    shown.texts = texts.into_iter().map(|text| (text.language, text.body)).collect();
    Ok(shown)
}

fn may_see(reply: &canned::CannedReply, agent: &Agent, directory: &Directory) -> bool {
    match reply.scope {
        CannedScope::Everyone => true,
        CannedScope::Personal => reply.owner_id == Some(agent.id),
        CannedScope::Team => agent.role >= Role::Lead || reply.team_id.is_some_and(|team| directory.teams_of(agent.id).contains(&team)),
    }
}

/// Own ones are everybody's to change; those of others to use are a lead's.
fn may_edit(scope: CannedScope, owner: Option<AgentId>, agent: &Agent) -> bool {
    if scope == CannedScope::Personal { owner == Some(agent.id) } else { agent.role >= Role::Lead }
}

fn check_edit(scope: CannedScope, owner: Option<AgentId>, agent: &Agent) -> Result<()> {
    if may_edit(scope, owner, agent) {
        Ok(())
    } else {
        Err(Refusal::forbidden("Only a team lead or an admin changes what others use. With scope `personal` everybody may have their own."))
    }
}

/// A new canned reply.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCannedReply {
    /// At most 120 bytes.
    name: String,
    /// What an agent types after `#`: letters, digits, `-` and `_`, at most 40.
    shortcut: String,
    /// At most 80 bytes.
    #[serde(default)]
    folder: String,
    /// `everyone` if not said.
    scope: Option<CannedScope>,
    /// Scope `team`: whose, by number or name.
    team: Option<Reference>,
    /// The words by two-letter language; at least one.
    #[schema(example = json!({"it": "Ciao {{customer.first_name}}", "en": "Hello {{customer.first_name}}"}))]
    texts: BTreeMap<String, String>,
}

/// What is to change; what is not named stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CannedReplyChange {
    name: Option<String>,
    shortcut: Option<String>,
    folder: Option<String>,
    scope: Option<CannedScope>,
    /// Scope `team`: whose, by number or name.
    team: Option<Reference>,
    /// By language: new words, or null to take the language away. Languages not named stay.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<BTreeMap<String, Option<String>>>)]
    texts: Option<Option<BTreeMap<String, Option<String>>>>,
}

/// Checks what a reply is to be made of.
fn draft(
    agent: &Agent,
    name: &str,
    shortcut: &str,
    folder: &str,
    (scope, team_id): (CannedScope, Option<TeamId>),
    texts: &BTreeMap<String, String>,
) -> Result<CannedDraft> {
    let mut checks = Checks::default();
    let name = checks.required("name", name, 120);
    let shortcut = checks.required("shortcut", shortcut.trim().trim_start_matches('#'), 40);
    if !shortcut.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_') {
        checks.wrong("shortcut", "Letters, digits, `-` and `_` only.");
    }
    let folder = checks.line("folder", folder, 80);
    if texts.is_empty() || texts.len() > MAX_LANGUAGES {
        checks.wrong("texts", format!("1 to {MAX_LANGUAGES} languages."));
    }
    let mut words = Vec::new();
    for (language, body) in texts.iter().take(MAX_LANGUAGES) {
        let field = format!("texts.{language}");
        let language = checks.language(&field, Some(language)).unwrap_or_default();
        let body = checks.text(&field, body, MAX_TEXT);
        if body.trim().is_empty() {
            checks.wrong(&field, "Must not be empty.");
        }
        if words.iter().any(|text: &CannedText| text.language == language) {
            checks.wrong(&field, "This language comes twice.");
        }
        words.push(CannedText { language, body });
    }
    if (scope == CannedScope::Team) != team_id.is_some() {
        checks.wrong("team", "Scope `team` names a team, every other names none.");
    }
    checks.done()?;
    Ok(CannedDraft { name, shortcut, folder, scope, team_id, owner_id: (scope == CannedScope::Personal).then_some(agent.id), texts: words })
}

/// Create a canned reply
#[utoipa::path(post, path = "/canned-replies", tag = "Canned replies", operation_id = "create_canned_reply", request_body = NewCannedReply,
    responses((status = 201, body = CannedReply), (status = 403, body = ErrorBody),
        (status = 409, description = "The shortcut is taken.", body = ErrorBody), (status = 422, body = ErrorBody)))]
async fn create(
    State(app): State<App>,
    Caller(agent): Caller,
    Json(new): Json<NewCannedReply>,
) -> Result<(StatusCode, axum::Json<CannedReply>)> {
    let directory = directory::get(&app).await?;
    let scope = new.scope.unwrap_or(CannedScope::Everyone);
    check_edit(scope, Some(agent.id), &agent)?;
    let team = new.team.map(|team| team.team(&directory)).transpose()?;
    let draft = draft(&agent, &new.name, &new.shortcut, &new.folder, (scope, team), &new.texts)?;
    let mut change = Change::begin(&app).await?;
    let id = canned::create(&mut change, &draft).await?;
    change.touch_settings();
    change.commit().await?;
    Ok((StatusCode::CREATED, axum::Json(find(&app, &agent, id).await?)))
}

/// Read a canned reply
#[utoipa::path(get, path = "/canned-replies/{id}", tag = "Canned replies", operation_id = "read_canned_reply",
    params(("id" = CannedReplyId, Path, description = "The canned reply's number.")),
    responses((status = 200, body = CannedReply), (status = 404, body = ErrorBody)))]
async fn read(State(app): State<App>, Caller(agent): Caller, Path(id): Path<CannedReplyId>) -> Result<axum::Json<CannedReply>> {
    Ok(axum::Json(find(&app, &agent, id).await?))
}

/// Change a canned reply
#[utoipa::path(patch, path = "/canned-replies/{id}", tag = "Canned replies", operation_id = "change_canned_reply",
    request_body = CannedReplyChange, params(("id" = CannedReplyId, Path, description = "The canned reply's number.")),
    responses((status = 200, body = CannedReply), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, description = "The shortcut is taken.", body = ErrorBody), (status = 422, body = ErrorBody)))]
async fn change(
    State(app): State<App>,
    Caller(agent): Caller,
    Path(id): Path<CannedReplyId>,
    Json(to): Json<CannedReplyChange>,
) -> Result<axum::Json<CannedReply>> {
    let directory = directory::get(&app).await?;
    let old = find(&app, &agent, id).await?;
    check_edit(old.scope, old.owner_id, &agent)?;
    let scope = to.scope.unwrap_or(old.scope);
    check_edit(scope, Some(agent.id), &agent)?;
    let team = match to.team {
        Some(team) => Some(team.team(&directory)?),
        None => old.team_id.filter(|_| scope == CannedScope::Team),
    };
    let mut texts = old.texts;
    for (language, body) in to.texts.flatten().unwrap_or_default() {
        match body {
            Some(body) => texts.insert(language.to_lowercase(), body),
            None => texts.remove(&language.to_lowercase()),
        };
    }
    let name = to.name.unwrap_or(old.name);
    let shortcut = to.shortcut.unwrap_or(old.shortcut);
    let folder = to.folder.unwrap_or(old.folder);
    let draft = draft(&agent, &name, &shortcut, &folder, (scope, team), &texts)?;
    let mut change = Change::begin(&app).await?;
    if !canned::update(&mut change, id, &draft).await? {
        return Err(Refusal::not_found());
    }
    change.touch_settings();
    change.commit().await?;
    Ok(axum::Json(find(&app, &agent, id).await?))
}

/// Delete a canned reply
///
/// What was sent with it stays as it is.
#[utoipa::path(delete, path = "/canned-replies/{id}", tag = "Canned replies", operation_id = "delete_canned_reply",
    params(("id" = CannedReplyId, Path, description = "The canned reply's number.")),
    responses((status = 204, description = "It is gone."), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn delete(State(app): State<App>, Caller(agent): Caller, Path(id): Path<CannedReplyId>) -> Result<StatusCode> {
    let old = find(&app, &agent, id).await?;
    check_edit(old.scope, old.owner_id, &agent)?;
    let mut change = Change::begin(&app).await?;
    if !canned::delete(&mut change, id).await? {
        return Err(Refusal::not_found());
    }
    change.touch_settings();
    change.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
