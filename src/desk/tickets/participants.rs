//! Everybody in a conversation by mail: who wrote, who was written to, who was told.

use sqlx::PgConnection;

use crate::desk::changes::{Actor, Change};
use crate::desk::envelope::{Address, Incoming};
use crate::desk::events::Event;
use crate::desk::kinds::Direction;
use crate::desk::tickets::Ticket;
use crate::desk::tickets::recipients::without_tag;
use crate::desk::tickets::thread::Message;
use crate::ids::{ContactId, MessageId};

/// Shown at most.
const MAX: usize = 40;

/// Somebody in a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participant {
    pub name: String,
    /// As it was written.
    pub address: String,
    /// It is the ticket's customer.
    pub customer: bool,
    /// They have written themselves, rather than being named by others.
    pub wrote: bool,
}

impl Participant {
    /// The name, else the address.
    pub fn display_name(&self) -> &str {
        if self.name.is_empty() { &self.address } else { &self.name }
    }
}

/// Who takes part in these messages, the customer first, then in the order in which they came in. `own` are our mailboxes and `theirs` the
/// customer's addresses, in lower case and without tags.
pub fn of(messages: &[Message], customer: ContactId, own: &[String], theirs: &[String]) -> Vec<Participant> {
    let mut people: Vec<Participant> = Vec::new();
    for message in messages.iter().filter(|message| !message.bounce && message.direction != Direction::Note) {
        let envelope = message.envelope();
        let inbound = message.direction == Direction::Inbound;
        let from = envelope.from.into_iter().filter(|_| inbound).map(|address| (address, true));
        let named = envelope.to.into_iter().chain(envelope.cc).map(|address| (address, false));
        for (address, wrote) in from.chain(named) {
            let plain = without_tag(&address.address);
            if !plain.contains('@') || plain.ends_with("@invalid") || own.contains(&plain) {
                continue;
            }
            let is_customer = theirs.contains(&plain) || (wrote && message.contact_id == Some(customer));
            let full = people.len() >= MAX;
            match people.iter_mut().find(|known| without_tag(&known.address) == plain) {
                Some(known) => {
                    known.wrote |= wrote;
                    known.customer |= is_customer;
                    if known.name.is_empty() {
                        known.name = address.name;
                    }
                }
                None if !full => {
                    people.push(Participant { name: address.name, address: address.address, customer: is_customer, wrote });
                }
                None => {}
            }
        }
    }
    people.sort_by_key(|person| !person.customer);
    people
}

/// Notes it where somebody writes into the conversation of a customer who is somebody else, the first time.
pub(crate) async fn note_joining(
    change: &mut Change,
    ticket: &Ticket,
    contact: ContactId,
    incoming: &Incoming,
    message: MessageId,
) -> sqlx::Result<()> {
    let from = &incoming.from;
    if contact == ticket.contact_id || incoming.automatic.is_some() || incoming.bounce || !from.address.contains('@') {
        return Ok(());
    }
    let known = sqlx::query_scalar!(
        r#"select exists (select from messages where ticket_id = $1 and direction = 'inbound' and id < $2
                          and (contact_id = $3 or lower(envelope #>> '{from,address}') = lower($4))) as "known!""#,
        ticket.id.0,
        message.0,
        contact.0,
        from.address
    )
    .fetch_one(&mut **change)
    .await?;
    if known {
        return Ok(());
    }
    let name = if from.name.is_empty() { from.address.clone() } else { from.name.clone() };
    change.record(ticket.id, Actor::Customer, Event::Joined { contact, name, address: from.address.clone() }).await
}

/// The mail addresses of a customer, in lower case and without tags.
pub async fn addresses_of(db: &mut PgConnection, customer: ContactId) -> sqlx::Result<Vec<String>> {
    let addresses = sqlx::query_scalar!("select address from identities where kind = 'email' and contact_id = $1 limit 100", customer.0)
        .fetch_all(db)
        .await?;
    Ok(addresses.iter().map(|address| without_tag(address)).collect())
}

/// Where a customer asked to be answered in a conversation, in lower case and without tags.
pub async fn asked_at(db: &mut PgConnection, ticket: &Ticket) -> sqlx::Result<Vec<String>> {
    let addresses = sqlx::query_scalar!(
        r#"select distinct envelope #>> '{reply_to,0,address}' as "address!" from messages
           where ticket_id = $1 and direction = 'inbound' and envelope #>> '{reply_to,0,address}' is not null
             and (contact_id = $2 or lower(envelope #>> '{from,address}') in (
                     select lower(address) from identities where kind = 'email' and contact_id = $2)) limit 100"#,
        ticket.id.0,
        ticket.contact_id.0
    )
    .fetch_all(db)
    .await?;
    Ok(addresses.iter().map(|address| without_tag(address)).collect())
}

/// Whether the customer wrote a message that came in: as themselves, or from what is their address now, as before they were joined with
/// somebody. `theirs` are their addresses, in lower case and without tags.
pub fn is_by(message: &Message, customer: ContactId, theirs: &[String]) -> bool {
    if message.contact_id.is_none_or(|contact| contact == customer) {
        return true;
    }
    let envelope = message.envelope();
    // Who only names their address is not them.
    !envelope.is_forged() && envelope.from.is_some_and(|from| theirs.contains(&without_tag(&from.address)))
}

/// Addresses to offer while somebody types one: customers whose name or address has it, newest first.
pub async fn suggest(db: &mut PgConnection, typed: &str) -> sqlx::Result<Vec<Address>> {
    let typed = typed.trim().to_lowercase();
    if typed.chars().count() < 2 {
        return Ok(Vec::new());
    }
    let escaped: String = typed.chars().flat_map(|c| matches!(c, '%' | '_' | '\\').then_some('\\').into_iter().chain([c])).collect();
    sqlx::query_as!(
        Address,
        "select c.name, i.address from identities i join contacts c on c.id = i.contact_id
         where i.kind = 'email' and i.address not like '%@invalid' and (i.address like $1 || '%' or lower(c.name) like '%' || $1 || '%')
         order by i.address like $1 || '%' desc, i.id desc limit 8",
        escaped
    )
    .fetch_all(db)
    .await
}
