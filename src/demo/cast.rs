//! Who plays in the demo's stories, and where: its agents and channels.

use serde_json::Value;

use super::plan::Plan;
use crate::app::App;
use crate::desk::agents::{self, Agent};
use crate::desk::changes::Change;
use crate::desk::channels::{self, Channel, ChannelDraft, seal};
use crate::desk::kinds::ChannelKind;

/// An agent, by their place in the plan.
pub async fn agent(app: &App, plan: &Plan, index: usize) -> sqlx::Result<Option<Agent>> {
    let email = plan.agents.get(index).map_or("", |agent| &agent.email);
    let person = agents::find_by_email(&mut *app.db.acquire().await?, email).await?;
    let agent = |person: agents::Person| Agent {
        id: person.id,
        email: person.email,
        name: person.name,
        role: person.role,
        signature: String::new(),
        session: None,
    };
    Ok(person.map(agent))
}

/// Connects a channel.
pub async fn connect(
    app: &App,
    kind: ChannelKind,
    name: &str,
    address: Option<&str>,
    settings: Value,
    secrets: &Value,
) -> anyhow::Result<Channel> {
    let draft = ChannelDraft {
        kind,
        name: name.to_owned(),
        address: address.map(str::to_owned),
        team_id: None,
        language: None,
        enabled: true,
        settings,
        secrets: Some(seal(&app.keys, secrets)?),
    };
    let mut change = Change::begin(app).await?;
    let id = channels::create(&mut change, &draft).await?;
    let channel = channels::find(&mut change, id).await?.ok_or(sqlx::Error::RowNotFound)?;
    change.touch_settings();
    change.commit().await?;
    Ok(channel)
}
