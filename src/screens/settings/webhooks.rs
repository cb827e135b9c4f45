//! Webhooks: which programs of the shop hear of what happens, and whether they did.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;
use serde::Deserialize;

use crate::app::App;
use crate::clock::Ts;
use crate::database::on_constraint;
use crate::desk::agents::Admin;
use crate::desk::changes::Change;
use crate::desk::kinds::WebhookState;
use crate::desk::webhooks::{self, Endpoint, EndpointDraft, KINDS, log};
use crate::http::flash::Flash;
use crate::http::page::Shell;
use crate::http::problems::Problems;
use crate::http::{Error, Form, Path, Query, Result};
use crate::ids::{WebhookDeliveryId, WebhookId};

/// Lines of the log on one page.
const LINES: i64 = 25;
/// How much of a body the log shows, in bytes.
const MAX_SHOWN: usize = 20_000;
const MAX_URL: usize = 2000;

/// The routes of these pages.
pub fn router() -> Router<App> {
    Router::new()
        .route("/settings/webhooks", get(show_all))
        .route("/settings/webhooks/new", get(show_new).post(create))
        .route("/settings/webhooks/{id}", get(show).post(save))
        .route("/settings/webhooks/{id}/test", post(test))
        .route("/settings/webhooks/{id}/secret", post(rotate))
        .route("/settings/webhooks/{id}/enable", post(enable))
        .route("/settings/webhooks/{id}/disable", post(disable))
        .route("/settings/webhooks/{id}/delete", post(delete))
        .route("/settings/webhooks/{id}/deliveries/{delivery}/resend", post(resend))
}

/// How an endpoint stands, in a word for templates.
fn standing(endpoint: &Endpoint) -> &'static str {
    match endpoint {
        Endpoint { switched_off_at: Some(_), .. } => "given-up",
        Endpoint { enabled: false, .. } => "off",
        Endpoint { failing_since: Some(_), .. } => "failing",
        Endpoint { last_ok_at: None, .. } => "unproven",
        _ => "works",
    }
}

#[derive(Template)]
#[template(path = "screens/settings/webhooks.html")]
struct ListPage<'a> {
    shell: &'a Shell,
    endpoints: Vec<Endpoint>,
}

impl ListPage<'_> {
    fn standing(&self, endpoint: &Endpoint) -> &'static str {
        standing(endpoint)
    }

    fn hears(&self, endpoint: &Endpoint) -> String {
        match endpoint.kinds.len() {
            0 => "Every event".to_owned(),
            count => super::counted(i64::try_from(count).unwrap_or(i64::MAX), "kind of event", "kinds of events"),
        }
    }
}

async fn show_all(State(app): State<App>, _: Admin, shell: Shell) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    let endpoints = webhooks::list(&mut db).await?;
    shell.render(&ListPage { shell: &shell, endpoints })
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct EndpointForm {
    name: String,
    url: String,
    /// `all` or `some`.
    hears: String,
    kind: Vec<String>,
}

impl EndpointForm {
    fn of(endpoint: &Endpoint) -> Self {
        Self {
            name: endpoint.name.clone(),
            url: endpoint.url.clone(),
            hears: if endpoint.kinds.is_empty() { "all" } else { "some" }.to_owned(),
            kind: endpoint.kinds.clone(),
        }
    }

    fn check(&self, app: &App) -> Result<EndpointDraft, Problems> {
        let mut problems = Problems::default();
        let (name, url) = (self.name.trim(), self.url.trim());
        match name.chars().count() {
            0 => problems.add("name", "Say what it is, such as “Warehouse”."),
            1..=60 => {}
            _ => problems.add("name", "Use at most 60 characters."),
        }
        if let Some(words) = wrong_with(app, url) {
            problems.add("url", words);
        }
        let kinds: Vec<String> = if self.hears == "some" { self.kind.clone() } else { Vec::new() };
        if self.hears == "some" && !kinds.iter().any(|kind| webhooks::is_kind(kind)) {
            problems.add("kind", "Tick at least one event, or choose “Every event”.");
        }
        if problems.any() {
            return Err(problems);
        }
        let kinds = kinds.into_iter().filter(|kind| webhooks::is_kind(kind)).collect();
        Ok(EndpointDraft { name: name.to_owned(), url: url.to_owned(), kinds })
    }
}

/// What is wrong with an address; whether it lies in a private network shows when it is called.
fn wrong_with(app: &App, url: &str) -> Option<&'static str> {
    let Ok(parsed) = url::Url::parse(url) else { return Some("Enter a web address like https://example.com/hooks.") };
    match parsed.scheme() {
        _ if url.len() > MAX_URL => Some("This address is too long."),
        "https" => None,
        "http" if app.config.web.allow_private_networks => None,
        "http" => Some("Use an address that begins with https://, so that nobody on the way reads along."),
        _ => Some("Enter a web address like https://example.com/hooks."),
    }
}

