//! A call that somebody writes down: with an exchange or without.

use sportello::desk::kinds::Role;

use crate::support::providers::voice::desk;
use crate::support::served::ServedDesk;

#[tokio::test]
async fn a_shop_without_an_exchange_writes_its_calls_down() {
    let desk = ServedDesk::new().await;
    let giulia = desk.agent("Giulia", Role::Agent).await;
    let page = giulia.get("/inbox/open").await.is(200);
    assert!(page.attributes("a", "href").contains(&"/calls/new".to_owned()), "it is on every page");
    let form = [
        ("direction", "in"),
        ("who", "Anna Verdi 333 1234567"),
        ("said", "Wants to know about sizes."),
        ("minutes", "4"),
        ("then", "solved"),
    ];
    let saved = giulia.post("/calls/new", &form).await.is(303);
    let ticket = saved.location.expect("a ticket");
    let page = giulia.get(&ticket).await.is(200);
    let letter = page.text("#thread .letter--call");
    assert!(letter.contains("Call from the customer, 4:00") && letter.contains("Wants to know about sizes."), "{letter}");
    assert_eq!(page.attribute("#customer .tel", "href"), "tel:+393331234567");
    assert_eq!(page.text(".person h2"), "Anna Verdi");
    assert_eq!(desk.count("select count(*) from channels where kind = 'phone'").await, 1);
    assert_eq!(desk.count("select count(*) from tickets where status = 'solved'").await, 1);
    // The same person again, however the number is written; the ticket that is chosen goes on.
    let again = [
        ("direction", "out"),
        ("who", "+39 333 123 4567"),
        ("said", "Called back."),
        ("ticket", ticket.rsplit('/').next().expect("an id")),
        ("then", "open"),
    ];
    assert_eq!(giulia.post("/calls/new", &again).await.is(303).location, Some(ticket));
    assert_eq!(desk.count("select count(*) from contacts").await, 1);
    assert_eq!(desk.count("select count(*) from tickets where status = 'open'").await, 1);
    assert_eq!(desk.count("select count(*) from calls where settled_at is not null").await, 2);
}

#[tokio::test]
async fn what_is_missing_is_said_beside_its_field() {
    let desk = ServedDesk::new().await;
    let giulia = desk.agent("Giulia", Role::Agent).await;
    let page = giulia.post("/calls/new", &[("who", ""), ("said", ""), ("minutes", "a while"), ("then", "open")]).await.is(422);
    for field in ["#who", "#said", "#minutes"] {
        assert_eq!(page.attribute(field, "aria-invalid"), "true", "{field}");
    }
    assert_eq!(page.attribute("#minutes", "value"), "a while");
    let page = giulia.post("/calls/new", &[("who", "Anna"), ("said", "x"), ("then", "call_back")]).await.is(422);
    assert!(page.text("#who-error").contains("without a number"));
    assert_eq!(desk.count("select count(*) from tickets").await, 0);
}

#[tokio::test]
async fn people_are_found_by_a_piece_of_their_name_or_number() {
    let desk = desk("cti").await;
    let giulia = desk.giulia().await;
    sqlx::query(
        "with c as (insert into contacts (name) values ('Anna Verdi'), ('Anna Bianchi'), ('Berta') returning id, name)
                 insert into identities (contact_id, kind, address) select id, 'phone', '+39333123456' || id from c",
    )
    .execute(&desk.app.db)
    .await
    .expect("rows");
    let found = async |q: &str| giulia.get(&format!("/calls/people.json?q={q}")).await.is(200).body;
    assert!(found("bianc").await.contains("Anna Bianchi +39333"));
    let by_number = found("333%20123").await;
    assert_eq!(by_number.matches("value").count(), 3, "{by_number}");
    assert_eq!(found("").await, "[]");
    // Two may be meant.
    let form = [("who", "anna"), ("said", "Hello"), ("then", "open")];
    let page = giulia.post("/calls/new", &form).await.is(422);
    assert_eq!(page.texts("[name=person] + span").len(), 3, "two, and somebody new");
    let chosen = page.attributes("[name=person]", "value").into_iter().next().expect("one");
    giulia.post("/calls/new", &[("who", "anna"), ("person", &chosen), ("said", "Hello"), ("then", "open")]).await.is(303);
    let contact: i64 = sqlx::query_scalar("select contact_id from tickets").fetch_one(&desk.app.db).await.expect("a ticket");
    assert_eq!(contact.to_string(), chosen);
    // From the contact's page everything is filled in, and their open ticket offered.
    let page = giulia.get(&format!("/customers/{contact}")).await.is(200);
    let link = page.attributes("a", "href").into_iter().find(|href| href.starts_with("/calls/new?contact")).expect("a link");
    let page = giulia.get(&link).await.is(200);
    assert!(page.attribute("#who", "value").ends_with(&format!("#{contact}")));
    assert_eq!(page.texts("#ticket option").len(), 2);
}

