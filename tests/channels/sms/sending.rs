//! Answers leave through Twilio, and what becomes of them is told on the same hook.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use sportello::desk::kinds::DeliveryStatus;

use crate::support::providers::recorder::Says;
use crate::support::providers::twilio::{ACCOUNT, NUMBER, TOKEN, desk, refusal};
use crate::support::providers::whatsapp::NetworkDesk;

async fn with_question() -> (NetworkDesk, sportello::desk::agents::Agent) {
    let desk = desk().await;
    let agent = desk.bruno().await;
    desk.form(&[("MessageSid", "SM1"), ("From", "+393331234567"), ("To", NUMBER), ("Body", "Ciao"), ("NumMedia", "0")]).await;
    (desk, agent)
}

fn messages() -> String {
    format!("/2010-04-01/Accounts/{ACCOUNT}/Messages.json")
}

async fn tell(desk: &NetworkDesk, sid: &str, status: &str, code: &str) {
    let mut form = vec![("MessageSid", sid), ("SmsSid", sid), ("From", NUMBER), ("To", "+393331234567"), ("MessageStatus", status)];
    if !code.is_empty() {
        form.push(("ErrorCode", code));
    }
    desk.form(&form).await;
}

async fn sid(desk: &NetworkDesk) -> String {
    sqlx::query_scalar("select provider_id from message_parts").fetch_one(&desk.app.db).await.expect("a row")
}

#[tokio::test]
async fn a_text_leaves_and_is_followed() {
    let (desk, agent) = with_question().await;
    let (message, errors) = desk.answer(&agent, "È pronto").await;
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(message.delivery, Some(DeliveryStatus::Sent));
    let asked = desk.fake.asked("/Messages.json");
    assert_eq!((asked.len(), asked[0].path.clone()), (1, messages()));
    assert_eq!(asked[0].header("authorization"), format!("Basic {}", STANDARD.encode(format!("{ACCOUNT}:{TOKEN}"))));
    let hook = desk.hook();
    let pairs = [("To", "+393331234567"), ("From", NUMBER), ("Body", "È pronto"), ("StatusCallback", &*hook)];
    assert_eq!(asked[0].form(), pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let sid = sid(&desk).await;
    tell(&desk, &sid, "delivered", "").await;
    tell(&desk, &sid, "sent", "").await;
    tell(&desk, &sid, "queued", "").await;
    assert_eq!(desk.delivery(message.id).await, DeliveryStatus::Delivered);
}

#[tokio::test]
async fn what_does_not_arrive_says_why() {
    let (desk, agent) = with_question().await;
    let (message, _) = desk.answer(&agent, "È pronto").await;
    tell(&desk, &sid(&desk).await, "undelivered", "30005").await;
    let message = desk.message(message.id).await;
    assert_eq!(message.delivery, Some(DeliveryStatus::Failed));
    assert!(message.delivery_error.expect("a reason").contains("not in use"));
}

#[tokio::test]
async fn refusals_say_what_helps() {
    for (says, delivery, words) in [
        (refusal(400, 21_610, "Attempt to send to unsubscribed recipient"), DeliveryStatus::Failed, "START"),
        (refusal(400, 21_211, "Invalid 'To' Phone Number"), DeliveryStatus::Failed, "no telephone number"),
        (refusal(400, 21_408, "Permission to send an SMS has not been enabled"), DeliveryStatus::Failed, "Geo permissions"),
        (refusal(401, 20_003, "Authenticate"), DeliveryStatus::Queued, "connected again"),
        (Says::broken(), DeliveryStatus::Unsure, ""),
    ] {
        let (desk, agent) = with_question().await;
        desk.fake.say(Method::POST, &messages(), says);
        let (message, _) = desk.answer(&agent, "Eccoci").await;
        assert_eq!(message.delivery, Some(delivery));
        let reason = message.delivery_error.unwrap_or_default();
        assert!(reason.contains(words), "{reason}");
        assert_eq!(desk.fake.asked("/Messages.json").len(), 1);
    }
}

#[tokio::test]
async fn a_busy_twilio_is_asked_again() {
    for says in [refusal(429, 20_429, "Too Many Requests").with("retry-after", "5"), refusal(503, 20_500, "Busy")] {
        let (desk, agent) = with_question().await;
        desk.fake.say(Method::POST, &messages(), says);
        let (message, _) = desk.answer(&agent, "Eccoci").await;
        assert_eq!((message.delivery, desk.fake.asked("/Messages.json").len()), (Some(DeliveryStatus::Sent), 2));
    }
}

#[tokio::test]
async fn connecting_sets_the_numbers_hook() {
    let desk = desk().await;
    let health = desk.with_way(async |way| desk.network().check(way).await).await.expect("let in");
    assert_eq!((health.account, &*health.id), (format!("Bottega ({NUMBER})"), NUMBER));
    let set = desk.fake.asked("/IncomingPhoneNumbers/PN1.json");
    assert_eq!(set[0].form(), [("SmsUrl".to_owned(), desk.hook()), ("SmsMethod".to_owned(), "POST".to_owned())]);
    desk.fake.say(Method::GET, "/2010-04-01/Accounts/", refusal(401, 20_003, "Authenticate"));
    assert_eq!(desk.with_way(async |way| desk.network().check(way).await).await.expect_err("refused").class(), "sign_in");
}
