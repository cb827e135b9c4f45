//! What agents see of a call on whatever page is open, and what they write down.

use serde_json::json;
use sportello::desk::kinds::Role;

use crate::support::providers::voice::{cards, desk};

#[tokio::test]
async fn while_it_rings_everybody_sees_who_it_is_and_what_is_open() {
    let desk = desk("cti").await;
    desk.tell("hangup", "0", &json!({ "cause": "cancel" })).await;
    desk.drain().await;
    let ticket = desk.ticket().await;
    sqlx::query("update contacts set name = 'Anna Verdi'").execute(&desk.app.db).await.expect("a row");
    sqlx::query("update tickets set subject = 'Where are my boots?'").execute(&desk.app.db).await.expect("a row");
    let giulia = desk.giulia().await;
    assert!(cards(&giulia.get("/inbox/open").await.is(200)).is_empty());
    desk.tell("newCall", "1", &json!({})).await;
    for path in ["/inbox/open", "/customers", "/presence/bar?at=/", "/profile"] {
        let page = giulia.get(path).await.is(200);
        let card = page.text("#calls .call--ringing");
        assert!(card.contains("Anna Verdi") && card.contains("+393331234567") && card.contains("Where are my boots?"), "{card}");
        assert_eq!(page.attribute("#calls .call-tickets a", "href"), format!("/tickets/{ticket}"));
        assert_eq!(page.attribute("#calls .tel", "href"), "tel:+393331234567");
    }
    // Whoever does not want to see it does not.
    let marco = desk.agent("Marco", Role::Agent).await;
    let id: i64 = sqlx::query_scalar("select max(id) from calls").fetch_one(&desk.app.db).await.expect("a row");
    marco.post(&format!("/calls/{id}/hide"), &[]).await.is(303);
    assert!(cards(&marco.get("/inbox/open").await).is_empty());
    assert_eq!(cards(&giulia.get("/inbox/open").await).len(), 1);
}

#[tokio::test]
async fn a_call_for_one_person_or_team_rings_there() {
    let desk = desk("cti").await;
    let giulia = desk.giulia().await;
    let marco = desk.agent("Marco", Role::Agent).await;
    desk.tell("newCall", "1", &json!({ "user": "giulia@bottega.example" })).await;
    assert_eq!((cards(&giulia.get("/").await).len(), cards(&giulia.get("/calls").await).len()), (0, 1), "the first page redirects");
    assert!(cards(&marco.get("/calls").await).is_empty());
    desk.tell("hangup", "1", &json!({ "cause": "forwarded" })).await;
    sqlx::query("with t as (insert into teams (name) values ('Returns') returning id) insert into team_members select t.id, a.id from t, agents a where a.name = 'Marco'")
        .execute(&desk.app.db)
        .await
        .expect("a team");
    desk.app.cache.invalidate_all();
    desk.tell("newCall", "2", &json!({ "queue": "returns" })).await;
    assert_eq!(cards(&marco.get("/calls").await).len(), 1);
    assert!(cards(&giulia.get("/calls").await).is_empty());
}

