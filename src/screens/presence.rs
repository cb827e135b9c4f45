//! Being there: the heartbeat of open screens, the switch in the rail, and what rings.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use http::HeaderMap;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::clock::Ts;
use crate::desk::agents::Agent;
use crate::desk::anger::ringing;
use crate::desk::changes::Change;
use crate::desk::chats::{self, Offer};
use crate::desk::kinds::{Role, Wish};
use crate::desk::presence;
use crate::desk::tickets::{list, sides};
use crate::http::flash::Flash;
use crate::http::page::{self, Shell};
use crate::http::{Error, Form, Query, Result};
use crate::ids::TicketId;

/// The routes of being there.
pub fn router() -> Router<App> {
    Router::new().route("/presence", post(set_wish)).route("/presence/beat", post(beat)).route("/presence/bar", get(show_bar))
}

/// What a screen learns from its heartbeat.
#[derive(Debug, Serialize)]
struct Beat {
    wish: Wish,
    sent_away: bool,
    offers: Vec<Ringing>,
    /// Tickets of angry customers that ring here.
    alarms: Vec<TicketId>,
    /// Answers of others that this agent may approve.
    approve: i64,
    /// Own answers that were decided about, and their author has not seen it; and what came beside own tickets, likewise.
    told: i64,
    /// Chats in one's hands whose visitor waits for a word.
    mine: i64,
}

/// A chat that rings.
#[derive(Debug, Serialize)]
struct Ringing {
    id: TicketId,
    name: String,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ends_at: Option<Ts>,
}

impl Ringing {
    fn new(offer: Offer) -> Self {
        let name = page::visitor_name(&offer.name, offer.ticket_id);
        Self { id: offer.ticket_id, name, text: offer.excerpt, ends_at: offer.ends_at }
    }
}

/// An open screen says every 20 seconds that somebody is there.
async fn beat(State(app): State<App>, agent: Agent) -> Result<Json<Beat>> {
    let mut change = Change::begin(&app).await?;
    let standing = presence::beat(&mut change, agent.id, Ts::now()).await?;
    let bar = chats::bar(&mut change, agent.id).await?;
    change.commit().await?;
    let counts = list::recent_counts(&app, agent.id).await?;
    let alarms = match counts.ringing {
        0 => Vec::new(),
        _ => ringing::alarms(&mut *app.db.acquire().await?, agent.id, agent.role).await?,
    };
    let approve = if agent.role >= Role::Lead { counts.approvals } else { 0 };
    let beside = if counts.beside { sides::unread_of(&mut *app.db.acquire().await?, agent.id).await?.len() } else { 0 };
    let offers = bar.offers.into_iter().map(Ringing::new).collect();
    Ok(Json(Beat {
        wish: standing.wish,
        sent_away: standing.sent_away,
        offers,
        alarms: alarms.into_iter().map(|alarm| alarm.ticket).collect(),
        approve,
        told: counts.untold + i64::try_from(beside).unwrap_or(i64::MAX),
        mine: bar.waiting,
    }))
}

#[derive(Debug, Deserialize)]
struct WishForm {
    wish: String,
}

async fn set_wish(State(app): State<App>, headers: HeaderMap, agent: Agent, Form(form): Form<WishForm>) -> Result<Response> {
    let wish: Wish = form.wish.parse().map_err(|_| Error::BadRequest("Choose online, busy or away.".into()))?;
    let mut change = Change::begin(&app).await?;
    presence::set_wish(&mut change, agent.id, wish, Ts::now()).await?;
    change.commit().await?;
    let words = match wish {
        Wish::Online => "You are online: chats ring here.",
        Wish::Busy => "You are busy: you keep your chats, and no new ones ring.",
        Wish::Away => "You are away: no chats ring here.",
    };
    Ok(Flash::new(words).redirect(&page::came_from(&headers, "/")))
}

/// The frame alone, for a screen that learnt that it changed.
#[derive(Template)]
#[template(path = "screens/bar.html")]
struct BarPage<'a> {
    shell: &'a Shell,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct BarQuery {
    /// The path of the page that asks.
    at: String,
}

async fn show_bar(Query(query): Query<BarQuery>, shell: Shell) -> Result<Response> {
    let shell = shell.at(&query.at);
    page::render(&BarPage { shell: &shell })
}
