//! Working on a ticket: reading, answering, noting, moving it, and never answering over somebody else's words.

use reqwest::multipart::{Form, Part};
use sportello::desk::kinds::Role;

use crate::screens::inbox::mail;
use crate::support::served::{Browser, Page, ServedDesk};

async fn desk_with_ticket() -> (ServedDesk, Browser, String) {
    let desk = ServedDesk::new().await;
    let anna = desk.agent("Anna Verdi", Role::Agent).await;
    let text = "Where is my order?\r\n\r\nOn Sat, 14 Nov 2026 at 09:12, Help <help@bottega.example> wrote:\r\n> It left today.";
    let ticket = desk.receive(&mail("Tom Hill <tom@example.com>", "1@example.com", "Order 55", text)).await.ticket.expect("a ticket");
    (desk, anna, format!("/tickets/{ticket}"))
}

/// Sends what the composer of this page holds, with other words.
async fn send(browser: &Browser, page: &Page, path: &str, fields: &[(&str, &str)]) -> Page {
    let mut form = Form::new().text("seen", page.attribute("[name=seen]", "value"));
    for name in ["to", "cc", "next"] {
        form = form.text(name, page.attribute(&format!(".composer [name={name}]"), "value"));
    }
    for (name, value) in fields {
        form = form.text((*name).to_owned(), (*value).to_owned());
    }
    browser.post_files(&format!("{path}/reply"), form).await
}

#[tokio::test]
async fn a_ticket_shows_the_new_words_and_folds_the_old() {
    let (_desk, anna, path) = desk_with_ticket().await;
    let page = anna.get(&path).await.is(200);
    assert_eq!(page.text(".letter .prose"), "Where is my order?");
    assert!(page.text(".quoted .prose").contains("It left today."));
    assert_eq!(page.text("#customer h2"), "Tom Hill");
    assert_eq!(page.attribute("#to", "value"), "tom@example.com");
    let original = anna.get(&page.attribute(".letter-foot a[href$=original]", "href")).await.is(200);
    assert!(original.body.starts_with("From: Tom Hill <tom@example.com>"));
    anna.get("/tickets/999").await.is(404);
    anna.get("/tickets/abc").await.is(404);
}

#[tokio::test]
async fn a_reply_leaves_threads_and_can_be_answered_into_the_same_ticket() {
    let (desk, anna, path) = desk_with_ticket().await;
    let page = anna.get(&path).await;
    let sent = send(&anna, &page, &path, &[("body", "It will arrive on Monday."), ("note", "0"), ("then", "solve")]).await.is(303);
    assert_eq!(sent.location.as_deref(), Some("/inbox/open"), "no other ticket waits");
    let page = anna.get(&path).await;
    assert!(page.body.contains("Sending in a few seconds"));
    assert!(page.text("[data-command='Reopen']").contains("Reopen"));
    desk.drain().await;
    let page = anna.get(&path).await;
    assert!(page.text(".delivery--sent").starts_with("Sent"));

    let raw = desk.last_sent();
    assert!(raw.contains("In-Reply-To: <1@example.com>"), "{raw}");
    assert!(raw.contains("It will arrive on Monday."));
    assert!(raw.contains("> Where is my order?"), "{raw}");
    let reply_to = raw.lines().find_map(|line| line.strip_prefix("Reply-To: ")).expect("a Reply-To").to_owned();
    assert!(reply_to.contains("help+t1-"), "{reply_to}");

    let answer = mail("tom@example.com", "2@example.com", "Something else", "Thank you!");
    let back = desk
        .try_receive(
            &answer,
            Some("tom@example.com"),
            &[reply_to.trim_matches(|c| "<>".contains(c) || c == ' ').rsplit('<').next().unwrap_or_default()],
        )
        .await;
    let back = back.expect("processed");
    assert_eq!(back.ticket.map(|id| format!("/tickets/{id}")), Some(path.clone()));
    let page = anna.get(&path).await;
    assert!(page.texts(".event").iter().any(|line| line.contains("reopened")), "{:?}", page.texts(".event"));
}

