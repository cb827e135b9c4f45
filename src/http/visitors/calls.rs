//! The part of a form that asks when and at which number to call: the same on the page for call-backs, in a contact form and on a
//! customer's own page.

use jiff::tz::TimeZone;
use sqlx::PgConnection;

use crate::clock::Ts;
use crate::desk::call_backs::{Offer, Slot, words};
use crate::desk::waits::Place;
use crate::http::multipart::Parts;
use crate::http::visitors::Frame;
use crate::ids::TicketId;
use crate::text::phones::{self, Country, Problem};

/// The word for "as soon as possible" among the times.
const SOON: &str = "now";
/// Days whose times are shown at once; the others open by a click.
const OPEN_DAYS: usize = 2;
/// Times that a message about a taken one proposes.
const PROPOSED: usize = 2;
/// The longest number that is looked at, in bytes.
const MAX_PHONE: usize = 60;

/// What was chosen and typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct CallWish {
    /// Two letters of [`phones::COUNTRIES`], or empty.
    pub country: String,
    pub phone: String,
    /// [`SOON`], or the seconds since 1970 at which the slot begins; empty: no call.
    pub time: String,
    /// The reader's time zone as their browser told it; may be empty.
    pub zone: String,
}

/// When a call is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    Soon,
    At(Ts),
}

impl CallWish {
    /// Reads what was sent.
    pub fn read(parts: &Parts) -> Self {
        let short = |name: &str, max: usize| parts.text(name).trim().chars().take(max).collect::<String>();
        Self { country: short("country", 2), phone: short("phone", MAX_PHONE), time: short("time", 20), zone: short("zone", 60) }
    }

    /// What the browser tells before anything is typed; of a country that it is not sure of, the shop's by its calling code.
    pub fn guess(accept_language: &str, shop: &str, zone: &str) -> Self {
        let country = Country::of_reader(zone, accept_language).or_else(|| Country::of_code(shop));
        Self { country: country.map_or("", |country| country.region).to_owned(), zone: zone.chars().take(60).collect(), ..Self::default() }
    }

    /// Whether a call is wanted at all.
    pub fn wanted(&self) -> bool {
        !self.time.is_empty()
    }

    /// The time chosen.
    pub fn choice(&self) -> Option<Choice> {
        match &*self.time {
            SOON => Some(Choice::Soon),
            time => jiff::Timestamp::from_second(time.parse().ok()?).ok().map(|at| Choice::At(Ts(at))),
        }
    }

    /// The number as it is dialled, else what is wrong with it, as the key of a text.
    pub fn dialled(&self) -> Result<String, &'static str> {
        if self.phone.is_empty() {
            return Err("error-phone-missing");
        }
        phones::dialled(&self.phone, Country::of_region(&self.country)).map_err(|problem| match problem {
            Problem::Signs => "error-phone-signs",
            Problem::NoCountry => "error-phone-country",
            Problem::TooShort => "error-phone-short",
            Problem::TooLong => "error-phone-long",
        })
    }

    /// The reader's own zone, by its name.
    pub fn own_zone(&self) -> Option<TimeZone> {
        (!self.zone.is_empty()).then(|| TimeZone::get(&self.zone).ok()).flatten()
    }

    /// Whose clock their times are told by.
    pub fn place(&self, frame: &Frame) -> Place {
        self.own_zone().map_or_else(|| Place::Named(frame.time_zone.clone()), Place::Own)
    }
}

/// One time to choose.
#[derive(Debug, Clone)]
pub struct Time {
    pub value: String,
    /// "15:00–16:00", by the reader's clock.
    pub label: String,
    /// The same by the shop's; empty when they agree.
    pub theirs: String,
}

/// The times of one day.
#[derive(Debug, Clone)]
pub struct Day {
    pub name: String,
    /// Shown at once.
    pub open: bool,
    pub times: Vec<Time>,
}

/// The times that are free, in the reader's words.
#[derive(Debug, Clone)]
pub struct Chooser {
    /// Somebody is on duty and calls at once: until when at the latest.
    pub soon: Option<String>,
    pub days: Vec<Day>,
    /// By whose clock.
    pub clock: String,
    slots: Vec<Slot>,
}

