//! The times that a customer may choose: opening hours cut into slots, as far as somebody is free in them.

use std::sync::Arc;

use sqlx::PgConnection;

use crate::app::App;
use crate::clock::Ts;
use crate::desk::call_backs::{self, Settings, Wanted};
use crate::desk::changes::Change;
use crate::desk::directory::Directory;
use crate::desk::hours::Hours;
use crate::desk::kinds::Wish;
use crate::desk::{directory, presence};
use crate::ids::{AgentId, CallBackId, TeamId, TicketId};

/// Nothing is offered that begins sooner, in seconds: somebody has to see it first.
const NOTICE: i64 = 15 * 60;

/// From one moment to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Slot {
    pub from: Ts,
    pub until: Ts,
}

/// Calls as they are offered: to whom, by whom, when.
#[derive(Debug, Clone)]
pub struct Offer {
    pub settings: Settings,
    /// Who calls, if it still exists.
    pub team: Option<TeamId>,
    pub hours: Arc<Hours>,
    /// Who may call at all.
    people: Vec<AgentId>,
}

/// Why a time was not taken.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// Somebody else took the last place, or it is past or was never offered.
    #[error("this time is no longer free")]
    Taken,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl Offer {
    /// What the desk offers; `None`: it does not call, or not in this language, or nobody is there who could.
    pub fn of(directory: &Directory, language: Option<&str>) -> Option<Self> {
        let settings = directory.call_backs.clone();
        if !settings.offered || !settings.speaks(language) {
            return None;
        }
        let offer = Self::regardless(directory);
        (!offer.people.is_empty()).then_some(offer)
    }

    /// The same whether or not customers may ask for it: an agent may plan a call in any case.
    pub fn regardless(directory: &Directory) -> Self {
        let settings = directory.call_backs.clone();
        let team = settings.team.filter(|team| directory.teams.iter().any(|known| known.id == *team));
        let hours = directory.hours_of(team.filter(|_| !settings.desk_hours));
        let calls = |agent: AgentId| team.is_none_or(|team| directory.members.contains(&(team, agent)));
        let people = directory.active_agents().map(|agent| agent.id).filter(|agent| calls(*agent)).collect();
        Self { settings, team, hours, people }
    }

    /// [`Offer::of`] with the directory of now.
    pub async fn load(app: &App, language: Option<&str>) -> sqlx::Result<Option<Self>> {
        Ok(Self::of(&*directory::get(app).await?, language))
    }

    /// Calls that one slot holds.
    fn places(&self) -> i64 {
        let people = if self.settings.per_person { i64::try_from(self.people.len()).unwrap_or(i64::MAX) } else { 1 };
        i64::from(self.settings.places).saturating_mul(people)
    }

    /// Every slot that begins after `after` and before `before`, whatever is taken.
    fn grid(&self, after: Ts, before: Ts) -> Vec<Slot> {
        let length = self.settings.slot_seconds();
        let mut slots = Vec::new();
        for (opens, closes) in self.hours.openings(after, before) {
            // A desk that never closes was open long before: its slots begin where the days do.
            let skip = after.seconds_since(opens).max(0) / length;
            let mut from = opens.plus_seconds(skip * length);
            while from < before && from.plus_seconds(length) <= closes {
                if from >= after {
                    slots.push(Slot { from, until: from.plus_seconds(length) });
                }
                from = from.plus_seconds(length);
            }
        }
        slots
    }

    /// The last moment for which anything may be booked: the end of the last day in the desk's own time.
    fn horizon(&self, now: Ts) -> Ts {
        let days = i64::from(self.settings.days_ahead) + 1;
        let day = now.0.to_zoned(self.hours.zone.clone()).date();
        let end = day.saturating_add(jiff::Span::new().days(days)).to_zoned(self.hours.zone.clone());
        end.map_or_else(|_| now.plus_seconds(days * 86_400), |end| Ts(end.timestamp()))
    }

    /// The slots in which somebody is free, those without a place left out. The call of `mine` takes none: it would move.
    pub async fn free(&self, db: &mut PgConnection, mine: Option<TicketId>, now: Ts) -> sqlx::Result<Vec<Slot>> {
        let slots = self.looked_at(db, mine, now.plus_seconds(NOTICE), self.horizon(now)).await?;
        Ok(slots.into_iter().filter(|(_, full)| !full).map(|(slot, _)| slot).collect())
    }

    /// Every slot that begins between two moments, each with whether it is full.
    async fn looked_at(&self, db: &mut PgConnection, mine: Option<TicketId>, after: Ts, before: Ts) -> sqlx::Result<Vec<(Slot, bool)>> {
        let taken = taken(db, mine, after, before.plus_seconds(self.settings.slot_seconds())).await?;
        let places = self.places();
        let has_place = |slot: &Slot| {
            let there = taken.iter().filter(|other| other.from < slot.until && other.until > slot.from).count();
            i64::try_from(there).is_ok_and(|there| there < places)
        };
        Ok(self.grid(after, before).into_iter().map(|slot| (slot, !has_place(&slot))).collect())
    }

    /// As soon as possible: from now to the end of a slot's length, while the desk is open, somebody is on duty who speaks the language,
    /// and not everybody has as many such calls as they can make. `None`: not now.
    pub async fn now(&self, db: &mut PgConnection, language: Option<&str>, now: Ts) -> sqlx::Result<Option<Slot>> {
        let length = self.settings.slot_seconds();
        let closes = self.hours.openings(now, now.plus_seconds(1)).map(|(_, closes)| closes).next();
        let Some(closes) = closes.filter(|closes| closes.seconds_since(now) >= NOTICE) else { return Ok(None) };
        let there = presence::floor(db, now).await?;
        let serves =
            there.iter().filter(|one| one.wish == Wish::Online && self.people.contains(&one.agent) && one.speaks(language)).count();
        let each = if self.settings.per_person { i64::from(self.settings.places) } else { 1 };
        let most = i64::try_from(serves).unwrap_or(i64::MAX).saturating_mul(each);
        let owed = sqlx::query_scalar!(
            r#"select count(*) as "count!" from (select 1 from call_backs where state = 'wanted' and from_at <= $1 limit 1000) owed"#,
            now as Ts
        )
        .fetch_one(db)
        .await?;
        Ok((owed < most).then(|| Slot { from: now, until: now.plus_seconds(length).min(closes) }))
    }

    /// When an agent would try again: the next slot that begins in an hour or later, also one that is full.
    pub fn next_attempt(&self, now: Ts) -> Option<Slot> {
        let after = now.plus_seconds(3600);
        self.grid(after, after.plus_seconds(14 * 86_400)).into_iter().next()
    }

    /// The slots of the next days, without a look at what is taken.
    pub fn plain(&self, now: Ts) -> Vec<(Slot, bool)> {
        self.grid(now, self.horizon(now)).into_iter().map(|slot| (slot, false)).collect()
    }

    /// The slots that an agent may move a call to, also those that are full, each with whether it is.
    pub async fn all(&self, db: &mut PgConnection, mine: TicketId, now: Ts) -> sqlx::Result<Vec<(Slot, bool)>> {
        self.looked_at(db, Some(mine), now, self.horizon(now)).await
    }
}

