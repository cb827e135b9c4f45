//! Somebody decides about an answer that waits: sends it, gives it back, or its author takes it back.

use sqlx::PgConnection;

use crate::desk::agents::{self, Agent};
use crate::desk::approvals::list::{self, Stamp};
use crate::desk::approvals::{Approval, lock, outlet};
use crate::desk::canned;
use crate::desk::changes::{Actor, Change};
use crate::desk::events::Event;
use crate::desk::kinds::{ApprovalState, Role};
use crate::desk::tickets::drafts;
use crate::desk::tickets::reply::{self, NewReply, ReplyError};
use crate::ids::{AgentId, ApprovalId, CannedReplyId, MessageId};
use crate::jobs::{self, Job};

/// The longest word of why.
pub const MAX_REASON: usize = 2000;

/// Why nothing was decided.
#[derive(Debug, thiserror::Error)]
pub enum DecideError {
    /// Somebody else was quicker, or its author took it back.
    #[error("it is decided already")]
    Decided { state: ApprovalState, by: Option<AgentId> },
    /// Something happened on the ticket, or to the answer, that whoever decides has not seen.
    #[error("something happened in between")]
    Changed,
    /// One's own, or no lead.
    #[error("a second person decides")]
    NotYours,
    #[error("say why, so that its author can put it right")]
    NoReason,
    #[error(transparent)]
    Reply(ReplyError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl From<ReplyError> for DecideError {
    fn from(error: ReplyError) -> Self {
        match error {
            ReplyError::Database(error) => Self::Database(error),
            error => Self::Reply(error),
        }
    }
}

/// The answer, if this agent may decide about it now.
async fn open(change: &mut Change, agent: &Agent, id: ApprovalId) -> Result<Approval, DecideError> {
    let approval = lock(change, id).await?.ok_or(sqlx::Error::RowNotFound)?;
    if !approval.waits() {
        return Err(DecideError::Decided { state: approval.state, by: approval.decided_by });
    }
    if agent.role < Role::Lead || agent.id == approval.author {
        return Err(DecideError::NotYours);
    }
    Ok(approval)
}

async fn decided(change: &mut Change, id: ApprovalId, by: AgentId, state: ApprovalState, reason: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "update approvals set state = $2, decided_by = $3, decided_at = now(), reason = $4 where id = $1",
        id.0,
        state as ApprovalState,
        by.0,
        reason
    )
    .execute(&mut **change)
    .await?;
    jobs::cancel(change, &Job::ApprovalStep { approval: id }).await?;
    change.touch_floor();
    Ok(())
}

/// Keeps an approver's words without sending them yet.
pub async fn save(change: &mut Change, agent: &Agent, id: ApprovalId, body: &str) -> Result<(), DecideError> {
    let approval = open(change, agent, id).await?;
    let body = body.trim_end();
    if body.trim().is_empty() {
        return Err(DecideError::Reply(ReplyError::Empty));
    }
    if body.len() > reply::MAX_BODY {
        return Err(DecideError::Reply(ReplyError::TooLong));
    }
    rewrite(change, agent, &approval, body).await?;
    change.touch(approval.ticket);
    Ok(())
}

async fn rewrite(db: &mut PgConnection, agent: &Agent, approval: &Approval, body: &str) -> sqlx::Result<()> {
    if approval.body != body {
        sqlx::query!("update approvals set body = $2, edited_by = $3 where id = $1", approval.id.0, body, agent.id.0).execute(db).await?;
    }
    Ok(())
}

/// Sends it, in these words, in its author's name. `seen`: how it stood on the screen of whoever sends it; who does not say has not seen it.
pub async fn send(change: &mut Change, agent: &Agent, id: ApprovalId, body: &str, seen: Option<Stamp>) -> Result<MessageId, DecideError> {
    let approval = open(change, agent, id).await?;
    if seen != Some(list::stamp(change, &approval).await?) {
        return Err(DecideError::Changed);
    }
    let author: Agent = agents::find(change, approval.author).await?.ok_or(sqlx::Error::RowNotFound)?.into();
    let new = NewReply {
        body: body.trim_end().to_owned(),
        then: approval.then,
        choices: approval.choices.clone(),
        outlet: Some(outlet(change, approval.channel).await?),
        answers: approval.answers,
        ..NewReply::default()
    };
    let files = list::files(change, id).await?;
    let message = reply::reply_approved(change, &author, approval.ticket, &new, &files).await?;
    sqlx::query!(
        "insert into attachments (ticket_id, message_id, name, media_type, size, sha256)
         select $2, $3, name, media_type, size, sha256 from approval_files where approval_id = $1 order by id",
        id.0,
        approval.ticket.0,
        message.0
    )
    .execute(&mut **change)
    .await?;
    for reply in &approval.canned {
        canned::take(change, CannedReplyId(*reply), &[], approval.ticket, message, author.id).await?;
    }
    rewrite(change, agent, &approval, &new.body).await?;
    decided(change, id, agent.id, ApprovalState::Sent, "").await?;
    sqlx::query!("update approvals set message_id = $2 where id = $1", id.0, message.0).execute(&mut **change).await?;
    let edited = approval.written.trim_end() != new.body;
    let approved = Event::Approved { approval: id, author: author.id, message, edited };
    change.record(approval.ticket, Actor::Agent(agent.id), approved).await?;
    Ok(message)
}

/// Gives it back with a word of why: these words become its author's draft again, with the files.
pub async fn give_back(change: &mut Change, agent: &Agent, id: ApprovalId, body: &str, reason: &str) -> Result<(), DecideError> {
    let approval = open(change, agent, id).await?;
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(DecideError::NoReason);
    }
    let reason = &reason[..reason.floor_char_boundary(MAX_REASON)];
    let body = if body.trim().is_empty() { &approval.body } else { body };
    rewrite(change, agent, &approval, body.trim_end()).await?;
    to_composer(change, &approval, body.trim_end()).await?;
    decided(change, id, agent.id, ApprovalState::Returned, reason).await?;
    let returned = Event::ApprovalReturned { approval: id, author: approval.author, reason: reason.to_owned() };
    change.record(approval.ticket, Actor::Agent(agent.id), returned).await?;
    Ok(())
}

/// Its author takes it back before anybody decided.
pub async fn withdraw(change: &mut Change, agent: &Agent, id: ApprovalId) -> Result<Approval, DecideError> {
    let approval = lock(change, id).await?.ok_or(sqlx::Error::RowNotFound)?;
    if approval.author != agent.id {
        return Err(DecideError::NotYours);
    }
    if !approval.waits() {
        return Err(DecideError::Decided { state: approval.state, by: approval.decided_by });
    }
    to_composer(change, &approval, &approval.body).await?;
    decided(change, id, agent.id, ApprovalState::Withdrawn, "").await?;
    change.record(approval.ticket, Actor::Agent(agent.id), Event::ApprovalWithdrawn { approval: id }).await?;
    Ok(approval)
}

/// The words are its author's draft again, before what they have begun meanwhile; the files lie beside it.
async fn to_composer(db: &mut PgConnection, approval: &Approval, body: &str) -> sqlx::Result<()> {
    drafts::put_before(&mut *db, approval.ticket, approval.author, body).await?;
    sqlx::query!(
        "with moved as (delete from approval_files where approval_id = $1 returning id, name, media_type, size, sha256)
         insert into uploads (ticket_id, agent_id, name, media_type, size, sha256)
         select $2, $3, name, media_type, size, sha256 from moved order by id",
        approval.id.0,
        approval.ticket.0,
        approval.author.0
    )
    .execute(db)
    .await?;
    Ok(())
}
