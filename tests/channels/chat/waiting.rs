//! The ladder: who is rung, for how long, and what the visitor hears when nobody comes.

use serde_json::json;
use sportello::clock::Ts;
use sportello::desk::changes::Change;
use sportello::desk::chats::{self, AcceptError};
use sportello::desk::kinds::{ChatState, Role, Status, Wish};
use sportello::desk::presence;

use crate::support::chat_desk::ChatDesk;

#[tokio::test]
async fn nobody_answers_and_the_visitor_is_never_in_the_dark() {
    let desk = ChatDesk::new().await;
    let first = desk.on_duty("Anna", Role::Agent).await;
    let second = desk.on_duty("Bruno", Role::Agent).await;
    let lead = desk.on_duty("Carla", Role::Lead).await;
    desk.wish(&lead, Wish::Busy).await;
    let mut visitor = desk.browser();
    let ticket = visitor.start("Hello, is anybody there?").await;
    let mut ear = visitor.listen(Some(0)).await;
    assert_eq!(desk.ringing(ticket).await, [first.id]);
    desk.after(29).await;
    assert_eq!(desk.ringing(ticket).await, [first.id], "30 seconds are theirs");
    desk.after(31).await;
    assert_eq!(desk.ringing(ticket).await, [second.id]);
    // Simulated time passes screens by: they stay open.
    for agent in [&first, &second, &lead] {
        desk.beat(agent.id, Ts::now().plus_seconds(100)).await;
    }
    desk.after(62).await;
    assert_eq!(desk.ringing(ticket).await, [first.id, second.id], "the whole team");
    desk.after(93).await;
    assert_eq!(desk.ringing(ticket).await, [lead.id], "then the leads, also the busy ones");
    desk.after(125).await;
    let chat = desk.chat(ticket).await;
    assert_eq!((chat.state, chat.agent_id), (ChatState::Parked, None));
    let told = ear.hears("chat", |chat| chat["late"] == true && chat["state"] == "parked").await;
    assert!(told["offers"].as_array().is_some_and(|offers| offers.contains(&json!("wait")) && offers.contains(&json!("email"))), "{told}");

    // By mail, with everything already written.
    assert_eq!(visitor.post("choose", json!({ "way": "email" })).await.0, 422, "an address is needed");
    let (status, answer) = visitor.post("choose", json!({ "way": "email", "email": "Tom@Example.com" })).await;
    assert_eq!((status, &answer["chat"]["state"], &answer["visitor"]["email"]), (200, &json!("mail"), &json!("tom@example.com")));
    assert_eq!(desk.ticket(ticket).await.status, Status::Open);
    desk.say(&first, ticket, "Sorry, here is your answer.").await;
    desk.drain().await;
    assert!(desk.last_sent().contains("tom@example.com"));
}

#[tokio::test]
async fn keep_waiting_rings_again_and_a_call_back_is_kept() {
    let desk = ChatDesk::new().await;
    let anna = desk.on_duty("Anna", Role::Agent).await;
    let mut visitor = desk.browser();
    let ticket = visitor.start("Hello?").await;
    for seconds in [31, 62, 93, 124] {
        desk.beat(anna.id, Ts::now().plus_seconds(seconds)).await;
        desk.after(seconds).await;
    }
    assert_eq!(desk.chat(ticket).await.state, ChatState::Parked);
    let (status, answer) = visitor.post("choose", json!({ "way": "wait" })).await;
    assert_eq!((status, &answer["chat"]["late"], &answer["chat"]["state"]), (200, &json!(false), &json!("ringing")), "{answer}");
    assert_eq!(desk.ringing(ticket).await, [anna.id]);
    let (status, answer) = visitor.post("choose", json!({ "way": "callback", "phone": "call me" })).await;
    assert_eq!((status, &answer["field"]), (422, &json!("phone")));
    let (_, answer) = visitor.post("choose", json!({ "way": "callback", "phone": "071 123456", "time": "1000000000" })).await;
    assert_eq!(answer["field"], json!("time"), "the number is one of the shop's country");
    let times = visitor.get("times?zone=Europe/Rome").await;
    let time = times["days"][1][1][0][0].as_str().expect("a time").to_owned();
    let (status, answer) = visitor.post("choose", json!({ "way": "callback", "phone": "+39 071 123456", "time": "1000000000" })).await;
    assert_eq!((status, &answer["field"]), (422, &json!("time")));
    let (status, answer) = visitor.post("choose", json!({ "way": "callback", "phone": "+39 071 123456", "time": time })).await;
    assert_eq!(status, 200);
    assert!(answer["chat"]["call"].as_str().is_some_and(|words| words.contains("+39 071 123 456")), "{answer}");
    assert_eq!(desk.count("select count(*) from events where kind = 'callback_requested'").await, 1);
    assert_eq!(desk.ringing(ticket).await, []);
}

