//! What agents answer: what Telegram receives byte for byte, and what becomes of it.

use serde_json::json;
use sportello::desk::changes::Change;
use sportello::desk::channels;
use sportello::desk::kinds::{DeliveryStatus, Role};
use sportello::desk::networks::say::Outlet;
use sportello::desk::tickets::reply::{self, NewReply};
use sportello::ids::{MessageId, TicketId};

use super::{Bot, TOKEN};
use crate::support::providers::telegram::Faked;

impl Bot {
    async fn answer(&self, ticket: TicketId, body: &str) -> MessageId {
        let agent = match self.desk.count("select count(*) from agents where email = 'anna@bottega.example'").await {
            0 => self.agent().await,
            _ => {
                let mut db = self.desk.app.db.acquire().await.expect("a database");
                let id = sqlx::query_scalar::<_, i64>("select id from agents where email = 'anna@bottega.example'")
                    .fetch_one(&mut *db)
                    .await
                    .expect("Anna");
                sportello::desk::agents::Agent {
                    id: sportello::ids::AgentId(id),
                    email: "anna@bottega.example".into(),
                    name: "Anna".into(),
                    role: Role::Agent,
                    signature: String::new(),
                    session: None,
                }
            }
        };
        let mut change = Change::begin(&self.desk.app).await.expect("a database");
        let abilities = sportello::channels::wire::network(sportello::desk::kinds::ChannelKind::Telegram)
            .expect("the network")
            .abilities(&channels::find(&mut change, self.channel).await.expect("a database").expect("the channel"));
        let new = NewReply {
            body: body.to_owned(),
            outlet: Some(Outlet { channel: self.channel, abilities, private: false, template: None }),
            ..NewReply::default()
        };
        let message = reply::reply(&mut change, &agent, ticket, &new).await.expect("a reply");
        change.commit().await.expect("a database");
        message
    }

    async fn state(&self, message: MessageId) -> DeliveryStatus {
        self.desk.message(message).await.delivery.expect("an outbound message")
    }
}

#[tokio::test]
async fn an_answer_from_the_composer_arrives_in_the_chat() {
    let bot = Bot::new().await;
    let ticket = bot.hears(51, "Il mio ordine?").await;
    let giulia = bot.desk.agent("Giulia", Role::Agent).await;
    let form = reqwest::multipart::Form::new().text("body", "Arriva domani.").text("note", "0").text("then", "send").text("way", "");
    assert_eq!(giulia.post_files(&format!("/tickets/{ticket}/reply"), form).await.status.as_u16(), 303);
    assert_eq!(bot.work().await, Vec::<String>::new());
    let calls = bot.telegram.calls("sendMessage");
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].token, TOKEN);
    assert_eq!(calls[0].body, br#"{"chat_id":987654321,"text":"Arriva domani."}"#.as_slice());
    assert_eq!(bot.text("select status::text from tickets").await, "pending");
    assert_eq!(bot.text("select delivery::text from messages where direction = 'outbound'").await, "sent");
    // A reply to it quotes it.
    bot.bring(&super::message(62, json!({ "text": "Grazie!", "reply_to_message": { "message_id": 61 } }))).await;
    bot.desk.understood().await;
    assert_eq!(bot.text("select o.body from messages m join messages o on o.id = m.reply_to_id").await, "Arriva domani.");
    assert!(giulia.visit(&format!("/tickets/{ticket}")).await.body.contains("On Telegram"));
}

#[tokio::test]
async fn long_answers_become_several_messages_in_order() {
    let bot = Bot::new().await;
    let ticket = bot.hears(51, "Raccontami tutto").await;
    let text = "Una frase abbastanza lunga per il test. ".repeat(250);
    let message = bot.answer(ticket, &text).await;
    assert!(bot.work().await.is_empty());
    let sent: Vec<String> =
        bot.telegram.calls("sendMessage").iter().map(|call| call.json()["text"].as_str().expect("text").to_owned()).collect();
    assert_eq!(sent.len(), 3);
    assert!(sent.iter().all(|text| text.encode_utf16().count() <= 4096));
    assert_eq!(sent.join(" "), text.trim());
    assert_eq!(bot.state(message).await, DeliveryStatus::Sent);
}

