//! What was sent to whom, and how it went.

use sqlx::PgConnection;

use crate::clock::Ts;
use crate::desk::kinds::WebhookState;
use crate::desk::webhooks::Endpoint;
use crate::ids::{TicketId, WebhookDeliveryId, WebhookId};

/// Seconds between two attempts. After the last there is no more: ten attempts over a day.
const PAUSES: [i64; 9] = [10, 60, 300, 900, 3600, 7200, 4 * 3600, 8 * 3600, 8 * 3600];
/// Seconds of nothing but failures after which an endpoint is switched off.
const FORBEARANCE: f64 = 3.0 * 24.0 * 3600.0;
/// The longest time in seconds for which an endpoint that does not answer is left alone.
const LONGEST_PAUSE: f64 = 300.0;
/// Seconds in which one attempt at a failing endpoint keeps others from trying too.
const PROBE: f64 = 15.0;

/// Queues something for several endpoints, with the jobs that send it. `true`: at least one of them is switched on.
pub(super) async fn queue(
    db: &mut PgConnection,
    endpoints: &[i64],
    kind: &str,
    ticket: Option<TicketId>,
    event: &serde_json::Value,
) -> sqlx::Result<bool> {
    // The jobs are `Job::DeliverWebhook` as `jobs::push` would write them.
    let done = sqlx::query!(
        "with stored as (
             insert into webhook_deliveries (endpoint_id, kind, ticket_id, event)
             select id, $2, $3, $4 from webhook_endpoints where id = any($1) and enabled returning id
         )
         insert into jobs (kind, args, unique_key)
         select 'deliver_webhook', jsonb_build_object('delivery', id), 'webhook:' || id from stored",
        endpoints,
        kind,
        ticket.map(|id| id.0),
        event
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Something that is to be sent now.
#[derive(Debug, Clone)]
pub struct Due {
    pub id: WebhookDeliveryId,
    /// Stays the same whatever happens.
    pub uid: String,
    pub kind: String,
    pub ticket: Option<TicketId>,
    /// See [`super::Happened`].
    pub event: serde_json::Value,
    /// `None`: this is the first attempt.
    pub payload: Option<serde_json::Value>,
    pub attempts: i32,
    pub endpoint: Endpoint,
}

/// Whether something may be sent.
#[derive(Debug)]
pub enum Turn {
    Now(Box<Due>),
    /// Its endpoint did not answer lately; look again in so many seconds.
    Later(i64),
    /// It is done with, gone, or its endpoint is switched off.
    Never,
}

/// Whether a queued delivery may be sent at `now`. At an endpoint that fails one attempt at a time is made.
pub async fn take_turn(db: &mut PgConnection, id: WebhookDeliveryId, now: Ts) -> sqlx::Result<Turn> {
    let row = sqlx::query!(
        r#"select d.id as "id: WebhookDeliveryId", d.uid::text as "uid!", d.kind, d.ticket_id as "ticket: TicketId", d.event, d.payload, d.attempts,
                  e.id as "endpoint: WebhookId", e.name, e.url, e.secret, e.kinds, e.enabled, e.failing_since as "failing_since: Ts",
                  e.paused_until as "paused_until: Ts"
           from webhook_deliveries d join webhook_endpoints e on e.id = d.endpoint_id where d.id = $1 and d.state = 'queued'"#,
        id.0
    )
    .fetch_optional(&mut *db)
    .await?;
    let Some(row) = row else { return Ok(Turn::Never) };
    if !row.enabled {
        sqlx::query!(
            "update webhook_deliveries set state = 'failed', error = 'The endpoint is switched off.', next_at = null where id = $1",
            id.0
        )
        .execute(db)
        .await?;
        return Ok(Turn::Never);
    }
    if row.failing_since.is_some() {
        let mine = sqlx::query!(
            "update webhook_endpoints set paused_until = now() + make_interval(secs => $3)
             where id = $1 and (paused_until is null or paused_until <= $2)",
            row.endpoint.0,
            now as Ts,
            PROBE
        )
        .execute(db)
        .await?;
        if mine.rows_affected() == 0 {
            let wait = row.paused_until.map_or(1, |until| until.seconds_since(Ts::now()));
            // Not all at once when the pause is over.
            return Ok(Turn::Later(wait.clamp(1, 300) + rand::random_range(0..5)));
        }
    }
    let endpoint = Endpoint {
        id: row.endpoint,
        name: row.name,
        url: row.url,
        secret: row.secret,
        kinds: row.kinds,
        enabled: row.enabled,
        failing_since: row.failing_since,
        switched_off_at: None,
        last_ok_at: None,
    };
    let due = Due {
        id: row.id,
        uid: row.uid,
        kind: row.kind,
        ticket: row.ticket,
        event: row.event,
        payload: row.payload,
        attempts: row.attempts,
        endpoint,
    };
    Ok(Turn::Now(Box::new(due)))
}

/// Keeps what is sent, for every attempt to be the same. Answers with what is kept: another attempt may have been first.
pub async fn keep_payload(db: &mut PgConnection, id: WebhookDeliveryId, payload: &serde_json::Value) -> sqlx::Result<serde_json::Value> {
    let kept = sqlx::query_scalar!(
        r#"update webhook_deliveries set payload = coalesce(payload, $2) where id = $1 returning payload as "payload!""#,
        id.0,
        payload
    )
    .fetch_optional(db)
    .await?;
    Ok(kept.unwrap_or_else(|| payload.clone()))
}

/// How an attempt went.
#[derive(Debug, Clone, Default)]
pub struct Result {
    /// HTTP's, if there was an answer.
    pub status: Option<i16>,
    /// The beginning of the answer.
    pub answer: String,
    pub milliseconds: i32,
    /// `None`: it was taken.
    pub failure: Option<Failure>,
}

/// Why it was not taken.
#[derive(Debug, Clone)]
pub struct Failure {
    pub words: String,
    /// Another attempt may help.
    pub again: bool,
}

/// Records an attempt. Answers with the seconds until the next, if there is one.
pub async fn settle(db: &mut PgConnection, due: &Due, result: &Result) -> sqlx::Result<Option<i64>> {
    let attempts = due.attempts + 1;
    let next = result.failure.as_ref().filter(|failure| failure.again).and_then(|_| {
        let pause = PAUSES.get(usize::try_from(due.attempts).unwrap_or(usize::MAX))?;
        // A tenth more at most, so that a crowd does not come back at once.
        Some(pause + rand::random_range(0..=pause / 10))
    });
    let state = match (&result.failure, next) {
        (None, _) => WebhookState::Sent,
        (Some(_), Some(_)) => WebhookState::Queued,
        (Some(_), None) => WebhookState::Failed,
    };
    sqlx::query!(
        "update webhook_deliveries set state = $2, attempts = $3, status = $4, answer = $5, error = $6, duration_ms = $7,
                next_at = now() + make_interval(secs => $8), sent_at = case when $2 = 'sent'::webhook_state then now() end
         where id = $1",
        due.id.0,
        state as WebhookState,
        attempts,
        result.status,
        result.answer,
        result.failure.as_ref().map(|failure| &*failure.words),
        result.milliseconds,
        next.map(|seconds| seconds as f64)
    )
    .execute(&mut *db)
    .await?;
    if result.failure.is_none() {
        sqlx::query!(
            "update webhook_endpoints set failing_since = null, failures = 0, paused_until = null, last_ok_at = now()
             where id = $1 and (failing_since is not null or last_ok_at is null or last_ok_at < now() - interval '1 minute')",
            due.endpoint.id.0
        )
        .execute(db)
        .await?;
    } else {
        sqlx::query!(
            "update webhook_endpoints set failing_since = coalesce(failing_since, now()), failures = least(failures + 1, 1000),
                    paused_until = now() + make_interval(secs => least(power(2, least(failures, 20)), $2))
             where id = $1",
            due.endpoint.id.0,
            LONGEST_PAUSE
        )
        .execute(db)
        .await?;
    }
    Ok(next)
}

/// Switches an endpoint off that has done nothing but fail for three days. `true`: it has just been.
pub async fn switch_off_failing(db: &mut PgConnection, id: WebhookId) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update webhook_endpoints set enabled = false, switched_off_at = now()
         where id = $1 and enabled and failing_since < now() - make_interval(secs => $2)",
        id.0,
        FORBEARANCE
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A line of an endpoint's log.
#[derive(Debug, Clone)]
pub struct Line {
    pub id: WebhookDeliveryId,
    pub uid: String,
    pub kind: String,
    pub ticket: Option<TicketId>,
    /// As it is sent; before the first attempt none.
    pub payload: Option<serde_json::Value>,
    pub state: WebhookState,
    pub attempts: i32,
    pub status: Option<i16>,
    pub answer: Option<String>,
    pub error: Option<String>,
    pub duration_ms: Option<i32>,
    pub next_at: Option<Ts>,
    pub created_at: Ts,
}

/// At most `limit` lines of an endpoint's log before `before`, newest first.
pub async fn list(db: &mut PgConnection, endpoint: WebhookId, before: Option<WebhookDeliveryId>, limit: i64) -> sqlx::Result<Vec<Line>> {
    sqlx::query_as!(
        Line,
        r#"select id as "id: WebhookDeliveryId", uid::text as "uid!", kind, ticket_id as "ticket: TicketId", payload, state, attempts, status, answer, error,
                  duration_ms, next_at, created_at
           from webhook_deliveries where endpoint_id = $1 and id < $2 order by id desc limit $3"#,
        endpoint.0,
        before.map_or(i64::MAX, |id| id.0),
        limit
    )
    .fetch_all(db)
    .await
}

/// Sends a line of an endpoint's log once more, under the same delivery id and with the same words. `false`: there is none, or the endpoint is
/// switched off.
pub async fn resend(db: &mut PgConnection, endpoint: WebhookId, id: WebhookDeliveryId) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "with wanted as (
             update webhook_deliveries d set state = 'queued', attempts = 0, next_at = now() from webhook_endpoints e
             where e.id = d.endpoint_id and e.enabled and d.id = $1 and d.endpoint_id = $2 returning d.id
         ), freed as (
             update webhook_endpoints set paused_until = null where id = $2
         )
         insert into jobs (kind, args, unique_key)
         select 'deliver_webhook', jsonb_build_object('delivery', id), 'webhook:' || id from wanted
         on conflict (unique_key) where unique_key is not null and dead_at is null do update set run_at = now(), attempts = 0",
        id.0,
        endpoint.0
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Forgets what is older than 30 days.
pub async fn forget(db: &mut PgConnection) -> sqlx::Result<u64> {
    let gone = sqlx::query!("delete from webhook_deliveries where created_at < now() - interval '30 days'").execute(db).await?;
    Ok(gone.rows_affected())
}
