//! What programs tell becomes tickets: once, in any order, with everything that belongs to it.

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::json;

use super::{Shop, message};
use crate::support::providers::receiver::Answer;
use crate::support::served::ServedDesk;

#[tokio::test]
async fn a_conversation_becomes_one_ticket_and_every_message_is_kept_once() {
    let shop = Shop::open().await;
    let first = json!({
        "id": 981, "conversation": "post-12", "contact": { "identifier": 42, "name": "Anna Verdi", "email": "Anna@Example.com" },
        "text": "Arriva in tempo?", "at": 1_791_000_000, "subject": "Domanda", "language": "it",
    });
    for _ in 0..2 {
        shop.tell(Method::POST, "/messages", first.clone()).await;
    }
    let mut second = message("982", "Scusate, per il 24?");
    second["conversation"] = json!("post-12");
    second["contact"]["identifier"] = json!("42");
    second["reply_to"] = json!("981");
    shop.tell(Method::POST, "/messages", second).await;
    assert_eq!(shop.desk.count("select count(*) from tickets").await, 1);
    assert_eq!(shop.desk.count("select count(*) from messages").await, 2);
    assert_eq!(shop.desk.count("select count(*) from contacts").await, 1);
    assert_eq!(shop.desk.count("select extract(epoch from sent_at)::bigint from messages where provider_id = '981'").await, 1_791_000_000);
    assert_eq!(shop.desk.count("select reply_to_id from messages where provider_id = '982'").await, 1);
    assert_eq!(shop.text("select subject from tickets").await, "Domanda");
    // The raw document stands in the log, and is done with.
    assert_eq!(shop.desk.count("select count(*) from deliveries where door = 'api' and state = 'processed'").await, 2);
    assert_eq!(shop.desk.count("select count(*) from jobs").await, 0);
    let page = shop.admin.get("/tickets/1").await.is(200);
    assert!(page.body.contains("Scusate, per il 24?") && page.body.contains("Anna Verdi"));
}

#[tokio::test]
async fn a_mail_address_that_nobody_checked_proves_nothing() {
    let shop = Shop::open().await;
    shop.desk
        .receive(b"From: Anna <anna@example.com>\r\nTo: help@bottega.example\r\nSubject: x\r\nMessage-ID: <1@example.com>\r\n\r\nHello\r\n")
        .await;
    let mut told = message("1", "It is me, Anna");
    told["contact"]["email"] = json!("anna@example.com");
    shop.tell(Method::POST, "/messages", told.clone()).await;
    assert_eq!(shop.desk.count("select count(*) from contacts").await, 2, "anybody can type an address");
    for (id, identifier, sure) in
        [("2", "user-2", json!({ "verified": true })), ("3", "user-3", json!({ "identifier_hash": shop.hash("user-3") }))]
    {
        told["id"] = json!(id);
        told["conversation"] = json!(id);
        told["contact"] = json!({ "identifier": identifier, "email": "anna@example.com" });
        told["contact"].as_object_mut().expect("an object").extend(sure.as_object().expect("an object").clone());
        shop.tell(Method::POST, "/messages", told.clone()).await;
        assert_eq!(shop.desk.count("select count(*) from contacts").await, 2, "{id} joins the customer of the mail");
    }
    assert_eq!(shop.desk.count("select count(distinct contact_id) from tickets where id <> 2").await, 1);
}

#[tokio::test]
async fn edits_reactions_and_removals_find_their_message_even_when_they_are_early() {
    let shop = Shop::open().await;
    shop.tell(Method::PATCH, "/messages/1", json!({ "text": "Where is my parcel?" })).await;
    shop.tell(Method::PUT, "/messages/1/reaction", json!({ "emoji": "👍" })).await;
    assert_eq!(shop.desk.count("select count(*) from parked_notices").await, 2);
    shop.say("1", "Where is my parcle?").await;
    assert_eq!(shop.text("select body from messages").await, "Where is my parcel?");
    assert_eq!(shop.text("select reactions->'customer'->>'emoji' from messages").await, "👍");
    shop.tell(Method::PUT, "/messages/1/reaction", json!({ "emoji": null })).await;
    assert_eq!(shop.desk.count("select count(*) from messages where reactions->'customer'->>'emoji' is not null").await, 0);
    shop.tell(Method::PATCH, "/messages/1", json!({ "hidden": true })).await;
    assert_eq!(shop.desk.count("select count(*) from messages where hidden").await, 1);
    shop.tell(Method::DELETE, "/messages/1?at=2026-11-22T08:30:00Z", json!({})).await;
    assert_eq!(shop.desk.count("select count(*) from messages where removed_at is not null and body = ''").await, 1);
    // New words alone may be late; that it is there again is said.
    let again = json!({ "text": "Where is it?", "restored": true, "at": "2026-11-22T08:20:00Z" });
    shop.tell(Method::PATCH, "/messages/1", json!({ "text": "Late" })).await;
    shop.tell(Method::PATCH, "/messages/1", again.clone()).await;
    assert_eq!(
        shop.desk.count("select count(*) from messages where removed_at is not null and body = ''").await,
        1,
        "it was removed later"
    );
    let mut again = again;
    again["at"] = json!("2026-11-22T08:40:00Z");
    shop.tell(Method::PATCH, "/messages/1", again).await;
    assert_eq!(shop.desk.count("select count(*) from messages where removed_at is null and body = 'Where is it?'").await, 1);
    assert_eq!(shop.text("select excerpt from tickets").await, "Where is it?");
}

