//! The words of the widget.
use std::collections::BTreeMap;

use crate::i18n::Language;

/// The widget's words in a language.
pub fn texts(_language: Language) -> BTreeMap<&'static str, String> {
    BTreeMap::new()
}
