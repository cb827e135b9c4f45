//! The doors: the first admin, sign-in, invitations, forgotten passwords.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum_extra::extract::cookie::CookieJar;
use http::StatusCode;
use serde::Deserialize;

use crate::app::App;
use crate::clock::Ts;
use crate::desk::changes::Change;
use crate::desk::kinds::{Role, TokenPurpose};
use crate::desk::{agents, directory, presence, sessions};
use crate::http::client::Client;
use crate::http::{Error, Form, Path, Query, Result, render, session};
use crate::ids::AgentId;
use crate::jobs::{self, Job};
use crate::live::Signal;
pub use crate::text::addresses::is_address;

/// The shortest password, in characters.
pub const MIN_PASSWORD: usize = 10;

/// The routes of the doors.
pub fn router() -> Router<App> {
    Router::new()
        .route("/sign-in", get(show).post(sign_in))
        .route("/sign-out", post(sign_out))
        .route("/setup/{token}", get(show_setup).post(set_up))
        .route("/join/{token}", get(show_choose).post(choose))
        .route("/reset/{token}", get(show_choose).post(choose))
        .route("/forgot", get(show_forgot).post(forgot))
}

#[derive(Template)]
#[template(path = "screens/sign_in.html")]
struct SignInPage {
    shop: String,
    theme: String,
    email: String,
    next: String,
    error: Option<String>,
    /// Nobody can sign in yet: says where the link for the first admin is.
    fresh: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NextQuery {
    next: String,
}

async fn page(app: &App, email: String, next: String, error: Option<String>) -> Result<SignInPage> {
    let directory = directory::get(app).await?;
    let mut db = app.db.acquire().await?;
    let fresh = !agents::any(&mut db).await?;
    let theme = crate::http::assets::theme(&directory.shop.accent);
    Ok(SignInPage { shop: directory.shop.shop_name.clone(), theme, email, next, error, fresh })
}

async fn show(State(app): State<App>, Query(query): Query<NextQuery>) -> Result<Response> {
    render(&page(&app, String::new(), query.next, None).await?)
}

#[derive(Debug, Deserialize)]
struct SignIn {
    email: String,
    password: String,
    #[serde(default)]
    next: String,
}

async fn sign_in(State(app): State<App>, client: Client, Form(form): Form<SignIn>) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    let address_key = format!("address:{}", form.email.trim().to_lowercase());
    let keys = [address_key.clone(), format!("network:{}", client.network())];
    let blocked = sessions::blocked_seconds(&mut db, &keys).await?;
    if blocked > 0 {
        let words = format!("Too many attempts. Wait {blocked} seconds, then try again, or set a new password below.");
        let page = page(&app, form.email, form.next, Some(words)).await?;
        return Ok((StatusCode::TOO_MANY_REQUESTS, render(&page)?).into_response());
    }
    let Some(agent) = agents::authenticate(&mut db, form.email.trim(), &form.password).await? else {
        sessions::note_failure(&mut db, &keys).await?;
        let words = "This address and password do not belong together. Check both, or set a new password below.".to_owned();
        let page = page(&app, form.email, form.next, Some(words)).await?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&page)?).into_response());
    };
    sessions::clear_failures(&mut db, &address_key).await?;
    enter(&app, &mut db, agent, &client, &form.next).await
}

/// Opens a session and goes where the person wanted to go, within this desk.
async fn enter(app: &App, db: &mut sqlx::PgConnection, agent: AgentId, client: &Client, next: &str) -> Result<Response> {
    let token = sessions::open(db, agent, &client.user_agent, &client.ip.to_string()).await?;
    let inside = next.starts_with('/') && !next.starts_with("//") && !next.contains('\\');
    let to = if inside { next } else { "/" };
    Ok((CookieJar::new().add(session::cookie(app, token)), Redirect::to(to)).into_response())
}

async fn sign_out(State(app): State<App>, agent: agents::Agent) -> Result<Response> {
    if let Some(id) = agent.session {
        let mut change = Change::begin(&app).await?;
        let elsewhere = sessions::any_alive(&mut change, agent.id, id).await?;
        sessions::revoke(&mut change, agent.id, id).await?;
        // Chats are not left with somebody who says that they go.
        presence::leave(&mut change, agent.id, if elsewhere { presence::CLOSING } else { 0 }, Ts::now()).await?;
        change.commit().await?;
    }
    Ok((CookieJar::new().add(session::removal()), Redirect::to("/sign-in")).into_response())
}

