//! What stands for the outside in tests.

pub mod graph;
pub mod telegram;
