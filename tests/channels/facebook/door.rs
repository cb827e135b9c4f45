//! Handshakes and signatures.

use reqwest::StatusCode;
use serde_json::json;
use sportello::channels::meta::sign;

use super::{PAGE, desk, from_anna};
use crate::support::meta_desk::{APP_SECRET, VERIFY};

#[tokio::test]
async fn a_handshake_ends_at_the_door() {
    let desk = desk().await;
    let visitor = desk.visitor();
    let ask = |token: &str| format!("{}?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={token}", desk.hook());
    let page = visitor.get(&ask(VERIFY)).await.is(200);
    assert_eq!(page.body, "1158201444");
    assert!(page.headers["content-type"].to_str().expect("text").starts_with("text/plain"));
    visitor.get(&ask("another")).await.is(403);
    visitor.get(&ask("")).await.is(403);
    visitor.get(&desk.hook()).await.is(403);
}

#[tokio::test]
async fn only_what_is_signed_comes_in() {
    let desk = desk().await;
    // As Meta writes what is not ASCII, and as a wrapper of its own might write it.
    let raw = br#"{"object":"page","entry":[{"id":"104512987654321","time":1,"messaging":[{"sender":{"id":"1"},"recipient":{"id":"104512987654321"},"timestamp":1791000000000,"message":{"mid":"m_1","text":"perch\u00e9 no"}}]}]}"#;
    assert_eq!(desk.post(raw, None).await, StatusCode::FORBIDDEN);
    assert_eq!(desk.post(raw, Some(&sign("wrong", raw))).await, StatusCode::FORBIDDEN);
    assert_eq!(desk.post(raw, Some(&sign("", raw))).await, StatusCode::FORBIDDEN);
    assert_eq!(desk.post(raw, Some("sha256=")).await, StatusCode::FORBIDDEN);
    assert_eq!(desk.post("{}".as_bytes(), Some(&sign(APP_SECRET, raw))).await, StatusCode::FORBIDDEN);
    assert_eq!(desk.count("select count(*) from deliveries").await, 0);
    assert_eq!(desk.post(raw, Some(&sign(APP_SECRET, raw))).await, StatusCode::OK);
    desk.understood().await;
    assert_eq!(desk.lines(desk.ticket().await).await, ["< perché no"]);
}

#[tokio::test]
async fn each_app_that_may_send_has_its_secret() {
    let desk = desk().await;
    let body = json!({ "object": "page", "entry": [{ "id": PAGE, "time": 1, "messaging": [
        from_anna(1_791_000_000_000, json!({ "message": { "mid": "m_1", "text": "Ciao" } }))] }] });
    let raw = body.to_string().into_bytes();
    assert_eq!(desk.post(&raw, Some(&sign("second-secret", &raw))).await, StatusCode::OK);
}

#[tokio::test]
async fn a_test_from_the_dashboard_is_welcome() {
    let desk = desk().await;
    desk.changes("0", json!([{ "field": "feed", "value": { "item": "status", "verb": "add" } }])).await;
    assert_eq!(desk.reasons().await, ["A test from Meta’s dashboard arrived."]);
    assert_eq!(desk.count("select count(*) from tickets").await, 0);
}
