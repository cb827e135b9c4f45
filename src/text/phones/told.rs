//! Telephone numbers as exchanges and providers tell them, in the one form by which customers are known: E.164 with its plus.

use super::{Country, without_zero};

/// Who is at the other end of a line, as an exchange tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Party {
    /// In E.164: `+390612345678`.
    Number(String),
    /// An extension, a short code, a name of SIP: known within one exchange only.
    Inside(String),
    /// They do not say.
    Anonymous,
}

impl Party {
    /// The number, if it is one that can be called from anywhere.
    pub fn number(&self) -> Option<&str> {
        match self {
            Self::Number(number) => Some(number),
            Self::Inside(_) | Self::Anonymous => None,
        }
    }

    /// As it is stored and shown; empty for those who do not say.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Number(text) | Self::Inside(text) => text,
            Self::Anonymous => "",
        }
    }
}

/// The fewest and the most digits of a number with its country code (ITU-T E.164, and what is in use).
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;
/// Up to so many digits it is an extension or a short code.
const INSIDE: usize = 6;
/// What exchanges and Twilio write where a caller does not show their number.
const NOBODY: [&str; 14] = [
    "anonymous",
    "unknown",
    "private",
    "restricted",
    "unavailable",
    "withheld",
    "blocked",
    "none",
    "null",
    // Twilio spells the words on the keys of a telephone.
    "+266696687",
    "+7378742833",
    "+2562533",
    "+8656696",
    "+86282452253",
];
/// Understands a number as told, in a country that is given by its calling code (`39`): with a plus, with 00, in the country's own form,
/// or with the country code and nothing before it, as exchanges like to send them.
pub fn parse(told: &str, country: &str) -> Party {
    let told = told.trim();
    // sip:+3906…@exchange, tel:+3906…;ext=1
    let bare = told.strip_prefix("sips:").or_else(|| told.strip_prefix("sip:")).or_else(|| told.strip_prefix("tel:")).unwrap_or(told);
    let bare = bare.split(['@', ';']).next().unwrap_or_default().trim();
    if bare.is_empty() || NOBODY.iter().any(|word| bare.eq_ignore_ascii_case(word)) {
        return Party::Anonymous;
    }
    // +49 (0)30 …: the zero is for those who call from within.
    let open = bare.replace("(0)", "");
    let plus = open.starts_with('+');
    if !open
        .chars()
        .all(|c| c.is_ascii_digit() || matches!(c, '+' | ' ' | '-' | '.' | '/' | '(' | ')' | '\u{a0}' | '\u{202f}' | '\u{2011}'))
    {
        return Party::Inside(short(bare));
    }
    let digits: String = open.chars().filter(char::is_ascii_digit).collect();
    let whole = if plus {
        digits.clone()
    } else if let Some(abroad) = abroad(&digits, country) {
        abroad.to_owned()
    } else if digits.len() <= INSIDE {
        return Party::Inside(digits);
    } else if digits.starts_with('0') {
        format!("{country}{}", without_zero(&digits, country))
    } else if is_national(&digits, country) {
        format!("{country}{digits}")
    } else {
        digits.clone()
    };
    if DIGITS.contains(&whole.len()) { Party::Number(format!("+{whole}")) } else { Party::Inside(short(bare)) }
}

/// The number in E.164, if it is one.
pub fn normalise(told: &str, country: &str) -> Option<String> {
    match parse(told, country) {
        Party::Number(number) => Some(number),
        Party::Inside(_) | Party::Anonymous => None,
    }
}

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}

/// What follows the digits with which one calls abroad.
fn abroad<'a>(digits: &'a str, country: &str) -> Option<&'a str> {
    digits.strip_prefix("00").or_else(|| digits.strip_prefix("011").filter(|_| country == "1"))
}

/// Whether digits without a zero before them are a number of the country rather than one with its code: where numbers have no zero, their
/// length tells.
fn is_national(digits: &str, country: &str) -> bool {
    let length = digits.len();
    match country {
        // Mobiles begin with 3, and so does the country code: 39…
        "39" => digits.starts_with('3') && (9..=10).contains(&length),
        "34" | "351" | "420" | "48" => length == 9,
        "1" | "30" => length == 10,
        "45" | "47" | "356" | "371" => length == 8,
        _ => false,
    }
}

