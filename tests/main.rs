mod channels;
mod database;
mod support;
