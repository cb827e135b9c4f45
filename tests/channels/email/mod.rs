//! Mail, from one wire to the other.

mod earlier;
mod faults;
mod hooks;
mod idle;
mod imap;
mod ingest;
mod lmtp;
mod oauth;
mod receiving;
mod sending;
mod smtp;
mod storm;
mod trial;
mod understanding;

