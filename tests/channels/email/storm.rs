//! Mail pours in by IMAP and SMTP and answers go out while the program is killed again and again: every mail is one message, once, and every
//! answer leaves. `scripts/storm 5000` makes a real storm of it; the suite runs a small one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;
use sportello::desk::kinds::Role;
use sportello::desk::{agents, sessions};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use super::mail;
use crate::support::mail_servers::{Dovecot, Mood, PASSWORD, Sink};
use crate::support::postgres::TestDatabase;
use crate::support::program::Program;

/// Mails of the small storm, unless `SPORTELLO_STORM_MAILS` says otherwise; a tenth as many answers go out.
const MAILS: usize = 160;
/// How often the program dies.
const KILLS: usize = 4;
/// Senders by SMTP at once.
const HANDS: usize = 6;
/// How long nothing may move before the storm counts as stuck.
const STUCK: Duration = Duration::from_secs(120);

struct Desk {
    database: TestDatabase,
    program: Program,
    token: String,
}

impl Desk {
    async fn new(imap: &Dovecot, sink: &Sink) -> Self {
        let database = TestDatabase::new().await;
        let program = Program::new().await;
        let smtp = json!({ "host": "127.0.0.1", "port": sink.address.port(), "security": "plain" });
        let fetched = json!({ "host": "127.0.0.1", "port": imap.port, "security": "plain", "user": "shop", "first_days": 3 });
        for (name, address, settings) in [
            ("Help", "help@bottega.example", json!({ "smtp": smtp, "acknowledge": false })),
            ("Shop", "shop@bottega.example", json!({ "smtp": smtp, "imap": fetched, "acknowledge": false })),
        ] {
            program.mailbox(&database, name, address, settings, Some(json!({ "imap_password": PASSWORD }))).await;
        }
        let mut db = database.pool.acquire().await.expect("a database");
        let agent = agents::create(&mut db, "giulia@bottega.example", "Giulia", Role::Agent).await.expect("an agent");
        let token = sessions::create_api_token(&mut db, "storm", agent).await.expect("a token");
        drop(db);
        Self { database, program, token }
    }

    async fn start(&self) {
        self.program.start(&self.database).await;
    }

    async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.database.pool).await.expect(sql)
    }

    async fn texts(&self, sql: &'static str) -> Vec<String> {
        sqlx::query_scalar(sql).fetch_all(&self.database.pool).await.expect(sql)
    }

    /// Hands a mail over until it is taken, as every mail server does.
    async fn hand_over(&self, raw: &[u8]) {
        let began = Instant::now();
        while let Err(error) = self.try_to_hand_over(raw).await {
            assert!(began.elapsed() < STUCK, "a mail is not taken: {error}");
            tokio::time::sleep(Duration::from_millis(60)).await;
        }
    }

    async fn try_to_hand_over(&self, raw: &[u8]) -> std::io::Result<()> {
        let mut wire = BufReader::new(TcpStream::connect(("127.0.0.1", self.program.smtp)).await?);
        let mut said = String::new();
        for (words, wanted) in [
            ("", "220"),
            ("HELO storm.example\r\n", "250"),
            ("MAIL FROM:<storm@example.it>\r\n", "250"),
            ("RCPT TO:<help@bottega.example>\r\n", "250"),
            ("DATA\r\n", "354"),
        ] {
            say(&mut wire, words.as_bytes(), wanted, &mut said).await?;
        }
        let mut letter = raw.to_vec();
        letter.extend_from_slice(b"\r\n.\r\n");
        say(&mut wire, &letter, "250", &mut said).await
    }

    /// An agent answers a ticket; whether it was taken when nobody answers is for the desk to know.
    async fn answer(&self, http: &reqwest::Client, ticket: i64) {
        let url = format!("http://127.0.0.1:{}/api/v1/tickets/{ticket}/messages", self.program.web);
        let began = Instant::now();
        loop {
            let asked = http
                .post(&url)
                .bearer_auth(&self.token)
                .json(&json!({ "type": "reply", "text": format!("Answer to {ticket}") }))
                .send()
                .await;
            match asked.map(|answer| answer.status()) {
                Ok(status) if status.is_success() => return,
                Ok(status) if status.is_client_error() && status.as_u16() != 429 => panic!("an answer to {ticket} is refused: {status}"),
                Ok(_) | Err(_) => tokio::time::sleep(Duration::from_millis(80)).await,
            }
            assert!(began.elapsed() < STUCK, "nobody takes an answer");
        }
    }

    /// Waits until a number stands, as long as it moves.
    async fn until(&self, what: &str, sql: &'static str, wanted: i64) {
        let (mut best, mut since) = (i64::MIN, Instant::now());
        loop {
            // What was in hand at a kill is claimed again when its lease ends; nobody has to wait for that here.
            sqlx::query("update jobs set run_at = now() where run_at > now() and dead_at is null")
                .execute(&self.database.pool)
                .await
                .expect("a database");
            let now = self.count(sql).await;
            if now == wanted {
                return;
            }
            if now != best {
                (best, since) = (now, Instant::now());
            }
            assert!(since.elapsed() < STUCK, "{what}: {now} of {wanted}");
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }
}

