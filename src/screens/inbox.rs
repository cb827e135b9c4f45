//! The working lists and the search.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{Redirect, Response};
use axum::routing::get;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use crate::app::App;
use crate::clock::Ts;
use crate::desk::agents::Agent;
use crate::desk::directory::Directory;
use crate::desk::kinds::{ChannelKind, Direction, Priority, Status};
use crate::desk::search;
use crate::desk::tickets::list::{self, Cursor, Filters, Page, Row, View};
use crate::http::cards::channel_icon;
use crate::http::page::{Avatar, Icon, Shell, avatar, avatar_colour, capped};
use crate::http::{Error, Path, Query, Result};
use crate::ids::{ChannelId, MessageId, TagId, TeamId, TicketId};
use crate::text::names;

/// The routes of the lists.
pub fn router() -> Router<App> {
    Router::new().route("/", get(home)).route("/inbox/{view}", get(show)).route("/search", get(find))
}

async fn home(_agent: Agent) -> Redirect {
    Redirect::to("/inbox/open")
}

/// What narrows a list, as an address carries it. Numbers travel as text: a select that chose nothing sends an empty one.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListQuery {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub channel: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub team: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tag: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub language: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub q: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub after: String,
    /// On a ticket's page: the list that stands beside it.
    #[serde(rename = "in", skip_serializing_if = "String::is_empty")]
    pub view: String,
}

impl ListQuery {
    fn filters(&self) -> Filters {
        Filters {
            channel: self.channel.parse().ok().map(ChannelId),
            team: self.team.parse().ok().map(TeamId),
            tag: self.tag.parse().ok().map(TagId),
            language: Some(self.language.clone()).filter(|language| !language.is_empty()),
        }
    }

    fn encode(&self) -> String {
        let pairs = [
            ("in", &self.view),
            ("q", &self.q),
            ("channel", &self.channel),
            ("team", &self.team),
            ("tag", &self.tag),
            ("language", &self.language),
            ("after", &self.after),
        ];
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (key, value) in pairs.into_iter().filter(|(_, value)| !value.is_empty()) {
            query.append_pair(key, value);
        }
        let query = query.finish();
        if query.is_empty() { query } else { format!("?{query}") }
    }
}

/// The list pane: a view or a search, with its filters and one page of tickets.
pub struct ListPane {
    pub directory: Arc<Directory>,
    /// `None`: a search.
    pub view: Option<View>,
    pub query: ListQuery,
    pub title: String,
    pub count: Option<String>,
    pub rows: Vec<RowView>,
    pub next: Option<String>,
    /// The ticket that stands open beside the list.
    pub open: Option<TicketId>,
    pub links: Vec<ViewLink>,
    pub teams: Vec<ViewLink>,
    pub any_channel: bool,
}

/// A link to a view with its count.
pub struct ViewLink {
    pub icon: &'static str,
    pub label: String,
    pub href: String,
    pub count: String,
    pub current: bool,
}

/// A line of the list.
pub struct RowView {
    pub row: Row,
    directory: Arc<Directory>,
    suffix: String,
}

impl RowView {
    pub(crate) fn new(row: Row, directory: &Arc<Directory>, suffix: &str) -> Self {
        Self { row, directory: directory.clone(), suffix: suffix.to_owned() }
    }

    pub(crate) fn id(&self) -> TicketId {
        self.row.id
    }

    pub(crate) fn href(&self) -> String {
        format!("/tickets/{}{}", self.row.id, self.suffix)
    }

    pub(crate) fn name(&self) -> &str {
        self.row.contact_name.as_deref().unwrap_or("Unknown")
    }

    pub(crate) fn initials(&self) -> String {
        names::initials(self.name())
    }

    pub(crate) fn colour(&self) -> u32 {
        avatar_colour(self.name())
    }

    fn channel(&self) -> ChannelKind {
        self.directory.channel(self.row.channel_id).map_or(ChannelKind::Api, |channel| channel.kind)
    }

    /// Until when its network lets us say anything, while we owe an answer.
    pub(crate) fn closes(&self) -> Option<Ts> {
        self.row.window_until.filter(|until| self.row.waiting_since.is_some() && *until > Ts::now())
    }

    pub(crate) fn channel_icon(&self) -> Icon {
        channel_icon(self.channel())
    }

