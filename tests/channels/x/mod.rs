//! An X account against a stand-in for X.

mod connecting;
mod hearing;
mod polling;
mod renewing;
mod sending;
