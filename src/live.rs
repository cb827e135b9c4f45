//! What makes open screens move: a hub in each process, joined to the others by Postgres `LISTEN/NOTIFY`.
//!
//! Only ids travel, never content; whoever hears one reads again. A change is announced to this process's own screens at once, to the
//! other processes in a batch every few milliseconds from one connection outside the business transactions: `NOTIFY` takes a lock
//! at commit that would put every writer of the cluster in one line.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgListener};
use tokio::sync::{Notify, broadcast, mpsc};
use tokio_util::sync::CancellationToken;

use crate::clock::Ts;
use crate::ids::{AgentId, TicketId};

const CHANNEL: &str = "sportello";
/// How long announcements to other processes are collected.
const BATCH: Duration = Duration::from_millis(10);
/// Postgres refuses payloads from 8000 bytes.
const MAX_PAYLOAD: usize = 7000;
/// Someone who has not been heard of for this long has left; browsers report every 15 s.
const PRESENCE_SECONDS: i64 = 40;

/// Something that open screens may want to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Signal {
    /// This ticket changed in any way, and with it possibly every list.
    #[serde(rename = "t")]
    Ticket(TicketId),
    /// Someone opened, left, or types in a ticket.
    #[serde(rename = "p")]
    Presence(TicketId, AgentId, Doing),
    /// A job was queued.
    #[serde(rename = "j")]
    Work,
    /// Names, tags, teams or channels changed.
    #[serde(rename = "s")]
    Settings,
    /// Something may have been missed: read everything again.
    #[serde(rename = "r")]
    Resync,
}

/// What an agent is doing in a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Doing {
    Viewing,
    Typing,
    Left,
}

#[derive(Serialize, Deserialize)]
struct Batch {
    /// The sending process, which has told its own screens already.
    from: u64,
    signals: Vec<Signal>,
}

/// What each agent does in a ticket, and when they last said so.
type People = HashMap<AgentId, (Doing, Ts)>;

/// The hub; cheap to clone.
#[derive(Clone)]
pub struct Live(Arc<Inner>);

struct Inner {
    process: u64,
    screens: broadcast::Sender<Signal>,
    outbox: mpsc::UnboundedSender<Signal>,
    inbox: Mutex<Option<mpsc::UnboundedReceiver<Signal>>>,
    presence: Mutex<HashMap<TicketId, People>>,
    work: Notify,
    /// Rises with every change of a ticket that this process hears of.
    changes: AtomicU64,
}

impl Default for Live {
    fn default() -> Self {
        let (outbox, inbox) = mpsc::unbounded_channel();
        Self(Arc::new(Inner {
            process: rand::random(),
            screens: broadcast::channel(4096).0,
            outbox,
            inbox: Mutex::new(Some(inbox)),
            presence: Mutex::default(),
            work: Notify::new(),
            changes: AtomicU64::new(0),
        }))
    }
}

impl Live {
    /// Announces something that is committed.
    pub fn announce(&self, signal: Signal) {
        self.hear(&signal);
        // Without a running exchange (a one-off command) the other processes learn of it by their own reading.
        let _ = self.0.outbox.send(signal);
    }

    fn hear(&self, signal: &Signal) {
        match signal {
            Signal::Work => self.0.work.notify_one(),
            Signal::Presence(ticket, agent, doing) => self.note_presence(*ticket, *agent, *doing),
            Signal::Ticket(_) | Signal::Resync => {
                self.0.changes.fetch_add(1, Ordering::Relaxed);
            }
            Signal::Settings => {}
        }
        // No screen may be open.
        let _ = self.0.screens.send(signal.clone());
    }

    /// Everything announced from now on; a receiver that lags must resync.
    pub fn subscribe(&self) -> broadcast::Receiver<Signal> {
        self.0.screens.subscribe()
    }

    /// A number that rises whenever any ticket changes: what was computed under the same number still holds.
    pub fn changes(&self) -> u64 {
        self.0.changes.load(Ordering::Relaxed)
    }

    /// Waits until a job is announced.
    pub async fn work(&self) {
        self.0.work.notified().await;
    }

    fn note_presence(&self, ticket: TicketId, agent: AgentId, doing: Doing) {
        let mut presence = self.0.presence.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Ts::now();
        if doing == Doing::Left {
            if let Some(people) = presence.get_mut(&ticket) {
                people.remove(&agent);
            }
        } else {
            presence.entry(ticket).or_default().insert(agent, (doing, now));
        }
        if presence.len() > 1000 {
            presence.retain(|_, people| people.values().any(|(_, seen)| now.seconds_since(*seen) <= PRESENCE_SECONDS));
        }
        if presence.get(&ticket).is_some_and(HashMap::is_empty) {
            presence.remove(&ticket);
        }
    }

