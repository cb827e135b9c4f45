//! Asks X as whom we are let in, registers our webhook, and subscribes to what the desk reads.

use http::Method;
use serde_json::{Value, json};

use crate::channels::wire::reading::{id_of, list};
use crate::channels::wire::{Health, Way, hooks};
use crate::channels::x::api::Api;
use crate::desk::changes::Change;
use crate::desk::channels;
use crate::desk::networks::Fault;

/// Everything that is read here.
pub const EVENTS: &[&str] = &[
    "dm.received",
    "dm.sent",
    "dm.read",
    "post.mention.create",
    "post.reply.create",
    "post.quote.create",
    "post.create",
    "post.delete",
    "oauth.revoke",
    "chat.received",
];

/// Who we are, and what X sends by itself from now on.
pub async fn check(way: &Way<'_>) -> Result<Health, Fault> {
    let api = Api::new(way);
    let me = api.get("/2/users/me", &[]).await?;
    let id = id_of(&me["data"]["id"]).ok_or_else(|| Fault::SignIn("X does not say which account this is.".to_owned()))?;
    let handle = me["data"]["username"].as_str().unwrap_or_default().to_owned();
    let mut notes = Vec::new();
    let (webhook, subscribed) = match listen(&api, &id, &mut notes).await {
        Ok(heard) => heard,
        Err(fault) => {
            notes.push(fault.to_string());
            (String::new(), Vec::new())
        }
    };
    let asked: Vec<&str> = [("dm.received", "direct messages"), ("post.mention.create", "mentions")]
        .iter()
        .filter(|(kind, _)| webhook.is_empty() || !subscribed.iter().any(|known| known == kind))
        .map(|(_, words)| *words)
        .collect();
    if !asked.is_empty() {
        notes.push(format!("Sportello asks X every minute and a half for {}.", asked.join(" and ")));
    }
    remember(way, &webhook, &subscribed, &handle).await.map_err(|error| Fault::Later { words: error.to_string(), after: None })?;
    let account = if handle.is_empty() { me["data"]["name"].as_str().unwrap_or(&id).to_owned() } else { format!("@{handle}") };
    Ok(Health { account, id, notes })
}

/// Keeps what X sends by itself, unless it is known.
async fn remember(way: &Way<'_>, webhook: &str, subscribed: &[String], handle: &str) -> sqlx::Result<()> {
    let mut change = Change::begin(way.app).await?;
    let known =
        [("webhook_id".to_owned(), json!(webhook)), ("subscribed".to_owned(), json!(subscribed)), ("handle".to_owned(), json!(handle))];
    channels::merge_settings(&mut change, way.channel.id, known).await?;
    change.touch_settings();
    change.commit().await
}

/// Whether X still calls our webhook: it stops after a handshake that failed, and says so to nobody. Stopped, it is told to try once more.
pub async fn still_calls(api: &Api<'_>) -> Result<bool, Fault> {
    let known = api.as_app(Method::GET, "/2/webhooks", &Value::Null).await?;
    let ours = list(&known["data"]).iter().find(|hook| id_of(&hook["id"]).as_deref() == Some(&api.settings.webhook_id));
    match ours {
        Some(hook) if hook["valid"].as_bool() == Some(false) => match revive(api, &api.settings.webhook_id).await {
            Err(fault @ Fault::Later { .. }) => Err(fault),
            revived => Ok(revived.is_ok()),
        },
        ours => Ok(ours.is_some()),
    }
}

/// From now on X is asked.
pub async fn forget(api: &Api<'_>) -> sqlx::Result<()> {
    remember(api.way, "", &[], &api.settings.handle).await
}

/// Has X send by itself again what it once did; `false`: it does not.
pub async fn listen_again(api: &Api<'_>) -> Result<bool, Fault> {
    let account = api.way.channel.address.as_deref().unwrap_or_default();
    let (webhook, subscribed) = listen(api, account, &mut Vec::new()).await?;
    let heard = !webhook.is_empty() && !subscribed.is_empty();
    if heard {
        let stored = remember(api.way, &webhook, &subscribed, &api.settings.handle).await;
        stored.map_err(|error| Fault::Later { words: error.to_string(), after: None })?;
    }
    Ok(heard)
}

/// Has X try our webhook once more.
async fn revive(api: &Api<'_>, id: &str) -> Result<(), Fault> {
    let tried = api.as_app(Method::PUT, &format!("/2/webhooks/{id}"), &Value::Null).await?;
    if tried["data"]["valid"].as_bool() == Some(false) {
        return Err(Fault::Permanent("X called the desk, and was not content with the answer: check the API key secret.".to_owned()));
    }
    Ok(())
}

