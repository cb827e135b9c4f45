//! The words of anger, as somebody who leads reads, tries and edits them.

use sportello::desk::kinds::Role;

use crate::support::public_desk::PublicDesk;
use crate::support::served::{Browser, Page};

/// The form as the page shows it, with other words in one list.
async fn save(lead: &Browser, language: &str, words: &str, looks: bool) -> Page {
    send(lead, "/settings/anger", (language, words), looks, &[]).await
}

async fn send(lead: &Browser, path: &str, (language, words): (&str, &str), looks: bool, more: &[(&str, &str)]) -> Page {
    let page = lead.get("/settings/anger").await.is(200);
    let names = page.attributes("textarea.words", "name");
    let lists = page.texts_raw("textarea.words");
    let name = format!("list-{language}");
    let mut fields: Vec<(&str, &str)> =
        names.iter().zip(&lists).map(|(key, list)| (key.as_str(), if *key == name { words } else { list.as_str() })).collect();
    fields.extend([("again", "3"), ("mail", "5")]);
    if looks {
        fields.push(("words", "1"));
    }
    fields.extend(more);
    lead.post(path, &fields).await
}

#[tokio::test]
async fn a_sentence_is_tried_and_says_which_word_of_which_list_it_was() {
    let desk = PublicDesk::new().await;
    let marta = desk.agent("Marta", Role::Lead).await;
    let page = marta.get("/settings/anger?try=Siete%20dei%20Truffatori%2C%20che%20SCHIFO").await.is(200);
    assert_eq!(page.texts("mark"), ["Truffatori", "SCHIFO"]);
    assert_eq!(
        page.texts(".try-found li"),
        ["truffat* on the list for Italian found “Truffatori”", "schifo on the list for Italian found “SCHIFO”"]
    );
    let page = marta.get("/settings/anger?try=Grazie%20mille%20%3Cb%3E").await.is(200);
    assert!(page.text("#try .callout").contains("Not angry"));
    desk.agent("Giulia", Role::Agent).await.get("/settings/anger").await.is(403);
}

#[tokio::test]
async fn an_edited_list_holds_from_the_next_message_on() {
    let desk = PublicDesk::new().await;
    let marta = desk.agent("Marta", Role::Lead).await;
    let page = save(&marta, "it", "polenta\nab*", true).await.is(422);
    assert!(page.text("#list-it-error").contains("Line 2: “ab*” needs at least 3 letters"));
    assert!(page.text("textarea[name=list-it]").contains("polenta"), "what was typed is kept");
    save(&marta, "it", "# il nostro elenco\npolent*", true).await.is(303);
    let ours = desk.comment("add", "5500_1", "Che POLENTONI").await;
    let theirs = desk.comment("add", "5500_2", "Una truffa").await;
    assert_eq!((desk.of_ticket(ours, "priority").await, desk.of_ticket(theirs, "priority").await), ("urgent".into(), "normal".into()));
    assert!(marta.get("/settings/anger").await.text("#words-it summary").contains("1 entry, edited"));
    // The button of one list sends them all: what was changed in another one is kept.
    let reset = send(&marta, "/settings/anger/reset", ("de", "ab*"), true, &[("language", "it")]).await.is(422);
    assert!(reset.text("#list-de-error").contains("needs at least 3 letters"));
    assert!(reset.text("textarea[name=list-it]").contains("truffa"));
    send(&marta, "/settings/anger/reset", ("de", "Knödel"), true, &[("language", "it")]).await.is(303);
    let page = marta.get("/settings/anger").await.is(200);
    assert_eq!(page.texts("textarea[name=list-de]"), ["Knödel"]);
    assert!(page.text("textarea[name=list-it]").contains("truffa"));
    let again = desk.comment("add", "5500_3", "Una truffa").await;
    assert_eq!(desk.of_ticket(again, "priority").await, "urgent");
    // Switched off, only ratings count.
    let page = save(&marta, "any", "", false).await.is(303);
    drop(page);
    let off = desk.comment("add", "5500_4", "Una truffa").await;
    let rated = desk.stars("rev1", 1, "Una truffa").await;
    assert_eq!((desk.of_ticket(off, "priority").await, desk.of_ticket(rated, "priority").await), ("normal".into(), "urgent".into()));
    assert!(marta.get(&format!("/tickets/{rated}")).await.text("#anger").contains("1 star"));
}
