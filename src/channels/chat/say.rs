//! A visitor says something: the one way in, whichever way it is to be answered.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::channels::chat::caller::{Body, Caller, Refusal, Refused};
use crate::channels::chat::calls::{self, Ask, NotBooked};
use crate::channels::chat::settings::Before;
use crate::channels::chat::views::{self, AvailabilityView, ChatView, VisitorView};
use crate::clock::Ts;
use crate::database::is_crossing;
use crate::desk::changes::Change;
use crate::desk::chats::availability::{self, Availability};
use crate::desk::chats::{self, Chat};
use crate::desk::directory;
use crate::desk::envelope::{Address, Envelope, Incoming};
use crate::desk::files;
use crate::desk::kinds::{ChatState, Status};
use crate::desk::tickets::receive::{self, Origin, Outcome};
use crate::desk::tickets::reply::ReplyError;
use crate::desk::visitors::{self, Browser, Introduction, Visitor};
use crate::http::visitors::limits::{self, Limit};
use crate::i18n::{self, Language};
use crate::ids::{MessageId, TicketId, VisitorUploadId};
use crate::text;

/// The longest message, in characters.
const MAX_TEXT: usize = 5_000;
/// The longest answer to a question of the short form, in characters.
const MAX_ANSWER: usize = 200;
/// The most that page and context may weigh each, as JSON in bytes.
pub const MAX_FACTS: usize = 4096;
/// New visitors per hour from one network; a school or an office shares one.
const MAX_VISITORS: i64 = 60;
/// Attempts at one transaction that others may cross.
const ATTEMPTS: u32 = 4;

/// How the visitor wants to be answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    #[default]
    Chat,
    Email,
    Callback,
}

/// What the frame sends.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Said {
    id: String,
    text: String,
    files: Vec<i64>,
    mode: Mode,
    name: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    /// When to call, as [`calls::times`] names it.
    time: Option<String>,
    order: Option<String>,
    topic: Option<String>,
    consent: Option<bool>,
    time_zone: Option<String>,
    page: Option<Value>,
    context: Option<Value>,
    greeting: Option<String>,
}

/// What the short form said, checked.
#[derive(Debug, Default)]
pub struct Who {
    pub name: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
}

impl Who {
    /// Checks what is there.
    pub fn check(name: Option<&str>, email: Option<&str>, phone: Option<&str>) -> Result<Self, Refusal> {
        let short =
            |text: Option<&str>| text.map(str::trim).filter(|text| !text.is_empty()).map(|text| text::excerpts::excerpt(text, MAX_ANSWER));
        let email = match short(email) {
            Some(email) if text::addresses::is_address(&email) => Some(email.to_lowercase()),
            Some(_) => return Err(Refusal::Invalid("email")),
            None => None,
        };
        let phone = match short(phone) {
            Some(phone) if is_phone(&phone) => Some(phone),
            Some(_) => return Err(Refusal::Invalid("phone")),
            None => None,
        };
        Ok(Self { name: short(name), email, phone })
    }

    fn is_empty(&self) -> bool {
        self.introduction().is_empty()
    }

    /// As the desk takes it.
    pub fn introduction(&self) -> Introduction<'_> {
        Introduction { name: self.name.as_deref(), email: self.email.as_deref(), phone: self.phone.as_deref(), verified_id: None }
    }
}

/// Digits as people write them, five at least.
fn is_phone(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    (5..=15).contains(&digits) && text.chars().all(|c| c.is_ascii_digit() || " +-./()".contains(c))
}

/// Facts about the page or the cart, if they are not too many.
pub fn facts(value: Option<&Value>) -> Option<&Value> {
    value.filter(|value| value.is_object() && value.to_string().len() <= MAX_FACTS)
}

pub async fn send(State(app): State<App>, caller: Caller, Body(said): Body<Said>) -> Result<Response, Refused> {
    caller.limit(&app, Limit::Words)?;
    if caller.visitor.as_ref().is_some_and(|visitor| visitor.blocked) {
        return Err(caller.refuse(Refusal::Blocked));
    }
    let mut who = check(&app, &caller, &said).map_err(|refusal| caller.refuse(refusal))?;
    if let Some(phone) = who.phone.as_mut().filter(|_| said.mode == Mode::Callback) {
        *phone = calls::dialled(&app, &caller, phone).await?;
    }
    // Who is there matters when a chat begins; one that goes on needs no asking.
    let mut open = goes_on(&app, &caller).await.map_err(|error| caller.failed(error))?;
    let mut attempt = 1;
    loop {
        let availability = if open { None } else { Some(find_out(&app, &caller).await.map_err(|error| caller.failed(error))?) };
        match keep(&app, &caller, &said, &who, availability.as_ref()).await {
            Ok(kept) => return answer(&app, &caller, kept).await.map_err(|error| caller.failed(error)),
            Err(NotKept::Refused(refusal)) => return Err(caller.refuse(refusal)),
            // It ended a moment ago.
            Err(NotKept::Begins) => open = false,
            // Another tab, or the same message once more.
            Err(NotKept::Failed(ReplyError::Database(error))) if attempt < ATTEMPTS && is_crossing(&error) => {
                attempt += 1;
                tokio::time::sleep(std::time::Duration::from_millis(rand::random_range(5..50))).await;
            }
            Err(NotKept::Failed(error)) => return Err(caller.failed(error)),
        }
    }
}

