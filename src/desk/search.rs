//! Full text search over every message, in five languages, newest first.
//!
//! One document per message, with the words of its subject and its author besides its own. Both sides are folded (case, accents) and
//! stemmed: the document by its language, the question by all of them, since nobody says in which language they search.

use sqlx::PgConnection;

use crate::ids::{MessageId, TicketId};
use crate::text;

/// Messages per bucket; see the migration that made `search_documents`.
const BUCKET: i64 = 65_536;
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
         values ($1, $2, to_tsvector($3::text::regconfig, $4) || array_to_tsvector(array['$b' || $5::text]))",
        message.0,
        ticket.0,
        configuration(language),
        folded,
        (message.0 / BUCKET).to_string()
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
    // The buckets are walked lazily from the newest: the outer limit ends the walk. Several messages of one ticket may fill a page,
    // so that more are taken than shown.
    let rows = sqlx::query!(
        r#"with question as materialized (
               select websearch_to_tsquery('simple', $1) || websearch_to_tsquery('english', $1) || websearch_to_tsquery('italian', $1)
                   || websearch_to_tsquery('german', $1) || websearch_to_tsquery('french', $1) || websearch_to_tsquery('spanish', $1) as words),
           top as (select least($2, coalesce((select max(message_id) from search_documents), 0) + 1) as id)
           select found.ticket_id as "ticket_id!: TicketId", found.message_id as "message_id!: MessageId"
           from generate_series((select id from top) / $3, 0, -1) as bucket
           cross join lateral (
               select message_id, ticket_id from search_documents
               where words @@ ((select words from question) && ('''$b' || bucket || '''')::tsquery) and message_id < $2
               order by message_id desc limit $4) found
           where numnode((select words from question)) > 0
           limit $4"#,
        folded,
        before,
        BUCKET,
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
