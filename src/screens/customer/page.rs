//! The conversation as its customer reads it.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::app::App;
use crate::clock::Ts;
use crate::desk::call_backs::Offer;
use crate::desk::directory::{self, Directory};
use crate::desk::files::{self, Attachment};
use crate::desk::kinds::{Direction, Status};
use crate::desk::links;
use crate::desk::tickets::follow;
use crate::desk::tickets::thread::Message;
use crate::http::client::Client;
use crate::http::visitors::calls::CallWish;
use crate::http::visitors::kept::KeptFile;
use crate::http::visitors::limits::{self, Limit};
use crate::http::visitors::stamps::Stamp;
use crate::http::visitors::{self, Frame};
use crate::http::{Path, Query, Result, render};
use crate::ids::MessageId;
use crate::screens::customer::call::Panel;
use crate::screens::customer::{Held, gone};
use crate::secrets::Keys;
use crate::text;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PageQuery {
    pub lang: String,
    before: String,
    /// What the last click did: `sent`, `closed`, `call` or `cancelled`.
    done: String,
}

/// One message as the page shows it.
pub(super) struct Utterance {
    id: MessageId,
    ours: bool,
    author: String,
    at: Ts,
    html: String,
    quoted: String,
    files: Vec<Attachment>,
}

/// Where the request stands, in the customer's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Open,
    Answered,
    Closed,
}

impl Stage {
    /// Snoozed and spam are matters of the desk; to the customer their message is simply with us.
    fn of(held: &Held) -> Self {
        match held.ticket.status {
            Status::Solved => Self::Closed,
            _ if held.ticket.last_direction == Some(Direction::Outbound) && held.ticket.waiting_since.is_none() => Self::Answered,
            Status::Open | Status::Pending | Status::Snoozed | Status::Spam => Self::Open,
        }
    }

    const fn key(self) -> &'static str {
        match self {
            Self::Open => "ticket-status-open",
            Self::Answered => "ticket-status-answered",
            Self::Closed => "ticket-status-closed",
        }
    }
}

#[derive(Template)]
#[template(path = "screens/customer/ticket.html")]
pub(super) struct TicketPage<'a> {
    held: &'a Held,
    frame: &'a Frame,
    keys: &'a Keys,
    stage: Stage,
    talk: Vec<Utterance>,
    earlier: Option<String>,
    latest: Option<String>,
    notice: Option<String>,
    etag: String,
    pub stamp: Stamp,
    /// What was typed and not sent.
    pub text: String,
    pub kept: Vec<KeptFile>,
    /// By the id of the input.
    pub problems: Vec<(&'static str, String)>,
    /// Something about the whole answer rather than one field.
    pub trouble: Option<String>,
    call: Option<Panel>,
    /// What is wrong with the time or the number of a call.
    pub call_problems: Vec<(String, String)>,
}

impl<'a> TicketPage<'a> {
    /// Reads the page of a ticket.
    pub(super) async fn load(
        app: &'a App,
        held: &'a Held,
        before: Option<MessageId>,
        stamp: Stamp,
        wish: Option<CallWish>,
    ) -> Result<Self> {
        let mut db = app.db.acquire().await?;
        let talk = follow::talk(&mut db, held.ticket.id, before, app.config.mail.undo_seconds, Ts::now()).await?;
        let ids: Vec<MessageId> = talk.messages.iter().map(|message| message.id).collect();
        let mut attachments = files::of_messages(&mut db, &ids).await?;
        let revoked = links::revoked(&mut db, &attachments).await?;
        attachments.retain(|file| !revoked.contains(&file.id));
        let directory = directory::get_on(app, &mut db).await?;
        let call = Panel::load(&mut db, held, Offer::of(&directory, None).as_ref(), wish).await?;
        drop(db);
        let frame = &held.frame;
        let etag = etag(held, &talk.messages, call.as_ref());
        let talk_earlier = talk.earlier.map(|id| held.address("", &format!("before={id}")));
        Ok(Self {
            held,
            frame,
            keys: &app.keys,
            stage: Stage::of(held),
            talk: talk
                .messages
                .into_iter()
                .map(|message| {
                    let own = talk.own.contains(&message.id);
                    utterance(message, own, frame, &directory, &attachments)
                })
                .collect(),
            earlier: talk_earlier,
            latest: before.map(|_| held.address("", "")),
            notice: None,
            etag,
            stamp,
            text: String::new(),
            kept: Vec::new(),
            problems: Vec::new(),
            trouble: None,
            call,
            call_problems: Vec::new(),
        })
    }

