//! Letters beside a conversation: something passed on, something asked of somebody outside, and what follows.

use std::ops::Range;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use sqlx::PgConnection;

use crate::app::App;
use crate::desk::changes::Change;
use crate::desk::files::{self, StoredFile};
use crate::desk::tickets::recipients::{self, Recipients};
use crate::desk::tickets::reply::ReplyError;
use crate::desk::tickets::sides::{self, Words};
use crate::desk::tickets::{Ticket, forwards, thread};
use crate::http::flash::Flash;
use crate::http::multipart::Parts;
use crate::http::page::Shell;
use crate::http::problems::Problems;
use crate::http::{Error, Path, Query, Result};
use crate::ids::{AttachmentId, MessageId, SideId, TicketId};
use crate::screens::tickets::mail::{MailForm, MailPage, keep, letter_page, refusal};
use crate::screens::tickets::{address_line, permitted, sides as panels};
use crate::text;

/// Which message is passed on.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::screens::tickets) struct ForwardQuery {
    message: String,
}

/// The page to pass a conversation on, or one message of it.
pub(in crate::screens::tickets) async fn forward(
    State(app): State<App>,
    Path(id): Path<TicketId>,
    Query(query): Query<ForwardQuery>,
    shell: Shell,
) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    let ticket = permitted(&mut db, &shell.agent, id).await?;
    let form = MailForm {
        subject: format!("Fwd: {}", text::subjects::strip_prefixes(&ticket.subject)).trim_end_matches(": ").to_owned(),
        message: query.message,
        ..MailForm::default()
    };
    let page = forward_page(&mut db, &shell, &ticket, form, None, Problems::default()).await?;
    shell.render(&page)
}

async fn forward_page<'a>(
    db: &mut PgConnection,
    shell: &'a Shell,
    ticket: &Ticket,
    form: MailForm,
    chosen: Option<&[AttachmentId]>,
    problems: Problems,
) -> Result<MailPage<'a>> {
    let messages = forwards::passed_on(db, ticket.id, form.passes_on(), None).await?;
    let files = forwards::files(db, &messages).await?;
    let one = messages.len() == 1 && !form.message.is_empty();
    Ok(MailPage {
        intro: "The answer comes back into this ticket, beside the conversation. The customer sees none of it, and notes never leave."
            .to_owned(),
        back: (format!("/tickets/{}", ticket.id), format!("#{}", ticket.id)),
        action: format!("/tickets/{}/forward", ticket.id),
        verb: "Forward",
        history: forwards::history(&shell.directory, &messages),
        passed_on: messages.iter().map(|message| message.id).collect(),
        files: files
            .into_iter()
            .map(|file| (chosen.is_none_or(|chosen| chosen.contains(&file.id)), file))
            .map(|(on, file)| (file, on))
            .collect(),
        ..letter_page(db, shell, ticket, if one { "Forward a message" } else { "Forward the conversation" }, form, problems).await?
    })
}

/// Passes it on.
pub(in crate::screens::tickets) async fn send_forward(
    State(app): State<App>,
    Path(id): Path<TicketId>,
    shell: Shell,
    parts: Parts,
) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    let ticket = permitted(&mut db, &shell.agent, id).await?;
    let form = MailForm::of(&parts);
    let seen: Vec<MessageId> = parts.ids("seen");
    let seen = Some(&*seen).filter(|seen| !seen.is_empty());
    let messages = forwards::passed_on(&mut db, ticket.id, form.passes_on(), seen).await?;
    let may: Vec<AttachmentId> = forwards::files(&mut db, &messages).await?.into_iter().map(|file| file.id).collect();
    drop(db);
    let chosen: Vec<AttachmentId> = parts.ids("attach").into_iter().filter(|id| may.contains(id)).collect();
    let history = forwards::history(&shell.directory, &messages);
    let note = form.body.trim();
    let body = if note.is_empty() { history.clone() } else { format!("{note}\n\n{history}") };
    let quote = body.len() - history.len()..body.len();
    let problems = form.check(&parts, true);
    let letter = SideLetter { kind: Kind::Forward, body, quote, chosen: chosen.clone() };
    match send_aside(&app, &shell, id, &form, problems, letter, &parts).await? {
        Ok(response) => Ok(response),
        Err(problems) => {
            let mut db = app.db.acquire().await?;
            let page = forward_page(&mut db, &shell, &ticket, form, Some(&chosen), problems).await?;
            shell.render_as(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
    }
}

/// The page to ask somebody outside.
pub(in crate::screens::tickets) async fn ask(State(app): State<App>, Path(id): Path<TicketId>, shell: Shell) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    let ticket = permitted(&mut db, &shell.agent, id).await?;
    let page = ask_page(&mut db, &shell, &ticket, MailForm::default(), Problems::default()).await?;
    shell.render(&page)
}

async fn ask_page<'a>(
    db: &mut PgConnection,
    shell: &'a Shell,
    ticket: &Ticket,
    form: MailForm,
    problems: Problems,
) -> Result<MailPage<'a>> {
    Ok(MailPage {
        intro: "A conversation of its own, for example with a supplier. It stands in this ticket, and the customer never sees it."
            .to_owned(),
        action: format!("/tickets/{}/sides/new", ticket.id),
        ..letter_page(db, shell, ticket, "Ask somebody about", form, problems).await?
    })
}

