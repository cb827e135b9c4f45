//! A stored mail becomes an [`Incoming`], or a reason why it is none.

use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::app::App;
use crate::channels::email::parse::{self, Own};
use crate::channels::email::settings;
use crate::desk::channels::Channel;
use crate::desk::deliveries::Delivery;
use crate::desk::envelope::{Address, Envelope, Incoming, IncomingFile};
use crate::desk::tickets;

/// No honest mail takes a second to read.
const PATIENCE: Duration = Duration::from_secs(60);
/// The name under which a mail that could not be read is attached to its ticket.
const ORIGINAL: &str = "original.eml";

/// A mail, understood.
#[derive(Debug)]
pub enum Understood {
    Message(Box<Incoming>),
    /// Not kept on purpose, for this reason.
    Drop(String),
}

/// Understands a mail that was stored for the mailbox `channel`; `addresses` are those of all mailboxes, which show what is the desk's own.
/// Whatever its bytes are, this neither fails nor panics.
pub async fn understand(app: &App, addresses: &[String], channel: &Channel, delivery: &Delivery) -> Understood {
    // Whether a Message-ID is ours is told by its signature and not by its domain, which the shop's people share.
    let own = Own { addresses: addresses.to_vec(), message_id_domains: Vec::new(), judges: judges(channel) };
    let (raw, from, to) = (delivery.raw.clone(), delivery.envelope_from.clone(), delivery.envelope_to.clone());
    let known = own.clone();
    let parsing = tokio::task::spawn_blocking(move || parse::parse(&raw, from.as_deref(), &to, &known));
    let incoming = match tokio::time::timeout(PATIENCE, parsing).await {
        Ok(Ok(incoming)) => incoming,
        Ok(Err(error)) => {
            tracing::error!(delivery = %delivery.id, %error, "a mail could not be read; its ticket carries it as a file");
            return Understood::Message(Box::new(raw_only(delivery)));
        }
        Err(_) => {
            tracing::error!(delivery = %delivery.id, "a mail took too long to read; its ticket carries it as a file");
            return Understood::Message(Box::new(raw_only(delivery)));
        }
    };
    if is_our_own(app, &own, &incoming) {
        return Understood::Drop("This is one of the desk's own messages coming back.".to_owned());
    }
    Understood::Message(Box::new(with_original(incoming, delivery)))
}

/// Providers whose servers sign their judgement with another name than they are reached by.
const JUDGES: [(&str, &str); 9] = [
    ("gmail.com", "google.com"),
    ("googlemail.com", "google.com"),
    ("office365.com", "outlook.com"),
    ("outlook.com", "outlook.com"),
    ("hotmail.com", "outlook.com"),
    ("live.com", "outlook.com"),
    ("me.com", "icloud.com"),
    ("fastmail.com", "messagingengine.com"),
    ("zoho.eu", "zoho.com"),
];

/// The domains whose servers judge what comes into the mailbox: its addresses' own, and its provider's.
fn judges(channel: &Channel) -> Vec<String> {
    let mut domains: Vec<String> =
        settings::addresses(channel).iter().filter_map(|address| address.rsplit_once('@')).map(|(_, domain)| domain.to_owned()).collect();
    if let Some(imap) = settings::Settings::of(channel).imap {
        // imap.gmail.com belongs to gmail.com; a host directly below a public ending would judge for the whole of it.
        if let Some((_, domain)) = imap.host.to_lowercase().split_once('.').filter(|(_, domain)| domain.contains('.')) {
            domains.push(domain.to_owned());
        }
    }
    let aliases: Vec<String> = JUDGES
        .iter()
        .filter(|(domain, _)| domains.iter().any(|known| known == domain || known.ends_with(&format!(".{domain}"))))
        .map(|&(_, judge)| judge.to_owned())
        .collect();
    domains.extend(aliases);
    domains
}

/// Our message in our name: a copy of it, or a loop. A bounce carries ours within but has an id of its own.
fn is_our_own(app: &App, own: &Own, incoming: &Incoming) -> bool {
    tickets::parse_message_id(&app.keys, &incoming.provider_id).is_some()
        && own.addresses.iter().any(|address| address.eq_ignore_ascii_case(&incoming.from.address))
}

/// Adds the raw bytes where the parser found no message in them.
fn with_original(mut incoming: Incoming, delivery: &Delivery) -> Incoming {
    if incoming.provider_id == raw_id(&delivery.raw) {
        incoming.files.push(original(delivery));
    }
    incoming
}

/// A message that says nothing but that it is there: what was received is its file.
pub fn raw_only(delivery: &Delivery) -> Incoming {
    let plausible = |address: &&str| address.contains('@') && address.len() <= 254 && !address.chars().any(char::is_control);
    let address = delivery.envelope_from.as_deref().filter(plausible).unwrap_or("unknown@invalid").to_lowercase();
    let from = Address { name: String::new(), address };
    let subject = "(unreadable message)".to_owned();
    Incoming {
        provider_id: raw_id(&delivery.raw),
        body: "This message could not be read as e-mail. Its original is attached.".to_owned(),
        envelope: Envelope { from: Some(from.clone()), subject: subject.clone(), ..Envelope::default() },
        from,
        subject,
        files: vec![original(delivery)],
        ..Incoming::default()
    }
}

fn raw_id(raw: &[u8]) -> String {
    format!("sha256-{}@missing", hex::encode(Sha256::digest(raw)))
}

fn original(delivery: &Delivery) -> IncomingFile {
    IncomingFile {
        name: ORIGINAL.to_owned(),
        media_type: "message/rfc822".to_owned(),
        bytes: delivery.raw.clone(),
        content_id: None,
        inline: false,
    }
}

/// Whether the raw bytes say nothing that could be answered: then no acknowledgement goes out either.
pub fn is_raw_only(incoming: &Incoming) -> bool {
    incoming.files.iter().any(|file| file.name == ORIGINAL && file.media_type == "message/rfc822")
        && incoming.subject == "(unreadable message)"
}
