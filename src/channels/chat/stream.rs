//! The stream of an open widget: what was said, where the chat stands, and who is there.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use crate::app::App;
use crate::channels::chat::board::{Board, Truth};
use crate::channels::chat::caller::{Caller, Refused};
use crate::channels::chat::views::{self, ChatView};
use crate::desk::chats;
use crate::desk::directory;
use crate::desk::visitors;
use crate::http::Query;
use crate::http::visitors::limits::Limit;
use crate::ids::{AgentId, MessageId, TicketId, VisitorId};
use crate::live::{Nudge, Watch, Widget};

/// How often whoever chats says that they are still there, and looks whether anything was missed.
const LOOK: Duration = Duration::from_secs(30);
/// Comments that keep the connection alive come after about so long without an event.
const ALIVE: Duration = Duration::from_secs(20);
/// When somebody comes or goes, so many widgets are told in a second rather than all at once: a word of a chat is told in between.
const TOLD_PER_SECOND: f64 = 5000.0;
/// The least time over which they are told, and the most.
const SPREAD: std::ops::Range<f64> = 0.2..5.0;
/// Messages read at a time.
const PAGE: i64 = 100;
/// How many look around at the same time. When somebody comes or goes all do who chat, and neither the memory for reading nor the
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
    let truth = Board::listen(&app, &caller).await.map_err(|error| caller.failed(error))?;
    let mut listener = Listener {
        truth,
        told: None,
        chatting: caller.visitor.as_ref().map(|visitor| (app.live.watch(visitor.id), app.live.floor())),
        _widget: app.live.widget(),
        app,
        // Once in a stream it lives for hours: what is not needed any more is not kept.
        caller: Box::new(caller),
        after: MessageId(query.after.unwrap_or(i64::MAX)),
        told_chat: [0; 8],
        pending: Vec::new(),
        looks_at: Instant::now() + varied(LOOK),
        ended: false,
    };
    listener.tell_truth();
    listener.look_around().await;
    let stream = futures_util::stream::unfold(Box::new(listener), |mut listener| async move {
        let event = listener.next().await?;
        Some((Ok(event), listener))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(varied(ALIVE))))
}

struct Listener {
    app: App,
    caller: Box<Caller>,
    /// Who is there.
    truth: watch::Receiver<Truth>,
    told: Option<Truth>,
    /// What concerns this visitor and their chat, and whether anybody came or went; `None`: they have said nothing yet.
    chatting: Option<(Watch, watch::Receiver<u64>)>,
    /// The newest message that their screen has.
    after: MessageId,
    /// What was told last, as a digest: the same is not told twice.
    told_chat: [u8; 8],
    pending: Vec<Event>,
    /// When it looks without being told.
    looks_at: Instant,
    ended: bool,
    _widget: Widget,
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
        let heard = tokio::select! {
            () = self.app.stopping.cancelled() => Heard::Stop,
            heard = heard(self.chatting.as_mut()) => heard,
            changed = self.truth.changed() => if changed.is_ok() { Heard::Around } else { Heard::Stop },
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
            Heard::Around => {
                // Words that come meanwhile do not wait for it.
                let spread = (self.app.live.widgets() as f64 / TOLD_PER_SECOND).clamp(SPREAD.start, SPREAD.end);
                self.looks_at = self.looks_at.min(Instant::now() + Duration::from_secs_f64(spread * rand::random::<f64>()));
            }
            Heard::Time => {
                self.looks_at = Instant::now() + varied(LOOK);
                self.tell_truth();
                self.look_around().await;
            }
        }
    }

    /// Tells who is there, unless that is what was told last.
    fn tell_truth(&mut self) {
        let truth = self.truth.borrow_and_update().clone();
        if self.told.as_ref() != Some(&truth) {
            self.pending.push(Event::default().event("availability").data(&truth));
            self.told = Some(truth);
        }
    }

    async fn tell_typing(&mut self, agent: AgentId) {
        if let Ok(directory) = directory::get(&self.app).await {
            let name = views::Face::of(&directory, agent).name;
            self.pending.extend(Event::default().event("typing").json_data(serde_json::json!({ "name": name })));
        }
    }

    /// Reads what is new in the chat, when it is its turn.
    async fn look_around(&mut self) {
        if self.chatting.is_none() {
            return;
        }
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
        let Some(visitor) = self.caller.visitor.as_ref().map(|visitor| visitor.id) else { return Ok(()) };
        let app = self.app.clone();
        let mut db = app.db.acquire().await?;
        if around {
            visitors::beat(&mut db, visitor, false).await?;
        }
        let ticket = chats::last_of_visitor(&mut db, visitor).await?;
        if let Some((watch, _)) = &mut self.chatting {
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
            let more = words.len() == PAGE as usize;
            for message in views::messages(&self.app, db, &self.caller, visitor, words).await? {
                let event = Event::default().event("message").id(message.id.to_string());
                self.pending.extend(event.json_data(&message));
            }
            self.after = newest;
            if !more {
                return Ok(());
            }
        }
    }

    /// Tells something, unless it is what was told last. Returns its digest.
    fn tell(&mut self, name: &str, view: &impl Serialize, told: [u8; 8]) -> [u8; 8] {
        let Ok(json) = serde_json::to_string(view) else { return told };
        let digest = Sha256::digest(json.as_bytes());
        let digest: [u8; 8] = std::array::from_fn(|at| digest[at]);
        if digest != told {
            self.pending.push(Event::default().event(name).data(json));
        }
        digest
    }
}

/// Widgets that were opened together do not act together ever after.
fn varied(time: Duration) -> Duration {
    time.mul_f64(rand::random_range(0.7..1.3))
}

/// What ends a stream's waiting.
enum Heard {
    Stop,
    Nudge(Nudge),
    /// Somebody came or went.
    Around,
    Time,
}

/// What concerns a chat.
async fn heard(chatting: Option<&mut (Watch, watch::Receiver<u64>)>) -> Heard {
    let Some((watch, floor)) = chatting else { return std::future::pending().await };
    tokio::select! {
        nudge = watch.next() => Heard::Nudge(nudge),
        Ok(()) = floor.changed() => Heard::Around,
    }
}
