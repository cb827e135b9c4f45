//! Updates of the Bot API become happenings. Pure.

use serde_json::Value;

use crate::channels::wire::reading::{id_of, time_of};
use crate::desk::channels::Channel;
use crate::desk::kinds::IdentityKind;
use crate::desk::networks::{AccountNews, Card, Echo, Element, Extras, Happening, Location, Media, MediaKind, Notice, Person, Said, Who};

/// Reads one webhook. A long-polled answer (`result` with many updates) is read the same way.
pub fn read(channel: &Channel, raw: &[u8]) -> Vec<Element> {
    let Ok(value) = serde_json::from_slice::<Value>(raw) else {
        return vec![Element { account: None, told: Err("It is no JSON.".to_owned()) }];
    };
    // Our own bot's number, once it is known: what it says in business chats is ours.
    let own = channel.address.as_deref().unwrap_or_default();
    match value.get("result").and_then(Value::as_array) {
        Some(updates) => updates.iter().flat_map(|update| read_update(own, update)).collect(),
        None => read_update(own, &value),
    }
}

fn read_update(own: &str, update: &Value) -> Vec<Element> {
    for key in ["message", "business_message", "channel_post"] {
        if let Some(message) = update.get(key) {
            return vec![said(own, message)];
        }
    }
    for key in ["edited_message", "edited_business_message"] {
        if let Some(message) = update.get(key) {
            let notice = Notice::Edited { text: words(message), at: time_of(&message["edit_date"]) };
            return noticed(message, id_of(&message["message_id"]), notice);
        }
    }
    if let Some(query) = update.get("callback_query") {
        return vec![pressed(query)];
    }
    if let Some(reaction) = update.get("message_reaction") {
        let emoji = reaction["new_reaction"].as_array().and_then(|all| all.last()).map(|last| {
            // A custom emoji has no character of its own.
            last["emoji"].as_str().unwrap_or("⭐").to_owned()
        });
        let notice = Notice::Reacted { by: Who::Customer, emoji, at: time_of(&reaction["date"]) };
        return noticed(reaction, id_of(&reaction["message_id"]), notice);
    }
    if let Some(deleted) = update.get("deleted_business_messages") {
        let ids = deleted["message_ids"].as_array().cloned().unwrap_or_default();
        return ids.iter().flat_map(|id| noticed(deleted, id_of(id), Notice::Removed { at: None })).collect();
    }
    if let Some(member) = update.get("my_chat_member") {
        let status = member["new_chat_member"]["status"].as_str().unwrap_or_default();
        let Some(chat) = id_of(&member["chat"]["id"]) else { return vec![odd("a membership without a chat")] };
        let blocked = matches!(status, "kicked" | "left");
        return vec![Element::here(Happening::Account(AccountNews::Blocked { conversation: conversation(&chat, member), blocked }))];
    }
    let kinds: Vec<&str> =
        update.as_object().map(|keys| keys.keys().map(String::as_str).filter(|key| *key != "update_id").collect()).unwrap_or_default();
    vec![odd(&format!("An update of a kind that is not read: {}.", kinds.join(", ")))]
}

fn odd(words: &str) -> Element {
    Element { account: None, told: Err(words.to_owned()) }
}

fn conversation(chat: &str, message: &Value) -> String {
    match message["business_connection_id"].as_str() {
        Some(connection) => format!("dm:{chat}:{connection}"),
        None => format!("dm:{chat}"),
    }
}

/// Message ids count per chat.
fn message_id(chat: &str, id: &str) -> String {
    format!("{chat}:{id}")
}

fn noticed(about: &Value, id: Option<String>, notice: Notice) -> Vec<Element> {
    match (id_of(&about["chat"]["id"]), id) {
        (Some(chat), Some(id)) => vec![Element::here(Happening::Noticed { target: message_id(&chat, &id), notice })],
        _ => vec![odd("A change without a message.")],
    }
}

fn words(message: &Value) -> String {
    message["text"].as_str().or_else(|| message["caption"].as_str()).unwrap_or_default().to_owned()
}

fn person(from: &Value) -> Person {
    let part = |key: &str| from[key].as_str().unwrap_or_default();
    let name = format!("{} {}", part("first_name"), part("last_name")).trim().to_owned();
    Person {
        identity: id_of(&from["id"]).map(|id| (IdentityKind::Telegram, id)),
        name: if name.is_empty() { part("title").to_owned() } else { name },
        handle: from["username"].as_str().map(str::to_owned),
        ..Person::default()
    }
}

