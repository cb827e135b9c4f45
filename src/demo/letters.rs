//! A conversation by mail with everything that letters can be: several people, somebody who joins, a supplier asked beside it, a reply for later.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::plan::Plan;
use crate::app::App;
use crate::clock::Ts;
use crate::desk::agents::{self, Agent};
use crate::desk::changes::{Actor, Change};
use crate::desk::channels;
use crate::desk::envelope::{Address, Envelope, Incoming, ThreadHint};
use crate::desk::signatures::{self, Owner};
use crate::desk::tickets::planned;
use crate::desk::tickets::receive::{self, Origin};
use crate::desk::tickets::reply::NewReply;
use crate::desk::tickets::sides::{self, Words};
use crate::desk::tickets::update;
use crate::secrets;

#[derive(Deserialize)]
struct Script {
    mailbox: BTreeMap<String, String>,
    customer: Letter,
    joined: Letter,
    supplier: Supplier,
    planned: String,
}

#[derive(Deserialize)]
struct Letter {
    from: Address,
    #[serde(default)]
    cc: Vec<Address>,
    #[serde(default)]
    subject: String,
    body: String,
}

#[derive(Deserialize)]
struct Supplier {
    to: Address,
    subject: String,
    question: String,
    answer: String,
}

/// Writes the mailbox's signatures and the conversation.
pub async fn load_letters(app: &App, plan: &Plan) -> anyhow::Result<()> {
    let script: Script = serde_json::from_str(include_str!("content/letters.json"))?;
    let mut change = Change::begin(app).await?;
    let Some(mailbox) = channels::default_mailbox(&mut change).await? else { return Ok(()) };
    for (language, body) in &script.mailbox {
        signatures::set(&mut change, Owner::Mailbox(mailbox.id), language, body).await?;
    }
    let own = Address { name: String::new(), address: mailbox.address.clone().unwrap_or_default() };
    let origin = Origin { channel: &mailbox, delivery: None, files: &[], ticket: None, contact: None, acknowledge: false };
    let first = incoming(&script.customer, &script.customer.subject, &own, Some("de"), Vec::new());
    let ticket = receive::receive(&mut change, &origin, &first).await?.ticket;
    let email = plan.agents.get(2).map_or("", |agent| &agent.email);
    let Some(agent) = agents::find_by_email(&mut change, email).await?.map(Agent::from) else { return Ok(()) };
    update::assign(&mut change, Actor::Agent(agent.id), ticket, Some(agent.id)).await?;
    let joins = vec![ThreadHint::InReplyTo(first.provider_id.clone())];
    receive::receive(&mut change, &origin, &incoming(&script.joined, &script.customer.subject, &own, Some("it"), joins)).await?;
    let supplier = &script.supplier;
    let words = Words { to: vec![supplier.to.clone()], body: supplier.question.clone(), ..Words::default() };
    let opened = sides::open(&mut change, &agent, ticket, Some(mailbox.id), &supplier.subject, false, &words).await;
    let (side, _) = opened.map_err(|error| anyhow::anyhow!("the demo's supplier: {error}"))?;
    let answer = Letter { from: supplier.to.clone(), cc: Vec::new(), subject: String::new(), body: supplier.answer.clone() };
    let local = mailbox.address.as_deref().and_then(|address| address.split('@').next()).unwrap_or("help");
    let back = vec![ThreadHint::Recipient(format!("{local}+{}", sides::tag(&app.keys, side)))];
    receive::receive(&mut change, &origin, &incoming(&answer, &format!("Re: {}", supplier.subject), &own, Some("it"), back)).await?;
    let later = NewReply {
        body: script.planned.clone(),
        to: vec![script.customer.from.clone()],
        cc: script.customer.cc.clone(),
        ..NewReply::default()
    };
    let planned = planned::plan(&mut change, &agent, ticket, &later, Ts::now().plus_seconds(20 * 3600)).await;
    planned.map_err(|error| anyhow::anyhow!("the demo's reply for later: {error}"))?;
    change.touch_settings();
    Ok(change.commit().await?)
}

fn incoming(letter: &Letter, subject: &str, own: &Address, language: Option<&str>, thread: Vec<ThreadHint>) -> Incoming {
    Incoming {
        provider_id: format!("{}@demo.example", secrets::token()),
        thread,
        from: letter.from.clone(),
        subject: subject.to_owned(),
        body: letter.body.clone(),
        language: language.map(str::to_owned),
        envelope: Envelope {
            from: Some(letter.from.clone()),
            to: vec![own.clone()],
            cc: letter.cc.clone(),
            subject: subject.to_owned(),
            ..Envelope::default()
        },
        ..Incoming::default()
    }
}
