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

/// The tickets whose messages hold the words, the newest message first; at most `limit`, none twice. `before` continues after the
/// message at which the page before ended. Returns with each ticket the message that was found.
pub async fn find(
    db: &mut PgConnection,
    question: &str,
    before: Option<MessageId>,
    limit: i64,
) -> sqlx::Result<Vec<(TicketId, MessageId)>> {
    let folded = text::folding::fold(question);
    let before = before.map_or(i64::MAX, |id| id.0);
    let newest = sqlx::query_scalar!("select max(message_id) from search_documents").fetch_one(&mut *db).await?.unwrap_or(0);
    // The buckets are walked lazily from the newest: the outer limit ends the walk. Several messages of one ticket may fill a page,
    // so that more are taken than shown.
    let rows = sqlx::query!(
        r#"with question as materialized (
               select websearch_to_tsquery('simple', $1) || websearch_to_tsquery('english', $1) || websearch_to_tsquery('italian', $1)
                   || websearch_to_tsquery('german', $1) || websearch_to_tsquery('french', $1) || websearch_to_tsquery('spanish', $1) as words)
           select found.ticket_id as "ticket_id!: TicketId", found.message_id as "message_id!: MessageId"
           from unnest($3::text[]) as bucket
           cross join lateral (
               select message_id, ticket_id from search_documents
               where words @@ ((select words from question) && ('''' || bucket || '''')::tsquery) and message_id < $2
               order by message_id desc limit $4) found
           where numnode((select words from question)) > 0
           limit $4"#,
        folded,
        before,
        &walk(newest.min(before)),
        limit * 4
    )
    .fetch_all(db)
    .await?;
    let mut found: Vec<(TicketId, MessageId)> = Vec::new();
    for row in rows {
        if !found.iter().any(|(ticket, _)| *ticket == row.ticket_id) {
            found.push((row.ticket_id, row.message_id));
        }
    }
    found.truncate(usize::try_from(limit).unwrap_or(0));
    Ok(found)
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
