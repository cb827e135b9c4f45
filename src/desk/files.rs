//! Files of messages, canned replies and unsent replies. Their content lies in the blob store; rows name it by its SHA-256.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use sqlx::PgConnection;

use crate::app::App;
use crate::desk::envelope::{IncomingFile, OutgoingFile};
use crate::ids::{AgentId, AttachmentId, MessageId, PlanId, TicketId, UploadId};
use crate::text::pictures;

/// The largest single file an agent or a customer may add by a form, in bytes.
pub const MAX_FILE: usize = 20 * 1024 * 1024;
/// The most files one message may carry by a form.
pub const MAX_FILES: usize = 10;

/// A file whose content is in the blob store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    pub name: String,
    pub media_type: String,
    pub size: i64,
    pub sha256: Vec<u8>,
    pub content_id: Option<String>,
    pub inline: bool,
}

impl StoredFile {
    /// Stores the content, before the transaction that will refer to it.
    pub async fn store(app: &App, file: &IncomingFile) -> std::io::Result<Self> {
        Ok(Self {
            name: file.name.clone(),
            media_type: file.media_type.clone(),
            size: i64::try_from(file.bytes.len()).unwrap_or(i64::MAX),
            sha256: app.blobs.put(&file.bytes).await?,
            content_id: file.content_id.clone(),
            inline: file.inline,
        })
    }

    /// Stores several; all or an error.
    pub async fn store_all(app: &App, files: &[IncomingFile]) -> std::io::Result<Vec<Self>> {
        let mut stored = Vec::with_capacity(files.len());
        for file in files {
            stored.push(Self::store(app, file).await?);
        }
        Ok(stored)
    }
}

/// A file of a message.
#[derive(Debug, Clone, Deserialize)]
pub struct Attachment {
    pub id: AttachmentId,
    pub ticket: TicketId,
    pub message: MessageId,
    pub name: String,
    pub media_type: String,
    pub size: i64,
    #[serde(deserialize_with = "from_hex")]
    pub sha256: Vec<u8>,
    pub content_id: Option<String>,
    pub inline: bool,
}

/// Bytes that travelled inside JSON.
fn from_hex<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    hex::decode(String::deserialize(from)?).map_err(D::Error::custom)
}

impl Attachment {
    /// Whether a browser may show it as a picture. SVG is a document with scripts and is not.
    pub fn is_picture(&self) -> bool {
        is_picture(&self.media_type)
    }

    /// Whether a browser may play it in place.
    pub fn is_sound(&self) -> bool {
        is_sound(&self.media_type)
    }

    /// "2.4 MB".
    pub fn human_size(&self) -> String {
        human_size(self.size)
    }
}

/// Whether a media type is a sound that browsers play.
pub fn is_sound(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    matches!(essence, "audio/mpeg" | "audio/mp4" | "audio/aac" | "audio/ogg" | "audio/wav" | "audio/x-wav" | "audio/webm" | "audio/flac")
}

/// Whether a media type is a picture that is safe to show in place.
pub fn is_picture(media_type: &str) -> bool {
    matches!(media_type, "image/png" | "image/jpeg" | "image/gif" | "image/webp" | "image/avif")
}

/// What to say of files that could not be taken.
pub fn refusal(names: &[String]) -> String {
    let size = human_size(20_000_000);
    format!("{} cannot be attached. A file may have up to {size}, a message up to {MAX_FILES} files.", names.join(", "))
}

