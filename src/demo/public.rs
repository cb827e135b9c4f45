//! An X account and a place on Google: what is said about the shop in public, and a message beside it.

use serde::Deserialize;
use serde_json::json;

use super::plan::Plan;
use super::{cast, simulator};
use crate::app::App;
use crate::clock::Ts;
use crate::desk::changes::Change;
use crate::desk::channels::Channel;
use crate::desk::import;
use crate::desk::kinds::{ChannelKind, IdentityKind};
use crate::desk::networks::abilities::{Abilities, TextLimit};
use crate::desk::networks::parts::{self, NewPart};
use crate::desk::networks::say::Outlet;
use crate::desk::networks::take::{self, Door};
use crate::desk::networks::{Happening, Person, Post, Review, Said};
use crate::desk::tickets::reply::{self, NewReply};
use crate::ids::TicketId;
use crate::jobs::{self, Job};

/// Seconds between two words.
const PACE: i64 = 600;
/// The account and the place of the demo.
const ACCOUNT: &str = "700100200";
const PLACE: &str = "accounts/1122/locations/3344";

#[derive(Deserialize)]
struct Script {
    network: ChannelKind,
    key: String,
    /// The customer's, there.
    id: String,
    name: String,
    handle: String,
    language: String,
    /// How long ago it began, in minutes.
    ago: i64,
    /// Who answers, by their place in the plan.
    agent: usize,
    public: bool,
    post: String,
    post_text: String,
    post_author: String,
    stars: Option<u8>,
    /// `in` or `out`, and the words.
    words: Vec<(String, String)>,
}

/// Connects both to a stand-in of the demo's own, and writes what was said there.
pub async fn load_public(app: &App, plan: &Plan) -> anyhow::Result<()> {
    let base = format!("{}/demo/providers", simulator::own_address(app));
    let x = json!({ "base": format!("{base}/x"), "client_id": "demo", "handle": "bottegaginestra", "webhook_id": "1", "subscribed": ["dm.received", "post.mention.create"] });
    let google = json!({ "base": format!("{base}/google"), "accounts_base": format!("{base}/google"), "locations_base": format!("{base}/google"),
        "client_id": "demo", "location": PLACE, "title": "Bottega Ginestra, Fano" });
    let secrets =
        json!({ "consumer_secret": "demo", "bearer": "demo", "client_secret": "demo", "access_token": "demo", "refresh_token": "demo" });
    let known = [
        cast::connect(app, ChannelKind::X, "X @bottegaginestra", Some(ACCOUNT), x, &secrets).await?,
        cast::connect(app, ChannelKind::Google, "Google, Bottega Ginestra", Some(PLACE), google, &secrets).await?,
    ];
    let scripts: Vec<Script> = serde_json::from_str(include_str!("content/public.json"))?;
    for script in &scripts {
        if let Some(channel) = known.iter().find(|channel| channel.kind == script.network) {
            tell(app, plan, channel, script).await?;
        }
    }
    Ok(())
}

fn said(script: &Script, index: usize, words: &str, at: Ts) -> Said {
    let first = index == 0;
    let review = script.stars.filter(|_| first).map(|stars| Review { stars: Some(stars), recommends: None });
    let kind = if script.network == ChannelKind::X { IdentityKind::X } else { IdentityKind::Google };
    let subject = review
        .as_ref()
        .and_then(|review| review.stars)
        .map(|stars| if words.is_empty() { format!("{stars} stars") } else { format!("{stars} stars: {words}") });
    Said {
        id: if review.is_some() { script.id.clone() } else { format!("{}/{index}", script.key) },
        conversation: script.key.clone(),
        public: script.public,
        person: Person {
            identity: Some((kind, script.id.rsplit('/').next().unwrap_or(&script.id).to_owned())),
            name: script.name.clone(),
            handle: Some(script.handle.clone()).filter(|handle| !handle.is_empty()),
            ..Person::default()
        },
        text: words.to_owned(),
        at: Some(at),
        post: script.public.then(|| Post {
            id: script.post.clone(),
            url: Some(script.post.clone()),
            text: Some(script.post_text.clone()),
            author: Some(script.post_author.clone()),
            picture: None,
        }),
        review,
        subject: subject.unwrap_or_default(),
        language: Some(script.language.clone()),
        opens_window: true,
        ..Said::default()
    }
}

async fn tell(app: &App, plan: &Plan, channel: &Channel, script: &Script) -> anyhow::Result<()> {
    let Some(agent) = cast::agent(app, plan, script.agent).await? else { return Ok(()) };
    let abilities = Abilities { public_text: Some(TextLimit::Characters(5000)), ..Abilities::default() };
    let door = Door { channel, abilities: &abilities, delivery: None, patient: false };
    let mut ticket = None::<TicketId>;
    let began = Ts::now().plus_seconds(-60 * script.ago);
    for (index, (what, words)) in script.words.iter().enumerate() {
        let at = began.plus_seconds(PACE * i64::try_from(index).unwrap_or_default());
        let mut change = Change::begin(app).await?;
        match (what.as_str(), ticket) {
            ("out", Some(id)) => {
                let outlet = Outlet { channel: channel.id, abilities: abilities.clone(), private: false, template: None };
                let new = NewReply { body: words.clone(), outlet: Some(outlet), ..NewReply::default() };
                let message = reply::reply_apart(&mut change, &agent, id, &new).await?;
                // It has left long ago.
                jobs::cancel(&mut change, &Job::SendMessage { message }).await?;
                parts::plan(&mut change, channel.id, message, &[NewPart { body: words.clone(), ..NewPart::default() }]).await?;
                for part in parts::list(&mut change, message).await? {
                    parts::begin(&mut change, part.id).await?;
                    parts::taken(&mut change, channel.id, part.id, &format!("{}/{index}", script.key)).await?;
                }
            }
            _ => {
                let said = said(script, index, words, at);
                if let take::Taken::Kept(id) = take::take(&mut change, &door, &Happening::Said(Box::new(said)), &[]).await? {
                    ticket = Some(id);
                }
            }
        }
        change.commit().await?;
    }
    let Some(id) = ticket else { return Ok(()) };
    let mut change = Change::begin(app).await?;
    import::backdate(&mut change, id, 60 * script.ago, PACE).await?;
    change.commit().await?;
    Ok(())
}
