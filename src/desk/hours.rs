//! When the desk is there: shifts by weekday, dates that are different, and arithmetic in opening time.
//!
//! Local times are turned into moments by one rule: a shift is open whenever the clock on the wall shows a time within it. In the night
//! clocks go forward, times that do not exist collapse into the moment of the change; in the night they go back, the doubled hour counts
//! twice. A shift that ends before it begins runs into the next day and belongs to the day on which it begins: 22:00–02:00 on Friday is
//! open until Saturday at two, even when Saturday is closed. The same may be entered as two shifts, 22:00–24:00 and 00:00–02:00.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::clock::Ts;
use crate::desk::directory;
use crate::ids::TeamId;

/// Shifts on one day.
pub const MAX_SHIFTS: usize = 4;
/// Dates that are different.
pub const MAX_EXCEPTIONS: usize = 100;
/// Characters of a date's note.
pub const MAX_NOTE: usize = 80;
/// How far ahead anything is looked for.
const HORIZON: i64 = 366 * 86_400;
/// Open without a break for longer than this counts as never closing.
const LONG: i64 = 7 * 86_400;

/// A time of day in minutes after midnight, 00:00 to 24:00.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Clock(u16);

impl Clock {
    /// The end of the day.
    pub const MIDNIGHT: Self = Self(24 * 60);

    /// So many minutes after midnight; `None` beyond 24:00.
    pub const fn from_minutes(minutes: u16) -> Option<Self> {
        if minutes <= Self::MIDNIGHT.0 { Some(Self(minutes)) } else { None }
    }

    fn on(self, date: Date) -> DateTime {
        date.to_datetime(jiff::civil::Time::midnight()).saturating_add(i64::from(self.0).minutes())
    }
}

/// What is no time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Enter a time such as 9:00 or 17:30.")]
pub struct NoTime;

impl FromStr for Clock {
    type Err = NoTime;

    /// `9`, `9:30`, `09.30`, `24:00`.
    fn from_str(text: &str) -> Result<Self, NoTime> {
        let (hour, minute) = text.trim().split_once([':', '.']).unwrap_or((text.trim(), "00"));
        let digits = |part: &str, most: usize| (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        // Browsers that offer seconds send them.
        let minute = minute.strip_suffix(":00").unwrap_or(minute);
        if !digits(hour, 2) || !digits(minute, 2) || minute.len() != 2 {
            return Err(NoTime);
        }
        let (hour, minute): (u16, u16) = (hour.parse().map_err(|_| NoTime)?, minute.parse().map_err(|_| NoTime)?);
        if minute > 59 { Err(NoTime) } else { Self::from_minutes(hour * 60 + minute).ok_or(NoTime) }
    }
}

impl TryFrom<String> for Clock {
    type Error = NoTime;

    fn try_from(text: String) -> Result<Self, NoTime> {
        text.parse()
    }
}

impl From<Clock> for String {
    fn from(clock: Clock) -> Self {
        clock.to_string()
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

/// From one time to another; up to the first or beyond midnight when `to` does not come after `from`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shift {
    pub from: Clock,
    pub to: Clock,
}

impl Shift {
    /// A shift; an end at 00:00 is the end of the day.
    ///
    /// # Errors
    /// It ends when it begins, or begins at the end of the day.
    pub fn new(from: Clock, to: Clock) -> Result<Self, &'static str> {
        let to = if to.0 == 0 { Clock::MIDNIGHT } else { to };
        if from == Clock::MIDNIGHT {
            return Err("24:00 is the end of the day; a shift may begin at 00:00 of the next.");
        }
        if from == to { Err("A shift cannot end when it begins. For the whole day enter 00:00 to 24:00.") } else { Ok(Self { from, to }) }
    }

    /// Whether it ends on the day after.
    pub fn overnight(self) -> bool {
        self.to < self.from
    }

    /// The end in minutes after the midnight before it begins.
    fn end(self) -> u16 {
        if self.overnight() { self.to.0 + Clock::MIDNIGHT.0 } else { self.to.0 }
    }
}

impl fmt::Display for Shift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}–{}", self.from, self.to)
    }
}

/// A date on which the week does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exception {
    pub date: Date,
    /// None: closed.
    #[serde(default)]
    pub shifts: Vec<Shift>,
    /// Why, such as "Ferragosto"; may be empty.
    #[serde(default)]
    pub note: String,
}

/// Opening hours as they are stored and edited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// IANA name; `None`: the desk's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Monday first.
    pub week: [Vec<Shift>; 7],
    #[serde(default)]
    pub exceptions: Vec<Exception>,
}

