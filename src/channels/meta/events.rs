//! The envelope of Meta's webhooks, and the events of private conversations, which Messenger and Instagram share but for a few words. Pure.

use serde_json::Value;

use crate::channels::meta::attachments;
use crate::channels::wire::reading::{id_of, time_of};
use crate::channels::{facebook, instagram};
use crate::clock::Ts;
use crate::desk::kinds::{ChannelKind, IdentityKind};
use crate::desk::networks::{AccountNews, Echo, Element, Extras, Happening, Notice, Person, Review, Said, Step, Story, Who, parse_mark};

/// The app that is behind Meta's own inbox.
const META_INBOX: &str = "263902037430900";

/// Whose events are read.
#[derive(Debug, Clone, Copy)]
pub struct Account<'a> {
    pub kind: ChannelKind,
    pub identity: IdentityKind,
    /// The id of the page, or of the Instagram account.
    pub id: &'a str,
}

impl Account<'_> {
    /// Something that happened to this account.
    pub fn tell(&self, told: Happening) -> Element {
        Element::of(self.kind, self.id, told)
    }

    /// Something about this account that could not be read.
    pub fn odd(&self, words: impl Into<String>) -> Element {
        Element { account: Some((self.kind, self.id.to_owned())), told: Err(words.into()) }
    }

    /// Something about a message of this account.
    pub fn notice(&self, target: impl Into<String>, notice: Notice) -> Element {
        self.tell(Happening::Noticed { target: target.into(), notice })
    }

    /// Somebody by the id that they have towards this account: another page knows them by another.
    pub fn person(&self, id: &str) -> Person {
        Person { identity: Some((self.identity, format!("{}:{id}", self.id))), ..Person::default() }
    }
}

/// Reads one webhook, whatever it is about: an app has one address for its pages and one for its Instagram accounts, and they may be the same.
pub fn read(raw: &[u8]) -> Vec<Element> {
    let odd = |words: String| vec![Element { account: None, told: Err(words) }];
    let Ok(value) = serde_json::from_slice::<Value>(raw) else { return odd("It is no JSON.".to_owned()) };
    let kind = match value["object"].as_str() {
        Some("page") => ChannelKind::Facebook,
        Some("instagram") => ChannelKind::Instagram,
        other => return odd(format!("Events about “{}” are not read here.", other.unwrap_or("nothing"))),
    };
    let entries = list(&value["entry"]);
    if entries.is_empty() {
        return odd("There is nothing in it.".to_owned());
    }
    entries.into_iter().flat_map(|entry| read_entry(kind, entry)).collect()
}

fn read_entry(kind: ChannelKind, entry: &Value) -> Vec<Element> {
    let Some(id) = id_of(&entry["id"]) else {
        return vec![Element { account: None, told: Err("An entry without the id of its account.".to_owned()) }];
    };
    if id == "0" {
        // “Test” in the dashboard of the app: it shows that the way is open.
        return vec![Element { account: None, told: Err("A test from Meta’s dashboard arrived.".to_owned()) }];
    }
    let identity = if kind == ChannelKind::Facebook { IdentityKind::Facebook } else { IdentityKind::Instagram };
    let account = Account { kind, identity, id: &id };
    let mut told = Vec::new();
    // In standby another app holds the conversation; what is said there is for our eyes too.
    for key in ["messaging", "standby"] {
        told.extend(list(&entry[key]).into_iter().flat_map(|item| read_item(&account, item)));
    }
    let changes = list(&entry["changes"]);
    // Instagram Login also puts the change into the entry itself.
    let bare = entry["field"].is_string().then_some(entry);
    for change in changes.iter().copied().chain(bare) {
        told.extend(read_change(&account, change, &entry["time"]));
    }
    if told.is_empty() && entry["messaging"].is_null() && entry["standby"].is_null() && changes.is_empty() && bare.is_none() {
        told.push(account.odd("An entry in which nothing happened."));
    }
    told
}

