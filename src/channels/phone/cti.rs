//! Generic CTI as Zammad takes it, and sipgate's push API: the same events in the same words, answered differently.
//! Sources: docs.zammad.org (integration of a generic CTI), developer.sipgate.io/push-api.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;

use crate::channels::phone::settings::{Provider, Secrets, Settings};
use crate::channels::wire::hooks::{Answer, Hook, Reply};
use crate::desk::calls::{CallNews, CallStep, FORWARDED};
use crate::desk::networks::{Element, Happening};
use crate::text::html;
use crate::text::phones::Party;

/// The most people that one event may name.
const MAX_PEOPLE: usize = 100;
/// What stands for a person when the machine takes a call.
const MACHINE: &str = "voicemail";

/// What an exchange posted: names, each with what came under it.
#[derive(Debug, Default)]
struct Fields(HashMap<String, Vec<String>>);

impl Fields {
    /// JSON, or a form with `user[]` for what comes more than once.
    fn read(body: &[u8]) -> Self {
        let mut fields: HashMap<String, Vec<String>> = HashMap::new();
        let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
        if first == Some(&b'{') {
            let Ok(Value::Object(object)) = serde_json::from_slice::<Value>(body) else { return Self::default() };
            for (name, value) in object {
                let values: Vec<String> = match value {
                    Value::Array(list) => list.iter().filter_map(word).take(MAX_PEOPLE).collect(),
                    other => word(&other).into_iter().collect(),
                };
                fields.entry(name).or_default().extend(values);
            }
        } else {
            for (name, value) in url::form_urlencoded::parse(body).take(1000) {
                let name = name.split('[').next().unwrap_or_default().to_owned();
                fields.entry(name).or_default().push(value.into_owned());
            }
        }
        Self(fields)
    }

    fn one(&self, name: &str) -> &str {
        self.0.get(name).and_then(|values| values.first()).map(|value| value.trim()).unwrap_or_default()
    }

    fn all(&self, names: &[&str]) -> Vec<String> {
        let values = names.iter().filter_map(|name| self.0.get(*name)).flatten();
        values.map(|value| value.trim().to_owned()).filter(|value| !value.is_empty()).take(MAX_PEOPLE).collect()
    }

    /// Whether a customer calls us; `None`: neither, or nothing that is known.
    fn incoming(&self) -> Option<bool> {
        match self.one("direction") {
            "in" => Some(true),
            "out" => Some(false),
            _ => None,
        }
    }
}

fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Whether a request shows the channel's secret: in its path, or as the password of Basic authentication.
fn is_known(hook: &Hook, token: &str) -> bool {
    let same = |given: &str| -> bool { given.as_bytes().ct_eq(token.as_bytes()).into() };
    if token.is_empty() {
        return false;
    }
    let basic =
        hook.header("authorization").and_then(|value| value.strip_prefix("Basic ")).and_then(|value| STANDARD.decode(value.trim()).ok());
    let password =
        basic.and_then(|pair| String::from_utf8(pair).ok()).and_then(|pair| pair.split_once(':').map(|(_, word)| word.to_owned()));
    hook.secret.as_deref().is_some_and(same) || password.is_some_and(|password| same(&password))
}

const XML: &str = "application/xml; charset=utf-8";
const BEGINNING: &str = r#"<?xml version="1.0" encoding="UTF-8"?>"#;

