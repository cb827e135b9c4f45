use jiff::Timestamp;
use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::channels::email::parse::{Own, parse};
use crate::desk::envelope::{Incoming, ThreadHint};
use crate::text::{quotes, subjects};

fn address(name: &str, address: &str) -> Address {
    Address { name: name.to_owned(), address: address.to_owned() }
}

fn letter() -> Outgoing {
    let date = Ts(Timestamp::from_second(1_780_000_000).expect("in range"));
    Outgoing {
        provider_id: "t42.m901.k7f3@help.example.com".to_owned(),
        from: address("Bottega Verdè", "help@shop.example"),
        reply_to: address("", "help+t42-k7f3q2abcd@shop.example"),
        to: vec![address("Anna Verdi", "anna@example.it")],
        cc: vec![address("", "luca@example.it"), address("", "ANNA@example.it")],
        bcc: vec![address("", "chief@shop.example")],
        subject: "Re: perché l'ordine è in ritardo? [#42]".to_owned(),
        body: "Buongiorno Anna,\n\nil pacco <12> è partito:\nhttps://track.example/12?a=1&b=2\n\nSaluti\nMarco".to_owned(),
        signature: "Marco\nBottega & Figli".to_owned(),
        face: None,
        language: "it".to_owned(),
        in_reply_to: Some("abc@example.it".to_owned()),
        references: vec!["first@example.it".to_owned(), "abc@example.it".to_owned()],
        quoted: Some(Quoted { author: "Anna Verdi".to_owned(), at: date, text: "Dov'è il pacco?\n\n> vecchio\nAnna".to_owned() }),
        files: Vec::new(),
        linked: Vec::new(),
        linked_words: String::new(),
        automatic: false,
        date,
    }
}

fn brand() -> Brand {
    Brand { shop_name: "Bottega & Figli".to_owned(), accent: "#0a7".to_owned() }
}

fn raw(out: &Outgoing) -> String {
    String::from_utf8(build(out, &brand()).expect("a letter")).expect("ASCII")
}

/// The letter as it is understood where it arrives.
fn arrived(out: &Outgoing) -> Incoming {
    parse(raw(out).as_bytes(), None, &[], &Own::default())
}

fn header(raw: &str) -> &str {
    raw.split_once("\r\n\r\n").expect("a body").0
}

#[rstest]
#[case("it", "Il giorno 28/05/2026 Anna Verdi ha scritto:")]
#[case("en", "On 28 May 2026, Anna Verdi wrote:")]
#[case("fr", "Le 28/05/2026, Anna Verdi a écrit :")]
#[case("de", "Am 28.05.2026 schrieb Anna Verdi:")]
#[case("es", "El 28/05/2026, Anna Verdi escribió:")]
#[case("xx", "On 28 May 2026, Anna Verdi wrote:")]
fn what_was_built_is_understood(#[case] language: &str, #[case] attribution: &str) {
    let out = Outgoing { language: language.to_owned(), ..letter() };
    let incoming = arrived(&out);
    assert_eq!(quotes::new_text(&incoming.body, &incoming.quote), format!("{}\n\n{}", out.body, out.signature));
    assert_eq!(&incoming.body[incoming.quote.clone()], format!("{attribution}\n> Dov'è il pacco?\n>\n>> vecchio\n> Anna"));
    assert_eq!(incoming.subject, out.subject);
    assert_eq!(incoming.from, out.from);
    assert_eq!(incoming.envelope.reply_to, [out.reply_to]);
    assert_eq!(incoming.envelope.references, out.references);
    assert_eq!(incoming.provider_id, out.provider_id);
    assert_eq!(incoming.sent_at, Some(out.date));
    assert_eq!(incoming.automatic, None);
    let html = incoming.html.expect("HTML");
    assert!(html.contains("<blockquote type=\"cite\"") && html.contains("Bottega &amp; Figli"), "{html}");
}

#[test]
fn the_html_alone_reads_the_same() {
    let out = letter();
    let html = html_letter(&out, &brand());
    let body = crate::text::html::to_text(&html);
    let new = quotes::new_text(&body, &quotes::split(&body));
    assert_eq!(new, format!("{}\n\n{}", out.body, out.signature), "the shop is named once");
}

#[test]
fn files_arrive_whole() {
    let files = vec![
        OutgoingFile {
            name: "ricevuta è.pdf".to_owned(),
            media_type: "application/pdf".to_owned(),
            bytes: (0..=255).collect(),
            content_id: None,
        },
        OutgoingFile { name: "a\r\nBcc: x@y.it".to_owned(), media_type: "no type".to_owned(), bytes: b"a\n\0b".to_vec(), content_id: None },
        OutgoingFile {
            name: "old.eml".to_owned(),
            media_type: "message/rfc822".to_owned(),
            bytes: b"Subject: x\n\ny".to_vec(),
            content_id: None,
        },
    ];
    let incoming = arrived(&Outgoing { files: files.clone(), ..letter() });
    assert_eq!(incoming.files.len(), files.len());
    for (came, went) in incoming.files.iter().zip(&files) {
        assert_eq!(came.bytes, went.bytes);
    }
    assert_eq!(incoming.files[0].name, "ricevuta è.pdf");
    assert_eq!(incoming.files[0].media_type, "application/pdf");
    assert_eq!(incoming.files[1].media_type, "application/octet-stream");
}

#[test]
fn those_in_bcc_are_named_to_the_server_alone() {
    let out = letter();
    assert!(!raw(&out).to_lowercase().contains("bcc") && !raw(&out).contains("chief"));
    assert_eq!(recipients(&out), ["anna@example.it", "luca@example.it", "chief@shop.example"]);
}