#[tokio::test]
async fn a_call_that_reached_nobody_is_no_answer() {
    let desk = desk("cti").await;
    desk.tell("hangup", "0", &serde_json::json!({ "cause": "cancel" })).await;
    desk.drain().await;
    let ticket = desk.ticket().await;
    let giulia = desk.giulia().await;
    let form =
        [("direction", "out"), ("who", "333 1234567"), ("missed", "1"), ("said", ""), ("ticket", &*ticket.to_string()), ("then", "open")];
    giulia.post("/calls/new", &form).await.is(303);
    let waits: bool = sqlx::query_scalar("select waiting_since is not null from tickets").fetch_one(&desk.app.db).await.expect("a row");
    assert!(waits);
    let page = giulia.get(&format!("/tickets/{ticket}")).await;
    assert!(page.texts("#thread .letter").iter().any(|letter| letter.contains("Called, and not reached")));
    assert_eq!(desk.count("select count(*) from call_backs where state = 'wanted' and attempts = 1").await, 1);
}

#[tokio::test]
async fn the_telephone_is_connected_like_any_network() {
    let desk = ServedDesk::new().await;
    let admin = desk.agent("Chiara", Role::Admin).await;
    assert!(admin.get("/settings/networks").await.is(200).body.contains("/settings/networks/phone/new"));
    let form = [("name", "Telefono"), ("provider", "cti"), ("country", "39"), ("then", "test")];
    let page = admin.post("/settings/networks/phone/new", &form).await.is(200);
    assert!(page.text(".callout--done").contains("Nothing has come in so far"), "{}", page.text(".callout--done"));
    let hook = page.attribute("#hook", "value");
    let secret = page.attribute("#shown-1", "value");
    assert!(secret.len() > 20 && hook.ends_with(&format!("/{secret}")), "{hook}");
    let told = serde_json::json!({ "event": "newCall", "from": "anonymous", "to": "39061", "direction": "in", "callId": "1" });
    let answer = reqwest::Client::new().post(&hook).json(&told).send().await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 200);
    desk.understood().await;
    assert_eq!(desk.count("select count(*) from calls where state = 'ringing'").await, 1);
    // Nothing can be written through it.
    assert_eq!(desk.count("select count(*) from channels where kind = 'phone' and abilities is null").await, 1);
    let wrong = [("name", "Telefono 2"), ("provider", "carrier pigeon"), ("country", "39"), ("then", "save")];
    assert_eq!(admin.post("/settings/networks/phone/new", &wrong).await.is(422).attribute("#provider", "aria-invalid"), "true");
}

#[tokio::test]
async fn the_same_form_sent_twice_is_one_call() {
    let desk = ServedDesk::new().await;
    let giulia = desk.agent("Giulia", Role::Agent).await;
    let once = giulia.get("/calls/new").await.is(200).attribute("input[name=once]", "value");
    let form =
        |who: &'static str, once: &'static str| [("direction", "in"), ("who", who), ("said", "Sizes."), ("then", "open"), ("once", once)];
    let once: &'static str = once.leak();
    let refused = giulia.post("/calls/new", &form("", once)).await.is(422);
    assert_eq!(refused.attribute("input[name=once]", "value"), once, "put right, it is still the same form");
    let first = giulia.post("/calls/new", &form("333 1234567", once)).await.is(303).location;
    assert_eq!(giulia.post("/calls/new", &form("333 1234567", once)).await.is(303).location, first);
    for (sql, what) in
        [("select count(*) from calls", "calls"), ("select count(*) from tickets", "tickets"), ("select count(*) from messages", "notes")]
    {
        assert_eq!(desk.count(sql).await, 1, "{what}");
    }
    let again = giulia.get(&format!("/calls/new?once={once}")).await.is(200).attribute("input[name=once]", "value");
    assert_ne!(again, once, "another page is another call");
}
