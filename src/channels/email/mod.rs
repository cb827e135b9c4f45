//! E-mail: raw messages understood and letters written. Nothing here talks to a server.

pub mod build;
pub mod parse;
