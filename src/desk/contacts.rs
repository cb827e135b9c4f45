//! Customers: one person, many addresses.

use sqlx::PgConnection;

use crate::clock::Ts;
use crate::desk::kinds::IdentityKind;
use crate::desk::kinds::Status;
use crate::ids::{ContactId, TicketId};

/// A customer.
#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
pub struct Contact {
    pub id: ContactId,
    /// Empty when nobody told it yet.
    pub name: String,
    /// The first mail address, if they have one.
    pub email: Option<String>,
    /// The first telephone number, if one is known.
    pub phone: Option<String>,
    /// Two letters, as told by the messages or set by an agent.
    pub language: Option<String>,
    pub company: String,
    pub note: String,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Ts,
    /// SHA-256 of our own copy of their picture, as their network showed it.
    #[serde(skip)]
    pub picture: Option<Vec<u8>>,
}

impl Contact {
    /// Where our copy of their picture is.
    pub fn picture(&self) -> Option<String> {
        self.picture
            .as_deref()
            .map(|sha256| format!("/customers/{}/picture/{}.jpg", self.id, &hex::encode(sha256)[..16.min(sha256.len() * 2)]))
    }

    /// The name, else the address, else the number: never nothing.
    pub fn display_name(&self) -> String {
        match (&*self.name, &self.email, &self.phone) {
            ("", Some(address), _) | ("", None, Some(address)) => address.clone(),
            ("", None, None) => format!("Customer {}", self.id),
            (name, ..) => name.to_owned(),
        }
    }
}

/// Finds the contact with this address or makes one. Two messages that arrive at once from a new address make one contact.
pub async fn identify(
    db: &mut PgConnection,
    kind: IdentityKind,
    address: &str,
    name: &str,
    language: Option<&str>,
) -> sqlx::Result<ContactId> {
    Ok(find_or_make(db, kind, address, name, language).await?.id)
}

async fn find_or_make(db: &mut PgConnection, kind: IdentityKind, address: &str, name: &str, language: Option<&str>) -> sqlx::Result<Known> {
    if let Some(known) = find_by_address(db, kind, address).await? {
        if (known.nameless && !name.is_empty()) || (known.speechless && language.is_some()) {
            // What they say about themselves fills gaps, it never overwrites what an agent wrote.
            sqlx::query!(
                "update contacts set name = case when name = '' then $2 else name end, language = coalesce(language, $3), updated_at = now()
                 where id = $1 and ((name = '' and $2 <> '') or (language is null and $3::text is not null))",
                known.id.0,
                name,
                language
            )
            .execute(db)
            .await?;
        }
        return Ok(known);
    }
    let made = sqlx::query!(
        r#"with made as (
               insert into contacts (name, language) values ($1, $2) returning id
           ), won as (
               insert into identities (contact_id, kind, address) select id, $3, $4 from made on conflict do nothing returning contact_id
           )
           select id as "id: ContactId", exists (select from won) as "won!" from made"#,
        name,
        language,
        kind as IdentityKind,
        address
    )
    .fetch_one(&mut *db)
    .await?;
    if made.won {
        return Ok(Known { id: made.id, nameless: name.is_empty(), speechless: language.is_none(), unreachable: false });
    }
    // Someone else was quicker; theirs is the one.
    sqlx::query!("delete from contacts where id = $1", made.id.0).execute(&mut *db).await?;
    find_by_address(db, kind, address).await?.ok_or(sqlx::Error::RowNotFound)
}

/// Finds whoever has the first address, else whoever has one of the others; the contact has all of them afterwards, but for those that
/// somebody else has: people are only ever joined by an agent.
pub async fn recognize(
    db: &mut PgConnection,
    first: &(IdentityKind, String),
    also: &[(IdentityKind, String)],
    name: &str,
    language: Option<&str>,
) -> sqlx::Result<ContactId> {
    let mut known = find_by_address(db, first.0, &first.1).await?.map(|known| known.id);
    for (kind, address) in also {
        if known.is_none() {
            known = find_by_address(db, *kind, address).await?.map(|known| known.id);
        }
    }
    if let Some(contact) = known {
        add_identity(db, contact, first.0, &first.1).await?;
    }
    let contact = identify(db, first.0, &first.1, name, language).await?;
    for (kind, address) in also {
        add_identity(db, contact, *kind, address).await?;
    }
    Ok(contact)
}

/// Remembers that mail to an address does not arrive.
pub async fn mark_undeliverable(db: &mut PgConnection, address: &str, why: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "update identities set undeliverable_at = now(), undeliverable = $2 where kind = 'email' and address = $1",
        address.to_lowercase(),
        why
    )
    .execute(db)
    .await?;
    Ok(())
}

