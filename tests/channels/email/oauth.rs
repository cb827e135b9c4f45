//! Mailboxes that sign in without a password: a real Dovecot that has tokens looked at, and an SMTP server that takes them.

use std::time::Duration;

use http::Method;
use serde_json::json;
use sportello::channels;
use sportello::clock::Ts;
use sportello::desk::agents::Agent;
use sportello::desk::changes::Change;
use sportello::desk::envelope::Address;
use sportello::desk::kinds::{DeliveryStatus, Role};
use sportello::desk::tickets::sides::{self, Words};
use sportello::ids::{ChannelId, MessageId, TicketId};
use sportello::jobs::{self, Job, Lane, Outcome};
use sportello::worker;

use super::mail;
use crate::support::mail_desk::MailDesk;
use crate::support::mail_lines::{Faults, Moody, shut};
use crate::support::mail_servers::Dovecot;
use crate::support::providers::recorder::{Asked, Recorder, Says};
use crate::support::served::ServedDesk;

/// Gives out tokens, and looks at them for Dovecot: those that begin with `good` are the shop's.
fn provider(asked: &Asked) -> Says {
    match asked.path.as_str() {
        "/token" => Says::json(200, &json!({"access_token": "good-new", "expires_in": 3600, "refresh_token": "next"})),
        "/tokeninfo" if asked.query.contains("access_token=good") => Says::json(200, &json!({"email": "shop", "active": true})),
        _ => Says::json(401, &json!({"error": "invalid_token"})),
    }
}

struct Servers {
    provider: Recorder,
    imap: Dovecot,
    smtp: Moody,
}

async fn servers() -> Servers {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let provider = Recorder::new(provider).await;
    let imap = Dovecot::start_with_tokens(&format!("{}/tokeninfo?access_token=", provider.url)).await;
    let smtp = Moody::start(Faults { tokens: Some("good".into()), extensions: vec!["8BITMIME"], ..Faults::default() }).await;
    Servers { provider, imap, smtp }
}

impl Servers {
    async fn mailbox(&self, desk: &MailDesk, tokens: serde_json::Value) -> ChannelId {
        let settings = json!({
            "acknowledge": false,
            "imap": {"host": "127.0.0.1", "port": self.imap.port, "security": "plain", "user": "shop", "first_days": 3},
            "smtp": {"host": "127.0.0.1", "port": self.smtp.address.port(), "security": "plain", "user": "shop", "by_token": true},
            "oauth": {"service": "other", "client_id": "app", "authorize": format!("{}/authorize", self.provider.url), "token": format!("{}/token", self.provider.url), "scopes": "mail"},
        });
        desk.mailbox_with_secrets("Shop", "shop@bottega.example", settings, Some(tokens)).await
    }

    /// What the provider was asked for; Dovecot's own questions not counted.
    fn renewals(&self) -> Vec<Asked> {
        self.provider.asked("/token").into_iter().filter(|asked| asked.path == "/token").collect()
    }

    /// From now on nothing is renewed.
    fn refuse(&self) {
        for _ in 0..20 {
            let says = Says::json(400, &json!({"error": "invalid_grant", "error_description": "Token has been revoked."}));
            self.provider.say(Method::POST, "/token", says);
        }
    }
}

/// The page of a mailbox that is signed in at a provider of one's own.
fn form<'a>(imap_port: &'a str, smtp_port: &'a str, authorize: &'a str, token: &'a str, then: &'a str) -> Vec<(&'static str, &'a str)> {
    vec![
        ("name", "Shop"),
        ("address", "shop@bottega.example"),
        ("fetch", "imap"),
        ("imap_host", "127.0.0.1"),
        ("imap_port", imap_port),
        ("imap_security", "plain"),
        ("imap_user", "shop"),
        ("imap_folder", "INBOX"),
        ("send", "own"),
        ("smtp_host", "127.0.0.1"),
        ("smtp_port", smtp_port),
        ("smtp_security", "plain"),
        ("smtp_same", "on"),
        ("sign_in", "other"),
        ("oauth_client_id", "app"),
        ("oauth_client_secret", "shh"),
        ("oauth_authorize", authorize),
        ("oauth_token", token),
        ("oauth_scopes", "mail offline"),
        ("then", then),
    ]
}

