//! Files come and go by Meta's ids.

use reqwest::Method;
use serde_json::json;
use sportello::desk::envelope::IncomingFile;
use sportello::desk::files::{self, StoredFile};
use sportello::desk::kinds::DeliveryStatus;

use crate::support::providers::recorder::{Recorder, Says};
use crate::support::providers::whatsapp::{NUMBER, NetworkDesk, TOKEN, desk, refusal, said, wrote};

fn picture() -> serde_json::Value {
    said("wamid.P", &json!({ "type": "image", "image": { "id": "1088", "mime_type": "image/jpeg", "caption": "rotto" } }))
}

fn found(desk: &NetworkDesk, size: u64) -> Says {
    let url = format!("{}/attachments/?mid=1088", desk.fake.url);
    Says::json(200, &json!({ "messaging_product": "whatsapp", "url": url, "mime_type": "image/jpeg", "file_size": size, "id": "1088" }))
}

async fn kept(desk: &NetworkDesk) -> Vec<(String, String, i64)> {
    sqlx::query_as("select name, media_type, size from attachments order by id").fetch_all(&desk.app.db).await.expect("rows")
}

async fn missing(desk: &NetworkDesk) -> Vec<String> {
    let talk = desk.talk().await;
    assert_eq!(&*talk[0].body, "rotto");
    talk[0].extras().missing
}

#[tokio::test]
async fn a_file_is_fetched_with_the_token() {
    let desk = desk().await;
    desk.fake.say(Method::GET, "/v25.0/1088", found(&desk, 5));
    desk.fake.say(Method::GET, "/attachments/", Says::bytes(200, "image/jpeg", b"jpeg!".to_vec()));
    desk.post(&picture()).await;
    assert_eq!(kept(&desk).await, [("photo.jpg".to_owned(), "image/jpeg".to_owned(), 5)]);
    assert_eq!(desk.fake.asked("/1088")[0].query("phone_number_id").as_deref(), Some(NUMBER));
    assert_eq!(desk.fake.asked("/attachments/")[0].header("authorization"), format!("Bearer {TOKEN}"));
}

#[tokio::test]
async fn the_token_does_not_go_where_a_redirect_leads() {
    let desk = desk().await;
    let storage = Recorder::new(|_| Says::bytes(200, "image/jpeg", b"elsewhere".to_vec())).await;
    desk.fake.say(Method::GET, "/v25.0/1088", found(&desk, 9));
    desk.fake.say(Method::GET, "/attachments/", Says::redirect(&format!("{}/store/1", storage.url)));
    desk.post(&picture()).await;
    assert_eq!(kept(&desk).await.len(), 1);
    assert_eq!(storage.asked("/store/1")[0].header("authorization"), "");
}

#[tokio::test]
async fn what_cannot_be_fetched_is_said_and_the_words_stay() {
    let desk_of = async |media: Option<Says>, file: Option<Says>| {
        let desk = desk().await;
        let media = media.unwrap_or_else(|| found(&desk, 5));
        desk.fake.say(Method::GET, "/v25.0/1088", media);
        if let Some(file) = file {
            desk.fake.say(Method::GET, "/attachments/", file);
        }
        desk.post(&picture()).await;
        assert_eq!(kept(&desk).await.len(), 0);
        missing(&desk).await.join("\n")
    };
    let expired = desk_of(Some(refusal(400, 131_052, "Media download error")), None).await;
    assert!(expired.contains("ask the customer to send it again"), "{expired}");
    let gone = desk_of(None, Some(Says::json(404, &json!({})))).await;
    assert!(gone.contains("404"), "{gone}");
    let locked = desk_of(None, Some(Says::json(401, &json!({})))).await;
    assert!(locked.contains("401"), "{locked}");
}

#[tokio::test]
async fn what_is_too_large_is_not_even_fetched() {
    let desk = desk().await;
    desk.fake.say(Method::GET, "/v25.0/1088", found(&desk, 90 << 20));
    desk.post(&picture()).await;
    assert!(missing(&desk).await[0].contains("larger"));
    assert_eq!(desk.fake.asked("/attachments/").len(), 0);
}

#[tokio::test]
async fn a_busy_server_is_asked_again() {
    let desk = desk().await;
    desk.fake.say(Method::GET, "/v25.0/1088", refusal(500, 131_000, "Something went wrong"));
    desk.fake.say(Method::GET, "/v25.0/1088", found(&desk, 5));
    desk.fake.say(Method::GET, "/attachments/", Says::bytes(200, "image/jpeg", b"jpeg!".to_vec()));
    desk.post(&picture()).await;
    assert_eq!(kept(&desk).await.len(), 1);
}

#[tokio::test]
async fn files_are_brought_to_meta_and_sent_by_their_id() {
    let desk = desk().await;
    let agent = desk.bruno().await;
    desk.post(&wrote("wamid.A", "La fattura?")).await;
    let ticket = desk.ticket().await;
    for (name, media_type) in [("fattura.pdf", "application/pdf"), ("foto.jpg", "image/jpeg"), ("voce.ogg", "audio/ogg")] {
        let file = IncomingFile {
            name: name.to_owned(),
            media_type: media_type.to_owned(),
            bytes: name.as_bytes().to_vec(),
            content_id: None,
            inline: false,
        };
        let stored = StoredFile::store(&desk.app, &file).await.expect("a blob");
        let mut db = desk.app.db.acquire().await.expect("a database");
        files::add_upload(&mut db, ticket, agent.id, &stored).await.expect("a row");
    }
    let upload = format!("/v25.0/{NUMBER}/media");
    for id in ["m1", "m2", "m3"] {
        desk.fake.say(Method::POST, &upload, Says::json(200, &json!({ "id": id })));
    }
    let (message, errors) = desk.answer(&agent, "Eccola").await;
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(message.delivery, Some(DeliveryStatus::Sent));
    let uploads = desk.fake.asked("/media");
    let first = uploads[0].text();
    assert!(
        first.contains("name=\"messaging_product\"\r\n\r\nwhatsapp") && first.contains("name=\"type\"\r\n\r\napplication/pdf"),
        "{first}"
    );
    assert!(first.contains("filename=\"fattura.pdf\"\r\nContent-Type: application/pdf"), "{first}");
    let sent: Vec<_> = desk.fake.asked("/messages").iter().map(|asked| asked.json()).collect();
    assert_eq!(sent[0]["document"], json!({ "id": "m1", "filename": "fattura.pdf", "caption": "Eccola" }));
    assert_eq!((&sent[1]["type"], &sent[1]["image"]), (&json!("image"), &json!({ "id": "m2" })));
    assert_eq!((&sent[2]["type"], &sent[2]["audio"]), (&json!("audio"), &json!({ "id": "m3" })));
}
