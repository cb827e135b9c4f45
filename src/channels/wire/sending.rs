//! Sends what agents say on networks: part by part, in order, at the provider's pace, and never twice where that cannot be known.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::app::App;
use crate::channels::wire::calls::Caller;
use crate::channels::wire::{Network, Recipient, Way};
use crate::clock::Ts;
use crate::desk::changes::Change;
use crate::desk::channels::{self, Channel};
use crate::desk::contacts;
use crate::desk::envelope::OutgoingFile;
use crate::desk::files;
use crate::desk::kinds::DeliveryStatus;
use crate::desk::networks::abilities::Window;
use crate::desk::networks::parts::{self, Part};
use crate::desk::networks::{Extras, Fault, Step, say};
use crate::desk::tickets::outbound;
use crate::desk::tickets::thread::{self, Message};
use crate::ids::{ChannelId, MessageId, TicketId};
use crate::jobs::Outcome;

/// Seconds between two looks whether an earlier answer has left.
const TURN: i64 = 2;

/// Sends one queued message and records how far it came. `last`: no attempt follows, so what cannot leave now has failed.
pub async fn send(app: &App, channel: &Channel, net: &dyn Network, id: MessageId, last: bool) -> Outcome {
    match attempt(app, channel, net, id, last).await {
        Ok(outcome) => outcome,
        Err(error) => Outcome::Retry(error.to_string()),
    }
}

async fn attempt(app: &App, channel: &Channel, net: &dyn Network, id: MessageId, last: bool) -> sqlx::Result<Outcome> {
    let mut db = app.db.acquire().await?;
    let Some(message) = thread::find(&mut db, id).await? else { return Ok(Outcome::Done) };
    if channel.sign_in_lost_at.is_some() {
        drop(db);
        return wait_for_sign_in(app, channel, &message).await;
    }
    if say::earlier_waits(&mut db, channel.id, message.ticket_id, id).await? {
        return Ok(Outcome::Again(TURN));
    }
    let pause = say::pause(&mut db, message.ticket_id, net.pace().per_recipient).await?;
    let fresh = parts::list(&mut db, id).await?.iter().all(|part| part.state == DeliveryStatus::Queued);
    if pause > 0 && fresh {
        return Ok(Outcome::Again(pause));
    }
    let Some(message) = outbound::begin(&mut db, id).await? else { return Ok(Outcome::Done) };
    let Some(recipient) = recipient_of(&mut db, channel, net, &message).await? else {
        drop(db);
        return fail(app, &message, "The customer has no address on this network any more.").await;
    };
    drop(db);
    let files = match files::load_for_sending(app, message.id).await {
        Ok(files) => files,
        Err(error) => return delay(app, &message, &format!("a file could not be read: {error}"), None, last).await,
    };
    let parts = plan(app, channel, net, &message, &files).await?;
    let way = Way { app, channel, calls: Caller::of(app) };
    for part in parts {
        match part.state {
            DeliveryStatus::Sent | DeliveryStatus::Delivered | DeliveryStatus::Read => continue,
            DeliveryStatus::Unsure => return hold(app, &message).await,
            // An earlier attempt died with it in hand: it may have arrived.
            DeliveryStatus::Sending => {
                fault(app, &message, &part, &Fault::Unsure("Sportello was stopped while sending this.".to_owned())).await?;
                return Ok(Outcome::Done);
            }
            DeliveryStatus::Queued | DeliveryStatus::Failed => {}
        }
        keep_pace(channel.id, net.pace().per_second).await;
        let mut db = app.db.acquire().await?;
        if !parts::begin(&mut db, part.id).await? {
            continue;
        }
        drop(db);
        match net.send(&way, &recipient, &message, &part, &files).await {
            Ok(receipt) => {
                let mut change = Change::begin(app).await?;
                parts::taken(&mut change, channel.id, part.id, &receipt.id).await?;
                if let Some((kind, address)) = &receipt.person {
                    // When they write back, they are known.
                    contacts::add_to_ticket(&mut change, message.ticket_id, *kind, address).await?;
                }
                channels::note_ok(&mut change, channel.id).await?;
                change.commit().await?;
            }
            Err(trouble) => {
                fault(app, &message, &part, &trouble).await?;
                return judge(app, channel, &message, &part, trouble, last).await;
            }
        }
    }
    hold(app, &message).await
}

/// What the parts say stands on the message.
async fn hold(app: &App, message: &Message) -> sqlx::Result<Outcome> {
    let mut change = Change::begin(app).await?;
    parts::settle(&mut change, message.ticket_id, message.id).await?;
    change.commit().await?;
    Ok(Outcome::Done)
}

async fn fault(app: &App, message: &Message, part: &Part, fault: &Fault) -> sqlx::Result<()> {
    let mut change = Change::begin(app).await?;
    parts::faulted(&mut change, part.id, fault).await?;
    parts::settle(&mut change, message.ticket_id, message.id).await?;
    change.commit().await
}

