//! What the composer asks for while an agent types.

use askama::Template;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::desk::agents::Agent;
use crate::desk::canned::{self, Variables};
use crate::desk::files::{self, StoredFile};
use crate::desk::networks::marks;
use crate::desk::tickets::{self, Ticket, drafts, reply};
use crate::desk::{contacts, directory};
use crate::http::multipart::Parts;
use crate::http::page::Shell;
use crate::http::{Error, Form, Path, Query, Result};
use crate::ids::{CannedFileId, CannedReplyId, TicketId, UploadId};
use crate::live::{Doing, Signal};
use crate::screens::tickets::permitted;
use crate::secrets;
use crate::text::pictures;

/// What was typed so far.
#[derive(Debug, Deserialize)]
pub struct DraftForm {
    #[serde(default)]
    body: String,
    #[serde(default)]
    note: String,
}

/// Keeps what was typed so far.
pub async fn save_draft(State(app): State<App>, Path(id): Path<TicketId>, agent: Agent, Form(form): Form<DraftForm>) -> Result<StatusCode> {
    if form.body.len() > reply::MAX_BODY {
        return Err(Error::BadRequest("The text is too long to be kept.".into()));
    }
    let mut db = app.db.acquire().await?;
    permitted(&mut db, &agent, id).await?;
    drafts::save(&mut db, id, agent.id, form.note == "1", &form.body.replace("\r\n", "\n").replace('\0', "")).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes files for a reply that is still being written.
pub async fn upload(State(app): State<App>, Path(id): Path<TicketId>, agent: Agent, parts: Parts) -> Result<Response> {
    let refuse = |words: String| (StatusCode::UNPROCESSABLE_ENTITY, Json(serde_json::json!({ "error": words }))).into_response();
    let Some(file) = parts.files.first() else {
        return Ok(refuse(match parts.refused.first() {
            Some(_) => format!("A file may have up to {}.", files::human_size(20_000_000)),
            None => "The file is empty.".to_owned(),
        }));
    };
    let mut db = app.db.acquire().await?;
    permitted(&mut db, &agent, id).await?;
    if files::uploads(&mut db, id, agent.id).await?.len() >= files::MAX_FILES {
        return Ok(refuse(format!("A message may carry up to {} files.", files::MAX_FILES)));
    }
    let mut stored = StoredFile::store(&app, file).await?;
    // A picture may stand within the words, under a name that no other has.
    stored.content_id = files::is_picture(&stored.media_type).then(|| format!("p{}", &secrets::token()[..20]));
    let upload = files::add_upload(&mut db, id, agent.id, &stored).await?;
    let mark = stored.content_id.as_deref().map(|id| pictures::mark(&stored.name, id));
    Ok(Json(serde_json::json!({ "id": upload, "name": stored.name, "size": stored.size, "mark": mark })).into_response())
}

/// Takes a file back.
pub async fn remove_upload(State(app): State<App>, Path((id, upload)): Path<(TicketId, UploadId)>, agent: Agent) -> Result<StatusCode> {
    let mut db = app.db.acquire().await?;
    files::remove_upload(&mut db, id, agent.id, upload).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A canned reply as the popup shows it, with its variables filled.
#[derive(Debug, Serialize)]
pub struct CannedView {
    id: CannedReplyId,
    name: String,
    shortcut: String,
    folder: String,
    body: String,
    language: String,
    files: Vec<CannedFileView>,
}

#[derive(Debug, Serialize)]
struct CannedFileView {
    id: CannedFileId,
    name: String,
    size: i64,
}

/// The canned replies that this agent may use on this ticket.
pub async fn canned(State(app): State<App>, Path(id): Path<TicketId>, agent: Agent) -> Result<Json<Vec<CannedView>>> {
    Ok(Json(usable(&app, &agent, id).await?))
}

async fn usable(app: &App, agent: &Agent, id: TicketId) -> Result<Vec<CannedView>> {
    let directory = directory::get(app).await?;
    let mut db = app.db.acquire().await?;
    let ticket = permitted(&mut db, agent, id).await?;
    let language = ticket.language.clone().unwrap_or_else(|| directory.shop.language.clone());
    let replies = canned::usable(&mut db, agent.id, &language, &directory.shop.language).await?;
    let ids: Vec<CannedReplyId> = replies.iter().map(|reply| reply.id).collect();
    let files = canned::files_of(&mut db, &ids).await?;
    let variables = variables(app, &mut db, agent, &ticket, &directory.shop.shop_name).await?;
    let view = |reply: canned::Usable| CannedView {
        files: files
            .iter()
            .filter(|(owner, _)| *owner == reply.id)
            .map(|(_, file)| CannedFileView { id: file.id, name: file.name.clone(), size: file.size })
            .collect(),
        id: reply.id,
        body: variables.fill(&reply.body),
        name: reply.name,
        shortcut: reply.shortcut,
        folder: reply.folder,
        language: reply.language,
    };
    Ok(replies.into_iter().map(view).collect())
}

/// What the variables of canned replies stand for on this ticket.
pub async fn variables(app: &App, db: &mut sqlx::PgConnection, agent: &Agent, ticket: &Ticket, shop_name: &str) -> sqlx::Result<Variables> {
    let contact = contacts::find(db, ticket.contact_id).await?;
    Ok(Variables {
        customer_name: contact.as_ref().map(|contact| contact.name.clone()).unwrap_or_default(),
        customer_email: contact.and_then(|contact| contact.email).unwrap_or_default(),
        agent_name: agent.name.clone(),
        ticket_number: ticket.id.to_string(),
        ticket_subject: ticket.subject.clone(),
        ticket_link: tickets::link(app, ticket.id),
        shop_name: shop_name.to_owned(),
    })
}

#[derive(Template)]
#[template(path = "screens/tickets/canned.html")]
struct CannedPage<'a> {
    shell: &'a Shell,
    ticket: TicketId,
    q: String,
    replies: Vec<CannedView>,
}

/// A search for canned replies.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PickQuery {
    q: String,
    r#use: String,
}

