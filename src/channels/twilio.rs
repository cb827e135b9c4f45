//! What all of Twilio's channels share: the signature of its webhooks, calls of its API, and their errors. Source: twilio.com/docs.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::Method;
use reqwest::{RequestBuilder, Url};
use serde_json::Value;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::channels::wire::Way;
use crate::channels::wire::calls::Answered;
use crate::channels::wire::hooks::Hook;
use crate::desk::networks::Fault;

/// Where the API is unless a channel says otherwise.
pub const API: &str = "https://api.twilio.com";

/// Whether a webhook bears the signature made with an account's auth token.
pub fn is_genuine(hook: &Hook, token: &str) -> bool {
    let given = hook.header("x-twilio-signature").unwrap_or_default();
    if token.is_empty() || given.is_empty() {
        return false;
    }
    let is_form = hook.header("content-type").unwrap_or_default().starts_with("application/x-www-form-urlencoded");
    let pairs = if hook.method == Method::POST && is_form { parse_form(&hook.body) } else { Vec::new() };
    // Other bodies are not signed themselves: the address carries their hash, and is signed.
    if hook.method == Method::POST && !is_form {
        let Some(hash) = hook.query("bodySHA256") else { return false };
        let same: bool = hex::encode(Sha256::digest(&hook.body)).as_bytes().ct_eq(hash.to_lowercase().as_bytes()).into();
        if !same {
            return false;
        }
    }
    // Whether Twilio signs the port depends on its product.
    spellings(&hook.url).iter().any(|url| {
        let same: bool = sign(token, url, &pairs).as_bytes().ct_eq(given.as_bytes()).into();
        same
    })
}

/// The pairs of a form, decoded, in their order.
pub fn parse_form(body: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(body).map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

/// Base64 of the HMAC-SHA1 over the address and the pairs, sorted by name; of a name that comes more than once each distinct value, sorted.
pub fn sign(token: &str, url: &str, pairs: &[(String, String)]) -> String {
    let mut sorted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, value) in pairs {
        sorted.entry(name).or_default().insert(value);
    }
    // A key of any length makes an HMAC.
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(token.as_bytes()) else { return String::new() };
    mac.update(url.as_bytes());
    for (name, values) in sorted {
        for value in values {
            mac.update(name.as_bytes());
            mac.update(value.as_bytes());
        }
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

/// An address as it is, without its port, and with the usual one of its scheme. Nothing else of it may change, so it is not parsed.
fn spellings(url: &str) -> Vec<String> {
    let url = url.split('#').next().unwrap_or_default();
    let mut all = vec![url.to_owned()];
    let Some((scheme, rest)) = url.split_once("://") else { return all };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let is_port = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let host = authority.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(authority, |(host, _)| host);
    let usual = if scheme.eq_ignore_ascii_case("https") { 443 } else { 80 };
    all.push(format!("{scheme}://{host}{path}"));
    all.push(format!("{scheme}://{host}:{usual}{path}"));
    all
}

/// Whether an address is one that may see the account's token.
pub fn is_own(url: &str, base: &str) -> bool {
    let origin = |url: &str| Url::parse(url).ok().map(|url| (url.origin(), url.host_str().unwrap_or_default().to_owned()));
    let (Some((origin_of_url, host)), Some((origin_of_base, _))) = (origin(url), origin(base)) else { return false };
    origin_of_url == origin_of_base || host == "twilio.com" || host.ends_with(".twilio.com")
}

/// An account's way into the API.
pub struct Account<'a> {
    pub way: &'a Way<'a>,
    /// [`API`], or another place.
    pub base: String,
    /// `AC…`
    pub sid: String,
    pub token: String,
}

impl Account<'_> {
    /// A request to `path` below the account (`Messages.json`); empty: the account itself.
    pub fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, Fault> {
        let below = if path.is_empty() { ".json".to_owned() } else { format!("/{path}") };
        let url = format!("{}/2010-04-01/Accounts/{}{below}", self.base.trim_end_matches('/'), self.sid);
        Ok(self.way.calls.request(method, &url)?.basic_auth(&self.sid, Some(&self.token)))
    }

    /// Asks for something.
    pub async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, Fault> {
        judge(&self.way.calls.ask(self.request(Method::GET, path)?.query(query)).await?)
    }

    /// Does what may be done again.
    pub async fn post_again(&self, path: &str, form: &[(&str, &str)]) -> Result<Value, Fault> {
        judge(&self.way.calls.ask(self.request(Method::POST, path)?.form(form)).await?)
    }

    /// Does what must not be done twice.
    pub async fn post_once(&self, path: &str, form: &[(&str, &str)]) -> Result<Value, Fault> {
        judge(&self.way.calls.run(self.request(Method::POST, path)?.form(form)).await?)
    }
}

