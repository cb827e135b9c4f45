//! An hour of every network at once, as providers really bring it: twice, out of order, in batches, with rubbish in between, to a program
//! that is killed now and then. What stands in the desk at the end is what an undisturbed hour leaves.
//!
//! `scripts/replay` runs it with 50,000 events; the suite with fewer. It prints what it did.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use sportello::channels::{meta, twilio};
use sportello::desk::channels::{self, ChannelDraft, seal};
use sportello::desk::kinds::ChannelKind;
use sportello::ids::ChannelId;
use sportello::secrets::Keys;

use crate::support::postgres::TestDatabase;
use crate::support::program::Program;
use crate::support::providers::graph::GraphServer;

/// Events without `SPORTELLO_REPLAY_EVENTS`.
const EVENTS: usize = 2000;
/// Events that may overtake one another.
const DISORDER: usize = 300;
/// Requests at a time.
const HANDS: usize = 12;
const KILLS: usize = 4;

const SECRET: &str = "meta-app-secret";
const X_SECRET: &str = "x-consumer-secret";
const HOOK_TOKEN: &str = "the-hook-token";
const TWILIO_TOKEN: &str = "tw-auth-token";
const PAGE: &str = "104512987654321";
const INSTAGRAM: &str = "17841400000000001";
const NUMBER: &str = "106540352242922";
const X_USER: &str = "1111111111";

const KINDS: [ChannelKind; 6] =
    [ChannelKind::Telegram, ChannelKind::Facebook, ChannelKind::Instagram, ChannelKind::Whatsapp, ChannelKind::Sms, ChannelKind::X];

/// What one request carries: Meta's can be put together, others stand alone.
#[derive(Clone)]
enum Item {
    /// An element of `entry[].messaging`.
    Messaging(Value),
    /// An element of `entry[].changes`.
    Change(Value),
    /// A whole body of JSON.
    Whole(Value),
    /// A form.
    Form(Vec<(String, String)>),
    /// Something that no provider says.
    Rubbish(String),
}

#[derive(Clone)]
struct Event {
    kind: ChannelKind,
    item: Item,
}

/// One hour of many conversations, in the order in which it happened.
fn hour(count: usize) -> Vec<Event> {
    let mut rng = StdRng::seed_from_u64(20_261_122);
    let people = (count / 12).max(6);
    let mut talks: Vec<Talk> = (0..people).map(|index| Talk::new(index, KINDS[index % KINDS.len()])).collect();
    let begin = jiff::Timestamp::now().as_millisecond() - 3_600_000;
    (0..count)
        .map(|index| {
            let at = begin + i64::try_from(index * 3_500_000 / count).expect("an hour");
            let talk = rng.random_range(0..people);
            talks[talk].next(&mut rng, index, at)
        })
        .collect()
}

/// A customer in one conversation.
struct Talk {
    kind: ChannelKind,
    person: String,
    /// What they said, by the provider's id, and may still change.
    said: Vec<String>,
    public: bool,
}

impl Talk {
    fn new(index: usize, kind: ChannelKind) -> Self {
        Self { kind, person: format!("{}", 900_000_000 + index), said: Vec::new(), public: kind == ChannelKind::Facebook && index % 4 == 1 }
    }

