//! Customers who are angry: a rating of two stars or fewer, "not recommended", or words of the shop's own lists. What everybody can read
//! becomes urgent, has a short promise, rings at those who lead and is followed until it is put right; what is private is raised and says
//! why. Whoever knows better says "not angry", and all of it is taken back.

pub mod list;
pub mod ringing;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use crate::clock::Ts;
use crate::desk::changes::{Actor, Change};
use crate::desk::directory::{self, Directory};
use crate::desk::events::Event;
use crate::desk::kinds::{AngerState, Direction, Priority, Status};
use crate::desk::networks::{Extras, Review};
use crate::desk::tickets::thread::Message;
use crate::desk::tickets::{self, Ticket, thread, update};
use crate::desk::waits;
use crate::ids::{AgentId, MessageId, TicketId};
use crate::text::anger::{DEFAULTS, Found, Lists};

/// Minutes until it rings at everybody who leads, and until they are written to.
const AGAIN: i64 = 3;
const MAIL: i64 = 5;

/// What counts as anger, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Whether words are looked for at all; ratings always count.
    pub words: bool,
    /// Lists that the shop has edited, by language; the others are those of [`DEFAULTS`].
    pub lists: BTreeMap<String, String>,
    /// Minutes after which it rings at everybody who leads.
    pub again: i64,
    /// Minutes after that until they are written to.
    pub mail: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { words: true, lists: BTreeMap::new(), again: AGAIN, mail: MAIL }
    }
}

impl Settings {
    /// The list of a language, as it is in force.
    pub fn list(&self, language: &str) -> &str {
        let default = || DEFAULTS.iter().find(|(known, _)| *known == language).map_or("", |(_, list)| list);
        self.lists.get(language).map_or_else(default, String::as_str)
    }

    /// Sets a list; the one that a new shop begins with is not kept twice.
    pub fn set(&mut self, language: &str, list: &str) {
        let list = list.replace("\r\n", "\n").trim().to_owned();
        if DEFAULTS.iter().any(|(known, default)| *known == language && default.trim() == list) {
            self.lists.remove(language);
        } else {
            self.lists.insert(language.to_owned(), list);
        }
    }
}

/// The settings, and their lists ready to be asked.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    pub settings: Settings,
    lists: Lists,
}

impl Watch {
    /// Makes the lists ready.
    pub fn new(settings: Settings) -> Self {
        let lists = if settings.words {
            Lists::new(DEFAULTS.iter().map(|(language, _)| (*language, settings.list(language))))
        } else {
            Lists::default()
        };
        Self { settings, lists }
    }

    /// Which words of a text the lists name.
    pub fn find(&self, text: &str) -> Vec<Found> {
        self.lists.find(text)
    }
}

/// Why a customer counts as angry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Reason {
    Stars {
        stars: u8,
    },
    NotRecommended {},
    Word {
        language: String,
        /// As the list has it.
        entry: String,
        /// As the customer wrote it.
        words: String,
    },
}

impl Reason {
    /// `2 stars`, `not recommended`, `word: truffa`.
    pub fn label(&self) -> String {
        match self {
            Self::Stars { stars: 1 } => "1 star".to_owned(),
            Self::Stars { stars } => format!("{stars} stars"),
            Self::NotRecommended {} => "not recommended".to_owned(),
            Self::Word { words, .. } if words.contains(char::is_whitespace) => format!("words: {}", words.to_lowercase()),
            Self::Word { words, .. } => format!("word: {}", words.to_lowercase()),
        }
    }

    /// Where it comes from, for whoever asks why.
    pub fn source(&self) -> String {
        match self {
            Self::Stars { .. } | Self::NotRecommended {} => "The rating that came with it".to_owned(),
            Self::Word { language, entry, .. } if language == "any" => format!("“{entry}” on the list for every language"),
            Self::Word { language, entry, .. } => format!("“{entry}” on the list for {}", language.to_uppercase()),
        }
    }
}

/// A rating in words: `2 stars`, `recommended`; `no rating`.
pub fn rating_words(review: Option<&Review>) -> String {
    match review {
        Some(Review { stars: Some(1), .. }) => "1 star".to_owned(),
        Some(Review { stars: Some(stars), .. }) => format!("{stars} stars"),
        Some(Review { recommends: Some(true), .. }) => "recommended".to_owned(),
        Some(Review { recommends: Some(false), .. }) => "not recommended".to_owned(),
        Some(_) | None => "no rating".to_owned(),
    }
}

