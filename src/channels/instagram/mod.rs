//! An account on Instagram: its private messages, comments and mentions, by either way of signing in. Source: developers.facebook.com,
//! Instagram Platform, Graph API v25.

pub mod check;
pub mod complete;
pub mod parse;
pub mod settings;
pub mod tokens;

use futures_util::future::BoxFuture;
use http::Method;
use serde_json::json;

use crate::app::App;
use crate::channels::meta::messages::{self, Dialect};
use crate::channels::meta::settings::Secrets;
use crate::channels::meta::{self, Graph, attachments, events};
use crate::channels::wire::hooks::{Answer, Hook};
use crate::channels::wire::{Act, Guide, Health, Network, Pace, Polled, Receipt, Recipient, Sign, Way};
use crate::desk::channels::Channel;
use crate::desk::envelope::{IncomingFile, OutgoingFile};
use crate::desk::networks::abilities::{Abilities, FileRule, PublicVerbs, TextLimit, WindowRule};
use crate::desk::networks::parts::{NewPart, Part};
use crate::desk::networks::{Element, Fault, Media, Said};
use crate::desk::tickets::thread::Message;

use settings::{Settings, SignIn};

/// The network.
pub struct Instagram;

/// The media types that go with a message, by their beginning.
const TYPES: &[&str] = &["image/png", "image/jpeg", "image/gif", "audio/", "video/", "application/pdf"];

/// A way into the Graph API as this channel's account.
pub fn graph<'a>(way: &'a Way<'a>) -> Graph<'a> {
    let settings: Settings = way.channel.settings().unwrap_or_default();
    let secrets: Secrets = way.channel.secrets(&way.app.keys);
    let prove = settings.prove && settings.sign_in == SignIn::Facebook;
    Graph {
        way,
        base: format!("{}/{}", settings.host(), settings.version),
        token: secrets.token,
        app_secret: secrets.app_secrets.into_iter().next().filter(|_| prove).unwrap_or_default(),
    }
}

/// The account in paths: to a page's token `me` is the page.
pub fn account_path(channel: &Channel) -> String {
    channel.address.clone().unwrap_or_else(|| "me".to_owned())
}

impl Network for Instagram {
    fn guide(&self) -> Guide {
        Guide {
            fields: settings::FIELDS,
            steps: &[
                "Make the Instagram account a professional one, and allow access to its messages in its settings.",
                "On developers.facebook.com, add Instagram to your app. Sign in through the connected page (its access token), or as the account itself (an Instagram token).",
                "Enter the token and the secrets below and press “Save and test it”.",
                "In the app, under Webhooks, Instagram, enter the address and the verify token shown here, and subscribe messages, message_reactions, messaging_postbacks, messaging_seen, comments and mentions.",
            ],
            ids: "the Instagram account’s id",
            hook_by_hand: true,
        }
    }

    fn abilities(&self, channel: &Channel) -> Abilities {
        let settings: Settings = channel.settings().unwrap_or_default();
        Abilities {
            text: TextLimit::Bytes(1000),
            public_text: Some(TextLimit::Characters(2200)),
            splits: true,
            files: Some(FileRule {
                max_picture: 8 << 20,
                max_animation: None,
                max_other: 25 << 20,
                types: TYPES.iter().map(|&kind| kind.to_owned()).collect(),
                max_count: 10,
            }),
            choices: Some((13, 20)),
            window: Some(WindowRule { free: 24 * 3600, human: settings.human_agent.then_some(7 * 24 * 3600), templates: false }),
            public: PublicVerbs { hide: true, delete: true, private_reply_days: Some(7), ..PublicVerbs::default() },
            marks: true,
            reactions: ["❤️"].map(str::to_owned).to_vec(),
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
            if let Some(comment) = &to.private_reply_to {
                let recipient = json!({ "comment_id": comment });
                return messages::send_to_author(&graph, Dialect::Instagram, recipient, &self.abilities(way.channel), part).await;
            }
            if to.public {
                answer(&graph, way.channel, to, part).await
            } else {
                messages::send(&graph, Dialect::Instagram, to, part, files).await
            }
        })
    }

    fn act<'a>(&'a self, way: &'a Way<'a>, target: &'a str, act: Act) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let graph = graph(way);
            match act {
                Act::Hide(hide) => {
                    let hide = if hide { "true" } else { "false" };
                    messages::change_publicly(&graph, Method::POST, target, &[("hide", hide)]).await
                }
                Act::Delete => messages::change_publicly(&graph, Method::DELETE, target, &[]).await,
                Act::Like(_) => Err(Fault::Permanent("Instagram lets no app like comments.".to_owned())),
            }
        })
    }

    fn react<'a>(
        &'a self,
        way: &'a Way<'a>,
        to: &'a Recipient,
        target: &'a str,
        emoji: Option<&'a str>,
    ) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move { messages::react(&graph(way), to, target, emoji.is_some()).await })
    }

    fn tell<'a>(&'a self, way: &'a Way<'a>, to: &'a Recipient, sign: Sign) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move { messages::tell(&graph(way), to, sign).await })
    }

    fn check<'a>(&'a self, way: &'a Way<'a>) -> BoxFuture<'a, Result<Health, Fault>> {
        Box::pin(check::check(way))
    }

    fn polls(&self, channel: &Channel) -> bool {
        channel.settings::<Settings>().is_ok_and(|settings| settings.sign_in == SignIn::Instagram)
    }

    fn poll<'a>(&'a self, way: &'a Way<'a>) -> BoxFuture<'a, Result<Polled, Fault>> {
        Box::pin(tokens::keep_fresh(way))
    }

    fn pace(&self) -> Pace {
        Pace { per_second: 40, per_recipient: 0 }
    }
}

/// Answers in public: a comment by a reply to it, a mention where it was made.
async fn answer(graph: &Graph<'_>, channel: &Channel, to: &Recipient, part: &Part) -> Result<Receipt, Fault> {
    if part.file.is_some() {
        return Err(Fault::Permanent("Files cannot go with public answers here.".to_owned()));
    }
    let gone = || Fault::Permanent("There is nothing left to answer.".to_owned());
    match to.conversation.split_once(':') {
        Some(("mention", id)) => {
            let settings: Settings = channel.settings().unwrap_or_default();
            if settings.sign_in == SignIn::Instagram {
                return Err(Fault::Permanent(
                    "Mentions can be answered only by accounts that sign in with Facebook. Answer in Instagram itself.".to_owned(),
                ));
            }
            let media = to.post.as_deref().ok_or_else(gone)?;
            let mut fields = vec![("media_id", media), ("message", &*part.body)];
            if media != id {
                fields.push(("comment_id", id));
            }
            messages::post_publicly(graph, &format!("{}/mentions", account_path(channel)), &fields).await
        }
        Some(("comment", rest)) => {
            let top = rest.rsplit_once(':').map(|(_, top)| top);
            let target = to.reply_to.as_deref().or(to.newest.as_deref()).or(top).ok_or_else(gone)?;
            messages::post_publicly(graph, &format!("{target}/replies"), &[("message", &part.body)]).await
        }
        _ => Err(gone()),
    }
}
