//! Sends private messages, and answers commenters privately: Messenger and Instagram take the same bodies.

use http::Method;
use reqwest::multipart::{Form, Part as FormPart};
use serde_json::{Value, json};

use crate::channels::meta::{Graph, fault, judge};
use crate::channels::wire::calls::Answered;
use crate::channels::wire::{Receipt, Recipient, Sign};
use crate::desk::envelope::OutgoingFile;
use crate::desk::kinds::IdentityKind;
use crate::desk::networks::abilities::Abilities;
use crate::desk::networks::parts::{NewPart, Part};
use crate::desk::networks::{Fault, mark};
use crate::desk::tickets::thread::Message;

/// Which of the two it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Carries our mark with each message and brings it back.
    Messenger,
    Instagram,
}

/// Public answers are one text each; private ones are texts that fit and one file each. Buttons come last, where they stay in view.
pub fn plan(abilities: &Abilities, message: &Message, files: &[OutgoingFile]) -> Vec<NewPart> {
    let one = |body: &str| NewPart { body: body.to_owned(), ..NewPart::default() };
    // Once per comment, and nothing after it: it is whole, or is refused as a whole.
    if message.public || message.extras().private_reply_to.is_some() {
        let files = (0..files.len()).map(|index| NewPart { file: i16::try_from(index).ok(), ..NewPart::default() });
        return Some(one(message.body.trim())).filter(|part| !part.body.is_empty()).into_iter().chain(files).collect();
    }
    let choices = message.envelope().choices;
    let mut texts: Vec<NewPart> = if message.body.trim().is_empty() {
        Vec::new()
    } else {
        abilities.text.split(&message.body).iter().map(|body| one(body)).collect()
    };
    let files: Vec<NewPart> = (0..files.len()).map(|index| NewPart { file: i16::try_from(index).ok(), ..NewPart::default() }).collect();
    match texts.last_mut() {
        Some(last) if !choices.is_empty() => {
            last.choices = choices;
            files.into_iter().chain(texts).collect()
        }
        _ => texts.into_iter().chain(files).collect(),
    }
}

/// Whom a private message goes to: a person, or what stands for one.
pub fn recipient(to: &Recipient) -> Result<Value, Fault> {
    match to.conversation.split_once(':') {
        Some(("dm", id)) => Ok(json!({ "id": id })),
        Some(("ref", reference)) => Ok(json!({ "user_ref": reference })),
        _ => Err(Fault::Permanent("There is no private conversation with this customer yet.".to_owned())),
    }
}

/// Sends one part of a private conversation.
pub async fn send(graph: &Graph<'_>, dialect: Dialect, to: &Recipient, part: &Part, files: &[OutgoingFile]) -> Result<Receipt, Fault> {
    let mut body = json!({ "recipient": recipient(to)? });
    if to.human_hours {
        body["messaging_type"] = json!("MESSAGE_TAG");
        body["tag"] = json!("HUMAN_AGENT");
    } else {
        body["messaging_type"] = json!("RESPONSE");
    }
    body["message"] = match part.file {
        Some(index) => {
            let file = usize::try_from(index).ok().and_then(|index| files.get(index));
            let file = file.ok_or_else(|| Fault::Permanent("The file is not there any more.".to_owned()))?;
            let id = upload(graph, dialect, file).await?;
            json!({ "attachment": { "type": attachment_type(&file.media_type), "payload": { "attachment_id": id } } })
        }
        None => json!({ "text": part.body }),
    };
    if !part.choices.is_empty() {
        let replies: Vec<Value> =
            part.choices.iter().take(13).map(|words| json!({ "content_type": "text", "title": words, "payload": words })).collect();
        body["message"]["quick_replies"] = json!(replies);
    }
    if dialect == Dialect::Messenger {
        body["message"]["metadata"] = json!(mark(part.id));
    }
    if let Some(mid) = &to.reply_to {
        body["reply_to"] = json!({ "mid": mid });
    }
    receipt(&post(graph, &body, to.human_hours).await?, "message_id")
}

/// Writes to the author of a comment or post privately, once.
///
/// The answer tells under which id they will write back.
pub async fn send_to_author(
    graph: &Graph<'_>,
    dialect: Dialect,
    recipient: Value,
    abilities: &Abilities,
    part: &Part,
) -> Result<Receipt, Fault> {
    if part.position > 0 || part.file.is_some() {
        return Err(Fault::Permanent("Only one text may go to a commenter privately until they answer.".to_owned()));
    }
    if !abilities.text.fits(&part.body) {
        return Err(Fault::Permanent("The text is too long for one private message, and only one may be sent.".to_owned()));
    }
    let mut body = json!({ "recipient": recipient, "message": { "text": part.body } });
    if dialect == Dialect::Messenger {
        body["message"]["metadata"] = json!(mark(part.id));
    }
    let answer = post(graph, &body, false).await?;
    let kind = match dialect {
        Dialect::Messenger => IdentityKind::Facebook,
        Dialect::Instagram => IdentityKind::Instagram,
    };
    // People's ids are the account's own.
    let account = graph.way.channel.address.as_deref().unwrap_or_default();
    let person = answer["recipient_id"].as_str().filter(|id| !id.is_empty()).map(|id| (kind, format!("{account}:{id}")));
    Ok(Receipt { person, ..receipt(&answer, "message_id")? })
}

async fn post(graph: &Graph<'_>, body: &Value, human_hours: bool) -> Result<Value, Fault> {
    let answer = graph.way.calls.run(graph.request(Method::POST, "me/messages")?.json(body)).await?;
    judge_sent(&answer, human_hours)
}

