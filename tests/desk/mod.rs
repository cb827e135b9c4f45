//! The desk's verbs where no screen stands between: what they keep, and what they make of it.

mod waits;
mod words_of_anger;
