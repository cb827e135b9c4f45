//! Bad reviews and angry words: who is rung, what the ticket says, and how it is followed until it is put right.

use sportello::desk::kinds::Role;

use crate::support::public_desk::{PublicDesk, answer, beat, flash};
use crate::support::served::{Browser, Page};

fn row(page: &Page) -> String {
    page.text("tbody tr")
}

fn rings(page: &Page) -> Vec<String> {
    page.attributes("#offers [data-offer]", "data-offer")
}

async fn watch(agent: &Browser) -> Page {
    agent.get("/reviews").await.is(200)
}

#[tokio::test]
async fn a_bad_recommendation_rings_at_who_leads_and_one_of_them_takes_it() {
    let desk = PublicDesk::new().await;
    let giulia = desk.agent("Giulia", Role::Agent).await;
    let (marta, luca) = (desk.agent("Marta", Role::Lead).await, desk.agent("Luca", Role::Lead).await);
    assert!(watch(&giulia).await.text(".empty h2").contains("Nobody is angry"));
    for agent in [&giulia, &marta, &luca] {
        beat(agent).await;
    }
    let ticket = desk.recommend("add", "NEGATIVE", "Borsa graffiata").await;
    assert_eq!(desk.of_ticket(ticket, "priority").await, "urgent");
    assert_eq!(beat(&marta).await["alarms"], serde_json::json!([ticket]));
    assert!(beat(&giulia).await["alarms"].as_array().expect("a list").is_empty());
    let page = marta.get("/inbox/open").await.is(200);
    assert_eq!(rings(&page), [format!("r{ticket}")]);
    assert!(page.text(".offer--alarm").contains("not recommended"));
    // What the page says and what the heartbeat says must be the same, or the screen would read itself again for ever.
    assert_eq!(page.attribute("#offers", "data-standing"), format!("online false 0 0/0 r{ticket}"));
    let page = giulia.get(&format!("/tickets/{ticket}")).await.is(200);
    assert!(rings(&page).is_empty());
    assert!(page.text("#anger").contains("Angry in public not recommended"), "{}", page.text("#anger"));
    assert_eq!(page.attributes("#anger time.wait", "datetime").len(), 1, "by when an answer is due");
    giulia.post(&format!("/reviews/{ticket}/take"), &[]).await.is(403);

    let path = format!("/reviews/{ticket}/take");
    let (one, two) = tokio::join!(marta.post(&path, &[]), luca.post(&path, &[]));
    let words = [flash(&marta, one.is(303)).await, flash(&luca, two.is(303)).await];
    assert_eq!(words.iter().filter(|words| words.contains("took it a moment ago")).count(), 1);
    assert!(beat(&marta).await["alarms"].as_array().expect("a list").is_empty());
    let line = row(&watch(&giulia).await);
    assert!(line.contains("Waiting") && (line.contains("Marta") || line.contains("Luca")), "{line}");
    desk.later(30).await;
    assert!(desk.sent().is_empty(), "somebody has it");
}

#[tokio::test]
async fn what_nobody_takes_rings_at_everybody_then_goes_by_mail_whatever_process_is_left() {
    let desk = PublicDesk::new().await;
    let (marta, luca) = (desk.agent("Marta", Role::Lead).await, desk.agent("Luca", Role::Lead).await);
    beat(&marta).await;
    let ticket = desk.comment("add", "5500_1", "Siete dei truffatori").await;
    assert_eq!(beat(&luca).await["alarms"], serde_json::json!([]), "who was not there is asked in the second round");
    desk.later(2).await;
    assert_eq!(desk.of_ticket(ticket, "ring").await, "1");
    desk.later(4).await;
    assert_eq!(beat(&luca).await["alarms"], serde_json::json!([ticket]));
    assert!(desk.sent().is_empty());
    desk.later(9).await;
    assert_eq!(desk.sent().len(), 2);
    assert!(desk.last_sent().contains(&format!("/tickets/{ticket}")));
    desk.later(60).await;
    assert_eq!(desk.sent().len(), 2, "once is enough");
    // It still rings for whoever comes; an answer ends it.
    assert_eq!(beat(&marta).await["alarms"], serde_json::json!([ticket]));
    answer(&luca, ticket, "Ci dispiace", "", "send").await.is(303);
    assert_eq!(beat(&marta).await["alarms"], serde_json::json!([]));
    let page = luca.get(&format!("/tickets/{ticket}")).await.is(200);
    let lines = page.texts(".event").join("\n");
    for words in [
        "Angry in public: word: truffatori",
        "The priority is Urgent now",
        "rings at who leads",
        "rings at everybody who leads",
        "was written to",
    ] {
        assert!(lines.contains(words), "{words}: {lines}");
    }
}

