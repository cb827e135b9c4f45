//! Shows the customer's side that we read, or write. Nobody waits for it, and what does not arrive is not tried again.

use crate::app::App;
use crate::channels::wire::calls::Caller;
use crate::channels::wire::{Sign, Way, network, sending};
use crate::desk::channels;
use crate::desk::networks::{Fault, marks};
use crate::desk::tickets;
use crate::ids::TicketId;
use crate::jobs::Outcome;

/// Shows a sign on a ticket's network.
pub async fn show(app: &App, ticket: TicketId, sign: Sign) -> Outcome {
    match attempt(app, ticket, sign).await {
        Ok(()) => {}
        Err(error) => tracing::debug!(%ticket, ?sign, %error, "a sign was not shown"),
    }
    Outcome::Done
}

async fn attempt(app: &App, ticket: TicketId, sign: Sign) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut db = app.db.acquire().await?;
    if sign == Sign::Typing && !marks::still_typing(&mut db, ticket).await? {
        return Ok(());
    }
    let Some(ticket) = tickets::find(&mut db, ticket).await? else { return Ok(()) };
    let channel = channels::find(&mut db, ticket.channel_id).await?;
    let Some(channel) = channel.filter(|channel| channel.enabled && channel.sign_in_lost_at.is_none()) else { return Ok(()) };
    let Some(net) = network(channel.kind) else { return Ok(()) };
    let Some(to) = sending::recipient(&mut db, &channel, net, ticket.id).await? else { return Ok(()) };
    drop(db);
    let way = Way { app, channel: &channel, calls: Caller::of(app) };
    match net.tell(&way, &to, sign).await {
        Err(Fault::SignIn(words)) => {
            let mut change = crate::desk::changes::Change::begin(app).await?;
            channels::lose_sign_in(&mut change, channel.id, &words).await?;
            change.touch_settings();
            Ok(change.commit().await?)
        }
        other => Ok(other?),
    }
}
