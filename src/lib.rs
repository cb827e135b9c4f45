//! Sportello, an omnichannel helpdesk. The modules stand in floor order: each may use only those above its floor's line.

// floor 0: vocabulary, no I/O
pub mod clock;
pub mod ids;
// floor 1: machinery that never heard of a ticket
pub mod database;
// floor 2: the desk
pub mod desk;
