use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;

fn clock(text: &str) -> Clock {
    text.parse().expect("a time")
}

fn shift(text: &str) -> Shift {
    let (from, to) = text.split_once('-').expect("a shift");
    Shift::new(clock(from), clock(to)).expect("a shift")
}

/// One text per day, Monday first: "9:00-12:00 14:00-18:00".
fn schedule(days: [&str; 7]) -> Schedule {
    let week = days.map(|day| day.split_whitespace().map(shift).collect());
    Schedule { zone: None, week, exceptions: Vec::new() }
}

fn hours(zone: &str, days: [&str; 7]) -> Hours {
    schedule(days).resolve(&TimeZone::get(zone).expect("a zone"))
}

fn at(text: &str) -> Ts {
    Ts(text.parse().expect("a moment"))
}

const OFFICE: [&str; 7] = ["9-18", "9-18", "9-18", "9-18", "9-18", "", ""];

#[test]
fn times_are_read_as_people_write_them() {
    for (text, minutes) in [("9", 540), ("09:30", 570), ("9.05", 545), ("24:00", 1440), ("0:00", 0), (" 17:30 ", 1050), ("08:15:00", 495)] {
        assert_eq!(text.parse::<Clock>(), Ok(Clock(minutes)), "{text}");
    }
    for text in ["", "24:01", "9:60", "9:5", "25", "-1", "nine", "9:00pm", "999", "9:"] {
        assert_eq!(text.parse::<Clock>(), Err(NoTime), "{text}");
    }
    assert_eq!(shift("20:00-0:00").to, Clock::MIDNIGHT);
    assert!(Shift::new(clock("9"), clock("9")).is_err() && Shift::new(clock("24:00"), clock("2")).is_err());
}

#[test]
fn an_ordinary_week() {
    let hours = hours("Europe/Rome", OFFICE);
    // Friday 13 November 2026, 17:00 in Rome.
    let friday = at("2026-11-13T16:00:00Z");
    assert!(hours.is_open(friday));
    assert_eq!(hours.closes_at(friday), Some(at("2026-11-13T17:00:00Z")));
    assert_eq!(hours.next_opening(friday), Some(at("2026-11-16T08:00:00Z")));
    // Two hours of work: one today, one on Monday.
    assert_eq!(hours.after_open_seconds(friday, 7200), at("2026-11-16T09:00:00Z"));
    assert_eq!(hours.open_seconds_between(friday, at("2026-11-16T09:30:00Z")), 3600 + 5400);
    assert_eq!(hours.last_closing(friday, at("2026-11-15T12:00:00Z")), Some(at("2026-11-13T17:00:00Z")));
    // Open from the first second and closed from the last.
    assert!(hours.is_open(at("2026-11-16T08:00:00Z")) && !hours.is_open(at("2026-11-13T17:00:00Z")));
    assert_eq!(hours.closes_at(at("2026-11-14T12:00:00Z")), None);
    // Exactly as much as is left of the day ends with the day.
    assert_eq!(hours.after_open_seconds(friday, 3600), at("2026-11-13T17:00:00Z"));
    assert_eq!(hours.open_seconds_between(at("2026-11-16T09:30:00Z"), friday), 0);
}

#[test]
fn several_shifts_and_different_dates() {
    let mut week = schedule(["9-13 14:30-18", "9-13 14:30-18", "", "9-13", "9-18", "", ""]);
    week.exceptions.push(Exception { date: jiff::civil::date(2026, 11, 17), shifts: Vec::new(), note: "Inventario".into() });
    week.exceptions.push(Exception { date: jiff::civil::date(2026, 11, 15), shifts: vec![shift("10-12")], note: String::new() });
    assert_eq!(week.problems(), []);
    let hours = week.resolve(&TimeZone::get("Europe/Rome").expect("a zone"));
    let monday_noon = at("2026-11-16T12:30:00Z");
    assert!(!hours.is_open(monday_noon), "the midday break");
    assert_eq!(hours.next_opening(monday_noon), Some(at("2026-11-16T13:30:00Z")));
    // Tuesday is closed by its date and Wednesday by the week.
    assert_eq!(hours.next_opening(at("2026-11-16T17:30:00Z")), Some(at("2026-11-19T08:00:00Z")));
    assert!(hours.is_open(at("2026-11-15T09:30:00Z")), "a Sunday opened by its date");
    assert_eq!(hours.exception(jiff::civil::date(2026, 11, 17)).map(|exception| exception.note.as_str()), Some("Inventario"));
}

