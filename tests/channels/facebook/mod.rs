//! A Facebook page: private messages and what is said in public.

mod account;
mod door;
mod public;
mod reading;
mod receiving;
mod sending;
mod trust;

use crate::support::meta_desk::MetaDesk;
use serde_json::{Value, json};
use sportello::desk::kinds::ChannelKind;

const PAGE: &str = "104512987654321";
const ANNA: &str = "7412589630147852";

async fn desk() -> MetaDesk {
    MetaDesk::new(ChannelKind::Facebook, PAGE, json!({})).await
}

/// An event that Anna causes.
fn from_anna(at: i64, what: Value) -> Value {
    event(ANNA, PAGE, at, what)
}

/// An event that the page causes.
fn from_page(at: i64, what: Value) -> Value {
    event(PAGE, ANNA, at, what)
}

fn event(sender: &str, recipient: &str, at: i64, mut what: Value) -> Value {
    what["sender"] = json!({ "id": sender });
    what["recipient"] = json!({ "id": recipient });
    what["timestamp"] = json!(at);
    what
}

/// A comment of somebody's under post 5500.
fn comment(id: &str, parent: Option<&str>, from: (&str, &str), message: &str) -> Value {
    let post = format!("{PAGE}_5500");
    json!({ "field": "feed", "value": { "item": "comment", "verb": "add", "post_id": post, "parent_id": parent.unwrap_or(&post),
        "comment_id": id, "from": { "id": from.0, "name": from.1 }, "message": message, "created_time": 1_791_000_100,
        "post": { "id": post, "status_type": "mobile_status_update", "is_published": true, "permalink_url": "https://www.facebook.com/x" } } })
}

const VERDI: (&str, &str) = ("5577889900112233", "Anna Verdi");
