//! Calls of X's API and what its answers mean. Source: docs.x.com, API v2.

use http::{Method, StatusCode};
use reqwest::RequestBuilder;
use serde_json::Value;

use crate::channels::wire::Way;
use crate::channels::wire::calls::Answered;
use crate::channels::wire::oauth::{self, Provider};
use crate::channels::x::settings::{Secrets, Settings};
use crate::clock::Ts;
use crate::desk::networks::Fault;

/// Seconds after which a call is welcome again when X does not say.
const WINDOW: i64 = 15 * 60;

/// A way into the API as the channel's account.
pub struct Api<'a> {
    pub way: &'a Way<'a>,
    pub settings: Settings,
    /// Of the app itself; empty: none is entered.
    bearer: String,
    base: String,
    provider: Provider,
}

impl<'a> Api<'a> {
    pub fn new(way: &'a Way<'a>) -> Self {
        let settings = Settings::of(way.channel);
        let secrets: Secrets = way.channel.secrets(&way.app.keys);
        let provider = settings.provider(&secrets.client_secret);
        Self { way, base: settings.base.trim_end_matches('/').to_owned(), bearer: secrets.bearer, provider, settings }
    }

    /// Whether the app's own token is entered.
    pub fn has_bearer(&self) -> bool {
        !self.bearer.is_empty()
    }

    fn request(&self, method: Method, path: &str, token: &str) -> Result<RequestBuilder, Fault> {
        Ok(self.way.calls.request(method, &format!("{}{path}", self.base))?.bearer_auth(token))
    }

    /// Calls as the account; `once`: what must not be done twice.
    async fn call(
        &self,
        once: bool,
        method: Method,
        path: &str,
        fill: impl Fn(RequestBuilder) -> RequestBuilder + Send + Sync,
    ) -> Result<Value, Fault> {
        let make = |token: &str| self.request(method.clone(), path, token).map(&fill);
        judge(&oauth::with_token(self.way, &self.provider, once, make).await?).map_err(|fault| match fault {
            // What may be done twice is simply done again.
            Fault::Unsure(words) if !once => Fault::Later { words, after: None },
            other => other,
        })
    }

    /// Asks for something.
    pub async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, Fault> {
        self.call(false, Method::GET, path, |request| request.query(query)).await
    }

    /// Does what may be done again.
    pub async fn again(&self, method: Method, path: &str, body: &Value) -> Result<Value, Fault> {
        self.call(false, method, path, |request| if body.is_null() { request } else { request.json(body) }).await
    }

    /// Does what must not be done twice.
    pub async fn once(&self, path: &str, body: &Value) -> Result<Value, Fault> {
        self.call(true, Method::POST, path, |request| request.json(body)).await
    }

    /// Hands over a form with a file; handed over twice, it is there twice and one of them is never used.
    pub async fn upload(&self, path: &str, form: impl Fn() -> reqwest::multipart::Form + Send + Sync) -> Result<Value, Fault> {
        self.call(false, Method::POST, path, |request| request.multipart(form())).await
    }

    /// Calls as the app itself.
    pub async fn as_app(&self, method: Method, path: &str, body: &Value) -> Result<Value, Fault> {
        let request = self.request(method, path, &self.bearer)?;
        let request = if body.is_null() { request } else { request.json(body) };
        judge(&self.way.calls.ask(request).await?)
    }

    /// A file behind the account's sign-in.
    pub async fn file(&self, path: &str) -> Result<crate::channels::wire::calls::Fetched, Fault> {
        let token = oauth::token(self.way, &self.provider).await?;
        self.way.calls.fetch(&format!("{}{path}", self.base), |request| request.bearer_auth(&token)).await
    }
}

/// What an answer means: the body, or a fault by what helps. A success may carry errors about parts of it.
pub fn judge(answer: &Answered) -> Result<Value, Fault> {
    let body = answer.json();
    if answer.status.is_success() {
        return match (&body, body["errors"].get(0)) {
            (Value::Null, _) if answer.status == StatusCode::NO_CONTENT || answer.body.is_empty() => Ok(body),
            (Value::Null, _) => Err(Fault::Unsure("X’s answer could not be read.".to_owned())),
            (_, Some(error)) if body["data"].is_null() => Err(fault(answer, error)),
            _ => Ok(body),
        };
    }
    // Old errors come in a list, new ones as the whole answer.
    Err(fault(answer, body["errors"].get(0).filter(|_| body["detail"].is_null()).unwrap_or(&body)))
}

