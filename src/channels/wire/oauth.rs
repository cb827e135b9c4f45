//! Sign-in in the browser (OAuth 2.0 with PKCE), and tokens that are renewed before they run out: by one at a time, in whatever process.

use std::borrow::Cow;
use std::sync::LazyLock;
use std::time::Duration;

use axum::response::{IntoResponse as _, Redirect, Response};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use reqwest::RequestBuilder;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;

use crate::app::App;
use crate::channels::wire::Way;
use crate::channels::wire::calls::{Answered, Caller};
use crate::clock::Ts;
use crate::desk::changes::Change;
use crate::desk::channels::{self, Channel};
use crate::desk::kinds::ChannelKind;
use crate::desk::networks::Fault;
use crate::ids::ChannelId;
use crate::secrets;

/// Renewed when it lasts no longer than this, in seconds.
const EARLY: i64 = 120;
/// For one call of the provider's token address. Whoever waits for the new token waits a little longer.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a sign-in in the browser may take, in seconds.
const VISIT: i64 = 900;

/// Where and as which app a channel signs in.
#[derive(Debug, Clone)]
pub struct Provider {
    /// Its name, as an admin knows it.
    pub name: &'static str,
    /// The page on which an admin agrees.
    pub authorize: String,
    /// Gives out tokens.
    pub token: String,
    pub client_id: String,
    /// Empty: a public client.
    pub client_secret: String,
    pub scopes: Cow<'static, str>,
    /// More parameters of the page.
    pub extra: &'static [(&'static str, &'static str)],
    /// The client proves itself by a header instead of fields.
    pub basic: bool,
}

/// What lets us in; among the channel's secrets, under these names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tokens {
    pub access_token: String,
    pub refresh_token: String,
    /// Seconds since 1970; of the access token whose fingerprint is beside it.
    pub expires_at: i64,
    pub expires_of: String,
}

impl Tokens {
    fn is_fresh(&self, now: i64) -> bool {
        // One that was pasted by hand says nothing about its end: it is good until the provider says no.
        !self.access_token.is_empty() && (self.expires_of != fingerprint(&self.access_token) || self.expires_at - now > EARLY)
    }
}

fn fingerprint(token: &str) -> String {
    hex::encode(&Sha256::digest(token.as_bytes())[..8])
}

/// Where a provider sends an admin back to.
pub fn callback(app: &App, kind: ChannelKind) -> String {
    match kind {
        ChannelKind::Email => format!("{}/settings/mailboxes/callback", app.config.public_url()),
        kind => format!("{}/settings/networks/{kind}/callback", app.config.public_url()),
    }
}

/// What is remembered of a sign-in while the admin is at the provider's; sealed, in a cookie of theirs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Visit {
    pub channel: ChannelId,
    state: String,
    verifier: String,
    began: i64,
}

impl Visit {
    /// Begins one: what to remember, and the address to go to.
    pub fn begin(app: &App, kind: ChannelKind, channel: ChannelId, provider: &Provider) -> Option<(Self, String)> {
        let visit = Self { channel, state: secrets::token(), verifier: format!("{}{}", secrets::token(), secrets::token()), began: now() };
        let mut url = url::Url::parse(&provider.authorize).ok()?;
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(visit.verifier.as_bytes()));
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &provider.client_id)
            .append_pair("redirect_uri", &callback(app, kind))
            .append_pair("scope", &provider.scopes)
            .append_pair("state", &visit.state)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256")
            .extend_pairs(provider.extra);
        Some((visit, url.into()))
    }

    /// Whether a call of our address ends this visit.
    fn ends_with(&self, state: &str) -> bool {
        use subtle::ConstantTimeEq as _;
        let same: bool = self.state.as_bytes().ct_eq(state.as_bytes()).into();
        same && now() - self.began < VISIT
    }

    /// Takes the tokens for the code that the provider sent along, and keeps them with the channel.
    pub async fn finish(&self, app: &App, channel: &Channel, provider: &Provider, brought: &Brought) -> Result<(), Fault> {
        let calls = Caller::of(app);
        let code = brought.code(provider)?;
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &callback(app, channel.kind)),
            ("code_verifier", &self.verifier),
        ];
        let tokens = ask(&calls, provider, &fields).await.map_err(|fault| match fault {
            Fault::SignIn(words) | Fault::Permanent(words) => Fault::Permanent(format!("{words} Sign in once more.")),
            other => other,
        })?;
        let stored = async {
            let mut change = Change::begin(app).await?;
            keep(&mut change, channel.id, None, &tokens).await?;
            change.touch_settings();
            change.commit().await
        };
        stored.await.map_err(unstored)
    }
}

/// What a provider sends an admin back with.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Brought {
    state: String,
    code: String,
    error: String,
    error_description: String,
}

impl Brought {
    /// The code that stands for what the admin agreed to, or the provider's words for why there is none.
    fn code(&self, provider: &Provider) -> Result<&str, Fault> {
        if !self.code.is_empty() {
            return Ok(&self.code);
        }
        let why = if self.error_description.is_empty() { &self.error } else { &self.error_description };
        let why: String = why.chars().filter(|c| !c.is_control()).take(300).collect();
        Err(Fault::Permanent(format!("{} did not let us in: {why}", provider.name)))
    }
}

