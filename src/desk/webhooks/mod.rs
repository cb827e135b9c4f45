//! Programs of the shop that hear of what happens on the desk: who listens, and to what.

pub mod log;

use std::sync::Arc;

use serde::Serialize;
use sqlx::PgConnection;

use crate::app::App;
use crate::clock::Ts;
use crate::ids::{AgentId, EventId, MessageId, TicketId, WebhookId};
use crate::secrets::{self, Keys};

/// Every kind of [`crate::desk::events::Event`] with its words for an admin, by what they are about. A test compares the two.
pub const KINDS: &[(&str, &[(&str, &str)])] = &[
    (
        "Messages",
        &[
            ("received", "A customer wrote"),
            ("replied", "An agent answered"),
            ("noted", "An internal note was added"),
            ("undone", "An answer was taken back before it left"),
            ("acknowledged", "The automatic receipt was sent"),
            ("send_failed", "A message could not be sent"),
            ("send_retried", "A message is tried again"),
            ("bounced", "A mail came back: it did not arrive"),
            ("delivery_delayed", "A mail has not arrived yet"),
            ("receipt_came", "A customer’s mail program says that a mail was read, or deleted unread"),
            ("spam_reported", "A customer called a mail spam"),
            ("reply_planned", "An answer is to leave later"),
            ("plan_withdrawn", "An answer for later was taken back"),
            ("plan_stopped", "An answer for later was stopped"),
            ("joined", "Somebody else joined the conversation by mail"),
            ("forwarded", "A conversation was forwarded to somebody outside"),
            ("side_opened", "Somebody outside was asked beside the conversation"),
            ("side_answered", "Somebody outside answered beside the conversation"),
            ("link_revoked", "The link to a large file was taken back"),
            ("message_edited", "A message was edited on its network"),
            ("message_removed", "Its author took a message back"),
            ("message_restored", "A message that was taken back is there again"),
            ("message_hidden", "A public message was hidden or shown again"),
            ("message_deleted", "A public message was deleted"),
        ],
    ),
    (
        "Tickets",
        &[
            ("created", "A ticket was opened"),
            ("status_changed", "The status changed"),
            ("reopened", "A customer’s message reopened it"),
            ("closed_by_customer", "The customer closed it"),
            ("assigned", "It was assigned, or taken from somebody"),
            ("team_changed", "The team changed"),
            ("priority_changed", "The priority changed"),
            ("tagged", "A tag was added"),
            ("untagged", "A tag was removed"),
            ("subject_changed", "The subject changed"),
            ("snoozed", "It was snoozed"),
            ("woken", "A snooze is over"),
        ],
    ),
    (
        "Public words",
        &[
            ("approval_asked", "A public answer waits for approval"),
            ("approved", "A public answer was approved and sent"),
            ("approval_returned", "A public answer was returned to its author"),
            ("approval_withdrawn", "Its author took a waiting answer back"),
            ("anger_found", "A bad rating or words of anger came"),
            ("anger_rang", "It rang at those who lead"),
            ("anger_mailed", "Nobody took it, so those who lead were written to"),
            ("anger_taken", "Somebody who leads took it"),
            ("anger_calmed", "An agent says that nobody is angry"),
            ("anger_restored", "An agent says that somebody is angry after all"),
            ("anger_gone", "Its author raised the rating or chose other words"),
            ("rating_changed", "A rating changed"),
        ],
    ),
    (
        "Chats",
        &[
            ("chat_started", "A chat began"),
            ("chat_accepted", "Somebody took a chat"),
            ("chat_missed", "A chat rang and nobody answered"),
            ("chat_late", "A promised moment passed"),
            ("chat_parked", "Nobody took a chat"),
            ("chat_transferred", "A chat was handed to a colleague or team"),
            ("chat_invited", "A colleague was invited"),
            ("chat_stepped_in", "A lead stepped in"),
            ("chat_handed_over", "Whoever held a chat left"),
            ("chat_continues_by_mail", "A chat continues by mail"),
            ("chat_ended", "A chat ended"),
            ("chat_rated", "A chat was rated"),
            ("visitor_blocked", "A visitor was blocked"),
        ],
    ),
    (
        "Calls",
        &[("call_missed", "A customer called and nobody answered"), ("call_logged", "An agent wrote down what was said on the telephone")],
    ),
    (
        "Call-backs",
        &[
            ("callback_requested", "A customer wants to be called"),
            ("callback_moved", "A call will be at another time"),
            ("callback_due", "The time of a call comes"),
            ("callback_late", "The time of a call passed"),
            ("callback_done", "A customer was reached"),
            ("callback_not_reached", "A customer was not reached"),
            ("callback_withdrawn", "A call is no longer wanted"),
        ],
    ),
];

