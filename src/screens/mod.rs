//! What agents, admins and customers see. A page is one file: its struct, its handlers, its forms; its template lies at the same
//! place under `templates/`.

pub mod approvals;
pub mod call_backs;
pub mod calls;
pub mod chats;
pub mod contacts;
pub mod customer;
mod habits;
pub mod inbox;
pub mod live;
pub mod presence;
pub mod profile;
pub mod reviews;
pub mod settings;
pub mod sign_in;
#[cfg(debug_assertions)]
pub mod styleguide;
pub mod tickets;

use axum::Router;

use crate::app::App;

/// Every screen whose forms only our own pages may send.
pub fn router() -> Router<App> {
    let router = Router::new()
        .merge(approvals::router())
        .merge(call_backs::router())
        .merge(calls::router())
        .merge(chats::router())
        .merge(contacts::router())
        .merge(inbox::router())
        .merge(presence::router())
        .merge(profile::router())
        .merge(reviews::router())
        .merge(settings::router())
        .merge(sign_in::router())
        .merge(tickets::router());
    #[cfg(debug_assertions)]
    let router = router.merge(styleguide::router());
    router
}
