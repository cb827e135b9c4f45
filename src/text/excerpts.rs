//! The one line of a message that a list shows.

/// The words on one line, at most `max_chars` characters, cut between words where there is a gap to cut at.
pub fn excerpt(text: &str, max_chars: usize) -> String {
    let mut out = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        let space = usize::from(length > 0);
        // Only as much of a word is counted as could matter: one word may be megabytes long.
        let letters = word.chars().take(max_chars + 1).count();
        if length + space + letters > max_chars {
            return cut(out, word, max_chars);
        }
        if space > 0 {
            out.push(' ');
        }
        out.push_str(word);
        length += space + letters;
    }
    out
}

/// Words as the beginning of a sentence: with a capital.
pub fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

/// Ends an excerpt before `next`, the word for which there is no room.
fn cut(mut out: String, next: &str, max_chars: usize) -> String {
    let Some(room) = max_chars.checked_sub(1) else {
        return String::new();
    };
    if out.is_empty() {
        out.extend(next.chars().take(room));
    } else if out.chars().count() > room {
        let boundary = out.rfind(' ').or(out.char_indices().last().map(|(at, _)| at));
        out.truncate(boundary.unwrap_or_default());
    }
    out.truncate(out.trim_end_matches([',', ';', ':', '.', ' ']).len());
    out.push('…');
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("", 10, "")]
    #[case("  Buon\n\n giorno\t", 20, "Buon giorno")]
    #[case("Buongiorno a tutti", 18, "Buongiorno a tutti")]
    #[case("Buongiorno, a tutti", 14, "Buongiorno, a…")]
    #[case("Buongiorno, a tutti", 13, "Buongiorno…")]
    #[case("Donaudampfschifffahrt", 6, "Donau…")]
    #[case("anything", 0, "")]
    #[case("anything", 1, "…")]
    #[case("a b", 1, "…")]
    fn cuts_between_words(#[case] text: &str, #[case] max: usize, #[case] expected: &str) {
        assert_eq!(excerpt(text, max), expected);
    }

    proptest! {
        #[test]
        fn never_longer_than_asked(text in "\\PC{0,80}", max in 0usize..40) {
            let line = excerpt(&text, max);
            prop_assert!(line.chars().count() <= max);
            prop_assert!(!line.contains('\n'));
        }
    }
}
