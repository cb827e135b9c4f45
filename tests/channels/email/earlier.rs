//! Earlier mail, brought in from a real Dovecot.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use serde_json::json;
use sportello::channels;
use sportello::clock::Ts;
use sportello::desk::kinds::Role;
use sportello::ids::ChannelId;
use sportello::worker;

use super::{form, mail};
use crate::support::mail_lines::Line;
use crate::support::mail_servers::{Dovecot, PASSWORD};
use crate::support::served::ServedDesk;

/// A mailbox that was visited for the first time, and where its earlier mail is asked for.
async fn visited(desk: &ServedDesk, port: u16) -> (ChannelId, String) {
    let imap = json!({"host": "127.0.0.1", "port": port, "security": "plain", "user": "shop"});
    let secrets = Some(json!({"imap_password": PASSWORD}));
    let id = desk.mailbox_with_secrets("Shop", "shop@bottega.example", json!({"imap": imap}), secrets).await;
    let _ = channels::poll(&desk.app, id).await;
    (id, format!("/settings/mailboxes/{id}/import"))
}

#[tokio::test]
async fn earlier_mail_becomes_solved_and_quiet_tickets() {
    let server = Dovecot::start().await;
    let desk = ServedDesk::new().await;
    let admin = desk.agent("Ada", Role::Admin).await;
    for n in 0..30 {
        let answers = if n % 3 == 0 { String::new() } else { format!("In-Reply-To: <e{}@example.it>", n - 1) };
        server.deliver(
            "shop",
            &mail("anna@example.it", "Old", &format!("e{n}@example.it"), &answers, "This is a scandal, I want my money back!"),
        );
    }
    let (id, path) = visited(&desk, server.port).await;
    assert_eq!(desk.count("select count(*) from messages").await, 0);
    admin.post("/settings/webhooks/new", &[("name", "Warehouse"), ("url", "http://127.0.0.1:9/"), ("hears", "all")]).await.is(200);
    admin.post(&path, &[("days", "many")]).await.is(422);
    admin.post(&path, &[("days", "30")]).await.is(303);
    let page = admin.get(&path).await.is(200);
    assert!(page.body.contains("http-equiv=\"refresh\"") && page.body.contains("Bringing in earlier mail"));
    // What comes meanwhile is new, and comes by the ordinary way.
    server.deliver("shop", &mail("bo@example.it", "New", "new@example.it", "", "Hello"));
    desk.drain().await;
    assert_eq!(desk.count("select count(*) from messages where direction = 'inbound'").await, 30);
    assert_eq!(desk.count("select count(*) from tickets").await, 10);
    assert_eq!(desk.count("select count(*) from tickets where status <> 'solved' or waiting_since is not null").await, 0);
    assert_eq!(desk.count("select count(*) from messages where automatic").await, 0, "people wrote them");
    assert_eq!(desk.count("select count(*) from anger").await, 0);
    assert_eq!(desk.sent().len(), 0, "nobody is written to");
    assert_eq!(desk.count("select count(*) from webhook_deliveries").await, 0, "programs hear nothing of what is long past");
    for sql in [
        "select count(*) from tickets where created_at > '2026-11-21T14:00Z'",
        "select count(*) from tickets where last_message_at > '2026-11-21T14:00Z' or updated_at > '2026-11-21T14:00Z'",
        "select count(*) from messages where created_at > '2026-11-21T14:00Z'",
        "select count(*) from events where created_at > '2026-11-21T14:00Z'",
    ] {
        assert_eq!(desk.count(sql).await, 0, "each has its own day: {sql}");
    }
    let page = admin.get(&path).await.is(200);
    assert!(page.body.contains("Everything is here") && page.body.contains("30 of 30 mails"), "{}", page.body);
    let _ = channels::poll(&desk.app, id).await;
    assert_eq!(desk.count("select count(*) from tickets where status = 'open'").await, 1, "the new one");
    assert_eq!(desk.count("select count(*) from webhook_deliveries").await, 1, "of which programs hear");
    // Once more: nothing comes twice.
    admin.post(&path, &[("days", "30")]).await.is(303);
    desk.drain().await;
    assert_eq!(desk.count("select count(*) from messages where direction = 'inbound'").await, 31);
    assert_eq!(desk.count("select count(*) from tickets where status = 'open'").await, 1);
    // Who writes again opens their old conversation.
    server.deliver("shop", &mail("anna@example.it", "Re: Old", "again@example.it", "In-Reply-To: <e29@example.it>", "And now?"));
    let _ = channels::poll(&desk.app, id).await;
    assert_eq!(desk.count("select count(*) from tickets where status = 'open'").await, 2);
    assert_eq!(desk.count("select count(*) from tickets").await, 11);
}

