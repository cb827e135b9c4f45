//! Finding work: views, filters, pages, search.

use sportello::desk::kinds::Role;

use crate::support::served::ServedDesk;

/// A mail from `from` with this subject and text.
pub fn mail(from: &str, id: &str, subject: &str, text: &str) -> Vec<u8> {
    format!(
        "From: {from}\r\nTo: help@bottega.example\r\nSubject: {subject}\r\nMessage-ID: <{id}>\r\nDate: Sat, 21 Nov 2026 10:00:00 +0100\r\n\
         MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
    )
    .into_bytes()
}

#[tokio::test]
async fn a_new_desk_says_what_to_do_first() {
    let desk = ServedDesk::new().await;
    let agent = desk.agent("Anna", Role::Agent).await;
    for view in ["mine", "unassigned", "open", "waiting", "snoozed", "solved", "spam"] {
        assert!(!agent.get(&format!("/inbox/{view}")).await.is(200).text(".empty h2").is_empty());
    }
    agent.get("/inbox/nonsense").await.is(404);
}

#[tokio::test]
async fn who_waits_longest_stands_first_and_pages_continue_without_gaps() {
    let desk = ServedDesk::new().await;
    let agent = desk.agent("Anna", Role::Agent).await;
    for n in 0..120 {
        desk.receive(&mail("Marco <marco@example.it>", &format!("{n}@example.it"), &format!("Question {n}"), "Ciao")).await;
    }
    let mut seen = Vec::new();
    let mut page = agent.get("/inbox/open").await.is(200);
    assert_eq!(page.text(".view[aria-current] .count"), "120");
    loop {
        seen.extend(page.texts(".row-subject"));
        let Some(next) = page.attributes("[rel=next]", "href").into_iter().next() else { break };
        page = agent.get(&next).await.is(200);
    }
    let wanted: Vec<String> = (0..120).map(|n| format!("Question {n}")).collect();
    assert_eq!(seen, wanted);
}

#[tokio::test]
async fn filters_narrow_a_view_and_say_when_nothing_is_left() {
    let desk = ServedDesk::new().await;
    let agent = desk.agent("Anna", Role::Agent).await;
    let first = desk.receive(&mail("marco@example.it", "1@x", "Ordine", "Buongiorno, dove si trova il mio ordine? Grazie mille")).await;
    desk.receive(&mail("tom@example.com", "2@x", "Order", "Hello, where is my order? I have been waiting for a week")).await;
    let ticket = first.ticket.expect("a ticket");
    agent.post(&format!("/tickets/{ticket}/tags"), &[("new", "shipping")]).await.is(303);

    assert_eq!(agent.get("/inbox/open?language=it").await.texts(".row-subject"), ["Ordine"]);
    assert_eq!(agent.get("/inbox/open?tag=1").await.texts(".row-subject"), ["Ordine"]);
    assert_eq!(agent.get("/inbox/open?channel=1&language=en").await.texts(".row-subject"), ["Order"]);
    assert_eq!(agent.get("/inbox/open?language=fr").await.text(".empty h2"), "No ticket matches these filters");
    // An empty choice of a select narrows nothing.
    assert_eq!(agent.get("/inbox/open?channel=&team=&tag=&language=").await.texts(".row-subject").len(), 2);
}

#[tokio::test]
async fn search_understands_five_languages_numbers_and_addresses() {
    let desk = ServedDesk::new().await;
    let agent = desk.agent("Anna", Role::Agent).await;
    let texts = [
        ("marco@example.it", "Stivali", "Vorrei restituire gli stivali che ho comprato la settimana scorsa, sono troppo stretti"),
        ("tom@example.com", "Boots", "The boots that I bought are leaking, I would like a refund for both of them please"),
        ("sabine@example.de", "Rücksendung", "Guten Tag, ich möchte die Lederstiefel zurücksenden, weil die Größe nicht passt"),
        ("chloe@example.fr", "Retour", "Bonjour, je voudrais renvoyer les bottes achetées la semaine dernière, merci d'avance"),
        ("lucia@example.es", "Devolución", "Hola, quisiera devolver las botas porque me quedan pequeñas, muchas gracias"),
    ];
    for (n, (from, subject, text)) in texts.iter().enumerate() {
        desk.receive(&mail(from, &format!("{n}@x"), subject, text)).await;
    }
    let find = async |question: &str| {
        agent.visit(&format!("/search?q={}", question.replace(' ', "+").replace('#', "%23"))).await.is(200).texts(".list .row-subject")
    };
    assert_eq!(find("stivale").await, ["Stivali"]);
    assert_eq!(find("refunds").await, ["Boots"]);
    assert_eq!(find("rucksendungen").await, ["Rücksendung"]);
    assert_eq!(find("achetée").await, ["Retour"]);
    assert_eq!(find("devolucion pequeña").await, ["Devolución"]);
    assert_eq!(find("refund -leaking").await, [""; 0]);
    assert_eq!(find("\"leaking I would like\"").await, ["Boots"]);
    assert_eq!(find("sabine@ex").await, ["Rücksendung"]);
    let page = agent.get("/search?q=%232").await.is(303);
    assert_eq!(page.location.as_deref(), Some("/tickets/2"));
    let page = agent.get("/search?q=xylophone").await.is(200);
    assert!(page.text(".empty h2").contains("xylophone"));
    // Nothing that a search box may hold breaks it.
    for odd in ["%27", "%22", "-", "%28%29%26%7C%21%3A", "%00", "%F0%9F%98%80", "or", "%24b0"] {
        agent.visit(&format!("/search?q={odd}")).await.is(200);
    }
}