async fn say(wire: &mut BufReader<TcpStream>, words: &[u8], wanted: &str, said: &mut String) -> std::io::Result<()> {
    wire.write_all(words).await?;
    said.clear();
    tokio::time::timeout(Duration::from_secs(30), wire.read_line(said)).await.map_err(|_| std::io::ErrorKind::TimedOut)??;
    if said.starts_with(wanted) { Ok(()) } else { Err(std::io::Error::other(said.clone())) }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_mail_is_lost_or_doubled_however_often_the_program_dies() {
    let mails = std::env::var("SPORTELLO_STORM_MAILS").ok().map_or(MAILS, |text| text.parse().expect("a number of mails"));
    let answers = mails / 10;
    drop(rustls::crypto::ring::default_provider().install_default());
    let (imap, sink) = (Dovecot::start().await, Sink::start(Mood::Accept).await);
    let desk = Arc::new(Desk::new(&imap, &sink).await);
    desk.start().await;
    let began = Instant::now();

    // Half of it lies in the mailbox, bit by bit; half is handed over by several senders at once.
    let by_imap = mails / 2;
    let letters: Vec<Vec<u8>> =
        (by_imap..mails).map(|n| mail("anna@example.it", &format!("By SMTP {n}"), &format!("s{n}@storm"), "", "Words")).collect();
    let (letters, next) = (Arc::new(letters), Arc::new(AtomicUsize::new(0)));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..HANDS {
        let (desk, letters, next) = (desk.clone(), letters.clone(), next.clone());
        tasks.spawn(async move {
            while let Some(letter) = letters.get(next.fetch_add(1, Ordering::Relaxed)) {
                desk.hand_over(letter).await;
            }
        });
    }
    {
        let (desk, next, total) = (desk.clone(), next.clone(), letters.len());
        tasks.spawn(async move {
            // At moments that nobody has chosen.
            let mut rng = StdRng::seed_from_u64(7);
            for kill in 1..=KILLS {
                while next.load(Ordering::Relaxed) < total * kill / (KILLS + 1) {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                tokio::time::sleep(Duration::from_millis(rng.random_range(0..400))).await;
                desk.program.kill().await;
                desk.start().await;
            }
        });
    }
    {
        let desk = desk.clone();
        tasks.spawn(async move {
            let http = reqwest::Client::builder().timeout(Duration::from_secs(20)).build().expect("a client");
            let mut answered = BTreeSet::new();
            while answered.len() < answers {
                let open: Vec<i64> = sqlx::query_scalar("select id from tickets where not (id = any($1)) order by id limit 5")
                    .bind(answered.iter().copied().collect::<Vec<i64>>())
                    .fetch_all(&desk.database.pool)
                    .await
                    .expect("a database");
                for ticket in open.into_iter().take(answers - answered.len()) {
                    desk.answer(&http, ticket).await;
                    answered.insert(ticket);
                }
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        });
    }
    for n in 0..by_imap {
        imap.deliver("shop", &mail("bruno@example.it", &format!("By IMAP {n}"), &format!("i{n}@storm"), "", "Words"));
        if n % 10 == 9 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("all of it was sent");
    }
    let wanted = i64::try_from(mails).expect("a number");
    desk.until("mails", "select count(*) from messages where direction = 'inbound'", wanted).await;
    desk.until("answers on their way", "select count(*) from messages where direction = 'outbound' and delivery <> 'sent'", 0).await;

    let ids = desk.texts("select provider_id from messages where direction = 'inbound'").await;
    let expected: BTreeSet<String> = (0..mails).map(|n| if n < by_imap { format!("i{n}@storm") } else { format!("s{n}@storm") }).collect();
    assert_eq!((ids.len(), ids.into_iter().collect::<BTreeSet<_>>()), (mails, expected), "every mail is one message");
    assert_eq!(desk.count("select count(*) from tickets").await, wanted);
    let queued = desk.texts("select provider_id from messages where direction = 'outbound'").await;
    let mut left: BTreeMap<String, usize> = BTreeMap::new();
    for letter in sink.mails() {
        let id = letter
            .lines()
            .find_map(|line| line.strip_prefix("Message-ID: <"))
            .and_then(|id| id.split('>').next())
            .expect("an id")
            .to_owned();
        *left.entry(id).or_default() += 1;
    }
    // Killed between the server's word and our note of it, a letter leaves again under the same id, and is one for whoever receives it.
    let again: usize = left.values().map(|times| times - 1).sum();
    assert_eq!(left.keys().cloned().collect::<BTreeSet<_>>(), queued.iter().cloned().collect::<BTreeSet<_>>(), "every answer has left");
    assert!(queued.len() >= answers);
    assert_eq!(desk.count("select count(*) from jobs where dead_at is not null").await, 0);
    let stored = desk.count("select count(*) from deliveries").await;
    println!(
        "{mails} mails, {by_imap} of them by IMAP, {} answers, {KILLS} kills, {:.1} s: none lost, none doubled; {} were brought twice, {again} answers left twice under one id",
        queued.len(),
        began.elapsed().as_secs_f64(),
        stored - wanted
    );
    desk.program.kill().await;
}
