//! A desk that is served on a free port, and people who use it as a browser would: by HTTP, with cookies.

use std::net::SocketAddr;

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::multipart::Form;
use reqwest::{Client, RequestBuilder, Response, StatusCode, redirect};
use scraper::{Html, Selector};
use sportello::config::Config;
use sportello::desk::agents;
use sportello::desk::kinds::Role;
use sportello::desk::sessions;
use sportello::ids::AgentId;
use sportello::{server, worker};
use tokio::net::TcpListener;

use super::mail_desk::MailDesk;

/// The password of everyone in tests.
pub const PASSWORD: &str = "correct horse battery";

/// A desk with screens; stopped when dropped.
pub struct ServedDesk {
    pub desk: MailDesk,
    pub url: String,
}

impl std::ops::Deref for ServedDesk {
    type Target = MailDesk;

    fn deref(&self) -> &MailDesk {
        &self.desk
    }
}

impl Drop for ServedDesk {
    fn drop(&mut self) {
        self.desk.app.stopping.cancel();
    }
}

impl ServedDesk {
    /// Serves a desk with the mailbox `help@bottega.example` and nobody in it.
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// The same, configured differently.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address: SocketAddr = listener.local_addr().expect("an address");
        let url = format!("http://{address}");
        let desk = MailDesk::with(|config| {
            config.web.public_url = Some(url.parse().expect("a URL"));
            change(config);
        })
        .await;
        tokio::spawn(server::serve(desk.app.clone(), listener));
        Self { desk, url }
    }

    /// A browser that nobody is signed in with.
    pub fn visitor(&self) -> Browser {
        Browser { http: client(), url: self.url.clone(), cookie: None }
    }

    /// An agent of this role, signed in.
    pub async fn agent(&self, name: &str, role: Role) -> Browser {
        let id = self.person(name, role).await;
        let mut db = self.app.db.acquire().await.expect("a database");
        let token = sessions::open(&mut db, id, "test", "127.0.0.1").await.expect("a session");
        Browser { cookie: Some(format!("sportello_session={token}")), ..self.visitor() }
    }

    /// An agent of this role, `<name>@bottega.example`, who can sign in with [`PASSWORD`].
    pub async fn person(&self, name: &str, role: Role) -> AgentId {
        let mut db = self.app.db.acquire().await.expect("a database");
        let email = format!("{}@bottega.example", name.to_lowercase().replace(' ', "."));
        let id = agents::create(&mut db, &email, name, role).await.expect("a new address");
        agents::set_password(&mut db, id, PASSWORD, None).await.expect("a password");
        self.app.cache.invalidate_all();
        id
    }

    /// Waits until everything that came in by webhook is understood.
    pub async fn understood(&self) {
        for _ in 0..200 {
            if self.count("select count(*) from deliveries where state = 'received'").await == 0 {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        let raw: Vec<(Vec<u8>, Option<String>)> = sqlx::query_as("select raw, reason from deliveries where state = 'received' order by id")
            .fetch_all(&self.app.db)
            .await
            .expect("rows");
        let raw: Vec<_> = raw.iter().map(|(raw, reason)| (String::from_utf8_lossy(raw), reason)).collect();
        panic!("these webhooks were not understood in ten seconds: {raw:?}");
    }

    /// Does all queued work that is due within a minute, and fails on any that went wrong.
    pub async fn drain(&self) {
        let errors = worker::drain(&self.app, sportello::clock::Ts::now().plus_seconds(60)).await;
        assert!(errors.is_empty(), "{errors:?}");
    }
}

fn client() -> Client {
    Client::builder().redirect(redirect::Policy::none()).build().expect("a client")
}

/// Somebody's browser. Redirects are not followed unless asked for.
#[derive(Clone)]
pub struct Browser {
    http: Client,
    url: String,
    cookie: Option<String>,
}

/// A page that came back.
pub struct Page {
    pub status: StatusCode,
    pub location: Option<String>,
    pub body: String,
    pub headers: reqwest::header::HeaderMap,
}

impl Browser {
    /// Opens a page.
    pub async fn get(&self, path: &str) -> Page {
        self.send(self.http.get(self.at(path))).await
    }

    /// Opens a page and follows where it leads.
    pub async fn visit(&self, path: &str) -> Page {
        let mut page = self.get(path).await;
        for _ in 0..5 {
            let Some(location) = page.location.clone() else { break };
            page = self.get(&location).await;
        }
        page
    }

    /// Sends a form.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.send(self.http.post(self.at(path)).form(fields)).await
    }

    /// Sends a form with files.
    pub async fn post_files(&self, path: &str, form: Form) -> Page {
        self.send(self.http.post(self.at(path)).multipart(form)).await
    }

    /// A request of any other kind, with this browser's cookies.
    pub fn request(&self, method: reqwest::Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, self.at(path));
        match &self.cookie {
            Some(cookie) => request.header(COOKIE, cookie),
            None => request,
        }
    }

    /// Opens a stream and leaves it open.
    pub async fn stream(&self, path: &str) -> Response {
        self.request(reqwest::Method::GET, path).send().await.expect("an answer")
    }

    /// Signs in by the form, and stays signed in.
    pub async fn sign_in(&mut self, email: &str, password: &str) -> Page {
        let page = self.post("/sign-in", &[("email", email), ("password", password)]).await;
        self.keep_cookies(&page);
        page
    }

    /// Keeps the session that a page has opened.
    pub fn keep_cookies(&mut self, page: &Page) {
        for value in page.headers.get_all(SET_COOKIE) {
            let pair = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
            if pair.starts_with("sportello_session=") {
                self.cookie = Some(pair.to_owned());
            }
        }
    }

    fn at(&self, path: &str) -> String {
        if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.url) }
    }

    async fn send(&self, request: RequestBuilder) -> Page {
        let request = match &self.cookie {
            Some(cookie) => request.header(COOKIE, cookie),
            None => request,
        };
        Page::of(request.send().await.expect("an answer")).await
    }
}

