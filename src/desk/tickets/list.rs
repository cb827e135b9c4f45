//! The working lists: views, filters, keyset pages.

use std::sync::Arc;

use sqlx::{PgConnection, Postgres, QueryBuilder};

use crate::app::App;
use crate::clock::Ts;
use crate::desk::cursors;
use crate::desk::kinds::{Direction, Priority, Status};
use crate::ids::{AgentId, ChannelId, TagId, TeamId, TicketId};

/// Rows on a page.
pub const PAGE: usize = 50;

/// A working list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum View {
    Mine,
    Unassigned,
    Open,
    Waiting,
    /// Whose network lets us answer for a limited time, what ends first on top.
    Closing,
    Snoozed,
    Solved,
    Spam,
}

impl View {
    /// Every view in the order of the sidebar.
    pub const ALL: [Self; 8] =
        [Self::Mine, Self::Unassigned, Self::Open, Self::Waiting, Self::Closing, Self::Snoozed, Self::Solved, Self::Spam];

    /// The last part of its address.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Mine => "mine",
            Self::Unassigned => "unassigned",
            Self::Open => "open",
            Self::Waiting => "waiting",
            Self::Closing => "closing",
            Self::Snoozed => "snoozed",
            Self::Solved => "solved",
            Self::Spam => "spam",
        }
    }

    /// Its name on the screen.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Mine => "Mine",
            Self::Unassigned => "Unassigned",
            Self::Open => "All open",
            Self::Waiting => "Waiting longest",
            Self::Closing => "Answer time ends",
            Self::Snoozed => "Snoozed",
            Self::Solved => "Solved",
            Self::Spam => "Spam",
        }
    }

    /// The view of an address.
    pub fn from_slug(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|view| view.slug() == slug)
    }

    /// What makes a ticket part of the view.
    pub(super) fn push_condition(self, query: &mut QueryBuilder<Postgres>, me: AgentId) {
        match self {
            Self::Mine => {
                query.push("status in ('open', 'pending') and assignee_id is not null and assignee_id = ").push_bind(me.0);
            }
            Self::Unassigned => {
                query.push("status in ('open', 'pending') and assignee_id is null");
            }
            Self::Open => {
                query.push("status in ('open', 'pending')");
            }
            Self::Waiting => {
                query.push("status in ('open', 'pending') and waiting_since is not null");
            }
            Self::Closing => {
                query.push(
                    "status in ('open', 'pending') and window_until is not null and waiting_since is not null and window_until > now()",
                );
            }
            Self::Snoozed => {
                query.push("status = 'snoozed'");
            }
            Self::Solved => {
                query.push("status = 'solved'");
            }
            Self::Spam => {
                query.push("status = 'spam'");
            }
        }
    }

    pub(super) fn order(self) -> Order {
        match self {
            Self::Mine | Self::Unassigned | Self::Open => Order::Queue,
            Self::Waiting => Order::Waiting,
            Self::Closing => Order::Closing,
            Self::Snoozed => Order::Snoozed,
            Self::Solved => Order::Solved,
            Self::Spam => Order::Recent,
        }
    }
}

/// In which order a view stands.
#[derive(Clone, Copy)]
pub(super) enum Order {
    /// Who waits longest first, then those who wait for nothing.
    Queue,
    Waiting,
    Closing,
    Snoozed,
    Solved,
    Recent,
}

impl Order {
    /// What an index orders by, and whether it ascends.
    pub(super) const fn expression(self) -> (&'static str, bool) {
        match self {
            Self::Queue => ("coalesce(waiting_since, 'infinity')", true),
            Self::Waiting => ("waiting_since", true),
            Self::Closing => ("window_until", true),
            Self::Snoozed => ("snoozed_until", true),
            Self::Solved => ("solved_at", false),
            Self::Recent => ("last_message_at", false),
        }
    }

    /// The column that a cursor remembers.
    pub(super) const fn column(self) -> &'static str {
        match self {
            Self::Queue | Self::Waiting => "waiting_since",
            Self::Closing => "window_until",
            Self::Snoozed => "snoozed_until",
            Self::Solved => "solved_at",
            Self::Recent => "last_message_at",
        }
    }
}

/// What narrows a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filters {
    pub channel: Option<ChannelId>,
    pub team: Option<TeamId>,
    pub tag: Option<TagId>,
    pub language: Option<String>,
}

impl Filters {
    /// Whether anything is narrowed.
    pub fn any(&self) -> bool {
        *self != Self::default()
    }
}

/// Where a page ended: the ordering column of the last row, without a moment where it waits for nothing, and its ticket.
pub type Cursor = cursors::Cursor<TicketId>;