// ---------------------------------------------------------------- the first admin

#[derive(Template)]
#[template(path = "screens/setup.html")]
struct SetupPage {
    theme: String,
    form: Setup,
    errors: Vec<(&'static str, String)>,
    min: usize,
}

impl SetupPage {
    fn error(&self, field: &str) -> Option<&str> {
        self.errors.iter().find(|(name, _)| *name == field).map(|(_, words)| words.as_str())
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Setup {
    shop: String,
    name: String,
    email: String,
    password: String,
}

/// The token of the link that makes the first admin. It works as long as nobody can sign in, and is the same for every process.
pub fn setup_token(app: &App) -> String {
    app.keys.sign("setup", "first admin", 32)
}

async fn check_setup(app: &App, token: &str) -> Result<()> {
    let mut db = app.db.acquire().await?;
    let valid = app.keys.verify("setup", "first admin", 32, token) && !agents::any(&mut db).await?;
    if valid { Ok(()) } else { Err(Error::NotFound) }
}

async fn show_setup(State(app): State<App>, Path(token): Path<String>) -> Result<Response> {
    check_setup(&app, &token).await?;
    let theme = crate::http::assets::theme(&directory::get(&app).await?.shop.accent);
    render(&SetupPage { theme, form: Setup::default(), errors: Vec::new(), min: MIN_PASSWORD })
}

async fn set_up(State(app): State<App>, Path(token): Path<String>, client: Client, Form(form): Form<Setup>) -> Result<Response> {
    check_setup(&app, &token).await?;
    let mut errors = Vec::new();
    if form.shop.trim().is_empty() {
        errors.push(("shop", "Enter the name that customers know.".to_owned()));
    }
    if form.name.trim().is_empty() {
        errors.push(("name", "Enter your name; customers see it on your answers.".to_owned()));
    }
    if !is_address(form.email.trim()) {
        errors.push(("email", "Enter a mail address like name@example.com.".to_owned()));
    }
    if let Some(words) = weak(&form.password) {
        errors.push(("password", words));
    }
    let directory = directory::get(&app).await?;
    if !errors.is_empty() {
        let theme = crate::http::assets::theme(&directory.shop.accent);
        let page = SetupPage { theme, form: Setup { password: String::new(), ..form }, errors, min: MIN_PASSWORD };
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&page)?).into_response());
    }
    let mut tx = app.db.begin().await?;
    // Two browsers with the link: one becomes the first admin.
    agents::lock_all(&mut tx).await?;
    if agents::any(&mut tx).await? {
        return Err(Error::NotFound);
    }
    let id = match agents::find_by_email(&mut tx, form.email.trim()).await? {
        Some(person) => person.id,
        None => agents::create(&mut tx, form.email.trim(), form.name.trim(), Role::Admin).await?,
    };
    agents::update(&mut tx, id, form.email.trim(), form.name.trim(), Role::Admin).await?;
    agents::set_password(&mut tx, id, &form.password, None).await?;
    let shop = directory::Shop { shop_name: form.shop.trim().to_owned(), ..directory.shop.clone() };
    directory::update_shop(&mut tx, &shop).await?;
    tx.commit().await?;
    app.cache.invalidate_all();
    app.live.announce(Signal::Settings);
    let mut db = app.db.acquire().await?;
    enter(&app, &mut db, id, &client, "/settings/channels").await
}

/// Why a password will not do.
pub fn weak(password: &str) -> Option<String> {
    let length = password.chars().count();
    if length < MIN_PASSWORD {
        Some(format!("Use at least {MIN_PASSWORD} characters. Three or four words are easy to remember."))
    } else if length > 200 {
        Some("Use at most 200 characters.".to_owned())
    } else {
        let mut letters: Vec<char> = password.chars().collect();
        letters.sort_unstable();
        letters.dedup();
        (letters.len() < 5).then(|| "Use more different characters.".to_owned())
    }
}

// ---------------------------------------------------------------- invitations and forgotten passwords

#[derive(Template)]
#[template(path = "screens/choose_password.html")]
struct ChoosePage {
    shop: String,
    theme: String,
    email: String,
    name: String,
    invited: bool,
    error: Option<String>,
    min: usize,
}

