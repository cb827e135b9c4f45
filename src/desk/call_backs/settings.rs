//! Whether the desk calls back, who does, and when.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use crate::i18n::Language;
use crate::ids::TeamId;

/// How long a slot may be, in minutes.
pub const LENGTHS: [u16; 3] = [30, 60, 120];
/// The most places of one slot, or of one person in it.
pub const MAX_PLACES: u16 = 50;
/// The furthest that a call may be booked ahead, in days.
pub const MAX_DAYS: u16 = 30;
/// The longest time before a call at which somebody is reminded, in minutes.
pub const MAX_REMIND: u16 = 120;
/// The most attempts to reach a customer.
pub const MAX_ATTEMPTS: u16 = 10;

/// The settings of call-backs, as JSON in the desk's row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Whether customers may ask for a call.
    pub offered: bool,
    /// Who calls; `None`: anyone.
    pub team: Option<TeamId>,
    /// Uses the desk's opening hours where the team has its own.
    pub desk_hours: bool,
    /// See [`LENGTHS`].
    pub slot_minutes: u16,
    /// `places` counts for each person who calls, rather than for all together.
    pub per_person: bool,
    /// Calls in one slot.
    pub places: u16,
    /// How many days ahead, today not counted.
    pub days_ahead: u16,
    /// In which we call; none named: in all of ours.
    pub languages: Vec<Language>,
    /// Minutes before a call at which somebody is reminded.
    pub remind_minutes: u16,
    /// How often we try before we write instead.
    pub attempts: u16,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            // A shop decides itself whether it calls.
            offered: false,
            team: None,
            desk_hours: false,
            slot_minutes: 60,
            per_person: true,
            places: 2,
            days_ahead: 5,
            languages: Vec::new(),
            remind_minutes: 10,
            attempts: 3,
        }
    }
}

impl Settings {
    /// Whether calls are offered to somebody of this language; of an unknown one they are.
    pub fn speaks(&self, language: Option<&str>) -> bool {
        let known = language.and_then(Language::from_code);
        self.languages.is_empty() || known.is_none_or(|language| self.languages.contains(&language))
    }

    /// Seconds of a slot.
    pub fn slot_seconds(&self) -> i64 {
        i64::from(self.slot_minutes.clamp(10, 240)) * 60
    }
}

/// Changes them. Fails on nothing: a team that is gone counts as none.
pub async fn update(db: &mut PgConnection, settings: &Settings) -> sqlx::Result<()> {
    let stored = serde_json::to_value(settings).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query!("update desk set call_backs = $1", stored).execute(db).await?;
    Ok(())
}
