//! Phone numbers as people type them, and as they are dialled: `+` and digits (ITU-T E.164).

mod told;

pub use told::{Party, country_of, is_country, normalise, of_zone, parse};

/// A country with its calling code, by the name it gives itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Country {
    /// ISO 3166-1, two letters.
    pub region: &'static str,
    /// Without the `+`.
    pub code: &'static str,
    pub name: &'static str,
}

impl Country {
    /// The country of a region such as `IT`.
    pub fn of_region(region: &str) -> Option<&'static Self> {
        COUNTRIES.iter().find(|country| country.region.eq_ignore_ascii_case(region))
    }

    /// The country of a calling code such as `39`; of several that share it the largest.
    pub fn of_code(code: &str) -> Option<&'static Self> {
        // The United States stand behind Canada.
        COUNTRIES.iter().rfind(|country| country.code == code)
    }

    /// The country in which somebody with this time zone, an IANA name or empty, and this `Accept-Language` header probably is. `None`:
    /// neither says it. A language alone says nothing, for it is spoken in many.
    pub fn of_reader(zone: &str, accept_language: &str) -> Option<&'static Self> {
        of_zone(zone).and_then(Self::of_region).or_else(|| {
            let tags = accept_language.split(',').take(10).map(|range| range.split(';').next().unwrap_or_default().trim());
            // English browsers send this one wherever they are.
            let telling = tags.filter(|tag| !tag.eq_ignore_ascii_case("en-US"));
            telling.filter_map(|tag| tag.split(['-', '_']).nth(1)).find_map(Self::of_region)
        })
    }
}

/// The countries that are offered to choose from; numbers of all others are typed with `+` and their code.
pub const COUNTRIES: [Country; 44] = {
    const fn at(region: &'static str, code: &'static str, name: &'static str) -> Country {
        Country { region, code, name }
    }
    [
        at("AR", "54", "Argentina"),
        at("AU", "61", "Australia"),
        at("BE", "32", "België · Belgique"),
        at("BR", "55", "Brasil"),
        at("BG", "359", "Bulgaria"),
        at("CA", "1", "Canada"),
        at("CZ", "420", "Česko"),
        at("CL", "56", "Chile"),
        at("CO", "57", "Colombia"),
        at("DK", "45", "Danmark"),
        at("DE", "49", "Deutschland"),
        at("EE", "372", "Eesti"),
        at("IE", "353", "Éire · Ireland"),
        at("GR", "30", "Elláda"),
        at("ES", "34", "España"),
        at("FR", "33", "France"),
        at("HR", "385", "Hrvatska"),
        at("IS", "354", "Ísland"),
        at("IL", "972", "Israel"),
        at("IT", "39", "Italia"),
        at("CY", "357", "Kýpros"),
        at("LV", "371", "Latvija"),
        at("LI", "423", "Liechtenstein"),
        at("LT", "370", "Lietuva"),
        at("LU", "352", "Lëtzebuerg"),
        at("HU", "36", "Magyarország"),
        at("MT", "356", "Malta"),
        at("MX", "52", "México"),
        at("MC", "377", "Monaco"),
        at("NL", "31", "Nederland"),
        at("NO", "47", "Norge"),
        at("AT", "43", "Österreich"),
        at("PL", "48", "Polska"),
        at("PT", "351", "Portugal"),
        at("RO", "40", "România"),
        at("SM", "378", "San Marino"),
        at("CH", "41", "Schweiz · Suisse · Svizzera"),
        at("SI", "386", "Slovenija"),
        at("SK", "421", "Slovensko"),
        at("FI", "358", "Suomi"),
        at("SE", "46", "Sverige"),
        at("TR", "90", "Türkiye"),
        at("GB", "44", "United Kingdom"),
        at("US", "1", "United States"),
    ]
};

/// Why something is no number that can be dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// There are letters or other signs in it.
    Signs,
    /// It does not say of which country it is.
    NoCountry,
    TooShort,
    TooLong,
}

