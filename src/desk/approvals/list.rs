//! What waits for a second person, for those who decide and for those who wrote; and what happened on a ticket meanwhile.

use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;

use crate::clock::Ts;
use crate::desk::approvals::Approval;
use crate::desk::cursors;
use crate::desk::files::human_size;
use crate::desk::kinds::{ApprovalState, Direction, Role, Status};
use crate::desk::presence::{self, Leader};
use crate::ids::{AgentId, ApprovalId, ChannelId, MessageId, TicketId};
use crate::text;

/// Rows on a page.
pub const PAGE: usize = 25;

/// A line of the list.
#[derive(Debug, Clone)]
pub struct Row {
    pub id: ApprovalId,
    pub ticket: TicketId,
    pub channel: ChannelId,
    pub author: AgentId,
    pub body: String,
    pub edited_by: Option<AgentId>,
    pub created_at: Ts,
    pub subject: String,
    pub name: String,
    /// What the customer said last.
    pub asked: Option<String>,
    /// Something happened on the ticket since.
    pub changed: bool,
}

/// Where a page ended: since when its last row waits.
pub type Cursor = cursors::Cursor<ApprovalId>;

/// What waits, the oldest first: for those who lead everybody's, for others their own.
pub async fn page(db: &mut PgConnection, agent: AgentId, role: Role, after: Option<Cursor>) -> sqlx::Result<(Vec<Row>, Option<Cursor>)> {
    let after = after.and_then(|after| Some((after.ts()?, after.id)));
    let mut rows = sqlx::query_as!(
        Row,
        r#"select a.id, a.ticket_id as ticket, a.channel_id as channel, a.author_id as author, a.body, a.edited_by, a.created_at, t.subject, c.name,
                  (select m.body from messages m where m.ticket_id = t.id and m.direction = 'inbound' and m.removed_at is null
                   order by m.id desc limit 1) as asked,
                  exists (select from messages m where m.ticket_id = t.id and m.direction <> 'note' and m.id > a.seen_id)
                  or exists (select from events e where e.ticket_id = t.id and e.kind in ('message_edited', 'message_removed', 'message_restored', 'message_deleted')
                             and e.id > (select max(id) from events o where o.ticket_id = t.id and o.kind = 'approval_asked'
                                         and o.data -> 'approval' = to_jsonb(a.id))) as "changed!"
           from approvals a join tickets t on t.id = a.ticket_id join contacts c on c.id = t.contact_id
           where a.state = 'waiting' and ($1 or a.author_id = $2) and ($3::timestamptz is null or (a.created_at, a.id) > ($3, $4))
           order by a.created_at, a.id limit $5"#,
        role >= Role::Lead,
        agent.0,
        after.map(|(at, _)| at) as Option<Ts>,
        after.map_or(0, |(_, id)| id.0),
        i64::try_from(PAGE + 1).unwrap_or(i64::MAX)
    )
    .fetch_all(db)
    .await?;
    let next = cursors::cut(&mut rows, PAGE, |row| Cursor::new(Some(row.created_at), row.id));
    Ok((rows, next))
}

/// A file that goes along.
#[derive(Debug, Clone)]
pub struct HeldFile {
    pub id: i64,
    pub name: String,
    pub media_type: String,
    pub size: i64,
    pub sha256: Vec<u8>,
}

impl HeldFile {
    /// "2.4 MB".
    pub fn human_size(&self) -> String {
        human_size(self.size)
    }
}

/// The files of one.
pub async fn files(db: &mut PgConnection, id: ApprovalId) -> sqlx::Result<Vec<HeldFile>> {
    sqlx::query_as!(
        HeldFile,
        "select id, name, media_type, size, sha256 from approval_files where approval_id = $1 order by id limit 100",
        id.0
    )
    .fetch_all(db)
    .await
}

/// What waits on a ticket, and what came back to this author last and was not put right yet.
pub async fn on_ticket(db: &mut PgConnection, ticket: TicketId, agent: AgentId) -> sqlx::Result<Vec<Approval>> {
    sqlx::query_as!(
        Approval,
        r#"select id, ticket_id as ticket, channel_id as channel, author_id as author, body, written, choices, canned, then_status as "then: Status",
                  answers_id as "answers: MessageId", seen_id as "seen: MessageId", state as "state: ApprovalState", edited_by, decided_by, decided_at, reason, message_id as message, created_at
           from approvals where ticket_id = $1 and (state = 'waiting' or (state = 'returned' and author_id = $2 and told_at is null))
           order by id limit 50"#,
        ticket.0,
        agent.0
    )
    .fetch_all(db)
    .await
}

/// How an answer and its conversation stood: anything that somebody should see before they send it makes another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Its newest message, notes aside.
    last: i64,
    /// The newest edit or removal, by its entry in the history: a provider's clock may be anything.
    changed: i64,
    /// The words that wait, which another approver may have corrected.
    words: u32,
}

impl std::fmt::Display for Stamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.last, self.changed, self.words)
    }
}

