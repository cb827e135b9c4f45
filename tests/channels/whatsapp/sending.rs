//! Answers leave in WhatsApp's words, once, and what goes wrong says what helps.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use sportello::clock::Ts;
use sportello::desk::changes::Change;
use sportello::desk::channels;
use sportello::desk::kinds::DeliveryStatus;
use sportello::desk::tickets::reply::ReplyError;
use sportello::worker;

use crate::support::providers::recorder::Says;
use crate::support::providers::whatsapp::{NUMBER, NetworkDesk, TOKEN, desk, refusal, status, wrote};

async fn with_question() -> (NetworkDesk, sportello::desk::agents::Agent) {
    let desk = desk().await;
    let agent = desk.bruno().await;
    desk.post(&wrote("wamid.A", "Buongiorno")).await;
    (desk, agent)
}

fn messages() -> String {
    format!("/v25.0/{NUMBER}/messages")
}

#[tokio::test]
async fn a_text_leaves_as_meta_wants_it() {
    let (desk, agent) = with_question().await;
    let (message, errors) = desk.answer(&agent, "Eccoci").await;
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(message.delivery, Some(DeliveryStatus::Sent));
    let part: i64 = sqlx::query_scalar("select id from message_parts").fetch_one(&desk.app.db).await.expect("a row");
    let asked = desk.fake.asked("/messages");
    assert_eq!((asked.len(), asked[0].path.clone()), (1, messages()));
    assert_eq!(asked[0].header("authorization"), format!("Bearer {TOKEN}"));
    assert!(asked[0].query("appsecret_proof").is_some());
    assert_eq!(
        asked[0].json(),
        json!({ "messaging_product": "whatsapp", "recipient_type": "individual", "to": "393331234567", "type": "text",
            "text": { "body": "Eccoci", "preview_url": false }, "biz_opaque_callback_data": format!("sportello:{part}") })
    );
}

#[tokio::test]
async fn long_texts_and_buttons() {
    let (desk, agent) = with_question().await;
    let long = format!("{}\n\nConfermi?", "è".repeat(5000));
    desk.try_answer(&agent, &long, &["Sì", "No"], None).await.expect("queued");
    assert!(desk.leave().await.is_empty());
    let asked: Vec<Value> = desk.fake.asked("/messages").iter().map(|asked| asked.json()).collect();
    let last = asked.last().expect("a request");
    let lengths: Vec<usize> = asked.iter().filter_map(|body| body["text"]["body"].as_str()).map(|text| text.chars().count()).collect();
    assert!(lengths.iter().all(|length| *length <= 4096) && !lengths.is_empty(), "{lengths:?}");
    assert_eq!(last["type"], "interactive");
    assert!(last["interactive"]["body"]["text"].as_str().expect("a text").chars().count() <= 1024);
    assert_eq!(
        last["interactive"]["action"],
        json!({ "buttons": [{ "type": "reply", "reply": { "id": "Sì", "title": "Sì" } }, { "type": "reply", "reply": { "id": "No", "title": "No" } }] })
    );
    // What cannot be a button is said.
    desk.try_answer(&agent, "Quando?", &["Lunedì mattina presto, se possibile", "Mai"], None).await.expect("queued");
    assert!(desk.leave().await.is_empty());
    let last = desk.fake.asked("/messages").last().expect("a request").json();
    assert_eq!(last["text"]["body"], "Quando?\n• Lunedì mattina presto, se possibile\n• Mai");
}

#[tokio::test]
async fn a_lost_sign_in_stops_the_channel_until_it_is_regained() {
    let (desk, agent) = with_question().await;
    desk.fake.say(Method::POST, &messages(), refusal(401, 190, "Error validating access token: Session has expired"));
    let (message, _) = desk.answer(&agent, "Eccoci").await;
    assert_eq!(message.delivery, Some(DeliveryStatus::Queued));
    assert!(message.delivery_error.expect("a reason").contains("connected again"));
    assert!(desk.row().await.sign_in_lost_at.is_some());
    // Nothing else is tried meanwhile.
    let (second, _) = desk.answer(&agent, "Ci siete?").await;
    assert_eq!((second.delivery, desk.fake.asked("/messages").len()), (Some(DeliveryStatus::Queued), 1));
    let mut change = Change::begin(&desk.app).await.expect("a database");
    assert_eq!(channels::regain_sign_in(&mut change, desk.channel).await.expect("a database"), 2);
    change.commit().await.expect("a database");
    // The second waits six seconds by the provider's pace.
    for _ in 0..3 {
        desk.leave_once().await;
    }
    assert_eq!(desk.delivery(message.id).await, DeliveryStatus::Sent);
    assert_eq!(desk.delivery(second.id).await, DeliveryStatus::Sent);
}

impl NetworkDesk {
    async fn leave_once(&self) {
        let past = "update message_parts set sent_at = sent_at - interval '1 minute'";
        sqlx::query(past).execute(&self.app.db).await.expect("rows");
        worker::drain(&self.app, Ts::now()).await;
        sqlx::query("update jobs set run_at = now() where kind = 'send_message'").execute(&self.app.db).await.expect("rows");
    }
}

