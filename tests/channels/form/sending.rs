//! Filling in a form, rightly and wrongly.

use serde_json::json;
use sportello::clock::Ts;
use sportello::desk::deliveries::{self, NewDelivery};
use sportello::desk::kinds::Status;
use sportello::http::visitors::stamps::Stamp;

use super::{PNG, RIGHT, but, shop_form};
use crate::support::visitors::WebDesk;

#[tokio::test]
async fn a_form_becomes_a_ticket_with_a_receipt() {
    let web = WebDesk::new().await;
    let channel = web.form("contact", shop_form()).await;
    let page = web.get_with("/forms/contact?lang=it", |request| request.header("referer", "https://shop.example/arno?size=41")).await;
    page.assert_script_free();
    assert_eq!(page.attribute("html", "lang"), "it");
    assert_eq!(page.attribute("input[name=page]", "value"), "https://shop.example/arno?size=41");
    let stamp = web.stamp(&page, &format!("form {channel}"));
    let fields = but(&[("form", &stamp.id), ("stamp", &stamp.at), ("page", "https://shop.example/arno?size=41")]);
    let sent = web.post("/forms/contact?lang=it", &fields, &[("suola.png", PNG)]).await;
    assert_eq!(sent.status, 303, "{}", sent.text);

    let ticket = web.newest().await;
    assert_eq!(ticket.subject, "Reso: vorrei rendere gli stivali.");
    assert_eq!(ticket.language.as_deref(), Some("it"));
    assert_eq!(ticket.tag_ids.len(), 1);
    assert_eq!(
        ticket.details,
        json!([
            ["Topic", "Return"],
            ["Order number", "BG-1042"],
            ["Size", "Large"],
            ["Phone", "+39 333 1234567"],
            ["Agreed to", "I agree"],
            ["Page", "https://shop.example/arno?size=41"]
        ])
    );
    let receipt = web.get(&sent.location()).await;
    receipt.assert_script_free();
    assert!(receipt.text.contains("anna@example.it") && receipt.text.contains(&ticket.id.to_string()), "{}", receipt.text);
    let link = receipt.attribute(".actions a", "href");
    assert_eq!(web.get(&link).await.status, 200);

    assert_eq!(web.desk.count("select count(*) from deliveries where state = 'processed' and door = 'form'").await, 1);
    assert_eq!(web.desk.count("select count(*) from attachments where name = 'suola.png'").await, 1);
    web.desk.drain().await;
    let mail = web.desk.last_sent();
    assert!(mail.contains("anna@example.it"), "{mail}");
    assert_eq!(web.desk.count("select count(*) from jobs where dead_at is not null").await, 0);
}

#[tokio::test]
async fn each_error_stands_at_its_field_and_nothing_typed_is_lost() {
    let web = WebDesk::new().await;
    let channel = web.form("contact", shop_form()).await;
    let long = "x".repeat(20_001);
    for (field, value) in [
        ("name", ""),
        ("email", ""),
        ("email", "anna@"),
        ("topic", ""),
        ("topic", "nonsense"),
        ("f-size", ""),
        ("f-size", "7"),
        ("f-phone", "call me"),
        ("f-pairs", "two"),
        ("message", "  "),
        ("message", &long),
        ("consent", ""),
    ] {
        let stamp = web.open("contact", channel).await;
        let page = web.post("/forms/contact?lang=en", &but(&[(field, value), ("form", &stamp.id), ("stamp", &stamp.at)]), &[]).await;
        assert_eq!(page.status, 422, "{field}={value:.20}");
        assert_eq!(page.attributes(".problems a", "href"), [format!("#{field}")], "{field}={value:.20}");
        assert_eq!(page.words(&format!("[id='{field}-error']")).len(), 1, "{field}");
        assert_eq!(page.words(&format!("[id='{field}']")).len(), 1, "the summary leads to {field}");
        for (name, typed) in [("name", "Anna Verdi"), ("email", "Anna@Example.it"), ("order", "BG-1042"), ("f-phone", "+39 333 1234567")] {
            let expected = if name == field { value } else { typed };
            assert_eq!(page.attribute(&format!("input[name='{name}']"), "value"), expected);
        }
        if field != "message" {
            assert_eq!(page.words("textarea[name=message]"), ["Buongiorno, vorrei rendere gli stivali."]);
        }
        if field != "topic" {
            assert_eq!(page.attribute("input[name=topic][checked]", "value"), "return");
        }
        page.assert_script_free();
    }
    assert_eq!(web.desk.count("select count(*) from tickets").await, 0);
}