#[tokio::test]
async fn a_bad_review_is_followed_until_its_stars_change() {
    let desk = PublicDesk::new().await;
    let chiara = desk.agent("Chiara", Role::Admin).await;
    let ticket = desk.stars("rev1", 2, "La fibbia si è rotta").await;
    let line = row(&watch(&chiara).await);
    assert!(line.contains("2 stars") && line.contains("2310 followers") && line.contains("nobody"), "{line}");
    let page = answer(&chiara, ticket, "La ripariamo noi", "", "send").await.is(303);
    assert!(row(&watch(&chiara).await).contains("Answered publicly"));
    // Taken back before it left, it waits again.
    let message: i64 = desk.count("select max(id) from messages where direction = 'outbound'").await;
    drop(page);
    chiara.post(&format!("/tickets/{ticket}/messages/{message}/undo"), &[]).await.is(303);
    assert!(row(&watch(&chiara).await).contains("Waiting"), "and does not ring: somebody is at it");
    answer(&chiara, ticket, "La ripariamo noi", "", "send").await.is(303);
    answer(&chiara, ticket, "Le scriviamo in privato", "private", "send").await.is(303);
    assert!(row(&watch(&chiara).await).contains("Taken private"));
    chiara.post(&format!("/tickets/{ticket}/status"), &[("status", "solved")]).await.is(303);
    assert!(row(&watch(&chiara).await).contains("Solved"));
    desk.rate_anew("rev1", 5).await;
    let line = row(&watch(&chiara).await);
    assert!(line.contains("From 2 stars to 5 stars"), "{line}");
    assert_eq!(desk.of_ticket(ticket, "priority").await, "normal", "as it was before");
    let page = chiara.get(&format!("/tickets/{ticket}")).await.is(200);
    assert!(page.text("#anger").contains("Rating changed: 2 stars, then 5 stars"));
    assert!(page.texts(".event").iter().any(|line| line.contains("2 stars before, 5 stars now")));
    // And the other way round.
    desk.rate_anew("rev1", 1).await;
    assert_eq!(desk.of_ticket(ticket, "priority").await, "urgent");
    assert!(row(&watch(&chiara).await).contains("1 star"));
}

#[tokio::test]
async fn what_its_author_edits_or_takes_back_is_followed() {
    let desk = PublicDesk::new().await;
    let marta = desk.agent("Marta", Role::Lead).await;
    beat(&marta).await;
    let ticket = desk.comment("add", "5500_1", "Una vergogna").await;
    assert_eq!(beat(&marta).await["alarms"], serde_json::json!([ticket]));
    desk.comment("edited", "5500_1", "Pacco in ritardo").await;
    assert_eq!(beat(&marta).await["alarms"], serde_json::json!([]), "it rings no more");
    assert_eq!(desk.of_ticket(ticket, "priority").await, "normal");
    assert!(row(&watch(&marta).await).contains("Words changed"));
    desk.comment("edited", "5500_1", "Pacco in ritardo, siete dei ladri").await;
    assert_eq!(desk.of_ticket(ticket, "priority").await, "urgent");
    assert_eq!(beat(&marta).await["alarms"], serde_json::json!([ticket]));
    assert!(row(&watch(&marta).await).contains("“ladri”"));
    desk.comment("remove", "5500_1", "").await;
    assert_eq!(beat(&marta).await["alarms"], serde_json::json!([]));
    let line = row(&watch(&marta).await);
    assert!(line.contains("Removed") && line.contains("Taken back by its author"), "{line}");
}

