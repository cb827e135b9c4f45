//! A call that somebody writes down: who, what was said, and what becomes of it.

use askama::Template;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use crate::app::App;
use crate::desk::agents::Agent;
use crate::desk::calls::log::{self, ByHand, LogError, MAX_MINUTES, MAX_SAID, Suggestion, WriteUp};
use crate::desk::calls::shown::{self, CallerTicket};
use crate::desk::calls::{self};
use crate::desk::changes::Change;
use crate::desk::contacts::{self, Contact};
use crate::desk::kinds::IdentityKind;
use crate::desk::merging;
use crate::http::page::Shell;
use crate::http::problems::Problems;
use crate::http::{Form, Query, Result};
use crate::ids::{ContactId, TicketId};
use crate::screens::calls::{then, told};
use crate::secrets;
use crate::text::phones;

/// People that are suggested.
const SUGGESTED: i64 = 8;

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(super) struct CallForm {
    pub direction: String,
    pub who: String,
    /// Of several who may be meant: an id, or `new`.
    pub person: String,
    pub said: String,
    pub minutes: String,
    pub ticket: String,
    /// Nobody answered our call.
    pub missed: String,
    pub then: String,
    /// Where a link names somebody.
    pub contact: String,
    /// A random id of the form: sent twice, it is one call.
    pub once: String,
}

#[derive(Template)]
#[template(path = "screens/calls/new.html")]
struct NewPage<'a> {
    shell: &'a Shell,
    form: CallForm,
    problems: Problems,
    people: Vec<Suggestion>,
    known: Option<Contact>,
    candidates: Vec<Suggestion>,
    tickets: Vec<CallerTicket>,
}

impl NewPage<'_> {
    fn label(&self, person: &Suggestion) -> String {
        label(person)
    }

    fn chosen(&self, id: &TicketId) -> bool {
        match self.form.ticket.parse::<TicketId>() {
            Ok(chosen) => chosen == *id,
            Err(_) => self.tickets.first().is_some_and(|first| first.id == *id),
        }
    }
}

/// How somebody is written into the field: what is read back from it without doubt.
fn label(person: &Suggestion) -> String {
    let name = match (&*person.name, &person.email, &person.number) {
        ("", Some(email), _) => email.clone(),
        ("", None, Some(_)) => String::new(),
        ("", None, None) => "Customer".to_owned(),
        (name, ..) => name.to_owned(),
    };
    let parts = [Some(name), person.number.clone(), Some(format!("#{}", person.id))];
    parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Whom a text means.
#[derive(Debug, Default)]
struct Meant {
    contact: Option<Contact>,
    number: String,
    name: String,
    /// Several may be meant.
    candidates: Vec<Suggestion>,
}

/// A text as `Anna Verdi +39333… #12`, as far as it goes.
async fn understand(db: &mut PgConnection, form: &CallForm) -> sqlx::Result<Meant> {
    let who = form.who.trim();
    let country = calls::country(db).await?;
    let (rest, id) = match who.rsplit_once('#') {
        Some((rest, id)) if id.trim().parse::<ContactId>().is_ok() => (rest.trim(), id.trim().parse().ok()),
        _ => (who, None),
    };
    let id = match id.or_else(|| form.person.parse().ok()) {
        Some(id) => Some(merging::successor(db, id).await?.unwrap_or(id)),
        None => None,
    };
    let (name, number) = split(rest, &country);
    let contact = match (id, &number) {
        (Some(id), _) => contacts::find(db, id).await?,
        (None, Some(number)) => match contacts::known_by(db, IdentityKind::Phone, number).await? {
            Some(id) => contacts::find(db, id).await?,
            None => None,
        },
        (None, None) => None,
    };
    if let Some(contact) = contact {
        let number = number.or_else(|| contact.phone.clone()).unwrap_or_default();
        return Ok(Meant { number, contact: Some(contact), ..Meant::default() });
    }
    if number.is_some() || name.is_empty() || form.person == "new" {
        return Ok(Meant { number: number.unwrap_or_default(), name, ..Meant::default() });
    }
    let mut candidates = log::suggest(db, &name, SUGGESTED).await?;
    let same: Vec<ContactId> =
        candidates.iter().filter(|person| person.name.to_lowercase() == name.to_lowercase()).map(|person| person.id).collect();
    let only = match (&same[..], &candidates[..]) {
        ([one], _) => Some(*one),
        (_, [one]) => Some(one.id),
        _ => None,
    };
    if let Some(id) = only {
        candidates.clear();
        let contact = contacts::find(db, id).await?;
        let number = contact.as_ref().and_then(|contact| contact.phone.clone()).unwrap_or_default();
        return Ok(Meant { contact, number, name, candidates });
    }
    Ok(Meant { name, candidates, ..Meant::default() })
}

/// A name and a number that stand beside each other.
fn split(text: &str, country: &str) -> (String, Option<String>) {
    let begins = text.char_indices().find(|(at, c)| {
        let digits = || text[*at..].chars().filter(char::is_ascii_digit).count();
        (*c == '+' || c.is_ascii_digit()) && digits() >= 6 && text[*at..].chars().all(|c| c.is_ascii_digit() || "+ -./()".contains(c))
    });
    match begins {
        Some((at, _)) => match phones::normalise(&text[at..], country) {
            Some(number) => (text[..at].trim().to_owned(), Some(number)),
            None => (text.trim().to_owned(), None),
        },
        None => (text.trim().to_owned(), None),
    }
}

async fn page<'a>(app: &App, shell: &'a Shell, mut form: CallForm, problems: Problems) -> Result<NewPage<'a>> {
    let mut db = app.db.acquire().await?;
    if form.who.is_empty()
        && let Ok(id) = form.contact.parse::<ContactId>()
        && let id = merging::successor(&mut db, id).await?.unwrap_or(id)
        && let Some(contact) = contacts::find(&mut db, id).await?
    {
        form.who = label(&Suggestion { id: contact.id, name: contact.name, number: contact.phone, email: contact.email });
    }
    if form.once.is_empty() {
        form.once = secrets::token();
    }
    let meant = understand(&mut db, &form).await?;
    let people = if meant.contact.is_none() { log::suggest(&mut db, &form.who, SUGGESTED).await? } else { Vec::new() };
    let ids: Vec<ContactId> = meant.contact.iter().map(|contact| contact.id).collect();
    let mut tickets = shown::tickets_of(&mut db, &ids).await?;
    tickets.retain(|ticket| ticket.is_open() || form.ticket == ticket.id.to_string());
    Ok(NewPage { shell, form, problems, people, known: meant.contact, candidates: meant.candidates, tickets })
}

