//! `sportello database-probe` as a child, and what the tests look at from outside.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, PgConnection};

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_sportello");

/// A data folder that is gone with the test.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Folder {
        Folder(tempfile::Builder::new().prefix("desk").tempdir().unwrap())
    }

    /// Inside a folder that anybody may pass through, as a system's own folders are.
    pub fn data(&self) -> PathBuf {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(self.0.path(), fs::Permissions::from_mode(0o755)).unwrap();
        self.0.path().join("data")
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

pub struct Probe {
    pub child: Child,
    lines: Receiver<String>,
}

impl Probe {
    pub fn command(data: &Path) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(["database-probe", "--data"]).arg(data).env_remove("DATABASE_URL");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        command
    }

    pub fn run(mut command: Command) -> Probe {
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Probe { child, lines }
    }

    /// Starts one and waits until it has opened and migrated; gives its description too.
    pub fn ready(command: Command) -> (Probe, String) {
        let mut probe = Probe::run(command);
        let line = probe.line_with("PostgreSQL");
        (probe, line)
    }

    pub fn line_with(&mut self, sign: &str) -> String {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) if line.contains(sign) => return line,
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => panic!("no {sign:?} within a minute"),
                Err(RecvTimeoutError::Disconnected) => panic!("ended without {sign:?}: {:?}", self.child.try_wait()),
            }
        }
    }

    /// As Ctrl-C would, and waits for the end.
    pub fn stop(mut self) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), Signal::SIGINT).unwrap();
        assert!(self.child.wait().unwrap().success());
    }

    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The postmaster's number as its file says it.
pub fn postmaster(data: &Path) -> Option<i32> {
    fs::read_to_string(data.join("postgres/cluster/postmaster.pid")).ok()?.lines().next()?.trim().parse().ok()
}

/// Whether any process works with this data folder.
pub fn processes(data: &Path) -> Vec<String> {
    let name = data.display().to_string();
    let commands = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    commands.map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).filter(|line| line.contains(&name)).collect()
}

pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(45);
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A connection past the program, to leave rows and find them again.
pub async fn connect(data: &Path) -> PgConnection {
    let options = PgConnectOptions::new_without_pgpass().socket(data.join("postgres/socket")).port(5432);
    options.username("sportello").database("sportello").connect().await.unwrap()
}

pub async fn run(data: &Path, sql: &'static str) {
    sqlx::query(sql).execute(&mut connect(data).await).await.unwrap();
}

pub async fn count(data: &Path, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&mut connect(data).await).await.unwrap()
}
