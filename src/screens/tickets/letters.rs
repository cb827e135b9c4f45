//! The conversation as the page shows it: letters, notes, and what happened in between.

use crate::clock::Ts;
use crate::desk::calls::CallFacts;
use crate::desk::envelope::{Envelope, Forwarded, Invitation, Protection, ReportKind};
use crate::desk::events::{ChatEnd, Entry, Event};
use crate::desk::files::Attachment;
use crate::desk::kinds::{DeliveryStatus, Direction};
use crate::desk::links::Link;
use crate::desk::networks::Extras;
use crate::desk::networks::abilities::PublicVerbs;
use crate::desk::tickets::forwards;
use crate::desk::tickets::outbound;
use crate::desk::tickets::reports;
use crate::desk::tickets::thread::Message;
use crate::http::page::{Avatar, Icon, Shell, avatar, icon};
use crate::ids::{AgentId, MessageId, TicketId};
use crate::text::pictures::{self, Stretch};
use crate::text::{excerpts, html, signatures};

/// One thing in the conversation.
pub enum Item {
    Letter(Box<Letter>),
    Line(Line),
}

/// A message.
pub struct Letter {
    pub id: MessageId,
    pub ticket: TicketId,
    pub class: &'static str,
    pub author: String,
    pub avatar: Avatar,
    /// `to help@…`, `internal note`, `automatic`.
    pub about: String,
    pub excerpt: String,
    /// Safe HTML of the new words.
    pub text: String,
    /// Safe HTML of the signature; empty when there is none.
    pub signature: String,
    /// Safe HTML of the quoted history; empty when there is none.
    pub quoted: String,
    /// What a machine says with it, as a label: out of office, not delivered.
    pub label: &'static str,
    /// Why it may not come from whom it names; empty when nothing says so.
    pub doubt: String,
    /// The shop's.
    pub zone: jiff::tz::TimeZone,
    pub protection: Option<Protection>,
    pub invitation: Option<Invitation>,
    /// Messages that came as files: their heads, and their words as safe HTML.
    pub forwarded: Vec<(Forwarded, String)>,
    pub has_html: bool,
    pub has_original: bool,
    pub pictures: Vec<Attachment>,
    /// Played in place.
    pub sounds: Vec<Attachment>,
    pub files: Vec<Attachment>,
    /// Quick answers that were offered along with it.
    pub choices: Vec<String>,
    pub direction: Direction,
    pub author_id: Option<AgentId>,
    /// Carries by mail what the conversation shows already.
    pub copy: bool,
    pub delivery: Option<DeliveryStatus>,
    pub delivery_error: Option<String>,
    pub mine: bool,
    pub sent_at: Option<Ts>,
    pub at: Ts,
    pub open: bool,
    /// Everybody can read it.
    pub public: bool,
    pub extras: Extras,
    /// On it: the customer's, then ours.
    pub emoji: Vec<String>,
    /// What it answers, as one line.
    pub answers: Option<(MessageId, String)>,
    pub edited_at: Option<Ts>,
    pub removed_at: Option<Ts>,
    pub hidden: bool,
    pub liked: bool,
    /// What can be done to it on its network.
    pub verbs: PublicVerbs,
    /// An answer can name it.
    pub quotable: bool,
    /// The emoji that can be put on it.
    pub reactions: Vec<String>,
    /// Ours, if one is on it.
    pub our_emoji: String,
    /// Somebody wrote it who is not the ticket's customer.
    pub stranger: bool,
    /// It did not leave, and could with other words or another recipient.
    pub correctable: bool,
    /// A letter that can be passed on.
    pub forwardable: bool,
    /// Its files that went as links.
    pub linked: Vec<Linked>,
}

/// A file that went as a link.
pub struct Linked {
    pub file: Attachment,
    pub link: Link,
}

impl Linked {
    /// How it stands with the link.
    pub fn words(&self) -> String {
        let fetched = match self.link.downloads {
            0 => "not fetched yet".to_owned(),
            1 => "fetched once".to_owned(),
            times => format!("fetched {times} times"),
        };
        match self.link.revoked_at {
            Some(_) => format!("link taken back, {fetched}"),
            None if self.opens() => format!("as a link until {}, {fetched}", self.link.expires_at.0.strftime("%-d %b")),
            None => format!("link ended, {fetched}"),
        }
    }

