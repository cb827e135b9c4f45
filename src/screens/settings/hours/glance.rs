//! Opening hours as a person would tell them.

use jiff::civil::Date;
use jiff::{ToSpan as _, Zoned};

use super::form::DAYS;
use crate::clock::Ts;
use crate::desk::hours::{Clock, Hours, Shift};

/// Now, and the next two weeks.
pub(super) struct Glance {
    pub(super) open: bool,
    /// "Open now, closes at 18:00".
    pub(super) state: String,
    /// "It is 14:05 in Europe/Rome."
    pub(super) clock: String,
    pub(super) days: Vec<GlanceDay>,
}

/// A day of the two weeks.
pub(super) struct GlanceDay {
    pub(super) weekday: &'static str,
    pub(super) date: String,
    /// "9–13"; none: closed.
    pub(super) shifts: Vec<String>,
    /// It differs from the week.
    pub(super) different: bool,
    pub(super) note: String,
    pub(super) today: bool,
}

impl Glance {
    pub(super) fn of(hours: &Hours, now: Ts) -> Self {
        let here = now.0.to_zoned(hours.zone.clone());
        let today = here.date();
        let zone = hours.zone.iana_name().unwrap_or("UTC");
        let days = (0..14).map(|ahead| {
            let date = today.saturating_add(ahead.days());
            let exception = hours.exception(date);
            GlanceDay {
                weekday: &weekday(date)[..3],
                date: date.strftime("%-d %b").to_string(),
                shifts: hours.shifts(date).iter().map(|shift| span(*shift)).collect(),
                different: exception.is_some(),
                note: exception.map(|exception| exception.note.clone()).unwrap_or_default(),
                today: ahead == 0,
            }
        });
        Self {
            open: hours.is_open(now),
            state: state(hours, now, &here),
            clock: format!("It is {} in {zone}.", here.strftime("%H:%M")),
            days: days.collect(),
        }
    }
}

/// In a few words: "Open now, closes at 18:00", "Closed, opens Monday at 9:00".
pub fn summary(hours: &Hours, now: Ts) -> String {
    state(hours, now, &now.0.to_zoned(hours.zone.clone()))
}

fn state(hours: &Hours, now: Ts, here: &Zoned) -> String {
    if hours.is_open(now) {
        return match hours.closes_at(now) {
            Some(at) => format!("Open now, closes {}", when(&at.0.to_zoned(hours.zone.clone()), here)),
            None => "Open now, and for the whole week".to_owned(),
        };
    }
    match hours.next_opening(now) {
        Some(at) => format!("Closed, opens {}", when(&at.0.to_zoned(hours.zone.clone()), here)),
        None => "Closed, and does not open within a year".to_owned(),
    }
}

/// "at 18:00", "tomorrow at 9:00", "Monday at 9:00", "Thursday 24 December at 9:00".
fn when(at: &Zoned, here: &Zoned) -> String {
    let days = here.date().until(at.date()).map_or(0, |span| span.get_days());
    let time = at.strftime("%-H:%M");
    match days {
        ..=0 => format!("at {time}"),
        1 => format!("tomorrow at {time}"),
        2..7 => format!("{} at {time}", weekday(at.date())),
        _ => format!("{} at {time}", at.strftime("%A %-d %B")),
    }
}

fn weekday(date: Date) -> &'static str {
    usize::try_from(date.weekday().to_monday_zero_offset()).ok().and_then(|day| DAYS.get(day)).copied().unwrap_or("Day")
}

/// "9–18", "9:30–13", "22–2".
fn span(shift: Shift) -> String {
    let short = |clock: Clock| {
        let text = clock.to_string();
        let text = text.strip_prefix('0').unwrap_or(&text);
        text.strip_suffix(":00").unwrap_or(text).to_owned()
    };
    format!("{}–{}", short(shift.from), short(shift.to))
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::desk::hours::{Exception, Schedule};

    #[test]
    fn the_two_weeks_and_the_moment() {
        let ferragosto = Exception { date: jiff::civil::date(2026, 11, 16), shifts: Vec::new(), note: "Inventory".into() };
        let schedule = Schedule { exceptions: vec![ferragosto], ..Schedule::default() };
        let hours = schedule.resolve(&TimeZone::get("Europe/Rome").expect("a zone"));
        let at = |text: &str| Ts(text.parse().expect("a moment"));
        assert_eq!(summary(&hours, at("2026-11-13T12:00:00Z")), "Open now, closes at 18:00");
        assert_eq!(summary(&hours, at("2026-11-12T20:00:00Z")), "Closed, opens tomorrow at 9:00");
        assert_eq!(summary(&hours, at("2026-11-13T20:00:00Z")), "Closed, opens Tuesday at 9:00");
        let glance = Glance::of(&hours, at("2026-11-13T12:00:00Z"));
        assert_eq!((glance.days.len(), glance.days[0].weekday, &*glance.days[0].date, glance.days[0].today), (14, "Fri", "13 Nov", true));
        assert_eq!(glance.days[0].shifts, ["9–18"]);
        assert!(glance.days[3].different && glance.days[3].shifts.is_empty() && glance.days[3].note == "Inventory");
        assert_eq!(glance.clock, "It is 13:00 in Europe/Rome.");
        let never = Schedule { week: Default::default(), ..Schedule::default() }.resolve(&TimeZone::UTC);
        assert_eq!(summary(&never, at("2026-11-13T20:00:00Z")), "Closed, and does not open within a year");
    }
}