impl std::str::FromStr for Stamp {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (last, rest) = text.split_once('.').ok_or(())?;
        let (changed, words) = rest.split_once('.').ok_or(())?;
        let number = |text: &str| text.parse().map_err(|_| ());
        Ok(Self { last: number(last)?, changed: number(changed)?, words: words.parse().map_err(|_| ())? })
    }
}

/// How an answer and its ticket's conversation stand now.
pub async fn stamp(db: &mut PgConnection, approval: &Approval) -> sqlx::Result<Stamp> {
    let row = sqlx::query!(
        r#"select (select coalesce(max(id), 0) from messages where ticket_id = $1 and direction <> 'note') as "last!",
                  (select coalesce(max(id), 0) from events
                   where ticket_id = $1 and kind in ('message_edited', 'message_removed', 'message_restored', 'message_deleted')) as "changed!""#,
        approval.ticket.0
    )
    .fetch_one(db)
    .await?;
    let [a, b, c, d, ..] = Sha256::digest(&approval.body).0;
    Ok(Stamp { last: row.last, changed: row.changed, words: u32::from_be_bytes([a, b, c, d]) })
}

/// Something that happened on a ticket after an answer was written.
#[derive(Debug, Clone)]
pub struct Since {
    pub message: MessageId,
    pub direction: Direction,
    pub agent: Option<AgentId>,
    pub public: bool,
    /// Its words as they stand now, in short.
    pub words: String,
    pub what: What,
    pub at: Ts,
}

/// What happened to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// It is new.
    Said,
    Edited,
    Removed,
}

/// What happened on the ticket since an answer was written, oldest first.
pub async fn since(db: &mut PgConnection, approval: &Approval) -> sqlx::Result<Vec<Since>> {
    let rows = sqlx::query!(
        r#"select m.id, m.direction, m.agent_id, m.public, m.body, m.created_at, m.removed_at, e.at as "edited: Ts"
           from messages m left join lateral (
               select max(created_at) as at from events e
               where e.ticket_id = m.ticket_id and e.kind in ('message_edited', 'message_removed', 'message_restored', 'message_deleted')
                 and e.data -> 'message' = to_jsonb(m.id)
                 and e.id > (select max(id) from events o where o.ticket_id = m.ticket_id and o.kind = 'approval_asked'
                             and o.data -> 'approval' = to_jsonb($3::bigint))) e on true
           where m.ticket_id = $1 and m.direction <> 'note' and not (m.direction = 'outbound' and m.automatic) and m.id is distinct from $4
             and (m.id > $2 or e.at is not null) order by m.id limit 50"#,
        approval.ticket.0,
        approval.seen.0,
        approval.id.0,
        approval.message.map(|id| id.0)
    )
    .fetch_all(db)
    .await?;
    let rows = rows.into_iter().map(|row| {
        let (what, at) = match (row.removed_at, row.edited) {
            (Some(_), Some(at)) => (What::Removed, at),
            (None, Some(at)) if row.id <= approval.seen => (What::Edited, at),
            _ => (What::Said, row.created_at),
        };
        let words = text::excerpts::excerpt(&row.body, 200);
        Since { message: row.id, direction: row.direction, agent: row.agent_id, public: row.public, words, what, at }
    });
    Ok(rows.collect())
}

/// Everybody who may decide about what somebody wrote.
pub async fn approvers(db: &mut PgConnection, author: AgentId, now: Ts) -> sqlx::Result<Vec<Leader>> {
    let mut leads = presence::leads(db, now).await?;
    leads.retain(|lead| lead.agent != author);
    Ok(leads)
}

/// What became of an answer, for its author.
#[derive(Debug, Clone)]
pub struct Told {
    pub id: ApprovalId,
    pub ticket: TicketId,
    pub state: ApprovalState,
    pub by: AgentId,
    pub reason: String,
    pub edited: bool,
}

/// What became of an agent's answers and they have not seen: what was returned, then what was sent, the newest first.
pub async fn untold(db: &mut PgConnection, author: AgentId) -> sqlx::Result<Vec<Told>> {
    sqlx::query_as!(
        Told,
        r#"select id, ticket_id as ticket, state, decided_by as "by!", reason, body <> written as "edited!" from approvals
           where author_id = $1 and state in ('sent', 'returned') and told_at is null and decided_by is not null
           order by state desc, decided_at desc limit 10"#,
        author.0
    )
    .fetch_all(db)
    .await
}

/// An author has seen what became of their answer. What was sent is told in one line: with one of them all older ones are seen too.
pub async fn note_told(db: &mut PgConnection, author: AgentId, id: ApprovalId) -> sqlx::Result<()> {
    sqlx::query!(
        "update approvals a set told_at = now() from approvals seen
         where seen.id = $1 and seen.author_id = $2 and a.author_id = $2 and a.told_at is null
               and (a.id = seen.id or (a.state = 'sent' and seen.state = 'sent' and a.decided_at <= seen.decided_at))",
        id.0,
        author.0
    )
    .execute(db)
    .await?;
    Ok(())
}
