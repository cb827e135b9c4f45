//! Calls of the Cloud API.

use http::Method;
use reqwest::multipart::{Form, Part as FormPart};
use serde_json::{Value, json};

use crate::channels::meta::Graph;
use crate::channels::whatsapp::faults;
use crate::channels::whatsapp::settings::{Secrets, Settings};
use crate::channels::wire::calls::MAX_FILE;
use crate::channels::wire::{Health, Receipt, Recipient, Sign, Way};
use crate::desk::envelope::{IncomingFile, OutgoingFile};
use crate::desk::networks::abilities::{Abilities, TextLimit};
use crate::desk::networks::parts::{NewPart, Part};
use crate::desk::networks::{Fault, Media, mark};
use crate::desk::tickets::thread::Message;

/// The longest text below a file or above buttons, in code points.
const CAPTION: usize = 1024;
/// The most buttons under one message, and the longest words on one, in code points.
pub const MAX_BUTTONS: usize = 3;
pub const MAX_BUTTON: usize = 20;
/// The longest id of a button.
const MAX_BUTTON_ID: usize = 256;
/// The largest files, in bytes.
const MAX_IMAGE: usize = 5 << 20;
const MAX_CLIP: usize = 16 << 20;
pub const MAX_DOCUMENT: i64 = 100 << 20;

/// Text in messages of 4096 code points, each file in one of its own; a short text becomes the first file's caption. A template is one
/// message, whatever it says.
pub fn plan(abilities: &Abilities, message: &Message, files: &[OutgoingFile]) -> Vec<NewPart> {
    if message.extras().template.is_some() {
        return vec![NewPart { body: message.body.clone(), ..NewPart::default() }];
    }
    let offered = message.envelope().choices;
    let fits = |choice: &String| !choice.trim().is_empty() && choice.chars().count() <= MAX_BUTTON;
    let distinct = offered.iter().enumerate().all(|(at, choice)| !offered[..at].contains(choice));
    let buttons = offered.len() <= MAX_BUTTONS && distinct && offered.iter().all(fits) && !message.body.trim().is_empty();
    let mut body = message.body.trim().to_owned();
    let choices = if buttons { offered } else { Vec::new() };
    if !buttons {
        // What cannot be a button can still be read.
        for choice in message.envelope().choices {
            body.push_str(&format!("\n• {choice}"));
        }
        body = body.trim().to_owned();
    }
    let mut parts = Vec::new();
    let as_caption = choices.is_empty()
        && body.chars().count() <= CAPTION
        && files.first().is_some_and(|file| matches!(kind_of(file), "image" | "video" | "document"));
    if !as_caption && !body.is_empty() {
        let mut pieces = abilities.text.split(&body);
        if !choices.is_empty() {
            // Above buttons there is less room.
            let last = pieces.pop().unwrap_or_default();
            pieces.extend(TextLimit::Characters(CAPTION).split(&last));
        }
        parts.extend(pieces.into_iter().map(|body| NewPart { body, ..NewPart::default() }));
    }
    if let Some(last) = parts.last_mut() {
        last.choices = choices;
    }
    for index in 0..files.len() {
        let body = if as_caption && index == 0 { body.clone() } else { String::new() };
        parts.push(NewPart { body, file: i16::try_from(index).ok(), ..NewPart::default() });
    }
    parts
}

/// As what a file goes: what is too large for its kind is a document.
fn kind_of(file: &OutgoingFile) -> &'static str {
    let bare = file.media_type.split(';').next().unwrap_or_default().trim();
    match bare {
        "image/jpeg" | "image/png" if file.bytes.len() <= MAX_IMAGE => "image",
        "video/mp4" | "video/3gpp" if file.bytes.len() <= MAX_CLIP => "video",
        "audio/aac" | "audio/mp4" | "audio/mpeg" | "audio/amr" | "audio/ogg" | "audio/opus" if file.bytes.len() <= MAX_CLIP => "audio",
        _ => "document",
    }
}

/// A number's way into the Cloud API.
pub(super) struct Api<'a> {
    graph: Graph<'a>,
    pub settings: Settings,
    verify_token: String,
}

impl<'a> Api<'a> {
    pub(super) fn new(way: &'a Way<'a>) -> Self {
        let settings = Settings::of(way.channel);
        let secrets: Secrets = way.channel.secrets(&way.app.keys);
        let graph = Graph { way, base: settings.graph(), token: secrets.token, app_secret: secrets.app_secret };
        Self { graph, settings, verify_token: secrets.verify_token }
    }

    /// A path below the number: `<id>/messages`.
    fn of_number(&self, path: &str) -> String {
        format!("{}/{path}", self.settings.phone_number_id)
    }

    /// Asks for something.
    pub(super) async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, Fault> {
        let request = self.graph.request(Method::GET, path)?.query(query);
        faults::judge(&self.graph.way.calls.ask(request).await?)
    }

