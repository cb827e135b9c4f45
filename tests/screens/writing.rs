//! Writing letters well: to whom, beside whom, when, with what below and within.

use mail_parser::{MessageParser, MimeHeaders as _};
use reqwest::multipart::{Form, Part};
use sportello::clock::Ts;
use sportello::desk::kinds::Role;
use sportello::worker;

use crate::screens::inbox::mail;
use crate::support::mail_servers::{Mood, Sink};
use crate::support::served::{Browser, Page, ServedDesk};

/// What left: envelope recipients, headers, text, HTML.
pub(super) struct Left {
    pub to: Vec<String>,
    pub head: String,
    pub text: String,
    pub html: String,
    pub reply_to: String,
    pub id: String,
    pub files: Vec<(String, String)>,
}

pub(super) fn read(sent: &sportello::mailer::Sent) -> Left {
    let message = MessageParser::default().parse(&sent.raw).expect("a mail");
    let raw = String::from_utf8_lossy(&sent.raw).into_owned();
    let reply_to = message.reply_to().and_then(|to| to.first()?.address().map(str::to_owned)).unwrap_or_default();
    Left {
        to: sent.to.clone(),
        head: raw.split_once("\r\n\r\n").expect("a body").0.to_owned(),
        text: message.body_text(0).unwrap_or_default().into_owned(),
        html: message.body_html(0).unwrap_or_default().into_owned(),
        reply_to,
        id: message.message_id().unwrap_or_default().to_owned(),
        files: message
            .attachments()
            .map(|part| (part.attachment_name().unwrap_or_default().to_owned(), part.content_id().unwrap_or_default().to_owned()))
            .collect(),
    }
}

pub(super) fn last(desk: &ServedDesk) -> Left {
    read(desk.sent().last().expect("a mail has left"))
}

pub(super) fn several(from: &str, id: &str, extra: &str, body: &str) -> Vec<u8> {
    format!("From: {from}\r\nSubject: Order 55\r\nMessage-ID: <{id}>\r\nDate: Sat, 21 Nov 2026 10:00:00 +0000\r\n{extra}\r\n\r\n{body}\r\n")
        .into_bytes()
}

/// A desk with a ticket of Tom's, its receipt sent already.
pub(super) async fn desk() -> (ServedDesk, Browser, String) {
    let desk = ServedDesk::new().await;
    let anna = desk.agent("Anna Verdi", Role::Admin).await;
    let ticket = desk.receive(&mail("Tom Hill <tom@example.com>", "1@example.com", "Order 55", "Where is my order?")).await.ticket;
    desk.drain().await;
    (desk, anna, format!("/tickets/{}", ticket.expect("a ticket")))
}

/// Sends what the composer of this page holds, with other words.
pub(super) async fn answer(browser: &Browser, page: &Page, path: &str, fields: &[(&str, &str)]) -> Page {
    let mut form = Form::new().text("seen", page.attribute("[name=seen]", "value")).text("note", "0");
    for name in ["to", "cc", "bcc"] {
        if !fields.iter().any(|(known, _)| *known == name) {
            form = form.text(name, page.attribute(&format!(".composer [name={name}]"), "value"));
        }
    }
    for (name, value) in fields {
        form = form.text((*name).to_owned(), (*value).to_owned());
    }
    browser.post_files(&format!("{path}/reply"), form).await
}

pub(super) fn form(fields: &[(&str, &str)]) -> Form {
    fields.iter().fold(Form::new(), |form, (name, value)| form.text((*name).to_owned(), (*value).to_owned()))
}

