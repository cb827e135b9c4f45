//! The settings: who may do what, and the rules that must not break.

use reqwest::multipart::{Form, Part};
use sportello::desk::kinds::Role;

use crate::support::served::{PASSWORD, ServedDesk};

#[tokio::test]
async fn every_page_asks_for_its_role() {
    let desk = ServedDesk::new().await;
    let (agent, lead, admin) =
        (desk.agent("Anna", Role::Agent).await, desk.agent("Lea", Role::Lead).await, desk.agent("Ada", Role::Admin).await);
    let pages = [
        ("/settings", [200, 200, 200]),
        ("/profile", [200, 200, 200]),
        ("/settings/canned", [200, 200, 200]),
        ("/settings/canned/new", [200, 200, 200]),
        ("/settings/teams", [403, 200, 200]),
        ("/settings/tags", [403, 200, 200]),
        ("/settings/people", [403, 403, 200]),
        ("/settings/people/invite", [403, 403, 200]),
        ("/settings/people/1", [403, 403, 200]),
        ("/settings/shop", [403, 403, 200]),
        ("/settings/tokens", [403, 403, 200]),
        ("/settings/webhooks", [403, 403, 200]),
        ("/settings/webhooks/new", [403, 403, 200]),
        ("/settings/webhooks/999", [403, 403, 404]),
        ("/settings/channels", [403, 403, 200]),
        ("/settings/mailboxes/new", [403, 403, 200]),
        ("/settings/api-channels/new", [403, 403, 200]),
        ("/settings/api-channels/1", [403, 403, 404]),
        ("/settings/mailboxes/1", [403, 403, 200]),
        ("/settings/incoming", [403, 403, 200]),
        ("/settings/people/999", [403, 403, 404]),
        ("/settings/canned/999", [404, 404, 404]),
    ];
    for (path, statuses) in pages {
        for (browser, status) in [&agent, &lead, &admin].into_iter().zip(statuses) {
            assert_eq!(browser.get(path).await.status.as_u16(), status, "{path}");
        }
        desk.visitor().get(path).await.is(303);
    }
    for path in [
        "/settings/shop",
        "/settings/people/invite",
        "/settings/people/1/disable",
        "/settings/tokens",
        "/settings/webhooks/new",
        "/settings/webhooks/1/test",
        "/settings/webhooks/1/secret",
        "/settings/webhooks/1/deliveries/1/resend",
        "/settings/mailboxes/new",
        "/settings/channels/1/disable",
    ] {
        lead.post(path, &[]).await.is(403);
    }
    agent.post("/settings/tags", &[("name", "x")]).await.is(403);
}

#[tokio::test]
async fn the_shop_is_renamed_and_a_wrong_form_keeps_what_was_typed() {
    let desk = ServedDesk::new().await;
    let admin = desk.agent("Ada", Role::Admin).await;
    let typed = [("name", "Espressohaus"), ("time_zone", "Europe/Atlantis"), ("language", "de"), ("accent", "blue")];
    let page = admin.post("/settings/shop", &typed).await.is(422);
    assert_eq!(page.attribute("#name", "value"), "Espressohaus");
    assert_eq!(page.attribute("#accent", "value"), "blue");
    assert_eq!(page.attributes("[aria-invalid=true]", "id"), ["time_zone", "accent"]);
    admin
        .post("/settings/shop", &[("name", "Espressohaus"), ("time_zone", "Europe/Berlin"), ("language", "de"), ("accent", "#ffee00")])
        .await
        .is(303);
    let page = admin.get("/settings/shop").await.is(200);
    assert!(page.text("title").contains("Espressohaus"));
    assert!(page.text("#accent-hint").contains("hard to read"));
}

#[tokio::test]
async fn the_last_admin_stays() {
    let desk = ServedDesk::new().await;
    let admin = desk.agent("Ada", Role::Admin).await;
    let demote = [("name", "Ada"), ("email", "ada@bottega.example"), ("role", "agent")];
    let page = admin.post("/settings/people/1", &demote).await.is(422);
    assert!(page.text("#role-error").contains("last admin"));
    admin.post("/settings/people/1/disable", &[]).await.is(400);

    // Invited only: does not count, since nobody could sign in as them.
    admin.post("/settings/people/invite", &[("email", "eva@bottega.example"), ("role", "admin")]).await;
    admin.post("/settings/people/1", &demote).await.is(422);

    let second = desk.agent("Bea", Role::Admin).await;
    second.post("/settings/people/1/disable", &[]).await.is(303);
    admin.get("/settings").await.is(303);
    second.post("/settings/people/1/enable", &[]).await.is(303);
    let id = desk.person("Cleo", Role::Admin).await;
    second.post(&format!("/settings/people/{id}"), &[("name", "Cleo"), ("email", "cleo@bottega.example"), ("role", "lead")]).await.is(303);
}

