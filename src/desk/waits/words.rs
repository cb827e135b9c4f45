//! An estimate in a customer's words.

use jiff::tz::TimeZone;
use jiff::{RoundMode, Unit, Zoned, ZonedRound};

use super::{Basis, Estimate};
use crate::clock::Ts;
use crate::i18n::{self, Language, Value};

/// Up to here a span is said in minutes, in seconds.
const MINUTES: i64 = 3600;
/// Up to here in hours; after it the clock says more.
const HOURS: i64 = 6 * 3600;
/// A date beyond this is no promise that helps anybody.
const FAR: i64 = 60 * 86_400;

/// Whose clock it is.
#[derive(Debug, Clone)]
pub enum Place {
    /// The reader's own.
    Own(TimeZone),
    /// Somebody else's, which is therefore named wherever a time is.
    Named(TimeZone),
}

impl Place {
    /// The zone of that clock.
    pub fn zone(&self) -> &TimeZone {
        match self {
            Self::Own(zone) | Self::Named(zone) => zone,
        }
    }

    /// Follows a time.
    pub fn suffix(&self) -> String {
        match self {
            Self::Own(_) => String::new(),
            Self::Named(zone) => zone.iana_name().map(|name| format!(" ({name})")).unwrap_or_default(),
        }
    }
}

/// When the reader can expect an answer: "Usually answered within 3 hours.", "We aim to answer by tomorrow, 10:00." Rounded up, never
/// down. An answer of another day is never a span: "within 14 hours" would sound sooner than "tomorrow".
pub fn wait_words(language: Language, estimate: &Estimate, place: &Place, now: Ts) -> String {
    let basis = match estimate.basis {
        Basis::History => "usual",
        Basis::Target => "aim",
    };
    let seconds = estimate.by.seconds_since(now);
    let say = |key: &str, arguments: &[(&str, Value<'_>)]| i18n::text_with(language, &format!("wait-{basis}-{key}"), arguments);
    if seconds > FAR {
        return i18n::text(language, "wait-away");
    }
    let here = now.0.to_zoned(place.zone().clone());
    let by = estimate.by.0.to_zoned(place.zone().clone());
    if seconds <= MINUTES {
        // To the minute where each counts, then to five.
        let minutes = (seconds.max(1) + 59) / 60;
        return say("minutes", &[("minutes", Value::from(if minutes <= 10 { minutes } else { (minutes + 4) / 5 * 5 }))]);
    }
    if seconds <= HOURS && by.date() == here.date() {
        return say("hours", &[("hours", Value::from((seconds + 3599) / 3600))]);
    }
    let by = round_up(&by, if by.date() == here.date() { 15 } else { 30 });
    let days = here.date().until(by.date()).map_or(0, |span| span.get_days());
    let time = || ("time", Value::from(format!("{}:{:02}", by.hour(), by.minute())));
    let zone = || ("zone", Value::from(place.suffix()));
    match days {
        ..=0 => say("today", &[time(), zone()]),
        1 => say("tomorrow", &[time(), zone()]),
        2..7 => say("weekday", &[("day", Value::from(i18n::weekday(language, by.weekday()))), time(), zone()]),
        _ => say("date", &[("day", Value::from(i18n::day_and_month(language, &by))), time(), zone()]),
    }
}

fn round_up(at: &Zoned, minutes: i64) -> Zoned {
    at.round(ZonedRound::new().smallest(Unit::Minute).increment(minutes).mode(RoundMode::Ceil)).unwrap_or_else(|_| at.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said on Friday 13 November 2026 at 16:20 in Rome.
    fn said(language: Language, basis: Basis, by: &str) -> String {
        let now = Ts("2026-11-13T15:20:00Z".parse().expect("a moment"));
        let by = Ts(by.parse().expect("a moment"));
        let rome = Place::Own(TimeZone::get("Europe/Rome").expect("a zone"));
        wait_words(language, &Estimate { seconds: by.seconds_since(now), basis, by }, &rome, now)
    }

    #[test]
    fn each_language_says_it_its_own_way() {
        let moments = [
            "2026-11-13T15:20:20Z",
            "2026-11-13T15:32:20Z",
            "2026-11-13T16:21:00Z",
            "2026-11-13T17:00:01Z",
            "2026-11-13T22:31:00Z",
            "2026-11-14T08:50:00Z",
            "2026-11-16T08:00:00Z",
            "2026-11-20T08:00:00Z",
            "2027-02-01T08:00:00Z",
        ];
        let mut all = String::new();
        for language in Language::ALL {
            for basis in [Basis::History, Basis::Target] {
                for moment in moments {
                    all.push_str(&format!("{language} {}\n", said(language, basis, moment)));
                }
            }
        }
        insta::assert_snapshot!("wait_words", all);
    }

    #[test]
    fn spans_are_rounded_up_and_end_with_the_day() {
        let words = |by| said(Language::En, Basis::History, by);
        assert_eq!(words("2026-11-13T15:30:01Z"), "Usually answered within 15 minutes.");
        assert_eq!(words("2026-11-13T16:20:00Z"), "Usually answered within 60 minutes.");
        assert_eq!(words("2026-11-13T16:20:01Z"), "Usually answered within 2 hours.");
        // What is past is a minute from now, not before it.
        assert_eq!(words("2026-11-13T15:00:00Z"), "Usually answered within a minute.");
        assert_eq!(words("2026-11-13T22:50:00Z"), "Usually answered by tomorrow, 0:00.", "rounded over midnight");
    }

    #[test]
    fn a_foreign_clock_is_named_and_a_span_needs_no_clock() {
        let now = Ts("2026-11-13T15:20:00Z".parse().expect("a moment"));
        let york = TimeZone::get("America/New_York").expect("a zone");
        let estimate = |seconds| Estimate { seconds, basis: Basis::Target, by: now.plus_seconds(seconds) };
        let words = |seconds, place: &Place| wait_words(Language::De, &estimate(seconds), place, now);
        let named = Place::Named(york.clone());
        assert_eq!(words(3 * 86_400, &named), "Wir möchten Ihnen bis Montag, 10:30 Uhr (America/New_York) antworten.");
        assert_eq!(words(3 * 86_400, &Place::Own(york)), "Wir möchten Ihnen bis Montag, 10:30 Uhr antworten.");
        assert_eq!(words(7200, &named), "Wir möchten Ihnen innerhalb von 2 Stunden antworten.");
    }
}
