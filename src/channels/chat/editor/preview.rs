//! A blank page with the chat on it, as the shop's pages would have it.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderValue, header};

use super::{desk_language, find};
use crate::app::App;
use crate::channels::chat::loader;
use crate::channels::chat::settings::Settings;
use crate::desk::agents::Admin;
use crate::desk::directory;
use crate::http::{Path, Query, Result, assets, render};
use crate::i18n::Language;
use crate::ids::ChannelId;

#[derive(Template)]
#[template(path = "channels/chat/preview.html")]
struct Preview {
    language: Language,
    key: String,
    version: Option<String>,
}

impl Preview {
    fn asset(&self, path: &str) -> String {
        assets::asset(path)
    }
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    lang: String,
}

/// The page. It is made for the frame in the editor, and opens by itself just as well.
pub(super) async fn show(State(app): State<App>, _: Admin, Path(id): Path<ChannelId>, Query(asked): Query<Asked>) -> Result<Response> {
    let chat = find(&app, id).await?;
    let directory = directory::get(&app).await?;
    let language = Settings::of(&chat).language(&asked.lang, "", desk_language(&directory));
    let key = chat.address.unwrap_or_default();
    let version = loader::version(&app, &key).await?;
    let mut response = render(&Preview { language, key, version })?;
    // The script's own frame comes from the address under which the shop's pages know this desk.
    let public = url::Url::parse(&app.config.public_url()).map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; frame-src 'self' {public}; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'self'"
    );
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_str(&policy).map_err(anyhow::Error::from)?);
    Ok(response)
}
