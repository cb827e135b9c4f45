//! Direct messages.

use serde_json::Value;

use super::{Account, included, media, person, spell_out};
use crate::channels::wire::reading::{id_of, list, moment, time_of};
use crate::clock::Ts;
use crate::desk::networks::{Echo, Element, Extras, Happening, Person, Said, Step};

/// Milliseconds since 1970 at which X's ids begin to count.
const SNOWFLAKES_BEGAN: i64 = 1_288_834_974_657;

/// The key of a conversation between two.
pub fn with(customer: &str) -> String {
    format!("dm:{customer}")
}

/// A message as the older API writes it; the newer one does too. `body` has the people it names, and the apps.
pub fn from_event(account: Account<'_>, event: &Value, body: &Value) -> Element {
    let Some(id) = id_of(&event["id"]) else { return account.odd("A direct message without an id.") };
    let create = &event["message_create"];
    let kind = event["type"].as_str().unwrap_or("message_create");
    let Some(sender) = id_of(&create["sender_id"]) else {
        return account.odd(format!("A direct message of a kind that is not read: {kind}."));
    };
    let ours = sender == account.id;
    let recipient = id_of(&create["target"]["recipient_id"]);
    let customer = if ours { recipient } else { Some(sender) };
    let Some(customer) = customer else { return account.odd("A direct message to nobody.") };
    let data = &create["message_data"];
    let user = &body["users"][&customer];
    // The newer shape wraps each of them once more.
    let user = if user["data"].is_object() { &user["data"] } else { user };
    let attachment = &data["attachment"];
    let attached = media(&attachment["media"]);
    let mut extras = Extras { payload: id_of(&data["quick_reply_response"]["metadata"]), ..Extras::default() };
    if let Some(kind) = attachment["type"].as_str().filter(|_| attached.is_none()) {
        extras.unsupported = Some(kind.to_owned());
    }
    let app = id_of(&create["source_app_id"]).and_then(|id| body["apps"][&id]["name"].as_str().map(str::to_owned));
    said(
        account,
        Direct {
            id,
            conversation: with(&customer),
            ours,
            person: person(&customer, user),
            text: spell_out(data["text"].as_str().unwrap_or_default(), &data["entities"]["urls"]),
            at: time_of(&event["created_timestamp"]),
            media: attached.into_iter().collect(),
            extras,
            app,
        },
    )
}

/// A message as a page of messages has it.
pub fn from_page(account: Account<'_>, item: &Value, includes: &Value) -> Element {
    let Some(id) = id_of(&item["id"]).or_else(|| id_of(&item["dm_event_id"])) else {
        return account.odd("A direct message without an id.");
    };
    let Some(sender) = id_of(&item["sender_id"]) else { return account.odd("A direct message without its sender.") };
    let ours = sender == account.id;
    let among = id_of(&item["dm_conversation_id"]).unwrap_or_default();
    // Of two, the conversation is named after both; a group has a number of its own.
    let other = among.split_once('-').and_then(|(one, other)| match (one == account.id, other == account.id) {
        (true, _) => Some(other.to_owned()),
        (_, true) => Some(one.to_owned()),
        _ => None,
    });
    let recipient = other.or_else(|| list(&item["participant_ids"]).iter().filter_map(id_of).find(|id| id != account.id));
    let group = !among.is_empty() && !among.contains('-');
    let customer = if ours { recipient.filter(|_| !group) } else { Some(sender) };
    let conversation = match (&customer, group) {
        (_, true) => format!("group:{among}"),
        (Some(customer), false) => with(customer),
        (None, false) => return account.odd("A direct message to nobody."),
    };
    let keys = list(&item["attachments"]["media_keys"]).iter().filter_map(id_of);
    let attached: Vec<_> = keys.filter_map(|key| media(included(includes, "media", "media_key", &key))).collect();
    let mut extras = Extras::default();
    if !list(&item["attachments"]["media_keys"]).is_empty() && attached.is_empty() {
        extras.missing.push("X does not say where the picture is. Look at it on X.".to_owned());
    }
    let person = customer.map(|id| person(&id, included(includes, "users", "id", &id))).unwrap_or_default();
    said(
        account,
        Direct {
            id,
            conversation,
            ours,
            person,
            text: spell_out(item["text"].as_str().unwrap_or_default(), &item["entities"]["urls"]),
            at: moment(&item["created_at"]),
            media: attached,
            extras,
            app: None,
        },
    )
}

struct Direct {
    id: String,
    conversation: String,
    ours: bool,
    person: Person,
    text: String,
    at: Option<Ts>,
    media: Vec<crate::desk::networks::Media>,
    extras: Extras,
    app: Option<String>,
}

fn said(account: Account<'_>, direct: Direct) -> Element {
    account.tell(Happening::Said(Box::new(Said {
        id: direct.id,
        conversation: direct.conversation,
        echo: direct.ours.then_some(Echo { part: None, app: direct.app }),
        person: direct.person,
        text: direct.text,
        at: direct.at,
        media: direct.media,
        extras: direct.extras,
        opens_window: !direct.ours,
        ..Said::default()
    })))
}

/// The customer has read up to a message.
pub fn read_mark(account: Account<'_>, event: &Value) -> Element {
    let Some(reader) = id_of(&event["sender_id"]) else { return account.odd("Somebody has read, but X does not say who.") };
    let told = time_of(&event["created_timestamp"]);
    // Ids tell when they were given: what was sent later was not read yet.
    let sent = id_of(&event["last_read_event_id"])
        .and_then(|id| id.parse::<i64>().ok())
        .and_then(|id| jiff::Timestamp::from_millisecond((id >> 22) + SNOWFLAKES_BEGAN).ok().map(Ts));
    let until = match (sent, told) {
        (Some(sent), Some(told)) => sent.min(told),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => return account.odd("Somebody has read, but X does not say until when."),
    };
    // That we have read is no news here.
    let conversation = if reader == account.id { String::new() } else { with(&reader) };
    account.tell(Happening::Reached { conversation, until, step: Step::Read })
}

/// A message that only X's own apps can open.
pub fn encrypted(account: Account<'_>, payload: &Value) -> Element {
    let first = |keys: &[&str]| keys.iter().find_map(|key| id_of(&payload[*key]));
    let (Some(id), Some(sender)) = (first(&["id", "message_id", "event_id"]), first(&["sender_id", "from_user_id"])) else {
        return account.odd("An encrypted message came, which only X’s own apps can show. Look at it there.");
    };
    let extras = Extras { unsupported: Some("encrypted message".to_owned()), ..Extras::default() };
    said(
        account,
        Direct {
            id,
            conversation: with(&sender),
            ours: sender == account.id,
            person: person(&sender, &Value::Null),
            text: String::new(),
            at: None,
            media: Vec::new(),
            extras,
            app: None,
        },
    )
}
