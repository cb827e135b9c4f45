//! Brings what happened on the desk to the shop's programs.

use std::time::{Duration, Instant};

use http::StatusCode;
use serde_json::Value;

use crate::app::App;
use crate::channels::wire::calls::{Answered, Caller};
use crate::channels::wire::signed;
use crate::desk::changes::Change;
use crate::desk::webhooks::log::{self, Due, Failure, Result};
use crate::jobs::Outcome;

/// For one attempt, its answer included.
const PATIENCE: Duration = Duration::from_secs(5);
/// What is kept of an answer, in characters.
const EXCERPT: usize = 500;

/// Makes one attempt and records how it went.
pub async fn deliver(app: &App, due: &Due, payload: &Value) -> Outcome {
    let begun = Instant::now();
    let mut result = attempt(app, due, payload).await;
    result.milliseconds = i32::try_from(begun.elapsed().as_millis()).unwrap_or(i32::MAX);
    match record(app, due, &result).await {
        Ok(Some(seconds)) => Outcome::Again(seconds),
        Ok(None) => Outcome::Done,
        Err(error) => Outcome::Retry(error.to_string()),
    }
}

async fn attempt(app: &App, due: &Due, payload: &Value) -> Result {
    let failed = |words: String, again: bool| Result { failure: Some(Failure { words, again }), ..Result::default() };
    let Some(secret) = due.endpoint.open_secret(&app.keys) else {
        return failed("Its secret cannot be read any more: the desk’s key has changed. Make a new secret.".to_owned(), false);
    };
    match signed::post(&Caller::of(app), &due.endpoint.url, &secret, &due.uid, payload, PATIENCE).await {
        Ok(answer) => judge(&answer),
        Err(fault) => failed(fault.to_string().replace("The provider", "The endpoint"), fault.class() == "later"),
    }
}

fn judge(answer: &Answered) -> Result {
    let status = answer.status;
    let failure = if status.is_success() {
        None
    } else if status.is_redirection() {
        Some(Failure { words: format!("It answered {status}. Redirects are not followed: enter the final address."), again: true })
    } else if status == StatusCode::GONE {
        Some(Failure { words: format!("It answered {status}."), again: false })
    } else {
        Some(Failure { words: format!("It answered {status}."), again: true })
    };
    Result { status: i16::try_from(status.as_u16()).ok(), answer: excerpt(&answer.body), failure, milliseconds: 0 }
}

/// The beginning of an answer, as text that Postgres takes.
fn excerpt(body: &[u8]) -> String {
    let body = &body[..body.len().min(EXCERPT * 4)];
    let text: String = String::from_utf8_lossy(body).chars().filter(|c| !c.is_control() || *c == '\n').take(EXCERPT).collect();
    text.trim().to_owned()
}

async fn record(app: &App, due: &Due, result: &Result) -> sqlx::Result<Option<i64>> {
    let mut change = Change::begin(app).await?;
    let next = log::settle(&mut change, due, result).await?;
    if result.failure.is_some() && log::switch_off_failing(&mut change, due.endpoint.id).await? {
        tracing::warn!(endpoint = %due.endpoint.id, "a webhook endpoint has failed for three days and is switched off");
        change.touch_settings();
    }
    change.commit().await?;
    Ok(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_short_text_whatever_was_answered() {
        assert_eq!(excerpt(b"  ok\r\n"), "ok");
        assert_eq!(excerpt(&[0, 159, 146, 150]).chars().next(), Some('\u{fffd}'));
        assert_eq!(excerpt("è".repeat(5000).as_bytes()).chars().count(), EXCERPT);
    }
}