#[tokio::test]
async fn people_are_invited_once_per_address_and_come_in_by_their_link() {
    let desk = ServedDesk::new().await;
    let admin = desk.agent("Ada", Role::Admin).await;
    admin.post("/settings/teams", &[("name", "Returns")]).await.is(303);
    let page = admin
        .post("/settings/people/invite", &[("email", "ADA@bottega.example"), ("name", "Eva"), ("role", "agent"), ("team", "1")])
        .await
        .is(422);
    assert!(page.text("#email-error").contains("already"));
    assert_eq!(page.attribute("#name", "value"), "Eva");
    assert_eq!(page.attributes("[name=team][checked]", "value"), ["1"]);

    admin.post("/settings/people/invite", &[("email", "eva.rossi@bottega.example"), ("role", "agent"), ("team", "1")]).await.is(303);
    let page = admin.get("/settings/people").await;
    assert!(page.body.contains("Eva Rossi"), "a name guessed from the address");
    assert!(page.text(".badge--waiting").contains("Invited"));
    desk.drain().await;
    assert!(desk.last_sent().contains("/join/"));
}

#[tokio::test]
async fn a_team_says_what_goes_with_it() {
    let desk = ServedDesk::new().await;
    let lead = desk.agent("Lea", Role::Lead).await;
    lead.post("/settings/teams", &[("name", "Returns")]).await.is(303);
    let page = lead.post("/settings/teams", &[("name", "returns")]).await.is(422);
    assert_eq!(page.attribute("#name", "value"), "returns");
    lead.post("/settings/teams/1", &[("name", "Returns"), ("member", "1")]).await.is(303);
    let reply =
        Form::new().text("name", "R").text("shortcut", "r").text("scope", "1").text("body_en", "Send it back.").text("then", "save");
    lead.post_files("/settings/canned/new", reply).await.is(303);
    let page = lead.get("/settings/teams/1/delete").await.is(200);
    assert!(page.body.contains("1 person will be in one team less") && page.body.contains("1 canned reply"), "{}", page.body);
    lead.post("/settings/teams/1/delete", &[]).await.is(303);
    assert!(lead.get("/settings/canned").await.text(".empty h2").contains("No canned replies"));
    lead.get("/settings/teams/1").await.is(404);
}

#[tokio::test]
async fn tags_are_named_once_and_renamed() {
    let desk = ServedDesk::new().await;
    let lead = desk.agent("Lea", Role::Lead).await;
    lead.post("/settings/tags", &[("name", "Return")]).await.is(303);
    lead.post("/settings/tags", &[("name", "RETURN")]).await.is(422);
    lead.post("/settings/tags/1", &[("name", "Rücksendung")]).await.is(303);
    assert_eq!(lead.get("/settings/tags").await.texts("td:first-child"), ["Rücksendung"]);
    lead.post("/settings/tags/1/delete", &[]).await.is(303);
    lead.post("/settings/tags/1/delete", &[]).await.is(404);
}

#[tokio::test]
async fn a_token_is_shown_once() {
    let desk = ServedDesk::new().await;
    let admin = desk.agent("Ada", Role::Admin).await;
    admin.post("/settings/tokens", &[("name", " ")]).await.is(422);
    let token = admin.post("/settings/tokens", &[("name", "Warehouse")]).await.is(200).text("#token");
    assert!(token.starts_with("spo_"));
    assert!(!admin.get("/settings/tokens").await.is(200).body.contains(&token));
    admin.post("/settings/tokens/1/revoke", &[]).await.is(303);
    assert!(admin.get("/settings/tokens").await.body.contains("Revoked"));
}

fn canned(shortcut: &str, scope: &str, body: &str) -> Form {
    let text = |value: &str| value.to_owned();
    Form::new()
        .text("name", text("Tracking"))
        .text("shortcut", text(shortcut))
        .text("scope", text(scope))
        .text("body_it", text(body))
        .text("then", "save")
}