#[tokio::test]
async fn an_expired_sign_in_stops_the_channel_and_answers_leave_when_it_is_back() {
    let bot = Bot::new().await;
    let ticket = bot.hears(51, "Ciao").await;
    bot.telegram.answer_next("sendMessage", Faked::Json(401, json!({ "ok": false, "error_code": 401, "description": "Unauthorized" })));
    let first = bot.answer(ticket, "Uno").await;
    let second = bot.answer(ticket, "Due").await;
    bot.work().await;
    assert_eq!(bot.state(first).await, DeliveryStatus::Queued);
    assert_eq!(bot.state(second).await, DeliveryStatus::Queued);
    assert_eq!(bot.telegram.calls("sendMessage").len(), 1, "the channel has stopped");
    let admin = bot.desk.agent("Marta", Role::Admin).await;
    let page = admin.visit(&format!("/settings/networks/telegram/{}", bot.channel)).await;
    assert!(page.body.contains("The sign-in has expired"));
    assert!(admin.visit(&format!("/tickets/{ticket}")).await.body.contains("has to be connected again by an admin"));
    // The admin enters the new token.
    let fields = [("name", "Telegram"), ("token", "123456789:AAEnew"), ("base", &*bot.telegram.url), ("then", "test")];
    let page = admin.post(&format!("/settings/networks/telegram/{}", bot.channel), &fields).await;
    assert!(page.body.contains("It works: @barsport_bot"), "{}", page.body);
    assert!(bot.work().await.is_empty());
    let calls = bot.telegram.calls("sendMessage");
    let texts: Vec<_> = calls[1..].iter().map(|call| (call.token.clone(), call.json()["text"].clone())).collect();
    assert_eq!(texts, [("123456789:AAEnew".to_owned(), json!("Uno")), ("123456789:AAEnew".to_owned(), json!("Due"))]);
    assert_eq!(bot.state(second).await, DeliveryStatus::Sent);
}

#[tokio::test]
async fn refusals_come_back_in_plain_words() {
    let bot = Bot::new().await;
    let ticket = bot.hears(51, "Ciao").await;
    let blocked = json!({ "ok": false, "error_code": 403, "description": "Forbidden: bot was blocked by the user" });
    bot.telegram.answer_next("sendMessage", Faked::Json(403, blocked));
    let message = bot.answer(ticket, "Eccoci").await;
    bot.work().await;
    assert_eq!(bot.state(message).await, DeliveryStatus::Failed);
    assert!(bot.desk.message(message).await.delivery_error.expect("a reason").contains("bot was blocked by the user"));
    assert_eq!(bot.text("select status::text from tickets").await, "open", "it is open again");
}

#[tokio::test]
async fn too_fast_and_broken_is_tried_again() {
    let bot = Bot::new().await;
    let ticket = bot.hears(51, "Ciao").await;
    let fast =
        json!({ "ok": false, "error_code": 429, "description": "Too Many Requests: retry after 8", "parameters": { "retry_after": 8 } });
    bot.telegram.answer_next("sendMessage", Faked::Json(429, fast));
    bot.telegram.answer_next("sendMessage", Faked::Json(502, json!({ "ok": false, "error_code": 502, "description": "Bad Gateway" })));
    let message = bot.answer(ticket, "Eccoci").await;
    bot.work().await;
    for _ in 0..3 {
        sqlx::query("update jobs set run_at = now() where kind = 'send_message' and dead_at is null")
            .execute(&bot.desk.app.db)
            .await
            .expect("a database");
        bot.work().await;
    }
    assert_eq!(bot.state(message).await, DeliveryStatus::Sent);
    assert_eq!(bot.telegram.calls("sendMessage").len(), 3);
}

#[tokio::test]
async fn what_may_have_arrived_is_not_sent_again_blindly() {
    let bot = Bot::new().await;
    let ticket = bot.hears(51, "Ciao").await;
    bot.telegram.answer_next("sendMessage", Faked::Raw(200, "<html>not what was promised"));
    let message = bot.answer(ticket, "Eccoci").await;
    bot.work().await;
    bot.work().await;
    assert_eq!(bot.state(message).await, DeliveryStatus::Unsure);
    assert_eq!(bot.telegram.calls("sendMessage").len(), 1);
    let giulia = bot.desk.agent("Giulia", Role::Agent).await;
    let page = giulia.visit(&format!("/tickets/{ticket}")).await;
    assert!(page.body.contains("It may have arrived, or not."));
    giulia.post(&format!("/tickets/{ticket}/messages/{message}/again"), &[]).await;
    assert!(bot.work().await.is_empty());
    assert_eq!(bot.state(message).await, DeliveryStatus::Sent);
    assert_eq!(bot.telegram.calls("sendMessage").len(), 2);
}

#[tokio::test]
async fn files_go_along_with_the_words_below_the_first() {
    let bot = Bot::new().await;
    let ticket = bot.hears(51, "Ciao").await;
    let giulia = bot.desk.agent("Giulia", Role::Agent).await;
    let file = reqwest::multipart::Part::bytes(crate::support::providers::telegram::PIXEL.to_vec())
        .file_name("scatola.png")
        .mime_str("image/png")
        .expect("a type");
    let form =
        reqwest::multipart::Form::new().text("body", "Ecco").text("note", "0").text("then", "send").text("way", "").part("files", file);
    assert_eq!(giulia.post_files(&format!("/tickets/{ticket}/reply"), form).await.status.as_u16(), 303);
    assert!(bot.work().await.is_empty());
    let call = &bot.telegram.calls("sendPhoto")[0];
    assert!(call.content_type.starts_with("multipart/form-data"));
    let body = String::from_utf8_lossy(&call.body);
    assert!(
        body.contains("name=\"caption\"\r\n\r\nEcco\r\n")
            && body.contains("filename=\"scatola.png\"")
            && body.contains("name=\"chat_id\"\r\n\r\n987654321\r\n"),
        "{body}"
    );
    assert!(bot.telegram.calls("sendMessage").is_empty());
}
