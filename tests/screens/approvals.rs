//! A public answer waits for a second person: who is asked, what they can do, and that nothing leaves around them.

use reqwest::Method;
use reqwest::multipart::Form;
use serde_json::{Value, json};
use sportello::desk::kinds::Role;
use sportello::desk::sessions;
use sportello::ids::TicketId;

use crate::support::public_desk::{PublicDesk, answer, beat, flash};
use crate::support::served::{Browser, Page};

/// An admin lets the public answers of a role wait, everywhere.
async fn require(desk: &PublicDesk, role: &str) -> Browser {
    let admin = desk.agent("Chiara", Role::Admin).await;
    let other = if role == "agent" { "lead" } else { "agent" };
    let (when, never) = (format!("{role}-when"), format!("{other}-when"));
    admin.post("/settings/approval", &[(&*when, "all"), (&*never, "never"), ("mail", "15")]).await.is(303);
    admin
}

/// The number of the only answer that waits.
async fn waiting(desk: &PublicDesk) -> i64 {
    sqlx::query_scalar("select id from approvals where state = 'waiting'").fetch_one(&desk.app.db).await.expect("one waits")
}

async fn stamp(lead: &Browser, id: i64) -> String {
    lead.get(&format!("/approvals/{id}")).await.is(200).attribute("[name=seen]", "value")
}

fn text_of(page: &Page, header: &str) -> String {
    page.headers[header].to_str().expect("text").to_owned()
}

/// Answers one message of several.
async fn answer_to(agent: &Browser, ticket: TicketId, body: &str, message: i64) -> Page {
    let form = Form::new().text("note", "0").text("body", body.to_owned()).text("then", "send").text("answers", message.to_string());
    agent.post_files(&format!("/tickets/{ticket}/reply"), form).await
}

async fn comment(desk: &PublicDesk) -> TicketId {
    desk.comment("add", "5500_6600", "Aperti domenica?").await
}

/// Giulia's “Sì” waits, and Marta and Luca may both decide; its number, and its stamp as Marta has seen it.
async fn disputed() -> (PublicDesk, Browser, Browser, i64, String) {
    let desk = PublicDesk::new().await;
    require(&desk, "agent").await;
    let ticket = comment(&desk).await;
    let giulia = desk.agent("Giulia", Role::Agent).await;
    let (marta, luca) = (desk.agent("Marta", Role::Lead).await, desk.agent("Luca", Role::Lead).await);
    answer(&giulia, ticket, "Sì", "", "send").await.is(303);
    let id = waiting(&desk).await;
    let seen = stamp(&marta, id).await;
    (desk, marta, luca, id, seen)
}

#[tokio::test]
async fn an_answer_waits_and_leaves_in_the_words_of_whoever_approves_it() {
    let desk = PublicDesk::new().await;
    require(&desk, "agent").await;
    let ticket = comment(&desk).await;
    let (giulia, marta) = (desk.agent("Giulia", Role::Agent).await, desk.agent("Marta", Role::Lead).await);
    let page = answer(&giulia, ticket, "Si dalle 8", "", "solve").await.is(303);
    assert!(flash(&giulia, page).await.contains("Not sent yet"));
    desk.served.drain().await;
    assert!(desk.posted().is_empty());
    assert_eq!(desk.of_ticket(ticket, "status").await, "open", "it is solved when it is sent");
    let page = giulia.get(&format!("/tickets/{ticket}")).await.is(200);
    assert!(page.text(".letter--held").contains("Waits for approval, not sent"));
    assert_eq!(page.text("textarea[name=body]"), "");
    // Everybody who leads is told, nobody else.
    assert_eq!((beat(&marta).await["approve"].as_i64(), beat(&giulia).await["approve"].as_i64()), (Some(1), Some(0)));
    assert!(marta.get("/inbox/open").await.text(".rail-link[href='/approvals']").contains('1'));
    let id = waiting(&desk).await;
    assert!(marta.get("/approvals").await.is(200).text("tbody tr").contains("Si dalle 8"));
    let other = desk.agent("Sofia", Role::Agent).await;
    assert!(other.get("/approvals").await.is(200).texts("tbody tr").is_empty());
    other.get(&format!("/approvals/{id}")).await.is(404);
    giulia.post(&format!("/approvals/{id}/send"), &[("body", "Si dalle 8")]).await.is(403);

    let seen = stamp(&marta, id).await;
    marta.post(&format!("/approvals/{id}/save"), &[("body", "Sì, dalle 8"), ("seen", &seen)]).await.is(303);
    desk.served.drain().await;
    assert!(desk.posted().is_empty(), "kept is not sent");
    let seen = stamp(&marta, id).await;
    let page = marta.post(&format!("/approvals/{id}/send"), &[("body", "Sì, dalle 8!"), ("seen", &seen)]).await.is(303);
    assert!(flash(&marta, page).await.contains("on its way"));
    desk.served.drain().await;
    assert_eq!(desk.posted(), ["Sì, dalle 8!"]);
    assert_eq!(desk.of_ticket(ticket, "status").await, "solved");
    // Both names are in the history, and the author hears of it until they have seen it.
    let page = giulia.get(&format!("/tickets/{ticket}")).await.is(200);
    assert!(page.texts(".letter-who").iter().any(|who| who.starts_with("Giulia")));
    assert!(page.texts(".event").iter().any(|line| line.contains("Marta changed, approved and sent the public answer of Giulia")));
    assert!(page.text("#told").contains("Marta has sent your public answer"));
    giulia.post(&format!("/approvals/{id}/seen"), &[]).await.is(303);
    assert_eq!(giulia.get("/inbox/open").await.text("#told"), "");
    assert_eq!(beat(&marta).await["approve"], 0);
}

