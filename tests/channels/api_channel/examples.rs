//! What docs/api-channels.md shows, done as it stands there.

use std::process::{Command, Stdio};

use sportello::channels::wire::signed;

use super::Shop;

const DOCS: &str = include_str!("../../../docs/api-channels.md");

/// The commands of the page, without the lines in which a reader enters what is theirs.
fn examples() -> Vec<String> {
    let blocks = DOCS.split("```sh\n").skip(1).filter_map(|rest| rest.split("\n```").next());
    let mine = |line: &&str| !["DESK=", "CHANNEL=", "KEY=", "SECRET="].iter().any(|name| line.starts_with(name));
    blocks.map(|block| block.lines().filter(mine).collect::<Vec<_>>().join("\n")).collect()
}

/// Runs one of them in a shell; answers with what it prints.
async fn run(shop: &Shop, example: &str, folder: &std::path::Path) -> String {
    let script = format!("set -euo pipefail\ncurl() {{ command curl -sS --fail-with-body --noproxy '*' \"$@\"; }}\n{example}\n");
    let mut shell = Command::new("bash");
    shell.args(["-c", &script]).current_dir(folder).stdin(Stdio::null());
    shell.env("DESK", &shop.desk.url).env("CHANNEL", &shop.name).env("KEY", &shop.key);
    shell.env("SECRET", &shop.outgoing).env("IDENTIFIERS", &shop.identifiers).env("TIMESTAMP", "1791000000");
    let done = tokio::task::spawn_blocking(move || shell.output()).await.expect("no panic").expect("bash");
    assert!(done.status.success(), "{example}\n{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    shop.desk.drain().await;
    String::from_utf8_lossy(&done.stdout).into_owned()
}

#[tokio::test]
async fn every_command_of_the_page_does_what_it_says() {
    let shop = Shop::with(&[("audience", "public")]).await;
    let folder = tempfile::tempdir().expect("a folder");
    let body = br#"{"event":"message"}"#;
    std::fs::write(folder.path().join("body.json"), body).expect("a file");
    let mut seen = Vec::new();
    for example in examples() {
        let printed = run(&shop, &example, folder.path()).await;
        if example.contains("openssl") && example.contains("body.json") {
            let right = signed::signature(&shop.outgoing, 1_791_000_000, body);
            assert!(printed.trim().ends_with(right.trim_start_matches("sha256=")), "{printed}");
            seen.push("signature");
        } else if example.contains("openssl") {
            assert!(printed.trim().ends_with(&shop.hash("user-42")), "{printed}");
            seen.push("identifier");
        } else if example.contains("\"id\": \"981\"") {
            assert!(printed.contains("\"id\":\"981\""), "{printed}");
            let told = shop.text("select m.body || ' | ' || p.url || ' | ' || p.body from messages m join tickets t on t.id = m.ticket_id join posts p on p.id = t.post_id where m.provider_id = '981'").await;
            assert_eq!(told, "Arriva prima di Natale? | https://example.com/blog/stivali | Stivali d’inverno");
            seen.push("message");
        } else if example.contains("review-5f2c") {
            assert_eq!(shop.text("select extras #>> '{review,stars}' from messages where provider_id = 'review-5f2c'").await, "4");
            assert_eq!(
                shop.text("select subject from tickets t join messages m on m.ticket_id = t.id where m.provider_id = 'review-5f2c'").await,
                "Two stars: too slow"
            );
            seen.push("review");
        } else if example.contains("/statuses") {
            assert_eq!(
                shop.text("select notice #>> '{step,failed,permanent}' from parked_notices").await,
                "The site refused it: it names an order."
            );
            seen.push("status");
        } else {
            panic!("nothing looks after this example:\n{example}");
        }
    }
    assert_eq!(seen, ["signature", "message", "identifier", "review", "status"]);
}

#[tokio::test]
async fn a_channel_for_blog_comments_begins_with_what_they_need() {
    let shop = Shop::open().await;
    assert!(shop.admin.get("/settings/networks").await.body.contains("/settings/api-channels/new?preset=blog"));
    let page = shop.admin.get("/settings/api-channels/new?preset=blog").await.is(200);
    assert_eq!(page.attribute("input[name=name]", "value"), "Blog comments");
    assert_eq!(page.attributes("input[name=audience][checked]", "value"), ["public"]);
    let fields = [
        ("name", "Comments"),
        ("answers", "on"),
        ("text_limit", "1000"),
        ("window_hours", ""),
        ("audience", "public"),
        ("url", ""),
        ("blog", "on"),
    ];
    let made = shop.admin.post("/settings/api-channels/new", &fields).await.is(200);
    assert_eq!(made.attributes("details#wordpress[open]", "id"), ["wordpress"]);
    assert!(made.text("#wordpress-config").contains(&format!("define('SPORTELLO_DESK', '{}');", shop.desk.url)));
    let plugin = shop.admin.get("/settings/api-channels/sportello-comments.php").await.is(200);
    assert!(plugin.body.starts_with("<?php") && plugin.body.contains("Plugin Name: Sportello comments"));
}
