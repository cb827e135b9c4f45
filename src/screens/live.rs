//! The stream that makes open pages move. It carries ids; the pages read again what they show.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::get;
use futures_util::Stream;
use serde::Serialize;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::app::App;
use crate::clock::Ts;
use crate::desk::agents::Agent;
use crate::desk::changes::Change;
use crate::desk::kinds::Role;
use crate::desk::{directory, presence};
use crate::http::Result;
use crate::ids::{AgentId, CallId, TicketId};
use crate::live::{Doing, Hands, Live, Signal};

/// Signals of this long are told together: a burst costs each screen one reading.
const GATHER: Duration = Duration::from_millis(150);

/// The routes of the stream. It has no time limit.
pub fn router() -> Router<App> {
    Router::new().route("/live", get(listen))
}

/// Someone who has a ticket open.
#[derive(Debug, Serialize)]
pub struct PersonPresent {
    pub id: AgentId,
    pub name: String,
    pub typing: bool,
}

/// Who has a ticket open now.
pub async fn present(app: &App, ticket: TicketId) -> sqlx::Result<Vec<PersonPresent>> {
    let people = app.live.present(ticket);
    if people.is_empty() {
        return Ok(Vec::new());
    }
    let directory = directory::get(app).await?;
    let person = |(id, doing)| PersonPresent { id, name: directory.agent(id).to_owned(), typing: doing == Doing::Typing };
    Ok(people.into_iter().map(person).collect())
}

async fn listen(State(app): State<App>, agent: Agent) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    let receiver = app.live.subscribe();
    let there = There { app: app.clone(), agent: agent.id };
    let reader = Reader { agent: agent.id, leads: agent.role >= Role::Lead, live: app.live.clone() };
    let state = Listener { app, reader, receiver, pending: vec![named("hello", &())], _there: there };
    let stream = futures_util::stream::unfold(state, |mut listener| async move {
        let event = listener.next().await?;
        Some((Ok(event), listener))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

struct Listener {
    app: App,
    reader: Reader,
    receiver: Receiver<Signal>,
    pending: Vec<Event>,
    _there: There,
}

/// Whose screens these are.
struct Reader {
    agent: AgentId,
    /// They watch the floor, and hear of every chat.
    leads: bool,
    live: Live,
}

impl Reader {
    fn concerns(&self, ticket: TicketId, hands: &Hands) -> bool {
        self.leads || self.live.concerns(self.agent, ticket, hands)
    }
}

/// Somebody's open screen. When it closes they have a while to open another one; then their chats go to others.
struct There {
    app: App,
    agent: AgentId,
}

impl Drop for There {
    fn drop(&mut self) {
        // When the process stops, the browser connects to the next one within a second.
        if self.app.stopping.is_cancelled() {
            return;
        }
        let (app, agent) = (self.app.clone(), self.agent);
        tokio::spawn(async move {
            let left = async {
                let mut change = Change::begin(&app).await?;
                presence::leave(&mut change, agent, presence::CLOSING, Ts::now()).await?;
                change.commit().await
            };
            if let Err(error) = left.await {
                // Their silence says it a little later.
                tracing::warn!(%agent, %error, "cannot note that a screen closed");
            }
        });
    }
}

impl Listener {
    /// The next event; `None` when the process stops, whereupon the browser connects to another one.
    async fn next(&mut self) -> Option<Event> {
        while self.pending.is_empty() {
            self.gather().await?;
        }
        Some(self.pending.remove(0))
    }

    async fn gather(&mut self) -> Option<()> {
        let mut gathered = Gathered::default();
        let stopping = self.app.stopping.clone();
        while !gathered.any {
            let signal = tokio::select! {
                signal = self.receiver.recv() => signal,
                () = stopping.cancelled() => return None,
            };
            gathered.take(signal, &self.reader)?;
        }
        let deadline = tokio::time::sleep(GATHER);
        tokio::pin!(deadline);
        // Words of a chat do not wait for company.
        while !gathered.urgent {
            tokio::select! {
                () = &mut deadline => break,
                signal = self.receiver.recv() => gathered.take(signal, &self.reader)?,
            }
        }
        if gathered.resync {
            self.pending.push(named("resync", &()));
            return Some(());
        }
        for (ticket, text) in gathered.writing {
            self.pending.push(named("writing", &serde_json::json!({ "ticket": ticket, "text": text })));
        }
        for id in gathered.chats {
            self.pending.push(named("chat", &serde_json::json!({ "id": id })));
        }
        for id in gathered.phone {
            self.pending.push(named("phone", &serde_json::json!({ "id": id })));
        }
        if gathered.floor {
            self.pending.push(named("floor", &()));
        }
        if gathered.calls {
            self.pending.push(named("calls", &()));
        }
        let changed = !gathered.tickets.is_empty();
        for id in gathered.tickets {
            self.pending.push(named("ticket", &serde_json::json!({ "id": id })));
        }
        if changed {
            self.pending.push(named("list", &()));
        }
        for id in gathered.presence {
            // A name that cannot be read now is read with the next signal.
            let people = present(&self.app, id).await.unwrap_or_default();
            self.pending.push(named("presence", &serde_json::json!({ "ticket": id, "people": people })));
        }
        Some(())
    }
}

/// What is told together.
#[derive(Default)]
struct Gathered {
    any: bool,
    urgent: bool,
    resync: bool,
    floor: bool,
    calls: bool,
    tickets: BTreeSet<TicketId>,
    presence: BTreeSet<TicketId>,
    chats: BTreeSet<TicketId>,
    phone: BTreeSet<CallId>,
    writing: BTreeMap<TicketId, String>,
}

impl Gathered {
    /// Adds a signal, if it says anything to its reader; `None` when no more will come.
    fn take(&mut self, signal: Result<Signal, RecvError>, reader: &Reader) -> Option<()> {
        match signal {
            Ok(Signal::Chat(id, hands) | Signal::Writing(id, hands, _)) if !reader.concerns(id, &hands) => return Some(()),
            Ok(Signal::Ticket(id)) => drop(self.tickets.insert(id)),
            Ok(Signal::Presence(id, ..)) => drop(self.presence.insert(id)),
            Ok(Signal::Chat(id, _)) => {
                self.chats.insert(id);
                self.urgent = true;
            }
            Ok(Signal::Writing(id, _, text)) => {
                self.writing.insert(id, text);
                self.urgent = true;
            }
            Ok(Signal::Call(id)) => {
                self.phone.insert(id);
                self.urgent = true;
            }
            Ok(Signal::Floor) => self.floor = true,
            Ok(Signal::Calls) => self.calls = true,
            Ok(Signal::Resync | Signal::Settings) | Err(RecvError::Lagged(_)) => self.resync = true,
            Ok(Signal::Work | Signal::Visitor(_)) => return Some(()),
            Err(RecvError::Closed) => return None,
        }
        self.any = true;
        Some(())
    }
}

fn named(name: &str, data: &impl Serialize) -> Event {
    Event::default().event(name).json_data(data).unwrap_or_default()
}
