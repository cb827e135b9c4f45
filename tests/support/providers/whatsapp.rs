//! A desk with a WhatsApp number, and a stand-in for Meta's Cloud API.

use axum::http::Method;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sportello::channels::meta;
use sportello::channels::wire::calls::Caller;
use sportello::channels::wire::{self, Network, Way};
use sportello::clock::Ts;
use sportello::desk::agents::Agent;
use sportello::desk::changes::Change;
use sportello::desk::channels::{self, Channel, ChannelDraft};
use sportello::desk::kinds::{ChannelKind, DeliveryStatus};
use sportello::desk::networks::say::Outlet;
use sportello::desk::tickets::reply::{self, NewReply, ReplyError};
use sportello::desk::tickets::thread::Message;
use sportello::ids::{ChannelId, MessageId, TicketId};
use sportello::worker;
use std::sync::atomic::{AtomicU64, Ordering};

use super::recorder::{Asked, Recorder, Says};
use crate::support::served::ServedDesk;

pub const NUMBER: &str = "106540352242922";
pub const WABA: &str = "210987654321098";
pub const SECRET: &str = "meta-app-secret";
pub const VERIFY: &str = "sportello-verify";
pub const TOKEN: &str = "EAAtoken";

/// A desk of one channel, and its provider.
pub struct NetworkDesk {
    pub desk: ServedDesk,
    pub fake: Recorder,
    pub channel: ChannelId,
    pub kind: ChannelKind,
}

impl std::ops::Deref for NetworkDesk {
    type Target = ServedDesk;

    fn deref(&self) -> &ServedDesk {
        &self.desk
    }
}

/// A desk with the number [`NUMBER`].
pub async fn desk() -> NetworkDesk {
    let fake = Recorder::new(usual).await;
    let settings = json!({ "base": fake.url, "version": "v25.0", "phone_number_id": NUMBER, "waba_id": WABA });
    let secrets = json!({ "token": TOKEN, "app_secret": SECRET, "verify_token": VERIFY });
    NetworkDesk::new(fake, ChannelKind::Whatsapp, NUMBER, settings, &secrets).await
}

/// What Meta says when all is well.
fn usual(asked: &Asked) -> Says {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let path = &*asked.path;
    let body = if path.ends_with("/media") {
        json!({ "id": format!("20990000000{count}") })
    } else if path.ends_with("/messages") && asked.json()["status"].as_str() == Some("read") {
        json!({ "success": true })
    } else if path.ends_with("/messages") {
        json!({ "messaging_product": "whatsapp", "contacts": [{ "input": "393331234567", "wa_id": "393331234567" }],
            "messages": [{ "id": format!("wamid.SENT{count}"), "message_status": "accepted" }] })
    } else if path.ends_with("/subscribed_apps") {
        json!({ "success": true, "data": [{ "whatsapp_business_api_data": { "id": "1", "name": "Bottega" } }] })
    } else if asked.method == Method::GET && path.ends_with(NUMBER) {
        json!({ "id": NUMBER, "display_phone_number": "+39 06 1234 5678", "verified_name": "Bottega", "quality_rating": "GREEN" })
    } else {
        return refusal(404, 100, "Unsupported get request");
    };
    Says::json(200, &body)
}

/// An error as Meta tells it.
pub fn refusal(status: u16, code: i64, message: &str) -> Says {
    let error = json!({ "message": format!("(#{code}) {message}"), "type": "OAuthException", "code": code,
        "error_data": { "messaging_product": "whatsapp", "details": message }, "fbtrace_id": "AoY" });
    Says::json(status, &json!({ "error": error }))
}

/// A webhook of one change of the number.
pub fn webhook(field: &str, value: &Value) -> Value {
    let mut whole =
        json!({ "messaging_product": "whatsapp", "metadata": { "display_phone_number": "390612345678", "phone_number_id": NUMBER } });
    for (key, part) in value.as_object().expect("an object") {
        whole[key] = part.clone();
    }
    json!({ "object": "whatsapp_business_account", "entry": [{ "id": WABA, "changes": [{ "field": field, "value": whole }] }] })
}

/// Anna's contact, as webhooks tell it.
pub fn anna() -> Value {
    json!([{ "profile": { "name": "Anna Verdi" }, "wa_id": "393331234567", "user_id": "IT.1349" }])
}

/// A message of Anna's, said now.
pub fn from_anna(id: &str, content: &Value) -> Value {
    let now = Ts::now().0.as_second().to_string();
    let mut message = json!({ "from": "393331234567", "from_user_id": "IT.1349", "id": id, "timestamp": now });
    for (key, part) in content.as_object().expect("an object") {
        message[key] = part.clone();
    }
    message
}

/// The webhook of [`from_anna`].
pub fn said(id: &str, content: &Value) -> Value {
    webhook("messages", &json!({ "contacts": anna(), "messages": [from_anna(id, content)] }))
}

/// The webhook of a text of Anna's.
pub fn wrote(id: &str, text: &str) -> Value {
    said(id, &json!({ "type": "text", "text": { "body": text } }))
}

