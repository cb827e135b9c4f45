//! What happens in public on a page becomes happenings: comments, posts of visitors, mentions, recommendations. Pure.

use serde_json::Value;

use crate::channels::meta::events::{Account, add_line, list, reaction_emoji, review_of, text_of};
use crate::channels::wire::reading::{id_of, time_of};
use crate::clock::Ts;
use crate::desk::networks::{Echo, Element, Extras, Happening, Media, MediaKind, Notice, Person, Post, Said, Who};

/// Reads one change of a page. `at`: when Meta told it.
pub fn change(account: &Account<'_>, field: &str, value: &Value, at: Option<Ts>) -> Vec<Element> {
    match field {
        "feed" => feed(account, value, at),
        "mention" => mention(account, value, at),
        "ratings" => rating(account, value, at),
        other => vec![account.odd(format!("A change of a kind that is not read: {other}."))],
    }
}

/// What is done to a thing. Meta has two words for most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Add,
    Edit,
    Remove,
    Hide,
    Unhide,
}

fn verb(value: &Value) -> Option<Verb> {
    match value["verb"].as_str()? {
        "add" => Some(Verb::Add),
        "edited" | "edit" | "update" => Some(Verb::Edit),
        "remove" | "delete" => Some(Verb::Remove),
        "hide" => Some(Verb::Hide),
        "unhide" => Some(Verb::Unhide),
        _ => None,
    }
}

fn unread(account: &Account<'_>, what: &str, value: &Value) -> Vec<Element> {
    let word = |key: &str| value[key].as_str().unwrap_or("?").to_owned();
    vec![account.odd(format!("{what} of a kind that is not read: {}, {}.", word("item"), word("verb")))]
}

/// Its author's id and name. Old events name them differently, some not at all.
fn author(value: &Value) -> (Option<String>, String) {
    let from = &value["from"];
    let id = id_of(&from["id"]).or_else(|| id_of(&value["sender_id"])).or_else(|| id_of(&value["reviewer_id"]));
    let name = ["name"].iter().find_map(|key| text_of(from, key)).or_else(|| text_of(value, "sender_name"));
    (id, name.or_else(|| text_of(value, "reviewer_name")).unwrap_or_default().to_owned())
}

fn person(account: &Account<'_>, id: Option<&str>, name: String) -> Person {
    Person { name, ..id.map(|id| account.person(id)).unwrap_or_default() }
}

