//! Words of anger: lists that a shop reads and edits, and what of them stands in a text. No weights and no guesses: a word is there or not.
//!
//! Both sides are folded (case and diacritics) and cut into words, so that `è` finds `e`, and `truffa` is not found in `truffaldino` unless
//! the list says so. Each word of the text is looked up once for itself and once for each of its beginnings; no list makes that slower.

use std::collections::HashMap;
use std::ops::Range;

use crate::text::folding::fold;

/// Languages with a list of their own, and the list for all of them, each with the list that a new shop begins with.
pub const DEFAULTS: [(&str, &str); 6] = [
    ("it", include_str!("anger/it.txt")),
    ("en", include_str!("anger/en.txt")),
    ("fr", include_str!("anger/fr.txt")),
    ("de", include_str!("anger/de.txt")),
    ("es", include_str!("anger/es.txt")),
    ("any", include_str!("anger/any.txt")),
];

/// The most entries of one list.
pub const MAX_ENTRIES: usize = 500;
/// The longest entry, in words.
const MAX_WORDS: usize = 8;
/// The longest entry, in bytes.
const MAX_ENTRY: usize = 120;
/// Letters before a star: with fewer it would find half the language.
const MIN_STEM: usize = 3;
/// Of a text only so much is read, in bytes.
const MAX_TEXT: usize = 20_000;
/// Of a word only so much is looked at, in bytes.
const MAX_WORD: usize = 60;
/// Entries that one text is shown to have.
const MAX_FOUND: usize = 12;

/// A word of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Word(String),
    /// Any word that begins so.
    Stem(String),
    /// Any one word.
    Any,
}

#[derive(Debug, Clone)]
struct Entry {
    language: String,
    /// As it stands in the list.
    written: String,
    pieces: Vec<Piece>,
    exception: bool,
}

/// Lists, ready to be asked.
#[derive(Debug, Clone, Default)]
pub struct Lists {
    entries: Vec<Entry>,
    by_word: HashMap<String, Vec<usize>>,
    by_stem: HashMap<String, Vec<usize>>,
}

/// An entry that stands in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Of the list: two letters, or `any`.
    pub language: String,
    /// The entry as the list has it.
    pub entry: String,
    /// The words as the text has them.
    pub words: String,
    /// Where in the text, in bytes.
    pub place: Range<usize>,
}

/// A line of a list that cannot be used, in words for whoever edits it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Line {line}: {words}")]
pub struct Unusable {
    /// Counted from 1.
    pub line: usize,
    pub words: String,
}

