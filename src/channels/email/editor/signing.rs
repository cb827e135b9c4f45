//! Keys for the signature of letters: made, shown for the DNS, switched on.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use serde::Deserialize;

use super::mailbox;
use crate::app::App;
use crate::channels::email::dkim;
use crate::channels::email::settings::{DkimAlgorithm, DkimSettings, Secrets, Settings};
use crate::desk::agents::Admin;
use crate::desk::changes::Change;
use crate::desk::channels::{self as rows, seal};
use crate::http::flash::Flash;
use crate::http::{Error, Form, Path, Result};
use crate::ids::ChannelId;

pub(super) fn router() -> Router<App> {
    Router::new().route("/settings/mailboxes/{id}/signing", post(change_signing))
}

#[derive(Deserialize)]
struct Wish {
    /// `rsa`, `ed25519`, `on`, `off` or `remove`.
    #[serde(default)]
    what: String,
}

async fn change_signing(State(app): State<App>, _: Admin, Path(id): Path<ChannelId>, Form(wish): Form<Wish>) -> Result<Response> {
    let algorithm = match wish.what.as_str() {
        "rsa" => Some(DkimAlgorithm::Rsa),
        "ed25519" => Some(DkimAlgorithm::Ed25519),
        _ => None,
    };
    // Slow, hence before anything is locked.
    let made = match algorithm {
        Some(algorithm) => {
            let making = tokio::task::spawn_blocking(move || dkim::make(algorithm)).await;
            let (private, public) = making
                .ok()
                .and_then(std::result::Result::ok)
                .ok_or_else(|| Error::BadRequest("The key could not be made. Try again.".into()))?;
            Some((algorithm, private, public))
        }
        None => None,
    };
    let mut change = Change::begin(&app).await?;
    rows::lock(&mut change, id).await?;
    let channel = mailbox(&mut change, id).await?;
    let mut settings = Settings::of(&channel);
    let mut secrets: Secrets = channel.secrets(&app.keys);
    let words = match (made, wish.what.as_str()) {
        (Some((algorithm, private, public_key)), _) => {
            let kind = if algorithm == DkimAlgorithm::Rsa { "rsa" } else { "ed" };
            let selector = format!("sportello-{kind}-{}", jiff::Timestamp::now().strftime("%Y%m"));
            settings.dkim = Some(DkimSettings { selector, algorithm, public_key, active: false });
            secrets.dkim_key = private;
            "The key is made. Put its record into your DNS, then switch the signature on."
        }
        (None, what @ ("on" | "off")) => {
            let Some(dkim) = &mut settings.dkim else { return Err(Error::NotFound) };
            dkim.active = what == "on";
            if dkim.active { "Letters are signed from now on." } else { "Letters are no longer signed." }
        }
        (None, "remove") => {
            settings.dkim = None;
            secrets.dkim_key.clear();
            "The key is gone. Its DNS record can go too."
        }
        _ => return Err(Error::NotFound),
    };
    rows::set_settings(&mut change, id, &serde_json::to_value(&settings)?).await?;
    rows::set_secrets(&mut change, id, &seal(&app.keys, &secrets)?).await?;
    change.touch_settings();
    change.commit().await?;
    Ok(Flash::new(words).redirect(&format!("/settings/mailboxes/{id}#signing")))
}
