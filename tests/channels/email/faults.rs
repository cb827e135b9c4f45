//! Servers for outgoing mail that have their moods.

use serde_json::json;
use sportello::clock::Ts;
use sportello::desk::kinds::DeliveryStatus;
use sportello::desk::tickets;
use sportello::ids::MessageId;
use sportello::worker;

use super::mail;
use crate::support::mail_desk::MailDesk;
use crate::support::mail_lines::{Faults, Moody};

async fn desk_of(server: &Moody, extra: serde_json::Value) -> MailDesk {
    let desk = MailDesk::new().await;
    let mut settings = json!({"acknowledge": false, "smtp": {"host": "127.0.0.1", "port": server.address.port(), "security": "plain"}});
    settings.as_object_mut().expect("an object").extend(extra.as_object().expect("an object").clone());
    sqlx::query("update channels set settings = $1").bind(settings).execute(&desk.app.db).await.expect("sql");
    desk
}

async fn answer(desk: &MailDesk, from: &str, words: &str) -> MessageId {
    let ticket = desk.receive(&mail(from, "Order", "x1@example.it", "", "Where is it?")).await.ticket.expect("a ticket");
    let agent = desk.agent("Bea").await;
    desk.reply(&agent, ticket, words).await
}

/// Does what is due in the next hours, pauses between attempts included.
async fn later(desk: &MailDesk) -> Vec<String> {
    worker::drain(&desk.app, Ts::now().plus_seconds(6 * 3600)).await
}

#[tokio::test]
async fn greylisting_is_waited_out() {
    let server = Moody::start(Faults { greylist: 2, ..Faults::default() }).await;
    let desk = desk_of(&server, json!({})).await;
    let message = answer(&desk, "anna@example.it", "On its way.").await;
    let errors = worker::drain(&desk.app, Ts::now().plus_seconds(6)).await;
    assert!(errors.iter().any(|error| error.contains("451")), "{errors:?}");
    let waiting = desk.message(message).await;
    assert_eq!(waiting.delivery, Some(DeliveryStatus::Queued));
    assert!(waiting.delivery_error.as_deref().is_some_and(|words| words.contains("Greylisted")), "{waiting:?}");
    later(&desk).await;
    let sent = desk.message(message).await;
    assert_eq!((sent.delivery, sent.delivery_error), (Some(DeliveryStatus::Sent), None));
    assert_eq!(server.given().len(), 1);
    assert_eq!(server.given()[0].to, ["anna@example.it"]);
}

#[tokio::test]
async fn a_line_lost_after_the_final_dot_is_said_to_be_unsure_and_sent_under_the_same_name() {
    let server = Moody::start(Faults { lost_after_dot: 1, ..Faults::default() }).await;
    let desk = desk_of(&server, json!({})).await;
    let message = answer(&desk, "anna@example.it", "On its way.").await;
    worker::drain(&desk.app, Ts::now().plus_seconds(6)).await;
    let waiting = desk.message(message).await;
    assert!(waiting.delivery_error.as_deref().is_some_and(|words| words.contains("may have arrived")), "{waiting:?}");
    later(&desk).await;
    assert_eq!(desk.message(message).await.delivery, Some(DeliveryStatus::Sent));
    let ids: Vec<String> = server
        .given()
        .iter()
        .map(|given| given.mail.lines().find(|line| line.starts_with("Message-ID:")).expect("an id").to_owned())
        .collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0], ids[1]);
}

#[tokio::test]
async fn what_is_refused_for_good_fails_with_the_servers_words() {
    let server = Moody::start(Faults { refuse_data: Some("554 5.7.1 Looks like spam to us\r\n".into()), ..Faults::default() }).await;
    let desk = desk_of(&server, json!({})).await;
    let message = answer(&desk, "anna@example.it", "On its way.").await;
    later(&desk).await;
    let failed = desk.message(message).await;
    assert_eq!(failed.delivery, Some(DeliveryStatus::Failed));
    assert!(failed.delivery_error.as_deref().is_some_and(|words| words.contains("554") && words.contains("spam to us")), "{failed:?}");
}

#[tokio::test]
async fn an_address_beyond_ascii_needs_a_server_that_knows_it() {
    let server = Moody::start(Faults { extensions: vec!["8BITMIME"], ..Faults::default() }).await;
    let desk = desk_of(&server, json!({})).await;
    let message = answer(&desk, "jörg@müller.example", "Unterwegs.").await;
    later(&desk).await;
    let failed = desk.message(message).await;
    assert_eq!(failed.delivery, Some(DeliveryStatus::Failed), "{failed:?}");
    assert!(failed.delivery_error.as_deref().is_some_and(|words| words.contains("SMTPUTF8")), "{failed:?}");

    let server = Moody::start(Faults { extensions: vec!["8BITMIME", "SMTPUTF8"], ..Faults::default() }).await;
    let desk = desk_of(&server, json!({})).await;
    let message = answer(&desk, "jörg@müller.example", "Unterwegs.").await;
    later(&desk).await;
    let sent = desk.message(message).await;
    assert_eq!(sent.delivery, Some(DeliveryStatus::Sent), "{sent:?}");
}

#[tokio::test]
async fn a_server_that_takes_plain_ascii_only_is_sent_that() {
    let server = Moody::start(Faults::default()).await;
    let desk = desk_of(&server, json!({})).await;
    let message = answer(&desk, "anna@example.it", "È in viaggio – più tardi sarà lì.").await;
    later(&desk).await;
    let sent = desk.message(message).await;
    assert_eq!(sent.delivery, Some(DeliveryStatus::Sent), "{sent:?}");
    assert!(server.given()[0].mail.is_ascii());
}

