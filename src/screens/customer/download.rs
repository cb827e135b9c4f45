//! A large file that a letter carries as a link: a plain page, then the file.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::app::App;
use crate::clock::Ts;
use crate::desk::files::{self, Attachment};
use crate::desk::links;
use crate::http::client::Client;
use crate::http::visitors::limits::{self, Limit};
use crate::http::visitors::{self, Frame};
use crate::http::{Path, Result, downloads, render};
use crate::i18n::Language;

#[derive(Template)]
#[template(path = "screens/customer/download.html")]
struct DownloadPage<'a> {
    frame: &'a Frame,
    file: Attachment,
    token: String,
    until: Ts,
}

impl DownloadPage<'_> {
    fn named(&self) -> String {
        self.frame.with_two("download-file", ("name", &self.file.name), ("size", &self.file.human_size()))
    }
}

/// The file of a link that opens it, and until when; with the frame in the language of its letter.
async fn open(app: &App, token: &str, client: &Client) -> Result<std::result::Result<(Frame, Attachment, Ts), Response>> {
    let mut frame = Frame::for_browser(app, &client.accept_language).await?;
    if limits::check(&app.keys, Limit::Views, &client.network()).is_err() {
        return Ok(Err(visitors::too_many(&frame)?));
    }
    let Some(id) = links::parse(&app.keys, token) else { return Ok(Err(visitors::not_found(&frame)?)) };
    let mut db = app.db.acquire().await?;
    let found = links::find(&mut db, id).await?;
    let file = files::find_any(&mut db, id).await?;
    drop(db);
    if let Some(language) = found.as_ref().and_then(|(_, language)| Language::from_code(language.as_deref()?)) {
        frame.language = language;
    }
    match (found, file) {
        (Some((link, _)), Some(file)) if link.opens(Ts::now()) => Ok(Ok((frame, file, link.expires_at))),
        (Some(_), Some(_)) => {
            let words = frame.text("download-gone");
            Ok(Err(visitors::apologise(&frame, StatusCode::GONE, "download-gone", words, None)?))
        }
        _ => Ok(Err(visitors::not_found(&frame)?)),
    }
}

/// The page. Programs that look at every link of a letter fetch nothing by it.
pub(super) async fn show(State(app): State<App>, Path(token): Path<String>, client: Client) -> Result<Response> {
    let (frame, file, until) = match open(&app, &token, &client).await? {
        Ok(found) => found,
        Err(response) => return Ok(response),
    };
    let mut response = render(&DownloadPage { frame: &frame, file, token, until })?;
    let headers = response.headers_mut();
    headers.insert("x-robots-tag", HeaderValue::from_static("noindex, nofollow"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    Ok(response.into_response())
}

/// The file.
pub(super) async fn fetch(State(app): State<App>, Path(token): Path<String>, client: Client, headers: HeaderMap) -> Result<Response> {
    let file = match open(&app, &token, &client).await? {
        Ok((_, file, _)) => file,
        Err(response) => return Ok(response),
    };
    let mut db = app.db.acquire().await?;
    links::count(&mut db, file.id).await?;
    drop(db);
    let mut response = downloads::attachment(&app, &file, "private, no-store", &headers).await?;
    // To be kept, whatever it is.
    if let Some(shown) = response.headers().get(header::CONTENT_DISPOSITION).and_then(|value| value.to_str().ok())
        && let Ok(saved) = HeaderValue::from_str(&shown.replacen("inline;", "attachment;", 1))
    {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, saved);
    }
    Ok(response)
}
