//! The screens, through a browser.

mod settings;
