//! One change of the desk: a transaction that records what it does and tells the open screens once it is committed.

use std::ops::{Deref, DerefMut};

use sqlx::{PgConnection, Postgres, Transaction};

use crate::app::App;
use crate::clock::Ts;
use crate::desk::anger;
use crate::desk::events::Event;
use crate::desk::webhooks::{self, Happened};
use crate::ids::{AgentId, CallId, EventId, MessageId, TicketId, VisitorId};
use crate::jobs::{self, Job};
use crate::live::{Hands, Signal};

/// Who does something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    Agent(AgentId),
    Customer,
    /// The desk itself: a timer, an acknowledgement.
    System,
}

impl Actor {
    /// The agent, if it is one.
    pub fn agent(self) -> Option<AgentId> {
        match self {
            Self::Agent(id) => Some(id),
            Self::Customer | Self::System => None,
        }
    }
}

/// A transaction in which desk verbs run. Dropped without [`Change::commit`], nothing happened.
pub struct Change {
    pub app: App,
    tx: Transaction<'static, Postgres>,
    signals: Vec<Signal>,
    quiet: bool,
}

impl Change {
    /// Begins.
    pub async fn begin(app: &App) -> sqlx::Result<Self> {
        Ok(Self { app: app.clone(), tx: app.db.begin().await?, signals: Vec::new(), quiet: false })
    }

    /// From here on it is about what happened long ago: webhooks hear nothing of it, and no ticket moves up in a list.
    pub fn hush(&mut self) {
        self.quiet = true;
    }

    /// Whether it is about what happened long ago.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Writes what happened to a ticket and remembers to tell the screens.
    pub async fn record(&mut self, ticket: TicketId, by: Actor, event: Event) -> sqlx::Result<()> {
        let value = serde_json::to_value(&event).map_err(|error| sqlx::Error::Encode(error.into()))?;
        let row = sqlx::query!(
            r#"insert into events (ticket_id, agent_id, kind, data) values ($1, $2, $3, coalesce($4, '{}'::jsonb))
               returning id as "id: EventId", created_at as "at: Ts""#,
            ticket.0,
            by.agent().map(|id| id.0),
            value["kind"].as_str().unwrap_or_default(),
            value.get("data")
        )
        .fetch_one(&mut *self.tx)
        .await?;
        self.touch(ticket);
        if anger::concerns(&event) {
            anger::refresh(self, ticket).await?;
        }
        let kind = value["kind"].as_str().unwrap_or_default();
        let data = value.get("data");
        let message = data.and_then(|data| data["message"].as_i64()).map(MessageId);
        self.tell(ticket, &Happened { event_id: row.id, kind, data, agent_id: by.agent(), message, at: row.at }).await
    }

    /// Queues webhooks of an event that was written by other means than [`Change::record`].
    pub(crate) async fn tell(&mut self, ticket: TicketId, happened: &Happened<'_>) -> sqlx::Result<()> {
        if !self.quiet && webhooks::queue(&self.app, &mut self.tx, ticket, happened).await? {
            self.touch_work();
        }
        Ok(())
    }

    /// Remembers to tell the screens about a ticket, without an entry in its history.
    pub fn touch(&mut self, ticket: TicketId) {
        self.signal(Signal::Ticket(ticket));
    }

    /// The same for a chat, whose two sides want to see it now.
    pub fn touch_chat(&mut self, ticket: TicketId, hands: Hands) {
        self.signal(Signal::Chat(ticket, hands));
    }

    /// Remembers to tell a visitor's own screens to look which conversation is theirs.
    pub fn touch_visitor(&mut self, visitor: VisitorId) {
        self.signal(Signal::Visitor(visitor));
    }

    /// Remembers to tell the screens about a telephone call.
    pub fn touch_call(&mut self, call: CallId) {
        self.signal(Signal::Call(call));
    }

    /// Remembers that who is there, or what they carry, changed.
    pub fn touch_floor(&mut self) {
        self.signal(Signal::Floor);
    }

    /// Remembers to tell the screens whom to call.
    pub fn touch_calls(&mut self) {
        self.signal(Signal::Calls);
    }

    /// Remembers that names, tags, teams or channels changed.
    pub fn touch_settings(&mut self) {
        self.signal(Signal::Settings);
    }

    /// Remembers to wake the workers for a job that was queued by other means than [`Change::push`].
    pub fn touch_work(&mut self) {
        self.signal(Signal::Work);
    }

    fn signal(&mut self, signal: Signal) {
        if !self.signals.contains(&signal) {
            self.signals.push(signal);
        }
    }

    /// Queues a job as part of this change.
    pub async fn push(&mut self, job: &Job, run_at: Ts) -> sqlx::Result<()> {
        // The workers look for what is due later by themselves, every second or more often.
        if run_at <= Ts::now() {
            self.signal(Signal::Work);
        }
        jobs::push(&mut self.tx, job, run_at).await
    }

    /// Makes it so, then tells the screens.
    pub async fn commit(self) -> sqlx::Result<()> {
        self.tx.commit().await?;
        for signal in self.signals {
            if signal == Signal::Settings {
                self.app.cache.invalidate_all();
            }
            self.app.live.announce(signal);
        }
        Ok(())
    }
}

impl Deref for Change {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.tx
    }
}

impl DerefMut for Change {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.tx
    }
}