/// The number as it is dialled. One without `+` or `00` is of `country`, whose leading zero goes: but in Italy, where it belongs to the
/// number.
pub fn dialled(text: &str, country: Option<&Country>) -> Result<String, Problem> {
    let text = text.trim();
    // "+49 (0)30 …" is how many write the zero that is not dialled from abroad.
    let text = if text.starts_with('+') || text.starts_with("00") { text.replacen("(0)", "", 1) } else { text.to_owned() };
    if !text.chars().all(|c| c.is_ascii_digit() || "+ -/().\u{a0}\u{202f}\u{2011}\u{2013}".contains(c))
        || text.rfind('+').is_some_and(|at| at > 0)
    {
        return Err(Problem::Signs);
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let whole = match (text.starts_with('+'), digits.strip_prefix("00"), country) {
        (true, ..) => digits,
        (false, Some(rest), _) => rest.to_owned(),
        (false, None, Some(country)) => {
            let own = without_zero(&digits, country.code);
            if own.len() < 5 {
                return Err(Problem::TooShort);
            }
            format!("{}{own}", country.code)
        }
        (false, None, None) if digits.len() < 5 => return Err(Problem::TooShort),
        (false, None, None) => return Err(Problem::NoCountry),
    };
    match whole.len() {
        ..8 => Err(Problem::TooShort),
        16.. => Err(Problem::TooLong),
        // No calling code begins with a zero.
        _ if whole.starts_with('0') => Err(Problem::NoCountry),
        _ => Ok(format!("+{whole}")),
    }
}

/// A number of a country without the zero with which it is dialled from within.
fn without_zero<'a>(digits: &'a str, code: &str) -> &'a str {
    match code {
        // Italy, San Marino and the Vatican: there it belongs to the number.
        "39" | "378" | "379" => digits,
        // Hungary's is 06.
        "36" => digits.strip_prefix("06").unwrap_or(digits),
        _ => digits.strip_prefix('0').unwrap_or(digits),
    }
}

/// A number to be read: "+39 333 123 4567". What is none stays as it is.
pub fn spaced(number: &str) -> String {
    let Some(digits) = number.strip_prefix('+').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit())) else {
        return number.to_owned();
    };
    let code = COUNTRIES.iter().map(|country| country.code).filter(|code| digits.starts_with(code)).max_by_key(|code| code.len());
    let code = code.unwrap_or_else(|| digits.get(..2.min(digits.len())).unwrap_or_default());
    let own: Vec<char> = digits.chars().skip(code.len()).collect();
    let mut words = vec![format!("+{code}")];
    let mut at = 0;
    while at < own.len() {
        // Four at the end rather than one that stands alone.
        let take = if own.len() - at == 4 { 4 } else { 3.min(own.len() - at) };
        words.push(own.iter().skip(at).take(take).collect());
        at += take;
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_dialled_as_they_are_meant() {
        let of = |region| Country::of_region(region);
        for (typed, country, dialled_as) in [
            ("333 123 4567", of("IT"), "+393331234567"),
            ("071 123456", of("IT"), "+39071123456"),
            ("030/1234567", of("DE"), "+49301234567"),
            ("+49 (0)30 123-4567", of("IT"), "+49301234567"),
            ("0049 30 1234567", None, "+49301234567"),
            ("06 1 234 5678", of("HU"), "+3612345678"),
            ("(0)20 7946 0018", of("GB"), "+442079460018"),
        ] {
            assert_eq!(dialled(typed, country).as_deref(), Ok(dialled_as), "{typed}");
        }
        for (typed, country, problem) in [
            ("call me", of("IT"), Problem::Signs),
            ("333 1+2", of("IT"), Problem::Signs),
            ("123", of("IT"), Problem::TooShort),
            ("333 1234567", None, Problem::NoCountry),
            ("+39 12", None, Problem::TooShort),
            ("+39 333 123 4567 8901 23", None, Problem::TooLong),
            ("+0 333 1234567", None, Problem::NoCountry),
            ("", None, Problem::TooShort),
        ] {
            assert_eq!(dialled(typed, country), Err(problem), "{typed}");
        }
    }

    #[test]
    fn numbers_are_read_in_groups() {
        assert_eq!(spaced("+393331234567"), "+39 333 123 4567");
        assert_eq!(spaced("+49301234567"), "+49 301 234 567");
        assert_eq!(spaced("anonymous"), "anonymous");
    }

    #[test]
    fn a_browser_tells_where_it_may_be() {
        let of = |zone, languages| Country::of_reader(zone, languages).map(|country| country.region);
        assert_eq!(of("", "de-AT,de;q=0.9"), Some("AT"));
        assert_eq!(of("", "en-US,en;q=0.9,it-IT;q=0.8"), Some("IT"));
        assert_eq!(of("America/New_York", "en-US,en"), Some("US"));
        assert_eq!(of("Europe/Berlin", "it-IT"), Some("DE"), "where somebody is says more than how they speak");
        for unsure in ["", "en", "it", "en-US,en;q=0.9"] {
            assert_eq!(of("", unsure), None, "{unsure}");
            assert_eq!(of("Etc/UTC", unsure), None, "{unsure}");
        }
    }

    #[test]
    fn a_calling_code_is_of_a_country() {
        assert_eq!(Country::of_code("39").map(|country| country.region), Some("IT"));
        assert_eq!(Country::of_code("1").map(|country| country.region), Some("US"));
        assert_eq!(Country::of_code("999"), None);
    }
}