    /// Who has the ticket open now, and whether they type.
    pub fn present(&self, ticket: TicketId) -> Vec<(AgentId, Doing)> {
        let presence = self.0.presence.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Ts::now();
        let mut people: Vec<_> = presence
            .get(&ticket)
            .into_iter()
            .flatten()
            .filter(|(_, (_, seen))| now.seconds_since(*seen) <= PRESENCE_SECONDS)
            .map(|(agent, (doing, _))| (*agent, *doing))
            .collect();
        people.sort_unstable_by_key(|(agent, _)| *agent);
        people
    }

    /// Exchanges signals with the other processes until told to stop. Runs once per process.
    pub async fn exchange(&self, pool: PgPool, options: PgConnectOptions, stop: CancellationToken) {
        let Some(inbox) = self.0.inbox.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        tokio::join!(self.send_batches(pool, inbox, stop.clone()), self.listen(options, stop));
    }

    async fn send_batches(&self, pool: PgPool, mut inbox: mpsc::UnboundedReceiver<Signal>, stop: CancellationToken) {
        loop {
            let first = tokio::select! {
                signal = inbox.recv() => signal,
                () = stop.cancelled() => None,
            };
            let Some(first) = first else { return };
            tokio::time::sleep(BATCH).await;
            let mut signals = vec![first];
            while let Ok(signal) = inbox.try_recv() {
                if !signals.contains(&signal) {
                    signals.push(signal);
                }
                if signals.len() >= 200 {
                    break;
                }
            }
            let Ok(payload) = serde_json::to_string(&Batch { from: self.0.process, signals }) else { continue };
            debug_assert!(payload.len() < MAX_PAYLOAD);
            if let Err(error) = sqlx::query!("select pg_notify($1, $2)", CHANNEL, payload).fetch_one(&pool).await {
                // The listeners' periodic reading heals what is lost here.
                tracing::warn!(%error, "could not announce changes to the other processes");
            }
        }
    }

    async fn listen(&self, options: PgConnectOptions, stop: CancellationToken) {
        let mut pause = Duration::from_millis(200);
        while !stop.is_cancelled() {
            let attempt = async {
                let pool = sqlx::postgres::PgPoolOptions::new()
                    .max_connections(1)
                    .acquire_timeout(Duration::from_secs(5))
                    .connect_with(options.clone())
                    .await?;
                let mut listener = PgListener::connect_with(&pool).await?;
                listener.listen(CHANNEL).await?;
                Ok::<_, sqlx::Error>(listener)
            };
            let mut listener = tokio::select! {
                listener = attempt => match listener {
                    Ok(listener) => listener,
                    Err(error) => {
                        tracing::warn!(%error, "cannot listen for changes; trying again");
                        tokio::select! { () = tokio::time::sleep(pause) => {} () = stop.cancelled() => return }
                        pause = (pause * 2).min(Duration::from_secs(10));
                        continue;
                    }
                },
                () = stop.cancelled() => return,
            };
            pause = Duration::from_millis(200);
            // Whatever was announced while nobody listened.
            self.hear(&Signal::Resync);
            loop {
                let notification = tokio::select! {
                    notification = listener.try_recv() => notification,
                    () = stop.cancelled() => return,
                };
                match notification {
                    Ok(Some(notification)) => self.hear_batch(notification.payload()),
                    Ok(None) => break,
                    Err(error) => {
                        tracing::warn!(%error, "lost the connection that listens for changes");
                        break;
                    }
                }
            }
        }
    }

    fn hear_batch(&self, payload: &str) {
        match serde_json::from_str::<Batch>(payload) {
            Ok(batch) if batch.from == self.0.process => {}
            Ok(batch) => batch.signals.iter().for_each(|signal| self.hear(signal)),
            // A newer version speaks another dialect: reading everything again is always right.
            Err(_) => self.hear(&Signal::Resync),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_batch_fits_a_notification() {
        let signals = (0..200).map(|n| Signal::Presence(TicketId(900_000_000 + n), AgentId(9000), Doing::Viewing)).collect();
        let payload = serde_json::to_string(&Batch { from: u64::MAX, signals }).expect("plain data");
        assert!(payload.len() < MAX_PAYLOAD, "{} bytes", payload.len());
    }

    #[test]
    fn presence_forgets_who_left() {
        let live = Live::default();
        live.announce(Signal::Presence(TicketId(1), AgentId(7), Doing::Typing));
        live.announce(Signal::Presence(TicketId(1), AgentId(8), Doing::Viewing));
        assert_eq!(live.present(TicketId(1)), [(AgentId(7), Doing::Typing), (AgentId(8), Doing::Viewing)]);
        live.announce(Signal::Presence(TicketId(1), AgentId(7), Doing::Left));
        assert_eq!(live.present(TicketId(1)), [(AgentId(8), Doing::Viewing)]);
    }
}
