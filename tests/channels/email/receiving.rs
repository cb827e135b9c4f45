//! From stored bytes to tickets: threads, duplicates, loops, damage.

use std::collections::BTreeSet;

use sportello::channels::{self, Outcome};
use sportello::desk::tickets;
use sportello::desk::tickets::receive::MatchedBy;
use sportello::ids::TicketId;

use super::mail;
use crate::support::mail_desk::MailDesk;

#[tokio::test]
async fn the_first_mail_makes_a_ticket_and_its_answer_finds_it() {
    let desk = MailDesk::new().await;
    let first = desk.receive(&mail("Anna <anna@example.it>", "Ordine 4711", "a1@example.it", "", "Buongiorno, dov'è il mio ordine?")).await;
    assert_eq!(first.outcome, Outcome::Created);
    let line = serde_json::to_value(&first).expect("JSON");
    let ticket = first.ticket.expect("a ticket");
    let message = first.message.expect("a message");
    assert_eq!(
        line,
        serde_json::json!({"outcome": "created", "ticket": ticket, "message": message, "matched_by": "none", "auto": false, "bounce": false, "acknowledged": true, "reason": null})
    );

    let tag = tickets::reply_tag(&desk.app.keys, ticket);
    let by_address = format!("help+{}@bottega.example", tag.to_uppercase());
    let second = desk
        .try_receive(&mail("anna@example.it", "x", "a2@example.it", "", "Ciao"), Some("anna@example.it"), &[&by_address])
        .await
        .expect("processed");
    assert_eq!((second.outcome, second.ticket, second.matched_by), (Outcome::Appended, Some(ticket), MatchedBy::ReplyAddress));

    let third = desk.receive(&mail("anna@example.it", "y", "a3@example.it", "In-Reply-To: <a1@example.it>", "Ciao")).await;
    assert_eq!((third.ticket, third.matched_by), (Some(ticket), MatchedBy::InReplyTo));

    let fourth = desk
        .receive(&mail(
            "anna@example.it",
            "z",
            "a4@example.it",
            "In-Reply-To: <lost@example.it>\r\nReferences: <a2@example.it>\r\n <lost@example.it>",
            "Ciao",
        ))
        .await;
    assert_eq!((fourth.ticket, fourth.matched_by), (Some(ticket), MatchedBy::References));
    assert_eq!(desk.thread(ticket).await.len(), 4);
}

#[tokio::test]
async fn a_guess_never_joins_a_ticket() {
    let desk = MailDesk::new().await;
    let first = desk.receive(&mail("anna@example.it", "Order 1 [#1]", "b1@example.it", "", "Hello")).await;
    let ticket = first.ticket.expect("a ticket");
    let same_subject = desk.receive(&mail("anna@example.it", "Re: Order 1 [#1]", "b2@example.it", "", "Hello")).await;
    assert_eq!(same_subject.outcome, Outcome::Created, "a subject is no proof");

    let tag = tickets::reply_tag(&desk.app.keys, ticket);
    let forged = format!("help+{}@bottega.example", tag.replace(&format!("t{ticket}-"), &format!("t{}-", ticket.0 + 1)));
    let wrong_mac =
        desk.try_receive(&mail("eve@example.it", "x", "b3@example.it", "", "Hello"), None, &[&forged]).await.expect("processed");
    assert_eq!((wrong_mac.outcome, wrong_mac.matched_by), (Outcome::Created, MatchedBy::None));
    let own_id = tickets::message_id(&desk.app.keys, TicketId(ticket.0 + 1), first.message.expect("a message"), "bottega.example");
    let forged_id = own_id.replace(&format!("t{}.", ticket.0 + 1), &format!("t{ticket}."));
    let wrong_id = desk.receive(&mail("eve@example.it", "x", "b4@example.it", &format!("In-Reply-To: <{forged_id}>"), "Hello")).await;
    assert_eq!(wrong_id.outcome, Outcome::Created);
}

