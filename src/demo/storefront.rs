//! The page of the sample shop, where its form can be tried.

use axum::Router;
use axum::extract::State;
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::get;
use http::{HeaderValue, header};

use crate::app::App;
use crate::desk::import;
use crate::http::{Error, Result};

/// The route of the sample shop.
pub fn router() -> Router<App> {
    Router::new().route("/demo", get(show))
}

/// There is a shop as long as the desk holds its content.
async fn show(State(app): State<App>) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    if !import::is_demo(&mut db).await? {
        return Err(Error::NotFound);
    }
    let mut response = Html(super::STOREFRONT).into_response();
    // A shop's page stands for itself: its own style and pictures, our form and our chat in frames, and its address told to them. The chat's
    // frame comes from the address under which shops know this desk.
    let public = url::Url::parse(&app.config.public_url()).map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; frame-src 'self' {public}; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'"
    );
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_str(&policy).map_err(anyhow::Error::from)?);
    Ok(response)
}
