//! One conversation of several: what is said, who says it, and what is known of the visitor.

use sqlx::PgConnection;

use crate::app::App;
use crate::clock::Ts;
use crate::desk::chats::{self, Chat};
use crate::desk::contacts::{Contact, EarlierTicket};
use crate::desk::files;
use crate::desk::kinds::{ChatState, Direction};
use crate::desk::presence::OnDuty;
use crate::desk::tickets::drafts::Drafts;
use crate::desk::tickets::{self, Ticket, surroundings, thread};
use crate::desk::visitors::{self, Place, Visitor};
use crate::http::page::{Icon, Shell, avatar_colour, icon, visitor_name};
use crate::ids::{AgentId, MessageId, TicketId};
use crate::screens::chats::Trouble;
use crate::screens::live::{self, PersonPresent};
use crate::screens::tickets::language_name;
use crate::screens::tickets::letters::{self, Item, Letter, Line};
use crate::secrets;
use crate::text::{excerpts, names};

/// Earlier tickets that a pane names.
const EARLIER: usize = 5;
/// Messages that a suggested summary is made of, and how much of each.
const SUMMARY: usize = 4;
const SUMMARY_WORDS: usize = 140;

/// One thing in the conversation.
pub enum Said {
    Line(Line),
    Bubble(Box<Bubble>),
}

/// What somebody said.
pub struct Bubble {
    pub letter: Box<Letter>,
    /// `in`, `out` or `note`.
    pub side: &'static str,
    /// Whether its author has not spoken just before.
    pub first: bool,
    /// How far our words have come.
    pub mark: Option<Mark>,
}

impl Bubble {
    /// Whether its side says already who speaks: the visitor, or oneself.
    pub fn plain(&self) -> bool {
        match self.letter.direction {
            Direction::Inbound => true,
            Direction::Outbound => self.letter.mine,
            Direction::Note => false,
        }
    }
}

/// How far our words have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    Sent,
    Mailed,
    Delivered,
    Read,
}

impl Mark {
    fn of(chat: &Chat, id: MessageId) -> Self {
        if id <= chat.visitor_read {
            Self::Read
        } else if id <= chat.visitor_delivered {
            Self::Delivered
        } else if id <= chat.mailed {
            Self::Mailed
        } else {
            Self::Sent
        }
    }

    /// In a word.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Sent => "Sent",
            Self::Mailed => "Sent by mail too",
            Self::Delivered => "Delivered",
            Self::Read => "Read",
        }
    }

    /// In a picture.
    pub const fn icon(self) -> Icon {
        match self {
            Self::Sent => icon("check"),
            Self::Mailed => icon("mail"),
            Self::Delivered | Self::Read => icon("check-check"),
        }
    }
}

/// A conversation and what stands around it.
pub struct Pane {
    pub ticket: Ticket,
    pub chat: Chat,
    pub visitor: Visitor,
    pub contact: Contact,
    pub said: Vec<Said>,
    /// The newest word of the visitor: what counts as seen when the pane is.
    pub heard: MessageId,
    /// There is more before the first message.
    pub longer: bool,
    pub drafts: Drafts,
    pub uploads: Vec<files::Upload>,
    pub earlier: Vec<EarlierTicket>,
    pub present: Vec<PersonPresent>,
    pub context: Vec<(String, String)>,
    /// By which a narrow screen chooses: 1 is always shown.
    pub rank: usize,
    /// A random id, so that the same form sent twice is said once.
    pub once: String,
    pub trouble: Option<Trouble>,
    /// Suggested to whoever gives the chat away.
    pub summary: String,
    pub holder: Option<String>,
    /// Colleagues who were asked in.
    pub helpers: Vec<String>,
    me: AgentId,
    lead: bool,
}

