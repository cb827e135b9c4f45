//! Bad reviews and angry comments, some put right, some not; and a public answer that waits for approval.

use axum::extract::State;
use axum::routing::any;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use super::plan::Plan;
use super::{cast, simulator};
use crate::app::App;
use crate::clock::Ts;
use crate::desk::anger::ringing;
use crate::desk::approvals::{self, Rule, Rules};
use crate::desk::changes::{Actor, Change};
use crate::desk::channels::{self, Channel};
use crate::desk::kinds::{ChannelKind, IdentityKind, Status};
use crate::desk::networks::abilities::{Abilities, PublicVerbs, TextLimit};
use crate::desk::networks::parts::{self, NewPart};
use crate::desk::networks::say::Outlet;
use crate::desk::networks::take::{self, Door};
use crate::desk::networks::{Happening, Notice, Person, Post, Review, Said};
use crate::desk::tickets::reply::{self, NewReply};
use crate::desk::tickets::update;
use crate::desk::{directory, import};
use crate::ids::{MessageId, TicketId};
use crate::jobs::{self, Job};
use crate::secrets;

/// Seconds between two words.
const PACE: i64 = 900;

#[derive(Deserialize)]
struct Script {
    network: ChannelKind,
    id: String,
    name: String,
    language: String,
    /// How long ago it began, in minutes.
    ago: i64,
    /// Who answers, by their place in the plan.
    agent: usize,
    #[serde(default)]
    stars: Option<u8>,
    #[serde(default)]
    recommends: Option<bool>,
    #[serde(default)]
    followers: Option<i64>,
    /// What it stands under.
    #[serde(default)]
    post: Option<String>,
    /// Whoever answers has taken it.
    #[serde(default)]
    take: bool,
    /// What happens, and its words: `in`, `out`, `private`, `hold`, `edit`, `remove`, `rate`, `solve`.
    words: Vec<(String, String)>,
}

/// Answers for the shop's own program: whatever is said there arrives.
pub fn router() -> Router<App> {
    Router::new().route("/demo/providers/reviews", any(accept))
}

async fn accept(State(_): State<App>) -> Json<serde_json::Value> {
    let id = format!("demo-{}", Ts::now().0.as_microsecond());
    Json(json!({ "id": id, "message_id": id, "recipient_id": "demo", "success": true }))
}

/// Connects a page and the reviews of the shop's products, and writes what was said there.
pub async fn load_reviews(app: &App, plan: &Plan) -> anyhow::Result<()> {
    let scripts: Vec<Script> = serde_json::from_str(include_str!("content/reviews.json"))?;
    let own = simulator::own_address(app);
    let page = json!({ "base": format!("{own}/demo/providers/facebook") });
    let sealed = json!({ "token": "demo", "app_secrets": [secrets::token()], "verify_token": "demo" });
    let page = connect(app, ChannelKind::Facebook, "Facebook Bottega Ginestra", Some("700200"), page, sealed).await?;
    let shop = json!({ "url": format!("{own}/demo/providers/reviews"), "public": true });
    let shop = connect(
        app,
        ChannelKind::Api,
        "Product reviews",
        Some("reviews"),
        shop,
        json!({ "key": hex::encode(secrets::hash(&secrets::token())), "outgoing": secrets::token() }),
    )
    .await?;
    let mut change = Change::begin(app).await?;
    let rules = Rules { agent: Rule { all: false, channels: vec![page.id] }, ..Rules::default() };
    directory::update_approval(&mut change, &rules).await?;
    change.touch_settings();
    change.commit().await?;
    for script in &scripts {
        tell(app, plan, if script.network == page.kind { &page } else { &shop }, script).await?;
    }
    Ok(())
}

/// Connects a channel that can be answered at once.
async fn connect(
    app: &App,
    kind: ChannelKind,
    name: &str,
    address: Option<&str>,
    settings: serde_json::Value,
    secrets: serde_json::Value,
) -> anyhow::Result<Channel> {
    let channel = cast::connect(app, kind, name, address, settings, &secrets).await?;
    let mut change = Change::begin(app).await?;
    channels::set_abilities(&mut change, channel.id, Some(&abilities())).await?;
    change.touch_settings();
    change.commit().await?;
    Ok(channel)
}