/// The class of an error, by its status, its type and, where X has nothing better, by its words.
fn fault(answer: &Answered, error: &Value) -> Fault {
    let told = ["detail", "message", "title", "reason"].iter().find_map(|key| error[*key].as_str()).unwrap_or("no reason given");
    let told: String = told.chars().filter(|c| !c.is_control()).take(300).collect();
    let kind = error["type"].as_str().unwrap_or_default().rsplit('/').next().unwrap_or_default().to_owned();
    let lower = told.to_lowercase();
    let words = |what: &str| format!("{what} (X: {told})");
    let any = |marks: &[&str]| marks.iter().any(|mark| lower.contains(mark));
    // Of an error inside a success, its own status counts.
    let status = if answer.status.is_success() { error["status"].as_u64().unwrap_or(400) } else { u64::from(answer.status.as_u16()) };
    match (status, error["code"].as_i64().unwrap_or_default()) {
        (429, _) | (_, 88) => Fault::Later { words: words("X asks us to wait."), after: reset(answer).or(Some(WINDOW)) },
        (500.., _) | (_, 130 | 131) => Fault::Later { words: words("X could not do it just now."), after: answer.retry_after() },
        (401, _) | (_, 32 | 89 | 99 | 326) => Fault::SignIn(words("X no longer accepts the sign-in. Sign in again.")),
        (402, _) => Fault::SignIn(words("X wants to be paid first: look at the app’s plan and credits in X’s developer console.")),
        (_, 187) => Fault::Permanent(words("X takes the same words only once. Change them a little.")),
        (_, 150 | 151 | 349) => Fault::Recipient(words("This person takes no direct messages from the account.")),
        (_, 433) => Fault::Permanent(words(UNCALLED)),
        (_, 144 | 385) | (404, _) => Fault::Permanent(words("It is no longer there.")),
        (403, _) if any(&["duplicate"]) => Fault::Permanent(words("X takes the same words only once. Change them a little.")),
        (403, _) if any(&["mentioned", "quoted", "reply to this conversation", "not allowed to reply", "reply is not allowed"]) => {
            Fault::Permanent(words(UNCALLED))
        }
        (403, _) if any(&["dm ", "dms", "direct message", "participant", "blocked", "message the", "messages to this user"]) => {
            Fault::Recipient(words("This person takes no direct messages from the account, or has blocked it."))
        }
        (403, _) if any(&["suspended", "locked", "scope", "permission", "enrolled", "project"]) => {
            Fault::SignIn(words("X does not let the app do this. Look at its permissions and plan, then sign in again."))
        }
        (403, _) if matches!(&*kind, "client-forbidden" | "oauth1-permissions" | "unsupported-authentication") => {
            Fault::SignIn(words("X does not let the app do this. Look at its permissions and plan, then sign in again."))
        }
        (403, _) => Fault::Permanent(words("X does not permit this.")),
        _ => Fault::Permanent(words("X refused it.")),
    }
}

/// What an agent reads whose public answer X would not take.
pub const UNCALLED: &str = "X takes public answers by programs only to posts that mention or quote the account. Answer this one in X itself, or ask the customer to mention the account.";

/// Seconds until X counts anew.
fn reset(answer: &Answered) -> Option<i64> {
    let at: i64 = answer.headers.get("x-rate-limit-reset")?.to_str().ok()?.trim().parse().ok()?;
    Some((at - Ts::now().0.as_second() + 1).max(1))
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use serde_json::json;

    use super::*;

    fn answered(status: u16, body: &Value) -> Answered {
        let status = StatusCode::from_u16(status).unwrap_or_default();
        Answered { status, headers: HeaderMap::new(), body: body.to_string().into_bytes() }
    }

    #[test]
    fn errors_are_told_apart_by_what_helps() {
        let problem = |status: u16, detail: &str| {
            let body = json!({ "title": "x", "type": "about:blank", "status": status, "detail": detail });
            judge(&answered(status, &body)).map_err(|fault| fault.class())
        };
        for (status, detail, class) in [
            (401, "Unauthorized", "sign_in"),
            (402, "Your account does not have any credits", "sign_in"),
            (403, "You are not permitted to DM one or more participants", "recipient"),
            (403, "You are not allowed to create a Tweet with duplicate content.", "permanent"),
            (403, "Reply to this conversation is not allowed because you have not been mentioned", "permanent"),
            (403, "Your account is suspended", "sign_in"),
            (403, "Forbidden", "permanent"),
            (404, "Could not find tweet", "permanent"),
            (429, "Too Many Requests", "later"),
            (503, "Service Unavailable", "later"),
        ] {
            assert_eq!(problem(status, detail), Err(class), "{status} {detail}");
        }
        let old = json!({ "errors": [{ "code": 88, "message": "Rate limit exceeded" }] });
        assert_eq!(judge(&answered(400, &old)).map_err(|fault| fault.class()), Err("later"));
        let partial = json!({ "errors": [{ "title": "Not Found Error", "detail": "gone", "type": "x/problems/resource-not-found" }] });
        assert_eq!(judge(&answered(200, &partial)).map_err(|fault| fault.class()), Err("permanent"));
        let some = json!({ "data": { "id": "1" }, "errors": [{ "detail": "the author is suspended" }] });
        assert!(judge(&answered(200, &some)).is_ok());
        let words = Answered { body: b"<html>".to_vec(), ..answered(200, &json!({})) };
        assert_eq!(judge(&words).map_err(|fault| fault.class()), Err("unsure"));
    }
}