#[tokio::test]
async fn everybody_is_answered_or_the_customer_alone_and_bcc_stays_between_us() {
    let (desk, anna, _) = desk().await;
    let raw = several(
        "Tom Hill <tom@example.com>",
        "9@example.com",
        "To: help@bottega.example, Carla <carla@example.com>\r\nCc: luca@example.org, HELP+x@bottega.example",
        "We three would like to know.",
    );
    let ticket = desk.receive(&raw).await.ticket.expect("a ticket");
    desk.drain().await;
    let path = format!("/tickets/{ticket}");
    let page = anna.get(&path).await.is(200);
    assert_eq!(page.attribute(".composer #to", "value"), "Tom Hill <tom@example.com>");
    assert_eq!(page.attribute(".composer #cc", "value"), "Carla <carla@example.com>, luca@example.org");
    assert!(!page.attributes("#recipients[open]", "id").is_empty(), "the list is seen where there are several");
    assert_eq!(page.texts("#people b"), ["Tom Hill", "Carla", "luca@example.org"]);
    let alone = anna.get(&page.attribute(".recipients-only a", "href")).await.is(200);
    assert_eq!((alone.attribute("#to", "value").as_str(), alone.attribute("#cc", "value").as_str()), ("Tom Hill <tom@example.com>", ""));

    let bad = answer(&anna, &page, &path, &[("body", "Soon."), ("cc", "carla@example.com, luca(at)example.org, x"), ("bcc", "chief")])
        .await
        .is(422);
    assert!(bad.text("#cc-error").contains("“luca(at)example.org”, “x” are not mail addresses"), "{}", bad.text("#cc-error"));
    assert!(bad.text("#bcc-error").contains("“chief” is not a mail address"));
    assert_eq!(bad.text("textarea[name=body]"), "Soon.");
    let own = answer(&anna, &page, &path, &[("body", "Soon."), ("cc", "help+t9@bottega.example")]).await.is(422);
    assert!(own.text(".errors").contains("is a mailbox of this desk"), "{}", own.text(".errors"));

    answer(&anna, &page, &path, &[("body", "It arrives on Monday."), ("bcc", "chief@bottega.test")]).await.is(303);
    desk.drain().await;
    let left = last(&desk);
    assert_eq!(left.to, ["tom@example.com", "carla@example.com", "luca@example.org", "chief@bottega.test"]);
    assert!(!left.head.contains("chief") && !left.head.to_lowercase().contains("bcc"), "{}", left.head);
    assert!(left.head.contains("carla@example.com") && left.head.contains("luca@example.org"));
    assert!(anna.get(&path).await.texts(".letter--out small").iter().any(|about| about.contains("bcc chief@bottega.test")));
    let link = sportello::desk::tickets::link(&desk.app, ticket);
    let theirs = desk.visitor().get(&link).await.is(200);
    assert!(theirs.body.contains("It arrives on Monday."));
    for hidden in ["chief@", "luca@", "carla@"] {
        assert!(!theirs.body.contains(hidden), "{hidden}");
    }
    let offered = anna.get("/mail/addresses.json?q=tom").await.is(200);
    assert!(offered.body.contains("tom@example.com") && offered.body.contains("Tom Hill"), "{}", offered.body);
}

