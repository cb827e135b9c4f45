//! Public answers that wait for a second person: the list, and the page on which somebody decides.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{Redirect, Response};
use axum::routing::{get, post};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use crate::app::App;
use crate::desk::agents::{Agent, Lead};
use crate::desk::approvals::list::{self, HeldFile, Row, Since, What};
use crate::desk::approvals::{self, Approval, DecideError};
use crate::desk::changes::Change;
use crate::desk::kinds::{ApprovalState, Direction, Role, Status};
use crate::desk::networks::say::{self, Standing};
use crate::desk::tickets::thread::{self, Message};
use crate::desk::tickets::{self, Ticket};
use crate::http::cards::channel_icon;
use crate::http::downloads::{self, Content};
use crate::http::flash::Flash;
use crate::http::page::{self, Icon, Shell};
use crate::http::{Error, Form, Path, Query, Result};
use crate::ids::{AgentId, ApprovalId, ChannelId};
use crate::text::excerpts;

/// Messages of the conversation that are shown beside the answer.
const SHOWN: usize = 6;

/// The routes of approvals.
pub fn router() -> Router<App> {
    Router::new()
        .route("/approvals", get(show_all))
        .route("/approvals/{id}", get(show))
        .route("/approvals/{id}/save", post(save))
        .route("/approvals/{id}/send", post(send))
        .route("/approvals/{id}/return", post(give_back))
        .route("/approvals/{id}/withdraw", post(withdraw))
        .route("/approvals/{id}/seen", post(seen))
        .route("/approvals/{id}/files/{file}", get(show_file))
        .layer(axum::extract::DefaultBodyLimit::max(1024 * 1024))
}

#[derive(Template)]
#[template(path = "screens/approvals/list.html")]
struct ListPage<'a> {
    shell: &'a Shell,
    rows: Vec<Row>,
    next: Option<String>,
    /// These are not the oldest.
    later: bool,
}

impl ListPage<'_> {
    fn network(&self, row: &Row) -> (Icon, String) {
        network(self.shell, row.channel)
    }

    fn excerpt(&self, text: &str) -> String {
        excerpts::excerpt(text, 180)
    }

    fn is_mine(&self, author: &AgentId) -> bool {
        *author == self.shell.agent.id
    }
}

fn network(shell: &Shell, channel: ChannelId) -> (Icon, String) {
    match shell.directory.channel(channel) {
        Some(channel) => (channel_icon(channel.kind), channel.name.clone()),
        None => (page::icon("globe"), "a removed channel".to_owned()),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ListQuery {
    after: String,
}

async fn show_all(State(app): State<App>, Query(query): Query<ListQuery>, shell: Shell) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    let (rows, next) = list::page(&mut db, shell.agent.id, shell.agent.role, query.after.parse().ok()).await?;
    let next = next.map(|next| format!("/approvals?after={next}"));
    shell.render(&ListPage { shell: &shell, rows, next, later: !query.after.is_empty() })
}

#[derive(Template)]
#[template(path = "screens/approvals/show.html")]
struct ApprovalPage<'a> {
    shell: &'a Shell,
    approval: Approval,
    ticket: Ticket,
    customer: String,
    standing: Standing,
    messages: Vec<Message>,
    since: Vec<Since>,
    files: Vec<HeldFile>,
    stamp: String,
    /// What was typed, where it was refused.
    body: Option<String>,
    reason: String,
    /// What was refused, and why.
    error: Option<String>,
    reason_error: Option<String>,
}