fn read_change(account: &Account<'_>, change: &Value, time: &Value) -> Vec<Element> {
    let (field, value) = (change["field"].as_str().unwrap_or_default(), &change["value"]);
    if !value.is_object() {
        return vec![account.odd(format!("A change of “{field}” without a value."))];
    }
    // Private messages come in this shape from Instagram Login.
    if value["sender"].is_object() && value["recipient"].is_object() {
        return read_item(account, value);
    }
    let at = time_of(time);
    if account.kind == ChannelKind::Facebook {
        facebook::parse::change(account, field, value, at)
    } else {
        instagram::parse::change(account, field, value, at)
    }
}

/// The elements of an array; a lone object counts as one.
pub fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(all) => all.iter().collect(),
        Value::Object(_) => vec![value],
        _ => Vec::new(),
    }
}

/// The text under a key, if there is any.
pub fn text_of<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value[key].as_str().filter(|text| !text.trim().is_empty())
}

/// Adds a line to a text unless it says that already.
pub fn add_line(text: &mut String, line: &str) {
    if line.is_empty() || text.contains(line) {
        return;
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(line);
}

/// Who is on the other side of an event, and who made it happen.
struct Side {
    /// The customer's id, or a reference that stands for it.
    customer: String,
    conversation: String,
    /// The account itself did it.
    ours: bool,
    at: Option<Ts>,
}

impl Side {
    fn of(account: &Account<'_>, item: &Value) -> Option<Self> {
        let sender = id_of(&item["sender"]["id"]);
        let ours = item["message"]["is_echo"].as_bool() == Some(true) || sender.as_deref() == Some(account.id);
        let other = if ours { &item["recipient"] } else { &item["sender"] };
        let (customer, conversation) = match (id_of(&other["id"]), id_of(&other["user_ref"])) {
            (Some(id), _) => (id.clone(), format!("dm:{id}")),
            // A plugin on a website: Meta does not say yet who it is.
            (None, Some(reference)) => (reference.clone(), format!("ref:{reference}")),
            (None, None) => return None,
        };
        Some(Self { customer, conversation, ours, at: time_of(&item["timestamp"]) })
    }

    fn who(&self) -> Who {
        if self.ours { Who::Shop } else { Who::Customer }
    }

    /// An id for what Meta gives none.
    fn made_id(&self, what: &str) -> String {
        format!("{what}:{}:{}", self.customer, self.at.map_or(0, |at| at.0.as_millisecond()))
    }
}

/// One event of a private conversation.
fn read_item(account: &Account<'_>, item: &Value) -> Vec<Element> {
    if let Some(policy) = item.get("policy_enforcement") {
        return vec![account.tell(Happening::Account(AccountNews::Notice(policy_words(policy))))];
    }
    for (key, words) in [
        ("pass_thread_control", "Another app handed a conversation over."),
        ("take_thread_control", "Another app took over a conversation: answers from here may be refused there."),
        ("request_thread_control", "Another app asks to take over a conversation."),
    ] {
        if item.get(key).is_some() {
            return vec![account.tell(Happening::Account(AccountNews::Notice(words.to_owned())))];
        }
    }
    let Some(side) = Side::of(account, item) else { return vec![account.odd("An event without a sender.")] };
    if let Some(message) = item.get("message") {
        return vec![read_message(account, &side, message)];
    }
    if let Some(edit) = item.get("message_edit") {
        return read_edit(account, &side, edit);
    }
    if let Some(reaction) = item.get("reaction") {
        return vec![read_reaction(account, &side, reaction)];
    }
    if let Some(postback) = item.get("postback") {
        return vec![read_postback(account, &side, postback)];
    }
    if let Some(delivery) = item.get("delivery") {
        return read_progress(account, &side, delivery, &Step::Delivered);
    }
    if let Some(read) = item.get("read") {
        return read_progress(account, &side, read, &Step::Read);
    }
    for (key, value) in [("referral", item.get("referral")), ("optin", item.get("optin"))] {
        if let Some(value) = value {
            let extras = Extras { came_from: came_from(value), ..Extras::default() };
            return vec![said(account, &side, Said { id: side.made_id(key), extras, ..Said::default() })];
        }
    }
    let known = ["sender", "recipient", "timestamp"];
    let keys: Vec<&str> =
        item.as_object().into_iter().flat_map(|keys| keys.keys().map(String::as_str)).filter(|key| !known.contains(key)).collect();
    vec![account.odd(format!("An event of a kind that is not read: {}.", keys.join(", ")))]
}

fn policy_words(policy: &Value) -> String {
    let reason = text_of(policy, "reason").unwrap_or("no reason given");
    match text_of(policy, "action") {
        Some("unblock") => "Meta lets the page send messages again.".to_owned(),
        Some("block") => format!("Meta keeps the page from sending messages: {reason}"),
        other => format!("Meta warns about its policies ({}): {reason}", other.unwrap_or("no action named")),
    }
}

/// Puts the frame around what was said.
fn said(account: &Account<'_>, side: &Side, said: Said) -> Element {
    account.tell(Happening::Said(Box::new(Said {
        conversation: side.conversation.clone(),
        person: account.person(&side.customer),
        at: side.at,
        opens_window: !side.ours,
        ..said
    })))
}

fn read_message(account: &Account<'_>, side: &Side, message: &Value) -> Element {
    let Some(id) = id_of(&message["mid"]) else { return account.odd("A message without an id.") };
    if message["is_deleted"].as_bool() == Some(true) {
        return account.notice(id, Notice::Removed { at: side.at });
    }
    if message["is_self"].as_bool() == Some(true) {
        return account.odd("The account wrote to itself.");
    }
    let mut text = message["text"].as_str().unwrap_or_default().to_owned();
    let mut extras = Extras { payload: id_of(&message["quick_reply"]["payload"]), ..Extras::default() };
    extras.came_from = message.get("referral").and_then(came_from);
    let mut media = attachments::read(message, &mut text, &mut extras);
    if let Some(story) = message["reply_to"].get("story") {
        let url = story["url"].as_str().unwrap_or_default().to_owned();
        // It will be gone in a day; what they speak of is kept with what they say.
        media.extend(attachments::story(&url));
        extras.story = Some(Story { mention: false, url });
    }
    if message["is_unsupported"].as_bool() == Some(true) {
        extras.unsupported.get_or_insert_with(|| "a message that Meta does not give out".to_owned());
    } else if text.is_empty() && media.is_empty() && extras == Extras::default() {
        extras.unsupported = Some("an empty message".to_owned());
    }
    let echo = side.ours.then(|| Echo {
        part: message["metadata"].as_str().and_then(parse_mark),
        app: Some(match id_of(&message["app_id"]) {
            Some(app) if app != META_INBOX => format!("another app ({app})"),
            _ => "Meta’s inbox".to_owned(),
        }),
    });
    said(account, side, Said { id, echo, text, media, extras, reply_to: id_of(&message["reply_to"]["mid"]), ..Said::default() })
}

fn read_edit(account: &Account<'_>, side: &Side, edit: &Value) -> Vec<Element> {
    let Some(id) = id_of(&edit["mid"]) else { return vec![account.odd("An edit without its message.")] };
    let number = edit["num_edit"].as_i64().or_else(|| edit["num_edit"].as_str()?.parse().ok());
    match (edit["text"].as_str(), number) {
        // New messages are told like that too while an app is in development.
        (_, Some(0)) => Vec::new(),
        (Some(text), _) => vec![account.notice(id, Notice::Edited { text: text.to_owned(), at: side.at })],
        (None, _) => vec![account.odd("An edit without its words.")],
    }
}

fn read_reaction(account: &Account<'_>, side: &Side, reaction: &Value) -> Element {
    let Some(id) = id_of(&reaction["mid"]) else { return account.odd("A reaction without its message.") };
    let emoji = (reaction["action"].as_str() != Some("unreact")).then(|| emoji(reaction));
    account.notice(id, Notice::Reacted { by: side.who(), emoji, at: side.at })
}

/// The character itself, else the one that a word of Meta's stands for.
fn emoji(reaction: &Value) -> String {
    if let Some(emoji) = text_of(reaction, "emoji") {
        return emoji.to_owned();
    }
    reaction_emoji(reaction["reaction"].as_str().unwrap_or_default()).to_owned()
}

/// What a reaction's name looks like.
pub fn reaction_emoji(name: &str) -> &'static str {
    match name {
        "smile" | "haha" => "😆",
        "angry" => "😠",
        "sad" | "sorry" => "😢",
        "wow" => "😮",
        "love" => "❤️",
        "care" => "🤗",
        "dislike" => "👎",
        "like" => "👍",
        _ => "⭐",
    }
}

