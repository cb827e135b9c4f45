//! Joining two customers who are one person, and taking them apart again.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use serde::Deserialize;

use crate::app::App;
use crate::desk::agents::Agent;
use crate::desk::changes::Change;
use crate::desk::contacts::{self, Contact};
use crate::desk::merging::{self, MergeError};
use crate::http::flash::Flash;
use crate::http::page::{Avatar, Shell, avatar, came_from};
use crate::http::{Error, Form, Path, Query, Result};
use crate::ids::{ContactId, MergeId};

/// Customers offered at once.
const SHOWN: i64 = 20;

/// Whom to join with.
#[derive(Template)]
#[template(path = "screens/contacts/merge.html")]
struct MergePage<'a> {
    shell: &'a Shell,
    contact: Contact,
    q: String,
    found: Vec<Contact>,
}

impl MergePage<'_> {
    fn avatar(&self, contact: &Contact) -> Avatar {
        avatar(&contact.display_name(), contact.picture().as_deref(), "")
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ChooseQuery {
    q: String,
}

/// Looks for the other customer.
pub async fn choose(State(app): State<App>, Path(id): Path<ContactId>, Query(query): Query<ChooseQuery>, shell: Shell) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    let contact = contacts::find(&mut db, id).await?.ok_or(Error::NotFound)?;
    let q = query.q.trim().to_owned();
    let mut found = if q.is_empty() { Vec::new() } else { contacts::list(&mut db, &q, None, SHOWN).await? };
    found.retain(|other| other.id != id);
    shell.render(&MergePage { shell: &shell, contact, q, found })
}

/// The other customer.
#[derive(Debug, Deserialize)]
pub struct OtherForm {
    other: ContactId,
}

/// Joins the other customer to this one.
pub async fn merge(
    State(app): State<App>,
    Path(id): Path<ContactId>,
    headers: HeaderMap,
    agent: Agent,
    Form(form): Form<OtherForm>,
) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    let other = contacts::find(&mut change, form.other).await?.ok_or(Error::NotFound)?;
    let merged = merging::merge(&mut change, agent.id, id, form.other).await;
    let back = came_from(&headers, &format!("/customers/{id}"));
    // The page to choose on has done its work.
    let back = if back.contains("/merge") { format!("/customers/{id}") } else { back };
    match merged {
        Ok(merge) => {
            change.commit().await?;
            let mut flash = Flash::new(format!("{} is one with this customer now.", other.display_name()));
            flash.undo = Some(format!("/customers/{id}/merges/{merge}/undo"));
            Ok(flash.redirect(&back))
        }
        Err(MergeError::Database(error)) => Err(error.into()),
        Err(error) => Ok(Flash::new(error.to_string()).redirect(&back)),
    }
}

/// They are two people.
pub async fn refuse(
    State(app): State<App>,
    Path(id): Path<ContactId>,
    headers: HeaderMap,
    agent: Agent,
    Form(form): Form<OtherForm>,
) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    merging::refuse(&mut db, agent.id, id, form.other).await?;
    Ok(Flash::new("They stay two customers.").redirect(&came_from(&headers, &format!("/customers/{id}"))))
}

/// Takes them apart again.
pub async fn undo(
    State(app): State<App>,
    Path((id, merge)): Path<(ContactId, MergeId)>,
    headers: HeaderMap,
    _agent: Agent,
) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    let back = came_from(&headers, &format!("/customers/{id}"));
    match merging::undo(&mut change, merge).await {
        Ok(_) => {
            change.commit().await?;
            Ok(Flash::new("They are two customers again, each with what is theirs.").redirect(&back))
        }
        Err(MergeError::Database(error)) => Err(error.into()),
        Err(error) => Ok(Flash::new(error.to_string()).redirect(&back)),
    }
}
