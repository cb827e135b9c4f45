//! Webhooks of the Cloud API become happenings. Pure.

mod contents;
mod news;
#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::channels::whatsapp::faults;
use crate::channels::wire::reading::{id_of, list, time_of};
use crate::desk::channels::Channel;
use crate::desk::kinds::{ChannelKind, IdentityKind};
use crate::desk::networks::{AccountNews, Echo, Element, Fault, Happening, Notice, Person, Said, Step, Who, parse_mark};

/// Reads one webhook: every change of every entry.
pub fn read(_channel: &Channel, raw: &[u8]) -> Vec<Element> {
    let Ok(value) = serde_json::from_slice::<Value>(raw) else { return vec![odd(None, "It is no JSON.")] };
    let object = value["object"].as_str().unwrap_or_default();
    if object != "whatsapp_business_account" {
        return vec![odd(None, &format!("It is not about a WhatsApp account but about: {object}."))];
    }
    list(&value["entry"]).iter().flat_map(|entry| list(&entry["changes"])).flat_map(read_change).collect()
}

fn read_change(change: &Value) -> Vec<Element> {
    let value = &change["value"];
    // Meta sends the webhooks of all numbers of an app to one address.
    let account = id_of(&value["metadata"]["phone_number_id"]);
    let field = change["field"].as_str().unwrap_or_default();
    let told = match field {
        "messages" => read_messages(value),
        "smb_message_echoes" => list(&value["message_echoes"]).iter().flat_map(|message| read_message(value, message, true)).collect(),
        "user_id_update" => list(&value["user_id_update"]).iter().flat_map(news::user_id_update).collect(),
        "user_preferences" => list(&value["user_preferences"]).iter().map(|one| Err(news::preference(one))).collect(),
        _ => match news::account(field, value) {
            Some(words) => vec![Ok(Happening::Account(AccountNews::Notice(words)))],
            None => vec![Err(format!("A change of a kind that is not read: {field}."))],
        },
    };
    told.into_iter().map(|told| element(account.clone(), told)).collect()
}

/// What one change tells, in its order; `Err`: in words.
type Told = Vec<Result<Happening, String>>;

fn element(account: Option<String>, told: Result<Happening, String>) -> Element {
    Element { account: account.map(|id| (ChannelKind::Whatsapp, id)), told }
}

fn odd(account: Option<String>, words: &str) -> Element {
    element(account, Err(words.to_owned()))
}

fn read_messages(value: &Value) -> Told {
    let mut told: Told = list(&value["messages"]).iter().flat_map(|message| read_message(value, message, false)).collect();
    told.extend(list(&value["statuses"]).iter().flat_map(read_status));
    for error in list(&value["errors"]) {
        let words = error["error_data"]["details"].as_str().or_else(|| error["message"].as_str()).or_else(|| error["title"].as_str());
        told.push(Ok(Happening::Account(AccountNews::Notice(format!("WhatsApp reports: {}", words.unwrap_or("an error without words"))))));
    }
    told
}

/// One message; `ours`: said in the phone's own app.
fn read_message(value: &Value, message: &Value, ours: bool) -> Told {
    let Some(id) = id_of(&message["id"]) else { return vec![Err("A message without an id.".to_owned())] };
    let at = time_of(&message["timestamp"]);
    let who = if ours { Who::Shop } else { Who::Customer };
    let about = |target: &Value, notice: Notice| match id_of(target) {
        Some(target) => vec![Ok(Happening::Noticed { target, notice })],
        None => vec![Err(format!("A change of no message ({id})."))],
    };
    match message["type"].as_str().unwrap_or_default() {
        "reaction" => {
            let emoji = message["reaction"]["emoji"].as_str().filter(|emoji| !emoji.is_empty()).map(str::to_owned);
            return about(&message["reaction"]["message_id"], Notice::Reacted { by: who, emoji, at });
        }
        "edit" => {
            let text = contents::words(&message["edit"]["message"]);
            return about(&message["edit"]["original_message_id"], Notice::Edited { text, at });
        }
        "revoke" => return about(&message["revoke"]["original_message_id"], Notice::Removed { at }),
        "system" => return news::system(message),
        _ => {}
    }
    let address = if ours { Address::new(&message["to"], &message["to_user_id"]) } else { Address::of(message) };
    let Some(conversation) = address.conversation() else { return vec![Err(format!("A message of nobody ({id})."))] };
    let (text, media, extras) = contents::read(message);
    vec![Ok(Happening::Said(Box::new(Said {
        id,
        conversation,
        aliases: address.aliases(),
        echo: ours.then(|| Echo {
            part: message["biz_opaque_callback_data"].as_str().and_then(parse_mark),
            app: Some("WhatsApp Business app".to_owned()),
        }),
        person: address.person(list(&value["contacts"])),
        text,
        at,
        reply_to: id_of(&message["context"]["id"]),
        media,
        extras,
        opens_window: !ours,
        ..Said::default()
    })))]
}