#[test]
fn pictures_stand_within_the_words_and_the_face_beside_the_name() {
    let picture = OutgoingFile {
        name: "stivale.png".to_owned(),
        media_type: "image/png".to_owned(),
        bytes: vec![1, 2, 3],
        content_id: Some("p1.desk".to_owned()),
    };
    let file = OutgoingFile { content_id: None, name: "nota.txt".to_owned(), ..picture.clone() };
    let out = Outgoing {
        body: "Ecco:\n\n![stivale.png](cid:p1.desk)\n\nSaluti".to_owned(),
        files: vec![picture, file],
        face: Some(vec![9; 40]),
        ..letter()
    };
    let incoming = arrived(&out);
    assert!(incoming.body.contains("Ecco:\n\n[stivale.png]\n\nSaluti\n\nMarco\nBottega & Figli"), "{}", incoming.body);
    let html = incoming.html.clone().expect("HTML");
    assert!(html.contains("cid:p1.desk") && html.contains("cid:face.t42"), "{html}");
    let names: Vec<_> = incoming.files.iter().map(|file| (file.name.as_str(), file.inline)).collect();
    assert_eq!(names, [("stivale.png", true), ("face.jpg", true), ("nota.txt", false)]);
}

#[test]
fn large_files_wait_behind_links() {
    let linked =
        vec![LinkedFile { name: "film.mov".to_owned(), size: "18.2 MB".to_owned(), url: "https://desk.example/d/7-abc".to_owned() }];
    let out = Outgoing { linked, linked_words: "Fino al 22 dicembre:".to_owned(), ..letter() };
    let incoming = arrived(&out);
    assert!(
        incoming.body.contains("Fino al 22 dicembre:\n- film.mov (18.2 MB): https://desk.example/d/7-abc\n\nMarco"),
        "{}",
        incoming.body
    );
    assert!(incoming.html.expect("HTML").contains("film.mov"));
}

#[test]
fn line_ends_begin_no_headers() {
    let evil = "x\r\nBcc: victim@example.it\r\n\r\nbody";
    let out = Outgoing {
        provider_id: evil.to_owned(),
        subject: evil.to_owned(),
        from: address(evil, "help@shop.example"),
        in_reply_to: Some(evil.to_owned()),
        references: vec![evil.to_owned()],
        language: evil.to_owned(),
        ..letter()
    };
    let raw = raw(&out);
    assert!(!header(&raw).lines().any(|line| line.to_ascii_lowercase().starts_with("bcc")), "{raw}");
    let bad = Outgoing { to: vec![address("", "a@b.it\r\nBcc: c@d.it")], ..letter() };
    assert!(matches!(build(&bad, &brand()), Err(BuildError::Address(_))));
}

#[test]
fn automatic_letters_say_so() {
    let raw = raw(&Outgoing { automatic: true, ..letter() });
    assert!(header(&raw).contains("\r\nAuto-Submitted: auto-replied\r\n"));
    assert!(header(&raw).contains("\r\nX-Auto-Response-Suppress: All\r\n"));
}

#[test]
fn long_threads_lose_their_middle() {
    let references: Vec<String> = (0..500).map(|n| format!("m{n}.{}@example.it", "x".repeat(40))).collect();
    let out = Outgoing { references: references.clone(), ..letter() };
    let raw = raw(&out);
    assert!(raw.lines().all(|line| line.len() <= 998));
    let kept = arrived(&out).envelope.references;
    assert_eq!(kept.len(), MAX_REFERENCES);
    assert_eq!(kept[..2], references[..2]);
    assert_eq!(kept[2..], references[500 - 28..]);
}

#[test]
fn a_letter_needs_a_recipient() {
    let out = Outgoing { to: Vec::new(), cc: Vec::new(), bcc: Vec::new(), ..letter() };
    assert!(matches!(build(&out, &brand()), Err(BuildError::NoRecipient)));
    assert_eq!(recipients(&letter()), ["anna@example.it", "luca@example.it", "chief@shop.example"]);
    assert!(!raw(&letter()).contains("chief@"), "whoever is named to the server alone stands in no header");
}

#[test]
fn the_answer_finds_its_ticket() {
    let hints = arrived(&Outgoing { to: vec![letter().reply_to], cc: Vec::new(), ..letter() }).thread;
    assert_eq!(hints[0], ThreadHint::Recipient("help+t42-k7f3q2abcd".to_owned()));
    assert_eq!(hints[1], ThreadHint::InReplyTo("abc@example.it".to_owned()));
    assert_eq!(hints[2], ThreadHint::Reference("abc@example.it".to_owned()));
}

#[rstest]
#[case("#0a7", true)]
#[case("#00aa77", true)]
#[case("red", false)]
#[case("#0a7;} x", false)]
fn only_colours_colour(#[case] text: &str, #[case] expected: bool) {
    assert_eq!(is_colour(text), expected);
}

proptest! {
    #[test]
    fn any_words_arrive(body in "[a-zà-ü0-9 .,!?€漢\n-]{0,200}", name in "\\PC{0,40}", subject in "[ -~à-ü\r\n]{0,120}") {
        // Nothing is folded in what is passed on.
        prop_assume!(!subjects::is_forward(&subject));
        let out = Outgoing { body, subject, from: address(&name, "help@shop.example"), signature: String::new(), ..letter() };
        let incoming = arrived(&out);
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        if !out.body.trim().is_empty() {
            prop_assert_eq!(words(&quotes::new_text(&incoming.body, &incoming.quote)), words(&out.body));
        }
        prop_assert_eq!(words(&incoming.subject), words(&out.subject));
    }
}
