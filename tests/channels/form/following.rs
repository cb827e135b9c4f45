//! The customer's own page.

use sportello::desk::kinds::Status;

use super::{PNG, but, shop_form};
use crate::support::visitors::{Page, WebDesk};

/// A customer who has just sent the form: their link.
async fn arrive(web: &WebDesk, language: &str) -> String {
    let channel = web.form("contact", shop_form()).await;
    let stamp = web.open("contact", channel).await;
    let path = format!("/forms/contact?lang={language}");
    let sent = web.post(&path, &but(&[("form", &stamp.id), ("stamp", &stamp.at)]), &[("suola.png", PNG)]).await;
    let receipt = web.get(&sent.location()).await;
    let link = receipt.attribute(".actions a", "href");
    link.split('?').next().expect("a link").to_owned()
}

async fn answer(web: &WebDesk, link: &str, page: &Page, text: &str, files: &[(&str, &[u8])]) -> Page {
    let form = page.attribute("input[name=form]", "value");
    let stamp = page.attribute("input[name=stamp]", "value");
    web.post(link, &[("form", &form), ("stamp", &stamp), ("message", text)], files).await
}

#[tokio::test]
async fn a_customer_follows_answers_closes_and_comes_back() {
    let web = WebDesk::new().await;
    let link = arrive(&web, "it").await;
    let ticket = web.newest().await.id;
    let agent = web.desk.agent("Giulia Moretti").await;
    web.desk.reply(&agent, ticket, "Certo, le mandiamo l'etichetta. https://shop.example/label").await;
    let unsent = web.get(&link).await;
    assert!(!unsent.text.contains("etichetta"), "it can still be taken back");
    web.desk.drain().await;

    let page = web.get(&link).await;
    page.assert_script_free();
    assert_eq!(page.attribute("html", "lang"), "it");
    assert_eq!(page.words(".message--ours strong"), ["Giulia, My shop"]);
    assert_eq!(page.attribute(".message--ours .message-text a", "href"), "https://shop.example/label");
    assert_eq!(page.words(".message").len(), 2, "no receipt, no note: {}", page.text);
    assert!(page.header("x-robots-tag").contains("noindex"));
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    assert!(!page.text.contains("BG-1042"), "what the form asked is for agents");
    let waiting = web.get_with(&link, |request| request.header("if-none-match", page.header("etag"))).await;
    assert_eq!(waiting.status, 304);

    let sent = answer(&web, &link, &page, "Grazie mille!", &[("scarpa.png", PNG)]).await;
    assert_eq!(sent.status, 303, "{}", sent.text);
    assert_eq!(answer(&web, &link, &page, "Grazie mille!", &[]).await.status, 303, "a reload is no second answer");
    let thread = web.desk.thread(ticket).await;
    assert_eq!(thread.iter().filter(|message| message.body == "Grazie mille!").count(), 1);
    assert_eq!(web.desk.count("select count(*) from contacts").await, 1);
    let page = web.get(&sent.location()).await;
    assert_eq!(page.words(".notice").len(), 1);
    assert!(web.newest().await.waiting_since.is_some());

    let file = page.attributes(".picture", "href").pop().expect("a picture");
    let picture = web.get(&file).await;
    assert_eq!((picture.status.as_u16(), picture.header("content-type")), (200, "image/png"));
    assert_eq!(picture.header("x-content-type-options"), "nosniff");
    assert!(picture.header("content-security-policy").contains("sandbox"));

    let closed = web.post(&format!("{link}/close"), &[("x", "")], &[]).await;
    assert_eq!(closed.status, 303);
    assert_eq!(web.newest().await.status, Status::Solved);
    assert_eq!(web.desk.count("select count(*) from events where kind = 'closed_by_customer'").await, 1);
    let page = web.get(&closed.location()).await;
    assert_eq!(page.words("form.aside").len(), 0);
    answer(&web, &link, &page, "Anzi, ancora una cosa.", &[]).await;
    assert_eq!(web.newest().await.status, Status::Open);
}

#[tokio::test]
async fn the_next_mail_goes_where_the_last_one_went_and_joins_its_thread() {
    let web = WebDesk::new().await;
    let link = arrive(&web, "en").await;
    let ticket = web.newest().await.id;
    let page = web.get(&link).await;
    answer(&web, &link, &page, "One more thing.", &[]).await;
    let agent = web.desk.agent("Giulia").await;
    web.desk.reply(&agent, ticket, "Here you are.").await;
    web.desk.drain().await;
    let mail = web.desk.last_sent();
    assert!(mail.contains("To: ") && mail.contains("anna@example.it"), "{mail}");
    assert!(mail.contains(".page@desk.bottega.example>"), "{mail}");
}

#[tokio::test]
async fn what_is_internal_stays_internal() {
    let web = WebDesk::new().await;
    let link = arrive(&web, "en").await;
    let ticket = web.newest().await.id;
    sqlx::query(
        "insert into messages (ticket_id, channel_id, direction, body) select id, channel_id, 'note', 'A difficult one' from tickets",
    )
    .execute(&web.desk.app.db)
    .await
    .expect("a note");
    sqlx::query(
        "insert into attachments (ticket_id, message_id, name, media_type, size, sha256)
         select ticket_id, id, 'internal.txt', 'text/plain', 1, 'x' from messages where direction = 'note'",
    )
    .execute(&web.desk.app.db)
    .await
    .expect("a file");
    sqlx::query("insert into messages (ticket_id, channel_id, direction, body, delivery, delivery_error) select id, channel_id, 'outbound', 'Never arrived', 'failed', 'x' from tickets")
        .execute(&web.desk.app.db)
        .await
        .expect("a failure");
    let page = web.get(&link).await;
    assert!(!page.text.contains("A difficult one") && !page.text.contains("internal.txt") && !page.text.contains("Never arrived"));
    let file = web.desk.count("select max(id) from attachments").await;
    assert_eq!(web.get(&format!("{link}/files/{file}")).await.status, 404);
    let other = link.replacen(&format!("/r/{ticket}-"), &format!("/r/{}-", ticket.0 + 1), 1);
    for wrong in [other, format!("{link}x"), "/r/nonsense".to_owned()] {
        let page = web.get_with(&wrong, |request| request.header("accept-language", "de")).await;
        assert_eq!((page.status.as_u16(), page.attribute("html", "lang")), (404, "de".to_owned()));
        assert_eq!(web.post(&wrong, &[("message", "x")], &[]).await.status, 404);
    }
}

#[tokio::test]
async fn an_empty_answer_is_asked_for_and_files_stay() {
    let web = WebDesk::new().await;
    let link = arrive(&web, "en").await;
    let page = web.get(&link).await;
    let empty = answer(&web, &link, &page, "  ", &[]).await;
    assert_eq!(empty.status, 422);
    assert_eq!(empty.attributes(".problems a", "href"), ["#message"]);
    let long = "x".repeat(20_001);
    let long = answer(&web, &link, &page, &long, &[("scarpa.png", PNG)]).await;
    assert_eq!((long.status.as_u16(), long.attributes("input[name=kept]", "value").len()), (422, 1));
    let only_files = answer(&web, &link, &page, "", &[("scarpa.png", PNG)]).await;
    assert_eq!(only_files.status, 303);
}
