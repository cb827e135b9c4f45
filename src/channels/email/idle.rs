//! Waits at mailboxes for new mail (IMAP IDLE, RFC 2177): one connection per mailbox, in one process at a time. It only says that there is
//! something; who fetches is always the mailbox's one job.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::channels::email::access::{self, AccessError};
use crate::channels::email::imap::connection::{Heard, ImapError};
use crate::channels::email::settings::{Secrets, Settings};
use crate::desk::channels::{self as rows, Channel};
use crate::desk::kinds::ChannelKind;
use crate::desk::mailboxes;
use crate::ids::ChannelId;
use crate::jobs::{self, Job};
use crate::live::Signal;
use crate::secrets;

/// How often the watch over the mailboxes is kept or taken.
const TURN: Duration = Duration::from_secs(5);
/// How long a server is listened to before the command is given anew: routers forget a line that is silent for ten minutes, servers one of thirty.
const LISTEN: std::ops::Range<u64> = 300..540;
/// The pause after the first failure; each further one doubles it.
const PAUSE: Duration = Duration::from_secs(4);
const MAX_PAUSE: Duration = Duration::from_secs(300);
/// A line that held so long was good: the next failure begins with a short pause again.
const HELD: Duration = Duration::from_secs(60);
/// How long a mailbox is left alone whose server cannot tell of new mail.
const NO_IDLE: Duration = Duration::from_secs(3600);
/// Looks for the moment in which the mailbox's job is not in hand.
const ROUSE: Duration = Duration::from_millis(150);

/// One mailbox that this process watches.
struct Watch {
    stop: CancellationToken,
    /// What it was begun with: settings and passwords.
    mark: u64,
}

