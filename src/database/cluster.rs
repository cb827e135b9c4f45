//! The private cluster from the application's side: made once, started or joined, watched over, left.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::fcntl::Flock;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tokio::process::{Child, Command};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout};

use super::binaries::{self, Binaries};
use super::guard;
use super::lock::{self, Hold};
use super::places::{DataFolder, Home};
use super::postmaster::Postmaster;
use super::{OpenError, Settings};

/// The cluster's own superuser. Nobody but the account and root gets to the socket, so it has no password.
const ROLE: &str = "sportello";

/// `initdb` on a slow disk.
const INIT_PATIENCE: Duration = Duration::from_secs(300);

/// Others who start or stop the cluster.
const LOCK_PATIENCE: Duration = Duration::from_secs(90);

/// Without any server at work.
const SILENCE: Duration = Duration::from_secs(45);

/// With a server at work that recovers from a crash.
const RECOVERY: Duration = Duration::from_secs(900);

/// How often the application looks after guard and server.
const LOOK: Duration = Duration::from_secs(1);

/// A private cluster in use by this process.
#[derive(Debug)]
pub(super) struct Cluster {
    data: DataFolder,
    socket: PathBuf,
    port: u16,
    users: Mutex<Option<Flock<File>>>,
    keeper: AbortHandle,
}

/// All that it takes to start a guard again.
#[derive(Debug, Clone)]
struct Launch {
    data: DataFolder,
    cluster: PathBuf,
    guard: guard::Args,
    program: Option<PathBuf>,
}

impl Cluster {
    /// Joins the running cluster, or starts it, or makes it first.
    pub async fn open(settings: &Settings) -> Result<Cluster, OpenError> {
        let data = DataFolder::open(&settings.data_dir)?;
        let users = hold(&data.users_lock(), Hold::Shared).await?;
        let starting = hold(&data.start_lock(), Hold::Alone).await?;
        let home = Home::settle(&data, settings.postgres_user.as_deref())?;
        let account = home.account.as_ref();
        let binaries = binaries::find(settings.postgres_bin.as_deref(), home.major(), account).await?;
        if home.major().is_none() {
            initialise(&home, &binaries).await?;
        }
        let socket = home.socket_folder()?;
        let launch = Launch {
            cluster: home.cluster(),
            guard: guard::Args::new(&data, &home, socket, binaries.folder),
            program: settings.guard_program.clone(),
            data: data.clone(),
        };
        let server = launch.bring_up().await?;
        drop(starting);
        let keeper = tokio::spawn(launch.keep()).abort_handle();
        Ok(Cluster { data, socket: server.socket, port: server.port, users: Mutex::new(Some(users)), keeper })
    }

    /// How to reach `database` in it.
    pub fn connect_options(&self, database: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(&self.socket)
            .port(self.port)
            .username(ROLE)
            .database(database)
            .ssl_mode(PgSslMode::Disable)
    }

    pub fn data_dir(&self) -> &Path {
        self.data.path()
    }

