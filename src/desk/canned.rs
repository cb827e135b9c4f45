//! Canned replies: what the desk says often, in every language it speaks.

use sqlx::PgConnection;

use crate::desk::agents::Agent;
use crate::desk::files::{StoredFile, human_size};
use crate::desk::kinds::{CannedScope, Role};
use crate::ids::{AgentId, CannedFileId, CannedReplyId, MessageId, TeamId, TicketId};

/// A canned reply without its texts.
#[derive(Debug, Clone)]
pub struct CannedReply {
    pub id: CannedReplyId,
    pub name: String,
    /// What an agent types after `#`.
    pub shortcut: String,
    /// Empty: in no folder.
    pub folder: String,
    pub scope: CannedScope,
    pub team_id: Option<TeamId>,
    pub owner_id: Option<AgentId>,
    pub used_count: i32,
}

impl CannedReply {
    /// Whether an agent may change it: their own; leads and admins everything that is not somebody else's own.
    pub fn may_edit(&self, agent: &Agent) -> bool {
        self.owner_id == Some(agent.id) || (self.scope != CannedScope::Personal && agent.role >= Role::Lead)
    }
}

/// The words of a canned reply in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CannedText {
    pub language: String,
    pub body: String,
}

/// A file that goes with a canned reply.
#[derive(Debug, Clone)]
pub struct CannedFile {
    pub id: CannedFileId,
    pub name: String,
    pub media_type: String,
    pub size: i64,
}

impl CannedFile {
    /// "2.4 MB".
    pub fn human_size(&self) -> String {
        human_size(self.size)
    }
}

/// What a new or changed canned reply is made of.
#[derive(Debug, Clone)]
pub struct CannedDraft {
    pub name: String,
    pub shortcut: String,
    pub folder: String,
    pub scope: CannedScope,
    pub team_id: Option<TeamId>,
    pub owner_id: Option<AgentId>,
    /// Languages without words are left out.
    pub texts: Vec<CannedText>,
}

/// A canned reply as the composer offers it: in the customer's language, else the desk's, else any.
#[derive(Debug, Clone)]
pub struct Usable {
    pub id: CannedReplyId,
    pub name: String,
    pub shortcut: String,
    pub folder: String,
    pub language: String,
    pub body: String,
    pub files: i64,
}

/// What an agent may use, the most used first.
pub async fn usable(db: &mut PgConnection, agent: AgentId, language: &str, fallback: &str) -> sqlx::Result<Vec<Usable>> {
    sqlx::query_as!(
        Usable,
        r#"select r.id, r.name, r.shortcut, r.folder, t.language, t.body,
                  (select count(*) from canned_files f where f.canned_reply_id = r.id) as "files!"
           from canned_replies r
           join lateral (select language, body from canned_texts t where t.canned_reply_id = r.id
                         order by t.language = $2 desc, t.language = $3 desc, t.language limit 1) t on true
           where r.scope = 'everyone' or r.owner_id = $1 or r.team_id in (select team_id from team_members where agent_id = $1)
           order by r.used_count desc, lower(r.name) limit 500"#,
        agent.0,
        language,
        fallback
    )
    .fetch_all(db)
    .await
}

/// The canned replies that an agent may see in settings: everyone's, their teams' and their own; admins and leads see all but
/// others' personal ones.
pub async fn list(db: &mut PgConnection, agent: AgentId, all_teams: bool) -> sqlx::Result<Vec<CannedReply>> {
    sqlx::query_as!(
        CannedReply,
        "select id, name, shortcut, folder, scope, team_id, owner_id, used_count from canned_replies
         where scope = 'everyone' or owner_id = $1
            or (scope = 'team' and ($2 or team_id in (select team_id from team_members where agent_id = $1)))
         order by lower(folder), lower(name) limit 2000",
        agent.0,
        all_teams
    )
    .fetch_all(db)
    .await
}

/// One canned reply.
pub async fn find(db: &mut PgConnection, id: CannedReplyId) -> sqlx::Result<Option<CannedReply>> {
    sqlx::query_as!(
        CannedReply,
        "select id, name, shortcut, folder, scope, team_id, owner_id, used_count from canned_replies where id = $1",
        id.0
    )
    .fetch_optional(db)
    .await
}

