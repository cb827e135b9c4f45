//! Replies leave: from the mailbox's own address, by its own server or the desk's.

use std::sync::LazyLock;
use std::time::Duration;

use crate::app::App;
use crate::channels::email::access::{self, LostAt};
use crate::channels::email::build::{self, Brand};
use crate::channels::email::dkim;
use crate::channels::email::settings::{OauthService, Settings};
use crate::clock::Ts;
use crate::desk::changes::Change;
use crate::desk::channels::{self, Channel};
use crate::desk::directory;
use crate::desk::envelope::{Address, LinkedFile, Outgoing, Quoted};
use crate::desk::kinds::ChannelKind;
use crate::desk::mailboxes;
use crate::desk::networks::Fault;
use crate::desk::tickets::thread::{self, Message};
use crate::desk::tickets::{self, outbound, sides};
use crate::desk::{files, links, photos};
use crate::i18n::{self, Language, Value};
use crate::ids::{ChannelId, MessageId};
use crate::jobs::Outcome;
use crate::mailer::{Mailer, SendError, Server};

/// The most of a customer's message that is quoted below the answer, in characters.
const MAX_QUOTE: usize = 20_000;

/// One pool of connections per server, kept while it is in use.
static MAILERS: LazyLock<moka::future::Cache<Server, Mailer>> =
    LazyLock::new(|| moka::future::Cache::builder().max_capacity(200).time_to_idle(Duration::from_secs(600)).build());

/// The pooled way to a server.
pub async fn mailer(server: &Server) -> Result<Mailer, SendError> {
    if let Some(known) = MAILERS.get(server).await {
        return Ok(known);
    }
    let mailer = Mailer::smtp(server)?;
    MAILERS.insert(server.clone(), mailer.clone()).await;
    Ok(mailer)
}

/// The way out of a mailbox: its own server, else the desk's.
pub async fn way_out(app: &App, channel: &Channel) -> Result<Mailer, SendError> {
    match access::server(app, channel, None).await.map_err(without_token)? {
        Some(server) => mailer(&server).await,
        None => Ok(app.mailer.clone()),
    }
}

/// A provider gave no token.
fn without_token(fault: Fault) -> SendError {
    match fault {
        Fault::SignIn(words) => SendError::Token(words),
        other => SendError::Later(other.to_string()),
    }
}

/// Hands a letter over by the mailbox's way out; a token that is refused is renewed once.
async fn leave(app: &App, channel: &Channel, from: &str, to: &[String], letter: &[u8]) -> Result<(), SendError> {
    let Some(server) = access::server(app, channel, None).await.map_err(without_token)? else {
        return app.mailer.send(from, to, letter).await;
    };
    let refused = match mailer(&server).await?.send(from, to, letter).await {
        Err(SendError::SignIn(_)) if server.by_token => server.credentials.as_ref().map(|(_, token)| token.clone()),
        other => return other,
    };
    let Some(server) = access::server(app, channel, refused.as_deref()).await.map_err(without_token)? else {
        return Err(SendError::Later("the mailbox was changed a moment ago".to_owned()));
    };
    match mailer(&server).await?.send(from, to, letter).await {
        Err(SendError::SignIn(reason)) => Err(SendError::SignIn(access::refused_by_server(app, channel, &server, &reason).to_string())),
        other => other,
    }
}

/// Mailboxes whose server does not let their user send from an address with a tag, remembered for a while.
static PLAIN_ONLY: LazyLock<moka::future::Cache<ChannelId, ()>> =
    LazyLock::new(|| moka::future::Cache::builder().max_capacity(500).time_to_live(Duration::from_secs(24 * 3600)).build());

