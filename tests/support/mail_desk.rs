//! A desk with mailboxes, its own database, and mail that leaves into memory.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use sportello::app::App;
use sportello::channels::email::smtp;
use sportello::channels::{self, ProcessError, Processed};
use sportello::clock::Ts;
use sportello::config::{Config, DatabaseConfig, MailConfig, WebConfig};
use sportello::desk::agents::{self, Agent};
use sportello::desk::changes::Change;
use sportello::desk::channels::{Channel, ChannelDraft};
use sportello::desk::deliveries::{self, NewDelivery};
use sportello::desk::kinds::{ChannelKind, Role};
use sportello::desk::tickets::reply::{self, NewReply};
use sportello::desk::tickets::thread::{self, Message};
use sportello::ids::{AgentId, ChannelId, DeliveryId, MessageId, TicketId};
use sportello::mailer::{Mailer, Sent};
use sportello::secrets::Keys;
use sportello::worker;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::postgres::TestDatabase;

/// A desk without screens.
pub struct MailDesk {
    pub app: App,
    pub database: TestDatabase,
    pub outbox: Arc<Mutex<Vec<Sent>>>,
    _data: tempfile::TempDir,
}

impl MailDesk {
    /// A desk with the mailbox `help@bottega.example`.
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// The same, configured differently.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let database = TestDatabase::new().await;
        let data = tempfile::tempdir().expect("a temporary folder");
        let mut config = config(data.path().to_owned());
        change(&mut config);
        let outbox = Arc::new(Mutex::new(Vec::new()));
        let app = App::new(config, database.pool.clone(), Mailer::Memory(outbox.clone()), Keys::from_bytes(rand::random()));
        let desk = Self { app, database, outbox, _data: data };
        desk.mailbox("Help", "help@bottega.example", json!({})).await;
        desk
    }

    /// Adds a mailbox.
    pub async fn mailbox(&self, name: &str, address: &str, settings: Value) -> ChannelId {
        self.mailbox_with_secrets(name, address, settings, None).await
    }

    /// Adds a mailbox with passwords.
    pub async fn mailbox_with_secrets(&self, name: &str, address: &str, settings: Value, secrets: Option<Value>) -> ChannelId {
        let draft = mailbox_draft(&self.app.keys, name, address, settings, secrets);
        let mut change = Change::begin(&self.app).await.expect("a database");
        let id = sportello::desk::channels::create(&mut change, &draft).await.expect("a channel");
        change.touch_settings();
        change.commit().await.expect("a database");
        id
    }

    /// The mailbox of this name.
    pub async fn channel(&self, name: &str) -> Channel {
        let mut db = self.app.db.acquire().await.expect("a database");
        sportello::desk::channels::find_by_name(&mut db, name).await.expect("a database").expect("the channel")
    }

    /// Stores a mail as if it had just come in.
    pub async fn store(&self, raw: &[u8], envelope_from: Option<&str>, envelope_to: &[&str]) -> DeliveryId {
        let to: Vec<String> = envelope_to.iter().map(|&address| address.to_owned()).collect();
        let channel = self.channel("Help").await.id;
        let mut db = self.app.db.acquire().await.expect("a database");
        let new = NewDelivery { channel, door: "test", envelope_from, envelope_to: &to, raw };
        deliveries::store(&mut db, new).await.expect("stored")
    }

    /// Stores a mail and understands it.
    pub async fn receive(&self, raw: &[u8]) -> Processed {
        self.try_receive(raw, None, &[]).await.expect("processed")
    }

    /// Stores a mail with its envelope and understands it.
    pub async fn try_receive(&self, raw: &[u8], from: Option<&str>, to: &[&str]) -> Result<Processed, ProcessError> {
        let delivery = self.store(raw, from, to).await;
        channels::process(&self.app, delivery).await
    }

    /// An agent who answers.
    pub async fn agent(&self, name: &str) -> Agent {
        let mut db = self.app.db.acquire().await.expect("a database");
        let email = format!("{}@bottega.example", name.to_lowercase());
        let id: AgentId = agents::create(&mut db, &email, name, Role::Agent).await.expect("an agent");
        self.app.cache.invalidate_all();
        Agent { id, email, name: name.to_owned(), role: Role::Agent, signature: String::new(), session: None }
    }

    /// Answers a ticket.
    pub async fn reply(&self, agent: &Agent, ticket: TicketId, body: &str) -> MessageId {
        let mut change = Change::begin(&self.app).await.expect("a database");
        let new = NewReply { body: body.to_owned(), ..NewReply::default() };
        let message = reply::reply(&mut change, agent, ticket, &new).await.expect("a reply");
        change.commit().await.expect("a database");
        message
    }

    /// Does everything that is due within a minute.
    pub async fn drain(&self) -> Vec<String> {
        worker::drain(&self.app, Ts::now().plus_seconds(60)).await
    }

    /// One message as it stands.
    pub async fn message(&self, id: MessageId) -> Message {
        let mut db = self.app.db.acquire().await.expect("a database");
        thread::find(&mut db, id).await.expect("a database").expect("the message")
    }

    /// The conversation of a ticket.
    pub async fn thread(&self, ticket: TicketId) -> Vec<Message> {
        let mut db = self.app.db.acquire().await.expect("a database");
        thread::list(&mut db, ticket, None, true).await.expect("a database")
    }

    /// The number of rows that a query counts.
    pub async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.app.db).await.expect(sql)
    }

    /// What has left, oldest first.
    pub fn sent(&self) -> Vec<Sent> {
        self.outbox.lock().expect("nobody panicked").clone()
    }

    /// The last mail that left, as text.
    pub fn last_sent(&self) -> String {
        let sent = self.sent();
        String::from_utf8_lossy(&sent.last().expect("a mail has left").raw).into_owned()
    }

    /// Opens the SMTP door on a free port.
    pub async fn smtp(&self) -> SmtpDoor {
        self.smtp_with(|_| {}).await
    }

    /// The same with other limits.
    pub async fn smtp_with(&self, change: impl FnOnce(&mut smtp::Limits)) -> SmtpDoor {
        let mut limits = smtp::Limits::of(&self.app);
        change(&mut limits);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("a port");
        let stop = CancellationToken::new();
        let serving = tokio::spawn(smtp::serve(self.app.clone(), listener, limits, stop.clone()));
        SmtpDoor { address, stop, serving }
    }
}

