//! What happened to a ticket of the plan, in order: the entries that the desk itself would have written on the way.

use jiff::{SignedDuration, Timestamp};

use super::plan::{Author, Direction, Status, TicketPlan};
use crate::clock::Ts;
use crate::desk::events::Event;
use crate::desk::kinds;
use crate::ids::{AgentId, TagId};

/// Something to write down. `Option<usize>` is the agent of the plan who did it.
pub(super) enum Entry {
    /// A message of the ticket, by its place.
    Message(usize),
    /// The automatic answer to the first message.
    Acknowledgement,
    Event(Option<usize>, Event),
}

/// The entries of a ticket with their times, oldest first. `lead` sorts what nobody has taken; `agents` and `tags` are the plan's as stored.
pub(super) fn entries(ticket: &TicketPlan, agents: &[AgentId], tags: &[TagId], lead: usize, now: Timestamp) -> Vec<(Timestamp, Entry)> {
    let first = ticket.created_at();
    let mut entries = vec![(first, Entry::Message(0))];
    if acknowledged(ticket) {
        entries.push((after(first, 2, now), Entry::Acknowledgement));
    }
    let by = Some(ticket.assignee.unwrap_or(lead));
    let agent = |index: usize| agents.get(index).copied();
    // Sorted before anybody answers.
    let next = ticket.messages.get(1).map_or(now, |message| message.at);
    let sorted = after(first, 240, next);
    let mut owner = None;
    if ticket.status != Status::Spam {
        if ticket.priority != super::plan::Priority::Normal {
            entries.push((sorted, Entry::Event(by, Event::PriorityChanged { to: priority(ticket.priority) })));
        }
        for tag in ticket.tags.iter().filter_map(|index| tags.get(*index)) {
            entries.push((sorted, Entry::Event(by, Event::Tagged { tag: *tag })));
        }
        let answers = ticket.messages.iter().find(|message| message.direction != Direction::Inbound);
        if ticket.assignee.is_some() && answers.is_none_or(|message| message.direction == Direction::Note) {
            owner = ticket.assignee;
            entries.push((sorted, Entry::Event(by, Event::Assigned { to: owner.and_then(agent) })));
        }
    }
    let mut status = kinds::Status::Open;
    for (index, message) in ticket.messages.iter().enumerate().skip(1) {
        entries.push((message.at, Entry::Message(index)));
        match (message.direction, message.author) {
            (Direction::Inbound, _) if !message.automatic && status != kinds::Status::Open => {
                entries.push((message.at, Entry::Event(None, Event::Reopened { from: status })));
                status = kinds::Status::Open;
            }
            (Direction::Outbound, Author::Agent(author)) => {
                if owner.is_none() {
                    owner = Some(author);
                    entries.push((message.at, Entry::Event(owner, Event::Assigned { to: agent(author) })));
                }
                if status == kinds::Status::Open {
                    let change = Event::StatusChanged { from: status, to: kinds::Status::Pending };
                    entries.push((message.at, Entry::Event(Some(author), change)));
                    status = kinds::Status::Pending;
                }
            }
            _ => {}
        }
    }
    entries.extend(end(ticket, by, status, now));
    entries.sort_by_key(|(at, _)| *at);
    entries
}

/// Whether the customer was told at once that the message has come in.
pub(super) fn acknowledged(ticket: &TicketPlan) -> bool {
    ticket.status != Status::Spam
}

/// How the ticket came to stand where it stands.
fn end(ticket: &TicketPlan, by: Option<usize>, from: kinds::Status, now: Timestamp) -> Option<(Timestamp, Entry)> {
    let last = ticket.messages.last().map_or(now, |message| message.at);
    let (at, event) = match (ticket.status, ticket.snoozed_until) {
        (Status::Snoozed, Some(until)) => (after(last, 60, now), Event::Snoozed { until: Ts(until) }),
        (Status::Solved, _) => (ticket.solved_at.unwrap_or(last), Event::StatusChanged { from, to: kinds::Status::Solved }),
        (Status::Spam, _) => (after(last, 900, now), Event::StatusChanged { from, to: kinds::Status::Spam }),
        (Status::Pending, _) if from != kinds::Status::Pending => {
            (after(last, 60, now), Event::StatusChanged { from, to: kinds::Status::Pending })
        }
        _ => return None,
    };
    Some((at, Entry::Event(by, event)))
}

pub(super) fn status(status: Status) -> kinds::Status {
    match status {
        Status::Open => kinds::Status::Open,
        Status::Pending => kinds::Status::Pending,
        Status::Snoozed => kinds::Status::Snoozed,
        Status::Solved => kinds::Status::Solved,
        Status::Spam => kinds::Status::Spam,
    }
}

pub(super) fn priority(priority: super::plan::Priority) -> kinds::Priority {
    match priority {
        super::plan::Priority::Low => kinds::Priority::Low,
        super::plan::Priority::Normal => kinds::Priority::Normal,
        super::plan::Priority::High => kinds::Priority::High,
        super::plan::Priority::Urgent => kinds::Priority::Urgent,
    }
}

/// So many seconds after `at`, yet not after `limit`.
pub(super) fn after(at: Timestamp, seconds: i64, limit: Timestamp) -> Timestamp {
    at.saturating_add(SignedDuration::from_secs(seconds)).map_or(limit, |later| later.min(limit))
}