/// The sender on the envelope, to which servers write when a letter cannot be delivered: `help+m901-k7f3q2abcd@example.com` tells which letter
/// that was. The plain address where tags do not come back, or the server wants it.
async fn envelope_sender(app: &App, channel: &Channel, address: &str, message: MessageId) -> String {
    let settings = Settings::of(channel);
    // Microsoft refuses senders that are not the account; Google replaces them.
    let own_account = settings.oauth.as_ref().is_some_and(|oauth| oauth.service != OauthService::Other);
    match address.rsplit_once('@') {
        Some((local, domain)) if settings.plus_addressing && !own_account && PLAIN_ONLY.get(&channel.id).await.is_none() => {
            format!("{local}+{}@{domain}", tickets::bounce_tag(&app.keys, message))
        }
        _ => address.to_owned(),
    }
}

/// Whether mail of this mailbox reaches a server, rather than the outbox folder.
pub fn delivers(app: &App, channel: &Channel) -> bool {
    Settings::of(channel).smtp.is_some() || app.mailer.delivers()
}

/// Why a message does not leave now.
enum Trouble {
    /// Worth another try.
    Later(String),
    /// Not before this many seconds; that is no failure.
    Wait(i64, String),
    /// Not before an admin has signed in again.
    SignIn(LostAt, String),
    /// Not without a person.
    Never(String),
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Self {
        Self::Later(format!("the database did not answer: {error}"))
    }
}

impl From<SendError> for Trouble {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Refused(reason) => Self::Never(reason),
            SendError::Later(reason) | SendError::Unsure(reason) => Self::Later(reason),
            SendError::SignIn(reason) => Self::SignIn(LostAt::Outgoing, reason),
            SendError::Token(reason) => Self::SignIn(LostAt::Incoming, reason),
        }
    }
}

/// Sends one queued message and records how far it came. `last`: no attempt follows, so what cannot leave now has failed.
///
/// A process that dies between handing the letter over and recording it sends it again; both carry the same Message-ID.
pub async fn send(app: &App, channel: &Channel, id: MessageId, last: bool) -> Outcome {
    let message = async {
        let mut db = app.db.acquire().await?;
        if channel.sign_in_lost_at.is_some() && Settings::of(channel).smtp.is_some_and(|smtp| smtp.by_token) {
            if let Some(message) = thread::find(&mut db, id).await? {
                drop(db);
                wait_for_sign_in(app, channel, &message).await?;
            }
            return Ok(None);
        }
        outbound::begin(&mut db, id).await
    };
    let message = match message.await {
        Ok(Some(message)) => message,
        Ok(None) => return Outcome::Done,
        Err(error) => return Outcome::Retry(error.to_string()),
    };
    let mut result = hand_over(app, channel, &message).await;
    if let Err(Trouble::SignIn(at, reason)) = &result {
        if Settings::of(channel).smtp.is_some_and(|smtp| smtp.by_token) {
            access::lose(app, channel.id, *at, reason).await;
        } else {
            // A password that somebody can put right.
            result = Err(Trouble::Later(reason.clone()));
        }
    }
    match record(app, channel, &message, &result, last).await {
        Ok(()) => match result {
            Ok(()) => Outcome::Done,
            Err(Trouble::Later(reason)) => Outcome::Retry(reason),
            Err(Trouble::Wait(seconds, _)) => Outcome::Again(seconds),
            // Signing in again queues it anew.
            Err(Trouble::SignIn(..)) => Outcome::Done,
            Err(Trouble::Never(reason)) => Outcome::Fail(reason),
        },
        Err(error) => Outcome::Retry(error.to_string()),
    }
}

async fn wait_for_sign_in(app: &App, channel: &Channel, message: &Message) -> sqlx::Result<()> {
    let mut change = Change::begin(app).await?;
    outbound::delayed(&mut change, message, &waits_words(channel)).await?;
    change.commit().await
}

fn waits_words(channel: &Channel) -> String {
    format!("{} has to be signed in again by an admin. This leaves by itself then.", channel.name)
}

