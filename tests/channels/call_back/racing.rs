//! The last place of a time, and two who want it.

use sportello::desk::call_backs::Settings;
use sportello::desk::kinds::Role;

use crate::support::calls::{CallDesk, fields};

#[tokio::test]
async fn of_two_who_take_the_last_place_one_gets_it() {
    let desk = CallDesk::with(Settings { per_person: false, places: 1, ..Settings::default() }).await;
    desk.person("Giulia", Role::Agent).await;
    for _ in 0..4 {
        let (anna, bruno) = (desk.visitor(), desk.visitor());
        let (page, other) = tokio::join!(anna.get("/call-back?lang=en"), bruno.get("/call-back?lang=en"));
        let time = CallDesk::times(&page).remove(0);
        let (stamp, second) = (desk.stamp(&page), desk.stamp(&other));
        let (one, two) = (fields(&stamp, &time, &[]), fields(&second, &time, &[("phone", "333 765 4321"), ("email", "b@example.it")]));
        let (one, two) = tokio::join!(anna.post("/call-back?lang=en", &one), bruno.post("/call-back?lang=en", &two));
        let mut outcomes = [one.status.as_u16(), two.status.as_u16()];
        outcomes.sort_unstable();
        assert!(matches!(outcomes, [303, 409 | 422]), "{outcomes:?}");
        let lost = if one.status == 303 { two } else { one };
        assert!(lost.text("#time-error").contains("Free next: "), "{}", lost.text("#time-error"));
        assert!(!CallDesk::times(&lost).contains(&time), "what is taken is not offered");
        assert_eq!(lost.text("#note"), "La cerniera si è rotta.");
    }
    assert_eq!(desk.count("select count(distinct from_at) from call_backs where placed").await, 4);
    assert_eq!(desk.count("select count(*) from tickets").await, 4, "who lost left nothing behind");
}

#[tokio::test]
async fn a_slot_holds_so_many_calls_for_each_who_calls() {
    let desk = CallDesk::with(Settings { places: 1, ..Settings::default() }).await;
    desk.person("Giulia", Role::Agent).await;
    desk.person("Matteo", Role::Agent).await;
    let time = CallDesk::times(&desk.visitor().get("/call-back").await).remove(0);
    desk.ask(&[("time", &time)]).await.is(303);
    desk.ask(&[("time", &time)]).await.is(303);
    desk.ask(&[("time", &time)]).await.is(422);
}
