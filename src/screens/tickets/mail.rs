//! Letters that are written on a page of their own: a new one to a customer, something forwarded, something asked of a supplier, and one that
//! failed and is put right.

use std::ops::Range;

use askama::Template;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use crate::app::App;
use crate::desk::agents::Agent;
use crate::desk::canned::{self, Variables};
use crate::desk::changes::Change;
use crate::desk::channels;
use crate::desk::contacts;
use crate::desk::envelope::Address;
use crate::desk::files::{self, Attachment, StoredFile, Upload};
use crate::desk::kinds::{ChannelKind, Direction};
use crate::desk::signatures;
use crate::desk::tickets::reply::{self, NewMail, Recipients, ReplyError, parse_recipients};
use crate::desk::tickets::sides::{self, Words};
use crate::desk::tickets::thread::{self, Message};
use crate::desk::tickets::{Ticket, outbound, participants};
use crate::http::flash::Flash;
use crate::http::multipart::Parts;
use crate::http::page::{Shell, avatar_colour};
use crate::http::problems::Problems;
use crate::http::{Error, Path, Query, Result};
use crate::i18n::{self, Language};
use crate::ids::{AttachmentId, CannedReplyId, ChannelId, ContactId, MessageId, SideId, TicketId};
use crate::screens::tickets::reply::address_problems;
use crate::screens::tickets::{address_line, permitted, sides as panels};
use crate::text::{self, excerpts, pictures};

/// The longest subject that one may type, in characters.
const MAX_SUBJECT: usize = 300;
/// Messages that are passed on at most, the newest.
const MAX_PASSED_ON: usize = 40;

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
            let (names, size) = (parts.refused.join(", "), files::human_size(20_000_000));
            problems.add(
                "files",
                format!("{names} cannot be attached. A file may have up to {size}, a message up to {} files.", files::MAX_FILES),
            );
        }
        problems
    }

    fn recipients(&self) -> Recipients {
        let read = |line: &str| parse_recipients(line).unwrap_or_default();
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

// -- a new mail ----------------------------------------------------------------------------------------------------------

/// Whom a new mail is to.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NewQuery {
    contact: String,
    to: String,
    mailbox: String,
}

/// The page for a new mail.
pub(super) async fn new(State(app): State<App>, Query(query): Query<NewQuery>, shell: Shell) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    let contact = match query.contact.parse::<ContactId>() {
        Ok(id) => contacts::find(&mut db, id).await?,
        Err(_) => None,
    };
    let to = match contact.and_then(|contact| Some(Address { address: contact.email?, name: contact.name })) {
        Some(to) => address_line(&[to]),
        None => query.to,
    };
    let form = MailForm { to, mailbox: query.mailbox, ..MailForm::default() };
    shell.render(&new_page(&mut db, &shell, form, Problems::default()).await?)
}

async fn new_page<'a>(db: &mut PgConnection, shell: &'a Shell, mut form: MailForm, problems: Problems) -> Result<MailPage<'a>> {
    let mailboxes = mailboxes(shell);
    if !mailboxes.iter().any(|(id, _)| *id == form.mailbox) {
        form.mailbox = mailboxes.first().map(|(id, _)| id.clone()).unwrap_or_default();
    }
    let language = language_for(db, shell, &form).await?;
    let canned = canned::usable(db, shell.agent.id, &language, &shell.directory.shop.language).await?;
    let signature = match form.mailbox.parse::<ChannelId>() {
        Ok(mailbox) => signatures::of(db, shell.agent.id, mailbox, Some(&language)).await?,
        Err(_) => String::new(),
    };
    Ok(MailPage {
        shell,
        title: "New mail".to_owned(),
        intro: "It becomes a ticket of yours that waits for their answer.".to_owned(),
        back: ("/inbox/open".to_owned(), "Inbox".to_owned()),
        action: "/mail/new".to_owned(),
        verb: "Send",
        form,
        mailboxes,
        has_subject: true,
        history: String::new(),
        files: Vec::new(),
        kept: files::kept(db, None, shell.agent.id, "new").await?,
        may_attach: true,
        canned,
        signature,
        problems,
    })
}

