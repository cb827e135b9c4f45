//! One person on many channels: suggested, joined with one click, and taken apart again.

use sportello::desk::kinds::Role;
use sportello::desk::merging::search;
use sportello::ids::{ContactId, TicketId};

use crate::support::served::ServedDesk;

struct Two {
    desk: ServedDesk,
    tickets: [TicketId; 2],
    people: [ContactId; 2],
}

/// Two customers who write to the desk by mail.
async fn two(first: (&str, &str, &str), second: (&str, &str, &str)) -> Two {
    let desk = ServedDesk::new().await;
    let mut tickets = Vec::new();
    for (index, (name, address, words)) in [first, second].into_iter().enumerate() {
        let raw = format!(
            "From: {name} <{address}>\r\nTo: help@bottega.example\r\nSubject: Domanda\r\nMessage-ID: <{index}@x.example>\r\n\r\n{words}\r\n"
        );
        tickets.push(desk.receive(raw.as_bytes()).await.ticket.expect("a ticket"));
    }
    let people: Vec<i64> =
        sqlx::query_scalar("select contact_id from tickets order by id").fetch_all(&desk.app.db).await.expect("two tickets");
    Two { desk, tickets: [tickets[0], tickets[1]], people: [ContactId(people[0]), ContactId(people[1])] }
}

impl Two {
    /// What a while later is known.
    async fn look(&self) {
        for table in ["messages", "contacts"] {
            let sql = format!("update {table} set created_at = now() - interval '1 minute'");
            sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&self.desk.app.db).await.expect("older");
        }
        while search::look(&self.desk.app.db).await.expect("a database") {}
    }

    async fn owner(&self, at: usize) -> ContactId {
        let id =
            sqlx::query_scalar("select contact_id from tickets where id = $1").bind(self.tickets[at].0).fetch_one(&self.desk.app.db).await;
        ContactId(id.expect("the ticket"))
    }
}

#[tokio::test]
async fn the_same_order_suggests_and_one_click_joins() {
    let two =
        two(("Anna", "anna@a.example", "Dov'è il mio ordine n. 4711-B?"), ("A. Verdi", "verdi@b.example", "Ordine 4711-b: grazie!")).await;
    two.look().await;
    let giulia = two.desk.agent("Giulia", Role::Agent).await;
    let [anna, verdi] = two.people;
    let page = giulia.visit(&format!("/tickets/{}", two.tickets[0])).await;
    assert_eq!(page.text("#twins p"), "A. Verdi (Email) may be the same person: both speak of order 4711-B.");
    giulia.post(&format!("/customers/{anna}/merge"), &[("other", &verdi.to_string())]).await.is(303);
    assert_eq!((two.owner(0).await, two.owner(1).await), (anna, anna));
    let page = giulia.visit(&format!("/customers/{anna}")).await;
    assert!(page.body.contains("anna@a.example") && page.body.contains("verdi@b.example"));
    assert_eq!(page.texts("ol[data-list] .row").len(), 2);
    assert!(page.texts("#twins").is_empty());
    // The other's page leads here, and lists show one.
    assert_eq!(giulia.visit(&format!("/customers/{verdi}")).await.text("h1"), "Anna");
    assert_eq!(giulia.visit("/customers").await.texts("tbody tr").len(), 1);
    // What each of them writes from now on is theirs together.
    let again =
        b"From: A. Verdi <verdi@b.example>\r\nTo: help@bottega.example\r\nSubject: Altro\r\nMessage-ID: <9@x.example>\r\n\r\nCiao\r\n";
    let third = two.desk.receive(again).await.ticket.expect("a ticket");
    let owner: i64 =
        sqlx::query_scalar("select contact_id from tickets where id = $1").bind(third.0).fetch_one(&two.desk.app.db).await.expect("a row");
    assert_eq!(owner, anna.0);
}

#[tokio::test]
async fn a_merge_can_be_undone_and_everything_goes_where_it_came_from() {
    let two = two(("Anna", "anna@a.example", "Ciao"), ("Anna Verdi", "verdi@b.example", "Ciao")).await;
    let giulia = two.desk.agent("Giulia", Role::Agent).await;
    let [anna, verdi] = two.people;
    let note = [("name", ""), ("language", ""), ("company", ""), ("note", "Gentile")];
    giulia.post(&format!("/customers/{anna}"), &note).await.is(303);
    // Found by hand.
    let page = giulia.visit(&format!("/customers/{anna}/merge?q=verdi")).await;
    assert_eq!(page.texts("tbody tr").len(), 1);
    giulia.post(&format!("/customers/{anna}/merge"), &[("other", &verdi.to_string())]).await.is(303);
    let page = giulia.visit(&format!("/customers/{anna}")).await;
    assert_eq!(page.text("h1"), "Anna Verdi", "what was empty is filled in");
    let later = b"From: Anna <anna@a.example>\r\nTo: help@bottega.example\r\nSubject: Dopo\r\nMessage-ID: <8@x.example>\r\n\r\nCiao\r\n";
    two.desk.receive(later).await;
    let theirs = b"From: V <verdi@b.example>\r\nTo: help@bottega.example\r\nSubject: Dopo\r\nMessage-ID: <6@x.example>\r\n\r\nCiao\r\n";
    two.desk.receive(theirs).await;
    let undo = page.attributes("form[action*='/merges/']", "action");
    giulia.post(&undo[0], &[]).await.is(303);
    assert_eq!((two.owner(0).await, two.owner(1).await), (anna, verdi));
    assert_eq!(two.desk.count("select count(*) from tickets").await, 4);
    let of_anna: i64 = sqlx::query_scalar("select count(*) from tickets where contact_id = $1")
        .bind(anna.0)
        .fetch_one(&two.desk.app.db)
        .await
        .expect("a row");
    assert_eq!(of_anna, 2, "what came since from the other's address went back to them");
    let page = giulia.visit(&format!("/customers/{anna}")).await;
    assert!(page.body.contains("Gentile") && !page.body.contains("verdi@b.example"));
    assert_eq!(page.attribute("#name", "value"), "");
    assert_eq!(giulia.visit(&format!("/customers/{verdi}")).await.text("h1"), "Anna Verdi");
    // Twice is once.
    let told = giulia.post(&undo[0], &[]).await.is(303).told();
    assert!(told.contains("merged with somebody in the meantime"), "{told}");
}

