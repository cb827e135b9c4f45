//! Processor time and memory from /proc: of the server, and of Postgres with everything it has started and seen end.

use std::fs;

/// Processor seconds since the processes began.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    pub server: f64,
    pub postgres: f64,
}

impl std::ops::Sub for Usage {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self { server: self.server - before.server, postgres: self.postgres - before.postgres }
    }
}

/// Whom to look at.
#[derive(Debug, Clone, Copy)]
pub struct Watched {
    /// `None`: this very process.
    pub server: Option<u32>,
    pub postmaster: u32,
}

impl Watched {
    /// What they have used so far. A backend that ends is counted on by the postmaster, which waits for it.
    pub fn usage(self) -> Usage {
        let server = self.server.unwrap_or_else(std::process::id);
        let postmaster = stat(self.postmaster).map_or(0.0, |stat| stat.own + stat.ended_children);
        let children = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = children.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let backends: f64 = pids.filter_map(stat).filter(|stat| stat.parent == self.postmaster).map(|stat| stat.own).sum();
        Usage { server: stat(server).map_or(0.0, |stat| stat.own), postgres: postmaster + backends }
    }
}

struct Stat {
    parent: u32,
    own: f64,
    ended_children: f64,
}

/// Ticks of `/proc/<pid>/stat` are hundredths of a second on every Linux that matters here.
const TICKS: f64 = 100.0;

fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in brackets may hold spaces.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let seconds = |at: usize| fields.get(at).and_then(|ticks| ticks.parse::<f64>().ok()).map(|ticks| ticks / TICKS);
    Some(Stat { parent: fields.get(1)?.parse().ok()?, own: seconds(11)? + seconds(12)?, ended_children: seconds(13)? + seconds(14)? })
}

/// The parent of a process.
pub fn parent(pid: u32) -> Option<u32> {
    stat(pid).map(|stat| stat.parent)
}

/// A line of `/proc/<pid>/status` such as `VmRSS`, in megabytes.
pub fn memory(pid: u32, line: &str) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let value = text.lines().find_map(|each| each.strip_prefix(line)?.strip_prefix(':')?.split_whitespace().next()?.parse::<f64>().ok());
    value.unwrap_or(0.0) / 1024.0
}
