//! What agents answer is posted: signed, once, again where that helps, and never where it does not.

use reqwest::Method;
use serde_json::json;
use sportello::clock::Ts;
use sportello::desk::kinds::Role;
use sportello::worker;

use super::{Shop, message};
use crate::support::providers::receiver::Answer;

#[tokio::test]
async fn an_answer_is_posted_signed_and_its_steps_come_back() {
    let shop = Shop::open().await;
    shop.say("1", "Where is my parcel?").await;
    shop.receiver.answer([Answer::new(201, r#"{"id": 77}"#)]);
    // Read before it was taken: it waits for the id.
    shop.tell(Method::POST, "/statuses", json!({ "id": "77", "status": "read" })).await;
    shop.answer("It arrives tomorrow, è già partito.").await.is(303);
    shop.desk.drain().await;
    let heard = shop.receiver.heard();
    assert_eq!(heard.len(), 1);
    heard[0].is_signed_with(&shop.outgoing);
    let body = heard[0].json();
    assert_eq!(body["event"], "message");
    assert_eq!(body["conversation"], "thread-1");
    assert_eq!(body["channel"]["key"], shop.name);
    assert_eq!(body["contact"], json!({ "identifier": "user-42", "name": "Anna Verdi" }));
    assert_eq!(body["message"]["text"], "It arrives tomorrow, è già partito.");
    assert_eq!((&body["message"]["reply_to"], &body["message"]["public"]), (&json!("1"), &json!(false)));
    assert_eq!(body["message"]["id"], heard[0].header("sportello-delivery"));
    assert_eq!(body["agent"]["name"], "Ada");
    assert_eq!(body["ticket"]["id"], 1);
    assert_eq!(shop.text("select delivery::text from messages where direction = 'outbound'").await, "read");
    shop.tell(Method::POST, "/statuses", json!({ "id": 77, "status": "delivered" })).await;
    assert_eq!(shop.text("select delivery::text from messages where direction = 'outbound'").await, "read", "late steps take nothing back");

    // The same words come back from the program that has them now.
    let mut echo = message("77", "It arrives tomorrow, è già partito.");
    echo["by"] = json!("shop");
    shop.tell(Method::POST, "/messages", echo).await;
    assert_eq!(shop.desk.count("select count(*) from messages").await, 2);
    let mut elsewhere = message("78", "I also sent you a mail.");
    elsewhere["by"] = json!("shop");
    shop.tell(Method::POST, "/messages", elsewhere).await;
    assert_eq!(shop.desk.count("select count(*) from messages where direction = 'outbound'").await, 2, "said by one of us over there");
    shop.tell(Method::PUT, "/messages/77/reaction", json!({ "emoji": "❤️" })).await;
    assert_eq!(shop.desk.count("select count(*) from messages where reactions->'customer'->>'emoji' = '❤️'").await, 1);
}

#[tokio::test]
async fn a_program_answers_by_the_api_and_its_files_go_along() {
    let shop = Shop::open().await;
    shop.say("1", "May I see it?").await;
    let token = shop.admin.post("/settings/tokens", &[("name", "t")]).await.is(200).text("#token");
    let request = shop.desk.visitor().request(Method::POST, "/api/v1/tickets/1/messages").bearer_auth(&token);
    let body = json!({ "type": "reply", "text": "Here.", "attachments": [{ "name": "a.txt", "content": "Y2lhbw==" }] });
    assert_eq!(request.json(&body).send().await.expect("an answer").status().as_u16(), 201);
    shop.desk.drain().await;
    let body = shop.receiver.heard()[0].json();
    let files = json!([{ "name": "a.txt", "media_type": "text/plain", "size": 4, "content": "Y2lhbw==" }]);
    assert_eq!(body["message"]["attachments"], files);
    // Without an id of its own the program names it by ours.
    let ours = body["message"]["id"].as_str().expect("an id").to_owned();
    shop.tell(Method::POST, "/statuses", json!({ "id": ours, "status": "failed", "reason": "They left the forum." })).await;
    assert_eq!(shop.text("select delivery_error from messages where direction = 'outbound'").await, "They left the forum.");
}

#[tokio::test]
async fn what_fails_for_now_is_posted_again_under_the_same_id() {
    let shop = Shop::open().await;
    shop.say("1", "Hello?").await;
    let busy = Answer { headers: vec![("retry-after", "20".into())], ..Answer::new(429, "") };
    shop.receiver.answer([Answer::new(500, "<html>oops"), busy, Answer::new(200, "not json")]);
    shop.answer("Hello!").await.is(303);
    let errors = worker::drain(&shop.desk.app, Ts::now().plus_seconds(3600)).await;
    assert!(errors.iter().all(|error| error.contains("500")), "{errors:?}");
    let heard = shop.receiver.heard();
    assert_eq!(heard.len(), 3);
    for each in &heard {
        each.is_signed_with(&shop.outgoing);
        assert_eq!(each.header("sportello-delivery"), heard[0].header("sportello-delivery"));
        assert_eq!(each.json()["message"]["id"], heard[0].json()["message"]["id"]);
    }
    assert_eq!(shop.text("select delivery::text from messages where direction = 'outbound'").await, "sent");
}

#[tokio::test]
async fn a_refusal_is_told_to_the_agent_and_a_lost_secret_to_the_admin() {
    let shop = Shop::open().await;
    shop.say("1", "Hello?").await;
    shop.receiver.answer([Answer::new(422, r#"{"error": "The thread is closed."}"#)]);
    shop.answer("One").await.is(303);
    worker::drain(&shop.desk.app, Ts::now().plus_seconds(60)).await;
    assert!(shop.text("select delivery_error from messages where direction = 'outbound'").await.contains("The thread is closed."));

    shop.receiver.answer([Answer::new(401, "")]);
    shop.answer("Two").await.is(303);
    worker::drain(&shop.desk.app, Ts::now().plus_seconds(60)).await;
    let page = shop.admin.get(&shop.path).await.is(200);
    assert!(page.text("[role=alert]").contains("channel’s secret"), "{}", page.text("[role=alert]"));
    let secret = shop.admin.post(&format!("{}/secrets", shop.path), &[("which", "outgoing")]).await.is(200).text("#outgoing");
    assert_ne!(secret, shop.outgoing);
    let form = [
        ("name", "Blog"),
        ("url", &*shop.receiver.url),
        ("answers", "on"),
        ("text_limit", "1000"),
        ("audience", "private"),
        ("then", "test"),
    ];
    let page = shop.admin.post(&shop.path, &form).await.is(200);
    assert!(page.text("[role=status]").contains("took the test"));
    shop.desk.drain().await;
    let heard = shop.receiver.heard();
    assert_eq!(heard.len(), 4);
    assert_eq!(heard[2].json()["event"], "test");
    heard[2].is_signed_with(&secret);
    heard[3].is_signed_with(&secret);
    assert_eq!(heard[3].json()["message"]["text"], "Two", "what waited has left by itself");
}

#[tokio::test]
async fn limits_windows_and_switches_hold() {
    let shop = Shop::with(&[("text_limit", "10"), ("window_hours", "24")]).await;
    shop.say("1", "Hello?").await;
    let page = shop.answer("This is too long").await.is(422);
    assert!(page.body.contains("16 of 10"), "{}", page.text("[role=alert]"));
    sqlx::query("update tickets set spoke_at = now() - interval '25 hours'").execute(&shop.desk.app.db).await.expect("a database");
    shop.answer("Hi").await.is(422);
    shop.say("2", "Still there?").await;
    shop.answer("Hi").await.is(303);
    shop.desk.drain().await;
    assert_eq!(shop.receiver.heard().len(), 1);

    // Nothing is answered here any more: by mail, if there is an address.
    let form = [("name", "Blog"), ("url", &*shop.receiver.url), ("text_limit", "10"), ("audience", "private")];
    shop.admin.post(&shop.path, &form).await.is(303);
    assert_eq!(shop.desk.count("select count(*) from channels where kind = 'api' and abilities is not null").await, 0);
    shop.answer("This is longer than ten").await.is(422);
    assert_eq!(shop.receiver.heard().len(), 1);
    let agent = shop.desk.agent("Bea", Role::Agent).await;
    agent.get(&shop.path).await.is(403);
}
