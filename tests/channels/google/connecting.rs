//! A place is connected in the browser.

use http::Method;
use serde_json::{Value, json};
use sportello::desk::kinds::Role;

use crate::support::providers::google::{PLACE, desk, page, refusal, settings};

#[tokio::test]
async fn the_place_is_chosen_from_a_list() {
    let desk = desk().await;
    sqlx::query("update channels set settings = settings - 'location', address = null where kind = 'google'")
        .execute(&desk.app.db)
        .await
        .expect("a row");
    let admin = desk.agent("Marta", Role::Admin).await;
    let home = format!("/settings/networks/google/{}", desk.channel);
    let shown = admin.visit(&home).await;
    assert_eq!(shown.text("a[href$='/sign-in']"), "Sign in with Google");
    let page_of_choices = admin.post(&format!("{home}/check"), &[]).await;
    assert_eq!(page_of_choices.texts("#choice option"), ["Bottega Ginestra, Via Trieste 4, Fano", "Ginestra Outlet"]);
    assert!(page_of_choices.body.contains("Choose the place whose reviews come here."));
    assert_eq!(
        desk.fake.asked("/locations/v1/accounts/1122/locations")[0].query("readMask").as_deref(),
        Some("name,title,storefrontAddress")
    );
    desk.fake.say(Method::GET, &format!("/v4/{PLACE}/reviews"), page(&[], None));
    let done = admin.post(&format!("{home}/choose"), &[("location", PLACE)]).await;
    assert!(done.body.contains("It works: Bottega Ginestra") && done.body.contains("120 reviews, 4.3 stars on average"), "{}", done.body);
    assert_eq!(desk.text("select address from channels where kind = 'google'").await, PLACE);
    assert_eq!(desk.count("select count(*) from jobs where kind = 'poll_mailbox'").await, 1);
    assert!(done.texts("#choice").is_empty());
}

#[tokio::test]
async fn signing_in_asks_for_a_token_that_lasts() {
    let desk = desk().await;
    let admin = desk.agent("Marta", Role::Admin).await;
    let went = admin.get(&format!("/settings/networks/google/{}/sign-in", desk.channel)).await.is(303);
    let url: url::Url = went.location.expect("a location").parse().expect("an address");
    let param = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap_or_default();
    assert_eq!((&*param("access_type"), &*param("prompt")), ("offline", "consent"));
    assert_eq!(param("scope"), "https://www.googleapis.com/auth/business.manage");
    assert_eq!(param("redirect_uri"), format!("{}/settings/networks/google/callback", desk.url));
}

#[tokio::test]
async fn google_is_told_where_to_push() {
    let desk = desk().await;
    let mut settings = settings(&desk.fake.url);
    settings["push_topic"] = json!("projects/p/topics/t");
    sqlx::query("update channels set settings = $1 where kind = 'google'").bind(&settings).execute(&desk.app.db).await.expect("a row");
    let health = desk.with_way(async |way| desk.network().check(way).await).await.expect("let in");
    assert!(health.notes.iter().any(|note| note.contains("tells of new reviews at once")), "{:?}", health.notes);
    let patched = &desk.fake.asked("/notifications/v1/accounts/1122/notificationSetting")[0];
    assert_eq!(patched.method, Method::PATCH);
    assert_eq!(
        patched.json(),
        json!({ "name": "accounts/1122/notificationSetting", "pubsubTopic": "projects/p/topics/t", "notificationTypes": ["NEW_REVIEW", "UPDATED_REVIEW"] })
    );
    desk.fake.say(Method::PATCH, "/notifications", refusal(403, "PERMISSION_DENIED", "API not enabled"));
    let health = desk.with_way(async |way| desk.network().check(way).await).await.expect("let in all the same");
    assert!(health.notes.iter().any(|note| note.contains("asks every two minutes")), "{:?}", health.notes);
    let empty: Value = json!({ "location": "somewhere" });
    sqlx::query("update channels set settings = settings || $1 where kind = 'google'")
        .bind(&empty)
        .execute(&desk.app.db)
        .await
        .expect("a row");
    assert!(desk.with_way(async |way| desk.network().check(way).await).await.is_err());
}
