mod email;
mod form;
