//! What agents answer: messages, public posts, their files, and what each refusal means.

use http::Method;
use serde_json::{Value, json};
use sportello::clock::Ts;
use sportello::desk::agents::Agent;
use sportello::desk::changes::Change;
use sportello::desk::kinds::{DeliveryStatus, Role};

use crate::support::providers::recorder::Says;
use crate::support::providers::whatsapp::NetworkDesk;
use crate::support::providers::x::{ANNA, OWN, desk, desk_with, dm, dm_between, event, id_now, mention, problem};

const WITH_ANNA: &str = "/2/dm_conversations/with/2222222222/messages";

async fn asked() -> (NetworkDesk, Agent) {
    let desk = desk().await;
    let agent = desk.bruno().await;
    desk.bring(&dm(&id_now(1), "Ciao?", &Value::Null)).await;
    (desk, agent)
}

async fn mentioned() -> (NetworkDesk, Agent, String) {
    let desk = desk().await;
    let agent = desk.bruno().await;
    let id = id_now(1);
    desk.bring(&event("post.mention.create", mention(&id, "@barsport aperti?"))).await;
    (desk, agent, id)
}

#[tokio::test]
async fn a_message_leaves_and_is_read() {
    let (desk, agent) = asked().await;
    let (message, errors) = desk.answer(&agent, "Sì, fino alle 20").await;
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(message.delivery, Some(DeliveryStatus::Sent));
    let asked = desk.fake.asked(WITH_ANNA);
    assert_eq!((asked.len(), asked[0].json()), (1, json!({ "text": "Sì, fino alle 20" })));
    assert_eq!((asked[0].header("authorization"), asked[0].header("content-type")), ("Bearer user-token", "application/json"));
    let now = Ts::now().plus_seconds(5).0.as_millisecond();
    let read = |last: &str| {
        event(
            "dm.read",
            json!({ "direct_message_mark_read_events": [{ "created_timestamp": now.to_string(), "sender_id": ANNA,
            "target": { "recipient_id": OWN }, "last_read_event_id": last }], "users": {} }),
        )
    };
    desk.bring(&read("2080765901528535096")).await;
    assert_eq!(desk.delivery(message.id).await, DeliveryStatus::Sent, "what was read was older");
    desk.bring(&read(&id_now(7))).await;
    assert_eq!(desk.delivery(message.id).await, DeliveryStatus::Read);
}

#[tokio::test]
async fn one_file_goes_with_the_words_and_others_follow() {
    let (desk, agent) = asked().await;
    desk.upload(&agent, "foto.png", "image/png", b"\x89PNG \x00\xff").await;
    desk.upload(&agent, "due.png", "image/png", b"\x89PNG 2").await;
    let (message, errors) = desk.answer(&agent, "Ecco").await;
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(message.delivery, Some(DeliveryStatus::Sent), "{:?}", message.delivery_error);
    let uploads = desk.fake.asked("/2/media/upload");
    assert_eq!(uploads.len(), 2);
    let text = uploads[0].text();
    assert!(uploads[0].header("content-type").starts_with("multipart/form-data"));
    assert!(text.contains("name=\"media_category\"\r\n\r\ndm_image\r\n") && text.contains("name=\"media\"; filename=\"media\""), "{text}");
    assert!(uploads[0].body.windows(7).any(|bytes| bytes == b"\x89PNG \x00\xff"));
    let sent: Vec<Value> = desk.fake.asked(WITH_ANNA).iter().map(|asked| asked.json()).collect();
    let with = json!([{ "media_id": "900" }]);
    assert_eq!(sent, [json!({ "text": "Ecco", "attachments": with }), json!({ "attachments": with })]);
}

#[tokio::test]
async fn a_file_whose_answer_is_garbled_is_handed_over_again() {
    let (desk, agent) = asked().await;
    desk.upload(&agent, "uno.png", "image/png", b"\x89PNG 1").await;
    desk.fake.say(Method::POST, "/2/media/upload", Says::bytes(200, "text/html", b"<html>".to_vec()));
    let (message, errors) = desk.answer(&agent, "Ecco").await;
    assert!(errors[0].contains("could not be read"), "{errors:?}");
    assert_eq!(message.delivery, Some(DeliveryStatus::Sent), "nothing had left, so nothing is unsure");
    assert_eq!((desk.fake.asked("/2/media/upload").len(), desk.fake.asked(WITH_ANNA).len()), (2, 1));
}

