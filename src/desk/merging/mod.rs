//! Customers who turn out to be one person: suggested by what they share, joined by an agent, and apart again if that was wrong.
//!
//! Joining moves tickets, addresses, browsers and calls to the contact that is kept. What was said stays under the name of whoever said it.

pub mod search;

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use crate::clock::Ts;
use crate::desk::changes::Change;
use crate::desk::contacts::{self, Contact};
use crate::desk::kinds::IdentityKind;
use crate::ids::{AgentId, ContactId, MergeId, TicketId};

/// The most that goes over in one step; nobody has so many tickets, and a loop must end.
const MOST: i64 = 20_000;
/// Suggestions shown beside a customer.
pub const SHOWN: i64 = 3;

/// Somebody who may be the same person, and why.
#[derive(Debug, Clone, Deserialize)]
pub struct Suggestion {
    pub other: ContactId,
    pub name: String,
    pub email: Option<String>,
    /// Where they wrote from first.
    pub kind: Option<IdentityKind>,
    pub reason: String,
    pub value: String,
}

impl Suggestion {
    /// The other's name, else address, else number, and where they write from.
    pub fn who(&self) -> String {
        match (&*self.name, &self.email, self.kind) {
            ("", Some(email), _) => email.clone(),
            ("", None, _) => format!("Customer {}", self.other),
            (name, _, Some(kind)) => format!("{name} ({})", kind.label()),
            (name, _, None) => name.to_owned(),
        }
    }

    /// What they share.
    pub fn words(&self) -> String {
        match &*self.reason {
            "email" => format!("both gave {}", self.value),
            "phone" => format!("both gave the number {}", self.value),
            "order" => format!("both speak of order {}", self.value),
            "picture" => "both have the same picture".to_owned(),
            _ => format!("both are called {}", self.value),
        }
    }
}

/// Who may be the same person as a contact.
pub async fn suggestions(db: &mut PgConnection, contact: ContactId) -> sqlx::Result<Vec<Suggestion>> {
    sqlx::query_as!(
        Suggestion,
        r#"select other as "other!: ContactId", name as "name!", email, kind as "kind: IdentityKind", reason as "reason!", value as "value!"
           from contact_twins where contact_id = $1 order by other limit $2"#,
        contact.0,
        SHOWN
    )
    .fetch_all(db)
    .await
}

