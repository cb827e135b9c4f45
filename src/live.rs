//! What makes open screens move: a hub in each process, joined to the others by Postgres `LISTEN/NOTIFY`.
//!
//! Only ids travel, never content; whoever hears one reads again. A change is announced to this process's own screens at once, to the
//! other processes in a batch every few milliseconds from one connection outside the business transactions: `NOTIFY` takes a lock
//! at commit that would put every writer of the cluster in one line.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgListener};
use tokio::sync::{Notify, broadcast, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::clock::Ts;
use crate::ids::{AgentId, CallId, TicketId, VisitorId};

const CHANNEL: &str = "sportello";
/// How long announcements to other processes are collected.
const BATCH: Duration = Duration::from_millis(10);
/// Postgres refuses payloads from 8000 bytes.
const MAX_PAYLOAD: usize = 7000;
/// No signal takes more bytes than this.
const LARGEST_SIGNAL: usize = 1900;
/// The most that is told of what a visitor is writing, in characters: the end of it.
const MAX_WRITING: usize = 200;
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
    /// A word of a chat: its ticket changed, and whoever chats wants to see it now. With the agents whom it concerns, see [`Hands`].
    #[serde(rename = "c")]
    Chat(TicketId, Hands),
    /// What a chat's visitor is writing; empty when they stopped. The one signal that carries content: it is worthless in
    /// six seconds, so no table should pay for it.
    #[serde(rename = "w")]
    Writing(TicketId, Hands, String),
    /// A visitor began another conversation, or is somebody else than we thought.
    #[serde(rename = "v")]
    Visitor(VisitorId),
    /// A telephone call rings, was answered, ended or was written down.
    #[serde(rename = "n")]
    Call(CallId),
    /// Who is there, or how much they carry, changed.
    #[serde(rename = "f")]
    Floor,
    /// A call-back's time has come, or it changed.
    #[serde(rename = "k")]
    Calls,
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

/// The agents in whose hands a chat is. Of its words no other screen needs to hear, but for those of leads, who watch the floor, and of
/// whoever looks at it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hands(Vec<AgentId>);

impl Hands {
    /// More than these are told of as if nobody held it, to everybody.
    const MOST: usize = 6;

    /// Who holds a chat, and who was asked in.
    pub fn of(holder: Option<AgentId>, helpers: &[AgentId]) -> Self {
        match holder {
            Some(holder) if helpers.len() < Self::MOST => Self(std::iter::once(holder).chain(helpers.iter().copied()).collect()),
            _ => Self::default(),
        }
    }

    /// Whether this agent's screens must hear of it; a chat that nobody holds concerns all.
    fn concern(&self, agent: AgentId) -> bool {
        self.0.is_empty() || self.0.contains(&agent)
    }
}

impl Signal {
    /// What a visitor is writing, its end if it is long.
    pub fn writing(ticket: TicketId, hands: Hands, text: &str) -> Self {
        let skip = text.chars().count().saturating_sub(MAX_WRITING);
        Self::Writing(ticket, hands, text.chars().skip(skip).map(|c| if c.is_control() { ' ' } else { c }).collect())
    }

    /// At most so many bytes of JSON.
    fn size(&self) -> usize {
        match self {
            Self::Writing(_, _, text) => 200 + 2 * text.len(),
            Self::Chat(..) => 200,
            _ => 64,
        }
    }
}

/// What an agent is doing in a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Doing {
    Viewing,
    Typing,
    Left,
}

/// What a chat's visitor may want to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nudge {
    /// Read the chat again.
    Changed,
    /// An agent is writing to them.
    Typing(AgentId),
}

/// A visitor's ear; see [`Live::watch`].
pub struct Watch {
    live: Live,
    visitor: Watched,
    ticket: Option<Watched>,
    ear: Arc<Ear>,
}

/// What a visitor's stream listens for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Watched {
    Ticket(TicketId),
    Visitor(VisitorId),
}

/// What was said since the visitor's stream last looked. Flags, so that nothing queues and nothing is lost.
#[derive(Default)]
struct Ear {
    changed: AtomicBool,
    /// The agent who was last seen typing; 0: none.
    typing: AtomicI64,
    rung: Notify,
}

impl Ear {
    fn tell(&self, nudge: Nudge) {
        match nudge {
            Nudge::Changed => self.changed.store(true, Ordering::Release),
            Nudge::Typing(agent) => self.typing.store(agent.0, Ordering::Release),
        }
        self.rung.notify_one();
    }

