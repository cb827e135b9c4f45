//! What is told about a message that was said before: edits, reactions, receipts. Told early, it waits for its message.

use sqlx::PgConnection;

use crate::clock::Ts;
use crate::desk::anger;
use crate::desk::changes::{Actor, Change};
use crate::desk::events::Event;
use crate::desk::kinds::Direction;
use crate::desk::networks::{Before, Extras, Notice, Step, Who, parts, retell};
use crate::desk::search;
use crate::ids::{ChannelId, MessageId, PartId, TicketId};

/// What became of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noticed {
    Done(TicketId),
    /// Its message is not here yet.
    Parked,
}

/// The message that a provider's id names.
struct Target {
    id: MessageId,
    ticket: TicketId,
    part: Option<PartId>,
    direction: Direction,
    body: String,
    extras: serde_json::Value,
    reactions: serde_json::Value,
    edited_at: Option<Ts>,
    removed_at: Option<Ts>,
    language: Option<String>,
    subject: String,
}

/// Applies a notice, or keeps it until its message comes.
pub async fn take(change: &mut Change, channel: ChannelId, target: &str, notice: &Notice) -> sqlx::Result<Noticed> {
    // One that carries our own mark needs no id to be found by.
    if let Notice::Progress { step, part: Some(part), at } = notice
        && parts::taken(change, channel, *part, target).await?
    {
        parts::step(change, *part, step, *at).await?;
    }
    let mut found = find(change, channel, target).await?;
    if found.is_none() {
        meet(change, channel, target).await?;
        found = find(change, channel, target).await?;
    }
    match found {
        Some(found) => {
            apply(change, &found, notice).await?;
            Ok(Noticed::Done(found.ticket))
        }
        None => {
            let value = serde_json::to_value(notice).map_err(|error| sqlx::Error::Encode(error.into()))?;
            // The same, told twice, waits once.
            sqlx::query!(
                "insert into parked_notices (channel_id, target, notice) select $1, $2, $3
                 where not exists (select from parked_notices where channel_id = $1 and target = $2 and notice = $3)",
                channel.0,
                target,
                value
            )
            .execute(&mut **change)
            .await?;
            Ok(Noticed::Parked)
        }
    }
}

/// The message with this id is here now: what was told of it before is applied, in the order in which it came.
pub async fn catch_up(change: &mut Change, channel: ChannelId, target: &str) -> sqlx::Result<()> {
    meet(change, channel, target).await?;
    let waiting = sqlx::query!("delete from parked_notices where channel_id = $1 and target = $2 returning id, notice", channel.0, target)
        .fetch_all(&mut **change)
        .await?;
    let mut waiting: Vec<(i64, serde_json::Value)> = waiting.into_iter().map(|row| (row.id, row.notice)).collect();
    waiting.sort_by_key(|(id, _)| *id);
    for (_, value) in waiting {
        let Ok(notice) = serde_json::from_value::<Notice>(value) else { continue };
        if let Some(found) = find(change, channel, target).await? {
            Box::pin(apply(change, &found, &notice)).await?;
        }
    }
    Ok(())
}

/// A message and what is told of it, understood side by side, would miss each other: neither sees what the other has not committed. Whoever
/// comes second waits here until the first is done.
async fn meet(db: &mut PgConnection, channel: ChannelId, target: &str) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('about ' || $1, $2))", target, channel.0).fetch_one(db).await?;
    Ok(())
}

/// Forgets what has waited for three days: its message was never ours.
pub async fn forget(db: &mut PgConnection) -> sqlx::Result<u64> {
    let gone = sqlx::query!("delete from parked_notices where received_at < now() - interval '3 days'").execute(db).await?;
    Ok(gone.rows_affected())
}

async fn find(db: &mut PgConnection, channel: ChannelId, target: &str) -> sqlx::Result<Option<Target>> {
    sqlx::query_as!(
        Target,
        r#"select m.id as "id: MessageId", m.ticket_id as "ticket: TicketId", p.id as "part?: PartId", m.direction, m.body, m.extras, m.reactions,
                  m.edited_at as "edited_at?: Ts", m.removed_at as "removed_at?: Ts", m.language, t.subject
           from messages m join tickets t on t.id = m.ticket_id
           left join message_parts p on p.message_id = m.id and p.channel_id = $1 and p.provider_id = $2
           where m.id = coalesce((select id from messages where channel_id = $1 and provider_id = $2),
                                 (select message_id from message_parts where channel_id = $1 and provider_id = $2))
           for update of m"#,
        channel.0,
        target
    )
    .fetch_optional(db)
    .await
}

