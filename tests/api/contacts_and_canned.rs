//! Customers, canned replies, and what numbers stand for.

use axum::http::{Method, StatusCode};
use serde_json::json;
use sportello::desk::kinds::Role;

use super::desk::Desk;

#[tokio::test]
async fn contacts_are_made_read_found_and_changed() {
    let desk = Desk::open().await;
    for number in 0..7 {
        let made = desk.post("/contacts", json!({"email": format!("Anna{number}@Example.com"), "name": format!("Anna {number}")})).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.json);
        assert_eq!(made.json["identities"], json!([{"kind": "email", "address": format!("anna{number}@example.com")}]));
    }
    let taken = desk.post("/contacts", json!({"email": "anna0@example.com"})).await;
    assert_eq!(taken.status, StatusCode::CONFLICT);
    assert!(taken.json["error"]["fields"]["email"].is_string());
    assert_eq!(desk.walk("/contacts?limit=3").await.len(), 7);
    assert_eq!(desk.walk("/contacts?q=anna3@").await.len(), 1);
    assert_eq!(desk.walk("/contacts?q=ANNA").await.len(), 7);
    assert_eq!(desk.walk("/contacts?q=%25").await.len(), 0);
    let changed = desk.patch("/contacts/2", json!({"name": "Anna Verdi", "language": "it", "company": "Verdi srl"})).await;
    assert_eq!((&changed.json["name"], &changed.json["language"], &changed.json["note"]), (&json!("Anna Verdi"), &json!("it"), &json!("")));
    let cleared = desk.patch("/contacts/2", json!({"language": null})).await;
    assert_eq!((&cleared.json["language"], &cleared.json["company"]), (&json!(null), &json!("Verdi srl")));
    assert_eq!(desk.get("/contacts/2").await.json, cleared.json);
}

#[tokio::test]
async fn canned_replies_belong_to_whom_they_should() {
    let desk = Desk::open().await;
    let (_, agent) = desk.join("ben@shop.example", Role::Agent).await;
    let words =
        |shortcut: &str| json!({"name": "Hello", "shortcut": shortcut, "texts": {"it": "Ciao {{customer.first_name}}", "en": "Hello"}});
    let made = desk.post("/canned-replies", words("#ciao")).await;
    assert_eq!(
        (made.status, &made.json["shortcut"], &made.json["scope"]),
        (StatusCode::CREATED, &json!("ciao"), &json!("everyone")),
        "{}",
        made.json
    );
    let taken = desk.post("/canned-replies", words("CIAO")).await;
    assert_eq!(taken.status, StatusCode::CONFLICT, "{}", taken.json);
    let refused = desk.call_as(&agent, Method::POST, "/canned-replies", Some(words("hi"))).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let mut own = words("mine");
    own["scope"] = json!("personal");
    let own = desk.call_as(&agent, Method::POST, "/canned-replies", Some(own)).await;
    assert_eq!(own.status, StatusCode::CREATED);
    let path = format!("/canned-replies/{}", own.json["id"]);
    assert_eq!(desk.get(&path).await.status, StatusCode::NOT_FOUND, "what is personal is nobody else's");
    assert_eq!(desk.call_as(&agent, Method::GET, &path, None).await.json, own.json);

    let path = format!("/canned-replies/{}", made.json["id"]);
    let changed = desk.patch(&path, json!({"folder": "Greetings", "texts": {"de": "Hallo", "en": null}})).await;
    assert_eq!(changed.json["texts"], json!({"it": "Ciao {{customer.first_name}}", "de": "Hallo"}), "{}", changed.json);
    assert_eq!(
        desk.patch(&path, json!({"scope": "team"})).await.json["error"]["fields"]["team"],
        "Scope `team` names a team, every other names none."
    );
    assert_eq!(desk.patch(&path, json!({"texts": {"it": null, "de": null}})).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(desk.walk("/canned-replies?limit=1").await, [changed.json]);
    assert_eq!(desk.call_as(&agent, Method::DELETE, &path, None).await.status, StatusCode::FORBIDDEN);
    assert_eq!(desk.call_as(&desk.token, Method::DELETE, &path, None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(desk.get(&path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn names_are_listed() {
    let desk = Desk::open().await;
    desk.sql(
        "insert into teams (name) values ('Returns'); insert into team_members values (1, 1); insert into tags (name) values ('late');
         insert into channels (kind, name, address, settings, secrets) values ('email', 'Help', 'help@shop.example', '{\"imap\": {\"password\": \"no\"}}', 'x')",
    )
    .await;
    assert_eq!(desk.get("/me").await.json, json!({"id": 1, "name": "Ada Admin", "email": "ada@shop.example", "role": "admin"}));
    assert_eq!(
        desk.get("/agents").await.json["data"][0],
        json!({"id": 1, "name": "Ada Admin", "email": "ada@shop.example", "role": "admin", "active": true})
    );
    assert_eq!(desk.get("/teams").await.json, json!({"data": [{"id": 1, "name": "Returns", "agent_ids": [1]}], "next": null}));
    assert_eq!(desk.get("/tags").await.json["data"], json!([{"id": 1, "name": "late"}]));
    let channels = desk.get("/channels").await;
    assert_eq!(channels.json["data"][0]["address"], "help@shop.example");
    assert!(!String::from_utf8(channels.bytes).unwrap().contains("password"));
}
