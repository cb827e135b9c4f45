//! Sportello, an omnichannel helpdesk. The modules stand in floor order: each may use only what stands on a floor above its own here.

// floor 0: vocabulary, no I/O
pub mod clock;
pub mod i18n;
pub mod ids;
pub mod text;
// floor 1: machinery that never heard of a customer
pub mod app;
pub mod blobs;
pub mod config;
pub mod database;
pub mod jobs;
pub mod live;
pub mod mailer;
pub mod secrets;
// floor 2: the desk
pub mod desk;
// floor 3: the web kit
pub mod http;
// floor 4: siblings that never import each other
pub mod api;
pub mod channels;
pub mod demo;
pub mod screens;
// floor 5: assembly
pub mod commands;
pub mod server;
pub mod worker;