#[tokio::test]
async fn notices_come_home_by_the_envelope_unless_the_server_forbids_it() {
    let server = Moody::start(Faults::default()).await;
    let desk = desk_of(&server, json!({})).await;
    let message = answer(&desk, "anna@example.it", "On its way.").await;
    later(&desk).await;
    let from = server.given()[0].from.clone();
    let local = from.strip_suffix("@bottega.example").expect("our domain");
    assert_eq!(tickets::parse_bounce_tag(&desk.app.keys, local), Some(message));

    let server = Moody::start(Faults { no_tags: true, ..Faults::default() }).await;
    let desk = desk_of(&server, json!({})).await;
    answer(&desk, "anna@example.it", "On its way.").await;
    assert_eq!(later(&desk).await, Vec::<String>::new());
    assert_eq!(server.given()[0].from, "help@bottega.example");

    let server = Moody::start(Faults::default()).await;
    let desk = desk_of(&server, json!({"plus_addressing": false})).await;
    answer(&desk, "anna@example.it", "On its way.").await;
    later(&desk).await;
    assert_eq!(server.given()[0].from, "help@bottega.example");
}

#[tokio::test]
async fn what_is_over_the_limit_waits_and_says_so() {
    let server = Moody::start(Faults::default()).await;
    let desk = desk_of(&server, json!({"pace": {"per_hour": 2}})).await;
    let ticket = desk.receive(&mail("anna@example.it", "Order", "y1@example.it", "", "Where is it?")).await.ticket.expect("a ticket");
    let agent = desk.agent("Bea").await;
    let mut messages = Vec::new();
    for n in 0..3 {
        messages.push(desk.reply(&agent, ticket, &format!("Part {n}")).await);
    }
    assert_eq!(worker::drain(&desk.app, Ts::now().plus_seconds(6)).await, Vec::<String>::new());
    assert_eq!(server.given().len(), 2);
    let waiting = desk.message(messages[2]).await;
    assert_eq!(waiting.delivery, Some(DeliveryStatus::Queued));
    assert!(waiting.delivery_error.as_deref().is_some_and(|words| words.contains("2 messages of this hour")), "{waiting:?}");
    assert_eq!(
        desk.count("select count(*) from jobs where kind = 'send_message' and attempts = 0").await,
        1,
        "waiting is no failed attempt"
    );
    sqlx::query("update mailbox_departures set minute = minute - interval '2 hours'").execute(&desk.app.db).await.expect("sql");
    later(&desk).await;
    assert_eq!(desk.message(messages[2]).await.delivery, Some(DeliveryStatus::Sent));
}

#[tokio::test]
async fn what_does_not_leave_takes_no_place() {
    let server = Moody::start(Faults { greylist: 2, ..Faults::default() }).await;
    let desk = desk_of(&server, json!({"pace": {"per_day": 1}})).await;
    let message = answer(&desk, "anna@example.it", "On its way.").await;
    // Both attempts that fail, and the one after them.
    worker::drain(&desk.app, Ts::now().plus_seconds(120)).await;
    let sent = desk.message(message).await;
    assert_eq!(sent.delivery, Some(DeliveryStatus::Sent), "{sent:?}");
    assert_eq!(desk.count("select sum(messages)::bigint from mailbox_departures").await, 1);
    // That one counts. What waits is not even written.
    let ticket = sent.ticket_id;
    let agent = desk.agent("Cleo").await;
    let second = desk.reply(&agent, ticket, "And the rest too.").await;
    sqlx::query("update channels set address = null").execute(&desk.app.db).await.expect("sql");
    assert_eq!(worker::drain(&desk.app, Ts::now().plus_seconds(60)).await, Vec::<String>::new());
    let waiting = desk.message(second).await;
    assert_eq!(waiting.delivery, Some(DeliveryStatus::Queued), "{waiting:?}");
    assert!(waiting.delivery_error.as_deref().is_some_and(|words| words.contains("1 messages of this day")), "{waiting:?}");
}

#[tokio::test]
async fn letters_are_signed_once_that_is_switched_on() {
    let server = Moody::start(Faults::default()).await;
    let desk = crate::support::served::ServedDesk::new().await;
    let admin = desk.agent("Ada", sportello::desk::kinds::Role::Admin).await;
    let settings = json!({"acknowledge": false, "smtp": {"host": "127.0.0.1", "port": server.address.port(), "security": "plain"}});
    sqlx::query("update channels set settings = $1").bind(settings).execute(&desk.app.db).await.expect("sql");
    let id = desk.channel("Help").await.id;
    let path = format!("/settings/mailboxes/{id}/signing");
    admin.post(&path, &[("what", "ed25519")]).await.is(303);
    let page = admin.get(&format!("/settings/mailboxes/{id}")).await.is(200);
    assert!(page.attribute("#dkim-name", "value").ends_with("._domainkey.bottega.example"));
    assert!(page.text("#dkim-value").starts_with("v=DKIM1; k=ed25519; p="));
    answer(&desk, "anna@example.it", "Unsigned.").await;
    later(&desk).await;
    assert!(!server.given()[0].mail.contains("DKIM-Signature:"));
    admin.post(&path, &[("what", "on")]).await.is(303);
    let ticket = desk.receive(&mail("bo@example.it", "Order", "z2@example.it", "", "And mine?")).await.ticket.expect("a ticket");
    let agent = desk.desk.agent("Cleo").await;
    desk.reply(&agent, ticket, "Signed.").await;
    later(&desk).await;
    let letter = server.given()[1].mail.clone();
    assert!(letter.starts_with("DKIM-Signature: v=1; a=ed25519-sha256;") || letter.starts_with("DKIM-Signature: v=1;"), "{letter}");
    assert!(letter.contains("d=bottega.example"), "{letter}");
}
