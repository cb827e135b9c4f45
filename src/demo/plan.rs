//! What the demo shop's desk looks like today, as plain values to be written into a database.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::content::{Contact, Content};
use super::telling::Planner;
use crate::i18n::Language;

pub use super::content::{CannedPlan, FieldPlan, FormPlan, Texts, TopicPlan};

/// Everything to load. Indices point into the plan's own lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub shop: ShopPlan,
    pub agents: Vec<AgentPlan>,
    pub teams: Vec<String>,
    pub tags: Vec<String>,
    pub canned: Vec<CannedPlan>,
    pub forms: Vec<FormPlan>,
    /// Customers first, then the senders of spam.
    pub contacts: Vec<ContactPlan>,
    /// Oldest first, so that numbers grow with time.
    pub tickets: Vec<TicketPlan>,
}

/// What goes into the desk's one row, and its mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShopPlan {
    pub name: String,
    pub mailbox: String,
    pub time_zone: String,
    pub language: Language,
    /// A CSS colour.
    pub accent: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Agent,
    Lead,
    Admin,
}

impl Role {
    /// The word for it, in lower case.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Lead => "lead",
            Self::Admin => "admin",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Open,
    Pending,
    Snoozed,
    Solved,
    Spam,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    Low,
    Normal,
    High,
    Urgent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    Inbound,
    Outbound,
    Note,
}

/// Where a ticket came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel {
    /// The shop's mailbox.
    Email,
    /// Index into the plan's forms.
    Form(usize),
}

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Author {
    /// The ticket's contact.
    Customer,
    /// Index into the plan's agents.
    Agent(usize),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentPlan {
    pub name: String,
    pub email: String,
    pub role: Role,
    pub languages: Vec<Language>,
    pub teams: Vec<usize>,
    pub signature: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactPlan {
    pub name: String,
    /// In lower case.
    pub email: String,
    pub language: Language,
    pub company: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketPlan {
    pub channel: Channel,
    pub contact: usize,
    pub language: Language,
    pub subject: String,
    pub status: Status,
    pub priority: Priority,
    pub assignee: Option<usize>,
    pub team: Option<usize>,
    pub tags: Vec<usize>,
    /// The oldest customer message still owed an answer; only where the status is open.
    pub waiting_since: Option<Timestamp>,
    pub snoozed_until: Option<Timestamp>,
    pub solved_at: Option<Timestamp>,
    /// What the form asked besides the message: label and answer, in its order.
    pub details: Vec<(String, String)>,
    /// Oldest first, never empty.
    pub messages: Vec<MessagePlan>,
}

impl TicketPlan {
    /// When the first message came in.
    pub fn created_at(&self) -> Timestamp {
        self.messages.first().map_or(Timestamp::MIN, |message| message.at)
    }

    /// When an agent first wrote to the customer.
    pub fn first_answered_at(&self) -> Option<Timestamp> {
        self.messages.iter().find(|message| message.direction == Direction::Outbound).map(|message| message.at)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessagePlan {
    pub direction: Direction,
    pub author: Author,
    pub body: String,
    /// Written by a machine, such as an out-of-office reply.
    pub automatic: bool,
    pub at: Timestamp,
}

/// The desk of the demo shop at `now`. The same arguments give the same plan.
///
/// # Panics
/// Only if the content compiled into the binary is malformed, which a test rules out.
pub fn plan(now: Timestamp, seed: u64) -> Plan {
    let content = Content::load();
    let zone = TimeZone::get(&content.shop.time_zone).unwrap_or(TimeZone::UTC);
    let mut planner = Planner::new(&content, now, zone, seed);
    let mut tickets: Vec<TicketPlan> = planner.outlines().iter().map(|outline| planner.ticket(outline)).collect();
    tickets.sort_by_key(TicketPlan::created_at);
    let shop = &content.shop;
    let contact = |contact: &Contact| ContactPlan {
        name: contact.name.clone(),
        email: contact.email.clone(),
        language: contact.language,
        company: contact.company.clone(),
    };
    Plan {
        shop: ShopPlan {
            name: shop.name.clone(),
            mailbox: shop.mailbox.clone(),
            time_zone: shop.time_zone.clone(),
            language: shop.language,
            accent: shop.accent.clone(),
        },
        agents: shop
            .agents
            .iter()
            .map(|agent| AgentPlan {
                name: agent.name.clone(),
                email: agent.email.clone(),
                role: agent.role,
                languages: agent.languages.clone(),
                teams: agent.teams.clone(),
                signature: agent.signature.clone(),
            })
            .collect(),
        teams: shop.teams.clone(),
        tags: shop.tags.clone(),
        canned: content.canned.clone(),
        forms: content.forms.clone(),
        contacts: content.contacts.iter().chain(&content.spammers).map(contact).collect(),
        tickets,
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