#[tokio::test]
async fn an_answer_is_returned_with_a_word_of_why() {
    let desk = PublicDesk::new().await;
    require(&desk, "agent").await;
    let ticket = comment(&desk).await;
    let (giulia, marta) = (desk.agent("Giulia", Role::Agent).await, desk.agent("Marta", Role::Lead).await);
    answer(&giulia, ticket, "No.", "", "send").await.is(303);
    let id = waiting(&desk).await;
    let page = marta.post(&format!("/approvals/{id}/return"), &[("body", "No."), ("reason", " ")]).await.is(422);
    assert!(page.text("#reason-error").contains("Say why"));
    marta.post(&format!("/approvals/{id}/return"), &[("body", "No."), ("reason", "Troppo secco")]).await.is(303);
    desk.served.drain().await;
    assert!(desk.posted().is_empty());
    let page = giulia.get(&format!("/tickets/{ticket}")).await.is(200);
    assert_eq!(page.text("textarea[name=body]"), "No.");
    assert!(page.text(".returned").contains("Marta returned your answer: Troppo secco"));
    assert!(page.text("#told").contains("Troppo secco"));
    assert!(page.texts(".event").iter().any(|line| line.contains("Marta returned the public answer to Giulia")));
    // A better one ends it.
    answer(&giulia, ticket, "No, ma lunedì sì!", "", "send").await.is(303);
    let page = giulia.get(&format!("/tickets/{ticket}")).await.is(200);
    assert!(page.texts(".returned").is_empty());
    assert_eq!(page.text("#told"), "");
    assert_eq!(page.texts(".letter--held").len(), 1);
}

#[tokio::test]
async fn its_author_takes_an_answer_back() {
    let desk = PublicDesk::new().await;
    require(&desk, "agent").await;
    let ticket = comment(&desk).await;
    let (giulia, marta) = (desk.agent("Giulia", Role::Agent).await, desk.agent("Marta", Role::Lead).await);
    answer(&giulia, ticket, "Forse", "", "send").await.is(303);
    // Sent twice by an impatient hand, it waits once.
    answer(&giulia, ticket, "Forse", "", "send").await.is(303);
    let id = waiting(&desk).await;
    let seen = stamp(&marta, id).await;
    marta.post(&format!("/approvals/{id}/withdraw"), &[]).await.is(403);
    giulia.post(&format!("/approvals/{id}/withdraw"), &[]).await.is(303);
    assert_eq!(giulia.get(&format!("/tickets/{ticket}")).await.text("textarea[name=body]"), "Forse");
    let page = marta.post(&format!("/approvals/{id}/send"), &[("body", "Forse"), ("seen", &seen)]).await.is(303);
    assert!(flash(&marta, page).await.contains("taken the answer back"));
    desk.served.drain().await;
    assert!(desk.posted().is_empty());
}

