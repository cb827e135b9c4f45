//! What goes with words: naming the message that one answers, an emoji on it, being seen to read and write.

use serde_json::json;
use sportello::desk::kinds::Role;

use super::{Bot, message};
use crate::support::providers::telegram::Faked;

#[tokio::test]
async fn an_answer_names_the_message_that_it_answers() {
    let bot = Bot::new().await;
    let ticket = bot.hears(51, "Avete il blu?").await;
    bot.hears(52, "E il rosso?").await;
    let giulia = bot.desk.agent("Giulia", Role::Agent).await;
    let blue: i64 =
        sqlx::query_scalar("select id from messages where provider_id = '987654321:51'").fetch_one(&bot.desk.app.db).await.expect("a row");
    let page = giulia.visit(&format!("/tickets/{ticket}?answers={blue}")).await;
    assert_eq!(page.attribute("#answers input", "value"), blue.to_string());
    assert_eq!(page.text("#answers [data-answers-words]"), "Avete il blu?");
    let form = reqwest::multipart::Form::new()
        .text("body", "Sì, in tutte le misure.")
        .text("note", "0")
        .text("then", "send")
        .text("way", "")
        .text("answers", blue.to_string());
    giulia.post_files(&format!("/tickets/{ticket}/reply"), form).await.is(303);
    assert!(bot.work().await.is_empty());
    let sent = bot.telegram.calls("sendMessage");
    assert_eq!(sent[0].json()["reply_parameters"], json!({ "message_id": 51, "allow_sending_without_reply": true }));
    let page = giulia.visit(&format!("/tickets/{ticket}")).await;
    assert_eq!(page.texts(".letter-answers"), ["Avete il blu?"]);
}

#[tokio::test]
async fn what_was_taken_back_is_answered_without_naming_it() {
    let bot = Bot::new().await;
    let ticket = bot.hears(51, "Avete il blu?").await;
    let other = bot.hears(52, "E il rosso?").await;
    assert_eq!(ticket, other);
    let giulia = bot.desk.agent("Giulia", Role::Agent).await;
    let blue: i64 =
        sqlx::query_scalar("select id from messages where provider_id = '987654321:51'").fetch_one(&bot.desk.app.db).await.expect("a row");
    sqlx::query("update messages set removed_at = now() where id = $1").bind(blue).execute(&bot.desk.app.db).await.expect("removed");
    let form = reqwest::multipart::Form::new().text("body", "Sì.").text("note", "0").text("way", "").text("answers", blue.to_string());
    giulia.post_files(&format!("/tickets/{ticket}/reply"), form).await.is(303);
    assert!(bot.work().await.is_empty());
    assert!(bot.telegram.calls("sendMessage")[0].json().get("reply_parameters").is_none());
}

#[tokio::test]
async fn an_emoji_of_ours_goes_on_their_message_and_off_again() {
    let bot = Bot::new().await;
    let ticket = bot.hears(51, "Arrivato, grazie!").await;
    let giulia = bot.desk.agent("Giulia", Role::Agent).await;
    let page = giulia.visit(&format!("/tickets/{ticket}")).await;
    let react = page.attribute("form.letter-react", "action");
    giulia.post(&react, &[("emoji", "🎉")]).await.is(303);
    let calls = bot.telegram.calls("setMessageReaction");
    assert_eq!(calls[0].body, r#"{"chat_id":987654321,"message_id":51,"reaction":[{"emoji":"🎉","type":"emoji"}]}"#.as_bytes());
    let page = giulia.visit(&format!("/tickets/{ticket}")).await;
    assert_eq!(page.texts(".letter-emoji span"), ["🎉"]);
    assert_eq!(page.attribute(".letter-react [aria-pressed]", "value"), "");
    giulia.post(&react, &[("emoji", "")]).await.is(303);
    assert_eq!(bot.telegram.calls("setMessageReaction")[1].json()["reaction"], json!([]));
    assert!(giulia.visit(&format!("/tickets/{ticket}")).await.texts(".letter-emoji span").is_empty());
    // Only what the network takes, and what it refuses changes nothing here.
    giulia.post(&react, &[("emoji", "🦄")]).await.is(400);
    let refused = json!({ "ok": false, "error_code": 400, "description": "Bad Request: REACTION_INVALID" });
    bot.telegram.answer_next("setMessageReaction", Faked::Json(400, refused));
    let told = giulia.post(&react, &[("emoji", "👍")]).await.is(303).told();
    assert_eq!(told, "Nothing was changed. Telegram answered: Bad Request: REACTION_INVALID.");
    let page = giulia.visit(&format!("/tickets/{ticket}")).await;
    assert!(page.texts(".letter-emoji span").is_empty());
}

#[tokio::test]
async fn the_customer_sees_that_somebody_writes_but_not_every_key() {
    let bot = Bot::new().await;
    let ticket = bot.hears(51, "C'è nessuno?").await;
    let giulia = bot.desk.agent("Giulia", Role::Agent).await;
    for _ in 0..3 {
        giulia.post(&format!("/tickets/{ticket}/presence"), &[("state", "typing")]).await.is(204);
    }
    assert!(bot.work().await.is_empty());
    let calls = bot.telegram.calls("sendChatAction");
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].body, br#"{"action":"typing","chat_id":987654321}"#.as_slice());
    // Whoever stopped long ago is not said to write.
    sqlx::query("update shown_marks set typing_at = now() - interval '1 minute'").execute(&bot.desk.app.db).await.expect("a row");
    giulia.post(&format!("/tickets/{ticket}/presence"), &[("state", "typing")]).await.is(204);
    sqlx::query("update shown_marks set typing_at = now() - interval '1 minute'").execute(&bot.desk.app.db).await.expect("a row");
    assert!(bot.work().await.is_empty());
    assert_eq!(bot.telegram.calls("sendChatAction").len(), 1);
}

