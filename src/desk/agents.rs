//! The people of the desk, and what each may do.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use sqlx::PgConnection;

use crate::clock::Ts;
use crate::desk::envelope::Address;
use crate::desk::kinds::{Role, TokenPurpose};
use crate::ids::{AgentId, SessionId};
use crate::secrets;
use crate::text::phones::{self, Party};

/// An agent who is signed in. A handler that takes one is open to every role.
#[derive(Debug, Clone)]
pub struct Agent {
    pub id: AgentId,
    pub email: String,
    pub name: String,
    pub role: Role,
    pub signature: String,
    /// The session they act in; none when an API token acts for them.
    pub session: Option<SessionId>,
}

/// An agent whose role is lead or admin.
#[derive(Debug, Clone)]
pub struct Lead(pub Agent);

/// An agent whose role is admin.
#[derive(Debug, Clone)]
pub struct Admin(pub Agent);

impl Agent {
    /// This agent as a lead, if they are one.
    pub fn lead(self) -> Option<Lead> {
        (self.role >= Role::Lead).then_some(Lead(self))
    }

    /// This agent as an admin, if they are one.
    pub fn admin(self) -> Option<Admin> {
        (self.role == Role::Admin).then_some(Admin(self))
    }
}

/// An agent as the list of people shows them.
#[derive(Debug, Clone)]
pub struct Person {
    pub id: AgentId,
    pub email: String,
    pub name: String,
    pub role: Role,
    pub signature: String,
    pub disabled_at: Option<Ts>,
    /// False while an invitation is open.
    pub has_password: bool,
    pub created_at: Ts,
}

impl From<Person> for Agent {
    /// Somebody who acts without having signed in: the desk does something in their name.
    fn from(person: Person) -> Self {
        Self { id: person.id, email: person.email, name: person.name, role: person.role, signature: person.signature, session: None }
    }
}

/// Everyone, by name.
pub async fn list(db: &mut PgConnection) -> sqlx::Result<Vec<Person>> {
    sqlx::query_as!(
        Person,
        r#"select id, email, name, role, signature, disabled_at, password_hash is not null as "has_password!", created_at
           from agents order by disabled_at is not null, lower(name), id limit 2000"#
    )
    .fetch_all(db)
    .await
}

/// One person.
pub async fn find(db: &mut PgConnection, id: AgentId) -> sqlx::Result<Option<Person>> {
    sqlx::query_as!(
        Person,
        r#"select id, email, name, role, signature, disabled_at, password_hash is not null as "has_password!", created_at
           from agents where id = $1"#,
        id.0
    )
    .fetch_optional(db)
    .await
}

/// One person by address, whatever its case.
pub async fn find_by_email(db: &mut PgConnection, email: &str) -> sqlx::Result<Option<Person>> {
    sqlx::query_as!(
        Person,
        r#"select id, email, name, role, signature, disabled_at, password_hash is not null as "has_password!", created_at
           from agents where lower(email) = lower($1)"#,
        email
    )
    .fetch_optional(db)
    .await
}

/// Whether anybody can sign in; until then the one-time link makes the first admin.
pub async fn any(db: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select exists (select from agents where password_hash is not null) as "any!""#).fetch_one(db).await
}

/// Holds the list of people until the transaction ends, for the one change that must not happen twice.
pub async fn lock_all(db: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("lock table agents in share row exclusive mode").execute(db).await?;
    Ok(())
}

/// Makes an agent who cannot sign in yet. Fails on `agents_email_key`.
pub async fn create(db: &mut PgConnection, email: &str, name: &str, role: Role) -> sqlx::Result<AgentId> {
    sqlx::query_scalar!(
        r#"insert into agents (email, name, role) values ($1, $2, $3) returning id as "id: AgentId""#,
        email,
        name,
        role as Role
    )
    .fetch_one(db)
    .await
}