/// The country that a time zone lies in, as two letters of [`super::COUNTRIES`]. `None`: in another, or in none.
pub fn of_zone(time_zone: &str) -> Option<&'static str> {
    Some(match time_zone {
        "Europe/Rome" => "IT",
        "Europe/Berlin" | "Europe/Busingen" => "DE",
        "Europe/Vienna" => "AT",
        "Europe/Zurich" => "CH",
        "Europe/Paris" => "FR",
        "Europe/Madrid" | "Atlantic/Canary" => "ES",
        "Europe/Lisbon" => "PT",
        "Europe/London" => "GB",
        "Europe/Dublin" => "IE",
        "Europe/Brussels" => "BE",
        "Europe/Amsterdam" => "NL",
        "Europe/Luxembourg" => "LU",
        "Europe/Copenhagen" => "DK",
        "Europe/Oslo" => "NO",
        "Europe/Stockholm" => "SE",
        "Europe/Helsinki" => "FI",
        "Europe/Warsaw" => "PL",
        "Europe/Prague" => "CZ",
        "Europe/Athens" => "GR",
        "Europe/Malta" => "MT",
        "Europe/Ljubljana" => "SI",
        "Europe/Zagreb" => "HR",
        "Europe/Bratislava" => "SK",
        "Europe/Bucharest" => "RO",
        "Europe/Budapest" => "HU",
        "Europe/Istanbul" => "TR",
        "Europe/Monaco" => "MC",
        "Europe/Riga" => "LV",
        "Europe/San_Marino" => "SM",
        "Europe/Sofia" => "BG",
        "Europe/Tallinn" => "EE",
        "Europe/Vaduz" => "LI",
        "Europe/Vilnius" => "LT",
        "Asia/Nicosia" => "CY",
        "Asia/Jerusalem" => "IL",
        "Atlantic/Reykjavik" => "IS",
        "America/New_York" | "America/Detroit" | "America/Chicago" | "America/Denver" | "America/Phoenix" | "America/Los_Angeles" => "US",
        "America/Toronto" | "America/Vancouver" | "America/Edmonton" | "America/Winnipeg" | "America/Halifax" => "CA",
        "America/Mexico_City" => "MX",
        "America/Sao_Paulo" => "BR",
        "America/Argentina/Buenos_Aires" => "AR",
        "America/Santiago" => "CL",
        "America/Bogota" => "CO",
        "Australia/Sydney" | "Australia/Melbourne" | "Australia/Brisbane" | "Australia/Adelaide" | "Australia/Perth" => "AU",
        _ => return None,
    })
}

/// The calling code of the country that a time zone lies in; where it is not known, of Italy.
pub fn country_of(time_zone: &str) -> &'static str {
    of_zone(time_zone).and_then(Country::of_region).map_or("39", |country| country.code)
}

/// Whether a text may be a calling code.
pub fn is_country(text: &str) -> bool {
    (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(told: &str, country: &str) -> String {
        match parse(told, country) {
            Party::Number(number) => number,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn every_spelling_of_a_number_is_one_number() {
        for told in [
            "+39 06 1234-5678",
            "0039 06 12345678",
            "390612345678",
            "06 12345678",
            "06/1234.5678",
            "tel:+390612345678",
            "sip:+390612345678@pbx",
        ] {
            assert_eq!(number(told, "39"), "+390612345678", "{told}");
        }
        for told in ["+39 333 1234567", "3331234567", "393331234567", "00393331234567"] {
            assert_eq!(number(told, "39"), "+393331234567", "{told}");
        }
        // An Italian mobile that begins like the country code.
        assert_eq!(number("3931234567", "39"), "+393931234567");
        for told in ["+49 (0)30 23125741", "030 23125741", "493023125741", "0049 30 23125741", "030/231 257 41"] {
            assert_eq!(number(told, "49"), "+493023125741", "{told}");
        }
        assert_eq!(number("612345678", "34"), "+34612345678");
        assert_eq!(number("34612345678", "34"), "+34612345678");
        assert_eq!(number("01 23 45 67 89", "33"), "+33123456789");
        assert_eq!(number("(415) 867-5309", "1"), "+14158675309");
        assert_eq!(number("14158675309", "1"), "+14158675309");
        assert_eq!(number("011 39 06 12345678", "1"), "+390612345678");
        // From abroad, with its own code and no plus.
        assert_eq!(number("493023125741", "39"), "+493023125741");
    }

    #[test]
    fn what_is_no_number_stays_what_it_is() {
        assert_eq!(parse("201", "39"), Party::Inside("201".into()));
        assert_eq!(parse("1234567w0", "49"), Party::Inside("1234567w0".into()));
        assert_eq!(parse("sip:anna@pbx.example", "39"), Party::Inside("anna".into()));
        assert_eq!(parse("+12345678901234567890", "39"), Party::Inside("+12345678901234567890".into()));
        assert_eq!(parse("Anna Verdi", "39").number(), None);
    }

    #[test]
    fn whoever_does_not_say_is_nobody() {
        for told in ["anonymous", "Anonymous", "", "  ", "unknown", "Restricted", "+266696687", "sip:anonymous@anonymous.invalid"] {
            assert_eq!(parse(told, "39"), Party::Anonymous, "{told}");
        }
    }

    #[test]
    fn nothing_told_does_any_harm() {
        for told in ["+", "00", "0", "è", "\0", "++39", "(0)", "+39(0)", "٣٣٣١٢٣٤٥٦٧", &"9".repeat(10_000), &"(0)".repeat(5000)]
        {
            let party = parse(told, "39");
            assert!(party.as_str().len() <= 160, "{told}");
        }
    }
}
