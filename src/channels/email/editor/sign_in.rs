//! An admin signs in for a mailbox, at its provider's.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use axum_extra::extract::cookie::CookieJar;

use super::{EditorPage, mailbox, test};
use crate::app::App;
use crate::channels::email::access;
use crate::channels::email::editor::form::MailboxForm;
use crate::channels::email::settings::Settings;
use crate::channels::email::trial::{Mark, Trial};
use crate::channels::wire::oauth::{Brought, Memory, Visit};
use crate::desk::agents::Admin;
use crate::desk::kinds::ChannelKind;
use crate::http::flash::Flash;
use crate::http::page::Shell;
use crate::http::problems::Problems;
use crate::http::{Error, Path, Query, Result};
use crate::ids::ChannelId;

const FOLDER: &str = "/settings/mailboxes";
const MEMORY: Memory = Memory { cookie: "sportello_mailbox_sign_in", path: FOLDER };

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
    Ok(MEMORY.send(app, &visit, url.as_str())?)
}

/// An admin comes back from the provider's page: with a code that stands for what they agreed to, or without.
async fn come_back(State(app): State<App>, _: Admin, jar: CookieJar, shell: Shell, Query(brought): Query<Brought>) -> Result<Response> {
    let Some(visit) = MEMORY.visit(&app, &jar, &brought) else {
        return Err(Error::BadRequest(
            "This sign-in was not begun here, or took too long. Begin it once more on the mailbox’s page.".into(),
        ));
    };
    let channel = mailbox(&mut *app.db.acquire().await?, visit.channel).await?;
    let provider = access::provider_of(&app, &channel, &Settings::of(&channel)).ok_or(Error::NotFound)?;
    let response = match visit.finish(&app, &channel, &provider, &brought).await {
        Ok(()) => {
            access::begin_anew(&app, channel.id).await?;
            test(&app, &shell, channel.id).await?
        }
        Err(fault) => {
            let form = MailboxForm::of(&channel, &channel.secrets(&app.keys));
            let trial = Trial { mark: Mark::Fails, title: "Not signed in".to_owned(), detail: fault.to_string() };
            shell.render(&EditorPage { trials: vec![trial], ..EditorPage::new(&app, &shell, Some(channel), form, Problems::default()) })?
        }
    };
    Ok(MEMORY.forget(response))
}
