//! The queue: everything to be done after or later. Three statements carry it: claim (with a lease), finish, retry.
//!
//! A worker that dies keeps its job only until the lease runs out, so there is no reaper and no leader. No transaction is held
//! while a job talks to the outside; every job must bear being run twice.

use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgPool};

use crate::clock::Ts;
use crate::ids::{AgentId, ApprovalId, CallBackId, CallId, ChannelId, DeliveryId, JobId, MessageId, PlanId, TicketId, WebhookDeliveryId};

/// Seconds after which a claimed job counts as abandoned. Longer than any time-out inside a job.
pub const LEASE_SECONDS: i64 = 180;
/// The same for timers: a chat must not hang for minutes because a process died with its timer in hand.
pub const QUICK_LEASE_SECONDS: i64 = 10;
/// Attempts before a job is left for a person to look at; with the backoff below about a day.
const MAX_ATTEMPTS: i32 = 14;

/// What can be queued; ids only, everything else is read when the job runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "args", rename_all = "snake_case")]
pub enum Job {
    /// Understand a stored delivery; queued as a safety net by whoever stored it.
    ProcessDelivery { delivery: DeliveryId },
    /// Send an outbound message.
    SendMessage { message: MessageId },
    /// A reply for later: its time has come.
    SendPlanned { plan: PlanId },
    /// Answer a customer's message with the automatic acknowledgement.
    Acknowledge { ticket: TicketId, message: MessageId },
    /// A chat's deadline: an offer ran out, a promise is due, somebody fell silent.
    ChatStep { ticket: TicketId },
    /// Our words in a chat that its visitor has not received: they follow by mail.
    ChatMail { ticket: TicketId },
    /// An agent's screen may have fallen silent.
    AgentLapse { agent: AgentId },
    /// A call was not answered, or nobody says how it went on.
    CallStep { call: CallId },
    /// A call-back's moment: somebody is reminded, or its time has passed.
    CallBackStep { call_back: CallBackId },
    /// Nobody who leads has taken an angry customer's ticket yet.
    AngerStep { ticket: TicketId },
    /// Write to somebody who leads about an angry customer's ticket.
    MailAnger { agent: AgentId, ticket: TicketId },
    /// A public answer has waited for approval for a while.
    ApprovalStep { approval: ApprovalId },
    /// Write to somebody who may approve a public answer.
    MailApprover { agent: AgentId, approval: ApprovalId },
    /// A snooze is over.
    WakeTicket { ticket: TicketId },
    /// Fetch new mail of a channel; comes back by itself.
    PollMailbox { channel: ChannelId },
    /// Mail an agent their invitation.
    SendInvitation { agent: AgentId },
    /// Mail an agent a link to choose a new password.
    SendPasswordReset { agent: AgentId },
    /// Tell a customer's network that we have read what they wrote.
    ShowRead { ticket: TicketId },
    /// Tell a customer's network that somebody writes to them.
    ShowTyping { ticket: TicketId },
    /// Mail those whom it concerns that a channel has to be connected again.
    TellSignInLost { channel: ChannelId },
    /// Mail the admins that a mailbox is out of order.
    TellMailboxFailing { channel: ChannelId },
    /// Bring in a mailbox's earlier mail, some of it at a time.
    ImportMail { channel: ChannelId },
    /// Tell a program of the shop what happened.
    DeliverWebhook { delivery: WebhookDeliveryId },
    /// Learn from what an agent has called spam, or not.
    LearnSpam { ticket: TicketId },
    /// Look for customers who may be one person; comes back by itself.
    FindTwins {},
    /// Remove what is past its time (sessions, used links, forgotten uploads); comes back by itself.
    Housekeeping {},
}

