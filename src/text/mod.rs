//! Pure functions on the words of a message: no I/O, no panics, linear in the length of hostile input.

pub mod addresses;
pub mod anger;
pub mod excerpts;
pub mod folding;
pub mod hints;
pub mod html;
pub mod junk;
pub mod languages;
mod markup;
pub mod names;
pub mod phones;
pub mod quotes;
pub mod refusals;
pub mod signatures;
pub mod slugs;
pub mod subjects;
pub mod weights;
