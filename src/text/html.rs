//! HTML of strangers made safe to show, and text made into HTML and back.

mod history;
mod plain;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};
use regex::Regex;

use super::markup::{Piece, Tag, pieces, tame};
pub use history::words_above;
pub use plain::to_text;

/// Holds the address of a picture that must not be loaded unasked.
const REMOTE: &str = "data-remote-src";

const TAGS: [&str; 65] = [
    "a",
    "abbr",
    "address",
    "article",
    "aside",
    "b",
    "bdi",
    "bdo",
    "big",
    "blockquote",
    "br",
    "caption",
    "center",
    "cite",
    "code",
    "col",
    "colgroup",
    "dd",
    "del",
    "div",
    "dl",
    "dt",
    "em",
    "figcaption",
    "figure",
    "font",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "i",
    "img",
    "ins",
    "kbd",
    "li",
    "main",
    "mark",
    "nav",
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "section",
    "small",
    "span",
    "strike",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "tt",
    "u",
    "ul",
];

/// Properties that shape a letter. None takes an address, so that no style can load anything, and none can leave the letter's box.
const STYLES: [&str; 52] = [
    "background-color",
    "border",
    "border-bottom",
    "border-bottom-color",
    "border-bottom-style",
    "border-bottom-width",
    "border-collapse",
    "border-color",
    "border-left",
    "border-left-color",
    "border-left-style",
    "border-left-width",
    "border-radius",
    "border-right",
    "border-right-color",
    "border-right-style",
    "border-right-width",
    "border-spacing",
    "border-style",
    "border-top",
    "border-top-color",
    "border-top-style",
    "border-top-width",
    "border-width",
    "color",
    "direction",
    "display",
    "font",
    "font-family",
    "font-size",
    "font-style",
    "font-weight",
    "height",
    "letter-spacing",
    "line-height",
    "list-style-type",
    "margin-left",
    "max-width",
    "min-width",
    "padding",
    "padding-bottom",
    "padding-left",
    "padding-right",
    "padding-top",
    "text-align",
    "text-decoration",
    "text-indent",
    "text-transform",
    "vertical-align",
    "white-space",
    "width",
    "word-break",
];

const MAX_STYLE: usize = 4_000;

fn known(tag: &str) -> bool {
    TAGS.contains(&tag)
}

static SANITISER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let box_attributes = ["align", "valign", "width", "height", "bgcolor", "colspan", "rowspan", "border", "cellpadding", "cellspacing"];
    let mut attributes: HashMap<&str, HashSet<&str>> = HashMap::from([
        ("a", HashSet::from(["href"])),
        ("img", HashSet::from(["src", "alt", "width", "height", "align", "border"])),
        ("font", HashSet::from(["color", "face", "size"])),
        ("ol", HashSet::from(["start", "type"])),
        ("blockquote", HashSet::from(["type"])),
    ]);
    for tag in ["table", "thead", "tbody", "tfoot", "tr", "td", "th", "col", "colgroup", "div", "p", "hr"] {
        attributes.insert(tag, HashSet::from(box_attributes));
    }
    let mut builder = Builder::default();
    builder
        .tags(HashSet::from(TAGS))
        .tag_attributes(attributes)
        .generic_attributes(HashSet::from(["title", "dir", "lang", "style"]))
        .filter_style_properties(HashSet::from(STYLES))
        .url_schemes(HashSet::from(["http", "https", "mailto", "tel", "cid", "data"]))
        .url_relative(UrlRelative::Deny)
        .set_tag_attribute_value("a", "target", "_blank")
        .attribute_filter(attribute);
    builder
});

/// The sanitiser's last word on an attribute that passed its lists.
fn attribute<'v>(tag: &str, name: &str, value: &'v str) -> Option<Cow<'v, str>> {
    let scheme = || value.trim_start().split(':').next().unwrap_or_default().to_ascii_lowercase();
    match (tag, name) {
        ("a", "href") => (!matches!(scheme().as_str(), "cid" | "data")).then_some(value.into()),
        ("img", "src") => match scheme().as_str() {
            "http" | "https" | "cid" => Some(value.trim().into()),
            "data" => is_picture(value.trim()).then_some(value.trim().into()),
            _ => None,
        },
        (_, "style") if value.len() > MAX_STYLE => None,
        (_, "style") => Some(plain_backgrounds(value)),
        _ => Some(value.into()),
    }
}

/// The shorthand `background` could load a picture; nearly always it only names a colour, which is kept.
fn plain_backgrounds(style: &str) -> Cow<'_, str> {
    if !style.contains("background:") {
        return Cow::Borrowed(style);
    }
    let declarations = style.split(';').map(|declaration| match declaration.trim().strip_prefix("background:") {
        Some(value) => format!("background-color:{}", value.split("url(").next().unwrap_or_default()),
        None => declaration.to_owned(),
    });
    Cow::Owned(declarations.collect::<Vec<_>>().join(";"))
}

/// Whether a `data:` address holds a bitmap. SVG is refused, it is a document of its own.
fn is_picture(address: &str) -> bool {
    ["png", "gif", "jpeg", "jpg", "webp"].iter().any(|kind| {
        let prefix = format!("data:image/{kind};base64,");
        address.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(&prefix))
    })
}

/// Makes a stranger's HTML safe to put into a page: no scripts, forms or foreign styles, links that open apart
/// and tell nobody where they were clicked, and remote pictures set aside (see [`show_remote`]).
pub fn sanitise(html: &str) -> String {
    let clean = SANITISER.clean(&tame(html, known)).to_string();
    rewrite_images(&clean, |tag| {
        let source = tag.attribute("src")?;
        is_remote(source).then(|| tag.raw.replacen(" src=\"", &format!(" {REMOTE}=\""), 1))
    })
}