impl Job {
    /// Jobs of which at most one may wait.
    pub fn unique_key(&self) -> Option<String> {
        match self {
            Self::ChatStep { ticket } => Some(format!("chat:{ticket}")),
            Self::ChatMail { ticket } => Some(format!("chat-mail:{ticket}")),
            Self::AgentLapse { agent } => Some(format!("lapse:{agent}")),
            Self::CallStep { call } => Some(format!("call:{call}")),
            Self::CallBackStep { call_back } => Some(format!("call-back:{call_back}")),
            Self::AngerStep { ticket } => Some(format!("anger:{ticket}")),
            Self::MailAnger { agent, ticket } => Some(format!("mail-anger:{ticket}:{agent}")),
            Self::ApprovalStep { approval } => Some(format!("approval:{approval}")),
            Self::MailApprover { agent, approval } => Some(format!("mail-approver:{approval}:{agent}")),
            Self::WakeTicket { ticket } => Some(format!("wake:{ticket}")),
            Self::PollMailbox { channel } => Some(format!("poll:{channel}")),
            Self::SendMessage { message } => Some(format!("send:{message}")),
            Self::SendPlanned { plan } => Some(format!("planned:{plan}")),
            Self::ProcessDelivery { delivery } => Some(format!("delivery:{delivery}")),
            Self::DeliverWebhook { delivery } => Some(format!("webhook:{delivery}")),
            Self::ShowRead { ticket } => Some(format!("read:{ticket}")),
            Self::ShowTyping { ticket } => Some(format!("typing:{ticket}")),
            Self::TellSignInLost { channel } => Some(format!("sign-in-lost:{channel}")),
            Self::TellMailboxFailing { channel } => Some(format!("mailbox-failing:{channel}")),
            Self::ImportMail { channel } => Some(format!("import:{channel}")),
            Self::FindTwins {} => Some("twins".into()),
            Self::Housekeeping {} => Some("housekeeping".into()),
            Self::LearnSpam { .. } | Self::Acknowledge { .. } | Self::SendInvitation { .. } | Self::SendPasswordReset { .. } => None,
        }
    }

    /// Timers that somebody waits for and that talk to nothing but the database: they never stand in line behind the rest.
    fn is_quick(&self) -> bool {
        matches!(
            self,
            Self::ChatStep { .. }
                | Self::AgentLapse { .. }
                | Self::AngerStep { .. }
                | Self::ApprovalStep { .. }
                | Self::CallStep { .. }
                | Self::CallBackStep { .. }
                | Self::WakeTicket { .. }
        )
    }
}

/// Which jobs a worker takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Timers only.
    Quick,
    /// Everything else.
    Slow,
}

/// A job in hand.
#[derive(Debug)]
pub struct Claimed {
    pub id: JobId,
    pub job: Job,
    /// Counting this one.
    pub attempts: i32,
}

/// What became of an attempt.
#[derive(Debug)]
pub enum Outcome {
    Done,
    /// Done for now; run again in so many seconds.
    Again(i64),
    /// Worth another try, later.
    Retry(String),
    /// No try will help; kept, dead and visible.
    Fail(String),
}

