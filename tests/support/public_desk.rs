//! A served desk with a page on Facebook where people comment and recommend, and people who lead.

use http::Method;
use reqwest::multipart::Form;
use serde_json::{Value, json};
use sportello::app::App;
use sportello::channels::wire::network;
use sportello::clock::Ts;
use sportello::desk::changes::Change;
use sportello::desk::kinds::{ChannelKind, IdentityKind};
use sportello::desk::networks::take::{self, Door};
use sportello::desk::networks::{Happening, Notice, Person, Review, Said};
use sportello::ids::TicketId;
use sportello::worker;

use super::meta_desk::MetaDesk;
use super::providers::graph::Say;
use super::served::{Browser, Page};

const PAGE: &str = "104512987654321";
const ANNA: (&str, &str) = ("5577889900112233", "Anna Verdi");

/// The desk.
pub struct PublicDesk(pub MetaDesk);

impl std::ops::Deref for PublicDesk {
    type Target = MetaDesk;

    fn deref(&self) -> &MetaDesk {
        &self.0
    }
}

impl PublicDesk {
    pub async fn new() -> Self {
        let desk = MetaDesk::new(ChannelKind::Facebook, PAGE, json!({})).await;
        sportello::channels::wire::declare(&desk.app).await.expect("a database");
        let post = json!({ "id": format!("{PAGE}_5500"), "message": "Nuovi stivali", "from": { "id": PAGE, "name": "Bottega" } });
        desk.graph.on(Method::GET, &format!("/{PAGE}_5500"), Say::json(200, post));
        Self(desk)
    }

    /// Anna comments; what became of it is `verb`: `add`, `edited`, `remove`.
    pub async fn comment(&self, verb: &str, id: &str, text: &str) -> TicketId {
        self.comment_under(&format!("{PAGE}_5500"), verb, id, text).await
    }

    /// The same under another comment, which makes it the same conversation.
    pub async fn comment_under(&self, parent: &str, verb: &str, id: &str, text: &str) -> TicketId {
        let post = format!("{PAGE}_5500");
        let now = Ts::now().0.as_second();
        let value = json!({ "item": "comment", "verb": verb, "post_id": post, "parent_id": parent, "comment_id": id,
            "from": { "id": ANNA.0, "name": ANNA.1 }, "message": text, "created_time": now,
            "post": { "id": post, "status_type": "mobile_status_update", "is_published": true, "permalink_url": "https://www.facebook.com/x" } });
        self.changes(PAGE, json!([{ "field": "feed", "value": value }])).await;
        self.ticket_of(id).await
    }

    /// Anna recommends the page, or does not.
    pub async fn recommend(&self, verb: &str, kind: &str, text: &str) -> TicketId {
        let value = json!({ "item": "rating", "verb": verb, "open_graph_story_id": "10215544332211009", "reviewer_id": ANNA.0,
            "reviewer_name": ANNA.1, "recommendation_type": kind, "review_text": text, "created_time": Ts::now().0.as_second() });
        self.changes(PAGE, json!([{ "field": "ratings", "value": value }])).await;
        self.ticket_of("10215544332211009").await
    }

    /// Anna writes to the page in private.
    pub async fn write(&self, id: &str, text: &str) -> TicketId {
        let now = Ts::now().0.as_millisecond();
        let item =
            json!({ "sender": { "id": ANNA.0 }, "recipient": { "id": PAGE }, "timestamp": now, "message": { "mid": id, "text": text } });
        self.messaging(PAGE, json!([item])).await;
        self.ticket_of(id).await
    }

    async fn ticket_of(&self, provider_id: &str) -> TicketId {
        sqlx::query_scalar("select ticket_id from messages where provider_id = $1")
            .bind(provider_id)
            .fetch_one(&self.app.db)
            .await
            .expect("the message")
    }

