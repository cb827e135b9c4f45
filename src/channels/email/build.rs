//! Letters to customers, as bytes for SMTP: text and HTML side by side, with the history quoted below.

use std::time::{Duration, SystemTime};

use lettre::Message;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};

use crate::clock::Ts;
use crate::desk::envelope::{Address, LinkedFile, Outgoing, OutgoingFile, Quoted};
use crate::text::html::{escape, from_text};
use crate::text::pictures::{self, Stretch};

/// References written at most: the beginning of the thread and its newest part.
const MAX_REFERENCES: usize = 30;
const FIRST_REFERENCES: usize = 2;

/// Longest name and subject written, in characters.
const MAX_LINE: usize = 300;

/// A grey that can be seen on white and on black.
const GREY: &str = "#8a8f98";

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
    if out.to.is_empty() && out.cc.is_empty() && out.bcc.is_empty() {
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
    for bcc in &out.bcc {
        // Named to the server alone; that it can be named is known before the letter leaves.
        mailbox(bcc)?;
    }
    let shown = pictures::ids(&out.body);
    let (inline, files): (Vec<&OutgoingFile>, Vec<&OutgoingFile>) =
        out.files.iter().partition(|file| file.content_id.as_deref().is_some_and(|id| shown.contains(&id)));
    let html = SinglePart::html(html_letter(out, brand));
    let face = face(out);
    let words = MultiPart::alternative().singlepart(SinglePart::plain(text_letter(out)));
    let words = if inline.is_empty() && face.is_none() {
        words.singlepart(html)
    } else {
        let related = MultiPart::related().singlepart(html);
        words.multipart(inline.into_iter().map(picture).chain(face).fold(related, MultiPart::singlepart))
    };
    let message = if files.is_empty() {
        letter.multipart(words)?
    } else {
        let parts = MultiPart::mixed().multipart(words);
        letter.multipart(files.into_iter().map(attachment).fold(parts, MultiPart::singlepart))?
    };
    Ok(message.formatted())
}

