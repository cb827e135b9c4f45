//! Sending: a reply or a note, taking it back, trying again.

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode};

use crate::app::App;
use crate::clock::Ts;
use crate::desk::agents::Agent;
use crate::desk::approvals::{self, Answered};
use crate::desk::changes::{Actor, Change};
use crate::desk::chats;
use crate::desk::files::{self, StoredFile};
use crate::desk::kinds::{DeliveryStatus, Status};
use crate::desk::tickets::recipients;
use crate::desk::tickets::reply::{self, NewReply, ReplyError};
use crate::desk::tickets::{drafts, outbound, planned as desk_planned, thread};
use crate::http::flash::Flash;
use crate::http::multipart::Parts;
use crate::http::page::Shell;
use crate::http::problems::Problems;
use crate::http::{Error, Path, Result};
use crate::ids::{MessageId, TicketId};
use crate::screens::tickets::letters::Item;
use crate::screens::tickets::{Composing, came_from, list_of, load, permitted, show_again};
use crate::screens::tickets::{networks, planned};
use crate::text::excerpts;

/// What became of what the composer held.
enum Done {
    Noted,
    Answered(Answered),
    /// It leaves then.
    Planned(Ts),
}

/// Sends what the composer holds. Whatever is refused stays in the draft and is shown with the reason.
pub async fn send(State(app): State<App>, Path(id): Path<TicketId>, headers: HeaderMap, shell: Shell, parts: Parts) -> Result<Response> {
    let agent = &shell.agent;
    let note = parts.text("note") == "1";
    let body = parts.text("body").trim_end().to_owned();
    keep(&app, agent, id, note, &body, &parts).await?;
    let problems = if note || !parts.text("way").is_empty() { Problems::default() } else { address_problems(&parts) };
    let wrong = problems.any();
    let mut problems = Some(problems);
    let mut refused = |error: String| Composing {
        note,
        error: Some(error),
        problems: problems.take().unwrap_or_default(),
        bcc: Some(parts.text("bcc").to_owned()).filter(|_| !note && parts.text("way").is_empty()),
        to: Some(parts.text("to").to_owned()).filter(|_| !note && parts.text("way").is_empty()),
        cc: Some(parts.text("cc").to_owned()).filter(|_| !note && parts.text("way").is_empty()),
        way: parts.text("way").to_owned(),
        answers: parts.text("answers").parse().ok().map(MessageId),
        choices: parts.all("choice").map(str::to_owned).collect(),
        ..Composing::default()
    };
    if !parts.refused.is_empty() {
        let words = format!("Not sent: {}", files::refusal(&parts.refused));
        return show_again(&app, &shell, id, list_of(&headers, id), StatusCode::UNPROCESSABLE_ENTITY, refused(words)).await;
    }
    if wrong {
        let composing = refused("Not sent: look at the addresses above your text.".to_owned());
        return show_again(&app, &shell, id, list_of(&headers, id), StatusCode::UNPROCESSABLE_ENTITY, composing).await;
    }
    let later = match parts.text("later") {
        "" => None,
        choice => {
            let moment = planned::moment(choice, parts.text("later_at"), Ts::now(), &shell.directory.shop.time_zone);
            let Some(at) = moment.filter(|_| !note) else {
                let composing = refused("Not planned: choose a day and a time in the future, within a year.".to_owned());
                return show_again(&app, &shell, id, list_of(&headers, id), StatusCode::UNPROCESSABLE_ENTITY, composing).await;
            };
            Some(at)
        }
    };
    let mut change = Change::begin(&app).await?;
    let chat = chats::find(&mut change, id).await?;
    let live = chat.as_ref().is_some_and(|chat| chat.is_open());
    let outcome = if note {
        reply::note(&mut change, agent, id, &body).await.map(|_| Done::Noted)
    } else if live && later.is_some() {
        Err(ReplyError::NoWay("Not planned: this is a live chat again, where everything is said at once.".into()))
    } else {
        match new_reply(&parts, body) {
            Ok(new) => say(&mut change, &shell, id, new, parts.text("way"), later).await?,
            Err(words) => Err(ReplyError::NoWay(words)),
        }
    };
    match outcome {
        Ok(Done::Noted) => {
            change.commit().await?;
            Ok(Flash::new("Note added.").redirect(&came_from(&headers, id)))
        }
        Ok(Done::Planned(at)) => {
            change.commit().await?;
            let zone = jiff::tz::TimeZone::get(&shell.directory.shop.time_zone).unwrap_or(jiff::tz::TimeZone::UTC);
            let words = format!("Your reply to #{id} leaves {}.", at.0.to_zoned(zone).strftime("%a %-d %b at %H:%M"));
            Ok(Flash::new(words).redirect(&came_from(&headers, id)))
        }
        Ok(Done::Answered(Answered::Held(_))) => {
            change.commit().await?;
            Ok(Flash::new("Not sent yet: somebody who leads must approve it. They have been told.").redirect(&came_from(&headers, id)))
        }
        Ok(Done::Answered(Answered::Queued(message))) => {
            let queued = thread::find(&mut change, message).await?.is_some_and(|message| message.delivery == Some(DeliveryStatus::Queued));
            change.commit().await?;
            if !queued && chat.is_some() {
                let words = if chat.is_some_and(|chat| chat.is_open()) { "Said in the chat." } else { "Kept for the visitor’s return." };
                return Ok(Flash::new(words).redirect(&came_from(&headers, id)));
            }
            let next = parts.text("next");
            let to = if next.starts_with("/tickets/") || next.starts_with("/inbox/") || next.starts_with("/search") {
                next.to_owned()
            } else {
                came_from(&headers, id)
            };
            let mut flash = Flash::new(format!("Reply to #{id} is on its way."));
            flash.undo = Some(format!("/tickets/{id}/messages/{message}/undo"));
            Ok(flash.redirect(&to))
        }
        Err(ReplyError::Newer) => {
            drop(change);
            collide(&app, &shell, id, &headers, &parts).await
        }
        Err(ReplyError::Database(error)) => Err(error.into()),
        Err(error) => {
            drop(change);
            let refused = refused(excerpts::sentence(&error.to_string()));
            show_again(&app, &shell, id, list_of(&headers, id), StatusCode::UNPROCESSABLE_ENTITY, refused).await
        }
    }
}

