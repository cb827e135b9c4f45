//! Full text search over every message, in five languages, newest first.
//!
//! One document per message, with the words of its subject and its author besides its own. Both sides are folded (case, accents) and
//! stemmed: the document by its language, the question by all of them, since nobody says in which language they search.

use std::collections::HashSet;
use std::sync::Arc;

use sqlx::PgConnection;

use crate::app::App;

use crate::ids::{MessageId, TicketId};
use crate::text;

/// Messages per bucket of each level, the finest first, each sixteen of the one before; see the migration that made `search_documents`.
const LEVELS: [(char, i64); 3] = [('a', 4_096), ('b', 65_536), ('c', 1_048_576)];
/// How many buckets of a level make one of the next.
const STEP: i64 = 16;
/// Words and phrases of a question that count.
const MAX_PARTS: usize = 20;
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

/// Makes a message findable, by its present words if they have changed.
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
         values ($1, $2, to_tsvector($3::text::regconfig, $4) || array_to_tsvector($5::text[]))
         on conflict (message_id) do update set words = excluded.words",
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
pub async fn find(app: &App, db: &mut PgConnection, question: &str, before: Option<MessageId>, limit: i64) -> sqlx::Result<Found> {
    let Some(question) = understand(app, db, &text::folding::fold(question)).await? else { return Ok(Found::default()) };
    let before = before.map_or(i64::MAX, |id| id.0);
    // Several messages of one ticket may fill a page, so that more are taken than shown.
    let taken = limit * 4;
    // "+ 0" keeps the planner from reading the whole table backwards by its primary key, which it takes for cheap because it cannot know
    // how rare the words are.
    let rows: Vec<(TicketId, MessageId)> = if question.rare {
        // Few messages hold the rare word: they are read whole and sorted.
        let rows = sqlx::query!(
            "select ticket_id, message_id from search_documents where words @@ $1::text::tsquery and message_id + 0 < $2
             order by message_id + 0 desc limit $3",
            question.words,
            before,
            taken
        )
        .fetch_all(db)
        .await?;
        rows.into_iter().map(|row| (row.ticket_id, row.message_id)).collect()
    } else {
        let newest = sqlx::query_scalar!("select max(message_id) from search_documents").fetch_one(&mut *db).await?.unwrap_or(0);
        // The buckets are walked lazily from the newest: the outer limit ends the walk.
        let rows = sqlx::query!(
            r#"select found.ticket_id as "ticket_id!: TicketId", found.message_id as "message_id!: MessageId"
               from unnest($3::text[]) as bucket
               cross join lateral (
                   select message_id, ticket_id from search_documents
                   where words @@ ($1::text::tsquery && ('''' || bucket || '''')::tsquery) and message_id + 0 < $2
                   order by message_id + 0 desc limit $4) found
               limit $4"#,
            question.words,
            before,
            &walk(newest.min(before)),
            taken
        )
        .fetch_all(db)
        .await?;
        rows.into_iter().map(|row| (row.ticket_id, row.message_id)).collect()
    };
    let limit = usize::try_from(limit).unwrap_or(0);
    let full = i64::try_from(rows.len()).unwrap_or(0) == taken;
    let mut found = Found { next: rows.last().filter(|_| full).map(|(_, message)| *message), ..Found::default() };
    for (ticket, message) in rows {
        if found.tickets.iter().any(|(known, _)| *known == ticket) {
            continue;
        }
        if found.tickets.len() == limit {
            found.next = found.tickets.last().map(|(_, message)| *message);
            break;
        }
        found.tickets.push((ticket, message));
    }
    Ok(found)
}

/// A question in Postgres's words.
struct Question {
    /// A `tsquery` as text.
    words: String,
    /// At least one word that must be there is in few messages.
    rare: bool,
}

/// Turns what was typed into a query: every part must be there in at least one language's form, no unwanted one in any.
async fn understand(app: &App, db: &mut PgConnection, question: &str) -> sqlx::Result<Option<Question>> {
    let (wanted, unwanted) = split(question);
    let rows = sqlx::query!(
        r#"select (websearch_to_tsquery('simple', part) || websearch_to_tsquery('english', part) || websearch_to_tsquery('italian', part)
                   || websearch_to_tsquery('german', part) || websearch_to_tsquery('french', part) || websearch_to_tsquery('spanish', part))::text as "query!",
                  tsvector_to_array(to_tsvector('simple', part) || to_tsvector('english', part) || to_tsvector('italian', part)
                   || to_tsvector('german', part) || to_tsvector('french', part) || to_tsvector('spanish', part)) as "lexemes!",
                  least(numnode(websearch_to_tsquery('english', part)), numnode(websearch_to_tsquery('italian', part)),
                        numnode(websearch_to_tsquery('german', part)), numnode(websearch_to_tsquery('french', part)),
                        numnode(websearch_to_tsquery('spanish', part))) = 0 as "filler!",
                  wanted as "wanted!"
           from (select unnest($1::text[]) as part, true as wanted union all select unnest($2::text[]), false) parts"#,
        &wanted,
        &unwanted
    )
    .fetch_all(&mut *db)
    .await?;
    let common = common_words(app, db).await?;
    let mut question = Question { words: String::new(), rare: false };
    // "the" and its like are in no document of their language; a question of nothing else is taken by the letter.
    let only_fillers = rows.iter().filter(|row| row.wanted).all(|row| row.filler);
    for row in rows.iter().filter(|row| row.wanted && !row.query.is_empty() && (only_fillers || !row.filler)) {
        if !question.words.is_empty() {
            question.words.push_str(" & ");
        }
        question.words.push_str(&format!("({})", row.query));
        question.rare |= common.as_ref().is_some_and(|common| row.lexemes.iter().all(|lexeme| !common.contains(lexeme)));
    }
    if question.words.is_empty() {
        return Ok(None);
    }
    for row in rows.iter().filter(|row| !row.wanted && !row.query.is_empty()) {
        question.words.push_str(&format!(" & !({})", row.query));
    }
    Ok(Some(question))
}

/// The thousand most common words, as Postgres's statistics have them: any other is in less than one message of a hundred. `None` as long
/// as there are no statistics.
async fn common_words(app: &App, db: &mut PgConnection) -> sqlx::Result<Option<Arc<HashSet<String>>>> {
    const KEY: &str = "search.common";
    if let Some(known) = app.cache.get(KEY).await
        && let Ok(common) = known.downcast::<HashSet<String>>()
    {
        return Ok(Some(common));
    }
    let words = sqlx::query_scalar!(
        r#"select most_common_elems::text::text[] as "words: Vec<String>" from pg_stats
           where schemaname = current_schema() and tablename = 'search_documents' and attname = 'words'"#
    )
    .fetch_optional(db)
    .await?
    .flatten();
    let Some(words) = words else { return Ok(None) };
    let common: Arc<HashSet<String>> = Arc::new(words.into_iter().collect());
    app.cache.insert(KEY, common.clone()).await;
    Ok(Some(common))
}

/// Parts a question into what must be there and what must not (`-word`, `-"some words"`). With an `or` in it everything wanted stays
/// one part.
fn split(question: &str) -> (Vec<String>, Vec<String>) {
    let mut wanted: Vec<String> = Vec::new();
    let mut unwanted: Vec<String> = Vec::new();
    let mut rest = question.trim_start();
    while !rest.is_empty() && wanted.len() + unwanted.len() < MAX_PARTS {
        let minus = rest.len() > 1 && rest.starts_with('-') && !rest[1..].starts_with(char::is_whitespace);
        let start = usize::from(minus);
        let end = if rest[start..].starts_with('"') {
            rest[start + 1..].find('"').map_or(rest.len(), |at| start + at + 2)
        } else {
            rest[start..].find(char::is_whitespace).map_or(rest.len(), |at| start + at)
        };
        if minus {
            unwanted.push(rest[1..end].to_owned())
        } else {
            wanted.push(rest[..end].to_owned())
        }
        rest = rest[end..].trim_start();
    }
    if wanted.iter().any(|part| part == "or") {
        wanted = vec![wanted.join(" ")];
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
        let parts = |question: &str| {
            let (wanted, unwanted) = split(question);
            (wanted.join(" + "), unwanted.join(" + "))
        };
        let two = |wanted: &str, unwanted: &str| (wanted.to_owned(), unwanted.to_owned());
        assert_eq!(parts("refund -leaking"), two("refund", "leaking"));
        assert_eq!(parts("-\"not this\" a-b -c \"that one\" -\"open"), two("a-b + \"that one\"", "\"not this\" + c + \"open"));
        assert_eq!(parts("boots or bags -red"), two("boots or bags", "red"));
        assert_eq!(parts("  - "), two("-", ""));
        assert_eq!(parts("\""), two("\"", ""));
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
