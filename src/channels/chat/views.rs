//! What a visitor's browser is told, as JSON.

use serde::Serialize;
use sqlx::PgConnection;

use crate::app::App;
use crate::channels::chat::caller::{Caller, Configured};
use crate::channels::chat::calls;
use crate::clock::Ts;
use crate::desk::chats::availability::{self, Availability, Expected, Reason};
use crate::desk::chats::{self, Chat, Word};
use crate::desk::directory::Directory;
use crate::desk::files::{self, Attachment};
use crate::desk::kinds::{ChannelKind, ChatState};
use crate::desk::tickets;
use crate::desk::visitors::Visitor;
use crate::http::page::avatar_colour;
use crate::ids::{AgentId, AttachmentId, MessageId, VisitorId};
use crate::secrets::Keys;
use crate::text;

/// Seconds for which a file's address works: a browser that shows it has read the conversation within them.
const FILE_LIFE: i64 = 12 * 3600;
const FILE_SIGNATURE: usize = 24;

/// Someone who is there.
#[derive(Debug, Serialize)]
pub struct Face {
    pub name: String,
    pub photo: Option<String>,
    pub initials: String,
    pub colour: u32,
}

impl Face {
    /// An agent as visitors know them: by first name.
    pub fn of(directory: &Directory, id: AgentId) -> Self {
        let full = directory.agent(id);
        let name = full.split_whitespace().next().unwrap_or(full).to_owned();
        Self { name, photo: directory.photo(id).map(str::to_owned), initials: text::names::initials(full), colour: avatar_colour(full) }
    }
}

/// An expected wait.
#[derive(Debug, Serialize)]
pub struct ExpectedView {
    pub seconds: i64,
    pub basis: crate::desk::waits::Basis,
}

impl From<Expected> for ExpectedView {
    fn from(expected: Expected) -> Self {
        // In steps, so that an open widget does not flicker with every passing second.
        let step = if expected.seconds < 600 { 30 } else { 300 };
        Self { seconds: (expected.seconds + step - 1) / step * step, basis: expected.basis }
    }
}

/// Which ways are staffed now.
#[derive(Debug, Serialize)]
pub struct Ways {
    pub chat: bool,
    pub callback: bool,
    pub form: Option<String>,
    pub help: Option<String>,
}

/// The truth before they type.
#[derive(Debug, Serialize)]
pub struct AvailabilityView {
    pub open: bool,
    pub opens_at: Option<Ts>,
    pub reason: Option<&'static str>,
    pub ways: Ways,
    pub people: Vec<Face>,
    pub expected: Option<ExpectedView>,
    pub place: Option<i64>,
}

impl AvailabilityView {
    /// What is true now, for this caller.
    pub async fn load(app: &App, caller: &Caller) -> sqlx::Result<Self> {
        let availability = availability::of(app, &caller.asked(), Ts::now()).await?;
        let directory = crate::desk::directory::get(app).await?;
        Ok(Self::new(&availability, &caller.chat, &directory, caller.language.code()))
    }

    /// The view of what was found out.
    pub fn new(availability: &Availability, chat: &Configured, directory: &Directory, language: &str) -> Self {
        Self {
            open: availability.is_open(),
            opens_at: availability.opens_at,
            reason: availability.reason.map(|reason| match reason {
                Reason::Closed => "closed",
                Reason::Nobody => "nobody",
                Reason::Full => "full",
                Reason::Language => "language",
            }),
            ways: Ways {
                chat: availability.is_open(),
                callback: chat.settings.callback && availability.calls,
                form: form_link(chat, directory).map(|slug| format!("/forms/{slug}?lang={language}")),
                help: Some(chat.settings.help.clone()).filter(|help| !help.is_empty()),
            },
            people: availability.people.iter().map(|id| Face::of(directory, *id)).collect(),
            expected: availability.expected.map(ExpectedView::from),
            place: availability.is_open().then_some(availability.waiting),
        }
    }
}

/// The last part of the address of the form that is always offered.
pub fn form_link<'a>(chat: &Configured, directory: &'a Directory) -> Option<&'a str> {
    let forms = directory.channels.iter().filter(|channel| channel.kind == ChannelKind::Form);
    let chosen = forms.clone().find(|form| Some(form.id) == chat.settings.form);
    chosen.or_else(|| forms.clone().next())?.address.as_deref()
}

/// Who the visitor is, as far as they said.
#[derive(Debug, Serialize)]
pub struct VisitorView {
    pub name: String,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub verified: bool,
}

impl From<&Visitor> for VisitorView {
    fn from(visitor: &Visitor) -> Self {
        Self {
            name: visitor.name.clone(),
            email: visitor.email.clone(),
            phone: visitor.phone.clone(),
            verified: visitor.verified_id.is_some(),
        }
    }
}

/// A chat as its visitor sees it.
#[derive(Debug, Serialize)]
pub struct ChatView {
    pub number: i64,
    pub state: ChatState,
    pub agent: Option<Face>,
    pub place: Option<i64>,
    pub expected: Option<ExpectedView>,
    pub promised_at: Option<Ts>,
    pub late: bool,
    pub offers: Vec<&'static str>,
    pub delivered: MessageId,
    pub read: MessageId,
    pub rating: Option<i16>,
    pub link: String,
    /// When and where we call, in a sentence.
    pub call: Option<String>,
}

