//! What the editors of channels share: what a select offers, lists that change by a click of a plain button, and texts in
//! several languages.

use crate::desk::directory::Directory;
use crate::i18n::{self, Language, Texts};
use crate::text::slugs::slug;

/// The teams that a channel may hand its tickets to, as a select shows them.
pub(super) fn teams(directory: &Directory) -> Vec<(String, String)> {
    let none = std::iter::once((String::new(), "No team".to_owned()));
    none.chain(directory.teams.iter().map(|team| (team.id.to_string(), team.name.clone()))).collect()
}

/// The languages that a channel may take its customers to speak, as a select shows them.
pub(super) fn languages() -> Vec<(&'static str, &'static str)> {
    let none = std::iter::once(("", "As the customer writes"));
    none.chain(Language::ALL.iter().map(|language| (language.code(), language.own_name()))).collect()
}

/// Moves, removes or adds an entry of a list of at most `max`; returns which one to show open.
pub(super) fn rearrange<T: Default>(list: &mut Vec<T>, verb: &str, at: usize, max: usize) -> Option<usize> {
    match verb {
        "up" if at > 0 && at < list.len() => {
            list.swap(at, at - 1);
            Some(at - 1)
        }
        "down" if at < list.len().saturating_sub(1) => {
            list.swap(at, at + 1);
            Some(at + 1)
        }
        "remove" if at < list.len() => {
            list.remove(at);
            None
        }
        "add" if list.len() < max => {
            list.push(T::default());
            Some(list.len() - 1)
        }
        _ => None,
    }
}

/// The key of an entry: the one it has, else one made from its label, else `otherwise`; never that of another.
pub(super) fn unique_key(key: &str, labels: &Texts, otherwise: &str, taken: &mut Vec<String>) -> String {
    let made = [slug(key), slug(labels.get(Language::En, Language::It))].into_iter().find(|made| !made.is_empty());
    let base = made.unwrap_or_else(|| otherwise.to_owned());
    let mut unique = base.clone();
    let mut number = 2;
    while taken.contains(&unique) {
        unique = format!("{base}-{number}");
        number += 1;
    }
    taken.push(unique.clone());
    unique
}

/// The languages that an editor shows, of those that its channel offers.
pub(super) struct Tongues<'a>(pub &'a [Language]);

impl Tongues<'_> {
    /// Languages whose texts are shown.
    pub fn shown(&self) -> Vec<Language> {
        let offered = i18n::offered(self.0);
        Language::ALL.into_iter().filter(|language| offered.contains(language)).collect()
    }

    /// The others; their texts travel hidden, so that nothing is lost when one is switched off for a while.
    pub fn hidden(&self) -> Vec<Language> {
        let offered = i18n::offered(self.0);
        Language::ALL.into_iter().filter(|language| !offered.contains(language)).collect()
    }

    /// What an entry is called in the list of entries.
    pub fn label<'t>(&self, texts: &'t Texts) -> &'t str {
        let first = self.shown().first().copied().unwrap_or(Language::En);
        texts.get(first, first)
    }
}
