//! Connecting a number, its templates, and what the customer sees of us.

use reqwest::Method;
use serde_json::json;
use sportello::channels::whatsapp::templates;
use sportello::channels::wire::{Recipient, Sign};
use sportello::desk::networks::Fault;

use crate::support::providers::recorder::Says;
use crate::support::providers::whatsapp::{NUMBER, VERIFY, WABA, desk, refusal, webhook};

#[tokio::test]
async fn the_number_is_asked_for_and_subscribed_with_our_address() {
    let desk = desk().await;
    let health = desk.with_way(async |way| desk.network().check(way).await).await.expect("let in");
    assert_eq!((&*health.account, &*health.id), ("Bottega (+39 06 1234 5678)", NUMBER));
    assert!(health.notes.contains(&format!("Webhooks are sent to {}", desk.hook())), "{:?}", health.notes);
    assert!(health.notes.contains(&"Subscribed: Bottega".to_owned()), "{:?}", health.notes);
    let asked = desk.fake.asked("/subscribed_apps");
    assert_eq!(asked[0].json(), json!({ "override_callback_uri": desk.hook(), "verify_token": VERIFY }));
}

#[tokio::test]
async fn where_meta_cannot_reach_us_the_apps_own_address_serves() {
    let desk = desk().await;
    let path = format!("/v25.0/{WABA}/subscribed_apps");
    desk.fake.say(Method::POST, &path, refusal(400, 100, "The callback could not be verified"));
    let health = desk.with_way(async |way| desk.network().check(way).await).await.expect("let in");
    assert!(health.notes.iter().any(|note| note.contains("enter http")), "{:?}", health.notes);
    desk.fake.say(Method::GET, &format!("/v25.0/{NUMBER}"), refusal(401, 190, "Session has expired"));
    let refused = desk.with_way(async |way| desk.network().check(way).await).await;
    assert!(matches!(refused, Err(Fault::SignIn(_))), "{refused:?}");
}

#[tokio::test]
async fn approved_templates_of_all_pages() {
    let desk = desk().await;
    let path = format!("/v25.0/{WABA}/message_templates");
    let template = |name: &str, status: &str| {
        json!({ "id": "1", "name": name, "language": "it", "status": status, "category": "UTILITY",
            "components": [{ "type": "BODY", "text": "Ciao {{1}}" }] })
    };
    let first = json!({ "data": [template("order_update", "APPROVED"), template("draft", "PENDING")],
        "paging": { "cursors": { "after": "c1" }, "next": "https://graph.facebook.com/next" } });
    desk.fake.say(Method::GET, &path, Says::json(200, &first));
    // A page without its list, and one that brings something again.
    let second = json!({ "paging": { "cursors": { "after": "c2" }, "next": "https://graph.facebook.com/next" } });
    desk.fake.say(Method::GET, &path, Says::json(200, &second));
    let third = json!({ "data": [template("order_update", "APPROVED"), template("hello", "APPROVED")], "paging": { "cursors": { "after": "c3" } } });
    desk.fake.say(Method::GET, &path, Says::json(200, &third));
    let found = desk.with_way(async |way| templates::templates(way).await).await.expect("a list");
    assert_eq!(found.iter().map(|template| &*template.name).collect::<Vec<_>>(), ["hello", "order_update"]);
    let asked = desk.fake.asked("/message_templates");
    assert_eq!(asked.iter().map(|asked| asked.query("after")).collect::<Vec<_>>(), [None, Some("c1".to_owned()), Some("c2".to_owned())]);
    assert_eq!(asked[0].query("limit").as_deref(), Some("100"));
    let filled = found[1].fill(&["Anna".to_owned()]).expect("all is given");
    assert_eq!(filled.words, "Ciao Anna");
}

#[tokio::test]
async fn the_customer_sees_that_we_read_and_write() {
    let desk = desk().await;
    let to = |newest: Option<&str>| Recipient {
        conversation: "dm:+393331234567".to_owned(),
        newest: newest.map(str::to_owned),
        identities: Vec::new(),
        name: String::new(),
        post: None,
        public: false,
        private_reply_to: None,
        human_hours: false,
        reply_to: None,
    };
    let (known, unknown) = (to(Some("wamid.TXT")), to(None));
    desk.with_way(async |way| {
        desk.network().tell(way, &known, Sign::Read).await.expect("told");
        desk.network().tell(way, &known, Sign::Typing).await.expect("told");
        desk.network().tell(way, &unknown, Sign::Typing).await.expect("nothing to tell");
    })
    .await;
    let asked: Vec<_> = desk.fake.asked("/messages").iter().map(|asked| asked.json()).collect();
    let read = json!({ "messaging_product": "whatsapp", "status": "read", "message_id": "wamid.TXT" });
    let mut typing = read.clone();
    typing["typing_indicator"] = json!({ "type": "text" });
    assert_eq!(asked, [read, typing]);
}

#[tokio::test]
async fn news_of_templates_stand_on_the_channel() {
    let desk = desk().await;
    let news = json!({ "event": "PAUSED", "message_template_name": "order_update", "message_template_language": "it", "reason": "NONE" });
    let mut news = webhook("message_template_status_update", &news);
    news["entry"][0]["changes"][0]["value"].as_object_mut().expect("an object").remove("metadata");
    desk.post(&news).await;
    assert_eq!(desk.row().await.last_error.as_deref(), Some("The template “order_update” (it) is paused now."));
}
