//! Pictures within the words of a letter: a line of `![name](cid:id)` stands for the file of that content id.

use std::borrow::Cow;

/// The longest id and the longest name that are believed, in bytes.
const MAX_ID: usize = 80;
const MAX_NAME: usize = 300;

/// A stretch of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stretch<'a> {
    Words(&'a str),
    Picture { name: &'a str, id: &'a str },
}

/// A text cut at its pictures.
pub fn cut(text: &str) -> Vec<Stretch<'_>> {
    let mut stretches = Vec::new();
    let mut words = 0;
    let mut at = 0;
    while let Some(start) = text[at..].find("![").map(|found| at + found) {
        match picture(&text[start..]) {
            Some((name, id, length)) => {
                if words < start {
                    stretches.push(Stretch::Words(&text[words..start]));
                }
                stretches.push(Stretch::Picture { name, id });
                at = start + length;
                words = at;
            }
            None => at = start + 2,
        }
    }
    if words < text.len() {
        stretches.push(Stretch::Words(&text[words..]));
    }
    stretches
}

/// The picture that a text begins with: its name, its id, and how long that is.
fn picture(text: &str) -> Option<(&str, &str, usize)> {
    let rest = text.strip_prefix("![")?;
    let end = rest.bytes().take(MAX_NAME).position(|byte| byte == b']')?;
    let name = &rest[..end];
    let rest = rest[end..].strip_prefix("](cid:")?;
    let end = rest.bytes().take(MAX_ID).position(|byte| byte == b')')?;
    let id = &rest[..end];
    let plain = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'@'));
    (plain && !name.contains('\n')).then_some((name, id, 2 + name.len() + "](cid:".len() + id.len() + 1))
}

/// The text with `[name]` for each of its pictures, as where none can be shown.
pub fn in_words(text: &str) -> Cow<'_, str> {
    if !text.contains("](cid:") {
        return Cow::Borrowed(text);
    }
    let words = |stretch| match stretch {
        Stretch::Words(words) => words.to_owned(),
        Stretch::Picture { name, .. } => format!("[{name}]"),
    };
    Cow::Owned(cut(text).into_iter().map(words).collect())
}

/// The ids of a text's pictures.
pub fn ids(text: &str) -> Vec<&str> {
    let id = |stretch| match stretch {
        Stretch::Picture { id, .. } => Some(id),
        Stretch::Words(_) => None,
    };
    cut(text).into_iter().filter_map(id).collect()
}

/// The words of a picture within a text. Brackets would end its name.
pub fn mark(name: &str, id: &str) -> String {
    let name: String = name.chars().filter(|c| !matches!(c, '[' | ']') && !c.is_control()).take(100).collect();
    format!("![{name}](cid:{id})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_at_its_pictures() {
        let text = "Look:\n![boot.png](cid:p1@desk)\nNice?";
        assert_eq!(cut(text), [Stretch::Words("Look:\n"), Stretch::Picture { name: "boot.png", id: "p1@desk" }, Stretch::Words("\nNice?")]);
        assert_eq!(in_words(text), "Look:\n[boot.png]\nNice?");
        assert_eq!(ids(text), ["p1@desk"]);
        assert_eq!(cut(&mark("a]b[c", "x")), [Stretch::Picture { name: "abc", id: "x" }]);
    }

    #[test]
    fn what_only_looks_like_one_stays() {
        for text in ["![", "![a](cid:", "![a](cid:)", "![a](cid:\"onload)", "![a](http://x)", "![é](cid:è)", "![![![](cid"] {
            assert_eq!(cut(text), [Stretch::Words(text)], "{text}");
        }
        assert!(cut("").is_empty());
    }
}
