//! What `postmaster.pid` says, and whether it still tells the truth.

use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::signal;
use nix::unistd::Pid;

/// The contents of a cluster's `postmaster.pid`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Postmaster {
    pub pid: Pid,
    /// Folder of its Unix socket.
    pub socket: PathBuf,
    pub port: u16,
    pub ready: bool,
}

impl Postmaster {
    /// The server that truly runs in `cluster`; `None` also where the file is left over from one that died, or is not whole yet.
    pub fn running_in(cluster: &Path) -> Option<Postmaster> {
        let text = fs::read_to_string(cluster.join("postmaster.pid")).ok()?;
        Self::parse(&text).filter(|server| works_in(server.pid, cluster))
    }

    /// Lines as in PostgreSQL's `pidfile.h`: pid, data folder, start, port, socket folder, address, shared memory, state.
    fn parse(text: &str) -> Option<Postmaster> {
        let lines: Vec<&str> = text.lines().collect();
        let line = |number: usize| lines.get(number - 1).copied().unwrap_or_default().trim();
        Some(Postmaster {
            pid: parse_pid(line(1))?,
            port: line(4).parse().unwrap_or(0),
            socket: PathBuf::from(line(5)),
            ready: line(8) == "ready",
        })
    }
}

/// The number in the first line of one of Postgres' lock files, whether or not it lives.
pub(super) fn pid_in(file: &Path) -> Option<Pid> {
    parse_pid(fs::read_to_string(file).ok()?.lines().next()?.trim())
}

/// Only what may be signalled: zero and negative numbers mean whole groups.
fn parse_pid(text: &str) -> Option<Pid> {
    text.parse().ok().filter(|pid| *pid > 1).map(Pid::from_raw)
}

/// Whether the process is a Postgres that works in this cluster, and not one that inherited the number.
pub(super) fn works_in(pid: Pid, cluster: &Path) -> bool {
    let process = PathBuf::from(format!("/proc/{pid}"));
    if !Path::new("/proc/self/cmdline").exists() {
        // no procfs: whoever has the number is believed, connecting will tell
        return signal::kill(pid, None).is_ok();
    }
    // a command line is open to everyone, while another user's cwd is not, even to root in most containers
    let Ok(command) = fs::read(process.join("cmdline")) else {
        return false;
    };
    let words: Vec<&[u8]> = command.split(|byte| *byte == 0).collect();
    let program = words.first().copied().unwrap_or_default();
    let name = program.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    if name != b"postgres" && name != b"postmaster" {
        return false;
    }
    words.contains(&cluster.as_os_str().as_encoded_bytes()) || fs::read_link(process.join("cwd")).is_ok_and(|folder| folder == cluster)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn reads_the_file_as_far_as_it_is_written() {
        let text = "4711\n/data/postgres/cluster\n1700000000\n5432\n/data/postgres/socket\n\n  12345 7\nready   \n";
        let server = Postmaster::parse(text).unwrap();
        assert_eq!(server.pid.as_raw(), 4711);
        assert_eq!(server.socket, Path::new("/data/postgres/socket"));
        assert!(server.ready);
        assert!(!Postmaster::parse("4711\n/data\n1\n5432\n").unwrap().ready);
        // a negative or tiny number must never be signalled
        for bad in ["", "\n", "-1\n", "0\n", "1\n", "x\n"] {
            assert_eq!(Postmaster::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn another_program_with_the_same_number_is_not_postgres() {
        assert!(!works_in(Pid::this(), &std::env::current_dir().unwrap()));
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("postmaster.pid"), format!("{}\n{}\n", Pid::this(), folder.path().display())).unwrap();
        assert_eq!(pid_in(&folder.path().join("postmaster.pid")), Some(Pid::this()));
        assert_eq!(Postmaster::running_in(folder.path()), None);
    }
}