#[tokio::test]
async fn what_changed_meanwhile_is_seen_before_anything_is_sent() {
    let desk = PublicDesk::new().await;
    require(&desk, "agent").await;
    let ticket = comment(&desk).await;
    let (giulia, marta) = (desk.agent("Giulia", Role::Agent).await, desk.agent("Marta", Role::Lead).await);
    answer(&giulia, ticket, "Sì", "", "send").await.is(303);
    let id = waiting(&desk).await;
    let seen = stamp(&marta, id).await;
    desk.comment("edited", "5500_6600", "Chiusi domenica?").await;
    let page = marta.post(&format!("/approvals/{id}/send"), &[("body", "Sì, aperti"), ("seen", &seen)]).await.is(409);
    assert!(page.text(".errors").contains("Nothing was sent"));
    assert!(page.text("#since").contains("edited a message: “Chiusi domenica?”"));
    assert_eq!(page.text("#body"), "Sì, aperti", "nothing typed is lost");
    assert!(marta.get("/approvals").await.text("tbody tr").contains("The ticket changed meanwhile"));
    // Somebody else answers too, and the comment goes.
    let admin = desk.agent("Paola", Role::Admin).await;
    answer(&admin, ticket, "Domenica siamo chiusi", "", "send").await.is(303);
    desk.comment("remove", "5500_6600", "").await;
    let page = marta.get(&format!("/approvals/{id}")).await.is(200);
    assert!(page.text("#since").contains("took a message back"));
    assert!(page.text("#since").contains("Paola has answered publicly meanwhile"));
    let seen = page.attribute("[name=seen]", "value");
    marta.post(&format!("/approvals/{id}/send"), &[("body", "E lunedì aperti"), ("seen", &seen)]).await.is(303);
}

#[tokio::test]
async fn an_answer_goes_under_the_comment_that_it_was_written_for() {
    let desk = PublicDesk::new().await;
    require(&desk, "agent").await;
    let ticket = comment(&desk).await;
    desk.comment_under("5500_6600", "add", "5500_6601", "E lunedì?").await;
    let (giulia, marta) = (desk.agent("Giulia", Role::Agent).await, desk.agent("Marta", Role::Lead).await);
    let first = desk.message("5500_6600").await;
    let chosen = |page: &Page| page.attribute("#answers [name=answers]", "value");
    answer_to(&giulia, ticket, "Domenica sì", first).await.is(303);
    // Taken back or returned, it is a draft for the same comment.
    let page = giulia.post(&format!("/approvals/{}/withdraw", waiting(&desk).await), &[]).await.is(303);
    assert_eq!(chosen(&giulia.get(&page.location.expect("a page")).await.is(200)), first.to_string());
    answer_to(&giulia, ticket, "Domenica sì", first).await.is(303);
    let back = [("body", "Domenica sì"), ("reason", "Con gli orari")];
    marta.post(&format!("/approvals/{}/return", waiting(&desk).await), &back).await.is(303);
    assert_eq!(chosen(&giulia.get(&format!("/tickets/{ticket}")).await.is(200)), first.to_string());
    answer_to(&giulia, ticket, "Domenica dalle 8", first).await.is(303);
    let id = waiting(&desk).await;
    let seen = stamp(&marta, id).await;
    marta.post(&format!("/approvals/{id}/send"), &[("body", "Domenica dalle 8"), ("seen", &seen)]).await.is(303);
    desk.served.drain().await;
    let calls = desk.graph.calls();
    let under: Vec<&str> = calls.iter().map(|call| call.path.as_str()).filter(|path| path.ends_with("/comments")).collect();
    assert_eq!(under, ["/5500_6600/comments"]);
}

#[tokio::test]
async fn the_same_words_for_something_else_wait_too_with_their_files() {
    let desk = PublicDesk::new().await;
    require(&desk, "agent").await;
    let ticket = comment(&desk).await;
    desk.comment_under("5500_6600", "add", "5500_6601", "E lunedì?").await;
    sqlx::query("update channels set abilities = abilities || '{\"public_files\": true}'").execute(&desk.app.db).await.expect("a row");
    desk.app.cache.invalidate_all();
    let giulia = desk.agent("Giulia", Role::Agent).await;
    let (first, second) = (desk.message("5500_6600").await, desk.message("5500_6601").await);
    for message in [first, second, first] {
        answer_to(&giulia, ticket, "Sì", message).await.is(303);
    }
    assert_eq!(desk.count("select count(*) from approvals where state = 'waiting'").await, 2);
    let file = || reqwest::multipart::Part::bytes(b"%PDF".to_vec()).file_name("orari.pdf").mime_str("application/pdf").expect("a type");
    for _ in 0..2 {
        let form = Form::new().text("note", "0").text("body", "Sì").text("then", "send").text("answers", first.to_string());
        giulia.post_files(&format!("/tickets/{ticket}/reply"), form.part("files", file())).await.is(303);
    }
    assert_eq!(desk.count("select count(*) from approvals where state = 'waiting'").await, 3);
    assert_eq!(desk.count("select count(*) from approval_files").await, 1, "sent twice by an impatient hand, it waits once");
    assert_eq!(desk.count("select count(*) from uploads").await, 0);
}

