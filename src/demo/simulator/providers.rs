//! The providers' APIs, as far as a demo needs them: what an agent answers arrives on the customer's screen.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{CUSTOMER, NUMBER, channel_of, saying, stage};
use crate::app::App;
use crate::clock::Ts;
use crate::desk::kinds::ChannelKind;
use crate::http::{Error, Path, Result};

/// Where a demo's provider keeps the shop's place on Google.
pub const GOOGLE_PLACE: &str = "accounts/1122/locations/3344";

/// Whatever is called at a provider of the demo.
pub async fn answer(State(app): State<App>, method: Method, Path((kind, path)): Path<(String, String)>, body: Bytes) -> Result<Response> {
    let kind: ChannelKind = kind.parse().map_err(|_| Error::NotFound)?;
    let channel = channel_of(&app, kind).await?;
    let asked: Value = serde_json::from_slice(&body).unwrap_or_else(|_| form(&body));
    let last = path.rsplit('/').next().unwrap_or_default();
    let answer = match kind {
        ChannelKind::Facebook | ChannelKind::Instagram => meta(kind, &method, &path, &asked),
        ChannelKind::Whatsapp => {
            let answer = whatsapp(&method, last, &asked);
            if let Some(id) = answer["messages"][0]["id"].as_str() {
                read_soon(&app, channel, id.to_owned());
            }
            answer
        }
        ChannelKind::Sms => sms(last, &asked),
        ChannelKind::X => x(&method, &path, &asked),
        ChannelKind::Google => google(&method, &path, &asked),
        _ => return Err(Error::NotFound),
    };
    let status = if kind == ChannelKind::Sms && method == Method::POST { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(answer)).into_response())
}

fn form(body: &[u8]) -> Value {
    let pairs = url::form_urlencoded::parse(body).map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())));
    Value::Object(pairs.collect())
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn meta(kind: ChannelKind, method: &Method, path: &str, asked: &Value) -> Value {
    let customer = CUSTOMER.to_string();
    let last = path.rsplit('/').next().unwrap_or_default();
    match (method, last) {
        (&Method::POST, "messages") if asked.get("sender_action").is_some() => {
            if asked["sender_action"] == "react" {
                stage::theirs(kind, "❤️", false);
            }
            json!({ "recipient_id": customer })
        }
        (&Method::POST, "messages") => {
            let words = asked["message"]["text"].as_str().unwrap_or("📎 (a file)");
            // To one of the customers that the demo invented, who reads no simulator.
            let ours = asked["recipient"]["id"] == *customer
                || asked["recipient"].get("comment_id").is_some()
                || asked["recipient"].get("post_id").is_some();
            let id = if ours { stage::theirs(kind, words, false) } else { Ts::now().0.as_millisecond() };
            json!({ "recipient_id": customer, "message_id": format!("m_sim{id}") })
        }
        (&Method::POST, "message_attachments") => json!({ "attachment_id": "1002" }),
        (&Method::POST, "comments" | "replies" | "mentions") => {
            // Under something that was said here, or to the demo's other people.
            let ours = stage::screen(kind).iter().any(|seen| seen.mine && path.contains(&seen.id.to_string()));
            let id = if ours { stage::theirs(kind, text(asked, "message"), true) } else { Ts::now().0.as_millisecond() };
            json!({ "id": format!("5500_{id}") })
        }
        (&Method::GET, _) => {
            json!({ "id": customer, "first_name": "Noa", "last_name": "Simulator", "name": "Noa Simulator", "username": "noa_sim" })
        }
        _ => json!({ "success": true }),
    }
}

fn whatsapp(method: &Method, last: &str, asked: &Value) -> Value {
    match (method, last) {
        (&Method::POST, "messages") if asked["status"] == "read" => json!({ "success": true }),
        (&Method::POST, "messages") => {
            let words = match text(asked, "type") {
                "text" => text(&asked["text"], "body").to_owned(),
                "reaction" => text(&asked["reaction"], "emoji").to_owned(),
                "interactive" => {
                    let buttons = asked["interactive"]["action"]["buttons"].as_array().into_iter().flatten();
                    let buttons: Vec<&str> = buttons.map(|button| text(&button["reply"], "title")).collect();
                    format!("{}\n[{}]", text(&asked["interactive"]["body"], "text"), buttons.join("] ["))
                }
                "template" => {
                    let parts = asked["template"]["components"].as_array().into_iter().flatten();
                    let values: Vec<&str> = parts
                        .flat_map(|part| part["parameters"].as_array().into_iter().flatten())
                        .map(|value| text(value, "text"))
                        .collect();
                    format!("({}) {}", text(&asked["template"], "name"), values.join(", "))
                }
                _ => "📎 (a file)".to_owned(),
            };
            let ours = text(asked, "to") == NUMBER.trim_start_matches('+');
            let id = if ours { stage::theirs(ChannelKind::Whatsapp, &words, false) } else { Ts::now().0.as_millisecond() };
            json!({ "messaging_product": "whatsapp", "messages": [{ "id": format!("wamid.sim{id}"), "message_status": "accepted" }] })
        }
        (&Method::POST, "media") => json!({ "id": "2099" }),
        (&Method::GET, "message_templates") => {
            let template = |name: &str, language: &str, body: &str, example: &[&str]| {
                json!({ "id": name, "name": name, "language": language, "status": "APPROVED", "category": "UTILITY",
                    "components": [{ "type": "BODY", "text": body, "example": { "body_text": [example] } }, { "type": "FOOTER", "text": "Bottega Ginestra" }] })
            };
            json!({ "data": [
                template("order_on_its_way", "en", "Hello {{1}}, your order {{2}} has left our workshop today.", &["Noa", "BG-2043"]),
                template("ordine_in_viaggio", "it", "Ciao {{1}}, il suo ordine {{2}} è partito oggi dal laboratorio.", &["Anna", "BG-2043"]),
                template("repair_ready", "en", "Hello {{1}}, your repair is ready. May we send it back?", &["Noa"]),
            ] })
        }
        (&Method::GET, _) => {
            json!({ "id": "700300", "display_phone_number": "+39 0736 123457", "verified_name": "Bottega Ginestra", "quality_rating": "GREEN" })
        }
        _ => json!({ "success": true }),
    }
}

