//! Public posts: mentions, replies, quotes, and our own.
//!
//! A public ticket is what one customer says in one conversation. Under a post that many people answer each of them has their own.

use serde_json::Value;

use super::{Account, included, media, person, spell_out, unescape};
use crate::channels::wire::reading::{id_of, list, moment};
use crate::clock::Ts;
use crate::desk::networks::{Echo, Element, Extras, Happening, Media, Person, Post, Said};

/// The key of what a customer says in a conversation.
pub fn key(conversation: &str, customer: &str) -> String {
    format!("post:{conversation}:{customer}")
}

/// Where everybody can read a post.
pub fn address(id: &str) -> String {
    format!("https://x.com/i/status/{id}")
}

/// A post, whichever shape told it.
struct Told<'a> {
    id: String,
    text: String,
    author: String,
    author_told: &'a Value,
    conversation: Option<String>,
    reply_to: Option<String>,
    reply_to_user: Option<String>,
    quoted: Option<String>,
    /// It is known to be one of ours.
    quotes_us: bool,
    mentions: bool,
    at: Option<Ts>,
    media: Vec<Media>,
    language: Option<String>,
}

/// A post of API v2. `quoting`: it was told because it quotes us. `None`: it only passes on what another said.
pub fn read(account: Account<'_>, post: &Value, includes: &Value, quoting: bool) -> Option<Element> {
    let Some(id) = id_of(&post["id"]) else { return Some(account.odd("A post without an id.")) };
    let Some(author) = id_of(&post["author_id"]) else { return Some(account.odd(format!("The post {id} came without its author."))) };
    let referenced = |kind: &str| {
        list(&post["referenced_tweets"]).iter().find(|other| other["type"].as_str() == Some(kind)).and_then(|other| id_of(&other["id"]))
    };
    if referenced("retweeted").is_some() {
        return None;
    }
    let quoted = referenced("quoted");
    let quoted_author = quoted.as_ref().and_then(|id| id_of(&included(includes, "tweets", "id", id)["author_id"]));
    let long = &post["note_tweet"];
    let entities = if long["text"].is_string() { &long["entities"] } else { &post["entities"] };
    let text = long["text"].as_str().or_else(|| post["text"].as_str()).unwrap_or_default();
    let keys = list(&post["attachments"]["media_keys"]).iter().filter_map(id_of);
    let mentions = list(&post["entities"]["mentions"]).iter().chain(list(&long["entities"]["mentions"]));
    let told = Told {
        text: spell_out(text, &entities["urls"]),
        author_told: included(includes, "users", "id", &author),
        conversation: id_of(&post["conversation_id"]),
        reply_to: referenced("replied_to"),
        reply_to_user: id_of(&post["in_reply_to_user_id"]),
        quotes_us: quoting || quoted_author.as_deref() == Some(account.id),
        quoted,
        mentions: names(account, mentions, "username"),
        at: moment(&post["created_at"]),
        media: keys.filter_map(|key| media(included(includes, "media", "media_key", &key))).collect(),
        language: language(post),
        id,
        author,
    };
    let root = told.conversation.as_ref().filter(|root| **root != told.id).or(told.quoted.as_ref()).cloned();
    let around = root.map(|id| {
        let known = included(includes, "tweets", "id", &id);
        let author = id_of(&known["author_id"]).map(|id| included(includes, "users", "id", &id));
        stands_under(id, known["text"].as_str(), author.and_then(|author| author["username"].as_str()))
    });
    let target = told.reply_to_user.as_ref().map(|id| person(id, included(includes, "users", "id", id)));
    Some(said(account, told, around, target))
}

