//! `GET /tickets`: lists, changes since, search.

use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Ticket, show};
use crate::api::ErrorBody;
use crate::api::error::{Refusal, Result};
use crate::api::extract::{Caller, Path, Query};
use crate::api::input::{self, Checks, List, Reference};
use crate::app::App;
use crate::clock::Ts;
use crate::desk::directory::{self, Directory};
use crate::desk::kinds::Status;
use crate::desk::tickets::list::{Cursor, Filters, View, ids_by_address};
use crate::desk::tickets::selections::{self, Owner, Selection};
use crate::desk::{contacts, search};
use crate::ids::{AgentId, ContactId, MessageId, TicketId};

/// What narrows the list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TicketQuery {
    /// One of the agents' lists, in its order: `mine`, `unassigned`, `open`, `waiting`, `snoozed`, `solved`, `spam`.
    view: Option<String>,
    status: Option<Status>,
    /// A channel's number or name.
    channel: Option<String>,
    /// A team's number or name.
    team: Option<String>,
    /// A tag's number or name.
    tag: Option<String>,
    /// Two letters.
    language: Option<String>,
    /// A contact's number.
    contact: Option<ContactId>,
    /// An agent's number or mail address, `me`, or `none`.
    assignee: Option<String>,
    /// Changed at this moment or later; the oldest change comes first. To keep a copy up to date, ask again from a minute before
    /// the newest `updated_at` that you have.
    updated_since: Option<Ts>,
    /// Words to find in subjects, messages and senders, or the beginning of a mail address. The newest match comes first, at most
    /// 200 characters. A ticket can come again on a later page, and a page can be short: go on until `next` is null.
    q: Option<String>,
    /// 1 to 100; 50 if not said.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
    /// The `next` of the page before.
    after: Option<String>,
}

impl TicketQuery {
    fn selection(&self, directory: &Directory, me: AgentId) -> Result<Selection> {
        let mut checks = Checks::default();
        let view = self.view.as_deref().map(|slug| {
            let known = View::ALL.map(View::slug).join(", ");
            View::from_slug(slug).ok_or_else(|| Refusal::field("view", format!("One of {known}.")))
        });
        let language = checks.language("language", self.language.as_deref());
        let updated_since = checks.moment("updated_since", self.updated_since);
        checks.done()?;
        let reference = |text: &Option<String>| text.as_deref().map(Reference::of);
        let owner = match self.assignee.as_deref() {
            None => None,
            Some("none") => Some(Owner::Nobody),
            Some(text) => Some(Owner::Agent(Reference::of(text).agent(directory, me)?)),
        };
        Ok(Selection {
            view: view.transpose()?,
            status: self.status,
            filters: Filters {
                channel: reference(&self.channel).map(|channel| channel.channel(directory)).transpose()?,
                team: reference(&self.team).map(|team| team.team(directory)).transpose()?,
                tag: reference(&self.tag).map(|tag| tag.tag(directory)).transpose()?,
                language,
            },
            contact: self.contact,
            owner,
            updated_since,
        })
    }
}

/// List tickets
///
/// The newest first, unless `view`, `updated_since` or `q` says otherwise.
#[utoipa::path(get, path = "/tickets", tag = "Tickets", operation_id = "list_tickets", params(TicketQuery),
    responses((status = 200, body = List<Ticket>), (status = 422, body = ErrorBody)))]
pub(super) async fn list(
    State(app): State<App>,
    Caller(agent): Caller,
    Query(query): Query<TicketQuery>,
) -> Result<axum::Json<List<Ticket>>> {
    let directory = directory::get(&app).await?;
    let selection = query.selection(&directory, agent.id)?;
    let limit = input::limit(query.limit)?;
    let after: Option<Cursor> = cursor(query.after.as_deref())?;
    let mut db = app.db.acquire().await?;
    let mut checks = Checks::default();
    let question = checks.line("q", query.q.as_deref().unwrap_or_default(), 200);
    checks.done()?;
    let (ids, next) = if query.q.is_none() {
        selections::page(&mut db, &selection, agent.id, after, usize::try_from(limit).unwrap_or(0)).await?
    } else if question.is_empty() {
        return Err(Refusal::field("q", "Say what to look for."));
    } else if question.contains('@') && !question.contains(' ') {
        let found = ids_by_address(&mut db, &question, after.map(|after| after.id), limit).await?;
        let next = found.last().map(|id| Cursor { at: None, id: *id }).filter(|_| i64::try_from(found.len()) == Ok(limit));
        (selections::among(&mut db, &selection, agent.id, &found).await?, next)
    } else {
        let before = after.map(|after| MessageId(after.id.0));
        let found = search::find(&app, &mut db, &question, before, limit).await?;
        let next = found.next.map(|message| Cursor { at: None, id: TicketId(message.0) });
        let found: Vec<TicketId> = found.tickets.into_iter().map(|(ticket, _)| ticket).collect();
        (selections::among(&mut db, &selection, agent.id, &found).await?, next)
    };
    let data = show(&app, &mut db, &directory, &ids).await?;
    Ok(axum::Json(List { data, next: next.map(|next| next.to_string()) }))
}

/// A cursor whose moment the database can hold.
fn cursor(after: Option<&str>) -> Result<Option<Cursor>> {
    let cursor: Option<Cursor> = input::cursor(after)?;
    match cursor {
        Some(Cursor { at: Some(at), .. }) if !(0..=253_402_300_799_000_000).contains(&at) => input::cursor(Some("?")),
        cursor => Ok(cursor),
    }
}

/// A page of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ContactTicketsQuery {
    /// 1 to 100; 50 if not said.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
    /// The `next` of the page before.
    after: Option<String>,
}

/// List a contact's tickets
///
/// The newest first.
#[utoipa::path(get, path = "/contacts/{id}/tickets", tag = "Contacts", operation_id = "list_contact_tickets",
    params(("id" = ContactId, Path, description = "The contact's number."), ContactTicketsQuery),
    responses((status = 200, body = List<Ticket>), (status = 404, body = ErrorBody)))]
pub(super) async fn of_contact(
    State(app): State<App>,
    Caller(agent): Caller,
    Path(id): Path<ContactId>,
    Query(query): Query<ContactTicketsQuery>,
) -> Result<axum::Json<List<Ticket>>> {
    let directory = directory::get(&app).await?;
    let limit = usize::try_from(input::limit(query.limit)?).unwrap_or(0);
    let after = cursor(query.after.as_deref())?;
    let mut db = app.db.acquire().await?;
    contacts::find(&mut db, id).await?.ok_or_else(Refusal::not_found)?;
    let selection = Selection { contact: Some(id), ..Selection::default() };
    let (ids, next) = selections::page(&mut db, &selection, agent.id, after, limit).await?;
    let data = show(&app, &mut db, &directory, &ids).await?;
    Ok(axum::Json(List { data, next: next.map(|next| next.to_string()) }))
}
