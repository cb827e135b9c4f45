//! A small HTML tokenizer, for two uses: to disarm markup that is built to exhaust the real parser, and to
//! walk through markup that the sanitiser wrote.

use std::collections::HashMap;

/// A stretch of markup; the slices of all pieces together are the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    Text(&'a str),
    /// From `<` to `>`, both included.
    Tag(Tag<'a>),
    /// Comments, doctypes, processing instructions and whatever a browser takes for one.
    Comment,
}

/// A start or end tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag<'a> {
    /// The whole tag.
    pub raw: &'a str,
    /// As written, hence in any case.
    pub name: &'a str,
    pub closing: bool,
    attributes: usize,
}

impl<'a> Tag<'a> {
    /// Whether its name is `name` (given in lower case).
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// The value of an attribute as the sanitiser writes it: in double quotes, still escaped.
    pub fn attribute(&self, name: &str) -> Option<&'a str> {
        let mut rest = &self.raw[1 + self.name.len()..];
        while let Some((key, after)) = rest.split_once("=\"") {
            let (value, next) = after.split_once('"')?;
            if key.trim() == name {
                return Some(value);
            }
            rest = next;
        }
        None
    }
}

/// Splits markup as the HTML standard's tokenizer would, in one pass. An unfinished tag or comment at the end is a comment.
pub fn pieces(html: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = html.get(at..).filter(|rest| !rest.is_empty())?;
        let (piece, length) = match opening(rest) {
            Some(Opening::Tag) => tag(rest),
            Some(Opening::Comment) => (Piece::Comment, comment_length(rest)),
            None => text(rest),
        };
        at += length;
        Some(piece)
    })
}

enum Opening {
    Tag,
    Comment,
}

/// What a `<` at the start of `rest` opens, if anything.
fn opening(rest: &str) -> Option<Opening> {
    match rest.as_bytes() {
        [b'<', b'/', letter, ..] | [b'<', letter, ..] if letter.is_ascii_alphabetic() => Some(Opening::Tag),
        [b'<', b'!' | b'?' | b'/', ..] => Some(Opening::Comment),
        _ => None,
    }
}

fn text(rest: &str) -> (Piece<'_>, usize) {
    let end = rest.match_indices('<').map(|(at, _)| at).find(|&at| opening(&rest[at..]).is_some()).unwrap_or(rest.len());
    (Piece::Text(&rest[..end]), end)
}

fn comment_length(rest: &str) -> usize {
    let Some(body) = rest.strip_prefix("<!--") else {
        return rest.find('>').map_or(rest.len(), |at| at + 1);
    };
    // `<!-->` and `<!--->` are whole comments to a browser.
    if body.starts_with('>') {
        return 5;
    }
    if body.starts_with("->") {
        return 6;
    }
    let end = body.match_indices("--").find_map(|(at, _)| match &body.as_bytes()[at + 2..] {
        [b'>', ..] => Some(at + 3),
        [b'!', b'>', ..] => Some(at + 4),
        [b'-', b'>', ..] => Some(at + 4),
        _ => None,
    });
    end.map_or(rest.len(), |end| 4 + end)
}

/// Where the tokenizer stands inside a tag.
enum Within {
    BeforeName,
    Name,
    BeforeValue,
    Bare,
    Quoted(u8),
}

fn tag(rest: &str) -> (Piece<'_>, usize) {
    let closing = rest.as_bytes()[1] == b'/';
    let start = if closing { 2 } else { 1 };
    let name_length = rest[start..].find(|c: char| c.is_ascii_whitespace() || c == '/' || c == '>').unwrap_or(rest.len() - start);
    let name = &rest[start..start + name_length];
    let mut attributes = 0;
    let mut within = Within::BeforeName;
    for (at, &byte) in rest.as_bytes().iter().enumerate().skip(start + name_length) {
        within = match (within, byte) {
            (Within::Quoted(quote), _) if byte != quote => Within::Quoted(quote),
            (Within::Quoted(_), _) => Within::BeforeName,
            (_, b'>') => {
                return (Piece::Tag(Tag { raw: &rest[..=at], name, closing, attributes }), at + 1);
            }
            (Within::BeforeValue, b'"' | b'\'') => Within::Quoted(byte),
            (Within::BeforeValue, _) if byte.is_ascii_whitespace() => Within::BeforeValue,
            (Within::BeforeValue | Within::Bare, _) if !byte.is_ascii_whitespace() => Within::Bare,
            (Within::Name, b'=') => Within::BeforeValue,
            // After a space an equals sign still belongs to the name before it, unless no name came yet.
            (Within::BeforeName, b'=') if attributes > 0 => Within::BeforeValue,
            (_, b'/') => Within::BeforeName,
            _ if byte.is_ascii_whitespace() => Within::BeforeName,
            (Within::Name, _) => Within::Name,
            _ => {
                attributes += 1;
                Within::Name
            }
        };
    }
    (Piece::Comment, rest.len())
}

/// Elements whose content is no text for the reader.
const SILENT: [&str; 9] = ["script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes", "template"];

