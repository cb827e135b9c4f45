//! Telegram: a bot that customers write to. Source: core.telegram.org/bots/api, Bot API 9.

pub mod parse;
pub mod send;
pub mod settings;

use futures_util::future::BoxFuture;
use subtle::ConstantTimeEq as _;

use crate::app::App;
use crate::channels::wire::hooks::{self, Answer, Hook, Reply};
use crate::channels::wire::{Guide, Health, Network, Pace, Receipt, Recipient, Sign, Way};
use crate::desk::channels::Channel;
use crate::desk::envelope::{IncomingFile, OutgoingFile};
use crate::desk::networks::abilities::{Abilities, FileRule, TextLimit};
use crate::desk::networks::parts::{NewPart, Part};
use crate::desk::networks::{Element, Fault, Media};
use crate::desk::tickets::thread::Message;

use settings::Secrets;

/// The network.
pub struct Telegram;

impl Network for Telegram {
    fn guide(&self) -> Guide {
        Guide {
            fields: settings::FIELDS,
            steps: &[
                "In Telegram, write to @BotFather: /newbot, and choose a name and a username for your shop’s bot.",
                "Copy the token that BotFather answers with, and enter it below.",
                "Press “Save and test it”: Sportello tells Telegram by itself where to send what customers write.",
            ],
            ids: "the bot’s number",
            hook_by_hand: false,
        }
    }

    fn abilities(&self, _channel: &Channel) -> Abilities {
        Abilities {
            text: TextLimit::Utf16(4096),
            splits: true,
            files: Some(FileRule { max_picture: 10 << 20, max_animation: None, max_other: 20 << 20, types: Vec::new(), max_count: 10 }),
            choices: Some((8, 40)),
            marks: true,
            reactions: ["👍", "❤", "🎉", "👏", "😢", "🙏"].map(str::to_owned).to_vec(),
            quotes: true,
            ..Abilities::default()
        }
    }

    fn admit(&self, app: &App, channel: &Channel, hook: &Hook) -> Answer {
        let secrets: Secrets = channel.secrets(&app.keys);
        let given = hook.header("x-telegram-bot-api-secret-token").unwrap_or_default();
        let same: bool = given.as_bytes().ct_eq(secrets.hook_token.as_bytes()).into();
        if !same || secrets.hook_token.is_empty() { Answer::Refuse } else { Answer::Take(Reply::text("")) }
    }

    fn read(&self, channel: &Channel, raw: &[u8]) -> Vec<Element> {
        parse::read(channel, raw)
    }

    fn fetch<'a>(&'a self, way: &'a Way<'a>, media: &'a Media) -> BoxFuture<'a, Result<IncomingFile, Fault>> {
        Box::pin(send::fetch(way, media))
    }

    fn plan(&self, channel: &Channel, message: &Message, files: &[OutgoingFile]) -> Vec<NewPart> {
        send::plan(&self.abilities(channel), message, files)
    }

    fn send<'a>(
        &'a self,
        way: &'a Way<'a>,
        to: &'a Recipient,
        _message: &'a Message,
        part: &'a Part,
        files: &'a [OutgoingFile],
    ) -> BoxFuture<'a, Result<Receipt, Fault>> {
        Box::pin(send::send(way, to, part, files))
    }

    fn react<'a>(
        &'a self,
        way: &'a Way<'a>,
        to: &'a Recipient,
        target: &'a str,
        emoji: Option<&'a str>,
    ) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(send::react(way, to, target, emoji))
    }

    fn tell<'a>(&'a self, way: &'a Way<'a>, to: &'a Recipient, sign: Sign) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(send::tell(way, to, sign))
    }

    fn check<'a>(&'a self, way: &'a Way<'a>) -> BoxFuture<'a, Result<Health, Fault>> {
        let hook = hooks::address(way.app, way.channel.kind, way.channel.id);
        Box::pin(async move { send::check(way, &hook).await })
    }

    fn pace(&self) -> Pace {
        Pace { per_second: 30, per_recipient: 1 }
    }
}
