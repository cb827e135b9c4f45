//! What we say on X: direct messages and public answers, with their pictures.

use std::time::{Duration, Instant};

use http::Method;
use reqwest::Url;
use reqwest::multipart::{Form, Part as FormPart};
use serde_json::{Value, json};

use crate::channels::wire::reading::id_of;
use crate::channels::wire::{Receipt, Recipient, Way};
use crate::channels::x::api::Api;
use crate::desk::envelope::{IncomingFile, OutgoingFile};
use crate::desk::networks::abilities::Abilities;
use crate::desk::networks::parts::{NewPart, Part};
use crate::desk::networks::{Fault, Media};
use crate::desk::tickets::thread::Message;

/// A file that is larger goes up in pieces, as does every film and every GIF; in bytes.
const WHOLE: usize = 5 << 20;
/// One of these pieces, in bytes.
const PIECE: usize = 4 << 20;
/// How long a file may take until X can use it; an attempt to send has not much more in all.
const PATIENCE: Duration = Duration::from_secs(120);

/// A public answer is one post with all its files. A direct message takes one file: the first goes with the words.
pub fn plan(abilities: &Abilities, message: &Message, files: &[OutgoingFile]) -> Vec<NewPart> {
    let body = message.body.trim();
    if message.public {
        return vec![NewPart { body: body.to_owned(), file: (!files.is_empty()).then_some(0), ..NewPart::default() }];
    }
    let mut pieces = abilities.text.split(body).into_iter().filter(|piece| !piece.is_empty());
    let count = files.len().max(1);
    let mut parts: Vec<NewPart> = Vec::new();
    for index in 0..count {
        let file = i16::try_from(index).ok().filter(|_| index < files.len());
        let body = pieces.next().unwrap_or_default();
        if file.is_some() || !body.is_empty() {
            parts.push(NewPart { body, file, ..NewPart::default() });
        }
    }
    parts.extend(pieces.map(|body| NewPart { body, ..NewPart::default() }));
    parts
}

/// Sends one part.
pub async fn send(way: &Way<'_>, to: &Recipient, part: &Part, files: &[OutgoingFile]) -> Result<Receipt, Fault> {
    let api = Api::new(way);
    if to.public { answer(&api, to, part, files).await } else { write(&api, to, part, files).await }
}

async fn write(api: &Api<'_>, to: &Recipient, part: &Part, files: &[OutgoingFile]) -> Result<Receipt, Fault> {
    let path = match to.conversation.split_once(':') {
        Some(("dm", customer)) => format!("/2/dm_conversations/with/{customer}/messages"),
        Some(("group", id)) => format!("/2/dm_conversations/{id}/messages"),
        _ => return Err(Fault::Permanent("The conversation is not known any more.".to_owned())),
    };
    let mut body = json!({});
    if !part.body.is_empty() {
        body["text"] = json!(part.body);
    }
    if let Some(file) = part.file.and_then(|index| files.get(usize::try_from(index).ok()?)) {
        body["attachments"] = json!([{ "media_id": upload(api, file, "dm").await? }]);
    }
    let sent = api.once(&path, &body).await?;
    receipt(&sent["data"]["dm_event_id"])
}

/// Under the customer's newest post that calls us, else under the one that the conversation is about.
async fn answer(api: &Api<'_>, to: &Recipient, part: &Part, files: &[OutgoingFile]) -> Result<Receipt, Fault> {
    let about = to.conversation.strip_prefix("post:").and_then(|rest| rest.split(':').next());
    let target = to.reply_to.as_deref().or(to.newest.as_deref()).or(about);
    let target = target.ok_or_else(|| Fault::Permanent("There is nothing left to answer.".to_owned()))?;
    let mut body = json!({ "reply": { "in_reply_to_tweet_id": target } });
    if !part.body.is_empty() {
        body["text"] = json!(part.body);
    }
    if part.file.is_some() {
        let moving = files.iter().filter(|file| file.media_type == "image/gif" || file.media_type.starts_with("video/")).count();
        if moving > 1 || (moving == 1 && files.len() > 1) {
            return Err(Fault::Permanent("A post on X takes up to four pictures, or one GIF, or one film.".to_owned()));
        }
        let mut ids = Vec::new();
        for file in files {
            ids.push(upload(api, file, "tweet").await?);
        }
        body["media"] = json!({ "media_ids": ids });
    }
    let sent = api.once("/2/tweets", &body).await?;
    receipt(&sent["data"]["id"])
}

fn receipt(id: &Value) -> Result<Receipt, Fault> {
    let unsure = || Fault::Unsure("X did not say under which id it took this.".to_owned());
    id_of(id).map(Receipt::of).ok_or_else(unsure)
}

