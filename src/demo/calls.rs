//! A few telephone calls: told as an exchange would tell them, and written down by the desk's own verbs.

use serde::Deserialize;

use super::plan::Plan;
use super::{cast, simulator};
use crate::app::App;
use crate::clock::Ts;
use crate::desk::agents::{self, Agent};
use crate::desk::calls::log::{self, Then, WriteUp};
use crate::desk::calls::{self, CallNews, CallStep};
use crate::desk::changes::Change;
use crate::desk::channels::{self, Channel, ChannelDraft, seal};
use crate::desk::contacts;
use crate::desk::envelope::IncomingFile;
use crate::desk::files::StoredFile;
use crate::desk::import;
use crate::desk::kinds::{ChannelKind, IdentityKind};
use crate::desk::networks::Media;
use crate::ids::{CallId, TicketId};
use crate::secrets;
use crate::text::phones::Party;

/// The shop's number.
const LINE: &str = "+390736123456";
/// Seconds that it rings.
const RINGS: i64 = 14;

#[derive(Deserialize)]
struct Script {
    /// `answered`, `missed`, `voicemail`, `out`, or `hidden`: missed, without a number.
    what: String,
    number: String,
    name: String,
    language: String,
    /// How long ago it was, in minutes.
    ago: i64,
    /// Who had it, by their place in the plan.
    agent: usize,
    seconds: i64,
    solve: bool,
    said: String,
    /// They were called back.
    callback: Option<Back>,
}

#[derive(Deserialize)]
struct Back {
    ago: i64,
    seconds: i64,
    said: String,
}

/// Connects the telephone of the demo to the simulator, gives its people extensions, and writes what was said.
pub async fn load_calls(app: &App, plan: &Plan) -> anyhow::Result<()> {
    let scripts: Vec<Script> = serde_json::from_str(include_str!("content/calls.json"))?;
    let channel = connect(app).await?;
    let mut change = Change::begin(app).await?;
    for (index, planned) in plan.agents.iter().enumerate() {
        if let Some(person) = agents::find_by_email(&mut change, &planned.email).await? {
            agents::set_numbers(&mut change, person.id, &[(21 + index).to_string()]).await?;
        }
    }
    // Whoever rings in the simulator is somebody whose matter is open.
    import::give_number(&mut change, simulator::CALLER).await?;
    change.touch_settings();
    change.commit().await?;
    for (index, script) in scripts.iter().enumerate() {
        tell(app, plan, &channel, script, index).await?;
    }
    Ok(())
}

async fn connect(app: &App) -> anyhow::Result<Channel> {
    let draft = ChannelDraft {
        kind: ChannelKind::Phone,
        name: "Telefono 0736 123456".to_owned(),
        address: None,
        team_id: None,
        language: Some("it".to_owned()),
        enabled: true,
        settings: serde_json::json!({ "provider": "cti", "country": "39" }),
        secrets: Some(seal(&app.keys, &serde_json::json!({ "token": secrets::token() }))?),
    };
    let mut change = Change::begin(app).await?;
    let id = channels::create(&mut change, &draft).await?;
    let channel = channels::find(&mut change, id).await?.ok_or(sqlx::Error::RowNotFound)?;
    change.touch_settings();
    change.commit().await?;
    Ok(channel)
}

async fn tell(app: &App, plan: &Plan, channel: &Channel, script: &Script, index: usize) -> anyhow::Result<()> {
    let Some(agent) = cast::agent(app, plan, script.agent).await? else { return Ok(()) };
    let began = Ts::now().plus_seconds(-60 * script.ago);
    let incoming = script.what != "out";
    let extension = (21 + script.agent).to_string();
    let news = |step: CallStep, after: i64| CallNews {
        id: format!("demo-{index}"),
        incoming: Some(incoming),
        customer: Some(if script.number.is_empty() { Party::Anonymous } else { Party::Number(script.number.clone()) }),
        line: Some(Party::Number(LINE.to_owned())),
        name: String::new(),
        rings_at: Vec::new(),
        by: if matches!(step, CallStep::Answered) || !incoming { vec![extension.clone()] } else { Vec::new() },
        step,
        at: Some(began.plus_seconds(after)),
    };
    if !script.name.is_empty() {
        let mut db = app.db.acquire().await?;
        contacts::identify(&mut db, IdentityKind::Phone, &script.number, &script.name, Some(&script.language)).await?;
    }
    let talked = matches!(&*script.what, "answered" | "out");
    let mut steps = vec![(CallStep::Ringing, 0)];
    if talked {
        steps.push((CallStep::Answered, RINGS));
    }
    let mut files = Vec::new();
    if script.what == "voicemail" {
        files.push(StoredFile::store(app, &voicemail()).await?);
        let seconds = i32::try_from(script.seconds).ok();
        steps.push((CallStep::Recorded { media: Media::default(), seconds }, RINGS));
    }
    steps.push((CallStep::Ended { cause: "normalClearing".to_owned(), seconds: None }, RINGS + script.seconds));
    for (step, after) in steps {
        let with: &[StoredFile] = if matches!(step, CallStep::Recorded { .. }) { &files } else { &[] };
        let mut change = Change::begin(app).await?;
        calls::take::take(&mut change, channel, &news(step, after), with).await?;
        change.commit().await?;
    }
    let mut change = Change::begin(app).await?;
    let id = import::call(&mut change, channel.id, &format!("demo-{index}")).await?;
    if talked {
        let up = WriteUp { said: script.said.clone(), ticket: None, then: if script.solve { Then::Solved } else { Then::Open } };
        write(&mut change, &agent, id, &up, script.ago).await?;
    } else {
        calls::step(&mut change, id, Ts::now()).await?;
        let known = calls::find(&mut change, id).await?.and_then(|call| call.ticket_id);
        if let Some(ticket) = known {
            import::backdate(&mut change, ticket, 60 * script.ago, 60).await?;
            change.commit().await?;
            return call_back(app, &agent, script, ticket, index, channel).await;
        }
    }
    change.commit().await?;
    Ok(())
}