    fn take(&self) -> Option<Nudge> {
        if self.changed.swap(false, Ordering::AcqRel) {
            return Some(Nudge::Changed);
        }
        match self.typing.swap(0, Ordering::AcqRel) {
            0 => None,
            agent => Some(Nudge::Typing(AgentId(agent))),
        }
    }
}

impl Watch {
    /// Listens for this chat, and no more for the one before.
    pub fn follow(&mut self, ticket: Option<TicketId>) {
        let ticket = ticket.map(Watched::Ticket);
        if self.ticket == ticket {
            return;
        }
        if let Some(before) = std::mem::replace(&mut self.ticket, ticket) {
            self.unlisten(before);
        }
        if let Some(ticket) = ticket {
            self.live.0.watchers.lock().unwrap_or_else(PoisonError::into_inner).entry(ticket).or_default().push(self.ear.clone());
        }
    }

    fn unlisten(&self, watched: Watched) {
        let mut watchers = self.live.0.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ears) = watchers.get_mut(&watched) {
            ears.retain(|ear| !Arc::ptr_eq(ear, &self.ear));
            if ears.is_empty() {
                watchers.remove(&watched);
            }
        }
    }

    /// The next nudge.
    pub async fn next(&self) -> Nudge {
        loop {
            if let Some(nudge) = self.ear.take() {
                return nudge;
            }
            self.ear.rung.notified().await;
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.follow(None);
        self.unlisten(self.visitor);
    }
}

/// An open widget; see [`Live::widget`].
pub struct Widget(Live);

