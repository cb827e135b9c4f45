//! Who is there. An agent wishes to be online, busy or away; whether they are there at all is told by the heartbeat of an open screen.

use serde::Serialize;
use sqlx::PgConnection;

use crate::clock::Ts;
use crate::desk::changes::Change;
use crate::desk::chats;
use crate::desk::kinds::{Role, Wish};
use crate::ids::AgentId;
use crate::jobs::Job;

/// An open screen says so every 20 s; after this many seconds without a word nobody is there.
pub const SILENCE: i64 = 50;
/// When a screen closes, another one of the same person has this many seconds to say that they are still there.
pub const CLOSING: i64 = 25;
/// Offers in a row that an agent may let pass before they count as away.
pub const MISSED: i32 = 2;

/// What an agent's own screen shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Standing {
    pub wish: Wish,
    /// The desk set them away because they let offers pass.
    pub sent_away: bool,
}

/// Somebody who leads.
#[derive(Debug, Clone, Copy)]
pub struct Leader {
    pub agent: AgentId,
    /// Their screen is open.
    pub there: bool,
}

/// Everybody who leads and can sign in.
pub async fn leads(db: &mut PgConnection, now: Ts) -> sqlx::Result<Vec<Leader>> {
    sqlx::query_as!(
        Leader,
        r#"select a.id as agent, coalesce(p.seen_at > $2, false) as "there!" from agents a left join presence p on p.agent_id = a.id
           where a.role >= $1 and a.disabled_at is null and a.password_hash is not null order by a.id limit 200"#,
        Role::Lead as Role,
        now.plus_seconds(-SILENCE) as Ts
    )
    .fetch_all(db)
    .await
}

/// Notes that an agent's screen is open.
pub async fn beat(change: &mut Change, agent: AgentId, now: Ts) -> sqlx::Result<Standing> {
    let row = sqlx::query!(
        r#"with before as (select seen_at from presence where agent_id = $1)
           insert into presence (agent_id, seen_at) values ($1, $2)
           on conflict (agent_id) do update set seen_at = greatest(presence.seen_at, excluded.seen_at)
           returning wish, sent_away, (select seen_at from before) as "before: Ts""#,
        agent.0,
        now as Ts
    )
    .fetch_one(&mut **change)
    .await?;
    if row.before.is_none_or(|before| now.seconds_since(before) >= SILENCE) {
        change.push(&Job::AgentLapse { agent }, now.plus_seconds(SILENCE)).await?;
        change.touch_floor();
        if row.wish == Wish::Online {
            chats::wake_queue(change).await?;
        }
    }
    Ok(Standing { wish: row.wish, sent_away: row.sent_away })
}

/// What the agent wishes to be from now on.
pub async fn set_wish(change: &mut Change, agent: AgentId, wish: Wish, now: Ts) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into presence (agent_id, wish, seen_at) values ($1, $2, $3)
         on conflict (agent_id) do update set wish = excluded.wish, sent_away = false, missed = 0",
        agent.0,
        wish as Wish,
        // Wishing is no heartbeat: that comes from the screen.
        now.plus_seconds(-SILENCE) as Ts
    )
    .execute(&mut **change)
    .await?;
    change.touch_floor();
    if wish == Wish::Online {
        chats::wake_queue(change).await?;
    }
    Ok(())
}

/// A screen closed. Nobody is there in `grace` seconds unless another screen says otherwise.
pub async fn leave(change: &mut Change, agent: AgentId, grace: i64, now: Ts) -> sqlx::Result<()> {
    let known = sqlx::query!(
        "update presence set seen_at = least(seen_at, $2) where agent_id = $1 and seen_at > $3",
        agent.0,
        now.plus_seconds(grace - SILENCE) as Ts,
        now.plus_seconds(-SILENCE) as Ts
    )
    .execute(&mut **change)
    .await?;
    if known.rows_affected() == 1 {
        change.push(&Job::AgentLapse { agent }, now.plus_seconds(grace)).await?;
    }
    Ok(())
}

/// Looks whether an agent fell silent; their chats then go to others. Comes back by itself for as long as they are there.
pub async fn lapse(change: &mut Change, agent: AgentId, now: Ts) -> sqlx::Result<()> {
    let seen = sqlx::query_scalar!(r#"select seen_at as "seen: Ts" from presence where agent_id = $1"#, agent.0)
        .fetch_optional(&mut **change)
        .await?;
    let Some(seen) = seen else { return Ok(()) };
    let end = seen.plus_seconds(SILENCE);
    if end > now {
        return change.push(&Job::AgentLapse { agent }, end).await;
    }
    change.touch_floor();
    chats::abandon(change, agent, now).await
}

/// What an agent's own screen shows; online until they say otherwise.
pub async fn standing(db: &mut PgConnection, agent: AgentId) -> sqlx::Result<Standing> {
    let row = sqlx::query!("select wish, sent_away from presence where agent_id = $1", agent.0).fetch_optional(db).await?;
    Ok(row.map_or(Standing { wish: Wish::Online, sent_away: false }, |row| Standing { wish: row.wish, sent_away: row.sent_away }))
}

/// Someone on the floor.
#[derive(Debug, Clone)]
pub struct OnDuty {
    pub agent: AgentId,
    pub name: String,
    pub wish: Wish,
    pub sent_away: bool,
    /// Whether they take chats at all, by their profile.
    pub takes_chats: bool,
    pub languages: Vec<String>,
    /// Chats in hand.
    pub chats: i64,
    /// Offers that ring now.
    pub ringing: i64,
    pub limit: i32,
    pub seen_at: Ts,
}

impl OnDuty {
    /// Whether a chat may ring here now.
    pub fn is_free(&self) -> bool {
        self.wish == Wish::Online && self.takes_chats && self.chats + self.ringing < i64::from(self.limit)
    }

    /// Whether they speak the language, as far as they said.
    pub fn speaks(&self, language: Option<&str>) -> bool {
        self.languages.is_empty() || language.is_none_or(|language| self.languages.iter().any(|own| own == language))
    }
}

/// Everyone whose screen is open, by name.
pub async fn floor(db: &mut PgConnection, now: Ts) -> sqlx::Result<Vec<OnDuty>> {
    sqlx::query_as!(
        OnDuty,
        r#"select p.agent_id as agent, a.name, p.wish, p.sent_away, a.takes_chats, a.languages, a.chat_limit as "limit", p.seen_at as "seen_at: Ts",
                  coalesce(c.held, 0) as "chats!", coalesce(o.ringing, 0) as "ringing!"
           from presence p join agents a on a.id = p.agent_id
           left join (select agent_id, count(*) as held from chats where state = 'active' group by agent_id) c on c.agent_id = a.id
           left join (select agent_id, count(*) as ringing from chat_offers where outcome is null group by agent_id) o on o.agent_id = a.id
           where a.disabled_at is null and p.seen_at > $1 order by lower(a.name), a.id limit 1000"#,
        now.plus_seconds(-SILENCE) as Ts
    )
    .fetch_all(db)
    .await
}
