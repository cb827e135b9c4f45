//! Who may read what, who is believed, and how much is too much.

use hmac::{KeyInit as _, Mac as _};
use serde_json::json;
use sportello::desk::changes::Change;
use sportello::desk::chats;
use sportello::desk::kinds::{Role, Status};

use crate::support::chat_desk::{ChatDesk, SHOP_SECRET};

#[tokio::test]
async fn nobody_reads_another_visitors_chat() {
    let desk = ChatDesk::new().await;
    desk.on_duty("Anna", Role::Agent).await;
    let mut tom = desk.browser();
    tom.start("My address is Via Roma 1").await;
    let mut eve = desk.browser();
    eve.start("Hello").await;
    let seen = eve.hello().await;
    assert_eq!(seen["messages"].as_array().map(Vec::len), Some(1));
    assert!(!seen.to_string().contains("Via Roma"));
    eve.token = Some("a-guess".into());
    assert_eq!(eve.post("hello", json!({})).await.0, 401);
    eve.token = tom.token.clone().map(|token| token.to_uppercase());
    assert_eq!(eve.post("hello", json!({})).await.0, 401);
    eve.token = None;
    let (status, answer) = eve.post("end", json!({})).await;
    assert_eq!((status, &answer["error"]), (401, &json!("gone")));
    // A note is no word of the chat, and its files are not either.
    assert_eq!(desk.count("select count(*) from visitors").await, 2);
    // An expired token opens nothing.
    sqlx::query("update visitors set expires_at = now()").execute(&desk.app.db).await.expect("a database");
    assert_eq!(tom.post("hello", json!({})).await.0, 401);
}

fn sign(subject: &str) -> String {
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(SHOP_SECRET.as_bytes()).expect("any key");
    mac.update(subject.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

#[tokio::test]
async fn the_shop_vouches_for_its_customers() {
    let desk = ChatDesk::new().await;
    desk.on_duty("Anna", Role::Agent).await;
    let mut visitor = desk.browser();
    let ticket = visitor.start("Hello").await;
    let (status, answer) = visitor.post("identify", json!({ "id": 42, "email": "tom@example.com", "hash": sign("43") })).await;
    assert_eq!((status, &answer["field"]), (422, &json!("hash")));
    let (status, answer) =
        visitor.post("identify", json!({ "id": 42, "email": "tom@example.com", "name": "Tom Baker", "hash": sign("42") })).await;
    assert_eq!((status, &answer["visitor"]["verified"]), (200, &json!(true)), "{answer}");
    assert!(answer["token"].is_null(), "the same conversation goes on");
    let contact = desk.ticket(ticket).await.contact_id;
    let mut db = desk.app.db.acquire().await.expect("a database");
    let contact = sportello::desk::contacts::find(&mut db, contact).await.expect("a database").expect("a contact");
    assert_eq!((&*contact.name, contact.email.as_deref()), ("Tom Baker", Some("tom@example.com")));
    drop(db);
    // Somebody else signs in to the shop in the same browser: they see nothing of Tom's.
    let (status, answer) = visitor.post("identify", json!({ "id": "7", "email": "eve@example.com", "hash": sign("7") })).await;
    assert_eq!(status, 200);
    visitor.token = answer["token"].as_str().map(str::to_owned);
    assert!(visitor.token.is_some());
    assert_eq!(visitor.hello().await["messages"], json!([]));
}

#[tokio::test]
async fn floods_large_messages_and_blocked_visitors_are_refused() {
    let desk = ChatDesk::new().await;
    let anna = desk.on_duty("Anna", Role::Agent).await;
    let mut visitor = desk.browser();
    let ticket = visitor.start("Hello").await;
    let (status, answer) = visitor.post("messages", json!({ "id": "too-long-one", "text": "x".repeat(5001) })).await;
    assert_eq!((status, &answer["field"]), (422, &json!("text")));
    assert_eq!(visitor.post("messages", json!({ "id": "huge-message", "text": "x".repeat(70_000) })).await.0, 413);
    assert_eq!(visitor.post("messages", json!({ "id": "nothing-here", "text": "  " })).await.0, 422);
    let mut refused = 0;
    for n in 0..40 {
        let (status, answer) = visitor.post("messages", json!({ "id": format!("flood-{n:04}"), "text": "again" })).await;
        if status == 429 {
            assert!(answer["words"].as_str().is_some_and(|words| words.contains("fast")));
            refused += 1;
        }
    }
    assert!(refused >= 10, "{refused} of 40 refused");
    let mut change = Change::begin(&desk.app).await.expect("a database");
    assert!(chats::block(&mut change, &anna, ticket, sportello::clock::Ts::now()).await.expect("blocked"));
    change.commit().await.expect("a database");
    assert_eq!(desk.ticket(ticket).await.status, Status::Spam);
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    let (status, answer) = visitor.post("messages", json!({ "id": "after-block", "text": "Hello?" })).await;
    assert_eq!((status, &answer["error"]), (403, &json!("blocked")));
}
