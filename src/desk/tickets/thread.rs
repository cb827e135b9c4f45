//! The conversation of a ticket.

use std::ops::Range;

use serde::Deserialize as _;
use sqlx::PgConnection;

use crate::clock::Ts;
use crate::desk::envelope::Envelope;
use crate::desk::kinds::{DeliveryStatus, Direction};
use crate::desk::networks::Extras;
use crate::ids::{AgentId, ChannelId, ContactId, DeliveryId, MessageId, SideId, TicketId};
use crate::text;

/// Messages shown at once; earlier ones are a page away.
pub const PAGE: i64 = 100;

/// One utterance.
#[derive(Debug, Clone)]
pub struct Message {
    pub id: MessageId,
    pub ticket_id: TicketId,
    pub channel_id: ChannelId,
    pub direction: Direction,
    pub agent_id: Option<AgentId>,
    pub contact_id: Option<ContactId>,
    /// The customer who wrote it; empty for ours.
    pub contact_name: String,
    pub body: String,
    pub quote_from: i32,
    pub quote_to: i32,
    pub html: Option<String>,
    pub language: Option<String>,
    pub provider_id: Option<String>,
    pub envelope: serde_json::Value,
    pub automatic: bool,
    pub bounce: bool,
    pub delivery: Option<DeliveryStatus>,
    pub delivery_error: Option<String>,
    pub sent_at: Option<Ts>,
    pub delivery_id: Option<DeliveryId>,
    pub created_at: Ts,
    /// Everybody can read it.
    pub public: bool,
    /// See [`Message::extras`].
    pub extras: serde_json::Value,
    /// Who (`customer`, `shop`) → emoji and time.
    pub reactions: serde_json::Value,
    pub reply_to_id: Option<MessageId>,
    pub edited_at: Option<Ts>,
    /// Its author took it back; nothing of what it said is here.
    pub removed_at: Option<Ts>,
    /// Hidden from the public by us.
    pub hidden: bool,
    pub liked: bool,
    /// The conversation beside the customer's that it belongs to; see [`crate::desk::tickets::sides`].
    pub side_id: Option<SideId>,
}

impl Message {
    /// The part of [`Message::body`] that is quoted history.
    pub fn quote(&self) -> Range<usize> {
        let at = |offset: i32| usize::try_from(offset).unwrap_or(0).min(self.body.len());
        let range = at(self.quote_from)..at(self.quote_to);
        if range.start < range.end && self.body.is_char_boundary(range.start) && self.body.is_char_boundary(range.end) {
            range
        } else {
            0..0
        }
    }

    /// What was written now, without the history.
    pub fn new_text(&self) -> String {
        text::quotes::new_text(&self.body, &self.quote())
    }

    /// The history; empty when there is none.
    pub fn quoted_text(&self) -> &str {
        &self.body[self.quote()]
    }

    /// What it carries beside words and files, where it came over a network.
    pub fn extras(&self) -> Extras {
        Extras::deserialize(&self.extras).unwrap_or_default()
    }

    /// The emoji on it: the customer's, then ours.
    pub fn emoji(&self) -> Vec<String> {
        ["customer", "shop"].iter().filter_map(|who| self.reactions.get(who)?.get("emoji")?.as_str().map(str::to_owned)).collect()
    }

    /// What the wire said around it.
    pub fn envelope(&self) -> Envelope {
        Envelope::deserialize(&self.envelope).unwrap_or_default()
    }
}

/// The newest [`PAGE`] messages before `before`, oldest first. With `notes` false only what the customer may see. A page shows the HTML of
/// a message in a frame of its own and has it read there: here it is left behind, and empty where there is some.
pub async fn list(db: &mut PgConnection, ticket: TicketId, before: Option<MessageId>, notes: bool) -> sqlx::Result<Vec<Message>> {
    let mut messages = sqlx::query_as!(
        Message,
        r#"select m.id, m.ticket_id, m.channel_id, m.direction, m.agent_id, m.contact_id, coalesce(c.name, '') as "contact_name!", m.body,
                  m.quote_from, m.quote_to, case when m.html is not null then '' end as html, m.language, m.provider_id, m.envelope, m.automatic, m.bounce, m.delivery, m.delivery_error,
                  m.sent_at, m.delivery_id, m.created_at, m.public, m.extras, m.reactions, m.reply_to_id, m.edited_at, m.removed_at, m.hidden, m.liked, m.side_id
           from messages m left join contacts c on c.id = m.contact_id
           where m.ticket_id = $1 and m.id < $2 and ($3 or m.direction <> 'note') and m.side_id is null order by m.id desc limit $4"#,
        ticket.0,
        before.map_or(i64::MAX, |id| id.0),
        notes,
        PAGE
    )
    .fetch_all(db)
    .await?;
    messages.reverse();
    Ok(messages)
}

/// At most `limit` messages after `after`, oldest first, notes among them.
pub async fn after(db: &mut PgConnection, ticket: TicketId, after: Option<MessageId>, limit: i64) -> sqlx::Result<Vec<Message>> {
    sqlx::query_as!(
        Message,
        r#"select m.id, m.ticket_id, m.channel_id, m.direction, m.agent_id, m.contact_id, coalesce(c.name, '') as "contact_name!", m.body,
                  m.quote_from, m.quote_to, m.html, m.language, m.provider_id, m.envelope, m.automatic, m.bounce, m.delivery, m.delivery_error,
                  m.sent_at, m.delivery_id, m.created_at, m.public, m.extras, m.reactions, m.reply_to_id, m.edited_at, m.removed_at, m.hidden, m.liked, m.side_id
           from messages m left join contacts c on c.id = m.contact_id
           where m.ticket_id = $1 and m.id > $2 and m.side_id is null order by m.id limit $3"#,
        ticket.0,
        after.map_or(0, |id| id.0),
        limit
    )
    .fetch_all(db)
    .await
}

