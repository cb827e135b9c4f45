//! Asks X for what it does not send by itself.

use serde_json::{Map, Value, json};

use crate::channels::wire::reading::{id_of, list, moment};
use crate::channels::wire::{Polled, Way};
use crate::channels::x::api::Api;
use crate::channels::x::check;
use crate::clock::Ts;
use crate::desk::networks::Fault;

/// Seconds between two questions: direct messages may be asked for 15 times in 15 minutes.
const INTERVAL: i64 = 90;
/// Seconds between two looks whether X still sends what it once sent by itself, and between two tries to have it do so again.
const LOOK: i64 = 600;
const TRY: i64 = 3600;
/// The most pages that one question reads.
const MAX_PAGES: usize = 8;
/// What was said longer ago, in seconds, when an account is connected is not brought.
const FIRST: i64 = 24 * 3600;
/// What can be asked for: how its mark is called here, and the event by which X sends it.
const KINDS: &[(&str, &str)] = &[("dms", "dm.received"), ("mentions", "post.mention.create")];
const POST_FIELDS: &str = "author_id,conversation_id,created_at,referenced_tweets,in_reply_to_user_id,entities,attachments,lang,note_tweet";
const MEDIA_FIELDS: &str = "media_key,type,url,preview_image_url,variants";
const USER_FIELDS: &str = "id,name,username,profile_image_url,public_metrics";

/// Everything since the newest that was seen.
pub async fn poll(way: &Way<'_>) -> Result<Polled, Fault> {
    let api = Api::new(way);
    let account = way.channel.address.as_deref().unwrap_or_default();
    let mut cursor = way.channel.cursor.as_object().cloned().unwrap_or_default();
    if sends_anew(&api, &mut cursor).await {
        return Ok(Polled { raw: Vec::new(), cursor: Value::Object(cursor), again: 1 });
    }
    let mut raw = Vec::new();
    let mut refused = None;
    for (key, kind) in KINDS {
        if api.settings.hears(kind) {
            continue;
        }
        let since = cursor.get(*key).and_then(Value::as_str).map(str::to_owned);
        let brought = match *key {
            "dms" => messages(&api, since.as_deref()).await,
            _ => mentions(&api, account, since.as_deref()).await,
        };
        match brought {
            Ok((pages, newest)) => {
                raw.extend(pages);
                if let Some(newest) = newest {
                    cursor.insert((*key).to_owned(), json!(newest));
                }
            }
            // An app may have the right to one of the two only; what the other brought is not lost for it.
            Err(fault @ Fault::SignIn(_)) => return Err(fault),
            Err(fault) => refused = Some(fault),
        }
    }
    match refused {
        Some(fault) if raw.is_empty() => Err(fault),
        _ => {
            let told = KINDS.iter().all(|(_, kind)| api.settings.hears(kind));
            Ok(Polled { raw, cursor: Value::Object(cursor), again: if told { LOOK } else { INTERVAL } })
        }
    }
}

/// Looks now and then whether X still calls our webhook. `true`: that has changed, and the channel is to be read anew.
async fn sends_anew(api: &Api<'_>, cursor: &mut Map<String, Value>) -> bool {
    let now = Ts::now().0.as_second();
    let lost = cursor.contains_key("deaf");
    let hooked = !api.settings.webhook_id.is_empty();
    let due = now - cursor.get("looked_at").and_then(Value::as_i64).unwrap_or_default() >= if hooked { LOOK } else { TRY };
    if !api.has_bearer() || !due || !(hooked || lost) {
        return false;
    }
    let looked = if hooked { check::still_calls(api).await.map(|calls| !calls) } else { check::listen_again(api).await };
    cursor.insert("looked_at".to_owned(), json!(now));
    let id = api.way.channel.id;
    match looked {
        Ok(false) => false,
        Ok(true) if !hooked => {
            tracing::info!(channel = %id, "X sends by itself again what is new");
            cursor.remove("deaf");
            true
        }
        Ok(true) => match check::forget(api).await {
            Ok(()) => {
                tracing::warn!(channel = %id, "X no longer calls the desk; from now on it is asked");
                cursor.insert("deaf".to_owned(), json!(true));
                // What it kept to itself is of the last day, most likely.
                for (key, _) in KINDS {
                    cursor.remove(*key);
                }
                true
            }
            Err(error) => {
                tracing::warn!(channel = %id, %error, "X no longer calls the desk, and that could not be kept");
                cursor.remove("looked_at");
                false
            }
        },
        Err(fault) => {
            tracing::info!(channel = %id, %fault, "X does not say whether it still calls the desk");
            false
        }
    }
}

