//! Our answers to reviews: one for each, the newest counts.

use std::num::NonZeroU32;
use std::sync::LazyLock;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use http::Method;
use serde_json::{Value, json};

use crate::channels::google::api::Api;
use crate::channels::google::parse::reply_id;
use crate::channels::wire::{Receipt, Recipient, Way};
use crate::desk::changes::Change;
use crate::desk::networks::parts::Part;
use crate::desk::networks::{Fault, Said, acts, take};
use crate::desk::tickets::thread::Message;

/// Google lets a profile be changed ten times a minute. Per process; beyond, Google itself says so.
fn keep_pace(location: &str) -> Result<(), Fault> {
    static PACES: LazyLock<DefaultKeyedRateLimiter<String>> =
        LazyLock::new(|| RateLimiter::keyed(Quota::per_minute(NonZeroU32::new(10).unwrap_or(NonZeroU32::MIN))));
    PACES.check_key(&location.to_owned()).map_err(|until| {
        let wait = until.wait_time_from(DefaultClock::default().now()).as_secs() + 1;
        Fault::Later { words: "Google lets a place be changed ten times a minute.".to_owned(), after: i64::try_from(wait).ok() }
    })
}

/// The review that a conversation is about, if it is one of this place.
fn review_of<'a>(api: &Api<'_>, conversation: &'a str) -> Result<&'a str, Fault> {
    let name = conversation.strip_prefix("review:").filter(|name| {
        let rest = name.strip_prefix(&format!("{}/reviews/", api.settings.location));
        rest.is_some_and(|id| !id.is_empty() && !id.contains(['/', '?', '#']))
    });
    name.ok_or_else(|| Fault::Permanent("This review is not of the place that the channel is connected to.".to_owned()))
}

/// Answers a review. An answer that stands there already is written over.
pub async fn send(way: &Way<'_>, to: &Recipient, message: &Message, part: &Part) -> Result<Receipt, Fault> {
    let api = Api::new(way);
    let review = review_of(&api, &to.conversation)?;
    keep_pace(&api.settings.location)?;
    let answer = api.reviews(Method::PUT, &format!("{review}/reply"), &[], &json!({ "comment": part.body })).await?;
    let replaced = async {
        let mut change = Change::begin(way.app).await?;
        acts::replaced(&mut change, message.ticket_id, Some(message.id)).await?;
        change.commit().await
    };
    if let Err(error) = replaced.await {
        tracing::warn!(%error, "cannot note that an answer to a review was replaced");
    }
    Ok(Receipt { id: reply_id(review, answer["comment"].as_str().unwrap_or(&part.body)), ..Receipt::default() })
}

/// Takes our answer to a review back.
pub async fn delete(way: &Way<'_>, target: &str) -> Result<(), Fault> {
    let api = Api::new(way);
    let review = target.split_once("/reply/").map_or(target, |(review, _)| review);
    keep_pace(&api.settings.location)?;
    api.reviews(Method::DELETE, &format!("{review}/reply"), &[], &Value::Null).await.map(drop)
}

/// An answer that was written elsewhere took the place of ours.
pub async fn complete(way: &Way<'_>, said: &Said) {
    if said.echo.is_none() {
        return;
    }
    let noted = async {
        let mut change = Change::begin(way.app).await?;
        if let Some(ticket) = take::find_conversation(&mut change, way.channel, &said.conversation).await? {
            acts::replaced(&mut change, ticket, None).await?;
        }
        change.commit().await
    };
    if let Err(error) = noted.await {
        tracing::warn!(%error, "cannot note that an answer to a review was replaced");
    }
}
