//! Looks through what has come in for customers who may be one person. It runs behind everything else, a page at a time, so that no
//! message waits for it.

use std::collections::BTreeSet;

use sqlx::{PgConnection, PgPool};

use crate::ids::ContactId;
use crate::text::hints::{self, Hint};

/// Messages and contacts per page.
const PAGE: i64 = 1000;
/// What more than so many people share says nothing about two of them.
const TOO_MANY: i32 = 5;
/// Seconds until a row is looked at: one with a smaller number may still be on its way in.
const SETTLED: f64 = 20.0;

/// Looks at one page of what is new. `true`: there is more. Two processes at once do not get in each other's way: one of them finds nothing
/// to do.
pub async fn look(db: &PgPool) -> sqlx::Result<bool> {
    let mut tx = db.begin().await?;
    let at = sqlx::query!("select message_id, contact_id from merge_search for update skip locked").fetch_optional(&mut *tx).await?;
    let Some(at) = at else { return Ok(false) };
    let (messages, told) = read_messages(&mut tx, at.message_id).await?;
    let contacts = new_contacts(&mut tx, at.contact_id).await?;
    let more = messages.len() as i64 == PAGE || contacts.len() as i64 == PAGE;
    let mut concerned: BTreeSet<i64> = contacts.iter().copied().collect();
    concerned.extend(note(&mut tx, &told).await?);
    let concerned: Vec<i64> = concerned.into_iter().collect();
    if !concerned.is_empty() {
        suggest_by_hints(&mut tx, &concerned).await?;
        suggest_by_looks(&mut tx, &concerned).await?;
    }
    sqlx::query!(
        "update merge_search set message_id = greatest(message_id, $1), contact_id = greatest(contact_id, $2)",
        messages.last().copied().unwrap_or_default(),
        contacts.last().copied().unwrap_or_default()
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(more)
}

/// The messages after `after`, and what they tell of whom.
async fn read_messages(db: &mut PgConnection, after: i64) -> sqlx::Result<(Vec<i64>, Vec<(ContactId, Hint)>)> {
    let rows = sqlx::query!(
        // What a form asked is told with its label before it.
        r#"select m.id as "id: i64", t.contact_id as "contact: ContactId", m.direction = 'inbound' and m.contact_id = t.contact_id and not m.automatic and m.removed_at is null as "theirs!",
                  left(m.body, 20000) as "body!", t.details, m.quote_from, m.quote_to
           from messages m join tickets t on t.id = m.ticket_id
           where m.id > $1 and m.created_at < now() - make_interval(secs => $3) order by m.id limit $2"#,
        after,
        PAGE,
        SETTLED
    )
    .fetch_all(&mut *db)
    .await?;
    let mut told = Vec::new();
    for row in rows.iter().filter(|row| row.theirs) {
        let mut text = words(&row.body, row.quote_from, row.quote_to);
        let details: Vec<(String, String)> = serde_json::from_value(row.details.clone()).unwrap_or_default();
        for (label, answer) in details {
            text.push_str(&format!("\n{label} {answer}"));
        }
        told.extend(hints::find(&text).into_iter().map(|hint| (row.contact, hint)));
    }
    let people: Vec<i64> = rows.iter().map(|row| row.contact.0).collect();
    let claimed = sqlx::query!(
        r#"select contact_id as "contact!: ContactId", email, phone from visitors where contact_id = any($1) and (email is not null or phone is not null) limit 2000"#,
        &people
    )
    .fetch_all(db)
    .await?;
    for row in claimed {
        let text = format!("{} {}", row.email.unwrap_or_default(), row.phone.unwrap_or_default());
        told.extend(hints::find(&text).into_iter().map(|hint| (row.contact, hint)));
    }
    Ok((rows.iter().map(|row| row.id).collect(), told))
}

/// What was written now, without the history.
fn words(body: &str, from: i32, to: i32) -> String {
    let at = |offset: i32| usize::try_from(offset).unwrap_or(0).min(body.len());
    let (from, to) = (at(from), at(to));
    if from < to && body.is_char_boundary(from) && body.is_char_boundary(to) {
        format!("{}\n{}", &body[..from], &body[to..])
    } else {
        body.to_owned()
    }
}

async fn new_contacts(db: &mut PgConnection, after: i64) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        r#"select id as "id: i64" from contacts where id > $1 and created_at < now() - make_interval(secs => $3) order by id limit $2"#,
        after,
        PAGE,
        SETTLED
    )
    .fetch_all(db)
    .await
}

