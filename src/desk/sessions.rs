//! Remembered sign-ins, and the brake on guessing passwords.

use sqlx::PgConnection;

use crate::clock::Ts;
use crate::desk::agents::Agent;
use crate::ids::{AgentId, ApiTokenId, SessionId};
use crate::secrets;

/// How long a session is remembered without being used, in days.
pub const SESSION_DAYS: i32 = 30;
/// Failed sign-ins per address, and per network, before a pause begins.
const FREE_FAILURES: i32 = 5;

/// Opens a session and returns the token for the cookie.
pub async fn open(db: &mut PgConnection, agent: AgentId, user_agent: &str, ip: &str) -> sqlx::Result<String> {
    let token = secrets::token();
    sqlx::query!(
        "insert into sessions (agent_id, token_hash, user_agent, ip, expires_at) values ($1, $2, left($3, 300), $4, now() + make_interval(days => $5))",
        agent.0,
        secrets::hash(&token),
        user_agent,
        ip,
        SESSION_DAYS
    )
    .execute(db)
    .await?;
    Ok(token)
}

/// Who is signed in with this cookie.
pub async fn find(db: &mut PgConnection, token: &str) -> sqlx::Result<Option<Agent>> {
    let row = sqlx::query!(
        r#"select s.id as "session: SessionId", a.id, a.email, a.name, a.role, a.signature, s.last_seen_at < now() - interval '10 minutes' as "stale!"
           from sessions s join agents a on a.id = s.agent_id
           where s.token_hash = $1 and s.expires_at > now() and a.disabled_at is null"#,
        secrets::hash(token)
    )
    .fetch_optional(&mut *db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    if row.stale {
        sqlx::query!(
            "update sessions set last_seen_at = now(), expires_at = now() + make_interval(days => $2) where id = $1",
            row.session.0,
            SESSION_DAYS
        )
        .execute(db)
        .await?;
    }
    Ok(Some(Agent { id: row.id, email: row.email, name: row.name, role: row.role, signature: row.signature, session: Some(row.session) }))
}

/// A session as its owner sees it.
#[derive(Debug, Clone)]
pub struct Session {
    pub id: SessionId,
    pub user_agent: String,
    pub ip: String,
    pub created_at: Ts,
    pub last_seen_at: Ts,
}

/// The sessions of an agent, the latest used first.
pub async fn list(db: &mut PgConnection, agent: AgentId) -> sqlx::Result<Vec<Session>> {
    sqlx::query_as!(
        Session,
        "select id, user_agent, ip, created_at, last_seen_at from sessions where agent_id = $1 and expires_at > now()
         order by last_seen_at desc limit 100",
        agent.0
    )
    .fetch_all(db)
    .await
}

/// When each agent was last here, as far as their sessions still tell.
pub async fn last_seen(db: &mut PgConnection) -> sqlx::Result<Vec<(AgentId, Ts)>> {
    let rows =
        sqlx::query!(r#"select agent_id, max(last_seen_at) as "at!: Ts" from sessions group by agent_id limit 5000"#).fetch_all(db).await?;
    Ok(rows.into_iter().map(|row| (row.agent_id, row.at)).collect())
}

/// Whether any session of an agent but `except` was used within the last quarter of an hour: its screen may be open.
pub async fn any_alive(db: &mut PgConnection, agent: AgentId, except: SessionId) -> sqlx::Result<bool> {
    // A session in use is noted every ten minutes.
    sqlx::query_scalar!(
        r#"select exists (select from sessions where agent_id = $1 and id <> $2 and expires_at > now()
                          and last_seen_at > now() - interval '15 minutes') as "any!""#,
        agent.0,
        except.0
    )
    .fetch_one(db)
    .await
}

/// Ends one of an agent's sessions.
pub async fn revoke(db: &mut PgConnection, agent: AgentId, id: SessionId) -> sqlx::Result<bool> {
    let gone = sqlx::query!("delete from sessions where id = $1 and agent_id = $2", id.0, agent.0).execute(db).await?;
    Ok(gone.rows_affected() == 1)
}

/// Ends all of an agent's sessions but this one.
pub async fn revoke_others(db: &mut PgConnection, agent: AgentId, keep: SessionId) -> sqlx::Result<u64> {
    let gone = sqlx::query!("delete from sessions where agent_id = $1 and id <> $2", agent.0, keep.0).execute(db).await?;
    Ok(gone.rows_affected())
}

/// Seconds until a sign-in for any of these keys (an address, a network) may be tried; 0 when now.
pub async fn blocked_seconds(db: &mut PgConnection, keys: &[String]) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select coalesce(ceil(max(extract(epoch from blocked_until - now()))), 0)::bigint as "seconds!" from sign_in_failures
           where key = any($1) and blocked_until > now()"#,
        keys
    )
    .fetch_one(db)
    .await
}

