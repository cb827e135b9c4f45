//! What the customer's side is shown of us where a network carries it: that we have read, that we write.

use sqlx::PgConnection;

use crate::clock::Ts;
use crate::desk::directory::Directory;
use crate::desk::tickets::Ticket;
use crate::ids::TicketId;
use crate::jobs::{self, Job};
use crate::live::Doing;

/// Somebody has a ticket open, or writes in it: tells its network, unless it was told a moment ago. Nothing happens where a network carries
/// no marks, or everybody would see them.
pub async fn show(db: &mut PgConnection, directory: &Directory, ticket: &Ticket, doing: Doing) -> sqlx::Result<()> {
    let marks = directory.channel(ticket.channel_id).and_then(|channel| channel.abilities.as_deref()).is_some_and(|able| able.marks);
    if !marks {
        return Ok(());
    }
    match doing {
        Doing::Viewing => read(db, ticket.id).await,
        Doing::Typing => typing(db, ticket.id).await,
        Doing::Left => Ok(()),
    }
}

async fn read(db: &mut PgConnection, ticket: TicketId) -> sqlx::Result<()> {
    let news = sqlx::query!(
        "insert into shown_marks (ticket_id, read_id)
         select $1, m.id from messages m where m.ticket_id = $1 and m.direction = 'inbound' and not m.public order by m.id desc limit 1
         on conflict (ticket_id) do update set read_id = excluded.read_id where shown_marks.read_id < excluded.read_id",
        ticket.0
    )
    .execute(&mut *db)
    .await?;
    if news.rows_affected() > 0 {
        jobs::push(db, &Job::ShowRead { ticket }, Ts::now()).await?;
    }
    Ok(())
}

async fn typing(db: &mut PgConnection, ticket: TicketId) -> sqlx::Result<()> {
    let due = sqlx::query!(
        "insert into shown_marks (ticket_id, typing_at) select id, now() from tickets where id = $1 and not public
         on conflict (ticket_id) do update set typing_at = now()
         where shown_marks.typing_at is null or shown_marks.typing_at < now() - interval '5 seconds'",
        ticket.0
    )
    .execute(&mut *db)
    .await?;
    if due.rows_affected() > 0 {
        jobs::push(db, &Job::ShowTyping { ticket }, Ts::now()).await?;
    }
    Ok(())
}

/// Whether it is still true that somebody writes; a job that comes late shows nothing.
pub async fn still_typing(db: &mut PgConnection, ticket: TicketId) -> sqlx::Result<bool> {
    let fresh = sqlx::query_scalar!(
        r#"select typing_at > now() - interval '10 seconds' as "fresh" from shown_marks where ticket_id = $1"#,
        ticket.0
    );
    Ok(fresh.fetch_optional(db).await?.flatten().unwrap_or(false))
}
