//! Tags: what tickets are about.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;
use serde::Deserialize;

use crate::app::App;
use crate::database::on_constraint;
use crate::desk::agents::Lead;
use crate::desk::changes::Change;
use crate::desk::teams::{self, COUNT_CAP};
use crate::http::flash::Flash;
use crate::http::page::Shell;
use crate::http::problems::Problems;
use crate::http::{Error, Form, Path, Result};
use crate::ids::TagId;
use crate::screens::settings::teams::check_name;

/// The routes of this page.
pub fn router() -> Router<App> {
    Router::new()
        .route("/settings/tags", get(show).post(create))
        .route("/settings/tags/{id}", get(show_tag).post(rename))
        .route("/settings/tags/{id}/delete", post(delete))
}

#[derive(Template)]
#[template(path = "screens/settings/tags.html")]
struct TagsPage<'a> {
    shell: &'a Shell,
    usage: Vec<(TagId, i64)>,
    name: String,
    problems: Problems,
}

impl TagsPage<'_> {
    fn used(&self, id: &TagId) -> String {
        used(&self.usage, *id)
    }
}

fn used(usage: &[(TagId, i64)], id: TagId) -> String {
    match usage.iter().find(|(tag, _)| *tag == id).map_or(0, |(_, count)| *count) {
        count if count >= COUNT_CAP => format!("{COUNT_CAP}+"),
        count => count.to_string(),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct TagForm {
    name: String,
}

async fn page(app: &App, shell: &Shell, status: StatusCode, name: String, problems: Problems) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    let usage = teams::tag_usage(&mut db).await?;
    shell.render_as(status, &TagsPage { shell, usage, name, problems })
}

async fn show(State(app): State<App>, _: Lead, shell: Shell) -> Result<Response> {
    page(&app, &shell, StatusCode::OK, String::new(), Problems::default()).await
}

fn name_taken() -> Problems {
    Problems::one("name", "There is a tag of this name already.")
}

async fn create(State(app): State<App>, _: Lead, shell: Shell, Form(form): Form<TagForm>) -> Result<Response> {
    let name = match check_name(&form.name) {
        Ok(name) => name,
        Err(problems) => return page(&app, &shell, StatusCode::UNPROCESSABLE_ENTITY, form.name, problems).await,
    };
    let mut change = Change::begin(&app).await?;
    match teams::create_tag(&mut change, name).await {
        Ok(_) => {}
        Err(error) if on_constraint(&error) == Some("tags_name_key") => {
            return page(&app, &shell, StatusCode::UNPROCESSABLE_ENTITY, form.name, name_taken()).await;
        }
        Err(error) => return Err(error.into()),
    }
    change.touch_settings();
    change.commit().await?;
    Ok(Flash::new("The tag is there.").redirect("/settings/tags"))
}

#[derive(Template)]
#[template(path = "screens/settings/tag.html")]
struct TagPage<'a> {
    shell: &'a Shell,
    id: TagId,
    title: &'a str,
    used: String,
    name: String,
    problems: Problems,
}

async fn tag_page(app: &App, shell: &Shell, id: TagId, typed: Option<(String, Problems)>) -> Result<Response> {
    let tag = shell.directory.tags.iter().find(|tag| tag.id == id).ok_or(Error::NotFound)?;
    let mut db = app.db.acquire().await?;
    let used = used(&teams::tag_usage(&mut db).await?, id);
    let status = if typed.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let (name, problems) = typed.unwrap_or_else(|| (tag.name.clone(), Problems::default()));
    shell.render_as(status, &TagPage { shell, id, title: &tag.name, used, name, problems })
}

async fn show_tag(State(app): State<App>, _: Lead, Path(id): Path<TagId>, shell: Shell) -> Result<Response> {
    tag_page(&app, &shell, id, None).await
}

async fn rename(State(app): State<App>, _: Lead, Path(id): Path<TagId>, shell: Shell, Form(form): Form<TagForm>) -> Result<Response> {
    let name = match check_name(&form.name) {
        Ok(name) => name,
        Err(problems) => return tag_page(&app, &shell, id, Some((form.name, problems))).await,
    };
    let mut change = Change::begin(&app).await?;
    match teams::rename_tag(&mut change, id, name).await {
        Ok(true) => {}
        Ok(false) => return Err(Error::NotFound),
        Err(error) if on_constraint(&error) == Some("tags_name_key") => {
            return tag_page(&app, &shell, id, Some((form.name, name_taken()))).await;
        }
        Err(error) => return Err(error.into()),
    }
    change.touch_settings();
    change.commit().await?;
    Ok(Flash::new("Saved.").redirect("/settings/tags"))
}

async fn delete(State(app): State<App>, _: Lead, Path(id): Path<TagId>) -> Result<Response> {
    let mut change = Change::begin(&app).await?;
    if !teams::delete_tag(&mut change, id).await? {
        return Err(Error::NotFound);
    }
    change.touch_settings();
    change.commit().await?;
    Ok(Flash::new("The tag is deleted.").redirect("/settings/tags"))
}
