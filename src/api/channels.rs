//! `/channels/{key}/…`: programs of the shop tell what customers say somewhere. What they tell is stored before it is acknowledged, and
//! understood right after.

use axum::RequestExt as _;
use axum::extract::{DefaultBodyLimit, FromRequest, FromRequestParts, RawPathParams, Request, State};
use http::request::Parts;
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

use crate::api::ErrorBody;
use crate::api::error::{Refusal, Result};
use crate::api::extract::{Caller, Json, Limits, Path, Query};
use crate::api::input::{self, Checks, MAX_TEXT};
use crate::app::App;
use crate::clock::Ts;
use crate::desk::api_channels::{self, Edit, KeptFile, NewMessage, NewStatus, Progress, Reaction, Secrets, Settings, Told};
use crate::desk::changes::Change;
use crate::desk::channels::{self, Channel};
use crate::desk::deliveries::{self, NewDelivery};
use crate::desk::envelope::IncomingFile;
use crate::desk::files::{MAX_FILES, StoredFile};
use crate::http::multipart;
use crate::ids::DeliveryId;
use crate::jobs::{self, Job};
use crate::secrets;

/// The longest id or identifier, in bytes.
const MAX_ID: usize = 200;
const MAX_URL: usize = 2000;
/// The longest emoji, in bytes: families of several people are long.
const MAX_EMOJI: usize = 64;

/// The routes of API channels.
pub fn router() -> OpenApiRouter<App> {
    let large = || DefaultBodyLimit::max(input::MAX_BODY);
    OpenApiRouter::new()
        .routes(routes!(create_message).layer(large()))
        .routes(routes!(edit_message, remove_message))
        .routes(routes!(react))
        .routes(routes!(report_status))
}

/// A channel whose door has been opened: by its own key, or by an API token.
pub struct Door(Channel);

impl FromRequestParts<App> for Door {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let given = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| value.split_once(' '));
        let own = given.filter(|(scheme, key)| scheme.eq_ignore_ascii_case("bearer") && key.trim().starts_with("spc_"));
        let own = own.map(|(_, key)| key.trim().to_owned());
        if own.is_none() {
            Caller::from_request_parts(parts, app).await?;
        }
        let params = RawPathParams::from_request_parts(parts, app).await.map_err(|_| Refusal::not_found())?;
        let key = params.iter().find(|(name, _)| *name == "key").map(|(_, value)| value).unwrap_or_default();
        let mut db = app.db.acquire().await?;
        let channel = api_channels::find(&mut db, key).await?;
        drop(db);
        if let Some(own) = own {
            // One answer for a channel that does not exist and a key that does not fit: a stranger learns nothing.
            let fits = channel.as_ref().is_some_and(|channel| channel.secrets::<Secrets>(&app.keys).opens(&own));
            if !fits {
                return Err(Refusal::unauthorized("This key does not open this channel. An admin makes another under Settings, Channels."));
            }
            if let Some(limits) = parts.extensions.get::<Limits>() {
                limits.check(&own)?;
            }
        }
        let channel = channel.ok_or_else(Refusal::not_found)?;
        if !channel.enabled {
            return Err(Refusal::unavailable("This channel is switched off. An admin switches it on under Settings, Channels."));
        }
        Ok(Self(channel))
    }
}

/// What was stored.
#[derive(Debug, Serialize, ToSchema)]
pub struct Stored {
    /// Its number among everything that came in; it stands in the log should it not be understood.
    pub delivery: DeliveryId,
    /// The message that it is about: your id.
    pub id: String,
}

type Accepted = Result<(StatusCode, axum::Json<Stored>)>;

/// A message with the files that came along.
struct Sent {
    message: NewMessage,
    files: Vec<IncomingFile>,
}

impl FromRequest<App> for Sent {
    type Rejection = Refusal;

    async fn from_request(request: Request, app: &App) -> Result<Self> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !kind.to_ascii_lowercase().starts_with("multipart/form-data") {
            let Json(message) = Json::<NewMessage>::from_request(request, app).await?;
            return Ok(Self { message, files: Vec::new() });
        }
        let parts: multipart::Parts = request.extract_with_state(app).await.map_err(Refusal::from)?;
        if let Some(name) = parts.refused.first() {
            return Err(Refusal::too_large(format!("“{name}” is larger than 20 MiB, or one of more than {MAX_FILES} files.")));
        }
        let message = serde_json::from_str(parts.text("message"))
            .map_err(|error| Refusal::field("message", format!("Must be the message as JSON: {error}.")))?;
        Ok(Self { message, files: parts.files })
    }
}

/// Tell what a customer said
///
/// Stored, answered with 202, and understood right after: it opens a ticket, or joins the one of its conversation. The same `id` again changes
/// nothing. To send the content of files, send `multipart/form-data` with the JSON in the field `message` and each file in a field of its own;
/// 10 files, 20 MiB each. Open this address with an API token or with the channel's own key (`Authorization: Bearer spc_…`).
#[utoipa::path(post, path = "/channels/{key}/messages", tag = "API channels", operation_id = "create_channel_message", request_body = NewMessage,
    params(("key" = String, Path, description = "The channel's name in addresses, or its number.")),
    responses((status = 202, description = "Stored.", body = Stored), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody), (status = 503, description = "The channel is switched off.", body = ErrorBody)))]
