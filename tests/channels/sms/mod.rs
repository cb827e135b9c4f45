//! A number at Twilio against a stand-in for Twilio.

mod receiving;
mod sending;
