//! Who reads what, where several write; what is sent again; what waits; and what leaves the desk with a letter that is passed on.

use reqwest::multipart::{Form, Part};
use sportello::channels::Outcome;
use sportello::clock::Ts;
use sportello::desk::kinds::Role;
use sportello::ids::{MessageId, TicketId};
use sportello::worker;

use super::writing::{Left, answer, desk, form, last, read, several};
use crate::screens::inbox::mail;
use crate::support::chats::Floor;
use crate::support::served::{Page, ServedDesk};

/// Luca joins Tom's conversation, and writes to nobody but us.
async fn luca_joins(desk: &ServedDesk, id: &str, words: &str) {
    let extra = "To: help@bottega.example\r\nIn-Reply-To: <1@example.com>";
    let received = desk.receive(&several("Luca Neri <luca@example.org>", id, extra, words)).await;
    assert_eq!(received.outcome, Outcome::Appended);
}

/// The customer's own page of the first ticket.
async fn theirs(desk: &ServedDesk) -> Page {
    desk.visitor().get(&sportello::desk::tickets::link(&desk.app, TicketId(1))).await.is(200)
}

/// The newest message of the desk's.
async fn newest(desk: &ServedDesk) -> MessageId {
    MessageId(desk.count("select max(id) from messages").await)
}

/// A delivery notice about one recipient of a letter.
fn notice(id: &str, own: &str, recipient: &str) -> Vec<u8> {
    format!(
        "From: MAILER-DAEMON@mx.example\r\nTo: help@bottega.example\r\nSubject: Undelivered\r\nMessage-ID: <{own}@mx.example>\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n\
         --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; {recipient}\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 User unknown\r\n\r\n\
         --b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{id}>\r\n\r\n--b--\r\n"
    )
    .into_bytes()
}

#[tokio::test]
async fn a_receipt_goes_to_the_customer_though_somebody_else_wrote_last() {
    let desk = ServedDesk::new().await;
    desk.receive(&mail("Tom Hill <tom@example.com>", "1@example.com", "Order 55", "Where is my order?")).await;
    luca_joins(&desk, "l1@example.org", "I am his neighbour.").await;
    desk.drain().await;
    let sent: Vec<Left> = desk.sent().iter().map(read).collect();
    assert_eq!(sent.iter().map(|left| left.to.clone()).collect::<Vec<_>>(), [["tom@example.com"]]);
}

#[tokio::test]
async fn what_the_customer_says_on_their_page_is_answered_to_them() {
    let (desk, anna, path) = desk().await;
    luca_joins(&desk, "l1@example.org", "Between us: he never pays.").await;
    let page = theirs(&desk).await;
    let fields = [
        ("form", page.attribute("input[name=form]", "value")),
        ("stamp", page.attribute("input[name=stamp]", "value")),
        ("message", "Any news?".to_owned()),
    ];
    let said = fields.into_iter().fold(Form::new(), |form, (name, value)| form.text(name, value));
    desk.visitor().post_files(&sportello::desk::tickets::link(&desk.app, TicketId(1)), said).await.is(303);
    let page = anna.get(&path).await;
    assert_eq!(page.attribute(".composer #to", "value"), "Tom Hill <tom@example.com>");
    assert!(page.texts("#left-out").is_empty());
    answer(&anna, &page, &path, &[("body", "It leaves today.")]).await.is(303);
    desk.drain().await;
    let left = last(&desk);
    assert_eq!(left.to, ["tom@example.com"]);
    assert!(left.text.contains("> Any news?"), "{}", left.text);
}

