//! Tokens with which the shop's own programs use the API.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;
use serde::Deserialize;

use crate::app::App;
use crate::desk::agents::Admin;
use crate::desk::sessions::{self, ApiToken};
use crate::http::flash::Flash;
use crate::http::page::Shell;
use crate::http::problems::Problems;
use crate::http::{Error, Form, Path, Result};
use crate::ids::ApiTokenId;

/// The routes of this page.
pub fn router() -> Router<App> {
    Router::new().route("/settings/tokens", get(show).post(create)).route("/settings/tokens/{id}/revoke", post(revoke))
}

#[derive(Template)]
#[template(path = "screens/settings/tokens.html")]
struct TokensPage<'a> {
    shell: &'a Shell,
    tokens: Vec<ApiToken>,
    /// The one just made; its text is in no other answer.
    fresh: Option<String>,
    url: String,
    name: String,
    problems: Problems,
}

impl<'a> TokensPage<'a> {
    async fn load(app: &App, shell: &'a Shell) -> Result<Self> {
        let mut db = app.db.acquire().await?;
        let tokens = sessions::api_tokens(&mut db).await?;
        let url = app.config.public_url();
        Ok(Self { shell, tokens, fresh: None, url, name: String::new(), problems: Problems::default() })
    }
}

async fn show(State(app): State<App>, _: Admin, shell: Shell) -> Result<Response> {
    shell.render(&TokensPage::load(&app, &shell).await?)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct TokenForm {
    name: String,
}

async fn create(State(app): State<App>, Admin(admin): Admin, shell: Shell, Form(form): Form<TokenForm>) -> Result<Response> {
    let name = form.name.trim();
    let wrong = match name.chars().count() {
        0 => Some("Say what will use it, such as “Warehouse”."),
        1..=100 => None,
        _ => Some("Use at most 100 characters."),
    };
    if let Some(words) = wrong {
        let page = TokensPage { name: form.name, problems: Problems::one("name", words), ..TokensPage::load(&app, &shell).await? };
        return shell.render_as(StatusCode::UNPROCESSABLE_ENTITY, &page);
    }
    let mut db = app.db.acquire().await?;
    let token = sessions::create_api_token(&mut db, name, admin.id).await?;
    drop(db);
    shell.render(&TokensPage { fresh: Some(token), ..TokensPage::load(&app, &shell).await? })
}

async fn revoke(State(app): State<App>, _: Admin, Path(id): Path<ApiTokenId>) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    if !sessions::revoke_api_token(&mut db, id).await? {
        return Err(Error::NotFound);
    }
    Ok(Flash::new("The token does not work any more.").redirect("/settings/tokens"))
}
