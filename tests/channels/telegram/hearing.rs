//! What customers write, send, change and press.

use serde_json::json;

use super::{Bot, HOOK_TOKEN, message};

#[tokio::test]
async fn only_telegram_is_let_in() {
    let bot = Bot::new().await;
    let body = message(1, json!({ "text": "Ciao" })).to_string();
    assert_eq!(bot.bring_with(&body, None).await, 403);
    assert_eq!(bot.bring_with(&body, Some("another-token")).await, 403);
    assert_eq!(bot.desk.count("select count(*) from deliveries").await, 0);
    assert_eq!(bot.bring_with(&body, Some(HOOK_TOKEN)).await, 200);
    assert_eq!(bot.desk.count("select count(*) from deliveries").await, 1);
}

#[tokio::test]
async fn a_message_becomes_a_ticket_once_and_goes_on_in_it() {
    let bot = Bot::new().await;
    let ticket = bot.hears(51, "Il mio ordine?").await;
    assert_eq!(bot.hears(51, "Il mio ordine?").await, ticket);
    assert_eq!(bot.hears(52, "È il 77.").await, ticket);
    assert_eq!(bot.desk.count("select count(*) from messages").await, 2);
    assert_eq!(bot.text("select subject from tickets").await, "Il mio ordine?");
    assert_eq!(bot.text("select name || ' ' || language from contacts").await, "Anna Verdi it");
    assert_eq!(bot.text("select kind::text || address from identities").await, "telegram987654321");
    let page = bot.desk.agent("Giulia", sportello::desk::kinds::Role::Agent).await.visit(&format!("/tickets/{ticket}")).await;
    assert!(page.body.contains("On Telegram"), "the composer says where the answer goes");
    assert!(page.body.contains("Il mio ordine?"));
}

#[tokio::test]
async fn of_the_same_second_the_numbers_tell_what_was_said_first() {
    let bot = Bot::new().await;
    for (id, text) in [(1_000, "È il 77."), (999, "Il mio ordine?")] {
        bot.bring(&message(id, json!({ "text": text, "date": 1_791_004_000 }))).await;
        bot.desk.understood().await;
    }
    assert_eq!(bot.desk.count("select count(distinct sent_at) from messages").await, 1);
    assert_eq!(bot.text("select subject || ' / ' || excerpt from tickets").await, "Il mio ordine? / È il 77.");
}

#[tokio::test]
async fn pictures_are_fetched_at_once_and_what_cannot_be_is_said() {
    let bot = Bot::new().await;
    let sizes = json!([{ "file_id": "small", "file_unique_id": "a" }, { "file_id": "AgACx", "file_unique_id": "b" }]);
    bot.bring(&message(53, json!({ "photo": sizes, "caption": "rotto" }))).await;
    bot.desk.understood().await;
    assert_eq!(bot.telegram.calls("getFile")[0].json()["file_id"], "AgACx", "the largest");
    assert_eq!(
        bot.text("select body || ' ' || a.media_type from messages m join attachments a on a.message_id = m.id").await,
        "rotto image/jpeg"
    );
    // Telegram keeps files for an hour: this one is gone.
    let gone = json!({ "ok": true, "result": { "file_path": "documents/gone.pdf" } });
    bot.telegram.answer_next("getFile", crate::support::providers::telegram::Faked::Json(200, gone));
    bot.bring(&message(54, json!({ "document": { "file_id": "BQAC", "file_name": "fattura.pdf", "mime_type": "application/pdf" } }))).await;
    bot.desk.understood().await;
    let missing = bot.text("select extras ->> 'missing' from messages where provider_id = '987654321:54'").await;
    assert!(missing.contains("File could not be fetched"), "{missing}");
}

