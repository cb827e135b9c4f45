//! Tickets as programs ask for them: narrowed by anything that a ticket has, in an order that pages can continue from.

use sqlx::{PgConnection, Postgres, QueryBuilder, Row as _};

use crate::clock::Ts;
use crate::desk::cursors;
use crate::desk::kinds::Status;
use crate::desk::tickets::list::{self, Cursor, Filters, View};
use crate::ids::{AgentId, ContactId, TicketId};

/// Whose tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    Agent(AgentId),
    Nobody,
}

/// What narrows a selection. Empty, it holds every ticket.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Also decides the order.
    pub view: Option<View>,
    pub status: Option<Status>,
    pub filters: Filters,
    pub contact: Option<ContactId>,
    pub owner: Option<Owner>,
    /// Changed at this moment or later. Without a view also decides the order: the oldest change first.
    pub updated_since: Option<Ts>,
}

impl Selection {
    fn push_conditions(&self, query: &mut QueryBuilder<Postgres>, me: AgentId) {
        if let Some(view) = self.view {
            query.push(" and ");
            view.push_condition(query, me);
        }
        if let Some(status) = self.status {
            query.push(" and status = ").push_bind(status);
        }
        list::push_filters(query, &self.filters);
        if let Some(contact) = self.contact {
            query.push(" and contact_id = ").push_bind(contact.0);
        }
        match self.owner {
            Some(Owner::Agent(agent)) => {
                query.push(" and assignee_id = ").push_bind(agent.0);
            }
            Some(Owner::Nobody) => {
                query.push(" and assignee_id is null");
            }
            None => {}
        }
        if let Some(since) = self.updated_since {
            query.push(" and updated_at >= ").push_bind(since);
        }
    }

    /// What to order by, the column that a cursor remembers, and whether the order ascends. No column: by number alone.
    fn order(&self) -> (Option<(&'static str, &'static str)>, bool) {
        match (self.view, self.updated_since) {
            (Some(view), _) => {
                let (expression, ascending) = view.order().expression();
                (Some((expression, view.order().column())), ascending)
            }
            (None, Some(_)) => (Some(("updated_at", "updated_at")), true),
            (None, None) => (None, false),
        }
    }
}

/// A page of a selection: at most `limit` tickets, and where the next page begins.
pub async fn page(
    db: &mut PgConnection,
    selection: &Selection,
    me: AgentId,
    after: Option<Cursor>,
    limit: usize,
) -> sqlx::Result<(Vec<TicketId>, Option<Cursor>)> {
    let (order, ascending) = selection.order();
    let (compare, direction) = if ascending { (">", "asc") } else { ("<", "desc") };
    let mut query = QueryBuilder::<Postgres>::new("select id, ");
    query.push(order.map_or("null::timestamptz", |(_, column)| column)).push(" as at from tickets t where true");
    selection.push_conditions(&mut query, me);
    match (after, order) {
        (Some(after), Some((expression, _))) => {
            query.push(format!(" and ({expression}, id) {compare} (coalesce(")).push_bind(after.ts());
            query.push(", 'infinity'::timestamptz), ").push_bind(after.id.0).push(")");
        }
        (Some(after), None) => {
            query.push(format!(" and id {compare} ")).push_bind(after.id.0);
        }
        (None, _) => {}
    }
    query.push(" order by ");
    if let Some((expression, _)) = order {
        query.push(format!("{expression} {direction}, "));
    }
    query.push(format!("id {direction} limit {}", limit + 1));
    let rows = query.build().fetch_all(db).await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        let at: Option<Ts> = row.try_get("at")?;
        found.push(Cursor::new(at, TicketId(row.try_get("id")?)));
    }
    let next = cursors::cut(&mut found, limit, |last| *last);
    Ok((found.into_iter().map(|cursor| cursor.id).collect(), next))
}

/// Those of `ids` that belong to a selection, in the order given.
pub async fn among(db: &mut PgConnection, selection: &Selection, me: AgentId, ids: &[TicketId]) -> sqlx::Result<Vec<TicketId>> {
    let wanted: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let mut query = QueryBuilder::<Postgres>::new("select id from tickets t where id = any(");
    query.push_bind(wanted).push(")");
    selection.push_conditions(&mut query, me);
    let rows = query.build().fetch_all(db).await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        found.push(TicketId(row.try_get("id")?));
    }
    found.sort_by_key(|id| ids.iter().position(|wanted| wanted == id));
    Ok(found)
}
