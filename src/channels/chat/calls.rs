//! Being called instead of chatting: the times to choose from, and the place that is taken.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::app::App;
use crate::channels::chat::caller::{Caller, Refusal, Refused};
use crate::clock::Ts;
use crate::desk::call_backs::{self, BookError, CallBack, Offer, Slot, Wanted, letters, words};
use crate::desk::calls;
use crate::desk::changes::Change;
use crate::desk::directory::{self, Directory};
use crate::desk::tickets;
use crate::desk::visitors::Visitor;
use crate::desk::waits::Place;
use crate::http::Query;
use crate::http::visitors::Frame;
use crate::http::visitors::calls::{CallWish, Choice, Chooser};
use crate::http::visitors::limits::Limit;
use crate::i18n;
use crate::ids::TicketId;
use crate::text::phones::{self, Country};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct TimesQuery {
    /// The visitor's time zone, as their browser knows it.
    zone: String,
}

/// The times to choose from, by day: `[["Tuesday 24 November", [["1795510800", "15:00–16:00"], …]], …]`. Without any, one that says so
/// and has no value.
pub async fn times(State(app): State<App>, caller: Caller, Query(query): Query<TimesQuery>) -> Result<Json<Value>, Refused> {
    caller.limit(&app, Limit::Marks)?;
    load(&app, &caller, query.zone).await.map(Json).map_err(|error| caller.failed(error))
}

async fn load(app: &App, caller: &Caller, zone: String) -> sqlx::Result<Value> {
    let frame = Frame::load(app, caller.language).await?;
    let wish = CallWish { zone, ..CallWish::default() };
    let Some(offer) = Offer::load(app, Some(caller.language.code())).await? else { return Ok(none(&frame)) };
    let mut db = app.db.acquire().await?;
    let chooser = Chooser::load(&mut db, &frame, &offer, &wish, None, Ts::now()).await?;
    drop(db);
    if chooser.is_empty() {
        return Ok(none(&frame));
    }
    let soon = chooser.soon.as_ref().map(|until| {
        let words = format!("{} (– {until})", frame.text("call-back-soon"));
        json!(["", [["now", words]]])
    });
    let days = chooser.days.iter().map(|day| {
        let times = day.times.iter().map(|time| {
            json!([time.value, if time.theirs.is_empty() { time.label.clone() } else { format!("{} ({})", time.label, time.theirs) }])
        });
        json!([day.name, times.collect::<Vec<_>>()])
    });
    Ok(json!({ "days": soon.into_iter().chain(days).collect::<Vec<_>>() }))
}

fn none(frame: &Frame) -> Value {
    json!({ "days": [["", [["", frame.text("call-back-none")]]]] })
}

/// The number as it is dialled, by where the visitor seems to be, else by where the shop is.
pub async fn dialled(app: &App, caller: &Caller, phone: &str) -> Result<String, Refused> {
    let shop = match app.db.acquire().await {
        Ok(mut db) => calls::country(&mut db).await,
        Err(error) => Err(error),
    };
    let shop = shop.map_err(|error| caller.failed(error))?;
    let zone = caller.visitor.as_ref().and_then(|visitor| visitor.time_zone.as_deref()).unwrap_or_default();
    let country = Country::of_reader(zone, &caller.client.accept_language).or_else(|| Country::of_code(&shop));
    phones::dialled(phone, country).map_err(|_| caller.refuse(Refusal::Invalid("phone")))
}

/// Why no call was promised.
pub enum NotBooked {
    /// The time was taken between look and send, or no call is offered.
    Taken,
    Database(sqlx::Error),
}

impl From<sqlx::Error> for NotBooked {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

/// What a visitor asks for.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    pub ticket: TicketId,
    /// As it is dialled.
    pub phone: &'a str,
    /// What was chosen; a program that does not know of times gets the next one.
    pub time: Option<&'a str>,
    /// What it is about.
    pub note: &'a str,
}

/// Takes the place.
pub async fn book(change: &mut Change, caller: &Caller, visitor: &Visitor, ask: &Ask<'_>, now: Ts) -> Result<(), NotBooked> {
    let Ask { ticket, phone, time, note } = *ask;
    let app = change.app.clone();
    let directory = directory::get_on(&app, change).await?;
    let language = caller.language.code();
    let offer = Offer::of(&directory, Some(language)).ok_or(NotBooked::Taken)?;
    let choice = CallWish { time: time.unwrap_or_default().to_owned(), ..CallWish::default() }.choice();
    let from = match (choice, time) {
        (Some(Choice::Soon), _) => now,
        (Some(Choice::At(at)), _) => at,
        (None, Some(_)) => return Err(NotBooked::Taken),
        (None, None) if offer.now(change, Some(language), now).await?.is_some() => now,
        (None, None) => offer.free(change, Some(ticket), now).await?.first().ok_or(NotBooked::Taken)?.from,
    };
    let wanted =
        Wanted { language: Some(language), time_zone: visitor.time_zone.as_deref(), note, ..Wanted::new(ticket, phone, from, from) };
    call_backs::book(change, &offer, &wanted, now).await.map_err(|error| match error {
        BookError::Taken => NotBooked::Taken,
        BookError::Database(error) => NotBooked::Database(error),
    })?;
    if let (Some(ticket), Some(call)) = (tickets::find(change, ticket).await?, call_backs::open_of(change, ticket).await?) {
        letters::agreed(change, &ticket, &call, now).await?;
    }
    Ok(())
}

/// What the widget says of a call that is owed: "We will call you tomorrow between 15:00 and 16:00 at +39 …".
pub async fn sentence(db: &mut PgConnection, caller: &Caller, directory: &Directory, ticket: TicketId) -> sqlx::Result<Option<String>> {
    Ok(call_backs::open_of(db, ticket).await?.map(|call| words_of(caller, directory, &call)))
}

fn words_of(caller: &Caller, directory: &Directory, call: &CallBack) -> String {
    let own = call.time_zone.as_deref().and_then(|zone| jiff::tz::TimeZone::get(zone).ok());
    let place = own.map_or_else(|| Place::Named(directory.hours.zone.clone()), Place::Own);
    let when = words::when(caller.language, Slot { from: call.from_at, until: call.until_at }, &place, Ts::now());
    let arguments = [("when", i18n::Value::from(when)), ("phone", i18n::Value::from(phones::spaced(&call.phone)))];
    let key = if call.placed { "call-back-sent-when" } else { "call-back-sent-soon" };
    i18n::text_with(caller.language, key, &arguments)
}
