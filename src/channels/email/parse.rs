//! Raw mail understood: whatever bytes come, an [`Incoming`] results.

mod automatic;
mod away;
mod bodies;
mod calendar;
mod checks;
mod files;
mod forwarded;
mod headers;
mod junk;
mod protection;
mod reports;
mod tnef;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::RangeInclusive;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use jiff::tz::TimeZone;
use mail_parser::{Message, MessageParser};
use sha2::{Digest as _, Sha256};

use crate::clock::Ts;
use crate::desk::envelope::{Address, Envelope, Incoming, Report, ReportKind, ThreadHint};
use crate::text::{languages, quotes, signatures, subjects};

use headers::Headers;

/// By what this desk's own mail is known when it comes back.
#[derive(Debug, Clone, Default)]
pub struct Own {
    /// The addresses that the desk sends from.
    pub addresses: Vec<String>,
    /// The domains of the message ids that it mints.
    pub message_id_domains: Vec<String>,
    /// The domains of the servers whose judgement about a mail's origin is believed, in lower case.
    pub judges: Vec<String>,
}

/// Who is said to have written when no header tells.
const UNKNOWN_SENDER: &str = "unknown@invalid";

/// Parts that can hold parts, more than any letter has; see [`bounded`].
const MAX_CONTAINERS: usize = 200;

/// Understands a raw message. `envelope_from` and `envelope_to` are what the SMTP dialogue said, where there was one; an
/// empty `envelope_from` is the null sender of bounces. What cannot be read gives a message that says so: the
/// caller keeps the raw bytes beside it.
pub fn parse(raw: &[u8], envelope_from: Option<&str>, envelope_to: &[String], own: &Own) -> Incoming {
    let unix: Vec<u8>;
    let mut text = start(raw);
    // Lines that end as they did on old Macintoshes would make one header of it all.
    if !text.contains(&b'\n') && text.contains(&b'\r') {
        unix = text.iter().map(|&byte| if byte == b'\r' { b'\n' } else { byte }).collect();
        text = &unix;
    }
    let bounded = bounded(text);
    match MessageParser::default().parse(bounded).filter(is_mail) {
        Some(message) => understand(&message, envelope_from, envelope_to, own),
        None => unreadable(raw, envelope_from, envelope_to),
    }
}

/// Whether there is any header that mail has; the parser takes the oddest bytes for one.
fn is_mail(message: &Message<'_>) -> bool {
    message.parts.first().is_some_and(|root| root.headers.iter().any(|header| !header.name.is_other()))
}

fn understand(message: &Message<'_>, envelope_from: Option<&str>, envelope_to: &[String], own: &Own) -> Incoming {
    let headers = Headers::of(message);
    let from = author(&headers, envelope_from);
    let subject = headers.subject();
    let body = bodies::text(message);
    let html = bodies::html(message);
    let quote = history(message, &subject, &body);
    let provider_id = headers.ids("Message-ID").into_iter().next().unwrap_or_else(|| synthesised(&headers, &body));
    let new = quotes::new_text(&body, &quote);
    let report = reports::report(message, &headers, &body, &new, automatic::is_null_sender(&headers, envelope_from));
    let bounce =
        report.as_ref().is_some_and(|report| matches!(report.kind, ReportKind::Failed | ReportKind::Delayed | ReportKind::Delivered));
    let thread = thread(&headers, envelope_to, report.as_ref());
    let envelope = Envelope {
        from: Some(from.clone()),
        reply_to: headers.addresses("Reply-To"),
        to: headers.addresses("To"),
        cc: headers.addresses("Cc"),
        subject: subject.clone(),
        in_reply_to: headers.ids("In-Reply-To").into_iter().next(),
        references: headers.ids("References"),
        checks: checks::checks(&headers, &own.judges),
        protection: protection::protection(message, &body),
        invitation: calendar::invitation(message),
        forwarded: if report.is_some() { Vec::new() } else { forwarded::forwarded(message) },
        report,
        ..Envelope::default()
    };
    Incoming {
        thread,
        language: languages::detect(signatures::split(&new).0).map(str::to_owned),
        automatic: automatic::reason(&headers, &from, &provider_id, envelope_from, own),
        files: files::files(message, html.as_deref()),
        sent_at: sent_at(message, &headers),
        junk: junk::verdict(&headers),
        bounce,
        provider_id,
        from,
        subject,
        body,
        quote,
        html,
        envelope,
        details: Vec::new(),
    }
}

/// The part of the body that is history: by its words, else where the HTML shows it.
fn history(message: &Message<'_>, subject: &str, body: &str) -> std::ops::Range<usize> {
    if subjects::is_forward(subject) {
        return 0..0;
    }
    let quote = quotes::split(body);
    if !quote.is_empty() || quotes::holds_forward(body) {
        return quote;
    }
    match bodies::words_above(message) {
        Some(above) => quotes::below(body, &above),
        None => quote,
    }
}

/// The message behind a byte-order mark, blank lines or the `From ` line of a mailbox file.
fn start(raw: &[u8]) -> &[u8] {
    let raw = raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(raw).trim_ascii_start();
    if !raw.starts_with(b"From ") {
        return raw;
    }
    let line_end = raw.iter().position(|&byte| byte == b'\n').unwrap_or(raw.len());
    raw[line_end..].trim_ascii_start()
}

