//! Works the queue: claims what is due, does it, settles it. Any number of workers may run side by side.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::{Semaphore, broadcast};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::api;
use crate::app::App;
use crate::channels::email::{ack, idle, import, letters};
use crate::channels::wire::Sign;
use crate::channels::{self, ProcessError};
use crate::clock::Ts;
use crate::desk::anger::ringing;
use crate::desk::approvals;
use crate::desk::call_backs;
use crate::desk::calls;
use crate::desk::changes::Change;
use crate::desk::chats;
use crate::desk::deliveries;
use crate::desk::housekeeping;
use crate::desk::merging::search;
use crate::desk::presence;
use crate::desk::spam::learning;
use crate::desk::tickets::reply::ReplyError;
use crate::desk::tickets::{planned, update};
use crate::desk::webhooks::log::{self, Turn};
use crate::ids::{DeliveryId, TicketId, WebhookDeliveryId};
use crate::jobs::{self, Claimed, Job, Lane, Outcome};
use crate::live::Signal;

/// Jobs in hand at a time, visits to mailboxes not counted.
const CONCURRENCY: usize = 4;
/// How often an idle worker looks, for timers and for what other processes queued.
const LOOK: Duration = Duration::from_secs(1);
/// The same for timers, which somebody waits for.
const QUICK_LOOK: Duration = Duration::from_millis(400);
/// A job that takes longer is given up before somebody else may claim it.
const PATIENCE: Duration = Duration::from_secs(jobs::LEASE_SECONDS.unsigned_abs() - 10);
/// After the order to stop, jobs in hand have this long; what is not done then is claimed again when its lease ends.
const GRACE: Duration = Duration::from_secs(30);
const HOUR: i64 = 3600;

/// Works until told to stop, then lets what is in hand finish.
pub async fn run(app: App, stop: CancellationToken) {
    tokio::join!(work(&app, Lane::Quick, &stop), work(&app, Lane::Slow, &stop), keep_recurring(&app, &stop), idle::run(&app, &stop));
}

async fn work(app: &App, lane: Lane, stop: &CancellationToken) {
    let look = match lane {
        Lane::Quick => QUICK_LOOK,
        Lane::Slow => LOOK,
    };
    let hands = Arc::new(Semaphore::new(CONCURRENCY));
    let tracker = TaskTracker::new();
    loop {
        let hand = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            hand = hands.clone().acquire_owned() => hand,
        };
        let Ok(hand) = hand else { break };
        match jobs::claim(&app.db, lane, Ts::now()).await {
            Ok(Some(claimed)) => {
                // A mailbox that does not answer must not keep others waiting; of each mailbox there is one job only.
                let hand = (!matches!(claimed.job, Job::PollMailbox { .. } | Job::ImportMail { .. })).then_some(hand);
                let app = app.clone();
                tracker.spawn(async move {
                    let _hand = hand;
                    let outcome = attempt(&app, &claimed, Ts::now()).await;
                    settle(&app, &claimed, outcome).await;
                });
            }
            Ok(None) => {
                drop(hand);
                tokio::select! {
                    () = announced(app, lane) => {}
                    () = tokio::time::sleep(look) => {}
                    () = stop.cancelled() => {}
                }
            }
            Err(error) => {
                drop(hand);
                tracing::warn!(%error, "cannot read the queue");
                tokio::select! {
                    () = tokio::time::sleep(LOOK * 2) => {}
                    () = stop.cancelled() => {}
                }
            }
        }
    }
    tracker.close();
    if tokio::time::timeout(GRACE, tracker.wait()).await.is_err() {
        tracing::warn!(jobs = tracker.len(), "stopped with jobs in hand; they run again when their leases end");
    }
}

async fn announced(app: &App, lane: Lane) {
    match lane {
        Lane::Quick => app.live.quick_work().await,
        Lane::Slow => app.live.work().await,
    }
}

async fn settle(app: &App, claimed: &Claimed, outcome: Outcome) {
    match &outcome {
        Outcome::Done | Outcome::Again(_) => {}
        Outcome::Retry(reason) => tracing::info!(job = ?claimed.job, attempts = claimed.attempts, reason, "a job will be tried again"),
        Outcome::Fail(reason) => tracing::warn!(job = ?claimed.job, reason, "a job has failed"),
    }
    if let Err(error) = jobs::settle(&app.db, claimed, outcome).await {
        tracing::warn!(job = ?claimed.job, %error, "cannot settle a job; it runs again when its lease ends");
    }
}