pub(super) async fn show(State(app): State<App>, Query(mut form): Query<CallForm>, shell: Shell) -> Result<Response> {
    // An address may be opened again, for another call.
    form.once.clear();
    shell.render(&page(&app, &shell, form, Problems::default()).await?)
}

pub(super) async fn save(State(app): State<App>, shell: Shell, Form(form): Form<CallForm>) -> Result<Response> {
    let mut problems = Problems::default();
    let said = form.said.replace("\r\n", "\n").replace('\0', "");
    if said.chars().count() > MAX_SAID {
        problems.add("said", format!("Use at most {MAX_SAID} characters."));
    }
    let incoming = form.direction != "out";
    let minutes = match form.minutes.trim() {
        "" => Ok(0),
        typed => typed.parse::<i32>().ok().filter(|minutes| (0..=MAX_MINUTES).contains(minutes)).ok_or(()),
    };
    if minutes.is_err() {
        problems.add("minutes", "Enter whole minutes, or nothing.");
    }
    let mut change = Change::begin(&app).await?;
    let meant = understand(&mut change, &form).await?;
    let ticket: Option<TicketId> = form.ticket.parse().ok();
    if form.who.trim().is_empty() && ticket.is_none() {
        problems.add("who", "Enter a number or a name.");
    } else if !meant.candidates.is_empty() {
        problems.add("who", "Several people may be meant. Choose one below.");
    }
    let unreached = !incoming && form.missed == "1";
    if said.trim().is_empty() && !unreached {
        problems.add("said", "Write a few words: whoever reads it later was not there.");
    }
    let then = then(&form.then);
    if then == log::Then::CallBack && meant.number.is_empty() {
        problems.add("who", "Nobody can call back without a number. Add it behind the name.");
    }
    if problems.any() {
        drop(change);
        return shell.render_as(StatusCode::UNPROCESSABLE_ENTITY, &page(&app, &shell, form, problems).await?);
    }
    let call = ByHand {
        incoming,
        number: meant.number,
        name: meant.name,
        contact: meant.contact.map(|contact| contact.id),
        minutes: minutes.ok().filter(|_| !unreached),
        once: Some(form.once.clone()).filter(|once| !once.is_empty() && once.len() <= 64),
    };
    let up = WriteUp { said, ticket, then };
    match log::by_hand(&mut change, &shell.agent, &call, &up).await {
        Ok((_, ticket)) => {
            change.commit().await?;
            Ok(told(ticket, up.then).redirect(&format!("/tickets/{ticket}")))
        }
        Err(LogError::Database(error)) => Err(error.into()),
        Err(error) => {
            drop(change);
            let field = if matches!(error, LogError::Nobody) { "who" } else { "said" };
            let page = page(&app, &shell, form, Problems::one(field, error.to_string())).await?;
            shell.render_as(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PeopleQuery {
    q: String,
}

/// One who may be meant, for the list under the field.
#[derive(Debug, Serialize)]
pub(super) struct Person {
    value: String,
}

pub(super) async fn people(State(app): State<App>, Query(query): Query<PeopleQuery>, _: Agent) -> Result<Json<Vec<Person>>> {
    let mut db = app.db.acquire().await?;
    let found = log::suggest(&mut db, &query.q, SUGGESTED).await?;
    Ok(Json(found.iter().map(|person| Person { value: label(person) }).collect()))
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn a_name_and_a_number_stand_beside_each_other() {
        let both = |text: &str| split(text, "39");
        assert_eq!(both("Anna Verdi 333 1234567"), ("Anna Verdi".into(), Some("+393331234567".into())));
        assert_eq!(both("+39 06 1234 5678"), (String::new(), Some("+390612345678".into())));
        assert_eq!(both("06/12345678"), (String::new(), Some("+390612345678".into())));
        assert_eq!(both("Anna"), ("Anna".into(), None));
        assert_eq!(both("Bar 2000"), ("Bar 2000".into(), None));
        assert_eq!(both(""), (String::new(), None));
    }
}