/// Whether an id was given after another: they are numbers that grow.
fn is_newer(id: &str, than: &str) -> bool {
    (id.len(), id) > (than.len(), than)
}

/// Newest first, down to what was seen.
async fn messages(api: &Api<'_>, since: Option<&str>) -> Result<(Vec<Vec<u8>>, Option<String>), Fault> {
    let (mut pages, mut newest, mut token) = (Vec::new(), since.map(str::to_owned), None::<String>);
    let oldest = Ts::now().plus_seconds(-FIRST);
    for _ in 0..MAX_PAGES {
        let mut query = vec![
            ("dm_event.fields", "id,text,event_type,created_at,dm_conversation_id,sender_id,participant_ids,attachments,entities"),
            ("expansions", "sender_id,attachments.media_keys,participant_ids"),
            ("media.fields", MEDIA_FIELDS),
            ("user.fields", USER_FIELDS),
            ("event_types", "MessageCreate"),
            ("max_results", "100"),
        ];
        query.extend(token.as_deref().map(|token| ("pagination_token", token)));
        let mut page = api.get("/2/dm_events", &query).await?;
        let mut reached = false;
        let new: Vec<Value> = list(&page["data"])
            .iter()
            .filter(|item| {
                let Some(id) = id_of(&item["id"]) else { return true };
                let at = moment(&item["created_at"]);
                let old = since.map_or_else(|| at.is_some_and(|at| at < oldest), |since| !is_newer(&id, since));
                reached |= old;
                if newest.as_deref().is_none_or(|newest| is_newer(&id, newest)) {
                    newest = Some(id);
                }
                !old
            })
            .cloned()
            .collect();
        token = id_of(&page["meta"]["next_token"]);
        if !new.is_empty() {
            page["data"] = Value::Array(new);
            pages.push(page.to_string().into_bytes());
        }
        if reached || token.is_none() {
            break;
        }
    }
    // In the order in which it was said.
    pages.reverse();
    Ok((pages, newest))
}

async fn mentions(api: &Api<'_>, account: &str, since: Option<&str>) -> Result<(Vec<Vec<u8>>, Option<String>), Fault> {
    let (mut pages, mut newest, mut token) = (Vec::new(), since.map(str::to_owned), None::<String>);
    let oldest = Ts::now().plus_seconds(-FIRST).0.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let path = format!("/2/users/{account}/mentions");
    for _ in 0..MAX_PAGES {
        let mut query = vec![
            ("max_results", "100"),
            ("tweet.fields", POST_FIELDS),
            ("expansions", "author_id,referenced_tweets.id,referenced_tweets.id.author_id,attachments.media_keys,in_reply_to_user_id"),
            ("media.fields", MEDIA_FIELDS),
            ("user.fields", USER_FIELDS),
        ];
        query.push(since.map_or(("start_time", &*oldest), |since| ("since_id", since)));
        query.extend(token.as_deref().map(|token| ("pagination_token", token)));
        let page = api.get(&path, &query).await?;
        let items = list(&page["data"]);
        for id in items.iter().filter_map(|item| id_of(&item["id"])) {
            if newest.as_deref().is_none_or(|newest| is_newer(&id, newest)) {
                newest = Some(id);
            }
        }
        token = id_of(&page["meta"]["next_token"]);
        if !items.is_empty() {
            pages.push(page.to_string().into_bytes());
        }
        if token.is_none() {
            break;
        }
    }
    pages.reverse();
    Ok((pages, newest))
}
