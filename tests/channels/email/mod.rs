//! Mail, from one wire to the other.

mod earlier;
mod faults;
mod hooks;
mod idle;
mod imap;
mod ingest;
mod lmtp;
mod loops;
mod oauth;
mod postfix;
mod receiving;
mod sending;
mod smtp;
mod standing;
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

/// The form of the mailbox `shop@bottega.example` that is fetched from a server at this port.
pub fn form<'a>(port: &'a str, password: &'a str) -> Vec<(&'static str, &'a str)> {
    vec![
        ("name", "Shop"),
        ("address", "shop@bottega.example"),
        ("fetch", "imap"),
        ("imap_host", "127.0.0.1"),
        ("imap_port", port),
        ("imap_security", "plain"),
        ("imap_user", "shop"),
        ("imap_password", password),
        ("imap_folder", "INBOX"),
        ("send", "desk"),
        ("sign_in", "password"),
        ("then", "save"),
    ]
}