/// They are two people: this is not suggested again.
pub async fn refuse(db: &mut PgConnection, agent: AgentId, one: ContactId, other: ContactId) -> sqlx::Result<()> {
    sqlx::query!(
        "update merge_suggestions set refused_at = now(), refused_by = $3 where contact_id = least($1::bigint, $2) and other_id = greatest($1::bigint, $2)",
        one.0,
        other.0,
        agent.0
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Why two contacts were not joined, or not taken apart.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    #[error("They are the same customer already.")]
    Same,
    #[error("One of the two has been merged with somebody in the meantime. Look again.")]
    Changed,
    #[error("A later merge builds on this one. Undo that first.")]
    BuiltUpon,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// How a contact was described.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Described {
    name: String,
    language: Option<String>,
    company: String,
    note: String,
}

impl Described {
    fn of(contact: &Contact) -> Self {
        let Contact { name, language, company, note, .. } = contact.clone();
        Self { name, language, company, note }
    }

    /// With what the other tells where this one is silent; notes stand one below the other.
    fn filled_from(&self, other: &Self) -> Self {
        let or = |own: &String, other: &String| if own.is_empty() { other.clone() } else { own.clone() };
        let note = match (&*self.note, &*other.note) {
            (own, "") => own.to_owned(),
            ("", other) => other.to_owned(),
            (own, other) if own == other => own.to_owned(),
            (own, other) => format!("{own}\n\n{other}"),
        };
        Self {
            name: or(&self.name, &other.name),
            language: self.language.clone().or_else(|| other.language.clone()),
            company: or(&self.company, &other.company),
            note,
        }
    }
}

/// Joins two contacts: what is `gone`'s becomes `kept`'s.
///
/// # Errors
/// See [`MergeError`]; nothing was moved then.
pub async fn merge(change: &mut Change, agent: AgentId, kept: ContactId, gone: ContactId) -> Result<MergeId, MergeError> {
    if kept == gone {
        return Err(MergeError::Same);
    }
    let (first, second) = (kept.min(gone), kept.max(gone));
    let free = sqlx::query_scalar!(
        r#"select count(*) as "count!" from (select id from contacts where id in ($1, $2) and merged_into is null order by id for update) found"#,
        first.0,
        second.0
    )
    .fetch_one(&mut **change)
    .await?;
    if free != 2 {
        return Err(MergeError::Changed);
    }
    let (own, others) = match (contacts::find(change, kept).await?, contacts::find(change, gone).await?) {
        (Some(own), Some(others)) => (Described::of(&own), Described::of(&others)),
        _ => return Err(MergeError::Changed),
    };
    let tickets = sqlx::query_scalar!(
        r#"update tickets set contact_id = $1, updated_at = now()
           where id in (select id from tickets where contact_id = $2 order by id desc limit $3) returning id as "id: i64""#,
        kept.0,
        gone.0,
        MOST
    )
    .fetch_all(&mut **change)
    .await?;
    let identities =
        sqlx::query_scalar!(r#"update identities set contact_id = $1 where contact_id = $2 returning id as "id: i64""#, kept.0, gone.0)
            .fetch_all(&mut **change)
            .await?;
    let visitors =
        sqlx::query_scalar!(r#"update visitors set contact_id = $1 where contact_id = $2 returning id as "id: i64""#, kept.0, gone.0)
            .fetch_all(&mut **change)
            .await?;
    let calls = sqlx::query_scalar!(r#"update calls set contact_id = $1 where contact_id = $2 returning id as "id: i64""#, kept.0, gone.0)
        .fetch_all(&mut **change)
        .await?;
    let whole = own.filled_from(&others);
    sqlx::query!(
        "update contacts k set name = $3, language = $4, company = $5, note = $6, picture = coalesce(k.picture, g.picture), updated_at = now()
         from contacts g where k.id = $1 and g.id = $2",
        kept.0,
        gone.0,
        whole.name,
        whole.language,
        whole.company,
        whole.note
    )
    .execute(&mut **change)
    .await?;
    sqlx::query!("update contacts set merged_into = $2, updated_at = now() where id = $1", gone.0, kept.0).execute(&mut **change).await?;
    let before = serde_json::to_value(&own).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let id = sqlx::query_scalar!(
        r#"insert into contact_merges (kept_id, gone_id, agent_id, tickets, identities, visitors, calls, before)
           values ($1, $2, $3, $4, $5, $6, $7, $8) returning id as "id: MergeId""#,
        kept.0,
        gone.0,
        agent.0,
        &tickets,
        &identities,
        &visitors,
        &calls,
        before
    )
    .fetch_one(&mut **change)
    .await?;
    for ticket in tickets {
        change.touch(TicketId(ticket));
    }
    Ok(id)
}

/// Takes two contacts apart again: what went over goes back, and what has come since from an address that goes back; the rest stays.
/// Answers with the contact that is back.
///
/// # Errors
/// See [`MergeError`]; nothing was moved then.
pub async fn undo(change: &mut Change, id: MergeId) -> Result<ContactId, MergeError> {
    let row = sqlx::query!(
        r#"select kept_id as "kept: ContactId", gone_id as "gone: ContactId", tickets, identities, visitors, calls, before, m.created_at as at,
                  c.merged_into is not null as "built_upon!"
           from contact_merges m join contacts c on c.id = m.kept_id where m.id = $1 and m.undone_at is null for update"#,
        id.0
    )
    .fetch_optional(&mut **change)
    .await?;
    let Some(row) = row else { return Err(MergeError::Changed) };
    if row.built_upon {
        return Err(MergeError::BuiltUpon);
    }
    let (kept, gone) = (row.kept, row.gone);
    // What went over, and what has come since from an address that goes back.
    let back = sqlx::query_scalar!(
        r#"update tickets t set contact_id = $2, updated_at = now()
           where t.contact_id = $1
             and (t.id = any($3)
                  or t.created_at > $5 and exists (
                      select from identities i where i.id = any($4)
                        and (substring(t.conversation from '[^:]+$') = substring(i.address from '[^:]+$')
                             or exists (select from messages m where m.ticket_id = t.id and m.direction = 'inbound'
                                        and lower(m.envelope -> 'from' ->> 'address') = i.address)
                             or exists (select from calls k where k.ticket_id = t.id and k.number = i.address))))
           returning id as "id: i64""#,
        kept.0,
        gone.0,
        &row.tickets,
        &row.identities,
        row.at as Ts
    )
    .fetch_all(&mut **change)
    .await?;
    sqlx::query!("update identities set contact_id = $2 where id = any($3) and contact_id = $1", kept.0, gone.0, &row.identities)
        .execute(&mut **change)
        .await?;
    sqlx::query!("update visitors set contact_id = $2 where id = any($3) and contact_id = $1", kept.0, gone.0, &row.visitors)
        .execute(&mut **change)
        .await?;
    sqlx::query!(
        "update calls set contact_id = $2
         where contact_id = $1
           and (id = any($3) or ticket_id = any($6)
                or started_at > $5 and exists (select from identities i where i.id = any($4) and i.address = calls.number))",
        kept.0,
        gone.0,
        &row.calls,
        &row.identities,
        row.at as Ts,
        &back
    )
    .execute(&mut **change)
    .await?;
    sqlx::query!("update contacts set merged_into = null, updated_at = now() where id = $1", gone.0).execute(&mut **change).await?;
    restore(change, kept, gone, row.before).await?;
    sqlx::query!("update contact_merges set undone_at = now() where id = $1", id.0).execute(&mut **change).await?;
    for ticket in back {
        change.touch(TicketId(ticket));
    }
    Ok(gone)
}

/// Takes away what the other had filled in, unless somebody has changed it since.
async fn restore(change: &mut Change, kept: ContactId, gone: ContactId, before: serde_json::Value) -> sqlx::Result<()> {
    let (Some(now), Some(other)) = (contacts::find(change, kept).await?, contacts::find(change, gone).await?) else { return Ok(()) };
    let Ok(before) = serde_json::from_value::<Described>(before) else { return Ok(()) };
    let filled = before.filled_from(&Described::of(&other));
    let now = Described::of(&now);
    let pick = |now: &String, filled: &String, before: &String| if now == filled { before.clone() } else { now.clone() };
    sqlx::query!(
        "update contacts k set name = $3, language = $4, company = $5, note = $6, picture = case when k.picture = g.picture then null else k.picture end,
                picture_at = case when k.picture = g.picture then null else k.picture_at end, updated_at = now()
         from contacts g where k.id = $1 and g.id = $2",
        kept.0,
        gone.0,
        pick(&now.name, &filled.name, &before.name),
        if now.language == filled.language { before.language } else { now.language },
        pick(&now.company, &filled.company, &before.company),
        pick(&now.note, &filled.note, &before.note)
    )
    .execute(&mut **change)
    .await?;
    Ok(())
}

/// The contact that somebody is a part of now, through however many merges.
pub async fn successor(db: &mut PgConnection, contact: ContactId) -> sqlx::Result<Option<ContactId>> {
    sqlx::query_scalar!(
        r#"with recursive way (id, step) as (
               select merged_into, 1 from contacts where id = $1 and merged_into is not null
               union all
               select c.merged_into, way.step + 1 from way join contacts c on c.id = way.id where c.merged_into is not null and way.step < 50
           ) select id as "id!: ContactId" from way order by step desc limit 1"#,
        contact.0
    )
    .fetch_optional(db)
    .await
}

/// A merge that made a contact what it is.
#[derive(Debug, Clone)]
pub struct Merged {
    pub id: MergeId,
    pub gone: ContactId,
    pub name: String,
    pub agent: AgentId,
    pub at: Ts,
}

impl Merged {
    /// Who was joined, by name or number.
    pub fn who(&self) -> String {
        if self.name.is_empty() { format!("Customer {}", self.gone) } else { self.name.clone() }
    }
}

/// The merges that made a contact what it is, newest first.
pub async fn merges(db: &mut PgConnection, contact: ContactId) -> sqlx::Result<Vec<Merged>> {
    sqlx::query_as!(
        Merged,
        r#"select m.id as "id: MergeId", m.gone_id as "gone: ContactId", g.name, m.agent_id as "agent: AgentId", m.created_at as at
           from contact_merges m join contacts g on g.id = m.gone_id
           where m.kept_id = $1 and m.undone_at is null order by m.id desc limit 20"#,
        contact.0
    )
    .fetch_all(db)
    .await
}