async fn create_message(State(app): State<App>, Door(channel): Door, Sent { message, files }: Sent) -> Accepted {
    let (message, proven) = check(&app, &channel, message, files.len())?;
    let id = message.id.clone();
    let stored = StoredFile::store_all(&app, &files).await?;
    let files = stored
        .into_iter()
        .map(|file| KeptFile { name: file.name, media_type: file.media_type, sha256: hex::encode(&file.sha256) })
        .collect();
    store(&app, &channel, id, &Told::Message { message: Box::new(message), proven, files }).await
}

fn check(app: &App, channel: &Channel, mut message: NewMessage, files: usize) -> Result<(NewMessage, bool)> {
    let mut checks = Checks::default();
    message.id = checks.required("id", &message.id, MAX_ID);
    message.conversation = message.conversation.map(|conversation| checks.required("conversation", &conversation, MAX_ID));
    message.reply_to = message.reply_to.map(|id| checks.required("reply_to", &id, MAX_ID));
    message.text = checks.text("text", &message.text, MAX_TEXT);
    message.subject = message.subject.map(|subject| checks.line("subject", &subject, 500));
    message.language = checks.language("language", message.language.as_deref());
    message.at = checks.moment("at", message.at);
    let proven = check_contact(app, channel, &mut message, &mut checks);
    if message.attachments.len() + files > MAX_FILES {
        checks.wrong("attachments", format!("At most {MAX_FILES} files."));
    }
    for (at, link) in message.attachments.iter_mut().enumerate() {
        check_url(&format!("attachments[{at}].url"), &link.url, app, &mut checks);
        link.name = link.name.take().map(|name| multipart::safe_name(&multipart::clean(&name)));
    }
    if let Some(post) = &mut message.post {
        post.id = checks.required("post.id", &post.id, MAX_ID);
        post.text = post.text.take().map(|text| checks.text("post.text", &text, 10_000));
        post.author = post.author.take().map(|author| checks.line("post.author", &author, 200));
        if let Some(url) = &post.url {
            check_url("post.url", url, app, &mut checks);
        }
    }
    if let Some(review) = &message.review {
        check_stars(review.stars, &mut checks);
    }
    if message.text.trim().is_empty() && message.attachments.is_empty() && files == 0 && message.review.is_none() {
        checks.wrong("text", "Say something, or send an attachment or a review.");
    }
    checks.done()?;
    Ok((message, proven))
}

fn check_stars(stars: Option<u8>, checks: &mut Checks) {
    if stars.is_some_and(|stars| !(1..=5).contains(&stars)) {
        checks.wrong("review.stars", "1 to 5.");
    }
}

fn check_url(name: &str, value: &str, app: &App, checks: &mut Checks) {
    let fits = |url: url::Url| match url.scheme() {
        "https" => true,
        "http" => name == "post.url" || app.config.web.allow_private_networks,
        _ => false,
    };
    if value.len() > MAX_URL || value.contains('\0') || !url::Url::parse(value).is_ok_and(fits) {
        checks.wrong(name, "Not a web address that begins with https://.");
    }
}

/// Whether the customer is proven by a hash.
fn check_contact(app: &App, channel: &Channel, message: &mut NewMessage, checks: &mut Checks) -> bool {
    let contact = &mut message.contact;
    let secrets: Secrets = channel.secrets(&app.keys);
    let proven = match contact.identifier_hash.take() {
        // Of the identifier as it was sent, before it is tidied up.
        Some(hash) if secrets::is_signed(&secrets.identifiers, &contact.identifier, &hash) => true,
        Some(_) => {
            checks.wrong("contact.identifier_hash", "Not the HMAC-SHA256 of the identifier with this channel's secret for identifiers.");
            false
        }
        None => {
            if Settings::of(channel).prove {
                checks.wrong("contact.identifier_hash", "This channel believes customers only with the hash of their identifier.");
            }
            false
        }
    };
    contact.identifier = checks.required("contact.identifier", &contact.identifier, MAX_ID);
    contact.name = contact.name.take().map(|name| checks.line("contact.name", &name, 200));
    contact.email = contact.email.take().filter(|email| !email.trim().is_empty()).map(|email| checks.email("contact.email", &email));
    contact.phone = contact.phone.take().map(|phone| checks.line("contact.phone", &phone, 50)).filter(|phone| !phone.is_empty());
    if let Some(picture) = &contact.picture {
        check_url("contact.picture", picture, app, checks);
    }
    proven
}

/// Where a message stands among those of its channel.
#[derive(Debug, Deserialize)]
struct MessagePath {
    id: String,
}

fn check_id(name: &str, id: &str) -> Result<String> {
    let mut checks = Checks::default();
    let id = checks.required(name, id, MAX_ID);
    checks.done()?;
    Ok(id)
}

