//! Making a chat in the browser, and what comes of it on the shop's pages.

use std::io::Read as _;

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use scraper::{ElementRef, Html, Selector};
use serde_json::{Value, json};
use sportello::channels::chat::settings::{Before, Field, Secrets, Settings, Side};
use sportello::desk::channels::{self, Channel};
use sportello::desk::kinds::{ChannelKind, Role};
use sportello::i18n::Language;

use crate::support::chat_desk::ChatDesk;
use crate::support::served::{Page, ServedDesk};

/// One of everything, as a browser sends it.
const ALL: [(&str, &str); 34] = [
    ("name", "Website"),
    ("key", "web"),
    ("enabled", "1"),
    ("language", "it"),
    ("language", "de"),
    ("accent", "#0F6FDE"),
    ("position", "left"),
    ("greeting.it", "Buongiorno!"),
    ("greeting.de", "Guten Tag!"),
    ("greeting.fr", "Bonjour !"),
    ("before", "required"),
    ("field", "topic"),
    ("field", "name"),
    ("topics", "3"),
    ("topic.0.label.it", "Ordine"),
    ("topic.1.label.it", "Reso"),
    ("topic.1.label.de", "Rückgabe"),
    ("consent.it", "Accetto"),
    ("greetings", "2"),
    ("greeting.0.text.it", "Serve aiuto?"),
    ("greeting.0.text.fr", "Besoin d’aide ?"),
    ("greeting.0.url", "/checkout"),
    ("greeting.0.seconds", "20"),
    ("greeting.0.min_cart", "80"),
    ("greeting.1.text.it", ""),
    ("queue_limit", "4"),
    ("form", ""),
    ("help", "https://shop.example/aiuto"),
    ("privacy", "https://shop.example/privacy"),
    ("origins", "shop.example\nhttps://b2b.shop.example/contact"),
    ("team", ""),
    ("topic.0.team", ""),
    ("topic.0.key", ""),
    ("do", "save"),
];

async fn stored(desk: &ServedDesk, key: &str) -> Channel {
    let mut db = desk.app.db.acquire().await.expect("a database");
    channels::find_by_address(&mut db, ChannelKind::Chat, key).await.expect("a database").expect("a chat")
}

/// Fails where the page needs what its own policy forbids.
fn assert_plain(page: &Page) {
    let html = Html::parse_document(&page.body);
    for element in html.select(&Selector::parse("*").expect("a selector")) {
        let name = element.value().name();
        assert!(name != "style" && (name != "script" || element.attr("src").is_some()), "inline {name}");
        for (attribute, _) in element.value().attrs() {
            assert!(attribute != "style" && !attribute.starts_with("on"), "inline {attribute} on {name}");
        }
    }
}

/// What a browser sends when the editor's form is sent as it stands.
fn form_of(page: &Page) -> Vec<(String, String)> {
    let html = Html::parse_document(&page.body);
    let selector = Selector::parse("#name").expect("a selector");
    let form =
        html.select(&selector).flat_map(|name| name.ancestors().filter_map(ElementRef::wrap)).find(|node| node.value().name() == "form");
    let controls = Selector::parse("input, textarea, select").expect("a selector");
    let chosen = Selector::parse("option[selected], option").expect("a selector");
    let sent = form.expect("a form").select(&controls).filter_map(|control| {
        let value = |node: ElementRef| node.attr("value").unwrap_or_default().to_owned();
        let kind = control.attr("type").unwrap_or_default();
        let value = match control.value().name() {
            "textarea" => control.text().collect(),
            "select" => control.select(&chosen).max_by_key(|option| option.attr("selected").is_some()).map(value)?,
            _ if matches!(kind, "checkbox" | "radio") && control.attr("checked").is_none() => return None,
            _ => value(control),
        };
        Some((control.attr("name")?.to_owned(), value))
    });
    sent.collect()
}

/// The settings in a loader.
fn config(script: &str) -> Value {
    let start = script.find("{\"accent\":").expect("settings");
    serde_json::Deserializer::from_str(&script[start..]).into_iter().next().expect("settings").expect("JSON")
}

