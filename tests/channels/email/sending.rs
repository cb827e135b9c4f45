//! What leaves: replies, acknowledgements, letters to colleagues; and what does not.

use serde_json::json;
use sportello::channels;
use sportello::clock::Ts;
use sportello::desk::changes::Change;
use sportello::desk::kinds::DeliveryStatus;
use sportello::desk::tickets;
use sportello::jobs::Job;
use sportello::worker;

use super::mail;
use crate::support::mail_desk::MailDesk;
use crate::support::mail_servers::{Mood, Sink, free_port};

fn smtp(port: u16) -> serde_json::Value {
    json!({"smtp": {"host": "127.0.0.1", "port": port, "security": "plain"}, "acknowledge": false})
}

#[tokio::test]
async fn a_reply_leaves_with_a_way_back() {
    let desk = MailDesk::new().await;
    let first = desk
        .receive(&mail("Anna Bianchi <anna@example.it>", "Ordine", "a1@example.it", "Reply-To: casa@example.it", "Dov'è il pacco?"))
        .await;
    let ticket = first.ticket.expect("a ticket");
    let agent = desk.agent("Bea").await;
    desk.reply(&agent, ticket, "È in viaggio.").await;
    assert_eq!(desk.drain().await, Vec::<String>::new());
    let sent = desk.sent();
    let reply = sent.iter().find(|sent| {
        String::from_utf8_lossy(&sent.raw).contains("<a1@example.it>") && !String::from_utf8_lossy(&sent.raw).contains("Auto-Submitted")
    });
    let reply = reply.expect("the reply has left");
    let bounces = reply.from.strip_suffix("@bottega.example").and_then(|local| tickets::parse_bounce_tag(&desk.app.keys, local));
    assert!(bounces.is_some(), "notices about it come home and name it: {}", reply.from);
    assert_eq!(reply.to, ["casa@example.it"]);
    let text = String::from_utf8_lossy(&reply.raw);
    let tag = tickets::reply_tag(&desk.app.keys, ticket);
    assert!(text.contains(&format!("help+{tag}@bottega.example")), "{text}");
    assert!(text.contains("In-Reply-To: <a1@example.it>"), "{text}");
    // The answer to it comes back home, by its reply address and by what it answers.
    let id = desk
        .thread(ticket)
        .await
        .into_iter()
        .filter(|message| !message.automatic)
        .find_map(|message| message.provider_id.filter(|id| id.contains(".m")))
        .expect("our id");
    let back = desk.receive(&mail("casa@example.it", "Re: Ordine", "a2@example.it", &format!("In-Reply-To: <{id}>"), "Grazie")).await;
    assert_eq!(back.ticket, Some(ticket));
}

#[tokio::test]
async fn an_acknowledgement_goes_out_once_and_in_the_customers_language() {
    let desk = MailDesk::new().await;
    let body = "Guten Tag, ich habe das Paket noch nicht bekommen und möchte wissen, wo es ist. Vielen Dank.";
    let first = desk.receive(&mail("Kurt <kurt@example.de>", "Paket", "b1@example.de", "", body)).await;
    let ticket = first.ticket.expect("a ticket");
    assert!(first.acknowledged);
    assert_eq!(desk.drain().await, Vec::<String>::new());
    assert_eq!(desk.sent().len(), 1);
    let text = desk.last_sent();
    assert!(text.contains("Auto-Submitted: auto-replied") && text.contains("X-Auto-Response-Suppress: All"), "{text}");
    let body = desk.thread(ticket).await.pop().expect("the acknowledgement").body;
    assert!(body.contains("Kurt") && body.contains(&tickets::link(&desk.app, ticket)) && body.contains("Nummer"), "{body}");
    assert!(!text.contains("noch nicht bekommen"), "it carries nothing of what came: {text}");

    // The same job again, as after a crash, and twice at once.
    let mut change = Change::begin(&desk.app).await.expect("a database");
    for _ in 0..2 {
        change.push(&Job::Acknowledge { ticket, message: first.message.expect("a message") }, Ts::now()).await.expect("queued");
    }
    change.commit().await.expect("a database");
    desk.drain().await;
    assert_eq!(desk.sent().len(), 1);
    // Their own vacation notice comes back: kept, not answered.
    let vacation = desk
        .receive(&mail(
            "kurt@example.de",
            "Re: Paket",
            "b2@example.de",
            "Auto-Submitted: auto-replied\r\nIn-Reply-To: <b1@example.de>",
            "Ich bin im Urlaub.",
        ))
        .await;
    assert!(vacation.automatic.is_some() && !vacation.acknowledged);
    let line = serde_json::to_value(&vacation).expect("JSON");
    assert_eq!(line["auto"], true);
    assert!(line["reason"].as_str().is_some_and(|reason| reason.contains("Auto-Submitted")));
    desk.drain().await;
    assert_eq!(desk.sent().len(), 1);
}