#[tokio::test]
async fn nobody_sends_over_words_that_they_have_not_seen() {
    let (desk, marta, luca, id, seen) = disputed().await;
    luca.post(&format!("/approvals/{id}/save"), &[("body", "No, chiusi"), ("seen", &seen)]).await.is(303);
    let page = marta.post(&format!("/approvals/{id}/send"), &[("body", "Sì!"), ("seen", &seen)]).await.is(409);
    assert!(page.text(".errors").contains("Nothing was sent"));
    assert!(page.text("#theirs").contains("As Luca changed it") && page.text("#theirs").contains("No, chiusi"));
    assert_eq!(page.text("#body"), "Sì!", "nothing typed is lost");
    for unseen in ["", "1.0", "nonsense"] {
        marta.post(&format!("/approvals/{id}/send"), &[("body", "No, chiusi"), ("seen", unseen)]).await.is(409);
    }
    marta.post(&format!("/approvals/{id}/send"), &[("body", "No, chiusi")]).await.is(409);
    let seen = page.attribute("[name=seen]", "value");
    marta.post(&format!("/approvals/{id}/send"), &[("body", "No, chiusi"), ("seen", &seen)]).await.is(303);
    desk.served.drain().await;
    assert_eq!(desk.posted(), ["No, chiusi"]);
}

#[tokio::test]
async fn what_became_of_many_answers_takes_two_lines() {
    let desk = PublicDesk::new().await;
    require(&desk, "agent").await;
    let ticket = comment(&desk).await;
    let (giulia, marta) = (desk.agent("Giulia", Role::Agent).await, desk.agent("Marta", Role::Lead).await);
    for (at, words) in ["Uno", "Due", "Tre", "Quattro", "Cinque"].into_iter().enumerate() {
        let ticket = if at < 3 { ticket } else { desk.comment("add", &format!("5500_77{at}"), "Aperti?").await };
        answer(&giulia, ticket, words, "", "send").await.is(303);
        let id = waiting(&desk).await;
        let seen = stamp(&marta, id).await;
        let (path, more) = if at < 3 { ("send", ("seen", &*seen)) } else { ("return", ("reason", "Perché?")) };
        marta.post(&format!("/approvals/{id}/{path}"), &[("body", words), more]).await.is(303);
    }
    let page = giulia.get("/inbox/open").await.is(200);
    assert_eq!(page.texts("#told .banner").len(), 2, "{}", page.text("#told"));
    assert!(page.text("#told-returned").contains("1 more came back"));
    assert!(page.text("#told-sent").contains(&format!("are sent: #{ticket}, #{ticket}, #{ticket}.")), "{}", page.text("#told-sent"));
    assert_eq!(page.attribute("#offers", "data-standing").split(' ').nth(3), Some("0/5"));
    assert_eq!(beat(&giulia).await["told"], 5, "as the page says, or the screen would read itself again for ever");
    // What was sent is seen at once, what came back one by one.
    giulia.post(&page.attribute("#told-sent", "action"), &[]).await.is(303);
    giulia.post(&page.attribute("#told-returned", "action"), &[]).await.is(303);
    let page = giulia.get("/inbox/open").await.is(200);
    assert_eq!((page.texts("#told .banner").len(), page.texts("#told-sent").len()), (1, 0));
}

#[tokio::test]
async fn of_two_who_decide_at_once_one_wins_and_the_other_is_told() {
    let (desk, marta, luca, id, seen) = disputed().await;
    let path = format!("/approvals/{id}/send");
    let (first, back) = (format!("/approvals/{id}/return"), [("body", "Sì"), ("reason", "Perché?")]);
    let sent = [("body", "Sì"), ("seen", &*seen)];
    let (one, two) = tokio::join!(marta.post(&path, &sent), luca.post(&first, &back));
    let words = [flash(&marta, one.is(303)).await, flash(&luca, two.is(303)).await];
    assert_eq!(words.iter().filter(|words| words.contains("was quicker")).count(), 1, "{words:?}");
    desk.served.drain().await;
    let sent = desk.posted().len();
    assert_eq!(sent + usize::from(desk.count("select count(*) from approvals where state = 'returned'").await == 1), 1);
}

