mod chat;
pub mod email;
mod form;
mod telegram;