#[tokio::test]
async fn whoever_joins_is_not_taken_for_the_customer() {
    let (desk, anna, path) = desk().await;
    let page = anna.get(&path).await;
    answer(&anna, &page, &path, &[("body", "It is on its way."), ("cc", "luca@example.org")]).await.is(303);
    desk.drain().await;
    let ours = last(&desk);
    let raw = several(
        "Luca Neri <luca@example.org>",
        "l1@example.org",
        &format!("To: help@bottega.example\r\nIn-Reply-To: <{}>", ours.id),
        "Between us: he never pays.",
    );
    assert_eq!(desk.receive(&raw).await.ticket.map(|id| format!("/tickets/{id}")), Some(path.clone()));
    let page = anna.get(&path).await;
    assert!(
        page.texts(".event").iter().any(|line| line.contains("Luca Neri joined by e-mail – not the customer")),
        "{:?}",
        page.texts(".event")
    );
    assert_eq!(page.texts(".letter-who .badge"), ["Not the customer"]);
    assert_eq!(page.text("#customer h2"), "Tom Hill");
    assert_eq!(page.attribute("#to", "value"), "Luca Neri <luca@example.org>");
    let warning = page.text("#left-out");
    assert!(warning.starts_with("Your answer goes to Luca Neri, not to the customer Tom Hill."), "{warning}");
    let instead = anna.get(&page.attribute("#left-out a", "href")).await.is(200);
    assert_eq!(instead.attribute("#to", "value"), "Tom Hill <tom@example.com>");
    assert!(instead.texts("#left-out").is_empty());
    let both = answer(&anna, &page, &path, &[("body", ""), ("cc", "tom@example.com")]).await.is(422);
    assert!(both.texts("#left-out").is_empty(), "they are told too");
    let only = page.attribute(".recipients-only a", "href");
    // What Luca wrote to us alone is neither on Tom's page nor quoted to him.
    let ticket = path.rsplit('/').next().and_then(|id| id.parse().ok()).expect("a number");
    let link = sportello::desk::tickets::link(&desk.app, sportello::ids::TicketId(ticket));
    assert!(!desk.visitor().get(&link).await.is(200).body.contains("never pays"));
    let alone = anna.get(&only).await;
    answer(&anna, &alone, &path, &[("body", "Dear Tom, it is here.")]).await.is(303);
    desk.drain().await;
    let left = last(&desk);
    assert_eq!(left.to, ["tom@example.com"]);
    assert!(left.text.contains("> Where is my order?") && !left.text.contains("never pays"), "{}", left.text);
    // Answering Luca alone is nothing for Tom's page.
    let page = anna.get(&path).await;
    answer(&anna, &page, &path, &[("body", "Thank you, Luca."), ("to", "luca@example.org")]).await.is(303);
    let worker_now = Ts::now().plus_seconds(60);
    assert!(worker::drain(&desk.app, worker_now).await.is_empty());
    let theirs = desk.visitor().get(&link).await.is(200);
    assert!(theirs.body.contains("Dear Tom") && !theirs.body.contains("Thank you, Luca."));
    // The second time nobody joins.
    let again = several(
        "Luca Neri <luca@example.org>",
        "l2@example.org",
        &format!("To: help@bottega.example\r\nIn-Reply-To: <{}>", ours.id),
        "And?",
    );
    desk.receive(&again).await;
    assert_eq!(desk.count("select count(*) from events where kind = 'joined'").await, 1);
}

