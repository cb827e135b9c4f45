//! The floor: who is there, every open chat and how long it waits, and what was missed today. For leads and admins.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::app::App;
use crate::clock::Ts;
use crate::desk::agents::Lead;
use crate::desk::chats::{self, Tally, Waiting};
use crate::desk::kinds::ChatState;
use crate::desk::presence::{self, OnDuty};
use crate::http::Result;
use crate::http::page::{Shell, visitor_name};
use crate::ids::{AgentId, TicketId};
use crate::screens::tickets::language_name;

/// Chats on one page of the floor.
const CHATS: i64 = 200;

#[derive(Template)]
#[template(path = "screens/chats/floor.html")]
struct FloorPage<'a> {
    shell: &'a Shell,
    people: Vec<PersonRow>,
    chats: Vec<ChatRow>,
    there: Vec<OnDuty>,
    /// Offers of people who have left since.
    gone: Vec<(String, Tally)>,
}

/// Someone who is there.
struct PersonRow {
    one: OnDuty,
    today: Tally,
    languages: String,
}

/// An open chat.
struct ChatRow {
    row: Waiting,
    name: String,
    holder: Option<String>,
    team: Option<String>,
    mine: bool,
}

impl ChatRow {
    fn id(&self) -> TicketId {
        self.row.ticket_id
    }

    fn badge(&self) -> (&'static str, &'static str) {
        match self.row.state {
            ChatState::Active => ("badge", "Active"),
            ChatState::Ringing => ("badge badge--waiting", "Ringing"),
            ChatState::Queued => ("badge badge--waiting", "Waiting"),
            _ => ("badge badge--over", "Not taken"),
        }
    }

    /// Whom the ladder asks.
    fn rung(&self) -> &'static str {
        match (self.row.state, self.row.rung) {
            (ChatState::Ringing, 0) => "at the first agent",
            (ChatState::Ringing, 1) => "at the next agent",
            (ChatState::Ringing, 2) => "at the whole team",
            (ChatState::Ringing, _) => "at the leads",
            _ => "",
        }
    }

    fn language(&self) -> &str {
        self.row.language.as_deref().map_or("", |code| language_name(code).unwrap_or(code))
    }
}

impl FloorPage<'_> {
    fn summary(&self) -> String {
        let free = self.there.iter().filter(|one| one.is_free()).count();
        let waiting = self.chats.iter().filter(|chat| chat.row.agent_id.is_none()).count();
        let late = self.chats.iter().filter(|chat| chat.row.late_at.is_some()).count();
        format!("{} there, {free} free · {} open, {waiting} that nobody holds, {late} late", self.there.len(), self.chats.len())
    }

    fn others(&self, row: &ChatRow) -> Vec<&OnDuty> {
        self.there.iter().filter(|one| Some(one.agent) != row.row.agent_id).collect()
    }
}

/// The floor.
pub async fn show(State(app): State<App>, _: Lead, shell: Shell) -> Result<Response> {
    let now = Ts::now();
    let mut db = app.db.acquire().await?;
    let there = presence::floor(&mut db, now).await?;
    let tallies = chats::tallies(&mut db, midnight(now, &shell.directory.shop.time_zone)).await?;
    let chats = chats::floor_waiting(&mut db, CHATS).await?;
    drop(db);
    let of = |agent: AgentId| tallies.iter().find(|(id, _)| *id == agent).map(|(_, tally)| *tally).unwrap_or_default();
    let languages = |one: &OnDuty| {
        let names: Vec<&str> = one.languages.iter().map(|code| language_name(code).unwrap_or(code)).collect();
        if names.is_empty() { "any".to_owned() } else { names.join(", ") }
    };
    let people = there.iter().map(|one| PersonRow { today: of(one.agent), languages: languages(one), one: one.clone() }).collect();
    let gone = tallies.iter().filter(|(agent, tally)| tally.missed > 0 && !there.iter().any(|one| one.agent == *agent));
    let gone = gone.map(|(agent, tally)| (shell.directory.agent(*agent).to_owned(), *tally)).collect();
    let chat = |row: Waiting| ChatRow {
        name: visitor_name(&row.name, row.ticket_id),
        holder: row.agent_id.map(|id| shell.directory.agent(id).to_owned()),
        team: row.team_id.map(|id| shell.directory.team(id).to_owned()),
        mine: row.agent_id == Some(shell.agent.id),
        row,
    };
    let chats = chats.into_iter().map(chat).collect();
    shell.render(&FloorPage { shell: &shell, people, chats, there, gone })
}

/// When today began in the shop.
fn midnight(now: Ts, zone: &str) -> Ts {
    let zone = jiff::tz::TimeZone::get(zone).unwrap_or(jiff::tz::TimeZone::UTC);
    now.0.to_zoned(zone).start_of_day().map_or(now.plus_seconds(-86_400), |start| Ts(start.timestamp()))
}
