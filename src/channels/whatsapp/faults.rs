//! WhatsApp's own error codes, by what helps. Source: WhatsApp Cloud API error codes, Graph API v25.

use serde_json::Value;

use crate::channels::meta;
use crate::channels::wire::calls::Answered;
use crate::desk::networks::Fault;

/// Seconds after which one customer may be written to again.
const PAIR_PAUSE: i64 = 6;

/// What an answer of the API means: the body, or a fault.
pub fn judge(answer: &Answered) -> Result<Value, Fault> {
    let body = answer.json();
    let error = &body["error"];
    // An answer without a code is Meta's in general, or none at all.
    match error["code"].as_i64().and_then(|code| by_code(code, told(error), answer.retry_after())) {
        Some(fault) => Err(fault),
        None if answer.status.as_u16() == 401 => Err(sign_in(told(error))),
        None => meta::judge(answer),
    }
}

/// Why a message that had been taken will not arrive: the first entry of `errors` of its status.
pub fn of_status(errors: &Value) -> Fault {
    let error = &errors[0];
    let code = error["code"].as_i64().or_else(|| error["code"].as_str()?.parse().ok());
    let known = code.and_then(|code| by_code(code, told(error), None));
    known.unwrap_or_else(|| Fault::Permanent(format!("WhatsApp did not bring it ({}).", told(error))))
}

/// The plainest reason that an error gives.
fn told(error: &Value) -> &str {
    let places = [&error["error_data"]["details"], &error["error_user_msg"], &error["message"], &error["title"]];
    places.into_iter().filter_map(Value::as_str).find(|text| !text.is_empty()).unwrap_or("no reason given")
}

fn sign_in(told: &str) -> Fault {
    Fault::SignIn(format!("WhatsApp no longer accepts the sign-in, or it does not cover this. Connect the number again. (Meta: {told})"))
}

/// The class of a code; `None`: not one of WhatsApp's, or not known.
pub fn by_code(code: i64, told: &str, after: Option<i64>) -> Option<Fault> {
    let words = |what: &str| format!("{what} (Meta: {told})");
    let refused = |what: &str| Fault::Permanent(words(what));
    let recipient = |what: &str| Fault::Recipient(words(what));
    let later = |what: &str, after: Option<i64>| Fault::Later { words: words(what), after };
    Some(match code {
        0 | 3 | 10 | 190 | 200..=299 | 131_005 => sign_in(told),
        368 => refused("Meta has restricted this WhatsApp account for a while because of its policies."),
        131_031 => refused("Meta has locked this WhatsApp account. See Meta’s Business Support."),
        131_037 => refused("The number’s display name has to be approved by Meta first."),
        131_042 => refused("Meta cannot charge for messages: put the account’s payment method right in WhatsApp Manager."),
        131_047 | 470 => Fault::Window(words(
            "More than 24 hours have passed since the customer wrote: only an approved template can be sent until they write again.",
        )),
        131_026 => recipient("The message cannot be brought: this number is not on WhatsApp, or does not take messages from us."),
        131_021 => recipient("The number is our own."),
        131_030 => recipient("A test number writes only to the numbers on its list in Meta’s dashboard; this one is not on it."),
        131_049 => recipient("WhatsApp holds this back, so that this customer does not get too many offers. Try again in a day or later."),
        131_050 => recipient("This customer does not want marketing messages from us."),
        130_472 => recipient("WhatsApp does not bring marketing messages to this customer: they are part of an experiment of Meta’s."),
        130_497 => recipient("Messages of this kind cannot be sent to this customer’s country."),
        131_062 => recipient("This customer hides their number, and this kind of message needs it."),
        137_000 => recipient("This customer’s identity has changed; they have to write again first."),
        100 | 131_008 | 131_009 => refused("WhatsApp did not understand a part of this message."),
        131_051 => refused("WhatsApp does not take this kind of message."),
        131_052 => refused("The file could not be fetched from WhatsApp; ask the customer to send it again."),
        131_053 => refused("WhatsApp did not take the file: its kind or its size does not fit."),
        132_000 | 132_012 => refused("What was filled into the template does not fit it."),
        132_001 => refused("This template does not exist in this language, or is not approved."),
        132_005 => refused("The template is too long with what was filled in."),
        132_007 => refused("What was filled into the template breaks WhatsApp’s rules."),
        132_015 => refused("WhatsApp has paused this template: too many customers did not like it."),
        132_016 => refused("WhatsApp has switched this template off for good."),
        131_056 => later("Too many messages to this customer in a short time.", after.or(Some(PAIR_PAUSE))),
        131_048 => later("WhatsApp slows this number down, for customers have blocked or reported it.", after),
        131_064 => later("The number has reached how many customers it may write to in a day.", after),
        4 | 80_007 | 130_429 => later("WhatsApp asks us to send more slowly.", after),
        131_000 | 131_016 | 131_057 | 133_016 => later("WhatsApp could not do it just now.", after),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn codes_become_what_helps() {
        let class = |code: i64| by_code(code, "", None).map(|fault| fault.class());
        for code in [0, 190, 3, 10, 200, 299, 131_005] {
            assert_eq!(class(code), Some("sign_in"), "{code}");
        }
        for code in [131_026, 131_021, 131_030, 131_049, 131_050, 130_472, 130_497, 131_062, 137_000] {
            assert_eq!(class(code), Some("recipient"), "{code}");
        }
        for code in [4, 80_007, 130_429, 131_048, 131_056, 131_064, 131_000, 131_016, 131_057, 133_016] {
            assert_eq!(class(code), Some("later"), "{code}");
        }
        for code in [
            368, 131_031, 131_037, 131_042, 100, 131_008, 131_009, 131_051, 131_052, 131_053, 132_000, 132_001, 132_005, 132_007, 132_012,
            132_015, 132_016,
        ] {
            assert_eq!(class(code), Some("permanent"), "{code}");
        }
        assert_eq!(class(131_047), Some("window"));
        assert_eq!(class(999_999), None);
    }

    #[test]
    fn a_failed_status_tells_why() {
        let errors = json!([{ "code": 131_047, "title": "Re-engagement message", "error_data": { "details": "More than 24 hours" } }]);
        let fault = of_status(&errors);
        assert_eq!(fault.class(), "window");
        assert!(fault.to_string().contains("More than 24 hours"));
        assert_eq!(of_status(&json!([{ "code": "131026" }])).class(), "recipient");
        assert_eq!(of_status(&Value::Null).class(), "permanent");
    }
}
