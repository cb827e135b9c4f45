//! A few conversations by chat, so that the desk has something to say at once. Written after the plan, by the desk's own verbs and with
//! the times of today: they are as true as any.

use serde::Deserialize;
use serde_json::Value;

use super::plan::Plan;
use crate::app::App;
use crate::clock::Ts;
use crate::desk::agents::{self, Agent};
use crate::desk::changes::Change;
use crate::desk::channels::{self, Channel};
use crate::desk::chats;
use crate::desk::envelope::{Address, Envelope, Incoming};
use crate::desk::events::ChatEnd;
use crate::desk::import;
use crate::desk::kinds::ChannelKind;
use crate::desk::presence;
use crate::desk::tickets::receive::{self, Origin};
use crate::desk::tickets::reply::{self, NewReply};
use crate::desk::visitors::{self, Browser, Introduction};
use crate::ids::TicketId;
use crate::jobs::{self, Job};
use crate::secrets;
use crate::text::excerpts;

/// The key of the chat that the sample shop loads; `storefront.html` names it.
pub const KEY: &str = "demo";
/// Open ones stay for a working day, although nobody sits at their other end.
const STAY: i64 = 10 * 3600;

#[derive(Deserialize)]
struct Script {
    name: String,
    email: String,
    #[serde(default)]
    verified: Option<String>,
    language: String,
    time_zone: String,
    /// Who answers, by their place in the plan.
    agent: usize,
    page: Value,
    context: Value,
    #[serde(default)]
    ended: bool,
    #[serde(default)]
    stars: i16,
    /// Who speaks, what, and the quick answers offered along with it.
    words: Vec<Vec<String>>,
}

/// Writes the conversations into a desk that holds the demo.
pub async fn load_chats(app: &App, plan: &Plan) -> anyhow::Result<()> {
    let scripts: Vec<Script> = serde_json::from_str(include_str!("content/chats.json"))?;
    let mut db = app.db.acquire().await?;
    let channel = channels::find_by_address(&mut db, ChannelKind::Chat, KEY).await?.ok_or(sqlx::Error::RowNotFound)?;
    drop(db);
    for script in &scripts {
        tell(app, plan, &channel, script).await?;
    }
    Ok(())
}

async fn tell(app: &App, plan: &Plan, channel: &Channel, script: &Script) -> anyhow::Result<()> {
    let email = plan.agents.get(script.agent).map_or("", |agent| &agent.email);
    let mut change = Change::begin(app).await?;
    let Some(person) = agents::find_by_email(&mut change, email).await? else { return Ok(()) };
    let agent = Agent { id: person.id, email: person.email, name: person.name, role: person.role, signature: String::new(), session: None };
    let browser = Browser { language: Some(&script.language), time_zone: Some(&script.time_zone), user_agent: "", ip: "" };
    let (visitor, _) = visitors::create(&mut change, channel.id, &browser).await?;
    visitors::note(&mut change, visitor, Some(&script.page), Some(&script.context)).await?;
    let known = visitors::find(&mut change, visitor).await?.ok_or(sqlx::Error::RowNotFound)?;
    let who = Introduction { name: Some(&script.name), email: Some(&script.email), phone: None, verified_id: script.verified.as_deref() };
    let contact = visitors::introduce(&mut change, &known, &who).await?;
    change.commit().await?;

    let mut ticket: Option<TicketId> = None;
    for line in &script.words {
        let [speaker, body, choices @ ..] = line.as_slice() else { continue };
        // Each word is a moment of its own: they stand in the order in which they were said.
        let mut change = Change::begin(app).await?;
        match (speaker.as_str(), ticket) {
            ("visitor", _) => {
                let origin = Origin { channel, delivery: None, files: &[], ticket, contact: Some(contact), acknowledge: false };
                let incoming = Incoming {
                    provider_id: secrets::token(),
                    from: Address { name: script.name.clone(), address: String::new() },
                    subject: excerpts::excerpt(body, 60),
                    body: body.clone(),
                    language: Some(script.language.clone()),
                    envelope: Envelope::default(),
                    ..Incoming::default()
                };
                let received = receive::receive(&mut change, &origin, &incoming).await?;
                if ticket.is_some() {
                    chats::hear(&mut change, received.ticket, None, Ts::now()).await?;
                } else {
                    // It rings where somebody is, and at once somebody takes it; then they are gone without leaving anything behind.
                    let past = Ts::now().plus_seconds(-2 * presence::SILENCE);
                    presence::beat(&mut change, agent.id, past).await?;
                    chats::start(&mut change, received.ticket, channel.id, visitor, chats::ANSWER, past.plus_seconds(1)).await?;
                    chats::accept(&mut change, &agent, received.ticket, Ts::now()).await?;
                    jobs::cancel(&mut change, &Job::AgentLapse { agent: agent.id }).await?;
                }
                ticket = Some(received.ticket);
            }
            ("note", Some(id)) => drop(reply::note_apart(&mut change, &agent, id, body).await?),
            (_, Some(id)) => {
                let new = NewReply { body: body.clone(), choices: choices.to_vec(), ..NewReply::default() };
                let message = reply::reply_apart(&mut change, &agent, id, &new).await?;
                // They answered: both have read what came before.
                chats::agent_seen(&mut change, &agent, id, message, message).await?;
                chats::visitor_seen(&mut change, id, message, message).await?;
            }
            (_, None) => {}
        }
        change.commit().await?;
    }
    let Some(id) = ticket else { return Ok(()) };
    let mut change = Change::begin(app).await?;
    if script.ended {
        chats::end(&mut change, ChatEnd::Visitor, id, Ts::now()).await?;
        chats::rate(&mut change, id, script.stars, "").await?;
    } else {
        import::chat_stays(&mut change, id, Ts::now().plus_seconds(STAY)).await?;
    }
    // There is no browser that could have missed anything.
    jobs::cancel(&mut change, &Job::ChatMail { ticket: id }).await?;
    change.commit().await?;
    Ok(())
}
