//! The letters that colleagues get: an invitation, a link to a new password (each mints its link when it is sent), word of a channel that has
//! fallen silent, and what waits for somebody who leads.

use crate::app::App;
use crate::channels::email::deliver;
use crate::desk::approvals::{self, Approval};
use crate::desk::channels::Channel;
use crate::desk::directory;
use crate::desk::envelope::Address;
use crate::desk::kinds::{ChannelKind, TokenPurpose};
use crate::desk::tickets::{self, thread};
use crate::desk::{agents, anger, channels, contacts, mailboxes};
use crate::i18n::{self, Language, Value};
use crate::ids::{AgentId, ApprovalId, ChannelId, TicketId};
use crate::jobs::Outcome;
use crate::mailer::SendError;
use crate::text::excerpts;

/// How long an invitation works.
const INVITATION_HOURS: i32 = 72;
/// How long a link to a new password works.
const RESET_HOURS: i32 = 2;

/// Mails a new colleague the link at which they choose their password.
pub async fn invite(app: &App, agent: AgentId) -> Outcome {
    outcome(letter(app, agent, TokenPurpose::Invitation).await)
}

/// Mails a colleague a link at which they choose a new password.
pub async fn reset_password(app: &App, agent: AgentId) -> Outcome {
    outcome(letter(app, agent, TokenPurpose::PasswordReset).await)
}

/// Mails the admins, and the agents who are answering on it, that a channel has to be connected again. Whoever cannot be reached does not keep
/// it from the others.
pub async fn sign_in_lost(app: &App, id: ChannelId) -> Outcome {
    let found = async {
        let mut db = app.db.acquire().await?;
        let Some(channel) = channels::find(&mut db, id).await?.filter(|channel| channel.sign_in_lost_at.is_some()) else {
            return Ok(None);
        };
        let people = channels::concerned(&mut db, id).await?;
        Ok::<_, sqlx::Error>(Some((channel, people)))
    };
    tell_all(app, "mail-sign-in-lost", found.await).await
}

/// Mails people, by another way than the channel itself, that it is out of order; nobody where it works again before anybody had to know.
async fn tell_all(app: &App, key: &str, found: sqlx::Result<Option<(Channel, Vec<Address>)>>) -> Outcome {
    let (channel, people) = match found {
        Ok(Some(found)) => found,
        Ok(None) => return Outcome::Done,
        Err(error) => return Outcome::Retry(error.to_string()),
    };
    let shop = match directory::get(app).await {
        Ok(directory) => directory.shop.clone(),
        Err(error) => return Outcome::Retry(error.to_string()),
    };
    let language = Language::from_code(&shop.language).unwrap_or(Language::En);
    let arguments = [
        ("shop", Value::from(shop.shop_name.clone())),
        ("channel", Value::from(channel.name.clone())),
        ("network", Value::from(channel.kind.label())),
        ("reason", Value::from(channel.last_error.clone().unwrap_or_default())),
        ("url", Value::from(page_of(app, &channel))),
    ];
    let subject = i18n::text_with(language, &format!("{key}-subject"), &arguments);
    let body = i18n::text_with(language, &format!("{key}-body"), &arguments);
    for person in people {
        let whom = person.address.clone();
        if let Err(error) = deliver::send_letter_past(app, Some(channel.id), person, subject.clone(), body.clone()).await {
            tracing::warn!(whom, channel = %channel.id, %error, "cannot mail that a channel is out of order");
        }
    }
    Outcome::Done
}

/// Where a channel is set right.
fn page_of(app: &App, channel: &Channel) -> String {
    let url = app.config.public_url();
    match channel.kind {
        ChannelKind::Email => format!("{url}/settings/mailboxes/{}", channel.id),
        kind => format!("{url}/settings/networks/{kind}/{}", channel.id),
    }
}

/// Mails the admins, by another way, that nothing comes in through a mailbox any more.
pub async fn mailbox_failing(app: &App, id: ChannelId) -> Outcome {
    let found = async {
        let mut db = app.db.acquire().await?;
        if mailboxes::failing_since(&mut db, id).await?.is_none() {
            return Ok(None);
        }
        let Some(channel) = channels::find(&mut db, id).await?.filter(|channel| channel.enabled) else { return Ok(None) };
        Ok::<_, sqlx::Error>(Some((channel, agents::admins(&mut db).await?)))
    };
    tell_all(app, "mail-mailbox-failing", found.await).await
}

/// Mails somebody who leads that an angry customer's public words wait for them. Taken or answered meanwhile, nothing is sent.
pub async fn tell_of_anger(app: &App, agent: AgentId, ticket: TicketId) -> Outcome {
    outcome(anger_letter(app, agent, ticket).await)
}

/// Mails somebody who may approve it that a public answer waits. Decided meanwhile, nothing is sent.
pub async fn tell_approver(app: &App, agent: AgentId, approval: ApprovalId) -> Outcome {
    outcome(approval_letter(app, agent, approval).await)
}

