//! What is known of mailboxes beyond their rows as channels: who waits at them for new mail, whether they work, how much has left.

use sqlx::PgConnection;

use crate::clock::Ts;
use crate::ids::{ChannelId, MessageId, TicketId};
use crate::jobs::{self, Job};

/// Seconds for which whoever waits at a mailbox is believed to live.
pub const WATCH_SECONDS: i64 = 20;
/// Visits that fail in a row until a mailbox counts as out of order.
const PATIENCE: i32 = 3;

/// Takes or keeps the watch over mailboxes, each unless a living process has it. Answers with those that are `holder`'s now.
pub async fn hold(db: &mut PgConnection, holder: &str, mailboxes: &[ChannelId]) -> sqlx::Result<Vec<ChannelId>> {
    let ids: Vec<i64> = mailboxes.iter().map(|id| id.0).collect();
    sqlx::query_scalar!(
        r#"insert into mailbox_watches (channel_id, holder, until)
           select id, $1, now() + make_interval(secs => $3) from channels where id = any($2)
           on conflict (channel_id) do update
           set until = excluded.until, holder = $1,
               idles = mailbox_watches.idles and mailbox_watches.holder = $1,
               since = case when mailbox_watches.holder = $1 then mailbox_watches.since else now() end
           where mailbox_watches.holder = $1 or mailbox_watches.until < now()
           returning channel_id as "id: ChannelId""#,
        holder,
        &ids,
        WATCH_SECONDS as f64
    )
    .fetch_all(db)
    .await
}

/// Gives mailboxes back that are not watched any more.
pub async fn release(db: &mut PgConnection, holder: &str, mailboxes: &[ChannelId]) -> sqlx::Result<()> {
    let ids: Vec<i64> = mailboxes.iter().map(|id| id.0).collect();
    sqlx::query!("delete from mailbox_watches where holder = $1 and channel_id = any($2)", holder, &ids).execute(db).await?;
    Ok(())
}

