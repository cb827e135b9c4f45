//! Dates as people write them.

use jiff::Zoned;
use jiff::civil::Weekday;

use super::Language;

const MONTHS: [[&str; 12]; 5] = [
    ["gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno", "luglio", "agosto", "settembre", "ottobre", "novembre", "dicembre"],
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"],
    ["janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"],
    ["Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"],
    ["enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"],
];

const WEEKDAYS: [[&str; 7]; 5] = [
    ["lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato", "domenica"],
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
    ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"],
    ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"],
    ["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"],
];

/// The day's name: "lunedì".
pub fn weekday(language: Language, day: Weekday) -> &'static str {
    let index = usize::try_from(day.to_monday_zero_offset()).unwrap_or_default();
    WEEKDAYS[language as usize].get(index).copied().unwrap_or_default()
}

/// Day, month, year and time in the zone of `at`: "21 novembre 2026, 14:05".
pub fn long_date(language: Language, at: &Zoned) -> String {
    let date = day(language, at);
    let (hour, minute) = (at.hour(), at.minute());
    match language {
        Language::Fr => format!("{date} à {hour:02}:{minute:02}"),
        Language::De => format!("{date}, {hour:02}:{minute:02} Uhr"),
        Language::It | Language::En | Language::Es => format!("{date}, {hour:02}:{minute:02}"),
    }
}

/// Day, month and year: "21 novembre 2026".
pub fn day(language: Language, at: &Zoned) -> String {
    let (date, year) = (day_and_month(language, at), at.year());
    match language {
        Language::Es => format!("{date} de {year}"),
        Language::It | Language::En | Language::Fr | Language::De => format!("{date} {year}"),
    }
}

/// Day and month, where the year goes without saying: "21 novembre".
pub fn day_and_month(language: Language, at: &Zoned) -> String {
    let (day, month) = (at.day(), month(language, at.month()));
    match language {
        Language::Fr if day == 1 => format!("1er {month}"),
        Language::It if day == 1 => format!("1º {month}"),
        Language::De => format!("{day}. {month}"),
        Language::Es => format!("{day} de {month}"),
        Language::It | Language::En | Language::Fr => format!("{day} {month}"),
    }
}

fn month(language: Language, month: i8) -> &'static str {
    let index = usize::try_from(month - 1).unwrap_or_default();
    MONTHS[language as usize].get(index).copied().unwrap_or_default()
}
