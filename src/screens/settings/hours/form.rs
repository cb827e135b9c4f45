//! The form of opening hours: what is typed, and what it means.

use jiff::civil::Date;

use crate::clock::Ts;
use crate::desk::hours::{Clock, Exception, MAX_EXCEPTIONS, MAX_NOTE, MAX_SHIFTS, Place, Schedule, Shift};
use crate::http::problems::Problems;

/// Pairs that every day offers: a morning and an afternoon.
const PAIRS: usize = 2;
/// Lines for new dates.
const SPARE_DATES: usize = 2;
/// Dates that are longer ago than this leave the list when it is saved, in days: estimates look back four weeks.
const KEPT_DAYS: i64 = 35;

/// Monday first.
pub(super) const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// The fields of a sent form, in their order; names repeat.
pub(super) struct Fields(pub Vec<(String, String)>);

impl Fields {
    /// The first value of a field, empty when there is none.
    pub(super) fn one(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// From and to, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) from: String,
    pub(super) to: String,
}

impl Pair {
    fn of(shift: &Shift) -> Self {
        // Time fields end at 23:59 and know midnight as 00:00.
        let to = if shift.to == Clock::MIDNIGHT { "00:00".to_owned() } else { shift.to.to_string() };
        Self { from: shift.from.to_string(), to }
    }

    fn is_empty(&self) -> bool {
        self.from.trim().is_empty() && self.to.trim().is_empty()
    }

    fn shift(&self) -> Result<Shift, String> {
        let (from, to) = (self.from.trim(), self.to.trim());
        if from.is_empty() || to.is_empty() {
            return Err("Enter both times, from and to; clear both for no shift.".to_owned());
        }
        let words = |text: &str, error| format!("“{text}” is no time. {error}");
        let from = from.parse::<Clock>().map_err(|error| words(from, error))?;
        let to = to.parse::<Clock>().map_err(|error| words(to, error))?;
        Shift::new(from, to).map_err(str::to_owned)
    }
}

/// A date that is different, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct DateLine {
    pub(super) date: String,
    pub(super) open: bool,
    pub(super) pair: Pair,
    pub(super) note: String,
}

impl DateLine {
    fn is_empty(&self) -> bool {
        self.date.trim().is_empty() && self.note.trim().is_empty() && self.pair.is_empty()
    }
}

/// Opening hours as typed.
#[derive(Debug, Clone)]
pub(super) struct HoursForm {
    pub(super) zone: String,
    pub(super) week: [Vec<Pair>; 7],
    pub(super) dates: Vec<DateLine>,
}

impl HoursForm {
    pub(super) fn of(schedule: &Schedule) -> Self {
        let mut dates = Vec::new();
        for exception in &schedule.exceptions {
            let line = DateLine { date: exception.date.to_string(), note: exception.note.clone(), ..DateLine::default() };
            if exception.shifts.is_empty() {
                dates.push(line);
            } else {
                // Two shifts on one date are two lines.
                dates.extend(exception.shifts.iter().map(|shift| DateLine { open: true, pair: Pair::of(shift), ..line.clone() }));
            }
        }
        let week = schedule.week.clone().map(|shifts| shifts.iter().map(Pair::of).collect());
        let mut form = Self { zone: schedule.zone.clone().unwrap_or_default(), week, dates };
        form.offer();
        form
    }

    pub(super) fn read(fields: &Fields) -> Self {
        let pairs = |from: &str, to: &str| -> Vec<Pair> {
            let both = fields.all(from).zip(fields.all(to));
            both.map(|(from, to)| Pair { from: from.to_owned(), to: to.to_owned() }).collect()
        };
        let week = std::array::from_fn(|day| {
            let mut all = pairs(&format!("d{day}-from"), &format!("d{day}-to"));
            all.truncate(MAX_SHIFTS);
            all
        });
        let removed = fields.one("remove").parse::<usize>().ok();
        let times = pairs("x-from", "x-to").into_iter();
        let lines = fields.all("x-date").zip(fields.all("x-state")).zip(times).zip(fields.all("x-note"));
        let dates = lines
            .enumerate()
            .filter(|(at, _)| Some(*at) != removed)
            .map(|(_, (((date, state), pair), note))| DateLine {
                date: date.to_owned(),
                open: state == "open",
                pair,
                note: note.to_owned(),
            })
            .filter(|line| !line.is_empty())
            .take(MAX_EXCEPTIONS + SPARE_DATES)
            .collect();
        let mut form = Self { zone: fields.one("zone").to_owned(), week, dates };
        form.offer();
        form
    }

