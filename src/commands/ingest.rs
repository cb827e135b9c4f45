//! `sportello ingest`: mail from a pipe, a Maildir or an mbox file becomes tickets. One line of JSON per message goes to standard output.
//!
//! Exit codes are those of sysexits.h that mail servers act on: 0, the message is stored (or dropped on purpose); 75, not now, and the
//! mail server keeps it and tries again; 65, the message is larger than the desk takes and its sender is to know. An unknown channel is
//! 75 too, since a typo in a configuration must not bounce customers' mail; and so is an empty input, since no mail is empty: something
//! went wrong on the way, and whoever holds the real one is to try again.

mod mbox;

use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::io::AsyncReadExt as _;

use crate::app::App;
use crate::channels::{self, Outcome};
use crate::desk::channels as rows;
use crate::desk::deliveries::{self, NewDelivery};
use crate::desk::kinds::ChannelKind;
use crate::ids::ChannelId;

/// EX_TEMPFAIL: keep the message and try again.
pub const TRY_AGAIN: u8 = 75;
/// EX_DATAERR: no attempt will help.
pub const REFUSED: u8 = 65;

/// Which mail, and for which mailbox.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Exit codes: 0 stored, or dropped on purpose; 75 try again later (also an unknown mailbox, or nothing on standard input); \
65 larger than the desk takes.\nTo be called by Postfix: pipe flags=R null_sender= argv=sportello ingest --channel help@example.com --envelope-from ${sender} --envelope-to ${original_recipient}"
)]
pub struct IngestArgs {
    /// Name or address of the mailbox that the mail belongs to
    #[arg(long)]
    pub channel: String,
    /// Sender of the SMTP envelope; empty for bounces
    #[arg(long)]
    pub envelope_from: Option<String>,
    /// Recipient of the SMTP envelope; may be given several times
    #[arg(long)]
    pub envelope_to: Vec<String>,
    /// Import all messages of this Maildir instead of one from standard input
    #[arg(long, conflicts_with = "mbox")]
    pub maildir: Option<PathBuf>,
    /// Import all messages of this mbox file instead of one from standard input
    #[arg(long)]
    pub mbox: Option<PathBuf>,
}

/// Why a message was not taken.
#[derive(Debug, thiserror::Error)]
enum IngestError {
    #[error("{0}")]
    TryAgain(String),
    #[error("the message has more than {0} bytes")]
    TooBig(usize),
}

impl From<sqlx::Error> for IngestError {
    fn from(error: sqlx::Error) -> Self {
        Self::TryAgain(format!("the database did not answer: {error}"))
    }
}

impl From<io::Error> for IngestError {
    fn from(error: io::Error) -> Self {
        Self::TryAgain(error.to_string())
    }
}

/// Takes in what the arguments name. See the module for the exit codes.
pub async fn run(app: &App, args: &IngestArgs) -> ExitCode {
    ExitCode::from(match take_all(app, args).await {
        Ok(code) => code,
        Err(error) => {
            say(&format!("sportello ingest: {error}"));
            match error {
                IngestError::TryAgain(_) => TRY_AGAIN,
                IngestError::TooBig(_) => REFUSED,
            }
        }
    })
}

/// A line for the operator. A closed standard error must not lose mail.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

async fn take_all(app: &App, args: &IngestArgs) -> Result<u8, IngestError> {
    let mut db = app.db.acquire().await?;
    let channel = rows::find_by_name(&mut db, &args.channel).await?;
    let names = || async {
        let mut db = app.db.acquire().await?;
        let all = rows::list(&mut db).await?;
        Ok::<_, sqlx::Error>(
            all.into_iter().filter(|channel| channel.kind == ChannelKind::Email).map(|channel| channel.name).collect::<Vec<_>>(),
        )
    };
    let channel = match channel {
        Some(channel) if channel.kind == ChannelKind::Email => channel.id,
        Some(_) | None => {
            drop(db);
            return Err(IngestError::TryAgain(format!("there is no mailbox “{}”; there are: {}", args.channel, names().await?.join(", "))));
        }
    };
    drop(db);
    match (&args.maildir, &args.mbox) {
        (Some(folder), _) => import_maildir(app, channel, args, folder).await,
        (None, Some(file)) => import_mbox(app, channel, args, file).await,
        (None, None) => {
            let raw = bounded(tokio::io::stdin(), app.config.mail.max_mail).await?;
            if raw.trim_ascii().is_empty() {
                return Err(IngestError::TryAgain("there is nothing on standard input".to_owned()));
            }
            take(app, channel, args, &raw).await?;
            Ok(0)
        }
    }
}

/// Reads to the end, but never more than `max` bytes.
async fn bounded(reader: impl tokio::io::AsyncRead + Unpin, max: usize) -> Result<Vec<u8>, IngestError> {
    let mut raw = Vec::new();
    let limit = u64::try_from(max).unwrap_or(u64::MAX);
    let mut reader = reader.take(limit.saturating_add(1));
    reader.read_to_end(&mut raw).await?;
    if raw.len() > max { Err(IngestError::TooBig(max)) } else { Ok(raw) }
}