/// As [`identify`], of somebody who has just written from this mail address: it works.
pub async fn identify_writer(db: &mut PgConnection, address: &str, name: &str, language: Option<&str>) -> sqlx::Result<ContactId> {
    let known = find_or_make(db, IdentityKind::Email, address, name, language).await?;
    if known.unreachable {
        sqlx::query!("update identities set undeliverable_at = null, undeliverable = null where kind = 'email' and address = $1", address)
            .execute(db)
            .await?;
    }
    Ok(known.id)
}

/// Whether this mail address belongs to somebody whom the shop itself has named: one who was signed in there.
pub async fn is_signed_in(db: &mut PgConnection, address: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from identities i join identities own on own.contact_id = i.contact_id
                          where i.kind = 'email' and i.address = $1 and own.kind = 'external' and own.address like 'shop:%') as "exists!""#,
        address
    )
    .fetch_one(db)
    .await
}

/// A contact of its own for a mail that names somebody else's address and probably does not come from there; the address stays theirs.
pub async fn create_apart(db: &mut PgConnection, name: &str, address: &str) -> sqlx::Result<ContactId> {
    let name = if name.is_empty() { address } else { name };
    sqlx::query_scalar!(
        r#"insert into contacts (name, note) values ($1, $2) returning id as "id: ContactId""#,
        name,
        format!("Wrote as {address}, but probably from elsewhere.")
    )
    .fetch_one(db)
    .await
}

/// Those of these mail addresses, in lower case, at which nothing arrives, each with the reason.
pub async fn undeliverable(db: &mut PgConnection, addresses: &[String]) -> sqlx::Result<Vec<(String, String)>> {
    if addresses.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query!(
        r#"select address, coalesce(undeliverable, '') as "why!" from identities where kind = 'email' and address = any($1) and undeliverable_at is not null"#,
        addresses
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.address, row.why)).collect())
}

