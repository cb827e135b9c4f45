//! Full text search over every message, in five languages, newest first.
//!
//! One document per message, with the words of its subject and its author besides its own. Both sides are folded (case, accents) and
//! stemmed: the document by its language, the question by all of them, since nobody says in which language they search.

use sqlx::PgConnection;

use crate::ids::{MessageId, TicketId};
use crate::text;

/// Messages per bucket of each level, the finest first, each sixteen of the one before; see the migration that made `search_documents`.
const LEVELS: [(char, i64); 3] = [('a', 4_096), ('b', 65_536), ('c', 1_048_576)];
/// How many buckets of a level make one of the next.
const STEP: i64 = 16;
/// Of longer texts only the beginning can be found; a `tsvector` holds at most a megabyte.
const MAX_TEXT: usize = 100_000;

fn configuration(language: Option<&str>) -> &'static str {
    match language {
        Some("it") => "italian",
        Some("en") => "english",
        Some("fr") => "french",
        Some("de") => "german",
        Some("es") => "spanish",
        _ => "simple",
    }
}

/// Makes a message findable.
pub async fn index(
    db: &mut PgConnection,
    ticket: TicketId,
    message: MessageId,
    language: Option<&str>,
    words: &[&str],
) -> sqlx::Result<()> {
    let mut folded = text::folding::fold(&words.join("\n"));
    if folded.len() > MAX_TEXT {
        folded.truncate(folded.floor_char_boundary(MAX_TEXT));
    }
    sqlx::query!(
        "insert into search_documents (message_id, ticket_id, words)
         values ($1, $2, to_tsvector($3::text::regconfig, $4) || array_to_tsvector($5::text[]))",
        message.0,
        ticket.0,
        configuration(language),
        folded,
        &LEVELS.map(|(level, size)| format!("${level}{}", message.0 / size))[..]
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What a search found.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// None twice; with each ticket its newest message that holds the words, the newest first.
    pub tickets: Vec<(TicketId, MessageId)>,
    /// Continues after this message; `None` on the last page.
    pub next: Option<MessageId>,
}

/// The tickets whose messages hold the words; at most `limit`. `before` continues after the message at which the page before ended.
pub async fn find(db: &mut PgConnection, question: &str, before: Option<MessageId>, limit: i64) -> sqlx::Result<Found> {
    let (wanted, unwanted) = split_unwanted(&text::folding::fold(question));
    let before = before.map_or(i64::MAX, |id| id.0);
    let newest = sqlx::query_scalar!("select max(message_id) from search_documents").fetch_one(&mut *db).await?.unwrap_or(0);
    // The buckets are walked lazily from the newest: the outer limit ends the walk. Several messages of one ticket may fill a page,
    // so that more are taken than shown. "+ 0" keeps the planner from reading the whole table backwards by its primary key, which it takes
    // for cheap because it cannot know how rare the words are.
    let taken = limit * 4;
    let rows = sqlx::query!(
        r#"with wanted as materialized (
               select websearch_to_tsquery('simple', $1) || websearch_to_tsquery('english', $1) || websearch_to_tsquery('italian', $1)
                   || websearch_to_tsquery('german', $1) || websearch_to_tsquery('french', $1) || websearch_to_tsquery('spanish', $1) as words),
           unwanted as materialized (
               select websearch_to_tsquery('simple', $5) || websearch_to_tsquery('english', $5) || websearch_to_tsquery('italian', $5)
                   || websearch_to_tsquery('german', $5) || websearch_to_tsquery('french', $5) || websearch_to_tsquery('spanish', $5) as words),
           question as materialized (
               select case when numnode(unwanted.words) > 0 then wanted.words && !!unwanted.words else wanted.words end as words
               from wanted, unwanted)
           select found.ticket_id as "ticket_id!: TicketId", found.message_id as "message_id!: MessageId"
           from unnest($3::text[]) as bucket
           cross join lateral (
               select message_id, ticket_id from search_documents
               where words @@ ((select words from question) && ('''' || bucket || '''')::tsquery) and message_id + 0 < $2
               order by message_id + 0 desc limit $4) found
           where numnode((select words from wanted)) > 0
           limit $4"#,
        wanted,
        before,
        &walk(newest.min(before)),
        taken,
        unwanted
    )
    .fetch_all(db)
    .await?;
    let limit = usize::try_from(limit).unwrap_or(0);
    let full = i64::try_from(rows.len()).unwrap_or(0) == taken;
    let mut found = Found { next: rows.last().filter(|_| full).map(|row| row.message_id), ..Found::default() };
    for row in rows {
        if found.tickets.iter().any(|(ticket, _)| *ticket == row.ticket_id) {
            continue;
        }
        if found.tickets.len() == limit {
            found.next = found.tickets.last().map(|(_, message)| *message);
            break;
        }
        found.tickets.push((row.ticket_id, row.message_id));
    }
    Ok(found)
}

/// Parts a question into what must be there and what must not (`-word`, `-"some words"`). A word that is not wanted is not wanted in
/// any language, while one that is wanted need be there in one only.
fn split_unwanted(question: &str) -> (String, String) {
    let mut wanted = String::new();
    let mut unwanted = String::new();
    let mut rest = question.trim_start();
    while !rest.is_empty() {
        let minus = rest.len() > 1 && rest.starts_with('-');
        let start = usize::from(minus);
        let end = if rest[start..].starts_with('"') {
            rest[start + 1..].find('"').map_or(rest.len(), |at| start + at + 2)
        } else {
            rest[start..].find(char::is_whitespace).map_or(rest.len(), |at| start + at)
        };
        let (part, into) = if minus { (&rest[1..end], &mut unwanted) } else { (&rest[..end], &mut wanted) };
        if !into.is_empty() {
            into.push_str(if minus { " or " } else { " " });
        }
        into.push_str(part);
        rest = rest[end..].trim_start();
    }
    (wanted, unwanted)
}

/// The buckets that hold every message up to `newest`, from the newest on: at least sixteen of each level before the next, coarser one. A
/// word in every second message fills its page from a bucket of a few thousand; a rare one is looked for in few steps.
fn walk(newest: i64) -> Vec<String> {
    let mut buckets = Vec::new();
    let mut next = newest.max(0) / LEVELS[0].1;
    for (at, (level, _)) in LEVELS.into_iter().enumerate() {
        let last = if at + 1 == LEVELS.len() { 0 } else { (next - STEP + 1).max(0) / STEP * STEP };
        buckets.extend((last..=next).rev().map(|bucket| format!("${level}{bucket}")));
        if last == 0 {
            break;
        }
        next = last / STEP - 1;
    }
    buckets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_wanted_is_set_apart() {
        let parts = |wanted: &str, unwanted: &str| (wanted.to_owned(), unwanted.to_owned());
        assert_eq!(split_unwanted("refund -leaking"), parts("refund", "leaking"));
        assert_eq!(split_unwanted("-\"not this\" a-b -c \"that one\" -\"open"), parts("a-b \"that one\"", "\"not this\" or c or \"open"));
        assert_eq!(split_unwanted("  - "), parts("", ""));
        assert_eq!(split_unwanted("\""), parts("\"", ""));
    }

    #[test]
    fn a_walk_meets_every_message_once_and_grows_slowly() {
        for newest in [0, 4_095, 4_096, 65_535, 70_000, 131_072, 1_048_576, 3_000_000, 40_000_000] {
            let buckets = walk(newest);
            let mut expected = newest / LEVELS[0].1 * LEVELS[0].1 + LEVELS[0].1;
            for bucket in &buckets {
                let (level, number) = bucket[1..].split_at(1);
                let size = LEVELS.iter().find(|(name, _)| level.starts_with(*name)).expect("a level").1;
                let first = number.parse::<i64>().expect("a number") * size;
                assert_eq!(first + size, expected, "{bucket} at {newest}");
                expected = first;
            }
            assert_eq!(expected, 0);
            assert!(buckets.len() < 110, "{} buckets", buckets.len());
        }
    }
}
