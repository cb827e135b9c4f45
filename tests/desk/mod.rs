//! The desk's verbs where no screen stands between: what they keep, and what they make of it.

mod meeting;
mod waits;
mod words_of_anger;
