//! Names that every page needs: people, teams, tags, channels, the shop. Read once and kept until they change.

use std::sync::Arc;

use jiff::tz::TimeZone;
use serde::de::DeserializeOwned;
use sqlx::PgConnection;

use crate::app::App;
use crate::desk::anger::{self, Watch};
use crate::desk::hours::{Hours, Schedule};
use crate::desk::kinds::ChannelKind;
use crate::desk::networks::abilities::Abilities;
use crate::desk::photos;
use crate::desk::spam::rules::Rules;
use crate::desk::spam::{self, Guard};
use crate::desk::tickets::recipients;
use crate::desk::waits::Targets;
use crate::desk::{approvals, call_backs, channels};
use crate::ids::{AgentId, ChannelId, TagId, TeamId};
use crate::text::junk::Count;

/// The names of the desk.
#[derive(Debug, Clone)]
pub struct Directory {
    pub shop: Shop,
    pub agents: Vec<AgentName>,
    pub teams: Vec<TeamName>,
    pub tags: Vec<TagName>,
    pub channels: Vec<ChannelName>,
    /// The teams of each agent.
    pub members: Vec<(TeamId, AgentId)>,
    /// Whether any mailbox sends through a server of its own.
    pub own_server: bool,
    /// The addresses of our own mailboxes, with their aliases, in lower case.
    pub own_addresses: Vec<String>,
    /// The desk's opening hours, as they are edited.
    pub schedule: Schedule,
    /// The same, to be asked; see [`Directory::hours_of`].
    pub hours: Arc<Hours>,
    pub targets: Targets,
    /// Whether, by whom and when customers are called.
    pub call_backs: call_backs::Settings,
    /// Whose public answers need a second person.
    pub approval: approvals::Rules,
    /// What makes a customer angry, as it is edited and as it is asked.
    pub anger: Arc<Watch>,
    /// What is held as spam: what is looked at, and which senders are known.
    pub spam: Arc<Guard>,
}

/// What the shop is called and how it looks.
#[derive(Debug, Clone)]
pub struct Shop {
    pub shop_name: String,
    pub time_zone: String,
    pub language: String,
    pub accent: String,
}

/// An agent, also one who has left: their name stays on what they wrote.
#[derive(Debug, Clone)]
pub struct AgentName {
    pub id: AgentId,
    pub name: String,
    pub email: String,
    pub active: bool,
    /// The address of their picture.
    pub photo: Option<String>,
    /// Extensions and telephone numbers at which they are reached.
    pub numbers: Vec<String>,
}

/// A team.
#[derive(Debug, Clone)]
pub struct TeamName {
    pub id: TeamId,
    pub name: String,
    /// Their own opening hours; none: they are there when the desk is.
    pub hours: Option<TeamHours>,
}

/// A team's own opening hours.
#[derive(Debug, Clone)]
pub struct TeamHours {
    pub schedule: Schedule,
    pub hours: Arc<Hours>,
}

/// A tag.
#[derive(Debug, Clone)]
pub struct TagName {
    pub id: TagId,
    pub name: String,
}

/// A channel.
#[derive(Debug, Clone)]
pub struct ChannelName {
    pub id: ChannelId,
    pub kind: ChannelKind,
    pub name: String,
    pub address: Option<String>,
    /// What can be sent through it, if it is a network.
    pub abilities: Option<Arc<Abilities>>,
    /// Its provider no longer lets us in.
    pub shut_out: bool,
    /// Visits to it have failed for a while: nothing comes in.
    pub failing: bool,
}

impl Directory {
    /// The agent's name, or a word for one that is not known yet.
    pub fn agent(&self, id: AgentId) -> &str {
        self.agents.iter().find(|agent| agent.id == id).map_or("Someone", |agent| &agent.name)
    }

    /// The address of the agent's picture.
    pub fn photo(&self, id: AgentId) -> Option<&str> {
        self.agents.iter().find(|agent| agent.id == id)?.photo.as_deref()
    }

