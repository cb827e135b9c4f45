//! A conversation: both sides see each word, once, in order, and know how far it has come.

use std::time::Duration;

use serde_json::{Value, json};
use sportello::desk::changes::Change;
use sportello::desk::chats::{self, NewWords};
use sportello::desk::kinds::{ChatState, Role, Status};
use sportello::ids::MessageId;
use sportello::live::{Doing, Signal};

use crate::support::chat_desk::ChatDesk;

#[tokio::test]
async fn question_and_answer() {
    let desk = ChatDesk::new().await;
    let giulia = desk.on_duty("Giulia Moretti", Role::Agent).await;
    let mut visitor = desk.browser();
    let answer = visitor
        .send(json!({
            "id": "first-message", "text": "Where is my order BG-1042?", "name": "Tom", "order": "BG-1042",
            "page": { "url": "https://shop.example/arno", "title": "Arno", "product": { "name": "Arno 42" } },
            "context": { "cart_total": 120 },
        }))
        .await;
    assert_eq!(answer["message"]["from"], "visitor");
    assert_eq!(answer["message"]["client"], "first-message");
    assert_eq!(answer["chat"]["state"], "ringing");
    let number = sportello::ids::TicketId(answer["chat"]["number"].as_i64().expect("a number"));
    let ticket = desk.ticket(number).await;
    assert_eq!(ticket.subject, "Where is my order BG-1042?");
    assert_eq!(ticket.details, json!([["Order number", "BG-1042"], ["Product", "Arno 42"], ["Page", "https://shop.example/arno"]]));
    let mut ear = visitor.listen(answer["message"]["id"].as_i64()).await;

    desk.accept(&giulia, number).await.expect("hers to take");
    let chat = ear.hears("chat", |chat| chat["state"] == "active").await;
    assert_eq!(chat["agent"]["name"], "Giulia");
    assert_eq!(desk.ticket(number).await.assignee_id, Some(giulia.id));

    desk.app.live.announce(Signal::Presence(number, giulia.id, Doing::Typing));
    assert_eq!(ear.hears("typing", |_| true).await["name"], "Giulia");
    let words = NewWords { body: "It left yesterday.".into(), choices: vec!["Thanks!".into(), "Track it".into()], once: None };
    let said = desk.say_with(&giulia, number, &words).await;
    let message = ear.hears("message", |_| true).await;
    assert_eq!((&message["id"], &message["from"], &message["text"]), (&json!(said), &json!("agent"), &json!("It left yesterday.")));
    assert_eq!(message["choices"], json!(["Thanks!", "Track it"]));
    assert_eq!(desk.chat(number).await.promised_at, None, "the next word is theirs");

    // Marks, both ways.
    assert_eq!(visitor.post("seen", json!({ "delivered": said, "read": said })).await.0, 204);
    assert_eq!(desk.chat(number).await.visitor_read, said);
    let theirs = visitor.say("Great").await["message"]["id"].as_i64().map(MessageId).expect("an id");
    let mut change = Change::begin(&desk.app).await.expect("a database");
    chats::agent_seen(&mut change, &giulia, number, theirs, theirs).await.expect("noted");
    change.commit().await.expect("a database");
    ear.hears("chat", |chat| chat["read"] == json!(theirs)).await;

    // After a reload it is all there, and the end asks how it was.
    let again = visitor.hello().await;
    let texts: Vec<&str> = again["messages"].as_array().expect("messages").iter().filter_map(|m| m["text"].as_str()).collect();
    assert_eq!(texts, ["Where is my order BG-1042?", "It left yesterday.", "Great"]);
    let mut change = Change::begin(&desk.app).await.expect("a database");
    chats::end(&mut change, sportello::desk::events::ChatEnd::Agent, number, sportello::clock::Ts::now()).await.expect("ended");
    change.commit().await.expect("a database");
    ear.hears("chat", |chat| chat["state"] == "ended").await;
    assert_eq!(desk.ticket(number).await.status, Status::Solved);
    assert_eq!(visitor.post("rating", json!({ "stars": 6 })).await.0, 422);
    assert_eq!(visitor.post("rating", json!({ "stars": 5, "comment": "Quick!" })).await.0, 204);
    assert_eq!(desk.chat(number).await.rating, Some(5));
    assert_eq!(visitor.post("transcript", json!({ "email": "tom@example.com" })).await.0, 204);
    desk.drain().await;
    let mail = desk.last_sent();
    assert!(mail.contains("tom@example.com") && mail.contains("It left yesterday."), "{mail}");
    assert_eq!(visitor.hello().await["messages"].as_array().map(Vec::len), Some(3), "the letter is no word of the chat");

    // A solved chat is over: the next word begins another.
    assert_ne!(visitor.start("Something else").await, number);
}

