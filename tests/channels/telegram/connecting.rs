//! A bot is connected in the browser.

use sportello::desk::kinds::Role;

use crate::support::providers::telegram::{Faked, TelegramServer};
use crate::support::served::ServedDesk;

#[tokio::test]
async fn a_token_is_all_that_an_admin_enters() {
    let desk = ServedDesk::new().await;
    let telegram = TelegramServer::new().await;
    let admin = desk.agent("Marta", Role::Admin).await;
    assert!(admin.visit("/settings/networks").await.body.contains("/settings/networks/telegram/new"));
    let page = admin.post("/settings/networks/telegram/new", &[("name", ""), ("token", ""), ("base", "")]).await;
    assert_eq!(page.status.as_u16(), 422);
    assert!(page.body.contains("Enter the bot token.") && page.body.contains("Give it a name."));

    let unauthorized = serde_json::json!({ "ok": false, "error_code": 401, "description": "Unauthorized" });
    telegram.answer_next("getMe", Faked::Json(401, unauthorized));
    let fields = [("name", "Our bot"), ("token", "123456789:AAEsecret"), ("base", &*telegram.url), ("then", "test")];
    let page = admin.post("/settings/networks/telegram/new", &fields).await;
    assert!(page.body.contains("It does not work yet") && page.body.contains("no longer accepts the bot’s token"));

    let id = desk.count("select id from channels where kind = 'telegram'").await;
    let page = admin.post(&format!("/settings/networks/telegram/{id}/check"), &[]).await;
    assert!(page.body.contains("It works: @barsport_bot"));
    assert!(!page.body.contains("AAEsecret"), "the token is never shown again");
    let hook = telegram.calls("setWebhook").last().expect("a call").json();
    assert_eq!(hook["url"], format!("{}/hooks/telegram/{id}", desk.url));
    assert!(hook["secret_token"].as_str().is_some_and(|token| token.len() >= 20));
    assert_eq!(
        desk.count("select count(*) from channels where kind = 'telegram' and address = '123456789' and last_error is null").await,
        1
    );
}

#[tokio::test]
async fn an_agent_has_no_business_there() {
    let desk = ServedDesk::new().await;
    let agent = desk.agent("Anna", Role::Agent).await;
    assert_eq!(agent.get("/settings/networks").await.status.as_u16(), 403);
    assert_eq!(agent.post("/settings/networks/telegram/new", &[("name", "x")]).await.status.as_u16(), 403);
}
