//! What is wrong with a sent form.

use std::borrow::Cow;

/// Problems by field, each in words that say the remedy. A form with any is shown again with everything that was typed.
#[derive(Debug, Default)]
pub struct Problems(Vec<(Cow<'static, str>, String)>);

impl Problems {
    /// Notes a problem; of several with one field the first is shown.
    pub fn add(&mut self, field: impl Into<Cow<'static, str>>, words: impl Into<String>) {
        self.0.push((field.into(), words.into()));
    }

    /// One problem.
    pub fn one(field: impl Into<Cow<'static, str>>, words: impl Into<String>) -> Self {
        let mut problems = Self::default();
        problems.add(field, words);
        problems
    }

    /// What is wrong with a field.
    pub fn of(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == field).map(|(_, words)| words.as_str())
    }

    /// Whether anything is wrong.
    pub fn any(&self) -> bool {
        !self.0.is_empty()
    }

    /// Every problem with its field, for a summary.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(field, words)| (&**field, words.as_str()))
    }
}
