//! Conversations on networks: written by the desk's own verbs, then moved back to when they are said to have happened.

use serde::Deserialize;
use serde_json::{Value, json};

use super::plan::Plan;
use super::{cast, simulator};
use crate::app::App;
use crate::clock::Ts;
use crate::desk::changes::{Actor, Change};
use crate::desk::channels::Channel;
use crate::desk::import;
use crate::desk::kinds::{ChannelKind, IdentityKind, Status};
use crate::desk::networks::abilities::Abilities;
use crate::desk::networks::parts::{self, NewPart};
use crate::desk::networks::say::Outlet;
use crate::desk::networks::take::{self, Door};
use crate::desk::networks::{Extras, Happening, Location, Notice, Person, Said, Who};
use crate::desk::tickets::reply::{self, NewReply};
use crate::desk::tickets::update;
use crate::ids::TicketId;
use crate::jobs::{self, Job};
use crate::secrets;

/// Seconds between two words.
const PACE: i64 = 150;
/// The accounts of the demo.
const WHATSAPP: &str = "700300";
const INSTAGRAM: &str = "700400";
const SMS: &str = "+390736123458";

#[derive(Deserialize)]
struct Script {
    network: ChannelKind,
    /// The customer's id there.
    id: String,
    name: String,
    handle: String,
    language: String,
    /// How long ago it began, in minutes.
    ago: i64,
    /// Who answers, by their place in the plan.
    agent: usize,
    solve: bool,
    /// What happens, and its words: `in`, `out`, `place`, `edit` (of the customer's last), `react` (to ours).
    words: Vec<Vec<String>>,
}

/// Connects the networks of the demo to the simulator and writes what was said there.
pub async fn load_networks(app: &App, plan: &Plan) -> anyhow::Result<()> {
    let scripts: Vec<Script> = serde_json::from_str(include_str!("content/networks.json"))?;
    let chosen = secrets::token;
    let bot = json!({ "token": format!("{}:demo", simulator::TELEGRAM_BOT), "hook_token": chosen() });
    let meta = json!({ "token": "demo", "app_secret": chosen(), "app_secrets": [chosen()], "verify_token": "demo" });
    let number = json!({ "phone_number_id": WHATSAPP, "waba_id": "700301" });
    let line = json!({ "account_sid": "ACdemo", "from": SMS });
    let at = |mut settings: Value, kind: ChannelKind| {
        settings["base"] = json!(format!("{}/demo/providers/{kind}", simulator::own_address(app)));
        settings
    };
    let channels = [
        cast::connect(
            app,
            ChannelKind::Telegram,
            "Telegram @bottegaginestra_bot",
            Some(simulator::TELEGRAM_BOT),
            at(json!({}), ChannelKind::Telegram),
            &bot,
        )
        .await?,
        cast::connect(app, ChannelKind::Whatsapp, "WhatsApp +39 0736 123457", Some(WHATSAPP), at(number, ChannelKind::Whatsapp), &meta)
            .await?,
        cast::connect(
            app,
            ChannelKind::Instagram,
            "Instagram @bottegaginestra",
            Some(INSTAGRAM),
            at(json!({}), ChannelKind::Instagram),
            &meta,
        )
        .await?,
        cast::connect(
            app,
            ChannelKind::Sms,
            "SMS +39 0736 123458",
            Some(SMS),
            at(line, ChannelKind::Sms),
            &json!({ "auth_token": chosen() }),
        )
        .await?,
    ];
    for script in &scripts {
        if let Some(channel) = channels.iter().find(|channel| channel.kind == script.network) {
            tell(app, plan, channel, script).await?;
        }
    }
    Ok(())
}

/// As whom a network knows the customer of a script.
fn identity(channel: &Channel, script: &Script) -> (IdentityKind, String) {
    match channel.kind {
        ChannelKind::Whatsapp | ChannelKind::Sms => (IdentityKind::Phone, script.id.clone()),
        ChannelKind::Instagram => (IdentityKind::Instagram, format!("{INSTAGRAM}:{}", script.id)),
        _ => (IdentityKind::Telegram, script.id.clone()),
    }
}