/// The addresses to name to the SMTP server, each once.
pub fn recipients(out: &Outgoing) -> Vec<&str> {
    let mut recipients: Vec<&str> = Vec::new();
    for Address { address, .. } in out.to.iter().chain(&out.cc).chain(&out.bcc) {
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

/// The content id of the picture of who writes.
fn face_id(out: &Outgoing) -> String {
    format!("face.{}", id(&out.provider_id))
}

fn face(out: &Outgoing) -> Option<SinglePart> {
    let bytes = out.face.clone()?;
    let jpeg = ContentType::parse("image/jpeg").unwrap_or(ContentType::TEXT_PLAIN);
    Some(Attachment::new_inline_with_name(face_id(out), "face.jpg".to_owned()).body(bytes, jpeg))
}

fn picture(file: &OutgoingFile) -> SinglePart {
    let content_type = ContentType::parse(&file.media_type).unwrap_or(ContentType::TEXT_PLAIN);
    let content_id = id(file.content_id.as_deref().unwrap_or_default());
    Attachment::new_inline_with_name(content_id, line(&file.name)).body(file.bytes.clone(), content_type)
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
    let mut text = pictures::in_words(out.body.trim_end()).into_owned();
    text.push('\n');
    if !out.linked.is_empty() {
        text.push_str(&format!("\n{}\n", out.linked_words));
        for file in &out.linked {
            text.push_str(&format!("- {} ({}): {}\n", line(&file.name), file.size, file.url));
        }
    }
    if !out.signature.trim().is_empty() {
        text.push_str(&format!("\n{}\n", out.signature.trim()));
    }
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
    let body = words(out);
    let linked = linked_block(out);
    let signature = signature_block(out, &brand.shop_name);
    let quoted = out.quoted.as_ref().map(|quoted| quoted_block(&out.language, quoted)).unwrap_or_default();
    let shop = escape(&line(&brand.shop_name));
    let rule = if is_colour(&brand.accent) { &brand.accent } else { GREY };
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
{linked}<div style="margin:24px 0 0;padding:12px 0 0;border-top:2px solid {rule};font-size:13px;line-height:1.45;">
{signature}</div>
{quoted}</div>
</body>
</html>
"#
    )
}

fn styled(paragraphs: &str) -> String {
    paragraphs.replace("<p>", r#"<p style="margin:0 0 14px;">"#)
}

/// The words with their pictures in place, as wide as the letter at most.
fn words(out: &Outgoing) -> String {
    let has = |id: &str| out.files.iter().any(|file| file.content_id.as_deref() == Some(id));
    let mut html = String::new();
    for stretch in pictures::cut(out.body.trim_end()) {
        match stretch {
            Stretch::Words(words) => html.push_str(&styled(&from_text(words))),
            Stretch::Picture { name, id: cid } if has(cid) => html.push_str(&format!(
                r#"<p style="margin:0 0 14px;"><img src="cid:{}" alt="{}" style="max-width:100%;height:auto;border:0;border-radius:6px;"></p>"#,
                escape(&id(cid)),
                escape(&line(name))
            )),
            Stretch::Picture { name, .. } => html.push_str(&format!(r#"<p style="margin:0 0 14px;">[{}]</p>"#, escape(&line(name)))),
        }
        html.push('\n');
    }
    html.truncate(html.trim_end().len());
    html
}

/// Files that wait behind links, as a list that looks like files.
fn linked_block(out: &Outgoing) -> String {
    if out.linked.is_empty() {
        return String::new();
    }
    let file = |file: &LinkedFile| {
        let (url, name, size) = (escape(&file.url), escape(&line(&file.name)), escape(&file.size));
        format!(
            r#"<p style="margin:0 0 6px;padding:8px 12px;border:1px solid {GREY};border-radius:6px;"><a href="{url}" style="font-weight:600;">{name}</a> <span style="font-size:13px;white-space:nowrap;">{size}</span></p>
"#
        )
    };
    let files: String = out.linked.iter().map(file).collect();
    format!("<p style=\"margin:0 0 8px;font-size:13px;\">{}</p>\n{files}", escape(&out.linked_words))
}

/// Who writes: their face if there is one, and their words; the shop's name where these do not say it.
fn signature_block(out: &Outgoing, shop: &str) -> String {
    let signature = out.signature.trim();
    let shop = line(shop);
    let named = signature.to_lowercase().contains(&shop.to_lowercase());
    let mut lines = if signature.is_empty() { String::new() } else { from_text(signature).replace("<p>", r#"<p style="margin:0;">"#) };
    if !named {
        lines.push_str(&format!(r#"<p style="margin:0;font-weight:600;">{}</p>"#, escape(&shop)));
    }
    if out.face.is_none() {
        return format!("{lines}\n");
    }
    format!(
        r#"<table role="presentation" cellpadding="0" cellspacing="0" border="0" style="font-size:13px;line-height:1.45;"><tr>
<td style="padding:0 12px 0 0;vertical-align:top;"><img src="cid:{}" width="40" height="40" alt="" style="display:block;border:0;border-radius:20px;"></td>
<td style="vertical-align:top;">{lines}</td>
</tr></table>
"#,
        escape(&face_id(out))
    )
}

fn quoted_block(language: &str, quoted: &Quoted) -> String {
    let attribution = escape(&attribution(language, quoted));
    let words = styled(&from_text(&quoted.text));
    // By this name most mail programs know what to fold.
    format!(
        r#"<div class="gmail_quote" style="margin:24px 0 0;font-size:13px;">
<p class="gmail_attr" style="margin:0 0 8px;">{attribution}</p>
<blockquote class="gmail_quote" type="cite" style="margin:0;padding:0 0 0 12px;border-left:2px solid {GREY};">
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