async fn record(app: &App, channel: &Channel, message: &Message, result: &Result<(), Trouble>, last: bool) -> sqlx::Result<()> {
    let mut change = Change::begin(app).await?;
    match result {
        Ok(()) => outbound::sent(&mut change, message).await?,
        Err(Trouble::Later(reason)) if !last => {
            outbound::delayed(&mut change, message, reason).await?;
            channels::note_error(&mut change, channel.id, &format!("Sending: {reason}")).await?;
        }
        Err(Trouble::Wait(_, reason)) => outbound::delayed(&mut change, message, reason).await?,
        Err(Trouble::SignIn(..)) => outbound::delayed(&mut change, message, &waits_words(channel)).await?,
        Err(Trouble::Later(reason) | Trouble::Never(reason)) => outbound::failed(&mut change, message, reason).await?,
    }
    change.commit().await
}

async fn hand_over(app: &App, channel: &Channel, message: &Message) -> Result<(), Trouble> {
    let directory = directory::get(app).await?;
    let settings = Settings::of(channel);
    // Looked for before anything is loaded, and taken when the letter is ready.
    if let Some((seconds, words)) = mailboxes::full(&mut *app.db.acquire().await?, channel.id, settings.pace).await? {
        return Err(Trouble::Wait(seconds, words));
    }
    let outgoing = compose(app, channel, message).await?;
    let brand = Brand { shop_name: directory.shop.shop_name.clone(), accent: directory.shop.accent.clone() };
    let from = outgoing.from.address.clone();
    let to: Vec<String> = build::recipients(&outgoing).into_iter().map(str::to_owned).collect();
    let letter = tokio::task::spawn_blocking(move || build::build(&outgoing, &brand)).await;
    let letter = letter.map_err(|error| Trouble::Never(format!("the letter could not be written: {error}")))?;
    let letter = letter.map_err(|error| Trouble::Never(error.to_string()))?;
    let letter = dkim::sign(app, channel, &settings, letter);
    let place = take_place(app, channel, &settings).await?;
    let left = leave_as(app, channel, message.id, &from, &to, &letter).await;
    if let Err(SendError::Later(_) | SendError::SignIn(_) | SendError::Token(_) | SendError::Refused(_)) = &left {
        // Nothing has left, so it counts for nothing. What may have arrived counts.
        let back = async { mailboxes::stay(&mut *app.db.acquire().await?, channel.id, place).await };
        if let Err(error) = back.await {
            tracing::warn!(channel = %channel.id, %error, "cannot give back the place of a letter that did not leave");
        }
    }
    Ok(left?)
}

/// Hands a letter over in the name to which notices come home, else in the mailbox's plain one.
async fn leave_as(app: &App, channel: &Channel, message: MessageId, from: &str, to: &[String], letter: &[u8]) -> Result<(), SendError> {
    let sender = envelope_sender(app, channel, from, message).await;
    match leave(app, channel, &sender, to, letter).await {
        Err(SendError::Refused(first)) if sender != from && may_mean_sender(&first) => {
            // It may be our sender that is not wanted, and not the letter.
            leave(app, channel, from, to, letter).await.map_err(|error| match error {
                SendError::Refused(_) => SendError::Refused(first),
                other => other,
            })?;
            PLAIN_ONLY.insert(channel.id, ()).await;
            Ok(())
        }
        other => other,
    }
}

/// Whether a refusal may be about the address that sends, and not about who is written to (5.1.1 and its like).
fn may_mean_sender(words: &str) -> bool {
    let lower = words.to_lowercase();
    ["5.7.", "5.1.7", "5.1.8", "sender", "553", "permission", "not owned", "mail from", "send as"].iter().any(|sign| lower.contains(sign))
}

/// Takes a place among those that may leave now.
async fn take_place(app: &App, channel: &Channel, settings: &Settings) -> Result<Ts, Trouble> {
    let mut tx = app.db.begin().await?;
    let place = mailboxes::depart(&mut tx, channel.id, settings.pace).await?;
    tx.commit().await?;
    place.map_err(|(seconds, words)| Trouble::Wait(seconds, words))
}