/// Our webhook, and the kinds of events that X sends to it.
async fn listen(api: &Api<'_>, account: &str, notes: &mut Vec<String>) -> Result<(String, Vec<String>), Fault> {
    if !api.has_bearer() {
        notes.push("X sends nothing by itself: for that the app’s bearer token is needed.".to_owned());
        return Ok(Default::default());
    }
    let way = api.way;
    let url = hooks::address(way.app, way.channel.kind, way.channel.id);
    let reachable = url::Url::parse(&url).is_ok_and(|url| url.scheme() == "https" && url.port().is_none());
    if !reachable && !way.app.config.web.allow_private_networks {
        notes.push("X sends only to addresses that begin with https:// and have no port.".to_owned());
        return Ok(Default::default());
    }
    let webhook = register(api, &url).await.map_err(explain)?;
    let (subscribed, refused) = subscribe(api, account, &webhook).await?;
    if !subscribed.is_empty() {
        notes.push(format!("Subscribed: {}", subscribed.join(", ")));
    }
    notes.extend(refused);
    Ok((webhook, subscribed))
}

/// The id of our webhook there: made, or found and tried once more.
async fn register(api: &Api<'_>, url: &str) -> Result<String, Fault> {
    let known = api.as_app(Method::GET, "/2/webhooks", &Value::Null).await?;
    let known = list(&known["data"]).iter().find(|hook| hook["url"].as_str() == Some(url));
    if let Some(id) = known.and_then(|hook| id_of(&hook["id"])) {
        if known.is_some_and(|hook| hook["valid"].as_bool() == Some(false)) {
            revive(api, &id).await?;
        }
        return Ok(id);
    }
    let made = api.as_app(Method::POST, "/2/webhooks", &json!({ "url": url })).await?;
    id_of(&made["data"]["id"]).ok_or_else(|| Fault::Permanent("X registered the webhook, but gave it no id.".to_owned()))
}

/// X's names of what may be wrong with a webhook, in words.
fn explain(fault: Fault) -> Fault {
    let told = fault.to_string();
    let words = [
        (
            "UrlValidationFailed",
            "X does not take the desk’s address: it must begin with https://, have no port, and be reachable from outside.",
        ),
        ("CrcValidationFailed", "X called the desk, and was not content with the answer: check the API key secret."),
        ("DuplicateUrlFailed", "Another app has registered the desk’s address at X already."),
        ("WebhookLimitExceeded", "The app has as many webhooks as its plan allows. Remove one in X’s developer console."),
        ("WebhookIdInvalid", "X does not know the webhook any more. Test it once more."),
    ];
    match words.iter().find(|(name, _)| told.to_lowercase().contains(&name.to_lowercase())) {
        Some((_, words)) => Fault::Permanent(format!("{words} ({told})")),
        None => match fault {
            Fault::SignIn(words) => Fault::Permanent(format!("The webhook could not be registered: check the app’s bearer token. {words}")),
            other => other,
        },
    }
}

/// One subscription for each kind of event. What is there already is left alone.
async fn subscribe(api: &Api<'_>, account: &str, webhook: &str) -> Result<(Vec<String>, Vec<String>), Fault> {
    let present = api.as_app(Method::GET, "/2/activity/subscriptions", &Value::Null).await.unwrap_or_default();
    let is_ours = |known: &Value, event: &str| {
        known["event_type"].as_str() == Some(event)
            && id_of(&known["filter"]["user_id"]).as_deref() == Some(account)
            && id_of(&known["webhook_id"]).as_deref() == Some(webhook)
    };
    let (mut subscribed, mut refused) = (Vec::new(), Vec::new());
    for event in EVENTS {
        if list(&present["data"]).iter().any(|known| is_ours(known, event)) {
            subscribed.push((*event).to_owned());
            continue;
        }
        let tag = format!("sportello-{}", api.way.channel.id);
        let body = json!({ "event_type": event, "filter": { "user_id": account }, "tag": tag, "webhook_id": webhook });
        match api.again(Method::POST, "/2/activity/subscriptions", &body).await {
            Ok(_) => subscribed.push((*event).to_owned()),
            Err(fault) if ["already", "duplicate"].iter().any(|mark| fault.to_string().to_lowercase().contains(mark)) => {
                subscribed.push((*event).to_owned());
            }
            Err(fault @ Fault::Later { .. }) => return Err(fault),
            Err(fault) => refused.push(format!("Not subscribed: {event}. {fault}")),
        }
    }
    Ok((subscribed, refused))
}
