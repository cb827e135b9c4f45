//! `/contacts`: customers. Their tickets are listed with the tickets.

use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::ErrorBody;
use crate::api::error::{Refusal, Result};
use crate::api::extract::{Caller, Json, Path, Query};
use crate::api::input::{self, Checks, List, present};
use crate::app::App;
use crate::desk::changes::Change;
use crate::desk::contacts::{self, Contact, ContactUpdate, Identity};
use crate::ids::ContactId;

/// The routes of contacts.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(read, change))
}

/// A customer with every address.
#[derive(Debug, Serialize, ToSchema)]
pub struct ContactWithIdentities {
    #[serde(flatten)]
    contact: Contact,
    identities: Vec<Identity>,
}

/// What narrows the list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ContactQuery {
    /// Part of the name, or the beginning of an address; at most 200 bytes.
    q: Option<String>,
    /// 1 to 100; 50 if not said.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
    /// The `next` of the page before.
    after: Option<String>,
}

/// List contacts
///
/// The newest first.
#[utoipa::path(get, path = "/contacts", tag = "Contacts", operation_id = "list_contacts", params(ContactQuery),
    responses((status = 200, body = List<Contact>), (status = 422, body = ErrorBody)))]
async fn list(State(app): State<App>, _: Caller, Query(query): Query<ContactQuery>) -> Result<axum::Json<List<Contact>>> {
    let limit = input::limit(query.limit)?;
    let before = input::cursor(query.after.as_deref())?;
    let mut checks = Checks::default();
    let question = checks.line("q", query.q.as_deref().unwrap_or_default(), 200);
    checks.done()?;
    let mut db = app.db.acquire().await?;
    let found = contacts::list(&mut db, &question, before, limit + 1).await?;
    Ok(axum::Json(List::cut(found, limit, |contact: &Contact| contact.id.to_string())))
}

/// A new customer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewContact {
    #[schema(example = "anna@example.com")]
    email: String,
    /// At most 200 bytes, as the company.
    #[serde(default)]
    name: String,
    /// Two letters.
    language: Option<String>,
    #[serde(default)]
    company: String,
    /// For agents; at most 10,000 bytes.
    #[serde(default)]
    note: String,
}

/// Create a contact
///
/// Not needed before a ticket: a ticket makes its contact.
#[utoipa::path(post, path = "/contacts", tag = "Contacts", operation_id = "create_contact", request_body = NewContact,
    responses((status = 201, body = ContactWithIdentities), (status = 409, description = "Somebody has this address.", body = ErrorBody),
        (status = 422, body = ErrorBody)))]
async fn create(State(app): State<App>, _: Caller, Json(new): Json<NewContact>) -> Result<(StatusCode, axum::Json<ContactWithIdentities>)> {
    let mut checks = Checks::default();
    let email = checks.email("email", &new.email);
    let draft = ContactUpdate {
        name: checks.line("name", &new.name, 200),
        language: checks.language("language", new.language.as_deref()),
        company: checks.line("company", &new.company, 200),
        note: checks.text("note", &new.note, 10_000),
    };
    checks.done()?;
    let mut change = Change::begin(&app).await?;
    let id = contacts::create(&mut change, &email, &draft).await?;
    change.commit().await?;
    Ok((StatusCode::CREATED, axum::Json(find(&app, id).await?)))
}

async fn find(app: &App, id: ContactId) -> Result<ContactWithIdentities> {
    let mut db = app.db.acquire().await?;
    let contact = contacts::find(&mut db, id).await?.ok_or_else(Refusal::not_found)?;
    let identities = contacts::identities(&mut db, id).await?;
    Ok(ContactWithIdentities { contact, identities })
}

/// Read a contact
#[utoipa::path(get, path = "/contacts/{id}", tag = "Contacts", operation_id = "read_contact",
    params(("id" = ContactId, Path, description = "The contact's number.")),
    responses((status = 200, body = ContactWithIdentities), (status = 404, body = ErrorBody)))]
async fn read(State(app): State<App>, _: Caller, Path(id): Path<ContactId>) -> Result<axum::Json<ContactWithIdentities>> {
    Ok(axum::Json(find(&app, id).await?))
}

/// What is to change; what is not named stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContactChange {
    name: Option<String>,
    /// Two letters; null for unknown.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    language: Option<Option<String>>,
    company: Option<String>,
    note: Option<String>,
}

/// Change a contact
#[utoipa::path(patch, path = "/contacts/{id}", tag = "Contacts", operation_id = "change_contact", request_body = ContactChange,
    params(("id" = ContactId, Path, description = "The contact's number.")),
    responses((status = 200, body = ContactWithIdentities), (status = 404, body = ErrorBody), (status = 422, body = ErrorBody)))]
async fn change(
    State(app): State<App>,
    _: Caller,
    Path(id): Path<ContactId>,
    Json(to): Json<ContactChange>,
) -> Result<axum::Json<ContactWithIdentities>> {
    let mut checks = Checks::default();
    let name = to.name.as_deref().map(|name| checks.line("name", name, 200));
    let language = to.language.as_ref().map(|language| checks.language("language", language.as_deref()));
    let company = to.company.as_deref().map(|company| checks.line("company", company, 200));
    let note = to.note.as_deref().map(|note| checks.text("note", note, 10_000));
    checks.done()?;
    let mut change = Change::begin(&app).await?;
    let old = contacts::find(&mut change, id).await?.ok_or_else(Refusal::not_found)?;
    let update = ContactUpdate {
        name: name.unwrap_or(old.name),
        language: language.unwrap_or(old.language),
        company: company.unwrap_or(old.company),
        note: note.unwrap_or(old.note),
    };
    contacts::update(&mut change, id, &update).await?;
    change.commit().await?;
    Ok(axum::Json(find(&app, id).await?))
}