fn read_postback(account: &Account<'_>, side: &Side, postback: &Value) -> Element {
    let payload = id_of(&postback["payload"]);
    let text = text_of(postback, "title").map(str::to_owned).or_else(|| payload.clone()).unwrap_or_default();
    let came_from = postback.get("referral").and_then(came_from);
    let id = id_of(&postback["mid"]).unwrap_or_else(|| side.made_id("postback"));
    said(account, side, Said { id, text, extras: Extras { payload, came_from, ..Extras::default() }, ..Said::default() })
}

/// By ids, by a moment until which everything counts, or both.
fn read_progress(account: &Account<'_>, side: &Side, progress: &Value, step: &Step) -> Vec<Element> {
    let single = id_of(&progress["mid"]);
    let many = progress["mids"].as_array().into_iter().flatten().filter_map(id_of);
    let mut told: Vec<Element> = single
        .into_iter()
        .chain(many)
        .map(|mid| account.notice(mid, Notice::Progress { step: step.clone(), part: None, at: side.at }))
        .collect();
    if let Some(until) = time_of(&progress["watermark"]) {
        told.push(account.tell(Happening::Reached { conversation: side.conversation.clone(), until, step: step.clone() }));
    }
    if told.is_empty() {
        told.push(account.odd("A receipt that names no message."));
    }
    told
}

