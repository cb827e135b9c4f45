//! Webhooks, from the page on which they are made to the program that hears them.

use std::time::Duration;

use sportello::clock::Ts;
use sportello::desk::kinds::Role;
use sportello::ids::TicketId;
use sportello::worker;

use crate::support::providers::receiver::{Answer, Receiver};
use crate::support::served::{Browser, Page, ServedDesk};

const LETTER: &[u8] = b"From: Anna <anna@example.com>\r\nTo: help@bottega.example\r\nSubject: Scarpe\r\nMessage-ID: <1@example.com>\r\n\r\nPerch\xc3\xa9 non arrivano?\r\n";

/// Makes a webhook in the browser; answers with its page's path and its secret.
async fn listen(admin: &Browser, name: &str, url: &str, kinds: &[&str]) -> (String, String) {
    let mut fields = vec![("name", name), ("url", url), ("hears", if kinds.is_empty() { "all" } else { "some" })];
    fields.extend(kinds.iter().map(|kind| ("kind", *kind)));
    let page = admin.post("/settings/webhooks/new", &fields).await.is(200);
    let path = page.attribute("form.form", "action");
    (path, page.text("#secret"))
}

async fn ticket(desk: &ServedDesk) -> TicketId {
    desk.receive(LETTER).await.ticket.expect("a ticket")
}

fn states(page: &Page) -> Vec<String> {
    page.texts("tbody .badge")
}

#[tokio::test]
async fn a_test_event_arrives_signed_and_shows_in_the_log() {
    let desk = ServedDesk::new().await;
    let admin = desk.agent("Ada", Role::Admin).await;
    let receiver = Receiver::start().await;
    assert!(admin.get("/settings/webhooks").await.is(200).text(".empty h2").contains("Nobody listens"));
    let (path, secret) = listen(&admin, "Warehouse", &format!("{}/hooks?a=1", receiver.url), &[]).await;
    assert!(secret.starts_with("sps_"), "{secret}");
    assert!(!admin.get(&path).await.is(200).body.contains(&secret), "shown once");
    receiver.answer([Answer::new(202, "<b>got it</b>")]);
    admin.post(&format!("{path}/test"), &[]).await.is(303);
    desk.drain().await;

    let heard = receiver.heard();
    assert_eq!(heard.len(), 1);
    assert_eq!((heard[0].method.as_str(), heard[0].uri.to_string().as_str()), ("POST", "/hooks?a=1"));
    heard[0].is_signed_with(&secret);
    let body = heard[0].json();
    assert_eq!((body["event"].as_str(), body["agent"]["name"].as_str()), (Some("test"), Some("Ada")));
    assert_eq!(body["id"], heard[0].header("sportello-delivery"));
    assert!(body["ticket"].is_null() && body["message"].is_null());

    let page = admin.get(&path).await.is(200);
    assert_eq!(states(&page), ["Delivered"]);
    assert!(page.body.contains("&#60;b&#62;got it&#60;/b&#62;") && page.body.contains("202"), "{}", page.body);
    assert!(page.text("tbody").contains(heard[0].header("sportello-delivery")));
    let list = admin.get("/settings/webhooks").await.is(200);
    assert!(list.text("tbody").contains("Works"), "{}", list.text("tbody"));
}

