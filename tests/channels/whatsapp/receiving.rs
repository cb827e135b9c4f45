//! What Meta sends becomes a conversation: only with its signature, each thing once, in whatever order.

use serde_json::{Value, json};
use sportello::desk::kinds::{DeliveryStatus, Direction};

use crate::support::providers::whatsapp::{NetworkDesk, SECRET, VERIFY, anna, desk, from_anna, said, status, webhook, wrote};

async fn handshake(desk: &NetworkDesk, token: &str) -> (u16, String) {
    let url = format!("{}?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={token}", desk.hook());
    let answer = reqwest::get(url).await.expect("an answer");
    (answer.status().as_u16(), answer.text().await.expect("a body"))
}

#[tokio::test]
async fn the_handshake_needs_the_token() {
    let desk = desk().await;
    assert_eq!(handshake(&desk, VERIFY).await, (200, "1158201444".to_owned()));
    assert_eq!(handshake(&desk, "wrong").await.0, 403);
    assert_eq!(handshake(&desk, "").await.0, 403);
}

#[tokio::test]
async fn only_what_meta_has_signed_is_taken() {
    let desk = desk().await;
    let plain = wrote("wamid.A", "Buongiorno").to_string();
    assert_eq!(desk.post_raw(plain.as_bytes(), None).await, 403);
    assert_eq!(desk.post_raw(plain.as_bytes(), Some("another-secret")).await, 403);
    assert_eq!(desk.count("select count(*) from deliveries").await, 0);
    // Meta escapes what is not ASCII, and signs it like that.
    let escaped = wrote("wamid.B", "perch_ no").to_string().replace("perch_", "perch\\u00e9");
    assert_eq!(desk.post_raw(escaped.as_bytes(), Some(SECRET)).await, 200);
    desk.understood().await;
    let talk = desk.talk().await;
    assert_eq!((talk.len(), &*talk[0].body, &*talk[0].contact_name), (1, "perché no", "Anna Verdi"));
}

#[tokio::test]
async fn the_same_event_is_one_message() {
    let desk = desk().await;
    let event = wrote("wamid.A", "Buongiorno");
    for _ in 0..3 {
        desk.post(&event).await;
    }
    desk.post(&wrote("wamid.B", "C’è nessuno?")).await;
    let talk = desk.talk().await;
    assert_eq!(talk.iter().map(|message| &*message.body).collect::<Vec<_>>(), ["Buongiorno", "C’è nessuno?"]);
    desk.drain().await;
}

#[tokio::test]
async fn one_odd_element_does_not_cost_the_others() {
    let desk = desk().await;
    let value = json!({ "contacts": anna(), "messages": [
        { "type": "text" },
        from_anna("wamid.A", &json!({ "type": "hologram", "hologram": { "x": 1 } })),
        "nonsense",
        from_anna("wamid.B", &json!({ "type": "text", "text": { "body": "Eccomi" } })),
    ] });
    let mut batch = webhook("messages", &value);
    let mut stranger = wrote("wamid.C", "Per un altro numero");
    stranger["entry"][0]["changes"][0]["value"]["metadata"]["phone_number_id"] = json!("999");
    let change = stranger["entry"][0].clone();
    batch["entry"].as_array_mut().expect("a list").extend([
        json!("nonsense"),
        change,
        json!({ "changes": [{ "field": "calls", "value": {} }] }),
    ]);
    desk.post(&batch).await;
    let talk = desk.talk().await;
    assert_eq!(talk.iter().map(|message| &*message.body).collect::<Vec<_>>(), ["", "Eccomi"]);
    assert_eq!(talk[0].extras().unsupported.as_deref(), Some("hologram"));
    let reasons = desk.reasons().await.join("\n");
    assert!(reasons.contains("account 999, which is not connected here") && reasons.contains("calls"), "{reasons}");
}

