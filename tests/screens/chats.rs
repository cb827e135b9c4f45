//! Working chats: what rings, who gets it, what happens when nobody does.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::multipart::Form;
use sportello::desk::kinds::{ChatState, Role};

use crate::support::chats::{Floor, Hand, Visiting};
use crate::support::served::Page;

async fn accept(hand: &Hand, visiting: &Visiting) -> Page {
    hand.screen.post(&format!("/chats/{}/accept", visiting.ticket), &[]).await
}

async fn say(hand: &Hand, visiting: &Visiting, body: &str, once: &str) -> Page {
    let form = Form::new().text("note", "0").text("body", body.to_owned()).text("once", once.to_owned());
    // The page tells the newest word that it shows.
    let form = form.text("seen", i64::MAX.to_string());
    hand.screen.post_files(&format!("/chats/{}/say", visiting.ticket), form).await
}

/// A floor on which Anna holds the chat that Elena began with these words.
async fn in_her_hands(words: &str) -> (Floor, Hand, Visiting) {
    let floor = Floor::new().await;
    let anna = floor.hand("Anna Verdi", Role::Agent).await;
    let elena = floor.visit("Elena", words).await;
    accept(&anna, &elena).await.is(303);
    (floor, anna, elena)
}

/// Reads until something holds, as a live screen would; fails after five seconds.
async fn soon(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..100 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("not within five seconds: {what}");
}

