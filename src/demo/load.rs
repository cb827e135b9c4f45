//! Writes the plan into an empty desk, in one transaction and with the times of its story.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;
use sqlx::PgConnection;

use super::history::{self, Entry};
use super::plan::{self, Author, Channel, Direction, Plan, TicketPlan};
use super::times;
use crate::app::App;
use crate::clock::Ts;
use crate::desk::agents;
use crate::desk::canned::{self, CannedDraft, CannedText};
use crate::desk::changes::Change;
use crate::desk::channels::{self, ChannelDraft};
use crate::desk::directory::{self, Shop};
use crate::desk::envelope::{Address, Envelope, IncomingFile};
use crate::desk::events::Event;
use crate::desk::files::{self, StoredFile};
use crate::desk::hours::Hours;
use crate::desk::import::{self, OldMessage, OldTicket};
use crate::desk::kinds::{self, CannedScope, ChannelKind, Role};
use crate::desk::waits::{self, Basis, Estimate, FirstAnswer, Place};
use crate::desk::{search, teams, tickets};
use crate::i18n::{self, Language, Value};
use crate::ids::{AgentId, ChannelId, ContactId, MessageId, TagId, TeamId, TicketId};
use crate::jobs::Job;
use crate::secrets;
use crate::text;

/// The password of everyone in the demo's shop.
pub const PASSWORD: &str = "sportello-demo";

/// Name, content, and the words of messages that it goes with; the last goes with the rest.
const PHOTOS: [(&str, &[u8], &[&str]); 3] = [
    (
        "IMG_2041.png",
        include_bytes!("files/scratch.png"),
        &["borsa", "zaino", "tasche", "rucksack", " sac", "bolso", "mochila", " bag", "backpack"],
    ),
    ("foto-1.png", include_bytes!("files/sole.png"), &["suola", "sohle", "semelle", "suela", "sole"]),
    ("IMG_0077.png", include_bytes!("files/parcel.png"), &[]),
];
const INVOICE: (&str, &[u8]) = ("2026-418.pdf", include_bytes!("files/invoice.pdf"));

/// What loading did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loaded {
    /// The desk was empty and now is the demo's.
    Fresh,
    /// The demo was here already; nothing was changed.
    There,
}

