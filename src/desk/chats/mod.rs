//! Live chat: a ticket whose messages are quick, and whose customer never waits in the dark.
//!
//! A chat's row says where it stands and when the desk acts next. Every verb locks the ticket, changes the row and writes it back with
//! [`save`], which sets the deadline and the job that fires then: an open chat has somebody who holds it or a moment at which the desk
//! acts, and the database refuses a row that has neither.

pub mod availability;
mod hands;
mod ladder;
mod lists;
mod talk;

pub use hands::{AcceptError, Target, abandon, accept, block, decline, invite, step_in, transfer};
pub use ladder::{OFFER, step, wake_queue};
pub use lists::{
    Bar, Card, Offer, Tally, Waiting, Word, bar, cards, floor_waiting, free, hands_of_visitor, last_of_visitor, offers_for, place,
    ringing_for, state_of_visitor, tallies, words_after, words_before,
};
pub use talk::{
    ANSWER, MAX_CHOICES, NewWords, Way, agent_seen, choose, end, hear, hear_in, leave_word, mail_missed, rate, say, say_later, start,
    visitor_seen,
};

use sqlx::PgConnection;

use crate::clock::Ts;
use crate::desk::changes::Change;
use crate::desk::kinds::ChatState;
use crate::desk::tickets::{self, Ticket};
use crate::ids::{AgentId, ChannelId, MessageId, TicketId, VisitorId};
use crate::jobs::{self, Job};
use crate::live::Hands;

/// What a ticket has that is a chat.
#[derive(Debug, Clone)]
pub struct Chat {
    pub ticket_id: TicketId,
    pub channel_id: ChannelId,
    pub visitor_id: VisitorId,
    pub state: ChatState,
    /// Who holds it.
    pub agent_id: Option<AgentId>,
    /// Colleagues who were asked in.
    pub helpers: Vec<AgentId>,
    /// Whom the ladder asks; see [`ladder`].
    pub rung: i16,
    /// Counts offers.
    pub round: i32,
    /// The first round of the present climb, less one.
    pub ladder_round: i32,
    /// When the present offer, queueing, parking or silence ends.
    pub stage_ends_at: Option<Ts>,
    /// By when we said that somebody would answer; `None`: the next word is theirs.
    pub promised_at: Option<Ts>,
    /// Since when they know that we are late.
    pub late_at: Option<Ts>,
    pub deadline_at: Option<Ts>,
    pub started_at: Ts,
    pub accepted_at: Option<Ts>,
    pub answered_at: Option<Ts>,
    /// The last word of either side.
    pub last_at: Ts,
    pub ended_at: Option<Ts>,
    /// The newest of our messages that reached the visitor's screen.
    pub visitor_delivered: MessageId,
    /// The newest of our messages that the visitor has read.
    pub visitor_read: MessageId,
    /// The newest of the visitor's messages that reached an agent's screen.
    pub agent_delivered: MessageId,
    /// The newest of the visitor's messages that an agent has read.
    pub agent_read: MessageId,
    /// Up to here our words also went by mail.
    pub mailed: MessageId,
    pub rating: Option<i16>,
    pub rating_comment: String,
}

impl Chat {
    /// Whether it still is a chat.
    pub fn is_open(&self) -> bool {
        self.state.is_open()
    }

    /// Whether this agent takes part.
    pub fn involves(&self, agent: AgentId) -> bool {
        self.agent_id == Some(agent) || self.helpers.contains(&agent)
    }

    /// Whom its words concern.
    pub fn hands(&self) -> Hands {
        Hands::of(self.agent_id, &self.helpers)
    }

    /// When the desk acts next.
    fn deadline(&self) -> Option<Ts> {
        if !self.is_open() {
            return None;
        }
        let promise = self.promised_at.filter(|_| self.late_at.is_none());
        [self.stage_ends_at, promise].into_iter().flatten().min()
    }
}

/// The chat of a ticket, if it is one.
pub async fn find(db: &mut PgConnection, ticket: TicketId) -> sqlx::Result<Option<Chat>> {
    sqlx::query_as!(
        Chat,
        r#"select ticket_id, channel_id, visitor_id, state, agent_id, helpers as "helpers: Vec<AgentId>", rung, round, ladder_round, stage_ends_at,
                  promised_at, late_at, deadline_at, started_at, accepted_at, answered_at, last_at, ended_at,
                  visitor_delivered as "visitor_delivered: MessageId", visitor_read as "visitor_read: MessageId",
                  agent_delivered as "agent_delivered: MessageId", agent_read as "agent_read: MessageId", mailed as "mailed: MessageId",
                  rating, rating_comment
           from chats where ticket_id = $1"#,
        ticket.0
    )
    .fetch_optional(db)
    .await
}

/// The chat and its ticket, held until the transaction ends. Whoever changes a chat holds its ticket.
pub async fn lock(db: &mut PgConnection, ticket: TicketId) -> sqlx::Result<Option<(Ticket, Chat)>> {
    let Some(ticket) = tickets::lock(db, ticket).await? else { return Ok(None) };
    let chat = find(db, ticket.id).await?;
    Ok(chat.map(|chat| (ticket, chat)))
}

/// Writes a chat back, and sets or takes away its timer.
async fn save(change: &mut Change, chat: &mut Chat) -> sqlx::Result<()> {
    let deadline = chat.deadline();
    let helpers: Vec<i64> = chat.helpers.iter().map(|id| id.0).collect();
    sqlx::query!(
        "update chats set state = $2, agent_id = $3, helpers = $4, rung = $5, round = $6, ladder_round = $7, stage_ends_at = $8, promised_at = $9,
                late_at = $10, deadline_at = $11, accepted_at = $12, answered_at = $13, last_at = $14, ended_at = $15, mailed = $16
         where ticket_id = $1",
        chat.ticket_id.0,
        chat.state as ChatState,
        chat.agent_id.map(|id| id.0),
        &helpers,
        chat.rung,
        chat.round,
        chat.ladder_round,
        chat.stage_ends_at as Option<Ts>,
        chat.promised_at as Option<Ts>,
        chat.late_at as Option<Ts>,
        deadline as Option<Ts>,
        chat.accepted_at as Option<Ts>,
        chat.answered_at as Option<Ts>,
        chat.last_at as Ts,
        chat.ended_at as Option<Ts>,
        chat.mailed.0
    )
    .execute(&mut **change)
    .await?;
    let timer = Job::ChatStep { ticket: chat.ticket_id };
    match deadline {
        Some(at) if chat.deadline_at != Some(at) => change.push(&timer, at).await?,
        Some(_) => {}
        None => {
            jobs::cancel(change, &timer).await?;
        }
    }
    chat.deadline_at = deadline;
    change.touch_chat(chat.ticket_id, chat.hands());
    change.touch(chat.ticket_id);
    Ok(())
}