    /// Does what may be done again.
    async fn post_again(&self, path: &str, body: &Value) -> Result<Value, Fault> {
        let request = self.graph.request(Method::POST, path)?.json(body);
        faults::judge(&self.graph.way.calls.ask(request).await?)
    }

    /// Does what must not be done twice.
    async fn post_once(&self, path: &str, body: &Value) -> Result<Value, Fault> {
        let request = self.graph.request(Method::POST, path)?.json(body);
        faults::judge(&self.graph.way.calls.run(request).await?)
    }

    /// Brings a file to Meta, where it is kept for thirty days. One that lies there twice hurts nobody.
    async fn upload(&self, file: &OutgoingFile) -> Result<String, Fault> {
        let media_type = file.media_type.split(';').next().unwrap_or_default().trim().to_owned();
        let part = FormPart::bytes(file.bytes.clone()).file_name(file.name.clone());
        let part = part.mime_str(&media_type).map_err(|_| Fault::Permanent("The file has no usable type.".to_owned()))?;
        let form = Form::new().text("messaging_product", "whatsapp").text("type", media_type).part("file", part);
        let request = self.graph.request(Method::POST, &self.of_number("media"))?.multipart(form);
        let answer = match faults::judge(&self.graph.way.calls.ask(request).await?) {
            // Nothing has been said to the customer yet.
            Err(Fault::Unsure(words)) => return Err(Fault::Later { words, after: None }),
            other => other?,
        };
        let id = answer["id"].as_str().map(str::to_owned).or_else(|| answer["id"].as_u64().map(|id| id.to_string()));
        id.ok_or_else(|| Fault::Later { words: "WhatsApp did not say under which id it took the file.".to_owned(), after: None })
    }
}

/// Whom a message goes to: a number, or the id of a customer who hides theirs.
fn address(body: &mut Value, to: &Recipient) -> Result<(), Fault> {
    let who = to.conversation.strip_prefix("dm:").filter(|who| !who.is_empty());
    let who = who.ok_or_else(|| Fault::Permanent("The customer’s number is not known any more.".to_owned()))?;
    match who.strip_prefix('+') {
        Some(phone) => body["to"] = json!(phone),
        None => body["recipient"] = json!(who),
    }
    Ok(())
}

/// Sends one part.
pub async fn send(way: &Way<'_>, to: &Recipient, message: &Message, part: &Part, files: &[OutgoingFile]) -> Result<Receipt, Fault> {
    let api = Api::new(way);
    let mut body = json!({ "messaging_product": "whatsapp", "recipient_type": "individual" });
    address(&mut body, to)?;
    body["biz_opaque_callback_data"] = json!(mark(part.id));
    if part.position == 0
        && let Some(id) = &to.reply_to
    {
        body["context"] = json!({ "message_id": id });
    }
    let template = message.extras().template;
    let file = part.file.and_then(|index| files.get(usize::try_from(index).ok()?));
    let (kind, content) = match (template, file) {
        (Some(template), _) => ("template", template),
        (None, Some(file)) => {
            let kind = kind_of(file);
            let mut content = json!({ "id": api.upload(file).await? });
            if kind == "document" {
                content["filename"] = json!(file.name);
            }
            if !part.body.is_empty() {
                content["caption"] = json!(part.body);
            }
            (kind, content)
        }
        (None, None) if part.choices.is_empty() => ("text", json!({ "body": part.body, "preview_url": false })),
        (None, None) => {
            let button = |words: &String| json!({ "type": "reply", "reply": { "id": button_id(words), "title": words } });
            let buttons: Vec<Value> = part.choices.iter().map(button).collect();
            ("interactive", json!({ "type": "button", "body": { "text": part.body }, "action": { "buttons": buttons } }))
        }
    };
    body["type"] = json!(kind);
    body[kind] = content;
    let sent = api.post_once(&api.of_number("messages"), &body).await?;
    match sent["messages"][0]["id"].as_str() {
        Some(id) => Ok(Receipt::of(id.to_owned())),
        None => Err(Fault::Unsure("WhatsApp did not say under which id it took this.".to_owned())),
    }
}

fn button_id(words: &str) -> String {
    words.chars().take(MAX_BUTTON_ID).collect()
}

/// Puts our emoji on a message, or takes it away.
pub async fn react(way: &Way<'_>, to: &Recipient, target: &str, emoji: Option<&str>) -> Result<(), Fault> {
    let api = Api::new(way);
    let mut body = json!({ "messaging_product": "whatsapp", "recipient_type": "individual", "type": "reaction" });
    address(&mut body, to)?;
    body["reaction"] = json!({ "message_id": target, "emoji": emoji.unwrap_or_default() });
    api.post_again(&api.of_number("messages"), &body).await.map(drop)
}