#[tokio::test]
async fn a_chat_is_made_without_a_script_and_shown_on_the_shops_pages() {
    let desk = ServedDesk::new().await;
    let admin = desk.agent("Chiara Bellini", Role::Admin).await;
    assert!(admin.get("/settings/chats").await.body.contains("No chat yet"));
    let blank = admin.get("/settings/chats/new").await;
    assert_eq!(blank.status, 200);

    let mut fields = ALL.to_vec();
    *fields.last_mut().expect("a button") = ("do", "topic-down:0");
    let moved = admin.post("/settings/chats/new", &fields).await;
    assert_eq!(moved.status, 200, "{}", moved.body);
    assert_eq!(moved.attribute("[name='topic.0.label.it']", "value"), "Reso");
    assert_eq!(moved.attribute("[name='greeting.fr']", "value"), "Bonjour !", "a language that is not offered is kept");
    *fields.last_mut().expect("a button") = ("do", "greeting-add");
    let added = admin.post("/settings/chats/new", &fields).await;
    assert_eq!(added.texts("details[id^=greeting-]").len(), 3);

    let saved = admin.post("/settings/chats/new", &ALL).await;
    assert_eq!(saved.status, 303, "{}", saved.body);
    let path = saved.location.expect("a page");
    let settings = Settings::of(&stored(&desk, "web").await);
    assert_eq!(settings.languages, [Language::It, Language::De]);
    assert_eq!((settings.accent.as_str(), settings.position, settings.before), ("#0f6fde", Side::Left, Before::Required));
    assert_eq!(settings.fields, [Field::Name, Field::Topic]);
    assert_eq!(settings.topics.iter().map(|topic| topic.key.as_str()).collect::<Vec<_>>(), ["ordine", "reso"], "no empty line is kept");
    assert_eq!((settings.queue_limit, settings.callback), (4, false));
    assert_eq!(settings.origins, ["https://shop.example", "https://b2b.shop.example"]);

    // What is shown is what was saved, and saving it again changes nothing.
    let shown = admin.get(&path).await;
    assert_plain(&shown);
    assert_eq!(shown.text("#snippet"), format!("<script async src=\"{}/chat/web/widget.js\"></script>", desk.url));
    let again = form_of(&shown);
    let again: Vec<(&str, &str)> = again.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain([("do", "save")]).collect();
    let saved = admin.post(&path, &again).await;
    assert_eq!(saved.status, 303, "{}", saved.body);
    assert_eq!(Settings::of(&stored(&desk, "web").await), settings);

    let visitor = desk.visitor();
    let script = visitor.get("/chat/web/widget.js").await;
    let config = config(&script.body);
    assert_eq!(config["languages"], json!(["it", "de"]));
    assert_eq!((&config["accent"], &config["position"]), (&json!("#0f6fde"), &json!("left")));
    let rule = &config["greetings"][0];
    assert_eq!(rule["text"], json!({ "it": "Serve aiuto?" }), "only in languages that the chat speaks");
    assert_eq!((&rule["url"], &rule["seconds"], &rule["min_cart"]), (&json!("/checkout"), &json!(20), &json!(80)));
    let frame = visitor.get("/chat/web/frame?lang=de").await;
    assert!(frame.body.contains("Guten Tag!") && frame.body.contains("https://shop.example/privacy"));
    let policy = frame.headers["content-security-policy"].to_str().expect("a policy");
    assert!(policy.ends_with("frame-ancestors 'self' https://shop.example https://b2b.shop.example"), "{policy}");

    let list = admin.get("/settings/chats").await;
    assert!(list.body.contains("Website") && list.body.contains("Switched on"));
    assert!(admin.get("/settings/channels").await.body.contains(&path));
}

#[tokio::test]
async fn what_is_wrong_is_named_and_nothing_typed_is_lost() {
    let desk = ChatDesk::new().await;
    let admin = desk.agent("Chiara Bellini", Role::Admin).await;
    let before = Settings::of(&stored(&desk, "shop").await);
    let path = admin.get("/settings/chats").await.attribute("td a", "href");
    let wrong = [
        ("name", ""),
        ("key", "Not a key"),
        ("accent", "red"),
        ("before", "optional"),
        ("topics", "1"),
        ("topic.0.key", "order"),
        ("greetings", "2"),
        ("greeting.0.text.en", "Hello?"),
        ("greeting.0.seconds", "soon"),
        ("greeting.1.url", "/cart"),
        ("queue_limit", "-1"),
        ("help", "http://shop.example/help"),
        ("privacy", "javascript:alert(1)"),
        ("origins", "*"),
        ("do", "save"),
    ];
    let page = admin.post(&path, &wrong).await;
    assert_eq!(page.status, 422);
    let named = [
        "#name",
        "#key",
        "#languages",
        "#accent",
        "#topic-0",
        "#greeting-0",
        "#greeting-1",
        "#fields",
        "#queue_limit",
        "#help",
        "#privacy",
        "#origins",
    ];
    assert_eq!(page.attributes("#problems a", "href"), named);
    for (name, value) in [("key", "Not a key"), ("accent", "red"), ("greeting.0.seconds", "soon"), ("help", "http://shop.example/help")] {
        assert_eq!(page.attribute(&format!("[name='{name}']"), "value"), value);
    }
    for anchor in named {
        assert_eq!(page.texts(anchor).len(), 1, "{anchor} leads somewhere");
    }
    assert_eq!(Settings::of(&stored(&desk, "shop").await), before);

    let mut twice = ALL.to_vec();
    twice[1] = ("key", "shop");
    twice[0] = ("name", "Another");
    let page = admin.post("/settings/chats/new", &twice).await;
    assert_eq!((page.status.as_u16(), page.attributes("#problems a", "href")), (422, vec!["#key".to_owned()]));
}

