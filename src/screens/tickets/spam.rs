//! A ticket that is held as spam: why, and what to do about its sender.

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use serde::Deserialize;
use sqlx::PgConnection;

use crate::app::App;
use crate::desk::agents::Agent;
use crate::desk::changes::{Actor, Change};
use crate::desk::kinds::Status;
use crate::desk::spam::{self, rules};
use crate::desk::tickets::{Ticket, update};
use crate::http::flash::Flash;
use crate::http::page::Shell;
use crate::http::{Error, Form, Path, Result};
use crate::ids::TicketId;
use crate::screens::tickets::{came_from, permitted};

/// What a held ticket says of itself.
pub struct Held {
    /// Why it was held when it came; `None`: somebody put it there.
    pub reason: Option<String>,
    /// Whom a rule would be about.
    pub sender: Option<String>,
    /// Whether such a rule blocks them already.
    pub blocked: bool,
}

impl Held {
    /// Of a ticket in spam.
    pub async fn load(db: &mut PgConnection, shell: &Shell, ticket: &Ticket) -> sqlx::Result<Option<Self>> {
        if ticket.status != Status::Spam {
            return Ok(None);
        }
        let spam::Standing { reason, sender } = spam::standing(db, ticket.id).await?;
        let rule = sender.as_deref().and_then(|sender| shell.directory.spam.rules.find(sender));
        Ok(Some(Self { reason, sender, blocked: rule.is_some_and(|rule| !rule.allowed) }))
    }
}

/// What an agent says of a ticket's sender.
#[derive(Debug, Deserialize)]
pub struct SenderForm {
    rule: String,
}

/// Lets a ticket's sender in from now on, and the ticket with them; or blocks them, and the ticket goes to spam.
pub async fn judge(
    State(app): State<App>,
    Path(id): Path<TicketId>,
    headers: HeaderMap,
    agent: Agent,
    Form(form): Form<SenderForm>,
) -> Result<Response> {
    let allowed = match &*form.rule {
        "allow" => true,
        "block" => false,
        _ => return Err(Error::BadRequest("Choose whether the sender is let in or blocked.".into())),
    };
    let mut change = Change::begin(&app).await?;
    let ticket = permitted(&mut change, &agent, id).await?;
    let sender = spam::standing(&mut change, id).await?.sender;
    let pattern = sender.as_deref().and_then(|sender| rules::pattern(sender).ok());
    let Some(pattern) = pattern else {
        return Err(Error::BadRequest("This ticket names no sender that could be on a list.".into()));
    };
    if !rules::set(&mut change, agent.id, &pattern, allowed).await? {
        return Err(Error::BadRequest(rules::FULL.into()));
    }
    // Somebody may have solved it meanwhile.
    let to = match (allowed, ticket.status) {
        (false, _) => Status::Spam,
        (true, Status::Spam) => Status::Open,
        (true, status) => status,
    };
    if to != ticket.status {
        update::set_status(&mut change, Actor::Agent(agent.id), id, to, None).await?;
    }
    change.touch_settings();
    change.commit().await?;
    let words = if allowed {
        format!("{pattern} is always let in, and so is #{id}.")
    } else {
        format!("#{id} is in spam, and {pattern} is blocked. Settings, Spam has the list.")
    };
    Ok(Flash::new(words).redirect(&came_from(&headers, id)))
}