    /// Extensions and telephone numbers at which an agent is reached.
    pub fn numbers(&self, id: AgentId) -> &[String] {
        self.agents.iter().find(|agent| agent.id == id).map_or(&[], |agent| &agent.numbers)
    }

    /// The opening hours of a team, which are the desk's unless it has its own; of the desk for `None`.
    pub fn hours_of(&self, team: Option<TeamId>) -> Arc<Hours> {
        let own = self.teams.iter().find(|known| Some(known.id) == team).and_then(|team| team.hours.as_ref());
        own.map_or(&self.hours, |own| &own.hours).clone()
    }

    /// The team's name.
    pub fn team(&self, id: TeamId) -> &str {
        self.teams.iter().find(|team| team.id == id).map_or("a team", |team| &team.name)
    }

    /// The tag's name.
    pub fn tag(&self, id: TagId) -> &str {
        self.tags.iter().find(|tag| tag.id == id).map_or("tag", |tag| &tag.name)
    }

    /// The channel.
    pub fn channel(&self, id: ChannelId) -> Option<&ChannelName> {
        self.channels.iter().find(|channel| channel.id == id)
    }

    /// The agents who can sign in.
    pub fn active_agents(&self) -> impl Iterator<Item = &AgentName> {
        self.agents.iter().filter(|agent| agent.active)
    }

    /// The teams that an agent belongs to.
    pub fn teams_of(&self, agent: AgentId) -> Vec<TeamId> {
        self.members.iter().filter(|(_, member)| *member == agent).map(|(team, _)| *team).collect()
    }
}

const KEY: &str = "directory";

/// The directory, at most half a minute old; after a change in any process, fresh.
pub async fn get(app: &App) -> sqlx::Result<Arc<Directory>> {
    if let Some(directory) = known(app).await {
        return Ok(directory);
    }
    let mut db = app.db.acquire().await?;
    let directory = Arc::new(read(&mut db).await?);
    app.cache.insert(KEY, directory.clone()).await;
    Ok(directory)
}

/// The same for whoever holds a connection already and must not wait for a second one. What it reads is not kept: the transaction may
/// have changed it and may yet fail.
pub async fn get_on(app: &App, db: &mut PgConnection) -> sqlx::Result<Arc<Directory>> {
    match known(app).await {
        Some(directory) => Ok(directory),
        None => Ok(Arc::new(read(db).await?)),
    }
}

async fn known(app: &App) -> Option<Arc<Directory>> {
    app.cache.get(KEY).await?.downcast::<Directory>().ok()
}

