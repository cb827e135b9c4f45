//! Mail, from one wire to the other.

mod earlier;
mod faults;
mod hooks;
mod idle;
mod imap;
mod ingest;
mod lmtp;
mod oauth;
mod receiving;
mod sending;
mod smtp;
mod storm;
mod trial;
mod understanding;
mod worker;

/// A plain mail.
pub fn mail(from: &str, subject: &str, id: &str, extra: &str, body: &str) -> Vec<u8> {
    let extra = if extra.is_empty() { String::new() } else { format!("{extra}\r\n") };
    format!(
        "From: {from}\r\nTo: help@bottega.example\r\nSubject: {subject}\r\nMessage-ID: <{id}>\r\nDate: Sat, 21 Nov 2026 14:05:00 +0100\r\n{extra}\r\n{body}\r\n"
    )
    .into_bytes()
}
