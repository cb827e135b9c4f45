//! What became of our messages, as mail systems tell it: delivery notices (RFC 3464), read receipts (RFC 8098), complaints (RFC 5965), the
//! free words of servers that know none of these, and automatic answers of people who are away.

use mail_parser::{Message, MessageParser, MessagePart, MimeHeaders as _, PartType};

use super::Headers;
use super::headers::{clean_address, clean_line, decoded};
use crate::desk::envelope::{Recipient, Report, ReportKind};
use crate::text::refusals;

/// Recipients told of; a list may have thousands.
const MAX_RECIPIENTS: usize = 50;
/// Longest words of a server that are kept, in characters.
const MAX_SAID: usize = 500;
/// The longest machine-readable part that is read, in bytes.
const MAX_PART: usize = 256 * 1024;
/// Lines of a notice in free words that are read.
const MAX_LINES: usize = 400;

/// What the message reports, if it does. `new` is the body without what it quotes; `null_sender`: it came from the empty envelope address.
pub fn report(message: &Message<'_>, headers: &Headers<'_>, body: &str, new: &str, null_sender: bool) -> Option<Report> {
    let away = || super::away::is_away(headers, new).then(|| Report { kind: ReportKind::Away, ..Report::default() });
    let mut report = of_delivery(message)
        .or_else(|| of_reading(message))
        .or_else(|| of_complaint(message))
        .or_else(away)
        .or_else(|| in_free_words(headers, body, new, null_sender))?;
    if report.kind != ReportKind::Away && report.message_ids.is_empty() {
        report.message_ids = returned_ids(message, body);
    }
    Some(report)
}

/// The part of this type, decoded; whichever way it was nested.
fn part_of_type<'m>(message: &'m Message<'_>, kinds: &[&str]) -> Option<&'m MessagePart<'m>> {
    message.parts.iter().find(|part| kinds.iter().any(|kind| part.is_content_type("message", kind)))
}

fn words_of(message: &Message<'_>, part: &MessagePart<'_>) -> String {
    // Where the parser takes the fields for a message it has eaten them as a header.
    let bytes = match &part.body {
        PartType::Message(inner) => inner
            .parts
            .first()
            .and_then(|root| inner.raw_message.get(root.offset_header as usize..root.offset_end as usize))
            .unwrap_or_default(),
        _ if part.contents().is_empty() => message.raw_message.get(part.offset_body as usize..part.offset_end as usize).unwrap_or_default(),
        _ => part.contents(),
    };
    decoded(&bytes[..bytes.len().min(MAX_PART)])
}

/// Fields in groups, as these parts have them: a blank line ends a group, a line that begins with a space continues the one before. Names are
/// in lower case.
fn groups(text: &str) -> Vec<Vec<(String, String)>> {
    let mut groups: Vec<Vec<(String, String)>> = vec![Vec::new()];
    for line in text.lines() {
        let Some(group) = groups.last_mut() else { break };
        if line.trim().is_empty() {
            if !group.is_empty() {
                groups.push(Vec::new());
            }
        } else if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = group.last_mut()
                && value.len() < 4 * MAX_SAID
            {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            let name = name.trim().to_ascii_lowercase();
            // Some servers forget the blank line between two recipients.
            if matches!(&*name, "final-recipient") && group.iter().any(|(known, _)| *known == name) {
                groups.push(vec![(name, value.trim().to_owned())]);
            } else {
                group.push((name, value.trim().to_owned()));
            }
        }
        if groups.len() > MAX_RECIPIENTS + 2 {
            break;
        }
    }
    groups
}

fn field<'g>(group: &'g [(String, String)], name: &str) -> Option<&'g str> {
    group.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// Behind `rfc822;` or `smtp;`, where that stands there.
fn typed(value: &str) -> &str {
    match value.split_once(';') {
        Some((kind, rest)) if kind.trim().chars().all(|c| c.is_ascii_alphanumeric() || c == '-') => rest.trim(),
        _ => value.trim(),
    }
}

fn address(value: Option<&str>) -> String {
    let address = clean_address(typed(value.unwrap_or_default()));
    if address.contains('@') { address } else { String::new() }
}

