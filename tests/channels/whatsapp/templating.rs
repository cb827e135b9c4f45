//! An agent sends an approved template when the time for free answers is over.

use reqwest::Method;
use serde_json::{Value, json};
use sportello::desk::kinds::{DeliveryStatus, Role};

use crate::support::providers::recorder::Says;
use crate::support::providers::whatsapp::{NetworkDesk, WABA, desk, refusal, wrote};

fn listed() -> Value {
    json!({ "data": [
        { "id": "9", "name": "order_update", "language": "it", "status": "APPROVED", "category": "UTILITY", "components": [
            { "type": "BODY", "text": "Ciao {{1}}, l’ordine {{2}} è partito.", "example": { "body_text": [["Anna", "4711"]] } },
            { "type": "FOOTER", "text": "Bottega" }
        ] },
        { "id": "10", "name": "come_back", "language": "en", "status": "APPROVED", "category": "MARKETING", "components": [
            { "type": "BODY", "text": "We miss you" }
        ] },
        { "id": "11", "name": "refused", "language": "it", "status": "REJECTED", "category": "UTILITY", "components": [] }
    ] })
}

/// A customer whose last word is two days old.
async fn silent_for_two_days() -> NetworkDesk {
    let desk = desk().await;
    desk.post(&wrote("wamid.A", "Buongiorno")).await;
    sqlx::query("update tickets set language = 'it', spoke_at = now() - interval '2 days', window_until = now() - interval '1 day'")
        .execute(&desk.app.db)
        .await
        .expect("a ticket");
    for _ in 0..6 {
        desk.fake.say(Method::GET, &format!("/v25.0/{WABA}/message_templates"), Says::json(200, &listed()));
    }
    sportello::channels::wire::declare(&desk.app).await.expect("a database");
    desk.app.cache.invalidate_all();
    desk
}

#[tokio::test]
async fn a_template_is_chosen_filled_previewed_and_sent() {
    let desk = silent_for_two_days().await;
    let ticket = desk.ticket().await;
    let giulia = desk.desk.agent("Giulia", Role::Agent).await;
    let page = giulia.visit(&format!("/tickets/{ticket}")).await;
    assert!(page.body.contains(&format!("/tickets/{ticket}/templates")));
    // Free words are refused, and kept.
    let form = reqwest::multipart::Form::new().text("body", "Ci sono novità").text("note", "0").text("way", "");
    giulia.post_files(&format!("/tickets/{ticket}/reply"), form).await.is(422);
    let list = giulia.visit(&format!("/tickets/{ticket}/templates")).await;
    assert_eq!(list.texts("li h2"), ["order_update it · utility", "come_back en · marketing"], "only what is approved");
    assert_eq!(giulia.visit(&format!("/tickets/{ticket}/templates?q=miss")).await.texts("li h2"), ["come_back en · marketing"]);
    let path = format!("/tickets/{ticket}/template?name=order_update&language=it");
    let missing = giulia.post(&path, &[("v0", "Anna"), ("v1", " "), ("then", "send")]).await.is(422);
    assert_eq!(missing.attribute("#v1", "aria-invalid"), "true");
    assert_eq!(missing.attribute("#v0", "value"), "Anna");
    let preview = giulia.post(&path, &[("v0", "Anna"), ("v1", "4711"), ("then", "preview")]).await.is(200);
    assert_eq!(preview.text("[role=status].prose"), "Ciao Anna, l’ordine 4711 è partito. Bottega");
    assert!(desk.fake.asked("/messages").is_empty(), "nothing has left");
    giulia.post(&path, &[("v0", "Anna"), ("v1", "4711"), ("then", "send")]).await.is(303);
    assert!(desk.leave().await.is_empty());
    let sent = desk.fake.asked("/messages")[0].json();
    assert_eq!(sent["type"], "template");
    assert_eq!(
        sent["template"],
        json!({ "name": "order_update", "language": { "code": "it" },
            "components": [{ "type": "body", "parameters": [{ "type": "text", "text": "Anna" }, { "type": "text", "text": "4711" }] }] })
    );
    let talk = desk.talk().await;
    let last = talk.last().expect("a message");
    assert_eq!((&*last.body, last.delivery), ("Ciao Anna, l’ordine 4711 è partito.\n\nBottega", Some(DeliveryStatus::Sent)));
    // What was typed before is still there.
    assert!(giulia.visit(&format!("/tickets/{ticket}")).await.body.contains("Ci sono novità"));
}

#[tokio::test]
async fn what_meta_says_instead_of_templates_is_shown() {
    let desk = desk().await;
    desk.post(&wrote("wamid.A", "Buongiorno")).await;
    let ticket = desk.ticket().await;
    let giulia = desk.desk.agent("Giulia", Role::Agent).await;
    desk.fake.say(Method::GET, &format!("/v25.0/{WABA}/message_templates"), refusal(500, 2, "Service temporarily unavailable"));
    let page = giulia.visit(&format!("/tickets/{ticket}/templates")).await;
    assert!(page.body.contains("The templates cannot be fetched"));
    desk.fake.say(Method::GET, &format!("/v25.0/{WABA}/message_templates"), Says::json(200, &json!({ "data": [] })));
    assert!(giulia.visit(&format!("/tickets/{ticket}/templates")).await.body.contains("No approved template yet"));
}
