//! Names that every page needs: people, teams, tags, channels, the shop. Read once and kept until they change.

use std::sync::Arc;

use crate::app::App;
use crate::desk::channels;
use crate::desk::kinds::ChannelKind;
use crate::ids::{AgentId, ChannelId, TagId, TeamId};

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
}

/// A team.
#[derive(Debug, Clone)]
pub struct TeamName {
    pub id: TeamId,
    pub name: String,
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
}

impl Directory {
    /// The agent's name, or a word for one that is not known yet.
    pub fn agent(&self, id: AgentId) -> &str {
        self.agents.iter().find(|agent| agent.id == id).map_or("Someone", |agent| &agent.name)
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

    /// The addresses of our own mailboxes, in lower case.
    pub fn mailboxes(&self) -> Vec<String> {
        let mailboxes = self.channels.iter().filter(|channel| channel.kind == ChannelKind::Email);
        mailboxes.filter_map(|channel| channel.address.as_ref().map(|address| address.to_lowercase())).collect()
    }

    /// The teams that an agent belongs to.
    pub fn teams_of(&self, agent: AgentId) -> Vec<TeamId> {
        self.members.iter().filter(|(_, member)| *member == agent).map(|(team, _)| *team).collect()
    }
}

/// The directory, at most half a minute old; after a change in any process, fresh.
pub async fn get(app: &App) -> sqlx::Result<Arc<Directory>> {
    const KEY: &str = "directory";
    if let Some(known) = app.cache.get(KEY).await
        && let Ok(directory) = known.downcast::<Directory>()
    {
        return Ok(directory);
    }
    let directory = Arc::new(read(app).await?);
    app.cache.insert(KEY, directory.clone()).await;
    Ok(directory)
}

async fn read(app: &App) -> sqlx::Result<Directory> {
    let mut db = app.db.acquire().await?;
    let shop = sqlx::query_as!(Shop, "select shop_name, time_zone, language, accent from desk").fetch_one(&mut *db).await?;
    let agents = sqlx::query_as!(
        AgentName,
        r#"select id, name, email, disabled_at is null as "active!" from agents order by lower(name), id limit 5000"#
    )
    .fetch_all(&mut *db)
    .await?;
    let teams = sqlx::query_as!(TeamName, "select id, name from teams order by lower(name) limit 500").fetch_all(&mut *db).await?;
    let tags = sqlx::query_as!(TagName, "select id, name from tags order by lower(name) limit 5000").fetch_all(&mut *db).await?;
    let names = sqlx::query_as!(ChannelName, "select id, kind, name, address from channels order by kind, lower(name) limit 500")
        .fetch_all(&mut *db)
        .await?;
    let members = sqlx::query!("select team_id, agent_id from team_members limit 20000").fetch_all(&mut *db).await?;
    let members = members.into_iter().map(|row| (row.team_id, row.agent_id)).collect();
    let own_server = channels::any_own_server(&mut db).await?;
    Ok(Directory { shop, agents, teams, tags, channels: names, members, own_server })
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
