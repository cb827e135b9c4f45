//! A desk with an X account, and a stand-in for X.

use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sportello::channels::x::sign;
use sportello::clock::Ts;
use sportello::desk::kinds::ChannelKind;

use super::recorder::{Asked, Recorder, Says};
use super::whatsapp::NetworkDesk;

pub const OWN: &str = "1111111111";
pub const ANNA: &str = "2222222222";
pub const SECRET: &str = "x-consumer-secret";

/// A desk with the account [`OWN`], which X tells everything.
pub async fn desk() -> NetworkDesk {
    desk_with(json!({ "webhook_id": "1146", "subscribed": ["dm.received", "post.mention.create"] })).await
}

/// The same with other settings.
pub async fn desk_with(more: Value) -> NetworkDesk {
    let fake = Recorder::new(usual).await;
    let mut settings =
        json!({ "base": fake.url, "authorize": format!("{}/i/oauth2/authorize", fake.url), "client_id": "client-1", "handle": "barsport" });
    for (key, value) in more.as_object().expect("settings") {
        settings[key] = value.clone();
    }
    NetworkDesk::new(fake, ChannelKind::X, OWN, settings, &secrets()).await
}

/// What lets the desk in.
pub fn secrets() -> Value {
    json!({ "consumer_secret": SECRET, "bearer": "app-bearer", "client_secret": "client-secret", "access_token": "user-token", "refresh_token": "refresh-1" })
}

/// What X says when all is well.
fn usual(asked: &Asked) -> Says {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let path = &*asked.path;
    let post = asked.method == Method::POST;
    let (status, body) = if path == "/2/oauth2/token" {
        (200, tokens(&format!("renewed-{count}"), &format!("refresh-{count}")))
    } else if path == "/2/users/me" {
        (200, json!({ "data": { "id": OWN, "name": "Bar Sport", "username": "barsport" } }))
    } else if path == "/2/webhooks" && post {
        (
            200,
            json!({ "data": { "id": "1146654567674912769", "url": asked.json()["url"], "valid": true, "created_at": "2026-10-01T00:00:00Z" } }),
        )
    } else if path == "/2/webhooks" {
        let known = ["1", "1146"].map(|id| json!({ "id": id, "url": "https://elsewhere.example/x", "valid": true }));
        (200, json!({ "data": known }))
    } else if path.starts_with("/2/activity/subscriptions") && post {
        (200, json!({ "data": { "subscription": { "subscription_id": count.to_string() } } }))
    } else if path.starts_with("/2/dm_conversations/media/") {
        return Says::bytes(200, "image/jpeg", b"jpeg!".to_vec());
    } else if path.starts_with("/2/dm_conversations/") {
        (201, json!({ "data": { "dm_conversation_id": "1111111111-2222222222", "dm_event_id": format!("30000000000000{count}") } }))
    } else if path == "/2/tweets" && post {
        (201, json!({ "data": { "id": format!("40000000000000{count}"), "text": asked.json()["text"] } }))
    } else if path.starts_with("/2/tweets/") && asked.method == Method::DELETE {
        (200, json!({ "data": { "deleted": true } }))
    } else if path.starts_with("/2/media/upload") {
        (200, json!({ "data": { "id": "900", "media_key": "3_900" } }))
    } else {
        // Nothing new, nobody known.
        (200, json!({ "meta": { "result_count": 0 } }))
    };
    Says::json(status, &body)
}

/// What the token address gives out.
pub fn tokens(access: &str, refresh: &str) -> Value {
    json!({ "token_type": "bearer", "expires_in": 7200, "access_token": access, "refresh_token": refresh, "scope": "dm.read" })
}

/// An error as X tells it.
pub fn problem(status: u16, title: &str, detail: &str) -> Says {
    Says::json(status, &json!({ "title": title, "type": "about:blank", "status": status, "detail": detail }))
}

/// An event of the Activity API.
pub fn event(kind: &str, payload: Value) -> Value {
    json!({ "data": { "event_uuid": "-6850472171600526495", "filter": { "user_id": OWN }, "event_type": kind, "tag": "sportello-1", "payload": payload,
        "includes": { "users": [{ "id": ANNA, "name": "Anna Verdi", "username": "annav" }] } } })
}

/// An id that X gives out now.
pub fn id_now(number: i64) -> String {
    (((Ts::now().0.as_millisecond() - 1_288_834_974_657) << 22) + number).to_string()
}

/// A direct message of Anna's, with more beside its text.
pub fn dm(id: &str, text: &str, more: &Value) -> Value {
    dm_between(id, ANNA, OWN, text, more)
}

/// A direct message between two.
pub fn dm_between(id: &str, from: &str, to: &str, text: &str, more: &Value) -> Value {
    let mut data = json!({ "text": text, "entities": { "hashtags": [], "symbols": [], "user_mentions": [], "urls": [] } });
    for (key, value) in more.as_object().into_iter().flatten() {
        data[key] = value.clone();
    }
    let kind = if from == OWN { "dm.sent" } else { "dm.received" };
    event(
        kind,
        json!({ "direct_message_events": [{ "type": "message_create", "id": id, "created_timestamp": Ts::now().0.as_millisecond().to_string(),
        "message_create": { "target": { "recipient_id": to }, "sender_id": from, "message_data": data } }],
        "users": { ANNA: { "data": { "id": ANNA, "name": "Anna Verdi", "username": "annav" } } } }),
    )
}

/// A post of Anna's that names the account.
pub fn mention(id: &str, text: &str) -> Value {
    json!({ "id": id, "text": text, "author_id": ANNA, "conversation_id": id, "created_at": Ts::now().0.to_string(),
        "entities": { "mentions": [{ "start": 0, "end": 9, "username": "barsport", "id": OWN }] }, "edit_history_tweet_ids": [id] })
}

impl NetworkDesk {
    /// Posts bytes with a signature of X's.
    pub async fn post_x(&self, raw: &[u8], signature: Option<&str>) -> StatusCode {
        let mut request = reqwest::Client::new().post(self.hook()).header("content-type", "application/json").body(raw.to_vec());
        if let Some(signature) = signature {
            request = request.header("x-twitter-webhooks-signature", signature);
        }
        request.send().await.expect("an answer").status()
    }

    /// X tells something, and it is understood.
    pub async fn bring(&self, body: &Value) {
        let raw = body.to_string();
        assert_eq!(self.post_x(raw.as_bytes(), Some(&sign(SECRET, raw.as_bytes()))).await, StatusCode::OK);
        self.understood().await;
    }

    /// A value of one row, as text.
    pub async fn text(&self, sql: &'static str) -> String {
        sqlx::query_scalar(sql).fetch_one(&self.app.db).await.expect(sql)
    }

    /// Asks the provider once for what is new, and waits until it is understood.
    pub async fn poll(&self) -> sportello::jobs::Outcome {
        let outcome = sportello::channels::poll(&self.app, self.channel).await;
        self.understood().await;
        outcome
    }

    /// Puts a file to an agent's next answer.
    pub async fn upload(&self, agent: &sportello::desk::agents::Agent, name: &str, media_type: &str, bytes: &[u8]) {
        let file = sportello::desk::envelope::IncomingFile {
            name: name.to_owned(),
            media_type: media_type.to_owned(),
            bytes: bytes.to_vec(),
            content_id: None,
            inline: false,
        };
        let ticket = self.ticket().await;
        let stored = sportello::desk::files::StoredFile::store(&self.app, &file).await.expect("stored");
        let mut db = self.app.db.acquire().await.expect("a database");
        sportello::desk::files::add_upload(&mut db, ticket, agent.id, &stored).await.expect("a row");
    }
}
