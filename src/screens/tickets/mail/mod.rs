//! Letters that are written on a page of their own: what all of them share, and one that failed and is put right.

pub mod aside;
pub mod new;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use sqlx::PgConnection;

use crate::app::App;
use crate::desk::agents::Agent;
use crate::desk::canned;
use crate::desk::changes::Change;
use crate::desk::files::{self, Attachment, StoredFile, Upload};
use crate::desk::signatures;
use crate::desk::tickets::recipients::{self, Recipients};
use crate::desk::tickets::reply::{self, ReplyError};
use crate::desk::tickets::thread::{self, Message};
use crate::desk::tickets::{Ticket, outbound};
use crate::http::flash::Flash;
use crate::http::multipart::Parts;
use crate::http::page::Shell;
use crate::http::problems::Problems;
use crate::http::{Error, Path, Result};
use crate::ids::{CannedReplyId, MessageId, TicketId};
use crate::screens::tickets::reply::address_problems;
use crate::screens::tickets::{address_line, permitted};
use crate::text::excerpts;

/// The longest subject that one may type, in characters.
const MAX_SUBJECT: usize = 300;

/// A page to write a letter on.
#[derive(Template)]
#[template(path = "screens/tickets/mail.html")]
struct MailPage<'a> {
    shell: &'a Shell,
    title: String,
    /// What it is for, in a line.
    intro: String,
    back: (String, String),
    action: String,
    /// What its button says.
    verb: &'static str,
    form: MailForm,
    /// The mailboxes to choose from; none: it is settled.
    mailboxes: Vec<(String, String)>,
    has_subject: bool,
    /// The history that goes along.
    history: String,
    /// Its messages: what comes while the page is open does not go along unseen.
    passed_on: Vec<MessageId>,
    /// Files of the ticket that may go along, and whether each does.
    files: Vec<(Attachment, bool)>,
    /// Files of a form that was refused.
    kept: Vec<Upload>,
    /// Whether further files may be added.
    may_attach: bool,
    /// Canned replies to put below the words.
    canned: Vec<canned::Usable>,
    signature: String,
    problems: Problems,
}

/// What was typed.
#[derive(Debug, Clone, Default)]
struct MailForm {
    mailbox: String,
    to: String,
    cc: String,
    bcc: String,
    subject: String,
    body: String,
    /// The message that is passed on; empty: all of them.
    message: String,
    /// Canned replies that were used.
    used: Vec<CannedReplyId>,
}

impl MailForm {
    fn of(parts: &Parts) -> Self {
        Self {
            mailbox: parts.text("mailbox").to_owned(),
            to: parts.text("to").to_owned(),
            cc: parts.text("cc").to_owned(),
            bcc: parts.text("bcc").to_owned(),
            subject: parts.text("subject").split_whitespace().collect::<Vec<_>>().join(" "),
            body: parts.text("body").trim_end().to_owned(),
            message: parts.text("message").to_owned(),
            used: parts.ids("canned"),
        }
    }

    /// What is wrong with it.
    fn check(&self, parts: &Parts, subject: bool) -> Problems {
        let mut problems = address_problems(parts);
        if self.to.trim().is_empty() {
            problems.add("to", "Enter at least one address, like anna@example.it.");
        }
        if subject && self.subject.is_empty() {
            problems.add("subject", "Enter a subject: it is the first thing they see.");
        } else if self.subject.chars().count() > MAX_SUBJECT {
            problems.add("subject", format!("Use at most {MAX_SUBJECT} characters."));
        }
        if !parts.refused.is_empty() {
            problems.add("files", files::refusal(&parts.refused));
        }
        problems
    }

    /// The message that is passed on; a number that is none names no message. `None`: all of them.
    fn passes_on(&self) -> Option<MessageId> {
        (!self.message.is_empty()).then(|| self.message.parse().unwrap_or(MessageId(0)))
    }

    fn recipients(&self) -> Recipients {
        let read = |line: &str| recipients::parse(line).unwrap_or_default();
        Recipients { to: read(&self.to), cc: read(&self.cc), bcc: read(&self.bcc) }
    }
}

impl MailPage<'_> {
    fn bcc_open(&self) -> bool {
        !self.form.bcc.is_empty() || self.problems.of("bcc").is_some()
    }
}

/// The words of a refusal beside the field that it is about.
fn refusal(error: &ReplyError) -> Problems {
    let field = if matches!(error, ReplyError::Empty | ReplyError::TooLong) { "body" } else { "to" };
    Problems::one(field, excerpts::sentence(&error.to_string()))
}

/// Keeps the files of a form that was refused: those that came with it, and of those kept before what is still wanted.
async fn keep(
    db: &mut PgConnection,
    ticket: Option<TicketId>,
    agent: &Agent,
    space: &str,
    stored: &[StoredFile],
    parts: &Parts,
) -> sqlx::Result<()> {
    let before = files::take_kept(db, ticket, agent.id, space, &parts.ids("upload")).await?;
    files::keep(db, ticket, agent.id, space, &before).await?;
    files::keep(db, ticket, agent.id, space, stored).await
}