/// The customer's phone takes it, and a moment later they look.
fn read_soon(app: &App, channel: crate::desk::channels::Channel, id: String) {
    let app = app.clone();
    tokio::spawn(async move {
        for status in ["delivered", "read"] {
            tokio::time::sleep(Duration::from_millis(1500)).await;
            let told = json!({ "id": id, "status": status, "timestamp": Ts::now().0.as_second().to_string(), "recipient_id": NUMBER.trim_start_matches('+') });
            let body = saying::change_of_number(channel.address.as_deref().unwrap_or_default(), &json!({ "statuses": [told] }));
            saying::bring(ChannelKind::Whatsapp, saying::signed(&app, &channel, &body)).await;
        }
    });
}

fn sms(last: &str, asked: &Value) -> Value {
    match last {
        "Messages.json" => {
            let id = if text(asked, "To") == NUMBER {
                stage::theirs(ChannelKind::Sms, text(asked, "Body"), false)
            } else {
                Ts::now().0.as_millisecond()
            };
            json!({ "sid": format!("SM{id:032}"), "status": "queued", "error_code": null, "direction": "outbound-api" })
        }
        "IncomingPhoneNumbers.json" => json!({ "incoming_phone_numbers": [{ "sid": "PNdemo", "phone_number": "+390736123458" }] }),
        _ => json!({ "friendly_name": "Bottega Ginestra", "status": "active", "type": "Full" }),
    }
}

fn x(method: &Method, path: &str, asked: &Value) -> Value {
    let message = path.contains("dm_conversations");
    match *method {
        Method::POST if message || path.ends_with("tweets") => {
            // Under a post of the customer's, or to them.
            let ours = path.contains(&CUSTOMER.to_string()) || text(&asked["reply"], "in_reply_to_tweet_id").starts_with("20808");
            let id = if ours { stage::theirs(ChannelKind::X, text(asked, "text"), !message) } else { Ts::now().0.as_millisecond() };
            let id = format!("{}{id}", if message { "20807" } else { "20808" });
            json!({ "data": { "id": id, "dm_event_id": id, "dm_conversation_id": format!("700100200-{CUSTOMER}") } })
        }
        Method::POST => json!({ "data": { "id": Ts::now().0.as_millisecond().to_string() } }),
        Method::GET if path.ends_with("/webhooks") => json!({ "data": [{ "id": "1", "valid": true }] }),
        Method::GET => json!({ "data": { "id": "700100200", "name": "Bottega Ginestra", "username": "bottegaginestra" } }),
        _ => json!({ "data": { "deleted": true } }),
    }
}

fn google(method: &Method, path: &str, asked: &Value) -> Value {
    match *method {
        Method::PUT => {
            if path.contains("/reviews/sim") {
                stage::theirs(ChannelKind::Google, text(asked, "comment"), true);
            }
            json!({ "comment": asked["comment"], "updateTime": Ts::now() })
        }
        Method::GET if path.ends_with("/reviews") => {
            let words = ["ONE", "TWO", "THREE", "FOUR", "FIVE"];
            let mut reviews: Vec<Value> = stage::screen(ChannelKind::Google)
                .iter()
                .filter(|seen| seen.mine)
                .map(|seen| {
                    let stars = words[usize::from(seen.stars.unwrap_or(5).clamp(1, 5)) - 1];
                    json!({ "name": format!("{GOOGLE_PLACE}/reviews/sim{}", seen.id), "reviewId": format!("sim{}", seen.id), "starRating": stars, "comment": seen.text,
                        "reviewer": { "displayName": "Noa Simulator", "isAnonymous": false }, "createTime": seen.at, "updateTime": seen.at })
                })
                .collect();
            reviews.reverse();
            json!({ "reviews": reviews, "totalReviewCount": reviews.len() })
        }
        Method::GET => json!({ "title": "Bottega Ginestra, Fano", "accounts": [], "locations": [] }),
        _ => json!({}),
    }
}
