//! Whom to call: the list, what an agent does about one call, and the settings.

use sportello::desk::call_backs::{Offer, Settings};
use sportello::desk::directory;
use sportello::desk::kinds::{CallBackState, Role, Status};
use sportello::desk::tickets;
use sportello::ids::TicketId;

use crate::support::calls::CallDesk;

async fn status(desk: &CallDesk, ticket: TicketId) -> Status {
    let mut db = desk.app.db.acquire().await.expect("a database");
    tickets::find(&mut db, ticket).await.expect("read").expect("there").status
}

#[tokio::test]
async fn an_agent_reaches_a_customer_and_writes_down_what_was_said() {
    let desk = CallDesk::new().await;
    let giulia = desk.agent("Giulia", Role::Agent).await;
    let matteo = desk.agent("Matteo", Role::Agent).await;
    assert!(giulia.get("/inbox/call-backs").await.is(200).text(".empty").contains("Nobody waits"));
    desk.ask(&[("zone", "America/New_York")]).await.is(303);
    let ticket = desk.newest().await;
    let list = giulia.get("/inbox/call-backs").await.is(200);
    assert!(list.text("tbody tr").contains("Ada Verdi") && list.text("tbody tr").contains("theirs"), "{}", list.text("tbody tr"));
    assert_eq!(list.attribute("tbody a[data-take]", "href"), "tel:+393331234567");
    assert_eq!(giulia.get("/inbox/open").await.texts("#views a[href='/inbox/call-backs'] .count"), ["1"]);

    let page = giulia.get(&format!("/tickets/{ticket}")).await.is(200);
    assert!(page.text("#call-bar").contains("+39 333 123 4567") && page.text("#call-bar").contains("their time"));
    giulia.post(&format!("/tickets/{ticket}/call/take"), &[]).await.is(303);
    assert!(matteo.get(&format!("/tickets/{ticket}")).await.text("#call-bar").contains("Giulia is calling"));
    matteo.post(&format!("/tickets/{ticket}/call/take"), &[]).await.is(303);
    assert!(
        giulia.get(&format!("/tickets/{ticket}")).await.text("#call-bar").contains("You are calling"),
        "it stays with whoever was first"
    );

    giulia.post(&format!("/tickets/{ticket}/call/done"), &[("words", "Repaired for free."), ("then", "solve")]).await.is(303);
    assert_eq!((desk.call(ticket).await.state, status(&desk, ticket).await), (CallBackState::Done, Status::Solved));
    assert_eq!(desk.count("select count(*) from messages where direction = 'note' and body = 'On the phone: Repaired for free.'").await, 1);
    assert_eq!(desk.count("select count(*) from first_answers").await, 1, "a call is an answer");
    giulia.post(&format!("/tickets/{ticket}/call/done"), &[]).await.is(400);
    assert!(giulia.get("/inbox/call-backs?view=over").await.text("tbody tr").contains("Reached"));
}

#[tokio::test]
async fn nobody_answers_and_in_the_end_the_customer_is_written_to() {
    let desk = CallDesk::new().await;
    let giulia = desk.agent("Giulia", Role::Agent).await;
    desk.ask(&[]).await.is(303);
    let ticket = desk.newest().await;
    for attempt in 1..=2 {
        let page = giulia.get(&format!("/tickets/{ticket}")).await;
        let next = page.attributes("#call-next option", "value").remove(0);
        assert_ne!(next, "last");
        giulia.post(&format!("/tickets/{ticket}/call/missed"), &[("time", &next)]).await.is(303);
        let call = desk.call(ticket).await;
        assert_eq!((call.attempts, call.state), (attempt, CallBackState::Wanted));
        assert_eq!(call.from_at.0.as_second().to_string(), next);
    }
    let page = giulia.get(&format!("/tickets/{ticket}")).await;
    assert_eq!(page.attributes("#call-next option", "value")[0], "last", "the third is the last");
    giulia.post(&format!("/tickets/{ticket}/call/missed"), &[("time", "last")]).await.is(303);
    assert_eq!(desk.call(ticket).await.state, CallBackState::NotReached);
    let letter = desk.letter(ticket).await;
    assert!(letter.contains("3 volte") && letter.contains("+393331234567"), "{letter}");
    let theirs = desk.visitor().get(&desk.link(ticket)).await;
    assert_eq!(theirs.attributes("#call details[open]", "class").len(), theirs.attributes("#call .day[open]", "class").len());
    assert!(theirs.text("#call-words").contains("senza riuscire"));
}

