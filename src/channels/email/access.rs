//! How a mailbox's servers are entered: by password, or by a token that is renewed in time and, when it is refused, once more.

use crate::app::App;
use crate::channels::email::imap::connection::{Connection, ImapError, Login};
use crate::channels::email::settings::{ImapSettings, OauthService, OauthSettings, Secrets, Settings};
use crate::channels::wire::Way;
use crate::channels::wire::calls::Caller;
use crate::channels::wire::oauth::{self, Provider};
use crate::desk::changes::Change;
use crate::desk::channels::{self, Channel};
use crate::desk::networks::Fault;
use crate::ids::ChannelId;
use crate::mailer::Server;

const GOOGLE_SCOPES: &str = "https://mail.google.com/";
const MICROSOFT_SCOPES: &str = "https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/SMTP.Send offline_access";

/// Why a mailbox could not be entered.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    #[error("{0}")]
    Imap(#[from] ImapError),
    /// The provider gives no token, or the server does not take it.
    #[error("{0}")]
    Token(Fault),
}

/// Seconds for which a mailbox is left alone that does not take our password: many servers lock an account that is knocked at too often.
pub const REFUSED: i64 = 300;
/// The same for one whose server lets nobody in just now.
pub const BUSY: i64 = 60;
/// Seconds until a mailbox that has lost its sign-in is tried again all the same.
pub const SHUT_OUT: i64 = 600;

impl AccessError {
    /// Seconds for which the mailbox is to be left alone, where knocking again soon does harm or is in vain.
    pub fn rest(&self) -> Option<i64> {
        match self {
            Self::Imap(ImapError::Login { .. }) => Some(REFUSED),
            Self::Imap(ImapError::Busy(_)) => Some(BUSY),
            Self::Imap(_) => None,
            Self::Token(Fault::SignIn(_)) => Some(SHUT_OUT),
            Self::Token(Fault::Later { after: Some(after), .. }) => Some((*after).clamp(15, 3600)),
            Self::Token(_) => Some(60),
        }
    }
}

/// Where a sign-in is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LostAt {
    /// At the provider, or at the server that mail is fetched from: when mail comes in again it is back.
    Incoming,
    /// At the server for outgoing mail, while tokens are given out.
    Outgoing,
}

/// The provider at which a mailbox signs in.
pub fn provider(settings: &OauthSettings, client_secret: &str) -> Provider {
    let (client_id, client_secret) = (settings.client_id.clone(), client_secret.to_owned());
    match settings.service {
        OauthService::Google => Provider {
            name: "Google",
            authorize: "https://accounts.google.com/o/oauth2/v2/auth".to_owned(),
            token: "https://oauth2.googleapis.com/token".to_owned(),
            client_id,
            client_secret,
            scopes: GOOGLE_SCOPES.into(),
            // Google gives a renewal token only when it is asked for, and only with consent.
            extra: &[("access_type", "offline"), ("prompt", "consent")],
            basic: false,
        },
        OauthService::Microsoft => {
            let tenant = if settings.tenant.is_empty() { "common" } else { &settings.tenant };
            let page = |name: &str| format!("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/{name}");
            Provider {
                name: "Microsoft",
                authorize: page("authorize"),
                token: page("token"),
                client_id,
                client_secret,
                scopes: MICROSOFT_SCOPES.into(),
                extra: &[("prompt", "select_account")],
                basic: false,
            }
        }
        OauthService::Other => Provider {
            name: "the provider",
            authorize: settings.authorize.clone(),
            token: settings.token.clone(),
            client_id,
            client_secret,
            scopes: settings.scopes.clone().into(),
            extra: &[],
            basic: false,
        },
    }
}

/// The provider of a stored mailbox.
pub fn provider_of(app: &App, channel: &Channel, settings: &Settings) -> Option<Provider> {
    let secrets: Secrets = channel.secrets(&app.keys);
    settings.oauth.as_ref().map(|oauth| provider(oauth, &secrets.oauth_client_secret))
}

/// A token that is good for a while; `refused` is one that the mailbox's server did not take.
async fn token(app: &App, channel: &Channel, provider: &Provider, refused: Option<&str>) -> Result<String, Fault> {
    let way = Way { app, channel, calls: Caller::of(app) };
    match refused {
        None => oauth::token(&way, provider).await,
        Some(used) => oauth::renew(&way, provider, used).await,
    }
}