/// Tell that a message was edited
///
/// Its words, its rating, or whether the public sees it. May come before the message itself.
#[utoipa::path(patch, path = "/channels/{key}/messages/{id}", tag = "API channels", operation_id = "edit_channel_message", request_body = Edit,
    params(("key" = String, Path, description = "The channel's name in addresses, or its number."), ("id" = String, Path, description = "Your id of the message.")),
    responses((status = 202, description = "Stored.", body = Stored), (status = 422, body = ErrorBody)))]
async fn edit_message(State(app): State<App>, Door(channel): Door, Path(path): Path<MessagePath>, Json(mut edit): Json<Edit>) -> Accepted {
    let mut checks = Checks::default();
    edit.text = edit.text.map(|text| checks.text("text", &text, MAX_TEXT));
    edit.at = checks.moment("at", edit.at);
    check_stars(edit.review.and_then(|review| review.stars), &mut checks);
    if edit.restored && edit.text.is_none() {
        checks.wrong("text", "Say what it says again: nothing of what was taken back is kept here.");
    } else if edit.text.is_none() && edit.review.is_none() && edit.hidden.is_none() {
        checks.wrong("text", "Say what is different: `text`, `review` or `hidden`.");
    }
    checks.done()?;
    let id = check_id("id", &path.id)?;
    store(&app, &channel, id.clone(), &Told::Edit { id, edit }).await
}

/// When something happened.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct MomentQuery {
    /// When it was taken back.
    at: Option<Ts>,
}

/// Tell that a message was taken back
///
/// Nothing of what it said is kept here.
#[utoipa::path(delete, path = "/channels/{key}/messages/{id}", tag = "API channels", operation_id = "remove_channel_message",
    params(("key" = String, Path, description = "The channel's name in addresses, or its number."), ("id" = String, Path, description = "Your id of the message."), MomentQuery),
    responses((status = 202, description = "Stored.", body = Stored), (status = 422, body = ErrorBody)))]
async fn remove_message(
    State(app): State<App>,
    Door(channel): Door,
    Path(path): Path<MessagePath>,
    Query(query): Query<MomentQuery>,
) -> Accepted {
    let mut checks = Checks::default();
    let at = checks.moment("at", query.at);
    checks.done()?;
    let id = check_id("id", &path.id)?;
    store(&app, &channel, id.clone(), &Told::Removal { id, at }).await
}

/// Tell of an emoji on a message
#[utoipa::path(put, path = "/channels/{key}/messages/{id}/reaction", tag = "API channels", operation_id = "react_to_channel_message", request_body = Reaction,
    params(("key" = String, Path, description = "The channel's name in addresses, or its number."), ("id" = String, Path, description = "Your id of the message, or of an answer of ours.")),
    responses((status = 202, description = "Stored.", body = Stored), (status = 422, body = ErrorBody)))]
async fn react(State(app): State<App>, Door(channel): Door, Path(path): Path<MessagePath>, Json(mut reaction): Json<Reaction>) -> Accepted {
    let mut checks = Checks::default();
    reaction.emoji = reaction.emoji.map(|emoji| checks.line("emoji", &emoji, MAX_EMOJI)).filter(|emoji| !emoji.is_empty());
    reaction.at = checks.moment("at", reaction.at);
    checks.done()?;
    let id = check_id("id", &path.id)?;
    store(&app, &channel, id.clone(), &Told::Reaction { id, reaction }).await
}

/// Tell how far an answer has come
///
/// A step that comes late never takes a further one back.
#[utoipa::path(post, path = "/channels/{key}/statuses", tag = "API channels", operation_id = "create_channel_status", request_body = NewStatus,
    params(("key" = String, Path, description = "The channel's name in addresses, or its number.")),
    responses((status = 202, description = "Stored.", body = Stored), (status = 422, body = ErrorBody)))]
async fn report_status(State(app): State<App>, Door(channel): Door, Json(mut status): Json<NewStatus>) -> Accepted {
    let mut checks = Checks::default();
    status.id = checks.required("id", &status.id, MAX_ID);
    status.at = checks.moment("at", status.at);
    status.reason = status.reason.map(|reason| checks.line("reason", &reason, 500));
    if status.reason.is_some() && status.status != Progress::Failed {
        checks.wrong("reason", "Belongs to what failed.");
    }
    checks.done()?;
    store(&app, &channel, status.id.clone(), &Told::Progress(status)).await
}

/// Keeps what was told, and has it understood at once by whichever worker is free.
async fn store(app: &App, channel: &Channel, id: String, told: &Told) -> Accepted {
    let raw = serde_json::to_vec(told).map_err(|error| crate::http::Error::Internal(error.into()))?;
    let mut change = Change::begin(app).await?;
    let new = NewDelivery { channel: channel.id, door: "api", envelope_from: None, envelope_to: &[], raw: &raw };
    let delivery = deliveries::store(&mut change, new).await?;
    jobs::hasten(&mut change, &Job::ProcessDelivery { delivery }).await?;
    channels::note_event(&mut change, channel.id).await?;
    change.touch_work();
    change.commit().await?;
    Ok((StatusCode::ACCEPTED, axum::Json(Stored { delivery, id })))
}
