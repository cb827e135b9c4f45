//! Who may tell what, and what is refused.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Shop, make, message};

/// Makes something in a message wrong.
type Spoil = fn(&mut Value);

#[tokio::test]
async fn only_the_channels_key_or_a_token_opens_its_door() {
    let mut shop = Shop::open().await;
    let told = message("1", "Hello?");
    let other = make(&shop.admin, "Reviews", "", &[]).await.is(200).text("#key");
    for key in ["spc_nonsense", &other, "spo_nonsense", "nonsense"] {
        let refused = shop.call_with(key, Method::POST, "/messages", &told).await;
        assert_eq!((refused.status, &refused.json["error"]["code"]), (401, &json!("unauthorized")), "{key}");
    }
    let token = shop.admin.post("/settings/tokens", &[("name", "t")]).await.is(200).text("#token");
    assert_eq!(shop.call_with(&token, Method::POST, "/messages", &told).await.status, 202);
    let name = std::mem::replace(&mut shop.name, "nowhere".into());
    assert_eq!(shop.call_with(&token, Method::POST, "/messages", &told).await.status, 404);
    assert_eq!(shop.call_with(&shop.key, Method::POST, "/messages", &told).await.status, 401);
    shop.name = shop.id.to_string();
    assert_eq!(shop.call_with(&shop.key, Method::POST, "/messages", &told).await.status, 202, "by its number");
    shop.name = name;

    let renewed = shop.admin.post(&format!("{}/secrets", shop.path), &[("which", "key")]).await.is(200).text("#key");
    assert_eq!(shop.call_with(&shop.key, Method::POST, "/messages", &told).await.status, 401);
    assert_eq!(shop.call_with(&renewed, Method::POST, "/messages", &told).await.status, 202);
    shop.admin.post(&format!("/settings/channels/{}/disable", shop.id), &[]).await.is(303);
    let off = shop.call_with(&renewed, Method::POST, "/messages", &told).await;
    assert_eq!(off.status, 503, "{}", off.json);
    shop.admin.post(&format!("/settings/channels/{}/enable", shop.id), &[]).await.is(303);
    shop.desk.drain().await;
    assert_eq!(shop.desk.count("select count(*) from messages").await, 1);
    let page = shop.admin.get(&shop.path).await.is(200);
    assert!(page.texts("[role=alert]").is_empty(), "switching on does not ask a channel that has nothing to ask");
    // The networks' own door and pages are not for it.
    shop.desk.visitor().post(&format!("/hooks/api/{}", shop.id), &[]).await.is(403);
    shop.admin.get("/settings/networks/api/new").await.is(404);
}

#[tokio::test]
async fn what_is_wrong_is_told_by_its_field_and_nothing_of_it_is_kept() {
    let shop = Shop::with(&[("prove", "on")]).await;
    let right = |change: Spoil| {
        let mut told = message("1", "Hello?");
        told["contact"]["identifier_hash"] = json!(shop.hash("user-42"));
        change(&mut told);
        told
    };
    let wrong: [(Spoil, &str); 12] = [
        (|told| told["id"] = json!(""), "id"),
        (|told| told["id"] = json!("x".repeat(201)), "id"),
        (|told| told["text"] = json!(" "), "text"),
        (|told| told["contact"]["identifier_hash"] = Value::Null, "contact.identifier_hash"),
        (|told| told["contact"]["identifier_hash"] = json!("00"), "contact.identifier_hash"),
        (|told| told["contact"]["identifier"] = json!("user-43"), "contact.identifier_hash"),
        (|told| told["contact"]["email"] = json!("nobody"), "contact.email"),
        (|told| told["review"] = json!({ "stars": 6 }), "review.stars"),
        (|told| told["attachments"] = json!([{ "url": "ftp://example.com/x" }]), "attachments[0].url"),
        (|told| told["post"] = json!({ "id": "1", "url": "javascript:x" }), "post.url"),
        (|told| told["language"] = json!("italian"), "language"),
        (|told| told["at"] = json!("yesterday"), "at"),
    ];
    for (change, field) in wrong {
        let refused = shop.call_with(&shop.key, Method::POST, "/messages", &right(change)).await;
        assert_eq!(refused.status, 422, "{field}: {}", refused.json);
        assert!(refused.json["error"]["fields"].get(field).is_some(), "{field}: {}", refused.json);
    }
    let unknown = shop.call_with(&shop.key, Method::POST, "/messages", &right(|told| told["txt"] = json!(1))).await;
    assert_eq!(unknown.status, 422, "{}", unknown.json);
    assert_eq!(shop.call_with(&shop.key, Method::PATCH, "/messages/1", &json!({})).await.status, 422);
    assert_eq!(shop.call_with(&shop.key, Method::POST, "/statuses", &json!({ "id": "1", "status": "sent" })).await.status, 422);
    assert_eq!(shop.desk.count("select count(*) from deliveries").await, 0);
    assert_eq!(shop.call_with(&shop.key, Method::POST, "/messages", &right(|_| ())).await.status, 202);
}

#[tokio::test]
async fn tickets_made_by_the_api_stay_as_they_were() {
    let shop = Shop::open().await;
    let token = shop.admin.post("/settings/tokens", &[("name", "t")]).await.is(200).text("#token");
    let new = json!({ "contact": { "email": "anna@example.com" }, "subject": "x", "message": { "text": "Hello there, how are you?" }, "acknowledge": false });
    let request = shop.desk.visitor().request(Method::POST, "/api/v1/tickets").bearer_auth(&token).json(&new);
    let made: Value = request.send().await.expect("an answer").json().await.expect("JSON");
    assert_ne!(made["ticket"]["channel_id"], shop.id.0, "a channel of its own, without a door: {made}");
    sportello::worker::ensure_recurring(&shop.desk.app).await.expect("a database");
    shop.desk.app.cache.invalidate_all();
    let id = made["ticket"]["id"].as_i64().expect("a number");
    shop.admin
        .post(&format!("/tickets/{id}/reply"), &[("body", "Hi"), ("note", "0"), ("seen", "9999"), ("to", "anna@example.com")])
        .await
        .is(303);
    shop.desk.drain().await;
    assert!(shop.desk.last_sent().contains("To: anna@example.com"), "answered by mail");
    assert!(shop.receiver.heard().is_empty());
    let list = shop.admin.get("/settings/channels").await.is(200);
    assert_eq!(list.attributes("a[href^='/settings/api-channels/']", "href").len(), 2, "the page to make one, and the one that was made");
}

#[tokio::test]
async fn a_wrong_form_keeps_what_was_typed() {
    let shop = Shop::open().await;
    let typed = [("url", "nonsense"), ("text_limit", "0"), ("window_hours", "x"), ("audience", "public")];
    let page = make(&shop.admin, "", "nonsense", &typed).await.is(422);
    assert_eq!(page.attributes("[aria-invalid=true]", "id"), ["name", "url", "text_limit", "window_hours"]);
    assert_eq!(page.attribute("#url", "value"), "nonsense");
    assert_eq!(page.attribute("[name=audience][checked]", "value"), "public");
    let page = make(&shop.admin, "blog COMMENTS", &shop.receiver.url, &[]).await.is(422);
    assert!(page.text("#name-error").contains("Another channel"));
}
