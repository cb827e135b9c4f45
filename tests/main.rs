mod api;
mod channels;
mod database;
mod house;
mod screens;
mod support;
