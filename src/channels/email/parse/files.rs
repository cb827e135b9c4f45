//! What came with a message.

use std::collections::HashSet;

use mail_parser::{Message, MessagePart, MimeHeaders as _, PartType};

use super::headers::clean_line;
use super::{Headers, protection, tnef};
use crate::desk::envelope::IncomingFile;
use crate::text::html::cids;

/// Longest file name kept, in characters.
const MAX_NAME: usize = 200;

/// Endings for what often comes without a name; the first a general table knows is often an odd one.
const ENDINGS: [(&str, &str); 13] = [
    ("image/jpeg", "jpg"),
    ("image/jpg", "jpg"),
    ("image/png", "png"),
    ("image/gif", "gif"),
    ("image/tiff", "tiff"),
    ("text/plain", "txt"),
    ("text/html", "html"),
    ("text/calendar", "ics"),
    ("message/rfc822", "eml"),
    ("message/delivery-status", "txt"),
    ("message/disposition-notification", "txt"),
    ("text/rfc822-headers", "txt"),
    ("application/octet-stream", "bin"),
];

/// The attachments and the pictures in the text, in the message's order.
pub fn files(message: &Message<'_>, html: Option<&str>) -> Vec<IncomingFile> {
    let shown = html.map(cids).unwrap_or_default();
    message
        .attachments()
        .filter(|part| !protection::is_seal(part))
        .flat_map(|part| unboxed(part, &shown).unwrap_or_else(|| vec![file(message, part, &shown)]))
        .collect()
}

/// Whether this is the box in which Outlook wraps what it attaches.
pub fn is_box(part: &MessagePart<'_>) -> bool {
    ["ms-tnef", "vnd.ms-tnef"].iter().any(|kind| part.is_content_type("application", kind))
        || part.attachment_name().is_some_and(|name| name.eq_ignore_ascii_case("winmail.dat"))
}

/// What is in a box; none where it is none, or empty.
fn unboxed(part: &MessagePart<'_>, shown: &HashSet<String>) -> Option<Vec<IncomingFile>> {
    let boxed = is_box(part).then(|| tnef::unpack(part.contents())).flatten()?;
    let files: Vec<IncomingFile> = boxed
        .files
        .into_iter()
        .map(|file| {
            let name = Some(safe(&file.name)).filter(|name| !name.is_empty()).unwrap_or_else(|| "attachment.bin".to_owned());
            let declared = Some(file.media_type.to_ascii_lowercase())
                .filter(|kind| kind.split_once('/').is_some_and(|(main, sub)| is_token(main) && is_token(sub)));
            let media_type = declared.unwrap_or_else(|| mime_guess::from_path(&name).first_or_octet_stream().essence_str().to_owned());
            let content_id = Some(clean_line(file.content_id.trim_matches(['<', '>']), 200)).filter(|id| !id.is_empty());
            IncomingFile {
                inline: content_id.as_ref().is_some_and(|id| shown.contains(id)),
                name,
                media_type,
                bytes: file.bytes,
                content_id,
            }
        })
        .collect();
    (!files.is_empty()).then_some(files)
}

fn file(message: &Message<'_>, part: &MessagePart<'_>, shown: &HashSet<String>) -> IncomingFile {
    let media_type = media_type(part);
    let content_id = part.content_id().map(|id| id.trim_matches(['<', '>', ' ']).replace('\0', "")).filter(|id| !id.is_empty());
    IncomingFile {
        name: name(part, &media_type),
        inline: content_id.as_ref().is_some_and(|id| shown.contains(id)),
        bytes: bytes(message, part),
        media_type,
        content_id,
    }
}

fn bytes(message: &Message<'_>, part: &MessagePart<'_>) -> Vec<u8> {
    match &part.body {
        // A message that was not encoded lies open in the one around it, an encoded one has bytes of its own.
        PartType::Message(inner) => {
            let own = inner.parts.first().map(|root| root.offset_header as usize..root.offset_end as usize);
            own.and_then(|range| inner.raw_message.get(range)).unwrap_or_default().to_vec()
        }
        PartType::Text(_) if part.encoding == mail_parser::Encoding::None => {
            let range = part.offset_body as usize..part.offset_end as usize;
            message.raw_message.get(range).unwrap_or_else(|| part.contents()).to_vec()
        }
        _ => part.contents().to_vec(),
    }
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.len() <= 100 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
}

/// `type/subtype` in lower case.
fn media_type(part: &MessagePart<'_>) -> String {
    if matches!(part.body, PartType::Message(_)) {
        return "message/rfc822".to_owned();
    }
    let declared = part.content_type().and_then(|kind| Some((kind.ctype(), kind.subtype()?)));
    match declared.filter(|(kind, subtype)| is_token(kind) && is_token(subtype)) {
        Some((kind, subtype)) => format!("{kind}/{subtype}").to_ascii_lowercase(),
        None if matches!(part.body, PartType::Text(_)) => "text/plain".to_owned(),
        None => "application/octet-stream".to_owned(),
    }
}

fn name(part: &MessagePart<'_>, media_type: &str) -> String {
    let given = part.attachment_name().map(safe).filter(|name| !name.is_empty());
    given.unwrap_or_else(|| {
        let subject = match &part.body {
            PartType::Message(inner) => safe(&Headers::of(inner).subject().replace(['/', '\\'], "-")),
            _ => String::new(),
        };
        let stem = match (subject.as_str(), media_type.split('/').next()) {
            ("", Some("image")) => "image",
            ("", Some("message")) => "message",
            ("", _) => "attachment",
            (subject, _) => subject,
        };
        format!("{stem}.{}", ending(media_type))
    })
}

fn ending(media_type: &str) -> &'static str {
    let known = ENDINGS.iter().find(|(kind, _)| *kind == media_type).map(|&(_, ending)| ending);
    let general = || mime_guess::get_mime_extensions_str(media_type).and_then(|endings| endings.first().copied());
    known.or_else(general).unwrap_or("bin")
}

/// A name that can be a file's: its last path component, nothing invisible, no dots at its ends, its ending kept when it is cut.
fn safe(name: &str) -> String {
    let name = clean_line(name.rsplit(['/', '\\']).next().unwrap_or_default(), usize::MAX);
    let name = name.trim_matches(['.', ' ', '"']);
    let length = name.chars().count();
    if length <= MAX_NAME {
        return name.to_owned();
    }
    let ending = name.rsplit_once('.').map(|(_, ending)| format!(".{ending}")).filter(|ending| ending.len() <= 10).unwrap_or_default();
    let stem: String = name.chars().take(MAX_NAME - ending.chars().count()).collect();
    format!("{stem}{ending}")
}
