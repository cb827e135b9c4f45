//! Letters to customers, as bytes for SMTP: text and HTML side by side, with the history quoted below.

use std::time::{Duration, SystemTime};

use lettre::Message;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};

use crate::clock::Ts;
use crate::desk::envelope::{Address, Outgoing, OutgoingFile, Quoted};
use crate::text::html::{escape, from_text};

/// References written at most: the beginning of the thread and its newest part.
const MAX_REFERENCES: usize = 30;
const FIRST_REFERENCES: usize = 2;

/// Longest name and subject written, in characters.
const MAX_LINE: usize = 300;

const FONTS: &str = "-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif";

/// How the shop shows itself in its letters.
#[derive(Debug, Clone)]
pub struct Brand {
    pub shop_name: String,
    /// `#rgb` or `#rrggbb`; anything else is left out.
    pub accent: String,
}

/// Why a letter cannot be written. None of these goes away by trying again.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("the letter has no recipient")]
    NoRecipient,
    #[error("{0:?} is not an address that mail can be sent to")]
    Address(String),
    #[error("the letter could not be put together")]
    Assembly(#[from] lettre::error::Error),
}

/// Writes the letter as RFC 5322 bytes with CRLF line ends, ready to be signed and sent.
pub fn build(out: &Outgoing, brand: &Brand) -> Result<Vec<u8>, BuildError> {
    if out.to.is_empty() && out.cc.is_empty() {
        return Err(BuildError::NoRecipient);
    }
    let mut letter = Message::builder()
        .message_id(Some(format!("<{}>", id(&out.provider_id))))
        .date(date(out.date))
        .from(mailbox(&out.from)?)
        .subject(line(&out.subject));
    if !out.reply_to.address.is_empty() {
        letter = letter.reply_to(mailbox(&out.reply_to)?);
    }
    for to in &out.to {
        letter = letter.to(mailbox(to)?);
    }
    for cc in &out.cc {
        letter = letter.cc(mailbox(cc)?);
    }
    if let Some(answered) = out.in_reply_to.as_deref().map(id).filter(|id| !id.is_empty()) {
        letter = letter.in_reply_to(format!("<{answered}>"));
    }
    let references = references(&out.references);
    if !references.is_empty() {
        letter = letter.references(references);
    }
    if out.automatic {
        for (name, value) in [("Auto-Submitted", "auto-replied"), ("X-Auto-Response-Suppress", "All")] {
            letter = letter.raw_header(HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned()));
        }
    }
    let words = MultiPart::alternative_plain_html(text_letter(out), html_letter(out, brand));
    let message = if out.files.is_empty() {
        letter.multipart(words)?
    } else {
        let parts = MultiPart::mixed().multipart(words);
        letter.multipart(out.files.iter().map(attachment).fold(parts, MultiPart::singlepart))?
    };
    Ok(message.formatted())
}

/// The addresses to name to the SMTP server, each once.
pub fn recipients(out: &Outgoing) -> Vec<&str> {
    let mut recipients: Vec<&str> = Vec::new();
    for Address { address, .. } in out.to.iter().chain(&out.cc) {
        if !recipients.iter().any(|known| known.eq_ignore_ascii_case(address)) {
            recipients.push(address);
        }
    }
    recipients
}

fn mailbox(address: &Address) -> Result<Mailbox, BuildError> {
    let parsed = address.address.trim().parse().map_err(|_| BuildError::Address(address.address.clone()))?;
    let name = line(&address.name);
    Ok(Mailbox::new((!name.is_empty()).then_some(name), parsed))
}

/// Text that stays on its line, whatever it holds: a line end would begin a header of its own. Single spaces, since others are
/// lost between encoded words.
fn line(text: &str) -> String {
    let visible: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_LINE).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A message id as it may stand in brackets.
fn id(id: &str) -> String {
    id.chars().filter(|c| c.is_ascii_graphic() && !matches!(c, '<' | '>')).collect()
}

