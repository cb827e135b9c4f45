//! The ways in which customers reach the desk. Each folder translates between a wire and the desk's envelope; here each kind finds its folder.

pub mod form;
