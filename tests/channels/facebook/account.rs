//! What the channel's page shows of the account, and what customers see of us.

use http::Method;
use serde_json::json;
use sportello::channels::wire::{Recipient, Sign, network};
use sportello::desk::kinds::Role;
use sportello::desk::networks::Fault;

use super::{ANNA, PAGE, desk};
use crate::support::providers::graph::{GraphServer, Say};
use crate::support::served::ServedDesk;

#[tokio::test]
async fn the_page_is_subscribed_without_losing_what_it_was() {
    let desk = desk().await;
    desk.graph.on(Method::GET, "/me", Say::json(200, json!({ "id": PAGE, "name": "Bar Sport", "category": "Bar" })));
    let present = json!({ "data": [{ "id": "1", "subscribed_fields": ["leadgen", "feed"] }] });
    desk.graph.on(Method::GET, &format!("/{PAGE}/subscribed_apps"), Say::json(200, present));
    let health = desk.way(async |way| network(desk.kind).expect("a network").check(way).await).await.expect("let in");
    assert_eq!((&*health.account, &*health.id), ("Bar Sport", PAGE));
    let asked = desk.graph.calls_to(Method::POST, &format!("/{PAGE}/subscribed_apps"));
    assert_eq!(
        asked[0].json(),
        json!({ "subscribed_fields": "messages,message_echoes,message_deliveries,message_reads,message_reactions,message_edits,messaging_postbacks,messaging_referrals,messaging_optins,messaging_handovers,messaging_policy_enforcement,standby,feed,mention,ratings,leadgen" })
    );
}

#[tokio::test]
async fn an_app_that_may_have_less_gets_what_a_desk_needs() {
    let desk = desk().await;
    desk.graph.on(Method::GET, "/me", Say::json(200, json!({ "id": PAGE, "name": "Bar Sport" })));
    desk.graph.once(
        Method::POST,
        &format!("/{PAGE}/subscribed_apps"),
        Say::error(400, 100, 0, "Param subscribed_fields[14] must be one of"),
    );
    let health = desk.way(async |way| network(desk.kind).expect("a network").check(way).await).await.expect("let in");
    assert_eq!(health.notes, ["Subscribed: messages, message_echoes, message_deliveries, message_reads, messaging_postbacks, feed"]);
}

#[tokio::test]
async fn the_token_of_a_person_is_named_as_such() {
    let desk = desk().await;
    let words = "(#100) Tried accessing nonexisting field (category) on node type (User)";
    desk.graph.on(Method::GET, "/me", Say::error(400, 100, 0, words));
    let fault = desk.way(async |way| network(desk.kind).expect("a network").check(way).await).await;
    assert!(matches!(fault, Err(Fault::SignIn(words)) if words.contains("token of a person")));
}

#[tokio::test]
async fn customers_see_that_we_read_and_type() {
    let desk = desk().await;
    let to = Recipient {
        conversation: format!("dm:{ANNA}"),
        newest: None,
        identities: Vec::new(),
        name: String::new(),
        post: None,
        public: false,
        private_reply_to: None,
        human_hours: false,
        reply_to: None,
    };
    for sign in [Sign::Typing, Sign::Read] {
        desk.way(async |way| network(desk.kind).expect("a network").tell(way, &to, sign).await).await.expect("told");
    }
    let action = |action: &str| json!({ "recipient": { "id": ANNA }, "sender_action": action });
    assert_eq!(desk.graph.sent(), [action("typing_on"), action("mark_seen")]);
}

#[tokio::test]
async fn an_admin_connects_a_page_in_the_browser() {
    let desk = ServedDesk::new().await;
    let graph = GraphServer::start().await;
    graph.on(Method::GET, "/me", Say::json(200, json!({ "id": PAGE, "name": "Bar Sport" })));
    let admin = desk.agent("Marta", Role::Admin).await;
    let fields =
        [("name", "Our page"), ("token", "EAAtoken"), ("app_secrets", "meta-app-secret, second"), ("base", &*graph.url), ("then", "test")];
    let page = admin.post("/settings/networks/facebook/new", &fields).await;
    assert!(page.body.contains("It works: Bar Sport"), "{}", page.body);
    assert!(!page.body.contains("EAAtoken"));
    assert_eq!(desk.count("select count(*) from channels where kind = 'facebook' and address = '104512987654321'").await, 1);
    assert_eq!(graph.calls_to(Method::GET, "/me")[0].header("authorization"), "Bearer EAAtoken");
}