#[tokio::test]
async fn who_leads_needs_another_who_leads_and_an_admin_nobody() {
    let desk = PublicDesk::new().await;
    let admin = require(&desk, "lead").await;
    let ticket = comment(&desk).await;
    let (giulia, marta) = (desk.agent("Giulia", Role::Agent).await, desk.agent("Marta", Role::Lead).await);
    answer(&giulia, ticket, "Dalle 8", "", "send").await.is(303);
    answer(&marta, ticket, "Dalle 8 e 30", "", "send").await.is(303);
    answer(&admin, ticket, "Dalle 9", "", "send").await.is(303);
    let id = waiting(&desk).await;
    assert!(marta.get("/approvals").await.text("tbody tr").contains("yours: somebody else decides"));
    assert!(marta.get(&format!("/approvals/{id}")).await.is(200).texts("[name=seen]").is_empty());
    marta.post(&format!("/approvals/{id}/send"), &[("body", "Dalle 8 e 30")]).await.is(403);
    desk.served.drain().await;
    assert_eq!(desk.posted(), ["Dalle 8", "Dalle 9"]);
    let seen = stamp(&admin, id).await;
    admin.post(&format!("/approvals/{id}/send"), &[("body", "Dalle 8 e 30"), ("seen", &seen)]).await.is(303);
    desk.served.drain().await;
    assert_eq!(desk.posted().len(), 3);
}

#[tokio::test]
async fn private_answers_and_other_channels_leave_at_once() {
    let desk = PublicDesk::new().await;
    let admin = desk.agent("Chiara", Role::Admin).await;
    // On a channel that the comment did not come by.
    let other = desk.connect("999", json!({})).await;
    sportello::channels::wire::declare(&desk.app).await.expect("a database");
    let page = admin.post("/settings/approval", &[("agent-when", "some"), ("lead-when", "never"), ("mail", "15")]).await.is(422);
    assert!(page.text("#agent-channel-error").contains("Tick at least one"));
    let other = other.to_string();
    admin
        .post("/settings/approval", &[("agent-when", "some"), ("agent-channel", &other), ("lead-when", "never"), ("mail", "15")])
        .await
        .is(303);
    let ticket = comment(&desk).await;
    let giulia = desk.agent("Giulia", Role::Agent).await;
    answer(&giulia, ticket, "In pubblico", "", "send").await.is(303);
    desk.served.drain().await;
    assert_eq!(desk.posted(), ["In pubblico"]);
    admin.post("/settings/approval", &[("agent-when", "all"), ("lead-when", "never"), ("mail", "15")]).await.is(303);
    answer(&giulia, ticket, "Solo a Lei", "private", "send").await.is(303);
    desk.served.drain().await;
    assert_eq!(desk.count("select count(*) from approvals").await, 0);
    assert_eq!(desk.graph.sent().last().expect("sent")["message"]["text"], "Solo a Lei");
}

#[tokio::test]
async fn programs_and_the_desks_own_verbs_obey_the_rule() {
    let desk = PublicDesk::new().await;
    require(&desk, "agent").await;
    let ticket = comment(&desk).await;
    let giulia = desk.person("Giulia", Role::Agent).await;
    let mut db = desk.app.db.acquire().await.expect("a database");
    let token = sessions::create_api_token(&mut db, "till", giulia).await.expect("a token");
    drop(db);
    let program = desk.visitor();
    let post = program.request(Method::POST, &format!("/api/v1/tickets/{ticket}/messages")).bearer_auth(token);
    let answer = post.json(&json!({ "type": "reply", "text": "Sì", "status": "solved" })).send().await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 202);
    let held: Value = answer.json().await.expect("JSON");
    assert_eq!((held["state"].as_str(), held["ticket_id"].as_i64()), (Some("waiting"), Some(ticket.0)));
    // The desk's own verb says so too: whatever else calls it cannot speak in public by mistake.
    let refused = desk.try_answer(ticket, "Sì", false, &[]).await.expect_err("refused");
    assert!(refused.to_string().contains("second person"), "{refused}");
    desk.served.drain().await;
    assert!(desk.posted().is_empty());
    assert_eq!(desk.count("select count(*) from messages where direction = 'outbound'").await, 0);
    let marta = desk.agent("Marta", Role::Lead).await;
    let id = waiting(&desk).await;
    let seen = stamp(&marta, id).await;
    marta.post(&format!("/approvals/{id}/send"), &[("body", "Sì"), ("seen", &seen)]).await.is(303);
    desk.served.drain().await;
    assert_eq!((desk.posted(), desk.of_ticket(ticket, "status").await), (vec!["Sì".to_owned()], "solved".to_owned()));
}