#[tokio::test]
async fn one_sender_gets_five_acknowledgements_an_hour() {
    let desk = MailDesk::new().await;
    for n in 0..8 {
        desk.receive(&mail("robot@example.it", &format!("Alarm {n}"), &format!("c{n}@example.it"), "", "It is hot.")).await;
    }
    // Others who want their answers sent to the same victim share its number.
    for n in 0..3 {
        desk.receive(&mail(
            &format!("other{n}@example.it"),
            "Alarm",
            &format!("d{n}@example.it"),
            "Reply-To: robot@example.it",
            "It is hot.",
        ))
        .await;
    }
    desk.receive(&mail("calm@example.it", "Hello", "e1@example.it", "", "It is cold.")).await;
    desk.drain().await;
    let sent = desk.sent();
    assert_eq!(sent.iter().filter(|sent| sent.to == ["robot@example.it"]).count(), 5);
    assert_eq!(sent.iter().filter(|sent| sent.to == ["calm@example.it"]).count(), 1);
}

#[tokio::test]
async fn a_mailbox_may_be_told_not_to_acknowledge() {
    let desk = MailDesk::new().await;
    sqlx::query("update channels set settings = '{\"acknowledge\": false}'").execute(&desk.app.db).await.expect("a database");
    let first = desk.receive(&mail("anna@example.it", "Hello", "f1@example.it", "", "Hello")).await;
    assert!(!first.acknowledged);
    desk.drain().await;
    assert!(desk.sent().is_empty());
}

#[tokio::test]
async fn a_refusal_is_shown_and_another_try_succeeds() {
    let desk = MailDesk::new().await;
    let sink = Sink::start(Mood::Refuse).await;
    sqlx::query("update channels set settings = $1").bind(smtp(sink.address.port())).execute(&desk.app.db).await.expect("a database");
    assert!(channels::delivers(&desk.app, &desk.channel("Help").await));
    let ticket = desk.receive(&mail("anna@example.it", "Hello", "g1@example.it", "", "Hello")).await.ticket.expect("a ticket");
    let agent = desk.agent("Bea").await;
    let reply = desk.reply(&agent, ticket, "Salve").await;
    let errors = desk.drain().await;
    assert_eq!(errors.len(), 1, "{errors:?}");
    let message = desk.message(reply).await;
    assert_eq!(message.delivery, Some(DeliveryStatus::Failed));
    assert!(message.delivery_error.as_deref().is_some_and(|error| error.contains("No such user here")), "{message:?}");
    assert_eq!(desk.count("select count(*) from tickets where status = 'open'").await, 1);
    assert_eq!(desk.count("select count(*) from jobs where dead_at is not null").await, 1);

    sink.set(Mood::Accept);
    let mut change = Change::begin(&desk.app).await.expect("a database");
    assert!(
        tickets::outbound::retry(&mut change, sportello::desk::changes::Actor::Agent(agent.id), ticket, reply).await.expect("a database")
    );
    change.commit().await.expect("a database");
    assert_eq!(desk.drain().await, Vec::<String>::new());
    assert_eq!(desk.message(reply).await.delivery, Some(DeliveryStatus::Sent));
    let mails = sink.mails();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].contains("From: \"Bea") || mails[0].contains("From: =?utf-8?"), "{}", mails[0]);
    assert!(sink.connections.lock().expect("nobody panicked").to_owned() <= 2, "connections are pooled");
}

