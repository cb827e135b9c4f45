//! Whom to call: the list, the numbers beside it, and what an agent's screen reminds them of.

use sqlx::PgConnection;

use crate::clock::Ts;
use crate::desk::agents::Agent;
use crate::desk::kinds::{CallBackState, Role};
use crate::ids::{AgentId, CallBackId, TeamId, TicketId};

/// Which calls a list shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum View {
    /// Those that are owed, by their time.
    #[default]
    Open,
    /// The same, of one's own tickets and those of nobody.
    Mine,
    /// Those that are over, the newest first.
    Over,
}

impl View {
    /// The word in addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "",
            Self::Mine => "mine",
            Self::Over => "over",
        }
    }

    /// Reads the word; the owed ones for any other.
    pub fn from_word(word: &str) -> Self {
        match word {
            "mine" => Self::Mine,
            "over" => Self::Over,
            _ => Self::Open,
        }
    }
}

/// A line of the list.
#[derive(Debug, Clone)]
pub struct Row {
    pub id: CallBackId,
    pub ticket_id: TicketId,
    pub phone: String,
    pub state: CallBackState,
    pub from_at: Ts,
    pub until_at: Ts,
    pub attempts: i16,
    pub language: Option<String>,
    pub time_zone: Option<String>,
    pub note: String,
    pub caller_id: Option<AgentId>,
    pub reminded_at: Option<Ts>,
    pub late_at: Option<Ts>,
    pub closed_at: Option<Ts>,
    pub subject: String,
    /// Empty when nobody told it.
    pub contact_name: String,
    pub assignee_id: Option<AgentId>,
    pub team_id: Option<TeamId>,
}

/// At most `limit` calls of a view.
pub async fn list(db: &mut PgConnection, agent: AgentId, view: View, limit: i64) -> sqlx::Result<Vec<Row>> {
    match view {
        View::Open | View::Mine => sqlx::query_as!(
            Row,
            r#"select b.id, b.ticket_id, b.phone, b.state, b.from_at, b.until_at, b.attempts, b.language, b.time_zone, b.note, b.caller_id,
                          b.reminded_at, b.late_at, b.closed_at, t.subject, c.name as contact_name, t.assignee_id, t.team_id
                   from call_backs b join tickets t on t.id = b.ticket_id join contacts c on c.id = t.contact_id
                   where b.state = 'wanted' and t.status <> 'spam' and ($1 or t.assignee_id is null or t.assignee_id = $2)
                   order by b.from_at, b.id limit $3"#,
            view == View::Open,
            agent.0,
            limit
        )
        .fetch_all(db)
        .await,
        View::Over => sqlx::query_as!(
            Row,
            r#"select b.id, b.ticket_id, b.phone, b.state, b.from_at, b.until_at, b.attempts, b.language, b.time_zone, b.note, b.caller_id,
                          b.reminded_at, b.late_at, b.closed_at, t.subject, c.name as contact_name, t.assignee_id, t.team_id
                   from call_backs b join tickets t on t.id = b.ticket_id join contacts c on c.id = t.contact_id
                   where b.closed_at is not null order by b.closed_at desc, b.id limit $1"#,
            limit
        )
        .fetch_all(db)
        .await,
    }
}

/// How many calls are owed, and how many of them are late; counted to a thousand.
#[derive(Debug, Clone, Copy, Default)]
pub struct Count {
    pub open: i64,
    pub late: i64,
}

/// See [`Count`].
pub async fn count(db: &mut PgConnection, now: Ts) -> sqlx::Result<Count> {
    sqlx::query_as!(
        Count,
        r#"select count(*) as "open!", count(*) filter (where until_at <= $1) as "late!"
           from (select b.until_at from call_backs b join tickets t on t.id = b.ticket_id and t.status <> 'spam'
                 where b.state = 'wanted' limit 1000) owed"#,
        now as Ts
    )
    .fetch_one(db)
    .await
}

/// What an agent is reminded of now: calls whose time is near on their own tickets, or on nobody's in one of their teams or in none; a
/// lead also of those that are late. Who calls already is told apart by nobody else being told.
pub async fn due_for(db: &mut PgConnection, agent: &Agent, now: Ts) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as!(
        Row,
        r#"select b.id, b.ticket_id, b.phone, b.state, b.from_at, b.until_at, b.attempts, b.language, b.time_zone, b.note, b.caller_id,
                  b.reminded_at, b.late_at, b.closed_at, t.subject, c.name as contact_name, t.assignee_id, t.team_id
           from call_backs b join tickets t on t.id = b.ticket_id join contacts c on c.id = t.contact_id
           where b.state = 'wanted' and b.reminded_at is not null and t.status <> 'spam'
             and (b.caller_id is null or b.caller_id = $1)
             -- what is late for days is a matter of the list
             and b.until_at > $3::timestamptz - interval '1 day'
             and (t.assignee_id = $1
                  or (t.assignee_id is null and (t.team_id is null
                      or exists (select from team_members m where m.team_id = t.team_id and m.agent_id = $1)))
                  or ($2 and b.late_at is not null))
           order by b.from_at, b.id limit 5"#,
        agent.id.0,
        agent.role >= Role::Lead,
        now as Ts
    )
    .fetch_all(db)
    .await
}