async fn find_out(app: &App, caller: &Caller) -> sqlx::Result<Availability> {
    availability::find_out(app, &caller.asked(), Ts::now()).await
}

/// Whether the visitor's chat is open.
async fn goes_on(app: &App, caller: &Caller) -> sqlx::Result<bool> {
    let Some(visitor) = &caller.visitor else { return Ok(false) };
    let mut db = app.db.acquire().await?;
    Ok(chats::state_of_visitor(&mut db, visitor.id).await?.is_some_and(ChatState::is_open))
}

fn check(app: &App, caller: &Caller, said: &Said) -> Result<Who, Refusal> {
    let plain_id = (8..=64).contains(&said.id.len()) && said.id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !plain_id || (said.text.trim().is_empty() && said.files.is_empty()) || said.text.chars().count() > MAX_TEXT {
        return Err(Refusal::Invalid("text"));
    }
    if said.files.len() > files::MAX_FILES {
        return Err(Refusal::Invalid("files"));
    }
    let who = Who::check(said.name.as_deref(), said.email.as_deref(), said.phone.as_deref())?;
    let known = caller.visitor.as_ref();
    let email = who.email.as_deref().or(known.and_then(|visitor| visitor.email.as_deref()));
    let phone = who.phone.as_deref().or(known.and_then(|visitor| visitor.phone.as_deref()));
    if said.mode == Mode::Email && email.is_none() {
        return Err(Refusal::Invalid("email"));
    }
    if said.mode == Mode::Callback && phone.is_none() {
        return Err(Refusal::Invalid("phone"));
    }
    if let Some(email) = &who.email {
        limits::check(&app.keys, Limit::Address, email).map_err(Refusal::TooMany)?;
    }
    if said.mode == Mode::Callback && !caller.chat.settings.callback {
        return Err(Refusal::Invalid("time"));
    }
    let settings = &caller.chat.settings;
    if known.is_none() {
        limits::check(&app.keys, Limit::Network, &caller.client.network()).map_err(Refusal::TooMany)?;
        let asks = |field| settings.before == Before::Required && settings.fields.contains(&field);
        if asks(crate::channels::chat::settings::Field::Name) && who.name.is_none() {
            return Err(Refusal::Invalid("name"));
        }
        if asks(crate::channels::chat::settings::Field::Email) && email.is_none() {
            return Err(Refusal::Invalid("email"));
        }
        if !settings.consent.is_empty() && said.consent != Some(true) {
            return Err(Refusal::Invalid("consent"));
        }
    }
    Ok(who)
}

/// What became of a message.
struct Kept {
    token: Option<String>,
    visitor: Visitor,
    ticket: TicketId,
    message: MessageId,
    new: bool,
}

enum NotKept {
    Refused(Refusal),
    /// No chat is open any more: whether a new one may begin has to be found out first.
    Begins,
    Failed(ReplyError),
}

