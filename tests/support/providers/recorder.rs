//! A small server on a free port that records every request and answers from a list.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use serde_json::Value;
use tokio::net::TcpListener;

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: Method,
    pub path: String,
    /// Without the question mark, as it was written.
    pub query: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Asked {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", String::from_utf8_lossy(&self.body)))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The pairs of a form, in their order.
    pub fn form(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(&self.body).map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
    }

    /// A parameter of the address.
    pub fn query(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// A header, empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// What is answered.
#[derive(Debug, Clone)]
pub struct Says {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Waits so long before.
    pub after: Duration,
    /// The connection breaks in the middle of the body.
    pub breaks: bool,
}

impl Says {
    /// A status and JSON.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::bytes(status, "application/json", body.to_string().into_bytes())
    }

    /// A status and a file.
    pub fn bytes(status: u16, media_type: &str, body: Vec<u8>) -> Self {
        let headers = vec![("content-type".to_owned(), media_type.to_owned())];
        Self { status, headers, body, after: Duration::ZERO, breaks: false }
    }

    /// Leads elsewhere.
    pub fn redirect(to: &str) -> Self {
        Self::bytes(307, "text/plain", Vec::new()).with("location", to)
    }

    /// Takes the request and breaks off before all of the answer is there.
    pub fn broken() -> Self {
        Self { breaks: true, ..Self::bytes(200, "application/json", b"{\"half".to_vec()) }
    }

    /// With one more header.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// After a while.
    pub fn slowly(mut self, after: Duration) -> Self {
        self.after = after;
        self
    }
}

type Usual = fn(&Asked) -> Says;

#[derive(Default)]
struct Book {
    asked: Vec<Asked>,
    /// Method and beginning of the path → answer; the first that fits is used up.
    next: VecDeque<(Method, String, Says)>,
}

/// The server; stopped with the test's runtime.
#[derive(Clone)]
pub struct Recorder {
    /// Without a slash at the end.
    pub url: String,
    book: Arc<Mutex<Book>>,
    usual: Usual,
}

impl Recorder {
    /// Begins to serve; `usual` answers what the test has not said anything about.
    pub async fn new(usual: Usual) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let recorder = Self { url, book: Arc::default(), usual };
        let router = Router::new().fallback(answer).layer(axum::extract::DefaultBodyLimit::disable()).with_state(recorder.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        recorder
    }

    /// Answers the next request of this method whose path begins like this.
    pub fn say(&self, method: Method, path: &str, says: Says) {
        self.book.lock().expect("nobody panicked").next.push_back((method, path.to_owned(), says));
    }

    /// Every request so far whose path contains this.
    pub fn asked(&self, path: &str) -> Vec<Asked> {
        self.book.lock().expect("nobody panicked").asked.iter().filter(|asked| asked.path.contains(path)).cloned().collect()
    }
}

async fn answer(State(recorder): State<Recorder>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let (path, query) = (uri.path().to_owned(), uri.query().unwrap_or_default().to_owned());
    let asked = Asked { method, path, query, headers, body };
    let says = {
        let mut book = recorder.book.lock().expect("nobody panicked");
        book.asked.push(asked.clone());
        let at = book.next.iter().position(|(method, path, _)| *method == asked.method && asked.path.starts_with(path));
        at.and_then(|at| book.next.remove(at)).map(|(_, _, says)| says)
    };
    let says = says.unwrap_or_else(|| (recorder.usual)(&asked));
    tokio::time::sleep(says.after).await;
    let mut response = Response::builder().status(StatusCode::from_u16(says.status).expect("a status"));
    for (name, value) in &says.headers {
        response = response.header(name, value);
    }
    let body = if says.breaks {
        let half: Result<Bytes, std::io::Error> = Ok(says.body.into());
        Body::from_stream(futures_util::stream::iter([half, Err(std::io::Error::other("broken off"))]))
    } else {
        Body::from(says.body)
    };
    response.body(body).expect("a response")
}