impl Default for Schedule {
    /// Monday to Friday, 9 to 18.
    fn default() -> Self {
        let day = || vec![Shift { from: Clock(9 * 60), to: Clock(18 * 60) }];
        Self { zone: None, week: [day(), day(), day(), day(), day(), Vec::new(), Vec::new()], exceptions: Vec::new() }
    }
}

/// Where in a schedule something is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Zone,
    /// The whole week.
    Week,
    /// A day of the week, Monday is 0.
    Day(usize),
    /// The exception at this place in the list.
    Exception(usize),
}

impl Schedule {
    /// What is wrong with it, in the words of the person who entered it.
    pub fn problems(&self) -> Vec<(Place, String)> {
        let mut problems = Vec::new();
        if let Some(zone) = &self.zone
            && TimeZone::get(zone).is_err()
        {
            problems.push((Place::Zone, "Choose a place from the list, such as Europe/Rome.".to_owned()));
        }
        if self.week.iter().all(Vec::is_empty) && self.exceptions.iter().all(|exception| exception.shifts.is_empty()) {
            problems.push((Place::Week, "Enter when somebody is there on at least one day.".to_owned()));
        }
        for (day, shifts) in self.week.iter().enumerate() {
            problems.extend(shifts_problem(shifts).map(|words| (Place::Day(day), words)));
        }
        if self.exceptions.len() > MAX_EXCEPTIONS {
            problems
                .push((Place::Exception(MAX_EXCEPTIONS), format!("At most {MAX_EXCEPTIONS} dates, please; remove some that have passed.")));
        }
        for (at, exception) in self.exceptions.iter().enumerate() {
            problems.extend(shifts_problem(&exception.shifts).map(|words| (Place::Exception(at), words)));
            if exception.note.chars().count() > MAX_NOTE {
                problems.push((Place::Exception(at), format!("Use at most {MAX_NOTE} characters for the note.")));
            }
            if self.exceptions[..at].iter().any(|earlier| earlier.date == exception.date) {
                problems.push((Place::Exception(at), "This date is in the list already.".to_owned()));
            }
        }
        problems
    }

    /// As moments can be asked about it; `desk` is the zone where it names none.
    pub fn resolve(&self, desk: &TimeZone) -> Hours {
        let own = self.zone.as_deref().and_then(|zone| TimeZone::get(zone).ok());
        let mut exceptions = self.exceptions.clone();
        exceptions.sort_by_key(|exception| exception.date);
        let mut hours = Hours { zone: own.unwrap_or_else(|| desk.clone()), week: self.week.clone(), exceptions };
        let days = hours.week.iter_mut().chain(hours.exceptions.iter_mut().map(|exception| &mut exception.shifts));
        days.for_each(|shifts| shifts.sort_by_key(|shift| shift.from));
        hours
    }
}

fn shifts_problem(shifts: &[Shift]) -> Option<String> {
    if shifts.len() > MAX_SHIFTS {
        return Some(format!("At most {MAX_SHIFTS} shifts a day, please."));
    }
    let mut sorted = shifts.to_vec();
    sorted.sort_by_key(|shift| shift.from);
    let crossing = sorted.windows(2).find(|pair| pair[0].end() > pair[1].from.0)?;
    Some(format!("{} and {} overlap.", crossing[0], crossing[1]))
}

/// Opening hours in their time zone.
#[derive(Debug, Clone)]
pub struct Hours {
    pub zone: TimeZone,
    /// Monday first; in order.
    pub week: [Vec<Shift>; 7],
    /// By date.
    pub exceptions: Vec<Exception>,
}

impl Hours {
    /// The exception of a date.
    pub fn exception(&self, date: Date) -> Option<&Exception> {
        self.exceptions.binary_search_by_key(&date, |exception| exception.date).ok().and_then(|at| self.exceptions.get(at))
    }

    /// The shifts that begin on a date.
    pub fn shifts(&self, date: Date) -> &[Shift] {
        let weekday = usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or_default();
        self.exception(date).map_or_else(|| self.week.get(weekday).map_or(&[][..], Vec::as_slice), |exception| &exception.shifts)
    }

    /// Whether somebody should be there.
    pub fn is_open(&self, now: Ts) -> bool {
        self.spans(now, now).any(|(from, to)| from <= now.0 && now.0 < to)
    }

    /// When it closes; `None`: it is closed, or does not close for more than a week.
    pub fn closes_at(&self, now: Ts) -> Option<Ts> {
        let (_, to) = self.spans(now, now.plus_seconds(LONG)).find(|(from, to)| *from <= now.0 && now.0 < *to)?;
        Some(Ts(to)).filter(|to| to.seconds_since(now) < LONG)
    }

