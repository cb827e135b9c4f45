//! The ticket: the conversation, the composer, the customer.

pub mod composer;
mod files;
pub(crate) mod letters;
mod mail;
mod networks;
mod planned;
pub(crate) mod reply;
mod sides;
mod spam;
mod update;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use sqlx::PgConnection;

use crate::app::App;
use crate::clock::Ts;
use crate::desk::anger::{self, Anger};
use crate::desk::approvals::{self, Approval};
use crate::desk::chats::{self, Chat};
use crate::desk::contacts::{self, Contact, EarlierTicket, Identity};
use crate::desk::envelope::Address;
use crate::desk::kinds::{AngerState, ChannelKind, ChatState, Direction, IdentityKind, Priority, Status};
use crate::desk::links;
use crate::desk::merging::Suggestion;
use crate::desk::signatures;
use crate::desk::tickets::drafts::Drafts;
use crate::desk::tickets::list::View;
use crate::desk::tickets::participants::{self, Participant};
use crate::desk::tickets::planned::Plan;
use crate::desk::tickets::recipients::{self, Recipients};
use crate::desk::tickets::{self, Ticket, surroundings, thread};
use crate::desk::{agents::Agent, files as desk_files};
use crate::http::cards::channel_icon;
use crate::http::page::{Avatar, Icon, Shell, avatar};
use crate::http::problems::Problems;
use crate::http::{Error, Path, Query, Result};
use crate::ids::{AgentId, MessageId, TagId, TeamId, TicketId};
use crate::screens::call_backs::CallBar;
use crate::screens::inbox::{self, ListPane, ListQuery};
use crate::screens::live::{self, PersonPresent};
use crate::screens::tickets::letters::Item;
use crate::screens::tickets::networks::OnNetwork;
use crate::screens::tickets::sides::SideView;
use crate::secrets;

/// The routes of a ticket.
pub fn router() -> Router<App> {
    Router::new()
        .route("/tickets/{id}", get(show))
        .route("/tickets/{id}/reply", post(reply::send))
        .route("/tickets/{id}/messages/{message}/undo", post(reply::undo))
        .route("/tickets/{id}/messages/{message}/retry", post(reply::retry))
        .route("/tickets/{id}/messages/{message}/arrived", post(networks::arrived))
        .route("/tickets/{id}/messages/{message}/again", post(networks::send_again))
        .route("/tickets/{id}/messages/{message}/edit", get(mail::edit).post(mail::resend))
        .route("/tickets/{id}/forward", get(mail::aside::forward).post(mail::aside::send_forward))
        .route("/tickets/{id}/sides/new", get(mail::aside::ask).post(mail::aside::send_question))
        .route("/tickets/{id}/sides/{side}/write", get(mail::aside::continue_side).post(mail::aside::send_side))
        .route("/tickets/{id}/sides/{side}/seen", post(sides::seen))
        .route("/tickets/{id}/planned/{plan}/now", post(planned::send_now))
        .route("/tickets/{id}/planned/{plan}/back", post(planned::take_back))
        .route("/tickets/{id}/planned/{plan}/time", post(planned::postpone))
        .route("/tickets/{id}/links/{file}/revoke", post(sides::revoke_link))
        .route("/mail/new", get(mail::new::show).post(mail::new::send))
        .route("/mail/addresses.json", get(mail::new::addresses))
        .route("/tickets/{id}/messages/{message}/html", get(files::show_html))
        .route("/tickets/{id}/messages/{message}/picture", get(files::show_picture))
        .route("/tickets/{id}/messages/{message}/original", get(files::show_original))
        .route("/tickets/{id}/files/{file}", get(files::show_file))
        .route("/tickets/{id}/status", post(update::set_status))
        .route("/tickets/{id}/sender", post(spam::judge))
        .route("/tickets/{id}/snooze", post(update::snooze))
        .route("/tickets/{id}/assignee", post(update::assign))
        .route("/tickets/{id}/team", post(update::set_team))
        .route("/tickets/{id}/priority", post(update::set_priority))
        .route("/tickets/{id}/tags", post(update::set_tags))
        .route("/tickets/{id}/subject", post(update::set_subject))
        .route("/tickets/{id}/draft", post(composer::save_draft))
        .route("/tickets/{id}/uploads", post(composer::upload))
        .route("/tickets/{id}/uploads/{upload}/delete", post(composer::remove_upload))
        .route("/tickets/{id}/canned.json", get(composer::canned))
        .route("/tickets/{id}/canned", get(composer::pick_canned))
        .route("/tickets/{id}/presence", post(composer::presence))
        .layer(axum::extract::DefaultBodyLimit::max(64 * 1024 * 1024))
}

