//! The signs by which a machine's message is known, so that nothing answers it by itself.

use super::{Headers, Own, UNKNOWN_SENDER};
use crate::desk::envelope::Address;

/// Local parts behind which nobody reads, without dots, dashes and underscores.
const UNREAD: [&str; 8] =
    ["mailerdaemon", "postmaster", "noreply", "donotreply", "nonrispondere", "nepasrepondre", "keineantwort", "noresponder"];

const LISTS: [&str; 4] = ["List-Id", "List-Unsubscribe", "List-Post", "List-Help"];

/// In plain words why the message is taken for a machine's; none when it looks like a person's.
pub fn reason(headers: &Headers<'_>, from: &Address, provider_id: &str, envelope_from: Option<&str>, own: &Own) -> Option<String> {
    own_mail(from, provider_id, own)
        .or_else(|| report(headers))
        .or_else(|| null_sender(headers, envelope_from))
        .or_else(|| declared(headers))
        .or_else(|| bulk(headers))
        .or_else(|| nameless(from))
        .or_else(|| unread_sender(from))
        .or_else(|| wish_for_silence(headers))
        .or_else(|| away(headers))
}

fn own_mail(from: &Address, provider_id: &str, own: &Own) -> Option<String> {
    let domain = provider_id.rsplit_once('@').map(|(_, domain)| domain).unwrap_or_default();
    if own.message_id_domains.iter().any(|own| own.eq_ignore_ascii_case(domain)) {
        return Some("It was sent by this desk itself: the Message-ID is its own.".to_owned());
    }
    own.addresses
        .iter()
        .any(|own| own.eq_ignore_ascii_case(&from.address))
        .then(|| format!("It comes from this desk's own address {}.", from.address))
}

fn report(headers: &Headers<'_>) -> Option<String> {
    let kind = headers.report_type()?;
    Some(match kind.as_str() {
        "delivery-status" => "It reports on the delivery of a message.".to_owned(),
        "disposition-notification" => "It is a read receipt.".to_owned(),
        "feedback-report" => "It is a mail provider's report of a complaint.".to_owned(),
        _ => "It is a mail system's report.".to_owned(),
    })
}

/// Whether it came from the empty envelope address, as bounces do.
pub fn is_null_sender(headers: &Headers<'_>, envelope_from: Option<&str>) -> bool {
    let is_null = |path: &str| matches!(path.trim(), "" | "<>");
    envelope_from.is_some_and(is_null) || headers.first("Return-Path").is_some_and(|path| is_null(&path))
}

/// Old programs answer for those who are away and say so nowhere but in the subject.
fn away(headers: &Headers<'_>) -> Option<String> {
    super::away::is_certain(&headers.subject()).then(|| "It is an automatic reply (its subject says so).".to_owned())
}

fn null_sender(headers: &Headers<'_>, envelope_from: Option<&str>) -> Option<String> {
    is_null_sender(headers, envelope_from).then(|| "It accepts no answers: its return path is empty.".to_owned())
}

fn declared(headers: &Headers<'_>) -> Option<String> {
    for value in headers.all("Auto-Submitted") {
        let kind = value.split([';', ' ', '(']).next().unwrap_or_default().to_ascii_lowercase();
        return match kind.as_str() {
            "" | "no" => continue,
            "auto-replied" => Some("It is an automatic reply (Auto-Submitted).".to_owned()),
            _ => Some("A program sent it (Auto-Submitted).".to_owned()),
        };
    }
    ["X-Autoreply", "X-Autorespond", "X-Loop"]
        .into_iter()
        .find(|name| headers.all(name).any(|value| !value.eq_ignore_ascii_case("no")))
        .map(|name| format!("It is an automatic reply ({name})."))
}

fn bulk(headers: &Headers<'_>) -> Option<String> {
    for value in headers.all("Precedence") {
        match value.to_ascii_lowercase().as_str() {
            "auto_reply" => return Some("It is an automatic reply (Precedence).".to_owned()),
            "bulk" | "junk" | "list" => return Some("It was sent to many people at once (Precedence).".to_owned()),
            _ => {}
        }
    }
    let list = LISTS.into_iter().find(|name| headers.first(name).is_some())?;
    Some(format!("It comes from a mailing list or a newsletter ({list})."))
}

/// The reason where nobody is named to whom an answer could go.
pub fn nameless(from: &Address) -> Option<String> {
    (from.address == UNKNOWN_SENDER).then(|| "It names no sender to answer.".to_owned())
}

fn unread_sender(from: &Address) -> Option<String> {
    let (local, _) = from.address.split_once('@')?;
    let local = local.replace(['.', '-', '_'], "");
    UNREAD.iter().any(|unread| local.contains(unread)).then(|| format!("Nobody reads mail at its sender's address, {}.", from.address))
}

/// Exchange sets this on what it wants no automatic answer to; no proof of a machine, but a wish to be honoured.
fn wish_for_silence(headers: &Headers<'_>) -> Option<String> {
    let asks = headers.all("X-Auto-Response-Suppress").any(|value| {
        value.split([',', ';', ' ']).any(|wish| ["all", "oof", "autoreply"].iter().any(|silence| wish.eq_ignore_ascii_case(silence)))
    });
    asks.then(|| "Its sender asks for no automatic answers (X-Auto-Response-Suppress).".to_owned())
}