    /// Gives the cluster up and waits until the guard has stopped it, unless somebody else goes on using it.
    pub async fn leave(&self) {
        self.keeper.abort();
        drop(self.users.lock().unwrap_or_else(PoisonError::into_inner).take());
        let deadline = Instant::now() + Duration::from_secs(35);
        let mut in_use_since = Instant::now();
        while Instant::now() < deadline && guard_lives(&self.data) {
            // a guard that stops Postgres holds this lock alone; one that leaves it to us for so long sees another user
            if !matches!(lock::try_hold(&self.data.users_lock(), Hold::Shared), Ok(Some(_))) {
                in_use_since = Instant::now();
            } else if in_use_since.elapsed() > Duration::from_millis(400) {
                return;
            }
            sleep(Duration::from_millis(35)).await;
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

impl Launch {
    /// Sees to it that a guard lives and waits until its server is ready.
    async fn bring_up(&self) -> Result<Postmaster, OpenError> {
        let began = Instant::now();
        let log_start = fs::metadata(self.data.log()).map_or(0, |meta| meta.len());
        let mut last_seen = began;
        let mut next_notice = Duration::from_secs(5);
        let mut guards = 0;
        let mut child: Option<Child> = None;
        loop {
            let mut guarded = guard_lives(&self.data);
            if let Some(status) = child.as_mut().and_then(|child| child.try_wait().transpose()) {
                if !status.is_ok_and(|status| status.success()) {
                    return Err(self.not_started(log_start));
                }
                child = None;
            }
            guarded = guarded || child.is_some();
            if let Some(server) = Postmaster::running_in(&self.cluster) {
                if server.ready && guarded {
                    return Ok(server);
                }
                last_seen = Instant::now();
            }
            if last_seen.elapsed() > SILENCE || began.elapsed() > RECOVERY {
                return Err(self.not_started(log_start));
            }
            if !guarded {
                guards += 1;
                if guards > 3 {
                    return Err(self.not_started(log_start));
                }
                let spawned = self.guard.spawn(self.program.as_deref());
                child = Some(spawned.map_err(|source| OpenError::Guard { source })?);
            }
            if began.elapsed() > next_notice {
                next_notice *= 2;
                tracing::info!(seconds = began.elapsed().as_secs(), "waiting for the private Postgres");
            }
            sleep(Duration::from_millis(10)).await;
        }
    }

    fn not_started(&self, log_start: u64) -> OpenError {
        let path = self.data.log();
        let tail = File::open(&path).and_then(|log| guard::tail(&log, log_start)).unwrap_or_default();
        OpenError::NotStarted { log: path, tail: tail.trim().to_owned() }
    }

    /// Replaces a guard that was killed and tells the operator of a server that is away.
    async fn keep(self) {
        let mut away: Option<Instant> = None;
        let mut pid = None;
        loop {
            sleep(LOOK).await;
            let server = Postmaster::running_in(&self.cluster).filter(|server| server.ready);
            match (server, away) {
                (Some(server), since) => {
                    let old = pid.replace(server.pid);
                    if since.is_some() || old.is_some_and(|old| old != server.pid) {
                        tracing::info!(pid = server.pid.as_raw(), "the private Postgres runs again");
                    }
                    away = None;
                }
                (None, None) => {
                    away = Some(Instant::now());
                    tracing::error!(log = %self.data.log().display(), "the private Postgres is away; it is being started again");
                }
                (None, Some(_)) => {}
            }
            if !guard_lives(&self.data)
                && let Ok(Some(_starting)) = lock::try_hold(&self.data.start_lock(), Hold::Alone)
                && !guard_lives(&self.data)
            {
                tracing::warn!("the guard of the private Postgres is gone; starting another");
                if let Err(err) = self.bring_up().await {
                    tracing::error!(%err, "the private Postgres has no guard");
                }
            }
        }
    }
}

/// Whether somebody holds the guard's lock.
fn guard_lives(data: &DataFolder) -> bool {
    matches!(lock::try_hold(&data.guard_lock(), Hold::Shared), Ok(None))
}

async fn hold(path: &Path, hold: Hold) -> Result<Flock<File>, OpenError> {
    let lock = lock::hold(path, hold, LOCK_PATIENCE).await;
    let lock = lock.map_err(|source| OpenError::Folder { path: path.to_owned(), source })?;
    lock.ok_or_else(|| OpenError::Busy { path: path.to_owned() })
}

/// Makes the cluster in a folder of its own and moves it into place whole: a killed attempt is litter, never half a cluster.
async fn initialise(home: &Home, binaries: &Binaries) -> Result<(), OpenError> {
    let failed = |source| OpenError::Folder { path: home.path.clone(), source };
    for entry in fs::read_dir(&home.path).map_err(failed)?.flatten() {
        if entry.file_name().to_string_lossy().starts_with("new-") {
            // an orphaned initdb may still write there; then the next start has another go
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    tracing::info!(folder = %home.path.display(), "making a private Postgres cluster");
    let moment = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_nanos());
    let fresh = home.path.join(format!("new-{moment}"));
    let mut complaint = String::new();
    // C sorts alike and exists everywhere; older systems have no C.UTF-8
    for locale in ["C.UTF-8", "C"] {
        match run_initdb(home, binaries, &fresh, locale).await? {
            Ok(()) => {
                fs::rename(&fresh, home.cluster()).map_err(failed)?;
                File::open(&home.path).and_then(|folder| folder.sync_all()).map_err(failed)?;
                return Ok(());
            }
            Err(said) => complaint = said,
        }
        let _ = fs::remove_dir_all(&fresh);
        if !complaint.contains("locale") {
            break;
        }
    }
    Err(OpenError::Initdb { complaint })
}

/// The inner error is what initdb complained of.
async fn run_initdb(home: &Home, binaries: &Binaries, fresh: &Path, locale: &str) -> Result<Result<(), String>, OpenError> {
    let mut command = Command::new(binaries.folder.join("initdb"));
    command.arg("-D").arg(fresh).args(["-U", ROLE, "--encoding=UTF8", "--locale", locale]);
    command.args(["--auth-local=trust", "--auth-host=reject", "--data-checksums"]);
    command.env_clear().envs(binaries::environment()).current_dir("/").process_group(0).kill_on_drop(true);
    if let Some(account) = &home.account {
        command.uid(account.uid).gid(account.gid);
    }
    command.stdin(Stdio::null());
    let Ok(output) = timeout(INIT_PATIENCE, command.output()).await else {
        return Ok(Err(format!("not done after {} s", INIT_PATIENCE.as_secs())));
    };
    let output = output.map_err(|source| OpenError::Run { program: binaries.folder.join("initdb"), source })?;
    if output.status.success() {
        return Ok(Ok(()));
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Ok(Err(format!("{}: {}", output.status, said.trim())))
}
