//! Who may speak for whom: apps for their own accounts, desks for their own messages.

use serde_json::json;
use sportello::desk::channels::{self, seal};
use sportello::desk::kinds::DeliveryStatus;

use super::{PAGE, desk, from_anna, from_page};

const OTHER_PAGE: &str = "209999999999999";
const AT: i64 = 1_791_000_000_000;

#[tokio::test]
async fn an_app_speaks_for_its_own_accounts_only() {
    let desk = desk().await;
    let other = desk.connect(OTHER_PAGE, json!({})).await;
    let item = json!([{ "sender": { "id": "1" }, "recipient": { "id": OTHER_PAGE }, "timestamp": AT, "message": { "mid": "m_1", "text": "Ciao" } }]);
    // Both pages are the same app's: its one address brings what both are told.
    desk.messaging(OTHER_PAGE, item.clone()).await;
    assert_eq!(desk.count("select count(*) from messages").await, 1);
    // The other page moves to an app of its own: the first one's signature is worth nothing there.
    let secrets = json!({ "token": "EAAtoken", "app_secrets": ["another-app"], "verify_token": "x" });
    let sealed = seal(&desk.app.keys, &secrets).expect("plain data");
    channels::set_secrets(&mut desk.app.db.acquire().await.expect("a database"), other, &sealed).await.expect("a row");
    let forged = item.to_string().replace("m_1", "m_2").parse().expect("JSON");
    desk.messaging(OTHER_PAGE, forged).await;
    assert_eq!(desk.count("select count(*) from messages").await, 1);
    assert!(desk.reasons().await[1].contains("not connected here"));
}

#[tokio::test]
async fn a_mark_of_another_desk_is_no_mark_of_ours() {
    let desk = desk().await;
    let now = jiff::Timestamp::now().as_millisecond();
    desk.messaging(PAGE, json!([from_anna(now, json!({ "message": { "mid": "m_1", "text": "Ciao" } }))])).await;
    let ticket = desk.ticket().await;
    let message = desk.answer(ticket, "Arriva domani").await;
    // A second desk at the same page, which counts its messages as we do.
    let echo = |mid: &str, part: i64| {
        json!([from_page(
            now + 5,
            json!({ "message": { "mid": mid, "is_echo": true, "app_id": 1, "metadata": format!("sportello:{part}"), "text": "Da un altro" } })
        )])
    };
    desk.messaging(PAGE, echo("m_other", 1)).await;
    assert_eq!(desk.lines(ticket).await, ["< Ciao", "> Arriva domani", "> Da un altro"]);
    desk.served.desk.drain().await;
    assert_eq!(desk.message(message).await.delivery, Some(DeliveryStatus::Sent));
    // Nor one that comes when ours has its id already.
    desk.messaging(PAGE, echo("m_third", 1)).await;
    assert_eq!(desk.lines(ticket).await.len(), 4);
    assert_eq!(desk.value("select to_jsonb(provider_id) from message_parts").await, json!("m_out_1"));
}

#[tokio::test]
async fn a_page_that_was_not_tried_yet_takes_what_comes() {
    let desk = desk().await;
    sqlx::query("update channels set address = null where id = $1").bind(desk.channel).execute(&desk.app.db).await.expect("a row");
    desk.messaging(PAGE, json!([from_anna(AT, json!({ "message": { "mid": "m_1", "text": "Ciao" } }))])).await;
    assert_eq!(desk.count("select count(*) from messages").await, 1);
}