/// A size as a person reads it.
pub fn human_size(bytes: i64) -> String {
    match bytes {
        ..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} KB", (bytes + 500) / 1_000),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}

/// Attaches stored files to a message.
pub async fn attach(db: &mut PgConnection, ticket: TicketId, message: MessageId, files: &[StoredFile]) -> sqlx::Result<()> {
    for file in files {
        sqlx::query!(
            "insert into attachments (ticket_id, message_id, name, media_type, size, sha256, content_id, inline)
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
            ticket.0,
            message.0,
            file.name,
            file.media_type,
            file.size,
            file.sha256,
            file.content_id,
            file.inline
        )
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}

/// The files of several messages of a ticket.
pub async fn of_messages(db: &mut PgConnection, messages: &[MessageId]) -> sqlx::Result<Vec<Attachment>> {
    let ids: Vec<i64> = messages.iter().map(|id| id.0).collect();
    sqlx::query_as!(
        Attachment,
        r#"select id, ticket_id as ticket, message_id as message, name, media_type, size, sha256, content_id, inline
           from attachments where message_id = any($1) order by id limit 2000"#,
        &ids
    )
    .fetch_all(db)
    .await
}

/// One file, if it belongs to the ticket.
pub async fn find(db: &mut PgConnection, ticket: TicketId, id: AttachmentId) -> sqlx::Result<Option<Attachment>> {
    sqlx::query_as!(
        Attachment,
        "select id, ticket_id as ticket, message_id as message, name, media_type, size, sha256, content_id, inline
         from attachments where id = $1 and ticket_id = $2",
        id.0,
        ticket.0
    )
    .fetch_optional(db)
    .await
}

/// One file, for whoever may see every ticket.
pub async fn find_any(db: &mut PgConnection, id: AttachmentId) -> sqlx::Result<Option<Attachment>> {
    sqlx::query_as!(
        Attachment,
        "select id, ticket_id as ticket, message_id as message, name, media_type, size, sha256, content_id, inline
         from attachments where id = $1",
        id.0
    )
    .fetch_optional(db)
    .await
}

/// A file added to a reply that is still being written.
#[derive(Debug, Clone, Deserialize)]
pub struct Upload {
    pub id: UploadId,
    pub name: String,
    pub media_type: String,
    pub size: i64,
    /// Under which it stands within the words, where it may.
    pub content_id: Option<String>,
}

impl Upload {
    /// "2.4 MB".
    pub fn human_size(&self) -> String {
        human_size(self.size)
    }
}

/// Adds a file to an agent's unsent reply.
pub async fn add_upload(db: &mut PgConnection, ticket: TicketId, agent: AgentId, file: &StoredFile) -> sqlx::Result<UploadId> {
    sqlx::query_scalar!(
        r#"insert into uploads (ticket_id, agent_id, name, media_type, size, sha256, content_id) values ($1, $2, $3, $4, $5, $6, $7) returning id as "id: UploadId""#,
        ticket.0,
        agent.0,
        file.name,
        file.media_type,
        file.size,
        file.sha256,
        file.content_id
    )
    .fetch_one(db)
    .await
}

/// The files of an agent's unsent reply.
pub async fn uploads(db: &mut PgConnection, ticket: TicketId, agent: AgentId) -> sqlx::Result<Vec<Upload>> {
    sqlx::query_as!(
        Upload,
        "select id, name, media_type, size, content_id from uploads
         where ticket_id = $1 and agent_id = $2 and planned_id is null and space = '' order by id limit 100",
        ticket.0,
        agent.0
    )
    .fetch_all(db)
    .await
}

/// Takes a file back from an unsent reply. `false`: it was not there.
pub async fn remove_upload(db: &mut PgConnection, ticket: TicketId, agent: AgentId, id: UploadId) -> sqlx::Result<bool> {
    let gone =
        sqlx::query!("delete from uploads where id = $1 and ticket_id = $2 and agent_id = $3", id.0, ticket.0, agent.0).execute(db).await?;
    Ok(gone.rows_affected() == 1)
}

/// Turns the files of an unsent reply, or of one for later, into attachments of the message it has become.
/// Pictures that its words show are marked as such.
pub async fn attach_uploads(
    db: &mut PgConnection,
    ticket: TicketId,
    agent: AgentId,
    plan: Option<PlanId>,
    message: MessageId,
    body: &str,
) -> sqlx::Result<()> {
    let shown: Vec<String> = pictures::ids(body).into_iter().map(str::to_owned).collect();
    sqlx::query!(
        "with moved as (delete from uploads
                        where ticket_id = $1 and agent_id = $2 and planned_id is not distinct from $5 and (space = '' or planned_id is not null)
                        returning id, name, media_type, size, sha256, content_id)
         insert into attachments (ticket_id, message_id, name, media_type, size, sha256, content_id, inline)
         select $1, $3, name, media_type, size, sha256, content_id, coalesce(content_id = any($4), false) from moved order by id",
        ticket.0,
        agent.0,
        message.0,
        &shown,
        plan.map(|id| id.0)
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Gives a message files that other messages of its ticket have, as new ones: what they were called within other words is gone.
pub async fn copy(db: &mut PgConnection, ticket: TicketId, message: MessageId, files: &[AttachmentId]) -> sqlx::Result<()> {
    let ids: Vec<i64> = files.iter().map(|id| id.0).collect();
    sqlx::query!(
        "insert into attachments (ticket_id, message_id, name, media_type, size, sha256)
         select ticket_id, $2, name, media_type, size, sha256 from attachments where ticket_id = $1 and id = any($3) order by id limit 100",
        ticket.0,
        message.0,
        &ids
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Gives a message every file of another of its ticket, under the names that its words have for them.
pub async fn repeat(db: &mut PgConnection, from: MessageId, message: MessageId) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into attachments (ticket_id, message_id, name, media_type, size, sha256, content_id, inline)
         select ticket_id, $2, name, media_type, size, sha256, content_id, inline from attachments where message_id = $1 order by id limit 100",
        from.0,
        message.0
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Keeps files of a form that was refused, of a letter that has no composer of its own.
pub async fn keep(db: &mut PgConnection, ticket: Option<TicketId>, agent: AgentId, space: &str, files: &[StoredFile]) -> sqlx::Result<()> {
    for file in files {
        sqlx::query!(
            "insert into uploads (ticket_id, agent_id, space, name, media_type, size, sha256) values ($1, $2, $3, $4, $5, $6, $7)",
            ticket.map(|id| id.0),
            agent.0,
            space,
            file.name,
            file.media_type,
            file.size,
            file.sha256
        )
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}

/// What was kept so.
pub async fn kept(db: &mut PgConnection, ticket: Option<TicketId>, agent: AgentId, space: &str) -> sqlx::Result<Vec<Upload>> {
    sqlx::query_as!(
        Upload,
        "select id, name, media_type, size, content_id from uploads
         where ticket_id is not distinct from $1 and agent_id = $2 and space = $3 order by id limit 100",
        ticket.map(|id| id.0),
        agent.0,
        space
    )
    .fetch_all(db)
    .await
}

/// Takes out what was kept so; of it only what is in `wanted` is given back.
pub async fn take_kept(
    db: &mut PgConnection,
    ticket: Option<TicketId>,
    agent: AgentId,
    space: &str,
    wanted: &[UploadId],
) -> sqlx::Result<Vec<StoredFile>> {
    let rows = sqlx::query!(
        "delete from uploads where ticket_id is not distinct from $1 and agent_id = $2 and space = $3 returning id, name, media_type, size, sha256",
        ticket.map(|id| id.0),
        agent.0,
        space
    )
    .fetch_all(db)
    .await?;
    let mut files: Vec<(UploadId, StoredFile)> = rows
        .into_iter()
        .filter(|row| wanted.contains(&row.id))
        .map(|row| {
            let (name, media_type, size, sha256) = (row.name, row.media_type, row.size, row.sha256);
            (row.id, StoredFile { name, media_type, size, sha256, content_id: None, inline: false })
        })
        .collect();
    files.sort_by_key(|(id, _)| *id);
    Ok(files.into_iter().map(|(_, file)| file).collect())
}

/// The attachments of a message with their content, to be sent.
pub async fn load_for_sending(app: &App, message: MessageId) -> anyhow::Result<Vec<OutgoingFile>> {
    let mut db = app.db.acquire().await?;
    let attachments = of_messages(&mut db, &[message]).await?;
    drop(db);
    load(app, attachments).await
}

/// Attachments with their content.
pub async fn load(app: &App, attachments: Vec<Attachment>) -> anyhow::Result<Vec<OutgoingFile>> {
    let mut files = Vec::with_capacity(attachments.len());
    for attachment in attachments {
        let bytes = app.blobs.get(&attachment.sha256).await?;
        let content_id = attachment.content_id.filter(|_| attachment.inline);
        files.push(OutgoingFile { name: attachment.name, media_type: attachment.media_type, bytes, content_id });
    }
    Ok(files)
}
