//! Asks Google for what has changed: newest first, down to what was seen; and once a day for everything, to notice what is gone.

use std::collections::HashSet;
use std::time::Duration;

use http::Method;
use serde_json::{Map, Value, json};

use crate::channels::google::api::Api;
use crate::channels::google::parse::{self, name_of};
use crate::channels::wire::reading::{list, moment};
use crate::channels::wire::{Polled, Way};
use crate::clock::Ts;
use crate::desk::networks::{Fault, Step, take};

/// Seconds between two questions.
const INTERVAL: i64 = 120;
/// Seconds that are read once more: what was written while the last answer was made.
const OVERLAP: i64 = 60;
/// Seconds between two looks at everything.
const SWEEP: i64 = 24 * 3600;
/// Seconds until a look that did not come to its end is tried again, and how long one may take.
const ONCE_MORE: i64 = 3600;
const PATIENCE: Duration = Duration::from_secs(90);
/// Seconds for which Google's keys are good.
const KEYS: i64 = 3600;
/// Pages of one question, and of a look at everything.
const MAX_PAGES: usize = 20;
const MAX_SWEEP: usize = 400;
/// Reviews of which is remembered how they looked.
const RECENT: usize = 100;
/// Reviews that are asked for by name in one sweep, because they were not seen in it.
const MAX_ASKED: usize = 60;

/// Everything that changed since the newest change that was seen.
pub async fn poll(way: &Way<'_>) -> Result<Polled, Fault> {
    let api = Api::new(way);
    if api.settings.location.is_empty() {
        return Err(Fault::Permanent("Choose the place whose reviews come here.".to_owned()));
    }
    let mut cursor = way.channel.cursor.as_object().cloned().unwrap_or_default();
    let now = Ts::now().0.as_second();
    // A place that was chosen since is another story.
    if cursor.get("location").and_then(Value::as_str) != Some(&api.settings.location) {
        cursor = Map::from_iter([("location".to_owned(), json!(api.settings.location)), ("swept".to_owned(), json!(now))]);
    }
    let mut raw = changes(&api, &mut cursor).await?;
    let swept = cursor.get("swept").and_then(Value::as_i64).unwrap_or_default();
    if now - swept >= SWEEP {
        let sweeping = tokio::time::timeout(PATIENCE, sweep(way, &api, &mut cursor, swept)).await;
        let done = match sweeping.unwrap_or_else(|_| Err(Fault::Later { words: "It took too long.".to_owned(), after: None })) {
            Ok(found) => {
                raw.extend(found);
                now
            }
            // What has changed is here all the same, and goes on being asked for.
            Err(fault) => {
                tracing::warn!(channel = %way.channel.id, %fault, "not all reviews could be looked at; that is tried again in an hour");
                now - SWEEP + ONCE_MORE
            }
        };
        cursor.insert("swept".to_owned(), json!(done));
    }
    if !api.settings.push_email.is_empty() {
        keep_keys(way, &api, &mut cursor, now).await;
    }
    Ok(Polled { raw, cursor: Value::Object(cursor), again: INTERVAL })
}

async fn page(api: &Api<'_>, token: Option<&str>) -> Result<Value, Fault> {
    let mut query = vec![("pageSize", "50"), ("orderBy", "updateTime desc")];
    query.extend(token.map(|token| ("pageToken", token)));
    api.reviews(Method::GET, &format!("{}/reviews", api.settings.location), &query, &Value::Null).await
}

fn next(page: &Value) -> Option<String> {
    page["nextPageToken"].as_str().filter(|token| !token.is_empty()).map(str::to_owned)
}

/// Reviews that changed since the mark, which is moved to the newest of them. Our answers change a review without its own time being moved
/// on every side, so that the overlap is read again each time.
async fn changes(api: &Api<'_>, cursor: &mut Map<String, Value>) -> Result<Vec<Vec<u8>>, Fault> {
    let mark = cursor.get("mark").and_then(moment);
    let down_to = mark.unwrap_or_else(|| Ts::now().plus_seconds(-api.settings.since_days * 24 * 3600)).plus_seconds(-OVERLAP);
    let (mut pages, mut token, mut seen, mut newest) = (Vec::new(), None, HashSet::new(), mark);
    for _ in 0..MAX_PAGES {
        let page = page(api, token.as_deref()).await?;
        let mut reached = false;
        let mut new = Vec::new();
        for review in list(&page["reviews"]) {
            let at = moment(&review["updateTime"]).or_else(|| moment(&review["createTime"]));
            if at.is_some_and(|at| at < down_to) {
                reached = true;
                continue;
            }
            newest = newest.max(at);
            // A page may begin with what the one before ended with.
            if seen.insert(review["name"].as_str().or_else(|| review["reviewId"].as_str()).unwrap_or_default().to_owned()) {
                new.push(review.clone());
            }
        }
        // What was read and has not changed since is not stored again.
        new.retain(|review| is_news(cursor, review));
        if !new.is_empty() {
            pages.push(new);
        }
        token = next(&page);
        if reached || token.is_none() {
            break;
        }
    }
    pages.reverse();
    remember(cursor, pages.iter().flatten());
    // A first question that brought nothing has seen everything until now all the same.
    let newest = newest.unwrap_or_else(Ts::now);
    cursor.insert("mark".to_owned(), json!(newest));
    let oldest_first = |mut reviews: Vec<Value>| {
        reviews.reverse();
        json!({ "reviews": reviews }).to_string().into_bytes()
    };
    Ok(pages.into_iter().map(oldest_first).collect())
}

