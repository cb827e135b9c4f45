//! Telegram: a bot is connected in the browser, customers write to it, agents answer.

mod answering;
mod connecting;
mod gestures;
mod hearing;

use serde_json::{Value, json};
use sportello::clock::Ts;
use sportello::desk::agents::Agent;
use sportello::desk::channels::{self, ChannelDraft, seal};
use sportello::desk::kinds::ChannelKind;
use sportello::ids::{ChannelId, TicketId};

use crate::support::providers::telegram::TelegramServer;
use crate::support::served::ServedDesk;

const TOKEN: &str = "123456789:AAEsecret";
const HOOK_TOKEN: &str = "the-hook-token";

/// A desk with a bot.
struct Bot {
    desk: ServedDesk,
    telegram: TelegramServer,
    channel: ChannelId,
    http: reqwest::Client,
}

impl Bot {
    async fn new() -> Self {
        let desk = ServedDesk::new().await;
        let telegram = TelegramServer::new().await;
        let mut db = desk.app.db.acquire().await.expect("a database");
        let draft = ChannelDraft {
            kind: ChannelKind::Telegram,
            name: "Telegram".into(),
            address: Some("123456789".into()),
            team_id: None,
            language: None,
            enabled: true,
            settings: json!({ "base": telegram.url }),
            secrets: Some(seal(&desk.app.keys, &json!({ "token": TOKEN, "hook_token": HOOK_TOKEN })).expect("sealed")),
        };
        let channel = channels::create(&mut db, &draft).await.expect("a channel");
        drop(db);
        sportello::channels::wire::declare(&desk.app).await.expect("a database");
        desk.app.cache.invalidate_all();
        Self { desk, telegram, channel, http: reqwest::Client::new() }
    }

    /// Telegram brings an update; answers with the status it got.
    async fn bring(&self, update: &Value) -> u16 {
        self.bring_with(&update.to_string(), Some(HOOK_TOKEN)).await
    }

    async fn bring_with(&self, body: &str, token: Option<&str>) -> u16 {
        let mut request = self.http.post(format!("{}/hooks/telegram/{}", self.desk.url, self.channel)).body(body.to_owned());
        if let Some(token) = token {
            request = request.header("X-Telegram-Bot-Api-Secret-Token", token);
        }
        request.send().await.expect("an answer").status().as_u16()
    }

    /// A customer writes; the ticket that it made or went on in.
    async fn hears(&self, id: i64, text: &str) -> TicketId {
        assert_eq!(self.bring(&message(id, json!({ "text": text }))).await, 200);
        self.desk.understood().await;
        sqlx::query_scalar("select ticket_id from messages where provider_id = $1")
            .bind(format!("987654321:{id}"))
            .fetch_one(&self.desk.app.db)
            .await
            .map(TicketId)
            .expect("the message")
    }

    async fn agent(&self) -> Agent {
        self.desk.desk.agent("Anna").await
    }

    /// Does what is due within a minute; answers with what went wrong.
    async fn work(&self) -> Vec<String> {
        sportello::worker::drain(&self.desk.app, Ts::now().plus_seconds(60)).await
    }

    async fn text(&self, sql: &'static str) -> String {
        sqlx::query_scalar(sql).fetch_one(&self.desk.app.db).await.expect(sql)
    }
}

/// A message of Anna Verdi in her chat with the bot, with these contents.
fn message(id: i64, contents: Value) -> Value {
    let mut message = json!({
        "message_id": id,
        "from": { "id": 987_654_321, "is_bot": false, "first_name": "Anna", "last_name": "Verdi", "username": "annav", "language_code": "it" },
        "chat": { "id": 987_654_321, "type": "private", "first_name": "Anna", "username": "annav" },
        "date": 1_791_004_000 + id,
    });
    for (key, value) in contents.as_object().expect("contents") {
        message[key] = value.clone();
    }
    json!({ "update_id": 700_000_000 + id, "message": message })
}
