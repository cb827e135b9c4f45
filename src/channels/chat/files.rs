//! Files of a chat, both ways.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::json;

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
use crate::http::{Path, Query, downloads};
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
    headers: HeaderMap,
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
    downloads::attachment(&app, &file, "private, max-age=3600", &headers).await.map_err(|error| {
        tracing::error!(%error, "a chat's file cannot be read");
        caller.refuse(Refusal::Failed)
    })
}
