//! The page on which customers ask for a call, and the receipt.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;

use crate::app::App;
use crate::channels::call_back::ask::{self, Asked};
use crate::clock::Ts;
use crate::desk::call_backs::{self, BookError, MAX_NOTE, Offer, Slot, words};
use crate::desk::calls;
use crate::desk::kinds::{ChannelKind, Status};
use crate::desk::tickets::{self, reply};
use crate::desk::{contacts, directory};
use crate::http::client::Client;
use crate::http::multipart::Parts;
use crate::http::visitors::calls::{CallWish, Chooser};
use crate::http::visitors::limits::{self, Limit};
use crate::http::visitors::stamps::{Stamp, Verdict};
use crate::http::visitors::{self, Frame, LanguageLink, POT, page_url};
use crate::http::{Error, Path, Query, Result, render};
use crate::i18n::{self, Language};
use crate::text::{addresses, phones};

const SCOPE: &str = "call-back";
const MAX_NAME: usize = 200;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PageQuery {
    lang: String,
    /// The page of the shop that links here.
    page: String,
    /// The reader's time zone, as their browser knows it.
    zone: String,
}

/// What was typed.
#[derive(Debug, Clone, Default)]
struct Typed {
    name: String,
    email: String,
    note: String,
    page: String,
    consent: bool,
}

#[derive(Template)]
#[template(path = "channels/call_back/ask.html")]
struct AskPage<'a> {
    frame: &'a Frame,
    action: String,
    stamp: Stamp,
    chooser: Chooser,
    wish: CallWish,
    typed: Typed,
    problems: Vec<(String, String)>,
    /// Something about the whole page rather than one field.
    notice: Option<String>,
    /// Where they can write instead.
    form: Option<String>,
    /// The zone by which the times are told, for the script that knows a better one.
    zone: String,
}

impl AskPage<'_> {
    fn error(&self, id: &str) -> Option<&str> {
        self.problems.iter().find(|(name, _)| name == id).map(|(_, words)| words.as_str())
    }

    fn bad(&self, id: &str) -> &'static str {
        if self.error(id).is_some() { " field--bad" } else { "" }
    }

    fn pot(&self) -> &'static str {
        POT
    }
}

fn address(rest: &str, language: Language, page: &str, zone: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("lang", language.code());
    for (name, value) in [("page", page), ("zone", zone)] {
        if !value.is_empty() {
            query.append_pair(name, value);
        }
    }
    format!("/call-back{rest}?{}", query.finish())
}

/// Frame and offer; without an offer the page that says so.
async fn open(app: &App, query: &PageQuery, client: &Client) -> Result<std::result::Result<(Frame, Offer), Response>> {
    let directory = directory::get(app).await?;
    let languages = &directory.call_backs.languages;
    let desk = Language::from_code(&directory.shop.language).unwrap_or(Language::En);
    let language = i18n::choose(languages, &query.lang, &client.accept_language, desk);
    let mut frame = Frame::load(app, language).await?;
    let page = page_url(&query.page);
    frame.languages = i18n::offered(languages)
        .iter()
        .map(|&language| LanguageLink { language, href: address("", language, &page, &query.zone) })
        .collect();
    match Offer::of(&directory, None) {
        Some(offer) => Ok(Ok((frame, offer))),
        None => {
            let way = form_of(&directory, language).map(|href| (href, frame.text("ticket-new")));
            let words = frame.text("call-back-closed");
            Ok(Err(visitors::apologise(&frame, StatusCode::GONE, "call-back-closed", words, way)?))
        }
    }
}

/// A contact form of the desk, if it has one.
fn form_of(directory: &directory::Directory, language: Language) -> Option<String> {
    let form = directory.channels.iter().find(|channel| channel.kind == ChannelKind::Form)?;
    form.address.as_ref().map(|slug| format!("/forms/{slug}?lang={language}"))
}

