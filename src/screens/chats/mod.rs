//! Live chat as agents work it: what rings, who waits, and several conversations side by side.

mod floor;
mod hands;
mod pane;
mod say;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use sqlx::PgConnection;

use crate::app::App;
use crate::clock::Ts;
use crate::desk::agents::Agent;
use crate::desk::changes::Change;
use crate::desk::chats::{self, Card, Chat, Waiting};
use crate::desk::kinds::{ChatState, Wish};
use crate::desk::presence::{self, OnDuty};
use crate::desk::tickets::{self, Ticket};
use crate::http::page::{self, Shell, avatar_colour, visitor_name};
use crate::http::{Error, Query, Result};
use crate::ids::{AgentId, TicketId};
use crate::screens::chats::pane::{Mark, Pane, Said};
use crate::text::names;

/// Conversations side by side on the widest screens.
const SIDE_BY_SIDE: usize = 3;
/// Chats in the list of those that nobody holds.
const QUEUE: i64 = 100;
/// Seconds after which a page counts as a sign of its reader again: as often as a script's own.
const BEAT: i64 = 15;

/// The routes of live chat.
pub fn router() -> Router<App> {
    Router::new()
        .route("/chats", get(show))
        .route("/chats/floor", get(floor::show))
        .route("/chats/{id}/accept", post(hands::accept))
        .route("/chats/{id}/decline", post(hands::decline))
        .route("/chats/{id}/who", get(hands::who))
        .route("/chats/{id}/say", post(say::say))
        .route("/chats/{id}/whisper", post(say::whisper))
        .route("/chats/{id}/seen", post(say::seen))
        .route("/chats/{id}/transfer", post(hands::transfer))
        .route("/chats/{id}/invite", post(hands::invite))
        .route("/chats/{id}/step-in", post(hands::step_in))
        .route("/chats/{id}/mail", post(hands::by_mail))
        .route("/chats/{id}/end", post(hands::end))
        .route("/chats/{id}/block", post(hands::block))
        .layer(axum::extract::DefaultBodyLimit::max(64 * 1024 * 1024))
}

/// What was refused, with what was typed.
#[derive(Debug, Clone, Default)]
pub struct Trouble {
    pub ticket: Option<TicketId>,
    /// `say`, `transfer` or `invite`.
    pub form: &'static str,
    pub words: String,
    /// Whom was chosen; for words `note` where they are a note.
    pub to: String,
    pub text: String,
    pub choices: Vec<String>,
}

#[derive(Template)]
#[template(path = "screens/chats/show.html")]
struct ChatsPage<'a> {
    shell: &'a Shell,
    cards: Vec<CardView>,
    queue: Vec<QueueRow>,
    panes: Vec<Part>,
    /// Who is there, to give chats to or to ask in.
    floor: Vec<OnDuty>,
    /// Whether the address names a chat: on a phone it fills the screen.
    chosen: bool,
}

/// A conversation beside others.
enum Part {
    Read(Box<Pane>),
    /// The reader's screen has it as it is: nothing of it is said again.
    Same {
        id: TicketId,
        started_at: Ts,
    },
}

impl Part {
    fn id(&self) -> TicketId {
        match self {
            Self::Read(pane) => pane.id(),
            Self::Same { id, .. } => *id,
        }
    }

    fn started_at(&self) -> Ts {
        match self {
            Self::Read(pane) => pane.chat.started_at,
            Self::Same { started_at, .. } => *started_at,
        }
    }
}

/// A chat in one's hands, as the list shows it.
struct CardView {
    card: Card,
    name: String,
    href: String,
    open: bool,
    /// Who holds it, where one was only asked in.
    holder: Option<String>,
}

impl CardView {
    fn initials(&self) -> String {
        names::initials(&self.name)
    }

    fn colour(&self) -> u32 {
        avatar_colour(&self.name)
    }
}

/// A chat that nobody holds.
struct QueueRow {
    row: Waiting,
    name: String,
    href: String,
}