async fn read(db: &mut PgConnection) -> sqlx::Result<Directory> {
    let row = sqlx::query!("select shop_name, time_zone, language, accent, hours, targets, call_backs, approval, anger, spam, spam_learnt, ham_learnt from desk")
        .fetch_one(&mut *db)
        .await?;
    let zone = TimeZone::get(&row.time_zone).unwrap_or(TimeZone::UTC);
    let schedule: Schedule = typed(row.hours, "the desk's opening hours");
    let hours = Arc::new(schedule.resolve(&zone));
    let targets = typed(row.targets, "the targets");
    let call_backs = typed(row.call_backs, "the settings of call-backs");
    let approval = typed(row.approval, "who needs approval");
    let anger = Arc::new(Watch::new(typed(row.anger, "the words of anger")));
    let learnt = spam::is_enough(Count { spam: row.spam_learnt, ham: row.ham_learnt });
    let spam = Arc::new(Guard { settings: typed(row.spam, "what is held as spam"), rules: Rules::load(&mut *db).await?, learnt });
    let shop = Shop { shop_name: row.shop_name, time_zone: row.time_zone, language: row.language, accent: row.accent };
    let agents = sqlx::query!(
        r#"select id, name, email, disabled_at is null as "active!", photo, numbers from agents order by lower(name), id limit 5000"#
    )
    .fetch_all(&mut *db)
    .await?;
    let agents = agents
        .into_iter()
        .map(|row| AgentName {
            id: row.id,
            name: row.name,
            email: row.email,
            active: row.active,
            photo: row.photo.map(|sha256| photos::address(row.id, &sha256)),
            numbers: row.numbers,
        })
        .collect();
    let teams = sqlx::query!("select id, name, hours from teams order by lower(name) limit 500").fetch_all(&mut *db).await?;
    let own = |stored| {
        let schedule: Schedule = typed(stored, "a team's opening hours");
        TeamHours { hours: Arc::new(schedule.resolve(&zone)), schedule }
    };
    let teams = teams.into_iter().map(|row| TeamName { id: row.id, name: row.name, hours: row.hours.map(own) }).collect();
    let tags = sqlx::query_as!(TagName, "select id, name from tags order by lower(name) limit 5000").fetch_all(&mut *db).await?;
    let names = sqlx::query!(r#"select id, kind, name, address, abilities, enabled and sign_in_lost_at is not null as "shut_out!", enabled and failing_since is not null and sign_in_lost_at is null as "failing!" from channels order by kind, lower(name) limit 500"#)
        .fetch_all(&mut *db)
        .await?;
    let names = names
        .into_iter()
        .map(|row| ChannelName {
            id: row.id,
            kind: row.kind,
            name: row.name,
            address: row.address,
            shut_out: row.shut_out,
            failing: row.failing,
            abilities: row.abilities.and_then(|value| serde_json::from_value(value).ok()).map(Arc::new),
        })
        .collect();
    let members = sqlx::query!("select team_id, agent_id from team_members limit 20000").fetch_all(&mut *db).await?;
    let members = members.into_iter().map(|row| (row.team_id, row.agent_id)).collect();
    let own_server = channels::any_own_server(db).await?;
    let own_addresses = recipients::own_addresses(db).await?;
    Ok(Directory {
        shop,
        agents,
        teams,
        tags,
        channels: names,
        members,
        own_server,
        own_addresses,
        schedule,
        hours,
        targets,
        call_backs,
        approval,
        anger,
        spam,
    })
}

/// A typed column; the default where another version wrote something that this one cannot read.
fn typed<T: DeserializeOwned + Default>(stored: serde_json::Value, what: &str) -> T {
    serde_json::from_value(stored).unwrap_or_else(|error| {
        tracing::error!(%error, "{what} cannot be read");
        T::default()
    })
}

/// Changes when the desk is there.
pub async fn update_hours(db: &mut PgConnection, schedule: &Schedule) -> sqlx::Result<()> {
    let stored = serde_json::to_value(schedule).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query!("update desk set hours = $1", stored).execute(db).await?;
    Ok(())
}

/// Changes how soon the desk means to answer.
pub async fn update_targets(db: &mut PgConnection, targets: &Targets) -> sqlx::Result<()> {
    let stored = serde_json::to_value(targets).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query!("update desk set targets = $1", stored).execute(db).await?;
    Ok(())
}

/// Changes whose public answers need a second person.
pub async fn update_approval(db: &mut PgConnection, rules: &approvals::Rules) -> sqlx::Result<()> {
    let stored = serde_json::to_value(rules).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query!("update desk set approval = $1", stored).execute(db).await?;
    Ok(())
}

/// Changes what counts as anger, and when it rings again.
pub async fn update_anger(db: &mut PgConnection, settings: &anger::Settings) -> sqlx::Result<()> {
    let stored = serde_json::to_value(settings).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query!("update desk set anger = $1", stored).execute(db).await?;
    Ok(())
}

/// Changes what the shop is called and how it looks.
pub async fn update_shop(db: &mut sqlx::PgConnection, shop: &Shop) -> sqlx::Result<()> {
    sqlx::query!(
        "update desk set shop_name = $1, time_zone = $2, language = $3, accent = $4",
        shop.shop_name,
        shop.time_zone,
        shop.language,
        shop.accent
    )
    .execute(db)
    .await?;
    Ok(())
}