#[tokio::test]
async fn a_customers_page_shows_their_own_letters_and_none_to_others() {
    let (desk, anna, path) = desk().await;
    // To a courier whom nobody on the desk knows.
    let page = anna.get(&path).await;
    answer(&anna, &page, &path, &[("body", "Courier: he is not at home before six."), ("to", "depot@carrier.example")]).await.is(303);
    desk.drain().await;
    assert!(!theirs(&desk).await.body.contains("not at home"));
    // By themselves, with a tag of their own.
    let extra = "To: help@bottega.example\r\nIn-Reply-To: <1@example.com>";
    desk.receive(&several("Tom Hill <tom+shop@example.com>", "t2@example.com", extra, "Sent from my tagged address.")).await;
    assert!(theirs(&desk).await.body.contains("Sent from my tagged address."));
    assert!(anna.get(&path).await.texts(".letter-who .badge").is_empty(), "it is the customer");
    // From an address that turns out to be theirs.
    desk.receive(&several("T. Hill <hill@work.example>", "w1@work.example", extra, "I write from work.")).await;
    assert!(!theirs(&desk).await.body.contains("I write from work."));
    let other = desk.count("select contact_id from identities where address = 'hill@work.example'").await;
    let customer = desk.count("select contact_id from tickets where id = 1").await;
    anna.post(&format!("/customers/{customer}/merge"), &[("other", &other.to_string())]).await.is(303);
    assert!(theirs(&desk).await.body.contains("I write from work."));
    let page = anna.get(&path).await;
    assert!(page.texts(".letter-who .badge").is_empty(), "{:?}", page.texts(".letter-who .badge"));
    // Where they asked to be answered is theirs too.
    let asked = format!("{extra}\r\nReply-To: tom@holiday.example");
    desk.receive(&several("Tom Hill <tom@example.com>", "t3@example.com", &asked, "Answer me there, please.")).await;
    let page = anna.get(&path).await;
    answer(&anna, &page, &path, &[("body", "Enjoy the sun.")]).await.is(303);
    desk.drain().await;
    assert_eq!(last(&desk).to, ["tom@holiday.example"]);
    assert!(theirs(&desk).await.body.contains("Enjoy the sun."));
}

#[tokio::test]
async fn nobody_is_quoted_to_whom_they_did_not_write() {
    let (desk, anna, path) = desk().await;
    luca_joins(&desk, "l1@example.org", "Between us: he never pays.").await;
    let page = anna.get(&path).await;
    answer(&anna, &page, &path, &[("body", "Dear both."), ("to", "tom@example.com"), ("cc", "luca@example.org")]).await.is(303);
    desk.drain().await;
    let left = last(&desk);
    assert_eq!(left.to, ["tom@example.com", "luca@example.org"]);
    assert!(!left.text.contains("never pays") && !left.html.contains("never pays"), "{}", left.text);
    // Nor in secret, nor the customer to somebody else.
    let page = anna.get(&path).await;
    answer(&anna, &page, &path, &[("body", "Dear Luca."), ("to", "luca@example.org"), ("bcc", "chief@bottega.test")]).await.is(303);
    desk.drain().await;
    assert!(!last(&desk).text.contains("never pays") && !last(&desk).text.contains("Where is my order"), "{}", last(&desk).text);
    let page = anna.get(&path).await;
    answer(&anna, &page, &path, &[("body", "Where is 55?"), ("to", "depot@carrier.example")]).await.is(303);
    desk.drain().await;
    assert!(!last(&desk).text.contains("Where is my order"), "{}", last(&desk).text);
    // To Luca alone his own words may go back.
    let page = anna.get(&path).await;
    answer(&anna, &page, &path, &[("body", "Thank you."), ("to", "luca@example.org")]).await.is(303);
    desk.drain().await;
    assert!(last(&desk).text.contains("> Between us: he never pays."), "{}", last(&desk).text);
}

#[tokio::test]
async fn what_reached_somebody_is_sent_again_as_a_letter_of_its_own() {
    let (desk, anna, path) = desk().await;
    let file = Part::bytes(b"a,b".to_vec()).file_name("list.csv");
    anna.post_files(&format!("{path}/uploads"), Form::new().part("file", file)).await.is(200);
    let page = anna.get(&path).await;
    answer(&anna, &page, &path, &[("body", "It is here."), ("cc", "luca@example.org")]).await.is(303);
    desk.drain().await;
    let first = last(&desk);
    let message = newest(&desk).await;
    desk.receive(&notice(&first.id, "b1", "luca@example.org")).await;
    let edit = format!("{path}/messages/{message}/edit");
    let page = anna.get(&edit).await.is(200);
    assert_eq!((page.attribute("#to", "value").as_str(), page.attribute("#cc", "value").as_str()), ("luca@example.org", ""));
    let again = form(&[("to", "luca@right.example"), ("cc", ""), ("bcc", ""), ("body", "It is here, Luca.")]);
    let sent = anna.post_files(&edit, again).await.is(303);
    assert!(sent.told().contains("a letter of its own"), "{}", sent.told());
    desk.drain().await;
    let left = last(&desk);
    assert_eq!(left.to, ["luca@right.example"]);
    assert!(left.text.starts_with("It is here, Luca.") && left.id != first.id, "{}", left.head);
    assert_eq!(left.files, [("list.csv".to_owned(), String::new())]);
    assert_eq!(desk.message(message).await.body, "It is here.", "what Tom has read stays what it was");
    assert_eq!(anna.get(&path).await.texts(".letter--out .file-name").len(), 2);
}