async fn choose_page(app: &App, token: &str, error: Option<String>) -> Result<ChoosePage> {
    let directory = directory::get(app).await?;
    let mut db = app.db.acquire().await?;
    let gone = || {
        Error::BadRequest("This link has been used or is too old. Ask for a new one: “Forgot your password?” on the sign-in page, or your admin for an invitation.".into())
    };
    let (agent, purpose) = agents::peek_token(&mut db, token).await?.ok_or_else(gone)?;
    let person = agents::find(&mut db, agent).await?.ok_or_else(gone)?;
    Ok(ChoosePage {
        shop: directory.shop.shop_name.clone(),
        theme: crate::http::assets::theme(&directory.shop.accent),
        email: person.email,
        name: person.name,
        invited: purpose == TokenPurpose::Invitation,
        error,
        min: MIN_PASSWORD,
    })
}

async fn show_choose(State(app): State<App>, Path(token): Path<String>) -> Result<Response> {
    render(&choose_page(&app, &token, None).await?)
}

#[derive(Debug, Deserialize)]
struct Choose {
    password: String,
    #[serde(default)]
    name: String,
}

async fn choose(State(app): State<App>, Path(token): Path<String>, client: Client, Form(form): Form<Choose>) -> Result<Response> {
    if let Some(words) = weak(&form.password) {
        let page = choose_page(&app, &token, Some(words)).await?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&page)?).into_response());
    }
    let mut tx = app.db.begin().await?;
    let Some((agent, purpose)) = agents::use_token(&mut tx, &token).await? else {
        drop(tx);
        return render(&choose_page(&app, &token, None).await?);
    };
    agents::set_password(&mut tx, agent, &form.password, None).await?;
    if purpose == TokenPurpose::Invitation
        && !form.name.trim().is_empty()
        && let Some(person) = agents::find(&mut tx, agent).await?
    {
        agents::update_profile(&mut tx, agent, form.name.trim(), &person.signature).await?;
    }
    tx.commit().await?;
    app.cache.invalidate_all();
    app.live.announce(Signal::Settings);
    let mut db = app.db.acquire().await?;
    enter(&app, &mut db, agent, &client, "/").await
}

#[derive(Template)]
#[template(path = "screens/forgot.html")]
struct ForgotPage {
    shop: String,
    theme: String,
    email: String,
    sent: bool,
    error: Option<String>,
}

async fn forgot_page(app: &App, email: String, sent: bool, error: Option<String>) -> Result<ForgotPage> {
    let directory = directory::get(app).await?;
    Ok(ForgotPage { shop: directory.shop.shop_name.clone(), theme: crate::http::assets::theme(&directory.shop.accent), email, sent, error })
}

async fn show_forgot(State(app): State<App>) -> Result<Response> {
    render(&forgot_page(&app, String::new(), false, None).await?)
}

#[derive(Debug, Deserialize)]
struct Forgot {
    email: String,
}

/// Says the same whether or not the address is known, so that nobody can find out who works here.
async fn forgot(State(app): State<App>, client: Client, Form(form): Form<Forgot>) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    let keys = [format!("reset:{}", form.email.trim().to_lowercase()), format!("reset-network:{}", client.network())];
    let blocked = sessions::blocked_seconds(&mut db, &keys).await?;
    if blocked > 0 {
        let page = forgot_page(&app, form.email, false, Some(format!("Too many requests. Wait {blocked} seconds."))).await?;
        return Ok((StatusCode::TOO_MANY_REQUESTS, render(&page)?).into_response());
    }
    sessions::note_failure(&mut db, &keys).await?;
    if let Some(person) = agents::find_by_email(&mut db, form.email.trim()).await?.filter(|person| person.disabled_at.is_none()) {
        let job = if person.has_password { Job::SendPasswordReset { agent: person.id } } else { Job::SendInvitation { agent: person.id } };
        jobs::push(&mut db, &job, Ts::now()).await?;
        app.live.announce(Signal::Work);
    }
    render(&forgot_page(&app, form.email, true, None).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_passwords_are_checked_for_slips() {
        assert!(is_address("anna.verdi@example.it"));
        assert!(is_address("o'neil+shop@sub.example.com"));
        for wrong in ["anna", "anna@", "@example.it", "anna@example", "a b@example.it", "anna@.it", "Anna <a@b.it>"] {
            assert!(!is_address(wrong), "{wrong}");
        }
        assert!(weak("short").is_some());
        assert!(weak("aaaaaaaaaaaa").is_some());
        assert!(weak("correct horse battery").is_none());
    }
}
