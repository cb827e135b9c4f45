//! Fetches mail from an IMAP server (RFC 3501) every few seconds: store, remember how far, understand.
//!
//! The place in the mailbox is a UID under a UIDVALIDITY, written in the transaction that stores the mail: a crash at any point
//! fetches a mail twice at worst, and the second one is recognised by its Message-ID.

pub mod connection;
mod oversize;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::app::App;
use crate::channels::email::access::{self, AccessError, LostAt};
use crate::channels::email::settings::{AfterFetch, ImapSettings, Settings};
use crate::clock::Ts;
use crate::desk::changes::Change;
use crate::desk::channels::{self, Channel};
use crate::desk::deliveries::{self, NewDelivery};
use crate::desk::mailboxes;
use crate::desk::networks::Fault;
use crate::ids::{ChannelId, DeliveryId};
use crate::jobs::Outcome;

use connection::{Connection, ImapError};

/// Seconds between two visits to a mailbox.
pub const INTERVAL: i64 = 15;
/// The longest pause, in seconds, after visits that failed.
const MAX_PAUSE: i64 = 300;
/// Seconds between two visits to a mailbox whose server tells of new mail by itself: a net below the net.
const IDLE_INTERVAL: i64 = 300;
/// After this a visit ends and another begins, so that it stays within its lease.
const VISIT: Duration = Duration::from_secs(80);
/// Mails asked for at once …
const BATCH: usize = 20;
/// … and their bytes at most, unless one alone is larger.
const BATCH_BYTES: usize = 32 * 1024 * 1024;
/// When the server has numbered its mails anew, this much of the past is looked through for what was missed.
const RESCAN_DAYS: i64 = 7;

/// How far a mailbox has been read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Cursor {
    /// Server, user and folder: another mailbox is read from its own beginning.
    source: String,
    uid_validity: u32,
    last_uid: u32,
}

impl Cursor {
    fn value(&self) -> sqlx::Result<serde_json::Value> {
        serde_json::to_value(self).map_err(|error| sqlx::Error::Encode(error.into()))
    }
}

/// How far a mailbox has been read: UIDVALIDITY and UID. `None`: it has not been visited yet as it is set now.
pub fn read_up_to(channel: &Channel, imap: &ImapSettings) -> Option<(u32, u32)> {
    let cursor: Cursor = serde_json::from_value(channel.cursor.clone()).unwrap_or_default();
    (cursor.source == source(imap)).then_some((cursor.uid_validity, cursor.last_uid))
}

fn source(imap: &ImapSettings) -> String {
    format!("{}@{}:{}/{}", imap.user, imap.host, imap.port, imap.folder)
}

/// Why a visit failed.
#[derive(Debug, thiserror::Error)]
enum PollError {
    #[error("{0}")]
    Access(#[from] AccessError),
    #[error("the database did not answer: {0}")]
    Database(#[from] sqlx::Error),
}

impl From<ImapError> for PollError {
    fn from(error: ImapError) -> Self {
        Self::Access(error.into())
    }
}

/// One visit to a mailbox. What goes wrong stands on the channel; the next visit comes later the longer it has not worked.
pub async fn poll(app: &App, channel: &Channel) -> Outcome {
    let settings = Settings::of(channel);
    let Some(imap) = settings.imap.clone() else { return Outcome::Done };
    let mut visit = Visit::new(app, channel, &settings, &imap);
    let result = visit.run().await;
    match result {
        Ok(true) => Outcome::Again(0),
        Ok(false) => match note_success(app, channel).await {
            Ok(true) => Outcome::Again(IDLE_INTERVAL),
            _ => Outcome::Again(INTERVAL),
        },
        Err(error) => {
            tracing::warn!(channel = %channel.id, %error, "cannot fetch mail");
            match &error {
                PollError::Access(AccessError::Token(Fault::SignIn(words))) => access::lose(app, channel.id, LostAt::Incoming, words).await,
                PollError::Access(error) => note_error(app, channel.id, &error.to_string()).await,
                PollError::Database(_) => {}
            }
            // A changed password is tried at once.
            if let PollError::Access(error) = &error
                && let Some(rest) = error.rest()
            {
                return Outcome::Again(rest);
            }
            let silent = Ts::now().seconds_since(channel.last_ok_at.unwrap_or_else(Ts::now));
            Outcome::Again(silent.clamp(INTERVAL, MAX_PAUSE))
        }
    }
}

async fn note_error(app: &App, channel: ChannelId, error: &str) {
    let noted = async {
        let mut change = Change::begin(app).await?;
        if mailboxes::note_failure(&mut change, channel, error).await? {
            change.touch_settings();
            change.touch_work();
        }
        change.commit().await
    };
    if let Err(error) = noted.await {
        tracing::warn!(%channel, %error, "cannot show on the channel what is wrong with it");
    }
}

/// Notes that all is well. `true`: the server tells of new mail by itself.
async fn note_success(app: &App, channel: &Channel) -> sqlx::Result<bool> {
    let mut change = Change::begin(app).await?;
    channels::note_ok(&mut change, channel.id).await?;
    if mailboxes::note_recovery(&mut change, channel.id).await? {
        change.touch_settings();
    }
    let idles = mailboxes::idles_since(&mut change, channel.id).await?.is_some();
    change.commit().await?;
    // That mail comes in again says nothing about a server for outgoing mail that refuses the same sign-in.
    if channel.sign_in_lost_at.is_some() && !Settings::of(channel).smtp_shut_out {
        access::regain(app, channel.id).await?;
    }
    Ok(idles)
}

struct Visit<'a> {
    app: &'a App,
    channel: &'a Channel,
    whole: &'a Settings,
    settings: &'a ImapSettings,
    recipients: Vec<String>,
    cursor: Cursor,
    ends: Instant,
}

impl<'a> Visit<'a> {
    fn new(app: &'a App, channel: &'a Channel, whole: &'a Settings, settings: &'a ImapSettings) -> Self {
        Self {
            app,
            channel,
            whole,
            settings,
            recipients: channel.address.iter().cloned().collect(),
            cursor: serde_json::from_value(channel.cursor.clone()).unwrap_or_default(),
            ends: Instant::now() + VISIT,
        }
    }