/// The webhook of a status.
pub fn status(id: &str, status: &str, more: &Value) -> Value {
    let mut whole = json!({ "id": id, "status": status, "timestamp": Ts::now().0.as_second().to_string(), "recipient_id": "393331234567" });
    for (key, part) in more.as_object().into_iter().flatten() {
        whole[key] = part.clone();
    }
    webhook("messages", &json!({ "statuses": [whole] }))
}

impl NetworkDesk {
    /// A served desk with one channel of a network.
    pub async fn new(fake: Recorder, kind: ChannelKind, address: &str, settings: Value, secrets: &Value) -> Self {
        let desk = ServedDesk::new().await;
        let draft = ChannelDraft {
            kind,
            name: kind.label().to_owned(),
            address: Some(address.to_owned()),
            team_id: None,
            language: None,
            enabled: true,
            settings,
            secrets: Some(channels::seal(&desk.app.keys, secrets).expect("plain data")),
        };
        let mut change = Change::begin(&desk.app).await.expect("a database");
        let channel = channels::create(&mut change, &draft).await.expect("a channel");
        change.touch_settings();
        change.commit().await.expect("a database");
        Self { desk, fake, channel, kind }
    }

    /// An agent who answers.
    pub async fn bruno(&self) -> Agent {
        self.desk.desk.agent("Bruno").await
    }

    /// The address of the channel's webhook.
    pub fn hook(&self) -> String {
        format!("{}/hooks/{}/{}", self.url, self.kind, self.channel)
    }

    /// Posts raw bytes as Meta signs them with this secret; `None`: not signed at all.
    pub async fn post_raw(&self, body: &[u8], secret: Option<&str>) -> StatusCode {
        let mut request = reqwest::Client::new().post(self.hook()).header("content-type", "application/json").body(body.to_vec());
        if let Some(secret) = secret {
            request = request.header("x-hub-signature-256", meta::sign(secret, body));
        }
        request.send().await.expect("an answer").status()
    }

    /// Posts a webhook of Meta's and waits until it is understood.
    pub async fn post(&self, webhook: &Value) {
        let status = self.post_raw(webhook.to_string().as_bytes(), Some(SECRET)).await;
        assert_eq!(status, StatusCode::OK);
        self.understood().await;
    }

    /// What is noted on the deliveries, oldest first.
    pub async fn reasons(&self) -> Vec<String> {
        let rows = sqlx::query_scalar("select reason from deliveries where reason is not null order by id");
        rows.fetch_all(&self.app.db).await.expect("rows")
    }

    /// The channel as it stands.
    pub async fn row(&self) -> Channel {
        channels::find(&mut self.app.db.acquire().await.expect("a database"), self.channel).await.expect("a database").expect("the channel")
    }

    /// The network's folder.
    pub fn network(&self) -> &'static dyn Network {
        wire::network(self.kind).expect("a network")
    }

    /// The only ticket.
    pub async fn ticket(&self) -> TicketId {
        let all: Vec<i64> = sqlx::query_scalar("select id from tickets order by id").fetch_all(&self.app.db).await.expect("rows");
        assert_eq!(all.len(), 1, "one ticket");
        TicketId(all[0])
    }

    /// The conversation of the only ticket.
    pub async fn talk(&self) -> Vec<Message> {
        let ticket = self.ticket().await;
        self.thread(ticket).await
    }

    /// An agent answers on the network; it has not left yet.
    pub async fn try_answer(&self, agent: &Agent, body: &str, choices: &[&str], template: Option<Value>) -> Result<MessageId, ReplyError> {
        let ticket = self.ticket().await;
        let abilities = self.network().abilities(&self.row().await);
        let mut change = Change::begin(&self.app).await.expect("a database");
        let new = NewReply {
            body: body.to_owned(),
            choices: choices.iter().map(|&words| words.to_owned()).collect(),
            outlet: Some(Outlet { channel: self.channel, abilities, private: false, template }),
            ..NewReply::default()
        };
        let message = reply::reply(&mut change, agent, ticket, &new).await?;
        change.commit().await.expect("a database");
        Ok(message)
    }

    /// An agent answers on the network, and what is due leaves. Answers with the message and what went wrong.
    pub async fn answer(&self, agent: &Agent, body: &str) -> (Message, Vec<String>) {
        let id = self.try_answer(agent, body, &[], None).await.expect("it is queued");
        let errors = self.leave().await;
        (self.message(id).await, errors)
    }

    /// Sends what is due, pauses between messages left out.
    pub async fn leave(&self) -> Vec<String> {
        let past = "update message_parts set sent_at = sent_at - interval '1 minute'";
        sqlx::query(past).execute(&self.app.db).await.expect("rows");
        worker::drain(&self.app, Ts::now().plus_seconds(3700)).await
    }

    /// How far a message has come.
    pub async fn delivery(&self, id: MessageId) -> DeliveryStatus {
        self.message(id).await.delivery.expect("it is ours")
    }

    /// Does something with the provider.
    pub async fn with_way<T>(&self, act: impl AsyncFnOnce(&Way<'_>) -> T) -> T {
        let channel = self.row().await;
        act(&Way { app: &self.app, channel: &channel, calls: Caller::of(&self.app) }).await
    }
}