#[tokio::test]
async fn an_undone_reply_never_leaves_and_its_words_come_back() {
    let (desk, anna, path) = desk_with_ticket().await;
    let page = anna.get(&path).await;
    send(&anna, &page, &path, &[("body", "Too quick."), ("note", "0"), ("then", "send")]).await.is(303);
    let page = anna.get(&path).await;
    let undo = page.attribute("form[action$=undo]", "action");
    anna.post(&undo, &[]).await.is(303);
    desk.drain().await;
    assert!(desk.sent().iter().all(|mail| !String::from_utf8_lossy(&mail.raw).contains("Too quick")));
    let page = anna.get(&path).await;
    assert_eq!(page.text("textarea"), "Too quick.");
    assert_eq!(page.text(".prop--open select option[selected]"), "Open");
}

#[tokio::test]
async fn nobody_answers_over_a_message_they_have_not_seen() {
    let (desk, anna, path) = desk_with_ticket().await;
    let marco = desk.agent("Marco", Role::Agent).await;
    let page = anna.get(&path).await;
    let theirs = marco.get(&path).await;
    send(&marco, &theirs, &path, &[("body", "Marco here, it is on its way."), ("note", "0"), ("then", "send")]).await.is(303);

    let refused = send(&anna, &page, &path, &[("body", "Anna's answer"), ("note", "0"), ("then", "send")]).await.is(409);
    assert!(refused.text(".collision").contains("Marco here"));
    assert_eq!(refused.text("textarea"), "Anna's answer");
    assert_eq!(desk.count("select count(*) from messages where direction = 'outbound' and not automatic").await, 1);

    send(&anna, &refused, &path, &[("body", "Anna's answer"), ("note", "0"), ("then", "send")]).await.is(303);
    assert_eq!(desk.count("select count(*) from messages where direction = 'outbound' and not automatic").await, 2);
}

#[tokio::test]
async fn notes_stay_inside_and_do_not_stop_a_colleague() {
    let (desk, anna, path) = desk_with_ticket().await;
    let page = anna.get(&path).await;
    let marco = desk.agent("Marco", Role::Agent).await;
    send(&marco, &marco.get(&path).await, &path, &[("body", "He is a regular."), ("note", "1"), ("then", "note")]).await.is(303);
    send(&anna, &page, &path, &[("body", "On Monday."), ("note", "0"), ("then", "send")]).await.is(303);
    desk.drain().await;
    assert!(desk.sent().iter().all(|mail| !String::from_utf8_lossy(&mail.raw).contains("regular")));
    assert!(anna.get(&path).await.text(".letter--note").contains("He is a regular."));
}

#[tokio::test]
async fn what_is_refused_is_kept_with_the_reason() {
    let (desk, anna, path) = desk_with_ticket().await;
    let page = anna.get(&path).await;
    let refused = send(&anna, &page, &path, &[("body", "   "), ("note", "0")]).await.is(422);
    assert!(refused.text(".errors").contains("Write something"));
    let form = Form::new().text("body", "Hello").text("to", "nobody, tom@example.com").text("cc", "").text("note", "0");
    let refused = anna.post_files(&format!("{path}/reply"), form).await.is(422);
    assert!(refused.text(".errors").contains("nobody"));
    assert_eq!(refused.text("textarea"), "Hello");
    assert_eq!(refused.attribute("#to", "value"), "nobody, tom@example.com");
    assert_eq!(desk.count("select count(*) from messages where direction = 'outbound' and not automatic").await, 0);
}

