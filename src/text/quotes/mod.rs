//! Which part of a message is quoted history. A quote left standing is a blemish; new words folded away are a
//! customer unheard. So whenever a message can be read in two ways, nothing is folded.

mod openings;
mod words;

use std::ops::Range;

use openings::Opening;
pub use openings::is_telephone_line;

/// A line of the body without its line end.
#[derive(Debug, Clone, Copy)]
struct Line<'a> {
    text: &'a str,
    start: usize,
    /// Behind the line end.
    end: usize,
}

impl Line<'_> {
    fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    fn is_quoted(&self) -> bool {
        self.text.trim_start().starts_with('>')
    }
}

fn lines(body: &str) -> Vec<Line<'_>> {
    let mut start = 0;
    body.split_inclusive('\n')
        .map(|line| {
            let end = start + line.len();
            let line = Line { text: line.trim_end_matches(['\n', '\r']), start, end };
            start = end;
            line
        })
        .collect()
}

/// The byte range of `body` that is quoted history, on line boundaries; empty when there is none or when it cannot be
/// told from new words. It ends with the body when the answer stands above the quote, begins with it when the answer stands
/// below, and lies within when only a signature follows the quote.
pub fn split(body: &str) -> Range<usize> {
    let lines = lines(body);
    let quote = history(&lines).and_then(|range| {
        let start = lines.get(range.start)?.start;
        let end = lines.get(range.end.checked_sub(1)?)?.end;
        Some(start..end)
    });
    match quote {
        Some(quote) if has_words(&body[..quote.start]) || has_words(&body[quote.end..]) => quote,
        _ => 0..0,
    }
}

/// The history below `above`, the words that stand over it where an HTML letter shows its structure; empty unless the body begins with just
/// these words and a line ends behind them.
pub fn below(body: &str, above: &str) -> Range<usize> {
    let mut rest = body.char_indices().filter(|(_, c)| !c.is_whitespace());
    let mut end = 0;
    for wanted in above.chars().filter(|c| !c.is_whitespace()) {
        match rest.next() {
            Some((at, c)) if c == wanted => end = at + c.len_utf8(),
            _ => return 0..0,
        }
    }
    let tail = &body[end..];
    let line_end = tail.find('\n').map_or(tail.len(), |at| at + 1);
    let start = end + line_end;
    let whole_line = !has_words(&tail[..line_end]);
    if end == 0 || !whole_line || !has_words(&body[start..]) || announces_answers(&lines(&body[..start])) {
        return 0..0;
    }
    start..body.len()
}

/// Whether the first words are those by which programs pass a message on.
pub fn begins_forward(text: &str) -> bool {
    let lines = lines(text);
    next_words(&lines, 0).is_some_and(|first| openings::at(&lines, first) == Some(Opening::Forward))
}

/// Whether a message passed on begins anywhere in it.
pub fn holds_forward(body: &str) -> bool {
    let lines = lines(body);
    (0..lines.len()).any(|at| openings::is_forward(&lines[at]))
}

/// The words outside the quoted range, without blank lines around them.
pub fn new_text(body: &str, quote: &Range<usize>) -> String {
    let outside = body.get(..quote.start).zip(body.get(quote.end..));
    let (before, after) = match outside {
        Some((before, after)) if !quote.is_empty() => (without_blank_lines(before), without_blank_lines(after)),
        _ => (without_blank_lines(body), ""),
    };
    let gap = if before.is_empty() || after.is_empty() { "" } else { "\n\n" };
    format!("{before}{gap}{after}")
}

fn without_blank_lines(text: &str) -> &str {
    let text = text.trim_end();
    let indent = text.len() - text.trim_start().len();
    let first = text[..indent].rfind('\n').map_or(0, |at| at + 1);
    &text[first..]
}

fn has_words(text: &str) -> bool {
    text.chars().any(|c| !c.is_whitespace() && !c.is_control())
}

