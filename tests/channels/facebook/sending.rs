//! Answers by Messenger: what leaves, and what each refusal means.

use http::Method;
use serde_json::{Value, json};
use sportello::desk::changes::Change;
use sportello::desk::channels;
use sportello::desk::kinds::DeliveryStatus;
use sportello::desk::tickets::thread::Message;
use sportello::ids::TicketId;

use super::{ANNA, PAGE, desk, from_anna, from_page};
use crate::support::meta_desk::MetaDesk;
use crate::support::providers::graph::Say;

/// A desk to which Anna has written.
async fn asked() -> (MetaDesk, TicketId) {
    let desk = desk().await;
    let now = jiff::Timestamp::now().as_millisecond();
    desk.messaging(PAGE, json!([from_anna(now, json!({ "message": { "mid": "m_T1", "text": "Il mio ordine?" } }))])).await;
    let ticket = desk.ticket().await;
    (desk, ticket)
}

async fn parts(desk: &MetaDesk, message: &Message) -> Vec<i64> {
    sqlx::query_scalar("select id from message_parts where message_id = $1 order by position")
        .bind(message.id)
        .fetch_all(&desk.app.db)
        .await
        .expect("rows")
}

#[tokio::test]
async fn an_answer_leaves_as_the_reference_shows_it() {
    let (desk, ticket) = asked().await;
    let message = desk.send(ticket, "Arriva domani").await;
    assert_eq!(message.delivery, Some(DeliveryStatus::Sent));
    let calls = desk.graph.calls_to(Method::POST, "/me/messages");
    let part = parts(&desk, &message).await[0];
    assert_eq!(
        calls[0].json(),
        json!({ "recipient": { "id": ANNA }, "messaging_type": "RESPONSE",
                "message": { "text": "Arriva domani", "metadata": format!("sportello:{part}") } })
    );
    assert_eq!(calls[0].header("authorization"), "Bearer EAAtoken");
    assert_eq!(calls[0].header("content-type"), "application/json");
    assert_eq!(desk.value("select to_jsonb(provider_id) from message_parts").await, json!("m_out_1"));
}

#[tokio::test]
async fn long_texts_are_cut_and_buttons_come_last() {
    let (desk, ticket) = asked().await;
    let long = format!("{} {}", "è".repeat(1500), "b".repeat(1000));
    desk.try_answer(ticket, &long, false, &["Rosso", "Verde"]).await.expect("a reply");
    desk.served.desk.drain().await;
    let sent = desk.graph.sent();
    assert_eq!(sent.len(), 2);
    assert!(sent.iter().all(|body| body["message"]["text"].as_str().expect("text").chars().count() <= 2000));
    assert!(sent[0]["message"].get("quick_replies").is_none());
    let reply = |title: &str| json!({ "content_type": "text", "title": title, "payload": title });
    assert_eq!(sent[1]["message"]["quick_replies"], json!([reply("Rosso"), reply("Verde")]));
}