/// The empty page.
pub(super) async fn show(State(app): State<App>, Query(query): Query<PageQuery>, client: Client, headers: HeaderMap) -> Result<Response> {
    if limits::check(&app.keys, Limit::Views, &client.network()).is_err() {
        return visitors::too_many(&Frame::for_browser(&app, &client.accept_language).await?);
    }
    let (frame, offer) = match open(&app, &query, &client).await? {
        Ok(open) => open,
        Err(response) => return Ok(response),
    };
    let country = calls::country(&mut *app.db.acquire().await?).await?;
    let wish = CallWish::guess(&client.accept_language, &country, &query.zone);
    let page = match page_url(&query.page) {
        page if !page.is_empty() => page,
        _ => headers.get(header::REFERER).and_then(|value| value.to_str().ok()).map(page_url).unwrap_or_default(),
    };
    // A link within our own pages says nothing about what the customer looked at.
    let page = if page.starts_with(&app.config.public_url()) && !page.contains("/demo") { String::new() } else { page };
    let stamp = Stamp::mint(&app.keys, SCOPE, Ts::now());
    let page = build(&app, &frame, &offer, stamp, wish, Typed { page, ..Typed::default() }).await?;
    render(&page)
}

async fn build<'a>(app: &App, frame: &'a Frame, offer: &Offer, stamp: Stamp, wish: CallWish, typed: Typed) -> Result<AskPage<'a>> {
    let mut db = app.db.acquire().await?;
    let chooser = Chooser::load(&mut db, frame, offer, &wish, None, Ts::now()).await?;
    drop(db);
    let zone = wish.own_zone().or_else(|| Some(offer.hours.zone.clone())).and_then(|zone| zone.iana_name().map(str::to_owned));
    Ok(AskPage {
        frame,
        action: address("", frame.language, "", ""),
        stamp,
        chooser,
        wish,
        typed,
        problems: Vec::new(),
        notice: None,
        form: form_of(&*directory::get(app).await?, frame.language),
        zone: zone.unwrap_or_default(),
    })
}

/// The page as it was sent: becomes a ticket that owes a call, or is shown again with what is wrong and everything that was typed.
pub(super) async fn send(State(app): State<App>, Query(query): Query<PageQuery>, client: Client, parts: Parts) -> Result<Response> {
    let (frame, offer) = match open(&app, &query, &client).await? {
        Ok(open) => open,
        Err(response) => return Ok(response),
    };
    match accept(&app, &frame, &offer, &client, &parts).await {
        Ok(response) => Ok(response),
        Err(error) => visitors::our_fault(&frame, error),
    }
}

async fn accept(app: &App, frame: &Frame, offer: &Offer, client: &Client, parts: &Parts) -> Result<Response> {
    let now = Ts::now();
    let sent = Stamp { id: parts.text("form").to_owned(), at: parts.text("stamp").to_owned() };
    let verdict = sent.check(&app.keys, SCOPE, now);
    if verdict != Verdict::Forged
        && let Some(ticket) = ask::find_sent(app, &sent.id).await?
    {
        return Ok(to_receipt(app, frame, ticket, parts.text("zone")));
    }
    let again = match verdict {
        Verdict::Good | Verdict::TooFast => sent,
        Verdict::Expired => Stamp::renew(&app.keys, SCOPE, sent.id, now),
        Verdict::Forged => Stamp::mint(&app.keys, SCOPE, now),
    };
    let line = |name: &str| parts.text(name).trim().to_owned();
    let typed = Typed {
        name: line("name"),
        email: line("email"),
        note: parts.text("note").trim().to_owned(),
        page: page_url(parts.text("page")),
        consent: !parts.text("consent").is_empty(),
    };
    let wish = CallWish::read(parts);
    let mut page = build(app, frame, offer, again, wish, typed).await?;
    page.problems = problems(&page, now);
    let within = limits::check(&app.keys, Limit::Network, &client.network()).is_ok();
    let number = page.wish.dialled().unwrap_or_default();
    let (mut status, notice) = if !within || (page.problems.is_empty() && limits::check(&app.keys, Limit::Address, &number).is_err()) {
        (StatusCode::TOO_MANY_REQUESTS, Some("error-rate-limit"))
    } else {
        match verdict {
            Verdict::Good => (StatusCode::UNPROCESSABLE_ENTITY, None),
            Verdict::TooFast => (StatusCode::UNPROCESSABLE_ENTITY, Some("error-too-fast")),
            Verdict::Expired | Verdict::Forged => (StatusCode::UNPROCESSABLE_ENTITY, Some("error-expired")),
        }
    };
    if notice.is_none() && page.problems.is_empty() {
        let asked = Asked {
            id: page.stamp.id.clone(),
            language: frame.language,
            name: page.typed.name.clone(),
            email: page.typed.email.to_lowercase(),
            phone: number,
            wish: page.wish.clone(),
            note: page.typed.note.clone(),
            page: page.typed.page.clone(),
            spam: !parts.text(POT).is_empty(),
        };
        match ask::ask(app, offer, &asked).await {
            Ok(ticket) => return Ok(to_receipt(app, frame, ticket, &page.wish.zone)),
            Err(BookError::Database(error)) => return Err(Error::from(error)),
            Err(BookError::Taken) => {
                // Somebody was quicker by a moment: what is free now is shown.
                page = build(app, frame, offer, page.stamp, page.wish, page.typed).await?;
                page.problems.push(("time".to_owned(), page.chooser.taken(frame, &page.wish, now)));
                status = StatusCode::CONFLICT;
            }
        }
    }
    page.notice = notice.map(|key| frame.text(key));
    let mut response = render(&page)?;
    *response.status_mut() = status;
    if status == StatusCode::TOO_MANY_REQUESTS {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("120"));
    }
    Ok(response)
}

