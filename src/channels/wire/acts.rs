//! The buttons under a message of a network. They wait for the provider, so that whoever presses them sees what it said.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use http::HeaderMap;
use serde::Deserialize;

use crate::app::App;
use crate::channels::wire::calls::Caller;
use crate::channels::wire::{Way, network, sending};
use crate::clock::Ts;
use crate::desk::agents::Agent;
use crate::desk::changes::Change;
use crate::desk::channels::{self as rows, Channel};
use crate::desk::kinds::Direction;
use crate::desk::networks::acts::{self, Act};
use crate::desk::networks::{Fault, Notice, Who, notices};
use crate::desk::tickets;
use crate::http::flash::Flash;
use crate::http::page::came_from;
use crate::http::{Error, Form, Path, Result};
use crate::ids::{MessageId, TicketId};

/// The routes of these buttons.
pub fn router() -> Router<App> {
    Router::new()
        .route("/tickets/{id}/messages/{message}/public/{act}", post(press))
        .route("/tickets/{id}/messages/{message}/react", post(react))
}

/// The emoji that was pressed; empty: ours is taken away.
#[derive(Debug, Deserialize)]
struct ReactForm {
    #[serde(default)]
    emoji: String,
}

async fn react(
    State(app): State<App>,
    Path((id, message)): Path<(TicketId, MessageId)>,
    headers: HeaderMap,
    agent: Agent,
    Form(form): Form<ReactForm>,
) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    tickets::load(&mut db, &agent, id).await?.ok_or(Error::NotFound)?;
    let target = acts::find_private(&mut db, id, message).await?.ok_or(Error::NotFound)?;
    let channel = rows::find(&mut db, target.channel).await?.ok_or(Error::NotFound)?;
    let net = network(channel.kind).ok_or(Error::NotFound)?;
    let emoji = Some(form.emoji).filter(|emoji| !emoji.is_empty());
    if emoji.as_ref().is_some_and(|emoji| !net.abilities(&channel).reactions.contains(emoji)) {
        return Err(Error::BadRequest("This network does not take that reaction.".into()));
    }
    let to = sending::recipient(&mut db, &channel, net, id).await?.ok_or(Error::NotFound)?;
    drop(db);
    let way = Way { app: &app, channel: &channel, calls: Caller::of(&app) };
    let done = net.react(&way, &to, &target.provider_id, emoji.as_deref()).await;
    let mut change = Change::begin(&app).await?;
    let flash = match done {
        Ok(()) => {
            let notice = Notice::Reacted { by: Who::Shop, emoji: emoji.clone(), at: Some(Ts::now()) };
            notices::take(&mut change, channel.id, &target.provider_id, &notice).await?;
            Flash::new(emoji.map_or_else(|| "Your reaction is gone.".to_owned(), |emoji| format!("{emoji} is on their message now.")))
        }
        Err(fault) => refused(&mut change, &channel, &fault).await?,
    };
    change.commit().await?;
    Ok(flash.redirect(&came_from(&headers, &format!("/tickets/{id}"))))
}

async fn press(
    State(app): State<App>,
    Path((id, message, act)): Path<(TicketId, MessageId, String)>,
    headers: HeaderMap,
    agent: Agent,
) -> Result<Response> {
    let (act, words) = match &*act {
        "hide" => (Act::Hide(true), "Hidden from the public."),
        "show" => (Act::Hide(false), "Everybody can see it again."),
        "like" => (Act::Like(true), "Liked."),
        "unlike" => (Act::Like(false), "No longer liked."),
        "delete" => (Act::Delete, "Deleted from the network."),
        _ => return Err(Error::NotFound),
    };
    let mut db = app.db.acquire().await?;
    tickets::load(&mut db, &agent, id).await?.ok_or(Error::NotFound)?;
    let target = acts::find(&mut db, id, message).await?.ok_or(Error::NotFound)?;
    let channel = rows::find(&mut db, target.channel).await?.ok_or(Error::NotFound)?;
    drop(db);
    let net = network(channel.kind).ok_or(Error::NotFound)?;
    let verbs = net.abilities(&channel).public;
    let able = match act {
        Act::Hide(_) => verbs.hide && target.direction == Direction::Inbound,
        Act::Like(_) => verbs.like && target.direction == Direction::Inbound,
        Act::Delete => verbs.delete || (verbs.delete_own && target.direction == Direction::Outbound),
    };
    if !able {
        return Err(Error::BadRequest("This network does not let us do that.".into()));
    }
    let way = Way { app: &app, channel: &channel, calls: Caller::of(&app) };
    let done = net.act(&way, &target.provider_id, act).await;
    let mut change = Change::begin(&app).await?;
    let flash = match done {
        Ok(()) => {
            acts::done(&mut change, agent.id, id, message, act).await?;
            Flash::new(words)
        }
        Err(fault) => refused(&mut change, &channel, &fault).await?,
    };
    change.commit().await?;
    Ok(flash.redirect(&came_from(&headers, &format!("/tickets/{id}"))))
}

/// What whoever pressed reads when the provider did not do it.
async fn refused(change: &mut Change, channel: &Channel, fault: &Fault) -> sqlx::Result<Flash> {
    if let Fault::SignIn(words) = fault {
        rows::lose_sign_in(change, channel.id, words).await?;
        change.touch_settings();
    }
    Ok(Flash::new(format!("Nothing was changed. {fault}")))
}
