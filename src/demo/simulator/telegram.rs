//! The Bot API of the simulator.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};

use super::{CUSTOMER, TELEGRAM_BOT, guard, stage};
use crate::app::App;
use crate::clock::Ts;
use crate::desk::kinds::ChannelKind;
use crate::http::{Path, Result};

/// The Bot API of the simulator.
pub async fn answer(
    State(app): State<App>,
    Path((bot_token, method)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response> {
    guard(&app).await?;
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
            let id = stage::theirs(ChannelKind::Telegram, asked["text"].as_str().unwrap_or_default(), false);
            json!({ "message_id": id, "chat": { "id": CUSTOMER }, "date": Ts::now().0.as_second() })
        }
        // To one of the customers that the demo invented, who reads no simulator.
        "sendMessage" => {
            json!({ "message_id": Ts::now().0.as_millisecond(), "chat": { "id": asked["chat_id"] }, "date": Ts::now().0.as_second() })
        }
        "sendPhoto" | "sendDocument" | "sendVideo" | "sendVoice" => {
            let id = stage::theirs(ChannelKind::Telegram, "📎 (a file)", false);
            json!({ "message_id": id, "chat": { "id": CUSTOMER }, "date": Ts::now().0.as_second() })
        }
        _ => json!(true),
    };
    Ok(Json(json!({ "ok": true, "result": result })).into_response())
}