impl QueueRow {
    /// How it stands, in a word.
    fn state(&self) -> &'static str {
        match self.row.state {
            ChatState::Ringing => "rings at others",
            ChatState::Queued => "waits for free hands",
            _ => "not taken",
        }
    }
}

impl ChatsPage<'_> {
    fn classes(&self) -> &'static str {
        match (self.panes.is_empty(), self.chosen) {
            (true, _) => "screen screen--chats",
            (false, false) => "screen screen--chats screen--chats-list",
            (false, true) => "screen screen--chats screen--chats-open",
        }
    }

    fn quiet(&self) -> bool {
        self.shell.offers().is_empty() && self.queue.is_empty() && self.cards.is_empty()
    }

    /// Without a script the page asks again by itself, as long as nothing could be lost by that.
    fn reloads(&self) -> bool {
        self.panes.is_empty()
    }

    fn wish(&self) -> Wish {
        self.shell.bar.as_ref().map_or(Wish::Online, |bar| bar.wish)
    }

    fn takes_chats(&self) -> bool {
        self.shell.bar.as_ref().is_some_and(|bar| bar.takes_chats)
    }

    fn tickets(&self) -> String {
        self.panes.iter().map(|part| part.id().to_string()).collect::<Vec<_>>().join(" ")
    }
}

/// Which conversations stand open, the wanted ones first.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ShowQuery {
    open: String,
}

impl ShowQuery {
    fn ids(&self) -> Vec<TicketId> {
        few(&self.open)
    }
}

/// As many tickets as stand side by side, out of a list with commas.
fn few(list: &str) -> Vec<TicketId> {
    let mut ids: Vec<TicketId> = Vec::new();
    for id in list.split(',').filter_map(|id| id.trim().parse().ok()) {
        if !ids.contains(&id) && ids.len() < SIDE_BY_SIDE {
            ids.push(id);
        }
    }
    ids
}

/// The chats with which nothing has happened since the asking screen read them: `static/js/alive.js` says so, having heard of all others.
fn unchanged(headers: &HeaderMap) -> Vec<TicketId> {
    headers.get("x-same").and_then(|value| value.to_str().ok()).map(few).unwrap_or_default()
}

async fn show(State(app): State<App>, Query(query): Query<ShowQuery>, headers: HeaderMap, mut shell: Shell) -> Result<Response> {
    let heard = shell.bar.as_ref().and_then(|bar| bar.seen_at);
    // Without a script this page is the heartbeat too. With one it is read at every word, and nothing need be written for that.
    if heard.is_none_or(|at| Ts::now().seconds_since(at) >= BEAT) {
        let mut change = Change::begin(&app).await?;
        presence::beat(&mut change, shell.agent.id, Ts::now()).await?;
        change.commit().await?;
        if shell.bar.is_some() {
            // What the beat may have brought.
            shell.bar = Some(chats::bar(&mut *app.db.acquire().await?, shell.agent.id).await?);
        }
    }
    let mut db = app.db.acquire().await?;
    let page = load(&app, &mut db, &shell, &query.ids(), &unchanged(&headers), None).await?;
    shell.render(&page)
}

