//! The form as customers see it, and the receipt.

use askama::Template;
use axum::extract::{FromRequest as _, Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::app::App;
use crate::channels::form::parse::{self, POT, Submission};
use crate::channels::form::receive::{self, ProcessError};
use crate::channels::form::settings::{self, FieldKind, Settings};
use crate::clock::Ts;
use crate::desk::call_backs::{self, Offer, Slot, words};
use crate::desk::calls;
use crate::desk::channels::{self, Channel};
use crate::desk::kinds::{ChannelKind, Status};
use crate::desk::tickets::{self, recipients, reply};
use crate::desk::waits::{self, Place};
use crate::desk::{contacts, directory};
use crate::http::client::Client;
use crate::http::multipart::Parts;
use crate::http::visitors::calls::{CallWish, Chooser};
use crate::http::visitors::kept;
use crate::http::visitors::limits::{self, Limit};
use crate::http::visitors::stamps::{Stamp, Verdict};
use crate::http::visitors::{self, Frame, LanguageLink};
use crate::http::{Error, Path, Query, Result, render};
use crate::i18n::Language;
use crate::ids::TicketId;
use crate::secrets::Keys;
use crate::text::phones;

/// Up to this many topics are shown all at once; more become a list that opens.
const MAX_CHOICES: usize = 7;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct FormQuery {
    lang: String,
    embed: String,
    page: String,
    /// The customer's time zone, as their browser knows it.
    zone: String,
}

impl FormQuery {
    fn embedded(&self) -> bool {
        !self.embed.is_empty() && self.embed != "0"
    }
}

/// A form that is open to customers, in the language of one of them.
struct Open {
    channel: Channel,
    settings: Settings,
    frame: Frame,
    slug: String,
}

impl Open {
    /// The form at this address; else the page that says that there is none.
    async fn find(app: &App, slug: String, query: &FormQuery, client: &Client) -> Result<Result<Self, Response>> {
        let mut db = app.db.acquire().await?;
        let channel = if settings::is_slug(&slug) { channels::find_by_address(&mut db, ChannelKind::Form, &slug).await? } else { None };
        drop(db);
        let Some(channel) = channel else {
            return Ok(Err(visitors::not_found(&Frame::for_browser(app, &client.accept_language).await?)?));
        };
        let settings = Settings::of(&channel);
        let desk = directory::get(app).await?;
        let desk = Language::from_code(&desk.shop.language).unwrap_or(Language::En);
        let mut frame = Frame::load(app, settings.language(&query.lang, &client.accept_language, desk)).await?;
        frame.embedded = query.embedded();
        let open = Self { channel, settings, frame, slug };
        if !open.channel.enabled {
            let frame = &open.frame;
            return Ok(Err(open.framed(visitors::apologise(frame, StatusCode::GONE, "form-closed", frame.text("form-closed"), None)?)));
        }
        Ok(Ok(open))
    }

    /// The address of a page of this form in this language.
    fn address(&self, rest: &str, language: Language, page: &str) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("lang", language.code());
        if self.frame.embedded {
            query.append_pair("embed", "1");
        }
        if !page.is_empty() {
            query.append_pair("page", page);
        }
        format!("/forms/{}{rest}?{}", self.slug, query.finish())
    }

    /// Lets the shop's pages show the response in a frame, and nobody else's.
    fn framed(&self, mut response: Response) -> Response {
        let policy = format!(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors {}",
            self.settings.frame_ancestors()
        );
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        response
    }

    fn scope(&self) -> String {
        format!("form {}", self.channel.id)
    }

    fn title(&self) -> String {
        let title = self.settings.titles.get(self.frame.language, self.settings.fallback(self.frame.desk_language));
        if title.is_empty() { self.frame.text("form-title") } else { title.to_owned() }
    }

    fn label<'a>(&self, texts: &'a settings::Texts) -> &'a str {
        texts.get(self.frame.language, self.settings.fallback(self.frame.desk_language))
    }
}

#[derive(Template)]
#[template(path = "channels/form/form.html")]
struct FormPage<'a> {
    frame: &'a Frame,
    open: &'a Open,
    keys: &'a Keys,
    title: String,
    intro: String,
    action: String,
    stamp: Stamp,
    values: Submission,
    problems: Vec<(String, String)>,
    /// Something about the whole form rather than one field.
    notice: Option<String>,
    /// The times at which one may be called; `None`: by this form one may not.
    chooser: Option<Chooser>,
    /// The zone by which the times are told, for the script that knows a better one.
    zone: String,
}

