//! Asks Meta as which page we are let in, and has it send what the desk reads.

use crate::channels::facebook::graph;
use crate::channels::facebook::settings::Settings;
use crate::channels::meta::accounts::{look_at_token, subscribe};
use crate::channels::meta::events::text_of;
use crate::channels::meta::settings::Secrets;
use crate::channels::wire::reading::id_of;
use crate::channels::wire::{Health, Way};
use crate::desk::networks::Fault;

/// Everything that is read here.
const FIELDS: &[&str] = &[
    "messages",
    "message_echoes",
    "message_deliveries",
    "message_reads",
    "message_reactions",
    "message_edits",
    "messaging_postbacks",
    "messaging_referrals",
    "messaging_optins",
    "messaging_handovers",
    "messaging_policy_enforcement",
    "standby",
    "feed",
    "mention",
    "ratings",
];
/// What a desk cannot do without, for apps that may not have everything.
const NEEDED: &[&str] = &["messages", "message_echoes", "message_deliveries", "message_reads", "messaging_postbacks", "feed"];
/// What the sign-in has to allow.
const SCOPES: &[&str] = &[
    "pages_messaging",
    "pages_manage_metadata",
    "pages_show_list",
    "pages_read_engagement",
    "pages_read_user_content",
    "pages_manage_engagement",
];

/// Who we are; subscribes the page.
pub async fn check(way: &Way<'_>) -> Result<Health, Fault> {
    let graph = graph(way);
    let me = graph.get("me?fields=id,name,category").await.map_err(|fault| match fault {
        Fault::Permanent(words) if words.contains("category") => {
            Fault::SignIn("This is the token of a person, not of a page. Take the page’s own token from /me/accounts.".to_owned())
        }
        other => other,
    })?;
    let id = id_of(&me["id"]).ok_or_else(|| Fault::SignIn("Meta does not say which page this token is for.".to_owned()))?;
    let mut notes = Vec::new();
    match subscribe(&graph, &id, FIELDS, NEEDED).await {
        Ok(fields) => notes.push(format!("Subscribed: {}", fields.join(", "))),
        Err(Fault::SignIn(words)) => return Err(Fault::SignIn(words)),
        Err(fault) => notes.push(format!("The page could not be subscribed: {fault}")),
    }
    let settings: Settings = way.channel.settings().unwrap_or_default();
    let secrets: Secrets = way.channel.secrets(&way.app.keys);
    notes.extend(look_at_token(&graph, &settings.app_id, secrets.app_secrets.first().map_or("", String::as_str), SCOPES).await);
    Ok(Health { account: text_of(&me, "name").unwrap_or(&id).to_owned(), id, notes })
}
