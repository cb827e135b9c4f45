mod api;
mod channels;
mod database;
mod demo;
mod desk;
mod house;
mod screens;
mod support;
