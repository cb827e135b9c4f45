//! What tests stand on.

pub mod calls;
pub mod chat_desk;
pub mod chats;
pub mod mail_desk;
pub mod mail_lines;
pub mod mail_servers;
pub mod meta_desk;
pub mod postfix;
pub mod postgres;
pub mod program;
pub mod providers;
pub mod public_desk;
pub mod served;
pub mod visitors;