#[tokio::test]
async fn a_forwarded_conversation_is_answered_beside_it() {
    let (desk, anna, path) = desk().await;
    let page = anna.get(&path).await;
    let note = form(&[("body", "He is a difficult one."), ("note", "1"), ("then", "note")]);
    anna.post_files(&format!("{path}/reply"), note).await.is(303);
    answer(&anna, &page, &path, &[("body", "I ask the carrier."), ("then", "send")]).await.is(303);
    desk.drain().await;

    let page = anna.get(&format!("{path}/forward")).await.is(200);
    let shown = page.text(".mail-history");
    assert!(shown.contains("Where is my order?") && shown.contains("I ask the carrier.") && !shown.contains("difficult"), "{shown}");
    let refused = anna
        .post_files(&format!("{path}/forward"), form(&[("to", "nobody"), ("subject", "Fwd: Order 55"), ("body", "See below")]))
        .await
        .is(422);
    assert!(refused.text("#to-error").contains("“nobody”"));
    assert_eq!(refused.text("textarea"), "See below");
    let file = Part::bytes(b"a,b".to_vec()).file_name("list.csv");
    let sent = form(&[("to", "Depot <depot@carrier.example>"), ("subject", "Fwd: Order 55"), ("body", "Where is it?")]).part("files", file);
    anna.post_files(&format!("{path}/forward"), sent).await.is(303);
    desk.drain().await;
    let left = last(&desk);
    assert_eq!(left.to, ["depot@carrier.example"]);
    assert!(
        left.text.starts_with("Where is it?") && left.text.contains("Where is my order?") && !left.text.contains("difficult"),
        "{}",
        left.text
    );
    assert!(left.reply_to.starts_with("help+s1-"), "{}", left.reply_to);
    assert_eq!(left.files, [("list.csv".to_owned(), String::new())]);
    assert!(!left.head.contains("1@example.com"), "a thread of its own: {}", left.head);

    // The answer lands beside the conversation, whichever way it comes back, and nobody waits for it.
    let before = desk.count("select count(*) from tickets where status = 'pending' and waiting_since is null").await;
    let reply = mail("Depot <depot@carrier.example>", "d1@carrier.example", "RE: Order 55", "In the van.");
    let back = desk.try_receive(&reply, Some("depot@carrier.example"), &[&left.reply_to]).await.expect("processed");
    assert_eq!(back.ticket.map(|id| format!("/tickets/{id}")), Some(path.clone()));
    assert!(!back.acknowledged);
    let other = several(
        "depot@carrier.example",
        "d2@carrier.example",
        "To: help@bottega.example\r\nReferences: <d1@carrier.example>",
        "Delivered.",
    );
    assert_eq!(desk.receive(&other).await.ticket, back.ticket);
    assert_eq!(desk.count("select count(*) from tickets").await, 1);
    assert_eq!(desk.count("select count(*) from tickets where status = 'pending' and waiting_since is null").await, before);
    assert_eq!(desk.receive(&other).await.outcome, sportello::channels::Outcome::Duplicate);

    let page = anna.get(&path).await;
    assert_eq!(page.texts(".side .badge--waiting"), ["New"]);
    assert!(page.text("#told-side").contains("An answer came beside #1"));
    let beat = anna.post("/presence/beat", &[]).await.is(200).body;
    assert!(
        page.attribute("#offers", "data-standing").ends_with("0/1") && beat.contains(r#""told":1"#),
        "or the screen reads itself again for ever: {beat}"
    );
    assert!(page.texts(".side .prose").iter().any(|words| words == "In the van."));
    assert!(page.texts(".thread > .letter .prose").iter().all(|words| !words.contains("In the van.")));
    let ticket = back.ticket.expect("a ticket");
    let theirs = desk.visitor().get(&sportello::desk::tickets::link(&desk.app, ticket)).await.is(200);
    assert!(!theirs.body.contains("In the van.") && !theirs.body.contains("Where is it?"));

    // It is written on, in its own thread; then an answer to the customer quotes and names the customer alone.
    let on = form(&[("to", &page.attribute(".side-composer [name=to]", "value")), ("cc", ""), ("body", "Thank you!")]);
    anna.post_files(&format!("{path}/sides/1/write"), on).await.is(303);
    desk.drain().await;
    let left = last(&desk);
    assert_eq!(left.to, ["depot@carrier.example"]);
    assert!(left.head.contains("In-Reply-To: <d2@carrier.example>") && left.text.contains("> Delivered."), "{}", left.head);
    let page = anna.get(&path).await;
    assert!(page.texts(".side .badge--waiting").is_empty());
    assert_eq!(page.attribute("#to", "value"), "Tom Hill <tom@example.com>");
    answer(&anna, &page, &path, &[("body", "It is delivered.")]).await.is(303);
    desk.drain().await;
    let left = last(&desk);
    assert_eq!(left.to, ["tom@example.com"]);
    assert!(!left.text.contains("van") && !left.head.contains("carrier"), "{}", left.text);
}

#[tokio::test]
async fn two_suppliers_are_asked_side_by_side() {
    let (desk, anna, path) = desk().await;
    for (to, subject) in [("a@one.example", "Leather?"), ("b@two.example", "Laces?")] {
        let form = form(&[("to", to), ("subject", subject), ("body", "How many have you got?")]);
        anna.post_files(&format!("{path}/sides/new"), form).await.is(303);
    }
    desk.drain().await;
    let sent: Vec<Left> = desk.sent().iter().map(read).collect();
    let [.., one, two] = sent.as_slice() else { panic!("two letters") };
    assert_ne!(one.reply_to, two.reply_to);
    assert!(one.head.contains("Subject: Leather?") && two.head.contains("Subject: Laces?"));
    let raw = mail("b@two.example", "b1@two.example", "Re: Laces?", "Forty.");
    desk.try_receive(&raw, None, &[&two.reply_to]).await.expect("processed");
    // A forged tag opens nothing: it is a new conversation.
    let forged = desk
        .try_receive(&mail("c@evil.example", "c1@evil.example", "Hi", "Let me in."), None, &["help+s1-aaaaaaaaaa@bottega.example"])
        .await;
    assert_eq!(forged.expect("processed").outcome, sportello::channels::Outcome::Created);
    let page = anna.get(&path).await;
    assert_eq!(page.texts(".side").len(), 2);
    assert!(page.texts("#side-2 .prose").contains(&"Forty.".to_owned()) && !page.text("#side-1").contains("Forty."));
    anna.post(&format!("{path}/sides/2/seen"), &[]).await.is(303);
    assert_eq!(desk.count("select count(*) from sides where unread").await, 0);
    anna.post_files("/tickets/2/sides/1/write", form(&[("to", "x@y.example"), ("body", "Hello")])).await.is(404);
}

#[tokio::test]
async fn a_new_mail_becomes_a_ticket_that_waits_for_its_answer() {
    let (desk, anna, _) = desk().await;
    let page = anna.get("/mail/new?contact=1").await.is(200);
    assert_eq!(page.attribute("#to", "value"), "Tom Hill <tom@example.com>");
    let mailbox = page.attribute("[name=mailbox]", "value");
    let file = Part::bytes(b"%PDF-1.4".to_vec()).file_name("offer.pdf");
    let refused = anna
        .post_files(
            "/mail/new",
            form(&[("mailbox", &mailbox), ("to", "kurt@example.de"), ("subject", " "), ("body", "")]).part("files", file),
        )
        .await
        .is(422);
    assert!(refused.text("#subject-error").contains("Enter a subject"));
    let kept = refused.attribute("[name=upload]", "value");
    let fields = [
        ("mailbox", mailbox.as_str()),
        ("to", "Kurt <kurt@example.de>"),
        ("cc", "ina@example.de"),
        ("subject", "Ihre Reparatur"),
        ("body", "Guten Tag, Ihre Stiefel sind fertig und können abgeholt werden. Viele Grüße"),
        ("upload", &kept),
    ];
    let sent = anna.post_files("/mail/new", form(&fields)).await.is(303);
    let path = sent.location.expect("the ticket");
    assert!(sent.headers.get("set-cookie").is_some());
    desk.drain().await;
    let left = last(&desk);
    assert_eq!(left.to, ["kurt@example.de", "ina@example.de"]);
    assert!(left.head.contains("Subject: Ihre Reparatur") && !left.head.contains("In-Reply-To"), "{}", left.head);
    assert_eq!(left.files, [("offer.pdf".to_owned(), String::new())]);
    let page = anna.get(&path).await.is(200);
    assert_eq!(page.text(".prop--pending select option[selected]"), "Pending");
    assert_eq!(page.text("#customer h2"), "Kurt");
    let back = several("kurt@example.de", "k1@example.de", &format!("To: help@bottega.example\r\nIn-Reply-To: <{}>", left.id), "Danke!");
    assert_eq!(desk.receive(&back).await.ticket.map(|id| format!("/tickets/{id}")), Some(path.clone()));
    assert_eq!(anna.get(&path).await.text(".prop--open select option[selected]"), "Open");
    assert_eq!(desk.count("select count(*) from uploads").await, 0);
}

#[tokio::test]
async fn a_reply_for_later_leaves_then_unless_its_customer_writes_first() {
    let (desk, anna, path) = desk().await;
    let sent = desk.sent().len();
    let page = anna.get(&path).await;
    let bad = answer(&anna, &page, &path, &[("body", "Later."), ("later", "at"), ("later_at", "2020-01-01T09:00")]).await.is(422);
    assert!(bad.text(".errors").contains("in the future") && bad.text("textarea[name=body]") == "Later.");
    let planned = answer(&anna, &page, &path, &[("body", "Good morning, Tom!"), ("later", "tomorrow")]).await.is(303);
    assert!(planned.told().contains("leaves") && planned.told().contains("09:00"), "{}", planned.told());
    desk.drain().await;
    assert_eq!(desk.sent().len(), sent, "not before its time");
    let page = anna.get(&path).await;
    assert!(page.text(".letter--planned").contains("Good morning, Tom!"));
    assert_eq!(page.text("textarea[name=body]"), "");
    let link = sportello::desk::tickets::link(&desk.app, sportello::ids::TicketId(1));
    assert!(!desk.visitor().get(&link).await.body.contains("Good morning"));

    // Taken back, planned again, moved, and then its customer writes.
    let action = |name: &str, page: &Page| page.attribute(&format!(".letter--planned form[action$='{name}']"), "action");
    anna.post(&action("back", &page), &[]).await.is(303);
    let page = anna.get(&path).await;
    assert_eq!(page.text("textarea[name=body]"), "Good morning, Tom!");
    answer(&anna, &page, &path, &[("body", "Good morning, Tom!"), ("later", "hour")]).await.is(303);
    let page = anna.get(&path).await;
    anna.post(&action("time", &page), &[("later", "monday")]).await.is(303);
    desk.receive(&several(
        "Tom Hill <tom@example.com>",
        "2@example.com",
        "In-Reply-To: <1@example.com>\r\nTo: help@bottega.example",
        "It is here!",
    ))
    .await;
    assert!(worker::drain(&desk.app, Ts::now().plus_seconds(30 * 86_400)).await.is_empty());
    assert_eq!(desk.sent().len(), sent);
    let page = anna.get(&path).await;
    assert!(page.text(".letter--planned").contains("A new message came before it was sent."), "{}", page.text(".letter--planned"));

    anna.post(&action("now", &page), &[]).await.is(303);
    desk.drain().await;
    let left = last(&desk);
    assert!(left.text.starts_with("Good morning, Tom!") && left.head.contains("In-Reply-To: <2@example.com>"), "{}", left.head);
    assert_eq!(desk.count("select count(*) from planned_replies").await, 0);
    // By itself, when its time comes.
    let page = anna.get(&path).await;
    answer(&anna, &page, &path, &[("body", "One more thing."), ("later", "hour"), ("bcc", "chief@bottega.test")]).await.is(303);
    assert!(worker::drain(&desk.app, Ts::now().plus_seconds(3700)).await.is_empty());
    let left = last(&desk);
    assert!(left.text.starts_with("One more thing.") && left.to.contains(&"chief@bottega.test".to_owned()));
}

#[tokio::test]
async fn what_failed_is_sent_again_to_the_right_address() {
    let (desk, anna, path) = desk().await;
    let sink = Sink::start(Mood::Refuse).await;
    let settings = serde_json::json!({"smtp": {"host": "127.0.0.1", "port": sink.address.port(), "security": "plain"}});
    sqlx::query("update channels set settings = $1").bind(settings).execute(&desk.app.db).await.expect("a database");
    let page = anna.get(&path).await;
    answer(&anna, &page, &path, &[("body", "It is here."), ("to", "tmo@example.com")]).await.is(303);
    assert_eq!(worker::drain(&desk.app, Ts::now().plus_seconds(60)).await.len(), 1);
    let page = anna.get(&path).await;
    assert!(page.text(".delivery--failed").contains("No such user here"));
    let edit = page.attribute(".delivery-box a", "href");
    let page = anna.get(&edit).await.is(200);
    assert_eq!((page.attribute("#to", "value").as_str(), page.text("textarea").as_str()), ("tmo@example.com", "It is here."));
    sink.set(Mood::Accept);
    anna.post_files(&edit, form(&[("to", "t o m"), ("body", "It is here.")])).await.is(422);
    anna.post_files(&edit, form(&[("to", "tom@example.com"), ("cc", ""), ("bcc", ""), ("body", "It is here, Tom.")])).await.is(303);
    desk.drain().await;
    let mails = sink.mails();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].contains("To: tom@example.com") && mails[0].contains("It is here, Tom."), "{}", mails[0]);
    assert!(anna.get(&path).await.text(".delivery--sent").starts_with("Sent"));
    anna.get(&edit).await.is(400);
}