/// A ticket's page.
#[derive(Template)]
#[template(path = "screens/tickets/show.html")]
struct TicketPage<'a> {
    shell: &'a Shell,
    pane: ListPane,
    ticket: Ticket,
    contact: Contact,
    identities: Vec<Identity>,
    items: Vec<Item>,
    earlier_messages: Option<MessageId>,
    last_message: Option<MessageId>,
    drafts: Drafts,
    uploads: Vec<desk_files::Upload>,
    recipients: Recipients,
    /// Those of the recipients at whom nothing arrives, each with the reason.
    undeliverable: Vec<(String, String)>,
    mailbox: Option<String>,
    earlier: Vec<EarlierTicket>,
    twins: Vec<Suggestion>,
    present: Vec<PersonPresent>,
    details: Vec<(String, String)>,
    snoozes: Vec<Snooze>,
    composing: Composing,
    /// What makes it a chat, if it is one.
    chat: Option<Chat>,
    /// A random id, so that the same words sent twice into a chat are said once.
    once: String,
    /// How it stands on its network, if it came over one.
    network: Option<OnNetwork>,
    /// The call that is owed, or how to plan one.
    calls: Option<CallBar>,
    /// Why its customer counts as angry, if they do or did.
    anger: Option<Anger>,
    /// Public answers that wait for a second person, and what came back to the reader.
    approvals: Vec<Approval>,
    /// The reader's public answers wait for a second person.
    needs_approval: bool,
    /// Why it is in spam, if it is.
    held_spam: Option<spam::Held>,
    /// Conversations beside the customer's.
    sides: Vec<SideView>,
    /// Replies for later.
    plans: Vec<Plan>,
    people: Vec<Participant>,
    /// Moments that the send-later menu offers.
    laters: Vec<Snooze>,
    /// What ends a letter from here.
    signature: String,
    /// One click away from answering everybody.
    only: Option<Address>,
}

/// A moment that the snooze menu offers.
struct Snooze {
    value: &'static str,
    label: &'static str,
    when: String,
}

/// What the composer shows besides the drafts.
#[derive(Default)]
pub(super) struct Composing {
    /// Starts as a note.
    note: bool,
    /// What was refused, and why.
    error: Option<String>,
    /// What arrived while the agent was typing: shown before anything is sent.
    arrived: Vec<Item>,
    /// Which way the agent had chosen, if that was refused.
    way: String,
    /// What the agent had put as recipients, if that was refused.
    to: Option<String>,
    cc: Option<String>,
    bcc: Option<String>,
    /// What is wrong with the recipients, by field.
    problems: Problems,
    /// Answer the customer alone.
    only: bool,
    /// The one message that the agent answers.
    answers: Option<MessageId>,
    /// Quick replies that were to go along, if the answer was refused.
    choices: Vec<String>,
}

