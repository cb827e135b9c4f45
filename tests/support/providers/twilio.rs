//! A desk with a number at Twilio, and a stand-in for Twilio's API.

use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::StatusCode;
use serde_json::json;
use sportello::channels::twilio;
use sportello::desk::kinds::ChannelKind;

use super::recorder::{Asked, Recorder, Says};
use super::whatsapp::NetworkDesk;

pub const NUMBER: &str = "+390612345678";
pub const ACCOUNT: &str = "AC00000000000000000000000000000001";
pub const TOKEN: &str = "tw-auth-token";

/// A desk with the number [`NUMBER`].
pub async fn desk() -> NetworkDesk {
    let fake = Recorder::new(usual).await;
    let settings = json!({ "base": fake.url, "account_sid": ACCOUNT, "from": NUMBER });
    NetworkDesk::new(fake, ChannelKind::Sms, NUMBER, settings, &json!({ "auth_token": TOKEN })).await
}

/// What Twilio says when all is well.
fn usual(asked: &Asked) -> Says {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    let path = &*asked.path;
    if path.ends_with("/Messages.json") {
        let sid = format!("SM{:032}", COUNT.fetch_add(1, Ordering::Relaxed));
        return Says::json(201, &json!({ "sid": sid, "status": "queued", "error_code": null, "direction": "outbound-api" }));
    }
    if path.ends_with("/IncomingPhoneNumbers.json") {
        return Says::json(200, &json!({ "incoming_phone_numbers": [{ "sid": "PN1", "phone_number": NUMBER }] }));
    }
    if path.ends_with(&format!("/{ACCOUNT}.json")) {
        return Says::json(200, &json!({ "friendly_name": "Bottega", "status": "active", "type": "Full" }));
    }
    Says::json(200, &json!({}))
}

/// An error as Twilio tells it.
pub fn refusal(status: u16, code: i64, message: &str) -> Says {
    let more = format!("https://www.twilio.com/docs/errors/{code}");
    Says::json(status, &json!({ "code": code, "message": message, "more_info": more, "status": status }))
}

impl NetworkDesk {
    /// Posts a form as Twilio signs it with this token for this address.
    pub async fn post_form(&self, pairs: &[(&str, &str)], url: &str, token: &str) -> (StatusCode, String, String) {
        let owned: Vec<(String, String)> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let signature = twilio::sign(token, url, &owned);
        let request = reqwest::Client::new().post(self.hook()).form(pairs).header("x-twilio-signature", signature);
        let answer = request.send().await.expect("an answer");
        let media_type = answer.headers().get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        (answer.status(), media_type, answer.text().await.expect("a body"))
    }

    /// Posts a form of Twilio's and waits until it is understood.
    pub async fn form(&self, pairs: &[(&str, &str)]) {
        let (status, ..) = self.post_form(pairs, &self.hook(), TOKEN).await;
        assert_eq!(status, StatusCode::OK);
        self.understood().await;
    }
}