#[tokio::test]
async fn a_letter_that_was_changed_is_found_by_its_new_words() {
    let (desk, anna, path) = desk().await;
    let page = anna.get(&path).await;
    answer(&anna, &page, &path, &[("body", "Your xylophone is here."), ("to", "tmo@example.com")]).await.is(303);
    let message = newest(&desk).await;
    let fail = "update messages set delivery = 'failed', delivery_error = 'No such user' where id = (select max(id) from messages)";
    sqlx::query(fail).execute(&desk.app.db).await.expect("a database");
    let found = async |word: &str| anna.visit(&format!("/search?q={word}")).await.is(200).texts(".list .row-subject").len();
    assert_eq!((found("xylophone").await, found("marimba").await), (1, 0));
    let again = form(&[("to", "tom@example.com"), ("cc", ""), ("bcc", ""), ("body", "Your marimba is here.")]);
    anna.post_files(&format!("{path}/messages/{message}/edit"), again).await.is(303);
    assert_eq!((found("xylophone").await, found("marimba").await), (0, 1));
    desk.drain().await;
    assert_eq!(last(&desk).to, ["tom@example.com"]);
    assert_eq!(newest(&desk).await, message, "nobody had it: it is the same letter");
}

#[tokio::test]
async fn a_side_letter_that_bounces_says_so_beside_the_conversation() {
    let (desk, anna, path) = desk().await;
    sqlx::query("update tickets set status = 'solved', solved_at = now()").execute(&desk.app.db).await.expect("a database");
    anna.post_files(&format!("{path}/sides/new"), form(&[("to", "a@one.example"), ("subject", "Leather?"), ("body", "How many?")]))
        .await
        .is(303);
    desk.drain().await;
    let (letter, message) = (last(&desk), newest(&desk).await);
    let tag = sportello::desk::tickets::bounce_tag(&desk.app.keys, message);
    let bounce = notice(&letter.id, "b1", "a@one.example");
    let came = desk.try_receive(&bounce, Some(""), &[&format!("help+{tag}@bottega.example")]).await.expect("processed");
    assert_eq!((came.outcome, came.ticket), (Outcome::Appended, Some(TicketId(1))));
    let reason = desk.message(message).await.delivery_error.expect("a reason");
    assert!(reason.contains("a@one.example: this address does not exist."), "{reason}");
    let page = anna.get(&path).await;
    assert!(page.text(".side .delivery--failed").contains("User unknown"), "{}", page.text(".side"));
    assert_eq!(page.texts(".side .badge--waiting"), ["New"]);
    assert_eq!(page.attribute(".side-composer [name=to]", "value"), "a@one.example", "a mail system is not answered");
    assert_eq!(desk.count("select count(*) from tickets where status = 'solved'").await, 1, "nobody waits for it");
    assert!(!theirs(&desk).await.body.contains("Undelivered"));
    // By its id alone, and twice.
    assert_eq!(desk.receive(&notice(&letter.id, "b2", "a@one.example")).await.outcome, Outcome::Duplicate);
    // It had left: another goes, within the same conversation.
    let again = form(&[("to", "b@one.example"), ("cc", ""), ("bcc", ""), ("body", "How many?")]);
    anna.post_files(&format!("{path}/messages/{message}/edit"), again).await.is(303);
    desk.drain().await;
    assert_eq!((last(&desk).to, last(&desk).reply_to), (vec!["b@one.example".to_owned()], letter.reply_to));
    assert!(anna.get(&path).await.texts(".side .badge--waiting").is_empty());
}

#[tokio::test]
async fn the_last_of_many_planned_letters_leaves_too() {
    let (desk, anna, path) = desk().await;
    let page = anna.get(&path).await;
    for at in 1..=120 {
        sqlx::query(
            "insert into planned_replies (ticket_id, agent_id, reply, send_at)
             values (1, (select min(id) from agents), jsonb_build_object('body', 'Letter ' || $1), now() + interval '2 days')",
        )
        .bind(at.to_string())
        .execute(&desk.app.db)
        .await
        .expect("a database");
    }
    answer(&anna, &page, &path, &[("body", "The last one."), ("later", "hour")]).await.is(303);
    assert!(worker::drain(&desk.app, Ts::now().plus_seconds(3700)).await.is_empty());
    assert!(last(&desk).text.starts_with("The last one."), "{}", last(&desk).text);
    // And one that is not shown is taken back all the same.
    let furthest = desk.count("select max(id) from planned_replies").await;
    anna.post(&format!("{path}/planned/{furthest}/back"), &[]).await.is(303);
    assert_eq!(anna.get(&path).await.text("textarea[name=body]"), "Letter 120");
}

