//! The customer's telephone: rings the shop as a telephone exchange would tell it.

use std::sync::{LazyLock, Mutex};

use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{CALLER, guard, own_address, saying};
use crate::app::App;
use crate::clock::Ts;
use crate::desk::channels;
use crate::desk::kinds::ChannelKind;
use crate::http::{Error, Form, Result};

/// A call that is going on: its id, and who answered.
pub type Going = (String, Option<String>);

static CALL: LazyLock<Mutex<Option<Going>>> = LazyLock::new(Mutex::default);

/// The call that is going on.
pub fn going() -> Option<Going> {
    CALL.lock().map(|call| call.clone()).unwrap_or_default()
}

#[derive(Deserialize)]
pub struct Pressed {
    /// `ring`, `answer`, or `hang_up`.
    what: String,
    #[serde(default)]
    by: String,
}

/// The customer rings the shop, somebody there answers, one of them hangs up: the desk's webhook gets what a telephone exchange would send it.
pub async fn ring(State(app): State<App>, Form(pressed): Form<Pressed>) -> Result<Response> {
    guard(&app).await?;
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
    let request = reqwest::Client::new().post(hook).timeout(std::time::Duration::from_secs(10)).json(&event);
    saying::bring(ChannelKind::Phone, request).await;
    Ok(Redirect::to("/demo/simulator").into_response())
}
