//! What all of Meta's networks share: signatures, handshakes, Graph calls and their errors. Source: developers.facebook.com, Graph API v25.

pub mod accounts;
pub mod attachments;
pub mod events;
pub mod lookups;
pub mod messages;
pub mod settings;

use http::Method;
use reqwest::RequestBuilder;
use serde_json::Value;
use subtle::ConstantTimeEq as _;

use crate::app::App;
use crate::channels::wire::Way;
use crate::channels::wire::calls::Answered;
use crate::channels::wire::hooks::{Answer, Hook, Reply};
use crate::desk::channels::Channel;
use crate::desk::networks::Fault;
use crate::secrets;

/// Where the Graph API is unless a channel says otherwise.
pub const GRAPH: &str = "https://graph.facebook.com";
/// The version that this was written for.
pub const VERSION: &str = "v25.0";

/// Judges a webhook: the handshake of an admin's dashboard, or a delivery signed with one of these app secrets over its raw bytes.
pub fn admit(hook: &Hook, verify_token: &str, app_secrets: &[&str]) -> Answer {
    if hook.method == Method::GET {
        let given = hook.query("hub.verify_token").unwrap_or_default();
        let same: bool = given.as_bytes().ct_eq(verify_token.as_bytes()).into();
        return match hook.query("hub.challenge") {
            Some(challenge) if same && !verify_token.is_empty() && hook.query("hub.mode").as_deref() == Some("subscribe") => {
                Answer::Say(Reply::text(challenge))
            }
            _ => Answer::Refuse,
        };
    }
    let given = hook.header("x-hub-signature-256").unwrap_or_default();
    let genuine = app_secrets.iter().filter(|secret| !secret.is_empty()).any(|secret| {
        let same: bool = sign(secret, &hook.body).as_bytes().ct_eq(given.as_bytes()).into();
        same
    });
    if genuine { Answer::Take(Reply::ok()) } else { Answer::Refuse }
}

/// The same for a page or an Instagram account.
pub fn admit_by(secrets: &settings::Secrets, hook: &Hook) -> Answer {
    let app_secrets: Vec<&str> = secrets.app_secrets.iter().map(String::as_str).collect();
    admit(hook, &secrets.verify_token, &app_secrets)
}

/// Whether two channels are accounts of one app of Meta's: it signs the webhooks of all of them, and sends them to one address.
pub fn share_an_app(app: &App, one: &Channel, other: &Channel) -> bool {
    let (one_secrets, others) = (settings::app_secrets(app, one), settings::app_secrets(app, other));
    one.id == other.id || one_secrets.iter().any(|secret| others.contains(secret))
}

/// `sha256=` and the HMAC of the body in hexadecimal digits.
pub fn sign(secret: &str, body: &[u8]) -> String {
    format!("sha256={}", hex::encode(secrets::hmac(secret, &[body])))
}

/// Proves to the Graph API that a token is used by the app that it was made for.
pub fn app_secret_proof(secret: &str, token: &str) -> String {
    hex::encode(secrets::hmac(secret, &[token.as_bytes()]))
}

/// A way into the Graph API with one token.
pub struct Graph<'a> {
    pub way: &'a Way<'a>,
    /// With the version, without a slash at the end.
    pub base: String,
    pub token: String,
    /// Empty: no proof is sent along.
    pub app_secret: String,
}

impl Graph<'_> {
    /// A request to `path` (`me/messages`) as the owner of the token.
    pub fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, Fault> {
        let url = format!("{}/{}", self.base.trim_end_matches('/'), path.trim_start_matches('/'));
        let request = self.way.calls.request(method, &url)?.bearer_auth(&self.token);
        Ok(if self.app_secret.is_empty() {
            request
        } else {
            request.query(&[("appsecret_proof", app_secret_proof(&self.app_secret, &self.token))])
        })
    }

    /// Asks for something.
    pub async fn get(&self, path: &str) -> Result<Value, Fault> {
        judge(&self.way.calls.ask(self.request(Method::GET, path)?).await?)
    }

    /// Does what may be done again (subscribing, hiding, marking as read).
    pub async fn post_again(&self, path: &str, body: &Value) -> Result<Value, Fault> {
        judge(&self.way.calls.ask(self.request(Method::POST, path)?.json(body)).await?)
    }

    /// Does what must not be done twice (sending).
    pub async fn post_once(&self, path: &str, body: &Value) -> Result<Value, Fault> {
        judge(&self.way.calls.run(self.request(Method::POST, path)?.json(body)).await?)
    }

    /// Deletes something.
    pub async fn delete(&self, path: &str) -> Result<Value, Fault> {
        judge(&self.way.calls.ask(self.request(Method::DELETE, path)?).await?)
    }
}