/// The language of whoever it is to, as far as it is known; else the shop's.
async fn language_for(db: &mut PgConnection, shell: &Shell, form: &MailForm) -> Result<String> {
    let written = text::languages::detect(&form.body).map(str::to_owned);
    let known = match form.recipients().to.first() {
        Some(to) => contacts::language_of(db, &to.address.to_lowercase()).await?,
        None => None,
    };
    Ok(known.or(written).unwrap_or_else(|| shell.directory.shop.language.clone()))
}

fn mailboxes(shell: &Shell) -> Vec<(String, String)> {
    let mailboxes = shell.directory.channels.iter().filter(|channel| channel.kind == ChannelKind::Email && channel.address.is_some());
    mailboxes
        .map(|channel| (channel.id.to_string(), format!("{} <{}>", channel.name, channel.address.as_deref().unwrap_or_default())))
        .collect()
}

/// Sends a new mail.
pub(super) async fn send_new(State(app): State<App>, shell: Shell, parts: Parts) -> Result<Response> {
    let agent = &shell.agent;
    let mut form = MailForm::of(&parts);
    let stored = StoredFile::store_all(&app, &parts.files).await?;
    if let Ok(wanted) = parts.text("insert").parse::<CannedReplyId>() {
        return insert(&app, &shell, form, wanted, &stored, &parts).await;
    }
    let mut problems = form.check(&parts, true);
    let mut change = Change::begin(&app).await?;
    let chosen = match form.mailbox.parse::<ChannelId>() {
        Ok(id) => channels::find(&mut change, id).await?.filter(channels::Channel::is_mailbox),
        Err(_) => None,
    };
    let Some(mailbox) = chosen else {
        problems.add("mailbox", "Choose the mailbox that it leaves from. An admin adds one under Settings, Channels.");
        return refuse_new(&app, &shell, form, problems, &stored, &parts).await;
    };
    if problems.any() {
        drop(change);
        return refuse_new(&app, &shell, form, problems, &stored, &parts).await;
    }
    let Recipients { to, cc, bcc } = form.recipients();
    let language = contacts::language_of(&mut change, &to.first().map(|to| to.address.to_lowercase()).unwrap_or_default()).await?;
    let mut kept = files::take_kept(&mut change, None, agent.id, "new", &parts.ids("upload")).await?;
    kept.extend(stored.iter().cloned());
    let new = NewMail {
        to,
        cc,
        bcc,
        subject: form.subject.clone(),
        body: form.body.clone(),
        language,
        files: kept,
        canned_files: files_of_canned(&mut change, &form.used).await?,
        canned: form.used.clone(),
    };
    match reply::begin(&mut change, agent, &mailbox, &new).await {
        Ok((ticket, message)) => {
            change.commit().await?;
            let mut flash = Flash::new(format!("Your mail is on its way; #{ticket} waits for the answer."));
            flash.undo = Some(format!("/tickets/{ticket}/messages/{message}/undo"));
            Ok(flash.redirect(&format!("/tickets/{ticket}")))
        }
        Err(ReplyError::Database(error)) => Err(error.into()),
        Err(error) => {
            drop(change);
            form.body.truncate(reply::MAX_BODY.min(form.body.len()));
            refuse_new(&app, &shell, form, refusal(&error), &stored, &parts).await
        }
    }
}

async fn files_of_canned(db: &mut PgConnection, used: &[CannedReplyId]) -> Result<Vec<crate::ids::CannedFileId>> {
    Ok(canned::files_of(db, used).await?.into_iter().map(|(_, file)| file.id).collect())
}

/// Puts a canned reply below the words, and shows the page again.
async fn insert(
    app: &App,
    shell: &Shell,
    mut form: MailForm,
    wanted: CannedReplyId,
    stored: &[StoredFile],
    parts: &Parts,
) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    let language = language_for(&mut db, shell, &form).await?;
    let usable = canned::usable(&mut db, shell.agent.id, &language, &shell.directory.shop.language).await?;
    if let Some(reply) = usable.into_iter().find(|reply| reply.id == wanted) {
        let to = form.recipients().to.into_iter().next().unwrap_or_default();
        let variables = Variables {
            customer_name: to.name,
            customer_email: to.address,
            agent_name: shell.agent.name.clone(),
            ticket_subject: form.subject.clone(),
            shop_name: shell.directory.shop.shop_name.clone(),
            ..Variables::default()
        };
        let words = variables.fill(&reply.body);
        form.body = if form.body.trim().is_empty() { words } else { format!("{}\n\n{words}", form.body.trim_end()) };
        form.used.push(reply.id);
    }
    drop(db);
    refuse_as(app, shell, form, Problems::default(), stored, parts, StatusCode::OK).await
}