fn references(ids: &[String]) -> String {
    let ids: Vec<String> = ids.iter().map(|reference| id(reference)).filter(|id| !id.is_empty()).map(|id| format!("<{id}>")).collect();
    let surplus = ids.len().saturating_sub(MAX_REFERENCES);
    let kept = ids.iter().take(FIRST_REFERENCES).chain(ids.iter().skip(FIRST_REFERENCES + surplus));
    kept.map(String::as_str).collect::<Vec<_>>().join(" ")
}

/// The moment as a header can say it: between 1970 and the year 9999.
fn date(at: Ts) -> SystemTime {
    const LAST: i64 = 253_402_300_799;
    let seconds = at.0.as_second().clamp(0, LAST);
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.unsigned_abs())
}

fn attachment(file: &OutgoingFile) -> SinglePart {
    // Composite types must not be encoded as a file is.
    let composite = ["multipart/", "message/"].iter().any(|kind| file.media_type.starts_with(kind));
    let media_type = if composite { "application/octet-stream" } else { &file.media_type };
    let content_type =
        ContentType::parse(media_type).or_else(|_| ContentType::parse("application/octet-stream")).unwrap_or(ContentType::TEXT_PLAIN);
    Attachment::new(line(&file.name)).body(file.bytes.clone(), content_type)
}

fn text_letter(out: &Outgoing) -> String {
    let mut text = out.body.trim_end().to_owned();
    text.push('\n');
    if let Some(quoted) = &out.quoted {
        text.push_str(&format!("\n{}\n", attribution(&out.language, quoted)));
        for line in quoted.text.trim_end().lines() {
            text.push_str(match line {
                "" => ">",
                line if line.starts_with('>') => ">",
                _ => "> ",
            });
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

/// Names who wrote the quoted words and when, such that [`crate::text::quotes`] knows it when it comes back.
fn attribution(language: &str, quoted: &Quoted) -> String {
    let author = line(&quoted.author);
    let on = |format: &str| quoted.at.0.strftime(format).to_string();
    match language {
        "it" => format!("Il giorno {} {author} ha scritto:", on("%d/%m/%Y")),
        "fr" => format!("Le {}, {author} a écrit :", on("%d/%m/%Y")),
        "de" => format!("Am {} schrieb {author}:", on("%d.%m.%Y")),
        "es" => format!("El {}, {author} escribió:", on("%d/%m/%Y")),
        _ => format!("On {}, {author} wrote:", on("%-d %B %Y")),
    }
}

/// The letter with its looks: styles inline, since mail programs drop all others, and neither text nor background
/// coloured, so that a dark screen may choose its own.
fn html_letter(out: &Outgoing, brand: &Brand) -> String {
    let language = escape(&line(&out.language));
    let body = styled(&from_text(&out.body));
    let quoted = out.quoted.as_ref().map(|quoted| quoted_block(&out.language, quoted)).unwrap_or_default();
    let shop = escape(&line(&brand.shop_name));
    let rule = if is_colour(&brand.accent) { &brand.accent } else { "#8a8f98" };
    format!(
        r#"<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>{shop}</title>
</head>
<body style="margin:0;padding:16px;">
<div style="max-width:640px;font-family:{FONTS};font-size:15px;line-height:1.5;">
{body}
<p style="margin:24px 0 0;padding:8px 0 0;border-top:2px solid {rule};font-size:13px;">{shop}</p>
{quoted}</div>
</body>
</html>
"#
    )
}

fn styled(paragraphs: &str) -> String {
    paragraphs.replace("<p>", r#"<p style="margin:0 0 14px;">"#)
}

fn quoted_block(language: &str, quoted: &Quoted) -> String {
    let attribution = escape(&attribution(language, quoted));
    let words = styled(&from_text(&quoted.text));
    format!(
        r#"<div style="margin:24px 0 0;font-size:13px;">
<p style="margin:0 0 8px;">{attribution}</p>
<blockquote type="cite" style="margin:0;padding:0 0 0 12px;border-left:2px solid #8a8f98;">
{words}
</blockquote>
</div>
"#
    )
}

fn is_colour(text: &str) -> bool {
    text.strip_prefix('#').is_some_and(|digits| matches!(digits.len(), 3 | 6) && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests;