/// Notes whether the server tells of new mail by itself.
pub async fn note_idle(db: &mut PgConnection, holder: &str, id: ChannelId, idles: bool) -> sqlx::Result<()> {
    sqlx::query!(
        "update mailbox_watches set idles = $3, since = now() where channel_id = $1 and holder = $2 and idles is distinct from $3",
        id.0,
        holder,
        idles
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Since when the server tells of new mail by itself; `None`: it does not, or nobody listens.
pub async fn idles_since(db: &mut PgConnection, id: ChannelId) -> sqlx::Result<Option<Ts>> {
    sqlx::query_scalar!(r#"select since as "since: Ts" from mailbox_watches where channel_id = $1 and idles and until > now()"#, id.0)
        .fetch_optional(db)
        .await
}

/// A visit failed: its reason stands on the channel; after some in a row everybody is told. `true`: that was now.
pub async fn note_failure(db: &mut PgConnection, id: ChannelId, words: &str) -> sqlx::Result<bool> {
    let failing = sqlx::query_scalar!(
        r#"update channels c set failures = c.failures + 1, last_error = $2, last_error_at = now(),
                  failing_since = case when c.failures + 1 >= $3 then coalesce(c.failing_since, now()) else c.failing_since end
           from (select id, failing_since from channels where id = $1 for update) old where c.id = old.id
           returning old.failing_since is null and c.failing_since is not null as "failing!""#,
        id.0,
        words,
        PATIENCE
    )
    .fetch_optional(&mut *db)
    .await?;
    let now_failing = failing == Some(true);
    if now_failing {
        jobs::push(db, &Job::TellMailboxFailing { channel: id }, Ts::now()).await?;
    }
    Ok(now_failing)
}

/// Whether visits to a mailbox have failed for a while, and since when.
pub async fn failing_since(db: &mut PgConnection, id: ChannelId) -> sqlx::Result<Option<Ts>> {
    let row = sqlx::query_scalar!(r#"select failing_since as "since: Ts" from channels where id = $1"#, id.0).fetch_optional(db).await?;
    Ok(row.flatten())
}

/// It works again. `true`: everybody had been told that it does not.
pub async fn note_recovery(db: &mut PgConnection, id: ChannelId) -> sqlx::Result<bool> {
    let done = sqlx::query_scalar!(
        r#"update channels c set failures = 0, failing_since = null
           from (select id, failing_since from channels where id = $1 and (failures > 0 or failing_since is not null) for update) old
           where c.id = old.id returning old.failing_since is not null as "told!""#,
        id.0
    )
    .fetch_optional(db)
    .await?;
    Ok(done == Some(true))
}

/// How much may leave through a mailbox; 0: as much as there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Pace {
    pub per_minute: u32,
    pub per_hour: u32,
    pub per_day: u32,
}

/// How much has left in the last minute, hour and day.
pub async fn departures(db: &mut PgConnection, id: ChannelId) -> sqlx::Result<(i64, i64, i64)> {
    let row = sqlx::query!(
        r#"select coalesce(sum(messages) filter (where minute = date_trunc('minute', now())), 0) as "minute!",
                  coalesce(sum(messages) filter (where minute > now() - interval '1 hour'), 0) as "hour!",
                  coalesce(sum(messages), 0) as "day!"
           from mailbox_departures where channel_id = $1 and minute > now() - interval '1 day'"#,
        id.0
    )
    .fetch_one(db)
    .await?;
    Ok((row.minute, row.hour, row.day))
}

/// Whether a limit is reached: for so many seconds there is no place, and why.
pub async fn full(db: &mut PgConnection, id: ChannelId, pace: Pace) -> sqlx::Result<Option<(i64, String)>> {
    if pace == Pace::default() {
        return Ok(None);
    }
    let (minute, hour, day) = departures(&mut *db, id).await?;
    let reached = |limit: u32, sent: i64| limit > 0 && sent >= i64::from(limit);
    let full = |limit: u32, unit: &str| {
        format!("This mailbox has sent its {limit} messages of this {unit}. It leaves by itself when there is room again.")
    };
    if reached(pace.per_day, day) {
        return Ok(Some((600, full(pace.per_day, "day"))));
    }
    if reached(pace.per_hour, hour) {
        return Ok(Some((60, full(pace.per_hour, "hour"))));
    }
    if reached(pace.per_minute, minute) {
        let left = 61 - Ts::now().0.as_second().rem_euclid(60);
        return Ok(Some((left, full(pace.per_minute, "minute"))));
    }
    Ok(None)
}

/// Takes a place for one message, and names the minute in which it is; `Err`: see [`full`]. Part of a transaction: of two who ask, the second
/// waits.
pub async fn depart(db: &mut PgConnection, id: ChannelId, pace: Pace) -> sqlx::Result<Result<Ts, (i64, String)>> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('mailbox pace', $1))", id.0).fetch_one(&mut *db).await?;
    if let Some(full) = full(&mut *db, id, pace).await? {
        return Ok(Err(full));
    }
    let minute = sqlx::query_scalar!(
        r#"with old as (delete from mailbox_departures where channel_id = $1 and minute < now() - interval '2 days')
           insert into mailbox_departures (channel_id, minute, messages) values ($1, date_trunc('minute', now()), 1)
           on conflict (channel_id, minute) do update set messages = mailbox_departures.messages + 1 returning minute as "minute: Ts""#,
        id.0
    )
    .fetch_one(db)
    .await?;
    Ok(Ok(minute))
}

/// Gives a place back that was taken in this minute by a message that has not left.
pub async fn stay(db: &mut PgConnection, id: ChannelId, minute: Ts) -> sqlx::Result<()> {
    sqlx::query!(
        "update mailbox_departures set messages = messages - 1 where channel_id = $1 and minute = $2 and messages > 0",
        id.0,
        minute as Ts
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What a mailbox's earlier mail is brought in with.
#[derive(Debug, Clone)]
pub struct Import {
    pub id: i64,
    pub channel: ChannelId,
    pub days: i32,
    /// `running`, `stopped`, `done` or `failed`.
    pub state: String,
    pub uid_validity: i64,
    pub last_uid: i64,
    /// The last UID that belongs to it; 0: not looked yet.
    pub ceiling: i64,
    pub total: i32,
    pub done: i32,
    pub error: Option<String>,
    pub began_at: Ts,
    pub ended_at: Option<Ts>,
}

impl Import {
    /// Whether it still goes on.
    pub fn runs(&self) -> bool {
        self.state == "running"
    }

    /// Mails a minute.
    pub fn rate(&self) -> i64 {
        let seconds = self.ended_at.unwrap_or_else(Ts::now).seconds_since(self.began_at).max(1);
        i64::from(self.done) * 60 / seconds
    }
}

/// Begins to bring in earlier mail. `false`: that goes on already.
pub async fn begin_import(db: &mut PgConnection, channel: ChannelId, days: i32) -> sqlx::Result<bool> {
    let new = sqlx::query!(
        "insert into mailbox_imports (channel_id, days) values ($1, $2) on conflict (channel_id) where state = 'running' do nothing",
        channel.0,
        days
    )
    .execute(&mut *db)
    .await?;
    if new.rows_affected() == 1 {
        jobs::push(db, &Job::ImportMail { channel }, Ts::now()).await?;
    }
    Ok(new.rows_affected() == 1)
}

/// The newest import of a mailbox.
pub async fn newest_import(db: &mut PgConnection, channel: ChannelId) -> sqlx::Result<Option<Import>> {
    sqlx::query_as!(
        Import,
        r#"select id, channel_id as "channel: ChannelId", days, state, uid_validity, last_uid, ceiling, total, done, error,
                  began_at as "began_at: Ts", ended_at as "ended_at: Ts"
           from mailbox_imports where channel_id = $1 order by id desc limit 1"#,
        channel.0
    )
    .fetch_optional(db)
    .await
}

/// Notes what there is to bring in.
pub async fn measure_import(db: &mut PgConnection, id: i64, uid_validity: i64, ceiling: i64, total: i32) -> sqlx::Result<()> {
    sqlx::query!(
        "update mailbox_imports set uid_validity = $2, ceiling = $3, total = $4, done = least(done, $4) where id = $1",
        id,
        uid_validity,
        ceiling,
        total
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes how far it has come; part of the transaction that stores a mail. `false`: somebody has stopped it.
pub async fn advance_import(db: &mut PgConnection, id: i64, last_uid: i64, more: i32) -> sqlx::Result<bool> {
    let done =
        sqlx::query!("update mailbox_imports set last_uid = $2, done = done + $3 where id = $1 and state = 'running'", id, last_uid, more)
            .execute(db)
            .await?;
    Ok(done.rows_affected() == 1)
}

/// Adds a line to what went wrong with an import; the lines end somewhere.
pub async fn note_import(db: &mut PgConnection, id: i64, words: &str) -> sqlx::Result<()> {
    sqlx::query!("update mailbox_imports set error = left(concat_ws(E'\\n', error, $2::text), 4000) where id = $1", id, words)
        .execute(db)
        .await?;
    Ok(())
}

/// Ends an import as `done`, `stopped` or `failed`.
pub async fn end_import(db: &mut PgConnection, id: i64, state: &str, error: Option<&str>) -> sqlx::Result<()> {
    sqlx::query!(
        "update mailbox_imports set state = $2, error = nullif(concat_ws(E'\\n', error, $3::text), ''), ended_at = now()
         where id = $1 and state = 'running'",
        id,
        state,
        error
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A letter of earlier days that has become part of a ticket.
#[derive(Debug)]
pub struct Settled {
    pub ticket: TicketId,
    pub message: MessageId,
    /// A machine wrote it.
    pub automatic: bool,
    /// When it was written.
    pub at: Ts,
}

async fn put_back(db: &mut PgConnection, settled: &Settled) -> sqlx::Result<()> {
    sqlx::query!(
        "update messages set created_at = least(created_at, $2), automatic = $3 where id = $1",
        settled.message.0,
        settled.at as Ts,
        settled.automatic
    )
    .execute(db)
    .await?;
    Ok(())
}

/// It has made a ticket: as if it had come on its day and been dealt with then.
pub async fn settle_created(db: &mut PgConnection, settled: &Settled) -> sqlx::Result<()> {
    let (ticket, at) = (settled.ticket, settled.at);
    put_back(&mut *db, settled).await?;
    sqlx::query!(
        "update tickets set status = 'solved', solved_at = $2, waiting_since = null, created_at = least(created_at, $2),
                last_message_at = least(last_message_at, $2), updated_at = least(updated_at, $2) where id = $1",
        ticket.0,
        at as Ts
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!("update events set created_at = least(created_at, $2) where ticket_id = $1", ticket.0, at as Ts).execute(db).await?;
    Ok(())
}

/// It has been added, by a quiet change, to a ticket: as if it had come on its day. `excerpt`: what lists show of it where nothing newer is said.
pub async fn settle_appended(db: &mut PgConnection, settled: &Settled, excerpt: Option<&str>) -> sqlx::Result<()> {
    let (ticket, message, at) = (settled.ticket, settled.message, settled.at);
    put_back(&mut *db, settled).await?;
    sqlx::query!(
        "update events set created_at = least(created_at, $3) where ticket_id = $1 and kind = 'received' and data ->> 'message' = $2::bigint::text",
        ticket.0,
        message.0,
        at as Ts
    )
    .execute(&mut *db)
    .await?;
    // When a ticket last changed shows by its words and its history, without what was just added.
    sqlx::query!(
        "update tickets set excerpt = case when $3::text is not null and $2 >= last_message_at then $3 else excerpt end,
                last_direction = case when $3::text is not null and $2 >= last_message_at then 'inbound' else last_direction end,
                last_message_at = case when $3::text is not null then greatest(last_message_at, $2) else last_message_at end,
                updated_at = greatest(last_message_at, created_at, (select max(created_at) from events where ticket_id = $1), $2)
         where id = $1",
        ticket.0,
        at as Ts,
        excerpt
    )
    .execute(db)
    .await?;
    Ok(())
}

/// How mailboxes and the queue stand, for those who watch over the desk.
#[derive(Debug, Clone)]
pub struct Standing {
    pub id: ChannelId,
    pub name: String,
    pub enabled: bool,
    pub failing: bool,
    pub sign_in_lost: bool,
    pub idles: bool,
    pub seconds_since_ok: Option<f64>,
    pub waiting: i64,
}

/// How every mailbox stands.
pub async fn standings(db: &mut PgConnection) -> sqlx::Result<Vec<Standing>> {
    sqlx::query_as!(
        Standing,
        r#"select c.id, c.name, c.enabled, c.failing_since is not null as "failing!", c.sign_in_lost_at is not null as "sign_in_lost!",
                  coalesce(w.idles and w.until > now(), false) as "idles!",
                  extract(epoch from now() - c.last_ok_at)::float8 as seconds_since_ok,
                  (select count(*) from (select from messages m where m.channel_id = c.id and m.direction = 'outbound'
                     and m.delivery in ('queued', 'sending') limit 10000) waiting) as "waiting!"
           from channels c left join mailbox_watches w on w.channel_id = c.id where c.kind = 'email' order by c.id limit 500"#
    )
    .fetch_all(db)
    .await
}