#[derive(Template)]
#[template(path = "screens/settings/webhook.html")]
struct EndpointPage<'a> {
    shell: &'a Shell,
    /// `None`: not saved yet.
    endpoint: Option<Endpoint>,
    form: EndpointForm,
    problems: Problems,
    /// The secret just made; it is in no other answer.
    fresh: Option<String>,
    lines: Vec<log::Line>,
    /// Where older lines are.
    older: Option<String>,
    /// These are not the newest.
    later: bool,
}

impl<'a> EndpointPage<'a> {
    fn new(shell: &'a Shell, form: EndpointForm, problems: Problems) -> Self {
        Self { shell, endpoint: None, form, problems, fresh: None, lines: Vec::new(), older: None, later: false }
    }

    async fn load(app: &App, shell: &'a Shell, id: WebhookId, before: Option<WebhookDeliveryId>) -> Result<Self> {
        let mut db = app.db.acquire().await?;
        let endpoint = webhooks::find(&mut db, id).await?.ok_or(Error::NotFound)?;
        let mut lines = log::list(&mut db, id, before, LINES + 1).await?;
        let more = lines.len() > usize::try_from(LINES).unwrap_or(0);
        lines.truncate(usize::try_from(LINES).unwrap_or(0));
        let older = lines.last().filter(|_| more).map(|line| format!("/settings/webhooks/{id}?before={}", line.id));
        let form = EndpointForm::of(&endpoint);
        let page = Self::new(shell, form, Problems::default());
        Ok(Self { endpoint: Some(endpoint), lines, older, later: before.is_some(), ..page })
    }

    fn title(&self) -> &str {
        self.endpoint.as_ref().map_or("New webhook", |endpoint| &endpoint.name)
    }

    fn action(&self) -> String {
        self.endpoint.as_ref().map_or_else(|| "/settings/webhooks/new".to_owned(), |endpoint| format!("/settings/webhooks/{}", endpoint.id))
    }

    fn standing(&self) -> &'static str {
        self.endpoint.as_ref().map_or("", standing)
    }

    fn chosen(&self, kind: &str) -> bool {
        self.form.kind.iter().any(|chosen| chosen == kind)
    }

    /// Whether a group of events is shown at once: with anything chosen in it, and the first where there is something to choose.
    fn opens(&self, first: &bool, kinds: &[(&str, &str)]) -> bool {
        self.form.hears == "some" && (*first || kinds.iter().any(|(kind, _)| self.chosen(kind)))
    }

    /// The body as it is sent, for eyes.
    fn body(&self, line: &log::Line) -> Option<String> {
        let mut text = serde_json::to_string_pretty(line.payload.as_ref()?).ok()?;
        if text.len() > MAX_SHOWN {
            text.truncate(text.floor_char_boundary(MAX_SHOWN));
            text.push_str("\n…");
        }
        Some(text)
    }

    fn took(&self, line: &log::Line) -> String {
        match line.duration_ms {
            None => "–".to_owned(),
            Some(ms @ ..1000) => format!("{ms} ms"),
            Some(ms) => format!("{:.1} s", f64::from(ms) / 1000.0),
        }
    }

    /// When the next attempt is made, in words.
    fn next(&self, line: &log::Line) -> Option<String> {
        let seconds = line.next_at?.seconds_since(Ts::now());
        Some(match seconds {
            ..=1 => "now".to_owned(),
            2..60 => format!("in {seconds} s"),
            60..3600 => format!("in {} min", seconds / 60),
            _ => format!("in {} h", seconds / 3600),
        })
    }

    fn is_queued(&self, line: &log::Line) -> bool {
        line.state == WebhookState::Queued
    }

    fn is_sent(&self, line: &log::Line) -> bool {
        line.state == WebhookState::Sent
    }
}