#[tokio::test]
async fn files_go_out_with_the_reply_and_come_in_with_the_mail() {
    let (desk, anna, path) = desk_with_ticket().await;
    let file = Part::bytes(b"%PDF-1.4 invoice".to_vec()).file_name("../Rechnung ü.pdf");
    let answer = anna.post_files(&format!("{path}/uploads"), Form::new().part("file", file)).await.is(200);
    assert!(answer.body.contains(r#""name":"Rechnung ü.pdf""#), "{}", answer.body);
    let page = anna.get(&path).await;
    assert_eq!(page.texts("[data-uploads] .file-name"), ["Rechnung ü.pdf"]);
    send(&anna, &page, &path, &[("body", "Here it is."), ("note", "0"), ("then", "send")]).await.is(303);
    let page = anna.get(&path).await;
    assert!(page.texts("[data-uploads] .file-name").is_empty());
    let file = anna.get(&page.attribute(".letter .file", "href")).await.is(200);
    assert_eq!(file.body, "%PDF-1.4 invoice");
    assert!(file.headers["content-disposition"].to_str().expect("text").starts_with("attachment"));
    assert!(file.headers["content-security-policy"].to_str().expect("text").starts_with("sandbox"));
    desk.drain().await;
    assert!(desk.last_sent().contains("Content-Disposition: attachment"));
}

#[tokio::test]
async fn a_ticket_is_moved_by_one_small_form_each_and_keeps_its_history() {
    let (desk, anna, path) = desk_with_ticket().await;
    let page = anna.get(&path).await;
    let me = page.attribute("body", "data-me");
    anna.post(&format!("{path}/assignee"), &[("assignee", &me)]).await.is(303);
    anna.post(&format!("{path}/priority"), &[("priority", "urgent")]).await.is(303);
    anna.post(&format!("{path}/tags"), &[("new", "VIP")]).await.is(303);
    anna.post(&format!("{path}/subject"), &[("subject", "Order 56")]).await.is(303);
    anna.post(&format!("{path}/snooze"), &[("until", "at"), ("at", "2020-01-01T10:00")]).await.is(400);
    anna.post(&format!("{path}/snooze"), &[("until", "tomorrow")]).await.is(303);
    assert_eq!(anna.get("/inbox/snoozed").await.texts(".row-subject").len(), 1);
    anna.post(&format!("{path}/status"), &[("status", "open")]).await.is(303);
    anna.post(&format!("{path}/status"), &[("status", "nonsense")]).await.is(400);
    anna.post(&format!("{path}/assignee"), &[("assignee", "4711")]).await.is(400);
    let lines = anna.get(&path).await.texts(".event span").join("\n");
    for words in [
        "took the ticket",
        "priority to Urgent",
        "added the tag VIP",
        "changed the subject from “Order 55”",
        "snoozed the ticket",
        "status to Open",
    ] {
        assert!(lines.contains(words), "{words} is missing in {lines}");
    }
    anna.post(&format!("{path}/status"), &[("status", "spam")]).await.is(303);
    assert_eq!(anna.get("/inbox/spam").await.texts(".row-subject"), ["Urgent: Order 56"]);
    desk.drain().await;
}

#[tokio::test]
async fn drafts_survive_and_belong_to_their_author() {
    let (desk, anna, path) = desk_with_ticket().await;
    let marco = desk.agent("Marco", Role::Agent).await;
    anna.post(&format!("{path}/draft"), &[("body", "Half a sent"), ("note", "0")]).await.is(204);
    anna.post(&format!("{path}/draft"), &[("body", "A thought"), ("note", "1")]).await.is(204);
    assert_eq!(anna.get(&path).await.text("textarea"), "Half a sent");
    assert_eq!(anna.get(&format!("{path}?note=1")).await.text("textarea"), "A thought");
    assert_eq!(marco.get(&path).await.text("textarea"), "");
    anna.post(&format!("{path}/draft"), &[("body", " "), ("note", "0")]).await.is(204);
    assert_eq!(anna.get(&path).await.text("textarea"), "");
}

#[tokio::test]
async fn formatted_mail_is_shown_harmlessly() {
    let (desk, anna, _) = desk_with_ticket().await;
    let raw = b"From: tom@example.com\r\nTo: help@bottega.example\r\nSubject: Hi\r\nMessage-ID: <html@x>\r\nMIME-Version: 1.0\r\n\
        Content-Type: text/html; charset=utf-8\r\n\r\n<p onclick=\"alert(1)\">Look <b>here</b><script>alert(1)</script>\
        <img src=\"https://spy.example/pixel.gif\"></p>\r\n";
    let ticket = desk.receive(raw).await.ticket.expect("a ticket");
    let page = anna.get(&format!("/tickets/{ticket}")).await;
    let frame = page.attribute("iframe", "src");
    assert!(!page.attribute("iframe", "sandbox").contains("allow-scripts"));
    let html = anna.get(&frame).await.is(200);
    assert!(html.body.contains("<b>here</b>") && !html.body.contains("script") && !html.body.contains("onclick"));
    assert!(html.attributes("img", "src").is_empty(), "nothing loads by itself");
    let policy = html.headers["content-security-policy"].to_str().expect("text");
    assert!(policy.contains("default-src 'none'") && !policy.contains("https:"));
    let html = anna.get(&format!("{frame}?pictures=1")).await.is(200);
    // Through us, so that the spy learns nothing of whoever reads; and only what stands in the letter.
    let sources = html.attributes("img", "src");
    assert_eq!(sources.len(), 1);
    assert!(sources[0].starts_with(&format!("/tickets/{ticket}/messages/")) && sources[0].contains("spy.example"), "{sources:?}");
    let forged = sources[0].replace("pixel.gif", "other.gif");
    anna.get(&forged).await.is(404);
}
