//! Asks X for what an event did not tell. Nothing depends on an answer; what was asked a moment ago is not asked again.

use std::sync::LazyLock;
use std::time::Duration;

use moka::future::Cache;
use serde_json::Value;

use crate::channels::wire::Way;
use crate::channels::wire::reading::{id_of, list};
use crate::channels::x::api::Api;
use crate::channels::x::parse::posts;
use crate::desk::networks::{Fault, Said};

/// How long an answer serves for others.
const KEPT: Duration = Duration::from_secs(600);
/// A customer's message is not kept waiting longer.
const PATIENCE: Duration = Duration::from_secs(8);

/// The customer's name; of public words the conversation and the post around them.
pub async fn complete(way: &Way<'_>, said: &mut Said) {
    let api = Api::new(way);
    if let Some((_, id)) = said.person.identity.clone().filter(|_| said.person.name.is_empty())
        && let Some(found) =
            look_up(&api, &format!("/2/users/{id}"), &[("user.fields", "name,username,profile_image_url,public_metrics")]).await
    {
        let text = |key: &str| found["data"][key].as_str().map(str::to_owned);
        said.person.name = text("name").unwrap_or_default();
        said.person.handle = said.person.handle.take().or_else(|| text("username"));
        said.person.picture = said.person.picture.take().or_else(|| text("profile_image_url"));
        said.person.followers = said.person.followers.or_else(|| found["data"]["public_metrics"]["followers_count"].as_i64());
    }
    if !said.public {
        return;
    }
    join_conversation(&api, said).await;
    let Some(post) = said.post.as_mut().filter(|post| post.id != said.id && post.text.is_none()) else { return };
    let query = [("tweet.fields", "author_id"), ("expansions", "author_id")];
    if let Some(found) = look_up(&api, &format!("/2/tweets/{}", post.id), &query).await {
        post.text = found["data"]["text"].as_str().map(str::to_owned);
        let author = list(&found["includes"]["users"]).first().and_then(|user| user["username"].as_str());
        post.author = author.map(|handle| format!("@{handle}"));
    }
}

/// The older API does not tell which conversation an answer is part of.
async fn join_conversation(api: &Api<'_>, said: &mut Said) {
    let untold = said.reply_to.is_some() && said.post.as_ref().is_some_and(|post| post.id == said.id);
    if !untold {
        return;
    }
    let Some(found) = look_up(api, &format!("/2/tweets/{}", said.id), &[("tweet.fields", "conversation_id")]).await else { return };
    let Some(root) = id_of(&found["data"]["conversation_id"]).filter(|root| *root != said.id) else { return };
    let customer = said.conversation.rsplit_once(':').map(|(_, customer)| customer.to_owned()).unwrap_or_default();
    said.conversation = posts::key(&root, &customer);
    if let Some(post) = said.post.as_mut() {
        post.url = Some(posts::address(&root));
        post.id = root;
    }
}

async fn look_up(api: &Api<'_>, path: &str, query: &[(&str, &str)]) -> Option<Value> {
    static KNOWN: LazyLock<Cache<String, Value>> = LazyLock::new(|| Cache::builder().max_capacity(5000).time_to_live(KEPT).build());
    let fields = query.first().map_or("", |(_, fields)| fields);
    let key = format!("{} {}{path} {fields}", api.way.channel.id, api.settings.base);
    let asking = KNOWN.optionally_get_with(key, async {
        match api.get(path, query).await {
            Ok(answer) => Some(answer),
            Err(Fault::Later { .. } | Fault::Unsure(_) | Fault::SignIn(_)) => None,
            // Who is suspended, and what is deleted, stays so for a while.
            Err(_) => Some(Value::Null),
        }
    });
    tokio::time::timeout(PATIENCE, asking).await.ok().flatten().filter(Value::is_object)
}
