//! Reviews come, change and go.

use http::Method;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sportello::clock::Ts;
use sportello::desk::kinds::{DeliveryStatus, Role};
use sportello::jobs::Outcome;

use crate::support::providers::google::{PUSHER, REVIEWS, desk, page, refusal, review, token};
use crate::support::providers::recorder::Says;
use crate::support::providers::whatsapp::NetworkDesk;

fn ago(hours: i64) -> Ts {
    Ts::now().plus_seconds(-hours * 3600)
}

#[tokio::test]
async fn reviews_become_public_tickets_with_their_stars() {
    let desk = desk().await;
    let translated = "(Translated by Google) Long wait\n\n(Original)\nAttesa lunga";
    let reviews = [
        review("silent", "FIVE", "", ago(1), ago(1)),
        review("long", "TWO", translated, ago(2), ago(2)),
        review("old", "ONE", "di un anno fa", ago(24 * 365), ago(24 * 365)),
    ];
    desk.fake.say(Method::GET, REVIEWS, page(&reviews, None));
    assert!(matches!(desk.poll().await, Outcome::Again(120)));
    let asked = &desk.fake.asked(REVIEWS)[0];
    assert_eq!((asked.query("orderBy").as_deref(), asked.query("pageSize").as_deref()), (Some("updateTime desc"), Some("50")));
    assert_eq!(asked.header("authorization"), "Bearer ya29.first");
    let subjects: Vec<String> = sqlx::query_scalar("select subject from tickets order by id").fetch_all(&desk.app.db).await.expect("rows");
    assert_eq!(subjects, ["2 stars: Attesa lunga", "5 stars"]);
    assert_eq!(desk.count("select count(*) from tickets where public").await, 2);
    let id = desk.count("select min(id) from tickets").await;
    let ticket = desk.agent("Giulia", Role::Agent).await.visit(&format!("/tickets/{id}")).await;
    assert!(ticket.body.contains("2 of 5 stars") && ticket.body.contains("Attesa lunga") && !ticket.body.contains("Translated by Google"));
    // Asked again, nothing is new: neither stored nor shown.
    desk.fake.say(Method::GET, REVIEWS, page(&reviews, None));
    desk.poll().await;
    assert_eq!(desk.count("select count(*) from deliveries").await, 1);
}

#[tokio::test]
async fn pages_are_read_down_to_what_was_seen() {
    let desk = desk().await;
    desk.fake.say(Method::GET, REVIEWS, page(&[review("a", "ONE", "a", ago(3), ago(3))], Some("p2")));
    desk.fake.say(
        Method::GET,
        REVIEWS,
        page(&[review("a", "ONE", "a", ago(3), ago(3)), review("b", "ONE", "b", ago(4), ago(4))], Some("p3")),
    );
    desk.fake.say(Method::GET, REVIEWS, Says::json(200, &json!({})));
    desk.poll().await;
    let tokens: Vec<_> = desk.fake.asked(REVIEWS).iter().map(|asked| asked.query("pageToken")).collect();
    assert_eq!(tokens, [None, Some("p2".to_owned()), Some("p3".to_owned())]);
    assert_eq!(desk.count("select count(*) from messages").await, 2);
    desk.fake.say(
        Method::GET,
        REVIEWS,
        page(&[review("c", "ONE", "c", ago(1), ago(1)), review("b", "ONE", "b", ago(4), ago(4))], Some("p2")),
    );
    desk.poll().await;
    assert_eq!(desk.fake.asked(REVIEWS).len(), 4, "not beyond the mark");
    assert_eq!(desk.count("select count(*) from messages").await, 3);
    desk.fake.say(Method::GET, REVIEWS, Says::json(200, &json!({})));
    desk.poll().await;
    assert_eq!(desk.count("select count(*) from messages").await, 3);
}

#[tokio::test]
async fn a_changed_review_is_the_same_with_other_words_and_stars() {
    let desk = desk().await;
    desk.fake.say(Method::GET, REVIEWS, page(&[review("a", "FIVE", "Ottimo", ago(3), ago(3))], None));
    desk.poll().await;
    desk.fake.say(Method::GET, REVIEWS, page(&[review("a", "ONE", "Pessimo", ago(3), ago(1))], None));
    desk.poll().await;
    let talk = desk.talk().await;
    let extras = talk[0].extras();
    assert_eq!((talk.len(), &*talk[0].body, extras.review.and_then(|review| review.stars)), (1, "Pessimo", Some(1)));
    assert_eq!(extras.before[0].text, "Ottimo");
    assert_eq!(desk.count("select count(*) from events where kind = 'message_edited'").await, 1);
}

