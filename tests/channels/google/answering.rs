//! Agents answer reviews: one answer for each, the newest counts.

use http::Method;
use serde_json::{Value, json};
use sportello::clock::Ts;
use sportello::desk::agents::Agent;
use sportello::desk::kinds::{DeliveryStatus, Role};

use crate::support::providers::google::{REVIEWS, desk, page, refusal, review};
use crate::support::providers::recorder::Says;
use crate::support::providers::whatsapp::NetworkDesk;

const REPLY: &str = "/v4/accounts/1122/locations/3344/reviews/a/reply";

async fn reviewed() -> (NetworkDesk, Agent) {
    let desk = desk().await;
    let agent = desk.bruno().await;
    let at = Ts::now().plus_seconds(-3600);
    desk.fake.say(Method::GET, REVIEWS, page(&[review("a", "TWO", "Attesa lunga", at, at)], None));
    desk.poll().await;
    (desk, agent)
}

/// The review as Google tells it with our answer.
async fn told_back(desk: &NetworkDesk, words: &str, more: &Value) {
    let at = Ts::now().plus_seconds(-3600);
    let mut review = review("a", "TWO", "Attesa lunga", at, at);
    review["reviewReply"] = json!({ "comment": words, "updateTime": Ts::now().0.to_string() });
    for (key, value) in more.as_object().into_iter().flatten() {
        review["reviewReply"][key] = value.clone();
    }
    desk.fake.say(Method::GET, REVIEWS, page(&[review], None));
    desk.poll().await;
}

#[tokio::test]
async fn an_answer_is_put_and_a_newer_one_takes_its_place() {
    let (desk, agent) = reviewed().await;
    let (first, errors) = desk.answer(&agent, "Ci scusiamo").await;
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(first.delivery, Some(DeliveryStatus::Sent));
    let put = &desk.fake.asked(REPLY)[0];
    assert_eq!(
        (put.method.clone(), put.json(), put.header("authorization")),
        (Method::PUT, json!({ "comment": "Ci scusiamo" }), "Bearer ya29.first")
    );
    told_back(&desk, "Ci scusiamo", &json!({ "reviewReplyState": "PENDING" })).await;
    assert_eq!(desk.talk().await.len(), 2, "it is the one that left from here");
    let (second, _) = desk.answer(&agent, "Ci scusiamo, torni a trovarci").await;
    told_back(&desk, "Ci scusiamo, torni a  trovarci\n", &json!({ "reviewReplyState": "APPROVED" })).await;
    let talk = desk.talk().await;
    let shown: Vec<_> = talk.iter().skip(1).map(|message| (message.id, message.extras().replaced, message.delivery)).collect();
    assert_eq!(shown, [(first.id, true, Some(DeliveryStatus::Sent)), (second.id, false, Some(DeliveryStatus::Delivered))]);
    let ticket = desk.ticket().await;
    let giulia = desk.desk.agent("Giulia", Role::Agent).await;
    let page = giulia.visit(&format!("/tickets/{ticket}")).await;
    assert!(page.body.contains("A newer answer took its place"));
    let delete = format!("/tickets/{ticket}/messages/{}/public/delete", second.id);
    sportello::channels::wire::declare(&desk.app).await.expect("a database");
    desk.app.cache.invalidate_all();
    let page = giulia.visit(&format!("/tickets/{ticket}")).await;
    assert_eq!(page.attributes("form[action$='/public/delete']", "action"), std::slice::from_ref(&delete));
    giulia.post(&delete, &[]).await.is(303);
    assert_eq!(desk.fake.asked(REPLY).last().expect("a call").method, Method::DELETE);
}

#[tokio::test]
async fn an_answer_against_googles_rules_is_shown_as_failed() {
    let (desk, agent) = reviewed().await;
    let (message, _) = desk.answer(&agent, "Chiamateci allo 0721").await;
    told_back(&desk, "Chiamateci allo 0721", &json!({ "reviewReplyState": "REJECTED", "policyViolation": "SPAM" })).await;
    let message = desk.message(message.id).await;
    assert_eq!(message.delivery, Some(DeliveryStatus::Failed));
    assert!(message.delivery_error.expect("a reason").contains("against its rules (SPAM)"));
}

