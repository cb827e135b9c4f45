//! What X tells becomes happenings: events of the X Activity API, those of the older Account Activity API, and pages of what was asked for.
//! Pure. Source: docs.x.com, X Activity API and Account Activity API.

mod direct;
pub mod posts;

use std::collections::HashSet;

use serde_json::Value;

use crate::channels::wire::reading::{id_of, list};
use crate::clock::Ts;
use crate::desk::kinds::{ChannelKind, IdentityKind};
use crate::desk::networks::{AccountNews, Element, Happening, Media, MediaKind, Notice, Person};

/// The account that something is told of.
#[derive(Debug, Clone, Copy)]
pub struct Account<'a> {
    pub id: &'a str,
    /// Its name, without the sign; may be empty.
    pub handle: &'a str,
}

impl Account<'_> {
    fn tell(&self, told: Happening) -> Element {
        Element::of(ChannelKind::X, self.id, told)
    }

    fn odd(&self, words: impl Into<String>) -> Element {
        Element { account: Some((ChannelKind::X, self.id.to_owned())), told: Err(words.into()) }
    }

    fn removed(&self, target: String, at: Option<Ts>) -> Element {
        self.tell(Happening::Noticed { target, notice: Notice::Removed { at } })
    }
}

/// Reads a webhook, or a page that a poll brought. `own`: the account of the channel that it came to.
pub fn read(own: Account<'_>, raw: &[u8]) -> Vec<Element> {
    let body: Value = match serde_json::from_slice(raw) {
        Ok(body) => body,
        Err(error) => return vec![Element { account: None, told: Err(format!("This is no JSON: {error}.")) }],
    };
    let mut elements = match &body["data"] {
        // A page: of posts, or of direct messages.
        Value::Array(items) => items.iter().flat_map(|item| page_item(own, item, &body["includes"])).collect(),
        Value::Object(_) => activity(own, &body["data"], &body["includes"]),
        _ => account_activity(own, &body),
    };
    once(&mut elements);
    elements
}

/// One post fires an event for each way in which it concerns the account.
fn once(elements: &mut Vec<Element>) {
    let mut seen = HashSet::new();
    elements.retain(|element| match &element.told {
        Ok(Happening::Said(said)) => seen.insert((element.account.clone(), said.id.clone())),
        _ => true,
    });
}

fn page_item(own: Account<'_>, item: &Value, includes: &Value) -> Vec<Element> {
    match item["event_type"].as_str() {
        Some("MessageCreate") => vec![direct::from_page(own, item, includes)],
        // Who joins and leaves a group.
        Some(_) => Vec::new(),
        None => posts::read(own, item, includes, false).into_iter().collect(),
    }
}

/// One event of the X Activity API. Its payload is a post, or what the older API would have sent.
fn activity(own: Account<'_>, data: &Value, beside: &Value) -> Vec<Element> {
    let id = id_of(&data["filter"]["user_id"]);
    let account = Account { id: id.as_deref().unwrap_or(own.id), ..own };
    // Includes stand beside the payload, or in it.
    let includes =
        [beside, &data["includes"], &data["payload"]["includes"]].into_iter().find(|value| value.is_object()).unwrap_or(&Value::Null);
    let payload = if data["payload"]["data"].is_object() { &data["payload"]["data"] } else { &data["payload"] };
    let Some(kind) = data["event_type"].as_str() else { return vec![account.odd("An event without its type.")] };
    match kind {
        "dm.received" | "dm.sent" | "dm.read" if has_legacy(&data["payload"]) => legacy(account, &data["payload"]),
        "dm.received" | "dm.sent" => vec![direct::from_page(account, payload, includes)],
        "dm.read" => vec![direct::read_mark(account, payload)],
        "dm.indicate_typing" | "chat.sent" => Vec::new(),
        "chat.received" => vec![direct::encrypted(account, payload)],
        "post.mention.create" | "post.reply.create" | "post.create" => posts::read(account, payload, includes, false).into_iter().collect(),
        "post.quote.create" => posts::read(account, payload, includes, true).into_iter().collect(),
        "post.delete" => {
            let id = ["id", "post_id", "tweet_id"].iter().find_map(|key| id_of(&payload[*key])).or_else(|| id_of(&payload["status"]["id"]));
            vec![id.map_or_else(|| account.odd("A post was deleted, but X does not say which."), |id| account.removed(id, None))]
        }
        "oauth.revoke" => {
            let id = id_of(&payload["user_id"]);
            vec![Account { id: id.as_deref().unwrap_or(account.id), ..account }.tell(revoked())]
        }
        // What a replay of missed events ends with.
        "replay_job_status" => Vec::new(),
        other => vec![account.odd(format!("An event of a kind that is not read: {other}."))],
    }
}

fn revoked() -> Happening {
    let words = "The account has taken the app’s rights back at X. Sign in again.";
    Happening::Account(AccountNews::SignInLost(words.to_owned()))
}

fn has_legacy(payload: &Value) -> bool {
    ["direct_message_events", "direct_message_mark_read_events"].iter().any(|key| payload[*key].is_array())
}