/// What stands on an angry customer's ticket.
#[derive(Debug, Clone)]
pub struct Anger {
    pub ticket: TicketId,
    pub message: MessageId,
    pub public: bool,
    pub reasons: Vec<Reason>,
    pub gone: bool,
    pub before: Review,
    pub now: Review,
    pub state: AngerState,
    pub due_at: Ts,
    pub priority_before: Priority,
    pub priority_raised: Priority,
    pub calmed_by: Option<AgentId>,
    pub calmed_at: Option<Ts>,
    pub ring: i16,
    pub rung: Vec<AgentId>,
    pub taken_by: Option<AgentId>,
    pub taken_at: Option<Ts>,
    pub mailed_at: Option<Ts>,
    pub since: Ts,
}

impl Anger {
    /// Nothing has been done about it yet.
    pub fn waits(&self) -> bool {
        self.state == AngerState::Waiting
    }

    /// An agent says that nobody is angry.
    pub fn calm(&self) -> bool {
        self.calmed_at.is_some()
    }
}

/// What stands on a ticket whose customer is, or was, angry.
pub async fn find(db: &mut PgConnection, ticket: TicketId) -> sqlx::Result<Option<Anger>> {
    let row = sqlx::query!(
        r#"select ticket_id, message_id, public, reasons, gone, stars_before, recommends_before, stars, recommends, state, due_at,
                  priority_before, priority_raised, calmed_by, calmed_at, ring, rung as "rung: Vec<AgentId>", taken_by, taken_at, mailed_at, since
           from anger where ticket_id = $1"#,
        ticket.0
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Anger {
        ticket: row.ticket_id,
        message: row.message_id,
        public: row.public,
        reasons: serde_json::from_value(row.reasons).unwrap_or_default(),
        gone: row.gone,
        before: review(row.stars_before, row.recommends_before),
        now: review(row.stars, row.recommends),
        state: row.state,
        due_at: row.due_at,
        priority_before: row.priority_before,
        priority_raised: row.priority_raised,
        calmed_by: row.calmed_by,
        calmed_at: row.calmed_at,
        ring: row.ring,
        rung: row.rung,
        taken_by: row.taken_by,
        taken_at: row.taken_at,
        mailed_at: row.mailed_at,
        since: row.since,
    }))
}

fn review(stars: Option<i16>, recommends: Option<bool>) -> Review {
    Review { stars: stars.and_then(|stars| u8::try_from(stars).ok()), recommends }
}

fn stars(review: Option<&Review>) -> Option<i16> {
    review.and_then(|review| review.stars).map(i16::from)
}

fn reasons(watch: &Watch, message: &Message, rating: Option<&Review>) -> Vec<Reason> {
    if message.direction != Direction::Inbound || message.removed_at.is_some() || message.automatic || message.bounce {
        return Vec::new();
    }
    let rated = rating.filter(|review| message.public && review.is_negative()).map(|review| match review.stars {
        Some(stars) => Reason::Stars { stars },
        None => Reason::NotRecommended {},
    });
    let words = watch.find(&message.new_text()).into_iter();
    rated.into_iter().chain(words.map(|found| Reason::Word { language: found.language, entry: found.entry, words: found.words })).collect()
}

/// Whether a text holds any word of anger: asked of every message, so that most cost no look at the database.
pub async fn hears(change: &mut Change, text: &str) -> sqlx::Result<bool> {
    let app = change.app.clone();
    Ok(!directory::get_on(&app, change).await?.anger.find(text).is_empty())
}

/// Looks at a message that came, or whose words or rating are others now.
pub async fn look(change: &mut Change, message: MessageId) -> sqlx::Result<()> {
    let app = change.app.clone();
    let directory = directory::get_on(&app, change).await?;
    let Some(message) = thread::find(change, message).await? else { return Ok(()) };
    let extras: Extras = message.extras();
    let rating = extras.review.as_ref();
    let reasons = reasons(&directory.anger, &message, rating);
    let known = find(change, message.ticket_id).await?;
    let same = known.as_ref().is_some_and(|known| known.message == message.id);
    if reasons.is_empty() {
        return if same { lift(change, &message, rating).await } else { Ok(()) };
    }
    let Some(ticket) = tickets::lock(change, message.ticket_id).await? else { return Ok(()) };
    match known {
        // Whoever knows better has said so, and nothing was added.
        Some(known) if same && known.calm() && reasons.iter().all(|reason| known.reasons.contains(reason)) => {
            revise(change, &message, &known.reasons, rating).await
        }
        // Angry still: it rings already, or somebody has it. Only what is worse than what was answered begins anew.
        Some(known) if same && !known.gone && !known.calm() && (known.waits() || !is_worse(&reasons, &known.reasons)) => {
            revise(change, &message, &reasons, rating).await
        }
        known => {
            let due = due(&directory, &ticket, Ts::now());
            raise(change, &ticket, &message, known.as_ref(), &reasons, rating, due).await
        }
    }
}

