//! The guard: our own program once more, under a hidden subcommand, as the parent of the private Postgres.
//!
//! It outlives the application on purpose. Whoever uses the cluster holds a shared lock that the kernel takes back however the process
//! ends; once the guard gets that lock alone, nobody is left and it stops Postgres in order. So a `kill -9` of the application leaves no
//! orphan, and a cluster that two processes share is never pulled from under the one that stays. When Postgres dies it starts it again.
//! Should the guard itself be killed, Postgres runs on and the next guard adopts it.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg, OFlag};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep};

use super::binaries;
use super::lock::{self, Hold};
use super::places::DataFolder;
use super::postmaster::{self, Postmaster, works_in};

/// Name of the hidden subcommand.
pub const SUBCOMMAND: &str = "postgres-guard";

/// How often the guard looks at its server and for the last user's leaving.
const TICK: Duration = Duration::from_millis(100);

/// A fast shutdown's time before it becomes an immediate one, which the next start recovers from.
const FAST_SHUTDOWN: Duration = Duration::from_secs(20);

/// After so long a life a server's death counts as the first again.
const HEALTHY: Duration = Duration::from_secs(60);

/// The longest wait before the next start.
const MAX_DELAY: Duration = Duration::from_secs(30);

/// Starts that may fail in a row before the first success; a server killed a moment ago can hold its memory for some seconds.
const FIRST_TRIES: u32 = 15;

/// The log is moved to `.1` at this size.
const MAX_LOG: u64 = 10 * 1024 * 1024;

/// Settings for a small machine. `fsync` and `full_page_writes` stay on.
const POSTGRES_SETTINGS: [&str; 17] = [
    "listen_addresses=",
    "port=5432",
    "unix_socket_permissions=0700",
    "max_connections=120",
    "shared_buffers=128MB",
    "jit=off",
    "wal_compression=on",
    "random_page_cost=1.1",
    "checkpoint_timeout=15min",
    "max_wal_size=2GB",
    "log_destination=stderr",
    "logging_collector=off",
    "log_line_prefix=%m [%p] ",
    "log_checkpoints=off",
    "log_timezone=UTC",
    "timezone=UTC",
    "cluster_name=sportello",
];

/// What the guard is told on its command line.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct Args {
    /// The data folder, without links.
    #[arg(long)]
    data: PathBuf,
    /// The cluster, without links.
    #[arg(long)]
    cluster: PathBuf,
    /// Folder for the Unix socket.
    #[arg(long)]
    socket: PathBuf,
    /// Folder of PostgreSQL's programs.
    #[arg(long)]
    bin: PathBuf,
    /// Run Postgres as this user and `gid`; only root may.
    #[arg(long, requires = "gid")]
    uid: Option<u32>,
    #[arg(long)]
    gid: Option<u32>,
}

impl Args {
    pub(super) fn new(data: &DataFolder, home: &super::places::Home, socket: PathBuf, bin: PathBuf) -> Args {
        Args {
            data: data.path().to_owned(),
            cluster: home.cluster(),
            socket,
            bin,
            uid: home.account.as_ref().map(|account| account.uid),
            gid: home.account.as_ref().map(|account| account.gid),
        }
    }

    /// Starts a guard. It writes nothing to our streams, so that no pipe of ours stays open with it.
    pub(super) fn spawn(&self, program: Option<&Path>) -> io::Result<Child> {
        let mut command = match program {
            Some(program) => Command::new(program),
            None => this_program()?,
        };
        command.arg(SUBCOMMAND);
        for (name, value) in [("--data", &self.data), ("--cluster", &self.cluster), ("--socket", &self.socket), ("--bin", &self.bin)] {
            command.arg(name).arg(value);
        }
        if let (Some(uid), Some(gid)) = (self.uid, self.gid) {
            command.args(["--uid", &uid.to_string(), "--gid", &gid.to_string()]);
        }
        // its own group: Ctrl-C in the terminal is for the application
        command.current_dir("/").process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
    }
}

/// Our own program, also when a newer one has replaced its file meanwhile.
fn this_program() -> io::Result<Command> {
    let path = std::env::current_exe()?;
    let running = Path::new("/proc/self/exe");
    if !running.exists() {
        return Ok(Command::new(path));
    }
    let mut command = Command::new(running);
    command.arg0(path);
    Ok(command)
}

/// Guards until nobody uses the cluster any more. For `main`, with nothing running yet; the exit code is a failure when Postgres would not
/// start at all, and the log in the data folder says why.
pub fn run(args: Args) -> ExitCode {
    // a thread of its own, so that it does not matter whether `main` has a runtime already
    let guard = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(Guard::new(args)?.keep())
    });
    match guard.join() {
        Ok(Ok(code)) => code,
        Ok(Err(_)) | Err(_) => ExitCode::FAILURE,
    }
}

/// A server under guard: started by us, or found running.
enum Server {
    Child(Child),
    Adopted(Pid),
}