#[tokio::test]
async fn changes_that_come_before_their_message_wait_for_it() {
    let desk = desk().await;
    desk.post(&said("wamid.R", &json!({ "type": "reaction", "reaction": { "message_id": "wamid.A", "emoji": "👍" } }))).await;
    let edit = json!({ "type": "edit", "edit": { "original_message_id": "wamid.A", "message": { "type": "text", "text": { "body": "corretto" } } } });
    desk.post(&said("wamid.E", &edit)).await;
    desk.post(&said("wamid.X", &json!({ "type": "revoke", "revoke": { "original_message_id": "wamid.B" } }))).await;
    desk.post(&wrote("wamid.A", "sbaliato")).await;
    desk.post(&wrote("wamid.B", "non letto")).await;
    let talk = desk.talk().await;
    assert_eq!((&*talk[0].body, talk[0].emoji()), ("corretto", vec!["👍".to_owned()]));
    assert_eq!(talk[0].extras().before[0].text, "sbaliato");
    assert!(talk[1].removed_at.is_some() && talk[1].body.is_empty());
    desk.post(&said("wamid.R2", &json!({ "type": "reaction", "reaction": { "message_id": "wamid.A" } }))).await;
    assert_eq!(desk.talk().await[0].emoji(), Vec::<String>::new());
}

#[tokio::test]
async fn a_button_and_an_answer_know_what_they_are_about() {
    let desk = desk().await;
    let agent = desk.bruno().await;
    desk.post(&wrote("wamid.A", "Reso?")).await;
    let id = desk.try_answer(&agent, "Confermi?", &["Sì", "No"], None).await.expect("queued");
    assert!(desk.leave().await.is_empty());
    let ours: String = sqlx::query_scalar("select provider_id from message_parts").fetch_one(&desk.app.db).await.expect("a row");
    let press = json!({ "type": "interactive", "interactive": { "type": "button_reply", "button_reply": { "id": "Sì", "title": "Sì" } },
        "context": { "from": "390612345678", "id": ours } });
    desk.post(&said("wamid.B", &press)).await;
    let talk = desk.talk().await;
    assert_eq!((&*talk[2].body, talk[2].reply_to_id, talk[2].extras().payload.as_deref()), ("Sì", Some(id), Some("Sì")));
}

#[tokio::test]
async fn what_is_said_in_the_phone_is_part_of_the_conversation() {
    let desk = desk().await;
    desk.post(&wrote("wamid.A", "Buongiorno")).await;
    let echo = json!({ "from": "390612345678", "to": "393331234567", "id": "wamid.ECHO1", "timestamp": "1791002200", "type": "text", "text": { "body": "Dal telefono" } });
    let echo = webhook("smb_message_echoes", &json!({ "message_echoes": [echo] }));
    desk.post(&echo).await;
    desk.post(&echo).await;
    let talk = desk.talk().await;
    assert_eq!(talk.len(), 2);
    assert_eq!((talk[1].direction, &*talk[1].body), (Direction::Outbound, "Dal telefono"));
    assert_eq!(talk[1].extras().app.as_deref(), Some("WhatsApp Business app"));
}

#[tokio::test]
async fn receipts_may_come_in_any_order_and_before_the_answer() {
    let desk = desk().await;
    let agent = desk.bruno().await;
    desk.post(&wrote("wamid.A", "Buongiorno")).await;
    let (message, errors) = desk.answer(&agent, "Eccoci").await;
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(message.delivery, Some(DeliveryStatus::Sent));
    let (ours, part): (String, i64) =
        sqlx::query_as("select provider_id, id from message_parts").fetch_one(&desk.app.db).await.expect("a row");
    desk.post(&status(&ours, "read", &Value::Null)).await;
    assert_eq!(desk.delivery(message.id).await, DeliveryStatus::Read);
    desk.post(&status(&ours, "delivered", &Value::Null)).await;
    desk.post(&status(&ours, "sent", &json!({ "biz_opaque_callback_data": format!("sportello:{part}") }))).await;
    desk.post(&status(&ours, "failed", &json!({ "errors": [{ "code": 131_026 }] }))).await;
    assert_eq!(desk.delivery(message.id).await, DeliveryStatus::Read);
    // Of a message that nobody here has sent.
    desk.post(&status("wamid.UNKNOWN", "delivered", &Value::Null)).await;
    desk.drain().await;
}