#[tokio::test]
async fn mail_comes_and_goes_by_token_and_a_refused_one_is_renewed_once() {
    let servers = servers().await;
    let desk = MailDesk::new().await;
    // A token that looks good to us and that nobody takes any more.
    let channel = servers.mailbox(&desk, json!({"access_token": "stale", "refresh_token": "first"})).await;
    servers.imap.deliver("shop", &mail("anna@example.it", "Order", "o1@example.it", "", "Where is it?"));
    let outcome = channels::poll(&desk.app, channel).await;
    let row = desk.channel("Shop").await;
    assert!(matches!(outcome, Outcome::Again(15)), "{outcome:?} {:?} {}", row.last_error, servers.imap.log());
    assert_eq!(desk.count("select count(*) from messages where direction = 'inbound'").await, 1);
    let asked = servers.renewals();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].form().contains(&("refresh_token".into(), "first".into())), "{:?}", asked[0].form());
    let ticket = sportello::ids::TicketId(desk.count("select max(id) from tickets").await);
    let agent = desk.agent("Bea").await;
    let message = desk.reply(&agent, ticket, "On its way.").await;
    assert_eq!(desk.drain().await, Vec::<String>::new());
    assert_eq!(desk.message(message).await.delivery, Some(DeliveryStatus::Sent));
    assert_eq!(servers.smtp.given()[0].token, "good-new");
    assert_eq!(servers.renewals().len(), 1, "what was renewed is used by all");
}

#[tokio::test]
async fn a_token_that_smtp_refuses_is_renewed_once_too() {
    let servers = servers().await;
    let desk = MailDesk::new().await;
    servers.mailbox(&desk, json!({"access_token": "stale", "refresh_token": "first"})).await;
    sqlx::query("update channels set settings = settings - 'imap' where name = 'Shop'").execute(&desk.app.db).await.expect("sql");
    let channel = desk.channel("Shop").await.id;
    let mut db = desk.app.db.acquire().await.expect("a database");
    let raw = mail("anna@example.it", "Order", "p1@example.it", "", "Where is it?");
    let to = ["shop@bottega.example".to_owned()];
    let new = sportello::desk::deliveries::NewDelivery { channel, door: "test", envelope_from: None, envelope_to: &to, raw: &raw };
    let delivery = sportello::desk::deliveries::store(&mut db, new).await.expect("stored");
    let ticket = channels::process(&desk.app, delivery).await.expect("understood").ticket.expect("a ticket");
    let agent = desk.agent("Bea").await;
    let message = desk.reply(&agent, ticket, "On its way.").await;
    assert_eq!(desk.drain().await, Vec::<String>::new());
    assert_eq!(desk.message(message).await.delivery, Some(DeliveryStatus::Sent));
    assert_eq!(*servers.smtp.shown.lock().expect("nobody panicked"), ["stale", "good-new"]);

    // Now nobody renews it: the answer waits, everybody knows, and signing in again lets it leave.
    // Connections that are open already stay so; another token makes another.
    let store = async |token: &str| {
        let sealed = sportello::desk::channels::seal(&desk.app.keys, &json!({"access_token": token, "refresh_token": "x"})).expect("plain");
        sqlx::query("update channels set secrets = $1 where id = $2")
            .bind(sealed)
            .bind(channel.0)
            .execute(&desk.app.db)
            .await
            .expect("sql");
    };
    servers.smtp.faults.lock().expect("nobody panicked").tokens = Some("other".into());
    store("stale-too").await;
    let second = desk.reply(&agent, ticket, "It has arrived.").await;
    let beside = ask_supplier(&desk, &agent, ticket, channel).await;
    servers.refuse();
    assert_eq!(desk.drain().await, Vec::<String>::new());
    let waiting = desk.message(second).await;
    assert_eq!(waiting.delivery, Some(DeliveryStatus::Queued), "{waiting:?}");
    assert!(waiting.delivery_error.as_deref().is_some_and(|words| words.contains("signed in again")), "{waiting:?}");
    assert!(desk.channel("Shop").await.sign_in_lost_at.is_some());
    assert_eq!(desk.count("select count(*) from jobs where kind = 'send_message'").await, 0, "it is not tried in vain");
    servers.smtp.faults.lock().expect("nobody panicked").tokens = Some("good".into());
    sportello::channels::email::access::regain(&desk.app, channel).await.expect("a database");
    store("good-again").await;
    assert_eq!(desk.drain().await, Vec::<String>::new());
    assert_eq!(desk.message(second).await.delivery, Some(DeliveryStatus::Sent));
    assert_eq!(desk.message(beside).await.delivery, Some(DeliveryStatus::Sent), "what was asked of a supplier too");
}