/// Its words, by language.
pub async fn texts(db: &mut PgConnection, id: CannedReplyId) -> sqlx::Result<Vec<CannedText>> {
    sqlx::query_as!(CannedText, "select language, body from canned_texts where canned_reply_id = $1 order by language", id.0)
        .fetch_all(db)
        .await
}

/// The words of several, by reply and language.
pub async fn texts_of(db: &mut PgConnection, ids: &[CannedReplyId]) -> sqlx::Result<Vec<(CannedReplyId, CannedText)>> {
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        "select canned_reply_id, language, body from canned_texts where canned_reply_id = any($1) order by canned_reply_id, language limit 5000",
        &ids
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.canned_reply_id, CannedText { language: row.language, body: row.body })).collect())
}

/// Its files.
pub async fn files(db: &mut PgConnection, id: CannedReplyId) -> sqlx::Result<Vec<CannedFile>> {
    sqlx::query_as!(CannedFile, "select id, name, media_type, size from canned_files where canned_reply_id = $1 order by id limit 50", id.0)
        .fetch_all(db)
        .await
}

/// Makes a canned reply. Fails on `canned_replies_shortcut_key`.
pub async fn create(db: &mut PgConnection, draft: &CannedDraft) -> sqlx::Result<CannedReplyId> {
    let id = sqlx::query_scalar!(
        r#"insert into canned_replies (name, shortcut, folder, scope, team_id, owner_id) values ($1, $2, $3, $4, $5, $6)
           returning id as "id: CannedReplyId""#,
        draft.name,
        draft.shortcut,
        draft.folder,
        draft.scope as CannedScope,
        draft.team_id.map(|id| id.0),
        draft.owner_id.map(|id| id.0)
    )
    .fetch_one(&mut *db)
    .await?;
    set_texts(db, id, &draft.texts).await?;
    Ok(id)
}

/// Changes a canned reply. Fails on `canned_replies_shortcut_key`. `false`: there is none.
pub async fn update(db: &mut PgConnection, id: CannedReplyId, draft: &CannedDraft) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update canned_replies set name = $2, shortcut = $3, folder = $4, scope = $5, team_id = $6, owner_id = $7, updated_at = now() where id = $1",
        id.0,
        draft.name,
        draft.shortcut,
        draft.folder,
        draft.scope as CannedScope,
        draft.team_id.map(|id| id.0),
        draft.owner_id.map(|id| id.0)
    )
    .execute(&mut *db)
    .await?;
    if done.rows_affected() == 1 {
        set_texts(db, id, &draft.texts).await?;
    }
    Ok(done.rows_affected() == 1)
}

async fn set_texts(db: &mut PgConnection, id: CannedReplyId, texts: &[CannedText]) -> sqlx::Result<()> {
    sqlx::query!("delete from canned_texts where canned_reply_id = $1", id.0).execute(&mut *db).await?;
    for text in texts.iter().filter(|text| !text.body.trim().is_empty()) {
        sqlx::query!("insert into canned_texts (canned_reply_id, language, body) values ($1, $2, $3)", id.0, text.language, text.body)
            .execute(&mut *db)
            .await?;
    }
    Ok(())
}

/// Removes a canned reply. What was sent with it stays as it is.
pub async fn delete(db: &mut PgConnection, id: CannedReplyId) -> sqlx::Result<bool> {
    let done = sqlx::query!("delete from canned_replies where id = $1", id.0).execute(db).await?;
    Ok(done.rows_affected() == 1)
}

/// Adds a file.
pub async fn add_file(db: &mut PgConnection, id: CannedReplyId, file: &StoredFile) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into canned_files (canned_reply_id, name, media_type, size, sha256) values ($1, $2, $3, $4, $5)",
        id.0,
        file.name,
        file.media_type,
        file.size,
        file.sha256
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes a file away.
pub async fn remove_file(db: &mut PgConnection, id: CannedReplyId, file: CannedFileId) -> sqlx::Result<bool> {
    let done = sqlx::query!("delete from canned_files where id = $1 and canned_reply_id = $2", file.0, id.0).execute(db).await?;
    Ok(done.rows_affected() == 1)
}

