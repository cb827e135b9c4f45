//! What people say of themselves in passing: mail addresses, telephone numbers, the numbers of their orders. Linear in the text.

use std::fmt;

/// Something that two people hardly share.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hint {
    /// In lower case.
    Email(String),
    /// With its plus and country code.
    Phone(String),
    /// In capitals, without what stands around it.
    Order(String),
}

impl Hint {
    /// The word in the database.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Email(_) => "email",
            Self::Phone(_) => "phone",
            Self::Order(_) => "order",
        }
    }

    /// What it says.
    pub fn value(&self) -> &str {
        match self {
            Self::Email(value) | Self::Phone(value) | Self::Order(value) => value,
        }
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.value())
    }
}

/// No text tells more of these than so many.
const MOST: usize = 20;
/// What is read of a text, in bytes: whoever tells their number does it early.
const READ: usize = 20_000;
/// Words after which an order's number comes, as they begin.
const ORDER_WORDS: [&str; 12] =
    ["order", "ordin", "bestell", "auftrag", "command", "pedido", "purchase", "acquisto", "kauf", "achat", "compra", "encargo"];
/// How many words may lie between (`il mio ordine è il numero 4711`).
const ORDER_REACH: usize = 5;

/// What a text tells, each thing once.
pub fn find(text: &str) -> Vec<Hint> {
    let mut end = text.len().min(READ);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = &text[..end];
    let mut found: Vec<Hint> = Vec::new();
    let mut keep = |hint: Hint| {
        if found.len() < MOST && !found.contains(&hint) {
            found.push(hint);
        }
    };
    let mut since_order = usize::MAX;
    for word in text.split(|c: char| {
        c.is_whitespace() || matches!(c, ',' | ';' | ':' | '#' | '°' | '(' | ')' | '<' | '>' | '"' | '“' | '”' | '«' | '»')
    }) {
        if word.is_empty() {
            continue;
        }
        if let Some(address) = email(word) {
            keep(Hint::Email(address));
            continue;
        }
        let lower = word.to_lowercase();
        if ORDER_WORDS.iter().any(|start| lower.trim_start_matches(|c: char| !c.is_alphabetic()).starts_with(start)) {
            since_order = 0;
            continue;
        }
        if since_order < ORDER_REACH {
            since_order += 1;
            if let Some(number) = order(word) {
                keep(Hint::Order(number));
                since_order = usize::MAX;
            }
        }
    }
    phones(text).into_iter().for_each(keep);
    found
}

fn email(word: &str) -> Option<String> {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    let (local, domain) = word.split_once('@')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+');
    let good = !local.is_empty()
        && local.len() <= 64
        && local.chars().all(plain)
        && domain.len() <= 253
        && domain.contains('.')
        && !domain.contains("..")
        && domain.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))
        && domain.rsplit('.').next().is_some_and(|end| end.len() >= 2 && end.chars().all(|c| c.is_ascii_alphabetic()));
    good.then(|| word.to_ascii_lowercase())
}

/// Four to twenty letters and digits, four digits among them.
fn order(word: &str) -> Option<String> {
    let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let good = (4..=20).contains(&word.len())
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'/'))
        && word.bytes().filter(u8::is_ascii_digit).count() >= 4;
    // A day is no order.
    let day = word.len() <= 10 && word.matches(['-', '/']).count() == 2;
    (good && !day).then(|| word.to_ascii_uppercase())
}

/// Only with the country's code: without it a number is a number of anything.
fn phones(text: &str) -> Vec<Hint> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('+') {
        rest = &rest[at + 1..];
        let mut digits = String::from("+");
        for c in rest.chars().take(24) {
            match c {
                '0'..='9' => digits.push(c),
                ' ' | '-' | '.' | '/' | '(' | ')' | '\u{a0}' if digits.len() > 1 => {}
                _ => break,
            }
        }
        if (9..=16).contains(&digits.len()) && !digits.starts_with("+0") {
            found.push(Hint::Phone(digits));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        find(text).iter().map(|hint| format!("{} {hint}", hint.kind())).collect()
    }

    #[test]
    fn addresses_numbers_and_orders_are_found() {
        assert_eq!(told("Sono Anna, scrivetemi a Anna.Verdi@Example.IT."), ["email anna.verdi@example.it"]);
        assert_eq!(told("il mio ordine è il n. 4711-B, tel. +39 333 123 4567!"), ["order 4711-B", "phone +393331234567"]);
        assert_eq!(told("Order #10234 and order 10234"), ["order 10234"]);
        assert_eq!(told("Bestellnummer: AB-20317"), ["order AB-20317"]);
        assert_eq!(told("ma commande n°20318"), ["order 20318"]);
        assert_eq!(told("mi pedido es el 55120 (+34 600-11-22-33)"), ["order 55120", "phone +34600112233"]);
    }

    #[test]
    fn what_only_looks_like_it_is_none() {
        for text in [
            "Call me at 12:30",
            "1234 pieces",
            "[#4711] Re: hello",
            "order of 2026-10-03",
            "ordered on 03/10/2026 with my sister and paid 4711",
            "a@b",
            "@anna",
            "mail@localhost",
            "1+1=2",
            "c++ 2000",
            "+00 123 456 789",
        ] {
            assert_eq!(told(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn hostile_texts_are_read_quickly_and_never_panic() {
        assert!(find(&"+1".repeat(200_000)).len() <= MOST);
        assert!(find(&"order 1234 ".repeat(50_000)).len() <= MOST);
        assert!(find(&"è@".repeat(100_000)).is_empty());
        assert!(find(&format!("{}è", "x".repeat(READ - 1))).is_empty());
    }
}
