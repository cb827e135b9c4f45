use std::fmt::Write as _;
use std::fs;

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::text::html::has_remote;
use crate::text::refusals;

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/mail");

fn own() -> Own {
    Own {
        addresses: vec!["help@shop.example".to_owned()],
        message_id_domains: vec!["help.shop.example".to_owned()],
        judges: vec!["shop.example".to_owned()],
    }
}

fn understood(raw: &[u8]) -> Incoming {
    parse(raw, None, &[], &own())
}

/// What matters of a message, to be read by people.
fn summary(incoming: &Incoming) -> String {
    let mut out = String::new();
    let mut write = |label: &str, value: &dyn std::fmt::Display| writeln!(out, "{label}: {value}").expect("a string takes all");
    write("from", &format_args!("{} <{}>", incoming.from.name, incoming.from.address));
    write("subject", &incoming.subject);
    write("id", &incoming.provider_id);
    for hint in &incoming.thread {
        write("thread", &format_args!("{hint:?}"));
    }
    write("language", &incoming.language.as_deref().unwrap_or("?"));
    write("sent", &incoming.sent_at.map_or("?".to_owned(), Ts::rfc3339));
    write("automatic", &incoming.automatic.as_deref().unwrap_or("no"));
    write("bounce", &incoming.bounce);
    if let Some(report) = &incoming.envelope.report {
        write("report", &format_args!("{:?}, about {:?}", report.kind, report.message_ids));
        for one in &report.recipients {
            let refusal = refusals::refusal(&one.status, &one.said);
            write("recipient", &format_args!("{} {} {} → {}", one.address, one.original, one.status, refusal.words()));
        }
    }
    if let Some(checks) = &incoming.envelope.checks {
        write("checks", &format_args!("spf {}, dkim {}, dmarc {}, failed {}", checks.spf, checks.dkim, checks.dmarc, checks.failed()));
    }
    if let Some(protection) = incoming.envelope.protection {
        write("protection", &format_args!("{protection:?}"));
    }
    if let Some(invitation) = &incoming.envelope.invitation {
        write(
            "invitation",
            &format_args!(
                "{}: {}, {} {}, {}, {}",
                invitation.title(),
                invitation.summary,
                invitation.starts.map(Ts::rfc3339).unwrap_or_default(),
                invitation.day,
                invitation.place,
                invitation.organizer
            ),
        );
    }
    for inner in &incoming.envelope.forwarded {
        write("forwarded", &format_args!("{} from {}: {}", inner.subject, inner.from.address, inner.body.replace('\n', "⏎")));
    }
    for file in &incoming.files {
        let shown = if file.inline { ", shown in the text" } else { "" };
        write("file", &format_args!("{} ({}, {} bytes{shown})", file.name, file.media_type, file.bytes.len()));
    }
    write("remote pictures", &incoming.html.as_deref().is_some_and(has_remote));
    write("html", &incoming.html.as_deref().unwrap_or("none"));
    let new = quotes::new_text(&incoming.body, &incoming.quote);
    let quoted = &incoming.body[incoming.quote.clone()];
    let (new, signature) = signatures::split(&new);
    let signature = if signature.is_empty() { String::new() } else { format!("\n\n-- signature --\n{signature}") };
    format!("{out}\n-- new words --\n{new}{signature}\n\n-- quoted --\n{quoted}")
}

/// Every letter of the corpus with its name.
fn corpus() -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(CORPUS).expect("the corpus").map(|entry| entry.expect("an entry").path());
    let letters = entries.filter(|path| path.extension().is_some_and(|ending| ending == "eml"));
    letters
        .map(|path| {
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            (name, fs::read(&path).expect("a letter"))
        })
        .collect()
}

/// What was understood stands beside each letter; after a change that is meant, `INSTA_UPDATE=always` writes it anew, to be read.
#[test]
fn the_corpus_is_understood() {
    let letters = corpus();
    assert!(letters.len() >= 30);
    insta::with_settings!({ snapshot_path => CORPUS, prepend_module_to_snapshot => false, omit_expression => true }, {
        for (name, raw) in letters {
            insta::assert_snapshot!(name, summary(&understood(&raw)));
        }
    });
}

/// A letter from Anna with these header lines added.
fn with(headers: &str) -> Incoming {
    understood(format!("From: anna@example.it\nTo: help@shop.example\nMessage-ID: <a@b>\n{headers}\n\nHello").as_bytes())
}