#[tokio::test]
async fn an_expired_sign_in_is_told_to_those_whom_it_concerns_once() {
    let bot = Bot::new().await;
    let ticket = bot.hears(51, "Ciao").await;
    let admin = bot.desk.agent("Marta", Role::Admin).await;
    let giulia = bot.desk.agent("Giulia", Role::Agent).await;
    bot.desk.agent("Paolo", Role::Agent).await;
    let gone = || Faked::Json(401, json!({ "ok": false, "error_code": 401, "description": "Unauthorized" }));
    bot.telegram.answer_next("sendMessage", gone());
    let form = reqwest::multipart::Form::new().text("body", "Eccoci").text("note", "0").text("way", "");
    giulia.post_files(&format!("/tickets/{ticket}/reply"), form).await.is(303);
    // She has the ticket, and it waits for its customer.
    bot.work().await;
    let told = |bot: &Bot| -> Vec<String> {
        let mut to: Vec<String> = bot.desk.desk.sent().into_iter().flat_map(|sent| sent.to).collect();
        to.sort();
        to
    };
    let people = told(&bot);
    assert_eq!(people.len(), 2, "{people:?}");
    assert!(people[0].contains("giulia") && people[1].contains("marta"), "{people:?}");
    assert!(bot.desk.desk.last_sent().contains(&format!("/settings/networks/telegram/{}", bot.channel)));
    assert!(admin.visit("/inbox/open").await.body.contains("Telegram no longer lets us in with “Telegram”."));
    // It is known; a second refusal is no news.
    bot.work().await;
    assert_eq!(told(&bot).len(), 2);
}

#[tokio::test]
async fn an_old_ticket_is_answered_where_its_conversation_goes_on() {
    let bot = Bot::new().await;
    let first = bot.hears(51, "Il mio ordine?").await;
    sqlx::query("update tickets set status = 'solved', solved_at = now() - interval '8 days'")
        .execute(&bot.desk.app.db)
        .await
        .expect("solved");
    assert_eq!(bot.bring(&message(52, json!({ "text": "Un'altra cosa" }))).await, 200);
    let second = bot.hears(53, "Ci siete?").await;
    assert_ne!(first, second);
    let giulia = bot.desk.agent("Giulia", Role::Agent).await;
    let form = reqwest::multipart::Form::new().text("body", "Ancora sul primo ordine").text("note", "0").text("way", "");
    giulia.post_files(&format!("/tickets/{first}/reply"), form).await.is(303);
    assert!(bot.work().await.is_empty());
    let sent = bot.telegram.calls("sendMessage");
    assert_eq!((sent[0].json()["chat_id"].clone(), sent[0].json()["text"].clone()), (json!(987_654_321), json!("Ancora sul primo ordine")));
}

#[tokio::test]
async fn quick_replies_go_along_with_an_answer() {
    let bot = Bot::new().await;
    let ticket = bot.hears(51, "Quando arriva?").await;
    let giulia = bot.desk.agent("Giulia", Role::Agent).await;
    let page = giulia.visit(&format!("/tickets/{ticket}")).await;
    assert_eq!(page.attributes("#choices [name=choice]", "maxlength"), ["40"; 4]);
    let form = reqwest::multipart::Form::new()
        .text("body", "Mattina o pomeriggio?")
        .text("note", "0")
        .text("way", "")
        .text("choice", "Mattina")
        .text("choice", " ")
        .text("choice", "Pomeriggio");
    giulia.post_files(&format!("/tickets/{ticket}/reply"), form).await.is(303);
    assert!(bot.work().await.is_empty());
    let buttons = bot.telegram.calls("sendMessage")[0].json()["reply_markup"]["inline_keyboard"].clone();
    assert_eq!(
        buttons,
        json!([[{ "text": "Mattina", "callback_data": "Mattina" }], [{ "text": "Pomeriggio", "callback_data": "Pomeriggio" }]])
    );
    // What is refused keeps them.
    let form = reqwest::multipart::Form::new().text("body", "").text("note", "0").text("way", "").text("choice", "Mattina");
    let page = giulia.post_files(&format!("/tickets/{ticket}/reply"), form).await.is(422);
    assert_eq!(page.attribute("#choices [name=choice]", "value"), "Mattina");
}
