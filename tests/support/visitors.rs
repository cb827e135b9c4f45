//! Customers who fill in forms, and the web side they do it on.

use std::net::SocketAddr;
use std::sync::Once;

use reqwest::multipart::{Form, Part};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use scraper::{Html, Selector};
use serde_json::Value;
use sportello::clock::Ts;
use sportello::desk::changes::Change;
use sportello::desk::channels::{self, ChannelDraft};
use sportello::desk::kinds::{ChannelKind, Role};
use sportello::desk::{agents, sessions};
use sportello::http::visitors::stamps::Stamp;
use sportello::ids::{ChannelId, TicketId};
use sportello::server;
use tokio::net::TcpListener;

use super::mail_desk::MailDesk;

/// A desk that is served on a free port.
pub struct WebDesk {
    pub desk: MailDesk,
    client: Client,
    base: String,
}

/// A page as a browser got it.
pub struct Page {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Page {
    async fn of(response: Response) -> Self {
        Self { status: response.status(), headers: response.headers().clone(), text: response.text().await.expect("a page") }
    }

    /// A header, empty when there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Where it leads; the desk's own address is cut off.
    pub fn location(&self) -> String {
        self.header("location").to_owned()
    }

    /// The first element's attribute.
    pub fn attribute(&self, selector: &str, name: &str) -> String {
        self.attributes(selector, name).into_iter().next().unwrap_or_default()
    }

    /// The attribute of every such element.
    pub fn attributes(&self, selector: &str, name: &str) -> Vec<String> {
        let html = Html::parse_document(&self.text);
        let selector = Selector::parse(selector).expect("a selector");
        html.select(&selector).map(|element| element.attr(name).unwrap_or_default().to_owned()).collect()
    }

    /// The words of every such element.
    pub fn words(&self, selector: &str) -> Vec<String> {
        let html = Html::parse_document(&self.text);
        let selector = Selector::parse(selector).expect("a selector");
        html.select(&selector).map(|element| element.text().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    }

    /// Fails where the page needs what its own policy forbids.
    pub fn assert_script_free(&self) {
        let html = Html::parse_document(&self.text);
        for element in html.select(&Selector::parse("*").expect("a selector")) {
            let name = element.value().name();
            assert!(name != "style" && (name != "script" || element.attr("src").is_some()), "inline {name}");
            for (attribute, _) in element.value().attrs() {
                assert!(attribute != "style" && !attribute.starts_with("on"), "inline {attribute} on {name}");
            }
        }
    }
}

impl WebDesk {
    /// A desk with a mailbox, served.
    pub async fn new() -> Self {
        static TLS: Once = Once::new();
        TLS.call_once(|| {
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
        let desk = MailDesk::new().await;
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("a port"));
        tokio::spawn(server::serve(desk.app.clone(), listener));
        let client = Client::builder().redirect(Policy::none()).build().expect("a client");
        Self { desk, client, base }
    }

    /// Adds a form.
    pub async fn form(&self, slug: &str, settings: Value) -> ChannelId {
        let draft = ChannelDraft {
            kind: ChannelKind::Form,
            name: format!("Form {slug}"),
            address: Some(slug.to_owned()),
            team_id: None,
            language: None,
            enabled: true,
            settings,
            secrets: None,
        };
        let mut change = Change::begin(&self.desk.app).await.expect("a database");
        let id = channels::create(&mut change, &draft).await.expect("a form");
        change.touch_settings();
        change.commit().await.expect("a database");
        id
    }

    fn url(&self, path: &str) -> String {
        format!("{}{}", self.base, path.strip_prefix("https://desk.bottega.example").unwrap_or(path))
    }

    /// Opens a page.
    pub async fn get(&self, path: &str) -> Page {
        self.get_with(path, |request| request).await
    }

    /// Opens a page with other headers.
    pub async fn get_with(&self, path: &str, with: impl FnOnce(RequestBuilder) -> RequestBuilder) -> Page {
        Page::of(with(self.client.get(self.url(path))).send().await.expect("an answer")).await
    }

    /// Sends a form with files.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)], files: &[(&str, &[u8])]) -> Page {
        let mut form = Form::new();
        for (name, value) in fields {
            form = form.text((*name).to_owned(), (*value).to_owned());
        }
        for (name, bytes) in files {
            form = form.part("files", Part::bytes(bytes.to_vec()).file_name((*name).to_owned()));
        }
        Page::of(self.client.post(self.url(path)).multipart(form).send().await.expect("an answer")).await
    }

    /// Sends an agent's form.
    pub async fn post_as(&self, cookie: &str, path: &str, fields: &[(&str, &str)]) -> Page {
        let request = self.client.post(self.url(path)).header("cookie", cookie).form(fields);
        Page::of(request.send().await.expect("an answer")).await
    }

    /// A form's hidden fields as they stand on the page, but given out ten seconds ago.
    pub fn stamp(&self, page: &Page, scope: &str) -> Stamp {
        let id = page.attribute("input[name=form]", "value");
        Stamp::renew(&self.desk.app.keys, scope, id, Ts::now().plus_seconds(-10))
    }

    /// Opens a form and waits until a person could have filled it in.
    pub async fn open(&self, slug: &str, channel: ChannelId) -> Stamp {
        let page = self.get(&format!("/forms/{slug}")).await;
        assert_eq!(page.status, 200, "{}", page.text);
        self.stamp(&page, &format!("form {channel}"))
    }

    /// The session cookie of a new admin.
    pub async fn admin(&self) -> String {
        let mut db = self.desk.app.db.acquire().await.expect("a database");
        let id = agents::create(&mut db, "chiara@bottega.example", "Chiara Bellini", Role::Admin).await.expect("an agent");
        agents::set_password(&mut db, id, "a long enough one", None).await.expect("a password");
        let token = sessions::open(&mut db, id, "test", "127.0.0.1").await.expect("a session");
        format!("sportello_session={token}")
    }

    /// The newest ticket.
    pub async fn newest(&self) -> sportello::desk::tickets::Ticket {
        let id: i64 = sqlx::query_scalar("select max(id) from tickets").fetch_one(&self.desk.app.db).await.expect("a ticket");
        let mut db = self.desk.app.db.acquire().await.expect("a database");
        sportello::desk::tickets::find(&mut db, TicketId(id)).await.expect("a database").expect("a ticket")
    }
}
