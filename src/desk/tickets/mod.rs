//! Tickets: what a customer asks, from the first message to the last.

pub mod drafts;
pub mod follow;
pub mod forwards;
pub mod list;
pub mod outbound;
pub mod participants;
pub mod planned;
pub mod receive;
pub mod recipients;
pub mod reply;
pub mod reports;
pub mod selections;
pub mod sides;
pub mod surroundings;
pub mod thread;
pub mod update;

use sqlx::PgConnection;

use crate::app::App;
use crate::clock::Ts;
use crate::desk::agents::Agent;
use crate::desk::kinds::{Direction, Priority, Status};
use crate::ids::{AgentId, ChannelId, ContactId, MessageId, TagId, TeamId, TicketId};
use crate::secrets::Keys;

/// A ticket as its row tells it.
#[derive(Debug, Clone)]
pub struct Ticket {
    pub id: TicketId,
    pub channel_id: ChannelId,
    pub contact_id: ContactId,
    pub subject: String,
    pub status: Status,
    pub priority: Priority,
    pub assignee_id: Option<AgentId>,
    pub team_id: Option<TeamId>,
    /// The customer's, two letters.
    pub language: Option<String>,
    /// The oldest customer message that we still owe an answer.
    pub waiting_since: Option<Ts>,
    pub snoozed_until: Option<Ts>,
    pub solved_at: Option<Ts>,
    pub first_answered_at: Option<Ts>,
    pub acknowledged_at: Option<Ts>,
    pub message_count: i32,
    pub last_message_at: Ts,
    pub excerpt: String,
    pub last_direction: Option<Direction>,
    pub tag_ids: Vec<TagId>,
    /// What a form asked besides the message: pairs of label and answer.
    pub details: serde_json::Value,
    pub created_at: Ts,
    pub updated_at: Ts,
}

/// The ticket, for an agent who may see it. Every agent of the desk may; whoever narrows that does it here.
pub async fn load(db: &mut PgConnection, _agent: &Agent, id: TicketId) -> sqlx::Result<Option<Ticket>> {
    find(db, id).await
}

/// The ticket, for the desk itself.
pub async fn find(db: &mut PgConnection, id: TicketId) -> sqlx::Result<Option<Ticket>> {
    sqlx::query_as!(
        Ticket,
        r#"select id, channel_id, contact_id, subject, status, priority, assignee_id, team_id, language, waiting_since, snoozed_until,
                  solved_at, first_answered_at, acknowledged_at, message_count, last_message_at, excerpt, last_direction,
                  tag_ids as "tag_ids: Vec<TagId>", details, created_at, updated_at
           from tickets where id = $1"#,
        id.0
    )
    .fetch_optional(db)
    .await
}

/// Several tickets, in the order of `ids`; those that are gone are left out.
pub async fn find_many(db: &mut PgConnection, ids: &[TicketId]) -> sqlx::Result<Vec<Ticket>> {
    let wanted: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let mut tickets = sqlx::query_as!(
        Ticket,
        r#"select id, channel_id, contact_id, subject, status, priority, assignee_id, team_id, language, waiting_since, snoozed_until,
                  solved_at, first_answered_at, acknowledged_at, message_count, last_message_at, excerpt, last_direction,
                  tag_ids as "tag_ids: Vec<TagId>", details, created_at, updated_at
           from tickets where id = any($1)"#,
        &wanted
    )
    .fetch_all(db)
    .await?;
    tickets.sort_by_key(|ticket| ids.iter().position(|id| *id == ticket.id));
    Ok(tickets)
}

/// The ticket, held until the transaction ends: everything that changes a ticket takes it first, so that changes come one after another.
pub async fn lock(db: &mut PgConnection, id: TicketId) -> sqlx::Result<Option<Ticket>> {
    sqlx::query_as!(
        Ticket,
        r#"select id, channel_id, contact_id, subject, status, priority, assignee_id, team_id, language, waiting_since, snoozed_until,
                  solved_at, first_answered_at, acknowledged_at, message_count, last_message_at, excerpt, last_direction,
                  tag_ids as "tag_ids: Vec<TagId>", details, created_at, updated_at
           from tickets where id = $1 for update"#,
        id.0
    )
    .fetch_optional(db)
    .await
}

/// Length of the signature in a reply address: 50 bits, in letters that survive a change of case.
const REPLY_SIGNATURE: usize = 10;
/// Length of the signature in a customer's link: 160 bits.
const LINK_SIGNATURE: usize = 32;

/// The tag that brings a mail back to its ticket when added to a local part: `t42-k7f3q2abcd`.
pub fn reply_tag(keys: &Keys, id: TicketId) -> String {
    format!("t{id}-{}", keys.sign("reply", &id.to_string(), REPLY_SIGNATURE))
}

/// The ticket named by a local part such as `help+t42-k7f3q2abcd`, if its signature is ours.
pub fn parse_reply_tag(keys: &Keys, local_part: &str) -> Option<TicketId> {
    let (_, tag) = local_part.rsplit_once('+')?;
    let (id, signature) = tag.strip_prefix(['t', 'T'])?.split_once('-')?;
    let id: TicketId = id.parse().ok()?;
    keys.verify("reply", &id.to_string(), REPLY_SIGNATURE, signature).then_some(id)
}