/// Until the channels' own folders say better, which they do as soon as the workers start.
fn abilities() -> Abilities {
    Abilities {
        public_text: Some(TextLimit::Characters(8000)),
        public: PublicVerbs { private_reply_days: Some(30), ..PublicVerbs::default() },
        ..Abilities::default()
    }
}

async fn tell(app: &App, plan: &Plan, channel: &Channel, script: &Script) -> anyhow::Result<()> {
    let Some(agent) = cast::agent(app, plan, script.agent).await? else { return Ok(()) };
    let abilities = abilities();
    let door = Door { channel, abilities: &abilities, delivery: None, patient: false };
    let mut ticket = None::<TicketId>;
    let began = Ts::now().plus_seconds(-60 * script.ago);
    for (index, (what, words)) in script.words.iter().enumerate() {
        let at = began.plus_seconds(PACE * i64::try_from(index).unwrap_or_default());
        let mut change = Change::begin(app).await?;
        let noticed = |notice| Happening::Noticed { target: script.id.clone(), notice };
        match (what.as_str(), ticket) {
            ("in", _) => {
                if let take::Taken::Kept(id) = take::take(&mut change, &door, &Happening::Said(Box::new(said(script, words))), &[]).await? {
                    ticket = Some(id);
                }
            }
            ("out" | "private" | "hold", Some(id)) => {
                let outlet = Outlet { channel: channel.id, abilities: abilities.clone(), private: what == "private", template: None };
                let new = NewReply { body: words.clone(), outlet: Some(outlet), ..NewReply::default() };
                if what == "hold" {
                    approvals::reply_or_hold(&mut change, &agent, id, &new).await?;
                } else {
                    // What was said long ago was approved long ago.
                    let message = reply::reply_approved(&mut change, &agent, id, &new, &[]).await?;
                    leave(&mut change, channel, message, &format!("{}:{index}", script.id), words).await?;
                }
            }
            ("edit", _) => {
                let edited = noticed(Notice::Edited { text: words.clone(), at: Some(at) });
                take::take(&mut change, &door, &edited, &[]).await?;
            }
            ("remove", _) => drop(take::take(&mut change, &door, &noticed(Notice::Removed { at: Some(at) }), &[]).await?),
            ("rate", _) => {
                let review = Review { stars: words.parse().ok(), recommends: None };
                take::take(&mut change, &door, &noticed(Notice::Rated { review }), &[]).await?;
            }
            ("solve", Some(id)) => update::set_status(&mut change, Actor::Agent(agent.id), id, Status::Solved, None).await?,
            _ => {}
        }
        change.commit().await?;
    }
    let Some(id) = ticket else { return Ok(()) };
    let mut change = Change::begin(app).await?;
    if script.take {
        ringing::take(&mut change, agent.id, id).await?;
    }
    import::backdate(&mut change, id, 60 * script.ago, PACE).await?;
    import::backdate_anger(&mut change, id, 60 * script.ago).await?;
    change.commit().await?;
    Ok(())
}

fn said(script: &Script, words: &str) -> Said {
    let rated = script.stars.is_some() || script.recommends.is_some();
    Said {
        id: script.id.clone(),
        conversation: format!("{}:{}", if rated { "review" } else { "comment" }, script.id),
        public: true,
        person: Person {
            identity: Some((
                if script.network == ChannelKind::Facebook { IdentityKind::Facebook } else { IdentityKind::External },
                script.id.clone(),
            )),
            name: script.name.clone(),
            followers: script.followers,
            ..Person::default()
        },
        text: words.to_owned(),
        post: script.post.as_ref().map(|text| Post { id: format!("post-{}", script.id), text: Some(text.clone()), ..Post::default() }),
        review: rated.then_some(Review { stars: script.stars, recommends: script.recommends }),
        language: Some(script.language.clone()),
        ..Said::default()
    }
}

/// It has left long ago.
async fn leave(change: &mut Change, channel: &Channel, message: MessageId, id: &str, words: &str) -> sqlx::Result<()> {
    jobs::cancel(change, &Job::SendMessage { message }).await?;
    parts::plan(change, channel.id, message, &[NewPart { body: words.to_owned(), ..NewPart::default() }]).await?;
    for part in parts::list(change, message).await? {
        parts::begin(change, part.id).await?;
        parts::taken(change, channel.id, part.id, id).await?;
    }
    Ok(())
}
