//! Opening hours and targets, as an admin and a team's lead enter them.

use sportello::clock::Ts;
use sportello::desk::hours::{self, Schedule};
use sportello::desk::kinds::Role;
use sportello::desk::{directory, teams};
use sportello::ids::TeamId;

use crate::support::served::ServedDesk;

/// Nine to one and half past two to six on Monday, and closed on 8 December 2026.
const TYPED: [(&str, &str); 12] = [
    ("d0-from", "09:00"),
    ("d0-to", "13:00"),
    ("d0-from", "14:30"),
    ("d0-to", "18:00"),
    ("d5-from", "22:00"),
    ("d5-to", "02:00"),
    ("x-date", "2026-12-08"),
    ("x-state", "closed"),
    ("x-from", ""),
    ("x-to", ""),
    ("x-note", "Immacolata"),
    ("zone", ""),
];

fn typed<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    TYPED.iter().chain(more).copied().collect()
}

async fn schedule(desk: &ServedDesk) -> Schedule {
    directory::get(&desk.app).await.expect("a database").schedule.clone()
}

#[tokio::test]
async fn an_admin_enters_the_desks_hours() {
    let desk = ServedDesk::new().await;
    let admin = desk.agent("Ada", Role::Admin).await;
    desk.agent("Lea", Role::Lead).await.get("/settings/hours").await.is(403);
    let page = admin.get("/settings/hours").await.is(200);
    assert_eq!(page.texts(".glance-day").len(), 14);
    assert_eq!(page.attributes("[name=d0-from]", "value"), ["09:00", ""]);
    assert_eq!(page.attributes("[name=d6-from]", "value"), ["", ""]);

    admin.post("/settings/hours", &typed(&[])).await.is(303);
    let page = admin.get("/settings/hours").await.is(200);
    assert_eq!(page.attributes("[name=d0-to]", "value"), ["13:00", "18:00", ""], "and one more to fill in");
    assert_eq!(page.attributes("[name=d5-to]", "value"), ["02:00", ""]);
    assert_eq!(page.attributes("[name=x-note]", "value"), ["Immacolata", "", ""]);
    assert_eq!(schedule(&desk).await.week.each_ref().map(Vec::len), [2, 0, 0, 0, 0, 1, 0]);
    let hours = hours::of(&desk.app, None).await.expect("a database");
    assert!(hours.is_open(Ts("2026-11-16T09:00:00Z".parse().expect("a moment"))) && hours.exceptions.len() == 1);

    // Without a script: a button that fills in, one that takes a line away.
    let page = admin.post("/settings/hours", &typed(&[("do", "copy")])).await.is(200);
    assert_eq!(page.attributes("[name=d4-to]", "value"), ["13:00", "18:00", ""]);
    assert!(schedule(&desk).await.week[4].is_empty(), "not saved yet");
    admin.post("/settings/hours", &typed(&[("remove", "0")])).await.is(303);
    assert!(schedule(&desk).await.exceptions.is_empty());
}

#[tokio::test]
async fn what_is_wrong_stands_at_its_line_and_values_stay() {
    let desk = ServedDesk::new().await;
    let admin = desk.agent("Ada", Role::Admin).await;
    let before = schedule(&desk).await;
    let wrong = [
        ("d1-from", "9:00"),
        ("d1-to", "12:00"),
        ("d1-from", "halb zehn"),
        ("d1-to", ""),
        ("x-date", "2026-12-08"),
        ("x-state", "closed"),
        ("x-from", ""),
        ("x-to", ""),
        ("x-note", "again <b>"),
    ];
    let page = admin.post("/settings/hours", &typed(&wrong)).await.is(422);
    assert!(page.text("#d1-error").contains("Enter both times"), "{}", page.text("#d1-error"));
    assert!(page.text("#x1-error").contains("in the list already"));
    assert_eq!(page.attributes("[name=d1-from]", "value"), ["9:00", "halb zehn", ""]);
    assert_eq!(page.attributes("[aria-invalid=true]", "value"), ["halb zehn", "", "2026-12-08"]);
    assert_eq!(page.attributes("[name=x-note]", "value")[1], "again <b>");
    let page = admin.post("/settings/hours", &[]).await.is(422);
    assert!(page.text("#week-error").contains("at least one day"));
    assert_eq!(schedule(&desk).await, before);
}