/// Why the guard stopped watching its server.
enum Event {
    Died(String),
    /// We hold the users' lock alone.
    Unused(Flock<File>),
}

struct Guard {
    args: Args,
    data: DataFolder,
    log: File,
    /// Opened once, so that a data folder that is moved or removed takes nothing away from its last users.
    users: Option<File>,
}

impl Guard {
    fn new(args: Args) -> io::Result<Guard> {
        let data = DataFolder::open(&args.data).map_err(io::Error::other)?;
        // made through the lock's opener so that it gets the folder's owner and follows no link
        drop(lock::open_file(&data.log())?);
        let log = OpenOptions::new().read(true).append(true).custom_flags(OFlag::O_NOFOLLOW.bits()).open(data.log())?;
        let users = Some(lock::open_file(&data.users_lock())?);
        Ok(Guard { args, data, log, users })
    }

    async fn keep(mut self) -> io::Result<ExitCode> {
        // a service manager signals every process of the service; ours ends when its users have ended
        let _ignored = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup(), SignalKind::quit()].map(signal);
        let Some(guarding) = lock::hold(&self.data.guard_lock(), Hold::Alone, Duration::from_secs(3)).await? else {
            return Ok(ExitCode::SUCCESS); // another guard was faster
        };
        let mut ever_ready = false;
        let mut failures = 0;
        let unused = loop {
            let log_start = self.log.metadata()?.len();
            let mut server = self.start()?;
            let began = Instant::now();
            let how = match self.watch(&mut server, &mut ever_ready).await? {
                Event::Unused(users) => {
                    self.stop(&mut server).await?;
                    break users;
                }
                Event::Died(how) => how,
            };
            let passing = self.is_passing(log_start);
            failures = if began.elapsed() > HEALTHY { 1 } else { failures + 1 };
            if !ever_ready && (failures >= FIRST_TRIES || !passing) {
                self.say(&format!("Postgres does not start ({how})"));
                return Ok(ExitCode::FAILURE);
            }
            // a predecessor's last statement ends soon; only a real failure deserves patience
            let delay = if passing { Duration::from_secs(1) } else { respawn_delay(failures) };
            self.say(&format!("Postgres ended ({how}), starting it again in {} s", delay.as_secs()));
            if let Some(users) = self.wait_unless_unused(delay).await {
                break users;
            }
        };
        // in this order: who gets the users' lock next must find no guard
        drop(guarding);
        drop(unused);
        Ok(ExitCode::SUCCESS)
    }

    fn start(&mut self) -> io::Result<Server> {
        let cluster = &self.args.cluster;
        if let Some(server) = Postmaster::running_in(cluster) {
            self.say(&format!("watching over Postgres, pid {}", server.pid));
            return Ok(Server::Adopted(server.pid));
        }
        self.clear_stale(&cluster.join("postmaster.pid"))?;
        self.clear_stale(&self.args.socket.join(".s.PGSQL.5432.lock"))?;
        let mut command = Command::new(self.args.bin.join("postgres"));
        command.arg("-D").arg(cluster).arg("-c").arg(socket_setting(&self.args.socket));
        for setting in POSTGRES_SETTINGS {
            command.args(["-c", setting]);
        }
        command.env_clear().envs(binaries::environment()).current_dir("/").process_group(0);
        if let (Some(uid), Some(gid)) = (self.args.uid, self.args.gid) {
            command.uid(uid).gid(gid);
        }
        command.stdin(Stdio::null()).stdout(self.log.try_clone()?).stderr(self.log.try_clone()?);
        let child = command.spawn().inspect_err(|err| self.say(&format!("cannot run postgres: {err}")))?;
        Ok(Server::Child(child))
    }

    /// Removes a lock file whose number belongs to another program by now, or to a dead process that nobody has reaped (a container's
    /// first process seldom does): Postgres would take it for a living server and refuse. A number that is gone is left to Postgres. It
    /// finds memory that is still in use either way, since the key of that is the cluster's inode.
    fn clear_stale(&self, file: &Path) -> io::Result<()> {
        let Some(pid) = postmaster::pid_in(file).filter(|pid| kill(*pid, None).is_ok()) else {
            return Ok(());
        };
        self.say(&format!("{} names {pid}, which is not our server: removing it", file.display()));
        fs::remove_file(file)
    }

    async fn watch(&mut self, server: &mut Server, ever_ready: &mut bool) -> io::Result<Event> {
        loop {
            if let Some(how) = server.ended(&self.args.cluster)? {
                return Ok(Event::Died(how));
            }
            *ever_ready = *ever_ready || Postmaster::running_in(&self.args.cluster).is_some_and(|server| server.ready);
            if let Some(users) = self.try_alone() {
                return Ok(Event::Unused(users));
            }
            let _ = self.bound_log(); // not worth a server
            sleep(TICK).await;
        }
    }

    async fn stop(&mut self, server: &mut Server) -> io::Result<()> {
        for (signal, patience) in [(Signal::SIGINT, FAST_SHUTDOWN), (Signal::SIGQUIT, Duration::from_secs(10))] {
            server.signal(signal);
            let deadline = Instant::now() + patience;
            while Instant::now() < deadline {
                if server.ended(&self.args.cluster)?.is_some() {
                    return Ok(());
                }
                sleep(Duration::from_millis(20)).await;
            }
            self.say(&format!("Postgres did not stop within {} s of {signal}", patience.as_secs()));
        }
        Ok(())
    }

    /// The users' lock, once nobody else holds it.
    fn try_alone(&mut self) -> Option<Flock<File>> {
        match Flock::lock(self.users.take()?, FlockArg::LockExclusiveNonblock) {
            Ok(alone) => Some(alone),
            Err((file, _)) => {
                self.users = Some(file);
                None
            }
        }
    }

    async fn wait_unless_unused(&mut self, delay: Duration) -> Option<Flock<File>> {
        let deadline = Instant::now() + delay;
        while Instant::now() < deadline {
            if let Some(users) = self.try_alone() {
                return Some(users);
            }
            sleep(TICK).await;
        }
        None
    }

    /// Whether the log since `start` tells of a predecessor that is still leaving.
    fn is_passing(&self, start: u64) -> bool {
        let tail = tail(&self.log, start).unwrap_or_default();
        ["shared memory block", "lock file \""].iter().any(|sign| tail.contains(sign))
    }

    fn say(&self, what: &str) {
        // nowhere to complain when the disk is full
        let _ = writeln!(&self.log, "{} sportello: {what}", jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%S UTC"));
    }

    /// Postgres goes on writing into the same open file, in append mode, hence copy and truncate.
    fn bound_log(&self) -> io::Result<()> {
        if self.log.metadata()?.len() > MAX_LOG {
            let path = self.data.log();
            let old = path.with_extension("log.1");
            let _ = fs::remove_file(&old); // a copy would write through a link
            fs::copy(&path, old)?;
            self.log.set_len(0)?;
        }
        Ok(())
    }
}

