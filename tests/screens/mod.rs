mod inbox;
mod live;
mod sign_in;
mod tickets;
