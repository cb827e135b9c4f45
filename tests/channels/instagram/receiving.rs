//! What comes in by Instagram, through the real door into real tickets.

use http::Method;
use serde_json::json;

use super::{ACCOUNT, ANNA, desk, event, from_anna};
use crate::support::providers::graph::Say;

const AT: i64 = 1_791_000_000_000;

#[tokio::test]
async fn a_message_told_twice_by_two_apps_is_one() {
    let desk = desk().await;
    let profile =
        json!({ "name": "Anna Verdi", "username": "anna.verdi", "profile_pic": "https://x.example/a.jpg", "follower_count": 321 });
    desk.graph.on(Method::GET, &format!("/{ANNA}"), Say::json(200, profile));
    desk.messaging(ACCOUNT, json!([from_anna(AT, json!({ "message": { "mid": "aWdfT1", "text": "Ciao" } }))])).await;
    // The same, as a change, by the other way of signing in.
    let value = from_anna(AT, json!({ "message": { "mid": "aWdfT1", "text": "Ciao" } }));
    desk.changes(ACCOUNT, json!([{ "field": "messages", "value": value }])).await;
    assert_eq!(desk.lines(desk.ticket().await).await, ["< Ciao"]);
    assert_eq!(desk.value("select to_jsonb(name) from contacts").await, json!("Anna Verdi"));
    let asked = desk.graph.calls_to(Method::GET, &format!("/{ANNA}"));
    assert_eq!(asked[0].param("fields"), Some("name,username,profile_pic,follower_count"));
}

#[tokio::test]
async fn stories_that_have_vanished_leave_their_words() {
    let desk = desk().await;
    let there = desk.file("/cdn/1803", "image/jpeg", b"jpeg");
    desk.graph.on(Method::GET, "/cdn/1802", Say::json(404, json!({})));
    let gone = format!("{}/cdn/1802", desk.graph.url);
    desk.messaging(
        ACCOUNT,
        json!([
            from_anna(
                AT,
                json!({ "message": { "mid": "aWdfSM", "attachments": [{ "type": "story_mention", "payload": { "url": there } }] } })
            ),
            from_anna(
                AT + 1,
                json!({ "message": { "mid": "aWdfR2", "text": "Bello!", "reply_to": { "story": { "id": "1", "url": gone } } } })
            ),
        ]),
    )
    .await;
    let thread = desk.thread(desk.ticket().await).await;
    assert!(thread[0].extras().story.expect("a story").mention);
    assert_eq!(desk.value("select to_jsonb(name) from attachments").await, json!("story.jpg"));
    assert!(!thread[1].extras().story.expect("a story").mention);
    assert!(thread[1].extras().missing[0].contains("does not give it out any more"));
}

#[tokio::test]
async fn what_is_unsent_is_no_longer_shown() {
    let desk = desk().await;
    desk.messaging(ACCOUNT, json!([from_anna(AT, json!({ "message": { "mid": "aWdfT1", "text": "Segreto" } }))])).await;
    desk.messaging(ACCOUNT, json!([from_anna(AT + 9, json!({ "message": { "mid": "aWdfT1", "is_deleted": true } }))])).await;
    let thread = desk.thread(desk.ticket().await).await;
    assert!(thread[0].removed_at.is_some() && thread[0].body.is_empty());
    assert_eq!(desk.count("select count(*) from tickets where excerpt like '%Segreto%'").await, 0);
}

#[tokio::test]
async fn words_from_the_app_are_part_of_the_conversation() {
    let desk = desk().await;
    desk.messaging(ACCOUNT, json!([from_anna(AT, json!({ "message": { "mid": "a", "text": "Ciao" } }))])).await;
    desk.messaging(ACCOUNT, json!([event(ACCOUNT, ANNA, AT + 5, json!({ "message": { "mid": "b", "is_echo": true, "text": "Eccoci" } }))]))
        .await;
    assert_eq!(desk.lines(desk.ticket().await).await, ["< Ciao", "> Eccoci"]);
}