#[tokio::test]
async fn not_now_is_tried_again_with_pauses_until_it_succeeds_or_a_day_has_passed() {
    let desk = MailDesk::new().await;
    let sink = Sink::start(Mood::Later).await;
    sqlx::query("update channels set settings = $1").bind(smtp(sink.address.port())).execute(&desk.app.db).await.expect("a database");
    let ticket = desk.receive(&mail("anna@example.it", "Hello", "h1@example.it", "", "Hello")).await.ticket.expect("a ticket");
    let agent = desk.agent("Bea").await;
    let reply = desk.reply(&agent, ticket, "Salve").await;
    let errors = worker::drain(&desk.app, Ts::now().plus_seconds(6)).await;
    assert_eq!(errors.len(), 1, "{errors:?}");
    let message = desk.message(reply).await;
    assert_eq!(message.delivery, Some(DeliveryStatus::Queued));
    assert!(message.delivery_error.as_deref().is_some_and(|error| error.contains("Greylisted")));
    assert!(desk.channel("Help").await.last_error.is_some_and(|error| error.contains("Greylisted")));
    let wait: i64 = desk.count("select extract(epoch from run_at - now())::bigint from jobs where kind = 'send_message'").await;
    assert!((8..=13).contains(&wait), "{wait}");

    // A day later, all attempts are used up.
    let errors = worker::drain(&desk.app, Ts::now().plus_seconds(7 * 24 * 3600)).await;
    assert_eq!(errors.len(), 13, "{errors:?}");
    assert_eq!(desk.message(reply).await.delivery, Some(DeliveryStatus::Failed));
    assert!(sink.mails().is_empty());
}

#[tokio::test]
async fn a_server_that_is_away_delays_and_a_process_that_dies_sends_again_under_the_same_id() {
    let desk = MailDesk::new().await;
    let port = free_port().await;
    sqlx::query("update channels set settings = $1").bind(smtp(port)).execute(&desk.app.db).await.expect("a database");
    let ticket = desk.receive(&mail("anna@example.it", "Hello", "i1@example.it", "", "Hello")).await.ticket.expect("a ticket");
    let agent = desk.agent("Bea").await;
    let reply = desk.reply(&agent, ticket, "Salve").await;
    worker::drain(&desk.app, Ts::now().plus_seconds(6)).await;
    assert_eq!(desk.message(reply).await.delivery, Some(DeliveryStatus::Queued));
    // As if it had died after it took the message in hand.
    sqlx::query("update messages set delivery = 'sending'; ").execute(&desk.app.db).await.expect("a database");
    sqlx::query("update channels set settings = '{\"acknowledge\": false}'").execute(&desk.app.db).await.expect("a database");
    assert_eq!(worker::drain(&desk.app, Ts::now().plus_seconds(100)).await, Vec::<String>::new());
    assert_eq!(desk.sent().len(), 1);
    assert!(desk.last_sent().contains(&desk.message(reply).await.provider_id.expect("an id")));
}

#[tokio::test]
async fn colleagues_get_their_links() {
    let desk = MailDesk::new().await;
    let agent = desk.agent("Dora").await;
    let mut change = Change::begin(&desk.app).await.expect("a database");
    change.push(&Job::SendInvitation { agent: agent.id }, Ts::now()).await.expect("queued");
    change.push(&Job::SendPasswordReset { agent: agent.id }, Ts::now()).await.expect("queued");
    change.commit().await.expect("a database");
    assert_eq!(desk.drain().await, Vec::<String>::new());
    let sent = desk.sent();
    assert_eq!(sent.len(), 2);
    for (mail, path) in sent.iter().zip(["join", "reset"]) {
        assert_eq!(mail.to, ["dora@bottega.example"]);
        let text = String::from_utf8_lossy(&mail.raw).replace("=\r\n", "").replace("=3D", "=");
        let link = format!("https://desk.bottega.example/{path}/");
        let token: String =
            text.split(&link).nth(1).unwrap_or_else(|| panic!("{text}")).chars().take_while(char::is_ascii_alphanumeric).collect();
        let mut db = desk.app.db.acquire().await.expect("a database");
        let (whose, _) = sportello::desk::agents::peek_token(&mut db, &token).await.expect("a database").expect("it works");
        assert_eq!(whose, agent.id);
    }
}
