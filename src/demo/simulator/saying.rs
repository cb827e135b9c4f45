//! What the customer says, as each provider would tell it: bodies and signatures of their webhooks.

use base64::Engine as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::RequestBuilder;
use serde_json::{Map, Value, json};

use super::{CUSTOMER, NUMBER, own_address, stage};
use crate::app::App;
use crate::clock::Ts;
use crate::desk::channels::Channel;
use crate::desk::kinds::ChannelKind;

/// In which way something is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Message,
    /// Under a post of the shop's.
    Comment,
    /// With stars, or recommending or not.
    Review(u8),
}

/// The ways that a network has, with their words for the form.
pub fn ways(kind: ChannelKind) -> &'static [(&'static str, &'static str)] {
    match kind {
        ChannelKind::Facebook => &[("message", "Message"), ("comment", "Comment under a post"), ("review", "Recommendation")],
        ChannelKind::Instagram => &[("message", "Message"), ("comment", "Comment under a picture")],
        ChannelKind::X => &[("message", "Direct message"), ("comment", "Mention in public")],
        ChannelKind::Google => &[("review", "Review")],
        _ => &[("message", "Message")],
    }
}

/// A webhook as its provider would send it.
pub fn webhook(app: &App, channel: &Channel, way: Way, text: &str, id: i64) -> Option<RequestBuilder> {
    let account = channel.address.clone().unwrap_or_default();
    let (now, seconds) = (Ts::now().0.as_millisecond(), Ts::now().0.as_second());
    let who = CUSTOMER.to_string();
    let body = match (channel.kind, way) {
        (ChannelKind::Telegram, _) => {
            let from = json!({ "id": CUSTOMER, "is_bot": false, "first_name": "Noa", "last_name": "Simulator", "username": "noa_sim", "language_code": "en" });
            let message = json!({ "message_id": id, "from": from, "chat": { "id": CUSTOMER, "type": "private", "first_name": "Noa" }, "date": seconds, "text": text });
            json!({ "update_id": id, "message": message })
        }
        (ChannelKind::Facebook | ChannelKind::Instagram, Way::Message) => {
            let object = if channel.kind == ChannelKind::Facebook { "page" } else { "instagram" };
            let message = json!({ "sender": { "id": who }, "recipient": { "id": account }, "timestamp": now, "message": { "mid": format!("m_sim{id}"), "text": text } });
            json!({ "object": object, "entry": [{ "id": account, "time": now, "messaging": [message] }] })
        }
        (ChannelKind::Facebook, Way::Comment) => {
            let post = format!("{account}_5500");
            let value = json!({ "item": "comment", "verb": "add", "post_id": post, "parent_id": post, "comment_id": format!("5500_{id}"),
                "from": { "id": who, "name": "Noa Simulator" }, "message": text, "created_time": seconds,
                "post": { "id": post, "is_published": true, "permalink_url": "https://www.facebook.com/bottegaginestra/posts/5500" } });
            json!({ "object": "page", "entry": [{ "id": account, "time": seconds, "changes": [{ "field": "feed", "value": value }] }] })
        }
        (ChannelKind::Facebook, Way::Review(stars)) => {
            let value = json!({ "item": "rating", "verb": "add", "open_graph_story_id": format!("7700{id}"), "reviewer_id": who, "reviewer_name": "Noa Simulator",
                "recommendation_type": if stars >= 3 { "POSITIVE" } else { "NEGATIVE" }, "review_text": text, "comment_id": null, "created_time": seconds });
            json!({ "object": "page", "entry": [{ "id": account, "time": seconds, "changes": [{ "field": "ratings", "value": value }] }] })
        }
        (ChannelKind::Instagram, _) => {
            let value = json!({ "id": format!("1790{id}"), "from": { "id": who, "username": "noa_sim" }, "media": { "id": "18001", "media_product_type": "FEED" }, "text": text });
            json!({ "object": "instagram", "entry": [{ "id": account, "time": seconds, "changes": [{ "field": "comments", "value": value }] }] })
        }
        (ChannelKind::Whatsapp, _) => {
            let phone = NUMBER.trim_start_matches('+');
            let message = json!({ "from": phone, "id": format!("wamid.sim{id}"), "timestamp": seconds.to_string(), "type": "text", "text": { "body": text } });
            change_of_number(
                &account,
                &json!({ "contacts": [{ "profile": { "name": "Noa Simulator" }, "wa_id": phone }], "messages": [message] }),
            )
        }
        (ChannelKind::Sms, _) => {
            return Some(sms(
                app,
                channel,
                &[("Body", text), ("From", NUMBER), ("MessageSid", &format!("SM{id:032}")), ("NumMedia", "0"), ("To", &account)],
            ));
        }
        (ChannelKind::X, Way::Message) => {
            let message = json!({ "type": "message_create", "id": format!("20807{id}"), "created_timestamp": now.to_string(), "message_create": {
                "target": { "recipient_id": account }, "sender_id": who, "message_data": { "text": text, "entities": { "urls": [] } } } });
            let users = json!({ &*who: { "data": { "id": who, "name": "Noa Simulator", "username": "noa_sim" } } });
            activity(&account, "dm.received", id, json!({ "direct_message_events": [message], "users": users }), None)
        }
        (ChannelKind::X, _) => {
            let post = format!("20808{id}");
            let payload = json!({ "id": post, "text": format!("@bottegaginestra {text}"), "author_id": who, "conversation_id": post, "created_at": Ts::now(),
                "entities": { "mentions": [{ "start": 0, "end": 16, "username": "bottegaginestra", "id": account }] }, "edit_history_tweet_ids": [post] });
            activity(
                &account,
                "post.mention.create",
                id,
                payload,
                Some(json!({ "users": [{ "id": who, "name": "Noa Simulator", "username": "noa_sim" }] })),
            )
        }
        // What is reviewed on Google has to be asked for.
        _ => return None,
    };
    Some(signed(app, channel, &body))
}

