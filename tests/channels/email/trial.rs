//! "Test it", with real servers and wrong ones.

use serde_json::json;
use sportello::channels::email::trial::{self, Mark, Report};
use sportello::ids::ChannelId;

use crate::support::mail_desk::MailDesk;
use crate::support::mail_lines::{Faults, Line, Moody, shut};
use crate::support::mail_servers::{Dovecot, PASSWORD, free_port};

async fn mailbox(desk: &MailDesk, imap: u16, smtp: u16, password: &str) -> ChannelId {
    let settings = json!({
        "imap": {"host": "127.0.0.1", "port": imap, "security": "plain", "user": "shop"},
        "smtp": {"host": "127.0.0.1", "port": smtp, "security": "plain"},
    });
    desk.mailbox_with_secrets("Shop", "shop@bottega.example", settings, Some(json!({"imap_password": password}))).await
}

async fn run(desk: &MailDesk) -> Report {
    trial::run(&desk.app, &desk.channel("Shop").await).await
}

#[tokio::test]
async fn a_message_to_itself_goes_round_and_leaves_no_trace() {
    let server = std::sync::Arc::new(Dovecot::start().await);
    server.deliver("shop", b"Subject: There already\r\n\r\nHello\r\n");
    let smtp = Moody::start(Faults::default()).await;
    let desk = MailDesk::new().await;
    let channel = mailbox(&desk, server.port, smtp.address.port(), PASSWORD).await;
    let _ = sportello::channels::poll(&desk.app, channel).await;
    // What leaves by one server comes in at the other.
    let (other, given) = (server.clone(), smtp.given.clone());
    let carrying = tokio::spawn(async move {
        loop {
            let mail = given.lock().expect("nobody panicked").pop();
            if let Some(given) = mail {
                other.deliver("shop", given.mail.trim_end_matches(".\r\n").as_bytes());
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    });
    let report = run(&desk).await;
    carrying.await.expect("no panic");
    let titles: Vec<&str> = report.steps.iter().map(|step| step.title.as_str()).collect();
    assert!(report.steps.iter().all(|step| step.mark == Mark::Works), "{:#?}", report.steps);
    assert_eq!(titles.last(), Some(&"A message to itself arrived"), "{titles:?}");
    assert_eq!(report.folders, ["INBOX"]);
    assert_eq!(server.count("shop"), 1, "only what was there already");
    // Even if a visit comes in between it becomes no ticket.
    let _ = sportello::channels::poll(&desk.app, channel).await;
    assert_eq!(desk.count("select count(*) from messages").await, 0);
}

#[tokio::test]
async fn a_message_to_itself_that_is_fetched_becomes_no_ticket() {
    let server = Dovecot::start().await;
    let smtp = Moody::start(Faults::default()).await;
    let desk = MailDesk::new().await;
    let channel = mailbox(&desk, server.port, smtp.address.port(), PASSWORD).await;
    server.deliver("shop", b"Subject: There already\r\n\r\nHello\r\n");
    let _ = sportello::channels::poll(&desk.app, channel).await;
    let report = run(&desk).await;
    assert_eq!(report.steps.last().map(|step| step.mark), Some(Mark::Note), "{:?}", report.steps.last());
    let given = smtp.given().remove(0);
    assert!(given.mail.contains("\r\nX-Auto-Response-Suppress: All\r\n"), "{}", given.mail);
    server.deliver("shop", given.mail.trim_end_matches(".\r\n").as_bytes());
    let _ = sportello::channels::poll(&desk.app, channel).await;
    assert_eq!(desk.count("select count(*) from messages").await, 0);
    assert_eq!(desk.count("select count(*) from deliveries where state = 'dropped' and reason like '%tried%'").await, 1);
}

#[tokio::test]
async fn each_thing_that_can_be_wrong_has_its_own_words() {
    let server = Dovecot::start().await;
    let smtp = Moody::start(Faults::default()).await;
    let desk = MailDesk::new().await;
    mailbox(&desk, server.port, smtp.address.port(), "wrong").await;
    let set = async |path: &str, value: serde_json::Value| {
        sqlx::query("update channels set settings = jsonb_set(settings, $1::text[], $2) where name = 'Shop'")
            .bind(path)
            .bind(value)
            .execute(&desk.app.db)
            .await
            .expect("sql");
    };
    let failed = async || {
        let report = run(&desk).await;
        let step = report.failure().expect("something is wrong").clone();
        format!("{}. {}", step.title, step.detail)
    };
    let words = failed().await;
    assert!(words.contains("refused the password") && words.contains("Authentication failed"), "{words}");
    let sealed = sportello::desk::channels::seal(&desk.app.keys, &json!({"imap_password": PASSWORD})).expect("plain");
    sqlx::query("update channels set secrets = $1 where name = 'Shop'").bind(sealed).execute(&desk.app.db).await.expect("sql");
    set("{imap,folder}", json!("Archiv")).await;
    let words = failed().await;
    assert!(words.contains("no such folder") && words.contains("Archiv"), "{words}");
    set("{imap,folder}", json!("INBOX")).await;
    set("{imap,security}", json!("tls")).await;
    let words = failed().await;
    assert!(words.contains("encrypt"), "{words}");
    set("{imap,security}", json!("plain")).await;
    set("{imap,port}", json!(free_port().await)).await;
    let words = failed().await;
    assert!(words.contains("nobody answers at that port"), "{words}");
    set("{imap,port}", json!(server.port)).await;
    set("{imap,host}", json!("imap.nowhere.invalid")).await;
    let words = failed().await;
    assert!(words.contains("no such server") || words.contains("look-up takes too long"), "{words}");
    set("{imap,host}", json!("127.0.0.1")).await;
    // Somebody who says nothing at all.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    set("{imap,port}", json!(silent.local_addr().expect("a port").port())).await;
    let words = failed().await;
    assert!(words.contains("no answer in time"), "{words}");
    set("{imap,port}", json!(server.port)).await;
    *smtp.faults.lock().expect("nobody panicked") =
        Faults { refuse_data: Some("550 5.7.60 not allowed to send as this sender\r\n".into()), ..Faults::default() };
    let words = failed().await;
    assert!(words.contains("refuses mail from shop@bottega.example"), "{words}");
    let line = Line::to(server.port, |_| {}).await;
    line.left.store(10, std::sync::atomic::Ordering::SeqCst);
    set("{imap,port}", json!(line.port)).await;
    let words = failed().await;
    assert!(words.contains("broke off"), "{words}");
    // A server that asks nobody who they are has refused no password.
    set("{imap,port}", json!(server.port)).await;
    *smtp.faults.lock().expect("nobody panicked") = Faults::default();
    set("{smtp,user}", json!("shop")).await;
    let words = failed().await;
    assert!(words.contains("offers no sign-in") && !words.contains("refused the password"), "{words}");
    set("{smtp,user}", json!("")).await;
    set("{imap,port}", json!(shut("[UNAVAILABLE] Temporary authentication failure.").await)).await;
    let words = failed().await;
    assert!(words.contains("lets nobody in just now") && words.contains("Temporary authentication failure"), "{words}");
}

#[tokio::test]
async fn slow_servers_do_not_hold_the_page_up() {
    let server = Dovecot::start().await;
    let smtp = Moody::start(Faults::default()).await;
    let line = Line::to(server.port, |_| {}).await;
    line.thinks.store(3000, std::sync::atomic::Ordering::SeqCst);
    let desk = MailDesk::new().await;
    mailbox(&desk, line.port, smtp.address.port(), PASSWORD).await;
    let began = std::time::Instant::now();
    let report = run(&desk).await;
    let took = began.elapsed();
    assert!(took < std::time::Duration::from_millis(26_500), "{took:?}");
    assert!(report.failure().is_none(), "{:?}", report.steps);
    assert_eq!(report.steps.last().map(|step| step.mark), Some(Mark::Note), "{:?}", report.steps);
}