/// Gives a contact one more address; one that somebody has already stays theirs.
pub async fn add_identity(db: &mut PgConnection, contact: ContactId, kind: IdentityKind, address: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into identities (contact_id, kind, address) values ($1, $2, $3) on conflict do nothing",
        contact.0,
        kind as IdentityKind,
        address
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Gives the customer of a ticket one more address; one that somebody has already stays theirs.
pub async fn add_to_ticket(db: &mut PgConnection, ticket: TicketId, kind: IdentityKind, address: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into identities (contact_id, kind, address) select contact_id, $2, $3 from tickets where id = $1 on conflict do nothing",
        ticket.0,
        kind as IdentityKind,
        address
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Whoever has this address.
pub async fn known_by(db: &mut PgConnection, kind: IdentityKind, address: &str) -> sqlx::Result<Option<ContactId>> {
    Ok(find_by_address(db, kind, address).await?.map(|known| known.id))
}

/// A contact found by an address, and what is not known of them yet.
struct Known {
    id: ContactId,
    nameless: bool,
    speechless: bool,
    /// What was sent there came back.
    unreachable: bool,
}

async fn find_by_address(db: &mut PgConnection, kind: IdentityKind, address: &str) -> sqlx::Result<Option<Known>> {
    sqlx::query_as!(
        Known,
        r#"select c.id, c.name = '' as "nameless!", c.language is null as "speechless!", i.undeliverable_at is not null as "unreachable!"
           from identities i join contacts c on c.id = i.contact_id where i.kind = $1 and i.address = $2"#,
        kind as IdentityKind,
        address
    )
    .fetch_optional(db)
    .await
}

/// The language of whoever has this mail address, in lower case, as far as it is known.
pub async fn language_of(db: &mut PgConnection, address: &str) -> sqlx::Result<Option<String>> {
    let found = sqlx::query_scalar!(
        "select c.language from identities i join contacts c on c.id = i.contact_id where i.kind = 'email' and i.address = $1",
        address
    )
    .fetch_optional(db)
    .await?;
    Ok(found.flatten())
}

/// One contact.
pub async fn find(db: &mut PgConnection, id: ContactId) -> sqlx::Result<Option<Contact>> {
    sqlx::query_as!(
        Contact,
        r#"select c.id, c.name, c.language, c.company, c.note, c.created_at, c.picture,
                  (select address from identities i where i.contact_id = c.id and i.kind = 'email' order by i.id limit 1) as email,
                  (select address from identities i where i.contact_id = c.id and i.kind = 'phone' order by i.id limit 1) as phone
           from contacts c where c.id = $1"#,
        id.0
    )
    .fetch_optional(db)
    .await
}

/// An address of a contact.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Identity {
    pub kind: IdentityKind,
    pub address: String,
    /// Why mail does not arrive there, if it is known not to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undeliverable: Option<String>,
}

impl Identity {
    /// Whether it can be called.
    pub fn is_phone(&self) -> bool {
        self.kind == IdentityKind::Phone
    }
}

/// Every address of a contact.
pub async fn identities(db: &mut PgConnection, id: ContactId) -> sqlx::Result<Vec<Identity>> {
    sqlx::query_as!(Identity, "select kind, address, undeliverable from identities where contact_id = $1 order by id limit 100", id.0)
        .fetch_all(db)
        .await
}

/// Several contacts, in no order.
pub async fn find_many(db: &mut PgConnection, ids: &[ContactId]) -> sqlx::Result<Vec<Contact>> {
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    sqlx::query_as!(
        Contact,
        r#"select c.id, c.name, c.language, c.company, c.note, c.created_at, c.picture,
                  (select address from identities i where i.contact_id = c.id and i.kind = 'email' order by i.id limit 1) as email,
                  (select address from identities i where i.contact_id = c.id and i.kind = 'phone' order by i.id limit 1) as phone
           from contacts c where c.id = any($1)"#,
        &ids
    )
    .fetch_all(db)
    .await
}

/// Makes a contact with a mail address. Fails on `identities_address_key`.
pub async fn create(db: &mut PgConnection, email: &str, new: &ContactUpdate) -> sqlx::Result<ContactId> {
    let id = sqlx::query_scalar!(
        r#"insert into contacts (name, language, company, note) values ($1, $2, $3, $4) returning id as "id: ContactId""#,
        new.name,
        new.language,
        new.company,
        new.note
    )
    .fetch_one(&mut *db)
    .await?;
    sqlx::query!("insert into identities (contact_id, kind, address) values ($1, 'email', $2)", id.0, email).execute(db).await?;
    Ok(id)
}

/// What may be changed on a contact.
#[derive(Debug, Clone)]
pub struct ContactUpdate {
    pub name: String,
    pub language: Option<String>,
    pub company: String,
    pub note: String,
}

/// Changes a contact. `false`: there is none.
pub async fn update(db: &mut PgConnection, id: ContactId, to: &ContactUpdate) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update contacts set name = $2, language = $3, company = $4, note = $5, updated_at = now() where id = $1",
        id.0,
        to.name,
        to.language,
        to.company,
        to.note
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A page of contacts, newest first, whose name or address begins with or contains `query`.
pub async fn list(db: &mut PgConnection, query: &str, before: Option<ContactId>, limit: i64) -> sqlx::Result<Vec<Contact>> {
    let query = query.trim().to_lowercase();
    sqlx::query_as!(
        Contact,
        r#"select c.id, c.name, c.language, c.company, c.note, c.created_at, c.picture,
                  (select address from identities i where i.contact_id = c.id and i.kind = 'email' order by i.id limit 1) as email,
                  (select address from identities i where i.contact_id = c.id and i.kind = 'phone' order by i.id limit 1) as phone
           from contacts c
           where c.id < $2 and c.merged_into is null
             and ($1 = '' or c.name ilike '%' || $3 || '%'
                  or c.id in (select contact_id from identities where address like $3 || '%' limit 1000))
           order by c.id desc limit $4"#,
        query,
        before.map_or(i64::MAX, |id| id.0),
        escape_like(&query),
        limit
    )
    .fetch_all(db)
    .await
}

/// Makes `%` and `_` mean themselves.
pub fn escape_like(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// A line in the list of a customer's tickets.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct EarlierTicket {
    pub id: TicketId,
    pub subject: String,
    pub status: Status,
    pub last_message_at: Ts,
}

/// The newest tickets of a contact.
pub async fn tickets(db: &mut PgConnection, contact: ContactId, before: Option<TicketId>, limit: i64) -> sqlx::Result<Vec<EarlierTicket>> {
    sqlx::query_as!(
        EarlierTicket,
        "select id, subject, status, last_message_at from tickets where contact_id = $1 and id < $2 order by id desc limit $3",
        contact.0,
        before.map_or(i64::MAX, |id| id.0),
        limit
    )
    .fetch_all(db)
    .await
}

/// Whether the picture of a ticket's customer is to be fetched now: it was not looked at for a month. Asked once, the answer is no for others.
pub async fn picture_is_due(db: &mut PgConnection, ticket: TicketId) -> sqlx::Result<Option<ContactId>> {
    sqlx::query_scalar!(
        r#"update contacts set picture_at = now()
           where id = (select contact_id from tickets where id = $1) and (picture_at is null or picture_at < now() - interval '30 days')
           returning id as "id: ContactId""#,
        ticket.0
    )
    .fetch_optional(db)
    .await
}

/// Keeps our copy of a customer's picture.
pub async fn set_picture(db: &mut PgConnection, contact: ContactId, sha256: &[u8]) -> sqlx::Result<()> {
    sqlx::query!("update contacts set picture = $2 where id = $1", contact.0, sha256).execute(db).await?;
    Ok(())
}

/// Notes how many follow somebody on their network.
pub async fn note_followers(db: &mut PgConnection, kind: IdentityKind, address: &str, followers: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "update identities set followers = $3 where kind = $1 and address = $2 and followers is distinct from $3",
        kind as IdentityKind,
        address,
        followers
    )
    .execute(db)
    .await?;
    Ok(())
}