/// How far one of our messages has come.
fn read_status(status: &Value) -> Told {
    let Some(target) = id_of(&status["id"]) else { return vec![Err("A status without a message.".to_owned())] };
    let step = match status["status"].as_str().unwrap_or_default() {
        "sent" => Step::Sent,
        "delivered" => Step::Delivered,
        "read" | "played" => Step::Read,
        "failed" => Step::Failed(faults::of_status(&status["errors"])),
        other => return vec![Err(format!("A status that is not read: {other}."))],
    };
    let lost = match &step {
        Step::Failed(Fault::SignIn(words)) => Some(AccountNews::SignInLost(words.clone())),
        _ => None,
    };
    let part = status["biz_opaque_callback_data"].as_str().and_then(parse_mark);
    let notice = Notice::Progress { step, part, at: time_of(&status["timestamp"]) };
    let mut told = vec![Ok(Happening::Noticed { target, notice })];
    told.extend(lost.map(|news| Ok(Happening::Account(news))));
    told
}

/// What a customer is known by: the number, the id that stands for it where a business may not see it, or both.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Address {
    /// Digits alone.
    phone: Option<String>,
    /// `IT.13491208655302741918`
    user_id: Option<String>,
}

impl Address {
    /// Of whoever wrote a message.
    fn of(message: &Value) -> Self {
        Self::new(&message["from"], &message["from_user_id"])
    }

    fn new(phone: &Value, user_id: &Value) -> Self {
        let phone = id_of(phone);
        let is_phone = |text: &String| text.trim_start_matches('+').bytes().all(|byte| byte.is_ascii_digit());
        let digits = phone.clone().filter(is_phone).map(|phone| phone.trim_start_matches('+').to_owned());
        // Where the number is hidden, its place may hold the id instead.
        Self { user_id: id_of(user_id).or_else(|| phone.filter(|text| !is_phone(text))), phone: digits.filter(|text| !text.is_empty()) }
    }

    /// By the number where it is known: that is where answers surely go to.
    fn conversation(&self) -> Option<String> {
        match &self.phone {
            Some(phone) => Some(format!("dm:+{phone}")),
            None => self.user_id.as_ref().map(|id| format!("dm:{id}")),
        }
    }

    /// By the id, where the conversation goes by the number.
    fn aliases(&self) -> Vec<String> {
        self.user_id.iter().filter(|_| self.phone.is_some()).map(|id| format!("dm:{id}")).collect()
    }

    fn identities(&self) -> Vec<(IdentityKind, String)> {
        let user_id = self.user_id.iter().map(|id| (IdentityKind::Whatsapp, id.clone()));
        user_id.chain(self.phone.iter().map(|phone| (IdentityKind::Phone, format!("+{phone}")))).collect()
    }

    /// The customer, with what `contacts` of the webhook tells of them.
    fn person(&self, contacts: &[Value]) -> Person {
        let matches = |contact: &&Value| {
            let other = Self::new(&contact["wa_id"], &contact["user_id"]);
            (other.user_id.is_some() && other.user_id == self.user_id) || (other.phone.is_some() && other.phone == self.phone)
        };
        let contact = contacts.iter().find(matches).or_else(|| contacts.first().filter(|_| contacts.len() == 1));
        let known = contact.map(|contact| Self::new(&contact["wa_id"], &contact["user_id"])).unwrap_or_default();
        let whole = Self { phone: self.phone.clone().or(known.phone), user_id: self.user_id.clone().or(known.user_id) };
        let profile = contact.map(|contact| &contact["profile"]).unwrap_or(&Value::Null);
        let mut identities = whole.identities().into_iter();
        Person {
            identity: identities.next(),
            also: identities.collect(),
            name: profile["name"].as_str().unwrap_or_default().to_owned(),
            handle: profile["username"].as_str().map(|name| name.trim_start_matches('@').to_owned()).filter(|name| !name.is_empty()),
            ..Person::default()
        }
    }
}
