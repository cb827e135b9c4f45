//! Calls of the Bot API.

use http::Method;
use reqwest::multipart::{Form, Part as FormPart};
use serde_json::{Value, json};

use crate::channels::telegram::settings::{Secrets, Settings};
use crate::channels::wire::calls::Answered;
use crate::channels::wire::{Health, Receipt, Recipient, Sign, Way};
use crate::desk::envelope::{IncomingFile, OutgoingFile};
use crate::desk::networks::abilities::Abilities;
use crate::desk::networks::parts::{NewPart, Part};
use crate::desk::networks::{Fault, Media};
use crate::desk::tickets::thread::Message;

/// The longest caption, in UTF-16 units.
const CAPTION: usize = 1024;

/// Text in messages of 4096 units, each file in one of its own; a short text becomes the first file's caption.
pub fn plan(abilities: &Abilities, message: &Message, files: &[OutgoingFile]) -> Vec<NewPart> {
    let choices = message.envelope().choices;
    let as_caption = !files.is_empty() && choices.is_empty() && message.body.encode_utf16().count() <= CAPTION;
    let mut parts = Vec::new();
    if !as_caption && !message.body.trim().is_empty() {
        parts.extend(abilities.text.split(&message.body).into_iter().map(|body| NewPart { body, ..NewPart::default() }));
    }
    for index in 0..files.len() {
        let body = if as_caption && index == 0 { message.body.trim().to_owned() } else { String::new() };
        parts.push(NewPart { body, file: i16::try_from(index).ok(), ..NewPart::default() });
    }
    if let Some(last) = parts.iter_mut().rfind(|part| part.file.is_none()) {
        last.choices = choices;
    }
    parts
}

struct Api<'a> {
    way: &'a Way<'a>,
    base: String,
    token: String,
}

impl<'a> Api<'a> {
    fn new(way: &'a Way<'a>) -> Self {
        let settings: Settings = way.channel.settings().unwrap_or_default();
        let secrets: Secrets = way.channel.secrets(&way.app.keys);
        Self { way, base: settings.base.trim_end_matches('/').to_owned(), token: secrets.token }
    }

    fn url(&self, method: &str) -> String {
        format!("{}/bot{}/{method}", self.base, self.token)
    }

    /// Calls what must not be done twice.
    async fn run(&self, method: &str, body: &Value) -> Result<Value, Fault> {
        let request = self.way.calls.request(Method::POST, &self.url(method))?.json(body);
        judge(&self.way.calls.run(request).await?)
    }

    /// Calls what may be done again.
    async fn ask(&self, method: &str, body: &Value) -> Result<Value, Fault> {
        let request = self.way.calls.request(Method::POST, &self.url(method))?.json(body);
        judge(&self.way.calls.ask(request).await?)
    }
}

/// What an answer means.
fn judge(answer: &Answered) -> Result<Value, Fault> {
    let body = answer.json();
    if body["ok"].as_bool() == Some(true) {
        return Ok(body["result"].clone());
    }
    let description = body["description"].as_str().unwrap_or("Telegram gave no reason.").to_owned();
    let code = body["error_code"].as_u64().unwrap_or_else(|| u64::from(answer.status.as_u16()));
    let lower = description.to_lowercase();
    Err(match code {
        401 => Fault::SignIn(format!("Telegram no longer accepts the bot’s token ({description}). Enter the one that BotFather shows.")),
        404 => Fault::SignIn(format!("Telegram does not know this bot ({description}). Check its token.")),
        403 => Fault::Recipient(format!("Telegram answered: {description}.")),
        429 => Fault::Later { words: description, after: body["parameters"]["retry_after"].as_i64().or_else(|| answer.retry_after()) },
        500.. => Fault::Later { words: format!("Telegram answered {code}: {description}"), after: None },
        400 if lower.contains("chat not found") || lower.contains("user not found") => {
            Fault::Recipient(format!("Telegram answered: {description}."))
        }
        // An answer that is no JSON, with a status that says it went well: who knows.
        200..300 => Fault::Unsure("Telegram’s answer could not be read.".to_owned()),
        _ => Fault::Permanent(format!("Telegram answered: {description}.")),
    })
}

/// `dm:<chat>[:<business connection>]`
fn chat_of(conversation: &str) -> Option<(i64, Option<&str>)> {
    let rest = conversation.strip_prefix("dm:")?;
    let (chat, connection) = rest.split_once(':').map_or((rest, None), |(chat, connection)| (chat, Some(connection)));
    Some((chat.parse().ok()?, connection))
}

fn target(to: &Recipient) -> Result<Value, Fault> {
    let (chat, connection) = chat_of(&to.conversation).ok_or_else(|| Fault::Permanent("The chat is not known any more.".to_owned()))?;
    let mut body = json!({ "chat_id": chat });
    if let Some(connection) = connection {
        body["business_connection_id"] = json!(connection);
    }
    if let Some(id) = to.reply_to.as_deref().and_then(|id| id.rsplit_once(':')).and_then(|(_, id)| id.parse::<i64>().ok()) {
        body["reply_parameters"] = json!({ "message_id": id, "allow_sending_without_reply": true });
    }
    Ok(body)
}

