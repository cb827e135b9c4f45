//! Telephone calls: what an exchange tells of them, whom they ring at, what became of them, and what was said.

pub mod log;
mod missed;
pub mod people;
pub mod shown;
pub mod take;

pub use take::step;

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use crate::clock::Ts;
use crate::desk::changes::Change;
use crate::desk::contacts;
use crate::desk::directory;
use crate::desk::kinds::{CallState, ChannelKind, IdentityKind};
use crate::desk::networks::Media;
use crate::ids::{AgentId, CallId, ChannelId, ContactId, MessageId, TeamId, TicketId};
use crate::text::phones::{self, Party};

/// What an exchange tells of a call. It may come twice, late, in any order, and without what should have come before.
#[derive(Debug, Clone, PartialEq)]
pub struct CallNews {
    /// The exchange's id, unique on the channel.
    pub id: String,
    /// A customer calls us; `None`: it does not say.
    pub incoming: Option<bool>,
    /// The customer's end of the line; `None`: it does not say.
    pub customer: Option<Party>,
    /// The shop's end.
    pub line: Option<Party>,
    /// The caller's name, if the exchange knows one.
    pub name: String,
    /// Whom it rings at, by whatever the exchange calls them: names, numbers, mail addresses, teams.
    pub rings_at: Vec<String>,
    /// Who answered, or who calls, likewise; the first that is known counts.
    pub by: Vec<String>,
    pub step: CallStep,
    /// When, by the exchange's clock.
    pub at: Option<Ts>,
}

/// How far a call has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallStep {
    Ringing,
    /// The exchange was told to refuse it.
    Refused,
    /// A person has it.
    Answered,
    Ended {
        /// The exchange's word (`normalClearing`, `busy`).
        cause: String,
        /// How long two people talked.
        seconds: Option<i32>,
    },
    /// Somebody spoke to the answering machine: to be fetched at once.
    Recorded {
        media: Media,
        seconds: Option<i32>,
    },
    /// There is no recording after all; why, in words, where that is a fault.
    NotRecorded {
        words: Option<String>,
    },
}

/// The word for a call that somebody else took over: no one has to call back.
pub const FORWARDED: &str = "forwarded";

/// A call as its row tells it.
#[derive(Debug, Clone)]
pub struct Call {
    pub id: CallId,
    pub channel_id: ChannelId,
    pub incoming: bool,
    /// The customer's, in E.164 where it is one; empty: they do not show it.
    pub number: String,
    pub line: String,
    pub name: String,
    pub contact_id: Option<ContactId>,
    pub ticket_id: Option<TicketId>,
    pub message_id: Option<MessageId>,
    pub agent_id: Option<AgentId>,
    pub rings_at: Vec<i64>,
    pub team_id: Option<TeamId>,
    pub state: CallState,
    pub cause: String,
    pub refused: bool,
    pub recording: bool,
    pub recording_error: Option<String>,
    pub started_at: Ts,
    pub answered_at: Option<Ts>,
    pub ended_at: Option<Ts>,
    pub seconds: Option<i32>,
    pub draft: String,
    pub settled_at: Option<Ts>,
}

impl Call {
    /// It came in, is over, and nobody took it.
    pub fn is_missed(&self) -> bool {
        self.incoming && self.state == CallState::Ended && self.answered_at.is_none() && !self.refused && self.cause != FORWARDED
    }

    /// How long two people talked, in seconds.
    pub fn talked(&self) -> Option<i64> {
        talked(self.seconds, self.answered_at, self.ended_at)
    }

    /// What the exchange calls whoever is at the other end: a name, else what it gives for a number.
    fn told(&self) -> Option<&str> {
        [&*self.name, &*self.number].into_iter().find(|word| !word.is_empty())
    }

    /// What its place in a conversation shows of it.
    pub fn facts(&self) -> CallFacts {
        CallFacts {
            id: Some(self.id),
            incoming: self.incoming,
            number: self.number.clone(),
            answered: self.answered_at.is_some(),
            seconds: self.talked(),
            recorded: self.recording,
        }
    }
}

/// What a conversation shows of a call; kept with its message, so that it is there whatever becomes of the rest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CallFacts {
    pub id: Option<CallId>,
    pub incoming: bool,
    pub number: String,
    pub answered: bool,
    /// How long two people talked, or the recording is.
    pub seconds: Option<i64>,
    /// Somebody spoke to the answering machine.
    pub recorded: bool,
}

