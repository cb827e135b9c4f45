//! Making a form in the browser.

use super::shop_form;
use crate::support::visitors::WebDesk;

#[tokio::test]
async fn a_form_is_made_without_a_script() {
    let web = WebDesk::new().await;
    let cookie = web.admin().await;
    let mut fields = vec![
        ("name", "Wholesale"),
        ("language", "en"),
        ("language", "de"),
        ("title.en", "For shops"),
        ("title.de", "Für Händler"),
        ("ask_name", "1"),
        ("acknowledge", "1"),
        ("topics", "2"),
        ("topic.0.label.en", "Prices"),
        ("topic.1.label.en", "Samples"),
        ("topic.1.label.it", "Campioni"),
        ("topic.1.tags", "samples, wholesale"),
        ("fields", "1"),
        ("field.0.label.en", "City"),
        ("field.0.label.de", "Ort"),
        ("field.0.kind", "text"),
        ("field.0.required", "1"),
        ("origins", "shop.example\nhttps://b2b.shop.example/contact"),
    ];
    fields.push(("do", "topic-down:0"));
    let moved = web.post_as(&cookie, "/settings/forms/new", &fields).await;
    assert_eq!(moved.status, 200);
    moved.assert_script_free();
    assert_eq!(moved.attribute("[name='topic.0.label.en']", "value"), "Samples");
    assert_eq!(moved.attribute("[name='topic.0.label.it']", "value"), "Campioni", "a language that is not offered is not lost");
    assert_eq!(moved.attribute("[name='topic.0.tags']", "value"), "samples, wholesale");

    *fields.last_mut().expect("a button") = ("do", "field-add");
    let added = web.post_as(&cookie, "/settings/forms/new", &fields).await;
    assert_eq!(added.attributes("details[id^=field-]", "id").len(), 2);

    *fields.last_mut().expect("a button") = ("do", "save");
    let saved = web.post_as(&cookie, "/settings/forms/new", &fields).await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    let page = web.get("/forms/wholesale?lang=de").await;
    assert_eq!(page.words("h1"), ["Für Händler"]);
    assert_eq!(page.words("label[for=f-city]"), ["Ort"]);
    assert_eq!(page.attributes(".choice input", "value"), ["prices", "samples"]);
    assert!(page.header("content-security-policy").ends_with("frame-ancestors 'self' https://shop.example https://b2b.shop.example"));

    let again = web.post_as(&cookie, "/settings/forms/new", &fields).await;
    assert_eq!(again.status, 422);
    assert_eq!(again.words("#name-error").len(), 1);
    *fields.first_mut().expect("a name") = ("name", "Another");
    fields.push(("slug", "wholesale"));
    let again = web.post_as(&cookie, "/settings/forms/new", &fields).await;
    assert_eq!(again.words("#slug-error"), ["There is a form at this address already."]);
    assert_eq!(again.attribute("[name=name]", "value"), "Another");

    let path = saved.location();
    web.post_as(&cookie, &format!("{path}/switch"), &[]).await;
    assert_eq!(web.get("/forms/wholesale").await.status, 410);
    let list = web.get_with("/settings/forms", |request| request.header("cookie", &cookie)).await;
    assert!(list.text.contains("Wholesale") && list.text.contains("Switched off"));
}

#[tokio::test]
async fn a_form_with_gaps_is_not_saved_and_says_where() {
    let web = WebDesk::new().await;
    let cookie = web.admin().await;
    let id = web.form("contact", shop_form()).await;
    let fields = [
        ("name", ""),
        ("slug", "Not a slug"),
        ("origins", "*"),
        ("topics", "1"),
        ("fields", "1"),
        ("field.0.label.en", "Size"),
        ("field.0.kind", "select"),
        ("do", "save"),
    ];
    let page = web.post_as(&cookie, &format!("/settings/forms/{id}"), &fields).await;
    assert_eq!(page.status, 422);
    assert_eq!(page.attributes("#problems a", "href"), ["#name", "#slug", "#languages", "#origins", "#topic-0", "#field-0"]);
    let shown = web.get_with(&format!("/settings/forms/{id}"), |request| request.header("cookie", &cookie)).await;
    shown.assert_script_free();
    assert!(shown.text.contains("/forms/contact/embed.js"));
    assert_eq!(web.get(&format!("/settings/forms/{id}")).await.status, 303, "only for admins");
}
