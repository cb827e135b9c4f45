mod api_channel;
mod chat;
pub mod email;
mod facebook;
mod form;
mod instagram;
mod sms;
mod telegram;
mod whatsapp;
