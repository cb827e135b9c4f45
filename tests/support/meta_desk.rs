//! A served desk with a channel of Meta's and a fake Graph API behind it.

use http::Method;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sportello::channels::meta::sign;
use sportello::channels::wire::{Way, calls::Caller, network};
use sportello::desk::agents::Agent;
use sportello::desk::changes::Change;
use sportello::desk::channels::{self, Channel, ChannelDraft};
use sportello::desk::envelope::IncomingFile;
use sportello::desk::files::{self, StoredFile};
use sportello::desk::kinds::{ChannelKind, Direction};
use sportello::desk::networks::say::Outlet;
use sportello::desk::tickets::reply::{self, NewReply, ReplyError};
use sportello::desk::tickets::thread::Message;
use sportello::ids::{ChannelId, MessageId, TicketId};

use super::providers::graph::{GraphServer, Say};
use super::served::ServedDesk;

pub const APP_SECRET: &str = "meta-app-secret";
pub const VERIFY: &str = "tok-we-chose";

/// The desk.
pub struct MetaDesk {
    pub served: ServedDesk,
    pub graph: GraphServer,
    pub kind: ChannelKind,
    pub channel: ChannelId,
    pub agent: Agent,
}

impl std::ops::Deref for MetaDesk {
    type Target = ServedDesk;

    fn deref(&self) -> &ServedDesk {
        &self.served
    }
}

impl MetaDesk {
    /// A desk with the account of this id.
    pub async fn new(kind: ChannelKind, account: &str, settings: Value) -> Self {
        let served = ServedDesk::new().await;
        let graph = GraphServer::start().await;
        let agent = served.desk.agent("Ada").await;
        let mut desk = Self { served, graph, kind, channel: ChannelId(0), agent };
        desk.channel = desk.connect(account, settings).await;
        desk
    }

    /// Connects one more account of the same kind.
    pub async fn connect(&self, account: &str, mut settings: Value) -> ChannelId {
        settings["base"] = json!(self.graph.url);
        let secrets = json!({ "token": "EAAtoken", "app_secrets": [APP_SECRET, "second-secret"], "verify_token": VERIFY });
        let draft = ChannelDraft {
            kind: self.kind,
            name: format!("{} {account}", self.kind.label()),
            address: Some(account.to_owned()),
            team_id: None,
            language: None,
            enabled: true,
            settings,
            secrets: Some(channels::seal(&self.app.keys, &secrets).expect("plain data")),
        };
        let mut change = Change::begin(&self.app).await.expect("a database");
        let id = channels::create(&mut change, &draft).await.expect("a channel");
        change.touch_settings();
        change.commit().await.expect("a database");
        id
    }

    /// The channel as it stands.
    pub async fn row(&self) -> Channel {
        let mut db = self.app.db.acquire().await.expect("a database");
        channels::find(&mut db, self.channel).await.expect("a database").expect("the channel")
    }

    /// The address that Meta calls.
    pub fn hook(&self) -> String {
        format!("{}/hooks/{}/{}", self.url, self.kind, self.channel)
    }

    /// Calls the hook with raw bytes and a signature.
    pub async fn post(&self, raw: &[u8], signature: Option<&str>) -> StatusCode {
        let client = reqwest::Client::new();
        let request = client.post(self.hook()).header("content-type", "application/json").body(raw.to_vec());
        let request = match signature {
            Some(signature) => request.header("x-hub-signature-256", signature),
            None => request,
        };
        request.send().await.expect("an answer").status()
    }

    /// Delivers a signed webhook, and waits until it is understood.
    pub async fn deliver(&self, body: &Value) {
        let raw = body.to_string().into_bytes();
        assert_eq!(self.post(&raw, Some(&sign(APP_SECRET, &raw))).await, StatusCode::OK);
        self.understood().await;
    }

    /// Delivers an entry of private messages.
    pub async fn messaging(&self, account: &str, items: Value) {
        let object = if self.kind == ChannelKind::Facebook { "page" } else { "instagram" };
        self.deliver(&json!({ "object": object, "entry": [{ "id": account, "time": 1_791_000_000_123_i64, "messaging": items }] })).await;
    }

