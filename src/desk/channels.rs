//! The rows of channels. What their settings mean is known to the channel's own folder alone.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::PgConnection;

use crate::clock::Ts;
use crate::desk::changes::Change;
use crate::desk::envelope::Address;
use crate::desk::kinds::ChannelKind;
use crate::desk::networks::abilities::Abilities;
use crate::ids::{ChannelId, TeamId};
use crate::jobs::{self, Job};
use crate::secrets::Keys;

/// A way in which customers reach the desk, as configured.
#[derive(Debug, Clone)]
pub struct Channel {
    pub id: ChannelId,
    pub kind: ChannelKind,
    pub name: String,
    /// Email: the mailbox's address; form: the last part of its URL.
    pub address: Option<String>,
    pub team_id: Option<TeamId>,
    pub language: Option<String>,
    pub enabled: bool,
    pub settings: serde_json::Value,
    /// Sealed; see [`Channel::secrets`].
    pub sealed: Option<Vec<u8>>,
    pub cursor: serde_json::Value,
    pub last_ok_at: Option<Ts>,
    pub last_error: Option<String>,
    pub last_error_at: Option<Ts>,
    /// The provider no longer lets us in: what is queued waits until the channel is connected again.
    pub sign_in_lost_at: Option<Ts>,
    /// When something last came in by webhook.
    pub last_event_at: Option<Ts>,
}

impl Channel {
    /// Whether letters can leave from it.
    pub fn is_mailbox(&self) -> bool {
        self.kind == ChannelKind::Email && self.enabled && self.address.is_some()
    }

    /// The settings as the channel's folder types them; missing ones take their defaults.
    pub fn settings<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        T::deserialize(&self.settings)
    }

    /// Passwords and tokens; the default when none are stored or the key has changed.
    pub fn secrets<T: DeserializeOwned + Default>(&self, keys: &Keys) -> T {
        let plain = self.sealed.as_deref().and_then(|sealed| keys.open(sealed));
        plain.and_then(|plain| serde_json::from_slice(&plain).ok()).unwrap_or_default()
    }
}

/// What a new or changed channel is made of.
#[derive(Debug, Clone)]
pub struct ChannelDraft {
    pub kind: ChannelKind,
    pub name: String,
    pub address: Option<String>,
    pub team_id: Option<TeamId>,
    pub language: Option<String>,
    pub enabled: bool,
    pub settings: serde_json::Value,
    /// `None` leaves stored secrets alone.
    pub secrets: Option<Vec<u8>>,
}

/// Seals secrets for [`ChannelDraft::secrets`].
pub fn seal(keys: &Keys, secrets: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    Ok(keys.seal(&serde_json::to_vec(secrets)?))
}

/// One channel.
pub async fn find(db: &mut PgConnection, id: ChannelId) -> sqlx::Result<Option<Channel>> {
    sqlx::query_as!(
        Channel,
        "select id, kind, name, address, team_id, language, enabled, settings, secrets as sealed, cursor, last_ok_at, last_error, last_error_at, sign_in_lost_at, last_event_at
         from channels where id = $1",
        id.0
    )
    .fetch_optional(db)
    .await
}

/// The channel of this name, for the command line.
pub async fn find_by_name(db: &mut PgConnection, name: &str) -> sqlx::Result<Option<Channel>> {
    sqlx::query_as!(
        Channel,
        "select id, kind, name, address, team_id, language, enabled, settings, secrets as sealed, cursor, last_ok_at, last_error, last_error_at, sign_in_lost_at, last_event_at
         from channels where lower(name) = lower($1) or lower(address) = lower($1) order by lower(name) = lower($1) desc, id limit 1",
        name
    )
    .fetch_optional(db)
    .await
}

/// The form at this place, or the mailbox of this address.
pub async fn find_by_address(db: &mut PgConnection, kind: ChannelKind, address: &str) -> sqlx::Result<Option<Channel>> {
    sqlx::query_as!(
        Channel,
        "select id, kind, name, address, team_id, language, enabled, settings, secrets as sealed, cursor, last_ok_at, last_error, last_error_at, sign_in_lost_at, last_event_at
         from channels where kind = $1 and lower(address) = lower($2)",
        kind as ChannelKind,
        address
    )
    .fetch_optional(db)
    .await
}

