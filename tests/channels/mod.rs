mod api_channel;
mod chat;
pub mod email;
mod form;
mod telegram;