#[tokio::test]
async fn every_event_is_told_with_its_ticket_and_message() {
    let desk = ServedDesk::new().await;
    let admin = desk.agent("Ada", Role::Admin).await;
    let (everything, some) = (Receiver::start().await, Receiver::start().await);
    let (_, secret) = listen(&admin, "Everything", &everything.url, &[]).await;
    listen(&admin, "Some", &some.url, &["status_changed", "noted"]).await;
    let ticket = ticket(&desk).await;
    admin.post(&format!("/tickets/{ticket}/status"), &[("status", "solved")]).await;
    desk.drain().await;

    let heard = everything.heard();
    heard.iter().for_each(|heard| heard.is_signed_with(&secret));
    let told: Vec<_> = heard.iter().map(|heard| heard.json()).collect();
    let find = |kind: &str| told.iter().find(|body| body["event"] == kind).unwrap_or_else(|| panic!("no {kind} in {told:?}"));
    let received = find("created");
    assert_eq!(received["ticket"]["id"], ticket.0);
    assert_eq!(received["ticket"]["subject"], "Scarpe");
    assert_eq!(received["ticket"]["contact"]["email"], "anna@example.com");
    assert!(received["message"]["text"].as_str().is_some_and(|text| text.contains("Perché non arrivano?")));
    assert!(received["agent"].is_null() && received["event_id"].is_i64() && received["at"].is_string());

    let told: Vec<_> = some.heard().iter().map(|heard| heard.json()).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["event"], "status_changed");
    assert_eq!(told[0]["data"], serde_json::json!({ "from": "open", "to": "solved" }));
    assert_eq!(told[0]["agent"]["email"], "ada@bottega.example");
}

#[tokio::test]
async fn without_listeners_nothing_is_kept_and_an_event_that_fails_is_not_told() {
    let desk = ServedDesk::new().await;
    let admin = desk.agent("Ada", Role::Admin).await;
    ticket(&desk).await;
    assert_eq!(desk.count("select count(*) from webhook_deliveries").await, 0);
    let receiver = Receiver::start().await;
    let (path, _) = listen(&admin, "Later", &receiver.url, &["tagged"]).await;
    let change = sportello::desk::changes::Change::begin(&desk.app).await.expect("a database");
    let mut change = change;
    let tag = sportello::desk::teams::ensure_tag(&mut change, "x").await.expect("a tag");
    let by = sportello::desk::changes::Actor::System;
    sportello::desk::tickets::update::tag(&mut change, by, TicketId(1), tag).await.expect("tagged");
    drop(change);
    assert_eq!(desk.count("select count(*) from webhook_deliveries").await, 0, "rolled back with its event");
    admin.post(&format!("{path}/disable"), &[]).await.is(303);
    admin.post(&format!("{path}/test"), &[]).await.is(303);
    desk.drain().await;
    assert!(receiver.heard().is_empty());
}

#[tokio::test]
async fn what_fails_is_tried_again_as_the_same_delivery_and_can_be_sent_again() {
    let desk = ServedDesk::new().await;
    let admin = desk.agent("Ada", Role::Admin).await;
    let receiver = Receiver::start().await;
    let (path, secret) = listen(&admin, "Warehouse", &receiver.url, &["created"]).await;
    receiver.answer([Answer::new(500, "out of paper")]);
    ticket(&desk).await;
    let errors = worker::drain(&desk.app, Ts::now()).await;
    assert!(errors.is_empty(), "{errors:?}");
    let page = admin.get(&path).await.is(200);
    assert_eq!(states(&page), ["Tried again soon"]);
    assert!(page.text("tbody").contains("500") && page.text("tbody").contains("out of paper"));
    assert!(page.text("[role=alert]").contains("Nothing gets through"));
    assert!(admin.get("/settings").await.text("a[href='/settings/webhooks'].card-link").contains("needs you"));
    desk.drain().await;
    let page = admin.get(&path).await.is(200);
    assert_eq!(states(&page), ["Delivered"]);
    assert!(page.text("tbody").contains("at attempt 2"));
    assert!(page.texts("[role=alert]").is_empty());

    let again = page.attribute("tbody form", "action");
    admin.post(&again, &[]).await.is(303);
    desk.drain().await;
    let heard = receiver.heard();
    assert_eq!(heard.len(), 3);
    for each in &heard {
        each.is_signed_with(&secret);
        assert_eq!(each.header("sportello-delivery"), heard[0].header("sportello-delivery"));
        assert_eq!(each.body, heard[0].body);
    }
    admin.post("/settings/webhooks/999/deliveries/1/resend", &[]).await.is(404);
}

