//! Where X sends nothing by itself, it is asked.

use http::Method;
use serde_json::{Value, json};
use sportello::clock::Ts;
use sportello::jobs::Outcome;

use crate::support::providers::recorder::Says;
use crate::support::providers::whatsapp::NetworkDesk;
use crate::support::providers::x::{ANNA, OWN, desk_with, dm, id_now, mention, problem};

fn message(id: &str, from: &str, text: &str, at: Ts) -> Value {
    json!({ "id": id, "event_type": "MessageCreate", "text": text, "sender_id": from, "dm_conversation_id": "1111111111-2222222222",
        "created_at": at.0.to_string() })
}

fn page(items: &[Value], next: Option<&str>) -> Says {
    let mut body = json!({ "data": items, "includes": { "users": [{ "id": ANNA, "name": "Anna Verdi", "username": "annav" }] },
        "meta": { "result_count": items.len() } });
    if let Some(next) = next {
        body["meta"]["next_token"] = json!(next);
    }
    Says::json(200, &body)
}

#[tokio::test]
async fn messages_and_mentions_are_asked_for_and_go_on_where_they_ended() {
    let desk = desk_with(json!({})).await;
    let now = Ts::now();
    let (first, second, third, post) = (id_now(1), id_now(2), id_now(3), id_now(4));
    let old = message("5", ANNA, "di un mese fa", now.plus_seconds(-30 * 24 * 3600));
    desk.fake.say(
        Method::GET,
        "/2/dm_events",
        page(&[message(&second, OWN, "Eccoci", now), message(&first, ANNA, "Ciao", now)], Some("n1")),
    );
    // The next page begins with what the one before ended with.
    desk.fake.say(Method::GET, "/2/dm_events", page(&[message(&first, ANNA, "Ciao", now), old], None));
    desk.fake.say(Method::GET, "/2/users/1111111111/mentions", page(&[mention(&post, "@barsport aperti?")], None));
    assert!(matches!(desk.poll().await, Outcome::Again(90)));
    let bodies: Vec<String> = sqlx::query_scalar("select body from messages order by body").fetch_all(&desk.app.db).await.expect("rows");
    assert_eq!(bodies, ["@barsport aperti?", "Ciao", "Eccoci"], "each once, and nothing of a month ago");
    assert_eq!(desk.count("select count(*) from tickets").await, 2);
    let asked = desk.fake.asked("/2/dm_events");
    assert_eq!((asked.len(), asked[0].query("pagination_token"), asked[1].query("pagination_token").as_deref()), (2, None, Some("n1")));
    assert_eq!(asked[0].query("event_types").as_deref(), Some("MessageCreate"));
    assert!(desk.fake.asked("/mentions")[0].query("start_time").is_some());
    // What a webhook brought too is here once; an answer without its list is an empty one.
    desk.bring(&dm(&third, "Grazie", &Value::Null)).await;
    desk.fake.say(
        Method::GET,
        "/2/dm_events",
        page(&[message(&third, ANNA, "Grazie", now), message(&second, OWN, "Eccoci", now)], Some("n2")),
    );
    desk.poll().await;
    assert_eq!(desk.count("select count(*) from messages").await, 4);
    assert_eq!(desk.fake.asked("/2/dm_events").len(), 3, "not beyond what was seen");
    assert_eq!(desk.fake.asked("/mentions")[1].query("since_id"), Some(post));
    assert_eq!(desk.row().await.cursor["dms"], third);
}

#[tokio::test]
async fn a_webhook_that_hears_everything_is_not_doubled() {
    let desk = desk_with(json!({ "webhook_id": "1", "subscribed": ["post.mention.create"] })).await;
    desk.poll().await;
    assert_eq!((desk.fake.asked("/2/dm_events").len(), desk.fake.asked("/mentions").len()), (1, 0));
    let desk = crate::support::providers::x::desk().await;
    assert!(matches!(desk.poll().await, Outcome::Again(600)));
    assert!(desk.fake.asked("/2/dm_events").is_empty() && desk.fake.asked("/mentions").is_empty());
    assert_eq!(desk.fake.asked("/2/webhooks").len(), 1, "only whether X still calls");
    desk.poll().await;
    assert_eq!(desk.fake.asked("/2/webhooks").len(), 1, "and not each time");
}