/// Why the demo was not loaded. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("this desk is in use: the demo is only loaded into an empty one. Give it a folder of its own: --data ./demo-data")]
    InUse,
    #[error("the database refused the demo: {0}")]
    Database(#[from] sqlx::Error),
    #[error("the demo's files could not be stored: {0}")]
    Files(#[from] std::io::Error),
    #[error(transparent)]
    Password(anyhow::Error),
}

/// Loads a plan into an empty desk; a desk that holds the demo stays as it is.
pub async fn load(app: &App, plan: &Plan, now: Timestamp) -> Result<Loaded, LoadError> {
    let mut change = Change::begin(app).await?;
    agents::lock_all(&mut change).await?;
    if import::is_demo(&mut change).await? {
        return Ok(Loaded::There);
    }
    if import::any_agent(&mut change).await? {
        return Err(LoadError::InUse);
    }
    let password = agents::hash_password(PASSWORD).await.map_err(LoadError::Password)?;
    let shop = furnish(&mut change, plan, &password).await?;
    let files = Files::store(app).await?;
    let tickets = write_tickets(&mut change, plan, &shop, now).await?;
    let lead = plan.agents.iter().position(|agent| agent.role == plan::Role::Lead).unwrap_or(0);
    let mut entries: Vec<(Timestamp, usize, Entry)> = Vec::new();
    for (index, ticket) in plan.tickets.iter().enumerate() {
        let all = history::entries(ticket, &shop.agents, &shop.tags, lead, now);
        entries.extend(all.into_iter().map(|(at, entry)| (at, index, entry)));
    }
    // Across all tickets: numbers of messages grow with time, which is the order of a search.
    entries.sort_by_key(|(at, ..)| *at);
    let mut writer = Writer { app, plan, shop: &shop, tickets: &tickets, files, threads: BTreeMap::new() };
    for (at, index, entry) in &entries {
        if let (Some(ticket), Some(id)) = (plan.tickets.get(*index), tickets.get(*index)) {
            writer.write(&mut change, ticket, *id, *index, *at, entry).await?;
        }
    }
    change.touch_settings();
    change.commit().await?;
    Ok(Loaded::Fresh)
}

/// The ids of what the plan names by its place.
struct ShopIds {
    agents: Vec<AgentId>,
    teams: Vec<TeamId>,
    tags: Vec<TagId>,
    contacts: Vec<ContactId>,
    mailbox: ChannelId,
    forms: Vec<ChannelId>,
}

impl ShopIds {
    fn channel(&self, channel: Channel) -> ChannelId {
        match channel {
            Channel::Email => self.mailbox,
            Channel::Form(index) => self.forms.get(index).copied().unwrap_or(self.mailbox),
        }
    }
}

async fn furnish(db: &mut PgConnection, plan: &Plan, password: &str) -> sqlx::Result<ShopIds> {
    let shop = Shop {
        shop_name: plan.shop.name.clone(),
        time_zone: plan.shop.time_zone.clone(),
        language: plan.shop.language.code().to_owned(),
        accent: plan.shop.accent.clone(),
    };
    directory::update_shop(db, &shop).await?;
    directory::update_hours(db, &times::schedule()).await?;
    let mut teams = Vec::new();
    for name in &plan.teams {
        teams.push(teams::create(db, name).await?);
    }
    let mut people = Vec::new();
    for agent in &plan.agents {
        let id = agents::create(db, &agent.email, &agent.name, role(agent.role)).await?;
        let own: Vec<TeamId> = agent.teams.iter().filter_map(|index| teams.get(*index).copied()).collect();
        teams::set_teams_of(db, id, &own).await?;
        import::speaks(db, id, &chat_languages(agent)).await?;
        people.push((id, agent.signature.clone()));
    }
    import::agents_ready(db, &people, password).await?;
    let mut tags = Vec::new();
    for name in &plan.tags {
        tags.push(teams::ensure_tag(db, name).await?);
    }
    for reply in &plan.canned {
        let texts = reply.texts.iter().map(|(language, body)| CannedText { language: language.code().to_owned(), body: body.clone() });
        let draft = CannedDraft {
            name: reply.name.clone(),
            shortcut: reply.shortcut.clone(),
            folder: reply.folder.clone(),
            scope: CannedScope::Everyone,
            team_id: None,
            owner_id: None,
            texts: texts.collect(),
        };
        canned::create(db, &draft).await?;
    }
    let (mailbox, forms) = open_channels(db, plan, &teams).await?;
    open_chat(db, forms.first().copied()).await?;
    let mut contacts = Vec::new();
    for (index, contact) in plan.contacts.iter().enumerate() {
        let wrote = plan.tickets.iter().find(|ticket| ticket.contact == index);
        let at = wrote.map_or(Ts::now(), |ticket| Ts(ticket.created_at()));
        contacts.push(import::contact(db, &contact.email, &contact.name, contact.language.code(), &contact.company, at).await?);
    }
    Ok(ShopIds { agents: people.into_iter().map(|(id, _)| id).collect(), teams, tags, contacts, mailbox, forms })
}

async fn open_channels(db: &mut PgConnection, plan: &Plan, teams: &[TeamId]) -> sqlx::Result<(ChannelId, Vec<ChannelId>)> {
    let mailbox = ChannelDraft {
        kind: ChannelKind::Email,
        name: plan.shop.mailbox.clone(),
        address: Some(plan.shop.mailbox.clone()),
        team_id: teams.first().copied(),
        language: None,
        enabled: true,
        settings: json!({ "demo": true }),
        secrets: None,
    };
    let mailbox = channels::create(db, &mailbox).await?;
    let mut forms = Vec::new();
    for form in &plan.forms {
        // The shape is channels/form/settings.rs's.
        let settings = json!({
            "titles": form.titles,
            "topics": form.topics,
            "fields": form.fields,
            "ask_order": form.order_field,
            "files": form.files,
            "call_back": true,
            "reply_channel": mailbox.0,
            "demo": true,
        });
        let draft = ChannelDraft {
            kind: ChannelKind::Form,
            name: form.name.clone(),
            address: Some(form.slug.clone()),
            team_id: teams.get(form.team).copied(),
            language: None,
            enabled: true,
            settings,
            secrets: None,
        };
        forms.push(channels::create(db, &draft).await?);
    }
    Ok((mailbox, forms))
}

/// Whoever writes in one language chats in English too; the owner, with whom most people look around, in all.
fn chat_languages(agent: &plan::AgentPlan) -> Vec<String> {
    if agent.role == plan::Role::Admin {
        return Language::ALL.into_iter().map(|language| language.code().to_owned()).collect();
    }
    let mut languages = agent.languages.clone();
    if !languages.contains(&Language::En) {
        languages.push(Language::En);
    }
    languages.into_iter().map(|language| language.code().to_owned()).collect()
}

/// The chat of the storefront. Its key is the one that `storefront.html` names.
async fn open_chat(db: &mut PgConnection, form: Option<ChannelId>) -> sqlx::Result<()> {
    // The shape is channels/chat/settings.rs's.
    let settings = json!({
        "greeting": {
            "it": "Buongiorno! Come possiamo aiutarLa?",
            "en": "Hello! How can we help you?",
            "fr": "Bonjour ! Comment pouvons-nous vous aider ?",
            "de": "Guten Tag! Wie können wir Ihnen helfen?",
            "es": "¡Hola! ¿En qué podemos ayudarle?",
        },
        "greetings": [{
            "id": "size",
            "text": {
                "it": "Indeciso sulla misura? Ce lo chieda: sappiamo come calza ogni modello.",
                "en": "Unsure about the size? Ask us: we know how each model fits.",
                "fr": "Un doute sur la pointure ? Demandez-nous : nous savons comment chausse chaque modèle.",
                "de": "Unsicher bei der Größe? Fragen Sie uns: Wir wissen, wie jedes Modell ausfällt.",
                "es": "¿Duda con la talla? Pregúntenos: sabemos cómo calza cada modelo.",
            },
            "url": "/demo",
            "seconds": 20,
        }],
        "form": form.map(|form| form.0),
        "demo": true,
    });
    let draft = ChannelDraft {
        kind: ChannelKind::Chat,
        name: "Website chat".to_owned(),
        address: Some(super::chats::KEY.to_owned()),
        team_id: None,
        language: None,
        enabled: true,
        settings,
        secrets: None,
    };
    channels::create(db, &draft).await?;
    Ok(())
}

const fn role(role: plan::Role) -> Role {
    match role {
        plan::Role::Agent => Role::Agent,
        plan::Role::Lead => Role::Lead,
        plan::Role::Admin => Role::Admin,
    }
}

const fn direction(direction: Direction) -> kinds::Direction {
    match direction {
        Direction::Inbound => kinds::Direction::Inbound,
        Direction::Outbound => kinds::Direction::Outbound,
        Direction::Note => kinds::Direction::Note,
    }
}

async fn write_tickets(change: &mut Change, plan: &Plan, shop: &ShopIds, now: Timestamp) -> sqlx::Result<Vec<TicketId>> {
    let mut ids = Vec::with_capacity(plan.tickets.len());
    for ticket in &plan.tickets {
        let spoken = |message: &&plan::MessagePlan| message.direction != Direction::Note && !message.automatic;
        let Some(last) = ticket.messages.iter().rfind(spoken).or(ticket.messages.first()) else { continue };
        let Some(contact) = shop.contacts.get(ticket.contact) else { continue };
        let acknowledged = history::acknowledged(ticket);
        let count = ticket.messages.len() + usize::from(acknowledged);
        let tags: Vec<TagId> = ticket.tags.iter().filter_map(|index| shop.tags.get(*index).copied()).collect();
        let ends = [Some(last.at), ticket.messages.last().map(|message| message.at), ticket.solved_at];
        let old = OldTicket {
            channel: shop.channel(ticket.channel),
            contact: *contact,
            subject: &ticket.subject,
            status: history::status(ticket.status),
            priority: history::priority(ticket.priority),
            assignee: ticket.assignee.and_then(|index| shop.agents.get(index).copied()),
            team: ticket.team.and_then(|index| shop.teams.get(index).copied()),
            language: ticket.language.code(),
            waiting_since: ticket.waiting_since.map(Ts),
            snoozed_until: ticket.snoozed_until.map(Ts),
            solved_at: ticket.solved_at.map(Ts),
            first_answered_at: ticket.first_answered_at().map(Ts),
            acknowledged_at: acknowledged.then(|| Ts(history::after(ticket.created_at(), 2, now))),
            message_count: i32::try_from(count).unwrap_or(i32::MAX),
            last_message_at: Ts(last.at),
            excerpt: &text::excerpts::excerpt(&last.body, 200),
            last_direction: direction(last.direction),
            tags: &tags,
            details: serde_json::to_value(&ticket.details).map_err(|error| sqlx::Error::Encode(error.into()))?,
            created_at: Ts(ticket.created_at()),
            updated_at: Ts(ends.into_iter().flatten().max().unwrap_or(last.at)),
        };
        let id = import::ticket(change, &old).await?;
        if let Some(until) = ticket.snoozed_until {
            change.push(&Job::WakeTicket { ticket: id }, Ts(until)).await?;
        }
        note_first_answer(change, plan, shop, ticket, id).await?;
        ids.push(id);
    }
    Ok(ids)
}

async fn note_first_answer(db: &mut PgConnection, plan: &Plan, shop: &ShopIds, ticket: &TicketPlan, id: TicketId) -> sqlx::Result<()> {
    let first = ticket.messages.iter().find(|message| message.direction == Direction::Outbound);
    let Some((Author::Agent(agent), answered)) = first.map(|first| (first.author, Ts(first.at))) else { return Ok(()) };
    let asked = Ts(ticket.created_at());
    let answer = FirstAnswer {
        ticket: id,
        channel: shop.channel(ticket.channel),
        team: ticket.team.and_then(|index| shop.teams.get(index).copied()),
        agent: shop.agents.get(agent).copied(),
        asked,
        answered,
        open_seconds: hours(plan).open_seconds_between(asked, answered),
    };
    waits::insert(db, &answer).await
}

fn hours(plan: &Plan) -> Hours {
    times::schedule().resolve(&TimeZone::get(&plan.shop.time_zone).unwrap_or(TimeZone::UTC))
}

/// The demo's pictures and its invoice, in the blob store.
struct Files {
    photos: Vec<StoredFile>,
    invoice: StoredFile,
}

impl Files {
    async fn store(app: &App) -> std::io::Result<Self> {
        let file = |(name, bytes): (&str, &[u8]), media_type: &str| IncomingFile {
            name: name.to_owned(),
            media_type: media_type.to_owned(),
            bytes: bytes.to_owned(),
            content_id: None,
            inline: false,
        };
        let photos: Vec<IncomingFile> = PHOTOS.into_iter().map(|(name, bytes, _)| file((name, bytes), "image/png")).collect();
        let invoice = StoredFile::store(app, &file(INVOICE, "application/pdf")).await?;
        Ok(Self { photos: StoredFile::store_all(app, &photos).await?, invoice })
    }

    /// What a message that speaks of a photo or an enclosed invoice came with.
    fn of(&self, direction: Direction, body: &str) -> Option<StoredFile> {
        let body = body.to_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| body.contains(word));
        match direction {
            Direction::Inbound if says(&["foto", "photo", "picture", "bilder"]) => {
                let fitting = PHOTOS.iter().position(|(.., words)| says(words)).unwrap_or(PHOTOS.len() - 1);
                self.photos.get(fitting).cloned()
            }
            Direction::Outbound
                if says(&["fattura", "rechnung", "invoice", "facture", "factura"])
                    && says(&["allegat", "anhang", "attach", "joint", "adjunt"]) =>
            {
                Some(self.invoice.clone())
            }
            _ => None,
        }
    }
}

