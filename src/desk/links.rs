//! Files too large for a letter: it carries a link instead, which ends after a while and which an agent can take back.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use crate::app::App;
use crate::clock::Ts;
use crate::desk::changes::{Actor, Change};
use crate::desk::events::Event;
use crate::desk::files::Attachment;
use crate::ids::{AgentId, AttachmentId, MessageId, TicketId};
use crate::secrets::Keys;

/// Days for which a link opens its file.
pub const DAYS: i64 = 30;
/// The most that the files of one letter weigh together unless an admin says otherwise, in megabytes.
const DEFAULT_LIMIT: i64 = 10;
/// What may be set, in megabytes.
pub const LIMITS: std::ops::RangeInclusive<i64> = 1..=100;
/// Length of the signature in a link: 160 bits.
const SIGNATURE: usize = 32;

/// How the desk sends mail, whichever mailbox it leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MailRules {
    /// The most that the files of one letter weigh together, in megabytes; larger ones become links.
    pub attached: i64,
}

impl Default for MailRules {
    fn default() -> Self {
        Self { attached: DEFAULT_LIMIT }
    }
}

/// The rules as they are set.
pub async fn rules(db: &mut PgConnection) -> sqlx::Result<MailRules> {
    let stored = sqlx::query_scalar!("select mail from desk").fetch_one(db).await?;
    Ok(serde_json::from_value(stored).unwrap_or_default())
}

/// Changes them.
pub async fn set_rules(db: &mut PgConnection, rules: &MailRules) -> sqlx::Result<()> {
    let stored = serde_json::to_value(rules).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query!("update desk set mail = $1", stored).execute(db).await?;
    Ok(())
}

/// Which of a letter's files go behind links: the largest, until the rest weighs no more than the limit. Pictures within the words stay.
pub fn too_large(files: &[Attachment], limit: i64) -> Vec<AttachmentId> {
    let mut sum: i64 = files.iter().map(|file| file.size).sum();
    let mut movable: Vec<&Attachment> = files.iter().filter(|file| !file.inline).collect();
    movable.sort_by_key(|file| std::cmp::Reverse((file.size, file.id)));
    let mut moved = Vec::new();
    for file in movable {
        if sum <= limit {
            break;
        }
        sum -= file.size;
        moved.push(file.id);
    }
    moved
}

/// A file behind a link.
#[derive(Debug, Clone)]
pub struct Link {
    pub attachment: AttachmentId,
    pub message: MessageId,
    pub expires_at: Ts,
    pub revoked_at: Option<Ts>,
    pub downloads: i32,
}

impl Link {
    /// Whether it opens its file.
    pub fn opens(&self, now: Ts) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }
}

/// Makes links for files, once: a second attempt to send the same letter finds them as they are. Answers with when each ends.
pub async fn make(db: &mut PgConnection, files: &[AttachmentId], now: Ts) -> sqlx::Result<Vec<(AttachmentId, Ts)>> {
    let ids: Vec<i64> = files.iter().map(|id| id.0).collect();
    sqlx::query!(
        "insert into file_links (attachment_id, expires_at) select unnest($1::bigint[]), $2 on conflict do nothing",
        &ids,
        now.plus_seconds(DAYS * 86_400) as Ts
    )
    .execute(&mut *db)
    .await?;
    let rows = sqlx::query!(
        r#"select attachment_id as "attachment: AttachmentId", expires_at from file_links where attachment_id = any($1)"#,
        &ids
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.attachment, row.expires_at)).collect())
}

/// The links on a ticket.
pub async fn of_ticket(db: &mut PgConnection, ticket: TicketId) -> sqlx::Result<Vec<Link>> {
    sqlx::query_as!(
        Link,
        r#"select l.attachment_id as "attachment: AttachmentId", a.message_id as message, l.expires_at, l.revoked_at, l.downloads
           from file_links l join attachments a on a.id = l.attachment_id where a.ticket_id = $1 limit 500"#,
        ticket.0
    )
    .fetch_all(db)
    .await
}

