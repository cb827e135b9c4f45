//! `POST /tickets`: a customer's message from the shop's own systems.

use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Ticket, show_one};
use crate::api::ErrorBody;
use crate::api::error::{Refusal, Result};
use crate::api::extract::{Caller, Json};
use crate::api::input::{Checks, MAX_TEXT, NewAttachment, Reference};
use crate::app::App;
use crate::database;
use crate::desk::agents::Agent;
use crate::desk::changes::{Actor, Change};
use crate::desk::channels::{self, Channel, ChannelDraft};
use crate::desk::directory;
use crate::desk::envelope::{Address, Envelope, Incoming, ThreadHint};
use crate::desk::files::StoredFile;
use crate::desk::kinds::{ChannelKind, Priority};
use crate::desk::teams;
use crate::desk::tickets::receive::{self, Origin, Outcome, Received};
use crate::desk::tickets::update;
use crate::ids::{AgentId, MessageId, TeamId};
use crate::secrets;
use crate::text;

/// A customer's message, and what is known about it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTicket {
    /// A channel of kind `api`, by number or name. The oldest one if not said; the first ticket of all makes one.
    channel: Option<Reference>,
    contact: NewTicketContact,
    /// One line, at most 500 bytes.
    #[schema(example = "Where is my parcel?")]
    subject: String,
    message: NewMessage,
    /// The customer's, two letters; told from the text if not said.
    #[schema(example = "it")]
    language: Option<String>,
    priority: Option<Priority>,
    /// Names, made where they are new; at most 20.
    #[serde(default)]
    tags: Vec<String>,
    /// A team's number or name; the channel's team if not said.
    team: Option<Reference>,
    /// An agent's number or mail address, or `me`.
    assignee: Option<Reference>,
    /// Your own number for this message, at most 200 bytes. Sent again on the same channel, it makes no second ticket but answers with the first.
    #[schema(example = "order-10023-question-1")]
    external_id: Option<String>,
    /// The `external_id` of an earlier message: this one joins its ticket instead of opening another.
    in_reply_to: Option<String>,
    #[serde(default)]
    attachments: Vec<NewAttachment>,
    /// Whether the customer gets the automatic receipt. If not said, as the channel is set; yes on a fresh one.
    acknowledge: Option<bool>,
}

/// Who writes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTicketContact {
    /// At most 200 bytes. Fills a gap, never changes a name that the desk has.
    #[serde(default)]
    #[schema(example = "Anna Verdi")]
    name: String,
    #[schema(example = "anna@example.com")]
    email: String,
}

/// What they write: `text`, `html`, or both.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMessage {
    /// At most 200,000 bytes. Made from `html` if not said.
    text: Option<String>,
    /// At most 500,000 bytes; scripts, forms and foreign styles are taken out.
    html: Option<String>,
}

/// What became of the message.
#[derive(Debug, Serialize, ToSchema)]
pub struct Accepted {
    /// `created`: a new ticket; `appended`: part of an earlier one; `duplicate`: it was here already, and nothing changed.
    #[schema(value_type = String, example = "created")]
    outcome: Outcome,
    message_id: MessageId,
    ticket: Ticket,
}

/// The request once it has been read and found right.
struct Wanted {
    incoming: Incoming,
    priority: Option<Priority>,
    tags: Vec<String>,
    team: Option<TeamId>,
    assignee: Option<AgentId>,
    acknowledge: Option<bool>,
}

/// Create a ticket
///
/// Goes the same way as a customer's mail: the contact is found or made, the ticket opened, the receipt sent.
#[utoipa::path(post, path = "/tickets", tag = "Tickets", operation_id = "create_ticket", request_body = NewTicket,
    responses((status = 201, description = "Stored.", body = Accepted), (status = 200, description = "It was here already.", body = Accepted),
        (status = 422, body = ErrorBody)))]
pub(super) async fn create(
    State(app): State<App>,
    Caller(agent): Caller,
    Json(new): Json<NewTicket>,
) -> Result<(StatusCode, axum::Json<Accepted>)> {
    let channel = new.channel.clone();
    let wanted = check(&app, &agent, new).await?;
    let channel = find_channel(&app, channel.as_ref()).await?;
    let files = StoredFile::store_all(&app, &wanted.incoming.files).await?;
    let received = match store(&app, &agent, &channel, &files, &wanted).await {
        // The same message arrived a moment ago by another connection.
        Err(error) if database::on_constraint(&error) == Some("messages_provider_id_key") => {
            store(&app, &agent, &channel, &files, &wanted).await?
        }
        received => received?,
    };
    let status = if received.outcome == Outcome::Duplicate { StatusCode::OK } else { StatusCode::CREATED };
    let ticket = show_one(&app, received.ticket).await?;
    Ok((status, axum::Json(Accepted { outcome: received.outcome, message_id: received.message, ticket })))
}