/// Sends one part.
pub async fn send(way: &Way<'_>, to: &Recipient, part: &Part, files: &[OutgoingFile]) -> Result<Receipt, Fault> {
    let api = Api::new(way);
    let mut body = target(to)?;
    let chat = body["chat_id"].to_string();
    let file = part.file.and_then(|index| files.get(usize::try_from(index).ok()?));
    let sent = match file {
        None => {
            body["text"] = json!(part.body);
            if !part.choices.is_empty() {
                let rows: Vec<Value> = part.choices.iter().map(|words| json!([{ "text": words, "callback_data": data(words) }])).collect();
                body["reply_markup"] = json!({ "inline_keyboard": rows });
            }
            api.run("sendMessage", &body).await?
        }
        Some(file) => {
            let (method, field) = match &*file.media_type {
                "image/jpeg" | "image/png" | "image/webp" => ("sendPhoto", "photo"),
                "audio/ogg" => ("sendVoice", "voice"),
                "video/mp4" => ("sendVideo", "video"),
                _ => ("sendDocument", "document"),
            };
            let upload = FormPart::bytes(file.bytes.clone()).file_name(file.name.clone());
            let upload = upload.mime_str(&file.media_type).map_err(|_| Fault::Permanent("The file has no usable type.".to_owned()))?;
            let mut form = Form::new().part(field, upload).text("caption", part.body.clone());
            for (key, value) in body.as_object().into_iter().flatten() {
                form = form.text(key.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            }
            let request = way.calls.request(Method::POST, &api.url(method))?.multipart(form);
            judge(&way.calls.run(request).await?)?
        }
    };
    match sent["message_id"].as_i64() {
        Some(id) => Ok(Receipt::of(format!("{chat}:{id}"))),
        None => Err(Fault::Unsure("Telegram did not say under which number it took this.".to_owned())),
    }
}

/// What a button sends: at most 64 bytes.
fn data(words: &str) -> &str {
    let mut end = words.len().min(64);
    while !words.is_char_boundary(end) {
        end -= 1;
    }
    &words[..end]
}

/// Shows the customer that somebody writes.
pub async fn tell(way: &Way<'_>, to: &Recipient, sign: Sign) -> Result<(), Fault> {
    let Sign::Typing = sign else { return Ok(()) };
    let mut body = target(to)?;
    body["action"] = json!("typing");
    Api::new(way).ask("sendChatAction", &body).await.map(drop)
}

/// Puts our emoji on a message, or takes it away.
pub async fn react(way: &Way<'_>, to: &Recipient, target_id: &str, emoji: Option<&str>) -> Result<(), Fault> {
    let id = target_id.rsplit_once(':').and_then(|(_, id)| id.parse::<i64>().ok());
    let id = id.ok_or_else(|| Fault::Permanent("The message is not known any more.".to_owned()))?;
    let (chat, _) = chat_of(&to.conversation).ok_or_else(|| Fault::Permanent("The chat is not known any more.".to_owned()))?;
    let reaction: Vec<Value> = emoji.into_iter().map(|emoji| json!({ "type": "emoji", "emoji": emoji })).collect();
    let body = json!({ "chat_id": chat, "message_id": id, "reaction": reaction });
    Api::new(way).ask("setMessageReaction", &body).await.map(drop)
}

/// Fetches a file by its id. Its address carries the bot's token and is shown nowhere.
pub async fn fetch(way: &Way<'_>, media: &Media) -> Result<IncomingFile, Fault> {
    let api = Api::new(way);
    let found = api.ask("getFile", &json!({ "file_id": media.source })).await?;
    let path = found["file_path"].as_str().ok_or_else(|| Fault::Permanent("Telegram does not give the file out.".to_owned()))?;
    let url = format!("{}/file/bot{}/{path}", api.base, api.token);
    let fetched = way.calls.fetch(&url, |request| request).await?;
    let name = media.name.clone().or_else(|| path.rsplit('/').next().map(str::to_owned)).unwrap_or_else(|| "file".to_owned());
    let kind = media.media_type.clone().or_else(|| mime_guess::from_path(&name).first_raw().map(str::to_owned));
    Ok(fetched.into_file(name, kind))
}

/// Asks who the bot is and tells Telegram where to send what comes in.
pub async fn check(way: &Way<'_>, hook: &str) -> Result<Health, Fault> {
    const UPDATES: &[&str] = &[
        "message",
        "edited_message",
        "callback_query",
        "message_reaction",
        "my_chat_member",
        "business_connection",
        "business_message",
        "edited_business_message",
        "deleted_business_messages",
    ];
    let api = Api::new(way);
    let secrets: Secrets = way.channel.secrets(&way.app.keys);
    let me = api.ask("getMe", &json!({})).await?;
    let body = json!({ "url": hook, "secret_token": secrets.hook_token, "allowed_updates": UPDATES, "max_connections": 40 });
    api.ask("setWebhook", &body).await?;
    let info = api.ask("getWebhookInfo", &json!({})).await?;
    let mut notes = vec![format!("Updates are sent to {}", info["url"].as_str().filter(|url| !url.is_empty()).unwrap_or(hook))];
    if let Some(error) = info["last_error_message"].as_str() {
        notes.push(format!("The last one that Telegram could not bring: {error}"));
    }
    if let Some(waiting) = info["pending_update_count"].as_i64().filter(|waiting| *waiting > 0) {
        notes.push(format!("{waiting} updates wait at Telegram"));
    }
    let name = me["username"].as_str().map_or_else(|| me["first_name"].as_str().unwrap_or_default().to_owned(), |name| format!("@{name}"));
    Ok(Health { account: name, id: me["id"].to_string(), notes })
}