/// A question besides the usual ones, ready to be shown.
struct Question<'a> {
    id: String,
    kind: FieldKind,
    label: &'a str,
    help: &'a str,
    required: bool,
    value: &'a str,
    options: Vec<&'a str>,
}

impl Question<'_> {
    /// The `type` of an input of one line.
    fn input(&self) -> &'static str {
        match self.kind {
            FieldKind::Email => "email",
            FieldKind::Phone => "tel",
            _ => "text",
        }
    }

    fn chosen(&self, at: &usize) -> bool {
        self.value == at.to_string()
    }
}

impl<'a> FormPage<'a> {
    fn new(app: &'a App, open: &'a Open, stamp: Stamp, values: Submission) -> Self {
        Self {
            frame: &open.frame,
            open,
            keys: &app.keys,
            title: open.title(),
            intro: match open.label(&open.settings.intro) {
                "" => open.frame.text("form-intro"),
                intro => intro.to_owned(),
            },
            action: open.address("", open.frame.language, ""),
            stamp,
            values,
            problems: Vec::new(),
            notice: None,
            chooser: None,
            zone: String::new(),
        }
    }

    /// With the times at which one may be called, where the form and the desk offer that.
    async fn with_calls(mut self, app: &App) -> Result<Self> {
        if !self.open.settings.call_back {
            return Ok(self);
        }
        if let Some(offer) = Offer::load(app, Some(self.frame.language.code())).await? {
            let mut db = app.db.acquire().await?;
            let chooser = Chooser::load(&mut db, self.frame, &offer, &self.values.call, None, Ts::now()).await?;
            let zone = self.values.call.own_zone().unwrap_or_else(|| offer.hours.zone.clone());
            self.zone = zone.iana_name().unwrap_or_default().to_owned();
            self.chooser = Some(chooser).filter(|chooser| !chooser.is_empty());
        }
        Ok(self)
    }

    fn error(&self, id: &str) -> Option<&str> {
        self.problems.iter().find(|(name, _)| name == id).map(|(_, words)| words.as_str())
    }

    fn bad(&self, id: &str) -> &'static str {
        if self.error(id).is_some() { " field--bad" } else { "" }
    }

    fn settings(&self) -> &Settings {
        &self.open.settings
    }

    fn many_topics(&self) -> bool {
        self.settings().topics.len() > MAX_CHOICES
    }

    fn topic_label(&self, topic: &'a settings::Topic) -> &'a str {
        self.open.label(&topic.labels)
    }

    fn consent(&self) -> &str {
        self.open.label(&self.settings().consent)
    }

    fn questions(&self) -> Vec<Question<'_>> {
        let questions = self.settings().fields.iter().map(|field| Question {
            id: parse::input_name(&field.key),
            kind: field.kind,
            label: self.open.label(&field.labels),
            help: self.open.label(&field.help),
            required: field.required,
            value: self.values.answer(&field.key),
            options: field.options.iter().map(|option| self.open.label(option)).collect(),
        });
        questions.collect()
    }

    fn pot(&self) -> &'static str {
        POT
    }

    fn respond(&self, status: StatusCode) -> Result<Response> {
        let mut response = render(self)?;
        *response.status_mut() = status;
        Ok(self.open.framed(response))
    }
}

/// An empty form.
pub(super) async fn show(
    State(app): State<App>,
    Path(slug): Path<String>,
    Query(query): Query<FormQuery>,
    client: Client,
    headers: HeaderMap,
) -> Result<Response> {
    if limits::check(&app.keys, Limit::Views, &client.network()).is_err() {
        return visitors::too_many(&Frame::for_browser(&app, &client.accept_language).await?);
    }
    let mut open = match Open::find(&app, slug, &query, &client).await? {
        Ok(open) => open,
        Err(response) => return Ok(response),
    };
    let page = match parse::page_url(&query.page) {
        page if !page.is_empty() => page,
        _ => referer(&app, &headers),
    };
    open.frame.languages =
        open.settings.offered().iter().map(|&language| LanguageLink { language, href: open.address("", language, &page) }).collect();
    let stamp = Stamp::mint(&app.keys, &open.scope(), Ts::now());
    let country = calls::country(&mut *app.db.acquire().await?).await?;
    let call = CallWish::guess(&client.accept_language, &country, &query.zone);
    let values = Submission { page, call, ..empty(open.frame.language) };
    FormPage::new(&app, &open, stamp, values).with_calls(&app).await?.respond(StatusCode::OK)
}

