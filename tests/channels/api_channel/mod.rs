//! Channels of the shop's own making, from the page on which they are made to both of their doors.

mod door;
mod examples;
mod inbound;
mod outbound;

use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Method;
use serde_json::{Value, json};
use sportello::desk::kinds::Role;
use sportello::ids::ChannelId;

use crate::support::providers::receiver::Receiver;
use crate::support::served::{Browser, Page, ServedDesk};

/// A desk, an admin, and a channel made in the browser.
struct Shop {
    desk: ServedDesk,
    admin: Browser,
    receiver: Receiver,
    id: ChannelId,
    /// Its page.
    path: String,
    /// Its name in addresses.
    name: String,
    key: String,
    outgoing: String,
    identifiers: String,
}

/// An answer of the API.
struct Told {
    status: u16,
    json: Value,
}

impl Shop {
    async fn open() -> Self {
        Self::with(&[]).await
    }

    /// With other settings than the form begins with.
    async fn with(fields: &[(&str, &str)]) -> Self {
        Self::on(ServedDesk::new().await, fields).await
    }

    async fn on(desk: ServedDesk, fields: &[(&str, &str)]) -> Self {
        let admin = desk.agent("Ada", Role::Admin).await;
        let receiver = Receiver::start().await;
        let page = make(&admin, "Blog comments", &receiver.url, fields).await.is(200);
        let path = page.attribute("form.form", "action");
        let id = path.rsplit('/').next().and_then(|id| id.parse().ok()).expect("a number");
        let name = page.text("#example").split("/channels/").nth(1).and_then(|rest| rest.split('/').next()).expect("a name").to_owned();
        let (key, outgoing, identifiers) = (page.text("#key"), page.text("#outgoing"), page.text("#identifiers"));
        Self { desk, admin, receiver, id, path, name, key, outgoing, identifiers }
    }

    async fn call_with(&self, key: &str, method: Method, path: &str, body: &Value) -> Told {
        let request = self.desk.visitor().request(method, &format!("/api/v1/channels/{}{path}", self.name));
        let response = request.bearer_auth(key).json(body).send().await.expect("an answer");
        Told { status: response.status().as_u16(), json: response.json().await.unwrap_or_default() }
    }

    /// Tells something with the channel's key and has it understood.
    async fn tell(&self, method: Method, path: &str, body: Value) {
        let told = self.call_with(&self.key, method, path, &body).await;
        assert_eq!(told.status, 202, "{}", told.json);
        self.desk.drain().await;
    }

    /// A message of the customer `user-42`.
    async fn say(&self, id: &str, text: &str) {
        self.tell(Method::POST, "/messages", message(id, text)).await;
    }

    /// An agent answers ticket 1 in the browser.
    async fn answer(&self, text: &str) -> Page {
        self.admin.post("/tickets/1/reply", &[("body", text), ("note", "0"), ("seen", "9999")]).await
    }

    async fn text(&self, sql: &'static str) -> String {
        sqlx::query_scalar(sql).fetch_one(&self.desk.app.db).await.expect(sql)
    }

    fn hash(&self, identifier: &str) -> String {
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(self.identifiers.as_bytes()).expect("any key");
        mac.update(identifier.as_bytes());
        hex::encode(mac.finalize().into_bytes())
    }
}

async fn make(admin: &Browser, name: &str, url: &str, fields: &[(&str, &str)]) -> Page {
    let usual = [("name", name), ("url", url), ("answers", "on"), ("text_limit", "1000"), ("window_hours", ""), ("audience", "private")];
    let mut form: Vec<(&str, &str)> = usual.into_iter().filter(|(name, _)| !fields.iter().any(|(other, _)| other == name)).collect();
    form.extend(fields);
    admin.post("/settings/api-channels/new", &form).await
}

fn message(id: &str, text: &str) -> Value {
    json!({ "id": id, "conversation": "thread-1", "contact": { "identifier": "user-42", "name": "Anna Verdi" }, "text": text })
}