/// What an answer means: the body, or a fault by what helps.
pub fn judge(answer: &Answered) -> Result<Value, Fault> {
    let body = answer.json();
    let status = answer.status.as_u16();
    if answer.status.is_success() {
        return if body.is_object() { Ok(body) } else { Err(Fault::Unsure("Twilio’s answer could not be read.".to_owned())) };
    }
    let told = body["message"].as_str().unwrap_or("no reason given");
    if let Some(fault) = body["code"].as_i64().and_then(|code| by_code(code, told, answer.retry_after())) {
        return Err(fault);
    }
    let words = |what: &str| format!("{what} (Twilio: {told})");
    Err(match status {
        401 | 403 => sign_in(told),
        429 => Fault::Later { words: words("Twilio asks us to send more slowly."), after: answer.retry_after() },
        500.. => Fault::Later { words: words(&format!("Twilio answered {status}.")), after: answer.retry_after() },
        _ => Fault::Permanent(words("Twilio refused it.")),
    })
}

fn sign_in(told: &str) -> Fault {
    Fault::SignIn(format!("Twilio no longer accepts the account’s SID and token. Enter them anew. (Twilio: {told})"))
}

/// The class of an error code; `None`: not known.
pub fn by_code(code: i64, told: &str, after: Option<i64>) -> Option<Fault> {
    let words = |what: &str| format!("{what} (Twilio {code}: {told})");
    let recipient = |what: &str| Some(Fault::Recipient(words(what)));
    let refused = |what: &str| Some(Fault::Permanent(words(what)));
    match code {
        20_003 | 20_005 | 20_006 => Some(sign_in(told)),
        20_429 => Some(Fault::Later { words: words("Twilio asks us to send more slowly."), after }),
        21_211 => recipient("The customer’s number is no telephone number."),
        21_408 => refused("The account may not send to this country: allow it in Twilio’s console, under Geo permissions."),
        21_606 | 21_612 => refused("This sender cannot reach the customer’s number."),
        21_614 | 30_006 => recipient("The customer’s number takes no messages: it may be a landline."),
        21_608 => refused("A trial account sends only to numbers that are verified in Twilio’s console."),
        21_610 => recipient("The customer has opted out by STOP; they have to send START first."),
        21_617 | 21_658 => refused("The text is too long."),
        30_003 => recipient("The customer’s telephone cannot be reached: it is off, or has no network."),
        30_004 => recipient("The customer’s telephone does not take messages from us."),
        30_005 => recipient("The customer’s number is not in use."),
        30_007 => refused("The network has filtered the message out as an advertisement."),
        30_008 => refused("The network did not say why it has not brought the message."),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue};

    use super::*;

    const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn hook(method: Method, url: &str, media_type: &'static str, signature: &str, body: &str) -> Hook {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static(media_type));
        headers.insert("x-twilio-signature", signature.parse().expect("a header"));
        Hook { method, url: url.to_owned(), headers, body: Bytes::from(body.to_owned()), secret: None }
    }

    const FORM: &str = "application/x-www-form-urlencoded; charset=UTF-8";
    const CALL: &str = "CallSid=CA1234567890ABCDE&Digits=1234&From=%2B14158675309&To=%2B18005551212&Caller=%2B14158675309";
    const CALL_SIGNATURE: &str = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";

    #[test]
    fn signatures_match_the_reference() {
        assert_eq!(sign("12345", URL, &parse_form(CALL.as_bytes())), CALL_SIGNATURE);
        let digits = |list: [&str; 3]| {
            let mut all = vec![("Sid", "CA123"), ("SidAccount", "AC123")];
            all.extend(list.map(|digits| ("Digits", digits)));
            sign("12345", URL, &pairs(&all))
        };
        // The order of what comes more than once does not count, nor how often.
        for list in [["5678", "1234", "1234"], ["1234", "5678", "1234"], ["1234", "5678", "5678"]] {
            assert_eq!(digits(list), "IK+Dwps556ElfBT0I3Rgjkr1wJU=");
        }
        let hashed = format!("{URL}&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620");
        assert_eq!(sign("12345", &hashed, &[]), "a9nBmqA0ju/hNViExpshrM61xv4=");
        let sms = pairs(&[
            ("AccountSid", "AC00000000000000000000000000000001"),
            ("Body", "Ciao è pronto?"),
            ("From", "+393331234567"),
            ("MessageSid", "SM00000000000000000000000000000001"),
            ("NumMedia", "0"),
            ("To", "+390612345678"),
        ]);
        assert_eq!(sign("tw-auth-token", "https://help.example.com/hooks/twilio/sms/17?k=1", &sms), "WbS2Q/9dQkE9mWKFI7kuDKHipWk=");
    }

    #[test]
    fn forms_are_judged_with_and_without_the_port() {
        let judge = |url: &str, body: &str| is_genuine(&hook(Method::POST, url, FORM, CALL_SIGNATURE, body), "12345");
        assert!(judge(URL, CALL));
        assert!(judge("https://mycompany.com:443/myapp.php?foo=1&bar=2", CALL));
        assert!(judge(&format!("{URL}#part"), CALL));
        assert!(!judge(URL, &CALL.replace("1234&", "1235&")));
        assert!(!judge("https://mycompany.com/myapp.php?foo=1", CALL));
        let with_port = sign("12345", "https://mycompany.com:443/myapp.php?foo=1&bar=2", &parse_form(CALL.as_bytes()));
        assert!(is_genuine(&hook(Method::POST, URL, FORM, &with_port, CALL), "12345"));
        assert!(!is_genuine(&hook(Method::POST, URL, FORM, CALL_SIGNATURE, CALL), ""));
        assert!(!is_genuine(&hook(Method::POST, URL, FORM, "", CALL), "12345"));
    }

    #[test]
    fn other_bodies_are_judged_by_their_hash() {
        let body = r#"{"property": "value", "boolean": true}"#;
        let url = format!("{URL}&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620");
        let judge =
            |url: &str, body: &str| is_genuine(&hook(Method::POST, url, "application/json", "a9nBmqA0ju/hNViExpshrM61xv4=", body), "12345");
        assert!(judge(&url, body));
        assert!(!judge(&url, r#"{"property": "value", "boolean": false}"#));
        assert!(!judge(URL, body));
        let get = sign("12345", URL, &[]);
        assert!(is_genuine(&hook(Method::GET, URL, "text/plain", &get, ""), "12345"));
    }

    #[test]
    fn codes_become_what_helps() {
        let class = |code: i64| by_code(code, "", None).map(|fault| fault.class());
        assert_eq!(class(20_003), Some("sign_in"));
        assert_eq!(class(20_429), Some("later"));
        for code in [21_211, 21_610, 21_614, 30_003, 30_004, 30_005, 30_006] {
            assert_eq!(class(code), Some("recipient"), "{code}");
        }
        for code in [21_408, 21_606, 21_612, 21_608, 21_617, 21_658, 30_007, 30_008] {
            assert_eq!(class(code), Some("permanent"), "{code}");
        }
        assert_eq!(class(1), None);
    }
}