/// Keeps what was told, but for the desk's own addresses and what the customer has anyway; answers with whom something new is known of.
async fn note(db: &mut PgConnection, told: &[(ContactId, Hint)]) -> sqlx::Result<Vec<i64>> {
    if told.is_empty() {
        return Ok(Vec::new());
    }
    let people: Vec<i64> = told.iter().map(|(contact, _)| contact.0).collect();
    let kinds: Vec<String> = told.iter().map(|(_, hint)| hint.kind().to_owned()).collect();
    let values: Vec<String> = told.iter().map(|(_, hint)| hint.value().to_owned()).collect();
    sqlx::query_scalar!(
        r#"insert into contact_hints (contact_id, kind, value)
           select distinct h.contact, h.kind, h.value from unnest($1::bigint[], $2::text[], $3::text[]) h (contact, kind, value)
           where not (h.kind = 'email' and exists (select from channels c where lower(c.address) = h.value))
             and not exists (select from identities i where i.contact_id = h.contact and i.address = h.value)
           on conflict do nothing returning contact_id"#,
        &people,
        &kinds,
        &values
    )
    .fetch_all(db)
    .await
}

/// The same address, number or order.
async fn suggest_by_hints(db: &mut PgConnection, concerned: &[i64]) -> sqlx::Result<()> {
    sqlx::query!(
        r#"with shared as (
               -- both told it
               select h.contact_id as one, o.contact_id as other, h.kind as reason, h.value
               from contact_hints h join contact_hints o on o.kind = h.kind and o.value = h.value and o.contact_id <> h.contact_id
               where h.contact_id = any($1)
                 and (select count(*) from (select from contact_hints x where x.kind = h.kind and x.value = h.value limit $2 + 1) n) <= $2
               union all
               -- one told what is the other's
               select h.contact_id, i.contact_id, h.kind, h.value
               from contact_hints h join identities i on i.kind in ('email', 'phone', 'whatsapp') and i.address = h.value and i.contact_id <> h.contact_id
               where h.contact_id = any($1) and h.kind in ('email', 'phone')
               union all
               select i.contact_id, h.contact_id, h.kind, h.value
               from identities i join contact_hints h on h.kind in ('email', 'phone') and h.value = i.address and h.contact_id <> i.contact_id
               where i.contact_id = any($1) and i.kind in ('email', 'phone', 'whatsapp')
           )
           insert into merge_suggestions (contact_id, other_id, reason, value)
           select distinct on (least(s.one, s.other), greatest(s.one, s.other)) least(s.one, s.other), greatest(s.one, s.other), s.reason, s.value
           from shared s join contacts a on a.id = s.one and a.merged_into is null join contacts b on b.id = s.other and b.merged_into is null
           order by least(s.one, s.other), greatest(s.one, s.other), s.reason limit 5000
           on conflict do nothing"#,
        concerned,
        TOO_MANY
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The same name, of at least two words, or the same picture.
async fn suggest_by_looks(db: &mut PgConnection, concerned: &[i64]) -> sqlx::Result<()> {
    sqlx::query!(
        r#"with alike as (
               select c.id as one, o.id as other, 'name' as reason, c.name as value
               from contacts c join contacts o on lower(o.name) = lower(c.name) and o.name like '% %' and o.merged_into is null and o.id <> c.id
               where c.id = any($1) and c.name like '% %' and c.merged_into is null
                 and (select count(*) from (select from contacts x where lower(x.name) = lower(c.name) and x.name like '% %' and x.merged_into is null limit $2 + 1) n) <= $2
               union all
               select c.id, o.id, 'picture', ''
               from contacts c join contacts o on o.picture = c.picture and o.picture is not null and o.merged_into is null and o.id <> c.id
               where c.id = any($1) and c.picture is not null and c.merged_into is null
                 and (select count(*) from (select from contacts x where x.picture = c.picture and x.picture is not null and x.merged_into is null limit $2 + 1) n) <= $2
           )
           insert into merge_suggestions (contact_id, other_id, reason, value)
           select distinct on (least(one, other), greatest(one, other)) least(one, other), greatest(one, other), reason, value from alike
           order by least(one, other), greatest(one, other), reason limit 5000
           on conflict do nothing"#,
        concerned,
        TOO_MANY
    )
    .execute(db)
    .await?;
    Ok(())
}
