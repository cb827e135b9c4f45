//! A Graph API on a free port: it records every request byte for byte and answers what a test tells it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A request as it came in.
#[derive(Debug, Clone)]
pub struct Call {
    pub method: Method,
    /// Without the version.
    pub path: String,
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Call {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A field of a form.
    pub fn field(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(&self.body).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// A parameter of the address.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| &**value)
    }

    /// A header's text.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body as text, bytes that are none replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// What is answered.
#[derive(Debug, Clone)]
pub struct Say {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    /// It is taken, and the answer breaks off.
    broken: bool,
}

impl Say {
    pub fn json(status: u16, body: Value) -> Self {
        Self { status, headers: vec![("content-type", "application/json".to_owned())], body: body.to_string().into_bytes(), broken: false }
    }

    pub fn bytes(media_type: &str, body: &[u8]) -> Self {
        Self { status: 200, headers: vec![("content-type", media_type.to_owned())], body: body.to_vec(), broken: false }
    }

    /// An error of the Graph API.
    pub fn error(status: u16, code: i64, subcode: i64, message: &str) -> Self {
        let error = json!({ "message": message, "type": "OAuthException", "code": code, "error_subcode": subcode, "fbtrace_id": "A1" });
        Self::json(status, json!({ "error": error }))
    }

    /// The same with another status.
    pub fn status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    pub fn broken() -> Self {
        Self { broken: true, ..Self::json(200, json!({})) }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

struct Rule {
    method: Method,
    path: String,
    say: Say,
    once: bool,
}

#[derive(Default)]
struct Books {
    calls: Vec<Call>,
    rules: Vec<Rule>,
    sent: u32,
}

/// The server.
#[derive(Clone)]
pub struct GraphServer {
    pub url: String,
    books: Arc<Mutex<Books>>,
}

impl GraphServer {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address: SocketAddr = listener.local_addr().expect("an address");
        let books = Arc::new(Mutex::new(Books::default()));
        let router = Router::new().fallback(answer).with_state(books.clone()).layer(axum::extract::DefaultBodyLimit::disable());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url: format!("http://{address}"), books }
    }

    /// From now on, answers this there.
    pub fn on(&self, method: Method, path: &str, say: Say) {
        self.rule(method, path, say, false);
    }

    /// Answers this there, the next time.
    pub fn once(&self, method: Method, path: &str, say: Say) {
        self.rule(method, path, say, true);
    }

    fn rule(&self, method: Method, path: &str, say: Say, once: bool) {
        self.books.lock().expect("nobody panicked").rules.push(Rule { method, path: path.to_owned(), say, once });
    }

    /// Everything that was asked, oldest first.
    pub fn calls(&self) -> Vec<Call> {
        self.books.lock().expect("nobody panicked").calls.clone()
    }

    /// What was asked at one place.
    pub fn calls_to(&self, method: Method, path: &str) -> Vec<Call> {
        self.calls().into_iter().filter(|call| call.method == method && call.path == path).collect()
    }

    /// The bodies of what was sent to `me/messages`.
    pub fn sent(&self) -> Vec<Value> {
        self.calls_to(Method::POST, "/me/messages").iter().map(Call::json).collect()
    }
}

async fn answer(State(books): State<Arc<Mutex<Books>>>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let path = uri.path();
    // `/v25.0/me` is `/me`.
    let path = match path.strip_prefix("/v").and_then(|rest| rest.split_once('/')) {
        Some((version, rest)) if version.starts_with(|c: char| c.is_ascii_digit()) => format!("/{rest}"),
        _ => path.to_owned(),
    };
    let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let call = Call { method: method.clone(), path: path.clone(), query, headers, body };
    let mut books = books.lock().expect("nobody panicked");
    let say = match books.rules.iter().position(|rule| rule.method == method && rule.path == path) {
        Some(at) if books.rules[at].once => books.rules.remove(at).say,
        Some(at) => books.rules[at].say.clone(),
        None => books.usual(&call),
    };
    books.calls.push(call);
    drop(books);
    let mut response = Response::builder().status(StatusCode::from_u16(say.status).expect("a status"));
    for (name, value) in say.headers {
        response = response.header(name, value);
    }
    let body = if say.broken {
        let pieces = [Ok(Bytes::from_static(b"{\"rec")), Err(std::io::Error::other("the line is cut"))];
        Body::from_stream(futures_util::stream::iter(pieces))
    } else {
        Body::from(say.body)
    };
    response.body(body).expect("a response")
}

impl Books {
    /// What Meta answers when all is well.
    fn usual(&mut self, call: &Call) -> Say {
        let tail = call.path.rsplit('/').next().unwrap_or_default();
        if call.method == Method::GET {
            return Say::error(400, 100, 33, "Unsupported get request. Object does not exist");
        }
        self.sent += 1;
        let number = self.sent;
        Say::json(
            200,
            match tail {
                "messages" => {
                    let recipient = call.json()["recipient"].clone();
                    // Whoever commented is told by the id under which they write privately.
                    let to = if recipient.get("comment_id").is_some() { json!("7412589630147852") } else { recipient["id"].clone() };
                    json!({ "recipient_id": to, "message_id": format!("m_out_{number}") })
                }
                "message_attachments" => json!({ "attachment_id": format!("1002{number}") }),
                "comments" | "replies" | "mentions" => json!({ "id": format!("5500_77{number:02}") }),
                _ => json!({ "success": true }),
            },
        )
    }
}