#[rstest]
#[case("", None)]
#[case("Auto-Submitted: no", None)]
#[case("Auto-Submitted: auto-replied", Some("automatic reply"))]
#[case("Auto-Submitted: AUTO-NOTIFIED; x=y", Some("program"))]
#[case("Return-Path: <>", Some("return path"))]
#[case("Return-Path: <anna@example.it>", None)]
#[case("Content-Type: multipart/report; report-type=disposition-notification; boundary=x", Some("read receipt"))]
#[case("Content-Type: multipart/report; report-type=feedback-report; boundary=x", Some("complaint"))]
#[case("Content-Type: multipart/report; boundary=x", Some("report"))]
#[case("Precedence: bulk", Some("many people"))]
#[case("Precedence: auto_reply", Some("automatic reply"))]
#[case("Precedence: first-class", None)]
#[case("List-Id: <x.example>", Some("List-Id"))]
#[case("List-Unsubscribe: <https://x.example>", Some("List-Unsubscribe"))]
#[case("List-Post: NO", Some("List-Post"))]
#[case("List-Help: <mailto:x@y>", Some("List-Help"))]
#[case("X-Auto-Response-Suppress: DR, OOF", Some("asks for no automatic answers"))]
#[case("X-Auto-Response-Suppress: None", None)]
#[case("X-Auto-Response-Suppress: DR, NDR", None)]
#[case("X-Autoreply: yes", Some("X-Autoreply"))]
#[case("X-Autorespond: vacation", Some("X-Autorespond"))]
#[case("X-Loop: x", Some("X-Loop"))]
fn machines_are_known_by_their_signs(#[case] headers: &str, #[case] expected: Option<&str>) {
    let reason = with(headers).automatic;
    match expected {
        Some(words) => assert!(reason.as_deref().is_some_and(|reason| reason.contains(words)), "{reason:?}"),
        None => assert_eq!(reason, None),
    }
}

#[rstest]
#[case("MAILER-DAEMON@example.it", true)]
#[case("no-reply@example.it", true)]
#[case("do_not_reply@example.it", true)]
#[case("noreply-orders@example.it", true)]
#[case("HELP@shop.example", true)]
#[case("norely@example.it", false)]
fn senders_that_nobody_reads(#[case] from: &str, #[case] expected: bool) {
    assert_eq!(understood(format!("From: {from}\nMessage-ID: <a@b>\n\nHello").as_bytes()).automatic.is_some(), expected);
}

#[test]
fn the_envelope_is_believed_where_headers_are_silent() {
    let to = ["<Help+T42-k7f3q2abcd@shop.example>".to_owned()];
    let incoming = parse(b"Subject: x\n\nHello", Some("Anna@Example.it"), &to, &own());
    assert_eq!(incoming.from.address, "anna@example.it");
    assert_eq!(incoming.thread, [ThreadHint::Recipient("help+t42-k7f3q2abcd".to_owned())]);
    assert_eq!(incoming.automatic, None);
    let bounced = parse(b"Subject: x\n\nHello", Some(""), &to, &own());
    assert_eq!(bounced.from.address, UNKNOWN_SENDER);
    assert!(bounced.automatic.is_some());
}

#[rstest]
#[case("<a@b> <c@d>", &["a@b", "c@d"])]
#[case("<a@b>\n\t<c@\n d>", &["a@b", "c@d"])]
#[case("a@b, c@d", &["a@b", "c@d"])]
#[case("\"A letter\" of Monday <a@b>", &["a@b"])]
#[case("(a comment x@y) a@b", &["a@b"])]
#[case("<CaSe@Kept>", &["CaSe@Kept"])]
#[case("<unclosed@id", &["unclosed@id"])]
#[case("nonsense", &[])]
#[case("<>", &[])]
fn references_are_read_leniently(#[case] field: &str, #[case] expected: &[&str]) {
    assert_eq!(with(&format!("References: {field}")).envelope.references, expected);
}

#[test]
fn header_fields_are_cut_to_size() {
    let many = |one: &str, count: usize| (0..count).map(|n| format!("{one}{n}@x.example")).collect::<Vec<_>>();
    let references: String = many("<m", 5_000).iter().map(|id| format!("{id}>\n ")).collect();
    let cc = many("c", 5_000).join(",\n ");
    let long = "x".repeat(100_000);
    let incoming = with(&format!("Subject: {long}\nReferences: {references}\nCc: {cc}\nReply-To: {long} <r@x.example>"));
    assert_eq!(incoming.subject.len(), 998);
    assert_eq!(incoming.envelope.references.len(), 100);
    assert_eq!(incoming.envelope.references[99], "m4999@x.example");
    assert_eq!(incoming.envelope.cc.len(), 100);
    assert_eq!(incoming.envelope.reply_to[0].name.len(), 200);
    assert!(incoming.thread.len() <= 300);
}

#[test]
fn the_same_letter_without_id_gets_the_same_id() {
    let letter = |body: &str| understood(format!("From: a@b.it\nSubject: x\n\n{body}").as_bytes()).provider_id;
    assert_eq!(letter("one"), letter("one"));
    assert_ne!(letter("one"), letter("two"));
}

