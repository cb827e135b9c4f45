//! Public answers that a second person must see first. Where a role asks for it, what its people write in public is kept apart: no message
//! exists until somebody else who leads sends it, so that nothing can leave by mistake. The network's own folder hears of none of this.

mod decide;
pub mod list;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use crate::clock::Ts;
use crate::desk::agents::Agent;
use crate::desk::changes::{Actor, Change};
use crate::desk::events::Event;
use crate::desk::files::StoredFile;
use crate::desk::kinds::{ApprovalState, Role, Status};
use crate::desk::networks::say::{self, Outlet};
use crate::desk::tickets::reply::{self, NewReply, ReplyError};
use crate::desk::tickets::{self, drafts};
use crate::ids::{AgentId, ApprovalId, ChannelId, MessageId, TicketId};
use crate::jobs::Job;

pub use decide::{DecideError, give_back, save, send, withdraw};

/// Minutes after which approvers are written to, if none of them is there.
pub const MAIL: i64 = 15;

/// Whose public answers need a second person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rules {
    pub agent: Rule,
    pub lead: Rule,
    /// Minutes after which approvers are written to, if none of them is there.
    pub mail: i64,
}

impl Default for Rules {
    fn default() -> Self {
        Self { agent: Rule::default(), lead: Rule::default(), mail: MAIL }
    }
}

/// On which channels.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rule {
    /// On all of them, also those that are connected later.
    pub all: bool,
    pub channels: Vec<ChannelId>,
}

impl Rule {
    /// Whether it applies on a channel.
    pub fn applies(&self, channel: ChannelId) -> bool {
        self.all || self.channels.contains(&channel)
    }

    /// Whether it applies anywhere.
    pub fn any(&self) -> bool {
        self.all || !self.channels.is_empty()
    }
}

impl Rules {
    /// The rule of a role. Admins need nobody.
    pub fn of(&self, role: Role) -> Option<&Rule> {
        match role {
            Role::Agent => Some(&self.agent),
            Role::Lead => Some(&self.lead),
            Role::Admin => None,
        }
    }

    /// Whether what somebody of this role says in public there waits for a second person.
    pub fn apply(&self, role: Role, channel: ChannelId) -> bool {
        self.of(role).is_some_and(|rule| rule.applies(channel))
    }

    /// Whether anybody's answers wait.
    pub fn any(&self) -> bool {
        self.agent.any() || self.lead.any()
    }
}

/// Whether what somebody says in public there waits for a second person. Asked of the database itself: an answer must not slip out while
/// another process has not heard of the rule yet.
pub async fn needed(db: &mut PgConnection, role: Role, channel: ChannelId) -> sqlx::Result<bool> {
    let stored = sqlx::query_scalar!("select approval from desk").fetch_one(db).await?;
    // What cannot be read was written by a newer version: then everything waits.
    let Ok(rules) = serde_json::from_value::<Rules>(stored) else { return Ok(role != Role::Admin) };
    Ok(rules.apply(role, channel))
}

/// What became of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    Queued(MessageId),
    /// It waits for a second person.
    Held(ApprovalId),
}

/// Queues the reply in an agent's composer with the files that wait there, or keeps both for a second person.
pub async fn reply_or_hold(change: &mut Change, agent: &Agent, ticket: TicketId, new: &NewReply) -> Result<Answered, ReplyError> {
    match reply::reply(change, agent, ticket, new).await {
        Ok(message) => Ok(Answered::Queued(message)),
        Err(ReplyError::NeedsApproval) => hold(change, agent, ticket, new, None).await.map(Answered::Held),
        Err(error) => Err(error),
    }
}

/// The same for a program that speaks for an agent, with the files that it sends along.
pub async fn reply_apart_or_hold(
    change: &mut Change,
    agent: &Agent,
    ticket: TicketId,
    new: &NewReply,
    files: &[StoredFile],
) -> Result<Answered, ReplyError> {
    match reply::reply_apart(change, agent, ticket, new).await {
        Ok(message) => {
            crate::desk::files::attach(change, ticket, message, files).await?;
            Ok(Answered::Queued(message))
        }
        Err(ReplyError::NeedsApproval) => hold(change, agent, ticket, new, Some(files)).await.map(Answered::Held),
        Err(error) => Err(error),
    }
}