impl MailDesk {
    /// Opens the LMTP door at a socket of this path.
    pub async fn lmtp(&self, path: &str) -> SmtpDoor {
        let listener = smtp::LmtpListener::bind(path).await.expect("a socket");
        let stop = CancellationToken::new();
        let serving = tokio::spawn(smtp::serve_lmtp(self.app.clone(), listener, smtp::Limits::of(&self.app), stop.clone()));
        SmtpDoor { address: SocketAddr::from(([127, 0, 0, 1], 0)), stop, serving }
    }
}

/// A mailbox, with passwords where it needs some.
pub fn mailbox_draft(keys: &Keys, name: &str, address: &str, settings: Value, secrets: Option<Value>) -> ChannelDraft {
    ChannelDraft {
        kind: ChannelKind::Email,
        name: name.to_owned(),
        address: Some(address.to_owned()),
        team_id: None,
        language: None,
        enabled: true,
        settings,
        secrets: secrets.map(|secrets| sportello::desk::channels::seal(keys, &secrets).expect("plain data")),
    }
}

/// The SMTP door while it is open.
pub struct SmtpDoor {
    pub address: SocketAddr,
    pub stop: CancellationToken,
    serving: tokio::task::JoinHandle<anyhow::Result<()>>,
}

impl SmtpDoor {
    /// Closes it and waits for what is in hand.
    pub async fn close(self) {
        self.stop.cancel();
        self.serving.await.expect("no panic").expect("no error");
    }
}

fn config(data: PathBuf) -> Config {
    Config {
        data,
        database: DatabaseConfig { database_url: None, postgres_bin: None, postgres_user: None, db_connections: 10 },
        web: WebConfig {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            public_url: Some("https://desk.bottega.example".parse().expect("a URL")),
            trusted_proxies: Vec::new(),
            allow_private_networks: true,
            metrics_token: None,
        },
        mail: MailConfig {
            smtp_listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            lmtp_listen: None,
            smtp_cert: None,
            smtp_key: None,
            max_mail: 1024 * 1024,
            smtp_url: None,
            mail_from: None,
            undo_seconds: 5,
        },
        secret: None,
    }
}