fn of_delivery(message: &Message<'_>) -> Option<Report> {
    let part = part_of_type(message, &["delivery-status", "global-delivery-status"])?;
    let text = words_of(message, part);
    let mut report: Option<Report> = None;
    for group in groups(&text) {
        let Some(action) = field(&group, "action") else { continue };
        let kind = match action.split([' ', ';', '(']).next().unwrap_or_default().to_ascii_lowercase().as_str() {
            "failed" => ReportKind::Failed,
            "delayed" => ReportKind::Delayed,
            "delivered" | "relayed" | "expanded" => ReportKind::Delivered,
            _ => continue,
        };
        let diagnostic = typed(field(&group, "diagnostic-code").unwrap_or_default());
        let status = field(&group, "status").map(refusals::status_in).filter(|status| !status.is_empty());
        let mut said = clean_line(diagnostic, MAX_SAID);
        if said.is_empty() {
            said = clean_line(
                field(&group, "status").unwrap_or_default().trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | ' ')),
                MAX_SAID,
            );
        }
        let recipient = Recipient {
            address: address(field(&group, "final-recipient")),
            original: address(field(&group, "original-recipient")),
            status: status.unwrap_or_else(|| refusals::status_in(diagnostic)),
            said,
        };
        let recipient =
            Recipient { original: if recipient.original == recipient.address { String::new() } else { recipient.original }, ..recipient };
        let report = report.get_or_insert_with(|| Report { kind, ..Report::default() });
        // The worst that is told is what the notice is about; what it says of the others is no news.
        if kind == ReportKind::Failed && report.kind != ReportKind::Failed {
            report.kind = kind;
            report.recipients.clear();
        }
        if kind == report.kind {
            report.recipients.push(recipient);
        }
    }
    // A notice without a word on anybody is still one.
    Some(report.unwrap_or_default())
}

fn of_reading(message: &Message<'_>) -> Option<Report> {
    let part = part_of_type(message, &["disposition-notification"])?;
    let groups = groups(&words_of(message, part));
    let fields: Vec<(String, String)> = groups.into_iter().flatten().collect();
    let disposition = field(&fields, "disposition").unwrap_or_default().to_ascii_lowercase();
    let what = disposition.rsplit(';').next().unwrap_or_default().trim();
    let kind = if what.starts_with("deleted") { ReportKind::Unread } else { ReportKind::Read };
    let address = address(field(&fields, "final-recipient"));
    Some(Report {
        kind,
        recipients: if address.is_empty() { Vec::new() } else { vec![Recipient { address, ..Recipient::default() }] },
        message_ids: ids(field(&fields, "original-message-id").unwrap_or_default()),
        about: None,
    })
}

fn of_complaint(message: &Message<'_>) -> Option<Report> {
    let part = part_of_type(message, &["feedback-report"])?;
    let fields: Vec<(String, String)> = groups(&words_of(message, part)).into_iter().flatten().collect();
    let kind = field(&fields, "feedback-type").unwrap_or_default().to_ascii_lowercase();
    if !matches!(&*kind, "abuse" | "fraud" | "virus" | "other" | "opt-out" | "") {
        return None;
    }
    let address = address(field(&fields, "original-rcpt-to").or_else(|| field(&fields, "removal-recipient")));
    let recipient = Recipient { address, said: clean_line(&kind, MAX_SAID), ..Recipient::default() };
    Some(Report { kind: ReportKind::Complaint, recipients: vec![recipient], ..Report::default() })
}

/// Lines of its own words among which such a program says what it is about.
const OPENING_LINES: usize = 8;

/// How the programs begin that write in free words.
const OPENINGS: [&str; 16] = [
    "this is the qmail-send program",
    "this is the mail system at host",
    "this message was created automatically by mail delivery software",
    "a message that you sent could not be delivered",
    "a message that you have sent could not be delivered",
    "could not be delivered to one or more",
    "your message wasn't delivered",
    "your message could not be delivered",
    "your message to the following recipients",
    "delivery to the following recipient",
    "the following address failed",
    "the following addresses had permanent",
    "the following message to",
    "failed to deliver",
    "returned mail",
    "delivery has failed to these recipients",
];

