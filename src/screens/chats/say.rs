//! Speaking in a chat: to the visitor, or past them to colleagues; and telling that one has read.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use http::{HeaderMap, StatusCode, Uri};
use serde::Deserialize;
use serde_json::json;

use crate::app::App;
use crate::desk::agents::Agent;
use crate::desk::changes::Change;
use crate::desk::chats;
use crate::desk::files;
use crate::desk::kinds::DeliveryStatus;
use crate::desk::tickets::reply::{self, ReplyError};
use crate::desk::tickets::{self, thread};
use crate::http::flash::Flash;
use crate::http::multipart::Parts;
use crate::http::page::{self, Shell};
use crate::http::{Error, Form, Path, Result};
use crate::ids::{MessageId, TicketId};
use crate::screens::chats::{Trouble, permitted, show_again, with_open};
use crate::screens::tickets::reply::{keep, new_reply};
use crate::text::excerpts;

/// Says what the composer holds, or notes it for colleagues. Whatever is refused stays in the draft and is shown with the reason.
/// A script that asks is answered in JSON: `{"message": id, "by": "chat" | "mail" | "later" | "note"}`, or `{"error": words}`.
pub async fn say(
    State(app): State<App>,
    Path(id): Path<TicketId>,
    headers: HeaderMap,
    uri: Uri,
    agent: Agent,
    parts: Parts,
) -> Result<Response> {
    let note = parts.text("note") == "1";
    let body = parts.text("body").trim_end().to_owned();
    let script = headers.contains_key("x-requested-with");
    // A script keeps the words on its screen until they are said: of mere words nothing need be written before.
    let first = !script || !parts.files.is_empty() || !parts.refused.is_empty();
    if first {
        keep(&app, &agent, id, note, &body, &parts).await?;
    } else {
        tickets::load(&mut *app.db.acquire().await?, &agent, id).await?.ok_or(Error::NotFound)?;
    }
    let said = if parts.refused.is_empty() {
        speak(&app, &agent, id, note, body.clone(), &parts).await
    } else {
        let words = format!("Not sent: {}", files::refusal(&parts.refused));
        Err(ReplyError::NoWay(words))
    };
    if said.is_err() && !first {
        keep(&app, &agent, id, note, &body, &parts).await?;
    }
    match said {
        Ok((message, by)) if script => Ok(Json(json!({ "message": message, "by": by })).into_response()),
        Ok((_, "mail")) => Ok(Flash::new("The chat was over by then: your answer goes by mail.").redirect(&with_open(&headers, id))),
        Ok((_, "later")) => {
            Ok(Flash::new("The chat was over by then: your answer waits for their return.").redirect(&with_open(&headers, id)))
        }
        Ok(_) => Ok(Redirect::to(&with_open(&headers, id)).into_response()),
        Err(ReplyError::Database(error)) => Err(error.into()),
        Err(error) => {
            let words = excerpts::sentence(&error.to_string());
            if script {
                return Ok((StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "error": words }))).into_response());
            }
            let trouble = Trouble {
                ticket: Some(id),
                form: "say",
                words,
                to: if note { "note".to_owned() } else { String::new() },
                text: String::new(),
                choices: parts.all("choice").map(str::to_owned).collect(),
            };
            let shell = Shell::load(&app, agent, None, uri.path()).await?;
            show_again(&app, &shell, &headers, trouble).await
        }
    }
}

async fn speak(
    app: &App,
    agent: &Agent,
    id: TicketId,
    note: bool,
    body: String,
    parts: &Parts,
) -> Result<(MessageId, &'static str), ReplyError> {
    let mut change = Change::begin(app).await?;
    let said = if note {
        (reply::note(&mut change, agent, id, &body).await?, "note")
    } else {
        let new = new_reply(parts, body).map_err(ReplyError::NoWay)?;
        let message = reply::reply(&mut change, agent, id, &new).await?;
        let open = chats::find(&mut change, id).await?.is_some_and(|chat| chat.is_open());
        let mailed =
            !open && thread::find(&mut change, message).await?.is_some_and(|message| message.delivery == Some(DeliveryStatus::Queued));
        // Whoever answers has read what they answer.
        let seen = parts.text("seen").parse().unwrap_or(MessageId(0));
        chats::agent_seen(&mut change, agent, id, seen, seen).await?;
        (
            message,
            if open {
                "chat"
            } else if mailed {
                "mail"
            } else {
                "later"
            },
        )
    };
    change.commit().await?;
    Ok(said)
}

/// A note from the floor, into whatever chat.
#[derive(Debug, Deserialize)]
pub struct WhisperForm {
    #[serde(default)]
    text: String,
}

/// Notes something for whoever holds the chat; the visitor does not see it.
pub async fn whisper(
    State(app): State<App>,
    Path(id): Path<TicketId>,
    headers: HeaderMap,
    agent: Agent,
    Form(form): Form<WhisperForm>,
) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    let (_, chat) = permitted(&mut change, &agent, id).await?;
    match reply::note_apart(&mut change, &agent, id, form.text.trim_end()).await {
        Ok(_) => {}
        Err(ReplyError::Database(error)) => return Err(error.into()),
        Err(error) => return Err(Error::BadRequest(format!("{}.", excerpts::sentence(&error.to_string())))),
    }
    // Whoever holds it wants to see it now.
    change.touch_chat(id, chat.hands());
    change.commit().await?;
    Ok(Flash::new("Whispered: only colleagues see it.").redirect(&page::came_from(&headers, "/chats/floor")))
}

/// How far an agent's screen has come.
#[derive(Debug, Deserialize)]
pub struct SeenForm {
    delivered: MessageId,
    read: MessageId,
}

/// Notes how far the agent's screen has come; their visitor sees it.
pub async fn seen(State(app): State<App>, Path(id): Path<TicketId>, agent: Agent, Form(form): Form<SeenForm>) -> Result<StatusCode> {
    let mut change = Change::begin(&app).await?;
    permitted(&mut change, &agent, id).await?;
    chats::agent_seen(&mut change, &agent, id, form.delivered, form.read).await?;
    change.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
