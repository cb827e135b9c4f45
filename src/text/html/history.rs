//! Where the mail program itself marked the history of an HTML letter.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};

use super::plain::Letter;
use super::{TAGS, known, unescape};
use crate::text::markup::{Piece, Tag, pieces, tame};
use crate::text::quotes;

/// The skeleton with the marks by which programs find their own quotes again.
static MARKED: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::default();
    builder
        .tags(HashSet::from(TAGS))
        .tag_attributes(HashMap::from([
            ("a", HashSet::from(["href"])),
            ("img", HashSet::from(["alt"])),
            ("blockquote", HashSet::from(["type"])),
            ("div", HashSet::from(["name"])),
        ]))
        .generic_attributes(HashSet::from(["class", "id"]))
        .id_prefix(None)
        .url_schemes(HashSet::from(["http", "https", "mailto", "tel"]))
        .url_relative(UrlRelative::Deny)
        .link_rel(None);
    builder
});

/// Classes and ids of elements that hold the history and nothing else.
const CONTAINERS: [&str; 14] = [
    "gmail_quote",
    "gmail_quote_container",
    "yahoo_quoted",
    "protonmail_quote",
    "tutanota_quote",
    "zmail_extra",
    "mail-editor-reference-message-container",
    "olk_src_body_section",
    "reply-intro-container",
    "mailbirdquote",
    "ncq-quote",
    "sh-color-quote",
    "skiff-mail-quote",
    "yandex_quote",
];
/// Those of elements with which the history begins, to the end of the letter.
const BEGINNINGS: [&str; 6] =
    ["divrplyfwdmsg", "outlookmessageheader", "moz-cite-prefix", "stopspelling", "zmail_extra_hr", "reply-separator"];
const FORWARDS: [&str; 2] = ["moz-forward-container", "moz-email-headers-table"];

#[derive(Clone, Copy, PartialEq)]
enum Mark {
    Container,
    /// A container that people make by hand too.
    Cite,
    Beginning,
    Forward,
}

fn mark(tag: &Tag<'_>) -> Option<Mark> {
    if tag.closing {
        return None;
    }
    for name in ["class", "id"] {
        for word in tag.attribute(name).unwrap_or_default().split_ascii_whitespace() {
            let word = word.to_ascii_lowercase();
            // Yahoo puts a number before its own names.
            let bare = word.strip_prefix("ydp").and_then(|rest| rest.find("yahoo_quoted").map(|at| &rest[at..])).unwrap_or(&word);
            if FORWARDS.contains(&bare) {
                return Some(Mark::Forward);
            }
            if CONTAINERS.contains(&bare) {
                return Some(Mark::Container);
            }
            if BEGINNINGS.contains(&bare) {
                return Some(Mark::Beginning);
            }
        }
    }
    if tag.is("blockquote") && tag.attribute("type").is_some_and(|kind| kind.eq_ignore_ascii_case("cite")) {
        return Some(Mark::Cite);
    }
    (tag.is("div") && tag.attribute("name").is_some_and(|name| name.eq_ignore_ascii_case("quote"))).then_some(Mark::Container)
}

/// The words above the history of a letter, as plain text, where its program marked that and nothing but history follows. `None`: nothing
/// is marked, or new words stand below or between.
pub fn words_above(html: &str) -> Option<String> {
    let skeleton = MARKED.clean(&tame(html, known)).to_string();
    let (mut before, mut inside, mut after) = (Letter::default(), Letter::default(), Letter::default());
    let mut begun: Option<(Mark, usize)> = None;
    let mut ended = false;
    let mut depth = 0_usize;
    for piece in pieces(&skeleton) {
        let tag = match &piece {
            Piece::Tag(tag) => Some(tag),
            _ => None,
        };
        let opens = tag.is_some_and(|tag| !tag.closing && !["br", "hr", "img", "col"].iter().any(|void| tag.is(void)));
        if begun.is_none()
            && let Some(mark) = tag.and_then(mark)
        {
            if mark == Mark::Forward {
                return None;
            }
            begun = Some((mark, depth));
        }
        let letter = match (begun, ended) {
            (None, _) => &mut before,
            (Some(_), false) => &mut inside,
            (Some(_), true) => &mut after,
        };
        match (&piece, tag) {
            (Piece::Text(text), _) => letter.write(&unescape(text)),
            (_, Some(tag)) => letter.tag(tag),
            _ => {}
        }
        if opens {
            depth += 1;
        } else if tag.is_some_and(|tag| tag.closing) {
            depth = depth.saturating_sub(1);
            ended = ended || begun.is_some_and(|(mark, at)| mark != Mark::Beginning && depth <= at);
        }
    }
    let (mark, _) = begun?;
    let (before, inside, after) = (before.finish(), inside.finish(), after.finish());
    let before = before.trim_end_matches(['_', '\n', ' ', '\u{a0}']).to_owned();
    if !before.chars().any(char::is_alphanumeric) || quotes::begins_forward(&inside) {
        return None;
    }
    if mark == Mark::Cite && !before.trim_end().ends_with([':', '：']) {
        return None;
    }
    let nothing_new = !after.chars().any(char::is_alphanumeric);
    (nothing_new && !has_answers_within(&inside)).then_some(before)
}

/// Whether words stand below the first quoted line that are not quoted themselves.
fn has_answers_within(inside: &str) -> bool {
    let mut quoted = false;
    for line in inside.lines().filter(|line| !line.trim().is_empty()) {
        if line.starts_with('>') {
            quoted = true;
        } else if quoted {
            return true;
        }
    }
    false
}
