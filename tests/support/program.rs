//! The program itself, on a database of a test, started and killed as it goes.

use serde_json::Value;
use sportello::desk::channels;
use sportello::ids::ChannelId;
use sportello::secrets::Keys;
use tokio::process::{Child, Command};
use tokio::sync::Mutex;

use super::mail_desk::mailbox_draft;
use super::mail_servers::free_port;
use super::postgres::TestDatabase;

/// A data folder and ports of its own, and the program while it runs.
pub struct Program {
    pub data: tempfile::TempDir,
    pub web: u16,
    pub smtp: u16,
    running: Mutex<Option<Child>>,
}

impl Program {
    /// Not started yet.
    pub async fn new() -> Self {
        let data = tempfile::tempdir().expect("a folder");
        Self { data, web: free_port().await, smtp: free_port().await, running: Mutex::default() }
    }

    /// Where it is found.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.web)
    }

    /// Adds a mailbox, with passwords where it needs some.
    pub async fn mailbox(&self, database: &TestDatabase, name: &str, address: &str, settings: Value, secrets: Option<Value>) -> ChannelId {
        let keys = Keys::load(None, self.data.path()).expect("a key");
        let draft = mailbox_draft(&keys, name, address, settings, secrets);
        let mut db = database.pool.acquire().await.expect("a database");
        channels::create(&mut db, &draft).await.expect("a channel")
    }

    /// Starts it; it answers a moment later.
    pub async fn start(&self, database: &TestDatabase) {
        let child = Command::new(env!("CARGO_BIN_EXE_sportello"))
            .args(["--listen", &format!("127.0.0.1:{}", self.web), "--smtp-listen", &format!("127.0.0.1:{}", self.smtp)])
            .args(["--public-url", &self.url(), "--allow-private-networks"])
            .arg("--data")
            .arg(self.data.path())
            .env("DATABASE_URL", database.url())
            .env("SPORTELLO_UNDO_SECONDS", "0")
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the program");
        *self.running.lock().await = Some(child);
    }

    /// As if the power went.
    pub async fn kill(&self) {
        if let Some(mut child) = self.running.lock().await.take() {
            child.kill().await.expect("killed");
        }
    }
}
