//! Settings: one page per thing, in plain words.

pub mod anger;
pub mod approval;
pub mod call_backs;
pub mod canned;
pub mod canned_editor;
pub mod channels;
pub mod hours;
pub mod incoming;
pub mod index;
pub mod letters;
pub mod people;
pub mod shop;
pub mod spam;
pub mod tags;
pub mod teams;
pub mod tokens;
pub mod webhooks;

use axum::Router;

use crate::app::App;

/// The routes of the settings.
pub fn router() -> Router<App> {
    Router::new()
        .merge(anger::router())
        .merge(spam::router())
        .merge(approval::router())
        .merge(call_backs::router())
        .merge(canned::router())
        .merge(canned_editor::router())
        .merge(channels::router())
        .merge(hours::router())
        .merge(incoming::router())
        .merge(index::router())
        .merge(letters::router())
        .merge(people::router())
        .merge(shop::router())
        .merge(tags::router())
        .merge(teams::router())
        .merge(tokens::router())
        .merge(webhooks::router())
}

/// The value of a field of a form that has as many fields as there are things; empty where it was not sent.
fn one<'a>(sent: &'a [(String, String)], name: &str) -> &'a str {
    sent.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
}

/// `1 reply`, `3 replies`; at `cap` and beyond `1000+ replies`.
fn counted(count: i64, one: &str, many: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        0 => format!("No {many}"),
        count => format!("{count} {many}"),
    }
}
