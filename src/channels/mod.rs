//! The ways in which customers reach the desk. Each folder translates between a wire and the desk's envelope; here each kind finds its folder.

pub mod api_channel;
pub mod call_back;
pub mod chat;
pub mod email;
mod entries;
pub mod facebook;
pub mod form;
pub mod google;
pub mod instagram;
pub mod meta;
pub mod phone;
pub mod sms;
pub mod telegram;
pub mod twilio;
pub mod webhooks;
pub mod whatsapp;
pub mod wire;
pub mod x;

use std::io;

use axum::Router;
use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use crate::app::App;
use crate::channels::email::receive::Understood;
use crate::channels::email::{deliver, imap, import, receive as mail, settings, trial};
use crate::database::is_crossing;
use crate::desk::changes::Change;
use crate::desk::channels::{self as rows, Channel};
use crate::desk::deliveries::{self, Delivery};
use crate::desk::directory;
use crate::desk::envelope::{Incoming, ThreadHint};
use crate::desk::files::StoredFile;
use crate::desk::kinds::{ChannelKind, DeliveryStatus, IntakeState};
use crate::desk::tickets::receive::{self, MatchedBy, Origin, Received};
use crate::desk::tickets::{outbound, thread};
use crate::ids::{ChannelId, DeliveryId, MessageId, TicketId};
use crate::jobs::{self, Job};

/// The pages on which admins set channels up.
pub fn router() -> Router<App> {
    email::editor::router()
        .merge(form::editor_router())
        .merge(chat::editor::router())
        .merge(wire::editor::router())
        .merge(wire::acts::router())
        .merge(whatsapp::composer::router())
        .merge(api_channel::editor_router())
}

/// Attempts at one transaction that others may cross.
pub(crate) const ATTEMPTS: u32 = 4;

/// What became of something that came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Created,
    Appended,
    /// It was here already.
    Duplicate,
    /// Not kept as a message on purpose; the raw bytes are.
    Dropped,
}

/// The answer to [`process`]. As JSON it is the line that `sportello ingest` prints.
#[derive(Debug, Clone)]
pub struct Processed {
    pub outcome: Outcome,
    pub ticket: Option<TicketId>,
    pub message: Option<MessageId>,
    pub matched_by: MatchedBy,
    /// Why it is taken for a machine's message, if it is.
    pub automatic: Option<String>,
    pub bounce: bool,
    /// Whether an acknowledgement is on its way.
    pub acknowledged: bool,
    /// Why it was dropped, if it was.
    pub reason: Option<String>,
}

impl Serialize for Processed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut line = serializer.serialize_struct("Processed", 8)?;
        line.serialize_field("outcome", &self.outcome)?;
        line.serialize_field("ticket", &self.ticket)?;
        line.serialize_field("message", &self.message)?;
        line.serialize_field("matched_by", &self.matched_by)?;
        line.serialize_field("auto", &self.automatic.is_some())?;
        line.serialize_field("bounce", &self.bounce)?;
        line.serialize_field("acknowledged", &self.acknowledged)?;
        line.serialize_field("reason", &self.reason.as_ref().or(self.automatic.as_ref()))?;
        line.end()
    }
}

