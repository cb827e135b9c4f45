#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use jiff::Zoned;

use super::*;

type Messages = BTreeMap<String, BTreeSet<String>>;

/// Key → names of its arguments, over all files of a language.
fn messages(language: Language) -> Messages {
    let mut messages = Messages::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("locales").join(language.code());
    let argument = regex::Regex::new(r"\{\s*\$([a-zA-Z][\w-]*)").unwrap();
    for entry in fs::read_dir(folder).unwrap() {
        let mut key = None;
        for line in fs::read_to_string(entry.unwrap().path()).unwrap().lines() {
            let starts_message = line.starts_with(|c: char| c.is_ascii_alphabetic());
            if starts_message {
                let name = line.split_once('=').unwrap().0.trim().to_owned();
                assert!(messages.insert(name.clone(), BTreeSet::new()).is_none(), "{name} twice in {language}");
                key = Some(name);
            }
            if let Some(key) = key.as_ref().filter(|_| !line.starts_with('#')) {
                let found = argument.captures_iter(line).map(|c| c[1].to_owned());
                messages.get_mut(key).unwrap().extend(found);
            }
        }
    }
    messages
}

#[test]
fn all_languages_have_the_same_keys_and_arguments() {
    let english = messages(Language::En);
    assert!(english.len() > 80);
    for language in Language::ALL {
        let other = messages(language);
        let missing: Vec<_> = english.keys().filter(|key| !other.contains_key(*key)).collect();
        let extra: Vec<_> = other.keys().filter(|key| !english.contains_key(*key)).collect();
        assert!(missing.is_empty() && extra.is_empty(), "{language}: missing {missing:?}, extra {extra:?}");
        for (key, arguments) in &english {
            assert_eq!(arguments, &other[key], "arguments of {key} in {language}");
        }
    }
}

#[test]
fn every_text_renders_with_its_arguments() {
    for language in Language::ALL {
        for (key, names) in messages(language) {
            for number in [1, 2] {
                let arguments: Vec<_> = names
                    .iter()
                    .map(|name| match name.as_str() {
                        "hours" | "minutes" => (name.as_str(), Value::from(number)),
                        _ => (name.as_str(), Value::from(format!("‹{name}›"))),
                    })
                    .collect();
                let rendered = text_with(language, &key, &arguments);
                assert!(!rendered.trim().is_empty() && rendered != key, "{key} in {language}");
                assert!(!rendered.contains(['{', '}', '$', '\u{2068}']), "{key} in {language}: {rendered}");
                for name in names.iter().filter(|name| !["hours", "minutes"].contains(&name.as_str())) {
                    assert!(rendered.contains(&format!("‹{name}›")), "{key} in {language} drops {name}");
                }
            }
        }
    }
}

#[test]
fn plural_and_missing_texts() {
    let mail = |hours| {
        let arguments =
            [("name", "Ada".into()), ("inviter", "Bo".into()), ("shop", "S".into()), ("url", "u".into()), ("hours", Value::from(hours))];
        text_with(Language::It, "mail-invite-body", &arguments)
    };
    assert!(mail(1).contains("per un’ora."), "{}", mail(1));
    assert!(mail(72).contains("per 72 ore."));
    assert_eq!(text(Language::De, "no-such-key"), "no-such-key");
    assert_eq!(text(Language::De, "form-send"), "Nachricht senden");
}

#[test]
fn the_browsers_favourite_wins() {
    let all = Language::ALL;
    assert_eq!(Language::best("de-AT,de;q=0.9,en;q=0.5", &all, Language::It), Language::De);
    assert_eq!(Language::best("en;q=0.4, fr;q=0.8", &all, Language::It), Language::Fr);
    assert_eq!(Language::best("pl, es;q=0", &all, Language::It), Language::It);
    assert_eq!(Language::best("de, en;q=0.2", &[Language::En], Language::It), Language::En);
    assert_eq!(Language::best("*;q=abc,,;;", &all, Language::Es), Language::Es);
    assert_eq!(Language::from_code("IT_ch"), Some(Language::It));
    assert_eq!(Language::from_code(""), None);
}

#[test]
fn dates_as_people_write_them() {
    let at: Zoned = "2026-11-21T14:05:00+01:00[Europe/Rome]".parse().unwrap();
    let first: Zoned = "2026-08-01T09:00:00+02:00[Europe/Rome]".parse().unwrap();
    assert_eq!(long_date(Language::It, &at), "21 novembre 2026, 14:05");
    assert_eq!(long_date(Language::En, &at), "21 November 2026, 14:05");
    assert_eq!(long_date(Language::Fr, &at), "21 novembre 2026 à 14:05");
    assert_eq!(long_date(Language::De, &at), "21. November 2026, 14:05 Uhr");
    assert_eq!(long_date(Language::Es, &at), "21 de noviembre de 2026, 14:05");
    assert_eq!(day(Language::Fr, &first), "1er août 2026");
}