async fn tell(app: &App, plan: &Plan, channel: &Channel, script: &Script) -> anyhow::Result<()> {
    let Some(agent) = cast::agent(app, plan, script.agent).await? else { return Ok(()) };
    let abilities = Abilities::default();
    let door = Door { channel, abilities: &abilities, delivery: None, patient: false };
    let name = |index: usize| format!("{}:{}", script.id, index + 1);
    let (mut ticket, mut heard, mut said_last) = (None::<TicketId>, String::new(), String::new());
    let began = Ts::now().plus_seconds(-60 * script.ago);
    for (index, line) in script.words.iter().enumerate() {
        let [what, words, more @ ..] = line.as_slice() else { continue };
        let at = began.plus_seconds(PACE * i64::try_from(index).unwrap_or_default());
        let mut change = Change::begin(app).await?;
        match (what.as_str(), ticket) {
            ("in" | "place", _) => {
                heard = name(index);
                let place = (what == "place").then(|| Location {
                    latitude: words.parse().unwrap_or_default(),
                    longitude: more.first().and_then(|text| text.parse().ok()).unwrap_or_default(),
                    name: more.get(1).cloned().unwrap_or_default(),
                    address: String::new(),
                });
                let said = Said {
                    id: heard.clone(),
                    conversation: format!("{}:{}", if channel.kind == ChannelKind::Sms { "sms" } else { "dm" }, script.id),
                    person: Person {
                        identity: Some(identity(channel, script)),
                        name: script.name.clone(),
                        handle: Some(script.handle.clone()).filter(|handle| !handle.is_empty()),
                        ..Person::default()
                    },
                    text: if place.is_some() { String::new() } else { words.clone() },
                    at: Some(at),
                    extras: Extras { location: place, ..Extras::default() },
                    language: Some(script.language.clone()),
                    opens_window: true,
                    ..Said::default()
                };
                if let take::Taken::Kept(id) = take::take(&mut change, &door, &Happening::Said(Box::new(said)), &[]).await? {
                    ticket = Some(id);
                }
            }
            ("out", Some(id)) => {
                let new = NewReply {
                    body: words.clone(),
                    outlet: Some(Outlet { channel: channel.id, abilities: abilities.clone(), private: false, template: None }),
                    ..NewReply::default()
                };
                let message = reply::reply_apart(&mut change, &agent, id, &new).await?;
                // It has left long ago.
                jobs::cancel(&mut change, &Job::SendMessage { message }).await?;
                parts::plan(&mut change, channel.id, message, &[NewPart { body: words.clone(), ..NewPart::default() }]).await?;
                said_last = name(index);
                for part in parts::list(&mut change, message).await? {
                    parts::begin(&mut change, part.id).await?;
                    parts::taken(&mut change, channel.id, part.id, &said_last).await?;
                }
            }
            ("edit", _) => notice(&mut change, &door, &heard, Notice::Edited { text: words.clone(), at: Some(at) }).await?,
            ("react", _) => {
                notice(&mut change, &door, &said_last, Notice::Reacted { by: Who::Customer, emoji: Some(words.clone()), at: Some(at) })
                    .await?
            }
            _ => {}
        }
        change.commit().await?;
    }
    let Some(id) = ticket else { return Ok(()) };
    let mut change = Change::begin(app).await?;
    if script.solve {
        update::set_status(&mut change, Actor::Agent(agent.id), id, Status::Solved, None).await?;
    }
    import::backdate(&mut change, id, 60 * script.ago, PACE).await?;
    change.commit().await?;
    Ok(())
}

async fn notice(change: &mut Change, door: &Door<'_>, target: &str, notice: Notice) -> sqlx::Result<()> {
    take::take(change, door, &Happening::Noticed { target: target.to_owned(), notice }, &[]).await.map(drop)
}