/// Counts a use, and attaches those of the reply's files that the agent kept. Nothing happens with a reply they may not use.
pub async fn take(
    db: &mut PgConnection,
    id: CannedReplyId,
    files: &[CannedFileId],
    ticket: TicketId,
    message: MessageId,
    agent: AgentId,
) -> sqlx::Result<()> {
    let done = sqlx::query!(
        "update canned_replies set used_count = used_count + 1
         where id = $1 and (scope = 'everyone' or owner_id = $2 or team_id in (select team_id from team_members where agent_id = $2))",
        id.0,
        agent.0
    )
    .execute(&mut *db)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(());
    }
    let files: Vec<i64> = files.iter().map(|id| id.0).collect();
    sqlx::query!(
        "insert into attachments (ticket_id, message_id, name, media_type, size, sha256)
         select $3, $4, name, media_type, size, sha256 from canned_files where canned_reply_id = $1 and id = any($2) order by id",
        id.0,
        &files,
        ticket.0,
        message.0
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The files of several canned replies, with the reply that each belongs to.
pub async fn files_of(db: &mut PgConnection, replies: &[CannedReplyId]) -> sqlx::Result<Vec<(CannedReplyId, CannedFile)>> {
    let ids: Vec<i64> = replies.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        "select canned_reply_id, id, name, media_type, size from canned_files where canned_reply_id = any($1) order by id limit 2000",
        &ids
    )
    .fetch_all(db)
    .await?;
    let file = |row: (CannedFileId, String, String, i64)| CannedFile { id: row.0, name: row.1, media_type: row.2, size: row.3 };
    Ok(rows.into_iter().map(|row| (row.canned_reply_id, file((row.id, row.name, row.media_type, row.size)))).collect())
}

/// A canned reply as its list shows it.
#[derive(Debug, Clone)]
pub struct Listed {
    pub reply: CannedReply,
    /// Two-letter codes, in order.
    pub languages: Vec<String>,
    pub files: usize,
    /// All its words, for a search within the list.
    pub words: String,
}

/// The list with languages, files and words; see [`list`].
pub async fn list_detailed(db: &mut PgConnection, agent: AgentId, all_teams: bool) -> sqlx::Result<Vec<Listed>> {
    let replies = list(db, agent, all_teams).await?;
    let ids: Vec<i64> = replies.iter().map(|reply| reply.id.0).collect();
    let texts = sqlx::query!(
        "select canned_reply_id, language, body from canned_texts where canned_reply_id = any($1) order by canned_reply_id, language limit 20000",
        &ids
    )
    .fetch_all(&mut *db)
    .await?;
    let mut listed: std::collections::HashMap<CannedReplyId, Listed> = std::collections::HashMap::new();
    let order: Vec<CannedReplyId> = replies.iter().map(|reply| reply.id).collect();
    for reply in replies {
        listed.insert(reply.id, Listed { reply, languages: Vec::new(), files: 0, words: String::new() });
    }
    for text in texts {
        if let Some(reply) = listed.get_mut(&text.canned_reply_id) {
            reply.languages.push(text.language);
            reply.words.push_str(&text.body);
            reply.words.push('\n');
        }
    }
    for (owner, _) in files_of(db, &order).await? {
        if let Some(reply) = listed.get_mut(&owner) {
            reply.files += 1;
        }
    }
    Ok(order.iter().filter_map(|id| listed.remove(id)).collect())
}

/// One file and the name of its content.
pub async fn find_file(db: &mut PgConnection, id: CannedReplyId, file: CannedFileId) -> sqlx::Result<Option<(CannedFile, Vec<u8>)>> {
    let row =
        sqlx::query!("select id, name, media_type, size, sha256 from canned_files where id = $1 and canned_reply_id = $2", file.0, id.0)
            .fetch_optional(db)
            .await?;
    Ok(row.map(|row| (CannedFile { id: row.id, name: row.name, media_type: row.media_type, size: row.size }, row.sha256)))
}

