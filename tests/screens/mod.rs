mod chats;
mod hours;
mod inbox;
mod live;
mod photo;
mod settings;
mod sign_in;
mod tickets;
