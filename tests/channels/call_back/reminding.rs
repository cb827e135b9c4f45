//! What the desk does by itself: a reminder in time, and the truth when the time has passed.

use sportello::desk::kinds::Role;

use crate::support::calls::CallDesk;

#[tokio::test]
async fn whoever_is_to_call_is_reminded_and_the_leads_hear_of_what_is_late() {
    let desk = CallDesk::new().await;
    let giulia = desk.agent("Giulia", Role::Agent).await;
    let matteo = desk.agent("Matteo", Role::Agent).await;
    let lea = desk.agent("Lea", Role::Lead).await;
    desk.ask(&[]).await.is(303);
    let ticket = desk.newest().await;
    let call = desk.call(ticket).await;

    desk.at(call.from_at.plus_seconds(-601)).await;
    assert!(giulia.get("/inbox/open").await.texts("[data-due]").is_empty(), "not yet");
    desk.at(call.from_at.plus_seconds(-599)).await;
    for screen in [&giulia, &matteo] {
        assert!(screen.get("/inbox/open").await.text("[data-due]").contains("Call Ada Verdi"), "it is nobody's, so everybody's");
    }
    let me = giulia.get(&format!("/tickets/{ticket}")).await.attribute("body", "data-me");
    giulia.post(&format!("/tickets/{ticket}/assignee"), &[("assignee", &me)]).await.is(303);
    assert!(matteo.get("/inbox/open").await.texts("[data-due]").is_empty());
    assert_eq!(giulia.get("/inbox/open").await.texts("[data-due]").len(), 1);
    assert!(lea.get("/inbox/open").await.texts("[data-due]").is_empty());

    desk.at(call.until_at.plus_seconds(1)).await;
    assert_eq!(desk.count("select count(*) from events where kind = 'callback_due'").await, 1);
    assert_eq!(desk.count("select count(*) from events where kind = 'callback_late'").await, 1);
    assert!(desk.call(ticket).await.late_at.is_some());
    assert_eq!(lea.get("/inbox/open").await.texts("[data-due]").len(), 1);
    let letter = desk.letter(ticket).await;
    assert!(letter.contains("non l’abbiamo fatto") && letter.matches("– ").count() == 3 && letter.contains("/r/"), "{letter}");
    // Asked once more it does it once.
    desk.at(call.until_at.plus_seconds(3600)).await;
    assert_eq!(desk.count("select count(*) from events where kind = 'callback_late'").await, 1);
    // Another time begins anew.
    let page = desk.visitor().get(&desk.link(ticket)).await;
    let time = CallDesk::times(&page).pop().expect("a time");
    desk.visitor().post(&format!("{}/call", desk.link(ticket)), &[("phone", "+393331234567"), ("time", &time)]).await.is(303);
    let call = desk.call(ticket).await;
    assert!(call.late_at.is_none() && call.next_at.is_some_and(|next| call.from_at.seconds_since(next) == 600));
}
