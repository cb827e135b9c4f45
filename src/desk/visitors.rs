//! Visitors: browsers on the shop's site that have said something.

use serde_json::Value;
use sqlx::PgConnection;

use crate::desk::calls;
use crate::desk::changes::Change;
use crate::desk::contacts;
use crate::desk::files::StoredFile;
use crate::desk::kinds::IdentityKind;
use crate::ids::{ChannelId, ContactId, TicketId, VisitorId, VisitorUploadId};
use crate::secrets;
use crate::text::{excerpts, phones};

/// Days for which a browser is known after its last word.
const DAYS: i32 = 180;
/// Seconds after their last heartbeat for which a visitor counts as here; screens say so every 30.
pub const HERE: f64 = 75.0;

/// A visitor as their row tells it.
#[derive(Debug, Clone)]
pub struct Visitor {
    pub id: VisitorId,
    pub channel_id: ChannelId,
    pub contact_id: Option<ContactId>,
    pub name: String,
    pub email: Option<String>,
    pub phone: Option<String>,
    /// Whom the shop's signature vouches for.
    pub verified_id: Option<String>,
    pub language: Option<String>,
    pub time_zone: Option<String>,
    pub page: Value,
    pub context: Value,
    pub user_agent: String,
    pub ip: String,
    pub blocked: bool,
}

/// Where a visitor is on the shop's site, as far as it can be shown: what came from there is a stranger's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The page's title, else its address without the site.
    pub title: String,
    /// Only ever http or https.
    pub url: Option<String>,
    /// The product on the page and its price; the price may be empty.
    pub product: Option<(String, String)>,
}

impl Place {
    /// Reads [`Visitor::page`]; `None` when it says nothing.
    pub fn of(page: &Value) -> Option<Self> {
        let text = |value: &Value| excerpts::excerpt(value.as_str().unwrap_or_default(), 120);
        let address = page["url"].as_str().and_then(|url| url::Url::parse(url).ok()).filter(|url| matches!(url.scheme(), "http" | "https"));
        let title = match (text(&page["title"]), &address) {
            (title, _) if !title.is_empty() => title,
            (_, Some(url)) => url.path().to_owned(),
            _ => return None,
        };
        let name = text(&page["product"]["name"]);
        let price = match &page["product"]["price"] {
            Value::Number(number) => number.to_string(),
            other => text(other),
        };
        Some(Self { title, url: address.map(String::from), product: (!name.is_empty()).then_some((name, price)) })
    }
}

/// What the shop told about a visitor (their cart, an order …) as lines to read; at most 20.
pub fn context_lines(context: &Value) -> Vec<(String, String)> {
    fn words(value: &Value) -> String {
        match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            Value::Array(items) => items.iter().map(words).filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", "),
            Value::Object(fields) => fields.values().map(words).filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" · "),
            other => other.to_string(),
        }
    }
    let fields = context.as_object().into_iter().flatten();
    let lines = fields.map(|(name, value)| {
        // "order_number" was written for programs.
        let name = name.replace(['_', '-'], " ");
        (excerpts::excerpt(&name, 40), excerpts::excerpt(&words(value), 200))
    });
    lines.filter(|(name, value)| !name.is_empty() && !value.is_empty()).take(20).collect()
}

/// What a browser says of itself.
#[derive(Debug, Clone, Default)]
pub struct Browser<'a> {
    pub language: Option<&'a str>,
    pub time_zone: Option<&'a str>,
    pub user_agent: &'a str,
    pub ip: &'a str,
}

/// Makes a visitor, and the token that the browser keeps.
pub async fn create(db: &mut PgConnection, channel: ChannelId, browser: &Browser<'_>) -> sqlx::Result<(VisitorId, String)> {
    let token = secrets::token();
    let id = sqlx::query_scalar!(
        r#"insert into visitors (channel_id, token_hash, language, time_zone, user_agent, ip, expires_at)
           values ($1, $2, $3, $4, $5, $6, now() + make_interval(days => $7)) returning id as "id: VisitorId""#,
        channel.0,
        secrets::hash(&token),
        browser.language,
        browser.time_zone,
        browser.user_agent,
        browser.ip,
        DAYS
    )
    .fetch_one(db)
    .await?;
    Ok((id, token))
}

/// The visitor of a token, on its own channel only.
pub async fn find_by_token(db: &mut PgConnection, channel: ChannelId, token: &str) -> sqlx::Result<Option<Visitor>> {
    sqlx::query_as!(
        Visitor,
        r#"select id, channel_id, contact_id, name, email, phone, verified_id, language, time_zone, page, context, user_agent, ip,
                  blocked_at is not null as "blocked!"
           from visitors where token_hash = $1 and channel_id = $2 and expires_at > now()"#,
        secrets::hash(token),
        channel.0
    )
    .fetch_optional(db)
    .await
}

