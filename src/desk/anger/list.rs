//! The public watch: what angry customers said in public, how far it reaches, and what was done about it.

use sqlx::{PgConnection, Postgres, QueryBuilder};

use crate::clock::Ts;
use crate::desk::anger::{Reason, rating_words};
use crate::desk::cursors;
use crate::desk::kinds::{AngerState, ChannelKind};
use crate::desk::networks::Review;
use crate::ids::{AgentId, ChannelId, TicketId};

/// Rows on a page.
pub const PAGE: usize = 30;
/// Beyond this an exact number helps nobody.
pub const CAP: i64 = 1000;
/// What its author has changed for the better: the stars, or the words.
pub const BETTER: [AngerState; 2] = [AngerState::Changed, AngerState::Softened];

/// Which ratings are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rating {
    Stars(u8),
    NotRecommended,
    /// Words of anger without a rating.
    None,
}

/// What narrows the list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filters {
    pub kind: Option<ChannelKind>,
    pub rating: Option<Rating>,
    /// Any of these; empty: all but those that are not angry.
    pub states: Vec<AngerState>,
    pub since: Option<Ts>,
    pub until: Option<Ts>,
}

impl Filters {
    /// Whether anything is narrowed.
    pub fn any(&self) -> bool {
        *self != Self::default()
    }
}

/// Where a page ended: since when its last row is angry.
pub type Cursor = cursors::Cursor<TicketId>;

/// A line of the list.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Row {
    pub ticket_id: TicketId,
    pub channel_id: ChannelId,
    pub name: String,
    /// What set it off; empty when its author took it back.
    pub body: String,
    reasons: serde_json::Value,
    stars_before: Option<i16>,
    recommends_before: Option<bool>,
    stars: Option<i16>,
    recommends: Option<bool>,
    pub gone: bool,
    pub state: AngerState,
    pub due_at: Ts,
    pub since: Ts,
    pub assignee_id: Option<AgentId>,
    pub taken_by: Option<AgentId>,
    pub ring: i16,
    /// How many follow whoever said it, where the network tells.
    pub followers: Option<i64>,
    /// Customers' comments under the same post, counted to [`CAP`].
    pub comments: i64,
    pub reactions: i64,
}

impl Row {
    /// Why it is here.
    pub fn reasons(&self) -> Vec<Reason> {
        serde_json::from_value(self.reasons.clone()).unwrap_or_default()
    }

    /// The rating that it began with.
    pub fn before(&self) -> Review {
        super::review(self.stars_before, self.recommends_before)
    }

    /// The rating that stands there now.
    pub fn now(&self) -> Review {
        super::review(self.stars, self.recommends)
    }

    /// `2 stars`, `not recommended`; empty where nothing was rated.
    pub fn rating(&self) -> String {
        if self.before() == Review::default() { String::new() } else { rating_words(Some(&self.before())) }
    }

    /// How far it reaches, in words; empty where the network tells nothing.
    pub fn reach(&self) -> Vec<String> {
        let counted = |count: i64, one: &str, many: &str| match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            count if count >= CAP => Some(format!("{CAP}+ {many}")),
            count => Some(format!("{count} {many}")),
        };
        let followers = self.followers.and_then(|count| match count {
            ..=0 => None,
            1 => Some("1 follower".to_owned()),
            2..10_000 => Some(format!("{count} followers")),
            10_000..1_000_000 => Some(format!("{} k followers", count / 1000)),
            _ => Some(format!("{}.{} m followers", count / 1_000_000, count % 1_000_000 / 100_000)),
        });
        let comments = counted(self.comments, "comment", "comments");
        [followers, comments, counted(self.reactions, "reaction", "reactions")].into_iter().flatten().collect()
    }
}

/// A page of the list.
#[derive(Debug, Clone)]
pub struct Page {
    pub rows: Vec<Row>,
    /// Continues after this page; `None` on the last one.
    pub next: Option<Cursor>,
}

