//! An account is connected in the browser.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use sportello::desk::kinds::Role;

use crate::support::providers::recorder::Says;
use crate::support::providers::x::{OWN, desk, desk_with, problem, tokens};
use crate::support::served::{Browser, Page};

/// Presses “Sign in with X”: where that leads, and the cookie that remembers it.
async fn leave(admin: &Browser, page: &str) -> (url::Url, String) {
    let went = admin.get(&format!("{page}/sign-in")).await.is(303);
    let cookie = went.headers.get(SET_COOKIE).and_then(|value| value.to_str().ok()).expect("a cookie").to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/settings/networks"), "{cookie}");
    let pair = cookie.split(';').next().unwrap_or_default().to_owned();
    (went.location.expect("a location").parse().expect("an address"), pair)
}

/// Comes back with a query and a cookie beside the session's.
async fn come_back(admin: &Browser, query: &str, cookie: &str) -> Page {
    let request = admin.request(Method::GET, &format!("/settings/networks/x/callback?{query}"));
    let (client, request) = request.build_split();
    let mut request = request.expect("a request");
    let session = request.headers().get(COOKIE).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    request.headers_mut().insert(COOKIE, format!("{session}; {cookie}").parse().expect("a header"));
    let response = client.execute(request).await.expect("an answer");
    let headers = response.headers().clone();
    let location = headers.get(LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
    Page { status: response.status(), location, body: response.text().await.expect("a body"), headers }
}

fn param(url: &url::Url, name: &str) -> String {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
}

#[tokio::test]
async fn an_admin_signs_in_at_x_and_comes_back() {
    let desk = desk_with(json!({ "handle": "" })).await;
    sqlx::query("delete from channels where kind = 'x'").execute(&desk.app.db).await.expect("a database");
    let admin = desk.agent("Marta", Role::Admin).await;
    let page = admin.get("/settings/networks/x/new").await.is(200);
    assert_eq!(page.attribute("#callback", "value"), format!("{}/settings/networks/x/callback", desk.url));
    assert!(page.texts("a").iter().all(|text| text != "Sign in with X"), "the app comes first");
    let authorize = format!("{}/i/oauth2/authorize", desk.fake.url);
    let fields = [
        ("name", "X"),
        ("consumer_secret", "x-consumer-secret"),
        ("bearer", "app-bearer"),
        ("client_id", "client-1"),
        ("client_secret", "client-secret"),
        ("base", &*desk.fake.url),
        ("authorize", &*authorize),
    ];
    let home = admin.post("/settings/networks/x/new", &fields).await.is(303).location.expect("a page");
    let page = admin.visit(&home).await;
    assert_eq!(page.attribute("a[href$='/sign-in']", "href"), format!("{home}/sign-in"));
    assert!(!page.body.contains("x-consumer-secret") && !page.body.contains("client-secret"), "secrets are never shown again");
    let tried = admin.post(&format!("{home}/check"), &[]).await;
    assert!(tried.body.contains("Nobody has signed in with X yet."), "{}", tried.body);

    let (url, cookie) = leave(&admin, &home).await;
    assert!(url.as_str().starts_with(&authorize));
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "client-1"),
        ("redirect_uri", &*format!("{}/settings/networks/x/callback", desk.url)),
        ("scope", "tweet.read tweet.write users.read dm.read dm.write media.write offline.access"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(param(&url, name), value);
    }
    let state = param(&url, "state");
    desk.fake.say(Method::POST, "/2/oauth2/token", Says::json(200, &tokens("access-1", "refresh-1")));
    let page = come_back(&admin, &format!("state={state}&code=the-code"), &cookie).await.is(200);
    assert!(page.body.contains("It works: @barsport"), "{}", page.body);
    assert!(page.body.contains("Subscribed: dm.received, dm.sent, dm.read, post.mention.create"));
    let form = desk.fake.asked("/2/oauth2/token")[0].form();
    let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default();
    assert_eq!((&*field("grant_type"), &*field("code"), &*field("client_id")), ("authorization_code", "the-code", "client-1"));
    assert_eq!(URL_SAFE_NO_PAD.encode(Sha256::digest(field("code_verifier"))), param(&url, "code_challenge"));

    let hooks = desk.fake.asked("/2/webhooks");
    let made = hooks.iter().find(|asked| asked.method == Method::POST).expect("a webhook");
    let id = desk.count("select id from channels where kind = 'x'").await;
    assert_eq!(made.json(), json!({ "url": format!("{}/hooks/x/{id}", desk.url) }));
    assert_eq!(made.header("authorization"), "Bearer app-bearer");
    let subscribed: Vec<_> =
        desk.fake.asked("/2/activity/subscriptions").into_iter().filter(|asked| asked.method == Method::POST).collect();
    assert_eq!(
        subscribed[0].json(),
        json!({ "event_type": "dm.received", "filter": { "user_id": OWN }, "tag": format!("sportello-{id}"), "webhook_id": "1146654567674912769" })
    );
    assert_eq!(subscribed[0].header("authorization"), "Bearer access-1");
    assert_eq!(subscribed.len(), 10);
    assert_eq!(desk.text("select address from channels where kind = 'x'").await, OWN);
}