#[tokio::test]
async fn whoever_answered_writes_down_what_was_said() {
    let desk = desk("cti").await;
    let giulia = desk.giulia().await;
    let marco = desk.agent("Marco", Role::Agent).await;
    desk.tell("newCall", "1", &json!({})).await;
    desk.tell("answer", "1", &json!({ "user": "Giulia" })).await;
    let card = cards(&marco.get("/calls").await).remove(0);
    assert!(card.contains("Giulia took it") && !card.contains("Save"), "{card}");
    let page = giulia.get("/inbox/open").await;
    assert!(page.text("#calls .call--active").contains("on the line with you"));
    let id = desk.call().await.id;
    giulia.post(&format!("/calls/{id}/draft"), &[("said", "She asks for")]).await.is(204);
    assert_eq!(giulia.get("/inbox/open").await.text("#calls textarea"), "She asks for");
    desk.tell("hangup", "1", &json!({ "cause": "normalClearing" })).await;
    assert!(cards(&marco.get("/calls").await).is_empty());
    let form = [("said", "She asks for her boots.\nThey leave today."), ("ticket", ""), ("then", "solved")];
    for _ in 0..2 {
        giulia.post(&format!("/calls/{id}/log"), &form).await.is(303);
    }
    assert!(cards(&giulia.get("/inbox/open").await).is_empty());
    let ticket = desk.ticket().await;
    let thread = desk.thread(ticket).await;
    assert_eq!((thread.len(), &*thread[0].body), (1, "She asks for her boots.\nThey leave today."));
    assert!(thread[0].extras().call.is_some_and(|call| call.answered && call.incoming));
    let row: (String, String, bool) =
        sqlx::query_as("select status::text, subject, waiting_since is null from tickets").fetch_one(&desk.app.db).await.expect("a row");
    assert_eq!(row, ("solved".into(), "She asks for her boots.".into(), true));
    assert_eq!(desk.count("select count(*) from tickets where last_direction = 'inbound'").await, 0, "they were talked to");
    let page = giulia.get(&format!("/tickets/{ticket}")).await.is(200);
    assert!(page.text("#thread .letter--call").contains("Call from the customer"), "{}", page.text("#thread"));
    // It is for the team alone.
    let customer = desk.visitor().get(&format!("/r/{}", sportello::desk::tickets::link_token(&desk.app.keys, ticket))).await.is(200);
    assert!(!customer.body.contains("They leave today"));
}

#[tokio::test]
async fn a_call_goes_onto_the_ticket_that_is_chosen_and_settles_its_call_back() {
    let desk = desk("cti").await;
    desk.tell("hangup", "0", &json!({ "cause": "cancel" })).await;
    desk.drain().await;
    let ticket = desk.ticket().await;
    let giulia = desk.giulia().await;
    let out = json!({ "direction": "out", "from": "0612345678", "to": "3331234567", "user": "Giulia" });
    desk.tell("newCall", "1", &out).await;
    assert!(giulia.get("/calls").await.text("#calls .call").contains("you are calling"));
    desk.tell("answer", "1", &out).await;
    desk.tell("hangup", "1", &out).await;
    let id: i64 = sqlx::query_scalar("select max(id) from calls").fetch_one(&desk.app.db).await.expect("a row");
    let page = giulia.get("/calls").await;
    assert_eq!(page.attribute("#calls select option", "value"), ticket.to_string());
    giulia.post(&format!("/calls/{id}/log"), &[("said", "All is well."), ("ticket", &ticket.to_string()), ("then", "open")]).await.is(303);
    let row: (bool, String) =
        sqlx::query_as("select waiting_since is null, excerpt from tickets").fetch_one(&desk.app.db).await.expect("a row");
    assert_eq!(row, (true, "All is well.".into()));
    assert_eq!(desk.count("select count(*) from call_backs where state = 'done'").await, 1);
}

#[tokio::test]
async fn a_call_that_the_exchange_gives_nobody_can_be_taken() {
    let desk = desk("cti").await;
    let giulia = desk.giulia().await;
    let marco = desk.agent("Marco", Role::Agent).await;
    desk.tell("newCall", "1", &json!({})).await;
    desk.tell("answer", "1", &json!({ "answeringNumber": "99" })).await;
    let id = desk.call().await.id;
    assert!(giulia.get("/calls").await.text("#calls .call").contains("That was me"));
    giulia.post(&format!("/calls/{id}/take"), &[]).await.is(303);
    marco.post(&format!("/calls/{id}/take"), &[]).await.is(303);
    let page = giulia.get("/calls").await;
    assert!(page.text("#calls .call").contains("on the line with you"));
    // Without a script: the same on a page of its own.
    assert_eq!(giulia.get(&format!("/calls/{id}")).await.is(200).texts(".call-alone textarea").len(), 1);
    giulia.post(&format!("/calls/{id}/hide"), &[]).await.is(303);
}

