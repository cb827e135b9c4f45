//! Coming in: the first admin, passwords, the brake on guessing, sessions.

use sportello::desk::kinds::Role;
use sportello::screens::sign_in::setup_token;

use crate::support::served::{PASSWORD, ServedDesk};

#[tokio::test]
async fn the_first_visitor_with_the_link_becomes_admin_once() {
    let desk = ServedDesk::new().await;
    let link = format!("/setup/{}", setup_token(&desk.app));
    let mut browser = desk.visitor();
    assert!(browser.get("/sign-in").await.is(200).body.contains("one-time link"));
    browser.get("/setup/guessed").await.is(404);

    let refused = browser.post(&link, &[("shop", "Bottega"), ("name", "Anna"), ("email", "anna"), ("password", "short")]).await.is(422);
    assert_eq!(refused.attribute("#shop", "value"), "Bottega");
    assert_eq!(refused.texts(".error").len(), 2);

    let page =
        browser.post(&link, &[("shop", "Bottega"), ("name", "Anna"), ("email", "anna@bottega.example"), ("password", PASSWORD)]).await;
    browser.keep_cookies(&page.is(303));
    assert!(browser.get("/inbox/open").await.is(200).body.contains("· Bottega"));
    desk.visitor().get(&link).await.is(404);
}

#[tokio::test]
async fn pages_ask_for_a_sign_in_and_come_back_to_where_one_was_going() {
    let desk = ServedDesk::new().await;
    desk.person("Anna", Role::Agent).await;
    let mut browser = desk.visitor();
    let page = browser.get("/inbox/mine?tag=3").await.is(303);
    assert_eq!(page.location.as_deref(), Some("/sign-in?next=%2Finbox%2Fmine%3Ftag%3D3"));
    let next = browser.get("/sign-in?next=%2Finbox%2Fmine").await.attribute("[name=next]", "value");
    let page = browser.post("/sign-in", &[("email", "ANNA@bottega.example"), ("password", PASSWORD), ("next", &next)]).await;
    assert_eq!(page.location.as_deref(), Some("/inbox/mine"));
    browser.keep_cookies(&page);
    browser.get("/inbox/mine").await.is(200);
    // Only places of this desk.
    let page =
        desk.visitor().post("/sign-in", &[("email", "anna@bottega.example"), ("password", PASSWORD), ("next", "//evil.example/")]).await;
    assert_eq!(page.location.as_deref(), Some("/"));
}

#[tokio::test]
async fn guessing_is_slowed_down_and_says_how_long() {
    let desk = ServedDesk::new().await;
    desk.person("Anna", Role::Agent).await;
    let mut browser = desk.visitor();
    for _ in 0..6 {
        browser.sign_in("anna@bottega.example", "wrong").await.is(422);
    }
    let page = browser.sign_in("anna@bottega.example", PASSWORD).await.is(429);
    assert!(page.text("[role=alert]").contains("Wait"), "{}", page.body);
    assert_eq!(page.attribute("#email", "value"), "anna@bottega.example");
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_by_a_link_that_works_once() {
    let desk = ServedDesk::new().await;
    desk.person("Anna", Role::Agent).await;
    let known = desk.visitor().post("/forgot", &[("email", "anna@bottega.example")]).await.is(200);
    let unknown = desk.visitor().post("/forgot", &[("email", "anna@bottega.example".replace("anna", "nobody").as_str())]).await.is(200);
    assert_eq!(known.text("h1"), unknown.text("h1"));
    desk.drain().await;

    let mails = desk.sent();
    assert_eq!(mails.len(), 1, "only to whom it belongs");
    let mail = String::from_utf8_lossy(&mails[0].raw).replace("=\r\n", "");
    let start = mail.find("/reset/").expect("a link");
    let token: String = mail[start + 7..].chars().take_while(char::is_ascii_alphanumeric).collect();
    let link = format!("/reset/{token}");

    let mut browser = desk.visitor();
    browser.post(&link, &[("password", "tooshort")]).await.is(422);
    let page = browser.post(&link, &[("password", "a brand new secret")]).await.is(303);
    browser.keep_cookies(&page);
    browser.get("/inbox/open").await.is(200);
    desk.visitor().get(&link).await.is(400);
    desk.visitor().sign_in("anna@bottega.example", PASSWORD).await.is(422);
    desk.visitor().sign_in("anna@bottega.example", "a brand new secret").await.is(303);
}

#[tokio::test]
async fn a_form_of_another_site_is_refused() {
    let desk = ServedDesk::new().await;
    let agent = desk.agent("Anna", Role::Agent).await;
    let response = agent
        .request(reqwest::Method::POST, "/sign-out")
        .header("origin", "https://evil.example")
        .header("sec-fetch-site", "cross-site")
        .send()
        .await;
    assert_eq!(response.expect("an answer").status(), 403);
    agent.get("/inbox/open").await.is(200);
    agent.post("/sign-out", &[]).await.is(303);
    agent.get("/inbox/open").await.is(303);
}