fn in_free_words(headers: &Headers<'_>, body: &str, new: &str, null_sender: bool) -> Option<Report> {
    let named: Vec<String> = headers
        .all("X-Failed-Recipients")
        .flat_map(|field| field.split(',').map(clean_address).collect::<Vec<_>>())
        .filter(|address| address.contains('@'))
        .take(MAX_RECIPIENTS)
        .collect();
    let head: String = body.chars().take(4_000).collect::<String>().to_lowercase();
    let first: Vec<String> = new.lines().filter(|line| !line.trim().is_empty()).take(OPENING_LINES).map(str::to_lowercase).collect();
    let from = headers.addresses("From").into_iter().next().map(|address| address.address).unwrap_or_default();
    let is_system =
        null_sender || from.starts_with("mailer-daemon@") || from.starts_with("postmaster@") || from.starts_with("mailer-daemon+");
    let first = first.join(" ");
    let opens = OPENINGS.iter().any(|opening| first.contains(opening));
    // Somebody's own words can quote a bounce: only a mail system's word counts.
    if named.is_empty() && !(is_system && opens) {
        return None;
    }
    let subject = headers.subject().to_lowercase();
    let late = ["delayed", "delay)", "still being retried", "verzögert", "ritardat"].iter().any(|word| subject.contains(word))
        || head.contains("will be retried")
        || head.contains("you do not need to resend");
    let kind = if late { ReportKind::Delayed } else { ReportKind::Failed };
    Some(Report { kind, recipients: recipients_in(body, &named), ..Report::default() })
}

/// The addresses and reasons of a notice in free words. `named` are known from its header.
fn recipients_in(body: &str, named: &[String]) -> Vec<Recipient> {
    let mut found: Vec<Recipient> = Vec::new();
    let mut open = false;
    for line in body.lines().take(MAX_LINES) {
        let line = line.trim();
        let lower = line.to_ascii_lowercase();
        if lower.contains("below this line is a copy") || lower.contains("copy of the message") || lower.starts_with("received: ") {
            break;
        }
        if let Some((address, rest)) = leading_address(line)
            && (named.is_empty() || named.contains(&address) || found.is_empty())
        {
            if found.len() < MAX_RECIPIENTS {
                found.push(Recipient { address, said: clean_line(rest, MAX_SAID), ..Recipient::default() });
            }
            open = true;
            continue;
        }
        if line.is_empty() {
            open = open && found.last().is_some_and(|last| last.said.is_empty());
        } else if open && let Some(last) = found.last_mut() {
            let said = format!("{} {line}", last.said);
            last.said = clean_line(&said, MAX_SAID);
        }
    }
    found.retain(|recipient| named.is_empty() || named.contains(&recipient.address));
    for address in named {
        if !found.iter().any(|recipient| recipient.address == *address) {
            found.push(Recipient { address: address.clone(), ..Recipient::default() });
        }
    }
    for recipient in &mut found {
        recipient.status = refusals::status_in(&recipient.said);
    }
    found
}

/// The address with which a line begins, and what follows it: `<a@b.it>: host said …`, `a@b.it`, `* a@b.it (unknown)`.
fn leading_address(line: &str) -> Option<(String, &str)> {
    let line = line.trim_start_matches(['*', '-', ' ', '\t']);
    let (word, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
    let rest = rest.trim();
    let bare = word.trim_end_matches([':', ',']).trim_start_matches('<').trim_end_matches('>');
    let marked = word.starts_with('<') || word.ends_with(':') || rest.is_empty() || rest.starts_with('(');
    let (local, domain) = bare.split_once('@')?;
    let plain = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "._+-=%'&~/!#$*?^`{|}".contains(c));
    (marked && plain(local) && plain(domain) && domain.contains('.')).then(|| (clean_address(bare), rest))
}

/// The ids in a field, without brackets.
fn ids(field: &str) -> Vec<String> {
    field
        .split(['<', '>', ' ', '\t', ','])
        .filter(|id| id.contains('@') && id.len() <= 998 && !id.chars().any(char::is_control))
        .take(5)
        .map(str::to_owned)
        .collect()
}

/// The Message-ID of the message, or of its header alone, that a report brings back, in a part of its own or below its words.
pub fn returned_ids(message: &Message<'_>, body: &str) -> Vec<String> {
    let in_part = |part: &MessagePart<'_>| match &part.body {
        PartType::Message(returned) => Headers::of(returned).ids("Message-ID"),
        _ if part.is_content_type("text", "rfc822-headers") => MessageParser::default()
            .parse_headers(part.contents())
            .map(|returned| Headers::of(&returned).ids("Message-ID"))
            .unwrap_or_default(),
        _ => Vec::new(),
    };
    let found = message.parts.iter().map(in_part).find(|ids| !ids.is_empty()).unwrap_or_default();
    if !found.is_empty() {
        return found;
    }
    let prefix = "message-id:";
    body.lines()
        .take(4 * MAX_LINES)
        .map(|line| line.trim_start_matches(['>', ' ', '\t']))
        .filter(|line| line.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix)))
        .flat_map(|line| ids(&line[prefix.len()..]))
        .take(5)
        .collect()
}