/// What a list says line by line; comments and empty lines say nothing.
fn lines(list: &str) -> impl Iterator<Item = (usize, &str)> {
    list.lines().enumerate().map(|(at, line)| (at + 1, line.trim())).filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

/// Whether a list can be used as it stands.
///
/// # Errors
/// The first line that cannot.
pub fn check(list: &str) -> Result<(), Unusable> {
    let mut count = 0;
    for (line, written) in lines(list) {
        count += 1;
        if count > MAX_ENTRIES {
            return Err(Unusable { line, words: format!("a list holds at most {MAX_ENTRIES} entries.") });
        }
        read(written).map_err(|words| Unusable { line, words })?;
    }
    Ok(())
}

/// How many words and phrases a list holds, its exceptions among them.
pub fn count(list: &str) -> usize {
    lines(list).count()
}

/// Reads one line of a list: whether it is an exception, and its words.
fn read(written: &str) -> Result<(bool, Vec<Piece>), String> {
    let (exception, phrase) = match written.strip_prefix('-') {
        Some(rest) => (true, rest.trim()),
        None => (false, written),
    };
    if phrase.len() > MAX_ENTRY {
        return Err(format!("“{}…” is too long.", phrase.chars().take(30).collect::<String>()));
    }
    let mut pieces = Vec::new();
    for part in phrase.split_whitespace() {
        if part == "*" {
            pieces.push(Piece::Any);
            continue;
        }
        let (part, starred) = match part.strip_suffix('*') {
            Some(stem) => (stem, true),
            None => (part, false),
        };
        if part.contains('*') {
            return Err(format!("“{phrase}” has a star inside a word; it may only stand at the end."));
        }
        let mut words: Vec<String> = cut(part).into_iter().map(|word| word.folded).collect();
        let last = words.pop();
        pieces.extend(words.into_iter().map(Piece::Word));
        match last {
            Some(stem) if starred && stem.chars().count() < MIN_STEM => {
                return Err(format!("“{phrase}” needs at least {MIN_STEM} letters before its star."));
            }
            Some(stem) if starred => pieces.push(Piece::Stem(stem)),
            Some(word) => pieces.push(Piece::Word(word)),
            None => {}
        }
    }
    match pieces.first() {
        None => Err(format!("“{phrase}” has no word in it.")),
        Some(Piece::Any) => Err(format!("“{phrase}” cannot begin with a star.")),
        Some(_) if pieces.len() > MAX_WORDS => Err(format!("“{phrase}” has more than {MAX_WORDS} words.")),
        Some(_) => Ok((exception, pieces)),
    }
}

/// A word of a text.
struct Word {
    folded: String,
    place: Range<usize>,
    /// A sentence ended before it: no phrase goes across.
    begins: bool,
}

/// Letters, digits and the marks on them make words; a face of its own is one.
fn cut(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let (mut start, mut begins) = (None, true);
    let mut finish = |start: &mut Option<usize>, end: usize, begins: &mut bool| {
        if let Some(from) = start.take() {
            words.push(Word { folded: fold(&text[from..end]), place: from..end, begins: *begins });
            *begins = false;
        }
    };
    for (at, c) in text.char_indices() {
        if c.is_alphanumeric() || (start.is_some() && ('\u{300}'..='\u{36f}').contains(&c)) {
            start.get_or_insert(at);
            continue;
        }
        finish(&mut start, at, &mut begins);
        if ('\u{1f300}'..='\u{1faff}').contains(&c) {
            start = Some(at);
            finish(&mut start, at + c.len_utf8(), &mut begins);
        }
        begins |= matches!(c, '.' | '!' | '?' | ';' | '…' | '\n');
    }
    finish(&mut start, text.len(), &mut begins);
    words
}

impl Lists {
    /// Reads lists by language. What cannot be used is left out; see [`check`].
    pub fn new<'a>(lists: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut all = Self::default();
        for (language, list) in lists {
            for (_, written) in lines(list).take(MAX_ENTRIES) {
                let Ok((exception, pieces)) = read(written) else { continue };
                let index = all.entries.len();
                match pieces.first() {
                    Some(Piece::Word(word)) => all.by_word.entry(word.clone()).or_default().push(index),
                    Some(Piece::Stem(stem)) => all.by_stem.entry(stem.clone()).or_default().push(index),
                    Some(Piece::Any) | None => continue,
                }
                all.entries.push(Entry { language: language.to_owned(), written: written.to_owned(), pieces, exception });
            }
        }
        all
    }

    /// Which entries stand in a text, each once, in the order of the text.
    pub fn find(&self, text: &str) -> Vec<Found> {
        let text = &text[..text.floor_char_boundary(MAX_TEXT)];
        let words = cut(text);
        let mut hits: Vec<(usize, Range<usize>)> = Vec::new();
        let mut spared: Vec<Range<usize>> = Vec::new();
        for at in 0..words.len() {
            for index in self.beginning_with(&words[at].folded) {
                let entry = &self.entries[index];
                let range = at..at + entry.pieces.len();
                if !stands(&entry.pieces, &words, at) {
                    continue;
                }
                if entry.exception { spared.push(range) } else { hits.push((index, range)) }
            }
        }
        let mut found: Vec<Found> = Vec::new();
        // Of “worst service ever” and “worst service” the longer says it all. Ranges come in the order of their beginnings.
        hits.sort_by_key(|(_, range)| (range.start, std::cmp::Reverse(range.end)));
        let mut longest = 0;
        hits.retain(|(_, range)| {
            let new = range.end > longest;
            longest = longest.max(range.end);
            new
        });
        for (index, range) in hits {
            // What an exception covers as a whole is not meant.
            if spared.iter().any(|spared| spared.start <= range.start && range.end <= spared.end) {
                continue;
            }
            let entry = &self.entries[index];
            let place = words[range.start].place.start..words[range.end - 1].place.end;
            let known = found.iter().any(|other| other.entry == entry.written && other.language == entry.language);
            if !known && found.len() < MAX_FOUND {
                let words = text[place.clone()].to_owned();
                found.push(Found { language: entry.language.clone(), entry: entry.written.clone(), words, place });
            }
        }
        found
    }

    /// The entries whose first word this may be.
    fn beginning_with<'a>(&'a self, word: &'a str) -> impl Iterator<Item = usize> + 'a {
        let exact = self.by_word.get(word).into_iter().flatten();
        let head = &word[..word.floor_char_boundary(MAX_WORD)];
        let ends = head.char_indices().map(|(at, c)| at + c.len_utf8()).skip(MIN_STEM - 1);
        let stems = ends.filter_map(|end| self.by_stem.get(&head[..end])).flatten();
        exact.chain(stems).copied()
    }
}

fn stands(pieces: &[Piece], words: &[Word], at: usize) -> bool {
    let Some(there) = words.get(at..at + pieces.len()) else { return false };
    pieces.iter().zip(there).enumerate().all(|(place, (piece, word))| {
        (place == 0 || !word.begins)
            && match piece {
                Piece::Word(wanted) => word.folded == *wanted,
                Piece::Stem(stem) => word.folded.starts_with(stem.as_str()),
                Piece::Any => true,
            }
    })
}
