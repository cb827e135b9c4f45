//! Customers who hide their number, show it later, or have another one.

use serde_json::{Value, json};
use sportello::desk::contacts;
use sportello::desk::kinds::IdentityKind;
use sportello::ids::ContactId;

use crate::support::providers::whatsapp::{NetworkDesk, desk, said, webhook};

/// A message that says no more of its author than this.
fn from(id: &str, phone: Option<&str>, user_id: Option<&str>) -> Value {
    let mut contact = json!({ "profile": { "name": "Anna" } });
    let mut message = json!({ "id": id, "timestamp": "1791002000", "type": "text", "text": { "body": id } });
    if let Some(phone) = phone {
        (contact["wa_id"], message["from"]) = (json!(phone), json!(phone));
    }
    if let Some(user_id) = user_id {
        (contact["user_id"], message["from_user_id"]) = (json!(user_id), json!(user_id));
    }
    webhook("messages", &json!({ "contacts": [contact], "messages": [message] }))
}

async fn identities(desk: &NetworkDesk) -> Vec<(IdentityKind, String)> {
    let all: Vec<i64> = sqlx::query_scalar("select id from contacts").fetch_all(&desk.app.db).await.expect("rows");
    assert_eq!(all.len(), 1, "one contact");
    let mut db = desk.app.db.acquire().await.expect("a database");
    let mut found: Vec<_> = contacts::identities(&mut db, ContactId(all[0]))
        .await
        .expect("a database")
        .into_iter()
        .map(|identity| (identity.kind, identity.address))
        .collect();
    found.sort();
    found
}

#[tokio::test]
async fn the_number_and_the_id_are_one_conversation() {
    let desk = desk().await;
    let agent = desk.bruno().await;
    let (phone, user) = (Some("393331234567"), Some("IT.1349"));
    for (id, phone, user) in [("1", phone, None), ("2", phone, user), ("3", None, user), ("4", phone, user)] {
        desk.post(&from(id, phone, user)).await;
    }
    assert_eq!(desk.talk().await.len(), 4);
    let expected = [(IdentityKind::Phone, "+393331234567".to_owned()), (IdentityKind::Whatsapp, "IT.1349".to_owned())];
    assert_eq!(identities(&desk).await, expected);
    sqlx::query("update tickets set spoke_at = now()").execute(&desk.app.db).await.expect("rows");
    desk.answer(&agent, "Eccoci").await;
    let body = desk.fake.asked("/messages")[0].json();
    assert!(body["to"] == "393331234567" || body["recipient"] == "IT.1349", "{body}");
}

#[tokio::test]
async fn who_hides_the_number_is_answered_by_the_id() {
    let desk = desk().await;
    let agent = desk.bruno().await;
    desk.post(&from("1", None, Some("IT.1349"))).await;
    sqlx::query("update tickets set spoke_at = now()").execute(&desk.app.db).await.expect("rows");
    let (_, errors) = desk.answer(&agent, "Eccoci").await;
    assert!(errors.is_empty(), "{errors:?}");
    let body = desk.fake.asked("/messages")[0].json();
    assert_eq!((&body["recipient"], body.get("to")), (&json!("IT.1349"), None));
    // The number is shown after all.
    desk.post(&from("2", Some("393331234567"), Some("IT.1349"))).await;
    assert_eq!(desk.talk().await.len(), 3);
    assert_eq!(identities(&desk).await.len(), 2);
}

#[tokio::test]
async fn a_new_number_goes_on_with_the_conversation() {
    let desk = desk().await;
    let agent = desk.bruno().await;
    desk.post(&from("1", Some("393331234567"), None)).await;
    let moved = said(
        "wamid.S",
        &json!({ "from_user_id": null, "type": "system",
        "system": { "type": "user_changed_number", "wa_id": "39111", "body": "Anna changed from 393331234567 to 39111" } }),
    );
    desk.post(&moved).await;
    desk.post(&moved).await;
    desk.post(&from("2", Some("39111"), None)).await;
    assert_eq!(desk.talk().await.len(), 2);
    let phone = |number: &str| (IdentityKind::Phone, number.to_owned());
    assert_eq!(identities(&desk).await, [phone("+39111"), phone("+393331234567")]);
    sqlx::query("update tickets set spoke_at = now()").execute(&desk.app.db).await.expect("rows");
    desk.answer(&agent, "Eccoci").await;
    assert_eq!(desk.fake.asked("/messages")[0].json()["to"], "39111");
}
