//! The web kit: what every page shares, and nothing about any page.

pub mod accents;
pub mod assets;
pub mod cards;
pub mod client;
pub mod downloads;
pub mod error;
pub mod extract;
pub mod faces;
pub mod flash;
pub mod layers;
pub mod metrics;
pub mod multipart;
pub mod outside;
pub mod page;
pub mod pressed;
pub mod problems;
pub mod session;
pub mod visitors;

pub use error::{Error, Result};
pub use extract::{Form, Path, Query};
pub use page::render;
