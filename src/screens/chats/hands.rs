//! Taking chats and passing them on.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use http::HeaderMap;
use serde::Deserialize;
use serde_json::json;

use crate::app::App;
use crate::clock::Ts;
use crate::desk::agents::{Agent, Lead};
use crate::desk::changes::Change;
use crate::desk::chats::{self, AcceptError, Target, Way};
use crate::desk::events::ChatEnd;
use crate::desk::presence;
use crate::desk::tickets::reply::ReplyError;
use crate::http::flash::Flash;
use crate::http::page::{self, Shell};
use crate::http::{Form, Path, Result};
use crate::ids::{AgentId, TicketId};
use crate::screens::chats::{Trouble, first_name, permitted, show_again, with_open, without};

/// Takes a chat that nobody holds. Of two who try at once one gets it, and the other reads who did.
pub async fn accept(State(app): State<App>, Path(id): Path<TicketId>, headers: HeaderMap, shell: Shell) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    permitted(&mut change, &shell.agent, id).await?;
    match chats::accept(&mut change, &shell.agent, id, Ts::now()).await {
        Ok(()) => {
            change.commit().await?;
            Ok(Redirect::to(&with_open(&headers, id)).into_response())
        }
        Err(AcceptError::Taken(by)) => {
            Ok(Flash::new(format!("{} took it a moment ago.", first_name(&shell, by))).redirect(&page::came_from(&headers, "/chats")))
        }
        Err(AcceptError::Over) => Ok(Flash::new("This chat is over by now.").redirect(&page::came_from(&headers, "/chats"))),
        Err(AcceptError::Database(error)) => Err(error.into()),
    }
}

/// Says no to an offer; it rings at the next.
pub async fn decline(State(app): State<App>, Path(id): Path<TicketId>, headers: HeaderMap, agent: Agent) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    permitted(&mut change, &agent, id).await?;
    let declined = chats::decline(&mut change, &agent, id, Ts::now()).await?;
    change.commit().await?;
    let words = if declined { "Declined: it rings at the next." } else { "It did not ring here any more." };
    Ok(Flash::new(words).redirect(&page::came_from(&headers, "/chats")))
}

/// Who holds a chat, for a screen at which it stopped ringing.
pub async fn who(State(app): State<App>, Path(id): Path<TicketId>, shell: Shell) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    let (_, chat) = permitted(&mut db, &shell.agent, id).await?;
    let holder = chat.agent_id.filter(|holder| *holder != shell.agent.id).map(|holder| first_name(&shell, holder));
    Ok(Json(json!({ "by": holder })).into_response())
}

/// To whom, and what they should know.
#[derive(Debug, Deserialize)]
pub struct TransferForm {
    /// `agent:3` or `team:1`.
    #[serde(default)]
    to: String,
    #[serde(default)]
    summary: String,
}

fn target(to: &str) -> Option<Target> {
    let (kind, id) = to.split_once(':')?;
    match kind {
        "agent" => id.parse().ok().map(Target::Agent),
        "team" => id.parse().ok().map(Target::Team),
        _ => None,
    }
}

/// Gives a chat to a colleague or a team, with a summary.
pub async fn transfer(
    State(app): State<App>,
    Path(id): Path<TicketId>,
    headers: HeaderMap,
    shell: Shell,
    Form(form): Form<TransferForm>,
) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    permitted(&mut change, &shell.agent, id).await?;
    let there = presence::floor(&mut change, Ts::now()).await?;
    let (to, name) = match target(&form.to) {
        Some(to @ Target::Agent(agent)) if there.iter().any(|one| one.agent == agent) => (to, first_name(&shell, agent)),
        Some(to @ Target::Team(team)) if shell.directory.teams.iter().any(|known| known.id == team) => {
            (to, shell.directory.team(team).to_owned())
        }
        Some(Target::Agent(agent)) => {
            let words = format!("{} is not there any more. Choose somebody else or a team.", first_name(&shell, agent));
            return refuse(change, &app, &shell, &headers, id, form, words).await;
        }
        Some(Target::Team(_)) | None => {
            return refuse(change, &app, &shell, &headers, id, form, "Choose who is to take the chat.".to_owned()).await;
        }
    };
    match chats::transfer(&mut change, &shell.agent, id, to, &form.summary, Ts::now()).await {
        Ok(()) => {
            change.commit().await?;
            Ok(Flash::new(format!("It rings at {name} now.")).redirect(&without(&headers, id)))
        }
        Err(ReplyError::Database(error)) => Err(error.into()),
        Err(error) => refuse(change, &app, &shell, &headers, id, form, error.to_string()).await,
    }
}

