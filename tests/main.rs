mod api;
mod channels;
mod database;
mod demo;
mod screens;
mod support;
