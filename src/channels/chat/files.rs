//! Files of a chat, both ways.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::json;
use tokio_util::io::ReaderStream;

use crate::app::App;
use crate::channels::chat::caller::{Caller, Refusal, Refused};
use crate::channels::chat::say::{self, Either};
use crate::channels::chat::views;
use crate::desk::changes::Change;
use crate::desk::chats;
use crate::desk::files::{self, MAX_FILES, StoredFile};
use crate::desk::visitors;
use crate::http::multipart::Parts;
use crate::http::visitors::limits::Limit;
use crate::http::{Path, Query};
use crate::ids::{AttachmentId, VisitorId};

/// Keeps a file until its message comes. The first may come before the first word, and brings the token.
pub async fn upload(State(app): State<App>, caller: Caller, parts: Parts) -> Result<Response, Refused> {
    caller.limit(&app, Limit::Marks)?;
    if caller.visitor.as_ref().is_some_and(|visitor| visitor.blocked) {
        return Err(caller.refuse(Refusal::Blocked));
    }
    if !parts.refused.is_empty() {
        return Err(caller.refuse(Refusal::TooLarge));
    }
    let file = parts.files.first().ok_or_else(|| caller.refuse(Refusal::Invalid("files")))?;
    let stored = StoredFile::store(&app, file).await.map_err(|error| {
        tracing::error!(%error, "a visitor's file could not be stored");
        caller.refuse(Refusal::Failed)
    })?;
    let kept = async {
        let mut change = Change::begin(&app).await?;
        let (visitor, token) = match &caller.visitor {
            Some(visitor) => (visitor.id, None),
            None => say::new_visitor(&mut change, &caller, None).await.map(|(visitor, token)| (visitor.id, Some(token)))?,
        };
        let limit = i64::try_from(2 * MAX_FILES).unwrap_or(i64::MAX);
        let upload = visitors::add_upload(&mut change, visitor, &stored, limit).await?.ok_or(Either::Refused(Refusal::TooMany(60)))?;
        change.commit().await?;
        Ok::<_, Either>((upload, token))
    };
    let (upload, token) = kept.await.map_err(|error| match error {
        Either::Refused(refusal) => caller.refuse(refusal),
        Either::Database(error) => caller.failed(error),
    })?;
    let mut body = json!({ "id": upload.id, "name": upload.name, "size": upload.size, "type": upload.media_type });
    if let Some(token) = token {
        body["token"] = json!(token);
    }
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

#[derive(Debug, Deserialize)]
pub struct Signed {
    v: i64,
    e: i64,
    s: String,
}

/// A file: a picture in place, anything else as a download. Whatever it is, it runs nothing. Its address is signed for one visitor.
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    Path((_, id)): Path<(String, AttachmentId)>,
    Query(signed): Query<Signed>,
) -> Result<Response, Refused> {
    let visitor = VisitorId(signed.v);
    if !views::may_open(&app.keys, visitor, id, signed.e, &signed.s) {
        return Err(caller.refuse(Refusal::NotFound));
    }
    let find = async {
        let mut db = app.db.acquire().await?;
        let file = files::find_any(&mut db, id).await?.ok_or(sqlx::Error::RowNotFound)?;
        let chat = chats::find(&mut db, file.ticket).await?.filter(|chat| chat.visitor_id == visitor);
        chat.map(|_| file).ok_or(sqlx::Error::RowNotFound)
    };
    let file = find.await.map_err(|error| caller.failed(error))?;
    let content = app.blobs.open(&file.sha256).await.map_err(|error| {
        tracing::error!(%error, "a chat's file cannot be read");
        caller.refuse(Refusal::Failed)
    })?;
    let (media_type, disposition) = match file.is_picture() {
        true => (&*file.media_type, "inline"),
        false => ("application/octet-stream", "attachment"),
    };
    let name: String = url::form_urlencoded::byte_serialize(file.name.as_bytes()).collect::<String>().replace('+', "%20");
    let mut response = Body::from_stream(ReaderStream::new(content)).into_response();
    let headers = response.headers_mut();
    let mut set = |name, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    };
    set(header::CONTENT_TYPE, media_type.to_owned());
    set(header::CONTENT_LENGTH, file.size.to_string());
    set(header::CONTENT_DISPOSITION, format!("{disposition}; filename*=UTF-8''{name}"));
    set(header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox; frame-ancestors 'none'".to_owned());
    set(header::CACHE_CONTROL, "private, max-age=3600".to_owned());
    set(header::HeaderName::from_static("x-robots-tag"), "noindex".to_owned());
    Ok(response)
}
