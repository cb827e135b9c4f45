//! The public watch: bad reviews and angry public messages, how far each reaches, and what was done about it. And the answers to the bell:
//! "I take it", "not angry".

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::HeaderMap;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::json;

use crate::app::App;
use crate::clock::Ts;
use crate::desk::agents::{Agent, Lead};
use crate::desk::anger::list::{self, Counts, Filters, Rating, Row};
use crate::desk::anger::ringing::{self, TakeError};
use crate::desk::anger::{self, rating_words};
use crate::desk::changes::Change;
use crate::desk::kinds::{AngerState, ChannelKind};
use crate::desk::tickets;
use crate::http::cards::channel_icon;
use crate::http::flash::Flash;
use crate::http::page::{self, Icon, Shell};
use crate::http::{Error, Path, Query, Result};
use crate::ids::TicketId;
use crate::text::excerpts;

/// The state that an address names for [`list::BETTER`].
const BETTER: &str = "better";

/// The routes of the public watch.
pub fn router() -> Router<App> {
    Router::new()
        .route("/reviews", get(show))
        .route("/reviews/{ticket}/take", post(take))
        .route("/reviews/{ticket}/who", get(who))
        .route("/reviews/{ticket}/calm", post(calm))
        .route("/reviews/{ticket}/restore", post(restore))
}

/// What narrows the list, as an address carries it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct WatchQuery {
    network: String,
    /// `1` … `5`, `no`, `none`.
    rating: String,
    state: String,
    /// Days of the shop: `2026-11-22`.
    from: String,
    to: String,
    after: String,
}

impl WatchQuery {
    fn filters(&self, zone: &str) -> Filters {
        let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
        let day = |text: &str, plus: i64| -> Option<Ts> {
            let date: Date = text.parse().ok()?;
            let date = date.checked_add(jiff::Span::new().days(plus)).ok()?;
            date.to_zoned(zone.clone()).ok().map(|at| Ts(at.timestamp()))
        };
        let rating = match self.rating.as_str() {
            "no" => Some(Rating::NotRecommended),
            "none" => Some(Rating::None),
            stars => stars.parse().ok().filter(|stars| (1..=5).contains(stars)).map(Rating::Stars),
        };
        Filters {
            kind: self.network.parse().ok(),
            rating,
            states: if self.state == BETTER { list::BETTER.into() } else { self.state.parse().into_iter().collect() },
            since: day(&self.from, 0),
            until: day(&self.to, 1),
        }
    }

    fn after(&self, cursor: &list::Cursor) -> String {
        let pairs = [("network", &self.network), ("rating", &self.rating), ("state", &self.state), ("from", &self.from), ("to", &self.to)];
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (key, value) in pairs.into_iter().filter(|(_, value)| !value.is_empty()) {
            query.append_pair(key, value);
        }
        query.append_pair("after", &cursor.to_string());
        format!("/reviews?{}", query.finish())
    }
}

#[derive(Template)]
#[template(path = "screens/reviews/list.html")]
struct WatchPage<'a> {
    shell: &'a Shell,
    counts: Counts,
    rows: Vec<Row>,
    query: WatchQuery,
    narrowed: bool,
    next: Option<String>,
    networks: Vec<ChannelKind>,
}

impl WatchPage<'_> {
    fn icon(&self, row: &Row) -> Icon {
        self.shell.directory.channel(row.channel_id).map_or(page::icon("globe"), |channel| channel_icon(channel.kind))
    }

    fn network(&self, row: &Row) -> &str {
        self.shell.directory.channel(row.channel_id).map_or("a removed channel", |channel| &channel.name)
    }

    fn excerpt(&self, row: &Row) -> String {
        match row.body.trim() {
            "" if row.state == AngerState::Removed => "(Taken back by its author)".to_owned(),
            "" => "(No words)".to_owned(),
            words => excerpts::excerpt(words, 160),
        }
    }

    fn why(&self, row: &Row) -> String {
        let reasons = row.reasons();
        let words = reasons.iter().filter_map(|reason| match reason {
            anger::Reason::Word { words, .. } => Some(format!("“{}”", words.to_lowercase())),
            anger::Reason::Stars { .. } | anger::Reason::NotRecommended {} => None,
        });
        words.collect::<Vec<_>>().join(", ")
    }

    fn waits(&self, row: &Row) -> bool {
        row.state == AngerState::Waiting
    }

    /// How its badge looks, and what it says.
    fn badge(&self, row: &Row) -> (&'static str, String) {
        let class = match row.state {
            AngerState::Waiting if row.ring > 0 => "badge badge--over",
            AngerState::Waiting => "badge badge--waiting",
            AngerState::Answered | AngerState::Private | AngerState::Calm | AngerState::Removed => "badge",
            AngerState::Solved | AngerState::Changed | AngerState::Softened => "badge badge--done",
        };
        let words = match row.state {
            AngerState::Waiting if row.ring > 0 => "Rings".to_owned(),
            AngerState::Changed => format!("From {} to {}", rating_words(Some(&row.before())), rating_words(Some(&row.now()))),
            state => state.label().to_owned(),
        };
        (class, words)
    }

    /// A rating that is another now, where the badge does not say so.
    fn changed_to(&self, row: &Row) -> Option<String> {
        (row.state != AngerState::Changed && row.before() != row.now()).then(|| rating_words(Some(&row.now())))
    }

    /// Who has it.
    fn holder(&self, row: &Row) -> Option<&str> {
        row.assignee_id.map(|id| self.shell.directory.agent(id))
    }

    fn states(&self) -> &'static [AngerState] {
        AngerState::ALL
    }

    fn is(&self, value: &str, wanted: impl ToString) -> bool {
        value == wanted.to_string()
    }

    fn may_take(&self, row: &Row) -> bool {
        let held = row.taken_by.is_some() && row.taken_by == row.assignee_id;
        self.shell.is_lead() && self.waits(row) && !held && row.assignee_id != Some(self.shell.agent.id)
    }
}

