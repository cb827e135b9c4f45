//! The domain and all of its SQL.

pub mod envelope;
