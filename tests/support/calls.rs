//! A desk that calls its customers back, at any hour, and customers who ask for it.

use serde_json::{Value, json};
use sportello::clock::Ts;
use sportello::desk::call_backs::{self, CallBack, Settings, settings};
use sportello::desk::changes::Change;
use sportello::desk::directory;
use sportello::desk::presence;
use sportello::http::visitors::stamps::Stamp;
use sportello::ids::{AgentId, TicketId};
use sportello::worker;

use super::served::{Page, ServedDesk};

/// A desk that never closes and offers calls.
pub struct CallDesk {
    pub served: ServedDesk,
}

impl std::ops::Deref for CallDesk {
    type Target = ServedDesk;

    fn deref(&self) -> &ServedDesk {
        &self.served
    }
}

/// What a customer types who gets everything right.
pub const RIGHT: [(&str, &str); 6] = [
    ("name", "Ada Verdi"),
    ("country", "IT"),
    ("phone", "333 123 4567"),
    ("email", "Ada@Example.it"),
    ("note", "La cerniera si è rotta."),
    ("consent", "1"),
];

impl CallDesk {
    /// Two calls a slot for everybody together.
    pub async fn new() -> Self {
        Self::with(Settings { per_person: false, places: 2, ..Settings::default() }).await
    }

    /// With other settings; offered in any case.
    pub async fn with(settings: Settings) -> Self {
        let served = ServedDesk::new().await;
        let desk = Self { served };
        desk.offer(&Settings { offered: true, ..settings }).await;
        let week: [Value; 7] = std::array::from_fn(|_| json!([{ "from": "00:00", "to": "24:00" }]));
        desk.hours(json!({ "week": week })).await;
        desk
    }

    /// Changes the settings.
    pub async fn offer(&self, settings: &Settings) {
        let mut change = Change::begin(&self.app).await.expect("a database");
        settings::update(&mut change, settings).await.expect("saved");
        change.touch_settings();
        change.commit().await.expect("a database");
    }

    /// Changes the opening hours.
    pub async fn hours(&self, schedule: Value) {
        let schedule = serde_json::from_value(schedule).expect("a schedule");
        let mut change = Change::begin(&self.app).await.expect("a database");
        directory::update_hours(&mut change, &schedule).await.expect("saved");
        change.touch_settings();
        change.commit().await.expect("a database");
    }

    /// Somebody's screen is open.
    pub async fn beat(&self, agent: AgentId) {
        let mut change = Change::begin(&self.app).await.expect("a database");
        presence::beat(&mut change, agent, Ts::now()).await.expect("a heartbeat");
        change.commit().await.expect("a database");
    }

    /// The times that a page offers.
    pub fn times(page: &Page) -> Vec<String> {
        page.attributes(".time input", "value")
    }

    /// Opens the page, waits as long as a person types, and sends it with these changes.
    pub async fn ask(&self, changes: &[(&str, &str)]) -> Page {
        let visitor = self.visitor();
        let page = visitor.get("/call-back?lang=it").await.is(200);
        let first = Self::times(&page).into_iter().next().unwrap_or_default();
        let stamp = self.stamp(&page);
        visitor.post("/call-back?lang=it", &fields(&stamp, &first, changes)).await
    }

    /// The page's stamp, ten seconds old.
    pub fn stamp(&self, page: &Page) -> Stamp {
        let id = page.attribute("input[name=form]", "value");
        Stamp::renew(&self.app.keys, "call-back", id, Ts::now().plus_seconds(-10))
    }

    /// The newest ticket.
    pub async fn newest(&self) -> TicketId {
        TicketId(self.count("select max(id) from tickets").await)
    }

    /// The newest call of a ticket.
    pub async fn call(&self, ticket: TicketId) -> CallBack {
        let mut db = self.app.db.acquire().await.expect("a database");
        call_backs::last_of(&mut db, ticket).await.expect("read").expect("a call")
    }

    /// Does what is due at a moment.
    pub async fn at(&self, moment: Ts) {
        let errors = worker::drain(&self.app, moment).await;
        assert!(errors.is_empty(), "{errors:?}");
    }

    /// What the desk wrote to the customer of a ticket last.
    pub async fn letter(&self, ticket: TicketId) -> String {
        sqlx::query_scalar("select body from messages where ticket_id = $1 and direction = 'outbound' order by id desc limit 1")
            .bind(ticket.0)
            .fetch_one(&self.app.db)
            .await
            .expect("a letter")
    }

    /// The path of a customer's page of their request.
    pub fn link(&self, ticket: TicketId) -> String {
        format!("/r/{}", sportello::desk::tickets::link_token(&self.app.keys, ticket))
    }
}

/// What is sent: everything right, but for the changes.
pub fn fields<'a>(stamp: &'a Stamp, time: &'a str, changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let all = RIGHT.into_iter().chain([("form", &*stamp.id), ("stamp", &*stamp.at), ("time", time)]);
    all.filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name)).chain(changes.iter().copied()).collect()
}
