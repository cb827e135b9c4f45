//! Everything that a visitor's screen does besides speaking.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::channels::chat::caller::{Body, Caller, Refusal, Refused};
use crate::channels::chat::calls::{self, Ask, NotBooked};
use crate::channels::chat::say::{self, Either, Who, facts};
use crate::channels::chat::settings::Secrets;
use crate::channels::chat::views::{self, AvailabilityView, ChatView, VisitorView};
use crate::clock::Ts;
use crate::desk::changes::Change;
use crate::desk::chats::availability;
use crate::desk::chats::{self, Chat, Way, Word};
use crate::desk::directory;
use crate::desk::envelope::Address;
use crate::desk::events::ChatEnd;
use crate::desk::tickets::{self, reply};
use crate::desk::visitors::{self, Introduction, Visitor};
use crate::http::Query;
use crate::http::visitors::limits::{self, Limit};
use crate::i18n::{self, Value as Text};
use crate::ids::{MessageId, TicketId};
use crate::live::{Hands, Signal};
use crate::secrets;
use crate::text;

/// Messages of one page of the history.
const PAGE: i64 = 50;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Hello {
    page: Option<Value>,
    context: Option<Value>,
}

/// What an opening widget shows: the truth, and what was said before.
pub async fn hello(State(app): State<App>, caller: Caller, Body(hello): Body<Hello>) -> Result<Json<Value>, Refused> {
    caller.limit(&app, Limit::Marks)?;
    greet(&app, &caller, &hello).await.map(Json).map_err(|error| caller.failed(error))
}

async fn greet(app: &App, caller: &Caller, hello: &Hello) -> sqlx::Result<Value> {
    let availability = AvailabilityView::load(app, caller).await?;
    let Some(visitor) = &caller.visitor else {
        return Ok(json!({ "visitor": null, "availability": availability, "chat": null, "messages": [], "more": false }));
    };
    let mut db = app.db.acquire().await?;
    visitors::note(&mut db, visitor.id, facts(hello.page.as_ref()), facts(hello.context.as_ref())).await?;
    let mut words = chats::words_before(&mut db, visitor.id, None, PAGE + 1).await?;
    let more = cut(&mut words);
    let messages = views::messages(app, &mut db, caller, visitor.id, words).await?;
    let chat = current(app, &mut db, caller, visitor).await?;
    Ok(json!({ "visitor": VisitorView::from(visitor), "availability": availability, "chat": chat, "messages": messages, "more": more }))
}

/// Whether there are more than a page; the rest is cut off.
fn cut(words: &mut Vec<Word>) -> bool {
    let more = words.len() > usize::try_from(PAGE).unwrap_or(0);
    if more {
        words.remove(0);
    }
    more
}

/// The visitor's newest conversation, as they see it.
pub async fn current(app: &App, db: &mut sqlx::PgConnection, caller: &Caller, visitor: &Visitor) -> sqlx::Result<Option<ChatView>> {
    let Some(ticket) = chats::last_of_visitor(db, visitor.id).await? else { return Ok(None) };
    let Some(chat) = chats::find(db, ticket).await? else { return Ok(None) };
    ChatView::load(app, db, caller, &chat).await.map(Some)
}

#[derive(Debug, Deserialize)]
pub struct Before {
    before: i64,
}

pub async fn history(State(app): State<App>, caller: Caller, Query(query): Query<Before>) -> Result<Json<Value>, Refused> {
    caller.limit(&app, Limit::Marks)?;
    let visitor = caller.known()?;
    let load = async {
        let mut db = app.db.acquire().await?;
        let mut words = chats::words_before(&mut db, visitor.id, Some(MessageId(query.before)), PAGE + 1).await?;
        let more = cut(&mut words);
        let messages = views::messages(&app, &mut db, &caller, visitor.id, words).await?;
        Ok::<_, sqlx::Error>(json!({ "messages": messages, "more": more }))
    };
    load.await.map(Json).map_err(|error| caller.failed(error))
}

/// The conversation that a request is about: the visitor's newest.
async fn conversation(app: &App, caller: &Caller) -> Result<TicketId, Refused> {
    hands(app, caller).await.map(|(ticket, _)| ticket)
}

