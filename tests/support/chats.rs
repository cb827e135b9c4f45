//! Visitors who chat, and a clock that tests hold.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;
use sportello::clock::Ts;
use sportello::desk::agents::{self, ChatHabits};
use sportello::desk::changes::Change;
use sportello::desk::channels::{self, Channel, ChannelDraft};
use sportello::desk::chats::{self, Chat};
use sportello::desk::envelope::{Address, Incoming};
use sportello::desk::kinds::{ChannelKind, Role};
use sportello::desk::presence;
use sportello::desk::tickets::receive::{self, Origin};
use sportello::desk::visitors::{self, Browser, Introduction};
use sportello::ids::{AgentId, TicketId, VisitorId};
use sportello::worker;

use super::served::{Browser as Screen, ServedDesk};

/// A desk with live chat. Its clock is the real one plus what the test lets pass.
pub struct Floor {
    pub desk: ServedDesk,
    pub channel: Channel,
    passed: std::cell::Cell<i64>,
}

impl std::ops::Deref for Floor {
    type Target = ServedDesk;

    fn deref(&self) -> &ServedDesk {
        &self.desk
    }
}

/// An agent with an open screen.
pub struct Hand {
    pub id: AgentId,
    pub screen: Screen,
}

/// Somebody who chats.
pub struct Visiting {
    pub visitor: VisitorId,
    pub ticket: TicketId,
}

impl Floor {
    pub async fn new() -> Self {
        let desk = ServedDesk::new().await;
        let mut db = desk.app.db.acquire().await.expect("a database");
        let draft = ChannelDraft {
            kind: ChannelKind::Chat,
            name: "Chat".to_owned(),
            address: Some("shop".to_owned()),
            team_id: None,
            language: None,
            enabled: true,
            settings: json!({}),
            secrets: None,
        };
        let id = channels::create(&mut db, &draft).await.expect("a channel");
        let channel = channels::find(&mut db, id).await.expect("read").expect("there");
        drop(db);
        desk.app.cache.invalidate_all();
        Self { desk, channel, passed: std::cell::Cell::new(0) }
    }

    /// What time it is in this test.
    pub fn now(&self) -> Ts {
        Ts::now().plus_seconds(self.passed.get())
    }

    /// An agent who is signed in and whose screen is open.
    pub async fn hand(&self, name: &str, role: Role) -> Hand {
        let screen = self.agent(name, role).await;
        let mut db = self.app.db.acquire().await.expect("a database");
        let email = format!("{}@bottega.example", name.to_lowercase().replace(' ', "."));
        let id = agents::find_by_email(&mut db, &email).await.expect("read").expect("there").id;
        drop(db);
        screen.post("/presence/beat", &[]).await.is(200);
        Hand { id, screen }
    }

    /// Sets how many chats somebody takes at once.
    pub async fn limit(&self, hand: &Hand, chat_limit: i32) {
        let mut db = self.app.db.acquire().await.expect("a database");
        let habits = ChatHabits { takes_chats: true, chat_limit, languages: Vec::new() };
        assert!(agents::set_chat_habits(&mut db, hand.id, &habits).await.expect("saved"));
    }

    /// Somebody writes their first word.
    pub async fn visit(&self, name: &str, words: &str) -> Visiting {
        let mut change = Change::begin(&self.app).await.expect("a change");
        let browser = Browser { language: Some("en"), time_zone: Some("Europe/Rome"), user_agent: "", ip: "" };
        let (id, _) = visitors::create(&mut change, self.channel.id, &browser).await.expect("a visitor");
        let visitor = visitors::find(&mut change, id).await.expect("read").expect("there");
        let who = Introduction { name: Some(name), ..Introduction::default() };
        let contact = visitors::introduce(&mut change, &visitor, &who).await.expect("a contact");
        let origin =
            Origin { channel: &self.channel, delivery: None, files: &[], ticket: None, contact: Some(contact), acknowledge: false };
        let ticket = receive::receive(&mut change, &origin, &incoming(name, words)).await.expect("received").ticket;
        chats::start(&mut change, ticket, self.channel.id, id, 120, self.now()).await.expect("started");
        change.commit().await.expect("committed");
        Visiting { visitor: id, ticket }
    }

    /// They write more.
    pub async fn hear(&self, visiting: &Visiting, words: &str) {
        let mut change = Change::begin(&self.app).await.expect("a change");
        let visitor = visitors::find(&mut change, visiting.visitor).await.expect("read").expect("there");
        let ticket = Some(visiting.ticket);
        let origin = Origin { channel: &self.channel, delivery: None, files: &[], ticket, contact: visitor.contact_id, acknowledge: false };
        receive::receive(&mut change, &origin, &incoming(&visitor.name, words)).await.expect("received");
        chats::hear(&mut change, visiting.ticket, None, self.now()).await.expect("heard");
        change.commit().await.expect("committed");
    }

    /// Lets time pass, in steps short enough that nobody of `there` falls silent, and does what falls due.
    pub async fn pass(&self, seconds: i64, there: &[&Hand]) {
        let mut left = seconds;
        while left > 0 {
            let step = left.min(20);
            left -= step;
            self.passed.set(self.passed.get() + step);
            let mut change = Change::begin(&self.app).await.expect("a change");
            for hand in there {
                presence::beat(&mut change, hand.id, self.now()).await.expect("a beat");
            }
            change.commit().await.expect("committed");
            let errors = worker::drain(&self.app, self.now()).await;
            assert!(errors.is_empty(), "{errors:?}");
        }
    }

    /// The chat as it stands.
    pub async fn chat(&self, visiting: &Visiting) -> Chat {
        let mut db = self.app.db.acquire().await.expect("a database");
        chats::find(&mut db, visiting.ticket).await.expect("read").expect("there")
    }

    /// At whose screens it rings.
    pub async fn rings(&self, visiting: &Visiting) -> Vec<AgentId> {
        let mut db = self.app.db.acquire().await.expect("a database");
        chats::ringing_for(&mut db, visiting.ticket).await.expect("read")
    }
}

fn incoming(name: &str, words: &str) -> Incoming {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    Incoming {
        provider_id: format!("word-{}", COUNT.fetch_add(1, Ordering::Relaxed)),
        from: Address { name: name.to_owned(), address: String::new() },
        subject: words.chars().take(40).collect(),
        body: words.to_owned(),
        language: Some("en".to_owned()),
        ..Incoming::default()
    }
}
