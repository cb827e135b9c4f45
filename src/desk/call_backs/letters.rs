//! What a customer who waits for a call gets by mail: the time we agreed on, that we missed it, that we could not reach them. Whoever
//! has no mail address gets none, and finds the same on the page of their request.

use jiff::tz::TimeZone;

use crate::clock::Ts;
use crate::desk::call_backs::{CallBack, Offer, Slot, words};
use crate::desk::changes::Change;
use crate::desk::directory::{self, Directory};
use crate::desk::tickets::reply::{self, ReplyError};
use crate::desk::tickets::{self, Ticket};
use crate::desk::waits::Place;
use crate::i18n::{self, Language, Value};

/// Times that a letter proposes.
const PROPOSED: usize = 3;

/// In whose language and by whose clock a customer is written to.
pub fn reader(directory: &Directory, ticket: &Ticket, call: &CallBack) -> (Language, Place) {
    let wishes = [call.language.as_deref(), ticket.language.as_deref(), Some(&*directory.shop.language)];
    let language = wishes.into_iter().flatten().find_map(Language::from_code).unwrap_or(Language::En);
    let own = call.time_zone.as_deref().and_then(|zone| TimeZone::get(zone).ok());
    (language, own.map_or_else(|| Place::Named(directory.hours.zone.clone()), Place::Own))
}

/// Confirms the time that was agreed on. `false`: there is no address to write to.
pub async fn agreed(change: &mut Change, ticket: &Ticket, call: &CallBack, now: Ts) -> sqlx::Result<bool> {
    let directory = directory(change).await?;
    let (language, place) = reader(&directory, ticket, call);
    let when = words::when(language, Slot { from: call.from_at, until: call.until_at }, &place, now);
    let arguments = [
        ("shop", Value::from(directory.shop.shop_name.clone())),
        ("number", Value::from(ticket.id.to_string())),
        ("when", Value::from(when)),
        ("phone", Value::from(call.phone.clone())),
        ("url", Value::from(tickets::link(&change.app, ticket.id))),
    ];
    send(change, ticket, &directory, language, &i18n::text_with(language, "call-back-mail-agreed", &arguments)).await
}

/// Says, where there is an address, that we did not call when we said that we would, and which times are free next.
pub async fn late(change: &mut Change, ticket: &Ticket, call: &CallBack, now: Ts) -> sqlx::Result<bool> {
    // A missed call is to be answered soon, but nobody has told the customer a time.
    if !call.placed && call.attempts == 0 {
        return Ok(false);
    }
    let directory = directory(change).await?;
    let (language, place) = reader(&directory, ticket, call);
    let times = match Offer::of(&directory, None) {
        Some(offer) => offer.free(change, Some(ticket.id), now).await?,
        None => Vec::new(),
    };
    let lines: Vec<String> = times.iter().take(PROPOSED).map(|slot| format!("– {}", words::when(language, *slot, &place, now))).collect();
    let when = words::when(language, Slot { from: call.from_at, until: call.until_at }, &place, now);
    let arguments = [
        ("when", Value::from(when)),
        ("times", Value::from(lines.join("\n"))),
        ("url", Value::from(tickets::link(&change.app, ticket.id))),
    ];
    let key = if lines.is_empty() { "call-back-mail-late-soon" } else { "call-back-mail-late" };
    send(change, ticket, &directory, language, &i18n::text_with(language, key, &arguments)).await
}

/// Says, where there is an address, that we tried and could not reach them.
pub async fn not_reached(change: &mut Change, ticket: &Ticket, call: &CallBack) -> sqlx::Result<bool> {
    let directory = directory(change).await?;
    let (language, _) = reader(&directory, ticket, call);
    let arguments = [
        ("phone", Value::from(call.phone.clone())),
        ("attempts", Value::from(i64::from(call.attempts))),
        ("url", Value::from(tickets::link(&change.app, ticket.id))),
    ];
    send(change, ticket, &directory, language, &i18n::text_with(language, "call-back-mail-not-reached", &arguments)).await
}

async fn directory(change: &mut Change) -> sqlx::Result<std::sync::Arc<Directory>> {
    let app = change.app.clone();
    directory::get_on(&app, change).await
}

async fn send(change: &mut Change, ticket: &Ticket, directory: &Directory, language: Language, words: &str) -> sqlx::Result<bool> {
    let greeting = i18n::text(language, "mail-greeting-anonymous");
    let closing = i18n::text_with(language, "mail-closing", &[("shop", Value::from(directory.shop.shop_name.clone()))]);
    match reply::tell(change, ticket, &format!("{greeting}\n\n{words}\n\n{closing}"), language.code()).await {
        Ok(_) => Ok(true),
        Err(ReplyError::Database(error)) => Err(error),
        // No mailbox or no address: the page of their request says it.
        Err(reason) => {
            tracing::info!(ticket = %ticket.id, %reason, "no letter about a call-back");
            Ok(false)
        }
    }
}
