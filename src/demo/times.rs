//! When people write: customers from morning to late evening, agents in office hours.

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};

use super::content::By;
use super::dice::Dice;
use crate::desk::hours::{Clock, Schedule, Shift};

/// Chances of a customer's message by hour of the day, from 7 to 22.
const HOURS: [i64; 16] = [2, 4, 7, 9, 9, 7, 5, 6, 7, 7, 6, 6, 4, 5, 7, 5];

pub(super) fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

/// `at` moved back by `by`.
pub(super) fn back(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_sub(by).unwrap_or(Timestamp::MIN)
}

/// A moment in the `days` before `now` at which a customer may have written: weekdays count more, and so do recent days.
pub(super) fn some_time(dice: &mut Dice, now: Timestamp, zone: &TimeZone, days: i64) -> Timestamp {
    for _ in 0..50 {
        let ago = dice.between(0, days - 1).min(dice.between(0, days * 5 / 4));
        let day = back(now, SignedDuration::from_hours(24 * ago)).to_zoned(zone.clone());
        let chance = match day.weekday() {
            Weekday::Sunday => 30,
            Weekday::Saturday => 50,
            Weekday::Monday => 100,
            _ => 85,
        };
        if !dice.percent(chance) {
            continue;
        }
        let at = clock(dice, &day, daytime_hour);
        if back(now, minutes(120)) > at {
            return at;
        }
    }
    back(now, SignedDuration::from_hours(24))
}

/// When the turn before `next` (which happened at `at`) happened.
pub(super) fn before(dice: &mut Dice, at: Timestamp, by: By, next: By, zone: &TimeZone) -> Timestamp {
    let gap = match (by, next) {
        (_, By::Away) => return back(at, minutes(1)),
        (By::Agent, By::Note) => dice.between(2, 20),
        (By::Note, By::Agent) => dice.between(15, 120),
        (By::Customer, By::Agent | By::Note) => dice.between(12, 180) * dice.between(1, 4),
        (By::Customer, By::Customer) => dice.between(90, 900),
        // what they answer to takes its time: a parcel arrives, a bank replies
        _ => dice.between(40, 800) * dice.between(1, 3),
    };
    settle(dice, back(at, minutes(gap)), by, zone)
}

/// The latest moment up to `at` at which `by` is likely to be writing.
pub(super) fn settle(dice: &mut Dice, at: Timestamp, by: By, zone: &TimeZone) -> Timestamp {
    let local = at.to_zoned(zone.clone());
    match by {
        By::Away => at,
        By::Customer if local.hour() >= 7 => at,
        By::Customer => clock(dice, &yesterday(&local), |dice| dice.between(20, 22)),
        By::Agent | By::Note => {
            let mut day = local;
            for _ in 0..4 {
                if let Some(closing) = closing_hour(&day) {
                    if day.hour() >= 9 && i64::from(day.hour()) < closing {
                        return day.timestamp().min(at);
                    }
                    if i64::from(day.hour()) >= closing {
                        return clock(dice, &day, |dice| dice.between(closing - 2, closing - 1));
                    }
                }
                day = end_of(&yesterday(&day));
            }
            at
        }
    }
}

/// The desk's own hours: every day from 7 to 23, so that whoever looks at the demo finds the chat open. Mail is answered in office hours.
pub(super) fn schedule() -> Schedule {
    let (from, to) = (Clock::from_minutes(7 * 60), Clock::from_minutes(23 * 60));
    let day: Vec<Shift> = from.zip(to).and_then(|(from, to)| Shift::new(from, to).ok()).into_iter().collect();
    Schedule { week: std::array::from_fn(|_| day.clone()), ..Schedule::default() }
}

fn closing_hour(day: &Zoned) -> Option<i64> {
    match day.weekday() {
        Weekday::Sunday => None,
        Weekday::Saturday => Some(13),
        _ => Some(18),
    }
}

fn daytime_hour(dice: &mut Dice) -> i64 {
    let mut left = dice.between(1, HOURS.iter().sum());
    for (hour, weight) in (7..).zip(HOURS) {
        left -= weight;
        if left <= 0 {
            return hour;
        }
    }
    22
}

/// That day at some minute of the hour that `hour` says.
fn clock(dice: &mut Dice, day: &Zoned, hour: impl Fn(&mut Dice) -> i64) -> Timestamp {
    let hour = i8::try_from(hour(dice)).unwrap_or(12);
    let minute = i8::try_from(dice.between(0, 59)).unwrap_or_default();
    let second = i8::try_from(dice.between(0, 59)).unwrap_or_default();
    let at = day.with().hour(hour).minute(minute).second(second).subsec_nanosecond(0).build();
    at.map_or(day.timestamp(), |at| at.timestamp())
}

fn yesterday(day: &Zoned) -> Zoned {
    day.yesterday().unwrap_or_else(|_| day.clone())
}

fn end_of(day: &Zoned) -> Zoned {
    day.with().hour(23).build().unwrap_or_else(|_| day.clone())
}

/// Nine in the morning, `days` days after `now`: when snoozed tickets come back.
pub(super) fn morning_after(now: Timestamp, days: i64, zone: &TimeZone) -> Timestamp {
    let later = now.checked_add(SignedDuration::from_hours(24 * days)).unwrap_or(now).to_zoned(zone.clone());
    let at = later.with().hour(9).minute(0).second(0).subsec_nanosecond(0).build();
    at.map_or(later.timestamp(), |at| at.timestamp())
}