fn empty(language: Language) -> Submission {
    Submission {
        id: String::new(),
        language,
        page: String::new(),
        name: String::new(),
        email: String::new(),
        order: String::new(),
        topic: String::new(),
        message: String::new(),
        answers: Vec::new(),
        consent: false,
        files: Vec::new(),
        call: CallWish::default(),
        pot: String::new(),
    }
}

/// The page that led here, unless it is one of the form's own.
fn referer(app: &App, headers: &HeaderMap) -> String {
    let referer = headers.get(header::REFERER).and_then(|value| value.to_str().ok()).map(parse::page_url).unwrap_or_default();
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let ours = [format!("{}/", app.config.public_url()), format!("http://{host}/"), format!("https://{host}/")];
    let own = ours.iter().any(|base| referer.strip_prefix(base.as_str()).is_some_and(|path| !path.starts_with("demo")));
    if own { String::new() } else { referer }
}

/// A form that was sent: becomes a ticket, or is shown again with what is wrong and everything that was typed.
pub(super) async fn send(
    State(app): State<App>,
    Path(slug): Path<String>,
    Query(query): Query<FormQuery>,
    client: Client,
    request: Request,
) -> Result<Response> {
    let open = match Open::find(&app, slug, &query, &client).await? {
        Ok(open) => open,
        Err(response) => return Ok(response),
    };
    match accept(&app, &open, &client, request).await {
        Ok(response) => Ok(response),
        Err(error) => Ok(open.framed(visitors::our_fault(&open.frame, error)?)),
    }
}

async fn accept(app: &App, open: &Open, client: &Client, request: Request) -> Result<Response> {
    let frame = &open.frame;
    let mut parts = match Parts::from_request(request, app).await {
        Ok(parts) => parts,
        Err(_) => return Ok(open.framed(visitors::too_large(frame)?)),
    };
    let now = Ts::now();
    let sent = Stamp { id: parts.text("form").to_owned(), at: parts.text("stamp").to_owned() };
    let verdict = sent.check(&app.keys, &open.scope(), now);
    if verdict != Verdict::Forged
        && let Some(ticket) = receive::find_sent(app, &open.channel, &sent.id).await?
    {
        return Ok(to_receipt(app, open, ticket, parts.text("zone")));
    }
    // The stamp that the form carries if it has to be shown once more.
    let again = match verdict {
        Verdict::Good | Verdict::TooFast => sent.clone(),
        Verdict::Expired => Stamp::renew(&app.keys, &open.scope(), sent.id.clone(), now),
        Verdict::Forged => Stamp::mint(&app.keys, &open.scope(), now),
    };
    let within = limits::check(&app.keys, Limit::Network, &client.network()).is_ok();
    if !within || !open.settings.files {
        // Nothing is written to disk for whoever floods us.
        parts.files.clear();
        parts.refused.clear();
    }
    let (files, file_problem) = kept::collect(app, &parts, frame).await?;
    let values = Submission::read(&parts, &open.settings, frame.language, again.id.clone(), files);
    let mut problems = values.problems(&open.settings, frame);
    if let Some(words) = file_problem {
        problems.push(("files".to_owned(), words));
    }
    if values.call.wanted() {
        problems.extend(call_problems(app, frame, &values.call, now).await?);
    }
    let (status, notice) =
        if !within || (problems.is_empty() && limits::check(&app.keys, Limit::Address, &values.email.to_lowercase()).is_err()) {
            (StatusCode::TOO_MANY_REQUESTS, Some("error-rate-limit"))
        } else {
            match verdict {
                Verdict::Good => (StatusCode::UNPROCESSABLE_ENTITY, None),
                Verdict::TooFast => (StatusCode::UNPROCESSABLE_ENTITY, Some("error-too-fast")),
                Verdict::Expired | Verdict::Forged => (StatusCode::UNPROCESSABLE_ENTITY, Some("error-expired")),
            }
        };
    if notice.is_some() || !problems.is_empty() {
        let mut page = FormPage::new(app, open, again, values).with_calls(app).await?;
        page.problems = problems;
        page.notice = notice.map(|key| frame.text(key));
        let mut response = page.respond(status)?;
        if status == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("120"));
        }
        return Ok(response);
    }
    let received = receive::submit(app, &open.channel, &values).await.map_err(|error| match error {
        ProcessError::Database(error) => Error::from(error),
        error @ ProcessError::Unreadable(_) => Error::Internal(error.into()),
    })?;
    Ok(to_receipt(app, open, received.ticket, parts.text("zone")))
}