impl TicketPage<'_> {
    fn subject(&self) -> &str {
        if self.ticket.subject.is_empty() { "(no subject)" } else { &self.ticket.subject }
    }

    fn name(&self) -> String {
        self.contact.display_name()
    }

    fn avatar(&self) -> Avatar {
        avatar(&self.name(), self.contact.picture().as_deref(), "l")
    }

    fn statuses(&self) -> impl Iterator<Item = Status> {
        // A snooze needs a moment and has a menu of its own; it is only listed where it is the present state.
        let now = self.ticket.status;
        Status::ALL.iter().copied().filter(move |status| *status != Status::Snoozed || now == Status::Snoozed)
    }

    fn priorities(&self) -> &'static [Priority] {
        Priority::ALL
    }

    fn is_mine(&self, id: &AgentId) -> bool {
        *id == self.shell.agent.id
    }

    fn assigned_to(&self, id: &AgentId) -> bool {
        self.ticket.assignee_id == Some(*id)
    }

    fn in_team(&self, id: &TeamId) -> bool {
        self.ticket.team_id == Some(*id)
    }

    fn tagged(&self, id: &TagId) -> bool {
        self.ticket.tag_ids.contains(id)
    }

    fn tag_line(&self) -> String {
        let names: Vec<&str> = self.ticket.tag_ids.iter().map(|id| self.shell.directory.tag(*id)).collect();
        if names.is_empty() { "Tags".to_owned() } else { names.join(", ") }
    }

    fn status_class(&self) -> &'static str {
        self.ticket.status.as_str()
    }

    fn is_open(&self) -> bool {
        matches!(self.ticket.status, Status::Open | Status::Pending | Status::Snoozed)
    }

    fn channel(&self) -> (Icon, String) {
        match self.shell.directory.channel(self.ticket.channel_id) {
            Some(channel) => (channel_icon(channel.kind), channel.name.clone()),
            None => (channel_icon(ChannelKind::Api), "a removed channel".to_owned()),
        }
    }

    fn language(&self) -> Option<&'static str> {
        let code = self.contact.language.as_deref().or(self.ticket.language.as_deref())?;
        language_name(code)
    }

    fn link(&self, id: &TicketId) -> String {
        format!("/tickets/{id}")
    }

    fn next_ticket(&self) -> String {
        self.pane.after_open().unwrap_or_else(|| self.pane.back())
    }

    fn to_line(&self) -> String {
        self.composing.to.clone().unwrap_or_else(|| address_line(&self.recipients.to))
    }

    fn cc_line(&self) -> String {
        self.composing.cc.clone().unwrap_or_else(|| address_line(&self.recipients.cc))
    }

    fn bcc_line(&self) -> String {
        self.composing.bcc.clone().unwrap_or_else(|| address_line(&self.recipients.bcc))
    }

    /// Whether the list of recipients stands open: more than one, or something is wrong with it.
    fn shows_recipients(&self) -> bool {
        self.composing.to.is_some() || self.composing.problems.any() || self.recipients.to.len() + self.recipients.cc.len() > 1
    }

    /// The fields for recipients: name, label, value.
    fn recipient_fields(&self) -> [(&'static str, &'static str, String); 3] {
        [("to", "To", self.to_line()), ("cc", "Cc", self.cc_line()), ("bcc", "Bcc", self.bcc_line())]
    }

    /// Whether an answer leaves as a letter.
    fn by_mail(&self) -> bool {
        self.network.is_none() && self.open_chat().is_none() && !self.answers_later()
    }

    fn local(&self, at: &Ts) -> String {
        let zone = jiff::tz::TimeZone::get(&self.shell.directory.shop.time_zone).unwrap_or(jiff::tz::TimeZone::UTC);
        at.0.to_zoned(zone).strftime("%a %-d %b, %H:%M").to_string()
    }

    /// The customer, where the answer goes to others alone: somebody else wrote to us last, or the agent chose so.
    fn left_out(&self) -> Option<&Address> {
        let customer = self.only.as_ref().filter(|_| self.by_mail())?;
        let lines = [self.to_line(), self.cc_line(), self.bcc_line()];
        let named: Vec<Address> = lines.iter().flat_map(|line| recipients::parse(line).unwrap_or_default()).collect();
        let told = named.iter().any(|to| to.address.eq_ignore_ascii_case(&customer.address));
        (!told && !named.is_empty()).then_some(customer)
    }

    /// Whom the answer goes to, as the field says.
    fn named(&self) -> String {
        let named = recipients::parse(&self.to_line()).unwrap_or_default();
        named.into_iter().map(|to| if to.name.is_empty() { to.address } else { to.name }).collect::<Vec<_>>().join(", ")
    }

    fn short_recipients(&self) -> String {
        let name = |address: &crate::desk::envelope::Address| {
            if address.name.is_empty() { address.address.clone() } else { address.name.clone() }
        };
        let to: Vec<String> = self.recipients.to.iter().map(name).collect();
        let cc: Vec<String> = self.recipients.cc.iter().map(name).collect();
        match (to.is_empty(), cc.is_empty()) {
            (true, _) => "nobody yet".to_owned(),
            (false, true) => to.join(", "),
            (false, false) => format!("{}, cc {}", to.join(", "), cc.join(", ")),
        }
    }

    /// Public answers that wait for a second person.
    fn held(&self) -> impl Iterator<Item = &Approval> {
        self.approvals.iter().filter(|approval| approval.waits())
    }

    /// What came back to the reader and was not put right yet.
    fn returned(&self) -> impl Iterator<Item = &Approval> {
        self.approvals.iter().filter(|approval| !approval.waits())
    }

    /// What has been done about somebody's anger, in words.
    fn anger_words(&self, anger: &Anger) -> String {
        let rating = || format!("{}, then {}", anger::rating_words(Some(&anger.before)), anger::rating_words(Some(&anger.now)));
        match anger.state {
            AngerState::Waiting if anger.public => "Angry in public".to_owned(),
            AngerState::Waiting => "Angry".to_owned(),
            AngerState::Calm => {
                let by = anger.calmed_by.map_or("Somebody", |id| self.shell.directory.agent(id));
                format!("{by} says: not angry")
            }
            AngerState::Changed => format!("Rating changed: {}", rating()),
            state if anger.public => format!("Angry in public, {}", state.label().to_lowercase()),
            state => format!("Angry, {}", state.label().to_lowercase()),
        }
    }

    /// The chat, as long as it is one.
    fn open_chat(&self) -> Option<&Chat> {
        self.chat.as_ref().filter(|chat| chat.is_open())
    }

    /// What one should know of the chat before answering; empty when it is none, or over like any ticket.
    fn chat_words(&self) -> String {
        let Some(chat) = &self.chat else { return String::new() };
        match (chat.state, chat.agent_id) {
            (ChatState::Active, Some(holder)) if holder == self.shell.agent.id => "A live chat, and you hold it.".to_owned(),
            (ChatState::Active, Some(holder)) => {
                format!("A live chat. {} holds it; what you write joins it.", self.shell.directory.agent(holder))
            }
            (ChatState::Active | ChatState::Ringing, _) => "A live chat that nobody holds yet: it is ringing.".to_owned(),
            (ChatState::Queued, _) => "A live chat that waits for free hands.".to_owned(),
            (ChatState::Parked, _) => "A live chat that nobody took. The visitor was offered other ways and may still be there.".to_owned(),
            (ChatState::Mail | ChatState::Ended, _) if self.recipients.to.is_empty() => {
                "A chat whose visitor left no address: your answer waits for their return.".to_owned()
            }
            (ChatState::Mail, _) => "This chat goes on by mail.".to_owned(),
            (ChatState::Ended, _) => "The chat has ended; an answer goes by mail.".to_owned(),
        }
    }

    /// Whether anybody may take the chat.
    fn may_accept(&self) -> bool {
        self.open_chat().is_some_and(|chat| chat.agent_id.is_none())
    }

    /// Whether a lead may take it from whoever holds it.
    fn may_step_in(&self) -> bool {
        self.shell.is_lead() && self.open_chat().and_then(|chat| chat.agent_id).is_some_and(|holder| holder != self.shell.agent.id)
    }

    /// Whether an answer waits in the chat because no mail could reach its visitor.
    fn answers_later(&self) -> bool {
        self.chat.as_ref().is_some_and(|chat| !chat.is_open()) && self.recipients.to.is_empty()
    }

    /// A quick reply that was to go along.
    fn choice(&self, index: &usize) -> &str {
        self.composing.choices.get(*index).map_or("", |choice| choice)
    }

    /// The message that the answer will name, and its words as one line.
    fn answered(&self) -> Option<(MessageId, &str)> {
        let wanted = self.composing.answers?;
        self.items.iter().chain(&self.composing.arrived).find_map(|item| match item {
            Item::Letter(letter) if letter.id == wanted && letter.quotable => Some((letter.id, &*letter.excerpt)),
            Item::Letter(_) | Item::Line(_) => None,
        })
    }

    fn first_name(&self) -> String {
        self.name().split_whitespace().next().unwrap_or_default().to_owned()
    }

    fn status_icon(&self, status: &Status) -> Icon {
        crate::http::page::icon(match status {
            Status::Open => "circle-dot",
            Status::Pending => "circle-pause",
            Status::Snoozed => "alarm-clock",
            Status::Solved => "circle-check",
            Status::Spam => "circle-slash",
        })
    }
}