#[tokio::test]
async fn what_turns_angry_after_an_answer_rings_as_if_nothing_had_been_said() {
    let desk = PublicDesk::new().await;
    let marta = desk.agent("Marta", Role::Lead).await;
    let state = async |ticket| (desk.of_ticket(ticket, "state").await, desk.of_ticket(ticket, "status").await);
    beat(&marta).await;
    let ticket = desk.stars("rev1", 5, "Belle").await;
    answer(&marta, ticket, "Grazie!", "", "solve").await.is(303);
    desk.rate_anew("rev1", 2).await;
    assert_eq!(state(ticket).await, ("waiting".into(), "open".into()));
    assert_eq!(beat(&marta).await["alarms"], serde_json::json!([ticket]));
    answer(&marta, ticket, "Che cosa è successo?", "", "send").await.is(303);
    assert_eq!(state(ticket).await, ("answered".into(), "pending".into()));
    assert_eq!(beat(&marta).await["alarms"], serde_json::json!([]));
    // Worse than what was answered; the other way round nobody is disturbed.
    desk.rate_anew("rev1", 1).await;
    assert_eq!(state(ticket).await, ("waiting".into(), "open".into()));
    assert_eq!(beat(&marta).await["alarms"], serde_json::json!([ticket]));
    answer(&marta, ticket, "La chiamiamo", "", "solve").await.is(303);
    desk.rate_anew("rev1", 2).await;
    assert_eq!(state(ticket).await, ("solved".into(), "solved".into()));

    let ticket = desk.comment("add", "5500_1", "Bella borsa").await;
    answer(&marta, ticket, "Grazie!", "", "send").await.is(303);
    desk.comment("edited", "5500_1", "Bella borsa, ma siete dei ladri").await;
    assert_eq!(state(ticket).await, ("waiting".into(), "open".into()));
    assert_eq!(beat(&marta).await["alarms"], serde_json::json!([ticket]));
}

#[tokio::test]
async fn an_earlier_angry_message_stays_when_a_later_one_is_put_right() {
    let desk = PublicDesk::new().await;
    let marta = desk.agent("Marta", Role::Lead).await;
    beat(&marta).await;
    let ticket = desk.comment("add", "5500_1", "Una vergogna").await;
    assert_eq!(desk.comment_under("5500_1", "add", "5500_2", "Siete dei ladri").await, ticket);
    desk.comment("edited", "5500_2", "Siete lenti").await;
    assert_eq!((desk.of_ticket(ticket, "state").await, desk.of_ticket(ticket, "priority").await), ("waiting".into(), "urgent".into()));
    assert_eq!(beat(&marta).await["alarms"], serde_json::json!([ticket]), "it rings for the first one still");
    let line = row(&watch(&marta).await);
    assert!(line.contains("“vergogna”") && !line.contains("ladri"), "{line}");
    // With the last angry word all of it goes.
    desk.comment("edited", "5500_1", "Pacco in ritardo").await;
    assert_eq!((desk.of_ticket(ticket, "state").await, desk.of_ticket(ticket, "priority").await), ("softened".into(), "normal".into()));
    // What somebody knew better does not come back that way.
    desk.comment("edited", "5500_1", "Una vergogna").await;
    marta.post(&format!("/reviews/{ticket}/calm"), &[]).await.is(303);
    desk.comment_under("5500_1", "add", "5500_3", "Siete dei ladri").await;
    desk.comment("remove", "5500_3", "").await;
    assert_eq!(desk.of_ticket(ticket, "state").await, "removed");
}

#[tokio::test]
async fn what_changed_for_the_better_is_counted_as_it_is_listed() {
    let desk = PublicDesk::new().await;
    let marta = desk.agent("Marta", Role::Lead).await;
    desk.stars("rev1", 1, "Rotto").await;
    desk.rate_anew("rev1", 5).await;
    desk.comment("add", "5500_1", "Una vergogna").await;
    desk.comment("edited", "5500_1", "Tutto bene").await;
    desk.comment("add", "5500_2", "Una vergogna").await;
    let page = watch(&marta).await;
    let place = page.texts(".watch-counts li").iter().position(|count| count == "2changed for the better").expect("a count");
    let page = marta.get(&page.attributes(".watch-counts a", "href")[place]).await.is(200);
    assert_eq!(page.texts("tbody tr").len(), 2);
    assert_eq!(page.attribute("select[name=state] [selected]", "value"), "better");
}

#[tokio::test]
async fn whoever_knows_better_says_not_angry_and_may_change_their_mind() {
    let desk = PublicDesk::new().await;
    let (giulia, marta) = (desk.agent("Giulia", Role::Agent).await, desk.agent("Marta", Role::Lead).await);
    beat(&marta).await;
    let ticket = desk.comment("add", "5500_1", "Che pessimo film ieri sera! Bella la borsa").await;
    assert_eq!(desk.of_ticket(ticket, "priority").await, "urgent");
    giulia.post(&format!("/reviews/{ticket}/calm"), &[]).await.is(303);
    assert_eq!(desk.of_ticket(ticket, "priority").await, "normal");
    assert_eq!(beat(&marta).await["alarms"], serde_json::json!([]));
    assert!(watch(&marta).await.texts("tbody tr").is_empty());
    assert!(marta.get("/reviews?state=calm").await.is(200).text("tbody tr").contains("Not angry"));
    let page = marta.get(&format!("/tickets/{ticket}")).await.is(200);
    assert!(page.text("#anger").contains("Giulia says: not angry"));
    // The same words edited elsewhere stay calm; new ones do not.
    desk.comment("edited", "5500_1", "Che pessimo film ieri sera! Bellissima la borsa").await;
    assert_eq!(desk.of_ticket(ticket, "state").await, "calm");
    marta.post(&format!("/reviews/{ticket}/restore"), &[]).await.is(303);
    assert_eq!(desk.of_ticket(ticket, "priority").await, "urgent");
    giulia.post(&format!("/reviews/{ticket}/calm"), &[]).await.is(303);
    desk.comment("edited", "5500_1", "Che pessimo film, e voi siete dei ladri").await;
    assert_eq!(desk.of_ticket(ticket, "state").await, "waiting");
}

