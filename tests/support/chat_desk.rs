//! A desk with a chat, and visitors who use it as the widget does: by JSON and an open stream.

use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use sportello::app::App;
use sportello::channels::chat::settings::{Secrets, Settings};
use sportello::clock::Ts;
use sportello::desk::agents::Agent;
use sportello::desk::changes::Change;
use sportello::desk::channels::{self, ChannelDraft};
use sportello::desk::chats::{self, Chat, NewWords};
use sportello::desk::directory;
use sportello::desk::envelope::Incoming;
use sportello::desk::kinds::{ChannelKind, Role, Wish};
use sportello::desk::presence;
use sportello::desk::tickets::receive::{self, Origin};
use sportello::desk::tickets::{self, reply};
use sportello::desk::visitors;
use sportello::ids::{AgentId, MessageId, TicketId};
use sportello::{server, worker};
use tokio::net::TcpListener;

use super::served::ServedDesk;

/// The secret with which the shop of the tests signs.
pub const SHOP_SECRET: &str = "shop-secret";

/// A desk that is always open, with the chat `shop`.
pub struct ChatDesk {
    pub served: ServedDesk,
}

impl std::ops::Deref for ChatDesk {
    type Target = ServedDesk;

    fn deref(&self) -> &ServedDesk {
        &self.served
    }
}

impl ChatDesk {
    pub async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    /// The same, with other settings of the chat.
    pub async fn with(settings: Settings) -> Self {
        let served = ServedDesk::new().await;
        let draft = ChannelDraft {
            kind: ChannelKind::Chat,
            name: "Website".into(),
            address: Some("shop".into()),
            team_id: None,
            language: None,
            enabled: true,
            settings: serde_json::to_value(settings).expect("plain data"),
            secrets: Some(
                sportello::desk::channels::seal(&served.app.keys, &Secrets { identity: SHOP_SECRET.into() }).expect("plain data"),
            ),
        };
        let mut change = Change::begin(&served.app).await.expect("a database");
        sportello::desk::channels::create(&mut change, &draft).await.expect("a channel");
        let week: [Value; 7] = std::array::from_fn(|_| json!([{ "from": "00:00", "to": "24:00" }]));
        let hours = serde_json::from_value(json!({ "week": week })).expect("a schedule");
        directory::update_hours(&mut change, &hours).await.expect("a database");
        let calls = sportello::desk::call_backs::Settings { offered: true, ..Default::default() };
        sportello::desk::call_backs::settings::update(&mut change, &calls).await.expect("a database");
        change.touch_settings();
        change.commit().await.expect("a database");
        Self { served }
    }

    /// Closes the desk for the whole week.
    pub async fn close(&self) {
        let closed: [Value; 7] = std::array::from_fn(|_| json!([]));
        let hours = serde_json::from_value(json!({ "week": closed })).expect("a schedule");
        let mut change = Change::begin(&self.app).await.expect("a database");
        directory::update_hours(&mut change, &hours).await.expect("a database");
        change.touch_settings();
        change.commit().await.expect("a database");
    }

    /// An agent whose screen is open.
    pub async fn on_duty(&self, name: &str, role: Role) -> Agent {
        let id = self.person(name, role).await;
        self.beat(id, Ts::now()).await;
        let email = format!("{}@bottega.example", name.to_lowercase().replace(' ', "."));
        Agent { id, email, name: name.to_owned(), role, signature: String::new(), session: None }
    }

    /// A heartbeat.
    pub async fn beat(&self, agent: AgentId, now: Ts) {
        let mut change = Change::begin(&self.app).await.expect("a database");
        presence::beat(&mut change, agent, now).await.expect("a heartbeat");
        change.commit().await.expect("a database");
    }

    /// What an agent wishes to be.
    pub async fn wish(&self, agent: &Agent, wish: Wish) {
        let mut change = Change::begin(&self.app).await.expect("a database");
        presence::set_wish(&mut change, agent.id, wish, Ts::now()).await.expect("a wish");
        change.commit().await.expect("a database");
    }

    /// How many chats an agent takes at once.
    pub async fn limit(&self, agent: &Agent, limit: i32) {
        sqlx::query("update agents set chat_limit = $2 where id = $1")
            .bind(agent.id.0)
            .bind(limit)
            .execute(&self.app.db)
            .await
            .expect("a database");
    }