#[tokio::test]
async fn files_wait_with_their_answer() {
    let desk = PublicDesk::new().await;
    require(&desk, "agent").await;
    let ticket = comment(&desk).await;
    let giulia = desk.agent("Giulia", Role::Agent).await;
    // Refused to its author at once, not to whoever approves: this network takes no files in public.
    let file = reqwest::multipart::Part::bytes(b"%PDF".to_vec()).file_name("orari.pdf").mime_str("application/pdf").expect("a type");
    let form = Form::new().text("note", "0").text("body", "Gli orari").text("then", "send").part("files", file);
    let page = giulia.post_files(&format!("/tickets/{ticket}/reply"), form).await.is(422);
    assert!(page.text(".errors").contains("orari.pdf"));
    // A network that does takes them along.
    sqlx::query("update channels set abilities = abilities || '{\"public_files\": true}' where kind = 'facebook'")
        .execute(&desk.app.db)
        .await
        .expect("a row");
    desk.app.cache.invalidate_all();
    answer(&giulia, ticket, "Gli orari", "", "send").await.is(303);
    let (id, marta) = (waiting(&desk).await, desk.agent("Marta", Role::Lead).await);
    let page = marta.get(&format!("/approvals/{id}")).await.is(200);
    assert!(page.text(".file").contains("orari.pdf"));
    let file = marta.get(&page.attribute(".file a", "href")).await.is(200);
    assert_eq!((file.body.as_str(), file.headers["content-type"].to_str().expect("text")), ("%PDF", "application/octet-stream"));
    assert_eq!(text_of(&file, "content-disposition"), "attachment; filename=\"orari.pdf\"; filename*=UTF-8''orari.pdf");
    assert_eq!((&*text_of(&file, "accept-ranges"), &*text_of(&file, "x-robots-tag")), ("bytes", "noindex"));
    marta.post(&format!("/approvals/{id}/return"), &[("body", "Gli orari"), ("reason", "Senza allegato")]).await.is(303);
    assert_eq!(giulia.get(&format!("/tickets/{ticket}")).await.texts("#uploads .file-name"), ["orari.pdf"]);
    answer(&giulia, ticket, "Ecco gli orari", "", "send").await.is(303);
    let id = waiting(&desk).await;
    let seen = stamp(&marta, id).await;
    marta.post(&format!("/approvals/{id}/send"), &[("body", "Ecco gli orari"), ("seen", &seen)]).await.is(303);
    assert_eq!(desk.count("select count(*) from attachments where name = 'orari.pdf'").await, 1);
}

#[tokio::test]
async fn approvers_who_are_not_there_are_written_to_after_a_while_also_after_a_restart() {
    let desk = PublicDesk::new().await;
    require(&desk, "agent").await;
    let ticket = comment(&desk).await;
    let (giulia, marta) = (desk.agent("Giulia", Role::Agent).await, desk.agent("Marta", Role::Lead).await);
    answer(&giulia, ticket, "Sì", "", "send").await.is(303);
    desk.later(14).await;
    assert!(desk.sent().is_empty());
    desk.later(16).await;
    let to: Vec<String> = desk.sent().iter().flat_map(|mail| mail.to.clone()).collect();
    assert_eq!(to.len(), 2, "{to:?}");
    assert!(desk.last_sent().contains("/approvals/"));
    // Once is enough; and whoever comes finds it.
    desk.later(60).await;
    assert_eq!(desk.sent().len(), 2);
    assert_eq!(beat(&marta).await["approve"], 1);
    // Where somebody is there, nobody is written to.
    answer(&giulia, ticket, "Sì, certo", "", "send").await.is(303);
    sqlx::query("update presence set seen_at = now() + interval '1 day'").execute(&desk.app.db).await.expect("a row");
    desk.later(16).await;
    assert_eq!(desk.sent().len(), 2);
}