    /// Whether it still opens the file.
    pub fn opens(&self) -> bool {
        self.link.opens(Ts::now())
    }
}

/// Safe HTML of words with their pictures in place.
fn shown(words: &str, ticket: TicketId, pictures: &[&Attachment]) -> String {
    let mut safe = String::new();
    for stretch in pictures::cut(words) {
        match stretch {
            Stretch::Words(words) => safe.push_str(&html::from_text(words)),
            Stretch::Picture { name, id } => {
                match pictures.iter().find(|file| file.content_id.as_deref() == Some(id) && file.is_picture()) {
                    Some(file) => safe.push_str(&format!(
                        "<p><a href=\"/tickets/{ticket}/files/{0}\" data-lightbox=\"{1}\"><img class=\"in-words\" src=\"/tickets/{ticket}/files/{0}\" alt=\"{1}\" loading=\"lazy\"></a></p>",
                        file.id,
                        html::escape(name)
                    )),
                    None => safe.push_str(&format!("<p>[{}]</p>", html::escape(name))),
                }
            }
        }
    }
    safe
}

impl Letter {
    pub(super) fn new(shell: &Shell, message: &Message, attachments: &[Attachment], all: &[Message]) -> Self {
        let envelope = message.envelope();
        let extras = message.extras();
        let (class, author, about) = head(shell, message, &envelope, &extras);
        let (class, about) = extras.call.as_ref().map_or((class, about), call_head);
        let text = message.new_text();
        let within = pictures::ids(&text);
        let mine: Vec<&Attachment> = attachments.iter().filter(|file| file.message == message.id).collect();
        let own = mine.iter().filter(|file| !file.content_id.as_deref().is_some_and(|id| within.contains(&id))).map(|file| (*file).clone());
        let (pictures, others): (Vec<_>, Vec<_>) = own.partition(Attachment::is_picture);
        let (sounds, files) = others.into_iter().partition(Attachment::is_sound);
        let mail = shell.directory.channel(message.channel_id).is_none_or(|channel| channel.abilities.is_none());
        let (text, signature) = match message.direction {
            Direction::Inbound if mail => signatures::split(&text),
            _ => (&*text, ""),
        };
        let label = envelope.report.as_ref().map_or("", |report| report.kind.label());
        let abilities = shell.directory.channel(message.channel_id).and_then(|channel| channel.abilities.as_deref());
        let alive = message.direction == Direction::Inbound && message.provider_id.is_some() && message.removed_at.is_none();
        Self {
            id: message.id,
            ticket: message.ticket_id,
            class,
            avatar: avatar(&author, message.agent_id.and_then(|id| shell.directory.photo(id)), ""),
            author,
            about,
            excerpt: if text.trim().is_empty() {
                wordless(&extras, attachments.iter().find(|file| file.message == message.id))
            } else {
                excerpts::excerpt(&pictures::in_words(text), 140)
            },
            text: shown(text, message.ticket_id, &mine),
            signature: if signature.is_empty() { String::new() } else { html::from_text(signature) },
            label,
            doubt: doubt(&envelope),
            zone: shell.directory.hours.zone.clone(),
            protection: envelope.protection,
            forwarded: envelope.forwarded.iter().map(|inner| (inner.clone(), html::from_text(&inner.body))).collect(),
            invitation: envelope.invitation,
            quoted: if message.quoted_text().is_empty() { String::new() } else { html::from_text(message.quoted_text()) },
            has_html: message.html.is_some(),
            has_original: message.delivery_id.is_some(),
            pictures,
            sounds,
            files,
            choices: envelope.choices,
            direction: message.direction,
            author_id: message.agent_id,
            copy: envelope.copy,
            delivery: message.delivery,
            delivery_error: message.delivery_error.clone(),
            mine: message.agent_id == Some(shell.agent.id),
            sent_at: message.sent_at,
            at: message.created_at,
            open: false,
            public: message.public,
            emoji: message.emoji(),
            answers: message.reply_to_id.map(|id| (id, words_of(id, all))),
            extras,
            edited_at: message.edited_at,
            removed_at: message.removed_at,
            hidden: message.hidden,
            liked: message.liked,
            verbs: verbs(shell, message),
            quotable: alive && abilities.is_some_and(|able| able.quotes),
            reactions: abilities.filter(|_| alive && !message.public).map(|able| able.reactions.clone()).unwrap_or_default(),
            our_emoji: message.reactions["shop"]["emoji"].as_str().unwrap_or_default().to_owned(),
            stranger: false,
            correctable: outbound::is_correctable(message),
            forwardable: forwards::is_forwardable(message),
            linked: Vec::new(),
        }
    }

