//! The table.

use std::fmt::Write as _;
use std::fs;

use sportello::database::Database;

use crate::client::Measured;
use crate::usage::Usage;

/// One measure of one page.
pub struct Line {
    pub size: String,
    pub name: &'static str,
    pub connections: usize,
    pub measured: Measured,
    pub used: Usage,
}

impl Line {
    fn milliseconds(&self, seconds: f64) -> f64 {
        seconds * 1000.0 / self.measured.requests.max(1) as f64
    }

    /// For whoever watches.
    pub fn brief(&self) -> String {
        let Measured { per_second, p50, p99, .. } = self.measured;
        let cpu = self.milliseconds(self.used.server + self.used.postgres);
        format!("{:<24} {:>3} conn {per_second:>8.0}/s  p50 {p50:>7.2}  p99 {p99:>7.2} ms  cpu {cpu:>6.2} ms", self.name, self.connections)
    }
}

/// What a run found.
#[derive(Default)]
pub struct Report {
    /// About the machine.
    pub facts: String,
    pub lines: Vec<Line>,
    pub notes: Vec<String>,
    /// The table of live chat, as Markdown.
    pub chats: String,
}

impl Report {
    /// As Markdown.
    pub fn text(&self) -> String {
        let mut text = format!("{}\n\n", self.facts);
        // A String takes whatever is written.
        if !self.lines.is_empty() {
            text += "| Tickets | Page | Connections | Requests/s | p50 ms | p99 ms | slowest ms | CPU ms: server | CPU ms: Postgres | CPU ms: both | Bytes |\n";
            text += "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n";
        }
        for line in &self.lines {
            let Measured { per_second, p50, p99, slowest, bytes, .. } = line.measured;
            let (server, postgres) = (line.milliseconds(line.used.server), line.milliseconds(line.used.postgres));
            let _ = writeln!(
                text,
                "| {} | {} | {} | {per_second:.0} | {p50:.2} | {p99:.2} | {slowest:.1} | {server:.2} | {postgres:.2} | {:.2} | {bytes} |",
                line.size,
                line.name,
                line.connections,
                server + postgres
            );
        }
        for note in &self.notes {
            let _ = write!(text, "\n{note}\n");
        }
        if !self.chats.is_empty() {
            let _ = write!(text, "\n{}", self.chats);
        }
        text
    }
}

/// The machine and the database, in a line.
pub fn facts(database: &Database) -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':')).map_or("unknown processor", |(_, name)| name.trim());
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let description = database.describe();
    let version = description.rsplit_once('(').map_or(description.as_str(), |(_, version)| version.trim_end_matches(')'));
    let day = jiff::Zoned::now().date();
    format!("{day}, {cores} cores of {model}, {version}, fsync on; load generator, server and Postgres on the same machine.")
}