    /// Monday's hours until Friday.
    pub(super) fn copy_monday(&mut self) {
        let monday = self.week[0].clone();
        self.week[1..5].fill(monday);
    }

    /// Keeps fields free for one more shift and some more dates.
    fn offer(&mut self) {
        for day in &mut self.week {
            day.retain(|pair| !pair.is_empty());
            day.resize((day.len() + 1).clamp(PAIRS, MAX_SHIFTS), Pair::default());
        }
        let lines = self.dates.len() + SPARE_DATES;
        self.dates.resize(lines, DateLine::default());
    }

    /// What it means, or what is wrong: by `d0` for Monday, `x0` for the first date, `zone` and `week`.
    pub(super) fn check(&self, now: Ts) -> Result<Schedule, Problems> {
        let mut problems = Problems::default();
        let zone = self.zone.trim();
        let mut schedule = Schedule { zone: (!zone.is_empty()).then(|| zone.to_owned()), week: Default::default(), exceptions: Vec::new() };
        for (day, (pairs, shifts)) in self.week.iter().zip(&mut schedule.week).enumerate() {
            for pair in pairs.iter().filter(|pair| !pair.is_empty()) {
                match pair.shift() {
                    Ok(shift) => shifts.push(shift),
                    Err(words) => problems.add(format!("d{day}"), words),
                }
            }
        }
        // Where each exception stands in the form, for what the schedule says about it.
        let mut places = Vec::new();
        for (at, line) in self.dates.iter().enumerate().filter(|(_, line)| !line.is_empty()) {
            let Ok(date) = line.date.trim().parse::<Date>() else {
                problems.add(format!("x{at}"), "Enter the date, for example 2026-08-15.");
                continue;
            };
            let shift = match line.open.then(|| line.pair.shift()).transpose() {
                Ok(shift) => shift,
                Err(words) => {
                    problems.add(format!("x{at}"), words);
                    continue;
                }
            };
            let known = schedule.exceptions.iter_mut().find(|known: &&mut Exception| known.date == date);
            match (known, shift) {
                // A second shift of the same date.
                (Some(known), Some(shift)) if !known.shifts.is_empty() => known.shifts.push(shift),
                (Some(_), _) => problems.add(format!("x{at}"), "This date is in the list already."),
                (None, shift) => {
                    schedule.exceptions.push(Exception { date, shifts: shift.into_iter().collect(), note: line.note.trim().to_owned() });
                    places.push(at);
                }
            }
        }
        for (place, words) in schedule.problems() {
            let field = match place {
                Place::Zone => "zone".to_owned(),
                Place::Week => "week".to_owned(),
                Place::Day(day) => format!("d{day}"),
                Place::Exception(at) => format!("x{}", places.get(at).copied().unwrap_or_default()),
            };
            // A day whose times cannot be read is not an empty one.
            if place != Place::Week || !problems.any() {
                problems.add(field, words);
            }
        }
        if problems.any() {
            return Err(problems);
        }
        let oldest = now.plus_seconds(-KEPT_DAYS * 86_400).0.to_zoned(jiff::tz::TimeZone::UTC).date();
        schedule.exceptions.retain(|exception| exception.date >= oldest);
        schedule.exceptions.sort_by_key(|exception| exception.date);
        for shifts in schedule.week.iter_mut().chain(schedule.exceptions.iter_mut().map(|exception| &mut exception.shifts)) {
            shifts.sort_by_key(|shift| shift.from);
        }
        Ok(schedule)
    }

    // For the template.

    pub(super) fn days(&self) -> impl Iterator<Item = (usize, &'static str, &Vec<Pair>)> {
        DAYS.into_iter().zip(&self.week).enumerate().map(|(at, (name, pairs))| (at, name, pairs))
    }

    /// Whether this pair is to blame for what is wrong with its day: one that cannot be read, else all that are filled in.
    pub(super) fn is_bad(&self, pair: &Pair, day: &[Pair]) -> bool {
        let unreadable = |pair: &Pair| !pair.is_empty() && pair.shift().is_err();
        if day.iter().any(unreadable) { unreadable(pair) } else { !pair.is_empty() }
    }

