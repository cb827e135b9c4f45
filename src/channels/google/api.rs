//! Calls of the Business Profile APIs and what their answers mean. Source: developers.google.com/my-business.

use http::{Method, StatusCode};
use serde_json::{Map, Value};

use crate::channels::google::settings::Settings;
use crate::channels::wire::Way;
use crate::channels::wire::calls::Answered;
use crate::channels::wire::oauth::{self, Provider};
use crate::desk::networks::Fault;

/// Seconds after which a call is welcome again when Google does not say: its limits count by the minute.
const WINDOW: i64 = 60;

/// A way into the APIs as the channel's account.
pub struct Api<'a> {
    way: &'a Way<'a>,
    pub settings: Settings,
    provider: Provider,
}

impl<'a> Api<'a> {
    pub fn new(way: &'a Way<'a>) -> Self {
        let settings = Settings::of(way.channel);
        let secrets: Map<String, Value> = way.channel.secrets(&way.app.keys);
        let secret = secrets.get("client_secret").and_then(Value::as_str).unwrap_or_default();
        Self { way, provider: settings.provider(secret), settings }
    }

    /// Calls what may be done again: everything here may, since an answer to a review takes the place of the one before.
    pub async fn call(&self, method: Method, base: &str, path: &str, query: &[(&str, &str)], body: &Value) -> Result<Value, Fault> {
        judge(&self.ask(method, base, path, query, body).await?)
    }

    async fn ask(&self, method: Method, base: &str, path: &str, query: &[(&str, &str)], body: &Value) -> Result<Answered, Fault> {
        let url = format!("{}/{path}", base.trim_end_matches('/'));
        let make = |token: &str| {
            let request = self.way.calls.request(method.clone(), &url)?.query(query).bearer_auth(token);
            Ok(if body.is_null() { request } else { request.json(body) })
        };
        oauth::with_token(self.way, &self.provider, false, make).await
    }

    /// Asks for something.
    pub async fn get(&self, base: &str, path: &str, query: &[(&str, &str)]) -> Result<Value, Fault> {
        self.call(Method::GET, base, path, query, &Value::Null).await
    }

    /// Whether a review is still there: only a plain no means that it is gone.
    pub async fn has_review(&self, name: &str) -> Result<bool, Fault> {
        let answer = self.ask(Method::GET, &self.settings.base, name, &[], &Value::Null).await?;
        if answer.status == StatusCode::NOT_FOUND { Ok(false) } else { judge(&answer).map(|_| true) }
    }

    /// Calls the reviews API.
    pub async fn reviews(&self, method: Method, path: &str, query: &[(&str, &str)], body: &Value) -> Result<Value, Fault> {
        self.call(method, &self.settings.base, path, query, body).await
    }
}

/// What an answer means: the body, or a fault by what helps.
pub fn judge(answer: &Answered) -> Result<Value, Fault> {
    let body = answer.json();
    let error = &body["error"];
    if answer.status.is_success() && error.is_null() {
        let unreadable = || Fault::Later { words: "Google’s answer could not be read.".to_owned(), after: None };
        return if body.is_null() && answer.status != StatusCode::NO_CONTENT { Err(unreadable()) } else { Ok(body) };
    }
    let told = error["message"].as_str().or_else(|| error.as_str()).unwrap_or("no reason given");
    let told: String = told.chars().filter(|c| !c.is_control()).take(400).collect();
    let words = |what: &str| format!("{what} (Google: {told})");
    let code = error["code"].as_u64().unwrap_or_else(|| u64::from(answer.status.as_u16()));
    Err(match (code, error["status"].as_str().unwrap_or_default()) {
        (401, _) | (_, "UNAUTHENTICATED") => Fault::SignIn(words("Google no longer accepts the sign-in. Sign in again.")),
        (403, _) | (_, "PERMISSION_DENIED") => Fault::SignIn(words(
            "Google does not let this account in: it must manage the place, and Google must have approved the project for the Business Profile API.",
        )),
        (404, _) | (_, "NOT_FOUND") => Fault::Permanent(words("It is no longer there.")),
        (429, _) | (_, "RESOURCE_EXHAUSTED") => Fault::Later {
            words: words(
                "Google asks us to wait. If it never lets us in, its quota is 0: ask Google to approve the project for the Business Profile API.",
            ),
            after: answer.retry_after().or(Some(WINDOW)),
        },
        (500.., _) => Fault::Later { words: words("Google could not do it just now."), after: answer.retry_after() },
        (200..300, _) => Fault::Later { words: words("Google’s answer could not be read."), after: None },
        _ => Fault::Permanent(words("Google refused it.")),
    })
}