#[tokio::test]
async fn canned_replies_belong_to_those_they_are_for() {
    let desk = ServedDesk::new().await;
    let (anna, marco, lead) =
        (desk.agent("Anna", Role::Agent).await, desk.agent("Marco", Role::Agent).await, desk.agent("Lea", Role::Lead).await);
    // An agent writes for themselves only.
    let page = anna.post_files("/settings/canned/new", canned("tracking", "everyone", "Ciao {{customer.nome}}")).await.is(422);
    assert!(!page.text("#scope-error").is_empty());
    assert!(page.text("#body_it").contains("{{customer.nome}}"), "what was typed is kept");
    assert!(page.body.contains("There is no variable"));
    anna.post_files("/settings/canned/new", canned("#mine", "personal", "Ciao")).await.is(303);
    for stranger in [&marco, &lead] {
        stranger.get("/settings/canned/1").await.is(404);
        stranger.post("/settings/canned/1/delete", &[]).await.is(303);
    }
    anna.get("/settings/canned/1").await.is(200);

    // A shortcut is taken once, whatever its case.
    lead.post_files("/settings/canned/new", canned("Mine", "everyone", "Ciao")).await.is(422);
    lead.post_files("/settings/canned/new", canned("tracking", "everyone", "Ciao")).await.is(303);
    let id = lead.get("/settings/canned").await.attribute("td a", "href");
    assert!(marco.get(&id).await.is(200).body.contains("fieldset class=\"form\" disabled"));
    marco.post_files(&id, canned("tracking", "personal", "Mine now")).await.is(403);
    marco.post(&format!("{id}/delete"), &[]).await.is(403);

    // A copy of what one may only read is one's own.
    let copy = marco.post(&format!("{id}/copy"), &[]).await.is(303).location.expect("the copy");
    let page = marco.get(&copy).await.is(200);
    assert_eq!(page.attribute("#shortcut", "value"), "tracking-2");
    assert_eq!(page.attributes("#scope option[selected]", "value"), ["personal"]);
    lead.get(&copy).await.is(404);
}

#[tokio::test]
async fn a_canned_reply_carries_files_and_is_tried_on_a_ticket() {
    let desk = ServedDesk::new().await;
    let lead = desk.agent("Lea", Role::Lead).await;
    let file = Part::bytes(b"%PDF-1.4 terms".to_vec()).file_name("Terms & <more>.pdf");
    lead.post_files("/settings/canned/new", canned("t", "everyone", "Buongiorno {{customer.first_name}}").part("files", file))
        .await
        .is(303);
    let page = lead.get("/settings/canned/1").await.is(200);
    assert_eq!(page.text("a.file-name"), "Terms & <more>.pdf");
    assert_eq!(page.text("#preview-text"), "Buongiorno Anna", "an invented customer as long as there is none");
    let download = lead.get(&page.attribute("a.file-name", "href")).await.is(200);
    assert_eq!(download.body, "%PDF-1.4 terms");

    let mail =
        b"From: Marco Bianchi <marco@example.it>\r\nTo: help@bottega.example\r\nSubject: </script>\r\nMessage-ID: <1@x>\r\n\r\nCiao\r\n";
    desk.receive(mail).await;
    let preview = Form::new().text("name", "T").text("body_it", "Ciao {{customer.name}}").text("then", "preview").text("ticket", "#999");
    let page = lead.post_files("/settings/canned/1", preview).await.is(200);
    assert_eq!(page.text("#preview-text"), "Ciao Marco Bianchi");
    assert!(page.body.contains("There is no ticket #999") || page.body.contains("There is no ticket 999"));
    assert!(!page.text("#samples").contains("</script>"));

    let remove =
        Form::new().text("name", "T").text("shortcut", "t").text("scope", "everyone").text("body_it", "Ciao").text("remove_file", "1");
    lead.post_files("/settings/canned/1", remove).await.is(303);
    assert!(lead.get("/settings/canned/1").await.texts("a.file-name").is_empty());
}