/// Why a line to a server has ended.
#[derive(Debug, thiserror::Error)]
enum LineError {
    #[error("{0}")]
    Access(#[from] AccessError),
    #[error("the database did not answer: {0}")]
    Database(#[from] sqlx::Error),
    #[error("{0}")]
    Gone(&'static str),
}

impl From<ImapError> for LineError {
    fn from(error: ImapError) -> Self {
        Self::Access(error.into())
    }
}

/// Watches every mailbox that nobody else does, until told to stop.
pub async fn run(app: &App, stop: &CancellationToken) {
    let holder = secrets::token();
    let tracker = TaskTracker::new();
    let mut watches: HashMap<ChannelId, Watch> = HashMap::new();
    let mut signals = app.live.subscribe();
    loop {
        match turn(app, &holder, &tracker, &mut watches, stop).await {
            Ok(()) => {}
            Err(error) => tracing::debug!(%error, "cannot see to the watch over the mailboxes"),
        }
        let settings = async {
            loop {
                match signals.recv().await {
                    Ok(Signal::Settings | Signal::Resync) => return,
                    Ok(_) | Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {}
                    Err(tokio::sync::broadcast::error::RecvError::Closed) => std::future::pending().await,
                }
            }
        };
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(TURN) => {}
            () = settings => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
    watches.values().for_each(|watch| watch.stop.cancel());
    tracker.close();
    let _ = tokio::time::timeout(Duration::from_secs(5), tracker.wait()).await;
    let held: Vec<ChannelId> = watches.into_keys().collect();
    if !held.is_empty()
        && let Ok(mut db) = app.db.acquire().await
    {
        let _ = mailboxes::release(&mut db, &holder, &held).await;
    }
}

/// What a watch depends on. A renewed token is none of it.
fn mark(app: &App, channel: &Channel, settings: &Settings) -> u64 {
    let secrets: Secrets = channel.secrets(&app.keys);
    let mut hasher = DefaultHasher::new();
    format!("{:?} {:?}", settings.imap, settings.oauth).hash(&mut hasher);
    (secrets.imap_password, secrets.oauth_client_secret, channel.sign_in_lost_at.is_some()).hash(&mut hasher);
    hasher.finish()
}

async fn turn(
    app: &App,
    holder: &str,
    tracker: &TaskTracker,
    watches: &mut HashMap<ChannelId, Watch>,
    stop: &CancellationToken,
) -> sqlx::Result<()> {
    let mut db = app.db.acquire().await?;
    let wanted: HashMap<ChannelId, (Channel, u64)> = rows::list(&mut db)
        .await?
        .into_iter()
        .filter(|channel| channel.kind == ChannelKind::Email && channel.enabled && channel.sign_in_lost_at.is_none())
        .filter_map(|channel| {
            let settings = Settings::of(&channel);
            settings.imap.as_ref()?;
            let mark = mark(app, &channel, &settings);
            Some((channel.id, (channel, mark)))
        })
        .collect();
    let ids: Vec<ChannelId> = wanted.keys().copied().collect();
    let held = if ids.is_empty() { Vec::new() } else { mailboxes::hold(&mut db, holder, &ids).await? };
    let gone: Vec<ChannelId> = watches
        .iter()
        .filter(|(id, watch)| !held.contains(id) || wanted.get(id).is_none_or(|(_, mark)| *mark != watch.mark))
        .map(|(id, _)| *id)
        .collect();
    for id in gone {
        if let Some(watch) = watches.remove(&id) {
            watch.stop.cancel();
        }
        if !wanted.contains_key(&id) {
            mailboxes::release(&mut db, holder, &[id]).await?;
        }
    }
    for id in held {
        let Some((_, mark)) = wanted.get(&id) else { continue };
        watches.entry(id).or_insert_with(|| {
            let own = stop.child_token();
            let (app, holder, stop) = (app.clone(), holder.to_owned(), own.clone());
            tracker.spawn(async move {
                tokio::select! {
                    () = watch(&app, &holder, id) => {}
                    () = stop.cancelled() => {}
                }
            });
            Watch { stop: own, mark: *mark }
        });
    }
    Ok(())
}

/// Watches one mailbox for as long as it is this process's. Lines break; each is followed by another after a pause that grows.
async fn watch(app: &App, holder: &str, id: ChannelId) {
    let mut pause = PAUSE;
    loop {
        let began = Instant::now();
        let ended = line(app, holder, id).await;
        note(app, holder, id, false).await;
        let rest = match ended {
            Ok(()) => NO_IDLE,
            Err(error) => {
                tracing::debug!(channel = %id, %error, "a mailbox is not listened to at the moment");
                if began.elapsed() > HELD {
                    pause = PAUSE;
                }
                let mut rest = pause;
                pause = (pause * 2).min(MAX_PAUSE);
                // Who is refused does not knock soon again. A changed password begins another watch.
                if let LineError::Access(error) = &error
                    && let Some(seconds) = error.rest()
                {
                    rest = rest.max(Duration::from_secs(seconds.unsigned_abs()));
                }
                // A crowd whose server restarts does not come back in one second.
                rest.mul_f64(1.0 + 0.5 * rand::random::<f64>())
            }
        };
        tokio::time::sleep(rest).await;
    }
}

async fn note(app: &App, holder: &str, id: ChannelId, idles: bool) {
    let noted = async {
        let mut db = app.db.acquire().await?;
        mailboxes::note_idle(&mut db, holder, id, idles).await
    };
    if let Err(error) = noted.await {
        tracing::debug!(channel = %id, %error, "cannot note whether a mailbox is listened to");
    }
}

/// One line to the server, to its end. `Ok`: the server cannot tell of new mail.
async fn line(app: &App, holder: &str, id: ChannelId) -> Result<(), LineError> {
    let channel = rows::find(&mut *app.db.acquire().await?, id).await?.ok_or(LineError::Gone("the mailbox is gone"))?;
    let settings = Settings::of(&channel);
    let imap = settings.imap.clone().ok_or(LineError::Gone("the mailbox is not fetched from"))?;
    let mut connection = access::imap(app, &channel, &settings, &imap).await?;
    if !connection.can_idle().await? {
        connection.close().await;
        return Ok(());
    }
    connection.open_folder(&imap.folder, true).await?;
    note(app, holder, id, true).await;
    // What came while nobody listened.
    rouse(app, id).await;
    loop {
        let limit = Duration::from_secs(rand::random_range(LISTEN));
        let (again, heard) = connection.listen(limit).await?;
        connection = again;
        // Passing words must be looked at even where nothing else was heard: they may have come between two commands.
        if connection.heard_in_passing() || heard == Heard::News {
            rouse(app, id).await;
        }
    }
}

/// Has the mailbox's mail fetched now. While that goes on already it may have looked too early: then once more right after it.
async fn rouse(app: &App, id: ChannelId) {
    let job = Job::PollMailbox { channel: id };
    for _ in 0..600 {
        let roused = async {
            let mut db = app.db.acquire().await?;
            jobs::ensure(&mut db, &job).await?;
            jobs::rouse(&mut db, &job).await
        };
        match roused.await {
            Ok(true) => {
                app.live.announce(Signal::Work);
                return;
            }
            Ok(false) => {}
            Err(error) => tracing::debug!(channel = %id, %error, "cannot have a mailbox visited"),
        }
        tokio::time::sleep(ROUSE).await;
    }
}
