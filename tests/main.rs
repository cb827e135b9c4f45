mod api;
mod channels;
mod database;
mod screens;
mod support;