/// By when an angry customer's ticket is promised an answer.
fn due(directory: &Directory, ticket: &Ticket, since: Ts) -> Ts {
    directory.hours_of(ticket.team_id).after_open_seconds(since, directory.targets.minutes(waits::ANGRY) * 60)
}

/// Whether there is a reason now that was not there before: a word, or fewer stars.
fn is_worse(now: &[Reason], before: &[Reason]) -> bool {
    let was = |reason: &Reason| match reason {
        Reason::Stars { stars } => before.iter().any(|had| matches!(had, Reason::Stars { stars: had } if had <= stars)),
        Reason::NotRecommended {} | Reason::Word { .. } => before.contains(reason),
    };
    !now.iter().all(was)
}

async fn revise(change: &mut Change, message: &Message, reasons: &[Reason], rating: Option<&Review>) -> sqlx::Result<()> {
    let reasons = serde_json::to_value(reasons).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query!(
        "update anger set stars = $2, recommends = $3, reasons = $4 where ticket_id = $1",
        message.ticket_id.0,
        stars(rating),
        rating.and_then(|review| review.recommends),
        reasons
    )
    .execute(&mut **change)
    .await?;
    refresh(change, message.ticket_id).await
}

async fn raise(
    change: &mut Change,
    ticket: &Ticket,
    message: &Message,
    known: Option<&Anger>,
    reasons: &[Reason],
    rating: Option<&Review>,
    due: Ts,
) -> sqlx::Result<()> {
    let public = message.public || known.is_some_and(|known| known.public && !known.calm());
    let raised = if message.public { Priority::Urgent } else { Priority::High };
    // What the priority was before any of this; not before the second angry word.
    let still_ours = known.filter(|known| !known.calm() && !known.gone && ticket.priority == known.priority_raised);
    let before = still_ours.map_or(ticket.priority, |known| known.priority_before);
    let raised = raised.max(ticket.priority);
    let stored = serde_json::to_value(reasons).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query!(
        "insert into anger (ticket_id, channel_id, message_id, public, reasons, stars_before, recommends_before, stars, recommends, due_at,
                            priority_before, priority_raised)
         values ($1, $2, $3, $4, $5, $6, $7, $6, $7, $8, $9, $10)
         on conflict (ticket_id) do update set
             due_at = $8, since = now(),
             -- a rating that comes with another message begins anew; the first one of this stays what it was
             stars_before = case when anger.message_id = $3 then anger.stars_before else coalesce($6, anger.stars_before) end,
             recommends_before = case when anger.message_id = $3 then anger.recommends_before else coalesce($7, anger.recommends_before) end,
             stars = case when anger.message_id = $3 then $6 else coalesce($6, anger.stars) end,
             recommends = case when anger.message_id = $3 then $7 else coalesce($7, anger.recommends) end,
             message_id = $3, public = $4, reasons = $5, gone = false, priority_before = $9, priority_raised = $10,
             calmed_by = null, calmed_at = null, mailed_at = null",
        ticket.id.0,
        ticket.channel_id.0,
        message.id.0,
        public,
        stored,
        stars(rating),
        rating.and_then(|review| review.recommends),
        due as Ts,
        before as Priority,
        raised as Priority
    )
    .execute(&mut **change)
    .await?;
    let labels = reasons.iter().map(Reason::label).collect();
    let found = Event::AngerFound { message: message.id, public: message.public, reasons: labels };
    change.record(ticket.id, Actor::System, found).await?;
    update::set_priority(change, Actor::System, ticket.id, raised).await?;
    reopen(change, ticket).await?;
    refresh(change, ticket.id).await?;
    // Whoever holds it hears of a further word as of every other.
    let held = known.is_some_and(|known| known.taken_by.is_some() && known.taken_by == ticket.assignee_id);
    if message.public && !held { ringing::begin(change, ticket, Ts::now()).await } else { Ok(()) }
}

