//! Several processes on one database: visitor and agent on different ones, one killed, the database away.

use serde_json::json;
use sportello::desk::changes::Change;
use sportello::desk::kinds::Role;
use sportello::desk::tickets::reply::{self, NewReply};
use sportello::ids::TicketId;

use crate::support::chat_desk::{ChatDesk, Visitor};

fn words(text: &str) -> NewReply {
    NewReply { body: text.into(), ..NewReply::default() }
}

async fn answer(app: &sportello::app::App, agent: &sportello::desk::agents::Agent, ticket: TicketId, text: &str) {
    let mut change = Change::begin(app).await.expect("a database");
    reply::reply(&mut change, agent, ticket, &words(text)).await.expect("said");
    change.commit().await.expect("a database");
}

#[tokio::test]
async fn a_killed_process_loses_no_word_and_doubles_none() {
    let desk = ChatDesk::new().await;
    let anna = desk.on_duty("Anna", Role::Agent).await;
    let other = desk.another().await;
    // The visitor is on the second process, the agent on the first.
    let mut visitor = Visitor::at(&other.url);
    let ticket = visitor.start("Hello from afar").await;
    let mut ear = visitor.listen(Some(0)).await;
    ear.hears("message", |message| message["text"] == "Hello from afar").await;
    answer(&desk.app, &anna, ticket, "One").await;
    let one = ear.hears("message", |message| message["text"] == "One").await;
    // Its process dies; meanwhile the conversation goes on.
    other.kill();
    answer(&desk.app, &anna, ticket, "Two").await;
    answer(&desk.app, &anna, ticket, "Three").await;
    // The browser comes back to the process that is left, and says what it has.
    visitor.url.clone_from(&desk.url);
    let mut ear = visitor.listen(one["id"].as_i64()).await;
    ear.hears("message", |message| message["text"] == "Two").await;
    ear.hears("message", |message| message["text"] == "Three").await;
    visitor.say("I am back").await;
    ear.hears("message", |message| message["text"] == "I am back").await;
    let history = visitor.hello().await;
    let texts: Vec<&str> = history["messages"].as_array().expect("messages").iter().filter_map(|m| m["text"].as_str()).collect();
    assert_eq!(texts, ["Hello from afar", "One", "Two", "Three", "I am back"]);
}

#[tokio::test]
async fn availability_is_one_truth_for_all_processes() {
    let desk = ChatDesk::new().await;
    let other = desk.another().await;
    let mut ear = Visitor::at(&other.url).listen(None).await;
    ear.hears("availability", |now| now["open"] == false).await;
    desk.on_duty("Anna", Role::Agent).await;
    ear.hears("availability", |now| now["open"] == true).await;
    other.app.stopping.cancel();
    ear.hears("bye", |_| true).await;
}

#[tokio::test]
async fn while_the_database_is_away_nothing_is_acknowledged_and_afterwards_all_is_there() {
    let desk = ChatDesk::new().await;
    desk.on_duty("Anna", Role::Agent).await;
    let mut visitor = desk.browser();
    visitor.start("Before").await;
    desk.database.set_away(true).await;
    let (status, answer) = visitor.post("messages", json!({ "id": "while-away", "text": "During" })).await;
    assert_eq!((status, &answer["error"]), (503, &json!("busy")), "{answer}");
    desk.database.set_away(false).await;
    visitor.send(json!({ "id": "while-away", "text": "During" })).await;
    visitor.send(json!({ "id": "while-away", "text": "During" })).await;
    let history = visitor.hello().await;
    assert_eq!(history["messages"].as_array().map(Vec::len), Some(2), "{history}");
}
