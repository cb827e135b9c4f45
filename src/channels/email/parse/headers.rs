//! Header fields read leniently and cut to what a row can hold.

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::charsets::map::charset_decoder;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::{Address as Parsed, HeaderValue, Message, MimeHeaders as _};

use crate::desk::envelope::Address;

/// Longest subject kept, in characters.
const MAX_SUBJECT: usize = 998;
/// Longest name kept, in characters.
const MAX_NAME: usize = 200;
/// Longest address or message id believed, in bytes: the protocols allow 320 and 998.
const MAX_ADDRESS: usize = 320;
const MAX_ID: usize = 998;
/// Ids kept of each field; the newest stand last.
const MAX_IDS: usize = 100;
/// Addresses kept of each field.
pub const MAX_ADDRESSES: usize = 100;

/// The header of a message.
pub struct Headers<'m> {
    message: &'m Message<'m>,
}

impl<'m> Headers<'m> {
    pub fn of(message: &'m Message<'m>) -> Self {
        Self { message }
    }

    fn fields(&self) -> &'m [mail_parser::Header<'m>] {
        self.message.parts.first().map(|root| root.headers.as_slice()).unwrap_or_default()
    }

    /// Every value of a field, unfolded and otherwise raw.
    pub fn all(&self, name: &str) -> impl Iterator<Item = String> {
        self.fields().iter().filter(move |field| field.name.as_str().eq_ignore_ascii_case(name)).map(|field| {
            let range = field.offset_start as usize..field.offset_end as usize;
            let raw = decoded(self.message.raw_message.get(range).unwrap_or_default());
            raw.replace(['\r', '\n', '\0'], "").trim().to_owned()
        })
    }

    /// The first value of a field, unfolded and otherwise raw.
    pub fn first(&self, name: &str) -> Option<String> {
        self.all(name).next()
    }

    /// The message ids of a field without their brackets, in its order. Lenient: brackets may be missing, comments and words
    /// may stand between.
    pub fn ids(&self, name: &str) -> Vec<String> {
        let Some(field) = self.first(name) else { return Vec::new() };
        let mut ids: Vec<String> = bracketed(&field).filter_map(id).collect();
        if ids.is_empty() {
            ids = without_comments(&field).split([' ', '\t', ',', ';']).filter(|word| word.contains('@')).filter_map(id).collect();
        }
        let surplus = ids.len().saturating_sub(MAX_IDS);
        ids.split_off(surplus)
    }

    /// The addresses of every field of that name, in lower case.
    pub fn addresses(&self, name: &str) -> Vec<Address> {
        let fields = self.fields().iter().filter(|field| field.name.as_str().eq_ignore_ascii_case(name));
        let mut found = Vec::new();
        for field in fields {
            match &field.value {
                HeaderValue::Address(Parsed::List(list)) => found.extend(list.iter().filter_map(address)),
                HeaderValue::Address(Parsed::Group(groups)) => {
                    found.extend(groups.iter().flat_map(|group| &group.addresses).filter_map(address));
                }
                // Fields that the parser does not take for addresses, such as Delivered-To.
                HeaderValue::Text(text) => found.push(Address { name: String::new(), address: clean_address(text) }),
                _ => {}
            }
            found.truncate(MAX_ADDRESSES);
        }
        found.retain(|address| !address.address.is_empty());
        found
    }

    pub fn subject(&self) -> String {
        let subject = self.message.parts.first().and(self.message.subject()).unwrap_or_default();
        if subject.contains('\u{fffd}')
            && let Some(raw) = self.first("Subject")
        {
            let whole = if raw.contains("=?") { joined_words(&raw) } else { raw };
            return clean_line(&whole, MAX_SUBJECT);
        }
        clean_line(subject, MAX_SUBJECT)
    }

    /// What a multipart/report is about, in lower case; empty when it does not say.
    pub fn report_type(&self) -> Option<String> {
        let root = self.message.parts.first()?;
        let content_type = root.content_type().filter(|_| root.is_content_type("multipart", "report"))?;
        Some(content_type.attribute("report-type").unwrap_or_default().to_ascii_lowercase())
    }
}