    /// Shows those of its files that went as links as such.
    pub(super) fn take_links(&mut self, links: &[Link]) {
        for link in links.iter().filter(|link| link.message == self.id) {
            let lists = [&mut self.files, &mut self.pictures, &mut self.sounds];
            for list in lists {
                if let Some(at) = list.iter().position(|file| file.id == link.attachment) {
                    self.linked.push(Linked { file: list.remove(at), link: link.clone() });
                }
            }
        }
    }

    /// A moment without a script's help, which would show it in the reader's own zone.
    pub fn moment(&self, at: &Ts) -> String {
        at.0.to_zoned(self.zone.clone()).strftime("%a %-d %b %Y, %H:%M").to_string()
    }

    /// Can still be taken back.
    pub fn undoable(&self) -> bool {
        self.mine && self.direction == Direction::Outbound && self.delivery == Some(DeliveryStatus::Queued) && self.delivery_error.is_none()
    }

    /// Will be tried again by itself.
    pub fn delayed(&self) -> bool {
        self.delivery == Some(DeliveryStatus::Queued) && self.delivery_error.is_some()
    }

    /// Will not leave without a person.
    pub fn failed(&self) -> bool {
        self.delivery == Some(DeliveryStatus::Failed)
    }

    /// Has left.
    pub fn sent(&self) -> bool {
        self.delivery.is_some_and(DeliveryStatus::has_left)
    }

    /// The word for how far it has come.
    pub fn far(&self) -> &'static str {
        self.delivery.map_or("", DeliveryStatus::label)
    }

    /// The customer has it, as far as their network tells.
    pub fn arrived(&self) -> bool {
        matches!(self.delivery, Some(DeliveryStatus::Delivered | DeliveryStatus::Read))
    }

    /// It left, and nobody knows whether it arrived.
    pub fn unsure(&self) -> bool {
        self.delivery == Some(DeliveryStatus::Unsure)
    }

    /// The picture beside a call's name.
    pub fn call_icon(&self) -> Icon {
        match &self.extras.call {
            Some(call) if call.recorded && !call.answered => icon("voicemail"),
            Some(call) if call.is_missed() => icon("phone-missed"),
            Some(call) if call.incoming => icon("phone-incoming"),
            _ => icon("phone-outgoing"),
        }
    }

    /// Where a location is on a map.
    pub fn map(&self) -> Option<(String, String)> {
        let place = self.extras.location.as_ref()?;
        let name = [&place.name, &place.address].into_iter().filter(|text| !text.is_empty()).cloned().collect::<Vec<_>>().join(", ");
        let spot = format!("{:.5}, {:.5}", place.latitude, place.longitude);
        let link = format!("https://www.openstreetmap.org/?mlat={0}&mlon={1}#map=16/{0}/{1}", place.latitude, place.longitude);
        Some((link, if name.is_empty() { spot } else { name }))
    }

    /// Is on its way or about to be.
    pub fn waiting(&self) -> bool {
        matches!(self.delivery, Some(DeliveryStatus::Queued | DeliveryStatus::Sending)) && self.delivery_error.is_none()
    }

    /// The reason why it has not left.
    pub fn reason(&self) -> &str {
        self.delivery_error.as_deref().unwrap_or("Nobody said why.")
    }
}

