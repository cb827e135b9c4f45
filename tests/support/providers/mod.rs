//! What stands for the outside in tests.

pub mod telegram;