async fn ask_supplier(desk: &MailDesk, agent: &Agent, ticket: TicketId, mailbox: ChannelId) -> MessageId {
    let to = vec![Address { name: String::new(), address: "parts@supplier.example".into() }];
    let words = Words { to, body: "Is it in stock?".into(), ..Words::default() };
    let mut change = Change::begin(&desk.app).await.expect("a database");
    let opened = sides::open(&mut change, agent, ticket, Some(mailbox), "A spare part", false, &words).await.expect("opened");
    change.commit().await.expect("a database");
    opened.1
}

#[tokio::test]
async fn what_is_in_hand_when_the_sign_in_comes_back_leaves_once() {
    let servers = servers().await;
    let desk = MailDesk::new().await;
    let channel = servers.mailbox(&desk, json!({"access_token": "good", "refresh_token": "first"})).await;
    servers.imap.deliver("shop", &mail("anna@example.it", "Order", "q1@example.it", "", "Where is it?"));
    let _ = channels::poll(&desk.app, channel).await;
    let ticket = TicketId(desk.count("select max(id) from tickets").await);
    let agent = desk.agent("Bea").await;
    let message = desk.reply(&agent, ticket, "On its way.").await;
    sqlx::query("delete from jobs where kind <> 'send_message'").execute(&desk.app.db).await.expect("sql");
    // A worker has it in hand; it may have looked before the sign-in came back.
    let claimed = jobs::claim(&desk.app.db, Lane::Slow, Ts::now().plus_seconds(30)).await.expect("sql").expect("the answer");
    assert_eq!(claimed.job, Job::SendMessage { message });
    for sql in ["update messages set delivery = 'sending' where delivery = 'queued'", "update channels set sign_in_lost_at = now()"] {
        sqlx::query(sql).execute(&desk.app.db).await.expect(sql);
    }
    sportello::channels::email::access::regain(&desk.app, channel).await.expect("a database");
    assert_eq!(desk.drain().await, Vec::<String>::new());
    assert!(servers.smtp.given().is_empty(), "nobody else takes it meanwhile");
    // It had found the sign-in lost.
    jobs::settle(&desk.app.db, &claimed, Outcome::Done).await.expect("sql");
    worker::drain(&desk.app, Ts::now().plus_seconds(300)).await;
    assert_eq!(servers.smtp.given().len(), 1);
    assert_eq!(desk.message(message).await.delivery, Some(DeliveryStatus::Sent));
    // What has left does not wait again, whoever comes late.
    let mut change = Change::begin(&desk.app).await.expect("a database");
    change.push(&Job::SendMessage { message }, Ts::now()).await.expect("queued");
    change.commit().await.expect("a database");
    sqlx::query("update channels set sign_in_lost_at = now()").execute(&desk.app.db).await.expect("sql");
    assert_eq!(desk.drain().await, Vec::<String>::new());
    assert_eq!(desk.message(message).await.delivery, Some(DeliveryStatus::Sent));
}

#[tokio::test]
async fn mail_that_comes_in_says_nothing_about_a_server_that_sends_none() {
    let servers = servers().await;
    let desk = ServedDesk::new().await;
    let admin = desk.agent("Ada", Role::Admin).await;
    let channel = servers.mailbox(&desk, json!({"access_token": "good", "refresh_token": "first"})).await;
    servers.imap.deliver("shop", &mail("anna@example.it", "Order", "r1@example.it", "", "Where is it?"));
    let _ = channels::poll(&desk.app, channel).await;
    servers.smtp.faults.lock().expect("nobody panicked").tokens = Some("other".into());
    let ticket = TicketId(desk.count("select max(id) from tickets").await);
    let agent = desk.desk.agent("Bea").await;
    let message = desk.reply(&agent, ticket, "On its way.").await;
    desk.drain().await;
    assert!(desk.channel("Shop").await.sign_in_lost_at.is_some());
    let told = desk.sent().len();
    assert!(told > 0, "an admin is told");
    for n in 2..5 {
        servers.imap.deliver("shop", &mail("anna@example.it", "Order", &format!("r{n}@example.it"), "", "Hello?"));
        assert!(matches!(channels::poll(&desk.app, channel).await, Outcome::Again(15)));
        desk.drain().await;
    }
    assert_eq!(desk.count("select count(*) from messages where direction = 'inbound'").await, 4, "mail comes in");
    assert!(desk.channel("Shop").await.sign_in_lost_at.is_some());
    assert_eq!(desk.sent().len(), told, "and nobody is told again");
    assert_eq!(desk.message(message).await.delivery, Some(DeliveryStatus::Queued));
    // The page that is saved tries once more.
    servers.smtp.faults.lock().expect("nobody panicked").tokens = Some("good".into());
    let (imap_port, smtp_port) = (servers.imap.port.to_string(), servers.smtp.address.port().to_string());
    let (authorize, token) = (format!("{}/authorize", servers.provider.url), format!("{}/token", servers.provider.url));
    let form = form(&imap_port, &smtp_port, &authorize, &token, "save");
    admin.post(&format!("/settings/mailboxes/{channel}"), &form).await.is(303);
    assert!(desk.channel("Shop").await.sign_in_lost_at.is_none());
    desk.drain().await;
    assert_eq!(desk.message(message).await.delivery, Some(DeliveryStatus::Sent));
}