async fn show(State(app): State<App>, Query(query): Query<WatchQuery>, shell: Shell) -> Result<Response> {
    let filters = query.filters(&shell.directory.shop.time_zone);
    let mut db = app.db.acquire().await?;
    let counts = list::counts(&mut db, Ts::now()).await?;
    let page = list::page(&mut db, &filters, query.after.parse().ok()).await?;
    let next = page.next.map(|cursor| query.after(&cursor));
    let mut networks: Vec<ChannelKind> =
        shell.directory.channels.iter().filter(|channel| channel.abilities.is_some()).map(|channel| channel.kind).collect();
    networks.dedup();
    shell.render(&WatchPage { shell: &shell, counts, rows: page.rows, narrowed: filters.any(), query, next, networks })
}

async fn permitted(db: &mut sqlx::PgConnection, agent: &Agent, id: TicketId) -> Result<()> {
    tickets::load(db, agent, id).await?.ok_or(Error::NotFound).map(drop)
}

/// Somebody who leads takes it. Of two who try at once one gets it, and the other reads who did.
async fn take(State(app): State<App>, Lead(lead): Lead, Path(id): Path<TicketId>, headers: HeaderMap, shell: Shell) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    permitted(&mut change, &lead, id).await?;
    match ringing::take(&mut change, lead.id, id).await {
        Ok(()) => {
            change.commit().await?;
            Ok(Flash::new(format!("#{id} is yours.")).redirect(&format!("/tickets/{id}")))
        }
        Err(TakeError::Taken(by)) => {
            let words = format!("{} took it a moment ago.", shell.directory.agent(by));
            Ok(Flash::new(words).redirect(&page::came_from(&headers, "/reviews")))
        }
        Err(TakeError::Over) => Ok(Flash::new("Nothing waits there any more.").redirect(&page::came_from(&headers, "/reviews"))),
        Err(TakeError::Database(error)) => Err(error.into()),
    }
}

/// Who took it, for a screen at which it stopped ringing.
async fn who(State(app): State<App>, Path(id): Path<TicketId>, shell: Shell) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    permitted(&mut db, &shell.agent, id).await?;
    let by = ringing::taken_by(&mut db, id).await?.filter(|by| *by != shell.agent.id);
    let by = by.map(|by| shell.directory.agent(by).split_whitespace().next().unwrap_or_default().to_owned());
    Ok(Json(json!({ "by": by })).into_response())
}

async fn calm(State(app): State<App>, Path(id): Path<TicketId>, headers: HeaderMap, agent: Agent) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    permitted(&mut change, &agent, id).await?;
    let done = anger::calm(&mut change, agent.id, id).await?;
    change.commit().await?;
    let mut flash = Flash::new(if done { "Noted: nobody is angry here." } else { "It counts as calm already." });
    flash.undo = done.then(|| format!("/reviews/{id}/restore"));
    Ok(flash.redirect(&page::came_from(&headers, &format!("/tickets/{id}"))))
}

async fn restore(State(app): State<App>, Path(id): Path<TicketId>, headers: HeaderMap, agent: Agent) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    permitted(&mut change, &agent, id).await?;
    anger::restore(&mut change, agent.id, id).await?;
    change.commit().await?;
    Ok(Flash::new("It counts as angry again.").redirect(&page::came_from(&headers, &format!("/tickets/{id}"))))
}