impl CallFacts {
    /// What happened, in two or three words.
    pub fn title(&self) -> &'static str {
        match (self.incoming, self.answered, self.recorded) {
            (true, true, _) => "Call from the customer",
            (true, false, true) => "Voicemail",
            (true, false, false) => "Missed call",
            (false, true, _) => "Call to the customer",
            (false, false, _) => "Called, and not reached",
        }
    }

    /// What a list says of it.
    pub fn in_words(&self) -> &'static str {
        match (self.incoming, self.answered, self.recorded) {
            (true, true, _) => "(Call)",
            (true, false, true) => "(Voicemail)",
            (true, false, false) => "(Missed call)",
            (false, true, _) => "(Call to the customer)",
            (false, false, _) => "(Called, and not reached)",
        }
    }

    /// Nobody took it.
    pub fn is_missed(&self) -> bool {
        self.incoming && !self.answered
    }

    /// `3:24`; empty where it is not known.
    pub fn length(&self) -> String {
        self.seconds.map(length).unwrap_or_default()
    }
}

/// How long two people talked, in seconds: as the exchange counted, else by the clock.
fn talked(seconds: Option<i32>, answered_at: Option<Ts>, ended_at: Option<Ts>) -> Option<i64> {
    match (seconds, answered_at, ended_at) {
        (Some(seconds), ..) => Some(i64::from(seconds)),
        (None, Some(from), Some(to)) => Some(to.seconds_since(from).max(0)),
        _ => None,
    }
}

/// Seconds as a telephone shows them: `0:12`, `3:24`, `1:02:03`.
pub fn length(seconds: i64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// One call.
pub async fn find(db: &mut PgConnection, id: CallId) -> sqlx::Result<Option<Call>> {
    sqlx::query_as!(
        Call,
        "select id, channel_id, incoming, number, line, name, contact_id, ticket_id, message_id, agent_id, rings_at, team_id, state, cause,
                refused, recording, recording_error, started_at, answered_at, ended_at, seconds, draft, settled_at
         from calls where id = $1",
        id.0
    )
    .fetch_optional(db)
    .await
}

/// One call, held until the transaction ends.
pub async fn lock(db: &mut PgConnection, id: CallId) -> sqlx::Result<Option<Call>> {
    sqlx::query_as!(
        Call,
        "select id, channel_id, incoming, number, line, name, contact_id, ticket_id, message_id, agent_id, rings_at, team_id, state, cause,
                refused, recording, recording_error, started_at, answered_at, ended_at, seconds, draft, settled_at
         from calls where id = $1 for update",
        id.0
    )
    .fetch_optional(db)
    .await
}

/// Whether an exchange's recording of a call is here already.
pub async fn is_recorded(db: &mut PgConnection, channel: ChannelId, provider_id: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from calls where channel_id = $1 and provider_id = $2 and recording) as "recorded!""#,
        channel.0,
        provider_id
    )
    .fetch_one(db)
    .await
}

/// The calling code of the shop's country: as its telephone channel says, else by its time zone.
pub async fn country(db: &mut PgConnection) -> sqlx::Result<String> {
    let row = sqlx::query!(
        r#"select d.time_zone, (select settings ->> 'country' from channels where kind = 'phone' and settings ->> 'country' <> ''
                                order by enabled desc, id limit 1) as country from desk d"#
    )
    .fetch_one(db)
    .await?;
    Ok(row.country.filter(|code| phones::is_country(code)).unwrap_or_else(|| phones::country_of(&row.time_zone).to_owned()))
}

/// Whose call it was; a number that is new becomes somebody. `None`: they show none, and there is no name to know them by.
///
/// Calls from within the house are nobody's, unless one is named.
async fn contact(change: &mut Change, call: &Call, name: Option<&str>) -> sqlx::Result<Option<ContactId>> {
    if call.contact_id.is_some() {
        return Ok(call.contact_id);
    }
    // It is stored as one already, whatever the country.
    if let Party::Number(number) = phones::parse(&call.number, "")
        && call.number.starts_with('+')
    {
        return contacts::identify(change, IdentityKind::Phone, &number, &call.name, None).await.map(Some);
    }
    let Some(name) = name else { return Ok(None) };
    contacts::identify(change, IdentityKind::External, &format!("call:{}", call.id), name, None).await.map(Some)
}

/// The contact that a number belongs to, if one is known.
async fn contact_of(db: &mut PgConnection, number: &str) -> sqlx::Result<Option<ContactId>> {
    if number.is_empty() {
        return Ok(None);
    }
    contacts::known_by(db, IdentityKind::Phone, number).await
}

/// Whether the shop has a telephone channel that tells of calls.
pub fn rings(directory: &directory::Directory) -> bool {
    directory.channels.iter().any(|channel| channel.kind == ChannelKind::Phone)
}