/// The name of a language in itself.
pub fn language_name(code: &str) -> Option<&'static str> {
    inbox::LANGUAGES.iter().find(|(known, _)| *known == code).map(|(_, name)| *name)
}

/// Addresses as the composer's fields show them.
pub(super) fn address_line(addresses: &[Address]) -> String {
    let line = |address: &Address| {
        // Characters that would end a name are left out of it.
        let name: String =
            address.name.chars().filter(|c| !matches!(c, '"' | '\\' | '<' | '>' | ',' | ';' | '@' | ':') && !c.is_control()).collect();
        match name.trim() {
            "" => address.address.clone(),
            name if name.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '\'')) && name.is_ascii() => {
                format!("{name} <{}>", address.address)
            }
            name => format!("\"{name}\" <{}>", address.address),
        }
    };
    addresses.iter().map(line).collect::<Vec<_>>().join(", ")
}

/// What a ticket's address may carry besides the list beside it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ShowQuery {
    before: String,
    note: String,
    answers: String,
    /// `customer`: nobody else is answered.
    only: String,
}

async fn show(
    State(app): State<App>,
    Path(id): Path<TicketId>,
    Query(list): Query<ListQuery>,
    Query(query): Query<ShowQuery>,
    shell: Shell,
) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    let before = query.before.parse().ok().map(MessageId);
    let only = query.only == "customer";
    let composing = Composing { note: query.note == "1", only, answers: query.answers.parse().ok().map(MessageId), ..Composing::default() };
    let mut page = load(&app, &mut db, &shell, id, list, before, composing).await?;
    if page.composing.answers.is_none() {
        // What came back is a draft again, for the same message as before.
        page.composing.answers = page.returned().filter_map(|back| back.answers).last();
    }
    shell.render(&page)
}