/// The kind of a test, which is no event of the desk.
pub const TEST: &str = "test";

/// Whether an event of this kind exists.
pub fn is_kind(kind: &str) -> bool {
    KINDS.iter().any(|(_, kinds)| kinds.iter().any(|(name, _)| *name == kind))
}

/// Where webhooks go.
#[derive(Debug, Clone)]
pub struct Endpoint {
    pub id: WebhookId,
    pub name: String,
    pub url: String,
    /// See [`Endpoint::open_secret`].
    pub secret: Vec<u8>,
    /// Empty: every event.
    pub kinds: Vec<String>,
    pub enabled: bool,
    pub failing_since: Option<Ts>,
    /// By the desk, after three days of failures.
    pub switched_off_at: Option<Ts>,
    pub last_ok_at: Option<Ts>,
}

impl Endpoint {
    /// What signs its requests; `None` when the desk's key has changed since it was stored.
    pub fn open_secret(&self, keys: &Keys) -> Option<String> {
        String::from_utf8(keys.open(&self.secret)?).ok()
    }
}

/// A new secret for an endpoint: as shown once, and as stored.
pub fn new_secret(keys: &Keys) -> (String, Vec<u8>) {
    let secret = format!("sps_{}", secrets::token());
    let sealed = keys.seal(secret.as_bytes());
    (secret, sealed)
}

/// Every endpoint, by name. A desk has a handful; the bound is a guard.
pub async fn list(db: &mut PgConnection) -> sqlx::Result<Vec<Endpoint>> {
    sqlx::query_as!(
        Endpoint,
        "select id, name, url, secret, kinds, enabled, failing_since, switched_off_at, last_ok_at
         from webhook_endpoints order by lower(name) limit 200"
    )
    .fetch_all(db)
    .await
}

/// One endpoint.
pub async fn find(db: &mut PgConnection, id: WebhookId) -> sqlx::Result<Option<Endpoint>> {
    sqlx::query_as!(
        Endpoint,
        "select id, name, url, secret, kinds, enabled, failing_since, switched_off_at, last_ok_at from webhook_endpoints where id = $1",
        id.0
    )
    .fetch_optional(db)
    .await
}

/// What an admin decides about an endpoint.
#[derive(Debug, Clone, Default)]
pub struct EndpointDraft {
    pub name: String,
    pub url: String,
    /// Empty: every event.
    pub kinds: Vec<String>,
}

/// Makes an endpoint; fails on `webhook_endpoints_name_key`. The caller touches the settings, so that all processes hear of it.
pub async fn create(db: &mut PgConnection, new: &EndpointDraft, sealed: &[u8]) -> sqlx::Result<WebhookId> {
    sqlx::query_scalar!(
        r#"insert into webhook_endpoints (name, url, kinds, secret) values ($1, $2, $3, $4) returning id as "id: WebhookId""#,
        new.name,
        new.url,
        &new.kinds,
        sealed
    )
    .fetch_one(db)
    .await
}

/// Changes an endpoint; fails on `webhook_endpoints_name_key`. Another address begins without the failures of the old one. `false`: there is none.
pub async fn update(db: &mut PgConnection, id: WebhookId, to: &EndpointDraft) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update webhook_endpoints set name = $2, kinds = $4, url = $3,
                failing_since = case when url = $3 then failing_since end, failures = case when url = $3 then failures else 0 end,
                paused_until = case when url = $3 then paused_until end
         where id = $1",
        id.0,
        to.name,
        to.url,
        &to.kinds
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Replaces the secret. `false`: there is no such endpoint.
pub async fn rotate(db: &mut PgConnection, id: WebhookId, sealed: &[u8]) -> sqlx::Result<bool> {
    let done = sqlx::query!("update webhook_endpoints set secret = $2 where id = $1", id.0, sealed).execute(db).await?;
    Ok(done.rows_affected() == 1)
}

