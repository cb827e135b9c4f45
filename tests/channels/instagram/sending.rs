//! Answers by private message.

use http::Method;
use serde_json::json;
use sportello::desk::kinds::DeliveryStatus;
use sportello::ids::TicketId;

use super::{ACCOUNT, ANNA, event, from_anna};
use crate::support::meta_desk::MetaDesk;
use crate::support::providers::graph::Say;

async fn asked(desk: MetaDesk) -> (MetaDesk, TicketId) {
    let now = jiff::Timestamp::now().as_millisecond();
    desk.messaging(ACCOUNT, json!([from_anna(now, json!({ "message": { "mid": "aWdfT1", "text": "Ciao" } }))])).await;
    let ticket = desk.ticket().await;
    (desk, ticket)
}

#[tokio::test]
async fn an_answer_leaves_through_the_page() {
    let (desk, ticket) = asked(super::desk().await).await;
    let message = desk.send(ticket, "Eccoci").await;
    assert_eq!(message.delivery, Some(DeliveryStatus::Sent));
    let call = &desk.graph.calls_to(Method::POST, "/me/messages")[0];
    assert_eq!(call.json(), json!({ "recipient": { "id": ANNA }, "messaging_type": "RESPONSE", "message": { "text": "Eccoci" } }));
    assert!(call.param("appsecret_proof").is_some());
    desk.messaging(ACCOUNT, json!([from_anna(1, json!({ "read": { "mid": "m_out_1" } }))])).await;
    assert_eq!(desk.message(message.id).await.delivery, Some(DeliveryStatus::Read));
}

#[tokio::test]
async fn an_answer_leaves_as_the_account_itself() {
    let (desk, ticket) = asked(super::own_sign_in().await).await;
    desk.send(ticket, "Eccoci").await;
    let call = &desk.graph.calls_to(Method::POST, "/me/messages")[0];
    assert_eq!(call.header("authorization"), "Bearer EAAtoken");
    assert!(call.param("appsecret_proof").is_none());
}

#[tokio::test]
async fn texts_are_cut_by_bytes() {
    let (desk, ticket) = asked(super::desk().await).await;
    desk.send(ticket, &format!("{} {}", "è".repeat(450), "à".repeat(450))).await;
    let texts: Vec<usize> = desk.graph.sent().iter().map(|body| body["message"]["text"].as_str().expect("text").len()).collect();
    assert_eq!(texts, [900, 900]);
}

#[tokio::test]
async fn files_are_uploaded_for_instagram() {
    let (desk, ticket) = asked(super::desk().await).await;
    desk.upload(ticket, "foto.png", "image/png", b"\x89PNG").await;
    let message = desk.send(ticket, "Ecco").await;
    assert_eq!(message.delivery, Some(DeliveryStatus::Sent), "{:?}", message.delivery_error);
    let upload = desk.graph.calls_to(Method::POST, "/me/message_attachments")[0].text();
    assert!(upload.contains("name=\"platform\"\r\n\r\ninstagram"), "{upload}");
    let sent = desk.graph.sent();
    assert_eq!(sent[1]["message"]["attachment"], json!({ "type": "image", "payload": { "attachment_id": "10022" } }));
    desk.upload(ticket, "lettera.docx", "application/msword", b"doc").await;
    assert!(desk.try_answer(ticket, "Ecco", false, &[]).await.is_err());
}

#[tokio::test]
async fn an_echo_before_the_answer_makes_no_second_message() {
    let (desk, ticket) = asked(super::desk().await).await;
    desk.graph.once(Method::POST, "/me/messages", Say::broken());
    let message = desk.send(ticket, "Eccoci").await;
    assert_eq!(message.delivery, Some(DeliveryStatus::Unsure));
    let now = jiff::Timestamp::now().as_millisecond();
    desk.messaging(
        ACCOUNT,
        json!([event(ACCOUNT, ANNA, now, json!({ "message": { "mid": "aWdfO9", "is_echo": true, "text": "Eccoci" } }))]),
    )
    .await;
    assert_eq!(desk.message(message.id).await.delivery, Some(DeliveryStatus::Sent));
    assert_eq!(desk.lines(ticket).await, ["< Ciao", "> Eccoci"]);
}

#[tokio::test]
async fn refusals_say_what_helps() {
    for (say, words) in [
        (Say::error(403, 10, 2_534_022, "This message is sent outside of allowed window."), "has to write again"),
        (Say::error(400, 9010, 0, "No matching Instagram user"), "cannot be reached"),
    ] {
        let (desk, ticket) = asked(super::desk().await).await;
        desk.graph.once(Method::POST, "/me/messages", say);
        let message = desk.send(ticket, "Eccoci").await;
        assert_eq!(message.delivery, Some(DeliveryStatus::Failed));
        assert!(message.delivery_error.expect("words").contains(words));
        assert!(desk.row().await.sign_in_lost_at.is_none());
    }
}