async fn show_new(_: Admin, shell: Shell) -> Result<Response> {
    let form = EndpointForm { hears: "all".to_owned(), ..EndpointForm::default() };
    shell.render(&EndpointPage::new(&shell, form, Problems::default()))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct LogQuery {
    before: Option<WebhookDeliveryId>,
}

async fn show(
    State(app): State<App>,
    _: Admin,
    Path(id): Path<WebhookId>,
    Query(query): Query<LogQuery>,
    shell: Shell,
) -> Result<Response> {
    shell.render(&EndpointPage::load(&app, &shell, id, query.before).await?)
}

fn name_taken(error: sqlx::Error) -> Result<Problems> {
    match on_constraint(&error) {
        Some("webhook_endpoints_name_key") => Ok(Problems::one("name", "Another webhook has this name. Choose a different one.")),
        _ => Err(error.into()),
    }
}

async fn create(State(app): State<App>, _: Admin, shell: Shell, Form(form): Form<EndpointForm>) -> Result<Response> {
    let again = |form, problems| shell.render_as(StatusCode::UNPROCESSABLE_ENTITY, &EndpointPage::new(&shell, form, problems));
    let draft = match form.check(&app) {
        Ok(draft) => draft,
        Err(problems) => return again(form, problems),
    };
    let (secret, sealed) = webhooks::new_secret(&app.keys);
    let mut change = Change::begin(&app).await?;
    let id = match webhooks::create(&mut change, &draft, &sealed).await {
        Ok(id) => id,
        Err(error) => return again(form, name_taken(error)?),
    };
    change.touch_settings();
    change.commit().await?;
    shell.render(&EndpointPage { fresh: Some(secret), ..EndpointPage::load(&app, &shell, id, None).await? })
}

async fn save(
    State(app): State<App>,
    _: Admin,
    Path(id): Path<WebhookId>,
    shell: Shell,
    Form(form): Form<EndpointForm>,
) -> Result<Response> {
    let page = EndpointPage::load(&app, &shell, id, None).await?;
    let again = |form, problems| shell.render_as(StatusCode::UNPROCESSABLE_ENTITY, &EndpointPage { form, problems, ..page });
    let draft = match form.check(&app) {
        Ok(draft) => draft,
        Err(problems) => return again(form, problems),
    };
    let mut change = Change::begin(&app).await?;
    match webhooks::update(&mut change, id, &draft).await {
        Ok(true) => {}
        Ok(false) => return Err(Error::NotFound),
        Err(error) => return again(form, name_taken(error)?),
    }
    change.touch_settings();
    change.commit().await?;
    Ok(Flash::new("Saved.").redirect(&format!("/settings/webhooks/{id}")))
}

async fn rotate(State(app): State<App>, _: Admin, Path(id): Path<WebhookId>, shell: Shell) -> Result<Response> {
    let (secret, sealed) = webhooks::new_secret(&app.keys);
    let mut change = Change::begin(&app).await?;
    if !webhooks::rotate(&mut change, id, &sealed).await? {
        return Err(Error::NotFound);
    }
    change.commit().await?;
    shell.render(&EndpointPage { fresh: Some(secret), ..EndpointPage::load(&app, &shell, id, None).await? })
}

async fn test(State(app): State<App>, Admin(admin): Admin, Path(id): Path<WebhookId>) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    webhooks::find(&mut change, id).await?.ok_or(Error::NotFound)?;
    let queued = webhooks::test(&mut change, id, admin.id).await?;
    change.touch_work();
    change.commit().await?;
    let words = if queued { "A test event is on its way. How it went shows in the log below." } else { "Switch it on first." };
    Ok(Flash::new(words).redirect(&format!("/settings/webhooks/{id}")))
}

async fn enable(State(app): State<App>, _: Admin, Path(id): Path<WebhookId>) -> Result<Response> {
    switch(&app, id, true, "It is on: what happens from now on is sent.").await
}

async fn disable(State(app): State<App>, _: Admin, Path(id): Path<WebhookId>) -> Result<Response> {
    switch(&app, id, false, "It is off. What happens meanwhile is not sent later.").await
}

async fn switch(app: &App, id: WebhookId, on: bool, words: &str) -> Result<Response> {
    let mut change = Change::begin(app).await?;
    if !webhooks::set_enabled(&mut change, id, on).await? {
        return Err(Error::NotFound);
    }
    change.touch_settings();
    change.commit().await?;
    Ok(Flash::new(words).redirect(&format!("/settings/webhooks/{id}")))
}

async fn delete(State(app): State<App>, _: Admin, Path(id): Path<WebhookId>) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    if !webhooks::delete(&mut change, id).await? {
        return Err(Error::NotFound);
    }
    change.touch_settings();
    change.commit().await?;
    Ok(Flash::new("The webhook is deleted, with its log.").redirect("/settings/webhooks"))
}

async fn resend(State(app): State<App>, _: Admin, Path((id, delivery)): Path<(WebhookId, WebhookDeliveryId)>) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    let endpoint = webhooks::find(&mut change, id).await?.ok_or(Error::NotFound)?;
    let queued = log::resend(&mut change, id, delivery).await?;
    change.touch_work();
    change.commit().await?;
    let words = match (queued, endpoint.enabled) {
        (true, _) => "It is sent again now, under the same delivery id.",
        (false, false) => "Switch the webhook on first.",
        (false, true) => "This delivery is not in the log any more.",
    };
    Ok(Flash::new(words).redirect(&format!("/settings/webhooks/{id}")))
}
