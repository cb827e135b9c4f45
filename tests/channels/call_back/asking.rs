//! Asking for a call on the page for it, rightly and wrongly.

use sportello::desk::call_backs::Settings;
use sportello::desk::kinds::{CallBackState, ChannelKind, Priority, Role, Status};
use sportello::desk::tickets;

use crate::support::calls::{CallDesk, fields};
use crate::support::served::Page;

#[tokio::test]
async fn a_customer_chooses_a_time_and_gets_a_receipt() {
    let desk = CallDesk::new().await;
    desk.person("Giulia", Role::Agent).await;
    let visitor = desk.visitor();
    let page = visitor.get("/call-back?lang=it&page=https://shop.example/arno").await.is(200);
    assert_eq!((page.attribute("html", "lang").as_str(), page.text("h1").as_str()), ("it", "La richiamiamo noi"));
    assert_eq!(page.attributes("input[value=now]", "name").len(), 0, "nobody is on duty");
    let times = CallDesk::times(&page);
    let stamp = desk.stamp(&page);
    let sent = visitor.post("/call-back?lang=it", &fields(&stamp, &times[1], &[("zone", "America/New_York")])).await.is(303);

    let ticket = desk.newest().await;
    let call = desk.call(ticket).await;
    assert_eq!((call.phone.as_str(), call.state, call.placed), ("+393331234567", CallBackState::Wanted, true));
    assert_eq!(call.from_at.0.as_second().to_string(), times[1]);
    assert_eq!((call.until_at.seconds_since(call.from_at), call.time_zone.as_deref()), (3600, Some("America/New_York")));
    let mut db = desk.app.db.acquire().await.expect("a database");
    let row = tickets::find(&mut db, ticket).await.expect("read").expect("there");
    drop(db);
    assert_eq!((row.subject.as_str(), row.priority), ("Richiamata: La cerniera si è rotta.", Priority::High));
    assert_eq!(
        sportello::desk::directory::get(&desk.app).await.expect("read").channel(row.channel_id).map(|channel| channel.kind),
        Some(ChannelKind::CallBack)
    );

    let receipt = visitor.get(&sent.location.expect("a receipt")).await.is(200);
    assert!(receipt.text(".lead").contains("+39 333 123 4567") && receipt.text(".reference").contains(&ticket.to_string()));
    assert!(visitor.get(&receipt.attribute(".actions a", "href")).await.is(200).text("#call-words").contains("+39 333 123 4567"));

    // The same page sent once more is the same request.
    visitor.post("/call-back?lang=it", &fields(&stamp, &times[1], &[])).await.is(303);
    assert_eq!(desk.count("select count(*) from call_backs").await, 1);
    desk.drain().await;
    assert!(desk.last_sent().contains("ada@example.it"));
    assert!(desk.letter(ticket).await.contains("+393331234567"));
}

#[tokio::test]
async fn each_error_stands_at_its_field_and_nothing_typed_is_lost() {
    let desk = CallDesk::new().await;
    desk.person("Giulia", Role::Agent).await;
    for (field, value) in [
        ("name", ""),
        ("phone", ""),
        ("phone", "call me"),
        ("phone", "12"),
        ("time", ""),
        ("time", "nonsense"),
        ("time", "1000000000"),
        ("time", "now"),
        ("email", "ada@"),
        ("consent", ""),
    ] {
        let page = desk.ask(&[(field, value)]).await.is(422);
        assert_eq!(page.attributes(".problems a", "href"), [format!("#{field}")], "{field}={value}");
        assert_eq!(page.texts(&format!("#{field}-error")).len(), 1, "{field}");
        assert_eq!(page.text("#note"), "La cerniera si è rotta.");
        if field != "phone" {
            assert_eq!(page.attribute("#phone", "value"), "333 123 4567");
        }
    }
    let page = desk.ask(&[("country", "")]).await.is(422);
    assert!(page.text("#phone-error").contains("Paese"), "a number of nowhere");
    desk.ask(&[("country", ""), ("phone", "0049 30 1234567")]).await.is(303);
    assert_eq!(desk.count("select count(*) from call_backs where phone = '+49301234567'").await, 1);
    assert_eq!(desk.count("select count(*) from tickets").await, 1);
}

#[tokio::test]
async fn calls_are_offered_only_by_those_who_are_there() {
    let desk = CallDesk::new().await;
    desk.visitor().get("/call-back").await.is(410);
    let giulia = desk.person("Giulia", Role::Agent).await;
    let page = desk.visitor().get("/call-back?lang=en").await.is(200);
    assert!(page.attributes("input[value=now]", "name").is_empty());
    desk.beat(giulia).await;
    let page = desk.visitor().get("/call-back?lang=en").await.is(200);
    assert_eq!(page.attributes("input[value=now]", "name"), ["time"]);
    desk.ask(&[("time", "now")]).await.is(303);
    let call = desk.call(desk.newest().await).await;
    assert!(!call.placed && call.until_at > call.from_at);

    let closed: [serde_json::Value; 7] = std::array::from_fn(|_| serde_json::json!([]));
    desk.hours(serde_json::json!({ "week": closed })).await;
    let page = desk.visitor().get("/call-back?lang=en").await.is(200);
    assert!(CallDesk::times(&page).is_empty() && page.attributes("form", "action").is_empty(), "nothing to choose, nothing to send");
    desk.offer(&Settings::default()).await;
    desk.visitor().get("/call-back").await.is(410);
}

#[tokio::test]
async fn times_are_told_by_the_readers_clock_and_the_shops() {
    let desk = CallDesk::new().await;
    desk.person("Giulia", Role::Agent).await;
    let own = desk.visitor().get("/call-back?lang=en&zone=Europe/Rome").await;
    assert!(own.texts(".time small").is_empty());
    let far = desk.visitor().get("/call-back?lang=en&zone=America/New_York").await;
    assert_eq!(far.texts(".time small").len(), CallDesk::times(&far).len());
    assert!(far.text("#time-hint").contains("America/New York") && far.text("#time-hint").contains("Europe/Rome"));
}

#[tokio::test]
async fn programs_take_no_place() {
    let desk = CallDesk::new().await;
    desk.person("Giulia", Role::Agent).await;
    desk.ask(&[("website", "https://spam.example")]).await.is(303);
    let mut db = desk.app.db.acquire().await.expect("a database");
    let ticket = tickets::find(&mut db, desk.newest().await).await.expect("read").expect("there");
    assert_eq!(ticket.status, Status::Spam);
    drop(db);
    assert_eq!(desk.count("select count(*) from call_backs").await, 0);
}

#[tokio::test]
async fn a_browser_in_english_is_not_taken_for_american() {
    let desk = CallDesk::new().await;
    desk.person("Giulia", Role::Agent).await;
    let visitor = desk.visitor();
    let preselected = async |languages: &str, zone: &str| {
        let request = visitor.request(reqwest::Method::GET, &format!("/call-back?lang=en&zone={zone}"));
        let answer = request.header("accept-language", languages).send().await.expect("an answer");
        let page =
            Page { status: answer.status(), location: None, headers: answer.headers().clone(), body: answer.text().await.expect("a body") };
        page.is(200).attribute("#country option[selected]", "value")
    };
    assert_eq!(preselected("en-US,en;q=0.9", "").await, "IT", "the shop's");
    assert_eq!(preselected("en-US,en;q=0.9", "America/New_York").await, "US");
    assert_eq!(preselected("de,en;q=0.9", "Europe/Vienna").await, "AT");
    assert_eq!(preselected("de", "").await, "IT", "German is spoken in several countries");
}
