//! A page on Facebook: its private messages (Messenger) and what is said in public on it. Source: developers.facebook.com, Graph API v25.

pub mod check;
pub mod complete;
pub mod parse;
pub mod settings;

use futures_util::future::BoxFuture;
use http::Method;
use serde_json::json;

use crate::app::App;
use crate::channels::meta::messages::{self, Dialect};
use crate::channels::meta::settings::Secrets;
use crate::channels::meta::{self, Graph, attachments, events};
use crate::channels::wire::hooks::{Answer, Hook};
use crate::channels::wire::{Act, Guide, Health, Network, Pace, Receipt, Recipient, Sign, Way};
use crate::desk::channels::Channel;
use crate::desk::envelope::{IncomingFile, OutgoingFile};
use crate::desk::networks::abilities::{Abilities, FileRule, PublicVerbs, TextLimit, WindowRule};
use crate::desk::networks::parts::{NewPart, Part};
use crate::desk::networks::{Element, Fault, Media, Said};
use crate::desk::tickets::thread::Message;

use settings::Settings;

/// The network.
pub struct Facebook;

/// A way into the Graph API as this channel's page.
pub fn graph<'a>(way: &'a Way<'a>) -> Graph<'a> {
    let settings: Settings = way.channel.settings().unwrap_or_default();
    let secrets: Secrets = way.channel.secrets(&way.app.keys);
    Graph {
        way,
        base: format!("{}/{}", settings.base.trim_end_matches('/'), settings.version),
        token: secrets.token,
        app_secret: secrets.app_secrets.into_iter().next().filter(|_| settings.prove).unwrap_or_default(),
    }
}

impl Network for Facebook {
    fn guide(&self) -> Guide {
        Guide {
            fields: settings::FIELDS,
            steps: &[
                "On developers.facebook.com, make an app of the type Business and add Messenger and Webhooks to it.",
                "Let the app have pages_messaging, pages_manage_metadata, pages_read_engagement, pages_read_user_content and pages_manage_engagement, and take the page’s own access token.",
                "Enter the token and the app’s secret below and press “Save and test it”: the page is subscribed then.",
                "In the app, under Webhooks, Page, enter the address and the verify token shown here, and subscribe the same fields.",
            ],
            ids: "the page’s id",
            hook_by_hand: true,
        }
    }

    fn abilities(&self, channel: &Channel) -> Abilities {
        let settings: Settings = channel.settings().unwrap_or_default();
        Abilities {
            text: TextLimit::Characters(2000),
            public_text: Some(TextLimit::Characters(8000)),
            splits: true,
            files: Some(FileRule { max_picture: 25 << 20, max_animation: None, max_other: 25 << 20, types: Vec::new(), max_count: 10 }),
            choices: Some((13, 20)),
            window: Some(WindowRule { free: 24 * 3600, human: settings.human_agent.then_some(7 * 24 * 3600), templates: false }),
            public: PublicVerbs { hide: true, like: true, delete: true, private_reply_days: Some(7), ..PublicVerbs::default() },
            marks: true,
            quotes: true,
            ..Abilities::default()
        }
    }

    fn admit(&self, app: &App, channel: &Channel, hook: &Hook) -> Answer {
        meta::admit_by(&channel.secrets(&app.keys), hook)
    }

    fn speaks_for(&self, app: &App, signed: &Channel, other: &Channel) -> bool {
        meta::share_an_app(app, signed, other)
    }

    fn read(&self, _channel: &Channel, raw: &[u8]) -> Vec<Element> {
        events::read(raw)
    }

    fn fetch<'a>(&'a self, way: &'a Way<'a>, media: &'a Media) -> BoxFuture<'a, Result<IncomingFile, Fault>> {
        Box::pin(attachments::fetch(way, media))
    }

    fn complete<'a>(&'a self, way: &'a Way<'a>, said: &'a mut Said) -> BoxFuture<'a, ()> {
        Box::pin(complete::complete(way, said))
    }

    fn plan(&self, channel: &Channel, message: &Message, files: &[OutgoingFile]) -> Vec<NewPart> {
        messages::plan(&self.abilities(channel), message, files)
    }

    fn send<'a>(
        &'a self,
        way: &'a Way<'a>,
        to: &'a Recipient,
        _message: &'a Message,
        part: &'a Part,
        files: &'a [OutgoingFile],
    ) -> BoxFuture<'a, Result<Receipt, Fault>> {
        Box::pin(async move {
            let graph = graph(way);
            if let Some(target) = &to.private_reply_to {
                // A post is named as a post, a comment as a comment.
                let key = if to.conversation.strip_prefix("post:") == Some(target) { "post_id" } else { "comment_id" };
                return messages::send_to_author(&graph, Dialect::Messenger, json!({ key: target }), &self.abilities(way.channel), part)
                    .await;
            }
            if to.public { answer(&graph, to, part).await } else { messages::send(&graph, Dialect::Messenger, to, part, files).await }
        })
    }

    fn act<'a>(&'a self, way: &'a Way<'a>, target: &'a str, act: Act) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let graph = graph(way);
            let hidden = |hide: bool| if hide { "true" } else { "false" };
            match act {
                Act::Hide(hide) => messages::change_publicly(&graph, Method::POST, target, &[("is_hidden", hidden(hide))]).await,
                Act::Like(true) => messages::change_publicly(&graph, Method::POST, &format!("{target}/likes"), &[]).await,
                Act::Like(false) => messages::change_publicly(&graph, Method::DELETE, &format!("{target}/likes"), &[]).await,
                Act::Delete => messages::change_publicly(&graph, Method::DELETE, target, &[]).await,
            }
        })
    }

    fn tell<'a>(&'a self, way: &'a Way<'a>, to: &'a Recipient, sign: Sign) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move { messages::tell(&graph(way), to, sign).await })
    }

    fn check<'a>(&'a self, way: &'a Way<'a>) -> BoxFuture<'a, Result<Health, Fault>> {
        Box::pin(check::check(way))
    }

    fn pace(&self) -> Pace {
        Pace { per_second: 40, per_recipient: 0 }
    }
}

/// Answers in public: under the customer's newest comment, else under what the conversation is about.
async fn answer(graph: &Graph<'_>, to: &Recipient, part: &Part) -> Result<Receipt, Fault> {
    if part.file.is_some() {
        return Err(Fault::Permanent("Files cannot go with public answers here.".to_owned()));
    }
    let about = match to.conversation.split_once(':') {
        Some(("comment", rest)) => rest.rsplit_once(':').map(|(_, top)| top),
        Some(("post" | "mention" | "review", id)) => Some(id),
        _ => None,
    };
    let target = to.reply_to.as_deref().or(to.newest.as_deref()).or(about);
    let target = target.ok_or_else(|| Fault::Permanent("There is nothing left to answer.".to_owned()))?;
    messages::post_publicly(graph, &format!("{target}/comments"), &[("message", &part.body)]).await
}
