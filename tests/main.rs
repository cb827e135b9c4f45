mod channels;
mod database;
mod demo;
mod support;
