//! What customers say to and about the account.

use std::time::Duration;

use http::Method;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sportello::channels::x::sign;
use sportello::desk::kinds::{DeliveryStatus, Role};

use crate::support::providers::recorder::{Recorder, Says};
use crate::support::providers::x::{ANNA, OWN, SECRET, desk, dm, dm_between, event, id_now, mention, problem};

#[tokio::test]
async fn the_handshake_is_answered_with_the_tokens_hmac() {
    let desk = desk().await;
    let page = desk.visitor().get(&format!("{}?crc_token=crc-token-1&nonce=x", desk.hook())).await;
    assert_eq!(page.status, StatusCode::OK);
    let told: Value = serde_json::from_str(&page.body).expect("JSON");
    assert_eq!(told, json!({ "response_token": "sha256=r+T4i3oz5lhVeFlaD3wXqDtNfaxnrRtrFvP85u6jyLU=" }));
    assert_eq!(desk.visitor().get(&desk.hook()).await.status, StatusCode::FORBIDDEN, "there is nothing to prove without a token");
    // Whoever had a webhook of their own signed by a handshake could send it.
    for forged in ["%7B%22data%22%3A%7B%7D%7D", "%5B%5D", "a%20b", "", &*"a".repeat(129)] {
        let page = desk.visitor().get(&format!("{}?crc_token={forged}", desk.hook())).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{forged}");
    }
    assert_eq!(desk.count("select count(*) from deliveries").await, 0);
}

#[tokio::test]
async fn only_x_is_let_in_by_its_raw_bytes() {
    let desk = desk().await;
    // Spaces and escapes that no writer of ours would make.
    let raw = br#"{ "data" : {"event_uuid":"1","filter":{"user_id":"1111111111"},"event_type":"dm.indicate_typing","payload":{"t":"perch\u00e9"}} }"#;
    for (signature, status) in [
        (None, StatusCode::FORBIDDEN),
        (Some("sha256=".to_owned()), StatusCode::FORBIDDEN),
        (Some(sign("another-secret", raw)), StatusCode::FORBIDDEN),
        (Some(sign(SECRET, b"{}")), StatusCode::FORBIDDEN),
        (Some(sign(SECRET, raw)), StatusCode::OK),
    ] {
        assert_eq!(desk.post_x(raw, signature.as_deref()).await, status);
    }
    assert_eq!(desk.count("select count(*) from deliveries").await, 1);
}

#[tokio::test]
async fn a_message_becomes_a_ticket_once() {
    let desk = desk().await;
    let body = dm("2080765901528535096", "Ciao, aperti domenica?", &Value::Null);
    desk.bring(&body).await;
    desk.bring(&body).await;
    let old = json!({ "for_user_id": OWN, "direct_message_events": body["data"]["payload"]["direct_message_events"], "users": {} });
    desk.bring(&old).await;
    desk.bring(&dm("2080765901528535097", "O lunedì?", &Value::Null)).await;
    assert_eq!(desk.count("select count(*) from messages").await, 2);
    desk.ticket().await;
    assert_eq!(desk.text("select name from contacts").await, "Anna Verdi");
    assert_eq!(desk.text("select kind::text || ' ' || address from identities").await, format!("x {ANNA}"));
    assert_eq!(desk.text("select subject from tickets").await, "Ciao, aperti domenica?");
}

#[tokio::test]
async fn one_post_that_fires_three_events_is_one_message() {
    let desk = desk().await;
    let id = id_now(1);
    for kind in ["post.mention.create", "post.reply.create", "post.quote.create"] {
        desk.bring(&event(kind, mention(&id, "@barsport aperti?"))).await;
    }
    assert_eq!(desk.count("select count(*) from messages where public").await, 1);
    assert_eq!(desk.text("select url from posts").await, format!("https://x.com/i/status/{id}"));
    // What somebody else says in the same conversation is theirs.
    let mut other = mention(&id_now(2), "@barsport @annav anch'io");
    (other["author_id"], other["conversation_id"]) = (json!("3333333333"), json!(id));
    desk.bring(&event("post.mention.create", other)).await;
    let mut passed_on = mention(&id_now(3), "RT @annav: @barsport aperti?");
    passed_on["referenced_tweets"] = json!([{ "type": "retweeted", "id": id }]);
    desk.bring(&event("post.mention.create", passed_on)).await;
    assert_eq!(desk.count("select count(*) from tickets where public").await, 2);
    let page = desk.agent("Giulia", Role::Agent).await.visit("/").await;
    assert_eq!(page.status, StatusCode::OK);
}