#[tokio::test]
async fn only_admins_change_chats() {
    let desk = ChatDesk::new().await;
    let id = stored(&desk, "shop").await.id;
    let lead = desk.agent("Marta Lead", Role::Lead).await;
    let pages = ["", "/install", "/preview"].map(|page| format!("/settings/chats/{id}{page}"));
    for path in pages.iter().map(String::as_str).chain(["/settings/chats", "/settings/chats/new"]) {
        assert_eq!(lead.get(path).await.status, 403, "{path}");
        assert_eq!(desk.visitor().get(path).await.status, 303, "{path}");
    }
    for path in ["", "/secret", "/secret/new", "/photo/remove"].map(|page| format!("/settings/chats/{id}{page}")) {
        let answer = lead.post(&path, &ALL).await;
        assert_eq!(answer.status, 403, "{path}");
        assert!(!answer.body.contains("shop-secret"));
    }
}

#[tokio::test]
async fn the_secret_is_shown_on_demand_made_once_and_replaced() {
    let desk = ServedDesk::new().await;
    let admin = desk.agent("Chiara Bellini", Role::Admin).await;
    let path = admin.post("/settings/chats/new", &ALL).await.location.expect("a page");
    let secret = async || stored(&desk, "web").await.secrets::<Secrets>(&desk.app.keys).identity;
    assert_eq!(secret().await, "");
    let page = admin.get(&format!("{path}/install")).await;
    assert_plain(&page);
    assert_eq!(page.texts("#secret").len(), 0);
    assert!(page.body.contains(&format!("script-src {0}; frame-src {0}", desk.url)));

    let shown = admin.post(&format!("{path}/secret"), &[]).await;
    let first = secret().await;
    assert_eq!((first.len(), shown.texts("#secret")), (32, vec![first.clone()]));
    assert_eq!(admin.post(&format!("{path}/secret"), &[]).await.texts("#secret"), [first.as_str()], "the same as before");
    assert!(!admin.get(&format!("{path}/install")).await.body.contains(&first));

    // Saving settings leaves it alone; asked for, it is another.
    assert_eq!(admin.post(&path, &ALL).await.status, 303);
    assert_eq!(secret().await, first);
    assert_eq!(admin.post(&format!("{path}/secret/new"), &[]).await.status, 303);
    let second = secret().await;
    assert!(second.len() == 32 && second != first);
    let hello = |hash: String| json!({ "id": "4711", "name": "Anna", "hash": hash });
    let sign = |secret: &str| {
        use hmac::{KeyInit as _, Mac as _};
        let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).expect("any key");
        mac.update(b"4711");
        hex::encode(mac.finalize().into_bytes())
    };
    for (secret, status) in [(&first, 422), (&second, 200)] {
        let request = desk.visitor().request(Method::POST, "/chat/web/identify").json(&hello(sign(secret)));
        assert_eq!(request.send().await.expect("an answer").status(), status);
    }
}

#[tokio::test]
async fn a_chat_that_is_switched_off_says_so_in_the_console_only() {
    let desk = ChatDesk::new().await;
    let admin = desk.agent("Chiara Bellini", Role::Admin).await;
    let id = stored(&desk, "shop").await.id;
    let preview = admin.get(&format!("/settings/chats/{id}/preview?lang=de")).await;
    assert_plain(&preview);
    assert_eq!(preview.attribute("html", "lang"), "de");
    assert_eq!(preview.attributes("script[async]", "src").len(), 1);
    let policy = preview.headers["content-security-policy"].to_str().expect("a policy");
    assert!(policy.contains("script-src 'self';") && policy.contains("frame-ancestors 'self'") && policy.contains(&desk.url), "{policy}");
    let script = preview.attribute("script[async]", "src");
    assert_eq!(desk.visitor().get(&script).await.status, 200);

    let fields: Vec<_> = ALL
        .into_iter()
        .filter(|(name, _)| *name != "enabled")
        .map(|(name, value)| (name, if name == "key" { "shop" } else { value }))
        .collect();
    assert_eq!(admin.post(&format!("/settings/chats/{id}"), &fields).await.status, 303);
    let off = desk.visitor().get("/chat/shop/widget.js").await;
    assert_eq!(off.status, 404);
    assert!(off.headers["content-type"].to_str().expect("a type").starts_with("text/javascript"));
    assert!(off.body.starts_with("console.warn(") && off.body.lines().count() == 1);
    let preview = admin.get(&format!("/settings/chats/{id}/preview")).await;
    assert!(preview.body.contains("switched off") && preview.texts("script").is_empty());
    assert!(admin.get(&format!("/settings/chats/{id}")).await.body.contains("This chat is switched off"));
}

