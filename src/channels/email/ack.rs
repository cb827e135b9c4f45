//! The acknowledgement: in the customer's language, with number and link, never to a machine and never in a loop.

use crate::app::App;
use crate::clock::Ts;
use crate::desk::changes::Change;
use crate::desk::channels;
use crate::desk::directory;
use crate::desk::kinds::{Direction, Status};
use crate::desk::tickets::recipients;
use crate::desk::tickets::reply::{self, ReplyError};
use crate::desk::tickets::thread::{self, Message};
use crate::desk::tickets::{self, Ticket, outbound};
use crate::desk::waits;
use crate::i18n::{self, Language, Value};
use crate::ids::{MessageId, TicketId};
use crate::jobs::Outcome;

/// One per ticket in so many seconds.
const PER_TICKET_SECONDS: i64 = 24 * 3600;
/// So many per customer and per address within an hour: two machines that answer each other fall silent.
const PER_HOUR: i64 = 5;

/// Queues the acknowledgement of a customer's message, unless there is a reason for silence.
pub async fn acknowledge(app: &App, ticket: TicketId, message: MessageId) -> Outcome {
    match queue(app, ticket, message).await {
        Ok(Some(silence)) => {
            tracing::info!(%ticket, silence, "no acknowledgement");
            Outcome::Done
        }
        Ok(None) => Outcome::Done,
        // The desk has no mailbox, or the customer no address: trying again changes nothing, and nobody waits for it.
        Err(ReplyError::NoWay(reason)) => {
            tracing::info!(%ticket, reason, "no acknowledgement");
            Outcome::Done
        }
        Err(ReplyError::Database(error)) => Outcome::Retry(error.to_string()),
        Err(error @ (ReplyError::Newer | ReplyError::Empty | ReplyError::TooLong | ReplyError::NeedsApproval)) => {
            Outcome::Fail(error.to_string())
        }
    }
}

/// Queues it; `Some` is why not.
async fn queue(app: &App, ticket: TicketId, message: MessageId) -> Result<Option<&'static str>, ReplyError> {
    let shop = directory::get(app).await?.shop.clone();
    let now = Ts::now();
    // Before the change begins: whoever holds one connection does not wait for another.
    let wait = waits::of_ticket(app, ticket, now).await?;
    let mut change = Change::begin(app).await?;
    // The lock makes "at most once" true when two jobs run at the same time.
    let Some(ticket) = tickets::lock(&mut change, ticket).await? else { return Ok(Some("the ticket is gone")) };
    let Some(message) = thread::find(&mut change, message).await? else { return Ok(Some("the message is gone")) };
    if message.direction != Direction::Inbound || message.automatic || message.bounce {
        return Ok(Some("a machine wrote it"));
    }
    if ticket.status == Status::Spam {
        return Ok(Some("it is spam"));
    }
    if ticket.acknowledged_at.is_some_and(|at| Ts::now().seconds_since(at) < PER_TICKET_SECONDS) {
        return Ok(Some("the ticket had one today"));
    }
    let to = recipients::of_customer(&mut change, &ticket).await?.to;
    let Some(to) = to.into_iter().next() else { return Ok(Some("there is no address")) };
    if outbound::automatic_last_hour(&mut change, ticket.contact_id, &to.address).await? >= PER_HOUR {
        return Ok(Some("this address had several within an hour"));
    }
    let channel = channels::find(&mut change, ticket.channel_id).await?;
    let of_channel = channel.and_then(|channel| channel.language);
    let wishes = [message.language.as_deref(), ticket.language.as_deref(), of_channel.as_deref(), Some(&*shop.language)];
    let language = wishes.into_iter().flatten().find_map(Language::from_code).unwrap_or(Language::En);
    // Their mailbox does not tell where they are: times are the shop's, and say so.
    let place = waits::Place::Named(jiff::tz::TimeZone::get(&shop.time_zone).unwrap_or(jiff::tz::TimeZone::UTC));
    let wait = match wait {
        Some(wait) => waits::wait_words(language, &wait, &place, now),
        None => i18n::text(language, "wait-unknown"),
    };
    let body = words(app, &ticket, &message, &shop.shop_name, language, wait);
    reply::automatic(&mut change, &ticket, &body, language.code()).await?;
    change.commit().await?;
    Ok(None)
}

fn words(app: &App, ticket: &Ticket, message: &Message, shop: &str, language: Language, wait: String) -> String {
    let shop = || ("shop", Value::from(shop.to_owned()));
    let greeting = match greetable(&message.contact_name) {
        Some(name) => i18n::text_with(language, "mail-greeting", &[("name", Value::from(name.to_owned()))]),
        None => i18n::text(language, "mail-greeting-anonymous"),
    };
    let body = i18n::text_with(
        language,
        "mail-ack-body",
        // The number is a name here: as a number it would get thousands separators.
        &[
            shop(),
            ("number", Value::from(ticket.id.to_string())),
            ("url", Value::from(tickets::link(app, ticket.id))),
            ("wait", Value::from(wait)),
        ],
    );
    let closing = i18n::text_with(language, "mail-closing", &[shop()]);
    let automatic = i18n::text(language, "mail-automatic");
    format!("{greeting}\n\n{body}\n\n{closing}\n\n{automatic}")
}

/// A name that may stand in a letter to an address that anybody can have typed: no advertisement, no link.
fn greetable(name: &str) -> Option<&str> {
    let name = name.trim();
    let plain = (1..=60).contains(&name.chars().count())
        && !name.chars().any(|c| c.is_control() || matches!(c, '@' | '/' | ':' | '<' | '>' | '!'))
        && !name.to_lowercase().contains("www.");
    plain.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::greetable;

    #[test]
    fn a_name_that_carries_a_link_is_not_repeated() {
        assert_eq!(greetable("Anna Bianchi"), Some("Anna Bianchi"));
        assert_eq!(greetable("Win at https://evil.example"), None);
        assert_eq!(greetable("www.evil.example"), None);
        assert_eq!(greetable("  "), None);
    }
}