/// How a message looks, who wrote it, and what is said of it beside the name.
fn head(shell: &Shell, message: &Message, envelope: &Envelope, extras: &Extras) -> (&'static str, String, String) {
    let addresses =
        |list: &[crate::desk::envelope::Address]| list.iter().map(|address| address.address.as_str()).collect::<Vec<_>>().join(", ");
    match message.direction {
        Direction::Inbound => {
            let from = envelope.from.clone().unwrap_or_default();
            let name = [&from.name, &message.contact_name, &from.address].into_iter().find(|name| !name.is_empty()).cloned();
            let mut about = match (envelope.to.is_empty(), envelope.cc.is_empty()) {
                (true, _) => String::new(),
                (false, true) => format!("to {}", addresses(&envelope.to)),
                (false, false) => format!("to {}, cc {}", addresses(&envelope.to), addresses(&envelope.cc)),
            };
            if message.bounce {
                about = "delivery notice".to_owned();
            } else if message.automatic && envelope.report.is_none() {
                about = format!("automatic message {about}");
            }
            let class = if message.bounce { "letter--in letter--bounce" } else { "letter--in" };
            (class, name.unwrap_or_else(|| "Unknown".to_owned()), about)
        }
        Direction::Outbound => {
            let author = message.agent_id.map_or_else(|| shell.directory.shop.shop_name.clone(), |id| shell.directory.agent(id).to_owned());
            let mut about = format!("to {}", addresses(&envelope.to));
            if !envelope.cc.is_empty() {
                about = format!("{about}, cc {}", addresses(&envelope.cc));
            }
            if !envelope.bcc.is_empty() {
                about = format!("{about}, bcc {}", addresses(&envelope.bcc));
            }
            if message.automatic {
                about = format!("automatic receipt {about}");
            } else if envelope.copy {
                about = format!("by mail what the chat had not shown, {about}");
            } else if let Some(app) = &extras.app {
                about = format!("sent from {app}");
            } else if envelope.to.is_empty() {
                about = match shell.directory.channel(message.channel_id) {
                    Some(channel) if channel.abilities.is_some() && message.public => format!("in public on {}", channel.kind.label()),
                    Some(channel) if channel.abilities.is_some() => format!("on {}", channel.kind.label()),
                    _ => "in the chat".to_owned(),
                };
            }
            let class = if message.delivery == Some(DeliveryStatus::Failed) { "letter--out letter--failed" } else { "letter--out" };
            (class, author, about)
        }
        Direction::Note if message.side_id.is_some() => {
            let mut about = format!("to {}", addresses(&envelope.to));
            for (word, list) in [("cc", &envelope.cc), ("bcc", &envelope.bcc)] {
                if !list.is_empty() {
                    about = format!("{about}, {word} {}", addresses(list));
                }
            }
            let from = envelope.from.clone().unwrap_or_default();
            match message.agent_id {
                Some(agent) if message.delivery == Some(DeliveryStatus::Failed) => {
                    ("letter--out letter--failed", shell.directory.agent(agent).to_owned(), about)
                }
                Some(agent) => ("letter--out", shell.directory.agent(agent).to_owned(), about),
                None if message.bounce => ("letter--in letter--bounce", from.address, "delivery notice".to_owned()),
                None if message.automatic => ("letter--in", from.address, "automatic message".to_owned()),
                None if from.name.is_empty() => ("letter--in", from.address, about),
                None => ("letter--in", from.name, from.address),
            }
        }
        Direction::Note => {
            let author = message.agent_id.map_or("Someone", |id| shell.directory.agent(id));
            ("letter--note", author.to_owned(), "internal note".to_owned())
        }
    }
}

/// Why a mail may not come from whom it names, in plain words.
fn doubt(envelope: &Envelope) -> String {
    let Some(checks) = envelope.checks.as_ref().filter(|checks| checks.failed()) else { return String::new() };
    let from = envelope.from.as_ref().map_or("", |from| from.address.as_str());
    let failed = if checks.dmarc == "fail" { "DMARC" } else { "SPF and DKIM" };
    format!(
        "This mail names {from} as its sender, but its domain says that it does not come from there ({failed} failed, says {}). Do not send anything secret before you are sure.",
        checks.by
    )
}