/// Shows the ticket again with what went wrong; everything typed is in the draft.
async fn show_again(app: &App, shell: &Shell, id: TicketId, list: ListQuery, status: StatusCode, composing: Composing) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    let page = load(app, &mut db, shell, id, list, None, composing).await?;
    shell.render_as(status, &page)
}

async fn load<'a>(
    app: &App,
    db: &mut PgConnection,
    shell: &'a Shell,
    id: TicketId,
    list: ListQuery,
    before: Option<MessageId>,
    composing: Composing,
) -> Result<TicketPage<'a>> {
    let ticket = tickets::load(db, &shell.agent, id).await?.ok_or(Error::NotFound)?;
    let view = if list.view == "search" { None } else { Some(View::from_slug(&list.view).unwrap_or(View::Open)) };
    let pane = ListPane::load(app, db, shell, view, list, Some(id)).await?;
    let messages = thread::list(db, id, before, true).await?;
    let around = surroundings::load(db, &ticket, &messages, shell.agent.id).await?;
    let page_full = i64::try_from(messages.len()).unwrap_or(0) == thread::PAGE;
    let earlier_messages = messages.first().map(|message| message.id).filter(|_| page_full);
    let last_message = messages.last().map(|message| message.id);
    let own = &shell.directory.own_addresses;
    let Addressees { recipients, people, only } = addressees(db, &ticket, &messages, &around, own, composing.only).await?;
    let (mailbox_id, mailbox) = match shell.directory.channel(ticket.channel_id) {
        Some(own) if own.kind == ChannelKind::Email => (Some(own.id), own.address.clone()),
        Some(_) | None => tickets::reply::way_out(db, &ticket).await?.map_or((None, None), |channel| (Some(channel.id), channel.address)),
    };
    let undeliverable = unreachable(db, &recipients, &around.identities).await?;
    let signature = match mailbox_id {
        Some(mailbox) => signatures::of(db, shell.agent.id, mailbox, ticket.language.as_deref()).await?,
        None => String::new(),
    };
    let plans = if around.has.plans { tickets::planned::of_ticket(db, id).await? } else { Vec::new() };
    let sides = if around.has.sides { SideView::load(db, shell, id, own).await? } else { Vec::new() };
    let is_chat = shell.directory.channel(ticket.channel_id).is_some_and(|channel| channel.kind == ChannelKind::Chat);
    let chat = if is_chat { chats::find(db, id).await? } else { None };
    let network = OnNetwork::load(db, shell, &ticket).await?;
    let phone = around.identities.iter().find(|identity| identity.kind == IdentityKind::Phone).map(|identity| identity.address.clone());
    let called = around.has.calls || shell.directory.call_backs.offered;
    let calls = if called { CallBar::load(db, shell, &ticket, phone.as_deref()).await? } else { None };
    let anger = if around.has.anger { anger::find(db, id).await? } else { None };
    let held_spam = spam::Held::load(db, shell, &ticket).await?;
    let approvals = match &network {
        Some(network) if network.is_public() => approvals::list::on_ticket(db, id, shell.agent.id).await?,
        Some(_) | None => Vec::new(),
    };
    let needs_approval =
        network.as_ref().is_some_and(OnNetwork::is_public) && shell.directory.approval.apply(shell.agent.role, ticket.channel_id);
    let theirs = theirs(&around.identities);
    let strangers: Vec<MessageId> = messages
        .iter()
        .filter(|message| message.direction == Direction::Inbound && !participants::is_by(message, ticket.contact_id, &theirs))
        .map(|message| message.id)
        .collect();
    let mut items = letters::conversation(shell, &messages, &around.attachments, &around.events, before.is_some());
    let by_mail = shell.directory.channel(ticket.channel_id).is_none_or(|channel| channel.abilities.is_none());
    let links = if around.attachments.is_empty() { Vec::new() } else { links::of_ticket(db, id).await? };
    for letter in items.iter_mut().filter_map(|item| if let Item::Letter(letter) = item { Some(letter) } else { None }) {
        letter.stranger = by_mail && strangers.contains(&letter.id);
        letter.take_links(&links);
    }
    let present = live::present(app, id).await?;
    Ok(TicketPage {
        details: serde_json::from_value(ticket.details.clone()).unwrap_or_default(),
        snoozes: snoozes(shell),
        laters: laters(shell),
        shell,
        pane,
        contact: around.contact,
        identities: around.identities,
        items,
        earlier_messages,
        last_message,
        drafts: around.drafts,
        uploads: around.uploads,
        recipients,
        undeliverable,
        mailbox,
        earlier: around.earlier,
        twins: around.twins,
        present: present.into_iter().filter(|person| person.id != shell.agent.id).collect(),
        ticket,
        composing,
        chat,
        once: secrets::token(),
        network,
        calls,
        anger,
        approvals,
        needs_approval,
        held_spam,
        sides,
        plans,
        people,
        signature,
        only,
    })
}

