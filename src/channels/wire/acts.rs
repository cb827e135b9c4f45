//! The buttons under a public message. They wait for the provider, so that whoever presses them sees what it said.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use http::HeaderMap;

use crate::app::App;
use crate::channels::wire::calls::Caller;
use crate::channels::wire::{Way, network};
use crate::desk::agents::Agent;
use crate::desk::changes::Change;
use crate::desk::channels as rows;
use crate::desk::kinds::Direction;
use crate::desk::networks::Fault;
use crate::desk::networks::acts::{self, Act};
use crate::desk::tickets;
use crate::http::flash::Flash;
use crate::http::page::came_from;
use crate::http::{Error, Path, Result};
use crate::ids::{MessageId, TicketId};

/// The routes of these buttons.
pub fn router() -> Router<App> {
    Router::new().route("/tickets/{id}/messages/{message}/public/{act}", post(press))
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
        Err(fault) => {
            if let Fault::SignIn(words) = &fault {
                rows::lose_sign_in(&mut change, channel.id, words).await?;
                change.touch_settings();
            }
            Flash::new(format!("Nothing was changed. {fault}"))
        }
    };
    change.commit().await?;
    Ok(flash.redirect(&came_from(&headers, &format!("/tickets/{id}"))))
}
