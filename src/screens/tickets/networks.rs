//! A ticket that came over a network: what may be said there, until when, and what became of what was said.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use sqlx::PgConnection;

use crate::app::App;
use crate::clock::Ts;
use crate::desk::agents::Agent;
use crate::desk::changes::Actor;
use crate::desk::changes::Change;
use crate::desk::directory::Directory;
use crate::desk::kinds::ChannelKind;
use crate::desk::networks::abilities::{Abilities, TextLimit, Window};
use crate::desk::networks::parts;
use crate::desk::networks::say::{self, Outlet, Standing};
use crate::desk::tickets::{Ticket, outbound};
use crate::http::flash::Flash;
use crate::http::page::Shell;
use crate::http::{Error, Path, Result};
use crate::ids::{ChannelId, MessageId, TicketId};
use crate::screens::tickets::{came_from, permitted};

/// Quick replies that the composer offers room for.
const CHOICES: usize = 4;

/// How a ticket stands on its network.
pub struct OnNetwork {
    pub kind: ChannelKind,
    pub abilities: Arc<Abilities>,
    pub standing: Standing,
    pub window: Window,
}

impl OnNetwork {
    /// `None`: its channel is no network.
    pub async fn load(db: &mut PgConnection, shell: &Shell, ticket: &Ticket) -> sqlx::Result<Option<Self>> {
        let Some(channel) = shell.directory.channel(ticket.channel_id) else { return Ok(None) };
        let Some(abilities) = channel.abilities.clone() else { return Ok(None) };
        let standing = say::standing(db, ticket.id).await?;
        let window = if standing.public { Window::Always } else { abilities.window(standing.spoke_at, Ts::now()) };
        Ok(Some(Self { kind: channel.kind, abilities, standing, window }))
    }

    /// Whether what is written by default can be read by everybody.
    pub fn is_public(&self) -> bool {
        self.standing.public
    }

    /// Why no public answer would be taken, and what helps; empty when one is.
    pub fn uncalled(&self) -> &str {
        if self.standing.public && !self.standing.called { &self.abilities.uncalled } else { "" }
    }

    /// Whether a commenter may be written to privately.
    pub fn offers_private(&self) -> bool {
        self.standing.public && self.abilities.public.private_reply_days.is_some()
    }

    /// The unit in which the network counts, and the most, for what is written by default and for private words.
    pub fn limit(&self) -> (&'static str, usize) {
        limit(if self.standing.public { self.abilities.public_text.unwrap_or(self.abilities.text) } else { self.abilities.text })
    }

    /// The same for words to a commenter alone.
    pub fn private_limit(&self) -> (&'static str, usize) {
        limit(self.abilities.text)
    }

    /// Whether longer texts become several messages.
    pub fn splits(&self) -> bool {
        self.abilities.splits && !self.standing.public
    }

    /// Until when anything, or what a person writes, may be said.
    pub fn until(&self) -> Option<Ts> {
        match self.window {
            Window::Free(at) | Window::Human(at) => Some(at),
            Window::Always | Window::Templates | Window::Closed => None,
        }
    }

    /// Whether an approved template may be sent.
    pub fn has_templates(&self) -> bool {
        !self.is_public() && self.standing.blocked_at.is_none() && self.abilities.window.is_some_and(|rule| rule.templates)
    }

    /// How many quick replies may go along with a private answer, and how long each may be, in characters.
    pub fn choices(&self) -> Option<(usize, usize)> {
        self.abilities.choices.filter(|_| !self.is_public() && !self.is_shut()).map(|(most, longest)| (most.min(CHOICES), longest))
    }

    /// What stands above the composer; empty when nothing is special.
    pub fn words(&self) -> String {
        let network = self.kind.label();
        if !self.is_public() && self.standing.blocked_at.is_some() {
            return format!("This customer has blocked the shop on {network}. Nothing reaches them there.");
        }
        match self.window {
            Window::Human(_) => {
                format!("{network} lets only people answer now, no machine: what you send is marked as written by you. Time left:")
            }
            Window::Free(_) => format!("{network} lets us answer freely:"),
            Window::Templates => format!(
                "The time for free answers on {network} is over. An approved template, or another way, reaches this customer until they write again."
            ),
            Window::Closed => {
                format!("The time for answers on {network} is over until the customer writes again. Another way may reach them.")
            }
            Window::Always => String::new(),
        }
    }

    /// Whether nothing can be sent there now.
    pub fn is_shut(&self) -> bool {
        !self.is_public() && (self.standing.blocked_at.is_some() || matches!(self.window, Window::Templates | Window::Closed))
    }
}

fn limit(limit: TextLimit) -> (&'static str, usize) {
    (limit.unit(), limit.max())
}

/// Where an answer goes that is sent the way the composer says: on the network, privately there (`private`), or by mail (`mail`).
pub fn outlet(directory: &Directory, channel: ChannelId, way: &str) -> Option<Outlet> {
    let abilities = directory.channel(channel)?.abilities.as_deref()?.clone();
    (way != "mail").then(|| Outlet { channel, abilities, private: way == "private", template: None })
}

/// The agent has seen on the network that an uncertain message arrived.
pub async fn arrived(
    State(app): State<App>,
    Path((id, message)): Path<(TicketId, MessageId)>,
    headers: HeaderMap,
    agent: Agent,
) -> Result<Response> {
    decide(&app, &agent, id, message, &headers, true).await
}

/// An uncertain message did not arrive: it is sent again.
pub async fn send_again(
    State(app): State<App>,
    Path((id, message)): Path<(TicketId, MessageId)>,
    headers: HeaderMap,
    agent: Agent,
) -> Result<Response> {
    decide(&app, &agent, id, message, &headers, false).await
}

async fn decide(app: &App, agent: &Agent, id: TicketId, message: MessageId, headers: &HeaderMap, arrived: bool) -> Result<Response> {
    let mut change = Change::begin(app).await?;
    permitted(&mut change, agent, id).await?;
    if !parts::resolve_unsure(&mut change, id, message, arrived).await? {
        return Err(Error::BadRequest("It is known by now what became of this message.".into()));
    }
    if !arrived {
        outbound::retry(&mut change, Actor::Agent(agent.id), id, message).await?;
    }
    change.commit().await?;
    let words = if arrived { "Noted: it has arrived." } else { "It is being sent again." };
    Ok(Flash::new(words).redirect(&came_from(headers, id)))
}
