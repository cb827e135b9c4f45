//! Forms that Twilio posts become happenings: messages, and how far ours have come. Pure.

use std::collections::HashMap;

use crate::channels::twilio;
use crate::desk::kinds::IdentityKind;
use crate::desk::networks::{AccountNews, Element, Fault, Happening, Media, MediaKind, Notice, Person, Said, Step};

/// The most files that are looked for in one message. Twilio brings ten.
const MAX_MEDIA: usize = 20;

/// Reads one webhook.
pub fn read(raw: &[u8]) -> Vec<Element> {
    let form: HashMap<String, String> = twilio::parse_form(raw).into_iter().collect();
    let told = match form.get("MessageStatus").map(|status| &**status) {
        None | Some("received" | "receiving") => read_message(&form),
        Some(status) => read_status(&form, status),
    };
    told.into_iter().map(|told| Element { account: None, told }).collect()
}

type Form = HashMap<String, String>;

fn field<'a>(form: &'a Form, name: &str) -> &'a str {
    form.get(name).map(|value| value.trim()).unwrap_or_default()
}

/// The id of the message that a form is about.
fn sid(form: &Form) -> Option<String> {
    ["MessageSid", "SmsSid", "SmsMessageSid"].iter().map(|name| field(form, name)).find(|sid| !sid.is_empty()).map(str::to_owned)
}

fn conversation(number: &str) -> String {
    format!("sms:{number}")
}

fn read_message(form: &Form) -> Vec<Result<Happening, String>> {
    let Some(id) = sid(form) else { return vec![Err("A form without a message.".to_owned())] };
    let from = field(form, "From");
    if from.is_empty() || from.contains(':') {
        return vec![Err(format!("A message that is no SMS, from “{from}”."))];
    }
    let text = form.get("Body").cloned().unwrap_or_default();
    let count = field(form, "NumMedia").parse::<usize>().unwrap_or_default().min(MAX_MEDIA);
    let media: Vec<Media> = (0..count).filter_map(|index| file(form, index)).collect();
    // Short codes and names of senders are no numbers that a person has.
    let identity =
        if from.starts_with('+') { (IdentityKind::Phone, from.to_owned()) } else { (IdentityKind::External, conversation(from)) };
    let blocked = opted_out(field(form, "OptOutType"), &text);
    let said = Said {
        id,
        conversation: conversation(from),
        person: Person { identity: Some(identity), ..Person::default() },
        text,
        media,
        opens_window: true,
        ..Said::default()
    };
    let mut told = vec![Ok(Happening::Said(Box::new(said)))];
    // After what they said: a message takes back that somebody does not want to hear from us.
    told.extend(blocked.map(|blocked| Ok(Happening::Account(AccountNews::Blocked { conversation: conversation(from), blocked }))));
    told
}

/// Whether the customer opts out or in again: as Twilio tells, else by the words that mean nothing else anywhere.
fn opted_out(told: &str, text: &str) -> Option<bool> {
    let word = if told.is_empty() { text.trim() } else { told };
    match word.to_uppercase().as_str() {
        "STOP" | "STOPALL" | "UNSUBSCRIBE" | "OPTOUT" => Some(true),
        "START" | "UNSTOP" => Some(false),
        _ => None,
    }
}

fn file(form: &Form, index: usize) -> Option<Media> {
    let source = field(form, &format!("MediaUrl{index}"));
    let media_type = field(form, &format!("MediaContentType{index}")).split(';').next().unwrap_or_default().trim().to_lowercase();
    let (kind, stem) = match media_type.split('/').next().unwrap_or_default() {
        "image" => (MediaKind::Picture, "photo"),
        "video" => (MediaKind::Video, "video"),
        "audio" => (MediaKind::Voice, "audio"),
        _ => (MediaKind::File, "file"),
    };
    let extension = match &*media_type {
        "image/jpeg" => Some("jpg"),
        "text/vcard" | "text/x-vcard" => Some("vcf"),
        other => mime_guess::get_mime_extensions_str(other).and_then(|all| all.first().copied()),
    };
    Some(Media {
        kind,
        source: Some(source).filter(|source| !source.is_empty())?.to_owned(),
        name: extension.map(|extension| format!("{stem}.{extension}")),
        media_type: Some(media_type).filter(|kind| !kind.is_empty()),
    })
}

fn read_status(form: &Form, status: &str) -> Vec<Result<Happening, String>> {
    let Some(target) = sid(form) else { return vec![Err("A status without a message.".to_owned())] };
    let code = field(form, "ErrorCode").parse::<i64>().unwrap_or_default();
    let step = match status {
        // It has not left Twilio yet; that Twilio has it is known.
        "accepted" | "scheduled" | "queued" | "sending" => return Vec::new(),
        "sent" => Step::Sent,
        "delivered" => Step::Delivered,
        "read" => Step::Read,
        "undelivered" | "failed" | "canceled" => {
            let told = field(form, "ErrorMessage");
            let told = if told.is_empty() { status } else { told };
            Step::Failed(
                twilio::by_code(code, told, None)
                    .unwrap_or_else(|| Fault::Permanent(format!("Twilio did not bring it ({told}, code {code})."))),
            )
        }
        other => return vec![Err(format!("A status that is not read: {other}."))],
    };
    let mut told = vec![Ok(Happening::Noticed { target, notice: Notice::Progress { step, part: None, at: None } })];
    if code == OPTED_OUT {
        told.push(Ok(Happening::Account(AccountNews::Blocked { conversation: conversation(field(form, "To")), blocked: true })));
    }
    told
}