/// The tag that brings a server's notice about one of our messages home: `m901-k7f3q2abcd`, added to the envelope sender's local part.
pub fn bounce_tag(keys: &Keys, id: MessageId) -> String {
    format!("m{id}-{}", keys.sign("bounce", &id.to_string(), REPLY_SIGNATURE))
}

/// The message named by a local part such as `help+m901-k7f3q2abcd` or `bounce+m901-k7f3q2abcd`, if its signature is ours.
pub fn parse_bounce_tag(keys: &Keys, local_part: &str) -> Option<MessageId> {
    let (_, tag) = local_part.rsplit_once('+')?;
    let (id, signature) = tag.strip_prefix(['m', 'M'])?.split_once('-')?;
    let id: MessageId = id.parse().ok()?;
    keys.verify("bounce", &id.to_string(), REPLY_SIGNATURE, signature).then_some(id)
}

/// The Message-ID, without brackets, of our message about a ticket: `t42.m901.k7f3q2abcd@help.example.com`.
pub fn message_id(keys: &Keys, ticket: TicketId, message: MessageId, domain: &str) -> String {
    format!("t{ticket}.m{message}.{}@{domain}", keys.sign("message-id", &format!("{ticket}.{message}"), REPLY_SIGNATURE))
}

/// The ticket named by one of our own message ids, if its signature is ours.
pub fn parse_message_id(keys: &Keys, id: &str) -> Option<TicketId> {
    parse_message_id_whole(keys, id).map(|(ticket, _)| ticket)
}

/// The message named by one of our own message ids, if its signature is ours.
pub fn parse_message(keys: &Keys, id: &str) -> Option<MessageId> {
    parse_message_id_whole(keys, id).map(|(_, message)| message)
}

/// The ticket with the message.
pub fn parse_message_id_whole(keys: &Keys, id: &str) -> Option<(TicketId, MessageId)> {
    let (local, _) = id.split_once('@')?;
    let mut parts = local.split('.');
    let ticket = parts.next()?.strip_prefix('t')?;
    let message = parts.next()?.strip_prefix('m')?;
    let signature = parts.next()?;
    keys.verify("message-id", &format!("{ticket}.{message}"), REPLY_SIGNATURE, signature)
        .then(|| Some((ticket.parse().ok()?, message.parse().ok()?)))?
}

/// The unguessable part of the customer's link: `42-…`.
pub fn link_token(keys: &Keys, id: TicketId) -> String {
    format!("{id}-{}", keys.sign("link", &id.to_string(), LINK_SIGNATURE))
}

/// The ticket that a customer's link opens.
pub fn parse_link_token(keys: &Keys, token: &str) -> Option<TicketId> {
    let (id, signature) = token.split_once('-')?;
    let id: TicketId = id.parse().ok()?;
    keys.verify("link", &id.to_string(), LINK_SIGNATURE, signature).then_some(id)
}

/// Where a customer follows their ticket.
pub fn link(app: &App, id: TicketId) -> String {
    format!("{}/r/{}", app.config.public_url(), link_token(&app.keys, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_open_their_own_ticket_only() {
        let keys = Keys::from_bytes([1; 32]);
        let tag = reply_tag(&keys, TicketId(42));
        assert_eq!(parse_reply_tag(&keys, &format!("help+{tag}")), Some(TicketId(42)));
        assert_eq!(parse_reply_tag(&keys, &format!("HELP+{}", tag.to_uppercase())), Some(TicketId(42)));
        assert_eq!(parse_reply_tag(&keys, &format!("help+{}", tag.replace("t42", "t43"))), None);
        assert_eq!(parse_reply_tag(&keys, "help+t42"), None);
        assert_eq!(parse_reply_tag(&keys, "help"), None);

        let tag = bounce_tag(&keys, MessageId(901));
        assert_eq!(parse_bounce_tag(&keys, &format!("help+{tag}")), Some(MessageId(901)));
        assert_eq!(parse_bounce_tag(&keys, &format!("BOUNCE+{}", tag.to_uppercase())), Some(MessageId(901)));
        assert_eq!(parse_bounce_tag(&keys, &format!("help+{}", tag.replace("m901", "m902"))), None);
        assert_eq!(parse_reply_tag(&keys, &format!("help+{tag}")), None);

        let id = message_id(&keys, TicketId(42), MessageId(901), "help.example.com");
        assert_eq!(parse_message_id(&keys, &id), Some(TicketId(42)));
        assert_eq!(parse_message_id(&keys, &id.replace("m901", "m902")), None);
        assert_eq!(parse_message_id(&keys, "CAF+x=abc@mail.gmail.com"), None);

        let token = link_token(&keys, TicketId(42));
        assert_eq!(parse_link_token(&keys, &token), Some(TicketId(42)));
        assert_eq!(parse_link_token(&keys, &token[..token.len() - 1]), None);
    }
}