/// Keeps an answer until somebody decides. `files`: those that a program sent; `None`: those in the agent's composer, which is emptied.
async fn hold(
    change: &mut Change,
    agent: &Agent,
    ticket: TicketId,
    new: &NewReply,
    files: Option<&[StoredFile]>,
) -> Result<ApprovalId, ReplyError> {
    let ticket = tickets::lock(change, ticket).await?.ok_or(sqlx::Error::RowNotFound)?;
    let Some(outlet) = &new.outlet else { return Err(ReplyError::NeedsApproval) };
    let files = match files {
        Some(files) => Cow::Borrowed(files),
        None => {
            drafts::clear(change, ticket.id, agent.id, false).await?;
            Cow::Owned(empty_composer(change, ticket.id, agent.id, new).await?)
        }
    };
    let body = new.body.trim_end();
    if let Some(twin) = find_twin(change, ticket.id, agent.id, body, new.answers, &files).await? {
        return Ok(twin);
    }
    let canned: Vec<i64> = new.canned.iter().map(|id| id.0).collect();
    let id = sqlx::query_scalar!(
        "insert into approvals (ticket_id, channel_id, author_id, body, written, choices, canned, then_status, answers_id, seen_id)
         values ($1, $2, $3, $4, $4, $5, $6, $7, (select id from messages where id = $8 and ticket_id = $1),
                 coalesce((select max(id) from messages where ticket_id = $1), 0)) returning id",
        ticket.id.0,
        outlet.channel.0,
        agent.id.0,
        body,
        &new.choices,
        &canned,
        new.then as Option<Status>,
        new.answers.map(|id| id.0)
    )
    .fetch_one(&mut **change)
    .await?;
    keep_files(change, id, &files).await?;
    // What came back earlier has been put right.
    sqlx::query!(
        "update approvals set told_at = now() where ticket_id = $1 and author_id = $2 and state = 'returned' and told_at is null",
        ticket.id.0,
        agent.id.0
    )
    .execute(&mut **change)
    .await?;
    change.record(ticket.id, Actor::Agent(agent.id), Event::ApprovalAsked { approval: id }).await?;
    let app = change.app.clone();
    let minutes = crate::desk::directory::get_on(&app, change).await?.approval.mail;
    change.push(&Job::ApprovalStep { approval: id }, Ts::now().plus_seconds(60 * minutes)).await?;
    change.touch_floor();
    Ok(id)
}

/// A form that was sent twice waits once: the same words under the same message, with every file that comes.
async fn find_twin(
    db: &mut PgConnection,
    ticket: TicketId,
    author: AgentId,
    body: &str,
    answers: Option<MessageId>,
    files: &[StoredFile],
) -> sqlx::Result<Option<ApprovalId>> {
    let come: Vec<Vec<u8>> = files.iter().map(|file| file.sha256.clone()).collect();
    sqlx::query_scalar!(
        "select id from approvals a where ticket_id = $1 and author_id = $2 and written = $3 and state = 'waiting'
                and answers_id is not distinct from (select m.id from messages m where m.id = $4 and m.ticket_id = $1)
                and $5::bytea[] <@ array(select f.sha256 from approval_files f where f.approval_id = a.id) limit 1",
        ticket.0,
        author.0,
        body,
        answers.map(|id| id.0),
        &come
    )
    .fetch_optional(db)
    .await
}