#[tokio::test]
async fn a_sign_in_that_was_not_begun_here_is_refused() {
    let desk = desk().await;
    let admin = desk.agent("Marta", Role::Admin).await;
    let home = format!("/settings/networks/x/{}", desk.channel);
    let (url, cookie) = leave(&admin, &home).await;
    let state = param(&url, "state");
    for (query, cookie) in [
        (format!("state={state}&code=c"), "sportello_sign_in=".to_owned()),
        (format!("state={state}&code=c"), "sportello_sign_in=AAAA".to_owned()),
        ("state=another&code=c".to_owned(), cookie.clone()),
        ("code=c".to_owned(), cookie.clone()),
    ] {
        assert_eq!(come_back(&admin, &query, &cookie).await.status.as_u16(), 400);
    }
    assert!(desk.fake.asked("/2/oauth2/token").is_empty());
    let agent = desk.agent("Anna", Role::Agent).await;
    assert_eq!(agent.get(&format!("{home}/sign-in")).await.status.as_u16(), 403);
    assert_eq!(come_back(&agent, &format!("state={state}&code=c"), &cookie).await.status.as_u16(), 403);
    let refused = come_back(&admin, &format!("state={state}&error=access_denied"), &cookie).await.is(200);
    assert!(refused.body.contains("X did not let us in: access_denied"));
    desk.fake.say(
        Method::POST,
        "/2/oauth2/token",
        Says::json(400, &json!({ "error": "invalid_grant", "error_description": "code expired" })),
    );
    let late = come_back(&admin, &format!("state={state}&code=old"), &cookie).await.is(200);
    assert!(late.body.contains("code expired") && late.body.contains("Sign in once more"));
    let kept: Map<String, Value> = desk.row().await.secrets(&desk.app.keys);
    assert_eq!(kept["access_token"], "user-token", "what let us in before still does");
}

#[tokio::test]
async fn saving_the_page_never_brings_old_tokens_back() {
    let desk = desk().await;
    let admin = desk.agent("Marta", Role::Admin).await;
    let home = format!("/settings/networks/x/{}", desk.channel);
    let renewed = async {
        desk.fake.say(Method::POST, "/2/oauth2/token", Says::json(200, &tokens("access-2", "refresh-2")));
        desk.with_way(async |way| {
            let provider = sportello::channels::x::settings::Settings::of(way.channel).provider("client-secret");
            sportello::channels::wire::oauth::renew(way, &provider, "user-token").await
        })
        .await
    };
    renewed.await.expect("renewed");
    let fields = [("name", "Our X"), ("client_id", "client-1"), ("base", &*desk.fake.url)];
    admin.post(&home, &fields).await.is(303);
    let kept: Map<String, Value> = desk.row().await.secrets(&desk.app.keys);
    assert_eq!((&kept["refresh_token"], &kept["consumer_secret"]), (&json!("refresh-2"), &json!("x-consumer-secret")));
    let settings = desk.row().await.settings;
    assert_eq!(settings["webhook_id"], "1146", "what the test of the connection found stays too");
}

#[tokio::test]
async fn what_x_does_not_take_is_shown_and_asked_for_instead() {
    let desk = desk_with(json!({})).await;
    let admin = desk.agent("Marta", Role::Admin).await;
    let check = format!("/settings/networks/x/{}/check", desk.channel);
    desk.fake.say(Method::POST, "/2/webhooks", problem(400, "CrcValidationFailed", "CrcValidationFailed: did not answer"));
    let page = admin.post(&check, &[]).await;
    assert!(page.body.contains("It works: @barsport") && page.body.contains("check the API key secret"), "{}", page.body);
    assert!(page.body.contains("asks X every minute and a half for direct messages and mentions"));
    assert_eq!(desk.count("select count(*) from jobs where kind = 'poll_mailbox'").await, 1);
    // One that is there already is called once more where it had failed, and what it is subscribed to is left alone.
    let hooks =
        json!({ "data": [{ "id": "1", "url": "https://elsewhere.example/x" }, { "id": "55", "url": desk.hook(), "valid": false }] });
    desk.fake.say(Method::GET, "/2/webhooks", Says::json(200, &hooks));
    desk.fake.say(Method::PUT, "/2/webhooks/55", Says::json(200, &json!({ "data": { "valid": true } })));
    let known =
        json!({ "data": [{ "subscription_id": "1", "event_type": "dm.received", "filter": { "user_id": OWN }, "webhook_id": "55" }] });
    desk.fake.say(Method::GET, "/2/activity/subscriptions", Says::json(200, &known));
    desk.fake.say(Method::POST, "/2/activity/subscriptions", problem(403, "Forbidden", "This event type is not in your package"));
    let page = admin.post(&check, &[]).await;
    assert!(page.body.contains("Not subscribed: dm.sent."), "{}", page.body);
    assert_eq!(desk.fake.asked("/2/webhooks/55").len(), 1);
    let events: Vec<String> = desk
        .fake
        .asked("/2/activity/subscriptions")
        .iter()
        .filter(|asked| asked.method == Method::POST)
        .map(|asked| asked.json()["event_type"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert!(!events.contains(&"dm.received".to_owned()) && events.contains(&"dm.read".to_owned()), "{events:?}");
}