/// Decodes encoded words (RFC 2047) whose writer cut in the midst of a character: neighbours of one charset are put together before they are
/// decoded.
fn joined_words(field: &str) -> String {
    let mut out = String::new();
    let mut pending: Option<(String, Vec<u8>)> = None;
    let flush = |pending: &mut Option<(String, Vec<u8>)>, out: &mut String| {
        if let Some((charset, bytes)) = pending.take() {
            match charset_decoder(charset.as_bytes()) {
                Some(decode) => out.push_str(&decode(&bytes)),
                None => out.push_str(&decoded(&bytes)),
            }
        }
    };
    let mut rest = field;
    while let Some((before, after)) = rest.split_once("=?") {
        let mut parts = after.splitn(3, '?');
        let word = (parts.next(), parts.next(), parts.next().and_then(|tail| tail.split_once("?=")));
        let (Some(charset), Some(encoding), Some((text, tail))) = word else { break };
        let bytes = match encoding {
            "b" | "B" => base64_decode(text.as_bytes()),
            "q" | "Q" => quoted_printable_decode(text.replace('_', " ").as_bytes()),
            _ => None,
        };
        let Some(bytes) = bytes else { break };
        let charset = charset.split('*').next().unwrap_or_default().to_ascii_lowercase();
        let between = if pending.is_some() && before.trim().is_empty() { "" } else { before };
        if !between.is_empty() || pending.as_ref().is_some_and(|(known, _)| *known != charset) {
            flush(&mut pending, &mut out);
        }
        out.push_str(between);
        pending.get_or_insert_with(|| (charset, Vec::new())).1.extend(bytes);
        rest = tail;
    }
    flush(&mut pending, &mut out);
    out.push_str(rest);
    out
}

/// Bytes that declare no charset: UTF-8, else what Western programs mean.
pub fn decoded(bytes: &[u8]) -> String {
    match (std::str::from_utf8(bytes), charset_decoder(b"windows-1252")) {
        (Err(_), Some(decode)) => decode(bytes),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

fn bracketed(field: &str) -> impl Iterator<Item = &str> {
    field.split('<').skip(1).filter_map(|rest| rest.split_once('>')).map(|(id, _)| id)
}

fn id(text: &str) -> Option<String> {
    let id: String = text.chars().filter(|c| !c.is_whitespace() && !c.is_control() && !matches!(c, '<' | '>')).collect();
    (!id.is_empty() && id.len() <= MAX_ID).then_some(id)
}

/// A field without what stands in parentheses, unless that is quoted.
pub fn without_comments(field: &str) -> String {
    let mut depth = 0_usize;
    let mut quoted = false;
    let mut out = String::with_capacity(field.len());
    for c in field.chars() {
        match c {
            '"' if depth == 0 => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted && depth > 0 => {
                depth -= 1;
                continue;
            }
            _ => {}
        }
        if depth == 0 {
            out.push(c);
        }
    }
    out
}

fn address(parsed: &mail_parser::Addr<'_>) -> Option<Address> {
    let address = clean_address(parsed.address.as_deref().unwrap_or_default());
    let name = clean_line(parsed.name.as_deref().unwrap_or_default(), MAX_NAME);
    let name = name.trim_matches(['"', '\'']).trim().to_owned();
    let name = if name.eq_ignore_ascii_case(&address) { String::new() } else { name };
    (!address.is_empty()).then_some(Address { name, address })
}

/// An address in lower case, without brackets and anything that no address holds; empty when it cannot be one.
pub fn clean_address(address: &str) -> String {
    let address: String = address
        .trim()
        .trim_start_matches('<')
        .trim_end_matches('>')
        .chars()
        .filter(|c| !c.is_control() && !c.is_whitespace())
        .flat_map(char::to_lowercase)
        .collect();
    if address.len() > MAX_ADDRESS { String::new() } else { address }
}

/// Text for one line: single spaces, also for line ends, nothing invisible, nothing that turns the reading direction.
pub fn clean_line(text: &str, max_chars: usize) -> String {
    let unwanted = |c: &char| matches!(c, '\0' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut line = String::new();
    let mut length = 0;
    for c in text.chars().filter(|c| !unwanted(c)) {
        let c = if c.is_control() || c.is_whitespace() { ' ' } else { c };
        if c == ' ' && (line.is_empty() || line.ends_with(' ')) {
            continue;
        }
        if length == max_chars {
            break;
        }
        line.push(c);
        length += 1;
    }
    line.truncate(line.trim_end().len());
    line
}
