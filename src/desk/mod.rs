//! The domain and all of its SQL. Verbs change and record; screens and channels only call them.

pub mod agents;
pub mod canned;
pub mod changes;
pub mod channels;
pub mod chats;
pub mod contacts;
pub mod deliveries;
pub mod directory;
pub mod envelope;
pub mod events;
pub mod files;
pub mod forms;
pub mod hours;
pub mod housekeeping;
pub mod import;
pub mod kinds;
pub mod networks;
pub mod photos;
pub mod presence;
pub mod search;
pub mod sessions;
pub mod teams;
pub mod tickets;
pub mod visitors;
pub mod waits;
pub mod webhooks;