/// Whom an answer goes to, and who takes part.
struct Addressees {
    recipients: Recipients,
    people: Vec<Participant>,
    /// The customer alone, where the answer would go to others too.
    only: Option<Address>,
}

async fn addressees(
    db: &mut PgConnection,
    ticket: &Ticket,
    messages: &[thread::Message],
    around: &surroundings::Surroundings,
    own: &[String],
    only_the_customer: bool,
) -> Result<Addressees> {
    let answered = messages.iter().rev().find(|message| message.direction == Direction::Inbound && !message.bounce && !message.automatic);
    let mut recipients = match (&around.drafts.to, answered.and_then(|message| recipients::answer_to(message.envelope(), own))) {
        // What was taken back goes where it was to go.
        (Some(kept), _) => kept.clone(),
        (None, Some(recipients)) => recipients,
        (None, None) => recipients::of_ticket(db, ticket).await?,
    };
    let theirs = theirs(&around.identities);
    let people = participants::of(messages, ticket.contact_id, own, &theirs);
    // Where they asked to be answered, else where they wrote from.
    let wrote =
        |message: &&thread::Message| message.direction == Direction::Inbound && participants::is_by(message, ticket.contact_id, &theirs);
    let asked = messages.iter().rev().filter(wrote).filter(|message| !message.automatic && !message.bounce);
    let alone = asked.filter_map(|message| recipients::answer_to(message.envelope(), own)).find_map(|to| to.to.into_iter().next());
    let alone = alone.or_else(|| {
        let address = around.contact.email.clone()?;
        Some(Address { name: around.contact.name.clone(), address })
    });
    let several = recipients.to.len() + recipients.cc.len() > 1 || alone.as_ref().is_some_and(|alone| !recipients.to.contains(alone));
    let only = alone.filter(|_| several);
    if only_the_customer && let Some(alone) = &only {
        recipients = Recipients { to: vec![alone.clone()], ..Recipients::default() };
    }
    Ok(Addressees { recipients, people, only })
}