impl Chooser {
    /// Reads what is free. The call of `mine` would move and takes no place.
    pub async fn load(
        db: &mut PgConnection,
        frame: &Frame,
        offer: &Offer,
        wish: &CallWish,
        mine: Option<TicketId>,
        now: Ts,
    ) -> sqlx::Result<Self> {
        let slots = offer.free(db, mine, now).await?;
        let soon = offer.now(db, Some(frame.language.code()), now).await?;
        Ok(Self::new(frame, offer, wish, slots, soon))
    }

    fn new(frame: &Frame, offer: &Offer, wish: &CallWish, slots: Vec<Slot>, soon: Option<Slot>) -> Self {
        let shop = &offer.hours.zone;
        let zone = wish.own_zone().unwrap_or_else(|| shop.clone());
        let span = |slot: &Slot, zone: &TimeZone| {
            let (from, until) = (slot.from.0.to_zoned(zone.clone()), slot.until.0.to_zoned(zone.clone()));
            format!("{}–{}", words::clock(&from), words::clock(&until))
        };
        let mut days: Vec<Day> = Vec::new();
        let mut foreign = false;
        for slot in &slots {
            let name = words::day(frame.language, &slot.from.0.to_zoned(zone.clone()));
            let (label, theirs) = (span(slot, &zone), span(slot, shop));
            let differs = label != theirs;
            foreign |= differs;
            let value = slot.from.0.as_second().to_string();
            let time = Time { value: value.clone(), label, theirs: if differs { theirs } else { String::new() } };
            match days.last_mut().filter(|day| day.name == name) {
                Some(day) => day.times.push(time),
                None => days.push(Day { name, open: days.len() < OPEN_DAYS, times: vec![time] }),
            }
            if value == wish.time
                && let Some(day) = days.last_mut()
            {
                day.open = true;
            }
        }
        let name = |zone: &TimeZone| zone.iana_name().unwrap_or("UTC").replace('_', " ");
        let clock = if foreign {
            let arguments = [
                ("own", crate::i18n::Value::from(name(&zone))),
                ("shop", crate::i18n::Value::from(frame.shop.clone())),
                ("zone", crate::i18n::Value::from(name(shop))),
            ];
            crate::i18n::text_with(frame.language, "call-back-zone-own", &arguments)
        } else {
            frame.with_two("call-back-zone-shop", ("shop", &frame.shop), ("zone", &name(shop)))
        };
        let soon = soon.map(|slot| words::clock(&slot.until.0.to_zoned(zone.clone())));
        Self { soon, days, clock, slots }
    }

    /// Whether there is anything to choose.
    pub fn is_empty(&self) -> bool {
        self.soon.is_none() && self.days.is_empty()
    }

    /// Whether a chosen time is still free.
    pub fn has(&self, choice: Choice) -> bool {
        match choice {
            Choice::Soon => self.soon.is_some(),
            Choice::At(at) => self.slots.iter().any(|slot| slot.from == at),
        }
    }

    /// That the time was taken between look and send, and which ones are free next.
    pub fn taken(&self, frame: &Frame, wish: &CallWish, now: Ts) -> String {
        let place = wish.place(frame);
        let next: Vec<String> = self.slots.iter().take(PROPOSED).map(|slot| words::when(frame.language, *slot, &place, now)).collect();
        if next.is_empty() { frame.text("error-call-taken-none") } else { frame.with("error-call-taken", "times", next.join("; ")) }
    }

    /// What is wrong with a wish, by the id of its input.
    pub fn problems(&self, frame: &Frame, wish: &CallWish, now: Ts) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        if let Err(key) = wish.dialled() {
            problems.push(("phone".to_owned(), frame.text(key)));
        }
        match wish.choice() {
            None => problems.push(("time".to_owned(), frame.text("error-call-time"))),
            Some(choice) if !self.has(choice) => problems.push(("time".to_owned(), self.taken(frame, wish, now))),
            Some(_) => {}
        }
        problems
    }
}

/// The countries to choose from.
pub fn countries() -> &'static [Country] {
    &phones::COUNTRIES
}
