//! Which form it is and when it was given out: tells a reload from a second message, and a program from a person.

use crate::clock::Ts;
use crate::secrets::{self, Keys};

/// Nobody fills in a form faster than this, in seconds.
const MIN_AGE: i64 = 2;
/// A form that stood open for longer is shown once more, in seconds.
const MAX_AGE: i64 = 24 * 3600;
const PURPOSE: &str = "form stamp";
const SIGNATURE: usize = 20;

/// Two hidden fields of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// Random; what is sent with the same id twice is one message.
    pub id: String,
    /// When it was given out, signed.
    pub at: String,
}

/// What a stamp that came back says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Good,
    /// Faster than a person types. The same stamp is good a moment later.
    TooFast,
    /// Ours, but of long ago.
    Expired,
    /// Not ours.
    Forged,
}

fn subject(scope: &str, id: &str, at: i64) -> String {
    format!("{scope}/{id}/{at}")
}

impl Stamp {
    /// A stamp for a new form; `scope` says which (a channel, a ticket), and a stamp of one is none of another.
    pub fn mint(keys: &Keys, scope: &str, now: Ts) -> Self {
        Self::renew(keys, scope, secrets::token(), now)
    }

    /// The same form, given out once more.
    pub fn renew(keys: &Keys, scope: &str, id: String, now: Ts) -> Self {
        let at = now.0.as_second();
        Self { at: format!("{at}-{}", keys.sign(PURPOSE, &subject(scope, &id, at), SIGNATURE)), id }
    }

    /// Judges a stamp that came back.
    pub fn check(&self, keys: &Keys, scope: &str, now: Ts) -> Verdict {
        let parsed = self.at.split_once('-').and_then(|(at, mark)| Some((at.parse::<i64>().ok()?, mark)));
        let Some((at, mark)) = parsed else { return Verdict::Forged };
        if !keys.verify(PURPOSE, &subject(scope, &self.id, at), SIGNATURE, mark) {
            return Verdict::Forged;
        }
        match now.0.as_second() - at {
            ..MIN_AGE => Verdict::TooFast,
            MIN_AGE..=MAX_AGE => Verdict::Good,
            _ => Verdict::Expired,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_good_from_two_seconds_to_a_day() {
        let keys = Keys::from_bytes([3; 32]);
        let now = Ts::now();
        let stamp = Stamp::mint(&keys, "form 1", now);
        assert_eq!(stamp.check(&keys, "form 1", now.plus_seconds(1)), Verdict::TooFast);
        assert_eq!(stamp.check(&keys, "form 1", now.plus_seconds(2)), Verdict::Good);
        assert_eq!(stamp.check(&keys, "form 1", now.plus_seconds(24 * 3600)), Verdict::Good);
        assert_eq!(stamp.check(&keys, "form 1", now.plus_seconds(24 * 3600 + 1)), Verdict::Expired);
        assert_eq!(stamp.check(&keys, "form 2", now.plus_seconds(5)), Verdict::Forged);
        let moved = Stamp { at: stamp.at.replacen(|c: char| c.is_ascii_digit(), "9", 1), ..stamp.clone() };
        assert_eq!(moved.check(&keys, "form 1", now.plus_seconds(5)), if moved == stamp { Verdict::Good } else { Verdict::Forged });
        assert_eq!(Stamp { id: "other".into(), ..stamp }.check(&keys, "form 1", now.plus_seconds(5)), Verdict::Forged);
        assert_eq!(Stamp { id: String::new(), at: "x".into() }.check(&keys, "form 1", now), Verdict::Forged);
    }
}
