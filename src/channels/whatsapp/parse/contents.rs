//! What one message carries, by its type.

use serde_json::Value;

use super::{id_of, list};
use crate::desk::networks::{Card, Extras, Location, Media, MediaKind};

/// What is said in words, the files to fetch, and the rest.
pub(super) fn read(message: &Value) -> (String, Vec<Media>, Extras) {
    let mut media = Vec::new();
    let mut extras = Extras::default();
    let kind = message["type"].as_str().unwrap_or_default();
    match kind {
        "text" => {}
        "image" | "document" | "audio" | "video" | "sticker" => match file(kind, &message[kind]) {
            Some(file) => media.push(file),
            None => extras.missing.push("WhatsApp did not say where the file is.".to_owned()),
        },
        "location" => {
            let place = &message["location"];
            let text = |key: &str| place[key].as_str().unwrap_or_default().to_owned();
            match (degrees(&place["latitude"]), degrees(&place["longitude"])) {
                (Some(latitude), Some(longitude)) => {
                    extras.location = Some(Location { latitude, longitude, name: text("name"), address: text("address") });
                }
                _ => extras.unsupported = Some(kind.to_owned()),
            }
        }
        "contacts" => extras.cards = list(&message["contacts"]).iter().map(card).collect(),
        "interactive" => extras.payload = payload(&message["interactive"]),
        "button" => extras.payload = message["button"]["payload"].as_str().map(str::to_owned),
        "order" => extras.came_from = id_of(&message["order"]["catalog_id"]).map(|id| format!("The catalog {id}")),
        "unsupported" => {
            let error = &message["errors"][0];
            let told = message["unsupported"]["type"].as_str().or_else(|| error["error_data"]["details"].as_str());
            extras.unsupported = Some(told.or_else(|| error["title"].as_str()).unwrap_or(kind).to_owned());
        }
        "" => extras.unsupported = Some("a message without a type".to_owned()),
        other => extras.unsupported = Some(other.to_owned()),
    }
    let context = &message["context"];
    extras.forwarded = [&context["forwarded"], &context["frequently_forwarded"]].iter().any(|flag| flag.as_bool() == Some(true));
    if let Some(origin) = origin(message) {
        extras.came_from = Some(origin);
    }
    (words(message), media, extras)
}

/// What is said in words: of the message itself, below a file, on the button that was pressed.
pub(super) fn words(message: &Value) -> String {
    let kind = message["type"].as_str().unwrap_or_default();
    let content = &message[kind];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match kind {
        "text" => text(&content["body"]),
        "button" => text(&content["text"]),
        "interactive" => pressed(content),
        "order" => order(content),
        // An edit may come without a type.
        "" => text(&message["text"]["body"]),
        _ => text(&content["caption"]),
    }
}

fn degrees(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

fn file(kind: &str, file: &Value) -> Option<Media> {
    let media_type = file["mime_type"].as_str();
    let (kind, stem) = match kind {
        "image" => (MediaKind::Picture, "photo"),
        "video" => (MediaKind::Video, "video"),
        "sticker" => (MediaKind::Sticker, "sticker"),
        "audio" if file["voice"].as_bool() == Some(true) => (MediaKind::Voice, "voice"),
        "audio" => (MediaKind::File, "audio"),
        _ => (MediaKind::File, "document"),
    };
    let name = file["filename"].as_str().filter(|name| !name.is_empty()).map(str::to_owned);
    Some(Media {
        kind,
        source: id_of(&file["id"])?,
        name: name.or_else(|| Some(format!("{stem}.{}", extension(media_type?)?))),
        media_type: media_type.map(bare),
    })
}

/// Without parameters: `audio/ogg; codecs=opus` is `audio/ogg`.
fn bare(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or_default().trim().to_lowercase()
}

fn extension(media_type: &str) -> Option<String> {
    let bare = bare(media_type);
    let usual = match &*bare {
        "image/jpeg" => "jpg",
        "audio/ogg" => "ogg",
        "audio/mpeg" => "mp3",
        "audio/mp4" => "m4a",
        "video/mp4" => "mp4",
        "video/3gpp" => "3gp",
        other => mime_guess::get_mime_extensions_str(other)?.first()?,
    };
    Some(usual.to_owned())
}

fn card(card: &Value) -> Card {
    let name = &card["name"];
    let part = |key: &str| name[key].as_str().unwrap_or_default();
    let whole = part("formatted_name").to_owned();
    let phone = |phone: &Value| id_of(&phone["phone"]).or_else(|| id_of(&phone["wa_id"]).map(|id| format!("+{id}")));
    Card {
        name: if whole.is_empty() { format!("{} {}", part("first_name"), part("last_name")).trim().to_owned() } else { whole },
        phones: list(&card["phones"]).iter().filter_map(phone).collect(),
    }
}

/// The words of what was pressed or filled in.
fn pressed(interactive: &Value) -> String {
    let kind = interactive["type"].as_str().unwrap_or_default();
    let reply = &interactive[kind];
    if kind != "nfm_reply" {
        let (title, more) = (reply["title"].as_str().unwrap_or_default(), reply["description"].as_str().unwrap_or_default());
        return if more.is_empty() || more == "…" { title.to_owned() } else { format!("{title}\n{more}") };
    }
    // A form of the shop's: its fields, one a line, without what is the provider's own.
    let fields: Value = reply["response_json"].as_str().and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
    let line = |(key, value): (&String, &Value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (key != "flow_token").then(|| format!("{key}: {value}"))
    };
    let lines: Vec<String> = fields.as_object().into_iter().flatten().filter_map(line).collect();
    if lines.is_empty() { reply["body"].as_str().unwrap_or_default().to_owned() } else { lines.join("\n") }
}

fn payload(interactive: &Value) -> Option<String> {
    let reply = &interactive[interactive["type"].as_str().unwrap_or_default()];
    reply["id"].as_str().or_else(|| reply["response_json"].as_str()).map(str::to_owned)
}

/// The goods of an order, one a line, after what was written with it.
fn order(order: &Value) -> String {
    let line = |item: &Value| {
        let text = |key: &str| id_of(&item[key]).unwrap_or_default();
        format!("{} × {} ({} {})", text("quantity"), text("product_retailer_id"), text("item_price"), text("currency"))
    };
    let written = order["text"].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    written.into_iter().chain(list(&order["product_items"]).iter().map(line)).collect::<Vec<_>>().join("\n")
}

/// The advertisement or the product that the message began at.
fn origin(message: &Value) -> Option<String> {
    let referral = &message["referral"];
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    if referral.is_object() {
        let title = text(&referral["headline"]).or_else(|| text(&referral["body"])).or_else(|| text(&referral["source_type"]));
        let url = text(&referral["source_url"]);
        return Some([title, url].into_iter().flatten().collect::<Vec<_>>().join(" · ")).filter(|words| !words.is_empty());
    }
    let product = &message["context"]["referred_product"];
    id_of(&product["product_retailer_id"]).map(|id| format!("The product {id}"))
}