async fn write(change: &mut Change, agent: &Agent, id: CallId, up: &WriteUp, ago: i64) -> anyhow::Result<TicketId> {
    let ticket = log::write_up(change, agent, id, up).await?;
    import::backdate(change, ticket, 60 * ago, 600).await?;
    Ok(ticket)
}

async fn call_back(app: &App, agent: &Agent, script: &Script, ticket: TicketId, index: usize, channel: &Channel) -> anyhow::Result<()> {
    let Some(back) = &script.callback else { return Ok(()) };
    let began = Ts::now().plus_seconds(-60 * back.ago);
    let news = |step: CallStep, after: i64| CallNews {
        id: format!("demo-back-{index}"),
        incoming: Some(false),
        customer: Some(Party::Number(script.number.clone())),
        line: Some(Party::Number(LINE.to_owned())),
        name: String::new(),
        rings_at: Vec::new(),
        by: vec![(21 + script.agent).to_string()],
        step,
        at: Some(began.plus_seconds(after)),
    };
    let ended = CallStep::Ended { cause: "normalClearing".to_owned(), seconds: None };
    for (step, after) in [(CallStep::Ringing, 0), (CallStep::Answered, RINGS), (ended, RINGS + back.seconds)] {
        let mut change = Change::begin(app).await?;
        calls::take::take(&mut change, channel, &news(step, after), &[]).await?;
        change.commit().await?;
    }
    let mut change = Change::begin(app).await?;
    let id = import::call(&mut change, channel.id, &format!("demo-back-{index}")).await?;
    let up = WriteUp { said: back.said.clone(), ticket: Some(ticket), then: Then::Solved };
    log::write_up(&mut change, agent, id, &up).await?;
    import::backdate(&mut change, ticket, 60 * script.ago, 60 * (script.ago - back.ago)).await?;
    change.commit().await?;
    Ok(())
}

/// Six seconds of somebody humming: 8 kHz, 8 bits, one channel.
fn voicemail() -> IncomingFile {
    const RATE: u32 = 8000;
    const SECONDS: u32 = 6;
    let count = RATE * SECONDS;
    let mut bytes = Vec::with_capacity(44 + count as usize);
    bytes.extend_from_slice(b"RIFF");
    bytes.extend_from_slice(&(36 + count).to_le_bytes());
    bytes.extend_from_slice(b"WAVEfmt ");
    bytes.extend_from_slice(&16u32.to_le_bytes());
    bytes.extend_from_slice(&1u16.to_le_bytes());
    bytes.extend_from_slice(&1u16.to_le_bytes());
    bytes.extend_from_slice(&RATE.to_le_bytes());
    bytes.extend_from_slice(&RATE.to_le_bytes());
    bytes.extend_from_slice(&1u16.to_le_bytes());
    bytes.extend_from_slice(&8u16.to_le_bytes());
    bytes.extend_from_slice(b"data");
    bytes.extend_from_slice(&count.to_le_bytes());
    let tune = [220.0, 247.0, 262.0, 294.0, 262.0, 247.0, 220.0, 196.0];
    bytes.extend((0..count).map(|at| {
        let time = f64::from(at) / f64::from(RATE);
        let beat = time * 8.0 / f64::from(SECONDS);
        let pitch = tune[(beat as usize).min(tune.len() - 1)];
        let swell = (std::f64::consts::PI * beat.fract()).sin() * 0.35;
        let wave = (2.0 * std::f64::consts::PI * pitch * time).sin() + 0.3 * (4.0 * std::f64::consts::PI * pitch * time).sin();
        (128.0 + 100.0 * swell * wave) as u8
    }));
    IncomingFile { name: "voicemail.wav".to_owned(), media_type: "audio/wav".to_owned(), bytes, content_id: None, inline: false }
}