/// The customer's mail addresses, in lower case and without tags.
fn theirs(identities: &[Identity]) -> Vec<String> {
    let addresses = identities.iter().filter(|identity| identity.kind == IdentityKind::Email);
    addresses.map(|identity| recipients::without_tag(&identity.address)).collect()
}

/// Those of the recipients at whom nothing arrives. The contact's own addresses are known; only for others the database is asked.
async fn unreachable(db: &mut PgConnection, recipients: &Recipients, identities: &[Identity]) -> sqlx::Result<Vec<(String, String)>> {
    let addresses: Vec<String> = recipients.to.iter().chain(&recipients.cc).map(|address| address.address.to_lowercase()).collect();
    let own = |address: &String| identities.iter().find(|identity| identity.kind == IdentityKind::Email && identity.address == *address);
    let (known, others): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|address| own(address).is_some());
    let mut found: Vec<(String, String)> =
        known.into_iter().filter_map(|address| own(&address)?.undeliverable.clone().map(|why| (address, why))).collect();
    found.extend(contacts::undeliverable(db, &others).await?);
    Ok(found)
}

fn snoozes(shell: &Shell) -> Vec<Snooze> {
    let choices = [("3h", "In three hours"), ("tomorrow", "Tomorrow"), ("monday", "Monday"), ("week", "In a week")];
    let times = choices
        .into_iter()
        .filter_map(|(value, label)| {
            let until = update::snooze_until(value, "", Ts::now(), &shell.directory.shop.time_zone)?;
            let zone = jiff::tz::TimeZone::get(&shell.directory.shop.time_zone).unwrap_or(jiff::tz::TimeZone::UTC);
            let when = until.0.to_zoned(zone).strftime(if value == "3h" { "%H:%M" } else { "%a %-d %b %H:%M" }).to_string();
            Some(Snooze { value, label, when })
        })
        .collect();
    each_once(times)
}

/// On a Sunday tomorrow is Monday, which need not be offered twice.
fn each_once(mut times: Vec<Snooze>) -> Vec<Snooze> {
    times.dedup_by(|later, earlier| later.when == earlier.when);
    times
}

/// When a reply may leave instead of now.
fn laters(shell: &Shell) -> Vec<Snooze> {
    let zone = jiff::tz::TimeZone::get(&shell.directory.shop.time_zone).unwrap_or(jiff::tz::TimeZone::UTC);
    let choices = [("hour", "In an hour", "%H:%M"), ("tomorrow", "Tomorrow at 9", "%a %-d %b"), ("monday", "Monday at 9", "%a %-d %b")];
    let times = choices
        .into_iter()
        .filter_map(|(value, label, format)| {
            let at = planned::moment(value, "", Ts::now(), &shell.directory.shop.time_zone)?;
            Some(Snooze { value, label, when: at.0.to_zoned(zone.clone()).strftime(format).to_string() })
        })
        .collect();
    each_once(times)
}

/// The ticket, if the agent may see it; for handlers that change it.
async fn permitted(db: &mut PgConnection, agent: &Agent, id: TicketId) -> Result<Ticket> {
    tickets::load(db, agent, id).await?.ok_or(Error::NotFound)
}

/// The page that a form was on, as long as it was this ticket's; so that the list beside it stays.
fn came_from(headers: &HeaderMap, id: TicketId) -> String {
    let own = format!("/tickets/{id}");
    let referer = headers.get(http::header::REFERER).and_then(|value| value.to_str().ok()).and_then(|value| url::Url::parse(value).ok());
    match referer {
        Some(url) if url.path() == own => match url.query() {
            Some(query) => format!("{own}?{query}"),
            None => own,
        },
        _ => own,
    }
}

/// The list that stood beside the ticket on the page that a form was on.
fn list_of(headers: &HeaderMap, id: TicketId) -> ListQuery {
    let from = came_from(headers, id);
    let query = from.split_once('?').map_or("", |(_, query)| query);
    let mut list = ListQuery::default();
    for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match &*key {
            "in" => list.view = value.into_owned(),
            "q" => list.q = value.into_owned(),
            "channel" => list.channel = value.into_owned(),
            "team" => list.team = value.into_owned(),
            "tag" => list.tag = value.into_owned(),
            "language" => list.language = value.into_owned(),
            _ => {}
        }
    }
    list
}