    /// Somebody with 2310 followers gives stars, as on networks that have them.
    pub async fn stars(&self, id: &str, stars: u8, text: &str) -> TicketId {
        let said = Said {
            id: id.to_owned(),
            conversation: format!("review:{id}"),
            public: true,
            person: Person {
                identity: Some((IdentityKind::Facebook, format!("user-{id}"))),
                name: "Marco Neri".into(),
                followers: Some(2310),
                ..Person::default()
            },
            text: text.to_owned(),
            review: Some(Review { stars: Some(stars), recommends: None }),
            ..Said::default()
        };
        self.take(Happening::Said(Box::new(said))).await;
        self.ticket_of(id).await
    }

    /// They change their mind.
    pub async fn rate_anew(&self, id: &str, stars: u8) {
        let notice = Notice::Rated { review: Review { stars: Some(stars), recommends: None } };
        self.take(Happening::Noticed { target: id.to_owned(), notice }).await;
    }

    async fn take(&self, happening: Happening) {
        let channel = self.row().await;
        let abilities = network(self.kind).expect("a network").abilities(&channel);
        let mut change = Change::begin(&self.app).await.expect("a database");
        let door = Door { channel: &channel, abilities: &abilities, delivery: None, patient: false };
        take::take(&mut change, &door, &happening, &[]).await.expect("taken");
        change.commit().await.expect("a database");
    }

    /// The desk's own number of something that was said.
    pub async fn message(&self, provider_id: &str) -> i64 {
        sqlx::query_scalar("select id from messages where provider_id = $1")
            .bind(provider_id)
            .fetch_one(&self.app.db)
            .await
            .expect("a message")
    }

    /// Does what is due in so many minutes, as another process that was started meanwhile.
    pub async fn later(&self, minutes: i64) {
        let app = App::new(self.app.config.clone(), self.app.db.clone(), self.app.mailer.clone(), self.app.keys.clone());
        let errors = worker::drain(&app, Ts::now().plus_seconds(60 * minutes)).await;
        assert!(errors.is_empty(), "{errors:?}");
    }

    /// What was posted in public.
    pub fn posted(&self) -> Vec<String> {
        let calls = self.graph.calls();
        let comments = calls.iter().filter(|call| call.method == Method::POST && call.path.ends_with("/comments"));
        comments.filter_map(|call| call.field("message")).collect()
    }

    /// A value of a ticket, as text.
    pub async fn of_ticket(&self, ticket: TicketId, what: &str) -> String {
        let sql = sqlx::AssertSqlSafe(format!(
            "select coalesce({what}::text, '') from tickets t left join anger w on w.ticket_id = t.id where t.id = $1"
        ));
        sqlx::query_scalar(sql).bind(ticket).fetch_one(&self.app.db).await.expect("a value")
    }
}

/// Answers in the composer: `way` is empty (in public) or `private`.
pub async fn answer(agent: &Browser, ticket: TicketId, body: &str, way: &str, then: &str) -> Page {
    let form = Form::new().text("note", "0").text("body", body.to_owned()).text("way", way.to_owned()).text("then", then.to_owned());
    agent.post_files(&format!("/tickets/{ticket}/reply"), form).await
}

/// The heartbeat of an open screen.
pub async fn beat(agent: &Browser) -> Value {
    let page = agent.post("/presence/beat", &[]).await.is(200);
    serde_json::from_str(&page.body).expect("JSON")
}

/// What a click said, on the next page.
pub async fn flash(agent: &Browser, page: Page) -> String {
    let cookie = page.headers.get_all("set-cookie").iter().find_map(|value| {
        let pair = value.to_str().ok()?.split(';').next()?;
        pair.starts_with("sportello_flash=").then(|| pair.to_owned())
    });
    let location = page.location.expect("a redirect");
    let request = agent.request(reqwest::Method::GET, &location);
    let response = request.header("cookie", cookie.expect("a flash")).send().await.expect("an answer");
    response.text().await.expect("a body")
}
