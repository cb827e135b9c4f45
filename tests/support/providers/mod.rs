//! What stands for the outside in tests: each answers what a test tells it, and remembers what it was asked.

pub mod google;
pub mod graph;
pub mod receiver;
pub mod recorder;
pub mod telegram;
pub mod twilio;
pub mod voice;
pub mod whatsapp;
pub mod x;
