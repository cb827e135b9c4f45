//! The filter learns by what agents do: what they mark as spam is, what they release or answer is not. Each ticket teaches once, by its
//! first message; whoever changes their mind takes back what was taught.

use sqlx::PgConnection;

use crate::desk::changes::Change;
use crate::desk::kinds::{ChannelKind, Status};
use crate::desk::spam::{guards, is_enough};
use crate::ids::TicketId;
use crate::jobs::Job;
use crate::text::{junk, quotes};

/// Words kept by housekeeping however old they are.
const KEPT: i64 = 100_000;

/// An agent has moved a ticket into or out of spam. Learnt a moment later, so that nobody waits for the counting.
pub async fn decided(change: &mut Change, ticket: TicketId, was: Status, is: Status) -> sqlx::Result<()> {
    if (was == Status::Spam) == (is == Status::Spam) { Ok(()) } else { learn_soon(change, ticket).await }
}

/// An agent has answered: nobody answers spam. Nothing is asked of the database where something was learnt of it before.
pub async fn answered(change: &mut Change, ticket: TicketId) -> sqlx::Result<()> {
    let new = sqlx::query_scalar!(
        r#"select taught is null and kind in ('email', 'form') as "new!" from tickets t join channels c on c.id = t.channel_id where t.id = $1"#,
        ticket.0
    )
    .fetch_one(&mut **change)
    .await?;
    if new { learn_soon(change, ticket).await } else { Ok(()) }
}

async fn learn_soon(change: &mut Change, ticket: TicketId) -> sqlx::Result<()> {
    change.push(&Job::LearnSpam { ticket }, crate::clock::Ts::now()).await
}

/// Learns from what lies here already and has taught nothing yet: the newest tickets in spam, and the newest that were answered. How many.
pub async fn learn_archive(change: &mut Change, limit: i64) -> sqlx::Result<usize> {
    let rows = sqlx::query!(
        r#"(select t.id from tickets t join channels c on c.id = t.channel_id
            where t.status = 'spam' and t.taught is null and t.held is null and c.kind in ('email', 'form') order by t.id desc limit $1)
           union all
           (select t.id from tickets t join channels c on c.id = t.channel_id
            where t.status <> 'spam' and t.taught is null and c.kind in ('email', 'form')
              and exists (select from messages m where m.ticket_id = t.id and m.direction = 'outbound' and m.agent_id is not null)
            order by t.id desc limit $1)"#,
        limit
    )
    .fetch_all(&mut **change)
    .await?;
    for row in &rows {
        learn_soon(change, TicketId(row.id.unwrap_or_default())).await?;
    }
    Ok(rows.len())
}

/// Learns from a ticket what it stands for now; again with the same lesson, nothing changes.
pub async fn learn(change: &mut Change, ticket: TicketId) -> sqlx::Result<()> {
    // One after the other: many lessons would otherwise wait for each other's words in different orders.
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('spam', 0))").fetch_one(&mut **change).await?;
    let row = sqlx::query!(
        r#"select t.taught, t.status = 'spam' as "spam!", t.subject, c.kind as "kind: ChannelKind", m.body, m.quote_from, m.quote_to, m.html, m.envelope
           from tickets t join channels c on c.id = t.channel_id
           join lateral (select * from messages where ticket_id = t.id and direction = 'inbound' order by id limit 1) m on true
           where t.id = $1"#,
        ticket.0
    )
    .fetch_optional(&mut **change)
    .await?;
    let Some(row) = row.filter(|row| guards(row.kind) && row.taught != Some(row.spam)) else { return Ok(()) };
    let at = |offset: i32| usize::try_from(offset).unwrap_or_default();
    let text = quotes::new_text(&row.body, &(at(row.quote_from)..at(row.quote_to)));
    let subject = row.envelope["subject"].as_str().filter(|subject| !subject.is_empty()).unwrap_or(&row.subject);
    let sender = row.envelope["from"]["address"].as_str().unwrap_or_default();
    let words = junk::words(subject, &text, row.html.as_deref(), sender);
    let before = learnt(change).await?;
    if let Some(taught) = row.taught {
        count(change, &words, taught, -1).await?;
    }
    count(change, &words, row.spam, 1).await?;
    if is_enough(before) != is_enough(learnt(change).await?) {
        // From now on it has something to say, in every process.
        change.touch_settings();
    }
    sqlx::query!("update tickets set taught = $2 where id = $1", ticket.0, row.spam).execute(&mut **change).await?;
    Ok(())
}

/// Counts words, and the message, as spam or not; `by` 1, or -1 to take it back.
async fn count(db: &mut PgConnection, words: &[String], spam: bool, by: i32) -> sqlx::Result<()> {
    let (of_spam, of_ham) = if spam { (by, 0) } else { (0, by) };
    sqlx::query!(
        "insert into spam_words as w (word, spam, ham) select word, greatest($2, 0), greatest($3, 0) from unnest($1::text[]) word
         on conflict (word) do update set spam = greatest(w.spam + $2, 0), ham = greatest(w.ham + $3, 0), seen_on = current_date",
        words,
        of_spam,
        of_ham
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!("update desk set spam_learnt = greatest(spam_learnt + $1, 0), ham_learnt = greatest(ham_learnt + $2, 0)", of_spam, of_ham)
        .execute(db)
        .await?;
    Ok(())
}

/// How many messages of either sort were learnt.
pub async fn learnt(db: &mut PgConnection) -> sqlx::Result<junk::Count> {
    sqlx::query_as!(junk::Count, "select spam_learnt as spam, ham_learnt as ham from desk").fetch_one(db).await
}

/// The words that say spam most clearly, and in how many messages they stood: what the filter goes by.
pub async fn clearest(db: &mut PgConnection, limit: i64) -> sqlx::Result<Vec<(String, junk::Count)>> {
    let rows = sqlx::query!(
        "select word, spam, ham from spam_words where spam >= 3 and spam > 4 * ham order by spam - 4 * ham desc, word limit $1",
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.word, junk::Count { spam: row.spam, ham: row.ham })).collect())
}

/// Forgets everything that was learnt; the lists stay.
pub async fn forget(change: &mut Change) -> sqlx::Result<()> {
    sqlx::query!("truncate spam_words").execute(&mut **change).await?;
    sqlx::query!("update desk set spam_learnt = 0, ham_learnt = 0").execute(&mut **change).await?;
    // What was taught may be taught again, and is not taken back from what is learnt from now on.
    sqlx::query!("update tickets set taught = null where taught is not null").execute(&mut **change).await?;
    change.touch_settings();
    Ok(())
}

/// Takes out words that stood in one message only, half a year ago, where there are very many.
pub async fn tidy(db: &mut PgConnection) -> sqlx::Result<u64> {
    let gone = sqlx::query!(
        "delete from spam_words where spam + ham <= 1 and seen_on < current_date - 180
         and (select reltuples from pg_class where oid = 'spam_words'::regclass) > $1",
        KEPT as f32
    )
    .execute(db)
    .await?;
    Ok(gone.rows_affected())
}
