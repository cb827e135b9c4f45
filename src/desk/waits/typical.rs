//! What is usual: from earlier answers to one number, without a database.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Weekday;

use crate::clock::Ts;
use crate::desk::hours::Hours;
use crate::ids::AgentId;

/// Fewer answers than this say nothing.
pub const ENOUGH: usize = 20;
/// Beyond so many times the usual, nobody knows.
const MAX_SCALE: f64 = 10.0;

/// A first answer of the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    pub asked_at: Ts,
    pub answered_at: Ts,
    /// What of the time between the two lay in opening hours.
    pub open_seconds: i64,
    /// Who answered, if they are still known.
    pub agent_id: Option<AgentId>,
}

/// What sort of moment it is where the desk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Moment {
    /// 0 to 23.
    pub hour: i8,
    pub weekend: bool,
    pub open: bool,
}

impl Moment {
    /// The moment at these opening hours.
    pub fn of(hours: &Hours, at: Ts) -> Self {
        let (day, hour) = hours.local(at);
        Self { hour, weekend: matches!(day, Weekday::Saturday | Weekday::Sunday), open: hours.is_open(at) }
    }

    /// At most one hour apart, over midnight too.
    fn near(self, other: Self) -> bool {
        matches!((self.hour - other.hour).rem_euclid(24), 0 | 1 | 23)
    }
}

/// What is usual for questions at one sort of moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Typical {
    /// Four in five had their answer after so many seconds of opening time …
    pub open_seconds: i64,
    /// … and, where that is none, after so many on the clock. `None`: the answers are of other hours, so that this means nothing.
    pub clock_seconds: Option<i64>,
    /// The same for those who found nobody waiting.
    pub alone_seconds: i64,
    /// How many waited on average when these questions were asked.
    pub ahead: f64,
    /// How many people answered such questions on an average day; 0: unknown.
    pub people: f64,
}

impl Typical {
    /// From all answers of one kind of channel, those that fit `moment`; `None` when there are too few.
    pub fn of(all: &[Sample], hours: &Hours, moment: Moment) -> Option<Self> {
        let placed: Vec<(Moment, &Sample)> = all.iter().map(|sample| (Moment::of(hours, sample.asked_at), sample)).collect();
        let same_state = || placed.iter().filter(|(then, _)| then.open == moment.open);
        let this_hour: Vec<&Sample> = same_state().filter(|(then, _)| then.near(moment)).map(|(_, sample)| *sample).collect();
        if this_hour.len() >= ENOUGH {
            return Some(Self::measure(&this_hour, all, hours, moment, true));
        }
        let such_days: Vec<&Sample> = same_state().filter(|(then, _)| then.weekend == moment.weekend).map(|(_, sample)| *sample).collect();
        (such_days.len() >= ENOUGH).then(|| Self::measure(&such_days, all, hours, moment, false))
    }

    fn measure(chosen: &[&Sample], all: &[Sample], hours: &Hours, moment: Moment, this_hour: bool) -> Self {
        let queue = Queue::of(all);
        let mut waits = Vec::with_capacity(chosen.len());
        let mut people: BTreeMap<jiff::civil::Date, BTreeSet<AgentId>> = BTreeMap::new();
        for sample in chosen {
            let open = if moment.open { worked(sample, hours) } else { sample.open_seconds };
            let clock = sample.answered_at.seconds_since(sample.asked_at).max(0);
            waits.push(((open, clock), queue.ahead_of(sample)));
            if let Some(agent) = sample.agent_id {
                people.entry(sample.answered_at.0.to_zoned(hours.zone.clone()).date()).or_default().insert(agent);
            }
        }
        let count = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
        let average = |sum: usize, of: usize| if of == 0 { 0.0 } else { count(sum) / count(of) };
        let ahead = average(waits.iter().map(|(_, ahead)| ahead).sum(), waits.len());
        let people = average(people.values().map(BTreeSet::len).sum(), people.len());
        let mut alone: Vec<(i64, i64)> = waits.iter().filter(|(_, ahead)| *ahead == 0).map(|(wait, _)| *wait).collect();
        let mut waits: Vec<(i64, i64)> = waits.into_iter().map(|(wait, _)| wait).collect();
        let (open_seconds, clock_seconds) = percentile(&mut waits, 80);
        let alone_seconds = if alone.len() >= ENOUGH { percentile(&mut alone, 80).0 } else { scaled(open_seconds, 1.0 / (ahead + 1.0)) };
        Self {
            open_seconds,
            clock_seconds: Some(clock_seconds).filter(|_| this_hour && !moment.open && open_seconds == 0),
            alone_seconds: alone_seconds.min(open_seconds),
            ahead,
            people,
        }
    }