    /// What happens next: mostly words, sometimes a change of what was said before.
    fn next(&mut self, rng: &mut StdRng, index: usize, at: i64) -> Event {
        let earlier = (!self.said.is_empty()).then(|| self.said[rng.random_range(0..self.said.len())].clone());
        let dice = rng.random_range(0..10);
        let text = format!("Parola {index} è già «detta»");
        let item = match (self.kind, earlier, dice) {
            (ChannelKind::Facebook, Some(id), 0) if self.public => self.comment(&id, "edited", &text, at),
            (ChannelKind::Facebook, _, _) if self.public => {
                let id = format!("5500_{index}");
                self.said.push(id.clone());
                self.comment(&id, "add", &text, at)
            }
            (ChannelKind::Facebook, Some(id), 0) => {
                self.meta(PAGE, false, at, json!({ "message_edit": { "mid": id, "text": text, "num_edit": 1 } }))
            }
            (ChannelKind::Facebook | ChannelKind::Instagram, Some(id), 1) => {
                self.said.retain(|other| *other != id);
                self.meta(self.account(), false, at, json!({ "message": { "mid": id, "is_deleted": true } }))
            }
            (ChannelKind::Facebook | ChannelKind::Instagram, _, 2 | 3) => self.meta(
                self.account(),
                true,
                at,
                json!({ "message": { "mid": format!("m_echo{index}"), "text": text, "is_echo": true } }),
            ),
            (ChannelKind::Facebook | ChannelKind::Instagram, earlier, _) => {
                let id = format!("m_{index}");
                let mut message = json!({ "mid": id, "text": text });
                if let (Some(earlier), 4) = (earlier, dice) {
                    message["reply_to"] = json!({ "mid": earlier });
                }
                self.said.push(id);
                self.meta(self.account(), false, at, json!({ "message": message }))
            }
            (ChannelKind::Whatsapp, Some(id), 0 | 1) => {
                self.whatsapp(index, at, json!({ "type": "reaction", "reaction": { "message_id": id, "emoji": "👍" } }))
            }
            (ChannelKind::Whatsapp, _, _) => {
                self.said.push(format!("wamid.{index}"));
                self.whatsapp(index, at, json!({ "type": "text", "text": { "body": text } }))
            }
            (ChannelKind::Telegram, Some(id), 0) => self.telegram(index, at, "edited_message", id.parse().expect("a number"), &text),
            (ChannelKind::Telegram, Some(id), 1) => {
                let who = self.number();
                Item::Whole(
                    json!({ "update_id": index, "message_reaction": { "chat": { "id": who, "type": "private" }, "message_id": id.parse::<i64>().expect("a number"),
                    "user": { "id": who, "is_bot": false, "first_name": "Anna" }, "date": at / 1000, "old_reaction": [], "new_reaction": [{ "type": "emoji", "emoji": "👍" }] } }),
                )
            }
            (ChannelKind::Telegram, _, _) => {
                self.said.push(index.to_string());
                self.telegram(index, at, "message", i64::try_from(index).expect("small"), &text)
            }
            (ChannelKind::X, _, _) => {
                let item = json!({ "data": { "event_uuid": format!("{index}"), "filter": { "user_id": X_USER }, "event_type": "dm.received", "tag": "sportello",
                    "payload": { "direct_message_events": [{ "type": "message_create", "id": format!("{}", 2_080_000_000_000_000_000_u64 + index as u64),
                        "created_timestamp": at.to_string(), "message_create": { "target": { "recipient_id": X_USER }, "sender_id": self.person,
                        "message_data": { "text": text, "entities": { "urls": [] } } } }],
                        "users": { &*self.person: { "data": { "id": self.person, "name": "Anna", "username": format!("anna{}", self.person) } } } } } });
                Item::Whole(item)
            }
            _ => {
                let sid = format!("SM{index:032}");
                let pairs = [
                    ("AccountSid", "AC00000000000000000000000000000001"),
                    ("Body", &*text),
                    ("From", &*format!("+39{}", self.person)),
                    ("MessageSid", &*sid),
                    ("NumMedia", "0"),
                    ("To", "+390612345678"),
                ];
                Item::Form(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
            }
        };
        Event { kind: self.kind, item }
    }

    fn number(&self) -> i64 {
        self.person.parse().expect("a number")
    }

    fn account(&self) -> &'static str {
        if self.kind == ChannelKind::Facebook { PAGE } else { INSTAGRAM }
    }

    fn meta(&self, account: &str, ours: bool, at: i64, mut what: Value) -> Item {
        let (from, to) = if ours { (account, &*self.person) } else { (&*self.person, account) };
        what["sender"] = json!({ "id": from });
        what["recipient"] = json!({ "id": to });
        what["timestamp"] = json!(at);
        Item::Messaging(what)
    }

