//! The ways by which customers reach the desk; each folder translates one.

pub mod email;
