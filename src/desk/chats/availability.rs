//! Whether a chat would be answered: opening hours, who is there, what they can still carry, which languages they speak, who waits already.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;

use crate::app::App;
use crate::clock::Ts;
use crate::desk::directory::{self, Directory};
use crate::desk::kinds::{ChannelKind, Wish};
use crate::desk::presence::{self, OnDuty};
use crate::desk::waits::{self, Estimate, Question};
use crate::desk::{call_backs, chats, waits::Basis};
use crate::ids::{AgentId, TeamId};

/// The most faces that a visitor sees.
const FACES: usize = 5;
/// Somebody who is free answers within this many seconds even where no history says so; the ladder's first offer takes as long.
const AT_ONCE: i64 = 60;

/// For whom it is asked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Asked {
    pub team: Option<TeamId>,
    /// The visitor's, two letters.
    pub language: Option<String>,
    /// The longest queue in which another visitor may still wait.
    pub queue_limit: i64,
}

/// Why no chat is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Outside opening hours.
    Closed,
    /// Nobody is at a screen.
    Nobody,
    /// Everybody has their hands full, and the queue is too long.
    Full,
    /// Nobody who is there speaks the visitor's language.
    Language,
}

/// What a visitor is told before they type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Availability {
    /// `None`: a chat would be answered.
    pub reason: Option<Reason>,
    /// When the desk opens next, while it is closed.
    pub opens_at: Option<Ts>,
    /// Who is there, those with free hands first.
    pub people: Vec<AgentId>,
    /// How long a first answer would take.
    pub expected: Option<Expected>,
    /// How many wait already.
    pub waiting: i64,
    /// Whether there is a time at which we would call this visitor.
    pub calls: bool,
}

/// An estimate without the moment it was made at: it stays the same while nothing changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    pub seconds: i64,
    pub basis: Basis,
}

impl From<Estimate> for Expected {
    fn from(estimate: Estimate) -> Self {
        Self { seconds: estimate.seconds, basis: estimate.basis }
    }
}

impl Availability {
    /// Whether a chat would be answered.
    pub fn is_open(&self) -> bool {
        self.reason.is_none()
    }

    /// In how many seconds we say that somebody will have answered.
    pub fn promise(&self) -> i64 {
        self.expected.map_or(AT_ONCE, |expected| expected.seconds).clamp(AT_ONCE, 24 * 3600)
    }
}

/// The truth of now, at most two seconds old; however many widgets ask, each process finds it out once.
pub async fn of(app: &App, asked: &Asked, now: Ts) -> sqlx::Result<Arc<Availability>> {
    let version = *app.live.floor().borrow();
    let known: Cache<(Asked, u64), Arc<Availability>> =
        app.shelf("availability", || Cache::builder().max_capacity(500).time_to_live(Duration::from_secs(2)).build()).await;
    let found = known.try_get_with((asked.clone(), version), async { find_out(app, asked, now).await.map(Arc::new) }).await;
    found.map_err(|error| match Arc::try_unwrap(error) {
        Ok(error) => error,
        Err(error) => sqlx::Error::Io(std::io::Error::other(error)),
    })
}

/// The truth of now, read afresh.
pub async fn find_out(app: &App, asked: &Asked, now: Ts) -> sqlx::Result<Availability> {
    let directory = directory::get(app).await?;
    let mut db = app.db.acquire().await?;
    let there = presence::floor(&mut db, now).await?;
    let waiting = chats::place(&mut db, None, asked.team).await?;
    let mut availability = judge(&directory, &there, asked, waiting, now);
    if let Some(offer) = call_backs::Offer::of(&directory, asked.language.as_deref()) {
        availability.calls =
            !offer.free(&mut db, None, now).await?.is_empty() || offer.now(&mut db, asked.language.as_deref(), now).await?.is_some();
    }
    drop(db);
    if availability.is_open() {
        let on_duty = there.iter().filter(|person| serves(&directory, person, asked)).count();
        let on_duty = i64::try_from(on_duty).unwrap_or(i64::MAX);
        let question = Question { kind: ChannelKind::Chat, team: asked.team, ahead: waiting, on_duty };
        availability.expected = Some(waits::estimate(app, &question, now).await?.into());
    }
    Ok(availability)
}

/// Whether this person takes chats of this kind now, whatever they carry.
fn serves(directory: &Directory, person: &OnDuty, asked: &Asked) -> bool {
    let member = asked.team.is_none_or(|team| directory.members.contains(&(team, person.agent)));
    person.wish == Wish::Online && person.takes_chats && member && person.speaks(asked.language.as_deref())
}

/// Opening hours ∧ somebody there ∧ free hands or a short queue ∧ a common language.
fn judge(directory: &Directory, there: &[OnDuty], asked: &Asked, waiting: i64, now: Ts) -> Availability {
    let hours = directory.hours_of(asked.team);
    let open = hours.is_open(now);
    let any_language = Asked { language: None, ..asked.clone() };
    let mut serving: Vec<&OnDuty> = there.iter().filter(|person| serves(directory, person, asked)).collect();
    serving.sort_by_key(|person| (!person.is_free(), person.chats + person.ringing));
    let reason = if !open {
        Some(Reason::Closed)
    } else if serving.is_empty() {
        let others = there.iter().any(|person| serves(directory, person, &any_language));
        Some(if others { Reason::Language } else { Reason::Nobody })
    } else if !serving.iter().any(|person| person.is_free()) && waiting >= asked.queue_limit {
        Some(Reason::Full)
    } else {
        None
    };
    Availability {
        reason,
        opens_at: if open { None } else { hours.next_opening(now) },
        people: serving.iter().take(FACES).map(|person| person.agent).collect(),
        expected: None,
        waiting,
        calls: false,
    }
}