    /// Delivers an entry of changes.
    pub async fn changes(&self, account: &str, changes: Value) {
        let object = if self.kind == ChannelKind::Facebook { "page" } else { "instagram" };
        self.deliver(&json!({ "object": object, "entry": [{ "id": account, "time": 1_791_000_001, "changes": changes }] })).await;
    }

    /// Why deliveries were not understood in whole, oldest first.
    pub async fn reasons(&self) -> Vec<String> {
        sqlx::query_scalar("select coalesce(reason, '') from deliveries order by id").fetch_all(&self.app.db).await.expect("rows")
    }

    /// The only ticket.
    pub async fn ticket(&self) -> TicketId {
        let all = self.tickets().await;
        assert_eq!(all.len(), 1, "{all:?}");
        all[0]
    }

    /// All tickets, oldest first.
    pub async fn tickets(&self) -> Vec<TicketId> {
        sqlx::query_scalar("select id from tickets order by id").fetch_all(&self.app.db).await.expect("rows")
    }

    /// What was said in a ticket, oldest first: `<` from the customer, `>` from us.
    pub async fn lines(&self, ticket: TicketId) -> Vec<String> {
        let arrow = |message: &Message| if message.direction == Direction::Inbound { "<" } else { ">" };
        self.thread(ticket).await.iter().map(|message| format!("{} {}", arrow(message), message.body)).collect()
    }

    /// Queues an answer.
    pub async fn answer(&self, ticket: TicketId, body: &str) -> MessageId {
        self.try_answer(ticket, body, false, &[]).await.expect("a reply")
    }

    /// Queues an answer: privately to a commenter, or with buttons.
    pub async fn try_answer(&self, ticket: TicketId, body: &str, private: bool, choices: &[&str]) -> Result<MessageId, ReplyError> {
        let channel = self.row().await;
        let abilities = network(self.kind).expect("a network").abilities(&channel);
        let mut change = Change::begin(&self.app).await.expect("a database");
        let new = NewReply {
            body: body.to_owned(),
            choices: choices.iter().map(|&words| words.to_owned()).collect(),
            outlet: Some(Outlet { channel: self.channel, abilities, private, template: None }),
            ..NewReply::default()
        };
        let message = reply::reply(&mut change, &self.agent, ticket, &new).await?;
        change.commit().await.expect("a database");
        Ok(message)
    }

    /// Queues an answer and does what is due.
    pub async fn send(&self, ticket: TicketId, body: &str) -> Message {
        let message = self.answer(ticket, body).await;
        self.served.desk.drain().await;
        self.message(message).await
    }

    /// Puts a file to the agent's next answer.
    pub async fn upload(&self, ticket: TicketId, name: &str, media_type: &str, bytes: &[u8]) {
        let file = IncomingFile {
            name: name.to_owned(),
            media_type: media_type.to_owned(),
            bytes: bytes.to_vec(),
            content_id: None,
            inline: false,
        };
        let stored = StoredFile::store(&self.app, &file).await.expect("stored");
        let mut db = self.app.db.acquire().await.expect("a database");
        files::add_upload(&mut db, ticket, self.agent.id, &stored).await.expect("a row");
    }

    /// Lets the customer's last word be so many seconds old.
    pub async fn age(&self, ticket: TicketId, seconds: i64) {
        sqlx::query("update tickets set spoke_at = now() - make_interval(secs => $2) where id = $1")
            .bind(ticket)
            .bind(seconds as f64)
            .execute(&self.app.db)
            .await
            .expect("a row");
    }

    /// Calls the provider on behalf of the channel.
    pub async fn way<T>(&self, with: impl AsyncFnOnce(&Way<'_>) -> T) -> T {
        let channel = self.row().await;
        let way = Way { app: &self.app, channel: &channel, calls: Caller::of(&self.app) };
        with(&way).await
    }

    /// Answers with these bytes at a path, and says where that is.
    pub fn file(&self, path: &str, media_type: &str, bytes: &[u8]) -> String {
        self.graph.on(Method::GET, path, Say::bytes(media_type, bytes));
        format!("{}{path}", self.graph.url)
    }

    /// A value of one row.
    pub async fn value(&self, sql: &'static str) -> Value {
        sqlx::query_scalar(sql).fetch_one(&self.app.db).await.expect(sql)
    }
}
