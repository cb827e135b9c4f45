//! The five languages that Sportello speaks, their texts and their dates.
//!
//! Texts live in `locales/<code>/*.ftl` and are compiled into the binary. A test holds all languages to the same
//! keys and arguments, so that a text is never missing in one of them.

mod dates;
mod texts;

use std::collections::HashMap;
use std::fmt;

pub use fluent_templates::fluent_bundle::FluentValue as Value;
use fluent_templates::{LanguageIdentifier, langid, static_loader};
use serde::{Deserialize, Serialize};

pub use dates::{day, day_and_month, long_date, weekday};
pub use texts::{Texts, choose, fallback, offered};

static_loader! {
    static LOCALES = {
        locales: "./locales",
        fallback_language: "en",
        // isolation marks around arguments would show up in links and subjects
        customise: |bundle| bundle.set_use_isolating(false),
    };
}

static LANGUAGE_IDENTIFIERS: [LanguageIdentifier; 5] = [langid!("it"), langid!("en"), langid!("fr"), langid!("de"), langid!("es")];

/// A language that every text exists in. Stored and sent as its two-letter code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    It,
    En,
    Fr,
    De,
    Es,
}

impl Language {
    /// In the order in which they are offered.
    pub const ALL: [Self; 5] = [Self::It, Self::En, Self::Fr, Self::De, Self::Es];

    /// The two-letter code of ISO 639-1, for `lang` attributes and columns.
    pub const fn code(self) -> &'static str {
        match self {
            Self::It => "it",
            Self::En => "en",
            Self::Fr => "fr",
            Self::De => "de",
            Self::Es => "es",
        }
    }

    /// What the language calls itself, for menus.
    pub const fn own_name(self) -> &'static str {
        match self {
            Self::It => "Italiano",
            Self::En => "English",
            Self::Fr => "Français",
            Self::De => "Deutsch",
            Self::Es => "Español",
        }
    }

    /// Reads a code or a tag that begins with one: `it`, `de-AT`, `fr_CH`.
    pub fn from_code(tag: &str) -> Option<Self> {
        let primary = tag.trim().split(['-', '_']).next()?;
        Self::ALL.into_iter().find(|language| language.code().eq_ignore_ascii_case(primary))
    }

    /// The offered language that a browser likes best, by its `Accept-Language` header (RFC 9110, 12.5.4).
    pub fn best(accept_language: &str, offered: &[Self], fallback: Self) -> Self {
        let mut best: Option<(f32, Self)> = None;
        // real headers name a handful; the limit keeps a hostile one cheap
        for range in accept_language.split(',').take(20) {
            let mut parts = range.split(';');
            let tag = parts.next().unwrap_or_default();
            let quality = parts.find_map(|part| part.trim().strip_prefix("q=")).map_or(1.0, |q| q.trim().parse::<f32>().unwrap_or(0.0));
            let language = match Self::from_code(tag) {
                Some(language) if offered.contains(&language) => language,
                _ => continue,
            };
            if quality > best.map_or(0.0, |(held, _)| held) {
                best = Some((quality, language));
            }
        }
        best.map_or(fallback, |(_, language)| language)
    }

    fn identifier(self) -> &'static LanguageIdentifier {
        &LANGUAGE_IDENTIFIERS[self as usize]
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The text of `key`; the key itself if there is none, so that a page with a gap is still a page.
pub fn text(language: Language, key: &str) -> String {
    text_with(language, key, &[])
}

/// The text of `key` with its arguments filled in. Numbers given as numbers choose the plural.
///
/// Arguments are inserted as they are: whoever puts the text into HTML escapes the whole of it.
pub fn text_with(language: Language, key: &str, arguments: &[(&str, Value<'_>)]) -> String {
    let arguments: HashMap<&str, Value<'_>> = arguments.iter().cloned().collect();
    [language, Language::En]
        .into_iter()
        .find_map(|language| LOCALES.lookup_single_language(language.identifier(), key, Some(&arguments)).ok())
        .unwrap_or_else(|| {
            tracing::error!(key, %language, "a text or one of its arguments is missing");
            key.to_owned()
        })
}

#[cfg(test)]
mod tests;