    /// When it opens next, after `now` even if it is open now; `None`: not within a year.
    pub fn next_opening(&self, now: Ts) -> Option<Ts> {
        self.spans(now, now.plus_seconds(HORIZON)).map(|(from, _)| Ts(from)).find(|from| *from > now)
    }

    /// How much of the time between two moments is opening time; 0 when `b` is not after `a`.
    pub fn open_seconds_between(&self, a: Ts, b: Ts) -> i64 {
        let clipped = self.spans(a, b).map(|(from, to)| Ts(to.min(b.0)).seconds_since(Ts(from.max(a.0))));
        if b > a { clipped.filter(|seconds| *seconds > 0).sum() } else { 0 }
    }

    /// The moment at which `n` seconds of opening time will have passed; `start` itself when none are wanted. Where a year does not hold
    /// as many, a year later.
    pub fn after_open_seconds(&self, start: Ts, n: i64) -> Ts {
        let mut left = n;
        if left <= 0 {
            return start;
        }
        let end = start.plus_seconds(HORIZON);
        for (from, to) in self.spans(start, end) {
            let from = Ts(from.max(start.0));
            let length = Ts(to).seconds_since(from);
            if length >= left {
                return from.plus_seconds(left).min(Ts(to));
            }
            left -= length.max(0);
        }
        end
    }

    /// When it last closed between two moments.
    pub fn last_closing(&self, a: Ts, b: Ts) -> Option<Ts> {
        self.spans(a, b).map(|(_, to)| Ts(to)).take_while(|to| *to <= b).filter(|to| *to >= a).last()
    }

    /// The day of the week and the hour that the clock there shows.
    pub fn local(&self, at: Ts) -> (Weekday, i8) {
        let there = at.0.to_zoned(self.zone.clone());
        (there.weekday(), there.hour())
    }

    /// The times of opening that touch the time between two moments, whole, in order and merged.
    pub fn openings(&self, a: Ts, b: Ts) -> impl Iterator<Item = (Ts, Ts)> {
        self.spans(a, b).map(|(from, to)| (Ts(from), Ts(to))).filter(move |(from, to)| *to > a && *from < b)
    }

    /// The times of opening that touch the days from `a` to `b`, in order and merged where one follows another without a gap.
    fn spans(&self, a: Ts, b: Ts) -> Spans<'_> {
        let day = |at: Ts| at.0.to_zoned(self.zone.clone()).date();
        // The day before may run over midnight.
        Spans { hours: self, day: day(a).saturating_sub(1.day()), last: day(b), waiting: VecDeque::new(), held: None }
    }

    /// The shifts of one day as moments.
    fn moments(&self, date: Date) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        self.shifts(date).iter().filter_map(move |shift| {
            let ends = if shift.overnight() { date.saturating_add(1.day()) } else { date };
            let from = moment(&self.zone, shift.from.on(date), End::From)?;
            let to = moment(&self.zone, shift.to.on(ends), End::To)?;
            (from < to).then_some((from, to))
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    From,
    To,
}

/// The moment at which clocks there show `at`: after a change that leaves it out, the change itself; of two, the first for a beginning and
/// the second for an end.
fn moment(zone: &TimeZone, at: DateTime, end: End) -> Option<Timestamp> {
    let ambiguous = zone.to_ambiguous_timestamp(at);
    match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { .. } => ambiguous.compatible().ok(),
        AmbiguousOffset::Fold { .. } => if end == End::From { ambiguous.earlier() } else { ambiguous.later() }.ok(),
        AmbiguousOffset::Gap { .. } => {
            let before = ambiguous.earlier().ok()?;
            zone.following(before).next().map(|change| change.timestamp())
        }
    }
}

struct Spans<'a> {
    hours: &'a Hours,
    day: Date,
    last: Date,
    waiting: VecDeque<(Timestamp, Timestamp)>,
    held: Option<(Timestamp, Timestamp)>,
}

impl Iterator for Spans<'_> {
    type Item = (Timestamp, Timestamp);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            while let Some(next) = self.waiting.pop_front() {
                match &mut self.held {
                    Some(held) if next.0 <= held.1 => held.1 = held.1.max(next.1),
                    held => {
                        if let Some(whole) = held.replace(next) {
                            return Some(whole);
                        }
                    }
                }
            }
            if self.day > self.last {
                return self.held.take();
            }
            self.waiting.extend(self.hours.moments(self.day));
            match self.day.tomorrow() {
                Ok(day) => self.day = day,
                Err(_) => return self.held.take(),
            }
        }
    }
}

/// The opening hours of a team, which are the desk's unless it has its own; of the desk for `None`.
pub async fn of(app: &App, team: Option<TeamId>) -> sqlx::Result<Arc<Hours>> {
    Ok(directory::get(app).await?.hours_of(team))
}

#[cfg(test)]
mod tests;