#[tokio::test]
async fn people_enter_where_they_are_reached() {
    let desk = desk("cti").await;
    let giulia = desk.giulia().await;
    giulia.post("/profile", &[("name", "Giulia"), ("numbers", "21, 06 1234-5679")]).await.is(303);
    let page = giulia.get("/profile").await;
    assert_eq!(page.attribute("#numbers", "value"), "21, +390612345679");
    let refused = giulia.post("/profile", &[("name", "Giulia"), ("numbers", "my desk phone")]).await.is(422);
    assert_eq!(refused.attribute("#numbers", "aria-invalid"), "true");
    desk.tell("newCall", "1", &json!({})).await;
    desk.tell("answer", "1", &json!({ "answeringNumber": "390612345679" })).await;
    assert!(giulia.get("/calls").await.text("#calls .call").contains("on the line with you"));
}

#[tokio::test]
async fn the_log_has_pages_and_parts() {
    let desk = desk("cti").await;
    let giulia = desk.giulia().await;
    assert!(giulia.get("/calls").await.is(200).text(".empty").contains("No calls yet"));
    for number in 0..55 {
        sqlx::query("insert into calls (channel_id, provider_id, incoming, number, state, started_at, ended_at, answered_at, settled_at) values ($1, $2, true, '+390600' || $2, 'ended', now() - make_interval(mins => $3), now(), case when $3 % 2 = 0 then now() end, now())")
            .bind(desk.channel.0)
            .bind(number.to_string())
            .bind(number)
            .execute(&desk.app.db)
            .await
            .expect("a row");
    }
    let first = giulia.get("/calls").await.is(200);
    assert_eq!(first.texts(".calls-table tbody tr").len(), 50);
    let second = giulia.get(&first.attribute(".pager a", "href")).await.is(200);
    assert_eq!(second.texts(".calls-table tbody tr").len(), 5);
    assert_eq!(giulia.get("/calls?show=missed").await.texts(".calls-table tbody tr").len(), 27);
    assert!(giulia.get("/calls?show=mine").await.text(".empty").contains("No calls yet"));
}

#[tokio::test]
async fn what_is_written_of_a_call_that_has_its_place_is_added() {
    let desk = desk("cti").await;
    let giulia = desk.giulia().await;
    desk.tell("hangup", "1", &json!({ "cause": "cancel" })).await;
    desk.drain().await;
    let (ticket, id) = (desk.ticket().await, desk.call().await.id);
    let form = [("said", "She will write."), ("ticket", ""), ("then", "solved")];
    for _ in 0..2 {
        giulia.post(&format!("/calls/{id}/log"), &form).await.is(303);
    }
    let thread = desk.thread(ticket).await;
    assert_eq!(thread.iter().map(|message| &*message.body).collect::<Vec<_>>(), ["", "She will write."]);
    assert_eq!(desk.count("select count(*) from tickets where status = 'solved'").await, 1, "and what was chosen is done");
    // A colleague, whose card was open as well.
    let marco = desk.agent("Marco", Role::Agent).await;
    marco.post(&format!("/calls/{id}/log"), &[("said", "I called too."), ("ticket", ""), ("then", "open")]).await.is(303);
    assert_eq!(desk.thread(ticket).await.len(), 3);
}

#[tokio::test]
async fn a_time_that_was_agreed_on_outlives_other_calls() {
    let desk = desk("cti").await;
    let giulia = desk.giulia().await;
    desk.tell("hangup", "1", &json!({ "cause": "cancel" })).await;
    desk.drain().await;
    let agreed = "update call_backs set placed = true, phone = '+39071123456', from_at = now() + '1 day', until_at = now() + '25 hours', next_at = now() + '1 day'";
    sqlx::query(agreed).execute(&desk.app.db).await.expect("a row");
    let owed = async || -> (String, String) {
        sqlx::query_as("select phone, from_at::text from call_backs").fetch_one(&desk.app.db).await.expect("one")
    };
    let before = owed().await;
    desk.tell("hangup", "2", &json!({ "cause": "cancel" })).await;
    desk.drain().await;
    assert_eq!(owed().await, before, "a call from elsewhere changes nothing");
    let id: i64 = sqlx::query_scalar("select max(id) from calls").fetch_one(&desk.app.db).await.expect("a row");
    giulia.post(&format!("/calls/{id}/log"), &[("said", "On the mobile, please."), ("then", "call_back")]).await.is(303);
    assert_eq!(owed().await, ("+393331234567".to_owned(), before.1), "an agent may choose the number");
}
