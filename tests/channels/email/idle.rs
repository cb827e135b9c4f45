//! Waiting for new mail, with a real Dovecot on the other side and lines that break.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use sportello::channels;
use sportello::channels::email::idle;
use sportello::ids::ChannelId;
use sportello::jobs::Outcome;
use sportello::worker;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::mail;
use crate::support::mail_desk::MailDesk;
use crate::support::mail_lines::Line;
use crate::support::mail_servers::{Dovecot, PASSWORD};

async fn mailbox(desk: &MailDesk, port: u16) -> ChannelId {
    let imap = json!({"host": "127.0.0.1", "port": port, "security": "plain", "user": "shop", "first_days": 1});
    let settings = json!({"imap": imap, "acknowledge": false});
    desk.mailbox_with_secrets("Shop", "shop@bottega.example", settings, Some(json!({"imap_password": PASSWORD}))).await
}

struct Working {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Working {
    fn on(desk: &MailDesk) -> Self {
        let stop = CancellationToken::new();
        Self { task: tokio::spawn(worker::run(desk.app.clone(), stop.clone())), stop }
    }

    async fn end(self) {
        self.stop.cancel();
        tokio::time::timeout(Duration::from_secs(10), self.task).await.expect("it stops").expect("no panic");
    }
}

/// Waits for a count, and says how long that took.
async fn until(desk: &MailDesk, sql: &'static str, wanted: i64, patience: u64) -> Duration {
    let began = Instant::now();
    while desk.count(sql).await != wanted {
        assert!(began.elapsed() < Duration::from_secs(patience), "{sql} is {} and not {wanted}", desk.count(sql).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    began.elapsed()
}

const IDLES: &str = "select count(*) from mailbox_watches where idles and until > now()";
const MESSAGES: &str = "select count(*) from messages where direction = 'inbound'";
const FETCHED: &str = "select count(*) from channels where name = 'Shop' and last_ok_at is not null";

#[tokio::test]
async fn new_mail_is_here_within_a_second_also_after_the_server_was_restarted() {
    let mut server = Dovecot::start().await;
    server.deliver("shop", &mail("anna@example.it", "First", "i0@example.it", "", "Hello"));
    let desk = MailDesk::new().await;
    mailbox(&desk, server.port).await;
    let working = Working::on(&desk);
    until(&desk, IDLES, 1, 20).await;
    until(&desk, MESSAGES, 1, 20).await;
    // The next visit would come in five minutes.
    until(&desk, "select count(*) from jobs where kind = 'poll_mailbox' and attempts = 0 and run_at > now() + interval '1 minute'", 1, 20)
        .await;
    for n in 2..=4 {
        server.deliver("shop", &mail("anna@example.it", "More", &format!("i{n}@example.it"), "", "Hello"));
        let took = until(&desk, MESSAGES, n, 10).await;
        assert!(took < Duration::from_secs(3), "{took:?}");
    }
    server.restart().await;
    until(&desk, IDLES, 0, 20).await;
    server.deliver("shop", &mail("anna@example.it", "While nobody listened", "i9@example.it", "", "Hello"));
    until(&desk, IDLES, 1, 30).await;
    until(&desk, MESSAGES, 5, 30).await;
    assert_eq!(desk.count("select count(*) from channels where failing_since is not null").await, 0);
    working.end().await;
    assert_eq!(desk.count("select count(*) from mailbox_watches").await, 0, "whoever leaves gives the mailbox back");
}

#[tokio::test]
async fn of_two_processes_one_listens_and_the_other_takes_over_when_it_dies() {
    let server = Dovecot::start().await;
    server.deliver("shop", &mail("anna@example.it", "First", "j0@example.it", "", "Hello"));
    let line = Line::to(server.port, |_| {}).await;
    let desk = MailDesk::new().await;
    mailbox(&desk, line.port).await;
    let stop = CancellationToken::new();
    let app = desk.app.clone();
    let first = tokio::spawn({
        let stop = stop.clone();
        async move { idle::run(&app, &stop).await }
    });
    until(&desk, IDLES, 1, 20).await;
    let second = Working::on(&desk);
    until(&desk, MESSAGES, 1, 20).await;
    let holder =
        || async { sqlx::query_scalar::<_, String>("select holder from mailbox_watches").fetch_one(&desk.app.db).await.expect("one") };
    let before = holder().await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(holder().await, before, "one at a time");
    // As `kill -9` would: it gives nothing back.
    first.abort();
    let _ = first.await;
    sqlx::query("update mailbox_watches set until = now()").execute(&desk.app.db).await.expect("sql");
    let began = Instant::now();
    while holder().await == before {
        assert!(began.elapsed() < Duration::from_secs(20), "the other takes over");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    until(&desk, IDLES, 1, 20).await;
    server.deliver("shop", &mail("anna@example.it", "Next", "j1@example.it", "", "Hello"));
    until(&desk, MESSAGES, 2, 10).await;
    second.end().await;
}

#[tokio::test]
async fn a_server_that_cannot_tell_is_asked_again_and_again() {
    let server = Dovecot::start_without_idle().await;
    server.deliver("shop", &mail("anna@example.it", "First", "k0@example.it", "", "Hello"));
    let line = Line::to(server.port, |_| {}).await;
    let desk = MailDesk::new().await;
    let channel = mailbox(&desk, line.port).await;
    // Nobody listens here.
    assert!(matches!(channels::poll(&desk.app, channel).await, Outcome::Again(15)));
    assert_eq!(desk.count(FETCHED).await, 1);
    // And whoever wants to listen learns that it is in vain.
    let before = line.connections.load(Ordering::SeqCst);
    let working = Working::on(&desk);
    until(&desk, "select count(*) from mailbox_watches where not idles", 1, 20).await;
    until(
        &desk,
        "select count(*) from jobs where kind = 'poll_mailbox' and attempts = 0 and run_at < now() + interval '16 seconds'",
        1,
        20,
    )
    .await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(line.connections.load(Ordering::SeqCst) - before <= 2, "a visit, and a look whether it tells");
    server.deliver("shop", &mail("anna@example.it", "Second", "k1@example.it", "", "Hello"));
    let took = until(&desk, MESSAGES, 2, 30).await;
    assert!(took > Duration::from_secs(2), "nobody told: {took:?}");
    assert_eq!(desk.count(IDLES).await, 0);
    working.end().await;
}

#[tokio::test]
async fn a_wrong_password_is_not_shown_every_few_seconds() {
    let server = Dovecot::start().await;
    let line = Line::to(server.port, |_| {}).await;
    let desk = MailDesk::new().await;
    let imap = json!({"host": "127.0.0.1", "port": line.port, "security": "plain", "user": "shop"});
    let secrets = Some(json!({"imap_password": "wrong"}));
    desk.mailbox_with_secrets("Shop", "shop@bottega.example", json!({"imap": imap}), secrets).await;
    let working = Working::on(&desk);
    until(&desk, "select count(*) from channels where name = 'Shop' and last_error is not null", 1, 20).await;
    // Long enough for the first two pauses after a line that broke.
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert_eq!(line.connections.load(Ordering::SeqCst), 2, "one to fetch and one to listen");
    working.end().await;
}

#[tokio::test]
async fn a_line_that_breaks_in_the_middle_of_a_mail_costs_nothing() {
    let server = Dovecot::start().await;
    for n in 0..6 {
        server
            .deliver("shop", &mail("anna@example.it", "Long", &format!("l{n}@example.it"), "", &"A long line of words.\r\n".repeat(2000)));
    }
    let line = Line::to(server.port, |_| {}).await;
    let desk = MailDesk::new().await;
    let channel = mailbox(&desk, line.port).await;
    // After the greeting and some of the mails: in the middle of a literal.
    line.left.store(120_000, Ordering::SeqCst);
    let mut visits = 0;
    while desk.count(MESSAGES).await < 6 {
        visits += 1;
        assert!(visits < 5, "{:?}", desk.channel("Shop").await.last_error);
        let _ = channels::poll(&desk.app, channel).await;
    }
    assert_eq!(line.left.load(Ordering::SeqCst), -1, "it was cut");
    assert_eq!(desk.count("select count(*) from messages where length(body) > 40000").await, 6, "none is half");
    assert_eq!(desk.count("select count(*) from deliveries where state <> 'processed'").await, 0);
}

#[tokio::test]
async fn what_is_removed_between_two_commands_stops_nobody() {
    let server = Arc::new(Dovecot::start().await);
    for n in 0..5 {
        server.deliver("shop", &mail("anna@example.it", &format!("Mail {n}"), &format!("m{n}@example.it"), "", "Hello"));
    }
    let done = AtomicBool::new(false);
    let other = server.clone();
    // Somebody tidies up between the list of mails and their texts.
    let line = Line::to(server.port, move |said| {
        if said.contains("BODY.PEEK[]") && !done.swap(true, Ordering::SeqCst) {
            other.remove("shop", "m2@example.it");
        }
    })
    .await;
    let desk = MailDesk::new().await;
    let channel = mailbox(&desk, line.port).await;
    for _ in 0..3 {
        let _ = channels::poll(&desk.app, channel).await;
    }
    for n in [0, 1, 3, 4] {
        let count: i64 = sqlx::query_scalar("select count(*) from messages where provider_id = $1")
            .bind(format!("m{n}@example.it"))
            .fetch_one(&desk.app.db)
            .await
            .expect("sql");
        assert_eq!(count, 1, "m{n}: {:?}", desk.channel("Shop").await.last_error);
    }
    server.deliver("shop", &mail("anna@example.it", "Later", "m9@example.it", "", "Hello"));
    let _ = channels::poll(&desk.app, channel).await;
    assert_eq!(desk.count("select count(*) from messages where provider_id = 'm9@example.it'").await, 1);
    assert_eq!(desk.channel("Shop").await.last_error, None);
}

#[tokio::test]
async fn a_mailbox_that_stays_out_of_order_is_told_by_another_way_and_again_when_it_works() {
    let desk = crate::support::served::ServedDesk::new().await;
    let admin = desk.agent("Ada", sportello::desk::kinds::Role::Admin).await;
    let port = crate::support::mail_servers::free_port().await;
    let channel = mailbox(&desk, port).await;
    for _ in 0..2 {
        let _ = channels::poll(&desk.app, channel).await;
    }
    assert_eq!(desk.count("select count(*) from channels where failing_since is not null").await, 0, "not at the first hiccup");
    let _ = channels::poll(&desk.app, channel).await;
    assert_eq!(desk.count("select count(*) from channels where failing_since is not null").await, 1);
    desk.drain().await;
    let told = desk.sent();
    assert!(told.iter().any(|sent| sent.to == ["ada@bottega.example"] && String::from_utf8_lossy(&sent.raw).contains("no mail comes in")));
    desk.app.cache.invalidate_all();
    let banners = admin.get("/settings/channels").await.is(200).texts(".banner");
    assert!(banners.iter().any(|words| words.contains("No mail comes in through “Shop”")), "{banners:?}");
    let _ = channels::poll(&desk.app, channel).await;
    desk.drain().await;
    assert_eq!(desk.sent().len(), told.len(), "said once");
    let server = Dovecot::start().await;
    server.deliver("shop", &mail("anna@example.it", "First", "n0@example.it", "", "Hello"));
    sqlx::query("update channels set settings = jsonb_set(settings, '{imap,port}', to_jsonb($1::int)) where id = $2")
        .bind(i32::from(server.port))
        .bind(channel.0)
        .execute(&desk.app.db)
        .await
        .expect("sql");
    let _ = channels::poll(&desk.app, channel).await;
    desk.app.cache.invalidate_all();
    assert_eq!(desk.count("select count(*) from channels where failing_since is not null or failures > 0").await, 0);
    assert!(!admin.get("/settings/channels").await.is(200).body.contains("No mail comes in through"));
}