/// The newest messages of every conversation beside the customer's, or of one, oldest first. A long one takes nothing from the others.
pub async fn aside(db: &mut PgConnection, ticket: TicketId, only: Option<SideId>) -> sqlx::Result<Vec<Message>> {
    let mut messages = sqlx::query_as!(
        Message,
        r#"select m.id, m.ticket_id, m.channel_id, m.direction, m.agent_id, m.contact_id, coalesce(c.name, '') as "contact_name!", m.body,
                  m.quote_from, m.quote_to, case when m.html is not null then '' end as html, m.language, m.provider_id, m.envelope, m.automatic, m.bounce, m.delivery, m.delivery_error,
                  m.sent_at, m.delivery_id, m.created_at, m.public, m.extras, m.reactions, m.reply_to_id, m.edited_at, m.removed_at, m.hidden, m.liked, m.side_id
           from messages m left join contacts c on c.id = m.contact_id
           where m.side_id in (select id from sides where ticket_id = $1 and ($2::bigint is null or id = $2))
           order by row_number() over (partition by m.side_id order by m.id desc), m.id desc limit 500"#,
        ticket.0,
        only.map(|side| side.0)
    )
    .fetch_all(db)
    .await?;
    messages.sort_unstable_by_key(|message| message.id);
    Ok(messages)
}

/// What came last in a conversation beside the customer's, before `before`.
pub async fn last_aside(db: &mut PgConnection, side: SideId, before: MessageId) -> sqlx::Result<Option<Message>> {
    sqlx::query_as!(
        Message,
        r#"select m.id, m.ticket_id, m.channel_id, m.direction, m.agent_id, m.contact_id, coalesce(c.name, '') as "contact_name!", m.body,
                  m.quote_from, m.quote_to, m.html, m.language, m.provider_id, m.envelope, m.automatic, m.bounce, m.delivery, m.delivery_error,
                  m.sent_at, m.delivery_id, m.created_at, m.public, m.extras, m.reactions, m.reply_to_id, m.edited_at, m.removed_at, m.hidden, m.liked, m.side_id
           from messages m left join contacts c on c.id = m.contact_id
           where m.side_id = $1 and m.id < $2 and m.agent_id is null and not m.bounce order by m.id desc limit 1"#,
        side.0,
        before.0
    )
    .fetch_optional(db)
    .await
}

/// One message.
pub async fn find(db: &mut PgConnection, id: MessageId) -> sqlx::Result<Option<Message>> {
    sqlx::query_as!(
        Message,
        r#"select m.id, m.ticket_id, m.channel_id, m.direction, m.agent_id, m.contact_id, coalesce(c.name, '') as "contact_name!", m.body,
                  m.quote_from, m.quote_to, m.html, m.language, m.provider_id, m.envelope, m.automatic, m.bounce, m.delivery, m.delivery_error,
                  m.sent_at, m.delivery_id, m.created_at, m.public, m.extras, m.reactions, m.reply_to_id, m.edited_at, m.removed_at, m.hidden, m.liked, m.side_id
           from messages m left join contacts c on c.id = m.contact_id where m.id = $1"#,
        id.0
    )
    .fetch_optional(db)
    .await
}

/// The message before `before` that an answer to these addresses (in lower case) quotes: the last that one of them wrote, else the customer's
/// last. Unless the answer goes to the customer and quotes them, everybody who gets it must have written or been told what it quotes: nobody is
/// sent words of somebody else who wrote to us alone.
pub async fn last_inbound(db: &mut PgConnection, ticket: TicketId, before: MessageId, to: &[String]) -> sqlx::Result<Option<Message>> {
    sqlx::query_as!(
        Message,
        r#"select m.id, m.ticket_id, m.channel_id, m.direction, m.agent_id, m.contact_id, coalesce(c.name, '') as "contact_name!", m.body,
                  m.quote_from, m.quote_to, m.html, m.language, m.provider_id, m.envelope, m.automatic, m.bounce, m.delivery, m.delivery_error,
                  m.sent_at, m.delivery_id, m.created_at, m.public, m.extras, m.reactions, m.reply_to_id, m.edited_at, m.removed_at, m.hidden, m.liked, m.side_id
           from messages m left join contacts c on c.id = m.contact_id
           cross join (select array(select lower(i.address) from tickets t join identities i on i.contact_id = t.contact_id and i.kind = 'email'
                                    where t.id = $1) as addresses) theirs
           cross join lateral (
               select array(select lower(a ->> 'address') from jsonb_array_elements(
                          jsonb_build_array(m.envelope -> 'from') || coalesce(m.envelope -> 'reply_to', '[]')) a) as writer,
                      array(select lower(a ->> 'address') from jsonb_array_elements(
                          coalesce(m.envelope -> 'to', '[]') || coalesce(m.envelope -> 'cc', '[]')) a) as others) told
           where m.ticket_id = $1 and m.id < $2 and m.direction = 'inbound' and not m.bounce and not m.automatic
             and case when m.contact_id = (select t.contact_id from tickets t where t.id = $1)
                           or lower(m.envelope #>> '{from,address}') = any(theirs.addresses)
                      then $3 && (theirs.addresses || told.writer) or $3 <@ (told.writer || told.others)
                      else lower(m.envelope #>> '{from,address}') = any($3) and $3 <@ (told.writer || told.others) end
           order by coalesce(lower(m.envelope #>> '{from,address}') = any($3), false) desc, m.id desc limit 1"#,
        ticket.0,
        before.0,
        to
    )
    .fetch_optional(db)
    .await
}