/// Other stars or words owe an answer as a new message does, whatever was answered before.
async fn reopen(change: &mut Change, ticket: &Ticket) -> sqlx::Result<()> {
    if ticket.status == Status::Spam {
        return Ok(());
    }
    sqlx::query!(
        "update tickets set status = 'open', snoozed_until = null, solved_at = null, waiting_since = coalesce(waiting_since, now()), updated_at = now()
         where id = $1 and (status <> 'open' or waiting_since is null)",
        ticket.id.0
    )
    .execute(&mut **change)
    .await?;
    if ticket.status == Status::Open {
        return Ok(());
    }
    change.record(ticket.id, Actor::Customer, Event::Reopened { from: ticket.status }).await
}

/// Nothing of it stands in the message any more: better stars, other words, or taken back.
async fn lift(change: &mut Change, message: &Message, rating: Option<&Review>) -> sqlx::Result<()> {
    let Some(ticket) = tickets::lock(change, message.ticket_id).await? else { return Ok(()) };
    let Some(known) = find(change, ticket.id).await? else { return Ok(()) };
    if !known.gone && !known.calm() && fall_back(change, &ticket, &known).await? {
        return refresh(change, ticket.id).await;
    }
    // What was taken back keeps the rating that stood there.
    let kept = Some(&known.now).filter(|_| message.removed_at.is_some());
    let rating = rating.or(kept);
    sqlx::query!(
        "update anger set gone = true, stars = $2, recommends = $3 where ticket_id = $1",
        ticket.id.0,
        stars(rating),
        rating.and_then(|review| review.recommends)
    )
    .execute(&mut **change)
    .await?;
    if !known.gone && !known.calm() {
        change.record(ticket.id, Actor::Customer, Event::AngerGone { message: message.id }).await?;
        lower(change, Actor::System, &ticket, &known).await?;
    }
    refresh(change, ticket.id).await
}

/// What set it off is gone, but an earlier message is angry still: the ticket stands as if that were the newest. `false`: none is.
async fn fall_back(change: &mut Change, ticket: &Ticket, known: &Anger) -> sqlx::Result<bool> {
    let app = change.app.clone();
    let directory = directory::get_on(&app, change).await?;
    // Of what was said before somebody knew better, nothing comes back.
    let calmed = sqlx::query!(
        r#"select kind, created_at as "at: Ts" from events where ticket_id = $1 and kind in ('anger_calmed', 'anger_restored') order by id desc limit 1"#,
        ticket.id.0
    )
    .fetch_optional(&mut **change)
    .await?;
    let calmed = calmed.filter(|last| last.kind == "anger_calmed").map(|last| last.at);
    let mut angry: Vec<(Message, Extras, Vec<Reason>)> = Vec::new();
    for message in thread::list(change, ticket.id, None, false).await? {
        if message.id == known.message || calmed.is_some_and(|calmed| message.created_at <= calmed) {
            continue;
        }
        let extras = message.extras();
        let reasons = reasons(&directory.anger, &message, extras.review.as_ref());
        if !reasons.is_empty() {
            angry.push((message, extras, reasons));
        }
    }
    let Some((newest, _, reasons)) = angry.last() else { return Ok(false) };
    let public = angry.iter().any(|(message, ..)| message.public);
    let rating = angry.iter().rev().find_map(|(_, extras, _)| extras.review.as_ref());
    let since = newest.edited_at.map_or(newest.created_at, |edited| edited.max(newest.created_at));
    let ours = ticket.priority == known.priority_raised;
    let raised = if public { Priority::Urgent } else { Priority::High }.max(known.priority_before);
    let stored = serde_json::to_value(reasons).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query!(
        "update anger set message_id = $2, public = $3, reasons = $4, stars_before = $5, recommends_before = $6, stars = $5, recommends = $6,
                since = $7, due_at = $8, priority_raised = $9 where ticket_id = $1",
        ticket.id.0,
        newest.id.0,
        public,
        stored,
        stars(rating),
        rating.and_then(|review| review.recommends),
        since as Ts,
        due(&directory, ticket, since) as Ts,
        (if ours { raised } else { known.priority_raised }) as Priority
    )
    .execute(&mut **change)
    .await?;
    if ours {
        update::set_priority(change, Actor::System, ticket.id, raised).await?;
    }
    Ok(true)
}

