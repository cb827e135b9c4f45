mod api;
mod channels;
mod database;
mod demo;
mod house;
mod screens;
mod support;
