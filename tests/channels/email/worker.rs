//! The worker: what nobody finished is finished, what panics or fails does not stop it.

use std::time::{Duration, Instant};

use sportello::clock::Ts;
use sportello::desk::changes::{Actor, Change};
use sportello::desk::kinds::Status;
use sportello::desk::tickets::{self, update};
use sportello::worker;
use tokio_util::sync::CancellationToken;

use super::mail;
use crate::support::mail_desk::MailDesk;

async fn eventually(desk: &MailDesk, sql: &'static str, wanted: i64) {
    let began = Instant::now();
    while desk.count(sql).await != wanted {
        assert!(began.elapsed() < Duration::from_secs(10), "{sql} is not {wanted}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn what_was_stored_and_not_understood_is_finished_by_a_worker() {
    let desk = MailDesk::new().await;
    desk.store(&mail("anna@example.it", "Hello", "a1@example.it", "", "Hello"), None, &[]).await;
    assert_eq!(desk.count("select count(*) from messages").await, 0);
    assert_eq!(worker::drain(&desk.app, Ts::now()).await, Vec::<String>::new());
    assert_eq!(desk.count("select count(*) from messages").await, 0, "whoever stored it has a head start");
    assert_eq!(worker::drain(&desk.app, Ts::now().plus_seconds(61)).await, Vec::<String>::new());
    assert_eq!(desk.count("select count(*) from messages where direction = 'inbound'").await, 1);
    assert_eq!(desk.count("select count(*) from jobs where kind not in ('housekeeping', 'find_twins', 'poll_mailbox')").await, 0);
}

#[tokio::test]
async fn a_running_worker_acts_at_once_and_stops_in_order() {
    let desk = MailDesk::new().await;
    let stop = CancellationToken::new();
    let working = tokio::spawn(worker::run(desk.app.clone(), stop.clone()));
    eventually(&desk, "select count(*) from jobs where kind = 'housekeeping' and attempts = 0 and run_at > now()", 1).await;
    desk.receive(&mail("anna@example.it", "Hello", "b1@example.it", "", "Hello")).await;
    let began = Instant::now();
    while desk.sent().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(5));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(began.elapsed() < Duration::from_millis(900), "woken, not polled: {:?}", began.elapsed());
    stop.cancel();
    tokio::time::timeout(Duration::from_secs(5), working).await.expect("it stops").expect("no panic");
    assert_eq!(desk.count("select count(*) from jobs where kind not in ('housekeeping', 'find_twins')").await, 0);
}

#[tokio::test]
async fn two_workers_do_everything_once() {
    let desk = MailDesk::new().await;
    for n in 0..20 {
        desk.receive(&mail(&format!("c{n}@example.it"), "Hello", &format!("c{n}@example.it"), "", "Hello")).await;
    }
    let stop = CancellationToken::new();
    let workers: Vec<_> = (0..2).map(|_| tokio::spawn(worker::run(desk.app.clone(), stop.clone()))).collect();
    eventually(&desk, "select count(*) from jobs where kind not in ('housekeeping', 'find_twins')", 0).await;
    stop.cancel();
    for worker in workers {
        worker.await.expect("no panic");
    }
    assert_eq!(desk.sent().len(), 20);
}

#[tokio::test]
async fn a_snooze_ends_on_time() {
    let desk = MailDesk::new().await;
    let ticket = desk.receive(&mail("anna@example.it", "Hello", "d1@example.it", "", "Hello")).await.ticket.expect("a ticket");
    let mut change = Change::begin(&desk.app).await.expect("a database");
    update::set_status(&mut change, Actor::System, ticket, Status::Snoozed, Some(Ts::now().plus_seconds(1))).await.expect("snoozed");
    change.commit().await.expect("a database");
    let stop = CancellationToken::new();
    let working = tokio::spawn(worker::run(desk.app.clone(), stop.clone()));
    eventually(&desk, "select count(*) from tickets where status = 'open'", 1).await;
    stop.cancel();
    working.await.expect("no panic");
    let mut db = desk.app.db.acquire().await.expect("a database");
    assert_eq!(tickets::find(&mut db, ticket).await.expect("a database").expect("the ticket").snoozed_until, None);
}

#[tokio::test]
async fn housekeeping_takes_out_what_is_past_and_nothing_else() {
    let desk = MailDesk::new().await;
    let agent = desk.agent("Bea").await;
    let mut db = desk.app.db.acquire().await.expect("a database");
    sportello::desk::sessions::open(&mut db, agent.id, "", "").await.expect("a session");
    sportello::desk::sessions::open(&mut db, agent.id, "", "").await.expect("a session");
    sqlx::query("update sessions set expires_at = now() - interval '1 hour' where id = (select min(id) from sessions)")
        .execute(&mut *db)
        .await
        .expect("sql");
    sqlx::query(
        "insert into sign_in_failures (key, failures, last_failed_at) values ('old', 1, now() - interval '2 days'), ('new', 1, now())",
    )
    .execute(&mut *db)
    .await
    .expect("sql");
    sportello::desk::housekeeping::tidy(&mut db).await.expect("tidied");
    assert_eq!(desk.count("select count(*) from sessions").await, 1);
    assert_eq!(desk.count("select count(*) from sign_in_failures").await, 1);
}