impl Drop for Widget {
    fn drop(&mut self) {
        self.0.0.widgets.fetch_sub(1, Ordering::Relaxed);
    }
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
    quick_work: Notify,
    /// Streams of chats' visitors. Each hears of its own ticket only: thousands must not wake for every word of the desk.
    watchers: Mutex<HashMap<Watched, Vec<Arc<Ear>>>>,
    /// Rises when who is there may have changed.
    floor: watch::Sender<u64>,
    /// Rises with every change of a ticket, or of whom to call, that this process hears of.
    changes: AtomicU64,
    /// Widgets that are open.
    widgets: AtomicUsize,
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
            quick_work: Notify::new(),
            watchers: Mutex::default(),
            floor: watch::Sender::new(0),
            changes: AtomicU64::new(0),
            widgets: AtomicUsize::new(0),
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
            Signal::Work => {
                self.0.work.notify_one();
                self.0.quick_work.notify_one();
            }
            Signal::Presence(ticket, agent, doing) => {
                self.note_presence(*ticket, *agent, *doing);
                if *doing == Doing::Typing {
                    self.nudge(Watched::Ticket(*ticket), Nudge::Typing(*agent));
                }
            }
            Signal::Chat(ticket, _) => self.nudge(Watched::Ticket(*ticket), Nudge::Changed),
            Signal::Visitor(visitor) => self.nudge(Watched::Visitor(*visitor), Nudge::Changed),
            Signal::Ticket(ticket) => {
                self.0.changes.fetch_add(1, Ordering::Relaxed);
                self.nudge(Watched::Ticket(*ticket), Nudge::Changed);
            }
            Signal::Resync => {
                self.0.changes.fetch_add(1, Ordering::Relaxed);
                self.nudge_all();
                self.0.floor.send_modify(|number| *number += 1);
            }
            Signal::Floor | Signal::Settings => self.0.floor.send_modify(|number| *number += 1),
            Signal::Calls => {
                self.0.changes.fetch_add(1, Ordering::Relaxed);
            }
            Signal::Writing(..) | Signal::Call(_) => {}
        }
        // No screen may be open.
        let _ = self.0.screens.send(signal.clone());
    }

    /// Everything announced from now on; a receiver that lags must resync.
    pub fn subscribe(&self) -> broadcast::Receiver<Signal> {
        self.0.screens.subscribe()
    }

    /// A number that rises whenever any ticket or call that is owed changes: what was computed under the same number still holds.
    pub fn changes(&self) -> u64 {
        self.0.changes.load(Ordering::Relaxed)
    }

    /// Waits until a job is announced.
    pub async fn work(&self) {
        self.0.work.notified().await;
    }

    /// The same, for whoever works timers.
    pub async fn quick_work(&self) {
        self.0.quick_work.notified().await;
    }

    /// What concerns this visitor from now on; with [`Watch::follow`] also what concerns their chat. Dropping it ends the watch.
    pub fn watch(&self, visitor: VisitorId) -> Watch {
        let ear = Arc::new(Ear::default());
        let visitor = Watched::Visitor(visitor);
        self.0.watchers.lock().unwrap_or_else(PoisonError::into_inner).entry(visitor).or_default().push(ear.clone());
        Watch { live: self.clone(), visitor, ticket: None, ear }
    }

    /// Changes whenever who is there, what they carry or a setting may have changed.
    pub fn floor(&self) -> watch::Receiver<u64> {
        self.0.floor.subscribe()
    }

    /// Counts one more open widget, until what it returns is dropped.
    pub fn widget(&self) -> Widget {
        self.0.widgets.fetch_add(1, Ordering::Relaxed);
        Widget(self.clone())
    }

    /// How many widgets are open on this process.
    pub fn widgets(&self) -> usize {
        self.0.widgets.load(Ordering::Relaxed)
    }

    fn nudge(&self, watched: Watched, nudge: Nudge) {
        let watchers = self.0.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        watchers.get(&watched).into_iter().flatten().for_each(|ear| ear.tell(nudge));
    }

    fn nudge_all(&self) {
        let watchers = self.0.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        watchers.values().flatten().for_each(|ear| ear.tell(Nudge::Changed));
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

    /// Whether an agent's screens must hear of a word of this chat: it is in their hands or in nobody's, or they look at it.
    pub fn concerns(&self, agent: AgentId, ticket: TicketId, hands: &Hands) -> bool {
        hands.concern(agent) || {
            let presence = self.0.presence.lock().unwrap_or_else(PoisonError::into_inner);
            presence.get(&ticket).is_some_and(|people| people.contains_key(&agent))
        }
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
            let mut size = first.size();
            let mut signals = vec![first];
            while size + LARGEST_SIGNAL < MAX_PAYLOAD {
                let Ok(signal) = inbox.try_recv() else { break };
                if !signals.contains(&signal) {
                    size += signal.size();
                    signals.push(signal);
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
        let signals = (0..85).map(|n| Signal::Presence(TicketId(900_000_000 + n), AgentId(9000), Doing::Viewing)).collect();
        let payload = serde_json::to_string(&Batch { from: u64::MAX, signals }).expect("plain data");
        assert!(payload.len() < MAX_PAYLOAD, "{} bytes", payload.len());
    }

    #[test]
    fn no_signal_is_larger_than_it_says() {
        for text in ["\"".repeat(500), "\u{1f600}".repeat(500), "\n".repeat(500), "x".repeat(500)] {
            let hands = Hands(vec![AgentId(9_000_000_000); Hands::MOST]);
            let signal = Signal::writing(TicketId(i64::MAX), hands, &text);
            let json = serde_json::to_string(&signal).expect("plain data").len();
            assert!(json <= signal.size() && signal.size() <= LARGEST_SIGNAL, "{json} bytes, said {}", signal.size());
        }
        let signal = Signal::Presence(TicketId(900_000_000_000), AgentId(9_000_000), Doing::Viewing);
        assert!(serde_json::to_string(&signal).expect("plain data").len() <= signal.size());
    }

    #[tokio::test]
    async fn a_visitor_hears_of_their_own_chat_only() {
        let live = Live::default();
        let mut watch = live.watch(VisitorId(7));
        watch.follow(Some(TicketId(9)));
        watch.follow(Some(TicketId(1)));
        live.announce(Signal::Chat(TicketId(9), Hands::default()));
        live.announce(Signal::Chat(TicketId(2), Hands::default()));
        live.announce(Signal::Chat(TicketId(1), Hands::of(Some(AgentId(3)), &[])));
        assert_eq!(watch.next().await, Nudge::Changed);
        assert_eq!(watch.ear.take(), None);
        live.announce(Signal::Visitor(VisitorId(7)));
        assert_eq!(watch.next().await, Nudge::Changed);
        drop(watch);
        assert!(live.0.watchers.lock().expect("lock").is_empty());
    }

    #[test]
    fn the_words_of_a_chat_concern_who_holds_it_and_who_looks_at_it() {
        let (live, chat) = (Live::default(), TicketId(1));
        let hands = Hands::of(Some(AgentId(7)), &[AgentId(8)]);
        let hears = |agent| live.concerns(AgentId(agent), chat, &hands);
        assert!(hears(7) && hears(8) && !hears(9));
        live.announce(Signal::Presence(chat, AgentId(9), Doing::Viewing));
        assert!(hears(9));
        live.announce(Signal::Presence(chat, AgentId(9), Doing::Left));
        assert!(!hears(9));
        // What nobody holds, and what half the desk does, is everybody's.
        assert!(live.concerns(AgentId(9), chat, &Hands::of(None, &[AgentId(8)])));
        assert!(live.concerns(AgentId(9), chat, &Hands::of(Some(AgentId(7)), &[AgentId(8); Hands::MOST])));
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
