//! Plays the customer on a network, in a desk that holds the demo: what is written here goes to the desk's own webhook as the provider would
//! send it, and what an agent answers arrives by the calls that the provider would get.

use std::sync::{LazyLock, Mutex};

use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::clock::Ts;
use crate::desk::channels::{self, Channel};
use crate::desk::directory;
use crate::desk::import;
use crate::desk::kinds::ChannelKind;
use crate::http::{Error, Form, Path, Result};

/// The number of the demo's bot.
pub const TELEGRAM_BOT: &str = "111222333";
/// Who one is in the simulator, on every network.
const CUSTOMER: i64 = 100_200_399;
/// Whose telephone rings the shop.
pub const CALLER: &str = "+393335550142";
/// What a screen remembers.
const KEPT: usize = 60;

/// What stands on the customer's screen.
#[derive(Debug, Clone)]
struct Seen {
    mine: bool,
    text: String,
    at: Ts,
    id: i64,
}

/// A call that is going on: its id, and who answered.
type Going = (String, Option<String>);

static CALL: LazyLock<Mutex<Option<Going>>> = LazyLock::new(Mutex::default);

static SCREEN: LazyLock<Mutex<Vec<Seen>>> = LazyLock::new(Mutex::default);

fn show(mine: bool, text: String) -> i64 {
    let Ok(mut screen) = SCREEN.lock() else { return 0 };
    // After a restart the numbers go on where no earlier one was.
    let id = screen.last().map_or_else(|| Ts::now().0.as_second(), |last| last.id + 1);
    screen.push(Seen { mine, text, at: Ts::now(), id });
    let surplus = screen.len().saturating_sub(KEPT);
    screen.drain(..surplus);
    id
}

/// The routes of the simulator.
pub fn router() -> Router<App> {
    Router::new()
        .route("/demo/simulator", get(page).post(write))
        .route("/demo/simulator/screen", get(screen))
        .route("/demo/simulator/ring", post(ring))
        .route("/demo/providers/telegram/{bot}/{method}", any(telegram))
        .route("/demo/providers/x/{*path}", any(super::public::provider))
        .route("/demo/providers/google/{*path}", any(super::public::provider))
        .merge(super::reviews::router())
}

/// How this process reaches itself.
pub fn own_address(app: &App) -> String {
    let listen = app.config.web.listen;
    let host = if listen.ip().is_unspecified() { "127.0.0.1".to_owned() } else { listen.ip().to_string() };
    format!("http://{host}:{}", listen.port())
}

async fn bot(app: &App) -> Result<Channel> {
    let mut db = app.db.acquire().await?;
    if !import::is_demo(&mut db).await? {
        return Err(Error::NotFound);
    }
    channels::find_by_address(&mut db, ChannelKind::Telegram, TELEGRAM_BOT).await?.ok_or(Error::NotFound)
}

