//! The words of the chat's widget. The browser fills in names, numbers and times, so that they follow the visitor's own zone and need no
//! round trip: each argument of a text is given as its own name in braces, `{name}`.

use std::collections::BTreeMap;

use crate::i18n::{self, Language, Value};

/// The texts of the frame (`static/widget/frame.js`, `talk.js`). It knows them without the `chat-`.
const OWN: [&str; 94] = [
    "chat-home-title",
    "chat-home-title-name",
    "chat-here-one",
    "chat-here-many",
    "chat-here-team",
    "chat-and-more",
    "chat-not-closed",
    "chat-not-nobody",
    "chat-not-full",
    "chat-not-language",
    "chat-opens-today",
    "chat-opens-tomorrow",
    "chat-opens-day",
    "chat-wait-usual",
    "chat-wait-target",
    "chat-place-next",
    "chat-place-one",
    "chat-place-many",
    "chat-busy",
    "chat-talk-title",
    "chat-start",
    "chat-goes-on",
    "chat-go-on",
    "chat-leave-title",
    "chat-leave-hint",
    "chat-leave-hint-back",
    "chat-leave",
    "chat-callback",
    "chat-callback-hint",
    "chat-callback-send",
    "chat-form-link",
    "chat-form-link-hint",
    "chat-help-link",
    "chat-past",
    "chat-intro-title",
    "chat-intro-hint",
    "chat-continue",
    "chat-skip",
    "chat-phone",
    "chat-about",
    "chat-you",
    "chat-write",
    "chat-emoji",
    "chat-uploading",
    "chat-upload-failed",
    "chat-remove-file",
    "chat-again",
    "chat-discard",
    "chat-failed",
    "chat-offline",
    "chat-unavailable-now",
    "chat-drop",
    "chat-newest",
    "chat-picture",
    "chat-open-picture",
    "chat-typing",
    "chat-mark-sending",
    "chat-mark-waiting",
    "chat-mark-sent",
    "chat-mark-delivered",
    "chat-mark-read",
    "chat-with-you",
    "chat-ringing",
    "chat-queued",
    "chat-parked",
    "chat-late",
    "chat-late-hint",
    "chat-late-wait",
    "chat-late-callback",
    "chat-late-email",
    "chat-late-email-hint",
    "chat-by-mail",
    "chat-by-phone",
    "chat-by-link",
    "chat-menu",
    "chat-sound-on",
    "chat-sound-off",
    "chat-transcript",
    "chat-transcript-hint",
    "chat-transcript-sent",
    "chat-end",
    "chat-end-hint",
    "chat-end-not",
    "chat-ended",
    "chat-anew",
    "chat-rate",
    "chat-rate-1",
    "chat-rate-2",
    "chat-rate-3",
    "chat-rate-4",
    "chat-rate-5",
    "chat-rate-comment",
    "chat-rate-thanks",
    "chat-launcher-close",
];

/// Texts of the contact form and the ticket page that the frame uses as they are.
const SHARED: [&str; 22] = [
    "call-back-time",
    "form-name",
    "form-email",
    "form-order",
    "form-optional",
    "form-topic",
    "form-topic-choose",
    "form-send",
    "form-files",
    "form-privacy",
    "form-privacy-link",
    "error-required",
    "error-email",
    "error-phone",
    "error-consent",
    "error-too-many-files",
    "error-file-too-large",
    "error-file-empty",
    "page-back",
    "ticket-earlier",
    "ticket-talk",
    "receipt-link-text",
];

/// Every argument that one of these texts has.
const ARGUMENTS: [(&str, &str); 9] = [
    ("count", "{count}"),
    ("day", "{day}"),
    ("email", "{email}"),
    ("max", "{max}"),
    ("name", "{name}"),
    ("names", "{names}"),
    ("phone", "{phone}"),
    ("shop", "{shop}"),
    ("time", "{time}"),
];

fn text(language: Language, key: &str) -> String {
    i18n::text_with(language, key, &ARGUMENTS.map(|(name, literal)| (name, Value::from(literal))))
}

/// What the frame says, by key.
pub fn texts(language: Language) -> BTreeMap<&'static str, String> {
    OWN.into_iter().chain(SHARED).map(|key| (key.strip_prefix("chat-").unwrap_or(key), text(language, key))).collect()
}

/// What the launcher on the shop's page says: `open`, `close` and `unread` (with `{count}`).
pub fn launcher(language: Language) -> BTreeMap<&'static str, String> {
    [("open", "chat-launcher-open"), ("close", "chat-launcher-close"), ("unread", "chat-launcher-unread")]
        .into_iter()
        .map(|(name, key)| (name, text(language, key)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPTS: [&str; 2] = [include_str!("../../../static/widget/frame.js"), include_str!("../../../static/widget/talk.js")];

    #[test]
    fn the_scripts_ask_for_no_other_text() {
        let asked = regex::Regex::new(r#"\bt\("([a-z0-9-]+[a-z0-9])""#).expect("it is one");
        let texts = texts(Language::En);
        for script in SCRIPTS {
            for found in asked.captures_iter(script) {
                assert!(texts.contains_key(&found[1]), "{}", &found[1]);
            }
        }
    }

    #[test]
    fn arguments_are_left_to_the_browser() {
        for language in Language::ALL {
            let texts = texts(language);
            assert!(texts["opens-day"].contains("{day}") && texts["opens-day"].contains("{time}"));
            assert!(texts["error-file-too-large"].contains("{name}"));
            assert!(launcher(language)["unread"].contains("{count}"));
            assert!(texts.values().all(|text| !text.contains('$') && !text.starts_with("chat-")), "{language}");
        }
    }
}