/// What is told of a message of ours by a line rather than by a letter.
fn report_line(message: &Message, all: &[Message]) -> Option<Line> {
    let report = message.envelope().report?;
    let about = all.iter().find(|other| Some(other.id) == report.about);
    report.about?;
    let whom: Vec<&str> =
        report.recipients.iter().map(|recipient| recipient.address.as_str()).filter(|address| !address.is_empty()).collect();
    let whom = whom.join(", ");
    let said = report.recipients.first().map(|recipient| recipient.said.as_str()).filter(|said| !said.is_empty());
    let (name, text) = match report.kind {
        ReportKind::Failed => {
            let what = if about.is_some_and(|about| about.automatic) { "The automatic receipt" } else { "The answer" };
            let text = match (about, &*whom) {
                // The message itself says why.
                (Some(_), whom) if !whom.is_empty() => format!("{what} did not arrive at {whom}"),
                _ => format!("{what} did not arrive. {}", excerpts::excerpt(&reports::words(&report, about), 240)),
            };
            ("triangle-alert", text)
        }
        ReportKind::Delayed => {
            let said = said.map(|said| format!(" It says: “{}”", excerpts::excerpt(said, 160))).unwrap_or_default();
            (
                "clock",
                format!(
                    "The server of {} has not taken the answer yet; sending goes on by itself.{said}",
                    if whom.is_empty() { "the customer" } else { &whom }
                ),
            )
        }
        ReportKind::Delivered => {
            ("check-check", format!("The server of {} has the answer", if whom.is_empty() { "the customer" } else { &whom }))
        }
        ReportKind::Read => ("check-check", "Read receipt: the customer’s mail program says that the answer was opened".to_owned()),
        ReportKind::Unread => ("trash-2", "Read receipt: the answer was deleted without being opened".to_owned()),
        ReportKind::Complaint => {
            ("flag", format!("{} called the answer spam, their provider says", if whom.is_empty() { "The customer" } else { &whom }))
        }
        ReportKind::Away => return None,
    };
    let more = message.delivery_id.map(|_| format!("/tickets/{}/messages/{}/original", message.ticket_id, message.id));
    Some(Line { icon: icon(name), who: String::new(), text, at: message.created_at, more })
}

/// How a call looks, and whom it was with: it is neither a letter nor a note, whatever it is kept as.
fn call_head(call: &CallFacts) -> (&'static str, String) {
    let about = match (&*call.number, call.incoming) {
        ("", _) => String::new(),
        (number, _) if call.is_missed() => number.to_owned(),
        (number, true) => format!("from {number}"),
        (number, false) => format!("to {number}"),
    };
    (if call.is_missed() { "letter--in letter--call letter--missed" } else { "letter--call" }, about)
}

/// An earlier message as one line.
fn words_of(id: MessageId, all: &[Message]) -> String {
    let words = all.iter().find(|other| other.id == id).map(|other| excerpts::excerpt(&other.new_text(), 100));
    words.filter(|words| !words.is_empty()).unwrap_or_else(|| "an earlier message".to_owned())
}

/// What stands for words that are not there.
fn wordless(extras: &Extras, file: Option<&Attachment>) -> String {
    match (extras.in_words(), file) {
        ("", Some(file)) if file.is_picture() => "(Picture)".to_owned(),
        ("", Some(file)) => format!("({})", file.name),
        (words, _) => words.to_owned(),
    }
}

/// What can be done to a message on its network: to a customer's whatever it lets us do, to ours only taking it away.
fn verbs(shell: &Shell, message: &Message) -> PublicVerbs {
    let abilities = shell.directory.channel(message.channel_id).and_then(|channel| channel.abilities.as_deref());
    match (abilities, message.direction) {
        (Some(abilities), Direction::Inbound) if message.public && message.removed_at.is_none() => abilities.public,
        (Some(abilities), Direction::Outbound)
            if message.public && message.removed_at.is_none() && message.delivery.is_some_and(DeliveryStatus::has_left) =>
        {
            PublicVerbs { delete: abilities.public.delete || abilities.public.delete_own, ..PublicVerbs::default() }
        }
        _ => PublicVerbs::default(),
    }
}

/// What happened between the messages, as one quiet line.
pub struct Line {
    pub icon: Icon,
    /// Who did it; empty for the desk itself.
    pub who: String,
    pub text: String,
    pub at: Ts,
    /// Where the whole of it can be read.
    pub more: Option<String>,
}

/// When a message was said. Networks bring what was delayed with its true time; the date of a mail is whatever its sender likes.
fn said_at(shell: &Shell, message: &Message) -> Ts {
    let network = shell.directory.channel(message.channel_id).is_some_and(|channel| channel.abilities.is_some());
    message.sent_at.filter(|at| network && message.provider_id.is_some() && *at < message.created_at).unwrap_or(message.created_at)
}

