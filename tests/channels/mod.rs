pub mod email;
mod form;