    fn error(&self, id: &str) -> Option<&str> {
        self.problems.iter().find(|(name, _)| *name == id).map(|(_, words)| words.as_str())
    }

    fn call_error(&self, id: &str) -> Option<&str> {
        self.call_problems.iter().find(|(name, _)| name == id).map(|(_, words)| words.as_str())
    }

    fn subject(&self) -> String {
        match &*self.held.ticket.subject {
            "" => self.frame.text("mail-no-subject"),
            subject => subject.to_owned(),
        }
    }

    fn status(&self) -> String {
        self.frame.text(self.stage.key())
    }

    fn status_hint(&self) -> String {
        // Whoever waits for a call may have no address to write to.
        match &self.call {
            Some(call) if call.owed && self.stage == Stage::Open => self.frame.text("call-back-panel-hint"),
            _ => self.frame.text(&format!("{}-hint", self.stage.key())),
        }
    }

    fn closed(&self) -> bool {
        self.stage == Stage::Closed
    }

    fn in_trouble(&self) -> bool {
        self.trouble.is_some() || !self.problems.is_empty() || !self.call_problems.is_empty()
    }

    fn file(&self, file: &Attachment) -> String {
        format!("/r/{}/files/{}", self.held.token, file.id)
    }
}

fn utterance(message: Message, own: bool, frame: &Frame, directory: &Directory, attachments: &[Attachment]) -> Utterance {
    let ours = message.direction == Direction::Outbound;
    let author = match message.agent_id.filter(|_| ours) {
        Some(agent) => {
            let name = directory.agent(agent);
            format!("{}, {}", name.split_whitespace().next().unwrap_or(name), frame.shop)
        }
        None if ours => frame.shop.clone(),
        // Somebody who joined is not taken for them.
        None if !own => match message.envelope().from {
            Some(from) if !from.name.is_empty() => from.name,
            _ => message.contact_name.clone(),
        },
        None => frame.text("transcript-customer"),
    };
    Utterance {
        id: message.id,
        ours,
        author,
        at: message.sent_at.unwrap_or(message.created_at),
        html: match message.extras().call {
            // What a customer wrote is never taken for it, for a call has no words of its own.
            Some(call) => text::html::from_text(&frame.text(if call.recorded { "call-voicemail" } else { "call-missed" })),
            None => text::html::from_text(&text::pictures::in_words(&message.new_text())),
        },
        quoted: message.quoted_text().trim().to_owned(),
        files: attachments.iter().filter(|file| file.message == message.id).cloned().collect(),
    }
}

/// Changes whenever the page would say something else.
fn etag(held: &Held, messages: &[Message], call: Option<&Panel>) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("{} {:?} {:?}", held.frame.language, held.ticket.status, held.ticket.waiting_since));
    if let Some(call) = call {
        hash.update(&call.words);
    }
    for message in messages {
        hash.update(format!("{} {:?};", message.id, message.sent_at));
    }
    format!("\"{}\"", hex::encode(&hash.finalize()[..8]))
}

/// The page.
pub(super) async fn show(
    State(app): State<App>,
    Path(token): Path<String>,
    Query(query): Query<PageQuery>,
    client: Client,
    headers: HeaderMap,
) -> Result<Response> {
    if limits::check(&app.keys, Limit::Views, &client.network()).is_err() {
        return visitors::too_many(&Frame::for_browser(&app, &client.accept_language).await?);
    }
    let Some(held) = Held::find(&app, token, &query.lang, &client).await? else { return gone(&app, &client).await };
    let stamp = Stamp::mint(&app.keys, &held.scope(), Ts::now());
    let mut page = TicketPage::load(&app, &held, query.before.parse().ok(), stamp, None).await?;
    page.notice = match &*query.done {
        "sent" => Some(held.frame.text("ticket-sent")),
        "call" if page.call.as_ref().is_some_and(|call| call.owed) => Some(held.frame.text("call-back-moved")),
        "cancelled" => Some(held.frame.text("call-back-cancelled")),
        "closed" if page.closed() => Some(held.frame.text("ticket-closed")),
        _ => None,
    };
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == page.etag.as_bytes()) {
        return Ok(StatusCode::NOT_MODIFIED.into_response());
    }
    respond(&page, StatusCode::OK)
}

/// The page as an answer that no search engine keeps and that tells no other site its address.
pub(super) fn respond(page: &TicketPage<'_>, status: StatusCode) -> Result<Response> {
    let mut response = render(page)?;
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if let Ok(etag) = HeaderValue::from_str(&page.etag) {
        headers.insert(header::ETAG, etag);
    }
    headers.insert("x-robots-tag", HeaderValue::from_static("noindex, nofollow"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(response)
}