fn activity(account: &str, kind: &str, id: i64, payload: Value, includes: Option<Value>) -> Value {
    let mut data = json!({ "event_uuid": id.to_string(), "filter": { "user_id": account }, "event_type": kind, "tag": "sportello", "payload": payload });
    if let Some(includes) = includes {
        data["includes"] = includes;
    }
    json!({ "data": data })
}

/// A change of a WhatsApp number.
pub fn change_of_number(account: &str, more: &Value) -> Value {
    let mut value =
        json!({ "messaging_product": "whatsapp", "metadata": { "display_phone_number": "390736123457", "phone_number_id": account } });
    for (key, part) in more.as_object().into_iter().flatten() {
        value[key] = part.clone();
    }
    json!({ "object": "whatsapp_business_account", "entry": [{ "id": "1", "changes": [{ "field": "messages", "value": value }] }] })
}

/// The request of a webhook with a body of JSON, signed as its provider does.
pub fn signed(app: &App, channel: &Channel, body: &Value) -> RequestBuilder {
    let raw = body.to_string().into_bytes();
    let secrets: Map<String, Value> = channel.secrets(&app.keys);
    let secret =
        |name: &str| secrets.get(name).and_then(|value| value.as_str().or_else(|| value[0].as_str())).unwrap_or_default().to_owned();
    let (header, value) = match channel.kind {
        ChannelKind::Telegram => ("x-telegram-bot-api-secret-token", secret("hook_token")),
        ChannelKind::X => {
            let mac = mac256(&secret("consumer_secret"), &raw);
            ("x-twitter-webhooks-signature", format!("sha256={}", base64::engine::general_purpose::STANDARD.encode(mac)))
        }
        ChannelKind::Whatsapp => ("x-hub-signature-256", format!("sha256={}", hex::encode(mac256(&secret("app_secret"), &raw)))),
        _ => ("x-hub-signature-256", format!("sha256={}", hex::encode(mac256(&secret("app_secrets"), &raw)))),
    };
    post(app, channel).header(header, value).header("content-type", "application/json").body(raw)
}

/// The request of a form of Twilio's, in the order of its names.
pub fn sms(app: &App, channel: &Channel, fields: &[(&str, &str)]) -> RequestBuilder {
    let mut pairs: Vec<(&str, &str)> = vec![("AccountSid", "ACdemo")];
    pairs.extend(fields);
    pairs.sort_unstable();
    let secrets: Map<String, Value> = channel.secrets(&app.keys);
    let token = secrets.get("auth_token").and_then(Value::as_str).unwrap_or_default();
    let mut text = format!("{}/hooks/sms/{}", app.config.public_url(), channel.id);
    for (name, value) in &pairs {
        text.push_str(name);
        text.push_str(value);
    }
    let signature = Hmac::<sha1::Sha1>::new_from_slice(token.as_bytes()).map(|mut mac| {
        mac.update(text.as_bytes());
        base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes())
    });
    post(app, channel).header("x-twilio-signature", signature.unwrap_or_default()).form(&pairs)
}

fn post(app: &App, channel: &Channel) -> RequestBuilder {
    let hook = format!("{}/hooks/{}/{}", own_address(app), channel.kind, channel.id);
    reqwest::Client::new().post(hook).timeout(std::time::Duration::from_secs(10))
}

fn mac256(secret: &str, bytes: &[u8]) -> Vec<u8> {
    // Any key will do for this.
    Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).map_or_else(
        |_| Vec::new(),
        |mut mac| {
            mac.update(bytes);
            mac.finalize().into_bytes().to_vec()
        },
    )
}

/// Sends a webhook; what went wrong stands on the screen.
pub async fn bring(kind: ChannelKind, request: RequestBuilder) {
    match request.send().await.map(|response| response.status()) {
        Ok(status) if status.is_success() => {}
        Ok(status) => drop(stage::theirs(kind, &format!("(The desk answered {status} to the webhook.)"), false)),
        Err(error) => drop(stage::theirs(kind, &format!("(The desk’s webhook could not be reached: {})", error.without_url()), false)),
    }
}