#[tokio::test]
async fn what_is_gone_is_found_once_a_day() {
    let desk = desk().await;
    let [a, b, c] = ["a", "b", "c"].map(|id| review(id, "ONE", id, ago(3), ago(3)));
    desk.fake.say(Method::GET, REVIEWS, page(&[a.clone(), b, c], None));
    desk.poll().await;
    let asked = desk.fake.asked(REVIEWS).len();
    desk.poll().await;
    assert_eq!(desk.fake.asked(REVIEWS).len(), asked + 1, "no sweep on the same day");
    sqlx::query("update channels set cursor = jsonb_set(cursor, '{swept}', '1000')").execute(&desk.app.db).await.expect("a row");
    desk.fake.say(Method::GET, REVIEWS, Says::json(200, &json!({})));
    // The whole list has only one of them; one of the others is still there when asked for by its name.
    let late = review("late", "FOUR", "trattenuta da Google", ago(30), ago(30));
    desk.fake.say(Method::GET, REVIEWS, page(&[a, late], None));
    desk.fake.say(Method::GET, &format!("{REVIEWS}/c"), Says::json(200, &review("c", "ONE", "c", ago(3), ago(3))));
    desk.fake.say(Method::GET, &format!("{REVIEWS}/b"), refusal(404, "NOT_FOUND", "Requested entity was not found."));
    desk.poll().await;
    let gone: Vec<String> =
        sqlx::query_scalar("select provider_id from messages where removed_at is not null").fetch_all(&desk.app.db).await.expect("rows");
    assert_eq!(gone, ["accounts/1122/locations/3344/reviews/b"]);
    assert_eq!(desk.count("select count(*) from messages where body = 'trattenuta da Google'").await, 1, "one that was held back is found");
    assert!(desk.row().await.cursor["swept"].as_i64().is_some_and(|at| at > 1_000_000));
}

/// As if the last look at everything were of yesterday.
async fn yesterday(desk: &NetworkDesk) {
    let at = Ts::now().plus_seconds(-25 * 3600).0.as_second();
    sqlx::query("update channels set cursor = jsonb_set(cursor, '{swept}', to_jsonb($1::bigint))")
        .bind(at)
        .execute(&desk.app.db)
        .await
        .expect("a row");
}

#[tokio::test]
async fn a_look_that_fails_neither_loses_what_is_new_nor_takes_anything_for_gone() {
    let desk = desk().await;
    let [a, b] = ["a", "b"].map(|id| review(id, "ONE", id, ago(3), ago(3)));
    desk.fake.say(Method::GET, REVIEWS, page(&[a.clone(), b], None));
    desk.poll().await;
    yesterday(&desk).await;
    desk.fake.say(Method::GET, REVIEWS, page(&[review("new", "TWO", "Nuova", ago(0), ago(0)), a.clone()], None));
    desk.fake.say(Method::GET, REVIEWS, page(&[a], None));
    desk.fake.say(Method::GET, &format!("{REVIEWS}/b"), refusal(400, "FAILED_PRECONDITION", "The place is being verified."));
    assert!(matches!(desk.poll().await, Outcome::Again(120)));
    assert_eq!(desk.count("select count(*) from messages where body = 'Nuova'").await, 1);
    assert_eq!(desk.count("select count(*) from messages where removed_at is not null").await, 0);
    let swept = desk.row().await.cursor["swept"].as_i64().expect("a time");
    let next = swept + 24 * 3600 - Ts::now().0.as_second();
    assert!((3500..=3600).contains(&next), "tried again in an hour: {next}");
}

#[tokio::test]
async fn an_answer_that_google_refuses_late_is_found() {
    let desk = desk().await;
    let agent = desk.bruno().await;
    let old = review("a", "TWO", "Attesa lunga", ago(50), ago(50));
    desk.fake.say(Method::GET, REVIEWS, page(std::slice::from_ref(&old), None));
    desk.poll().await;
    desk.answer(&agent, "Ci scusiamo").await;
    // Newer reviews stand before it: what changes is not read down to it any more.
    desk.fake.say(Method::GET, REVIEWS, page(&[review("b", "FIVE", "Bravi", ago(1), ago(1))], None));
    desk.poll().await;
    yesterday(&desk).await;
    let mut refused = old;
    refused["reviewReply"] = json!({ "comment": "Ci scusiamo", "updateTime": ago(40).0.to_string(), "reviewReplyState": "REJECTED" });
    let whole = || page(&[review("b", "FIVE", "Bravi", ago(1), ago(1)), refused.clone()], None);
    for _ in 0..2 {
        desk.fake.say(Method::GET, REVIEWS, page(&[], None));
        desk.fake.say(Method::GET, REVIEWS, whole());
        yesterday(&desk).await;
        desk.poll().await;
    }
    assert_eq!(desk.count("select count(*) from messages where direction = 'outbound' and delivery = 'failed'").await, 1);
    assert_eq!(desk.count("select count(*) from deliveries where door = 'poll'").await, 3, "and it is brought once");
}