/// One visitor, for the desk itself.
pub async fn find(db: &mut PgConnection, id: VisitorId) -> sqlx::Result<Option<Visitor>> {
    sqlx::query_as!(
        Visitor,
        r#"select id, channel_id, contact_id, name, email, phone, verified_id, language, time_zone, page, context, user_agent, ip,
                  blocked_at is not null as "blocked!"
           from visitors where id = $1"#,
        id.0
    )
    .fetch_optional(db)
    .await
}

/// Holds a visitor until the transaction ends, so that two words of theirs that come at once come one after another.
pub async fn lock(db: &mut PgConnection, id: VisitorId) -> sqlx::Result<()> {
    sqlx::query!("select id from visitors where id = $1 for no key update", id.0).fetch_one(db).await?;
    Ok(())
}

/// Gives a visitor another token, whereupon the old one opens nothing.
pub async fn renew_token(db: &mut PgConnection, id: VisitorId) -> sqlx::Result<String> {
    let token = secrets::token();
    sqlx::query!("update visitors set token_hash = $2 where id = $1", id.0, secrets::hash(&token)).execute(db).await?;
    Ok(token)
}

/// Notes that the visitor's screen is open; with `left`, that it closed.
pub async fn beat(db: &mut PgConnection, id: VisitorId, left: bool) -> sqlx::Result<()> {
    sqlx::query!("update visitors set seen_at = now() - make_interval(secs => $2) where id = $1", id.0, if left { HERE } else { 0.0 })
        .execute(db)
        .await?;
    Ok(())
}

/// Notes where the visitor is now and what the shop tells about them; `None` leaves what was known. Their token lives on. The visitor as
/// they stand, held until the transaction ends: two words of theirs that come at once come one after another.
pub async fn note(db: &mut PgConnection, id: VisitorId, page: Option<&Value>, context: Option<&Value>) -> sqlx::Result<Visitor> {
    sqlx::query_as!(
        Visitor,
        r#"update visitors set page = coalesce($2, page), context = coalesce($3, context), seen_at = now(),
                  expires_at = now() + make_interval(days => $4)
           where id = $1
           returning id, channel_id, contact_id, name, email, phone, verified_id, language, time_zone, page, context, user_agent, ip,
                  blocked_at is not null as "blocked!""#,
        id.0,
        page,
        context,
        DAYS
    )
    .fetch_one(db)
    .await
}

/// What a visitor, or the shop for them, says about who they are; `None` leaves what was known.
#[derive(Debug, Clone, Default)]
pub struct Introduction<'a> {
    pub name: Option<&'a str>,
    /// In lower case.
    pub email: Option<&'a str>,
    pub phone: Option<&'a str>,
    /// Checked against the shop's signature already.
    pub verified_id: Option<&'a str>,
}

impl Introduction<'_> {
    /// Nothing new was said.
    pub fn is_empty(&self) -> bool {
        [self.name, self.email, self.phone, self.verified_id].iter().all(Option::is_none)
    }
}

/// Writes down who a visitor is, and finds the contact whom that makes them. Conversations they began as somebody unknown follow.
pub async fn introduce(change: &mut Change, visitor: &Visitor, who: &Introduction<'_>) -> sqlx::Result<ContactId> {
    if let Some(known) = visitor.contact_id.filter(|_| who.is_empty()) {
        return Ok(known);
    }
    sqlx::query!(
        "update visitors set name = coalesce($2, name), email = coalesce($3, email), phone = coalesce($4, phone),
                verified_id = coalesce($5, verified_id) where id = $1",
        visitor.id.0,
        who.name,
        who.email,
        who.phone,
        who.verified_id
    )
    .execute(&mut **change)
    .await?;
    let name = who.name.unwrap_or(&visitor.name);
    let language = visitor.language.as_deref();
    let email = who.email.or(visitor.email.as_deref());
    let verified = who.verified_id.or(visitor.verified_id.as_deref());
    let contact = match (verified, email) {
        (Some(id), _) => contacts::identify(change, IdentityKind::External, &format!("shop:{id}"), name, language).await?,
        (None, Some(email)) => contacts::identify(change, IdentityKind::Email, email, name, language).await?,
        (None, None) => contacts::identify(change, IdentityKind::External, &format!("visitor:{}", visitor.id), name, language).await?,
    };
    // In the form in which a telephone exchange would show it too.
    let phone = match who.phone.or(visitor.phone.as_deref()) {
        Some(typed) => {
            let country = calls::country(change).await?;
            Some(phones::normalise(typed, &country).unwrap_or_else(|| typed.to_owned()))
        }
        None => None,
    };
    // An address that nobody has yet becomes theirs, so that answers can follow by mail.
    for (kind, address) in [(IdentityKind::Email, email), (IdentityKind::Phone, phone.as_deref())] {
        if let Some(address) = address {
            sqlx::query!(
                "insert into identities (contact_id, kind, address) values ($1, $2, $3) on conflict do nothing",
                contact.0,
                kind as IdentityKind,
                address
            )
            .execute(&mut **change)
            .await?;
        }
    }
    if visitor.contact_id != Some(contact) {
        sqlx::query!("update visitors set contact_id = $2 where id = $1", visitor.id.0, contact.0).execute(&mut **change).await?;
        let moved = sqlx::query_scalar!(
            "update tickets set contact_id = $2, updated_at = now()
             where id in (select ticket_id from chats where visitor_id = $1) and contact_id is distinct from $2 returning id",
            visitor.id.0,
            contact.0
        )
        .fetch_all(&mut **change)
        .await?;
        let ids: Vec<i64> = moved.iter().map(|id: &TicketId| id.0).collect();
        sqlx::query!("update messages set contact_id = $2 where ticket_id = any($1) and direction = 'inbound'", &ids, contact.0)
            .execute(&mut **change)
            .await?;
        moved.into_iter().for_each(|id| change.touch(id));
    }
    Ok(contact)
}

