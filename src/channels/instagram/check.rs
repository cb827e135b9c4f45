//! Asks Meta as which account we are let in, and has it send what the desk reads.

use crate::channels::instagram::graph;
use crate::channels::instagram::settings::{Settings, SignIn};
use crate::channels::meta::accounts::{look_at_token, subscribe};
use crate::channels::meta::events::text_of;
use crate::channels::meta::settings::Secrets;
use crate::channels::wire::reading::id_of;
use crate::channels::wire::{Health, Way};
use crate::desk::networks::Fault;

/// What accounts that sign in themselves are subscribed to.
const NEEDED: &[&str] = &["messages", "message_reactions", "messaging_postbacks", "messaging_seen", "comments"];
/// The same, with what not every app may have.
const FIELDS: &[&str] = &[
    "messages",
    "message_reactions",
    "messaging_postbacks",
    "messaging_seen",
    "comments",
    "live_comments",
    "mentions",
    "message_edit",
    "messaging_referral",
];
/// What the sign-in with Facebook has to allow.
const SCOPES: &[&str] =
    &["instagram_basic", "instagram_manage_messages", "instagram_manage_comments", "pages_manage_metadata", "pages_messaging"];

/// Who we are; subscribes the account.
pub async fn check(way: &Way<'_>) -> Result<Health, Fault> {
    let settings: Settings = way.channel.settings().unwrap_or_default();
    match settings.sign_in {
        SignIn::Facebook => with_facebook(way, &settings).await,
        SignIn::Instagram => with_instagram(way).await,
    }
}

async fn with_facebook(way: &Way<'_>, settings: &Settings) -> Result<Health, Fault> {
    let graph = graph(way);
    let me = graph.get("me?fields=id,name,instagram_business_account{id,username}").await?;
    let account = &me["instagram_business_account"];
    let (Some(page), Some(id)) = (id_of(&me["id"]), id_of(&account["id"])) else {
        let page = text_of(&me, "name").unwrap_or("This page").to_owned();
        return Err(Fault::SignIn(format!(
            "{page} has no Instagram account connected to it. Connect a professional account in the page’s settings."
        )));
    };
    let mut notes = vec![format!("Signed in through the page {}", text_of(&me, "name").unwrap_or(&page))];
    // The page carries the account's private messages; which fields of Instagram come is chosen in the dashboard of the app.
    match subscribe(&graph, &page, &["messages"], &["feed"]).await {
        Ok(fields) => notes.push(format!("Subscribed for the page: {}", fields.join(", "))),
        Err(Fault::SignIn(words)) => return Err(Fault::SignIn(words)),
        Err(fault) => notes.push(format!("The page could not be subscribed: {fault}")),
    }
    notes.push(format!(
        "In the dashboard of the app, under Webhooks, Instagram, these have to be subscribed: {}",
        ["messages", "message_reactions", "messaging_postbacks", "messaging_seen", "message_edit", "comments", "mentions"].join(", ")
    ));
    let secrets: Secrets = way.channel.secrets(&way.app.keys);
    notes.extend(look_at_token(&graph, &settings.app_id, secrets.app_secrets.first().map_or("", String::as_str), SCOPES).await);
    Ok(Health { account: handle(text_of(account, "username"), &id), id, notes })
}

async fn with_instagram(way: &Way<'_>) -> Result<Health, Fault> {
    let graph = graph(way);
    let me = graph.get("me?fields=id,user_id,username,name,account_type").await?;
    // `id` counts within the app only; webhooks name the account by `user_id`.
    let id = id_of(&me["user_id"]).ok_or_else(|| Fault::SignIn("Meta does not say which account this token is for.".to_owned()))?;
    let mut notes = Vec::new();
    if let Some(kind) = text_of(&me, "account_type") {
        notes.push(format!("A {} account", kind.to_lowercase().replace('_', " ")));
    }
    match subscribe(&graph, &id, FIELDS, NEEDED).await {
        Ok(fields) => notes.push(format!("Subscribed: {}", fields.join(", "))),
        Err(Fault::SignIn(words)) => return Err(Fault::SignIn(words)),
        Err(fault) => notes.push(format!("The account could not be subscribed: {fault}")),
    }
    if let Some(until) = way.channel.cursor["until"].as_i64().and_then(|at| jiff::Timestamp::from_second(at).ok()) {
        notes.push(format!("The sign-in lasts until {} and is renewed before", crate::clock::Ts(until)));
    }
    Ok(Health { account: handle(text_of(&me, "username"), &id), id, notes })
}

fn handle(username: Option<&str>, id: &str) -> String {
    username.map_or_else(|| id.to_owned(), |name| format!("@{name}"))
}
