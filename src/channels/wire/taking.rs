//! Understands what came in from a network: every element by itself, none at the cost of another.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::LazyLock;
use std::time::Duration;

use tokio::sync::Mutex;

use crate::app::App;
use crate::channels::wire::calls::Caller;
use crate::channels::wire::{Network, Way, faces, network};
use crate::channels::{ATTEMPTS, Outcome, ProcessError, Processed, is_refusal};
use crate::clock::Ts;
use crate::database::is_crossing;
use crate::desk::calls::{self, CallNews, CallStep};
use crate::desk::changes::Change;
use crate::desk::channels::{self, Channel};
use crate::desk::deliveries::{self, Delivery};
use crate::desk::files::StoredFile;
use crate::desk::kinds::{ChannelKind, IntakeState};
use crate::desk::networks::take::{self, Door, Taken};
use crate::desk::networks::{Fault, Happening, Said};
use crate::desk::tickets::receive::MatchedBy;
use crate::ids::TicketId;

/// Between two looks at what may be our own message, whose answer is on its way.
pub const PAUSE: Duration = Duration::from_secs(1);
/// How many looks that takes at most.
pub const LOOKS: u32 = 6;
/// Seconds for which an echo that nothing here explains yet may still be our own.
const FRESH: i64 = 4;
/// Seconds in which a recording that was told of is waited for.
const RECORDINGS: i64 = 300;
/// Attempts at a file.
const FETCHES: u32 = 3;
/// What may be noted about a delivery, in characters.
const MAX_REASON: usize = 2000;

/// Conversations that are understood in the order in which their events came in, as far as one process can tell.
static TURNS: LazyLock<Vec<Mutex<()>>> = LazyLock::new(|| (0..64).map(|_| Mutex::new(())).collect());

/// What one delivery came to.
#[derive(Debug, Default)]
struct Tally {
    kept: Option<TicketId>,
    changed: bool,
    odd: Vec<String>,
    wait: bool,
}

/// Understands a stored delivery. May be asked again, and by several processes at once: everything in it happens once.
pub async fn process(app: &App, channel: &Channel, delivery: &Delivery, net: &dyn Network) -> Result<Processed, ProcessError> {
    let patient = Ts::now().seconds_since(delivery.received_at) < FRESH;
    let mut tally = Tally::default();
    let elements = net.read(channel, &delivery.raw);
    // One address of ours may stand for several accounts.
    let channels = if elements.iter().any(|element| element.account.is_some()) {
        channels::list(&mut *app.db.acquire().await?).await?
    } else {
        Vec::new()
    };
    for element in elements {
        let happening = match element.told {
            Ok(happening) => happening,
            Err(words) => {
                tally.odd.push(words);
                continue;
            }
        };
        let target = match &element.account {
            None => Some(channel),
            Some((kind, id)) => account(app, &channels, channel, *kind, id),
        };
        match (target, &element.account) {
            (Some(target), _) if !target.enabled => tally.odd.push(format!("{} is switched off.", target.name)),
            (Some(target), _) => {
                let net = network(target.kind).unwrap_or(net);
                let turn = turn_of(target, &happening);
                let _turn = match turn {
                    Some(turn) => Some(TURNS[turn].lock().await),
                    None => None,
                };
                take_one(app, target, delivery, net, happening, patient, &mut tally).await?;
            }
            (None, Some((kind, id))) => {
                tally.odd.push(format!("It is for the {} account {id}, which is not connected here.", kind.label()))
            }
            (None, None) => {}
        }
    }
    if tally.wait {
        return Err(ProcessError::Soon);
    }
    let mut reason = tally.odd.join("\n");
    if let Some((at, _)) = reason.char_indices().nth(MAX_REASON) {
        reason.truncate(at);
    }
    let state = if tally.kept.is_some() || tally.changed { IntakeState::Processed } else { IntakeState::Dropped };
    let mut db = app.db.acquire().await?;
    deliveries::finish(&mut db, delivery.id, state, Some(&*reason).filter(|reason| !reason.is_empty())).await?;
    drop(db);
    Ok(Processed {
        outcome: match (tally.kept, tally.changed) {
            (Some(_), _) | (None, true) => Outcome::Appended,
            (None, false) => Outcome::Dropped,
        },
        ticket: tally.kept,
        message: None,
        matched_by: MatchedBy::Key,
        automatic: None,
        bounce: false,
        acknowledged: false,
        reason: Some(reason).filter(|reason| !reason.is_empty()),
    })
}

/// The channel of an account. Several may share one address of ours; each is known by the id that its provider gives it, and nobody speaks
/// for the accounts of another app.
fn account<'a>(app: &App, channels: &'a [Channel], channel: &'a Channel, kind: ChannelKind, id: &str) -> Option<&'a Channel> {
    let known = channels.iter().find(|other| other.kind == kind && other.address.as_deref() == Some(id));
    match known {
        Some(known) => network(kind).is_some_and(|net| net.speaks_for(app, channel, known)).then_some(known),
        // Connected, and not tried yet: the provider has not said its id so far.
        None => Some(channel).filter(|channel| channel.kind == kind && channel.address.is_none()),
    }
}

fn turn_of(channel: &Channel, happening: &Happening) -> Option<usize> {
    let conversation = match happening {
        Happening::Said(said) => &said.conversation,
        Happening::Call(news) => &news.id,
        _ => return None,
    };
    let mut hasher = DefaultHasher::new();
    (channel.id, conversation).hash(&mut hasher);
    usize::try_from(hasher.finish() % 64).ok()
}