/// Where somebody came from, in words: an advertisement, a link with a mark, a product.
fn came_from(referral: &Value) -> Option<String> {
    let mut words = Vec::new();
    if let Some(ad) = id_of(&referral["ad_id"]) {
        let title = text_of(&referral["ads_context_data"], "ad_title");
        words.push(title.map_or_else(|| format!("advertisement {ad}"), |title| format!("advertisement “{title}” ({ad})")));
    }
    if let Some(product) = id_of(&referral["product"]["id"]) {
        words.push(format!("product {product}"));
    }
    words.extend(id_of(&referral["ref"]));
    let source = text_of(referral, "source").map(str::to_lowercase);
    match (words.is_empty(), source) {
        (true, source) => source,
        (false, Some(source)) => Some(format!("{} ({source})", words.join(", "))),
        (false, None) => Some(words.join(", ")),
    }
}

/// A recommendation, or the stars that came before them.
pub fn review_of(value: &Value) -> Review {
    let recommends = match value["recommendation_type"].as_str().map(str::to_uppercase).as_deref() {
        Some("POSITIVE") => Some(true),
        Some("NEGATIVE") => Some(false),
        _ => None,
    };
    let stars = value["rating"].as_u64().or_else(|| value["rating"].as_str()?.parse().ok());
    Review { stars: stars.and_then(|stars| u8::try_from(stars).ok()).filter(|stars| (1..=5).contains(stars)), recommends }
}