#[tokio::test]
async fn a_server_that_lets_nobody_in_just_now_has_shut_nobody_out() {
    let servers = servers().await;
    let desk = MailDesk::new().await;
    let channel = servers.mailbox(&desk, json!({"access_token": "good", "refresh_token": "first"})).await;
    let move_to = async |port: u16| {
        sqlx::query("update channels set settings = jsonb_set(settings, '{imap,port}', to_jsonb($1::int)) where name = 'Shop'")
            .bind(i32::from(port))
            .execute(&desk.app.db)
            .await
            .expect("sql");
    };
    move_to(shut("[UNAVAILABLE] Temporary authentication failure.").await).await;
    assert!(matches!(channels::poll(&desk.app, channel).await, Outcome::Again(60)));
    let row = desk.channel("Shop").await;
    assert!(row.sign_in_lost_at.is_none(), "{:?}", row.last_error);
    assert!(row.last_error.is_some_and(|words| words.contains("lets nobody in just now")));
    assert!(servers.renewals().is_empty(), "the token is as good as before");
    move_to(shut("[AUTHENTICATIONFAILED] Invalid credentials (Failure)").await).await;
    assert!(matches!(channels::poll(&desk.app, channel).await, Outcome::Again(600)));
    assert!(desk.channel("Shop").await.sign_in_lost_at.is_some());
}

#[tokio::test]
async fn who_is_no_longer_let_in_says_so_by_another_way() {
    let servers = servers().await;
    let desk = ServedDesk::new().await;
    desk.agent("Ada", Role::Admin).await;
    let channel = servers.mailbox(&desk, json!({"access_token": "stale", "refresh_token": "first"})).await;
    servers.refuse();
    assert!(matches!(channels::poll(&desk.app, channel).await, Outcome::Again(600)));
    let row = desk.channel("Shop").await;
    assert!(row.sign_in_lost_at.is_some() && row.last_error.expect("words").contains("revoked"));
    desk.drain().await;
    let told = desk.sent();
    assert!(told.iter().any(|sent| sent.to == ["ada@bottega.example"] && sent.from == "help@bottega.example"), "{told:?}");
    assert!(servers.smtp.given().is_empty(), "not by the mailbox that is shut out");
    let admin = desk.agent("Bo", Role::Admin).await;
    desk.app.cache.invalidate_all();
    let page = admin.get(&format!("/settings/mailboxes/{channel}")).await.is(200);
    assert!(page.texts(".banner").iter().any(|words| words.contains("“Shop” no longer lets us in")), "{:?}", page.texts(".banner"));
    assert!(page.body.contains("It has to be signed in again"));
}

#[tokio::test]
async fn ten_who_need_a_new_token_ask_for_one() {
    let servers = servers().await;
    let desk = MailDesk::new().await;
    let id = servers.mailbox(&desk, json!({"access_token": "", "refresh_token": "first"})).await;
    servers.provider.say(
        Method::POST,
        "/token",
        Says::json(200, &json!({"access_token": "good-1", "expires_in": 3600, "refresh_token": "second"}))
            .slowly(Duration::from_millis(200)),
    );
    let channel = desk.channel("Shop").await;
    assert_eq!(channel.id, id);
    let ask = || sportello::channels::email::access::server(&desk.app, &channel, None);
    let asked = futures_util::future::join_all((0..10).map(|_| ask())).await;
    for server in asked {
        assert_eq!(server.expect("let in").expect("a server").credentials, Some(("shop".into(), "good-1".into())));
    }
    assert_eq!(servers.renewals().len(), 1);
}