#[tokio::test]
async fn a_side_conversation_of_many_letters_hides_no_other() {
    let (desk, anna, path) = desk().await;
    for subject in ["Leather?", "Laces?"] {
        let letter = form(&[("to", "a@one.example"), ("subject", subject), ("body", "How many?")]);
        anna.post_files(&format!("{path}/sides/new"), letter).await.is(303);
    }
    let many = "insert into messages (ticket_id, channel_id, direction, body, side_id)
                select ticket_id, channel_id, 'note', 'Number ' || n, 2 from messages, generate_series(1, 600) n where side_id = 2";
    sqlx::query(many).execute(&desk.app.db).await.expect("a database");
    let page = anna.get(&path).await.is(200);
    assert_eq!(page.texts("#side-1 .prose"), ["How many?"]);
    assert!(page.texts("#side-2 .prose").contains(&"Number 600".to_owned()), "the newest are shown");
}

#[tokio::test]
async fn what_is_taken_back_keeps_its_words_and_its_recipients() {
    let (desk, anna, path) = desk().await;
    let page = anna.get(&path).await;
    let fields = [("body", "Dear Tom."), ("cc", "luca@example.org"), ("bcc", "chief@bottega.test")];
    answer(&anna, &page, &path, &fields).await.is(303);
    let message = newest(&desk).await;
    anna.post(&format!("{path}/draft"), &[("body", "Something new."), ("note", "0")]).await.is(204);
    anna.post(&format!("{path}/messages/{message}/undo"), &[]).await.is(303);
    let lines = |page: &Page| ["to", "cc", "bcc"].map(|name| page.attribute(&format!(".composer #{name}"), "value"));
    let page = anna.get(&path).await;
    assert_eq!(page.text("textarea[name=body]"), "Dear Tom. Something new.", "nothing typed meanwhile is lost");
    assert_eq!(lines(&page), ["Tom Hill <tom@example.com>", "luca@example.org", "chief@bottega.test"]);
    // The same for a letter that waits.
    answer(&anna, &page, &path, &[("body", "Tomorrow."), ("later", "tomorrow"), ("to", "luca@example.org"), ("cc", "")]).await.is(303);
    let page = anna.get(&path).await;
    assert_eq!(lines(&page), ["Tom Hill <tom@example.com>", "", ""]);
    anna.post(&page.attribute(".letter--planned form[action$='back']", "action"), &[]).await.is(303);
    let page = anna.get(&path).await;
    assert_eq!(lines(&page), ["luca@example.org", "", "chief@bottega.test"]);
    let alone = anna.get(&format!("{path}?only=customer")).await;
    assert_eq!(lines(&alone), ["Tom Hill <tom@example.com>", "", ""]);
}

#[tokio::test]
async fn only_who_wrote_a_reply_takes_it_back() {
    let (desk, anna, path) = desk().await;
    let bea = desk.agent("Bea", Role::Agent).await;
    let page = bea.get(&path).await;
    answer(&bea, &page, &path, &[("body", "In Bea's words."), ("later", "tomorrow")]).await.is(303);
    let page = anna.get(&path).await;
    let sent = anna.post(&page.attribute(".letter--planned form[action$='now']", "action"), &[]).await.is(303);
    assert!(sent.told().contains("on its way") && !sent.offers_undo(), "what Bea wrote is not Anna's to take back");
    let undo = format!("{path}/messages/{}/undo", newest(&desk).await);
    assert!(anna.post(&undo, &[]).await.is(400).body.contains("Somebody else wrote this reply"));
    assert!(bea.post(&undo, &[]).await.is(303).told().contains("Taken back"));
    assert_eq!(bea.get(&path).await.text("textarea[name=body]"), "In Bea's words.");
}

#[tokio::test]
async fn words_that_are_too_long_are_refused_wherever_they_are_cut() {
    let (_desk, anna, _) = desk().await;
    let mailbox = anna.get("/mail/new").await.is(200).attribute("[name=mailbox]", "value");
    let body = format!("x{}", "é".repeat(100_000));
    let fields = [("mailbox", &*mailbox), ("to", "kurt@example.de"), ("subject", "Long"), ("body", &*body)];
    assert!(anna.post_files("/mail/new", form(&fields)).await.is(422).text("#body-error").contains("longer than"));
}

