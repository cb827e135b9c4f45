//! The stream that makes open pages move. It carries ids; the pages read again what they show.

use std::collections::BTreeSet;
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
use crate::desk::agents::Agent;
use crate::desk::directory;
use crate::http::Result;
use crate::ids::{AgentId, TicketId};
use crate::live::{Doing, Signal};

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

async fn listen(State(app): State<App>, _agent: Agent) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    let receiver = app.live.subscribe();
    let state = Listener { app, receiver, pending: vec![named("hello", &())] };
    let stream = futures_util::stream::unfold(state, |mut listener| async move {
        let event = listener.next().await?;
        Some((Ok(event), listener))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

struct Listener {
    app: App,
    receiver: Receiver<Signal>,
    pending: Vec<Event>,
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
        let mut tickets = BTreeSet::new();
        let mut presence = BTreeSet::new();
        let mut resync = false;
        let mut take = |signal: Result<Signal, RecvError>| match signal {
            Ok(Signal::Ticket(id)) => {
                tickets.insert(id);
                Some(true)
            }
            Ok(Signal::Presence(id, ..)) => {
                presence.insert(id);
                Some(true)
            }
            Ok(Signal::Resync | Signal::Settings) | Err(RecvError::Lagged(_)) => {
                resync = true;
                Some(true)
            }
            Ok(Signal::Work) => Some(false),
            Err(RecvError::Closed) => None,
        };
        let stopping = self.app.stopping.clone();
        loop {
            let first = tokio::select! {
                signal = self.receiver.recv() => signal,
                () = stopping.cancelled() => return None,
            };
            if take(first)? {
                break;
            }
        }
        let deadline = tokio::time::sleep(GATHER);
        tokio::pin!(deadline);
        loop {
            tokio::select! {
                () = &mut deadline => break,
                signal = self.receiver.recv() => { take(signal)?; }
            }
        }
        if resync {
            self.pending.push(named("resync", &()));
            return Some(());
        }
        let changed = !tickets.is_empty();
        for id in tickets {
            self.pending.push(named("ticket", &serde_json::json!({ "id": id })));
        }
        if changed {
            self.pending.push(named("list", &()));
        }
        for id in presence {
            // A name that cannot be read now is read with the next signal.
            let people = present(&self.app, id).await.unwrap_or_default();
            self.pending.push(named("presence", &serde_json::json!({ "ticket": id, "people": people })));
        }
        Some(())
    }
}

fn named(name: &str, data: &impl Serialize) -> Event {
    Event::default().event(name).json_data(data).unwrap_or_default()
}