#[tokio::test]
async fn signatures_follow_the_language_and_are_not_part_of_the_words() {
    let (desk, anna, path) = desk().await;
    let german = "Anna, die Frau mit den Stiefeln";
    anna.post("/profile/signatures", &[("signature-de", german), ("signature-", "{{agent.name}}")]).await.is(303);
    let mailbox = anna.get("/settings/letters").await.is(200).attribute("form[action^='/settings/letters/']", "action");
    anna.post(&mailbox, &[("signature-de", "{{shop.name}} · Hauptstraße 1"), ("signature-", "{{shop.name}} · Main Street 1")])
        .await
        .is(303);
    anna.post(&mailbox, &[("signature-de", &"x".repeat(1001))]).await.is(422);
    let page = anna.get(&path).await;
    assert!(page.text(".composer-signature .prose").contains("Anna Verdi My shop · Main Street 1"), "{}", page.text(".composer-signature"));
    answer(&anna, &page, &path, &[("body", "It will arrive on Monday, as far as we know.")]).await.is(303);
    desk.drain().await;
    let left = last(&desk);
    let end = "as far as we know.\n\nAnna Verdi\nMy shop · Main Street 1\n\nOn ";
    assert!(left.text.replace('\r', "").contains(end), "{}", left.text);
    assert_eq!(left.html.matches("Main Street 1").count(), 1);
    assert_eq!(desk.count("select count(*) from messages where body like '%Main Street%'").await, 0);
    let page = anna.get(&path).await;
    answer(&anna, &page, &path, &[("body", "Guten Tag, das Paket kommt am Montag bei Ihnen an, soweit wir wissen. Viele Grüße")])
        .await
        .is(303);
    desk.drain().await;
    assert!(
        last(&desk).text.replace('\r', "").contains(&format!("Viele Grüße\n\n{german}\nMy shop · Hauptstraße 1\n")),
        "{}",
        last(&desk).text
    );
    assert!(anna.get("/profile").await.texts("#signatures textarea").contains(&german.to_owned()));
}