#[tokio::test]
async fn after_a_day_only_templates_leave() {
    let (desk, agent) = with_question().await;
    sqlx::query("update tickets set spoke_at = now() - interval '25 hours'").execute(&desk.app.db).await.expect("rows");
    let refused = desk.try_answer(&agent, "Eccoci", &[], None).await;
    assert!(matches!(&refused, Err(ReplyError::NoWay(words)) if words.contains("template")), "{refused:?}");
    let template = json!({ "name": "order_update", "language": { "code": "it" },
        "components": [{ "type": "body", "parameters": [{ "type": "text", "text": "Anna" }] }] });
    let id = desk.try_answer(&agent, "Ciao Anna", &[], Some(template.clone())).await.expect("queued");
    assert!(desk.leave().await.is_empty());
    assert_eq!(desk.delivery(id).await, DeliveryStatus::Sent);
    let body = desk.fake.asked("/messages")[0].json();
    assert_eq!((&body["type"], &body["template"], &body["to"]), (&json!("template"), &template, &json!("393331234567")));
}

#[tokio::test]
async fn a_failed_status_fails_the_message_and_opens_the_ticket() {
    let (desk, agent) = with_question().await;
    let (message, _) = desk.answer(&agent, "Eccoci").await;
    let ours: String = sqlx::query_scalar("select provider_id from message_parts").fetch_one(&desk.app.db).await.expect("a row");
    let errors = json!({ "errors": [{ "code": 131_047, "title": "Re-engagement message", "error_data": { "details": "More than 24 hours have passed" } }] });
    desk.post(&status(&ours, "failed", &errors)).await;
    let message = desk.message(message.id).await;
    assert_eq!(message.delivery, Some(DeliveryStatus::Failed));
    assert!(message.delivery_error.expect("a reason").contains("More than 24 hours"));
    assert_eq!(desk.count("select count(*) from tickets where status = 'open'").await, 1);
}

#[tokio::test]
async fn refusals_say_what_helps() {
    for (says, words) in [
        (refusal(400, 131_026, "Message undeliverable"), "not on WhatsApp"),
        (refusal(400, 131_030, "Recipient phone number not in allowed list"), "test number"),
        (refusal(400, 131_047, "Re-engagement message"), "approved template"),
        (refusal(400, 131_051, "Unsupported message type"), "this kind of message"),
    ] {
        let (desk, agent) = with_question().await;
        desk.fake.say(Method::POST, &messages(), says);
        let (message, errors) = desk.answer(&agent, "Eccoci").await;
        assert_eq!((message.delivery, errors.len()), (Some(DeliveryStatus::Failed), 1));
        let reason = message.delivery_error.expect("a reason");
        assert!(reason.contains(words), "{reason}");
        assert_eq!(desk.fake.asked("/messages").len(), 1);
    }
}

#[tokio::test]
async fn what_may_help_later_is_tried_again() {
    for says in [
        refusal(429, 130_429, "Rate limit hit").with("retry-after", "30"),
        refusal(500, 131_000, "Something went wrong"),
        Says::bytes(503, "text/html", b"<html>busy</html>".to_vec()),
    ] {
        let (desk, agent) = with_question().await;
        desk.fake.say(Method::POST, &messages(), says);
        let (message, _) = desk.answer(&agent, "Eccoci").await;
        assert_eq!((message.delivery, desk.fake.asked("/messages").len()), (Some(DeliveryStatus::Sent), 2));
    }
}

#[tokio::test]
async fn what_may_have_arrived_is_held_until_meta_tells() {
    for says in [Says::broken(), Says::bytes(200, "text/html", b"<html>?</html>".to_vec())] {
        let (desk, agent) = with_question().await;
        desk.fake.say(Method::POST, &messages(), says);
        let (message, _) = desk.answer(&agent, "Eccoci").await;
        assert_eq!((message.delivery, desk.fake.asked("/messages").len()), (Some(DeliveryStatus::Unsure), 1));
        // The mark that it carried tells which it is.
        let mark = desk.fake.asked("/messages")[0].json()["biz_opaque_callback_data"].clone();
        desk.post(&status("wamid.LOST", "delivered", &json!({ "biz_opaque_callback_data": mark }))).await;
        assert_eq!(desk.delivery(message.id).await, DeliveryStatus::Delivered);
        desk.post(&status("wamid.LOST", "read", &Value::Null)).await;
        assert_eq!(desk.delivery(message.id).await, DeliveryStatus::Read);
    }
}

#[tokio::test]
async fn a_receipt_may_be_faster_than_the_answer() {
    let (desk, agent) = with_question().await;
    let sent = json!({ "messaging_product": "whatsapp", "messages": [{ "id": "wamid.QUICK" }] });
    desk.fake.say(Method::POST, &messages(), Says::json(200, &sent).slowly(Duration::from_millis(800)));
    let id = desk.try_answer(&agent, "Eccoci", &[], None).await.expect("queued");
    let leaving = async { worker::drain(&desk.app, Ts::now().plus_seconds(60)).await };
    let receipt = async {
        while desk.fake.asked("/messages").is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        desk.post(&status("wamid.QUICK", "delivered", &Value::Null)).await;
    };
    let (errors, ()) = tokio::join!(leaving, receipt);
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(desk.delivery(id).await, DeliveryStatus::Delivered);
}