/// The oldest channel of a kind that is switched on and has no address.
pub async fn first_plain(db: &mut PgConnection, kind: ChannelKind) -> sqlx::Result<Option<Channel>> {
    sqlx::query_as!(
        Channel,
        "select id, kind, name, address, team_id, language, enabled, settings, secrets as sealed, cursor, last_ok_at, last_error, last_error_at, sign_in_lost_at, last_event_at
         from channels where kind = $1 and enabled and address is null order by id limit 1",
        kind as ChannelKind
    )
    .fetch_optional(db)
    .await
}

/// The one channel of a kind of which a desk needs one: the oldest, rather one that is switched on. Where there is none it is made, with
/// these settings, under the second name if the first is taken.
pub async fn of_kind(change: &mut Change, kind: ChannelKind, names: [&str; 2], settings: &serde_json::Value) -> sqlx::Result<ChannelId> {
    if let Some(known) = first_of_kind(change, kind).await? {
        return Ok(known);
    }
    // Of two who need the very first one, the second waits, and finds it.
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('channel', hashtext($1)))", kind.as_str()).fetch_one(&mut **change).await?;
    if let Some(known) = first_of_kind(change, kind).await? {
        return Ok(known);
    }
    let [first, second] = names;
    let name = if find_by_name(change, first).await?.is_some() { second } else { first }.to_owned();
    let settings = settings.clone();
    change.touch_settings();
    create(change, &ChannelDraft { kind, name, address: None, team_id: None, language: None, enabled: true, settings, secrets: None }).await
}

async fn first_of_kind(db: &mut PgConnection, kind: ChannelKind) -> sqlx::Result<Option<ChannelId>> {
    sqlx::query_scalar!(
        r#"select id as "id: ChannelId" from channels where kind = $1 order by enabled desc, id limit 1"#,
        kind as ChannelKind
    )
    .fetch_optional(db)
    .await
}

/// Every channel, by kind and name. A desk has a handful of them; the bound is a guard.
pub async fn list(db: &mut PgConnection) -> sqlx::Result<Vec<Channel>> {
    sqlx::query_as!(
        Channel,
        "select id, kind, name, address, team_id, language, enabled, settings, secrets as sealed, cursor, last_ok_at, last_error, last_error_at, sign_in_lost_at, last_event_at
         from channels order by kind, lower(name) limit 500"
    )
    .fetch_all(db)
    .await
}

/// The mailbox through which tickets of other channels are answered by mail when theirs names none: the oldest that is switched on.
pub async fn default_mailbox(db: &mut PgConnection) -> sqlx::Result<Option<Channel>> {
    sqlx::query_as!(
        Channel,
        "select id, kind, name, address, team_id, language, enabled, settings, secrets as sealed, cursor, last_ok_at, last_error, last_error_at, sign_in_lost_at, last_event_at
         from channels where kind = 'email' and enabled and address is not null order by id limit 1"
    )
    .fetch_optional(db)
    .await
}

/// Makes a channel. Fails on `channels_name_key` and `channels_address_key`.
pub async fn create(db: &mut PgConnection, draft: &ChannelDraft) -> sqlx::Result<ChannelId> {
    sqlx::query_scalar!(
        r#"insert into channels (kind, name, address, team_id, language, enabled, settings, secrets)
           values ($1, $2, $3, $4, $5, $6, $7, $8) returning id as "id: ChannelId""#,
        draft.kind as ChannelKind,
        draft.name,
        draft.address,
        draft.team_id.map(|id| id.0),
        draft.language,
        draft.enabled,
        draft.settings,
        draft.secrets
    )
    .fetch_one(db)
    .await
}

/// Changes a channel; what went wrong with the old settings is forgotten. `false`: there is none.
pub async fn update(db: &mut PgConnection, id: ChannelId, draft: &ChannelDraft) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update channels set name = $2, address = $3, team_id = $4, language = $5, enabled = $6, settings = $7,
                             secrets = coalesce($8, secrets), last_error = null, last_error_at = null, failures = 0, failing_since = null
         where id = $1",
        id.0,
        draft.name,
        draft.address,
        draft.team_id.map(|id| id.0),
        draft.language,
        draft.enabled,
        draft.settings,
        draft.secrets
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Keeps others from changing a channel until the transaction ends.
pub async fn lock(db: &mut PgConnection, id: ChannelId) -> sqlx::Result<()> {
    sqlx::query!(r#"select id as "id: ChannelId" from channels where id = $1 for update"#, id.0).fetch_optional(db).await?;
    Ok(())
}

/// Keeps others, in whatever process, from renewing the sign-in of a channel until the transaction ends; the channel itself stays free. Waits
/// as long as a provider may take to answer.
pub async fn lock_sign_in(db: &mut PgConnection, id: ChannelId) -> sqlx::Result<()> {
    sqlx::query!("select set_config('statement_timeout', '45s', true)").fetch_one(&mut *db).await?;
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('sign-in', $1))", id.0).fetch_one(db).await?;
    Ok(())
}

