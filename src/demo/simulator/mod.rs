//! Plays the customer on every network, in a desk that holds the demo: what is written here goes to the desk's own webhooks as the providers
//! would send it, and what an agent answers arrives by the calls that the providers would get.

pub mod providers;
pub mod ringing;
pub mod saying;
pub mod stage;
mod telegram;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{any, get, post};
use http::{HeaderValue, header};
use serde::Deserialize;

use crate::app::App;
use crate::desk::channels::{self, Channel};
use crate::desk::directory;
use crate::desk::import;
use crate::desk::kinds::ChannelKind;
use crate::http::{Error, Form, Query, Result};
use crate::jobs::{self, Job};
use stage::Seen;

/// The number of the demo's bot.
pub const TELEGRAM_BOT: &str = "111222333";
/// Who one is in the simulator, on every network.
pub const CUSTOMER: i64 = 100_200_399;
/// Their number on WhatsApp and for text messages.
pub const NUMBER: &str = "+393335550177";
/// Whose telephone rings the shop: one of the demo's people has it.
pub const CALLER: &str = "+393335550142";
/// The longest that a customer writes here, in characters.
const LONGEST: usize = 4096;

/// The networks, in the order of their tabs.
const NETWORKS: [ChannelKind; 7] = [
    ChannelKind::Telegram,
    ChannelKind::Whatsapp,
    ChannelKind::Facebook,
    ChannelKind::Instagram,
    ChannelKind::X,
    ChannelKind::Sms,
    ChannelKind::Google,
];

/// The routes of the simulator.
pub fn router() -> Router<App> {
    Router::new()
        .route("/demo/simulator", get(page).post(write))
        .route("/demo/simulator/screen", get(screen))
        .route("/demo/simulator/ring", post(ringing::ring))
        .route("/demo/providers/telegram/{bot}/{method}", any(telegram::answer))
        .route("/demo/providers/{kind}/{*path}", any(providers::answer))
        .merge(super::reviews::router())
}

/// How this process reaches itself.
pub fn own_address(app: &App) -> String {
    let listen = app.config.web.listen;
    let host = if listen.ip().is_unspecified() { "127.0.0.1".to_owned() } else { listen.ip().to_string() };
    format!("http://{host}:{}", listen.port())
}

/// Only a desk that holds the demo has a simulator.
async fn guard(app: &App) -> Result<()> {
    let mut db = app.db.acquire().await?;
    if import::is_demo(&mut db).await? { Ok(()) } else { Err(Error::NotFound) }
}

/// The demo's channel of a network.
async fn channel_of(app: &App, kind: ChannelKind) -> Result<Channel> {
    guard(app).await?;
    let base = format!("{}/demo/providers/", own_address(app));
    let mut db = app.db.acquire().await?;
    let all = channels::list(&mut db).await?;
    let ours = |channel: &Channel| channel.kind == kind && channel.settings["base"].as_str().is_some_and(|own| own.starts_with(&base));
    all.into_iter().find(ours).ok_or(Error::NotFound)
}

#[derive(Template)]
#[template(path = "demo/simulator.html")]
struct SimulatorPage {
    on: ChannelKind,
    channel: String,
    ways: &'static [(&'static str, &'static str)],
    sheet: String,
    /// The shop's telephone channel.
    phone: Option<String>,
    calling: bool,
    answered: Option<String>,
    people: Vec<String>,
}

#[derive(Template)]
#[template(path = "demo/screen.html")]
struct ScreenPage {
    seen: Vec<Seen>,
    sheet: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Which {
    on: String,
}

impl Which {
    fn kind(&self) -> ChannelKind {
        NETWORKS.into_iter().find(|kind| kind.as_str() == self.on).unwrap_or(ChannelKind::Telegram)
    }
}

fn sheet() -> String {
    crate::http::assets::asset("demo/simulator.css")
}

async fn page(State(app): State<App>, Query(which): Query<Which>) -> Result<Response> {
    let on = which.kind();
    let channel = channel_of(&app, on).await?.name;
    let mut db = app.db.acquire().await?;
    let phone = channels::first_plain(&mut db, ChannelKind::Phone).await?.map(|channel| channel.name);
    drop(db);
    let call = ringing::going();
    let people = directory::get(&app).await?.agents.iter().filter(|agent| agent.active).map(|agent| agent.name.clone()).collect();
    let ways = saying::ways(on);
    framed(&SimulatorPage {
        on,
        channel,
        ways,
        sheet: sheet(),
        phone,
        calling: call.is_some(),
        answered: call.and_then(|(_, by)| by),
        people,
    })
}

async fn screen(State(app): State<App>, Query(which): Query<Which>) -> Result<Response> {
    guard(&app).await?;
    framed(&ScreenPage { seen: stage::screen(which.kind()), sheet: sheet() })
}

/// The screen stands in a frame of the page, so that it can come back by itself while somebody types below it.
fn framed(page: &impl Template) -> Result<Response> {
    let mut response = crate::http::render(page)?;
    let policy = "default-src 'none'; style-src 'self'; img-src 'self' data:; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'";
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    Ok(response)
}

#[derive(Deserialize)]
struct Written {
    on: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    way: String,
    #[serde(default)]
    stars: String,
}

/// The customer writes: the desk's webhook gets what the provider would send it.
async fn write(State(app): State<App>, Form(written): Form<Written>) -> Result<Response> {
    let kind = Which { on: written.on }.kind();
    let channel = channel_of(&app, kind).await?;
    let back = Redirect::to(&format!("/demo/simulator?on={kind}")).into_response();
    let text = written.text.trim().to_owned();
    if text.is_empty() || text.chars().count() > LONGEST {
        return Ok(back);
    }
    let way = match &*written.way {
        "comment" => saying::Way::Comment,
        "review" => saying::Way::Review(written.stars.parse().unwrap_or(5)),
        _ if kind == ChannelKind::Google => saying::Way::Review(written.stars.parse().unwrap_or(5)),
        _ => saying::Way::Message,
    };
    let stars = match way {
        saying::Way::Review(stars) => Some(stars.clamp(1, 5)),
        saying::Way::Message | saying::Way::Comment => None,
    };
    let id = stage::mine(kind, &text, way != saying::Way::Message, stars);
    match saying::webhook(&app, &channel, way, &text, id) {
        Some(request) => saying::bring(kind, request).await,
        // It has to be asked for; it is asked for at once.
        None => {
            let mut db = app.db.acquire().await?;
            let job = Job::PollMailbox { channel: channel.id };
            jobs::ensure(&mut db, &job).await?;
            jobs::hasten(&mut db, &job).await?;
        }
    }
    Ok(back)
}
