//! What agents answer is posted to the shop's program: signed, under an id that stays the same.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde_json::{Value, json};

use crate::channels::api_channel::parse::{self, KEPT};
use crate::channels::wire::calls::Answered;
use crate::channels::wire::{Health, Receipt, Recipient, Way, signed};
use crate::clock::Ts;
use crate::desk::api_channels::{Secrets, Settings};
use crate::desk::directory;
use crate::desk::envelope::{IncomingFile, OutgoingFile};
use crate::desk::networks::parts::Part;
use crate::desk::networks::{Fault, Media, mark};
use crate::desk::tickets::thread::Message;
use crate::http::multipart;
use crate::secrets;

/// For an answer in words.
const PATIENCE: Duration = Duration::from_secs(10);
/// For one with files.
const LONG_PATIENCE: Duration = Duration::from_secs(30);
/// What an agent sees of a refusal, in characters.
const EXCERPT: usize = 300;

/// Posts an answer. It may come twice, under the same delivery id, where our side did not hear that it was taken.
pub async fn send(way: &Way<'_>, to: &Recipient, message: &Message, part: &Part, files: &[OutgoingFile]) -> Result<Receipt, Fault> {
    let id = mark(part.id);
    let patience = if files.is_empty() { PATIENCE } else { LONG_PATIENCE };
    let answer = post(way, &id, &body(way, to, message, part, files).await, patience).await?;
    judge(&answer)?;
    let told = answer.json();
    let given = told["id"].as_str().map(str::to_owned).or_else(|| told["id"].as_i64().map(|id| id.to_string()));
    Ok(Receipt::of(given.filter(|id| !id.is_empty() && id.len() <= 200).unwrap_or(id)))
}

async fn post(way: &Way<'_>, delivery: &str, body: &Value, patience: Duration) -> Result<Answered, Fault> {
    let settings = Settings::of(way.channel);
    if !settings.sends() {
        return Err(Fault::Permanent("Nothing is answered through this channel. An admin changes that under Settings, Channels.".into()));
    }
    let secrets: Secrets = way.channel.secrets(&way.app.keys);
    if secrets.outgoing.is_empty() {
        return Err(Fault::SignIn("The channel’s secret cannot be read any more: the desk’s key has changed. Make a new one.".into()));
    }
    let posted = signed::post(&way.calls, &settings.url, &secrets.outgoing, delivery, body, patience).await;
    posted.map_err(|fault| match fault {
        Fault::Later { words, after } => Fault::Later { words: words.replace("The provider", "The program behind this channel"), after },
        other => other,
    })
}

async fn body(way: &Way<'_>, to: &Recipient, message: &Message, part: &Part, files: &[OutgoingFile]) -> Value {
    let directory = directory::get(way.app).await.ok();
    let agent = message.agent_id.map(|id| json!({ "id": id, "name": directory.as_ref().map_or("", |directory| directory.agent(id)) }));
    let prefix = parse::identity(way.channel.id, "").1;
    let identifier = to.identities.iter().find_map(|(_, address)| address.strip_prefix(&prefix));
    let attachments: Vec<Value> = files
        .iter()
        .map(|file| json!({ "name": file.name, "media_type": file.media_type, "size": file.bytes.len(), "content": STANDARD.encode(&file.bytes) }))
        .collect();
    json!({
        "event": "message",
        "channel": { "id": way.channel.id, "key": way.channel.address, "name": way.channel.name },
        "conversation": to.conversation,
        "contact": { "identifier": identifier, "name": to.name },
        "post": to.post,
        "message": {
            "id": mark(part.id),
            "message_id": message.id,
            "text": part.body,
            "language": message.language,
            "public": message.public,
            "reply_to": to.reply_to.as_ref().or(to.newest.as_ref()),
            "attachments": attachments,
            "created_at": message.created_at,
        },
        "agent": agent,
        "ticket": { "id": message.ticket_id, "url": format!("{}/tickets/{}", way.app.config.public_url(), message.ticket_id) },
    })
}

/// What an answer means.
fn judge(answer: &Answered) -> Result<(), Fault> {
    let status = answer.status;
    if status.is_success() {
        return Ok(());
    }
    let told = answer.json();
    let reason = told["error"].as_str().or_else(|| told["error"]["message"].as_str()).or_else(|| told["message"].as_str());
    let reason: String = reason.unwrap_or_default().chars().filter(|c| !c.is_control()).take(EXCERPT).collect();
    let words = if reason.is_empty() {
        format!("The program behind this channel answered {status}.")
    } else {
        format!("The program behind this channel answered {status}: {reason}")
    };
    Err(match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            Fault::SignIn(format!("{words} Check that it knows the channel’s secret, then save the channel again."))
        }
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
            Fault::Later { words, after: answer.retry_after() }
        }
        status if status.is_server_error() => Fault::Later { words, after: answer.retry_after() },
        status if status.is_redirection() => Fault::Permanent(format!("{words} Redirects are not followed: enter the final address.")),
        _ => Fault::Permanent(words),
    })
}

/// Takes a file out of the store, or fetches it from where the program says it is.
pub async fn fetch(way: &Way<'_>, media: &Media) -> Result<IncomingFile, Fault> {
    let name = multipart::safe_name(media.name.as_deref().unwrap_or("file"));
    let bytes = match media.source.strip_prefix(KEPT) {
        Some(sha256) => {
            let sha256 = hex::decode(sha256).map_err(|_| Fault::Permanent("It was not stored.".into()))?;
            way.app
                .blobs
                .get(&sha256)
                .await
                .map_err(|error| Fault::Later { words: format!("It could not be read: {error}."), after: None })?
        }
        None => way.calls.fetch(&media.source, |request| request).await?.bytes,
    };
    // By its content, whatever anyone says it is.
    let media_type = multipart::media_type(&name, &bytes);
    Ok(IncomingFile { name, media_type, bytes, content_id: None, inline: false })
}

/// Posts a test.
pub async fn check(way: &Way<'_>) -> Result<Health, Fault> {
    let body = json!({
        "event": "test",
        "channel": { "id": way.channel.id, "key": way.channel.address, "name": way.channel.name },
        "at": Ts::now(),
    });
    let answer = post(way, &format!("test:{}", secrets::token()), &body, PATIENCE).await?;
    judge(&answer)?;
    let notes = vec![format!("It answered {} to a signed test.", answer.status)];
    Ok(Health { account: Settings::of(way.channel).url, id: way.channel.address.clone().unwrap_or_default(), notes })
}