#[tokio::test]
async fn an_admin_signs_in_on_the_mailboxs_page() {
    let servers = servers().await;
    let desk = ServedDesk::new().await;
    let admin = desk.agent("Ada", Role::Admin).await;
    let (imap_port, smtp_port) = (servers.imap.port.to_string(), servers.smtp.address.port().to_string());
    let (authorize, token) = (format!("{}/authorize", servers.provider.url), format!("{}/token", servers.provider.url));
    servers.imap.deliver("shop", &mail("anna@example.it", "Old", "old@example.it", "", "Old"));
    let form = form(&imap_port, &smtp_port, &authorize, &token, "sign_in");
    let without: Vec<(&str, &str)> = form.iter().copied().filter(|(name, _)| *name != "oauth_client_id").collect();
    let page = admin.post("/settings/mailboxes/new", &without).await.is(422);
    assert!(page.text("#oauth_client_id-error").contains("client ID"));
    let page = admin.post("/settings/mailboxes/new", &form).await.is(303);
    let url = url::Url::parse(&page.location.clone().expect("the provider's page")).expect("an address");
    let of = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).expect("a parameter");
    assert!(url.as_str().starts_with(&authorize));
    assert_eq!(of("scope"), "mail offline");
    assert_eq!(of("login_hint"), "shop@bottega.example");
    assert_eq!(of("redirect_uri"), format!("{}/settings/mailboxes/callback", desk.url));
    let cookie = page
        .headers
        .get("set-cookie")
        .and_then(|value| value.to_str().ok())
        .expect("a visit")
        .split(';')
        .next()
        .expect("a pair")
        .to_owned();
    let back = |state: String, cookie: String| {
        let request = admin.request(reqwest::Method::GET, &format!("/settings/mailboxes/callback?code=c1&state={state}"));
        async move { request.header("cookie", cookie).send().await.expect("an answer") }
    };
    assert_eq!(back("forged".into(), cookie.clone()).await.status().as_u16(), 400);
    let response = back(of("state"), cookie).await;
    assert_eq!(response.status().as_u16(), 200);
    let body = response.text().await.expect("a page");
    assert!(body.contains("id=\"trials\"") && body.contains("data-show"), "what came of it is brought into sight: {body}");
    for words in [
        "It works",
        "Signed in for incoming mail",
        "As shop, ",
        "New mail shows at once",
        "Signed in for outgoing mail",
        "still on its way",
    ] {
        assert!(body.contains(words), "{words}: {body}");
    }
    let asked = servers.renewals().remove(0).form();
    assert!(asked.contains(&("code".into(), "c1".into())) && asked.contains(&("client_secret".into(), "shh".into())), "{asked:?}");
    // Saving the page again keeps the sign-in; another server is not given it.
    let id = desk.channel("Shop").await.id;
    let saved: Vec<(&str, &str)> = form.iter().map(|&(name, value)| if name == "then" { (name, "save") } else { (name, value) }).collect();
    admin.post(&format!("/settings/mailboxes/{id}"), &saved).await.is(303);
    let tokens = |channel: sportello::desk::channels::Channel| channel.secrets::<serde_json::Value>(&desk.app.keys)["access_token"].clone();
    assert_eq!(tokens(desk.channel("Shop").await), "good-new");
    let elsewhere: Vec<(&str, &str)> =
        saved.iter().map(|&(name, value)| if name == "imap_host" { (name, "localhost") } else { (name, value) }).collect();
    admin.post(&format!("/settings/mailboxes/{id}"), &elsewhere).await.is(303);
    assert_eq!(tokens(desk.channel("Shop").await), "");
    // Nor is one that is named where none was.
    let sealed = sportello::desk::channels::seal(&desk.app.keys, &json!({"access_token": "good", "refresh_token": "x"})).expect("plain");
    let sql = "update channels set secrets = $1, settings = settings - 'smtp' where name = 'Shop'";
    sqlx::query(sql).bind(sealed).execute(&desk.app.db).await.expect("sql");
    let added: Vec<(&str, &str)> =
        elsewhere.iter().map(|&(name, value)| if name == "smtp_host" { (name, "::1") } else { (name, value) }).collect();
    admin.post(&format!("/settings/mailboxes/{id}"), &added).await.is(303);
    assert_eq!(tokens(desk.channel("Shop").await), "");
}
