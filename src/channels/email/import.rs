//! Brings in a mailbox's earlier mail, some of it at a time. Its tickets are solved and quiet: nobody is written to, nothing rings, nobody
//! waits.

use std::time::Duration;

use mail_parser::MessageParser;
use tokio::time::Instant;

use crate::app::App;
use crate::channels::email::access::{self, AccessError};
use crate::channels::email::imap;
use crate::channels::email::imap::connection::{Connection, ImapError};
use crate::channels::email::settings::Settings;
use crate::clock::Ts;
use crate::desk::changes::Change;
use crate::desk::channels::{self, Channel};
use crate::desk::deliveries::{self, Delivery, NewDelivery};
use crate::desk::envelope::Incoming;
use crate::desk::mailboxes::{self, Import};
use crate::desk::tickets::receive::{Outcome as Came, Received};
use crate::ids::ChannelId;
use crate::jobs::Outcome;

/// The door through which earlier mail comes.
pub const DOOR: &str = "import";
/// How far back an import may go, in days.
pub const MAX_DAYS: i32 = 3650;
/// After this a visit ends and another begins, so that it stays within its lease.
const VISIT: Duration = Duration::from_secs(60);
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
    #[error("{0}")]
    Imap(#[from] ImapError),
    #[error("the database did not answer: {0}")]
    Database(#[from] sqlx::Error),
    #[error("{0}")]
    Hopeless(&'static str),
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
            Outcome::Again(LATER)
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
    let mut connection = access::imap(app, &channel, &settings, &server).await?;
    let folder = connection.open_folder(&server.folder, true).await?;
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
    let ends = Instant::now() + VISIT;
    for batch in uids.chunks(BATCH) {
        if Instant::now() >= ends {
            connection.close().await;
            return Ok(Outcome::Again(0));
        }
        if !bring(app, &channel, &import, &mut connection, batch).await? {
            connection.close().await;
            return Ok(Outcome::Done);
        }
    }
    connection.close().await;
    mailboxes::end_import(&mut *app.db.acquire().await?, import.id, "done", None).await?;
    Ok(Outcome::Done)
}

/// Brings in some mails. `false`: somebody has stopped it.
async fn bring(app: &App, channel: &Channel, import: &Import, connection: &mut Connection, batch: &[u32]) -> Result<bool, ImportError> {
    let max = app.config.mail.max_mail;
    let sizes = connection.sizes(batch).await?;
    let fits = |uid: &u32| sizes.get(uid).is_some_and(|&size| usize::try_from(size).is_ok_and(|size| size <= max));
    let together: Vec<u32> = batch.iter().copied().filter(fits).collect();
    let bytes: usize = together.iter().filter_map(|uid| usize::try_from(sizes[uid]).ok()).sum();
    // One by one where a few of them are large.
    let groups: Vec<&[u32]> = if bytes > max { together.chunks(1).collect() } else { together.chunks(BATCH).collect() };
    let recipients: Vec<String> = channel.address.iter().cloned().collect();
    for group in groups {
        let mut mails = connection.bodies(group).await?;
        for &uid in group {
            let Some(raw) = mails.remove(&uid) else { continue };
            let mut tx = app.db.begin().await?;
            let new = NewDelivery { channel: channel.id, door: DOOR, envelope_from: None, envelope_to: &recipients, raw: &raw };
            let delivery = deliveries::store(&mut tx, new).await?;
            if !mailboxes::advance_import(&mut tx, import.id, i64::from(uid), 1).await? {
                return Ok(false);
            }
            tx.commit().await?;
            if let Err(error) = crate::channels::process(app, delivery).await {
                tracing::warn!(%delivery, %error, "an earlier mail is stored but not understood yet; a worker tries again");
            }
        }
    }
    // Those that are gone or too large count as looked at.
    let left = i32::try_from(batch.len() - together.len()).unwrap_or_default();
    let last = batch.last().copied().map_or(import.last_uid, i64::from);
    Ok(mailboxes::advance_import(&mut *app.db.acquire().await?, import.id, last, left).await?)
}

/// Puts what has become of an earlier mail back into its time.
pub async fn settle(change: &mut Change, delivery: &Delivery, incoming: &Incoming, received: &Received) -> sqlx::Result<()> {
    if received.outcome == Came::Duplicate {
        return Ok(());
    }
    let automatic = incoming.automatic.as_deref().is_some_and(|reason| reason != DOOR);
    let at = written_at(&delivery.raw).unwrap_or(delivery.received_at);
    mailboxes::settle_imported(change, received.ticket, received.message, received.outcome == Came::Created, automatic, at).await
}

/// When a mail says it was written, if that can be.
fn written_at(raw: &[u8]) -> Option<Ts> {
    const EARLIEST: i64 = 700_000_000;
    let seconds = MessageParser::new().parse_headers(raw)?.date()?.to_timestamp();
    let at = jiff::Timestamp::from_second(seconds).ok().filter(|_| seconds > EARLIEST)?;
    Some(Ts(at)).filter(|at| Ts::now().seconds_since(*at) >= 0)
}