#[tokio::test]
async fn the_post_around_an_answer_is_asked_for() {
    let desk = desk().await;
    let mut reply = mention(&id_now(1), "@barsport e la domenica?");
    reply["conversation_id"] = json!("2080760000000000001");
    reply["in_reply_to_user_id"] = json!(OWN);
    reply["referenced_tweets"] = json!([{ "type": "replied_to", "id": "2080760000000000001" }]);
    let root = json!({ "data": { "id": "2080760000000000001", "text": "Nuovi orari!", "author_id": OWN },
        "includes": { "users": [{ "id": OWN, "username": "barsport" }] } });
    desk.fake.say(Method::GET, "/2/tweets/2080760000000000001", Says::json(200, &root));
    desk.bring(&event("post.reply.create", reply)).await;
    assert_eq!(desk.text("select author || ': ' || body from posts").await, "@barsport: Nuovi orari!");
    // The older API does not tell the conversation: it is asked for too.
    let old = json!({ "for_user_id": OWN, "tweet_create_events": [{ "created_at": "Sat Oct 03 09:50:00 +0000 2026", "id_str": "2080770000000000042",
        "text": "@barsport grazie", "in_reply_to_status_id_str": "2080769999999999999", "user": { "id_str": ANNA, "name": "Anna Verdi", "screen_name": "annav" },
        "entities": { "user_mentions": [{ "id_str": OWN }] } }] });
    let found = json!({ "data": { "id": "2080770000000000042", "conversation_id": "2080760000000000001" } });
    desk.fake.say(Method::GET, "/2/tweets/2080770000000000042", Says::json(200, &found));
    desk.bring(&old).await;
    assert_eq!(desk.talk().await.len(), 2, "both are one conversation");
}

#[tokio::test]
async fn a_batch_is_read_to_its_end() {
    let desk = desk().await;
    let good = dm("2080765901528535098", "ciao", &Value::Null)["data"]["payload"]["direct_message_events"][0].clone();
    let body = json!({ "for_user_id": OWN, "direct_message_events": [{ "type": "message_create" }, 7, good], "circle_events": [{}],
        "tweet_create_events": [{ "text": "no id" }] });
    desk.bring(&body).await;
    assert_eq!(desk.talk().await.len(), 1);
    let reason = desk.reasons().await.join("\n");
    assert!(reason.contains("circle_events") && reason.contains("without an id"), "{reason}");
    let mut elsewhere = dm("2080765901528535099", "per un altro", &Value::Null);
    elsewhere["data"]["filter"]["user_id"] = json!("9999999999");
    elsewhere["data"]["payload"]["direct_message_events"][0]["message_create"]["target"]["recipient_id"] = json!("9999999999");
    desk.bring(&elsewhere).await;
    assert_eq!(desk.talk().await.len(), 1);
    assert!(desk.reasons().await.join("\n").contains("account 9999999999, which is not connected here"));
}

#[tokio::test]
async fn deleted_posts_lose_their_words_also_when_that_comes_first() {
    let desk = desk().await;
    let (first, second) = (id_now(1), id_now(2));
    desk.bring(&event("post.delete", json!({ "id": second }))).await;
    desk.bring(&event("post.mention.create", mention(&second, "@barsport via subito"))).await;
    desk.bring(&event("post.mention.create", mention(&first, "@barsport via dopo"))).await;
    let old = json!({ "for_user_id": OWN, "tweet_delete_events": [{ "status": { "id": first, "user_id": ANNA }, "timestamp_ms": "1791003300662" }] });
    desk.bring(&old).await;
    assert_eq!(desk.count("select count(*) from messages where removed_at is not null and body = ''").await, 2);
}