async fn refuse(
    change: Change,
    app: &App,
    shell: &Shell,
    headers: &HeaderMap,
    id: TicketId,
    form: TransferForm,
    words: String,
) -> Result<Response> {
    drop(change);
    let trouble = Trouble { ticket: Some(id), form: "transfer", words, to: form.to, text: form.summary, choices: Vec::new() };
    show_again(app, shell, headers, trouble).await
}

/// Whom to ask in.
#[derive(Debug, Deserialize)]
pub struct InviteForm {
    #[serde(default)]
    colleague: String,
}

/// Asks a colleague in.
pub async fn invite(
    State(app): State<App>,
    Path(id): Path<TicketId>,
    headers: HeaderMap,
    shell: Shell,
    Form(form): Form<InviteForm>,
) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    permitted(&mut change, &shell.agent, id).await?;
    let colleague: Option<AgentId> = form.colleague.parse().ok().filter(|id| shell.directory.active_agents().any(|agent| agent.id == *id));
    let Some(colleague) = colleague else {
        drop(change);
        let words = "Choose whom to ask in.".to_owned();
        let trouble = Trouble { ticket: Some(id), form: "invite", words, to: form.colleague, ..Trouble::default() };
        return show_again(&app, &shell, &headers, trouble).await;
    };
    let invited = chats::invite(&mut change, &shell.agent, id, colleague).await?;
    change.commit().await?;
    let name = first_name(&shell, colleague);
    let words = if invited {
        format!("{name} sees the chat now and may write in it.")
    } else {
        format!("{name} takes part already, or the chat is over.")
    };
    Ok(Flash::new(words).redirect(&with_open(&headers, id)))
}

/// A lead takes a chat over.
pub async fn step_in(State(app): State<App>, Path(id): Path<TicketId>, headers: HeaderMap, lead: Lead) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    permitted(&mut change, &lead.0, id).await?;
    let done = chats::step_in(&mut change, &lead, id, Ts::now()).await?;
    change.commit().await?;
    if done {
        return Ok(Flash::new("The chat is in your hands.").redirect(&with_open(&headers, id)));
    }
    Ok(Flash::new("This chat is over by now.").redirect(&page::came_from(&headers, "/chats/floor")))
}

/// Lets the conversation go on by mail.
pub async fn by_mail(State(app): State<App>, Path(id): Path<TicketId>, headers: HeaderMap, agent: Agent) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    permitted(&mut change, &agent, id).await?;
    chats::choose(&mut change, id, &Way::Email, Ts::now()).await?;
    change.commit().await?;
    Ok(Flash::new(format!("#{id} goes on by mail; it is among your tickets.")).redirect(&without(&headers, id)))
}

/// Ends a chat; its ticket is solved.
pub async fn end(State(app): State<App>, Path(id): Path<TicketId>, headers: HeaderMap, agent: Agent) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    permitted(&mut change, &agent, id).await?;
    let ended = chats::end(&mut change, ChatEnd::Agent, id, Ts::now()).await?;
    change.commit().await?;
    let words = if ended { format!("The chat has ended; #{id} is solved.") } else { "This chat is over by now.".to_owned() };
    Ok(Flash::new(words).redirect(&without(&headers, id)))
}

/// Blocks a visitor, whose ticket becomes spam.
pub async fn block(State(app): State<App>, Path(id): Path<TicketId>, headers: HeaderMap, agent: Agent) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    permitted(&mut change, &agent, id).await?;
    chats::block(&mut change, &agent, id, Ts::now()).await?;
    change.commit().await?;
    Ok(Flash::new(format!("Blocked. #{id} is in the spam folder.")).redirect(&without(&headers, id)))
}