impl Pane {
    /// Reads a chat that the agent may see; `None`: there is no such chat.
    pub async fn load(app: &App, db: &mut PgConnection, shell: &Shell, id: TicketId) -> sqlx::Result<Option<Self>> {
        let me = shell.agent.id;
        let Some(ticket) = tickets::load(db, &shell.agent, id).await? else { return Ok(None) };
        let Some(chat) = chats::find(db, id).await? else { return Ok(None) };
        let Some(visitor) = visitors::find(db, chat.visitor_id).await? else { return Ok(None) };
        let messages = thread::list(db, id, None, true).await?;
        let around = surroundings::load(db, &ticket, &messages, me).await?;
        let items = letters::conversation(shell, &messages, &around.attachments, &around.events, true);
        let heard =
            messages.iter().rev().find(|message| message.direction == Direction::Inbound).map_or(MessageId(0), |message| message.id);
        let name = visitor_name(&visitor.name, id);
        let mut present = live::present(app, id).await?;
        present.retain(|person| person.id != me);
        Ok(Some(Self {
            summary: summary(&name, &items),
            said: said(&chat, &name, items),
            heard,
            longer: i64::try_from(messages.len()).unwrap_or(0) == thread::PAGE,
            drafts: around.drafts,
            uploads: around.uploads,
            earlier: around.earlier.into_iter().take(EARLIER).collect(),
            present,
            contact: around.contact,
            context: visitors::context_lines(&visitor.context),
            rank: 1,
            once: secrets::token(),
            trouble: None,
            holder: chat.agent_id.filter(|holder| *holder != me).map(|holder| shell.directory.agent(holder).to_owned()),
            helpers: chat.helpers.iter().filter(|helper| **helper != me).map(|id| shell.directory.agent(*id).to_owned()).collect(),
            me,
            lead: shell.is_lead(),
            ticket,
            chat,
            visitor,
        }))
    }

    pub fn id(&self) -> TicketId {
        self.ticket.id
    }

    pub fn name(&self) -> String {
        let known = if self.visitor.name.is_empty() { &self.contact.name } else { &self.visitor.name };
        visitor_name(known, self.ticket.id)
    }

    pub fn first_name(&self) -> String {
        self.name().split_whitespace().next().unwrap_or_default().to_owned()
    }

    pub fn initials(&self) -> String {
        names::initials(&self.name())
    }

    pub fn colour(&self) -> u32 {
        avatar_colour(&self.name())
    }

    /// Whether the shop vouches for who this is.
    pub fn verified(&self) -> bool {
        self.visitor.verified_id.is_some()
    }

    pub fn language(&self) -> Option<&str> {
        let code = self.ticket.language.as_deref().or(self.visitor.language.as_deref())?;
        Some(language_name(code).unwrap_or(code))
    }

    /// What time it is where they are.
    pub fn local_time(&self) -> Option<String> {
        let zone = jiff::tz::TimeZone::get(self.visitor.time_zone.as_deref()?).ok()?;
        Some(Ts::now().0.to_zoned(zone).strftime("%H:%M").to_string())
    }

    pub fn place(&self) -> Option<Place> {
        Place::of(&self.visitor.page)
    }

    pub fn is_open(&self) -> bool {
        self.chat.is_open()
    }

    /// Whether anybody may take it.
    pub fn is_free(&self) -> bool {
        self.chat.is_open() && self.chat.agent_id.is_none()
    }

    /// Whether a lead may take it from whoever holds it.
    pub fn may_step_in(&self) -> bool {
        self.lead && self.chat.is_open() && self.holder.is_some()
    }

    /// Whether one takes part, so that reading here is told to the visitor.
    pub fn takes_part(&self) -> bool {
        self.chat.involves(self.me)
    }

    /// What stands between the reader and the composer, in words; empty for one's own chat.
    pub fn situation(&self) -> String {
        match (self.chat.state, &self.holder) {
            (ChatState::Active, Some(holder)) if self.takes_part() => format!("{holder} holds this chat and asked you in."),
            (ChatState::Active, Some(holder)) => format!("{holder} holds this chat. What you write joins it."),
            (ChatState::Active, None) => String::new(),
            (ChatState::Ringing, _) => "Nobody holds this chat yet; it is ringing.".to_owned(),
            (ChatState::Queued, _) => "Nobody holds this chat: it waits for free hands.".to_owned(),
            (ChatState::Parked, _) => "Nobody took this chat; the visitor was offered other ways and may still be there.".to_owned(),
            (ChatState::Mail, _) if self.address().is_some() => "This conversation goes on by mail.".to_owned(),
            (ChatState::Mail, _) => "The visitor left without an address: an answer waits for their return.".to_owned(),
            (ChatState::Ended, _) => "This chat has ended.".to_owned(),
        }
    }