#[tokio::test]
async fn files_are_handed_over_first_and_then_sent_one_by_one() {
    let (desk, ticket) = asked().await;
    desk.upload(ticket, "fattura è.pdf", "application/pdf", b"%PDF-1.4 \x00\xff").await;
    desk.upload(ticket, "foto.png", "image/png", b"\x89PNG").await;
    let message = desk.send(ticket, "Ecco").await;
    assert_eq!(message.delivery, Some(DeliveryStatus::Sent), "{:?}", message.delivery_error);
    let uploads = desk.graph.calls_to(Method::POST, "/me/message_attachments");
    assert_eq!(uploads.len(), 2);
    assert!(uploads[0].header("content-type").starts_with("multipart/form-data"));
    let text = uploads[0].text();
    assert!(
        text.contains(r#"name="message""#) && text.contains(r#"{"attachment":{"payload":{"is_reusable":true},"type":"file"}}"#),
        "{text}"
    );
    assert!(text.contains(r#"name="filedata"; filename="fattura _.pdf""#) && text.contains("Content-Type: application/pdf"), "{text}");
    assert!(uploads[0].body.windows(11).any(|bytes| bytes == b"%PDF-1.4 \x00\xff"));
    let sent = desk.graph.sent();
    assert_eq!(sent[0]["message"]["text"], "Ecco");
    assert_eq!(sent[1]["message"]["attachment"]["type"], "file");
    assert_eq!(sent[2]["message"]["attachment"]["type"], "image");
    // Ids count over all that is posted: the text was first.
    assert_eq!(sent[1]["message"]["attachment"]["payload"], json!({ "attachment_id": "10022" }));
    assert!(sent[1]["message"]["metadata"].as_str().expect("a mark").starts_with("sportello:"));
}

#[tokio::test]
async fn receipts_come_in_any_order() {
    let (desk, ticket) = asked().await;
    let message = desk.send(ticket, "Arriva domani").await;
    let later = jiff::Timestamp::now().as_millisecond() + 60_000;
    desk.messaging(PAGE, json!([from_anna(later, json!({ "read": { "watermark": later } }))])).await;
    assert_eq!(desk.message(message.id).await.delivery, Some(DeliveryStatus::Read));
    desk.messaging(PAGE, json!([from_anna(later, json!({ "delivery": { "mids": ["m_out_1"], "watermark": later } }))])).await;
    assert_eq!(desk.message(message.id).await.delivery, Some(DeliveryStatus::Read));
}

#[tokio::test]
async fn the_echo_of_an_answer_is_that_answer() {
    let (desk, ticket) = asked().await;
    // The answer is lost on the way; the echo, with our mark, brings the certainty.
    desk.graph.once(Method::POST, "/me/messages", Say::broken());
    let message = desk.send(ticket, "Arriva domani").await;
    assert_eq!(message.delivery, Some(DeliveryStatus::Unsure));
    assert_eq!(desk.graph.sent().len(), 1, "it is not sent again blindly");
    let mark = format!("sportello:{}", parts(&desk, &message).await[0]);
    let now = jiff::Timestamp::now().as_millisecond();
    let echo = json!({ "message": { "is_echo": true, "app_id": 1, "metadata": mark, "mid": "m_O9", "text": "Arriva domani" } });
    desk.messaging(PAGE, json!([from_page(now, echo)])).await;
    assert_eq!(desk.message(message.id).await.delivery, Some(DeliveryStatus::Sent));
    assert_eq!(desk.lines(ticket).await, ["< Il mio ordine?", "> Arriva domani"]);
    desk.messaging(PAGE, json!([from_anna(now, json!({ "delivery": { "mids": ["m_O9"] } }))])).await;
    assert_eq!(desk.message(message.id).await.delivery, Some(DeliveryStatus::Delivered));
}

#[tokio::test]
async fn after_a_day_answers_are_marked_as_a_persons() {
    let (desk, ticket) = asked().await;
    desk.age(ticket, 25 * 3600).await;
    desk.send(ticket, "Le rispondo ora").await;
    let sent = &desk.graph.sent()[0];
    assert_eq!((&sent["messaging_type"], &sent["tag"]), (&json!("MESSAGE_TAG"), &json!("HUMAN_AGENT")));
    desk.age(ticket, 8 * 24 * 3600).await;
    assert!(desk.try_answer(ticket, "Troppo tardi", false, &[]).await.is_err());
    // An app without the feature is told so, and the channel goes on.
    desk.age(ticket, 25 * 3600).await;
    desk.graph.once(Method::POST, "/me/messages", Say::error(403, 10, 0, "(#10) Application does not have permission for this action"));
    let refused = desk.send(ticket, "Ancora io").await;
    assert_eq!(refused.delivery, Some(DeliveryStatus::Failed));
    assert!(refused.delivery_error.expect("words").contains("Human Agent"));
    assert!(desk.row().await.sign_in_lost_at.is_none());
}

async fn refused(say: Say) -> (MetaDesk, Message) {
    let (desk, ticket) = asked().await;
    desk.graph.once(Method::POST, "/me/messages", say);
    let message = desk.send(ticket, "Arriva domani").await;
    (desk, message)
}

#[tokio::test]
async fn refusals_say_what_helps() {
    for (say, words) in [
        (Say::error(400, 10, 2_018_278, "(#10) This message is sent outside of allowed window."), "has to write again"),
        (Say::error(400, 551, 1_545_041, "(#551) This person isn't available right now."), "cannot be reached"),
        (Say::error(400, 100, 2_018_001, "(#100) No matching user found"), "cannot be reached"),
        (Say::error(400, 100, 1_893_061, "This message tag is deprecated"), "refused"),
        (Say::error(400, 368, 0, "Temporarily blocked for policies violations"), "policies"),
    ] {
        let (desk, message) = refused(say).await;
        assert_eq!(message.delivery, Some(DeliveryStatus::Failed), "{words}");
        let error = message.delivery_error.expect("words");
        assert!(error.contains(words), "{error}");
        assert_eq!(desk.graph.sent().len(), 1, "{words}");
        assert!(desk.row().await.sign_in_lost_at.is_none());
    }
}

#[tokio::test]
async fn a_lost_sign_in_holds_the_answer_until_it_is_back() {
    let (desk, message) = refused(Say::error(401, 190, 463, "Error validating access token: Session has expired")).await;
    assert_eq!(message.delivery, Some(DeliveryStatus::Queued));
    let row = desk.row().await;
    assert!(row.sign_in_lost_at.is_some() && row.last_error.expect("words").contains("Connect the account again"));
    desk.served.desk.drain().await;
    assert_eq!(desk.graph.sent().len(), 1, "nothing is tried meanwhile");
    let mut change = Change::begin(&desk.app).await.expect("a database");
    assert_eq!(channels::regain_sign_in(&mut change, desk.channel).await.expect("a row"), 1);
    change.commit().await.expect("a database");
    desk.served.desk.drain().await;
    assert_eq!(desk.message(message.id).await.delivery, Some(DeliveryStatus::Sent));
}

#[tokio::test]
async fn what_is_only_delayed_leaves_later() {
    let usage = r#"{"104512987654321":[{"type":"messenger","call_count":100,"estimated_time_to_regain_access":1}]}"#;
    for say in [
        Say::error(400, 613, 0, "Calls to this api have exceeded the rate limit.").with("x-business-use-case-usage", usage),
        Say::error(500, 2, 0, "Service temporarily unavailable"),
        Say::bytes("text/html", b"<h1>oops</h1>").status(502),
    ] {
        let (desk, message) = refused(say).await;
        // Within the minute that was drained it may have left already.
        if desk.message(message.id).await.delivery != Some(DeliveryStatus::Sent) {
            assert_eq!(message.delivery, Some(DeliveryStatus::Queued), "{:?}", message.delivery_error);
            sqlx::query("update jobs set run_at = now()").execute(&desk.app.db).await.expect("rows");
            desk.served.desk.drain().await;
        }
        assert_eq!(desk.message(message.id).await.delivery, Some(DeliveryStatus::Sent));
        let bodies: Vec<Value> = desk.graph.sent();
        assert_eq!(bodies.len(), 2);
        assert_eq!(bodies[0], bodies[1], "the same part, with the same mark");
    }
}

#[tokio::test]
async fn an_answer_that_is_no_json_is_not_sent_again() {
    let (desk, message) = refused(Say::bytes("text/html", b"<h1>ok</h1>")).await;
    assert_eq!(message.delivery, Some(DeliveryStatus::Unsure));
    desk.served.desk.drain().await;
    assert_eq!(desk.graph.sent().len(), 1);
}
