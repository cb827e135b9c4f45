//! Whose mail this server takes: that of the desk's mailboxes, asked for at every recipient and remembered for a moment.

use std::sync::Arc;

use crate::app::App;
use crate::channels::email::settings;
use crate::desk::channels::{self, Channel};
use crate::desk::kinds::ChannelKind;
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
        None => postmaster(channels, address).or_else(|| bounce(channels, address)).map_or(Recipient::Unknown, Recipient::Mailbox),
    }
}

/// Notices about our own mail come to `bounce+…` of any mailbox's domain; the oldest mailbox there reads them.
fn bounce(channels: &[Channel], address: &str) -> Option<ChannelId> {
    let (local, domain) = address.rsplit_once('@')?;
    let (name, tag) = local.split_once('+')?;
    if !name.eq_ignore_ascii_case("bounce") || tag.is_empty() {
        return None;
    }
    let is_of_domain = |own: &String| own.rsplit_once('@').is_some_and(|(_, of)| of.eq_ignore_ascii_case(domain));
    let mailboxes = channels.iter().filter(|channel| channel.enabled && channel.kind == ChannelKind::Email);
    mailboxes.filter(|channel| settings::addresses(channel).iter().any(is_of_domain)).map(|channel| channel.id).min()
}

/// Every mail server takes mail for its postmaster (RFC 5321, 4.5.1); here the oldest mailbox of the domain reads it.
fn postmaster(channels: &[Channel], address: &str) -> Option<ChannelId> {
    let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    if !local.eq_ignore_ascii_case("postmaster") {
        return None;
    }
    let is_of_domain = |own: &String| domain.is_empty() || own.rsplit_once('@').is_some_and(|(_, of)| of.eq_ignore_ascii_case(domain));
    let mailboxes = channels.iter().filter(|channel| channel.enabled && channel.kind == ChannelKind::Email);
    mailboxes.filter(|channel| settings::addresses(channel).iter().any(is_of_domain)).map(|channel| channel.id).min()
}