async fn take_one(
    app: &App,
    channel: &Channel,
    delivery: &Delivery,
    net: &dyn Network,
    mut happening: Happening,
    patient: bool,
    tally: &mut Tally,
) -> Result<(), ProcessError> {
    let abilities = net.abilities(channel);
    let door = Door { channel, abilities: &abilities, delivery: Some(delivery.id), patient };
    let mut files = Vec::new();
    if let Happening::Said(said) = &mut happening {
        clean(said);
        let mut db = app.db.acquire().await?;
        let known = take::is_known(&mut db, channel, &said.id).await?;
        drop(db);
        if known {
            return Ok(());
        }
        files = bring(app, channel, net, said).await?;
    }
    if let Happening::Call(news) = &mut happening {
        clean_call(news);
        news.at.get_or_insert(delivery.received_at);
        match bring_recording(app, channel, delivery, net, news).await? {
            Some(brought) => files = brought,
            None => {
                tally.wait = true;
                return Ok(());
            }
        }
    }
    let mut attempt = 1;
    loop {
        let mut change = Change::begin(app).await?;
        let taken = match take::take(&mut change, &door, &happening, &files).await {
            Ok(taken) => change.commit().await.map(|()| taken),
            Err(error) => Err(error),
        };
        match taken {
            Ok(Taken::Kept(ticket)) => {
                tally.kept = Some(ticket);
                if let Happening::Said(said) = &happening
                    && let Some(url) = &said.person.picture
                {
                    faces::keep(app, ticket, url);
                }
            }
            Ok(Taken::Changed(_) | Taken::Noted | Taken::Parked) => tally.changed = true,
            Ok(Taken::Duplicate | Taken::Nothing) => {}
            Ok(Taken::Wait) => tally.wait = true,
            Err(error) if attempt < ATTEMPTS && is_crossing(&error) => {
                attempt += 1;
                tokio::time::sleep(Duration::from_millis(rand::random_range(5..50))).await;
                continue;
            }
            Err(error) if is_refusal(&error) => {
                tracing::error!(delivery = %delivery.id, %error, "one element of a webhook could not be stored");
                tally.odd.push("One element could not be stored.".to_owned());
            }
            Err(error) => return Err(error.into()),
        }
        return Ok(());
    }
}

/// What a message did not bring itself: its files, its author's name, the post around it.
async fn bring(app: &App, channel: &Channel, net: &dyn Network, said: &mut Said) -> Result<Vec<StoredFile>, ProcessError> {
    let way = Way { app, channel, calls: Caller::of(app) };
    net.complete(&way, said).await;
    let mut files = Vec::new();
    for media in std::mem::take(&mut said.media) {
        match fetch(&way, net, &media).await {
            Ok(file) => files.push(file),
            Err(fault) => said.extras.missing.push(format!("{} could not be fetched: {fault}", media.kind.label())),
        }
    }
    Ok(StoredFile::store_all(app, &files).await?)
}

/// The recording of a call, if this brings one. Providers tell of it before it can be fetched: `None`, to be asked again in a moment.
async fn bring_recording(
    app: &App,
    channel: &Channel,
    delivery: &Delivery,
    net: &dyn Network,
    news: &mut CallNews,
) -> Result<Option<Vec<StoredFile>>, ProcessError> {
    let CallStep::Recorded { media, .. } = &news.step else { return Ok(Some(Vec::new())) };
    let mut db = app.db.acquire().await?;
    if calls::is_recorded(&mut db, channel.id, &news.id).await? {
        return Ok(Some(Vec::new()));
    }
    drop(db);
    let way = Way { app, channel, calls: Caller::of(app) };
    match fetch(&way, net, media).await {
        Ok(file) => Ok(Some(StoredFile::store_all(app, &[file]).await?)),
        Err(Fault::Later { .. }) if Ts::now().seconds_since(delivery.received_at) < RECORDINGS => Ok(None),
        Err(fault) => {
            news.step = CallStep::NotRecorded { words: Some(format!("The recording could not be fetched: {fault}")) };
            Ok(Some(Vec::new()))
        }
    }
}

async fn fetch(
    way: &Way<'_>,
    net: &dyn Network,
    media: &crate::desk::networks::Media,
) -> Result<crate::desk::envelope::IncomingFile, Fault> {
    let mut attempt = 1;
    loop {
        match net.fetch(way, media).await {
            Err(Fault::Later { .. }) if attempt < FETCHES => {
                tokio::time::sleep(Duration::from_millis(400 * u64::from(attempt))).await;
                attempt += 1;
            }
            other => return other,
        }
    }
}

/// Postgres has no NUL, and an index takes no endless keys.
fn clean(said: &mut Said) {
    const MAX_KEY: usize = 500;
    for text in [&mut said.id, &mut said.conversation, &mut said.text, &mut said.subject, &mut said.person.name] {
        if text.contains('\0') {
            *text = text.replace('\0', "");
        }
    }
    for key in [&mut said.id, &mut said.conversation] {
        if key.len() > MAX_KEY {
            use sha2::{Digest as _, Sha256};
            *key = format!("sha256-{}", hex::encode(Sha256::digest(key.as_bytes())));
        }
    }
}

/// The same for a call.
fn clean_call(news: &mut CallNews) {
    const MAX_KEY: usize = 200;
    news.name = news.name.chars().filter(|c| !c.is_control()).take(200).collect();
    news.id.retain(|c| c != '\0');
    if news.id.len() > MAX_KEY {
        use sha2::{Digest as _, Sha256};
        news.id = format!("sha256-{}", hex::encode(Sha256::digest(news.id.as_bytes())));
    }
    if let CallStep::Ended { cause, .. } = &mut news.step {
        *cause = cause.chars().filter(|c| !c.is_control()).take(80).collect();
    }
    // A provider's clock that runs ahead must not make a call that rings forever.
    news.at = news.at.map(|at| at.min(Ts::now()));
}
