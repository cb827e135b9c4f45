//! A new mail to a customer.

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
use crate::desk::files::{self, StoredFile};
use crate::desk::kinds::ChannelKind;
use crate::desk::signatures;
use crate::desk::tickets::participants;
use crate::desk::tickets::recipients::Recipients;
use crate::desk::tickets::reply::{self, NewMail, ReplyError};
use crate::http::flash::Flash;
use crate::http::multipart::Parts;
use crate::http::page::{Shell, avatar_colour};
use crate::http::problems::Problems;
use crate::http::{Query, Result};
use crate::ids::{CannedFileId, CannedReplyId, ChannelId, ContactId};
use crate::screens::tickets::address_line;
use crate::screens::tickets::mail::{MailForm, MailPage, keep, refusal};
use crate::text;

/// Whom a new mail is to.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::screens::tickets) struct NewQuery {
    contact: String,
    to: String,
    mailbox: String,
}

/// The page for a new mail.
pub(in crate::screens::tickets) async fn show(State(app): State<App>, Query(query): Query<NewQuery>, shell: Shell) -> Result<Response> {
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
        passed_on: Vec::new(),
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
pub(in crate::screens::tickets) async fn send(State(app): State<App>, shell: Shell, parts: Parts) -> Result<Response> {
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
        return show_again(&app, &shell, form, problems, &stored, &parts).await;
    };
    if problems.any() {
        drop(change);
        return show_again(&app, &shell, form, problems, &stored, &parts).await;
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
            form.body.truncate(form.body.floor_char_boundary(reply::MAX_BODY));
            show_again(&app, &shell, form, refusal(&error), &stored, &parts).await
        }
    }
}

async fn files_of_canned(db: &mut PgConnection, used: &[CannedReplyId]) -> Result<Vec<CannedFileId>> {
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
    show_again(app, shell, form, Problems::default(), stored, parts).await
}

/// The form as it was typed, with what is wrong with it.
async fn show_again(
    app: &App,
    shell: &Shell,
    form: MailForm,
    problems: Problems,
    stored: &[StoredFile],
    parts: &Parts,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    keep(&mut tx, None, &shell.agent, "new", stored, parts).await?;
    tx.commit().await?;
    let mut db = app.db.acquire().await?;
    let status = if problems.any() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    shell.render_as(status, &new_page(&mut db, shell, form, problems).await?)
}

/// What was typed of an address.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::screens::tickets) struct TypedQuery {
    q: String,
}

/// An address to offer.
#[derive(Debug, Serialize)]
pub(in crate::screens::tickets) struct Offered {
    name: String,
    address: String,
    colour: u32,
}

/// Addresses that go on as what was typed.
pub(in crate::screens::tickets) async fn addresses(
    State(app): State<App>,
    Query(query): Query<TypedQuery>,
    _: Agent,
) -> Result<Json<Vec<Offered>>> {
    let mut db = app.db.acquire().await?;
    let found = participants::suggest(&mut db, &query.q.chars().take(100).collect::<String>()).await?;
    let offered = |found: Address| Offered { colour: avatar_colour(&found.name), name: found.name, address: found.address };
    Ok(Json(found.into_iter().map(offered).collect()))
}