async fn judge(app: &App, channel: &Channel, message: &Message, part: &Part, trouble: Fault, last: bool) -> sqlx::Result<Outcome> {
    match trouble {
        Fault::SignIn(words) => {
            let mut change = Change::begin(app).await?;
            channels::lose_sign_in(&mut change, channel.id, &words).await?;
            change.touch_settings();
            change.commit().await?;
            wait_for_sign_in(app, channel, message).await
        }
        Fault::Later { words, .. } if last => {
            let mut change = Change::begin(app).await?;
            parts::step(&mut change, part.id, &Step::Failed(Fault::Permanent(words.clone())), None).await?;
            change.commit().await?;
            Ok(Outcome::Fail(words))
        }
        Fault::Later { words, after } => delay(app, message, &words, after, last).await,
        // Held for the echo, or for an agent's decision: sent again blindly it might arrive twice.
        Fault::Unsure(_) => Ok(Outcome::Done),
        Fault::Window(words) | Fault::Recipient(words) | Fault::Permanent(words) => Ok(Outcome::Fail(words)),
    }
}

async fn wait_for_sign_in(app: &App, channel: &Channel, message: &Message) -> sqlx::Result<Outcome> {
    let mut change = Change::begin(app).await?;
    let words = format!("{} has to be connected again by an admin. This leaves by itself then.", channel.name);
    outbound::delayed(&mut change, message, &words).await?;
    change.commit().await?;
    Ok(Outcome::Done)
}

async fn delay(app: &App, message: &Message, words: &str, after: Option<i64>, last: bool) -> sqlx::Result<Outcome> {
    let mut change = Change::begin(app).await?;
    if last {
        outbound::failed(&mut change, message, words).await?;
    } else {
        outbound::delayed(&mut change, message, words).await?;
    }
    change.commit().await?;
    Ok(match after {
        // The provider says when; that is no failed attempt of ours.
        Some(after) if !last => Outcome::Again(after.clamp(1, 3600)),
        _ => Outcome::Retry(words.to_owned()),
    })
}

async fn fail(app: &App, message: &Message, words: &str) -> sqlx::Result<Outcome> {
    let mut change = Change::begin(app).await?;
    outbound::failed(&mut change, message, words).await?;
    change.commit().await?;
    Ok(Outcome::Fail(words.to_owned()))
}

async fn plan(app: &App, channel: &Channel, net: &dyn Network, message: &Message, files: &[OutgoingFile]) -> sqlx::Result<Vec<Part>> {
    let mut db = app.db.acquire().await?;
    let known = parts::list(&mut db, message.id).await?;
    if !known.is_empty() {
        return Ok(known);
    }
    let new = net.plan(channel, message, files);
    drop(db);
    let mut tx = app.db.begin().await?;
    parts::plan(&mut tx, channel.id, message.id, &new).await?;
    tx.commit().await?;
    parts::list(&mut *app.db.acquire().await?, message.id).await
}

/// Whom a message goes to, and how.
async fn recipient_of(
    db: &mut sqlx::PgConnection,
    channel: &Channel,
    net: &dyn Network,
    message: &Message,
) -> sqlx::Result<Option<Recipient>> {
    let Some(to) = recipient(db, channel, net, message.ticket_id).await? else { return Ok(None) };
    let extras: Extras = message.extras();
    let reply_to = match message.reply_to_id {
        Some(id) => say::provider_id(db, id).await?,
        None => None,
    };
    Ok(Some(Recipient { public: message.public, private_reply_to: extras.private_reply_to, reply_to, ..to }))
}

/// The customer of a ticket, as their network knows them.
pub async fn recipient(
    db: &mut sqlx::PgConnection,
    channel: &Channel,
    net: &dyn Network,
    ticket: TicketId,
) -> sqlx::Result<Option<Recipient>> {
    let Some(addressee) = say::addressee(db, channel, ticket).await? else { return Ok(None) };
    let window = net.abilities(channel).window(addressee.spoke_at, Ts::now());
    Ok(Some(Recipient {
        conversation: addressee.conversation,
        newest: addressee.newest,
        identities: addressee.identities,
        name: addressee.name,
        post: addressee.post,
        public: false,
        private_reply_to: None,
        human_hours: matches!(window, Window::Human(_)),
        reply_to: None,
    }))
}

type Limiter = DefaultKeyedRateLimiter<ChannelId>;

/// What keeps a pace, in calls per second and channel.
fn limiter(per_second: u32) -> Arc<Limiter> {
    static PACES: LazyLock<Mutex<HashMap<u32, Arc<Limiter>>>> = LazyLock::new(Mutex::default);
    let mut paces = PACES.lock().unwrap_or_else(PoisonError::into_inner);
    let new = || Arc::new(RateLimiter::keyed(Quota::per_second(NonZeroU32::new(per_second).unwrap_or(NonZeroU32::MIN))));
    Arc::clone(paces.entry(per_second).or_insert_with(new))
}

/// Waits for the channel's turn. Per process: providers' limits leave room for a few of them.
async fn keep_pace(channel: ChannelId, per_second: u32) {
    limiter(per_second).until_key_ready(&channel).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_network_has_its_pace_and_each_channel_its_turn() {
        let (slow, quick) = (limiter(2), limiter(7));
        let taken = |limiter: &Limiter, channel| (0..10).filter(|_| limiter.check_key(&ChannelId(channel)).is_ok()).count();
        assert_eq!((taken(&slow, 1), taken(&quick, 1)), (2, 7));
        assert_eq!((taken(&limiter(2), 1), taken(&limiter(2), 2)), (0, 2), "a pace is kept in one place");
    }
}
