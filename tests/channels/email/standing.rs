//! How mailboxes stand, for those who watch over the desk.

use serde_json::json;
use sportello::channels;
use sportello::desk::kinds::Role;

use super::form;
use crate::support::mail_servers::{Dovecot, PASSWORD, free_port};
use crate::support::served::ServedDesk;

const FAILING: &str = "select count(*) from channels where failing_since is not null or failures > 0";

async fn metrics(desk: &ServedDesk) -> String {
    let request = reqwest::Client::new().get(format!("{}/metrics", desk.url)).bearer_auth("watch");
    request.send().await.expect("an answer").error_for_status().expect("let in").text().await.expect("text")
}

#[tokio::test]
async fn a_mailbox_out_of_order_is_told_to_whoever_watches_and_begins_anew_when_it_is_set_differently() {
    let desk = ServedDesk::with(|config| config.web.metrics_token = Some("watch".into())).await;
    let admin = desk.agent("Ada", Role::Admin).await;
    let nobody = free_port().await;
    let imap = json!({"host": "127.0.0.1", "port": nobody, "security": "plain", "user": "shop"});
    let id =
        desk.mailbox_with_secrets("Shop", "shop@bottega.example", json!({"imap": imap}), Some(json!({"imap_password": PASSWORD}))).await;
    let up = format!("sportello_mailbox_up{{id=\"{id}\",name=\"Shop\"}}");
    assert!(metrics(&desk).await.contains(&format!("{up} 1\n")));
    for _ in 0..3 {
        let _ = channels::poll(&desk.app, id).await;
    }
    assert_eq!(desk.count(FAILING).await, 1);
    let page = metrics(&desk).await;
    assert!(page.contains(&format!("{up} 0\n")), "{page}");
    let unseen = reqwest::get(format!("{}/metrics", desk.url)).await.expect("an answer");
    assert_eq!(unseen.status().as_u16(), 404, "not for everybody");
    // Set to another server it is no longer known to fail; that one has to fail for a while too.
    let server = Dovecot::start().await;
    admin.post(&format!("/settings/mailboxes/{id}"), &form(&server.port.to_string(), PASSWORD)).await.is(303);
    assert_eq!(desk.count(FAILING).await, 0);
    assert!(!admin.get("/settings/channels").await.is(200).body.contains("No mail comes in through"));
    assert!(metrics(&desk).await.contains(&format!("{up} 1\n")));
}
