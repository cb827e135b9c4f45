//! What happens in public around an Instagram account becomes happenings: comments and mentions. Pure.

use serde_json::Value;

use crate::channels::meta::events::{Account, text_of};
use crate::channels::wire::reading::{id_of, time_of};
use crate::clock::Ts;
use crate::desk::networks::{Echo, Element, Extras, Happening, Person, Post, Said};

/// Reads one change of an account. `at`: when Meta told it.
pub fn change(account: &Account<'_>, field: &str, value: &Value, at: Option<Ts>) -> Vec<Element> {
    vec![match field {
        "comments" | "live_comments" => comment(account, value, at),
        "mentions" => mention(account, value, at),
        other => account.odd(format!("A change of a kind that is not read: {other}.")),
    }]
}

fn comment(account: &Account<'_>, value: &Value, at: Option<Ts>) -> Element {
    let Some(id) = id_of(&value["id"]).or_else(|| id_of(&value["comment_id"])) else { return account.odd("A comment without an id.") };
    let media = &value["media"];
    // An advertisement shows the post that it was made of; both carry one conversation.
    let Some(post) = id_of(&media["original_media_id"]).or_else(|| id_of(&media["id"])).or_else(|| id_of(&value["media_id"])) else {
        return account.odd("A comment without its post.");
    };
    let parent = id_of(&value["parent_id"]);
    let from = id_of(&value["from"]["id"]);
    let ours = from.as_deref() == Some(account.id);
    let handle = text_of(&value["from"], "username").map(str::to_owned);
    let person = match (&from, ours) {
        (_, true) => Person::default(),
        (Some(id), _) => Person { name: handle.clone().unwrap_or_default(), handle, ..account.person(id) },
        (None, _) => Person { name: handle.clone().unwrap_or_default(), handle, ..Person::default() },
    };
    account.tell(Happening::Said(Box::new(Said {
        conversation: format!("comment:{post}:{}", parent.as_ref().unwrap_or(&id)),
        id,
        public: true,
        echo: ours.then_some(Echo { part: None, app: None }),
        person,
        text: text_of(value, "text").unwrap_or_default().to_owned(),
        at: time_of(&value["timestamp"]).or(at),
        reply_to: parent,
        extras: Extras { came_from: advertisement(media), ..Extras::default() },
        post: Some(Post { id: post, ..Post::default() }),
        ..Said::default()
    })))
}

fn advertisement(media: &Value) -> Option<String> {
    let ad = id_of(&media["ad_id"])?;
    Some(text_of(media, "ad_title").map_or_else(|| format!("advertisement {ad}"), |title| format!("advertisement “{title}” ({ad})")))
}

/// The account was named: in a comment, or in the words under a picture. What was said has to be asked for.
fn mention(account: &Account<'_>, value: &Value, at: Option<Ts>) -> Element {
    let Some(media) = id_of(&value["media_id"]) else { return account.odd("A mention without its post.") };
    let id = id_of(&value["comment_id"]).unwrap_or_else(|| media.clone());
    account.tell(Happening::Said(Box::new(Said {
        conversation: format!("mention:{id}"),
        id,
        public: true,
        at,
        extras: Extras { came_from: Some("a mention".to_owned()), ..Extras::default() },
        post: Some(Post { id: media, ..Post::default() }),
        ..Said::default()
    })))
}