/// Counts a failure. From the sixth in a row each one doubles the pause, from 2 seconds to 15 minutes; an hour of peace forgets them.
pub async fn note_failure(db: &mut PgConnection, keys: &[String]) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into sign_in_failures as f (key, failures) select unnest($1::text[]), 1
         on conflict (key) do update set
            failures = case when f.last_failed_at < now() - interval '1 hour' then 1 else f.failures + 1 end,
            last_failed_at = now(),
            blocked_until = case when f.last_failed_at >= now() - interval '1 hour' and f.failures >= $2
                then now() + make_interval(secs => least(900, 2 ^ least(f.failures - $2 + 1, 10))) end",
        keys,
        FREE_FAILURES
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets the failures of an address after it has signed in.
pub async fn clear_failures(db: &mut PgConnection, key: &str) -> sqlx::Result<()> {
    sqlx::query!("delete from sign_in_failures where key = $1", key).execute(db).await?;
    Ok(())
}

/// A token for the API, as its page lists it.
#[derive(Debug, Clone)]
pub struct ApiToken {
    pub id: ApiTokenId,
    pub name: String,
    pub agent_name: String,
    pub last_used_at: Option<Ts>,
    pub revoked_at: Option<Ts>,
    pub created_at: Ts,
}

/// Makes a token for the API; its text is shown this once.
pub async fn create_api_token(db: &mut PgConnection, name: &str, agent: AgentId) -> sqlx::Result<String> {
    let token = format!("spo_{}", secrets::token());
    sqlx::query!("insert into api_tokens (name, token_hash, agent_id) values ($1, $2, $3)", name, secrets::hash(&token), agent.0)
        .execute(db)
        .await?;
    Ok(token)
}

/// The API tokens, newest first.
pub async fn api_tokens(db: &mut PgConnection) -> sqlx::Result<Vec<ApiToken>> {
    sqlx::query_as!(
        ApiToken,
        "select t.id, t.name, a.name as agent_name, t.last_used_at, t.revoked_at, t.created_at
         from api_tokens t join agents a on a.id = t.agent_id order by t.id desc limit 500"
    )
    .fetch_all(db)
    .await
}

/// Makes an API token useless.
pub async fn revoke_api_token(db: &mut PgConnection, id: ApiTokenId) -> sqlx::Result<bool> {
    let done = sqlx::query!("update api_tokens set revoked_at = now() where id = $1 and revoked_at is null", id.0).execute(db).await?;
    Ok(done.rows_affected() == 1)
}

/// For whom an API token acts.
pub async fn find_api_token(db: &mut PgConnection, token: &str) -> sqlx::Result<Option<Agent>> {
    let row = sqlx::query!(
        r#"select t.id as "token: ApiTokenId", a.id, a.email, a.name, a.role, a.signature,
                  t.last_used_at is null or t.last_used_at < now() - interval '5 minutes' as "stale!"
           from api_tokens t join agents a on a.id = t.agent_id
           where t.token_hash = $1 and t.revoked_at is null and a.disabled_at is null"#,
        secrets::hash(token)
    )
    .fetch_optional(&mut *db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    if row.stale {
        sqlx::query!("update api_tokens set last_used_at = now() where id = $1", row.token.0).execute(db).await?;
    }
    Ok(Some(Agent { id: row.id, email: row.email, name: row.name, role: row.role, signature: row.signature, session: None }))
}
