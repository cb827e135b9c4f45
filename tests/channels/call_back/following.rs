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

#[tokio::test]
async fn a_time_that_was_just_taken_is_not_proposed() {
    let desk = CallDesk::with(Settings { per_person: false, places: 1, ..Settings::default() }).await;
    desk.person("Giulia", Role::Agent).await;
    for _ in 0..2 {
        desk.ask(&[]).await.is(303);
    }
    let ticket = desk.newest().await;
    let (link, visitor) = (format!("{}?lang=en", desk.link(ticket)), desk.visitor());
    let page = visitor.get(&link).await.is(200);
    // One's own comes first, so the next is among those that would be proposed.
    let (value, label) = (CallDesk::times(&page).remove(1), page.texts(".time .num").remove(1));
    let begins = label.split('–').next().expect("a span").to_owned();
    // Somebody else is about to take it: they hold the lock under which places are given.
    let mut quicker = desk.app.db.begin().await.expect("a database");
    sqlx::query("select pg_advisory_xact_lock($1)").bind(0x4341_4c4c_5350_i64).execute(&mut *quicker).await.expect("the lock");
    let form = [("phone", "+393470001122"), ("time", &*value)];
    let path = format!("{}/call?lang=en", desk.link(ticket));
    let sent = visitor.post(&path, &form);
    let taking = async {
        while desk.count("select count(*) from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())").await == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let taken = "update call_backs set from_at = to_timestamp($1), until_at = to_timestamp($1) + '1 hour' where ticket_id <> $2";
        let second: f64 = value.parse().expect("seconds");
        sqlx::query(taken).bind(second).bind(ticket.0).execute(&mut *quicker).await.expect("taken");
        quicker.commit().await.expect("a database");
    };
    let (answer, ()) = tokio::join!(sent, taking);
    let words = answer.is(422).text("#time-error");
    assert!(words.contains("Free next: ") && !words.contains(&format!("between {begins} and")), "{begins}: {words}");
}

#[tokio::test]
async fn who_waits_for_a_call_reads_one_clock_and_of_no_mail() {
    let desk = CallDesk::new().await;
    desk.person("Giulia", Role::Agent).await;
    desk.ask(&[("zone", "America/New_York"), ("email", "")]).await.is(303);
    let ticket = desk.newest().await;
    let page = desk.visitor().get(&format!("{}?lang=en", desk.link(ticket))).await.is(200);
    assert!(!page.text("#status").contains("e-mail"), "{}", page.text("#status"));
    let mut db = desk.app.db.acquire().await.expect("a database");
    let opened = tickets::find(&mut db, ticket).await.expect("read").expect("there").created_at;
    let there = opened.0.in_tz("America/New_York").expect("a zone").strftime("%H:%M").to_string();
    assert!(page.text(".status").contains(&there), "{there}: {}", page.text(".status"));
    assert!(page.texts("time").iter().all(|time| time.contains(&there[..3])), "{:?}", page.texts("time"));
}
