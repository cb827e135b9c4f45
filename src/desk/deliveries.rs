//! Inbound as it came: stored before it is acknowledged, understood after.

use sqlx::PgConnection;

use crate::clock::Ts;
use crate::desk::kinds::IntakeState;
use crate::ids::{ChannelId, DeliveryId};
use crate::jobs::Job;

/// Seconds that whoever stored a delivery has to understand it before a worker does.
const HEAD_START: f64 = 60.0;

/// Something that came in, about to be stored.
#[derive(Debug, Clone, Copy)]
pub struct NewDelivery<'a> {
    pub channel: ChannelId,
    /// `smtp`, `imap`, `ingest` …: for the operator.
    pub door: &'static str,
    pub envelope_from: Option<&'a str>,
    pub envelope_to: &'a [String],
    pub raw: &'a [u8],
}

/// Something that came in, as stored.
#[derive(Debug, Clone)]
pub struct Delivery {
    pub id: DeliveryId,
    pub channel_id: Option<ChannelId>,
    pub door: String,
    pub envelope_from: Option<String>,
    pub envelope_to: Vec<String>,
    pub raw: Vec<u8>,
    pub state: IntakeState,
    pub reason: Option<String>,
    pub received_at: Ts,
}

/// Stores raw bytes, and with them a job that understands them should this process not live to do it. One statement, so that it is both
/// or neither even outside of a transaction.
pub async fn store(db: &mut PgConnection, new: NewDelivery<'_>) -> sqlx::Result<DeliveryId> {
    // The job is `Job::ProcessDelivery` as `jobs::push` would write it.
    sqlx::query_scalar!(
        r#"with stored as (
               insert into deliveries (channel_id, door, envelope_from, envelope_to, raw) values ($1, $2, $3, $4, $5) returning id
           ), safety_net as (
               insert into jobs (kind, args, unique_key, run_at)
               select 'process_delivery', jsonb_build_object('delivery', id), 'delivery:' || id, now() + make_interval(secs => $6) from stored
           )
           select id as "id: DeliveryId" from stored"#,
        new.channel.0,
        new.door,
        new.envelope_from,
        new.envelope_to,
        new.raw,
        HEAD_START
    )
    .fetch_one(db)
    .await
}

/// One delivery with its bytes.
pub async fn find(db: &mut PgConnection, id: DeliveryId) -> sqlx::Result<Option<Delivery>> {
    sqlx::query_as!(
        Delivery,
        "select id, channel_id, door, envelope_from, envelope_to, raw, state, reason, received_at from deliveries where id = $1",
        id.0
    )
    .fetch_optional(db)
    .await
}

/// Whether something that came in on this channel shortly before `id` is not understood yet.
pub async fn any_before(db: &mut PgConnection, channel: ChannelId, id: DeliveryId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from deliveries where state = 'received' and channel_id = $1 and id < $2
                          and received_at > now() - interval '1 minute') as "any!""#,
        channel.0,
        id.0
    )
    .fetch_one(db)
    .await
}

/// Claims a delivery for the rest of the transaction: nobody else ends it meanwhile. `false`: it is done already.
pub async fn lock(db: &mut PgConnection, id: DeliveryId) -> sqlx::Result<bool> {
    let state = sqlx::query_scalar!("select state from deliveries where id = $1 for update", id.0).fetch_optional(db).await?;
    Ok(matches!(state, Some(IntakeState::Received | IntakeState::Failed)))
}

/// Records what became of a delivery, and takes back the job that was to see to it. `false`: another process has ended it, and whatever this
/// one made of it must not be kept.
pub async fn finish(db: &mut PgConnection, id: DeliveryId, state: IntakeState, reason: Option<&str>) -> sqlx::Result<bool> {
    // The second half is `jobs::cancel`.
    sqlx::query_scalar!(
        r#"with finished as (
               update deliveries set state = $2, reason = $3 where id = $1 and state in ('received', 'failed') returning id
           ), cancelled as (
               delete from jobs where unique_key = $4 and dead_at is null and attempts = 0
           )
           select exists (select from finished) as "ended!""#,
        id.0,
        state as IntakeState,
        reason,
        Job::ProcessDelivery { delivery: id }.unique_key()
    )
    .fetch_one(db)
    .await
}

/// Keeps the reason why a delivery could not be understood, so that a person can see it.
pub async fn note_failure(db: &mut PgConnection, id: DeliveryId, reason: &str) -> sqlx::Result<()> {
    sqlx::query!("update deliveries set state = 'failed', reason = $2 where id = $1 and state in ('received', 'failed')", id.0, reason)
        .execute(db)
        .await?;
    Ok(())
}

/// What has come in and is not yet part of a ticket.
#[derive(Debug, Clone)]
pub struct Stuck {
    pub id: DeliveryId,
    pub channel_id: Option<ChannelId>,
    pub door: String,
    pub state: IntakeState,
    pub reason: Option<String>,
    pub received_at: Ts,
}

/// Deliveries that could not be understood, or wait for longer than a minute; oldest first.
pub async fn stuck(db: &mut PgConnection, limit: i64) -> sqlx::Result<Vec<Stuck>> {
    sqlx::query_as!(
        Stuck,
        "select id, channel_id, door, state, reason, received_at from deliveries
         where state = 'failed' or (state = 'received' and received_at < now() - interval '1 minute') order by id limit $1",
        limit
    )
    .fetch_all(db)
    .await
}
