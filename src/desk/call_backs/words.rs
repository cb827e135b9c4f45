//! The time of a call in a customer's words.

use jiff::Zoned;

use crate::clock::Ts;
use crate::desk::call_backs::Slot;
use crate::desk::waits::Place;
use crate::i18n::{self, Language, Value};

/// When we call: "today between 15:00 and 16:00", "on Tuesday 24 November between 15:00 and 16:00 (Europe/Rome)".
pub fn when(language: Language, slot: Slot, place: &Place, now: Ts) -> String {
    let at = |moment: Ts| moment.0.to_zoned(place.zone().clone());
    let (here, from) = (at(now), at(slot.from));
    let mut arguments =
        vec![("from", Value::from(clock(&from))), ("until", Value::from(clock(&at(slot.until)))), ("zone", Value::from(place.suffix()))];
    let key = match here.date().until(from.date()).map_or(i32::MAX, |span| span.get_days()) {
        0 => "call-back-today",
        1 => "call-back-tomorrow",
        _ => {
            arguments.push(("day", Value::from(day(language, &from))));
            "call-back-day"
        }
    };
    i18n::text_with(language, key, &arguments)
}

/// A day with its name: "Tuesday 24 November".
pub fn day(language: Language, at: &Zoned) -> String {
    let (name, date) = (i18n::weekday(language, at.weekday()), i18n::day_and_month(language, at));
    match language {
        Language::De => format!("{name}, {date}"),
        Language::It | Language::En | Language::Fr | Language::Es => format!("{name} {date}"),
    }
}

/// "15:00".
pub fn clock(at: &Zoned) -> String {
    format!("{}:{:02}", at.hour(), at.minute())
}
