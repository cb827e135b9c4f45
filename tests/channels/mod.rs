mod chat;
mod email;
mod form;
