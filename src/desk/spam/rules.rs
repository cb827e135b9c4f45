//! Senders who are always let in, or never.

use std::collections::HashMap;

use sqlx::PgConnection;

use crate::clock::Ts;
use crate::desk::cursors::{self, Cursor};
use crate::ids::{AgentId, SenderRuleId};

/// What somebody reads whose rule finds no place any more.
pub const FULL: &str = "The list is full: take out senders of long ago first.";
/// The most rules that a desk keeps.
const MAX_RULES: i64 = 20_000;
/// The longest address or domain, in bytes.
const MAX_PATTERN: usize = 254;

/// A rule as it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub id: SenderRuleId,
    pub pattern: String,
    pub allowed: bool,
}

/// All rules, ready to be asked.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    by_pattern: HashMap<String, (SenderRuleId, bool)>,
}

impl Rules {
    /// Reads them all.
    pub async fn load(db: &mut PgConnection) -> sqlx::Result<Self> {
        let rows = sqlx::query!("select id, pattern, allowed from sender_rules order by id limit $1", MAX_RULES).fetch_all(db).await?;
        Ok(Self { by_pattern: rows.into_iter().map(|row| (row.pattern, (row.id, row.allowed))).collect() })
    }

    /// The rule about a sender: of the address itself, else of the nearest domain.
    pub fn find(&self, address: &str) -> Option<Known> {
        let address = address.trim().to_lowercase();
        let domain = address.rsplit_once('@').map(|(_, domain)| domain)?;
        let above = std::iter::successors(Some(domain), |domain| domain.split_once('.').map(|(_, rest)| rest)).take(12);
        std::iter::once(&*address).chain(above).find_map(|pattern| {
            let (id, allowed) = self.by_pattern.get(pattern)?;
            Some(Known { id: *id, pattern: pattern.to_owned(), allowed: *allowed })
        })
    }
}

/// Why something is no address and no domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    #[error("Enter an address like anna@example.com, or a domain like example.com.")]
    Shape,
    #[error("That would be everybody: enter more of the domain.")]
    Everybody,
}

/// What somebody typed, as a rule is kept: `@Example.com`, `*@example.com` and `example.com` are the same.
pub fn pattern(typed: &str) -> Result<String, Unusable> {
    let typed = typed.trim().to_lowercase();
    let typed = typed.strip_prefix("*@").or_else(|| typed.strip_prefix('@')).or_else(|| typed.strip_prefix("*.")).unwrap_or(&typed);
    let (local, domain) = typed.rsplit_once('@').map_or((None, typed), |(local, domain)| (Some(local), domain));
    let is_label = |label: &str| {
        !label.is_empty()
            && label.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if typed.len() > MAX_PATTERN || !domain.split('.').all(is_label) {
        return Err(Unusable::Shape);
    }
    if local.is_some_and(|local| local.is_empty() || local.contains(|c: char| c.is_whitespace() || c.is_control() || c == '@')) {
        return Err(Unusable::Shape);
    }
    if local.is_none() && !domain.contains('.') {
        return Err(Unusable::Everybody);
    }
    Ok(typed.to_owned())
}

/// Adds a rule, or turns the one that is there. `false`: the list is full.
pub async fn set(db: &mut PgConnection, agent: AgentId, pattern: &str, let_in: bool) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into sender_rules (pattern, allowed, agent_id)
         select $1, $2, $3 where exists (select from sender_rules where pattern = $1) or (select count(*) from sender_rules) < $4
         on conflict (pattern) do update set allowed = excluded.allowed, agent_id = excluded.agent_id, created_at = now(), hits = 0, last_hit_at = null",
        pattern,
        let_in,
        agent.0,
        MAX_RULES
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes a rule away; what it was, if there was one.
pub async fn remove(db: &mut PgConnection, id: SenderRuleId) -> sqlx::Result<Option<(String, bool)>> {
    let gone = sqlx::query!("delete from sender_rules where id = $1 returning pattern, allowed", id.0).fetch_optional(db).await?;
    Ok(gone.map(|row| (row.pattern, row.allowed)))
}

/// It has decided about a message.
pub async fn note_hit(db: &mut PgConnection, id: SenderRuleId) -> sqlx::Result<()> {
    sqlx::query!("update sender_rules set hits = hits + 1, last_hit_at = now() where id = $1", id.0).execute(db).await?;
    Ok(())
}

/// A rule as it is shown.
#[derive(Debug, Clone)]
pub struct Rule {
    pub id: SenderRuleId,
    pub pattern: String,
    pub allowed: bool,
    pub agent: Option<AgentId>,
    pub hits: i64,
    pub last_hit_at: Option<Ts>,
}

/// A page of rules, the newest first, with a piece of the pattern if one is given; and the id from which the next page goes on.
pub async fn page(
    db: &mut PgConnection,
    let_in: bool,
    piece: &str,
    before: Option<SenderRuleId>,
    limit: usize,
) -> sqlx::Result<(Vec<Rule>, Option<SenderRuleId>)> {
    let mut rules = sqlx::query_as!(
        Rule,
        r#"select id, pattern, allowed, agent_id as agent, hits, last_hit_at from sender_rules
           where allowed = $1 and ($2 = '' or strpos(pattern, lower($2)) > 0) and ($3::bigint is null or id < $3) order by id desc limit $4"#,
        let_in,
        piece.trim(),
        before.map(|id| id.0),
        i64::try_from(limit + 1).unwrap_or(i64::MAX)
    )
    .fetch_all(db)
    .await?;
    let next = cursors::cut(&mut rules, limit, |last| Cursor::new(None, last.id));
    Ok((rules, next.map(|cursor| cursor.id)))
}

/// How many there are: allowed, blocked.
pub async fn count(db: &mut PgConnection) -> sqlx::Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"select count(*) filter (where allowed) as "allowed!", count(*) filter (where not allowed) as "blocked!" from sender_rules"#
    )
    .fetch_one(db)
    .await?;
    Ok((row.allowed, row.blocked))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_becomes_an_address_or_a_domain() {
        for (typed, kept) in [
            (" Anna@Example.COM ", "anna@example.com"),
            ("@example.com", "example.com"),
            ("*@example.com", "example.com"),
            ("*.example.com", "example.com"),
            ("müller.example", "müller.example"),
        ] {
            assert_eq!(pattern(typed).as_deref(), Ok(kept), "{typed}");
        }
        for typed in ["", "a b@example.com", "@", "exa mple.com", "a@b@", "-x.com"] {
            assert_eq!(pattern(typed), Err(Unusable::Shape), "{typed}");
        }
        assert_eq!(pattern("com"), Err(Unusable::Everybody));
    }

    #[test]
    fn the_nearest_rule_counts() {
        let known = [("example.com", 1, false), ("good.example.com", 2, true), ("bad@good.example.com", 3, false)];
        let rules = Rules { by_pattern: known.map(|(pattern, id, allowed)| (pattern.to_owned(), (SenderRuleId(id), allowed))).into() };
        let found = |address: &str| rules.find(address).map(|rule| (rule.id.0, rule.allowed));
        assert_eq!(found("x@mail.Example.com"), Some((1, false)));
        assert_eq!(found("x@good.example.com"), Some((2, true)));
        assert_eq!(found("BAD@good.example.com"), Some((3, false)));
        assert_eq!(found("x@notexample.com"), None);
        assert_eq!(found("nobody"), None);
    }
}
