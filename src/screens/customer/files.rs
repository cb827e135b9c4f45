//! The files of the customer's own conversation.

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;

use crate::app::App;
use crate::clock::Ts;
use crate::desk::files;
use crate::desk::links;
use crate::desk::tickets::follow;
use crate::http::client::Client;
use crate::http::{Error, Path, Result, downloads};
use crate::ids::AttachmentId;
use crate::screens::customer::{Held, gone};

/// A file: a picture in place, anything else as a download. Whatever it is, it runs nothing.
pub(super) async fn show(
    State(app): State<App>,
    Path((token, id)): Path<(String, AttachmentId)>,
    client: Client,
    headers: HeaderMap,
) -> Result<Response> {
    let Some(held) = Held::find(&app, token, "", &client).await? else { return gone(&app, &client).await };
    let mut db = app.db.acquire().await?;
    let file = files::find(&mut db, held.ticket.id, id).await?.ok_or(Error::NotFound)?;
    // A note's files are as internal as the note.
    if !follow::may_see(&mut db, file.message, app.config.mail.undo_seconds, Ts::now()).await? {
        return Err(Error::NotFound);
    }
    // What its link no longer opens is not here either.
    if !links::revoked(&mut db, std::slice::from_ref(&file)).await?.is_empty() {
        return Err(Error::NotFound);
    }
    drop(db);
    Ok(downloads::attachment(&app, &file, "private, max-age=3600", &headers).await?)
}
