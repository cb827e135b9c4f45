//! The IMAP visitor, with a real Dovecot.

use serde_json::json;
use sportello::channels;
use sportello::ids::ChannelId;
use sportello::jobs::Outcome;
use sportello::worker;

use super::mail;
use crate::support::mail_desk::MailDesk;
use crate::support::mail_servers::{Dovecot, PASSWORD, free_port};

async fn mailbox(desk: &MailDesk, port: u16, extra: serde_json::Value) -> ChannelId {
    let mut imap = json!({"host": "127.0.0.1", "port": port, "security": "plain", "user": "shop"});
    imap.as_object_mut().expect("an object").extend(extra.as_object().expect("an object").clone());
    desk.mailbox_with_secrets("Shop", "shop@bottega.example", json!({"imap": imap}), Some(json!({"imap_password": PASSWORD}))).await
}

async fn poll(desk: &MailDesk, channel: ChannelId) {
    let outcome = channels::poll(&desk.app, channel).await;
    let error = desk.channel("Shop").await.last_error;
    assert!(matches!(outcome, Outcome::Again(15)), "{outcome:?}: {error:?}");
    assert_eq!(error, None);
}

async fn messages(desk: &MailDesk) -> i64 {
    desk.count("select count(*) from messages where direction = 'inbound'").await
}

#[tokio::test]
async fn only_what_comes_after_the_first_visit_is_fetched_each_once_and_in_order() {
    let server = Dovecot::start().await;
    let desk = MailDesk::new().await;
    let channel = mailbox(&desk, server.port, json!({})).await;
    server.deliver("shop", &mail("anna@example.it", "Old", "a0@example.it", "", "Before your time"));
    poll(&desk, channel).await;
    assert_eq!(messages(&desk).await, 0);
    poll(&desk, channel).await;
    assert_eq!(messages(&desk).await, 0);
    for n in 1..=45 {
        let answers = if n > 1 { format!("In-Reply-To: <a{}@example.it>", n - 1) } else { String::new() };
        server.deliver("shop", &mail("anna@example.it", "New", &format!("a{n}@example.it"), &answers, "Hello"));
    }
    poll(&desk, channel).await;
    assert_eq!(messages(&desk).await, 45);
    assert_eq!(desk.count("select count(*) from tickets").await, 1, "answers come after what they answer");
    assert_eq!(server.seen("shop"), 0, "the mailbox is only read");
    poll(&desk, channel).await;
    assert_eq!(messages(&desk).await, 45);
    assert_eq!(desk.count("select (cursor->>'last_uid')::bigint from channels where name = 'Shop'").await, 46);
}

#[tokio::test]
async fn a_mailbox_numbered_anew_is_looked_through_and_nothing_comes_twice() {
    let server = Dovecot::start().await;
    let desk = MailDesk::new().await;
    let channel = mailbox(&desk, server.port, json!({"first_days": 3, "after_fetch": "seen"})).await;
    for n in 0..3 {
        server.deliver("shop", &mail("anna@example.it", "Recent", &format!("b{n}@example.it"), "", "Hello"));
    }
    poll(&desk, channel).await;
    assert_eq!(messages(&desk).await, 3, "the first visit goes back as told");
    assert_eq!(server.seen("shop"), 3);
    server.renumber("shop");
    server.deliver("shop", &mail("anna@example.it", "Newest", "b9@example.it", "", "Hello"));
    poll(&desk, channel).await;
    assert_eq!(messages(&desk).await, 4);
    assert_eq!(desk.count("select count(*) from deliveries where state = 'dropped'").await, 3);
}