    fn comment(&self, id: &str, verb: &str, text: &str, at: i64) -> Item {
        // Each of them comments under a post of their own.
        let post = format!("{PAGE}_{}", self.person);
        let top = self.said.first().map_or(id, |first| first);
        let parent = if top == id { &post } else { top };
        Item::Change(
            json!({ "field": "feed", "value": { "item": "comment", "verb": verb, "post_id": post, "parent_id": parent, "comment_id": id,
            "from": { "id": self.person, "name": format!("Anna {}", self.person) }, "message": text, "created_time": at / 1000,
            "post": { "id": post, "is_published": true, "permalink_url": "https://www.facebook.com/x" } } }),
        )
    }

    fn whatsapp(&self, index: usize, at: i64, mut message: Value) -> Item {
        message["from"] = json!(format!("39{}", self.person));
        message["id"] = json!(format!("wamid.{index}"));
        message["timestamp"] = json!((at / 1000).to_string());
        let contacts = json!([{ "profile": { "name": format!("Anna {}", self.person) }, "wa_id": format!("39{}", self.person) }]);
        Item::Change(json!({ "field": "messages", "value": { "messaging_product": "whatsapp", "contacts": contacts, "messages": [message],
            "metadata": { "display_phone_number": "390612345678", "phone_number_id": NUMBER } } }))
    }

    fn telegram(&self, index: usize, at: i64, what: &str, id: i64, text: &str) -> Item {
        let who = self.number();
        let mut message = json!({ "message_id": id, "from": { "id": who, "is_bot": false, "first_name": "Anna", "last_name": self.person },
            "chat": { "id": who, "type": "private" }, "date": at / 1000, "text": text });
        if what == "edited_message" {
            message["edit_date"] = json!(at / 1000);
        }
        Item::Whole(json!({ "update_id": index, what: message }))
    }
}

/// A request as it goes over the wire.
#[derive(Clone)]
struct Post {
    kind: ChannelKind,
    body: Vec<u8>,
    form: Option<Vec<(String, String)>>,
}

/// Puts events of one network into one request.
fn pack(events: &[Event]) -> Post {
    let kind = events[0].kind;
    if let Item::Form(pairs) = &events[0].item {
        return Post { kind, body: Vec::new(), form: Some(pairs.clone()) };
    }
    let (object, account) = match kind {
        ChannelKind::Facebook => ("page", PAGE),
        ChannelKind::Instagram => ("instagram", INSTAGRAM),
        _ => ("whatsapp_business_account", "102290129340398"),
    };
    let body = match &events[0].item {
        Item::Whole(value) => value.to_string(),
        Item::Rubbish(text) => text.clone(),
        Item::Messaging(_) | Item::Change(_) | Item::Form(_) => {
            let entries: Vec<Value> = events
                .iter()
                .map(|event| match &event.item {
                    Item::Messaging(item) => json!({ "id": account, "time": item["timestamp"], "messaging": [item] }),
                    Item::Change(item) => json!({ "id": account, "time": item["value"]["created_time"], "changes": [item] }),
                    // One that nobody can read must not take the others along.
                    Item::Whole(_) | Item::Form(_) | Item::Rubbish(_) => {
                        json!({ "id": account, "messaging": [17, { "message": 5 }], "changes": "none" })
                    }
                })
                .collect();
            json!({ "object": object, "entry": entries }).to_string()
        }
    };
    Post { kind, body: body.into_bytes(), form: None }
}

/// What the undisturbed hour sends: one thing at a time, in order, each conversation's after another.
fn in_order(events: &[Event]) -> Vec<Post> {
    events.iter().map(|event| pack(std::slice::from_ref(event))).collect()
}

#[derive(Default)]
struct Disturbed {
    posts: Vec<Post>,
    doubled: usize,
    malformed: usize,
    batched: usize,
}

