//! sipgate's push API: forms in, XML out, and the rest told only to whoever says where.

use reqwest::StatusCode;

use crate::support::providers::voice::{SECRET, desk, desk_with};
use crate::support::providers::whatsapp::NetworkDesk;

const CALL: [(&str, &str); 8] = [
    ("event", "newCall"),
    ("from", "4915112345678"),
    ("to", "492111234567"),
    ("direction", "in"),
    ("callId", "123456"),
    ("user[]", "Alice"),
    ("userId[]", "w0"),
    ("fullUserId[]", "1234567w0"),
];

async fn push(desk: &NetworkDesk, form: &[(&str, &str)]) -> (StatusCode, String, String) {
    // Credentials in the address, as sipgate's own page recommends it.
    let url = desk.hook().replace("http://", &format!("http://sipgate:{SECRET}@"));
    let answer = reqwest::Client::new().post(url).form(form).send().await.expect("an answer");
    let media_type = answer.headers()["content-type"].to_str().expect("text").to_owned();
    let told = (answer.status(), media_type, answer.text().await.expect("a body"));
    desk.understood().await;
    told
}

#[tokio::test]
async fn the_answer_says_where_the_rest_is_told() {
    let desk = desk("sipgate").await;
    sqlx::query("insert into agents (email, name, numbers) values ('alice@bottega.example', 'Alice Rossi', '{1234567w0}')")
        .execute(&desk.app.db)
        .await
        .expect("a row");
    desk.app.cache.invalidate_all();
    let (status, media_type, body) = push(&desk, &CALL).await;
    let back = format!("{}/{SECRET}", desk.hook());
    let expected = format!(r#"<?xml version="1.0" encoding="UTF-8"?><Response onAnswer="{back}" onHangup="{back}"/>"#);
    assert_eq!((status.as_u16(), &*media_type, body), (200, "application/xml; charset=utf-8", expected));
    let answer = [
        ("event", "answer"),
        ("callId", "123456"),
        ("user", "Alice"),
        ("userId", "w0"),
        ("fullUserId", "1234567w0"),
        ("from", "4915112345678"),
        ("to", "492111234567"),
        ("direction", "in"),
        ("answeringNumber", "492111234567"),
    ];
    let told = reqwest::Client::new().post(&back).form(&answer).send().await.expect("an answer");
    assert_eq!(told.status().as_u16(), 200);
    desk.understood().await;
    let call = desk.call().await;
    assert_eq!((&*call.state, &*call.number), ("active", "+4915112345678"));
    let name: String =
        sqlx::query_scalar("select a.name from calls k join agents a on a.id = k.agent_id").fetch_one(&desk.app.db).await.expect("a row");
    assert_eq!(name, "Alice Rossi");
    push(&desk, &[("event", "dtmf"), ("dtmf", "1"), ("callId", "123456")]).await;
    assert!(desk.reasons().await.is_empty());
}

#[tokio::test]
async fn the_machine_is_nobody_who_answered() {
    let desk = desk("sipgate").await;
    push(&desk, &CALL).await;
    let mut answer = CALL[1..5].to_vec();
    answer.extend([("event", "answer"), ("user", "voicemail")]);
    push(&desk, &answer).await;
    let mut hangup = CALL[1..5].to_vec();
    hangup.extend([("event", "hangup"), ("cause", "normalClearing")]);
    push(&desk, &hangup).await;
    desk.drain().await;
    assert_eq!(desk.call().await.ticket_id, Some(desk.ticket().await.0));
}

#[tokio::test]
async fn errors_and_orders_are_xml() {
    let desk = desk_with("sipgate", serde_json::json!({ "blocked": "+4915112345678", "caller_id": "+390612345678" })).await;
    let mut odd = CALL.to_vec();
    odd[3] = ("direction", "up");
    let (status, _, body) = push(&desk, &odd).await;
    assert_eq!(
        (status.as_u16(), &*body),
        (422, r#"<?xml version="1.0" encoding="UTF-8"?><Response><Error>Invalid direction!</Error></Response>"#)
    );
    let (_, _, body) = push(&desk, &CALL).await;
    assert!(body.ends_with(r#"><Reject reason="busy"/></Response>"#), "{body}");
    let out = [
        ("event", "newCall"),
        ("from", "390612345678"),
        ("to", "4915100000000"),
        ("direction", "out"),
        ("callId", "2"),
        ("user[]", "Alice"),
    ];
    let (_, _, body) = push(&desk, &out).await;
    assert!(body.ends_with(r#"><Dial callerId="390612345678"><Number>4915100000000</Number></Dial></Response>"#), "{body}");
    let refused = reqwest::Client::new().post(desk.hook()).form(&CALL).send().await.expect("an answer");
    assert_eq!(refused.status().as_u16(), 401);
}