impl Server {
    /// How it ended, if it has.
    fn ended(&mut self, cluster: &Path) -> io::Result<Option<String>> {
        match self {
            Server::Child(child) => Ok(child.try_wait()?.map(|status| status.to_string())),
            Server::Adopted(pid) => Ok((!works_in(*pid, cluster)).then(|| "gone".to_owned())),
        }
    }

    fn signal(&self, signal: Signal) {
        let pid = match self {
            Server::Child(child) => child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw),
            Server::Adopted(pid) => Some(*pid),
        };
        if let Some(pid) = pid {
            let _ = kill(pid, signal); // already gone is as good
        }
    }
}

/// 1, 2, 4 … 30 s for the first, second … death in a row.
fn respawn_delay(failures: u32) -> Duration {
    Duration::from_secs(1 << failures.saturating_sub(1).min(10)).min(MAX_DELAY)
}

/// The setting is a list; quoted, a comma or a space in the path stays part of it.
fn socket_setting(folder: &Path) -> OsString {
    let mut setting = b"unix_socket_directories=\"".to_vec();
    for byte in folder.as_os_str().as_bytes() {
        setting.extend(std::iter::repeat_n(*byte, if *byte == b'"' { 2 } else { 1 }));
    }
    setting.push(b'"');
    OsString::from_vec(setting)
}

/// At most the last 4 KB of the log, not from before `start`.
pub(super) fn tail(log: &File, start: u64) -> io::Result<String> {
    let end = log.metadata()?.len();
    let start = if start > end { 0 } else { start.max(end.saturating_sub(4096)) };
    let mut bytes = vec![0; usize::try_from(end - start).unwrap_or(0)];
    let read = log.read_at(&mut bytes, start)?;
    Ok(String::from_utf8_lossy(&bytes[..read]).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_longer_each_time_up_to_half_a_minute() {
        let seconds: Vec<u64> = (1..=7).map(|failures| respawn_delay(failures).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(respawn_delay(u32::MAX).as_secs(), 30);
    }

    #[test]
    fn the_log_is_bounded() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().to_owned();
        let args = Args { data: path.clone(), cluster: path.clone(), socket: path.clone(), bin: path.clone(), uid: None, gid: None };
        let guard = Guard::new(args).expect("a guard");
        guard.log.set_len(MAX_LOG + 1).expect("a long log");
        guard.bound_log().expect("moved");
        guard.say("still here");
        let log = fs::read_to_string(path.join("postgres.log")).expect("a log");
        assert!(log.ends_with("still here\n") && log.len() < 100, "{log:?}");
        assert_eq!(path.join("postgres.log.1").metadata().expect("the old log").len(), MAX_LOG + 1);
    }

    #[test]
    fn a_path_stays_one_entry_of_the_list() {
        assert_eq!(socket_setting(Path::new("/a, \"b\"/c")), r#"unix_socket_directories="/a, ""b""/c""#);
    }
}
