//! Customers who want to be called, over HTTP.

mod asking;
mod following;
mod in_a_form;
mod racing;
mod reminding;
