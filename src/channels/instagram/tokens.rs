//! Renews the token of accounts that sign in with Instagram: it lasts sixty days, and is lost if nobody renews it before.

use http::Method;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::channels::instagram::settings::Settings;
use crate::channels::meta::judge;
use crate::channels::meta::settings::Secrets;
use crate::channels::wire::{Polled, Way};
use crate::clock::Ts;
use crate::desk::changes::Change;
use crate::desk::channels;
use crate::desk::networks::Fault;

/// Renewed when it lasts no longer than this, in seconds.
const EARLY: i64 = 10 * 24 * 3600;
/// Between two looks, in seconds.
const LOOK: i64 = 6 * 3600;

/// Looks how long the token lasts still, and renews it in time. The cursor tells which token (a fingerprint) lasts until when.
pub async fn keep_fresh(way: &Way<'_>) -> Result<Polled, Fault> {
    let secrets: Secrets = way.channel.secrets(&way.app.keys);
    let cursor = &way.channel.cursor;
    let fingerprint = print(&secrets.token);
    let lasts = cursor["until"].as_i64().filter(|_| cursor["token"].as_str() == Some(&fingerprint));
    let same = |cursor: serde_json::Value| Polled { raw: Vec::new(), cursor, again: LOOK };
    let now = Ts::now().0.as_second();
    if secrets.token.is_empty() || lasts.is_some_and(|until| until - now > EARLY) {
        return Ok(same(cursor.clone()));
    }
    let (token, until) = match renew(way, &secrets.token).await {
        Ok((token, seconds)) => (token, now + seconds),
        // Tokens of less than a day cannot be renewed yet.
        Err(Fault::Permanent(words)) => {
            tracing::info!(channel = %way.channel.id, %words, "an Instagram token was not renewed this time");
            return Ok(same(json!({ "token": fingerprint, "until": lasts })));
        }
        Err(other) => return Err(other),
    };
    store(way, &secrets.token, &token).await.map_err(|error| Fault::Later { words: error.to_string(), after: None })?;
    Ok(same(json!({ "token": print(&token), "until": until })))
}

fn print(token: &str) -> String {
    hex::encode(&Sha256::digest(token.as_bytes())[..8])
}

async fn renew(way: &Way<'_>, token: &str) -> Result<(String, i64), Fault> {
    let settings: Settings = way.channel.settings().unwrap_or_default();
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "ig_refresh_token")
        .append_pair("access_token", token)
        .finish();
    let url = format!("{}/refresh_access_token?{query}", settings.host());
    let answer = judge(&way.calls.ask(way.calls.request(Method::GET, &url)?).await?)?;
    let later = || Fault::Later { words: "Meta renewed the sign-in, but gave no token.".to_owned(), after: None };
    let token = answer["access_token"].as_str().filter(|token| !token.is_empty()).ok_or_else(later)?;
    Ok((token.to_owned(), answer["expires_in"].as_i64().unwrap_or(60 * 24 * 3600)))
}

/// Keeps the new token, unless an admin has entered another meanwhile.
async fn store(way: &Way<'_>, old: &str, new: &str) -> sqlx::Result<()> {
    let mut change = Change::begin(way.app).await?;
    channels::lock(&mut change, way.channel.id).await?;
    let Some(channel) = channels::find(&mut change, way.channel.id).await? else { return Ok(()) };
    let mut secrets: Secrets = channel.secrets(&way.app.keys);
    if secrets.token != old {
        return Ok(());
    }
    secrets.token = new.to_owned();
    let sealed = channels::seal(&way.app.keys, &secrets).map_err(|error| sqlx::Error::Encode(error.into()))?;
    channels::set_secrets(&mut change, channel.id, &sealed).await?;
    change.touch_settings();
    change.commit().await
}