/// Stores one message, understands it and prints its line.
async fn take(app: &App, channel: ChannelId, args: &IngestArgs, raw: &[u8]) -> Result<Outcome, IngestError> {
    let envelope_from = args.envelope_from.as_deref().map(|address| address.trim_start_matches('<').trim_end_matches('>'));
    let new = NewDelivery { channel, door: "ingest", envelope_from, envelope_to: &args.envelope_to, raw };
    let delivery = deliveries::store(&mut *app.db.acquire().await?, new).await?;
    // It is stored and a worker would see to it; asking to be called again is right all the same, since only then the line
    // that was promised can be printed. The second copy is found by its Message-ID.
    let processed = channels::process(app, delivery).await.map_err(|error| IngestError::TryAgain(error.to_string()))?;
    if let Ok(line) = serde_json::to_string(&processed) {
        let _ = writeln!(io::stdout(), "{line}");
    }
    Ok(processed.outcome)
}

/// How an import went.
#[derive(Debug, Default)]
struct Tally {
    created: usize,
    appended: usize,
    duplicate: usize,
    dropped: usize,
    too_big: usize,
}

impl Tally {
    fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Created => self.created += 1,
            Outcome::Appended => self.appended += 1,
            Outcome::Duplicate => self.duplicate += 1,
            Outcome::Dropped => self.dropped += 1,
        }
    }

    fn finish(&self, bar: &ProgressBar) -> u8 {
        bar.finish_and_clear();
        let Self { created, appended, duplicate, dropped, too_big } = self;
        say(&format!(
            "{created} new tickets, {appended} messages added to tickets, {duplicate} known already, {dropped} dropped, {too_big} too large"
        ));
        if self.too_big > 0 { REFUSED } else { 0 }
    }
}

fn bar(length: u64, template: &str) -> ProgressBar {
    let bar = ProgressBar::new(length);
    if !io::stderr().is_terminal() {
        bar.set_draw_target(indicatif::ProgressDrawTarget::hidden());
    }
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

async fn import_maildir(app: &App, channel: ChannelId, args: &IngestArgs, folder: &Path) -> Result<u8, IngestError> {
    let mut files = Vec::new();
    for part in ["cur", "new"] {
        let part = folder.join(part);
        let mut entries =
            tokio::fs::read_dir(&part).await.map_err(|error| IngestError::TryAgain(format!("{}: {error}", part.display())))?;
        while let Some(entry) = entries.next_entry().await? {
            if !entry.file_name().to_string_lossy().starts_with('.') && entry.file_type().await?.is_file() {
                files.push(entry.path());
            }
        }
    }
    // Names begin with the time of delivery: what was answered comes before the answer.
    files.sort_by(|a, b| a.file_name().cmp(&b.file_name()));
    let bar = bar(u64::try_from(files.len()).unwrap_or(0), "{wide_bar} {pos}/{len} messages, {eta} left");
    let mut tally = Tally::default();
    for path in files {
        let file = tokio::fs::File::open(&path).await.map_err(|error| IngestError::TryAgain(format!("{}: {error}", path.display())))?;
        match bounded(file, app.config.mail.max_mail).await {
            Ok(raw) => tally.count(take(app, channel, args, &raw).await?),
            Err(error @ IngestError::TooBig(_)) => {
                bar.suspend(|| say(&format!("{}: {error}", path.display())));
                tally.too_big += 1;
            }
            Err(error @ IngestError::TryAgain(_)) => return Err(error),
        }
        bar.inc(1);
    }
    Ok(tally.finish(&bar))
}

async fn import_mbox(app: &App, channel: ChannelId, args: &IngestArgs, path: &Path) -> Result<u8, IngestError> {
    let unreadable = |error: io::Error| IngestError::TryAgain(format!("{}: {error}", path.display()));
    let file = tokio::fs::File::open(path).await.map_err(unreadable)?;
    let length = file.metadata().await.map_err(unreadable)?.len();
    let mut messages = mbox::Messages::new(tokio::io::BufReader::with_capacity(256 * 1024, file), app.config.mail.max_mail);
    let bar = bar(length, "{wide_bar} {bytes}/{total_bytes}, {eta} left");
    let mut tally = Tally::default();
    while let Some(message) = messages.next().await.map_err(unreadable)? {
        match message {
            Some(raw) => tally.count(take(app, channel, args, &raw).await?),
            None => {
                let error = IngestError::TooBig(app.config.mail.max_mail);
                bar.suspend(|| say(&format!("before byte {}: {error}", messages.position())));
                tally.too_big += 1;
            }
        }
        bar.set_position(messages.position());
    }
    Ok(tally.finish(&bar))
}