/// Changes what an admin may change. Fails on `agents_email_key`.
pub async fn update(db: &mut PgConnection, id: AgentId, email: &str, name: &str, role: Role) -> sqlx::Result<bool> {
    let done = sqlx::query!("update agents set email = $2, name = $3, role = $4 where id = $1", id.0, email, name, role as Role)
        .execute(db)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Changes what a person may change about themselves.
pub async fn update_profile(db: &mut PgConnection, id: AgentId, name: &str, signature: &str) -> sqlx::Result<()> {
    sqlx::query!("update agents set name = $2, signature = $3 where id = $1", id.0, name, signature).execute(db).await?;
    Ok(())
}

/// How many chats at once an agent may choose to take.
pub const CHATS_AT_ONCE: std::ops::RangeInclusive<i32> = 1..=20;

/// How an agent takes chats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatHabits {
    pub takes_chats: bool,
    /// Within [`CHATS_AT_ONCE`]; further ones wait.
    pub chat_limit: i32,
    /// Two letters each; empty: any.
    pub languages: Vec<String>,
}

/// How an agent takes chats.
pub async fn chat_habits(db: &mut PgConnection, id: AgentId) -> sqlx::Result<Option<ChatHabits>> {
    sqlx::query_as!(ChatHabits, "select takes_chats, chat_limit, languages from agents where id = $1", id.0).fetch_optional(db).await
}

/// Changes how an agent takes chats. Whoever waits may fit in now: the caller wakes the queue. `false`: there is no such agent.
pub async fn set_chat_habits(db: &mut PgConnection, id: AgentId, habits: &ChatHabits) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update agents set takes_chats = $2, chat_limit = $3, languages = $4 where id = $1",
        id.0,
        habits.takes_chats,
        habits.chat_limit,
        &habits.languages
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The most extensions and telephone numbers of one person.
const NUMBERS: usize = 10;

/// Reads extensions and telephone numbers as somebody types them, with commas or lines between; numbers of the country may be short.
///
/// # Errors
/// In words for whoever typed them.
pub fn read_numbers(typed: &str, country: &str) -> Result<Vec<String>, String> {
    let mut numbers = Vec::new();
    for word in typed.split([',', ';', '\n']).map(str::trim).filter(|word| !word.is_empty()) {
        let number = match phones::parse(word, country) {
            Party::Number(number) => number,
            Party::Inside(word) if word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+._-".contains(&byte)) => word,
            Party::Inside(_) | Party::Anonymous => return Err(format!("“{word}” is neither an extension nor a telephone number.")),
        };
        if !numbers.contains(&number) {
            numbers.push(number);
        }
    }
    if numbers.len() > NUMBERS { Err(format!("At most {NUMBERS}, please.")) } else { Ok(numbers) }
}

/// Changes at which numbers somebody is reached.
pub async fn set_numbers(db: &mut PgConnection, id: AgentId, numbers: &[String]) -> sqlx::Result<()> {
    sqlx::query!("update agents set numbers = $2 where id = $1", id.0, numbers).execute(db).await?;
    Ok(())
}

/// How many admins can sign in: the last one can be neither disabled nor demoted.
pub async fn count_admins(db: &mut PgConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from agents where role = 'admin' and disabled_at is null and password_hash is not null"#
    )
    .fetch_one(db)
    .await
}

/// The admins who can sign in, to be written to.
pub async fn admins(db: &mut PgConnection) -> sqlx::Result<Vec<Address>> {
    sqlx::query_as!(
        Address,
        "select name, email as address from agents where role = 'admin' and disabled_at is null and password_hash is not null order by id limit 100"
    )
    .fetch_all(db)
    .await
}

/// Locks somebody out, ending their sessions and tokens, or lets them in again.
pub async fn set_disabled(db: &mut PgConnection, id: AgentId, disabled: bool) -> sqlx::Result<()> {
    sqlx::query!("update agents set disabled_at = case when $2 then coalesce(disabled_at, now()) end where id = $1", id.0, disabled)
        .execute(&mut *db)
        .await?;
    if disabled {
        sqlx::query!("delete from sessions where agent_id = $1", id.0).execute(&mut *db).await?;
        sqlx::query!("update api_tokens set revoked_at = coalesce(revoked_at, now()) where agent_id = $1", id.0).execute(db).await?;
    }
    Ok(())
}

/// Sets a password and ends every session but `keep`.
pub async fn set_password(db: &mut PgConnection, id: AgentId, password: &str, keep: Option<SessionId>) -> anyhow::Result<()> {
    let hash = hash_password(password).await?;
    sqlx::query!("update agents set password_hash = $2 where id = $1", id.0, hash).execute(&mut *db).await?;
    sqlx::query!("delete from sessions where agent_id = $1 and id <> $2", id.0, keep.map_or(0, |id| id.0)).execute(db).await?;
    Ok(())
}