#[tokio::test]
async fn angry_words_in_private_only_raise_the_priority_and_say_why() {
    let desk = PublicDesk::new().await;
    let marta = desk.agent("Marta", Role::Lead).await;
    beat(&marta).await;
    let ticket = desk.write("m_1", "Das ist Betrug, mein Paket ist leer").await;
    let mail = b"From: Anna <anna@example.com>\r\nTo: help@bottega.example\r\nSubject: Order\r\nMessage-ID: <1@example.com>\r\n\r\nThis is a scam!\r\n\r\nOn Mon, 2 Nov 2026 at 10:00, Bottega <help@bottega.example> wrote:\r\n> we never said bullshit\r\n";
    let letter = desk.receive(mail).await.ticket.expect("a ticket");
    for (ticket, why) in [(ticket, "word: betrug"), (letter, "word: scam")] {
        assert_eq!(desk.of_ticket(ticket, "priority").await, "high");
        let words = marta.get(&format!("/tickets/{ticket}")).await.is(200).text("#anger");
        assert!(words.starts_with("Angry ") && words.contains(why) && !words.contains("bullshit"), "{words}");
    }
    assert_eq!(beat(&marta).await["alarms"], serde_json::json!([]));
    assert!(watch(&marta).await.texts("tbody tr").is_empty());
    desk.later(30).await;
    assert!(desk.sent().iter().all(|mail| !mail.to.iter().any(|to| to.contains("marta"))));
}

#[tokio::test]
async fn a_calm_comment_and_a_good_rating_disturb_nobody() {
    let desk = PublicDesk::new().await;
    let marta = desk.agent("Marta", Role::Lead).await;
    beat(&marta).await;
    let calm = desk.comment("add", "5500_1", "Mai più senza queste scarpe!").await;
    let good = desk.stars("rev1", 4, "Belle").await;
    for ticket in [calm, good] {
        assert_eq!(desk.of_ticket(ticket, "priority").await, "normal");
        assert!(marta.get(&format!("/tickets/{ticket}")).await.is(200).texts("#anger").is_empty());
    }
    assert!(watch(&marta).await.texts("tbody tr").is_empty());
}

#[tokio::test]
async fn the_watch_is_narrowed_and_turned_page_by_page() {
    let desk = PublicDesk::new().await;
    let marta = desk.agent("Marta", Role::Lead).await;
    for at in 0..32 {
        desk.stars(&format!("rev{at}"), if at % 4 == 0 { 1 } else { 2 }, "Rotto").await;
    }
    desk.comment("add", "5500_1", "Vergognatevi").await;
    let page = watch(&marta).await;
    assert_eq!(page.texts("tbody tr").len(), 30);
    assert!(page.texts(".watch-counts li")[0].starts_with("33waiting"), "{:?}", page.texts(".watch-counts li"));
    let next = marta.get(&page.attribute("[rel=next]", "href")).await.is(200);
    assert_eq!(next.texts("tbody tr").len(), 3);
    assert!(next.texts("[rel=next]").is_empty());
    let count = async |query: &str| marta.get(&format!("/reviews?{query}")).await.is(200).texts("tbody tr").len();
    assert_eq!(count("rating=1").await, 8);
    assert_eq!(count("rating=none").await, 1);
    assert_eq!(count("rating=no").await, 0);
    assert_eq!(count("network=facebook&rating=none").await, 1);
    assert_eq!(count("network=instagram").await, 0);
    assert_eq!(count("state=solved").await, 0);
    assert_eq!(count("to=2020-01-01").await, 0);
    assert_eq!(count("from=2020-01-01&rating=1").await, 8);
    assert_eq!(count("from=nonsense&after=nonsense&rating=1").await, 8);
}
