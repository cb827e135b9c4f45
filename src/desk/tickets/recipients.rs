//! Whom a letter goes to: read from a line, taken from what was answered, and never ourselves.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use crate::desk::envelope::{Address, Envelope};
use crate::desk::tickets::Ticket;
use crate::desk::tickets::reply::ReplyError;
use crate::text;

/// The most people one reply may go to, in To and in Cc each.
const MAX_RECIPIENTS: usize = 50;

/// Whom an answer goes to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Recipients {
    pub to: Vec<Address>,
    pub cc: Vec<Address>,
    pub bcc: Vec<Address>,
}

/// Whom an answer goes to unless the agent says otherwise: the Reply-To of the customer's last message, else whom it came from, else the
/// contact's first address; and everybody else who was told about that message, without our own mailboxes.
pub async fn of_ticket(db: &mut PgConnection, ticket: &Ticket) -> sqlx::Result<Recipients> {
    let last = sqlx::query_scalar!(
        "select envelope from messages where ticket_id = $1 and direction = 'inbound' and not bounce and not automatic order by id desc limit 1",
        ticket.id.0
    )
    .fetch_optional(&mut *db)
    .await?;
    let envelope: Option<Envelope> = last.and_then(|value| serde_json::from_value(value).ok());
    let own = own_addresses(db).await?;
    match envelope.and_then(|envelope| answer_to(envelope, &own)) {
        Some(recipients) => Ok(recipients),
        None => first_address(db, ticket).await,
    }
}

/// Whom a letter to the customer goes to, whoever else has joined the conversation: as [`of_ticket`], but of what they wrote themselves.
pub async fn of_customer(db: &mut PgConnection, ticket: &Ticket) -> sqlx::Result<Recipients> {
    let rows = sqlx::query!(
        "select contact_id, envelope from messages
         where ticket_id = $1 and direction = 'inbound' and not bounce and not automatic
           and (contact_id = $2 or lower(envelope #>> '{from,address}') in (
                   select lower(address) from identities where kind = 'email' and contact_id = $2))
         order by id desc limit 20",
        ticket.id.0,
        ticket.contact_id.0
    )
    .fetch_all(&mut *db)
    .await?;
    // Who only names their address is not them.
    let theirs = rows.into_iter().find_map(|row| {
        let envelope: Envelope = serde_json::from_value(row.envelope).ok()?;
        (row.contact_id == Some(ticket.contact_id) || !envelope.is_forged()).then_some(envelope)
    });
    let own = own_addresses(db).await?;
    match theirs.and_then(|envelope| answer_to(envelope, &own)) {
        Some(recipients) => Ok(recipients),
        None => first_address(db, ticket).await,
    }
}

/// The contact's first address.
async fn first_address(db: &mut PgConnection, ticket: &Ticket) -> sqlx::Result<Recipients> {
    let row = sqlx::query!(
        "select c.name, i.address from contacts c join identities i on i.contact_id = c.id and i.kind = 'email'
         where c.id = $1 and i.address <> 'unknown@invalid' order by i.id limit 1",
        ticket.contact_id.0
    )
    .fetch_optional(db)
    .await?;
    let to = row.map(|row| Address { name: row.name, address: row.address });
    Ok(Recipients { to: to.into_iter().collect(), ..Recipients::default() })
}

/// Whom an answer to this message goes to; `own` are our mailboxes in lower case. `None`: it names nobody who could be answered.
pub fn answer_to(envelope: Envelope, own: &[String]) -> Option<Recipients> {
    // What somebody is called on a network is no address of theirs.
    let usable = |address: &Address| address.address.contains('@') && !address.address.ends_with("@invalid");
    let target = envelope.reply_to.into_iter().next().or(envelope.from).filter(usable)?;
    let mut cc: Vec<Address> = Vec::new();
    for other in envelope.to.into_iter().chain(envelope.cc).filter(usable) {
        let plain = without_tag(&other.address);
        let known = plain == target.address.to_lowercase() || cc.iter().any(|seen| seen.address.to_lowercase() == plain);
        if !known && !own.contains(&plain) && cc.len() < MAX_RECIPIENTS {
            cc.push(other);
        }
    }
    Some(Recipients { to: vec![target], cc, bcc: Vec::new() })
}

/// Reads a line of addresses: `anna@example.it, Marco Rossi <marco@example.it>`.
///
/// # Errors
/// Every part that is no address, or too many of them, in the agent's words.
pub fn parse(line: &str) -> Result<Vec<Address>, String> {
    let mut addresses: Vec<Address> = Vec::new();
    let mut wrong: Vec<String> = Vec::new();
    for part in split_addresses(line) {
        match part.parse::<lettre::message::Mailbox>() {
            Ok(mailbox) => {
                let address = mailbox.email.to_string();
                if !addresses.iter().any(|known| known.address.eq_ignore_ascii_case(&address)) {
                    addresses.push(Address { name: mailbox.name.unwrap_or_default(), address });
                }
            }
            Err(_) => wrong.push(format!("“{}”", text::excerpts::excerpt(part, 60))),
        }
    }
    match wrong.as_slice() {
        [] if addresses.len() > MAX_RECIPIENTS => Err(format!("At most {MAX_RECIPIENTS} addresses, please.")),
        [] => Ok(addresses),
        [one] => Err(format!("{one} is not a mail address. Write it like anna@example.it or Anna Bianchi <anna@example.it>.")),
        several => Err(format!("{} are not mail addresses. Write them like anna@example.it, with commas between.", several.join(", "))),
    }
}

/// The parts of a line of addresses: cut at commas, semicolons and line ends, but not within quotes or angle brackets.
fn split_addresses(line: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut bracketed) = (false, false);
    line.split(move |c| {
        match c {
            '"' => quoted = !quoted,
            '<' if !quoted => bracketed = true,
            '>' => bracketed = false,
            ',' | ';' | '\n' => return !quoted && !bracketed,
            _ => {}
        }
        false
    })
    .map(str::trim)
    .filter(|part| !part.is_empty())
}

/// A letter to one of our own mailboxes would come back as a customer's.
pub(crate) async fn check(db: &mut PgConnection, lists: [&Vec<Address>; 3]) -> Result<(), ReplyError> {
    if lists.iter().all(|list| list.is_empty()) {
        return Ok(());
    }
    let own = own_addresses(db).await?;
    match lists.into_iter().flatten().find(|address| own.contains(&without_tag(&address.address))) {
        Some(address) => {
            Err(ReplyError::NoWay(format!("{} is a mailbox of this desk. Remove it: the letter would only come back.", address.address)))
        }
        None => Ok(()),
    }
}

/// The addresses of our own mailboxes, with their aliases, in lower case.
pub async fn own_addresses(db: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"select lower(address) as "address!" from channels where kind = 'email' and address is not null
           union select lower(alias) from channels, jsonb_array_elements_text(
               case when jsonb_typeof(settings -> 'aliases') = 'array' then settings -> 'aliases' else '[]' end) alias where kind = 'email'
           limit 1000"#
    )
    .fetch_all(db)
    .await
}

/// An address in lower case, without the tag that a plus sign begins.
pub(crate) fn without_tag(address: &str) -> String {
    let address = address.to_lowercase();
    match address.split_once('@') {
        Some((local, domain)) => format!("{}@{domain}", local.split('+').next().unwrap_or(local)),
        None => address,
    }
}
