//! Twilio Voice: rings somebody, takes a message, and tells how calls went. Source: twilio.com/docs/voice, TwiML and webhooks.

use std::collections::HashMap;

use http::Method;

use crate::channels::phone::cti::escape;
use crate::channels::phone::settings::{Secrets, Settings};
use crate::channels::twilio::{self, Account};
use crate::channels::wire::hooks::{Answer, Hook, Reply};
use crate::channels::wire::{Health, Way, hooks};
use crate::clock::Ts;
use crate::desk::calls::{CallNews, CallStep};
use crate::desk::channels::Channel;
use crate::desk::envelope::IncomingFile;
use crate::desk::networks::{Element, Fault, Happening, Media, MediaKind};
use crate::i18n;

/// Seconds that it rings before the answering machine takes the call.
const RINGS: u32 = 20;
/// The longest message, in seconds.
const MESSAGE: u32 = 180;

type Form = HashMap<String, String>;

fn form_of(body: &[u8]) -> Form {
    twilio::parse_form(body).into_iter().collect()
}

fn field<'a>(form: &'a Form, name: &str) -> &'a str {
    form.get(name).map(|value| value.trim()).unwrap_or_default()
}

fn is_taken(status: &str) -> bool {
    matches!(status, "completed" | "answered")
}

/// Judges a request, and says what Twilio is to do with the call. `hook` is the channel's own address.
pub fn admit(settings: &Settings, secrets: &Secrets, channel: &Channel, request: &Hook, address: &str) -> Answer {
    if request.method != Method::POST || !twilio::is_genuine(request, &secrets.auth_token) {
        return Answer::Refuse;
    }
    let form = form_of(&request.body);
    let inside = match request.query("step").as_deref() {
        // What is told besides: nothing is to be done.
        Some("status" | "recording") => String::new(),
        Some("left") => say(settings, channel, "voicemail-thanks") + "<Hangup/>",
        Some("dialed") if is_taken(field(&form, "DialCallStatus")) => String::new(),
        Some("dialed") => machine(settings, channel, address),
        _ if field(&form, "Direction").starts_with("outbound") => String::new(),
        _ if settings.refuses(&settings.party(field(&form, "From"))) => r#"<Reject reason="busy"/>"#.to_owned(),
        _ => match settings.party(&settings.forward_to).number() {
            Some(number) => {
                let at = escape(address);
                format!(
                    r#"<Dial timeout="{RINGS}" answerOnBridge="true" action="{at}?step=dialed"><Number statusCallback="{at}?step=status" statusCallbackEvent="answered">{}</Number></Dial>"#,
                    escape(number)
                )
            }
            None => machine(settings, channel, address),
        },
    };
    let body = if inside.is_empty() { "<Response/>".to_owned() } else { format!("<Response>{inside}</Response>") };
    Answer::Take(Reply::xml(format!(r#"<?xml version="1.0" encoding="UTF-8"?>{body}"#)))
}

fn say(settings: &Settings, channel: &Channel, key: &str) -> String {
    let language = settings.language(channel);
    let own = settings.greeting.trim();
    let words = if key == "voicemail-greeting" && !own.is_empty() { own.to_owned() } else { i18n::text(language, key) };
    let tag = match language {
        i18n::Language::It => "it-IT",
        i18n::Language::En => "en-GB",
        i18n::Language::Fr => "fr-FR",
        i18n::Language::De => "de-DE",
        i18n::Language::Es => "es-ES",
    };
    format!(r#"<Say language="{tag}">{}</Say>"#, escape(&words))
}

/// The answering machine. What follows the recording is heard by whoever said nothing.
fn machine(settings: &Settings, channel: &Channel, address: &str) -> String {
    let at = escape(address);
    let record = format!(
        r##"<Record action="{at}?step=left" maxLength="{MESSAGE}" timeout="5" finishOnKey="#" playBeep="true" trim="trim-silence" recordingStatusCallback="{at}?step=recording" recordingStatusCallbackEvent="completed absent"/>"##
    );
    say(settings, channel, "voicemail-greeting") + &record + &say(settings, channel, "voicemail-silence")
}

/// What a request tells. Pure.
pub fn read(settings: &Settings, raw: &[u8]) -> Vec<Element> {
    let form = form_of(raw);
    match tell(settings, &form) {
        Ok(all) => all.into_iter().map(|news| Element::here(Happening::Call(Box::new(news)))).collect(),
        Err(words) => vec![Element { account: None, told: Err(words) }],
    }
}

fn tell(settings: &Settings, form: &Form) -> Result<Vec<CallNews>, String> {
    let direction = field(form, "Direction");
    let parent = field(form, "ParentCallSid");
    // The leg to somebody of ours is part of the customer's call.
    let leg = !parent.is_empty() && direction == "outbound-dial";
    let id = if leg { parent } else { field(form, "CallSid") };
    if id.is_empty() {
        return Err("An event of a call without its id.".to_owned());
    }
    let number = |name: &str| form.contains_key(name).then(|| settings.party(field(form, name)));
    let incoming = match direction {
        _ if leg => None,
        "inbound" => Some(true),
        other if other.starts_with("outbound") => Some(false),
        _ => None,
    };
    let (customer, line) = match incoming {
        Some(true) => (number("From"), number("To")),
        Some(false) => (number("To"), number("From")),
        None => (None, None),
    };
    let forward = settings.forward_to.trim();
    let news = |step: CallStep| CallNews {
        id: id.to_owned(),
        incoming,
        customer: customer.clone(),
        line: line.clone(),
        name: field(form, "CallerName").to_owned(),
        rings_at: if incoming == Some(true) && !forward.is_empty() { vec![forward.to_owned()] } else { Vec::new() },
        by: match &step {
            CallStep::Answered if leg => vec![field(form, "To").to_owned(), forward.to_owned()],
            CallStep::Answered if incoming != Some(false) => vec![forward.to_owned()],
            _ if incoming == Some(false) => vec![field(form, "From").to_owned()],
            _ => Vec::new(),
        },
        step,
        at: time(field(form, "Timestamp")),
    };
    let seconds = |name: &str| field(form, name).parse::<i32>().ok().filter(|seconds| *seconds >= 0);
    // The recording, told by its own callback and again when the caller hangs up.
    let recorded = |url: &str| {
        let media = Media {
            kind: MediaKind::Voice,
            source: format!("{}.mp3", url.strip_suffix(".mp3").unwrap_or(url)),
            name: Some("voicemail.mp3".to_owned()),
            media_type: Some("audio/mpeg".to_owned()),
        };
        CallStep::Recorded { media, seconds: seconds("RecordingDuration") }
    };
    match (field(form, "RecordingStatus"), field(form, "RecordingUrl")) {
        ("", "") => {}
        ("completed" | "", url) if !url.is_empty() => return Ok(vec![news(recorded(url))]),
        ("absent", _) => return Ok(vec![news(CallStep::NotRecorded { words: None })]),
        ("in-progress", _) => return Ok(Vec::new()),
        (status, _) => {
            let code = field(form, "ErrorCode");
            let words = format!("Twilio could not record it ({status}{}{code}).", if code.is_empty() { "" } else { ", error " });
            return Ok(vec![news(CallStep::NotRecorded { words: Some(words) })]);
        }
    }
    // Whether somebody of ours took it.
    let dialed = field(form, "DialCallStatus");
    if is_taken(dialed) {
        let ended = CallStep::Ended { cause: dialed.to_owned(), seconds: seconds("DialCallDuration") };
        return Ok(vec![news(CallStep::Answered), news(ended)]);
    }
    if !dialed.is_empty() {
        return Ok(vec![news(CallStep::Ringing)]);
    }
    if incoming == Some(true) && settings.refuses(customer.as_ref().unwrap_or(&crate::text::phones::Party::Anonymous)) {
        return Ok(vec![news(CallStep::Refused)]);
    }
    Ok(match field(form, "CallStatus") {
        "queued" | "initiated" | "ringing" => vec![news(CallStep::Ringing)],
        // To us the machine has answered; a person, if it is the leg to them, or a call of ours.
        "in-progress" if leg || incoming == Some(false) => vec![news(CallStep::Answered)],
        "in-progress" => vec![news(CallStep::Ringing)],
        // The customer may still be there and speak to the machine.
        "completed" | "busy" | "failed" | "no-answer" | "canceled" if leg => Vec::new(),
        status @ ("completed" | "busy" | "failed" | "no-answer" | "canceled") => {
            // A call of ours lasts as long as Twilio says; of a customer's that counts the machine's words too.
            let seconds = if incoming == Some(false) && status == "completed" { seconds("CallDuration") } else { None };
            vec![news(CallStep::Ended { cause: status.to_owned(), seconds })]
        }
        "" => return Err("An event of a call that says nothing of it.".to_owned()),
        other => return Err(format!("A status of a call that is not read: “{}”.", other.chars().take(40).collect::<String>())),
    })
}

/// `Sat, 03 Oct 2026 10:00:00 +0000`
fn time(told: &str) -> Option<Ts> {
    let zoned = jiff::fmt::rfc2822::parse(told).ok()?;
    Some(Ts(zoned.timestamp()))
}

fn account<'a>(way: &'a Way<'a>, settings: &Settings) -> Account<'a> {
    let secrets: Secrets = way.channel.secrets(&way.app.keys);
    Account { way, base: settings.base.clone(), sid: settings.account_sid.clone(), token: secrets.auth_token }
}

/// Fetches a recording. Twilio tells of it a moment before it is there.
pub async fn fetch(way: &Way<'_>, media: &Media) -> Result<IncomingFile, Fault> {
    let settings = Settings::of(way.channel);
    let secrets: Secrets = way.channel.secrets(&way.app.keys);
    if !twilio::is_own(&media.source, &settings.base) {
        return Err(Fault::Permanent("The recording is not at Twilio’s.".to_owned()));
    }
    let fetched = way.calls.fetch(&media.source, |request| request.basic_auth(&settings.account_sid, Some(&secrets.auth_token))).await;
    let fetched = match fetched {
        Err(Fault::Permanent(words)) if words.contains("404") => return Err(Fault::Later { words, after: None }),
        other => other?,
    };
    Ok(IncomingFile {
        name: media.name.clone().unwrap_or_else(|| "voicemail.mp3".to_owned()),
        media_type: media.media_type.clone().unwrap_or_else(|| "audio/mpeg".to_owned()),
        bytes: fetched.bytes,
        content_id: None,
        inline: false,
    })
}

/// Asks for the account's name, and has Twilio send here what comes to the number.
pub async fn check(way: &Way<'_>) -> Result<Health, Fault> {
    let settings = Settings::of(way.channel);
    let secrets: Secrets = way.channel.secrets(&way.app.keys);
    if settings.account_sid.is_empty() || secrets.auth_token.is_empty() || settings.number.is_empty() {
        return Err(Fault::Permanent("Twilio needs the account SID, the auth token and the number.".to_owned()));
    }
    let number = settings.party(&settings.number);
    let Some(number) = number.number() else { return Err(Fault::Permanent("The number is none: write it as +390612345678.".to_owned())) };
    let account = account(way, &settings);
    let hook = hooks::address(way.app, way.channel.kind, way.channel.id);
    let found = account.get("", &[]).await?;
    let mut notes = Vec::new();
    if let Some(status) = found["status"].as_str().filter(|status| *status != "active") {
        notes.push(format!("The account is {status}"));
    }
    let numbers = account.get("IncomingPhoneNumbers.json", &[("PhoneNumber", number)]).await?;
    let sid = numbers["incoming_phone_numbers"][0]["sid"].as_str().filter(|sid| sid.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    match sid {
        Some(sid) => {
            let status = format!("{hook}?step=status");
            let form = [("VoiceUrl", &*hook), ("VoiceMethod", "POST"), ("StatusCallback", &*status), ("StatusCallbackMethod", "POST")];
            account.post_again(&format!("IncomingPhoneNumbers/{sid}.json"), &form).await?;
            notes.push(format!("Calls of {number} are told to {hook}"));
        }
        None => notes
            .push(format!("The number {number} is not in this account; enter {hook} where it is, as what handles a call that comes in")),
    }
    match (&*settings.forward_to, settings.party(&settings.forward_to).number()) {
        ("", _) => notes.push("The answering machine takes every call".to_owned()),
        (_, Some(forward)) => notes.push(format!("It rings at {forward} for {RINGS} seconds, then the answering machine takes the call")),
        (typed, None) => return Err(Fault::Permanent(format!("“{typed}” is no telephone number that can ring."))),
    }
    let name = found["friendly_name"].as_str().unwrap_or_default();
    Ok(Health { account: if name.is_empty() { number.to_owned() } else { format!("{name} ({number})") }, id: number.to_owned(), notes })
}