/// What every letter beside a conversation has.
async fn letter_page<'a>(
    db: &mut PgConnection,
    shell: &'a Shell,
    ticket: &Ticket,
    title: &str,
    form: MailForm,
    problems: Problems,
) -> Result<MailPage<'a>> {
    let mailbox = reply::way_out(db, ticket).await?;
    let signature = match &mailbox {
        Some(mailbox) => signatures::of(db, shell.agent.id, mailbox.id, Some(&shell.directory.shop.language)).await?,
        None => String::new(),
    };
    Ok(MailPage {
        shell,
        title: format!("{title} #{}", ticket.id),
        intro: String::new(),
        back: (format!("/tickets/{}", ticket.id), format!("#{}", ticket.id)),
        action: String::new(),
        verb: "Send",
        form,
        mailboxes: Vec::new(),
        has_subject: true,
        history: String::new(),
        passed_on: Vec::new(),
        files: Vec::new(),
        kept: files::kept(db, Some(ticket.id), shell.agent.id, "side").await?,
        may_attach: true,
        canned: Vec::new(),
        signature,
        problems,
    })
}

/// The page to put a message right that could not be sent.
pub(in crate::screens::tickets) async fn edit(
    State(app): State<App>,
    Path((id, message)): Path<(TicketId, MessageId)>,
    shell: Shell,
) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    let ticket = permitted(&mut db, &shell.agent, id).await?;
    let message = correctable(&mut db, id, message).await?;
    let again = outbound::recipients_again(&mut db, &message).await?;
    let form = MailForm {
        to: address_line(&again.to),
        cc: address_line(&again.cc),
        bcc: address_line(&again.bcc),
        body: message.body.clone(),
        ..MailForm::default()
    };
    let page = edit_page(&mut db, &shell, &ticket, &message, form, Problems::default()).await?;
    shell.render(&page)
}

async fn correctable(db: &mut PgConnection, id: TicketId, message: MessageId) -> Result<Message> {
    let message = thread::find(db, message).await?.filter(|message| message.ticket_id == id).ok_or(Error::NotFound)?;
    if !outbound::is_correctable(&message) {
        return Err(Error::BadRequest("This message needs no second try: it has left, or is about to.".into()));
    }
    Ok(message)
}

async fn edit_page<'a>(
    db: &mut PgConnection,
    shell: &'a Shell,
    ticket: &Ticket,
    message: &Message,
    form: MailForm,
    problems: Problems,
) -> Result<MailPage<'a>> {
    let reason = message.delivery_error.as_deref().unwrap_or("Nobody said why.");
    Ok(MailPage {
        intro: format!("It was not delivered: {reason}"),
        action: format!("/tickets/{}/messages/{}/edit", ticket.id, message.id),
        verb: "Send again",
        has_subject: false,
        may_attach: false,
        kept: Vec::new(),
        signature: message.envelope().signature,
        ..letter_page(db, shell, ticket, "Edit and resend in", form, problems).await?
    })
}

/// Sends it again as it is now.
pub(in crate::screens::tickets) async fn resend(
    State(app): State<App>,
    Path((id, message)): Path<(TicketId, MessageId)>,
    shell: Shell,
    parts: Parts,
) -> Result<Response> {
    let form = MailForm::of(&parts);
    let mut problems = form.check(&parts, false);
    let mut change = Change::begin(&app).await?;
    let ticket = permitted(&mut change, &shell.agent, id).await?;
    let failed = correctable(&mut change, id, message).await?;
    if !problems.any() {
        match outbound::correct(&mut change, &shell.agent, id, message, form.recipients(), &form.body).await {
            Ok(Some(sent)) if sent == message => {
                change.commit().await?;
                return Ok(Flash::new("Trying again, as you changed it.").redirect(&format!("/tickets/{id}#m{message}")));
            }
            Ok(Some(sent)) => {
                change.commit().await?;
                let mut flash = Flash::new("On its way, as a letter of its own: the first one had left.");
                flash.undo = failed.side_id.is_none().then(|| format!("/tickets/{id}/messages/{sent}/undo"));
                return Ok(flash.redirect(&format!("/tickets/{id}#m{sent}")));
            }
            Ok(None) => return Ok(Flash::new("It has left meanwhile.").redirect(&format!("/tickets/{id}"))),
            Err(ReplyError::Database(error)) => return Err(error.into()),
            Err(error) => problems = refusal(&error),
        }
    }
    drop(change);
    let mut db = app.db.acquire().await?;
    let page = edit_page(&mut db, &shell, &ticket, &failed, form, problems).await?;
    shell.render_as(StatusCode::UNPROCESSABLE_ENTITY, &page)
}