#[tokio::test]
async fn a_pasted_picture_stands_in_the_letter() {
    let (desk, anna, path) = desk().await;
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89".to_vec();
    let part = |name: &'static str| Part::bytes(png.clone()).file_name(name);
    let uploaded = anna.post_files(&format!("{path}/uploads"), Form::new().part("file", part("seam.png"))).await.is(200);
    let mark = serde_json::from_str::<serde_json::Value>(&uploaded.body).expect("JSON")["mark"].as_str().expect("a mark").to_owned();
    anna.post_files(&format!("{path}/uploads"), Form::new().part("file", part("other.png"))).await.is(200);
    let page = anna.get(&path).await;
    answer(&anna, &page, &path, &[("body", &format!("Look:\n{mark}\nAll good."))]).await.is(303);
    let page = anna.get(&path).await;
    assert_eq!(page.attributes(".letter--out .prose img", "alt"), ["seam.png"]);
    assert_eq!(page.attributes(".letter--out .pictures img", "alt"), ["other.png"]);
    assert!(page.texts(".letter-excerpt").iter().any(|line| line.contains("Look: [seam.png] All good.")));
    desk.drain().await;
    let left = last(&desk);
    assert!(left.text.contains("[seam.png]") && !left.text.contains("cid:"), "{}", left.text);
    let (_, id) = left.files.iter().find(|(name, _)| name == "seam.png").expect("the picture");
    assert!(left.html.contains(&format!("src=\"cid:{id}\"")), "{}", left.html);
    assert_eq!(left.files.iter().filter(|(name, _)| name == "other.png").count(), 1);
    let raw = String::from_utf8_lossy(&desk.sent().last().expect("a mail").raw).into_owned();
    assert!(raw.contains("multipart/related") && raw.contains("multipart/mixed"), "{raw}");
}