#[tokio::test]
async fn the_same_mail_is_kept_once_however_often_and_at_once_it_comes() {
    let desk = MailDesk::new().await;
    let raw = mail("anna@example.it", "Once", "c1@example.it", "", "Hello");
    let first = desk.receive(&raw).await;
    let again = desk.receive(&raw).await;
    assert_eq!((again.outcome, again.ticket, again.message), (Outcome::Duplicate, first.ticket, first.message));

    let raw = mail("bruno@example.it", "At once", "c2@example.it", "", "Hello");
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (app, delivery) = (desk.app.clone(), desk.store(&raw, None, &[]).await);
        // Each delivery by two processes, as when a worker takes over too early.
        for _ in 0..2 {
            let app = app.clone();
            waiting.spawn(async move { channels::process(&app, delivery).await });
        }
    }
    let results: Vec<_> = waiting.join_all().await.into_iter().map(|result| result.expect("processed")).collect();
    assert_eq!(results.iter().filter(|result| result.outcome == Outcome::Created).count(), 1);
    assert_eq!(results.iter().map(|result| result.message).collect::<BTreeSet<_>>().len(), 1);
    assert_eq!(desk.count("select count(*) from messages").await, 2);
    assert_eq!(desk.count("select count(*) from contacts").await, 2);
    assert_eq!(desk.count("select count(*) from deliveries where state not in ('processed', 'dropped')").await, 0);
    assert_eq!(desk.count("select count(*) from jobs where kind = 'process_delivery'").await, 0);
}

#[tokio::test]
async fn a_first_contact_that_writes_ten_mails_at_once_is_one_person() {
    let desk = MailDesk::new().await;
    let mut waiting = tokio::task::JoinSet::new();
    for n in 0..10 {
        let delivery = desk.store(&mail("Carla <carla@example.it>", "Many", &format!("d{n}@example.it"), "", "Hello"), None, &[]).await;
        let app = desk.app.clone();
        waiting.spawn(async move { channels::process(&app, delivery).await });
    }
    for result in waiting.join_all().await {
        assert_eq!(result.expect("processed").outcome, Outcome::Created);
    }
    assert_eq!(desk.count("select count(*) from contacts").await, 1);
    assert_eq!(desk.count("select count(*) from tickets").await, 10);
}

#[tokio::test]
async fn our_own_letter_coming_back_is_dropped_with_a_reason() {
    let desk = MailDesk::new().await;
    let ticket = desk.receive(&mail("anna@example.it", "Loop", "e1@example.it", "", "Hello")).await.ticket.expect("a ticket");
    let agent = desk.agent("Bea").await;
    desk.reply(&agent, ticket, "Salve").await;
    assert_eq!(desk.drain().await, Vec::<String>::new());
    let own = desk.sent().into_iter().find(|sent| String::from_utf8_lossy(&sent.raw).contains("Salve")).expect("the reply has left");
    let back = desk.receive(&own.raw).await;
    assert_eq!(back.outcome, Outcome::Dropped);
    assert!(back.reason.is_some_and(|reason| reason.contains("own")));
    assert_eq!(desk.count("select count(*) from deliveries where state = 'dropped' and reason is not null").await, 1);
}

#[tokio::test]
async fn a_bounce_finds_the_letter_it_speaks_of_and_wakes_nobody() {
    let desk = MailDesk::new().await;
    let ticket = desk.receive(&mail("anna@example.it", "Bounce", "f1@example.it", "", "Hello")).await.ticket.expect("a ticket");
    let agent = desk.agent("Bea").await;
    let reply = desk.reply(&agent, ticket, "Salve").await;
    desk.drain().await;
    let before = desk.sent().len();
    let id = desk.message(reply).await.provider_id.expect("an id");
    let bounce = format!(
        "From: MAILER-DAEMON@mx.example\r\nTo: help@bottega.example\r\nSubject: Undelivered\r\nMessage-ID: <f2@mx.example>\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nNo such user.\r\n\
         --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; anna@example.it\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n\
         --b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{id}>\r\n\r\n--b--\r\n"
    );
    let bounced = desk.try_receive(bounce.as_bytes(), Some(""), &["help@bottega.example"]).await.expect("processed");
    assert_eq!((bounced.outcome, bounced.ticket, bounced.bounce, bounced.acknowledged), (Outcome::Appended, Some(ticket), true, false));
    desk.drain().await;
    assert_eq!(desk.sent().len(), before, "nobody answers a bounce");
}