#[tokio::test]
async fn films_go_up_in_pieces_and_are_waited_for() {
    let (desk, agent) = asked().await;
    desk.upload(&agent, "film.mp4", "video/mp4", &vec![7; (4 << 20) + 10]).await;
    let pending = |state: &str| json!({ "data": { "id": "900", "processing_info": { "state": state, "check_after_secs": 1 } } });
    desk.fake.say(Method::POST, "/2/media/upload/900/finalize", Says::json(200, &pending("pending")));
    desk.fake.say(Method::GET, "/2/media/upload", Says::json(200, &pending("succeeded")));
    let (message, errors) = desk.answer(&agent, "").await;
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(message.delivery, Some(DeliveryStatus::Sent), "{:?}", message.delivery_error);
    let begun = &desk.fake.asked("/2/media/upload/initialize")[0];
    assert_eq!(begun.json(), json!({ "media_type": "video/mp4", "total_bytes": (4 << 20) + 10, "media_category": "dm_video" }));
    let pieces = desk.fake.asked("/2/media/upload/900/append");
    assert_eq!(pieces.len(), 2);
    assert!(pieces[1].text().contains("name=\"segment_index\"\r\n\r\n1\r\n"));
    assert_eq!(desk.fake.asked("/2/media/upload").iter().filter(|asked| asked.query("command").as_deref() == Some("STATUS")).count(), 1);
    // One that X cannot use fails with its reason.
    desk.upload(&agent, "film.mp4", "video/mp4", b"tiny").await;
    let failed = json!({ "data": { "id": "900", "processing_info": { "state": "failed", "error": { "message": "unsupported codec" } } } });
    desk.fake.say(Method::POST, "/2/media/upload/900/finalize", Says::json(200, &failed));
    let (message, _) = desk.answer(&agent, "").await;
    assert!(message.delivery_error.expect("a reason").contains("unsupported codec"));
}

#[tokio::test]
async fn a_public_answer_is_a_reply_with_its_pictures() {
    let (desk, agent, id) = mentioned().await;
    desk.upload(&agent, "uno.png", "image/png", b"\x89PNG 1").await;
    desk.upload(&agent, "due.png", "image/png", b"\x89PNG 2").await;
    let (message, errors) = desk.answer(&agent, "Sì!").await;
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(message.delivery, Some(DeliveryStatus::Sent), "{:?}", message.delivery_error);
    let posts = desk.fake.asked("/2/tweets");
    assert_eq!(posts.len(), 1);
    assert_eq!(
        posts[0].json(),
        json!({ "text": "Sì!", "reply": { "in_reply_to_tweet_id": id }, "media": { "media_ids": ["900", "900"] } })
    );
    assert!(desk.fake.asked("/2/media/upload")[0].text().contains("tweet_image"));
    // It comes back, with the name that X puts before it.
    let own = desk.text("select provider_id from message_parts").await;
    let echo = json!({ "id": own, "text": "@annav Sì!", "author_id": OWN, "conversation_id": id, "in_reply_to_user_id": ANNA,
        "referenced_tweets": [{ "type": "replied_to", "id": id }], "created_at": Ts::now().0.to_string() });
    desk.bring(&event("post.create", echo)).await;
    assert_eq!(desk.talk().await.len(), 2);
    // It is taken back.
    let giulia = desk.desk.agent("Giulia", Role::Agent).await;
    sportello::channels::wire::declare(&desk.app).await.expect("a database");
    desk.app.cache.invalidate_all();
    let ticket = desk.ticket().await;
    let page = giulia.visit(&format!("/tickets/{ticket}")).await;
    assert_eq!(
        page.attributes("form[action$='/public/delete']", "action"),
        [format!("/tickets/{ticket}/messages/{}/public/delete", message.id)]
    );
    giulia.post(&format!("/tickets/{ticket}/messages/{}/public/delete", message.id), &[]).await.is(303);
    let deleted = desk.fake.asked(&format!("/2/tweets/{own}"));
    assert_eq!((deleted.len(), deleted[0].method.clone()), (1, Method::DELETE));
    let first = desk.talk().await[0].id;
    assert_eq!(
        giulia.post(&format!("/tickets/{ticket}/messages/{first}/public/delete"), &[]).await.status.as_u16(),
        400,
        "not ours to delete"
    );
}

