//! The call on the customer's own page: another time, another number, none.

use sportello::desk::call_backs::Settings;
use sportello::desk::kinds::{CallBackState, Role, Status};
use sportello::desk::tickets;

use crate::support::calls::CallDesk;

#[tokio::test]
async fn a_customer_moves_the_call_and_then_cancels_it() {
    let desk = CallDesk::with(Settings { per_person: false, places: 1, ..Settings::default() }).await;
    desk.person("Giulia", Role::Agent).await;
    desk.ask(&[]).await.is(303);
    let ticket = desk.newest().await;
    let (first, link) = (desk.call(ticket).await, desk.link(ticket));
    let visitor = desk.visitor();
    let page = visitor.get(&link).await.is(200);
    let times = CallDesk::times(&page);
    assert_eq!(times[0], first.from_at.0.as_second().to_string(), "one's own place is free to oneself");

    let wrong = visitor.post(&format!("{link}/call"), &[("phone", "12"), ("time", "")]).await.is(422);
    assert_eq!(wrong.attributes(".problems a", "href"), ["#phone", "#time"]);
    let moved = visitor.post(&format!("{link}/call"), &[("country", "IT"), ("phone", "347 000 1122"), ("time", &times[2])]).await.is(303);
    assert!(visitor.get(&moved.location.expect("back")).await.text("#call-words").contains("+39 347 000 1122"));
    let call = desk.call(ticket).await;
    assert_eq!((call.id, call.from_at.0.as_second().to_string()), (first.id, times[2].clone()));
    // The old place is free again.
    desk.ask(&[("time", &times[0])]).await.is(303);

    visitor.post(&format!("{link}/call/cancel"), &[]).await.is(303);
    assert_eq!(desk.call(ticket).await.state, CallBackState::Withdrawn);
    desk.at(call.until_at.plus_seconds(1)).await;
    assert_eq!(
        desk.count("select count(*) from events where kind = 'callback_late' and ticket_id = (select min(id) from tickets)").await,
        0
    );
    // And may ask again, in the same request.
    let page = visitor.get(&link).await.is(200);
    visitor.post(&format!("{link}/call"), &[("phone", "+393470001122"), ("time", &CallDesk::times(&page)[3])]).await.is(303);
    assert_eq!(desk.call(ticket).await.state, CallBackState::Wanted);
}

#[tokio::test]
async fn what_is_settled_needs_no_call() {
    let desk = CallDesk::new().await;
    desk.person("Giulia", Role::Agent).await;
    desk.ask(&[]).await.is(303);
    let ticket = desk.newest().await;
    desk.visitor().post(&format!("{}/close", desk.link(ticket)), &[]).await.is(303);
    assert_eq!(desk.call(ticket).await.state, CallBackState::Withdrawn);
    let mut db = desk.app.db.acquire().await.expect("a database");
    assert_eq!(tickets::find(&mut db, ticket).await.expect("read").expect("there").status, Status::Solved);
}
