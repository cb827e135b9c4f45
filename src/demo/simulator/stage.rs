//! What stands on the customer's screen, network by network. It lives as long as the process.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex};

use crate::clock::Ts;
use crate::desk::kinds::ChannelKind;

/// What a screen remembers.
const KEPT: usize = 60;

/// One thing on the screen.
#[derive(Debug, Clone)]
pub struct Seen {
    pub mine: bool,
    /// Everybody can read it.
    pub public: bool,
    pub text: String,
    pub at: Ts,
    /// Unique among all networks.
    pub id: i64,
    /// 1 … 5, where it is a review.
    pub stars: Option<u8>,
}

#[derive(Default)]
struct Stage {
    screens: BTreeMap<ChannelKind, Vec<Seen>>,
    last: i64,
}

static STAGE: LazyLock<Mutex<Stage>> = LazyLock::new(Mutex::default);

/// Puts something on a screen; answers with its number.
pub fn show(kind: ChannelKind, mut seen: Seen) -> i64 {
    let Ok(mut stage) = STAGE.lock() else { return 0 };
    // After a restart the numbers go on where no earlier one was.
    seen.id = stage.last.max(Ts::now().0.as_second()) + 1;
    stage.last = seen.id;
    let id = seen.id;
    let screen = stage.screens.entry(kind).or_default();
    screen.push(seen);
    let surplus = screen.len().saturating_sub(KEPT);
    screen.drain(..surplus);
    id
}

/// Something that the customer said.
pub fn mine(kind: ChannelKind, text: &str, public: bool, stars: Option<u8>) -> i64 {
    show(kind, Seen { mine: true, public, text: text.to_owned(), at: Ts::now(), id: 0, stars })
}

/// Something that the shop said.
pub fn theirs(kind: ChannelKind, text: &str, public: bool) -> i64 {
    show(kind, Seen { mine: false, public, text: text.to_owned(), at: Ts::now(), id: 0, stars: None })
}

/// A screen, oldest first.
pub fn screen(kind: ChannelKind) -> Vec<Seen> {
    STAGE.lock().ok().and_then(|stage| stage.screens.get(&kind).cloned()).unwrap_or_default()
}