    /// An agent takes a chat.
    pub async fn accept(&self, agent: &Agent, ticket: TicketId) -> Result<(), chats::AcceptError> {
        let mut change = Change::begin(&self.app).await.expect("a database");
        chats::accept(&mut change, agent, ticket, Ts::now()).await?;
        change.commit().await.expect("a database");
        Ok(())
    }

    /// An agent says something in a chat.
    pub async fn say(&self, agent: &Agent, ticket: TicketId, text: &str) -> MessageId {
        self.say_with(agent, ticket, &NewWords { body: text.into(), ..NewWords::default() }).await
    }

    /// The same, with quick answers or an id.
    pub async fn say_with(&self, agent: &Agent, ticket: TicketId, words: &NewWords) -> MessageId {
        let new = reply::NewReply {
            body: words.body.clone(),
            choices: words.choices.clone(),
            once: words.once.clone(),
            ..reply::NewReply::default()
        };
        let mut change = Change::begin(&self.app).await.expect("a database");
        let message = reply::reply(&mut change, agent, ticket, &new).await.expect("said");
        change.commit().await.expect("a database");
        message
    }

    /// A chat that begins at a moment of the test's own, without any browser.
    pub async fn begin(&self, now: Ts) -> TicketId {
        let mut change = Change::begin(&self.app).await.expect("a database");
        let mut db = self.app.db.acquire().await.expect("a database");
        let channel = channels::find_by_address(&mut db, ChannelKind::Chat, "shop").await.expect("a database").expect("the chat");
        let (id, _) = visitors::create(&mut change, channel.id, &visitors::Browser::default()).await.expect("a visitor");
        let visitor = visitors::find(&mut change, id).await.expect("a database").expect("the visitor");
        let contact = visitors::introduce(&mut change, &visitor, &visitors::Introduction::default()).await.expect("a contact");
        let incoming =
            Incoming { provider_id: sportello::secrets::token(), subject: "Hello".into(), body: "Hello?".into(), ..Incoming::default() };
        let origin = Origin { channel: &channel, delivery: None, files: &[], ticket: None, contact: Some(contact), acknowledge: false };
        let ticket = receive::receive(&mut change, &origin, &incoming).await.expect("received").ticket;
        chats::start(&mut change, ticket, channel.id, id, 120, now).await.expect("begun");
        change.commit().await.expect("a database");
        ticket
    }

    /// A chat as its row tells it.
    pub async fn chat(&self, ticket: TicketId) -> Chat {
        let mut db = self.app.db.acquire().await.expect("a database");
        chats::find(&mut db, ticket).await.expect("a database").expect("a chat")
    }

    /// At whom a chat rings.
    pub async fn ringing(&self, ticket: TicketId) -> Vec<AgentId> {
        let mut db = self.app.db.acquire().await.expect("a database");
        chats::ringing_for(&mut db, ticket).await.expect("a database")
    }

    /// The ticket of a chat.
    pub async fn ticket(&self, ticket: TicketId) -> tickets::Ticket {
        let mut db = self.app.db.acquire().await.expect("a database");
        tickets::find(&mut db, ticket).await.expect("a database").expect("the ticket")
    }

    /// Does what is due in so many seconds from now.
    pub async fn after(&self, seconds: i64) {
        let errors = worker::drain(&self.app, Ts::now().plus_seconds(seconds)).await;
        assert!(errors.is_empty(), "{errors:?}");
    }