/// The file of a link and the link itself, with the language of the letter that carries it.
pub async fn find(db: &mut PgConnection, id: AttachmentId) -> sqlx::Result<Option<(Link, Option<String>)>> {
    let row = sqlx::query!(
        r#"select l.attachment_id as "attachment: AttachmentId", a.message_id, l.expires_at, l.revoked_at, l.downloads,
                  coalesce(m.language, t.language) as language
           from file_links l join attachments a on a.id = l.attachment_id join messages m on m.id = a.message_id
           join tickets t on t.id = a.ticket_id where l.attachment_id = $1"#,
        id.0
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| {
        let link = Link {
            attachment: row.attachment,
            message: row.message_id,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
            downloads: row.downloads,
        };
        (link, row.language)
    }))
}

/// Those of these files whose link was taken back.
pub async fn revoked(db: &mut PgConnection, files: &[Attachment]) -> sqlx::Result<Vec<AttachmentId>> {
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<i64> = files.iter().map(|file| file.id.0).collect();
    sqlx::query_scalar!(
        r#"select attachment_id as "attachment: AttachmentId" from file_links where attachment_id = any($1) and revoked_at is not null"#,
        &ids
    )
    .fetch_all(db)
    .await
}

/// Notes that somebody fetched the file.
pub async fn count(db: &mut PgConnection, id: AttachmentId) -> sqlx::Result<()> {
    sqlx::query!("update file_links set downloads = downloads + 1 where attachment_id = $1", id.0).execute(db).await?;
    Ok(())
}

/// Takes a link of a ticket back. `false`: there is none that opens anything.
pub async fn revoke(change: &mut Change, agent: AgentId, ticket: TicketId, id: AttachmentId) -> sqlx::Result<bool> {
    let name = sqlx::query_scalar!(
        "update file_links l set revoked_at = now() from attachments a
         where a.id = l.attachment_id and l.attachment_id = $1 and a.ticket_id = $2 and l.revoked_at is null returning a.name",
        id.0,
        ticket.0
    )
    .fetch_optional(&mut **change)
    .await?;
    match name {
        Some(file) => {
            change.record(ticket, Actor::Agent(agent), Event::LinkRevoked { file }).await?;
            Ok(true)
        }
        None => Ok(false),
    }
}

/// Where the file of a link is fetched.
pub fn url(app: &App, id: AttachmentId) -> String {
    format!("{}/d/{}", app.config.public_url(), token(&app.keys, id))
}

/// The unguessable part of a link.
pub fn token(keys: &Keys, id: AttachmentId) -> String {
    format!("{id}-{}", keys.sign("file", &id.to_string(), SIGNATURE))
}

/// The file that a link names, if its signature is ours.
pub fn parse(keys: &Keys, token: &str) -> Option<AttachmentId> {
    let (id, signature) = token.split_once('-')?;
    let id: AttachmentId = id.parse().ok()?;
    keys.verify("file", &id.to_string(), SIGNATURE, signature).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(id: i64, size: i64, inline: bool) -> Attachment {
        Attachment {
            id: AttachmentId(id),
            ticket: TicketId(1),
            message: MessageId(1),
            name: String::new(),
            media_type: String::new(),
            size,
            sha256: Vec::new(),
            content_id: None,
            inline,
        }
    }

    #[test]
    fn the_largest_become_links_until_the_rest_fits() {
        let files = [file(1, 3, false), file(2, 8, false), file(3, 2, false), file(4, 4, true)];
        assert_eq!(too_large(&files, 17), []);
        assert_eq!(too_large(&files, 10), [AttachmentId(2)]);
        assert_eq!(too_large(&files, 6), [AttachmentId(2), AttachmentId(1)]);
        assert_eq!(too_large(&files, 1), [AttachmentId(2), AttachmentId(1), AttachmentId(3)]);
    }

    #[test]
    fn a_link_opens_its_own_file_only() {
        let keys = Keys::from_bytes([3; 32]);
        let mine = token(&keys, AttachmentId(7));
        assert_eq!(parse(&keys, &mine), Some(AttachmentId(7)));
        assert_eq!(parse(&keys, &mine.replacen('7', "8", 1)), None);
        assert_eq!(parse(&keys, "7"), None);
    }
}