#[test]
fn over_midnight_and_up_to_it() {
    let hours = hours("Europe/Rome", ["", "", "", "", "22:00-02:00", "20:00-24:00", "0:00-1:00"]);
    // The night from Friday 13 to Saturday 14 November.
    assert_eq!(hours.closes_at(at("2026-11-13T22:00:00Z")), Some(at("2026-11-14T01:00:00Z")));
    assert!(hours.is_open(at("2026-11-14T00:30:00Z")), "half past one on Saturday");
    // Saturday's 24:00 is Sunday's 0:00: one evening.
    assert_eq!(hours.closes_at(at("2026-11-14T20:00:00Z")), Some(at("2026-11-15T00:00:00Z")));
    assert!(hours.is_open(at("2026-11-14T23:00:00Z")));
    let always = self::hours("Europe/Rome", ["0-24"; 7]);
    assert_eq!((always.closes_at(at("2026-11-14T20:00:00Z")), always.next_opening(at("2026-11-14T20:00:00Z"))), (None, None));
    assert!(always.is_open(at("2026-10-25T00:30:00Z")));
}

#[test]
fn a_date_that_is_closed_does_not_cut_the_night_before() {
    let mut week = schedule(["", "", "", "", "22:00-02:00", "9-12", ""]);
    week.exceptions.push(Exception { date: jiff::civil::date(2026, 11, 14), shifts: Vec::new(), note: String::new() });
    let hours = week.resolve(&TimeZone::get("Europe/Rome").expect("a zone"));
    assert_eq!(hours.closes_at(at("2026-11-13T22:00:00Z")), Some(at("2026-11-14T01:00:00Z")));
    assert!(!hours.is_open(at("2026-11-14T09:00:00Z")));
}

#[test]
fn the_nights_when_clocks_change_in_rome() {
    // Sunday 29 March 2026: 02:00 becomes 03:00. Sunday 25 October 2026: 03:00 becomes 02:00.
    let night = hours("Europe/Rome", ["2-3"; 7]);
    let (saturday, monday) = (at("2026-03-28T12:00:00Z"), at("2026-03-30T00:30:00Z"));
    assert_eq!(night.open_seconds_between(saturday, monday), 1800, "the hour from two to three did not exist on Sunday");
    assert_eq!(night.next_opening(saturday), Some(at("2026-03-30T00:00:00Z")));
    assert_eq!(night.open_seconds_between(at("2026-10-24T12:00:00Z"), at("2026-10-25T12:00:00Z")), 7200, "and in October twice");
    assert!(night.is_open(at("2026-10-25T00:15:00Z")) && night.is_open(at("2026-10-25T01:15:00Z")));
    // Half of the shift lies in the hour that is missing.
    let across = hours("Europe/Rome", ["2:30-3:30"; 7]);
    assert_eq!(across.open_seconds_between(saturday, at("2026-03-29T12:00:00Z")), 1800);
    assert_eq!(across.next_opening(saturday), Some(at("2026-03-29T01:00:00Z")));
    // The whole day has 23 hours and 25 hours.
    let always = hours("Europe/Rome", ["0-24"; 7]);
    assert_eq!(always.open_seconds_between(at("2026-03-28T23:00:00Z"), at("2026-03-29T22:00:00Z")), 23 * 3600);
    assert_eq!(always.open_seconds_between(at("2026-10-24T22:00:00Z"), at("2026-10-25T23:00:00Z")), 25 * 3600);
    // Nine in the morning is nine in the morning on both sides.
    let office = hours("Europe/Rome", ["9-18"; 7]);
    assert_eq!(office.next_opening(at("2026-03-28T20:00:00Z")), Some(at("2026-03-29T07:00:00Z")));
    assert_eq!(office.after_open_seconds(at("2026-03-28T16:30:00Z"), 3600), at("2026-03-29T07:30:00Z"));
}

#[test]
fn the_nights_when_clocks_change_in_new_york() {
    // Sunday 8 March 2026: 02:00 becomes 03:00. Sunday 1 November 2026: 02:00 becomes 01:00.
    let late = hours("America/New_York", ["", "", "", "", "", "22:00-03:00", ""]);
    assert_eq!(late.open_seconds_between(at("2026-03-08T00:00:00Z"), at("2026-03-09T00:00:00Z")), 4 * 3600);
    assert_eq!(late.open_seconds_between(at("2026-11-01T00:00:00Z"), at("2026-11-02T00:00:00Z")), 6 * 3600);
    assert_eq!(late.closes_at(at("2026-11-01T03:00:00Z")), Some(at("2026-11-01T08:00:00Z")));
    // Up to half past one: the second time the clock shows it.
    let half = hours("America/New_York", ["0-1:30"; 7]);
    assert_eq!(half.closes_at(at("2026-11-01T04:30:00Z")), Some(at("2026-11-01T06:30:00Z")));
}

