//! HTML of strangers made safe to show, and text made into HTML and back.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};
use regex::Regex;

use super::markup::{Piece, Tag, pieces, tame};

/// Holds the address of a picture that must not be loaded unasked.
const REMOTE: &str = "data-remote-src";

const TAGS: [&str; 65] = [
    "a", "abbr", "address", "article", "aside", "b", "bdi", "bdo", "big", "blockquote", "br", "caption", "center", "cite", "code", "col",
    "colgroup", "dd", "del", "div", "dl", "dt", "em", "figcaption", "figure", "font", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header",
    "hr", "i", "img", "ins", "kbd", "li", "main", "mark", "nav", "ol", "p", "pre", "q", "s", "section", "small", "span", "strike", "strong",
    "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "u", "ul",
];

/// Properties that shape a letter. None takes an address, so that no style can load anything, and none can leave the letter's box.
const STYLES: [&str; 52] = [
    "background-color", "border", "border-bottom", "border-bottom-color", "border-bottom-style", "border-bottom-width", "border-collapse",
    "border-color", "border-left", "border-left-color", "border-left-style", "border-left-width", "border-radius", "border-right",
    "border-right-color", "border-right-style", "border-right-width", "border-spacing", "border-style", "border-top", "border-top-color",
    "border-top-style", "border-top-width", "border-width", "color", "direction", "display", "font", "font-family", "font-size",
    "font-style", "font-weight", "height", "letter-spacing", "line-height", "list-style-type", "margin-left", "max-width", "min-width",
    "padding", "padding-bottom", "padding-left", "padding-right", "padding-top", "text-align", "text-decoration", "text-indent",
    "text-transform", "vertical-align", "white-space", "width", "word-break",
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
        // The shorthand could load a picture; nearly always it only names a colour.
        (_, "style") => Some(value.replace("background:", "background-color:").into()),
        _ => Some(value.into()),
    }
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

fn is_remote(address: &str) -> bool {
    !["cid:", "data:"].iter().any(|scheme| address.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
}

/// Whether [`sanitise`] set pictures aside in this HTML.
pub fn has_remote(html: &str) -> bool {
    images(html).any(|tag| tag.attribute(REMOTE).is_some())
}

/// Brings back the remote pictures that [`sanitise`] set aside.
pub fn show_remote(html: &str) -> String {
    rewrite_images(html, |tag| {
        tag.attribute(REMOTE)?;
        Some(tag.raw.replacen(&format!(" {REMOTE}=\""), " referrerpolicy=\"no-referrer\" src=\"", 1))
    })
}

/// Points pictures that came with the letter (`cid:`) to where they are kept. `address` is asked with the content id
/// without brackets; where it knows none the picture stays as it is, and loads nothing.
pub fn replace_cids(html: &str, address: impl Fn(&str) -> Option<String>) -> String {
    rewrite_images(html, |tag| {
        let source = tag.attribute("src")?;
        let id = source.get(..4).filter(|scheme| scheme.eq_ignore_ascii_case("cid:")).and(source.get(4..))?;
        let found = address(&unescape(id))?;
        Some(tag.raw.replacen(&format!("src=\"{source}\""), &format!("src=\"{}\"", escape(&found)), 1))
    })
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

/// Keeps only the skeleton that [`to_text`] needs.
static SKELETON: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::default();
    builder
        .tags(HashSet::from(TAGS))
        .tag_attributes(HashMap::from([("a", HashSet::from(["href"])), ("img", HashSet::from(["alt"]))]))
        .generic_attributes(HashSet::new())
        .url_schemes(HashSet::from(["http", "https", "mailto", "tel"]))
        .url_relative(UrlRelative::Deny)
        .link_rel(None);
    builder
});

/// The words of an HTML letter as plain text: a line for each block, links in angle brackets behind their words
/// where these do not tell them already, list marks, and `> ` before quoted blocks.
pub fn to_text(html: &str) -> String {
    let skeleton = SKELETON.clean(&tame(html, known)).to_string();
    let mut letter = Letter::default();
    for piece in pieces(&skeleton) {
        match piece {
            Piece::Text(text) => letter.write(&unescape(text)),
            Piece::Tag(tag) => letter.tag(&tag),
            Piece::Comment => {}
        }
    }
    letter.finish()
}

/// A plain-text letter in the making.
#[derive(Default)]
struct Letter {
    out: String,
    line: String,
    /// A blank line is due before the next words.
    gap: bool,
    quotes: usize,
    /// How deep the last written line was quoted.
    quoted: usize,
    preformatted: usize,
    /// One per open list: the next number, none for bullets.
    lists: Vec<Option<u32>>,
    /// The address of the open link and where in `line` its words begin.
    link: Option<(String, usize)>,
}

