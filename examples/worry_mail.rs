//! Worries the whole intake of mail with damaged letters, for as many minutes as it is told: `cargo run --example worry_mail -- 10`.
//!
//! Letters of the corpus are cut, joined, repeated and damaged. Whatever comes must be understood within two seconds, without a panic and by the
//! rules that the tests of the parser state. A letter that breaks one is kept in the folder for temporary files and named.

use std::path::Path;
use std::time::{Duration, Instant};

use sportello::channels::email::parse::{self, Own};
use sportello::text::{html, quotes, signatures};

/// No letter may take longer.
const PATIENCE: Duration = Duration::from_secs(2);
/// The longest letter that is made, in bytes.
const MAX: usize = 300_000;

/// What structure is made of; strewn in at random.
const PIECES: [&[u8]; 32] = [
    b"\r\n",
    b"\n\n",
    b"--b\r\n",
    b"--b--\r\n",
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n",
    b"Content-Type: message/rfc822\r\n\r\n",
    b"Content-Type: message/delivery-status\r\n\r\n",
    b"Final-Recipient: rfc822; a@b.it\r\nAction: failed\r\n",
    b"Content-Type: text/html\r\n\r\n",
    b"Content-Transfer-Encoding: base64\r\n",
    b"Content-Transfer-Encoding: quoted-printable\r\n",
    b"=?utf-8?B?4p==?=",
    b"=?x?Q?=C3?=",
    b"<blockquote type=cite>",
    b"<div class=gmail_quote>",
    b"</div></blockquote>",
    b"<table><tr><td>",
    b"> > > ",
    b"On 3 May 2026 at 10:00, A <a@b.it> wrote:\n",
    b"From: a@b.it\nSent: 3 May\nSubject: x\n",
    b"-- \n",
    b"Sent from my iPhone\n",
    b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260101T000000Z\nSUMMARY:x\nEND:VEVENT\n",
    b"Authentication-Results: a; dmarc=fail (\r\n",
    b"filename*0*=utf-8''%C3",
    b"\0",
    b"\xff\xfe",
    b"\xc3",
    b"(((((((((",
    b"\"",
    b"<a@b.it>,",
    b"\x1b$B",
];

fn main() {
    let minutes: u64 = std::env::args().nth(1).and_then(|minutes| minutes.parse().ok()).unwrap_or(1);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/mail");
    let mut letters: Vec<Vec<u8>> = Vec::new();
    for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
        if entry.path().extension().is_some_and(|ending| ending == "eml") {
            letters.extend(std::fs::read(entry.path()));
        }
    }
    let own =
        Own { addresses: vec!["help@shop.example".to_owned()], message_id_domains: Vec::new(), judges: vec!["shop.example".to_owned()] };
    let began = Instant::now();
    let (mut tried, mut slowest, mut wrong) = (0_u64, Duration::ZERO, 0_u64);
    while began.elapsed() < Duration::from_secs(minutes * 60) && !letters.is_empty() {
        let letter = mutated(&letters);
        let started = Instant::now();
        let verdict = std::panic::catch_unwind(|| judge(&letter, &own));
        let took = started.elapsed();
        slowest = slowest.max(took);
        tried += 1;
        let fault = match verdict {
            Err(_) => Some("it panicked".to_owned()),
            Ok(Some(fault)) => Some(fault),
            Ok(None) if took > PATIENCE => Some(format!("it took {took:?}")),
            Ok(None) => None,
        };
        if let Some(fault) = fault {
            wrong += 1;
            let path = std::env::temp_dir().join(format!("worried-{}-{wrong}.eml", std::process::id()));
            let kept = std::fs::write(&path, &letter);
            println!("{fault}: {} {kept:?}", path.display());
        }
    }
    println!("{tried} letters in {:?}, the slowest took {slowest:?}, {wrong} went wrong", began.elapsed());
    std::process::exit(i32::from(wrong > 0));
}

fn below(end: usize) -> usize {
    if end == 0 { 0 } else { rand::random_range(0..end) }
}

fn mutated(letters: &[Vec<u8>]) -> Vec<u8> {
    let mut letter = letters[below(letters.len())].clone();
    for _ in 0..=below(12) {
        let at = below(letter.len() + 1);
        match below(7) {
            0 => letter.truncate(at),
            1 => {
                let other = &letters[below(letters.len())];
                letter.extend_from_slice(&other[below(other.len() + 1)..]);
            }
            2 => {
                let piece = PIECES[below(PIECES.len())].repeat(1 + below(4));
                letter.splice(at..at, piece);
            }
            3 if below(30) == 0 => {
                let piece = PIECES[below(PIECES.len())];
                letter.splice(at..at, piece.repeat(20_000 / piece.len().max(1)));
            }
            4 if at < letter.len() => letter[at] = rand::random(),
            5 => {
                let end = (at + below(200)).min(letter.len());
                let copy = letter[at..end].to_vec();
                letter.splice(at..at, copy);
            }
            _ => {
                let end = (at + below(40)).min(letter.len());
                letter.drain(at..end);
            }
        }
        letter.truncate(MAX);
    }
    letter
}

/// What is wrong with how a letter was understood.
fn judge(raw: &[u8], own: &Own) -> Option<String> {
    let incoming = parse::parse(raw, Some("a@b.it"), &["help@shop.example".to_owned()], own);
    let wrong = |words: &str| Some(words.to_owned());
    if incoming.body.get(incoming.quote.clone()).is_none() {
        return wrong("the quote is none of the body");
    }
    if incoming.provider_id.is_empty() || incoming.from.address.is_empty() {
        return wrong("it has no id or no author");
    }
    let new = quotes::new_text(&incoming.body, &incoming.quote);
    if !incoming.body.trim().is_empty() && !incoming.quote.is_empty() && new.trim().is_empty() {
        return wrong("everything was folded away");
    }
    let (words, signature) = signatures::split(&new);
    if !signature.is_empty() && words.trim().is_empty() {
        return wrong("everything was taken for a signature");
    }
    if [&incoming.body, &incoming.subject, &incoming.from.name].into_iter().chain(&incoming.html).any(|text| text.contains('\0')) {
        return wrong("a NUL came through");
    }
    if let Some(clean) = &incoming.html {
        let lower = clean.to_lowercase();
        if ["<script", "<style", "<iframe", "<object", "<form", "javascript:", "onerror="]
            .iter()
            .any(|bad| lower.contains(bad) && !html::to_text(clean).to_lowercase().contains(bad))
        {
            return wrong("something dangerous came through");
        }
    }
    match serde_json::to_string(&incoming.envelope) {
        // The database's JSON knows no such letter.
        Ok(envelope) if envelope.contains("\\u0000") => wrong("a NUL came through beside the words"),
        Ok(_) => None,
        Err(error) => Some(error.to_string()),
    }
}
