//! Live chat, from the visitor's side.

mod editing;
mod guarding;
mod invariant;
mod leaving;
mod listening;
mod processes;
mod talking;
mod truth;
mod waiting;
