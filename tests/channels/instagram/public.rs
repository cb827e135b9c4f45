//! Comments and mentions, from the door to the answer.

use http::Method;
use serde_json::json;
use sportello::channels::wire::{Act, network};
use sportello::desk::kinds::DeliveryStatus;
use sportello::desk::networks::Fault;

use super::{ACCOUNT, ANNA, comment, desk, own_sign_in};
use crate::support::providers::graph::Say;

const VERDI: (&str, &str) = (ANNA, "anna.verdi");

#[tokio::test]
async fn a_comment_is_answered_below_it() {
    let desk = desk().await;
    let media = json!({ "permalink": "https://www.instagram.com/p/x", "caption": "Torta", "media_url": "https://x.example/t.jpg", "username": "bar.sport" });
    desk.graph.on(Method::GET, "/18000000000000022", Say::json(200, media));
    desk.changes(ACCOUNT, json!([comment("17950000000000010", None, VERDI, "Prezzo?")])).await;
    desk.changes(ACCOUNT, json!([comment("17950000000000011", Some("17950000000000010"), ("7", "ugo"), "Già, quanto?")])).await;
    let ticket = desk.ticket().await;
    assert_eq!(
        desk.value("select jsonb_build_array(url, author, body) from posts").await,
        json!(["https://www.instagram.com/p/x", "bar.sport", "Torta"])
    );
    let message = desk.send(ticket, "Tre euro").await;
    assert_eq!(message.delivery, Some(DeliveryStatus::Sent), "{:?}", message.delivery_error);
    let call = &desk.graph.calls_to(Method::POST, "/17950000000000011/replies")[0];
    assert_eq!(call.field("message").as_deref(), Some("Tre euro"));
    desk.changes(ACCOUNT, json!([comment("5500_7701", Some("17950000000000010"), (ACCOUNT, "bar.sport"), "Tre euro")])).await;
    assert_eq!(desk.lines(ticket).await, ["< Prezzo?", "< Già, quanto?", "> Tre euro"]);
    // Who comments and who writes privately are known by the same id.
    let now = jiff::Timestamp::now().as_millisecond();
    desk.messaging(ACCOUNT, json!([super::from_anna(now, json!({ "message": { "mid": "a", "text": "Ciao" } }))])).await;
    assert_eq!(desk.count("select count(*) from contacts").await, 2);
}

#[tokio::test]
async fn a_commenter_is_answered_privately_once() {
    let desk = desk().await;
    let body = json!({ "object": "instagram", "entry": [{ "id": ACCOUNT, "time": jiff::Timestamp::now().as_second(),
        "changes": [comment("17950000000000010", None, VERDI, "Prezzo?")] }] });
    desk.deliver(&body).await;
    let ticket = desk.ticket().await;
    let id = desk.try_answer(ticket, "Le scrivo qui", true, &[]).await.expect("a reply");
    desk.served.desk.drain().await;
    assert_eq!(desk.message(id).await.delivery, Some(DeliveryStatus::Sent));
    let expected = json!({ "recipient": { "comment_id": "17950000000000010" }, "message": { "text": "Le scrivo qui" } });
    assert_eq!(desk.graph.sent(), [expected]);
}

#[tokio::test]
async fn a_mention_is_asked_for_its_words_and_answered_where_it_is() {
    let desk = desk().await;
    let found = json!({ "mentioned_comment": { "id": "17950000000000077", "text": "Chiedi a @bar.sport", "timestamp": "2026-10-03T09:00:00+0000",
        "username": "ugo", "media": { "id": "18000000000000099", "permalink": "https://www.instagram.com/p/y" } }, "id": ACCOUNT });
    desk.graph.on(Method::GET, &format!("/{ACCOUNT}"), Say::json(200, found));
    desk.changes(
        ACCOUNT,
        json!([{ "field": "mentions", "value": { "media_id": "18000000000000099", "comment_id": "17950000000000077" } }]),
    )
    .await;
    let ticket = desk.ticket().await;
    assert_eq!(desk.lines(ticket).await, ["< Chiedi a @bar.sport"]);
    assert_eq!(desk.value("select to_jsonb(name) from contacts").await, json!("ugo"));
    assert_eq!(
        desk.graph.calls_to(Method::GET, &format!("/{ACCOUNT}"))[0].param("fields"),
        Some("mentioned_comment.comment_id(17950000000000077){id,text,timestamp,username,media{id,permalink}}")
    );
    desk.send(ticket, "Eccoci").await;
    let call = &desk.graph.calls_to(Method::POST, &format!("/{ACCOUNT}/mentions"))[0];
    assert_eq!(call.field("media_id").as_deref(), Some("18000000000000099"));
    assert_eq!(call.field("comment_id").as_deref(), Some("17950000000000077"));
    assert_eq!(call.field("message").as_deref(), Some("Eccoci"));
}

#[tokio::test]
async fn a_mention_under_a_picture_is_its_caption() {
    let desk = own_sign_in().await;
    let found = json!({ "mentioned_media": { "caption": "Colazione da @bar.sport", "permalink": "https://www.instagram.com/p/z", "username": "ugo" } });
    desk.graph.on(Method::GET, &format!("/{ACCOUNT}"), Say::json(200, found));
    desk.changes(ACCOUNT, json!([{ "field": "mentions", "value": { "media_id": "18000000000000099" } }])).await;
    let ticket = desk.ticket().await;
    assert_eq!(desk.lines(ticket).await, ["< Colazione da @bar.sport"]);
    let message = desk.send(ticket, "Grazie").await;
    assert!(message.delivery_error.expect("words").contains("Answer in Instagram itself"));
}

#[tokio::test]
async fn what_an_agent_does_to_a_comment() {
    let desk = desk().await;
    let act = async |act: Act| desk.way(async |way| network(desk.kind).expect("a network").act(way, "179", act).await).await;
    act(Act::Hide(true)).await.expect("hidden");
    act(Act::Delete).await.expect("deleted");
    assert!(matches!(act(Act::Like(true)).await, Err(Fault::Permanent(_))));
    assert_eq!(desk.graph.calls_to(Method::POST, "/179")[0].field("hide").as_deref(), Some("true"));
    assert_eq!(desk.graph.calls_to(Method::DELETE, "/179").len(), 1);
}
