//! Conversations beside the customer's, as panels below theirs.

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use sqlx::PgConnection;

use crate::app::App;
use crate::desk::agents::Agent;
use crate::desk::changes::Change;
use crate::desk::files;
use crate::desk::links;
use crate::desk::tickets::recipients::{self, Recipients};
use crate::desk::tickets::sides::{self, Side};
use crate::desk::tickets::thread::{self, Message};
use crate::http::flash::Flash;
use crate::http::page::Shell;
use crate::http::{Path, Result};
use crate::ids::{AttachmentId, MessageId, SideId, TicketId};
use crate::screens::tickets::letters::{Item, Letter};
use crate::screens::tickets::{address_line, came_from, permitted};

/// A panel.
pub(super) struct SideView {
    pub side: Side,
    pub items: Vec<Item>,
    /// Whom an answer goes to.
    pub to: String,
    pub cc: String,
    /// Those people, in short.
    pub with: String,
}

impl SideView {
    /// The panels of a ticket.
    pub async fn load(db: &mut PgConnection, shell: &Shell, ticket: TicketId, own: &[String]) -> sqlx::Result<Vec<Self>> {
        let sides = sides::of_ticket(db, ticket).await?;
        if sides.is_empty() {
            return Ok(Vec::new());
        }
        let messages = thread::aside(db, ticket, None).await?;
        let ids: Vec<MessageId> = messages.iter().map(|message| message.id).collect();
        let attachments = files::of_messages(db, &ids).await?;
        let links = if attachments.is_empty() { Vec::new() } else { links::of_ticket(db, ticket).await? };
        let panel = |side: Side| {
            let said: Vec<Message> = messages.iter().filter(|message| message.side_id == Some(side.id)).cloned().collect();
            let to = answer_to(&said, own);
            let last = said.len().saturating_sub(1);
            let letter = |(at, message): (usize, &Message)| {
                let mut letter = Letter::new(shell, message, &attachments, &said);
                letter.open = at == last || letter.failed();
                letter.forwardable = false;
                letter.take_links(&links);
                Item::Letter(Box::new(letter))
            };
            let items = said.iter().enumerate().map(letter).collect();
            let names = to.to.iter().map(|to| if to.name.is_empty() { to.address.as_str() } else { to.name.as_str() });
            let with = names.collect::<Vec<_>>().join(", ");
            Self { side, items, to: address_line(&to.to), cc: address_line(&to.cc), with }
        };
        Ok(sides.into_iter().map(panel).collect())
    }
}

/// Whom the next letter of a conversation goes to: whoever wrote last and all whom they told, else those we wrote to.
pub(super) fn answer_to(said: &[Message], own: &[String]) -> Recipients {
    let theirs = said.iter().rev().find(|message| message.agent_id.is_none() && !message.bounce && !message.automatic);
    if let Some(to) = theirs.and_then(|message| recipients::answer_to(message.envelope(), own)) {
        return to;
    }
    let ours = said.iter().rev().find(|message| message.agent_id.is_some()).map(Message::envelope).unwrap_or_default();
    Recipients { to: ours.to, cc: ours.cc, bcc: Vec::new() }
}

/// Somebody has looked at what came.
pub(super) async fn seen(
    State(app): State<App>,
    Path((id, side)): Path<(TicketId, SideId)>,
    headers: HeaderMap,
    agent: Agent,
) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    permitted(&mut change, &agent, id).await?;
    sides::seen(&mut change, id, side).await?;
    change.commit().await?;
    Ok(Flash::new("Marked as read.").redirect(&came_from(&headers, id)))
}

/// Takes the link to a large file back.
pub(super) async fn revoke_link(
    State(app): State<App>,
    Path((id, file)): Path<(TicketId, AttachmentId)>,
    headers: HeaderMap,
    agent: Agent,
) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    permitted(&mut change, &agent, id).await?;
    let done = links::revoke(&mut change, agent.id, id, file).await?;
    change.commit().await?;
    let words = if done { "The link opens nothing any more." } else { "This link was taken back already." };
    Ok(Flash::new(words).redirect(&came_from(&headers, id)))
}