/// How a browser remembers a visit while its admin is at the provider's.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    pub cookie: &'static str,
    /// Where it is shown to us again.
    pub path: &'static str,
}

impl Memory {
    /// Sends an admin to the provider's page.
    pub fn send(self, app: &App, visit: &Visit, url: &str) -> serde_json::Result<Response> {
        let value = URL_SAFE_NO_PAD.encode(app.keys.seal(&serde_json::to_vec(visit)?));
        let cookie = Cookie::build((self.cookie, value))
            .path(self.path)
            .http_only(true)
            .secure(app.config.is_https())
            // They come back by a link on the provider's page.
            .same_site(SameSite::Lax);
        Ok((CookieJar::new().add(cookie), Redirect::to(url)).into_response())
    }

    /// The visit from which an admin comes back; none if it was not begun here, or took too long.
    pub fn visit(self, app: &App, jar: &CookieJar, brought: &Brought) -> Option<Visit> {
        let sealed = URL_SAFE_NO_PAD.decode(jar.get(self.cookie)?.value()).ok()?;
        let visit: Visit = serde_json::from_slice(&app.keys.open(&sealed)?).ok()?;
        visit.ends_with(&brought.state).then_some(visit)
    }

    /// Has the browser forget it: a code is good for one sign-in.
    pub fn forget(self, response: Response) -> Response {
        let gone = Cookie::build((self.cookie, "")).path(self.path).removal();
        (CookieJar::new().add(gone), response).into_response()
    }
}

fn now() -> i64 {
    Ts::now().0.as_second()
}

fn unstored(error: sqlx::Error) -> Fault {
    Fault::Later { words: format!("The sign-in could not be stored: {error}."), after: None }
}

fn request(calls: &Caller, provider: &Provider, fields: &[(&str, &str)]) -> Result<RequestBuilder, Fault> {
    let mut form = fields.to_vec();
    let request = calls.request(Method::POST, &provider.token)?.timeout(PATIENCE).header("Accept", "application/json");
    let with_header = provider.basic && !provider.client_secret.is_empty();
    form.push(("client_id", &provider.client_id));
    if !with_header && !provider.client_secret.is_empty() {
        form.push(("client_secret", &provider.client_secret));
    }
    let request = if with_header { request.basic_auth(&provider.client_id, Some(&provider.client_secret)) } else { request };
    Ok(request.form(&form))
}

async fn ask(calls: &Caller, provider: &Provider, fields: &[(&str, &str)]) -> Result<Tokens, Fault> {
    judge(provider.name, &calls.ask(request(calls, provider, fields)?).await?)
}

/// What the token address answered. Whoever is refused has to sign in again; everything else passes.
fn judge(name: &str, answer: &Answered) -> Result<Tokens, Fault> {
    let body = answer.json();
    let error = body["error"].as_str().or_else(|| body["error"]["status"].as_str()).unwrap_or_default();
    let told = body["error_description"].as_str().or_else(|| body["detail"].as_str()).unwrap_or(error);
    if let (true, Some(access)) = (answer.status.is_success(), body["access_token"].as_str().filter(|token| !token.is_empty())) {
        let lasts = body["expires_in"].as_i64().or_else(|| body["expires_in"].as_str()?.parse().ok()).unwrap_or(3600);
        return Ok(Tokens {
            access_token: access.to_owned(),
            refresh_token: body["refresh_token"].as_str().unwrap_or_default().to_owned(),
            expires_at: now() + lasts,
            expires_of: fingerprint(access),
        });
    }
    let status = answer.status;
    Err(match error {
        "invalid_grant" | "invalid_request" if status.is_client_error() => {
            Fault::SignIn(format!("{name} no longer accepts the sign-in ({told})."))
        }
        "invalid_client" | "unauthorized_client" => {
            Fault::SignIn(format!("{name} does not accept the app’s client ID and secret ({told}). Check them."))
        }
        _ if status.as_u16() == 429 || status.is_server_error() || status.is_success() => Fault::Later {
            words: format!("{name} could not renew the sign-in just now: it answered {status}."),
            after: answer.retry_after(),
        },
        _ => Fault::SignIn(format!("{name} refused the sign-in: {}", if told.is_empty() { status.to_string() } else { told.to_owned() })),
    })
}

/// The token with which this channel calls its provider, renewed if it ends soon.
///
/// # Errors
/// [`Fault::SignIn`] when nobody has signed in, or the provider takes it back.
pub async fn token(way: &Way<'_>, provider: &Provider) -> Result<String, Fault> {
    let tokens: Tokens = way.channel.secrets(&way.app.keys);
    if tokens.is_fresh(now()) {
        return Ok(tokens.access_token);
    }
    // The channel may have been read a while ago.
    renew(way, provider, &tokens.access_token).await
}

