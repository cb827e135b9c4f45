//! One client's conversation, from greeting to QUIT.

use std::net::IpAddr;

use smtp_proto::{Error, MailFrom, RcptTo, Request};
use sqlx::PgConnection;

use super::recipients::{self, Recipient};
use super::wire::{Line, Mail, Stream, Wire, WireError};
use super::{Door, Limits, Talk};
use crate::app::App;
use crate::desk::deliveries::{self, NewDelivery};
use crate::ids::{ChannelId, DeliveryId};

/// Mail that has been through so many servers is going in circles (RFC 5321, 6.3).
const MAX_HOPS: usize = 100;

const READY: &str = "250 2.0.0 OK\r\n";
const LATER: &str = "451 4.3.0 The desk cannot store mail at the moment, please try again later\r\n";
const TOO_BIG: &str = "552 5.3.4 This mail is larger than the desk takes\r\n";

struct Session {
    door: Door,
    peer: IpAddr,
    /// How the client named itself; and whether it knows extensions.
    hello: Option<(String, bool)>,
    /// The sender, once named; empty for bounces.
    from: Option<String>,
    /// Recipient addresses under the mailbox that each belongs to.
    to: Vec<(ChannelId, String)>,
    encrypted: bool,
    mistakes: u32,
    talk: Talk,
}

/// What follows an answer.
enum Next {
    Go,
    StartTls,
    Data,
    Quit,
}

/// Serves one connection to its end.
pub async fn run(door: Door, stream: Box<dyn Stream>, peer: IpAddr, talk: Talk) {
    let limits = door.limits;
    let mut wire = Wire::new(stream);
    let mut session = Session { door, peer, hello: None, from: None, to: Vec::new(), encrypted: false, mistakes: 0, talk };
    let protocol = if talk == Talk::Lmtp { "LMTP" } else { "ESMTP" };
    let greeting = format!("220 {} {protocol} Sportello\r\n", session.door.name);
    let ended = async {
        wire.write(greeting.as_bytes(), limits.idle).await?;
        loop {
            match session.converse(&mut wire).await? {
                Next::StartTls => {
                    let Some(acceptor) = session.door.tls.clone() else { return Ok(()) };
                    let old = std::mem::replace(&mut wire, Wire::new(Box::new(tokio::io::empty())));
                    // Whatever was sent ahead in the clear could come from anybody on the way: no deal.
                    let Some(stream) = old.into_stream() else { return Err(WireError::Closed) };
                    let secured = tokio::time::timeout(limits.idle, acceptor.accept(stream)).await.map_err(|_| WireError::Idle)??;
                    wire = Wire::new(Box::new(secured));
                    session.encrypted = true;
                    session.hello = None;
                    session.reset();
                }
                Next::Go | Next::Data | Next::Quit => return Ok::<_, WireError>(()),
            }
        }
    };
    if let Err(error) = ended.await {
        let words = match error {
            WireError::Idle => Some("421 4.4.2 You were silent for too long, goodbye\r\n"),
            WireError::Stopping => Some("421 4.3.2 The desk is restarting, please try again\r\n"),
            WireError::Endless => Some("421 4.3.4 That is too much, goodbye\r\n"),
            WireError::Closed | WireError::Io(_) => None,
        };
        tracing::debug!(%peer, %error, "a mail connection ended early");
        if let Some(words) = words {
            let _ = wire.write(words.as_bytes(), std::time::Duration::from_secs(2)).await;
        }
    }
    wire.close().await;
}

impl Session {
    fn limits(&self) -> Limits {
        self.door.limits
    }

    fn reset(&mut self) {
        self.from = None;
        self.to.clear();
    }

    /// Takes commands until the connection is to change or to end.
    async fn converse(&mut self, wire: &mut Wire) -> Result<Next, WireError> {
        let limits = self.limits();
        let mut answers = String::new();
        loop {
            // Who sends commands ahead gets their answers together (RFC 2920).
            if !answers.is_empty() && !wire.has_more() {
                wire.write(answers.as_bytes(), limits.idle).await?;
                answers.clear();
            }
            let (answer, next) = match wire.line(limits.idle, &self.door.stop).await? {
                Line::TooLong => (self.mistake("500 5.5.2 That line is too long\r\n"), Next::Go),
                Line::BareLineFeed => (self.mistake("500 5.5.2 Lines must end with CR LF\r\n"), Next::Go),
                Line::Command(line) => self.obey(&line).await,
            };
            answers.push_str(&answer);
            if self.mistakes >= limits.mistakes {
                answers.push_str("421 4.7.0 Too many mistakes, goodbye\r\n");
                wire.write(answers.as_bytes(), limits.idle).await?;
                return Ok(Next::Quit);
            }
            match next {
                Next::Go => {}
                Next::Data => {
                    wire.write(answers.as_bytes(), limits.idle).await?;
                    answers.clear();
                    let mail = wire.mail(limits.mail_bytes, limits.idle, limits.mail, &self.door.stop).await?;
                    let answer = self.take(mail).await;
                    // Here each recipient has an answer of its own; what was stored was stored for all of them.
                    let times = if self.talk == Talk::Lmtp { self.to.len() } else { 1 };
                    answers.push_str(&answer.repeat(times));
                    self.reset();
                }
                Next::StartTls | Next::Quit => {
                    wire.write(answers.as_bytes(), limits.idle).await?;
                    return Ok(next);
                }
            }
        }
    }

