//! How much a message reads like what a shop's people have called spam: the words it is known by, and what their counts say. Pure.
//!
//! Robinson's estimate of each word and Fisher's way of putting them together, as SpamBayes has shown to work with few messages. Anybody can
//! be told which words it was.

use std::collections::{BTreeMap, BTreeSet};

use crate::text::folding::fold;

/// Words looked at of one message, at most.
pub const MAX_WORDS: usize = 400;
/// Letters of a body that are read.
const MAX_TEXT: usize = 20_000;
/// Shorter ones are everywhere, longer ones nowhere twice; in letters.
const SHORTEST: usize = 3;
const LONGEST: usize = 28;
/// How far from a half a word has to be to say anything, and how many of the clearest count.
const CLEAR: f64 = 0.1;
const CLEAREST: usize = 120;
/// What is thought of a word that was never seen, and how many messages that thought weighs.
const UNKNOWN: f64 = 0.5;
const WEIGHT: f64 = 0.45;

/// What a message is known by: its words, those of its subject apart, its links' hosts and its sender's domain. Sorted, each once.
pub fn words(subject: &str, body: &str, html: Option<&str>, sender: &str) -> Vec<String> {
    let mut found = BTreeSet::new();
    if let Some((_, domain)) = sender.rsplit_once('@') {
        found.insert(format!("from:{}", clip(&domain.to_lowercase())));
    }
    for host in hosts(body).chain(html.map(hosts).into_iter().flatten()).take(40) {
        found.insert(format!("link:{host}"));
    }
    found.extend(pieces(subject).map(|word| format!("subject:{word}")));
    for word in pieces(&body[..body.floor_char_boundary(MAX_TEXT)]) {
        if found.len() >= MAX_WORDS {
            break;
        }
        found.insert(word);
    }
    found.into_iter().take(MAX_WORDS).collect()
}

fn clip(text: &str) -> &str {
    &text[..text.floor_char_boundary(80)]
}

/// Runs of letters and digits with a letter among them; scripts without spaces in pairs of letters.
fn pieces(text: &str) -> impl Iterator<Item = String> {
    let folded = fold(text);
    let mut out = Vec::new();
    for run in folded.split(|c: char| !c.is_alphanumeric()) {
        let letters: Vec<char> = run.chars().collect();
        if letters.iter().any(|c| is_unspaced(*c)) {
            out.extend(letters.windows(2).map(|pair| pair.iter().collect::<String>()));
        } else if (SHORTEST..=LONGEST).contains(&letters.len()) && letters.iter().any(|c| c.is_alphabetic()) {
            out.push(run.to_owned());
        }
    }
    out.into_iter()
}

/// Han, kana, Hangul and Thai.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{0e00}'..='\u{0e7f}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}')
}

/// The hosts of the links in a text, without `www.`.
fn hosts(text: &str) -> impl Iterator<Item = String> {
    text.match_indices("://").filter_map(|(at, mark)| {
        let rest = &text[at + mark.len()..];
        let host: String = rest.chars().take(80).take_while(|c| c.is_alphanumeric() || matches!(c, '.' | '-')).collect();
        let host = host.to_lowercase();
        let host = host.strip_prefix("www.").unwrap_or(&host).trim_matches('.').to_owned();
        host.contains('.').then_some(host)
    })
}

/// In how many messages of either sort a word stood.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    pub spam: i32,
    pub ham: i32,
}

/// How a message is judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// From 0, surely none, to 1, surely spam.
    pub score: f64,
    /// The words that say spam most clearly, the clearest first; five at most.
    pub because: Vec<String>,
}

/// Judges by the counts of a message's words, and how many messages of either sort were learnt in all. With nothing learnt of one sort
/// nothing can be said: a half.
pub fn judge(counts: &BTreeMap<String, Count>, learnt: Count) -> Judgement {
    let (spam, ham) = (f64::from(learnt.spam.max(0)), f64::from(learnt.ham.max(0)));
    if spam < 1.0 || ham < 1.0 {
        return Judgement { score: 0.5, because: Vec::new() };
    }
    let chance = |count: &Count| {
        let (in_spam, in_ham) = (f64::from(count.spam.max(0)) / spam, f64::from(count.ham.max(0)) / ham);
        if in_spam + in_ham == 0.0 {
            return UNKNOWN;
        }
        let seen = f64::from(count.spam.max(0)) + f64::from(count.ham.max(0));
        ((WEIGHT * UNKNOWN + seen * (in_spam / (in_spam + in_ham))) / (WEIGHT + seen)).clamp(0.001, 0.999)
    };
    let mut clues: Vec<(&str, f64)> = counts.iter().map(|(word, count)| (word.as_str(), chance(count))).collect();
    clues.retain(|(_, chance)| (chance - 0.5).abs() >= CLEAR);
    clues.sort_by(|a, b| (b.1 - 0.5).abs().total_cmp(&(a.1 - 0.5).abs()).then(a.0.cmp(b.0)));
    clues.truncate(CLEAREST);
    if clues.is_empty() {
        return Judgement { score: 0.5, because: Vec::new() };
    }
    let freedom = clues.len();
    let for_spam: f64 = clues.iter().map(|(_, chance)| chance.ln()).sum();
    let for_ham: f64 = clues.iter().map(|(_, chance)| (1.0 - chance).ln()).sum();
    // How unlikely chance alone brings so much on either side; both unlikely is a message of both worlds: a half.
    let score = (1.0 - chi_squared(-2.0 * for_ham, freedom) + chi_squared(-2.0 * for_spam, freedom)) / 2.0;
    let because = clues.iter().filter(|(_, chance)| *chance > 0.5).take(5).map(|(word, _)| (*word).to_owned()).collect();
    Judgement { score: score.clamp(0.0, 1.0), because }
}