#[tokio::test]
async fn a_review_is_public_and_its_stars_may_change() {
    let shop = Shop::with(&[("audience", "public")]).await;
    let review = json!({
        "id": "r-1", "conversation": "r-1", "contact": { "identifier": "c-9", "name": "Bea" }, "review": { "stars": 2 },
        "post": { "id": "shop", "url": "https://reviews.example/bottega", "text": "Bottega", "author": "Reviews" },
    });
    shop.tell(Method::POST, "/messages", review).await;
    assert_eq!(shop.desk.count("select count(*) from tickets where public and post_id is not null").await, 1);
    assert_eq!(shop.text("select extras->'review'->>'stars' from messages").await, "2");
    shop.tell(Method::PATCH, "/messages/r-1", json!({ "review": { "stars": 4 }, "text": "Better now" })).await;
    assert_eq!(shop.text("select extras->'review'->>'stars' || ' ' || body from messages").await, "4 Better now");
    let mut quiet = message("2", "Only for you");
    quiet["public"] = json!(false);
    shop.tell(Method::POST, "/messages", quiet).await;
    assert_eq!(shop.desk.count("select count(*) from tickets where public").await, 1, "a message may say otherwise");
}

#[tokio::test]
async fn files_come_along_or_are_fetched_and_what_is_missing_is_said() {
    let shop = Shop::open().await;
    shop.receiver.answer([Answer::new(200, "%PDF-1.4 slip"), Answer::new(404, "")]);
    let mut told = message("1", "");
    told["attachments"] = json!([
        { "url": format!("{}/files/slip.pdf", shop.receiver.url) },
        { "url": format!("{}/files/gone.png", shop.receiver.url), "name": "gone.png" },
    ]);
    shop.tell(Method::POST, "/messages", told).await;
    assert_eq!(shop.text("select string_agg(name || ' ' || media_type, ',') from attachments").await, "slip.pdf application/pdf");
    assert!(shop.text("select extras->'missing'->>0 from messages").await.contains("404"));

    let form = Form::new()
        .text("message", message("2", "Here is a photo").to_string())
        .part("photo", Part::bytes(vec![0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d]).file_name("../box.png"));
    let request = shop.desk.visitor().request(Method::POST, &format!("/api/v1/channels/{}/messages", shop.name));
    let response = request.bearer_auth(&shop.key).multipart(form).send().await.expect("an answer");
    assert_eq!(response.status().as_u16(), 202);
    shop.desk.drain().await;
    assert_eq!(shop.text("select name || ' ' || media_type from attachments order by id desc limit 1").await, "box.png image/png");
    assert_eq!(shop.desk.count("select count(*) from tickets").await, 1);
}

#[tokio::test]
async fn files_in_private_networks_are_not_fetched_unless_allowed() {
    let desk = ServedDesk::with(|config| config.web.allow_private_networks = false).await;
    let admin = desk.agent("Bo", sportello::desk::kinds::Role::Admin).await;
    let page = super::make(&admin, "Inside", "https://127.0.0.1/x", &[]).await.is(422);
    assert!(page.text("#url-error").contains("private network"), "{}", page.text("#url-error"));
    let shop = Shop::on(desk, &[("url", "")]).await;
    let mut told = message("1", "Look");
    told["attachments"] = json!([{ "url": shop.receiver.url.replace("http:", "https:") }]);
    shop.tell(Method::POST, "/messages", told).await;
    assert!(shop.receiver.heard().is_empty());
    assert!(shop.text("select extras->'missing'->>0 from messages").await.contains("private network"));
}