/// Gives a ticket the priority that it had, unless somebody has chosen another since.
async fn lower(change: &mut Change, by: Actor, ticket: &Ticket, anger: &Anger) -> sqlx::Result<()> {
    if ticket.priority == anger.priority_raised && anger.priority_before != anger.priority_raised {
        update::set_priority(change, by, ticket.id, anger.priority_before).await?;
    }
    Ok(())
}

/// An agent says that nobody is angry. `false`: there is nothing to take back.
pub async fn calm(change: &mut Change, agent: AgentId, ticket: TicketId) -> sqlx::Result<bool> {
    let Some(ticket) = tickets::lock(change, ticket).await? else { return Ok(false) };
    let Some(anger) = find(change, ticket.id).await?.filter(|anger| !anger.calm()) else { return Ok(false) };
    sqlx::query!("update anger set calmed_by = $2, calmed_at = now(), ring = 0 where ticket_id = $1", ticket.id.0, agent.0)
        .execute(&mut **change)
        .await?;
    change.record(ticket.id, Actor::Agent(agent), Event::AngerCalmed {}).await?;
    lower(change, Actor::Agent(agent), &ticket, &anger).await?;
    refresh(change, ticket.id).await?;
    change.touch_floor();
    Ok(true)
}

/// An agent says that somebody is angry after all. It does not ring again: somebody is looking at it.
pub async fn restore(change: &mut Change, agent: AgentId, ticket: TicketId) -> sqlx::Result<bool> {
    let Some(ticket) = tickets::lock(change, ticket).await? else { return Ok(false) };
    let Some(anger) = find(change, ticket.id).await?.filter(Anger::calm) else { return Ok(false) };
    sqlx::query!(
        "update anger set calmed_by = null, calmed_at = null, priority_before = $2 where ticket_id = $1",
        ticket.id.0,
        ticket.priority as Priority
    )
    .execute(&mut **change)
    .await?;
    change.record(ticket.id, Actor::Agent(agent), Event::AngerRestored {}).await?;
    if ticket.priority < anger.priority_raised {
        update::set_priority(change, Actor::Agent(agent), ticket.id, anger.priority_raised).await?;
    }
    refresh(change, ticket.id).await?;
    Ok(true)
}

/// Whether something that happened may change what has been done about somebody's anger.
pub fn concerns(event: &Event) -> bool {
    matches!(
        event,
        Event::Replied { .. }
            | Event::Undone { .. }
            | Event::SendFailed { .. }
            | Event::SendRetried { .. }
            | Event::StatusChanged { .. }
            | Event::Snoozed { .. }
            | Event::Reopened { .. }
            | Event::MessageRemoved { .. }
            | Event::MessageRestored { .. }
            | Event::MessageDeleted { .. }
            | Event::ClosedByCustomer {}
            | Event::Approved { .. }
    )
}

/// Works out anew what has been done. It follows from the conversation, so that it is right after whatever happened to that.
pub async fn refresh(change: &mut Change, ticket: TicketId) -> sqlx::Result<()> {
    let stopped = sqlx::query_scalar!(
        r#"with now as (
               select w.ticket_id, w.ring, case
                   when w.calmed_at is not null then 'calm'::anger_state
                   when m.removed_at is not null then 'removed'
                   when w.gone and w.reasons @? '$[*] ? (@.what == "stars" || @.what == "not_recommended")' then 'changed'
                   when w.gone then 'softened'
                   when t.status in ('solved', 'spam') then 'solved'
                   else coalesce((select case when o.public then 'answered'::anger_state else 'private' end from messages o
                                  where o.ticket_id = w.ticket_id and o.id > w.message_id and o.created_at >= w.since and o.direction = 'outbound'
                                    and not o.automatic and o.delivery is distinct from 'failed' order by o.id desc limit 1), 'waiting')
               end as state
               from anger w join messages m on m.id = w.message_id join tickets t on t.id = w.ticket_id where w.ticket_id = $1
           )
           update anger w set state = now.state, ring = case when now.state = 'waiting' then w.ring else 0 end
           from now where w.ticket_id = now.ticket_id and (w.state <> now.state or (w.ring > 0 and now.state <> 'waiting'))
           returning now.ring > 0 as "stopped!""#,
        ticket.0
    )
    .fetch_optional(&mut **change)
    .await?;
    if stopped == Some(true) {
        change.touch_floor();
    }
    Ok(())
}