/// The customer has sent STOP at some time.
const OPTED_OUT: i64 = 21_610;

#[cfg(test)]
mod tests {
    use super::*;

    fn told(form: &str) -> Vec<Result<Happening, String>> {
        read(form.as_bytes()).into_iter().map(|element| element.told).collect()
    }

    const FRAME: &str = "MessageSid=SM1&SmsSid=SM1&AccountSid=AC1&From=%2B393331234567&To=%2B390612345678&SmsStatus=received&NumSegments=1";

    #[test]
    fn a_message_with_a_picture() {
        let form = format!(
            "{FRAME}&Body=Ciao+%C3%A8+pronto%3F&NumMedia=2&MediaUrl0=https%3A%2F%2Fapi.twilio.com%2Fm%2FME1&MediaContentType0=image%2Fjpeg\
             &MediaUrl1=https%3A%2F%2Fapi.twilio.com%2Fm%2FME2&MediaContentType1=text%2Fvcard&NewThing=1"
        );
        let media = |kind, source: &str, name: &str, media_type: &str| Media {
            kind,
            source: source.to_owned(),
            name: Some(name.to_owned()),
            media_type: Some(media_type.to_owned()),
        };
        let said = Said {
            id: "SM1".to_owned(),
            conversation: "sms:+393331234567".to_owned(),
            person: Person { identity: Some((IdentityKind::Phone, "+393331234567".to_owned())), ..Person::default() },
            text: "Ciao è pronto?".to_owned(),
            media: vec![
                media(MediaKind::Picture, "https://api.twilio.com/m/ME1", "photo.jpg", "image/jpeg"),
                media(MediaKind::File, "https://api.twilio.com/m/ME2", "file.vcf", "text/vcard"),
            ],
            opens_window: true,
            ..Said::default()
        };
        assert_eq!(told(&form), [Ok(Happening::Said(Box::new(said)))]);
    }

    #[test]
    fn stop_and_start_say_whether_we_may_write() {
        let news = |form: &str| match told(&format!("{FRAME}&{form}")).as_slice() {
            [Ok(Happening::Said(_)), Ok(Happening::Account(AccountNews::Blocked { conversation, blocked }))] => {
                assert_eq!(conversation, "sms:+393331234567");
                Some(*blocked)
            }
            [Ok(Happening::Said(_))] => None,
            other => panic!("{other:?}"),
        };
        assert_eq!(news("Body=Basta&OptOutType=STOP"), Some(true));
        assert_eq!(news("Body=stop"), Some(true));
        assert_eq!(news("Body=START&OptOutType=START"), Some(false));
        assert_eq!(news("Body=Aiuto&OptOutType=HELP"), None);
        assert_eq!(news("Body=Please+stop+by"), None);
    }

    #[test]
    fn statuses_say_how_far_it_came() {
        let step = |form: &str| match told(&format!("MessageSid=SM9&SmsSid=SM9&From=%2B390612345678&To=%2B393331234567&{form}")).as_slice()
        {
            [Ok(Happening::Noticed { target, notice: Notice::Progress { step, part: None, .. } }), ..] => {
                assert_eq!(target, "SM9");
                Some(step.clone())
            }
            [] => None,
            other => panic!("{other:?}"),
        };
        assert_eq!(step("MessageStatus=queued"), None);
        assert_eq!(step("MessageStatus=sent"), Some(Step::Sent));
        assert_eq!(step("MessageStatus=delivered"), Some(Step::Delivered));
        assert_eq!(step("MessageStatus=read"), Some(Step::Read));
        let failed = step("MessageStatus=undelivered&ErrorCode=30005");
        assert!(matches!(failed, Some(Step::Failed(Fault::Recipient(_)))), "{failed:?}");
        let failed = step("MessageStatus=failed&ErrorCode=77");
        assert!(matches!(failed, Some(Step::Failed(Fault::Permanent(_)))), "{failed:?}");
        let stopped = told("MessageSid=SM9&To=%2B393331234567&MessageStatus=failed&ErrorCode=21610");
        assert!(matches!(&stopped[1], Ok(Happening::Account(AccountNews::Blocked { blocked: true, .. }))));
    }

    #[test]
    fn odd_forms_are_told() {
        for form in [
            "",
            "Body=x",
            "MessageSid=SM1&Body=x",
            "MessageSid=SM1&From=whatsapp%3A%2B39&Body=x",
            "MessageStatus=sent",
            "MessageSid=1&MessageStatus=lost",
        ] {
            assert!(matches!(told(form)[..], [Err(_)]), "{form}");
        }
    }
}