#[tokio::test]
async fn ten_attempts_are_the_end_and_gone_is_gone() {
    let desk = ServedDesk::new().await;
    let admin = desk.agent("Ada", Role::Admin).await;
    let receiver = Receiver::start().await;
    let (path, _) = listen(&admin, "Warehouse", &receiver.url, &[]).await;
    receiver.answer((0..10).map(|_| Answer::new(503, "")));
    admin.post(&format!("{path}/test"), &[]).await.is(303);
    let errors = worker::drain(&desk.app, Ts::now().plus_seconds(2 * 24 * 3600)).await;
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(receiver.heard().len(), 10);
    let page = admin.get(&path).await.is(200);
    assert_eq!(states(&page), ["Given up"]);
    assert!(page.text("tbody").contains("after 10 attempts"));

    receiver.answer([Answer::new(410, "")]);
    admin.post(&format!("{path}/test"), &[]).await.is(303);
    let errors = worker::drain(&desk.app, Ts::now().plus_seconds(2 * 24 * 3600)).await;
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(receiver.heard().len(), 11);
    assert_eq!(states(&admin.get(&path).await), ["Given up", "Given up"]);

    let away = Answer { headers: vec![("location", "https://example.com/".into())], ..Answer::new(302, "") };
    receiver.answer([away]);
    admin.post(&format!("{path}/test"), &[]).await.is(303);
    let errors = worker::drain(&desk.app, Ts::now().plus_seconds(1000)).await;
    assert!(errors.is_empty(), "{errors:?}");
    let page = admin.get(&path).await;
    assert!(states(&page)[0].contains("Delivered"), "nobody was led elsewhere; the second attempt was taken: {:?}", states(&page));
}