    /// How the moment compares with what is usual: the queue including oneself, per person. Twice the queue is twice the wait; half the
    /// people too. Where the number of people is unknown on either side, the queue alone speaks.
    fn scale(&self, ahead: i64, on_duty: i64) -> f64 {
        let count = |number: i64| f64::from(u32::try_from(number.max(0)).unwrap_or(u32::MAX));
        let queue = (count(ahead) + 1.0) / (self.ahead + 1.0);
        // On a short look some who are there answer nothing: what is counted may be off by a factor of two or more.
        let people = if on_duty <= 0 || self.people == 0.0 { 1.0 } else { (self.people / count(on_duty)).clamp(0.5, 4.0) };
        (queue * people).min(MAX_SCALE)
    }

    /// Seconds of opening time until the answer: the usual ones scaled by the queue of the moment, and never fewer than those have waited
    /// who found nobody before them.
    pub fn seconds(&self, ahead: i64, on_duty: i64) -> i64 {
        scaled(self.open_seconds, self.scale(ahead, on_duty)).max(self.alone_seconds)
    }

    /// The moment by which the answer is there, for somebody who asks `now`.
    pub fn by(&self, hours: &Hours, ahead: i64, on_duty: i64, now: Ts) -> Ts {
        let open = self.seconds(ahead, on_duty);
        if hours.is_open(now) {
            return hours.after_open_seconds(now, open.max(1));
        }
        let opening = hours.next_opening(now).unwrap_or_else(|| hours.after_open_seconds(now, 1));
        match self.clock_seconds {
            Some(clock) => now.plus_seconds(scaled(clock, self.scale(ahead, on_duty).max(1.0)).max(1)).min(opening),
            None => hours.after_open_seconds(opening, open),
        }
    }
}

/// What somebody who asked in opening hours waited, in opening time; what was worked after closing counts too.
fn worked(sample: &Sample, hours: &Hours) -> i64 {
    if hours.is_open(sample.answered_at) {
        return sample.open_seconds;
    }
    let closed = hours.last_closing(sample.asked_at, sample.answered_at).unwrap_or(sample.answered_at);
    sample.open_seconds + sample.answered_at.seconds_since(closed).max(0)
}

/// The smallest value that `percent` of all do not exceed (nearest rank); zeros when there are none.
fn percentile(values: &mut [(i64, i64)], percent: usize) -> (i64, i64) {
    values.sort_unstable();
    let rank = (values.len() * percent).div_ceil(100).max(1);
    values.get(rank - 1).copied().unwrap_or_default()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "seconds of a few weeks; a cast of a float saturates")]
fn scaled(seconds: i64, scale: f64) -> i64 {
    (seconds as f64 * scale).round() as i64
}

/// Who waited when.
struct Queue {
    asked: Vec<Ts>,
    answered: Vec<Ts>,
}

impl Queue {
    fn of(all: &[Sample]) -> Self {
        let mut asked: Vec<Ts> = all.iter().map(|sample| sample.asked_at).collect();
        let mut answered: Vec<Ts> = all.iter().map(|sample| sample.answered_at).collect();
        asked.sort_unstable();
        answered.sort_unstable();
        Self { asked, answered }
    }