#[tokio::test]
async fn damage_becomes_a_ticket_with_the_original() {
    let desk = MailDesk::new().await;
    for (n, raw) in [&b"\x00\x01\x02\xff\xfe"[..], b"", b"\r\n\r\n", b"no header at all"].into_iter().enumerate() {
        let processed = desk.try_receive(raw, Some("anna@example.it"), &[]).await.expect("processed");
        assert_eq!(processed.outcome, Outcome::Created, "{n}");
    }
    assert_eq!(desk.count("select count(*) from attachments where name = 'original.eml' and media_type = 'message/rfc822'").await, 4);
    assert_eq!(desk.drain().await, Vec::<String>::new());
    assert_eq!(desk.sent().len(), 0, "nobody is thanked for noise");
}

#[tokio::test]
async fn what_no_index_takes_is_kept_all_the_same() {
    let desk = MailDesk::new().await;
    let long = "x".repeat(20_000);
    let body = "parola ".repeat(300_000);
    for raw in [
        mail("anna@example.it", "long id", &format!("{long}@example.it"), "", "Hello"),
        mail(&format!("{long}@example.it"), "long sender", "g1@example.it", "", "Hello"),
        mail("anna@example.it", &long, "g2@example.it", &format!("References: <{long}>"), "Hello"),
        mail("anna@example.it", "nul", "g3@example.it", "", "a\0b"),
        mail("an\0na@example.it", "=?utf-8?q?a=00b?=", "g4@exam\0ple.it", "X: \0", "a\0b"),
        mail("anna@example.it", "many words", "g5@example.it", "", &body),
        mail("anna@example.it", "many different words", "g6@example.it", "", &(0..150_000).map(|n| format!("w{n}x ")).collect::<String>()),
    ] {
        assert_eq!(desk.receive(&raw).await.outcome, Outcome::Created, "{}", String::from_utf8_lossy(&raw[..60]));
    }
}

#[tokio::test]
async fn the_whole_corpus_comes_in_twice_and_stays_once() {
    let desk = MailDesk::with(|config| config.mail.max_mail = 50 << 20).await;
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/mail");
    let mut files: Vec<_> = std::fs::read_dir(folder).expect("the corpus").filter_map(|file| Some(file.ok()?.path())).collect();
    files.retain(|path| path.extension().is_some_and(|kind| kind == "eml"));
    files.sort();
    assert!(files.len() > 20, "{}", files.len());
    for path in &files {
        let raw = std::fs::read(path).expect("readable");
        let first = desk.receive(&raw).await;
        assert!(matches!(first.outcome, Outcome::Created | Outcome::Appended), "{}: {first:?}", path.display());
        let again = desk.receive(&raw).await;
        assert_eq!((again.outcome, again.message), (Outcome::Duplicate, first.message), "{}", path.display());
        assert_eq!(
            first.acknowledged,
            first.automatic.is_none() && !first.bounce && first.outcome == Outcome::Created,
            "{}",
            path.display()
        );
    }
    assert_eq!(desk.drain().await, Vec::<String>::new());
    assert_eq!(desk.count("select count(*) from deliveries where state in ('failed', 'received')").await, 0);
}

#[tokio::test]
async fn an_answer_that_is_understood_first_waits_for_what_it_answers() {
    let desk = MailDesk::new().await;
    let question = desk.store(&mail("anna@example.it", "Ordine", "q1@example.it", "", "Dov'è?"), None, &[]).await;
    let answer =
        desk.store(&mail("anna@example.it", "Re: Ordine", "q2@example.it", "In-Reply-To: <q1@example.it>", "Trovato!"), None, &[]).await;
    let app = desk.app.clone();
    let hasty = tokio::spawn(async move { channels::process(&app, answer).await });
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let first = channels::process(&desk.app, question).await.expect("processed");
    let second = hasty.await.expect("no panic").expect("processed");
    assert_eq!((second.outcome, second.ticket), (Outcome::Appended, first.ticket));
}