    fn mistake(&mut self, words: &str) -> String {
        self.mistakes += 1;
        words.to_owned()
    }

    async fn obey(&mut self, line: &[u8]) -> (String, Next) {
        let request = match Request::parse(&mut line.iter()) {
            Ok(request) => request.into_owned(),
            Err(error) => return (self.misunderstood(&error), Next::Go),
        };
        let answer = match request {
            Request::Lhlo { host } if self.talk == Talk::Lmtp => self.ehlo(host),
            Request::Ehlo { .. } | Request::Helo { .. } if self.talk == Talk::Lmtp => self.mistake("500 5.5.1 Say LHLO here\r\n"),
            Request::Ehlo { host } => self.ehlo(host),
            Request::Helo { host } => {
                self.hello = Some((host, false));
                self.reset();
                format!("250 {}\r\n", self.door.name)
            }
            Request::Mail { from } => self.mail(from),
            Request::Rcpt { to } => self.rcpt(to).await,
            Request::Data if self.to.is_empty() => self.mistake("503 5.5.1 Name a recipient first\r\n"),
            Request::Data => return ("354 Go ahead, end with a dot on its own line\r\n".to_owned(), Next::Data),
            Request::Rset => {
                self.reset();
                READY.to_owned()
            }
            Request::Noop { .. } => READY.to_owned(),
            Request::Vrfy { .. } => "252 2.1.5 Send some mail and see\r\n".to_owned(),
            Request::Help { .. } => "214 2.0.0 This server takes mail for a helpdesk (RFC 5321)\r\n".to_owned(),
            Request::Quit => return ("221 2.0.0 Goodbye\r\n".to_owned(), Next::Quit),
            Request::StartTls if self.encrypted || self.door.tls.is_none() => self.mistake("503 5.5.1 Not now\r\n"),
            Request::StartTls => return ("220 2.0.0 Go ahead\r\n".to_owned(), Next::StartTls),
            Request::Lhlo { .. }
            | Request::Bdat { .. }
            | Request::Auth { .. }
            | Request::Expn { .. }
            | Request::Etrn { .. }
            | Request::Atrn { .. }
            | Request::Burl { .. } => self.mistake("502 5.5.1 This server does not do that\r\n"),
        };
        (answer, Next::Go)
    }

    fn misunderstood(&mut self, error: &Error) -> String {
        self.mistake(match error {
            Error::UnknownCommand => "500 5.5.1 Unknown command\r\n",
            Error::InvalidSenderAddress => "501 5.1.7 That is not a sender's address\r\n",
            Error::InvalidRecipientAddress => "501 5.1.3 That is not a recipient's address\r\n",
            Error::UnsupportedParameter { .. } => "555 5.5.4 Unknown parameter\r\n",
            Error::SyntaxError { .. }
            | Error::InvalidParameter { .. }
            | Error::NeedsMoreData { .. }
            | Error::ResponseTooLong
            | Error::InvalidResponse { .. } => "501 5.5.4 That cannot be understood\r\n",
        })
    }

    fn ehlo(&mut self, host: String) -> String {
        self.hello = Some((host, true));
        self.reset();
        let (name, size) = (&self.door.name, self.limits().mail_bytes);
        let starttls = if self.encrypted || self.door.tls.is_none() { "" } else { "250-STARTTLS\r\n" };
        format!("250-{name}\r\n250-PIPELINING\r\n250-SIZE {size}\r\n{starttls}250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n")
    }

    fn mail(&mut self, from: MailFrom<String>) -> String {
        if self.hello.is_none() {
            return self.mistake(if self.talk == Talk::Lmtp { "503 5.5.1 Say LHLO first\r\n" } else { "503 5.5.1 Say EHLO first\r\n" });
        }
        if self.from.is_some() {
            return self.mistake("503 5.5.1 One sender at a time\r\n");
        }
        if from.size > self.limits().mail_bytes {
            return TOO_BIG.to_owned();
        }
        self.from = Some(from.address);
        "250 2.1.0 OK\r\n".to_owned()
    }

