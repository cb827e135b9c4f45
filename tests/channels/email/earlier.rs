//! Earlier mail, brought in from a real Dovecot.

use std::time::{Duration, Instant};

use serde_json::json;
use sportello::channels;
use sportello::clock::Ts;
use sportello::desk::kinds::Role;
use sportello::worker;

use super::mail;
use crate::support::mail_servers::{Dovecot, PASSWORD};
use crate::support::served::ServedDesk;

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
    let imap = json!({"host": "127.0.0.1", "port": server.port, "security": "plain", "user": "shop"});
    let secrets = Some(json!({"imap_password": PASSWORD}));
    let id = desk.mailbox_with_secrets("Shop", "shop@bottega.example", json!({"imap": imap}), secrets).await;
    let _ = channels::poll(&desk.app, id).await;
    assert_eq!(desk.count("select count(*) from messages").await, 0);
    let path = format!("/settings/mailboxes/{id}/import");
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
    assert_eq!(desk.count("select count(*) from tickets where created_at > '2026-11-21T14:00Z'").await, 0, "each has its own day");
    let page = admin.get(&path).await.is(200);
    assert!(page.body.contains("Everything is here") && page.body.contains("30 of 30 mails"), "{}", page.body);
    let _ = channels::poll(&desk.app, id).await;
    assert_eq!(desk.count("select count(*) from tickets where status = 'open'").await, 1, "the new one");
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
async fn an_import_can_be_stopped() {
    let server = Dovecot::start().await;
    let desk = ServedDesk::new().await;
    let admin = desk.agent("Ada", Role::Admin).await;
    for n in 0..120 {
        server.deliver("shop", &mail("anna@example.it", "Old", &format!("f{n}@example.it"), "", "Hello"));
    }
    let imap = json!({"host": "127.0.0.1", "port": server.port, "security": "plain", "user": "shop"});
    let secrets = Some(json!({"imap_password": PASSWORD}));
    let id = desk.mailbox_with_secrets("Shop", "shop@bottega.example", json!({"imap": imap}), secrets).await;
    let _ = channels::poll(&desk.app, id).await;
    let path = format!("/settings/mailboxes/{id}/import");
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