    pub(crate) fn channel_label(&self) -> &'static str {
        self.channel().label()
    }

    pub(crate) fn subject(&self) -> &str {
        if self.row.subject.is_empty() { "(no subject)" } else { &self.row.subject }
    }

    pub(crate) fn urgent(&self) -> Option<&'static str> {
        (self.row.priority >= Priority::High).then(|| self.row.priority.label())
    }

    /// The customer has spoken last and is owed an answer.
    pub(crate) fn owed(&self) -> bool {
        self.row.waiting_since.is_some()
    }

    pub(crate) fn ours(&self) -> bool {
        self.row.last_direction == Some(Direction::Outbound)
    }

    pub(crate) fn tags(&self) -> impl Iterator<Item = &str> {
        self.row.tag_ids.iter().take(3).map(|id| self.directory.tag(*id))
    }

    pub(crate) fn owner(&self) -> Option<&str> {
        self.row.assignee_id.map(|id| self.directory.agent(id))
    }

    pub(crate) fn owner_short(&self) -> String {
        let name = self.owner().unwrap_or_default();
        match name.split_once(' ') {
            Some((first, last)) => format!("{first} {}.", last.chars().next().unwrap_or(' ')),
            None => name.to_owned(),
        }
    }

    pub(crate) fn owner_avatar(&self) -> Avatar {
        avatar(self.owner().unwrap_or_default(), self.row.assignee_id.and_then(|id| self.directory.photo(id)), "s")
    }
}

/// The links to the views; `view` and `team` say where one is.
pub(crate) fn links(shell: &Shell, view: Option<View>, team: Option<TeamId>) -> Vec<ViewLink> {
    // Only networks let us answer for a limited time.
    let limited =
        shell.directory.channels.iter().any(|channel| channel.abilities.as_ref().is_some_and(|abilities| abilities.window.is_some()));
    let mut links: Vec<ViewLink> = View::ALL
        .into_iter()
        .filter(|each| *each != View::Closing || limited)
        .map(|each| ViewLink {
            icon: view_icon(each),
            label: each.label().to_owned(),
            href: format!("/inbox/{}", each.slug()),
            count: shell.counts.of(each).filter(|count| *count > 0).map(|count| capped(&count)).unwrap_or_default(),
            current: view == Some(each) && team.is_none(),
        })
        .collect();
    let calls = &shell.calls;
    if shell.directory.call_backs.offered || calls.open > 0 {
        // Beside what waits.
        let at = links.iter().position(|link| link.icon == view_icon(View::Snoozed)).unwrap_or(links.len());
        let link = ViewLink {
            icon: "phone",
            label: "Call-backs".to_owned(),
            href: "/inbox/call-backs".to_owned(),
            count: if calls.open > 0 { capped(&calls.open) } else { String::new() },
            current: shell.is_at("/inbox/call-backs"),
        };
        links.insert(at, link);
    }
    links
}

impl ListPane {
    /// How a ticket stands, where the view does not say so already.
    pub(crate) fn status_note(&self, row: &RowView) -> Option<&'static str> {
        match row.row.status {
            Status::Open => None,
            _ if matches!(self.view, Some(View::Snoozed | View::Solved | View::Spam)) => None,
            other => Some(other.label()),
        }
    }

    /// Reads the pane of an inbox page or of a ticket's page.
    pub async fn load(
        app: &App,
        db: &mut PgConnection,
        shell: &Shell,
        view: Option<View>,
        mut query: ListQuery,
        open: Option<TicketId>,
    ) -> sqlx::Result<Self> {
        let filters = query.filters();
        let (page, title) = match view {
            Some(view) => {
                let page = list::page(db, view, shell.agent.id, &filters, query.after.parse().ok()).await?;
                (page, view.label().to_owned())
            }
            None => (search_page(app, db, &query, &filters).await?, format!("Results for “{}”", query.q)),
        };
        let count = view.and_then(|view| shell.counts.of(view)).filter(|_| !filters.any()).map(|count| capped(&count));
        query.view = view.map_or("search", View::slug).to_owned();
        let suffix = ListQuery { after: String::new(), ..query.clone() }.encode();
        let next = page.next.map(|cursor| ListQuery { after: cursor.to_string(), view: String::new(), ..query.clone() }.encode());
        let base = view.map_or_else(|| "/search".to_owned(), |view| format!("/inbox/{}", view.slug()));
        let links = links(shell, view, filters.team);
        let mine = shell.directory.teams_of(shell.agent.id);
        let teams = shell
            .directory
            .teams
            .iter()
            .filter(|team| shell.is_lead() || mine.contains(&team.id))
            .map(|team| ViewLink {
                icon: "users-round",
                label: team.name.clone(),
                href: format!("/inbox/open?team={}", team.id),
                count: String::new(),
                current: filters.team == Some(team.id) && view == Some(View::Open),
            })
            .collect();
        Ok(Self {
            rows: page.rows.into_iter().map(|row| RowView::new(row, &shell.directory, &suffix)).collect(),
            next: next.map(|next| format!("{base}{next}")),
            directory: shell.directory.clone(),
            any_channel: !shell.directory.channels.is_empty(),
            view,
            query,
            title,
            count,
            open,
            links,
            teams,
        })
    }

    pub(crate) fn action(&self) -> String {
        self.view.map_or_else(|| "/search".to_owned(), |view| format!("/inbox/{}", view.slug()))
    }

    pub(crate) fn is_open(&self, row: &RowView) -> bool {
        self.open == Some(row.row.id)
    }

    pub(crate) fn filtered(&self) -> bool {
        self.query.filters().any()
    }

    pub(crate) fn chosen(&self, field: &str, value: impl ToString) -> bool {
        let value = value.to_string();
        match field {
            "channel" => self.query.channel == value,
            "team" => self.query.team == value,
            "tag" => self.query.tag == value,
            _ => self.query.language == value,
        }
    }

    /// Whether this is the list of what is held as spam.
    pub fn is_spam(&self) -> bool {
        self.view == Some(View::Spam)
    }

    /// Where "back to the list" leads.
    pub fn back(&self) -> String {
        format!("{}{}", self.action(), ListQuery { view: String::new(), ..self.query.clone() }.encode())
    }

    /// The ticket after the open one, for "next".
    pub fn after_open(&self) -> Option<String> {
        let at = self.rows.iter().position(|row| Some(row.row.id) == self.open)?;
        self.rows.get(at + 1).or_else(|| self.rows.first()).filter(|row| Some(row.row.id) != self.open).map(RowView::href)
    }
}