#[derive(Template)]
#[template(path = "demo/simulator.html")]
struct SimulatorPage {
    channel: String,
    sheet: String,
    /// The shop's telephone, if it has one.
    phone: Option<String>,
    /// Whether it rings, or somebody talks.
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

fn sheet() -> String {
    crate::http::assets::asset("demo/simulator.css")
}

async fn page(State(app): State<App>) -> Result<Response> {
    let channel = bot(&app).await?.name;
    let mut db = app.db.acquire().await?;
    let phone = channels::first_plain(&mut db, ChannelKind::Phone).await?.map(|channel| channel.name);
    drop(db);
    let call = CALL.lock().map(|call| call.clone()).unwrap_or_default();
    let people = directory::get(&app).await?.agents.iter().filter(|agent| agent.active).map(|agent| agent.name.clone()).collect();
    framed(&SimulatorPage { channel, sheet: sheet(), phone, calling: call.is_some(), answered: call.and_then(|(_, by)| by), people })
}

#[derive(Deserialize)]
struct Pressed {
    /// `ring`, `answer`, or `hang_up`.
    what: String,
    #[serde(default)]
    by: String,
}

/// The customer rings the shop, somebody there answers, one of them hangs up: the desk's webhook gets what a telephone exchange would send it.
async fn ring(State(app): State<App>, Form(pressed): Form<Pressed>) -> Result<Response> {
    bot(&app).await?;
    let mut db = app.db.acquire().await?;
    let channel = channels::first_plain(&mut db, ChannelKind::Phone).await?.ok_or(Error::NotFound)?;
    drop(db);
    let secrets: Map<String, Value> = channel.secrets(&app.keys);
    let token = secrets.get("token").and_then(Value::as_str).unwrap_or_default();
    let hook = format!("{}/hooks/phone/{}/{token}", own_address(&app), channel.id);
    let event = {
        let Ok(mut call) = CALL.lock() else { return Ok(Redirect::to("/demo/simulator").into_response()) };
        let mut event = json!({ "from": CALLER.trim_start_matches('+'), "to": "390736123456", "direction": "in" });
        match (&*pressed.what, call.clone()) {
            ("ring", None) => {
                let id = format!("simulator-{}", Ts::now().0.as_millisecond());
                event["event"] = "newCall".into();
                event["callId"] = id.clone().into();
                *call = Some((id, None));
            }
            ("answer", Some((id, None))) => {
                event["event"] = "answer".into();
                event["callId"] = id.clone().into();
                event["user"] = pressed.by.clone().into();
                *call = Some((id, Some(pressed.by)));
            }
            ("hang_up", Some((id, by))) => {
                event["event"] = "hangup".into();
                event["cause"] = if by.is_some() { "normalClearing" } else { "cancel" }.into();
                event["callId"] = id.into();
                *call = None;
            }
            _ => return Ok(Redirect::to("/demo/simulator").into_response()),
        }
        event
    };
    let sent = reqwest::Client::new().post(hook).timeout(std::time::Duration::from_secs(10)).json(&event).send().await;
    if let Err(error) = sent {
        show(false, format!("(The desk’s webhook could not be reached: {})", error.without_url()));
    }
    Ok(Redirect::to("/demo/simulator").into_response())
}

async fn screen(State(app): State<App>) -> Result<Response> {
    bot(&app).await?;
    let seen = SCREEN.lock().map(|screen| screen.clone()).unwrap_or_default();
    framed(&ScreenPage { seen, sheet: sheet() })
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
    #[serde(default)]
    text: String,
}

/// The customer writes: the desk's webhook gets what Telegram would send it.
async fn write(State(app): State<App>, Form(written): Form<Written>) -> Result<Response> {
    let channel = bot(&app).await?;
    let text = written.text.trim().to_owned();
    if text.is_empty() || text.chars().count() > 4096 {
        return Ok(Redirect::to("/demo/simulator").into_response());
    }
    let id = show(true, text.clone());
    let from = json!({ "id": CUSTOMER, "is_bot": false, "first_name": "Noa", "last_name": "Simulator", "username": "noa_sim", "language_code": "en" });
    let message = json!({ "message_id": id, "from": from, "chat": { "id": CUSTOMER, "type": "private", "first_name": "Noa" },
        "date": Ts::now().0.as_second(), "text": text });
    let secrets: Map<String, Value> = channel.secrets(&app.keys);
    let hook = format!("{}/hooks/telegram/{}", own_address(&app), channel.id);
    let sent = reqwest::Client::new()
        .post(hook)
        .timeout(std::time::Duration::from_secs(10))
        .header("X-Telegram-Bot-Api-Secret-Token", secrets.get("hook_token").and_then(Value::as_str).unwrap_or_default())
        .json(&json!({ "update_id": id, "message": message }))
        .send()
        .await;
    match sent.map(|response| response.status()) {
        Ok(status) if status.is_success() => {}
        Ok(status) => drop(show(false, format!("(The desk answered {status} to the webhook.)"))),
        Err(error) => drop(show(false, format!("(The desk’s webhook could not be reached: {})", error.without_url()))),
    }
    Ok(Redirect::to("/demo/simulator").into_response())
}

/// The Bot API of the simulator.
async fn telegram(
    State(app): State<App>,
    Path((bot_token, method)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response> {
    bot(&app).await?;
    if bot_token != format!("bot{TELEGRAM_BOT}:demo") {
        let answer = json!({ "ok": false, "error_code": 401, "description": "Unauthorized" });
        return Ok((StatusCode::UNAUTHORIZED, Json(answer)).into_response());
    }
    let is_json = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    let asked: Value = if is_json { serde_json::from_slice(&body).unwrap_or_default() } else { Value::Null };
    let result = match &*method {
        "getMe" => json!({ "id": 111_222_333, "is_bot": true, "first_name": "Bottega Ginestra", "username": "bottegaginestra_bot" }),
        "getWebhookInfo" => json!({ "url": "", "pending_update_count": 0 }),
        "sendMessage" if asked["chat_id"].as_i64() == Some(CUSTOMER) => {
            let id = show(false, asked["text"].as_str().unwrap_or_default().to_owned());
            json!({ "message_id": id, "chat": { "id": CUSTOMER }, "date": Ts::now().0.as_second() })
        }
        // To one of the customers that the demo invented, who reads no simulator.
        "sendMessage" => {
            json!({ "message_id": Ts::now().0.as_millisecond(), "chat": { "id": asked["chat_id"] }, "date": Ts::now().0.as_second() })
        }
        "sendPhoto" | "sendDocument" | "sendVideo" | "sendVoice" => {
            let id = show(false, "📎 (a file)".to_owned());
            json!({ "message_id": id, "chat": { "id": CUSTOMER }, "date": Ts::now().0.as_second() })
        }
        _ => json!(true),
    };
    Ok(Json(json!({ "ok": true, "result": result })).into_response())
}