/// Puts together what the letter will say; nothing of it depends on which attempt this is.
async fn compose(app: &App, channel: &Channel, message: &Message) -> Result<Outgoing, Trouble> {
    let shop = directory::get(app).await?;
    let Some(address) = channel.address.clone() else {
        return Err(Trouble::Never("Its mailbox has no address. An admin sets one under Settings, Channels.".to_owned()));
    };
    let envelope = message.envelope();
    let mut db = app.db.acquire().await?;
    // The desk's own words quote nothing: an acknowledgement must not carry what a forged sender wants carried.
    let quoted = match (message.automatic, message.side_id) {
        (true, _) => None,
        (false, Some(side)) => thread::last_aside(&mut db, side, message.id).await?,
        (false, None) => {
            let everybody = envelope.to.iter().chain(&envelope.cc).chain(&envelope.bcc);
            let everybody = everybody.map(|to| to.address.to_lowercase()).collect::<Vec<_>>();
            thread::last_inbound(&mut db, message.ticket_id, message.id, &everybody).await?
        }
    };
    let face = match message.agent_id.filter(|_| !message.automatic) {
        Some(agent) => photos::of(&mut db, agent).await?,
        None => None,
    };
    let unreadable = |error: &dyn std::fmt::Display| Trouble::Later(format!("a file could not be read: {error}"));
    let mut attached = files::of_messages(&mut db, &[message.id]).await?;
    let heavy = links::too_large(&attached, links::rules(&mut db).await?.attached * 1_000_000);
    let made = if heavy.is_empty() { Vec::new() } else { links::make(&mut db, &heavy, Ts::now()).await? };
    drop(db);
    let language = message.language.clone().unwrap_or_else(|| shop.shop.language.clone());
    let linked: Vec<LinkedFile> = attached
        .iter()
        .filter(|file| heavy.contains(&file.id))
        .map(|file| LinkedFile { name: file.name.clone(), size: file.human_size(), url: links::url(app, file.id) })
        .collect();
    let linked_words =
        made.iter().map(|(_, at)| *at).min().map_or_else(String::new, |at| linked_words(&language, &shop.shop.time_zone, at));
    attached.retain(|file| !heavy.contains(&file.id));
    let files = files::load(app, attached).await.map_err(|error| unreadable(&error))?;
    let face = match face {
        // A letter without a face is better than none.
        Some(sha256) => app.blobs.get(&sha256).await.ok(),
        None => None,
    };
    let name = match message.agent_id {
        Some(agent) => format!("{} · {}", shop.agent(agent), shop.shop.shop_name),
        None => shop.shop.shop_name.clone(),
    };
    Ok(Outgoing {
        provider_id: message.provider_id.clone().unwrap_or_default(),
        reply_to: Address { name: shop.shop.shop_name.clone(), address: reply_address(app, channel, &address, message) },
        from: Address { name, address },
        to: envelope.to,
        cc: envelope.cc,
        bcc: envelope.bcc,
        subject: envelope.subject,
        body: message.body.clone(),
        signature: envelope.signature,
        face,
        language,
        in_reply_to: envelope.in_reply_to,
        references: envelope.references,
        quoted: quoted.map(|quoted| Quoted {
            author: if quoted.contact_name.is_empty() {
                quoted.envelope().from.map(|from| if from.name.is_empty() { from.address } else { from.name }).unwrap_or_default()
            } else {
                quoted.contact_name.clone()
            },
            at: quoted.created_at,
            text: shortened(&quoted.new_text()),
        }),
        files,
        linked,
        linked_words,
        automatic: message.automatic,
        date: message.created_at,
    })
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_QUOTE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The sentence above links to files, with the day on which they end.
fn linked_words(language: &str, zone: &str, until: Ts) -> String {
    let language = Language::from_code(language).unwrap_or(Language::En);
    let zone = jiff::tz::TimeZone::get(zone).unwrap_or(jiff::tz::TimeZone::UTC);
    let date = i18n::long_date(language, &until.0.to_zoned(zone));
    i18n::text_with(language, "mail-linked-files", &[("date", Value::from(date))])
}

/// `help+t42-k7f3q2abcd@example.com`, or the plain address where the server knows no tags.
fn reply_address(app: &App, channel: &Channel, address: &str, message: &Message) -> String {
    match address.rsplit_once('@') {
        Some((local, domain)) if Settings::of(channel).plus_addressing => {
            let tag = message.side_id.map_or_else(|| tickets::reply_tag(&app.keys, message.ticket_id), |side| sides::tag(&app.keys, side));
            format!("{local}+{tag}@{domain}")
        }
        _ => address.to_owned(),
    }
}

/// Sends a short letter of the desk itself that belongs to no ticket.
pub async fn send_letter(app: &App, to: Address, subject: String, body: String) -> Result<(), SendError> {
    send_letter_past(app, None, to, subject, body).await
}

/// The same by another way than this channel's, which is out of order; by that one all the same where there is no other.
pub async fn send_letter_past(app: &App, broken: Option<ChannelId>, to: Address, subject: String, body: String) -> Result<(), SendError> {
    let later = |error: sqlx::Error| SendError::Later(format!("the database did not answer: {error}"));
    let shop = directory::get(app).await.map_err(later)?.shop.clone();
    let mut db = app.db.acquire().await.map_err(later)?;
    let mailbox = match broken {
        None => channels::default_mailbox(&mut db).await.map_err(later)?,
        Some(broken) => {
            let all = channels::list(&mut db).await.map_err(later)?;
            let sound = |channel: &Channel| {
                channel.id != broken && channel.enabled && channel.address.is_some() && channel.sign_in_lost_at.is_none()
            };
            let mailboxes = all.into_iter().filter(|channel| channel.kind == ChannelKind::Email);
            let mut mailboxes: Vec<Channel> = mailboxes.filter(|channel| sound(channel) || channel.id == broken).collect();
            mailboxes.sort_unstable_by_key(|channel| (channel.id == broken, channel.id));
            mailboxes.into_iter().next()
        }
    };
    drop(db);
    let host = app.config.web.public_url.as_ref().and_then(|url| url.host_str()).unwrap_or("localhost");
    let own = mailbox.as_ref().and_then(|mailbox| mailbox.address.clone());
    let from = app.config.mail.mail_from.clone().or(own).unwrap_or_else(|| format!("sportello@{host}"));
    let domain = from.rsplit_once('@').map_or(host, |(_, domain)| domain).to_owned();
    let outgoing = Outgoing {
        provider_id: format!("{}@{domain}", crate::secrets::token()),
        from: Address { name: shop.shop_name.clone(), address: from.clone() },
        reply_to: Address::default(),
        to: vec![to.clone()],
        cc: Vec::new(),
        bcc: Vec::new(),
        subject,
        body,
        signature: String::new(),
        face: None,
        language: shop.language,
        in_reply_to: None,
        references: Vec::new(),
        quoted: None,
        files: Vec::new(),
        linked: Vec::new(),
        linked_words: String::new(),
        automatic: true,
        date: crate::clock::Ts::now(),
    };
    let brand = Brand { shop_name: shop.shop_name, accent: shop.accent };
    let letter = build::build(&outgoing, &brand).map_err(|error| SendError::Refused(error.to_string()))?;
    let mailer = match (&app.config.mail.mail_from, &mailbox) {
        // Without a sender of its own, the letter leaves as the mailbox's mail does.
        (None, Some(mailbox)) if Some(mailbox.id) != broken || !app.mailer.delivers() => way_out(app, mailbox).await?,
        _ => app.mailer.clone(),
    };
    mailer.send(&from, &[to.address], &letter).await
}
