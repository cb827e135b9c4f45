//! What became of our mail: bounces, delays, receipts, complaints, people who are away; and mail that is not from whom it says.

use sportello::channels::Outcome;
use sportello::desk::kinds::{DeliveryStatus, Status};
use sportello::ids::{MessageId, TicketId};

use super::mail;
use crate::support::mail_desk::MailDesk;

/// A ticket of Anna's that was answered: the ticket, the answer, its Message-ID.
async fn answered(desk: &MailDesk) -> (TicketId, MessageId, String) {
    let ticket =
        desk.receive(&mail("Anna <anna@example.it>", "Table", "u1@example.it", "", "It came broken.")).await.ticket.expect("a ticket");
    let agent = desk.agent("Bea").await;
    let reply = desk.reply(&agent, ticket, "We send another.").await;
    assert_eq!(desk.drain().await, Vec::<String>::new());
    let id = desk.message(reply).await.provider_id.expect("an id");
    (ticket, reply, id)
}

/// A delivery notice.
fn notice(id: &str, own: &str, action: &str, status: &str, said: &str) -> Vec<u8> {
    format!(
        "From: MAILER-DAEMON@mx.example\r\nTo: help@bottega.example\r\nSubject: Undelivered\r\nMessage-ID: <{own}@mx.example>\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n\
         --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; anna@example.it\r\nAction: {action}\r\nStatus: {status}\r\nDiagnostic-Code: smtp; {said}\r\n\r\n\
         --b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{id}>\r\n\r\n--b--\r\n"
    )
    .into_bytes()
}

async fn status(desk: &MailDesk, ticket: TicketId) -> Status {
    let mut db = desk.app.db.acquire().await.expect("a database");
    sportello::desk::tickets::find(&mut db, ticket).await.expect("a database").expect("the ticket").status
}

async fn set(desk: &MailDesk, sql: &'static str) {
    sqlx::query(sql).execute(&desk.app.db).await.expect(sql);
}

#[tokio::test]
async fn a_hard_bounce_fails_the_answer_marks_the_address_and_opens_the_ticket() {
    let desk = MailDesk::new().await;
    let (ticket, reply, id) = answered(&desk).await;
    set(&desk, "update tickets set status = 'solved', solved_at = now()").await;
    let bounce = notice(&id, "b1", "failed", "5.1.1", "550 5.1.1 User unknown");
    let first = desk.try_receive(&bounce, Some(""), &["help@bottega.example"]).await.expect("processed");
    assert_eq!((first.outcome, first.ticket, first.bounce, first.acknowledged), (Outcome::Appended, Some(ticket), true, false));

    let message = desk.message(reply).await;
    assert_eq!(message.delivery, Some(DeliveryStatus::Failed));
    let reason = message.delivery_error.expect("a reason");
    assert!(reason.contains("anna@example.it: this address does not exist.") && reason.contains("User unknown"), "{reason}");
    assert_eq!(status(&desk, ticket).await, Status::Open);
    assert_eq!(desk.count("select count(*) from identities where address = 'anna@example.it' and undeliverable is not null").await, 1);
    assert_eq!(desk.count("select count(*) from events where kind = 'bounced' and data ->> 'reopened' = 'solved'").await, 1);
    assert_eq!(desk.count("select count(*) from contacts").await, 1, "a mail system is nobody's customer");

    // Mail systems repeat themselves.
    let again = desk.receive(&notice(&id, "b2", "failed", "5.1.1", "550 5.1.1 User unknown")).await;
    assert_eq!((again.outcome, again.ticket), (Outcome::Duplicate, Some(ticket)));
    assert_eq!(desk.count("select count(*) from events where kind = 'bounced'").await, 1);

    // They write: the address works again.
    desk.receive(&mail("anna@example.it", "Re: Table", "u2@example.it", "In-Reply-To: <u1@example.it>", "And?")).await;
    assert_eq!(desk.count("select count(*) from identities where undeliverable is not null").await, 0);
    assert_eq!(desk.drain().await, Vec::<String>::new());
}

#[tokio::test]
async fn what_is_sent_once_more_may_come_back_once_more() {
    let desk = MailDesk::new().await;
    let (ticket, message, id) = answered(&desk).await;
    desk.receive(&notice(&id, "r1", "failed", "5.2.2", "552 mailbox full")).await;
    assert_eq!(desk.message(message).await.delivery, Some(DeliveryStatus::Failed));
    set(&desk, "update messages set delivery = 'sent' where direction = 'outbound'").await;
    set(&desk, "update tickets set status = 'pending'").await;
    desk.receive(&notice(&id, "r2", "failed", "5.2.2", "552 mailbox full")).await;
    assert_eq!(desk.message(message).await.delivery, Some(DeliveryStatus::Failed), "it did not arrive this time either");
    assert_eq!(status(&desk, ticket).await, Status::Open);
}