async fn keep_files(db: &mut PgConnection, id: ApprovalId, files: &[StoredFile]) -> sqlx::Result<()> {
    for file in files {
        sqlx::query!(
            "insert into approval_files (approval_id, name, media_type, size, sha256) values ($1, $2, $3, $4, $5)",
            id.0,
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

/// Takes what waits in the composer, and what the canned replies bring along.
async fn empty_composer(db: &mut PgConnection, ticket: TicketId, agent: AgentId, new: &NewReply) -> sqlx::Result<Vec<StoredFile>> {
    let canned: Vec<i64> = new.canned.iter().map(|id| id.0).collect();
    let files: Vec<i64> = new.canned_files.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"with taken as (delete from uploads where ticket_id = $1 and agent_id = $2 and planned_id is null and space = '' returning id, name, media_type, size, sha256)
           select name as "name!", media_type as "media_type!", size as "size!", sha256 as "sha256!" from (
               select 1 as place, id, name, media_type, size, sha256 from taken
               union all
               select 2, f.id, f.name, f.media_type, f.size, f.sha256 from canned_files f join canned_replies r on r.id = f.canned_reply_id
               where r.id = any($3) and f.id = any($4)
                 and (r.scope = 'everyone' or r.owner_id = $2 or r.team_id in (select team_id from team_members where agent_id = $2))
           ) files order by place, id"#,
        ticket.0,
        agent.0,
        &canned,
        &files
    )
    .fetch_all(db)
    .await?;
    let file = |(name, media_type, size, sha256)| StoredFile { name, media_type, size, sha256, content_id: None, inline: false };
    Ok(rows.into_iter().map(|row| file((row.name, row.media_type, row.size, row.sha256))).collect())
}

/// A public answer that waits, or waited.
#[derive(Debug, Clone)]
pub struct Approval {
    pub id: ApprovalId,
    pub ticket: TicketId,
    pub channel: ChannelId,
    pub author: AgentId,
    pub body: String,
    /// As its author wrote it.
    pub written: String,
    pub choices: Vec<String>,
    pub canned: Vec<i64>,
    pub then: Option<Status>,
    /// The one message that it answers, where its network shows that.
    pub answers: Option<MessageId>,
    pub seen: MessageId,
    pub state: ApprovalState,
    pub edited_by: Option<AgentId>,
    pub decided_by: Option<AgentId>,
    pub decided_at: Option<Ts>,
    pub reason: String,
    pub message: Option<MessageId>,
    pub created_at: Ts,
}

impl Approval {
    /// Nobody has decided.
    pub fn waits(&self) -> bool {
        self.state == ApprovalState::Waiting
    }

    /// Whether somebody may decide: who leads, but never about their own.
    pub fn may_decide(&self, agent: &Agent) -> bool {
        self.waits() && agent.role >= Role::Lead && agent.id != self.author
    }
}

/// One of them.
pub async fn find(db: &mut PgConnection, id: ApprovalId) -> sqlx::Result<Option<Approval>> {
    sqlx::query_as!(
        Approval,
        r#"select id, ticket_id as ticket, channel_id as channel, author_id as author, body, written, choices, canned, then_status as "then",
                  answers_id as "answers: MessageId", seen_id as "seen: MessageId", state, edited_by, decided_by, decided_at, reason, message_id as message, created_at
           from approvals where id = $1"#,
        id.0
    )
    .fetch_optional(db)
    .await
}

/// The same, held until the transaction ends, with its ticket, which comes first as everywhere.
async fn lock(change: &mut Change, id: ApprovalId) -> sqlx::Result<Option<Approval>> {
    let Some(ticket) = sqlx::query_scalar!("select ticket_id from approvals where id = $1", id.0).fetch_optional(&mut **change).await?
    else {
        return Ok(None);
    };
    tickets::lock(change, ticket).await?;
    sqlx::query!("select from approvals where id = $1 for update", id.0).fetch_optional(&mut **change).await?;
    find(change, id).await
}

/// Where an approved answer goes: in public, as its channel can today.
async fn outlet(change: &mut Change, channel: ChannelId) -> Result<Outlet, ReplyError> {
    let app = change.app.clone();
    let directory = crate::desk::directory::get_on(&app, change).await?;
    let abilities = directory.channel(channel).and_then(|channel| channel.abilities.as_deref().cloned());
    let no = || ReplyError::NoWay("Nothing can be sent through its channel any more.".to_owned());
    Ok(say::Outlet { channel, abilities: abilities.ok_or_else(no)?, private: false, template: None })
}

/// A while has passed: approvers of whom none is there are written to.
pub async fn step(change: &mut Change, id: ApprovalId, now: Ts) -> sqlx::Result<()> {
    let Some(approval) = lock(change, id).await?.filter(Approval::waits) else { return Ok(()) };
    let app = change.app.clone();
    let minutes = crate::desk::directory::get_on(&app, change).await?.approval.mail;
    let approvers = list::approvers(change, approval.author, now).await?;
    if approvers.iter().any(|approver| approver.there) {
        // They see it on their screens; whether they leave without deciding is looked at again.
        return change.push(&Job::ApprovalStep { approval: id }, now.plus_seconds(60 * minutes.max(1))).await;
    }
    let first =
        sqlx::query!("update approvals set mailed_at = now() where id = $1 and mailed_at is null", id.0).execute(&mut **change).await?;
    if first.rows_affected() == 1 {
        for approver in approvers {
            change.push(&Job::MailApprover { agent: approver.agent, approval: id }, now).await?;
        }
    }
    Ok(())
}
