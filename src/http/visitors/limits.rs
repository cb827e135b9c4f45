//! How often one network or one address may do something, per process. Memory is bounded by construction: there are 65 536 places,
//! and who shares one by chance shares its measure.

use std::num::NonZeroU32;
use std::sync::LazyLock;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::secrets::Keys;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Forms sent from one network, also those with errors.
    Network,
    /// Messages in the name of one mail address.
    Address,
    /// Answers on one ticket's page.
    Answers,
    /// Pages opened from one network.
    Views,
    /// Words of one chat's visitor.
    Words,
    /// What one chat's visitor does besides speaking: files, addresses, marks.
    Marks,
}

type Places = DefaultKeyedRateLimiter<u16>;

/// So many at once, and one more every so many seconds.
fn places(burst: u32, every: Duration) -> Places {
    let quota = Quota::with_period(every).unwrap_or(Quota::per_minute(NonZeroU32::MIN));
    RateLimiter::keyed(quota.allow_burst(NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN)))
}

static NETWORKS: LazyLock<Places> = LazyLock::new(|| places(30, Duration::from_secs(20)));
static ADDRESSES: LazyLock<Places> = LazyLock::new(|| places(8, Duration::from_secs(120)));
static ANSWERS: LazyLock<Places> = LazyLock::new(|| places(20, Duration::from_secs(30)));
static WORDS: LazyLock<Places> = LazyLock::new(|| places(20, Duration::from_secs(2)));
static MARKS: LazyLock<Places> = LazyLock::new(|| places(120, Duration::from_millis(500)));
static VIEWS: LazyLock<Places> = LazyLock::new(|| places(300, Duration::from_millis(250)));

/// Counts one more of `who`.
///
/// # Errors
/// It was too much; in so many seconds again.
pub fn check(keys: &Keys, limit: Limit, who: &str) -> Result<(), i64> {
    let places = match limit {
        Limit::Network => &*NETWORKS,
        Limit::Address => &*ADDRESSES,
        Limit::Answers => &*ANSWERS,
        Limit::Views => &*VIEWS,
        Limit::Words => &*WORDS,
        Limit::Marks => &*MARKS,
    };
    // Keyed with the desk's secret: nobody can choose a network that shares another's place.
    let place = keys.sign("limit", who, 4).bytes().fold(0u32, |sum, byte| sum.wrapping_mul(131).wrapping_add(u32::from(byte)));
    let place = u16::try_from(place % 65_536).unwrap_or_default();
    places.check_key(&place).map_err(|not_until| {
        let wait = not_until.wait_time_from(DefaultClock::default().now());
        i64::try_from(wait.as_secs()).unwrap_or(i64::MAX).max(1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_stops_and_others_go_on() {
        let keys = Keys::from_bytes([9; 32]);
        for _ in 0..8 {
            assert_eq!(check(&keys, Limit::Address, "a@example.com"), Ok(()));
        }
        assert!(check(&keys, Limit::Address, "a@example.com").is_err_and(|wait| (1..=120).contains(&wait)));
        assert_eq!(check(&keys, Limit::Address, "b@example.com"), Ok(()));
    }
}
