//! What webhooks tell: an event with its ticket and message as the API shows them.

use serde::Serialize;
use serde_json::Value;

use crate::api::error::Refusal;
use crate::api::messages::{self, Message};
use crate::api::tickets::{self, Ticket};
use crate::app::App;
use crate::desk::directory;
use crate::desk::tickets::thread;
use crate::desk::webhooks::{self, log::Due};
use crate::ids::{AgentId, MessageId};

/// The body of a webhook.
#[derive(Debug, Serialize)]
struct Payload {
    /// The delivery id; the header says it too.
    id: String,
    /// The kind.
    event: String,
    /// The number of the entry in the ticket's history; null for a test.
    event_id: Value,
    /// When it happened.
    at: Value,
    /// What belongs to the kind.
    data: Value,
    /// Who did it; null: the customer or the desk itself.
    agent: Option<Agent>,
    ticket: Option<Ticket>,
    /// The message that it is about, unless it is gone again.
    message: Option<Message>,
}

/// Who did something.
#[derive(Debug, Serialize)]
struct Agent {
    id: AgentId,
    name: String,
    email: String,
}

/// Makes the body, from how things stand now: a moment after the event.
///
/// # Errors
/// When the database does not answer.
pub async fn payload(app: &App, due: &Due) -> anyhow::Result<Value> {
    let wrong = |refusal: Refusal| anyhow::anyhow!("{refusal:?}");
    let directory = directory::get(app).await?;
    let mut db = app.db.acquire().await?;
    let data = due.event.get("data").filter(|data| !data.is_null()).cloned().unwrap_or_else(|| serde_json::json!({}));
    let ticket = match due.ticket {
        Some(id) => tickets::show(app, &mut db, &directory, &[id]).await.map_err(wrong)?.pop(),
        None => None,
    };
    let message = match due.event["message"].as_i64() {
        Some(id) => thread::find(&mut db, MessageId(id)).await?,
        None => None,
    };
    let message = messages::show(app, &mut db, message.into_iter().collect()).await.map_err(wrong)?.pop();
    let agent = due.event["agent_id"].as_i64().and_then(|id| directory.agents.iter().find(|agent| agent.id.0 == id));
    let payload = Payload {
        id: due.uid.clone(),
        event: due.kind.clone(),
        event_id: due.event["event_id"].clone(),
        at: due.event["at"].clone(),
        data,
        agent: agent.map(|agent| Agent { id: agent.id, name: agent.name.clone(), email: agent.email.clone() }),
        ticket,
        message,
    };
    Ok(webhooks::log::keep_payload(&mut db, due.id, &serde_json::to_value(&payload)?).await?)
}
