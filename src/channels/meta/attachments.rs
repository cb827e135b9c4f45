//! What hangs on a private message: files to fetch, places, links, and what of it can only be told in words. Pure, but for fetching.

use serde_json::Value;

use crate::channels::meta::events::{add_line, list, text_of};
use crate::channels::wire::Way;
use crate::channels::wire::calls::UNKNOWN_TYPE;
use crate::channels::wire::reading::id_of;
use crate::desk::envelope::IncomingFile;
use crate::desk::networks::{Extras, Fault, Location, Media, MediaKind, Story};

/// The thumb of Messenger's own button, in its three sizes.
const THUMBS: &[&str] = &["369239263222822", "369239343222814", "369239383222810"];

/// The files of a message. Links and places go to its text and extras.
pub fn read(message: &Value, text: &mut String, extras: &mut Extras) -> Vec<Media> {
    let mut files: Vec<Media> = Vec::new();
    let attachments = list(&message["attachments"]);
    let has_sticker = attachments.iter().any(|one| one["type"].as_str() == Some("sticker"));
    for attachment in attachments {
        let payload = &attachment["payload"];
        let kind = attachment["type"].as_str().unwrap_or_default();
        let sticker = id_of(&payload["sticker_id"]).or_else(|| id_of(&message["sticker_id"]));
        if kind == "image" && sticker.is_some() && has_sticker {
            // Until August 2026 every sticker came as a picture as well.
            continue;
        }
        if sticker.as_deref().is_some_and(|id| THUMBS.contains(&id)) && matches!(kind, "image" | "sticker") {
            add_line(text, "👍");
            continue;
        }
        let url =
            ["url", "story_media_url", "media_url"].iter().find_map(|key| text_of(payload, key)).or_else(|| text_of(attachment, "url"));
        let title = text_of(payload, "title").or_else(|| text_of(attachment, "title"));
        let mut fetch = |kind: MediaKind| match url {
            Some(url) => files.push(Media { kind, source: url.to_owned(), name: None, media_type: None }),
            None => extras.missing.push(format!("{} came without an address.", kind.label())),
        };
        match kind {
            "image" if sticker.is_some() => fetch(MediaKind::Sticker),
            "image" => fetch(MediaKind::Picture),
            "sticker" => fetch(MediaKind::Sticker),
            "video" => fetch(MediaKind::Video),
            "audio" => fetch(MediaKind::Voice),
            "file" => fetch(MediaKind::File),
            "location" => extras.location = location(attachment).or_else(|| extras.location.take()),
            "fallback" => {
                add_line(text, title.unwrap_or_default());
                add_line(text, url.unwrap_or_default());
            }
            "template" => template(payload, text),
            "story_mention" => {
                let url = url.unwrap_or_default().to_owned();
                files.extend(story(&url));
                extras.story = Some(Story { mention: true, url });
            }
            "reel" | "ig_reel" => {
                add_line(text, title.unwrap_or_default());
                fetch(MediaKind::Video);
            }
            "post" | "ig_post" | "share" | "ig_story" => {
                add_line(text, title.unwrap_or_default());
                fetch(MediaKind::Picture);
            }
            other => {
                add_line(text, title.unwrap_or_default());
                add_line(text, url.unwrap_or_default());
                extras.unsupported = Some(if other.is_empty() { "attachment".to_owned() } else { other.to_owned() });
            }
        }
    }
    files
}

/// A story, while it is there.
pub fn story(url: &str) -> Option<Media> {
    (!url.is_empty()).then(|| Media { kind: MediaKind::Picture, source: url.to_owned(), name: Some("story".to_owned()), media_type: None })
}

fn location(attachment: &Value) -> Option<Location> {
    let place = &attachment["payload"]["coordinates"];
    let number = |key: &str| place[key].as_f64().or_else(|| place[key].as_str()?.parse().ok());
    let name = text_of(attachment, "title").unwrap_or_default().to_owned();
    Some(Location { latitude: number("lat")?, longitude: number("long")?, name, address: String::new() })
}

/// The words on a card or beside buttons: other apps send them, and shops share their products so.
fn template(payload: &Value, text: &mut String) {
    add_line(text, text_of(payload, "text").unwrap_or_default());
    let elements = list(&payload["elements"]).into_iter().chain(list(&payload["product"]["elements"]));
    for element in elements.take(20) {
        for key in ["title", "subtitle", "item_url", "url"] {
            add_line(text, text_of(element, key).unwrap_or_default());
        }
    }
    for button in list(&payload["buttons"]).into_iter().take(20) {
        add_line(text, &text_of(button, "title").map(|title| format!("[{title}]")).unwrap_or_default());
    }
}

/// Fetches a file while Meta gives it out.
pub async fn fetch(way: &Way<'_>, media: &Media) -> Result<IncomingFile, Fault> {
    let fetched = way.calls.fetch(&media.source, |request| request).await.map_err(|fault| match fault {
        Fault::Permanent(words) if words.contains("answered 4") => {
            Fault::Permanent("Meta does not give it out any more; its addresses last a short while.".to_owned())
        }
        other => other,
    })?;
    let media_type = fetched.media_type.as_deref().and_then(|kind| kind.split(';').next()).map(|kind| kind.trim().to_lowercase());
    if media_type.as_deref() == Some("text/html") && media.kind != MediaKind::File {
        return Err(Fault::Permanent(format!("It is a page of Meta’s: {}", media.source)));
    }
    let known = media_type.filter(|kind| kind != UNKNOWN_TYPE && kind != "binary/octet-stream");
    let named = name_in(&media.source).filter(|_| media.name.is_none());
    let media_type = known
        .or_else(|| mime_guess::from_path(named.as_deref().unwrap_or_default()).first_raw().map(str::to_owned))
        .unwrap_or_else(|| UNKNOWN_TYPE.to_owned());
    let name = named.unwrap_or_else(|| {
        let base = media.name.as_deref().unwrap_or(match media.kind {
            MediaKind::Picture => "picture",
            MediaKind::Video => "video",
            MediaKind::Voice => "voice",
            MediaKind::Sticker => "sticker",
            MediaKind::File => "file",
        });
        format!("{base}{}", ending(&media_type))
    });
    Ok(fetched.into_file(name, Some(media_type)))
}

/// The file's name as its address has it, where it has one with an ending.
fn name_in(url: &str) -> Option<String> {
    let url = url::Url::parse(url).ok()?;
    let last = url.path_segments()?.next_back()?;
    let name = url::form_urlencoded::parse(format!("n={last}").as_bytes()).next()?.1.into_owned();
    let (stem, ending) = name.rsplit_once('.')?;
    let plausible = !stem.is_empty() && (2..=5).contains(&ending.len()) && ending.chars().all(|c| c.is_ascii_alphanumeric());
    (plausible && name.chars().count() <= 200).then_some(name)
}

fn ending(media_type: &str) -> &'static str {
    match media_type {
        "image/jpeg" => ".jpg",
        "image/png" => ".png",
        "image/gif" => ".gif",
        "image/webp" => ".webp",
        "video/mp4" => ".mp4",
        "audio/mp4" | "audio/x-m4a" | "audio/aac" => ".m4a",
        "audio/mpeg" => ".mp3",
        "audio/ogg" => ".ogg",
        "audio/wav" | "audio/x-wav" => ".wav",
        "application/pdf" => ".pdf",
        _ => "",
    }
}