/// Keeps how reviews looked when they were brought: those first, then those of which it was known.
fn remember<'a>(cursor: &mut Map<String, Value>, brought: impl Iterator<Item = &'a Value>) {
    let mut recent: Map<String, Value> = brought.map(|review| (print_key(review), json!(print(review)))).collect();
    for (name, print) in cursor.get("recent").and_then(Value::as_object).into_iter().flatten() {
        if recent.len() < RECENT && !recent.contains_key(name) {
            recent.insert(name.clone(), print.clone());
        }
    }
    cursor.insert("recent".to_owned(), Value::Object(recent));
}

fn print_key(review: &Value) -> String {
    review["name"].as_str().or_else(|| review["reviewId"].as_str()).unwrap_or_default().to_owned()
}

fn print(review: &Value) -> String {
    use sha2::{Digest as _, Sha256};
    hex::encode(&Sha256::digest(review.to_string().as_bytes())[..8])
}

fn is_news(cursor: &Map<String, Value>, review: &Value) -> bool {
    cursor.get("recent").and_then(|recent| recent[&print_key(review)].as_str()) != Some(&print(review))
}

/// Reviews that are here and no longer there, and those that are there and were never seen, or whose answer has changed since the last look:
/// that moves no review up. One that a page left out is asked for by its name before it counts as gone.
async fn sweep(way: &Way<'_>, api: &Api<'_>, cursor: &mut Map<String, Value>, last: i64) -> Result<Vec<Vec<u8>>, Fault> {
    let known = async {
        let mut db = way.app.db.acquire().await?;
        take::heard(&mut db, way.channel.id, &format!("{}/reviews/", api.settings.location)).await
    };
    let known = known.await.map_err(|error| Fault::Later { words: error.to_string(), after: None })?;
    let known: HashSet<String> = known.into_iter().collect();
    let (mut there, mut missed, mut token, mut whole) = (HashSet::new(), Vec::new(), None, false);
    let oldest = Ts::now().plus_seconds(-api.settings.since_days * 24 * 3600);
    for _ in 0..MAX_SWEEP {
        let page = page(api, token.as_deref()).await?;
        for review in list(&page["reviews"]) {
            let Some(name) = name_of(&api.settings.location, review) else { continue };
            // One that Google held back until its time had passed the mark.
            let recent = moment(&review["updateTime"]).is_some_and(|at| at >= oldest);
            let unseen = recent && !known.contains(&name);
            let answered = known.contains(&name) && is_news(cursor, review) && answer_is_newer(&review["reviewReply"], last);
            if (unseen || answered) && !there.contains(&name) {
                missed.push(review.clone());
            }
            there.insert(name);
        }
        token = next(&page);
        if token.is_none() {
            whole = true;
            break;
        }
    }
    let mut gone = Vec::new();
    for name in known.into_iter().filter(|name| whole && !there.contains(name)).take(MAX_ASKED) {
        if !api.has_review(&name).await? {
            gone.push(name);
        }
    }
    remember(cursor, missed.iter());
    let nothing = gone.is_empty() && missed.is_empty();
    Ok(if nothing { Vec::new() } else { vec![json!({ "reviews": missed, "gone": gone }).to_string().into_bytes()] })
}

/// Whether an answer was given, changed or refused since a moment, in seconds since 1970. A refusal may come without a time of its own.
fn answer_is_newer(answer: &Value, last: i64) -> bool {
    let at = moment(&answer["updateTime"]).map(|at| at.0.as_second());
    at.is_some_and(|at| at >= last - OVERLAP) || matches!(parse::standing(answer), Some(Step::Failed(_)))
}

/// Keeps the keys with which Google signs what it pushes, where the door finds them.
async fn keep_keys(way: &Way<'_>, api: &Api<'_>, cursor: &mut Map<String, Value>, now: i64) {
    if now - cursor.get("keys_at").and_then(Value::as_i64).unwrap_or_default() < KEYS {
        return;
    }
    match keys(way, &api.settings.certs).await {
        Ok(keys) => {
            cursor.insert("keys".to_owned(), keys);
            cursor.insert("keys_at".to_owned(), json!(now));
        }
        Err(fault) => {
            tracing::warn!(channel = %way.channel.id, %fault, "Google’s keys could not be fetched; the known ones go on being used")
        }
    }
}

async fn keys(way: &Way<'_>, url: &str) -> Result<Value, Fault> {
    let answer = way.calls.ask(way.calls.request(Method::GET, url)?).await?;
    let keys = answer.json();
    if answer.status.is_success() && keys["keys"].is_array() {
        return Ok(keys);
    }
    Err(Fault::Later { words: format!("Google’s keys are not there: it answered {}.", answer.status), after: None })
}
