//! A conversation, or a message of it, passed on to somebody outside.

use sqlx::PgConnection;

use crate::desk::directory::Directory;
use crate::desk::files::{self, Attachment};
use crate::desk::kinds::{DeliveryStatus, Direction};
use crate::desk::links;
use crate::desk::tickets::thread::{self, Message};
use crate::i18n::{self, Language};
use crate::ids::{MessageId, TicketId};
use crate::text::pictures;

/// Messages that are passed on at most, the newest.
const MAX: usize = 40;

/// Whether a message may be passed on: never a note, never what the desk said by itself, and nothing that its reader was not sent.
pub fn is_forwardable(message: &Message) -> bool {
    let left = !matches!(message.delivery, Some(DeliveryStatus::Queued | DeliveryStatus::Sending | DeliveryStatus::Failed));
    let said = message.direction == Direction::Inbound || message.direction == Direction::Outbound && left;
    said && message.side_id.is_none() && !message.automatic && !message.bounce && message.removed_at.is_none()
}

/// The messages that are passed on: one, or the newest of the conversation; of these only what somebody has seen, where that is known.
pub async fn passed_on(
    db: &mut PgConnection,
    ticket: TicketId,
    one: Option<MessageId>,
    seen: Option<&[MessageId]>,
) -> sqlx::Result<Vec<Message>> {
    let mut messages = match one {
        Some(one) => thread::find(db, one).await?.into_iter().filter(|message| message.ticket_id == ticket).collect(),
        None => thread::list(db, ticket, None, false).await?,
    };
    messages.retain(|message| is_forwardable(message) && seen.is_none_or(|seen| seen.contains(&message.id)));
    let surplus = messages.len().saturating_sub(MAX);
    messages.drain(..surplus);
    Ok(messages)
}

/// Their files, but for what was offered by a link that was taken back.
pub async fn files(db: &mut PgConnection, messages: &[Message]) -> sqlx::Result<Vec<Attachment>> {
    let ids: Vec<MessageId> = messages.iter().map(|message| message.id).collect();
    let mut files = files::of_messages(db, &ids).await?;
    let revoked = links::revoked(db, &files).await?;
    files.retain(|file| !revoked.contains(&file.id));
    Ok(files)
}

/// Messages as they are passed on: who said what and when, without whom nobody was to see. Nothing of none.
pub fn history(directory: &Directory, messages: &[Message]) -> String {
    if messages.is_empty() {
        return String::new();
    }
    let shop = &directory.shop;
    let language = Language::from_code(&shop.language).unwrap_or(Language::En);
    let zone = jiff::tz::TimeZone::get(&shop.time_zone).unwrap_or(jiff::tz::TimeZone::UTC);
    let word = |key: &str| i18n::text(language, key);
    let mut history = format!("---------- {} ----------\n", word("mail-forwarded"));
    for message in messages {
        let envelope = message.envelope();
        let from = match (message.direction, message.agent_id) {
            (Direction::Outbound, Some(agent)) => format!("{} · {}", directory.agent(agent), shop.shop_name),
            (Direction::Outbound, None) => shop.shop_name.clone(),
            _ => match envelope.from {
                Some(from) if !from.name.is_empty() => format!("{} <{}>", from.name, from.address),
                Some(from) if !from.address.is_empty() => from.address,
                _ => message.contact_name.clone(),
            },
        };
        history.push_str(&format!("\n{}: {from}\n", word("mail-forwarded-from")));
        let date = i18n::long_date(language, &message.created_at.0.to_zoned(zone.clone()));
        history.push_str(&format!("{}: {date}\n", word("mail-forwarded-date")));
        let to: Vec<&str> = envelope.to.iter().map(|to| to.address.as_str()).collect();
        if !to.is_empty() {
            history.push_str(&format!("{}: {}\n", word("mail-forwarded-to"), to.join(", ")));
        }
        history.push_str(&format!("\n{}\n", pictures::in_words(message.new_text().trim_end())));
    }
    history
}