/// Messages and events in the order in which they happened. The last message of the customer and everything after it stand open.
pub fn conversation(shell: &Shell, messages: &[Message], attachments: &[Attachment], events: &[Entry], all_open: bool) -> Vec<Item> {
    let from = messages.first().map(|message| message.created_at);
    let last_inbound = messages
        .iter()
        .rposition(|message| message.direction == Direction::Inbound && !message.bounce && message.envelope().report.is_none())
        .unwrap_or(0);
    let mut items: Vec<(Ts, Item)> = Vec::with_capacity(messages.len() + events.len());
    for (at, message) in messages.iter().enumerate() {
        if let Some(line) = report_line(message, messages) {
            items.push((message.created_at, Item::Line(line)));
            continue;
        }
        let mut letter = Letter::new(shell, message, attachments, messages);
        // A receipt is read by the customer, not by us.
        let receipt = message.automatic && message.direction == Direction::Outbound;
        letter.open = letter.failed() || (!receipt && (all_open || at >= last_inbound || messages.len() <= 3));
        items.push((said_at(shell, message), Item::Letter(Box::new(letter))));
    }
    let chat = events.iter().any(|entry| entry.event == Some(Event::ChatStarted {}));
    for entry in events {
        // Whoever takes a chat takes its ticket: one line says it.
        if chat && matches!(entry.event, Some(Event::Assigned { to: Some(to) }) if entry.agent == Some(to)) {
            continue;
        }
        // So does the end of a chat, which solves it.
        let ends = |other: &Entry| matches!(other.event, Some(Event::ChatEnded { .. })) && other.at == entry.at;
        if chat && matches!(entry.event, Some(Event::StatusChanged { .. })) && events.iter().any(ends) {
            continue;
        }
        if from.is_some_and(|from| entry.at < from) && messages.len() > 1 {
            continue;
        }
        if let Some(line) = line(shell, entry) {
            items.push((entry.at, Item::Line(line)));
        }
    }
    items.sort_by_key(|(at, _)| *at);
    items.into_iter().map(|(_, item)| item).collect()
}

fn line(shell: &Shell, entry: &Entry) -> Option<Line> {
    let directory = &shell.directory;
    let who = entry.agent.map(|id| directory.agent(id).to_owned()).unwrap_or_default();
    let (name, text) = match entry.event.as_ref()? {
        // The message itself says it.
        Event::Created {}
        | Event::Received { .. }
        | Event::Replied { .. }
        | Event::Noted { .. }
        | Event::Acknowledged { .. }
        | Event::SendFailed { .. }
        | Event::Bounced { reopened: None, .. }
        | Event::DeliveryDelayed { .. }
        | Event::ReceiptCame { .. }
        | Event::SpamReported { .. }
        | Event::MessageEdited { .. }
        | Event::MessageRemoved { .. }
        | Event::MessageRestored { .. }
        | Event::CallMissed { .. }
        | Event::CallLogged { .. } => return None,
        Event::MessageHidden { hidden: true, .. } => ("eye", "hid a public message".to_owned()),
        Event::MessageHidden { hidden: false, .. } => ("eye", "showed a public message again".to_owned()),
        Event::MessageDeleted { .. } => ("trash-2", "deleted a public message".to_owned()),
        Event::Reopened { from } => ("undo-2", format!("A new message reopened the ticket ({} before)", from.label().to_lowercase())),
        Event::Bounced { reopened: Some(from), .. } => {
            ("undo-2", format!("The ticket is open again, because the answer did not arrive ({} before)", from.label().to_lowercase()))
        }
        Event::Undone { .. } => ("undo-2", "took a reply back before it left".to_owned()),
        Event::SendRetried { .. } => ("refresh-cw", "tried to send a reply again".to_owned()),
        Event::Assigned { to: None } => ("user", "put the ticket back for anyone to take".to_owned()),
        Event::Assigned { to: Some(id) } if entry.agent == Some(*id) => ("user-check", "took the ticket".to_owned()),
        Event::Assigned { to: Some(id) } => ("user-check", format!("gave the ticket to {}", directory.agent(*id))),
        Event::TeamChanged { to: None } => ("users-round", "took the ticket out of its team".to_owned()),
        Event::TeamChanged { to: Some(id) } => ("users-round", format!("moved the ticket to {}", directory.team(*id))),
        Event::StatusChanged { to, .. } => {
            let name = match to {
                crate::desk::kinds::Status::Open => "circle-dot",
                crate::desk::kinds::Status::Pending => "circle-pause",
                crate::desk::kinds::Status::Snoozed => "alarm-clock",
                crate::desk::kinds::Status::Solved => "circle-check",
                crate::desk::kinds::Status::Spam => "circle-slash",
            };
            (name, format!("set the status to {}", to.label()))
        }
        Event::Snoozed { until } => {
            let zone = jiff::tz::TimeZone::get(&directory.shop.time_zone).unwrap_or(jiff::tz::TimeZone::UTC);
            ("alarm-clock", format!("snoozed the ticket until {}", until.0.to_zoned(zone).strftime("%a %-d %b, %H:%M")))
        }
        Event::Woken {} => ("alarm-clock", "The snooze is over".to_owned()),
        Event::PriorityChanged { to } if entry.agent.is_none() => ("chevrons-up", format!("The priority is {} now", to.label())),
        Event::PriorityChanged { to } => ("chevrons-up", format!("set the priority to {}", to.label())),
        Event::Tagged { tag } => ("tag", format!("added the tag {}", directory.tag(*tag))),
        Event::Untagged { tag } => ("tag", format!("removed the tag {}", directory.tag(*tag))),
        Event::SubjectChanged { from, .. } => ("pencil", format!("changed the subject from “{from}”")),
        Event::Joined { name, .. } => ("user-plus", format!("{name} joined by e-mail – not the customer")),
        Event::Forwarded { to, .. } => ("arrow-right-left", format!("forwarded this to {to}")),
        Event::SideOpened { to, .. } => ("messages-square", format!("asked {to} beside the conversation")),
        Event::SideAnswered { from, .. } => ("messages-square", format!("{from} answered beside the conversation")),
        Event::ReplyPlanned { until } => {
            let zone = jiff::tz::TimeZone::get(&directory.shop.time_zone).unwrap_or(jiff::tz::TimeZone::UTC);
            ("alarm-clock", format!("planned a reply for {}", until.0.to_zoned(zone).strftime("%a %-d %b, %H:%M")))
        }
        Event::PlanWithdrawn {} => ("undo-2", "took a planned reply back".to_owned()),
        Event::PlanStopped {} => ("triangle-alert", "A planned reply was stopped".to_owned()),
        Event::LinkRevoked { file } => ("link", format!("took the link to {file} back")),
        Event::ClosedByCustomer {} => ("circle-check", "The customer says it is settled".to_owned()),
        other => match call_line(shell, other, entry.agent.is_some()) {
            Some(line) => line,
            None => return public_line(shell, other, &who, entry.at).or_else(|| chat_line(shell, other, who, entry.at)),
        },
    };
    Some(Line { icon: icon(name), who, text, at: entry.at, more: None })
}

