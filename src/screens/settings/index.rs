//! All settings at a glance, each with its state.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use crate::app::App;
use crate::clock::Ts;
use crate::desk::spam::Filter;
use crate::desk::{agents, canned, channels, deliveries, sessions, webhooks};
use crate::http::Result;
use crate::http::page::{Icon, Shell, large_icon};
use crate::jobs;
use crate::screens::settings::{call_backs, counted, hours};

/// The routes of this page.
pub fn router() -> Router<App> {
    Router::new().route("/settings", get(show))
}

#[derive(Template)]
#[template(path = "screens/settings/index.html")]
struct IndexPage<'a> {
    shell: &'a Shell,
    groups: Vec<Group>,
}

struct Group {
    title: &'static str,
    cards: Vec<Card>,
}

struct Card {
    href: &'static str,
    icon: Icon,
    title: &'static str,
    state: String,
    /// Something here needs a person.
    alarm: bool,
}

fn card(href: &'static str, icon: &'static str, title: &'static str, state: impl Into<String>) -> Card {
    Card { href, icon: large_icon(icon), title, state: state.into(), alarm: false }
}

async fn show(State(app): State<App>, shell: Shell) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    let count = |count: usize, one, many| counted(i64::try_from(count).unwrap_or(i64::MAX), one, many);
    let replies = canned::list_detailed(&mut db, shell.agent.id, shell.is_lead()).await?;
    let mut languages: Vec<&str> = replies.iter().flat_map(|reply| reply.languages.iter().map(String::as_str)).collect();
    languages.sort_unstable();
    languages.dedup();
    let mut replies_state = count(replies.len(), "reply", "replies");
    if languages.len() > 1 {
        replies_state.push_str(&format!(" in {} languages", languages.len()));
    }
    let mut talking = vec![card("/settings/canned", "message-square-text", "Canned replies", replies_state)];
    let mut people = vec![card("/profile", "user", "Your profile", "Name, signature, photo, password, sign-ins")];
    let mut desk = Vec::new();
    if shell.is_lead() {
        talking.push(card("/settings/tags", "tag", "Tags", count(shell.directory.tags.len(), "tag", "tags")));
        let watch = &shell.directory.anger.settings;
        let edited = i64::try_from(watch.lists.len()).unwrap_or(0);
        let state = match (watch.words, edited) {
            (false, _) => "Words are not looked for".to_owned(),
            (true, 0) => "The first lists, in five languages".to_owned(),
            (true, edited) => format!("{} edited", counted(edited, "list", "lists")),
        };
        talking.push(card("/settings/anger", "zap", "Words of anger", state));
        let state = match (shell.directory.spam.settings.server, shell.directory.spam.settings.filter) {
            (true, Filter::Off) => "The mail server’s word counts",
            (false, Filter::Off) => "Only blocked senders are held",
            (_, Filter::Careful) => "Held when there is hardly a doubt",
            (_, Filter::Strict) => "Held strictly",
        };
        talking.push(card("/settings/spam", "circle-slash", "Spam", state));
        people.insert(0, card("/settings/teams", "building-2", "Teams", count(shell.directory.teams.len(), "team", "teams")));
    }
    if shell.is_admin() {
        let rows = channels::list(&mut db).await?;
        let broken = rows.iter().filter(|row| row.enabled && row.last_error.is_some()).count();
        let mut state = count(rows.len(), "channel", "channels");
        if broken > 0 {
            state.push_str(&format!("; {} you", count(broken, "needs", "need")));
        }
        talking.push(card("/settings/call-backs", "phone", "Call-backs", call_backs::summary(&shell.directory.call_backs)));
        talking.insert(0, Card { alarm: broken > 0, ..card("/settings/channels", "mail", "Channels", state) });

        let everyone = agents::list(&mut db).await?;
        let active = everyone.iter().filter(|person| person.disabled_at.is_none() && person.has_password).count();
        let invited = everyone.iter().filter(|person| person.disabled_at.is_none() && !person.has_password).count();
        let mut state = count(active, "person", "people");
        if invited > 0 {
            state.push_str(&format!(", {}", count(invited, "invitation open", "invitations open")));
        }
        people.insert(0, card("/settings/people", "users-round", "People", state));

        let rules = &shell.directory.approval;
        let state = match (rules.agent.any(), rules.lead.any()) {
            (false, false) => "Nobody’s public answers wait",
            (true, false) => "Agents’ public answers wait",
            (false, true) => "Team leads’ public answers wait",
            (true, true) => "Agents’ and team leads’ public answers wait",
        };
        talking.push(card("/settings/approval", "shield-alert", "Approval", state));

        let shop = &shell.directory.shop;
        desk.push(card("/settings/shop", "shopping-bag", "Shop", format!("{}, {}", shop.shop_name, shop.time_zone)));
        desk.push(card("/settings/hours", "clock", "Opening hours", hours::summary(&shell.directory.hours, Ts::now())));
        let tokens = sessions::api_tokens(&mut db).await?.iter().filter(|token| token.revoked_at.is_none()).count();
        desk.push(card("/settings/tokens", "key-round", "API tokens", count(tokens, "token", "tokens")));
        let (all, bad) = webhooks::health(&mut db).await?;
        let mut state = counted(all, "webhook", "webhooks");
        if bad > 0 {
            state.push_str(&format!("; {} you", counted(bad, "needs", "need")));
        }
        desk.push(Card { alarm: bad > 0, ..card("/settings/webhooks", "webhook", "Webhooks", state) });
        let stuck = deliveries::stuck(&mut db, 100).await?.len();
        let (dead, _) = jobs::health(&mut db).await?;
        let held = i64::try_from(stuck).unwrap_or(0) + dead;
        let state =
            if held == 0 { "Nothing is held back".to_owned() } else { format!("{} you", counted(held, "thing needs", "things need")) };
        desk.push(Card { alarm: held > 0, ..card("/settings/incoming", "package-open", "Held back", state) });
    }
    let groups = [("Talking to customers", talking), ("People", people), ("Desk", desk)];
    let groups = groups.into_iter().filter(|(_, cards)| !cards.is_empty()).map(|(title, cards)| Group { title, cards }).collect();
    shell.render(&IndexPage { shell: &shell, groups })
}
