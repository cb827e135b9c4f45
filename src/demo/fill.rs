//! Fills the gaps of a script so that no two tickets read the same.

use super::dice::Dice;

/// What stands for `{name}` in one ticket.
pub(super) type Words = Vec<(&'static str, String)>;

/// Replaces `{gaps}` by their words.
pub(super) fn gaps(text: &str, words: &[(&'static str, String)]) -> String {
    let mut filled = text.to_owned();
    for (gap, word) in words {
        let gap = format!("{{{gap}}}");
        if filled.contains(&gap) {
            filled = filled.replace(&gap, word);
        }
    }
    filled
}

/// Chooses one wording of every `[one|or another]`; brackets without a bar stay.
pub(super) fn choices(text: &str, dice: &mut Dice) -> String {
    let mut chosen = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        chosen.push_str(before);
        match after.split_once(']') {
            Some((inside, behind)) if inside.contains('|') => {
                let wordings: Vec<&str> = inside.split('|').collect();
                chosen.push_str(dice.pick(&wordings).copied().unwrap_or_default());
                rest = behind;
            }
            _ => {
                chosen.push('[');
                rest = after;
            }
        }
    }
    chosen.push_str(rest);
    chosen
}

/// Italian elides the article before the eighth and the eleventh: "l'8 marzo", "dell'11 giugno".
pub(super) fn elide(text: &str) -> String {
    text.replace(" il 8 ", " l'8 ").replace(" il 11 ", " l'11 ").replace("del 8 ", "dell'8 ").replace("del 11 ", "dell'11 ")
}
