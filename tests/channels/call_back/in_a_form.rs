//! A contact form in which one may ask to be called.

use serde_json::json;
use sportello::clock::Ts;
use sportello::desk::changes::Change;
use sportello::desk::channels::{self, ChannelDraft};
use sportello::desk::kinds::{ChannelKind, Role};
use sportello::http::visitors::stamps::Stamp;

use crate::support::calls::CallDesk;

#[tokio::test]
async fn a_message_may_ask_for_a_call() {
    let desk = CallDesk::new().await;
    desk.person("Giulia", Role::Agent).await;
    let draft = ChannelDraft {
        kind: ChannelKind::Form,
        name: "Contact".into(),
        address: Some("contact".into()),
        team_id: None,
        language: None,
        enabled: true,
        settings: json!({ "call_back": true }),
        secrets: None,
    };
    let mut change = Change::begin(&desk.app).await.expect("a database");
    let channel = channels::create(&mut change, &draft).await.expect("a form");
    change.touch_settings();
    change.commit().await.expect("a database");
    let visitor = desk.visitor();
    let send = async |more: &[(&str, &str)]| {
        let page = visitor.get("/forms/contact?lang=en").await.is(200);
        let id = page.attribute("input[name=form]", "value");
        let stamp = Stamp::renew(&desk.app.keys, &format!("form {channel}"), id, Ts::now().plus_seconds(-10));
        let typed = [("name", "Ada"), ("email", "ada@example.it"), ("message", "It squeaks."), ("form", &*stamp.id), ("stamp", &*stamp.at)];
        let fields: Vec<(&str, &str)> = typed.into_iter().chain(more.iter().copied()).collect();
        visitor.post("/forms/contact?lang=en", &fields).await
    };
    send(&[("country", "IT"), ("phone", ""), ("time", "")]).await.is(303);
    assert_eq!(desk.count("select count(*) from call_backs").await, 0, "an answer by mail, as ever");
    let time = CallDesk::times(&visitor.get("/forms/contact?lang=en").await).remove(1);
    let wrong = send(&[("country", "IT"), ("phone", ""), ("time", &time)]).await.is(422);
    assert_eq!(wrong.attributes(".problems a", "href"), ["#phone"]);
    assert_eq!(wrong.attributes("details.call[open]", "class").len(), 1);
    let sent = send(&[("country", "IT"), ("phone", "333 1234567"), ("time", &time)]).await.is(303);
    let call = desk.call(desk.newest().await).await;
    assert_eq!((call.phone.as_str(), call.from_at.0.as_second().to_string()), ("+393331234567", time));
    let receipt = visitor.get(&sent.location.expect("a receipt")).await.is(200);
    assert!(receipt.text(".steps").contains("+39 333 123 4567"), "{}", receipt.text(".steps"));
}
