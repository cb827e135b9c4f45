//! What stands for the outside in tests.

pub mod receiver;
pub mod telegram;
