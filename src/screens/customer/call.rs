//! The call on the customer's page: when it is, another time, no call at all.

use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use http::StatusCode;
use sqlx::PgConnection;

use crate::app::App;
use crate::clock::Ts;
use crate::database::is_crossing;
use crate::desk::call_backs::{self, BookError, CallBack, Offer, Slot, Wanted, letters, words};
use crate::desk::changes::{Actor, Change};
use crate::desk::kinds::CallBackState;
use crate::desk::tickets;
use crate::http::client::Client;
use crate::http::multipart::Parts;
use crate::http::visitors;
use crate::http::visitors::calls::{CallWish, Choice, Chooser};
use crate::http::visitors::limits::{self, Limit};
use crate::http::visitors::stamps::Stamp;
use crate::http::{Path, Query, Result};
use crate::screens::customer::page::{PageQuery, TicketPage, respond};
use crate::screens::customer::{Held, gone};
use crate::text::phones;

/// Attempts at one transaction that others may cross.
const ATTEMPTS: u32 = 4;

/// What the page shows of a call.
pub(super) struct Panel {
    /// How it stands, in a sentence.
    pub words: String,
    /// A call is owed.
    pub owed: bool,
    /// The times to choose from; `None`: calls are not offered.
    pub chooser: Option<Chooser>,
    pub wish: CallWish,
    /// The form stands open: something is wrong in it, or it is what to do next.
    pub open: bool,
}

impl Panel {
    /// Reads it; `None` for a request without any call.
    pub(super) async fn load(
        db: &mut PgConnection,
        held: &Held,
        offer: Option<&Offer>,
        wish: Option<CallWish>,
    ) -> sqlx::Result<Option<Self>> {
        let Some(call) = &held.call else { return Ok(None) };
        let now = Ts::now();
        let open = wish.is_some();
        let wish = wish.unwrap_or_else(|| CallWish {
            phone: phones::spaced(&call.phone),
            zone: call.time_zone.clone().unwrap_or_default(),
            ..CallWish::default()
        });
        let chooser = match offer {
            Some(offer) => {
                Some(Chooser::load(db, &held.frame, offer, &wish, Some(held.ticket.id), now).await?).filter(|chooser| !chooser.is_empty())
            }
            None => None,
        };
        let late = call.is_late(now);
        Ok(Some(Self {
            words: standing(held, call, &wish, now),
            owed: call.is_open(),
            open: open || late || call.state == CallBackState::NotReached,
            chooser,
            wish,
        }))
    }
}

fn standing(held: &Held, call: &CallBack, wish: &CallWish, now: Ts) -> String {
    let frame = &held.frame;
    let phone = phones::spaced(&call.phone);
    match call.state {
        CallBackState::Wanted if call.is_late(now) => frame.text("call-back-panel-late"),
        CallBackState::Wanted => {
            let when = words::when(frame.language, Slot { from: call.from_at, until: call.until_at }, &wish.place(frame), now);
            frame.with_two("call-back-sent-when", ("when", &when), ("phone", &phone))
        }
        CallBackState::NotReached => frame.with("call-back-panel-missed", "phone", phone),
        CallBackState::Withdrawn => frame.text("call-back-panel-cancelled"),
        CallBackState::Done => frame.text("call-back-panel-over"),
    }
}

/// The customer chooses another time, or asks for another call.
pub(super) async fn choose(
    State(app): State<App>,
    Path(token): Path<String>,
    Query(query): Query<PageQuery>,
    client: Client,
    parts: Parts,
) -> Result<Response> {
    let Some(held) = Held::find(&app, token, &query.lang, &client).await? else { return gone(&app, &client).await };
    match accept(&app, &held, &client, &parts).await {
        Ok(response) => Ok(response),
        Err(error) => visitors::our_fault(&held.frame, error),
    }
}

async fn accept(app: &App, held: &Held, client: &Client, parts: &Parts) -> Result<Response> {
    let frame = &held.frame;
    let within = limits::check(&app.keys, Limit::Network, &client.network()).is_ok()
        && limits::check(&app.keys, Limit::Answers, &held.ticket.id.to_string()).is_ok();
    if !within {
        return visitors::too_many(frame);
    }
    let now = Ts::now();
    let wish = CallWish::read(parts);
    let mut problems = Vec::new();
    if let Some(offer) = Offer::load(app, None).await? {
        let mut db = app.db.acquire().await?;
        let chooser = Chooser::load(&mut db, frame, &offer, &wish, Some(held.ticket.id), now).await?;
        drop(db);
        problems = chooser.problems(frame, &wish, now);
        if problems.is_empty() {
            match book(app, held, &offer, &wish).await {
                Ok(()) => return Ok(Redirect::to(&held.address("", "done=call")).into_response()),
                Err(BookError::Database(error)) => return Err(error.into()),
                Err(BookError::Taken) => {
                    // Somebody was quicker by a moment: what is free now is proposed.
                    let mut db = app.db.acquire().await?;
                    let chooser = Chooser::load(&mut db, frame, &offer, &wish, Some(held.ticket.id), now).await?;
                    problems.push(("time".to_owned(), chooser.taken(frame, &wish, now)));
                }
            }
        }
    }
    let stamp = Stamp::mint(&app.keys, &held.scope(), now);
    let mut page = TicketPage::load(app, held, None, stamp, Some(wish)).await?;
    if problems.is_empty() {
        page.trouble = Some(frame.text("call-back-closed"));
    }
    page.call_problems = problems;
    respond(&page, StatusCode::UNPROCESSABLE_ENTITY)
}

async fn book(app: &App, held: &Held, offer: &Offer, wish: &CallWish) -> Result<(), BookError> {
    let mut attempt = 1;
    loop {
        match attempt_to_book(app, held, offer, wish, Ts::now()).await {
            Err(BookError::Database(error)) if attempt < ATTEMPTS && is_crossing(&error) => attempt += 1,
            other => return other,
        }
    }
}

async fn attempt_to_book(app: &App, held: &Held, offer: &Offer, wish: &CallWish, now: Ts) -> Result<(), BookError> {
    let phone = wish.dialled().unwrap_or_default();
    let zone = wish.own_zone();
    let from = match wish.choice() {
        Some(Choice::Soon) => now,
        Some(Choice::At(at)) => at,
        None => return Err(BookError::Taken),
    };
    let mut change = Change::begin(app).await?;
    let wanted = Wanted {
        language: Some(held.frame.language.code()),
        time_zone: zone.as_ref().and_then(|zone| zone.iana_name()),
        ..Wanted::new(held.ticket.id, &phone, from, from)
    };
    call_backs::book(&mut change, offer, &wanted, now).await?;
    if let (Some(ticket), Some(call)) =
        (tickets::find(&mut change, held.ticket.id).await?, call_backs::open_of(&mut change, held.ticket.id).await?)
    {
        letters::agreed(&mut change, &ticket, &call, now).await?;
    }
    Ok(change.commit().await?)
}

/// The customer wants no call any more.
pub(super) async fn cancel(
    State(app): State<App>,
    Path(token): Path<String>,
    Query(query): Query<PageQuery>,
    client: Client,
) -> Result<Response> {
    let Some(held) = Held::find(&app, token, &query.lang, &client).await? else { return gone(&app, &client).await };
    if limits::check(&app.keys, Limit::Views, &client.network()).is_err() {
        return visitors::too_many(&held.frame);
    }
    let mut change = Change::begin(&app).await?;
    call_backs::withdraw(&mut change, Actor::Customer, held.ticket.id).await?;
    change.commit().await?;
    Ok(Redirect::to(&held.address("", "done=cancelled")).into_response())
}