/// Changes what the channel's folder keeps, and nothing else.
pub async fn set_settings(db: &mut PgConnection, id: ChannelId, settings: &serde_json::Value) -> sqlx::Result<()> {
    sqlx::query!("update channels set settings = $2 where id = $1", id.0, settings).execute(db).await?;
    Ok(())
}

/// Puts some settings among the others. A channel that is gone keeps none.
pub async fn merge_settings(
    db: &mut PgConnection,
    id: ChannelId,
    some: impl IntoIterator<Item = (String, serde_json::Value)>,
) -> sqlx::Result<()> {
    let some = serde_json::Value::Object(some.into_iter().collect());
    sqlx::query!("update channels set settings = settings || $2 where id = $1 and jsonb_typeof(settings) = 'object'", id.0, some)
        .execute(db)
        .await?;
    Ok(())
}

/// Changes what is kept sealed (see [`seal`]), and nothing else.
pub async fn set_secrets(db: &mut PgConnection, id: ChannelId, sealed: &[u8]) -> sqlx::Result<()> {
    sqlx::query!("update channels set secrets = $2 where id = $1", id.0, sealed).execute(db).await?;
    Ok(())
}

/// Switches a channel on or off. `false`: there is none.
pub async fn set_enabled(db: &mut PgConnection, id: ChannelId, enabled: bool) -> sqlx::Result<bool> {
    let done = sqlx::query!("update channels set enabled = $2 where id = $1", id.0, enabled).execute(&mut *db).await?;
    // The poller of a channel that is off ends by itself; on again, it must begin.
    if enabled && done.rows_affected() == 1 {
        crate::jobs::ensure(db, &crate::jobs::Job::PollMailbox { channel: id }).await?;
    }
    Ok(done.rows_affected() == 1)
}

/// Remembers how far a poller has come and that all is well. Part of the transaction that stored what was fetched.
pub async fn advance(db: &mut PgConnection, id: ChannelId, cursor: &serde_json::Value) -> sqlx::Result<()> {
    sqlx::query!("update channels set cursor = $2, last_ok_at = now(), last_error = null, failures = 0 where id = $1", id.0, cursor)
        .execute(db)
        .await?;
    Ok(())
}

/// Shows on the channel's page why it does not work.
pub async fn note_error(db: &mut PgConnection, id: ChannelId, error: &str) -> sqlx::Result<()> {
    sqlx::query!("update channels set last_error = $2, last_error_at = now() where id = $1", id.0, error).execute(db).await?;
    Ok(())
}