#[tokio::test]
async fn what_may_pass_marks_no_address() {
    let desk = MailDesk::new().await;
    let (_, message, id) = answered(&desk).await;
    desk.receive(&notice(&id, "t1", "failed", "4.4.3", "Host or domain name not found, try again")).await;
    assert_eq!(desk.message(message).await.delivery, Some(DeliveryStatus::Failed));
    assert_eq!(desk.count("select count(*) from identities where undeliverable is not null").await, 0);
}

#[tokio::test]
async fn a_full_mailbox_marks_no_address() {
    let desk = MailDesk::new().await;
    let (ticket, reply, id) = answered(&desk).await;
    set(&desk, "update tickets set status = 'snoozed', snoozed_until = now() + interval '9 days'").await;
    desk.receive(&notice(&id, "b1", "failed", "5.2.2", "552 5.2.2 mailbox full")).await;
    assert_eq!(desk.message(reply).await.delivery, Some(DeliveryStatus::Failed));
    assert_eq!(status(&desk, ticket).await, Status::Open);
    assert_eq!(desk.count("select count(*) from identities where undeliverable is not null").await, 0);
}

#[tokio::test]
async fn a_bounce_about_somebody_else_marks_nobody() {
    let desk = MailDesk::new().await;
    let (_, _, id) = answered(&desk).await;
    let victim = desk.receive(&mail("Vittoria <vittoria@example.it>", "x", "v1@example.it", "", "Hello")).await.ticket;
    assert!(victim.is_some());
    let forged =
        String::from_utf8(notice(&id, "b1", "failed", "5.1.1", "550 no")).expect("text").replace("rfc822; anna@", "rfc822; vittoria@");
    desk.receive(forged.as_bytes()).await;
    assert_eq!(desk.count("select count(*) from identities where address = 'vittoria@example.it' and undeliverable is not null").await, 0);
}

#[tokio::test]
async fn a_delay_changes_nothing_and_is_told() {
    let desk = MailDesk::new().await;
    let (ticket, reply, id) = answered(&desk).await;
    set(&desk, "update tickets set status = 'solved', solved_at = now()").await;
    let before = desk.count("select extract(epoch from last_message_at)::bigint from tickets").await;
    let delayed = desk.receive(&notice(&id, "b1", "delayed", "4.4.1", "connection timed out")).await;
    assert_eq!((delayed.outcome, delayed.ticket), (Outcome::Appended, Some(ticket)));
    assert_eq!(desk.message(reply).await.delivery, Some(DeliveryStatus::Sent));
    assert_eq!(status(&desk, ticket).await, Status::Solved);
    assert_eq!(desk.count("select count(*) from events where kind = 'delivery_delayed'").await, 1);
    assert_eq!(desk.count("select count(*) from tickets where last_direction = 'inbound'").await, 0);
    assert_eq!(desk.count("select extract(epoch from last_message_at)::bigint from tickets").await, before);
    // It fails after all: that is another thing.
    let failed = desk.receive(&notice(&id, "b2", "failed", "4.4.7", "gave up")).await;
    assert_eq!(failed.outcome, Outcome::Appended);
    assert_eq!(status(&desk, ticket).await, Status::Open);
}

#[tokio::test]
async fn a_bounce_without_a_machines_part_is_understood_too() {
    let desk = MailDesk::new().await;
    let (ticket, reply, id) = answered(&desk).await;
    let exim = format!(
        "From: Mailer-Daemon@mx.example\r\nTo: help@bottega.example\r\nSubject: Mail delivery failed\r\nX-Failed-Recipients: anna@example.it\r\nMessage-ID: <e1@mx.example>\r\n\r\n\
         A message that you sent could not be delivered to one or more of its recipients.\r\n\r\n  anna@example.it\r\n    550 5.1.1 No such user\r\n\r\n------ This is a copy of the message ------\r\n\r\nMessage-ID: <{id}>\r\n"
    );
    let bounced = desk.try_receive(exim.as_bytes(), Some(""), &["help@bottega.example"]).await.expect("processed");
    assert_eq!((bounced.outcome, bounced.ticket), (Outcome::Appended, Some(ticket)));
    assert_eq!(desk.message(reply).await.delivery, Some(DeliveryStatus::Failed));
}

#[tokio::test]
async fn a_notice_that_names_nothing_comes_home_by_its_address() {
    let desk = MailDesk::new().await;
    let (ticket, reply, _) = answered(&desk).await;
    let tag = sportello::desk::tickets::bounce_tag(&desk.app.keys, reply);
    let lost = String::from_utf8(notice("lost@elsewhere.example", "b1", "failed", "5.1.1", "550 no such user")).expect("text");
    let home = format!("help+{tag}@bottega.example");
    let bounced = desk.try_receive(lost.as_bytes(), Some(""), &[&home]).await.expect("processed");
    assert_eq!((bounced.outcome, bounced.ticket), (Outcome::Appended, Some(ticket)));
    assert_eq!(desk.message(reply).await.delivery, Some(DeliveryStatus::Failed));
}