async fn refuse_new(
    app: &App,
    shell: &Shell,
    form: MailForm,
    problems: Problems,
    stored: &[StoredFile],
    parts: &Parts,
) -> Result<Response> {
    refuse_as(app, shell, form, problems, stored, parts, StatusCode::UNPROCESSABLE_ENTITY).await
}

async fn refuse_as(
    app: &App,
    shell: &Shell,
    form: MailForm,
    problems: Problems,
    stored: &[StoredFile],
    parts: &Parts,
    status: StatusCode,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    keep(&mut tx, None, &shell.agent, "new", stored, parts).await?;
    tx.commit().await?;
    let mut db = app.db.acquire().await?;
    shell.render_as(status, &new_page(&mut db, shell, form, problems).await?)
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

/// What was typed of an address.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TypedQuery {
    q: String,
}

/// An address to offer.
#[derive(Debug, Serialize)]
pub(super) struct Offered {
    name: String,
    address: String,
    colour: u32,
}

/// Addresses that go on as what was typed.
pub(super) async fn addresses(State(app): State<App>, Query(query): Query<TypedQuery>, _: Agent) -> Result<Json<Vec<Offered>>> {
    let mut db = app.db.acquire().await?;
    let found = participants::suggest(&mut db, &query.q.chars().take(100).collect::<String>()).await?;
    let offered = |found: Address| Offered { colour: avatar_colour(&found.name), name: found.name, address: found.address };
    Ok(Json(found.into_iter().map(offered).collect()))
}

// -- passing on, and asking somebody -------------------------------------------------------------------------------------

/// Which message is passed on.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ForwardQuery {
    message: String,
}

/// The page to pass a conversation on, or one message of it.
pub(super) async fn forward(
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

/// The messages that are passed on: one, or the newest of the conversation. Never a note, never what the desk said by itself.
async fn passed_on(db: &mut PgConnection, ticket: &Ticket, message: &str) -> sqlx::Result<Vec<Message>> {
    let mut messages = thread::list(db, ticket.id, None, false).await?;
    messages.retain(|message| {
        message.direction != Direction::Note
            && message.side_id.is_none()
            && !message.automatic
            && !message.bounce
            && message.removed_at.is_none()
    });
    if let Ok(wanted) = message.parse::<MessageId>() {
        return match thread::find(db, wanted).await? {
            Some(one) if one.ticket_id == ticket.id && one.direction != Direction::Note => Ok(vec![one]),
            _ => Ok(Vec::new()),
        };
    }
    let surplus = messages.len().saturating_sub(MAX_PASSED_ON);
    messages.drain(..surplus);
    Ok(messages)
}

async fn forward_page<'a>(
    db: &mut PgConnection,
    shell: &'a Shell,
    ticket: &Ticket,
    form: MailForm,
    chosen: Option<&[AttachmentId]>,
    problems: Problems,
) -> Result<MailPage<'a>> {
    let messages = passed_on(db, ticket, &form.message).await?;
    let ids: Vec<MessageId> = messages.iter().map(|message| message.id).collect();
    let files = files::of_messages(db, &ids).await?;
    let one = messages.len() == 1 && !form.message.is_empty();
    Ok(MailPage {
        intro: "The answer comes back into this ticket, beside the conversation. The customer sees none of it, and notes never leave."
            .to_owned(),
        back: (format!("/tickets/{}", ticket.id), format!("#{}", ticket.id)),
        action: format!("/tickets/{}/forward", ticket.id),
        verb: "Forward",
        history: history(shell, &messages),
        files: files
            .into_iter()
            .map(|file| (chosen.is_none_or(|chosen| chosen.contains(&file.id)), file))
            .map(|(on, file)| (file, on))
            .collect(),
        ..letter_page(db, shell, ticket, if one { "Forward a message" } else { "Forward the conversation" }, form, problems).await?
    })
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
        files: Vec::new(),
        kept: files::kept(db, Some(ticket.id), shell.agent.id, "side").await?,
        may_attach: true,
        canned: Vec::new(),
        signature,
        problems,
    })
}