#[tokio::test]
async fn a_chat_rings_on_every_screen_and_opens_when_accepted() {
    let floor = Floor::new().await;
    let anna = floor.hand("Anna Verdi", Role::Agent).await;
    assert!(anna.screen.get("/chats").await.is(200).text(".chats-empty").contains("You are online; chats ring here."));
    let elena = floor.visit("Elena Sartori", "Is the boot there in 38?").await;
    assert_eq!(floor.rings(&elena).await, [anna.id]);
    let page = anna.screen.get("/inbox/open").await.is(200);
    assert!(page.text("#offers .offer").contains("Elena Sartori"));
    assert_eq!(page.text("#rail a[href='/chats'] .count"), "waiting for you: 1");
    let beat = anna.screen.post("/presence/beat", &[]).await.is(200).body;
    assert!(beat.contains(r#""wish":"online""#) && beat.contains(r#""name":"Elena Sartori""#), "{beat}");

    let accepted = accept(&anna, &elena).await.is(303);
    assert_eq!(accepted.location, Some(format!("/chats?open={}", elena.ticket)));
    let page = anna.screen.get("/chats").await.is(200);
    assert!(page.texts("#offers .offer").is_empty());
    assert_eq!(page.texts(".chat .bubble--in .prose"), ["Is the boot there in 38?"]);
    assert!(page.text(".chat-head").contains("Elena Sartori"));
    let said = say(&anna, &elena, "Yes, it is.", "a1").await.is(303);
    assert_eq!(said.location, Some(format!("/chats?open={}", elena.ticket)), "one stays in the chat");
    let page = anna.screen.get("/chats").await;
    assert_eq!(page.texts(".chat .bubble--out .prose"), ["Yes, it is."]);
    assert_eq!(page.text(".chat .bubble--out .bubble-mark"), "Sent");
    // What the visitor has is told on our words.
    let mut change = sportello::desk::changes::Change::begin(&floor.app).await.expect("a change");
    let newest = sportello::ids::MessageId(i64::MAX);
    sportello::desk::chats::visitor_seen(&mut change, elena.ticket, newest, newest).await.expect("seen");
    change.commit().await.expect("committed");
    assert_eq!(anna.screen.get("/chats").await.text(".chat .bubble--out .bubble-mark"), "Read");
    // And what we have is told to them.
    floor.hear(&elena, "Great!").await;
    let page = anna.screen.get("/chats").await;
    assert!(page.text(".chat-card .count").starts_with('1'), "one word is unread");
    let heard = page.attribute(".chat", "data-heard");
    anna.screen.post(&format!("/chats/{}/seen", elena.ticket), &[("delivered", &heard), ("read", &heard)]).await.is(204);
    assert_eq!(floor.chat(&elena).await.agent_read.to_string(), heard);
}

#[tokio::test]
async fn of_several_chats_only_those_are_read_again_of_which_something_was_heard() {
    let (floor, anna, elena) = in_her_hands("Is the boot there in 38?").await;
    let paolo = floor.visit("Paolo", "And the belt?").await;
    accept(&anna, &paolo).await.is(303);
    let read = async |path: &str, same: String| {
        let asked = anna.screen.request(reqwest::Method::GET, path).header("x-same", same);
        Page::of(asked.send().await.expect("an answer")).await
    };
    floor.hear(&paolo, "In brown").await;
    let page = read("/chats", elena.ticket.to_string()).await.is(200);
    assert_eq!(page.texts(".chat .bubble--in .prose"), ["And the belt?", "In brown"]);
    assert_eq!(page.attributes("[data-same]", "id"), [format!("chat-{}", elena.ticket)]);
    assert_eq!(page.texts(".chat-card .name"), ["Elena", "Paolo"], "the list is always read");
    assert_eq!(page.attribute("#main", "data-chats"), format!("{} {}", elena.ticket, paolo.ticket));
    // Of other people's chats nobody hears everything, and of chats that are over neither.
    let lea = floor.hand("Lea", Role::Lead).await;
    let asked = lea.screen.request(reqwest::Method::GET, &format!("/chats?open={}", paolo.ticket));
    let page = Page::of(asked.header("x-same", paolo.ticket.to_string()).send().await.expect("an answer")).await;
    assert_eq!(page.texts(".chat .bubble--in .prose").len(), 2);
    let page = read("/chats", format!("{},nonsense,,{}", i64::MAX, paolo.ticket)).await.is(200);
    assert_eq!(page.texts(".chat .bubble--in .prose"), ["Is the boot there in 38?"]);
}

/// What a screen hears until the lists have moved, which they do at every word.
async fn heard(stream: &mut reqwest::Response) -> String {
    let mut heard = String::new();
    let listening = async {
        while !heard.contains("event: list") {
            let bytes = stream.chunk().await.expect("a stream").expect("more of it");
            heard.push_str(&String::from_utf8_lossy(&bytes));
        }
    };
    tokio::time::timeout(Duration::from_secs(10), listening).await.expect("the lists move");
    heard
}

#[tokio::test]
async fn the_words_of_a_chat_are_told_to_whom_they_concern() {
    let (floor, anna, elena) = in_her_hands("Hello?").await;
    let marco = floor.hand("Marco Rossi", Role::Agent).await;
    let lea = floor.hand("Lea", Role::Lead).await;
    let (mut hers, mut his, mut leads) =
        (anna.screen.stream("/live").await, marco.screen.stream("/live").await, lea.screen.stream("/live").await);
    floor.hear(&elena, "Are you there?").await;
    let word = format!("event: chat\ndata: {{\"id\":{}}}", elena.ticket);
    assert!(heard(&mut hers).await.contains(&word), "she holds it");
    assert!(heard(&mut leads).await.contains(&word), "she watches the floor");
    assert!(!heard(&mut his).await.contains("event: chat"), "nobody asked him");
    // Whoever looks at it hears it.
    marco.screen.post(&format!("/tickets/{}/presence", elena.ticket), &[("state", "viewing")]).await.is(204);
    floor.hear(&elena, "Hello?").await;
    assert!(heard(&mut his).await.contains(&word));
}

#[tokio::test]
async fn of_two_who_accept_one_gets_it_and_the_other_reads_who() {
    let floor = Floor::new().await;
    let anna = floor.hand("Anna Verdi", Role::Agent).await;
    let marco = floor.hand("Marco Rossi", Role::Agent).await;
    let elena = floor.visit("Elena", "Hello?").await;
    let (first, second) = tokio::join!(accept(&anna, &elena), accept(&marco, &elena));
    let holder = floor.chat(&elena).await.agent_id.expect("somebody holds it");
    let (loser, name, answer) = if holder == anna.id { (&marco, "Anna", second) } else { (&anna, "Marco", first) };
    answer.is(303);
    let told = loser.screen.get(&format!("/chats/{}/who", elena.ticket)).await.is(200);
    assert_eq!(told.body, format!(r#"{{"by":"{name}"}}"#));
    let again = accept(loser, &elena).await.is(303);
    let flash = again.headers["set-cookie"].to_str().expect("text").to_owned();
    let pair = flash.split(';').next().expect("a cookie").trim_start_matches("sportello_flash=");
    let told = URL_SAFE_NO_PAD.decode(pair).expect("base64");
    assert_eq!(String::from_utf8(told).expect("text"), format!(r#"{{"text":"{name} took it a moment ago."}}"#));
}

#[tokio::test]
async fn a_declined_chat_goes_on_and_two_missed_ones_set_away() {
    let floor = Floor::new().await;
    let anna = floor.hand("Anna", Role::Agent).await;
    let marco = floor.hand("Marco", Role::Agent).await;
    let elena = floor.visit("Elena", "Hello?").await;
    let (first, second) = if floor.rings(&elena).await == [anna.id] { (&anna, &marco) } else { (&marco, &anna) };
    first.screen.post(&format!("/chats/{}/decline", elena.ticket), &[]).await.is(303);
    assert_eq!(floor.rings(&elena).await, [second.id]);
    accept(second, &elena).await.is(303);

    // Marco or Anna, whoever is free now, lets two ring.
    second.screen.post("/presence", &[("wish", "busy")]).await.is(303);
    for name in ["Jonas", "Priya"] {
        let visiting = floor.visit(name, "Anybody there?").await;
        assert_eq!(floor.rings(&visiting).await, [first.id], "busy takes none");
        floor.pass(31, &[&anna, &marco]).await;
    }
    let page = first.screen.get("/inbox/open").await.is(200);
    assert!(page.text("#away").contains("You were set away because two chats rang unanswered."), "{}", page.body);
    assert!(page.text("#standing summary").contains("Away"));
    assert!(first.screen.post("/presence/beat", &[]).await.body.contains(r#""sent_away":true"#));
    first.screen.post("/presence", &[("wish", "online")]).await.is(303);
    let page = first.screen.get("/inbox/open").await;
    assert!(page.texts("#away form").is_empty());
}

#[tokio::test]
async fn a_limit_is_kept_and_whoever_waits_comes_next() {
    let floor = Floor::new().await;
    let anna = floor.hand("Anna", Role::Agent).await;
    floor.limit(&anna, 1).await;
    let elena = floor.visit("Elena", "First").await;
    accept(&anna, &elena).await.is(303);
    let jonas = floor.visit("Jonas", "Second").await;
    assert_eq!(floor.chat(&jonas).await.state, ChatState::Queued);
    let page = anna.screen.get("/chats").await;
    assert!(page.text(".chat-free").contains("waits for free hands"), "{}", page.body);
    anna.screen.post(&format!("/chats/{}/end", elena.ticket), &[]).await.is(303);
    floor.pass(1, &[&anna]).await;
    assert_eq!(floor.rings(&jonas).await, [anna.id]);
    assert_eq!(floor.chat(&elena).await.state, ChatState::Ended);
}

#[tokio::test]
async fn a_silent_screen_and_a_closed_one_hand_over() {
    let (floor, _anna, elena) = in_her_hands("Hello?").await;
    let marco = floor.hand("Marco", Role::Agent).await;
    // Anna's computer fell asleep.
    floor.pass(60, &[&marco]).await;
    assert_eq!(floor.rings(&elena).await, [marco.id]);
    accept(&marco, &elena).await.is(303);

    let floor = Floor::new().await;
    let anna = floor.hand("Anna", Role::Agent).await;
    let marco = floor.hand("Marco", Role::Agent).await;
    marco.screen.post("/presence", &[("wish", "busy")]).await.is(303);
    let elena = floor.visit("Elena", "Hello?").await;
    accept(&anna, &elena).await.is(303);
    marco.screen.post("/presence", &[("wish", "online")]).await.is(303);
    let mut stream = anna.screen.stream("/live").await;
    stream.chunk().await.expect("a hello");
    drop(stream);
    soon("the closed screen is noted", async || {
        floor.count("select count(*) from jobs where kind = 'agent_lapse' and run_at > now() + interval '20 seconds' and run_at < now() + interval '26 seconds'").await == 1
    })
    .await;
    floor.pass(26, &[&marco]).await;
    assert_eq!(floor.rings(&elena).await, [marco.id]);
}

#[tokio::test]
async fn signing_out_leaves_at_once() {
    let floor = Floor::new().await;
    let anna = floor.hand("Anna", Role::Agent).await;
    let marco = floor.hand("Marco", Role::Agent).await;
    let elena = floor.visit("Elena", "Hello?").await;
    let (first, second) = if floor.rings(&elena).await == [anna.id] { (&anna, &marco) } else { (&marco, &anna) };
    accept(first, &elena).await.is(303);
    first.screen.post("/sign-out", &[]).await.is(303);
    floor.pass(1, &[second]).await;
    assert_eq!(floor.rings(&elena).await, [second.id]);
}

#[tokio::test]
async fn a_transfer_carries_a_summary_and_keeps_what_was_typed() {
    let (floor, anna, elena) = in_her_hands("My parcel is lost").await;
    let marco = floor.hand("Marco Rossi", Role::Agent).await;
    let page = anna.screen.get("/chats").await;
    assert!(page.text("[name=summary]").contains("Elena: My parcel is lost"), "a summary is suggested");
    let path = format!("/chats/{}/transfer", elena.ticket);
    let refused = anna.screen.post(&path, &[("to", ""), ("summary", "Parcel 7 is lost")]).await.is(422);
    assert!(refused.text(".chat-actions .error").contains("Choose who"));
    assert_eq!(refused.text("[name=summary]"), "Parcel 7 is lost");
    anna.screen.post(&path, &[("to", "agent:4711"), ("summary", "x")]).await.is(422);
    let to = format!("agent:{}", marco.id);
    anna.screen.post(&path, &[("to", &to), ("summary", "Parcel 7 is lost")]).await.is(303);
    assert_eq!(floor.rings(&elena).await, [marco.id]);
    accept(&marco, &elena).await.is(303);
    let page = marco.screen.get("/chats").await;
    assert_eq!(page.text(".bubble--note .prose"), "Parcel 7 is lost");
    assert!(page.text(".chat-thread").contains("gave the chat to Marco Rossi"));
}

#[tokio::test]
async fn a_colleague_is_asked_in_and_a_lead_steps_in() {
    let (floor, anna, elena) = in_her_hands("Hello?").await;
    let marco = floor.hand("Marco Rossi", Role::Agent).await;
    let path = format!("/chats/{}", elena.ticket);
    anna.screen.post(&format!("{path}/invite"), &[("colleague", "")]).await.is(422);
    anna.screen.post(&format!("{path}/invite"), &[("colleague", &marco.id.to_string())]).await.is(303);
    let page = marco.screen.get("/chats").await;
    assert!(page.text(".chat-card").contains("Anna Verdi holds it"));
    say(&marco, &elena, "I know about this one.", "m1").await.is(303);
    assert_eq!(floor.chat(&elena).await.agent_id, Some(anna.id), "who was asked in does not take it");

    anna.screen.post(&format!("{path}/step-in"), &[]).await.is(403);
    assert!(anna.screen.get("/chats/floor").await.is(403).body.contains("Your role does not allow this"));
    let lea = floor.hand("Lea", Role::Lead).await;
    let page = lea.screen.get("/chats/floor").await.is(200);
    assert!(page.text("#floor").contains("Elena") && page.text("#floor").contains("Marco Rossi"));
    lea.screen.post(&format!("{path}/whisper"), &[("text", "Offer a voucher")]).await.is(303);
    assert!(anna.screen.get("/chats").await.text(".bubble--note").contains("Offer a voucher"));
    lea.screen.post(&format!("{path}/step-in"), &[]).await.is(303);
    let chat = floor.chat(&elena).await;
    assert_eq!(chat.agent_id, Some(lea.id));
    assert!(chat.helpers.contains(&anna.id));
}

#[tokio::test]
async fn the_same_words_sent_twice_are_said_once() {
    let (_floor, anna, elena) = in_her_hands("Hello?").await;
    let (one, two) = tokio::join!(say(&anna, &elena, "Hello Elena", "same"), say(&anna, &elena, "Hello Elena", "same"));
    one.is(303);
    two.is(303);
    say(&anna, &elena, "Hello Elena", "same").await.is(303);
    assert_eq!(anna.screen.get("/chats").await.texts(".bubble--out .prose"), ["Hello Elena"]);
    // A script reads JSON, also when something is refused; the draft is kept.
    let path = format!("/chats/{}/say", elena.ticket);
    let sent = anna.screen.request(reqwest::Method::POST, &path).header("x-requested-with", "sportello");
    let sent = sent.form(&[("note", "0"), ("body", "  ")]).send().await.expect("an answer");
    assert_eq!(sent.status(), 422);
    assert_eq!(sent.text().await.expect("words"), r#"{"error":"Write something first"}"#);
    let refused = say(&anna, &elena, " ", "x").await.is(422);
    assert!(refused.text(".errors").contains("Write something"));
    // Quick answers go along, a note stays inside, a picture needs no words.
    let choices = Form::new().text("body", "Which one?").text("choice", "The brown one").text("choice", "").text("choice", "The black one");
    anna.screen.post_files(&path, choices.text("note", "0")).await.is(303);
    let page = anna.screen.get("/chats").await;
    assert_eq!(page.texts(".bubble-choices li"), ["The brown one", "The black one"]);
    let file = reqwest::multipart::Part::bytes(b"%PDF-1.4".to_vec()).file_name("size.pdf");
    anna.screen.post_files(&path, Form::new().text("body", "").text("note", "0").part("files", file)).await.is(303);
    assert_eq!(anna.screen.get("/chats").await.text(".bubble--out .file-name"), "size.pdf");
}

#[tokio::test]
async fn the_ticket_says_that_it_is_a_chat() {
    let floor = Floor::new().await;
    let anna = floor.hand("Anna", Role::Agent).await;
    let elena = floor.visit("Elena", "Hello?").await;
    let path = format!("/tickets/{}", elena.ticket);
    let page = anna.screen.get(&path).await.is(200);
    assert!(page.text("#chat-strip").contains("nobody holds") && page.text("#chat-strip").contains("Accept"));
    assert!(page.text(".composer-to").contains("at once"));
    let form = Form::new().text("body", "Hello Elena").text("note", "0").text("next", page.attribute("[name=next]", "value"));
    let said = anna.screen.post_files(&format!("{path}/reply"), form.text("once", page.attribute("[name=once]", "value"))).await.is(303);
    assert_eq!(said.location, Some(path.clone()), "one stays");
    assert_eq!(floor.chat(&elena).await.agent_id, Some(anna.id), "whoever speaks first takes it");
    anna.screen.post(&format!("/chats/{}/mail", elena.ticket), &[]).await.is(303);
    let page = anna.screen.get(&path).await;
    assert!(page.text("#chat-strip").contains("waits for their return"));
    let form = Form::new().text("body", "Write to us any time.").text("note", "0").text("then", "send");
    anna.screen.post_files(&format!("{path}/reply"), form).await.is(303);
    assert_eq!(floor.count("select count(*) from messages where direction = 'outbound' and delivery = 'sent'").await, 2);
    assert!(anna.screen.get("/inbox/open").await.text(".row-who .sr").contains("Live chat"));
}

#[tokio::test]
async fn people_say_how_they_take_chats() {
    let floor = Floor::new().await;
    let anna = floor.hand("Anna", Role::Agent).await;
    let refused = anna.screen.post("/profile/chats", &[("takes_chats", "1"), ("chat_limit", "21")]).await.is(422);
    assert!(refused.text("#chats .error").contains("from 1 to 20"));
    assert_eq!(refused.attribute("#chat_limit", "value"), "21");
    anna.screen.post("/profile/chats", &[("chat_limit", "5"), ("language", "de"), ("language", "xx")]).await.is(303);
    let page = anna.screen.get("/profile").await;
    assert!(page.texts("#standing").is_empty(), "no switch for whoever takes no chats");
    assert_eq!(page.attributes("[name=language][checked]", "value"), ["de"]);
    let admin = floor.hand("Chiara", Role::Admin).await;
    let path = format!("/settings/people/{}/chats", anna.id);
    anna.screen.post(&path, &[("takes_chats", "1"), ("chat_limit", "2")]).await.is(403);
    admin.screen.post(&path, &[("takes_chats", "1"), ("chat_limit", "2")]).await.is(303);
    let page = anna.screen.get("/profile").await;
    assert!(page.text("#standing summary").contains("Online"));
    assert_eq!(page.attribute("#chat_limit", "value"), "2");
}

#[tokio::test]
async fn a_blocked_visitor_is_spam_and_an_ended_chat_is_solved() {
    let (floor, anna, elena) = in_her_hands("Buy followers!").await;
    anna.screen.post(&format!("/chats/{}/block", elena.ticket), &[]).await.is(303);
    assert_eq!(floor.count("select count(*) from visitors where blocked_at is not null").await, 1);
    assert_eq!(anna.screen.get("/inbox/spam").await.texts(".row-subject"), ["Buy followers!"]);
    let jonas = floor.visit("Jonas", "Hello?").await;
    accept(&anna, &jonas).await.is(303);
    anna.screen.post(&format!("/chats/{}/end", jonas.ticket), &[]).await.is(303);
    assert_eq!(anna.screen.get("/inbox/solved").await.texts(".row-subject"), ["Hello?"]);
    assert!(anna.screen.get("/chats").await.text(".chats-empty").contains("No chats"));
    anna.screen.get("/chats?open=999,abc").await.is(200);
    anna.screen.post("/chats/999/accept", &[]).await.is(404);
}