/// Judges a request, and says what the exchange is to do. `address` is the channel's own, with its secret in it.
pub fn admit(settings: &Settings, secrets: &Secrets, hook: &Hook, address: &str) -> Answer {
    let sipgate = settings.provider == Provider::Sipgate;
    let deny = |status: StatusCode, words: &str| {
        Answer::Deny(
            status,
            if sipgate {
                Reply { media_type: XML, body: format!("{BEGINNING}<Response><Error>{words}</Error></Response>") }
            } else {
                Reply::json(&json!({ "error": words }))
            },
        )
    };
    if hook.method != Method::POST || !is_known(hook, &secrets.token) {
        return deny(StatusCode::UNAUTHORIZED, "Invalid token, please contact your admin!");
    }
    let fields = Fields::read(&hook.body);
    let event = fields.one("event");
    let incoming = fields.incoming();
    if incoming.is_none() && event != "dtmf" {
        return deny(StatusCode::UNPROCESSABLE_ENTITY, "Invalid direction!");
    }
    let caller = settings.party(fields.one("from"));
    let begins = event == "newCall";
    let refused = begins && incoming == Some(true) && settings.refuses(&caller);
    let dial = begins && incoming == Some(false) && !settings.caller_id.trim().is_empty();
    let bare = |number: &str| settings.party(number).as_str().trim_start_matches('+').to_owned();
    let (own, to) = (bare(&settings.caller_id), bare(fields.one("to")));
    if sipgate {
        let inside = if refused {
            r#"<Reject reason="busy"/>"#.to_owned()
        } else if dial {
            format!(r#"<Dial callerId="{}"><Number>{}</Number></Dial>"#, escape(&own), escape(&to))
        } else {
            String::new()
        };
        // Only whoever is told where hears of the rest.
        let address = escape(address);
        let open = format!(r#"{BEGINNING}<Response onAnswer="{address}" onHangup="{address}""#);
        let body = if inside.is_empty() { format!("{open}/>") } else { format!("{open}>{inside}</Response>") };
        return Answer::Take(Reply { media_type: XML, body });
    }
    Answer::Take(Reply::json(&if refused {
        json!({ "action": "reject", "reason": "busy" })
    } else if dial {
        json!({ "action": "dial", "caller_id": own, "number": to })
    } else {
        json!({})
    }))
}

/// For attributes and text of XML, which knows no control characters.
pub fn escape(text: &str) -> String {
    html::escape(&text.replace(|c: char| c.is_control() && c != '\n', ""))
}

/// What an event tells. Pure.
pub fn read(settings: &Settings, raw: &[u8]) -> Vec<Element> {
    let fields = Fields::read(raw);
    match tell(settings, &fields) {
        Ok(None) => Vec::new(),
        Ok(Some(news)) => vec![Element::here(Happening::Call(Box::new(news)))],
        Err(words) => vec![Element { account: None, told: Err(words) }],
    }
}

fn tell(settings: &Settings, fields: &Fields) -> Result<Option<CallNews>, String> {
    let event = fields.one("event");
    let id = fields.one("callId");
    if id.is_empty() {
        return Err("An event of a call without its id.".to_owned());
    }
    let incoming = fields.incoming();
    let told = |name: &str| fields.0.contains_key(name).then(|| settings.party(fields.one(name)));
    let (from, to) = (told("from"), told("to"));
    let people = fields.all(&["user", "userId", "fullUserId", "queue"]);
    let (customer, line) = if incoming == Some(false) { (to, from.clone()) } else { (from.clone(), to) };
    let mut by = fields.all(&["answeringNumber", "fullUserId", "userId", "user"]);
    if incoming == Some(false) {
        // Somebody of ours is the one who called, whoever took it at the other end.
        by = fields.all(&["fullUserId", "userId", "user"]);
        by.extend(from.as_ref().map(Party::as_str).filter(|number| !number.is_empty()).map(str::to_owned));
    }
    let machine = by.iter().any(|word| word.eq_ignore_ascii_case(MACHINE));
    let (step, rings_at) = match event {
        "newCall" if incoming == Some(true) && settings.refuses(from.as_ref().unwrap_or(&Party::Anonymous)) => (CallStep::Refused, people),
        "newCall" => (CallStep::Ringing, people),
        // The machine is nobody who has answered.
        "answer" if machine => (CallStep::Ringing, Vec::new()),
        "answer" => (CallStep::Answered, Vec::new()),
        "hangup" => {
            let cause = fields.one("cause");
            let cause = if cause.eq_ignore_ascii_case("forwarded") { FORWARDED } else { cause };
            (CallStep::Ended { cause: cause.to_owned(), seconds: None }, Vec::new())
        }
        "dtmf" => return Ok(None),
        other => return Err(format!("An event of a call that is not read: “{}”.", other.chars().take(40).collect::<String>())),
    };
    let by = if matches!(step, CallStep::Answered) || incoming == Some(false) { by } else { Vec::new() };
    Ok(Some(CallNews {
        id: id.to_owned(),
        incoming,
        customer,
        line,
        name: fields.one("callerName").to_owned(),
        rings_at: if incoming == Some(false) { Vec::new() } else { rings_at },
        by,
        step,
        at: None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn news(body: &str) -> Result<CallNews, String> {
        let mut all = read(&Settings::default(), body.as_bytes());
        assert_eq!(all.len(), 1, "{body}");
        match all.remove(0).told? {
            Happening::Call(news) => Ok(*news),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn people_come_as_a_word_a_list_or_a_form() {
        let frame = r#""event":"newCall","from":"493023125741","to":"390612345678","direction":"in","callId":"1""#;
        let words = |body: &str| news(body).expect("read").rings_at;
        assert_eq!(words(&format!(r#"{{{frame},"user":"Anna Verdi"}}"#)), ["Anna Verdi"]);
        assert_eq!(words(&format!(r#"{{{frame},"user":["Anna Verdi",7],"queue":"support"}}"#)), ["Anna Verdi", "7", "support"]);
        assert_eq!(
            words("event=newCall&from=493023125741&to=390612345678&direction=in&callId=1&user%5B%5D=Anna+Verdi&user[]=Bruno"),
            ["Anna Verdi", "Bruno"]
        );
    }

    #[test]
    fn the_customer_is_at_the_other_end() {
        let incoming = news(r#"{"event":"newCall","from":"493023125741","to":"0612345678","direction":"in","callId":9}"#).expect("read");
        assert_eq!(incoming.id, "9");
        assert_eq!(incoming.customer, Some(Party::Number("+493023125741".into())));
        assert_eq!(incoming.line, Some(Party::Number("+390612345678".into())));
        let out = news("event=newCall&from=0612345678&to=3331234567&direction=out&callId=9&user[]=Anna").expect("read");
        assert_eq!((out.incoming, out.customer), (Some(false), Some(Party::Number("+393331234567".into()))));
        assert_eq!(out.by, ["Anna", "+390612345678"]);
        let hidden = news(r#"{"event":"newCall","from":"anonymous","to":"39061","direction":"in","callId":"1"}"#).expect("read");
        assert_eq!(hidden.customer, Some(Party::Anonymous));
    }

    #[test]
    fn the_machine_has_not_answered() {
        let machine = news("event=answer&callId=1&direction=in&from=3331234567&to=06123&user=voicemail").expect("read");
        assert_eq!((machine.step, machine.by.len()), (CallStep::Ringing, 0));
    }

    #[test]
    fn odd_events_are_told() {
        for body in
            ["", "{", "null", "[]", "{}", r#"{"event":"newCall"}"#, "event=dance&callId=1&direction=in", "event=newCall&direction=in"]
        {
            assert!(news(body).is_err(), "{body}");
        }
        assert!(read(&Settings::default(), b"event=dtmf&callId=1&dtmf=5").is_empty());
    }
}