/// Tells the customer that their newest message was read, or that somebody writes (for 25 seconds, or until the answer).
pub async fn tell(way: &Way<'_>, to: &Recipient, sign: Sign) -> Result<(), Fault> {
    let Some(newest) = &to.newest else { return Ok(()) };
    let api = Api::new(way);
    let mut body = json!({ "messaging_product": "whatsapp", "status": "read", "message_id": newest });
    if sign == Sign::Typing {
        body["typing_indicator"] = json!({ "type": "text" });
    }
    api.post_again(&api.of_number("messages"), &body).await.map(drop)
}

/// Fetches a file by its id. Where it is may be known for five minutes only, so it is asked for anew each time.
pub async fn fetch(way: &Way<'_>, media: &Media) -> Result<IncomingFile, Fault> {
    let api = Api::new(way);
    if media.source.is_empty() || !media.source.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-') {
        return Err(Fault::Permanent("That is no id of a file.".to_owned()));
    }
    let found = api.get(&media.source, &[("phone_number_id", &api.settings.phone_number_id)]).await?;
    let size = found["file_size"].as_u64().or_else(|| found["file_size"].as_str()?.parse().ok());
    if size.is_some_and(|size| size > MAX_FILE as u64) {
        return Err(Fault::Permanent(format!("It is larger than the {} MB that are taken.", MAX_FILE >> 20)));
    }
    let url = found["url"].as_str().ok_or_else(|| Fault::Permanent("WhatsApp does not give the file out.".to_owned()))?;
    let fetched = way.calls.fetch(url, |request| request.bearer_auth(&api.graph.token)).await?;
    let bare = |kind: &str| kind.split(';').next().unwrap_or_default().trim().to_owned();
    let kind = media.media_type.clone().or_else(|| found["mime_type"].as_str().map(bare));
    Ok(fetched.into_file(media.name.clone().unwrap_or_else(|| media.kind.label().to_lowercase().replace(' ', "-")), kind))
}

/// Asks for the number's name, and has Meta send here what concerns its account.
pub async fn check(way: &Way<'_>, hook: &str) -> Result<Health, Fault> {
    let api = Api::new(way);
    let number = api.settings.phone_number_id.clone();
    if number.is_empty() {
        return Err(Fault::Permanent("Enter the phone number’s id as Meta’s dashboard shows it.".to_owned()));
    }
    let fields = "id,display_phone_number,verified_name,name_status,quality_rating,code_verification_status,platform_type";
    let found = api.get(&number, &[("fields", fields)]).await?;
    let text = |key: &str| found[key].as_str().unwrap_or_default();
    let mut notes = Vec::new();
    if !matches!(text("quality_rating"), "" | "UNKNOWN") {
        notes.push(format!("Quality: {}", text("quality_rating").to_lowercase()));
    }
    if !matches!(text("name_status"), "" | "APPROVED" | "AVAILABLE_WITHOUT_REVIEW" | "NONE") {
        notes.push(format!("The display name is not approved ({})", text("name_status").to_lowercase().replace('_', " ")));
    }
    if text("platform_type") == "NOT_APPLICABLE" {
        notes.push("The number is not registered for the Cloud API yet".to_owned());
    }
    notes.extend(subscribe(&api, hook).await?);
    let (name, phone) = (text("verified_name"), text("display_phone_number"));
    let account = if name.is_empty() { phone.to_owned() } else { format!("{name} ({phone})") };
    Ok(Health { account, id: number, notes })
}

/// Has the webhooks of the business account sent to this channel's own address; where Meta cannot reach it, to the app's.
async fn subscribe(api: &Api<'_>, hook: &str) -> Result<Vec<String>, Fault> {
    let account = &api.settings.waba_id;
    if account.is_empty() {
        return Ok(vec!["Without the id of the WhatsApp Business Account nothing is subscribed, and there are no templates".to_owned()]);
    }
    let path = format!("{account}/subscribed_apps");
    let own = json!({ "override_callback_uri": hook, "verify_token": api.verify_token });
    let mut notes = match api.post_again(&path, &own).await {
        Ok(_) => vec![format!("Webhooks are sent to {hook}")],
        Err(fault @ (Fault::SignIn(_) | Fault::Later { .. })) => return Err(fault),
        Err(fault) => {
            api.post_again(&path, &json!({})).await?;
            vec![format!("Webhooks are sent where Meta’s app says; enter {hook} there. {fault}")]
        }
    };
    let apps = api.get(&path, &[]).await?;
    let names = apps["data"].as_array().into_iter().flatten().filter_map(|app| app["whatsapp_business_api_data"]["name"].as_str());
    let names: Vec<&str> = names.collect();
    if apps["data"].as_array().is_some_and(Vec::is_empty) {
        notes.push("No app is subscribed to the WhatsApp Business Account".to_owned());
    } else if !names.is_empty() {
        notes.push(format!("Subscribed: {}", names.join(", ")));
    }
    Ok(notes)
}