#[tokio::test]
async fn who_lets_two_offers_pass_is_set_away() {
    let desk = ChatDesk::new().await;
    let anna = desk.on_duty("Anna", Role::Agent).await;
    let bruno = desk.on_duty("Bruno", Role::Agent).await;
    desk.limit(&bruno, 1).await;
    let mut kept = desk.browser();
    let keep = kept.start("Keeps Bruno busy").await;
    desk.accept(&bruno, keep).await.expect("taken");
    for nth in 0..2 {
        let mut visitor = desk.browser();
        let ticket = visitor.start("Hello?").await;
        assert_eq!(desk.ringing(ticket).await, [anna.id], "offer {nth}");
        desk.after(31).await;
        let mut change = Change::begin(&desk.app).await.expect("a database");
        chats::end(&mut change, sportello::desk::events::ChatEnd::Visitor, ticket, Ts::now()).await.expect("ended");
        change.commit().await.expect("a database");
    }
    let mut db = desk.app.db.acquire().await.expect("a database");
    let standing = presence::standing(&mut db, anna.id).await.expect("a database");
    assert_eq!((standing.wish, standing.sent_away), (Wish::Away, true));
}

#[tokio::test]
async fn of_two_who_accept_one_gets_it() {
    let desk = ChatDesk::new().await;
    let anna = desk.on_duty("Anna", Role::Agent).await;
    let bruno = desk.on_duty("Bruno", Role::Agent).await;
    let ticket = desk.browser().start("Hello?").await;
    let (one, two) = tokio::join!(desk.accept(&anna, ticket), desk.accept(&bruno, ticket));
    let holder = desk.chat(ticket).await.agent_id.expect("somebody");
    match (one, two) {
        (Ok(()), Err(AcceptError::Taken(by))) | (Err(AcceptError::Taken(by)), Ok(())) => assert_eq!(by, holder),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn when_the_screen_closes_the_chats_go_to_others() {
    let desk = ChatDesk::new().await;
    let anna = desk.on_duty("Anna", Role::Agent).await;
    let mut visitor = desk.browser();
    let ticket = visitor.start("Hello?").await;
    desk.accept(&anna, ticket).await.expect("taken");
    desk.say(&anna, ticket, "Hi!").await;
    let bruno = desk.on_duty("Bruno", Role::Agent).await;
    let mut change = Change::begin(&desk.app).await.expect("a database");
    presence::leave(&mut change, anna.id, presence::CLOSING, Ts::now()).await.expect("noted");
    change.commit().await.expect("a database");
    desk.after(presence::CLOSING - 1).await;
    assert_eq!(desk.chat(ticket).await.agent_id, Some(anna.id), "another tab may still be open");
    desk.after(presence::CLOSING + 1).await;
    assert_eq!(desk.ringing(ticket).await, [bruno.id]);
    assert_eq!(visitor.hello().await["chat"]["state"], "ringing", "and the visitor did nothing");
    let history = visitor.hello().await;
    assert_eq!(history["messages"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn a_silent_agent_loses_the_chat_and_free_hands_take_the_next_in_line() {
    let desk = ChatDesk::new().await;
    let anna = desk.on_duty("Anna", Role::Agent).await;
    desk.limit(&anna, 1).await;
    let mut first = desk.browser();
    let taken = first.start("First").await;
    desk.accept(&anna, taken).await.expect("taken");
    let mut second = desk.browser();
    let queued = second.start("Second").await;
    let mut third = desk.browser();
    let behind = third.start("Third").await;
    assert_eq!(desk.chat(queued).await.state, ChatState::Queued);
    assert_eq!(third.hello().await["chat"]["place"], 1);
    let mut change = Change::begin(&desk.app).await.expect("a database");
    chats::end(&mut change, sportello::desk::events::ChatEnd::Agent, taken, Ts::now()).await.expect("ended");
    change.commit().await.expect("a database");
    desk.after(0).await;
    assert_eq!(desk.ringing(queued).await, [anna.id], "at once, and the longest waiting first");
    assert_eq!(desk.chat(behind).await.state, ChatState::Queued);
    desk.accept(&anna, queued).await.expect("taken");
    // She says nothing: first the visitor is told, then somebody else is asked.
    desk.beat(anna.id, Ts::now().plus_seconds(400)).await;
    desk.after(125).await;
    assert!(desk.chat(queued).await.late_at.is_some());
    assert_eq!(desk.chat(queued).await.agent_id, Some(anna.id));
    desk.after(310).await;
    let handed = desk.chat(queued).await;
    assert_ne!(handed.state, ChatState::Active);
    assert_eq!(handed.rung, 2, "not first to whoever was silent: the whole team, of which she is all that is there");
}