const fn view_icon(view: View) -> &'static str {
    match view {
        View::Mine => "user",
        View::Unassigned => "user-plus",
        View::Open => "circle-dot",
        View::Waiting => "clock",
        View::Closing => "globe",
        View::Snoozed => "alarm-clock",
        View::Solved => "circle-check",
        View::Spam => "circle-slash",
    }
}

/// Languages that a list can be narrowed to.
pub const LANGUAGES: [(&str, &str); 5] = [("de", "Deutsch"), ("en", "English"), ("es", "Español"), ("fr", "Français"), ("it", "Italiano")];

async fn search_page(app: &App, db: &mut PgConnection, query: &ListQuery, filters: &Filters) -> sqlx::Result<Page> {
    let limit = i64::try_from(list::PAGE).unwrap_or(50);
    let question = query.q.trim();
    if question.is_empty() {
        return Ok(Page { rows: Vec::new(), next: None });
    }
    // "anna@example" and "anna@": an address is found by its beginning.
    if question.contains('@') && !question.contains(char::is_whitespace) {
        let before = query.after.parse::<Cursor>().ok().map(|cursor| cursor.id);
        let ids = list::ids_by_address(db, question, before, limit).await?;
        let next = ids.last().filter(|_| ids.len() == list::PAGE).map(|id| Cursor { at: None, id: *id });
        return Ok(Page { rows: list::rows(db, &ids, filters).await?, next });
    }
    let before = query.after.parse::<Cursor>().ok().map(|cursor| MessageId(cursor.id.0));
    let found = search::find(app, db, question, before, limit).await?;
    let next = found.next.map(|message| Cursor { at: None, id: TicketId(message.0) });
    let ids: Vec<TicketId> = found.tickets.into_iter().map(|(ticket, _)| ticket).collect();
    Ok(Page { rows: list::rows(db, &ids, filters).await?, next })
}

#[derive(Template)]
#[template(path = "screens/inbox.html")]
struct InboxPage<'a> {
    shell: &'a Shell,
    pane: ListPane,
}

async fn show(State(app): State<App>, Path(view): Path<String>, Query(query): Query<ListQuery>, shell: Shell) -> Result<Response> {
    let view = View::from_slug(&view).ok_or(Error::NotFound)?;
    let mut db = app.db.acquire().await?;
    let pane = ListPane::load(&app, &mut db, &shell, Some(view), query, None).await?;
    shell.render(&InboxPage { shell: &shell, pane })
}

async fn find(State(app): State<App>, Query(query): Query<ListQuery>, shell: Shell) -> Result<Response> {
    use axum::response::IntoResponse as _;
    let mut db = app.db.acquire().await?;
    // "#4711" and "4711" are a ticket's number, as long as there is such a ticket.
    if let Ok(id) = query.q.trim().trim_start_matches('#').parse::<TicketId>()
        && crate::desk::tickets::load(&mut db, &shell.agent, id).await?.is_some()
    {
        return Ok(Redirect::to(&format!("/tickets/{id}")).into_response());
    }
    if query.q.trim().is_empty() {
        return Ok(Redirect::to("/inbox/open").into_response());
    }
    let pane = ListPane::load(&app, &mut db, &shell, None, query, None).await?;
    shell.render(&InboxPage { shell: &shell, pane })
}
