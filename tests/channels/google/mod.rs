//! A place on Google against a stand-in for Google.

mod answering;
mod connecting;
mod hearing;
