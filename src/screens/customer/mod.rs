//! The customer's own page: what was said about their request, and a box to say more. Whoever has the link may read it and answer.

mod answer;
mod call;
mod download;
mod files;
mod page;

use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use http::StatusCode;
use jiff::tz::TimeZone;
use tower_http::timeout::TimeoutLayer;

use crate::app::App;
use crate::desk::call_backs::{self, CallBack};
use crate::desk::channels::{self, Channel};
use crate::desk::directory;
use crate::desk::tickets::{self, Ticket};
use crate::http::client::Client;
use crate::http::visitors::{Frame, LanguageLink, MAX_BODY};
use crate::i18n::Language;

/// Photos from a phone on a slow line take their time.
const TIMEOUT: Duration = Duration::from_secs(180);

/// The routes of the customer's page. The link alone gives the right to them; no cookie is involved.
pub fn router() -> Router<App> {
    Router::new()
        .route("/r/{token}", get(page::show).post(answer::send))
        .route("/r/{token}/close", post(answer::close))
        .route("/r/{token}/call", post(call::choose))
        .route("/r/{token}/call/cancel", post(call::cancel))
        .route("/r/{token}/files/{id}", get(files::show))
        .route("/d/{token}", get(download::show).post(download::fetch))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, TIMEOUT))
}

/// A ticket whose customer holds the link.
struct Held {
    ticket: Ticket,
    token: String,
    frame: Frame,
    /// The newest call of the ticket.
    call: Option<CallBack>,
    /// The language was asked for in the address, and stays in the links.
    asked: bool,
}

impl Held {
    /// The ticket of a link, in the language asked for, else the ticket's, else the browser's. `None`: this is no link of ours.
    async fn find(app: &App, token: String, lang: &str, client: &Client) -> sqlx::Result<Option<Self>> {
        let Some(id) = tickets::parse_link_token(&app.keys, &token) else { return Ok(None) };
        let mut db = app.db.acquire().await?;
        let Some(ticket) = tickets::find(&mut db, id).await? else { return Ok(None) };
        let call = call_backs::last_of(&mut db, id).await?;
        drop(db);
        let asked = Language::from_code(lang);
        let known = ticket.language.as_deref().and_then(Language::from_code);
        let mut frame = match asked.or(known) {
            Some(language) => Frame::load(app, language).await?,
            None => Frame::for_browser(app, &client.accept_language).await?,
        };
        frame.languages =
            Language::ALL.into_iter().map(|language| LanguageLink { language, href: format!("/r/{token}?lang={language}") }).collect();
        // The call is told by the clock of whoever has told theirs, and so is everything beside it.
        if let Some(zone) = call.as_ref().and_then(|call| TimeZone::get(call.time_zone.as_deref()?).ok()) {
            frame.time_zone = zone;
        }
        Ok(Some(Self { ticket, token, frame, call, asked: asked.is_some() }))
    }

    /// The address of the page, with `more` in its query.
    fn address(&self, rest: &str, more: &str) -> String {
        let mut query = if self.asked { format!("lang={}", self.frame.language) } else { String::new() };
        if !more.is_empty() {
            query = if query.is_empty() { more.to_owned() } else { format!("{query}&{more}") };
        }
        let mark = if query.is_empty() { "" } else { "?" };
        format!("/r/{}{rest}{mark}{query}", self.token)
    }

    fn scope(&self) -> String {
        format!("answer {}", self.ticket.id)
    }
}

/// The page for links that open nothing: says so, and leads to a form if the desk has one.
async fn gone(app: &App, client: &Client) -> crate::http::Result<axum::response::Response> {
    let frame = Frame::for_browser(app, &client.accept_language).await?;
    let form = directory::get(app).await?.channels.iter().find(|channel| channel.kind == crate::desk::kinds::ChannelKind::Form).cloned();
    let way = form.and_then(|form| form.address).map(|slug| (format!("/forms/{slug}?lang={}", frame.language), frame.text("ticket-new")));
    crate::http::visitors::apologise(&frame, StatusCode::NOT_FOUND, "ticket-gone", frame.text("ticket-gone"), way)
}

/// The channel of a ticket.
async fn channel_of(app: &App, ticket: &Ticket) -> crate::http::Result<Channel> {
    let mut db = app.db.acquire().await?;
    channels::find(&mut db, ticket.channel_id).await?.ok_or(crate::http::Error::NotFound)
}
