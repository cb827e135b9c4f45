//! An admin signs in for a mailbox, at its provider's.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::{EditorPage, mailbox, test};
use crate::app::App;
use crate::channels::email::access;
use crate::channels::email::editor::form::MailboxForm;
use crate::channels::email::settings::Settings;
use crate::channels::email::trial::{Mark, Trial};
use crate::channels::wire::oauth::Visit;
use crate::desk::agents::Admin;
use crate::desk::kinds::ChannelKind;
use crate::http::flash::Flash;
use crate::http::page::Shell;
use crate::http::problems::Problems;
use crate::http::{Error, Path, Query, Result};
use crate::ids::ChannelId;

/// What a browser remembers while its admin is at the provider's.
const VISIT: &str = "sportello_mailbox_sign_in";
const FOLDER: &str = "/settings/mailboxes";

pub(super) fn router() -> Router<App> {
    Router::new().route("/settings/mailboxes/{id}/sign-in", get(sign_in)).route("/settings/mailboxes/callback", get(come_back))
}

async fn sign_in(State(app): State<App>, _: Admin, Path(id): Path<ChannelId>) -> Result<Response> {
    begin(&app, id).await
}

/// The way to the provider's page on which an admin agrees.
pub(super) async fn begin(app: &App, id: ChannelId) -> Result<Response> {
    let channel = mailbox(&mut *app.db.acquire().await?, id).await?;
    let provider = access::provider_of(app, &channel, &Settings::of(&channel));
    let Some((visit, url)) = provider.and_then(|provider| Visit::begin(app, ChannelKind::Email, id, &provider)) else {
        return Ok(Flash::new("Choose how the mailbox signs in first, and save it.").redirect(&format!("{FOLDER}/{id}")));
    };
    let mut url = url::Url::parse(&url).map_err(|error| Error::BadRequest(error.to_string()))?;
    if let Some(address) = &channel.address {
        // Chosen already on the provider's page, where it knows the word.
        url.query_pairs_mut().append_pair("login_hint", address);
    }
    let value = URL_SAFE_NO_PAD.encode(app.keys.seal(&serde_json::to_vec(&visit)?));
    let cookie = Cookie::build((VISIT, value))
        .path(FOLDER)
        .http_only(true)
        .secure(app.config.is_https())
        // They come back by a link on the provider's page.
        .same_site(SameSite::Lax);
    Ok((CookieJar::new().add(cookie), Redirect::to(url.as_str())).into_response())
}

/// What the provider sends an admin back with.
#[derive(Deserialize)]
struct Brought {
    #[serde(default)]
    state: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: String,
}

/// An admin comes back from the provider's page: with a code that stands for what they agreed to, or without.
async fn come_back(State(app): State<App>, _: Admin, jar: CookieJar, shell: Shell, Query(brought): Query<Brought>) -> Result<Response> {
    let sealed = jar.get(VISIT).and_then(|cookie| URL_SAFE_NO_PAD.decode(cookie.value()).ok());
    let visit = sealed.and_then(|sealed| app.keys.open(&sealed)).and_then(|plain| serde_json::from_slice::<Visit>(&plain).ok());
    let Some(visit) = visit.filter(|visit| visit.ends_with(&brought.state)) else {
        return Err(Error::BadRequest(
            "This sign-in was not begun here, or took too long. Begin it once more on the mailbox’s page.".into(),
        ));
    };
    let channel = mailbox(&mut *app.db.acquire().await?, visit.channel).await?;
    let provider = access::provider_of(&app, &channel, &Settings::of(&channel)).ok_or(Error::NotFound)?;
    let taken = if brought.code.is_empty() {
        let why = if brought.error_description.is_empty() { &brought.error } else { &brought.error_description };
        let why: String = why.chars().filter(|c| !c.is_control()).take(300).collect();
        Err(format!("{} did not let us in: {why}", provider.name))
    } else {
        visit.finish(&app, &channel, &provider, &brought.code).await.map_err(|fault| fault.to_string())
    };
    let response = match taken {
        Ok(()) => test(&app, &shell, channel.id).await?,
        Err(detail) => {
            let form = MailboxForm::of(&channel, &channel.secrets(&app.keys));
            let trial = Trial { mark: Mark::Fails, title: "Not signed in".to_owned(), detail };
            shell.render(&EditorPage { trials: vec![trial], ..EditorPage::new(&app, &shell, Some(channel), form, Problems::default()) })?
        }
    };
    // A code is good for one sign-in.
    let gone = Cookie::build((VISIT, "")).path(FOLDER).removal();
    Ok((CookieJar::new().add(gone), response).into_response())
}
