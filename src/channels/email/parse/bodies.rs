//! The words of a message, from whichever parts hold them.

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::{Encoding, Message, MessagePart, MimeHeaders as _, PartType};

use super::{clean_text, headers};
use crate::text::html as markup;

/// The plain text: that of the text parts, else that of the HTML.
pub fn text(message: &Message<'_>) -> String {
    let texts = message.text_bodies().filter_map(|part| match &part.body {
        PartType::Text(_) if is_flowed(part) => Some(unflow(&clean_text(&words(message, part)), deletes_spaces(part))),
        PartType::Text(_) => Some(clean_text(&words(message, part)).into_owned()),
        PartType::Html(_) => Some(markup::to_text(&clean_text(&words(message, part)))),
        _ => None,
    });
    let texts: Vec<String> = texts.map(|text| text.trim_end().to_owned()).filter(|text| !text.is_empty()).collect();
    texts.join("\n\n")
}

/// The sanitised HTML, when the message has any.
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
    (!html.trim().is_empty()).then_some(html)
}

/// What text looks like that was decoded by the wrong charset: gaps, or UTF-8 taken for Latin-1.
const MOJIBAKE: [char; 5] = ['\u{fffd}', 'Ã', 'Â', 'â', 'ã'];

/// A part's text. Where the declared charset gives nonsense the bytes are asked what they are themselves.
fn words(message: &Message<'_>, part: &MessagePart<'_>) -> String {
    let (PartType::Text(declared) | PartType::Html(declared)) = &part.body else {
        return String::new();
    };
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