/// What an answer of the Graph API means: the body, or a fault by what helps.
pub fn judge(answer: &Answered) -> Result<Value, Fault> {
    let body = answer.json();
    if answer.status.is_success() && body.get("error").is_none() {
        return if body.is_null() { Err(Fault::Unsure("Meta’s answer could not be read.".to_owned())) } else { Ok(body) };
    }
    Err(fault(answer, &body["error"]))
}

/// The class of a Graph error (`error` of the answer). WhatsApp's own codes are judged by its folder first.
pub fn fault(answer: &Answered, error: &Value) -> Fault {
    let code = error["code"].as_i64().unwrap_or_default();
    let subcode = error["error_subcode"].as_i64().unwrap_or_default();
    let told = error["error_user_msg"].as_str().or_else(|| error["message"].as_str()).unwrap_or("no reason given");
    let words = |what: &str| format!("{what} (Meta: {told})");
    match (code, subcode) {
        // 458 app removed, 460 password changed, 463 expired, 464 unconfirmed, 467 invalid, 492 session changed.
        (190 | 102, _) => Fault::SignIn(words("Meta no longer accepts the sign-in. Connect the account again.")),
        (10, 2_018_278 | 2_534_022) => {
            Fault::Window(words("The time for answers is over on this network: the customer has to write again first."))
        }
        (551 | 9010, _) | (100, 2_018_001 | 2_018_218) => {
            Fault::Recipient(words("This person cannot be reached: messages are off, or we were blocked."))
        }
        (100, _) if told.contains("No matching user") => Fault::Recipient(words("This person is not known on this network any more.")),
        (368, _) | (10, 1_893_063) => Fault::Permanent(words("Meta has restricted this account for a while because of its policies.")),
        // Somebody's consent to show their profile; the sign-in is as good as before.
        (230, _) => Fault::Permanent(words("This person does not let us see that.")),
        (3 | 10 | 200..=299, _) => {
            Fault::SignIn(words("The sign-in does not cover this. Connect the account again and allow what is asked."))
        }
        (1 | 2 | 4 | 17 | 32 | 613, _) => Fault::Later { words: words("Meta asks us to try again later."), after: regain(answer) },
        _ if answer.status.as_u16() == 429 || answer.status.is_server_error() || error["is_transient"].as_bool() == Some(true) => {
            Fault::Later { words: words("Meta could not do it just now."), after: regain(answer) }
        }
        _ => Fault::Permanent(words("Meta refused it.")),
    }
}

/// Seconds until calls are welcome again, where the headers tell. `X-Business-Use-Case-Usage` counts in minutes.
fn regain(answer: &Answered) -> Option<i64> {
    let usage = answer.headers.get("x-business-use-case-usage").and_then(|value| value.to_str().ok());
    let usage: Option<Value> = usage.and_then(|text| serde_json::from_str(text).ok());
    let minutes = usage.as_ref().and_then(Value::as_object).into_iter().flatten().flat_map(|(_, list)| list.as_array()).flatten();
    let longest = minutes.filter_map(|one| one["estimated_time_to_regain_access"].as_i64()).max().filter(|minutes| *minutes > 0);
    longest.map(|minutes| minutes * 60).or_else(|| answer.retry_after())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_match_the_reference() {
        assert_eq!(
            sign("meta-app-secret", br#"{"object":"page","entry":[]}"#),
            "sha256=5dcb51eb590634700c8d9cc1fde4d2d5981ca7bb83f250eb3fb71bfd849057ed"
        );
        assert_eq!(
            sign("meta-app-secret", br#"{"text":"perch\u00e9 no"}"#),
            "sha256=0eb26b59bde6e20ef16c7086371968b6bd8b1f3c2f5bec85b94b1feae3a1a9eb"
        );
        assert_eq!(app_secret_proof("meta-app-secret", "EAAtoken"), "e2a1d81d1297cc27ef899063c396018fcebf35297396d5da7009a921f9c18726");
    }
}
