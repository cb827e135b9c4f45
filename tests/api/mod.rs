//! The API as a program meets it.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod contacts_and_canned;
mod desk;
mod doors;
mod tickets;
