//! The API as a program meets it.

mod contacts_and_canned;
mod desk;
mod doors;
mod tickets;