#[tokio::test]
async fn four_thousand_bytes_are_the_most() {
    let (desk, agent) = reviewed().await;
    desk.try_answer(&agent, &"è".repeat(2048), &[], None).await.expect("it fits");
    let words = desk.try_answer(&agent, &"è".repeat(2049), &[], None).await.expect_err("too long").to_string();
    assert!(words.contains("4098 of 4096"), "{words}");
}

#[tokio::test]
async fn refusals_say_what_helps() {
    for (says, delivery, words, calls) in [
        (refusal(404, "NOT_FOUND", "Requested entity was not found."), DeliveryStatus::Failed, "no longer there", 1),
        (refusal(400, "INVALID_ARGUMENT", "too long"), DeliveryStatus::Failed, "Google refused it", 1),
        (refusal(403, "PERMISSION_DENIED", "not verified"), DeliveryStatus::Queued, "connected again", 1),
        (refusal(429, "RESOURCE_EXHAUSTED", "Quota exceeded"), DeliveryStatus::Sent, "", 2),
        (refusal(500, "INTERNAL", "oops"), DeliveryStatus::Sent, "", 2),
        // Putting the same twice does no harm: nobody has to decide anything.
        (Says::broken(), DeliveryStatus::Sent, "", 2),
        (Says::bytes(200, "text/html", b"<html>".to_vec()), DeliveryStatus::Sent, "", 2),
    ] {
        let (desk, agent) = reviewed().await;
        desk.fake.say(Method::PUT, REPLY, says);
        let (message, _) = desk.answer(&agent, "Ci scusiamo").await;
        assert_eq!(message.delivery, Some(delivery), "{:?}", message.delivery_error);
        assert!(message.delivery_error.unwrap_or_default().contains(words));
        assert_eq!(desk.fake.asked(REPLY).len(), calls);
    }
}

#[tokio::test]
async fn a_token_that_ended_is_renewed_and_one_that_was_taken_back_stops_the_channel() {
    let (desk, agent) = reviewed().await;
    desk.fake.say(Method::PUT, REPLY, refusal(401, "UNAUTHENTICATED", "Request had invalid authentication credentials."));
    let (message, _) = desk.answer(&agent, "Ci scusiamo").await;
    assert_eq!(message.delivery, Some(DeliveryStatus::Sent));
    let form = desk.fake.asked("/token")[0].form();
    let pairs =
        [("grant_type", "refresh_token"), ("refresh_token", "1//refresh"), ("client_id", "client-1"), ("client_secret", "client-secret")];
    assert_eq!(form, pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(desk.fake.asked(REPLY)[1].header("authorization"), "Bearer ya29.next");

    let (desk, agent) = reviewed().await;
    desk.fake.say(Method::PUT, REPLY, refusal(401, "UNAUTHENTICATED", "Request had invalid authentication credentials."));
    desk.fake.say(
        Method::POST,
        "/token",
        Says::json(400, &json!({ "error": "invalid_grant", "error_description": "Token has been revoked." })),
    );
    let (message, _) = desk.answer(&agent, "Ci scusiamo").await;
    assert_eq!(message.delivery, Some(DeliveryStatus::Queued));
    let channel = desk.row().await;
    assert!(channel.sign_in_lost_at.is_some() && channel.last_error.expect("words").contains("Token has been revoked."));
}

#[tokio::test]
async fn a_place_is_changed_ten_times_a_minute_at_most() {
    let (desk, agent) = reviewed().await;
    // A place of its own: others of these tests change the usual one.
    sqlx::query("update channels set settings = settings || '{\"location\": \"accounts/1122/locations/33440\"}'")
        .execute(&desk.app.db)
        .await
        .expect("a row");
    for sql in [
        "update thread_keys set key = replace(key, '/3344/', '/33440/')",
        "update tickets set conversation = replace(conversation, '/3344/', '/33440/')",
    ] {
        sqlx::query(sql).execute(&desk.app.db).await.expect("a row");
    }
    for number in 0..11 {
        desk.try_answer(&agent, &format!("Versione {number}"), &[], None).await.expect("queued");
    }
    sportello::worker::drain(&desk.app, Ts::now().plus_seconds(6)).await;
    let put = desk.fake.asked("/33440/reviews/a/reply").len();
    assert!((10..=11).contains(&put), "{put}");
    assert_eq!(desk.count("select count(*) from messages where delivery = 'queued'").await, 11 - i64::try_from(put).expect("a few"));
}
