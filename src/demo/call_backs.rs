//! Customers who wait for a call: on the next times at which the shop is there, so that the list has something to do on any day.

use serde::Deserialize;

use super::plan::Plan;
use crate::app::App;
use crate::clock::Ts;
use crate::desk::agents::{self, Agent};
use crate::desk::call_backs::{self, Offer, Settings, Slot, Wanted, settings};
use crate::desk::changes::{Actor, Change};
use crate::desk::envelope::{Address, Envelope, Incoming};
use crate::desk::kinds::{IdentityKind, Status};
use crate::desk::tickets::receive::{self, Origin};
use crate::desk::tickets::{reply, update};
use crate::desk::{channels, contacts, directory};
use crate::secrets;
use crate::text::excerpts;

#[derive(Deserialize)]
struct Script {
    name: String,
    phone: String,
    language: String,
    zone: String,
    /// Which of the next slots; below 0: the one that runs now.
    slot: i64,
    /// Whose ticket it is, by their place in the plan.
    agent: Option<usize>,
    #[serde(default)]
    note: String,
    /// Calls that nobody answered.
    #[serde(default)]
    missed: i16,
    /// What was said; empty: it is still to come.
    #[serde(default)]
    done: String,
}

/// Offers call-backs and writes down who waits for one.
pub async fn load_call_backs(app: &App, plan: &Plan) -> anyhow::Result<()> {
    let scripts: Vec<Script> = serde_json::from_str(include_str!("content/call_backs.json"))?;
    let mut change = Change::begin(app).await?;
    settings::update(&mut change, &Settings { offered: true, days_ahead: 7, ..Settings::default() }).await?;
    call_backs::channel(&mut change).await?;
    change.touch_settings();
    change.commit().await?;
    for script in &scripts {
        tell(app, plan, script).await?;
    }
    Ok(())
}

async fn tell(app: &App, plan: &Plan, script: &Script) -> anyhow::Result<()> {
    let now = Ts::now();
    let offer = Offer::regardless(&*directory::get(app).await?);
    let next = usize::try_from(script.slot).ok().and_then(|at| offer.plain(now.plus_seconds(1200)).get(at).map(|(slot, _)| *slot));
    let slot = next.unwrap_or(Slot { from: now.plus_seconds(-1200), until: now.plus_seconds(2400) });
    let mut change = Change::begin(app).await?;
    let id = call_backs::channel(&mut change).await?;
    let channel = channels::find(&mut change, id).await?.ok_or(sqlx::Error::RowNotFound)?;
    let phone = (IdentityKind::Phone, script.phone.clone());
    let contact = contacts::recognize(&mut change, &phone, &[], &script.name, Some(&script.language)).await?;
    let origin = Origin { channel: &channel, delivery: None, files: &[], ticket: None, contact: Some(contact), acknowledge: false };
    let word =
        crate::i18n::text(crate::i18n::Language::from_code(&script.language).unwrap_or(crate::i18n::Language::En), "call-back-subject");
    let subject = if script.note.is_empty() { word } else { format!("{word}: {}", excerpts::excerpt(&script.note, 80)) };
    let incoming = Incoming {
        provider_id: secrets::token(),
        from: Address { name: script.name.clone(), address: String::new() },
        body: if script.note.is_empty() { subject.clone() } else { script.note.clone() },
        subject,
        language: Some(script.language.clone()),
        envelope: Envelope::default(),
        ..Incoming::default()
    };
    let ticket = receive::receive(&mut change, &origin, &incoming).await?.ticket;
    let wanted = Wanted {
        placed: true,
        language: Some(&script.language),
        time_zone: Some(&script.zone),
        note: &script.note,
        ..Wanted::new(ticket, &script.phone, slot.from, slot.until)
    };
    call_backs::ask(&mut change, &wanted).await?;
    let email = script.agent.and_then(|at| plan.agents.get(at)).map_or("", |agent| &agent.email);
    if let Some(person) = agents::find_by_email(&mut change, email).await? {
        let agent =
            Agent { id: person.id, email: person.email, name: person.name, role: person.role, signature: String::new(), session: None };
        update::assign(&mut change, Actor::Agent(agent.id), ticket, Some(agent.id)).await?;
        for _ in 0..script.missed {
            call_backs::not_reached(&mut change, &agent, ticket, Some(slot)).await?;
        }
        if !script.done.is_empty() {
            call_backs::done(&mut change, &agent, ticket).await?;
            reply::note_apart(&mut change, &agent, ticket, &format!("On the phone: {}", script.done)).await?;
            update::set_status(&mut change, Actor::Agent(agent.id), ticket, Status::Solved, None).await?;
        }
    }
    Ok(change.commit().await?)
}
