//! Tokens end: each is renewed once, whoever needs it, and what came with it is kept.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::{Map, Value, json};
use sportello::channels::wire::oauth;
use sportello::channels::x::settings::Settings;
use sportello::desk::changes::Change;
use sportello::desk::channels::{self, seal};
use sportello::desk::kinds::DeliveryStatus;
use sportello::desk::networks::Fault;

use crate::support::providers::recorder::Says;
use crate::support::providers::whatsapp::NetworkDesk;
use crate::support::providers::x::{desk, dm, id_now, problem, secrets, tokens};

const TOKEN: &str = "/2/oauth2/token";

async fn renew(desk: &NetworkDesk, used: &str) -> Result<String, Fault> {
    desk.with_way(async |way| oauth::renew(way, &Settings::of(way.channel).provider("client-secret"), used).await).await
}

async fn stored(desk: &NetworkDesk) -> Map<String, Value> {
    desk.row().await.secrets(&desk.app.keys)
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_and_the_call_made_again() {
    let desk = desk().await;
    let agent = desk.bruno().await;
    desk.bring(&dm(&id_now(1), "Ciao?", &Value::Null)).await;
    desk.fake.say(Method::POST, "/2/dm_conversations/", problem(401, "Unauthorized", "Unauthorized"));
    desk.fake.say(Method::POST, TOKEN, Says::json(200, &tokens("access-2", "refresh-2")));
    let (message, errors) = desk.answer(&agent, "Eccoci").await;
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(message.delivery, Some(DeliveryStatus::Sent));
    let asked = desk.fake.asked(TOKEN);
    assert_eq!(asked.len(), 1);
    let pairs = [("grant_type", "refresh_token"), ("refresh_token", "refresh-1"), ("client_id", "client-1")];
    assert_eq!(asked[0].form(), pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(asked[0].header("authorization"), format!("Basic {}", STANDARD.encode("client-1:client-secret")));
    let calls = desk.fake.asked("/2/dm_conversations/");
    assert_eq!(calls.iter().map(|call| call.header("authorization")).collect::<Vec<_>>(), ["Bearer user-token", "Bearer access-2"]);
    let kept = stored(&desk).await;
    assert_eq!((&kept["access_token"], &kept["refresh_token"]), (&json!("access-2"), &json!("refresh-2")));
    assert_eq!(kept["consumer_secret"], secrets()["consumer_secret"], "nothing else is touched");
}

#[tokio::test]
async fn a_token_that_ends_soon_is_renewed_before() {
    let desk = desk().await;
    desk.fake.say(
        Method::POST,
        TOKEN,
        Says::json(200, &json!({ "access_token": "short", "expires_in": 60, "refresh_token": "refresh-2" })),
    );
    assert_eq!(renew(&desk, "user-token").await.expect("renewed"), "short");
    desk.fake.say(Method::POST, TOKEN, Says::json(200, &tokens("long", "refresh-3")));
    desk.with_way(async |way| desk.network().check(way).await).await.expect("let in");
    let asked = desk.fake.asked(TOKEN);
    assert_eq!((asked.len(), &*asked[1].form()[1].1), (2, "refresh-2"));
    assert_eq!(desk.fake.asked("/2/users/me")[0].header("authorization"), "Bearer long");
}

#[tokio::test]
async fn one_that_comes_without_its_successor_keeps_the_old() {
    let desk = desk().await;
    desk.fake.say(Method::POST, TOKEN, Says::json(200, &json!({ "access_token": "access-2", "expires_in": 7200 })));
    assert_eq!(renew(&desk, "user-token").await.expect("renewed"), "access-2");
    assert_eq!(stored(&desk).await["refresh_token"], "refresh-1");
}

#[tokio::test]
async fn many_who_need_it_at_once_renew_it_once() {
    let desk = desk().await;
    // A second use of the same would be the end of the sign-in.
    desk.fake.say(Method::POST, TOKEN, Says::json(200, &tokens("access-2", "refresh-2")).slowly(Duration::from_millis(300)));
    desk.fake.say(Method::POST, TOKEN, Says::json(400, &json!({ "error": "invalid_grant" })));
    let all = futures_util::future::join_all((0..8).map(|_| renew(&desk, "user-token"))).await;
    assert!(all.iter().all(|one| one.as_deref().ok() == Some("access-2")), "{all:?}");
    assert_eq!(desk.fake.asked(TOKEN).len(), 1);
}

#[tokio::test]
async fn what_was_given_out_is_kept_though_nobody_waits_for_it_any_more() {
    let desk = desk().await;
    desk.fake.say(Method::POST, TOKEN, Says::json(200, &tokens("access-2", "refresh-2")).slowly(Duration::from_millis(400)));
    let given_up = tokio::time::timeout(Duration::from_millis(150), renew(&desk, "user-token")).await;
    assert!(given_up.is_err(), "the call that needed it has ended");
    assert_eq!(renew(&desk, "user-token").await.expect("renewed"), "access-2");
    assert_eq!(stored(&desk).await["refresh_token"], "refresh-2");
    assert_eq!(desk.fake.asked(TOKEN).len(), 1);
}

#[tokio::test]
async fn another_process_that_renews_it_is_waited_for() {
    let desk = desk().await;
    // The other process: it holds the lock while it asks, then keeps what it was given.
    let mut other = Change::begin(&desk.app).await.expect("a database");
    channels::lock_sign_in(&mut other, desk.channel).await.expect("a lock");
    let waiting = renew(&desk, "user-token");
    let renewing = async {
        tokio::time::sleep(Duration::from_millis(400)).await;
        assert!(desk.fake.asked(TOKEN).is_empty(), "it was not waited for");
        let mut all = stored(&desk).await;
        all.insert("access_token".to_owned(), json!("theirs"));
        all.insert("refresh_token".to_owned(), json!("refresh-theirs"));
        let sealed = seal(&desk.app.keys, &all).expect("sealed");
        channels::set_secrets(&mut other, desk.channel, &sealed).await.expect("a row");
        other.commit().await.expect("a database");
    };
    let (token, ()) = tokio::join!(waiting, renewing);
    assert_eq!(token.expect("a token"), "theirs");
    assert!(desk.fake.asked(TOKEN).is_empty());
}

#[tokio::test]
async fn what_the_provider_says_decides_whether_the_sign_in_is_lost() {
    for (says, class) in [
        (Says::json(400, &json!({ "error": "invalid_grant", "error_description": "Token has been expired or revoked." })), "sign_in"),
        (
            Says::json(400, &json!({ "error": "invalid_request", "error_description": "Value passed for the token was invalid." })),
            "sign_in",
        ),
        (Says::json(401, &json!({ "error": "unauthorized_client" })), "sign_in"),
        (Says::json(429, &json!({})).with("retry-after", "7"), "later"),
        (Says::json(503, &json!({})), "later"),
        (Says::bytes(200, "text/html", b"<html>".to_vec()), "later"),
        (Says::broken(), "later"),
    ] {
        let desk = desk().await;
        desk.fake.say(Method::POST, TOKEN, says);
        assert_eq!(renew(&desk, "user-token").await.expect_err("refused").class(), class);
        assert_eq!(stored(&desk).await["refresh_token"], "refresh-1");
    }
}

#[tokio::test]
async fn tokens_that_an_admin_enters_meanwhile_stay() {
    let desk = desk().await;
    desk.fake.say(Method::POST, TOKEN, Says::json(200, &tokens("access-2", "refresh-2")).slowly(Duration::from_millis(500)));
    let entering = async {
        while desk.fake.asked(TOKEN).is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let mut all = stored(&desk).await;
        all.insert("refresh_token".to_owned(), json!("entered"));
        let mut change = Change::begin(&desk.app).await.expect("a database");
        channels::set_secrets(&mut change, desk.channel, &seal(&desk.app.keys, &all).expect("sealed")).await.expect("a row");
        change.commit().await.expect("a database");
    };
    let (renewed, ()) = tokio::join!(renew(&desk, "user-token"), entering);
    assert_eq!(renewed.expect("a token"), "access-2");
    assert_eq!(stored(&desk).await["refresh_token"], "entered");
}