#[tokio::test]
async fn the_same_message_is_kept_once_however_often_it_is_sent() {
    let desk = ChatDesk::new().await;
    let giulia = desk.on_duty("Giulia", Role::Agent).await;
    let mut visitor = desk.browser();
    let body = json!({ "id": "the-very-first", "text": "Hello" });
    // Its answer got lost: the browser, still without a token, sends it again.
    let lost = desk.browser().post("messages", body.clone()).await;
    assert_eq!(lost.0, 201);
    let answer = visitor.send(body.clone()).await;
    assert_eq!(answer["message"]["id"], lost.1["message"]["id"]);
    assert!(visitor.token.is_some());
    // The lost answer's token opens nothing any more.
    let mut thief = desk.browser();
    thief.token = lost.1["token"].as_str().map(str::to_owned);
    assert_eq!(thief.post("hello", json!({})).await.0, 401);
    let second = json!({ "id": "the-second-one", "text": "Anybody?" });
    let many = futures_util::future::join_all((0..5).map(|_| visitor.post("messages", second.clone()))).await;
    assert!(many.iter().all(|(status, answer)| (*status == 200 || *status == 201) && answer["chat"]["number"] == answer["chat"]["number"]));
    assert_eq!(desk.count("select count(*) from messages where direction = 'inbound'").await, 2);
    assert_eq!(desk.count("select count(*) from tickets").await, 1);
    // An agent's form too.
    let ticket = sportello::ids::TicketId(answer["chat"]["number"].as_i64().expect("a number"));
    let words = NewWords { body: "Hi!".into(), choices: Vec::new(), once: Some("form-1".into()) };
    let first = desk.say_with(&giulia, ticket, &words).await;
    assert_eq!(desk.say_with(&giulia, ticket, &words).await, first);
    assert_eq!(desk.count("select count(*) from messages where direction = 'outbound'").await, 1);
    assert_eq!(desk.chat(ticket).await.state, ChatState::Active, "who answers takes it");
}

#[tokio::test]
async fn files_pictures_and_what_is_being_typed() {
    let desk = ChatDesk::new().await;
    desk.on_duty("Giulia", Role::Agent).await;
    let mut visitor = desk.browser();
    let png = [&b"\x89PNG\r\n\x1a\n"[..], &[0; 40]].concat();
    let part = |name: &'static str, bytes: Vec<u8>| {
        reqwest::multipart::Form::new().part("file", reqwest::multipart::Part::bytes(bytes).file_name(name))
    };
    let response =
        visitor.request(reqwest::Method::POST, "files").multipart(part("sole.png", png.clone())).send().await.expect("an answer");
    assert_eq!(response.status().as_u16(), 201);
    let file: Value = response.json().await.expect("JSON");
    visitor.token = file["token"].as_str().map(str::to_owned);
    assert!(visitor.token.is_some(), "the first file brings the token");
    let answer = visitor.send(json!({ "id": "with-a-file", "text": "", "files": [file["id"]] })).await;
    let shown = &answer["message"]["files"][0];
    assert_eq!((&shown["name"], &shown["image"]), (&json!("sole.png"), &json!(true)));
    let url = shown["url"].as_str().expect("an address");
    let fetched = desk.browser().request(reqwest::Method::GET, url).send().await.expect("an answer");
    assert_eq!(fetched.headers()["content-type"], "image/png");
    assert_eq!(fetched.bytes().await.expect("bytes"), png);
    let forged = url.replace("s=", "s=x");
    assert_eq!(desk.browser().request(reqwest::Method::GET, &forged).send().await.expect("an answer").status().as_u16(), 404);
    // A file is used once.
    let (status, _) = visitor.post("messages", json!({ "id": "file-again", "text": "", "files": [file["id"]] })).await;
    assert_eq!(status, 422);

    let mut signals = desk.app.live.subscribe();
    assert_eq!(visitor.post("typing", json!({ "text": "I wonder wheth" })).await.0, 204);
    let writing = async {
        loop {
            if let Ok(Signal::Writing(_, _, text)) = signals.recv().await {
                return text;
            }
        }
    };
    assert_eq!(tokio::time::timeout(Duration::from_secs(2), writing).await.expect("a signal"), "I wonder wheth");
}