#[tokio::test]
async fn targets_are_entered_in_minutes_or_hours() {
    let desk = ServedDesk::new().await;
    let admin = desk.agent("Ada", Role::Admin).await;
    let page = admin.get("/settings/hours").await.is(200);
    assert_eq!((page.attribute("#chat-amount", "value"), page.attribute("#email-amount", "value")), ("2".to_owned(), "4".to_owned()));
    let typed = |email| {
        [
            ("chat-amount", "90"),
            ("chat-unit", "minutes"),
            ("email-amount", email),
            ("email-unit", "hours"),
            ("form-amount", "30"),
            ("form-unit", "minutes"),
            ("api-amount", "4"),
            ("api-unit", "hours"),
            ("angry-amount", "15"),
            ("angry-unit", "minutes"),
        ]
    };
    for wrong in ["0", "soon", "-1", "721", "99999999999999999999"] {
        let page = admin.post("/settings/hours/targets", &typed(wrong)).await.is(422);
        assert_eq!(page.attributes("[aria-invalid=true]", "value"), [wrong]);
        assert_eq!(page.attribute("#chat-amount", "value"), "90");
    }
    admin.post("/settings/hours/targets", &typed("24")).await.is(303);
    let targets = directory::get(&desk.app).await.expect("a database").targets.clone();
    assert_eq!(["chat", "email", "form", "api", "angry", "pigeon"].map(|kind| targets.minutes(kind)), [90, 1440, 30, 240, 15, 240]);
}

#[tokio::test]
async fn a_team_has_hours_of_its_own_or_the_desks() {
    let desk = ServedDesk::new().await;
    let lead = desk.agent("Lea", Role::Lead).await;
    desk.agent("Anna", Role::Agent).await.get("/settings/teams/1/hours").await.is(403);
    let mut db = desk.app.db.acquire().await.expect("a database");
    let id: TeamId = teams::create(&mut db, "Night owls").await.expect("a team");
    desk.app.cache.invalidate_all();
    let path = format!("/settings/teams/{id}/hours");
    let page = lead.get(&path).await.is(200);
    assert_eq!(page.attributes("[name=own][checked]", "value"), ["0"]);
    assert_eq!(page.attributes("[name=d0-to]", "value"), ["18:00", ""], "the desk's to begin with");

    let page = lead.post(&path, &[("own", "1"), ("zone", "Europe/Atlantis"), ("d0-from", "9"), ("d0-to", "10")]).await.is(422);
    assert_eq!(page.attributes("[aria-invalid=true]", "id"), ["zone"]);
    assert_eq!(page.attributes("[name=own][checked]", "value"), ["1"]);
    lead.post(&path, &[("own", "1"), ("zone", "America/New_York"), ("d0-from", "20:00"), ("d0-to", "00:00")]).await.is(303);
    let hours = hours::of(&desk.app, Some(id)).await.expect("a database");
    assert_eq!(hours.zone.iana_name(), Some("America/New_York"));
    assert!(hours.is_open(Ts("2026-11-17T04:59:00Z".parse().expect("a moment"))), "until midnight there");
    assert_eq!(hours::of(&desk.app, None).await.expect("a database").zone.iana_name(), Some("Europe/Rome"));
    assert!(lead.get(&format!("/settings/teams/{id}")).await.is(200).body.contains("by its own hours"));

    lead.post(&path, &[("own", "0"), ("zone", "nowhere"), ("d0-from", "9"), ("d0-to", "")]).await.is(303);
    let hours = hours::of(&desk.app, Some(id)).await.expect("a database");
    assert_eq!(hours.zone.iana_name(), Some("Europe/Rome"));
    lead.get("/settings/teams/999/hours").await.is(404);
    lead.post("/settings/teams/999/hours", &[("own", "0")]).await.is(404);
}
