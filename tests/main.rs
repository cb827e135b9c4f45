mod api;
mod channels;
mod database;
mod support;