#[tokio::test]
async fn changes_reactions_and_buttons_are_followed_also_when_they_come_first() {
    let bot = Bot::new().await;
    let edited = json!({ "update_id": 1, "edited_message": { "message_id": 51, "from": { "id": 987_654_321 },
        "chat": { "id": 987_654_321, "type": "private" }, "date": 1_791_004_000, "edit_date": 1_791_004_060, "text": "corretto" } });
    bot.bring(&edited).await;
    bot.desk.understood().await;
    assert_eq!(bot.desk.count("select count(*) from parked_notices").await, 1);
    bot.hears(51, "sbagliato").await;
    assert_eq!(bot.text("select body from messages").await, "corretto");
    assert_eq!(bot.text("select extras #>> '{before,0,text}' from messages").await, "sbagliato");
    assert_eq!(bot.desk.count("select count(*) from parked_notices").await, 0);
    // The same once more, late, changes nothing.
    bot.bring(&edited).await;
    bot.desk.understood().await;
    assert_eq!(bot.text("select jsonb_array_length(extras -> 'before')::text from messages").await, "1");

    let reaction = |emoji: &str, date: i64| {
        let new = if emoji.is_empty() { json!([]) } else { json!([{ "type": "emoji", "emoji": emoji }]) };
        json!({ "update_id": date, "message_reaction": { "chat": { "id": 987_654_321, "type": "private" }, "message_id": 51,
            "user": { "id": 987_654_321 }, "date": date, "old_reaction": [], "new_reaction": new } })
    };
    bot.bring(&reaction("👍", 1_791_004_070)).await;
    bot.bring(&reaction("", 1_791_004_080)).await;
    bot.bring(&reaction("👍", 1_791_004_070)).await;
    bot.desk.understood().await;
    assert_eq!(bot.text("select coalesce(reactions #>> '{customer,emoji}', 'none') from messages").await, "none", "the newest wins");

    let pressed = json!({ "update_id": 8, "callback_query": { "id": "4242", "from": { "id": 987_654_321, "first_name": "Anna" }, "data": "yes",
        "message": { "message_id": 40, "chat": { "id": 987_654_321, "type": "private" }, "date": 1,
            "reply_markup": { "inline_keyboard": [[{ "text": "Sì", "callback_data": "yes" }]] } } } });
    bot.bring(&pressed).await;
    bot.desk.understood().await;
    assert_eq!(bot.text("select body || ' ' || (extras ->> 'payload') from messages order by id desc limit 1").await, "Sì yes");
}

#[tokio::test]
async fn what_is_not_known_is_shown_and_never_stops_the_rest() {
    let bot = Bot::new().await;
    bot.bring(&message(55, json!({ "poll": { "id": "1", "question": "?" } }))).await;
    bot.bring(&json!({ "update_id": 9, "chat_boost": {} })).await;
    bot.bring_with("not json", Some(HOOK_TOKEN)).await;
    bot.desk.understood().await;
    assert_eq!(bot.text("select extras ->> 'unsupported' from messages").await, "poll");
    assert_eq!(bot.desk.count("select count(*) from deliveries where state = 'dropped' and reason is not null").await, 2);
    let ticket = bot.hears(56, "Ciao").await;
    let page = bot.desk.agent("Giulia", sportello::desk::kinds::Role::Agent).await.visit(&format!("/tickets/{ticket}")).await;
    assert!(page.body.contains("cannot be shown here (poll)"));
}

#[tokio::test]
async fn a_customer_who_blocks_the_bot_is_not_written_to() {
    let bot = Bot::new().await;
    let ticket = bot.hears(51, "Ciao").await;
    let member = |status: &str| {
        json!({ "update_id": 10, "my_chat_member": { "chat": { "id": 987_654_321, "type": "private" }, "date": 1,
            "new_chat_member": { "user": { "id": 123_456_789 }, "status": status } } })
    };
    bot.bring(&member("kicked")).await;
    bot.desk.understood().await;
    let giulia = bot.desk.agent("Giulia", sportello::desk::kinds::Role::Agent).await;
    assert!(giulia.visit(&format!("/tickets/{ticket}")).await.body.contains("has blocked the shop"));
    let form = reqwest::multipart::Form::new().text("body", "Eccoci").text("note", "0").text("then", "send").text("way", "");
    let page = giulia.post_files(&format!("/tickets/{ticket}/reply"), form).await;
    assert_eq!(page.status.as_u16(), 422);
    assert!(page.body.contains("has blocked us on this network"), "and the words are kept in the draft");
    bot.bring(&member("member")).await;
    bot.desk.understood().await;
    assert_eq!(bot.desk.count("select count(*) from tickets where blocked_at is not null").await, 0);
}
