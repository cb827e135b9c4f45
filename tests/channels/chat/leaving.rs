//! The visitor leaves: the answer reaches them by mail, and their answer comes back into the same ticket.

use serde_json::json;
use sportello::desk::kinds::{ChatState, Role};

use crate::support::chat_desk::ChatDesk;

#[tokio::test]
async fn what_a_closed_window_missed_follows_by_mail() {
    let desk = ChatDesk::new().await;
    let anna = desk.on_duty("Anna", Role::Agent).await;
    let mut visitor = desk.browser();
    let answer = visitor.send(json!({ "id": "hello-there", "text": "Where is it?", "name": "Tom", "email": "tom@example.com" })).await;
    let ticket = sportello::ids::TicketId(answer["chat"]["number"].as_i64().expect("a number"));
    desk.accept(&anna, ticket).await.expect("taken");
    let seen = desk.say(&anna, ticket, "Let me look.").await;
    visitor.post("seen", json!({ "delivered": seen, "read": seen })).await;
    // They close the window.
    desk.say(&anna, ticket, "It arrives tomorrow.").await;
    desk.say(&anna, ticket, "Anything else?").await;
    desk.after(30).await;
    assert_eq!(desk.outbox.lock().expect("the outbox").len(), 0, "they may be back within a minute");
    desk.after(61).await;
    let mails = desk.outbox.lock().expect("the outbox").len();
    assert_eq!(mails, 1, "what was missed, in one letter");
    let mail = desk.last_sent();
    assert!(mail.contains("It arrives tomorrow.") && mail.contains("Anything else?"), "{mail}");
    assert!(!mail.split("wrote:").next().unwrap_or_default().contains("Let me look."), "what they saw is not repeated: {mail}");
    // Their answer by mail lands in the same ticket, and the chat shows it.
    let id = mail.lines().find_map(|line| line.strip_prefix("Message-ID: ")).expect("an id").trim();
    let reply = format!(
        "From: Tom <tom@example.com>\r\nTo: help@bottega.example\r\nSubject: Re: x\r\nMessage-ID: <r@x>\r\nIn-Reply-To: {id}\r\n\r\nThanks, that is all.\r\n"
    );
    let processed = desk.receive(reply.as_bytes()).await;
    assert_eq!(processed.ticket, Some(ticket));
    let history = visitor.hello().await;
    assert_eq!(
        history["messages"].as_array().and_then(|all| all.last()).map(|last| last["text"].clone()),
        Some(json!("Thanks, that is all."))
    );
    // Nothing more is sent for the same words.
    desk.say(&anna, ticket, "Good bye!").await;
    desk.after(130).await;
    assert_eq!(desk.outbox.lock().expect("the outbox").len(), 2);
    assert!(!desk.last_sent().split("wrote:").next().unwrap_or_default().contains("arrives tomorrow"));
}

#[tokio::test]
async fn without_an_address_the_answer_waits_for_their_return() {
    let desk = ChatDesk::new().await;
    let anna = desk.on_duty("Anna", Role::Agent).await;
    let mut visitor = desk.browser();
    let ticket = visitor.start("Where is it?").await;
    desk.say(&anna, ticket, "It arrives tomorrow.").await;
    desk.beat(anna.id, sportello::clock::Ts::now().plus_seconds(80)).await;
    desk.after(90).await;
    assert_eq!(desk.outbox.lock().expect("the outbox").len(), 0);
    assert_eq!(visitor.hello().await["messages"][1]["text"], "It arrives tomorrow.");
    // Silence on both sides ends it, and it is solved.
    desk.beat(anna.id, sportello::clock::Ts::now().plus_seconds(1900)).await;
    desk.after(1900).await;
    assert_eq!(desk.chat(ticket).await.state, ChatState::Ended);
}
