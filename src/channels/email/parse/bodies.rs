//! The words of a message, from whichever parts hold them.

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::{Encoding, Message, MessagePart, MimeHeaders as _, PartType};

use super::{clean_text, files, headers, tnef};
use crate::text::html as markup;

/// The longest text taken from a message without structure, in bytes.
const MAX_LOST: usize = 256 * 1024;

/// The plain text: that of the text parts, else that of the HTML, else what a box of Outlook's holds.
pub fn text(message: &Message<'_>) -> String {
    let own = joined(message.text_bodies().map(|part| words_of(message, part)));
    if !own.is_empty() {
        return own;
    }
    // An empty text beside an HTML part that says something.
    let formatted = joined(message.html_bodies().map(|part| words_of(message, part)));
    if !formatted.is_empty() {
        return formatted;
    }
    if let Some(lost) = without_boundary(message) {
        return lost;
    }
    let boxed = message.attachments().filter(|part| files::is_box(part)).find_map(|part| tnef::unpack(part.contents()));
    boxed.map(|boxed| clean_text(&boxed.text).trim_end().to_owned()).unwrap_or_default()
}

/// What a message says that calls itself one of several parts and separates none.
fn without_boundary(message: &Message<'_>) -> Option<String> {
    let [root] = &message.parts[..] else { return None };
    root.content_type().filter(|kind| kind.ctype().eq_ignore_ascii_case("multipart"))?;
    let raw = message.raw_message.get(root.offset_body as usize..root.offset_end as usize)?;
    let text = clean_text(&headers::decoded(&raw[..raw.len().min(MAX_LOST)])).trim_end().to_owned();
    (!text.trim().is_empty()).then_some(text)
}

fn words_of(message: &Message<'_>, part: &MessagePart<'_>) -> String {
    match &part.body {
        PartType::Text(_) if part.is_content_type("text", "calendar") => String::new(),
        PartType::Text(_) if is_flowed(part) => unflow(&clean_text(&words(message, part)), deletes_spaces(part)),
        PartType::Text(_) => clean_text(&words(message, part)).into_owned(),
        PartType::Html(_) => markup::to_text(&clean_text(&words(message, part))),
        _ => String::new(),
    }
}

fn joined(texts: impl Iterator<Item = String>) -> String {
    let texts: Vec<String> = texts.map(|text| text.trim_end().to_owned()).filter(|text| !text.trim().is_empty()).collect();
    texts.join("\n\n")
}

/// The sanitised HTML, when the message has any that says or shows something.
pub fn html(message: &Message<'_>) -> Option<String> {
    let parts: Vec<&MessagePart<'_>> = message.html_bodies().collect();
    if !parts.iter().any(|part| matches!(part.body, PartType::Html(_))) {
        return None;
    }
    let pieces = parts.into_iter().filter_map(|part| match &part.body {
        PartType::Html(_) => Some(markup::sanitise(&clean_text(&words(message, part)))),
        PartType::Text(_) => Some(markup::from_text(&clean_text(&words(message, part)))),
        _ => None,
    });
    let html: String = pieces.collect();
    markup::says_something(&html).then_some(html)
}

/// The words above the history, where the only HTML part marks that; see [`markup::words_above`].
pub fn words_above(message: &Message<'_>) -> Option<String> {
    let mut parts = message.html_bodies();
    let part = parts.next().filter(|part| matches!(part.body, PartType::Html(_)))?;
    if parts.next().is_some() {
        return None;
    }
    markup::words_above(&clean_text(&words(message, part)))
}

/// What text looks like that was decoded by the wrong charset: gaps, or UTF-8 taken for Latin-1.
const MOJIBAKE: [char; 5] = ['\u{fffd}', 'Ã', 'Â', 'â', 'ã'];

/// A part's text. Where the declared charset gives nonsense the bytes are asked what they are themselves.
fn words(message: &Message<'_>, part: &MessagePart<'_>) -> String {
    let (PartType::Text(declared) | PartType::Html(declared)) = &part.body else {
        return String::new();
    };
    if part.is_encoding_problem
        && part.encoding == Encoding::None
        && part.content_transfer_encoding().is_some_and(|encoding| encoding.eq_ignore_ascii_case("base64"))
        && let Some(mended) = mended_base64(message, part)
    {
        return mended;
    }
    if !declared.contains(MOJIBAKE) {
        return declared.as_ref().to_owned();
    }
    let range = part.offset_body as usize..part.offset_end as usize;
    let raw = message.raw_message.get(range).unwrap_or_default();
    let bytes = match part.encoding {
        Encoding::None => Some(raw.to_vec()),
        Encoding::QuotedPrintable => quoted_printable_decode(raw),
        Encoding::Base64 => base64_decode(raw),
    };
    // ASCII bytes that decode to anything else are an encoding such as UTF-7.
    let plausible = |bytes: &Vec<u8>| !bytes.is_ascii() && (declared.contains('\u{fffd}') || std::str::from_utf8(bytes).is_ok());
    match bytes.filter(plausible) {
        Some(bytes) => headers::decoded(&bytes),
        None => declared.as_ref().to_owned(),
    }
}

/// Text in base64 with strange characters among it, decoded without them, if that gives text.
fn mended_base64(message: &Message<'_>, part: &MessagePart<'_>) -> Option<String> {
    let raw = message.raw_message.get(part.offset_body as usize..part.offset_end as usize)?;
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let letters: Vec<u8> = raw.iter().copied().filter(plain).collect();
    let whole = &letters[..letters.len() - letters.len() % 4];
    let text = base64_decode(whole).and_then(|bytes| String::from_utf8(bytes).ok())?;
    (letters.len() * 10 > raw.len() * 8 && !text.contains(|c: char| c.is_control() && !matches!(c, '\r' | '\n' | '\t'))).then_some(text)
}

fn has_parameter(part: &MessagePart<'_>, name: &str, value: &str) -> bool {
    part.content_type().and_then(|kind| kind.attribute(name)).is_some_and(|set| set.eq_ignore_ascii_case(value))
}

fn is_flowed(part: &MessagePart<'_>) -> bool {
    has_parameter(part, "format", "flowed")
}

fn deletes_spaces(part: &MessagePart<'_>) -> bool {
    has_parameter(part, "delsp", "yes")
}

/// Joins the lines that a program wrapped (RFC 3676): those with a space at their end, where the next is quoted as deeply.
fn unflow(text: &str, delete_spaces: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut open: Option<usize> = None;
    for (index, line) in text.lines().enumerate() {
        let content = line.trim_start_matches('>');
        let depth = line.len() - content.len();
        let content = content.strip_prefix(' ').unwrap_or(content);
        let is_signature = content == "-- ";
        if open == Some(depth) && !is_signature {
            if delete_spaces {
                out.pop();
            }
        } else {
            if index > 0 {
                out.push('\n');
            }
            out.push_str(&line[..depth]);
            if depth > 0 {
                out.push(' ');
            }
        }
        out.push_str(content);
        open = (content.ends_with(' ') && !is_signature).then_some(depth);
    }
    out
}