/// One webhook of the Account Activity API: a list for each kind of event.
fn account_activity(own: Account<'_>, body: &Value) -> Vec<Element> {
    if let Some(revoke) = body["user_event"]["revoke"].as_object() {
        let id = revoke.get("source").and_then(|source| id_of(&source["user_id"]));
        return vec![Account { id: id.as_deref().unwrap_or(own.id), ..own }.tell(revoked())];
    }
    if body["replay_job_status"].is_object() {
        return Vec::new();
    }
    let id = id_of(&body["for_user_id"]);
    let Some(id) = id.as_deref() else { return vec![own.odd("It does not say which account it is for.")] };
    let account = Account { id, ..own };
    legacy(account, body)
}

/// The lists of the older API, which the newer one uses for direct messages too.
fn legacy(account: Account<'_>, body: &Value) -> Vec<Element> {
    /// They say nothing to a desk.
    const QUIET: &[&str] = &["favorite_events", "follow_events", "block_events", "mute_events", "direct_message_indicate_typing_events"];
    let mut elements = Vec::new();
    elements.extend(list(&body["direct_message_events"]).iter().map(|event| direct::from_event(account, event, body)));
    elements.extend(list(&body["direct_message_mark_read_events"]).iter().map(|event| direct::read_mark(account, event)));
    elements.extend(list(&body["tweet_create_events"]).iter().filter_map(|post| posts::read_legacy(account, post)));
    for event in list(&body["tweet_delete_events"]) {
        let at = crate::channels::wire::reading::time_of(&event["timestamp_ms"]);
        let id = id_of(&event["status"]["id_str"]).or_else(|| id_of(&event["status"]["id"]));
        elements.push(id.map_or_else(|| account.odd("A post was deleted, but X does not say which."), |id| account.removed(id, at)));
    }
    let lists = body.as_object().into_iter().flatten().filter(|(name, value)| value.is_array() && name.ends_with("_events"));
    const READ: &[&str] = &["direct_message_events", "direct_message_mark_read_events", "tweet_create_events", "tweet_delete_events"];
    for (name, _) in lists.filter(|(name, _)| !QUIET.contains(&name.as_str()) && !READ.contains(&name.as_str())) {
        elements.push(account.odd(format!("Events of a kind that is not read: {name}.")));
    }
    elements
}

/// The five characters that X escapes.
fn unescape(text: &str) -> String {
    if text.contains('&') {
        text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&")
    } else {
        text.to_owned()
    }
}

/// The words with the links that were shortened as they were; those that stand for a picture of the message itself are left out.
fn spell_out(text: &str, urls: &Value) -> String {
    let mut text = text.to_owned();
    for url in list(urls) {
        let Some(short) = url["url"].as_str().filter(|short| !short.is_empty()) else { continue };
        let shown = url["display_url"].as_str().unwrap_or_default();
        let whole = url["unwound_url"].as_str().or_else(|| url["expanded_url"].as_str()).unwrap_or(short);
        let own_picture = shown.starts_with("pic.twitter.com/")
            || shown.starts_with("pic.x.com/")
            || url["media_key"].is_string()
            || whole.contains("/messages/media/");
        text = text.replace(short, if own_picture { "" } else { whole });
    }
    unescape(text.trim())
}

/// Somebody, as any of the shapes names them: `username` or `screen_name`, an address of their picture or none.
fn person(id: &str, user: &Value) -> Person {
    let text = |key: &str| user[key].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let handle = text("username").or_else(|| text("screen_name"));
    Person {
        identity: Some((IdentityKind::X, id.to_owned())),
        name: text("name").unwrap_or_default(),
        handle,
        picture: text("profile_image_url").or_else(|| text("profile_image_url_https")),
        followers: user["public_metrics"]["followers_count"].as_i64().or_else(|| user["followers_count"].as_i64()),
        ..Person::default()
    }
}

/// One of the things told beside a post or message: `includes.users`, `includes.media`.
fn included<'a>(includes: &'a Value, kind: &str, key: &str, id: &str) -> &'a Value {
    list(&includes[kind]).iter().find(|one| id_of(&one[key]).as_deref() == Some(id)).unwrap_or(&Value::Null)
}

/// A picture, or the best film of several.
fn media(one: &Value) -> Option<Media> {
    let moving = !matches!(one["type"].as_str(), None | Some("photo"));
    let variants = list(&one["variants"]).iter().chain(list(&one["video_info"]["variants"]));
    let film = variants
        .filter(|variant| variant["content_type"].as_str() == Some("video/mp4"))
        .max_by_key(|variant| variant["bit_rate"].as_i64().or_else(|| variant["bitrate"].as_i64()).unwrap_or_default())
        .and_then(|variant| variant["url"].as_str());
    let still = ["url", "media_url_https", "media_url", "preview_image_url"].iter().find_map(|key| one[*key].as_str());
    // The address of an old-shaped item is the short link in the text.
    let still = one["media_url_https"].as_str().or(still);
    let source = film.filter(|_| moving).or(still)?.to_owned();
    let kind = if moving && film.is_some() { MediaKind::Video } else { MediaKind::Picture };
    let name = source.split(['?', '#']).next().and_then(|path| path.rsplit('/').next()).filter(|name| !name.is_empty()).map(str::to_owned);
    Some(Media { kind, source, name, media_type: None })
}

#[cfg(test)]
mod tests;
