//! Who comes in, how often, what they are told when the house is closed, and the description on the door.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};

use super::desk::Desk;

#[tokio::test]
async fn without_a_working_token_nothing_opens() {
    let desk = Desk::open().await;
    let document = desk.get("/openapi.json").await.json;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if operation["security"] == json!([{}]) {
                continue;
            }
            let method: Method = method.to_uppercase().parse().unwrap();
            let request = Request::builder().method(method.clone()).uri(path.replace("{id}", "1")).body(Body::empty()).unwrap();
            let refused = desk.send(request).await;
            assert_eq!(
                (refused.status, &refused.json["error"]["code"]),
                (StatusCode::UNAUTHORIZED, &json!("unauthorized")),
                "{method} {path}"
            );
            assert_eq!(refused.headers[header::WWW_AUTHENTICATE], "Bearer");
        }
    }
    for value in ["Bearer spo_nonsense", "Bearer", "Basic YTpi", "Bearer é", &desk.token.clone()] {
        let request = Request::get("/api/v1/me").header(header::AUTHORIZATION, value.as_bytes()).body(Body::empty()).unwrap();
        let refused = desk.send(request).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{value}");
        assert!(refused.json["error"]["message"].as_str().unwrap().contains("Settings, API tokens"));
    }
    desk.sql("update api_tokens set revoked_at = now()").await;
    assert_eq!(desk.get("/me").await.status, StatusCode::UNAUTHORIZED);
    desk.sql("update api_tokens set revoked_at = null; update agents set disabled_at = now()").await;
    assert_eq!(desk.get("/me").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_that_asks_too_fast_is_told_to_wait() {
    let desk = Desk::open().await;
    let (_, other) = desk.join("ben@shop.example", sportello::desk::kinds::Role::Agent).await;
    let mut answered = 0;
    let refused = loop {
        let answer = desk.get("/me").await;
        if answer.status != StatusCode::OK {
            break answer;
        }
        answered += 1;
        assert!(answered < 1000, "no end");
    };
    assert!(answered >= 100, "{answered}");
    assert_eq!((refused.status, &refused.json["error"]["code"]), (StatusCode::TOO_MANY_REQUESTS, &json!("rate_limited")));
    assert_eq!(refused.headers[header::RETRY_AFTER], "1");
    assert_eq!(desk.call_as(&other, Method::GET, "/me", None).await.status, StatusCode::OK);
}

#[tokio::test]
async fn every_refusal_is_json() {
    let desk = Desk::open().await;
    let send = |method: Method, path: &str, kind: &str, body: Vec<u8>| {
        let request = Request::builder().method(method).uri(path).header(header::AUTHORIZATION, format!("Bearer {}", desk.token));
        desk.send(request.header(header::CONTENT_TYPE, kind).body(Body::from(body)).unwrap())
    };
    let large = format!("{{\"subject\": \"{}\"}}", "x".repeat(1_100_000)).into_bytes();
    for (answer, status, code) in [
        (send(Method::POST, "/api/v1/contacts", "text/plain", b"{}".to_vec()).await, 415, "unsupported_media_type"),
        (send(Method::POST, "/api/v1/contacts", "application/json", b"{\"email\":".to_vec()).await, 400, "invalid_request"),
        (send(Method::POST, "/api/v1/contacts", "application/json", b"{}".to_vec()).await, 422, "validation_failed"),
        (send(Method::POST, "/api/v1/contacts", "application/json", b"\"x\"".to_vec()).await, 400, "invalid_request"),
        (send(Method::PATCH, "/api/v1/tickets/1", "application/json", large).await, 413, "too_large"),
        (send(Method::PUT, "/api/v1/tickets", "application/json", Vec::new()).await, 405, "method_not_allowed"),
        (send(Method::GET, "/api/v1/nowhere", "application/json", Vec::new()).await, 404, "not_found"),
    ] {
        assert_eq!((answer.status.as_u16(), answer.json["error"]["code"].as_str()), (status, Some(code)), "{}", answer.json);
        assert!(answer.json["error"]["message"].is_string() && answer.json["error"]["fields"].is_object());
    }
    desk.app.db.close().await;
    let away = desk.get("/me").await;
    assert_eq!((away.status, &away.json["error"]["code"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("unavailable")), "{}", away.json);
    assert_eq!(away.headers[header::RETRY_AFTER], "5");
}

#[tokio::test]
async fn the_description_names_every_route_and_every_schema() {
    let desk = Desk::open().await;
    let answer = desk.send(Request::get("/api/v1/openapi.json").body(Body::empty()).unwrap()).await;
    assert_eq!(
        (answer.status, &answer.headers[header::CONTENT_TYPE]),
        (StatusCode::OK, &header::HeaderValue::from_static("application/json"))
    );
    let document = answer.json;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut routes = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            routes.insert(format!("{} {path}", method.to_uppercase()));
            assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{path}");
            assert!(!operation["summary"].as_str().unwrap().is_empty());
            assert!(!operation["responses"].as_object().unwrap().is_empty());
        }
    }
    insta::assert_snapshot!(routes.into_iter().collect::<Vec<_>>().join("\n"), @r"
    DELETE /api/v1/canned-replies/{id}
    DELETE /api/v1/channels/{key}/messages/{id}
    GET /api/v1/agents
    GET /api/v1/attachments/{id}
    GET /api/v1/canned-replies
    GET /api/v1/canned-replies/{id}
    GET /api/v1/channels
    GET /api/v1/contacts
    GET /api/v1/contacts/{id}
    GET /api/v1/contacts/{id}/tickets
    GET /api/v1/me
    GET /api/v1/messages/{id}
    GET /api/v1/messages/{id}/raw
    GET /api/v1/openapi.json
    GET /api/v1/tags
    GET /api/v1/teams
    GET /api/v1/tickets
    GET /api/v1/tickets/{id}
    GET /api/v1/tickets/{id}/events
    GET /api/v1/tickets/{id}/messages
    PATCH /api/v1/canned-replies/{id}
    PATCH /api/v1/channels/{key}/messages/{id}
    PATCH /api/v1/contacts/{id}
    PATCH /api/v1/tickets/{id}
    POST /api/v1/canned-replies
    POST /api/v1/channels/{key}/messages
    POST /api/v1/channels/{key}/statuses
    POST /api/v1/contacts
    POST /api/v1/messages/{id}/retry
    POST /api/v1/tickets
    POST /api/v1/tickets/{id}/messages
    PUT /api/v1/channels/{key}/messages/{id}/reaction
    ");
    check_references(&document, &document["components"]["schemas"]);

    let page = desk.send(Request::get("/api/v1/docs").body(Body::empty()).unwrap()).await;
    assert_eq!(page.headers[header::CONTENT_TYPE], "text/html; charset=utf-8");
    let html = String::from_utf8(page.bytes).unwrap();
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("style-src 'self'") && !policy.contains("unsafe"));
    assert!(!html.contains("<script") && !html.contains("style=\""));
    let parsed = scraper::Html::parse_document(&html);
    let anchors: BTreeSet<&str> =
        parsed.select(&scraper::Selector::parse("[id]").unwrap()).filter_map(|element| element.attr("id")).collect();
    for id in ids {
        assert!(anchors.contains(&*id), "{id} is not on the page");
    }
    for link in parsed.select(&scraper::Selector::parse("a[href^='#']").unwrap()) {
        let target = link.attr("href").unwrap().trim_start_matches('#');
        assert!(anchors.contains(target), "#{target} leads nowhere");
    }
}

fn check_references(value: &Value, schemas: &Value) {
    match value {
        Value::Object(fields) => {
            if let Some(reference) = fields.get("$ref").and_then(Value::as_str) {
                let name = reference.rsplit('/').next().unwrap();
                assert!(schemas[name].is_object(), "{reference} leads nowhere");
            }
            fields.values().for_each(|value| check_references(value, schemas));
        }
        Value::Array(values) => values.iter().for_each(|value| check_references(value, schemas)),
        _ => {}
    }
}