impl Page {
    /// The whole of an answer.
    pub async fn of(response: Response) -> Self {
        let headers = response.headers().clone();
        let location = headers.get(LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Self { status: response.status(), location, body: response.text().await.expect("a body"), headers }
    }

    /// The text of every element that the selector finds, with its white space collapsed.
    pub fn texts(&self, selector: &str) -> Vec<String> {
        let selector = Selector::parse(selector).expect("a selector");
        let html = Html::parse_document(&self.body);
        html.select(&selector).map(|node| node.text().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    }

    /// The same with its white space as it is.
    pub fn texts_raw(&self, selector: &str) -> Vec<String> {
        let selector = Selector::parse(selector).expect("a selector");
        Html::parse_document(&self.body).select(&selector).map(|node| node.text().collect()).collect()
    }

    /// The text of the first element that the selector finds.
    pub fn text(&self, selector: &str) -> String {
        self.texts(selector).into_iter().next().unwrap_or_else(|| panic!("no {selector} in: {}", self.body))
    }

    /// An attribute of every element that the selector finds.
    pub fn attributes(&self, selector: &str, name: &str) -> Vec<String> {
        let selector = Selector::parse(selector).expect("a selector");
        let html = Html::parse_document(&self.body);
        html.select(&selector).filter_map(|node| node.value().attr(name).map(str::to_owned)).collect()
    }

    /// An attribute of the first element that the selector finds.
    pub fn attribute(&self, selector: &str, name: &str) -> String {
        self.attributes(selector, name).into_iter().next().unwrap_or_else(|| panic!("no {selector}[{name}] in: {}", self.body))
    }

    /// The line that the next page shows of what this click did.
    pub fn told(&self) -> String {
        self.flash()["text"].as_str().unwrap_or_default().to_owned()
    }

    /// Whether that line offers to take it back.
    pub fn offers_undo(&self) -> bool {
        self.flash()["undo"].is_string()
    }

    fn flash(&self) -> serde_json::Value {
        use base64::Engine as _;
        let cookies = self.headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
        let flash = cookies.filter_map(|cookie| cookie.strip_prefix("sportello_flash=")?.split(';').next()).next().unwrap_or_default();
        let json = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(flash).unwrap_or_default();
        serde_json::from_slice(&json).unwrap_or_default()
    }

    /// Fails unless the page came with this status.
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self
    }
}
