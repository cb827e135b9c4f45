//! A call that nobody answered becomes a ticket on which somebody is to call back.

use crate::clock::Ts;
use crate::desk::calls::{self, Call, log};
use crate::desk::changes::{Actor, Change};
use crate::desk::channels;
use crate::desk::contacts;
use crate::desk::envelope::{Address, Envelope, Incoming};
use crate::desk::events::Event;
use crate::desk::files::{self, StoredFile};
use crate::desk::networks::Extras;
use crate::desk::tickets::receive::{self, Origin};
use crate::i18n::{self, Language};
use crate::ids::{CallId, ContactId, MessageId, TicketId};
use crate::text::phones;

/// Keeps a missed call on its customer's ticket, with what they said to the answering machine. Asked again it adds what was not there.
pub(super) async fn keep(change: &mut Change, id: CallId, files: &[StoredFile], missing: Option<&str>) -> sqlx::Result<Option<TicketId>> {
    let Some(call) = calls::lock(change, id).await? else { return Ok(None) };
    if let (Some(ticket), Some(message)) = (call.ticket_id, call.message_id) {
        files::attach(change, ticket, message, files).await?;
        mark(change, &call, message, missing).await?;
        change.touch(ticket);
        return Ok(Some(ticket));
    }
    // Somebody who shows no number is known only by what they said to the answering machine.
    let name = (!files.is_empty()).then(|| call.told().unwrap_or("Anonymous caller"));
    let Some(contact) = calls::contact(change, &call, name).await? else {
        // Nobody could call them back.
        log::settle(change, id).await?;
        return Ok(None);
    };
    let Some(channel) = channels::find(change, call.channel_id).await? else { return Ok(None) };
    let person = contacts::find(change, contact).await?.ok_or(sqlx::Error::RowNotFound)?;
    let known = open_ticket(change, contact).await?;
    let language = person.language.clone().or_else(|| channel.language.clone());
    let app = change.app.clone();
    let desk = crate::desk::directory::get_on(&app, change).await?;
    let speaks =
        language.as_deref().and_then(Language::from_code).or_else(|| Language::from_code(&desk.shop.language)).unwrap_or(Language::En);
    // Found by the number, but it is no address that a letter could be sent to.
    let from = Address { name: person.display_name(), address: call.number.clone() };
    let envelope = Envelope { from: Some(Address { name: from.name.clone(), address: String::new() }), ..Envelope::default() };
    let incoming = Incoming {
        provider_id: format!("call:{id}"),
        from,
        subject: i18n::text(speaks, "call-subject"),
        language,
        envelope,
        sent_at: Some(call.started_at),
        ..Incoming::default()
    };
    let origin = Origin { channel: &channel, delivery: None, files, ticket: known, contact: Some(contact), acknowledge: false };
    let received = receive::receive(change, &origin, &incoming).await?;
    let (ticket, message) = (received.ticket, received.message);
    sqlx::query!(
        "update calls set contact_id = $2, ticket_id = $3, message_id = $4, settled_at = coalesce(settled_at, now()) where id = $1",
        id.0,
        contact.0,
        ticket.0,
        message.0
    )
    .execute(&mut **change)
    .await?;
    mark(change, &call, message, missing).await?;
    change.record(ticket, Actor::Customer, Event::CallMissed { message }).await?;
    change.touch_call(id);
    if phones::normalise(&call.number, "").is_some() {
        log::ask_call_back(change, ticket, &call.number, Actor::Customer).await?;
    }
    Ok(Some(ticket))
}

/// Writes what is known of the call onto its message, and onto the list where nothing newer stands.
async fn mark(change: &mut Change, call: &Call, message: MessageId, missing: Option<&str>) -> sqlx::Result<()> {
    let facts = call.facts();
    let line = facts.in_words();
    let extras = Extras { call: Some(facts), missing: missing.map(str::to_owned).into_iter().collect(), ..Extras::default() };
    let value = serde_json::to_value(&extras).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query!("update messages set extras = $2, sent_at = coalesce(sent_at, $3) where id = $1", message.0, value, call.started_at as Ts)
        .execute(&mut **change)
        .await?;
    sqlx::query!(
        "update tickets set excerpt = $2 where id = (select ticket_id from messages where id = $1) and excerpt in ('', '(Missed call)', '(Voicemail)', '(Call)')",
        message.0,
        line
    )
    .execute(&mut **change)
    .await?;
    Ok(())
}

/// More is known of a call that has its message: how long it was, that it was answered after all.
pub(super) async fn correct(change: &mut Change, id: CallId) -> sqlx::Result<()> {
    let Some(call) = calls::lock(change, id).await? else { return Ok(()) };
    if let (Some(ticket), Some(message)) = (call.ticket_id, call.message_id) {
        mark(change, &call, message, None).await?;
        change.touch(ticket);
    }
    Ok(())
}

/// The ticket on which the customer's calls gather.
async fn open_ticket(change: &mut Change, contact: ContactId) -> sqlx::Result<Option<TicketId>> {
    sqlx::query_scalar!(
        r#"select t.id as "id: TicketId" from tickets t join channels c on c.id = t.channel_id
           where t.contact_id = $1 and c.kind = 'phone' and t.status in ('open', 'pending', 'snoozed') order by t.id desc limit 1"#,
        contact.0
    )
    .fetch_optional(&mut **change)
    .await
}