/// The conversation as it is passed on: who said what and when, without whom nobody was to see.
fn history(shell: &Shell, messages: &[Message]) -> String {
    let shop = &shell.directory.shop;
    let language = Language::from_code(&shop.language).unwrap_or(Language::En);
    let zone = jiff::tz::TimeZone::get(&shop.time_zone).unwrap_or(jiff::tz::TimeZone::UTC);
    let word = |key: &str| i18n::text(language, key);
    let mut history = format!("---------- {} ----------\n", word("mail-forwarded"));
    for message in messages {
        let envelope = message.envelope();
        let from = match (message.direction, message.agent_id) {
            (Direction::Outbound, Some(agent)) => format!("{} · {}", shell.directory.agent(agent), shop.shop_name),
            (Direction::Outbound, None) => shop.shop_name.clone(),
            _ => match envelope.from {
                Some(from) if !from.name.is_empty() => format!("{} <{}>", from.name, from.address),
                Some(from) if !from.address.is_empty() => from.address,
                _ => message.contact_name.clone(),
            },
        };
        history.push_str(&format!("\n{}: {from}\n", word("mail-forwarded-from")));
        let date = i18n::long_date(language, &message.created_at.0.to_zoned(zone.clone()));
        history.push_str(&format!("{}: {date}\n", word("mail-forwarded-date")));
        let to: Vec<&str> = envelope.to.iter().map(|to| to.address.as_str()).collect();
        if !to.is_empty() {
            history.push_str(&format!("{}: {}\n", word("mail-forwarded-to"), to.join(", ")));
        }
        history.push_str(&format!("\n{}\n", pictures::in_words(message.new_text().trim_end())));
    }
    history
}

/// Passes it on.
pub(super) async fn send_forward(State(app): State<App>, Path(id): Path<TicketId>, shell: Shell, parts: Parts) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    let ticket = permitted(&mut db, &shell.agent, id).await?;
    let form = MailForm::of(&parts);
    let messages = passed_on(&mut db, &ticket, &form.message).await?;
    let ids: Vec<MessageId> = messages.iter().map(|message| message.id).collect();
    let may: Vec<AttachmentId> = files::of_messages(&mut db, &ids).await?.into_iter().map(|file| file.id).collect();
    drop(db);
    let chosen: Vec<AttachmentId> = parts.ids("attach").into_iter().filter(|id| may.contains(id)).collect();
    let history = history(&shell, &messages);
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
pub(super) async fn ask(State(app): State<App>, Path(id): Path<TicketId>, shell: Shell) -> Result<Response> {
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
pub(super) async fn send_question(State(app): State<App>, Path(id): Path<TicketId>, shell: Shell, parts: Parts) -> Result<Response> {
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
pub(super) async fn continue_side(State(app): State<App>, Path((id, side)): Path<(TicketId, SideId)>, shell: Shell) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    let messages = thread::aside(&mut db, id).await?;
    let said: Vec<Message> = messages.into_iter().filter(|message| message.side_id == Some(side)).collect();
    let to = panels::answer_to(&said, &shell.directory.mailboxes());
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
pub(super) async fn send_side(
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

// -- putting right what failed -------------------------------------------------------------------------------------------

/// The page to put a message right that could not be sent.
pub(super) async fn edit(State(app): State<App>, Path((id, message)): Path<(TicketId, MessageId)>, shell: Shell) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    let ticket = permitted(&mut db, &shell.agent, id).await?;
    let message = correctable(&mut db, id, message).await?;
    let envelope = message.envelope();
    let form = MailForm {
        to: address_line(&envelope.to),
        cc: address_line(&envelope.cc),
        bcc: address_line(&envelope.bcc),
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
pub(super) async fn resend(
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
        match outbound::correct(&mut change, shell.agent.id, id, message, form.recipients(), &form.body).await {
            Ok(true) => {
                change.commit().await?;
                return Ok(Flash::new("Trying again, as you changed it.").redirect(&format!("/tickets/{id}#m{message}")));
            }
            Ok(false) => return Ok(Flash::new("It has left meanwhile.").redirect(&format!("/tickets/{id}"))),
            Err(ReplyError::Database(error)) => return Err(error.into()),
            Err(error) => problems = refusal(&error),
        }
    }
    drop(change);
    let mut db = app.db.acquire().await?;
    let page = edit_page(&mut db, &shell, &ticket, &failed, form, problems).await?;
    shell.render_as(StatusCode::UNPROCESSABLE_ENTITY, &page)
}
