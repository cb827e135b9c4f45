//! A desk with a telephone, told of by an exchange, sipgate or Twilio Voice.

use reqwest::StatusCode;
use serde_json::{Value, json};
use sportello::desk::kinds::{ChannelKind, Role};

use super::recorder::{Asked, Recorder, Says};
use super::twilio::{ACCOUNT, TOKEN};
use super::whatsapp::NetworkDesk;
use crate::support::served::{Browser, Page};

/// The shop's number.
pub const LINE: &str = "+390612345678";
/// What exchanges show.
pub const SECRET: &str = "exchange-secret";
/// A recording.
pub const SOUND: &[u8] = b"ID3 a voice that asks where its boots are";

/// A desk whose telephone is told of in this way.
pub async fn desk(provider: &str) -> NetworkDesk {
    desk_with(provider, json!({})).await
}

/// The same with further settings.
pub async fn desk_with(provider: &str, more: Value) -> NetworkDesk {
    let fake = Recorder::new(usual).await;
    let mut settings = json!({ "provider": provider, "country": "39", "base": fake.url, "account_sid": ACCOUNT, "number": LINE });
    for (name, value) in more.as_object().expect("an object") {
        settings[name] = value.clone();
    }
    let secrets = json!({ "token": SECRET, "auth_token": TOKEN });
    NetworkDesk::new(fake, ChannelKind::Phone, LINE, settings, &secrets).await
}

fn usual(asked: &Asked) -> Says {
    let path = &*asked.path;
    if path.contains("/Recordings/") {
        return Says::bytes(200, "audio/mpeg", SOUND.to_vec());
    }
    if path.ends_with("/IncomingPhoneNumbers.json") {
        return Says::json(200, &json!({ "incoming_phone_numbers": [{ "sid": "PN1", "phone_number": LINE }] }));
    }
    Says::json(200, &json!({ "friendly_name": "Bottega", "status": "active" }))
}

/// An event of a call from Anna's mobile, as an exchange tells it.
pub fn event(name: &str, id: &str, more: &Value) -> Value {
    let mut event = json!({ "event": name, "from": "393331234567", "to": "390612345678", "direction": "in", "callId": id });
    for (key, value) in more.as_object().expect("an object") {
        event[key] = value.clone();
    }
    event
}

/// What is known of the only call.
#[derive(Debug, sqlx::FromRow)]
pub struct Row {
    pub id: i64,
    pub incoming: bool,
    pub number: String,
    pub state: String,
    pub cause: String,
    pub agent_id: Option<i64>,
    pub ticket_id: Option<i64>,
    pub answered: bool,
    pub recording: bool,
    pub recording_error: Option<String>,
    pub refused: bool,
    pub seconds: Option<i32>,
}

impl NetworkDesk {
    /// Posts an event as an exchange does, with the secret in the path.
    pub async fn exchange(&self, event: &Value) -> (StatusCode, String) {
        self.exchange_at(&format!("{}/{SECRET}", self.hook()), event).await
    }

    /// The same to another address.
    pub async fn exchange_at(&self, url: &str, event: &Value) -> (StatusCode, String) {
        let answer = reqwest::Client::new().post(url).json(event).send().await.expect("an answer");
        (answer.status(), answer.text().await.expect("a body"))
    }

    /// Tells of an event, and waits until it is understood.
    pub async fn tell(&self, name: &str, id: &str, more: &Value) {
        let (status, body) = self.exchange(&event(name, id, more)).await;
        assert_eq!((status, &*body), (StatusCode::OK, "{}"));
        self.understood().await;
    }

    /// Posts a form as Twilio signs it, to this step of the channel's address.
    pub async fn voice(&self, step: &str, pairs: &[(&str, &str)]) -> (StatusCode, String) {
        let url = if step.is_empty() { self.hook() } else { format!("{}?step={step}", self.hook()) };
        let owned: Vec<(String, String)> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let signature = sportello::channels::twilio::sign(TOKEN, &url, &owned);
        let request = reqwest::Client::new().post(url).form(pairs).header("x-twilio-signature", signature);
        let answer = request.send().await.expect("an answer");
        let told = (answer.status(), answer.text().await.expect("a body"));
        self.understood().await;
        told
    }

    /// The only call.
    pub async fn call(&self) -> Row {
        let rows: Vec<Row> = sqlx::query_as(
            "select id, incoming, number, state::text, cause, agent_id, ticket_id, answered_at is not null as answered, recording,
                    recording_error, refused, seconds from calls",
        )
        .fetch_all(&self.app.db)
        .await
        .expect("rows");
        assert_eq!(rows.len(), 1, "{rows:?}");
        rows.into_iter().next().expect("a row")
    }

    /// An agent at their screen.
    pub async fn giulia(&self) -> Browser {
        self.desk.agent("Giulia", Role::Agent).await
    }
}

/// The cards of calls on a page.
pub fn cards(page: &Page) -> Vec<String> {
    page.texts("#calls .call")
}