#[tokio::test]
async fn a_receipt_that_bounces_is_work_for_nobody() {
    let desk = MailDesk::new().await;
    let ticket = desk.receive(&mail("anna@example.it", "Table", "u1@example.it", "", "Hello")).await.ticket.expect("a ticket");
    desk.drain().await;
    set(&desk, "update tickets set status = 'solved', solved_at = now()").await;
    let receipt = desk.thread(ticket).await.into_iter().find(|message| message.automatic).expect("a receipt");
    desk.receive(&notice(&receipt.provider_id.expect("an id"), "b1", "failed", "5.1.1", "550 5.1.1 User unknown")).await;
    assert_eq!(status(&desk, ticket).await, Status::Solved);
    assert_eq!(desk.count("select count(*) from identities where undeliverable is not null").await, 1);
}

#[tokio::test]
async fn receipts_and_complaints_are_quiet() {
    let desk = MailDesk::new().await;
    let (ticket, _, id) = answered(&desk).await;
    set(&desk, "update tickets set status = 'solved', solved_at = now()").await;
    let report = |own: &str, kind: &str, part: &str| {
        format!(
            "From: anna@example.it\r\nTo: help@bottega.example\r\nSubject: Read\r\nMessage-ID: <{own}@example.it>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type={kind}; boundary=b\r\n\r\n\
             --b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b\r\nContent-Type: message/{kind}\r\n\r\n{part}\r\n\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{id}>\r\n\r\n--b--\r\n"
        )
    };
    let read = report(
        "r1",
        "disposition-notification",
        &format!("Original-Message-ID: <{id}>\r\nDisposition: manual-action/MDN-sent-manually; displayed"),
    );
    let abuse = report("r2", "feedback-report", "Feedback-Type: abuse\r\nOriginal-Rcpt-To: anna@example.it");
    for raw in [read, abuse] {
        assert_eq!(desk.receive(raw.as_bytes()).await.ticket, Some(ticket));
    }
    assert_eq!(status(&desk, ticket).await, Status::Solved);
    for kind in ["select count(*) from events where kind = 'receipt_came'", "select count(*) from events where kind = 'spam_reported'"] {
        assert_eq!(desk.count(kind).await, 1, "{kind}");
    }
}

#[tokio::test]
async fn somebody_who_is_away_wakes_nobody_and_waits_for_nothing() {
    let desk = MailDesk::new().await;
    let (ticket, _, id) = answered(&desk).await;
    for state in ["update tickets set status = 'solved'", "update tickets set status = 'snoozed', snoozed_until = now() + interval '1 day'"]
    {
        set(&desk, state).await;
        let before = status(&desk, ticket).await;
        let extra = format!("In-Reply-To: <{id}>\r\nAuto-Submitted: auto-replied");
        let own = format!("a{}@example.it", state.len());
        let away = desk.receive(&mail("anna@example.it", "Automatic reply: Table", &own, &extra, "I am out of the office.")).await;
        assert_eq!((away.outcome, away.ticket, away.acknowledged), (Outcome::Appended, Some(ticket), false));
        assert_eq!(status(&desk, ticket).await, before);
    }
    assert_eq!(desk.count("select count(*) from tickets where waiting_since is not null").await, 0);
    assert_eq!(desk.count("select count(*) from tickets where last_direction = 'inbound'").await, 0);
    assert_eq!(desk.count("select count(*) from messages where envelope #>> '{report,kind}' = 'away'").await, 2);
}

#[tokio::test]
async fn a_forged_mail_is_not_added_to_somebody_who_signed_in() {
    let desk = MailDesk::new().await;
    desk.receive(&mail("Anna <anna@example.it>", "Mine", "s1@example.it", "", "Hello")).await;
    set(&desk, "insert into identities (contact_id, kind, address) select contact_id, 'external', 'shop:4711' from identities where address = 'anna@example.it'").await;
    let forged = mail(
        "Anna <anna@example.it>",
        "My bank account",
        "s2@evil.example",
        "Authentication-Results: mx.bottega.example; spf=fail smtp.mailfrom=evil.example; dmarc=fail header.from=example.it",
        "Please send my refund to another account.",
    );
    assert!(!desk.receive(&forged).await.acknowledged, "they did not write");
    assert_eq!(desk.count("select count(distinct contact_id) from tickets").await, 2);
    assert_eq!(desk.count("select count(*) from messages where envelope #>> '{checks,dmarc}' = 'fail'").await, 1);
    // Whoever judged is not trusted here: nothing is known, and it is theirs as ever.
    let judged = mail("Anna <anna@example.it>", "x", "s3@example.it", "Authentication-Results: mx.evil.example; dmarc=fail", "Hello");
    desk.receive(&judged).await;
    assert_eq!(desk.count("select count(distinct contact_id) from tickets").await, 2);
}