/// The lines that are history.
fn history(lines: &[Line<'_>]) -> Option<Range<usize>> {
    let (at, opening) = (0..lines.len()).find_map(|at| Some((at, openings::at(lines, at)?)))?;
    match opening {
        // What the customer passes on is news to the desk.
        Opening::Forward => None,
        Opening::Rest => (!announces_answers(&lines[..at])).then_some(at..lines.len()),
        Opening::Attribution { end } => match next_words(lines, end) {
            Some(next) if lines[next].is_quoted() => block(lines, at, next, Known::Attributed),
            Some(_) => attributed_rest(lines, at, end),
            None => None,
        },
        Opening::Quote => {
            let known = if opens_attributed(lines, at) { Known::Attributed } else { Known::Bare };
            block(lines, at, at, known)
        }
    }
}

/// History without marks: taken for such only below a line that gives an address and a time, as programs write it.
fn attributed_rest(lines: &[Line<'_>], at: usize, end: usize) -> Option<Range<usize>> {
    let certain = openings::is_certain(&lines[at..end]) && has_words_in(&lines[..at]);
    (certain && !announces_answers(&lines[..at]) && !lines[end..].iter().any(Line::is_quoted)).then_some(at..lines.len())
}

/// Whether somebody is named as the author of a quote.
#[derive(Clone, Copy, PartialEq)]
enum Known {
    Attributed,
    Bare,
}

/// History in lines with `>`, from `at` on; its first marked line is `first`.
fn block(lines: &[Line<'_>], at: usize, first: usize, known: Known) -> Option<Range<usize>> {
    let length = lines[first..].iter().take_while(|line| line.is_quoted() || line.is_blank()).count();
    let tail = first + length;
    let last = (first..tail).rev().find(|&index| lines[index].is_quoted())?;
    // Another quote further down: answers stand between the lines.
    if lines[tail..].iter().any(Line::is_quoted) {
        return None;
    }
    match (has_words_in(&lines[..at]), has_words_in(&lines[tail..])) {
        (true, false) if known == Known::Attributed || looks_sent(&lines[first..=last]) => Some(at..lines.len()),
        (true, true) if known == Known::Attributed && is_signature(&lines[tail..]) => Some(at..last + 1),
        // One line with a mark may as well be "> 5 kg".
        (false, true) if known == Known::Attributed || last > first => Some(at..last + 1),
        _ => None,
    }
}

/// Whether a quoted block begins with the attribution inside the marks, as Apple Mail's HTML does.
fn opens_attributed(lines: &[Line<'_>], at: usize) -> bool {
    let inner: Vec<Line<'_>> = lines[at..]
        .iter()
        .take_while(|line| line.is_quoted())
        .take(4)
        .map(|line| Line { text: line.text.trim_start().trim_start_matches('>').trim_start(), ..*line })
        .collect();
    matches!(openings::at(&inner, 0), Some(Opening::Attribution { .. } | Opening::Rest))
}

/// Whether an unattributed block at the end looks like a letter rather than like a list that somebody typed with `>`.
fn looks_sent(block: &[Line<'_>]) -> bool {
    let is_empty = |line: &Line<'_>| line.text.trim_matches(['>', ' ']).is_empty();
    block.len() >= 5 && block.iter().any(|line| line.is_quoted() && is_empty(line))
}

fn has_words_in(lines: &[Line<'_>]) -> bool {
    lines.iter().any(|line| has_words(line.text))
}

fn next_words(lines: &[Line<'_>], from: usize) -> Option<usize> {
    (from..lines.len()).find(|&at| !lines[at].is_blank())
}

/// Whether only a signature stands here: behind the usual dashes, or the one line of a telephone.
fn is_signature(lines: &[Line<'_>]) -> bool {
    let mut words = lines.iter().filter(|line| !line.is_blank()).peekable();
    let Some(first) = words.next() else { return true };
    match first.text.trim_end() {
        "--" => words.count() <= 8,
        line => words.peek().is_none() && openings::is_telephone_line(line),
    }
}

/// Whether the words above a quote say that the answers stand inside it.
fn announces_answers(lines: &[Line<'_>]) -> bool {
    lines.iter().any(|line| openings::announces_answers(line.text))
}

#[cfg(test)]
mod tests;
