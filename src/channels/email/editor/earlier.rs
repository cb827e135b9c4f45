//! The page on which earlier mail is brought in.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;

use super::mailbox;
use crate::app::App;
use crate::channels::email::import::MAX_DAYS;
use crate::channels::email::settings::Settings;
use crate::desk::agents::Admin;
use crate::desk::changes::Change;
use crate::desk::channels::Channel;
use crate::desk::mailboxes::{self, Import};
use crate::http::flash::Flash;
use crate::http::page::Shell;
use crate::http::problems::Problems;
use crate::http::{Error, Form, Path, Result};
use crate::ids::ChannelId;

pub(super) fn router() -> Router<App> {
    Router::new().route("/settings/mailboxes/{id}/import", get(show).post(begin)).route("/settings/mailboxes/{id}/import/stop", post(stop))
}

#[derive(Template)]
#[template(path = "channels/email/import.html")]
struct ImportPage<'a> {
    shell: &'a Shell,
    channel: Channel,
    import: Option<Import>,
    days: String,
    problems: Problems,
}

impl ImportPage<'_> {
    fn runs(&self) -> bool {
        self.import.as_ref().is_some_and(Import::runs)
    }

    /// Words for how it ended.
    fn ended(&self, import: &Import) -> &'static str {
        match import.state.as_str() {
            "done" if import.error.is_some() => "Everything else is here",
            "done" => "Everything is here",
            "stopped" => "Stopped",
            "failed" => "It could not go on",
            _ => "Bringing in earlier mail",
        }
    }

    /// About how many minutes are left, once that can be said.
    fn minutes_left(&self, import: &Import) -> Option<i64> {
        let left = i64::from(import.total - import.done);
        (import.rate() > 0 && import.done >= 20 && left > 0).then(|| left / import.rate() + 1)
    }
}

async fn page(app: &App, shell: &Shell, id: ChannelId, days: String, problems: Problems) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    let channel = mailbox(&mut db, id).await?;
    if Settings::of(&channel).imap.is_none() {
        return Err(Error::NotFound);
    }
    let import = mailboxes::newest_import(&mut db, id).await?;
    drop(db);
    let status = if problems.any() { http::StatusCode::UNPROCESSABLE_ENTITY } else { http::StatusCode::OK };
    shell.render_as(status, &ImportPage { shell, channel, import, days, problems })
}

async fn show(State(app): State<App>, _: Admin, Path(id): Path<ChannelId>, shell: Shell) -> Result<Response> {
    page(&app, &shell, id, "30".to_owned(), Problems::default()).await
}

#[derive(Deserialize)]
struct Days {
    #[serde(default)]
    days: String,
}

async fn begin(State(app): State<App>, _: Admin, Path(id): Path<ChannelId>, shell: Shell, Form(form): Form<Days>) -> Result<Response> {
    let Some(days) = form.days.trim().parse().ok().filter(|days| (1..=MAX_DAYS).contains(days)) else {
        let problems = Problems::one("days", "Enter a number of days from 1 to 3650.");
        return page(&app, &shell, id, form.days, problems).await;
    };
    let mut change = Change::begin(&app).await?;
    let channel = mailbox(&mut change, id).await?;
    if Settings::of(&channel).imap.is_none() {
        return Err(Error::NotFound);
    }
    mailboxes::begin_import(&mut change, id, days).await?;
    change.touch_work();
    change.commit().await?;
    Ok(Flash::new("Earlier mail is being brought in.").redirect(&format!("/settings/mailboxes/{id}/import")))
}

async fn stop(State(app): State<App>, _: Admin, Path(id): Path<ChannelId>) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    if let Some(import) = mailboxes::newest_import(&mut db, id).await?.filter(Import::runs) {
        mailboxes::end_import(&mut db, import.id, "stopped", None).await?;
    }
    Ok(Flash::new("Stopped. What is here stays.").redirect(&format!("/settings/mailboxes/{id}/import")))
}