/// Hands a file over; answers with the id under which it goes along. `place`: `dm` or `tweet`.
async fn upload(api: &Api<'_>, file: &OutgoingFile, place: &str) -> Result<String, Fault> {
    let kind = match &*file.media_type {
        "image/gif" => "gif",
        film if film.starts_with("video/") => "video",
        _ => "image",
    };
    let until = Instant::now() + PATIENCE;
    let category = format!("{place}_{kind}");
    let unknown = || Fault::Later { words: "X took the file, but gave it no id.".to_owned(), after: None };
    if kind == "image" && file.bytes.len() <= WHOLE {
        let form = || Form::new().text("media_category", category.clone()).part("media", piece(file, &file.bytes));
        let taken = api.upload("/2/media/upload", form).await?;
        return id_of(&taken["data"]["id"]).ok_or_else(unknown);
    }
    let begin = json!({ "media_type": file.media_type, "total_bytes": file.bytes.len(), "media_category": category });
    let begun = api.again(Method::POST, "/2/media/upload/initialize", &begin).await?;
    let id = id_of(&begun["data"]["id"]).ok_or_else(unknown)?;
    for (index, bytes) in file.bytes.chunks(PIECE).enumerate() {
        let form = || Form::new().text("segment_index", index.to_string()).part("media", piece(file, bytes));
        api.upload(&format!("/2/media/upload/{id}/append"), form).await?;
    }
    let mut done = api.again(Method::POST, &format!("/2/media/upload/{id}/finalize"), &Value::Null).await?;
    loop {
        let processing = &done["data"]["processing_info"];
        match processing["state"].as_str() {
            None | Some("succeeded") => return Ok(id),
            Some("failed") => {
                let why = processing["error"]["message"].as_str().unwrap_or("no reason given");
                return Err(Fault::Permanent(format!("X cannot use “{}”: {why}.", file.name)));
            }
            Some(_) => {}
        }
        let wait = Duration::from_secs(processing["check_after_secs"].as_u64().unwrap_or(1).clamp(1, 10));
        if Instant::now() + wait > until {
            return Err(Fault::Later { words: format!("X is still working on “{}”.", file.name), after: None });
        }
        tokio::time::sleep(wait).await;
        done = api.get("/2/media/upload", &[("command", "STATUS"), ("media_id", &id)]).await?;
    }
}

fn piece(file: &OutgoingFile, bytes: &[u8]) -> FormPart {
    let part = FormPart::bytes(bytes.to_vec()).file_name("media");
    // One that is no media type goes without.
    part.mime_str(&file.media_type).unwrap_or_else(|_| FormPart::bytes(bytes.to_vec()).file_name("media"))
}

/// Takes one of our own posts back.
pub async fn delete(way: &Way<'_>, post: &str) -> Result<(), Fault> {
    Api::new(way).again(Method::DELETE, &format!("/2/tweets/{post}"), &Value::Null).await.map(drop)
}

/// Fetches a file of a message. Those of direct messages lie behind the account's sign-in.
pub async fn fetch(way: &Way<'_>, media: &Media) -> Result<IncomingFile, Fault> {
    let fetched = match direct_path(&media.source) {
        Some(path) => Api::new(way).file(&path).await?,
        None => way.calls.fetch(&media.source, |request| request).await?,
    };
    let media_type = fetched.media_type.clone().or_else(|| media.media_type.clone());
    Ok(fetched.into_file(media.name.clone().unwrap_or_else(|| "file".to_owned()), media_type))
}

/// `https://ton.twitter.com/1.1/ton/data/dm/{message}/{media}/{file}` is where the older API says that a file of a direct message is; this is
/// where the newer one gives it out.
fn direct_path(source: &str) -> Option<String> {
    let url = Url::parse(source).ok()?;
    let segments: Vec<&str> = url.path_segments()?.collect();
    let at = segments.iter().position(|segment| *segment == "dm")?;
    let [message, media, file] = segments.get(at + 1..)? else { return None };
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let before = at.checked_sub(1).and_then(|index| segments.get(index));
    (before == Some(&"data") && number(message) && number(media) && !file.is_empty() && *file != "..")
        .then(|| format!("/2/dm_conversations/media/{message}/{media}/{file}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_direct_messages_are_asked_for_with_the_sign_in() {
        assert_eq!(
            direct_path("https://ton.twitter.com/1.1/ton/data/dm/1/2/x.jpg").as_deref(),
            Some("/2/dm_conversations/media/1/2/x.jpg")
        );
        for source in [
            "https://pbs.twimg.com/media/a.jpg",
            "https://ton.twitter.com/data/dm/1/../x.jpg",
            "https://video.twimg.com/dm_video/1/a.mp4",
            "no",
        ] {
            assert_eq!(direct_path(source), None, "{source}");
        }
    }
}