/// Why a delivery was not processed. It is still stored, and nothing of it is lost.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    #[error("the database did not answer: {0}")]
    Database(#[from] sqlx::Error),
    #[error("a file could not be stored: {0}")]
    Files(#[from] io::Error),
    /// No attempt will help; its reason stands on the delivery.
    #[error("{0}")]
    Hopeless(String),
    /// To be asked again in a second or two: what it is about is still on its way.
    #[error("it is to be looked at again in a moment")]
    Soon,
}

/// Turns a stored delivery into a message of a ticket. May be asked again, and by several processes at once: one message results.
pub async fn process(app: &App, id: DeliveryId) -> Result<Processed, ProcessError> {
    // Whoever needs it within the change would read it anew each time where nobody has it yet, as in a process without screens.
    let directory = directory::get(app).await?;
    let mut db = app.db.acquire().await?;
    let Some(delivery) = deliveries::find(&mut db, id).await? else {
        return Err(ProcessError::Hopeless(format!("there is no delivery {id}")));
    };
    let channel = match delivery.channel_id {
        Some(channel) => rows::find(&mut db, channel).await?,
        None => None,
    };
    drop(db);
    let Some(channel) = &channel else { return hopeless(app, id, "Its channel does not exist any more.").await };
    if channel.kind == ChannelKind::Email && trial::is_ours(&app.keys, &delivery.raw) {
        return discard(app, id, "A mailbox was tried with it.".to_owned()).await;
    }
    let understood = match channel.kind {
        ChannelKind::Email => mail::understand(app, &directory.own_addresses, channel, &delivery).await,
        ChannelKind::Form => return from_form(app, channel, &delivery).await,
        kind if let Some(net) = wire::network(kind) => return wire::taking::process(app, channel, &delivery, net).await,
        // Its messages are understood while the request is open; nothing of them is stored raw.
        _ => return hopeless(app, id, "This kind of channel takes no raw messages.").await,
    };
    match understood {
        Understood::Drop(reason) => discard(app, id, reason).await,
        Understood::Message(incoming) => keep(app, channel, &delivery, *incoming).await,
    }
}

/// A form whose own request did not live to see its ticket.
async fn from_form(app: &App, channel: &Channel, delivery: &Delivery) -> Result<Processed, ProcessError> {
    match form::receive::process(app, channel, delivery).await {
        Ok(received) => Ok(answer(&Incoming::default(), &received)),
        Err(form::receive::ProcessError::Database(error)) => Err(error.into()),
        Err(error @ form::receive::ProcessError::Unreadable(_)) => hopeless(app, delivery.id, &error.to_string()).await,
    }
}

async fn hopeless(app: &App, id: DeliveryId, reason: &str) -> Result<Processed, ProcessError> {
    let mut db = app.db.acquire().await?;
    deliveries::note_failure(&mut db, id, reason).await?;
    Err(ProcessError::Hopeless(reason.to_owned()))
}

async fn discard(app: &App, id: DeliveryId, reason: String) -> Result<Processed, ProcessError> {
    let mut db = app.db.acquire().await?;
    deliveries::finish(&mut db, id, IntakeState::Dropped, Some(&reason)).await?;
    Ok(Processed {
        outcome: Outcome::Dropped,
        ticket: None,
        message: None,
        matched_by: MatchedBy::None,
        automatic: None,
        bounce: false,
        acknowledged: false,
        reason: Some(reason),
    })
}

/// Two mails that arrived together are understood side by side; the one that answers the other must not be first, or it would not find its
/// ticket. Waits for what came before it, but never for long: after a crash that may be a worker's to do.
async fn let_earlier_go_first(app: &App, channel: &Channel, delivery: &Delivery, incoming: &Incoming) -> sqlx::Result<()> {
    const LOOKS: u32 = 20;
    if !incoming.thread.iter().any(|hint| matches!(hint, ThreadHint::InReplyTo(_) | ThreadHint::Reference(_))) {
        return Ok(());
    }
    for _ in 0..LOOKS {
        let mut db = app.db.acquire().await?;
        if !deliveries::any_before(&mut db, channel.id, delivery.id).await? {
            break;
        }
        drop(db);
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    Ok(())
}

async fn keep(app: &App, channel: &Channel, delivery: &Delivery, mut incoming: Incoming) -> Result<Processed, ProcessError> {
    clean(&mut incoming);
    if delivery.door == import::DOOR && incoming.automatic.is_none() {
        // What follows from nothing changes nothing: no waiting customer, no reopened ticket.
        incoming.automatic = Some(import::DOOR.to_owned());
    }
    let_earlier_go_first(app, channel, delivery, &incoming).await?;
    let mut files = StoredFile::store_all(app, &incoming.files).await?;
    let mut attempt = 1;
    loop {
        match attempt_to_keep(app, channel, delivery, &incoming, &files).await {
            Ok(Some(received)) => return Ok(answer(&incoming, &received)),
            Ok(None) => return Ok(answered_already(&incoming)),
            // Another process stored the same message, or the same customer, a moment ago; or two waited for each other.
            Err(error) if attempt < ATTEMPTS && is_crossing(&error) => {
                attempt += 1;
                tokio::time::sleep(std::time::Duration::from_millis(rand::random_range(5..50))).await;
            }
            // The database refuses something in the message itself: keep it as a file rather than try forever.
            Err(error) if is_refusal(&error) && !mail::is_raw_only(&incoming) => {
                tracing::error!(delivery = %delivery.id, %error, "a message could not be stored as read; its ticket carries it as a file");
                incoming = mail::raw_only(delivery);
                files = StoredFile::store_all(app, &incoming.files).await?;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// One transaction: the message, its ticket, and the end of the delivery. `None`: somebody else has ended it.
async fn attempt_to_keep(
    app: &App,
    channel: &Channel,
    delivery: &Delivery,
    incoming: &Incoming,
    files: &[StoredFile],
) -> sqlx::Result<Option<Received>> {
    let mut change = Change::begin(app).await?;
    let imported = delivery.door == import::DOOR;
    let acknowledge = settings::Settings::of(channel).acknowledge && !mail::is_raw_only(incoming) && !imported;
    let origin = Origin { channel, delivery: Some(delivery.id), files, ticket: None, contact: None, acknowledge };
    let received = if imported {
        change.hush();
        let received = receive::store(&mut change, &origin, incoming).await?;
        import::settle(&mut change, delivery, incoming, &received).await?;
        received
    } else {
        receive::receive(&mut change, &origin, incoming).await?
    };
    let (state, reason) = match received.outcome {
        receive::Outcome::Created | receive::Outcome::Appended => (IntakeState::Processed, None),
        receive::Outcome::Duplicate => (IntakeState::Dropped, Some(format!("It is here already, in ticket {}.", received.ticket))),
    };
    if deliveries::finish(&mut change, delivery.id, state, reason.as_deref()).await? {
        change.commit().await?;
        return Ok(Some(received));
    }
    // Somebody else was faster. What they made of it is what the message id names now.
    drop(change);
    let mut db = app.db.acquire().await?;
    let known = receive::find_duplicate(&mut db, channel, &incoming.provider_id).await?;
    let duplicate = |(ticket, message)| Received {
        outcome: receive::Outcome::Duplicate,
        ticket,
        message,
        matched_by: MatchedBy::None,
        acknowledged: false,
    };
    Ok(known.map(duplicate))
}

/// The delivery was done with, and not under this message id: it was dropped, or kept as a file.
fn answered_already(incoming: &Incoming) -> Processed {
    Processed {
        outcome: Outcome::Duplicate,
        ticket: None,
        message: None,
        matched_by: MatchedBy::None,
        automatic: incoming.automatic.clone(),
        bounce: incoming.bounce,
        acknowledged: false,
        reason: None,
    }
}

fn answer(incoming: &Incoming, received: &Received) -> Processed {
    Processed {
        outcome: match received.outcome {
            receive::Outcome::Created => Outcome::Created,
            receive::Outcome::Appended => Outcome::Appended,
            receive::Outcome::Duplicate => Outcome::Duplicate,
        },
        ticket: Some(received.ticket),
        message: Some(received.message),
        matched_by: received.matched_by,
        automatic: incoming.automatic.clone(),
        bounce: incoming.bounce,
        acknowledged: received.acknowledged,
        reason: None,
    }
}

/// Invalid data, a broken constraint, a limit exceeded: the same message will be refused again.
pub(crate) fn is_refusal(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Encode(_) => true,
        other => other
            .as_database_error()
            .and_then(|error| error.code())
            .is_some_and(|code| ["22", "23", "54"].contains(&&code[..2.min(code.len())])),
    }
}

/// Keys longer than an index takes, and characters that Postgres has none of.
fn clean(incoming: &mut Incoming) {
    const MAX_KEY: usize = 900;
    let shorten = |key: &mut String| {
        use sha2::{Digest as _, Sha256};
        if key.len() > MAX_KEY {
            *key = format!("sha256-{}@long", hex::encode(Sha256::digest(key.as_bytes())));
        }
        key.retain(|c| c != '\0');
    };
    shorten(&mut incoming.provider_id);
    for hint in &mut incoming.thread {
        use crate::desk::envelope::ThreadHint::{InReplyTo, Key, Recipient, Reference};
        match hint {
            Recipient(key) | InReplyTo(key) | Reference(key) | Key(key) => shorten(key),
        }
    }
    let texts = [&mut incoming.subject, &mut incoming.body, &mut incoming.from.name, &mut incoming.from.address];
    if texts.iter().any(|text| text.contains('\0')) {
        // A space keeps every byte offset of the quoted part where it was.
        for text in texts {
            *text = text.replace('\0', " ");
        }
    }
    for file in &mut incoming.files {
        file.name.retain(|c| c != '\0');
        file.media_type.retain(|c| c != '\0');
    }
}

/// Sends a message that is due. `last`: no further attempt will follow this one.
pub async fn send(app: &App, message: MessageId, last: bool) -> jobs::Outcome {
    let channel = async {
        let mut db = app.db.acquire().await?;
        match thread::find(&mut db, message).await? {
            Some(message) => rows::find(&mut db, message.channel_id).await,
            None => Ok(None),
        }
    };
    let channel = match channel.await {
        Ok(Some(channel)) => channel,
        // Undone before it was due.
        Ok(None) => return jobs::Outcome::Done,
        Err(error) => return jobs::Outcome::Retry(error.to_string()),
    };
    match (channel.kind, wire::network(channel.kind)) {
        (ChannelKind::Email, _) => deliver::send(app, &channel, message, last).await,
        (_, Some(net)) => wire::sending::send(app, &channel, net, message, last).await,
        (_, None) => jobs::Outcome::Fail("This kind of channel sends nothing itself.".to_owned()),
    }
}

/// Shows on a message that it will not be sent, where its own attempts did not come so far.
pub async fn give_up(app: &App, message: MessageId, reason: &str) {
    let noted = async {
        let mut change = Change::begin(app).await?;
        if let Some(message) = thread::find(&mut change, message).await?
            && !message.delivery.is_some_and(DeliveryStatus::has_left)
        {
            outbound::failed(&mut change, &message, reason).await?;
        }
        change.commit().await
    };
    if let Err(error) = noted.await {
        tracing::warn!(%message, %error, "cannot note on a message that it has failed");
    }
}

/// Whether what is sent through this channel really leaves the house; else a screen says where it goes instead.
pub fn delivers(app: &App, channel: &Channel) -> bool {
    match channel.kind {
        ChannelKind::Email => deliver::delivers(app, channel),
        kind if wire::network(kind).is_some() => true,
        _ => app.mailer.delivers(),
    }
}

/// Fetches what is new, for channels that have to be asked.
pub async fn poll(app: &App, id: ChannelId) -> jobs::Outcome {
    let channel = async {
        let mut db = app.db.acquire().await?;
        rows::find(&mut db, id).await
    };
    let channel = match channel.await {
        Ok(Some(channel)) if channel.enabled => channel,
        Ok(_) => return jobs::Outcome::Done,
        Err(error) => {
            tracing::warn!(channel = %id, %error, "cannot poll while the database is away");
            return jobs::Outcome::Again(imap::INTERVAL);
        }
    };
    match channel.kind {
        ChannelKind::Email => imap::poll(app, &channel).await,
        kind => match wire::network(kind) {
            Some(net) if net.polls(&channel) => wire::polling::poll(app, &channel, net).await,
            _ => jobs::Outcome::Done,
        },
    }
}

/// Sees to it that every channel that has to be asked is asked, and soon: its settings may have been put right just now.
pub async fn ensure_polls(app: &App) -> sqlx::Result<()> {
    let mut db = app.db.acquire().await?;
    for channel in rows::list(&mut db).await? {
        let polled = match channel.kind {
            ChannelKind::Email => settings::Settings::of(&channel).imap.is_some(),
            kind => wire::network(kind).is_some_and(|net| net.polls(&channel)),
        };
        if polled && channel.enabled {
            let job = Job::PollMailbox { channel: channel.id };
            jobs::ensure(&mut db, &job).await?;
            jobs::hasten(&mut db, &job).await?;
            // It may be resting for want of the password that was just entered.
            jobs::hasten(&mut db, &Job::ImportMail { channel: channel.id }).await?;
        }
    }
    Ok(())
}