#[tokio::test]
async fn what_is_added_to_a_ticket_that_goes_on_does_not_move_it() {
    let server = Dovecot::start().await;
    let desk = ServedDesk::new().await;
    let admin = desk.agent("Ada", Role::Admin).await;
    server.deliver("shop", &mail("anna@example.it", "Old", "g0@example.it", "", "Where is it?"));
    server.deliver("shop", &mail("anna@example.it", "Re: Old", "g1@example.it", "In-Reply-To: <g0@example.it>", "I forgot the number."));
    let (id, path) = visited(&desk, server.port).await;
    admin.post(&path, &[("days", "30")]).await.is(303);
    desk.drain().await;
    // As if the second one had not come in then, and Anna has written again since.
    for sql in [
        "delete from messages where provider_id = 'g1@example.it'",
        "delete from thread_keys where key = 'g1@example.it'",
        "delete from events where kind = 'received'",
    ] {
        sqlx::query(sql).execute(&desk.app.db).await.expect(sql);
    }
    server.deliver("shop", &mail("anna@example.it", "Re: Old", "g2@example.it", "In-Reply-To: <g0@example.it>", "And now?"));
    let _ = channels::poll(&desk.app, id).await;
    let stands = async || -> (String, String, String, String, Option<String>) {
        let sql = "select excerpt, status::text, last_message_at::text, updated_at::text, waiting_since::text from tickets";
        sqlx::query_as(sql).fetch_one(&desk.app.db).await.expect("one ticket")
    };
    let before = stands().await;
    assert_eq!((before.0.as_str(), before.1.as_str()), ("And now?", "open"));
    admin.post(&path, &[("days", "30")]).await.is(303);
    desk.drain().await;
    assert_eq!(desk.count("select count(*) from messages where direction = 'inbound'").await, 3);
    assert_eq!(
        desk.count("select count(*) from messages where provider_id = 'g1@example.it' and created_at < '2026-11-21T14:00Z'").await,
        1
    );
    assert_eq!(stands().await, before);
}

#[tokio::test]
async fn a_mail_that_cannot_be_fetched_stops_only_itself() {
    let server = Dovecot::start().await;
    let desk = ServedDesk::new().await;
    let admin = desk.agent("Ada", Role::Admin).await;
    for n in 0..5 {
        server.deliver("shop", &mail("anna@example.it", &format!("Old {n}"), &format!("h{n}@example.it"), "", "Hello"));
    }
    // Whoever asks for the third is hung up on in the middle of it.
    let cut: Arc<OnceLock<Arc<AtomicI64>>> = Arc::default();
    let at = cut.clone();
    let line = Line::to(server.port, move |said| {
        let asked = said.split_once("UID FETCH ").and_then(|(_, rest)| rest.split_once(" (UID BODY.PEEK[])")).map(|(set, _)| set);
        if asked.is_some_and(|set| set.split(',').any(|uid| uid == "3")) {
            at.get().expect("it is open").store(40, Ordering::SeqCst);
        }
    })
    .await;
    cut.set(line.left.clone()).expect("once");
    let (_, path) = visited(&desk, line.port).await;
    admin.post(&path, &[("days", "30")]).await.is(303);
    desk.drain().await;
    assert_eq!(desk.count("select count(*) from messages where direction = 'inbound'").await, 4);
    assert_eq!(desk.count("select done::bigint from mailbox_imports where state = 'done'").await, 5);
    let page = admin.get(&path).await.is(200);
    let words = page.text("section.card");
    assert!(words.starts_with("Everything else is here"), "{words}");
    assert!(words.contains("“Old ") && words.contains("” from anna@example.it could not be fetched and stays in the mailbox"), "{words}");
}

#[tokio::test]
async fn an_import_that_is_not_let_in_waits_for_the_password_and_goes_on_with_it() {
    let server = Dovecot::start().await;
    let desk = ServedDesk::new().await;
    let admin = desk.agent("Ada", Role::Admin).await;
    server.deliver("shop", &mail("anna@example.it", "Old", "k0@example.it", "", "Hello"));
    let (id, _) = visited(&desk, server.port).await;
    let wrong = sportello::desk::channels::seal(&desk.app.keys, &json!({"imap_password": "wrong"})).expect("plain");
    sqlx::query("update channels set secrets = $1 where id = $2").bind(wrong).bind(id.0).execute(&desk.app.db).await.expect("sql");
    admin.post(&format!("/settings/mailboxes/{id}/import"), &[("days", "30")]).await.is(303);
    desk.drain().await;
    const REST: &str = "select extract(epoch from run_at - now())::bigint from jobs where kind = 'import_mail'";
    let rest = desk.count(REST).await;
    assert!((240..=300).contains(&rest), "{rest}");
    admin.post(&format!("/settings/mailboxes/{id}"), &form(&server.port.to_string(), PASSWORD)).await.is(303);
    assert!(desk.count(REST).await <= 0);
    desk.drain().await;
    assert_eq!(desk.count("select count(*) from messages where direction = 'inbound'").await, 1);
}

#[tokio::test]
async fn an_import_can_be_stopped() {
    let server = Dovecot::start().await;
    let desk = ServedDesk::new().await;
    let admin = desk.agent("Ada", Role::Admin).await;
    for n in 0..120 {
        server.deliver("shop", &mail("anna@example.it", "Old", &format!("f{n}@example.it"), "", "Hello"));
    }
    let (_, path) = visited(&desk, server.port).await;
    admin.post(&path, &[("days", "30")]).await.is(303);
    let app = desk.app.clone();
    let working = tokio::spawn(async move { worker::drain(&app, Ts::now().plus_seconds(1)).await });
    let began = Instant::now();
    while desk.count("select count(*) from messages").await < 5 {
        assert!(began.elapsed() < Duration::from_secs(30));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    admin.post(&format!("{path}/stop"), &[]).await.is(303);
    working.await.expect("no panic");
    let here = desk.count("select count(*) from messages").await;
    assert!(here < 120, "{here}");
    assert_eq!(desk.count("select done::bigint from mailbox_imports where state = 'stopped'").await, here);
    assert!(admin.get(&path).await.is(200).body.contains("Stopped"));
}