/// Switches an endpoint on, with a clean slate, or off. `false`: there is none.
pub async fn set_enabled(db: &mut PgConnection, id: WebhookId, enabled: bool) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update webhook_endpoints set enabled = $2, switched_off_at = null, failing_since = null, failures = 0, paused_until = null where id = $1",
        id.0,
        enabled
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Removes an endpoint and its log. `false`: there is none.
pub async fn delete(db: &mut PgConnection, id: WebhookId) -> sqlx::Result<bool> {
    let done = sqlx::query!("delete from webhook_endpoints where id = $1", id.0).execute(db).await?;
    Ok(done.rows_affected() == 1)
}

/// How many endpoints there are, and how many of them need somebody: failing, or switched off by the desk.
pub async fn health(db: &mut PgConnection) -> sqlx::Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"select count(*) as "all!", count(*) filter (where (enabled and failing_since is not null) or switched_off_at is not null) as "bad!"
           from webhook_endpoints"#
    )
    .fetch_one(db)
    .await?;
    Ok((row.all, row.bad))
}

/// Something that happened, as the webhook tells it.
#[derive(Debug, Clone, Serialize)]
pub struct Happened<'a> {
    pub event_id: EventId,
    #[serde(skip)]
    pub kind: &'a str,
    pub data: Option<&'a serde_json::Value>,
    pub agent_id: Option<AgentId>,
    /// The message that it is about.
    pub message: Option<MessageId>,
    pub at: Ts,
}

/// Who listens: an endpoint and its kinds, for the thousands of events of which nobody wants to hear.
type Listeners = Vec<(WebhookId, Vec<String>)>;

const KEY: &str = "webhooks";

/// The listeners; at most half a minute old, after a change of settings in any process fresh. Whoever changes them records no events in the
/// same transaction, so that what is read here may be kept.
async fn listeners(app: &App, db: &mut PgConnection) -> sqlx::Result<Arc<Listeners>> {
    if let Some(known) = app.cache.get(KEY).await
        && let Ok(known) = known.downcast::<Listeners>()
    {
        return Ok(known);
    }
    let rows = sqlx::query!("select id, kinds from webhook_endpoints where enabled order by id limit 200").fetch_all(db).await?;
    let read: Arc<Listeners> = Arc::new(rows.into_iter().map(|row| (row.id, row.kinds)).collect());
    app.cache.insert(KEY, read.clone()).await;
    Ok(read)
}

/// Queues an event for whoever listens, as part of the transaction that records it. `true`: there is work now.
pub(crate) async fn queue(app: &App, db: &mut PgConnection, ticket: TicketId, happened: &Happened<'_>) -> sqlx::Result<bool> {
    let listeners = listeners(app, db).await?;
    let hears = |kinds: &[String]| kinds.is_empty() || kinds.iter().any(|kind| kind == happened.kind);
    let ids: Vec<i64> = listeners.iter().filter(|(_, kinds)| hears(kinds)).map(|(id, _)| id.0).collect();
    if ids.is_empty() {
        return Ok(false);
    }
    let event = serde_json::to_value(happened).map_err(|error| sqlx::Error::Encode(error.into()))?;
    log::queue(db, &ids, happened.kind, Some(ticket), &event).await
}

/// Queues a test for one endpoint. `false`: there is none, or it is switched off.
pub async fn test(db: &mut PgConnection, id: WebhookId, agent: AgentId) -> sqlx::Result<bool> {
    let event = serde_json::json!({ "data": {}, "agent_id": agent, "at": Ts::now() });
    log::queue(db, &[id.0], TEST, None, &event).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::events::Event;

    #[test]
    fn every_event_can_be_chosen() {
        let refused = serde_json::from_value::<Event>(serde_json::json!({ "kind": "?" })).expect_err("no such event").to_string();
        let mut events: Vec<&str> = refused.split('`').skip(3).step_by(2).collect();
        let mut chosen: Vec<&str> = KINDS.iter().flat_map(|(_, kinds)| kinds.iter().map(|(name, _)| *name)).collect();
        events.sort_unstable();
        chosen.sort_unstable();
        assert_eq!(chosen, events);
    }
}