#[tokio::test]
async fn a_push_of_googles_hastens_the_next_question() {
    let desk = desk().await;
    let hook = desk.hook();
    assert_eq!(desk.push(Some(&token(&hook, PUSHER))).await, StatusCode::FORBIDDEN, "the keys are not known yet");
    desk.poll().await;
    for wrong in [
        None,
        Some("a.b.c".to_owned()),
        Some(token("https://another.example", PUSHER)),
        Some(token(&hook, "evil@x.iam.gserviceaccount.com")),
    ] {
        assert_eq!(desk.push(wrong.as_deref()).await, StatusCode::FORBIDDEN);
    }
    assert_eq!(desk.visitor().get(&hook).await.status, StatusCode::FORBIDDEN);
    assert_eq!(desk.count("select count(*) from deliveries").await, 0);
    assert_eq!(desk.push(Some(&token(&hook, PUSHER))).await, StatusCode::OK);
    assert_eq!(desk.push(Some(&token(&hook, PUSHER))).await, StatusCode::OK, "and it may come twice");
    desk.understood().await;
    assert_eq!(desk.count("select count(*) from jobs where kind = 'poll_mailbox' and run_at <= now()").await, 1);
    desk.fake.say(Method::GET, REVIEWS, page(&[review("a", "ONE", "Subito", ago(0), ago(0))], None));
    desk.poll().await;
    assert_eq!(desk.text("select body from messages").await, "Subito");
}

#[tokio::test]
async fn answers_that_were_written_elsewhere_are_shown() {
    let desk = desk().await;
    let replied = |words: &str, hours: i64, more: Value| {
        let mut review = review("a", "TWO", "Attesa lunga", ago(9), ago(9));
        review["reviewReply"] = json!({ "comment": words, "updateTime": ago(hours).0.to_string() });
        for (key, value) in more.as_object().into_iter().flatten() {
            review["reviewReply"][key] = value.clone();
        }
        page(&[review], None)
    };
    desk.fake.say(Method::GET, REVIEWS, replied("Ci scusiamo", 2, json!({ "reviewReplyState": "PENDING" })));
    desk.poll().await;
    desk.fake.say(Method::GET, REVIEWS, replied("Ci scusiamo molto", 1, json!({ "reviewReplyState": "APPROVED" })));
    // Google does not move the time of a review for our answer.
    sqlx::query("update channels set cursor = cursor - 'mark'").execute(&desk.app.db).await.expect("a row");
    desk.poll().await;
    let talk = desk.talk().await;
    let shown: Vec<_> = talk.iter().map(|message| (&*message.body, message.extras().replaced)).collect();
    assert_eq!(shown, [("Attesa lunga", false), ("Ci scusiamo", true), ("Ci scusiamo molto", false)]);
    assert_eq!(talk[1].delivery, Some(DeliveryStatus::Sent));
}

#[tokio::test]
async fn refusals_say_what_helps() {
    for (says, lost, words, again) in [
        (refusal(403, "PERMISSION_DENIED", "The caller does not have permission"), true, "must manage the place", 600),
        (refusal(429, "RESOURCE_EXHAUSTED", "Quota exceeded").with("retry-after", "33"), false, "its quota is 0", 33),
        (refusal(503, "UNAVAILABLE", "Try later"), false, "just now", 60),
        (Says::bytes(200, "text/html", b"<html>".to_vec()), false, "could not be read", 60),
        (refusal(400, "INVALID_ARGUMENT", "Request contains an invalid argument."), false, "Google refused it", 60),
    ] {
        let desk = desk().await;
        desk.fake.say(Method::GET, REVIEWS, says);
        let Outcome::Again(after) = desk.poll().await else { panic!("it is asked again") };
        let channel = desk.row().await;
        let error = channel.last_error.expect("words");
        assert!(error.contains(words), "{error}");
        assert_eq!((channel.sign_in_lost_at.is_some(), after), (lost, again), "{error}");
    }
}
