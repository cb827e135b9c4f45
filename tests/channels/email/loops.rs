//! Two desks that write to each other: the program twice, each with its own database, each the other's mail server.

use std::time::{Duration, Instant};

use serde_json::json;
use sportello::desk::kinds::Role;
use sportello::desk::{agents, sessions};

use super::mail;
use crate::support::postgres::TestDatabase;
use crate::support::program::Program;

/// How long a mail may take, and how long nothing must happen before it is over.
const PATIENCE: Duration = Duration::from_secs(60);
const SILENCE: Duration = Duration::from_secs(4);

struct Desk {
    database: TestDatabase,
    program: Program,
}

impl Desk {
    async fn new() -> Self {
        Self { database: TestDatabase::new().await, program: Program::new().await }
    }

    /// A mailbox whose mail goes to the other desk, whomever it is for.
    async fn mailbox(&self, address: &str, other: &Program) {
        let settings = json!({ "smtp": { "host": "127.0.0.1", "port": other.smtp, "security": "plain" } });
        self.program.mailbox(&self.database, "Office", address, settings, None).await;
    }

    async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.database.pool).await.expect(sql)
    }

    async fn until(&self, sql: &'static str, wanted: i64) {
        let began = Instant::now();
        while self.count(sql).await < wanted {
            assert!(began.elapsed() < PATIENCE, "{sql} is not {wanted}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Hands a mail over as soon as somebody opens.
async fn deliver(desk: &Desk, from: &str, to: &str, raw: &[u8]) {
    use lettre::AsyncTransport as _;
    let envelope = lettre::address::Envelope::new(from.parse().ok(), vec![to.parse().expect("an address")]).expect("an envelope");
    let transport = lettre::AsyncSmtpTransport::<lettre::Tokio1Executor>::builder_dangerous("127.0.0.1").port(desk.program.smtp).build();
    let began = Instant::now();
    while let Err(error) = transport.send_raw(&envelope, raw).await {
        assert!(began.elapsed() < PATIENCE, "not taken: {error}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

const MESSAGES: &str = "select count(*) from messages";
const HEARD: &str = "select count(*) from messages where direction = 'inbound'";
const SENT: &str = "select count(*) from messages where direction = 'outbound' and delivery = 'sent'";

/// Waits until nobody has said anything for a while.
async fn silence(desks: [&Desk; 2]) {
    let (mut before, mut since, began) = (-1, Instant::now(), Instant::now());
    while since.elapsed() < SILENCE {
        let said = desks[0].count(MESSAGES).await + desks[1].count(MESSAGES).await;
        if said != before {
            (before, since) = (said, Instant::now());
        }
        assert!(began.elapsed() < PATIENCE && said < 20, "they never stop");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn two_desks_that_answer_each_other_stop_after_one_round() {
    let (here, there) = (Desk::new().await, Desk::new().await);
    here.mailbox("help@bottega.example", &there.program).await;
    there.mailbox("office@lieferant.example", &here.program).await;
    here.program.start(&here.database).await;
    there.program.start(&there.database).await;

    // Something that nobody can tell from a person's mail, as from a desk that marks nothing.
    let first = mail("Lieferant <office@lieferant.example>", "Delivery", "x1@lieferant.example", "", "We deliver on Monday.");
    deliver(&here, "office@lieferant.example", "help@bottega.example", &first).await;
    there.until(HEARD, 1).await;
    silence([&here, &there]).await;
    assert_eq!((here.count(HEARD).await, here.count(SENT).await), (1, 1), "one receipt");
    assert_eq!((there.count(HEARD).await, there.count(SENT).await), (1, 0), "and no answer to it");
    assert_eq!(there.count("select count(*) from messages where direction = 'inbound' and automatic").await, 1);

    // A person there answers the receipt: that is no machine's mail, and yet nobody starts anew.
    let mut db = there.database.pool.acquire().await.expect("a database");
    let agent = agents::create(&mut db, "greta@lieferant.example", "Greta", Role::Agent).await.expect("an agent");
    let token = sessions::create_api_token(&mut db, "loops", agent).await.expect("a token");
    drop(db);
    let ticket = there.count("select max(id) from tickets").await;
    drop(rustls::crypto::ring::default_provider().install_default());
    let answered = reqwest::Client::new()
        .post(format!("{}/api/v1/tickets/{ticket}/messages", there.program.url()))
        .bearer_auth(token)
        .json(&json!({ "type": "reply", "text": "On Tuesday, rather." }))
        .send()
        .await
        .expect("an answer");
    assert!(answered.status().is_success(), "{}", answered.status());
    here.until(HEARD, 2).await;
    silence([&here, &there]).await;
    assert_eq!((here.count(HEARD).await, here.count(SENT).await), (2, 1));
    assert_eq!((there.count(HEARD).await, there.count(SENT).await), (1, 1));
    assert_eq!(here.count("select count(*) from tickets").await, 1, "it is the same conversation");
    here.program.kill().await;
    there.program.kill().await;
}