#[tokio::test]
async fn a_picture_is_cut_stored_and_shown_to_everyone() {
    let desk = ChatDesk::new().await;
    let admin = desk.agent("Chiara Bellini", Role::Admin).await;
    let id = stored(&desk, "shop").await.id;
    let path = format!("/settings/chats/{id}/photo");
    let send = async |bytes: Vec<u8>| admin.post_files(&path, Form::new().part("photo", Part::bytes(bytes).file_name("team.png"))).await;
    let refused = send(b"not a picture".to_vec()).await;
    assert_eq!((refused.status.as_u16(), refused.texts("#photo-error").len()), (422, 1));
    assert_eq!(desk.visitor().get("/chat/shop/team.jpg").await.status, 404);

    let mut png = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_pixel(400, 300, image::Rgb([20, 120, 60])).write_to(&mut png, image::ImageFormat::Png).expect("a picture");
    assert_eq!(send(png.into_inner()).await.status, 303);
    let hash = Settings::of(&stored(&desk, "shop").await).team_photo.expect("a picture");
    assert_eq!(hash.len(), 64);
    let address = format!("/chat/shop/team.jpg?{}", &hash[..12]);
    assert!(desk.visitor().get("/chat/shop/frame").await.body.contains(&address));
    let picture = desk.visitor().request(Method::GET, &address).send().await.expect("an answer");
    assert_eq!(picture.headers()["cache-control"], "public, max-age=31536000, immutable");
    assert_eq!(picture.headers()["content-type"], "image/jpeg");
    let picture = image::load_from_memory(&picture.bytes().await.expect("a picture")).expect("a JPEG");
    assert_eq!((picture.width(), picture.height()), (192, 192));

    // Saving keeps it; removing takes it away.
    let fields: Vec<_> = ALL.into_iter().map(|(name, value)| (name, if name == "key" { "shop" } else { value })).collect();
    assert_eq!(admin.post(&format!("/settings/chats/{id}"), &fields).await.status, 303);
    assert_eq!(Settings::of(&stored(&desk, "shop").await).team_photo, Some(hash));
    assert_eq!(admin.post(&format!("{path}/remove"), &[]).await.status, 303);
    assert_eq!(desk.visitor().get(&address).await.status, 404);
}

#[tokio::test]
async fn the_loader_weighs_at_most_five_thousand_bytes_as_it_is_sent() {
    let desk = ChatDesk::new().await;
    let get = async |headers: &[(&str, &str)]| {
        let mut request = desk.visitor().request(Method::GET, "/chat/shop/widget.js");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.expect("an answer")
    };
    let sent = get(&[("accept-encoding", "gzip, deflate, br, zstd")]).await;
    assert_eq!(sent.headers()["content-encoding"], "gzip");
    assert_eq!(sent.headers().get_all("vary").iter().count(), 1);
    assert!(sent.headers()["vary"].to_str().expect("a name").eq_ignore_ascii_case("accept-encoding"));
    let tag = sent.headers()["etag"].to_str().expect("a tag").to_owned();
    let pressed = sent.bytes().await.expect("a script");
    assert!(pressed.len() <= 5_000, "{} bytes", pressed.len());
    let mut script = String::new();
    flate2::read::GzDecoder::new(&*pressed).read_to_string(&mut script).expect("gzip");

    let plain = get(&[]).await;
    assert!(!plain.headers().contains_key("content-encoding"));
    assert_eq!(plain.headers()["etag"], tag.as_str());
    assert_eq!(plain.text().await.expect("a script"), script);
    for accept in ["gzip", "identity"] {
        let known = get(&[("accept-encoding", accept), ("if-none-match", &tag)]).await;
        assert_eq!(known.status(), 304);
        assert_eq!(known.headers()["etag"], tag.as_str());
    }
}

#[tokio::test]
async fn the_opened_widget_weighs_at_most_twenty_five_thousand_bytes() {
    let desk = ChatDesk::new().await;
    let weigh = async |path: &str| {
        let sent = desk.visitor().request(Method::GET, path).header("accept-encoding", "gzip").send().await.expect("an answer");
        assert_eq!(sent.headers()["content-encoding"], "gzip", "{path}");
        sent.bytes().await.expect("a body").len()
    };
    for language in ["en", "it", "fr", "de", "es"] {
        let mut all = weigh(&format!("/chat/shop/frame?lang={language}")).await;
        for file in ["frame.css", "frame.js", "talk.css", "talk.js"] {
            all += weigh(&format!("/static/widget/{file}")).await;
        }
        assert!(all <= 25_000, "{language}: {all} bytes");
    }
}
