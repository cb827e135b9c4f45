//! What contact forms ask of the desk besides its verbs.

use sqlx::PgConnection;

use crate::ids::{ChannelId, MessageId, TeamId, TicketId};

/// The message that came with this id on this channel, and its ticket; `None`: it has not come yet.
pub async fn find_sent(db: &mut PgConnection, channel: ChannelId, provider_id: &str) -> sqlx::Result<Option<(TicketId, MessageId)>> {
    let row = sqlx::query!("select ticket_id, id from messages where channel_id = $1 and provider_id = $2", channel.0, provider_id)
        .fetch_optional(db)
        .await?;
    Ok(row.map(|row| (row.ticket_id, row.id)))
}

/// Whether there is such a team; forms outlive teams.
pub async fn team_exists(db: &mut PgConnection, id: TeamId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select exists (select from teams where id = $1) as "exists!""#, id.0).fetch_one(db).await
}

/// A form in the list of forms.
#[derive(Debug, Clone)]
pub struct FormRow {
    pub id: ChannelId,
    pub name: String,
    pub address: String,
    pub team_id: Option<TeamId>,
    pub enabled: bool,
    /// Messages of the last seven days, of the newest few thousand tickets.
    pub last_week: i64,
}

/// Every form by name.
pub async fn list(db: &mut PgConnection) -> sqlx::Result<Vec<FormRow>> {
    sqlx::query_as!(
        FormRow,
        r#"with recent as (select channel_id, created_at from tickets order by id desc limit 5000)
           select c.id, c.name, coalesce(c.address, '') as "address!", c.team_id, c.enabled,
                  (select count(*) from recent r where r.channel_id = c.id and r.created_at > now() - interval '7 days') as "last_week!"
           from channels c where c.kind = 'form' order by lower(c.name) limit 200"#
    )
    .fetch_all(db)
    .await
}