/// The list of canned replies as a page, for browsers without scripts: choosing one puts it into the draft.
pub async fn pick_canned(
    State(app): State<App>,
    Path(id): Path<TicketId>,
    Query(query): Query<PickQuery>,
    shell: Shell,
) -> Result<Response> {
    let mut replies = usable(&app, &shell.agent, id).await?;
    if let Ok(chosen) = query.r#use.parse::<CannedReplyId>()
        && let Some(reply) = replies.iter().find(|reply| reply.id == chosen)
    {
        let mut db = app.db.acquire().await?;
        let draft = drafts::find(&mut db, id, shell.agent.id).await?.reply;
        let body = if draft.trim().is_empty() { reply.body.clone() } else { format!("{}\n\n{}", draft.trim_end(), reply.body) };
        drafts::save(&mut db, id, shell.agent.id, false, &body).await?;
        return Ok(axum::response::Redirect::to(&format!("/tickets/{id}#composer")).into_response());
    }
    let wanted = query.q.to_lowercase();
    replies.retain(|reply| {
        [&reply.name, &reply.shortcut, &reply.folder, &reply.body].into_iter().any(|text| text.to_lowercase().contains(&wanted))
    });
    shell.render(&CannedPage { shell: &shell, ticket: id, q: query.q, replies })
}

/// What the agent is doing.
#[derive(Debug, Deserialize)]
pub struct PresenceForm {
    state: Doing,
}

/// Tells the others who has the ticket open.
pub async fn presence(
    State(app): State<App>,
    Path(id): Path<TicketId>,
    agent: Agent,
    Form(form): Form<PresenceForm>,
) -> Result<StatusCode> {
    app.live.announce(Signal::Presence(id, agent.id, form.state));
    if form.state != Doing::Left {
        let mut tx = app.db.begin().await?;
        let ticket = permitted(&mut tx, &agent, id).await?;
        // A note is nobody's to wait for: the page tells of answers only.
        marks::show(&mut tx, &*directory::get(&app).await?, &ticket, form.state).await?;
        tx.commit().await?;
    }
    Ok(StatusCode::NO_CONTENT)
}
