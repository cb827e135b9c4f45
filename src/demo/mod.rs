//! A believable shop to look at: Bottega Ginestra, boots and bags from Ascoli Piceno, sold across Europe.
//!
//! [`plan()`] decides everything (who wrote what, when, and how it ended) without touching a database; the content
//! is data under `content/`. The same seed and the same moment give the same plan. [`load()`] writes it into an empty desk.

mod call_backs;
mod calls;
mod cast;
mod chats;
mod content;
mod deck;
mod dice;
mod fill;
mod history;
mod letters;
pub mod load;
mod networks;
pub mod plan;
mod public;
mod reviews;
pub mod simulator;
mod spam;
pub mod storefront;
mod telling;
mod times;

pub use call_backs::load_call_backs;
pub use calls::load_calls;
pub use chats::load_chats;
pub use letters::load_letters;
pub use load::{LoadError, Loaded, load};
pub use networks::load_networks;
pub use plan::{Plan, plan};
pub use public::load_public;
pub use reviews::load_reviews;
pub use spam::load_spam;

/// The page of a shop with the contact form in it, as plain HTML that refers only to `static/demo/`.
pub const STOREFRONT: &str = include_str!("storefront.html");
