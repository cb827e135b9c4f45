//! Takes out what is past its time.

use sqlx::PgConnection;

use crate::desk::networks::notices;
use crate::desk::spam::learning;
use crate::desk::webhooks;

/// Removes ended sessions, one-time links of last month, yesterday's failed sign-ins, files of replies that were never sent,
/// what networks told of messages that never came, and last month's webhooks.
pub async fn tidy(db: &mut PgConnection) -> sqlx::Result<u64> {
    let mut gone = 0;
    gone += sqlx::query!("delete from sessions where expires_at < now()").execute(&mut *db).await?.rows_affected();
    gone += sqlx::query!("delete from agent_tokens where coalesce(used_at, expires_at) < now() - interval '30 days'")
        .execute(&mut *db)
        .await?
        .rows_affected();
    gone += sqlx::query!(
        "delete from sign_in_failures where last_failed_at < now() - interval '1 day' and coalesce(blocked_until, now()) <= now()"
    )
    .execute(&mut *db)
    .await?
    .rows_affected();
    gone +=
        sqlx::query!("delete from visitor_uploads where created_at < now() - interval '2 days'").execute(&mut *db).await?.rows_affected();
    // What they said stays, as a ticket of their contact; only their browser is forgotten.
    gone += sqlx::query!("delete from visitors v where expires_at < now() and not exists (select from chats c where c.visitor_id = v.id)")
        .execute(&mut *db)
        .await?
        .rows_affected();
    gone += sqlx::query!("delete from uploads where created_at < now() - interval '30 days' and planned_id is null")
        .execute(&mut *db)
        .await?
        .rows_affected();
    gone += notices::forget(&mut *db).await?;
    gone += learning::tidy(&mut *db).await?;
    gone += webhooks::log::forget(db).await?;
    Ok(gone)
}