    pub(super) fn max_note(&self) -> usize {
        MAX_NOTE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(fields: &[(&str, &str)]) -> HoursForm {
        HoursForm::read(&Fields(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()))
    }

    fn now() -> Ts {
        Ts("2026-11-13T12:00:00Z".parse().expect("a moment"))
    }

    #[test]
    fn what_is_shown_is_what_is_stored() {
        let schedule = Schedule {
            exceptions: vec![
                Exception { date: jiff::civil::date(2026, 12, 8), shifts: Vec::new(), note: "Immacolata".into() },
                Exception {
                    date: jiff::civil::date(2026, 12, 13),
                    shifts: vec![
                        Shift::new("9".parse().expect("a time"), "12".parse().expect("a time")).expect("a shift"),
                        Shift::new("15".parse().expect("a time"), "24:00".parse().expect("a time")).expect("a shift"),
                    ],
                    note: "Santa Lucia".into(),
                },
            ],
            ..Schedule::default()
        };
        let form = HoursForm::of(&schedule);
        assert_eq!(form.dates.len(), 3 + SPARE_DATES);
        assert_eq!(form.dates[2].pair, Pair { from: "15:00".into(), to: "00:00".into() });
        assert_eq!(form.week[0].len(), 2);
        assert_eq!(form.check(now()).expect("right"), schedule);
    }

    #[test]
    fn each_problem_has_its_place_and_values_stay() {
        let form = sent(&[
            ("d0-from", "9:00"),
            ("d0-to", ""),
            ("d1-from", "25"),
            ("d1-to", "26"),
            ("d2-from", "14"),
            ("d2-to", "18"),
            ("d2-from", "9"),
            ("d2-to", "15"),
            ("x-date", "15 agosto"),
            ("x-state", "closed"),
            ("x-from", ""),
            ("x-to", ""),
            ("x-note", "Ferragosto"),
            ("x-date", "2026-12-24"),
            ("x-state", "open"),
            ("x-from", "9"),
            ("x-to", ""),
            ("x-note", ""),
        ]);
        let problems = form.check(now()).expect_err("much is wrong");
        for field in ["d0", "d1", "d2", "x0", "x1"] {
            assert!(problems.of(field).is_some(), "{field}");
        }
        assert!(problems.of("week").is_none());
        assert_eq!(problems.of("d2"), Some("09:00–15:00 and 14:00–18:00 overlap."));
        assert_eq!(form.dates[0].date, "15 agosto");
        assert!(sent(&[]).check(now()).expect_err("never open").of("week").is_some());
    }

    #[test]
    fn monday_is_copied_and_a_line_removed() {
        let mut form = sent(&[
            ("d0-from", "9"),
            ("d0-to", "13"),
            ("d5-from", "10"),
            ("d5-to", "12"),
            ("x-date", "2026-12-24"),
            ("x-state", "closed"),
            ("x-from", ""),
            ("x-to", ""),
            ("x-note", ""),
            ("remove", "0"),
        ]);
        form.copy_monday();
        let schedule = form.check(now()).expect("right");
        assert_eq!(schedule.week[4], schedule.week[0]);
        assert_eq!((schedule.week[5].len(), schedule.week[6].len(), schedule.exceptions.len()), (1, 0, 0));
    }

    #[test]
    fn lists_are_bounded_and_old_dates_go() {
        let line = |date: String| {
            [("x-date", date), ("x-state", "closed".into()), ("x-from", String::new()), ("x-to", String::new()), ("x-note", String::new())]
        };
        let many: Vec<(String, String)> = (0..1000)
            .flat_map(|day: i64| line(jiff::civil::date(2026, 1, 1).saturating_add(jiff::Span::new().days(day)).to_string()))
            .chain((0..50).flat_map(|hour| [("d0-from", format!("{hour}")), ("d0-to", format!("{hour}:30"))]))
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let form = HoursForm::read(&Fields(many));
        assert!(form.dates.len() <= MAX_EXCEPTIONS + 2 * SPARE_DATES && form.week[0].len() == MAX_SHIFTS);
        assert!(form.check(now()).is_err());
        let past = line("2026-10-01".into()).into_iter().chain(line("2026-11-01".into()));
        let form = HoursForm::read(&Fields(
            past.chain([("d0-from", "9".to_owned()), ("d0-to", "10".to_owned())]).map(|(name, value)| (name.to_owned(), value)).collect(),
        ));
        assert_eq!(form.check(now()).expect("right").exceptions.len(), 1);
    }
}