#[rstest]
#[case("Mon, 4 May 2026 10:00:00 +0200", Some("2026-05-04T08:00:00Z"))]
#[case("4 May 2026 10:00 GMT", Some("2026-05-04T10:00:00Z"))]
#[case("Mon, 4 May 2026 10:00 +0200", Some("2026-05-04T08:00:00Z"))]
#[case("Mon, 4 May 1887 10:00:00 +0000", None)]
#[case("Mon, 4 May 2986 10:00:00 +0000", None)]
#[case("yesterday", None)]
fn dates_are_plausible(#[case] date: &str, #[case] expected: Option<&str>) {
    assert_eq!(with(&format!("Date: {date}")).sent_at.map(Ts::rfc3339).as_deref(), expected);
}

#[test]
fn hostile_structure_is_survived() {
    let nested = "Content-Type: message/rfc822\n\n".repeat(100_000);
    let missing: String = (0..20_000).map(|n| format!("--x\nContent-Type: multipart/mixed; boundary=y{n}\n\n")).collect();
    let attributes: String = (0..20_000).map(|n| format!("; a{n}=b")).collect();
    let started = std::time::Instant::now();
    for hostile in [
        format!("From: a@b.it\n{nested}"),
        format!("From: a@b.it\nContent-Type: multipart/mixed; boundary=x\n\n{missing}"),
        format!("From: a@b.it\nContent-Type: text/plain{attributes}\n\nx"),
        format!("From: {}\n\nx", "(".repeat(200_000)),
        format!("From: {}\n\nx", "\"a\" <a@b>,".repeat(50_000)),
        format!("Subject: {}\n\nx", "=?utf-8?Q?a?= ".repeat(50_000)),
        format!("References: {}\n\nx", "<".repeat(200_000)),
        "To: a@b.it\n".repeat(30_000),
        format!("From: a@b.it\nContent-Type: multipart/mixed; boundary=x\n\n{}", "--x\n\na\n".repeat(50_000)),
    ] {
        understood(hostile.as_bytes());
    }
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}

#[test]
fn people_who_write_of_holidays_are_not_away() {
    for header in ["X-MS-Exchange-Inbox-Rules-Loop: info@shop.example", "X-Auto-Response-Suppress: DR, RN"] {
        let raw = format!("From: anna@x.example\r\nSubject: Order 55\r\n{header}\r\n\r\nI am on holiday from Friday, deliver after.\r\n");
        assert_eq!(understood(raw.as_bytes()).envelope.report, None, "{header}");
    }
    let quoting = "From: Anna <anna@x.example>\r\nReturn-Path: <>\r\nSubject: Automatic reply: Your order\r\nAuto-Submitted: auto-replied\r\n\r\n\
                   I am out of the office.\r\n\r\nOn 3 May 2026 at 10:00, Shop <help@shop.example> wrote:\r\n> The courier failed to deliver your parcel.\r\n";
    let kind = understood(quoting.as_bytes()).envelope.report.map(|report| report.kind);
    assert_eq!(kind, Some(crate::desk::envelope::ReportKind::Away));
}

#[test]
fn an_invitations_method_has_no_letter_that_the_database_lacks() {
    let raw = b"From: a@b.example\r\nSubject: x\r\nContent-Type: text/calendar; method*=utf-8''REQ%00UEST\r\n\r\nBEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:x\r\nDTSTART:20260101T100000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let envelope = serde_json::to_string(&understood(raw).envelope).expect("JSON");
    assert!(envelope.contains("invitation") && !envelope.contains("\\u0000"), "{envelope}");
}

fn is_sound(incoming: &Incoming) -> bool {
    let strings = [&incoming.provider_id, &incoming.subject, &incoming.body, &incoming.from.name, &incoming.from.address];
    strings.into_iter().chain(&incoming.html).chain(incoming.files.iter().map(|file| &file.name)).all(|text| !text.contains('\0'))
        && !incoming.provider_id.is_empty()
        && !incoming.from.address.is_empty()
        && incoming.body.get(incoming.quote.clone()).is_some()
        && incoming.files.iter().all(|file| !file.name.is_empty() && !file.name.contains(['/', '\\']))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes_are_understood(raw in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(is_sound(&understood(&raw)));
    }

    #[test]
    fn any_damage_is_survived(which in any::<prop::sample::Index>(), damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..30), cut in any::<prop::sample::Index>()) {
        let letters = corpus();
        let mut raw = which.get(&letters).1.clone();
        for (at, byte) in damage {
            let at = at.index(raw.len());
            raw[at] = byte;
        }
        raw.truncate(cut.index(raw.len() * 2).max(1));
        prop_assert!(is_sound(&understood(&raw)));
    }

    #[test]
    fn any_pieces_are_understood(raw in "(From: |To: |Subject: |Content-Type: (text/html|message/rfc822|multipart/mixed; boundary=\"?x\"?)|Content-Disposition: attachment; filename\\*?0?\\*?=|Content-Transfer-Encoding: (base64|quoted-printable)|\r?\n|--x(--)?|=\\?utf-8\\?[bq]\\?|\\?=|<|>|@|\"|\\(|\\)|:|;|=|a|é| ){0,60}") {
        prop_assert!(is_sound(&understood(raw.as_bytes())));
    }
}
