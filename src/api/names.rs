//! `/me`, `/agents`, `/teams`, `/tags`, `/channels`: what numbers elsewhere stand for. Read only.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::ErrorBody;
use crate::api::error::Result;
use crate::api::extract::Caller;
use crate::api::input::List;
use crate::api::tickets::Tag;
use crate::app::App;
use crate::clock::Ts;
use crate::desk::kinds::{ChannelKind, Role};
use crate::desk::{agents, channels, directory};
use crate::ids::{AgentId, ChannelId, TeamId};

/// The routes of names.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(me))
        .routes(routes!(list_agents))
        .routes(routes!(list_teams))
        .routes(routes!(list_tags))
        .routes(routes!(list_channels))
}

/// For whom the token acts.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    pub id: AgentId,
    pub name: String,
    pub email: String,
    pub role: Role,
}

/// Read who you are
#[utoipa::path(get, path = "/me", tag = "Desk", operation_id = "read_me",
    responses((status = 200, body = Me), (status = 401, description = "No token, or none that works.", body = ErrorBody),
        (status = 429, description = "Too many requests; Retry-After says how many seconds to wait.", body = ErrorBody)))]
async fn me(Caller(agent): Caller) -> Json<Me> {
    Json(Me { id: agent.id, name: agent.name, email: agent.email, role: agent.role })
}

/// Somebody of the desk.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeskAgent {
    pub id: AgentId,
    pub name: String,
    pub email: String,
    pub role: Role,
    /// False: has left, but still stands on what they wrote.
    pub active: bool,
}

/// List agents
#[utoipa::path(get, path = "/agents", tag = "Desk", operation_id = "list_agents", responses((status = 200, body = List<DeskAgent>)))]
async fn list_agents(State(app): State<App>, _: Caller) -> Result<Json<List<DeskAgent>>> {
    let mut db = app.db.acquire().await?;
    let people = agents::list(&mut db).await?;
    let data = people
        .into_iter()
        .map(|person| DeskAgent {
            id: person.id,
            name: person.name,
            email: person.email,
            role: person.role,
            active: person.disabled_at.is_none(),
        })
        .collect();
    Ok(Json(List::whole(data)))
}

/// A team.
#[derive(Debug, Serialize, ToSchema)]
pub struct Team {
    pub id: TeamId,
    pub name: String,
    pub agent_ids: Vec<AgentId>,
}

/// List teams
#[utoipa::path(get, path = "/teams", tag = "Desk", operation_id = "list_teams", responses((status = 200, body = List<Team>)))]
async fn list_teams(State(app): State<App>, _: Caller) -> Result<Json<List<Team>>> {
    let directory = directory::get(&app).await?;
    let members = |id: TeamId| directory.members.iter().filter(|(team, _)| *team == id).map(|(_, agent)| *agent).collect();
    let data = directory.teams.iter().map(|team| Team { id: team.id, name: team.name.clone(), agent_ids: members(team.id) }).collect();
    Ok(Json(List::whole(data)))
}

/// List tags
#[utoipa::path(get, path = "/tags", tag = "Desk", operation_id = "list_tags", responses((status = 200, body = List<Tag>)))]
async fn list_tags(State(app): State<App>, _: Caller) -> Result<Json<List<Tag>>> {
    let directory = directory::get(&app).await?;
    Ok(Json(List::whole(directory.tags.iter().map(|tag| Tag { id: tag.id, name: tag.name.clone() }).collect())))
}

/// A way in which customers reach the desk. Its settings and secrets stay with the desk.
#[derive(Debug, Serialize, ToSchema)]
pub struct Channel {
    pub id: ChannelId,
    pub kind: ChannelKind,
    pub name: String,
    /// Email: the mailbox's address; form: the last part of its URL.
    pub address: Option<String>,
    pub team_id: Option<TeamId>,
    pub language: Option<String>,
    pub enabled: bool,
    /// When it last worked.
    pub last_ok_at: Option<Ts>,
    /// Why it does not work, if it does not.
    pub last_error: Option<String>,
    pub last_error_at: Option<Ts>,
}

/// List channels
#[utoipa::path(get, path = "/channels", tag = "Desk", operation_id = "list_channels", responses((status = 200, body = List<Channel>)))]
async fn list_channels(State(app): State<App>, _: Caller) -> Result<Json<List<Channel>>> {
    let mut db = app.db.acquire().await?;
    let data = channels::list(&mut db)
        .await?
        .into_iter()
        .map(|channel| Channel {
            id: channel.id,
            kind: channel.kind,
            name: channel.name,
            address: channel.address,
            team_id: channel.team_id,
            language: channel.language,
            enabled: channel.enabled,
            last_ok_at: channel.last_ok_at,
            last_error: channel.last_error,
            last_error_at: channel.last_error_at,
        })
        .collect();
    Ok(Json(List::whole(data)))
}
