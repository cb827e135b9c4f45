//! Fills in what an event of Instagram did not tell.

use serde_json::Value;

use crate::channels::instagram::{account_path, graph};
use crate::channels::meta::Graph;
use crate::channels::meta::events::text_of;
use crate::channels::meta::lookups::look_up;
use crate::channels::wire::Way;
use crate::channels::wire::reading::time_of;
use crate::desk::networks::{Media, MediaKind, Said};

/// The customer's name, picture and followers; the words of a mention; the post around public words.
pub async fn complete(way: &Way<'_>, said: &mut Said) {
    let graph = graph(way);
    if let Some(id) = said.conversation.strip_prefix("dm:") {
        let id = id.to_owned();
        return profile(&graph, &id, said).await;
    }
    if said.conversation.starts_with("mention:") {
        mention(&graph, &account_path(way.channel), said).await;
    } else if said.public {
        post(&graph, said).await;
    }
}

async fn profile(graph: &Graph<'_>, id: &str, said: &mut Said) {
    let Some(found) = look_up(graph, &format!("{id}?fields=name,username,profile_pic,follower_count")).await else { return };
    let text = |key: &str| text_of(&found, key).map(str::to_owned);
    said.person.handle = text("username");
    said.person.name = text("name").or_else(|| text("username")).unwrap_or_default();
    said.person.picture = text("profile_pic");
    said.person.followers = found["follower_count"].as_i64();
}

/// Mentions come as ids only.
async fn mention(graph: &Graph<'_>, account: &str, said: &mut Said) {
    if said.text.is_empty() {
        said.subject = "A mention".to_owned();
    }
    let Some(post) = said.post.as_mut() else { return };
    let text = |value: &Value, key: &str| text_of(value, key).map(str::to_owned);
    let in_caption = post.id == said.id;
    let fields = if in_caption {
        format!("mentioned_media.media_id({}){{caption,media_url,permalink,username}}", post.id)
    } else {
        format!("mentioned_comment.comment_id({}){{id,text,timestamp,username,media{{id,permalink}}}}", said.id)
    };
    let Some(found) = look_up(graph, &format!("{account}?fields={fields}")).await else { return };
    let author = if in_caption {
        let media = &found["mentioned_media"];
        said.text = text(media, "caption").unwrap_or_default();
        (post.url, post.text, post.author) = (text(media, "permalink"), text(media, "caption"), text(media, "username"));
        let picture = text(media, "media_url");
        said.media.extend(picture.map(|source| Media { kind: MediaKind::Picture, source, name: None, media_type: None }));
        text(media, "username")
    } else {
        let comment = &found["mentioned_comment"];
        said.text = text(comment, "text").unwrap_or_default();
        said.at = time_in(&comment["timestamp"]).or(said.at);
        post.url = text(&comment["media"], "permalink");
        text(comment, "username")
    };
    if !said.text.is_empty() {
        said.subject.clear();
    }
    said.person.name = author.clone().unwrap_or_default();
    said.person.handle = author;
}

/// `2026-10-03T09:00:00+0000`, or a number.
fn time_in(value: &Value) -> Option<crate::clock::Ts> {
    time_of(value).or_else(|| {
        let text = value.as_str()?;
        jiff::Timestamp::strptime("%Y-%m-%dT%H:%M:%S%z", text).or_else(|_| text.parse()).ok().map(crate::clock::Ts)
    })
}

async fn post(graph: &Graph<'_>, said: &mut Said) {
    let Some(post) = said.post.as_mut() else { return };
    let Some(found) = look_up(graph, &format!("{}?fields=permalink,caption,media_url,username", post.id)).await else { return };
    let text = |key: &str| text_of(&found, key).map(str::to_owned);
    (post.url, post.text, post.author, post.picture) = (text("permalink"), text("caption"), text("username"), text("media_url"));
}
