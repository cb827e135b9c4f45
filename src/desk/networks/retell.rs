//! What lists say of a conversation, told again from its messages: when one came late, was edited or taken back. Whatever the order in which
//! things came in, what stands there in the end is the same.

use crate::desk::changes::Change;
use crate::desk::kinds::Direction;
use crate::desk::networks::Extras;
use crate::ids::{MessageId, TicketId};
use crate::text;

/// The newest messages that are looked at: what is later than so many others is late for nothing.
const AMONG: i64 = 100;
/// The longest subject made from a message, in characters.
const SUBJECT: usize = 80;
/// The longest line of a list, in characters.
const LINE: usize = 200;

/// The line that a list shows of a message: its words, else what came instead of them. `file`: the name and type of its first file.
pub fn line(words: &str, extras: &Extras, file: Option<(&str, &str)>) -> String {
    match (words.trim(), file) {
        ("", Some((_, kind))) if kind.starts_with("image/") => "(Picture)".to_owned(),
        ("", Some((_, kind))) if kind.starts_with("audio/") => "(Voice message)".to_owned(),
        ("", Some((_, kind))) if kind.starts_with("video/") => "(Video)".to_owned(),
        ("", Some((name, _))) => format!("({name})"),
        ("", None) => extras.in_words().to_owned(),
        (text, _) => text::excerpts::excerpt(text, LINE),
    }
}

/// What a conversation is called after its first line.
pub fn subject(line: &str) -> String {
    if line.is_empty() { "(No words)".to_owned() } else { text::excerpts::excerpt(line, SUBJECT) }
}

/// Whether a message that has come changes more than the end of the conversation: it was said before another that is here already, or the
/// ticket is called after words of ours, or after some that were taken back.
pub async fn is_due(change: &mut Change, ticket: TicketId, message: MessageId) -> sqlx::Result<bool> {
    // Of what was said in the same second, the provider's own numbers tell the order, where it counts.
    sqlx::query_scalar!(
        r#"select exists (select from (select id, coalesce(sent_at, created_at) as at, substring(provider_id from '^(?:.*:)?([0-9]+)$')::numeric as number
                                       from messages where ticket_id = $1 and direction <> 'note' and not automatic order by id desc limit $3) recent
                          join messages m on m.id = $2
                          where recent.id <> $2 and (recent.at > m.sent_at
                                or (recent.at = m.sent_at and recent.number > substring(m.provider_id from '^(?:.*:)?([0-9]+)$')::numeric)))
                  or exists (select from tickets t join messages n on n.id = t.named_after
                             where t.id = $1 and n.id <> $2 and (n.removed_at is not null or n.direction <> 'inbound')) as "due!""#,
        ticket.0,
        message.0,
        AMONG
    )
    .fetch_one(&mut **change)
    .await
}

/// Tells the line in lists anew, and the subject if it is the words of a message.
pub async fn retell(change: &mut Change, ticket: TicketId) -> sqlx::Result<()> {
    let messages = sqlx::query!(
        r#"select m.id as "id: MessageId", m.direction, m.body, m.extras, m.removed_at is not null as "removed!", f.name as "file?", f.media_type as "media_type?"
           from (select id, direction, body, extras, removed_at, coalesce(sent_at, created_at) as at,
                        substring(provider_id from '^(?:.*:)?([0-9]+)$')::numeric as number from messages
                 where ticket_id = $1 and direction <> 'note' and not automatic order by id desc limit $2) m
           left join lateral (select name, media_type from attachments a where a.message_id = m.id order by a.id limit 1) f on true
           order by m.at, m.number nulls last, m.id"#,
        ticket.0,
        AMONG
    )
    .fetch_all(&mut **change)
    .await?;
    let told: Vec<(MessageId, Direction, bool, String)> = messages
        .into_iter()
        .map(|row| {
            let extras: Extras = serde_json::from_value(row.extras).unwrap_or_default();
            let words = line(&row.body, &extras, row.file.as_deref().zip(row.media_type.as_deref()));
            (row.id, row.direction, row.removed, words)
        })
        .collect();
    let standing = || told.iter().filter(|(_, _, removed, _)| !removed);
    let newest = standing().next_back();
    // What the customer said first; where they took all of it back, that is what is left to say.
    let first = standing().find(|(_, direction, ..)| *direction == Direction::Inbound).or_else(|| standing().next());
    let called = first.map_or_else(|| "(Taken back)".to_owned(), |(.., words)| subject(words));
    let named_after = first.or(told.first()).map(|(id, ..)| id.0);
    // In a long conversation its beginning is not among these.
    let whole = i64::try_from(told.len()).unwrap_or(AMONG) < AMONG;
    sqlx::query!(
        "update tickets set excerpt = $2, last_direction = coalesce($3, last_direction),
                subject = case when named_after is not null and ($6 or named_after = any($7)) then $4 else subject end,
                named_after = case when named_after is not null and ($6 or named_after = any($7)) then $5 else named_after end, updated_at = now()
         where id = $1",
        ticket.0,
        newest.map_or("", |(.., words)| words),
        newest.map(|(_, direction, ..)| *direction) as Option<Direction>,
        called,
        named_after,
        whole,
        &told.iter().map(|(id, ..)| id.0).collect::<Vec<i64>>()
    )
    .execute(&mut **change)
    .await?;
    change.touch(ticket);
    Ok(())
}

/// Nobody waits for an answer when the newest words are ours.
pub async fn settle(change: &mut Change, ticket: TicketId) -> sqlx::Result<()> {
    sqlx::query!(
        "update tickets set waiting_since = null, status = case when status = 'open' then 'pending'::ticket_status else status end
         where id = $1 and last_direction = 'outbound'",
        ticket.0
    )
    .execute(&mut **change)
    .await?;
    Ok(())
}