/// Cuts a message before its structure becomes an attack: the parser goes through the whole rest for each boundary that is
/// missing, and messages within messages use the stack when they are dropped.
fn bounded(raw: &[u8]) -> &[u8] {
    const LEAVES: [&[u8]; 6] = [b"text/", b"image/", b"application/", b"audio/", b"video/", b"message/delivery-status"];
    const NAME: &[u8] = b"content-type";
    let starts = |bytes: &[u8], prefix: &[u8]| bytes.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    let mut containers = 0;
    let mut at = 0;
    for line in raw.split_inclusive(|&byte| byte == b'\n') {
        if starts(line, NAME) {
            let value = raw[at + NAME.len()..].trim_ascii_start();
            let value = value.strip_prefix(b":").unwrap_or(value).trim_ascii_start();
            containers += usize::from(!LEAVES.iter().any(|leaf| starts(value, leaf)));
        }
        if containers > MAX_CONTAINERS {
            return &raw[..at];
        }
        at += line.len();
    }
    raw
}

/// Whom the message is from, by the header that says it best.
fn author(headers: &Headers<'_>, envelope_from: Option<&str>) -> Address {
    let plausible = |address: &Address| address.address.contains('@');
    let mut candidates = ["From", "Sender", "Return-Path"].into_iter().flat_map(|name| headers.addresses(name));
    let enveloped = envelope_from.map(headers::clean_address).map(|address| Address { name: String::new(), address });
    candidates
        .find(plausible)
        .or_else(|| enveloped.filter(plausible))
        .unwrap_or_else(|| Address { name: String::new(), address: UNKNOWN_SENDER.to_owned() })
}

/// An id for a message without one: the same message always gets the same.
fn synthesised(headers: &Headers<'_>, body: &str) -> String {
    let mut hash = Sha256::new();
    for name in ["Date", "From", "Subject"] {
        hash.update(headers.first(name).unwrap_or_default());
        hash.update([0]);
    }
    hash.update(body);
    format!("sha256-{}@missing", hex::encode(hash.finalize()))
}

/// Everything that may say to which ticket the message belongs, most trusted first.
fn thread(headers: &Headers<'_>, envelope_to: &[String], report: Option<&Report>) -> Vec<ThreadHint> {
    let mut hints: Vec<ThreadHint> = Vec::new();
    let mut push = |hint: ThreadHint| {
        if !hints.contains(&hint) {
            hints.push(hint);
        }
    };
    let named = ["To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To"].into_iter().flat_map(|name| headers.addresses(name));
    let recipients = named.map(|address| address.address).chain(envelope_to.iter().map(|address| headers::clean_address(address)));
    for address in recipients.take(headers::MAX_ADDRESSES) {
        if let Some((local, _)) = address.rsplit_once('@').filter(|(local, _)| !local.is_empty()) {
            push(ThreadHint::Recipient(local.to_owned()));
        }
    }
    // A bounce answers the message that it carries.
    let returned = report.map(|report| report.message_ids.clone()).unwrap_or_default();
    for id in returned.into_iter().chain(headers.ids("In-Reply-To")) {
        push(ThreadHint::InReplyTo(id));
    }
    for id in headers.ids("References").into_iter().rev() {
        push(ThreadHint::Reference(id));
    }
    hints
}

/// The Date header, unless it lies outside of what a clock may say. A second parser reads what the first is too strict for,
/// such as times without seconds.
fn sent_at(message: &Message<'_>, headers: &Headers<'_>) -> Option<Ts> {
    const YEARS: RangeInclusive<i16> = 1990..=2100;
    let parsed = message.date().filter(|date| date.is_valid()).and_then(|date| Timestamp::from_second(date.to_timestamp()).ok());
    let at = parsed.or_else(|| Some(rfc2822::parse(&headers.first("Date")?).ok()?.timestamp()))?;
    YEARS.contains(&at.to_zoned(TimeZone::UTC).year()).then_some(Ts(at))
}

fn unreadable(raw: &[u8], envelope_from: Option<&str>, envelope_to: &[String]) -> Incoming {
    let address = envelope_from.map(headers::clean_address).filter(|address| address.contains('@'));
    let from = Address { name: String::new(), address: address.unwrap_or_else(|| UNKNOWN_SENDER.to_owned()) };
    let subject = "(unreadable message)".to_owned();
    let locals = envelope_to.iter().take(headers::MAX_ADDRESSES).map(|address| headers::clean_address(address));
    Incoming {
        provider_id: format!("sha256-{}@missing", hex::encode(Sha256::digest(raw))),
        thread: locals.filter_map(|address| Some(ThreadHint::Recipient(address.rsplit_once('@')?.0.to_owned()))).collect(),
        body: "This message could not be read as e-mail. Its original is attached.".to_owned(),
        automatic: automatic::nameless(&from),
        envelope: Envelope { from: Some(from.clone()), subject: subject.clone(), ..Envelope::default() },
        from,
        subject,
        ..Incoming::default()
    }
}

/// Text as the database takes it: without NUL and other invisible controls, lines ended by `\n`.
fn clean_text(text: &str) -> Cow<'_, str> {
    let unwanted = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if !text.contains(unwanted) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n").replace(unwanted, ""))
}
