//! Whose mail this server takes: that of the desk's mailboxes, asked for at every recipient and remembered for a moment.

use std::sync::Arc;

use crate::app::App;
use crate::channels::email::settings;
use crate::desk::channels::{self, Channel};
use crate::ids::ChannelId;

/// What is known of a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recipient {
    Mailbox(ChannelId),
    /// Its mailbox is switched off.
    SwitchedOff,
    Unknown,
}

/// Looks a recipient up. Nobody is turned away by an answer that may be old.
pub async fn find(app: &App, address: &str) -> sqlx::Result<Recipient> {
    const KEY: &str = "smtp recipients";
    if let Some(known) = app.cache.get(KEY).await
        && let Ok(known) = known.downcast::<Vec<Channel>>()
        && let Recipient::Mailbox(channel) = among(&known, address)
    {
        return Ok(Recipient::Mailbox(channel));
    }
    let mut db = app.db.acquire().await?;
    let fresh = Arc::new(channels::list(&mut db).await?);
    app.cache.insert(KEY, fresh.clone()).await;
    Ok(among(&fresh, address))
}

fn among(channels: &[Channel], address: &str) -> Recipient {
    match settings::mailbox_of(channels, address) {
        Some(channel) if channel.enabled => Recipient::Mailbox(channel.id),
        Some(_) => Recipient::SwitchedOff,
        None => Recipient::Unknown,
    }
}
