//! An Instagram account: private messages, comments and mentions, by both ways of signing in.

mod account;
mod public;
mod reading;
mod receiving;
mod sending;

use crate::support::meta_desk::MetaDesk;
use serde_json::{Value, json};
use sportello::desk::kinds::ChannelKind;

const ACCOUNT: &str = "17841400000000001";
const ANNA: &str = "6543210987654321";

async fn desk() -> MetaDesk {
    MetaDesk::new(ChannelKind::Instagram, ACCOUNT, json!({})).await
}

/// A desk whose account signs in itself.
async fn own_sign_in() -> MetaDesk {
    MetaDesk::new(ChannelKind::Instagram, ACCOUNT, json!({ "sign_in": "instagram" })).await
}

fn event(sender: &str, recipient: &str, at: i64, mut what: Value) -> Value {
    what["sender"] = json!({ "id": sender });
    what["recipient"] = json!({ "id": recipient });
    what["timestamp"] = json!(at);
    what
}

/// An event that Anna causes.
fn from_anna(at: i64, what: Value) -> Value {
    event(ANNA, ACCOUNT, at, what)
}

/// A comment under media 18…22, as a change.
fn comment(id: &str, parent: Option<&str>, from: (&str, &str), text: &str) -> Value {
    let mut value = json!({ "id": id, "text": text, "from": { "id": from.0, "username": from.1 },
        "media": { "id": "18000000000000022", "media_product_type": "FEED" } });
    if let Some(parent) = parent {
        value["parent_id"] = json!(parent);
    }
    json!({ "field": "comments", "value": value })
}