/// Whether sanitised HTML has words or pictures, and not only an empty frame of tags.
pub fn says_something(html: &str) -> bool {
    pieces(html).any(|piece| match piece {
        Piece::Text(text) => unescape(text).chars().any(|c| !c.is_whitespace() && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{feff}')),
        Piece::Tag(tag) => tag.is("img") || tag.is("hr"),
        Piece::Comment => false,
    })
}

fn is_remote(address: &str) -> bool {
    !["cid:", "data:"].iter().any(|scheme| address.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
}

/// Whether [`sanitise`] set pictures aside in this HTML.
pub fn has_remote(html: &str) -> bool {
    images(html).any(|tag| tag.attribute(REMOTE).is_some())
}

/// Brings back the remote pictures that [`sanitise`] set aside, from where `address` says: it is asked with each one's own address. What it
/// knows no way for stays set aside.
pub fn show_remote(html: &str, address: impl Fn(&str) -> Option<String>) -> String {
    rewrite_images(html, |tag| {
        let source = tag.attribute(REMOTE)?;
        let found = address(&unescape(source))?;
        Some(tag.raw.replacen(&format!(" {REMOTE}=\"{source}\""), &format!(" src=\"{}\"", escape(&found)), 1))
    })
}

/// Points pictures that came with the letter (`cid:`) to where they are kept. `address` is asked with the content id
/// without brackets; where it knows none the picture stays as it is, and loads nothing.
pub fn replace_cids(html: &str, address: impl Fn(&str) -> Option<String>) -> String {
    rewrite_images(html, |tag| {
        let source = tag.attribute("src")?;
        let found = address(&cid(source)?)?;
        Some(tag.raw.replacen(&format!("src=\"{source}\""), &format!("src=\"{}\"", escape(&found)), 1))
    })
}

/// The content ids, without `cid:`, of the pictures that this sanitised HTML shows.
pub fn cids(html: &str) -> HashSet<String> {
    images(html).filter_map(|tag| cid(tag.attribute("src")?)).collect()
}

fn cid(source: &str) -> Option<String> {
    let is_cid = source.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("cid:"));
    is_cid.then(|| unescape(&source[4..]).into_owned())
}

fn images(html: &str) -> impl Iterator<Item = Tag<'_>> {
    pieces(html).filter_map(|piece| match piece {
        Piece::Tag(tag) if tag.is("img") => Some(tag),
        _ => None,
    })
}

/// Copies sanitised HTML, with those pictures changed for which `change` has something else.
fn rewrite_images(html: &str, change: impl Fn(&Tag<'_>) -> Option<String>) -> String {
    let mut out = String::with_capacity(html.len());
    for piece in pieces(html) {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Tag(tag) => match change(&tag).filter(|_| tag.is("img")) {
                Some(changed) => out.push_str(&changed),
                None => out.push_str(tag.raw),
            },
            Piece::Comment => {}
        }
    }
    out
}

/// Escapes text for HTML, for content and for attribute values in quotes.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

/// Undoes the few escapes that the sanitiser writes; all others it has already turned into characters.
fn unescape(html: &str) -> Cow<'_, str> {
    if !html.contains('&') {
        return Cow::Borrowed(html);
    }
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let known = [("amp;", '&'), ("lt;", '<'), ("gt;", '>'), ("quot;", '"'), ("#39;", '\''), ("nbsp;", '\u{a0}')];
        match known.iter().find_map(|&(name, c)| Some((after.strip_prefix(name)?, c))) {
            Some((next, c)) => {
                out.push(c);
                rest = next;
            }
            None => {
                out.push('&');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

static LINKS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let pattern = r#"(?i)\bhttps?://[^\s<>"'`\\^{|}]+|\b[a-z0-9][a-z0-9._%+-]{0,63}@[a-z0-9][a-z0-9.-]{0,200}\.[a-z]{2,24}\b"#;
    Regex::new(pattern).ok()
});

/// Plain text as HTML: escaped, a paragraph for each run of lines, web and mail addresses made into links.
pub fn from_text(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let mut open = false;
    for line in text.split('\n').map(str::trim_end) {
        if line.is_empty() {
            if std::mem::take(&mut open) {
                out.push_str("</p>\n");
            }
            continue;
        }
        out.push_str(if open { "<br>\n" } else { "<p>" });
        open = true;
        link(line, &mut out);
    }
    if open {
        out.push_str("</p>");
    }
    out.truncate(out.trim_end().len());
    out
}

/// Writes a line with its addresses made into links.
fn link(line: &str, out: &mut String) {
    let mut at = 0;
    for found in LINKS.iter().flat_map(|links| links.find_iter(line)) {
        let address = without_trailing_marks(found.as_str());
        out.push_str(&escape(&line[at..found.start()]));
        at = found.start() + address.len();
        let scheme = if address.contains("://") { "" } else { "mailto:" };
        let address = escape(address);
        out.push_str(&format!("<a href=\"{scheme}{address}\" target=\"_blank\" rel=\"noopener noreferrer\">{address}</a>"));
    }
    out.push_str(&escape(&line[at..]));
}

/// An address without the full stop of its sentence and without a closing bracket that was opened before it.
fn without_trailing_marks(address: &str) -> &str {
    let mut balance = address.matches('(').count() as i64 - address.matches(')').count() as i64;
    let mut address = address;
    loop {
        let shorter = address.trim_end_matches(['.', ',', ';', ':', '!', '?', '*', ']', '»', '”']);
        address = shorter;
        if balance < 0
            && let Some(shorter) = address.strip_suffix(')')
        {
            balance += 1;
            address = shorter;
            continue;
        }
        return address;
    }
}

#[cfg(test)]
mod tests;