#[tokio::test]
async fn two_people_who_only_look_alike_are_not_suggested_again() {
    let two = two(("Anna Verdi", "anna@a.example", "Ciao"), ("anna verdi", "verdi@b.example", "Ciao")).await;
    two.look().await;
    let giulia = two.desk.agent("Giulia", Role::Agent).await;
    let [anna, verdi] = two.people;
    let page = giulia.visit(&format!("/customers/{verdi}")).await;
    assert!(page.text("#twins p").contains("both are called"), "{}", page.text("#twins p"));
    giulia.post(&format!("/customers/{verdi}/not-the-same"), &[("other", &anna.to_string())]).await.is(303);
    two.look().await;
    assert!(giulia.visit(&format!("/customers/{verdi}")).await.texts("#twins").is_empty());
    assert!(giulia.visit(&format!("/tickets/{}", two.tickets[0])).await.texts("#twins").is_empty());
}

#[tokio::test]
async fn an_address_that_is_the_others_suggests_and_our_own_does_not() {
    let two = two(
        ("Anna", "anna@a.example", "Scrivetemi a verdi@b.example, non a help@bottega.example"),
        ("Ugo", "verdi@b.example", "Ho scritto a help@bottega.example"),
    )
    .await;
    two.look().await;
    let giulia = two.desk.agent("Giulia", Role::Agent).await;
    let page = giulia.visit(&format!("/customers/{}", two.people[1])).await;
    assert_eq!(page.texts("#twins p"), ["Anna (Email) may be the same person: both gave verdi@b.example."]);
    assert_eq!(two.desk.count("select count(*) from contact_hints where value like 'help@%'").await, 0);
}

#[tokio::test]
async fn merges_that_build_on_one_another_are_undone_from_the_last() {
    let two = two(("Anna", "anna@a.example", "Ciao"), ("Ugo", "ugo@b.example", "Ciao")).await;
    let raw = b"From: Ida <ida@c.example>\r\nTo: help@bottega.example\r\nSubject: Ciao\r\nMessage-ID: <7@x.example>\r\n\r\nCiao\r\n";
    two.desk.receive(raw).await;
    let ida: i64 = sqlx::query_scalar("select id from contacts where name = 'Ida'").fetch_one(&two.desk.app.db).await.expect("Ida");
    let giulia = two.desk.agent("Giulia", Role::Agent).await;
    let [anna, ugo] = two.people;
    giulia.post(&format!("/customers/{anna}/merge"), &[("other", &ugo.to_string())]).await.is(303);
    giulia.post(&format!("/customers/{ida}/merge"), &[("other", &anna.to_string())]).await.is(303);
    assert_eq!(giulia.visit(&format!("/customers/{ugo}")).await.text("h1"), "Ida");
    let first: i64 = sqlx::query_scalar("select min(id) from contact_merges").fetch_one(&two.desk.app.db).await.expect("a merge");
    let told = giulia.post(&format!("/customers/{anna}/merges/{first}/undo"), &[]).await.is(303).told();
    assert!(told.contains("A later merge builds on this one."), "{told}");
    // Somebody who is a part of another already cannot be joined to a third.
    giulia.post(&format!("/customers/{ugo}/merge"), &[("other", &anna.to_string())]).await.is(303);
    assert_eq!(two.desk.count("select count(*) from contact_merges").await, 2);
}

#[tokio::test]
async fn calls_go_over_and_come_back() {
    let two = two(("Anna", "anna@a.example", "Ciao"), ("Anna Verdi", "verdi@b.example", "Ciao")).await;
    let giulia = two.desk.agent("Giulia", Role::Agent).await;
    let [anna, verdi] = two.people;
    let named = format!("+39 333 1234567 #{verdi}");
    let call = [("direction", "in"), ("who", &*named), ("said", "Boots."), ("then", "open")];
    let owners = async || -> Vec<i64> {
        sqlx::query_scalar("select contact_id from calls order by id").fetch_all(&two.desk.app.db).await.expect("rows")
    };
    giulia.post("/calls/new", &call).await.is(303);
    assert_eq!(owners().await, [verdi.0]);
    giulia.post(&format!("/customers/{anna}/merge"), &[("other", &verdi.to_string())]).await.is(303);
    assert_eq!(owners().await, [anna.0]);
    // Whoever is a part of somebody is no longer proposed, and stands for them on a page that was open.
    let found = giulia.get("/calls/people.json?q=anna").await.is(200).body;
    assert_eq!(found.matches("value").count(), 1, "{found}");
    assert!(found.contains(&format!("#{anna}")), "{found}");
    giulia.post("/calls/new", &call).await.is(303);
    assert_eq!(owners().await, [anna.0, anna.0]);
    let link = giulia.get(&format!("/calls/new?contact={verdi}")).await.is(200).attribute("#who", "value");
    assert!(link.ends_with(&format!("#{anna}")), "{link}");
    let page = giulia.visit(&format!("/customers/{anna}")).await;
    giulia.post(&page.attributes("form[action*='/merges/']", "action")[0], &[]).await.is(303);
    assert_eq!(owners().await, [verdi.0, verdi.0], "what came since from a number that goes back goes with it");
}