#[tokio::test]
async fn what_x_would_not_take_is_said_before_it_is_queued() {
    let desk = desk().await;
    let agent = desk.bruno().await;
    let giulia = desk.desk.agent("Giulia", Role::Agent).await;
    let uncalled = |number: i64| {
        let mut post = mention(&id_now(number), "e per la domenica?");
        (post["entities"], post["conversation_id"]) = (json!({}), json!("2080760000000000001"));
        post["in_reply_to_user_id"] = json!(OWN);
        post["referenced_tweets"] = json!([{ "type": "replied_to", "id": "2080760000000000001" }]);
        event("post.reply.create", post)
    };
    desk.bring(&uncalled(1)).await;
    let refused = desk.try_answer(&agent, "Sì", &[], None).await.expect_err("refused").to_string();
    assert!(refused.contains("mention or quote the account") && refused.contains("Answer this one in X itself"), "{refused}");
    sportello::channels::wire::declare(&desk.app).await.expect("a database");
    desk.app.cache.invalidate_all();
    let ticket = desk.ticket().await;
    assert!(giulia.visit(&format!("/tickets/{ticket}")).await.text(".composer-window--shut").contains("mention or quote the account"));
    // Called once, the conversation can be answered: at the post that calls, also when a later one does not.
    let called = id_now(2);
    let mut post = mention(&called, "@barsport ci siete?");
    post["conversation_id"] = json!("2080760000000000001");
    desk.bring(&event("post.mention.create", post)).await;
    desk.bring(&uncalled(3)).await;
    desk.answer(&agent, "Eccoci").await;
    assert_eq!(desk.fake.asked("/2/tweets").last().expect("a post").json()["reply"]["in_reply_to_tweet_id"], called);
    // 280 as X counts: links 23, wide letters 2.
    let fits = format!("{} https://bottega.it/{}", "è".repeat(256), "a".repeat(100));
    desk.try_answer(&agent, &fits, &[], None).await.expect("it fits");
    let words = desk.try_answer(&agent, &"靴".repeat(141), &[], None).await.expect_err("too long").to_string();
    assert!(words.contains("282 of 280"), "{words}");
    let page = giulia.visit(&format!("/tickets/{ticket}")).await;
    assert_eq!(page.attribute("[data-way] option", "data-unit"), "weighted");
}

#[tokio::test]
async fn on_the_enterprise_plan_any_post_can_be_answered() {
    let desk = desk_with(json!({ "webhook_id": "1146", "subscribed": ["dm.received", "post.mention.create"], "plan": "Enterprise" })).await;
    let agent = desk.bruno().await;
    let mut post = mention(&id_now(1), "bar chiusi?");
    post["entities"] = json!({});
    desk.bring(&event("post.reply.create", post)).await;
    let (message, _) = desk.answer(&agent, "No!").await;
    assert_eq!(message.delivery, Some(DeliveryStatus::Sent));
}

#[tokio::test]
async fn refusals_say_what_helps() {
    for (says, delivery, words) in [
        (problem(403, "Forbidden", "You are not permitted to DM one or more participants"), DeliveryStatus::Failed, "no direct messages"),
        (problem(403, "Forbidden", "Your account is suspended and is not permitted"), DeliveryStatus::Queued, "connected again"),
        (problem(402, "CreditsDepleted", "does not have any credits"), DeliveryStatus::Queued, "connected again"),
        (problem(400, "Invalid Request", "text is too long"), DeliveryStatus::Failed, "X refused it"),
        (
            Says::json(200, &json!({ "errors": [{ "code": 349, "message": "You cannot send messages to this user." }] })),
            DeliveryStatus::Failed,
            "no direct messages",
        ),
        (Says::bytes(200, "text/html", b"<html>".to_vec()), DeliveryStatus::Unsure, ""),
        (Says::json(201, &json!({ "data": {} })), DeliveryStatus::Unsure, ""),
        (Says::broken(), DeliveryStatus::Unsure, ""),
    ] {
        let (desk, agent) = asked().await;
        desk.fake.say(Method::POST, WITH_ANNA, says);
        let (message, _) = desk.answer(&agent, "Eccoci").await;
        assert_eq!(message.delivery, Some(delivery), "{words} {:?}", message.delivery_error);
        let reason = message.delivery_error.unwrap_or_default();
        assert!(reason.contains(words), "{reason}");
        assert_eq!(desk.fake.asked(WITH_ANNA).len(), 1, "{words}");
    }
}