/// Elements that close themselves or are closed by their siblings, so that they cannot nest by themselves.
const SHALLOW: [&str; 19] = [
    "p", "li", "dt", "dd", "td", "th", "tr", "thead", "tbody", "tfoot", "col", "colgroup", "caption", "br", "hr", "img", "wbr", "rt", "rp",
];

const FORMATTING: [&str; 14] = ["a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"];

const MAX_ATTRIBUTES: usize = 64;
const MAX_DEPTH: usize = 200;
const MAX_OPEN_FORMATTING: usize = 40;
/// Elements that the parser may come to build: letters have some thousands.
const MAX_WORK: usize = 200_000;
/// The serialiser searches a text's whole rest again for every character that it escapes, so that texts are parted
/// by a `<wbr>` after so many bytes, and attributes beyond twice of it must need no escapes (a picture's data needs none).
const MAX_RUN: usize = 8_192;

/// Drops what the real parser would pay for out of proportion: endless nesting, formatting that is never closed
/// (to be rebuilt in every paragraph), thousands of attributes. Comments, silent elements and unknown tags go as
/// well. Ordinary letters come through with their looks unchanged. Not a sanitiser.
pub fn tame(html: &str, known: impl Fn(&str) -> bool) -> String {
    let mut out = String::with_capacity(html.len());
    let mut open: HashMap<String, usize> = HashMap::new();
    let (mut depth, mut formatting, mut work) = (0, 0, 0);
    let mut silent: Option<String> = None;
    let mut run = 0;
    for piece in pieces(html) {
        let tag = match piece {
            Piece::Text(text) if silent.is_none() => {
                push_parted(&mut out, text, &mut run);
                continue;
            }
            Piece::Text(_) | Piece::Comment => continue,
            Piece::Tag(tag) => tag,
        };
        let name = tag.name.to_ascii_lowercase();
        if let Some(waiting) = &silent {
            if tag.closing && *waiting == name {
                silent = None;
            }
            continue;
        }
        if SILENT.contains(&name.as_str()) {
            silent = (!tag.closing).then_some(name);
            continue;
        }
        if !known(&name) || is_costly(&tag) || work > MAX_WORK {
            continue;
        }
        work += 1 + formatting;
        if !SHALLOW.contains(&name.as_str()) {
            let (level, limit) =
                if FORMATTING.contains(&name.as_str()) { (&mut formatting, MAX_OPEN_FORMATTING) } else { (&mut depth, MAX_DEPTH) };
            let count = open.entry(name).or_default();
            match tag.closing {
                true if *count == 0 => continue,
                true => (*count, *level) = (*count - 1, *level - 1),
                false if *level == limit => continue,
                false => (*count, *level) = (*count + 1, *level + 1),
            }
        }
        out.push_str(tag.raw);
    }
    out
}

fn is_costly(tag: &Tag<'_>) -> bool {
    tag.attributes > MAX_ATTRIBUTES || (tag.raw.len() > 2 * MAX_RUN && (tag.raw.contains('&') || !tag.raw.is_ascii()))
}

/// Copies text, parted where the run since the last parting grows too long; never inside an entity.
fn push_parted(out: &mut String, text: &str, run: &mut usize) {
    for c in text.chars() {
        if *run > MAX_RUN && (c == '&' || c.is_whitespace() || !c.is_ascii()) {
            out.push_str("<wbr>");
            *run = 0;
        }
        out.push(c);
        *run += c.len_utf8();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(html: &str) -> Vec<&str> {
        pieces(html)
            .filter_map(|piece| match piece {
                Piece::Tag(tag) => Some(tag.raw),
                Piece::Text(_) | Piece::Comment => None,
            })
            .collect()
    }

    #[test]
    fn tags_end_where_a_browser_ends_them() {
        assert_eq!(tags("a < b <b x='>'>c</b > 1<2"), ["<b x='>'>", "</b >"]);
        assert_eq!(tags(r#"<a "x>y">"#), [r#"<a "x>"#]);
        assert_eq!(tags(r#"<a b = ">" c>"#), [r#"<a b = ">" c>"#]);
        assert_eq!(tags("<!--><i><!-- <b> --><!x <s> <u"), ["<i>"]);
    }

    #[test]
    fn ordinary_markup_is_not_changed() {
        let html = r#"<div style="color:red"><p>Buon<b>giorno</b><br>a &lt; b<table><tr><td>1</table></div>"#;
        assert_eq!(tame(html, |_| true), html);
    }

    #[test]
    fn silent_elements_and_comments_go() {
        assert_eq!(tame("a<style>p > a {}</style>b<!--c-->d<title>e", |_| true), "abd");
    }

    #[test]
    fn nesting_is_bounded() {
        assert!(tags(&tame(&"<div>".repeat(100_000), |_| true)).len() <= MAX_DEPTH);
        let rebuilt = format!("{}{}", "<b>".repeat(1_000), "<p>x".repeat(100_000));
        assert!(tags(&tame(&rebuilt, |_| true)).len() < 10_000);
    }
}
