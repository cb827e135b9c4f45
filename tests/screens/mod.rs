mod chats;
mod inbox;
mod live;
mod settings;
mod sign_in;
mod tickets;