async fn check(app: &App, agent: &Agent, new: NewTicket) -> Result<Wanted> {
    let directory = directory::get(app).await?;
    let mut checks = Checks::default();
    let name = checks.line("contact.name", &new.contact.name, 200);
    let email = checks.email("contact.email", &new.contact.email);
    let subject = checks.required("subject", &new.subject, 500);
    let html = new.message.html.as_deref().map(|html| checks.text("message.html", html, 500_000)).filter(|html| !html.trim().is_empty());
    let body = new.message.text.as_deref().map(|text| checks.text("message.text", text, MAX_TEXT)).filter(|text| !text.trim().is_empty());
    if body.is_none() && html.is_none() {
        checks.wrong("message", "Say something in `text`, in `html`, or in both.");
    }
    let language = checks.language("language", new.language.as_deref());
    let external_id = new.external_id.as_deref().map(|id| checks.required("external_id", id, 200));
    let in_reply_to = new.in_reply_to.as_deref().map(|id| checks.required("in_reply_to", id, 200));
    let tags = checks.tags("tags", &new.tags);
    let files = checks.files(new.attachments);
    checks.done()?;
    let mut body = body.unwrap_or_else(|| text::html::to_text(html.as_deref().unwrap_or_default()));
    body.truncate(body.floor_char_boundary(MAX_TEXT));
    let from = Address { name, address: email };
    let incoming = Incoming {
        provider_id: external_id.unwrap_or_else(|| format!("api-{}", secrets::token())),
        thread: in_reply_to.clone().map(ThreadHint::InReplyTo).into_iter().collect(),
        quote: text::quotes::split(&body),
        language: language.or_else(|| text::languages::detect(&body).map(str::to_owned)),
        html: html.map(|html| text::html::sanitise(&html)),
        envelope: Envelope { from: Some(from.clone()), subject: subject.clone(), in_reply_to, ..Envelope::default() },
        from,
        subject,
        body,
        files,
        ..Incoming::default()
    };
    Ok(Wanted {
        incoming,
        priority: new.priority,
        tags,
        team: new.team.map(|team| team.team(&directory)).transpose()?,
        assignee: new.assignee.map(|assignee| assignee.active_agent(&directory, agent.id)).transpose()?,
        acknowledge: new.acknowledge,
    })
}

/// The channel named, else the oldest of kind `api`, else a new one.
async fn find_channel(app: &App, named: Option<&Reference>) -> Result<Channel> {
    let mut db = app.db.acquire().await?;
    if let Some(named) = named {
        let directory = directory::get(app).await?;
        let channel = channels::find(&mut db, named.channel(&directory)?).await?.ok_or_else(Refusal::not_found)?;
        if channel.kind != ChannelKind::Api {
            return Err(Refusal::field("channel", "Only a channel of kind `api` takes tickets here."));
        }
        if !channel.enabled {
            return Err(Refusal::field("channel", "This channel is switched off. An admin switches it on under Settings, Channels."));
        }
        return Ok(channel);
    }
    if let Some(channel) = channels::first_plain(&mut db, ChannelKind::Api).await? {
        return Ok(channel);
    }
    drop(db);
    let mut change = Change::begin(app).await?;
    let draft = ChannelDraft {
        kind: ChannelKind::Api,
        name: "API".into(),
        address: None,
        team_id: None,
        language: None,
        enabled: true,
        settings: serde_json::json!({}),
        secrets: None,
    };
    match channels::create(&mut change, &draft).await {
        Ok(id) => {
            change.touch_settings();
            let channel = channels::find(&mut change, id).await?.ok_or_else(Refusal::not_found)?;
            change.commit().await?;
            Ok(channel)
        }
        Err(error) if database::on_constraint(&error) == Some("channels_name_key") => {
            drop(change);
            // Made a moment ago by another request, or switched off by an admin.
            let mut db = app.db.acquire().await?;
            channels::first_plain(&mut db, ChannelKind::Api).await?.ok_or_else(|| {
                Refusal::field("channel", "No channel of kind `api` is switched on. An admin adds one under Settings, Channels.")
            })
        }
        Err(error) => Err(error.into()),
    }
}

async fn store(app: &App, agent: &Agent, channel: &Channel, files: &[StoredFile], wanted: &Wanted) -> sqlx::Result<Received> {
    let mut change = Change::begin(app).await?;
    let acknowledge = wanted.acknowledge.or_else(|| channel.settings["acknowledge"].as_bool()).unwrap_or(true);
    let origin = Origin { channel, delivery: None, files, ticket: None, contact: None, acknowledge };
    let received = receive::receive(&mut change, &origin, &wanted.incoming).await?;
    if received.outcome != Outcome::Duplicate {
        let by = Actor::Agent(agent.id);
        if let Some(priority) = wanted.priority {
            update::set_priority(&mut change, by, received.ticket, priority).await?;
        }
        if wanted.team.is_some() {
            update::set_team(&mut change, by, received.ticket, wanted.team).await?;
        }
        if wanted.assignee.is_some() {
            update::assign(&mut change, by, received.ticket, wanted.assignee).await?;
        }
        for name in &wanted.tags {
            let tag = teams::ensure_tag(&mut change, name).await?;
            update::tag(&mut change, by, received.ticket, tag).await?;
            change.touch_settings();
        }
    }
    change.commit().await?;
    Ok(received)
}