/// The lines of a call-back.
fn call_line(shell: &Shell, event: &Event, by_agent: bool) -> Option<(&'static str, String)> {
    let zone = &shell.directory.hours.zone;
    let when = |from: &Ts, until: &Ts| {
        let (from, until) = (from.0.to_zoned(zone.clone()), until.0.to_zoned(zone.clone()));
        format!("{}–{}", from.strftime("%a %-d %b, %H:%M"), until.strftime("%H:%M"))
    };
    Some(match event {
        Event::CallbackRequested { phone, from: Some(from), until: Some(until) } => {
            let words = if by_agent { "planned a call to" } else { "The customer wants to be called at" };
            ("phone", format!("{words} {phone}, {}", when(from, until)))
        }
        Event::CallbackRequested { phone, .. } => ("phone", format!("The customer wants to be called at {phone}")),
        Event::CallbackMoved { from, until } if by_agent => ("phone", format!("moved the call to {}", when(from, until))),
        Event::CallbackMoved { from, until } => ("phone", format!("The customer moved the call to {}", when(from, until))),
        Event::CallbackDue {} => ("alarm-clock", "It is time to call".to_owned()),
        Event::CallbackLate {} => ("triangle-alert", "Nobody called in time; the leads were told, and the customer".to_owned()),
        Event::CallbackDone {} => ("circle-check", "reached the customer by phone".to_owned()),
        Event::CallbackNotReached { attempt, next: Some(next) } => {
            let next = next.0.to_zoned(zone.clone()).strftime("%a %-d %b, %H:%M");
            ("phone", format!("called and reached nobody (attempt {attempt}); again {next}"))
        }
        Event::CallbackNotReached { attempt, next: None } => {
            ("phone", format!("called and reached nobody (attempt {attempt}, the last); the customer is written to"))
        }
        Event::CallbackWithdrawn {} if by_agent => ("phone", "withdrew the call".to_owned()),
        Event::CallbackWithdrawn {} => ("phone", "The call is no longer wanted".to_owned()),
        _ => return None,
    })
}

