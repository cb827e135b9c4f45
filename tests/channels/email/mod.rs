//! Mail, from one wire to the other.

mod imap;
mod ingest;
mod receiving;
mod sending;
mod smtp;
mod understanding;
