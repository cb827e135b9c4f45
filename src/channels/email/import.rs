//! Brings in a mailbox's earlier mail, some of it at a time. Its tickets are solved and quiet: nobody is written to, nothing rings, nobody
//! waits.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::time::Duration;

use mail_parser::MessageParser;
use tokio::time::Instant;

use crate::app::App;
use crate::channels::email::access::{self, AccessError};
use crate::channels::email::imap;
use crate::channels::email::imap::connection::{Connection, Folder, ImapError};
use crate::channels::email::settings::{ImapSettings, Settings};
use crate::clock::Ts;
use crate::desk::changes::Change;
use crate::desk::channels::{self, Channel};
use crate::desk::deliveries::{self, Delivery, NewDelivery};
use crate::desk::envelope::Incoming;
use crate::desk::mailboxes::{self, Import, Settled};
use crate::desk::tickets::receive::{Outcome as Came, Received};
use crate::ids::ChannelId;
use crate::jobs::Outcome;
use crate::text::excerpts::excerpt;
use crate::text::quotes;

/// The door through which earlier mail comes.
pub const DOOR: &str = "import";
/// How far back an import may go, in days.
pub const MAX_DAYS: i32 = 3650;
/// After this a visit ends and another begins, so that it stays within its lease.
const VISIT: Duration = Duration::from_secs(60);
/// For mails that are fetched one by one, what a visit may take beyond that.
const GRACE: Duration = Duration::from_secs(30);
/// Mails fetched at once.
const BATCH: usize = 20;
/// Seconds until a mailbox that cannot be reached is tried again.
const LATER: i64 = 60;
/// Seconds until another look whether the mailbox has been visited for the first time.
const SOON: i64 = 5;