/// What a bad hour sends of the same.
fn disturbed(events: &[Event]) -> Disturbed {
    let mut rng = StdRng::seed_from_u64(7);
    let mut all: Vec<(usize, Event)> = events.iter().cloned().enumerate().collect();
    let (mut doubled, mut malformed) = (0, 0);
    for (at, event) in events.iter().enumerate() {
        if rng.random_range(0..10) == 0 {
            doubled += 1;
            all.push((at + rng.random_range(0..DISORDER * 3), event.clone()));
        }
        if rng.random_range(0..100) == 0 {
            malformed += 1;
            let texts = [
                "{\"entry\":",
                "[]",
                "null",
                "{\"object\":\"page\",\"entry\":[{\"id\":\"7\",\"messaging\":[{}]}]}",
                "\u{0}\u{1}",
                "{\"update_id\":\"x\"}",
            ];
            let text = texts[rng.random_range(0..texts.len())].to_owned();
            let kind = if event.kind == ChannelKind::Sms { ChannelKind::Telegram } else { event.kind };
            all.push((at, Event { kind, item: Item::Rubbish(text) }));
        }
    }
    for (at, _) in &mut all {
        *at += rng.random_range(0..DISORDER);
    }
    all.sort_by_key(|(at, _)| *at);
    let mut waiting: BTreeMap<&'static str, Vec<Event>> = BTreeMap::new();
    let mut result = Disturbed { doubled, malformed, ..Disturbed::default() };
    for (_, event) in all {
        if !matches!(event.item, Item::Messaging(_) | Item::Change(_)) {
            result.posts.push(pack(std::slice::from_ref(&event)));
            continue;
        }
        let together = waiting.entry(event.kind.as_str()).or_default();
        together.push(event);
        if rng.random_range(0..3) == 0 {
            let mut batch = std::mem::take(together);
            batch.shuffle(&mut rng);
            if batch.len() > 1 {
                result.batched += 1;
                if rng.random_range(0..20) == 0 {
                    batch.insert(1, Event { kind: batch[0].kind, item: Item::Rubbish(String::new()) });
                    result.malformed += 1;
                }
            }
            result.posts.push(pack(&batch));
        }
    }
    for batch in waiting.into_values().filter(|batch| !batch.is_empty()) {
        result.posts.push(pack(&batch));
    }
    result
}

/// A program on a database of its own.
struct Desk {
    database: TestDatabase,
    graph: GraphServer,
    program: Program,
    channels: Vec<(ChannelKind, ChannelId)>,
}

impl Desk {
    async fn new() -> Self {
        let database = TestDatabase::new().await;
        let program = Program::new().await;
        let graph = GraphServer::start().await;
        let keys = Keys::load(None, program.data.path()).expect("a key");
        let mut desk = Self { database, graph, program, channels: Vec::new() };
        let meta = json!({ "token": "EAAtoken", "app_secrets": [SECRET], "app_secret": SECRET, "verify_token": "v" });
        for kind in KINDS {
            let (address, settings, secrets) = match kind {
                ChannelKind::Facebook => (PAGE, json!({}), meta.clone()),
                ChannelKind::Instagram => (INSTAGRAM, json!({}), meta.clone()),
                ChannelKind::Whatsapp => (NUMBER, json!({ "phone_number_id": NUMBER, "waba_id": "102290129340398" }), meta.clone()),
                ChannelKind::Sms => (
                    "+390612345678",
                    json!({ "account_sid": "AC00000000000000000000000000000001", "from": "+390612345678" }),
                    json!({ "auth_token": TWILIO_TOKEN }),
                ),
                ChannelKind::X => (X_USER, json!({ "poll": false }), json!({ "consumer_secret": X_SECRET, "access_token": "t" })),
                _ => ("123456789", json!({}), json!({ "token": "123456789:AAE", "hook_token": HOOK_TOKEN })),
            };
            let mut settings = settings;
            settings["base"] = json!(desk.graph.url);
            let draft = ChannelDraft {
                kind,
                name: kind.label().to_owned(),
                address: Some(address.to_owned()),
                team_id: None,
                language: None,
                enabled: true,
                settings,
                secrets: Some(seal(&keys, &secrets).expect("plain data")),
            };
            let mut db = desk.database.pool.acquire().await.expect("a database");
            desk.channels.push((kind, channels::create(&mut db, &draft).await.expect("a channel")));
        }
        desk
    }