/// Does a job, whatever it does to itself.
async fn attempt(app: &App, claimed: &Claimed, now: Ts) -> Outcome {
    let guarded = AssertUnwindSafe(perform(app, claimed, now)).catch_unwind();
    let broken = match tokio::time::timeout(PATIENCE, guarded).await {
        Ok(Ok(outcome)) => return recurring(&claimed.job, outcome),
        Ok(Err(_)) => {
            tracing::error!(job = ?claimed.job, "a job panicked");
            "an error in the program; see the log"
        }
        Err(_) => "it took too long",
    };
    if let Job::SendMessage { message } = claimed.job
        && jobs::is_last(claimed)
    {
        // It could not say so itself.
        channels::give_up(app, message, broken).await;
    }
    recurring(&claimed.job, Outcome::Retry(broken.to_owned()))
}

/// What comes back by itself never dies of its failures.
fn recurring(job: &Job, outcome: Outcome) -> Outcome {
    match (job, outcome) {
        (
            Job::PollMailbox { .. } | Job::ImportMail { .. } | Job::FindTwins {} | Job::Housekeeping {},
            Outcome::Retry(_) | Outcome::Fail(_),
        ) => Outcome::Again(60),
        (_, outcome) => outcome,
    }
}

async fn perform(app: &App, claimed: &Claimed, now: Ts) -> Outcome {
    match claimed.job {
        Job::ProcessDelivery { delivery } => process(app, delivery, claimed).await,
        Job::SendMessage { message } => channels::send(app, message, jobs::is_last(claimed)).await,
        Job::SendPlanned { plan } => changed(app, async |change| planned::step(change, plan, now).await).await,
        Job::Acknowledge { ticket, message } => ack::acknowledge(app, ticket, message).await,
        Job::WakeTicket { ticket } => changed(app, async |change| update::wake(change, ticket, Ts::now()).await).await,
        Job::ChatStep { ticket } => changed(app, async |change| chats::step(change, ticket, now).await).await,
        Job::CallBackStep { call_back } => changed(app, async |change| call_backs::step(change, call_back, now).await).await,
        Job::ChatMail { ticket } => mail_missed(app, ticket).await,
        Job::AgentLapse { agent } => changed(app, async |change| presence::lapse(change, agent, now).await).await,
        Job::CallStep { call } => changed(app, async |change| calls::step(change, call, now).await).await,
        Job::PollMailbox { channel } => channels::poll(app, channel).await,
        Job::SendInvitation { agent } => letters::invite(app, agent).await,
        Job::SendPasswordReset { agent } => letters::reset_password(app, agent).await,
        Job::ShowRead { ticket } => channels::wire::telling::show(app, ticket, Sign::Read).await,
        Job::ShowTyping { ticket } => channels::wire::telling::show(app, ticket, Sign::Typing).await,
        Job::TellSignInLost { channel } => letters::sign_in_lost(app, channel).await,
        Job::TellMailboxFailing { channel } => letters::mailbox_failing(app, channel).await,
        Job::ImportMail { channel } => import::run(app, channel).await,
        Job::AngerStep { ticket } => changed(app, async |change| ringing::step(change, ticket, now).await).await,
        Job::MailAnger { agent, ticket } => letters::tell_of_anger(app, agent, ticket).await,
        Job::ApprovalStep { approval } => changed(app, async |change| approvals::step(change, approval, now).await).await,
        Job::MailApprover { agent, approval } => letters::tell_approver(app, agent, approval).await,
        Job::DeliverWebhook { delivery } => tell(app, delivery, now).await,
        Job::LearnSpam { ticket } => changed(app, async |change| learning::learn(change, ticket).await).await,
        Job::FindTwins {} => find_twins(app).await,
        Job::Housekeeping {} => tidy(app).await,
    }
}

async fn process(app: &App, id: DeliveryId, claimed: &Claimed) -> Outcome {
    match channels::process(app, id).await {
        Ok(_) => Outcome::Done,
        Err(ProcessError::Hopeless(reason)) => Outcome::Fail(reason),
        Err(ProcessError::Soon) => Outcome::Again(2),
        Err(error @ (ProcessError::Database(_) | ProcessError::Files(_))) => {
            if jobs::is_last(claimed) {
                let noted = async {
                    let mut db = app.db.acquire().await?;
                    deliveries::note_failure(&mut db, id, &error.to_string()).await
                };
                if let Err(error) = noted.await {
                    tracing::warn!(delivery = %id, %error, "cannot note why a delivery failed");
                }
            }
            Outcome::Retry(error.to_string())
        }
    }
}