async fn apply(change: &mut Change, target: &Target, notice: &Notice) -> sqlx::Result<()> {
    match notice {
        Notice::Edited { text, at } => edit(change, target, text, at.unwrap_or_else(Ts::now)).await,
        Notice::Removed { at } => remove(change, target, at.unwrap_or_else(Ts::now)).await,
        Notice::Restored { text, at } => restore(change, target, text, at.unwrap_or_else(Ts::now)).await,
        Notice::Hidden { hidden } => {
            sqlx::query!("update messages set hidden = $2 where id = $1", target.id.0, hidden).execute(&mut **change).await?;
            change.touch(target.ticket);
            Ok(())
        }
        Notice::Reacted { by, emoji, at } => react(change, target, *by, emoji.as_deref(), *at).await,
        Notice::Progress { step, at, .. } => progress(change, target, step, *at).await,
        Notice::Quoted { by } => {
            sqlx::query!("update messages set reply_to_id = $2 where id = $1 and reply_to_id is null", by.0, target.id.0)
                .execute(&mut **change)
                .await?;
            change.touch(target.ticket);
            Ok(())
        }
        Notice::Rated { review } => {
            let mut extras: Extras = serde_json::from_value(target.extras.clone()).unwrap_or_default();
            if extras.review.as_ref() == Some(review) {
                return Ok(());
            }
            let from = anger::rating_words(extras.review.as_ref());
            extras.review = Some(review.clone());
            save_extras(change, target, &extras).await?;
            let changed = Event::RatingChanged { message: target.id, from, to: anger::rating_words(Some(review)) };
            change.record(target.ticket, Actor::Customer, changed).await?;
            anger::look(change, target.id).await
        }
    }
}

async fn save_extras(change: &mut Change, target: &Target, extras: &Extras) -> sqlx::Result<()> {
    let value = serde_json::to_value(extras).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query!("update messages set extras = $2 where id = $1", target.id.0, value).execute(&mut **change).await?;
    Ok(())
}

async fn edit(change: &mut Change, target: &Target, text: &str, at: Ts) -> sqlx::Result<()> {
    /// Earlier wordings that are kept.
    const KEPT: usize = 20;
    // One that was overtaken, and one that comes again, change nothing; what was taken back stays so.
    if target.removed_at.is_some() || target.body == text || target.edited_at.is_some_and(|edited| at < edited) {
        return Ok(());
    }
    let mut extras: Extras = serde_json::from_value(target.extras.clone()).unwrap_or_default();
    extras.before.push(Before { at: target.edited_at.unwrap_or(at), text: target.body.clone() });
    let surplus = extras.before.len().saturating_sub(KEPT);
    extras.before.drain(..surplus);
    save_extras(change, target, &extras).await?;
    sqlx::query!(
        "update messages set body = $2, quote_from = 0, quote_to = 0, html = null, edited_at = $3 where id = $1",
        target.id.0,
        text,
        at as Ts
    )
    .execute(&mut **change)
    .await?;
    tell_anew(change, target, text, Event::MessageEdited { message: target.id }).await
}

async fn remove(change: &mut Change, target: &Target, at: Ts) -> sqlx::Result<()> {
    if target.removed_at.is_some() {
        return Ok(());
    }
    sqlx::query!(
        "update messages set removed_at = $2, body = '', html = null, quote_from = 0, quote_to = 0, extras = '{}', reactions = '{}' where id = $1",
        target.id.0,
        at as Ts
    )
    .execute(&mut **change)
    .await?;
    sqlx::query!("delete from attachments where message_id = $1", target.id.0).execute(&mut **change).await?;
    tell_anew(change, target, "", Event::MessageRemoved { message: target.id }).await
}

/// Of what was taken back only the words come back: nothing else of it was kept.
async fn restore(change: &mut Change, target: &Target, text: &str, at: Ts) -> sqlx::Result<()> {
    match target.removed_at {
        None => return edit(change, target, text, at).await,
        Some(removed) if at < removed => return Ok(()),
        Some(_) => {}
    }
    sqlx::query!("update messages set removed_at = null, body = $2, edited_at = $3 where id = $1", target.id.0, text, at as Ts)
        .execute(&mut **change)
        .await?;
    tell_anew(change, target, text, Event::MessageRestored { message: target.id }).await
}

/// Everything that follows from a message's words follows from its new ones.
async fn tell_anew(change: &mut Change, target: &Target, text: &str, event: Event) -> sqlx::Result<()> {
    search::index(change, target.ticket, target.id, target.language.as_deref(), &[&target.subject, text]).await?;
    retell::retell(change, target.ticket).await?;
    let by = if target.direction == Direction::Inbound { Actor::Customer } else { Actor::System };
    change.record(target.ticket, by, event).await?;
    anger::look(change, target.id).await
}

async fn react(change: &mut Change, target: &Target, by: Who, emoji: Option<&str>, at: Option<Ts>) -> sqlx::Result<()> {
    let who = match by {
        Who::Customer => "customer",
        Who::Shop => "shop",
    };
    let mut reactions = target.reactions.as_object().cloned().unwrap_or_default();
    let known = reactions.get(who).and_then(|known| known["at"].as_str()).and_then(|at| at.parse::<jiff::Timestamp>().ok()).map(Ts);
    if let (Some(known), Some(at)) = (known, at)
        && at < known
    {
        return Ok(());
    }
    // What was taken away is remembered without an emoji, so that an older one that comes late does not bring it back.
    let at = at.unwrap_or_else(Ts::now);
    reactions.insert(who.to_owned(), serde_json::json!({ "emoji": emoji, "at": at }));
    sqlx::query!("update messages set reactions = $2 where id = $1", target.id.0, serde_json::Value::Object(reactions))
        .execute(&mut **change)
        .await?;
    change.touch(target.ticket);
    Ok(())
}

async fn progress(change: &mut Change, target: &Target, step: &Step, at: Option<Ts>) -> sqlx::Result<()> {
    match target.part {
        Some(part) => parts::step(change, part, step, at).await,
        // Said in the provider's own app: how far that came is theirs to show.
        None => Ok(()),
    }
}