/// The lines of approvals and of angry customers.
fn public_line(shell: &Shell, event: &Event, who: &str, at: Ts) -> Option<Line> {
    let directory = &shell.directory;
    let (name, text) = match event {
        Event::RatingChanged { from, to, .. } => ("star", format!("The customer changed their rating: {from} before, {to} now")),
        Event::ApprovalAsked { .. } => ("shield-alert", "wrote a public answer that waits for approval".to_owned()),
        Event::Approved { author, edited: false, .. } => {
            ("badge-check", format!("approved and sent the public answer of {}", directory.agent(*author)))
        }
        Event::Approved { author, edited: true, .. } => {
            ("badge-check", format!("changed, approved and sent the public answer of {}", directory.agent(*author)))
        }
        Event::ApprovalReturned { author, reason, .. } => {
            ("undo-2", format!("returned the public answer to {}: “{}”", directory.agent(*author), excerpts::excerpt(reason, 300)))
        }
        Event::ApprovalWithdrawn { .. } => ("undo-2", "took their public answer back before anybody approved it".to_owned()),
        Event::AngerFound { reasons, public: true, .. } => ("zap", format!("Angry in public: {}", reasons.join(", "))),
        Event::AngerFound { reasons, public: false, .. } => ("zap", format!("Angry: {}", reasons.join(", "))),
        Event::AngerRang { round: ..=1 } => ("bell-ring", "It rings at who leads and is here".to_owned()),
        Event::AngerRang { .. } => ("bell-ring", "It rings at everybody who leads".to_owned()),
        Event::AngerMailed {} => ("mail", "Nobody took it: everybody who leads was written to".to_owned()),
        Event::AngerTaken {} => ("user-check", "answered the bell: “I take it”".to_owned()),
        Event::AngerCalmed {} => ("check", "says that nobody is angry here".to_owned()),
        Event::AngerRestored {} => ("zap", "says that somebody is angry after all".to_owned()),
        Event::AngerGone { .. } => ("check", "The customer changed what they said: nothing angry stands there now".to_owned()),
        _ => return None,
    };
    Some(Line { icon: icon(name), who: who.to_owned(), text, at, more: None })
}

/// The lines of a live chat.
fn chat_line(shell: &Shell, event: &Event, who: String, at: crate::clock::Ts) -> Option<Line> {
    let directory = &shell.directory;
    let (name, text) = match event {
        Event::ChatStarted {} => ("message-square-text", "The visitor started a chat".to_owned()),
        Event::ChatAccepted {} => ("user-check", "took the chat".to_owned()),
        Event::ChatMissed { agent } => ("clock", format!("It rang at {}, who did not answer", directory.agent(*agent))),
        Event::ChatLate {} => ("clock", "The promised moment passed, and the visitor was told so".to_owned()),
        Event::ChatParked {} => ("triangle-alert", "Nobody took the chat; the visitor was offered other ways".to_owned()),
        Event::ChatTransferred { agent: Some(id), .. } => ("arrow-right-left", format!("gave the chat to {}", directory.agent(*id))),
        Event::ChatTransferred { team: Some(id), .. } => ("arrow-right-left", format!("gave the chat to {}", directory.team(*id))),
        Event::ChatTransferred { .. } => ("users-round", "gave the chat away".to_owned()),
        Event::ChatInvited { agent } => ("user-plus", format!("asked {} in", directory.agent(*agent))),
        Event::ChatSteppedIn {} => ("user-check", "stepped in".to_owned()),
        Event::ChatHandedOver { from } => {
            ("refresh-cw", format!("{} left or fell silent, so the chat rang elsewhere", directory.agent(*from)))
        }
        Event::ChatContinuesByMail {} => ("mail", "The conversation goes on by mail".to_owned()),
        Event::ChatEnded { by } => match by {
            ChatEnd::Agent => ("circle-check", "ended the chat".to_owned()),
            ChatEnd::Visitor => ("circle-check", "The visitor ended the chat".to_owned()),
            ChatEnd::Silence => ("circle-check", "The chat ended after a long silence".to_owned()),
        },
        Event::ChatRated { stars } => ("circle-check", format!("The visitor rated the chat {stars} of 5")),
        Event::VisitorBlocked {} => ("circle-slash", "blocked the visitor".to_owned()),
        _ => return None,
    };
    Some(Line { icon: icon(name), who, text, at, more: None })
}