async fn load<'a>(
    app: &App,
    db: &mut PgConnection,
    shell: &'a Shell,
    wanted: &[TicketId],
    same: &[TicketId],
    trouble: Option<Trouble>,
) -> Result<ChatsPage<'a>> {
    let cards = chats::cards(db, shell.agent.id).await?;
    // Whoever is chosen, then one's own, the newest first.
    let mut open = wanted.to_vec();
    open.extend(cards.iter().rev().map(|card| card.ticket_id).filter(|id| !wanted.contains(id)));
    let mut panes = Vec::new();
    for id in open {
        if panes.len() == SIDE_BY_SIDE {
            break;
        }
        // Of other people's chats nobody is told: those are read in any case.
        if let Some(card) = cards.iter().find(|card| card.ticket_id == id && same.contains(&id)) {
            panes.push(Part::Same { id, started_at: card.started_at });
        } else if let Some(mut pane) = Pane::load(app, db, shell, id).await? {
            pane.rank = panes.len() + 1;
            pane.trouble = trouble.clone().filter(|trouble| trouble.ticket == Some(id));
            panes.push(Part::Read(Box::new(pane)));
        }
    }
    let ranked: Vec<TicketId> = panes.iter().map(Part::id).collect();
    // Where one stands on the screen does not change with which one was chosen last.
    panes.sort_by_key(|part| (part.started_at(), part.id()));
    let href = |id: TicketId| {
        let rest = ranked.iter().filter(|other| **other != id).map(|other| format!(",{other}"));
        format!("/chats?open={id}{}", rest.take(SIDE_BY_SIDE - 1).collect::<String>())
    };
    let card = |card: Card| CardView {
        name: visitor_name(&card.name, card.ticket_id),
        href: href(card.ticket_id),
        open: ranked.contains(&card.ticket_id),
        holder: card.agent_id.filter(|holder| *holder != shell.agent.id).map(|holder| shell.directory.agent(holder).to_owned()),
        card,
    };
    let rings: Vec<TicketId> = shell.offers().iter().map(|offer| offer.ticket_id).collect();
    let queue = chats::free(db, QUEUE).await?.into_iter().filter(|row| !rings.contains(&row.ticket_id));
    let queue = queue.map(|row| QueueRow { name: visitor_name(&row.name, row.ticket_id), href: href(row.ticket_id), row }).collect();
    let cards = cards.into_iter().map(card).collect();
    let floor = presence::floor(db, Ts::now()).await?;
    Ok(ChatsPage { shell, cards, queue, panes, floor, chosen: !wanted.is_empty() })
}

/// The page again, with what was refused and everything that was typed.
async fn show_again(app: &App, shell: &Shell, headers: &HeaderMap, trouble: Trouble) -> Result<Response> {
    let mut wanted = open_before(headers);
    if let Some(id) = trouble.ticket {
        wanted.retain(|other| *other != id);
        wanted.insert(0, id);
    }
    let mut db = app.db.acquire().await?;
    let page = load(app, &mut db, shell, &wanted, &[], Some(trouble)).await?;
    shell.render_as(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

/// The chats that stood open on the page that a form was on.
fn open_before(headers: &HeaderMap) -> Vec<TicketId> {
    let from = page::came_from(headers, "");
    let Some(query) = from.strip_prefix("/chats?") else { return Vec::new() };
    let open = url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "open").map(|(_, value)| value.into_owned());
    ShowQuery { open: open.unwrap_or_default() }.ids()
}

/// The chats with this one in front.
fn with_open(headers: &HeaderMap, id: TicketId) -> String {
    let rest = open_before(headers).into_iter().filter(|other| *other != id).map(|other| format!(",{other}"));
    format!("/chats?open={id}{}", rest.take(SIDE_BY_SIDE - 1).collect::<String>())
}

/// The page that a form was on, without a chat that is done with.
fn without(headers: &HeaderMap, id: TicketId) -> String {
    let from = page::came_from(headers, "/chats");
    if !from.starts_with("/chats?") {
        return from;
    }
    let rest: Vec<String> = open_before(headers).into_iter().filter(|other| *other != id).map(|other| other.to_string()).collect();
    if rest.is_empty() { "/chats".to_owned() } else { format!("/chats?open={}", rest.join(",")) }
}

/// The chat, if the agent may see it; for handlers that change it.
async fn permitted(db: &mut PgConnection, agent: &Agent, id: TicketId) -> Result<(Ticket, Chat)> {
    let ticket = tickets::load(db, agent, id).await?.ok_or(Error::NotFound)?;
    let chat = chats::find(db, id).await?.ok_or(Error::NotFound)?;
    Ok((ticket, chat))
}

/// First names, for words about colleagues.
fn first_name(shell: &Shell, id: AgentId) -> String {
    let name = shell.directory.agent(id);
    name.split_whitespace().next().unwrap_or(name).to_owned()
}