impl ApprovalPage<'_> {
    fn may_decide(&self) -> bool {
        self.approval.may_decide(&self.shell.agent)
    }

    fn is_mine(&self) -> bool {
        self.approval.author == self.shell.agent.id
    }

    fn waits(&self) -> bool {
        self.approval.waits()
    }

    fn author(&self) -> &str {
        self.shell.directory.agent(self.approval.author)
    }

    fn author_first(&self) -> &str {
        self.author().split_whitespace().next().unwrap_or_default()
    }

    fn network(&self) -> (Icon, String) {
        network(self.shell, self.approval.channel)
    }

    fn words(&self) -> &str {
        self.body.as_deref().unwrap_or(&self.approval.body)
    }

    /// Another approver's words and name, where what was typed without knowing of them was refused.
    fn theirs(&self) -> Option<(&str, &str)> {
        let by = self.approval.edited_by.filter(|by| *by != self.shell.agent.id)?;
        let typed = self.body.as_deref()?;
        (typed.trim_end() != self.approval.body).then(|| (self.shell.directory.agent(by), &*self.approval.body))
    }

    fn edited(&self) -> bool {
        self.approval.body != self.approval.written
    }

    /// What sending does to the ticket.
    fn then(&self) -> Option<&'static str> {
        match self.approval.then {
            Some(Status::Solved) => Some("The ticket is solved with it."),
            Some(Status::Open) => Some("The ticket stays open."),
            Some(_) | None => None,
        }
    }

    /// What became of it, for whoever comes later.
    fn outcome(&self) -> String {
        let by = self.approval.decided_by.map_or("Somebody", |id| self.shell.directory.agent(id));
        match self.approval.state {
            ApprovalState::Waiting => String::new(),
            ApprovalState::Sent => format!("{by} approved and sent it."),
            ApprovalState::Returned => format!("{by} returned it to its author."),
            ApprovalState::Withdrawn => format!("{by} took it back."),
        }
    }

    fn said(&self, message: &Message) -> String {
        excerpts::excerpt(&message.new_text(), 600)
    }

    fn speaker(&self, message: &Message) -> String {
        match (message.direction, message.agent_id) {
            (Direction::Inbound, _) if message.contact_name.is_empty() => self.customer.clone(),
            (Direction::Inbound, _) => message.contact_name.clone(),
            (_, Some(id)) => self.shell.directory.agent(id).to_owned(),
            (_, None) => self.shell.directory.shop.shop_name.clone(),
        }
    }

    fn ours(&self, message: &Message) -> bool {
        message.direction == Direction::Outbound
    }

    /// What happened meanwhile, in words.
    fn happened(&self, since: &Since) -> String {
        let who = match (since.direction, since.agent) {
            (Direction::Inbound, _) => self.customer.clone(),
            (_, Some(id)) => self.shell.directory.agent(id).to_owned(),
            (_, None) => self.shell.directory.shop.shop_name.clone(),
        };
        match (since.what, since.direction) {
            (What::Removed, _) => format!("{who} took a message back."),
            (What::Edited, _) => format!("{who} edited a message: “{}”", since.words),
            (What::Said, Direction::Inbound) => format!("{who} wrote again: “{}”", since.words),
            (What::Said, _) if since.public => format!("{who} has answered publicly meanwhile: “{}”", since.words),
            (What::Said, _) => format!("{who} has answered meanwhile: “{}”", since.words),
        }
    }

    /// The unit in which the network counts, and the most.
    fn limit(&self) -> Option<(&'static str, usize)> {
        let abilities = self.shell.directory.channel(self.approval.channel)?.abilities.as_deref()?;
        let limit = abilities.public_text?;
        Some((limit.unit(), limit.max()))
    }

    fn post_words(&self) -> String {
        self.standing.post.as_ref().map(|post| excerpts::excerpt(&post.body, 120)).unwrap_or_default()
    }
}

/// Whoever leads may look at all of them, everybody at their own.
async fn permitted(db: &mut sqlx::PgConnection, agent: &Agent, id: ApprovalId) -> Result<Approval> {
    let approval = approvals::find(db, id).await?.ok_or(Error::NotFound)?;
    tickets::load(db, agent, approval.ticket).await?.ok_or(Error::NotFound)?;
    if approval.author == agent.id || agent.role >= Role::Lead { Ok(approval) } else { Err(Error::NotFound) }
}

async fn load<'a>(app: &App, shell: &'a Shell, id: ApprovalId) -> Result<ApprovalPage<'a>> {
    let mut db = app.db.acquire().await?;
    let approval = permitted(&mut db, &shell.agent, id).await?;
    let ticket = tickets::load(&mut db, &shell.agent, approval.ticket).await?.ok_or(Error::NotFound)?;
    let contact = crate::desk::contacts::find(&mut db, ticket.contact_id).await?;
    let mut messages = thread::list(&mut db, ticket.id, None, false).await?;
    messages.drain(..messages.len().saturating_sub(SHOWN));
    Ok(ApprovalPage {
        shell,
        customer: contact.map(|contact| contact.display_name()).unwrap_or_default(),
        standing: say::standing(&mut db, ticket.id).await?,
        messages,
        since: if approval.waits() { list::since(&mut db, &approval).await? } else { Vec::new() },
        files: list::files(&mut db, id).await?,
        stamp: list::stamp(&mut db, &approval).await?.to_string(),
        body: None,
        reason: String::new(),
        error: None,
        reason_error: None,
        ticket,
        approval,
    })
}