    async fn connect(&self) -> Result<(Connection, connection::Folder), PollError> {
        let mut connection = access::imap(self.app, self.channel, self.whole, self.settings).await?;
        let folder = connection.open_folder(&self.settings.folder, self.settings.after_fetch == AfterFetch::Keep).await?;
        Ok((connection, folder))
    }

    /// Reads what is new. `true`: there is more.
    async fn run(&mut self) -> Result<bool, PollError> {
        let (mut connection, folder) = self.connect().await?;
        self.find_place(&mut connection, folder).await?;
        let mut new = connection.uids_after(self.cursor.last_uid).await?;
        new.sort_unstable();
        let mut rest = new.as_slice();
        while !rest.is_empty() {
            if Instant::now() >= self.ends {
                return Ok(true);
            }
            let (batch, later) = rest.split_at(rest.len().min(BATCH));
            rest = later;
            connection = self.read_batch(connection, batch).await?;
        }
        connection.close().await;
        Ok(false)
    }

    /// Decides where to begin when this mailbox is new to us or has been numbered anew.
    async fn find_place(&mut self, connection: &mut Connection, folder: connection::Folder) -> Result<(), PollError> {
        let source = source(self.settings);
        let is_known = self.cursor.source == source;
        if is_known && self.cursor.uid_validity == folder.uid_validity {
            return Ok(());
        }
        let days = if is_known { RESCAN_DAYS } else { i64::from(self.settings.first_days) };
        let mut first = None;
        if days > 0 {
            let since = Ts::now().plus_seconds(-days * 86_400).0.strftime("%-d-%b-%Y").to_string();
            first = connection.uids_since(&since).await?.into_iter().min();
        }
        let last_uid = match first {
            Some(uid) => uid.saturating_sub(1),
            None => match folder.uid_next {
                Some(next) => next.saturating_sub(1),
                None => connection.uids_after(0).await?.into_iter().max().unwrap_or(0),
            },
        };
        self.cursor = Cursor { source, uid_validity: folder.uid_validity, last_uid };
        let mut db = self.app.db.acquire().await?;
        channels::advance(&mut db, self.channel.id, &self.cursor.value()?).await?;
        Ok(())
    }