/// The same, with those whom its words concern.
async fn hands(app: &App, caller: &Caller) -> Result<(TicketId, Hands), Refused> {
    let visitor = caller.known()?;
    let find = async {
        let mut db = app.db.acquire().await?;
        chats::hands_of_visitor(&mut db, visitor.id).await
    };
    find.await.map_err(|error| caller.failed(error))?.ok_or_else(|| caller.refuse(Refusal::NotFound))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Typing {
    text: String,
}

pub async fn typing(State(app): State<App>, caller: Caller, Body(typing): Body<Typing>) -> Result<StatusCode, Refused> {
    caller.limit(&app, Limit::Marks)?;
    let (ticket, hands) = hands(&app, &caller).await?;
    if !caller.known()?.blocked {
        app.live.announce(Signal::writing(ticket, hands, &typing.text));
    }
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Seen {
    delivered: i64,
    read: i64,
}

pub async fn seen(State(app): State<App>, caller: Caller, Body(seen): Body<Seen>) -> Result<StatusCode, Refused> {
    caller.limit(&app, Limit::Marks)?;
    let ticket = conversation(&app, &caller).await?;
    let note = async {
        let mut change = Change::begin(&app).await?;
        chats::visitor_seen(&mut change, ticket, MessageId(seen.delivered), MessageId(seen.read)).await?;
        change.commit().await
    };
    note.await.map_err(|error| caller.failed(error))?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn page(State(app): State<App>, caller: Caller, Body(hello): Body<Hello>) -> Result<StatusCode, Refused> {
    caller.limit(&app, Limit::Marks)?;
    let visitor = caller.known()?;
    let note = async {
        let mut change = Change::begin(&app).await?;
        visitors::note(&mut change, visitor.id, facts(hello.page.as_ref()), facts(hello.context.as_ref())).await?;
        if let Some((ticket, hands)) = chats::hands_of_visitor(&mut change, visitor.id).await? {
            change.touch_chat(ticket, hands);
        }
        change.commit().await
    };
    note.await.map_err(|error| caller.failed(error))?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Identity {
    id: Option<Value>,
    email: Option<String>,
    name: Option<String>,
    phone: Option<String>,
    hash: Option<String>,
}

impl Identity {
    /// The shop's own id for its customer; shops write it as text or as a number.
    fn id(&self) -> Option<String> {
        let id = match self.id.as_ref()? {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        (!id.is_empty() && id.len() <= 200).then_some(id)
    }
}

/// The shop or the visitor says who they are. Signed, it is believed; and another customer in the same browser starts afresh.
pub async fn identify(State(app): State<App>, caller: Caller, Body(identity): Body<Identity>) -> Result<Json<Value>, Refused> {
    caller.limit(&app, Limit::Marks)?;
    let who = Who::check(identity.name.as_deref(), identity.email.as_deref(), identity.phone.as_deref())
        .map_err(|refusal| caller.refuse(refusal))?;
    let verified_id = match &identity.hash {
        None => None,
        Some(hash) => {
            let subject = identity.id().or(who.email.clone()).ok_or_else(|| caller.refuse(Refusal::Invalid("hash")))?;
            let secret = caller.chat.channel.secrets::<Secrets>(&app.keys).identity;
            if !secrets::is_signed(&secret, &subject, hash) {
                return Err(caller.refuse(Refusal::Invalid("hash")));
            }
            Some(subject)
        }
    };
    let introduce = async {
        let mut change = Change::begin(&app).await?;
        let same = |visitor: &&Visitor| visitor.verified_id.is_none() || verified_id.is_none() || visitor.verified_id == verified_id;
        let (visitor, token) = match caller.visitor.as_ref().filter(same) {
            Some(visitor) => (visitor.clone(), None),
            None => say::new_visitor(&mut change, &caller, None).await.map(|(visitor, token)| (visitor, Some(token)))?,
        };
        let introduction = Introduction { verified_id: verified_id.as_deref(), ..who.introduction() };
        visitors::introduce(&mut change, &visitor, &introduction).await?;
        change.touch_visitor(visitor.id);
        let visitor = visitors::find(&mut change, visitor.id).await?.ok_or(sqlx::Error::RowNotFound)?;
        change.commit().await?;
        let mut body = json!({ "visitor": VisitorView::from(&visitor) });
        if let Some(token) = token {
            body["token"] = json!(token);
        }
        Ok::<_, Either>(body)
    };
    introduce.await.map(Json).map_err(|error| match error {
        Either::Refused(refusal) => caller.refuse(refusal),
        Either::Database(error) => caller.failed(error),
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ChosenWay {
    Wait,
    Email,
    Callback,
}

#[derive(Debug, Deserialize)]
pub struct Choice {
    way: ChosenWay,
    email: Option<String>,
    phone: Option<String>,
    /// When to call, as [`calls::times`] names it.
    time: Option<String>,
}

/// We are late, and the visitor says how they want to go on.
pub async fn choose(State(app): State<App>, caller: Caller, Body(choice): Body<Choice>) -> Result<Json<Value>, Refused> {
    caller.limit(&app, Limit::Marks)?;
    let visitor = caller.known()?;
    let mut who = Who::check(None, choice.email.as_deref(), choice.phone.as_deref()).map_err(|refusal| caller.refuse(refusal))?;
    if let Some(phone) = who.phone.as_mut().filter(|_| choice.way == ChosenWay::Callback) {
        *phone = calls::dialled(&app, &caller, phone).await?;
    }
    let phone = who.phone.clone().or(visitor.phone.clone());
    match choice.way {
        ChosenWay::Email if who.email.is_none() && visitor.email.is_none() => return Err(caller.refuse(Refusal::Invalid("email"))),
        ChosenWay::Callback if phone.is_none() => return Err(caller.refuse(Refusal::Invalid("phone"))),
        _ => {}
    }
    let ticket = conversation(&app, &caller).await?;
    let chosen = async {
        let now = Ts::now();
        let way = match choice.way {
            ChosenWay::Wait => Way::Wait(availability::of(&app, &caller.asked(), now).await?.promise()),
            ChosenWay::Email => Way::Email,
            ChosenWay::Callback => Way::Callback,
        };
        let mut change = Change::begin(&app).await?;
        visitors::lock(&mut change, visitor.id).await?;
        visitors::introduce(&mut change, visitor, &who.introduction()).await?;
        if let (Way::Callback, Some(phone)) = (&way, &phone) {
            let booked =
                calls::book(&mut change, &caller, visitor, &Ask { ticket, phone, time: choice.time.as_deref(), note: "" }, now).await;
            booked.map_err(|error| match error {
                NotBooked::Taken => Either::Refused(Refusal::Invalid("time")),
                NotBooked::Database(error) => Either::Database(error),
            })?;
        }
        chats::choose(&mut change, ticket, &way, now).await?;
        change.commit().await?;
        let mut db = app.db.acquire().await?;
        let visitor = visitors::find(&mut db, visitor.id).await?.ok_or(sqlx::Error::RowNotFound)?;
        let chat = current(&app, &mut db, &caller, &visitor).await?;
        Ok::<_, Either>(json!({ "chat": chat, "visitor": VisitorView::from(&visitor) }))
    };
    chosen.await.map(Json).map_err(|error| match error {
        Either::Refused(refusal) => caller.refuse(refusal),
        Either::Database(error) => caller.failed(error),
    })
}

pub async fn end(State(app): State<App>, caller: Caller) -> Result<Json<Value>, Refused> {
    caller.limit(&app, Limit::Marks)?;
    let ticket = conversation(&app, &caller).await?;
    let ended = async {
        let mut change = Change::begin(&app).await?;
        chats::end(&mut change, ChatEnd::Visitor, ticket, Ts::now()).await?;
        change.commit().await?;
        let mut db = app.db.acquire().await?;
        let visitor = caller.visitor.as_ref().ok_or(sqlx::Error::RowNotFound)?;
        Ok::<_, sqlx::Error>(json!({ "chat": current(&app, &mut db, &caller, visitor).await? }))
    };
    ended.await.map(Json).map_err(|error| caller.failed(error))
}

#[derive(Debug, Deserialize)]
pub struct Rating {
    stars: i16,
    #[serde(default)]
    comment: String,
}

pub async fn rate(State(app): State<App>, caller: Caller, Body(rating): Body<Rating>) -> Result<StatusCode, Refused> {
    caller.limit(&app, Limit::Marks)?;
    if !(1..=5).contains(&rating.stars) {
        return Err(caller.refuse(Refusal::Invalid("stars")));
    }
    let ticket = conversation(&app, &caller).await?;
    let rated = async {
        let mut change = Change::begin(&app).await?;
        let done = chats::rate(&mut change, ticket, rating.stars, &text::excerpts::excerpt(&rating.comment, 1000)).await?;
        change.commit().await?;
        if done { Ok(()) } else { Err(sqlx::Error::RowNotFound) }
    };
    rated.await.map_err(|error| caller.failed(error))?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize)]
pub struct Transcript {
    email: String,
}

/// Mails what was said. Only once an agent has spoken, and sparingly: the address is one that anybody can type.
pub async fn transcript(State(app): State<App>, caller: Caller, Body(wish): Body<Transcript>) -> Result<StatusCode, Refused> {
    caller.limit(&app, Limit::Marks)?;
    let who = Who::check(None, Some(&wish.email), None).map_err(|refusal| caller.refuse(refusal))?;
    let email = who.email.ok_or_else(|| caller.refuse(Refusal::Invalid("email")))?;
    limits::check(&app.keys, Limit::Address, &email).map_err(|wait| caller.refuse(Refusal::TooMany(wait)))?;
    let id = conversation(&app, &caller).await?;
    let visitor = caller.known()?;
    let send = async {
        let shop = directory::get(&app).await?.shop.shop_name.clone();
        let mut change = Change::begin(&app).await?;
        let (ticket, chat) = chats::lock(&mut change, id).await?.ok_or(sqlx::Error::RowNotFound)?;
        if chat.answered_at.is_none() {
            return Err(sqlx::Error::RowNotFound.into());
        }
        let words = chats::words_after(&mut change, id, MessageId(0), 500).await?;
        let body = written(&app, &caller, visitor, &chat, &shop, &words).await?;
        let to = Address { name: String::new(), address: email };
        reply::transcript(&mut change, &ticket, to, &body, caller.language.code()).await?;
        change.commit().await?;
        Ok::<_, reply::ReplyError>(())
    };
    send.await.map_err(|error| caller.failed(error))?;
    Ok(StatusCode::NO_CONTENT)
}

/// A conversation as a letter.
async fn written(app: &App, caller: &Caller, visitor: &Visitor, chat: &Chat, shop: &str, words: &[Word]) -> sqlx::Result<String> {
    let directory = directory::get(app).await?;
    let zone = visitor.time_zone.as_deref().unwrap_or(&directory.shop.time_zone);
    let zone = jiff::tz::TimeZone::get(zone).unwrap_or(jiff::tz::TimeZone::UTC);
    let day = i18n::long_date(caller.language, &chat.started_at.0.to_zoned(zone.clone()));
    let arguments = [("shop", Text::from(shop.to_owned())), ("date", Text::from(day))];
    let mut letter = i18n::text_with(caller.language, "chat-transcript-intro", &arguments);
    for word in words {
        let who = match (word.inbound, word.agent_id) {
            (true, _) if visitor.name.is_empty() => i18n::text(caller.language, "chat-transcript-you"),
            (true, _) => visitor.name.clone(),
            (false, Some(agent)) => directory.agent(agent).to_owned(),
            (false, None) => shop.to_owned(),
        };
        let at = word.created_at.0.to_zoned(zone.clone()).strftime("%H:%M").to_string();
        letter.push_str(&format!("\n\n{who}, {at}\n{}", word.body.trim_end()));
    }
    letter.push_str(&format!("\n\n{}", tickets::link(app, chat.ticket_id)));
    Ok(letter)
}

#[derive(Debug, Deserialize)]
pub struct Leaving {
    token: String,
}

/// A closing page says good-bye; a beacon cannot carry a header, so the token comes in the body.
pub async fn leave(State(app): State<App>, caller: Caller, Body(leaving): Body<Leaving>) -> Result<StatusCode, Refused> {
    let note = async {
        let mut change = Change::begin(&app).await?;
        if let Some(visitor) = visitors::find_by_token(&mut change, caller.chat.channel.id, &leaving.token).await? {
            visitors::beat(&mut change, visitor.id, true).await?;
            if let Some((ticket, hands)) = chats::hands_of_visitor(&mut change, visitor.id).await? {
                change.touch_chat(ticket, hands);
            }
        }
        change.commit().await
    };
    note.await.map_err(|error| caller.failed(error))?;
    Ok(StatusCode::NO_CONTENT)
}
