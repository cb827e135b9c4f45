//! Generic CTI: events in any order, answered byte for byte as exchanges expect it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use sportello::ids::TicketId;

use crate::support::providers::voice::{LINE, SECRET, desk, desk_with, event};

#[tokio::test]
async fn only_whoever_knows_the_secret_tells_of_calls() {
    let desk = desk("cti").await;
    let call = event("newCall", "1", &json!({}));
    let refused = r#"{"error":"Invalid token, please contact your admin!"}"#;
    for url in [desk.hook(), format!("{}/another", desk.hook())] {
        let (status, body) = desk.exchange_at(&url, &call).await;
        assert_eq!((status.as_u16(), &*body), (401, refused));
    }
    let get = reqwest::get(format!("{}/{SECRET}", desk.hook())).await.expect("an answer");
    assert_eq!(get.status().as_u16(), 401);
    for direction in [json!({ "direction": "sideways" }), json!({ "direction": null })] {
        let (status, body) = desk.exchange(&event("newCall", "1", &direction)).await;
        assert_eq!((status.as_u16(), &*body), (422, r#"{"error":"Invalid direction!"}"#));
    }
    assert_eq!(desk.count("select count(*) from deliveries").await, 0);
    let basic = |password: &str| format!("Basic {}", STANDARD.encode(format!("pbx:{password}")));
    let client = reqwest::Client::new();
    let with = async |password: &str| {
        let request = client.post(desk.hook()).header("authorization", basic(password)).json(&call);
        request.send().await.expect("an answer").status().as_u16()
    };
    assert_eq!(with("wrong").await, 401);
    assert_eq!(with(SECRET).await, 200);
    desk.understood().await;
    assert_eq!(desk.call().await.number, "+393331234567");
}

#[tokio::test]
async fn a_call_is_one_call_however_it_is_told() {
    let desk = desk("cti").await;
    let person = desk.person("Emma Taylor", sportello::desk::kinds::Role::Agent).await;
    for _ in 0..2 {
        desk.tell("newCall", "1", &json!({ "user": ["Emma Taylor", "Christopher Miller"], "queue": "support" })).await;
    }
    assert_eq!(desk.call().await.state, "ringing");
    for _ in 0..2 {
        desk.tell("answer", "1", &json!({ "user": "Emma Taylor", "answeringNumber": "21" })).await;
    }
    let call = desk.call().await;
    assert_eq!((&*call.state, call.agent_id), ("active", Some(person.0)));
    for _ in 0..2 {
        desk.tell("hangup", "1", &json!({ "cause": "normalClearing", "answeringNumber": "21" })).await;
    }
    // What comes late takes nothing back.
    desk.tell("newCall", "1", &json!({})).await;
    desk.drain().await;
    let call = desk.call().await;
    assert_eq!((&*call.state, &*call.cause, call.answered, call.ticket_id), ("ended", "normalClearing", true, None));
    assert_eq!(desk.count("select count(*) from tickets").await, 0);
}

#[tokio::test]
async fn a_missed_call_is_a_ticket_with_a_call_back() {
    let desk = desk("cti").await;
    desk.tell("newCall", "1", &json!({ "user": "Nobody Known" })).await;
    desk.tell("hangup", "1", &json!({ "cause": "cancel" })).await;
    assert_eq!(desk.count("select count(*) from tickets").await, 0, "somebody may still be told to have answered");
    desk.drain().await;
    let ticket = desk.ticket().await;
    let thread = desk.thread(ticket).await;
    assert_eq!(thread.len(), 1);
    let facts = thread[0].extras().call.expect("a call");
    assert_eq!((facts.incoming, facts.answered, &*facts.number), (true, false, "+393331234567"));
    let row: (String, String, bool) =
        sqlx::query_as("select subject, excerpt, waiting_since is not null from tickets").fetch_one(&desk.app.db).await.expect("a row");
    assert_eq!(row, ("Your call".into(), "(Missed call)".into(), true));
    let owed: (i64, String, String) =
        sqlx::query_as("select ticket_id, phone, state::text from call_backs").fetch_one(&desk.app.db).await.expect("a call back");
    assert_eq!(owed, (ticket.0, "+393331234567".into(), "wanted".into()));
    assert_eq!(desk.count("select count(*) from identities where kind = 'phone' and address = '+393331234567'").await, 1);
    // The next one of the same customer gathers there, told in the form of the country.
    desk.tell("newCall", "2", &json!({ "from": "3331234567" })).await;
    desk.tell("hangup", "2", &json!({ "from": "3331234567", "cause": "noAnswer" })).await;
    desk.drain().await;
    assert_eq!(desk.thread(ticket).await.len(), 2);
    assert_eq!(desk.count("select count(*) from call_backs").await, 1);
    // Told again, nothing comes of it.
    desk.tell("hangup", "2", &json!({ "cause": "noAnswer" })).await;
    desk.drain().await;
    assert_eq!(desk.thread(ticket).await.len(), 2);
    assert_eq!(desk.count("select count(*) from events where kind = 'call_missed'").await, 2);
}

#[tokio::test]
async fn events_come_in_any_order() {
    let desk = desk("cti").await;
    desk.tell("hangup", "1", &json!({ "cause": "normalClearing" })).await;
    desk.tell("answer", "1", &json!({})).await;
    desk.tell("newCall", "1", &json!({})).await;
    desk.drain().await;
    let call = desk.call().await;
    assert_eq!((&*call.state, call.answered, &*call.number), ("ended", true, "+393331234567"));
    assert_eq!(desk.count("select count(*) from tickets").await, 0);
}

#[tokio::test]
async fn an_answer_that_comes_much_too_late_is_shown() {
    let desk = desk("cti").await;
    desk.tell("hangup", "1", &json!({ "cause": "normalClearing" })).await;
    desk.drain().await;
    let ticket = desk.ticket().await;
    desk.tell("answer", "1", &json!({})).await;
    let facts = desk.thread(ticket).await[0].extras().call.expect("a call");
    assert!(facts.answered);
    let excerpt: String = sqlx::query_scalar("select excerpt from tickets").fetch_one(&desk.app.db).await.expect("a row");
    assert_eq!(excerpt, "(Call)");
}

#[tokio::test]
async fn a_call_that_is_never_ended_ends() {
    let desk = desk("cti").await;
    desk.tell("newCall", "1", &json!({})).await;
    desk.drain().await;
    assert_eq!(desk.call().await.state, "ringing");
    sqlx::query("update calls set started_at = now() - interval '4 minutes'").execute(&desk.app.db).await.expect("a row");
    sqlx::query("update jobs set run_at = now() where kind = 'call_step'").execute(&desk.app.db).await.expect("a row");
    desk.drain().await;
    let call = desk.call().await;
    assert_eq!((&*call.state, call.ticket_id), ("ended", Some(desk.ticket().await.0)));
}

#[tokio::test]
async fn whoever_hides_their_number_cannot_be_called_back() {
    let desk = desk("cti").await;
    desk.tell("newCall", "1", &json!({ "from": "anonymous" })).await;
    desk.tell("hangup", "1", &json!({ "from": "anonymous", "cause": "cancel" })).await;
    desk.drain().await;
    let call = desk.call().await;
    assert_eq!((&*call.number, &*call.state, call.ticket_id), ("", "ended", None));
    let giulia = desk.giulia().await;
    let log = giulia.get("/calls?show=missed").await.is(200);
    assert!(log.text(".calls-table tbody tr").contains("Anonymous caller"), "{}", log.text(".calls-table tbody"));
}

#[tokio::test]
async fn what_was_forwarded_was_not_missed() {
    let desk = desk("cti").await;
    desk.tell("newCall", "1", &json!({})).await;
    desk.tell("hangup", "1", &json!({ "cause": "forwarded" })).await;
    desk.drain().await;
    assert_eq!(desk.count("select count(*) from tickets").await, 0);
    let giulia = desk.giulia().await;
    let row = giulia.get("/calls").await.is(200).text(".calls-table tbody tr");
    assert!(row.contains("Forwarded") && !row.contains("Missed"), "{row}");
    assert!(giulia.get("/calls?show=missed").await.is(200).texts(".calls-table tbody tr").is_empty());
}

#[tokio::test]
async fn our_own_calls_belong_to_whoever_makes_them() {
    let desk = desk("cti").await;
    let giulia = desk.person("Giulia", sportello::desk::kinds::Role::Agent).await;
    sqlx::query("update agents set numbers = '{21}'").execute(&desk.app.db).await.expect("a row");
    desk.app.cache.invalidate_all();
    let out = json!({ "direction": "out", "from": "21", "to": "3331234567" });
    desk.tell("newCall", "1", &out).await;
    desk.tell("answer", "1", &out).await;
    desk.tell("hangup", "1", &out).await;
    desk.drain().await;
    let call = desk.call().await;
    assert_eq!((call.incoming, &*call.number, call.agent_id, call.answered), (false, "+393331234567", Some(giulia.0), true));
    assert_eq!(desk.count("select count(*) from tickets").await, 0);
}

#[tokio::test]
async fn forms_and_lists_of_people_are_read() {
    let desk = desk("cti").await;
    let anna = desk.person("Anna Bianchi", sportello::desk::kinds::Role::Agent).await;
    let form = [("event", "newCall"), ("from", "00493023125741"), ("to", "0612345678"), ("direction", "in"), ("callId", "7")];
    let mut form = form.to_vec();
    form.extend([("user[]", "anna bianchi"), ("user[]", "Somebody Else")]);
    let answer = reqwest::Client::new().post(format!("{}/{SECRET}", desk.hook())).form(&form).send().await.expect("an answer");
    assert_eq!((answer.status().as_u16(), &*answer.text().await.expect("a body")), (200, "{}"));
    desk.understood().await;
    let row: (String, String, Vec<i64>) =
        sqlx::query_as("select number, line, rings_at from calls").fetch_one(&desk.app.db).await.expect("a row");
    assert_eq!(row, ("+493023125741".into(), LINE.into(), vec![anna.0]));
}

#[tokio::test]
async fn odd_events_are_kept_and_told_to_the_admin() {
    let desk = desk("cti").await;
    let (status, _) = desk.exchange(&event("dance", "1", &json!({}))).await;
    assert_eq!(status.as_u16(), 200);
    let (status, _) = desk.exchange(&event("newCall", "", &json!({}))).await;
    assert_eq!(status.as_u16(), 200);
    desk.understood().await;
    let reasons = desk.reasons().await;
    assert_eq!(reasons.len(), 2, "{reasons:?}");
    assert!(reasons[0].contains("dance") && reasons[1].contains("without its id"), "{reasons:?}");
    assert_eq!(desk.count("select count(*) from calls").await, 0);
}

#[tokio::test]
async fn some_callers_hear_that_the_line_is_busy() {
    let desk = desk_with("cti", json!({ "blocked": "333 123 4567, +4930999", "caller_id": "06 12345678" })).await;
    let (status, body) = desk.exchange(&event("newCall", "1", &json!({}))).await;
    assert_eq!((status.as_u16(), &*body), (200, r#"{"action":"reject","reason":"busy"}"#));
    desk.understood().await;
    desk.tell("hangup", "1", &json!({ "cause": "busy" })).await;
    desk.drain().await;
    let call = desk.call().await;
    assert!(call.refused && call.ticket_id.is_none(), "{call:?}");
    let out = event("newCall", "2", &json!({ "direction": "out", "from": "21", "to": "492214710334" }));
    let (_, body) = desk.exchange(&out).await;
    assert_eq!(body, r#"{"action":"dial","caller_id":"390612345678","number":"492214710334"}"#);
}

#[tokio::test]
async fn a_missed_call_of_a_solved_matter_is_a_new_ticket() {
    let desk = desk("cti").await;
    desk.tell("hangup", "1", &json!({ "cause": "cancel" })).await;
    desk.drain().await;
    let first = desk.ticket().await;
    sqlx::query("update tickets set status = 'solved', solved_at = now()").execute(&desk.app.db).await.expect("a row");
    desk.tell("hangup", "2", &json!({ "cause": "cancel" })).await;
    desk.drain().await;
    let newest: i64 = sqlx::query_scalar("select max(id) from tickets").fetch_one(&desk.app.db).await.expect("a row");
    assert_ne!(TicketId(newest), first);
}