    async fn rcpt(&mut self, to: RcptTo<String>) -> String {
        if self.from.is_none() {
            return self.mistake("503 5.5.1 Name the sender first\r\n");
        }
        if self.to.len() >= self.limits().recipients {
            return "452 4.5.3 Too many recipients\r\n".to_owned();
        }
        match recipients::find(&self.door.app, &to.address).await {
            Ok(Recipient::Mailbox(channel)) => {
                self.to.push((channel, to.address));
                "250 2.1.5 OK\r\n".to_owned()
            }
            Ok(Recipient::SwitchedOff) => "550 5.2.1 This mailbox is switched off\r\n".to_owned(),
            Ok(Recipient::Unknown) => self.mistake("550 5.1.1 There is no such mailbox here\r\n"),
            Err(error) => {
                tracing::warn!(%error, "cannot look up a recipient; the sender will try again");
                LATER.to_owned()
            }
        }
    }

    /// Stores a mail and answers for it.
    async fn take(&mut self, mail: Mail) -> String {
        let mail = match mail {
            Mail::TooBig => return TOO_BIG.to_owned(),
            Mail::Complete(mail) => mail,
        };
        if hops(&mail) > MAX_HOPS {
            return "554 5.4.6 This mail is going in circles\r\n".to_owned();
        }
        let raw = [self.trace().as_bytes(), &mail].concat();
        let from = self.from.as_deref().unwrap_or_default();
        let door = if self.talk == Talk::Lmtp { "lmtp" } else { "smtp" };
        // A commit whose answer comes too late leaves the mail here and has the client send it again: found by its Message-ID.
        let storing = tokio::time::timeout(std::time::Duration::from_secs(45), store(&self.door.app, door, from, &self.to, &raw));
        match storing.await {
            Ok(Ok(ids)) => {
                let words = ids.iter().map(|id| id.to_string()).collect::<Vec<_>>().join(", ");
                self.door.process(ids);
                format!("250 2.0.0 Stored as {words}\r\n")
            }
            Ok(Err(error)) => {
                tracing::error!(%error, "cannot store a mail; the sender will try again");
                LATER.to_owned()
            }
            Err(_) => {
                tracing::error!("cannot store a mail in time; the sender will try again");
                LATER.to_owned()
            }
        }
    }

    /// The line that every server on the way adds (RFC 5321, 4.4).
    fn trace(&self) -> String {
        let (host, extended) = self.hello.as_ref().map_or(("unknown", false), |(host, extended)| (host.as_str(), *extended));
        let host: String = host.chars().filter(|c| c.is_ascii_graphic() && !matches!(c, '(' | ')' | ';')).take(200).collect();
        let with = match (extended, self.encrypted) {
            _ if self.talk == Talk::Lmtp => "LMTP",
            (true, true) => "ESMTPS",
            (true, false) => "ESMTP",
            (false, _) => "SMTP",
        };
        let now = jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S +0000");
        format!("Received: from {host} ([{}])\r\n by {} with {with};\r\n {now}\r\n", self.peer, self.door.name)
    }
}

/// Stores the mail once for each mailbox it is for: all of them or none.
async fn store(app: &App, door: &'static str, from: &str, to: &[(ChannelId, String)], raw: &[u8]) -> sqlx::Result<Vec<DeliveryId>> {
    let mut channels: Vec<ChannelId> = to.iter().map(|(channel, _)| *channel).collect();
    channels.sort_unstable();
    channels.dedup();
    let store = async |db: &mut PgConnection, channel| {
        let recipients: Vec<String> = to.iter().filter(|(of, _)| *of == channel).map(|(_, address)| address.clone()).collect();
        deliveries::store(db, NewDelivery { channel, door, envelope_from: Some(from), envelope_to: &recipients, raw }).await
    };
    // As nearly always; it needs no transaction.
    if let [only] = channels[..] {
        return Ok(vec![store(&mut *app.db.acquire().await?, only).await?]);
    }
    let mut tx = app.db.begin().await?;
    let mut ids = Vec::with_capacity(channels.len());
    for channel in channels {
        ids.push(store(&mut tx, channel).await?);
    }
    tx.commit().await?;
    Ok(ids)
}

/// How many servers the mail says it has been through.
fn hops(mail: &[u8]) -> usize {
    mail.split(|&byte| byte == b'\n')
        .take_while(|line| !line.trim_ascii().is_empty())
        .filter(|line| line.get(..9).is_some_and(|name| name.eq_ignore_ascii_case(b"received:")))
        .count()
}