async fn later(desk: &NetworkDesk) {
    sqlx::query("update channels set cursor = jsonb_set(cursor, '{looked_at}', '1000')").execute(&desk.app.db).await.expect("a row");
}

#[tokio::test]
async fn a_webhook_that_x_stopped_calling_is_noticed_asked_around_and_put_right() {
    let desk = crate::support::providers::x::desk().await;
    let hooks = |valid: bool| Says::json(200, &json!({ "data": [{ "id": "1146", "url": desk.hook(), "valid": valid }] }));
    // A handshake failed: tried once more, X goes on.
    desk.fake.say(Method::GET, "/2/webhooks", hooks(false));
    desk.fake.say(Method::PUT, "/2/webhooks/1146", Says::json(200, &json!({ "data": { "valid": true } })));
    assert!(matches!(desk.poll().await, Outcome::Again(600)));
    assert_eq!(desk.fake.asked("/2/webhooks/1146").len(), 1);
    // It fails again: from now on X is asked, from a day ago on.
    later(&desk).await;
    desk.fake.say(Method::GET, "/2/webhooks", hooks(false));
    desk.fake.say(Method::PUT, "/2/webhooks/1146", problem(400, "CrcValidationFailed", "CrcValidationFailed"));
    assert!(matches!(desk.poll().await, Outcome::Again(1)));
    desk.fake.say(Method::GET, "/2/dm_events", page(&[message(&id_now(1), ANNA, "C’è qualcuno?", Ts::now())], None));
    assert!(matches!(desk.poll().await, Outcome::Again(90)));
    assert_eq!(desk.text("select body from messages").await, "C’è qualcuno?");
    assert_eq!(desk.fake.asked("/mentions").len(), 1);
    // An hour later X lets itself be told once more.
    later(&desk).await;
    desk.fake.say(Method::GET, "/2/webhooks", hooks(true));
    assert!(matches!(desk.poll().await, Outcome::Again(1)));
    assert_eq!(desk.row().await.settings["webhook_id"], "1146");
    assert!(matches!(desk.poll().await, Outcome::Again(600)));
    assert_eq!(desk.fake.asked("/2/dm_events").len(), 1, "nothing is asked for that comes by itself");
    // What cannot be found out changes nothing.
    later(&desk).await;
    desk.fake.say(Method::GET, "/2/webhooks", problem(503, "Service Unavailable", "Service Unavailable"));
    assert!(matches!(desk.poll().await, Outcome::Again(600)));
    assert_eq!(desk.row().await.settings["webhook_id"], "1146");
}

#[tokio::test]
async fn what_one_question_brings_is_not_lost_for_the_other() {
    let desk = desk_with(json!({})).await;
    desk.fake.say(Method::GET, "/2/dm_events", problem(403, "Forbidden", "This endpoint is not in your package"));
    desk.fake.say(Method::GET, "/2/users/1111111111/mentions", page(&[mention(&id_now(1), "@barsport aperti?")], None));
    assert!(matches!(desk.poll().await, Outcome::Again(90)));
    assert_eq!(desk.count("select count(*) from messages").await, 1);
}

#[tokio::test]
async fn x_says_when_it_may_be_asked_again() {
    let desk = desk_with(json!({ "webhook_id": "1", "subscribed": ["post.mention.create"] })).await;
    let reset = (Ts::now().0.as_second() + 300).to_string();
    desk.fake.say(Method::GET, "/2/dm_events", problem(429, "Too Many Requests", "Too Many Requests").with("x-rate-limit-reset", &reset));
    let Outcome::Again(after) = desk.poll().await else { panic!("it is asked again") };
    assert!((290..=302).contains(&after), "{after}");
    desk.fake.say(Method::GET, "/2/dm_events", problem(401, "Unauthorized", "Unauthorized"));
    desk.fake.say(Method::POST, "/2/oauth2/token", Says::json(400, &json!({ "error": "invalid_grant" })));
    desk.poll().await;
    assert!(desk.row().await.sign_in_lost_at.is_some());
}