    /// Reads some mails, oldest first. Returns a connection, which may be a new one.
    async fn read_batch(&mut self, mut connection: Connection, batch: &[u32]) -> Result<Connection, PollError> {
        let sizes = connection.sizes(batch).await?;
        let mut rest = batch;
        while let Some(&first) = rest.first() {
            let size_of = |uid: u32| sizes.get(&uid).map(|&size| usize::try_from(size).unwrap_or(usize::MAX));
            let max = self.app.config.mail.max_mail;
            match size_of(first) {
                // Deleted or moved since we asked.
                None => {
                    self.skip(first).await?;
                    rest = &rest[1..];
                }
                Some(size) if size > max => {
                    connection = self.read_header_only(connection, first, &oversize::too_large(size, max)).await?;
                    rest = &rest[1..];
                }
                Some(_) => {
                    let mut bytes = 0usize;
                    let fits = |uid: &&u32| {
                        let size = size_of(**uid).filter(|&size| size <= max);
                        bytes = bytes.saturating_add(size.unwrap_or(usize::MAX));
                        **uid == first || bytes <= BATCH_BYTES
                    };
                    let together = rest.iter().take_while(fits).count();
                    let (group, later) = rest.split_at(together);
                    rest = later;
                    connection = self.read_group(connection, group).await?;
                }
            }
        }
        Ok(connection)
    }

    async fn read_group(&mut self, mut connection: Connection, group: &[u32]) -> Result<Connection, PollError> {
        match connection.bodies(group).await {
            Ok(mails) => {
                self.keep_all(group, mails).await?;
                self.mark(&mut connection, group).await?;
                Ok(connection)
            }
            Err(error) => {
                // One of them breaks the conversation, or the network did: one by one, so that it stops only itself.
                tracing::warn!(channel = %self.channel.id, %error, "cannot fetch a batch of mails at once; trying them one by one");
                let (mut connection, _) = self.connect().await?;
                for &uid in group {
                    match connection.bodies(&[uid]).await {
                        Ok(mails) => {
                            self.keep_all(&[uid], mails).await?;
                            self.mark(&mut connection, &[uid]).await?;
                        }
                        Err(error) => {
                            let (again, _) = self.connect().await?;
                            connection = self.read_header_only(again, uid, &oversize::unfetchable(&error.to_string())).await?;
                        }
                    }
                }
                Ok(connection)
            }
        }
    }

    /// A mail that stays where it is: its ticket says so.
    async fn read_header_only(&mut self, mut connection: Connection, uid: u32, note: &str) -> Result<Connection, PollError> {
        let header = match connection.header(uid).await {
            Ok(header) => header,
            Err(error) => {
                tracing::warn!(channel = %self.channel.id, uid, %error, "cannot fetch the header of a mail either");
                // If the server is gone altogether this fails, and the mail is asked for again at the next visit.
                connection = self.connect().await?.0;
                None
            }
        };
        let place = format!("{}.{uid}", self.cursor.uid_validity);
        self.keep(uid, &oversize::stand_in(header.as_deref().unwrap_or_default(), note, &place)).await?;
        Ok(connection)
    }

    async fn keep_all(&mut self, group: &[u32], mut mails: std::collections::HashMap<u32, Vec<u8>>) -> Result<(), PollError> {
        for &uid in group {
            match mails.remove(&uid) {
                Some(raw) => self.keep(uid, &raw).await?,
                None => self.skip(uid).await?,
            }
        }
        Ok(())
    }

    /// Stores a mail together with the place after it, then understands it.
    async fn keep(&mut self, uid: u32, raw: &[u8]) -> Result<(), PollError> {
        let new = NewDelivery { channel: self.channel.id, door: "imap", envelope_from: None, envelope_to: &self.recipients, raw };
        let cursor = Cursor { last_uid: uid, ..self.cursor.clone() };
        let mut tx = self.app.db.begin().await?;
        let delivery = deliveries::store(&mut tx, new).await?;
        channels::advance(&mut tx, self.channel.id, &cursor.value()?).await?;
        tx.commit().await?;
        self.cursor = cursor;
        self.understand(delivery).await;
        Ok(())
    }

    /// In order, since an answer often lies behind what it answers in the same batch.
    async fn understand(&self, delivery: DeliveryId) {
        if let Err(error) = crate::channels::process(self.app, delivery).await {
            tracing::warn!(%delivery, %error, "a mail is stored but not understood yet; a worker tries again");
        }
    }

    async fn skip(&mut self, uid: u32) -> Result<(), PollError> {
        self.cursor.last_uid = uid;
        let mut db = self.app.db.acquire().await?;
        channels::advance(&mut db, self.channel.id, &self.cursor.value()?).await?;
        Ok(())
    }

    async fn mark(&self, connection: &mut Connection, uids: &[u32]) -> Result<(), PollError> {
        match self.settings.after_fetch {
            AfterFetch::Keep => {}
            AfterFetch::Seen => connection.mark_seen(uids).await?,
        }
        Ok(())
    }
}
