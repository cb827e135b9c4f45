//! Names as the screens show them.

/// Up to two capitals for an avatar: of the first and the last word. `?` when there is no letter.
pub fn initials(name: &str) -> String {
    let capitals = || name.split(|c: char| c.is_whitespace() || c == '@').filter_map(|word| word.chars().find(|c| c.is_alphanumeric()));
    let first = capitals().next();
    let last = if name.contains('@') { None } else { capitals().skip(1).last() };
    let letters: String = first.into_iter().chain(last).flat_map(char::to_uppercase).collect();
    if letters.is_empty() { "?".to_owned() } else { letters }
}

/// A name guessed from an address: `anna.verdi@example.it` is "Anna Verdi". The local part as it is where it does not look like a name.
pub fn display_name(address: &str) -> String {
    let local = address.split('@').next().unwrap_or_default();
    let person = local.split('+').next().unwrap_or_default();
    let words: Vec<&str> = person.split(['.', '_', '-']).filter(|word| !word.is_empty()).collect();
    let like_a_name = |word: &&str| word.trim_end_matches(|c: char| c.is_ascii_digit()).chars().all(char::is_alphabetic);
    if words.is_empty() || !words.iter().all(like_a_name) {
        return local.to_owned();
    }
    let names: Vec<String> = words
        .iter()
        .map(|word| word.trim_end_matches(|c: char| c.is_ascii_digit()))
        .filter(|word| !word.is_empty())
        .map(capitalised)
        .collect();
    if names.is_empty() { local.to_owned() } else { names.join(" ") }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters.flat_map(char::to_lowercase)).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("Anna Verdi", "AV")]
    #[case("anna maria de verdi", "AV")]
    #[case("Anna", "A")]
    #[case("élodie", "É")]
    #[case("anna@verdi.it", "A")]
    #[case("(Anna) «Verdi»", "AV")]
    #[case("", "?")]
    #[case("— …", "?")]
    fn two_capitals(#[case] name: &str, #[case] expected: &str) {
        assert_eq!(initials(name), expected);
    }

    #[rstest]
    #[case("anna.verdi@example.it", "Anna Verdi")]
    #[case("ANNA_VERDI84@example.it", "Anna Verdi")]
    #[case("jean-luc@example.fr", "Jean Luc")]
    #[case("anna+shop@example.it", "Anna")]
    #[case("x9k2p@example.it", "x9k2p")]
    #[case("1234@example.it", "1234")]
    #[case("@", "")]
    #[case("", "")]
    fn guesses_names(#[case] address: &str, #[case] expected: &str) {
        assert_eq!(display_name(address), expected);
    }
}