/// A file that waits for its message.
#[derive(Debug, Clone)]
pub struct Upload {
    pub id: VisitorUploadId,
    pub name: String,
    pub media_type: String,
    pub size: i64,
}

/// Keeps a file that a visitor added. At most `limit` wait at a time; `None`: too many do.
pub async fn add_upload(db: &mut PgConnection, visitor: VisitorId, file: &StoredFile, limit: i64) -> sqlx::Result<Option<Upload>> {
    sqlx::query_as!(
        Upload,
        r#"insert into visitor_uploads (visitor_id, name, media_type, size, sha256)
           select $1, $2, $3, $4, $5 where (select count(*) from visitor_uploads where visitor_id = $1) < $6
           returning id as "id: VisitorUploadId", name, media_type, size"#,
        visitor.0,
        file.name,
        file.media_type,
        file.size,
        file.sha256,
        limit
    )
    .fetch_optional(db)
    .await
}

/// Takes the visitor's waiting files of these ids, in the order of their making.
pub async fn take_uploads(db: &mut PgConnection, visitor: VisitorId, ids: &[VisitorUploadId]) -> sqlx::Result<Vec<StoredFile>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let mut rows = sqlx::query!(
        "delete from visitor_uploads where visitor_id = $1 and id = any($2) returning id, name, media_type, size, sha256",
        visitor.0,
        &ids
    )
    .fetch_all(db)
    .await?;
    rows.sort_by_key(|row| row.id);
    let file = |row: Row| StoredFile { name: row.0, media_type: row.1, size: row.2, sha256: row.3, content_id: None, inline: false };
    type Row = (String, String, i64, Vec<u8>);
    Ok(rows.into_iter().map(|row| file((row.name, row.media_type, row.size, row.sha256))).collect())
}

/// How many visitors this network made within the last hour, counted to 1,000.
pub async fn made_last_hour(db: &mut PgConnection, ip: &str) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from (select 1 from (select ip, created_at from visitors order by id desc limit 5000) recent
           where ip = $1 and created_at > now() - interval '1 hour' limit 1000) made"#,
        ip
    )
    .fetch_one(db)
    .await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_strangers_page_is_shown_without_harm() {
        let page =
            json!({ "url": "javascript:alert(1)", "title": " Stivali \n Ginestra ", "product": { "name": "Ginestra 38", "price": 249 } });
        let place = Place::of(&page).expect("a place");
        assert_eq!((place.title.as_str(), place.url), ("Stivali Ginestra", None));
        assert_eq!(place.product, Some(("Ginestra 38".to_owned(), "249".to_owned())));
        assert_eq!(Place::of(&json!({ "url": "https://shop.example/boots?a=1" })).expect("a place").title, "/boots");
        assert_eq!(Place::of(&json!({})), None);
        assert_eq!(Place::of(&json!([1, "x"])), None);
    }

    #[test]
    fn what_the_shop_tells_becomes_lines() {
        let context = json!({ "order_number": 1042, "cart": [{ "name": "Ginestra", "qty": 2 }, "Belt"], "empty": null, "vip": true });
        let lines = context_lines(&context);
        assert!(lines.contains(&("order number".to_owned(), "1042".to_owned())));
        assert!(lines.contains(&("cart".to_owned(), "Ginestra · 2, Belt".to_owned())));
        assert_eq!(lines.len(), 3);
        assert!(context_lines(&json!("x")).is_empty());
    }
}
