//! Spam: what the shop's people say of a sender, what the mail server says, and what they have taught a filter by marking and releasing.
//! What is held stands in a list of its own with its reason, is never deleted, and comes back with one click. Whoever was ever answered
//! here is let in, unless the shop blocks them.

pub mod learning;
pub mod rules;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use crate::desk::changes::{Actor, Change};
use crate::desk::directory;
use crate::desk::envelope::Incoming;
use crate::desk::kinds::{ChannelKind, Status};
use crate::desk::tickets::receive::Received;
use crate::desk::tickets::update;
use crate::ids::TicketId;
use crate::text::junk::{self, Count, Judgement};
use crate::text::quotes;

use rules::Rules;

/// Messages of either sort that the filter must have learnt before it says anything.
pub const ENOUGH: i32 = 10;

/// Words that must speak for spam before something is held for them: one alone proves nothing, however rarely it stands elsewhere.
const CLUES: usize = 5;

/// How sure the filter must be before it holds something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Filter {
    Off,
    /// Only what leaves hardly a doubt.
    #[default]
    Careful,
    Strict,
}

impl Filter {
    /// The score from which on something is held.
    fn threshold(self) -> Option<f64> {
        match self {
            Self::Off => None,
            Self::Careful => Some(0.98),
            Self::Strict => Some(0.9),
        }
    }
}

/// What is looked at, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Whether the mail server's word counts.
    pub server: bool,
    pub filter: Filter,
}

impl Default for Settings {
    fn default() -> Self {
        Self { server: true, filter: Filter::Careful }
    }
}

/// The settings and the senders' list, ready to be asked.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    pub settings: Settings,
    pub rules: Rules,
    /// Enough was learnt for the filter to say anything.
    pub learnt: bool,
}

/// Whether anything is held on a kind of channel: people write to the others by name.
fn guards(kind: ChannelKind) -> bool {
    matches!(kind, ChannelKind::Email | ChannelKind::Form)
}

/// Looks at a message that has begun a ticket, and holds it if it must. `true`: it is held.
pub async fn look(change: &mut Change, kind: ChannelKind, received: &Received, incoming: &Incoming) -> sqlx::Result<bool> {
    if !guards(kind) {
        return Ok(false);
    }
    let ticket = received.ticket;
    let app = change.app.clone();
    let guard = directory::get_on(&app, change).await?.spam.clone();
    let Some(reason) = reason(change, &guard, ticket, incoming).await? else { return Ok(false) };
    sqlx::query!("update tickets set held = $2 where id = $1", ticket.0, reason).execute(&mut **change).await?;
    update::set_status(change, Actor::System, ticket, Status::Spam, None).await?;
    Ok(true)
}

/// Why a message is held, in an agent's words.
async fn reason(db: &mut PgConnection, guard: &Guard, ticket: TicketId, incoming: &Incoming) -> sqlx::Result<Option<String>> {
    // Whom it only claims to come from opens no door.
    let doubtful = incoming.envelope.is_forged();
    if let Some(rule) = guard.rules.find(&incoming.from.address).filter(|rule| !(rule.allowed && doubtful)) {
        rules::note_hit(db, rule.id).await?;
        return Ok((!rule.allowed).then(|| format!("{} is on the list of senders that are blocked.", rule.pattern)));
    }
    let said = incoming.junk.as_ref().filter(|_| guard.settings.server);
    let reason = match said {
        Some(said) => Some(format!("The mail server took it for spam: {said}.")),
        None if guard.learnt => filtered(db, guard.settings.filter, incoming).await?,
        None => None,
    };
    match reason {
        Some(reason) if doubtful || !was_answered(db, ticket).await? => Ok(Some(reason)),
        _ => Ok(None),
    }
}

/// What the filter says, where it is sure enough.
async fn filtered(db: &mut PgConnection, filter: Filter, incoming: &Incoming) -> sqlx::Result<Option<String>> {
    let Some(threshold) = filter.threshold() else { return Ok(None) };
    let text = quotes::new_text(&incoming.body, &incoming.quote);
    let words = junk::words(&incoming.subject, &text, incoming.html.as_deref(), &incoming.from.address);
    let Some(judgement) = judge(db, &words).await? else { return Ok(None) };
    let sure = judgement.score >= threshold && judgement.because.len() >= CLUES;
    Ok(sure.then(|| {
        let because: Vec<String> = judgement.because.iter().map(|word| junk::spelled(word)).collect();
        format!("It reads like what was marked as spam here: {}.", because.join(", "))
    }))
}

/// Whether so many messages are enough to judge by.
pub(crate) fn is_enough(learnt: Count) -> bool {
    learnt.spam >= ENOUGH && learnt.ham >= ENOUGH
}

/// Judges words by what was learnt; `None`: too little was.
pub async fn judge(db: &mut PgConnection, words: &[String]) -> sqlx::Result<Option<Judgement>> {
    let learnt = learning::learnt(db).await?;
    if !is_enough(learnt) {
        return Ok(None);
    }
    let rows = sqlx::query!("select word, spam, ham from spam_words where word = any($1)", words).fetch_all(db).await?;
    let counts: BTreeMap<String, Count> = rows.into_iter().map(|row| (row.word, Count { spam: row.spam, ham: row.ham })).collect();
    Ok(Some(junk::judge(&counts, learnt)))
}

/// Whether somebody of the shop has ever written to a ticket's customer.
async fn was_answered(db: &mut PgConnection, ticket: TicketId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from tickets t join tickets other on other.contact_id = t.contact_id join messages m on m.ticket_id = other.id
                          where t.id = $1 and m.direction = 'outbound' and m.agent_id is not null) as "answered!""#,
        ticket.0
    )
    .fetch_one(db)
    .await
}

/// What is known of a ticket in spam.
#[derive(Debug, Clone)]
pub struct Standing {
    /// Why it was held when it came; `None`: it was not.
    pub reason: Option<String>,
    /// Who wrote its first message, by address.
    pub sender: Option<String>,
}

/// Why a ticket was held, and whose it is.
pub async fn standing(db: &mut PgConnection, ticket: TicketId) -> sqlx::Result<Standing> {
    sqlx::query_as!(
        Standing,
        r#"select held as reason,
                  (select nullif(envelope -> 'from' ->> 'address', 'unknown@invalid') from messages
                   where ticket_id = t.id and direction = 'inbound' order by id limit 1) as sender
           from tickets t where id = $1"#,
        ticket.0
    )
    .fetch_one(db)
    .await
}

/// Changes what is looked at.
pub async fn save(db: &mut PgConnection, settings: &Settings) -> sqlx::Result<()> {
    let stored = serde_json::to_value(settings).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query!("update desk set spam = $1", stored).execute(db).await?;
    Ok(())
}
