//! Customers: the list, and one person with all they asked.

mod merge;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use http::StatusCode;
use serde::Deserialize;

use crate::app::App;
use crate::desk::agents::Agent;
use crate::desk::contacts::{self, Contact, ContactUpdate, Identity};
use crate::desk::merging::{self, Merged, Suggestion};
use crate::desk::tickets::list::{self, Filters};
use crate::http::flash::Flash;
use crate::http::page::{Avatar, Shell, avatar, avatar_colour};
use crate::http::{Error, Form, Path, Query, Result, downloads};
use crate::ids::{ContactId, TicketId};
use crate::screens::inbox::{LANGUAGES, RowView};
use crate::text::names;

/// Contacts and tickets on a page.
const PAGE: usize = 50;
const LIMIT: i64 = 51;

/// The routes of the customers.
pub fn router() -> Router<App> {
    Router::new()
        .route("/customers", get(list))
        .route("/customers/{id}", get(show).post(update))
        .route("/customers/{id}/picture/{mark}", get(picture))
        .route("/customers/{id}/merge", get(merge::choose).post(merge::merge))
        .route("/customers/{id}/not-the-same", post(merge::refuse))
        .route("/customers/{id}/merges/{merge}/undo", post(merge::undo))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ListQuery {
    q: String,
    before: String,
}

#[derive(Template)]
#[template(path = "screens/contacts/list.html")]
struct ListPage<'a> {
    shell: &'a Shell,
    q: String,
    contacts: Vec<Contact>,
    next: Option<ContactId>,
}

impl ListPage<'_> {
    fn initials(&self, contact: &Contact) -> String {
        names::initials(&contact.display_name())
    }

    fn colour(&self, contact: &Contact) -> u32 {
        avatar_colour(&contact.display_name())
    }
}

async fn list(State(app): State<App>, Query(query): Query<ListQuery>, shell: Shell) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    let before = query.before.parse().ok().map(ContactId);
    let mut found = contacts::list(&mut db, &query.q, before, LIMIT).await?;
    let more = found.len() > PAGE;
    found.truncate(PAGE);
    let next = found.last().filter(|_| more).map(|contact| contact.id);
    shell.render(&ListPage { shell: &shell, q: query.q, contacts: found, next })
}

#[derive(Template)]
#[template(path = "screens/contacts/show.html")]
struct ShowPage<'a> {
    shell: &'a Shell,
    contact: Contact,
    identities: Vec<Identity>,
    tickets: Vec<RowView>,
    twins: Vec<Suggestion>,
    merges: Vec<Merged>,
    next: Option<TicketId>,
    error: Option<String>,
}

impl ShowPage<'_> {
    fn avatar(&self) -> Avatar {
        avatar(&self.contact.display_name(), self.contact.picture().as_deref(), "l")
    }

    fn speaks(&self, code: &str) -> bool {
        self.contact.language.as_deref() == Some(code)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ShowQuery {
    before: String,
}

async fn page<'a>(app: &App, shell: &'a Shell, id: ContactId, before: Option<TicketId>, error: Option<String>) -> Result<ShowPage<'a>> {
    let mut db = app.db.acquire().await?;
    let contact = contacts::find(&mut db, id).await?.ok_or(Error::NotFound)?;
    let identities = contacts::identities(&mut db, id).await?;
    let mut tickets = contacts::tickets(&mut db, id, before, LIMIT).await?;
    let more = tickets.len() > PAGE;
    tickets.truncate(PAGE);
    let next = tickets.last().filter(|_| more).map(|ticket| ticket.id);
    let ids: Vec<TicketId> = tickets.into_iter().map(|ticket| ticket.id).collect();
    let rows = list::rows(&mut db, &ids, &Filters::default()).await?;
    let tickets = rows.into_iter().map(|row| RowView::new(row, &shell.directory, "")).collect();
    let twins = merging::suggestions(&mut db, id).await?;
    let merges = merging::merges(&mut db, id).await?;
    Ok(ShowPage { shell, contact, identities, tickets, twins, merges, next, error })
}

/// Our copy of a customer's picture, for agents. Its address changes with it.
async fn picture(State(app): State<App>, Path((id, mark)): Path<(ContactId, String)>, _agent: Agent) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    let contact = contacts::find(&mut db, id).await?.ok_or(Error::NotFound)?;
    drop(db);
    let current = contact.picture().is_some_and(|address| address.rsplit('/').next() == Some(&*mark));
    let sha256 = contact.picture.filter(|_| current).ok_or(Error::NotFound)?;
    downloads::private_portrait(&app, &sha256).await
}

async fn show(State(app): State<App>, Path(id): Path<ContactId>, Query(query): Query<ShowQuery>, shell: Shell) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    if let Some(successor) = merging::successor(&mut db, id).await? {
        return Ok(Redirect::to(&format!("/customers/{successor}")).into_response());
    }
    drop(db);
    let page = page(&app, &shell, id, query.before.parse().ok().map(TicketId), None).await?;
    shell.render(&page)
}

#[derive(Debug, Deserialize)]
struct UpdateForm {
    name: String,
    language: String,
    company: String,
    note: String,
}

async fn update(State(app): State<App>, Path(id): Path<ContactId>, shell: Shell, Form(form): Form<UpdateForm>) -> Result<Response> {
    let to = ContactUpdate {
        name: form.name.trim().to_owned(),
        language: LANGUAGES.iter().find(|(code, _)| *code == form.language).map(|(code, _)| (*code).to_owned()),
        company: form.company.trim().to_owned(),
        note: form.note.trim().replace("\r\n", "\n"),
    };
    let too_long = to.name.chars().count() > 200 || to.company.chars().count() > 200 || to.note.chars().count() > 5000;
    if too_long {
        let words = "A name and a company have at most 200 characters, a note 5000.".to_owned();
        let mut page = page(&app, &shell, id, None, Some(words)).await?;
        page.contact = Contact { name: to.name, language: to.language, company: to.company, note: to.note, ..page.contact };
        return shell.render_as(StatusCode::UNPROCESSABLE_ENTITY, &page);
    }
    let mut db = app.db.acquire().await?;
    if !contacts::update(&mut db, id, &to).await? {
        return Err(Error::NotFound);
    }
    app.live.announce(crate::live::Signal::Resync);
    Ok(Flash::new("Saved.").redirect(&format!("/customers/{id}")))
}