#[tokio::test]
async fn what_the_account_says_elsewhere_is_part_of_the_conversation() {
    let desk = desk().await;
    desk.bring(&dm("2080765901528535096", "Ciao?", &Value::Null)).await;
    desk.bring(&dm_between("2080765901528535097", OWN, ANNA, "Eccoci, dall'app", &Value::Null)).await;
    let talk = desk.talk().await;
    assert_eq!((talk.len(), &*talk[1].body, talk[1].delivery), (2, "Eccoci, dall'app", Some(DeliveryStatus::Sent)));
    // Said to nobody in particular.
    let own =
        json!({ "id": id_now(9), "text": "Saldi!", "author_id": OWN, "conversation_id": "5", "created_at": "2026-10-03T09:50:00.000Z" });
    desk.bring(&event("post.create", own)).await;
    assert_eq!(desk.count("select count(*) from tickets").await, 1);
}

#[tokio::test]
async fn pictures_of_messages_are_fetched_with_the_sign_in_and_what_fails_is_said() {
    let attachment =
        |url: &str| json!({ "attachment": { "type": "media", "media": { "id_str": "2", "type": "photo", "media_url_https": url } } });
    let ton = "https://ton.twitter.com/1.1/ton/data/dm/1/2/x.jpg";
    let desk = desk().await;
    desk.bring(&dm("11", "rotto", &attachment(ton))).await;
    let asked = desk.fake.asked("/2/dm_conversations/media/1/2/x.jpg");
    assert_eq!(asked[0].header("authorization"), "Bearer user-token");
    assert_eq!(desk.text("select name || ' ' || size from attachments").await, "x.jpg 5");
    // A redirect is followed without it.
    let storage = Recorder::new(|_| Says::bytes(200, "image/jpeg", b"elsewhere".to_vec())).await;
    desk.fake.say(Method::GET, "/2/dm_conversations/media/", Says::redirect(&format!("{}/store/1", storage.url)));
    desk.bring(&dm("12", "ancora", &attachment(ton))).await;
    assert_eq!(storage.asked("/store/1")[0].header("authorization"), "");
    // Gone, and too large.
    desk.fake.say(Method::GET, "/2/dm_conversations/media/", problem(404, "Not Found", "gone"));
    desk.bring(&dm("13", "scaduto", &attachment(ton))).await;
    desk.fake.say(Method::GET, "/2/dm_conversations/media/", Says::bytes(200, "image/jpeg", vec![0; (25 << 20) + 1]));
    desk.bring(&dm("14", "enorme", &attachment(ton))).await;
    // Slow, but it comes.
    desk.fake.say(
        Method::GET,
        "/2/dm_conversations/media/",
        Says::bytes(200, "image/jpeg", b"jpeg!".to_vec()).slowly(Duration::from_secs(1)),
    );
    desk.bring(&dm("15", "lento", &attachment(ton))).await;
    assert_eq!(desk.count("select count(*) from attachments").await, 3);
    assert_eq!(desk.count("select count(*) from messages where extras ->> 'missing' like '%could not be fetched%'").await, 2);
    // A picture that everybody may see gets no sign-in of ours.
    let open = format!("{}/media/pub.jpg", storage.url);
    desk.bring(&dm("16", "pubblico", &attachment(&open))).await;
    assert_eq!(storage.asked("/media/pub.jpg")[0].header("authorization"), "");
}

#[tokio::test]
async fn taking_the_rights_back_stops_the_channel() {
    for body in [
        event("oauth.revoke", json!({ "date_time": "2026-10-03T10:00:00+00:00", "user_id": OWN, "app_id": "13090192" })),
        json!({ "user_event": { "revoke": { "date_time": "2026-10-03T10:00:00+00:00", "target": { "app_id": "1" }, "source": { "user_id": OWN } } } }),
    ] {
        let desk = desk().await;
        desk.bring(&body).await;
        let channel = desk.row().await;
        assert!(channel.sign_in_lost_at.is_some() && channel.last_error.expect("words").contains("rights back"));
    }
}