/// The calls that take a place between two moments.
async fn taken(db: &mut PgConnection, mine: Option<TicketId>, from: Ts, until: Ts) -> sqlx::Result<Vec<Slot>> {
    let rows = sqlx::query!(
        "select from_at, until_at from call_backs
         where state = 'wanted' and placed and from_at < $2 and until_at > $1 and ticket_id is distinct from $3 limit 20000",
        from as Ts,
        until as Ts,
        mine.map(|id| id.0)
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| Slot { from: row.from_at, until: row.until_at }).collect())
}

/// Takes a place for a call. Of two who want the last one at the same instant, one gets it.
///
/// A slot that begins `now` is "as soon as possible" and needs somebody on duty rather than a place.
pub async fn book(change: &mut Change, offer: &Offer, wanted: &Wanted<'_>, now: Ts) -> Result<CallBackId, BookError> {
    const PLACES: i64 = 0x4341_4c4c_5350;
    // One after the other: a place that is free is free until this transaction ends.
    sqlx::query!("select pg_advisory_xact_lock($1)", PLACES).fetch_one(&mut **change).await.map_err(BookError::Database)?;
    if wanted.from == now {
        let slot = offer.now(change, wanted.language, now).await?.ok_or(BookError::Taken)?;
        return Ok(call_backs::ask(change, &Wanted { until: slot.until, placed: false, ..*wanted }).await?);
    }
    let free = offer.free(change, Some(wanted.ticket), now).await?;
    let slot = free.into_iter().find(|slot| slot.from == wanted.from).ok_or(BookError::Taken)?;
    Ok(call_backs::ask(change, &Wanted { until: slot.until, placed: true, ..*wanted }).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::hours::Schedule;

    fn ts(text: &str) -> Ts {
        Ts(text.parse().expect("a moment"))
    }

    fn offer(schedule: &str, minutes: u16, zone: &str) -> Offer {
        let schedule: Schedule = serde_json::from_str(schedule).expect("a schedule");
        let zone = jiff::tz::TimeZone::get(zone).expect("a zone");
        let settings = Settings { offered: true, slot_minutes: minutes, days_ahead: 3, ..Settings::default() };
        Offer { settings, team: None, hours: Arc::new(schedule.resolve(&zone)), people: vec![AgentId(1), AgentId(2)] }
    }

    fn times(offer: &Offer, now: &str) -> Vec<String> {
        let now = ts(now);
        let local = |at: Ts| at.0.to_zoned(offer.hours.zone.clone()).strftime("%d %H:%M").to_string();
        offer.grid(now, offer.horizon(now)).into_iter().map(|slot| format!("{}-{}", local(slot.from), &local(slot.until)[3..])).collect()
    }

    const MORNINGS: &str = r#"{"week":[[{"from":"09:00","to":"11:30"}],[{"from":"09:00","to":"11:30"}],[],[],[],[],[]],
        "exceptions":[{"date":"2026-11-24","shifts":[{"from":"10:00","to":"11:00"}]}]}"#;

    #[test]
    fn opening_hours_are_cut_into_whole_slots() {
        let offer = offer(MORNINGS, 60, "Europe/Rome");
        // Monday at 9:20: the slot that runs is no more offered, half a slot at the end never, and Tuesday is different.
        assert_eq!(times(&offer, "2026-11-23T08:20:00Z"), ["23 10:00-11:00", "24 10:00-11:00"]);
        // Nothing beyond the days that may be booked ahead: from Friday to Monday.
        assert_eq!(times(&offer, "2026-11-20T08:20:00Z"), ["23 09:00-10:00", "23 10:00-11:00"]);
    }

    #[test]
    fn the_nights_of_the_clock_change_have_as_many_slots_as_hours() {
        let all = r#"{"week":[[],[],[],[],[],[],[{"from":"00:00","to":"06:00"}]]}"#;
        let spring = times(&offer(all, 60, "Europe/Rome"), "2026-03-28T12:00:00Z");
        assert_eq!(spring, ["29 00:00-01:00", "29 01:00-03:00", "29 03:00-04:00", "29 04:00-05:00", "29 05:00-06:00"]);
        let autumn = times(&offer(all, 60, "Europe/Rome"), "2026-10-24T12:00:00Z");
        assert_eq!(autumn.len(), 7, "{autumn:?}");
        assert_eq!(autumn.last().map(String::as_str), Some("25 05:00-06:00"));
    }

    #[test]
    fn a_desk_that_never_closes_offers_whole_hours() {
        let day = r#"[{"from":"00:00","to":"24:00"}]"#;
        let week = format!(r#"{{"week":[{}]}}"#, [day; 7].join(","));
        let slots = times(&offer(&week, 120, "Europe/Rome"), "2026-11-23T08:20:00Z");
        assert_eq!(slots.first().map(String::as_str), Some("23 10:00-12:00"));
        assert_eq!(slots.len(), 7 + 3 * 12);
    }

    #[test]
    fn places_count_for_each_person_or_for_all() {
        let mut offer = offer(MORNINGS, 60, "Europe/Rome");
        assert_eq!(offer.places(), 4);
        offer.settings.per_person = false;
        assert_eq!(offer.places(), 2);
    }
}
