//! Everything appears by itself: the stream tells open screens what changed, within a second.

use std::time::Duration;

use sportello::desk::kinds::Role;

use crate::screens::inbox::mail;
use crate::support::served::ServedDesk;

/// Reads a stream until it has said all of `words`; fails after five seconds.
async fn hears(stream: &mut reqwest::Response, words: &[&str]) {
    let mut heard = String::new();
    let listening = async {
        while !words.iter().all(|word| heard.contains(word)) {
            let chunk = stream.chunk().await.expect("an open stream").expect("not the end");
            heard.push_str(&String::from_utf8_lossy(&chunk));
        }
    };
    tokio::time::timeout(Duration::from_secs(5), listening).await.unwrap_or_else(|_| panic!("heard only: {heard}"));
}

#[tokio::test]
async fn open_screens_hear_of_mails_changes_and_each_other() {
    let desk = ServedDesk::new().await;
    let anna = desk.agent("Anna", Role::Agent).await;
    let marco = desk.agent("Marco", Role::Agent).await;
    desk.visitor().get("/live").await.is(303);
    let mut stream = anna.stream("/live").await;
    hears(&mut stream, &["event: hello"]).await;

    let ticket = desk.receive(&mail("tom@example.com", "1@x", "Order", "Where is it?")).await.ticket.expect("a ticket");
    hears(&mut stream, &["event: ticket", &format!(r#"{{"id":{ticket}}}"#), "event: list"]).await;

    marco.post(&format!("/tickets/{ticket}/presence"), &[("state", "typing")]).await.is(204);
    hears(&mut stream, &["event: presence", r#""name":"Marco","typing":true"#]).await;
    assert!(anna.get(&format!("/tickets/{ticket}")).await.text("[data-presence]").contains("Marco is typing"));
    marco.post(&format!("/tickets/{ticket}/presence"), &[("state", "left")]).await.is(204);
    hears(&mut stream, &[r#""people":[]"#]).await;

    marco.post(&format!("/tickets/{ticket}/status"), &[("status", "solved")]).await.is(303);
    hears(&mut stream, &["event: ticket"]).await;
}

#[tokio::test]
async fn a_second_process_hears_it_too() {
    let desk = ServedDesk::new().await;
    let anna = desk.agent("Anna", Role::Agent).await;
    let mut stream = anna.stream("/live").await;
    hears(&mut stream, &["event: hello"]).await;
    let here = desk.app.clone();
    let options = (*desk.database.pool.connect_options()).clone();
    tokio::spawn(async move { here.live.exchange(here.db.clone(), options, here.stopping.clone()).await });
    // Listening begins with a resync, for what was missed before.
    hears(&mut stream, &["event: resync"]).await;

    let other = sportello::live::Live::default();
    let stop = tokio_util::sync::CancellationToken::new();
    let (there, pool, options, token) =
        (other.clone(), desk.database.pool.clone(), (*desk.database.pool.connect_options()).clone(), stop.clone());
    tokio::spawn(async move { there.exchange(pool, options, token).await });
    other.announce(sportello::live::Signal::Ticket(sportello::ids::TicketId(4711)));
    hears(&mut stream, &[r#"{"id":4711}"#]).await;
    stop.cancel();
}