/// Asks somebody outside.
pub(in crate::screens::tickets) async fn send_question(
    State(app): State<App>,
    Path(id): Path<TicketId>,
    shell: Shell,
    parts: Parts,
) -> Result<Response> {
    let form = MailForm::of(&parts);
    let problems = form.check(&parts, true);
    let letter = SideLetter { kind: Kind::Question, body: form.body.clone(), quote: 0..0, chosen: Vec::new() };
    match send_aside(&app, &shell, id, &form, problems, letter, &parts).await? {
        Ok(response) => Ok(response),
        Err(problems) => {
            let mut db = app.db.acquire().await?;
            let ticket = permitted(&mut db, &shell.agent, id).await?;
            let page = ask_page(&mut db, &shell, &ticket, form, problems).await?;
            shell.render_as(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
    }
}

/// The page to go on with a conversation, for browsers without scripts and for what was refused.
pub(in crate::screens::tickets) async fn continue_side(
    State(app): State<App>,
    Path((id, side)): Path<(TicketId, SideId)>,
    shell: Shell,
) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    let said = thread::aside(&mut db, id, Some(side)).await?;
    let to = panels::answer_to(&said, &recipients::own_addresses(&mut db).await?);
    let form = MailForm { to: address_line(&to.to), cc: address_line(&to.cc), ..MailForm::default() };
    let page = side_page(&mut db, &shell, id, side, form, Problems::default()).await?;
    shell.render(&page)
}

async fn side_page<'a>(
    db: &mut PgConnection,
    shell: &'a Shell,
    id: TicketId,
    side: SideId,
    form: MailForm,
    problems: Problems,
) -> Result<MailPage<'a>> {
    let ticket = permitted(db, &shell.agent, id).await?;
    let side = sides::find(db, id, side).await?.ok_or(Error::NotFound)?;
    Ok(MailPage {
        intro: format!("“{}”, beside the conversation: the customer never sees it.", side.subject),
        action: format!("/tickets/{id}/sides/{}/write", side.id),
        back: (format!("/tickets/{id}#side-{}", side.id), format!("#{id}")),
        has_subject: false,
        ..letter_page(db, shell, &ticket, "Write beside", form, problems).await?
    })
}

/// Goes on with a conversation.
pub(in crate::screens::tickets) async fn send_side(
    State(app): State<App>,
    Path((id, side)): Path<(TicketId, SideId)>,
    shell: Shell,
    parts: Parts,
) -> Result<Response> {
    let form = MailForm::of(&parts);
    let problems = form.check(&parts, false);
    let letter = SideLetter { kind: Kind::Answer(side), body: form.body.clone(), quote: 0..0, chosen: Vec::new() };
    match send_aside(&app, &shell, id, &form, problems, letter, &parts).await? {
        Ok(response) => Ok(response),
        Err(problems) => {
            let mut db = app.db.acquire().await?;
            let page = side_page(&mut db, &shell, id, side, form, problems).await?;
            shell.render_as(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
    }
}

enum Kind {
    Forward,
    Question,
    Answer(SideId),
}

struct SideLetter {
    kind: Kind,
    body: String,
    quote: Range<usize>,
    chosen: Vec<AttachmentId>,
}

/// Sends a letter beside a conversation; what is refused is answered with the problems, and its files are kept.
async fn send_aside(
    app: &App,
    shell: &Shell,
    id: TicketId,
    form: &MailForm,
    problems: Problems,
    letter: SideLetter,
    parts: &Parts,
) -> Result<std::result::Result<Response, Problems>> {
    let agent = &shell.agent;
    let stored = StoredFile::store_all(app, &parts.files).await?;
    let mut change = Change::begin(app).await?;
    permitted(&mut change, agent, id).await?;
    let problems = if problems.any() {
        problems
    } else {
        let mut all = files::take_kept(&mut change, Some(id), agent.id, "side", &parts.ids("upload")).await?;
        all.extend(stored.iter().cloned());
        let Recipients { to, cc, bcc } = form.recipients();
        let words = Words { to, cc, bcc, body: letter.body, quote: letter.quote, attached: letter.chosen, files: all };
        let outcome = match letter.kind {
            Kind::Forward => {
                sides::open(&mut change, agent, id, None, &form.subject, true, &words).await.map(|(side, _)| (side, "Forwarded"))
            }
            Kind::Question => sides::open(&mut change, agent, id, None, &form.subject, false, &words).await.map(|(side, _)| (side, "Sent")),
            Kind::Answer(side) => sides::write(&mut change, agent, id, side, &words).await.map(|_| (side, "Sent")),
        };
        match outcome {
            Ok((side, done)) => {
                change.commit().await?;
                return Ok(Ok(Flash::new(format!("{done}. The answer comes back here.")).redirect(&format!("/tickets/{id}#side-{side}"))));
            }
            Err(ReplyError::Database(sqlx::Error::RowNotFound)) => return Err(Error::NotFound),
            Err(ReplyError::Database(error)) => return Err(error.into()),
            Err(error) => {
                drop(change);
                change = Change::begin(app).await?;
                refusal(&error)
            }
        }
    };
    keep(&mut change, Some(id), agent, "side", &stored, parts).await?;
    change.commit().await?;
    Ok(Err(problems))
}