fn said(own: &str, message: &Value) -> Element {
    let (Some(chat), Some(id)) = (id_of(&message["chat"]["id"]), id_of(&message["message_id"])) else {
        return odd("A message without an id.");
    };
    if let Some(to) = id_of(&message["migrate_to_chat_id"]) {
        return Element::here(Happening::Account(AccountNews::Renamed { from: conversation(&chat, message), to: format!("dm:{to}") }));
    }
    let from = &message["from"];
    // In business chats the owner's own words come too; the chat is always the customer's.
    let business = message["business_connection_id"].is_string();
    let ours = (business && id_of(&from["id"]).is_some_and(|id| id != chat)) || id_of(&from["id"]).is_some_and(|id| id == own);
    let private = message["chat"]["type"].as_str() == Some("private");
    let (media, mut extras) = contents(message);
    let text = words(message);
    if text.is_empty() && media.is_empty() && extras == Extras::default() {
        extras.unsupported = Some(unknown(message));
    }
    extras.forwarded = message.get("forward_origin").is_some();
    if let Some(start) = text.strip_prefix("/start ") {
        extras.came_from = Some(start.trim().to_owned());
    }
    Element::here(Happening::Said(Box::new(Said {
        id: message_id(&chat, &id),
        conversation: conversation(&chat, message),
        echo: ours.then(|| Echo { part: None, app: Some("Telegram".to_owned()) }),
        person: if ours || !private && from.is_null() { person(&message["chat"]) } else { person(from) },
        text,
        at: time_of(&message["date"]),
        reply_to: id_of(&message["reply_to_message"]["message_id"]).map(|id| message_id(&chat, &id)),
        media,
        extras,
        language: from["language_code"].as_str().filter(|_| !ours).and_then(|tag| tag.get(..2)).map(str::to_owned),
        opens_window: !ours,
        ..Said::default()
    })))
}

/// A button under one of our messages was pressed.
fn pressed(query: &Value) -> Element {
    let (Some(chat), Some(id)) = (id_of(&query["message"]["chat"]["id"]), id_of(&query["id"])) else {
        return odd("A pressed button without a chat.");
    };
    let data = query["data"].as_str().unwrap_or_default();
    // The words on the button say more than what it sends.
    let rows = query["message"]["reply_markup"]["inline_keyboard"].as_array().cloned().unwrap_or_default();
    let label = rows.iter().filter_map(Value::as_array).flatten().find(|button| button["callback_data"].as_str() == Some(data));
    let text = label.and_then(|button| button["text"].as_str()).unwrap_or(data).to_owned();
    Element::here(Happening::Said(Box::new(Said {
        id: format!("callback:{id}"),
        conversation: conversation(&chat, &query["message"]),
        person: person(&query["from"]),
        text,
        reply_to: id_of(&query["message"]["message_id"]).map(|id| message_id(&chat, &id)),
        extras: Extras { payload: Some(data.to_owned()), ..Extras::default() },
        opens_window: true,
        ..Said::default()
    })))
}

fn media(kind: MediaKind, file: &Value, fallback: Option<&str>) -> Option<Media> {
    Some(Media {
        kind,
        source: file["file_id"].as_str()?.to_owned(),
        name: file["file_name"].as_str().or(fallback).map(str::to_owned),
        media_type: file["mime_type"].as_str().map(str::to_owned),
    })
}

fn contents(message: &Value) -> (Vec<Media>, Extras) {
    let mut files = Vec::new();
    // The largest of the sizes comes last.
    files.extend(
        message["photo"].as_array().and_then(|sizes| sizes.last()).and_then(|photo| media(MediaKind::Picture, photo, Some("photo.jpg"))),
    );
    let kinds = [
        ("document", MediaKind::File, None),
        ("video", MediaKind::Video, Some("video.mp4")),
        ("video_note", MediaKind::Video, Some("video.mp4")),
        ("voice", MediaKind::Voice, Some("voice.ogg")),
        ("audio", MediaKind::Voice, Some("audio.mp3")),
        ("sticker", MediaKind::Sticker, Some("sticker.webp")),
    ];
    for (key, kind, fallback) in kinds {
        if let Some(file) = message.get(key) {
            files.extend(media(kind, file, fallback));
        }
    }
    // An animation comes as a document too.
    if files.is_empty()
        && let Some(file) = message.get("animation")
    {
        files.extend(media(MediaKind::Video, file, Some("animation.mp4")));
    }
    let mut extras = Extras::default();
    let venue = &message["venue"];
    let place = if venue.is_object() { &venue["location"] } else { &message["location"] };
    if let (Some(latitude), Some(longitude)) = (place["latitude"].as_f64(), place["longitude"].as_f64()) {
        let text = |key: &str| venue[key].as_str().unwrap_or_default().to_owned();
        extras.location = Some(Location { latitude, longitude, name: text("title"), address: text("address") });
    }
    if let Some(contact) = message.get("contact") {
        let phones = contact["phone_number"].as_str().map(str::to_owned).into_iter().collect();
        extras.cards.push(Card { name: person(contact).name, phones });
    }
    (files, extras)
}

/// What Telegram calls something that is not read here.
fn unknown(message: &Value) -> String {
    const FRAME: &[&str] = &["message_id", "from", "chat", "date", "business_connection_id", "reply_to_message", "via_bot"];
    let keys = message.as_object().map(|keys| keys.keys().find(|key| !FRAME.contains(&key.as_str())).cloned().unwrap_or_default());
    keys.filter(|key| !key.is_empty()).unwrap_or_else(|| "empty".to_owned())
}