/// The message ids of a ticket so far.
#[derive(Default)]
struct Thread {
    all: Vec<String>,
    last_inbound: Option<String>,
}

struct Writer<'a> {
    app: &'a App,
    plan: &'a Plan,
    shop: &'a ShopIds,
    tickets: &'a [TicketId],
    files: Files,
    threads: BTreeMap<usize, Thread>,
}

impl Writer<'_> {
    async fn write(
        &mut self,
        db: &mut PgConnection,
        ticket: &TicketPlan,
        id: TicketId,
        index: usize,
        at: Timestamp,
        entry: &Entry,
    ) -> sqlx::Result<()> {
        let (agent, event) = match entry {
            Entry::Event(agent, event) => (*agent, event.clone()),
            Entry::Acknowledgement => {
                let body = acknowledgement(self.app, self.plan, ticket, id);
                let message = self.message(db, ticket, index, at, Direction::Outbound, None, &body, true).await?;
                (None, Event::Acknowledged { message })
            }
            Entry::Message(place) => {
                let Some(said) = ticket.messages.get(*place) else { return Ok(()) };
                let agent = match said.author {
                    Author::Customer => None,
                    Author::Agent(agent) => Some(agent),
                };
                let message = self.message(db, ticket, index, at, said.direction, agent, &said.body, said.automatic).await?;
                let event = match said.direction {
                    Direction::Inbound if *place == 0 => Event::Created {},
                    Direction::Inbound => Event::Received { message },
                    Direction::Outbound => Event::Replied { message },
                    Direction::Note => Event::Noted { message },
                };
                (agent, event)
            }
        };
        let agent = agent.and_then(|index| self.shop.agents.get(index).copied());
        import::event(db, id, agent, &event, Ts(at)).await
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one message of the plan")]
    async fn message(
        &mut self,
        db: &mut PgConnection,
        ticket: &TicketPlan,
        index: usize,
        at: Timestamp,
        said: Direction,
        agent: Option<usize>,
        body: &str,
        automatic: bool,
    ) -> sqlx::Result<MessageId> {
        let id = self.tickets.get(index).copied().ok_or(sqlx::Error::RowNotFound)?;
        let contact = self.plan.contacts.get(ticket.contact).ok_or(sqlx::Error::RowNotFound)?;
        let thread = self.threads.entry(index).or_default();
        let customer = Address { name: contact.name.clone(), address: contact.email.clone() };
        let name = agent.and_then(|agent| self.plan.agents.get(agent)).map(|agent| agent.name.clone()).unwrap_or_default();
        let ours = Address { name, address: self.plan.shop.mailbox.clone() };
        let first = thread.all.is_empty();
        // A form is left by mail: from the second message on the conversation is one of the mailbox.
        let channel = if first || said == Direction::Note { self.shop.channel(ticket.channel) } else { self.shop.mailbox };
        let subject = if first { ticket.subject.clone() } else { text::subjects::reply_subject(&ticket.subject, id) };
        let (from, to) = if said == Direction::Inbound { (customer, ours) } else { (ours, customer) };
        let envelope = match said {
            Direction::Note => Envelope::default(),
            _ => Envelope {
                from: Some(from),
                to: vec![to],
                subject,
                in_reply_to: thread.last_inbound.clone().filter(|_| said == Direction::Outbound).or_else(|| thread.all.last().cloned()),
                references: thread.all.clone(),
                ..Envelope::default()
            },
        };
        let domain = contact.email.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
        let provider_id = (said == Direction::Inbound).then(|| format!("{}@{domain}", secrets::token()));
        let message = OldMessage {
            ticket: id,
            channel,
            direction: direction(said),
            agent: agent.and_then(|agent| self.shop.agents.get(agent).copied()),
            contact: self.shop.contacts.get(ticket.contact).copied().filter(|_| said == Direction::Inbound),
            body,
            language: Some(ticket.language.code()),
            provider_id: provider_id.as_deref(),
            envelope: serde_json::to_value(&envelope).map_err(|error| sqlx::Error::Encode(error.into()))?,
            automatic,
            at: Ts(at),
        };
        let message = import::message(db, &message).await?;
        let key = match (said, provider_id) {
            (Direction::Note, _) => None,
            (_, Some(key)) => Some(key),
            (_, None) => {
                let domain = self.plan.shop.mailbox.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
                let key = tickets::message_id(&self.app.keys, id, message, domain);
                import::name_message(db, message, &key).await?;
                Some(key)
            }
        };
        if let Some(key) = key {
            import::thread_key(db, channel, &key, id).await?;
            if said == Direction::Inbound {
                thread.last_inbound = Some(key.clone());
            }
            thread.all.push(key);
        }
        if let Some(file) = self.files.of(said, body).filter(|_| !automatic) {
            files::attach(db, id, message, &[file]).await?;
        }
        let words: &[&str] = match said {
            Direction::Inbound => &[&ticket.subject, &contact.name, &contact.email, body],
            Direction::Outbound | Direction::Note => &[&ticket.subject, body],
        };
        if !(automatic && said == Direction::Outbound) {
            search::index(db, id, message, Some(ticket.language.code()), words).await?;
        }
        Ok(message)
    }
}

fn acknowledgement(app: &App, plan: &Plan, ticket: &TicketPlan, id: TicketId) -> String {
    let shop = || ("shop", Value::from(plan.shop.name.clone()));
    let name = plan.contacts.get(ticket.contact).map(|contact| contact.name.clone()).unwrap_or_default();
    // What the shop aimed at when they wrote.
    let (hours, asked) = (hours(plan), Ts(ticket.created_at()));
    let by = hours.after_open_seconds(asked, 4 * 3600);
    let aim = Estimate { seconds: by.seconds_since(asked), basis: Basis::Target, by };
    let wait = waits::wait_words(ticket.language, &aim, &Place::Named(hours.zone), asked);
    let arguments =
        [shop(), ("number", Value::from(id.to_string())), ("url", Value::from(tickets::link(app, id))), ("wait", Value::from(wait))];
    let greeting = i18n::text_with(ticket.language, "mail-greeting", &[("name", Value::from(name))]);
    let body = i18n::text_with(ticket.language, "mail-ack-body", &arguments);
    let closing = i18n::text_with(ticket.language, "mail-closing", &[shop()]);
    let automatic = i18n::text(ticket.language, "mail-automatic");
    format!("{greeting}\n\n{body}\n\n{closing}\n\n{automatic}")
}