async fn show(State(app): State<App>, Path(id): Path<ApprovalId>, shell: Shell) -> Result<Response> {
    shell.render(&load(&app, &shell, id).await?)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct DecideForm {
    body: String,
    reason: String,
    /// How the answer and its ticket stood on the page that was sent.
    seen: String,
}

impl DecideForm {
    fn body(&self) -> String {
        self.body.replace("\r\n", "\n").replace('\0', "")
    }
}

/// Shows the page again with what stood in the way, or leads on where nothing is left to decide.
async fn refused(app: &App, shell: &Shell, id: ApprovalId, form: DecideForm, error: DecideError) -> Result<Response> {
    let (status, error, reason_error) = match error {
        DecideError::Database(error) => return Err(error.into()),
        DecideError::NotYours => return Err(Error::Forbidden),
        DecideError::Decided { state, by } => {
            let who = by.map_or("Somebody", |id| shell.directory.agent(id));
            let words = match state {
                ApprovalState::Sent => format!("{who} was quicker: the answer is sent. Nothing of yours was."),
                ApprovalState::Returned => format!("{who} was quicker: the answer went back to its author."),
                ApprovalState::Waiting | ApprovalState::Withdrawn => "Its author has taken the answer back.".to_owned(),
            };
            return Ok(Flash::new(words).redirect(&format!("/approvals/{id}")));
        }
        DecideError::Changed => (
            StatusCode::CONFLICT,
            Some("The ticket or the answer changed while you were looking. Nothing was sent: read what is new, then decide.".to_owned()),
            None,
        ),
        DecideError::NoReason => {
            (StatusCode::UNPROCESSABLE_ENTITY, None, Some("Say why in a few words, so that its author can put it right.".to_owned()))
        }
        DecideError::Reply(error) => (StatusCode::UNPROCESSABLE_ENTITY, Some(excerpts::sentence(&error.to_string())), None),
    };
    let page = load(app, shell, id).await?;
    shell.render_as(status, &ApprovalPage { body: Some(form.body()), reason: form.reason, error, reason_error, ..page })
}

/// Keeps what was decided and leads on with a word about it, or says what stood in the way.
async fn conclude(
    app: &App,
    shell: &Shell,
    id: ApprovalId,
    form: DecideForm,
    change: Change,
    outcome: Result<(String, String), DecideError>,
) -> Result<Response> {
    match outcome {
        Ok((words, to)) => {
            change.commit().await?;
            Ok(Flash::new(words).redirect(&to))
        }
        Err(error) => {
            drop(change);
            refused(app, shell, id, form, error).await
        }
    }
}

async fn save(
    State(app): State<App>,
    Lead(agent): Lead,
    Path(id): Path<ApprovalId>,
    shell: Shell,
    Form(form): Form<DecideForm>,
) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    permitted(&mut change, &agent, id).await?;
    let saved = approvals::save(&mut change, &agent, id, &form.body()).await;
    let outcome = saved.map(|()| ("Kept. It is not sent yet.".to_owned(), format!("/approvals/{id}")));
    conclude(&app, &shell, id, form, change, outcome).await
}

async fn send(
    State(app): State<App>,
    Lead(agent): Lead,
    Path(id): Path<ApprovalId>,
    shell: Shell,
    Form(form): Form<DecideForm>,
) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    let approval = permitted(&mut change, &agent, id).await?;
    let sent = approvals::send(&mut change, &agent, id, &form.body(), form.seen.parse().ok()).await;
    let author = shell.directory.agent(approval.author);
    let words = format!("Approved: the answer to #{} is on its way. {author} is told.", approval.ticket);
    conclude(&app, &shell, id, form, change, sent.map(|_| (words, "/approvals".to_owned()))).await
}

async fn give_back(
    State(app): State<App>,
    Lead(agent): Lead,
    Path(id): Path<ApprovalId>,
    shell: Shell,
    Form(form): Form<DecideForm>,
) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    let approval = permitted(&mut change, &agent, id).await?;
    let returned = approvals::give_back(&mut change, &agent, id, &form.body(), &form.reason).await;
    let words = format!("Returned: it is {}’s draft again.", shell.directory.agent(approval.author));
    conclude(&app, &shell, id, form, change, returned.map(|()| (words, "/approvals".to_owned()))).await
}

async fn withdraw(State(app): State<App>, Path(id): Path<ApprovalId>, shell: Shell) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    permitted(&mut change, &shell.agent, id).await?;
    let withdrawn = approvals::withdraw(&mut change, &shell.agent, id).await;
    let outcome = withdrawn.map(|approval| {
        // It still answers the one message that it was written under.
        let answers = approval.answers.map(|id| format!("?answers={id}")).unwrap_or_default();
        let to = format!("/tickets/{}{answers}#composer", approval.ticket);
        ("Taken back. Your text is in the composer again.".to_owned(), to)
    });
    conclude(&app, &shell, id, DecideForm::default(), change, outcome).await
}

async fn seen(State(app): State<App>, Path(id): Path<ApprovalId>, headers: HeaderMap, agent: Agent) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    let approval = permitted(&mut change, &agent, id).await?;
    list::note_told(&mut change, agent.id, id).await?;
    change.touch(approval.ticket);
    change.commit().await?;
    Ok(axum::response::IntoResponse::into_response(Redirect::to(&page::came_from(&headers, "/"))))
}

/// A file that goes along, as a download.
async fn show_file(
    State(app): State<App>,
    Path((id, file)): Path<(ApprovalId, i64)>,
    headers: HeaderMap,
    agent: Agent,
) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    permitted(&mut db, &agent, id).await?;
    let file = list::files(&mut db, id).await?.into_iter().find(|other| other.id == file).ok_or(Error::NotFound)?;
    drop(db);
    let file = Content { name: &file.name, media_type: &file.media_type, size: file.size, sha256: &file.sha256 };
    Ok(downloads::content(&app, file, "private, max-age=86400, immutable", &headers).await?)
}