fn later(error: sqlx::Error) -> SendError {
    SendError::Later(format!("the database did not answer: {error}"))
}

async fn anger_letter(app: &App, agent: AgentId, ticket: TicketId) -> Result<(), SendError> {
    let mut db = app.db.acquire().await.map_err(later)?;
    let Some(anger) = anger::find(&mut db, ticket).await.map_err(later)?.filter(|anger| anger.waits() && anger.ring > 0) else {
        return Ok(());
    };
    let Some(row) = tickets::find(&mut db, ticket).await.map_err(later)? else { return Ok(()) };
    let contact = contacts::find(&mut db, row.contact_id).await.map_err(later)?;
    let message = thread::find(&mut db, anger.message).await.map_err(later)?;
    drop(db);
    let arguments = [
        ("customer", Value::from(contact.map(|contact| contact.display_name()).unwrap_or_default())),
        ("words", Value::from(excerpts::excerpt(&message.map(|message| message.new_text()).unwrap_or_default(), 400))),
        ("url", Value::from(format!("{}/tickets/{ticket}", app.config.public_url()))),
    ];
    nudge(app, agent, "mail-anger", row.channel_id, arguments).await
}

async fn approval_letter(app: &App, agent: AgentId, id: ApprovalId) -> Result<(), SendError> {
    let mut db = app.db.acquire().await.map_err(later)?;
    let Some(approval) = approvals::find(&mut db, id).await.map_err(later)?.filter(Approval::waits) else { return Ok(()) };
    drop(db);
    let author = directory::get(app).await.map_err(later)?.agent(approval.author).to_owned();
    let arguments = [
        ("author", Value::from(author)),
        ("words", Value::from(excerpts::excerpt(&approval.body, 400))),
        ("url", Value::from(format!("{}/approvals/{id}", app.config.public_url()))),
    ];
    nudge(app, agent, "mail-approval", approval.channel, arguments).await
}

/// Mails a colleague, in the shop's language, that something waits for them.
async fn nudge(app: &App, agent: AgentId, key: &str, channel: ChannelId, more: [(&'static str, Value<'_>); 3]) -> Result<(), SendError> {
    let directory = directory::get(app).await.map_err(later)?;
    let mut db = app.db.acquire().await.map_err(later)?;
    let Some(person) = agents::find(&mut db, agent).await.map_err(later)?.filter(|person| person.disabled_at.is_none()) else {
        return Ok(());
    };
    drop(db);
    let network = directory.channel(channel).map_or("", |channel| channel.kind.label());
    let language = Language::from_code(&directory.shop.language).unwrap_or(Language::En);
    let [a, b, c] = more;
    let arguments = [("name", Value::from(person.name.clone())), ("network", Value::from(network.to_owned())), a, b, c];
    let subject = i18n::text_with(language, &format!("{key}-subject"), &arguments);
    let body = i18n::text_with(language, &format!("{key}-body"), &arguments);
    deliver::send_letter(app, Address { name: person.name, address: person.email }, subject, body).await
}

fn outcome(result: Result<(), SendError>) -> Outcome {
    match result {
        Ok(()) => Outcome::Done,
        Err(SendError::Later(reason) | SendError::Unsure(reason) | SendError::SignIn(reason) | SendError::Token(reason)) => {
            Outcome::Retry(reason)
        }
        Err(SendError::Refused(reason)) => Outcome::Fail(reason),
    }
}

async fn letter(app: &App, id: AgentId, purpose: TokenPurpose) -> Result<(), SendError> {
    let (path, key, hours) = match purpose {
        TokenPurpose::Invitation => ("join", "mail-invite", INVITATION_HOURS),
        TokenPurpose::PasswordReset => ("reset", "mail-reset", RESET_HOURS),
    };
    let shop = directory::get(app).await.map_err(later)?.shop.clone();
    let mut tx = app.db.begin().await.map_err(later)?;
    let Some(person) = agents::find(&mut tx, id).await.map_err(later)?.filter(|person| person.disabled_at.is_none()) else {
        return Ok(());
    };
    if purpose == TokenPurpose::Invitation && person.has_password {
        return Ok(());
    }
    let token = agents::mint_token(&mut tx, id, purpose, hours).await.map_err(later)?;
    tx.commit().await.map_err(later)?;
    let language = Language::from_code(&shop.language).unwrap_or(Language::En);
    let arguments = [
        ("shop", Value::from(shop.shop_name.clone())),
        ("name", Value::from(person.name.clone())),
        // Who invited is in the log of the desk; the letter speaks for the shop.
        ("inviter", Value::from(shop.shop_name.clone())),
        ("url", Value::from(format!("{}/{path}/{token}", app.config.public_url()))),
        ("hours", Value::from(hours)),
    ];
    let subject = i18n::text_with(language, &format!("{key}-subject"), &arguments);
    let body = i18n::text_with(language, &format!("{key}-body"), &arguments);
    deliver::send_letter(app, Address { name: person.name, address: person.email }, subject, body).await
}