    /// How many had asked before this one and were not answered yet.
    fn ahead_of(&self, sample: &Sample) -> usize {
        let asked = self.asked.partition_point(|at| *at < sample.asked_at);
        asked.saturating_sub(self.answered.partition_point(|at| *at <= sample.asked_at))
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::desk::hours::Schedule;

    fn office() -> Hours {
        Schedule::default().resolve(&TimeZone::get("Europe/Rome").expect("a zone"))
    }

    fn at(text: &str) -> Ts {
        Ts(text.parse().expect("a moment"))
    }

    /// Monday 2 November 2026, and on the weekdays after it: asked at `time` in UTC (an hour less than in Rome), answered `minutes` later.
    fn asked(hours: &Hours, day: i64, time: &str, minutes: i64) -> Sample {
        let asked_at = at(&format!("2026-11-02T{time}Z")).plus_seconds(day * 86_400);
        let answered_at = asked_at.plus_seconds(minutes * 60);
        let agent_id = Some(AgentId(1));
        Sample { asked_at, answered_at, open_seconds: hours.open_seconds_between(asked_at, answered_at), agent_id }
    }

    /// Twenty-five: five a week day apart, each `minutes[n]` long.
    fn spread(hours: &Hours, time: &str, minutes: [i64; 5]) -> Vec<Sample> {
        let days = [0, 1, 2, 3, 4];
        days.into_iter().flat_map(|day| minutes.map(|minutes| asked(hours, day, time, minutes))).collect()
    }

    #[test]
    fn four_in_five_by_nearest_rank() {
        let mut ten: Vec<(i64, i64)> = (1..=10).rev().map(|n| (n, 0)).collect();
        assert_eq!(percentile(&mut ten, 80).0, 8);
        assert_eq!(percentile(&mut [(3, 1), (3, 9)], 80), (3, 9));
        assert_eq!(percentile(&mut [(7, 1)], 80).0, 7);
        assert_eq!(percentile(&mut [], 80).0, 0);
    }

    #[test]
    fn twenty_answers_at_this_hour_or_else_of_such_days() {
        let hours = office();
        let mut all = spread(&hours, "09:30:00", [10, 10, 10, 20, 60]);
        let ten = Moment::of(&hours, at("2026-11-16T09:10:00Z"));
        assert_eq!(ten, Moment { hour: 10, weekend: false, open: true });
        assert_eq!(Typical::of(&all, &hours, ten).map(|typical| typical.open_seconds), Some(20 * 60));
        // At four nobody asked; the day as a whole is known.
        let four = Moment { hour: 16, ..ten };
        assert_eq!(Typical::of(&all, &hours, four).map(|typical| typical.open_seconds), Some(20 * 60));
        // What was asked at four counts for three and five, and not for ten.
        all.extend(spread(&hours, "15:30:00", [50, 50, 50, 50, 50]));
        for hour in [15, 16, 17] {
            assert_eq!(Typical::of(&all, &hours, Moment { hour, ..ten }).map(|typical| typical.open_seconds), Some(50 * 60), "{hour}");
        }
        assert_eq!(Typical::of(&all, &hours, ten).map(|typical| typical.open_seconds), Some(20 * 60));
        // A Saturday and a closed desk are others.
        assert_eq!(Typical::of(&all, &hours, Moment { hour: 3, weekend: true, open: true }), None);
        assert_eq!(Typical::of(&all, &hours, Moment { hour: 22, open: false, ..ten }), None);
        assert_eq!(Typical::of(&all[..ENOUGH - 1], &hours, ten), None);
        assert!(Typical::of(&all[..ENOUGH], &hours, ten).is_some());
    }

    #[test]
    fn the_queue_and_the_people_scale_it() {
        let typical = Typical { open_seconds: 600, clock_seconds: None, alone_seconds: 300, ahead: 1.0, people: 2.0 };
        assert_eq!(typical.seconds(1, 2), 600, "as usual");
        assert_eq!(typical.seconds(3, 2), 1200, "twice the queue");
        assert_eq!(typical.seconds(1, 1), 1200, "half the people");
        assert_eq!(typical.seconds(1, 4), 300, "twice the people");
        assert_eq!(typical.seconds(0, 40), 300, "never below an empty queue");
        assert_eq!(typical.seconds(1, 0), 600, "unknown people are the usual ones");
        assert_eq!(typical.seconds(100_000, 1), 6000, "beyond ten times nobody knows");
        assert_eq!(Typical { people: 0.0, ..typical }.seconds(3, 9), 1200);
    }

    #[test]
    fn the_usual_queue_is_read_from_the_answers() {
        let hours = office();
        // Each hour three ask within two minutes, and wait long enough to meet each other.
        let mut all = Vec::new();
        for day in 0..5 {
            for time in ["08:00:00", "09:00:00"] {
                all.extend(
                    [("00", 30), ("01", 30), ("02", 30)]
                        .map(|(minute, wait)| asked(&hours, day, &time.replacen(":00", &format!(":{minute}"), 1), wait)),
                );
            }
        }
        let typical = Typical::of(&all, &hours, Moment::of(&hours, at("2026-11-16T08:30:00Z"))).expect("thirty");
        assert!((typical.ahead - 1.0).abs() < 1e-9, "0, 1 and 2 ahead: {}", typical.ahead);
        assert!((typical.people - 1.0).abs() < 1e-9);
        assert_eq!((typical.open_seconds, typical.alone_seconds), (1800, 900), "ten were alone: too few to say");
        let calm = spread(&hours, "08:00:00", [5, 5, 5, 5, 5]);
        let typical = Typical::of(&calm, &hours, Moment::of(&hours, at("2026-11-16T08:30:00Z"))).expect("twenty-five");
        assert_eq!((typical.open_seconds, typical.alone_seconds), (300, 300));
    }

    #[test]
    fn closed_desks_answer_from_the_next_opening() {
        let hours = office();
        // Asked at 20:00, answered the next morning at 9:30.
        let evening: Vec<Sample> = spread(&hours, "19:00:00", [810, 810, 810, 810, 810]);
        let tonight = at("2026-11-16T19:15:00Z");
        let typical = Typical::of(&evening, &hours, Moment::of(&hours, tonight)).expect("twenty-five");
        assert_eq!((typical.open_seconds, typical.clock_seconds), (1800, None));
        assert_eq!(typical.by(&hours, 0, 0, tonight), at("2026-11-17T08:30:00Z"));
        // Friday's night ends on Monday.
        assert_eq!(typical.by(&hours, 0, 0, at("2026-11-20T19:15:00Z")), at("2026-11-23T08:30:00Z"));
        // A desk that answers at night: as fast as it does, and at the latest when it opens.
        let night = spread(&hours, "19:00:00", [20, 20, 20, 20, 900]);
        let typical = Typical::of(&night, &hours, Moment::of(&hours, tonight)).expect("twenty-five");
        assert_eq!((typical.open_seconds, typical.clock_seconds), (0, Some(1200)));
        assert_eq!(typical.by(&hours, 1, 0, tonight).seconds_since(tonight), 1200 * 2);
        assert_eq!(Typical { clock_seconds: Some(40_000), ..typical }.by(&hours, 9, 0, tonight), at("2026-11-17T08:00:00Z"));
        // The same answers say nothing about three in the morning but: when the desk opens.
        let at_three = at("2026-11-17T02:00:00Z");
        let typical = Typical::of(&night, &hours, Moment::of(&hours, at_three)).expect("twenty-five");
        assert_eq!(typical.by(&hours, 0, 0, at_three), at("2026-11-17T08:00:00Z"));
    }

    #[test]
    fn the_end_of_the_day_runs_into_the_next_one() {
        let hours = office();
        let late = spread(&hours, "16:30:00", [20, 20, 20, 60, 960]);
        let now = at("2026-11-20T16:50:00Z");
        let typical = Typical::of(&late, &hours, Moment::of(&hours, now)).expect("twenty-five");
        // Half an hour before closing, answered half an hour after it: an hour of work.
        assert_eq!(typical.open_seconds, 3600);
        assert_eq!(typical.by(&hours, 0, 0, now).0.to_zoned(hours.zone.clone()).weekday(), Weekday::Monday);
    }
}