#[tokio::test]
async fn in_a_live_chat_nothing_is_said_later() {
    let floor = Floor::new().await;
    let anna = floor.hand("Anna Verdi", Role::Agent).await;
    let elena = floor.visit("Elena Sartori", "Is the boot there in 38?").await;
    anna.screen.post(&format!("/chats/{}/accept", elena.ticket), &[]).await.is(303);
    let path = format!("/tickets/{}", elena.ticket);
    let page = anna.screen.get(&path).await.is(200);
    assert!(page.texts("#send-later").is_empty());
    let said = form(&[("note", "0"), ("seen", &i64::MAX.to_string()), ("body", "Yes, it is."), ("later", "hour")]);
    let page = anna.screen.post_files(&format!("{path}/reply"), said).await.is(422);
    assert!(page.text(".errors").contains("everything is said at once"), "{}", page.text(".errors"));
    assert_eq!(page.text("textarea[name=body]"), "Yes, it is.");
    assert_eq!(floor.count("select count(*) from messages where direction = 'outbound' and not automatic").await, 0);
}

#[tokio::test]
async fn only_what_was_said_and_seen_is_passed_on() {
    let (desk, anna, path) = desk().await;
    anna.post("/settings/letters/limit", &[("limit", "1")]).await.is(303);
    for (name, size) in [("film.mov", 1_500_000), ("note.txt", 20)] {
        let part = Part::bytes(vec![b'x'; size]).file_name(name);
        anna.post_files(&format!("{path}/uploads"), Form::new().part("file", part)).await.is(200);
    }
    let page = anna.get(&path).await;
    answer(&anna, &page, &path, &[("body", "Both files for you, as promised.")]).await.is(303);
    desk.drain().await;
    let own = theirs(&desk).await.attribute("a[download='film.mov']", "href");
    desk.visitor().get(&own).await.is(200);
    let page = anna.get(&path).await;
    anna.post(&page.attribute(".file--linked form", "action"), &[]).await.is(303);
    // What a link opens no longer opens on the customer's page either.
    desk.visitor().get(&own).await.is(404);
    assert_eq!(theirs(&desk).await.attributes("a[download]", "download"), ["note.txt"]);

    // A note with a file, an answer that has not left, one that failed.
    let secret = form(&[("body", "He is a difficult one."), ("note", "1"), ("then", "note")]);
    anna.post_files(&format!("{path}/reply"), secret.part("files", Part::bytes(b"x".to_vec()).file_name("secret.txt"))).await.is(303);
    let page = anna.get(&path).await;
    answer(&anna, &page, &path, &[("body", "I take this back at once.")]).await.is(303);
    let page = anna.get(&format!("{path}/forward")).await.is(200);
    let shown = page.text(".mail-history");
    assert!(shown.contains("Where is my order?") && shown.contains("Both files for you"), "{shown}");
    assert!(!shown.contains("difficult") && !shown.contains("take this back"), "{shown}");
    assert_eq!(page.attributes("[name=attach]", "value").len(), 1, "{}", page.text("form"));
    assert!(page.text("fieldset").contains("note.txt") && !page.text("fieldset").contains("secret.txt"));
    for (message, words) in [("2", "automatic"), ("4", "note"), ("5", "unsent")] {
        let one = anna.get(&format!("{path}/forward?message={message}")).await.is(200);
        assert!(one.texts(".mail-history").is_empty(), "{words}: {:?}", one.texts(".mail-history"));
    }
    // What comes while the page is open is not passed on unseen.
    let mut sent = form(&[("to", "depot@carrier.example"), ("subject", "Fwd: Order 55"), ("body", "Where is it?")]);
    for seen in page.attributes("[name=seen]", "value") {
        sent = sent.text("seen", seen);
    }
    luca_joins(&desk, "l1@example.org", "Between us: he never pays.").await;
    anna.post_files(&format!("{path}/forward"), sent).await.is(303);
    desk.drain().await;
    let forwarded: Vec<Left> = desk.sent().iter().map(read).filter(|left| left.to == ["depot@carrier.example"]).collect();
    let [left] = forwarded.as_slice() else { panic!("one letter to the depot") };
    assert!(left.text.contains("Where is my order?") && !left.text.contains("never pays"), "{}", left.text);
}
