//! What screens show of calls: what concerns an agent now, and the log.

use sqlx::PgConnection;

use crate::clock::Ts;
use crate::desk::calls::take::RINGS;
use crate::desk::calls::{Call, FORWARDED, length, talked};
use crate::desk::kinds::{CallState, ChannelKind, Status};
use crate::ids::{AgentId, AttachmentId, CallId, ChannelId, ContactId, MessageId, TeamId, TicketId};

/// For so long colleagues see who took a call, in seconds.
pub const TAKEN: i64 = 8;
/// For so long whoever had a call is asked what was said.
const ASKED: i64 = 3600;
/// For so long after its end somebody can say that a call was theirs.
const UNCLAIMED: i64 = 120;
/// Nothing older concerns anybody now.
const RECENT: i64 = 12 * 3600;
/// The most calls at a time on one screen.
const AT_ONCE: i64 = 8;
/// Open tickets of a caller that are shown.
const TICKETS: i64 = 5;

/// A call as an agent's screen shows it while it concerns them.
#[derive(Debug, Clone)]
pub struct Shown {
    pub call: Call,
    /// The contact's name; empty where there is none.
    pub contact_name: String,
    pub email: Option<String>,
    pub language: Option<String>,
    /// Open ones first, the newest first.
    pub tickets: Vec<CallerTicket>,
}

/// A ticket of whoever calls.
#[derive(Debug, Clone)]
pub struct CallerTicket {
    pub id: TicketId,
    pub contact: ContactId,
    pub subject: String,
    pub status: Status,
    pub kind: ChannelKind,
    pub excerpt: String,
    pub last_message_at: Ts,
}

impl CallerTicket {
    /// There is something to do about it.
    pub fn is_open(&self) -> bool {
        matches!(self.status, Status::Open | Status::Pending | Status::Snoozed)
    }
}

impl Shown {
    /// The caller's open tickets.
    pub fn open(&self) -> impl Iterator<Item = &CallerTicket> {
        self.tickets.iter().filter(|ticket| ticket.is_open())
    }

    /// The last conversation with the caller.
    pub fn last(&self) -> Option<&CallerTicket> {
        self.tickets.iter().max_by_key(|ticket| ticket.last_message_at)
    }

    /// Who calls, as far as is known: a name, else the number.
    pub fn who(&self) -> String {
        who(&self.contact_name, self.email.as_deref(), &self.call.name, &self.call.number)
    }
}

fn who(contact: &str, email: Option<&str>, name: &str, number: &str) -> String {
    match (contact, email, name, number) {
        ("", None, "", "") => "Anonymous caller".to_owned(),
        ("", None, "", number) => number.to_owned(),
        ("", None, name, _) => name.to_owned(),
        ("", Some(email), ..) => email.to_owned(),
        (contact, ..) => contact.to_owned(),
    }
}