#[tokio::test]
async fn a_slow_endpoint_is_given_five_seconds_and_then_left_alone_for_a_moment() {
    let desk = ServedDesk::new().await;
    let admin = desk.agent("Ada", Role::Admin).await;
    let receiver = Receiver::start().await;
    let (path, _) = listen(&admin, "Slow", &receiver.url, &["created", "acknowledged"]).await;
    receiver.answer([Answer { after: Duration::from_secs(8), ..Answer::new(200, "at last") }]);
    ticket(&desk).await;
    let begun = std::time::Instant::now();
    let errors = worker::drain(&desk.app, Ts::now().plus_seconds(2)).await;
    assert!(errors.is_empty(), "{errors:?}");
    assert!((5..8).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    assert_eq!(receiver.heard().len(), 1, "the second waits until somebody answers there");
    let page = admin.get(&path).await.is(200);
    assert!(page.text("tbody").contains("The endpoint did not answer in time."), "{}", page.text("tbody"));
    assert!(page.text("tbody").contains(" 5."), "{}", page.text("tbody"));
    desk.drain().await;
    assert_eq!(states(&admin.get(&path).await), ["Delivered", "Delivered"]);
}

#[tokio::test]
async fn private_networks_are_refused_unless_allowed() {
    let desk = ServedDesk::with(|config| config.web.allow_private_networks = false).await;
    let admin = desk.agent("Ada", Role::Admin).await;
    let receiver = Receiver::start().await;
    let typed = [("name", "Inside"), ("url", &*receiver.url), ("hears", "some")];
    let page = admin.post("/settings/webhooks/new", &typed).await.is(422);
    assert_eq!(page.attribute("#url", "value"), receiver.url);
    assert!(page.text("#url-error").contains("https://"));
    assert!(page.text("#kind-error").contains("at least one"));
    let (path, _) = listen(&admin, "Inside", &receiver.url.replace("http://", "https://"), &[]).await;
    admin.post(&format!("{path}/test"), &[]).await.is(303);
    desk.drain().await;
    assert!(receiver.heard().is_empty());
    let page = admin.get(&path).await.is(200);
    assert_eq!(states(&page), ["Given up"]);
    assert!(page.text("tbody").contains("The address lies in a private network."));
}

#[tokio::test]
async fn three_days_of_failures_switch_it_off_until_an_admin_switches_it_on() {
    let desk = ServedDesk::new().await;
    let admin = desk.agent("Ada", Role::Admin).await;
    let receiver = Receiver::start().await;
    let (path, _) = listen(&admin, "Warehouse", &receiver.url, &[]).await;
    for (days, off) in [(2, false), (4, true)] {
        let since = Ts::now().plus_seconds(-days * 24 * 3600);
        sqlx::query("update webhook_endpoints set failing_since = $1").bind(since).execute(&desk.app.db).await.expect("a database");
        receiver.answer([Answer::new(500, "")]);
        admin.post(&format!("{path}/test"), &[]).await.is(303);
        let errors = worker::drain(&desk.app, Ts::now().plus_seconds(5)).await;
        assert!(errors.is_empty(), "{errors:?}");
        let page = admin.get(&path).await.is(200);
        assert_eq!(page.body.contains("Switched off by Sportello"), off, "after {days} days");
    }
    assert!(admin.get("/settings/webhooks").await.text("tbody").contains("Switched off by Sportello"));
    let before = receiver.heard().len();
    ticket(&desk).await;
    desk.drain().await;
    assert_eq!(receiver.heard().len(), before, "it hears of nothing");
    admin.post(&format!("{path}/enable"), &[]).await.is(303);
    admin.post(&format!("{path}/test"), &[]).await.is(303);
    desk.drain().await;
    assert_eq!(receiver.heard().len(), before + 1);
    assert!(admin.get("/settings/webhooks").await.text("tbody").contains("Works"));
}

#[tokio::test]
async fn a_webhook_is_changed_rotated_deleted_and_its_log_has_pages() {
    let desk = ServedDesk::new().await;
    let admin = desk.agent("Ada", Role::Admin).await;
    let (one, two) = (Receiver::start().await, Receiver::start().await);
    let (path, first) = listen(&admin, "Warehouse", &one.url, &[]).await;
    let taken = admin.post("/settings/webhooks/new", &[("name", "warehouse"), ("url", &*one.url), ("hears", "all")]).await.is(422);
    assert!(taken.text("#name-error").contains("Another webhook"));
    admin.post(&path, &[("name", "Depot"), ("url", &*two.url), ("hears", "some"), ("kind", "tagged")]).await.is(303);
    let page = admin.get(&path).await.is(200);
    assert_eq!(page.attribute("#name", "value"), "Depot");
    assert_eq!(page.attributes("input[name=kind][checked]", "value"), ["tagged"]);
    let second = admin.post(&format!("{path}/secret"), &[]).await.is(200).text("#secret");
    assert_ne!(first, second);
    for _ in 0..30 {
        admin.post(&format!("{path}/test"), &[]).await.is(303);
    }
    desk.drain().await;
    assert!(one.heard().is_empty());
    assert_eq!(two.heard().len(), 30);
    two.heard()[0].is_signed_with(&second);
    let page = admin.get(&path).await.is(200);
    assert_eq!(states(&page).len(), 25);
    let older = page.attribute("a[href*=before]", "href");
    let page = admin.get(&older).await.is(200);
    assert_eq!(states(&page).len(), 5);
    assert!(page.attributes("a[href*=before]", "href").is_empty());

    let month = "update webhook_deliveries set created_at = now() - interval '31 days' where id <= 10";
    sqlx::query(month).execute(&desk.app.db).await.expect("a database");
    let mut db = desk.app.db.acquire().await.expect("a database");
    sportello::desk::housekeeping::tidy(&mut db).await.expect("tidied");
    assert_eq!(desk.count("select count(*) from webhook_deliveries").await, 20);
    admin.post(&format!("{path}/delete"), &[]).await.is(303);
    admin.get(&path).await.is(404);
    assert_eq!(desk.count("select count(*) from webhook_deliveries").await, 0);
}
