//! The files of the customer's own conversation.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, header};
use tokio_util::io::ReaderStream;

use crate::app::App;
use crate::clock::Ts;
use crate::desk::files;
use crate::desk::tickets::follow;
use crate::http::client::Client;
use crate::http::{Error, Path, Result};
use crate::ids::AttachmentId;
use crate::screens::customer::{Held, gone};

/// A file: a picture in place, anything else as a download. Whatever it is, it runs nothing.
pub(super) async fn show(State(app): State<App>, Path((token, id)): Path<(String, AttachmentId)>, client: Client) -> Result<Response> {
    let Some(held) = Held::find(&app, token, "", &client).await? else { return gone(&app, &client).await };
    let mut db = app.db.acquire().await?;
    let file = files::find(&mut db, held.ticket.id, id).await?.ok_or(Error::NotFound)?;
    // A note's files are as internal as the note.
    if !follow::may_see(&mut db, file.message, app.config.mail.undo_seconds, Ts::now()).await? {
        return Err(Error::NotFound);
    }
    drop(db);
    let content = app.blobs.open(&file.sha256).await?;
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
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned());
    set(header::CACHE_CONTROL, "private, max-age=3600".to_owned());
    set(header::HeaderName::from_static("x-robots-tag"), "noindex".to_owned());
    Ok(response)
}
