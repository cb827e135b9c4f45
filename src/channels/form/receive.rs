//! A sent form becomes a ticket: stored as it came first, then understood, at once or by a worker.

use crate::app::App;
use crate::channels::form::parse::{self, Submission};
use crate::channels::form::settings::Settings;
use crate::clock::Ts;
use crate::database::is_crossing;
use crate::desk::call_backs::{self, BookError, Offer, Wanted};
use crate::desk::changes::{Actor, Change};
use crate::desk::channels::Channel;
use crate::desk::deliveries::{self, Delivery, NewDelivery};
use crate::desk::files::StoredFile;
use crate::desk::kinds::{IntakeState, Status};
use crate::desk::tickets::receive::{self, MatchedBy, Origin, Outcome, Received};
use crate::desk::tickets::update;
use crate::desk::{directory, forms, teams};
use crate::http::visitors::calls::Choice;
use crate::i18n::Language;
use crate::ids::TicketId;

/// Attempts at one transaction that others may cross.
const ATTEMPTS: u32 = 4;

/// Why a stored form was not processed. It is still stored.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    #[error("the database did not answer: {0}")]
    Database(#[from] sqlx::Error),
    /// No attempt will help.
    #[error("what is stored cannot be read as a form: {0}")]
    Unreadable(#[from] serde_json::Error),
}

/// The host under which customers reach this desk, for message ids.
pub fn domain(app: &App) -> String {
    let url = url::Url::parse(&app.config.public_url()).ok();
    url.as_ref().and_then(url::Url::host_str).unwrap_or("localhost").to_owned()
}

/// The ticket that a form of this id has become, if it was sent before.
pub async fn find_sent(app: &App, channel: &Channel, id: &str) -> sqlx::Result<Option<TicketId>> {
    let mut db = app.db.acquire().await?;
    let known = forms::find_sent(&mut db, channel.id, &parse::provider_id(id, &domain(app))).await?;
    Ok(known.map(|(ticket, _)| ticket))
}

/// Makes a form durable, then a ticket of it. Should the second step fail, a worker takes it.
pub async fn submit(app: &App, channel: &Channel, submission: &Submission) -> Result<Received, ProcessError> {
    let raw = serde_json::to_vec(submission)?;
    let mut db = app.db.acquire().await?;
    let new = NewDelivery { channel: channel.id, door: "form", envelope_from: Some(&submission.email), envelope_to: &[], raw: &raw };
    let id = deliveries::store(&mut db, new).await?;
    let delivery = deliveries::find(&mut db, id).await?.ok_or(sqlx::Error::RowNotFound)?;
    drop(db);
    process(app, channel, &delivery).await
}

/// Turns a stored form into a ticket. May be asked again, and by several processes at once: one ticket results.
pub async fn process(app: &App, channel: &Channel, delivery: &Delivery) -> Result<Received, ProcessError> {
    let submission: Submission = serde_json::from_slice(&delivery.raw)?;
    let mut attempt = 1;
    loop {
        match attempt_to_keep(app, channel, delivery, &submission).await {
            Err(error) if attempt < ATTEMPTS && is_crossing(&error) => {
                attempt += 1;
                tokio::time::sleep(std::time::Duration::from_millis(rand::random_range(5..50))).await;
            }
            other => return Ok(other?),
        }
    }
}

async fn attempt_to_keep(app: &App, channel: &Channel, delivery: &Delivery, submission: &Submission) -> sqlx::Result<Received> {
    let settings = Settings::of(channel);
    let desk = Language::from_code(&directory::get(app).await?.shop.language).unwrap_or(Language::En);
    let incoming = submission.incoming(&settings, desk, &domain(app));
    let files: Vec<StoredFile> = submission.files.iter().filter_map(|file| file.stored()).collect();
    let spam = submission.suspicion().is_some();
    let topic = settings.topic(&submission.topic);

    let mut change = Change::begin(app).await?;
    if !deliveries::lock(&mut change, delivery.id).await? {
        let known = forms::find_sent(&mut change, channel.id, &incoming.provider_id).await?;
        let (ticket, message) = known.ok_or(sqlx::Error::RowNotFound)?;
        return Ok(Received { outcome: Outcome::Duplicate, ticket, message, matched_by: MatchedBy::None, acknowledged: false });
    }
    let mut channel = channel.clone();
    if let Some(team) = topic.and_then(|topic| topic.team)
        && forms::team_exists(&mut change, team).await?
    {
        channel.team_id = Some(team);
    }
    let origin = Origin {
        channel: &channel,
        delivery: Some(delivery.id),
        files: &files,
        ticket: None,
        contact: None,
        acknowledge: settings.acknowledge && !spam,
    };
    let received = receive::receive(&mut change, &origin, &incoming).await?;
    if received.outcome == Outcome::Created {
        for name in topic.map(|topic| topic.tags.as_slice()).unwrap_or_default() {
            let tag = teams::ensure_tag(&mut change, name).await?;
            update::tag(&mut change, Actor::System, received.ticket, tag).await?;
            change.touch_settings();
        }
        if spam {
            update::set_status(&mut change, Actor::System, received.ticket, Status::Spam, None).await?;
        } else if submission.call.wanted() {
            call_back(&mut change, submission, received.ticket).await?;
        }
    }
    let (state, reason) = match received.outcome {
        Outcome::Created | Outcome::Appended => (IntakeState::Processed, None),
        Outcome::Duplicate => (IntakeState::Dropped, Some(format!("It is here already, in ticket {}.", received.ticket))),
    };
    deliveries::finish(&mut change, delivery.id, state, reason.as_deref()).await?;
    change.commit().await?;
    Ok(received)
}

/// Owes the customer the call that they asked for. Should somebody have been quicker by a moment, the next time that is free: the message
/// is here in any case, and the receipt says when.
async fn call_back(change: &mut Change, submission: &Submission, ticket: TicketId) -> sqlx::Result<()> {
    let app = change.app.clone();
    let (wish, now) = (&submission.call, Ts::now());
    let (Ok(phone), Some(choice)) = (wish.dialled(), wish.choice()) else { return Ok(()) };
    let directory = directory::get_on(&app, change).await?;
    let Some(offer) = Offer::of(&directory, Some(submission.language.code())) else { return Ok(()) };
    let zone = wish.own_zone();
    let mut wanted = Wanted {
        language: Some(submission.language.code()),
        time_zone: zone.as_ref().and_then(|zone| zone.iana_name()),
        ..Wanted::new(ticket, &phone, now, now)
    };
    if let Choice::At(at) = choice {
        wanted.from = at;
    }
    match call_backs::book(change, &offer, &wanted, now).await {
        Ok(_) => return Ok(()),
        Err(BookError::Database(error)) => return Err(error),
        Err(BookError::Taken) => {}
    }
    let free = offer.free(change, Some(ticket), now).await?;
    let next = free.iter().find(|slot| slot.from >= wanted.from).or_else(|| free.first());
    if let Some(next) = next {
        call_backs::ask(change, &Wanted { from: next.from, until: next.until, placed: true, ..wanted }).await?;
    }
    Ok(())
}