#[test]
fn never_open_is_said_and_not_searched_for_ever() {
    let mut never = schedule([""; 7]);
    assert!(matches!(never.problems()[..], [(Place::Week, _)]));
    never.exceptions.push(Exception { date: jiff::civil::date(2020, 1, 1), shifts: vec![shift("9-10")], note: String::new() });
    let hours = never.resolve(&TimeZone::UTC);
    let now = at("2026-11-13T16:00:00Z");
    assert_eq!((hours.next_opening(now), hours.closes_at(now), hours.is_open(now)), (None, None, false));
    assert_eq!(hours.after_open_seconds(now, 60), now.plus_seconds(HORIZON));
    assert_eq!(hours.after_open_seconds(now, 0), now);
}

#[test]
fn what_is_wrong_is_said_at_its_place() {
    let mut week = schedule(["9-13 12-18", "22-2 23-24", "1-2 2-3 3-4 4-5 5-6", "9-13 13-18", "", "", ""]);
    week.zone = Some("Europe/Atlantis".into());
    let date = jiff::civil::date(2026, 8, 15);
    week.exceptions = vec![
        Exception { date, shifts: Vec::new(), note: "x".repeat(81) },
        Exception { date, shifts: Vec::new(), note: "Ferragosto".into() },
    ];
    let places: Vec<Place> = week.problems().into_iter().map(|(place, _)| place).collect();
    assert_eq!(places, [Place::Zone, Place::Day(0), Place::Day(1), Place::Day(2), Place::Exception(0), Place::Exception(1)]);
}

#[test]
fn it_is_stored_in_words() {
    let mut week = schedule(["9-13 14-18", "", "", "", "22-2", "", "0-24"]);
    week.zone = Some("America/New_York".into());
    week.exceptions.push(Exception { date: jiff::civil::date(2026, 8, 15), shifts: Vec::new(), note: "Ferragosto".into() });
    let stored = serde_json::to_value(&week).expect("JSON");
    assert_eq!(stored["week"][4][0], serde_json::json!({"from": "22:00", "to": "02:00"}));
    assert_eq!(stored["exceptions"][0]["date"], "2026-08-15");
    assert_eq!(serde_json::from_value::<Schedule>(stored).expect("the same"), week);
    assert!(serde_json::from_value::<Shift>(serde_json::json!({"from": "9:00", "to": "25:00"})).is_err());
}

fn any_schedule() -> impl Strategy<Value = Schedule> {
    let day = prop::collection::vec((0u16..1440, 0u16..=1440), 0..3).prop_map(|pairs| {
        let shifts = pairs.into_iter().filter_map(|(from, to)| Shift::new(Clock(from), Clock(to)).ok());
        shifts.collect::<Vec<_>>()
    });
    let exceptions = prop::collection::btree_map(0i32..40, day.clone(), 0..4).prop_map(|dates| {
        let first = jiff::civil::date(2026, 10, 10);
        dates
            .into_iter()
            .map(|(day, shifts)| Exception { date: first.saturating_add(day.days()), shifts, note: String::new() })
            .collect::<Vec<_>>()
    });
    (prop::array::uniform7(day), exceptions).prop_map(|(week, exceptions)| Schedule { zone: None, week, exceptions })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Around both changes of the clock, whatever the shifts: the questions agree with each other.
    #[test]
    fn the_questions_agree(
        schedule in any_schedule(),
        zone in prop::sample::select(vec!["Europe/Rome", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]),
        spring in any::<bool>(),
        a in 0i64..30 * 86_400,
        b in 0i64..30 * 86_400,
        n in 1i64..200_000,
    ) {
        let hours = schedule.resolve(&TimeZone::get(zone).expect("a zone"));
        let start = at(if spring { "2026-03-01T00:00:00Z" } else { "2026-10-15T00:00:00Z" });
        let (a, b) = (start.plus_seconds(a.min(b)), start.plus_seconds(a.max(b)));
        let middle = a.plus_seconds(b.seconds_since(a) / 2);
        let open = hours.open_seconds_between(a, b);
        prop_assert!((0..=b.seconds_since(a)).contains(&open));
        prop_assert_eq!(open, hours.open_seconds_between(a, middle) + hours.open_seconds_between(middle, b));
        if hours.is_open(a) {
            if let Some(closes) = hours.closes_at(a) {
                prop_assert!(closes > a && !hours.is_open(closes));
                prop_assert_eq!(hours.open_seconds_between(a, closes), closes.seconds_since(a));
                prop_assert_eq!(hours.last_closing(a, closes), Some(closes));
            }
        } else {
            prop_assert_eq!(hours.closes_at(a), None);
            if let Some(opens) = hours.next_opening(a) {
                prop_assert!(opens > a && hours.is_open(opens));
                prop_assert_eq!(hours.open_seconds_between(a, opens), 0);
            }
        }
        let later = hours.after_open_seconds(a, n);
        if later < a.plus_seconds(HORIZON) {
            prop_assert_eq!(hours.open_seconds_between(a, later), n);
            prop_assert_eq!(hours.open_seconds_between(a, later.plus_seconds(-1)), n - 1);
        }
    }
}
