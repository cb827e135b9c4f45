//! HTML letters read as plain text.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};

use super::{TAGS, known, unescape};
use crate::text::markup::{Piece, Tag, pieces, tame};

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
pub(super) struct Letter {
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
    pub(super) fn write(&mut self, text: &str) {
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

    pub(super) fn tag(&mut self, tag: &Tag<'_>) {
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

    pub(super) fn finish(mut self) -> String {
        self.end_block();
        let length = self.out.trim_end().len();
        self.out.truncate(length);
        self.out
    }
}
