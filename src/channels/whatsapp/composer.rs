//! An approved template from the ticket: chosen, filled in, looked at, sent. What reaches a customer when the time for free answers is over.

use std::collections::HashMap;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use serde::Deserialize;

use crate::app::App;
use crate::channels::whatsapp::Whatsapp;
use crate::channels::whatsapp::templates::{self, FillError, Template, Variable};
use crate::channels::wire::calls::Caller;
use crate::channels::wire::{Network as _, Way};
use crate::desk::changes::Change;
use crate::desk::channels::{self as rows, Channel};
use crate::desk::contacts;
use crate::desk::kinds::ChannelKind;
use crate::desk::networks::Fault;
use crate::desk::networks::say::Outlet;
use crate::desk::tickets::reply::{self, NewReply, ReplyError};
use crate::desk::tickets::{self, Ticket};
use crate::http::flash::Flash;
use crate::http::page::Shell;
use crate::http::{Error, Form, Path, Query, Result};
use crate::ids::TicketId;
use crate::text::excerpts;

/// Templates on a page of the list.
const SHOWN: usize = 100;

/// The routes of these pages.
pub fn router() -> Router<App> {
    Router::new().route("/tickets/{id}/templates", get(choose)).route("/tickets/{id}/template", get(show).post(press))
}

#[derive(askama::Template)]
#[template(path = "channels/whatsapp/choose.html")]
struct ChoosePage<'a> {
    shell: &'a Shell,
    ticket: Ticket,
    q: String,
    found: Vec<Template>,
    more: bool,
    fault: Option<Fault>,
}

impl ChoosePage<'_> {
    fn link(&self, template: &Template) -> String {
        link(self.ticket.id, template)
    }
}

#[derive(askama::Template)]
#[template(path = "channels/whatsapp/fill.html")]
struct FillPage<'a> {
    shell: &'a Shell,
    ticket: Ticket,
    customer: String,
    template: Template,
    values: Vec<String>,
    /// Which place, and what is wrong there.
    problem: Option<(usize, String)>,
    /// What could not be done with all of it.
    error: Option<String>,
    preview: Option<String>,
}

impl FillPage<'_> {
    fn action(&self) -> String {
        link(self.ticket.id, &self.template)
    }

    fn label(&self, variable: &Variable) -> String {
        self.template.label(variable)
    }

    fn value(&self, index: &usize) -> &str {
        self.values.get(*index).map_or("", |value| value)
    }

    fn field(&self, index: &usize) -> String {
        format!("v{index}")
    }

    fn complaint(&self, index: &usize) -> Option<&str> {
        self.problem.as_ref().filter(|(at, _)| at == index).map(|(_, words)| &**words)
    }
}

fn link(ticket: TicketId, template: &Template) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("name", &template.name)
        .append_pair("language", &template.language)
        .finish();
    format!("/tickets/{ticket}/template?{query}")
}

/// The ticket and its channel, if it is one of WhatsApp's.
async fn of_ticket(app: &App, shell: &Shell, id: TicketId) -> Result<(Ticket, Channel)> {
    let mut db = app.db.acquire().await?;
    let ticket = tickets::load(&mut db, &shell.agent, id).await?.ok_or(Error::NotFound)?;
    let channel = rows::find(&mut db, ticket.channel_id).await?.filter(|channel| channel.kind == ChannelKind::Whatsapp);
    Ok((ticket, channel.ok_or(Error::NotFound)?))
}

