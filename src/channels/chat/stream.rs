//! The stream of an open widget: what was said, where the chat stands, and who is there.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use crate::app::App;
use crate::channels::chat::caller::{Caller, Refused};
use crate::channels::chat::views::{self, AvailabilityView, ChatView};
use crate::desk::chats;
use crate::desk::directory;
use crate::desk::visitors;
use crate::http::Query;
use crate::http::visitors::limits::Limit;
use crate::ids::{AgentId, MessageId, TicketId, VisitorId};
use crate::live::{Nudge, Watch};

/// How often an open widget looks without being told: opening hours begin and end by themselves.
const LOOK: Duration = Duration::from_secs(30);
/// Comments that keep the connection alive.
const ALIVE: Duration = Duration::from_secs(20);
/// When somebody comes or goes, thousands of widgets are told within this time rather than at once.
const SPREAD_MILLISECONDS: u64 = 500;
/// Messages read at a time.
const PAGE: i64 = 100;
/// How many widgets look around at the same time. When somebody comes or goes all of them do, and neither the memory for reading nor the
/// connections to the database may be theirs alone: words of a chat go past this.
static TURNS: Semaphore = Semaphore::const_new(12);

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct After {
    after: Option<i64>,
}

pub async fn listen(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<After>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Refused> {
    caller.limit(&app, Limit::Marks)?;
    let watch = caller.visitor.as_ref().map(|visitor| app.live.watch(visitor.id));
    let floor = app.live.floor();
    let mut listener = Listener {
        app,
        // Once in a stream it lives for hours: what is not needed any more is not kept.
        caller: Box::new(caller),
        watch,
        floor,
        after: MessageId(query.after.unwrap_or(i64::MAX)),
        told_availability: [0; 8],
        told_chat: [0; 8],
        pending: Vec::new(),
        looks_at: next_look(),
        ended: false,
    };
    listener.look_around().await;
    let stream = futures_util::stream::unfold(Box::new(listener), |mut listener| async move {
        let event = listener.next().await?;
        Some((Ok(event), listener))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(ALIVE)))
}

struct Listener {
    app: App,
    caller: Box<Caller>,
    watch: Option<Watch>,
    floor: watch::Receiver<u64>,
    /// The newest message that their screen has.
    after: MessageId,
    /// What was told last, as a digest: the same is not told twice.
    told_availability: [u8; 8],
    told_chat: [u8; 8],
    pending: Vec<Event>,
    /// When it looks without being told.
    looks_at: Instant,
    ended: bool,
}

impl Listener {
    /// The next event; `None` when the process stops, whereupon the browser connects to another one.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if !self.pending.is_empty() {
                return Some(self.pending.remove(0));
            }
            if self.ended {
                return None;
            }
            self.pending = Vec::new();
            self.wait().await;
        }
    }

    async fn wait(&mut self) {
        let stopping = self.app.stopping.clone();
        let heard = tokio::select! {
            () = stopping.cancelled() => Heard::Stop,
            nudge = nudged(self.watch.as_ref()) => Heard::Nudge(nudge),
            Ok(()) = self.floor.changed() => Heard::Floor,
            () = tokio::time::sleep_until(self.looks_at) => Heard::Time,
        };
        // What reads is boxed: for hours a stream only waits, and should not take the room that reading takes.
        match heard {
            Heard::Stop => {
                self.ended = true;
                self.pending.push(Event::default().event("bye").data("{}"));
            }
            Heard::Nudge(Nudge::Changed) => Box::pin(self.look(false)).await,
            Heard::Nudge(Nudge::Typing(agent)) => Box::pin(self.tell_typing(agent)).await,
            Heard::Floor => {
                tokio::time::sleep(Duration::from_millis(rand::random_range(0..SPREAD_MILLISECONDS))).await;
                self.floor.mark_unchanged();
                self.look_around().await;
            }
            Heard::Time => {
                self.looks_at = next_look();
                self.look_around().await;
            }
        }
    }

    async fn tell_typing(&mut self, agent: AgentId) {
        if let Ok(directory) = directory::get(&self.app).await {
            let name = views::Face::of(&directory, agent).name;
            self.pending.extend(Event::default().event("typing").json_data(serde_json::json!({ "name": name })));
        }
    }

    /// Reads what is new and who is there, when it is its turn.
    async fn look_around(&mut self) {
        let _turn = TURNS.acquire().await.ok();
        Box::pin(self.look(true)).await;
    }

    /// Reads what is new. What cannot be read now is read when it next looks.
    async fn look(&mut self, around: bool) {
        if let Err(error) = self.read(around).await {
            tracing::debug!(%error, "a widget's stream could not read");
        }
    }

    async fn read(&mut self, around: bool) -> sqlx::Result<()> {
        if around {
            let availability = AvailabilityView::written(&self.app, &self.caller).await?;
            if availability.digest != self.told_availability {
                self.told_availability = availability.digest;
                self.pending.push(Event::default().event("availability").data(&availability.json));
            }
        }
        let Some(visitor) = self.caller.visitor.as_ref().map(|visitor| visitor.id) else { return Ok(()) };
        let app = self.app.clone();
        let mut db = app.db.acquire().await?;
        if around {
            visitors::beat(&mut db, visitor, false).await?;
        }
        let ticket = chats::last_of_visitor(&mut db, visitor).await?;
        if let Some(watch) = &mut self.watch {
            watch.follow(ticket);
        }
        let Some(ticket) = ticket else { return Ok(()) };
        self.read_words(&mut db, visitor, ticket).await?;
        if let Some(chat) = chats::find(&mut db, ticket).await? {
            let view = ChatView::load(&app, &mut db, &self.caller, &chat).await?;
            let told = self.told_chat;
            self.told_chat = self.tell("chat", &view, told);
        }
        Ok(())
    }

    async fn read_words(&mut self, db: &mut sqlx::PgConnection, visitor: VisitorId, ticket: TicketId) -> sqlx::Result<()> {
        if self.after == MessageId(i64::MAX) {
            // Whoever knows nothing has just read it all by another way; only what comes from now on is told.
            self.after = chats::words_before(db, visitor, None, 1).await?.last().map_or(MessageId(0), |word| word.id);
            return Ok(());
        }
        loop {
            let words = chats::words_after(db, ticket, self.after, PAGE).await?;
            let Some(newest) = words.last().map(|word| word.id) else { return Ok(()) };
            for message in views::messages(&self.app, db, &self.caller, visitor, words).await? {
                let event = Event::default().event("message").id(message.id.to_string());
                self.pending.extend(event.json_data(&message));
            }
            self.after = newest;
        }
    }

    /// Tells something, unless it is what was told last. Returns its digest.
    fn tell(&mut self, name: &str, view: &impl Serialize, told: [u8; 8]) -> [u8; 8] {
        let Ok(json) = serde_json::to_string(view) else { return told };
        let digest = views::digest(&json);
        if digest != told {
            self.pending.push(Event::default().event(name).data(json));
        }
        digest
    }
}

/// Widgets that were opened together do not look together ever after.
fn next_look() -> Instant {
    Instant::now() + LOOK.mul_f64(rand::random_range(0.7..1.3))
}

/// What ends a stream's waiting.
enum Heard {
    Stop,
    Nudge(Nudge),
    Floor,
    Time,
}

async fn nudged(watch: Option<&Watch>) -> Nudge {
    match watch {
        Some(watch) => watch.next().await,
        None => std::future::pending().await,
    }
}
