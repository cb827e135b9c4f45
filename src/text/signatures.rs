//! Where somebody's words end and their signature begins. Folded apart it is no loss, so only what is sure is taken for one.

use super::quotes;

/// Longest signature, in lines and in bytes.
const MAX_LINES: usize = 15;
const MAX_BYTES: usize = 1_500;
/// The same below a mark that people make too, in lines.
const MAX_DOUBTFUL: usize = 6;

/// The byte offset in `words` (without quoted history) at which the signature begins; its end when there is none.
pub fn start(words: &str) -> usize {
    dashes(words).or_else(|| telephone(words)).unwrap_or(words.len())
}

/// The words and the signature, which is empty when there is none.
pub fn split(words: &str) -> (&str, &str) {
    let (before, signature) = words.split_at(start(words));
    (before.trim_end(), signature.trim())
}

fn ends_of_lines(words: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    words.split_inclusive('\n').map(move |line| {
        let at = start;
        start += line.len();
        (at, line.trim_end_matches(['\n', '\r']))
    })
}

/// Behind the last line of two dashes, as RFC 3676 has it. Many programs lose the space behind them; then it must look like a signature too,
/// for people rule off with two dashes.
fn dashes(words: &str) -> Option<usize> {
    let is_mark = |line: &str| matches!(line, "-- " | "--");
    let (at, mark) = ends_of_lines(words).filter(|(_, line)| is_mark(line)).last()?;
    let below = &words[at..];
    let lines: Vec<&str> = below.lines().skip(1).filter(|line| !line.trim().is_empty()).collect();
    let has_words = words[..at].chars().any(char::is_alphanumeric);
    let doubtful = mark == "--"
        && (ends_of_lines(words).filter(|(_, line)| is_mark(line)).count() > 1
            || lines.len() > MAX_DOUBTFUL
            || lines.iter().any(|line| line.trim_end().ends_with(['?', '!', '.', ',', ';', ':'])));
    let quotes = lines.iter().any(|line| line.starts_with('>'));
    (has_words && !doubtful && !quotes && (1..=MAX_LINES).contains(&lines.len()) && below.len() <= MAX_BYTES).then_some(at)
}

/// "Sent from my iPhone" as the last line.
fn telephone(words: &str) -> Option<usize> {
    let (at, line) = ends_of_lines(words).filter(|(_, line)| !line.trim().is_empty()).last()?;
    (quotes::is_telephone_line(line) && words[..at].chars().any(char::is_alphanumeric)).then_some(at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("It came.\n\n-- \nAnna Verdi\nRoma", "It came.", "-- \nAnna Verdi\nRoma")]
    #[case("It came.\n\n--\nAnna", "It came.", "--\nAnna")]
    #[case("It came.\n\nSent from my iPhone", "It came.", "Sent from my iPhone")]
    #[case("Arrivato.\n\nInviato da iPhone\n", "Arrivato.", "Inviato da iPhone")]
    #[case("Ja.\nVon meinem iPhone gesendet", "Ja.", "Von meinem iPhone gesendet")]
    #[case("Oui.\n\nEnvoyé de mon iPhone", "Oui.", "Envoyé de mon iPhone")]
    #[case("はい。\n\niPhoneから送信", "はい。", "iPhoneから送信")]
    #[case("Yes.\n\nGet Outlook for iOS <https://aka.ms/o0ukef>", "Yes.", "Get Outlook for iOS <https://aka.ms/o0ukef>")]
    #[case("Sent from my iPhone", "Sent from my iPhone", "")]
    #[case("-- \nAnna", "-- \nAnna", "")]
    #[case("Sent from Rome on Monday, it did not arrive yet", "Sent from Rome on Monday, it did not arrive yet", "")]
    #[case("Colours:\n--\nred\n--\nblue", "Colours:\n--\nred\n--\nblue", "")]
    #[case("One thing\n--\nWhere is it?", "One thing\n--\nWhere is it?", "")]
    #[case(
        "Order 55\n--\nThe parcel came broken, send me another one.\nAnna",
        "Order 55\n--\nThe parcel came broken, send me another one.\nAnna",
        ""
    )]
    #[case("Ciao.\n\nVon meinem Samsung Galaxy Smartphone gesendet.", "Ciao.", "Von meinem Samsung Galaxy Smartphone gesendet.")]
    #[case("Hallo.\nIch habe Ihnen die Fotos per Mail gesendet", "Hallo.\nIch habe Ihnen die Fotos per Mail gesendet", "")]
    #[case(
        "Hallo.\nVon meinem Handy aus lässt sich der Link nicht öffnen",
        "Hallo.\nVon meinem Handy aus lässt sich der Link nicht öffnen",
        ""
    )]
    #[case("Hello.\nSent via email on 3 May, no reply yet", "Hello.\nSent via email on 3 May, no reply yet", "")]
    #[case("Hello.\nSent from my phone yesterday.", "Hello.\nSent from my phone yesterday.", "")]
    #[case("안녕하세요.\n나의 휴대폰 번호는 010-1234", "안녕하세요.\n나의 휴대폰 번호는 010-1234", "")]
    #[case("你好。\n从我的手机看不到图片", "你好。\n从我的手机看不到图片", "")]
    #[case("你好。\n从我的iPhone发送", "你好。", "从我的iPhone发送")]
    #[case("Hi.\n\nSent from Mail for Windows", "Hi.", "Sent from Mail for Windows")]
    #[case("Hi.\n\nSent from Yahoo Mail on Android", "Hi.", "Sent from Yahoo Mail on Android")]
    #[case("Prices:\n--\n", "Prices:\n--", "")]
    #[case("No signature here", "No signature here", "")]
    #[case("", "", "")]
    fn signatures_are_told_apart(#[case] words: &str, #[case] expected: &str, #[case] signature: &str) {
        assert_eq!(split(words), (expected, signature.trim()));
    }

    #[test]
    fn a_long_text_below_dashes_is_no_signature() {
        let words = format!("Two parts:\n--\n{}", "and here is what I want to say\n".repeat(40));
        assert_eq!(split(&words).1, "");
    }

    proptest! {
        #[test]
        fn nothing_is_lost(words in "(-- |--|Sent from my iPhone|\n|a|é| ){0,40}") {
            let at = start(&words);
            prop_assert!(words.is_char_boundary(at) && (at == words.len() || words[..at].chars().any(char::is_alphanumeric)));
        }
    }
}