/// What is wrong with a wish to be called.
async fn call_problems(app: &App, frame: &Frame, wish: &CallWish, now: Ts) -> Result<Vec<(String, String)>> {
    let Some(offer) = Offer::load(app, Some(frame.language.code())).await? else {
        return Ok(vec![("time".to_owned(), frame.text("error-call-taken-none"))]);
    };
    let mut db = app.db.acquire().await?;
    let chooser = Chooser::load(&mut db, frame, &offer, wish, None, now).await?;
    Ok(chooser.problems(frame, wish, now))
}

fn to_receipt(app: &App, open: &Open, ticket: TicketId, zone: &str) -> Response {
    let rest = format!("/sent/{}", tickets::link_token(&app.keys, ticket));
    let mut address = open.address(&rest, open.frame.language, "");
    if let Some(zone) = TimeZone::get(zone).ok().as_ref().and_then(TimeZone::iana_name) {
        address = format!("{address}&{}", url::form_urlencoded::Serializer::new(String::new()).append_pair("zone", zone).finish());
    }
    open.framed(Redirect::to(&address).into_response())
}

#[derive(Template)]
#[template(path = "channels/form/receipt.html")]
struct ReceiptPage<'a> {
    frame: &'a Frame,
    name: String,
    number: String,
    email: String,
    /// A receipt by mail is on its way.
    mailed: bool,
    link: String,
    another: String,
    /// When an answer can be expected; empty: as soon as it can be.
    wait: String,
    /// When and where we call; empty: no call is owed.
    call: String,
}

/// What a customer sees after sending; the same at every reload.
pub(super) async fn receipt(
    State(app): State<App>,
    Path((slug, token)): Path<(String, String)>,
    Query(query): Query<FormQuery>,
    client: Client,
) -> Result<Response> {
    let open = match Open::find(&app, slug, &query, &client).await? {
        Ok(open) => open,
        Err(response) => return Ok(response),
    };
    let mut db = app.db.acquire().await?;
    let ticket = match tickets::parse_link_token(&app.keys, &token) {
        Some(id) => tickets::find(&mut db, id).await?.filter(|ticket| ticket.channel_id == open.channel.id),
        None => None,
    };
    let Some(ticket) = ticket else { return Ok(open.framed(visitors::not_found(&open.frame)?)) };
    let contact = contacts::find(&mut db, ticket.contact_id).await?;
    let to = recipients::of_customer(&mut db, &ticket).await?.to.into_iter().next();
    let call = call_backs::open_of(&mut db, ticket.id).await?;
    let mailed = open.settings.acknowledge && ticket.status != Status::Spam && reply::way_out(&mut db, &ticket).await?.is_some();
    drop(db);
    let now = Ts::now();
    let place = match TimeZone::get(&query.zone) {
        Ok(own) => Place::Own(own),
        Err(_) => Place::Named(open.frame.time_zone.clone()),
    };
    let call = call.map(|call| {
        let slot = Slot { from: call.from_at, until: call.until_at };
        let when = words::when(open.frame.language, slot, &place, now);
        open.frame.with_two("call-back-sent-when", ("when", &when), ("phone", &phones::spaced(&call.phone)))
    });
    let wait = waits::of_ticket(&app, ticket.id, now).await?;
    let page = ReceiptPage {
        frame: &open.frame,
        call: call.unwrap_or_default(),
        wait: wait.map(|wait| waits::wait_words(open.frame.language, &wait, &place, now)).unwrap_or_default(),
        name: contact.map(|contact| contact.name).unwrap_or_default(),
        number: ticket.id.to_string(),
        email: to.map(|to| to.address).unwrap_or_default(),
        mailed,
        link: format!("{}?lang={}", tickets::link(&app, ticket.id), open.frame.language),
        another: open.address("", open.frame.language, ""),
    };
    Ok(open.framed(render(&page)?))
}
