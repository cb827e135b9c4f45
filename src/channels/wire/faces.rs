//! Customers' pictures, as their networks show them: fetched once in a while, kept as our own.

use std::time::Duration;

use tokio::sync::Semaphore;

use crate::app::App;
use crate::channels::wire::calls::Caller;
use crate::desk::{contacts, photos};
use crate::ids::TicketId;

/// A picture that takes longer is left for another time.
const PATIENCE: Duration = Duration::from_secs(10);

/// Keeps the picture of a ticket's customer, unless it was looked at lately. Nobody waits for it: without one the conversation is no worse.
pub fn keep(app: &App, ticket: TicketId, url: &str) {
    static HANDS: Semaphore = Semaphore::const_new(4);
    // When many come at once, some come with the customer's next words.
    let Ok(hand) = HANDS.try_acquire() else { return };
    let (app, url) = (app.clone(), url.to_owned());
    tokio::spawn(async move {
        let _hand = hand;
        match tokio::time::timeout(PATIENCE, fetch(&app, ticket, &url)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%ticket, %error, "a customer's picture was not kept"),
            Err(_) => tracing::debug!(%ticket, "a customer's picture took too long"),
        }
    });
}

async fn fetch(app: &App, ticket: TicketId, url: &str) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut db = app.db.acquire().await?;
    let Some(contact) = contacts::picture_is_due(&mut db, ticket).await? else { return Ok(()) };
    drop(db);
    let fetched = Caller::of(app).fetch(url, |request| request).await?;
    let sha256 = photos::store(app, fetched.bytes).await?;
    let mut db = app.db.acquire().await?;
    Ok(contacts::set_picture(&mut db, contact, &sha256).await?)
}
