//! Before the visitor types: who is there, and what will really happen.

use serde_json::json;
use sportello::channels::chat::settings::Settings;
use sportello::desk::kinds::{Role, Wish};

use crate::support::chat_desk::ChatDesk;

#[tokio::test]
async fn chat_is_offered_only_while_somebody_is_there() {
    let desk = ChatDesk::new().await;
    let visitor = desk.browser();
    let nobody = visitor.hello().await;
    assert_eq!(nobody["availability"]["open"], false);
    assert_eq!(nobody["availability"]["reason"], "nobody");
    assert_eq!(nobody["availability"]["ways"]["chat"], false);
    assert_eq!(nobody["availability"]["ways"]["callback"], false);
    assert_eq!(desk.count("select count(*) from visitors").await, 0, "looking leaves no trace");

    let mut ear = visitor.listen(None).await;
    ear.hears("availability", |now| now["open"] == false).await;
    let giulia = desk.on_duty("Giulia Moretti", Role::Agent).await;
    let now = ear.hears("availability", |now| now["open"] == true).await;
    assert_eq!(now["people"][0]["name"], "Giulia", "by first name");
    assert_eq!(now["ways"]["callback"], true);
    assert_eq!(now["expected"], json!({ "seconds": 120, "basis": "target" }), "no history: the target, named as one");
    desk.wish(&giulia, Wish::Away).await;
    ear.hears("availability", |now| now["open"] == false && now["reason"] == "nobody").await;
}

#[tokio::test]
async fn outside_opening_hours_nobody_is_on_duty() {
    let desk = ChatDesk::new().await;
    desk.on_duty("Giulia", Role::Agent).await;
    assert_eq!(desk.browser().hello().await["availability"]["open"], true);
    desk.close().await;
    let closed = desk.browser().hello().await;
    assert_eq!(closed["availability"]["reason"], "closed");
    assert_eq!(closed["availability"]["ways"]["chat"], false);
    assert_eq!(closed["availability"]["opens_at"], json!(null), "it never opens again");
}

#[tokio::test]
async fn a_language_that_nobody_speaks_is_not_promised() {
    let desk = ChatDesk::new().await;
    let giulia = desk.on_duty("Giulia", Role::Agent).await;
    sqlx::query("update agents set languages = '{it,de}' where id = $1").bind(giulia.id.0).execute(&desk.app.db).await.expect("a database");
    let mut visitor = desk.browser();
    visitor.language = "de";
    assert_eq!(visitor.hello().await["availability"]["open"], true);
    visitor.language = "fr";
    assert_eq!(visitor.hello().await["availability"]["reason"], "language");
}

#[tokio::test]
async fn a_full_queue_takes_no_more_and_says_so_when_a_message_is_sent() {
    let desk = ChatDesk::with(Settings { queue_limit: 1, ..Settings::default() }).await;
    let giulia = desk.on_duty("Giulia", Role::Agent).await;
    desk.limit(&giulia, 1).await;
    let mut first = desk.browser();
    let ticket = first.start("Hello?").await;
    assert_eq!(desk.ringing(ticket).await, [giulia.id]);
    let mut second = desk.browser();
    assert_eq!(second.hello().await["availability"]["open"], false, "one rings, which counts as waiting");
    desk.accept(&giulia, ticket).await.expect("free to take");
    // Her hands are full, and the queue is empty: one may wait.
    let answer = second.say("Me too").await;
    assert_eq!(answer["chat"]["state"], "queued");
    assert_eq!(answer["chat"]["place"], 0);
    let third = desk.browser();
    let (status, answer) = third.post("messages", json!({ "id": "third-message", "text": "And me?" })).await;
    assert_eq!((status, &answer["error"]), (409, &json!("unavailable")), "{answer}");
    assert_eq!(answer["availability"]["reason"], "full");
    assert!(answer["words"].as_str().is_some_and(|words| words.contains("Nobody is free")), "{answer}");
    assert_eq!(desk.count("select count(*) from tickets").await, 2, "nothing half-kept");
    // The same words can still be left to be answered by mail.
    let mut third = third;
    let left = third.send(json!({ "id": "third-message", "text": "And me?", "mode": "email", "email": "third@example.com" })).await;
    assert_eq!(left["chat"]["state"], "mail");
    desk.drain().await;
    assert!(desk.last_sent().contains("third@example.com"), "a receipt by mail");
}