/// A line of a list.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Row {
    pub id: TicketId,
    pub channel_id: ChannelId,
    /// Or else their first address.
    pub contact_name: Option<String>,
    pub subject: String,
    pub status: Status,
    pub priority: Priority,
    pub assignee_id: Option<AgentId>,
    pub waiting_since: Option<Ts>,
    pub snoozed_until: Option<Ts>,
    pub solved_at: Option<Ts>,
    pub last_message_at: Ts,
    pub last_direction: Option<Direction>,
    pub excerpt: String,
    pub tag_ids: Vec<TagId>,
    /// Everybody can read it.
    pub public: bool,
    /// Until when the network lets us say anything; `None`: always.
    pub window_until: Option<Ts>,
}

/// A page of a list.
#[derive(Debug, Clone)]
pub struct Page {
    pub rows: Vec<Row>,
    /// Continues after this page; `None` on the last one.
    pub next: Option<Cursor>,
}

/// What a line shows and nothing else: with fifty lines on every page, each column is felt. The customer comes by a subquery, which
/// Postgres runs for the lines of the page alone, after the limit; behind a join they would have to be sorted again.
const COLUMNS: &str = "t.id, t.channel_id, \
     (select case when c.name <> '' then c.name else (select address from identities i where i.contact_id = c.id order by i.id limit 1) end \
      from contacts c where c.id = t.contact_id) as contact_name, \
     t.subject, t.status, t.priority, t.assignee_id, t.waiting_since, t.snoozed_until, t.solved_at, t.last_message_at, t.last_direction, \
     t.excerpt, t.tag_ids, t.public, t.window_until";

/// A page of a view.
pub async fn page(db: &mut PgConnection, view: View, me: AgentId, filters: &Filters, after: Option<Cursor>) -> sqlx::Result<Page> {
    let mut query = QueryBuilder::<Postgres>::new("select ");
    query.push(COLUMNS).push(" from tickets t where ");
    view.push_condition(&mut query, me);
    match filters.tag.filter(|_| view == View::Solved) {
        // An archive is not walked for a tag that few tickets carry: those few are fetched and sorted.
        Some(tag) if is_rare(db, tag).await? => {
            query.push(" and id = any(array(select ticket_id from ticket_tags where tag_id = ").push_bind(tag.0).push("))");
            push_filters(&mut query, &Filters { tag: None, ..filters.clone() });
        }
        Some(_) | None => push_filters(&mut query, filters),
    }
    let (column, ascending) = view.order().expression();
    let (compare, direction) = if ascending { (">", "asc") } else { ("<", "desc") };
    if let Some(after) = after {
        query.push(format!(" and ({column}, id) {compare} (coalesce("));
        query.push_bind(after.ts()).push(", 'infinity'::timestamptz), ").push_bind(after.id.0).push(")");
    }
    query.push(format!(" order by {column} {direction}, id {direction} limit {}", PAGE + 1));
    let mut rows: Vec<Row> = query.build_query_as().fetch_all(db).await?;
    let next = cursors::cut(&mut rows, PAGE, |row| {
        let at = match view.order() {
            Order::Queue | Order::Waiting => row.waiting_since,
            Order::Closing => row.window_until,
            Order::Snoozed => row.snoozed_until,
            Order::Solved => row.solved_at,
            Order::Recent => Some(row.last_message_at),
        };
        Cursor::new(at, row.id)
    });
    Ok(Page { rows, next })
}

/// Narrows a query over `tickets t`.
pub(super) fn push_filters(query: &mut QueryBuilder<Postgres>, filters: &Filters) {
    if let Some(channel) = filters.channel {
        query.push(" and channel_id = ").push_bind(channel.0);
    }
    if let Some(team) = filters.team {
        query.push(" and team_id = ").push_bind(team.0);
    }
    if let Some(tag) = filters.tag {
        query.push(" and exists (select from ticket_tags tt where tt.ticket_id = t.id and tt.tag_id = ").push_bind(tag.0).push(")");
    }
    if let Some(language) = &filters.language {
        query.push(" and language = ").push_bind(language.clone());
    }
}

async fn is_rare(db: &mut PgConnection, tag: TagId) -> sqlx::Result<bool> {
    const FEW: i64 = 2000;
    let uses = sqlx::query_scalar!(
        r#"select count(*) as "count!" from (select from ticket_tags where tag_id = $1 limit $2) uses"#,
        tag.0,
        FEW + 1
    )
    .fetch_one(db)
    .await?;
    Ok(uses <= FEW)
}

/// These tickets as lines of a list, in the order given.
pub async fn rows(db: &mut PgConnection, ids: &[TicketId], filters: &Filters) -> sqlx::Result<Vec<Row>> {
    let wanted: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let mut query = QueryBuilder::<Postgres>::new("select ");
    query.push(COLUMNS).push(" from tickets t where t.id = any(").push_bind(wanted).push(")");
    push_filters(&mut query, filters);
    let mut rows: Vec<Row> = query.build_query_as().fetch_all(db).await?;
    rows.sort_by_key(|row| ids.iter().position(|id| *id == row.id));
    Ok(rows)
}

