//! What an agent may change about a ticket besides speaking. Setting what is set already changes and records nothing.

use crate::clock::Ts;
use crate::desk::changes::{Actor, Change};
use crate::desk::events::Event;
use crate::desk::kinds::{Priority, Status};
use crate::desk::spam::learning;
use crate::desk::tickets;
use crate::ids::{AgentId, TagId, TeamId, TicketId};
use crate::jobs::{self, Job};

/// Gives a ticket to an agent, or to nobody. Fails on `tickets_assignee_id_fkey`.
pub async fn assign(change: &mut Change, by: Actor, id: TicketId, to: Option<AgentId>) -> sqlx::Result<()> {
    let done = sqlx::query!(
        "update tickets set assignee_id = $2, updated_at = now() where id = $1 and assignee_id is distinct from $2",
        id.0,
        to.map(|id| id.0)
    )
    .execute(&mut **change)
    .await?;
    if done.rows_affected() == 1 {
        change.record(id, by, Event::Assigned { to }).await?;
    }
    Ok(())
}

/// Gives a ticket to a team, or to none. Fails on `tickets_team_id_fkey`.
pub async fn set_team(change: &mut Change, by: Actor, id: TicketId, to: Option<TeamId>) -> sqlx::Result<()> {
    let done = sqlx::query!(
        "update tickets set team_id = $2, updated_at = now() where id = $1 and team_id is distinct from $2",
        id.0,
        to.map(|id| id.0)
    )
    .execute(&mut **change)
    .await?;
    if done.rows_affected() == 1 {
        change.record(id, by, Event::TeamChanged { to }).await?;
    }
    Ok(())
}

/// Moves a ticket to another status; `until` is when a snooze ends and belongs to [`Status::Snoozed`] alone.
pub async fn set_status(change: &mut Change, by: Actor, id: TicketId, to: Status, until: Option<Ts>) -> sqlx::Result<()> {
    let Some(ticket) = tickets::lock(change, id).await? else { return Ok(()) };
    let until = until.filter(|_| to == Status::Snoozed);
    if ticket.status == to && ticket.snoozed_until == until {
        return Ok(());
    }
    // Solved and spam owe no answer; a ticket that comes back from either owes one for what the customer said last.
    sqlx::query!(
        "update tickets t set status = $2, snoozed_until = $3, solved_at = case when $2 = 'solved'::ticket_status then now() end, updated_at = now(),
                waiting_since = case
                    when $2 in ('solved'::ticket_status, 'spam') then null
                    when status in ('solved', 'spam') and last_direction = 'inbound' then last_message_at
                    else waiting_since end
         where id = $1",
        id.0,
        to as Status,
        until as Option<Ts>
    )
    .execute(&mut **change)
    .await?;
    if matches!(by, Actor::Agent(_)) {
        learning::decided(change, id, ticket.status, to).await?;
    }
    if ticket.status == Status::Snoozed {
        jobs::cancel(change, &Job::WakeTicket { ticket: id }).await?;
    }
    match until {
        Some(until) => {
            change.push(&Job::WakeTicket { ticket: id }, until).await?;
            change.record(id, by, Event::Snoozed { until }).await
        }
        None => change.record(id, by, Event::StatusChanged { from: ticket.status, to }).await,
    }
}

/// Brings a ticket back whose snooze is over. A ticket that was moved meanwhile stays where it is.
pub async fn wake(change: &mut Change, id: TicketId, now: Ts) -> sqlx::Result<()> {
    let done = sqlx::query!(
        "update tickets set status = 'open', snoozed_until = null, updated_at = now() where id = $1 and status = 'snoozed' and snoozed_until <= $2",
        id.0,
        now as Ts
    )
    .execute(&mut **change)
    .await?;
    if done.rows_affected() == 1 {
        change.record(id, Actor::System, Event::Woken {}).await?;
    }
    Ok(())
}

/// Changes how urgent a ticket is.
pub async fn set_priority(change: &mut Change, by: Actor, id: TicketId, to: Priority) -> sqlx::Result<()> {
    let done = sqlx::query!("update tickets set priority = $2, updated_at = now() where id = $1 and priority <> $2", id.0, to as Priority)
        .execute(&mut **change)
        .await?;
    if done.rows_affected() == 1 {
        change.record(id, by, Event::PriorityChanged { to }).await?;
    }
    Ok(())
}

/// Changes what a ticket is called.
pub async fn set_subject(change: &mut Change, by: Actor, id: TicketId, to: &str) -> sqlx::Result<()> {
    let Some(ticket) = tickets::lock(change, id).await? else { return Ok(()) };
    if ticket.subject == to {
        return Ok(());
    }
    sqlx::query!("update tickets set subject = $2, named_after = null, updated_at = now() where id = $1", id.0, to)
        .execute(&mut **change)
        .await?;
    change.record(id, by, Event::SubjectChanged { from: ticket.subject, to: to.to_owned() }).await
}

/// Puts a tag on a ticket.
pub async fn tag(change: &mut Change, by: Actor, id: TicketId, tag: TagId) -> sqlx::Result<()> {
    let done = sqlx::query!("insert into ticket_tags (tag_id, ticket_id) values ($1, $2) on conflict do nothing", tag.0, id.0)
        .execute(&mut **change)
        .await?;
    if done.rows_affected() == 1 {
        copy_tags(change, id).await?;
        change.record(id, by, Event::Tagged { tag }).await?;
    }
    Ok(())
}

/// Takes a tag off a ticket.
pub async fn untag(change: &mut Change, by: Actor, id: TicketId, tag: TagId) -> sqlx::Result<()> {
    let done = sqlx::query!("delete from ticket_tags where tag_id = $1 and ticket_id = $2", tag.0, id.0).execute(&mut **change).await?;
    if done.rows_affected() == 1 {
        copy_tags(change, id).await?;
        change.record(id, by, Event::Untagged { tag }).await?;
    }
    Ok(())
}

async fn copy_tags(change: &mut Change, id: TicketId) -> sqlx::Result<()> {
    sqlx::query!(
        "update tickets set updated_at = now(),
                tag_ids = coalesce((select array_agg(tag_id order by tag_id) from ticket_tags where ticket_id = $1), '{}')
         where id = $1",
        id.0
    )
    .execute(&mut **change)
    .await?;
    Ok(())
}