/// The words, and the pictures and links with them.
fn contents(value: &Value) -> (String, Vec<Media>) {
    let mut text = text_of(value, "message").unwrap_or_default().to_owned();
    let media = |kind: MediaKind, url: &str| Media { kind, source: url.to_owned(), name: None, media_type: None };
    let mut files = Vec::new();
    let item = value["item"].as_str().unwrap_or_default();
    let photos: Vec<&str> = value["photos"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    files.extend(text_of(value, "photo").map(|url| media(MediaKind::Picture, url)));
    files.extend(text_of(value, "video").map(|url| media(MediaKind::Video, url)));
    if files.is_empty() {
        files.extend(photos.iter().map(|url| media(MediaKind::Picture, url)));
    }
    if let Some(link) = text_of(value, "link") {
        match item {
            "photo" if files.is_empty() => files.push(media(MediaKind::Picture, link)),
            "video" if files.is_empty() => files.push(media(MediaKind::Video, link)),
            "photo" | "video" => {}
            _ => add_line(&mut text, link),
        }
    }
    (text, files)
}

fn post_around(id: &str, value: &Value) -> Post {
    let told = &value["post"];
    Post {
        id: id.to_owned(),
        url: text_of(told, "permalink_url").or_else(|| text_of(value, "permalink_url")).map(str::to_owned),
        text: text_of(told, "message").map(str::to_owned),
        ..Post::default()
    }
}

fn feed(account: &Account<'_>, value: &Value, at: Option<Ts>) -> Vec<Element> {
    match value["item"].as_str().unwrap_or_default() {
        "comment" => comment(account, value, at),
        "reaction" | "like" => reaction(account, value, at),
        "post" | "status" | "photo" | "video" | "share" | "note" => visitor_post(account, value, at),
        _ => unread(account, "Something on the page", value),
    }
}

/// What is the same for everything that has words and can be changed: all but its first telling.
fn notices(account: &Account<'_>, id: &str, verb: Verb, value: &Value, at: Option<Ts>) -> Vec<Element> {
    match verb {
        Verb::Add => Vec::new(),
        // `created_time` stays what it was; the change was made about when it was told.
        Verb::Edit => vec![account.notice(id, Notice::Edited { text: contents(value).0, at })],
        Verb::Remove => vec![account.notice(id, Notice::Removed { at })],
        Verb::Hide | Verb::Unhide => vec![account.notice(id, Notice::Hidden { hidden: verb == Verb::Hide })],
    }
}

fn comment(account: &Account<'_>, value: &Value, at: Option<Ts>) -> Vec<Element> {
    let Some(id) = id_of(&value["comment_id"]) else { return vec![account.odd("A comment without an id.")] };
    let Some(verb) = verb(value) else { return unread(account, "A comment", value) };
    if verb != Verb::Add {
        return notices(account, &id, verb, value, at);
    }
    let Some(post) = id_of(&value["post_id"]).or_else(|| id_of(&value["post"]["id"])) else {
        return vec![account.odd("A comment without its post.")];
    };
    let parent = id_of(&value["parent_id"]).filter(|parent| *parent != post);
    let (from, name) = author(value);
    let ours = from.as_deref() == Some(account.id);
    let (text, media) = contents(value);
    let conversation = match &parent {
        Some(parent) => format!("comment:{post}:{parent}"),
        // Words of ours that answer no comment answer the post; they begin nothing.
        None if ours => format!("post:{post}"),
        None => format!("comment:{post}:{id}"),
    };
    let mut told = vec![account.tell(Happening::Said(Box::new(Said {
        id: id.clone(),
        conversation,
        public: true,
        echo: ours.then_some(Echo { part: None, app: None }),
        person: if ours { Person::default() } else { person(account, from.as_deref(), name) },
        text,
        at: time_of(&value["created_time"]).or(at),
        reply_to: parent,
        media,
        post: Some(post_around(&post, value)),
        ..Said::default()
    })))];
    if value["is_hidden"].as_bool() == Some(true) {
        told.push(account.notice(id, Notice::Hidden { hidden: true }));
    }
    told
}

/// A reaction to a comment. Those to posts are applause, not talk.
fn reaction(account: &Account<'_>, value: &Value, at: Option<Ts>) -> Vec<Element> {
    let Some(id) = id_of(&value["comment_id"]) else { return Vec::new() };
    let by = if author(value).0.as_deref() == Some(account.id) { Who::Shop } else { Who::Customer };
    let name = value["reaction_type"].as_str().or_else(|| value["item"].as_str()).unwrap_or_default();
    let emoji = match verb(value) {
        Some(Verb::Add | Verb::Edit) => Some(reaction_emoji(name).to_owned()),
        Some(Verb::Remove) => None,
        _ => return unread(account, "A reaction", value),
    };
    vec![account.notice(id, Notice::Reacted { by, emoji, at: time_of(&value["created_time"]).or(at) })]
}

fn visitor_post(account: &Account<'_>, value: &Value, at: Option<Ts>) -> Vec<Element> {
    let Some(id) = id_of(&value["post_id"]) else { return vec![account.odd("A post without an id.")] };
    let (from, name) = author(value);
    // What the page posts itself is no conversation; its author may be left out then.
    if from.is_none() || from.as_deref() == Some(account.id) {
        return Vec::new();
    }
    let Some(verb) = verb(value) else { return unread(account, "A post", value) };
    if verb != Verb::Add {
        return notices(account, &id, verb, value, at);
    }
    if value["published"].as_i64() == Some(0) {
        return Vec::new();
    }
    let (text, media) = contents(value);
    let mut post = post_around(&id, value);
    (post.text, post.author) = (Some(text.clone()).filter(|text| !text.is_empty()), Some(name.clone()).filter(|name| !name.is_empty()));
    vec![account.tell(Happening::Said(Box::new(Said {
        conversation: format!("post:{id}"),
        public: true,
        person: person(account, from.as_deref(), name),
        text,
        at: time_of(&value["created_time"]).or(at),
        media,
        post: Some(post),
        id,
        ..Said::default()
    })))]
}

/// The page was named elsewhere.
fn mention(account: &Account<'_>, value: &Value, at: Option<Ts>) -> Vec<Element> {
    let (comment, post) = (id_of(&value["comment_id"]), id_of(&value["post_id"]));
    let Some(id) = comment.or_else(|| post.clone()) else { return vec![account.odd("A mention without a place.")] };
    let Some(verb) = verb(value) else { return unread(account, "A mention", value) };
    if verb != Verb::Add {
        return notices(account, &id, verb, value, at);
    }
    let (from, name) = author(value);
    let (text, media) = contents(value);
    vec![account.tell(Happening::Said(Box::new(Said {
        conversation: format!("mention:{id}"),
        public: true,
        person: person(account, from.as_deref(), name),
        text,
        at: time_of(&value["created_time"]).or(at),
        media,
        extras: Extras { came_from: Some("a mention".to_owned()), ..Extras::default() },
        post: post.map(|post| post_around(&post, value)),
        id,
        ..Said::default()
    })))]
}

/// A recommendation, or a comment under one.
fn rating(account: &Account<'_>, value: &Value, at: Option<Ts>) -> Vec<Element> {
    let Some(story) = id_of(&value["open_graph_story_id"]) else { return vec![account.odd("A recommendation without an id.")] };
    let Some(verb) = verb(value) else { return unread(account, "A recommendation", value) };
    let item = value["item"].as_str().unwrap_or_default();
    let (from, name) = author(value);
    let created = time_of(&value["created_time"]).or(at);
    let post = Post { id: story.clone(), ..Post::default() };
    match (item, verb) {
        ("rating" | "", Verb::Add) => {
            let review = review_of(value);
            let text = text_of(value, "review_text").unwrap_or_default().to_owned();
            let subject = match review.recommends {
                Some(true) if text.is_empty() => "Recommends the page",
                Some(false) if text.is_empty() => "Does not recommend the page",
                _ => "",
            };
            vec![account.tell(Happening::Said(Box::new(Said {
                id: story.clone(),
                conversation: format!("review:{story}"),
                public: true,
                person: person(account, from.as_deref(), name),
                text,
                at: created,
                post: Some(post),
                review: Some(review),
                subject: subject.to_owned(),
                ..Said::default()
            })))]
        }
        ("rating" | "", Verb::Edit) => {
            let text = text_of(value, "review_text").unwrap_or_default().to_owned();
            vec![account.notice(&*story, Notice::Edited { text, at }), account.notice(&*story, Notice::Rated { review: review_of(value) })]
        }
        ("rating" | "", verb) => notices(account, &story, verb, value, at),
        ("comment", verb) => {
            let Some(id) = id_of(&value["comment_id"]) else { return vec![account.odd("A comment without an id.")] };
            if verb != Verb::Add {
                return notices(account, &id, verb, value, at);
            }
            let ours = from.as_deref() == Some(account.id);
            let (text, media) = contents(value);
            vec![account.tell(Happening::Said(Box::new(Said {
                id,
                conversation: format!("review:{story}"),
                public: true,
                echo: ours.then_some(Echo { part: None, app: None }),
                person: if ours { Person::default() } else { person(account, from.as_deref(), name) },
                text,
                at: created,
                media,
                reply_to: Some(story),
                post: Some(post),
                ..Said::default()
            })))]
        }
        ("reaction" | "like", _) => reaction(account, value, at),
        _ => unread(account, "Something about a recommendation", value),
    }
}

/// The pictures among the attachments of an object that was asked for.
pub fn pictures(object: &Value) -> Vec<String> {
    list(&object["attachment"]).into_iter().filter_map(|one| text_of(&one["media"]["image"], "src").map(str::to_owned)).collect()
}
