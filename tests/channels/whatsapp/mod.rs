//! A WhatsApp number against a stand-in for Meta.

mod connecting;
mod media;
mod people;
mod receiving;
mod sending;
mod templating;