async fn tell(app: &App, delivery: WebhookDeliveryId, now: Ts) -> Outcome {
    let turn = async {
        let mut db = app.db.acquire().await?;
        log::take_turn(&mut db, delivery, now).await
    };
    let due = match turn.await {
        Ok(Turn::Now(due)) => due,
        Ok(Turn::Later(seconds)) => return Outcome::Again(seconds),
        Ok(Turn::Never) => return Outcome::Done,
        Err(error) => return Outcome::Retry(error.to_string()),
    };
    let payload = match &due.payload {
        Some(payload) => payload.clone(),
        None => match api::webhooks::payload(app, &due).await {
            Ok(payload) => payload,
            Err(error) => return Outcome::Retry(error.to_string()),
        },
    };
    channels::webhooks::deliver(app, &due, &payload).await
}

async fn mail_missed(app: &App, ticket: TicketId) -> Outcome {
    let mailed = async {
        let mut change = Change::begin(app).await?;
        chats::mail_missed(&mut change, ticket).await?;
        Ok(change.commit().await?)
    };
    match mailed.await {
        Ok(()) => Outcome::Done,
        Err(ReplyError::Database(error)) => Outcome::Retry(error.to_string()),
        Err(error) => Outcome::Fail(error.to_string()),
    }
}

async fn find_twins(app: &App) -> Outcome {
    match search::look(&app.db).await {
        Ok(true) => Outcome::Again(1),
        Ok(false) => Outcome::Again(60),
        Err(error) => Outcome::Retry(error.to_string()),
    }
}

async fn tidy(app: &App) -> Outcome {
    let tidied = async {
        let mut db = app.db.acquire().await?;
        housekeeping::tidy(&mut db).await
    };
    match tidied.await {
        Ok(gone) => {
            tracing::debug!(gone, "housekeeping is done");
            Outcome::Again(HOUR)
        }
        Err(error) => Outcome::Retry(error.to_string()),
    }
}

/// Does something that changes only what is in the database.
async fn changed(app: &App, act: impl AsyncFnOnce(&mut Change) -> sqlx::Result<()>) -> Outcome {
    let done = async {
        let mut change = Change::begin(app).await?;
        act(&mut change).await?;
        change.commit().await
    };
    match done.await {
        Ok(()) => Outcome::Done,
        Err(error) => Outcome::Retry(error.to_string()),
    }
}

/// Sees to it that the jobs that come back by themselves exist: now, when settings change, and after a gap.
async fn keep_recurring(app: &App, stop: &CancellationToken) {
    let mut signals = app.live.subscribe();
    loop {
        let retry = match ensure_recurring(app).await {
            Ok(()) => Duration::from_secs(600),
            Err(error) => {
                tracing::warn!(%error, "cannot queue the recurring jobs");
                Duration::from_secs(5)
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(retry) => {}
            () = settings_changed(&mut signals) => {
                // Another process may have changed them: what this one remembers is old.
                app.cache.invalidate_all();
                // Several changes in a row cause one look.
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
        }
    }
}

async fn settings_changed(signals: &mut broadcast::Receiver<Signal>) {
    loop {
        match signals.recv().await {
            Ok(Signal::Settings | Signal::Resync) | Err(broadcast::error::RecvError::Lagged(_)) => return,
            Ok(_) => {}
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// Queues the jobs that come back by themselves where they are missing.
pub async fn ensure_recurring(app: &App) -> sqlx::Result<()> {
    channels::ensure_polls(app).await?;
    channels::wire::declare(app).await?;
    let mut db = app.db.acquire().await?;
    jobs::ensure(&mut db, &Job::FindTwins {}).await?;
    jobs::ensure(&mut db, &Job::Housekeeping {}).await
}

/// For tests: does everything that is due at `now` on the spot, and what comes of it, except for the jobs that come back by themselves.
/// Answers with what went wrong. With a `now` in the future the pauses before further attempts are skipped too.
pub async fn drain(app: &App, now: Ts) -> Vec<String> {
    let mut errors = Vec::new();
    let mut recurring = Vec::new();
    // A bound, so that a job that queues itself shows as an error and not as a test that hangs.
    for _ in 0..10_000 {
        let next = match jobs::claim(&app.db, Lane::Quick, now).await {
            Ok(None) => jobs::claim(&app.db, Lane::Slow, now).await,
            other => other,
        };
        let claimed = match next {
            Ok(Some(claimed)) => claimed,
            Ok(None) => break,
            Err(error) => {
                errors.push(error.to_string());
                break;
            }
        };
        if matches!(claimed.job, Job::PollMailbox { .. } | Job::FindTwins {} | Job::Housekeeping {}) {
            recurring.push(claimed);
            continue;
        }
        let outcome = attempt(app, &claimed, now).await;
        if let Outcome::Retry(reason) | Outcome::Fail(reason) = &outcome {
            errors.push(format!("{:?}: {reason}", claimed.job));
        }
        settle(app, &claimed, outcome).await;
    }
    for claimed in recurring {
        settle(app, &claimed, Outcome::Again(0)).await;
    }
    errors
}