impl ChatView {
    /// The view of a chat now.
    pub async fn load(app: &App, db: &mut PgConnection, caller: &Caller, chat: &Chat) -> sqlx::Result<Self> {
        let directory = crate::desk::directory::get_on(app, db).await?;
        let waiting = matches!(chat.state, ChatState::Ringing | ChatState::Queued);
        let late = chat.is_open() && chat.late_at.is_some();
        let (mut place, mut expected) = (None, None);
        if waiting || late {
            place = Some(chats::place(db, Some(chat), caller.chat.channel.team_id).await?);
            expected = availability::of(app, &caller.asked(), Ts::now()).await?.expected.map(ExpectedView::from);
        }
        let mut offers = Vec::new();
        if late {
            offers.extend(["wait", "email"]);
            if caller.chat.settings.callback && availability::of(app, &caller.asked(), Ts::now()).await?.calls {
                offers.push("callback");
            }
        }
        Ok(Self {
            number: chat.ticket_id.0,
            state: chat.state,
            agent: chat.agent_id.map(|id| Face::of(&directory, id)),
            place,
            expected,
            promised_at: chat.promised_at,
            late,
            offers,
            // Whatever an agent has read has reached them.
            delivered: chat.agent_delivered.max(chat.agent_read),
            read: chat.agent_read,
            rating: chat.rating,
            link: tickets::link(app, chat.ticket_id),
            call: if chat.state == ChatState::Mail { calls::sentence(db, caller, &directory, chat.ticket_id).await? } else { None },
        })
    }
}

/// A file of a message.
#[derive(Debug, Serialize)]
pub struct FileView {
    pub name: String,
    pub size: i64,
    #[serde(rename = "type")]
    pub media_type: String,
    pub url: String,
    pub image: bool,
}

/// A message as its visitor sees it.
#[derive(Debug, Serialize)]
pub struct MessageView {
    pub id: MessageId,
    pub from: &'static str,
    pub name: String,
    pub photo: Option<String>,
    pub text: String,
    pub at: Ts,
    pub files: Vec<FileView>,
    pub choices: Vec<String>,
    pub client: Option<String>,
}

/// The provider id of a visitor's message: the id that their browser gave it.
pub fn provider_id(client: &str) -> String {
    format!("visitor-{client}")
}

/// Puts words into their visitor's view, with their files.
pub async fn messages(
    app: &App,
    db: &mut PgConnection,
    caller: &Caller,
    visitor: VisitorId,
    words: Vec<Word>,
) -> sqlx::Result<Vec<MessageView>> {
    if words.is_empty() {
        return Ok(Vec::new());
    }
    let directory = crate::desk::directory::get_on(app, db).await?;
    let ids: Vec<MessageId> = words.iter().map(|word| word.id).collect();
    let attachments = files::of_messages(db, &ids).await?;
    Ok(words.into_iter().map(|word| message(app, caller, visitor, &directory, word, &attachments)).collect())
}

fn message(app: &App, caller: &Caller, visitor: VisitorId, directory: &Directory, word: Word, attachments: &[Attachment]) -> MessageView {
    let files = attachments.iter().filter(|file| file.message == word.id && !file.inline);
    let quote = usize::try_from(word.quote_from).unwrap_or(0)..usize::try_from(word.quote_to).unwrap_or(0);
    let whole = word.body.get(quote.clone()).is_some();
    let face = word.agent_id.map(|id| Face::of(directory, id));
    let from = match (word.inbound, &face) {
        (true, _) => "visitor",
        (false, Some(_)) => "agent",
        (false, None) => "desk",
    };
    let (name, photo) = face.map_or((String::new(), None), |face| (face.name, face.photo));
    MessageView {
        id: word.id,
        from,
        name,
        photo,
        // What came by mail quotes what stands above it.
        text: if whole { text::quotes::new_text(&word.body, &quote) } else { word.body },
        at: word.created_at,
        files: files.map(|file| file_view(&app.keys, caller.key(), visitor, file)).collect(),
        choices: word.choices.and_then(|choices| serde_json::from_value(choices).ok()).unwrap_or_default(),
        client: word.provider_id.and_then(|id| id.strip_prefix("visitor-").map(str::to_owned)),
    }
}

fn file_view(keys: &Keys, key: &str, visitor: VisitorId, file: &Attachment) -> FileView {
    let expires = Ts::now().0.as_second() / 3600 * 3600 + FILE_LIFE;
    let signature = keys.sign("chat file", &format!("{visitor}/{}/{expires}", file.id), FILE_SIGNATURE);
    FileView {
        name: file.name.clone(),
        size: file.size,
        media_type: file.media_type.clone(),
        url: format!("/chat/{key}/files/{}?v={visitor}&e={expires}&s={signature}", file.id),
        image: file.is_picture(),
    }
}

/// Whether a file's address is ours, for this visitor, and still good.
pub fn may_open(keys: &Keys, visitor: VisitorId, file: AttachmentId, expires: i64, signature: &str) -> bool {
    keys.verify("chat file", &format!("{visitor}/{file}/{expires}"), FILE_SIGNATURE, signature) && expires > Ts::now().0.as_second()
}