/// A server that will not take even a new token: somebody has to sign in again.
fn shut_out(provider: &Provider, host: &str, reason: &str) -> Fault {
    let reason = crate::text::excerpts::excerpt(reason.trim_end_matches('.'), 200);
    Fault::SignIn(format!(
        "{} gave a fresh token, but {host} does not accept it ({reason}). Sign in again, with the account of this mailbox.",
        provider.name
    ))
}

/// Enters the mailbox's IMAP server.
pub async fn imap(app: &App, channel: &Channel, settings: &Settings, imap: &ImapSettings) -> Result<Connection, AccessError> {
    let Some(provider) = provider_of(app, channel, settings) else {
        let secrets: Secrets = channel.secrets(&app.keys);
        return Ok(Connection::open(imap, Login::Password(&secrets.imap_password)).await?);
    };
    let first = token(app, channel, &provider, None).await.map_err(AccessError::Token)?;
    match Connection::open(imap, Login::Token(&first)).await {
        Err(ImapError::Login { .. }) => {}
        other => return Ok(other?),
    }
    let second = token(app, channel, &provider, Some(&first)).await.map_err(AccessError::Token)?;
    match Connection::open(imap, Login::Token(&second)).await {
        Err(ImapError::Login { reason, .. }) => Err(AccessError::Token(shut_out(&provider, &imap.host, &reason))),
        other => Ok(other?),
    }
}

/// The mailbox's own server for outgoing mail, with what opens it; `refused` is a token that it did not take. `None`: the desk's is used.
pub async fn server(app: &App, channel: &Channel, refused: Option<&str>) -> Result<Option<Server>, Fault> {
    let settings = Settings::of(channel);
    let secrets: Secrets = channel.secrets(&app.keys);
    let Some(server) = settings.server_with(&secrets) else { return Ok(None) };
    let Some(smtp) = settings.smtp.as_ref().filter(|smtp| smtp.by_token) else { return Ok(Some(server)) };
    let Some(provider) = provider_of(app, channel, &settings) else { return Ok(Some(server)) };
    let token = token(app, channel, &provider, refused).await?;
    Ok(Some(Server { credentials: Some((smtp.user.clone(), token)), by_token: true, ..server }))
}

/// What is said when a server for outgoing mail takes no token.
pub fn refused_by_server(app: &App, channel: &Channel, server: &Server, reason: &str) -> Fault {
    match provider_of(app, channel, &Settings::of(channel)) {
        Some(provider) => shut_out(&provider, &server.host, reason),
        None => Fault::SignIn(reason.to_owned()),
    }
}

async fn note_shut_out(change: &mut Change, channel: ChannelId, shut_out: bool) -> sqlx::Result<()> {
    channels::merge_settings(change, channel, [("smtp_shut_out".to_owned(), shut_out.into())]).await
}

/// Stops what needs the sign-in, and says so to everybody.
pub async fn lose(app: &App, channel: ChannelId, at: LostAt, words: &str) {
    let noted = async {
        let mut change = Change::begin(app).await?;
        channels::lose_sign_in(&mut change, channel, words).await?;
        if at == LostAt::Outgoing {
            note_shut_out(&mut change, channel, true).await?;
        }
        change.touch_settings();
        change.touch_work();
        change.commit().await
    };
    if let Err(error) = noted.await {
        tracing::warn!(%channel, %error, "cannot note that a mailbox has lost its sign-in");
    }
}

/// Lets what waited for the sign-in go on.
pub async fn regain(app: &App, channel: ChannelId) -> sqlx::Result<()> {
    let mut change = Change::begin(app).await?;
    regain_within(&mut change, channel).await?;
    change.commit().await
}

/// The same as part of a change.
pub async fn regain_within(change: &mut Change, channel: ChannelId) -> sqlx::Result<()> {
    channels::regain_sign_in(change, channel).await?;
    note_shut_out(change, channel, false).await?;
    change.touch_settings();
    change.touch_work();
    Ok(())
}

/// Somebody has signed in: whether that lets mail leave is no longer known.
pub async fn begin_anew(app: &App, channel: ChannelId) -> sqlx::Result<()> {
    let mut change = Change::begin(app).await?;
    note_shut_out(&mut change, channel, false).await?;
    change.commit().await
}