/// Says it now, or plans it.
async fn say(
    change: &mut Change,
    shell: &Shell,
    id: TicketId,
    mut new: NewReply,
    way: &str,
    later: Option<Ts>,
) -> Result<std::result::Result<Done, ReplyError>> {
    let ticket = permitted(change, &shell.agent, id).await?;
    new.outlet = networks::outlet(&shell.directory, ticket.channel_id, way);
    Ok(match later {
        Some(_) if new.outlet.is_some() => Err(ReplyError::NoWay("Not planned: only mail can wait for a moment.".into())),
        Some(at) => desk_planned::plan(change, &shell.agent, id, &new, at).await.map(|_| Done::Planned(at)),
        None => approvals::reply_or_hold(change, &shell.agent, id, &new).await.map(Done::Answered),
    })
}

/// Before anything else, what was typed and attached is safe.
pub(crate) async fn keep(app: &App, agent: &Agent, id: TicketId, note: bool, body: &str, parts: &Parts) -> Result<()> {
    let stored = StoredFile::store_all(app, &parts.files).await?;
    let mut tx = app.db.begin().await?;
    permitted(&mut tx, agent, id).await?;
    drafts::save(&mut tx, id, agent.id, note, body).await?;
    for file in &stored {
        files::add_upload(&mut tx, id, agent.id, file).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// What is wrong with the addresses of a form, by field.
pub(super) fn address_problems(parts: &Parts) -> Problems {
    let mut problems = Problems::default();
    for field in ["to", "cc", "bcc"] {
        if let Err(words) = recipients::parse(parts.text(field)) {
            problems.add(field, words);
        }
    }
    problems
}

/// What the composer holds.
pub(crate) fn new_reply(parts: &Parts, body: String) -> Result<NewReply, String> {
    Ok(NewReply {
        body,
        seen: parts.text("seen").parse().ok().map(MessageId),
        then: match parts.text("then") {
            "solve" => Some(Status::Solved),
            "open" => Some(Status::Open),
            _ => None,
        },
        to: recipients::parse(parts.text("to"))?,
        cc: recipients::parse(parts.text("cc"))?,
        bcc: recipients::parse(parts.text("bcc"))?,
        canned: parts.ids("canned"),
        canned_files: parts.ids("canned_file"),
        choices: parts.all("choice").map(str::trim).filter(|choice| !choice.is_empty()).map(str::to_owned).collect(),
        outlet: None,
        answers: parts.text("answers").parse().ok().map(MessageId),
        once: Some(parts.text("once").to_owned()).filter(|once| !once.is_empty() && once.len() <= 64),
    })
}

/// Shows what arrived in between, above the text that was about to be sent.
async fn collide(app: &App, shell: &Shell, id: TicketId, headers: &HeaderMap, parts: &Parts) -> Result<Response> {
    let seen = parts.text("seen").parse().ok().map_or(MessageId(i64::MAX), MessageId);
    let mut db = app.db.acquire().await?;
    let composing = Composing {
        way: parts.text("way").to_owned(),
        answers: parts.text("answers").parse().ok().map(MessageId),
        choices: parts.all("choice").map(str::to_owned).collect(),
        to: Some(parts.text("to").to_owned()),
        cc: Some(parts.text("cc").to_owned()),
        bcc: Some(parts.text("bcc").to_owned()),
        ..Composing::default()
    };
    let mut page = load(app, &mut db, shell, id, list_of(headers, id), None, composing).await?;
    let (arrived, known): (Vec<Item>, Vec<Item>) =
        page.items.into_iter().partition(|item| matches!(item, Item::Letter(letter) if letter.id > seen && !letter.mine));
    page.items = known;
    page.composing.arrived = arrived;
    shell.render_as(StatusCode::CONFLICT, &page)
}

/// Takes a reply back that has not left.
pub async fn undo(State(app): State<App>, Path((id, message)): Path<(TicketId, MessageId)>, agent: Agent) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    permitted(&mut change, &agent, id).await?;
    let found = thread::find(&mut change, message).await?.filter(|message| message.ticket_id == id);
    if found.is_some_and(|message| message.agent_id != Some(agent.id)) {
        return Err(Error::BadRequest("Somebody else wrote this reply: only they can take it back.".into()));
    }
    let taken_back = reply::undo(&mut change, &agent, id, message).await?;
    change.commit().await?;
    let words = if taken_back { "Taken back. Your text is in the composer again." } else { "Too late: the reply has left." };
    Ok(Flash::new(words).redirect(&format!("/tickets/{id}")))
}

/// Tries a failed reply again.
pub async fn retry(
    State(app): State<App>,
    Path((id, message)): Path<(TicketId, MessageId)>,
    headers: HeaderMap,
    agent: Agent,
) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    permitted(&mut change, &agent, id).await?;
    let tried = outbound::retry(&mut change, Actor::Agent(agent.id), id, message).await?;
    if !tried {
        return Err(Error::BadRequest("This message needs no second try: it has left, or is about to.".into()));
    }
    change.commit().await?;
    Ok(Flash::new("Trying again.").redirect(&came_from(&headers, id)))
}
