//! Mail that services bring by webhook, signed as theirs is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::json;
use sha2::Sha256;

use super::mail;
use crate::support::served::ServedDesk;

async fn mailbox(desk: &ServedDesk, service: &str, key: &str) -> String {
    let settings = json!({"acknowledge": false, "hook": service});
    let secrets = json!({"hook_secret": "s3cret", "hook_key": key});
    let id = desk.mailbox_with_secrets("In", "in@bottega.example", settings, Some(secrets)).await;
    format!("{}/hooks/mail/{service}/{id}/s3cret", desk.url)
}

fn raw(id: &str) -> String {
    String::from_utf8(mail("Anna <anna@example.it>", "Order", id, "", "Where is it?")).expect("text")
}

async fn status(request: reqwest::RequestBuilder) -> u16 {
    request.send().await.expect("an answer").status().as_u16()
}

#[tokio::test]
async fn mailgun_is_known_by_its_signature() {
    let desk = ServedDesk::new().await;
    let address = format!("{}/mime", mailbox(&desk, "mailgun", "mg-signing-key").await);
    let http = reqwest::Client::new();
    let sign = |timestamp: &str, token: &str| {
        let mut mac = Hmac::<Sha256>::new_from_slice(b"mg-signing-key").expect("a key");
        mac.update(format!("{timestamp}{token}").as_bytes());
        hex::encode(mac.finalize().into_bytes())
    };
    let now = jiff::Timestamp::now().as_second().to_string();
    let send = |timestamp: String, token: &str, signature: String, raw: String| {
        let form = [
            ("recipient", "in@bottega.example".to_owned()),
            ("sender", "anna@example.it".to_owned()),
            ("timestamp", timestamp),
            ("token", token.to_owned()),
            ("signature", signature),
            ("body-mime", raw),
        ];
        http.post(&address).form(&form)
    };
    let token = "0123456789".repeat(5);
    assert_eq!(status(send(now.clone(), &token, "00".repeat(32), raw("g1@example.it"))).await, 401);
    let old = (jiff::Timestamp::now().as_second() - 20 * 3600).to_string();
    assert_eq!(status(send(old.clone(), &token, sign(&old, &token), raw("g1@example.it"))).await, 401);
    assert_eq!(status(send(now.clone(), &token, sign(&now, &token), raw("g1@example.it"))).await, 200);
    // Brought again, as after an answer that was lost; and with the same token under another mail.
    assert_eq!(status(send(now.clone(), &token, sign(&now, &token), raw("g1@example.it"))).await, 200);
    assert_eq!(status(send(now.clone(), &token, sign(&now, &token), raw("g2@example.it"))).await, 401);
    desk.understood().await;
    assert_eq!(desk.count("select count(*) from messages where provider_id = 'g1@example.it'").await, 1);
    assert_eq!(desk.count("select count(*) from messages").await, 1);
    // Without the raw mail it says on the mailbox's page what to do.
    let other = "9876543210".repeat(5);
    assert_eq!(status(send(now.clone(), &other, sign(&now, &other), String::new())).await, 422);
    assert!(desk.channel("In").await.last_error.expect("words").contains("mime"));
    let wrong = address.replace("s3cret", "guess");
    assert_eq!(status(http.post(&wrong).form(&[("token", "x")])).await, 404);
}

#[tokio::test]
async fn postmark_is_known_by_its_secret_address() {
    let desk = ServedDesk::new().await;
    let address = mailbox(&desk, "postmark", "").await;
    let http = reqwest::Client::new();
    let body = json!({"From": "anna@example.it", "OriginalRecipient": "in@bottega.example", "MessageID": "22c74902", "RawEmail": raw("p1@example.it")});
    assert_eq!(status(http.post(&address).json(&body)).await, 200);
    assert_eq!(status(http.post(&address).json(&body)).await, 200);
    assert_eq!(status(http.post(&address).json(&json!({"From": "anna@example.it", "TextBody": "Ciao"}))).await, 422);
    assert_eq!(status(http.post(address.replace("postmark", "mailgun")).json(&body)).await, 404);
    // SendGrid throws away what it is refused, so it is asked to come again: the mailbox may just be changing from one service to another.
    assert_eq!(status(http.post(address.replace("postmark", "sendgrid")).json(&body)).await, 503);
    assert_eq!(status(http.post(address.replace("postmark", "sendgrid").replace("s3cret", "guess")).json(&body)).await, 503);
    assert_eq!(status(http.post(address.replace("s3cret", "guess")).json(&body)).await, 404);
    desk.understood().await;
    assert_eq!(desk.count("select count(*) from messages").await, 1);
    assert_eq!(desk.count("select count(*) from deliveries where envelope_to = '{in@bottega.example}'").await, 2);
}

#[tokio::test]
async fn sendgrid_is_known_by_its_signature_where_it_signs() {
    let desk = ServedDesk::new().await;
    let random = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).expect("a key");
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref(), &random).expect("a key");
    // As SendGrid shows it: the key with what names its kind before it.
    let mut spki = hex::decode("3059301306072a8648ce3d020106082a8648ce3d030107034200").expect("hex");
    spki.extend_from_slice(pair.public_key().as_ref());
    let address = mailbox(&desk, "sendgrid", &STANDARD.encode(&spki)).await;
    let boundary = "xYzZY";
    let part = |name: &str, value: &str| format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    let envelope = r#"{"to":["in@bottega.example"],"from":"anna@example.it"}"#;
    let body = format!("{}{}--{boundary}--\r\n", part("envelope", envelope), part("email", &raw("s1@example.it")));
    let http = reqwest::Client::new();
    let send = |body: &str, signature: &[u8]| {
        http.post(&address)
            .header("content-type", format!("multipart/form-data; boundary={boundary}"))
            .header("X-Twilio-Email-Event-Webhook-Timestamp", "1791000000")
            .header("X-Twilio-Email-Event-Webhook-Signature", STANDARD.encode(signature))
            .body(body.to_owned())
    };
    let right = pair.sign(&random, format!("1791000000{body}").as_bytes()).expect("signed");
    let wrong = pair.sign(&random, body.as_bytes()).expect("signed");
    // At a 4xx it would throw the mail away; the key may just be entered wrong.
    assert_eq!(status(send(&body, wrong.as_ref())).await, 503);
    assert_eq!(status(send(&body, right.as_ref())).await, 200);
    desk.understood().await;
    assert_eq!(desk.count("select count(*) from messages where provider_id = 's1@example.it'").await, 1);
    // The same without the raw mail: it waits at SendGrid until the box is ticked there.
    let body = format!("{}--{boundary}--\r\n", part("envelope", envelope));
    let signature = pair.sign(&random, format!("1791000000{body}").as_bytes()).expect("signed");
    assert_eq!(status(send(&body, signature.as_ref())).await, 503);
    assert!(desk.channel("In").await.last_error.expect("words").contains("raw, full MIME"));
    // A mail with photographs is larger than a form mostly is.
    let large = part("email", &format!("{}{}", raw("s2@example.it"), "Words.\r\n".repeat(600_000)));
    let body = format!("{}{large}--{boundary}--\r\n", part("envelope", envelope));
    let signature = pair.sign(&random, format!("1791000000{body}").as_bytes()).expect("signed");
    assert_eq!(status(send(&body, signature.as_ref())).await, 200);
}