#[tokio::test]
async fn public_refusals_say_what_helps() {
    for (detail, words) in [
        ("You are not allowed to create a Tweet with duplicate content.", "same words only once"),
        ("Reply to this conversation is not allowed because you have not been mentioned or otherwise engaged", "mention or quote"),
    ] {
        let (desk, agent, _) = mentioned().await;
        desk.fake.say(Method::POST, "/2/tweets", problem(403, "Forbidden", detail));
        let (message, _) = desk.answer(&agent, "Eccoci").await;
        assert_eq!(message.delivery, Some(DeliveryStatus::Failed));
        let reason = message.delivery_error.unwrap_or_default();
        assert!(reason.contains(words), "{reason}");
    }
}

#[tokio::test]
async fn a_busy_x_is_asked_again_when_it_says() {
    let reset = (Ts::now().0.as_second() + 30).to_string();
    let busy = [
        problem(429, "Too Many Requests", "Too Many Requests").with("x-rate-limit-reset", &reset),
        Says::json(429, &json!({ "errors": [{ "code": 88, "message": "Rate limit exceeded" }] })),
        problem(503, "Service Unavailable", "over capacity"),
    ];
    for says in busy {
        let (desk, agent) = asked().await;
        desk.fake.say(Method::POST, WITH_ANNA, says);
        let (message, _) = desk.answer(&agent, "Eccoci").await;
        assert_eq!((message.delivery, desk.fake.asked(WITH_ANNA).len()), (Some(DeliveryStatus::Sent), 2));
    }
}

#[tokio::test]
async fn an_answer_whose_taking_was_not_heard_is_known_by_its_echo() {
    let (desk, agent) = asked().await;
    desk.fake.say(Method::POST, WITH_ANNA, Says::broken());
    let (message, _) = desk.answer(&agent, "Eccoci").await;
    assert_eq!(message.delivery, Some(DeliveryStatus::Unsure));
    desk.bring(&dm_between("77", OWN, ANNA, "Eccoci", &Value::Null)).await;
    assert_eq!(desk.delivery(message.id).await, DeliveryStatus::Sent);
    assert_eq!(desk.talk().await.len(), 2);
    // And one whose echo overtakes the answer.
    let id = desk.try_answer(&agent, "Subito", &[], None).await.expect("queued");
    let slow = Says::json(201, &json!({ "data": { "dm_event_id": "78" } })).slowly(std::time::Duration::from_millis(1500));
    desk.fake.say(Method::POST, WITH_ANNA, slow);
    let echo = dm_between("78", OWN, ANNA, "Subito", &Value::Null);
    tokio::join!(desk.leave(), async {
        while desk.fake.asked(WITH_ANNA).len() < 2 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        desk.bring(&echo).await;
    });
    assert_eq!((desk.delivery(id).await, desk.talk().await.len()), (DeliveryStatus::Sent, 3));
}

#[tokio::test]
async fn what_waited_for_the_sign_in_leaves_by_itself() {
    let (desk, agent) = asked().await;
    for _ in 0..2 {
        desk.fake.say(Method::POST, WITH_ANNA, problem(401, "Unauthorized", "Unauthorized"));
    }
    let (message, _) = desk.answer(&agent, "Eccoci").await;
    assert_eq!(message.delivery, Some(DeliveryStatus::Queued));
    assert!(desk.row().await.sign_in_lost_at.is_some());
    assert_eq!(desk.fake.asked("/2/oauth2/token").len(), 1, "it was renewed once, and refused all the same");
    let mut change = Change::begin(&desk.app).await.expect("a database");
    sportello::desk::channels::regain_sign_in(&mut change, desk.channel).await.expect("a database");
    change.commit().await.expect("a database");
    desk.leave().await;
    assert_eq!(desk.delivery(message.id).await, DeliveryStatus::Sent);
}