/// The id under which something was taken.
pub fn receipt(answer: &Value, key: &str) -> Result<Receipt, Fault> {
    match answer[key].as_str() {
        Some(id) if !id.is_empty() => Ok(Receipt::of(id.to_owned())),
        _ => Err(Fault::Unsure("Meta did not say under which number it took this.".to_owned())),
    }
}

/// As [`judge`], and knows that what is refused in the hours of people is refused because of them: the rest of the channel goes on.
fn judge_sent(answer: &Answered, human_hours: bool) -> Result<Value, Fault> {
    let told = judge(answer);
    let error = &answer.json()["error"];
    let (code, message) = (error["code"].as_i64().unwrap_or_default(), error["message"].as_str().unwrap_or_default());
    let lower = message.to_lowercase();
    if code == 10 && lower.contains("outside") && lower.contains("window") {
        return Err(Fault::Window(format!(
            "The time for answers is over on this network: the customer has to write again first. (Meta: {message})"
        )));
    }
    if human_hours && matches!(code, 3 | 10 | 100 | 200..=299) && matches!(told, Err(Fault::SignIn(_) | Fault::Permanent(_))) {
        return Err(Fault::Window(format!(
            "A day after the customer’s last message Meta takes answers only from apps with the “Human Agent” feature. (Meta: {message})"
        )));
    }
    told
}

/// What Meta calls a file.
fn attachment_type(media_type: &str) -> &'static str {
    match media_type.split('/').next() {
        Some("image") if media_type != "image/svg+xml" => "image",
        Some("video") => "video",
        Some("audio") => "audio",
        _ => "file",
    }
}

/// Hands a file to Meta; nobody sees it until it is sent, so that may be done again.
async fn upload(graph: &Graph<'_>, dialect: Dialect, file: &OutgoingFile) -> Result<String, Fault> {
    let message = json!({ "attachment": { "type": attachment_type(&file.media_type), "payload": { "is_reusable": true } } });
    let data = FormPart::bytes(file.bytes.clone()).file_name(plain_name(&file.name));
    let data = data.mime_str(&file.media_type).map_err(|_| Fault::Permanent("The file has no usable type.".to_owned()))?;
    let mut form = Form::new().text("message", message.to_string());
    if dialect == Dialect::Instagram {
        form = form.text("platform", "instagram");
    }
    let request = graph.request(Method::POST, "me/message_attachments")?.multipart(form.part("filedata", data));
    let answer = graph.way.calls.ask(request).await?;
    let again = |words: String| Fault::Later { words, after: None };
    let told = judge(&answer).map_err(|fault| match fault {
        Fault::Unsure(words) => again(words),
        other => other,
    })?;
    told["attachment_id"]
        .as_str()
        .map(str::to_owned)
        .or_else(|| told["attachment_id"].as_u64().map(|id| id.to_string()))
        .ok_or_else(|| again("Meta took the file, but gave it no number.".to_owned()))
}

/// Meta takes names of plain letters only.
fn plain_name(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ') { c } else { '_' };
    name.chars().map(plain).collect()
}

/// Shows the customer that somebody reads, or writes.
pub async fn tell(graph: &Graph<'_>, to: &Recipient, sign: Sign) -> Result<(), Fault> {
    let Ok(recipient) = recipient(to) else { return Ok(()) };
    let action = match sign {
        Sign::Typing => "typing_on",
        Sign::Read => "mark_seen",
    };
    graph.post_again("me/messages", &json!({ "recipient": recipient, "sender_action": action })).await.map(drop)
}

/// Puts a heart on a message, or takes it away.
pub async fn react(graph: &Graph<'_>, to: &Recipient, target: &str, love: bool) -> Result<(), Fault> {
    let mut payload = json!({ "message_id": target });
    if love {
        payload["reaction"] = json!("love");
    }
    let action = if love { "react" } else { "unreact" };
    graph.post_again("me/messages", &json!({ "recipient": recipient(to)?, "sender_action": action, "payload": payload })).await.map(drop)
}

/// Posts something in public, which must not be done twice; answers with its id.
pub async fn post_publicly(graph: &Graph<'_>, path: &str, fields: &[(&str, &str)]) -> Result<Receipt, Fault> {
    let answer = graph.way.calls.run(graph.request(Method::POST, path)?.form(fields)).await?;
    receipt(&judge_public(&answer)?, "id")
}

/// Does something to a public object that may be done again.
pub async fn change_publicly(graph: &Graph<'_>, method: Method, path: &str, fields: &[(&str, &str)]) -> Result<(), Fault> {
    let request = graph.request(method.clone(), path)?;
    let request = if method == Method::DELETE { request } else { request.form(fields) };
    let answer = graph.way.calls.ask(request).await?;
    match judge_public(&answer)?["success"].as_bool() {
        Some(false) => Err(Fault::Permanent("Meta did not do it, and gave no reason.".to_owned())),
        _ => Ok(()),
    }
}

/// As [`judge`], and knows that a comment may be gone, and that one comment that is not ours to change closes no channel.
fn judge_public(answer: &Answered) -> Result<Value, Fault> {
    let error = &answer.json()["error"];
    match (error["code"].as_i64(), error["error_subcode"].as_i64()) {
        (Some(100), Some(33)) => Err(Fault::Permanent("It is not there any more, or not ours to answer.".to_owned())),
        (Some(12), _) => {
            Err(Fault::Permanent("Meta no longer offers recommendations to apps: answer on the page itself. (Meta: code 12)".to_owned()))
        }
        (Some(10 | 200..=299), _) => match fault(answer, error) {
            Fault::SignIn(words) => Err(Fault::Permanent(words)),
            other => Err(other),
        },
        _ => judge(answer),
    }
}