/// The newest tickets of customers whose address begins so.
pub async fn ids_by_address(db: &mut PgConnection, address: &str, before: Option<TicketId>, limit: i64) -> sqlx::Result<Vec<TicketId>> {
    sqlx::query_scalar!(
        "select t.id from tickets t
         where t.contact_id in (select contact_id from identities where address like $1 || '%' order by address limit 200) and t.id < $2
         order by t.id desc limit $3",
        crate::desk::contacts::escape_like(&address.to_lowercase()),
        before.map_or(i64::MAX, |id| id.0),
        limit
    )
    .fetch_all(db)
    .await
}

/// How many tickets each view holds; counting stops at [`Counts::CAP`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub mine: i64,
    pub unassigned: i64,
    pub open: i64,
    pub waiting: i64,
    pub snoozed: i64,
    pub spam: i64,
    /// Public answers that wait for a second person who is not their author.
    pub approvals: i64,
    /// Public words of anger about which nothing was done yet.
    pub angry: i64,
    /// Of those, what rings at anybody's screen.
    pub ringing: i64,
    /// Own answers that somebody else has decided about, which their author has not seen.
    pub untold: i64,
    /// Whether anybody is to be called.
    pub owed: bool,
    /// Whether something came beside own tickets that nobody has looked at.
    pub beside: bool,
}

impl Counts {
    /// Beyond this the exact number helps nobody and would cost what counting costs.
    pub const CAP: i64 = 1000;

    /// The number beside a view; solved tickets are an archive and have none.
    pub fn of(&self, view: View) -> Option<i64> {
        match view {
            View::Mine => Some(self.mine),
            View::Unassigned => Some(self.unassigned),
            View::Open => Some(self.open),
            View::Waiting => Some(self.waiting),
            View::Snoozed => Some(self.snoozed),
            View::Closing | View::Solved => None,
            View::Spam => Some(self.spam),
        }
    }
}

/// The counts for one agent, counted again once any ticket has changed.
pub async fn recent_counts(app: &App, me: AgentId) -> sqlx::Result<Counts> {
    // Read before counting: a change that is committed meanwhile makes what is counted now outdated.
    let version = app.live.changes();
    if let Some(known) = app.counts.get(&me).await
        && let Some((counted, counts)) = known.downcast_ref::<(u64, Counts)>()
        && *counted == version
    {
        return Ok(*counts);
    }
    let counts = counts(&mut *app.db.acquire().await?, me).await?;
    app.counts.insert(me, Arc::new((version, counts))).await;
    Ok(counts)
}

/// Counts the views for one agent, each over its own partial index and never further than the cap.
pub async fn counts(db: &mut PgConnection, me: AgentId) -> sqlx::Result<Counts> {
    sqlx::query_as!(
        Counts,
        r#"select
            (select count(*) from (select 1 from tickets where status in ('open', 'pending') and assignee_id is not null and assignee_id = $1 limit 1000) n) as "mine!",
            (select count(*) from (select 1 from tickets where status in ('open', 'pending') and assignee_id is null limit 1000) n) as "unassigned!",
            (select count(*) from (select 1 from tickets where status in ('open', 'pending') limit 1000) n) as "open!",
            (select count(*) from (select 1 from tickets where status in ('open', 'pending') and waiting_since is not null limit 1000) n) as "waiting!",
            (select count(*) from (select 1 from tickets where status = 'snoozed' limit 1000) n) as "snoozed!",
            (select count(*) from (select 1 from tickets where status = 'spam' limit 1000) n) as "spam!",
            (select count(*) from (select 1 from approvals where state = 'waiting' and author_id <> $1 limit 1000) n) as "approvals!",
            (select count(*) from (select 1 from anger where public and state = 'waiting' limit 1000) n) as "angry!",
            (select count(*) from (select 1 from anger where ring > 0 limit 1000) n) as "ringing!",
            (select count(*) from (select 1 from approvals where author_id = $1 and state in ('sent', 'returned') and told_at is null limit 10) n) as "untold!",
            exists (select from call_backs where state = 'wanted') as "owed!",
            exists (select from sides s join tickets t on t.id = s.ticket_id where s.unread and coalesce(t.assignee_id, s.agent_id) = $1) as "beside!""#,
        me.0
    )
    .fetch_one(db)
    .await
}

/// The ticket that was made last, if there is one.
pub async fn newest(db: &mut PgConnection) -> sqlx::Result<Option<TicketId>> {
    sqlx::query_scalar!("select id from tickets where status <> 'spam' order by id desc limit 1").fetch_optional(db).await
}