/// The calls that concern an agent now: what rings at them, what they have, what they have not written down, and for a moment what a
/// colleague took.
pub async fn concerning(db: &mut PgConnection, agent: AgentId, now: Ts) -> sqlx::Result<Vec<Shown>> {
    let rows = sqlx::query!(
        r#"with me as (
               select $1::bigint as id, coalesce((select wish::text from presence where agent_id = $1), 'online') <> 'away' as there
           ), near as (
               select k.*, ($1 = any(k.rings_at)
                            or (k.rings_at = '{}' and k.team_id is not null
                                and exists (select from team_members m where m.team_id = k.team_id and m.agent_id = $1))
                            or (k.rings_at = '{}' and k.team_id is null and me.there)) as for_me
               from calls k cross join me
               where k.settled_at is null and k.started_at > $2 and not k.refused and not ($1 = any(k.hidden_by))
           )
           select k.id as "id!: CallId", k.channel_id as "channel_id!: ChannelId", k.incoming as "incoming!", k.number as "number!", k.line as "line!", k.name as "name!",
                  k.contact_id as "contact_id: ContactId", k.ticket_id as "ticket_id: TicketId", k.message_id as "message_id: MessageId",
                  k.agent_id as "agent_id: AgentId", k.rings_at as "rings_at!", k.team_id as "team_id: TeamId", k.state as "state!: CallState", k.cause as "cause!",
                  k.refused as "refused!", k.recording as "recording!", k.recording_error, k.started_at as "started_at!: Ts", k.answered_at as "answered_at: Ts",
                  k.ended_at as "ended_at: Ts", k.seconds, k.draft as "draft!", k.settled_at as "settled_at: Ts",
                  coalesce(c.name, '') as "contact_name!", c.language as "language?",
                  (select address from identities i where i.contact_id = c.id and i.kind = 'email' order by i.id limit 1) as email
           from near k left join contacts c on c.id = k.contact_id
           where case k.state
                     when 'ringing' then case when k.incoming then k.for_me and k.started_at > $3 else k.agent_id = $1 end
                     when 'active' then k.agent_id = $1 or (k.for_me and (k.agent_id is null or k.answered_at > $4))
                     else (k.answered_at is not null or not k.incoming)
                          and ((k.agent_id = $1 and k.ended_at > $5) or (k.agent_id is null and k.incoming and k.for_me and k.ended_at > $6)) end
           order by (k.state = 'ringing') desc, k.started_at limit $7"#,
        agent.0,
        now.plus_seconds(-RECENT) as Ts,
        now.plus_seconds(-RINGS) as Ts,
        now.plus_seconds(-TAKEN) as Ts,
        now.plus_seconds(-ASKED) as Ts,
        now.plus_seconds(-UNCLAIMED) as Ts,
        AT_ONCE
    )
    .fetch_all(&mut *db)
    .await?;
    let mut shown: Vec<Shown> = rows
        .into_iter()
        .map(|row| Shown {
            call: Call {
                id: row.id,
                channel_id: row.channel_id,
                incoming: row.incoming,
                number: row.number,
                line: row.line,
                name: row.name,
                contact_id: row.contact_id,
                ticket_id: row.ticket_id,
                message_id: row.message_id,
                agent_id: row.agent_id,
                rings_at: row.rings_at,
                team_id: row.team_id,
                state: row.state,
                cause: row.cause,
                refused: row.refused,
                recording: row.recording,
                recording_error: row.recording_error,
                started_at: row.started_at,
                answered_at: row.answered_at,
                ended_at: row.ended_at,
                seconds: row.seconds,
                draft: row.draft,
                settled_at: row.settled_at,
            },
            contact_name: row.contact_name,
            email: row.email,
            language: row.language,
            tickets: Vec::new(),
        })
        .collect();
    let contacts: Vec<ContactId> = shown.iter().filter_map(|one| one.call.contact_id).collect();
    let tickets = tickets_of(db, &contacts).await?;
    for one in &mut shown {
        one.tickets = tickets.iter().filter(|ticket| Some(ticket.contact) == one.call.contact_id).cloned().collect();
    }
    Ok(shown)
}

/// The same of one call, whomever it concerns.
pub async fn one(db: &mut PgConnection, call: Call) -> sqlx::Result<Shown> {
    let contact = match call.contact_id {
        Some(id) => crate::desk::contacts::find(db, id).await?,
        None => None,
    };
    let ids: Vec<ContactId> = call.contact_id.into_iter().collect();
    let tickets = tickets_of(db, &ids).await?;
    let (contact_name, email, language) = contact.map(|known| (known.name, known.email, known.language)).unwrap_or_default();
    Ok(Shown { call, contact_name, email, language, tickets })
}

