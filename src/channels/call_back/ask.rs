//! A request for a call becomes a ticket that owes one, in one transaction: nobody is promised a time without a place.

use crate::app::App;
use crate::clock::Ts;
use crate::database::is_crossing;
use crate::desk::call_backs::{self, BookError, Offer, Wanted, letters};
use crate::desk::changes::{Actor, Change};
use crate::desk::channels;
use crate::desk::envelope::{Address, Envelope, Incoming};
use crate::desk::kinds::{ChannelKind, IdentityKind, Status};
use crate::desk::tickets::receive::{self, Origin};
use crate::desk::tickets::{self, update};
use crate::desk::{contacts, directory, forms};
use crate::http::visitors::calls::{CallWish, Choice};
use crate::i18n::{self, Language};
use crate::ids::TicketId;
use crate::text::excerpts;

/// Attempts at one transaction that others may cross.
const ATTEMPTS: u32 = 4;

/// A request that was found to be in order.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// The random id that the form was given out with.
    pub id: String,
    pub language: Language,
    pub name: String,
    /// In lower case; may be empty.
    pub email: String,
    /// As it is dialled.
    pub phone: String,
    pub wish: CallWish,
    pub note: String,
    /// The page of the shop that led here.
    pub page: String,
    /// Something that no person does: it is kept, and takes no place.
    pub spam: bool,
}

fn provider_id(app: &App, id: &str) -> String {
    let url = url::Url::parse(&app.config.public_url()).ok();
    format!("{id}.call-back@{}", url.as_ref().and_then(url::Url::host_str).unwrap_or("localhost"))
}

/// The ticket that a form of this id has become, if it was sent before.
pub(super) async fn find_sent(app: &App, id: &str) -> sqlx::Result<Option<TicketId>> {
    let directory = directory::get(app).await?;
    let Some(channel) = directory.channels.iter().find(|channel| channel.kind == ChannelKind::CallBack) else { return Ok(None) };
    let mut db = app.db.acquire().await?;
    Ok(forms::find_sent(&mut db, channel.id, &provider_id(app, id)).await?.map(|(ticket, _)| ticket))
}

/// Makes the ticket and takes the place.
pub(super) async fn ask(app: &App, offer: &Offer, asked: &Asked) -> Result<TicketId, BookError> {
    let mut attempt = 1;
    loop {
        match attempt_to_ask(app, offer, asked, Ts::now()).await {
            Err(BookError::Database(error)) if attempt < ATTEMPTS && is_crossing(&error) => {
                attempt += 1;
                tokio::time::sleep(std::time::Duration::from_millis(rand::random_range(5..50))).await;
            }
            other => return other,
        }
    }
}

async fn attempt_to_ask(app: &App, offer: &Offer, asked: &Asked, now: Ts) -> Result<TicketId, BookError> {
    let mut change = Change::begin(app).await?;
    let channel = call_backs::channel(&mut change).await?;
    let mut channel = channels::find(&mut change, channel).await?.ok_or(sqlx::Error::RowNotFound)?;
    channel.team_id = offer.team;
    let phone = (IdentityKind::Phone, asked.phone.clone());
    let language = Some(asked.language.code());
    let contact = if asked.email.is_empty() {
        contacts::recognize(&mut change, &phone, &[], &asked.name, language).await?
    } else {
        contacts::recognize(&mut change, &(IdentityKind::Email, asked.email.clone()), &[phone], &asked.name, language).await?
    };
    let origin = Origin { channel: &channel, delivery: None, files: &[], ticket: None, contact: Some(contact), acknowledge: false };
    let received = receive::receive(&mut change, &origin, &incoming(app, asked)).await?;
    if received.outcome != receive::Outcome::Created {
        return Ok(received.ticket);
    }
    if asked.spam {
        update::set_status(&mut change, Actor::System, received.ticket, Status::Spam, None).await?;
        change.commit().await?;
        return Ok(received.ticket);
    }
    let from = match asked.wish.choice() {
        Some(Choice::Soon) => now,
        Some(Choice::At(at)) => at,
        None => return Err(BookError::Taken),
    };
    let zone = asked.wish.own_zone();
    let wanted = Wanted {
        language,
        time_zone: zone.as_ref().and_then(|zone| zone.iana_name()),
        note: &asked.note,
        // The end is the slot's.
        ..Wanted::new(received.ticket, &asked.phone, from, from)
    };
    call_backs::book(&mut change, offer, &wanted, now).await?;
    if !asked.email.is_empty()
        && let (Some(ticket), Some(call)) =
            (tickets::find(&mut change, received.ticket).await?, call_backs::open_of(&mut change, received.ticket).await?)
    {
        letters::agreed(&mut change, &ticket, &call, now).await?;
    }
    change.commit().await?;
    Ok(received.ticket)
}

fn incoming(app: &App, asked: &Asked) -> Incoming {
    let from = Address { name: asked.name.clone(), address: asked.email.clone() };
    let word = i18n::text(asked.language, "call-back-subject");
    let subject = if asked.note.is_empty() { word } else { format!("{word}: {}", excerpts::excerpt(&asked.note, 80)) };
    let mut details = vec![("Phone".to_owned(), asked.phone.clone()), ("Agreed to".to_owned(), "Being called at this number".to_owned())];
    if !asked.page.is_empty() {
        details.push(("Page".to_owned(), asked.page.clone()));
    }
    if asked.spam {
        details.push(("Held as spam".to_owned(), "a field that people do not see was filled in".to_owned()));
    }
    Incoming {
        provider_id: provider_id(app, &asked.id),
        envelope: Envelope { from: (!from.address.is_empty()).then(|| from.clone()), subject: subject.clone(), ..Envelope::default() },
        from,
        subject,
        body: if asked.note.is_empty() { i18n::text(asked.language, "call-back-ask") } else { asked.note.clone() },
        language: Some(asked.language.code().to_owned()),
        details,
        ..Incoming::default()
    }
}