#[tokio::test]
async fn an_agent_plans_moves_and_withdraws_a_call() {
    let desk = CallDesk::new().await;
    let giulia = desk.agent("Giulia", Role::Agent).await;
    desk.ask(&[]).await.is(303);
    let ticket = desk.newest().await;
    let page = giulia.get(&format!("/tickets/{ticket}")).await;
    let time = page.attributes("#call-time option", "value").remove(3);
    giulia.post(&format!("/tickets/{ticket}/call/move"), &[("time", &time)]).await.is(303);
    assert_eq!(desk.call(ticket).await.from_at.0.as_second().to_string(), time);
    giulia.post(&format!("/tickets/{ticket}/call/move"), &[("at", "2020-01-01T10:00")]).await.is(400);
    giulia.post(&format!("/tickets/{ticket}/call/withdraw"), &[]).await.is(303);
    assert_eq!(desk.call(ticket).await.state, CallBackState::Withdrawn);
    let page = giulia.get(&format!("/tickets/{ticket}")).await;
    assert_eq!(page.attribute("#call-phone", "value"), "+393331234567");
    giulia.post(&format!("/tickets/{ticket}/call"), &[("phone", "12"), ("time", &time)]).await.is(400);
    giulia.post(&format!("/tickets/{ticket}/call"), &[("phone", "+39 333 7654321"), ("time", &time)]).await.is(303);
    assert_eq!(desk.call(ticket).await.phone, "+393337654321");
    // A number of the shop's own country, whatever language is spoken there.
    giulia.post(&format!("/tickets/{ticket}/call"), &[("phone", "333 7654322"), ("time", &time)]).await.is(303);
    assert_eq!(desk.call(ticket).await.phone, "+393337654322");
    assert!(giulia.get(&format!("/tickets/{ticket}")).await.body.contains("planned a call to"));
}

#[tokio::test]
async fn an_admin_says_whether_and_when_the_shop_calls() {
    let desk = CallDesk::new().await;
    let admin = desk.agent("Chiara", Role::Admin).await;
    desk.agent("Lea", Role::Lead).await.get("/settings/call-backs").await.is(403);
    let page = admin.get("/settings/call-backs").await.is(200);
    assert!(page.text(".hint").contains("times are free to choose now"));
    let typed = [
        ("offered", "1"),
        ("team", ""),
        ("hours", "desk"),
        ("length", "30"),
        ("places", "3"),
        ("count", "all"),
        ("days", "2"),
        ("remind", "15"),
        ("attempts", "2"),
        ("language", "it"),
        ("language", "de"),
    ];
    let but = |field: &'static str, value: &'static str| -> Vec<(&str, &str)> {
        typed.into_iter().filter(|(name, _)| *name != field).chain([(field, value)]).collect()
    };
    for (field, value) in [("places", "0"), ("days", "99"), ("remind", "x"), ("attempts", "0"), ("length", "45"), ("team", "77")] {
        let page = admin.post("/settings/call-backs", &but(field, value)).await.is(422);
        assert_eq!(page.texts(&format!("#{field}-error")).len(), 1, "{field}");
    }
    admin.post("/settings/call-backs", &typed).await.is(303);
    let stored = directory::get(&desk.app).await.expect("read").call_backs.clone();
    assert_eq!((stored.slot_minutes, stored.places, stored.per_person, stored.days_ahead), (30, 3, false, 2));
    assert_eq!((stored.remind_minutes, stored.attempts, stored.languages.len(), stored.desk_hours), (15, 2, 2, true));
    let page = desk.visitor().get("/call-back?lang=fr").await.is(200);
    assert!(["it", "de"].contains(&page.attribute("html", "lang").as_str()), "not in French");
    admin.post("/settings/call-backs", &but("offered", "")).await.is(303);
    desk.visitor().get("/call-back").await.is(410);
    assert!(!Settings::default().offered);
}

#[tokio::test]
async fn a_time_that_is_near_is_not_full() {
    let desk = CallDesk::with(Settings { per_person: false, places: 1, ..Settings::default() }).await;
    desk.person("Giulia", Role::Agent).await;
    desk.ask(&[]).await.is(303);
    desk.ask(&[]).await.is(303);
    let (second, first) = (desk.newest().await, TicketId(desk.newest().await.0 - 1));
    let (mine, theirs) = (desk.call(second).await, desk.call(first).await);
    assert!(theirs.from_at < mine.from_at);
    let offer = Offer::regardless(&directory::get(&desk.app).await.expect("read"));
    let mut db = desk.app.db.acquire().await.expect("a database");
    let full = async |db: &mut sqlx::PgConnection, ticket| {
        let slots = offer.all(db, ticket, theirs.from_at.plus_seconds(-60)).await.expect("read");
        slots.first().map(|(slot, full)| (slot.from, *full))
    };
    assert_eq!(full(&mut db, first).await, Some((theirs.from_at, false)), "nobody else is called then");
    assert_eq!(full(&mut db, second).await, Some((theirs.from_at, true)));
}