/// The tickets of contacts that somebody who talks to them wants to see: the open ones, and the newest.
pub async fn tickets_of(db: &mut PgConnection, contacts: &[ContactId]) -> sqlx::Result<Vec<CallerTicket>> {
    if contacts.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<i64> = contacts.iter().map(|id| id.0).collect();
    sqlx::query_as!(
        CallerTicket,
        r#"select t.id as "id!: TicketId", t.contact_id as "contact!: ContactId", t.subject as "subject!", t.status as "status!: Status",
                  c.kind as "kind!: ChannelKind", t.excerpt as "excerpt!", t.last_message_at as "last_message_at!: Ts"
           from unnest($1::bigint[]) p (contact_id)
           cross join lateral (select * from tickets t where t.contact_id = p.contact_id and t.status <> 'spam'
                               order by (t.status in ('open', 'pending', 'snoozed')) desc, t.last_message_at desc limit $2) t
           join channels c on c.id = t.channel_id
           order by (t.status in ('open', 'pending', 'snoozed')) desc, t.last_message_at desc"#,
        &ids,
        TICKETS
    )
    .fetch_all(db)
    .await
}

/// Which part of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    All,
    /// Came in, and nobody answered.
    Missed,
    /// Taken or made by one agent.
    Of(AgentId),
}

/// A line of the log.
#[derive(Debug, Clone)]
pub struct Line {
    pub id: CallId,
    pub incoming: bool,
    pub number: String,
    pub name: String,
    pub contact_id: Option<ContactId>,
    pub contact_name: String,
    pub email: Option<String>,
    pub ticket_id: Option<TicketId>,
    pub agent_id: Option<AgentId>,
    pub state: CallState,
    pub cause: String,
    pub refused: bool,
    pub started_at: Ts,
    pub answered_at: Option<Ts>,
    pub ended_at: Option<Ts>,
    pub seconds: Option<i32>,
    pub settled: bool,
    /// What was said to the answering machine.
    pub recording: Option<AttachmentId>,
}

impl Line {
    /// Who it was with.
    pub fn who(&self) -> String {
        who(&self.contact_name, self.email.as_deref(), &self.name, &self.number)
    }

    /// Nobody answered.
    pub fn is_missed(&self) -> bool {
        self.incoming && self.state == CallState::Ended && self.answered_at.is_none() && !self.refused && self.cause != FORWARDED
    }

    /// `3:24`; empty where nobody talked.
    pub fn length(&self) -> String {
        talked(self.seconds, self.answered_at, self.ended_at).map(length).unwrap_or_default()
    }
}

/// A page of the log, newest first, before a call.
pub async fn list(db: &mut PgConnection, part: Part, before: Option<CallId>, limit: i64) -> sqlx::Result<Vec<Line>> {
    let agent = match part {
        Part::Of(agent) => Some(agent.0),
        Part::All | Part::Missed => None,
    };
    sqlx::query_as!(
        Line,
        r#"select k.id, k.incoming, k.number, k.name, k.contact_id as "contact_id: ContactId", coalesce(c.name, '') as "contact_name!",
                  (select address from identities i where i.contact_id = c.id and i.kind = 'email' order by i.id limit 1) as email,
                  k.ticket_id as "ticket_id: TicketId", k.agent_id as "agent_id: AgentId", k.state, k.cause, k.refused, k.started_at,
                  k.answered_at as "answered_at: Ts", k.ended_at as "ended_at: Ts", k.seconds, k.settled_at is not null as "settled!",
                  case when k.recording then (select a.id from attachments a where a.message_id = k.message_id and a.media_type like 'audio/%' order by a.id limit 1) end
                      as "recording: AttachmentId"
           from calls k left join contacts c on c.id = k.contact_id
           where (k.started_at, k.id) < (coalesce((select started_at from calls where id = $1), 'infinity'), coalesce($1, 9223372036854775807))
             and (not $2 or (k.incoming and k.answered_at is null and k.state = 'ended' and not k.refused and k.cause <> $5))
             and ($3::bigint is null or k.agent_id = $3)
           order by k.started_at desc, k.id desc limit $4"#,
        before.map(|id| id.0),
        part == Part::Missed,
        agent,
        limit,
        FORWARDED
    )
    .fetch_all(db)
    .await
}