#[tokio::test]
async fn a_mailbox_keeps_its_password_to_itself_and_says_what_does_not_work() {
    let desk = ServedDesk::new().await;
    let admin = desk.agent("Ada", Role::Admin).await;
    let page = admin.get("/settings/mailboxes/new?address=shop@gmail.com").await.is(200);
    assert_eq!(page.attribute("#imap_host", "value"), "imap.gmail.com");
    assert!(page.body.contains("app password"));

    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port().to_string();
    let typed = |then: &'static str, password: &'static str, address: &'static str| {
        vec![
            ("name".to_owned(), "Second".to_owned()),
            ("address".to_owned(), address.to_owned()),
            ("fetch".to_owned(), "imap".to_owned()),
            ("imap_host".to_owned(), "127.0.0.1".to_owned()),
            ("imap_port".to_owned(), port.clone()),
            ("imap_security".to_owned(), "tls".to_owned()),
            ("imap_user".to_owned(), "second".to_owned()),
            ("imap_password".to_owned(), password.to_owned()),
            ("send".to_owned(), "desk".to_owned()),
            ("then".to_owned(), then.to_owned()),
        ]
    };
    let fields = |all: &[(String, String)]| all.iter().map(|(key, value)| (key.clone(), value.clone())).collect::<Vec<_>>();
    let post = async |path: &str, all: Vec<(String, String)>| {
        let all = fields(&all);
        let pairs: Vec<(&str, &str)> = all.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        admin.post(path, &pairs).await
    };
    // The desk has help@ already.
    let page = post("/settings/mailboxes/new", typed("save", "hunter2", "HELP@bottega.example")).await.is(422);
    assert!(page.text("#address-error").contains("already"));
    assert!(!page.body.contains("hunter2"));
    let page = post("/settings/mailboxes/new", typed("test", "hunter2", "second@bottega.example")).await.is(200);
    assert!(page.text(".trials .trial--fails").contains("nobody answers at that port"), "{}", page.body);
    let action = page.attribute("form[action^='/settings/mailboxes/']", "action");
    let page = admin.get(&action).await.is(200);
    assert!(!page.body.contains("hunter2"));
    assert!(page.body.contains("One is stored"));
    assert!(admin.get("/settings/channels").await.text(".badge--over").contains("Does not work"));
    // Kept when nothing is typed.
    post(&action, typed("save", "", "second@bottega.example")).await.is(303);
}

#[tokio::test]
async fn what_is_held_back_can_be_read_and_tried_again() {
    let desk = ServedDesk::new().await;
    let admin = desk.agent("Ada", Role::Admin).await;
    assert!(admin.get("/settings/incoming").await.is(200).text(".empty h2").contains("Nothing"));
    sqlx::query(
        "insert into deliveries (channel_id, door, raw, state, reason) values (1, 'smtp', 'raw bytes', 'failed', 'It has no words')",
    )
    .execute(&desk.app.db)
    .await
    .expect("a delivery");
    sqlx::query("insert into jobs (kind, args, last_error, dead_at, attempts) values ('send_invitation', '{\"agent\": 1}', 'Mailbox full', now(), 14)")
        .execute(&desk.app.db)
        .await
        .expect("a job");
    let page = admin.get("/settings/incoming").await;
    assert!(page.body.contains("It has no words") && page.body.contains("Mailbox full") && page.body.contains("Mail Ada an invitation"));
    let raw = admin.get("/settings/incoming/1/raw").await.is(200);
    assert_eq!(
        (raw.body.as_str(), raw.headers["content-disposition"].to_str().expect("text")),
        ("raw bytes", "attachment; filename=\"delivery-1.eml\"")
    );
    admin.post("/settings/incoming/1/retry", &[]).await.is(303);
    let waiting: i64 = sqlx::query_scalar("select count(*) from jobs where unique_key = 'delivery:1' and dead_at is null")
        .fetch_one(&desk.app.db)
        .await
        .expect("a count");
    assert_eq!(waiting, 1);
    let job = page.attribute("[formaction$=forget]", "formaction");
    admin.post(&job, &[]).await.is(303);
    assert!(!admin.get("/settings/incoming").await.body.contains("Mailbox full"));
}

#[tokio::test]
async fn a_profile_changes_its_password_only_with_the_old_one() {
    let desk = ServedDesk::new().await;
    let anna = desk.agent("Anna", Role::Agent).await;
    let mut elsewhere = desk.visitor();
    elsewhere.sign_in("anna@bottega.example", PASSWORD).await.is(303);
    elsewhere.get("/profile").await.is(200);
    let page = anna.post("/profile/password", &[("current", "wrong"), ("password", "a whole new secret")]).await.is(422);
    assert_eq!(page.text("#current-error"), "This is not your current password.");
    anna.post("/profile/password", &[("current", PASSWORD), ("password", "a whole new secret")]).await.is(303);
    elsewhere.get("/profile").await.is(303);
    anna.get("/profile").await.is(200);

    let page = anna.post("/profile", &[("name", "")]).await.is(422);
    assert!(!page.text("#name-error").is_empty());
    anna.post("/profile", &[("name", "Anna Verdi")]).await.is(303);
    anna.post("/profile/signatures", &[("signature-", "Anna\r\nBottega"), ("signature-it", "Ciao")]).await.is(303);
    let page = anna.get("/profile").await.is(200);
    assert_eq!((&*page.text("#signature-"), &*page.text("#signature-it")), ("Anna Bottega", "Ciao"));
    elsewhere.sign_in("anna@bottega.example", "a whole new secret").await.is(303);
    let others = anna.get("/profile").await.attributes("form[action$=revoke]", "action");
    assert_eq!(others.len(), 1);
    anna.post(&others[0], &[]).await.is(303);
    elsewhere.get("/profile").await.is(303);
}