/// Queues a job for `run_at`; a job of the same unique key that already waits takes the new time instead.
pub async fn push(db: &mut PgConnection, job: &Job, run_at: Ts) -> sqlx::Result<()> {
    let value = serde_json::to_value(job).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query!(
        // Attempts begin anew, so that a worker who has the old one in hand cannot settle the new one away.
        "insert into jobs (kind, args, unique_key, run_at, quick) values ($1, $2, $3, $4, $5)
         on conflict (unique_key) where unique_key is not null and dead_at is null do update set run_at = excluded.run_at, attempts = 0",
        value["kind"].as_str().unwrap_or_default(),
        value["args"],
        job.unique_key(),
        run_at as Ts,
        job.is_quick()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Queues a job for `run_at`; one of the same unique key that already waits keeps its earlier time.
pub async fn push_unless_waiting(db: &mut PgConnection, job: &Job, run_at: Ts) -> sqlx::Result<()> {
    let value = serde_json::to_value(job).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query!(
        // One that somebody has in hand may have looked already.
        "insert into jobs (kind, args, unique_key, run_at, quick) values ($1, $2, $3, $4, $5)
         on conflict (unique_key) where unique_key is not null and dead_at is null
         do update set run_at = case when jobs.attempts > 0 then excluded.run_at else jobs.run_at end, attempts = 0",
        value["kind"].as_str().unwrap_or_default(),
        value["args"],
        job.unique_key(),
        run_at as Ts,
        job.is_quick()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Queues a job that must exist (a poller, housekeeping) without disturbing the one that already waits.
pub async fn ensure(db: &mut PgConnection, job: &Job) -> sqlx::Result<()> {
    let value = serde_json::to_value(job).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query!(
        "insert into jobs (kind, args, unique_key, quick) values ($1, $2, $3, $4)
         on conflict (unique_key) where unique_key is not null and dead_at is null do nothing",
        value["kind"].as_str().unwrap_or_default(),
        value["args"],
        job.unique_key(),
        job.is_quick()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Makes a waiting job due now, unless somebody has it in hand.
pub async fn hasten(db: &mut PgConnection, job: &Job) -> sqlx::Result<()> {
    sqlx::query!(
        "update jobs set run_at = now() where unique_key = $1 and dead_at is null and attempts = 0 and run_at > now()",
        job.unique_key()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Makes a waiting job due now. `false`: somebody has it in hand at the moment, or there is none.
pub async fn rouse(db: &mut PgConnection, job: &Job) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update jobs set run_at = least(run_at, now()) where unique_key = $1 and dead_at is null and attempts = 0",
        job.unique_key()
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes back a job that nobody has claimed yet. `false`: too late.
pub async fn cancel(db: &mut PgConnection, job: &Job) -> sqlx::Result<bool> {
    let gone =
        sqlx::query!("delete from jobs where unique_key = $1 and dead_at is null and attempts = 0", job.unique_key()).execute(db).await?;
    Ok(gone.rows_affected() == 1)
}

/// Makes a dead or waiting job of this key due now, from the first attempt; queues it if there is none.
pub async fn revive(db: &mut PgConnection, job: &Job) -> sqlx::Result<()> {
    sqlx::query!("delete from jobs where unique_key = $1", job.unique_key()).execute(&mut *db).await?;
    push(db, job, Ts::now()).await
}

/// Claims the job of a lane that has been due longest, if any, and leases it.
pub async fn claim(pool: &PgPool, lane: Lane, now: Ts) -> sqlx::Result<Option<Claimed>> {
    match lane {
        Lane::Quick => claim_quick(pool, now).await,
        Lane::Slow => claim_slow(pool, now).await,
    }
}

async fn claim_slow(pool: &PgPool, now: Ts) -> sqlx::Result<Option<Claimed>> {
    let row = sqlx::query_as!(
        Row,
        "update jobs set run_at = greatest($1, now()) + make_interval(secs => $2), attempts = attempts + 1
         where id = (select id from jobs where dead_at is null and not quick and run_at <= $1
                     order by run_at, id for update skip locked limit 1)
         returning id, kind, args, attempts",
        now as Ts,
        LEASE_SECONDS as f64
    );
    Ok(row.fetch_optional(pool).await?.and_then(Row::claimed))
}

async fn claim_quick(pool: &PgPool, now: Ts) -> sqlx::Result<Option<Claimed>> {
    let row = sqlx::query_as!(
        Row,
        "update jobs set run_at = greatest($1, now()) + make_interval(secs => $2), attempts = attempts + 1
         where id = (select id from jobs where dead_at is null and quick and run_at <= $1
                     order by run_at, id for update skip locked limit 1)
         returning id, kind, args, attempts",
        now as Ts,
        QUICK_LEASE_SECONDS as f64
    );
    Ok(row.fetch_optional(pool).await?.and_then(Row::claimed))
}

struct Row {
    id: JobId,
    kind: String,
    args: serde_json::Value,
    attempts: i32,
}

impl Row {
    fn claimed(self) -> Option<Claimed> {
        match serde_json::from_value(serde_json::json!({ "kind": self.kind, "args": self.args })) {
            Ok(job) => Some(Claimed { id: self.id, job, attempts: self.attempts }),
            Err(error) => {
                // A newer version's job: leave it to one that knows it, after the lease.
                tracing::warn!(job = self.id.0, kind = self.kind, %error, "unknown job left in the queue");
                None
            }
        }
    }
}

/// Records what became of a claimed job.
pub async fn settle(pool: &PgPool, claimed: &Claimed, outcome: Outcome) -> sqlx::Result<()> {
    match outcome {
        Outcome::Done => {
            sqlx::query!("delete from jobs where id = $1 and attempts = $2", claimed.id.0, claimed.attempts).execute(pool).await?;
        }
        Outcome::Again(seconds) => {
            sqlx::query!(
                "update jobs set run_at = now() + make_interval(secs => $2), attempts = 0, last_error = null where id = $1 and attempts = $3",
                claimed.id.0,
                seconds as f64,
                claimed.attempts
            )
            .execute(pool)
            .await?;
        }
        // A timer is never given up: somebody waits for what it does.
        Outcome::Retry(error) if claimed.attempts < MAX_ATTEMPTS || claimed.job.is_quick() => {
            sqlx::query!(
                "update jobs set run_at = now() + make_interval(secs => $2), last_error = $3 where id = $1 and attempts = $4",
                claimed.id.0,
                if claimed.job.is_quick() {
                    backoff_seconds(1).min(f64::from(claimed.attempts))
                } else {
                    backoff_seconds(claimed.attempts)
                },
                error,
                claimed.attempts
            )
            .execute(pool)
            .await?;
        }
        Outcome::Retry(error) | Outcome::Fail(error) => {
            sqlx::query!(
                "update jobs set dead_at = now(), last_error = $2 where id = $1 and attempts = $3",
                claimed.id.0,
                error,
                claimed.attempts
            )
            .execute(pool)
            .await?;
        }
    }
    Ok(())
}

/// Whether this attempt was the last.
pub fn is_last(claimed: &Claimed) -> bool {
    claimed.attempts >= MAX_ATTEMPTS
}

/// 10 s, 20 s, 40 s … up to four hours, each with up to a fifth more so that a crowd does not come back at once.
fn backoff_seconds(attempts: i32) -> f64 {
    let base = (10.0 * 2f64.powi(attempts.clamp(1, 20) - 1)).min(4.0 * 3600.0);
    base * (1.0 + 0.2 * rand::random::<f64>())
}

/// A job that no attempt could do.
#[derive(Debug)]
pub struct Dead {
    pub id: JobId,
    /// `None`: of another version.
    pub job: Option<Job>,
    pub attempts: i32,
    pub reason: Option<String>,
    pub died_at: Ts,
}

/// The dead jobs, newest first.
pub async fn dead(db: &mut PgConnection, limit: i64) -> sqlx::Result<Vec<Dead>> {
    let rows = sqlx::query!(
        r#"select id, kind, args, attempts, last_error, dead_at as "dead_at!: Ts" from jobs where dead_at is not null order by dead_at desc limit $1"#,
        limit
    )
    .fetch_all(db)
    .await?;
    let dead = rows.into_iter().map(|row| Dead {
        id: row.id,
        job: serde_json::from_value(serde_json::json!({ "kind": row.kind, "args": row.args })).ok(),
        attempts: row.attempts,
        reason: row.last_error,
        died_at: row.dead_at,
    });
    Ok(dead.collect())
}

/// One dead job, held until the transaction ends.
pub async fn lock_dead(db: &mut PgConnection, id: JobId) -> sqlx::Result<Option<Option<Job>>> {
    let row = sqlx::query!("select kind, args from jobs where id = $1 and dead_at is not null for update", id.0).fetch_optional(db).await?;
    Ok(row.map(|row| serde_json::from_value(serde_json::json!({ "kind": row.kind, "args": row.args })).ok()))
}

/// Removes a dead job. `false`: there is none.
pub async fn forget(db: &mut PgConnection, id: JobId) -> sqlx::Result<bool> {
    let gone = sqlx::query!("delete from jobs where id = $1 and dead_at is not null", id.0).execute(db).await?;
    Ok(gone.rows_affected() == 1)
}

/// How many jobs wait, by kind.
pub async fn lengths(db: &mut PgConnection) -> sqlx::Result<Vec<(String, i64)>> {
    let rows = sqlx::query!(r#"select kind, count(*) as "count!" from jobs where dead_at is null group by kind order by kind limit 100"#)
        .fetch_all(db)
        .await?;
    Ok(rows.into_iter().map(|row| (row.kind, row.count)).collect())
}

/// How many jobs are dead, and how many have been due for over a minute: a queue that nobody works.
pub async fn health(db: &mut PgConnection) -> sqlx::Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"select (select count(*) from (select 1 from jobs where dead_at is not null limit 1000) d) as "dead!",
                  (select count(*) from (select 1 from jobs where dead_at is null and run_at < now() - interval '1 minute' limit 1000) l) as "late!""#
    )
    .fetch_one(db)
    .await?;
    Ok((row.dead, row.late))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `desk::deliveries` writes this one in SQL, together with the delivery.
    #[test]
    fn the_safety_net_of_a_delivery_keeps_its_form() {
        let job = Job::ProcessDelivery { delivery: DeliveryId(7) };
        let value = serde_json::to_value(&job).expect("plain data");
        assert_eq!(value, serde_json::json!({ "kind": "process_delivery", "args": { "delivery": 7 } }));
        assert_eq!(job.unique_key().as_deref(), Some("delivery:7"));
        assert!(!job.is_quick());
    }

    /// `desk::webhooks` writes this one in SQL, together with what it delivers.
    #[test]
    fn the_job_of_a_webhook_keeps_its_form() {
        let job = Job::DeliverWebhook { delivery: WebhookDeliveryId(7) };
        let value = serde_json::to_value(&job).expect("plain data");
        assert_eq!(value, serde_json::json!({ "kind": "deliver_webhook", "args": { "delivery": 7 } }));
        assert_eq!(job.unique_key().as_deref(), Some("webhook:7"));
        assert!(!job.is_quick());
    }
}