async fn fetch(app: &App, channel: &Channel) -> std::result::Result<Vec<Template>, Fault> {
    templates::templates(&Way { app, channel, calls: Caller::of(app) }).await
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ChooseQuery {
    q: String,
}

async fn choose(State(app): State<App>, Path(id): Path<TicketId>, Query(query): Query<ChooseQuery>, shell: Shell) -> Result<Response> {
    let (ticket, channel) = of_ticket(&app, &shell, id).await?;
    let (mut found, fault) = match fetch(&app, &channel).await {
        Ok(found) => (found, None),
        Err(fault) => (Vec::new(), Some(fault)),
    };
    let wanted = query.q.trim().to_lowercase();
    found.retain(|template| [&template.name, &template.body, &template.language].iter().any(|text| text.to_lowercase().contains(&wanted)));
    // The customer's own language first.
    let own = ticket.language.clone().unwrap_or_default();
    found.sort_by_key(|template| own.is_empty() || !template.language.starts_with(&own));
    let more = found.len() > SHOWN;
    found.truncate(SHOWN);
    shell.render(&ChoosePage { shell: &shell, ticket, q: query.q, found, more, fault })
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wanted {
    name: String,
    language: String,
}

/// The page of one template, nothing filled in but what is known.
async fn page<'a>(app: &App, shell: &'a Shell, id: TicketId, wanted: &Wanted) -> Result<(FillPage<'a>, Channel)> {
    let (ticket, channel) = of_ticket(app, shell, id).await?;
    let found = fetch(app, &channel).await.map_err(|fault| Error::BadRequest(fault.to_string()))?;
    let template = found.into_iter().find(|template| template.name == wanted.name && template.language == wanted.language);
    let template = template.ok_or_else(|| Error::BadRequest("WhatsApp has no approved template of this name any more.".into()))?;
    let mut db = app.db.acquire().await?;
    let name = contacts::find(&mut db, ticket.contact_id).await?.map(|contact| contact.name).unwrap_or_default();
    let values = template.variables.iter().map(|variable| known(variable, &name)).collect();
    let customer = if name.is_empty() { "the customer".to_owned() } else { name };
    Ok((FillPage { shell, ticket, customer, template, values, problem: None, error: None, preview: None }, channel))
}

/// What a place is surely meant to hold.
fn known(variable: &Variable, name: &str) -> String {
    match &*variable.name.to_lowercase() {
        "name" | "customer_name" | "full_name" | "nome" => name.to_owned(),
        "first_name" | "firstname" => name.split_whitespace().next().unwrap_or_default().to_owned(),
        _ => String::new(),
    }
}

async fn show(State(app): State<App>, Path(id): Path<TicketId>, Query(wanted): Query<Wanted>, shell: Shell) -> Result<Response> {
    let (page, _) = page(&app, &shell, id, &wanted).await?;
    shell.render(&page)
}

async fn press(
    State(app): State<App>,
    Path(id): Path<TicketId>,
    Query(wanted): Query<Wanted>,
    shell: Shell,
    Form(form): Form<HashMap<String, String>>,
) -> Result<Response> {
    let (mut page, channel) = page(&app, &shell, id, &wanted).await?;
    page.values = (0..page.template.variables.len()).map(|index| form.get(&format!("v{index}")).cloned().unwrap_or_default()).collect();
    let filled = match page.template.fill(&page.values) {
        Ok(filled) => filled,
        Err(error) => {
            let words = excerpts::sentence(&error.to_string());
            match error {
                FillError::Missing { index, .. } | FillError::Lines { index, .. } | FillError::Address { index, .. } => {
                    page.problem = Some((index, words));
                }
                FillError::Header(_) => page.error = Some(words),
            }
            return shell.render_as(StatusCode::UNPROCESSABLE_ENTITY, &page);
        }
    };
    if form.get("then").is_none_or(|then| then != "send") {
        page.preview = Some(filled.words);
        return shell.render(&page);
    }
    let outlet = Outlet { channel: channel.id, abilities: Whatsapp.abilities(&channel), private: false, template: Some(filled.json) };
    let new = NewReply { body: filled.words, outlet: Some(outlet), ..NewReply::default() };
    let mut change = Change::begin(&app).await?;
    match reply::reply_apart(&mut change, &shell.agent, id, &new).await {
        Ok(message) => {
            change.commit().await?;
            let mut flash = Flash::new(format!("The template to #{id} is on its way."));
            flash.undo = Some(format!("/tickets/{id}/messages/{message}/undo"));
            Ok(flash.redirect(&format!("/tickets/{id}")))
        }
        Err(ReplyError::Database(error)) => Err(error.into()),
        Err(error) => {
            drop(change);
            page.preview = Some(new.body);
            page.error = Some(excerpts::sentence(&error.to_string()));
            shell.render_as(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
    }
}
