//! The telephone: calls as exchanges, sipgate and Twilio tell of them, and as people write them down.

mod by_hand;
mod exchange;
mod panel;
mod sipgate;
mod voice;
