//! What ends a letter: a few lines of whoever writes and of the mailbox, in the customer's language. They are put below the words when
//! the letter is queued, and never into what is kept as its text.

use sqlx::PgConnection;

use crate::desk::canned::Variables;
use crate::ids::{AgentId, ChannelId};

/// The longest one, in characters.
pub const MAX: usize = 1000;

/// Whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    Agent(AgentId),
    Mailbox(ChannelId),
}

/// The words in one language; empty: every language that has no words of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    pub language: String,
    pub body: String,
}

/// The signatures of an agent or a mailbox, by language. Those of an agent for every other language are in their profile.
pub async fn list(db: &mut PgConnection, owner: Owner) -> sqlx::Result<Vec<Signature>> {
    let (agent, channel) = ids(owner);
    sqlx::query_as!(
        Signature,
        "select language, body from signatures where agent_id = $1 or channel_id = $2 order by language limit 50",
        agent,
        channel
    )
    .fetch_all(db)
    .await
}

/// Changes one; empty words take it away.
pub async fn set(db: &mut PgConnection, owner: Owner, language: &str, body: &str) -> sqlx::Result<()> {
    let (agent, channel) = ids(owner);
    let body = body.trim_end();
    sqlx::query!("delete from signatures where (agent_id = $1 or channel_id = $2) and language = $3", agent, channel, language)
        .execute(&mut *db)
        .await?;
    if !body.trim().is_empty() {
        sqlx::query!(
            "insert into signatures (agent_id, channel_id, language, body) values ($1, $2, $3, $4)",
            agent,
            channel,
            language,
            body
        )
        .execute(db)
        .await?;
    }
    Ok(())
}

const fn ids(owner: Owner) -> (Option<i64>, Option<i64>) {
    match owner {
        Owner::Agent(id) => (Some(id.0), None),
        Owner::Mailbox(id) => (None, Some(id.0)),
    }
}

/// What ends a letter that this agent writes from this mailbox in this language: the agent's own words, then the mailbox's; each in the
/// language if it has that, else in its words for every other.
pub async fn of(db: &mut PgConnection, agent: AgentId, mailbox: ChannelId, language: Option<&str>) -> sqlx::Result<String> {
    let language = language.unwrap_or_default();
    let row = sqlx::query!(
        r#"select a.name, d.shop_name,
                  coalesce((select body from signatures where agent_id = a.id and language = $3), a.signature) as "own!",
                  coalesce((select body from signatures where channel_id = $2 and language in ($3, '') order by language desc limit 1), '') as "mailbox!"
           from agents a, desk d where a.id = $1"#,
        agent.0,
        mailbox.0,
        language
    )
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(String::new()) };
    Ok(join(&row.name, &row.shop_name, &row.own, &row.mailbox))
}

/// The two put together, with their variables filled. Words that both end with are said once.
pub fn join(agent_name: &str, shop_name: &str, own: &str, mailbox: &str) -> String {
    let variables = Variables { agent_name: agent_name.to_owned(), shop_name: shop_name.to_owned(), ..Variables::default() };
    let (own, mailbox) = (variables.fill(own.trim()), variables.fill(mailbox.trim()));
    match (&*own, &*mailbox) {
        ("", only) | (only, "") => only.to_owned(),
        (own, mailbox) if own == mailbox || own.ends_with(&format!("\n{mailbox}")) => own.to_owned(),
        (own, mailbox) => format!("{own}\n{mailbox}"),
    }
}

#[cfg(test)]
mod tests {
    use super::join;

    #[test]
    fn each_is_said_once() {
        assert_eq!(join("Bea", "Ginestra", "{{agent.name}}", "{{shop.name}}, Ascoli"), "Bea\nGinestra, Ascoli");
        assert_eq!(join("Bea", "Ginestra", "Bea\nGinestra", "{{shop.name}}"), "Bea\nGinestra");
        assert_eq!(join("Bea", "Ginestra", "", "{{agent.name}}"), "Bea");
        assert_eq!(join("Bea", "Ginestra", "", ""), "");
    }
}
