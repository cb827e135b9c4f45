//! What Twilio posts becomes a conversation: only with its signature, each message once.

use reqwest::Method;
use sportello::desk::kinds::IdentityKind;

use crate::support::providers::recorder::{Recorder, Says};
use crate::support::providers::twilio::{ACCOUNT, NUMBER, TOKEN, desk};

fn message<'a>(sid: &'a str, body: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("MessageSid", sid),
        ("AccountSid", ACCOUNT),
        ("From", "+393331234567"),
        ("To", NUMBER),
        ("Body", body),
        ("NumMedia", "0"),
        ("SmsStatus", "received"),
    ]
}

#[tokio::test]
async fn only_what_twilio_has_signed_is_taken() {
    let desk = desk().await;
    let hook = desk.hook();
    let form = message("SM1", "Ciao è pronto?");
    assert_eq!(desk.post_form(&form, &hook, "another-token").await.0, 403);
    assert_eq!(desk.post_form(&form, "https://elsewhere.example/hook", TOKEN).await.0, 403);
    let unsigned = reqwest::Client::new().post(&hook).form(&form).send().await.expect("an answer");
    assert_eq!(unsigned.status(), 403);
    assert_eq!(reqwest::get(&hook).await.expect("an answer").status(), 403);
    assert_eq!(desk.count("select count(*) from deliveries").await, 0);
    let (status, media_type, body) = desk.post_form(&form, &hook, TOKEN).await;
    assert_eq!((status.as_u16(), &*media_type, &*body), (200, "text/xml; charset=utf-8", "<Response></Response>"));
    desk.understood().await;
    // Signed without the port.
    let (host, port) = desk.url.rsplit_once(':').expect("a port");
    let bare = hook.replacen(&format!("{host}:{port}"), host, 1);
    assert_eq!(desk.post_form(&message("SM2", "Eccomi"), &bare, TOKEN).await.0, 200);
    desk.understood().await;
    desk.form(&form).await;
    let talk = desk.talk().await;
    assert_eq!(talk.iter().map(|message| &*message.body).collect::<Vec<_>>(), ["Ciao è pronto?", "Eccomi"]);
    let identity: (IdentityKind, String) =
        sqlx::query_as("select kind, address from identities").fetch_one(&desk.app.db).await.expect("a row");
    assert_eq!(identity, (IdentityKind::Phone, "+393331234567".to_owned()));
    let key: String =
        sqlx::query_scalar("select key from thread_keys where key like 'conversation:%'").fetch_one(&desk.app.db).await.expect("a row");
    assert_eq!(key, "conversation:sms:+393331234567");
}

#[tokio::test]
async fn pictures_are_fetched_with_the_password_that_storage_does_not_see() {
    let desk = desk().await;
    let storage = Recorder::new(|_| Says::bytes(200, "image/jpeg", b"jpeg!".to_vec())).await;
    desk.fake.say(Method::GET, "/media/ME1", Says::redirect(&format!("{}/store/1", storage.url)));
    let (one, two) = (format!("{}/media/ME1", desk.fake.url), format!("{}/foreign", storage.url));
    let mut form = message("SM1", "rotto");
    form.retain(|(name, _)| *name != "NumMedia");
    form.extend([
        ("NumMedia", "2"),
        ("MediaUrl0", &one),
        ("MediaContentType0", "image/jpeg"),
        ("MediaUrl1", &two),
        ("MediaContentType1", "image/png"),
    ]);
    desk.form(&form).await;
    assert_eq!(desk.count("select count(*) from attachments").await, 2);
    assert!(desk.fake.asked("/media/ME1")[0].header("authorization").starts_with("Basic "));
    assert_eq!(storage.asked("/store/1")[0].header("authorization"), "");
    assert_eq!(storage.asked("/foreign")[0].header("authorization"), "");
}

#[tokio::test]
async fn stop_is_respected_until_start() {
    let desk = desk().await;
    let agent = desk.bruno().await;
    desk.form(&message("SM1", "Ciao")).await;
    let mut stop = message("SM2", "Basta");
    stop.push(("OptOutType", "STOP"));
    desk.form(&stop).await;
    let refused = desk.try_answer(&agent, "Eccoci", &[], None).await.expect_err("blocked");
    assert!(refused.to_string().contains("blocked"), "{refused}");
    let mut start = message("SM3", "Di nuovo");
    start.push(("OptOutType", "START"));
    desk.form(&start).await;
    desk.try_answer(&agent, "Eccoci", &[], None).await.expect("queued");
}
