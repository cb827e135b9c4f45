//! E-mail. Bytes from SMTP, IMAP or the command line are stored and understood; replies leave by a mail server.

pub mod access;
pub mod ack;
pub mod build;
pub mod deliver;
pub mod dkim;
pub mod editor;
pub mod hooks;
pub mod idle;
pub mod imap;
pub mod import;
pub mod letters;
pub mod parse;
pub mod providers;
pub mod receive;
pub mod settings;
pub mod smtp;
pub mod trial;
