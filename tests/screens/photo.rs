//! An agent's photo: uploaded, shown to everybody, removed.

use std::io::Cursor;

use reqwest::multipart::{Form, Part};
use sportello::desk::directory;
use sportello::desk::kinds::Role;
use sportello::ids::AgentId;

use crate::support::served::{Browser, Page, ServedDesk};

fn picture(format: image::ImageFormat) -> Vec<u8> {
    let picture =
        image::RgbImage::from_fn(300, 200, |x, y| image::Rgb([u8::try_from(x % 256).expect("small"), u8::try_from(y).expect("small"), 90]));
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).expect("a picture");
    bytes.into_inner()
}

async fn upload(browser: &Browser, bytes: Vec<u8>, name: &str) -> Page {
    browser.post_files("/profile/photo", Form::new().part("photo", Part::bytes(bytes).file_name(name.to_owned()))).await
}

#[tokio::test]
async fn everybody_sees_the_photo_until_it_is_removed() {
    let desk = ServedDesk::new().await;
    let agent = desk.agent("Giulia Moretti", Role::Agent).await;
    assert_eq!(agent.get("/profile").await.is(200).texts(".rail-foot .avatar"), ["GM"]);
    let mut addresses = Vec::new();
    for (format, name) in [(image::ImageFormat::Png, "io.png"), (image::ImageFormat::Jpeg, "io.jpg"), (image::ImageFormat::WebP, "io.webp")]
    {
        upload(&agent, picture(format), name).await.is(303);
        let page = agent.get("/profile").await.is(200);
        let address = page.attribute(".rail-foot .avatar img", "src");
        assert_eq!(page.attribute(".photo img", "src"), address);
        let seen = reqwest::get(format!("{}{address}", desk.url)).await.expect("an answer");
        assert_eq!(seen.status(), 200);
        assert_eq!(seen.headers()["content-type"], "image/jpeg");
        assert_eq!(seen.headers()["cache-control"], "public, max-age=31536000, immutable");
        assert_eq!(seen.headers()["cross-origin-resource-policy"], "cross-origin");
        let seen = image::load_from_memory(&seen.bytes().await.expect("a picture")).expect("a picture");
        assert_eq!((seen.width(), seen.height()), (192, 192));
        addresses.push(address);
    }
    let colleague = desk.agent("Anna", Role::Admin).await;
    assert_eq!(colleague.get("/settings/people").await.is(200).attributes(".cell .avatar img", "src"), addresses[2..]);
    assert_eq!(directory::get(&desk.app).await.expect("a database").photo(AgentId(1)), Some(addresses[2].as_str()));
    assert_ne!(addresses[0], addresses[1], "another picture has another address");
    desk.visitor().get(&addresses[1]).await.is(404);

    agent.post("/profile/photo/remove", &[]).await.is(303);
    desk.visitor().get(&addresses[2]).await.is(404);
    assert_eq!(agent.get("/profile").await.is(200).texts(".rail-foot .avatar"), ["GM"]);
}

#[tokio::test]
async fn what_is_no_photo_is_refused_in_words() {
    let desk = ServedDesk::new().await;
    let agent = desk.agent("Giulia Moretti", Role::Agent).await;
    let mut heavy = picture(image::ImageFormat::Png);
    heavy.resize(5_000_001, 0);
    let truncated = picture(image::ImageFormat::Png)[..900].to_vec();
    for (bytes, words) in [
        (b"hello".to_vec(), "not a picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec(), "not a picture"),
        (heavy, "larger than 5 MB"),
        (vec![0; 21_000_000], "larger than 5 MB"),
        (truncated, "cannot be read"),
        (Vec::new(), "Choose a picture"),
    ] {
        let page = upload(&agent, bytes, "io.png").await.is(422);
        assert!(page.text("#photo-error").contains(words), "{}", page.text("#photo-error"));
    }
    assert_eq!(desk.count("select count(*) from agents where photo is not null").await, 0);
    upload(&desk.visitor(), picture(image::ImageFormat::Png), "io.png").await.is(303);
    for path in ["/faces/1-0000000000000000.jpg", "/faces/1-.jpg", "/faces/x-y.jpg", "/faces/1.jpg", "/faces/1-0000000000000000.png"] {
        desk.visitor().get(path).await.is(404);
    }
}