/// Shows on the channel's page that it works.
pub async fn note_ok(db: &mut PgConnection, id: ChannelId) -> sqlx::Result<()> {
    sqlx::query!(
        "update channels set last_ok_at = now(), last_error = null where id = $1 and (last_error is not null or last_ok_at is null or last_ok_at < now() - interval '1 minute')",
        id.0
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The provider no longer lets us in: this channel stops sending, and says so, until it is connected again.
pub async fn lose_sign_in(db: &mut PgConnection, id: ChannelId, words: &str) -> sqlx::Result<()> {
    let known = sqlx::query_scalar!(
        r#"update channels c set sign_in_lost_at = coalesce(c.sign_in_lost_at, now()), last_error = $2, last_error_at = now()
           from (select id, sign_in_lost_at from channels where id = $1 for update) old where c.id = old.id
           returning old.sign_in_lost_at is not null as "known!""#,
        id.0,
        words
    )
    .fetch_optional(&mut *db)
    .await?;
    if known == Some(false) {
        jobs::push(db, &Job::TellSignInLost { channel: id }, Ts::now()).await?;
    }
    Ok(())
}

/// Whom it concerns that a channel has to be connected again: the admins, and the agents who have open tickets on it.
pub async fn concerned(db: &mut PgConnection, id: ChannelId) -> sqlx::Result<Vec<Address>> {
    sqlx::query_as!(
        Address,
        r#"select name, email as address from agents a
           where disabled_at is null and password_hash is not null
             and (role = 'admin' or exists (select from tickets t where t.assignee_id = a.id and t.channel_id = $1 and t.status in ('open', 'pending')))
           order by id limit 200"#,
        id.0
    )
    .fetch_all(db)
    .await
}

/// The provider lets us in again: everything that waited for it leaves by itself. Answers with how many messages those are.
pub async fn regain_sign_in(db: &mut PgConnection, id: ChannelId) -> sqlx::Result<i64> {
    let was = sqlx::query_scalar!(
        r#"update channels c set sign_in_lost_at = null, last_error = null, last_error_at = null, last_ok_at = now()
           from (select id, sign_in_lost_at from channels where id = $1 for update) old where c.id = old.id
           returning old.sign_in_lost_at is not null as "lost!""#,
        id.0
    )
    .fetch_optional(&mut *db)
    .await?;
    if was != Some(true) {
        return Ok(0);
    }
    // The jobs are `Job::SendMessage` as `jobs::push` would write them. One that exists may be in hand, and then keeps its lease, else two would
    // send it; one attempt more keeps whoever has it from settling it away, since they may have found the sign-in still lost.
    let queued = sqlx::query!(
        "insert into jobs (kind, args, unique_key)
         select 'send_message', jsonb_build_object('message', id), 'send:' || id from messages
         where channel_id = $1 and (direction = 'outbound' or side_id is not null) and delivery in ('queued', 'sending') order by id limit 10000
         on conflict (unique_key) where unique_key is not null and dead_at is null
         do update set run_at = least(jobs.run_at, now() + make_interval(secs => $2)), attempts = jobs.attempts + 1 where jobs.attempts > 0",
        id.0,
        jobs::LEASE_SECONDS as f64
    )
    .execute(db)
    .await?;
    Ok(i64::try_from(queued.rows_affected()).unwrap_or(i64::MAX))
}

/// Keeps what the channel's folder declares about it; `None`: nothing is answered through it. `false`: it was known.
pub async fn set_abilities(db: &mut PgConnection, id: ChannelId, abilities: Option<&Abilities>) -> sqlx::Result<bool> {
    let value = abilities.map(serde_json::to_value).transpose().map_err(|error| sqlx::Error::Encode(error.into()))?;
    let done = sqlx::query!("update channels set abilities = $2 where id = $1 and abilities is distinct from $2", id.0, value);
    Ok(done.execute(db).await?.rows_affected() > 0)
}

/// Keeps the id under which the provider names the account. Fails on `channels_address_key`.
pub async fn set_address(db: &mut PgConnection, id: ChannelId, address: &str) -> sqlx::Result<()> {
    sqlx::query!("update channels set address = $2 where id = $1 and address is distinct from $2", id.0, address).execute(db).await?;
    Ok(())
}

/// What a channel did in the last day.
#[derive(Debug, Clone)]
pub struct Day {
    /// Messages that came in, and that left.
    pub came: i64,
    pub left: i64,
    /// Answers that wait, and that failed.
    pub waiting: i64,
    pub failed: i64,
    /// What came in and was not understood, the newest first.
    pub odd: Vec<(Ts, String)>,
}

/// What a channel did in the last day; each count stops at ten thousand.
pub async fn day(db: &mut PgConnection, id: ChannelId) -> sqlx::Result<Day> {
    let row = sqlx::query!(
        r#"with recent as (select direction, delivery from messages where channel_id = $1 and created_at > now() - interval '1 day'
                           order by id desc limit 10000)
           select count(*) filter (where direction = 'inbound') as "came!",
                  count(*) filter (where delivery in ('sent', 'delivered', 'read')) as "left!",
                  count(*) filter (where delivery in ('queued', 'sending', 'unsure')) as "waiting!",
                  count(*) filter (where delivery = 'failed') as "failed!" from recent"#,
        id.0
    )
    .fetch_one(&mut *db)
    .await?;
    let odd = sqlx::query!(
        r#"select received_at, reason as "reason!" from deliveries where channel_id = $1 and reason is not null order by id desc limit 5"#,
        id.0
    )
    .fetch_all(db)
    .await?;
    Ok(Day {
        came: row.came,
        left: row.left,
        waiting: row.waiting,
        failed: row.failed,
        odd: odd.into_iter().map(|row| (row.received_at, row.reason)).collect(),
    })
}

/// Something came in by webhook; noted at most once in ten seconds.
pub async fn note_event(db: &mut PgConnection, id: ChannelId) -> sqlx::Result<()> {
    sqlx::query!(
        "update channels set last_event_at = now() where id = $1 and (last_event_at is null or last_event_at < now() - interval '10 seconds')",
        id.0
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Whether any mailbox has an outgoing server of its own.
pub async fn any_own_server(db: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from channels where kind = 'email' and enabled and jsonb_typeof(settings -> 'smtp') = 'object') as "any!""#
    )
    .fetch_one(db)
    .await
}
