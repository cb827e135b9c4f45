//! What comes in by Messenger, through the real door into real tickets.

use http::Method;
use serde_json::json;

use super::{ANNA, PAGE, desk, event, from_anna, from_page};
use crate::support::providers::graph::Say;

const AT: i64 = 1_791_000_000_000;

#[tokio::test]
async fn a_message_is_taken_once_with_the_name_of_its_author() {
    let desk = desk().await;
    let profile = json!({ "first_name": "Anna", "last_name": "Verdi", "profile_pic": "https://x.example/a.jpg", "id": ANNA });
    desk.graph.on(Method::GET, &format!("/{ANNA}"), Say::json(200, profile));
    let item = json!([from_anna(AT, json!({ "message": { "mid": "m_T1", "text": "Il mio ordine?" } }))]);
    desk.messaging(PAGE, item.clone()).await;
    desk.messaging(PAGE, item).await;
    let ticket = desk.ticket().await;
    assert_eq!(desk.lines(ticket).await, ["< Il mio ordine?"]);
    assert_eq!(desk.value("select to_jsonb(name) from contacts").await, json!("Anna Verdi"));
    assert_eq!(desk.value("select jsonb_build_array(kind, address) from identities").await, json!(["facebook", format!("{PAGE}:{ANNA}")]));
    let asked = desk.graph.calls_to(Method::GET, &format!("/{ANNA}"));
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].param("fields"), Some("first_name,last_name,profile_pic"));
    assert_eq!(asked[0].header("authorization"), "Bearer EAAtoken");
    assert_eq!(asked[0].param("appsecret_proof"), Some("e2a1d81d1297cc27ef899063c396018fcebf35297396d5da7009a921f9c18726"));
}

#[tokio::test]
async fn a_batch_loses_nothing_to_what_is_odd_in_it() {
    let desk = desk().await;
    let other = desk.connect("999000111", json!({})).await;
    desk.deliver(&json!({ "object": "page", "entry": [
        { "id": PAGE, "time": 1, "messaging": [
            from_anna(AT, json!({ "message": { "mid": "m_1", "text": "Uno" } })),
            "nonsense",
            from_anna(AT + 1, json!({ "message": { "mid": "m_2", "text": "Due" } }))] },
        { "id": "999000111", "time": 1, "messaging": [event("55", "999000111", AT, json!({ "message": { "mid": "m_3", "text": "Altrove" } }))] },
        { "id": "404404", "time": 1, "messaging": [event("56", "404404", AT, json!({ "message": { "mid": "m_4", "text": "Chi?" } }))] }] }))
        .await;
    let tickets = desk.tickets().await;
    assert_eq!(tickets.len(), 2);
    assert_eq!(desk.lines(tickets[0]).await, ["< Uno", "< Due"]);
    assert_eq!(desk.lines(tickets[1]).await, ["< Altrove"]);
    assert_eq!(desk.thread(tickets[1]).await[0].channel_id, other);
    let reason = &desk.reasons().await[0];
    assert!(reason.contains("An event without a sender.") && reason.contains("404404, which is not connected here"), "{reason}");
}

#[tokio::test]
async fn what_is_told_of_a_message_before_it_waits_for_it() {
    let desk = desk().await;
    desk.messaging(
        PAGE,
        json!([
            from_anna(AT + 20, json!({ "message_edit": { "mid": "m_T1", "text": "Il mio ordine 77?", "num_edit": "1" } })),
            from_page(AT + 30, json!({ "reaction": { "mid": "m_T1", "action": "react", "reaction": "love" } })),
            from_anna(AT + 40, json!({ "message": { "mid": "m_T2", "is_deleted": true } })),
        ]),
    )
    .await;
    assert!(desk.tickets().await.is_empty());
    desk.messaging(
        PAGE,
        json!([
            from_anna(AT, json!({ "message": { "mid": "m_T1", "text": "Il mio ordine?" } })),
            from_anna(AT + 10, json!({ "message": { "mid": "m_T2", "text": "Segreto" } })),
        ]),
    )
    .await;
    let thread = desk.thread(desk.ticket().await).await;
    assert_eq!(thread[0].body, "Il mio ordine 77?");
    assert_eq!(thread[0].extras().before[0].text, "Il mio ordine?");
    assert_eq!(thread[0].emoji(), ["❤️"]);
    assert_eq!((&*thread[1].body, thread[1].removed_at.is_some()), ("", true));
}

#[tokio::test]
async fn files_are_fetched_at_once_and_what_is_gone_is_said() {
    let desk = desk().await;
    let pdf = desk.file("/v/fattura%20di%20maggio.pdf", "application/pdf", b"%PDF-1.4 bytes");
    let voice = desk.file("/v/audioclip", "audio/mp4", b"voice");
    desk.graph.on(Method::GET, "/v/old.jpg", Say::json(403, json!({ "error": "URL signature expired" })));
    desk.graph.on(Method::GET, "/v/moved.jpg", Say::json(302, json!({})).with("location", format!("{}/v/audioclip", desk.graph.url)));
    let attachment = |kind: &str, url: &str| json!({ "type": kind, "payload": { "url": url } });
    desk.messaging(
        PAGE,
        json!([from_anna(
            AT,
            json!({ "message": { "mid": "m_I1", "attachments": [
                attachment("file", &format!("{pdf}?dl=1")),
                attachment("audio", &voice),
                attachment("image", &format!("{}/v/old.jpg", desk.graph.url)),
                attachment("image", &format!("{}/v/moved.jpg", desk.graph.url)),
                attachment("image", "ftp://odd")] } })
        )]),
    )
    .await;
    let thread = desk.thread(desk.ticket().await).await;
    let files: Vec<(String, String)> =
        sqlx::query_as("select name, media_type from attachments order by id").fetch_all(&desk.app.db).await.expect("rows");
    let names: Vec<&str> = files.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names[..2], ["fattura di maggio.pdf", "voice.m4a"], "{files:?}");
    assert_eq!(names.len(), 3);
    let missing = thread[0].extras().missing;
    assert_eq!(missing.len(), 2, "{missing:?}");
    assert!(missing[0].contains("Meta does not give it out any more"), "{missing:?}");
}

#[tokio::test]
async fn words_from_metas_inbox_are_part_of_the_conversation() {
    let desk = desk().await;
    desk.messaging(PAGE, json!([from_anna(AT, json!({ "message": { "mid": "m_1", "text": "Ciao" } }))])).await;
    desk.messaging(PAGE, json!([from_page(AT + 5, json!({ "message": { "mid": "m_2", "is_echo": true, "text": "Buongiorno" } }))])).await;
    let thread = desk.thread(desk.ticket().await).await;
    assert_eq!(thread[1].body, "Buongiorno");
    assert_eq!(thread[1].extras().app.as_deref(), Some("Meta’s inbox"));
    assert_eq!(desk.count("select count(*) from contacts").await, 1);
}

#[tokio::test]
async fn what_meta_says_about_policies_stands_on_the_channel() {
    let desk = desk().await;
    desk.messaging(
        PAGE,
        json!([{ "recipient": { "id": PAGE }, "timestamp": AT, "policy_enforcement": { "action": "block", "reason": "Spam." } }]),
    )
    .await;
    assert_eq!(desk.row().await.last_error.as_deref(), Some("Meta keeps the page from sending messages: Spam."));
}
