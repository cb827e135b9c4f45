mod chat;
pub mod email;
mod form;
mod sms;
mod telegram;
mod whatsapp;