/// The newest first. What a row shows of other tables comes by subqueries, which Postgres runs for the rows of the page alone.
pub async fn page(db: &mut PgConnection, filters: &Filters, after: Option<Cursor>) -> sqlx::Result<Page> {
    let mut query = QueryBuilder::<Postgres>::new(
        "select w.ticket_id, w.channel_id, w.reasons, w.stars_before, w.recommends_before, w.stars, w.recommends, w.gone, w.state, w.due_at, w.since,
                w.taken_by, w.ring, t.assignee_id,
                coalesce((select case when c.name <> '' then c.name else (select address from identities i where i.contact_id = c.id order by i.id limit 1) end
                          from contacts c where c.id = t.contact_id), '') as name,
                (select m.body from messages m where m.id = w.message_id) as body,
                (select max(i.followers) from identities i where i.contact_id = t.contact_id) as followers,
                (select count(*) from (select from tickets o join messages m on m.ticket_id = o.id
                                       where (o.id = t.id or o.post_id = t.post_id) and m.direction = 'inbound' and m.public and m.id <> w.message_id
                                       limit 1000) n) as comments,
                (select count(*) from messages m, jsonb_each(m.reactions) r
                 where m.id = w.message_id and r.key <> 'shop' and r.value ->> 'emoji' is not null) as reactions
         from anger w join tickets t on t.id = w.ticket_id where w.public",
    );
    push(&mut query, filters);
    if let Some(after) = after
        && let Some(at) = after.ts()
    {
        query.push(" and (w.since, w.ticket_id) < (").push_bind(at).push(", ").push_bind(after.id.0).push(")");
    }
    query.push(format!(" order by w.since desc, w.ticket_id desc limit {}", PAGE + 1));
    let mut rows: Vec<Row> = query.build_query_as().fetch_all(db).await?;
    let next = cursors::cut(&mut rows, PAGE, |row| Cursor::new(Some(row.since), row.ticket_id));
    Ok(Page { rows, next })
}

fn push(query: &mut QueryBuilder<Postgres>, filters: &Filters) {
    if filters.states.is_empty() {
        query.push(" and w.state <> 'calm'");
    } else {
        let mut states = query.push(" and w.state in (").separated(", ");
        for state in &filters.states {
            states.push_bind(*state);
        }
        states.push_unseparated(")");
    }
    match filters.rating {
        Some(Rating::Stars(stars)) => drop(query.push(" and w.stars_before = ").push_bind(i16::from(stars))),
        Some(Rating::NotRecommended) => drop(query.push(" and w.recommends_before = false")),
        Some(Rating::None) => drop(query.push(" and w.stars_before is null and w.recommends_before is null")),
        None => {}
    }
    if let Some(kind) = filters.kind {
        query.push(" and w.channel_id in (select id from channels where kind = ").push_bind(kind).push(")");
    }
    if let Some(since) = filters.since {
        query.push(" and w.since >= ").push_bind(since);
    }
    if let Some(until) = filters.until {
        query.push(" and w.since < ").push_bind(until);
    }
}

/// How the last thirty days stand, and what waits from before too.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    pub waiting: i64,
    /// Of those that wait.
    pub overdue: i64,
    pub answered: i64,
    pub private: i64,
    pub solved: i64,
    /// Better stars or other words.
    pub changed: i64,
    pub removed: i64,
}

/// The counts above the list.
pub async fn counts(db: &mut PgConnection, now: Ts) -> sqlx::Result<Counts> {
    let waiting = sqlx::query!(
        r#"select count(*) as "waiting!", count(*) filter (where due_at < $1) as "overdue!"
           from (select due_at from anger where public and state = 'waiting' order by due_at limit 1000) w"#,
        now as Ts
    )
    .fetch_one(&mut *db)
    .await?;
    let rest = sqlx::query!(
        r#"select state, count(*) as "count!" from anger where public and since > $1 group by state"#,
        now.plus_seconds(-30 * 86_400) as Ts
    )
    .fetch_all(db)
    .await?;
    let of = |state| rest.iter().find(|row| row.state == state).map_or(0, |row| row.count);
    Ok(Counts {
        waiting: waiting.waiting,
        overdue: waiting.overdue,
        answered: of(AngerState::Answered),
        private: of(AngerState::Private),
        solved: of(AngerState::Solved),
        changed: BETTER.into_iter().map(of).sum(),
        removed: of(AngerState::Removed),
    })
}