impl From<sqlx::Error> for NotKept {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl From<ReplyError> for NotKept {
    fn from(error: ReplyError) -> Self {
        Self::Failed(error)
    }
}

/// One transaction: the visitor, their contact, the message, its ticket, and who is rung for it.
/// `availability` is not asked for while a chat goes on.
async fn keep(app: &App, caller: &Caller, said: &Said, who: &Who, availability: Option<&Availability>) -> Result<Kept, NotKept> {
    let channel = &caller.chat.channel;
    let provider_id = views::provider_id(&said.id);
    let now = Ts::now();
    let mut change = Change::begin(app).await?;
    if let Some((ticket, message)) = receive::find_duplicate(&mut change, channel, &provider_id).await? {
        return known_already(change, caller, ticket, message).await;
    }
    let (visitor, token) = visitor(&mut change, caller, said).await?;
    let (page, context) = (facts(said.page.as_ref()), facts(said.context.as_ref()));
    let visitor = visitors::note(&mut change, visitor.id, page, context).await?;
    let contact = visitors::introduce(&mut change, &visitor, &who.introduction()).await?;

    let last = match chats::last_of_visitor(&mut change, visitor.id).await? {
        Some(ticket) => chats::lock(&mut change, ticket).await?,
        None => None,
    };
    let last = last.filter(|(ticket, chat)| chat.is_open() || !matches!(ticket.status, Status::Solved | Status::Spam));
    let open = last.as_ref().is_some_and(|(_, chat)| chat.is_open());
    let promise = match availability {
        None if !open => return Err(NotKept::Begins),
        None => None,
        Some(availability) => {
            // It may have changed since they began to type.
            let goes_on_by_mail = last.as_ref().is_some_and(|(_, chat)| chat.state == ChatState::Mail) && visitor.email.is_some();
            if said.mode == Mode::Chat && !open && !availability.is_open() && !goes_on_by_mail {
                let directory = directory::get(app).await?;
                let truth = AvailabilityView::new(availability, &caller.chat, &directory, caller.language.code());
                let truth = serde_json::to_value(truth).map_err(|error| sqlx::Error::Encode(error.into()))?;
                return Err(NotKept::Refused(Refusal::Unavailable(Box::new(truth))));
            }
            availability.is_open().then(|| availability.promise())
        }
    };
    let taken =
        visitors::take_uploads(&mut change, visitor.id, &said.files.iter().copied().map(VisitorUploadId).collect::<Vec<_>>()).await?;
    if taken.len() != said.files.len() {
        return Err(NotKept::Refused(Refusal::Invalid("files")));
    }
    let visitor = if who.is_empty() { visitor } else { visitors::find(&mut change, visitor.id).await?.ok_or(sqlx::Error::RowNotFound)? };
    let incoming = incoming(app, caller, said, &visitor, provider_id).await?;
    let mut channel = channel.clone();
    if let Some(team) = said.topic.as_deref().and_then(|key| caller.chat.settings.topics.iter().find(|topic| topic.key == key)?.team) {
        channel.team_id = Some(team);
    }
    let origin = Origin {
        channel: &channel,
        delivery: None,
        files: &taken,
        ticket: last.as_ref().map(|(ticket, _)| ticket.id),
        contact: Some(contact),
        // Whoever is called gets a letter with the time.
        acknowledge: said.mode == Mode::Email && visitor.email.is_some(),
    };
    let received = receive::receive(&mut change, &origin, &incoming).await?;
    let ticket = received.ticket;
    let created = received.outcome == Outcome::Created;
    match said.mode {
        Mode::Chat if created => chats::start(&mut change, ticket, channel.id, visitor.id, promise.unwrap_or(chats::ANSWER), now).await?,
        Mode::Chat => match last {
            Some((ticket, chat)) => chats::hear_in(&mut change, &ticket, chat, promise, now).await?,
            None => chats::hear(&mut change, ticket, promise, now).await?,
        },
        Mode::Email | Mode::Callback => {
            if created {
                chats::leave_word(&mut change, ticket, channel.id, visitor.id, now).await?;
            } else if open {
                chats::choose(&mut change, ticket, &chats::Way::Email, now).await?;
            } else {
                chats::hear(&mut change, ticket, None, now).await?;
            }
            if let (Mode::Callback, Some(phone)) = (said.mode, &visitor.phone) {
                let booked =
                    calls::book(&mut change, caller, &visitor, &Ask { ticket, phone, time: said.time.as_deref(), note: &said.text }, now)
                        .await;
                booked.map_err(|error| match error {
                    NotBooked::Taken => NotKept::Refused(Refusal::Invalid("time")),
                    NotBooked::Database(error) => error.into(),
                })?;
            }
        }
    }
    change.commit().await?;
    Ok(Kept { token, visitor, ticket, message: received.message, new: true })
}

/// The caller's visitor, or a new one with the token that the browser will keep.
async fn visitor(change: &mut Change, caller: &Caller, said: &Said) -> Result<(Visitor, Option<String>), NotKept> {
    if let Some(visitor) = &caller.visitor {
        return Ok((visitor.clone(), None));
    }
    let (visitor, token) = new_visitor(change, caller, said.time_zone.as_deref()).await?;
    Ok((visitor, Some(token)))
}

/// Makes a visitor, unless their network made too many.
pub async fn new_visitor(change: &mut Change, caller: &Caller, time_zone: Option<&str>) -> Result<(Visitor, String), Either> {
    let network = caller.client.network();
    if visitors::made_last_hour(change, &network).await? >= MAX_VISITORS {
        return Err(Either::Refused(Refusal::TooMany(600)));
    }
    let browser = Browser {
        language: Some(caller.language.code()),
        time_zone: time_zone.filter(|zone| jiff::tz::TimeZone::get(zone).is_ok()),
        user_agent: caller.client.user_agent.get(..300).unwrap_or(&caller.client.user_agent),
        ip: &network,
    };
    let (id, token) = visitors::create(change, caller.chat.channel.id, &browser).await?;
    let visitor = visitors::find(change, id).await?.ok_or(sqlx::Error::RowNotFound)?;
    Ok((visitor, token))
}

/// A refusal, or the database's error.
pub enum Either {
    Refused(Refusal),
    Database(sqlx::Error),
}

impl From<sqlx::Error> for Either {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl From<Either> for NotKept {
    fn from(either: Either) -> Self {
        match either {
            Either::Refused(refusal) => Self::Refused(refusal),
            Either::Database(error) => error.into(),
        }
    }
}

/// The same message once more: its answer got lost on the way. Whoever knows its id wrote it, so a browser that never heard its token
/// gets another.
async fn known_already(mut change: Change, caller: &Caller, ticket: TicketId, message: MessageId) -> Result<Kept, NotKept> {
    let chat = chats::find(&mut change, ticket).await?.ok_or(sqlx::Error::RowNotFound)?;
    let visitor = visitors::find(&mut change, chat.visitor_id).await?.ok_or(sqlx::Error::RowNotFound)?;
    let token = match &caller.visitor {
        Some(known) if known.id == visitor.id => None,
        Some(_) => return Err(NotKept::Refused(Refusal::Invalid("text"))),
        None => Some(visitors::renew_token(&mut change, visitor.id).await?),
    };
    change.commit().await?;
    Ok(Kept { token, visitor, ticket, message, new: false })
}

/// The message as the desk takes it.
async fn incoming(app: &App, caller: &Caller, said: &Said, visitor: &Visitor, provider_id: String) -> sqlx::Result<Incoming> {
    let language = Language::from_code(&directory::get(app).await?.shop.language).unwrap_or(Language::En);
    let body = said.text.trim().to_owned();
    let subject = match text::excerpts::excerpt(&body, 70) {
        subject if subject.is_empty() => i18n::text(language, "chat-subject"),
        subject => subject,
    };
    let address = Address { name: visitor.name.clone(), address: visitor.email.clone().unwrap_or_default() };
    let mut details = Vec::new();
    let mut add = |key: &str, value: Option<&str>| {
        if let Some(value) = value.map(str::trim).filter(|value| !value.is_empty()) {
            details.push((i18n::text(language, key), text::excerpts::excerpt(value, 500)));
        }
    };
    let page = facts(said.page.as_ref()).unwrap_or(&visitor.page);
    add("chat-detail-order", said.order.as_deref());
    let topic = said.topic.as_deref().and_then(|key| caller.chat.settings.topics.iter().find(|topic| topic.key == key));
    add("chat-detail-topic", topic.map(|topic| topic.labels.get(language, language)));
    add("chat-detail-product", page.pointer("/product/name").and_then(Value::as_str));
    add("chat-detail-page", page.get("url").and_then(Value::as_str));
    add("chat-detail-phone", if said.mode == Mode::Callback { visitor.phone.as_deref() } else { None });
    add("chat-detail-greeting", said.greeting.as_deref());
    let detected = text::languages::detect(&body).map(str::to_owned);
    Ok(Incoming {
        provider_id,
        from: address.clone(),
        subject,
        body,
        // A word or two tell a language badly; what the page speaks tells it well.
        language: if said.text.chars().count() < 40 {
            Some(caller.language.code().to_owned())
        } else {
            detected.or(visitor.language.clone())
        },
        envelope: Envelope { from: Some(address).filter(|address| !address.address.is_empty()), ..Envelope::default() },
        details,
        ..Incoming::default()
    })
}

async fn answer(app: &App, caller: &Caller, kept: Kept) -> Result<Response, ReplyError> {
    let mut db = app.db.acquire().await.map_err(ReplyError::Database)?;
    let words = chats::words_after(&mut db, kept.ticket, MessageId(kept.message.0 - 1), 1).await?;
    let message = views::messages(app, &mut db, caller, kept.visitor.id, words).await?.pop();
    let chat = chats::find(&mut db, kept.ticket)
        .await?
        .filter(|chat: &Chat| chat.visitor_id == kept.visitor.id)
        .ok_or(sqlx::Error::RowNotFound)?;
    let chat = ChatView::load(app, &mut db, caller, &chat).await?;
    let mut body = json!({ "message": message, "chat": chat, "visitor": VisitorView::from(&kept.visitor) });
    if let Some(token) = kept.token {
        body["token"] = json!(token);
    }
    Ok((if kept.new { StatusCode::CREATED } else { StatusCode::OK }, Json(body)).into_response())
}
