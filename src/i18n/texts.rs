//! What an admin writes in several languages.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::i18n::Language;

/// A text in each language; languages may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Texts(pub BTreeMap<Language, String>);

impl Texts {
    /// The text in this language, else in `fallback`, else in any; empty when there is none.
    pub fn get(&self, language: Language, fallback: Language) -> &str {
        [language, fallback]
            .into_iter()
            .find_map(|language| self.of(language))
            .or_else(|| self.0.values().find(|text| !text.is_empty()).map(String::as_str))
            .unwrap_or_default()
    }

    /// The text in exactly this language.
    pub fn of(&self, language: Language) -> Option<&str> {
        self.0.get(&language).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// Whether no language has a text.
    pub fn is_empty(&self) -> bool {
        self.0.values().all(|text| text.is_empty())
    }
}

/// The languages that an admin chose for a channel; all of them when none is named.
pub fn offered(chosen: &[Language]) -> &[Language] {
    if chosen.is_empty() { &Language::ALL } else { chosen }
}

/// The language for those whose own is not offered: the desk's if it is, else the first.
pub fn fallback(chosen: &[Language], desk: Language) -> Language {
    let offered = offered(chosen);
    if offered.contains(&desk) { desk } else { offered.first().copied().unwrap_or(desk) }
}

/// The language for a visitor: the one asked for, else what the browser likes best.
pub fn choose(chosen: &[Language], asked: &str, accept_language: &str, desk: Language) -> Language {
    let offered = offered(chosen);
    match Language::from_code(asked).filter(|language| offered.contains(language)) {
        Some(language) => language,
        None => Language::best(accept_language, offered, fallback(chosen, desk)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_falls_back_rather_than_be_missing() {
        let texts = Texts(BTreeMap::from([(Language::It, "Ordine".to_owned()), (Language::De, String::new())]));
        assert_eq!(texts.get(Language::It, Language::En), "Ordine");
        assert_eq!(texts.get(Language::De, Language::En), "Ordine");
        assert_eq!(Texts::default().get(Language::De, Language::En), "");
    }
}
