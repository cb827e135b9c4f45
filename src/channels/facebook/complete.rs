//! Fills in what an event of a page did not tell.

use serde_json::Value;

use crate::channels::facebook::{graph, parse};
use crate::channels::meta::Graph;
use crate::channels::meta::events::{Account, text_of};
use crate::channels::meta::lookups::look_up;
use crate::channels::wire::Way;
use crate::channels::wire::reading::{id_of, time_of};
use crate::desk::kinds::{ChannelKind, IdentityKind};
use crate::desk::networks::{Echo, Media, MediaKind, Said, take};

/// The customer's name and picture; of public words their author where it was left out, and the post around them.
pub async fn complete(way: &Way<'_>, said: &mut Said) {
    let graph = graph(way);
    if let Some(psid) = said.conversation.strip_prefix("dm:") {
        let psid = psid.to_owned();
        return profile(&graph, &psid, said).await;
    }
    if !said.public {
        return;
    }
    let id = way.channel.address.clone().unwrap_or_default();
    let account = Account { kind: ChannelKind::Facebook, identity: IdentityKind::Facebook, id: &id };
    if said.person.identity.is_none() && said.echo.is_none() {
        author(&graph, &account, said).await;
    }
    join_post(way, said).await;
    post(&graph, said).await;
}

async fn profile(graph: &Graph<'_>, psid: &str, said: &mut Said) {
    let Some(found) = look_up(graph, &format!("{psid}?fields=first_name,last_name,profile_pic")).await else { return };
    let part = |key: &str| text_of(&found, key).unwrap_or_default();
    said.person.name = format!("{} {}", part("first_name"), part("last_name")).trim().to_owned();
    said.person.picture = text_of(&found, "profile_pic").map(str::to_owned);
}

/// Mentions and comments on recommendations come without their author, sometimes without their words.
async fn author(graph: &Graph<'_>, account: &Account<'_>, said: &mut Said) {
    let path = format!("{}?fields=from,message,created_time,permalink_url,attachment", said.id);
    let Some(found) = look_up(graph, &path).await else { return };
    if said.text.is_empty() {
        said.text = text_of(&found, "message").unwrap_or_default().to_owned();
    }
    if said.media.is_empty() {
        let media = |source: String| Media { kind: MediaKind::Picture, source, name: None, media_type: None };
        said.media = parse::pictures(&found).into_iter().map(media).collect();
    }
    said.at = said.at.or_else(|| time_of(&found["created_time"]));
    if let (Some(url), Some(post)) = (text_of(&found, "permalink_url"), said.post.as_mut()) {
        post.url.get_or_insert_with(|| url.to_owned());
    }
    let Some(id) = id_of(&found["from"]["id"]) else { return };
    if id == account.id {
        said.echo = Some(Echo { part: None, app: None });
    } else {
        let name = text_of(&found["from"], "name").unwrap_or(&said.person.name).to_owned();
        said.person = account.person(&id);
        said.person.name = name;
    }
}

/// Everything under a visitor's post is one conversation, as under a comment: the post began it.
async fn join_post(way: &Way<'_>, said: &mut Said) {
    let Some(post) = said.post.as_ref().filter(|_| said.conversation.starts_with("comment:")) else { return };
    let conversation = format!("post:{}", post.id);
    let known = async {
        let mut db = way.app.db.acquire().await?;
        take::find_conversation(&mut db, way.channel, &conversation).await
    };
    match known.await {
        Ok(Some(_)) => said.conversation = conversation,
        Ok(None) => {}
        Err(error) => tracing::warn!(%error, "cannot look whether a comment belongs to a visitor’s post"),
    }
}

async fn post(graph: &Graph<'_>, said: &mut Said) {
    let wanted = |post: &crate::desk::networks::Post| post.url.is_none() || post.text.is_none();
    // The id of a recommendation is not one of a post.
    if said.conversation.starts_with("review:") || !said.post.as_ref().is_some_and(wanted) {
        return;
    }
    let Some(post) = said.post.as_mut() else { return };
    let Some(found) = look_up(graph, &format!("{}?fields=permalink_url,message,from,full_picture", post.id)).await else { return };
    let text = |value: &Value, key: &str| text_of(value, key).map(str::to_owned);
    post.url = post.url.take().or_else(|| text(&found, "permalink_url"));
    post.text = post.text.take().or_else(|| text(&found, "message"));
    post.author = post.author.take().or_else(|| text(&found["from"], "name"));
    post.picture = post.picture.take().or_else(|| text(&found, "full_picture"));
}
