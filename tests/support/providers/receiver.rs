//! A program of the shop that hears webhooks: records every request byte for byte and answers what the test tells it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::IntoResponse as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::Value;
use tokio::net::TcpListener;

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Heard {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Heard {
    /// A header as text.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}")).to_str().expect("text")
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// Fails unless the signature is that of the bytes that came, computed here anew.
    #[track_caller]
    pub fn is_signed_with(&self, secret: &str) {
        let timestamp = self.header("sportello-timestamp");
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).expect("any key");
        mac.update(timestamp.as_bytes());
        mac.update(b".");
        mac.update(&self.body);
        assert_eq!(self.header("sportello-signature"), format!("sha256={}", hex::encode(mac.finalize().into_bytes())));
        assert_eq!(self.header("content-type"), "application/json");
        let age = sportello::clock::Ts::now().0.as_second() - timestamp.parse::<i64>().expect("seconds");
        assert!((0..60).contains(&age), "the timestamp is that of the attempt");
    }
}

/// What the program answers to a request.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub body: String,
    pub headers: Vec<(&'static str, String)>,
    /// Only after so long.
    pub after: Duration,
}

impl Answer {
    /// An answer at once.
    pub fn new(status: u16, body: &str) -> Self {
        Self { status, body: body.to_owned(), headers: Vec::new(), after: Duration::ZERO }
    }
}

#[derive(Default)]
struct Inside {
    heard: Vec<Heard>,
    answers: VecDeque<Answer>,
}

/// The program, while it runs.
pub struct Receiver {
    pub url: String,
    inside: Arc<Mutex<Inside>>,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Receiver {
    /// Starts on a free port and answers `200 ok` to everything.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let inside = Arc::new(Mutex::new(Inside::default()));
        let router = Router::new().fallback(hear).with_state(inside.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.expect("served") });
        Self { url, inside, serving }
    }

    /// The next requests are answered with these, in their order; then `200 ok` again.
    pub fn answer(&self, answers: impl IntoIterator<Item = Answer>) {
        self.inside.lock().expect("nobody panicked").answers.extend(answers);
    }

    /// What came so far.
    pub fn heard(&self) -> Vec<Heard> {
        self.inside.lock().expect("nobody panicked").heard.clone()
    }
}

async fn hear(
    State(inside): State<Arc<Mutex<Inside>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> axum::response::Response {
    let answer = {
        let mut inside = inside.lock().expect("nobody panicked");
        inside.heard.push(Heard { method, uri, headers, body });
        inside.answers.pop_front().unwrap_or_else(|| Answer::new(200, "ok"))
    };
    tokio::time::sleep(answer.after).await;
    let mut response = (StatusCode::from_u16(answer.status).expect("a status"), answer.body).into_response();
    for (name, value) in answer.headers {
        response.headers_mut().insert(name, value.parse().expect("a header"));
    }
    response
}