/// Gives one reply the files of another, for a copy.
pub async fn copy_files(db: &mut PgConnection, from: CannedReplyId, to: CannedReplyId) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into canned_files (canned_reply_id, name, media_type, size, sha256)
         select $2, name, media_type, size, sha256 from canned_files where canned_reply_id = $1 order by id",
        from.0,
        to.0
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The shortcuts that begin like this one, so that a copy can take a free one.
pub async fn shortcuts_like(db: &mut PgConnection, shortcut: &str) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        "select lower(shortcut) as \"shortcut!\" from canned_replies where starts_with(lower(shortcut), lower($1)) limit 1000",
        shortcut
    )
    .fetch_all(db)
    .await
}

/// What the variables of a canned reply stand for on one ticket.
#[derive(Debug, Clone, Default)]
pub struct Variables {
    pub customer_name: String,
    pub customer_email: String,
    pub agent_name: String,
    pub ticket_number: String,
    pub ticket_subject: String,
    pub ticket_link: String,
    pub shop_name: String,
}

/// Every variable with what it stands for, for the editor's help.
pub const VARIABLES: &[(&str, &str)] = &[
    ("customer.first_name", "the customer's first name"),
    ("customer.name", "the customer's full name"),
    ("customer.email", "the customer's address"),
    ("agent.name", "your name"),
    ("agent.first_name", "your first name"),
    ("ticket.number", "the ticket's number"),
    ("ticket.subject", "the ticket's subject"),
    ("ticket.link", "the customer's own page for this ticket"),
    ("shop.name", "the shop's name"),
];

impl Variables {
    /// What a variable stands for; none when there is no such variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        let first = |name: &'_ str| {
            name.split_whitespace().next().map_or(0..0, |word| {
                let at = name.find(word).unwrap_or(0);
                at..at + word.len()
            })
        };
        Some(match name {
            "customer.first_name" => &self.customer_name[first(&self.customer_name)],
            "customer.name" => &self.customer_name,
            "customer.email" => &self.customer_email,
            "agent.name" => &self.agent_name,
            "agent.first_name" => &self.agent_name[first(&self.agent_name)],
            "ticket.number" => &self.ticket_number,
            "ticket.subject" => &self.ticket_subject,
            "ticket.link" => &self.ticket_link,
            "shop.name" => &self.shop_name,
            _ => return None,
        })
    }

    /// Fills `{{customer.name}}` and its like. An unknown variable stays as it is, for the agent to see. A variable that is empty here
    /// takes the space before it along, so that "Hello {{customer.first_name}}," becomes "Hello,".
    pub fn fill(&self, text: &str) -> String {
        let mut filled = String::with_capacity(text.len() + 64);
        let mut rest = text;
        while let Some(start) = rest.find("{{") {
            let Some(length) = rest[start..].find("}}") else { break };
            let name = rest[start + 2..start + length].trim();
            filled.push_str(&rest[..start]);
            match self.get(name) {
                Some("") => filled.truncate(filled.trim_end_matches(' ').len()),
                Some(value) => filled.push_str(value),
                None => filled.push_str(&rest[start..start + length + 2]),
            }
            rest = &rest[start + length + 2..];
        }
        filled.push_str(rest);
        filled
    }
}

/// The variables in a text that stand for nothing, such as a misspelt one.
pub fn unknown_variables(text: &str) -> Vec<String> {
    let mut unknown = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let Some(length) = rest[start..].find("}}") else { break };
        let name = rest[start + 2..start + length].trim();
        if !VARIABLES.iter().any(|(known, _)| *known == name) {
            unknown.push(name.to_owned());
        }
        rest = &rest[start + length + 2..];
    }
    unknown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_filled_and_empty_ones_leave_no_hole() {
        let variables = Variables { customer_name: "Anna Verdi".into(), ticket_number: "42".into(), ..Variables::default() };
        assert_eq!(variables.fill("Ciao {{customer.first_name}}, #{{ ticket.number }}"), "Ciao Anna, #42");
        assert_eq!(Variables::default().fill("Ciao {{customer.first_name}}, bene"), "Ciao, bene");
        assert_eq!(variables.fill("{{oops}} {{customer.name"), "{{oops}} {{customer.name");
        assert_eq!(unknown_variables("{{shop.name}} {{ shop.nane }}"), ["shop.nane"]);
    }
}