/// What is wrong, by the id of the input, in the order of the page.
fn problems(page: &AskPage<'_>, now: Ts) -> Vec<(String, String)> {
    let (frame, typed) = (page.frame, &page.typed);
    let mut problems = Vec::new();
    let mut add = |id: &str, words: String| problems.push((id.to_owned(), words));
    if typed.name.is_empty() {
        add("name", frame.text("error-required-name"));
    } else if typed.name.chars().count() > MAX_NAME {
        add("name", frame.with("error-too-long", "max", MAX_NAME));
    }
    for (id, words) in page.chooser.problems(frame, &page.wish, now) {
        add(&id, words);
    }
    if typed.note.chars().count() > MAX_NOTE {
        add("note", frame.with("error-too-long", "max", MAX_NOTE));
    }
    if !typed.email.is_empty() && !addresses::is_address(&typed.email) {
        add("email", frame.text("error-email"));
    }
    if !typed.consent {
        add("consent", frame.text("error-call-consent"));
    }
    problems
}

fn to_receipt(app: &App, frame: &Frame, ticket: crate::ids::TicketId, zone: &str) -> Response {
    let zone = jiff::tz::TimeZone::get(zone).ok().and_then(|zone| zone.iana_name().map(str::to_owned)).unwrap_or_default();
    let rest = format!("/sent/{}", tickets::link_token(&app.keys, ticket));
    Redirect::to(&address(&rest, frame.language, "", &zone)).into_response()
}

#[derive(Template)]
#[template(path = "channels/call_back/receipt.html")]
struct ReceiptPage<'a> {
    frame: &'a Frame,
    number: String,
    /// When and where we call; empty: no longer.
    when: String,
    /// A receipt by mail is on its way to this address.
    mailed: Option<String>,
    link: String,
}

/// What a customer sees after sending; it follows when the call moves.
pub(super) async fn receipt(
    State(app): State<App>,
    Path(token): Path<String>,
    Query(query): Query<PageQuery>,
    client: Client,
) -> Result<Response> {
    let frame = match Language::from_code(&query.lang) {
        Some(language) => Frame::load(&app, language).await?,
        None => Frame::for_browser(&app, &client.accept_language).await?,
    };
    let mut db = app.db.acquire().await?;
    let ticket = match tickets::parse_link_token(&app.keys, &token) {
        Some(id) => tickets::find(&mut db, id).await?,
        None => None,
    };
    let Some(ticket) = ticket else { return visitors::not_found(&frame) };
    let call = call_backs::open_of(&mut db, ticket.id).await?;
    let email = contacts::find(&mut db, ticket.contact_id).await?.and_then(|contact| contact.email);
    let mailed = ticket.status != Status::Spam && reply::way_out(&mut db, &ticket).await?.is_some();
    drop(db);
    let wish = CallWish { zone: query.zone, ..CallWish::default() };
    let page = ReceiptPage {
        when: call.map(|call| sentence(&frame, &call, &wish, Ts::now())).unwrap_or_default(),
        number: ticket.id.to_string(),
        mailed: email.filter(|_| mailed),
        link: format!("{}?lang={}", tickets::link(&app, ticket.id), frame.language),
        frame: &frame,
    };
    render(&page)
}

/// "We will call you tomorrow between 15:00 and 16:00 at +39 …".
fn sentence(frame: &Frame, call: &call_backs::CallBack, wish: &CallWish, now: Ts) -> String {
    let when = words::when(frame.language, Slot { from: call.from_at, until: call.until_at }, &wish.place(frame), now);
    let key = if call.placed { "call-back-sent-when" } else { "call-back-sent-soon" };
    frame.with_two(key, ("when", &when), ("phone", &phones::spaced(&call.phone)))
}