#[tokio::test]
async fn what_is_too_large_goes_as_a_link_that_can_be_taken_back() {
    let (desk, anna, path) = desk().await;
    anna.post("/settings/letters/limit", &[("limit", "0")]).await.is(422);
    anna.post("/settings/letters/limit", &[("limit", "1")]).await.is(303);
    for (name, size) in [("film.mov", 1_500_000), ("note.txt", 20)] {
        let part = Part::bytes(vec![b'x'; size]).file_name(name);
        anna.post_files(&format!("{path}/uploads"), Form::new().part("file", part)).await.is(200);
    }
    let page = anna.get(&path).await;
    answer(&anna, &page, &path, &[("body", "Both files for you, as promised in our conversation.")]).await.is(303);
    desk.drain().await;
    let left = last(&desk);
    assert_eq!(left.files.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["note.txt"]);
    let link = left.text.split_whitespace().find(|word| word.contains("/d/")).expect("a link").to_owned();
    assert!(left.html.contains(&link) && left.text.contains("film.mov (1.5 MB)"), "{}", left.text);
    let stranger = desk.visitor();
    let page = stranger.get(&link).await.is(200);
    assert_eq!(page.text("h1"), "File to download");
    let file = stranger.post(&page.attribute("main form", "action"), &[]).await.is(200);
    assert_eq!(file.body.len(), 1_500_000);
    assert!(file.headers["content-disposition"].to_str().expect("text").starts_with("attachment"));
    stranger.get(&format!("{}_", &link[..link.len() - 1])).await.is(404);
    let page = anna.get(&path).await;
    assert!(page.text(".file--linked").contains("fetched once"), "{}", page.text(".file--linked"));
    anna.post(&page.attribute(".file--linked form", "action"), &[]).await.is(303);
    let gone = stranger.get(&link).await.is(410);
    assert!(gone.text("main").contains("ask us for the file again"));
    sqlx::query("update file_links set revoked_at = null, expires_at = now()").execute(&desk.app.db).await.expect("a database");
    stranger.get(&link).await.is(410);
}

#[tokio::test]
async fn the_face_of_whoever_answers_is_in_the_letter() {
    let (desk, anna, path) = desk().await;
    let mut png = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_pixel(64, 64, image::Rgb([200, 90, 40])).write_to(&mut png, image::ImageFormat::Png).expect("a picture");
    let part = Part::bytes(png.into_inner()).file_name("me.png");
    anna.post_files("/profile/photo", Form::new().part("photo", part)).await.is(303);
    let page = anna.get(&path).await;
    answer(&anna, &page, &path, &[("body", "Hello from me.")]).await.is(303);
    desk.drain().await;
    let left = last(&desk);
    let (_, id) = left.files.iter().find(|(name, _)| name == "face.jpg").expect("the face");
    assert!(left.html.contains(&format!("src=\"cid:{id}\"")) && left.html.contains("My shop"), "{}", left.html);
    assert!(left.html.contains("gmail_quote"));
}
