//! The lines by which mail programs open a quote, in the languages that customers write in.

use std::sync::LazyLock;

use regex::Regex;

use super::Line;
use super::words::{DEVICES, FORWARDED, FROM, ORIGINAL, SENT, SENT_BEHIND, STARTS, SUBJECT, TELEPHONE, TO, VERBS, WITHIN};

/// What begins at a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// Lines with `>`.
    Quote,
    /// "On … wrote:"; `end` is the line behind it.
    Attribution { end: usize },
    /// A divider or a block of headers: history to the end.
    Rest,
    /// A message passed on.
    Forward,
}

/// Longer lines are prose.
const MAX_LINE: usize = 400;
/// An attribution may be wrapped over so many lines.
const MAX_WRAPPED: usize = 4;
/// Lines among which the headers of a quoted message are looked for.
const MAX_HEADERS: usize = 14;

static TIME: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\b\d{1,2}\s?(?:[:.h]|Uhr)\s?\d{2}\b|\d{1,2}\s?(?:時|时|시)").ok());

/// Words of the longest line by which a telephone signs, and its letters.
const MAX_SIGNED: usize = 10;
const MAX_LETTERS: usize = 100;

/// What history begins at line `at`, if any does.
pub fn at(lines: &[Line<'_>], at: usize) -> Option<Opening> {
    let line = lines[at];
    if line.is_blank() || line.text.len() > MAX_LINE {
        return None;
    }
    if line.is_quoted() {
        return Some(Opening::Quote);
    }
    divider(line.text)
        .or_else(|| dashed_attribution(line.text))
        .or_else(|| rule(lines, at))
        .or_else(|| is_header_block(&lines[at..]).then_some(Opening::Rest))
        .or_else(|| attribution(lines, at).map(|end| Opening::Attribution { end }))
}

/// Whether this line says that what follows is passed on.
pub fn is_forward(line: &Line<'_>) -> bool {
    line.text.len() <= MAX_LINE && divider(line.text.trim_start_matches(['>', ' '])) == Some(Opening::Forward)
}

/// "-----Original Message-----" and its like.
fn divider(line: &str) -> Option<Opening> {
    let line = line.trim();
    // What desks put above their letters: "##- Please reply above this line -##".
    if line.len() > 6 && line.starts_with("##-") && line.ends_with("-##") {
        return Some(Opening::Rest);
    }
    let is_dash = |c: char| matches!(c, '-' | '_' | '=' | '*' | '‐' | '‑' | '–' | '—' | '─' | ' ' | '\u{a0}');
    let label = line.trim_matches(|c| is_dash(c) || c == ':').to_lowercase();
    if label.is_empty() || label.len() > 60 {
        return None;
    }
    let dashed = line.chars().take_while(|&c| is_dash(c)).filter(|&c| c != ' ').count() >= 2;
    if FORWARDED.contains(&label.as_str()) && (dashed || line.ends_with(':')) {
        return Some(Opening::Forward);
    }
    (dashed && ORIGINAL.contains(&label.as_str())).then_some(Opening::Rest)
}

/// "---- On Mon, 4 May 2026 09:01 Shop wrote ---", as Zoho has it.
fn dashed_attribution(line: &str) -> Option<Opening> {
    let line = line.trim();
    let bare = line.strip_prefix("---")?.strip_suffix("--")?.trim_matches(['-', ' ']).to_lowercase();
    (has_date(&bare) && VERBS.iter().any(|verb| bare.contains(verb))).then_some(Opening::Rest)
}

/// A line of underscores or dashes with the headers of a message below it.
fn rule(lines: &[Line<'_>], at: usize) -> Option<Opening> {
    let line = lines[at].text.trim();
    if line.len() < 5 || !line.chars().all(|c| matches!(c, '_' | '-' | '—' | '─')) {
        return None;
    }
    let below = (at + 1..lines.len()).take(3).find(|&below| !lines[below].is_blank())?;
    is_header_block(&lines[below..]).then_some(Opening::Rest)
}

/// Whether the headers of a quoted message begin here: its author first, then at least date and subject; or, as some programs have it, the
/// date or the subject first. Fewer could be a customer's own list ("From: Rome, To: Milan").
fn is_header_block(lines: &[Line<'_>]) -> bool {
    let Some(first) = lines.first() else { return false };
    let mut from = is_header(first.text, &FROM);
    let mut sent = is_header(first.text, &SENT);
    let mut subject = is_header(first.text, &SUBJECT);
    if !from && !sent && !subject {
        return false;
    }
    let mut to = false;
    let mut timed = sent && has_time(first.text);
    let mut strangers = 0;
    let authored = from;
    let mut rest = lines[1..].iter().take(MAX_HEADERS).filter(|line| !line.is_blank());
    for line in rest.by_ref() {
        if is_header(line.text, &SUBJECT) {
            subject = true;
        } else if is_header(line.text, &SENT) {
            sent = true;
            timed |= has_time(line.text);
        } else if !authored && is_header(line.text, &FROM) {
            // In another order than usual it must name an address too.
            from = from || has_address(line.text);
        } else if is_header(line.text, &TO) {
            to = true;
        } else {
            // The rest of a long list of recipients.
            strangers += 1;
        }
        if strangers > 2 || (from && sent && subject && (authored || to)) {
            break;
        }
    }
    // A form that was mailed has such lines too, and what was written in it below them: "Message: …". Programs tell the time.
    let is_form = !timed || rest.next().is_some_and(|line| is_labelled(line.text));
    from && sent && subject && (authored || (to && !is_form))
}

/// Whether a line begins with any one word and a colon.
fn is_labelled(line: &str) -> bool {
    let label = line.trim().split([':', '：']).next().unwrap_or_default().trim();
    line.contains([':', '：']) && !label.is_empty() && label.chars().count() <= 24 && label.chars().all(|c| c.is_alphabetic() || c == ' ')
}

fn is_header(line: &str, labels: &[&str]) -> bool {
    let line = line.trim().trim_start_matches('*');
    let Some((at, _)) = line.char_indices().take(24).find(|&(_, c)| matches!(c, ':' | '：')) else {
        return false;
    };
    let label = line[..at].trim_end_matches(|c: char| c == '*' || c.is_whitespace()).to_lowercase();
    labels.contains(&label.as_str())
}

/// The line behind an attribution that begins at line `at`.
fn attribution(lines: &[Line<'_>], at: usize) -> Option<usize> {
    let first = lines[at].text.trim();
    let begins_as_usual = |line: &str| STARTS.iter().any(|start| line.starts_with(start));
    let begins = begins_as_usual(first) || has_date(first);
    let mut joined = String::new();
    for (index, line) in lines[at..].iter().take(MAX_WRAPPED).enumerate() {
        if line.is_blank() || line.is_quoted() || line.text.len() > MAX_LINE {
            return None;
        }
        joined.push(' ');
        joined.push_str(line.text.trim());
        // Wrapped ones must begin like one, else the words before would be taken along.
        if index > 0 && (!begins || !has_date(&joined) || begins_as_usual(line.text.trim())) {
            return None;
        }
        if is_attribution(&joined) || (names_author(&joined) && next_is_quoted(&lines[at + index + 1..])) {
            return Some(at + index + 1);
        }
        // Prose ends its sentences; an attribution has none.
        if line.text.trim_end().ends_with(['!', '?', ';']) {
            return None;
        }
    }
    None
}

fn is_attribution(line: &str) -> bool {
    let line = line.trim().trim_matches('*').trim_end();
    let Some(before) = line.strip_suffix([':', '：']) else {
        return false;
    };
    let lower = line.to_lowercase();
    // The programs of some languages end with the address and have no verb.
    VERBS.iter().any(|verb| lower.contains(verb)) || (before.ends_with('>') && has_address(line) && has_time(line))
}

/// Whether a line ends with an address and bears date and time: an attribution without a verb, if a quote follows.
fn names_author(line: &str) -> bool {
    let Some(before) = line.trim().strip_suffix([':', '：']) else { return false };
    before.split_whitespace().last().is_some_and(has_address) && has_date(before) && has_time(before)
}

fn next_is_quoted(lines: &[Line<'_>]) -> bool {
    lines.iter().take(3).find(|line| !line.is_blank()).is_some_and(Line::is_quoted)
}

/// Whether an attribution bears what only programs write: an address, a date and a time.
pub fn is_certain(lines: &[Line<'_>]) -> bool {
    let joined: Vec<&str> = lines.iter().map(|line| line.text.trim()).collect();
    let joined = joined.join(" ");
    has_address(&joined) && has_date(&joined) && has_time(&joined)
}

fn has_address(text: &str) -> bool {
    text.split(['<', '>', '(', ')', '[', ']', ' ', ':'])
        .any(|word| word.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.')))
}

fn has_time(text: &str) -> bool {
    TIME.as_ref().is_some_and(|time| time.is_match(text))
}

/// A day and a year, or a whole date in figures.
fn has_date(text: &str) -> bool {
    let numbers: Vec<&str> = text.split(|c: char| !c.is_ascii_digit()).filter(|number| !number.is_empty()).collect();
    numbers.len() >= 2 && numbers.iter().any(|number| number.len() <= 2) && numbers.iter().any(|number| matches!(number.len(), 2 | 4))
}

/// Whether this is the line by which a telephone or an app signs: what it says, and in what.
pub fn is_telephone_line(line: &str) -> bool {
    let line = line.trim().trim_start_matches(['-', '–', '—', '*', '_', ' ']).to_lowercase();
    let line = line.trim_end_matches(['-', '–', '—', '*', '_', ' ']);
    let behind = line.trim_end_matches(['.', '。']);
    let sent_behind = SENT_BEHIND.iter().any(|(start, end)| line.starts_with(start) && behind.ends_with(end));
    // Only Proton signs in a whole sentence; other sentences are somebody's own.
    let sentence = line.ends_with(['.', '。']) && !line.contains("proton");
    let sent = TELEPHONE.iter().any(|start| line.starts_with(start)) && !sentence;
    // Whoever tells something in their last line needs more words for it, or a comma.
    let short = line.split_whitespace().count() <= MAX_SIGNED && (line.is_ascii() || line.chars().count() <= MAX_LETTERS);
    short && (sent || sent_behind) && DEVICES.iter().any(|device| line.contains(device)) && !line.contains(['?', '!', ',', '、', '，'])
}

/// Whether this line says that answers stand inside the quote.
pub fn announces_answers(line: &str) -> bool {
    let line = line.to_lowercase();
    WITHIN.iter().any(|phrase| line.match_indices(phrase).any(|(at, _)| stands_alone(&line, at, phrase.len())))
}

fn stands_alone(line: &str, at: usize, length: usize) -> bool {
    let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    !letter(line[..at].chars().next_back()) && !letter(line[at + length..].chars().next())
}
