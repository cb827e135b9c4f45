//! Both ways of signing in, and the token that has to be renewed.

use http::Method;
use serde_json::{Value, json};
use sportello::channels;
use sportello::channels::wire::{Health, network};
use sportello::desk::networks::Fault;

use super::{ACCOUNT, desk, own_sign_in};
use crate::support::meta_desk::MetaDesk;
use crate::support::providers::graph::Say;

async fn check(desk: &MetaDesk) -> Result<Health, Fault> {
    desk.way(async |way| network(desk.kind).expect("a network").check(way).await).await
}

#[tokio::test]
async fn signed_in_through_the_page() {
    let desk = desk().await;
    let me =
        json!({ "id": "104512987654321", "name": "Bar Sport", "instagram_business_account": { "id": ACCOUNT, "username": "bar.sport" } });
    desk.graph.on(Method::GET, "/me", Say::json(200, me));
    let present = json!({ "data": [{ "subscribed_fields": ["feed"] }] });
    desk.graph.on(Method::GET, "/104512987654321/subscribed_apps", Say::json(200, present));
    let health = check(&desk).await.expect("let in");
    assert_eq!((&*health.account, &*health.id), ("@bar.sport", ACCOUNT));
    let asked = desk.graph.calls_to(Method::POST, "/104512987654321/subscribed_apps");
    assert_eq!(asked[0].json(), json!({ "subscribed_fields": "messages,feed" }));
}

#[tokio::test]
async fn a_page_without_an_account_is_named() {
    let desk = desk().await;
    desk.graph.on(Method::GET, "/me", Say::json(200, json!({ "id": "104512987654321", "name": "Bar Sport" })));
    assert!(matches!(check(&desk).await, Err(Fault::SignIn(words)) if words.starts_with("Bar Sport has no Instagram account")));
}

#[tokio::test]
async fn signed_in_as_the_account() {
    let desk = own_sign_in().await;
    // A number, as Instagram likes to write it.
    let me = json!({ "id": "app-scoped", "user_id": 17_841_400_000_000_001_u64, "username": "bar.sport", "account_type": "BUSINESS" });
    desk.graph.on(Method::GET, "/me", Say::json(200, me));
    let health = check(&desk).await.expect("let in");
    assert_eq!((&*health.account, &*health.id), ("@bar.sport", ACCOUNT));
    let asked = desk.graph.calls_to(Method::POST, &format!("/{ACCOUNT}/subscribed_apps"));
    let fields = asked[0].json()["subscribed_fields"].as_str().expect("fields").to_owned();
    assert!(fields.starts_with("messages,message_reactions,messaging_postbacks,messaging_seen,comments"), "{fields}");
}

#[tokio::test]
async fn the_token_is_renewed_in_time() {
    let desk = own_sign_in().await;
    assert!(network(desk.kind).expect("a network").polls(&desk.row().await));
    desk.graph.on(
        Method::GET,
        "/refresh_access_token",
        Say::json(200, json!({ "access_token": "IGnew", "token_type": "bearer", "expires_in": 5_183_944 })),
    );
    channels::poll(&desk.app, desk.channel).await;
    let asked = desk.graph.calls_to(Method::GET, "/refresh_access_token");
    assert_eq!((asked[0].param("grant_type"), asked[0].param("access_token")), (Some("ig_refresh_token"), Some("EAAtoken")));
    let row = desk.row().await;
    let secrets: Value = row.secrets(&desk.app.keys);
    assert_eq!((&secrets["token"], &secrets["verify_token"]), (&json!("IGnew"), &json!("tok-we-chose")));
    // It lasts: nothing is asked again.
    channels::poll(&desk.app, desk.channel).await;
    assert_eq!(desk.graph.calls_to(Method::GET, "/refresh_access_token").len(), 1);
    // Nine days before its end, it is.
    let mut cursor = row.cursor.clone();
    cursor["until"] = json!(jiff::Timestamp::now().as_second() + 9 * 24 * 3600);
    sqlx::query("update channels set cursor = $1 where id = $2")
        .bind(cursor)
        .bind(desk.channel)
        .execute(&desk.app.db)
        .await
        .expect("a row");
    channels::poll(&desk.app, desk.channel).await;
    assert_eq!(desk.graph.calls_to(Method::GET, "/refresh_access_token")[1].param("access_token"), Some("IGnew"));
}

#[tokio::test]
async fn a_token_that_is_too_young_waits_and_one_that_is_over_says_so() {
    let desk = own_sign_in().await;
    desk.graph.once(Method::GET, "/refresh_access_token", Say::error(400, 100, 0, "The token must be at least 24 hours old"));
    channels::poll(&desk.app, desk.channel).await;
    assert!(desk.row().await.sign_in_lost_at.is_none());
    desk.graph.once(Method::GET, "/refresh_access_token", Say::error(400, 190, 463, "Session has expired"));
    channels::poll(&desk.app, desk.channel).await;
    assert!(desk.row().await.sign_in_lost_at.is_some());
}