/// How likely a sum of squares this large is by chance, with twice as many degrees of freedom.
fn chi_squared(value: f64, half_freedom: usize) -> f64 {
    let half = value / 2.0;
    let mut term = (-half).exp();
    let mut sum = term;
    let mut step = 1.0;
    for _ in 1..half_freedom {
        term *= half / step;
        sum += term;
        step += 1.0;
    }
    sum.min(1.0)
}

/// A word as people read it: what it was found in, and what it is.
pub fn spelled(word: &str) -> String {
    match word.split_once(':') {
        Some(("from", domain)) => format!("sender at {domain}"),
        Some(("link", host)) => format!("link to {host}"),
        Some(("subject", word)) => format!("“{word}” in the subject"),
        _ => format!("“{word}”"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn learn(messages: &[(&str, bool)]) -> (BTreeMap<String, Count>, Count) {
        let (mut counts, mut learnt) = (BTreeMap::<String, Count>::new(), Count::default());
        for (text, spam) in messages {
            for word in words("", text, None, "") {
                let count = counts.entry(word).or_default();
                if *spam { count.spam += 1 } else { count.ham += 1 }
            }
            if *spam { learnt.spam += 1 } else { learnt.ham += 1 }
        }
        (counts, learnt)
    }

    fn of(known: &BTreeMap<String, Count>, learnt: Count, text: &str) -> Judgement {
        let counts = words("", text, None, "").into_iter().filter_map(|word| Some((word.clone(), *known.get(&word)?))).collect();
        judge(&counts, learnt)
    }

    #[test]
    fn what_was_learnt_decides_and_says_why() {
        let mut messages = Vec::new();
        for _ in 0..12 {
            messages.push(("Guaranteed first page ranking on Google for your website, cheap backlinks offer", true));
            messages.push(("Buongiorno, il mio ordine non è ancora arrivato, quando parte il pacco?", false));
        }
        let (known, learnt) = learn(&messages);
        let spam = of(&known, learnt, "We offer cheap ranking and backlinks for your website");
        assert!(spam.score > 0.95, "{spam:?}");
        assert!(spam.because.contains(&"backlinks".to_owned()), "{spam:?}");
        let ham = of(&known, learnt, "Salve, il pacco del mio ordine è arrivato rotto");
        assert!(ham.score < 0.05, "{ham:?}");
        assert_eq!(of(&known, learnt, "Ελληνικά μόνο").score, 0.5, "nothing is known of it");
        let mixed = of(&known, learnt, "il mio ordine website backlinks pacco ranking");
        assert!((0.05..0.95).contains(&mixed.score), "{mixed:?}");
    }

    #[test]
    fn with_one_sort_alone_nothing_is_said() {
        let (known, learnt) = learn(&[("cheap backlinks", true), ("cheap backlinks", true)]);
        assert_eq!(of(&known, learnt, "cheap backlinks").score, 0.5);
    }

    #[test]
    fn words_are_folded_hosts_and_senders_apart() {
        let found = words(
            "Più VISITE!",
            "Clicca https://www.Bad.example/x?y=1 èquo 12345 ab 日本語",
            Some("<a href=\"http://cdn.example\">"),
            "x@Spam.Example",
        );
        assert_eq!(
            found,
            [
                "clicca",
                "equo",
                "example",
                "from:spam.example",
                "https",
                "link:bad.example",
                "link:cdn.example",
                "subject:piu",
                "subject:visite",
                "www",
                "日本",
                "本語",
                "bad"
            ]
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect::<Vec<_>>()
        );
        assert_eq!(spelled("link:bad.example"), "link to bad.example");
    }

    proptest! {
        #[test]
        fn any_text_has_bounded_words(subject in ".{0,200}", body in "\\PC{0,4000}") {
            let found = words(&subject, &body, Some(&body), &subject);
            prop_assert!(found.len() <= MAX_WORDS);
            prop_assert!(found.iter().all(|word| word.len() <= 400));
            let counts = found.into_iter().enumerate().map(|(at, word)| (word, Count { spam: i32::try_from(at).unwrap_or(0) % 7, ham: 3 })).collect();
            let score = judge(&counts, Count { spam: 10, ham: 10 }).score;
            prop_assert!((0.0..=1.0).contains(&score));
        }
    }
}