    /// Another process on the same database: its own address, its own screens, joined to the first by notifications alone.
    pub async fn another(&self) -> Another {
        let app = App::new(self.app.config.clone(), self.app.db.clone(), self.app.mailer.clone(), self.app.keys.clone());
        for app in [&self.app, &app] {
            let (app, options) = (app.clone(), self.app.db.connect_options().as_ref().clone());
            tokio::spawn(async move { app.live.exchange(app.db.clone(), options, app.stopping.clone()).await });
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let serving = tokio::spawn(server::serve(app.clone(), listener));
        // Both listen once each has been told to read everything again.
        tokio::time::sleep(Duration::from_millis(300)).await;
        Another { app, url, serving }
    }

    /// A visitor's browser.
    pub fn browser(&self) -> Visitor {
        Visitor::at(&self.url)
    }
}

/// A second process.
pub struct Another {
    pub app: App,
    pub url: String,
    serving: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Another {
    /// Ends it as a crash does: no good-bye, every connection cut.
    pub fn kill(self) {
        self.serving.abort();
    }
}

/// A visitor's browser, as the frame behaves.
#[derive(Clone)]
pub struct Visitor {
    http: Client,
    pub url: String,
    pub token: Option<String>,
    pub language: &'static str,
}

impl Visitor {
    /// At a process's address.
    pub fn at(url: &str) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { http: Client::new(), url: url.to_owned(), token: None, language: "en" }
    }

    /// A request with the token.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let path = if path.starts_with('/') { format!("{}{path}", self.url) } else { format!("{}/chat/shop/{path}", self.url) };
        let request = self.http.request(method, path).header("accept-language", self.language);
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends JSON; answers with status and JSON.
    pub async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        let response = self.request(Method::POST, path).json(&body).send().await.expect("an answer");
        let status = response.status().as_u16();
        let text = response.text().await.expect("a body");
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// Reads something.
    pub async fn get(&self, path: &str) -> Value {
        let response = self.request(Method::GET, path).send().await.expect("an answer");
        serde_json::from_str(&response.text().await.expect("a body")).unwrap_or(Value::Null)
    }

    /// Opens the widget.
    pub async fn hello(&self) -> Value {
        let (status, answer) = self.post("hello", json!({})).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// Says something under a new id; answers with what came back.
    pub async fn say(&mut self, text: &str) -> Value {
        self.send(json!({ "id": sportello::secrets::token(), "text": text })).await
    }

    /// Sends a message; keeps the token that it brings.
    pub async fn send(&mut self, body: Value) -> Value {
        let (status, answer) = self.post("messages", body).await;
        assert!(status == 201 || status == 200, "{status} {answer}");
        if let Some(token) = answer["token"].as_str() {
            self.token = Some(token.to_owned());
        }
        answer
    }

    /// The same, where it opens a chat; answers with its ticket.
    pub async fn start(&mut self, text: &str) -> TicketId {
        let answer = self.say(text).await;
        TicketId(answer["chat"]["number"].as_i64().expect("a number"))
    }

    /// Opens the stream, from a message on.
    pub async fn listen(&self, after: Option<i64>) -> Ear {
        let path = match after {
            Some(after) => format!("events?after={after}"),
            None => "events".to_owned(),
        };
        let response = self.request(Method::GET, &path).send().await.expect("an answer");
        assert_eq!(response.status().as_u16(), 200);
        Ear { response, rest: String::new(), ended: false }
    }
}

/// An open stream.
pub struct Ear {
    response: reqwest::Response,
    rest: String,
    ended: bool,
}

impl Ear {
    /// The next event: its name and its data. `None`: the stream has ended.
    pub async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((block, rest)) = self.rest.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.rest = rest;
                let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned());
                if let Some(name) = field("event:") {
                    let data = field("data:").and_then(|data| serde_json::from_str(&data).ok()).unwrap_or(Value::Null);
                    return Some((name, data));
                }
                continue;
            }
            if self.ended {
                return None;
            }
            match self.response.chunk().await {
                Ok(Some(chunk)) => self.rest.push_str(&String::from_utf8_lossy(&chunk)),
                Ok(None) | Err(_) => self.ended = true,
            }
        }
    }

    /// Waits for an event of this name that satisfies `wanted`; fails after five seconds.
    pub async fn hears(&mut self, name: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut heard = Vec::new();
        let listening = async {
            loop {
                match self.next().await {
                    Some((event, data)) if event == name && wanted(&data) => return data,
                    Some(other) => heard.push(other),
                    None => panic!("the stream ended; heard {heard:?}"),
                }
            }
        };
        match tokio::time::timeout(Duration::from_secs(5), listening).await {
            Ok(data) => data,
            Err(_) => panic!("no such {name}; heard {heard:?}"),
        }
    }
}