#[tokio::test]
async fn files_survive_a_form_with_errors() {
    let web = WebDesk::new().await;
    let channel = web.form("contact", shop_form()).await;
    let stamp = web.open("contact", channel).await;
    let wrong = but(&[("email", "anna@"), ("form", &stamp.id), ("stamp", &stamp.at)]);
    let page = web.post("/forms/contact", &wrong, &[("suola.png", PNG), ("fattura.pdf", b"%PDF-1.4 x")]).await;
    let kept = page.attributes("input[name=kept]", "value");
    assert_eq!(kept.len(), 2);
    // One of the two boxes was unticked.
    let right = but(&[("form", &stamp.id), ("stamp", &stamp.at), ("kept", &kept[1])]);
    assert_eq!(web.post("/forms/contact", &right, &[]).await.status, 303);
    assert_eq!(web.desk.count("select count(*) from attachments where name = 'fattura.pdf' and size = 10").await, 1);
    assert_eq!(web.desk.count("select count(*) from attachments").await, 1);

    let stamp = web.open("contact", channel).await;
    let large = vec![b'x'; 20 * 1024 * 1024 + 1];
    let page = web.post("/forms/contact?lang=en", &but(&[("form", &stamp.id), ("stamp", &stamp.at)]), &[("film.mov", &large)]).await;
    assert_eq!(page.status, 422);
    assert_eq!(page.attributes(".problems a", "href"), ["#files"]);
    assert!(page.text.contains("film.mov"));
}

#[tokio::test]
async fn what_a_program_fills_in_is_kept_as_spam_and_not_answered() {
    let web = WebDesk::new().await;
    let channel = web.form("contact", shop_form()).await;
    let page = web.get("/forms/contact").await;
    assert_eq!(page.attribute(".pot input", "autocomplete"), "off");
    assert_eq!(page.attribute(".pot", "aria-hidden"), "true");
    let stamp = web.stamp(&page, &format!("form {channel}"));
    let sent = web.post("/forms/contact", &but(&[("website", "http://pills"), ("form", &stamp.id), ("stamp", &stamp.at)]), &[]).await;
    assert_eq!(sent.status, 303);
    assert_eq!(web.newest().await.status, Status::Spam);
    web.desk.drain().await;
    assert!(web.desk.sent().is_empty());
    assert!(!web.get(&sent.location()).await.text.contains("anna@example.it"));
}

#[tokio::test]
async fn a_form_is_neither_sent_in_a_blink_nor_after_a_day() {
    let web = WebDesk::new().await;
    let channel = web.form("contact", shop_form()).await;
    let scope = format!("form {channel}");
    let keys = &web.desk.app.keys;
    let page = web.get("/forms/contact").await;
    let id = page.attribute("input[name=form]", "value");
    let at = page.attribute("input[name=stamp]", "value");
    let fast = web.post("/forms/contact", &but(&[("form", &id), ("stamp", &at)]), &[]).await;
    assert_eq!(fast.status, 422);
    assert_eq!(fast.attribute("input[name=stamp]", "value"), at, "the same stamp is good a moment later");

    let old = Stamp::renew(keys, &scope, id.clone(), Ts::now().plus_seconds(-25 * 3600));
    let late = web.post("/forms/contact", &but(&[("form", &old.id), ("stamp", &old.at)]), &[]).await;
    assert_eq!(late.status, 422);
    assert_eq!(late.attribute("input[name=form]", "value"), id);
    assert_ne!(late.attribute("input[name=stamp]", "value"), old.at);
    assert_eq!(late.words("textarea[name=message]"), ["Buongiorno, vorrei rendere gli stivali."]);

    let forged = web.post("/forms/contact", &but(&[("form", "mine"), ("stamp", "1-aaaaaaaaaaaaaaaaaaaa")]), &[]).await;
    assert_eq!(forged.status, 422);
    assert_ne!(forged.attribute("input[name=form]", "value"), "mine");
    assert_eq!(web.desk.count("select count(*) from tickets").await, 0);
    let again = Stamp::renew(keys, &scope, id, Ts::now().plus_seconds(-3));
    assert_eq!(web.post("/forms/contact", &but(&[("form", &again.id), ("stamp", &again.at)]), &[]).await.status, 303);
}

#[tokio::test]
async fn the_same_form_sent_twice_is_one_ticket() {
    let web = WebDesk::new().await;
    let channel = web.form("contact", shop_form()).await;
    let stamp = web.open("contact", channel).await;
    let fields = but(&[("form", &stamp.id), ("stamp", &stamp.at)]);
    let (one, two, three) = tokio::join!(
        web.post("/forms/contact", &fields, &[]),
        web.post("/forms/contact", &fields, &[]),
        web.post("/forms/contact", &fields, &[])
    );
    let reload = web.post("/forms/contact", &fields, &[]).await;
    for page in [&one, &two, &three, &reload] {
        assert_eq!((page.status.as_u16(), page.location()), (303, one.location()));
    }
    assert_eq!(web.desk.count("select count(*) from tickets").await, 1);
    assert_eq!(web.desk.count("select count(*) from messages").await, 1);
    assert_eq!(web.desk.count("select count(*) from contacts").await, 1);
    assert_eq!(web.desk.count("select count(*) from deliveries where state not in ('processed', 'dropped')").await, 0);
}

