//! Locks that the kernel gives back when their holder dies, however it dies.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown};
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag};
use tokio::time::{Instant, sleep};

/// How much of a lock file is read; we write two short lines.
const MAX_TEXT: u64 = 1024;

/// Held by the one `serve` of a data folder.
#[derive(Debug)]
pub struct ServeLock {
    file: Flock<File>,
}

/// Why a [`ServeLock`] could not be had.
#[derive(Debug, thiserror::Error)]
pub enum ServeLockError {
    /// Another process serves this data folder.
    #[error("Sportello already runs here (pid {pid}, {text})")]
    AlreadyRunning {
        /// 0 when the other has not written it yet.
        pid: u32,
        /// What the other said of itself, usually its address.
        text: String,
    },
    /// The file could not be made, locked or written.
    #[error("cannot lock {path}: {source}")]
    Io { path: String, source: io::Error },
}

impl ServeLock {
    /// Takes `serve.lock` in `data_dir` (which is made if need be) and leaves our pid and `text` in it for whoever comes second.
    pub fn acquire(data_dir: &Path, text: &str) -> Result<ServeLock, ServeLockError> {
        let path = data_dir.join("serve.lock");
        let failed = |source| ServeLockError::Io { path: path.display().to_string(), source };
        std::fs::create_dir_all(data_dir).map_err(failed)?;
        let mut file = open_file(&path).map_err(failed)?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(file) => {
                let mut lock = ServeLock { file };
                lock.announce(text).map_err(failed)?;
                Ok(lock)
            }
            Err((taken, Errno::EWOULDBLOCK)) => {
                file = taken;
                let mut said = String::new();
                (&mut file).take(MAX_TEXT).read_to_string(&mut said).map_err(failed)?;
                let (pid, text) = said.split_once('\n').unwrap_or_default();
                Err(ServeLockError::AlreadyRunning { pid: pid.parse().unwrap_or(0), text: text.trim().to_owned() })
            }
            Err((_, errno)) => Err(failed(errno.into())),
        }
    }

    /// Replaces the text, once the address is known for certain.
    pub fn announce(&mut self, text: &str) -> io::Result<()> {
        let said = format!("{}\n{text}\n", std::process::id());
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(said.as_bytes())
    }
}

/// Opens or makes a lock file. When root makes it in somebody's folder it becomes theirs, so that they can start without root later.
pub(super) fn open_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600).custom_flags(OFlag::O_NOFOLLOW.bits());
    match options.clone().create_new(true).open(path) {
        Ok(file) => {
            if nix::unistd::geteuid().is_root()
                && let Some(folder) = path.parent()
            {
                let owner = folder.metadata()?;
                fchown(&file, Some(owner.uid()), Some(owner.gid()))?;
            }
            Ok(file)
        }
        Err(err) if err.kind() == io::ErrorKind::AlreadyExists => options.open(path),
        Err(err) => Err(err),
    }
}

/// Whether several may hold the lock at once.
#[derive(Debug, Clone, Copy)]
pub(super) enum Hold {
    Shared,
    Alone,
}

/// The lock, or `None` when somebody else's hold forbids it at this moment.
pub(super) fn try_hold(path: &Path, hold: Hold) -> io::Result<Option<Flock<File>>> {
    let arg = match hold {
        Hold::Shared => FlockArg::LockSharedNonblock,
        Hold::Alone => FlockArg::LockExclusiveNonblock,
    };
    match Flock::lock(open_file(path)?, arg) {
        Ok(lock) => Ok(Some(lock)),
        Err((_, Errno::EWOULDBLOCK)) => Ok(None),
        Err((_, errno)) => Err(errno.into()),
    }
}

/// Waits for the lock, at most `patience`; `None` when that was not enough. Polls, since flock itself knows no time-out.
pub(super) async fn hold(path: &Path, hold: Hold, patience: Duration) -> io::Result<Option<Flock<File>>> {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(lock) = try_hold(path, hold)? {
            return Ok(Some(lock));
        }
        if Instant::now() >= deadline {
            return Ok(None);
        }
        sleep(Duration::from_millis(15)).await;
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn the_second_learns_who_is_first() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = ServeLock::acquire(folder.path(), "starting").unwrap();
        first.announce("http://localhost:8080").unwrap();
        let second = ServeLock::acquire(folder.path(), "http://localhost:9090").unwrap_err();
        assert_eq!(second.to_string(), format!("Sportello already runs here (pid {}, http://localhost:8080)", std::process::id()));
        drop(first);
        ServeLock::acquire(folder.path(), "again").unwrap();
    }

    #[test]
    fn a_lock_file_behind_a_link_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(folder.path().join("elsewhere"), folder.path().join("serve.lock")).unwrap();
        assert!(matches!(ServeLock::acquire(folder.path(), ""), Err(ServeLockError::Io { .. })));
    }
}