/// Why it does not go on.
#[derive(Debug, thiserror::Error)]
enum ImportError {
    #[error("{0}")]
    Access(#[from] AccessError),
    #[error("the database did not answer: {0}")]
    Database(#[from] sqlx::Error),
    #[error("{0}")]
    Hopeless(&'static str),
}

impl From<ImapError> for ImportError {
    fn from(error: ImapError) -> Self {
        Self::Access(error.into())
    }
}

/// One visit for earlier mail.
pub async fn run(app: &App, id: ChannelId) -> Outcome {
    match visit(app, id).await {
        Ok(outcome) => outcome,
        Err(ImportError::Hopeless(words)) => {
            let ended = async {
                let mut db = app.db.acquire().await?;
                if let Some(import) = mailboxes::newest_import(&mut db, id).await? {
                    mailboxes::end_import(&mut db, import.id, "failed", Some(words)).await?;
                }
                Ok::<_, sqlx::Error>(())
            };
            match ended.await {
                Ok(()) => Outcome::Done,
                Err(error) => Outcome::Retry(error.to_string()),
            }
        }
        Err(error) => {
            tracing::warn!(channel = %id, %error, "earlier mail cannot be brought in at the moment");
            let rest = match &error {
                ImportError::Access(error) => error.rest(),
                _ => None,
            };
            Outcome::Again(rest.unwrap_or(LATER))
        }
    }
}

async fn visit(app: &App, id: ChannelId) -> Result<Outcome, ImportError> {
    let mut db = app.db.acquire().await?;
    let Some(mut import) = mailboxes::newest_import(&mut db, id).await?.filter(Import::runs) else { return Ok(Outcome::Done) };
    let channel = channels::find(&mut db, id).await?.filter(|channel| channel.enabled);
    drop(db);
    let Some(channel) = channel else { return Err(ImportError::Hopeless("The mailbox is switched off.")) };
    let settings = Settings::of(&channel);
    let Some(server) = settings.imap.clone() else {
        return Err(ImportError::Hopeless("The mailbox is not fetched from a server any more."));
    };
    // What came later is the ordinary visits' to bring in.
    let Some((validity, read)) = imap::read_up_to(&channel, &server) else { return Ok(Outcome::Again(SOON)) };
    let road = Road { app, channel: &channel, settings: &settings, server: &server, ends: Instant::now() + VISIT };
    let (mut connection, folder) = road.connect().await?;
    if folder.uid_validity != validity {
        return Ok(Outcome::Again(SOON));
    }
    let since = import.began_at.plus_seconds(-i64::from(import.days) * 86_400).0.strftime("%-d-%b-%Y").to_string();
    let mut uids = connection.uids_since(&since).await?;
    uids.sort_unstable();
    if import.ceiling == 0 {
        uids.retain(|&uid| uid <= read);
        let total = i32::try_from(uids.len()).unwrap_or(i32::MAX);
        import.ceiling = i64::from(read.max(1));
        let mut db = app.db.acquire().await?;
        mailboxes::measure_import(&mut db, import.id, i64::from(validity), import.ceiling, total).await?;
    } else if import.uid_validity != i64::from(validity) {
        return Err(ImportError::Hopeless(
            "The server has numbered its mails anew in the meantime. Begin once more: nothing comes in twice.",
        ));
    }
    uids.retain(|&uid| i64::from(uid) > import.last_uid && i64::from(uid) <= import.ceiling);
    for batch in uids.chunks(BATCH) {
        if let ControlFlow::Break(outcome) = road.bring(&import, &mut connection, batch).await? {
            connection.close().await;
            return Ok(outcome);
        }
    }
    connection.close().await;
    mailboxes::end_import(&mut *app.db.acquire().await?, import.id, "done", None).await?;
    Ok(Outcome::Done)
}

/// The way to a mailbox, for one visit.
struct Road<'a> {
    app: &'a App,
    channel: &'a Channel,
    settings: &'a Settings,
    server: &'a ImapSettings,
    /// When another visit is to go on.
    ends: Instant,
}

/// Whether a visit goes on, or what becomes of it.
type Flow = ControlFlow<Outcome>;

/// How to go on, by whether the import still runs.
fn flow(runs: bool) -> Flow {
    if runs { ControlFlow::Continue(()) } else { ControlFlow::Break(Outcome::Done) }
}

impl Road<'_> {
    async fn connect(&self) -> Result<(Connection, Folder), ImportError> {
        let mut connection = access::imap(self.app, self.channel, self.settings, self.server).await?;
        let folder = connection.open_folder(&self.server.folder, true).await?;
        Ok((connection, folder))
    }

    /// Leaves off where there is no time left; what has come in counts.
    fn in_time(&self, grace: Duration) -> Flow {
        if Instant::now() < self.ends + grace { ControlFlow::Continue(()) } else { ControlFlow::Break(Outcome::Again(0)) }
    }

    /// Brings in some mails.
    async fn bring(&self, import: &Import, connection: &mut Connection, batch: &[u32]) -> Result<Flow, ImportError> {
        let next = self.in_time(Duration::ZERO);
        if next.is_break() {
            return Ok(next);
        }
        let max = self.app.config.mail.max_mail;
        let sizes = connection.sizes(batch).await?;
        let fits = |uid: &u32| sizes.get(uid).is_some_and(|&size| usize::try_from(size).is_ok_and(|size| size <= max));
        let together: Vec<u32> = batch.iter().copied().filter(fits).collect();
        let bytes: usize = together.iter().filter_map(|uid| usize::try_from(sizes[uid]).ok()).sum();
        // One by one where a few of them are large.
        let groups: Vec<&[u32]> = if bytes > max { together.chunks(1).collect() } else { together.chunks(BATCH).collect() };
        for group in groups {
            let next = match connection.bodies(group).await {
                Ok(mails) => self.keep_all(import, group, mails).await?,
                Err(error) => {
                    // One of them breaks the conversation, or the network did: one by one, so that it stops only itself.
                    tracing::warn!(channel = %self.channel.id, %error, "cannot fetch a batch of earlier mails at once; trying them one by one");
                    self.bring_each(import, connection, group).await?
                }
            };
            if next.is_break() {
                return Ok(next);
            }
        }
        // Those that are gone or too large count as looked at.
        let left = i32::try_from(batch.len() - together.len()).unwrap_or_default();
        let last = batch.last().copied().map_or(import.last_uid, i64::from);
        Ok(flow(mailboxes::advance_import(&mut *self.app.db.acquire().await?, import.id, last, left).await?))
    }

    /// Brings in mails one at a time, on a new connection; one that cannot be fetched stays where it is, and the import says so.
    async fn bring_each(&self, import: &Import, connection: &mut Connection, group: &[u32]) -> Result<Flow, ImportError> {
        *connection = self.connect().await?.0;
        for &uid in group {
            let next = match connection.bodies(&[uid]).await {
                Ok(mails) => self.keep_all(import, &[uid], mails).await?,
                Err(error) => {
                    // If the server is gone altogether this fails, and the mail is asked for again at the next visit.
                    *connection = self.connect().await?.0;
                    self.leave_out(import, connection, uid, &error).await?
                }
            };
            // A batch that hung has used the time up, and each visit must come further.
            let next = if next.is_break() { next } else { self.in_time(GRACE) };
            if next.is_break() {
                return Ok(next);
            }
        }
        Ok(flow(true))
    }

    async fn keep_all(&self, import: &Import, group: &[u32], mut mails: HashMap<u32, Vec<u8>>) -> Result<Flow, ImportError> {
        let recipients: Vec<String> = self.channel.address.iter().cloned().collect();
        for &uid in group {
            let Some(raw) = mails.remove(&uid) else { continue };
            let mut tx = self.app.db.begin().await?;
            let new = NewDelivery { channel: self.channel.id, door: DOOR, envelope_from: None, envelope_to: &recipients, raw: &raw };
            let delivery = deliveries::store(&mut tx, new).await?;
            if !mailboxes::advance_import(&mut tx, import.id, i64::from(uid), 1).await? {
                return Ok(flow(false));
            }
            tx.commit().await?;
            if let Err(error) = crate::channels::process(self.app, delivery).await {
                tracing::warn!(%delivery, %error, "an earlier mail is stored but not understood yet; a worker tries again");
            }
        }
        Ok(flow(true))
    }

    /// Goes past a mail, with words by which a person finds it.
    async fn leave_out(&self, import: &Import, connection: &mut Connection, uid: u32, error: &ImapError) -> Result<Flow, ImportError> {
        let name = match connection.header(uid).await {
            Ok(header) => header.as_deref().and_then(named),
            Err(_) => {
                *connection = self.connect().await?.0;
                None
            }
        };
        let name = name.unwrap_or_else(|| format!("Mail number {uid}"));
        let words = format!("{name} could not be fetched and stays in the mailbox: {}.", excerpt(&error.to_string(), 200));
        let mut tx = self.app.db.begin().await?;
        mailboxes::note_import(&mut tx, import.id, &words).await?;
        if !mailboxes::advance_import(&mut tx, import.id, i64::from(uid), 1).await? {
            return Ok(flow(false));
        }
        tx.commit().await?;
        Ok(flow(true))
    }
}

/// What a mail is called, by its header.
fn named(header: &[u8]) -> Option<String> {
    let message = MessageParser::new().parse_headers(header)?;
    let subject = message.subject().filter(|subject| !subject.trim().is_empty())?;
    let from = message.from().and_then(|from| from.first()?.address().map(str::to_owned)).unwrap_or_default();
    Some(format!("“{}” from {}", excerpt(subject, 100), excerpt(&from, 100)))
}

/// Puts what has become of an earlier mail back into its time.
pub async fn settle(change: &mut Change, delivery: &Delivery, incoming: &Incoming, received: &Received) -> sqlx::Result<()> {
    if received.outcome == Came::Duplicate {
        return Ok(());
    }
    let (new, quiet) = (received.outcome == Came::Created, incoming.envelope.report.is_some());
    let excerpt = excerpt(&quotes::new_text(&incoming.body, &incoming.quote), 200);
    let automatic = incoming.automatic.as_deref().is_some_and(|reason| reason != DOOR);
    let at = written_at(&delivery.raw).unwrap_or(delivery.received_at);
    let settled = Settled { ticket: received.ticket, message: received.message, automatic, at };
    match new {
        true => mailboxes::settle_created(change, &settled).await,
        false => mailboxes::settle_appended(change, &settled, Some(&*excerpt).filter(|_| !quiet)).await,
    }
}

/// When a mail says it was written, if that can be.
fn written_at(raw: &[u8]) -> Option<Ts> {
    const EARLIEST: i64 = 700_000_000;
    let seconds = MessageParser::new().parse_headers(raw)?.date()?.to_timestamp();
    let at = jiff::Timestamp::from_second(seconds).ok().filter(|_| seconds > EARLIEST)?;
    Some(Ts(at)).filter(|at| Ts::now().seconds_since(*at) >= 0)
}
