//! A Bot API: records every call, answers as the real one does unless the test has put another answer first.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use axum::{Json, Router};
use http::{HeaderMap, StatusCode, Uri};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A call as it came.
#[derive(Debug, Clone)]
pub struct Call {
    /// Without the token: `sendMessage`.
    pub method: String,
    pub token: String,
    pub content_type: String,
    pub body: Bytes,
}

impl Call {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

/// What is answered to one call of a method.
#[derive(Debug, Clone)]
pub enum Faked {
    Json(u16, Value),
    Raw(u16, &'static str),
}

#[derive(Default)]
struct Inner {
    calls: Vec<Call>,
    answers: VecDeque<(String, Faked)>,
    next_id: i64,
}

/// The server.
#[derive(Clone, Default)]
pub struct TelegramServer {
    inner: Arc<Mutex<Inner>>,
    pub url: String,
}

impl TelegramServer {
    /// Serves on a free port.
    pub async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let server = Self { url, ..Self::default() };
        server.inner.lock().expect("nobody panicked").next_id = 60;
        let app = Router::new().fallback(any(answer)).with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        server
    }

    /// The next call of this method is answered so.
    pub fn answer_next(&self, method: &str, faked: Faked) {
        self.inner.lock().expect("nobody panicked").answers.push_back((method.to_owned(), faked));
    }

    /// The calls of a method so far.
    pub fn calls(&self, method: &str) -> Vec<Call> {
        self.inner.lock().expect("nobody panicked").calls.iter().filter(|call| call.method == method).cloned().collect()
    }
}

async fn answer(State(server): State<TelegramServer>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    if let Some(path) = uri.path().strip_prefix("/file/bot") {
        return if path.ends_with("photo.png") { PIXEL.into_response() } else { StatusCode::NOT_FOUND.into_response() };
    }
    let (token, method) = uri.path().strip_prefix("/bot").and_then(|rest| rest.split_once('/')).expect("a call of a bot");
    let call = Call {
        method: method.to_owned(),
        token: token.to_owned(),
        content_type: headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned(),
        body,
    };
    let (faked, id) = {
        let mut inner = server.inner.lock().expect("nobody panicked");
        inner.calls.push(call);
        inner.next_id += 1;
        let at = inner.answers.iter().position(|(other, _)| other == method);
        (at.and_then(|at| inner.answers.remove(at)).map(|(_, faked)| faked), inner.next_id)
    };
    let ok = |result: Value| Json(json!({ "ok": true, "result": result })).into_response();
    match faked {
        Some(Faked::Json(status, body)) => (StatusCode::from_u16(status).expect("a status"), Json(body)).into_response(),
        Some(Faked::Raw(status, body)) => (StatusCode::from_u16(status).expect("a status"), body).into_response(),
        None => match method {
            "getMe" => ok(json!({ "id": 123_456_789, "is_bot": true, "first_name": "Bar Sport", "username": "barsport_bot" })),
            "setWebhook" => ok(json!(true)),
            "getWebhookInfo" => ok(json!({ "url": "https://help.example.com/hooks/telegram/1", "pending_update_count": 0 })),
            "getFile" => ok(json!({ "file_id": "AgACx", "file_path": "photos/photo.png" })),
            "sendChatAction" => ok(json!(true)),
            _ => ok(json!({ "message_id": id, "chat": { "id": 987_654_321 }, "date": 1_791_004_100 })),
        },
    }
}

/// A picture of one pixel.
pub const PIXEL: &[u8] = &[
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d, 0x49, 0x48, 0x44, 0x52, 0, 0, 0, 1, 0, 0, 0, 1, 8, 6, 0, 0, 0, 0x1f,
    0x15, 0xc4, 0x89, 0, 0, 0, 0x0d, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0xf8, 0xcf, 0xc0, 0xf0, 0x1f, 0, 5, 0, 1, 0xff, 0x56, 0xc7,
    0x2f, 0x0d, 0, 0, 0, 0, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
];
