//! Teams and tags: the two ways in which a desk sorts its work.

use sqlx::PgConnection;

use crate::desk::hours::Schedule;
use crate::ids::{AgentId, TagId, TeamId};

/// Makes a team. Fails on `teams_name_key`.
pub async fn create(db: &mut PgConnection, name: &str) -> sqlx::Result<TeamId> {
    sqlx::query_scalar!(r#"insert into teams (name) values ($1) returning id as "id: TeamId""#, name).fetch_one(db).await
}

/// Renames a team. Fails on `teams_name_key`.
pub async fn rename(db: &mut PgConnection, id: TeamId, name: &str) -> sqlx::Result<bool> {
    let done = sqlx::query!("update teams set name = $2 where id = $1", id.0, name).execute(db).await?;
    Ok(done.rows_affected() == 1)
}

/// Changes when a team is there; `None`: when the desk is.
pub async fn set_hours(db: &mut PgConnection, id: TeamId, schedule: Option<&Schedule>) -> sqlx::Result<bool> {
    let stored = schedule.map(serde_json::to_value).transpose().map_err(|error| sqlx::Error::Encode(error.into()))?;
    let done = sqlx::query!("update teams set hours = $2 where id = $1", id.0, stored).execute(db).await?;
    Ok(done.rows_affected() == 1)
}

/// Removes a team; its tickets belong to none.
pub async fn delete(db: &mut PgConnection, id: TeamId) -> sqlx::Result<bool> {
    let done = sqlx::query!("delete from teams where id = $1", id.0).execute(db).await?;
    Ok(done.rows_affected() == 1)
}

/// Makes these agents the members of a team.
pub async fn set_members(db: &mut PgConnection, id: TeamId, agents: &[AgentId]) -> sqlx::Result<()> {
    let agents: Vec<i64> = agents.iter().map(|id| id.0).collect();
    sqlx::query!("delete from team_members where team_id = $1 and agent_id <> all($2)", id.0, &agents).execute(&mut *db).await?;
    sqlx::query!(
        "insert into team_members (team_id, agent_id) select $1, id from agents where id = any($2) on conflict do nothing",
        id.0,
        &agents
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Makes an agent a member of these teams and no others.
pub async fn set_teams_of(db: &mut PgConnection, agent: AgentId, teams: &[TeamId]) -> sqlx::Result<()> {
    let teams: Vec<i64> = teams.iter().map(|id| id.0).collect();
    sqlx::query!("delete from team_members where agent_id = $1 and team_id <> all($2)", agent.0, &teams).execute(&mut *db).await?;
    sqlx::query!(
        "insert into team_members (team_id, agent_id) select id, $1 from teams where id = any($2) on conflict do nothing",
        agent.0,
        &teams
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The tag of this name, whatever its case; made if there is none.
pub async fn ensure_tag(db: &mut PgConnection, name: &str) -> sqlx::Result<TagId> {
    let known = sqlx::query_scalar!("select id from tags where lower(name) = lower($1)", name).fetch_optional(&mut *db).await?;
    if let Some(id) = known {
        return Ok(id);
    }
    sqlx::query_scalar!(
        r#"insert into tags (name) values ($1) on conflict (lower(name)) do update set name = tags.name returning id as "id: TagId""#,
        name
    )
    .fetch_one(db)
    .await
}

/// The tag of this name, whatever its case.
pub async fn find_tag(db: &mut PgConnection, name: &str) -> sqlx::Result<Option<TagId>> {
    sqlx::query_scalar!("select id from tags where lower(name) = lower($1)", name).fetch_optional(db).await
}

/// Renames a tag. Fails on `tags_name_key`.
pub async fn rename_tag(db: &mut PgConnection, id: TagId, name: &str) -> sqlx::Result<bool> {
    let done = sqlx::query!("update tags set name = $2 where id = $1", id.0, name).execute(db).await?;
    Ok(done.rows_affected() == 1)
}

/// Removes a tag from everything.
pub async fn delete_tag(db: &mut PgConnection, id: TagId) -> sqlx::Result<bool> {
    sqlx::query!(
        "update tickets set tag_ids = array_remove(tag_ids, $1) where id in (select ticket_id from ticket_tags where tag_id = $1)",
        id.0
    )
    .execute(&mut *db)
    .await?;
    let done = sqlx::query!("delete from tags where id = $1", id.0).execute(db).await?;
    Ok(done.rows_affected() == 1)
}

/// The most that [`tag_usage`] and [`impact`] count to: beyond it a page says "1000+".
pub const COUNT_CAP: i64 = 1000;

/// How many tickets carry each tag, counted to [`COUNT_CAP`].
pub async fn tag_usage(db: &mut PgConnection) -> sqlx::Result<Vec<(TagId, i64)>> {
    let rows = sqlx::query!(
        r#"select t.id, (select count(*) from (select 1 from ticket_tags x where x.tag_id = t.id limit $1) c) as "count!"
           from tags t order by t.id limit 5000"#,
        COUNT_CAP
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.count)).collect())
}

/// What hangs on a team and changes when it goes.
#[derive(Debug, Clone, Copy)]
pub struct Impact {
    /// Open and pending, counted to [`COUNT_CAP`].
    pub tickets: i64,
    pub members: i64,
    pub channels: i64,
    /// Canned replies that only this team may use: they go with it.
    pub canned: i64,
}

/// What deleting a team would do.
pub async fn impact(db: &mut PgConnection, id: TeamId) -> sqlx::Result<Impact> {
    sqlx::query_as!(
        Impact,
        r#"select (select count(*) from (select 1 from tickets where team_id = $1 and status in ('open', 'pending') limit $2) t) as "tickets!",
                  (select count(*) from team_members where team_id = $1) as "members!",
                  (select count(*) from channels where team_id = $1) as "channels!",
                  (select count(*) from canned_replies where team_id = $1) as "canned!""#,
        id.0,
        COUNT_CAP
    )
    .fetch_one(db)
    .await
}

/// Makes a tag. Fails on `tags_name_key`.
pub async fn create_tag(db: &mut PgConnection, name: &str) -> sqlx::Result<TagId> {
    sqlx::query_scalar!(r#"insert into tags (name) values ($1) returning id as "id: TagId""#, name).fetch_one(db).await
}