impl Letter {
    fn write(&mut self, text: &str) {
        if self.preformatted > 0 {
            for (index, line) in text.split('\n').enumerate() {
                if index > 0 {
                    self.break_line();
                }
                self.line.push_str(line);
            }
            return;
        }
        for c in text.chars() {
            let space = c.is_whitespace();
            if !space {
                self.line.push(c);
            } else if !self.line.is_empty() && !self.line.ends_with(' ') {
                self.line.push(' ');
            }
        }
    }

    fn tag(&mut self, tag: &Tag<'_>) {
        let open = !tag.closing;
        match tag.name {
            "br" => self.break_line(),
            "hr" if open => {
                self.end_block();
                self.line.push_str("________________________________");
                self.end_block();
            }
            "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => self.paragraph(),
            "ul" | "ol" => {
                self.end_block();
                if open {
                    self.lists.push((tag.name == "ol").then_some(1));
                } else {
                    self.lists.pop();
                }
            }
            "li" if open => self.item(),
            "blockquote" => {
                self.paragraph();
                self.quotes = if open { self.quotes + 1 } else { self.quotes.saturating_sub(1) };
            }
            "pre" => {
                self.end_block();
                self.preformatted = if open { self.preformatted + 1 } else { self.preformatted.saturating_sub(1) };
            }
            "td" | "th" if tag.closing => self.write(" "),
            "a" if open => self.link = tag.attribute("href").map(|href| (unescape(href).into_owned(), self.line.len())),
            "a" => self.end_link(),
            "img" => {
                if let Some(alt) = tag.attribute("alt").map(unescape).filter(|alt| !alt.trim().is_empty()) {
                    self.write(&format!("[{}]", alt.trim()));
                }
            }
            "div" | "table" | "tr" | "li" | "dl" | "dt" | "dd" | "address" | "article" | "aside" | "section" | "header" | "footer"
            | "main" | "nav" | "center" | "figure" | "figcaption" | "caption" => self.end_block(),
            _ => {}
        }
    }

    fn item(&mut self) {
        self.end_block();
        let indent = "  ".repeat(self.lists.len().saturating_sub(1).min(8));
        let mark = match self.lists.last_mut() {
            Some(Some(number)) => {
                let mark = format!("{number}. ");
                *number = number.saturating_add(1);
                mark
            }
            _ => "- ".to_owned(),
        };
        self.line.push_str(&indent);
        self.line.push_str(&mark);
    }

    fn end_link(&mut self) {
        let Some((address, start)) = self.link.take() else { return };
        let words = self.line.get(start..).unwrap_or_default().trim();
        let bare = address.trim_start_matches("mailto:").trim_start_matches("tel:");
        let plain = |text: &str| text.trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('/').to_owned();
        if words.is_empty() || plain(words) == plain(bare) {
            return;
        }
        self.line.truncate(self.line.trim_end().len());
        self.line.push_str(&format!(" <{bare}>"));
    }

    /// Ends the line, even an empty one.
    fn break_line(&mut self) {
        if self.line.trim().is_empty() {
            self.gap = !self.out.is_empty();
            self.line.clear();
        } else {
            self.end_block();
        }
    }

    fn paragraph(&mut self) {
        self.end_block();
        self.gap = !self.out.is_empty();
    }

    /// Ends the line if anything stands on it.
    fn end_block(&mut self) {
        if let Some((_, start)) = &mut self.link {
            *start = 0;
        }
        let line = std::mem::take(&mut self.line);
        let line = line.trim_end();
        if line.trim().is_empty() {
            return;
        }
        let quotes = self.quotes.min(20);
        if std::mem::take(&mut self.gap) {
            self.out.push_str(&">".repeat(quotes.min(self.quoted)));
            self.out.push('\n');
        }
        self.quoted = quotes;
        let marks = ">".repeat(quotes);
        self.out.push_str(&marks);
        if !marks.is_empty() {
            self.out.push(' ');
        }
        self.out.push_str(line);
        self.out.push('\n');
    }

    fn finish(mut self) -> String {
        self.end_block();
        let length = self.out.trim_end().len();
        self.out.truncate(length);
        self.out
    }
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
        out.push_str(&format!(
            "<a href=\"{scheme}{address}\" target=\"_blank\" rel=\"noopener noreferrer\">{address}</a>"
        ));
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