    async fn start(&self) {
        self.program.start(&self.database).await;
    }

    /// Sends a request as its provider does: until it is acknowledged.
    async fn send(&self, http: &reqwest::Client, post: &Post) {
        let id = self.channels.iter().find(|(kind, _)| *kind == post.kind).expect("a channel").1;
        let url = format!("{}/hooks/{}/{id}", self.program.url(), post.kind);
        for _ in 0..3000 {
            let request = http.post(&url).timeout(Duration::from_secs(30));
            let request = match (&post.form, post.kind) {
                (Some(pairs), _) => request.form(pairs).header("x-twilio-signature", twilio::sign(TWILIO_TOKEN, &url, pairs)),
                (None, ChannelKind::Telegram) => request.body(post.body.clone()).header("x-telegram-bot-api-secret-token", HOOK_TOKEN),
                (None, ChannelKind::X) => request.body(post.body.clone()).header("x-twitter-webhooks-signature", sign_x(&post.body)),
                (None, _) => request.body(post.body.clone()).header("x-hub-signature-256", meta::sign(SECRET, &post.body)),
            };
            match request.send().await.map(|answer| answer.status()) {
                Ok(status) if status.is_success() => return,
                Ok(status) if status.is_client_error() => {
                    panic!("{} answered {status} to {}", post.kind, String::from_utf8_lossy(&post.body))
                }
                Ok(_) | Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
        panic!("nobody answered at {url}");
    }

    /// Sends all of it, killing the program `kills` times on the way, and waits until everything is understood.
    async fn hear(self: &Arc<Self>, posts: Vec<Post>, hands: usize, kills: usize) {
        self.start().await;
        let (posts, next) = (Arc::new(posts), Arc::new(AtomicUsize::new(0)));
        let every = posts.len() / (kills + 1) + 1;
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..hands {
            let (desk, posts, next) = (self.clone(), posts.clone(), next.clone());
            tasks.spawn(async move {
                let http = reqwest::Client::new();
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(post) = posts.get(at) else { return };
                    if kills > 0 && at > 0 && at % every == 0 {
                        desk.program.kill().await;
                        desk.start().await;
                    }
                    desk.send(&http, post).await;
                }
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.expect("all of it was sent");
        }
        // What was in hand when it was killed is claimed again when its lease ends; nobody has to wait for that here.
        let (mut least, mut since) = (i64::MAX, Instant::now());
        loop {
            sqlx::query("update jobs set run_at = now() where kind = 'process_delivery' and run_at > now() and dead_at is null")
                .execute(&self.database.pool)
                .await
                .expect("a database");
            let open: i64 = sqlx::query_scalar("select count(*) from deliveries where state = 'received'")
                .fetch_one(&self.database.pool)
                .await
                .expect("a database");
            if open == 0 {
                break;
            }
            if open < least {
                (least, since) = (open, Instant::now());
            }
            assert!(since.elapsed() < Duration::from_secs(120), "{open} deliveries were not understood");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        self.program.kill().await;
    }

    /// Everything that a person can see, by conversation.
    async fn stands(&self) -> BTreeMap<String, String> {
        let rows: Vec<(String, Value)> = sqlx::query_as(
            "select c.kind::text || ' ' || coalesce(t.conversation, '?') || ' ' || (row_number() over (partition by t.channel_id, t.conversation order by t.id)),
                    jsonb_build_object('status', t.status, 'public', t.public, 'last', t.last_direction, 'count', t.message_count,
                        -- Twilio tells no time: what came first was said first. Of one second only Telegram's numbers tell what was first: elsewhere
                        -- any word of that second will do.
                        'subject', case when c.kind <> 'sms' then coalesce(s.words, t.subject) end,
                        'excerpt', case when c.kind <> 'sms' then coalesce(e.words, t.excerpt) end,
                        'who', (select jsonb_agg(i.kind || ':' || i.address order by i.kind, i.address) from identities i where i.contact_id = t.contact_id),
                        'said', (select jsonb_agg(jsonb_build_array(m.provider_id, m.direction, m.body, m.removed_at is not null, m.public, m.reactions -> 'customer' -> 'emoji',
                                        (select o.provider_id from messages o where o.id = m.reply_to_id)) order by m.provider_id)
                                 from messages m where m.ticket_id = t.id))
             from tickets t join channels c on c.id = t.channel_id
             left join lateral (select min(twin.body) as words from messages m join messages twin on (twin.ticket_id, twin.sent_at) = (m.ticket_id, m.sent_at)
                                where m.ticket_id = t.id and m.body = t.subject and c.kind <> 'telegram') s on true
             left join lateral (select min(twin.body) as words from messages m join messages twin on (twin.ticket_id, twin.sent_at) = (m.ticket_id, m.sent_at)
                                where m.ticket_id = t.id and m.body = t.excerpt and c.kind <> 'telegram') e on true",
        )
        .fetch_all(&self.database.pool)
        .await
        .expect("a database");
        rows.into_iter().map(|(key, value)| (key, value.to_string())).collect()
    }

    async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.database.pool).await.expect(sql)
    }
}

fn sign_x(body: &[u8]) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(X_SECRET.as_bytes()).expect("any key");
    mac.update(body);
    format!("sha256={}", base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_hour_leaves_what_a_good_one_does() {
    let count = std::env::var("SPORTELLO_REPLAY_EVENTS").ok().map_or(EVENTS, |text| text.parse().expect("a number of events"));
    drop(rustls::crypto::ring::default_provider().install_default());
    let events = hour(count);
    let bad = disturbed(&events);
    println!(
        "{count} events in {} requests: {} brought twice, {} batches, {} malformed, {KILLS} kills",
        bad.posts.len(),
        bad.doubled,
        bad.batched,
        bad.malformed
    );
    let (good_desk, bad_desk) = (Arc::new(Desk::new().await), Arc::new(Desk::new().await));
    let began = Instant::now();
    good_desk.hear(in_order(&events), 1, 0).await;
    println!("in order: {:.1} s, {:.0} events per second", began.elapsed().as_secs_f64(), count as f64 / began.elapsed().as_secs_f64());
    let began = Instant::now();
    bad_desk.hear(bad.posts, HANDS, KILLS).await;
    println!("disturbed: {:.1} s, {:.0} events per second", began.elapsed().as_secs_f64(), count as f64 / began.elapsed().as_secs_f64());
    let (good, other) = (good_desk.stands().await, bad_desk.stands().await);
    println!("{} tickets, {} messages", good.len(), good_desk.count("select count(*) from messages").await);
    assert!(good.len() > count / 40, "the hour was heard: {}", good.len());
    let keys: Vec<_> =
        good.keys().filter(|key| !other.contains_key(*key)).chain(other.keys().filter(|key| !good.contains_key(*key))).collect();
    assert!(keys.is_empty(), "{} conversations stand in one only: {:?}", keys.len(), &keys[..keys.len().min(10)]);
    let different: Vec<_> = good.iter().filter(|(key, value)| other[*key] != **value).collect();
    for (key, value) in different.iter().take(3) {
        println!("{key}\n  good {value}\n  bad  {}", other[*key]);
    }
    assert!(different.is_empty(), "{} of {} tickets differ", different.len(), good.len());
    for desk in [&good_desk, &bad_desk] {
        assert_eq!(desk.count("select count(*) from jobs where dead_at is not null").await, 0);
        // A job for what never was said may wait; what was said is complete.
        assert_eq!(desk.count("select count(*) from messages where removed_at is not null and body <> ''").await, 0);
    }
}