/// A post of the older API.
pub fn read_legacy(account: Account<'_>, post: &Value) -> Option<Element> {
    // Numbers of theirs are too large for some readers: the text beside them counts.
    let id = |value: &Value, key: &str| id_of(&value[format!("{key}_str")]).or_else(|| id_of(&value[key]));
    let Some(own) = id(post, "id") else { return Some(account.odd("A post without an id.")) };
    if post["retweeted_status"].is_object() {
        return None;
    }
    let Some(author) = id(&post["user"], "id") else { return Some(account.odd(format!("The post {own} came without its author."))) };
    let whole = if post["extended_tweet"].is_object() { &post["extended_tweet"] } else { post };
    let text = whole["full_text"].as_str().or_else(|| post["text"].as_str()).unwrap_or_default();
    let reply_to = id(post, "in_reply_to_status_id");
    let quoted = &post["quoted_status"];
    let quoted_id = id(post, "quoted_status_id").or_else(|| id(quoted, "id"));
    let pictures = [&whole["extended_entities"]["media"], &whole["entities"]["media"], &post["extended_entities"]["media"]];
    let pictures = pictures.into_iter().find(|pictures| !list(pictures).is_empty()).unwrap_or(&Value::Null);
    let mut words = spell_out(text, &whole["entities"]["urls"]);
    for picture in list(pictures) {
        words = words.replace(picture["url"].as_str().filter(|url| !url.is_empty()).unwrap_or("\0"), "").trim().to_owned();
    }
    let mentions = list(&whole["entities"]["user_mentions"]).iter().chain(list(&post["entities"]["user_mentions"]));
    let told = Told {
        text: words,
        author_told: &post["user"],
        // Told only of the first of a conversation; of others it is asked for.
        conversation: reply_to.is_none().then(|| own.clone()),
        reply_to_user: id(post, "in_reply_to_user_id"),
        reply_to,
        quotes_us: id(&quoted["user"], "id").as_deref() == Some(account.id),
        mentions: names(account, mentions, "screen_name"),
        at: legacy_moment(&post["created_at"]).or_else(|| crate::channels::wire::reading::time_of(&post["timestamp_ms"])),
        media: list(pictures).iter().filter_map(media).collect(),
        language: language(post),
        id: own,
        author,
        quoted: quoted_id,
    };
    let around = told.quoted.clone().map(|id| {
        stands_under(id, quoted["text"].as_str().or_else(|| quoted["full_text"].as_str()), quoted["user"]["screen_name"].as_str())
    });
    let target = told.reply_to_user.as_ref().map(|id| person(id, &serde_json::json!({ "username": post["in_reply_to_screen_name"] })));
    Some(said(account, told, around, target))
}

fn names<'a>(account: Account<'_>, mentions: impl Iterator<Item = &'a Value>, handle: &str) -> bool {
    mentions.into_iter().any(|one| {
        let id = id_of(&one["id_str"]).or_else(|| id_of(&one["id"]));
        match id {
            Some(id) => id == account.id,
            None => !account.handle.is_empty() && one[handle].as_str().is_some_and(|name| name.eq_ignore_ascii_case(account.handle)),
        }
    })
}

fn stands_under(id: String, text: Option<&str>, author: Option<&str>) -> Post {
    Post { url: Some(address(&id)), id, text: text.map(unescape), author: author.map(|handle| format!("@{handle}")), picture: None }
}

/// `Sat Oct 03 09:50:00 +0000 2026`
fn legacy_moment(value: &Value) -> Option<Ts> {
    jiff::Zoned::strptime("%a %b %d %H:%M:%S %z %Y", value.as_str()?).ok().map(|at| Ts(at.timestamp()))
}

/// Two letters; X writes `und`, `zxx`, `qme` where there is nothing to tell.
fn language(post: &Value) -> Option<String> {
    post["lang"].as_str().filter(|lang| lang.len() == 2).map(str::to_owned)
}

/// What X puts before an answer by itself: the names of those who are answered.
fn without_names(text: &str) -> &str {
    let mut rest = text.trim_start();
    while let Some(after) = rest.strip_prefix('@') {
        let end = after.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(after.len());
        if end == 0 || !after[end..].starts_with([' ', '\n']) {
            break;
        }
        rest = after[end..].trim_start();
    }
    rest
}

fn said(account: Account<'_>, told: Told<'_>, around: Option<Post>, target: Option<Person>) -> Element {
    let ours = told.author == account.id;
    let customer = if ours { told.reply_to_user.clone().filter(|id| id != account.id) } else { Some(told.author.clone()) };
    let conversation = told.conversation.clone().or_else(|| told.reply_to.clone()).unwrap_or_else(|| told.id.clone());
    let person = match (&customer, ours) {
        (Some(id), false) => person(id, told.author_told),
        (Some(_), true) => target.unwrap_or_default(),
        // Said to nobody in particular.
        (None, _) => Person::default(),
    };
    // What one quotes is no conversation of its own; the post itself is where it can be read.
    let around = around.unwrap_or_else(|| Post { id: told.id.clone(), url: Some(address(&told.id)), ..Post::default() });
    account.tell(Happening::Said(Box::new(Said {
        conversation: key(&conversation, customer.as_deref().unwrap_or(account.id)),
        public: true,
        echo: ours.then_some(Echo { part: None, app: None }),
        person,
        text: if ours && told.reply_to.is_some() { without_names(&told.text).to_owned() } else { told.text },
        at: told.at,
        extras: Extras { uncalled: !ours && !told.mentions && !told.quotes_us, ..Extras::default() },
        post: Some(around),
        reply_to: told.reply_to,
        media: told.media,
        language: told.language,
        opens_window: !ours,
        id: told.id,
        ..Said::default()
    })))
}