/// Renews a token that has ended or was refused: once, whoever asks, and in whatever process. Who comes second is given what the first has
/// got, since providers may take each renewal token once only. Once begun it goes on to its end, even if nobody waits for it any more: what
/// the provider gave out must be kept.
pub async fn renew(way: &Way<'_>, provider: &Provider, used: &str) -> Result<String, Fault> {
    let (app, id, provider, used) = (way.app.clone(), way.channel.id, provider.clone(), used.to_owned());
    let renewing = tokio::spawn(async move { renew_now(&app, id, &provider, &used).await });
    renewing.await.unwrap_or_else(|error| Err(Fault::Later { words: format!("The sign-in could not be renewed: {error}."), after: None }))
}

async fn renew_now(app: &App, id: ChannelId, provider: &Provider, used: &str) -> Result<String, Fault> {
    /// So that of one process only one waits with a connection to the database in hand.
    static TURNS: LazyLock<Vec<Mutex<()>>> = LazyLock::new(|| (0..32).map(|_| Mutex::new(())).collect());
    let _turn = TURNS[usize::try_from(id.0.rem_euclid(32)).unwrap_or_default()].lock().await;
    let mut change = Change::begin(app).await.map_err(unstored)?;
    channels::lock_sign_in(&mut change, id).await.map_err(unstored)?;
    let gone = || Fault::Permanent("Its channel does not exist any more.".to_owned());
    let channel = channels::find(&mut change, id).await.map_err(unstored)?.ok_or_else(gone)?;
    let tokens: Tokens = channel.secrets(&app.keys);
    if tokens.access_token != used && tokens.is_fresh(now()) {
        return Ok(tokens.access_token);
    }
    if tokens.refresh_token.is_empty() {
        let words = if tokens.access_token.is_empty() {
            format!("Nobody has signed in with {} yet. Press “Sign in with {}”.", provider.name, provider.name)
        } else {
            format!("{} no longer accepts the sign-in, and there is nothing to renew it with. Sign in again.", provider.name)
        };
        return Err(Fault::SignIn(words));
    }
    let fields = [("grant_type", "refresh_token"), ("refresh_token", &*tokens.refresh_token)];
    let mut new = ask(&Caller::of(app), provider, &fields).await?;
    if new.refresh_token.is_empty() {
        new.refresh_token = tokens.refresh_token.clone();
    }
    keep(&mut change, id, Some(&tokens.refresh_token), &new).await.map_err(unstored)?;
    change.commit().await.map_err(unstored)?;
    Ok(new.access_token)
}

/// Keeps tokens among the channel's secrets, unless an admin has put others there since (`instead_of` is no longer what is stored).
async fn keep(change: &mut Change, id: ChannelId, instead_of: Option<&str>, tokens: &Tokens) -> sqlx::Result<()> {
    let encode = |error: serde_json::Error| sqlx::Error::Encode(error.into());
    channels::lock(change, id).await?;
    let Some(channel) = channels::find(change, id).await? else { return Ok(()) };
    let keys = change.app.keys.clone();
    let mut all: Map<String, Value> = channel.secrets(&keys);
    let stored = all.get("refresh_token").and_then(Value::as_str).unwrap_or_default();
    if instead_of.is_some_and(|old| old != stored) {
        return Ok(());
    }
    let Value::Object(new) = json!(tokens) else { return Ok(()) };
    // Some give a renewal token with the first sign-in only.
    all.extend(new.into_iter().filter(|(name, value)| name != "refresh_token" || value.as_str().is_some_and(|token| !token.is_empty())));
    let sealed = channels::seal(&keys, &all).map_err(encode)?;
    channels::set_secrets(change, id, &sealed).await
}

/// Calls an API with the channel's token; refused with 401, renews it once and calls again. `call` makes the request with a token.
///
/// # Errors
/// [`Fault::SignIn`] when the provider takes the new token neither; others as the call itself.
pub async fn with_token<F>(way: &Way<'_>, provider: &Provider, once: bool, call: F) -> Result<Answered, Fault>
where
    F: Fn(&str) -> Result<RequestBuilder, Fault> + Send + Sync,
{
    let mut used = token(way, provider).await?;
    let mut renewed = false;
    loop {
        let request = call(&used)?;
        let answer = if once { way.calls.run(request).await? } else { way.calls.ask(request).await? };
        if answer.status != http::StatusCode::UNAUTHORIZED || renewed {
            return Ok(answer);
        }
        // It was refused, so nothing was done: the same may be asked again.
        used = renew(way, provider, &used).await?;
        renewed = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pasted_tokens_are_good_until_they_are_refused() {
        let pasted = Tokens { access_token: "a".to_owned(), expires_at: 5, expires_of: fingerprint("older"), ..Tokens::default() };
        assert!(pasted.is_fresh(1_000_000));
        let own = Tokens { expires_of: fingerprint("a"), expires_at: 1_000_100, ..pasted };
        assert!(!own.is_fresh(1_000_000));
        assert!(own.is_fresh(999_900));
        assert!(!Tokens::default().is_fresh(0));
    }
}