/// Whether this is the person's password.
pub async fn is_password(db: &mut PgConnection, id: AgentId, password: &str) -> anyhow::Result<bool> {
    let hash = sqlx::query_scalar!("select password_hash from agents where id = $1", id.0).fetch_optional(db).await?.flatten();
    let Some(hash) = hash else { return Ok(false) };
    let password = password.to_owned();
    let verify = move || PasswordHash::new(&hash).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok());
    Ok(tokio::task::spawn_blocking(verify).await?)
}

/// Hashes a password on a thread of its own: it takes tens of milliseconds of processor time by design.
pub async fn hash_password(password: &str) -> anyhow::Result<String> {
    let password = password.to_owned();
    tokio::task::spawn_blocking(move || Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string()))
        .await?
        .map_err(|error| anyhow::anyhow!("cannot hash the password: {error}"))
}

/// Finds who signs in. Takes as long for an unknown address as for a wrong password.
pub async fn authenticate(db: &mut PgConnection, email: &str, password: &str) -> anyhow::Result<Option<AgentId>> {
    let row = sqlx::query!("select id, password_hash from agents where lower(email) = lower($1) and disabled_at is null", email)
        .fetch_optional(db)
        .await?;
    let (id, hash) = match row {
        Some(row) => (Some(row.id), row.password_hash),
        None => (None, None),
    };
    let password = password.to_owned();
    let known = hash.is_some();
    let hash = match hash {
        Some(hash) => hash,
        None => DECOY.to_owned(),
    };
    let right = tokio::task::spawn_blocking(move || {
        PasswordHash::new(&hash).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
    })
    .await?;
    Ok(id.filter(|_| known && right))
}

/// A hash of nothing anybody knows, with the cost of a real one.
const DECOY: &str = "$argon2id$v=19$m=19456,t=2,p=1$c3BvcnRlbGxvLWRlY295LXNhbHQ$2ln8bSRlGz0rHH8Gf0bH6pvjmM0sPqzP9xw1W0m9jXo";

/// Mints a one-time link's token; earlier ones of the purpose stop working.
pub async fn mint_token(db: &mut PgConnection, agent: AgentId, purpose: TokenPurpose, hours: i32) -> sqlx::Result<String> {
    let token = secrets::token();
    sqlx::query!(
        "update agent_tokens set used_at = now() where agent_id = $1 and purpose = $2 and used_at is null",
        agent.0,
        purpose as TokenPurpose
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "insert into agent_tokens (agent_id, purpose, token_hash, expires_at) values ($1, $2, $3, now() + make_interval(hours => $4))",
        agent.0,
        purpose as TokenPurpose,
        secrets::hash(&token),
        hours
    )
    .execute(db)
    .await?;
    Ok(token)
}

/// Whose link this is, as long as it works.
pub async fn peek_token(db: &mut PgConnection, token: &str) -> sqlx::Result<Option<(AgentId, TokenPurpose)>> {
    let row = sqlx::query!(
        "select t.agent_id, t.purpose from agent_tokens t join agents a on a.id = t.agent_id
         where t.token_hash = $1 and t.used_at is null and t.expires_at > now() and a.disabled_at is null",
        secrets::hash(token)
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| (row.agent_id, row.purpose)))
}

/// Uses a link up; of two who try at once one succeeds.
pub async fn use_token(db: &mut PgConnection, token: &str) -> sqlx::Result<Option<(AgentId, TokenPurpose)>> {
    let row = sqlx::query!(
        "update agent_tokens set used_at = now() where token_hash = $1 and used_at is null and expires_at > now() returning agent_id, purpose",
        secrets::hash(token)
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| (row.agent_id, row.purpose)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_decoy_costs_what_a_real_hash_costs() {
        let real = hash_password("correct horse").await.expect("hashes");
        let params = |hash: &str| hash.split('$').nth(3).map(str::to_owned);
        assert_eq!(params(&real), params(DECOY));
        assert!(PasswordHash::new(DECOY).is_ok());
    }
}