    /// The mail address that an answer would go to.
    pub fn address(&self) -> Option<&str> {
        self.visitor.email.as_deref().or(self.contact.email.as_deref())
    }

    /// Words that were refused at this form, and why.
    pub fn refused(&self, form: &str) -> Option<&str> {
        self.trouble.as_ref().filter(|trouble| trouble.form == form).map(|trouble| trouble.words.as_str())
    }

    /// What was chosen in a form that was refused.
    pub fn chosen(&self, form: &str, value: &str) -> bool {
        self.trouble.as_ref().is_some_and(|trouble| trouble.form == form && trouble.to == value)
    }

    /// The summary as typed, or a suggested one.
    pub fn summary(&self) -> &str {
        self.trouble.as_ref().filter(|trouble| trouble.form == "transfer").map_or(&self.summary, |trouble| &trouble.text)
    }

    /// The quick answers as typed; empty ones make up six.
    pub fn choices(&self) -> Vec<String> {
        let mut choices =
            self.trouble.as_ref().filter(|trouble| trouble.form == "say").map(|trouble| trouble.choices.clone()).unwrap_or_default();
        choices.resize(chats::MAX_CHOICES, String::new());
        choices
    }

    /// Whether the composer begins as a note.
    pub fn is_note(&self) -> bool {
        self.trouble.as_ref().is_some_and(|trouble| trouble.form == "say" && trouble.to == "note")
    }

    /// Colleagues to whom the chat may go, or who may be asked in.
    pub fn others<'a>(&self, floor: &'a [OnDuty]) -> Vec<&'a OnDuty> {
        floor.iter().filter(|one| one.agent != self.me && Some(one.agent) != self.chat.agent_id).collect()
    }
}

fn side(direction: Direction) -> &'static str {
    match direction {
        Direction::Inbound => "in",
        Direction::Outbound => "out",
        Direction::Note => "note",
    }
}

fn said(chat: &Chat, name: &str, items: Vec<Item>) -> Vec<Said> {
    let mut before: Option<(Direction, Option<AgentId>)> = None;
    let mut all = Vec::with_capacity(items.len());
    for item in items {
        match item {
            Item::Line(line) => {
                before = None;
                all.push(Said::Line(line));
            }
            // The conversation has it already.
            Item::Letter(letter) if letter.copy => {}
            Item::Letter(mut letter) => {
                let author = (letter.direction, letter.author_id);
                if letter.direction == Direction::Inbound {
                    name.clone_into(&mut letter.author);
                }
                let ours = letter.direction == Direction::Outbound && letter.author_id.is_some();
                let mark = (ours && letter.delivery.is_some()).then(|| Mark::of(chat, letter.id));
                all.push(Said::Bubble(Box::new(Bubble { side: side(letter.direction), first: before != Some(author), mark, letter })));
                before = Some(author);
            }
        }
    }
    all
}

/// The last words of both sides, for whoever takes over to start from.
fn summary(name: &str, items: &[Item]) -> String {
    let spoken = items.iter().filter_map(|item| match item {
        Item::Letter(letter) if letter.direction != Direction::Note && !letter.copy => Some(letter.as_ref()),
        Item::Letter(_) | Item::Line(_) => None,
    });
    let spoken: Vec<&Letter> = spoken.collect();
    let last = &spoken[spoken.len().saturating_sub(SUMMARY)..];
    let line = |letter: &&Letter| {
        let who = if letter.direction == Direction::Inbound { name } else { letter.author.as_str() };
        format!("{who}: {}", excerpts::excerpt(&letter.excerpt, SUMMARY_WORDS))
    };
    last.iter().map(line).collect::<Vec<_>>().join("\n")
}
