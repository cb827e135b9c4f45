//! Who is signed in. Permission is an argument type: a handler that takes an `Admin` cannot forget to ask.

use axum::extract::FromRequestParts;
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use http::Method;
use http::request::Parts;

use crate::app::App;
use crate::desk::agents::{Admin, Agent, Lead};
use crate::desk::sessions;
use crate::http::Error;

const COOKIE: &str = "sportello_session";

/// The cookie that remembers a session.
pub fn cookie(app: &App, token: String) -> Cookie<'static> {
    Cookie::build((COOKIE, token))
        .path("/")
        .http_only(true)
        .secure(app.config.is_https())
        .same_site(SameSite::Lax)
        // When it ends is decided by the session's row.
        .permanent()
        .build()
}

/// The cookie that forgets it.
pub fn removal() -> Cookie<'static> {
    Cookie::build((COOKIE, "")).path("/").removal().build()
}

/// The token of the request's session, if it carries one.
pub fn token(jar: &CookieJar) -> Option<&str> {
    jar.get(COOKIE).map(Cookie::value)
}

impl FromRequestParts<App> for Agent {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let jar = CookieJar::from_headers(&parts.headers);
        // A form cannot be repeated after signing in; the page it was on can.
        let next = if parts.method == Method::GET { parts.uri.path_and_query().map_or("/", |path| path.as_str()) } else { "/" };
        let Some(token) = token(&jar) else { return Err(Error::SignIn(next.to_owned())) };
        let mut db = app.db.acquire().await?;
        sessions::find(&mut db, token).await?.ok_or_else(|| Error::SignIn(next.to_owned()))
    }
}

impl FromRequestParts<App> for Lead {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        Agent::from_request_parts(parts, app).await?.lead().ok_or(Error::Forbidden)
    }
}

impl FromRequestParts<App> for Admin {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        Agent::from_request_parts(parts, app).await?.admin().ok_or(Error::Forbidden)
    }
}
