//! Which of the house's languages a message is written in.

use whichlang::Lang;

/// Enough to be sure, and little to read.
const MAX_CHARS: usize = 4_000;
/// Below this every guess is as good as another.
const MIN_LETTERS: usize = 12;

/// The two-letter code of the language if it is one of the house's five; none when the text is too short to tell,
/// in another script or in another language.
pub fn detect(text: &str) -> Option<&'static str> {
    let start: String = text
        .split_whitespace()
        .filter(|word| !word.contains("://") && !word.contains('@'))
        .flat_map(|word| word.chars().chain([' ']))
        .take(MAX_CHARS)
        .collect();
    let letters = start.chars().filter(|c| c.is_alphabetic()).count();
    let latin = start.chars().filter(|&c| c.is_alphabetic() && c < '\u{250}').count();
    if letters < MIN_LETTERS || latin * 10 < letters * 9 {
        return None;
    }
    match whichlang::detect_language(&start) {
        Lang::Ita => Some("it"),
        Lang::Eng => Some("en"),
        Lang::Fra => Some("fr"),
        Lang::Deu => Some("de"),
        Lang::Spa => Some("es"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("Buongiorno, il mio ordine non è ancora arrivato.", Some("it"))]
    #[case("Hello, where is my parcel? It should be here by now.", Some("en"))]
    #[case("Bonjour, je n'ai toujours pas reçu ma commande.", Some("fr"))]
    #[case("Guten Tag, meine Bestellung ist noch nicht angekommen.", Some("de"))]
    #[case("Hola, todavía no he recibido mi pedido.", Some("es"))]
    #[case("Здравствуйте, мой заказ ещё не пришёл.", None)]
    #[case("注文した商品がまだ届いていません。", None)]
    #[case("Goedemorgen, mijn bestelling is nog steeds niet aangekomen.", None)]
    #[case("ok grazie", None)]
    #[case("", None)]
    #[case("https://example.com/a/very/long/address anna.verdi@example.com", None)]
    fn tells_the_houses_languages(#[case] text: &str, #[case] expected: Option<&str>) {
        assert_eq!(detect(text), expected);
    }
}