#[tokio::test]
async fn a_form_whose_request_died_is_understood_later() {
    let web = WebDesk::new().await;
    let channel = web.form("contact", shop_form()).await;
    let raw = json!({ "id": "abc", "language": "en", "email": "late@example.com", "message": "Hello?" }).to_string();
    let mut db = web.desk.app.db.acquire().await.expect("a database");
    let new = NewDelivery { channel, door: "form", envelope_from: None, envelope_to: &[], raw: raw.as_bytes() };
    deliveries::store(&mut db, new).await.expect("stored");
    drop(db);
    web.desk.drain().await;
    assert_eq!(web.newest().await.subject, "Hello?");
    assert_eq!(web.desk.count("select count(*) from deliveries where state = 'processed'").await, 1);
}

#[tokio::test]
async fn the_language_is_the_one_asked_for_else_the_browsers_else_the_shops() {
    let web = WebDesk::new().await;
    web.form("contact", shop_form()).await;
    let lang = |path: &'static str, accept: &'static str| {
        let web = &web;
        async move { web.get_with(path, |request| request.header("accept-language", accept)).await.attribute("html", "lang") }
    };
    assert_eq!(lang("/forms/contact?lang=it", "en").await, "it");
    assert_eq!(lang("/forms/contact", "it-IT,en;q=0.4").await, "it");
    assert_eq!(lang("/forms/contact?lang=de", "fr").await, "en");
    let page = web.get("/forms/contact?lang=it").await;
    assert_eq!(page.words("h1"), ["Come possiamo aiutarLa?"]);
    assert_eq!(page.attributes(".languages a", "lang"), ["en"]);
}

#[tokio::test]
async fn only_the_form_may_be_shown_in_frames_and_only_by_the_shop() {
    let web = WebDesk::new().await;
    let channel = web.form("contact", shop_form()).await;
    let mut narrow = shop_form();
    narrow["origins"] = json!(["https://shop.example"]);
    web.form("narrow", narrow).await;
    let ancestors = |policy: &str| policy.split("frame-ancestors ").nth(1).unwrap_or_default().to_owned();
    let open = web.get("/forms/contact?embed=1").await;
    assert_eq!(ancestors(open.header("content-security-policy")), "*");
    assert_eq!(open.words("header").len() + open.words("footer").len(), 0);
    assert!(open.header("x-frame-options").is_empty());
    let narrow = web.get("/forms/narrow?embed=1").await;
    assert_eq!(ancestors(narrow.header("content-security-policy")), "'self' https://shop.example");
    assert_eq!(ancestors(web.get("/sign-in").await.header("content-security-policy")), "'none'");

    let stamp = web.open("contact", channel).await;
    let sent = web.post("/forms/contact?embed=1", &but(&[("form", &stamp.id), ("stamp", &stamp.at)]), &[]).await;
    let receipt = web.get(&sent.location()).await;
    assert!(receipt.text.contains("class=\"customer embedded\""));
    assert_eq!(ancestors(receipt.header("content-security-policy")), "*");
    let own = web.get(&receipt.attribute(".actions a", "href")).await;
    assert_eq!(ancestors(own.header("content-security-policy")), "'none'");
}

#[tokio::test]
async fn the_script_for_the_shops_page_is_small_and_knows_its_form() {
    let web = WebDesk::new().await;
    web.form("contact", shop_form()).await;
    let script = web.get("/forms/contact/embed.js").await;
    assert_eq!(script.header("content-type"), "text/javascript; charset=utf-8");
    assert!(script.text.len() < 2_048, "{} bytes", script.text.len());
    assert!(script.text.contains("data-sportello-form=\"contact\"") && script.text.contains("\"How can we help?\""));
    assert_eq!(web.get("/forms/none/embed.js").await.status, 404);
    assert_eq!(web.get("/forms/none").await.status, 404);
    assert_eq!(web.get("/demo").await.status, 404);
}

#[tokio::test]
async fn one_address_cannot_flood_the_desk_and_keeps_its_words() {
    let web = WebDesk::new().await;
    let channel = web.form("contact", shop_form()).await;
    for round in 0..9 {
        let stamp = web.open("contact", channel).await;
        let page =
            web.post("/forms/contact", &but(&[("email", "flood@example.com"), ("form", &stamp.id), ("stamp", &stamp.at)]), &[]).await;
        if round < 8 {
            assert_eq!(page.status, 303, "round {round}");
        } else {
            assert_eq!(page.status, 429);
            assert!(!page.header("retry-after").is_empty());
            assert_eq!(page.words("textarea[name=message]"), ["Buongiorno, vorrei rendere gli stivali."]);
        }
    }
    let stamp = web.open("contact", channel).await;
    let other = RIGHT.into_iter().chain([("form", &*stamp.id), ("stamp", &*stamp.at)]).collect::<Vec<_>>();
    assert_eq!(web.post("/forms/contact", &other, &[]).await.status, 303);
}
