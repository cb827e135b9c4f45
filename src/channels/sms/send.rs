//! Calls of Twilio's API for messages.

use crate::channels::sms::settings::{Secrets, Settings};
use crate::channels::twilio::{self, Account};
use crate::channels::wire::{Health, Receipt, Recipient, Way, hooks};
use crate::desk::envelope::IncomingFile;
use crate::desk::networks::abilities::Abilities;
use crate::desk::networks::parts::{NewPart, Part};
use crate::desk::networks::{Fault, Media};
use crate::desk::tickets::thread::Message;

/// Text in messages of 1600 characters.
pub fn plan(abilities: &Abilities, message: &Message) -> Vec<NewPart> {
    let mut body = message.body.trim().to_owned();
    for choice in message.envelope().choices {
        body.push_str(&format!("\n- {choice}"));
    }
    let pieces = abilities.text.split(&body).into_iter().filter(|piece| !piece.is_empty());
    pieces.map(|body| NewPart { body, ..NewPart::default() }).collect()
}

fn account<'a>(way: &'a Way<'a>, settings: &Settings) -> Account<'a> {
    let secrets: Secrets = way.channel.secrets(&way.app.keys);
    Account { way, base: settings.base.clone(), sid: settings.account_sid.clone(), token: secrets.auth_token }
}

/// Sends one part.
pub async fn send(way: &Way<'_>, to: &Recipient, part: &Part) -> Result<Receipt, Fault> {
    let settings = Settings::of(way.channel);
    let number = to.conversation.strip_prefix("sms:").filter(|number| !number.is_empty());
    let number = number.ok_or_else(|| Fault::Permanent("The customer’s number is not known any more.".to_owned()))?;
    let callback = hooks::address(way.app, way.channel.kind, way.channel.id);
    let sender = if settings.messaging_service_sid.is_empty() {
        ("From", &*settings.from)
    } else {
        ("MessagingServiceSid", &*settings.messaging_service_sid)
    };
    let form = [("To", number), sender, ("Body", &part.body), ("StatusCallback", &callback)];
    let sent = account(way, &settings).post_once("Messages.json", &form).await?;
    match sent["sid"].as_str() {
        Some(sid) => Ok(Receipt::of(sid.to_owned())),
        None => Err(Fault::Unsure("Twilio did not say under which id it took this.".to_owned())),
    }
}

/// Fetches a file of a message. Twilio's storage, where it leads, gets no password: it is another host.
pub async fn fetch(way: &Way<'_>, media: &Media) -> Result<IncomingFile, Fault> {
    let settings = Settings::of(way.channel);
    let secrets: Secrets = way.channel.secrets(&way.app.keys);
    let ours = twilio::is_own(&media.source, &settings.base);
    let fetched = way
        .calls
        .fetch(&media.source, |request| if ours { request.basic_auth(&settings.account_sid, Some(&secrets.auth_token)) } else { request })
        .await?;
    Ok(fetched.into_file(media.name.clone().unwrap_or_else(|| "file".to_owned()), media.media_type.clone()))
}

/// Asks for the account's name, and has Twilio send here what comes to the number.
pub async fn check(way: &Way<'_>) -> Result<Health, Fault> {
    let settings = Settings::of(way.channel);
    let account = account(way, &settings);
    let hook = hooks::address(way.app, way.channel.kind, way.channel.id);
    let found = account.get("", &[]).await?;
    let mut notes = Vec::new();
    match found["status"].as_str() {
        None | Some("active") => {}
        Some(status) => notes.push(format!("The account is {status}")),
    }
    if found["type"].as_str() == Some("Trial") {
        notes.push("A trial account sends only to numbers that are verified in Twilio’s console".to_owned());
    }
    if settings.from.is_empty() {
        notes.push(format!("Enter {hook} in the messaging service, as what is called when a message comes in"));
    } else {
        notes.push(subscribe(&account, &settings, &hook).await?);
    }
    let name = found["friendly_name"].as_str().unwrap_or_default();
    let id = if settings.from.is_empty() { settings.messaging_service_sid } else { settings.from };
    Ok(Health { account: if name.is_empty() { id.clone() } else { format!("{name} ({id})") }, id, notes })
}

async fn subscribe(account: &Account<'_>, settings: &Settings, hook: &str) -> Result<String, Fault> {
    let numbers = account.get("IncomingPhoneNumbers.json", &[("PhoneNumber", &settings.from)]).await?;
    let Some(sid) = numbers["incoming_phone_numbers"][0]["sid"].as_str().filter(|sid| sid.bytes().all(|byte| byte.is_ascii_alphanumeric()))
    else {
        return Ok(format!("The number {} is not in this account; enter {hook} where it is", settings.from));
    };
    account.post_again(&format!("IncomingPhoneNumbers/{sid}.json"), &[("SmsUrl", hook), ("SmsMethod", "POST")]).await?;
    Ok(if settings.messaging_service_sid.is_empty() {
        format!("Messages are sent to {hook}")
    } else {
        format!("Messages are sent to {hook}, unless the messaging service says otherwise: choose “Defer to sender’s webhook” there")
    })
}