#[tokio::test]
async fn what_is_too_large_leaves_a_note_and_what_is_odd_stops_nobody() {
    let server = Dovecot::start().await;
    let desk = MailDesk::new().await;
    let channel = mailbox(&desk, server.port, json!({"first_days": 1})).await;
    server.deliver("shop", b"");
    server.deliver("shop", b"\xff\xfe\x00nothing like a mail");
    server.deliver("shop", &mail("anna@example.it", "Photos", "c1@example.it", "Content-Type: text/plain", &"x".repeat(3 << 20)));
    server.deliver("shop", &mail("anna@example.it", "Small", "c2@example.it", "", "Hello"));
    poll(&desk, channel).await;
    assert!(messages(&desk).await >= 3);
    assert_eq!(
        desk.count("select count(*) from messages where provider_id = 'c1@example.it' and body like '%4 MB%left in the mailbox%'").await,
        1
    );
    assert_eq!(desk.count("select count(*) from messages where provider_id = 'c2@example.it'").await, 1);
    assert_eq!(desk.drain().await, Vec::<String>::new());
}

#[tokio::test]
async fn what_is_wrong_stands_on_the_channel_until_it_is_right() {
    let server = Dovecot::start().await;
    let desk = MailDesk::new().await;
    let channel = mailbox(&desk, server.port, json!({})).await;
    let sealed = sportello::desk::channels::seal(&desk.app.keys, &json!({"imap_password": "wrong"})).expect("plain data");
    let right: Vec<u8> =
        sqlx::query_scalar("select secrets from channels where id = $1").bind(channel.0).fetch_one(&desk.app.db).await.expect("sql");
    sqlx::query("update channels set secrets = $1 where id = $2").bind(sealed).bind(channel.0).execute(&desk.app.db).await.expect("sql");
    let outcome = channels::poll(&desk.app, channel).await;
    assert!(matches!(outcome, Outcome::Again(300)), "a wrong password is not tried until the account is locked: {outcome:?}");
    let error = desk.channel("Shop").await.last_error.expect("an error");
    assert!(error.contains("does not let shop in"), "{error}");
    sqlx::query("update channels set secrets = $1 where id = $2").bind(right).bind(channel.0).execute(&desk.app.db).await.expect("sql");
    poll(&desk, channel).await;

    let other = free_port().await;
    sqlx::query("update channels set settings = jsonb_set(settings, '{imap,port}', to_jsonb($1::int)) where id = $2")
        .bind(i32::from(other))
        .bind(channel.0)
        .execute(&desk.app.db)
        .await
        .expect("sql");
    assert!(matches!(channels::poll(&desk.app, channel).await, Outcome::Again(_)));
    let error = desk.channel("Shop").await.last_error.expect("an error");
    assert!(error.contains("cannot reach 127.0.0.1"), "{error}");
    sqlx::query("update channels set settings = jsonb_set(jsonb_set(settings, '{imap,port}', to_jsonb($1::int)), '{imap,folder}', '\"Nowhere\"') where id = $2")
        .bind(i32::from(server.port))
        .bind(channel.0)
        .execute(&desk.app.db)
        .await
        .expect("sql");
    channels::poll(&desk.app, channel).await;
    let error = desk.channel("Shop").await.last_error.expect("an error");
    assert!(error.contains("“Nowhere”"), "{error}");
}

#[tokio::test]
async fn a_worker_visits_by_itself_and_again_when_settings_change() {
    let server = Dovecot::start().await;
    let desk = MailDesk::new().await;
    let stop = tokio_util::sync::CancellationToken::new();
    let working = tokio::spawn(worker::run(desk.app.clone(), stop.clone()));
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    server.deliver("shop", &mail("anna@example.it", "Hello", "d1@example.it", "", "Hello"));
    let channel = mailbox(&desk, server.port, json!({"first_days": 1})).await;
    let began = std::time::Instant::now();
    while messages(&desk).await == 0 {
        assert!(began.elapsed() < std::time::Duration::from_secs(10), "nobody came: {:?}", desk.channel("Shop").await);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    stop.cancel();
    working.await.expect("no panic");
    assert_eq!(desk.count("select count(*) from jobs where kind = 'poll_mailbox'").await, 1);
    // Switched off, the job ends with its next visit.
    sqlx::query("update channels set enabled = false where id = $1").bind(channel.0).execute(&desk.app.db).await.expect("sql");
    assert!(matches!(channels::poll(&desk.app, channel).await, Outcome::Done));
}
